/* SPDX-License-Identifier: Apache-2.0 */
#include "object/schema.h"

#include <string.h>

#include "base/buffer.h"

/*
 * Looking things up in the schema. The tables are small (the widest message has some forty rows,
 * the table of kinds less than twenty), so plain walks beat anything cleverer.
 */

const struct field *type_field(const struct type *type, const char *name)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *field = &type->fields[i];

		if ((field->flags & FIELD_INLINE) != 0) {
			const struct field *found = type_field(field->message, name);

			if (found != NULL) {
				return found;
			}
		} else if (strcmp(field->name, name) == 0) {
			return field;
		}
	}
	return NULL;
}

static bool in_group(const struct kind *kind, const char *group, const char *version)
{
	return strcmp(kind->group, group) == 0 && strcmp(kind->version, version) == 0;
}

const struct kind *kind_find(const char *group, const char *version, const char *name)
{
	for (size_t i = 0; i < n_kinds; i++) {
		if (in_group(kinds[i], group, version) && strcmp(kinds[i]->kind, name) == 0) {
			return kinds[i];
		}
	}
	return NULL;
}

const struct kind *kind_find_resource(const char *group, const char *version, const char *plural)
{
	for (size_t i = 0; i < n_kinds; i++) {
		if (in_group(kinds[i], group, version) && strcmp(kinds[i]->plural, plural) == 0) {
			return kinds[i];
		}
	}
	return NULL;
}

void kind_api_version(const struct kind *kind, struct buffer *out)
{
	if (kind->group[0] != '\0') {
		buffer_append_text(out, kind->group);
		buffer_append_char(out, '/');
	}
	buffer_append_text(out, kind->version);
}
