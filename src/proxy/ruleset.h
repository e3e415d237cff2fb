/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What Services ask of the packets of one node, as text for `nft -f -`: one table of ours, "inet
 * headlessd", that nobody else touches. Pure: no kernel, no clock; one thread.
 *
 * A packet of a new connection is looked up once, by address, protocol and port, whatever the
 * number of Services. What the kernel has is remembered, so a change costs what it touches: a
 * transaction holds the chains and elements that differ, and all of it when `whole` is asked for.
 * The text follows from its input alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"

struct buffer;
struct cache;
struct object;
struct ruleset;

enum { RULESET_NETWORKS = 2 };

struct ruleset_config {
	/* This node: its endpoints are local, its pods' host ports are served. "": none is. */
	const char *node_name;
	/*
	 * The networks of all pods of the cluster; what comes from elsewhere to a cluster address
	 * is masqueraded, and so is what leaves them.
	 */
	struct ip_network pods[RULESET_NETWORKS];
	size_t n_pods;
	/*
	 * Answers that a bridge carries from pod to pod are not seen by the kernel's tracking (no
	 * bridge-nf-call-iptables): connections between pods by way of a Service are masqueraded.
	 */
	bool masquerade_pods;
};

struct ruleset *ruleset_new(const struct ruleset_config *config);
struct ruleset *ruleset_free(struct ruleset *ruleset); /* NULL is fine; returns NULL */

/*
 * Something about this Service may have changed: itself, or its endpoint slices. Both are read from
 * the cache, which holds them whole; one that is not there (any more) has no rules.
 */
void ruleset_service(struct ruleset *ruleset, const struct cache *cache, struct str space,
		     struct str name);

/* A pod is as `pod` says, or (NULL) gone. */
void ruleset_pod(struct ruleset *ruleset, struct str space, struct str name, struct object *pod);

/* A transaction would not be empty. */
bool ruleset_is_changed(const struct ruleset *ruleset);

/*
 * Appends the next transaction; from now on the kernel is taken to have what it says. `whole`: in
 * one stroke in place of all that there is in the table; else just what has changed.
 */
void ruleset_transaction(struct ruleset *ruleset, bool whole, struct buffer *out);

/* Appends a transaction that leaves no table of ours, whether there is one or not. */
void ruleset_cleanup(struct buffer *out);

/*
 * ---- UDP ----
 *
 * The kernel remembers where it sent a client's first packet for as long as packets come, so a flow
 * would stay with an endpoint that is gone (or miss a Service that has appeared).
 */

/* Since ruleset_udp_done() the fate of some flow may have changed. */
bool ruleset_udp_is_changed(const struct ruleset *ruleset);
void ruleset_udp_done(struct ruleset *ruleset);

/* A flow as the kernel tracks it: where the client sends, and who answers. */
struct udp_flow {
	struct ip to;
	struct ip from;
	uint16_t to_port;
	uint16_t from_port;
};

/* It goes where no rule would send it now, and is to be forgotten. */
bool ruleset_udp_is_stale(const struct ruleset *ruleset, const struct udp_flow *flow);

/* ---- for metrics ---- */

size_t ruleset_services(const struct ruleset *ruleset); /* that have rules */
