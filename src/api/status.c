/* SPDX-License-Identifier: Apache-2.0 */
#include "api/status.h"

#include <errno.h>
#include <stdarg.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "json/json.h"

static const struct {
	int code;
	const char *reason;
} outcomes[] = {
	[OUTCOME_BAD_REQUEST] = { 400, "BadRequest" },
	[OUTCOME_UNAUTHORIZED] = { 401, "Unauthorized" },
	[OUTCOME_FORBIDDEN] = { 403, "Forbidden" },
	[OUTCOME_NOT_FOUND] = { 404, "NotFound" },
	[OUTCOME_METHOD_NOT_ALLOWED] = { 405, "MethodNotAllowed" },
	[OUTCOME_NOT_ACCEPTABLE] = { 406, "NotAcceptable" },
	[OUTCOME_ALREADY_EXISTS] = { 409, "AlreadyExists" },
	[OUTCOME_CONFLICT] = { 409, "Conflict" },
	[OUTCOME_EXPIRED] = { 410, "Expired" },
	[OUTCOME_TOO_LARGE] = { 413, "RequestEntityTooLarge" },
	[OUTCOME_MEDIA_TYPE] = { 415, "UnsupportedMediaType" },
	[OUTCOME_INVALID] = { 422, "Invalid" },
	[OUTCOME_TOO_MANY] = { 429, "TooManyRequests" },
	[OUTCOME_INTERNAL] = { 500, "InternalError" },
	[OUTCOME_UNAVAILABLE] = { 503, "ServiceUnavailable" },
	[OUTCOME_TIMEOUT] = { 504, "Timeout" },
};

/* What a client sent may not even be UTF-8, and is quoted back. */
static json_t *string_of(struct str text)
{
	json_t *string = json_stringn(text.p != NULL ? text.p : "", text.n);

	if (string == NULL) {
		_cleanup_free_ char *copy = str_dup(text);
		for (size_t i = 0; i < text.n; i++) {
			copy[i] = (unsigned char)copy[i] < 0x80 ? copy[i] : '?';
		}
		string = json_stringn(copy, text.n);
	}
	return string;
}

static json_t *make(enum outcome outcome, struct str message)
{
	json_t *status = json_pack("{s:s, s:s, s:{}, s:s}", "kind", "Status", "apiVersion", "v1",
				   "metadata", "status", "Failure");

	json_object_set_new(status, "message", string_of(message));
	json_object_set_new(status, "reason", json_string(outcomes[outcome].reason));
	json_object_set_new(status, "code", json_integer(outcomes[outcome].code));
	return status;
}

/* Details keep the place they have in the Go type, before the code. */
static json_t *details_of(json_t *status)
{
	json_t *details = json_object_get(status, "details");

	if (details == NULL) {
		json_t *code = json_incref(json_object_get(status, "code"));
		details = json_object();
		json_object_del(status, "code");
		json_object_set_new(status, "details", details);
		json_object_set_new(status, "code", code);
	}
	return details;
}

static void set_details(json_t *status, const struct kind *kind, const char *kind_name,
			struct str name)
{
	json_t *details = details_of(status);

	if (name.n != 0) {
		json_object_set_new(details, "name", string_of(name));
	}
	if (kind->group[0] != '\0') {
		json_object_set_new(details, "group", json_string(kind->group));
	}
	json_object_set_new(details, "kind", json_string(kind_name));
}

/* schema.GroupResource as text: "pods", "deployments.apps". */
static void append_resource(struct buffer *out, const struct kind *kind)
{
	buffer_append_text(out, kind->plural);
	if (kind->group[0] != '\0') {
		buffer_printf(out, ".%s", kind->group);
	}
}

json_t *status_new(enum outcome outcome, const char *format, ...)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	va_list arguments;

	va_start(arguments, format);
	buffer_vprintf(&text, format, arguments);
	va_end(arguments);
	return make(outcome, buffer_str(&text));
}

json_t *status_about(enum outcome outcome, const struct kind *kind, struct str name,
		     const char *format, ...)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	va_list arguments;

	va_start(arguments, format);
	buffer_vprintf(&text, format, arguments);
	va_end(arguments);
	json_t *status = make(outcome, buffer_str(&text));
	set_details(status, kind, kind->plural, name);
	return status;
}

/* `pods "web-0" WHAT` */
static json_t *about_named(enum outcome outcome, const struct kind *kind, struct str name,
			   const char *what)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	append_resource(&text, kind);
	buffer_printf(&text, " \"%.*s\" %s", STR_ARG(name), what);
	json_t *status = make(outcome, buffer_str(&text));
	set_details(status, kind, kind->plural, name);
	return status;
}

json_t *status_not_found(const struct kind *kind, struct str name)
{
	return about_named(OUTCOME_NOT_FOUND, kind, name, "not found");
}

