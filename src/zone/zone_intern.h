/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The zone's insides, for its own files: what readers see, and what the control thread keeps. */

#include "base/counter.h"
#include "base/list.h"
#include "base/map.h"
#include "base/snapshot.h"
#include "zone/body.h"
#include "zone/lookup.h"
#include "zone/programming.h"
#include "zone/retire.h"
#include "zone/reverse.h"
#include "zone/source.h"
#include "zone/zone.h"

/* A reverse zone: all names whose address begins like this network. */
struct reverse_zone {
	struct network network;
	uint8_t labels; /* of its name, with in-addr.arpa or ip6.arpa */
};

/* Published: a namespace, and a pod's address in one. The key is all of `wire`. */
struct space_body {
	struct snapshot_entry entry;
	uint8_t n;
	uint8_t wire[]; /* the label; for a pod, the address behind it */
};

struct pod_body {
	struct snapshot_entry entry;
	uint32_t sources; /* pods that have it; writer only */
	uint8_t n;
	uint8_t key[]; /* the namespace's wire label, then the address */
};

/* Published: the addresses of this server as records. */
struct own_body {
	struct ip addresses[ZONE_OWN_MAX];
	size_t n;
	uint32_t n_a;
	uint32_t n_aaaa;
	uint8_t a[ZONE_OWN_MAX * ZONE_A_RECORD];
	uint8_t aaaa[ZONE_OWN_MAX * ZONE_AAAA_RECORD];
};

/* Control thread: a namespace that exists or has Services. */
struct space {
	struct list services;
	struct space_body *body; /* NULL: does not exist */
	char name[LIMIT_DNS_LABEL + 1];
};

/* Services, or Services of other clusters, and the zone they have their names in. */
struct realm {
	struct name domain; /* n_labels 0: there is no such zone */
	bool imports;
	struct snapshot_map *services; /* struct service_body by SERVICE.NAMESPACE; for workers */
	struct map service_map; /* struct service by "namespace/name" */
	struct map slice_map; /* struct slice by "namespace/name" */
};

/* Control thread: a Service that exists or has slices. */
struct service {
	struct list link; /* in space->services */
	struct list slices;
	struct realm *realm;
	struct space *space;
	struct service_spec *spec; /* NULL: does not exist */
	struct service_body *body; /* NULL: not published */
	uint8_t base_n;
	uint8_t base[2 * (LIMIT_DNS_LABEL + 1) + BODY_KEY_TAIL]; /* SERVICE.NAMESPACE.svc */
};

struct zone {
	/* Services of the cluster, and of the cluster set. */
	struct realm cluster;
	struct realm imports;

	/* Fixed. */
	struct reverse_zone reverse_zones[ZONE_REVERSE_MAX];
	size_t n_reverse;
	uint32_t ttl;
	uint32_t ttls[ZONE_TTLS];
	struct map namespaces; /* the only ones with names; empty: all; the values mean nothing */
	enum zone_pods pods_mode;
	bool fallthrough;
	bool reverse_fallthrough;
	bool no_endpoints;
	bool ignore_empty_service;
	bool endpoint_pod_names;
	bool zonal;

	/* Read by workers. */
	struct snapshot_map *spaces; /* struct space_body by label */
	struct snapshot_map *pods; /* struct pod_body; NULL unless verified */
	struct reverse reverse[2]; /* IPv4, IPv6 */
	struct snapshot own; /* struct own_body */
	struct counter serial;
	struct counter synced;

	/* The control thread's. */
	const struct clock *clock;
	uint64_t revision; /* of the change that is being fed in, as a serial number */
	struct retire retire; /* what images may hold */
	struct build *build;
	struct map space_map; /* struct space by name */
	struct zone_programming programming[ZONE_SERVICE_KINDS];
	size_t n_endpoints;
};

static inline struct reverse *zone_reverse(struct zone *zone, size_t address_size)
{
	return &zone->reverse[address_size == 4 ? 0 : 1];
}

/* Every change ends here. */
void zone_bump(struct zone *zone);

/* config.c */
int zone_configure(struct zone *zone, const struct zone_config *config, char message[ZONE_MESSAGE]);
/* Whether a namespace has names at all. Any thread. */
bool zone_shows(const struct zone *zone, struct str space);

/* pods.c */
struct snapshot_map *zone_pods_new(void);
void zone_pods_free(struct snapshot_map *pods);
void zone_pod_change(struct zone *zone, struct object *old, struct object *now);
bool zone_pod_exists(const struct zone *zone, struct str space, const struct ip *address);
