/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What pods ask of a node, as numbers. Pure. */

#include <stdint.h>

#include <jansson.h>

#include "object/object.h"

/*
 * What the pod requests, each resource's thousandths by name: the sum of its containers, or an init
 * container's when that is more, and the overhead. New reference.
 */
json_t *resource_requests(struct object *pod);

/* Adds the numbers of `more` to those of `sum`. */
void resource_add(json_t *sum, const json_t *more);
