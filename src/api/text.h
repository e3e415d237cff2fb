/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pieces of an object's client text, found without parsing it. The text is our own writer's
 * (compact, apiVersion, kind and metadata first, the resourceVersion first in metadata), so a few
 * scans suffice. Pure.
 */

#include <stdint.h>

#include "base/buffer.h"
#include "base/str.h"

/* The value of "metadata", braces included. */
struct str text_metadata(struct str text);

/* The value of "metadata.labels", braces included; empty when there is none. */
struct str text_labels(struct str text);

/* Appends `text` with another resourceVersion. */
void text_with_revision(struct str text, uint64_t revision, struct buffer *out);
