/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/cache.h"
#include "client/fake.h"
#include "client/runner.h"
#include "loop/loop.h"
#include "object/kinds.h"
#include "json/json.h"

/*
 * A controller to try the runner with: a ConfigMap with data.copies gets so many Secrets with
 * generated names, counts them in its annotation, and says so.
 */
static void keys_of_owner(const struct cache *cache, struct object *old, struct object *now,
			  struct key_sink *sink)
{
	struct object *object = now != NULL ? now : old;

	key_sink_add_name(sink, object->space, str_from(object_label(object, "of")));
}

static void reconcile_copies(const struct view *view, struct str key, struct plan *plan)
{
	struct str space, name;
	struct object *config;
	int64_t wanted;
	int64_t there = 0;

	key_split(key, &space, &name);
	config = cache_get(view->cache, &kind_config_map, space, name);
	if (config == NULL) {
		return;
	}
	wanted = (int64_t)strlen(json_string_at(object_tree(config), "data.copies"));
	cache_for_each (secret, view->cache, &kind_secret, space) {
		if (!str_is(name, object_label(secret, "of"))) {
			continue;
		}
		if (there < wanted) {
			there++;
		} else {
			plan_delete(plan, secret, -1, PLAN_BACKGROUND);
			plan_tolerate(plan, "NotFound");
		}
	}
	for (; there < wanted; there++) {
		plan_create(plan, &kind_secret, space,
			    json_pack("{s{ss s{ss%}}}", "metadata", "generateName", "copy-",
				      "labels", "of", name.p, name.n));
		plan_event(plan, config, "Normal", "Copied", "Created a copy");
		plan_event_on_failure(plan, config, "FailedCopy", "no copy: %s");
	}
	if (strcmp(object_annotation(config, "seen"),
		   json_string_at(object_tree(config), "data.copies")) != 0) {
		plan_patch(plan, &kind_config_map, space, name, NULL,
			   json_pack("{s{s{ss}}}", "metadata", "annotations", "seen",
				     json_string_at(object_tree(config), "data.copies")));
	}
}

static const struct controller copies = {
	.name = "copies-controller",
	.sources = { { &kind_config_map, source_self }, { &kind_secret, keys_of_owner } },
	.reconcile = reconcile_copies,
};

struct world {
	struct clock_manual clock;
	struct loop *loop;
	struct fake *fake;
	struct cache *cache;
	struct runner *runner;
};

static void world_init(struct world *world, uint64_t seed, const struct controller *controller)
{
	clock_manual_init(&world->clock, 1700000000 * NS_PER_S);
	assert_int_equal(loop_new(&world->loop), 0);
	world->fake = fake_new(&world->clock.clock, seed);
	world->cache = cache_new(fake_client(world->fake));
	world->runner = runner_new(world->loop, fake_client(world->fake), world->cache,
				   &world->clock.clock);
	runner_add(world->runner, controller, NULL);
	runner_start(world->runner);
}

static void world_deinit(struct world *world)
{
	runner_free(world->runner);
	cache_free(world->cache);
	fake_free(world->fake);
	loop_free(world->loop);
}

/* Lets everything happen that will happen within `ns`. */
static void world_run(struct world *world, uint64_t ns)
{
	uint64_t end = world->clock.now + ns;

	assert_true(fake_settle(world->fake, world->loop, world->runner));
	while (runner_next_due(world->runner) <= end) {
		world->clock.now = runner_next_due(world->runner);
		runner_run_due(world->runner);
		assert_true(fake_settle(world->fake, world->loop, world->runner));
	}
	world->clock.now = end;
}

static json_t *config(const char *name, const char *copies_wanted)
{
	return json_pack("{s{ssss}s{ss}}", "metadata", "name", name, "namespace", "ns", "data",
			 "copies", copies_wanted);
}

static unsigned made;

static void count_made(void *userdata, struct object *old, struct object *now)
{
	made += old == NULL ? 1 : 0;
}

