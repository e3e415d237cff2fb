/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "json/json.h"

static json_t *read_good(const char *text)
{
	struct json_read_error error = { 0 };
	json_t *value = NULL;

	if (json_read(str_from(text), NULL, &value, &error) != 0) {
		fail_msg("%s: %s", text, error.message);
	}
	return value;
}

/* Reads and writes; the result must be `expected`. */
static void check_round(const char *text, const char *expected)
{
	_cleanup_json_ json_t *value = read_good(text);
	_cleanup_buffer_ struct buffer out = BUFFER_INIT(LIMIT_BODY);

	json_write(value, &out);
	assert_string_equal(buffer_text(&out), expected);
}

static void check_bad(struct str text, int outcome, const char *message, size_t offset)
{
	struct json_read_error error = { 0 };
	json_t *untouched = json_null();
	json_t *value = untouched;

	assert_int_equal(json_read(text, NULL, &value, &error), outcome);
	assert_ptr_equal(value, untouched);
	assert_string_equal(error.message, message);
	assert_int_equal(error.offset, offset);
}

static void values_survive_a_round_trip(void **state)
{
	check_round(" null ", "null");
	check_round("[true,false,\r\n\tnull]", "[true,false,null]");
	check_round("{}", "{}");
	check_round("[ ]", "[]");
	check_round("{\"b\" : 1 , \"a\":[{}, []]}", "{\"b\":1,\"a\":[{},[]]}");
	check_round("\"\"", "\"\"");
	check_round("{\"\":\"\"}", "{\"\":\"\"}");
	check_round("[0,-0,7,-12]", "[0,0,7,-12]");
	check_round("[9223372036854775807,-9223372036854775808]",
		    "[9223372036854775807,-9223372036854775808]");
	check_round("[1.5,0.1,1e3,-2.5E-3,1.0]", "[1.5,0.1,1000.0,-0.0025,1.0]");
}

static void an_integer_beyond_int64_becomes_a_double(void **state)
{
	_cleanup_json_ json_t *value =
		read_good("[9223372036854775808,-9223372036854775809,123456789012345678901234]");

	for (size_t i = 0; i < 3; i++) {
		assert_true(json_is_real(json_array_get(value, i)));
	}
	assert_true(json_real_value(json_array_get(value, 0)) == 9223372036854775808.0);
}

static void escapes_are_read_and_only_needful_ones_written(void **state)
{
	check_round("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\"");
	check_round("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "\"Aé€😀\"");
	check_round("\"plain\\u0001 and é€😀\"", "\"plain\\u0001 and é€😀\"");
	check_round("{\"\\u0061\\n\":1}", "{\"a\\n\":1}");
}

static void bad_text_is_refused_with_its_place(void **state)
{
	check_bad(STR(""), JSON_SYNTAX, "unexpected end of JSON input at line 1, column 1", 0);
	check_bad(STR("{\"a\":1,\n \"b\" 2}"), JSON_SYNTAX, "expected ':' at line 2, column 6", 13);
	check_bad(STR("{\"a\":1\n\n  \"b\":2}"), JSON_SYNTAX,
		  "expected ',' or '}' at line 3, column 3", 10);
	check_bad(STR("[\"é\" 2]"), JSON_SYNTAX, "expected ',' or ']' at line 1, column 6", 6);
	check_bad(STR("[1,]"), JSON_SYNTAX, "expected a value at line 1, column 4", 3);
	check_bad(STR("{\"a\":1,}"), JSON_SYNTAX,
		  "expected a string in double quotes at line 1, column 8", 7);
	check_bad(STR("{a:1}"), JSON_SYNTAX,
		  "expected a string in double quotes at line 1, column 2", 1);
	check_bad(STR("{\"a\":1} x"), JSON_SYNTAX,
		  "expected nothing behind the value at line 1, column 9", 8);
	check_bad(STR("apiVersion: v1"), JSON_SYNTAX, "expected a value at line 1, column 1", 0);
	check_bad(STR("nul"), JSON_SYNTAX, "expected a value at line 1, column 1", 0);
	check_bad(STR("'a'"), JSON_SYNTAX, "expected a value at line 1, column 1", 0);
}

