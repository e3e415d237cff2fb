/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"
#include "store/store.h"
#include "watch/hub.h"

enum {
	TEXT = 64,
	MODEL_KEYS = 30,
	MODEL_WATCHERS = 8,
	MODEL_STEPS = 20000,
};

static int extras; /* alive */

static void describe(void *userdata, struct str key, struct str value, uint64_t revision,
		     struct buffer *text, void **ret_extra)
{
	buffer_printf(text, "%.*s#%llu", STR_ARG(value), (unsigned long long)revision);
	*ret_extra = mem_alloc(1);
	extras++;
}

static void release_extra(void *extra)
{
	mem_free(extra);
	extras--;
}

static const struct hub_ops ops = { .describe = describe, .release_extra = release_extra };

struct fixture {
	struct store *store;
	struct hub *hub;
};

static int begin(void **state)
{
	struct fixture *fixture = MEM_NEW(struct fixture);

	*state = fixture;
	extras = 0;
	return store_memory_new(&fixture->store) != 0 ||
	       hub_new(fixture->store, &ops, NULL, &fixture->hub) != 0;
}

static int end(void **state)
{
	struct fixture *fixture = *state;

	hub_free(fixture->hub);
	store_free(fixture->store);
	mem_free(fixture);
	/* Whatever was lent or kept has come back. */
	return extras;
}

static void put(struct fixture *fixture, const char *key, const char *value)
{
	struct store_write write = {
		.key = str_from(key),
		.value = str_from(value),
		.expected = STORE_ANY,
	};

	assert_int_equal(store_write(fixture->store, &write, NULL, NULL), 0);
	store_drain(fixture->store);
}

static void count_wake(void *userdata)
{
	(*(int *)userdata)++;
}

static struct hub_watcher *watch(struct fixture *fixture, const char *prefix, uint64_t revision,
				 int *wakes)
{
	struct hub_watcher *watcher = NULL;

	assert_int_equal(hub_watch(fixture->hub, str_from(prefix), revision, count_wake, wakes,
				   &watcher),
			 0);
	return watcher;
}

static void assert_next(struct hub_watcher *watcher, int type, const char *key, const char *text,
			const char *previous)
{
	struct hub_event event;

	assert_int_equal(hub_watcher_next(watcher, &event), 0);
	assert_int_equal(event.type, type);
	assert_true(str_is(event.item->key, key));
	assert_true(str_is(event.item->text, text));
	assert_true(event.revision == event.item->revision);
	assert_true(hub_watcher_revision(watcher) == event.revision);
	if (previous != NULL) {
		assert_true(str_is(event.previous->text, previous));
	} else {
		assert_null(event.previous);
	}
}

static void assert_empty(struct hub_watcher *watcher)
{
	struct hub_event event;

	assert_int_equal(hub_watcher_next(watcher, &event), HUB_EMPTY);
}

static void what_is_current_is_there_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct hub *hub = fixture->hub;
	struct str ns1 = STR("/p/ns1/");
	struct hub_item *item;

	put(fixture, "/p/ns1/b", "1");
	put(fixture, "/p/ns10/a", "2");
	put(fixture, "/p/ns1/a", "3");
	put(fixture, "/p/ns1/a", "4");
	put(fixture, "/p/ns1/c", "5");
	put(fixture, "/p/ns1/c", NULL);
	assert_true(str_is(hub_get(hub, STR("/p/ns1/a"))->text, "4#4"));
	assert_true(hub_get(hub, STR("/p/ns1/a"))->created == 3);
	assert_null(hub_get(hub, STR("/p/ns1/c")));
	item = hub_next(hub, ns1, STR_NONE);
	assert_true(str_is(item->key, "/p/ns1/a"));
	item = hub_next(hub, ns1, item->key);
	assert_true(str_is(item->key, "/p/ns1/b"));
	assert_null(hub_next(hub, ns1, item->key));
	assert_null(hub_next(hub, ns1, STR("/q")));
	assert_true(str_is(hub_next(hub, ns1, STR("/a"))->key, "/p/ns1/a"));
	assert_int_equal(hub_count(hub, ns1), 2);
	assert_int_equal(hub_count(hub, STR("/p/")), 3);
	assert_int_equal(hub_count(hub, STR("/q/")), 0);
	assert_true(hub_revision(hub) == 6);
}

