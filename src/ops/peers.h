/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The blocking peer lookup: who is in the set of a Service, asked once instead of over and over. A
 * request is answered when the set is complete (N of N ready) or is no longer what the client has
 * seen; or it is a stream of events, one for each change. docs/peers.md is the contract with
 * clients.
 *
 * Answers come from the cache that the zone is built from, and never before the zone has seen the
 * same objects: when an answer says complete, DNS has all these names.
 *
 * Control thread only. Time comes from the clock: the owner calls peers_run_due() when
 * `due_changed` says so, which is also how a change that has just reached the cache gets to those
 * who wait for it.
 */

#include <stdint.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "http/exchange.h"

struct cache;
struct peers;

/* What is in front of NAMESPACE/SERVICE in the paths that are served. */
#define PEERS_PREFIX "/peers"

struct peers_config {
	/*
	 * Outlives it. The zone subscribes to it, too; it is asked for the kinds that are needed.
	 */
	struct cache *cache;
	const struct clock *clock;
	const char *domain; /* "cluster.local"; copied */
	/* Asks to call peers_run_due() at that time of the clock; UINT64_MAX: no need any more. */
	void (*due_changed)(void *userdata, uint64_t at);
	void *userdata;
};

struct peers *peers_new(const struct peers_config *config);

/* Who still waits is answered with 503, streams are broken off. NULL is fine; returns NULL. */
struct peers *peers_free(struct peers *peers);

/* The handler for requests whose path begins with PEERS_PREFIX; `userdata` is the peers. */
void peers_handle(void *userdata, struct http_exchange *exchange);

/* Answers whoever can be answered, and whoever has waited long enough. */
void peers_run_due(struct peers *peers);

/* The clock's monotonic time at which that has something to do; UINT64_MAX: never. */
uint64_t peers_next_due(const struct peers *peers);

/* A source for metrics_add(). */
void peers_metrics(void *userdata, struct buffer *out);
