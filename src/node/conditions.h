/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Conditions of pods and nodes: status.conditions, a list of {"type":…, "status":"True", …}. Times
 * are ns since 1970. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "object/object.h"

/* Borrowed; NULL when absent. */
json_t *pod_condition_find(const json_t *conditions, const char *type);
bool pod_condition_is_true(const json_t *conditions, const char *type);

/*
 * Sets one; lastTransitionTime moves only when the status does. `reason` "" for none (then the
 * message is left out, too).
 */
void pod_condition_set(json_t *conditions, int64_t now, const char *type, bool status,
		       const char *reason, const char *message);

/* The first of a pod's readiness gates that is not True, borrowed from the pod; NULL: none. */
const char *pod_condition_closed_gate(struct object *pod);

#define CONDITION_GATES_CLOSED "ReadinessGatesNotReady"

/* Ready of a pod whose containers are ready: as its readiness gates say. */
void pod_condition_set_ready(json_t *conditions, struct object *pod, int64_t now);

/* A kubelet's own conditions in its order, then those of others. Takes and returns a reference. */
json_t *pod_conditions_in_order(json_t *conditions);
