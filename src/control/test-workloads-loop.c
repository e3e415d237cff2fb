/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workload controllers on the runner, with a node that starts and ends pods, against an API
 * server that answers and notifies late and in any order, loses answers and breaks watches. What
 * must hold at every moment is checked on the server, between any two steps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
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

enum { SEEDS = 8 };

struct simulation {
	struct clock_manual clock;
	struct random_state random;
	struct controller_settings settings;
	struct loop *loop;
	struct fake *fake;
	struct cache *cache;
	struct runner *runner;
	json_t *seen; /* uids of pods that were there */
	bool ordered; /* pods of "web" come in order */
	int64_t most; /* replicas that all ReplicaSets together may want; 0: any number */
	size_t fewest; /* ready, active pods there must be at a time */
};

/* ---- what must always hold ---- */

static const char *name_of(const json_t *object)
{
	return json_string_at(object, "metadata.name");
}

static bool is_ready(const json_t *pod)
{
	return json_at(pod, "metadata.deletionTimestamp") == NULL &&
	       strcmp(json_string_at(pod, "status.phase"), "Running") == 0;
}

/* A pod of the set "web" has appeared: the ones before it are there and ready. */
static void check_order(const struct simulation *simulation, const json_t *pod)
{
	int ordinal = atoi(name_of(pod) + strlen("web-"));

	for (int i = 0; i < ordinal; i++) {
		char name[16];

		snprintf(name, sizeof(name), "web-%d", i);
		if (!is_ready(fake_get(simulation->fake, &kind_pod, "default", name))) {
			fail_msg("%s came before %s was ready", name_of(pod), name);
		}
	}
}

static void check(struct simulation *simulation)
{
	const json_t *object;
	int64_t wanted = 0;
	size_t ready = 0;

	for (size_t i = 0; (object = fake_nth(simulation->fake, &kind_pod, i)) != NULL; i++) {
		const char *uid = json_string_at(object, "metadata.uid");

		ready += is_ready(object);
		if (simulation->ordered && json_object_get(simulation->seen, uid) == NULL) {
			check_order(simulation, object);
		}
		json_object_set_new(simulation->seen, uid, json_true());
	}
	if (ready < simulation->fewest) {
		fail_msg("%zu ready pods, %zu are needed", ready, simulation->fewest);
	}
	for (size_t i = 0; (object = fake_nth(simulation->fake, &kind_replica_set, i)) != NULL;
	     i++) {
		wanted += json_int_at(object, "spec.replicas", 1);
	}
	if (simulation->most != 0 && wanted > simulation->most) {
		fail_msg("%d replicas wanted, no more than %d are allowed", (int)wanted,
			 (int)simulation->most);
	}
}

/* ---- the world ---- */

static void simulation_init(struct simulation *simulation, uint64_t seed)
{
	*simulation = (struct simulation){ .settings.ca_certificate = "authority" };
	clock_manual_init(&simulation->clock, 1700000000 * NS_PER_S);
	random_state_seed(&simulation->random, seed);
	assert_int_equal(loop_new(&simulation->loop), 0);
	simulation->fake = fake_new(&simulation->clock.clock, seed);
	simulation->cache = cache_new(fake_client(simulation->fake));
	simulation->runner = runner_new(simulation->loop, fake_client(simulation->fake),
					simulation->cache, &simulation->clock.clock);
	for (size_t i = 0; i < n_controllers; i++) {
		runner_add(simulation->runner, controllers[i], &simulation->settings);
	}
	runner_start(simulation->runner);
	simulation->seen = json_object();
}

static void simulation_deinit(struct simulation *simulation)
{
	json_decref(simulation->seen);
	runner_free(simulation->runner);
	cache_free(simulation->cache);
	fake_free(simulation->fake);
	loop_free(simulation->loop);
}

static json_t *read_quoted(const char *text)
{
	char *copy = mem_strdup(text);
	json_t *tree;

	for (char *c = copy; *c != '\0'; c++) {
		*c = *c == '\'' ? '"' : *c;
	}
	tree = json_loads(copy, 0, NULL);
	assert_non_null(tree);
	mem_free(copy);
	return tree;
}

static void put_space_and_nodes(struct simulation *simulation)
{
	fake_create(simulation->fake, &kind_namespace,
		    read_quoted("{'metadata':{'name':'default'}}"));
	for (int i = 1; i <= 2; i++) {
		json_t *node = read_quoted("{'metadata':{},'status':{'conditions':[{'type':'Ready',"
					   "'status':'True'}]}}");

		json_put(node, "metadata.name", json_sprintf("node%02d", i));
		fake_create(simulation->fake, &kind_node, node);
	}
}

