/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a namespace: everything in it is removed, pods first, and when nothing is left its
 * finalizer goes by the finalize subresource. What is left, and what holds it, stands in the
 * namespace's conditions meanwhile.
 * https://kubernetes.io/docs/tasks/administer-cluster/namespaces/#deleting-a-namespace
 *
 * A create may pass admission just before its namespace begins to end and become visible just after
 * the last look: an object whose namespace is not there is removed, too.
 */
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "control/absence.h"
#include "control/controllers.h"
#include "control/status.h"
#include "object/kinds.h"
#include "json/json.h"

#define FINALIZER "kubernetes"

struct sweep {
	const struct view *view;
	struct plan *plan;
	struct str space;
	size_t removed;
	struct map finalizers; /* that hold something -> how many */
	struct buffer remaining; /* "pods. has 2 resource instances, …" */
};

static void note_finalizers(struct sweep *sweep, struct object *object)
{
	const json_t *finalizers = json_at(object_tree(object), "metadata.finalizers");
	const json_t *finalizer;
	size_t i;

	json_array_foreach (finalizers, i, finalizer) {
		struct str name = str_from(json_string_value(finalizer));
		uintptr_t n = (uintptr_t)map_get(&sweep->finalizers, name);

		if (n != 0 || sweep->finalizers.n < sweep->finalizers.max) {
			map_put(&sweep->finalizers, name, (void *)(n + 1));
		}
	}
}

static void sweep_kind(struct sweep *sweep, const struct kind *kind)
{
	size_t n = 0;

	if ((kind->flags & KIND_NAMESPACED) == 0) {
		return;
	}
	cache_for_each (object, sweep->view->cache, kind, sweep->space) {
		n++;
		note_finalizers(sweep, object);
		if (!object_is_deleting(object) && sweep->removed < LIMIT_SWEEP_BURST) {
			plan_delete(sweep->plan, object, -1, PLAN_BACKGROUND);
			plan_tolerate(sweep->plan, "NotFound");
			sweep->removed++;
		}
	}
	if (n != 0) {
		buffer_printf(&sweep->remaining, "%s%s.%s has %zu resource instances",
			      sweep->remaining.n != 0 ? ", " : "", kind->plural, kind->group, n);
	}
}

static void put_condition(struct sweep *sweep, json_t *conditions, const char *type, bool is_true,
			  const char *reason, const char *message)
{
	struct condition condition = {
		.type = type,
		.status = is_true ? "True" : "False",
		.reason = reason,
		.message = message,
	};
	const json_t *old = condition_find(conditions, type);

	if (strcmp(json_string_at(old, "status"), condition.status) != 0 ||
	    strcmp(json_string_at(old, "message"), message) != 0) {
		condition_set(sweep->view, conditions, &condition);
	}
}

static void put_content(struct sweep *sweep, json_t *conditions)
{
	struct buffer text _cleanup_buffer_ = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	bool held = sweep->finalizers.n != 0;
	const char *separator = "";

	buffer_printf(&text, "Some resources are remaining: %s", buffer_text(&sweep->remaining));
	put_condition(sweep, conditions, "NamespaceContentRemaining", true, "SomeResourcesRemain",
		      buffer_text(&text));
	buffer_clear(&text);
	buffer_append_text(&text, "Some content in the namespace has finalizers remaining: ");
	map_for_each (entry, &sweep->finalizers) {
		buffer_printf(&text, "%s%.*s in %zu resource instances", separator,
			      STR_ARG(entry->key), (size_t)(uintptr_t)entry->value);
		separator = ", ";
	}
	put_condition(sweep, conditions, "NamespaceFinalizersRemaining", held,
		      held ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
		      held ? buffer_text(&text) : "All content-preserving finalizers finished");
}