static void what_is_missing_is_created_once_whatever_the_order(void **state)
{
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct cache *observer;
		struct world world;

		made = 0;
		world_init(&world, seed, &copies);
		observer = cache_new(fake_client(world.fake));
		cache_subscribe(observer, &kind_secret, count_made, NULL);
		fake_create(world.fake, &kind_config_map, config("a", "xxxxx"));
		fake_create(world.fake, &kind_config_map, config("b", "xx"));
		world_run(&world, 0);
		assert_true(runner_is_idle(world.runner));
		/* A double create would have been deleted again: count what was made. */
		assert_int_equal(made, 7);
		assert_int_equal(fake_count(world.fake, &kind_secret), 7);
		fake_patch(world.fake, &kind_config_map, "ns", "a", NULL,
			   json_pack("{s{ss}}", "data", "copies", "x"));
		world_run(&world, 0);
		assert_int_equal(fake_count(world.fake, &kind_secret), 3);
		assert_int_equal(made, 7);
		cache_free(observer);
		world_deinit(&world);
	}
}

static void lost_answers_and_broken_watches_make_no_second_copy(void **state)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct cache *observer;
		struct world world;

		made = 0;
		world_init(&world, seed, &copies);
		observer = cache_new(fake_client(world.fake));
		cache_subscribe(observer, &kind_secret, count_made, NULL);
		fake_lose_answers(world.fake, 30);
		fake_create(world.fake, &kind_config_map, config("a", "xxxx"));
		for (unsigned i = 0; i < 10; i++) {
			for (uint64_t steps = 0; steps < seed % 7; steps++) {
				loop_run_once(world.loop);
				fake_step(world.fake);
			}
			runner_run_due(world.runner);
			if (i % 3 == 2) {
				fake_break_watches(world.fake);
			}
			world.clock.now += 10 * NS_PER_MS;
		}
		fake_lose_answers(world.fake, 0);
		world_run(&world, 120 * NS_PER_S);
		assert_true(runner_is_idle(world.runner));
		assert_int_equal(fake_count(world.fake, &kind_secret), 4);
		assert_int_equal(made, 4);
		cache_free(observer);
		world_deinit(&world);
	}
}

static void a_failed_plan_comes_back_later_and_later(void **state)
{
	struct world world;
	uint64_t waited[8];

	world_init(&world, 1, &copies);
	fake_refuse(world.fake, 8, 429, "TooManyRequests");
	fake_create(world.fake, &kind_config_map, config("a", ""));
	/* The create above was refused, too. */
	assert_int_equal(fake_count(world.fake, &kind_config_map), 0);
	fake_refuse(world.fake, 0, 0, NULL);
	fake_create(world.fake, &kind_config_map, config("a", "x"));
	fake_refuse(world.fake, 1000, 429, "TooManyRequests");
	for (size_t i = 0; i < ARRAY_SIZE(waited); i++) {
		assert_true(fake_settle(world.fake, world.loop, world.runner));
		assert_false(runner_is_idle(world.runner));
		waited[i] = runner_next_due(world.runner) - world.clock.now;
		world.clock.now = runner_next_due(world.runner);
		runner_run_due(world.runner);
	}
	assert_in_range(waited[0], 2500 * 1000, 5 * NS_PER_MS);
	assert_in_range(waited[7], 320 * NS_PER_MS, 640 * NS_PER_MS);
	fake_refuse(world.fake, 0, 0, NULL);
	world_run(&world, 60 * NS_PER_S);
	assert_int_equal(fake_count(world.fake, &kind_secret), 1);
	world_deinit(&world);
}

static const json_t *find_event(struct world *world, const char *reason)
{
	const json_t *event;

	for (size_t i = 0; (event = fake_nth(world->fake, &kind_event, i)) != NULL; i++) {
		if (strcmp(json_string_at(event, "reason"), reason) == 0) {
			return event;
		}
	}
	return NULL;
}

