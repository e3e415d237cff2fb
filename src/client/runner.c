/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of keys and the life of one: IDLE, QUEUED, RUNNING, SETTLING, perhaps BACKOFF, and from
 * the start. A key is in one state at a time, so no two plans of one key are ever under way; what
 * changes while it is busy marks it dirty and is looked at after. The moves are in a table.
 *
 * For an incremental controller a key gathers the changes that concern it. They are handed to one
 * reconcile; when its plan fails, when there were too many, and when a key comes for another reason
 * than a change, the next reconcile looks at everything.
 *
 * Everything that waits for time is in one map ordered by that time, behind one timer. Work is done
 * from a timer of zero length, a few keys a turn, so a burst of changes never starves the loop.
 */
#include "client/runner.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/runner_intern.h"
#include "object/schema.h"

#define COMPONENT "runner"

enum {
	KEYS_A_TURN = 64,
	DUE_KEY = 16, /* bytes: time, item */
};

static const uint64_t backoff_first = 5 * NS_PER_MS;
static const uint64_t backoff_most = 60 * NS_PER_S;
/* News about a key that is backing off bring it back this soon. */
static const uint64_t backoff_news = 100 * NS_PER_MS;

struct hook {
	struct key_sink sink; /* first */
	struct slot *slot;
	struct change change; /* under way */
	void (*keys)(const struct cache *cache, struct object *old, struct object *now,
		     struct key_sink *sink);
};

/* ---- states ---- */

#define TO(state) (1u << (state))

static const unsigned moves[] = {
	[ITEM_IDLE] = TO(ITEM_QUEUED),
	[ITEM_QUEUED] = TO(ITEM_RUNNING),
	[ITEM_RUNNING] = TO(ITEM_SETTLING),
	[ITEM_SETTLING] = TO(ITEM_IDLE) | TO(ITEM_QUEUED) | TO(ITEM_BACKOFF),
	[ITEM_BACKOFF] = TO(ITEM_QUEUED),
};

static bool is_busy(enum item_state state)
{
	return state == ITEM_RUNNING || state == ITEM_SETTLING;
}

static void item_move(struct item *item, enum item_state to)
{
	struct runner *runner = item->slot->runner;

	assert((moves[item->state] & TO(to)) != 0);
	runner->n_busy += (size_t)is_busy(to) - (size_t)is_busy(item->state);
	runner->n_backoff += (size_t)(to == ITEM_BACKOFF) - (size_t)(item->state == ITEM_BACKOFF);
	item->state = to;
	list_unlink(&item->link);
	if (to == ITEM_QUEUED) {
		list_append(&runner->ready, &item->link);
	} else if (is_busy(to)) {
		list_append(&runner->busy, &item->link);
	}
}

/* ---- time ---- */

/* Big-endian, so that byte order is the order of time. */
static struct str due_key(const struct item *item, char text[DUE_KEY])
{
	uint64_t address = (uint64_t)(uintptr_t)item;

	for (unsigned i = 0; i < 8; i++) {
		text[i] = (char)(item->due >> (56 - 8 * i));
		text[8 + i] = (char)(address >> (56 - 8 * i));
	}
	return (struct str){ .p = text, .n = DUE_KEY };
}

static struct item *first_due(const struct runner *runner)
{
	const struct map_entry *entry = map_first(&runner->due);

	return entry != NULL ? entry->value : NULL;
}

static void arm_timer(struct runner *runner)
{
	const struct item *item = first_due(runner);
	uint64_t now = clock_monotonic(runner->clock);

	if (item == NULL) {
		loop_timer_stop(runner->timer);
	} else {
		loop_timer_set(runner->timer, item->due > now ? item->due - now : 0);
	}
}

static void clear_due(struct item *item)
{
	char key[DUE_KEY];

	if (item->due != 0) {
		map_remove(&item->slot->runner->due, due_key(item, key));
		item->due = 0;
	}
}

