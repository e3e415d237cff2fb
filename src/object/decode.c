/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "object/field_intern.h"
#include "object/path.h"
#include "object/prepare.h"
#include "object/quantity.h"
#include "json/json.h"

/*
 * From any JSON to the tree of a kind: one walk over the tree beside its rows. Afterwards every key
 * has a row, every value has its row's type, and what has several spellings (times, quantities,
 * base64) has one, so that equal objects have equal text. An explicit null is an absent field; a
 * null in a list or map is the zero value, as Go reads it.
 *
 * Invariant: `path` names the value at hand whenever a function is entered and when it returns 0.
 */

struct decoder {
	struct buffer path;
	struct strict_report *report;
	struct buffer *message;
};

void strict_report_deinit(struct strict_report *report)
{
	for (size_t i = 0; i < report->n; i++) {
		mem_free(report->items[i]);
	}
	*report = (struct strict_report){ .n = 0 };
}

void strict_report_add(struct strict_report *report, const char *format, ...)
{
	struct buffer text = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	va_list arguments;

	if (report->n == LIMIT_FIELD_ERRORS) {
		report->dropped++;
		return;
	}
	va_start(arguments, format);
	buffer_vprintf(&text, format, arguments);
	va_end(arguments);
	report->items[report->n++] = buffer_take(&text, NULL);
}

/* `string "three"`, `integer 3`, `object`: what somebody gave, short. */
static void describe(const json_t *value, struct buffer *out)
{
	enum { SHOWN_MAX = 64 };
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OBJECT);

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		buffer_append_text(out, "object");
		return;
	case JSON_ARRAY:
		buffer_append_text(out, "array");
		return;
	case JSON_NULL:
		buffer_append_text(out, "null");
		return;
	case JSON_STRING:
		buffer_append_text(out, "string ");
		break;
	case JSON_INTEGER:
		buffer_append_text(out, "integer ");
		break;
	case JSON_REAL:
		buffer_append_text(out, "number ");
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		buffer_append_text(out, "boolean ");
		break;
	}
	json_write(value, &text);
	if (text.n > SHOWN_MAX) {
		size_t n = SHOWN_MAX;

		while ((text.p[n] & 0xc0) == 0x80) { /* not within a UTF-8 character */
			n--;
		}
		buffer_append(out, text.p, n);
		buffer_append_text(out, "...");
	} else {
		buffer_append_str(out, buffer_str(&text));
	}
}

static int wrong_type(struct decoder *decoder, const char *expected, const json_t *value)
{
	buffer_printf(decoder->message, "%s: expected %s, got ", buffer_text(&decoder->path),
		      expected);
	describe(value, decoder->message);
	return OBJECT_WRONG_TYPE;
}

static int conform_message(struct decoder *decoder, const struct type *type, json_t *tree);

static int conform_integer(struct decoder *decoder, const json_t *value, int64_t min, int64_t max)
{
	if (!json_is_integer(value)) {
		return wrong_type(decoder, "integer", value);
	}
	if (json_integer_value(value) < min || json_integer_value(value) > max) {
		return wrong_type(decoder, "32-bit integer", value);
	}
	return 0;
}

static int conform_bytes(struct decoder *decoder, const json_t *value, json_t **ret)
{
	_cleanup_buffer_ struct buffer bytes = BUFFER_INIT(LIMIT_OBJECT);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(2 * LIMIT_OBJECT);

	if (!json_is_string(value) ||
	    !base64_decode((struct str){ json_string_value(value), json_string_length(value) },
			   &bytes)) {
		return wrong_type(decoder, "base64 text", value);
	}
	base64_encode(buffer_str(&bytes), &text);
	if (text.n != json_string_length(value)) {
		*ret = json_stringn(buffer_text(&text), text.n);
	}
	return 0;
}

/* Go's zero time, which some clients write instead of null. */
#define ZERO_TIME "0001-01-01T00:00:00Z"

