/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StatefulSets: pods with a name and a place in a row.
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
 *
 * One reconcile looks at all pods of the set and takes the next step: with OrderedReady that is at
 * most one pod, and only when every pod before it is running, ready and available (for removal:
 * when no other pod is in trouble); with Parallel it is all of them at once. Creating and scaling
 * down come before updating. A pod is never replaced before it has fully gone, because its
 * successor has the same name: two of one ordinal cannot be.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/absence.h"
#include "control/controllers.h"
#include "control/owner.h"
#include "control/pod_state.h"
#include "control/statefulset_intern.h"
#include "control/status.h"
#include "object/kinds.h"
#include "json/json.h"

static void set_init(struct set *set, const struct view *view, struct object *object,
		     struct plan *plan)
{
	const json_t *tree = object_tree(object);

	*set = (struct set){
		.view = view,
		.plan = plan,
		.object = object,
		.start = json_int_at(tree, "spec.ordinals.start", 0),
		.replicas = json_int_at(tree, "spec.replicas", 1),
		.min_ready = json_int_at(tree, "spec.minReadySeconds", 0),
		.ordered =
			strcmp(json_string_at(tree, "spec.podManagementPolicy"), "Parallel") != 0,
		.rolling =
			strcmp(json_string_at(tree, "spec.updateStrategy.type"), "OnDelete") != 0,
		.partition = json_int_at(tree, "spec.updateStrategy.rollingUpdate.partition", 0),
	};
}

static int compare_ordinals(const void *a, const void *b)
{
	const struct set_pod *first = a;
	const struct set_pod *second = b;

	return (first->ordinal > second->ordinal) - (first->ordinal < second->ordinal);
}

/* Sorts what the set owns by ordinal. What has no ordinal of this set is left alone. */
static void set_take_pods(struct set *set, const struct object_list *owned)
{
	set->pods = mem_alloc_array(owned->n + 1, sizeof(*set->pods));
	for (size_t i = 0; i < owned->n; i++) {
		struct object *object = owned->items[i];
		int64_t ordinal = statefulset_ordinal(set->object->name, object->name);
		uint64_t wait = pod_available_in(object, set->min_ready, set->view->now);
		struct set_pod pod = {
			.object = object,
			.ordinal = ordinal,
			.terminating = object_is_deleting(object),
			.ready = pod_is_running_and_ready(object),
			.updated = strcmp(object_label(object, HISTORY_LABEL),
					  set->history.update) == 0,
		};

		if (ordinal < 0) {
			continue;
		}
		pod.available = pod.ready && wait == 0 && !pod.terminating;
		if (pod.ready && wait != 0 && wait != POD_NOT_READY &&
		    (set->requeue == 0 || wait < set->requeue)) {
			set->requeue = wait;
		}
		set->pods[set->n_pods++] = pod;
	}
	qsort(set->pods, set->n_pods, sizeof(*set->pods), compare_ordinals);
}

static bool in_range(const struct set *set, const struct set_pod *pod)
{
	return pod->ordinal >= set->start && pod->ordinal < set->start + set->replicas;
}

/*
 * A pod that should be there. Returns true when an ordered set may go on to the next.
 */
static bool keep_pod(struct set *set, struct set_pod *pod)
{
	if (pod_is_finished(pod->object)) {
		/* Its successor comes when it has gone. */
		if (!pod->terminating) {
			statefulset_delete_pod(set, pod);
		}
		return false;
	}
	statefulset_sync_claims(set, pod->ordinal, NULL);
	if (set->ordered && !pod->available) {
		return false;
	}
	if (!pod->terminating && !statefulset_pod_matches(set, pod)) {
		statefulset_restore_pod(set, pod);
	}
	return true;
}

/*
 * Walks the ordinals upwards: creates what is missing, sees to what is there. Returns true when
 * nothing stands in the way of what comes next.
 */
