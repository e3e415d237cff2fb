/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ReplicaSets: so many pods of one template, whichever.
 * https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
 *
 * One reconcile compares the active pods with spec.replicas and creates or removes the difference,
 * at most LIMIT_WORKLOAD_BURST at a time. Pods get their names here and not from the API, so that
 * the event can tell them. Who goes first when there are too many is replicaset_rank.c's.
 */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/absence.h"
#include "control/controllers.h"
#include "control/generate_name.h"
#include "control/owner.h"
#include "control/pod_state.h"
#include "control/pod_template.h"
#include "control/replicaset_rank.h"
#include "control/status.h"
#include "object/kinds.h"
#include "json/json.h"

struct replicas {
	const struct view *view;
	struct plan *plan;
	struct object *object;
	int64_t wanted;
	int64_t min_ready;
	struct object_list pods; /* the active ones it owns */
	uint64_t requeue;
};

/* Every label of the template is on the pod. */
static bool is_fully_labeled(struct object *pod, const json_t *template_labels)
{
	const json_t *labels = json_at(object_tree(pod), "metadata.labels");
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)template_labels, key, value) {
		if (!json_equal(json_object_get(labels, key), value)) {
			return false;
		}
	}
	return true;
}

/* ReplicaFailure stands while the last plan of a set that is not complete has failed. */
static json_t *conditions_of(const struct replicas *set)
{
	const json_t *old = json_at(object_tree(set->object), "status.conditions");
	json_t *conditions = old != NULL ? json_deep_copy(old) : json_array();
	int64_t missing = set->wanted - (int64_t)set->pods.n;

	if (set->view->failure == NULL || missing == 0) {
		condition_remove(conditions, "ReplicaFailure");
		return conditions;
	}
	struct condition failure = {
		.type = "ReplicaFailure",
		.status = "True",
		.reason = missing > 0 ? "FailedCreate" : "FailedDelete",
		.message = set->view->failure,
	};
	const json_t *standing = condition_find(conditions, failure.type);

	if (strcmp(json_string_at(standing, "reason"), failure.reason) != 0 ||
	    strcmp(json_string_at(standing, "message"), failure.message) != 0) {
		condition_set(set->view, conditions, &failure);
	}
	return conditions;
}

static json_t *status_of(struct replicas *set)
{
	const json_t *tree = object_tree(set->object);
	const json_t *labels = json_at(tree, "spec.template.metadata.labels");
	int64_t labeled = 0;
	int64_t ready = 0;
	int64_t available = 0;
	json_t *status = json_object();
	json_t *conditions = conditions_of(set);

	for (size_t i = 0; i < set->pods.n; i++) {
		struct object *pod = set->pods.items[i];
		uint64_t wait = pod_available_in(pod, set->min_ready, set->view->now);

		labeled += is_fully_labeled(pod, labels);
		ready += wait != POD_NOT_READY;
		available += wait == 0;
		if (wait != 0 && wait != POD_NOT_READY &&
		    (set->requeue == 0 || wait < set->requeue)) {
			set->requeue = wait;
		}
	}
	json_object_set_new(status, "replicas", json_integer((json_int_t)set->pods.n));
	status_count(status, "fullyLabeledReplicas", labeled);
	status_count(status, "readyReplicas", ready);
	status_count(status, "availableReplicas", available);
	json_object_set_new(status, "observedGeneration",
			    json_integer(json_int_at(tree, "metadata.generation", 1)));
	if (json_array_size(conditions) != 0) {
		json_object_set(status, "conditions", conditions);
	}
	json_decref(conditions);
	return status;
}

static void create_pods(struct replicas *set, int64_t n)
{
	const json_t *template = json_at(object_tree(set->object), "spec.template");

	for (int64_t i = 0; i < n; i++) {
		char *name _cleanup_free_ = generate_name(set->view, set->object->name);
		json_t *pod = template_pod(set->object, template);

		json_put(pod, "metadata.name", json_string(name));
		plan_create(set->plan, &kind_pod, set->object->space, pod);
		plan_event_on_failure(set->plan, set->object, "FailedCreate", "Error creating: %s");
		plan_event(set->plan, set->object, "Normal", "SuccessfulCreate", "Created pod: %s",
			   name);
	}
}

static void delete_pods(struct replicas *set, int64_t n)
{
	replicaset_rank(set->view, set->object, &set->pods);
	for (int64_t i = 0; i < n; i++) {
		struct object *pod = set->pods.items[i];

		plan_delete(set->plan, pod, -1, PLAN_BACKGROUND);
		plan_tolerate(set->plan, "NotFound");
		plan_event(set->plan, set->object, "Normal", "SuccessfulDelete",
			   "Deleted pod: %.*s", STR_ARG(pod->name));
	}
}

static void sync_replicas(struct replicas *set, const struct selector *selector)
{
	struct object_list owned _cleanup_object_list_ = { 0 };

	if (owner_claim(set->view, set->object, &kind_pod, selector, replicaset_may_adopt,
			set->plan, &owned) != 0) {
		return;
	}
	for (size_t i = 0; i < owned.n; i++) {
		if (pod_is_active(owned.items[i])) {
			object_list_add(&set->pods, owned.items[i]);
		}
	}
	status_plan(set->plan, set->object, status_of(set));
	if (object_is_deleting(set->object) || space_is_ending(set->view, set->object->space)) {
		return;
	}
	int64_t missing = set->wanted - (int64_t)set->pods.n;

	if (missing > 0) {
		create_pods(set, missing < LIMIT_WORKLOAD_BURST ? missing : LIMIT_WORKLOAD_BURST);
	} else if (missing < 0) {
		delete_pods(set, -missing < LIMIT_WORKLOAD_BURST ? -missing : LIMIT_WORKLOAD_BURST);
	}
	if (set->requeue != 0) {
		plan_requeue(set->plan, set->requeue);
	}
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct str space;
	struct str name;

	key_split(key, &space, &name);
	struct object *object = cache_get(view->cache, &kind_replica_set, space, name);

	if (object == NULL) {
		return;
	}
	struct selector *selector = owner_selector(object);
	struct replicas set = {
		.view = view,
		.plan = plan,
		.object = object,
		.wanted = json_int_at(object_tree(object), "spec.replicas", 1),
		.min_ready = json_int_at(object_tree(object), "spec.minReadySeconds", 0),
	};

	if (selector != NULL) {
		sync_replicas(&set, selector);
	}
	object_list_deinit(&set.pods);
	selector_free(selector);
}

static void keys_of_pod(const struct cache *cache, struct object *old, struct object *now,
			struct key_sink *sink)
{
	owner_keys(cache, old, now, &kind_replica_set, sink);
}

static void prepare(struct cache *cache)
{
	owner_prepare(cache, &kind_pod);
}

const struct controller controller_replicaset = {
	.name = "replicaset-controller",
	.sources = {
		{ .kind = &kind_replica_set, .keys = source_self },
		{ .kind = &kind_pod, .keys = keys_of_pod },
	},
	.also = { &kind_namespace },
	.reconcile = reconcile,
	.prepare = prepare,
};
