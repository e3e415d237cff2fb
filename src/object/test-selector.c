/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "object/schema.h"
#include "object/selector.h"
#include "json/json.h"

static void phase_value(const json_t *object, struct buffer *out)
{
	buffer_append_text(out, json_string_at(object, "status.phase"));
	buffer_append_text(out, json_is_true(json_at(object, "spec.late")) ? "-late" : "");
}

static const struct selectable thing_selectables[] = {
	{ .name = "spec.nodeName" },
	{ .name = "status.phase", .value = phase_value },
};

static const struct kind thing = {
	.group = "",
	.version = "v1",
	.kind = "Thing",
	.selectables = thing_selectables,
	.n_selectables = ARRAY_SIZE(thing_selectables),
};

static json_t *tree_of(const char *text)
{
	struct json_read_error error;
	json_t *tree = NULL;

	if (json_read(str_from(text), NULL, &tree, &error) != 0) {
		fail_msg("%s: %s", text, error.message);
	}
	return tree;
}

static struct selector *parsed(const char *text)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct selector *selector = NULL;

	if (selector_parse(str_from(text), &message, &selector) != 0) {
		fail_msg("%s: %s", text, buffer_text(&message));
	}
	return selector;
}

static void check_text(struct selector *selector, const char *expected)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_SELECTOR);

	selector_text(selector, &text);
	assert_string_equal(buffer_text(&text), expected);
	selector_free(selector);
}

static void check_match(const char *text, const char *labels, bool expected)
{
	struct selector *selector = parsed(text);
	_cleanup_json_ json_t *tree = tree_of(labels);

	if (selector_matches(selector, tree) != expected) {
		fail_msg("%s on %s: expected %d", text, labels, expected);
	}
	selector_free(selector);
}

static void check_bad(struct str text, const char *expected)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct selector *selector = NULL;

	assert_int_equal(selector_parse(text, &message, &selector), SELECTOR_INVALID);
	assert_null(selector);
	assert_string_equal(buffer_text(&message), expected);
}

static void a_selector_is_written_back_in_canonical_form(void **state)
{
	check_text(parsed(""), "");
	check_text(parsed("  "), "");
	check_text(parsed("x=a,y=b"), "x=a,y=b");
	check_text(parsed("y==b , x = a"), "x=a,y==b");
	check_text(parsed("x!=a,x"), "x!=a,x");
	check_text(parsed("x="), "x=");
	check_text(parsed("x= ,z="), "x=,z=");
	check_text(parsed("!x,\ty"), "!x,y");
	check_text(parsed("x>1,z<5"), "x>1,z<5");
	check_text(parsed("x in (b, a,b)"), "x in (a,b)");
	check_text(parsed("x notin (a),k8s.io/y in (in,notin)"),
		   "k8s.io/y in (in,notin),x notin (a)");
	check_text(parsed("x in ()"), "x in ()");
	check_text(parsed("x in (,)"), "x in ()");
	check_text(parsed("x in (,a,,)"), "x in (,a)");
	check_text(parsed("in in (in),notin=in,a=notin"), "a=notin,in in (in),notin=in");
}

static void each_operator_matches_what_it_says(void **state)
{
	check_match("", "{}", true);
	check_match("x=y", "{\"x\":\"y\"}", true);
	check_match("x=y", "{\"x\":\"z\"}", false);
	check_match("x=y", "{}", false);
	check_match("x==y,z=w", "{\"x\":\"y\",\"z\":\"w\"}", true);
	check_match("x==y,z=w", "{\"x\":\"y\",\"z\":\"v\"}", false);
	check_match("x=", "{\"x\":\"\"}", true);
	check_match("x=", "{}", false);
	check_match("x!=y", "{\"x\":\"z\"}", true);
	check_match("x!=y", "{}", true);
	check_match("x!=y", "{\"x\":\"y\"}", false);
	check_match("x", "{\"x\":\"\"}", true);
	check_match("x", "{\"y\":\"\"}", false);
	check_match("!x", "{\"y\":\"\"}", true);
	check_match("!x", "{\"x\":\"\"}", false);
	check_match("x in (c,a,b)", "{\"x\":\"c\"}", true);
	check_match("x in (c,a,b)", "{\"x\":\"d\"}", false);
	check_match("x in (a)", "{}", false);
	check_match("x notin (a,b)", "{\"x\":\"c\"}", true);
	check_match("x notin (a,b)", "{\"x\":\"a\"}", false);
	check_match("x notin (a,b)", "{}", true);
	check_match("x>1", "{\"x\":\"2\"}", true);
	check_match("x>1", "{\"x\":\"1\"}", false);
	check_match("x>1", "{\"x\":\"two\"}", false);
	check_match("x>1", "{}", false);
	check_match("x<1", "{\"x\":\"-2\"}", true);
	check_match("x<10", "{\"x\":\"9\"}", true);
}

