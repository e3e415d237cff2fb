/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Shared by addresses.c (pools and ranges) and service_addresses.c (what a Service needs of them).
 */

#include <stdbool.h>
#include <stdint.h>

#include "api/addresses.h"
#include "base/ip.h"
#include "base/random.h"

enum { POOL_PORTS = ADDRESSES_FAMILIES };

/* Numbers [first, n); [first, first+band) is kept for those who ask for one by number. */
struct pool {
	uint32_t first;
	uint32_t n;
	uint32_t band;
	uint8_t *used;
};

/* False when it is in use. `offset` < pool->n. */
bool pool_take(struct pool *pool, uint32_t offset);
bool pool_take_any(struct pool *pool, struct random_state *random, uint32_t *ret);
void pool_give(struct pool *pool, uint32_t offset);

struct range {
	struct ip_network network;
	struct pool pool;
};

/* The offset of an address; false when it is none of the range. */
bool range_offset(const struct range *range, const char *text, uint32_t *ret);
void range_text(const struct range *range, uint32_t offset, char ret_text[ADDRESS_TEXT]);

struct addresses {
	struct range ranges[ADDRESSES_FAMILIES];
	int n_ranges;
	struct pool ports;
	uint16_t port_min;
	uint16_t port_max;
	struct random_state random;
};

struct pool *addresses_pool(struct addresses *addresses, unsigned pool);

/* Notes; false when a Service wants more than RESERVATION_MAX. */
bool reservation_took(struct reservation *reservation, unsigned pool, uint32_t offset);
bool reservation_frees(struct reservation *reservation, unsigned pool, uint32_t offset);
