/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liburcu, QSBR flavour: reading costs nothing, because a reader only says now and then that it
 * holds no pointer. Retired values go to call_rcu's helper thread, so the writer never waits for
 * readers.
 *
 * The map is a table of (hash, entry) with linear probing, never more than half full. Looking up
 * costs two cache lines: the slot, and the entry once its hash is right. The writer is alone, so:
 *
 *  - a slot's hash is written once, before its first entry, and stays; only the entry changes
 *  - a removed entry leaves GONE, which is skipped and never used again
 *  - a table that is full of either is copied without what is gone, published and retired
 *
 * A reader therefore finds what was there when it began, or what came since.
 */
#include "base/snapshot.h"

#include <assert.h>
#include <urcu/urcu-qsbr.h>

#include "base/mem.h"
#include "base/random.h"

/*
 * ThreadSanitizer does not see into liburcu, so it is told where liburcu orders things: a published
 * value is seen whole, and a retired one is released after every reader has passed.
 */
#ifdef __SANITIZE_THREAD__
#define SNAPSHOT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SNAPSHOT_TSAN 1
#endif
#endif

#ifdef SNAPSHOT_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
static char readers_passed;
#define ordered_before(address) __tsan_release((void *)(address))
#define ordered_after(address) __tsan_acquire((void *)(address))
#define reader_passes() __tsan_release(&readers_passed)
#define all_readers_passed() __tsan_acquire(&readers_passed)
#else
#define ordered_before(address) ((void)(address))
#define ordered_after(address) ((void)(address))
#define reader_passes() ((void)0)
#define all_readers_passed() ((void)0)
#endif

void snapshot_reader_join(void)
{
	urcu_qsbr_register_thread();
}

void snapshot_reader_leave(void)
{
	reader_passes();
	urcu_qsbr_unregister_thread();
}

void snapshot_reader_pass(void)
{
	reader_passes();
	urcu_qsbr_quiescent_state();
}

void snapshot_reader_sleep(void)
{
	reader_passes();
	urcu_qsbr_thread_offline();
}

void snapshot_reader_wake(void)
{
	urcu_qsbr_thread_online();
}

void *snapshot_get(const struct snapshot *snapshot)
{
	void *value = rcu_dereference(snapshot->value);

	ordered_after(value);
	return value;
}

void *snapshot_publish(struct snapshot *snapshot, void *value)
{
	void *old = snapshot->value;

	ordered_before(value);
	rcu_assign_pointer(snapshot->value, value);
	return old;
}

struct retired {
	struct rcu_head head;
	void *value;
	void (*release)(void *value);
};

static void release_retired(struct rcu_head *head)
{
	struct retired *retired = container_of(head, struct retired, head);

	all_readers_passed();
	ordered_after(retired);
	retired->release(retired->value);
	mem_free(retired);
}

void snapshot_retire(void *value, void (*release)(void *value))
{
	struct retired *retired;

	if (value == NULL) {
		return;
	}
	retired = MEM_NEW(struct retired);
	retired->value = value;
	retired->release = release;
	ordered_before(retired);
	urcu_qsbr_call_rcu(&retired->head, release_retired);
}

void snapshot_barrier(void)
{
	urcu_qsbr_barrier();
}

/* ---- map ---- */

enum { SLOTS_MIN = 64 };

struct slot {
	struct snapshot_entry *entry; /* NULL: never used, ends a search */
	uint32_t hash;
};

struct table {
	size_t mask; /* slots less one; their number is a power of two */
	size_t used; /* slots with an entry or GONE; the writer's */
	struct slot slots[];
};

struct snapshot_map {
	struct table *table;
	snapshot_key_fn key;
	size_t n;
	size_t max;
};

static struct snapshot_entry gone;
#define GONE (&gone)

static struct table *table_new(size_t entries)
{
	size_t n = SLOTS_MIN;
	struct table *table;

	while (n < entries * 4) {
		n *= 2;
	}
	table = mem_alloc(sizeof(*table) + n * sizeof(table->slots[0]));
	table->mask = n - 1;
	return table;
}

static void table_release(void *table)
{
	mem_free(table);
}

static struct snapshot_entry *slot_get(const struct slot *slot)
{
	return __atomic_load_n(&slot->entry, __ATOMIC_ACQUIRE);
}

static void slot_set(struct slot *slot, struct snapshot_entry *entry)
{
	__atomic_store_n(&slot->entry, entry, __ATOMIC_RELEASE);
}

/* The slot of `key`, or the unused one that ends the search. */
static struct slot *table_search(const struct snapshot_map *map, const struct table *table,
				 struct str key, uint32_t hash, struct snapshot_entry **ret_entry)
{
	for (size_t i = hash;; i++) {
		const struct slot *slot = &table->slots[i & table->mask];
		struct snapshot_entry *entry = slot_get(slot);

		if (entry == NULL ||
		    (slot->hash == hash && entry != GONE && str_eq(map->key(entry), key))) {
			*ret_entry = entry;
			return (struct slot *)(uintptr_t)slot;
		}
	}
}

/* For an entry that is not in the table yet. */
static void table_add(struct table *table, struct snapshot_entry *entry)
{
	size_t i = entry->hash & table->mask;

	while (table->slots[i].entry != NULL) {
		i = (i + 1) & table->mask;
	}
	table->slots[i].hash = entry->hash;
	slot_set(&table->slots[i], entry);
	table->used++;
}

