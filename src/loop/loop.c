/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/loop.h"

#include <errno.h>
#include <event2/event.h>

#include "base/error.h"
#include "base/list.h"
#include "base/mem.h"

struct loop_signal_handler {
	struct list link;
	struct event *event;
	void (*caught)(void *userdata, int signal);
	void *userdata;
};

struct loop {
	struct event_base *base;
	struct list signals;
};

struct loop_timer {
	struct event *event;
	void (*fired)(void *userdata);
	void *userdata;
};

struct loop_watch {
	struct loop *loop;
	struct event *event;
	int fd;
	void (*ready)(void *userdata, unsigned events);
	void *userdata;
};

int loop_new(struct loop **ret)
{
	struct event_config *config = event_config_new();
	struct event_base *base;
	struct loop *loop;

	/* One thread a loop: no locks inside libevent, and timers to the nanosecond clock. */
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (base == NULL) {
		return error_origin(-EMFILE);
	}
	loop = MEM_NEW(struct loop);
	loop->base = base;
	list_init(&loop->signals);
	*ret = loop;
	return 0;
}

struct loop *loop_free(struct loop *loop)
{
	if (loop == NULL) {
		return NULL;
	}
	list_for_each (handler, &loop->signals, struct loop_signal_handler, link) {
		list_unlink(&handler->link);
		event_free(handler->event);
		mem_free(handler);
	}
	event_base_free(loop->base);
	return mem_free(loop);
}

int loop_run(struct loop *loop)
{
	return event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0 ? error_origin(-EIO) : 0;
}

void loop_stop(struct loop *loop)
{
	event_base_loopbreak(loop->base);
}

void loop_run_once(struct loop *loop)
{
	/* One round: a timer that is set again and again must not hold us here. */
	event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static struct timeval to_timeval(uint64_t ns)
{
	return (struct timeval){
		.tv_sec = (time_t)(ns / 1000000000),
		/* Rounded up: a timer never fires early. */
		.tv_usec = (suseconds_t)((ns % 1000000000 + 999) / 1000 % 1000000),
	};
}

static void timer_fired(evutil_socket_t fd, short events, void *userdata)
{
	struct loop_timer *timer = userdata;

	timer->fired(timer->userdata);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*fired)(void *userdata), void *userdata)
{
	struct loop_timer *timer = MEM_NEW(struct loop_timer);

	timer->fired = fired;
	timer->userdata = userdata;
	timer->event = event_new(loop->base, -1, 0, timer_fired, timer);
	return timer;
}

struct loop_timer *loop_timer_free(struct loop_timer *timer)
{
	if (timer != NULL) {
		event_free(timer->event);
		mem_free(timer);
	}
	return NULL;
}

void loop_timer_set(struct loop_timer *timer, uint64_t ns)
{
	struct timeval delay = to_timeval(ns);

	event_add(timer->event, &delay);
}

void loop_timer_stop(struct loop_timer *timer)
{
	event_del(timer->event);
}

static void watch_ready(evutil_socket_t fd, short events, void *userdata)
{
	struct loop_watch *watch = userdata;
	unsigned seen = 0;

	seen |= (events & EV_READ) != 0 ? (unsigned)LOOP_READ : 0;
	seen |= (events & EV_WRITE) != 0 ? (unsigned)LOOP_WRITE : 0;
	seen |= (events & EV_CLOSED) != 0 ? (unsigned)LOOP_CLOSED : 0;
	watch->ready(watch->userdata, seen);
}

static short to_event_flags(unsigned events)
{
	int flags = EV_PERSIST;

	flags |= (events & LOOP_READ) != 0 ? EV_READ : 0;
	flags |= (events & LOOP_WRITE) != 0 ? EV_WRITE : 0;
	flags |= (events & LOOP_CLOSED) != 0 ? EV_CLOSED : 0;
	return (short)flags;
}

int loop_watch_new(struct loop *loop, int fd, unsigned events,
		   void (*ready)(void *userdata, unsigned events), void *userdata,
		   struct loop_watch **ret)
{
	struct loop_watch *watch = MEM_NEW(struct loop_watch);

	watch->loop = loop;
	watch->fd = fd;
	watch->ready = ready;
	watch->userdata = userdata;
	watch->event = event_new(loop->base, fd, to_event_flags(events), watch_ready, watch);
	if (events != 0 && event_add(watch->event, NULL) < 0) {
		int error = errno != 0 ? errno : EBADF;

		event_free(watch->event);
		mem_free(watch);
		return error_origin(-error);
	}
	*ret = watch;
	return 0;
}

struct loop_watch *loop_watch_free(struct loop_watch *watch)
{
	if (watch != NULL) {
		event_free(watch->event);
		mem_free(watch);
	}
	return NULL;
}

void loop_watch_set(struct loop_watch *watch, unsigned events)
{
	event_del(watch->event);
	event_assign(watch->event, watch->loop->base, watch->fd, to_event_flags(events),
		     watch_ready, watch);
	if (events != 0) {
		event_add(watch->event, NULL);
	}
}

static void signal_caught(evutil_socket_t signal, short events, void *userdata)
{
	struct loop_signal_handler *handler = userdata;

	handler->caught(handler->userdata, (int)signal);
}

int loop_signal(struct loop *loop, int signal, void (*caught)(void *userdata, int signal),
		void *userdata)
{
	struct loop_signal_handler *handler = MEM_NEW(struct loop_signal_handler);

	handler->caught = caught;
	handler->userdata = userdata;
	handler->event = evsignal_new(loop->base, signal, signal_caught, handler);
	list_init(&handler->link);
	list_append(&loop->signals, &handler->link);
	return event_add(handler->event, NULL) < 0 ? error_origin(-EINVAL) : 0;
}

struct deferred {
	void (*run)(void *userdata);
	void *userdata;
};

static void run_deferred(evutil_socket_t fd, short events, void *userdata)
{
	struct deferred deferred = *(struct deferred *)userdata;

	mem_free(userdata);
	deferred.run(deferred.userdata);
}

void loop_defer(struct loop *loop, void (*run)(void *userdata), void *userdata)
{
	static const struct timeval at_once = { 0 };
	struct deferred *deferred = MEM_NEW(struct deferred);

	deferred->run = run;
	deferred->userdata = userdata;
	event_base_once(loop->base, -1, EV_TIMEOUT, run_deferred, deferred, &at_once);
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}