static void an_event_tells_before_and_after(void **state)
{
	struct fixture *fixture = *state;
	int wakes = 0;
	struct hub_watcher *watcher = watch(fixture, "/p/", 0, &wakes);

	put(fixture, "/p/a", "one");
	put(fixture, "/p/a", "two");
	put(fixture, "/q/a", "other");
	put(fixture, "/p/a", NULL);
	assert_next(watcher, HUB_ADDED, "/p/a", "one#1", NULL);
	assert_next(watcher, HUB_MODIFIED, "/p/a", "two#2", "one#1");
	/* The last state, with the revision of the deletion. */
	assert_next(watcher, HUB_DELETED, "/p/a", "two#4", "two#2");
	assert_empty(watcher);
	assert_int_equal(wakes, 0);
	hub_watcher_free(watcher);
}

static void a_waiting_watcher_is_woken_once(void **state)
{
	struct fixture *fixture = *state;
	int wakes = 0;
	struct hub_watcher *watcher = watch(fixture, "/p/ns1/", 0, &wakes);

	assert_empty(watcher);
	put(fixture, "/p/ns10/a", "x");
	put(fixture, "/q", "x");
	assert_int_equal(wakes, 0);
	assert_true(hub_watcher_revision(watcher) == 2);
	put(fixture, "/p/ns1/a", "x");
	put(fixture, "/p/ns1/b", "x");
	assert_int_equal(wakes, 1);
	assert_true(hub_watcher_revision(watcher) == 2);
	assert_next(watcher, HUB_ADDED, "/p/ns1/a", "x#3", NULL);
	put(fixture, "/p/ns1/c", "x");
	assert_int_equal(wakes, 1);
	assert_next(watcher, HUB_ADDED, "/p/ns1/b", "x#4", NULL);
	assert_next(watcher, HUB_ADDED, "/p/ns1/c", "x#5", NULL);
	assert_empty(watcher);
	assert_empty(watcher);
	put(fixture, "/p/ns1/a", NULL);
	assert_int_equal(wakes, 2);
	hub_watcher_free(watcher);
}

static void a_watch_resumes_from_a_revision(void **state)
{
	struct fixture *fixture = *state;
	struct hub_watcher *watcher;
	int wakes = 0;

	put(fixture, "/p/a", "one");
	put(fixture, "/p/b", "two");
	put(fixture, "/p/c", "three");
	watcher = watch(fixture, "/p/", 1, &wakes);
	assert_true(hub_watcher_revision(watcher) == 1);
	assert_next(watcher, HUB_ADDED, "/p/b", "two#2", NULL);
	assert_next(watcher, HUB_ADDED, "/p/c", "three#3", NULL);
	assert_empty(watcher);
	hub_watcher_free(watcher);
	watcher = watch(fixture, "/p/", 3, &wakes);
	assert_empty(watcher);
	hub_watcher_free(watcher);
	assert_int_equal(hub_watch(fixture->hub, STR("/p/"), 4, count_wake, &wakes, &watcher),
			 HUB_FUTURE);
}

static void what_was_stored_before_is_loaded_and_not_watchable(void **state)
{
	struct fixture *fixture = *state;
	struct hub_watcher *watcher;
	int wakes = 0;

	/* Several pages of a load. */
	for (int i = 0; i < 3000; i++) {
		char key[TEXT];

		snprintf(key, sizeof(key), "/p/%04d", i);
		put(fixture, key, "x");
	}
	hub_free(fixture->hub);
	/* Writes on their way while the hub loads are events of the new hub. */
	for (int i = 0; i < 2; i++) {
		struct store_write write = {
			.key = i == 0 ? STR("/p/0000") : STR("/z"),
			.value = i == 0 ? STR_NONE : STR("new"),
			.expected = STORE_ANY,
		};

		assert_int_equal(store_write(fixture->store, &write, NULL, NULL), 0);
	}
	assert_int_equal(hub_new(fixture->store, &ops, NULL, &fixture->hub), 0);
	assert_int_equal(hub_count(fixture->hub, STR_NONE), 3000);
	assert_true(hub_revision(fixture->hub) == 3002);
	assert_true(str_is(hub_get(fixture->hub, STR("/p/2999"))->text, "x#3000"));
	assert_int_equal(hub_watch(fixture->hub, STR_NONE, 2999, count_wake, &wakes, &watcher),
			 HUB_GONE);
	watcher = watch(fixture, "", hub_revision(fixture->hub), &wakes);
	assert_empty(watcher);
	hub_watcher_free(watcher);
}

struct follow_up {
	struct store *store;
	int left;
};

