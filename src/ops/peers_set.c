/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set is looked at in rounds: everybody who waits for it is told how it is now, some in each turn
 * of the loop so that others get theirs. A round begins no sooner than the last one has earned: one
 * that moved many bytes is followed by a pause, in which changes gather.
 *
 * The serial is the revision at which the text of the set became what it is. The text is made when
 * somebody needs it; when it comes out as it was, so does the serial. It only grows while the set
 * is known. After a restart it is the newest revision of what there is, which is the same number
 * unless the last change took a whole slice away; a client that has seen more than that lifts it.
 */
#include "ops/peers_intern.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "client/cache.h"
#include "object/kinds.h"
#include "object/selector.h"
#include "json/json.h"

enum {
	TURN_WAITERS = 256, /* told in one turn */
	CREDIT_MS = 5, /* worth of cost that need not be paid for: small sets have no pauses */
	PEER_COST = 256, /* bytes: what looking at one endpoint costs */
};

/* ---- life ---- */

static struct str make_key(struct str space, struct str name, char *out, size_t size)
{
	int n = snprintf(out, size, "%.*s/%.*s", STR_ARG(space), STR_ARG(name));

	return (struct str){ .p = out, .n = n > 0 && (size_t)n < size ? (size_t)n : 0 };
}

struct peer_set *set_find(struct peers *peers, struct str space, struct str name)
{
	char key[LIMIT_CACHE_KEY];

	return map_get(&peers->sets, make_key(space, name, key, sizeof(key)));
}

static void forget_wanted(struct peer_set *set)
{
	set->peers->n_by_pods -= set->wanted.by == WANTED_BY_PODS;
	set->wanted = (struct wanted){ 0 };
}

/* The text there is belongs to the past; who is sending it goes on. */
static void drop_answer(struct peer_set *set)
{
	if (set->answer != NULL) {
		set->answer->set = NULL;
		set->answer = answer_unref(set->answer);
	}
}

struct peer_set *set_free(struct peer_set *set)
{
	forget_wanted(set);
	drop_answer(set);
	list_unlink(&set->link);
	map_remove(&set->peers->sets, str_from(set->key));
	selector_free(set->selector);
	mem_free(set->key);
	return mem_free(set);
}

struct peer_set *set_get(struct peers *peers, struct str space, struct str name)
{
	struct peer_set *set = set_find(peers, space, name);

	if (set != NULL) {
		return set;
	}
	if (peers->sets.n == LIMIT_PEERS_SETS) {
		set_free(list_entry(peers->idle.next, struct peer_set, link));
	}
	set = MEM_NEW(struct peer_set);
	set->peers = peers;
	set->key = mem_printf("%.*s/%.*s", STR_ARG(space), STR_ARG(name));
	set->space = (struct str){ .p = set->key, .n = space.n };
	set->name = (struct str){ .p = set->key + space.n + 1, .n = name.n };
	set->wanted_stale = set->counts_stale = set->text_stale = true;
	list_init(&set->link);
	list_init(&set->waiters);
	list_init(&set->unseen);
	map_put(&peers->sets, str_from(set->key), set);
	return set;
}

static bool has_waiters(const struct peer_set *set)
{
	return !list_is_empty(&set->waiters) || !list_is_empty(&set->unseen);
}

void set_rest(struct peer_set *set)
{
	if (has_waiters(set)) {
		return;
	}
	if (!set->exists) {
		set_free(set);
		return;
	}
	set->ripe = set->again = false;
	list_unlink(&set->link);
	list_append(&set->peers->idle, &set->link);
}

/* ---- what is known ---- */

void set_touch(struct peer_set *set, uint64_t revision, unsigned parts)
{
	set->newest = revision > set->newest ? revision : set->newest;
	set->wanted_stale = set->wanted_stale || (parts & SET_WANTED) != 0;
	set->counts_stale = set->text_stale = true;
	set->again = true;
	if (has_waiters(set)) {
		set_ripen(set);
	}
}

static void read_wanted(struct peer_set *set, struct object *service)
{
	const json_t *map = json_at(object_tree(service), "spec.selector");

	forget_wanted(set);
	selector_free(set->selector);
	set->selector = json_object_size(map) != 0 ? selector_from_map(map) : NULL;
	wanted_read(set->peers->cache, set->space, set->selector, &set->wanted);
	set->peers->n_by_pods += set->wanted.by == WANTED_BY_PODS;
	set->wanted_stale = false;
}

static struct object *find_service(const struct peer_set *set)
{
	return cache_get(set->peers->cache, &kind_service, set->space, set->name);
}

static const struct members *get_members(struct peer_set *set, struct object *service)
{
	if (!set->has_members) {
		members_collect(set->peers->cache, service, &set->wanted, &set->members);
		set->has_members = true;
		set->cost += set->members.n_items * PEER_COST;
	}
	return &set->members;
}

static void put_members(struct peer_set *set)
{
	if (set->has_members) {
		members_deinit(&set->members);
		set->has_members = false;
	}
}

/* Nobody to tell of: the Service is gone, and whatever comes under its name is another one. */
static void read_absence(struct peer_set *set)
{
	forget_wanted(set);
	drop_answer(set);
	set->selector = selector_free(set->selector);
	set->wanted_stale = set->counts_stale = set->text_stale = true;
	set->exists = set->hashed = false;
}

