/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool is a range of numbers and a bitmap of those in use; an address is its range's base plus an
 * offset. Numbers that nobody asked for come from the upper band of a pool, at random, so that a
 * number chosen by hand in the lower band is likely to be free (KEP-3070, KEP-3668).
 *
 * Invariant: a set bit is held by an object in the store, by a reservation under way, or by one
 * that frees it and is not done yet. service_addresses.c decides what a Service needs.
 */
#include "api/addresses_intern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum {
	RANGE_MAX = 1 << 20,
	RANGE_MIN = 1 << 3,
	BAND_MIN = 16,
	ADDRESS_BAND_MAX = 256,
	PORT_BAND_MAX = 128,
};

/* ---- pools ---- */

static void pool_init(struct pool *pool, uint32_t first, uint32_t n, uint32_t band)
{
	pool->first = first;
	pool->n = n;
	pool->band = band;
	pool->used = mem_alloc(n / 8 + 1);
}

static bool pool_has(const struct pool *pool, uint32_t offset)
{
	return pool->used[offset / 8] & (1u << (offset % 8));
}

static void pool_set(struct pool *pool, uint32_t offset, bool used)
{
	if (used) {
		pool->used[offset / 8] |= (uint8_t)(1u << (offset % 8));
	} else {
		pool->used[offset / 8] &= (uint8_t) ~(1u << (offset % 8));
	}
}

bool pool_take(struct pool *pool, uint32_t offset)
{
	if (pool_has(pool, offset)) {
		return false;
	}
	pool_set(pool, offset, true);
	return true;
}

void pool_give(struct pool *pool, uint32_t offset)
{
	pool_set(pool, offset, false);
}

/* A free offset in [from, to), from a random place on. */
static bool take_between(struct pool *pool, struct random_state *random, uint32_t from, uint32_t to,
			 uint32_t *ret)
{
	if (from >= to) {
		return false;
	}
	uint32_t start = random_below(random, to - from);
	for (uint32_t i = 0; i < to - from; i++) {
		uint32_t offset = from + (start + i) % (to - from);
		if (pool_take(pool, offset)) {
			*ret = offset;
			return true;
		}
	}
	return false;
}

bool pool_take_any(struct pool *pool, struct random_state *random, uint32_t *ret)
{
	uint32_t middle = pool->first + pool->band;

	return take_between(pool, random, middle, pool->n, ret) ||
	       take_between(pool, random, pool->first, middle, ret);
}

/* ---- address ranges ---- */

static uint32_t band_of(uint32_t n, uint32_t step, uint32_t max)
{
	if (n < BAND_MIN) {
		return 0;
	}
	uint32_t band = n / step > BAND_MIN ? n / step : BAND_MIN;
	return band < max ? band : max;
}

bool range_offset(const struct range *range, const char *text, uint32_t *ret)
{
	struct ip ip;

	if (!ip_parse(str_from(text), &ip) || !ip_network_holds(&range->network, &ip)) {
		return false;
	}
	*ret = (uint32_t)ip_network_offset(&range->network, &ip);
	return true;
}

void range_text(const struct range *range, uint32_t offset, char ret_text[ADDRESS_TEXT])
{
	struct ip ip = ip_network_at(&range->network, offset);

	ip_text(&ip, ret_text);
}

static int range_init(struct range *range, const char *cidr, char *message, size_t size)
{
	if (!ip_network_parse(str_from(cidr), &range->network)) {
		snprintf(message, size,
			 "service CIDR \"%s\" is not a network: use something like 10.96.0.0/16",
			 cidr);
		return -EINVAL;
	}
	int width = range->network.ip.n * 8;
	uint64_t n = ip_network_size(&range->network);
	if (n > RANGE_MAX || n < RANGE_MIN) {
		snprintf(message, size,
			 "service CIDR \"%s\" must have a length between /%d and /%d", cidr,
			 width - 20, width - 3);
		return -EINVAL;
	}
	/* The first address is the network, the last of IPv4 the broadcast. */
	n -= range->network.ip.n == 4;
	pool_init(&range->pool, 1, (uint32_t)n, band_of((uint32_t)n, 16, ADDRESS_BAND_MAX));
	return 0;
}

/* ---- all together ---- */

int addresses_new(const char *const cidrs[ADDRESSES_FAMILIES], uint16_t port_min, uint16_t port_max,
		  char *ret_message, size_t size, struct addresses **ret)
{
	struct addresses *addresses = MEM_NEW(struct addresses);

	random_state_init(&addresses->random);
	for (int i = 0; i < ADDRESSES_FAMILIES && cidrs[i] != NULL; i++) {
		int r = range_init(&addresses->ranges[i], cidrs[i], ret_message, size);
		if (r < 0) {
			addresses_free(addresses);
			return r;
		}
		addresses->n_ranges++;
	}
	if (addresses->n_ranges == 0 ||
	    (addresses->n_ranges == 2 &&
	     addresses->ranges[0].network.ip.n == addresses->ranges[1].network.ip.n)) {
		snprintf(ret_message, size,
			 "service CIDRs must be one, or one of IPv4 and one of IPv6");
		addresses_free(addresses);
		return -EINVAL;
	}
	addresses->port_min = port_min;
	addresses->port_max = port_max;
	uint32_t n = (uint32_t)(port_max - port_min) + 1;
	pool_init(&addresses->ports, 0, n, band_of(n, 32, PORT_BAND_MAX));
	*ret = addresses;
	return 0;
}

struct addresses *addresses_free(struct addresses *addresses)
{
	if (addresses != NULL) {
		for (int i = 0; i < ADDRESSES_FAMILIES; i++) {
			mem_free(addresses->ranges[i].pool.used);
		}
		mem_free(addresses->ports.used);
		mem_free(addresses);
	}
	return NULL;
}

bool addresses_at(const struct addresses *addresses, int family, uint32_t offset,
		  char ret_text[ADDRESS_TEXT])
{
	if (family >= addresses->n_ranges) {
		return false;
	}
	range_text(&addresses->ranges[family], offset, ret_text);
	return true;
}

/* ---- reservations ---- */

struct pool *addresses_pool(struct addresses *addresses, unsigned pool)
{
	return pool == POOL_PORTS ? &addresses->ports : &addresses->ranges[pool].pool;
}

static bool note(struct reserved **list, size_t *n, unsigned pool, uint32_t offset)
{
	if (*n == RESERVATION_MAX) {
		return false;
	}
	if (*list == NULL) {
		*list = mem_alloc_array(RESERVATION_MAX, sizeof(**list));
	}
	(*list)[(*n)++] = (struct reserved){ .pool = (uint8_t)pool, .offset = offset };
	return true;
}

bool reservation_took(struct reservation *reservation, unsigned pool, uint32_t offset)
{
	return note(&reservation->taken, &reservation->n_taken, pool, offset);
}

bool reservation_frees(struct reservation *reservation, unsigned pool, uint32_t offset)
{
	return note(&reservation->freed, &reservation->n_freed, pool, offset);
}

void reservation_end(struct addresses *addresses, struct reservation *reservation, bool done)
{
	const struct reserved *give = done ? reservation->freed : reservation->taken;
	size_t n = done ? reservation->n_freed : reservation->n_taken;

	for (size_t i = 0; i < n; i++) {
		pool_give(addresses_pool(addresses, give[i].pool), give[i].offset);
	}
	mem_free(reservation->taken);
	mem_free(reservation->freed);
	*reservation = (struct reservation){ .n_taken = 0 };
}
