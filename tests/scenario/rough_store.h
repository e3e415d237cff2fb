/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A store for simulations: another one, behind a desk where operations wait until they are let
 * through, and where writes are refused, fail, or are caught by a crash. It keeps what store.h
 * promises, so whoever breaks on it would break on a slow or full disk, too.
 */

#include <stddef.h>

#include "base/random.h"

struct store;

/* `inner` is owned. Without faults: operations wait, in their order, and nothing else. */
struct store *rough_store_new(struct store *inner);

/* Operations that wait. */
size_t rough_store_waiting(const struct store *store);

/* Lets at most `n` of them happen, callbacks included. Returns how many. */
size_t rough_store_release(struct store *store, size_t n);

/*
 * Of 1000 writes, `busy` are not accepted (STORE_BUSY) and `failed` do not happen (-EIO). `random`
 * is borrowed; NULL ends it.
 */
void rough_store_faults(struct store *store, struct random_state *random, unsigned busy,
			unsigned failed);

/*
 * The power goes: the first `kept` of what waits are still written, but nobody hears of it; the
 * others never happened. All of them are called back with -EIO, so that their owners can be freed,
 * and nothing is accepted until rough_store_revive().
 */
void rough_store_crash(struct store *store, size_t kept);
void rough_store_revive(struct store *store);