static void text_cut_short_anywhere_is_a_syntax_error(void **state)
{
	static const char text[] = "{\"a\\n\\u00e9\":[1.5e-3,\"x\\\"\",true,null,{\"é\":-10}]}";

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		/* A copy without a NUL behind it, so that the sanitizer sees a read too far. */
		char *cut = mem_copy(text, n + (n == 0));
		struct json_read_error error = { 0 };
		json_t *value = NULL;
		int outcome = json_read((struct str){ .p = cut, .n = n }, NULL, &value, &error);
		assert_int_equal(outcome, JSON_SYNTAX);
		assert_true(error.offset <= n);
		mem_free(cut);
	}
}

static void bad_numbers_are_refused(void **state)
{
	check_bad(STR("01"), JSON_SYNTAX, "expected nothing behind the value at line 1, column 2",
		  1);
	check_bad(STR("-"), JSON_SYNTAX, "unexpected end of JSON input at line 1, column 2", 1);
	check_bad(STR("-x"), JSON_SYNTAX, "expected a digit at line 1, column 2", 1);
	check_bad(STR("[1.]"), JSON_SYNTAX, "expected a digit at line 1, column 4", 3);
	check_bad(STR("[1e+]"), JSON_SYNTAX, "expected a digit at line 1, column 5", 4);
	check_bad(STR("+1"), JSON_SYNTAX, "expected a value at line 1, column 1", 0);
	check_bad(STR("[1e999]"), JSON_SYNTAX, "a number out of range at line 1, column 2", 1);
}

static void bad_strings_are_refused(void **state)
{
	check_bad(STR("\"a\nb\""), JSON_SYNTAX, "control character in a string at line 1, column 3",
		  2);
	check_bad(STR("\"a\\x\""), JSON_SYNTAX, "invalid escape in a string at line 1, column 4",
		  3);
	check_bad(STR("\"\\u12g4\""), JSON_SYNTAX,
		  "expected four hexadecimal digits at line 1, column 6", 5);
	check_bad(STR("\"\\u0000\""), JSON_SYNTAX,
		  "\\u0000 is not allowed in a string at line 1, column 8", 7);
	check_bad(STR("\"\\ud800x\""), JSON_SYNTAX,
		  "a surrogate without its partner at line 1, column 8", 7);
	check_bad(STR("\"\\udc00\""), JSON_SYNTAX,
		  "a surrogate without its partner at line 1, column 8", 7);
	check_bad(STR("\"\\ud800\\u0041\""), JSON_SYNTAX,
		  "a surrogate without its partner at line 1, column 14", 13);
}

static void bytes_that_are_not_utf8_are_refused(void **state)
{
	static const struct str bad[] = {
		STR("\"\x80\""),
		STR("\"\xc0\xaf\""),
		STR("\"\xc3\""),
		STR("\"\xe0\x80\x80\""),
		STR("\"\xed\xa0\x80\""),
		STR("\"\xf0\x80\x80\x80\""),
		STR("\"\xf4\x90\x80\x80\""),
		STR("\"\xf5\x80\x80\x80\""),
		STR("\"\xe2\x82\""),
		STR("\"\xff\""),
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		check_bad(bad[i], JSON_SYNTAX, "invalid UTF-8 at line 1, column 2", 1);
	}
	check_round("\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\"", "\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\"");
}

static char *nested(size_t depth)
{
	char *text = mem_alloc(2 * depth + 1);

	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	return text;
}

static void depth_is_bounded(void **state)
{
	_cleanup_free_ char *fits = nested(LIMIT_JSON_DEPTH);
	_cleanup_free_ char *deep = nested(LIMIT_JSON_DEPTH + 1);
	_cleanup_free_ char *deepest = nested(1000000);

	check_round(fits, fits);
	check_bad(str_from(deep), JSON_TOO_DEEP, "nested too deep at line 1, column 101", 100);
	check_bad(str_from(deepest), JSON_TOO_DEEP, "nested too deep at line 1, column 101", 100);
}

struct found {
	struct json_duplicates duplicates;
	struct buffer paths;
	size_t n;
};

static void on_duplicate(struct json_duplicates *self, const char *path)
{
	struct found *found = container_of(self, struct found, duplicates);

	buffer_printf(&found->paths, "%s\n", path);
	found->n++;
}

