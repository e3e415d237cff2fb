/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One query in, one answer out: a pure function of the zone, the packet and how it came. No lock,
 * no allocation, no log. The caller is a reader of base/snapshot.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/random.h"
#include "dns/wire.h"
#include "zone/lookup.h"
#include "zone/name.h"

struct cookies;
struct ip_network;
struct zone;

struct dns_options {
	uint16_t udp_size; /* largest answer over UDP, 512 … LIMIT_DNS_UDP_MAX */
	bool forward; /* names outside the zone can be asked for elsewhere; false: REFUSED */
	/* What NSID gets (RFC 5001), ≤ LIMIT_DNS_NSID bytes; empty: nothing. */
	struct str nsid;
	/* Networks that may have whole zones; none: nobody, REFUSED. */
	const struct ip_network *transfer_to;
	size_t n_transfer_to;
};

/* What the client may still get over UDP, when answers to its network are counted. */
enum dns_allowance {
	DNS_ALLOW, /* an answer */
	DNS_ALLOW_HINT, /* an empty one that makes it come back over TCP, or with a cookie */
	DNS_ALLOW_NOTHING,
};

/* How the query came. */
struct dns_transport {
	bool tcp;
	uint8_t allowance; /* enum dns_allowance; a good cookie is above it */
	uint8_t client_n; /* bytes of its address, 4 or 16 */
	const uint8_t *client;
	const struct cookies *cookies; /* NULL: no cookies are given */
};

/* A question that is not answered at once: by the resolver, or with a whole zone. */
struct dns_question {
	struct name name;
	uint16_t type;
	bool recursion_desired;
	bool checking_disabled;
	bool dnssec_ok;
};

/* Where the name of a question lies: the `zone` of metrics. */
enum dns_place {
	DNS_PLACE_CLUSTER, /* the cluster's domain */
	DNS_PLACE_IN_ADDR, /* our reverse names of IPv4 */
	DNS_PLACE_IP6, /* and of IPv6 */
	DNS_PLACE_OUTSIDE, /* names that are asked for elsewhere */
	DNS_PLACE_NONE, /* no question that could be read, or nobody to ask */
	DNS_PLACES,
};

/* What the query was and what became of it, for those who count. */
struct dns_report {
	uint16_t type; /* 0 when there was no question */
	uint16_t rcode; /* the extended one */
	uint8_t place; /* enum dns_place */
	uint8_t cookie; /* enum cookie_state */
	uint8_t allowance; /* less than DNS_ALLOW: that was all the client got */
	bool dnssec_ok;
};

enum dns_verdict {
	DNS_ANSWER, /* `out` holds an answer */
	DNS_DROP, /* say nothing */
	DNS_FORWARD, /* ask the resolver for *ret_question, then dns_answer_forwarded() */
	/* over TCP only: send the zone of *ret_question (dns/transfer.h) */
	DNS_TRANSFER,
};

/* A query that was read; what an answer needs of it and of the zone. */
struct dns_query_read {
	struct dns_request request;
	struct zone_hint hint;
	uint8_t reading; /* enum dns_reading */
	uint16_t rcode; /* with DNS_READ_ERROR */
};

/*
 * dns_answer() in steps, for those who have many queries at once: all are read, then fetched for,
 * then for their data, then answered, and memory is there when it is needed. `query` must stay.
 */
void dns_read(const struct zone *zone, const uint8_t *query, size_t n, struct dns_query_read *ret);
void dns_fetch(const struct dns_query_read *read);
void dns_fetch_data(const struct dns_query_read *read);

/* Room that `out` must have over TCP; over UDP options->udp_size is enough. */
enum { DNS_ANSWER_MAX = LIMIT_DNS_TCP };

/*
 * Answers `query`. On DNS_ANSWER *ret_n is the size of the answer, within what the transport and
 * the client allow; on DNS_FORWARD and DNS_TRANSFER *ret_question is set (it may be NULL when
 * options->forward is false and nobody may have zones). *ret_report is set on every verdict.
 * `random` picks where sets begin.
 */
enum dns_verdict dns_answer(const struct dns_options *options, const struct zone *zone,
			    const uint8_t *query, size_t n, struct dns_transport transport,
			    struct random_state *random, uint8_t *out,
			    struct dns_question *ret_question, struct dns_report *ret_report,
			    size_t *ret_n);
enum dns_verdict dns_answer_read(const struct dns_options *options, const struct zone *zone,
				 const struct dns_query_read *read, struct dns_transport transport,
				 struct random_state *random, uint8_t *out,
				 struct dns_question *ret_question, struct dns_report *ret_report,
				 size_t *ret_n);

/* INFO-CODEs (RFC 8914 section 4) of refusals and failures; zone_cause_code() has those of absence.
 */
enum dns_ede {
	EDE_OTHER = 0,
	EDE_NOT_READY = 14,
	EDE_PROHIBITED = 18,
	EDE_NOT_AUTHORITATIVE = 20,
	EDE_NO_REACHABLE_AUTHORITY = 22,
	EDE_NETWORK_ERROR = 23,
};

/* What the resolver came back with. */
struct dns_reply {
	const uint8_t *packet; /* a whole message, or NULL for a failure */
	size_t n;
	const char *failure; /* why, for people; static text */
	uint16_t failure_code; /* enum dns_ede */
};

/*
 * The answer to `query` (the same bytes that dns_answer() had) once the resolver replied: the
 * client's id, case and size; for an alias of ours, the alias in front. Returns its size.
 */
size_t dns_answer_forwarded(const struct dns_options *options, const struct zone *zone,
			    const uint8_t *query, size_t n, struct dns_transport transport,
			    struct random_state *random, const struct dns_reply *reply,
			    uint8_t *out, struct dns_report *ret_report);

/* The RCODE of an answer, extended by its OPT record (0 … 4095). For counters and tests. */
uint16_t dns_rcode(const uint8_t *answer, size_t n);
