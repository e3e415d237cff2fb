/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Quantities: amounts of a resource as text ("500m", "1.5Gi", "12e6"), as in
 * k8s.io/apimachinery/pkg/api/resource. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/str.h"

struct buffer;

/*
 * Appends the canonical form of `text`: no fraction, the largest suffix of its family that loses
 * nothing ("0.5" -> "500m", "1.5Gi" -> "1536Mi", "1000m" -> "1"). What is finer than a nano is
 * rounded up. Returns false, with nothing appended, when `text` is no quantity or has more than 36
 * digits before the point.
 */
bool quantity_canonical(struct str text, struct buffer *out);

/* Compares two quantities in canonical form: < 0, 0 or > 0. What is none counts as zero. */
int quantity_compare(struct str a, struct str b);

/*
 * Thousandths of a quantity ("500m" is 500, "1Ki" is 1024000), saturating at INT64_MAX / 4; 0 when
 * it is none. The latter of a JSON value: text, or a whole number; NULL is 0.
 */
int64_t quantity_text_milli(const char *quantity);
int64_t quantity_milli(const json_t *quantity);
