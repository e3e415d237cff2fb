/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The agent's parts: agent.c brings pods and runtime together, agent_node.c keeps the Node. */

#include "base/map.h"
#include "node/agent.h"
#include "node/pod_intern.h"

struct log_rotation;
struct runner;

struct agent {
	struct agent_config config;
	struct pod_world world;
	struct timetable *timetable;
	struct runner *runner;
	struct log_rotation *rotation;
	struct map pods; /* uid -> struct pod */
	struct alarm retry; /* of asking the runtime */
	Runtime__V1__ListPodSandboxResponse *seen; /* while looking */
	char runtime_version[96]; /* "containerd://1.6.20" */
	bool synced; /* the API's pods are known */
	bool connected; /* the runtime's events are heard */
	bool asking; /* calls to the runtime under way */
	bool network_ready;
	bool runtime_ready;
	bool looked; /* what the runtime has is known */
	bool told_ready;
	int64_t started_at; /* ns since 1970 */
	bool ended; /* being freed: answers are of no use */
	size_t calls;
};

/* ---- agent.c ---- */

/* The node may take pods. */
bool agent_is_ready(const struct agent *agent);

/* ---- agent_lookup.c ---- */

/* Shows the rotation the logs of all containers; false: no pod may run. */
bool agent_visit_logs(void *agent, struct log_rotation *rotation);

/* ---- agent_node.c ---- */

/* Registers the node's controllers with the runner. */
void agent_node_add(struct agent *agent);
/* What the Node says may have changed. */
void agent_node_changed(struct agent *agent);
