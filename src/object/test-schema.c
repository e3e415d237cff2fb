/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "object/field_errors.h"
#include "object/formats.h"
#include "object/test-thing.h"
#include "json/json.h"

static void fields_are_found_in_inlined_messages_too(void **state)
{
	const struct field *spec = type_field(kind_thing.type, "spec");
	const struct field *volumes;

	assert_non_null(spec);
	volumes = type_field(spec->message, "volumes");
	assert_non_null(volumes);
	assert_int_equal(type_field(volumes->message, "path")->number, 3);
	assert_null(type_field(volumes->message, ""));
	assert_null(type_field(spec->message, "Replicas"));
}

static void kinds_are_found_by_kind_and_by_resource(void **state)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(100);

	assert_ptr_equal(kind_find("test.example", "v1", "Thing"), &kind_thing);
	assert_ptr_equal(kind_find_resource("test.example", "v1", "things"), &kind_thing);
	assert_null(kind_find("", "v1", "Thing"));
	assert_null(kind_find("test.example", "v2", "Thing"));
	assert_null(kind_find_resource("test.example", "v1", "thing"));
	kind_api_version(&kind_thing, &text);
	assert_string_equal(buffer_text(&text), "test.example/v1");
}

static void field_errors_read_as_clients_expect(void **state)
{
	_cleanup_field_errors_ struct field_errors errors;
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(10000);
	_cleanup_json_ json_t *zero = json_integer(0);
	_cleanup_json_ json_t *name = json_string("x\"y");

	field_errors_init(&errors);
	field_errors_addf(&errors, FIELD_ERROR_INVALID, zero,
			  "must be between 1 and 65535, inclusive", "spec.ports[%d].port", 0);
	field_errors_text(&errors, &text);
	assert_string_equal(buffer_text(&text),
			    "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, "
			    "inclusive");
	field_errors_add(&errors, FIELD_ERROR_REQUIRED, "metadata.name", NULL,
			 "name or generateName is required");
	field_errors_add(&errors, FIELD_ERROR_NOT_SUPPORTED, "spec.type", name, "A|B");
	field_errors_add(&errors, FIELD_ERROR_DUPLICATE, "a", name, "");
	field_errors_add(&errors, FIELD_ERROR_DUPLICATE, "a", name, "");
	buffer_clear(&text);
	field_errors_text(&errors, &text);
	assert_string_equal(
		buffer_text(&text),
		"[spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive, "
		"metadata.name: Required value: name or generateName is required, "
		"spec.type: Unsupported value: \"x\\\"y\": supported values: \"A\", \"B\", "
		"a: Duplicate value: \"x\\\"y\"]");
	assert_string_equal(field_error_reason(FIELD_ERROR_TOO_LONG), "FieldValueTooLong");
}

static void field_errors_are_bounded(void **state)
{
	_cleanup_field_errors_ struct field_errors errors;

	field_errors_init(&errors);
	for (int i = 0; i < LIMIT_FIELD_ERRORS + 5; i++) {
		field_errors_add(&errors, FIELD_ERROR_FORBIDDEN, "a", NULL, "no");
	}
	assert_int_equal(errors.n, LIMIT_FIELD_ERRORS);
	assert_int_equal(errors.dropped, 5);
}

