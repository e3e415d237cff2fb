/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The reverse side of the zone: from an address to the names that have it. A trie over the address'
 * nibbles, so that the empty non-terminals of in-addr.arpa and ip6.arpa need no storage: a prefix
 * exists when some address begins with it.
 *
 * The control thread writes; readers of base/snapshot search.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/snapshot.h"
#include "base/str.h"
#include "zone/address.h"

struct retire;

/* Zero-initialised is empty. One family each. */
struct reverse {
	struct snapshot root;
	size_t n; /* addresses; writer only */
	struct retire *retire; /* NULL: leaves go with the readers; writer only */
};

/* The names of one address; immutable but for what only the writer looks at. */
struct reverse_leaf;

/*
 * [writer] Counts one more source that gives `address` the name `labels` (wire labels without the
 * zone's name and the root). `service`: a Service's own address, which hides the names of
 * endpoints.
 */
void reverse_add(struct reverse *reverse, const struct ip *address, struct str labels,
		 bool service);

/* [writer] Takes one source away; the name goes with its last. Unknown names are ignored. */
void reverse_remove(struct reverse *reverse, const struct ip *address, struct str labels,
		    bool service);

/* [writer] Frees everything. No readers may be left. */
void reverse_deinit(struct reverse *reverse);

/* The names of `address`, or NULL. */
const struct reverse_leaf *reverse_find(const struct reverse *reverse, const struct ip *address);

/*
 * Whether an address begins with the first `nibbles` nibbles of `prefix` (its n says the family).
 */
bool reverse_has_prefix(const struct reverse *reverse, const struct ip *prefix, unsigned nibbles);

/*
 * [writer] Calls `visit` for each address that begins with the first `nibbles` nibbles of `prefix`.
 * What it is given stays as long as zone/retire.h says.
 */
void reverse_each(const struct reverse *reverse, const struct ip *prefix, unsigned nibbles,
		  void (*visit)(const struct reverse_leaf *leaf, void *userdata), void *userdata);

struct ip reverse_leaf_address(const struct reverse_leaf *leaf);

/* Number of names to answer with, ≥ 1. */
uint32_t reverse_leaf_count(const struct reverse_leaf *leaf);

/* The name at `*cursor` (0 is the first), and moves it on. */
struct str reverse_leaf_next(const struct reverse_leaf *leaf, size_t *cursor);