static void duplicates_are_named_by_path_and_the_last_one_wins(void **state)
{
	struct found found = { .duplicates.found = on_duplicate,
			       .paths = BUFFER_INIT(LIMIT_ERROR_MESSAGE) };
	struct json_read_error error;
	json_t *value = NULL;
	struct str text = STR("{\"spec\":{\"ports\":[{\"port\":1},{\"port\":1,\"p\\u006frt\":2,"
			      "\"port\":3}],\"x\":[[{\"a\":1,\"a\":1}]]},\"kind\":1,\"kind\":2}");

	assert_int_equal(json_read(text, &found.duplicates, &value, &error), 0);
	assert_string_equal(buffer_text(&found.paths), "spec.ports[1].port\nspec.ports[1].port\n"
						       "spec.x[0][0].a\nkind\n");
	const json_t *ports = json_at(value, "spec.ports");
	assert_int_equal(json_int_at(json_array_get(ports, 1), "port", 0), 3);
	assert_int_equal(json_int_at(value, "kind", 0), 2);
	json_unref(value);
	buffer_deinit(&found.paths);
}

static void a_body_full_of_duplicates_below_a_long_key_stays_cheap(void **state)
{
	struct found found = { .duplicates.found = on_duplicate,
			       .paths = BUFFER_INIT(LIMIT_JSON_PATH * 2) };
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_BODY);
	struct json_read_error error;
	json_t *value = NULL;

	buffer_append_text(&text, "{\"");
	for (int i = 0; i < 100000; i++) {
		buffer_append_char(&text, 'k');
	}
	buffer_append_text(&text, "\":{\"a\":1");
	for (int i = 0; i < 100000; i++) {
		buffer_append_text(&text, ",\"a\":1");
	}
	buffer_append_text(&text, "}}");
	assert_int_equal(json_read(buffer_str(&text), &found.duplicates, &value, &error), 0);
	assert_int_equal(found.n, 100000);
	json_unref(value);
	buffer_deinit(&found.paths);
}

static void paths_reach_into_objects(void **state)
{
	_cleanup_json_ json_t *value =
		read_good("{\"spec\":{\"replicas\":3,\"paused\":true,\"name\":\"web\",\"l\":[1]}}");

	assert_int_equal(json_int_at(value, "spec.replicas", -1), 3);
	assert_int_equal(json_int_at(value, "spec.name", -1), -1);
	assert_int_equal(json_int_at(value, "spec.none.deeper", -1), -1);
	assert_true(json_bool_at(value, "spec.paused", false));
	assert_true(json_bool_at(value, "spec.replicas", true));
	assert_string_equal(json_string_at(value, "spec.name"), "web");
	assert_string_equal(json_string_at(value, "spec.l.x"), "");
	assert_null(json_at(value, "spec.l.x"));
	assert_null(json_at(NULL, "spec"));
	assert_non_null(json_get(value, (struct str){ .p = "special", .n = 4 }));
	assert_null(json_get(value, STR_NONE));
}

static void putting_makes_the_way_and_removing_does_not(void **state)
{
	_cleanup_json_ json_t *value = read_good("{\"a\":1}");
	_cleanup_buffer_ struct buffer out = BUFFER_INIT(LIMIT_BODY);

	json_put(value, "a.b.c", json_integer(2));
	json_put(value, "a.b.d", json_string("x"));
	json_put(value, "e", json_true());
	json_remove(value, "a.b.c");
	json_remove(value, "a.x.y");
	json_remove(value, "e.f");
	json_remove(value, "z");
	json_write(value, &out);
	assert_string_equal(buffer_text(&out), "{\"a\":{\"b\":{\"d\":\"x\"}},\"e\":true}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_survive_a_round_trip),
		cmocka_unit_test(an_integer_beyond_int64_becomes_a_double),
		cmocka_unit_test(escapes_are_read_and_only_needful_ones_written),
		cmocka_unit_test(bad_text_is_refused_with_its_place),
		cmocka_unit_test(text_cut_short_anywhere_is_a_syntax_error),
		cmocka_unit_test(bad_numbers_are_refused),
		cmocka_unit_test(bad_strings_are_refused),
		cmocka_unit_test(bytes_that_are_not_utf8_are_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(duplicates_are_named_by_path_and_the_last_one_wins),
		cmocka_unit_test(a_body_full_of_duplicates_below_a_long_key_stays_cheap),
		cmocka_unit_test(paths_reach_into_objects),
		cmocka_unit_test(putting_makes_the_way_and_removing_does_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