static void plan_terminating(struct sweep *sweep, struct object *object)
{
	const json_t *old = json_object_get(object_tree(object), "status");
	json_t *status = old != NULL ? json_deep_copy(old) : json_object();
	json_t *conditions = json_object_get(status, "conditions");

	if (!json_is_array(conditions)) {
		conditions = json_array();
		json_object_set_new(status, "conditions", conditions);
	}
	put_condition(sweep, conditions, "NamespaceDeletionDiscoveryFailure", false,
		      "ResourcesDiscovered", "All resources successfully discovered");
	put_condition(sweep, conditions, "NamespaceDeletionGroupVersionParsingFailure", false,
		      "ParsedGroupVersions", "All legacy kube types successfully parsed");
	put_condition(sweep, conditions, "NamespaceDeletionContentFailure", false, "ContentDeleted",
		      "All content successfully deleted, may be waiting on finalization");
	put_content(sweep, conditions);
	json_object_set_new(status, "phase", json_string("Terminating"));
	status_plan(sweep->plan, object, status);
}

static void plan_finalize(struct sweep *sweep, struct object *object)
{
	json_t *body = json_deep_copy(object_tree(object));
	json_t *finalizers = json_at(body, "spec.finalizers");

	for (size_t i = json_array_size(finalizers); i-- != 0;) {
		if (strcmp(json_string_value(json_array_get(finalizers, i)), FINALIZER) == 0) {
			json_array_remove(finalizers, i);
		}
	}
	plan_post(sweep->plan, &kind_namespace, STR_NONE, object->name, "finalize", body);
	plan_tolerate(sweep->plan, "NotFound");
}

static bool is_final(struct object *object)
{
	const json_t *finalizers = json_at(object_tree(object), "spec.finalizers");
	const json_t *finalizer;
	size_t i;

	json_array_foreach (finalizers, i, finalizer) {
		if (strcmp(json_string_value(finalizer), FINALIZER) == 0) {
			return false;
		}
	}
	return true;
}

static void end_namespace(struct sweep *sweep, struct object *object)
{
	sweep_kind(sweep, &kind_pod);
	for (size_t i = 0; i < n_kinds; i++) {
		if (kinds[i] != &kind_pod) {
			sweep_kind(sweep, kinds[i]);
		}
	}
	if (sweep->remaining.n != 0) {
		plan_terminating(sweep, object);
	} else if (!is_final(object)) {
		plan_finalize(sweep, object);
	}
}

/* Removes what stands in a namespace that is not there. */
static void remove_strays(struct sweep *sweep)
{
	for (size_t i = 0; i < n_kinds; i++) {
		cache_for_each (object, sweep->view->cache, kinds[i], sweep->space) {
			uint64_t doubt = absence_doubt(sweep->view, &kind_namespace, object);

			if (doubt != 0) {
				plan_requeue(sweep->plan, doubt);
			} else if (!object_is_deleting(object) &&
				   sweep->removed < LIMIT_SWEEP_BURST) {
				plan_delete(sweep->plan, object, -1, PLAN_BACKGROUND);
				plan_tolerate(sweep->plan, "NotFound");
				sweep->removed++;
			}
		}
	}
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct object *object = cache_get(view->cache, &kind_namespace, STR_NONE, key);
	struct sweep sweep = {
		.view = view,
		.plan = plan,
		.space = key,
		.finalizers = MAP_INIT(LIMIT_FIELD_ERRORS),
		.remaining = BUFFER_INIT(LIMIT_ERROR_MESSAGE),
	};

	/* An empty key would mean every namespace. */
	if (key.n == 0) {
		return;
	}
	if (object == NULL) {
		remove_strays(&sweep);
	} else if (object_is_deleting(object)) {
		end_namespace(&sweep, object);
	}
	map_deinit(&sweep.finalizers, NULL);
	buffer_deinit(&sweep.remaining);
}

/* An object concerns its namespace only when that ends or is not there. */
static void keys_of_content(const struct cache *cache, struct object *old, struct object *now,
			    struct key_sink *sink)
{
	struct str space = now != NULL ? now->space : old->space;
	struct object *object = cache_get(cache, &kind_namespace, STR_NONE, space);

	if (space.n != 0 && (object != NULL ? object_is_deleting(object) : now != NULL)) {
		key_sink_add(sink, space);
	}
}

const struct controller controller_namespace = {
	.name = "namespace-controller",
	.sources = { { .kind = &kind_namespace, .keys = source_self } },
	.every_kind = keys_of_content,
	.reconcile = reconcile,
};
