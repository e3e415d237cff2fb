/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"

static void a_buffer_never_grows_beyond_its_maximum(void **state)
{
	struct buffer buffer = BUFFER_INIT(10);

	buffer_append_text(&buffer, "12345");
	buffer_printf(&buffer, "%s", "67890");
	assert_false(buffer.overflowed);
	buffer_append_char(&buffer, 'x');
	assert_true(buffer.overflowed);
	buffer_append_text(&buffer, "");
	assert_string_equal(buffer_text(&buffer), "1234567890");
	buffer_consume(&buffer, 4);
	assert_string_equal(buffer_text(&buffer), "567890");
	buffer_deinit(&buffer);
}

static void text_is_cut_and_compared(void **state)
{
	struct str rest = STR("a/b/");
	uint64_t number = 7;

	assert_true(str_is(str_cut(&rest, '/'), "a"));
	assert_true(str_is(str_cut(&rest, '/'), "b"));
	assert_true(str_is(str_cut(&rest, '/'), ""));
	assert_null(rest.p);
	assert_true(str_cmp(STR("ns1"), STR("ns10")) < 0);
	assert_true(str_eq_nocase(STR("WeB-0"), STR("web-0")));
	assert_false(str_to_u64(STR("65536"), 65535, &number));
	assert_false(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &number));
	assert_false(str_to_u64(STR("-1"), 10, &number));
	assert_int_equal(number, 7);
	assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &number));
	assert_true(number == UINT64_MAX);
}

static void base64_reads_what_it_writes_and_nothing_else(void **state)
{
	static const char *const bad[] = { "Zg=", "Zg", "Z===", "Zg==Zg==", "Zm9v!A==", "=g==" };
	struct buffer text = BUFFER_INIT(100);
	struct buffer bytes = BUFFER_INIT(100);

	base64_encode(STR("f"), &text);
	base64_encode(STR("fo"), &text);
	base64_encode(STR("foo\xff"), &text);
	assert_string_equal(buffer_text(&text), "Zg==Zm8=Zm9v/w==");
	assert_true(base64_decode(STR("Zm9v\r\n/w==\n"), &bytes));
	assert_true(str_eq(buffer_str(&bytes), STR("foo\xff")));
	assert_true(base64_decode(STR(""), &bytes));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(base64_decode(str_from(bad[i]), &bytes));
		assert_int_equal(bytes.n, 4);
	}
	buffer_deinit(&text);
	buffer_deinit(&bytes);
}

static void a_map_walks_in_byte_order(void **state)
{
	struct map map = MAP_INIT(1000);
	char key[16];
	size_t n = 0;
	struct str last = STR_NONE;
	static int value;

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "%u", i * 7919 % 1000);
		assert_null(map_put(&map, str_from(key), &value));
	}
	map_for_each (entry, &map) {
		assert_true(n == 0 || str_cmp(last, entry->key) < 0);
		assert_ptr_equal(map_next(entry), map_after(&map, entry->key));
		last = entry->key;
		n++;
	}
	assert_int_equal(n, 1000);
	for (unsigned i = 0; i < 1000; i += 2) {
		snprintf(key, sizeof(key), "%u", i);
		assert_ptr_equal(map_remove(&map, str_from(key)), &value);
	}
	assert_int_equal(map.n, 500);
	assert_int_equal(map_count(&map, STR_NONE), 500);
	for (int i = 1; i < 100; i++) {
		char prefix[8];
		size_t below = 0;

		snprintf(prefix, sizeof(prefix), "%d", i);
		map_for_each (entry, &map) {
			below += str_starts(entry->key, str_from(prefix)) ? 1 : 0;
		}
		assert_int_equal(map_count(&map, str_from(prefix)), below);
	}
	assert_true(str_is(map_after(&map, STR("1"))->key, "101"));
	assert_true(str_is(map_from(&map, STR("2"))->key, "201"));
	map_deinit(&map, NULL);
}