json_t *status_already_exists(const struct kind *kind, struct str name)
{
	return about_named(OUTCOME_ALREADY_EXISTS, kind, name, "already exists");
}

json_t *status_conflict(const struct kind *kind, struct str name, const char *why, ...)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	va_list arguments;

	buffer_append_text(&text, "Operation cannot be fulfilled on ");
	append_resource(&text, kind);
	buffer_printf(&text, " \"%.*s\": ", STR_ARG(name));
	va_start(arguments, why);
	buffer_vprintf(&text, why, arguments);
	va_end(arguments);
	json_t *status = make(OUTCOME_CONFLICT, buffer_str(&text));
	set_details(status, kind, kind->plural, name);
	return status;
}

json_t *status_modified(const struct kind *kind, struct str name)
{
	return status_conflict(kind, name,
			       "the object has been modified; please apply your changes to the "
			       "latest version and try again");
}

json_t *status_forbidden(const struct kind *kind, struct str name, const char *why, ...)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	va_list arguments;

	append_resource(&text, kind);
	if (name.n != 0) {
		buffer_printf(&text, " \"%.*s\"", STR_ARG(name));
	}
	buffer_append_text(&text, " is forbidden: ");
	va_start(arguments, why);
	buffer_vprintf(&text, why, arguments);
	va_end(arguments);
	json_t *status = make(OUTCOME_FORBIDDEN, buffer_str(&text));
	set_details(status, kind, kind->plural, name);
	return status;
}

json_t *status_invalid(const struct kind *kind, struct str name, const struct field_errors *errors)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	buffer_append_text(&text, kind->kind);
	if (kind->group[0] != '\0') {
		buffer_printf(&text, ".%s", kind->group);
	}
	buffer_printf(&text, " \"%.*s\" is invalid: ", STR_ARG(name));
	field_errors_text(errors, &text);
	json_t *status = make(OUTCOME_INVALID, buffer_str(&text));
	set_details(status, kind, kind->kind, name);
	for (size_t i = 0; i < errors->n; i++) {
		status_add_cause(status, field_error_reason(errors->items[i].type),
				 errors->items[i].message, errors->items[i].path);
	}
	return status;
}

json_t *status_invalid_field(const struct kind *kind, struct str name, enum field_error_type type,
			     const char *path, const json_t *value, const char *detail)
{
	_cleanup_field_errors_ struct field_errors errors;

	field_errors_init(&errors);
	field_errors_add(&errors, type, path, value, detail);
	return status_invalid(kind, name, &errors);
}

json_t *status_method(const struct kind *kind, const char *action)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	buffer_printf(&text, "%s is not supported on resources of kind \"", action);
	append_resource(&text, kind);
	buffer_append_char(&text, '"');
	json_t *status = make(OUTCOME_METHOD_NOT_ALLOWED, buffer_str(&text));
	set_details(status, kind, kind->plural, STR_NONE);
	return status;
}

json_t *status_busy(void)
{
	json_t *status = status_new(OUTCOME_TOO_MANY,
				    "the server has received too many requests and has asked us "
				    "to try again later");

	status_retry_after(status, 1);
	return status;
}

json_t *status_failed(int error)
{
	const char *why = strerror(-error);
	json_t *status = status_new(OUTCOME_INTERNAL,
				    "Internal error occurred: the store could not write: %s", why);

	status_add_cause(status, NULL, why, NULL);
	return status;
}

json_t *status_success(const struct kind *kind, struct str name, const char *uid)
{
	json_t *status = json_pack("{s:s, s:s, s:{}, s:s}", "kind", "Status", "apiVersion", "v1",
				   "metadata", "status", "Success");

	set_details(status, kind, kind->plural, name);
	if (uid != NULL && uid[0] != '\0') {
		json_object_set_new(json_object_get(status, "details"), "uid", json_string(uid));
	}
	return status;
}

void status_add_cause(json_t *status, const char *reason, const char *message, const char *field)
{
	json_t *details = details_of(status);
	json_t *causes = json_object_get(details, "causes");
	json_t *cause = json_object();

	if (causes == NULL) {
		causes = json_array();
		json_object_set_new(details, "causes", causes);
	}
	if (reason != NULL) {
		json_object_set_new(cause, "reason", json_string(reason));
	}
	json_object_set_new(cause, "message", json_string(message));
	if (field != NULL) {
		json_object_set_new(cause, "field", json_string(field));
	}
	json_array_append_new(causes, cause);
}

void status_retry_after(json_t *status, int seconds)
{
	json_object_set_new(details_of(status), "retryAfterSeconds", json_integer(seconds));
}

int status_code(const json_t *status)
{
	return (int)json_int_at(status, "code", 200);
}
