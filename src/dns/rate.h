/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Limits on what networks get over UDP, where a source may be forged: so many answers a second for
 * each /24 or /56, and a burst of as many. A table of fixed size for each worker; no lock, no
 * allocation after it is made.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/random.h"
#include "dns/answer.h"

struct rates;

/* What one network may still have. Good until the next rates_find(). */
struct rate {
	uint64_t key; /* the network; 0: free */
	uint32_t time; /* ms, of `left` */
	uint32_t left; /* thousandths of an answer */
};

/* `per_second` ≥ 1. */
struct rates *rates_new(uint32_t per_second);
struct rates *rates_free(struct rates *rates); /* NULL is fine; returns NULL */

/* The network of an address of 4 or 16 bytes, brought up to date. `ms` may wrap. */
struct rate *rates_find(struct rates *rates, const uint8_t *address, size_t n, uint32_t ms);

/*
 * Takes one answer. When none is left, half of the questions (by `random`) get a hint and the
 * others nothing.
 */
enum dns_allowance rate_take(struct rate *rate, struct random_state *random);

/* The answer that was taken went to nobody, or to somebody who is known. */
void rate_give_back(const struct rates *rates, struct rate *rate);

/* It was `size` bytes: each RATE_UNIT bytes more than the first count as another answer. */
enum { RATE_UNIT = 512 };
void rate_charge(struct rate *rate, size_t size);