static void repeats_of_an_event_are_counted(void **state)
{
	const json_t *event;
	struct world world;

	world_init(&world, 3, &copies);
	fake_create(world.fake, &kind_config_map, config("a", "xxx"));
	world_run(&world, 0);
	world.clock.now += 10 * NS_PER_S;
	fake_patch(world.fake, &kind_config_map, "ns", "a", NULL,
		   json_pack("{s{ss}}", "data", "copies", "xxxx"));
	world_run(&world, 0);
	assert_int_equal(fake_count(world.fake, &kind_event), 1);
	event = find_event(&world, "Copied");
	assert_int_equal(json_int_at(event, "count", 0), 4);
	assert_string_equal(json_string_at(event, "firstTimestamp"), "2023-11-14T22:13:20Z");
	assert_string_equal(json_string_at(event, "lastTimestamp"), "2023-11-14T22:13:30Z");
	assert_string_equal(json_string_at(event, "involvedObject.kind"), "ConfigMap");
	assert_string_equal(json_string_at(event, "involvedObject.apiVersion"), "v1");
	assert_string_equal(json_string_at(event, "involvedObject.name"), "a");
	assert_string_equal(json_string_at(event, "involvedObject.namespace"), "ns");
	assert_string_not_equal(json_string_at(event, "involvedObject.uid"), "");
	assert_string_equal(json_string_at(event, "source.component"), "copies-controller");
	assert_string_equal(json_string_at(event, "reportingComponent"), "copies-controller");
	assert_string_equal(json_string_at(event, "type"), "Normal");
	assert_memory_equal(json_string_at(event, "metadata.name"), "a.", 2);
	/* An hour and a bit later it is a new event. */
	world.clock.now += 3700 * NS_PER_S;
	fake_patch(world.fake, &kind_config_map, "ns", "a", NULL,
		   json_pack("{s{ss}}", "data", "copies", "xxxxx"));
	world_run(&world, 0);
	assert_int_equal(fake_count(world.fake, &kind_event), 2);
	world_deinit(&world);
}

static void a_failure_is_told_with_its_reason(void **state)
{
	const json_t *event;
	struct world world;

	world_init(&world, 3, &copies);
	fake_create(world.fake, &kind_config_map, config("a", "x"));
	fake_refuse(world.fake, 1, 403, "Forbidden");
	world_run(&world, NS_PER_S);
	event = find_event(&world, "FailedCopy");
	assert_non_null(event);
	assert_string_equal(json_string_at(event, "type"), "Warning");
	assert_memory_equal(json_string_at(event, "message"), "no copy: copy-", 14);
	assert_int_equal(fake_count(world.fake, &kind_secret), 1);
	world_deinit(&world);
}

static void a_namespace_that_is_going_ends_the_plan_quietly(void **state)
{
	struct world world;

	world_init(&world, 3, &copies);
	fake_create(world.fake, &kind_namespace, json_pack("{s{ss}}", "metadata", "name", "ns"));
	fake_create(world.fake, &kind_config_map, config("a", "x"));
	fake_delete(world.fake, &kind_namespace, "", "ns", -1);
	world_run(&world, 0);
	assert_true(runner_is_idle(world.runner));
	assert_null(find_event(&world, "FailedCopy"));
	assert_int_equal(fake_count(world.fake, &kind_secret), 0);
	world_deinit(&world);
}

static unsigned reconciled;

static void reconcile_again(const struct view *view, struct str key, struct plan *plan)
{
	reconciled++;
	plan_requeue(plan, 10 * NS_PER_S);
	plan_requeue(plan, 20 * NS_PER_S);
}

static const struct controller again = {
	.name = "again",
	.sources = { { &kind_config_map, source_self } },
	.reconcile = reconcile_again,
};

static void a_key_comes_back_when_it_asked_to(void **state)
{
	struct world world;

	reconciled = 0;
	world_init(&world, 3, &again);
	fake_create(world.fake, &kind_config_map, config("a", "x"));
	world_run(&world, 35 * NS_PER_S);
	assert_int_equal(reconciled, 4);
	assert_true(runner_is_idle(world.runner));
	world_deinit(&world);
}

static int told; /* changes, or -1: everything */
static bool told_old, told_now;

