/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between the files of the scheduler. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buffer.h"
#include "client/reconcile.h"
#include "control/object_list.h"
#include "object/object.h"

/* A node with the pods that are on it, and those that this plan puts there. */
struct place {
	struct object *node;
	struct object_list pods;
	json_t *used; /* thousandths by resource; owned */
};

/* A pod with required anti-affinity, and the number of the place where it is. */
struct averse {
	struct object *pod;
	size_t place;
};

struct places {
	const struct view *view;
	struct place *items;
	size_t n;
	struct averse *averse; /* those of all places */
	size_t n_averse;
	size_t size_averse;
};

/* ---- scheduler_fit.c: what one node says ---- */

/*
 * Why the pod cannot run at `place`, as upstream words it ("Too many pods"), appended to `reason`;
 * nothing when it can.
 */
void place_refuses(const struct place *place, struct object *pod, const json_t *requests,
		   struct buffer *reason);

/* How many PreferNoSchedule taints the pod does not tolerate. */
size_t place_deters(const struct place *place, struct object *pod);

/* ---- scheduler_volumes.c: what the pod's claims say ---- */

void volumes_refuse(const struct places *places, const struct place *place, struct object *pod,
		    struct buffer *reason);

/*
 * Plans that claims which wait for a pod learn the node it is to run on; true while there are such:
 * the pod is bound when they are.
 */
bool volumes_await(const struct places *places, const struct place *place, struct object *pod,
		   struct plan *plan);

/* ---- scheduler_affinity.c: what other pods say ---- */

/* Notes that `pod` is at place number `i`, for what comes after. */
void places_note(struct places *places, size_t i, struct object *pod);

/* Affinity to other pods, and their aversion: the reason, or nothing. */
void places_refuse(const struct places *places, const struct place *place, struct object *pod,
		   struct buffer *reason);
