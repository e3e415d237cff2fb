/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "client/list_scan.h"

struct got {
	char items[512]; /* each with a '|' behind it */
	size_t n;
	size_t stop_at;
};

static bool item(void *userdata, struct str text)
{
	struct got *got = userdata;
	size_t n = strlen(got->items);

	snprintf(got->items + n, sizeof(got->items) - n, "%.*s|", STR_ARG(text));
	return ++got->n != got->stop_at;
}

/* Feeds `text` in pieces of `piece` bytes; the head goes to `head` when the list has ended. */
static int scan(const char *text, size_t piece, struct got *got, char *head, size_t size)
{
	struct str rest = str_from(text);
	struct list_scan scan;
	struct str found;
	int result = 0;

	list_scan_init(&scan, item, got);
	while (rest.n != 0 && result == 0) {
		struct str part = { .p = rest.p, .n = piece < rest.n ? piece : rest.n };

		result = list_scan_feed(&scan, part);
		rest = str_skip(rest, part.n);
	}
	snprintf(head, size, "-");
	if (result == 0 && list_scan_head(&scan, &found)) {
		snprintf(head, size, "%.*s", STR_ARG(found));
	}
	list_scan_deinit(&scan);
	return result;
}

static void expect(const char *text, const char *items, const char *head)
{
	char found[512];

	for (size_t piece = 1; piece < 9; piece++) {
		struct got got = { 0 };

		assert_int_equal(scan(text, piece, &got, found, sizeof(found)), 0);
		assert_string_equal(got.items, items);
		assert_string_equal(found, head);
	}
}

static void expect_result(const char *text, int expected)
{
	char head[512];

	for (size_t piece = 1; piece < 9; piece++) {
		struct got got = { 0 };

		assert_int_equal(scan(text, piece, &got, head, sizeof(head)), expected);
	}
}

static void items_are_handed_over_and_the_rest_is_the_head(void **state)
{
	expect("{\"kind\":\"L\",\"metadata\":{\"continue\":\"x\"},\"items\":[{\"a\":1},{\"b\":[{}]}"
	       "]}\n",
	       "{\"a\":1}|{\"b\":[{}]}|",
	       "{\"kind\":\"L\",\"metadata\":{\"continue\":\"x\"},\"items\":[]}");
	expect(" { \"items\" : [ {\"a\" : 1} , {} ] , \"metadata\" : { } } ", "{\"a\" : 1}|{}|",
	       "{ \"items\" : [] , \"metadata\" : { } }");
	expect("{\"items\":[]}", "", "{\"items\":[]}");
	expect("{\"items\":null,\"x\":[{}]}", "", "{\"items\":null,\"x\":[{}]}");
}

static void brackets_and_quotes_inside_strings_are_text(void **state)
{
	expect("{\"items\":[{\"a\":\"]}\\\"\\\\\"},{\"b\":\"{[,\"}]}",
	       "{\"a\":\"]}\\\"\\\\\"}|{\"b\":\"{[,\"}|", "{\"items\":[]}");
	expect("{\"a\":\"items\",\"b\":[{\"items\":[{}]}]}", "",
	       "{\"a\":\"items\",\"b\":[{\"items\":[{}]}]}");
}

static void what_is_no_list_of_objects_is_refused(void **state)
{
	expect_result("[]", LIST_SCAN_SYNTAX);
	expect_result("x", LIST_SCAN_SYNTAX);
	expect_result("}", LIST_SCAN_SYNTAX);
	expect_result("\"\"", LIST_SCAN_SYNTAX);
	expect_result("{\"items\":[1]}", LIST_SCAN_SYNTAX);
	expect_result("{\"items\":[\"a\"]}", LIST_SCAN_SYNTAX);
	expect_result("{\"items\":[[]]}", LIST_SCAN_SYNTAX);
	expect_result("{} {}", LIST_SCAN_SYNTAX);
}

static void a_list_that_broke_off_has_no_head(void **state)
{
	struct got got = { 0 };
	char head[64];

	assert_int_equal(scan("{\"items\":[{}", 4, &got, head, sizeof(head)), 0);
	assert_string_equal(head, "-");
	assert_string_equal(got.items, "{}|");
}

static void whoever_takes_items_may_stop(void **state)
{
	struct got got = { .stop_at = 2 };
	char head[64];

	assert_int_equal(scan("{\"items\":[{},{},{}]}", 64, &got, head, sizeof(head)),
			 LIST_SCAN_STOPPED);
	assert_int_equal(got.n, 2);
}

static void what_grows_too_large_is_given_up(void **state)
{
	_cleanup_free_ char *large = mem_alloc(LIMIT_OBJECT + 64);
	struct got got = { 0 };
	char head[64];

	memset(large, ' ', LIMIT_OBJECT + 63);
	memcpy(large, "{\"items\":[{", 11);
	assert_int_equal(scan(large, 4096, &got, head, sizeof(head)), LIST_SCAN_LIMIT);
	memset(large, ' ', LIMIT_REMOTE_HEAD + 63);
	large[LIMIT_REMOTE_HEAD + 63] = '\0';
	large[0] = '{';
	assert_int_equal(scan(large, 4096, &got, head, sizeof(head)), LIST_SCAN_LIMIT);
	assert_int_equal(got.n, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_handed_over_and_the_rest_is_the_head),
		cmocka_unit_test(brackets_and_quotes_inside_strings_are_text),
		cmocka_unit_test(what_is_no_list_of_objects_is_refused),
		cmocka_unit_test(a_list_that_broke_off_has_no_head),
		cmocka_unit_test(whoever_takes_items_may_stop),
		cmocka_unit_test(what_grows_too_large_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
