/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "object/age.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, YEAR = 365 * 86400 };

static void assert_age(int64_t seconds, const char *expected)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(64);

	age_write(seconds, &text);
	assert_string_equal(buffer_text(&text), expected);
}

static void ages_read_as_kubectl_prints_them(void **state)
{
	assert_age(0, "0s");
	assert_age(119, "119s");
	assert_age(120, "2m");
	assert_age(5 * MINUTE + 30, "5m30s");
	assert_age(10 * MINUTE + 30, "10m");
	assert_age(179 * MINUTE, "179m");
	assert_age(3 * HOUR, "3h");
	assert_age(7 * HOUR + 5 * MINUTE, "7h5m");
	assert_age(8 * HOUR + 5 * MINUTE, "8h");
	assert_age(47 * HOUR, "47h");
	assert_age(48 * HOUR, "2d");
	assert_age(3 * DAY + 4 * HOUR, "3d4h");
	assert_age(8 * DAY + 4 * HOUR, "8d");
	assert_age(2 * (int64_t)YEAR - 1, "729d");
	assert_age(2 * (int64_t)YEAR + 45 * DAY, "2y45d");
	assert_age(8 * (int64_t)YEAR + 45 * DAY, "8y");
}

static void a_clock_slightly_ahead_is_forgiven(void **state)
{
	assert_age(-1, "0s");
	assert_age(-2, "<invalid>");
}

static void an_age_since_no_time_is_unknown(void **state)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(64);

	age_write_since("", 0, &text);
	assert_string_equal(buffer_text(&text), "<unknown>");
	buffer_clear(&text);
	age_write_since("2024-01-01T00:00:00Z", 1704067200 + 65, &text);
	assert_string_equal(buffer_text(&text), "65s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ages_read_as_kubectl_prints_them),
		cmocka_unit_test(a_clock_slightly_ahead_is_forgiven),
		cmocka_unit_test(an_age_since_no_time_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