static int conform_time(struct decoder *decoder, const json_t *value, bool micro, json_t **ret)
{
	char text[TIMESTAMP_TEXT];
	int64_t nanoseconds;

	if (json_is_string(value) && strcmp(json_string_value(value), ZERO_TIME) == 0) {
		*ret = json_null();
		return 0;
	}
	if (!json_is_string(value) ||
	    timestamp_parse(json_string_value(value), &nanoseconds) != 0) {
		return wrong_type(decoder, "time like \"2006-01-02T15:04:05Z\"", value);
	}
	if (micro) {
		timestamp_format_micro(nanoseconds, text);
	} else {
		bool is_before = nanoseconds % (int64_t)NS_PER_S < 0;

		timestamp_format(nanoseconds / (int64_t)NS_PER_S - (is_before ? 1 : 0), text);
	}
	*ret = json_string(text);
	return 0;
}

/* The shortest decimal that reads back as the same double. */
static void append_number(const json_t *value, struct buffer *out)
{
	char text[40];

	if (json_is_integer(value)) {
		buffer_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*g", precision, json_real_value(value));
		if (strtod(text, NULL) == json_real_value(value)) {
			break;
		}
	}
	buffer_append_text(out, text);
}

static int conform_quantity(struct decoder *decoder, const json_t *value, json_t **ret)
{
	_cleanup_buffer_ struct buffer given = BUFFER_INIT(LIMIT_OBJECT);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(100);

	if (json_is_string(value)) {
		buffer_append(&given, json_string_value(value), json_string_length(value));
	} else if (json_is_number(value)) {
		append_number(value, &given);
	} else {
		return wrong_type(decoder, "quantity", value);
	}
	if (!quantity_canonical(str_trim(buffer_str(&given)), &text)) {
		wrong_type(decoder, "quantity", value);
		buffer_append_text(decoder->message,
				   " (quantities must match the regular expression "
				   "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$')");
		return OBJECT_WRONG_TYPE;
	}
	*ret = json_stringn(buffer_text(&text), text.n);
	return 0;
}

/*
 * One value of `field`. *ret becomes a new reference when another value shall stand in its place
 * (null: none at all).
 */
static int conform_value(struct decoder *decoder, const struct field *field, json_t *value,
			 json_t **ret)
{
	switch ((enum field_type)field->type) {
	case FIELD_STRING:
		return json_is_string(value) ? 0 : wrong_type(decoder, "string", value);
	case FIELD_BOOL:
		return json_is_boolean(value) ? 0 : wrong_type(decoder, "boolean", value);
	case FIELD_INT32:
		return conform_integer(decoder, value, INT32_MIN, INT32_MAX);
	case FIELD_INT64:
		return conform_integer(decoder, value, INT64_MIN, INT64_MAX);
	case FIELD_BYTES:
		return conform_bytes(decoder, value, ret);
	case FIELD_TIME:
		return conform_time(decoder, value, /* micro= */ false, ret);
	case FIELD_MICRO_TIME:
		return conform_time(decoder, value, /* micro= */ true, ret);
	case FIELD_QUANTITY:
		return conform_quantity(decoder, value, ret);
	case FIELD_INT_OR_STRING:
		if (json_is_string(value)) {
			return 0;
		}
		if (!json_is_integer(value)) {
			return wrong_type(decoder, "integer or string", value);
		}
		return conform_integer(decoder, value, INT32_MIN, INT32_MAX);
	case FIELD_RAW:
		return json_is_object(value) ? 0 : wrong_type(decoder, "object", value);
	case FIELD_MESSAGE:
		if (!json_is_object(value)) {
			return wrong_type(decoder, "object", value);
		}
		return conform_message(decoder, field->message, value);
	}
	return 0;
}

