/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Checks that several kinds share. Each adds errors in the words of Kubernetes and returns nothing:
 * an object is refused when any error was added.
 */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "object/field_errors.h"
#include "object/schema.h"

/* An error about a text that is no JSON value of the object; the path is printf's. */
void rule_error_text(struct field_errors *errors, enum field_error_type type, const char *value,
		     const char *detail, const char *path_format, ...)
	__attribute__((format(printf, 5, 6)));

/* Refuses a number below `least` (a missing one is 0): "must be greater than 0". */
void rule_at_least_one(const json_t *value, const char *key, const char *path,
		       struct field_errors *errors);

/* Equal, or both missing. */
bool rule_is_same(const json_t *a, const json_t *b);

/* True when the array holds an object whose member `key` is the string `wanted`. */
bool rule_has(const json_t *array, const char *key, const char *wanted);

/* Refuses a second element with the same non-empty `key`: "Duplicate value". */
void rule_unique(const json_t *array, const char *key, const char *path,
		 struct field_errors *errors);

/*
 * Refuses `values` that differ from `old_values` for any key but those in `allowed` (NULL at the
 * end). Returns true when nothing else differs.
 */
bool rule_only_changes(const json_t *value, const json_t *old, const char *const *allowed);

/*
 * A selector and the template it has to select: spec.selector is not empty and matches the labels
 * of spec.template. `noun` names the kind in the message.
 */
void rule_template(const json_t *object, const char *noun, struct field_errors *errors);

/* What a pod template may not say: another restart policy than Always, a deadline. */
void rule_template_runs_forever(const json_t *object, const char *noun,
				struct field_errors *errors);
