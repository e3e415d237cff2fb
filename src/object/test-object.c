/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "object/kinds.h"
#include "object/object.h"
#include "object/schema.h"
#include "json/json.h"

static const struct kind thing = { .group = "example.org", .version = "v1", .kind = "Thing" };
static const struct kind core_thing = { .group = "", .version = "v1", .kind = "Thing" };

#define THING(metadata, rest)                                                                      \
	"{\"apiVersion\":\"example.org/v1\",\"kind\":\"Thing\",\"metadata\":{" metadata "}" rest "}"

static struct object *thing_new(const char *text)
{
	struct object *object = NULL;

	assert_int_equal(object_new(&thing, str_from(text), &object), 0);
	return object;
}

static json_t *tree_of(const char *text)
{
	struct json_read_error error;
	json_t *tree = NULL;

	assert_int_equal(json_read(str_from(text), NULL, &tree, &error), 0);
	return tree;
}

static void what_is_known_of_an_object_is_read_from_its_text(void **state)
{
	static const char text[] = THING(
		"\"name\":\"a\",\"namespace\":\"ns\",\"resourceVersion\":\"42\",\"uid\":\"u\"", "");
	char *copy = mem_strdup(text);
	struct object *object = thing_new(copy);

	mem_free(copy);
	assert_ptr_equal(object->kind, &thing);
	assert_int_equal(object->revision, 42);
	assert_true(str_is(object->space, "ns"));
	assert_true(str_is(object->name, "a"));
	assert_true(str_is(object->text, text));
	assert_string_equal(object_uid(object), "u");
	assert_null(object_unref(object));
}

static void an_item_of_a_list_need_not_say_its_kind(void **state)
{
	struct object *object = thing_new("{\"metadata\":{\"name\":\"a\"}}");

	assert_true(str_is(object->name, "a"));
	object_unref(object);
}

static void what_is_no_such_object_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{",
		THING("\"name\":\"\"", ""),
		THING("\"name\":\"a\",\"resourceVersion\":\"x\"", ""),
		THING("\"name\":\"a\",\"resourceVersion\":7", ""),
		"{\"apiVersion\":\"v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"a\"}}",
		"{\"apiVersion\":\"example.org/v1\",\"kind\":\"X\",\"metadata\":{\"name\":\"a\"}}",
	};
	struct object *object = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(object_new(&thing, str_from(bad[i]), &object), OBJECT_BAD);
		assert_null(object);
	}
	assert_int_equal(object_new_tree(&thing, tree_of(bad[3]), &object), OBJECT_BAD);
	assert_null(object);
}

static void a_tree_becomes_text_and_stays_the_tree(void **state)
{
	static const char text[] = THING("\"name\":\"a\"", ",\"x\":[1,\"\\n\"]");
	json_t *tree = tree_of(text);
	struct object *object = NULL;

	assert_int_equal(object_new_tree(&thing, tree, &object), 0);
	assert_ptr_equal(object_tree(object), tree);
	assert_true(str_is(object->text, text));
	assert_int_equal(object->revision, 0);
	assert_true(str_is(object->space, ""));
	object_unref(object);
}

static int released;

static void on_release(void *owner)
{
	assert_string_equal(owner, "me");
	released++;
}

static void a_shared_text_is_parsed_late_and_released_with_the_last_reference(void **state)
{
	struct object *object =
		object_new_shared(&thing, 7, STR("ns"), STR("a"), STR(THING("\"name\":\"a\"", "")),
				  "me", on_release);

	released = 0;
	assert_ptr_equal(object_ref(object), object);
	assert_string_equal(json_string_at(object_tree(object), "metadata.name"), "a");
	assert_ptr_equal(object_tree(object), object_tree(object));
	object_unref(object);
	assert_int_equal(released, 0);
	object_unref(object);
	assert_int_equal(released, 1);
}

static void labels_owners_and_deletion_are_read_from_metadata(void **state)
{
	struct object *object = thing_new(THING(
		"\"name\":\"a\",\"labels\":{\"app.kubernetes.io/name\":\"web\"},"
		"\"annotations\":{\"a.b/c\":\"d\"},\"deletionTimestamp\":\"2026-01-01T00:00:00Z\","
		"\"ownerReferences\":[{\"uid\":\"1\"},{\"uid\":\"2\",\"controller\":true}]",
		""));
	struct object *plain = thing_new(THING("\"name\":\"a\",\"deletionTimestamp\":null", ""));

	assert_string_equal(object_label(object, "app.kubernetes.io/name"), "web");
	assert_string_equal(object_label(object, "app"), "");
	assert_string_equal(object_annotation(object, "a.b/c"), "d");
	assert_true(object_is_deleting(object));
	assert_string_equal(json_string_at(object_controller(object), "uid"), "2");
	assert_true(object_is_owned_by(object, "1"));
	assert_false(object_is_owned_by(object, "3"));
	assert_string_equal(object_label(plain, "app"), "");
	assert_false(object_is_deleting(plain));
	assert_null(object_controller(plain));
	assert_false(object_is_owned_by(plain, "1"));
	assert_string_equal(object_uid(plain), "");
	object_unref(object);
	object_unref(plain);
}

