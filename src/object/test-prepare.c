/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "object/prepare.h"
#include "object/test-thing.h"
#include "json/json.h"

static json_t *tree_of(const char *text)
{
	struct json_read_error error;
	json_t *tree = NULL;

	assert_int_equal(json_read(str_from(text), NULL, &tree, &error), 0);
	return tree;
}

/* A Thing with `metadata` besides what every one has, and `spec`. */
static json_t *thing(const char *metadata, const char *spec)
{
	_cleanup_free_ char *text = mem_printf(
		"{\"metadata\":{\"name\":\"a\",\"namespace\":\"default\"%s},\"spec\":%s}", metadata,
		spec);

	return tree_of(text);
}

static void assert_tree(const json_t *tree, const char *expected)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(100000);

	json_write(tree, &text);
	assert_string_equal(buffer_text(&text), expected);
}

static void assert_errors(const json_t *tree, const json_t *old, const char *expected)
{
	_cleanup_field_errors_ struct field_errors errors;
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(100000);

	field_errors_init(&errors);
	object_check(&kind_thing, tree, old, &errors);
	field_errors_text(&errors, &text);
	assert_string_equal(buffer_text(&text), expected);
}

static void assert_update(const char *metadata, const char *old_metadata, const char *expected)
{
	_cleanup_json_ json_t *tree = thing(metadata, "{}");
	_cleanup_json_ json_t *old = thing(old_metadata, "{}");

	assert_errors(tree, old, expected);
}

static void assert_spec_errors(const char *spec, const char *expected)
{
	_cleanup_json_ json_t *tree = thing("", spec);

	assert_errors(tree, NULL, expected);
}

static void assert_metadata_errors(const char *metadata, const char *expected)
{
	_cleanup_json_ json_t *tree = thing(metadata, "{}");

	assert_errors(tree, NULL, expected);
}

static void defaults_fill_what_is_absent_once(void **state)
{
	_cleanup_json_ json_t *tree = tree_of(
		"{\"spec\":{\"ports\":[{\"port\":80},{\"port\":81,\"protocol\":\"\"},{\"port\":82,"
		"\"protocol\":\"UDP\",\"targetPort\":\"x\"}],\"volumes\":[{\"name\":\"v\"},"
		"{\"name\":\"w\",\"path\":\"/\"}]}}");
	static const char expected[] =
		"{\"spec\":{\"ports\":[{\"port\":80,\"protocol\":\"TCP\",\"targetPort\":80},"
		"{\"port\":81,\"protocol\":\"TCP\",\"targetPort\":81},"
		"{\"port\":82,\"protocol\":\"UDP\",\"targetPort\":\"x\"}],"
		"\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}},{\"name\":\"w\",\"path\":\"/\"}],"
		"\"replicas\":1}}";

	object_default(&kind_thing, tree);
	assert_tree(tree, expected);
	object_default(&kind_thing, tree);
	assert_tree(tree, expected);
}

static void a_default_message_gets_its_own_defaults_and_zero_pointers_stay(void **state)
{
	_cleanup_json_ json_t *tree = tree_of("{}");
	_cleanup_json_ json_t *zero = tree_of("{\"spec\":{\"replicas\":0}}");

	object_default(&kind_thing, tree);
	assert_tree(tree, "{\"spec\":{\"replicas\":1}}");
	object_default(&kind_thing, zero);
	assert_tree(zero, "{\"spec\":{\"replicas\":0}}");
}

static void rows_are_checked_with_their_paths(void **state)
{
	assert_spec_errors(
		"{\"ports\":[{\"port\":80,\"protocol\":\"TCP\",\"targetPort\":\"http\"}],"
		"\"addresses\":[\"10.0.0.1\"],\"data\":{\"my.cnf\":\"x y\"},"
		"\"replicas\":0,\"maxUnavailable\":\"10%\"}",
		"");
	assert_spec_errors("{\"ports\":[{\"port\":80},{}]}", "spec.ports[1].port: Required value");
	assert_spec_errors("{\"ports\":[{\"port\":70000,\"protocol\":\"ICMP\"}]}",
			   "[spec.ports[0].protocol: Unsupported value: \"ICMP\": supported "
			   "values: \"TCP\", \"UDP\", \"SCTP\", spec.ports[0].port: Invalid value: "
			   "70000: must be between 1 and 65535, inclusive]");
	assert_spec_errors("{\"replicas\":-1}", "spec.replicas: Invalid value: -1: must be greater "
						"than or equal to 0");
	assert_spec_errors("{\"addresses\":[\"::1\",\"\"]}",
			   "spec.addresses[1]: Invalid value: \"\": must be a valid IP address, "
			   "(e.g. 10.9.8.7 or 2001:db8::ffff)");
	assert_spec_errors("{\"volumes\":[{\"path\":\"x\"}]}",
			   "[spec.volumes[0].name: Required value, spec.volumes[0].path: Invalid "
			   "value: \"x\": must be an absolute path]");
	assert_spec_errors("{\"data\":{\"..\":\"\"}}",
			   "spec.data[..]: Invalid value: \"..\": must not be '..'");
	assert_spec_errors(
		"{\"selector\":{\"a/\":\"b\"}}",
		"[spec.selector: Invalid value: \"a/\": name part must be non-empty, "
		"spec.selector: Invalid value: \"a/\": name part must consist of "
		"alphanumeric characters, '-', '_' or '.', and must start and end with an "
		"alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', "
		"regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')]");
}

