/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watcher is a place in the ring. Watchers of one prefix share a topic; an event finds its topics
 * by cutting its key at the lengths that prefixes have, so what others watch costs it nothing.
 *
 * A watcher that has read everything waits in its topic and has no place: nothing it would read
 * comes before the event that wakes it, so the ring may turn as often as it likes. One that has not
 * read everything keeps its place, and is cut off when the ring has passed it.
 *
 * Waking: first every waiting watcher gets its place and goes to one list, then they are woken one
 * by one from that list. So a wake may read, free anybody, or watch anew.
 */
#include <assert.h>

#include "base/mem.h"
#include "watch/hub_intern.h"

struct topic {
	struct hub *hub;
	struct list waiting;
	size_t n; /* watchers */
	size_t prefix_n;
	char prefix[];
};

struct hub_watcher {
	struct topic *topic;
	struct list list; /* waiting, or about to be woken */
	bool waits;
	uint64_t place; /* of the next event to look at, unless it waits */
	uint64_t seen; /* every event up to this revision was looked at, unless it waits */
	struct hub_item *item; /* lent by the last hub_watcher_next() */
	struct hub_item *previous;
	void (*wake)(void *userdata);
	void *userdata;
};

void hub_watchers_init(struct hub *hub)
{
	map_init(&hub->topics, LIMIT_WATCHERS);
}

void hub_watchers_deinit(struct hub *hub)
{
	assert(hub->watchers == 0);
	map_deinit(&hub->topics, NULL);
}

static struct str topic_prefix(const struct topic *topic)
{
	return (struct str){ .p = topic->prefix, .n = topic->prefix_n };
}

static struct topic *topic_join(struct hub *hub, struct str prefix)
{
	struct topic *topic = map_get(&hub->topics, prefix);

	if (topic == NULL) {
		topic = mem_alloc(sizeof(*topic) + prefix.n + 1);
		topic->hub = hub;
		list_init(&topic->waiting);
		topic->prefix_n = prefix.n;
		if (prefix.n != 0) {
			memcpy(topic->prefix, prefix.p, prefix.n);
		}
		map_put(&hub->topics, prefix, topic);
		/* No key is below a longer prefix. */
		if (prefix.n <= LIMIT_STORE_KEY) {
			hub->lengths[prefix.n]++;
		}
	}
	topic->n++;
	return topic;
}

static void topic_leave(struct topic *topic)
{
	struct hub *hub = topic->hub;

	if (--topic->n == 0) {
		map_remove(&hub->topics, topic_prefix(topic));
		if (topic->prefix_n <= LIMIT_STORE_KEY) {
			hub->lengths[topic->prefix_n]--;
		}
		mem_free(topic);
	}
}

/* Everybody who waits gets the place of the event and moves to `woken`. */
static void topic_rouse(struct topic *topic, uint64_t place, uint64_t seen, struct list *woken)
{
	list_for_each (watcher, &topic->waiting, struct hub_watcher, list) {
		list_unlink(&watcher->list);
		list_append(woken, &watcher->list);
		watcher->waits = false;
		watcher->place = place;
		watcher->seen = seen;
	}
}

void hub_wake(struct hub *hub, uint64_t place)
{
	const struct hub_event *event = ring_at(&hub->ring, place);
	struct str key = event->item->key;
	struct list woken;

	list_init(&woken);
	for (size_t n = 0; n <= key.n; n++) {
		struct topic *topic = NULL;

		if (hub->lengths[n] != 0) {
			topic = map_get(&hub->topics, (struct str){ .p = key.p, .n = n });
		}
		if (topic != NULL) {
			topic_rouse(topic, place, event->revision - 1, &woken);
		}
	}
	while (!list_is_empty(&woken)) {
		struct hub_watcher *watcher = list_entry(woken.next, struct hub_watcher, list);

		list_unlink(&watcher->list);
		watcher->wake(watcher->userdata);
	}
}

int hub_watch(struct hub *hub, struct str prefix, uint64_t revision, void (*wake)(void *userdata),
	      void *userdata, struct hub_watcher **ret)
{
	struct hub_watcher *watcher;

	if (revision > hub->revision) {
		return HUB_FUTURE;
	}
	if (revision < hub->ring.floor) {
		return HUB_GONE;
	}
	if (hub->watchers == LIMIT_WATCHERS) {
		return HUB_TOO_MANY;
	}
	watcher = MEM_NEW(struct hub_watcher);
	watcher->topic = topic_join(hub, prefix);
	list_init(&watcher->list);
	watcher->place = ring_behind(&hub->ring, revision);
	watcher->seen = revision;
	watcher->wake = wake;
	watcher->userdata = userdata;
	hub->watchers++;
	*ret = watcher;
	return 0;
}

static void give_back(struct hub_watcher *watcher)
{
	watcher->item = hub_item_unref(watcher->item);
	watcher->previous = hub_item_unref(watcher->previous);
}

struct hub_watcher *hub_watcher_free(struct hub_watcher *watcher)
{
	if (watcher != NULL) {
		give_back(watcher);
		list_unlink(&watcher->list);
		watcher->topic->hub->watchers--;
		topic_leave(watcher->topic);
		mem_free(watcher);
	}
	return NULL;
}

int hub_watcher_next(struct hub_watcher *watcher, struct hub_event *ret)
{
	struct topic *topic = watcher->topic;
	const struct ring *ring = &topic->hub->ring;

	give_back(watcher);
	if (watcher->waits) {
		return HUB_EMPTY;
	}
	if (watcher->place < ring->first) {
		return HUB_GONE;
	}
	while (watcher->place != ring->next) {
		const struct hub_event *event = ring_at(ring, watcher->place++);

		watcher->seen = event->revision;
		if (str_starts(event->item->key, topic_prefix(topic))) {
			*ret = *event;
			watcher->item = hub_item_ref(event->item);
			watcher->previous =
				event->previous != NULL ? hub_item_ref(event->previous) : NULL;
			return 0;
		}
	}
	watcher->waits = true;
	list_unlink(&watcher->list);
	list_append(&topic->waiting, &watcher->list);
	return HUB_EMPTY;
}

uint64_t hub_watcher_revision(const struct hub_watcher *watcher)
{
	const struct hub *hub = watcher->topic->hub;

	return watcher->waits || watcher->place == hub->ring.next ? hub->revision : watcher->seen;
}
