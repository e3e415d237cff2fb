/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * (int64_t)NS_PER_S + now.tv_nsec;
}

static uint64_t system_monotonic(const struct clock *clock)
{
	(void)clock;
	return (uint64_t)read_clock(CLOCK_MONOTONIC);
}

static int64_t system_wall(const struct clock *clock)
{
	(void)clock;
	return read_clock(CLOCK_REALTIME);
}

const struct clock clock_system = { .monotonic = system_monotonic, .wall = system_wall };

static uint64_t manual_monotonic(const struct clock *clock)
{
	return ((const struct clock_manual *)clock)->now;
}

static int64_t manual_wall(const struct clock *clock)
{
	return (int64_t)((const struct clock_manual *)clock)->now;
}

void clock_manual_init(struct clock_manual *manual, uint64_t now)
{
	*manual = (struct clock_manual){
		.clock = { .monotonic = manual_monotonic, .wall = manual_wall },
		.now = now,
	};
}

void timestamp_format(int64_t seconds, char ret_text[TIMESTAMP_TEXT])
{
	time_t time = (time_t)seconds;
	struct tm tm;

	gmtime_r(&time, &tm);
	strftime(ret_text, TIMESTAMP_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void timestamp_format_micro(int64_t nanoseconds, char ret_text[TIMESTAMP_TEXT])
{
	int64_t rest = nanoseconds % (int64_t)NS_PER_S;
	time_t time = (time_t)(nanoseconds / (int64_t)NS_PER_S);
	unsigned micros;
	struct tm tm;
	size_t n;

	if (rest < 0) { /* before 1970: count forward from the second before */
		rest += (int64_t)NS_PER_S;
		time--;
	}
	micros = (unsigned)(rest / 1000);
	gmtime_r(&time, &tm);
	n = strftime(ret_text, TIMESTAMP_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret_text + n, TIMESTAMP_TEXT - n, ".%06uZ", micros);
}

static int64_t parse_fraction(const char **text)
{
	int64_t nanoseconds = 0;
	int64_t unit = (int64_t)NS_PER_S / 10;

	for (; isdigit((unsigned char)**text); (*text)++) {
		nanoseconds += (**text - '0') * unit;
		unit /= 10;
	}
	return nanoseconds;
}

/* "Z", "+02:00", "-0700" is not RFC 3339. Returns false when it is none. */
static bool parse_offset(const char *text, int64_t *ret_seconds)
{
	unsigned hours;
	unsigned minutes;
	char sign;
	int end = 0;

	if ((text[0] == 'Z' || text[0] == 'z') && text[1] == '\0') {
		*ret_seconds = 0;
		return true;
	}
	if (sscanf(text, "%c%2u:%2u%n", &sign, &hours, &minutes, &end) != 3 || text[end] != '\0' ||
	    (sign != '+' && sign != '-') || hours > 23 || minutes > 59) {
		return false;
	}
	*ret_seconds = (int64_t)(hours * 3600 + minutes * 60) * (sign == '+' ? 1 : -1);
	return true;
}

/* sscanf() alone would take blanks and signs for digits. */
static bool has_shape(const char *text, const char *shape)
{
	for (; *shape != '\0'; text++, shape++) {
		if (*shape == 'd' ? !isdigit((unsigned char)*text)
				  : toupper((unsigned char)*text) != *shape) {
			return false;
		}
	}
	return true;
}

/* As written, before timegm() makes the best of it; a leap second is 23:59:60. */
static bool is_in_range(const struct tm *tm)
{
	return tm->tm_mon >= 1 && tm->tm_mon <= 12 && tm->tm_mday >= 1 && tm->tm_mday <= 31 &&
	       tm->tm_hour <= 23 && tm->tm_min <= 59 && tm->tm_sec <= 60;
}

int timestamp_parse(const char *text, int64_t *ret_nanoseconds)
{
	struct tm tm = { 0 };
	int64_t fraction = 0;
	int64_t offset;
	int64_t seconds;
	int64_t nanoseconds;
	bool is_leap_second;
	int day;

	if (!has_shape(text, "dddd-dd-ddTdd:dd:dd") ||
	    sscanf(text, "%4d-%2d-%2d%*1[Tt]%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6 ||
	    !is_in_range(&tm)) {
		return TIMESTAMP_INVALID;
	}
	text += strlen("dddd-dd-ddTdd:dd:dd");
	if (*text == '.') {
		text++;
		fraction = parse_fraction(&text);
	}
	if (!parse_offset(text, &offset)) {
		return TIMESTAMP_INVALID;
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	day = tm.tm_mday;
	is_leap_second = tm.tm_sec == 60;
	seconds = (int64_t)timegm(&tm) - offset;
	/* timegm() makes March 2 of February 30; and 64 bits end in the year 2262. */
	if (tm.tm_mday != day && !is_leap_second) {
		return TIMESTAMP_INVALID;
	}
	if (__builtin_mul_overflow(seconds, (int64_t)NS_PER_S, &nanoseconds) ||
	    __builtin_add_overflow(nanoseconds, fraction, &nanoseconds)) {
		return TIMESTAMP_INVALID;
	}
	*ret_nanoseconds = nanoseconds;
	return 0;
}

/* "ms" before "m": the longer unit is tried first. */
static uint64_t take_unit(struct str *rest)
{
	static const struct {
		struct str name;
		uint64_t ns;
	} units[] = {
		{ { "ms", 2 }, NS_PER_MS },
		{ { "s", 1 }, NS_PER_S },
		{ { "m", 1 }, 60 * NS_PER_S },
		{ { "h", 1 }, 3600 * NS_PER_S },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (str_starts(*rest, units[i].name)) {
			*rest = str_skip(*rest, units[i].name.n);
			return units[i].ns;
		}
	}
	return 0;
}

int duration_parse(struct str text, uint64_t max, uint64_t *ret_nanoseconds)
{
	struct str rest = text;
	uint64_t sum = 0;

	if (str_is(text, "0")) {
		*ret_nanoseconds = 0;
		return 0;
	}
	do {
		struct str digits = { .p = rest.p, .n = 0 };
		uint64_t number;
		uint64_t unit;

		while (digits.n < rest.n && isdigit((unsigned char)rest.p[digits.n])) {
			digits.n++;
		}
		rest = str_skip(rest, digits.n);
		unit = take_unit(&rest);
		if (unit == 0 || !str_to_u64(digits, (max - sum) / unit, &number)) {
			return DURATION_INVALID;
		}
		sum += number * unit;
	} while (rest.n != 0);
	*ret_nanoseconds = sum;
	return 0;
}
