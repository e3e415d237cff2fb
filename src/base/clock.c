/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
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
	time_t time = (time_t)(nanoseconds / (int64_t)NS_PER_S);
	unsigned micros = (unsigned)(nanoseconds % (int64_t)NS_PER_S / 1000) % 1000000;
	struct tm tm;
	size_t n;

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

int timestamp_parse(const char *text, int64_t *ret_nanoseconds)
{
	struct tm tm = { 0 };
	int64_t fraction = 0;
	int64_t offset;
	int end = 0;

	if (sscanf(text, "%4d-%2d-%2d%*1[Tt]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
	    end == 0) {
		return TIMESTAMP_INVALID;
	}
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60) {
		return TIMESTAMP_INVALID;
	}
	text += end;
	if (*text == '.') {
		text++;
		fraction = parse_fraction(&text);
	}
	if (!parse_offset(text, &offset)) {
		return TIMESTAMP_INVALID;
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret_nanoseconds = ((int64_t)timegm(&tm) - offset) * (int64_t)NS_PER_S + fraction;
	return 0;
}