void set_refresh(struct peer_set *set)
{
	struct object *service = find_service(set);

	if (service == NULL) {
		read_absence(set);
		return;
	}
	if (set->exists && !set->counts_stale) {
		return;
	}
	put_members(set);
	set->exists = true;
	set->is_alias =
		strcmp(json_string_at(object_tree(service), "spec.type"), "ExternalName") == 0;
	if (set->wanted_stale) {
		read_wanted(set, service);
	}
	const struct members *members = get_members(set, service);

	if (set->wanted.by == WANTED_BY_ENDPOINTS) {
		set->wanted.n = members->n_staying;
	}
	/* A set that nothing makes and nobody is in is not there yet: it wants one at least. */
	if (set->wanted.by != WANTED_BY_WORKLOADS && set->wanted.n == 0) {
		set->wanted.n = 1;
	}
	set->n_ready = members->n_ready;
	set->n_counted = members->n_counted;
	set->too_large = members->overflowed;
	set->counts_stale = false;
}

/* FNV-1a: tells versions of one set apart, no more. */
static uint64_t hash_of(struct str text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < text.n; i++) {
		hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
	}
	return hash;
}

static void take_text(struct peer_set *set, struct object *service, struct buffer *text)
{
	uint64_t revision = set->members.revision;
	uint64_t hash = hash_of(buffer_str(text));

	if (!set->hashed) {
		revision = service->revision > revision ? service->revision : revision;
		set->serial = set->newest > revision ? set->newest : revision;
	} else if (hash != set->hash) {
		set->serial = set->newest > set->serial ? set->newest : set->serial + 1;
	}
	set->lifted = set->lifted && set->hashed;
	set->hash = hash;
	set->hashed = true;
	set->cost += text->n;
	drop_answer(set);
	set->answer = answer_new(set->peers, set, text);
	set->text_stale = false;
	answers_reclaim(set->peers);
}

bool set_refresh_text(struct peer_set *set)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_PEERS_ANSWER);

	set_refresh(set);
	if (!set->exists || set->too_large) {
		return false;
	}
	if (!set->text_stale) {
		return true;
	}
	struct object *service = find_service(set);

	members_write(get_members(set, service), service, set->peers->domain, &text);
	if (text.overflowed) {
		set->too_large = true;
		return false;
	}
	take_text(set, service, &text);
	return true;
}

void set_admit_serial(struct peer_set *set, uint64_t serial)
{
	const struct cache *cache = set->peers->cache;
	uint64_t slices = cache_revision(cache, &kind_endpoint_slice);
	uint64_t services = cache_revision(cache, &kind_service);
	uint64_t newest = slices > services ? slices : services;

	if (set->hashed && !set->lifted && serial > set->serial && serial <= newest) {
		set->serial = newest;
		set->lifted = true;
	}
}

bool set_is_complete(const struct peer_set *set, const struct peers_request *request)
{
	if (!set->exists || set->is_alias) {
		return false;
	}
	return request->has_count ? set->n_ready >= request->count
				  : set->n_counted >= set->wanted.n;
}

/* ---- turns ---- */

uint64_t set_next_round(const struct peer_set *set)
{
	return set->paid_at > CREDIT_MS * NS_PER_MS ? set->paid_at - CREDIT_MS * NS_PER_MS : 0;
}

void set_ripen(struct peer_set *set)
{
	struct peers *peers = set->peers;
	uint64_t now = clock_monotonic(peers->clock);

	if (!set->ripe) {
		set->ripe = true;
		list_unlink(&set->link);
		list_append(&peers->ripe, &set->link);
	}
	if (peers->synced) {
		uint64_t at = set_next_round(set);

		peers_due_by(peers, at > now ? at : now);
	}
}

void set_looked(struct peer_set *set, uint64_t now)
{
	uint64_t from = set->paid_at > now ? set->paid_at : now;
	uint64_t price = (uint64_t)set->cost * NS_PER_S / LIMIT_PEERS_RATE;
	uint64_t latest = now + LIMIT_PEERS_PAUSE_MS * NS_PER_MS;

	put_members(set);
	set->cost = 0;
	set->paid_at = from + price < latest ? from + price : latest;
}

static void begin_round(struct peer_set *set)
{
	set->again = false;
	while (!list_is_empty(&set->waiters)) {
		struct list *first = set->waiters.next;

		list_unlink(first);
		list_append(&set->unseen, first);
	}
}

uint64_t set_turn(struct peer_set *set, uint64_t now)
{
	size_t left = TURN_WAITERS;

	if (list_is_empty(&set->unseen)) {
		if (now < set_next_round(set)) {
			return set_next_round(set);
		}
		begin_round(set);
	}
	for (; left > 0 && !list_is_empty(&set->unseen); left--) {
		struct list *first = set->unseen.next;

		list_unlink(first);
		list_append(&set->waiters, first);
		waiter_look(list_entry(first, struct waiter, link));
	}
	set_looked(set, now);
	if (!list_is_empty(&set->unseen)) {
		return now;
	}
	if (set->again && has_waiters(set)) {
		return set_next_round(set);
	}
	set->ripe = false;
	list_unlink(&set->link);
	set_rest(set);
	return UINT64_MAX;
}
