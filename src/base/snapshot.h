/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Snapshots: one of the two places where threads meet. One writer publishes immutable values, many
 * readers read them without a lock; a replaced value is retired, that is, freed after every reader
 * has passed a quiescent state (RCU, QSBR flavour).
 *
 * Rules for readers. A reading thread calls snapshot_reader_join() once, and from then on counts as
 * inside a read section except between snapshot_reader_sleep() and snapshot_reader_wake(). It calls
 * snapshot_reader_pass() whenever it holds no pointer out of a snapshot: once a batch of packets,
 * for example. It sleeps around every call that may block. It calls snapshot_reader_leave() at its
 * end.
 *
 * Rules for the writer. One thread, which is no reader. Functions marked [writer] are its own; what
 * it finds stays good until it removes it itself.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

void snapshot_reader_join(void);
void snapshot_reader_leave(void);
void snapshot_reader_pass(void);
void snapshot_reader_sleep(void);
void snapshot_reader_wake(void);

/* ---- one value ---- */

/* A published pointer; zero-initialised is "nothing published". */
struct snapshot {
	void *value;
};

/* Readers and writer: the current value, good until the reader's next quiescent state. */
void *snapshot_get(const struct snapshot *snapshot);

/* [writer] Publishes `value`; returns the old one, which the caller retires. */
void *snapshot_publish(struct snapshot *snapshot, void *value);

/*
 * [writer] Calls `release(value)` on a helper thread once no reader can see `value`. NULL is fine.
 */
void snapshot_retire(void *value, void (*release)(void *value));

/* [writer] Waits until everything retired so far has been released. For shutdown and tests. */
void snapshot_barrier(void);

/* ---- a map from bytes to values ---- */

struct snapshot_map;

/*
 * Values embed a struct snapshot_entry; key and value are immutable once inserted. Grows by itself;
 * holds at most `max` entries.
 */
struct snapshot_entry {
	uint32_t hash;
};

typedef struct str (*snapshot_key_fn)(const struct snapshot_entry *entry);

struct snapshot_map *snapshot_map_new(size_t max, snapshot_key_fn key);

/* [writer] No readers may be left. `release` is called for each entry still inside. */
struct snapshot_map *snapshot_map_free(struct snapshot_map *map,
				       void (*release)(struct snapshot_entry *entry));

/* A hash of bytes keyed with a per-process random seed. Any thread. */
uint32_t snapshot_hash(struct str key);

/* Readers and writer: the entry or NULL; `hash` is snapshot_hash(key). No lock, no allocation. */
struct snapshot_entry *snapshot_map_find(const struct snapshot_map *map, struct str key,
					 uint32_t hash);

/*
 * Readers: a search whose hash is known long before it is needed can be told in two steps, with
 * other work between them, and then waits for no memory: the slot is fetched, then what is in it
 * (the first `bytes` of the value). Both are hints.
 */
void snapshot_map_fetch_slot(const struct snapshot_map *map, uint32_t hash);
void snapshot_map_fetch_entry(const struct snapshot_map *map, uint32_t hash, size_t bytes);

/*
 * Readers: what stands where an entry of that hash would stand first: probably that entry, to fetch
 * from memory what it points to; maybe another one, or NULL.
 */
const struct snapshot_entry *snapshot_map_peek(const struct snapshot_map *map, uint32_t hash);

/*
 * [writer] Inserts `entry`, replacing the entry of the same key, which is returned for the caller
 * to retire (NULL when there was none). A reader sees the old one or the new one, never neither.
 */
struct snapshot_entry *snapshot_map_put(struct snapshot_map *map, struct snapshot_entry *entry);

/* [writer] Removes and returns the entry of `key` for the caller to retire; NULL when absent. */
struct snapshot_entry *snapshot_map_remove(struct snapshot_map *map, struct str key);

/* [writer] Number of entries. */
size_t snapshot_map_count(const struct snapshot_map *map);

/* [writer] Calls `visit` for each entry, in no order. `visit` must not change the map. */
void snapshot_map_each(struct snapshot_map *map,
		       void (*visit)(struct snapshot_entry *entry, void *userdata), void *userdata);