static void set_due(struct item *item, uint64_t delay)
{
	struct runner *runner = item->slot->runner;
	char key[DUE_KEY];

	clear_due(item);
	item->due = clock_monotonic(runner->clock) + delay;
	item->due = item->due == 0 ? 1 : item->due;
	map_put(&runner->due, due_key(item, key), item);
	if (first_due(runner) == item) {
		arm_timer(runner);
	}
}

/* 5 ms doubled with each failure up to 60 s, and then a random part of its upper half. */
static uint64_t backoff(struct runner *runner, unsigned failures)
{
	unsigned doublings = failures > 14 ? 14 : failures;
	uint64_t delay = backoff_first << (doublings > 0 ? doublings - 1 : 0);

	delay = delay < backoff_most ? delay : backoff_most;
	return delay - delay / 2 + random_next(&runner->random) % (delay / 2);
}

/* ---- items ---- */

static void wake(struct runner *runner)
{
	if (runner->started && !list_is_empty(&runner->ready)) {
		loop_timer_set(runner->wake, 0);
	}
}

static void drop_changes(struct change *changes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		object_unref(changes[i].old);
		object_unref(changes[i].now);
	}
	mem_free(changes);
}

/* Everything has to be looked at, whatever has changed. */
static void forget_changes(struct item *item)
{
	drop_changes(item->changes, item->n_changes);
	item->changes = NULL;
	item->n_changes = 0;
	item->unknown = true;
}

/* `change` NULL: no change is why the key comes. */
static void note_change(struct item *item, const struct change *change)
{
	if (!item->slot->controller->incremental || item->unknown) {
		return;
	}
	if (change == NULL || !item->slot->runner->started ||
	    item->n_changes == LIMIT_CHANGES_OF_KEY) {
		forget_changes(item);
		return;
	}
	item->changes = mem_resize(item->changes, (item->n_changes + 1) * sizeof(*item->changes));
	item->changes[item->n_changes++] = (struct change){
		.old = change->old != NULL ? object_ref(change->old) : NULL,
		.now = change->now != NULL ? object_ref(change->now) : NULL,
	};
}

static void item_free(void *value)
{
	struct item *item = value;

	list_unlink(&item->link);
	execute_drop_waits(item);
	plan_free(item->plan);
	drop_changes(item->changes, item->n_changes);
	mem_free(item->failure);
	mem_free(item);
}

static struct item *item_new(struct slot *slot, struct str key)
{
	struct item *item;

	if (slot->runner->n_items >= LIMIT_WORK_QUEUE) {
		log_error(slot->controller->name, "more than %d keys at once: %.*s dropped",
			  LIMIT_WORK_QUEUE, STR_ARG(key));
		return NULL;
	}
	item = MEM_NEW(struct item);
	item->slot = slot;
	list_init(&item->link);
	list_init(&item->waits);
	map_put(&slot->items, key, item);
	item->key = map_from(&slot->items, key)->key;
	slot->runner->n_items++;
	return item;
}

static void forget_item(struct item *item)
{
	struct slot *slot = item->slot;

	map_remove(&slot->items, item->key);
	slot->runner->n_items--;
	item_free(item);
}

static void queue_key(struct slot *slot, struct str key, const struct change *change)
{
	struct item *item = map_get(&slot->items, key);

	item = item != NULL ? item : item_new(slot, key);
	if (item == NULL) {
		return;
	}
	note_change(item, change);
	switch (item->state) {
	case ITEM_IDLE:
		clear_due(item);
		item_move(item, ITEM_QUEUED);
		wake(slot->runner);
		break;
	case ITEM_QUEUED:
		break;
	case ITEM_RUNNING:
	case ITEM_SETTLING:
		item->dirty = true;
		break;
	case ITEM_BACKOFF:
		if (item->due > clock_monotonic(slot->runner->clock) + backoff_news) {
			set_due(item, backoff_news);
		}
		break;
	}
}

