/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies into trees. Whatever the encoding, an object passes the same strict decoding, and what
 * comes out has only fields that its kind has.
 */
#include <strings.h>

#include "api/call.h"
#include "api/messages.h"
#include "api/status.h"
#include "api/strict.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/prepare.h"
#include "json/json.h"
#include "json/yaml_read.h"

enum encoding { ENCODING_JSON, ENCODING_YAML, ENCODING_PROTOBUF, ENCODING_UNKNOWN };

static struct str media_type(const struct call *call)
{
	struct str rest = str_from(http_header(call->exchange, "content-type"));

	return str_trim(str_cut(&rest, ';'));
}

static enum encoding encoding_of(struct str media)
{
	static const struct {
		const char *media;
		enum encoding encoding;
	} known[] = {
		{ "", ENCODING_JSON },
		{ "application/json", ENCODING_JSON },
		{ "application/yaml", ENCODING_YAML },
		{ "application/x-yaml", ENCODING_YAML },
		{ "text/yaml", ENCODING_YAML },
		{ "application/vnd.kubernetes.protobuf", ENCODING_PROTOBUF },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (str_eq_nocase(media, str_from(known[i].media))) {
			return known[i].encoding;
		}
	}
	return ENCODING_UNKNOWN;
}

static json_t *unknown_media(const char *accepted)
{
	return status_new(OUTCOME_MEDIA_TYPE,
			  "the body of the request was in an unknown format - accepted media types "
			  "include: %s",
			  accepted);
}

static json_t *bad_request(struct buffer *message)
{
	return status_new(OUTCOME_BAD_REQUEST, "%s", buffer_text(message));
}

/*
 * An object that could not be decoded; about a field's type the kind is said as well, as clients
 * know it.
 */
static json_t *bad_object(const struct kind *kind, int outcome, struct buffer *message)
{
	if (outcome != OBJECT_WRONG_TYPE) {
		return bad_request(message);
	}
	return status_new(OUTCOME_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: %s",
			  kind->kind, kind->version, kind->kind, buffer_text(message));
}

/* JSON or YAML as a tree of no kind yet. */
static json_t *read_text(struct call *call, enum encoding encoding, json_t **ret)
{
	struct str body = call->exchange->body;
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct json_read_error error;

	if (encoding == ENCODING_YAML) {
		return yaml_read(body, &message, ret) != 0 ? bad_request(&message) : NULL;
	}
	if (json_read(body, NULL, ret, &error) != 0) {
		return status_new(OUTCOME_BAD_REQUEST, "json parse error: %s", error.message);
	}
	return NULL;
}

/* A tree that is there: its kind, then its fields. */
static json_t *conform(const struct kind *kind, json_t *tree, struct strict_report *report)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	if (!json_is_object(tree)) {
		return status_new(OUTCOME_BAD_REQUEST, "the body is not an object");
	}
	int r = object_conform(kind, tree, report, &message);
	return r != 0 ? bad_object(kind, r, &message) : NULL;
}

static json_t *decode(struct call *call, const struct kind *kind, struct strict_report *report,
		      json_t **ret)
{
	struct str body = call->exchange->body;
	enum encoding encoding = encoding_of(media_type(call));
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_json_ json_t *tree = NULL;
	json_t *refusal = NULL;
	int r;

	switch (encoding) {
	case ENCODING_JSON:
		r = object_decode(kind, body, report, &message, ret);
		return r != 0 ? bad_object(kind, r, &message) : NULL;
	case ENCODING_YAML:
		refusal = read_text(call, encoding, &tree);
		break;
	case ENCODING_PROTOBUF:
		if (protobuf_decode(kind, body, &message, &tree) != 0) {
			refusal = bad_request(&message);
		}
		break;
	case ENCODING_UNKNOWN:
		return unknown_media("application/json, application/yaml, "
				     "application/vnd.kubernetes.protobuf");
	}
	if (refusal == NULL) {
		refusal = conform(kind, tree, report);
	}
	if (refusal == NULL) {
		*ret = json_incref(tree);
	}
	return refusal;
}

json_t *body_object(struct call *call, const struct kind *kind, json_t **ret)
{
	_cleanup_strict_ struct strict_report report = { .n = 0 };
	_cleanup_json_ json_t *tree = NULL;
	enum field_validation validation;
	bool dry_run;

	json_t *refusal = call_write_options(call, &dry_run, &validation);
	if (refusal == NULL) {
		refusal = decode(call, kind, &report, &tree);
	}
	if (refusal == NULL) {
		refusal = strict_refusal(validation, &report, kind);
	}
	if (refusal != NULL) {
		return refusal;
	}
	strict_warning(validation, &report, &call->warnings);
	if (!json_is_object(json_object_get(tree, "metadata"))) {
		json_object_set_new(tree, "metadata", json_object());
	}
	*ret = json_incref(tree);
	return NULL;
}

