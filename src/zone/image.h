/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * All records of one zone of ours as they are at one moment, for a zone transfer. The published
 * bodies are immutable, so an image is their addresses and costs nothing but that; while it is open
 * the control thread frees none of them.
 *
 * In it is every record that a query for a name of this zone could give, once; but not what is
 * computed from the question: names of pods (a-b-c-d.NAMESPACE.pod), of topology zones
 * (ZONE.pin._zone.SERVICE), of ports without their underscores. The SOA is the caller's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zone/lookup.h"

struct zone_image;

/*
 * Control thread. Returns 0, or why there is none: `apex` is no zone of ours, not everything is
 * known yet, or too many images are open.
 */
enum { ZONE_IMAGE_NO_ZONE = 1, ZONE_IMAGE_UNSYNCED, ZONE_IMAGE_TOO_MANY };
int zone_image_open(struct zone *zone, const struct name *apex, struct zone_image **ret);

/* Control thread. NULL is fine; returns NULL. */
struct zone_image *zone_image_close(struct zone_image *image);

/* ---- any thread that was handed the image ---- */

/* The image stands in the way of too much memory: it is to be closed now. */
bool zone_image_is_expired(const struct zone_image *image);

/* The zone's name, and the domain that names of its servers are in. */
const struct name *zone_image_apex(const struct zone_image *image);
const struct name *zone_image_domain(const struct zone_image *image);

/* What the SOA of that moment says; its TTL is that of an answer. */
void zone_image_soa(const struct zone_image *image, struct zone_soa *ret);

enum { ZONE_RECORD_DATA = 6 + LIMIT_DNS_NAME, ZONE_IMAGE_SETS = 3 /* of one name */ };

/* One record; names in it are whole, in lower case, not compressed. */
struct zone_record {
	uint16_t type;
	uint32_t ttl;
	uint16_t owner_n;
	uint16_t n; /* bytes of data */
	uint8_t owner[LIMIT_DNS_NAME];
	uint8_t data[ZONE_RECORD_DATA];
};

/* Where one is in an image; zero-initialised is the beginning. */
struct zone_cursor {
	size_t entry; /* body, or address */
	uint32_t name; /* of those that the entry has */
	uint32_t set; /* its A, its AAAA, … */
	uint32_t i; /* record of the set */
	size_t pointer; /* cursor of zone_pointer_next() */
	bool found; /* `match` is that set, its owner in `owner` */
	uint16_t owner_n;
	uint8_t owner[LIMIT_DNS_NAME];
	struct zone_match match;
};

/* The next record; false at the end. */
bool zone_image_next(const struct zone_image *image, struct zone_cursor *cursor,
		     struct zone_record *ret);
