/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The runner's parts, for its two files: runner.c keeps the queue and the states of keys, execute.c
 * turns a plan into requests and knows what the cache has to see before the key may come back.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"
#include "client/client.h"
#include "client/events.h"
#include "client/plan_intern.h"
#include "client/runner.h"
#include "loop/loop.h"

enum item_state {
	ITEM_IDLE, /* nothing to do, or only at `due` */
	ITEM_QUEUED, /* waits for its turn */
	ITEM_RUNNING, /* its plan is being executed */
	ITEM_SETTLING, /* its plan is done; the cache has not seen all of it */
	ITEM_BACKOFF, /* its plan failed; comes back at `due` */
};

/* A controller that was added. */
struct slot {
	struct list link;
	struct runner *runner;
	const struct controller *controller;
	const void *settings;
	struct map items; /* key -> struct item */
	struct hook *hooks; /* one a kind that it listens to */
	size_t n_hooks;
};

/* One key of one controller, while there is something to remember about it. */
struct item {
	struct list link; /* in runner->ready (QUEUED) or runner->busy (RUNNING, SETTLING) */
	struct slot *slot;
	struct str key; /* the map's copy */
	enum item_state state;
	bool dirty; /* something changed since its plan was made */
	bool failed; /* its last plan */
	bool pumping; /* execute_pump() is on the stack */
	unsigned failures; /* in a row */
	char *failure; /* why its last plan stopped; NULL: it did not */
	uint64_t due; /* 0: not in runner->due */
	uint64_t requeue; /* asked for by its last plan; 0: no */
	struct change *changes; /* since its plan was made; the objects are referenced */
	size_t n_changes;
	bool unknown; /* there is more to look at than these */
	struct plan *plan; /* RUNNING */
	size_t next; /* action to send next */
	size_t in_flight;
	struct list waits; /* what the cache has to see first */
};

struct runner {
	struct loop *loop;
	struct client *client;
	struct cache *cache;
	const struct clock *clock;
	struct event_recorder *events;
	struct random_state random;
	struct list slots;
	struct list ready;
	struct list busy;
	struct list requests; /* under way */
	struct map due; /* time and address -> struct item */
	struct loop_timer *wake; /* armed: ready is to be worked off */
	struct loop_timer *timer; /* for `due` */
	size_t n_items;
	size_t n_busy;
	size_t n_backoff;
	bool started;
};

/* ---- execute.c ---- */

/* Sends what may be sent of item->plan; runner_finished() when all of it is answered. */
void execute_pump(struct item *item);

/* Drops the waits that the cache satisfies; true when none is left. */
bool execute_settle(struct item *item);

/* Whether some wait needs the server to be asked, and asking. */
bool execute_in_doubt(const struct item *item);
void execute_probe(struct item *item);

void execute_drop_waits(struct item *item);
/* The runner is going away: answers that are still to come are ignored. */
void execute_abandon(struct runner *runner);

/* ---- runner.c ---- */

void runner_finished(struct item *item);
void runner_settle(struct item *item);
