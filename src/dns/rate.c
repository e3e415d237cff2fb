/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token buckets in a table of sets, one cache line each. A network that is not in its set takes the
 * place of the one that was seen longest ago; if that was a moment ago, it also takes over what
 * that one had left. So whoever forges many networks gains nothing: at no time do more answers
 * leave in a second than the table has places, times the limit. Places are chosen by a hash with a
 * secret key, so that nobody can aim at a set.
 */
#include "dns/rate.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/siphash.h"

enum {
	WAYS = 4,
	ANSWER = 1000, /* thousandths */
	SECOND_MS = 1000,
	PREFIX_4 = 3, /* bytes: a /24 */
	PREFIX_6 = 7, /* a /56 */
};

struct rates {
	uint8_t secret[SIPHASH_KEY];
	uint32_t per_second; /* also what is added each ms, in thousandths */
	struct rate *sets; /* WAYS places each */
};

struct rates *rates_new(uint32_t per_second)
{
	struct rates *rates = MEM_NEW(struct rates);

	_Static_assert(LIMIT_DNS_RATES % WAYS == 0, "whole sets");
	random_bytes(rates->secret, sizeof(rates->secret));
	rates->per_second = per_second;
	rates->sets = mem_alloc_array(LIMIT_DNS_RATES, sizeof(struct rate));
	return rates;
}

struct rates *rates_free(struct rates *rates)
{
	if (rates != NULL) {
		mem_free(rates->sets);
		mem_free(rates);
	}
	return NULL;
}

/* The network behind a byte that tells the families apart; never 0. */
static uint64_t key_of(const uint8_t *address, size_t n)
{
	size_t prefix = n == 4 ? PREFIX_4 : PREFIX_6;
	uint64_t key = n;

	for (size_t i = 0; i < prefix; i++) {
		key = key << 8 | address[i];
	}
	return key;
}

static uint32_t full(const struct rates *rates)
{
	return rates->per_second * ANSWER;
}

static void refill(const struct rates *rates, struct rate *rate, uint32_t ms)
{
	uint64_t left = rate->left + (uint64_t)(uint32_t)(ms - rate->time) * rates->per_second;

	rate->left = left < full(rates) ? (uint32_t)left : full(rates);
	rate->time = ms;
}

struct rate *rates_find(struct rates *rates, const uint8_t *address, size_t n, uint32_t ms)
{
	uint64_t key = key_of(address, n);
	uint64_t hash = siphash24(rates->secret, &key, sizeof(key));
	struct rate *set = &rates->sets[hash % (LIMIT_DNS_RATES / WAYS) * WAYS];
	struct rate *oldest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key) {
			refill(rates, &set[i], ms);
			return &set[i];
		}
		if (oldest->key != 0 && (set[i].key == 0 || ms - set[i].time > ms - oldest->time)) {
			oldest = &set[i];
		}
	}
	if (oldest->key == 0 || ms - oldest->time >= SECOND_MS) {
		oldest->left = full(rates);
		oldest->time = ms;
	} else {
		refill(rates, oldest, ms);
	}
	oldest->key = key;
	return oldest;
}

enum dns_allowance rate_take(struct rate *rate, struct random_state *random)
{
	if (rate->left >= ANSWER) {
		rate->left -= ANSWER;
		return DNS_ALLOW;
	}
	return random_below(random, 2) == 0 ? DNS_ALLOW_HINT : DNS_ALLOW_NOTHING;
}

void rate_give_back(const struct rates *rates, struct rate *rate)
{
	uint32_t room = full(rates) - rate->left;

	rate->left += room < ANSWER ? room : ANSWER;
}

void rate_charge(struct rate *rate, size_t size)
{
	uint32_t more = size == 0 ? 0 : (uint32_t)((size - 1) / RATE_UNIT) * ANSWER;

	rate->left -= more < rate->left ? more : rate->left;
}
