/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Time as an input. Code that decides takes a `struct clock`, so that tests and the simulator can
 * turn it by hand; only the shell hands in clock_system.
 */

#include <stdint.h>

#include "base/str.h"

struct clock {
	/* Nanoseconds since some fixed point, never backwards. */
	uint64_t (*monotonic)(const struct clock *clock);
	/* Nanoseconds since 1970-01-01 UTC. */
	int64_t (*wall)(const struct clock *clock);
};

extern const struct clock clock_system;

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

static inline uint64_t clock_monotonic(const struct clock *clock)
{
	return clock->monotonic(clock);
}

static inline int64_t clock_wall(const struct clock *clock)
{
	return clock->wall(clock);
}

static inline int64_t clock_wall_seconds(const struct clock *clock)
{
	return clock->wall(clock) / (int64_t)NS_PER_S;
}

/* A clock for tests: embeds first, so a pointer to it is a `struct clock`. */
struct clock_manual {
	struct clock clock;
	uint64_t now; /* both answers, ns */
};

void clock_manual_init(struct clock_manual *manual, uint64_t now);

enum {
	TIMESTAMP_TEXT = 28, /* bytes that hold either form and its NUL */
};

/* "2006-01-02T15:04:05Z" of Unix seconds. */
void timestamp_format(int64_t seconds, char ret_text[TIMESTAMP_TEXT]);

/* "2006-01-02T15:04:05.000000Z" of nanoseconds since 1970. */
void timestamp_format_micro(int64_t nanoseconds, char ret_text[TIMESTAMP_TEXT]);

/*
 * Reads RFC 3339 with any offset and fraction into nanoseconds since 1970. Returns 0, or
 * TIMESTAMP_INVALID with *ret untouched (also outside the years 1678 to 2261, which 64 bits hold).
 */
enum { TIMESTAMP_INVALID = 1 };
int timestamp_parse(const char *text, int64_t *ret_nanoseconds);

/*
 * Reads all of `text` as a duration like "90s", "1m30s", "250ms" or "0", at most `max` nanoseconds.
 * Returns 0, or DURATION_INVALID with *ret untouched.
 */
enum { DURATION_INVALID = 1 };
int duration_parse(struct str text, uint64_t max, uint64_t *ret_nanoseconds);
