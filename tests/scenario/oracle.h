/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What DNS must say, computed from the API's objects alone and from the Kubernetes DNS
 * specification, by the simplest means: every pod against every service. It shares no line with the
 * controllers and the zone, so that they cannot be wrong together.
 */

#include <stdbool.h>

#include <jansson.h>

struct world;

/* All objects of one instant: the items of a list a kind. */
struct snapshot {
	json_t *namespaces;
	json_t *nodes;
	json_t *services;
	json_t *pods;
	json_t *slices;
	json_t *endpoints;
	json_t *stateful_sets;
	json_t *deployments;
	json_t *replica_sets;
	json_t *revisions;
};

void snapshot_take(struct world *world, struct snapshot *ret);
void snapshot_deinit(struct snapshot *snapshot);

/* The first of `list` with this namespace ("": none) and name, borrowed; NULL. */
const json_t *snapshot_find(const json_t *list, const char *space, const char *name);

/* Whether a Service has its endpoints made from a selector. */
bool service_is_selecting(const json_t *service);

/* Whether a Service's selector matches a pod of its namespace. */
bool service_selects_pod(const json_t *service, const json_t *pod);

/* Whether a pod that is selected is an endpoint at all, and whether DNS shows it. */
bool pod_is_shown(const json_t *pod);
bool pod_is_answering(const json_t *service, const json_t *pod);
bool pod_is_ready_now(const json_t *pod);

/*
 * {"web.default.svc.cluster.local": {"A": {"10.0.0.1": true}, …}, "1.0.0.10.in-addr.arpa": {"PTR":
 * …}}: every name that exists, with what it has. SRV data is "PORT TARGET". New reference.
 */
json_t *oracle_names(const struct snapshot *snapshot);

/* What world_dig() must give for a name and "A", "AAAA", "PTR" or "CNAME". Good until the next
 * call. */
const char *oracle_answer(const json_t *names, const char *name, const char *type);
