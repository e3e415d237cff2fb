/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Refusals. A request that is not done is answered with a Status; inside the API a refusal *is*
 * that Status, as a tree (new reference), and NULL says that all is well. Code and reason come from
 * one table, the words from k8s.io/apimachinery/pkg/api/errors, because clients test both.
 */

#include <jansson.h>

#include "base/str.h"
#include "object/field_errors.h"
#include "object/schema.h"

enum outcome {
	OUTCOME_BAD_REQUEST,
	OUTCOME_UNAUTHORIZED,
	OUTCOME_FORBIDDEN,
	OUTCOME_NOT_FOUND,
	OUTCOME_METHOD_NOT_ALLOWED,
	OUTCOME_NOT_ACCEPTABLE,
	OUTCOME_ALREADY_EXISTS,
	OUTCOME_CONFLICT,
	OUTCOME_EXPIRED,
	OUTCOME_TOO_LARGE,
	OUTCOME_MEDIA_TYPE,
	OUTCOME_INVALID,
	OUTCOME_TOO_MANY,
	OUTCOME_INTERNAL,
	OUTCOME_UNAVAILABLE,
	OUTCOME_TIMEOUT,
};

/* Without details. */
json_t *status_new(enum outcome outcome, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* With details {name, group, kind: the resource}. `name` may be empty. */
json_t *status_about(enum outcome outcome, const struct kind *kind, struct str name,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* `pods "web-0" not found` */
json_t *status_not_found(const struct kind *kind, struct str name);

/* `pods "web-0" already exists` */
json_t *status_already_exists(const struct kind *kind, struct str name);

/* `Operation cannot be fulfilled on pods "web-0": WHY` */
json_t *status_conflict(const struct kind *kind, struct str name, const char *why, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for an object that somebody else has changed meanwhile. */
json_t *status_modified(const struct kind *kind, struct str name);

/* `pods "web-0" is forbidden: WHY` */
json_t *status_forbidden(const struct kind *kind, struct str name, const char *why, ...)
	__attribute__((format(printf, 3, 4)));

/* `Pod "web-0" is invalid: …` with one cause an error. */
json_t *status_invalid(const struct kind *kind, struct str name, const struct field_errors *errors);

/* One error at `path`, in words of the caller. */
json_t *status_invalid_field(const struct kind *kind, struct str name, enum field_error_type type,
			     const char *path, const json_t *value, const char *detail);

/* `ACTION is not supported on resources of kind "pods"` */
json_t *status_method(const struct kind *kind, const char *action);

/* A store that is too busy, or failed with a negative errno. */
json_t *status_busy(void);
json_t *status_failed(int error);

/* What was done and leaves no object to show: {"status":"Success"}. */
json_t *status_success(const struct kind *kind, struct str name, const char *uid);

/* `reason`, `field` may be NULL. */
void status_add_cause(json_t *status, const char *reason, const char *message, const char *field);
void status_retry_after(json_t *status, int seconds);

/* The HTTP status. */
int status_code(const json_t *status);
