/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler: gives every pending pod a node.
 *
 * It has a single key, "pending": one reconcile looks at all pods that wait, in the order of their
 * priority and age, and counts each one it places before it looks at the next. As a key is not
 * reconciled again before the cache shows what its last plan did, no choice is made on stale
 * counts.
 *
 * Of the nodes that can take a pod it picks the one with the fewest pods of the same owner, then
 * with the fewest pods, then the first by name. A pod that no node can take says why, in an event
 * and its PodScheduled condition, and is looked at again when nodes or pods change.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "control/controllers.h"
#include "control/pod_state.h"
#include "control/resources.h"
#include "control/scheduler_intern.h"
#include "control/status.h"
#include "object/kinds.h"
#include "json/json.h"

#define KEY_PENDING STR("pending")
#define SCHEDULER_NAME "default-scheduler"

struct scheduling {
	struct places places;
	struct plan *plan;
	struct map owners; /* uid -> size_t counts[places.n] */
	struct map reasons; /* why a pod has no place -> number of nodes */
};

static bool is_pending(struct object *pod)
{
	const json_t *tree = object_tree(pod);
	const char *scheduler = json_string_at(tree, "spec.schedulerName");

	return pod_node(pod)[0] == '\0' && pod_is_active(pod) &&
	       json_array_size(json_at(tree, "spec.schedulingGates")) == 0 &&
	       (scheduler[0] == '\0' || strcmp(scheduler, SCHEDULER_NAME) == 0);
}

/* ---- what is there ---- */

static void count_owner(struct scheduling *scheduling, size_t place, struct object *pod)
{
	const json_t *controller = object_controller(pod);
	struct str uid = str_from(json_string_at(controller, "uid"));
	size_t *counts = uid.n != 0 ? map_get(&scheduling->owners, uid) : NULL;

	if (uid.n == 0) {
		return;
	}
	if (counts == NULL) {
		counts = mem_alloc_array(scheduling->places.n, sizeof(*counts));
		map_put(&scheduling->owners, uid, counts);
	}
	counts[place]++;
}

static void put_pod(struct scheduling *scheduling, size_t i, struct object *pod)
{
	struct place *place = &scheduling->places.items[i];
	json_t *requests = resource_requests(pod);

	object_list_add(&place->pods, pod);
	resource_add(place->used, requests);
	json_decref(requests);
	count_owner(scheduling, i, pod);
	places_note(&scheduling->places, i, pod);
}

static void scheduling_init(struct scheduling *scheduling, const struct view *view,
			    struct plan *plan)
{
	size_t n = 0;

	*scheduling = (struct scheduling){
		.places.view = view,
		.plan = plan,
		.owners = MAP_INIT(LIMIT_WORK_QUEUE),
		.reasons = MAP_INIT(LIMIT_WORK_QUEUE),
	};
	cache_for_each (node, view->cache, &kind_node, STR_NONE) {
		n += !object_is_deleting(node);
	}
	scheduling->places.items = mem_alloc_array(n + 1, sizeof(struct place));
	cache_for_each (node, view->cache, &kind_node, STR_NONE) {
		if (!object_is_deleting(node)) {
			scheduling->places.items[scheduling->places.n++] =
				(struct place){ .node = node, .used = json_object() };
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct object *node = scheduling->places.items[i].node;

		cache_for_index (pod, view->cache, &kind_pod, CACHE_PODS_BY_NODE, node->name) {
			if (!pod_is_finished(pod)) {
				put_pod(scheduling, i, pod);
			}
		}
	}
}

static void scheduling_deinit(struct scheduling *scheduling)
{
	for (size_t i = 0; i < scheduling->places.n; i++) {
		object_list_deinit(&scheduling->places.items[i].pods);
		json_decref(scheduling->places.items[i].used);
	}
	mem_free(scheduling->places.items);
	mem_free(scheduling->places.averse);
	map_deinit(&scheduling->owners, (void (*)(void *))free);
	map_deinit(&scheduling->reasons, NULL);
}

/* ---- the choice ---- */

struct score {
	size_t deterred;
	size_t siblings;
	size_t pods;
};

static bool is_better(const struct score *a, const struct score *b)
{
	if (a->deterred != b->deterred) {
		return a->deterred < b->deterred;
	}
	if (a->siblings != b->siblings) {
		return a->siblings < b->siblings;
	}
	return a->pods < b->pods;
}

static struct score score_of(const struct scheduling *scheduling, size_t i, struct object *pod)
{
	const json_t *controller = object_controller(pod);
	const struct place *place = &scheduling->places.items[i];
	const size_t *counts =
		map_get(&scheduling->owners, str_from(json_string_at(controller, "uid")));

