/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Services and the pods that they select, both ways, without looking at all of either: pods are
 * indexed by each of their labels, services by one term of their selector. And what an endpoint
 * says of a pod. https://kubernetes.io/docs/concepts/services-networking/service/
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/ip.h"
#include "client/reconcile.h"
#include "control/object_list.h"

/* controller.prepare of whoever uses the functions below. */
void service_pods_prepare(struct cache *cache);

/* Gets endpoints from the controllers: has a selector and is not of type ExternalName. */
bool service_selects(struct object *service);

/* spec.clusterIP is "None" or not there: no virtual address. */
bool service_is_headless(struct object *service);

/* The pods it selects, in name order, appended. */
void service_pods(const struct cache *cache, struct object *service, struct object_list *ret);

/* The same of one pod. */
bool service_takes_pod(struct object *service, struct object *pod);

/*
 * For sources: keys of the services that a change of a pod concerns. A change that no endpoint
 * shows concerns none.
 */
void service_keys_of_pod(const struct cache *cache, struct object *old, struct object *now,
			 struct key_sink *sink);

/* For sources: the same for a node, whose zone endpoints carry. */
void service_keys_of_node(const struct cache *cache, struct object *old, struct object *now,
			  struct key_sink *sink);

/* ---- a pod as an endpoint ---- */

/* Has an address and is not finished; a pod that is being deleted only with `terminating`. */
bool pod_is_endpoint(struct object *pod, bool terminating);

/* The pod's address of a family (4 or 16 bytes), or its first with `n` 0. False: it has none. */
bool pod_address(struct object *pod, uint8_t n, struct ip *ret);

/*
 * Its DNS label below the service: spec.hostname if spec.subdomain is the service's name, else "".
 */
const char *pod_hostname(struct object *pod, struct object *service);

/*
 * The service's ports as this pod has them, named target ports resolved, those it does not have
 * left out: [{"name","port","protocol"[,"appProtocol"]}] sorted by name, port and protocol. New
 * reference.
 */
json_t *pod_ports(struct object *pod, struct object *service);

/*
 * The same where it is the same for every pod, because no target port has a name; NULL where it
 * depends on the pod. New reference.
 */
json_t *service_pod_ports(struct object *service);

/* {"kind":"Pod","namespace","name","uid"}; new reference. */
json_t *pod_reference(struct object *pod);

/* When its Ready condition changed last, as text; "" unknown. */
const char *pod_ready_changed(struct object *pod);
