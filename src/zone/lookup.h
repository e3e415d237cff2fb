/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading the zone: what a name is, and the records of one type it has. For threads that are
 * readers of base/snapshot; everything a match points to is good until the reader's next quiescent
 * state. No allocation, no lock.
 *
 * Records come as pieces that an answer is put together from: addresses as whole records whose
 * owner is a compression pointer to the question, the others as the parts that differ.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "zone/name.h"
#include "zone/reason.h"
#include "zone/zone.h"

enum zone_outcome {
	ZONE_OUTSIDE, /* not a name of ours */
	ZONE_DATA, /* the name has records of the type */
	ZONE_EMPTY, /* the name exists, the type does not (NODATA) */
	ZONE_ABSENT, /* the name does not exist (NXDOMAIN) */
	ZONE_ALIAS, /* the name is an alias; any type */
	ZONE_UNSYNCED, /* would be ZONE_ABSENT, but not everything is known yet */
};

enum zone_data {
	ZONE_DATA_ADDRESSES, /* A or AAAA */
	ZONE_DATA_SERVERS, /* SRV */
	ZONE_DATA_POINTERS, /* PTR */
	ZONE_DATA_TEXT, /* TXT */
	ZONE_DATA_SOA, /* see zone_soa() */
	ZONE_DATA_NS, /* see zone_name_servers() */
};

/*
 * A whole record: owner (pointer to offset 12), type, class, TTL, length, address. An A record is
 * ZONE_A_RECORD bytes, an AAAA record ZONE_AAAA_RECORD. All of a run have the same TTL, which need
 * not be the one to answer with: a record that has two names may have two TTLs.
 */
enum { ZONE_A_RECORD = 16, ZONE_AAAA_RECORD = 28 };

/* `n` such records of one type, one behind the other. */
struct zone_run {
	const uint8_t *records;
	uint32_t n;
};

struct service_body;
struct snapshot_map;

/* An SRV set; see zone_server_at(). */
struct zone_servers {
	uint32_t n;
	const struct service_body *body;
	const void *ports;
	uint32_t first; /* label of the first target */
	uint16_t n_ports; /* 0: `ports` are pairs of label and port */
	uint16_t weight;
	uint32_t target_ttl; /* of the targets' addresses */
};

/* Names to point at; see zone_pointer_at(). */
struct zone_pointers {
	const void *leaf;
	uint32_t n;
};

struct zone_match {
	uint8_t outcome; /* enum zone_outcome */
	uint8_t data; /* enum zone_data, with ZONE_DATA */
	bool fresh; /* negative answers must not be kept: TTL and MINIMUM 0 */
	/*
	 * Where in the name the zone it lies in begins (owner of the SOA): an offset into
	 * name.wire. Set unless ZONE_OUTSIDE.
	 */
	uint8_t origin;
	bool reverse; /* the zone is one of the reverse zones */
	bool imports; /* the zone is that of the cluster set */
	struct zone_reason reason; /* with ZONE_EMPTY, ZONE_ABSENT and ZONE_UNSYNCED */
	uint32_t ttl; /* of the records, with ZONE_DATA and ZONE_ALIAS */
	union {
		struct zone_run addresses;
		struct zone_servers servers;
		struct zone_pointers pointers;
		struct str text; /* RDATA of the TXT record */
		struct str alias; /* the target, a whole name in lower case */
	};
	/* Storage for the record of a pod name, which is computed. */
	uint8_t computed[ZONE_AAAA_RECORD];
};

/*
 * Fetches from memory what a zone_lookup() of `name` will need, in three steps with other work
 * between them: zone_hint() when the name is known, zone_fetch(), and zone_fetch_data() for what is
 * found by that. All before the reader's next quiescent state. Changes no answer.
 */
struct zone_hint {
	const struct snapshot_map *services; /* NULL: nothing to fetch */
	uint32_t hash;
};
void zone_hint(const struct zone *zone, const struct name *name, struct zone_hint *ret);
void zone_fetch(const struct zone_hint *hint);
void zone_fetch_data(const struct zone_hint *hint);

/* What `name` is, and its records of `type` (RR_ANY: whether there is anything; no data is set). */
void zone_lookup(const struct zone *zone, const struct name *name, uint16_t type,
		 struct zone_match *ret);

/*
 * One SRV record. Its target is `label` (may be empty), `base`, and the zone's name: all wire
 * labels in lower case, without a root. The runs are the target's addresses.
 */
struct zone_server {
	uint16_t port;
	uint16_t weight; /* the priority is 0 */
	uint32_t target; /* equal numbers are equal targets; those stand side by side */
	struct str label;
	struct str base;
	struct zone_run a;
	struct zone_run aaaa;
};
void zone_server_at(const struct zone_servers *servers, uint32_t i, struct zone_server *ret);

/*
 * Target `i` of a PTR set: wire labels without the zone's name and the root, cut after `*cursor`,
 * which starts at 0 and is moved on.
 */
struct str zone_pointer_next(const struct zone_pointers *pointers, size_t *cursor);

/* One NS record: the name server's labels without the zone's name, and its addresses. */
struct zone_name_server {
	struct str labels;
	struct zone_run a;
	struct zone_run aaaa;
};
/* `imports`: those of the cluster set's zone, which has no Services of ours: ns.dns alone. */
size_t zone_name_servers(const struct zone *zone, bool imports,
			 struct zone_name_server ret[ZONE_OWN_MAX]);

/* What a SOA record of our zones says; owner, MNAME (ns.dns.DOMAIN) and RNAME are the caller's. */
enum { ZONE_SOA_TTL_MAX = 300 };
struct zone_soa {
	uint32_t ttl; /* in a negative answer (RFC 2308 section 3) */
	uint32_t serial;
	uint32_t refresh;
	uint32_t retry;
	uint32_t expire;
	uint32_t minimum;
};
/* `fresh`: for a negative answer that must not be kept. */
void zone_soa(const struct zone *zone, bool fresh, struct zone_soa *ret);

/* Whether everything is known that there was at the start. */
bool zone_is_synced(const struct zone *zone);

/* The domain. */
const struct name *zone_domain(const struct zone *zone);
