/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What claims, volumes and pods have to do with one another. Pure. */

#include <stdbool.h>

#include <jansson.h>

#include "client/reconcile.h"
#include "object/object.h"

struct buffer;

/* Of a claim, by the scheduler: the node of the first pod that needs it. */
#define ANNOTATION_SELECTED_NODE "volume.kubernetes.io/selected-node"

/*
 * Calls `each` with the name of every claim that the pod's volumes need (those of ephemeral volumes
 * too).
 */
void claim_names(struct object *pod,
		 void (*each)(void *userdata, struct object *pod, const char *name),
		 void *userdata);

/* The claim is named by an ephemeral volume of the pod, and is not the pod's own. */
bool claim_is_strange(struct object *pod, struct object *claim);

/* Pods by "namespace/claim": for controller.prepare, and cache_for_index(). */
#define CLAIM_PODS "claim"
void claim_prepare(struct cache *cache);

/* The volume that a bound claim has; NULL when it is not bound, or its volume is not there. */
struct object *claim_volume(const struct cache *cache, struct object *claim);

/* Its class says to wait for a pod's node. */
bool claim_waits_for_pod(const struct cache *cache, struct object *claim);

/* The node can reach the volume. */
bool volume_is_reachable(struct object *volume, struct object *node);

/* One of the node selector's terms holds; no selector: true. */
bool node_matches(struct object *node, const json_t *selector);
