/* SPDX-License-Identifier: Apache-2.0 */
/* pods/binding: the scheduler's one word, which node a pod runs on. It is said once. */
#include "api/admission.h"
#include "api/call.h"
#include "api/messages.h"
#include "api/status.h"
#include "api/write.h"
#include "json/json.h"

static void set_scheduled(struct write *write, json_t *pod)
{
	json_t *conditions = json_at(pod, "status.conditions");
	json_t *condition =
		json_pack("{s:s, s:s, s:n, s:o}", "type", "PodScheduled", "status", "True",
			  "lastProbeTime", "lastTransitionTime", timestamp_after(write->api, 0));

	if (!json_is_array(conditions)) {
		conditions = json_array();
		json_put(pod, "status.conditions", conditions);
	}
	for (size_t i = 0; i < json_array_size(conditions); i++) {
		if (strcmp(json_string_at(json_array_get(conditions, i), "type"), "PodScheduled") ==
		    0) {
			json_array_set_new(conditions, i, condition);
			return;
		}
	}
	json_array_append_new(conditions, condition);
}

static void add_annotations(json_t *pod, const json_t *binding)
{
	json_t *given = json_at(binding, "metadata.annotations");
	json_t *annotations = json_at(pod, "metadata.annotations");

	if (json_object_size(given) == 0) {
		return;
	}
	if (!json_is_object(annotations)) {
		annotations = json_object();
		json_put(pod, "metadata.annotations", annotations);
	}
	json_object_update(annotations, given);
}

json_t *binding_change(struct write *write, const json_t *old, json_t **ret)
{
	const char *node = json_string_at(write->body, "target.name");

	if (old == NULL) {
		return status_not_found(write->kind, write->name);
	}
	if (node[0] == '\0') {
		return status_invalid_field(write->kind, write->name, FIELD_ERROR_REQUIRED,
					    "target.name", NULL, "");
	}
	if (json_at(old, "metadata.deletionTimestamp") != NULL) {
		return status_conflict(write->kind, write->name,
				       "pod %.*s is being deleted, cannot be assigned to a host",
				       STR_ARG(write->name));
	}
	if (json_string_at(old, "spec.nodeName")[0] != '\0') {
		return status_conflict(write->kind, write->name,
				       "pod %.*s is already assigned to node \"%s\"",
				       STR_ARG(write->name), json_string_at(old, "spec.nodeName"));
	}
	json_t *pod = json_deep_copy(old);
	json_put(pod, "spec.nodeName", json_string(node));
	set_scheduled(write, pod);
	add_annotations(pod, write->body);
	write->bare = true;
	write->code = 201;
	*ret = pod;
	return NULL;
}

void verb_bind(struct call *call)
{
	json_t *binding = NULL;

	if (!call_negotiate(call, 0)) {
		return;
	}
	json_t *refusal = body_object(call, &kind_binding, &binding);
	if (refusal != NULL) {
		answer_refused(call, refusal);
		return;
	}
	call_write(call, binding_change, PART_BINDING, binding, PATCH_MERGE);
}
