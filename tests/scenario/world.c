/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wiring, as cmd/standalone.c does it, and virtual time. What happens at one moment happens in
 * turns: the loop once, then the store. There is no way to ask a controller whether it would have
 * had something to do, so a moment is over when nothing waits in the store and the runner says that
 * it is idle, or several turns changed nothing.
 */
#include "world.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/api.h"
#include "api/local.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/cache.h"
#include "client/client.h"
#include "client/runner.h"
#include "dns/test-rig.h"
#include "loop/loop.h"
#include "node/simulated.h"
#include "rough_store.h"
#include "store/store.h"
#include "watch/hub.h"
#include "zone/zone.h"

#define START (UINT64_C(1767323045) * NS_PER_S)

enum {
	QUIET_TURNS = 20,
	TURNS_MOST = 100000,
	SETTLE_SECONDS = 7200,
	SETTLE_STEP = 5,
};

static void die(const char *what)
{
	fprintf(stderr, "world: %s\n", what);
	abort();
}

/* ---- start and stop ---- */

static const char *default_to(const char *text, const char *otherwise)
{
	return text != NULL ? text : otherwise;
}

static void synced(void *userdata)
{
	struct world *world = userdata;

	zone_synced(world->zone);
}

static void start_zone(struct world *world)
{
	static char pods[2][64];
	struct str rest = str_from(world->config.pod_cidr);
	const char *reverse[4];
	const struct kind *wanted[ZONE_KINDS_MAX];
	char message[ZONE_MESSAGE];
	struct zone_config config = {
		.domain = "cluster.local",
		.ttl = ZONE_TTL_DEFAULT,
		.pods = ZONE_PODS_INSECURE,
		.zonal = true,
		.reverse = reverse,
		.clock = &world->clock.clock,
	};

	for (size_t i = 0; i < 2 && world->config.service_cidrs[i] != NULL; i++) {
		reverse[config.n_reverse++] = world->config.service_cidrs[i];
	}
	for (size_t i = 0; i < 2 && rest.n != 0; i++) {
		struct str cidr = str_cut(&rest, ',');

		snprintf(pods[i], sizeof(pods[i]), "%.*s", STR_ARG(cidr));
		reverse[config.n_reverse++] = pods[i];
	}
	if (zone_new(&config, &world->zone, message) != 0) {
		die(message);
	}
	size_t n = zone_kinds(world->zone, wanted);

	for (size_t i = 0; i < n; i++) {
		cache_want(world->cache, wanted[i]);
		cache_subscribe(world->cache, wanted[i], zone_change, world->zone);
	}
	world->rig = MEM_NEW(struct rig);
	world->rig->zone = world->zone;
	world->rig->options = (struct dns_options){ .udp_size = LIMIT_DNS_UDP };
	world->rig->udp_size = LIMIT_DNS_UDP;
	world->rig->random = world->random;
	world->rig->tcp = true;
}

static void start_nodes(struct world *world)
{
	const struct simulated_settings settings = {
		.nodes = world->config.nodes,
		.pod_cidr = world->config.pod_cidr,
		.version = "0.1.0",
	};
	char message[SIMULATED_MESSAGE];

	if (world->config.store_only) {
		return;
	}
	if (simulated_new(&settings, message, &world->simulated) != 0) {
		die(message);
	}
	simulated_add(world->simulated, world->runner);
}

static void start(struct world *world)
{
	char message[256] = "";

	if (loop_new(&world->loop) != 0 ||
	    hub_new(world->store, &api_hub_ops, NULL, &world->hub) != 0) {
		die("cannot start");
	}
	const struct api_config config = {
		.store = world->store,
		.hub = world->hub,
		.clock = &world->clock.clock,
		.service_cidrs = { world->config.service_cidrs[0], world->config.service_cidrs[1] },
	};

	if (api_new(&config, message, sizeof(message), &world->api) != 0 ||
	    api_bootstrap(world->api, "127.0.0.1", 6443) != 0) {
		die(message);
	}
	world->client = api_local_client(world->api);
	world->cache = cache_new(world->client);
	world->runner = runner_new(world->loop, world->client, world->cache, &world->clock.clock);
	for (size_t i = 0; i < n_controllers; i++) {
		runner_add(world->runner, controllers[i], &world->control);
	}
	start_zone(world);
	start_nodes(world);
	runner_start(world->runner);
	cache_on_synced(world->cache, synced, world);
}

