/* SPDX-License-Identifier: Apache-2.0 */
#include "store/history_intern.h"

#include "base/limits.h"

void history_init(struct history *history, uint64_t compacted, uint64_t revision)
{
	*history = (struct history){ .compacted = compacted, .mark = revision };
}

uint64_t history_note(struct history *history, uint64_t revision, size_t bytes)
{
	uint64_t target = history->compacted;

	if (revision - history->compacted >= 2 * LIMIT_STORE_HISTORY) {
		target = revision - LIMIT_STORE_HISTORY;
	}
	history->bytes += bytes;
	if (history->bytes >= LIMIT_STORE_HISTORY_BYTES) {
		target = history->mark > target ? history->mark : target;
		history->mark = revision;
		history->bytes = 0;
	}
	if (target <= history->compacted) {
		return 0;
	}
	history->compacted = target;
	return target;
}
