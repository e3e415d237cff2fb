/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Simulated nodes: what a cluster's machines would do, without containers. They register, keep a
 * lease, give every pod that is bound to them an address out of their pod network, say that its
 * containers run, and end it when it is deleted. They are controllers on the same runner as the
 * others and act through the API alone, like kubelets. Control thread only.
 */

#include <stddef.h>

struct runner;
struct simulated;

enum { SIMULATED_MESSAGE = 256 };

/* All borrowed for the call of simulated_new(). */
struct simulated_settings {
	/* How many: node01, node02, … node10, …; 1 to LIMIT_SIMULATED_NODES. */
	size_t nodes;
	/*
	 * The cluster's pod network, one CIDR or two of different families with a comma; the first
	 * family is the first of a pod's addresses. Every node gets a /24 (IPv4) and a /64 (IPv6)
	 * of it, which its Node object keeps in spec.podCIDRs.
	 */
	const char *pod_cidr;
	/* Of this program, as `headlessd version` says it. */
	const char *version;
};

/*
 * Returns 0, or -EINVAL after writing one line for people into `ret_message`: not a CIDR, too small
 * for that many nodes, two of one family.
 */
int simulated_new(const struct simulated_settings *settings, char ret_message[SIMULATED_MESSAGE],
		  struct simulated **ret);
struct simulated *simulated_free(struct simulated *simulated); /* NULL is fine; returns NULL */

/* Adds their controllers to a runner that is not started yet; `simulated` outlives it. */
void simulated_add(struct simulated *simulated, struct runner *runner);
