/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "object/prepare.h"
#include "object/quantity.h"
#include "object/test-thing.h"
#include "json/json.h"

#define HEAD "{\"apiVersion\":\"test.example/v1\",\"kind\":\"Thing\",\"spec\":"

/* What decoding `body` comes to: the outcome, then the reports, then the message or the tree. */
static const char *decoded(const char *body)
{
	static struct buffer out = BUFFER_INIT(1000000);
	_cleanup_strict_ struct strict_report report = { .n = 0 };
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_json_ json_t *tree = NULL;
	int outcome = object_decode(&kind_thing, str_from(body), &report, &message, &tree);

	buffer_deinit(&out);
	for (size_t i = 0; i < report.n; i++) {
		buffer_printf(&out, "%s; ", report.items[i]);
	}
	if (outcome != 0) {
		assert_null(tree);
		buffer_printf(&out, "%d: %s", outcome, buffer_text(&message));
	} else {
		json_write(json_object_get(tree, "spec"), &out);
	}
	return buffer_text(&out);
}

static void every_type_is_taken_and_put_into_one_form(void **state)
{
	assert_string_equal(
		decoded(HEAD
			"{\"replicas\":0,\"flavour\":\"x\",\"selector\":{\"a\":\"b\"},"
			"\"limits\":{\"cpu\":0.5,\"memory\":\"1.5Gi\",\"n\":3},\"groups\":[1,-2],"
			"\"secret\":{\"k\":\"Zm9v\\n\"},\"renewed\":\"2025-12-29T14:41:25+01:00\","
			"\"raw\":{\"b\":[null,1.5]},\"size\":\"1000m\",\"maxUnavailable\":\"25%\","
			"\"paused\":true,\"ports\":[{\"port\":80,\"targetPort\":\"http\"}]}}"),
		"{\"replicas\":0,\"flavour\":\"x\",\"selector\":{\"a\":\"b\"},"
		"\"limits\":{\"cpu\":\"500m\",\"memory\":\"1536Mi\",\"n\":\"3\"},\"groups\":[1,-2],"
		"\"secret\":{\"k\":\"Zm9v\"},\"renewed\":\"2025-12-29T13:41:25.000000Z\","
		"\"raw\":{\"b\":[null,1.5]},\"size\":\"1\",\"maxUnavailable\":\"25%\",\"paused\":"
		"true,"
		"\"ports\":[{\"port\":80,\"targetPort\":\"http\"}]}");
}

static void unknown_and_duplicate_fields_are_named_and_dropped(void **state)
{
	assert_string_equal(decoded(HEAD "{\"foo\":1,\"ports\":[{\"port\":1,\"x\":{}},{\"port\":2,"
					 "\"port\":3}],\"volumes\":[{\"name\":\"v\",\"path\":\"/\","
					 "\"source\":1}]},\"Spec\":1}"),
			    "duplicate field \"spec.ports[1].port\"; unknown field \"spec.foo\"; "
			    "unknown field \"spec.ports[0].x\"; unknown field "
			    "\"spec.volumes[0].source\"; unknown field \"Spec\"; "
			    "{\"ports\":[{\"port\":1},{\"port\":3}],"
			    "\"volumes\":[{\"name\":\"v\",\"path\":\"/\"}]}");
}

static void a_null_is_an_absent_field(void **state)
{
	assert_string_equal(decoded(HEAD "{\"replicas\":null,\"ports\":null,\"raw\":null,"
					 "\"renewed\":\"0001-01-01T00:00:00Z\","
					 "\"selector\":{\"a\":null},\"groups\":[null]}}"),
			    "{\"selector\":{\"a\":\"\"},\"groups\":[0]}");
}

