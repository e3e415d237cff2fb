/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An answer in the making, and the records it is put together from. For the files of dns/answer. */

#include "dns/answer.h"
#include "dns/cookie.h"
#include "dns/wire.h"
#include "zone/lookup.h"

struct answer {
	const struct dns_options *options;
	const struct zone *zone;
	const struct dns_request *request;
	struct random_state *random;
	struct dns_writer writer;
	uint16_t flags; /* AA, TC, RA */
	uint16_t rcode;
	uint8_t place; /* enum dns_place */
	uint16_t counts[3]; /* answer, authority, additional */
	/* Options of the OPT record that room is kept for. */
	bool nsid;
	bool keepalive;
	uint8_t cookie; /* enum cookie_state; COOKIE_NONE: no option */
	uint8_t server_cookie[COOKIE_SERVER];
	/* Why; for clients with EDNS. */
	struct zone_reason reason;
	const struct name *reason_name;
	const char *failure; /* instead of a reason */
	uint16_t failure_code;
};

enum answer_section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL };

/*
 * Addresses owned by the name at offset `owner` of the answer: all, or as many as fit, from a
 * random one on; then TC is set.
 */
void emit_addresses(struct answer *answer, struct zone_run run, uint16_t type, uint32_t ttl,
		    size_t owner);

/*
 * SRV records with the addresses of their targets, as far as those fit. `origin`:
 * zone_match.origin.
 */
void emit_servers(struct answer *answer, const struct zone_servers *servers, uint32_t ttl,
		  size_t origin);

void emit_pointers(struct answer *answer, const struct zone_pointers *pointers, uint32_t ttl);

/* A record of the question's name with ready data. */
void emit_data(struct answer *answer, uint16_t type, uint32_t ttl, struct str data);

/* A CNAME from the name at `owner`; returns the offset of its target, or 0 when it did not fit. */
size_t emit_alias(struct answer *answer, size_t owner, uint32_t ttl, struct str target);

void emit_name_servers(struct answer *answer, uint32_t ttl, const struct zone_match *match);

/* The SOA of the zone that `match` lies in. */
void emit_soa(struct answer *answer, enum answer_section section, const struct zone_match *match);

/* MNAME and RNAME without the domain behind them, and what stands behind both. */
#define SOA_SERVER "\2ns\3dns"
#define SOA_PERSON "\012hostmaster"
enum { SOA_NUMBERS = 20 };

static inline void put_soa_numbers(struct dns_writer *writer, const struct zone_soa *soa)
{
	put_u32(writer, soa->serial);
	put_u32(writer, soa->refresh);
	put_u32(writer, soa->retry);
	put_u32(writer, soa->expire);
	put_u32(writer, soa->minimum);
}

/* The TTL of a SOA that was asked for. */
static inline uint32_t soa_ttl(uint32_t ttl)
{
	return ttl < ZONE_SOA_TTL_MAX ? ttl : ZONE_SOA_TTL_MAX;
}

/*
 * transfer.c: answers a question for a zone transfer, where `match` is what the name is with its
 * SOA; true when it is allowed and to be made, then
 * there is no answer yet.
 */
bool emit_transfer(struct answer *answer, struct dns_transport transport,
		   const struct zone_match *match);

/* answer.c: what the client wants to know about us and gets, whatever the answer. */
void emit_options(struct answer *answer, struct dns_transport transport);

/* Header, question, and room kept for the OPT record. */
void emit_begin(struct answer *answer, size_t limit, uint8_t *out);

/* OPT with an Extended DNS Error, and the header's counts. Returns the size of the message. */
size_t emit_end(struct answer *answer);

/* upstream.c: what the resolver came back with, instead of or behind what is written so far. */
void emit_upstream(struct answer *answer, const struct dns_reply *reply);
void emit_upstream_alias(struct answer *answer, const struct dns_reply *reply,
			 const struct name *target, size_t owner);
