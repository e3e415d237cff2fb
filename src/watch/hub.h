/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The hub: what is current, as ready-made text, and the ring of recent events. It is fed by the
 * store alone, so nobody sees a write before it is durable. Lists and gets are answered from it
 * without touching the store; an event is made once and read by every watcher at its own pace, by
 * position in the ring: no queue per watcher, so a slow reader costs nothing and is cut off when
 * the ring has passed it. Control thread only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct hub;
struct hub_watcher;
struct store;

/* One version of one key. Immutable, reference-counted. */
struct hub_item {
	struct str key;
	struct str text; /* as sent to clients: with its resourceVersion */
	uint64_t revision;
	uint64_t created;
	void *extra; /* what the owner of the hub keeps beside it (selector fields) */
};

struct hub_item *hub_item_ref(struct hub_item *item);
struct hub_item *hub_item_unref(struct hub_item *item); /* returns NULL */

struct buffer;

/* What the hub does not know: how stored bytes become text. Both run on the control thread. */
struct hub_ops {
	/*
	 * Makes the client text of a stored value (appended to `text`) and what to keep beside it.
	 * For a removal: of the value that was removed, with the revision of the removal.
	 */
	void (*describe)(void *userdata, struct str key, struct str value, uint64_t revision,
			 struct buffer *text, void **ret_extra);
	void (*release_extra)(void *extra);
};

enum {
	HUB_ADDED,
	HUB_MODIFIED,
	HUB_DELETED,
	HUB_BOOKMARK, /* nothing changed, but `revision` is known to be complete */
};

/*
 * One event. DELETED: `item` is the last state, with the revision of the deletion in its text.
 * `previous` is the state before (NULL for ADDED), so that a filter can tell who left its
 * selection.
 */
struct hub_event {
	int type;
	uint64_t revision;
	struct hub_item *item;
	struct hub_item *previous;
};

/* Loads everything from `store` (blocking, at start) and becomes its watcher. */
int hub_new(struct store *store, const struct hub_ops *ops, void *userdata, struct hub **ret);
/* Its watchers are freed before, the store after it. Items with references live on. */
struct hub *hub_free(struct hub *hub);

/* The newest revision that is visible. */
uint64_t hub_revision(const struct hub *hub);

/* The current item of `key`, borrowed; NULL when absent. */
struct hub_item *hub_get(const struct hub *hub, struct str key);

/*
 * Walks the current items in key order: the first after `after` (empty: from the start of prefix).
 */
struct hub_item *hub_next(const struct hub *hub, struct str prefix, struct str after);

/* Number of current items below `prefix`. */
size_t hub_count(const struct hub *hub, struct str prefix);

enum {
	HUB_GONE = 1, /* the ring no longer holds that revision: 410 Expired */
	HUB_FUTURE = 2, /* the revision has not happened yet */
	HUB_EMPTY = 3, /* nothing new: wait for `wake` */
	HUB_TOO_MANY = 4 /* LIMIT_WATCHERS */
};

/*
 * Watches keys below `prefix` from behind `revision` (the events with a greater one).
 * `wake(userdata)` is called once whenever something may be there to read after a HUB_EMPTY; it may
 * read at once. Returns 0, HUB_GONE, HUB_FUTURE or HUB_TOO_MANY. `prefix` is copied.
 */
int hub_watch(struct hub *hub, struct str prefix, uint64_t revision, void (*wake)(void *userdata),
	      void *userdata, struct hub_watcher **ret);
struct hub_watcher *hub_watcher_free(struct hub_watcher *watcher); /* returns NULL */

/*
 * The next event below the prefix; its items are borrowed until the next call on this watcher.
 * Returns 0, HUB_EMPTY, or HUB_GONE (cut off: the watch must end).
 */
int hub_watcher_next(struct hub_watcher *watcher, struct hub_event *ret);

/* The revision up to which this watcher has seen everything: for bookmarks. */
uint64_t hub_watcher_revision(const struct hub_watcher *watcher);