static void reconcile_told(const struct view *view, struct str key, struct plan *plan)
{
	struct object *config = cache_get(view->cache, &kind_config_map, STR("ns"), STR("a"));

	told = view->changes != NULL ? (int)view->n_changes : -1;
	told_old = told > 0 && view->changes[0].old != NULL;
	told_now = told > 0 && view->changes[0].now != NULL;
	if (config != NULL && object_annotation(config, "fail")[0] != '\0' &&
	    view->failure == NULL) {
		plan_patch(plan, &kind_secret, STR("ns"), STR("nowhere"), NULL, json_object());
	}
}

static const struct controller listener = {
	.name = "listener",
	.sources = { { &kind_config_map, source_self } },
	.incremental = true,
	.reconcile = reconcile_told,
};

static void patch_config(struct world *world, const char *annotation, int n)
{
	fake_patch(world->fake, &kind_config_map, "ns", "a", NULL,
		   json_pack("{s{s{so}}}", "metadata", "annotations", annotation,
			     json_sprintf("%d", n)));
}

static void an_incremental_controller_is_told_of_changes_if_they_are_all(void **state)
{
	struct world world;

	world_init(&world, 1, &listener);
	fake_create(world.fake, &kind_config_map,
		    json_pack("{s{ssss}}", "metadata", "name", "a", "namespace", "ns"));
	world_run(&world, NS_PER_S);
	patch_config(&world, "x", 1);
	world_run(&world, NS_PER_S);
	assert_int_equal(told, 1);
	assert_true(told_old && told_now);
	runner_queue(world.runner, &listener, STR("ns/a"));
	world_run(&world, NS_PER_S);
	assert_int_equal(told, -1);
	/* A plan that failed: what it was about is not done. */
	patch_config(&world, "fail", 1);
	world_run(&world, NS_PER_S);
	assert_int_equal(told, -1);
	fake_delete(world.fake, &kind_config_map, "ns", "a", 0);
	world_run(&world, NS_PER_S);
	assert_int_equal(told, 1);
	assert_true(told_old && !told_now);
	world_deinit(&world);
}

static void a_plan_can_be_read_back(void **state)
{
	struct cache *cache = cache_new(NULL);
	struct view view = { .cache = cache };
	struct plan *plan = plan_new();
	const json_t *action;
	struct object *object;

	cache_want(cache, &kind_secret);
	assert_int_equal(object_new_tree(&kind_config_map, config("a", "x"), &object), 0);
	cache_feed(cache, object);
	reconcile_copies(&view, STR("ns/a"), plan);
	assert_int_equal(plan_count(plan), 3);
	action = plan_action(plan, 0);
	assert_string_equal(json_string_at(action, "verb"), "create");
	assert_string_equal(json_string_at(action, "kind"), "Secret");
	assert_string_equal(json_string_at(action, "namespace"), "ns");
	assert_string_equal(json_string_at(action, "body.metadata.labels.of"), "a");
	action = plan_action(plan, 1);
	assert_string_equal(json_string_at(action, "verb"), "event");
	assert_string_equal(json_string_at(action, "body.reason"), "Copied");
	action = plan_action(plan, 2);
	assert_string_equal(json_string_at(action, "verb"), "patch");
	assert_int_equal(plan_requeue_after(plan), 0);
	plan_free(plan);
	cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_missing_is_created_once_whatever_the_order),
		cmocka_unit_test(lost_answers_and_broken_watches_make_no_second_copy),
		cmocka_unit_test(a_failed_plan_comes_back_later_and_later),
		cmocka_unit_test(repeats_of_an_event_are_counted),
		cmocka_unit_test(a_failure_is_told_with_its_reason),
		cmocka_unit_test(a_namespace_that_is_going_ends_the_plan_quietly),
		cmocka_unit_test(a_key_comes_back_when_it_asked_to),
		cmocka_unit_test(an_incremental_controller_is_told_of_changes_if_they_are_all),
		cmocka_unit_test(a_plan_can_be_read_back),
	};

	log_set_level(LOG_ERROR); /* failed plans are what is tried here */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
