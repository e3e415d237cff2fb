/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses are byte strings in network order; the arithmetic adds a 64-bit number at a bit
 * position and carries upwards, so both families go the same way.
 */
#include "base/ip.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

bool ip_parse(struct str text, struct ip *ret)
{
	char copy[IP_TEXT];
	struct ip ip = { 0 };

	if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, '\0', text.n) != NULL) {
		return false;
	}
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (inet_pton(AF_INET, copy, ip.bytes) == 1) {
		ip.n = 4;
	} else if (inet_pton(AF_INET6, copy, ip.bytes) == 1) {
		ip.n = 16;
	} else {
		return false;
	}
	*ret = ip;
	return true;
}

void ip_text(const struct ip *ip, char ret_text[IP_TEXT])
{
	ret_text[0] = '\0';
	if (ip->n != 0) {
		inet_ntop(ip->n == 4 ? AF_INET : AF_INET6, ip->bytes, ret_text, IP_TEXT);
	}
}

bool ip_eq(const struct ip *a, const struct ip *b)
{
	return a->n == b->n && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* The address with everything behind `bits` cleared. */
static struct ip masked(struct ip ip, uint8_t bits)
{
	for (unsigned i = 0; i < ip.n; i++) {
		if (i * 8 >= bits) {
			ip.bytes[i] = 0;
		} else if (bits - i * 8 < 8) {
			ip.bytes[i] &= (uint8_t)(0xFF << (8 - (bits - i * 8)));
		}
	}
	return ip;
}

bool ip_network_parse(struct str text, struct ip_network *ret)
{
	struct str rest = text;
	struct str address = str_cut(&rest, '/');
	struct ip_network network;
	struct ip first;
	uint64_t bits;

	if (rest.p == NULL || !ip_parse(address, &network.ip) ||
	    !str_to_u64(rest, network.ip.n * 8u, &bits)) {
		return false;
	}
	network.bits = (uint8_t)bits;
	first = masked(network.ip, network.bits);
	if (!ip_eq(&first, &network.ip)) {
		return false;
	}
	*ret = network;
	return true;
}

void ip_network_text(const struct ip_network *network, char ret_text[IP_NETWORK_TEXT])
{
	char text[IP_TEXT];

	ip_text(&network->ip, text);
	snprintf(ret_text, IP_NETWORK_TEXT, "%s/%u", text, network->bits);
}

bool ip_network_holds(const struct ip_network *network, const struct ip *ip)
{
	struct ip first;

	if (ip->n != network->ip.n) {
		return false;
	}
	first = masked(*ip, network->bits);
	return ip_eq(&first, &network->ip);
}

bool ip_network_overlaps(const struct ip_network *a, const struct ip_network *b)
{
	return ip_network_holds(a, &b->ip) || ip_network_holds(b, &a->ip);
}

static uint64_t two_to(unsigned bits)
{
	return UINT64_C(1) << (bits < 63 ? bits : 63);
}

uint64_t ip_network_size(const struct ip_network *network)
{
	return two_to(network->ip.n * 8u - network->bits);
}

/* `ip` + `number` * 2^shift. */
static struct ip plus(struct ip ip, uint64_t number, unsigned shift)
{
	unsigned carry = 0;

	for (unsigned i = 0; i < ip.n; i++) {
		unsigned low_bit = i * 8; /* of this byte, counted from the end */
		unsigned part = 0;
		uint8_t *byte = &ip.bytes[ip.n - 1 - i];

		if (low_bit + 8 > shift && low_bit < shift + 64) {
			part = low_bit >= shift ? (unsigned)(number >> (low_bit - shift)) & 0xFF
						: (unsigned)(number << (shift - low_bit)) & 0xFF;
		}
		part += *byte + carry;
		*byte = (uint8_t)part;
		carry = part >> 8;
	}
	return ip;
}

struct ip ip_network_at(const struct ip_network *network, uint64_t offset)
{
	assert(offset < ip_network_size(network));
	return plus(network->ip, offset, 0);
}

uint64_t ip_network_offset(const struct ip_network *network, const struct ip *ip)
{
	uint64_t there = 0;
	uint64_t first = 0;

	for (unsigned i = 0; i < ip->n; i++) {
		there = there << 8 | ip->bytes[i];
		first = first << 8 | network->ip.bytes[i];
	}
	return there - first;
}

uint64_t ip_network_parts(const struct ip_network *network, uint8_t bits)
{
	return two_to((unsigned)bits - network->bits);
}

struct ip_network ip_network_part(const struct ip_network *network, uint8_t bits, uint64_t i)
{
	assert(bits >= network->bits && i < ip_network_parts(network, bits));
	return (struct ip_network){
		.ip = plus(network->ip, i, network->ip.n * 8u - bits),
		.bits = bits,
	};
}