/* Makes room for one more. */
static void make_room(struct snapshot_map *map)
{
	struct table *old = map->table;
	struct table *table;

	if ((old->used + 1) * 2 <= old->mask + 1) {
		return;
	}
	table = table_new(map->n + 1);
	for (size_t i = 0; i <= old->mask; i++) {
		struct snapshot_entry *entry = old->slots[i].entry;

		if (entry != NULL && entry != GONE) {
			table_add(table, entry);
		}
	}
	__atomic_store_n(&map->table, table, __ATOMIC_RELEASE);
	snapshot_retire(old, table_release);
}

struct snapshot_map *snapshot_map_new(size_t max, snapshot_key_fn key)
{
	struct snapshot_map *map = MEM_NEW(struct snapshot_map);

	map->table = table_new(0);
	map->key = key;
	map->max = max;
	return map;
}

struct snapshot_map *snapshot_map_free(struct snapshot_map *map,
				       void (*release)(struct snapshot_entry *entry))
{
	if (map == NULL) {
		return NULL;
	}
	for (size_t i = 0; i <= map->table->mask; i++) {
		struct snapshot_entry *entry = map->table->slots[i].entry;

		if (entry != NULL && entry != GONE) {
			release(entry);
		}
	}
	mem_free(map->table);
	return mem_free(map);
}

uint32_t snapshot_hash(struct str key)
{
	/* Seeded, so that nobody outside can choose names that collide. */
	static uint64_t seed;
	uint64_t h = __atomic_load_n(&seed, __ATOMIC_RELAXED);
	uint64_t word;

	if (h == 0) {
		uint64_t fresh;

		random_bytes(&fresh, sizeof(fresh));
		fresh |= 1;
		if (__atomic_compare_exchange_n(&seed, &h, fresh, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED)) {
			h = fresh;
		}
	}
	for (; key.n >= sizeof(word); key = str_skip(key, sizeof(word))) {
		memcpy(&word, key.p, sizeof(word));
		h = (h ^ word) * UINT64_C(0x9fb21c651e98df25);
		h ^= h >> 32;
	}
	word = key.n;
	if (key.n != 0) {
		memcpy(&word, key.p, key.n);
		word ^= (uint64_t)key.n << 56;
	}
	h = (h ^ word) * UINT64_C(0x9fb21c651e98df25);
	h ^= h >> 35;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return (uint32_t)(h >> 32);
}

struct snapshot_entry *snapshot_map_find(const struct snapshot_map *map, struct str key,
					 uint32_t hash)
{
	struct snapshot_entry *entry;

	(void)table_search(map, __atomic_load_n(&map->table, __ATOMIC_ACQUIRE), key, hash, &entry);
	return entry;
}

void snapshot_map_fetch_slot(const struct snapshot_map *map, uint32_t hash)
{
	const struct table *table = __atomic_load_n(&map->table, __ATOMIC_ACQUIRE);

	__builtin_prefetch(&table->slots[hash & table->mask]);
}

const struct snapshot_entry *snapshot_map_peek(const struct snapshot_map *map, uint32_t hash)
{
	const struct table *table = __atomic_load_n(&map->table, __ATOMIC_ACQUIRE);
	const struct snapshot_entry *entry = slot_get(&table->slots[hash & table->mask]);

	return entry != GONE ? entry : NULL;
}

void snapshot_map_fetch_entry(const struct snapshot_map *map, uint32_t hash, size_t bytes)
{
	enum { CACHE_LINE = 64 };
	const struct table *table = __atomic_load_n(&map->table, __ATOMIC_ACQUIRE);
	const char *entry = (const char *)slot_get(&table->slots[hash & table->mask]);

	for (size_t i = 0; entry != NULL && i < bytes; i += CACHE_LINE) {
		__builtin_prefetch(entry + i);
	}
}

struct snapshot_entry *snapshot_map_put(struct snapshot_map *map, struct snapshot_entry *entry)
{
	struct str key = map->key(entry);
	struct snapshot_entry *old;
	struct slot *slot;

	entry->hash = snapshot_hash(key);
	slot = table_search(map, map->table, key, entry->hash, &old);
	if (old != NULL) {
		slot_set(slot, entry);
		return old;
	}
	assert(map->n < map->max);
	make_room(map);
	table_add(map->table, entry);
	map->n++;
	return NULL;
}

struct snapshot_entry *snapshot_map_remove(struct snapshot_map *map, struct str key)
{
	struct snapshot_entry *entry;
	struct slot *slot = table_search(map, map->table, key, snapshot_hash(key), &entry);

	if (entry != NULL) {
		slot_set(slot, GONE);
		map->n--;
	}
	return entry;
}

size_t snapshot_map_count(const struct snapshot_map *map)
{
	return map->n;
}

void snapshot_map_each(struct snapshot_map *map,
		       void (*visit)(struct snapshot_entry *entry, void *userdata), void *userdata)
{
	const struct table *table = map->table;

	for (size_t i = 0; i <= table->mask; i++) {
		if (table->slots[i].entry != NULL && table->slots[i].entry != GONE) {
			visit(table->slots[i].entry, userdata);
		}
	}
}