json_t *body_patch(struct call *call, enum patch_format *ret_format, json_t **ret)
{
	static const struct {
		const char *media;
		enum patch_format format;
	} known[] = {
		{ "application/json-patch+json", PATCH_JSON },
		{ "application/merge-patch+json", PATCH_MERGE },
		{ "application/strategic-merge-patch+json", PATCH_STRATEGIC },
	};
	struct str media = media_type(call);
	_cleanup_json_ json_t *tree = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!str_eq_nocase(media, str_from(known[i].media))) {
			continue;
		}
		json_t *refusal = read_text(call, ENCODING_JSON, &tree);
		if (refusal == NULL && known[i].format != PATCH_JSON && !json_is_object(tree)) {
			refusal = status_new(OUTCOME_BAD_REQUEST, "the patch is not an object");
		}
		if (refusal == NULL && known[i].format == PATCH_JSON && !json_is_array(tree)) {
			refusal = status_new(OUTCOME_BAD_REQUEST,
					     "the patch is not a list of operations");
		}
		if (refusal != NULL) {
			return refusal;
		}
		*ret_format = known[i].format;
		*ret = json_incref(tree);
		return NULL;
	}
	if (str_eq_nocase(media, STR("application/apply-patch+yaml"))) {
		return status_new(OUTCOME_MEDIA_TYPE,
				  "server-side apply is not supported: use kubectl apply without "
				  "--server-side");
	}
	return unknown_media("application/json-patch+json, application/merge-patch+json, "
			     "application/strategic-merge-patch+json");
}

/* DeleteOptions come as v1, meta.k8s.io/v1 or in the group of the resource; all mean the same. */
static json_t *decode_options(struct call *call, json_t **ret)
{
	enum encoding encoding = encoding_of(media_type(call));
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_strict_ struct strict_report report = { .n = 0 };
	_cleanup_json_ json_t *tree = NULL;
	json_t *refusal;

	if (encoding == ENCODING_UNKNOWN) {
		return unknown_media("application/json, application/yaml, "
				     "application/vnd.kubernetes.protobuf");
	}
	if (encoding == ENCODING_PROTOBUF) {
		if (protobuf_decode_type(kind_delete_options.type, call->exchange->body, &message,
					 &tree) != 0) {
			return bad_request(&message);
		}
	} else {
		refusal = read_text(call, encoding, &tree);
		if (refusal != NULL) {
			return refusal;
		}
	}
	const char *kind = json_string_at(tree, "kind");
	if (kind[0] != '\0' && strcmp(kind, "DeleteOptions") != 0) {
		return status_new(OUTCOME_BAD_REQUEST, "the body is a %s, not DeleteOptions", kind);
	}
	if (!json_is_object(tree)) {
		return status_new(OUTCOME_BAD_REQUEST, "the body is not an object");
	}
	if (object_conform_type(kind_delete_options.type, tree, &report, &message) != 0) {
		return bad_request(&message);
	}
	*ret = json_incref(tree);
	return NULL;
}

static json_t *query_options(struct call *call, json_t *options)
{
	const char *grace = http_query(call->exchange, "gracePeriodSeconds");
	const char *policy = http_query(call->exchange, "propagationPolicy");
	const char *orphan = http_query(call->exchange, "orphanDependents");
	uint64_t seconds;

	if (grace != NULL) {
		if (!str_to_u64(str_from(grace), INT32_MAX, &seconds)) {
			return status_new(OUTCOME_BAD_REQUEST,
					  "gracePeriodSeconds: Invalid value: \"%s\": must be a "
					  "number of seconds",
					  grace);
		}
		json_object_set_new(options, "gracePeriodSeconds",
				    json_integer((json_int_t)seconds));
	}
	if (policy != NULL && policy[0] != '\0') {
		json_object_set_new(options, "propagationPolicy", json_string(policy));
	}
	if (orphan != NULL && orphan[0] != '\0') {
		json_object_set_new(options, "orphanDependents",
				    json_boolean(strcmp(orphan, "true") == 0));
	}
	return NULL;
}

static json_t *check_options(const json_t *options)
{
	_cleanup_field_errors_ struct field_errors errors;

	field_errors_init(&errors);
	object_check_type(kind_delete_options.type, options, &errors);
	return errors.n != 0 ? status_invalid(&kind_delete_options, STR_NONE, &errors) : NULL;
}

json_t *body_delete_options(struct call *call, json_t **ret)
{
	_cleanup_json_ json_t *options = NULL;
	json_t *refusal = NULL;

	if (call->exchange->body.n != 0) {
		refusal = decode_options(call, &options);
	} else {
		options = json_object();
	}
	if (refusal == NULL) {
		refusal = query_options(call, options);
	}
	if (refusal == NULL) {
		refusal = check_options(options);
	}
	if (refusal == NULL) {
		*ret = json_incref(options);
	}
	return refusal;
}
