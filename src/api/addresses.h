/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Cluster addresses and node ports of Services: never given twice. A write reserves what it needs
 * before it is stored; the reservation is kept when the write is done and given back when it fails;
 * what a write frees is free only once that write is done. Control thread only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/ip.h"
#include "object/schema.h"

struct addresses;

enum {
	ADDRESSES_FAMILIES = 2,
	/* Addresses and ports that one Service may gain or lose in one write. */
	RESERVATION_MAX = 256,
};

/* One address (family index and offset in its range) or port. */
struct reserved {
	uint8_t pool; /* 0, 1: the address families in their order; 2: node ports */
	uint32_t offset;
};

/* What one write gains and loses. Zero-initialised: nothing. */
struct reservation {
	struct reserved *taken;
	struct reserved *freed;
	size_t n_taken;
	size_t n_freed;
};

/*
 * `cidrs` as in api_config. Returns 0, or -EINVAL after putting a line for people into
 * `ret_message`: not a CIDR, too large (a range has at most 2^20 addresses), too small, or two of
 * one family.
 */
int addresses_new(const char *const cidrs[ADDRESSES_FAMILIES], uint16_t port_min, uint16_t port_max,
		  char *ret_message, size_t size, struct addresses **ret);
struct addresses *addresses_free(struct addresses *addresses);

/* Marks what an existing Service holds. */
void addresses_learn(struct addresses *addresses, const json_t *service);

/*
 * Fills in ipFamilies, ipFamilyPolicy, clusterIPs, node ports and healthCheckNodePort and reserves
 * them. Returns NULL or a refusal (nothing stays reserved then).
 */
json_t *addresses_assign(struct addresses *addresses, json_t *service, const json_t *old,
			 struct reservation *reservation);

/* A Service is being removed: everything it holds is freed when the write is done. */
void addresses_withdraw(struct addresses *addresses, const json_t *service,
			struct reservation *reservation);

/* Ends a reservation: the write is `done`, or it failed. */
void reservation_end(struct addresses *addresses, struct reservation *reservation, bool done);

/* The address at `offset` of the first (or second) range as text: 1 is the API's own. */
enum { ADDRESS_TEXT = IP_TEXT };
bool addresses_at(const struct addresses *addresses, int family, uint32_t offset,
		  char ret_text[ADDRESS_TEXT]);
