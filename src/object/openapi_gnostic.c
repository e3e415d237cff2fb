/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protobuf form of a Swagger 2.0 document: the messages of openapi.v2 as the gnostic project
 * defines them (OpenAPIv2.proto). It says the same as the JSON, key by key, so one walk over the
 * tree with a table of field numbers makes it. Three things have no key in JSON:
 *
 *   - a wrapper message around a value (TypeItem, ItemsItem, SchemaItem…): `wrap`, its field
 *     number;
 *   - an object with free keys, which is a list of {name = 1, value = 2}: SHAPE_NAMED;
 *   - any value at all ("x-…"), which is kept as YAML, and JSON is YAML.
 */

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "object/openapi_intern.h"
#include "json/json.h"

enum shape {
	SHAPE_TEXT,
	SHAPE_TEXTS, /* array of strings */
	SHAPE_FLAG,
	SHAPE_MESSAGE,
	SHAPE_NAMED, /* object of messages, as repeated {name, value} */
	SHAPE_PARAMETERS, /* array of parameters, each in the wrappers that its "in" asks for */
};

struct gnostic_field {
	const char *key;
	uint8_t number;
	uint8_t shape; /* enum shape */
	uint8_t wrap; /* number in a message around each value; 0 for none */
	uint8_t list; /* SHAPE_NAMED: number of the entries in the message around them */
	const struct gnostic_message *message;
};

struct gnostic_message {
	uint8_t extension; /* number of the vendor extensions; 0 for none */
	size_t n;
	const struct gnostic_field *fields;
};

#define FIELDS(rows) .n = ARRAY_SIZE(rows), .fields = (rows)

static const struct gnostic_message schema_message;

static const struct gnostic_field schema_fields[] = {
	{ "$ref", 1, SHAPE_TEXT },
	{ "format", 2, SHAPE_TEXT },
	{ "description", 4, SHAPE_TEXT },
	{ "required", 19, SHAPE_TEXTS },
	{ "additionalProperties", 21, SHAPE_MESSAGE, .wrap = 1, .message = &schema_message },
	{ "type", 22, SHAPE_TEXT, .wrap = 1 },
	{ "items", 23, SHAPE_MESSAGE, .wrap = 1, .message = &schema_message },
	{ "properties", 25, SHAPE_NAMED, .list = 1, .message = &schema_message },
};
static const struct gnostic_message schema_message = { .extension = 31, FIELDS(schema_fields) };

static const struct gnostic_field body_parameter_fields[] = {
	{ "description", 1, SHAPE_TEXT },
	{ "name", 2, SHAPE_TEXT },
	{ "in", 3, SHAPE_TEXT },
	{ "required", 4, SHAPE_FLAG },
	{ "schema", 5, SHAPE_MESSAGE, .message = &schema_message },
};
static const struct gnostic_message body_parameter = { FIELDS(body_parameter_fields) };

static const struct gnostic_field query_parameter_fields[] = {
	{ "required", 1, SHAPE_FLAG },     { "in", 2, SHAPE_TEXT },
	{ "description", 3, SHAPE_TEXT },  { "name", 4, SHAPE_TEXT },
	{ "type", 6, SHAPE_TEXT },         { "format", 7, SHAPE_TEXT },
	{ "uniqueItems", 20, SHAPE_FLAG },
};
static const struct gnostic_message query_parameter = { FIELDS(query_parameter_fields) };

static const struct gnostic_field path_parameter_fields[] = {
	{ "required", 1, SHAPE_FLAG },     { "in", 2, SHAPE_TEXT },
	{ "description", 3, SHAPE_TEXT },  { "name", 4, SHAPE_TEXT },
	{ "type", 5, SHAPE_TEXT },         { "format", 6, SHAPE_TEXT },
	{ "uniqueItems", 19, SHAPE_FLAG },
};
static const struct gnostic_message path_parameter = { FIELDS(path_parameter_fields) };

static const struct gnostic_field response_fields[] = {
	{ "description", 1, SHAPE_TEXT },
	{ "schema", 2, SHAPE_MESSAGE, .wrap = 1, .message = &schema_message },
};
static const struct gnostic_message response_message = { .extension = 5, FIELDS(response_fields) };

