/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the hub: hub.c feeds it, watcher.c lets it be read.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "watch/hub.h"
#include "watch/ring_intern.h"

struct hub {
	struct store *store;
	const struct hub_ops *ops;
	void *userdata;
	struct map items; /* key → struct hub_item */
	struct ring ring;
	uint64_t revision;
	struct buffer text; /* where descriptions are made */
	struct list early; /* events that came while loading */
	bool loading;
	/* watcher.c */
	struct map topics; /* prefix → struct topic */
	uint32_t lengths[LIMIT_STORE_KEY + 1]; /* topics that have a prefix of this length */
	size_t watchers;
};

void hub_watchers_init(struct hub *hub);
void hub_watchers_deinit(struct hub *hub);

/* The event at `place` has just been pushed: wakes whoever waits for its key. */
void hub_wake(struct hub *hub, uint64_t place);
