/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How long names took to follow what they are made of: from the moment that a slice names as the
 * cause of its last change until the zone published it (Kubernetes SLI "DNS programming latency").
 */

#include <stddef.h>
#include <stdint.h>

struct object;
struct service;
struct zone;

enum zone_service_kind {
	ZONE_SERVICE_CLUSTER_IP,
	ZONE_SERVICE_HEADLESS, /* with a selector */
	ZONE_SERVICE_HEADLESS_BY_HAND, /* without */
	ZONE_SERVICE_KINDS,
};

enum { ZONE_PROGRAMMING_BUCKETS = 20 };

/* Bucket `i` counts what took at most 1 ms · 2^i, the last what took longer. */
struct zone_programming {
	uint64_t buckets[ZONE_PROGRAMMING_BUCKETS + 1];
	uint64_t sum; /* ns */
};

/* So far, since the zone was synced. Control thread. */
const struct zone_programming *zone_programming(const struct zone *zone,
						enum zone_service_kind kind);

/* For the zone: the EndpointSlice `object` of `service` was just published. */
void zone_programmed(struct zone *zone, const struct service *service, struct object *object);