/* The node: starts one bound pod or lets one end; false when it has nothing to do. */
static bool node_works(struct simulation *simulation)
{
	for (size_t i = 0; i < fake_count(simulation->fake, &kind_pod); i++) {
		const json_t *pod = fake_nth(simulation->fake, &kind_pod, i);
		char name[64];

		snprintf(name, sizeof(name), "%s", name_of(pod));
		if (json_at(pod, "metadata.deletionTimestamp") != NULL) {
			fake_delete(simulation->fake, &kind_pod, "default", name, 0);
			return true;
		}
		if (json_string_at(pod, "spec.nodeName")[0] == '\0' ||
		    json_string_at(pod, "status.phase")[0] != '\0') {
			continue;
		}
		char text[TIMESTAMP_TEXT];

		timestamp_format(clock_wall_seconds(&simulation->clock.clock), text);
		json_t *patch = read_quoted("{'status':{'phase':'Running','conditions':[{'type':"
					    "'Ready','status':'True'}]}}");

		json_object_set_new(json_array_get(json_at(patch, "status.conditions"), 0),
				    "lastTransitionTime", json_string(text));
		fake_patch(simulation->fake, &kind_pod, "default", name, "status", patch);
		return true;
	}
	return false;
}

/* A part of what waits is delivered, and the node does something. */
static void stumble(struct simulation *simulation)
{
	for (unsigned n = random_below(&simulation->random, 20); n > 0; n--) {
		loop_run_once(simulation->loop);
		check(simulation);
		fake_step(simulation->fake);
		check(simulation);
	}
	if (random_below(&simulation->random, 3) == 0) {
		node_works(simulation);
		check(simulation);
	}
	if (random_below(&simulation->random, 50) == 0) {
		fake_break_watches(simulation->fake);
	}
	simulation->clock.now += 10 * NS_PER_MS;
	runner_run_due(simulation->runner);
}

/* Lets everything happen that will within a minute, the node's work included. */
static void settle(struct simulation *simulation)
{
	uint64_t end = simulation->clock.now + 60 * NS_PER_S;

	fake_lose_answers(simulation->fake, 0);
	for (unsigned turns = 0;; turns++) {
		assert_true(turns < 10000);
		assert_true(fake_settle(simulation->fake, simulation->loop, simulation->runner));
		check(simulation);
		if (node_works(simulation)) {
			continue;
		}
		if (runner_next_due(simulation->runner) > end) {
			break;
		}
		simulation->clock.now = runner_next_due(simulation->runner);
		runner_run_due(simulation->runner);
	}
	simulation->clock.now = end;
}

static void stumble_and_settle(struct simulation *simulation)
{
	fake_lose_answers(simulation->fake, 10);
	for (int i = 0; i < 60; i++) {
		stumble(simulation);
	}
	settle(simulation);
}

/* Nothing is written when nothing happens. */
static void expect_rest(struct simulation *simulation)
{
	uint64_t before;

	settle(simulation);
	before = fake_revision(simulation->fake);
	settle(simulation);
	assert_int_equal(fake_revision(simulation->fake), before);
}

static const char *image_of(const json_t *pod)
{
	return json_string_at(json_array_get(json_at(pod, "spec.containers"), 0), "image");
}

/* So many pods, all of this image and ready. */
static void expect_pods(struct simulation *simulation, size_t n, const char *image)
{
	assert_int_equal(fake_count(simulation->fake, &kind_pod), n);
	for (size_t i = 0; i < n; i++) {
		const json_t *pod = fake_nth(simulation->fake, &kind_pod, i);

		assert_string_equal(image_of(pod), image);
		assert_string_equal(json_string_at(pod, "status.phase"), "Running");
	}
}

#define SPEC(more)                                                                                 \
	"{'metadata':{'name':'web','namespace':'default'},'spec':{" more                           \
	"'selector':{'matchLabels':{'app':'web'}},'template':{'metadata':{'labels':{'app':'web'}}" \
	","                                                                                        \
	"'spec':{'containers':[{'name':'c','image':'one'}]}}}}"
#define IMAGE(image)                                                                               \
	"{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'" image "'}]}}}}"

static void patch_web(struct simulation *simulation, const struct kind *kind, const char *patch)
{
	assert_int_equal(fake_patch(simulation->fake, kind, "default", "web", NULL,
				    read_quoted(patch)),
			 200);
}

/* ---- the tests ---- */

static void a_set_comes_scales_and_rolls_in_order(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct simulation simulation;
		const json_t *set;

		simulation_init(&simulation, seed);
		simulation.ordered = true;
		put_space_and_nodes(&simulation);
		fake_create(simulation.fake, &kind_stateful_set,
			    read_quoted(SPEC("'replicas':3,'serviceName':'nginx',")));
		stumble_and_settle(&simulation);
		expect_pods(&simulation, 3, "one");
		patch_web(&simulation, &kind_stateful_set, "{'spec':{'replicas':5}}");
		stumble_and_settle(&simulation);
		expect_pods(&simulation, 5, "one");
		patch_web(&simulation, &kind_stateful_set, "{'spec':{'replicas':2}}");
		stumble_and_settle(&simulation);
		expect_pods(&simulation, 2, "one");
		simulation.ordered = false; /* an update goes downwards */
		simulation.fewest = 1;
		patch_web(&simulation, &kind_stateful_set, IMAGE("two"));
		stumble_and_settle(&simulation);
		expect_pods(&simulation, 2, "two");
		set = fake_get(simulation.fake, &kind_stateful_set, "default", "web");
		assert_int_equal(json_int_at(set, "status.replicas", 0), 2);
		assert_int_equal(json_int_at(set, "status.readyReplicas", 0), 2);
		assert_int_equal(json_int_at(set, "status.observedGeneration", 0), 4);
		assert_string_equal(json_string_at(set, "status.currentRevision"),
				    json_string_at(set, "status.updateRevision"));
		assert_int_equal(fake_count(simulation.fake, &kind_controller_revision), 2);
		expect_rest(&simulation);
		simulation_deinit(&simulation);
	}
}

