/* SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"

#include <stdio.h>

#include "api/intern.h"
#include "api/messages.h"
#include "api/status.h"
#include "api/strict.h"
#include "base/limits.h"
#include "json/json.h"

void answer_bytes(struct call *call, int code, const char *content_type, struct buffer *body)
{
	if (call->warnings.n != 0) {
		http_set_header(call->exchange, "Warning", buffer_text(&call->warnings));
	}
	buffer_deinit(&call->warnings);
	if (body->overflowed) {
		buffer_deinit(body);
		_cleanup_json_ json_t *status =
			status_new(OUTCOME_INTERNAL, "the answer is too large");
		answer_refusal(call, status);
		return;
	}
	http_reply(call->exchange, code, content_type, body);
}

void answer_refusal(struct call *call, const json_t *refusal)
{
	struct form form = { .protobuf = call->form.protobuf };
	struct buffer body = BUFFER_INIT(LIMIT_ERROR_MESSAGE * 16);
	int64_t retry = json_int_at(refusal, "details.retryAfterSeconds", 0);

	if (retry > 0) {
		char text[24];
		snprintf(text, sizeof(text), "%lld", (long long)retry);
		http_set_header(call->exchange, "Retry-After", text);
	}
	form_status(&form, refusal, &body);
	answer_bytes(call, status_code(refusal), form_content_type(&form), &body);
}

void answer_refused(struct call *call, json_t *refusal)
{
	answer_refusal(call, refusal);
	json_decref(refusal);
}

void answer_object(struct call *call, int code, const struct kind *kind, struct str text)
{
	struct buffer body = BUFFER_INIT(LIMIT_RESPONSE);

	form_object(&call->form, kind, text, &body);
	answer_bytes(call, code, form_content_type(&call->form), &body);
}

void answer_tree(struct call *call, int code, const struct kind *kind, const json_t *tree)
{
	struct buffer body = BUFFER_INIT(LIMIT_RESPONSE);

	form_tree(&call->form, kind, tree, &body);
	answer_bytes(call, code, form_content_type(&call->form), &body);
}

static enum include include_of(const char *text)
{
	if (text != NULL && strcmp(text, "None") == 0) {
		return INCLUDE_NONE;
	}
	return text != NULL && strcmp(text, "Object") == 0 ? INCLUDE_OBJECT : INCLUDE_METADATA;
}

bool call_negotiate(struct call *call, unsigned allowed)
{
	if (form_negotiate(http_header(call->exchange, "accept"), allowed, &call->form) != 0) {
		call->form = (struct form){ .version = "v1" };
		answer_refused(call,
			       status_new(OUTCOME_NOT_ACCEPTABLE,
					  "only the following media types are accepted: "
					  "application/json, application/vnd.kubernetes.protobuf"));
		return false;
	}
	call->form.include = include_of(http_query(call->exchange, "includeObject"));
	call->form.now = clock_wall_seconds(call->api->clock);
	return true;
}

json_t *call_write_options(struct call *call, bool *ret_dry_run,
			   enum field_validation *ret_validation)
{
	const char *dry = http_query(call->exchange, "dryRun");
	const char *validation = http_query(call->exchange, "fieldValidation");

	if (dry != NULL && dry[0] != '\0' && strcmp(dry, "All") != 0) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "dryRun: Unsupported value: \"%s\": supported values: \"All\"",
				  dry);
	}
	*ret_dry_run = dry != NULL && dry[0] != '\0';
	if (validation == NULL || validation[0] == '\0' || strcmp(validation, "Warn") == 0) {
		*ret_validation = VALIDATION_WARN;
	} else if (strcmp(validation, "Strict") == 0) {
		*ret_validation = VALIDATION_STRICT;
	} else if (strcmp(validation, "Ignore") == 0) {
		*ret_validation = VALIDATION_IGNORE;
	} else {
		return status_new(OUTCOME_BAD_REQUEST,
				  "fieldValidation: Unsupported value: \"%s\": supported values: "
				  "\"Ignore\", \"Strict\", \"Warn\"",
				  validation);
	}
	return NULL;
}

/* ---- writes ---- */

static void answer_scale(struct call *call, struct write *write)
{
	_cleanup_json_ json_t *object = NULL;
	struct json_read_error error;

	json_read(buffer_str(&write->text), NULL, &object, &error);
	_cleanup_json_ json_t *scale = scale_of(write->kind, object);
	answer_tree(call, write->code, &kind_scale, scale);
}

static void written(struct write *write, const json_t *refusal)
{
	struct call *call = write->userdata;

	if (refusal != NULL) {
		answer_refusal(call, refusal);
		return;
	}
	strict_warning(write->validation, &write->report, &call->warnings);
	if (write->bare) {
		_cleanup_json_ json_t *done =
			status_success(write->kind, write->name,
				       json_string_at(write->changed, "metadata.uid"));
		answer_tree(call, write->code, &kind_status, done);
	} else if (write->part == PART_SCALE) {
		answer_scale(call, write);
	} else {
		answer_object(call, write->code, write->kind, buffer_str(&write->text));
	}
}

void call_write(struct call *call, write_change_fn change, enum part part, json_t *body,
		enum patch_format format)
{
	bool dry_run = false;
	enum field_validation validation = VALIDATION_WARN;

	json_t *refusal = call_write_options(call, &dry_run, &validation);
	if (refusal != NULL) {
		json_decref(body);
		answer_refused(call, refusal);
		return;
	}
	struct write *write = write_new(call->api, call->kind, call->space, call->name, body);
	write->part = part;
	write->format = format;
	write->dry_run = dry_run || json_array_size(json_object_get(body, "dryRun")) != 0;
	write->validation = validation;
	write->generate = part == PART_WHOLE && change == create_change && call->name.n == 0;
	write_run(write, change, written, call);
}
