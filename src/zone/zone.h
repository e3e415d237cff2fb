/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The zone: Services, EndpointSlices and Namespaces (and Pods, for `verified`) in, names out. The
 * control thread feeds it changes; each is published before zone_change() returns, so the next
 * packet that any worker reads is answered from it. What workers call stands in zone/lookup.h.
 *
 * A Service is published as one immutable body with all its names, found by "service.namespace", so
 * a reader sees all of a change or nothing of it. A change costs time in proportion to the Service
 * it touches and nothing else. Addresses are found through a trie that is changed leaf by leaf.
 *
 * The rules follow the Kubernetes DNS specification 1.1.0; where we differ from CoreDNS,
 * docs/compat.md says so. Control thread only, but for what says otherwise.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"
#include "zone/address.h"

struct kind;
struct object;
struct zone;

/* What a-b-c-d.NAMESPACE.pod.DOMAIN means. */
enum zone_pods {
	ZONE_PODS_DISABLED, /* no such names */
	ZONE_PODS_INSECURE, /* any address, computed from the name */
	ZONE_PODS_VERIFIED, /* only addresses of pods that are in that namespace */
};

enum {
	ZONE_TTL_DEFAULT = 5,
	ZONE_TTL_MAX = 3600,
	ZONE_REVERSE_MAX = 64, /* reverse zones */
	ZONE_NAMESPACES_MAX = 1000, /* in a list of those that have names */
	ZONE_OWN_MAX = 8, /* own addresses */
	ZONE_MESSAGE = 256,
};

/* What a TTL of its own may be given to. */
enum zone_ttl_kind {
	ZONE_TTL_SERVICE, /* Services with addresses of their own, and their ports */
	ZONE_TTL_HEADLESS, /* headless Services and their ports */
	ZONE_TTL_ENDPOINT, /* names of endpoints */
	ZONE_TTL_POD, /* a-b-c-d.NAMESPACE.pod */
	ZONE_TTL_EXTERNAL, /* the alias that an ExternalName is */
	ZONE_TTL_POINTER, /* names of addresses */
	ZONE_TTL_NEGATIVE, /* absence, where nothing is about to appear */
	ZONE_TTLS,
};

struct zone_ttl {
	bool set; /* false: the TTL of all */
	uint32_t seconds; /* ≤ ZONE_TTL_MAX */
};

/* Everything is copied. */
struct zone_config {
	const char *domain; /* "cluster.local" */
	uint32_t ttl; /* seconds, ≤ ZONE_TTL_MAX */
	struct zone_ttl ttls[ZONE_TTLS]; /* where it is another */
	enum zone_pods pods;
	/*
	 * Reverse zones that are ours: networks ("10.96.0.0/16") or the whole domains
	 * ("in-addr.arpa", "ip6.arpa"). An address that has a name is answered in any case; what is
	 * in none of these and has no name is somebody else's.
	 */
	const char *const *reverse;
	size_t n_reverse;
	/* In our reverse zones too, an address without a name is somebody else's (fallthrough). */
	bool reverse_fallthrough;
	/* The same for names of the domain that do not exist. */
	bool fallthrough;
	/* Only these namespaces have names (namespaces); none: all of them. */
	const char *const *namespaces;
	size_t n_namespaces; /* ≤ ZONE_NAMESPACES_MAX */
	/* Endpoints have no names, headless Services neither (noendpoints). */
	bool no_endpoints;
	/* A ClusterIP Service without ready endpoints does not exist (ignore empty_service). */
	bool ignore_empty_service;
	/* Endpoints without a hostname are called like their pod (endpoint_pod_names). */
	bool endpoint_pod_names;
	/*
	 * Headless Services have ZONE.pin._zone.SERVICE, their endpoints in that topology zone, and
	 * ZONE.prefer._zone.SERVICE, those or, if there are none, all of them (zonal).
	 */
	bool zonal;
	/*
	 * "clusterset.local": a second zone, of Services of other clusters (ServiceImport), whose
	 * endpoints are called ENDPOINT.CLUSTER.SERVICE (multicluster). NULL: none.
	 */
	const char *clusterset_domain;
	/* The wall clock for latencies; NULL: the system's. */
	const struct clock *clock;
};

/*
 * Returns 0, or ZONE_BAD_CONFIG with one line in `ret_message` that says which value is wrong and
 * why.
 */
enum { ZONE_BAD_CONFIG = 1 };
int zone_new(const struct zone_config *config, struct zone **ret, char ret_message[ZONE_MESSAGE]);

/* No reader and no image may be left. NULL is fine; returns NULL. */
struct zone *zone_free(struct zone *zone);

/*
 * The kinds that zone_change() wants to hear of; writes at most ZONE_KINDS_MAX, returns how many.
 */
enum { ZONE_KINDS_MAX = 5 };
size_t zone_kinds(const struct zone *zone, const struct kind *ret_kinds[ZONE_KINDS_MAX]);

/*
 * One change of an object, with the signature and the meaning of cache_subscribe()'s callback:
 * `zone` is the userdata, `old` NULL: appeared, `now` NULL: removed. Objects are borrowed for the
 * call. An object that makes no sense (a bad address, a name that is no label) loses just the part
 * that makes none.
 */
void zone_change(void *zone, struct object *old, struct object *now);

/*
 * What zone_change() needs to be given back as `old`, far smaller than the object: a new reference,
 * for cache_keep(). Its tree has little in it.
 */
struct object *zone_keep(struct object *object);

/*
 * Everything that existed at the start has been fed in: from now on what is absent is known to be
 * absent. Until then such a name is answered with SERVFAIL.
 */
void zone_synced(struct zone *zone);

/*
 * Everything up to this revision (resourceVersion) of the API has been fed in. To be said at the
 * start, before zone_synced(): the serial number, which is the revision of the last change, does
 * not go back then.
 */
void zone_set_revision(struct zone *zone, uint64_t revision);

/*
 * The addresses this server is reached at, for the NS records (ns.dns.DOMAIN, or the Services that
 * have one of them). At most ZONE_OWN_MAX; the rest is ignored, and so are 0.0.0.0 and ::.
 */
void zone_set_own(struct zone *zone, const struct ip *addresses, size_t n);

struct zone_stats {
	size_t namespaces;
	size_t services;
	size_t endpoints; /* ready addresses in slices that belong to a published Service */
	size_t addresses; /* with a reverse name */
	size_t images; /* that are open, for zone transfers */
	size_t kept; /* bytes that were replaced since and are kept for them */
	uint32_t serial;
	bool synced;
};
void zone_stats(const struct zone *zone, struct zone_stats *ret);