static void a_deployment_rolls_within_its_bounds(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct simulation simulation;
		const json_t *deployment;

		simulation_init(&simulation, seed);
		simulation.most = 5;
		put_space_and_nodes(&simulation);
		fake_create(simulation.fake, &kind_deployment,
			    read_quoted(SPEC("'replicas':4,'progressDeadlineSeconds':600,"
					     "'revisionHistoryLimit':10,'strategy':{'type':"
					     "'RollingUpdate','rollingUpdate':{'maxSurge':1,"
					     "'maxUnavailable':1}},")));
		stumble_and_settle(&simulation);
		expect_pods(&simulation, 4, "one");
		simulation.fewest = 3;
		patch_web(&simulation, &kind_deployment, IMAGE("two"));
		stumble_and_settle(&simulation);
		expect_pods(&simulation, 4, "two");
		patch_web(&simulation, &kind_deployment, IMAGE("one"));
		stumble_and_settle(&simulation);
		expect_pods(&simulation, 4, "one");
		assert_int_equal(fake_count(simulation.fake, &kind_replica_set), 2);
		deployment = fake_get(simulation.fake, &kind_deployment, "default", "web");
		assert_int_equal(json_int_at(deployment, "status.updatedReplicas", 0), 4);
		assert_int_equal(json_int_at(deployment, "status.availableReplicas", 0), 4);
		assert_string_equal(json_string_value(json_object_get(
					    json_at(deployment, "metadata.annotations"),
					    "deployment.kubernetes.io/revision")),
				    "3");
		expect_rest(&simulation);
		simulation_deinit(&simulation);
	}
}

static void what_a_deployment_owns_goes_with_it(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct simulation simulation;

		simulation_init(&simulation, seed);
		put_space_and_nodes(&simulation);
		fake_create(simulation.fake, &kind_deployment, read_quoted(SPEC("'replicas':2,")));
		stumble_and_settle(&simulation);
		expect_pods(&simulation, 2, "one");
		fake_delete(simulation.fake, &kind_deployment, "default", "web", -1);
		stumble_and_settle(&simulation);
		assert_int_equal(fake_count(simulation.fake, &kind_replica_set), 0);
		assert_int_equal(fake_count(simulation.fake, &kind_pod), 0);
		expect_rest(&simulation);
		simulation_deinit(&simulation);
	}
}

static void pods_are_spread_evenly(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct simulation simulation;
		size_t on_first = 0;

		simulation_init(&simulation, seed);
		put_space_and_nodes(&simulation);
		fake_create(simulation.fake, &kind_stateful_set,
			    read_quoted(SPEC("'replicas':8,'podManagementPolicy':'Parallel',")));
		stumble_and_settle(&simulation);
		expect_pods(&simulation, 8, "one");
		for (size_t i = 0; i < 8; i++) {
			const json_t *pod = fake_nth(simulation.fake, &kind_pod, i);

			on_first += strcmp(json_string_at(pod, "spec.nodeName"), "node01") == 0;
		}
		assert_int_equal(on_first, 4);
		simulation_deinit(&simulation);
	}
}

static void a_namespace_goes_with_all_it_holds(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct simulation simulation;

		simulation_init(&simulation, seed);
		put_space_and_nodes(&simulation);
		fake_create(simulation.fake, &kind_stateful_set,
			    read_quoted(SPEC("'replicas':2,")));
		stumble_and_settle(&simulation);
		expect_pods(&simulation, 2, "one");
		assert_int_equal(fake_count(simulation.fake, &kind_service_account), 1);
		assert_int_equal(fake_count(simulation.fake, &kind_config_map), 1);
		fake_delete(simulation.fake, &kind_namespace, "", "default", -1);
		stumble_and_settle(&simulation);
		assert_null(fake_get(simulation.fake, &kind_namespace, "", "default"));
		assert_int_equal(fake_count(simulation.fake, &kind_pod), 0);
		assert_int_equal(fake_count(simulation.fake, &kind_stateful_set), 0);
		assert_int_equal(fake_count(simulation.fake, &kind_controller_revision), 0);
		assert_int_equal(fake_count(simulation.fake, &kind_config_map), 0);
		simulation_deinit(&simulation);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_comes_scales_and_rolls_in_order),
		cmocka_unit_test(a_deployment_rolls_within_its_bounds),
		cmocka_unit_test(what_a_deployment_owns_goes_with_it),
		cmocka_unit_test(pods_are_spread_evenly),
		cmocka_unit_test(a_namespace_goes_with_all_it_holds),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
