/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Owners and what they control: references, adoption of orphans that a selector matches, release of
 * what it no longer matches, and which keys a change concerns.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
 */

#include <stdbool.h>

#include <jansson.h>

#include "client/reconcile.h"
#include "control/object_list.h"
#include "object/object.h"
#include "object/selector.h"

struct kind;

/* An ownerReference to `owner` with controller and blockOwnerDeletion; new reference. */
json_t *owner_reference(struct object *owner);

/* The compiled spec.selector of a workload; NULL when it is empty or cannot be compiled. */
struct selector *owner_selector(struct object *owner);

/* Sets up what owner_claim() reads of `kind`: for controller.prepare. */
void owner_prepare(struct cache *cache, const struct kind *kind);

/* `object` is controlled by `owner` (by uid). */
bool owner_controls(struct object *owner, struct object *object);

/*
 * Gathers what `owner` controls among the objects of `kind`, in name order, and plans adoption of
 * matching orphans that `may_adopt` (NULL: any) lets pass, and release of what no longer matches.
 * An owner that is being deleted neither adopts nor releases. Returns 0 with `ret` filled, or
 * OWNER_CHANGED when the plan changes ownership: the caller then plans nothing that depends on it,
 * the change brings the key back.
 */
enum { OWNER_CHANGED = 1 };
int owner_claim(const struct view *view, struct object *owner, const struct kind *kind,
		const struct selector *selector,
		bool (*may_adopt)(struct object *owner, struct object *orphan), struct plan *plan,
		struct object_list *ret);

/*
 * For a source's keys(): the controllers of kind `owner_kind` that a change of a dependent
 * concerns: the one named before, the one named now, and for an orphan those whose selector matches
 * it.
 */
void owner_keys(const struct cache *cache, struct object *old, struct object *now,
		const struct kind *owner_kind, struct key_sink *sink);
