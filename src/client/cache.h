/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The cache: all objects of the kinds somebody asked for, kept current by one list-and-watch a kind
 * and shared by every controller, the zone builder and the node of a process. In tests it is filled
 * by hand. Control thread only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "object/object.h"

struct cache;
struct client;
struct kind;

/* `client` NULL: nothing is watched, cache_feed() fills it (tests). */
struct cache *cache_new(struct client *client);
struct cache *cache_free(struct cache *cache);

/* Begins to hold `kind` (once; asking again is fine). */
void cache_want(struct cache *cache, const struct kind *kind);

/*
 * Holds of `kind` no more than what `keep` makes of each object (a new reference, of the same name
 * and revision), for a process that needs just a part: subscribers get the whole object as `now`
 * and what was kept as `old`; whoever reads the cache finds what was kept. Said before anybody
 * wants the kind.
 */
void cache_keep(struct cache *cache, const struct kind *kind,
		struct object *(*keep)(struct object *object));

/*
 * Holds of `kind` only the objects that `field_selector` is true of ("spec.nodeName=a"). Said
 * before anybody wants the kind.
 */
void cache_select(struct cache *cache, const struct kind *kind, const char *field_selector);

/* Whether `kind` was asked for. */
bool cache_holds(const struct cache *cache, const struct kind *kind);

/* Every wanted kind has had its first complete list. */
bool cache_is_synced(const struct cache *cache);

/* Calls `synced` once when that becomes true (or at once). */
void cache_on_synced(struct cache *cache, void (*synced)(void *userdata), void *userdata);

/*
 * How many kinds are cut off from their source: what is known of them grows old, and stays. A kind
 * that was never reached counts too, once that was tried. Calls `changed` whenever this has
 * changed.
 */
size_t cache_lost(const struct cache *cache);
void cache_on_connection(struct cache *cache, void (*changed)(void *userdata), void *userdata);

/* The newest revision this kind is known to be complete up to. */
uint64_t cache_revision(const struct cache *cache, const struct kind *kind);

/* The source of this kind was lost: what is not here may only not have been seen. */
bool cache_is_cut_off(const struct cache *cache, const struct kind *kind);

/* Calls `advanced` whenever that has grown (after the subscribers have seen the change). */
void cache_on_advance(struct cache *cache,
		      void (*advanced)(void *userdata, const struct kind *kind), void *userdata);

/* Borrowed, good until the callback that is running now returns; NULL when absent. */
struct object *cache_get(const struct cache *cache, const struct kind *kind, struct str space,
			 struct str name);

/*
 * Walks a kind in namespace and name order: the first object behind `after` (NULL: the first), of
 * `space` only unless that is empty.
 */
struct object *cache_next(const struct cache *cache, const struct kind *kind, struct str space,
			  const struct object *after);

#define cache_for_each(each, cache_, kind_, space_)                                                \
	for (struct object *each = cache_next((cache_), (kind_), (space_), NULL); each != NULL;    \
	     each = cache_next((cache_), (kind_), (space_), each))

/*
 * Indexes: `keys` names the keys of an object by calling cache_index_key() any number of times. An
 * index is found by its name; naming one again changes nothing. It is built when it is first read,
 * so an index nobody reads costs nothing. Keys that do not fit LIMIT_CACHE_KEY are left out.
 */
struct cache_index_keys;
void cache_index_key(struct cache_index_keys *keys, struct str key);
void cache_index(struct cache *cache, const struct kind *kind, const char *index,
		 void (*keys)(struct object *object, struct cache_index_keys *keys));

/* Walks the objects of `kind` under `key` of `index`, in namespace and name order. */
struct object *cache_index_next(const struct cache *cache, const struct kind *kind,
				const char *index, struct str key, const struct object *after);

#define cache_for_index(each, cache_, kind_, index_, key_)                                         \
	for (struct object *each = cache_index_next((cache_), (kind_), (index_), (key_), NULL);    \
	     each != NULL; each = cache_index_next((cache_), (kind_), (index_), (key_), each))

/*
 * Indexes that every process has, made on first use of the kind: CACHE_BY_OWNER (ownerReferences
 * uid), and for pods CACHE_PODS_BY_NODE, for endpoint slices CACHE_SLICES_BY_SERVICE
 * ("namespace/name").
 */
#define CACHE_BY_OWNER "owner-uid"
#define CACHE_PODS_BY_NODE "node"
#define CACHE_SLICES_BY_SERVICE "service"

/*
 * Calls `changed(userdata, old, now)` for each change: old NULL: appeared; now NULL: removed. On
 * subscribing, everything that is there appears.
 */
void cache_subscribe(struct cache *cache, const struct kind *kind,
		     void (*changed)(void *userdata, struct object *old, struct object *now),
		     void *userdata);

/*
 * Ends every subscription, waiting and following of `userdata`; not from inside a call of theirs.
 */
void cache_unsubscribe(struct cache *cache, const void *userdata);

/* Tests: puts an object in (reference stolen), or takes one out; then marks everything synced. */
void cache_feed(struct cache *cache, struct object *object);
void cache_unfeed(struct cache *cache, const struct kind *kind, struct str space, struct str name);
