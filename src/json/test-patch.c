/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "json/json.h"
#include "json/patch.h"

static json_t *tree_of(const char *text)
{
	struct json_read_error error;
	json_t *tree = NULL;

	if (json_read(str_from(text), NULL, &tree, &error) != 0) {
		fail_msg("%s: %s", text, error.message);
	}
	return tree;
}

static void check_tree(const json_t *tree, const char *expected)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_BODY);

	json_write(tree, &text);
	assert_string_equal(buffer_text(&text), expected);
}

static void check_patch(const char *target, const char *operations, const char *expected)
{
	_cleanup_json_ json_t *before = tree_of(target);
	_cleanup_json_ json_t *same = tree_of(target);
	_cleanup_json_ json_t *patch = tree_of(operations);
	_cleanup_json_ json_t *after = NULL;
	struct patch_message message;

	if (json_patch(before, patch, &after, &message) != 0) {
		fail_msg("%s: %s", operations, message.text);
	}
	check_tree(after, expected);
	assert_true(json_equal(before, same));
}

static void check_refused(const char *target, const char *operations, int outcome,
			  const char *expected)
{
	_cleanup_json_ json_t *before = tree_of(target);
	_cleanup_json_ json_t *same = tree_of(target);
	_cleanup_json_ json_t *patch = tree_of(operations);
	json_t *after = NULL;
	struct patch_message message = { "" };

	assert_int_equal(json_patch(before, patch, &after, &message), outcome);
	assert_null(after);
	assert_string_equal(message.text, expected);
	assert_true(json_equal(before, same));
}

static void add_puts_members_and_elements(void **state)
{
	check_patch("{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b\",\"value\":[2]}]",
		    "{\"a\":1,\"b\":[2]}");
	check_patch("{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":null}]",
		    "{\"a\":null}");
	check_patch("{\"a\":[1,3]}", "[{\"op\":\"add\",\"path\":\"/a/1\",\"value\":2}]",
		    "{\"a\":[1,2,3]}");
	check_patch("{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/1\",\"value\":2}]",
		    "{\"a\":[1,2]}");
	check_patch("{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-\",\"value\":[2]}]",
		    "{\"a\":[1,[2]]}");
	check_patch("{\"a\":{}}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1,\"x\":2}]",
		    "{\"a\":{\"b\":1}}");
	check_patch("{\"a\":1}", "[{\"op\":\"add\",\"path\":\"\",\"value\":[]}]", "[]");
	check_patch("{}", "[{\"op\":\"add\",\"path\":\"/\",\"value\":1}]", "{\"\":1}");
	check_patch("{}", "[]", "{}");
}

static void remove_and_replace_want_something_there(void **state)
{
	check_patch("{\"a\":1,\"b\":2}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", "{\"b\":2}");
	check_patch("{\"a\":[1,2,3]}", "[{\"op\":\"remove\",\"path\":\"/a/1\"}]", "{\"a\":[1,3]}");
	check_patch("{\"a\":1,\"b\":2}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":{}}]",
		    "{\"a\":{},\"b\":2}");
	check_patch("[1,2]", "[{\"op\":\"replace\",\"path\":\"/1\",\"value\":3}]", "[1,3]");
	check_patch("[1,2]", "[{\"op\":\"replace\",\"path\":\"\",\"value\":3}]", "3");
	check_refused("{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/b\"}]", PATCH_TEST_FAILED,
		      "remove operation does not apply: the document has no: /b");
	check_refused("[1]", "[{\"op\":\"remove\",\"path\":\"/1\"}]", PATCH_TEST_FAILED,
		      "remove operation does not apply: the document has no: /1");
	check_refused("[1]", "[{\"op\":\"remove\",\"path\":\"/-\"}]", PATCH_TEST_FAILED,
		      "remove operation does not apply: the document has no: /-");
	check_refused("{}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1}]", PATCH_TEST_FAILED,
		      "replace operation does not apply: the document has no: /a");
	check_refused("{}", "[{\"op\":\"remove\",\"path\":\"\"}]", PATCH_INVALID,
		      "remove operation cannot take the whole document: ");
}

static void move_takes_a_value_elsewhere(void **state)
{
	check_patch("{\"a\":{\"b\":1},\"c\":{}}",
		    "[{\"op\":\"move\",\"from\":\"/a/b\",\"path\":\"/c/d\"}]",
		    "{\"a\":{},\"c\":{\"d\":1}}");
	check_patch("[1,2,3,4]", "[{\"op\":\"move\",\"from\":\"/1\",\"path\":\"/3\"}]",
		    "[1,3,4,2]");
	check_patch("{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]",
		    "{\"a\":1}");
	check_patch("{\"a\":[1]}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"\"}]", "[1]");
	check_patch("{\"a\":1}", "[{\"op\":\"move\",\"from\":\"\",\"path\":\"\"}]", "{\"a\":1}");
	check_refused("{\"a\":{}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]",
		      PATCH_INVALID, "move operation cannot put a value into itself: /a/b");
	check_refused("{\"a\":{}}", "[{\"op\":\"move\",\"from\":\"\",\"path\":\"/a/b\"}]",
		      PATCH_INVALID, "move operation cannot put a value into itself: /a/b");
	check_refused("{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/b\",\"path\":\"/c\"}]",
		      PATCH_TEST_FAILED, "move operation does not apply: the document has no: /b");
}