static void stop(struct world *world)
{
	api_end_watches(world->api);
	world->runner = runner_free(world->runner);
	world->simulated = simulated_free(world->simulated);
	world->cache = cache_free(world->cache);
	world->rig = mem_free(world->rig);
	world->zone = zone_free(world->zone);
	world->client = client_free(world->client);
	store_drain(world->store);
	world->api = api_free(world->api);
	world->hub = hub_free(world->hub);
	loop_run_once(world->loop);
	world->loop = loop_free(world->loop);
}

struct world *world_new(const struct world_config *config)
{
	struct world *world = MEM_NEW(struct world);
	struct store *memory;

	world->config = *config;
	world->config.nodes = config->nodes != 0 ? config->nodes : 2;
	world->config.pod_cidr = default_to(config->pod_cidr, "10.244.0.0/16");
	world->config.service_cidrs[0] = default_to(config->service_cidrs[0], "10.96.0.0/16");
	world->control.ca_certificate = "authority\n";
	clock_manual_init(&world->clock, START);
	if (config->seed != 0) {
		random_fix(config->seed);
	}
	random_state_init(&world->random);
	if (store_memory_new(&memory) != 0) {
		die("no store");
	}
	world->store = rough_store_new(memory);
	start(world);
	world_rest(world);
	return world;
}

struct world *world_free(struct world *world)
{
	stop(world);
	store_free(world->store);
	return mem_free(world);
}

void world_crash(struct world *world, size_t kept)
{
	rough_store_crash(world->store, kept);
	stop(world);
	rough_store_revive(world->store);
	world->crashes++;
	start(world);
}

/* ---- time ---- */

static uint64_t next_due(const struct world *world)
{
	uint64_t runner = runner_next_due(world->runner);
	uint64_t api = api_next_due(world->api);

	return runner < api ? runner : api;
}

static void run_due(struct world *world)
{
	uint64_t now = clock_monotonic(&world->clock.clock);

	if (api_next_due(world->api) <= now) {
		api_run_due(world->api);
	}
	if (runner_next_due(world->runner) <= now) {
		runner_run_due(world->runner);
	}
}

bool world_turn(struct world *world)
{
	size_t n = world->step == 0 ? SIZE_MAX
				    : 1 + random_below(&world->random, (uint32_t)world->step);

	run_due(world);
	loop_run_once(world->loop);
	rough_store_release(world->store, n);
	if (world->turned != NULL) {
		world->turned(world->userdata);
	}
	if (world->crash_in != 0 && --world->crash_in == 0) {
		world_crash(world, 0);
	}
	return rough_store_waiting(world->store) != 0 || !runner_is_idle(world->runner);
}

void world_rest(struct world *world)
{
	unsigned quiet = 0;

	for (unsigned turns = 0; quiet < QUIET_TURNS; turns++) {
		uint64_t before = hub_revision(world->hub);

		if (turns == TURNS_MOST) {
			world->restless = true;
			return;
		}
		if (!world_turn(world) && next_due(world) > world->clock.now) {
			return;
		}
		quiet = rough_store_waiting(world->store) == 0 && hub_revision(world->hub) == before
				? quiet + 1
				: 0;
	}
}

static void move_clock(struct world *world, uint64_t to)
{
	if (world->resting != NULL) {
		world->resting(world->userdata);
	}
	world->clock.now = to;
}

void world_advance(struct world *world, uint64_t ns)
{
	uint64_t end = world->clock.now + ns;

	for (world_rest(world); next_due(world) <= end && !world->restless; world_rest(world)) {
		move_clock(world, next_due(world));
	}
	move_clock(world, end);
	world_rest(world);
}

struct world_state world_state(const struct world *world)
{
	const struct str leases = STR("/registry/coordination.k8s.io/leases/");
	struct world_state state = { 0 };

	for (const struct hub_item *item = hub_next(world->hub, STR("/"), STR_NONE); item != NULL;
	     item = hub_next(world->hub, STR("/"), item->key)) {
		if (!str_starts(item->key, leases)) {
			state.objects++;
			state.newest =
				item->revision > state.newest ? item->revision : state.newest;
		}
	}
	return state;
}

bool world_settle(struct world *world, unsigned seconds)
{
	unsigned quiet = 0;

	for (unsigned i = 0; quiet < seconds; i++) {
		struct world_state before = world_state(world);
		struct world_state after;

		if (i == SETTLE_SECONDS / SETTLE_STEP || world->restless) {
			return false;
		}
		world_advance(world, SETTLE_STEP * NS_PER_S);
		after = world_state(world);
		quiet = runner_is_idle(world->runner) && before.objects == after.objects &&
					before.newest == after.newest
				? quiet + SETTLE_STEP
				: 0;
	}
	return true;
}