static const struct gnostic_field operation_fields[] = {
	{ "description", 3, SHAPE_TEXT },
	{ "operationId", 5, SHAPE_TEXT },
	{ "produces", 6, SHAPE_TEXTS },
	{ "consumes", 7, SHAPE_TEXTS },
	{ "parameters", 8, SHAPE_PARAMETERS },
	{ "responses", 9, SHAPE_NAMED, .list = 1, .wrap = 1, .message = &response_message },
	{ "schemes", 10, SHAPE_TEXTS },
};
static const struct gnostic_message operation_message = { .extension = 13,
							  FIELDS(operation_fields) };

static const struct gnostic_field path_item_fields[] = {
	{ "get", 2, SHAPE_MESSAGE, .message = &operation_message },
	{ "put", 3, SHAPE_MESSAGE, .message = &operation_message },
	{ "post", 4, SHAPE_MESSAGE, .message = &operation_message },
	{ "delete", 5, SHAPE_MESSAGE, .message = &operation_message },
	{ "patch", 8, SHAPE_MESSAGE, .message = &operation_message },
	{ "parameters", 9, SHAPE_PARAMETERS },
};
static const struct gnostic_message path_item = { .extension = 10, FIELDS(path_item_fields) };

static const struct gnostic_field info_fields[] = {
	{ "title", 1, SHAPE_TEXT },
	{ "version", 2, SHAPE_TEXT },
};
static const struct gnostic_message info_message = { .extension = 7, FIELDS(info_fields) };

static const struct gnostic_field document_fields[] = {
	{ "swagger", 1, SHAPE_TEXT },
	{ "info", 2, SHAPE_MESSAGE, .message = &info_message },
	{ "paths", 8, SHAPE_NAMED, .list = 2, .message = &path_item },
	{ "definitions", 9, SHAPE_NAMED, .list = 1, .message = &schema_message },
};
static const struct gnostic_message document_message = { .extension = 16, FIELDS(document_fields) };

/* Numbers of the wrappers around a parameter. */
enum {
	ITEM_PARAMETER = 1, /* ParametersItem.parameter */
	PARAMETER_BODY = 1, /* Parameter.body_parameter */
	PARAMETER_OTHER = 2, /* Parameter.non_body_parameter */
	OTHER_QUERY = 3, /* NonBodyParameter.query_parameter_sub_schema */
	OTHER_PATH = 4, /* NonBodyParameter.path_parameter_sub_schema */
	NAMED_NAME = 1,
	NAMED_VALUE = 2,
	ANY_YAML = 2,
	WIRE_LENGTH = 2,
};

static void put_varint(struct buffer *out, uint64_t value)
{
	while (value >= 0x80) {
		buffer_append_char(out, (char)(unsigned char)(value | 0x80));
		value >>= 7;
	}
	buffer_append_char(out, (char)(unsigned char)value);
}

static void put_bytes(struct buffer *out, unsigned number, struct str bytes)
{
	put_varint(out, (uint64_t)number << 3 | WIRE_LENGTH);
	put_varint(out, bytes.n);
	buffer_append_str(out, bytes);
}

static void put_flag(struct buffer *out, unsigned number, bool value)
{
	put_varint(out, (uint64_t)number << 3);
	put_varint(out, value);
}

/* `bytes` as field `number`, inside of a message of its own when `wrap` is not 0. */
static void put_wrapped(struct buffer *out, unsigned number, unsigned wrap, struct str bytes)
{
	_cleanup_buffer_ struct buffer wrapper = BUFFER_INIT(LIMIT_OPENAPI);

	if (wrap == 0) {
		put_bytes(out, number, bytes);
		return;
	}
	put_bytes(&wrapper, wrap, bytes);
	put_bytes(out, number, buffer_str(&wrapper));
}

static struct str text_of(const json_t *value)
{
	return (struct str){ .p = json_string_value(value), .n = json_string_length(value) };
}

static void put_message(const json_t *object, const struct gnostic_message *message,
			struct buffer *out);

/* {name = 1, value = 2} as an entry of field `number`. */
static void put_named(struct buffer *out, unsigned number, const char *name, struct str value)
{
	_cleanup_buffer_ struct buffer entry = BUFFER_INIT(LIMIT_OPENAPI);

	put_bytes(&entry, NAMED_NAME, str_from(name));
	put_bytes(&entry, NAMED_VALUE, value);
	put_bytes(out, number, buffer_str(&entry));
}

