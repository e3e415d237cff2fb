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

/* Header, question, and room kept for the OPT record. */
void emit_begin(struct answer *answer, size_t limit, uint8_t *out);

/* OPT with an Extended DNS Error, and the header's counts. Returns the size of the message. */
size_t emit_end(struct answer *answer);

/* upstream.c: what the resolver came back with, instead of or behind what is written so far. */
void emit_upstream(struct answer *answer, const struct dns_reply *reply);
void emit_upstream_alias(struct answer *answer, const struct dns_reply *reply,
			 const struct name *target, size_t owner);
