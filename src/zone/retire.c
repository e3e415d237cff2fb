/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is retired while images are open is kept with the youngest of them: it may be in that one
 * and in every older one, and in none that comes later. When an image ends, what it kept goes to
 * the next older one; when there is none, to the readers' grace period.
 */
#include "zone/retire.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/snapshot.h"

struct retired_value {
	struct retired_value *next;
	void *value;
	size_t bytes;
	void (*release)(void *value);
};

void retire_init(struct retire *retire)
{
	*retire = (struct retire){ 0 };
	list_init(&retire->holds);
}

void retire_begin(struct retire *retire, struct retire_hold *hold)
{
	*hold = (struct retire_hold){ 0 };
	list_init(&hold->link);
	list_append(&retire->holds, &hold->link);
}

void retire_end(struct retire *retire, struct retire_hold *hold)
{
	struct list *older = hold->link.prev;
	struct retired_value *next;

	list_unlink(&hold->link);
	for (struct retired_value *value = take(hold->kept); value != NULL; value = next) {
		next = value->next;
		if (older != &retire->holds) {
			struct retire_hold *to = list_entry(older, struct retire_hold, link);

			value->next = to->kept;
			to->kept = value;
		} else {
			retire->bytes -= value->bytes;
			snapshot_retire(value->value, value->release);
			mem_free(value);
		}
	}
}

void retire_value(struct retire *retire, void *value, size_t bytes, void (*release)(void *value))
{
	struct retire_hold *youngest;
	struct retired_value *kept;

	if (value == NULL || retire == NULL || list_is_empty(&retire->holds)) {
		snapshot_retire(value, release);
		return;
	}
	youngest = list_entry(retire->holds.prev, struct retire_hold, link);
	kept = MEM_NEW(struct retired_value);
	*kept = (struct retired_value){
		.next = youngest->kept,
		.value = value,
		.bytes = bytes + sizeof(*kept),
		.release = release,
	};
	youngest->kept = kept;
	retire->bytes += kept->bytes;
	if (retire->bytes > LIMIT_ZONE_KEPT) {
		list_for_each (hold, &retire->holds, struct retire_hold, link) {
			counter_set(&hold->expired, 1);
		}
	}
}
