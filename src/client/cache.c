/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kind has one ordered map from "namespace\0name" to the newest object, so a walk is in
 * namespace and name order. An index is one more ordered map, from "key\0namespace\0name" to the
 * same objects: the objects of a key stand side by side.
 *
 * A new list does not empty the cache: what was known stays until the list is complete, and only
 * then goes what the list did not name (each entry carries the number of the list that named it
 * last). So nobody sees an object vanish and come back because a connection broke.
 * A walk remembers where it is until the map changes: it costs a step and not a search.
 */
#include "client/cache.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "client/client.h"
#include "object/kinds.h"
#include "object/schema.h"
#include "json/json.h"

#define COMPONENT "cache"

struct cache_entry {
	struct object *object;
	uint64_t list; /* number of the list or watch that named it last */
	uint64_t hash; /* of the whole text, when only a part is kept */
};

struct cache_subscriber {
	struct list link;
	void (*changed)(void *userdata, struct object *old, struct object *now);
	void *userdata;
};

struct cache_index {
	struct list link;
	const char *name;
	void (*keys)(struct object *object, struct cache_index_keys *keys);
	bool built;
	struct map entries; /* "key\0namespace\0name" -> object, borrowed from the kind's map */
	const struct map_entry *last; /* where a walk is; NULL: the entries have changed since */
};

struct cache_kind {
	struct list link;
	struct cache *cache;
	const struct kind *kind;
	struct client_watch *watch;
	struct object *(*keep)(struct object *object); /* NULL: the object itself */
	struct map objects; /* "namespace\0name" -> struct cache_entry */
	const struct map_entry *last; /* as in an index */
	struct list indexes;
	struct list subscribers;
	uint64_t revision;
	uint64_t list; /* number of the current list */
	bool synced; /* had its first complete list */
	bool cut_off; /* the source was lost */
	bool listing; /* between reset and synced: revisions come in no order */
};

struct cache_waiter {
	struct list link;
	void (*synced)(void *userdata);
	void (*advanced)(void *userdata, const struct kind *kind);
	void *userdata;
};

struct cache {
	struct client *client;
	struct list kinds;
	struct list waiters; /* for everything being synced */
	struct list followers; /* of revisions */
	struct list witnesses; /* of the source going and coming back */
};

/* ---- keys ---- */

struct cache_key {
	char text[LIMIT_CACHE_KEY];
	size_t n;
};

static void key_init(struct cache_key *key)
{
	key->n = 0;
}

/* Returns false, with the key unchanged, when it does not fit. */
static bool key_append(struct cache_key *key, struct str part)
{
	if (part.n + 1 > sizeof(key->text) - key->n) {
		return false;
	}
	if (part.n > 0) {
		memcpy(key->text + key->n, part.p, part.n);
	}
	key->n += part.n;
	key->text[key->n++] = '\0';
	return true;
}

static struct str key_str(const struct cache_key *key)
{
	return (struct str){ .p = key->text, .n = key->n };
}

static bool key_of(struct cache_key *key, struct str space, struct str name)
{
	key_init(key);
	return key_append(key, space) && key_append(key, name);
}

/* ---- kinds ---- */

struct cache *cache_new(struct client *client)
{
	struct cache *cache = MEM_NEW(struct cache);

	cache->client = client;
	list_init(&cache->kinds);
	list_init(&cache->waiters);
	list_init(&cache->followers);
	list_init(&cache->witnesses);
	return cache;
}

static void entry_free(void *value)
{
	struct cache_entry *entry = value;

	object_unref(entry->object);
	mem_free(entry);
}

static void kind_free(struct cache_kind *kind)
{
	client_unwatch(kind->watch);
	list_for_each (index, &kind->indexes, struct cache_index, link) {
		list_unlink(&index->link);
		map_deinit(&index->entries, NULL);
		mem_free(index);
	}
	list_for_each (subscriber, &kind->subscribers, struct cache_subscriber, link) {
		list_unlink(&subscriber->link);
		mem_free(subscriber);
	}
	map_deinit(&kind->objects, entry_free);
	mem_free(kind);
}

static void waiters_free(struct list *waiters)
{
	list_for_each (waiter, waiters, struct cache_waiter, link) {
		list_unlink(&waiter->link);
		mem_free(waiter);
	}
}

struct cache *cache_free(struct cache *cache)
{
	if (cache == NULL) {
		return NULL;
	}
	list_for_each (kind, &cache->kinds, struct cache_kind, link) {
		list_unlink(&kind->link);
		kind_free(kind);
	}
	waiters_free(&cache->waiters);
	waiters_free(&cache->followers);
	waiters_free(&cache->witnesses);
	return mem_free(cache);
}

