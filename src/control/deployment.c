/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deployments: ReplicaSets one after the other.
 * https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 *
 * A deployment never touches pods: it makes a ReplicaSet for each template it was given and moves
 * replicas from the old ones to the newest. A change of spec.replicas (told by an annotation that
 * every ReplicaSet carries) is shared out first, by proportion, so that scaling does not hasten a
 * rollout; while paused only that happens. Going back to an old template finds its ReplicaSet
 * again.
 */
#include <string.h>

#include "control/absence.h"
#include "control/controllers.h"
#include "control/deployment_intern.h"
#include "control/object_list.h"
#include "control/owner.h"
#include "control/percent.h"
#include "control/pod_state.h"
#include "object/kinds.h"
#include "json/json.h"

/* Both 0 would allow no step at all: then one pod may be unavailable. */
static void read_bounds(struct rollout *rollout)
{
	const json_t *rolling = json_at(rollout->tree, "spec.strategy.rollingUpdate");

	if (rollout->recreate) {
		return;
	}
	rollout->max_surge =
		percent_of(json_object_get(rolling, "maxSurge"), rollout->replicas, PERCENT_UP, 0);
	rollout->max_unavailable = percent_of(json_object_get(rolling, "maxUnavailable"),
					      rollout->replicas, PERCENT_DOWN, 0);
	if (rollout->max_surge <= 0 && rollout->max_unavailable <= 0) {
		rollout->max_surge = 0;
		rollout->max_unavailable = 1;
	}
	if (rollout->max_unavailable > rollout->replicas) {
		rollout->max_unavailable = rollout->replicas;
	}
}

static void rollout_init(struct rollout *rollout, const struct view *view, struct object *object,
			 struct plan *plan)
{
	const json_t *tree = object_tree(object);
	int64_t deadline = json_int_at(tree, "spec.progressDeadlineSeconds", INT32_MAX);

	*rollout = (struct rollout){
		.view = view,
		.plan = plan,
		.object = object,
		.tree = tree,
		.replicas = json_int_at(tree, "spec.replicas", 1),
		.deadline = deadline != INT32_MAX ? deadline : 0,
		.collisions = json_int_at(tree, "status.collisionCount", 0),
		.recreate = strcmp(json_string_at(tree, "spec.strategy.type"), "Recreate") == 0,
		.paused = json_bool_at(tree, "spec.paused", false),
	};
	read_bounds(rollout);
}

/* An active ReplicaSet was sized for another spec.replicas. */
static bool is_scaling(const struct rollout *rollout)
{
	for (size_t i = 0; i < rollout->n_sets; i++) {
		const struct rollout_set *set = &rollout->sets[i];

		if (set->replicas > 0 && set->desired >= 0 && set->desired != rollout->replicas) {
			return true;
		}
	}
	return false;
}

/* A pod of an old ReplicaSet is still there, in whatever state but finished. */
static bool old_pods_remain(const struct rollout *rollout)
{
	for (size_t i = 0; i < rollout->n_sets; i++) {
		const struct rollout_set *set = &rollout->sets[i];

		if (set == rollout->fresh) {
			continue;
		}
		if (set->running > 0) {
			return true;
		}
		cache_for_index (pod, rollout->view->cache, &kind_pod, CACHE_BY_OWNER,
				 str_from(object_uid(set->object))) {
			if (owner_controls(set->object, pod) && !pod_is_finished(pod)) {
				return true;
			}
		}
	}
	return false;
}

/* Recreate: all old pods go before the first new one comes. */
static void recreate(struct rollout *rollout)
{
	bool scaled = false;

	rollout_sync_fresh(rollout, /* create= */ false);
	for (size_t i = 0; i < rollout->n_sets; i++) {
		if (&rollout->sets[i] != rollout->fresh && rollout->sets[i].replicas > 0) {
			scaled |= rollout_scale_set(rollout, &rollout->sets[i], 0);
		}
	}
	if (!scaled && !old_pods_remain(rollout)) {
		if (rollout->fresh == NULL) {
			rollout_sync_fresh(rollout, /* create= */ true);
		}
		rollout_scale_set(rollout, rollout->fresh, rollout->replicas);
		if (rollout_is_complete(rollout, json_object_get(rollout->tree, "status"))) {
			rollout_clean_up(rollout);
		}
	}
	rollout_plan_status(rollout, /* rolling= */ true);
}

static void roll(struct rollout *rollout)
{
	rollout_sync_fresh(rollout, /* create= */ true);
	if (!rollout_roll(rollout) &&
	    rollout_is_complete(rollout, json_object_get(rollout->tree, "status"))) {
		rollout_clean_up(rollout);
	}
	rollout_plan_status(rollout, /* rolling= */ true);
}

static void sync_rollout(struct rollout *rollout)
{
	if (object_is_deleting(rollout->object) ||
	    space_is_ending(rollout->view, rollout->object->space)) {
		rollout_plan_status(rollout, /* rolling= */ false);
	} else if (rollout->paused || is_scaling(rollout)) {
		rollout_sync_fresh(rollout, /* create= */ false);
		rollout_share(rollout);
		if (rollout->paused) {
			rollout_clean_up(rollout);
		}
		rollout_plan_status(rollout, /* rolling= */ false);
	} else if (rollout->recreate) {
		recreate(rollout);
	} else {
		roll(rollout);
	}
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct object_list owned _cleanup_object_list_ = { 0 };
	struct rollout rollout;
	struct str space;
	struct str name;

	key_split(key, &space, &name);
	struct object *object = cache_get(view->cache, &kind_deployment, space, name);
	struct selector *selector = object != NULL ? owner_selector(object) : NULL;

	if (selector != NULL &&
	    owner_claim(view, object, &kind_replica_set, selector, NULL, plan, &owned) == 0) {
		rollout_init(&rollout, view, object, plan);
		rollout_take_sets(&rollout, &owned);
		sync_rollout(&rollout);
		rollout_deinit(&rollout);
	}
	selector_free(selector);
}

static void keys_of_set(const struct cache *cache, struct object *old, struct object *now,
			struct key_sink *sink)
{
	owner_keys(cache, old, now, &kind_deployment, sink);
}

/* Recreate waits for the last old pod to go. */
static void keys_of_pod(const struct cache *cache, struct object *old, struct object *now,
			struct key_sink *sink)
{
	const json_t *controller = old != NULL ? object_controller(old) : NULL;

	if (now != NULL && !pod_is_finished(now)) {
		return;
	}
	struct object *set =
		cache_get(cache, &kind_replica_set, old != NULL ? old->space : STR_NONE,
			  str_from(json_string_at(controller, "name")));

	if (controller != NULL && set != NULL) {
		owner_keys(cache, set, set, &kind_deployment, sink);
	}
}

static void prepare(struct cache *cache)
{
	owner_prepare(cache, &kind_replica_set);
}

const struct controller controller_deployment = {
	.name = "deployment-controller",
	.sources = {
		{ .kind = &kind_deployment, .keys = source_self },
		{ .kind = &kind_replica_set, .keys = keys_of_set },
		{ .kind = &kind_pod, .keys = keys_of_pod },
	},
	.also = { &kind_namespace },
	.reconcile = reconcile,
	.prepare = prepare,
};
