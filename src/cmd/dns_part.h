/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * DNS as a part of a process: the zone fed from a cache, the resolver for names outside, the
 * workers, and the metrics of all three.
 */

#include "cmd/options.h"

struct buffer;
struct cache;
struct dns_resolver;
struct dns_server;
struct zone;

struct dns_part_config {
	const char *domain;
	uint32_t ttl;
	const int64_t *ttls; /* by enum zone_ttl_kind; negative: as ttl says */
	unsigned workers; /* 0: one a core */
	const struct option_listens *listen;
	const struct option_list *upstreams; /* none: those of /etc/resolv.conf */
	const char *networks[4]; /* of Services and pods, up to the first NULL: the reverse zones */
};

struct dns_part {
	struct zone *zone;
	struct dns_resolver *resolver;
	struct dns_server *server;
	bool started;
};

/*
 * Opens the sockets and begins to build the zone from `cache`; answers begin with dns_part_start().
 * Returns 0, or a negative errno after one line on standard error. On failure dns_part_stop()
 * cleans up.
 */
int dns_part_open(struct dns_part *part, const struct dns_part_config *config, struct cache *cache);

/* The cache is synced: whatever is absent now is known to be absent. Starts the workers. */
int dns_part_start(struct dns_part *part);

/* The cache and its subscriptions must not run any more. */
void dns_part_stop(struct dns_part *part);

/* A source for ops/metrics.h. */
void dns_part_metrics(void *userdata, struct buffer *out);
