/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PATCH: the patch is applied to what is there, and the outcome goes the way of an update.
 */
#include "json/patch.h"
#include "api/call.h"
#include "api/status.h"
#include "api/strict.h"
#include "api/write.h"
#include "base/limits.h"
#include "json/json.h"

static json_t *apply(struct write *write, const json_t *old, json_t **ret)
{
	struct patch_message message = { .text = "" };
	int r = 0;

	switch (write->format) {
	case PATCH_JSON:
		r = json_patch(old, write->body, ret, &message);
		break;
	case PATCH_MERGE:
		*ret = json_merge_patch(old, write->body);
		break;
	case PATCH_STRATEGIC:
		r = json_strategic_patch(old, write->body, &schema_strategic, write->kind->type,
					 ret, &message);
		break;
	}
	if (r == PATCH_TEST_FAILED) {
		return status_about(OUTCOME_INVALID, write->kind, write->name,
				    "the server rejected our request due to an error in our "
				    "request: %s",
				    message.text);
	}
	return r != 0 ? status_new(OUTCOME_BAD_REQUEST, "%s", message.text) : NULL;
}

/* A patch may name the object, and must not rename it. */
static json_t *check_identity(struct write *write, const json_t *patched)
{
	const char *name = json_string_at(patched, "metadata.name");
	const char *space = json_string_at(patched, "metadata.namespace");

	if (!str_is(write->name, name)) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "the name of the object (%s) does not match the name on the URL "
				  "(%.*s)",
				  name, STR_ARG(write->name));
	}
	if (!str_is(write->space, space)) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "the namespace of the object (%s) does not match the namespace "
				  "on the request (%.*s)",
				  space, STR_ARG(write->space));
	}
	return NULL;
}

json_t *patch_change(struct write *write, const json_t *old, json_t **ret)
{
	_cleanup_json_ json_t *outcome = NULL;
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	if (old == NULL) {
		return status_not_found(write->kind, write->name);
	}
	json_t *refusal = apply(write, old, &outcome);
	if (refusal != NULL) {
		return refusal;
	}
	/*
	 * The outcome may share parts with `old` and with the patch; what follows changes it in
	 * place.
	 */
	_cleanup_json_ json_t *patched = json_deep_copy(outcome);
	if (!json_is_object(patched)) {
		return status_new(OUTCOME_BAD_REQUEST, "the patch does not leave an object");
	}
	if (object_conform(write->kind, patched, &write->report, &message) != 0) {
		return status_new(OUTCOME_BAD_REQUEST, "%s", buffer_text(&message));
	}
	refusal = strict_refusal_patch(write->validation, &write->report, write->body);
	if (refusal == NULL) {
		refusal = check_identity(write, patched);
	}
	if (refusal != NULL) {
		return refusal;
	}
	return write_merge(write, old, json_incref(patched), ret);
}

static void patch(struct call *call, write_change_fn change, enum part part)
{
	json_t *body = NULL;
	enum patch_format format = PATCH_MERGE;

	if (!call_negotiate(call, FORM_TABLES | FORM_PARTIALS)) {
		return;
	}
	json_t *refusal = body_patch(call, &format, &body);
	if (refusal != NULL) {
		answer_refused(call, refusal);
		return;
	}
	call_write(call, change, part, body, format);
}

void verb_patch(struct call *call)
{
	patch(call, patch_change,
	      str_is(call->part, "status")     ? PART_STATUS
	      : str_is(call->part, "approval") ? PART_APPROVAL
					       : PART_WHOLE);
}

void verb_patch_scale(struct call *call)
{
	patch(call, scale_patch_change, PART_SCALE);
}
