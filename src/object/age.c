/* SPDX-License-Identifier: Apache-2.0 */
#include "object/age.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/mem.h"

/*
 * The spans are a table: up to a length, so many of a large unit, and (where it still matters) the
 * rest in a small one, left out when it is zero. Nothing is rounded up: an age never lies ahead.
 */

enum {
	MINUTE = 60,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	YEAR = 365 * DAY,
};

struct span {
	int64_t below; /* seconds */
	int64_t unit;
	int64_t rest_unit; /* 0: no rest */
	char letter;
	char rest_letter;
};

static const struct span spans[] = {
	{ .below = 2 * MINUTE, .unit = 1, .letter = 's' },
	{ .below = 10 * MINUTE, .unit = MINUTE, .letter = 'm', .rest_unit = 1, .rest_letter = 's' },
	{ .below = 3 * HOUR, .unit = MINUTE, .letter = 'm' },
	{ .below = 8 * HOUR, .unit = HOUR, .letter = 'h', .rest_unit = MINUTE, .rest_letter = 'm' },
	{ .below = 2 * DAY, .unit = HOUR, .letter = 'h' },
	{ .below = 8 * DAY, .unit = DAY, .letter = 'd', .rest_unit = HOUR, .rest_letter = 'h' },
	{ .below = 2 * (int64_t)YEAR, .unit = DAY, .letter = 'd' },
	{ .below = 8 * (int64_t)YEAR,
	  .unit = YEAR,
	  .letter = 'y',
	  .rest_unit = DAY,
	  .rest_letter = 'd' },
	{ .below = INT64_MAX, .unit = YEAR, .letter = 'y' },
};

void age_write(int64_t seconds, struct buffer *out)
{
	if (seconds < -1) {
		buffer_append_text(out, "<invalid>");
		return;
	}
	if (seconds < 0) { /* clocks of two machines are never quite the same */
		seconds = 0;
	}
	const struct span *span = spans;

	while (seconds >= span->below && span < &spans[ARRAY_SIZE(spans) - 1]) {
		span++;
	}
	int64_t rest = span->rest_unit != 0 ? seconds % span->unit / span->rest_unit : 0;

	buffer_printf(out, "%" PRId64 "%c", seconds / span->unit, span->letter);
	if (rest != 0) {
		buffer_printf(out, "%" PRId64 "%c", rest, span->rest_letter);
	}
}

void age_write_since(const char *timestamp, int64_t now, struct buffer *out)
{
	int64_t then;

	if (timestamp == NULL || timestamp[0] == '\0' || timestamp_parse(timestamp, &then) != 0) {
		buffer_append_text(out, "<unknown>");
		return;
	}
	age_write(now - then / (int64_t)NS_PER_S, out);
}
