/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set alarms are an ordered map from time and place to the alarm; the loop's timer stands at
 * the first. An alarm is taken out before it rings, so it may be set again, and whatever it belongs
 * to may be freed, while it rings.
 */
#include "node/timetable.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "loop/loop.h"

struct timetable {
	const struct clock *clock;
	struct loop_timer *timer;
	struct map alarms;
	uint64_t armed_for; /* 0: the timer does not run */
};

enum { KEY = sizeof(uint64_t) + sizeof(uintptr_t) };

static struct str key_of(const struct alarm *alarm, char text[KEY])
{
	uintptr_t place = (uintptr_t)alarm;

	/* Most significant first: byte order is the order of time. */
	for (size_t i = 0; i < sizeof(alarm->at); i++) {
		text[i] = (char)(alarm->at >> (8 * (sizeof(alarm->at) - 1 - i)));
	}
	memcpy(text + sizeof(alarm->at), &place, sizeof(place));
	return (struct str){ .p = text, .n = KEY };
}

static void arm(struct timetable *timetable)
{
	uint64_t next = timetable_next_due(timetable);
	uint64_t now = timetable_now(timetable);

	if (next == UINT64_MAX) {
		loop_timer_stop(timetable->timer);
		timetable->armed_for = 0;
	} else if (next != timetable->armed_for) {
		loop_timer_set(timetable->timer, next > now ? next - now : 0);
		timetable->armed_for = next;
	}
}

static void fired(void *userdata)
{
	struct timetable *timetable = userdata;

	timetable->armed_for = 0;
	timetable_run_due(timetable);
	arm(timetable);
}

struct timetable *timetable_new(struct loop *loop, const struct clock *clock)
{
	struct timetable *timetable = MEM_NEW(struct timetable);

	timetable->clock = clock;
	timetable->timer = loop_timer_new(loop, fired, timetable);
	map_init(&timetable->alarms, LIMIT_ALARMS);
	return timetable;
}

struct timetable *timetable_free(struct timetable *timetable)
{
	if (timetable == NULL) {
		return NULL;
	}
	loop_timer_free(timetable->timer);
	map_deinit(&timetable->alarms, NULL);
	return mem_free(timetable);
}

void alarm_init(struct alarm *alarm, struct timetable *timetable, void (*rings)(void *userdata),
		void *userdata)
{
	*alarm = (struct alarm){ .timetable = timetable, .rings = rings, .userdata = userdata };
}

static void take_out(struct alarm *alarm)
{
	char text[KEY];

	if (alarm->at != 0) {
		map_remove(&alarm->timetable->alarms, key_of(alarm, text));
		alarm->at = 0;
	}
}

void alarm_set(struct alarm *alarm, uint64_t ns)
{
	uint64_t now = timetable_now(alarm->timetable);
	char text[KEY];

	take_out(alarm);
	alarm->at = ns < UINT64_MAX - 1 - now ? now + ns : UINT64_MAX - 1;
	map_put(&alarm->timetable->alarms, key_of(alarm, text), alarm);
	arm(alarm->timetable);
}

void alarm_set_sooner(struct alarm *alarm, uint64_t ns)
{
	uint64_t now = timetable_now(alarm->timetable);

	if (alarm->at == 0 || (ns < alarm->at && now < alarm->at - ns)) {
		alarm_set(alarm, ns);
	}
}

void alarm_stop(struct alarm *alarm)
{
	if (alarm->at != 0) {
		take_out(alarm);
		arm(alarm->timetable);
	}
}

uint64_t timetable_now(const struct timetable *timetable)
{
	return clock_monotonic(timetable->clock);
}

bool timetable_run_due(struct timetable *timetable)
{
	uint64_t now = timetable_now(timetable);
	bool any = false;

	while (timetable_next_due(timetable) <= now) {
		struct alarm *alarm = map_first(&timetable->alarms)->value;

		take_out(alarm);
		any = true;
		alarm->rings(alarm->userdata);
	}
	return any;
}

uint64_t timetable_next_due(const struct timetable *timetable)
{
	const struct map_entry *first = map_first(&timetable->alarms);

	return first != NULL ? ((const struct alarm *)first->value)->at : UINT64_MAX;
}