static void write_next(void *userdata, int result, const struct store_event *event)
{
	struct follow_up *follow_up = userdata;
	struct store_write write = {
		.key = event->key,
		.value = event->value.p != NULL ? STR_NONE : STR("y"),
		.expected = STORE_ANY,
	};

	assert_int_equal(result, 0);
	if (follow_up->left-- > 0) {
		assert_int_equal(store_write(follow_up->store, &write, write_next, userdata), 0);
	}
}

static void what_is_written_during_the_load_is_an_event(void **state)
{
	struct fixture *fixture = *state;
	struct follow_up follow_up = { .store = fixture->store, .left = 4 };
	struct store_write write = { .key = STR("/p"), .value = STR("x"), .expected = STORE_ANY };
	struct hub_watcher *watcher;
	int wakes = 0;

	hub_free(fixture->hub);
	/* The first is in front of the list, the others are behind it. */
	assert_int_equal(store_write(fixture->store, &write, write_next, &follow_up), 0);
	assert_int_equal(hub_new(fixture->store, &ops, NULL, &fixture->hub), 0);
	assert_true(hub_revision(fixture->hub) == 5);
	watcher = watch(fixture, "", 1, &wakes);
	assert_next(watcher, HUB_DELETED, "/p", "x#2", "x#1");
	assert_next(watcher, HUB_ADDED, "/p", "y#3", NULL);
	assert_next(watcher, HUB_DELETED, "/p", "y#4", "y#3");
	assert_next(watcher, HUB_ADDED, "/p", "y#5", NULL);
	assert_empty(watcher);
	hub_watcher_free(watcher);
}

struct meddler {
	struct fixture *fixture;
	struct hub_watcher *watchers[3];
	int wakes;
};

/* Of three watchers, the first that is woken frees itself and the others. */
static void free_all(void *userdata)
{
	struct meddler *meddler = userdata;

	meddler->wakes++;
	for (size_t i = 0; i < ARRAY_SIZE(meddler->watchers); i++) {
		meddler->watchers[i] = hub_watcher_free(meddler->watchers[i]);
	}
}

static void a_wake_may_free_anybody(void **state)
{
	struct fixture *fixture = *state;
	struct meddler meddler = { .fixture = fixture };
	struct str prefixes[] = { STR("/p/"), STR("/p/"), STR("/p/a") };

	for (size_t i = 0; i < ARRAY_SIZE(meddler.watchers); i++) {
		assert_int_equal(hub_watch(fixture->hub, prefixes[i], 0, free_all, &meddler,
					   &meddler.watchers[i]),
				 0);
		assert_empty(meddler.watchers[i]);
	}
	put(fixture, "/p/a", "x");
	assert_int_equal(meddler.wakes, 1);
}

/* Reads everything at once, watches anew and writes the next key. */
static void read_and_write(void *userdata)
{
	struct meddler *meddler = userdata;
	struct hub_event event;
	char key[TEXT];
	struct store_write write = { .value = STR("x"), .expected = STORE_ANY };
	struct hub_watcher *watcher = meddler->watchers[0];

	meddler->wakes++;
	assert_int_equal(hub_watcher_next(watcher, &event), 0);
	assert_empty(watcher);
	hub_watcher_free(watcher);
	assert_int_equal(hub_watch(meddler->fixture->hub, STR("/p/"), event.revision,
				   read_and_write, meddler, &meddler->watchers[0]),
			 0);
	assert_empty(meddler->watchers[0]);
	snprintf(key, sizeof(key), "/p/%d", meddler->wakes);
	write.key = str_from(key);
	if (meddler->wakes < 10) {
		assert_int_equal(store_write(meddler->fixture->store, &write, NULL, NULL), 0);
	}
}

static void a_wake_may_read_watch_and_write(void **state)
{
	struct fixture *fixture = *state;
	struct meddler meddler = { .fixture = fixture };

	assert_int_equal(hub_watch(fixture->hub, STR("/p/"), 0, read_and_write, &meddler,
				   &meddler.watchers[0]),
			 0);
	assert_empty(meddler.watchers[0]);
	put(fixture, "/p/0", "x");
	assert_int_equal(meddler.wakes, 10);
	assert_int_equal(hub_count(fixture->hub, STR("/p/")), 10);
	hub_watcher_free(meddler.watchers[0]);
}

static void turn_ring(struct fixture *fixture)
{
	for (int i = 0; i <= LIMIT_WATCH_RING_EVENTS; i++) {
		put(fixture, "/other", "x");
	}
}