static struct cache_kind *find_kind(const struct cache *cache, const struct kind *kind)
{
	list_for_each (candidate, &cache->kinds, struct cache_kind, link) {
		if (candidate->kind == kind) {
			return candidate;
		}
	}
	return NULL;
}

bool cache_holds(const struct cache *cache, const struct kind *kind)
{
	return find_kind(cache, kind) != NULL;
}

bool cache_is_synced(const struct cache *cache)
{
	list_for_each (kind, &cache->kinds, struct cache_kind, link) {
		if (!kind->synced) {
			return false;
		}
	}
	return true;
}

uint64_t cache_revision(const struct cache *cache, const struct kind *kind)
{
	const struct cache_kind *held = find_kind(cache, kind);

	return held != NULL ? held->revision : 0;
}

bool cache_is_cut_off(const struct cache *cache, const struct kind *kind)
{
	const struct cache_kind *held = find_kind(cache, kind);

	return held != NULL && held->cut_off;
}

static struct cache_waiter *waiter_add(struct list *waiters, void *userdata)
{
	struct cache_waiter *waiter = MEM_NEW(struct cache_waiter);

	waiter->userdata = userdata;
	list_init(&waiter->link);
	list_append(waiters, &waiter->link);
	return waiter;
}

static void call_synced(struct cache *cache)
{
	while (!list_is_empty(&cache->waiters) && cache_is_synced(cache)) {
		struct cache_waiter *waiter =
			list_entry(cache->waiters.next, struct cache_waiter, link);
		struct cache_waiter call = *waiter;

		list_unlink(&waiter->link);
		mem_free(waiter);
		call.synced(call.userdata);
	}
}

void cache_on_synced(struct cache *cache, void (*synced)(void *userdata), void *userdata)
{
	waiter_add(&cache->waiters, userdata)->synced = synced;
	call_synced(cache);
}

void cache_on_advance(struct cache *cache,
		      void (*advanced)(void *userdata, const struct kind *kind), void *userdata)
{
	waiter_add(&cache->followers, userdata)->advanced = advanced;
}

size_t cache_lost(const struct cache *cache)
{
	size_t n = 0;

	list_for_each (kind, &cache->kinds, struct cache_kind, link) {
		n += kind->cut_off ? 1 : 0;
	}
	return n;
}

void cache_on_connection(struct cache *cache, void (*changed)(void *userdata), void *userdata)
{
	waiter_add(&cache->witnesses, userdata)->synced = changed;
}

/* Changes come in the order of their revisions, so the newest one seen says what is complete. */
static bool raise_revision(struct cache_kind *kind, uint64_t revision)
{
	if (revision <= kind->revision) {
		return false;
	}
	kind->revision = revision;
	return true;
}

static void tell_followers(struct cache_kind *kind)
{
	list_for_each (follower, &kind->cache->followers, struct cache_waiter, link) {
		follower->advanced(follower->userdata, kind->kind);
	}
}

/* ---- indexes ---- */

struct cache_index_keys {
	struct cache_index *index;
	struct object *object;
	bool remove;
};

void cache_index_key(struct cache_index_keys *keys, struct str key)
{
	struct map *entries = &keys->index->entries;
	struct cache_key full;

	key_init(&full);
	if (!key_append(&full, key) || !key_append(&full, keys->object->space) ||
	    !key_append(&full, keys->object->name)) {
		return;
	}
	keys->index->last = NULL;
	if (keys->remove) {
		map_remove(entries, key_str(&full));
	} else if (entries->n < entries->max) {
		map_put(entries, key_str(&full), keys->object);
	}
}

static void index_object(struct cache_index *index, struct object *object, bool remove)
{
	struct cache_index_keys keys = { .index = index, .object = object, .remove = remove };

	index->keys(object, &keys);
}

static struct cache_index *find_index(struct cache_kind *kind, const char *name)
{
	list_for_each (index, &kind->indexes, struct cache_index, link) {
		if (index->name == name || strcmp(index->name, name) == 0) {
			return index;
		}
	}
	return NULL;
}

static void add_index(struct cache_kind *kind, const char *name,
		      void (*keys)(struct object *object, struct cache_index_keys *keys))
{
	struct cache_index *index;

	if (find_index(kind, name) != NULL) {
		return;
	}
	index = MEM_NEW(struct cache_index);
	index->name = name;
	index->keys = keys;
	map_init(&index->entries, LIMIT_CACHE_INDEX);
	list_init(&index->link);
	list_append(&kind->indexes, &index->link);
}

