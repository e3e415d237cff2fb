/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "object/field_errors.h"
#include "object/field_intern.h"
#include "object/formats.h"
#include "object/kinds/types.h"
#include "object/path.h"
#include "object/prepare.h"
#include "json/json.h"

/*
 * Validation: metadata, then the rows from the top down with each type's own check after its rows,
 * then the kind's rules, then what may not change.
 *
 * A message that is no pointer in Go always exists there: where it is absent, its rows are checked
 * against an empty one, so that a Deployment without spec hears about spec.selector. Status is the
 * exception, since what the system writes has its rules with those who write it.
 *
 * Invariant: `path` names the value at hand.
 */

struct checker {
	struct buffer path;
	struct field_errors *errors;
	json_t *empty;
};

static void check_message(struct checker *checker, const struct type *type, const json_t *tree);

static bool is_one_of(const char *value, const char *values)
{
	struct str rest = str_from(values);

	while (rest.p != NULL) {
		if (str_is(str_cut(&rest, '|'), value)) {
			return true;
		}
	}
	return false;
}

/* A value, or an element of a list or a map. */
static void check_value(struct checker *checker, const struct field *field, const json_t *value)
{
	if (field->type == FIELD_MESSAGE) {
		check_message(checker, field->message, value);
		return;
	}
	if (field->one_of != NULL && json_is_string(value) &&
	    !is_one_of(json_string_value(value), field->one_of)) {
		field_errors_add(checker->errors, FIELD_ERROR_NOT_SUPPORTED,
				 buffer_text(&checker->path), value, field->one_of);
	}
	/* A pointer to "" is a value, but no name or address that could be wrong. */
	if (field->format != FORMAT_NONE &&
	    (field->shape != FIELD_ONE || !json_is_string(value) || !value_is_zero(value))) {
		format_check(field->format, value, buffer_text(&checker->path), checker->errors);
	}
}

static void check_key(struct checker *checker, const struct field *field, const char *key)
{
	_cleanup_json_ json_t *value = json_string(key);

	format_check(field->format, value, buffer_text(&checker->path), checker->errors);
}

/* The format of a map is that of its keys; FORMAT_LABEL_VALUE says that it is a map of labels. */
static void check_map(struct checker *checker, const struct field *field, const json_t *map)
{
	const char *key;
	json_t *value;

	if (field->format == FORMAT_LABEL_VALUE) {
		format_check_labels(map, buffer_text(&checker->path), checker->errors);
		return;
	}
	json_object_foreach ((json_t *)map, key, value) {
		size_t before = path_push_map_key(&checker->path, key);

		if (field->format != FORMAT_NONE) {
			check_key(checker, field, key);
		}
		if (field->type == FIELD_MESSAGE) {
			check_message(checker, field->message, value);
		}
		path_pop(&checker->path, before);
	}
}

/* Returns true when there is nothing more to say about the field. */
static bool check_unset(struct checker *checker, const struct field *field)
{
	if ((field->flags & FIELD_REQUIRED) != 0) {
		field_errors_add(checker->errors, FIELD_ERROR_REQUIRED, buffer_text(&checker->path),
				 NULL, "");
		return true;
	}
	if ((field->flags & FIELD_EXPECTED) != 0 && field->shape == FIELD_ONE &&
	    (field->type == FIELD_INT32 || field->type == FIELD_INT_OR_STRING)) {
		_cleanup_json_ json_t *zero = json_integer(0);

		format_check(field->format, zero, buffer_text(&checker->path), checker->errors);
	}
	return field->type != FIELD_MESSAGE || field->shape != FIELD_ONE ||
	       (field->flags & FIELD_POINTER) != 0;
}

static void check_field(struct checker *checker, const struct field *field, const json_t *value)
{
	const json_t *element;
	size_t index;

	if (field_is_unset(field, value) && check_unset(checker, field)) {
		return;
	}
	switch ((enum field_shape)field->shape) {
	case FIELD_ONE:
		check_value(checker, field, value != NULL ? value : checker->empty);
		return;
	case FIELD_LIST:
		json_array_foreach (value, index, element) {
			size_t before = path_push_index(&checker->path, index);

			check_value(checker, field, element);
			path_pop(&checker->path, before);
		}
		return;
	case FIELD_MAP:
		check_map(checker, field, value);
		return;
	}
}

