/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What pods ask of a node, as numbers. Pure. */

#include <stdint.h>

#include <jansson.h>

#include "object/object.h"

/* Thousandths of a quantity ("500m" is 500, "1Ki" is 1024000), saturating; 0 when it is none. */
int64_t resource_milli(const char *quantity);

/* The same of a JSON value: text, or a whole number. */
int64_t resource_number(const json_t *quantity);

/*
 * What the pod requests, each resource's thousandths by name: the sum of its containers, or an init
 * container's when that is more, and the overhead. New reference.
 */
json_t *resource_requests(struct object *pod);

/* Adds the numbers of `more` to those of `sum`. */
void resource_add(json_t *sum, const json_t *more);
