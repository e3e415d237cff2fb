/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the cache are noted at the sets they touch, which costs one look-up when nobody waits.
 * Nothing is answered from within such a change: it is by the next turn of the loop, when everybody
 * who follows the cache, the zone before all, has seen it, too.
 */
#include "ops/peers.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "client/cache.h"
#include "object/kinds.h"
#include "object/object.h"
#include "ops/metrics.h"
#include "ops/peers_intern.h"

enum { TURN_DUE = 256 }; /* waiters whose time has come, in one turn */

/* ---- time ---- */

void peers_due_by(struct peers *peers, uint64_t at)
{
	if (at < peers->due_at) {
		peers->due_at = at;
		if (peers->due_changed != NULL) {
			peers->due_changed(peers->userdata, at);
		}
	}
}

uint64_t peers_next_due(const struct peers *peers)
{
	return peers->due_at;
}

static uint64_t run_sets(struct peers *peers, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	list_for_each (set, &peers->ripe, struct peer_set, link) {
		uint64_t at = set_turn(set, now);

		next = at < next ? at : next;
	}
	return next;
}

static uint64_t due_time(const struct map_entry *entry)
{
	uint64_t at = 0;

	for (int i = 0; i < 8; i++) {
		at = at << 8 | (unsigned char)entry->key.p[i];
	}
	return at;
}

static uint64_t run_waiters(struct peers *peers, uint64_t now)
{
	const struct map_entry *entry = map_first(&peers->due);

	for (int left = TURN_DUE; left > 0 && entry != NULL && due_time(entry) <= now; left--) {
		waiter_due(entry->value, now);
		entry = map_first(&peers->due);
	}
	return entry != NULL ? due_time(entry) : UINT64_MAX;
}

void peers_run_due(struct peers *peers)
{
	uint64_t now = clock_monotonic(peers->clock);
	uint64_t sets = peers->synced ? run_sets(peers, now) : UINT64_MAX;
	uint64_t waiters = run_waiters(peers, now);

	peers->due_at = UINT64_MAX;
	peers_due_by(peers, sets < waiters ? sets : waiters);
	if (peers->due_at == UINT64_MAX && peers->due_changed != NULL) {
		peers->due_changed(peers->userdata, UINT64_MAX);
	}
}

/* ---- what happens in the cluster ---- */

/* A removal is newer than what was removed; the cache knows how new. */
static uint64_t revision_of(const struct peers *peers, const struct kind *kind, struct object *now)
{
	return now != NULL ? now->revision : cache_revision(peers->cache, kind);
}

static void service_changed(void *userdata, struct object *old, struct object *now)
{
	struct object *service = now != NULL ? now : old;
	struct peer_set *set = set_find(userdata, service->space, service->name);

	if (set != NULL) {
		set_touch(set, revision_of(userdata, &kind_service, now), SET_MEMBERS | SET_WANTED);
	}
}

static void slice_touches(struct peers *peers, struct object *slice, uint64_t revision)
{
	const char *name = object_label(slice, "kubernetes.io/service-name");
	struct peer_set *set = set_find(peers, slice->space, str_from(name));

	if (set != NULL) {
		set_touch(set, revision, SET_MEMBERS);
	}
}

static void slice_changed(void *userdata, struct object *old, struct object *now)
{
	uint64_t revision = revision_of(userdata, &kind_endpoint_slice, now);

	if (old != NULL) {
		slice_touches(userdata, old, revision);
	}
	if (now != NULL) {
		slice_touches(userdata, now, revision);
	}
}

/* Every set of a namespace that selects the one or the other. */
static void touch_selecting(struct peers *peers, struct object *old, struct object *now,
			    bool (*selects)(const struct selector *selector, struct object *object))
{
	struct object *one = now != NULL ? now : old;
	char prefix[LIMIT_CACHE_KEY];
	int n = snprintf(prefix, sizeof(prefix), "%.*s/", STR_ARG(one->space));
	struct str space = { .p = prefix, .n = (size_t)n };

	for (const struct map_entry *entry = map_from(&peers->sets, space);
	     entry != NULL && str_starts(entry->key, space);
	     entry = map_after(&peers->sets, entry->key)) {
		struct peer_set *set = entry->value;

		if (set->selector != NULL &&
		    (selects(set->selector, old) || selects(set->selector, now))) {
			set_touch(set, one->revision, SET_WANTED);
		}
	}
}

static void workload_changed(void *userdata, struct object *old, struct object *now)
{
	struct peers *peers = userdata;

	if (peers->sets.n != 0 && wanted_workload_changed(old, now)) {
		touch_selecting(peers, old, now, wanted_selects_workload);
	}
}