static void copy_leaves_the_original_and_shares_nothing(void **state)
{
	check_patch("{\"a\":{\"b\":1}}",
		    "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/c\"},"
		    "{\"op\":\"add\",\"path\":\"/c/b\",\"value\":2}]",
		    "{\"a\":{\"b\":1},\"c\":{\"b\":2}}");
	check_patch("{\"a\":{\"b\":1}}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/c\"}]",
		    "{\"a\":{\"b\":1,\"c\":{\"b\":1}}}");
	check_patch("[1]", "[{\"op\":\"copy\",\"from\":\"\",\"path\":\"/-\"}]", "[1,[1]]");
	check_refused("{}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"}]",
		      PATCH_TEST_FAILED, "copy operation does not apply: the document has no: /a");
}

static void test_compares_values_not_spelling(void **state)
{
	check_patch("{\"a\":{\"b\":1,\"c\":[\"x\",null,true]}}",
		    "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"c\":[\"x\",null,true],\"b\":"
		    "1.0}}]",
		    "{\"a\":{\"b\":1,\"c\":[\"x\",null,true]}}");
	check_refused("{\"a\":10}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":\"10\"}]",
		      PATCH_TEST_FAILED, "test operation failed, another value stands at: /a");
	check_refused("{\"a\":[1,2]}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":[1]}]",
		      PATCH_TEST_FAILED, "test operation failed, another value stands at: /a");
	check_refused("{\"a\":{\"b\":1}}",
		      "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"c\":1}}]", PATCH_TEST_FAILED,
		      "test operation failed, another value stands at: /a");
	check_refused("{\"a\":null}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":false}]",
		      PATCH_TEST_FAILED, "test operation failed, another value stands at: /a");
	check_refused("{}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", PATCH_TEST_FAILED,
		      "test operation does not apply: the document has no: /a");
}

static void pointers_unescape_and_index_strictly(void **state)
{
	check_patch("{\"a/b\":1,\"m~n\":2,\"~1\":3}",
		    "[{\"op\":\"test\",\"path\":\"/a~1b\",\"value\":1},"
		    "{\"op\":\"test\",\"path\":\"/m~0n\",\"value\":2},"
		    "{\"op\":\"remove\",\"path\":\"/~01\"}]",
		    "{\"a/b\":1,\"m~n\":2}");
	check_patch("{\"metadata\":{\"annotations\":{\"k8s.io/x\":\"1\"}}}",
		    "[{\"op\":\"remove\",\"path\":\"/metadata/annotations/k8s.io~1x\"}]",
		    "{\"metadata\":{\"annotations\":{}}}");
	check_refused("[1,2]", "[{\"op\":\"remove\",\"path\":\"/01\"}]", PATCH_TEST_FAILED,
		      "remove operation does not apply: the document has no: /01");
	check_refused("[1,2]", "[{\"op\":\"remove\",\"path\":\"/-1\"}]", PATCH_TEST_FAILED,
		      "remove operation does not apply: the document has no: /-1");
	check_refused("[1]", "[{\"op\":\"add\",\"path\":\"/3\",\"value\":1}]", PATCH_TEST_FAILED,
		      "add operation does not apply: the document has no: /3");
	check_refused("[1]", "[{\"op\":\"add\",\"path\":\"/1e0\",\"value\":1}]", PATCH_TEST_FAILED,
		      "add operation does not apply: the document has no: /1e0");
	check_refused("{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]",
		      PATCH_TEST_FAILED, "add operation does not apply: the document has no: /a/b");
	check_refused("{}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]", PATCH_TEST_FAILED,
		      "add operation does not apply: the document has no: /a/b");
	check_refused("{}", "[{\"op\":\"add\",\"path\":\"/a~2\",\"value\":1}]", PATCH_INVALID,
		      "add operation has a bad escape in its pointer: /a~2");
	check_refused("{}", "[{\"op\":\"add\",\"path\":\"/a~\",\"value\":1}]", PATCH_INVALID,
		      "add operation has a bad escape in its pointer: /a~");
}

