/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of the rule set: ruleset.c keeps items and writes transactions, ruleset_base.c has what
 * is always there, ruleset_service.c and ruleset_pod.c say what a Service and a pod ask for,
 * endpoints.c which endpoints count.
 *
 * An item is a thing of the table, named by a text:
 *   "c NAME"             a chain; text: "DEFINITION\nRULE\nRULE\n", the definition may be empty
 *   "s NAME"             a set or map; text: "set { … }" or "map { … }"
 *   "e MAP KEY"          an element; text: what the key maps to, empty for a set
 *   "u ADDR PORT ADDR PORT"  no thing of the table: UDP to the first may go to the second
 * Several owners (Services, pods) may want the same item: the first in byte order has its way.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/map.h"
#include "proxy/ruleset.h"

#define RULESET_TABLE "inet headlessd"
/* The bit of a packet's mark that asks for masquerading, the one that others use for it, too. */
#define RULESET_MARK "0x4000"

enum {
	RULESET_ITEM = 768, /* bytes that hold any item's name */
	RULESET_PATH = 256, /* "namespace/name/tcp/80" */
};

/* Families as the rules name them. */
struct family {
	char digit; /* '4': suffix of names */
	uint8_t bytes; /* of an address */
	const char *ip; /* "ip", "ip6" */
	const char *type; /* "ipv4_addr" */
	const char *slices; /* addressType of endpoint slices */
	const char *loopback;
};
enum { FAMILIES = 2 };
extern const struct family families[FAMILIES];

struct ruleset {
	char *node_name;
	struct ip_network pods[RULESET_NETWORKS];
	size_t n_pods;
	bool masquerade_pods;
	struct map owners; /* "svc NS/NAME", "pod NS/NAME" -> struct map of item -> struct text */
	struct map wanted; /* "ITEM\nOWNER" -> struct text */
	struct map installed; /* ITEM -> struct text: what the kernel has */
	struct map dirty; /* ITEM: the two may differ */
	struct map vanished; /* "ADDR PORT": UDP fronts that flows may still think of */
	size_t services;
	bool udp_changed;
};

/* Text that owners, `wanted` and `installed` share. */
struct text {
	unsigned refs;
	char s[];
};

/* What one owner asks for, while it is being said. */
struct pieces {
	struct map items; /* item -> struct text */
};

void pieces_add(struct pieces *pieces, struct str text, const char *item_format, ...)
	__attribute__((format(printf, 3, 4)));

/* `pieces` is what `owner` wants from now on (emptied). */
void ruleset_own(struct ruleset *ruleset, struct str owner, struct pieces *pieces);

/* ruleset_base.c */
void ruleset_base(const struct ruleset *ruleset, struct pieces *pieces);
/* Whether @pods4 or @pods6 holds anything. */
bool ruleset_has_pods(const struct ruleset *ruleset, const struct family *family);

/* ---- endpoints.c ---- */

struct endpoint {
	struct ip ip;
	uint16_t port;
	bool ready;
	bool draining; /* serving, and terminating */
	bool local;
	char text[IP_TEXT];
};

/* Those of one port and family, in order of address and port, each once. */
struct endpoints {
	struct endpoint *items;
	size_t n;
	size_t size;
};

void endpoints_deinit(struct endpoints *endpoints);

/* Of a Service's port named `port_name` ("" for none), from all slices in the cache. */
void endpoints_read(struct endpoints *endpoints, const struct ruleset *ruleset,
		    const struct cache *cache, struct str service_key, const struct family *family,
		    const char *port_name, const char *protocol);

/*
 * Leaves those that get connections: the ready ones; without any, those that still serve while
 * they end. `local`: of this node only. Writes pointers into `ret` (room for endpoints->n).
 */
size_t endpoints_usable(const struct endpoints *endpoints, bool local, const struct endpoint **ret);

/* "tcp" of "TCP" or an absent protocol; NULL for what nft is not told of. */
const char *protocol_of(const json_t *port);
