/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
	struct loop *loop;
	int timers;
	int deferred;
	unsigned events;
};

static void on_timer(void *userdata)
{
	struct seen *seen = userdata;

	seen->timers++;
	loop_stop(seen->loop);
}

static void on_deferred(void *userdata)
{
	struct seen *seen = userdata;

	seen->deferred++;
}

static void on_ready(void *userdata, unsigned events)
{
	struct seen *seen = userdata;
	char byte;

	seen->events |= events;
	assert_int_equal(read(0, &byte, 0), 0);
	loop_stop(seen->loop);
}

static void timers_and_deferred_calls_run_once(void **state)
{
	struct seen seen = { 0 };
	struct loop_timer *timer;

	assert_int_equal(loop_new(&seen.loop), 0);
	timer = loop_timer_new(seen.loop, on_timer, &seen);
	loop_defer(seen.loop, on_deferred, &seen);
	loop_timer_set(timer, 1000);
	assert_int_equal(loop_run(seen.loop), 0);
	loop_run_once(seen.loop);
	assert_int_equal(seen.timers, 1);
	assert_int_equal(seen.deferred, 1);
	loop_timer_free(timer);
	loop_free(seen.loop);
}

static void set_again(void *userdata)
{
	struct loop_timer **timer = userdata;

	loop_timer_set(*timer, 0);
}

static void running_once_comes_back_from_a_timer_that_is_set_again_and_again(void **state)
{
	struct loop_timer *timer;
	struct loop *loop;

	assert_int_equal(loop_new(&loop), 0);
	timer = loop_timer_new(loop, set_again, &timer);
	loop_timer_set(timer, 0);
	loop_run_once(loop);
	loop_run_once(loop);
	loop_timer_free(timer);
	loop_free(loop);
}

static void a_readable_descriptor_is_reported(void **state)
{
	struct seen seen = { 0 };
	struct loop_watch *watch;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(loop_new(&seen.loop), 0);
	assert_int_equal(loop_watch_new(seen.loop, ends[0], LOOP_READ, on_ready, &seen, &watch), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(loop_run(seen.loop), 0);
	assert_int_equal(seen.events, LOOP_READ);
	loop_watch_free(watch);
	loop_free(seen.loop);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_and_deferred_calls_run_once),
		cmocka_unit_test(running_once_comes_back_from_a_timer_that_is_set_again_and_again),
		cmocka_unit_test(a_readable_descriptor_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
