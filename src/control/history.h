/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The revision history of a workload as ControllerRevisions: every pod template it had, named
 * OWNER-HASH and counted up, so that pods can be told apart by template and a rollback finds what
 * it goes back to. The data of a revision is the strategic merge patch that brings its template
 * back ({"spec":{"template":{…,"$patch":"replace"}}}), which is what `kubectl rollout undo`
 * applies.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "client/reconcile.h"
#include "control/object_list.h"

struct selector;

struct history {
	struct object_list revisions; /* the owner's, lowest number first */
	char *update; /* name of the revision that has the owner's template; owned */
	char *current; /* name of the revision the status calls current, else update; owned */
	const json_t *current_template; /* borrowed from the view */
	int64_t collisions; /* status.collisionCount, counted on */
};

void history_deinit(struct history *history);
#define _cleanup_history_ __attribute__((cleanup(history_deinit)))

/*
 * Reads the history of `owner` and plans what it needs so that its spec.template has a revision
 * with the highest number: create one, or count an equal old one up. Returns 0 with `ret` filled
 * (and to be deinitialised), or HISTORY_CHANGED when orphaned revisions are adopted first.
 */
enum { HISTORY_CHANGED = 1 };
int history_sync(const struct view *view, struct object *owner, const struct selector *selector,
		 struct plan *plan, struct history *ret);

/*
 * Plans removal of the oldest revisions beyond spec.revisionHistoryLimit. Those that are current,
 * to be updated to, or named by the label of one of `pods` don't count and stay.
 */
void history_truncate(const struct history *history, struct object *owner,
		      const struct object_list *pods, struct plan *plan);

/* The label of a pod that names its revision. */
#define HISTORY_LABEL "controller-revision-hash"
