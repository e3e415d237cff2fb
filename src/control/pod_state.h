/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a pod is right now, in the words that controllers use. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "object/object.h"

/*
 * All that endpoints and workloads need of a pod, taken from it once for each of its versions: a
 * Service of thousands of pods is looked at as a whole with every change of one of them.
 */
enum pod_text {
	POD_PHASE, /* "" when it is not set yet */
	POD_NODE,
	POD_HOSTNAME,
	POD_SUBDOMAIN,
	POD_READY_CHANGED, /* lastTransitionTime of the Ready condition */
	POD_TEXTS,
};

struct pod_facts {
	const char *text[POD_TEXTS]; /* "" when absent */
	int64_t ready_since; /* ns since 1970; INT64_MAX: not ready */
	bool ready; /* the Ready condition is True */
	bool finished;
	uint8_t n_ips;
	struct ip ips[2]; /* its first address, and the first of the other family */
	char bytes[]; /* of the texts */
};

/* Good as long as the pod. */
const struct pod_facts *pod_facts(struct object *pod);

/* "Pending" when the phase is not set yet. */
const char *pod_phase(struct object *pod);

/* Failed or Succeeded: will not run again. */
bool pod_is_finished(struct object *pod);

/* Neither finished nor being deleted: counts as a replica. */
bool pod_is_active(struct object *pod);

/* Its Ready condition is True. */
bool pod_is_ready(struct object *pod);

bool pod_is_running_and_ready(struct object *pod);

/* When the Ready condition became True, ns since 1970; INT64_MAX when the pod is not ready. */
int64_t pod_ready_since(struct object *pod);

/*
 * Nanoseconds until the pod, if it stays ready, has been so for `min_ready_seconds`: 0: is
 * available now; POD_NOT_READY: not ready.
 */
#define POD_NOT_READY UINT64_MAX
uint64_t pod_available_in(struct object *pod, int64_t min_ready_seconds, int64_t now);

/* spec.nodeName; "" when not bound. */
const char *pod_node(struct object *pod);
