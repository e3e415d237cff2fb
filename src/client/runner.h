/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Runs controllers: turns changes in the cache into keys, keys into plans, plans into requests.
 * Keys wait in a queue without duplicates; a failed plan comes back with exponential back-off (5 ms
 * to 60 s, jittered). Control thread only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/reconcile.h"

struct cache;
struct client;
struct clock;
struct loop;
struct runner;

/* All arguments are borrowed and outlive the runner. */
struct runner *runner_new(struct loop *loop, struct client *client, struct cache *cache,
			  const struct clock *clock);

/* `settings` reaches the controller's view. Before runner_start(). */
void runner_add(struct runner *runner, const struct controller *controller, const void *settings);

/* Queues a key by hand: for one that no object names yet. After runner_add(). */
void runner_queue(struct runner *runner, const struct controller *controller, struct str key);

/* Begins once the cache is synced. */
void runner_start(struct runner *runner);

/* Nothing is queued, running or waiting for a revision. */
bool runner_is_idle(const struct runner *runner);

/*
 * Runs what is due by the clock; the loop's timer does it by itself. For tests that turn a manual
 * clock.
 */
void runner_run_due(struct runner *runner);

/* The clock's time at which runner_run_due() has something to do; UINT64_MAX: never. */
uint64_t runner_next_due(const struct runner *runner);

struct runner *runner_free(struct runner *runner); /* NULL is fine; returns NULL */

/* ---- for tests of controllers: a plan that is read back ---- */

struct plan *plan_new(void);
struct plan *plan_free(struct plan *plan);
size_t plan_count(const struct plan *plan);

/*
 * Action `i` as a JSON object {"verb":"create","kind":"Pod","namespace":…,"name":…,"subresource":…,
 * "body":…} (borrowed).
 */
const json_t *plan_action(const struct plan *plan, size_t i);
/* 0: none asked for. */
uint64_t plan_requeue_after(const struct plan *plan);

/* The keys that `source` names for a change, as a JSON array of strings (new reference). */
json_t *source_keys(const struct source *source, const struct cache *cache, struct object *old,
		    struct object *now);
