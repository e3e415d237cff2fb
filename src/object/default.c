/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "object/field_intern.h"
#include "object/prepare.h"
#include "json/json.h"

/*
 * Defaults, message by message: first the rows' own, then everything below, then complete(). So a
 * message that a row's default puts in ("{}") gets its own defaults, and complete() sees all of
 * them. What is already there is never changed, which makes a second run change nothing.
 */

static json_t *default_of(const struct field *field)
{
	struct json_read_error error;
	json_t *value = NULL;
	int outcome = json_read(str_from(field->default_json), NULL, &value, &error);

	assert(outcome == 0); /* a constant of the tables */
	(void)outcome;
	return value;
}

static void default_message(const struct type *type, json_t *tree)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *field = &type->fields[i];
		json_t *value;

		if ((field->flags & FIELD_INLINE) != 0) {
			default_message(field->message, tree);
			continue;
		}
		value = json_object_get(tree, field->name);
		if (field->default_json != NULL && field_is_unset(field, value)) {
			value = default_of(field);
			json_object_set_new(tree, field->name, value);
		}
		if (value == NULL || field->type != FIELD_MESSAGE) {
			continue;
		}
		if (field->shape == FIELD_ONE) {
			default_message(field->message, value);
			continue;
		}
		const char *key;
		json_t *element;
		size_t index;

		json_array_foreach (value, index, element) {
			default_message(field->message, element);
		}
		if (field->shape == FIELD_MAP) {
			json_object_foreach (value, key, element) {
				default_message(field->message, element);
			}
		}
	}
	if (type->complete != NULL) {
		type->complete(tree);
	}
}

void object_default(const struct kind *kind, json_t *tree)
{
	default_message(kind->type, tree);
}