static void pod_changed(void *userdata, struct object *old, struct object *now)
{
	struct peers *peers = userdata;

	if (peers->n_by_pods != 0 && wanted_pod_changed(old, now)) {
		touch_selecting(peers, old, now, wanted_selects_pod);
	}
}

static void cache_synced(void *userdata)
{
	struct peers *peers = userdata;

	peers->synced = true;
	list_for_each (waiter, &peers->waiters, struct waiter, all) {
		if (waiter->set != NULL) {
			set_ripen(waiter->set);
		}
	}
}

/* ---- life ---- */

struct peers *peers_new(const struct peers_config *config)
{
	struct peers *peers = MEM_NEW(struct peers);

	peers->cache = config->cache;
	peers->clock = config->clock;
	peers->domain = mem_strdup(config->domain);
	peers->due_changed = config->due_changed;
	peers->userdata = config->userdata;
	peers->due_at = UINT64_MAX;
	map_init(&peers->sets, LIMIT_PEERS_SETS);
	map_init(&peers->due, LIMIT_PEERS_WAITERS);
	list_init(&peers->idle);
	list_init(&peers->ripe);
	list_init(&peers->waiters);
	list_init(&peers->answers);
	cache_subscribe(peers->cache, &kind_service, service_changed, peers);
	cache_subscribe(peers->cache, &kind_endpoint_slice, slice_changed, peers);
	cache_subscribe(peers->cache, &kind_stateful_set, workload_changed, peers);
	cache_subscribe(peers->cache, &kind_deployment, workload_changed, peers);
	cache_subscribe(peers->cache, &kind_replica_set, workload_changed, peers);
	cache_subscribe(peers->cache, &kind_pod, pod_changed, peers);
	cache_on_synced(peers->cache, cache_synced, peers);
	return peers;
}

struct peers *peers_free(struct peers *peers)
{
	if (peers == NULL) {
		return NULL;
	}
	cache_unsubscribe(peers->cache, peers);
	peers->due_changed = NULL;
	list_for_each (waiter, &peers->waiters, struct waiter, all) {
		waiter_abandon(waiter);
	}
	while (peers->sets.n != 0) {
		set_free(map_first(&peers->sets)->value);
	}
	map_deinit(&peers->due, NULL);
	mem_free(peers->domain);
	return mem_free(peers);
}

/* ---- requests ---- */

static void refuse_crowd(struct peers *peers, struct http_exchange *exchange)
{
	struct peers_refusal refusal;

	peers->refused++;
	peers_refuse(&refusal, 429, "TooManyRequests",
		     "%zu clients wait for peers already; try again later", peers->n_waiters);
	peers_refusal_reply(&refusal, STR_NONE, exchange);
}

void peers_handle(void *userdata, struct http_exchange *exchange)
{
	struct peers *peers = userdata;
	uint64_t now = clock_monotonic(peers->clock);
	struct peers_request request;
	struct peers_refusal refusal;

	if (peers_request_read(exchange, &request, &refusal) != 0) {
		peers_refusal_reply(&refusal, STR_NONE, exchange);
		return;
	}
	if (peers->n_waiters == LIMIT_PEERS_WAITERS) {
		refuse_crowd(peers, exchange);
		return;
	}
	struct peer_set *set = set_get(peers, request.space, request.name);
	struct waiter *waiter = waiter_new(peers, set, exchange, &request);

	if (!peers->synced ||
	    ((set->counts_stale || set->text_stale) && now < set_next_round(set))) {
		set_ripen(set);
		return;
	}
	if (!set->ripe) {
		list_unlink(&set->link);
	}
	waiter_look(waiter);
	set_looked(set, now);
	set_rest(set);
}

/* ---- metrics ---- */

void peers_metrics(void *userdata, struct buffer *out)
{
	const struct peers *peers = userdata;

	metrics_single(out, "headlessd_peers_waiting", "gauge",
		       "Requests and streams that are open at the peer lookup.",
		       (double)peers->n_waiters);
	metrics_single(out, "headlessd_peers_answers_total", "counter",
		       "Answers and events with a set of peers.", (double)peers->answered);
	metrics_single(out, "headlessd_peers_timeouts_total", "counter",
		       "Requests whose set was not complete in time.", (double)peers->timed_out);
	metrics_single(out, "headlessd_peers_refused_total", "counter",
		       "Requests refused because too many were open.", (double)peers->refused);
	metrics_single(out, "headlessd_peers_cut_off_total", "counter",
		       "Readers cut off because they were too slow.", (double)peers->cut_off);
}