/* The value that Go has where JSON has a null element; NULL where null is no element at all. */
static json_t *zero_value(const struct field *field)
{
	switch ((enum field_type)field->type) {
	case FIELD_STRING:
	case FIELD_BYTES:
		return json_string("");
	case FIELD_INT32:
	case FIELD_INT64:
		return json_integer(0);
	case FIELD_BOOL:
		return json_false();
	case FIELD_QUANTITY:
		return json_string("0");
	default:
		return NULL;
	}
}

/* An element of a list or a map: like a value, but something must stand there. */
static int conform_element(struct decoder *decoder, const struct field *field, json_t *value,
			   json_t **ret)
{
	int outcome;

	if (json_is_null(value)) {
		*ret = zero_value(field);
		if (*ret != NULL) {
			return 0;
		}
	}
	outcome = conform_value(decoder, field, value, ret);
	if (outcome == 0 && *ret != NULL && json_is_null(*ret)) {
		*ret = NULL; /* json_null() is not counted */
	}
	return outcome;
}

static int conform_list(struct decoder *decoder, const struct field *field, json_t *list)
{
	json_t *value;
	size_t i;

	if (!json_is_array(list)) {
		return wrong_type(decoder, "array", list);
	}
	json_array_foreach (list, i, value) {
		size_t before = path_push_index(&decoder->path, i);
		json_t *other = NULL;
		int outcome = conform_element(decoder, field, value, &other);

		if (outcome != 0) {
			return outcome;
		}
		if (other != NULL) {
			json_array_set_new(list, i, other);
		}
		path_pop(&decoder->path, before);
	}
	return 0;
}

static int conform_map(struct decoder *decoder, const struct field *field, json_t *map)
{
	const char *key;
	json_t *value;
	void *next;

	if (!json_is_object(map)) {
		return wrong_type(decoder, "object", map);
	}
	json_object_foreach_safe (map, next, key, value) {
		size_t before = path_push_map_key(&decoder->path, key);
		json_t *other = NULL;
		int outcome = conform_element(decoder, field, value, &other);

		if (outcome != 0) {
			return outcome;
		}
		if (other != NULL) {
			json_object_set_new(map, key, other);
		}
		path_pop(&decoder->path, before);
	}
	return 0;
}

static int conform_field(struct decoder *decoder, const struct field *field, json_t *value,
			 json_t **ret)
{
	switch ((enum field_shape)field->shape) {
	case FIELD_LIST:
		return conform_list(decoder, field, value);
	case FIELD_MAP:
		return conform_map(decoder, field, value);
	case FIELD_ONE:
		break;
	}
	return conform_value(decoder, field, value, ret);
}

static int conform_message(struct decoder *decoder, const struct type *type, json_t *tree)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe (tree, next, key, value) {
		const struct field *field = type_field(type, key);
		size_t before = path_push(&decoder->path, key);
		json_t *other = NULL;
		int outcome = 0;

		if (field == NULL) {
			strict_report_add(decoder->report, "unknown field \"%s\"",
					  buffer_text(&decoder->path));
		} else if (!json_is_null(value)) {
			outcome = conform_field(decoder, field, value, &other);
		}
		if (outcome != 0) {
			return outcome;
		}
		if (field == NULL || json_is_null(value) ||
		    (other != NULL && json_is_null(other))) {
			json_object_del(tree, key);
		} else if (other != NULL) {
			json_object_set_new(tree, key, other);
		}
		path_pop(&decoder->path, before);
	}
	return 0;
}

static bool is_too_deep(const json_t *value, int left)
{
	const char *key;
	json_t *inner;
	size_t i;

	if (left == 0) {
		return json_is_object(value) || json_is_array(value);
	}
	json_object_foreach ((json_t *)value, key, inner) {
		if (is_too_deep(inner, left - 1)) {
			return true;
		}
	}
	json_array_foreach (value, i, inner) {
		if (is_too_deep(inner, left - 1)) {
			return true;
		}
	}
	return false;
}

