/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A status patch carries no resourceVersion: only the controller of a kind writes its status, and
 * observedGeneration says which spec it speaks of, so a scale that comes in between need not make
 * the plan fail. It carries the uid, so it never lands on a successor of the same name.
 */
#include "control/status.h"

#include <string.h>

#include "base/clock.h"
#include "json/json.h"

bool status_plan(struct plan *plan, struct object *object, json_t *status)
{
	const json_t *old = json_object_get(object_tree(object), "status");
	json_t *difference = json_object();
	const char *key;
	json_t *value;

	json_object_foreach (status, key, value) {
		if (!json_equal(json_object_get(old, key), value)) {
			json_object_set(difference, key, value);
		}
	}
	json_object_foreach ((json_t *)old, key, value) {
		if (json_object_get(status, key) == NULL) {
			json_object_set_new(difference, key, json_null());
		}
	}
	json_decref(status);
	if (json_object_size(difference) == 0) {
		json_decref(difference);
		return false;
	}
	plan_patch(plan, object->kind, object->space, object->name, "status",
		   json_pack("{s:{s:s}, s:o}", "metadata", "uid", object_uid(object), "status",
			     difference));
	return true;
}

void status_count(json_t *status, const char *name, int64_t n)
{
	if (n != 0) {
		json_object_set_new(status, name, json_integer(n));
	}
}

json_t *status_time(const struct view *view)
{
	char text[TIMESTAMP_TEXT];

	timestamp_format(view->now / (int64_t)NS_PER_S, text);
	return json_string(text);
}

int64_t status_time_at(const json_t *tree, const char *path, int64_t otherwise)
{
	int64_t ns = otherwise;

	if (timestamp_parse(json_string_at(tree, path), &ns) != 0) {
		return otherwise;
	}
	return ns;
}

json_t *condition_find(const json_t *conditions, const char *type)
{
	json_t *condition;
	size_t i;

	json_array_foreach (conditions, i, condition) {
		if (strcmp(json_string_at(condition, "type"), type) == 0) {
			return condition;
		}
	}
	return NULL;
}

bool condition_is_true(const json_t *conditions, const char *type)
{
	return strcmp(json_string_at(condition_find(conditions, type), "status"), "True") == 0;
}

void condition_set(const struct view *view, json_t *conditions, const struct condition *condition)
{
	const json_t *old = condition_find(conditions, condition->type);
	json_t *made =
		json_pack("{s:s, s:s}", "type", condition->type, "status", condition->status);
	json_t *since = NULL;

	if (old != NULL && strcmp(json_string_at(old, "status"), condition->status) == 0) {
		since = json_incref(json_object_get(old, "lastTransitionTime"));
	}
	if (condition->has_probe_time) {
		json_object_set_new(made, "lastProbeTime", json_null());
	}
	if (condition->has_update_time) {
		json_object_set_new(made, "lastUpdateTime", status_time(view));
	}
	json_object_set_new(made, "lastTransitionTime", since != NULL ? since : status_time(view));
	json_object_set_new(made, "reason", json_string(condition->reason));
	json_object_set_new(made, "message", json_string(condition->message));
	condition_remove(conditions, condition->type);
	json_array_append_new(conditions, made);
}

void condition_remove(json_t *conditions, const char *type)
{
	for (size_t i = json_array_size(conditions); i-- != 0;) {
		const json_t *condition = json_array_get(conditions, i);

		if (strcmp(json_string_at(condition, "type"), type) == 0) {
			json_array_remove(conditions, i);
		}
	}
}
