/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where objects stand in the store: /registry/GROUP/RESOURCE/NAMESPACE/NAME, with "core" for the
 * group without a name and no NAMESPACE part for cluster-scoped kinds. A prefix ends in '/', so
 * that namespace "ns1" never shows what is in "ns10". Pure.
 */

#include <stdbool.h>

#include "base/buffer.h"
#include "base/str.h"
#include "object/schema.h"

/* Everything of `kind`, or of `kind` in `space` unless that is empty. */
void key_prefix(const struct kind *kind, struct str space, struct buffer *out);

void key_of(const struct kind *kind, struct str space, struct str name, struct buffer *out);

struct key_parts {
	const struct kind *kind;
	struct str space; /* empty: cluster-scoped */
	struct str name;
};

/* Takes a key apart (borrowed from it); false when it is none of ours. */
bool key_parts_of(struct str key, struct key_parts *ret);
