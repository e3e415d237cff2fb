/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/mem.h"
#include "object/kinds.h"
#include "object/kinds/types.h"
#include "object/schema.h"
#include "json/json.h"

/* The tables are consistent: what a row says makes sense for the type and shape it has. */

static const char *place; /* of the row at hand, for messages */

#define claim(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			print_error("%s\n", place);                                                \
			assert_true(condition);                                                    \
		}                                                                                  \
	} while (0)

static bool is_zero_default(const struct field *field, const json_t *value)
{
	if (field->shape != FIELD_ONE || field->type == FIELD_RAW) {
		return json_is_object(value) || json_is_array(value);
	}
	switch ((enum field_type)field->type) {
	case FIELD_BOOL:
		return json_is_boolean(value);
	case FIELD_INT32:
	case FIELD_INT64:
		return json_is_integer(value);
	case FIELD_MESSAGE:
		return json_is_object(value);
	case FIELD_INT_OR_STRING:
		return json_is_integer(value) || json_is_string(value);
	default:
		return json_is_string(value);
	}
}

static bool is_listed(const char *value, const char *list)
{
	struct str rest = str_from(list);

	while (rest.p != NULL) {
		if (str_is(str_cut(&rest, '|'), value)) {
			return true;
		}
	}
	return false;
}

static void check_default(const struct field *field)
{
	json_error_t error;
	_cleanup_json_ json_t *value = NULL;

	if (field->default_json == NULL) {
		return;
	}
	value = json_loads(field->default_json, JSON_DECODE_ANY, &error);
	claim(value != NULL);
	claim(is_zero_default(field, value));
	if (field->one_of != NULL) {
		claim(is_listed(json_string_value(value), field->one_of));
	}
}

static void check_keys(const struct field *field)
{
	struct str rest = str_from(field->list_keys);

	claim((field->list_keys != NULL) == ((field->flags & FIELD_LIST_MAP) != 0));
	while (rest.p != NULL) {
		struct str key = str_cut(&rest, ',');
		_cleanup_free_ char *name = str_dup(key);

		claim(type_field(field->message, name) != NULL);
	}
	if (field->merge_key != NULL) {
		claim(field->shape == FIELD_LIST);
		claim((field->flags & FIELD_PATCH_MERGE) != 0);
		claim(field->message != NULL);
		claim(type_field(field->message, field->merge_key) != NULL);
	}
}

static void check_row(const struct field *field)
{
	claim(field->doc != NULL && field->doc[0] != '\0');
	claim(field->doc[strlen(field->doc) - 1] == '.');
	claim(strlen(field->doc) <= 100);
	claim((field->type == FIELD_MESSAGE) == (field->message != NULL));
	claim((field->name[0] == '\0') == ((field->flags & FIELD_INLINE) != 0));
	claim(field->number != 0 || strcmp(field->name, "apiVersion") == 0 ||
	      strcmp(field->name, "kind") == 0);
	claim((field->flags & FIELD_POINTER) == 0 || field->shape == FIELD_ONE);
	claim((field->flags & (FIELD_LIST_ATOMIC | FIELD_LIST_SET | FIELD_LIST_MAP)) == 0 ||
	      field->shape == FIELD_LIST);
	check_default(field);
	check_keys(field);
}

static void check_type(const struct type *type, struct map *seen)
{
	_cleanup_free_ uint8_t *numbers = mem_alloc(UINT16_MAX + 1);

	if (map_get(seen, str_from(type->name)) != NULL) {
		assert_ptr_equal(map_get(seen, str_from(type->name)), type);
		return;
	}
	map_put(seen, str_from(type->name), (void *)type);
	assert_non_null(type->doc);
	assert_true(strlen(type->doc) > 0);
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *field = &type->fields[i];
		_cleanup_free_ char *text = mem_printf("%s.%s", type->name, field->name);

		place = text;
		check_row(field);
		claim(field->number == 0 || numbers[field->number]++ == 0);
		claim(field->name[0] == '\0' || type_field(type, field->name) == field);
		if (field->message != NULL) {
			check_type(field->message, seen);
		}
	}
}

static void every_row_of_every_message_makes_sense(void **state)
{
	struct map seen = MAP_INIT(10000);

	for (size_t i = 0; i < n_kinds; i++) {
		check_type(kinds[i]->type, &seen);
	}
	check_type(&type_scale, &seen);
	assert_true(seen.n > 200);
	map_deinit(&seen, NULL);
}

static void every_kind_can_be_found_and_printed(void **state)
{
	for (size_t i = 0; i < n_kinds; i++) {
		const struct kind *kind = kinds[i];
		bool has_age = false;

		assert_ptr_equal(kind_find(kind->group, kind->version, kind->kind), kind);
		assert_ptr_equal(kind_find_resource(kind->group, kind->version, kind->plural),
				 kind);
		assert_true(kind->n_columns >= 3);
		for (size_t c = 0; c < kind->n_columns; c++) {
			_cleanup_json_ json_t *nothing = json_object();
			_cleanup_json_ json_t *cell = kind->columns[c].cell(nothing, 0);

			assert_non_null(cell); /* an empty object is printed too */
			assert_non_null(kind->columns[c].doc);
			has_age = has_age || strcmp(kind->columns[c].name, "Age") == 0 ||
				  strcmp(kind->columns[c].name, "Last Seen") == 0;
		}
		assert_true(has_age);
	}
}

static void scalable_kinds_name_their_paths(void **state)
{
	for (size_t i = 0; i < n_kinds; i++) {
		if ((kinds[i]->flags & KIND_SCALE) != 0) {
			assert_non_null(kinds[i]->scale_replicas_path);
			assert_non_null(kinds[i]->scale_status_replicas_path);
			assert_non_null(kinds[i]->scale_selector_path);
		}
	}
}

static void container_has_the_numbers_of_the_protobuf_definition(void **state)
{
	assert_int_equal(type_field(&type_container, "imagePullPolicy")->number, 14);
	assert_int_equal(type_field(&type_pod_spec, "hostname")->number, 16);
	assert_int_equal(type_field(&type_volume, "emptyDir")->number, 2);
	assert_int_equal(type_field(kind_service.type, "spec")->number, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_every_message_makes_sense),
		cmocka_unit_test(every_kind_can_be_found_and_printed),
		cmocka_unit_test(scalable_kinds_name_their_paths),
		cmocka_unit_test(container_has_the_numbers_of_the_protobuf_definition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
