/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of the simulated nodes: register.c keeps Node objects and leases, simulated.c runs the
 * pods, pod_status.c words what a pod's status says, pod_ip.c hands out addresses, host_ports.c
 * tells whose ports collide.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/ip.h"
#include "base/map.h"
#include "client/reconcile.h"
#include "node/simulated.h"
#include "object/object.h"

enum {
	SIMULATED_FAMILIES = 2,
	NODE_NAME_TEXT = 32,
};

struct simulated {
	size_t n_nodes;
	struct ip_network pods[SIMULATED_FAMILIES];
	struct ip_network hosts[SIMULATED_FAMILIES]; /* the nodes' own addresses */
	size_t n_families;
	char *version;
	/*
	 * Where each node looks next for a free pod address, so that one is not given again at
	 * once. A hint: whether an address is free is always asked of the cache.
	 */
	uint64_t *cursors;
};

/* What a view of these controllers has as settings. */
static inline const struct simulated *view_simulated(const struct view *view)
{
	return view->settings;
}

/* ---- register.c ---- */

extern const struct controller controller_simulated_nodes; /* its one key is SIMULATED_KEY */
extern const struct controller controller_simulated_leases;
#define SIMULATED_KEY "nodes"

/* "node01" of 0. */
void node_name(size_t index, char ret_name[NODE_NAME_TEXT]);

/* Whether `name` is one of ours, and which. */
bool node_index(const struct simulated *simulated, struct str name, size_t *ret_index);

/* The node's own address of a family (index as in simulated->hosts). */
struct ip node_address(const struct simulated *simulated, size_t index, size_t family);

/* ---- host_ports.c ---- */

/* Another pod of its node has a host port that this one asks for. */
bool host_ports_are_taken(const struct cache *cache, struct object *pod);

/* ---- pod_ip.c ---- */

void pod_ip_prepare(struct cache *cache);

/* What one reconcile has given out already. */
struct pod_ips {
	const struct view *view;
	struct object *node;
	size_t index;
	struct map given; /* text -> the struct itself */
};

void pod_ips_init(struct pod_ips *ips, const struct view *view, struct object *node, size_t index);
void pod_ips_deinit(struct pod_ips *ips);

/*
 * An address of each family of the node's pod networks, as status.podIPs ([{"ip":…}…], new
 * reference); NULL when some family has none left.
 */
json_t *pod_ips_take(struct pod_ips *ips);

/* An older pod has one of this pod's addresses. */
bool pod_ip_is_taken(const struct cache *cache, struct object *pod);

/* ---- pod_status.c ---- */

/* All new references: a whole status, to be merged into the one that stands. */
json_t *pod_status_running(const struct view *view, struct object *pod, json_t *pod_ips,
			   json_t *host_ips);
/* The containers have ended: `phase` Failed with a reason, or Succeeded. */
json_t *pod_status_ended(const struct view *view, struct object *pod, const char *phase,
			 const char *reason, const char *message);
/* Ready as the readiness gates ask; NULL when it stands so, or the pod has none. */
json_t *pod_status_gates(const struct view *view, struct object *pod);

/* Its containers do not run, for the reason given, and never did. */
json_t *pod_status_rejected(const struct view *view, const char *reason, const char *message);

/* Has an address. */
bool pod_has_address(struct object *pod);
/* Failed or Succeeded. */
bool pod_has_ended(struct object *pod);
/* When it started, ns since 1970; 0: it has not. */
int64_t pod_start_time(struct object *pod);