static void malformed_operations_are_refused(void **state)
{
	check_refused("{}", "{}", PATCH_INVALID, "a JSON Patch is an array of operations");
	check_refused("{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", PATCH_INVALID,
		      "add operation needs a JSON pointer: path");
	check_refused("{}", "[{\"op\":\"add\",\"value\":1}]", PATCH_INVALID,
		      "add operation needs a JSON pointer: path");
	check_refused("{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", PATCH_INVALID,
		      "add operation needs a value: /a");
	check_refused("{}", "[{\"op\":\"copy\",\"path\":\"/a\"}]", PATCH_INVALID,
		      "copy operation needs a JSON pointer: from");
	check_refused("{}", "[{\"op\":\"spam\",\"path\":\"/a\"}]", PATCH_INVALID,
		      "unknown operation \"spam\": op must be add, remove, replace, move, copy or "
		      "test");
	check_refused("{}", "[7]", PATCH_INVALID, " operation needs a JSON pointer: path");
}

static void a_patch_that_fails_late_changes_nothing(void **state)
{
	check_refused("{\"a\":1}",
		      "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":2},"
		      "{\"op\":\"test\",\"path\":\"/a\",\"value\":1}]",
		      PATCH_TEST_FAILED, "test operation failed, another value stands at: /a");
}

/* `n` times the operation, against `target`; returns the outcome. */
static int repeat(const char *target, const char *operation, size_t n)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_BODY);
	_cleanup_json_ json_t *after = NULL;
	struct patch_message message;

	for (size_t i = 0; i < n; i++) {
		buffer_printf(&text, "%s%s", i > 0 ? "," : "[", operation);
	}
	buffer_append_char(&text, ']');
	_cleanup_json_ json_t *patch = tree_of(buffer_text(&text));
	_cleanup_json_ json_t *before = tree_of(target);
	return json_patch(before, patch, &after, &message);
}

static void a_small_patch_cannot_ask_for_much(void **state)
{
	const char *twice = "{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/-\"}";
	const char *inside = "{\"op\":\"copy\",\"from\":\"\",\"path\":\"/a\"}";
	const char *front = "{\"op\":\"add\",\"path\":\"/0\",\"value\":0}";

	assert_int_equal(repeat("{\"a\":[1]}", twice, 10), 0);
	assert_int_equal(repeat("{\"a\":[1]}", twice, 1000), PATCH_INVALID);
	assert_int_equal(repeat("{\"a\":{}}", inside, 50), 0);
	assert_int_equal(repeat("{\"a\":{}}", inside, 1000), PATCH_INVALID);
	assert_int_equal(repeat("[]", front, LIMIT_PATCH_OPERATIONS), 0);
	assert_int_equal(repeat("[]", front, LIMIT_PATCH_OPERATIONS + 1), PATCH_INVALID);
}

static void check_merge(const char *target, const char *patch_text, const char *expected)
{
	_cleanup_json_ json_t *before = tree_of(target);
	_cleanup_json_ json_t *same = tree_of(target);
	_cleanup_json_ json_t *patch = tree_of(patch_text);
	_cleanup_json_ json_t *after = json_merge_patch(before, patch);

	check_tree(after, expected);
	assert_true(json_equal(before, same));
}

static void a_merge_patch_sets_removes_and_replaces(void **state)
{
	check_merge("{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}");
	check_merge("{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}");
	check_merge("{\"a\":\"b\"}", "{\"a\":null}", "{}");
	check_merge("{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}");
	check_merge("{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}");
	check_merge("{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}");
	check_merge("{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
		    "{\"a\":{\"b\":\"d\"}}");
	check_merge("{\"a\":[{\"b\":1}]}", "{\"a\":[1]}", "{\"a\":[1]}");
	check_merge("[1,2]", "[3]", "[3]");
	check_merge("{\"a\":1}", "[3]", "[3]");
	check_merge("{\"a\":1}", "null", "null");
	check_merge("{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}");
	check_merge("[1]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}");
	check_merge("{}", "{\"a\":{\"b\":{\"c\":null}}}", "{\"a\":{\"b\":{}}}");
	check_merge("{\"a\":1}", "{\"a\":{\"b\":2,\"c\":null}}", "{\"a\":{\"b\":2}}");
	check_merge("{}", "{\"a\":[null,{\"b\":null}]}", "{\"a\":[null,{\"b\":null}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_puts_members_and_elements),
		cmocka_unit_test(remove_and_replace_want_something_there),
		cmocka_unit_test(move_takes_a_value_elsewhere),
		cmocka_unit_test(copy_leaves_the_original_and_shares_nothing),
		cmocka_unit_test(test_compares_values_not_spelling),
		cmocka_unit_test(pointers_unescape_and_index_strictly),
		cmocka_unit_test(malformed_operations_are_refused),
		cmocka_unit_test(a_patch_that_fails_late_changes_nothing),
		cmocka_unit_test(a_small_patch_cannot_ask_for_much),
		cmocka_unit_test(a_merge_patch_sets_removes_and_replaces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
