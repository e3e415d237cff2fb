/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is wrong with an object, field by field: the causes of a Status with reason Invalid. The
 * wording follows k8s.io/apimachinery field errors, because clients match on it:
 * `spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive`.
 */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/limits.h"

struct buffer;

enum field_error_type {
	FIELD_ERROR_REQUIRED, /* FieldValueRequired: "Required value" */
	FIELD_ERROR_INVALID, /* FieldValueInvalid: "Invalid value: …" */
	FIELD_ERROR_NOT_SUPPORTED, /* FieldValueNotSupported: "Unsupported value: …" */
	FIELD_ERROR_FORBIDDEN, /* FieldValueForbidden: "Forbidden" */
	FIELD_ERROR_DUPLICATE, /* FieldValueDuplicate: "Duplicate value: …" */
	FIELD_ERROR_TOO_LONG, /* FieldValueTooLong: "Too long: …" */
	FIELD_ERROR_TOO_MANY, /* FieldValueTooMany: "Too many: …" */
	FIELD_ERROR_TYPE, /* FieldValueTypeInvalid */
	FIELD_ERROR_NOT_FOUND, /* FieldValueNotFound: "Not found: …": a name that names nothing */
};

struct field_error {
	enum field_error_type type;
	char *path;
	char *message; /* without the path: `Invalid value: 0: must be …` */
};

/* At most LIMIT_FIELD_ERRORS are kept; `dropped` counts the rest. */
struct field_errors {
	struct field_error items[LIMIT_FIELD_ERRORS];
	size_t n;
	size_t dropped;
};

void field_errors_init(struct field_errors *errors);
void field_errors_deinit(struct field_errors *errors);
#define _cleanup_field_errors_ __attribute__((cleanup(field_errors_deinit)))

/*
 * Adds one error at `path` (copied). `value` is the offending value (borrowed, may be NULL);
 * strings print quoted. `detail` says what is wrong, and may be "" for REQUIRED and DUPLICATE. For
 * NOT_SUPPORTED, `detail` is the '|'-separated list of values that are.
 */
void field_errors_add(struct field_errors *errors, enum field_error_type type, const char *path,
		      const json_t *value, const char *detail);

/* The same with a printf path; the detail comes first. */
void field_errors_addf(struct field_errors *errors, enum field_error_type type, const json_t *value,
		       const char *detail, const char *path_format, ...)
	__attribute__((format(printf, 5, 6)));

/* "FieldValueInvalid" */
const char *field_error_reason(enum field_error_type type);

/* All of it in one line: one error as it is, several as "[a, b]" (ToAggregate). */
void field_errors_text(const struct field_errors *errors, struct buffer *out);