static void no_labels_at_all_are_like_empty_ones(void **state)
{
	struct selector *selector = parsed("!a,b!=c");

	assert_true(selector_matches(selector, NULL));
	selector_free(selector);
	selector = parsed("a");
	assert_false(selector_matches(selector, NULL));
	selector_free(selector);
}

static void only_an_empty_selector_is_empty(void **state)
{
	struct selector *selector = parsed("");

	assert_true(selector_is_empty(selector));
	selector_free(selector);
	selector = parsed("a");
	assert_false(selector_is_empty(selector));
	assert_null(selector_free(selector));
	assert_null(selector_free(NULL));
}

static void syntax_errors_say_what_was_found_and_expected(void **state)
{
	check_bad(
		STR("x=a||y=b"),
		"unable to parse requirement: values[0][x]: Invalid value: \"a||y\": a valid "
		"label must be an empty string or consist of alphanumeric characters, '-', '_' or "
		"'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
		"'my_value',  or '12345', regex used for validation is "
		"'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')");
	check_bad(STR("x==a==b"), "found '==', expected: ',' or 'end of string'");
	check_bad(STR("!x=a"), "found '=', expected: ',' or 'end of string'");
	check_bad(STR("x y"), "unable to parse requirement: found 'y', expected: in, notin, =, ==, "
			      "!=, gt, lt");
	check_bad(STR("x,"), "found '', expected: identifier after ','");
	check_bad(STR("x,,y"), "found ',', expected: identifier after ','");
	check_bad(STR(",x"), "found ',', expected: !, identifier, or 'end of string'");
	check_bad(STR("!"), "unable to parse requirement: found '', expected: identifier");
	check_bad(STR("!!x"), "unable to parse requirement: found '!', expected: identifier");
	check_bad(STR("x=("), "unable to parse requirement: found '(', expected: identifier");
	check_bad(STR("x in a"), "unable to parse requirement: found 'a', expected: '('");
	check_bad(STR("x in (a"), "unable to parse requirement: found '', expected: ',' or ')'");
	check_bad(STR("x in (a b)"),
		  "unable to parse requirement: found 'b', expected: ',' or ')'");
	check_bad(STR("x in (="),
		  "unable to parse requirement: found '=', expected: ',', ')' or identifier");
	check_bad(STR("a\0b"), "the selector has a NUL byte");
}

static void keys_and_values_must_be_labels(void **state)
{
	check_bad(
		STR("a_"),
		"unable to parse requirement: <nil>: Invalid value: \"a_\": name part must consist "
		"of alphanumeric characters, '-', '_' or '.', and must start and end with an "
		"alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used "
		"for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')");
	check_bad(STR("x>a"), "unable to parse requirement: values[0]: Invalid value: \"a\": for "
			      "'Gt', 'Lt' operators, the value must be an integer");
	check_bad(STR("x<9223372036854775808"),
		  "unable to parse requirement: values[0]: Invalid value: \"9223372036854775808\": "
		  "for 'Gt', 'Lt' operators, the value must be an integer");
}

static void a_selector_that_is_too_long_is_refused(void **state)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_BODY);

	while (text.n <= LIMIT_SELECTOR) {
		buffer_append_text(&text, "a,");
	}
	check_bad(buffer_str(&text), "the selector is longer than 16384 bytes");
}

static void a_map_selects_by_equality(void **state)
{
	_cleanup_json_ json_t *map = tree_of("{\"b\":\"2\",\"a\":\"1\"}");
	struct selector *selector = selector_from_map(map);

	assert_true(selector_matches(selector, map));
	check_text(selector, "a=1,b=2");
	selector = selector_from_map(NULL);
	assert_true(selector_is_empty(selector));
	selector_free(selector);
}

static void check_message(const char *text, const char *expected)
{
	_cleanup_json_ json_t *tree = tree_of(text);
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct selector *selector = NULL;

	if (selector_from_message(tree, &message, &selector) != 0) {
		assert_string_equal(buffer_text(&message), expected);
		return;
	}
	check_text(selector, expected);
}

static void a_label_selector_message_is_compiled(void **state)
{
	check_message("{}", "");
	check_message("{\"matchLabels\":{\"app\":\"web\"},\"matchExpressions\":["
		      "{\"key\":\"tier\",\"operator\":\"In\",\"values\":[\"b\",\"a\"]},"
		      "{\"key\":\"env\",\"operator\":\"NotIn\",\"values\":[\"dev\"]},"
		      "{\"key\":\"x\",\"operator\":\"Exists\"},"
		      "{\"key\":\"y\",\"operator\":\"DoesNotExist\",\"values\":[]}]}",
		      "app=web,env notin (dev),tier in (a,b),x,!y");
	check_message("{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Gt\"}]}",
		      "\"Gt\" is not a valid label selector operator");
	check_message("{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}",
		      "values: Invalid value: []: for 'in', 'notin' operators, values set can't be "
		      "empty");
}

