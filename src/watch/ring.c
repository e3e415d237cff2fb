/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ring costs: an item that is current costs nothing more. One that is not is the
 * `previous` of just one event, or the last state of something deleted; so the sum over both is
 * exact.
 */
#include "watch/ring_intern.h"

#include "base/limits.h"
#include "base/mem.h"

enum {
	FIRST_SIZE = 64,
	ITEM_COST = 256, /* an item's head and what its owner keeps beside it, about */
};

_Static_assert((LIMIT_WATCH_RING_EVENTS & (LIMIT_WATCH_RING_EVENTS - 1)) == 0,
	       "the ring doubles up to its limit");

void ring_init(struct ring *ring, uint64_t revision)
{
	*ring = (struct ring){ .floor = revision };
}

static struct hub_event *place_of(const struct ring *ring, uint64_t place)
{
	return &ring->events[place & (ring->size - 1)];
}

static size_t item_bytes(const struct hub_item *item)
{
	return ITEM_COST + item->key.n + item->text.n;
}

static size_t event_bytes(const struct hub_event *event)
{
	return (event->previous != NULL ? item_bytes(event->previous) : 0) +
	       (event->type == HUB_DELETED ? item_bytes(event->item) : 0);
}

static void drop_oldest(struct ring *ring)
{
	struct hub_event *event = place_of(ring, ring->first++);

	ring->floor = event->revision;
	ring->bytes -= event_bytes(event);
	hub_item_unref(event->item);
	hub_item_unref(event->previous);
}

void ring_deinit(struct ring *ring)
{
	while (ring->first != ring->next) {
		drop_oldest(ring);
	}
	ring->events = mem_free(ring->events);
}

static void grow(struct ring *ring)
{
	struct ring larger = *ring;

	larger.size = ring->size != 0 ? ring->size * 2 : FIRST_SIZE;
	larger.events = mem_alloc_array(larger.size, sizeof(larger.events[0]));
	for (uint64_t place = ring->first; place != ring->next; place++) {
		*place_of(&larger, place) = *place_of(ring, place);
	}
	mem_free(ring->events);
	*ring = larger;
}

void ring_push(struct ring *ring, struct hub_event event)
{
	size_t bytes = event_bytes(&event);

	while (ring->first != ring->next && ring->bytes + bytes > LIMIT_WATCH_RING_BYTES) {
		drop_oldest(ring);
	}
	if (ring->next - ring->first == LIMIT_WATCH_RING_EVENTS) {
		drop_oldest(ring);
	}
	if (ring->next - ring->first == ring->size) {
		grow(ring);
	}
	ring->bytes += bytes;
	*place_of(ring, ring->next++) = event;
}

const struct hub_event *ring_at(const struct ring *ring, uint64_t place)
{
	return place_of(ring, place);
}

uint64_t ring_behind(const struct ring *ring, uint64_t revision)
{
	uint64_t low = ring->first;
	uint64_t high = ring->next;

	while (low != high) {
		uint64_t middle = low + (high - low) / 2;

		if (place_of(ring, middle)->revision <= revision) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}