static void timestamps_round_trip(void **state)
{
	char text[TIMESTAMP_TEXT];
	int64_t ns = 0;

	timestamp_format(1767037285, text);
	assert_string_equal(text, "2025-12-29T19:41:25Z");
	assert_int_equal(timestamp_parse("2025-12-29T14:41:25.859594-05:00", &ns), 0);
	assert_true(ns == INT64_C(1767037285859594000));
	timestamp_format_micro(ns, text);
	assert_string_equal(text, "2025-12-29T19:41:25.859594Z");
	assert_int_equal(timestamp_parse("2025-13-29T14:41:25Z", &ns), TIMESTAMP_INVALID);
	assert_int_equal(timestamp_parse("2025-12-29T14:41:25", &ns), TIMESTAMP_INVALID);
	assert_int_equal(timestamp_parse("yesterday", &ns), TIMESTAMP_INVALID);
	assert_int_equal(timestamp_parse("2025-02-30T00:00:00Z", &ns), TIMESTAMP_INVALID);
	assert_int_equal(timestamp_parse("2025-02- 1T-1:00:00Z", &ns), TIMESTAMP_INVALID);
	assert_int_equal(timestamp_parse("9999-12-31T23:59:59Z", &ns), TIMESTAMP_INVALID);
	assert_int_equal(timestamp_parse("2016-12-31T23:59:60Z", &ns), 0);
	assert_int_equal(timestamp_parse("1969-12-31T23:59:58.75Z", &ns), 0);
	timestamp_format_micro(ns, text);
	assert_string_equal(text, "1969-12-31T23:59:58.750000Z");
}

static void durations_have_units_and_a_maximum(void **state)
{
	static const char *const bad[] = { "", "5", "m", "-1s", "1.5s", "1s ", "5x", "1m30" };
	uint64_t ns = 7;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(duration_parse(str_from(bad[i]), UINT64_MAX, &ns),
				 DURATION_INVALID);
	}
	assert_int_equal(ns, 7);
	assert_int_equal(duration_parse(STR("1m30s250ms"), UINT64_MAX, &ns), 0);
	assert_int_equal(ns, 90250 * NS_PER_MS);
	assert_int_equal(duration_parse(STR("0"), 0, &ns), 0);
	assert_int_equal(ns, 0);
	assert_int_equal(duration_parse(STR("1h"), 3600 * NS_PER_S, &ns), 0);
	assert_int_equal(ns, 3600 * NS_PER_S);
	assert_int_equal(duration_parse(STR("1h1ms"), 3600 * NS_PER_S, &ns), DURATION_INVALID);
	assert_int_equal(duration_parse(STR("99999999999999999999s"), UINT64_MAX, &ns),
			 DURATION_INVALID);
}

static void arenas_and_lists_hold_what_they_are_given(void **state)
{
	struct element {
		struct list link;
		int number;
	};
	struct arena arena;
	struct list list;
	int sum = 0;

	arena_init(&arena, 1 << 20);
	list_init(&list);
	for (int i = 0; i < 1000; i++) {
		struct element *element = arena_alloc(&arena, sizeof(*element));

		element->number = i;
		list_append(&list, &element->link);
	}
	list_for_each (element, &list, struct element, link) {
		sum += element->number;
		list_unlink(&element->link);
	}
	assert_int_equal(sum, 499500);
	assert_true(list_is_empty(&list));
	assert_string_equal(arena_str(&arena, STR("kept")).p, "kept");
	arena_deinit(&arena);
}

static void what_a_simulator_draws_follows_from_its_seed(void **state)
{
	char first[RANDOM_UUID_TEXT];
	char second[RANDOM_UUID_TEXT];

	random_fix(7);
	random_uuid(first);
	random_uuid(second);
	assert_string_not_equal(first, second);
	random_fix(7);
	random_uuid(second);
	assert_string_equal(first, second);
}

static void random_choices_stay_in_range(void **state)
{
	struct random_state random;
	char uuid[RANDOM_UUID_TEXT];
	unsigned hits[3] = { 0 };

	random_state_seed(&random, 1);
	for (int i = 0; i < 3000; i++) {
		hits[random_below(&random, 3)]++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(hits); i++) {
		assert_in_range(hits[i], 900, 1100);
	}
	random_uuid(uuid);
	assert_int_equal(uuid[14], '4');
	assert_int_equal(strlen(uuid), 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_never_grows_beyond_its_maximum),
		cmocka_unit_test(text_is_cut_and_compared),
		cmocka_unit_test(base64_reads_what_it_writes_and_nothing_else),
		cmocka_unit_test(a_map_walks_in_byte_order),
		cmocka_unit_test(timestamps_round_trip),
		cmocka_unit_test(durations_have_units_and_a_maximum),
		cmocka_unit_test(arenas_and_lists_hold_what_they_are_given),
		cmocka_unit_test(random_choices_stay_in_range),
		/* Last: it stays fixed. */
		cmocka_unit_test(what_a_simulator_draws_follows_from_its_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