	return (struct score){
		.deterred = place_deters(place, pod),
		.siblings = counts != NULL ? counts[i] : 0,
		.pods = place->pods.n,
	};
}

/* The best place's number, or places.n with `reasons` counted. */
static size_t choose_place(struct scheduling *scheduling, struct object *pod)
{
	struct buffer reason _cleanup_buffer_ = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	json_t *requests _cleanup_json_ = resource_requests(pod);
	size_t chosen = scheduling->places.n;
	struct score best = { 0 };

	map_deinit(&scheduling->reasons, NULL);
	for (size_t i = 0; i < scheduling->places.n; i++) {
		const struct place *place = &scheduling->places.items[i];

		buffer_clear(&reason);
		place_refuses(place, pod, requests, &reason);
		if (reason.n == 0) {
			places_refuse(&scheduling->places, place, pod, &reason);
		}
		if (reason.n == 0) {
			volumes_refuse(&scheduling->places, place, pod, &reason);
		}
		if (reason.n != 0) {
			uintptr_t n = (uintptr_t)map_get(&scheduling->reasons, buffer_str(&reason));

			map_put(&scheduling->reasons, buffer_str(&reason), (void *)(n + 1));
			continue;
		}
		struct score score = score_of(scheduling, i, pod);

		if (chosen == scheduling->places.n || is_better(&score, &best)) {
			chosen = i;
			best = score;
		}
	}
	return chosen;
}

/* ---- what is done about it ---- */

static void bind_pod(struct scheduling *scheduling, struct object *pod, size_t chosen)
{
	struct str node = scheduling->places.items[chosen].node->name;

	plan_post(scheduling->plan, &kind_pod, pod->space, pod->name, "binding",
		  json_pack("{s:s, s:s, s:{s:s%, s:s%, s:s}, s:{s:s, s:s, s:s%}}", "apiVersion",
			    "v1", "kind", "Binding", "metadata", "name", pod->name.p, pod->name.n,
			    "namespace", pod->space.p, pod->space.n, "uid", object_uid(pod),
			    "target", "apiVersion", "v1", "kind", "Node", "name", node.p, node.n));
	plan_together(scheduling->plan);
	/* Gone, or bound by somebody else: nothing is left to do. */
	plan_tolerate(scheduling->plan, "NotFound");
	plan_tolerate(scheduling->plan, "Conflict");
	plan_event(scheduling->plan, pod, "Normal", "Scheduled",
		   "Successfully assigned %.*s/%.*s to %.*s", STR_ARG(pod->space),
		   STR_ARG(pod->name), STR_ARG(node));
	put_pod(scheduling, chosen, pod);
}

static void write_reasons(const struct scheduling *scheduling, struct buffer *message)
{
	const char *separator = " ";

	if (scheduling->places.n == 0) {
		buffer_append_text(message, "no nodes available to schedule pods");
		return;
	}
	buffer_printf(message, "0/%zu nodes are available:", scheduling->places.n);
	map_for_each (entry, &scheduling->reasons) {
		buffer_printf(message, "%s%zu %.*s", separator, (size_t)(uintptr_t)entry->value,
			      STR_ARG(entry->key));
		separator = ", ";
	}
	buffer_append_char(message, '.');
}

/* Said once: an event and a status come only when the reason is another. */
static void tell_unschedulable(struct scheduling *scheduling, struct object *pod)
{
	struct buffer message _cleanup_buffer_ = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	const json_t *old = json_object_get(object_tree(pod), "status");
	const json_t *standing = condition_find(json_object_get(old, "conditions"), "PodScheduled");

	write_reasons(scheduling, &message);
	if (strcmp(json_string_at(standing, "status"), "False") == 0 &&
	    strcmp(json_string_at(standing, "message"), buffer_text(&message)) == 0) {
		return;
	}
	json_t *status = old != NULL ? json_deep_copy(old) : json_object();
	struct condition condition = {
		.type = "PodScheduled",
		.status = "False",
		.reason = "Unschedulable",
		.message = buffer_text(&message),
		.has_probe_time = true,
	};

	if (!json_is_array(json_object_get(status, "conditions"))) {
		json_object_set_new(status, "conditions", json_array());
	}
	condition_set(scheduling->places.view, json_object_get(status, "conditions"), &condition);
	status_plan(scheduling->plan, pod, status);
	plan_tolerate(scheduling->plan, "NotFound");
	plan_event(scheduling->plan, pod, "Warning", "FailedScheduling", "%s",
		   buffer_text(&message));
}

static int compare_pending(const void *a, const void *b)
{
	struct object *first = *(struct object *const *)a;
	struct object *second = *(struct object *const *)b;
	int64_t priority = json_int_at(object_tree(first), "spec.priority", 0);
	int64_t other = json_int_at(object_tree(second), "spec.priority", 0);
	int64_t created = status_time_at(object_tree(first), "metadata.creationTimestamp", 0);
	int64_t other_created =
		status_time_at(object_tree(second), "metadata.creationTimestamp", 0);

	if (priority != other) {
		return priority > other ? -1 : 1;
	}
	if (created != other_created) {
		return created < other_created ? -1 : 1;
	}
	return str_cmp(first->name, second->name);
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct object_list pending _cleanup_object_list_ = { 0 };
	struct scheduling scheduling;

	cache_for_index (pod, view->cache, &kind_pod, CACHE_PODS_BY_NODE, STR("")) {
		if (is_pending(pod)) {
			object_list_add(&pending, pod);
		}
	}
	if (pending.n == 0) {
		return;
	}
	qsort(pending.items, pending.n, sizeof(*pending.items), compare_pending);
	scheduling_init(&scheduling, view, plan);
	if (pending.n > LIMIT_SCHEDULER_BURST) {
		plan_requeue(plan, 1);
	}
	for (size_t i = 0; i < pending.n && i < LIMIT_SCHEDULER_BURST; i++) {
		size_t chosen = choose_place(&scheduling, pending.items[i]);

		if (chosen < scheduling.places.n &&
		    volumes_await(&scheduling.places, &scheduling.places.items[chosen],
				  pending.items[i], plan)) {
			/* It has its place, and comes when its volumes are there. */
			put_pod(&scheduling, chosen, pending.items[i]);
		} else if (chosen < scheduling.places.n) {
			bind_pod(&scheduling, pending.items[i], chosen);
		} else {
			tell_unschedulable(&scheduling, pending.items[i]);
		}
	}
	scheduling_deinit(&scheduling);
}

/* ---- sources ---- */

static bool any_waits(const struct cache *cache)
{
	return cache_index_next(cache, &kind_pod, CACHE_PODS_BY_NODE, STR(""), NULL) != NULL;
}

static bool labels_differ(struct object *old, struct object *now)
{
	return !json_equal(json_at(object_tree(old), "metadata.labels"),
			   json_at(object_tree(now), "metadata.labels"));
}

/* A pod that waits; or one that comes, goes or changes its labels while another waits. */
static void keys_of_pod(const struct cache *cache, struct object *old, struct object *now,
			struct key_sink *sink)
{
	bool waits = now != NULL && is_pending(now);
	bool matters = old == NULL || now == NULL || pod_is_finished(old) != pod_is_finished(now) ||
		       labels_differ(old, now);

	if (waits || (matters && any_waits(cache))) {
		key_sink_add(sink, KEY_PENDING);
	}
}

static void keys_of_other(const struct cache *cache, struct object *old, struct object *now,
			  struct key_sink *sink)
{
	if (any_waits(cache)) {
		key_sink_add(sink, KEY_PENDING);
	}
}

const struct controller controller_scheduler = {
	.name = SCHEDULER_NAME,
	.sources = {
		{ .kind = &kind_pod, .keys = keys_of_pod },
		{ .kind = &kind_node, .keys = keys_of_other },
		{ .kind = &kind_persistent_volume_claim, .keys = keys_of_other },
		{ .kind = &kind_persistent_volume, .keys = keys_of_other },
	},
	.also = { &kind_namespace, &kind_storage_class },
	.reconcile = reconcile,
};
