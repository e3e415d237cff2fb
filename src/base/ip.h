/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * IP addresses and networks (CIDR) as numbers: what to parse, print, count and cut up. Pure; any
 * thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct ip {
	uint8_t n; /* bytes used: 4 or 16; 0: none */
	uint8_t bytes[16]; /* network order; behind `n` zero */
};

enum { IP_TEXT = 46 }; /* bytes that hold any address and a NUL */

/* All of `text` as one address, without zone or prefix. False (ret untouched) otherwise. */
bool ip_parse(struct str text, struct ip *ret);

/* "10.0.0.1", "fd00::1" (RFC 5952). */
void ip_text(const struct ip *ip, char ret_text[IP_TEXT]);

bool ip_eq(const struct ip *a, const struct ip *b);

/* A network: an address with the bits behind `bits` zero. */
struct ip_network {
	struct ip ip;
	uint8_t bits;
};

enum { IP_NETWORK_TEXT = IP_TEXT + 4 };

/* "10.244.0.0/16"; bits behind the prefix must be zero. False (ret untouched) otherwise. */
bool ip_network_parse(struct str text, struct ip_network *ret);
void ip_network_text(const struct ip_network *network, char ret_text[IP_NETWORK_TEXT]);

bool ip_network_holds(const struct ip_network *network, const struct ip *ip);
bool ip_network_overlaps(const struct ip_network *a, const struct ip_network *b);

/* How many addresses it has, at most 2^63. */
uint64_t ip_network_size(const struct ip_network *network);

/* The address `offset` behind its first; offset < size. */
struct ip ip_network_at(const struct ip_network *network, uint64_t offset);

/* The reverse: how far `ip`, which it holds, stands behind its first (modulo 2^64). */
uint64_t ip_network_offset(const struct ip_network *network, const struct ip *ip);

/* How many networks of prefix `bits` (≥ its own) it has, at most 2^63; and the `i`-th of them. */
uint64_t ip_network_parts(const struct ip_network *network, uint8_t bits);
struct ip_network ip_network_part(const struct ip_network *network, uint8_t bits, uint64_t i);
