/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The agent of a node: registers it, keeps its lease and status, and runs the pods that are bound
 * to it through a runtime. One a process. What runs is left running when it ends, and taken over
 * when it comes back. Loop's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/kubelet.h"
#include "node/pod.h"

struct agent;
struct cache;
struct client;
struct clock;
struct loop;
struct probing;

/* All borrowed, outlives the agent. */
struct agent_config {
	struct loop *loop;
	struct client *client;
	struct cache *cache; /* holds nothing yet */
	const struct clock *clock;
	struct runtime *runtime; /* nobody listens to it yet */
	const struct node_config *node;
	const struct pod_making *making;
	void *making_data;
	const struct probing *probing;
	const char *version; /* of this program */
	uint16_t kubelet_port; /* 0: nobody serves there */
	/* Networks for its pods, up to the first NULL; none: the cluster gives them. */
	const char *pod_cidrs[3];
	/* Told when the networks of its pods are known, and when they change. */
	void (*network)(void *userdata, const char *const *cidrs);
	/* Told of every container or sandbox that something has become of; may be NULL. */
	void (*happened)(void *userdata, const char *id);
	/* Told once: the node is registered and ready. */
	void (*ready)(void *userdata);
	void *userdata;
};

struct agent *agent_new(const struct agent_config *config);

/* Pods go on without it. NULL is fine; returns NULL. */
struct agent *agent_free(struct agent *agent);

/* Where logs and streams are served from now on; the Node says so. */
void agent_serves_at(struct agent *agent, uint16_t port);

/* Where containers are, for the server of logs and streams; the agent is its userdata. */
extern const struct kubelet_lookup agent_lookup;

/* For tests with a clock of their own. */
bool agent_run_due(struct agent *agent);
uint64_t agent_next_due(const struct agent *agent);
struct runner *agent_runner(const struct agent *agent);
