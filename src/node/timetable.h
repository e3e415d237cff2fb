/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Alarms by a clock, on one timer of the loop: so that what waits for time can be tested with a
 * clock that is turned by hand. Loop's thread.
 */

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct loop;
struct timetable;

/* Embedded by whoever waits. */
struct alarm {
	struct timetable *timetable;
	void (*rings)(void *userdata);
	void *userdata;
	uint64_t at; /* 0: it is not set */
};

/* Both arguments are borrowed and outlive it. */
struct timetable *timetable_new(struct loop *loop, const struct clock *clock);

/* No alarm may be set any more. NULL is fine; returns NULL. */
struct timetable *timetable_free(struct timetable *timetable);

void alarm_init(struct alarm *alarm, struct timetable *timetable, void (*rings)(void *userdata),
		void *userdata);

/* Rings once, `ns` from now (0: as soon as the callback that runs now has returned). */
void alarm_set(struct alarm *alarm, uint64_t ns);

/* The same, unless it is set for an earlier time. */
void alarm_set_sooner(struct alarm *alarm, uint64_t ns);
void alarm_stop(struct alarm *alarm);

static inline bool alarm_is_set(const struct alarm *alarm)
{
	return alarm->at != 0;
}

/* The clock's monotonic time. */
uint64_t timetable_now(const struct timetable *timetable);

/*
 * For tests with a clock of their own; the loop's timer does it by itself. Rings what is due; true
 * when something was.
 */
bool timetable_run_due(struct timetable *timetable);

/* When the next alarm is due; UINT64_MAX: none is set. */
uint64_t timetable_next_due(const struct timetable *timetable);
