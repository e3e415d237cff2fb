/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between patch_strategic.c (objects and directives) and patch_strategic_list.c (lists). */

#include <stdbool.h>

#include "json/patch.h"

#define DIRECTIVE "$patch"
#define RETAIN_KEYS "$retainKeys"
#define SET_ORDER "$setElementOrder/"
#define DELETE_FROM_LIST "$deleteFromPrimitiveList/"

struct merger {
	const struct strategic_schema *schema;
	struct patch_message *message;
};

/* Fills the message; returns false. */
bool strategic_fail(struct merger *merger, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Merges `patch` into the object `*target` in place; it may be replaced by another object. */
bool strategic_merge_object(struct merger *merger, json_t **target, const json_t *patch,
			    const void *message);

/*
 * A copy of a value of the patch for where nothing stands: without nulls, directives and what they
 * delete. NULL when nothing is left.
 */
json_t *strategic_fresh(const json_t *value);

/*
 * The list `target` merged with the list `patch`, as a new reference; elements of `target` are
 * changed in place. `name` is the field's, for messages.
 */
json_t *strategic_merge_list(struct merger *merger, json_t *target, const json_t *patch,
			     const struct strategic_field *field, const char *name);

/*
 * Orders `list`: elements that `wanted` names come in its order, the others in the order they have
 * in `before`, and the two are interleaved as `before` has them. New reference, NULL after an
 * error.
 */
json_t *strategic_order_list(struct merger *merger, const json_t *list, const json_t *wanted,
			     const json_t *before, const struct strategic_field *field);

/* The elements of `patch` must be named by `order`, and stand in its order. */
bool strategic_check_order(struct merger *merger, const json_t *patch, const json_t *order,
			   const struct strategic_field *field, const char *name);

/* `target` without the scalars in `unwanted`. New reference, NULL after an error. */
json_t *strategic_delete_scalars(struct merger *merger, const json_t *target,
				 const json_t *unwanted, const char *name);
