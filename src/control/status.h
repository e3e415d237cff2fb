/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Status and conditions. A status is planned as the difference to the one that stands, so a
 * controller computes the whole and an unchanged one costs nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "client/reconcile.h"
#include "object/object.h"

/*
 * Plans what turns the object's status into `status` (reference stolen): a merge patch of the
 * status subresource, bound to the object's uid. Returns false, and plans nothing, when they are
 * equal.
 */
bool status_plan(struct plan *plan, struct object *object, json_t *status);

/* Puts a counter that Kubernetes leaves out when it is zero (omitempty). */
void status_count(json_t *status, const char *name, int64_t n);

/* The current time as conditions write it ("2006-01-02T15:04:05Z"); new reference. */
json_t *status_time(const struct view *view);

/* The time that stands at `path` of `tree`, in ns since 1970; `otherwise` when there is none. */
int64_t status_time_at(const json_t *tree, const char *path, int64_t otherwise);

/* The condition of `type` in an array of conditions (NULL is fine), borrowed; NULL for none. */
json_t *condition_find(const json_t *conditions, const char *type);
/* The condition's status is "True". */
bool condition_is_true(const json_t *conditions, const char *type);

struct condition {
	const char *type;
	const char *status; /* "True", "False", "Unknown" */
	const char *reason;
	const char *message;
	bool has_update_time; /* carries lastUpdateTime (Deployment) */
	bool has_probe_time; /* carries lastProbeTime, always null (Pod) */
};

/*
 * Puts `condition` at the end of `conditions` in place of the one of its type;
 * lastTransitionTime moves only with the status.
 */
void condition_set(const struct view *view, json_t *conditions, const struct condition *condition);

void condition_remove(json_t *conditions, const char *type);
