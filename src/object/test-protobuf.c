/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "object/meta.h"
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

static void assert_tree(const json_t *tree, const char *expected)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(100000);

	json_write(tree, &text);
	assert_string_equal(buffer_text(&text), expected);
}

/* A Thing's envelope around a spec of these bytes. */
static void spec_body(struct str spec, struct buffer *out)
{
	buffer_append(out, "k8s\0", 4);
	buffer_append(out, "\x12", 1);
	buffer_append_char(out, (char)(spec.n + 2));
	buffer_append(out, "\x12", 1);
	buffer_append_char(out, (char)spec.n);
	buffer_append_str(out, spec);
}

static void assert_spec(struct str spec, int expected_outcome, const char *expected)
{
	_cleanup_buffer_ struct buffer body = BUFFER_INIT(1000);
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_json_ json_t *tree = NULL;

	spec_body(spec, &body);
	assert_int_equal(protobuf_decode(&kind_thing, buffer_str(&body), &message, &tree),
			 expected_outcome);
	if (expected_outcome == 0) {
		assert_tree(tree, expected);
	} else {
		assert_null(tree);
		assert_string_equal(buffer_text(&message), expected);
	}
}

static const char whole[] =
	"{\"apiVersion\":\"test.example/v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"a\","
	"\"generation\":-1,\"creationTimestamp\":\"2025-12-29T13:41:25Z\","
	"\"deletionGracePeriodSeconds\":0,\"labels\":{\"a\":\"\",\"b\":\"x\"},"
	"\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"p\",\"uid\":\"1\","
	"\"controller\":false}],\"finalizers\":[\"f\",\"\"],\"managedFields\":[{\"manager\":\"m\","
	"\"fieldsV1\":{\"f:spec\":{\".\":{}}}}]},\"spec\":{\"replicas\":0,\"flavour\":\"schön\","
	"\"ports\":[{\"port\":80,\"targetPort\":\"http\"},{},{\"targetPort\":8080}],"
	"\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}},{\"name\":\"w\",\"path\":\"/x\"}],"
	"\"limits\":{\"cpu\":\"500m\",\"zero\":\"0\"},\"groups\":[0,-5,9007199254740993],"
	"\"secret\":{\"k\":\"\",\"l\":\"AP8=\"},\"blob\":\"Zm9v\","
	"\"renewed\":\"1969-12-31T23:59:58.750000Z\",\"raw\":{\"b\":[null,1.5]},\"size\":\"1Gi\","
	"\"maxUnavailable\":0,\"paused\":true,\"ready\":false,\"offset\":-9223372036854775808}}";

static void an_object_comes_back_from_its_encoding(void **state)
{
	_cleanup_buffer_ struct buffer body = BUFFER_INIT(100000);
	_cleanup_buffer_ struct buffer again = BUFFER_INIT(100000);
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_strict_ struct strict_report report = { .n = 0 };
	_cleanup_json_ json_t *tree = tree_of(whole);
	_cleanup_json_ json_t *back = NULL;

	protobuf_encode(&kind_thing, tree, &body);
	assert_false(body.overflowed);
	assert_int_equal(protobuf_decode(&kind_thing, buffer_str(&body), &message, &back), 0);
	assert_tree(back, whole);
	assert_int_equal(object_conform(&kind_thing, back, &report, &message), 0);
	assert_int_equal(report.n, 0);
	assert_tree(back, whole);
	protobuf_encode(&kind_thing, back, &again);
	assert_true(str_eq(buffer_str(&again), buffer_str(&body)));
}

static void zero_is_absent_unless_the_field_is_a_pointer(void **state)
{
	/* replicas 0, paused false, flavour "", targetPort int 0 in a port, ready false. */
	assert_spec(STR("\x08\0\x70\0\x12\0\x1a\x04\x22\x02\x08\0\x78\0"), 0,
		    "{\"spec\":{\"replicas\":0,\"ports\":[{}],\"ready\":false}}");
	assert_spec(STR(""), 0, "{}");
}

static void numbers_may_be_packed(void **state)
{
	assert_spec(STR("\x3a\x03\x01\x96\x01\x38\x07"), 0, "{\"spec\":{\"groups\":[1,150,7]}}");
}

