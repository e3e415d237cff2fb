/* SPDX-License-Identifier: Apache-2.0 */
/* What the schema's rows say to a strategic merge patch (json/patch.h). */

#include "object/prepare.h"
#include "json/patch.h"

static bool strategic_field_of(const void *message, const char *name, struct strategic_field *ret)
{
	const struct field *field = type_field(message, name);

	if (field == NULL) {
		return false;
	}
	*ret = (struct strategic_field){
		/* The keys of a map are free, so nothing is known of what stands below them. */
		.message = field->shape != FIELD_MAP ? field->message : NULL,
		.merge_key = field->merge_key,
		.merge = (field->flags & FIELD_PATCH_MERGE) != 0,
		.replace = (field->flags & FIELD_PATCH_REPLACE) != 0,
		.retain_keys = (field->flags & FIELD_PATCH_RETAIN_KEYS) != 0,
	};
	return true;
}

const struct strategic_schema schema_strategic = { .field = strategic_field_of };