static void a_slow_reader_is_cut_off_and_a_waiting_one_is_not(void **state)
{
	struct fixture *fixture = *state;
	struct hub_event event;
	int wakes = 0;
	struct hub_watcher *slow = watch(fixture, "/p/", 0, &wakes);
	struct hub_watcher *waiting = watch(fixture, "/p/", 0, &wakes);
	struct hub_watcher *late;

	assert_empty(waiting);
	put(fixture, "/p/a", "x");
	assert_int_equal(hub_watcher_next(waiting, &event), 0);
	assert_empty(waiting);
	assert_int_equal(hub_watcher_next(slow, &event), 0);
	turn_ring(fixture);
	/* What is lent stays whole. */
	assert_true(str_is(event.item->text, "x#1"));
	assert_int_equal(hub_watcher_next(slow, &event), HUB_GONE);
	assert_int_equal(hub_watcher_next(slow, &event), HUB_GONE);
	assert_empty(waiting);
	assert_true(hub_watcher_revision(waiting) == hub_revision(fixture->hub));
	put(fixture, "/p/b", "x");
	assert_int_equal(hub_watcher_next(waiting, &event), 0);
	assert_true(str_is(event.item->key, "/p/b"));
	assert_int_equal(hub_watch(fixture->hub, STR_NONE, 1, count_wake, &wakes, &late), HUB_GONE);
	late = watch(fixture, "", hub_revision(fixture->hub) - LIMIT_WATCH_RING_EVENTS, &wakes);
	assert_int_equal(hub_watcher_next(late, &event), 0);
	hub_watcher_free(slow);
	hub_watcher_free(waiting);
	hub_watcher_free(late);
}

static void the_ring_is_bounded_in_bytes(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_free_ char *value = mem_alloc(LIMIT_OBJECT + 1);
	struct hub_event event;
	int wakes = 0;
	struct hub_watcher *slow = watch(fixture, "", 0, &wakes);

	memset(value, 'x', LIMIT_OBJECT);
	for (int i = 0; i < LIMIT_WATCH_RING_BYTES / LIMIT_OBJECT + 3; i++) {
		put(fixture, "/large", value);
	}
	assert_int_equal(hub_watcher_next(slow, &event), HUB_GONE);
	hub_watcher_free(slow);
	slow = watch(fixture, "", hub_revision(fixture->hub) - 10, &wakes);
	assert_int_equal(hub_watcher_next(slow, &event), 0);
	hub_watcher_free(slow);
}

static void watchers_are_bounded_and_wake_alone(void **state)
{
	struct fixture *fixture = *state;
	struct hub_watcher **watchers = mem_alloc_array(LIMIT_WATCHERS, sizeof(*watchers));
	struct hub_watcher *one_more;
	int wakes = 0;

	for (int i = 0; i < LIMIT_WATCHERS; i++) {
		char prefix[TEXT];

		snprintf(prefix, sizeof(prefix), "/p/%d/", i);
		watchers[i] = watch(fixture, prefix, 0, &wakes);
		assert_empty(watchers[i]);
	}
	assert_int_equal(hub_watch(fixture->hub, STR_NONE, 0, count_wake, &wakes, &one_more),
			 HUB_TOO_MANY);
	put(fixture, "/p/77/a", "x");
	put(fixture, "/p/x", "x");
	put(fixture, "/p/7/a", "x");
	assert_int_equal(wakes, 2);
	for (int i = 0; i < LIMIT_WATCHERS; i++) {
		hub_watcher_free(watchers[i]);
	}
	mem_free(watchers);
}

/* A watcher and the state that its events add up to. */
struct replay {
	struct hub_watcher *watcher;
	const char *prefix;
	char texts[MODEL_KEYS][TEXT]; /* "" when absent */
	bool woken;
	bool waits;
};

static void model_key(int i, char key[TEXT])
{
	static const char *const folders[] = { "/a/", "/ab/", "/a/b/" };

	snprintf(key, TEXT, "%s%d", folders[i % 3], i);
}

static int model_index(struct str key)
{
	for (int i = 0; i < MODEL_KEYS; i++) {
		char text[TEXT];

		model_key(i, text);
		if (str_is(key, text)) {
			return i;
		}
	}
	fail();
	return -1;
}

static void replay_wake(void *userdata)
{
	struct replay *replay = userdata;

	assert_true(replay->waits);
	replay->waits = false;
	replay->woken = true;
}

static void replay_event(struct replay *replay, const struct hub_event *event)
{
	char *text = replay->texts[model_index(event->item->key)];

	assert_true(str_starts(event->item->key, str_from(replay->prefix)));
	assert_int_equal(event->type == HUB_ADDED, text[0] == '\0');
	if (event->previous != NULL) {
		assert_true(str_is(event->previous->text, text));
	}
	snprintf(text, TEXT, "%.*s", STR_ARG(event->item->text));
	if (event->type == HUB_DELETED) {
		text[0] = '\0';
	}
}