static bool fill_ordinals(struct set *set)
{
	size_t i = 0;

	while (i < set->n_pods && set->pods[i].ordinal < set->start) {
		i++;
	}
	for (int64_t at = set->start; at < set->start + set->replicas; at++) {
		if (set->burst >= LIMIT_WORKLOAD_BURST) {
			return false;
		}
		if (i < set->n_pods && set->pods[i].ordinal == at) {
			if (!keep_pod(set, &set->pods[i++]) && set->ordered) {
				return false;
			}
			continue;
		}
		statefulset_create_pod(set, at);
		if (set->ordered) {
			return false;
		}
	}
	return true;
}

/* The unavailable pod that is first in line: lowest of those that stay, then of those that go. */
static const struct set_pod *first_unavailable(const struct set *set)
{
	const struct set_pod *condemned = NULL;

	for (size_t i = 0; i < set->n_pods; i++) {
		const struct set_pod *pod = &set->pods[i];

		if (!pod->available && in_range(set, pod)) {
			return pod;
		}
		if (!pod->available && condemned == NULL) {
			condemned = pod;
		}
	}
	return condemned;
}

/*
 * Removes the pods outside the range, highest first. Returns true when none of them is left to wait
 * for.
 */
static bool scale_down(struct set *set)
{
	const struct set_pod *unavailable = first_unavailable(set);

	for (size_t i = set->n_pods; i-- != 0;) {
		struct set_pod *pod = &set->pods[i];

		if (in_range(set, pod)) {
			continue;
		}
		if (set->burst >= LIMIT_WORKLOAD_BURST) {
			return false;
		}
		if (!set->ordered) {
			if (!pod->terminating) {
				statefulset_delete_pod(set, pod);
			}
			continue;
		}
		/* Wait for the one that is going, and for a sick one that stays. */
		if (!pod->terminating && (pod->available || pod == unavailable)) {
			statefulset_delete_pod(set, pod);
		}
		return false;
	}
	return true;
}

static void set_step(struct set *set)
{
	if (!fill_ordinals(set) || !scale_down(set) || !set->rolling) {
		return;
	}
	statefulset_update(set);
}

static bool is_member(struct object *set, struct object *pod)
{
	return statefulset_ordinal(set->name, pod->name) >= 0;
}

static void sync_set(struct set *set, const struct selector *selector)
{
	struct object_list owned _cleanup_object_list_ = { 0 };

	if (owner_claim(set->view, set->object, &kind_pod, selector, is_member, set->plan,
			&owned) != 0 ||
	    history_sync(set->view, set->object, selector, set->plan, &set->history) != 0) {
		return;
	}
	set_take_pods(set, &owned);
	status_plan(set->plan, set->object, statefulset_status(set));
	if (!object_is_deleting(set->object) && !space_is_ending(set->view, set->object->space)) {
		set_step(set);
		history_truncate(&set->history, set->object, &owned, set->plan);
	}
	if (set->requeue != 0) {
		plan_requeue(set->plan, set->requeue);
	}
	mem_free(set->pods);
	history_deinit(&set->history);
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct str space;
	struct str name;
	struct set set;

	key_split(key, &space, &name);
	struct object *object = cache_get(view->cache, &kind_stateful_set, space, name);

	if (object == NULL) {
		return;
	}
	struct selector *selector = owner_selector(object);

	/* The API refuses an empty selector; without one nothing could be told to be ours. */
	if (selector != NULL) {
		set_init(&set, view, object, plan);
		sync_set(&set, selector);
	}
	selector_free(selector);
}

static void keys_of_dependent(const struct cache *cache, struct object *old, struct object *now,
			      struct key_sink *sink)
{
	owner_keys(cache, old, now, &kind_stateful_set, sink);
}

static void prepare(struct cache *cache)
{
	owner_prepare(cache, &kind_pod);
	owner_prepare(cache, &kind_controller_revision);
}

const struct controller controller_statefulset = {
	.name = "statefulset-controller",
	.sources = {
		{ .kind = &kind_stateful_set, .keys = source_self },
		{ .kind = &kind_pod, .keys = keys_of_dependent },
		{ .kind = &kind_controller_revision, .keys = keys_of_dependent },
	},
	.also = { &kind_namespace, &kind_persistent_volume_claim },
	.reconcile = reconcile,
	.prepare = prepare,
};
