/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An ordered map from text to pointers (a treap): find, insert and remove in O(log n), and walks in
 * byte order from any key. One thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct map_node;

struct map {
	struct map_node *root;
	size_t n;
	size_t max;
};

/* One entry. `key` is the map's copy. */
struct map_entry {
	struct str key;
	void *value;
};

#define MAP_INIT(maximum)                                                                          \
	{                                                                                          \
		.max = (maximum)                                                                   \
	}

void map_init(struct map *map, size_t max);

/* Frees the nodes, and each value with `release` unless that is NULL. */
void map_deinit(struct map *map, void (*release)(void *value));

/* The value of `key`, or NULL. */
void *map_get(const struct map *map, struct str key);

/*
 * Sets the value of `key` (never NULL) and returns the value it replaces, or NULL. Aborts beyond
 * the maximum: check map->n first where the number comes from outside.
 */
void *map_put(struct map *map, struct str key, void *value);

/* Removes `key` and returns its value, or NULL. */
void *map_remove(struct map *map, struct str key);

/* Entries whose key starts with `prefix`, in O(log n). */
size_t map_count(const struct map *map, struct str prefix);

/*
 * Walks: the first entry with a key ≥ `key`, or > `key`; NULL at the end. The entry is valid until
 * it is removed; walk on with map_after(map, entry->key).
 */
const struct map_entry *map_from(const struct map *map, struct str key);
const struct map_entry *map_after(const struct map *map, struct str key);
const struct map_entry *map_first(const struct map *map);

/* The entry behind `entry`, at once; NULL at the end. */
const struct map_entry *map_next(const struct map_entry *entry);

/* Every entry in order; the body may not change the map (use map_after() for that). */
#define map_for_each(entry, map_)                                                                  \
	for (const struct map_entry *entry = map_first(map_); entry != NULL;                       \
	     entry = map_next(entry))