void cache_index(struct cache *cache, const struct kind *kind, const char *index,
		 void (*keys)(struct object *object, struct cache_index_keys *keys))
{
	cache_want(cache, kind);
	add_index(find_kind(cache, kind), index, keys);
}

static void build_index(struct cache_kind *kind, struct cache_index *index)
{
	map_for_each (entry, &kind->objects) {
		index_object(index, ((struct cache_entry *)entry->value)->object,
			     /* remove= */ false);
	}
	index->built = true;
}

static void keys_by_owner(struct object *object, struct cache_index_keys *keys)
{
	const json_t *owners = json_at(object_tree(object), "metadata.ownerReferences");
	const json_t *owner;
	size_t i;

	json_array_foreach ((json_t *)owners, i, owner) {
		cache_index_key(keys, str_from(json_string_at(owner, "uid")));
	}
}

static void keys_pods_by_node(struct object *object, struct cache_index_keys *keys)
{
	cache_index_key(keys, str_from(json_string_at(object_tree(object), "spec.nodeName")));
}

static void keys_slices_by_service(struct object *object, struct cache_index_keys *keys)
{
	const char *service = object_label(object, "kubernetes.io/service-name");
	char key[LIMIT_CACHE_KEY];

	if (service[0] != '\0') {
		int n = snprintf(key, sizeof(key), "%.*s/%s", STR_ARG(object->space), service);

		if (n > 0 && (size_t)n < sizeof(key)) {
			cache_index_key(keys, (struct str){ .p = key, .n = (size_t)n });
		}
	}
}

/* ---- changes ---- */

static void reindex(struct cache_kind *kind, struct object *old, struct object *now)
{
	list_for_each (index, &kind->indexes, struct cache_index, link) {
		if (!index->built) {
			continue;
		}
		if (old != NULL) {
			index_object(index, old, /* remove= */ true);
		}
		if (now != NULL) {
			index_object(index, now, /* remove= */ false);
		}
	}
}

/* Tells subscribers; `old` is kept alive by the caller. */
static void tell(struct cache_kind *kind, struct object *old, struct object *now)
{
	list_for_each (subscriber, &kind->subscribers, struct cache_subscriber, link) {
		subscriber->changed(subscriber->userdata, old, now);
	}
}

/* FNV-1a: tells versions of one object apart, no more. */
static uint64_t hash_of(struct str text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < text.n; i++) {
		hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
	}
	return hash;
}

/*
 * A new list names what is known already. The revision alone would do, but for a server that has
 * lost its store and counts from the beginning again.
 */
static bool is_known(const struct cache_kind *kind, const struct cache_entry *entry,
		     const struct object *now, uint64_t hash)
{
	const struct object *old = entry->object;

	if (old == NULL || old == now) {
		return old != NULL;
	}
	return now->revision != 0 && old->revision == now->revision &&
	       (kind->keep != NULL ? entry->hash == hash
				   : old->text.p == now->text.p || str_eq(old->text, now->text));
}

static void put_object(struct cache_kind *kind, struct object *now)
{
	uint64_t hash = kind->keep != NULL ? hash_of(now->text) : 0;
	struct cache_entry *entry;
	struct object *old;
	struct cache_key key;

	if (!key_of(&key, now->space, now->name)) {
		log_warning(COMPONENT, "%s with a name of %zu bytes left out", kind->kind->kind,
			    now->name.n);
		return;
	}
	entry = map_get(&kind->objects, key_str(&key));
	if (entry == NULL && kind->objects.n >= kind->objects.max) {
		log_error(COMPONENT, "more than %d %s: %.*s left out", LIMIT_CACHE_OBJECTS,
			  kind->kind->plural, STR_ARG(now->name));
		return;
	}
	if (entry == NULL) {
		entry = MEM_NEW(struct cache_entry);
		kind->last = NULL;
		map_put(&kind->objects, key_str(&key), entry);
	}
	entry->list = kind->list;
	if (is_known(kind, entry, now, hash)) {
		return;
	}
	old = entry->object;
	entry->object = kind->keep != NULL ? kind->keep(now) : object_ref(now);
	entry->hash = hash;
	reindex(kind, old, entry->object);
	tell(kind, old, now);
	object_unref(old);
}

static void remove_object(struct cache_kind *kind, struct str space, struct str name)
{
	struct cache_entry *entry;
	struct cache_key key;

	if (!key_of(&key, space, name)) {
		return;
	}
	kind->last = NULL;
	entry = map_remove(&kind->objects, key_str(&key));
	if (entry != NULL) {
		reindex(kind, entry->object, NULL);
		tell(kind, entry->object, NULL);
		entry_free(entry);
	}
}

