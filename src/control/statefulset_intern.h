/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between the files of the StatefulSet controller. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "client/reconcile.h"
#include "control/history.h"
#include "object/object.h"

/* A pod of the set. */
struct set_pod {
	struct object *object;
	int64_t ordinal;
	bool terminating;
	bool ready; /* Running and Ready */
	bool available; /* ready, not terminating, and for minReadySeconds */
	bool updated; /* has the update revision */
	bool condemned; /* the plan removes it */
};

/* Everything one reconcile knows. */
struct set {
	const struct view *view;
	struct plan *plan;
	struct object *object;
	struct history history;
	int64_t start; /* spec.ordinals.start */
	int64_t replicas;
	int64_t min_ready; /* seconds */
	bool ordered; /* podManagementPolicy OrderedReady */
	bool rolling; /* updateStrategy RollingUpdate, else OnDelete */
	int64_t partition; /* how many of the lowest ordinals keep the current revision */
	struct set_pod *pods; /* by ordinal, lowest first */
	size_t n_pods;
	uint64_t requeue; /* ns until a ready pod becomes available; 0: none waits for that */
	size_t burst; /* pods created or removed by this plan */
};

/* ---- statefulset_pod.c ---- */

/*
 * The ordinal in a pod's name "SET-ORDINAL"; -1 when the name is no such.
 */
int64_t statefulset_ordinal(struct str set_name, struct str pod_name);

/* `pod` carries the identity of its ordinal: its labels, and volumes of the claims. */
bool statefulset_pod_matches(const struct set *set, const struct set_pod *pod);

/* Plans the pod of `ordinal` at the right revision, with its claims and events. */
void statefulset_create_pod(struct set *set, int64_t ordinal);

/*
 * Plans the claims of an ordinal: makes those that are missing, and says whom they go with.
 * `condemned` is its pod when that is scaled away; else NULL.
 */
void statefulset_sync_claims(struct set *set, int64_t ordinal, struct object *condemned);

/* Plans the labels of its identity back onto a pod. */
void statefulset_restore_pod(struct set *set, const struct set_pod *pod);

/* Plans the removal of a pod, with its event. */
void statefulset_delete_pod(struct set *set, struct set_pod *pod);

/* ---- statefulset_update.c ---- */

/* Plans the next step of a rolling update; all ordinals have their pods. */
void statefulset_update(struct set *set);

/* The status as it follows from what is there; new reference. */
json_t *statefulset_status(const struct set *set);
