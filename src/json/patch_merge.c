/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Merge Patch, as the pseudocode of RFC 7386 section 2 has it. */

#include "json/json.h"
#include "json/patch.h"

/* Merges the object `patch` into the object `target`, in place. */
static void merge_object(json_t *target, const json_t *patch)
{
	json_t *walk = (json_t *)patch;

	for (void *i = json_object_iter(walk); i != NULL; i = json_object_iter_next(walk, i)) {
		const char *key = json_object_iter_key(i);
		const json_t *value = json_object_iter_value(i);
		if (json_is_null(value)) {
			json_object_del(target, key);
		} else if (!json_is_object(value)) {
			json_object_set_new_nocheck(target, key, json_clone(value));
		} else {
			/* Also where nothing stands yet: the nulls of a patch never get in. */
			json_t *below = json_object_get(target, key);
			if (!json_is_object(below)) {
				below = json_object();
				json_object_set_new_nocheck(target, key, below);
			}
			merge_object(below, value);
		}
	}
}

json_t *json_merge_patch(const json_t *target, const json_t *patch)
{
	if (!json_is_object(patch)) {
		return json_clone(patch);
	}
	json_t *merged = json_is_object(target) ? json_clone(target) : json_object();
	merge_object(merged, patch);
	return merged;
}