/* Takes out what the list that is now complete did not name. */
static void remove_unlisted(struct cache_kind *kind)
{
	const struct map_entry *entry = map_first(&kind->objects);
	struct cache_key key;

	while (entry != NULL) {
		struct cache_entry *value = entry->value;

		key_init(&key);
		memcpy(key.text, entry->key.p, entry->key.n);
		key.n = entry->key.n;
		if (value->list != kind->list) {
			struct object *object = object_ref(value->object);

			remove_object(kind, object->space, object->name);
			object_unref(object);
		}
		entry = map_after(&kind->objects, key_str(&key));
	}
}

static void on_reset(void *userdata)
{
	struct cache_kind *kind = userdata;

	kind->list++;
	kind->listing = true;
}

static void on_changed(void *userdata, struct object *object)
{
	struct cache_kind *kind = userdata;
	/* During a list the objects' revisions say nothing about what is complete. */
	bool advanced = !kind->listing && raise_revision(kind, object->revision);

	put_object(kind, object);
	if (advanced) {
		tell_followers(kind);
	}
}

static void on_removed(void *userdata, struct object *last)
{
	struct cache_kind *kind = userdata;
	bool advanced = !kind->listing && raise_revision(kind, last->revision);

	remove_object(kind, last->space, last->name);
	if (advanced) {
		tell_followers(kind);
	}
}

static void on_synced(void *userdata, uint64_t revision)
{
	struct cache_kind *kind = userdata;
	bool advanced = raise_revision(kind, revision);
	bool first = !kind->synced;

	/* A bookmark comes without a list, and then nothing is unlisted. */
	if (kind->listing) {
		remove_unlisted(kind);
	}
	kind->listing = false;
	kind->synced = true;
	if (advanced) {
		tell_followers(kind);
	}
	if (first) {
		call_synced(kind->cache);
	}
}

static void on_connected(void *userdata, bool connected)
{
	struct cache_kind *kind = userdata;

	if (kind->cut_off == !connected) {
		return;
	}
	kind->cut_off = !connected;
	if (!connected) {
		log_info(COMPONENT, "%s: lost the API server, keeping what is known",
			 kind->kind->plural);
	}
	list_for_each (witness, &kind->cache->witnesses, struct cache_waiter, link) {
		witness->synced(witness->userdata);
	}
}

static const struct client_sink cache_sink = {
	.reset = on_reset,
	.changed = on_changed,
	.removed = on_removed,
	.synced = on_synced,
	.connected = on_connected,
};

static struct cache_kind *add_kind(struct cache *cache, const struct kind *wanted)
{
	struct cache_kind *kind = MEM_NEW(struct cache_kind);

	kind->cache = cache;
	kind->kind = wanted;
	kind->listing = cache->client != NULL;
	map_init(&kind->objects, LIMIT_CACHE_OBJECTS);
	list_init(&kind->indexes);
	list_init(&kind->subscribers);
	list_init(&kind->link);
	list_append(&cache->kinds, &kind->link);
	add_index(kind, CACHE_BY_OWNER, keys_by_owner);
	if (wanted == &kind_pod) {
		add_index(kind, CACHE_PODS_BY_NODE, keys_pods_by_node);
	}
	if (wanted == &kind_endpoint_slice) {
		add_index(kind, CACHE_SLICES_BY_SERVICE, keys_slices_by_service);
	}
	return kind;
}

static void want(struct cache *cache, const struct kind *wanted, const char *field_selector,
		 struct object *(*keep)(struct object *object))
{
	struct cache_kind *kind = add_kind(cache, wanted);

	kind->keep = keep;
	if (cache->client != NULL) {
		kind->watch = client_watch_fields(cache->client, wanted, NULL, field_selector,
						  &cache_sink, kind);
	}
}

void cache_want(struct cache *cache, const struct kind *wanted)
{
	if (find_kind(cache, wanted) == NULL) {
		want(cache, wanted, NULL, NULL);
	}
}

void cache_select(struct cache *cache, const struct kind *wanted, const char *field_selector)
{
	assert(find_kind(cache, wanted) == NULL);
	want(cache, wanted, field_selector, NULL);
}

void cache_keep(struct cache *cache, const struct kind *wanted,
		struct object *(*keep)(struct object *object))
{
	assert(find_kind(cache, wanted) == NULL);
	want(cache, wanted, NULL, keep);
}

