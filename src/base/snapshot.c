/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liburcu, QSBR flavour: reading costs nothing, because a reader only says now and then that it
 * holds no pointer. The map is liburcu's lock-free hash table. Retired values go to call_rcu's
 * helper thread, so the writer never waits for readers.
 */
#include "base/snapshot.h"

#include <assert.h>
#include <urcu/rculfhash.h>
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

struct snapshot_map {
	struct cds_lfht *table;
	snapshot_key_fn key;
	size_t n;
	size_t max;
};

_Static_assert(sizeof(((struct snapshot_entry *)0)->opaque) >= sizeof(struct cds_lfht_node),
	       "an entry holds a hash table node");

static struct cds_lfht_node *to_node(struct snapshot_entry *entry)
{
	return (struct cds_lfht_node *)(void *)entry->opaque;
}

static struct snapshot_entry *to_entry(struct cds_lfht_node *node)
{
	return node != NULL ? (struct snapshot_entry *)(void *)node : NULL;
}

/* rculfhash hands the match function no context, so the search carries its own. */
struct search {
	struct str key;
	snapshot_key_fn key_of;
};

static int matches(struct cds_lfht_node *node, const void *argument)
{
	const struct search *search = argument;

	ordered_after(node);
	return str_eq(search->key_of((const struct snapshot_entry *)(const void *)node),
		      search->key);
}

struct snapshot_map *snapshot_map_new(size_t max, snapshot_key_fn key)
{
	struct snapshot_map *map = MEM_NEW(struct snapshot_map);

	map->table = cds_lfht_new_flavor(64, 64, 0, CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING,
					 &urcu_qsbr_flavor, NULL);
	assert(map->table != NULL);
	map->key = key;
	map->max = max;
	return map;
}

/*
 * liburcu wants its table touched by a registered, online thread. The writer registers on its first
 * call and is offline between calls, so it never holds up a grace period.
 */
static void writer_enter(void)
{
	static _Thread_local bool registered;

	if (!registered) {
		registered = true;
		urcu_qsbr_register_thread();
	} else {
		urcu_qsbr_thread_online();
	}
}

static void writer_leave(void)
{
	urcu_qsbr_thread_offline();
}

struct snapshot_map *snapshot_map_free(struct snapshot_map *map,
				       void (*release)(struct snapshot_entry *entry))
{
	struct cds_lfht_iter iterator;
	struct cds_lfht_node *node;

	if (map == NULL) {
		return NULL;
	}
	writer_enter();
	cds_lfht_first(map->table, &iterator);
	while ((node = cds_lfht_iter_get_node(&iterator)) != NULL) {
		cds_lfht_next(map->table, &iterator);
		cds_lfht_del(map->table, node);
		release(to_entry(node));
	}
	writer_leave();
	cds_lfht_destroy(map->table, NULL);
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
	struct search search = { .key = key, .key_of = map->key };
	struct cds_lfht_iter iterator;

	cds_lfht_lookup(map->table, hash, matches, &search, &iterator);
	return to_entry(cds_lfht_iter_get_node(&iterator));
}

struct snapshot_entry *snapshot_map_put(struct snapshot_map *map, struct snapshot_entry *entry)
{
	struct search search = { .key = map->key(entry), .key_of = map->key };
	struct cds_lfht_node *old;

	entry->hash = snapshot_hash(search.key);
	cds_lfht_node_init(to_node(entry));
	ordered_before(entry);
	writer_enter();
	old = cds_lfht_add_replace(map->table, entry->hash, matches, &search, to_node(entry));
	writer_leave();
	if (old == NULL) {
		assert(map->n < map->max);
		map->n++;
	}
	return to_entry(old);
}

struct snapshot_entry *snapshot_map_remove(struct snapshot_map *map, struct str key)
{
	struct snapshot_entry *entry;

	writer_enter();
	entry = snapshot_map_find(map, key, snapshot_hash(key));
	if (entry != NULL) {
		cds_lfht_del(map->table, to_node(entry));
		map->n--;
	}
	writer_leave();
	return entry;
}

size_t snapshot_map_count(const struct snapshot_map *map)
{
	return map->n;
}

void snapshot_map_each(struct snapshot_map *map,
		       void (*visit)(struct snapshot_entry *entry, void *userdata), void *userdata)
{
	struct cds_lfht_iter iterator;
	struct cds_lfht_node *node;

	writer_enter();
	cds_lfht_first(map->table, &iterator);
	while ((node = cds_lfht_iter_get_node(&iterator)) != NULL) {
		visit(to_entry(node), userdata);
		cds_lfht_next(map->table, &iterator);
	}
	writer_leave();
}
