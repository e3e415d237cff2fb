/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The event loop of one thread (libevent underneath): timers, descriptors, signals, deferred calls.
 * Callbacks run on the thread that runs the loop; none may block.
 */

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct loop;
struct loop_timer;
struct loop_watch;
struct mailbox;

enum {
	LOOP_READ = 1 << 0,
	LOOP_WRITE = 1 << 1,
	LOOP_CLOSED = 1 << 2, /* the other end has closed its side of a connection */
};

/* Returns 0 or a negative errno. */
int loop_new(struct loop **ret);
struct loop *loop_free(struct loop *loop); /* NULL is fine; returns NULL */

/* Runs until loop_stop(). Returns 0, or a negative errno when waiting failed. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Runs what is due without waiting; for tests and for draining at the end. */
void loop_run_once(struct loop *loop);

/* A one-shot timer, created disarmed. */
struct loop_timer *loop_timer_new(struct loop *loop, void (*fired)(void *userdata), void *userdata);
struct loop_timer *loop_timer_free(struct loop_timer *timer);
/* Fires once, `ns` nanoseconds from now; replaces an earlier setting. */
void loop_timer_set(struct loop_timer *timer, uint64_t ns);
void loop_timer_stop(struct loop_timer *timer);

/*
 * Calls `ready(userdata, events)` while `fd` is what `events` ask for (level-triggered). The
 * descriptor stays the caller's and outlives the watch.
 */
int loop_watch_new(struct loop *loop, int fd, unsigned events,
		   void (*ready)(void *userdata, unsigned events), void *userdata,
		   struct loop_watch **ret);
struct loop_watch *loop_watch_free(struct loop_watch *watch);
void loop_watch_set(struct loop_watch *watch, unsigned events);

/* Calls `caught(userdata, signal)` on the loop for a process signal. */
int loop_signal(struct loop *loop, int signal, void (*caught)(void *userdata, int signal),
		void *userdata);

/*
 * Calls `run(userdata)` once, after the callback that is running now has returned. Cannot be taken
 * back: the caller keeps `userdata` alive until then.
 */
void loop_defer(struct loop *loop, void (*run)(void *userdata), void *userdata);

/* The base, for libraries that plug into libevent (libunbound, libcurl). */
struct event_base *loop_base(struct loop *loop);
