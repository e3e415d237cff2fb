/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Quantities: amounts of a resource as text ("500m", "1.5Gi", "12e6"), as in
 * k8s.io/apimachinery/pkg/api/resource. Pure.
 */

#include <stdbool.h>

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
