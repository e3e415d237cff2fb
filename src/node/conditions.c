/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What simulated and real nodes say about pods has one form.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
 */
#include "node/conditions.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "json/json.h"

json_t *pod_condition_find(const json_t *conditions, const char *type)
{
	json_t *condition;
	size_t i;

	json_array_foreach ((json_t *)conditions, i, condition) {
		if (strcmp(json_string_at(condition, "type"), type) == 0) {
			return condition;
		}
	}
	return NULL;
}

bool pod_condition_is_true(const json_t *conditions, const char *type)
{
	return strcmp(json_string_at(pod_condition_find(conditions, type), "status"), "True") == 0;
}

void pod_condition_set(json_t *conditions, int64_t now, const char *type, bool status,
		       const char *reason, const char *message)
{
	json_t *condition = pod_condition_find(conditions, type);
	const char *text = status ? "True" : "False";
	char time[TIMESTAMP_TEXT];

	if (condition == NULL) {
		condition = json_pack("{ss}", "type", type);
		json_array_append_new(conditions, condition);
	}
	if (strcmp(json_string_at(condition, "status"), text) != 0) {
		timestamp_format(now / (int64_t)NS_PER_S, time);
		json_object_set_new(condition, "lastTransitionTime", json_string(time));
	}
	json_object_set_new(condition, "status", json_string(text));
	json_object_del(condition, "reason");
	json_object_del(condition, "message");
	if (reason[0] != '\0') {
		json_object_set_new(condition, "reason", json_string(reason));
		json_object_set_new(condition, "message", json_string(message));
	}
}

const char *pod_condition_closed_gate(struct object *pod)
{
	const json_t *conditions = json_at(object_tree(pod), "status.conditions");
	const json_t *gate;
	size_t i;

	json_array_foreach (json_at(object_tree(pod), "spec.readinessGates"), i, gate) {
		const char *type = json_string_at(gate, "conditionType");

		if (!pod_condition_is_true(conditions, type)) {
			return type;
		}
	}
	return NULL;
}

void pod_condition_set_ready(json_t *conditions, struct object *pod, int64_t now)
{
	const char *gate = pod_condition_closed_gate(pod);
	char message[512];

	if (gate == NULL) {
		pod_condition_set(conditions, now, "Ready", true, "", "");
		return;
	}
	snprintf(message, sizeof(message),
		 "corresponding condition of pod readiness gate \"%s\" does not exist or is not "
		 "\"True\".",
		 gate);
	pod_condition_set(conditions, now, "Ready", false, CONDITION_GATES_CLOSED, message);
}

json_t *pod_conditions_in_order(json_t *conditions)
{
	static const char *const types[] = {
		"PodReadyToStartContainers", "Initialized",  "Ready",
		"ContainersReady",           "PodScheduled",
	};
	json_t *ordered = json_array();
	json_t *condition;
	size_t i;

	for (size_t type = 0; type < ARRAY_SIZE(types); type++) {
		condition = pod_condition_find(conditions, types[type]);
		if (condition != NULL) {
			json_array_append(ordered, condition);
		}
	}
	json_array_foreach (conditions, i, condition) {
		if (pod_condition_find(ordered, json_string_at(condition, "type")) == NULL) {
			json_array_append(ordered, condition);
		}
	}
	json_decref(conditions);
	return ordered;
}
