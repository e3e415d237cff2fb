/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of rollouts: never more than replicas + maxSurge pods are asked for, and old pods
 * go only as far as replicas - maxUnavailable stay available.
 * https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
 */
#include <stdlib.h>

#include "base/mem.h"
#include "control/deployment_intern.h"
#include "json/json.h"

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t rollout_fresh_size(const struct rollout *rollout)
{
	int64_t room = rollout->replicas + rollout->max_surge - rollout_total(rollout, true);
	int64_t has = rollout->fresh->replicas;

	if (rollout->recreate) {
		return rollout->replicas;
	}
	return room <= 0 ? has : has + least(room, rollout->replicas - has);
}

static bool scale_fresh(struct rollout *rollout)
{
	struct rollout_set *fresh = rollout->fresh;

	if (fresh->replicas == rollout->replicas) {
		return false;
	}
	return rollout_scale_set(rollout, fresh,
				 fresh->replicas > rollout->replicas ? rollout->replicas
								     : rollout_fresh_size(rollout));
}

/* Removes up to `most` pods that are not available from old ReplicaSets; returns how many. */
static int64_t scale_down_unhealthy(struct rollout *rollout, int64_t most)
{
	int64_t removed = 0;

	for (size_t i = 0; i < rollout->n_sets && removed < most; i++) {
		struct rollout_set *set = &rollout->sets[i];
		int64_t n = least(most - removed, set->replicas - set->available);

		if (set != rollout->fresh && n > 0) {
			rollout_scale_set(rollout, set, set->replicas - n);
			removed += n;
		}
	}
	return removed;
}

/* Removes old pods as far as enough others are available; returns how many. */
static int64_t scale_down_available(struct rollout *rollout)
{
	int64_t spare = -(rollout->replicas - rollout->max_unavailable);
	int64_t removed = 0;

	for (size_t i = 0; i < rollout->n_sets; i++) {
		/*
		 * Pods beyond what a set wants are about to go, whatever its status still counts.
		 */
		spare += least(rollout->sets[i].available, rollout->sets[i].replicas);
	}
	for (size_t i = 0; i < rollout->n_sets && removed < spare; i++) {
		struct rollout_set *set = &rollout->sets[i];
		int64_t n = least(spare - removed, set->replicas);

		if (set != rollout->fresh && n > 0) {
			rollout_scale_set(rollout, set, set->replicas - n);
			removed += n;
		}
	}
	return removed;
}

static bool scale_old(struct rollout *rollout)
{
	int64_t old = rollout_total(rollout, false);
	int64_t fresh_unavailable = rollout->fresh->replicas - rollout->fresh->available;
	int64_t most = rollout_total(rollout, true) -
		       (rollout->replicas - rollout->max_unavailable) - fresh_unavailable;

	if (old == 0 || most <= 0) {
		return false;
	}
	int64_t removed = scale_down_unhealthy(rollout, most);

	return scale_down_available(rollout) + removed > 0;
}

bool rollout_roll(struct rollout *rollout)
{
	return scale_fresh(rollout) || scale_old(rollout);
}

/* The only active ReplicaSet, or the newest when none is; NULL when several are. */
static struct rollout_set *single_active(const struct rollout *rollout)
{
	struct rollout_set *active = NULL;

	for (size_t i = 0; i < rollout->n_sets; i++) {
		if (rollout->sets[i].replicas > 0) {
			if (active != NULL) {
				return NULL;
			}
			active = &rollout->sets[i];
		}
	}
	if (active == NULL && rollout->fresh != NULL) {
		return rollout->fresh;
	}
	return active == NULL && rollout->n_sets > 0 ? &rollout->sets[rollout->n_sets - 1] : active;
}

/* What `set` gets of a change of the total, by its share of the pods it was last sized for. */
static int64_t share_of(const struct rollout *rollout, const struct rollout_set *set)
{
	int64_t total = rollout->replicas + rollout->max_surge;
	int64_t before = set->max > 0 ? set->max : json_int_at(rollout->tree, "status.replicas", 0);

	if (rollout->replicas == 0) {
		return -set->replicas;
	}
	return before <= 0 ? 0
			   : (2 * set->replicas * total + before) / (2 * before) - set->replicas;
}

/* Larger first; of the same size the newer first when there is something to add. */
static int compare_larger_newer(const void *a, const void *b)
{
	const struct rollout_set *first = *(const struct rollout_set *const *)a;
	const struct rollout_set *second = *(const struct rollout_set *const *)b;

	if (first->replicas != second->replicas) {
		return first->replicas > second->replicas ? -1 : 1;
	}
	return (first < second) - (first > second);
}

static int compare_larger_older(const void *a, const void *b)
{
	const struct rollout_set *first = *(const struct rollout_set *const *)a;
	const struct rollout_set *second = *(const struct rollout_set *const *)b;

	if (first->replicas != second->replicas) {
		return first->replicas > second->replicas ? -1 : 1;
	}
	return (first > second) - (first < second);
}

/* Shares `change` out among the active ReplicaSets in proportion; the largest takes the rest. */
static void share_change(struct rollout *rollout, int64_t change)
{
	struct rollout_set **active _cleanup_free_ =
		mem_alloc_array(rollout->n_sets + 1, sizeof(*active));
	int64_t *parts _cleanup_free_ = mem_alloc_array(rollout->n_sets + 1, sizeof(*parts));
	int64_t left = change;
	size_t n = 0;

	for (size_t i = 0; i < rollout->n_sets; i++) {
		if (rollout->sets[i].replicas > 0) {
			active[n++] = &rollout->sets[i];
		}
	}
	qsort(active, n, sizeof(*active), change > 0 ? compare_larger_newer : compare_larger_older);
	for (size_t i = 0; i < n && change != 0; i++) {
		int64_t part = share_of(rollout, active[i]);

		parts[i] = change > 0 ? least(part, left) : -least(-part, -left);
		left -= parts[i];
	}
	for (size_t i = 0; i < n; i++) {
		int64_t size = active[i]->replicas + parts[i] + (i == 0 ? left : 0);

		rollout_scale_set(rollout, active[i], size > 0 ? size : 0);
	}
}

void rollout_share(struct rollout *rollout)
{
	struct rollout_set *single = single_active(rollout);
	const struct rollout_set *fresh = rollout->fresh;

	if (rollout->n_sets == 0) {
		return;
	}
	if (single != NULL) {
		rollout_scale_set(rollout, single, rollout->replicas);
		return;
	}
	if (fresh != NULL && fresh->desired == rollout->replicas &&
	    fresh->replicas == rollout->replicas && fresh->available == rollout->replicas) {
		for (size_t i = 0; i < rollout->n_sets; i++) {
			if (&rollout->sets[i] != fresh && rollout->sets[i].replicas > 0) {
				rollout_scale_set(rollout, &rollout->sets[i], 0);
			}
		}
		return;
	}
	if (!rollout->recreate) {
		int64_t allowed =
			rollout->replicas > 0 ? rollout->replicas + rollout->max_surge : 0;

		share_change(rollout, allowed - rollout_total(rollout, true));
	}
}
