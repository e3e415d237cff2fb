/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between the files of the Deployment controller. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "client/reconcile.h"
#include "object/object.h"

#define ANNOTATION_REVISION "deployment.kubernetes.io/revision"
#define ANNOTATION_HISTORY "deployment.kubernetes.io/revision-history"
#define ANNOTATION_DESIRED "deployment.kubernetes.io/desired-replicas"
#define ANNOTATION_MAX "deployment.kubernetes.io/max-replicas"
#define LABEL_TEMPLATE_HASH "pod-template-hash"

/* A ReplicaSet of the deployment. */
struct rollout_set {
	struct object *object; /* NULL: this plan creates it */
	char *name; /* owned */
	int64_t created; /* ns since 1970 */
	int64_t revision; /* of its annotation; 0: none */
	int64_t desired; /* its annotation; -1: none */
	int64_t max; /* its annotation; -1: none */
	int64_t replicas; /* spec.replicas as the plan leaves it */
	/* Of its status. */
	int64_t running;
	int64_t ready;
	int64_t available;
};

/* Everything one reconcile knows. */
struct rollout {
	const struct view *view;
	struct plan *plan;
	struct object *object;
	const json_t *tree;
	int64_t replicas; /* spec.replicas */
	int64_t max_surge; /* pods; 0 with Recreate */
	int64_t max_unavailable; /* pods; 0 with Recreate */
	int64_t deadline; /* progressDeadlineSeconds; 0: none */
	int64_t collisions;
	bool recreate;
	bool paused;
	struct rollout_set *sets; /* oldest first */
	size_t n_sets;
	struct rollout_set *fresh; /* the one with the deployment's template; NULL: none */
};

/* ---- deployment_set.c ---- */

/* Fills `sets` and `fresh` from the ReplicaSets that the deployment owns. */
struct object_list;
void rollout_take_sets(struct rollout *rollout, const struct object_list *owned);
void rollout_deinit(struct rollout *rollout);

/*
 * Sees to it that the newest ReplicaSet has the highest revision, the deployment's annotations and
 * minReadySeconds, and that the deployment shows that revision. With `create` it makes the
 * ReplicaSet when there is none.
 */
void rollout_sync_fresh(struct rollout *rollout, bool create);

/* Plans spec.replicas of a ReplicaSet (and its event); returns whether that is a change. */
bool rollout_scale_set(struct rollout *rollout, struct rollout_set *set, int64_t replicas);

/* Plans removal of old, empty ReplicaSets beyond spec.revisionHistoryLimit. */
void rollout_clean_up(struct rollout *rollout);

/* The sum of spec.replicas of all ReplicaSets, `fresh` among them or not. */
int64_t rollout_total(const struct rollout *rollout, bool with_fresh);

/* ---- deployment_scale.c ---- */

/* How many replicas the newest ReplicaSet may have now. */
int64_t rollout_fresh_size(const struct rollout *rollout);

/* One step of a rolling update; returns whether something was scaled. */
bool rollout_roll(struct rollout *rollout);

/* After a change of spec.replicas, or while paused: shares the change out. */
void rollout_share(struct rollout *rollout);

/* ---- deployment_status.c ---- */

/* Plans the status. `rolling`: progress is judged (not while scaling or paused). */
void rollout_plan_status(struct rollout *rollout, bool rolling);

/* Plans the status of a deployment whose ReplicaSet could not be created, with the reason. */
void rollout_plan_create_error(struct rollout *rollout, const char *set_name);

/* The status that stands says that the rollout is complete. */
bool rollout_is_complete(const struct rollout *rollout, const json_t *status);
