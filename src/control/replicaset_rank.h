/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which pods of a ReplicaSet go first. */

#include <stdbool.h>

#include "client/reconcile.h"
#include "control/object_list.h"

/*
 * Sorts `pods`, those to be removed first in front: not bound, pending, not ready, lower
 * controller.kubernetes.io/pod-deletion-cost, more pods of the same Deployment on its node, ready
 * for a shorter time, more restarts, younger.
 */
void replicaset_rank(const struct view *view, struct object *set, struct object_list *pods);

/* Only pods that still count may be adopted. */
bool replicaset_may_adopt(struct object *set, struct object *pod);
