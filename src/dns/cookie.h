/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * DNS cookies (RFC 7873) with the server cookies of RFC 9018: a client that shows the cookie it was
 * given is where it says it is. Secrets follow from one that is made at the start and from the day,
 * so that all threads change them at the same moment without talking to each other. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"

enum {
	COOKIE_CLIENT = 8,
	COOKIE_SERVER = 16,
	COOKIE_SERVER_MIN = 8, /* other servers' may be shorter or longer (RFC 7873 section 4) */
	COOKIE_SERVER_MAX = 32,
	COOKIE_PERIOD_S = 24 * 3600, /* of one secret */
	COOKIE_VALID_S = 3600, /* RFC 9018 section 4.3 */
	COOKIE_RENEW_S = 1800,
	COOKIE_AHEAD_S = 300,
};

/* Owned by one thread. */
struct cookies {
	uint8_t root[SIPHASH_KEY];
	uint32_t now; /* seconds, the same for all who share the root */
	uint32_t period; /* that keys[0] belongs to; keys[1] is the one before */
	uint8_t keys[2][SIPHASH_KEY];
};

void cookies_init(struct cookies *cookies, const uint8_t root[SIPHASH_KEY], uint32_t now);
/* Cheap unless a new period begins. */
void cookies_set_time(struct cookies *cookies, uint32_t now);

enum cookie_state {
	COOKIE_NONE, /* none was sent */
	COOKIE_NEW, /* the client has none of a server yet */
	COOKIE_BAD, /* not ours, or too old */
	COOKIE_GOOD,
};

/*
 * Judges the `n` bytes of a COOKIE option (8, or 16 … 40) from `address` (4 or 16 bytes), and
 * writes the server cookie that goes into the answer.
 */
enum cookie_state cookie_check(const struct cookies *cookies, const uint8_t *option, size_t n,
			       const uint8_t *address, size_t address_n,
			       uint8_t ret_server[COOKIE_SERVER]);

/* The hash of RFC 9018 section 4.4, for tests too. `server`: the cookie's first 8 bytes. */
uint64_t cookie_hash(const uint8_t key[SIPHASH_KEY], const uint8_t client[COOKIE_CLIENT],
		     const uint8_t server[8], const uint8_t *address, size_t address_n);
