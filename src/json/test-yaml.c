/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "json/json.h"
#include "json/yaml_read.h"

static void expect_json(const char *yaml, const char *json)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_BODY);
	_cleanup_json_ json_t *tree = NULL;

	assert_int_equal(yaml_read(str_from(yaml), &message, &tree), 0);
	json_write(tree, &text);
	assert_string_equal(buffer_text(&text), json);
}

static void expect_outcome(const char *yaml, int outcome, const char *says)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	json_t *tree = NULL;

	assert_int_equal(yaml_read(str_from(yaml), &message, &tree), outcome);
	assert_null(tree);
	assert_non_null(strstr(buffer_text(&message), says));
}

static void manifests_become_trees(void **state)
{
	expect_json("apiVersion: v1\nmetadata:\n  name: a # why\n  labels: {x: y}\nports:\n- 80\n"
		    "- name: web\n",
		    "{\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"labels\":{\"x\":\"y\"}},"
		    "\"ports\":[80,{\"name\":\"web\"}]}");
	expect_json("a: |\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\"}");
	expect_json("{\"a\": [1, 2.5, null]}", "{\"a\":[1,2.5,null]}");
	expect_json("", "null");
	expect_json("a: &x {b: 1}\nc: *x\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}");
}

static void plain_words_have_types_and_quoted_ones_are_text(void **state)
{
	expect_json("[true, yes, Off, null, ~, 7, -3, 0x10, 010, 1e3]",
		    "[true,true,false,null,null,7,-3,16,8,1000.0]");
	expect_json("['true', \"7\", '']", "[\"true\",\"7\",\"\"]");
	expect_json("[1.2.3, 10.96.0.1, 5m, 100Mi, .., '-', nan]",
		    "[\"1.2.3\",\"10.96.0.1\",\"5m\",\"100Mi\",\"..\",\"-\",\"nan\"]");
	expect_json("[!!int 7, !!bool true]", "[7,true]");
}

static void what_is_not_yaml_is_said_with_its_line(void **state)
{
	expect_outcome("a: 1\nb: [\n", YAML_SYNTAX, "line 3");
	expect_outcome("a: 1\na: 2\n", YAML_SYNTAX, "line 2: a key that is already set");
	expect_outcome("a: 'x\n", YAML_SYNTAX, "yaml: line");
	expect_outcome("? [a]\n: b\n", YAML_UNSUPPORTED, "a key that is not text");
	expect_outcome("a: !!binary aGk=\n", YAML_UNSUPPORTED, "a tag that is not supported");
}

static void bombs_do_not_go_off(void **state)
{
	_cleanup_buffer_ struct buffer aliases = BUFFER_INIT(LIMIT_BODY);
	_cleanup_buffer_ struct buffer depth = BUFFER_INIT(LIMIT_BODY);

	buffer_append_text(&aliases, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 12; i++) {
		buffer_printf(&aliases, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++) {
			buffer_printf(&aliases, "%s*a%d", k != 0 ? "," : "", i - 1);
		}
		buffer_append_text(&aliases, "]\n");
	}
	expect_outcome(buffer_text(&aliases), YAML_LIMIT, "too many values");
	for (int i = 0; i < LIMIT_JSON_DEPTH + 10; i++) {
		buffer_append_char(&depth, '[');
	}
	for (int i = 0; i < LIMIT_JSON_DEPTH + 10; i++) {
		buffer_append_char(&depth, ']');
	}
	expect_outcome(buffer_text(&depth), YAML_LIMIT, "nested too deeply");
	expect_outcome("a: &a [*a]\n", YAML_LIMIT, "nested too deeply");
}

static int count(void *userdata, const json_t *tree)
{
	int *n = userdata;

	assert_true(json_is_object(tree));
	(*n)++;
	return *n == 3 ? 77 : 0;
}

static void documents_come_one_after_the_other(void **state)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	int n = 0;

	assert_int_equal(
		yaml_read_all(STR("a: 1\n---\n# nothing\n---\nb: 2\n"), &message, count, &n), 0);
	assert_int_equal(n, 2);
	n = 0;
	assert_int_equal(yaml_read_all(STR("a: 1\n---\nb: 2\n---\nc: 3\n---\nd: 4\n"), &message,
				       count, &n),
			 77);
	assert_int_equal(n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifests_become_trees),
		cmocka_unit_test(plain_words_have_types_and_quoted_ones_are_text),
		cmocka_unit_test(what_is_not_yaml_is_said_with_its_line),
		cmocka_unit_test(bombs_do_not_go_off),
		cmocka_unit_test(documents_come_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
