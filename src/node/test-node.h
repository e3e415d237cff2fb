/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A node for tests: an agent between a fake API server and a fake runtime, in virtual time. All
 * pods are in namespace "ns" and bound to the node "n1".
 */

#include "base/clock.h"
#include "client/fake.h"
#include "node/agent.h"
#include "node/fake_runtime.h"

struct node {
	struct clock_manual clock;
	struct loop *loop;
	struct fake *api;
	struct fake_runtime *fake;
	struct runtime *runtime;
	struct cache *cache;
	struct agent *agent;
	struct node_config config;
	bool wait_for_config; /* containers lack something */
	bool wait_for_volumes;
	unsigned removals; /* of pods' volumes */
	int knock_status; /* what HTTP probes get; 0: nobody listens */
	char knocked[64]; /* "ADDRESS:PORT" of the last */
	unsigned ready; /* how often the agent said so */
};

struct node *node_start(void);
void node_stop(struct node *node);

/* The agent is killed and started again; the runtime and the API go on. */
void node_kill_agent(struct node *node);
void node_start_agent(struct node *node);

/* Lets everything happen that happens within `seconds`. */
void node_run(struct node *node, uint64_t seconds);

/* A pod of one container "web" with what `spec` (JSON with ' for ") adds or replaces. */
void node_put_pod(struct node *node, const char *name, const char *spec);
const json_t *node_pod(struct node *node, const char *name);

/* Of the pod's status. */
const char *node_phase(struct node *node, const char *name);
const char *node_condition(struct node *node, const char *name, const char *type);
/* Of a container's status: "state.running.startedAt", "restartCount"; borrowed, NULL when absent.
 */
const json_t *node_container(struct node *node, const char *name, const char *container,
			     const char *path);
/* Text at such a path; "" when absent. */
const char *node_text(struct node *node, const char *name, const char *container, const char *path);
int64_t node_restarts(struct node *node, const char *name, const char *container);

/* How often (counts added) an event of this reason was told, whose message holds `part`. */
size_t node_events(struct node *node, const char *reason, const char *part);
