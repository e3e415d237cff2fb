/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names with a random end, where a controller must know the name before the API answers. */

#include "base/str.h"
#include "client/reconcile.h"

/*
 * "BASE-xxxxx" with five characters from the view's randomness, cut as generateName does; a heap
 * string owned by the caller.
 */
char *generate_name(const struct view *view, struct str base);