static void hook_add(struct key_sink *sink, struct str key)
{
	struct hook *hook = container_of(sink, struct hook, sink);

	queue_key(hook->slot, key, &hook->change);
}

static void source_changed(void *userdata, struct object *old, struct object *now)
{
	struct hook *hook = userdata;

	hook->change = (struct change){ .old = old, .now = now };
	hook->keys(hook->slot->runner->cache, old, now, &hook->sink);
}

/* ---- work ---- */

static void start_item(struct item *item)
{
	struct runner *runner = item->slot->runner;
	struct view view = {
		.cache = runner->cache,
		.now = clock_wall(runner->clock),
		.random = &runner->random,
		.settings = item->slot->settings,
		.failure = item->failure,
		.changes = item->unknown ? NULL : item->changes,
		.n_changes = item->unknown ? 0 : item->n_changes,
	};
	struct change *changes = take(item->changes);

	item_move(item, ITEM_RUNNING);
	item->dirty = false;
	item->failed = false;
	item->plan = plan_new();
	item->next = 0;
	size_t n_changes = item->n_changes;

	item->n_changes = 0;
	item->unknown = false;
	item->slot->controller->reconcile(&view, item->key, item->plan);
	drop_changes(changes, n_changes);
	execute_pump(item);
}

void runner_finished(struct item *item)
{
	struct runner *runner = item->slot->runner;

	item->requeue = item->plan->requeue;
	item->plan = plan_free(item->plan);
	item->failures = item->failed ? item->failures + 1 : 0;
	if (!item->failed) {
		item->failure = mem_free(item->failure);
	}
	item_move(item, ITEM_SETTLING);
	/* This may be the end of the item. */
	runner_settle(item);
	wake(runner);
}

static void settled(struct item *item)
{
	clear_due(item);
	if (item->failed) {
		forget_changes(item);
		item_move(item, ITEM_BACKOFF);
		set_due(item, backoff(item->slot->runner, item->failures));
	} else if (item->dirty) {
		item_move(item, ITEM_QUEUED);
		wake(item->slot->runner);
	} else {
		item_move(item, ITEM_IDLE);
		if (item->requeue != 0) {
			forget_changes(item);
			set_due(item, item->requeue);
		} else {
			forget_item(item);
		}
	}
}

void runner_settle(struct item *item)
{
	struct runner *runner = item->slot->runner;

	if (item->state != ITEM_SETTLING) {
		return;
	}
	if (execute_settle(item)) {
		settled(item);
	} else if (execute_in_doubt(item) && item->due == 0) {
		set_due(item, item->failures > 0 ? backoff(runner, item->failures) : 1);
	}
}

static void work(void *userdata)
{
	struct runner *runner = userdata;

	for (unsigned n = 0; n < KEYS_A_TURN && !list_is_empty(&runner->ready) &&
			     runner->n_busy < LIMIT_PLANS_RUNNING;
	     n++) {
		start_item(list_entry(runner->ready.next, struct item, link));
	}
	if (runner->n_busy < LIMIT_PLANS_RUNNING) {
		wake(runner);
	}
}

/* The cache has moved on: who waited for that may go on. */
static void cache_advanced(void *userdata, const struct kind *kind)
{
	struct runner *runner = userdata;

	list_for_each (item, &runner->busy, struct item, link) {
		runner_settle(item);
	}
	wake(runner);
}

void runner_run_due(struct runner *runner)
{
	uint64_t now = clock_monotonic(runner->clock);

	for (struct item *item = first_due(runner); item != NULL && item->due <= now;
	     item = first_due(runner)) {
		clear_due(item);
		if (item->state == ITEM_SETTLING) {
			execute_probe(item);
		} else {
			item_move(item, ITEM_QUEUED);
		}
	}
	arm_timer(runner);
	wake(runner);
}

static void timer_fired(void *userdata)
{
	runner_run_due(userdata);
}

uint64_t runner_next_due(const struct runner *runner)
{
	const struct item *item = first_due(runner);

	return item != NULL ? item->due : UINT64_MAX;
}