static void unknown_numbers_are_skipped(void **state)
{
	/* A varint, bytes, fixed64, fixed32 and nested groups that no row knows; then replicas. */
	assert_spec(STR("\xf8\x07\x01\xfa\x07\x01x\xf9\x07"
			"12345678\xfd\x07"
			"1234\xfb\x07\x0b\x08\x01\x0c\xfc\x07\x08\x02"),
		    0, "{\"spec\":{\"replicas\":2}}");
}

static void a_message_that_comes_twice_is_merged(void **state)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_json_ json_t *tree = NULL;

	assert_int_equal(protobuf_decode(&kind_thing,
					 STR("k8s\0\x12\x09\x12\x02\x08\x03\x12\x03\x12\x01x"),
					 &message, &tree),
			 0);
	assert_tree(tree, "{\"spec\":{\"replicas\":3,\"flavour\":\"x\"}}");
}

static const struct {
	struct str spec;
	const char *message;
} broken[] = {
	{ STR("\x08"), "a number cut short" },
	{ STR("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "a number cut short" },
	{ STR("\x12\x05x"), "a field cut short" },
	{ STR("\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), "a field cut short" },
	{ STR("\x12\x01\xff"), "a string that is not UTF-8" },
	{ STR("\x12\x01\0"), "a string with a zero byte" },
	{ STR("\x0a\x01x"), "a field with a wire type that is not its own" },
	{ STR("\x00\x01"), "a field cut short" },
	{ STR("\x0c"), "a field with a wire type that is not its own" },
	{ STR("\xfb\x07\x0b\x0c"), "an unknown field cut short" },
	{ STR("\xfc\x07"), "an unknown field cut short" },
	{ STR("\xfe\x07"), "an unknown field cut short" },
	{ STR("\x2a\x02\x0a\x05"), "a map entry cut short" },
	{ STR("\x52\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x10\x00"), "a time out of range" },
	{ STR("\x5a\x03\x0a\x01{"), NULL },
};

static void broken_bytes_are_refused_with_a_reason(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		_cleanup_buffer_ struct buffer body = BUFFER_INIT(1000);
		_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
		_cleanup_free_ char *expected =
			mem_printf("not a valid protobuf message test.ThingSpec: %s",
				   broken[i].message != NULL ? broken[i].message : "");
		json_t *tree = NULL;

		spec_body(broken[i].spec, &body);
		assert_int_equal(protobuf_decode(&kind_thing, buffer_str(&body), &message, &tree),
				 OBJECT_MALFORMED);
		assert_null(tree);
		if (broken[i].message != NULL) {
			assert_string_equal(buffer_text(&message), expected);
		}
	}
}

static void an_envelope_must_be_whole_and_of_the_kind(void **state)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	json_t *tree = NULL;

	assert_int_equal(protobuf_decode(&kind_thing, STR("{}"), &message, &tree),
			 OBJECT_MALFORMED);
	assert_int_equal(protobuf_decode(&kind_thing, STR(""), &message, &tree), OBJECT_MALFORMED);
	assert_int_equal(protobuf_decode(&kind_thing, STR("k8s\0\x12\x05"), &message, &tree),
			 OBJECT_MALFORMED);
	assert_int_equal(protobuf_decode(&kind_thing, STR("k8s\0\x1a\x04gzip"), &message, &tree),
			 OBJECT_MALFORMED);
	buffer_clear(&message);
	assert_int_equal(protobuf_decode(&kind_thing, STR("k8s\0\x0a\x05\x12\x03Pod"), &message,
					 &tree),
			 OBJECT_WRONG_KIND);
	assert_string_equal(buffer_text(&message),
			    "the kind in the data (Pod) does not match the expected kind (Thing)");
	assert_null(tree);
}

static void a_small_body_cannot_unfold_into_a_large_tree(void **state)
{
	enum { PORTS = LIMIT_PROTOBUF_VALUES + 1 };
	_cleanup_buffer_ struct buffer body = BUFFER_INIT(LIMIT_BODY);
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	json_t *tree = NULL;

	/* Lengths of three bytes for the message and its spec, then empty ports. */
	buffer_append(&body, "k8s\0\x12", 5);
	for (int i = 0; i < 2; i++) {
		size_t n = 2 * PORTS + (i == 0 ? 4 : 0);

		buffer_append_char(&body, (char)(n | 0x80));
		buffer_append_char(&body, (char)(n >> 7 | 0x80));
		buffer_append_char(&body, (char)(n >> 14));
		if (i == 0) {
			buffer_append_char(&body, 0x12);
		}
	}
	for (int i = 0; i < PORTS; i++) {
		buffer_append(&body, "\x1a\0", 2);
	}
	assert_int_equal(protobuf_decode(&kind_thing, buffer_str(&body), &message, &tree),
			 OBJECT_TOO_LARGE);
	assert_null(tree);
}

static void messages_that_are_no_kinds_have_types(void **state)
{
	_cleanup_buffer_ struct buffer body = BUFFER_INIT(1000);
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_json_ json_t *options =
		tree_of("{\"gracePeriodSeconds\":0,\"preconditions\":{\"uid\":\"u\"},"
			"\"propagationPolicy\":\"Background\",\"dryRun\":[\"All\"]}");
	_cleanup_json_ json_t *back = NULL;

	protobuf_encode_type(&type_delete_options, "v1", "DeleteOptions", options, &body);
	assert_int_equal(
		protobuf_decode_type(&type_delete_options, buffer_str(&body), &message, &back), 0);
	assert_tree(back, "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\","
			  "\"gracePeriodSeconds\":0,\"preconditions\":{\"uid\":\"u\"},"
			  "\"propagationPolicy\":\"Background\",\"dryRun\":[\"All\"]}");
}

static void a_list_is_its_metadata_and_items(void **state)
{
	_cleanup_buffer_ struct buffer body = BUFFER_INIT(1000);
	_cleanup_json_ json_t *list =
		tree_of("{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[{\"spec\":"
			"{\"replicas\":1}},{}]}");

	protobuf_encode_list(&kind_thing, list, &body);
	assert_true(str_eq(buffer_str(&body), STR("k8s\0\x0a\x1c\x0a\x0ftest.example/v1\x12\x09"
						  "ThingList\x12\x0d\x0a\x03\x12\x01"
						  "7\x12\x04\x12\x02\x08\x01\x12\0\x1a\0\x22\0")));
}

static void a_watch_event_is_a_frame_around_an_enveloped_object(void **state)
{
	_cleanup_buffer_ struct buffer frame = BUFFER_INIT(1000);

	protobuf_encode_watch_event("ADDED", STR("k8s\0x"), &frame);
	assert_true(str_eq(buffer_str(&frame), STR("\0\0\0\x10\x0a\x05"
						   "ADDED\x12\x07\x0a\x05k8s\0x")));
}

static void an_encoding_that_does_not_fit_overflows(void **state)
{
	_cleanup_json_ json_t *tree = tree_of(whole);

	for (size_t max = 0; max < 300; max += 7) {
		_cleanup_buffer_ struct buffer body = BUFFER_INIT(max);

		protobuf_encode(&kind_thing, tree, &body);
		assert_true(body.overflowed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_comes_back_from_its_encoding),
		cmocka_unit_test(zero_is_absent_unless_the_field_is_a_pointer),
		cmocka_unit_test(numbers_may_be_packed),
		cmocka_unit_test(unknown_numbers_are_skipped),
		cmocka_unit_test(a_message_that_comes_twice_is_merged),
		cmocka_unit_test(broken_bytes_are_refused_with_a_reason),
		cmocka_unit_test(an_envelope_must_be_whole_and_of_the_kind),
		cmocka_unit_test(a_small_body_cannot_unfold_into_a_large_tree),
		cmocka_unit_test(messages_that_are_no_kinds_have_types),
		cmocka_unit_test(a_list_is_its_metadata_and_items),
		cmocka_unit_test(a_watch_event_is_a_frame_around_an_enveloped_object),
		cmocka_unit_test(an_encoding_that_does_not_fit_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
