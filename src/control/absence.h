/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* When the cache may be believed that something is not there. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "client/reconcile.h"
#include "object/object.h"

struct kind;

/*
 * `object` names another of `kind` that the cache does not hold. Kinds are watched one by one, so
 * the other may only not have been seen yet: it is believed to be gone when the kind is known up to
 * the object's own revision, or when the object has been there for a while and the kind's source is
 * not lost. Returns 0 when it is gone, else after how many ns to ask again.
 */
uint64_t absence_doubt(const struct view *view, const struct kind *kind, struct object *object);

/* The namespace is being deleted: nothing can be created there. */
bool space_is_ending(const struct view *view, struct str space);
