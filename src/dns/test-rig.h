/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests of the rules: objects in, questions asked, answers as text. */

#include "dns/answer.h"
#include "zone/zone.h"

struct rig {
	struct zone *zone;
	struct dns_options options;
	struct random_state random;
	struct clock_manual clock;
	struct dns_reply reply; /* what the resolver says when it is asked */
	struct dns_report report; /* about the last answer */
	struct dns_question asked; /* what it was asked last; n 0: nothing */
	bool tcp;
	uint8_t allowance;
	const struct cookies *cookies; /* the client is 192.0.2.1 */
	bool edns; /* with an OPT record that announces udp_size */
	bool dnssec_ok;
	uint16_t udp_size;
	uint8_t query[512];
	size_t query_n;
	uint8_t answer[DNS_ANSWER_MAX];
	size_t answer_n;
	char text[1 << 20];
};

/*
 * A synced zone "cluster.local" with our reverse zones 10.96.0.0/16, 10.244.0.0/16 and fd00::/16.
 */
struct rig *rig_new(void);
/* The same, but nothing is known to be absent yet. */
struct rig *rig_new_unsynced(void);
/* The same with other settings; the domain and so on of NULL and 0 stay. */
struct rig *rig_new_config(const struct zone_config *config);
struct rig *rig_free(struct rig *rig);

/* `kind` is Service, EndpointSlice, Namespace, Pod or ServiceImport. */
void rig_put(struct rig *rig, const char *kind, const char *json);
void rig_remove(struct rig *rig, const char *kind, const char *space, const char *name);

void rig_namespace(struct rig *rig, const char *name);

/*
 * `addresses`: "None", "10.96.0.1", "10.96.0.1,fd00::1". `ports`: "http/TCP/80 /UDP/53"; a name may
 * be empty.
 */
void rig_service(struct rig *rig, const char *space, const char *name, const char *addresses,
		 const char *ports);
void rig_external(struct rig *rig, const char *space, const char *name, const char *target);

/*
 * `endpoints`: "web-0=10.244.0.1 -=10.244.0.2@here web-2=10.244.0.3!": hostname or "-", address,
 * "@" and a topology zone, "!" for not ready, "?" for an unknown state.
 */
void rig_slice(struct rig *rig, const char *space, const char *slice, const char *service,
	       const char *ports, const char *endpoints);

/*
 * Asks, and returns the answer as lines: RCODE and flags, then the records of each section, sorted;
 * the case of the name is kept. "no answer" when there is none, "a transfer" for DNS_TRANSFER.
 */
const char *rig_ask(struct rig *rig, const char *name, uint16_t type);

/* Sends bytes as they are. */
const char *rig_send(struct rig *rig, const uint8_t *packet, size_t n);

/* The message in `answer` as rig_ask() tells it. */
const char *rig_print(struct rig *rig);

/* Writes a query into `packet`, returns its size. */
size_t rig_query(const struct rig *rig, const char *name, uint16_t type, uint8_t *packet);

/* Absence as rig_ask() tells it: to be kept for 5 seconds, or (FRESH) not at all. */
#define Z "cluster.local."
#define RSOA(zone, ttl)                                                                            \
	"\nns " zone " " ttl " SOA ns.dns." Z " hostmaster." Z " 7200 1800 86400 " ttl
#define SOA_(ttl) RSOA(Z, ttl)
#define ND "NOERROR aa" SOA_("5")
#define ND_FRESH "NOERROR aa" SOA_("0")
#define NX "NXDOMAIN aa" SOA_("5")
#define NX_FRESH "NXDOMAIN aa" SOA_("0")
/* The same with the reason that a client with EDNS is told. */
#define WHY(rcode, ttl, why) rcode " aa" SOA_(ttl) "\nopt size=1232 ede=0 \"" why "\""

struct rig_row {
	const char *name;
	uint16_t type;
	const char *answer;
};

/* Asks each row's question; fails, and names it, unless the answer is just that. */
void rig_check(struct rig *rig, const struct rig_row *rows, size_t n);

#define CHECK(rig, ...)                                                                            \
	do {                                                                                       \
		static const struct rig_row rows_[] = { __VA_ARGS__ };                             \
		rig_check((rig), rows_, sizeof(rows_) / sizeof(rows_[0]));                         \
	} while (0)
