/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Patches: JSON Patch (RFC 6902), JSON Merge Patch (RFC 7386) and Kubernetes' strategic merge
 * patch. Pure functions over trees. A target is changed only when the whole patch applies.
 */

#include <jansson.h>

#include "base/str.h"

enum {
	PATCH_INVALID = 1, /* the patch itself is malformed; *ret_message says how */
	PATCH_TEST_FAILED = 2, /* a JSON Patch "test" did not hold, or a path is not there */
};

enum { PATCH_MESSAGE_MAX = 512 };
struct patch_message {
	char text[PATCH_MESSAGE_MAX];
};

/* RFC 6902. Returns 0 with a new reference to the patched copy, or an outcome with a message. */
int json_patch(const json_t *target, const json_t *operations, json_t **ret,
	       struct patch_message *ret_message);

/* RFC 7386. Cannot fail. New reference. */
json_t *json_merge_patch(const json_t *target, const json_t *patch);

/* What a strategic merge needs to know of one field, answered by whoever has the schema. */
struct strategic_field {
	const void *message; /* schema of the value (or of each list element); NULL: none */
	const char *merge_key; /* for lists of objects that merge; NULL for sets of scalars */
	bool merge; /* patchStrategy merge */
	bool replace; /* patchStrategy replace */
	bool retain_keys; /* patchStrategy retainKeys */
};

struct strategic_schema {
	/* Fills *ret and returns true when `message` has the field `name`. */
	bool (*field)(const void *message, const char *name, struct strategic_field *ret);
};

/*
 * Kubernetes strategic merge patch: merges lists by key, honours $patch: replace|delete|merge,
 * $retainKeys, $setElementOrder/NAME and $deleteFromPrimitiveList/NAME. `message` is the schema of
 * the target. Returns 0 with a new reference or PATCH_INVALID with a message.
 */
int json_strategic_patch(const json_t *target, const json_t *patch,
			 const struct strategic_schema *schema, const void *message, json_t **ret,
			 struct patch_message *ret_message);

/*
 * The strategic merge patch that brings `current` to what `wanted` says, as somebody who applied
 * `original` before wants it: fields and list elements that `original` has and `wanted` has not are
 * taken away, what neither has is left alone. `original` may be NULL: nothing is taken away. A null
 * in `wanted` is as if it were not there. Returns a new reference, or NULL when nothing is to do.
 */
json_t *json_three_way_patch(const json_t *original, const json_t *wanted, const json_t *current,
			     const struct strategic_schema *schema, const void *message);