int object_conform_type(const struct type *type, json_t *tree, struct strict_report *report,
			struct buffer *message)
{
	struct decoder decoder = {
		.path = BUFFER_INIT(LIMIT_ERROR_MESSAGE),
		.report = report,
		.message = message,
	};
	int outcome;

	if (!json_is_object(tree)) {
		buffer_append_text(message, "expected a JSON object, got ");
		describe(tree, message);
		return OBJECT_MALFORMED;
	}
	if (is_too_deep(tree, LIMIT_JSON_DEPTH)) {
		buffer_printf(message, "nested deeper than %d levels", LIMIT_JSON_DEPTH);
		return OBJECT_TOO_LARGE;
	}
	outcome = conform_message(&decoder, type, tree);
	buffer_deinit(&decoder.path);
	return outcome;
}

int check_kind(const struct kind *kind, const json_t *tree, struct buffer *message)
{
	_cleanup_buffer_ struct buffer api_version = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	const char *given = json_string_at(tree, "apiVersion");

	kind_api_version(kind, &api_version);
	if (given[0] != '\0' && strcmp(given, buffer_text(&api_version)) != 0) {
		buffer_printf(message,
			      "the API version in the data (%s) does not match the expected API "
			      "version (%s)",
			      given, buffer_text(&api_version));
		return OBJECT_WRONG_KIND;
	}
	given = json_string_at(tree, "kind");
	if (given[0] != '\0' && strcmp(given, kind->kind) != 0) {
		buffer_printf(message,
			      "the kind in the data (%s) does not match the expected kind (%s)",
			      given, kind->kind);
		return OBJECT_WRONG_KIND;
	}
	return 0;
}

int object_conform(const struct kind *kind, json_t *tree, struct strict_report *report,
		   struct buffer *message)
{
	_cleanup_buffer_ struct buffer api_version = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	int outcome = check_kind(kind, tree, message);

	if (outcome == 0) {
		outcome = object_conform_type(kind->type, tree, report, message);
	}
	if (outcome != 0) {
		return outcome;
	}
	kind_api_version(kind, &api_version);
	json_object_set_new(tree, "apiVersion", json_string(buffer_text(&api_version)));
	json_object_set_new(tree, "kind", json_string(kind->kind));
	return 0;
}

struct duplicates {
	struct json_duplicates base;
	struct strict_report *report;
};

static void report_duplicate(struct json_duplicates *base, const char *path)
{
	struct duplicates *duplicates = container_of(base, struct duplicates, base);

	strict_report_add(duplicates->report, "duplicate field \"%s\"", path);
}

static int read_body(struct str body, struct strict_report *report, struct buffer *message,
		     json_t **ret)
{
	struct duplicates duplicates = { .base = { .found = report_duplicate }, .report = report };
	struct json_read_error error;
	int outcome = json_read(body, &duplicates.base, ret, &error);

	if (outcome == JSON_TOO_DEEP) {
		buffer_append_text(message, error.message);
		return OBJECT_TOO_LARGE;
	}
	if (outcome != 0) {
		buffer_append_text(message, error.message);
		return OBJECT_MALFORMED;
	}
	return 0;
}

int object_decode_type(const struct type *type, struct str body, struct strict_report *report,
		       struct buffer *message, json_t **ret)
{
	_cleanup_json_ json_t *tree = NULL;
	int outcome = read_body(body, report, message, &tree);

	if (outcome == 0) {
		outcome = object_conform_type(type, tree, report, message);
	}
	if (outcome == 0) {
		*ret = take(tree);
	}
	return outcome;
}

int object_decode(const struct kind *kind, struct str body, struct strict_report *report,
		  struct buffer *message, json_t **ret)
{
	_cleanup_json_ json_t *tree = NULL;
	int outcome = read_body(body, report, message, &tree);

	if (outcome == 0) {
		outcome = object_conform(kind, tree, report, message);
	}
	if (outcome == 0) {
		*ret = take(tree);
	}
	return outcome;
}
