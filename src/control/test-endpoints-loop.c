/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoint controllers on the runner, against an API server that answers and notifies late and
 * in any order, loses answers and breaks watches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "client/cache.h"
#include "client/fake.h"
#include "client/runner.h"
#include "control/controllers.h"
#include "loop/loop.h"
#include "object/kinds.h"
#include "json/json.h"

enum { PODS = 30 };

struct simulation {
	struct clock_manual clock;
	struct random_state random;
	struct loop *loop;
	struct fake *fake;
	struct cache *cache;
	struct runner *runner;
	struct cache *observer;
	unsigned slices_made;
	bool there[PODS];
	bool ready[PODS];
};

static void note_slice(void *userdata, struct object *old, struct object *now)
{
	((struct simulation *)userdata)->slices_made += old == NULL ? 1 : 0;
}

static void simulation_init(struct simulation *simulation, uint64_t seed)
{
	*simulation = (struct simulation){ 0 };
	clock_manual_init(&simulation->clock, 1700000000 * NS_PER_S);
	random_state_seed(&simulation->random, seed);
	assert_int_equal(loop_new(&simulation->loop), 0);
	simulation->fake = fake_new(&simulation->clock.clock, seed);
	simulation->cache = cache_new(fake_client(simulation->fake));
	simulation->runner = runner_new(simulation->loop, fake_client(simulation->fake),
					simulation->cache, &simulation->clock.clock);
	runner_add(simulation->runner, &controller_endpointslice, NULL);
	runner_add(simulation->runner, &controller_endpoints, NULL);
	runner_add(simulation->runner, &controller_mirroring, NULL);
	runner_start(simulation->runner);
	simulation->observer = cache_new(fake_client(simulation->fake));
	cache_subscribe(simulation->observer, &kind_endpoint_slice, note_slice, simulation);
}

static void simulation_deinit(struct simulation *simulation)
{
	cache_free(simulation->observer);
	runner_free(simulation->runner);
	cache_free(simulation->cache);
	fake_free(simulation->fake);
	loop_free(simulation->loop);
}

static void change_a_pod(struct simulation *simulation)
{
	unsigned i = random_below(&simulation->random, PODS);
	char name[16];
	char ip[16];

	snprintf(name, sizeof(name), "web-%02u", i);
	snprintf(ip, sizeof(ip), "10.244.0.%u", i + 1);
	if (!simulation->there[i]) {
		fake_create(simulation->fake, &kind_pod,
			    json_pack("{s{ss ss s{ss}} s{ss s[{ss}]}}", "metadata", "name", name,
				      "namespace", "ns", "labels", "app", "web", "status", "phase",
				      "Running", "podIPs", "ip", ip));
		simulation->there[i] = true;
		simulation->ready[i] = false;
	} else if (random_below(&simulation->random, 3) == 0) {
		fake_delete(simulation->fake, &kind_pod, "ns", name, 0);
		simulation->there[i] = false;
	} else {
		simulation->ready[i] = !simulation->ready[i];
		fake_patch(simulation->fake, &kind_pod, "ns", name, "status",
			   json_pack("{s{s[{ss ss}]}}", "status", "conditions", "type", "Ready",
				     "status", simulation->ready[i] ? "True" : "False"));
	}
}

/* Somebody takes all endpoints out of the slice. */
static void empty_the_slice(struct simulation *simulation)
{
	const json_t *slice = fake_nth(simulation->fake, &kind_endpoint_slice, 0);
	char *name;

	if (slice != NULL) {
		name = mem_strdup(json_string_at(slice, "metadata.name"));
		fake_patch(simulation->fake, &kind_endpoint_slice, "ns", name, NULL,
			   json_pack("{s[]}", "endpoints"));
		mem_free(name);
	}
}

static void some_steps(struct simulation *simulation)
{
	for (unsigned n = random_below(&simulation->random, 12); n > 0; n--) {
		loop_run_once(simulation->loop);
		fake_step(simulation->fake);
	}
	simulation->clock.now += 10 * NS_PER_MS;
	runner_run_due(simulation->runner);
}