static const struct {
	enum field_format format;
	const char *text;
	bool good;
} formats[] = {
	{ FORMAT_DNS_LABEL, "web-0", true },
	{ FORMAT_DNS_LABEL, "0web", true },
	{ FORMAT_DNS_LABEL, "Web", false },
	{ FORMAT_DNS_LABEL, "a.b", false },
	{ FORMAT_DNS_LABEL, "-a", false },
	{ FORMAT_DNS_LABEL_1035, "0web", false },
	{ FORMAT_DNS_LABEL_1035, "web0", true },
	{ FORMAT_DNS_SUBDOMAIN, "a.b-c.d", true },
	{ FORMAT_DNS_SUBDOMAIN, "a..b", false },
	{ FORMAT_DNS_SUBDOMAIN, "a.b.", false },
	{ FORMAT_QUALIFIED_NAME, "app.kubernetes.io/name", true },
	{ FORMAT_QUALIFIED_NAME, "a/b/c", false },
	{ FORMAT_QUALIFIED_NAME, "/b", false },
	{ FORMAT_QUALIFIED_NAME, "a/", false },
	{ FORMAT_LABEL_VALUE, "", true },
	{ FORMAT_LABEL_VALUE, "v1.2_b", true },
	{ FORMAT_LABEL_VALUE, "_a", false },
	{ FORMAT_PORT_NAME, "http-alt", true },
	{ FORMAT_PORT_NAME, "80", false },
	{ FORMAT_PORT_NAME, "a--b", false },
	{ FORMAT_PORT_NAME, "sixteen-letters-", false },
	{ FORMAT_CONFIG_KEY, "my.cnf", true },
	{ FORMAT_CONFIG_KEY, "..", false },
	{ FORMAT_CONFIG_KEY, "a/b", false },
	{ FORMAT_ENV_NAME, "MYSQL_ROOT_PASSWORD", true },
	{ FORMAT_ENV_NAME, "A=B", false },
	{ FORMAT_IP, "10.0.0.1", true },
	{ FORMAT_IP, "2001:db8::1", true },
	{ FORMAT_IP, "10.0.0.010", false },
	{ FORMAT_IP, "::ffff:10.0.0.1", false },
	{ FORMAT_IP, "10.0.0", false },
	{ FORMAT_CIDR, "10.0.0.0/8", true },
	{ FORMAT_CIDR, "10.0.0.0/33", false },
	{ FORMAT_CIDR, "10.0.0.0", false },
	{ FORMAT_CIDR, "2001:db8::/64", true },
	{ FORMAT_PATH, "/healthz", true },
	{ FORMAT_PATH, "healthz", false },
	{ FORMAT_PERCENT_OR_INT, "25%", true },
	{ FORMAT_PERCENT_OR_INT, "%", false },
	{ FORMAT_PERCENT_OR_INT, "-5%", false },
};

static void formats_accept_and_refuse_as_kubernetes_does(void **state)
{
	struct format_problems problems = { .n = 0 };

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (format_is(formats[i].format, formats[i].text) != formats[i].good) {
			fail_msg("format %d of \"%s\" is not %d", (int)formats[i].format,
				 formats[i].text, formats[i].good);
		}
	}
	assert_true(format_check_integer(FORMAT_PORT, 65535, &problems));
	assert_true(format_check_integer(FORMAT_NON_NEGATIVE, 0, &problems));
	assert_false(format_check_integer(FORMAT_PORT_OR_NAME, 0, &problems));
	assert_false(format_check_integer(FORMAT_PERCENT_OR_INT, -1, &problems));
	assert_int_equal(problems.n, 2);
	format_problems_deinit(&problems);
}

static void format_problems_use_the_familiar_words(void **state)
{
	_cleanup_problems_ struct format_problems problems = { .n = 0 };

	format_check_text(FORMAT_DNS_LABEL, "My_Service", &problems);
	format_check_text(FORMAT_DNS_LABEL, "a.b", &problems);
	format_check_text(FORMAT_DNS_LABEL_1035,
			  "a123456789012345678901234567890123456789012345678901234567890123",
			  &problems);
	assert_int_equal(problems.n, 3);
	assert_string_equal(problems.items[0],
			    "a lowercase RFC 1123 label must consist of lower case alphanumeric "
			    "characters or '-', and must start and end with an alphanumeric "
			    "character (e.g. 'my-name',  or '123-abc', regex used for validation "
			    "is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')");
	assert_string_equal(problems.items[1], "must not contain dots");
	assert_string_equal(problems.items[2], "must be no more than 63 bytes");
}

static void annotations_have_a_total_size(void **state)
{
	_cleanup_field_errors_ struct field_errors errors;
	_cleanup_json_ json_t *annotations = json_object();
	_cleanup_free_ char *large = mem_alloc(LIMIT_ANNOTATIONS + 1);

	field_errors_init(&errors);
	memset(large, 'x', LIMIT_ANNOTATIONS - 1);
	json_object_set_new(annotations, "A", json_string(large));
	format_check_annotations(annotations, "metadata.annotations", &errors);
	assert_int_equal(errors.n, 0);
	json_object_set_new(annotations, "B", json_string(""));
	format_check_annotations(annotations, "metadata.annotations", &errors);
	assert_int_equal(errors.n, 1);
	assert_string_equal(errors.items[0].message, "Too long: may not be more than 262144 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_in_inlined_messages_too),
		cmocka_unit_test(kinds_are_found_by_kind_and_by_resource),
		cmocka_unit_test(field_errors_read_as_clients_expect),
		cmocka_unit_test(field_errors_are_bounded),
		cmocka_unit_test(formats_accept_and_refuse_as_kubernetes_does),
		cmocka_unit_test(format_problems_use_the_familiar_words),
		cmocka_unit_test(annotations_have_a_total_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