static void types_and_kinds_have_their_say_after_the_rows(void **state)
{
	assert_spec_errors("{\"ports\":[{\"port\":666}],\"paused\":true}",
			   "[spec.ports[0].port: Forbidden: not this one, "
			   "spec.paused: Forbidden: never]");
}

static void metadata_has_its_rules(void **state)
{
	_cleanup_json_ json_t *bare = tree_of("{\"metadata\":{}}");
	_cleanup_json_ json_t *generated = tree_of(
		"{\"metadata\":{\"generateName\":\"a-\",\"name\":\"A\",\"namespace\":\"n\"}}");

	assert_errors(bare, NULL,
		      "[metadata.name: Required value: name or generateName is required, "
		      "metadata.namespace: Required value]");
	assert_errors(generated, NULL,
		      "metadata.name: Invalid value: \"A\": a lowercase RFC 1123 subdomain must "
		      "consist of lower case alphanumeric characters, '-' or '.', and must start "
		      "and end with an alphanumeric character (e.g. 'example.com', regex used for "
		      "validation is "
		      "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')");
	assert_metadata_errors(",\"labels\":{\"app\":\"web\"},\"annotations\":{\"A/b\":\"any #\"},"
			       "\"finalizers\":[\"example.com/x\"],\"ownerReferences\":[{"
			       "\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"name\":\"r\","
			       "\"uid\":\"1\",\"controller\":true}]",
			       "");
	assert_metadata_errors(
		",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\","
		"\"name\":\"p\"}]",
		"metadata.ownerReferences[0].uid: Required value: must not be empty");
	assert_metadata_errors(
		",\"labels\":{\"a\":\"-\"}",
		"metadata.labels: Invalid value: \"-\": a valid label must be an "
		"empty string or consist of alphanumeric characters, '-', '_' or '.', "
		"and must start and end with an alphanumeric character (e.g. "
		"'MyValue',  or 'my_value',  or '12345', regex used for validation is "
		"'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')");
}

static void what_may_not_change_is_named(void **state)
{
	_cleanup_json_ json_t *old = thing("", "{\"flavour\":\"a\",\"offset\":5}");
	_cleanup_json_ json_t *other = thing("", "{\"flavour\":\"b\",\"offset\":5}");
	_cleanup_json_ json_t *shrunk = thing("", "{\"flavour\":\"a\"}");
	_cleanup_json_ json_t *empty = tree_of("{\"metadata\":{\"name\":\"a\",\"namespace\":"
					       "\"default\"},\"spec\":{\"offset\":5}}");

	assert_errors(old, old, "");
	assert_errors(other, old, "spec.flavour: Invalid value: \"b\": field is immutable");
	assert_errors(empty, old, "spec.flavour: Invalid value: null: field is immutable");
	assert_errors(shrunk, old, "spec.offset: Forbidden: may not shrink");
	assert_update(",\"uid\":\"2\"", ",\"uid\":\"1\"",
		      "metadata.uid: Invalid value: \"2\": field is immutable");
	assert_update(",\"generation\":1", ",\"generation\":2",
		      "metadata.generation: Invalid value: 1: must not be decremented");
	assert_update(
		",\"deletionTimestamp\":\"x\",\"finalizers\":[\"a\",\"b\"]",
		",\"deletionTimestamp\":\"x\",\"finalizers\":[\"a\"]",
		"metadata.finalizers: Forbidden: no new finalizers can be added if the object is "
		"being deleted, found new finalizers []string{\"b\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_fill_what_is_absent_once),
		cmocka_unit_test(a_default_message_gets_its_own_defaults_and_zero_pointers_stay),
		cmocka_unit_test(rows_are_checked_with_their_paths),
		cmocka_unit_test(types_and_kinds_have_their_say_after_the_rows),
		cmocka_unit_test(metadata_has_its_rules),
		cmocka_unit_test(what_may_not_change_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
