/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * DNS as a part of a process: the zone fed from a cache, the resolver for names outside, the
 * workers, and the metrics of all three.
 */

#include "base/str.h"
#include "cmd/operation.h"
#include "cmd/options.h"
#include "zone/zone.h"

struct buffer;
struct cache;
struct dns_resolver;
struct dns_server;
struct dnstap_config;
struct loop;
struct sandbox;

struct dns_part_config {
	const char *domain;
	uint32_t ttl;
	const int64_t *ttls; /* by enum zone_ttl_kind; negative: as ttl says */
	enum zone_pods pods;
	bool fallthrough;
	bool reverse_fallthrough;
	const char *const *namespaces; /* those that have names; none: all */
	size_t n_namespaces;
	bool no_endpoints;
	bool ignore_empty_service;
	bool endpoint_pod_names;
	bool zonal;
	const char *clusterset_domain; /* NULL: none */
	bool keep_little; /* the cache is for us alone: it holds just what the zone needs back */
	unsigned workers; /* 0: one a core */
	unsigned log_queries; /* enum query_class, beside what `operation` says */
	const struct dnstap_config *tap; /* NULL: none but what `operation` says */
	uint16_t udp_size; /* 0: the usual one */
	const struct operation *operation;
	const char
		*pod_networks[2]; /* networks of pods, which --rate-limit spares; NULL: not known */
	const char *listen_option; /* "--listen", for messages */
	const struct option_listens *listen;
	size_t n_early; /* the last so many of them need not be addresses of this machine yet */
	const struct option_list *upstreams; /* none: those of `resolv_conf` */
	const char *resolv_conf; /* NULL: /etc/resolv.conf */
	/* Networks and addresses that may have whole zones, besides those of `operation`. */
	const char *const *transfer_to;
	size_t n_transfer_to;
	struct loop *loop; /* of the calling thread; outlives the part */
	const char *networks[ZONE_REVERSE_MAX]; /* the reverse zones, up to the first NULL */
};

struct dns_part {
	const struct cache *cache;
	struct sandbox *sandbox; /* NULL: --no-sandbox */
	struct zone *zone;
	struct dns_resolver *resolver;
	struct dns_server *server;
	struct str settings; /* of the zone; zone_settings_handle() serves them */
	bool started;
};

/*
 * Opens the sockets and begins to build the zone from `cache`; answers begin with dns_part_start().
 * Returns 0, or a negative errno after one line on standard error. On failure dns_part_stop()
 * cleans up.
 */
int dns_part_open(struct dns_part *part, const struct dns_part_config *config, struct cache *cache);

/*
 * Answers begin: from what is known, and with SERVFAIL for what is not. Nothing happens when they
 * have begun already. Returns 0 or a negative errno.
 */
int dns_part_serve(struct dns_part *part);

/* The same once the cache is synced: whatever is absent now is known to be absent. */
int dns_part_start(struct dns_part *part);

/*
 * The threads of this part are in the sandbox (base/sandbox.h) from their beginning; the thread
 * that calls this is from now on, and what it starts. It has opened what needs privileges, and
 * allowed in `part->sandbox` what it will read. Says in one line of the log what is in force.
 */
void dns_part_confine(struct dns_part *part);

/* The same line where the calling thread stays as it is. */
void dns_part_tell_sandbox(const struct dns_part *part);

/* The cache and its subscriptions must not run any more. */
void dns_part_stop(struct dns_part *part);

/* A source for ops/metrics.h. */
void dns_part_metrics(void *userdata, struct buffer *out);