static void a_message_that_is_not_there_selects_nothing(void **state)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct selector *selector = NULL;

	assert_int_equal(selector_from_message(NULL, &message, &selector), 0);
	assert_false(selector_is_empty(selector));
	assert_false(selector_matches(selector, NULL));
	selector_free(selector);
}

static struct selector *parsed_fields(const char *text)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct selector *selector = NULL;

	if (field_selector_parse(&thing, str_from(text), &message, &selector) != 0) {
		fail_msg("%s: %s", text, buffer_text(&message));
	}
	return selector;
}

static void check_fields(const char *text, bool expected)
{
	struct selector *selector = parsed_fields(text);
	_cleanup_json_ json_t *object =
		tree_of("{\"metadata\":{\"name\":\"web-0\",\"namespace\":\"ns\"},"
			"\"spec\":{\"nodeName\":\"a,b\",\"late\":true},\"status\":{\"phase\":"
			"\"Running\"}}");

	if (field_selector_matches(selector, &thing, object) != expected) {
		fail_msg("%s: expected %d", text, expected);
	}
	selector_free(selector);
}

static void field_selectors_match_the_kinds_fields(void **state)
{
	check_fields("", true);
	check_fields(",", true);
	check_fields("metadata.name=web-0", true);
	check_fields("metadata.name==web-0,metadata.namespace=ns", true);
	check_fields("metadata.name=web-0,metadata.namespace!=ns", false);
	check_fields("spec.nodeName=a\\,b", true);
	check_fields("spec.nodeName!=a\\,b", false);
	check_fields("spec.nodeName=", false);
	check_fields("spec.nodeName!=", true);
	check_fields("status.phase=Running-late", true);
	check_fields("status.phase!=Failed,status.phase!=Succeeded", true);
	check_text(parsed_fields("spec.nodeName==a\\,\\=\\\\,metadata.name!=b"),
		   "metadata.name!=b,spec.nodeName=a\\,\\=\\\\");
}

static void a_required_value_is_known_for_direct_look_ups(void **state)
{
	struct selector *selector = parsed_fields("metadata.name=a,spec.nodeName!=b");

	assert_string_equal(field_selector_requires(selector, "metadata.name"), "a");
	assert_null(field_selector_requires(selector, "spec.nodeName"));
	assert_null(field_selector_requires(selector, "metadata.namespace"));
	selector_free(selector);
}

static void check_bad_fields(struct str text, const char *expected)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct selector *selector = NULL;

	assert_int_equal(field_selector_parse(&thing, text, &message, &selector), SELECTOR_INVALID);
	assert_null(selector);
	assert_string_equal(buffer_text(&message), expected);
}

static void bad_field_selectors_are_refused(void **state)
{
	check_bad_fields(STR("spec.image=x"), "field label not supported: spec.image");
	check_bad_fields(STR("a,metadata.name=b"),
			 "invalid selector: 'a,metadata.name=b'; can't understand 'a'");
	check_bad_fields(STR("metadata.name=a\\b"),
			 "invalid field selector: invalid escape sequence: \\b");
	check_bad_fields(STR("metadata.name=a\\"),
			 "invalid field selector: invalid escape sequence: \\");
	check_bad_fields(STR("metadata.name=a=b"),
			 "invalid field selector: unescaped character in value: 61");
	check_bad_fields(STR("metadata.name=a\0"), "the selector has a NUL byte");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_selector_is_written_back_in_canonical_form),
		cmocka_unit_test(each_operator_matches_what_it_says),
		cmocka_unit_test(no_labels_at_all_are_like_empty_ones),
		cmocka_unit_test(only_an_empty_selector_is_empty),
		cmocka_unit_test(syntax_errors_say_what_was_found_and_expected),
		cmocka_unit_test(keys_and_values_must_be_labels),
		cmocka_unit_test(a_selector_that_is_too_long_is_refused),
		cmocka_unit_test(a_map_selects_by_equality),
		cmocka_unit_test(a_label_selector_message_is_compiled),
		cmocka_unit_test(a_message_that_is_not_there_selects_nothing),
		cmocka_unit_test(field_selectors_match_the_kinds_fields),
		cmocka_unit_test(a_required_value_is_known_for_direct_look_ups),
		cmocka_unit_test(bad_field_selectors_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