static void check_canonical(const struct kind *kind, const char *text, const char *expected,
			    const char *spliced)
{
	_cleanup_json_ json_t *tree = tree_of(text);
	_cleanup_buffer_ struct buffer out = BUFFER_INIT(LIMIT_OBJECT);
	_cleanup_buffer_ struct buffer with = BUFFER_INIT(LIMIT_OBJECT);

	object_canonical_text(kind, tree, &out);
	assert_string_equal(buffer_text(&out), expected);
	object_splice_revision(buffer_str(&out), 18446744073709551615ULL, &with);
	assert_string_equal(buffer_text(&with), spliced);
}

static void canonical_text_has_no_revision_until_it_is_spliced_in(void **state)
{
	check_canonical(&thing,
			"{\"spec\":{\"metadata\":{}},\"metadata\":{\"name\":\"a\","
			"\"resourceVersion\":\"3\",\"uid\":\"u\"},\"kind\":\"Thing\"}",
			THING("\"name\":\"a\",\"uid\":\"u\"", ",\"spec\":{\"metadata\":{}}"),
			THING("\"resourceVersion\":\"18446744073709551615\",\"name\":\"a\","
			      "\"uid\":\"u\"",
			      ",\"spec\":{\"metadata\":{}}"));
	check_canonical(
		&core_thing, "{}", "{\"apiVersion\":\"v1\",\"kind\":\"Thing\",\"metadata\":{}}",
		"{\"apiVersion\":\"v1\",\"kind\":\"Thing\",\"metadata\":{\"resourceVersion\":"
		"\"18446744073709551615\"}}");
}

static int times_full;

static void note_full(void *userdata)
{
	times_full++;
}

/* Texts of 1 MB, so that a few of them are too many. */
static struct object *big_object(unsigned n)
{
	struct object *object;
	json_t *tree;
	char *filler = mem_alloc(1024 * 1024 + 1);

	memset(filler, 'x', 1024 * 1024);
	tree = json_pack("{s{sosi}s{ss}}", "metadata", "name", json_sprintf("big-%u", n), "x", 1,
			 "data", "filler", filler);
	assert_int_equal(object_new_tree(&kind_config_map, tree, &object), 0);
	mem_free(filler);
	return object;
}

static void trees_are_dropped_and_parsed_again(void **state)
{
	enum { LIMIT_BIG = 4 * 1024 * 1024, COUNT = 6 };
	struct object *objects[COUNT];
	const json_t *before;

	object_trees_on_full(LIMIT_BIG, note_full, NULL);
	for (unsigned i = 0; i < COUNT; i++) {
		objects[i] = big_object(i);
	}
	assert_int_equal(times_full, 1);
	before = object_tree(objects[0]);
	object_trees_trim(LIMIT_BIG / 2);
	/* The one that was asked for lately is still there, the others were dropped first. */
	assert_ptr_equal(object_tree(objects[0]), before);
	object_trees_trim(0);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(json_int_at(object_tree(objects[i]), "metadata.x", 0), 1);
		object_unref(objects[i]);
	}
	object_trees_on_full(0, NULL, NULL);
}

static void *count_letters(struct object *object)
{
	size_t *n = mem_alloc(sizeof(*n));

	*n = strlen(json_string_at(object_tree(object), "metadata.labels.a"));
	return n;
}

static void facts_are_taken_once_and_stay_when_the_tree_goes(void **state)
{
	struct object *object = thing_new(
		THING("\"name\":\"a\",\"uid\":\"u\",\"deletionTimestamp\":\"2026\",\"labels\":{"
		      "\"a\":\"one\",\"b.c/d\":\"\"},\"ownerReferences\":[{\"uid\":\"x\"},{"
		      "\"uid\":\"y\",\"controller\":true}]",
		      ""));
	const size_t *n = object_facts(object, count_letters);
	size_t parsed;

	assert_int_equal(*n, 3);
	assert_string_equal(object_uid(object), "u");
	object_trees_trim(0);
	parsed = object_trees_parsed();
	assert_ptr_equal(object_facts(object, count_letters), n);
	assert_string_equal(object_uid(object), "u");
	assert_string_equal(object_controller_uid(object), "y");
	assert_string_equal(object_label(object, "a"), "one");
	assert_string_equal(object_find_label(object, "b.c/d"), "");
	assert_null(object_find_label(object, "one"));
	assert_string_equal(object_label(object, "one"), "");
	assert_true(object_is_deleting(object));
	assert_int_equal(object_trees_parsed(), parsed);
	assert_true(json_is_object(object_tree(object)));
	assert_int_equal(object_trees_parsed(), parsed + 1);
	object_unref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_are_dropped_and_parsed_again),
		cmocka_unit_test(facts_are_taken_once_and_stay_when_the_tree_goes),
		cmocka_unit_test(what_is_known_of_an_object_is_read_from_its_text),
		cmocka_unit_test(an_item_of_a_list_need_not_say_its_kind),
		cmocka_unit_test(what_is_no_such_object_is_refused),
		cmocka_unit_test(a_tree_becomes_text_and_stays_the_tree),
		cmocka_unit_test(a_shared_text_is_parsed_late_and_released_with_the_last_reference),
		cmocka_unit_test(labels_owners_and_deletion_are_read_from_metadata),
		cmocka_unit_test(canonical_text_has_no_revision_until_it_is_spliced_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