static const struct {
	const char *spec;
	const char *answer;
} wrong[] = {
	{ "{\"replicas\":\"three\"}}", "2: spec.replicas: expected integer, got string \"three\"" },
	{ "{\"replicas\":1.5}}", "2: spec.replicas: expected integer, got number 1.5" },
	{ "{\"replicas\":2147483648}}",
	  "2: spec.replicas: expected 32-bit integer, got integer 2147483648" },
	{ "{\"flavour\":7}}", "2: spec.flavour: expected string, got integer 7" },
	{ "{\"paused\":\"true\"}}", "2: spec.paused: expected boolean, got string \"true\"" },
	{ "{\"ports\":{}}}", "2: spec.ports: expected array, got object" },
	{ "{\"ports\":[[]]}}", "2: spec.ports[0]: expected object, got array" },
	{ "{\"ports\":[null]}}", "2: spec.ports[0]: expected object, got null" },
	{ "{\"ports\":[{\"port\":1},{\"targetPort\":true}]}}",
	  "2: spec.ports[1].targetPort: expected integer or string, got boolean true" },
	{ "{\"selector\":{\"a\":1}}}", "2: spec.selector[a]: expected string, got integer 1" },
	{ "{\"blob\":\"Zg=\"}}", "2: spec.blob: expected base64 text, got string \"Zg=\"" },
	{ "{\"raw\":[]}}", "2: spec.raw: expected object, got array" },
	{ "{\"renewed\":\"now\"}}",
	  "2: spec.renewed: expected time like \"2006-01-02T15:04:05Z\", got string \"now\"" },
	{ "{\"size\":\"1 Gi\"}}",
	  "2: spec.size: expected quantity, got string \"1 Gi\" (quantities must match the regular "
	  "expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$')" },
	{ "[]}", "2: spec: expected object, got array" },
};

static void a_wrong_type_is_one_clear_line(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_free_ char *body = mem_printf(HEAD "%s", wrong[i].spec);

		assert_string_equal(decoded(body), wrong[i].answer);
	}
}

static void what_is_no_object_of_the_kind_is_refused(void **state)
{
	_cleanup_free_ char *deep = mem_alloc(30001);

	memset(deep, '[', 10000);
	assert_int_equal(decoded(deep)[0], '4');
	assert_string_equal(decoded("[]"), "1: expected a JSON object, got array");
	assert_int_equal(decoded("{\"spec\":")[0], '1');
	assert_int_equal(decoded("")[0], '1');
	assert_string_equal(decoded("{\"apiVersion\":\"v1\",\"kind\":\"Thing\",\"spec\":1}"),
			    "3: the API version in the data (v1) does not match the expected API "
			    "version (test.example/v1)");
	assert_string_equal(
		decoded("{\"kind\":\"Pod\"}"),
		"3: the kind in the data (Pod) does not match the expected kind (Thing)");
}

static void apiversion_and_kind_are_filled_in(void **state)
{
	_cleanup_strict_ struct strict_report report = { .n = 0 };
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_json_ json_t *tree = NULL;

	assert_int_equal(object_decode(&kind_thing, STR("{}"), &report, &message, &tree), 0);
	assert_string_equal(json_string_at(tree, "apiVersion"), "test.example/v1");
	assert_string_equal(json_string_at(tree, "kind"), "Thing");
}

static void a_tree_that_was_patched_too_deep_is_refused(void **state)
{
	_cleanup_strict_ struct strict_report report = { .n = 0 };
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_json_ json_t *tree = json_object();

	for (int i = 0; i < LIMIT_JSON_DEPTH; i++) {
		json_t *outer = json_object();

		json_object_set_new(outer, "raw", tree);
		tree = outer;
	}
	assert_int_equal(object_conform(&kind_thing, tree, &report, &message), OBJECT_TOO_LARGE);
}

