/* SPDX-License-Identifier: Apache-2.0 */
#include "api/admission.h"
#include "api/call.h"
#include "api/status.h"
#include "api/write.h"
#include "object/kinds.h"
#include "json/json.h"

json_t *create_change(struct write *write, const json_t *old, json_t **ret)
{
	if (old != NULL) {
		return status_already_exists(write->kind, write->name);
	}
	_cleanup_json_ json_t *object = json_deep_copy(write->body);
	json_t *refusal = admit_create(write, object);
	if (refusal == NULL) {
		*ret = json_incref(object);
	}
	return refusal;
}

/* What the body and the path say about name and namespace must be the same. */
static json_t *check_identity(struct call *call, const json_t *object)
{
	const char *space = json_string_at(object, "metadata.namespace");

	if (json_string_at(object, "metadata.resourceVersion")[0] != '\0') {
		return status_new(OUTCOME_BAD_REQUEST,
				  "resourceVersion should not be set on objects to be created");
	}
	if (space[0] != '\0' && !str_is(call->space, space)) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "the namespace of the provided object does not match the "
				  "namespace sent on the request");
	}
	if (json_string_at(object, "metadata.name")[0] == '\0' &&
	    json_string_at(object, "metadata.generateName")[0] == '\0') {
		return status_invalid_field(call->kind, STR_NONE, FIELD_ERROR_REQUIRED,
					    "metadata.name", NULL,
					    "name or generateName is required");
	}
	return NULL;
}

/* Who asks for a certificate: nobody says so himself. */
static void note_asker(const struct call *call, json_t *request)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < USER_GROUPS && call->user.groups[i] != NULL; i++) {
		json_array_append_new(groups, json_string(call->user.groups[i]));
	}
	json_put(request, "spec.username", json_string(call->user.name));
	json_put(request, "spec.groups", groups);
	json_remove(request, "spec.uid");
	if (call->user.uid[0] != '\0') {
		json_put(request, "spec.uid", json_string(call->user.uid));
	}
}

void verb_create(struct call *call)
{
	json_t *object = NULL;

	if (!call_negotiate(call, FORM_TABLES | FORM_PARTIALS)) {
		return;
	}
	json_t *refusal = body_object(call, call->kind, &object);
	if (refusal == NULL) {
		refusal = check_identity(call, object);
	}
	if (refusal != NULL) {
		json_decref(object);
		answer_refused(call, refusal);
		return;
	}
	if (call->kind == &kind_certificate_signing_request) {
		note_asker(call, object);
	}
	call->name = str_from(json_string_at(object, "metadata.name"));
	call_write(call, create_change, PART_WHOLE, object, PATCH_MERGE);
}
