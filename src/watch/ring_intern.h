/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The ring of recent events: bounded by their number and by the bytes that only it keeps alive. An
 * event has a place, counted from the first one ever, by which watchers remember where they are.
 */

#include <stddef.h>
#include <stdint.h>

#include "watch/hub.h"

struct ring {
	struct hub_event *events;
	size_t size; /* places allocated, a power of two or 0 */
	uint64_t first; /* place of the oldest event held */
	uint64_t next; /* place of the next event to come */
	size_t bytes;
	uint64_t floor; /* every event with a greater revision is held */
};

/* An empty ring that is complete from behind `revision`. */
void ring_init(struct ring *ring, uint64_t revision);
void ring_deinit(struct ring *ring);

/* Takes the event's references over; drops old events as needed. */
void ring_push(struct ring *ring, struct hub_event event);

/* The event at a place in [first, next), borrowed until the next push. */
const struct hub_event *ring_at(const struct ring *ring, uint64_t place);

/* The place of the first event with a greater revision than `revision` (≥ floor). */
uint64_t ring_behind(const struct ring *ring, uint64_t revision);
