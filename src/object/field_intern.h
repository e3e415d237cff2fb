/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files that walk trees by rows have in common. Inside src/object only. */

#include <stdbool.h>

#include <jansson.h>

#include "object/schema.h"

struct buffer;
struct field_errors;

/* 0, "", false, and lists, maps and messages with nothing in them. */
static inline bool value_is_zero(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return json_object_size(value) == 0;
	case JSON_ARRAY:
		return json_array_size(value) == 0;
	case JSON_STRING:
		return json_string_length(value) == 0;
	case JSON_INTEGER:
		return json_integer_value(value) == 0;
	case JSON_REAL:
		return json_real_value(value) == 0;
	case JSON_TRUE:
		return false;
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	return true;
}

/*
 * Absent, as Kubernetes sees it: a zero value says nothing unless the Go type has a pointer there.
 * `value` may be NULL.
 */
static inline bool field_is_unset(const struct field *field, const json_t *value)
{
	return value == NULL || ((field->flags & FIELD_POINTER) == 0 && value_is_zero(value));
}

/* The rules of metadata, of a whole object (check_metadata.c); `old` may be NULL. */
void check_metadata(const struct kind *kind, const json_t *metadata, const json_t *old_metadata,
		    struct field_errors *errors);

/*
 * Returns 0 when apiVersion and kind of `tree` are those of `kind` or not there; else
 * OBJECT_WRONG_KIND with `message` (decode.c).
 */
int check_kind(const struct kind *kind, const json_t *tree, struct buffer *message);