/*
 * Metadata that is not an object's own (of a pod template): only labels and annotations have rules.
 */
static void check_inner_metadata(struct checker *checker, const json_t *metadata)
{
	size_t before = path_push(&checker->path, "labels");

	format_check_labels(json_object_get(metadata, "labels"), buffer_text(&checker->path),
			    checker->errors);
	path_pop(&checker->path, before);
	before = path_push(&checker->path, "annotations");
	format_check_annotations(json_object_get(metadata, "annotations"),
				 buffer_text(&checker->path), checker->errors);
	path_pop(&checker->path, before);
}

static void check_message(struct checker *checker, const struct type *type, const json_t *tree)
{
	bool is_root = checker->path.n == 0;

	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *field = &type->fields[i];
		const json_t *value = json_object_get(tree, field->name);
		size_t before;

		if ((field->flags & FIELD_INLINE) != 0) {
			check_message(checker, field->message, tree);
			continue;
		}
		if (is_root && (field->message == &type_object_meta ||
				(value == NULL && strcmp(field->name, "status") == 0))) {
			continue;
		}
		before = path_push(&checker->path, field->name);
		if (field->message == &type_object_meta && field->shape == FIELD_ONE) {
			check_inner_metadata(checker, value);
		} else {
			check_field(checker, field, value);
		}
		path_pop(&checker->path, before);
	}
	if (type->check != NULL) {
		type->check(tree, buffer_text(&checker->path), checker->errors);
	}
}

static bool is_same(const struct field *field, const json_t *value, const json_t *old)
{
	if (field_is_unset(field, value) || field_is_unset(field, old)) {
		return field_is_unset(field, value) == field_is_unset(field, old);
	}
	return json_equal(value, old) == 1;
}

/* Elements of lists have no identity here; kinds with rules about them have check_update(). */
static void check_immutable(struct checker *checker, const struct type *type, const json_t *tree,
			    const json_t *old)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *field = &type->fields[i];
		const json_t *value = json_object_get(tree, field->name);
		const json_t *old_value = json_object_get(old, field->name);
		size_t before;

		if ((field->flags & FIELD_INLINE) != 0) {
			check_immutable(checker, field->message, tree, old);
			continue;
		}
		before = path_push(&checker->path, field->name);
		if ((field->flags & FIELD_IMMUTABLE) != 0) {
			if (!is_same(field, value, old_value)) {
				field_errors_add(checker->errors, FIELD_ERROR_INVALID,
						 buffer_text(&checker->path), value,
						 "field is immutable");
			}
		} else if (field->type == FIELD_MESSAGE && field->shape == FIELD_ONE &&
			   (value != NULL || old_value != NULL)) {
			check_immutable(checker, field->message,
					value != NULL ? value : checker->empty,
					old_value != NULL ? old_value : checker->empty);
		}
		path_pop(&checker->path, before);
	}
}

void object_check_type(const struct type *type, const json_t *tree, struct field_errors *errors)
{
	_cleanup_json_ json_t *empty = json_object();
	struct checker checker = {
		.path = BUFFER_INIT(LIMIT_ERROR_MESSAGE),
		.errors = errors,
		.empty = empty,
	};

	check_message(&checker, type, tree);
	buffer_deinit(&checker.path);
}

void object_check(const struct kind *kind, const json_t *tree, const json_t *old,
		  struct field_errors *errors)
{
	_cleanup_json_ json_t *empty = json_object();
	struct checker checker = {
		.path = BUFFER_INIT(LIMIT_ERROR_MESSAGE),
		.errors = errors,
		.empty = empty,
	};

	check_metadata(kind, json_object_get(tree, "metadata"),
		       old != NULL ? json_object_get(old, "metadata") : NULL, errors);
	check_message(&checker, kind->type, tree);
	if (kind->check != NULL) {
		kind->check(tree, errors);
	}
	if (old != NULL) {
		check_immutable(&checker, kind->type, tree, old);
		if (kind->check_update != NULL) {
			kind->check_update(tree, old, errors);
		}
	}
	buffer_deinit(&checker.path);
}