static void put_entries(const json_t *object, const struct gnostic_field *field, struct buffer *out)
{
	_cleanup_buffer_ struct buffer entries = BUFFER_INIT(LIMIT_OPENAPI);
	json_t *walk = (json_t *)object;

	for (void *i = json_object_iter(walk); i != NULL; i = json_object_iter_next(walk, i)) {
		_cleanup_buffer_ struct buffer value = BUFFER_INIT(LIMIT_OPENAPI);
		_cleanup_buffer_ struct buffer wrapped = BUFFER_INIT(LIMIT_OPENAPI);
		put_message(json_object_iter_value(i), field->message, &value);
		if (field->wrap != 0) {
			put_bytes(&wrapped, field->wrap, buffer_str(&value));
		}
		put_named(&entries, field->list, json_object_iter_key(i),
			  buffer_str(field->wrap != 0 ? &wrapped : &value));
	}
	put_bytes(out, field->number, buffer_str(&entries));
}

static void put_parameter(const json_t *parameter, unsigned number, struct buffer *out)
{
	_cleanup_buffer_ struct buffer value = BUFFER_INIT(LIMIT_OPENAPI);
	_cleanup_buffer_ struct buffer choice = BUFFER_INIT(LIMIT_OPENAPI);
	const char *in = json_string_at(parameter, "in");
	bool in_path = strcmp(in, "path") == 0;

	if (strcmp(in, "body") == 0) {
		put_message(parameter, &body_parameter, &value);
		put_bytes(&choice, PARAMETER_BODY, buffer_str(&value));
	} else {
		put_message(parameter, in_path ? &path_parameter : &query_parameter, &value);
		put_wrapped(&choice, PARAMETER_OTHER, in_path ? OTHER_PATH : OTHER_QUERY,
			    buffer_str(&value));
	}
	put_wrapped(out, number, ITEM_PARAMETER, buffer_str(&choice));
}

static void put_field(const json_t *value, const struct gnostic_field *field, struct buffer *out)
{
	_cleanup_buffer_ struct buffer bytes = BUFFER_INIT(LIMIT_OPENAPI);
	const json_t *element;
	size_t i;

	switch (field->shape) {
	case SHAPE_TEXT:
		put_wrapped(out, field->number, field->wrap, text_of(value));
		break;
	case SHAPE_TEXTS:
		json_array_foreach (value, i, element) {
			put_bytes(out, field->number, text_of(element));
		}
		break;
	case SHAPE_FLAG:
		put_flag(out, field->number, json_is_true(value));
		break;
	case SHAPE_MESSAGE:
		put_message(value, field->message, &bytes);
		put_wrapped(out, field->number, field->wrap, buffer_str(&bytes));
		break;
	case SHAPE_NAMED:
		put_entries(value, field, out);
		break;
	case SHAPE_PARAMETERS:
		json_array_foreach (value, i, element) {
			put_parameter(element, field->number, out);
		}
		break;
	}
}

static const struct gnostic_field *find_field(const struct gnostic_message *message,
					      const char *key)
{
	for (size_t i = 0; i < message->n; i++) {
		if (strcmp(message->fields[i].key, key) == 0) {
			return &message->fields[i];
		}
	}
	return NULL;
}

/* NamedAny{name, Any{yaml}} */
static void put_extension(const char *key, const json_t *value, unsigned number, struct buffer *out)
{
	_cleanup_buffer_ struct buffer yaml = BUFFER_INIT(LIMIT_OPENAPI);
	_cleanup_buffer_ struct buffer any = BUFFER_INIT(LIMIT_OPENAPI);

	json_write(value, &yaml);
	put_bytes(&any, ANY_YAML, buffer_str(&yaml));
	put_named(out, number, key, buffer_str(&any));
}

static void put_message(const json_t *object, const struct gnostic_message *message,
			struct buffer *out)
{
	json_t *walk = (json_t *)object;

	for (void *i = json_object_iter(walk); i != NULL; i = json_object_iter_next(walk, i)) {
		const char *key = json_object_iter_key(i);
		const struct gnostic_field *field = find_field(message, key);
		if (field != NULL) {
			put_field(json_object_iter_value(i), field, out);
		} else if (message->extension != 0 && strncmp(key, "x-", 2) == 0) {
			put_extension(key, json_object_iter_value(i), message->extension, out);
		}
	}
}

void openapi_gnostic(const json_t *document, struct buffer *out)
{
	put_message(document, &document_message, out);
}