static const struct {
	const char *text;
	const char *canonical; /* NULL: refused */
} quantities[] = {
	{ "0", "0" },
	{ "0Gi", "0" },
	{ "100m", "100m" },
	{ "1000m", "1" },
	{ "1500m", "1500m" },
	{ "1.5", "1500m" },
	{ "0.5", "500m" },
	{ ".5", "500m" },
	{ "1.", "1" },
	{ "+7", "7" },
	{ "-7k", "-7k" },
	{ "1000k", "1M" },
	{ "1024Ki", "1Mi" },
	{ "1.5Gi", "1536Mi" },
	{ "512Ki", "512Ki" },
	{ "1Ki", "1Ki" },
	{ "0.5Ki", "512" },
	{ "1.1Ki", "1126400m" },
	{ "12e6", "12e6" },
	{ "12000000e0", "12e6" },
	{ "1E", "1E" },
	{ "1E3", "1e3" },
	{ "1e-3", "1e-3" },
	{ "0.1n", "1n" },
	{ "1e-99", "1e-9" },
	{ "16Ei", "9223372036854775807" },
	{ "1000E", "1000E" },
	{ "10.0000000000000000000000000001", "10000000001n" },
	{ "", NULL },
	{ ".", NULL },
	{ "-", NULL },
	{ "Gi", NULL },
	{ "1GB", NULL },
	{ "1gi", NULL },
	{ "1 Gi", NULL },
	{ "0x10", NULL },
	{ "1..2", NULL },
	{ "1e100000", NULL },
	{ "12345678901234567890", "12345678901234567890" },
	{ "9223372036854775807", "9223372036854775807" },
	{ "99999999999999999999999Gi", "9223372036854775807" },
	{ "5.00000000000000000000000000000000000000000001549062930Gi", "5368709120000000001n" },
	{ "1.5000000000000000000000000000000000000000000Gi", "1536Mi" },
	{ "111111111111111111111111111111111111", "111111111111111111111111111111111111" },
	{ "1111111111111111111111111111111111111", NULL },
	{ "111111111111111111111111111111111111e1", NULL },
};

static void quantities_have_one_form(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(quantities); i++) {
		_cleanup_buffer_ struct buffer text = BUFFER_INIT(100);
		bool good = quantity_canonical(str_from(quantities[i].text), &text);

		if (good != (quantities[i].canonical != NULL) ||
		    strcmp(buffer_text(&text), good ? quantities[i].canonical : "") != 0) {
			fail_msg("\"%s\" gives \"%s\"", quantities[i].text, buffer_text(&text));
		}
		if (good) {
			_cleanup_buffer_ struct buffer again = BUFFER_INIT(100);

			assert_true(quantity_canonical(buffer_str(&text), &again));
			assert_string_equal(buffer_text(&again), quantities[i].canonical);
		}
	}
}

static void assert_order(const char *smaller, const char *larger)
{
	assert_true(quantity_compare(str_from(smaller), str_from(larger)) < 0);
	assert_true(quantity_compare(str_from(larger), str_from(smaller)) > 0);
}

static void quantities_are_compared_by_amount(void **state)
{
	assert_order("999m", "1");
	assert_order("1000M", "1Gi");
	assert_order("-1", "0");
	assert_order("-2", "-1500m");
	assert_order("1n", "8Ei");
	assert_int_equal(quantity_compare(STR("1Ki"), STR("1024")), 0);
	assert_int_equal(quantity_compare(STR("1500m"), STR("1.5")), 0);
	assert_int_equal(quantity_compare(STR("0"), STR("0")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_taken_and_put_into_one_form),
		cmocka_unit_test(unknown_and_duplicate_fields_are_named_and_dropped),
		cmocka_unit_test(a_null_is_an_absent_field),
		cmocka_unit_test(a_wrong_type_is_one_clear_line),
		cmocka_unit_test(what_is_no_object_of_the_kind_is_refused),
		cmocka_unit_test(apiversion_and_kind_are_filled_in),
		cmocka_unit_test(a_tree_that_was_patched_too_deep_is_refused),
		cmocka_unit_test(quantities_have_one_form),
		cmocka_unit_test(quantities_are_compared_by_amount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
