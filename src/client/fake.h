/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A client for tests with a small API server behind it, in memory: revisions, uids, generated
 * names, status apart from the rest, finalizers, graceful deletion, preconditions, conflicts, a
 * namespace that is going. A request is carried out at once, but its answer and the events of the
 * watches wait until a test delivers them, in an order drawn from a seed: so whoever acts on a
 * stale view is found out. Answers can be refused or lost and watches broken.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/str.h"
#include "client/client.h"

struct clock;
struct fake;
struct loop;
struct runner;

/* `clock` is borrowed and outlives it. */
struct fake *fake_new(const struct clock *clock, uint64_t seed);
struct fake *fake_free(struct fake *fake); /* NULL is fine; returns NULL */

/* The client; ended by fake_free() and not by client_free(). */
struct client *fake_client(struct fake *fake);

/* Delivers one answer or event; false when none is waiting. */
bool fake_step(struct fake *fake);

/*
 * Delivers and lets the loop work until nothing is waiting and `runner` (may be NULL) has nothing
 * to do before its next timer. False when that does not come to an end.
 */
bool fake_settle(struct fake *fake, struct loop *loop, struct runner *runner);

/* ---- faults ---- */

/* The next `n` writes are refused with this. */
void fake_refuse(struct fake *fake, size_t n, int code, const char *reason);

/* Of the answers to writes, this share is lost (code 0), although they were carried out. */
void fake_lose_answers(struct fake *fake, unsigned percent);

/* Watches start over with a new list; what waited for them is forgotten. */
void fake_break_watches(struct fake *fake);

/* ---- what kubectl would do; at once ---- */

/* HTTP status of the outcome; `body` and `patch` references are stolen. */
int fake_create(struct fake *fake, const struct kind *kind, json_t *body);
int fake_patch(struct fake *fake, const struct kind *kind, const char *space, const char *name,
	       const char *subresource, json_t *patch);
int fake_delete(struct fake *fake, const struct kind *kind, const char *space, const char *name,
		int64_t grace);

/* The object as it stands, borrowed until the next write; NULL when absent. */
const json_t *fake_get(const struct fake *fake, const struct kind *kind, const char *space,
		       const char *name);

/* The i-th object of a kind in name order, and how many there are. */
const json_t *fake_nth(const struct fake *fake, const struct kind *kind, size_t i);
size_t fake_count(const struct fake *fake, const struct kind *kind);

/* Writes that changed something so far. */
uint64_t fake_revision(const struct fake *fake);
