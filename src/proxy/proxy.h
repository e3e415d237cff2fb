/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The service proxy of one node: hears of Services, endpoint slices and this node's pods, and keeps
 * the kernel's rules in step (ruleset.h). Needs root, or CAP_NET_ADMIN. Loop's thread.
 *
 * The first change is carried out at once; while nft runs, and for a moment after it began, more
 * are gathered. When nft refuses something, everything is told anew, with a pause that doubles.
 * Rules stay when the proxy goes: connections are served on, by the next one, too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

struct cache;
struct loop;
struct proxy;

enum { PROXY_NETWORKS = 2 };

struct proxy_config {
	struct loop *loop;
	struct cache *cache; /* for us alone; nobody has wanted anything of it yet */
	const char *node_name; /* "": no node of the cluster: no endpoint is local */
	struct ip_network pods[PROXY_NETWORKS];
	size_t n_pods;
	/* The rules are in the kernel for the first time. May be NULL. */
	void (*ready)(void *userdata);
	void *userdata;
};

/* All of `config` but strings is borrowed and outlives the proxy. */
struct proxy *proxy_new(const struct proxy_config *config);

/* The cache must not tell it anything any more. NULL is fine; returns NULL. */
struct proxy *proxy_free(struct proxy *proxy);

/* ---- for metrics ---- */

/* Bounds of buckets as kube-proxy's, seconds. */
enum { PROXY_PROGRAMMING_BUCKETS = 15 };
extern const double proxy_programming_bounds[PROXY_PROGRAMMING_BUCKETS];

struct proxy_metrics {
	/*
	 * From the moment that an endpoint slice names as the cause of its last change until the
	 * rules were in the kernel; single buckets, the last for what took longer.
	 */
	uint64_t programming[PROXY_PROGRAMMING_BUCKETS + 1];
	double programming_sum; /* seconds */
	uint64_t transactions;
	uint64_t failures; /* of them */
	uint64_t forgotten_flows; /* UDP, whose endpoint had gone */
	size_t services; /* with rules */
	bool in_step; /* the kernel has what is wanted */
};
void proxy_metrics(const struct proxy *proxy, struct proxy_metrics *ret);