void cache_subscribe(struct cache *cache, const struct kind *wanted,
		     void (*changed)(void *userdata, struct object *old, struct object *now),
		     void *userdata)
{
	struct cache_subscriber *subscriber = MEM_NEW(struct cache_subscriber);
	struct cache_kind *kind;

	cache_want(cache, wanted);
	kind = find_kind(cache, wanted);
	map_for_each (entry, &kind->objects) {
		changed(userdata, NULL, ((struct cache_entry *)entry->value)->object);
	}
	subscriber->changed = changed;
	subscriber->userdata = userdata;
	list_init(&subscriber->link);
	list_append(&kind->subscribers, &subscriber->link);
}

static void waiters_drop(struct list *waiters, const void *userdata)
{
	list_for_each (waiter, waiters, struct cache_waiter, link) {
		if (waiter->userdata == userdata) {
			list_unlink(&waiter->link);
			mem_free(waiter);
		}
	}
}

void cache_unsubscribe(struct cache *cache, const void *userdata)
{
	waiters_drop(&cache->waiters, userdata);
	waiters_drop(&cache->followers, userdata);
	waiters_drop(&cache->witnesses, userdata);
	list_for_each (kind, &cache->kinds, struct cache_kind, link) {
		list_for_each (subscriber, &kind->subscribers, struct cache_subscriber, link) {
			if (subscriber->userdata == userdata) {
				list_unlink(&subscriber->link);
				mem_free(subscriber);
			}
		}
	}
}

/* ---- reading ---- */

struct object *cache_get(const struct cache *cache, const struct kind *wanted, struct str space,
			 struct str name)
{
	struct cache_kind *kind = find_kind(cache, wanted);
	struct cache_entry *entry;
	struct cache_key key;

	if (kind == NULL || !key_of(&key, space, name)) {
		return NULL;
	}
	entry = map_get(&kind->objects, key_str(&key));
	return entry != NULL ? entry->object : NULL;
}

struct object *cache_next(const struct cache *cache, const struct kind *wanted, struct str space,
			  const struct object *after)
{
	struct cache_kind *kind = find_kind(cache, wanted);
	const struct map_entry *entry;
	struct object *object;
	struct cache_key key;

	if (kind == NULL) {
		return NULL;
	}
	if (after != NULL && kind->last != NULL &&
	    ((struct cache_entry *)kind->last->value)->object == after) {
		entry = map_next(kind->last);
	} else if (after != NULL) {
		key_of(&key, after->space, after->name);
		entry = map_after(&kind->objects, key_str(&key));
	} else if (space.n > 0) {
		key_init(&key);
		if (!key_append(&key, space)) {
			return NULL;
		}
		entry = map_from(&kind->objects, key_str(&key));
	} else {
		entry = map_first(&kind->objects);
	}
	kind->last = entry;
	object = entry != NULL ? ((struct cache_entry *)entry->value)->object : NULL;
	return object != NULL && (space.n == 0 || str_eq(object->space, space)) ? object : NULL;
}

struct object *cache_index_next(const struct cache *cache, const struct kind *wanted,
				const char *name, struct str key, const struct object *after)
{
	struct cache_kind *kind = find_kind(cache, wanted);
	struct cache_index *index = kind != NULL ? find_index(kind, name) : NULL;
	const struct map_entry *entry;
	struct cache_key full;
	size_t prefix;

	assert(kind == NULL || index != NULL);
	key_init(&full);
	if (kind == NULL || !key_append(&full, key)) {
		return NULL;
	}
	prefix = full.n;
	if (!index->built) {
		build_index(kind, index);
	}
	if (after != NULL && index->last != NULL && index->last->value == after &&
	    str_starts(index->last->key, key_str(&full))) {
		entry = map_next(index->last);
	} else if (after == NULL) {
		entry = map_from(&index->entries, key_str(&full));
	} else if (key_append(&full, after->space) && key_append(&full, after->name)) {
		entry = map_after(&index->entries, key_str(&full));
	} else {
		entry = NULL;
	}
	full.n = prefix;
	index->last = entry;
	return entry != NULL && str_starts(entry->key, key_str(&full)) ? entry->value : NULL;
}

/* ---- tests ---- */

static void feed_synced(struct cache *cache)
{
	list_for_each (kind, &cache->kinds, struct cache_kind, link) {
		kind->synced = true;
	}
	call_synced(cache);
}

void cache_feed(struct cache *cache, struct object *object)
{
	struct cache_kind *kind;

	cache_want(cache, object->kind);
	kind = find_kind(cache, object->kind);
	feed_synced(cache);
	on_changed(kind, object);
	object_unref(object);
}

void cache_unfeed(struct cache *cache, const struct kind *wanted, struct str space, struct str name)
{
	struct cache_kind *kind = find_kind(cache, wanted);

	if (kind != NULL) {
		remove_object(kind, space, name);
	}
}