static void finish(struct simulation *simulation)
{
	uint64_t end = simulation->clock.now + 300 * NS_PER_S;

	assert_true(fake_settle(simulation->fake, simulation->loop, simulation->runner));
	while (runner_next_due(simulation->runner) <= end) {
		simulation->clock.now = runner_next_due(simulation->runner);
		runner_run_due(simulation->runner);
		assert_true(fake_settle(simulation->fake, simulation->loop, simulation->runner));
	}
	assert_true(runner_is_idle(simulation->runner));
}

/* How often slices show the address with this readiness. */
static unsigned shown(struct simulation *simulation, const char *ip, bool ready)
{
	const json_t *slice, *endpoint;
	unsigned n = 0;
	size_t j;

	for (size_t i = 0; (slice = fake_nth(simulation->fake, &kind_endpoint_slice, i)) != NULL;
	     i++) {
		json_array_foreach (json_object_get(slice, "endpoints"), j, endpoint) {
			const char *address = json_string_value(
				json_array_get(json_object_get(endpoint, "addresses"), 0));

			n += strcmp(address, ip) == 0 &&
			     json_bool_at(endpoint, "conditions.ready", false) == ready;
		}
	}
	return n;
}

static void check(struct simulation *simulation)
{
	char ip[16];

	for (unsigned i = 0; i < PODS; i++) {
		unsigned wanted = simulation->there[i] ? 1 : 0;

		snprintf(ip, sizeof(ip), "10.244.0.%u", i + 1);
		assert_int_equal(shown(simulation, ip, simulation->ready[i]), wanted);
		assert_int_equal(shown(simulation, ip, !simulation->ready[i]), 0);
	}
	assert_int_equal(fake_count(simulation->fake, &kind_endpoints), 1);
}

static void slices_end_up_as_the_pods_are(void **state)
{
	for (uint64_t seed = 1; seed <= 24; seed++) {
		struct simulation simulation;

		simulation_init(&simulation, seed);
		fake_lose_answers(simulation.fake, seed % 3 == 0 ? 20 : 0);
		fake_create(simulation.fake, &kind_service,
			    json_pack("{s{ssss} s{ss s{ss} s[s] s[{si ss}]}}", "metadata", "name",
				      "web", "namespace", "ns", "spec", "clusterIP", "None",
				      "selector", "app", "web", "ipFamilies", "IPv4", "ports",
				      "port", 80, "protocol", "TCP"));
		for (unsigned i = 0; i < 100; i++) {
			change_a_pod(&simulation);
			some_steps(&simulation);
			if (seed % 4 == 0 && i % 30 == 29) {
				fake_break_watches(simulation.fake);
			}
			if (seed % 5 == 0 && i % 40 == 39) {
				empty_the_slice(&simulation);
			}
		}
		fake_lose_answers(simulation.fake, 0);
		finish(&simulation);
		check(&simulation);
		/*
		 * Thirty pods fit into one slice, and there was always one: a second is a stale
		 * one.
		 */
		assert_int_equal(simulation.slices_made, 1);
		simulation_deinit(&simulation);
	}
}

static void hand_made_endpoints_are_mirrored_once(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct simulation simulation;

		simulation_init(&simulation, seed);
		fake_lose_answers(simulation.fake, 30);
		while (fake_create(simulation.fake, &kind_endpoints,
				   json_pack("{s{ssss} s[{s[{ss}]}]}", "metadata", "name", "db",
					     "namespace", "ns", "subsets", "addresses", "ip",
					     "10.0.0.1")) != 201) {
		}
		some_steps(&simulation);
		fake_create(simulation.fake, &kind_service,
			    json_pack("{s{ssss} s{ss}}", "metadata", "name", "db", "namespace",
				      "ns", "spec", "clusterIP", "None"));
		fake_lose_answers(simulation.fake, 0);
		finish(&simulation);
		assert_int_equal(shown(&simulation, "10.0.0.1", true), 1);
		assert_int_equal(simulation.slices_made, 1);
		fake_delete(simulation.fake, &kind_endpoints, "ns", "db", -1);
		finish(&simulation);
		assert_int_equal(fake_count(simulation.fake, &kind_endpoint_slice), 0);
		simulation_deinit(&simulation);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_end_up_as_the_pods_are),
		cmocka_unit_test(hand_made_endpoints_are_mirrored_once),
	};

	log_set_level(LOG_ERROR); /* failed plans are what is tried here */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
