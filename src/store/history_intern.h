/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * When a store compacts by itself: pure counting, so that a node lease renewed for a year costs no
 * more than one renewed for an hour. Past revisions serve lists that are read in pages at one
 * revision; watches resume from the hub's ring and need none.
 */

#include <stddef.h>
#include <stdint.h>

struct history {
	uint64_t compacted; /* lists below it are refused */
	uint64_t mark; /* the newest revision when `bytes` was last 0 */
	size_t bytes; /* written since */
};

void history_init(struct history *history, uint64_t compacted, uint64_t revision);

/*
 * Notes a write. Returns the revision to compact to, which is then history->compacted, or 0:
 * nothing to do. At least LIMIT_STORE_HISTORY revisions stay, unless they are more than
 * LIMIT_STORE_HISTORY_BYTES; never more than twice as much does.
 */
uint64_t history_note(struct history *history, uint64_t revision, size_t bytes);
