/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * When what was published goes: after every reader of base/snapshot has passed, and not before the
 * last image (zone/image.h) that may hold it is closed. Control thread only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"
#include "base/list.h"

struct retired_value;

/* All images that are open, oldest first. */
struct retire {
	struct list holds; /* struct retire_hold */
	size_t bytes; /* kept for them */
};

/* Embedded in an image: from its begin to its end nothing that was published is freed. */
struct retire_hold {
	struct list link;
	struct retired_value *kept; /* retired while this was the youngest hold */
	struct counter expired; /* more is kept than LIMIT_ZONE_KEPT: end soon; any thread reads */
};

void retire_init(struct retire *retire);

void retire_begin(struct retire *retire, struct retire_hold *hold);
void retire_end(struct retire *retire, struct retire_hold *hold);

/*
 * Calls `release(value)` on a helper thread once nobody can see it. `bytes`: about its size.
 * `retire` NULL: there are no images. NULL values are fine.
 */
void retire_value(struct retire *retire, void *value, size_t bytes, void (*release)(void *value));