/* ---- the runner ---- */

struct runner *runner_new(struct loop *loop, struct client *client, struct cache *cache,
			  const struct clock *clock)
{
	struct runner *runner = MEM_NEW(struct runner);

	runner->loop = loop;
	runner->client = client;
	runner->cache = cache;
	runner->clock = clock;
	runner->events = event_recorder_new(client, clock);
	random_state_init(&runner->random);
	list_init(&runner->slots);
	list_init(&runner->ready);
	list_init(&runner->busy);
	list_init(&runner->requests);
	map_init(&runner->due, LIMIT_WORK_QUEUE);
	runner->wake = loop_timer_new(loop, work, runner);
	runner->timer = loop_timer_new(loop, timer_fired, runner);
	cache_on_advance(cache, cache_advanced, runner);
	return runner;
}

static void listen_to(struct slot *slot, const struct kind *kind,
		      void (*keys)(const struct cache *cache, struct object *old,
				   struct object *now, struct key_sink *sink))
{
	struct hook *hook = &slot->hooks[slot->n_hooks++];

	hook->sink.add = hook_add;
	hook->slot = slot;
	hook->keys = keys;
	cache_subscribe(slot->runner->cache, kind, source_changed, hook);
}

static void listen_to_sources(struct slot *slot)
{
	const struct controller *controller = slot->controller;

	slot->hooks = mem_alloc_array(CONTROLLER_MAX_SOURCES + n_kinds, sizeof(*slot->hooks));
	for (size_t i = 0; i < CONTROLLER_MAX_SOURCES && controller->sources[i].kind != NULL; i++) {
		listen_to(slot, controller->sources[i].kind, controller->sources[i].keys);
	}
	for (size_t i = 0; controller->every_kind != NULL && i < n_kinds; i++) {
		listen_to(slot, kinds[i], controller->every_kind);
	}
}

void runner_add(struct runner *runner, const struct controller *controller, const void *settings)
{
	struct slot *slot = MEM_NEW(struct slot);

	slot->runner = runner;
	slot->controller = controller;
	slot->settings = settings;
	map_init(&slot->items, LIMIT_WORK_QUEUE);
	list_init(&slot->link);
	list_append(&runner->slots, &slot->link);
	if (controller->prepare != NULL) {
		controller->prepare(runner->cache);
	}
	for (size_t i = 0; i < CONTROLLER_MAX_SOURCES && controller->also[i] != NULL; i++) {
		cache_want(runner->cache, controller->also[i]);
	}
	listen_to_sources(slot);
}

void runner_queue(struct runner *runner, const struct controller *controller, struct str key)
{
	list_for_each (slot, &runner->slots, struct slot, link) {
		if (slot->controller == controller) {
			queue_key(slot, key, NULL);
		}
	}
}

static void begin(void *userdata)
{
	struct runner *runner = userdata;

	runner->started = true;
	wake(runner);
}

void runner_start(struct runner *runner)
{
	cache_on_synced(runner->cache, begin, runner);
}

bool runner_is_idle(const struct runner *runner)
{
	return list_is_empty(&runner->ready) && runner->n_busy == 0 && runner->n_backoff == 0;
}

struct runner *runner_free(struct runner *runner)
{
	if (runner == NULL) {
		return NULL;
	}
	cache_unsubscribe(runner->cache, runner);
	execute_abandon(runner);
	list_for_each (slot, &runner->slots, struct slot, link) {
		for (size_t i = 0; i < slot->n_hooks; i++) {
			cache_unsubscribe(runner->cache, &slot->hooks[i]);
		}
		list_unlink(&slot->link);
		map_deinit(&slot->items, item_free);
		mem_free(slot->hooks);
		mem_free(slot);
	}
	map_deinit(&runner->due, NULL);
	loop_timer_free(runner->wake);
	loop_timer_free(runner->timer);
	event_recorder_free(runner->events);
	return mem_free(runner);
}