/* Has read everything: its state is what is current. */
static void replay_compare(const struct replay *replay, const struct hub *hub)
{
	struct str prefix = str_from(replay->prefix);
	struct str after = STR_NONE;
	struct hub_item *item;
	size_t n = 0;

	for (int i = 0; i < MODEL_KEYS; i++) {
		n += replay->texts[i][0] != '\0' ? 1 : 0;
	}
	assert_int_equal(n, hub_count(hub, prefix));
	while ((item = hub_next(hub, prefix, after)) != NULL) {
		assert_true(str_is(item->text, replay->texts[model_index(item->key)]));
		assert_ptr_equal(hub_get(hub, item->key), item);
		after = item->key;
		n--;
	}
	assert_int_equal(n, 0);
	assert_true(hub_watcher_revision(replay->watcher) == hub_revision(hub));
}

static void replay_read(struct replay *replay, const struct hub *hub, uint32_t events)
{
	struct hub_event event;
	int result = 0;

	if (replay->waits) {
		replay_compare(replay, hub);
		return;
	}
	for (uint32_t i = 0; result == 0 && i < events; i++) {
		result = hub_watcher_next(replay->watcher, &event);
		if (result == 0) {
			replay_event(replay, &event);
		}
	}
	if (result == HUB_EMPTY) {
		replay->waits = true;
		replay->woken = false;
		replay_compare(replay, hub);
	} else {
		assert_int_equal(result, 0);
	}
}

static void replay_resume(struct replay *replay, struct hub *hub)
{
	uint64_t revision = replay->watcher != NULL ? hub_watcher_revision(replay->watcher) : 0;

	hub_watcher_free(replay->watcher);
	replay->waits = replay->woken = false;
	assert_int_equal(hub_watch(hub, str_from(replay->prefix), revision, replay_wake, replay,
				   &replay->watcher),
			 0);
}

static void every_watchers_events_add_up_to_what_is_current(void **state)
{
	static const char *const prefixes[MODEL_WATCHERS] = { "",      "/",     "/a",  "/a/",
							      "/a/b/", "/ab/2", "/a/", "/none" };
	struct fixture *fixture = *state;
	struct replay replays[MODEL_WATCHERS] = { 0 };
	struct random_state random;

	random_state_seed(&random, 7);
	for (int i = 0; i < MODEL_WATCHERS; i++) {
		replays[i].prefix = prefixes[i];
		replay_resume(&replays[i], fixture->hub);
	}
	for (int step = 0; step < MODEL_STEPS; step++) {
		struct replay *replay = &replays[random_below(&random, MODEL_WATCHERS)];
		uint32_t choice = random_below(&random, 100);

		if (choice < 60) {
			char key[TEXT];
			bool removing = random_below(&random, 3) == 0;

			model_key((int)random_below(&random, MODEL_KEYS), key);
			put(fixture, key, removing ? NULL : "x");
		} else if (choice < 95) {
			replay_read(replay, fixture->hub, 1 + random_below(&random, 20));
		} else {
			replay_resume(replay, fixture->hub);
		}
	}
	for (int i = 0; i < MODEL_WATCHERS; i++) {
		replay_read(&replays[i], fixture->hub, MODEL_STEPS);
		assert_true(replays[i].waits);
		hub_watcher_free(replays[i].watcher);
	}
}

int main(void)
{
#define CLAIM(function) cmocka_unit_test_setup_teardown(function, begin, end)
	const struct CMUnitTest tests[] = {
		CLAIM(what_is_current_is_there_in_order),
		CLAIM(an_event_tells_before_and_after),
		CLAIM(a_waiting_watcher_is_woken_once),
		CLAIM(a_watch_resumes_from_a_revision),
		CLAIM(what_was_stored_before_is_loaded_and_not_watchable),
		CLAIM(what_is_written_during_the_load_is_an_event),
		CLAIM(a_wake_may_free_anybody),
		CLAIM(a_wake_may_read_watch_and_write),
		CLAIM(a_slow_reader_is_cut_off_and_a_waiting_one_is_not),
		CLAIM(the_ring_is_bounded_in_bytes),
		CLAIM(watchers_are_bounded_and_wake_alone),
		CLAIM(every_watchers_events_add_up_to_what_is_current),
	};
#undef CLAIM

	return cmocka_run_group_tests_name("hub", tests, NULL, NULL);
}
