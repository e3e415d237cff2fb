/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulate SEED[-SEED] STEPS [v [debug]]: users, crashes and a bad disk at random, in an order that
 * follows from the seed. What must hold is checked
 *
 *  - after every turn: names that were ready and that nobody touched are still answered; watches
 * tell what happens in order;
 *  - whenever nothing is left to do at a moment, before time moves on: DNS says what the API's
 * objects demand (oracle.h), about every name that exists or ever did; nothing is given twice;
 *  - when everything has come to rest: invariants.h; what watches told is what lists say.
 *
 * A seed that fails is printed with everything that was done. `simulate @FILE` runs the seeds that
 * once failed, a line each: SEED STEPS.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/runner.h"
#include "follower.h"
#include "http/loopback.h"
#include "invariants.h"
#include "oracle.h"
#include "rough_store.h"
#include "sim.h"
#include "store/store.h"
#include "watch/hub.h"
#include "json/json.h"

enum {
	LOG_MOST = 8 << 20,
	SETTLE = 35,
	ANSWER_TURNS = 10000,
	FILE_MOST = 1 << 20,
	CHECK_EVERY = 12, /* steps, about */
};

static const char *const followed[SIM_FOLLOWERS] = {
	"/api/v1/pods",
	"/api/v1/services",
	"/apis/discovery.k8s.io/v1/endpointslices",
	"/apis/apps/v1/statefulsets",
	"/api/v1/namespaces",
};

uint32_t sim_draw(struct sim *sim, uint32_t n)
{
	return random_below(&sim->random, n);
}

bool sim_chance(struct sim *sim, unsigned percent)
{
	return random_below(&sim->random, 100) < percent;
}

static void note(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(struct sim *sim, const char *format, ...)
{
	va_list arguments;
	size_t before = sim->log.n;

	buffer_printf(&sim->log, "%.3f ",
		      (double)(sim->world->clock.now / NS_PER_MS % 100000000) / 1000);
	va_start(arguments, format);
	buffer_vprintf(&sim->log, format, arguments);
	va_end(arguments);
	buffer_append_char(&sim->log, '\n');
	if (sim->verbose) {
		fputs(buffer_text(&sim->log) + before, stderr);
	}
}

static bool failed(const struct sim *sim)
{
	return sim->problems.n != 0 || sim->world->restless;
}

/* ---- requests ---- */

static void settle_answer(struct sim *sim, struct sim_pending *pending)
{
	int code = http_loopback_status(pending->loopback);
	struct str body = http_loopback_body(pending->loopback);
	struct json_read_error error;
	_cleanup_json_ json_t *answer = NULL;
	uint64_t revision;

	json_read(body, NULL, &answer, &error);
	note(sim, "  %d %s%s%s", code, pending->what, code >= 400 ? ": " : "",
	     code >= 400 ? json_string_at(answer, "message") : "");
	revision = strtoull(json_string_at(answer, "metadata.resourceVersion"), NULL, 10);
	if (code / 100 == 2 && revision > sim->acknowledged) {
		sim->acknowledged = revision;
	}
	if (code >= 500 && !sim->faults) {
		buffer_printf(&sim->problems, "%s: %d %.*s\n", pending->what, code, STR_ARG(body));
	}
	http_loopback_free(pending->loopback);
	mem_free(pending->what);
}

static void take_answers(struct sim *sim)
{
	size_t n = 0;

	for (size_t i = 0; i < sim->n_pending; i++) {
		if (http_loopback_status(sim->pending[i].loopback) != 0) {
			settle_answer(sim, &sim->pending[i]);
		} else {
			sim->pending[n++] = sim->pending[i];
		}
	}
	sim->n_pending = n;
}

void sim_send(struct sim *sim, const char *method, const char *target, const char *type,
	      json_t *body)
{
	struct sim_pending *pending;
	char *text _cleanup_free_ = body != NULL ? json_dumps(body, JSON_COMPACT) : mem_strdup("");

	/* What could not be packed. */
	assert(body != NULL || strcmp(method, "DELETE") == 0);
	for (unsigned i = 0; sim->n_pending == SIM_PENDING && i < ANSWER_TURNS; i++) {
		world_turn(sim->world);
	}
	if (sim->n_pending == SIM_PENDING) {
		buffer_printf(&sim->problems, "%s is not answered\n", sim->pending[0].what);
		json_decref(body);
		return;
	}
	pending = &sim->pending[sim->n_pending++];
	pending->what = mem_printf("%s %s", method, target);
	note(sim, "%s %s", pending->what, text);
	pending->loopback = world_send(sim->world, method, target, type, body);
	json_decref(body);
}

/* ---- what nobody touched ---- */

static void touch(struct sim *sim, size_t field, const char *prefix, bool whole)
{
	const char *name;
	json_t *addresses;

	json_object_foreach (sim->steady, name, addresses) {
		const char *address;
		json_t *who;
		void *next;

		json_object_foreach_safe (addresses, next, address, who) {
			const char *text = json_string_value(json_array_get(who, field));

			if (whole ? strcmp(text, prefix) == 0
				  : strncmp(text, prefix, strlen(prefix)) == 0) {
				json_object_del(addresses, address);
			}
		}
	}
}

void sim_touch_service(struct sim *sim, const char *space, const char *name)
{
	char *key _cleanup_free_ = mem_printf("%s/%s", space, name);

	touch(sim, 0, key, /* whole= */ true);
}

static char *group_of(const char *space, const char *name)
{
	return mem_printf("%s/%.*s", space, (int)strcspn(name, "-"), name);
}

void sim_touch_group(struct sim *sim, const char *space, const char *name)
{
	char *key _cleanup_free_ = group_of(space, name);

	touch(sim, 1, key, /* whole= */ name[0] != '\0');
}

static void add_steady(struct sim *sim, const char *name, const json_t *service, const json_t *pod)
{
	const char *space = json_string_at(pod, "metadata.namespace");
	char *group _cleanup_free_ = group_of(space, json_string_at(pod, "metadata.name"));
	char *key _cleanup_free_ =
		mem_printf("%s/%s", space, json_string_at(service, "metadata.name"));
	json_t *addresses = json_object_get(sim->steady, name);

	if (addresses == NULL) {
		addresses = json_object();
		json_object_set_new(sim->steady, name, addresses);
	}
	json_object_set_new(addresses, json_string_at(pod, "status.podIP"),
			    json_pack("[ss]", key, group));
}

/* Names of pods that DNS shows now, below headless services of their first family. */
static void remember_steady(struct sim *sim, const struct snapshot *snapshot)
{
	const json_t *service;
	const json_t *pod;
	size_t i;
	size_t j;

	json_object_clear(sim->steady);
	json_array_foreach (snapshot->services, i, service) {
		char *base _cleanup_free_ =
			mem_printf("%s.%s.svc.cluster.local",
				   json_string_at(service, "metadata.name"),
				   json_string_at(service, "metadata.namespace"));
		const json_t *families = json_at(service, "spec.ipFamilies");

		if (strcmp(json_string_at(service, "spec.clusterIP"), "None") != 0 ||
		    json_array_size(families) != 1 ||
		    strcmp(json_string_value(json_array_get(families, 0)), "IPv4") != 0) {
			continue;
		}
		json_array_foreach (snapshot->pods, j, pod) {
			if (service_selects_pod(service, pod) && pod_is_answering(service, pod) &&
			    json_int_at(pod, "spec.activeDeadlineSeconds", 0) == 0) {
				add_steady(sim, base, service, pod);
			}
		}
	}
}

static void check_steady(struct sim *sim)
{
	const char *name;
	json_t *addresses;

	json_object_foreach (sim->steady, name, addresses) {
		const char *address;
		json_t *who;
		const char *answer;

		if (json_object_size(addresses) == 0) {
			continue;
		}
		answer = world_dig(sim->world, name, world_type("A"));
		json_object_foreach (addresses, address, who) {
			const char *found = strstr(answer, address);
			size_t n = strlen(address);

			if (found == NULL || (found[n] != ',' && found[n] != '\0')) {
				buffer_printf(&sim->problems,
					      "nobody touched %s of %s, and it is gone: %s\n",
					      address, name, answer);
			}
		}
	}
}

/* ---- DNS against the API ---- */

static void compare_name(struct sim *sim, const json_t *names, const char *name)
{
	static const char *const forward[] = { "A", "AAAA" };
	const json_t *types = json_object_get(names, name);
	bool reverse = strstr(name, ".arpa") != NULL;
	bool alias = json_object_get(types, "CNAME") != NULL;

	for (size_t i = 0; i < (reverse || alias ? 1 : ARRAY_SIZE(forward)); i++) {
		const char *type = reverse ? "PTR" : alias ? "CNAME" : forward[i];
		const char *wanted = oracle_answer(names, name, type);
		const char *answer = world_dig(sim->world, name, world_type(type));

		/* What is in none of our networks and has no name is somebody else's. */
		if (strcmp(wanted, answer) != 0 &&
		    !(reverse && types == NULL && strcmp(answer, "REFUSED") == 0)) {
			buffer_printf(&sim->problems, "%s %s\n    DNS says %s\n    the API  %s\n",
				      name, type, answer, wanted);
		}
	}
}

static void compare_names(struct sim *sim, const struct snapshot *snapshot)
{
	_cleanup_json_ json_t *names = oracle_names(snapshot);
	const char *name;
	json_t *types;

	json_object_foreach (names, name, types) {
		json_object_set_new(sim->names, name, json_true());
	}
	json_object_foreach (sim->names, name, types) {
		compare_name(sim, names, name);
	}
}

static bool same_state(const struct world_state *a, const struct world_state *b)
{
	return a->objects == b->objects && a->newest == b->newest;
}

/* ---- moments ---- */

static void turned(void *userdata)
{
	struct sim *sim = userdata;
	struct buffer *problems = &sim->problems;

	take_answers(sim);
	if (failed(sim) || hub_revision(sim->world->hub) == sim->seen) {
		return;
	}
	sim->seen = hub_revision(sim->world->hub);
	for (size_t i = 0; i < SIM_FOLLOWERS && sim->followers[i] != NULL; i++) {
		follower_read(sim->followers[i], problems);
	}
	check_steady(sim);
}

static void resting(void *userdata)
{
	struct sim *sim = userdata;
	struct world_state state = world_state(sim->world);
	struct snapshot snapshot;

	if (failed(sim) || !runner_is_idle(sim->world->runner) ||
	    same_state(&state, &sim->checked)) {
		return;
	}
	sim->checked = state;
	snapshot_take(sim->world, &snapshot);
	compare_names(sim, &snapshot);
	invariants_check_always(&snapshot, &sim->problems);
	snapshot_deinit(&snapshot);
}

static void set_faults(struct sim *sim, bool on)
{
	sim->faults = on;
	rough_store_faults(sim->world->store, on ? &sim->random : NULL, on ? sim_draw(sim, 60) : 0,
			   on ? sim_draw(sim, 150) : 0);
	note(sim, "faults %s", on ? "on" : "off");
}

static void check_at_rest(struct sim *sim)
{
	struct snapshot snapshot;

	set_faults(sim, false);
	sim->world->step = 0;
	note(sim, "rest");
	if (!world_settle(sim->world, SETTLE) && !failed(sim)) {
		buffer_append_text(&sim->problems, "it does not come to rest\n");
	}
	if (failed(sim)) {
		return;
	}
	snapshot_take(sim->world, &snapshot);
	invariants_check(&snapshot, &sim->problems);
	compare_names(sim, &snapshot);
	for (size_t i = 0; i < SIM_FOLLOWERS; i++) {
		follower_compare(sim->followers[i], &sim->problems);
	}
	remember_steady(sim, &snapshot);
	snapshot_deinit(&snapshot);
	sim->world->step = 1 + sim_draw(sim, 6);
}

static void crash(struct sim *sim)
{
	size_t waiting = rough_store_waiting(sim->world->store);
	size_t kept = sim_draw(sim, (uint32_t)waiting + 1);
	bool faults = sim->faults;

	note(sim, "crash, %zu of %zu kept", kept, waiting);
	for (size_t i = 0; i < SIM_FOLLOWERS; i++) {
		follower_hang_up(sim->followers[i]);
	}
	sim->faults = true; /* who waited for an answer gets none */
	rough_store_faults(sim->world->store, NULL, 0, 0);
	world_crash(sim->world, kept);
	take_answers(sim);
	set_faults(sim, faults);
	if (hub_revision(sim->world->hub) < sim->acknowledged) {
		buffer_printf(&sim->problems,
			      "revision %" PRIu64 " was acknowledged, %" PRIu64 " is there\n",
			      sim->acknowledged, hub_revision(sim->world->hub));
	}
	for (size_t i = 0; i < SIM_FOLLOWERS; i++) {
		follower_resume(sim->followers[i]);
	}
}

static void pass_time(struct sim *sim)
{
	uint64_t ms = sim_chance(sim, 50)   ? sim_draw(sim, 20)
		      : sim_chance(sim, 80) ? sim_draw(sim, 2000)
					    : sim_draw(sim, 40000);

	note(sim, "%" PRIu64 " ms pass", ms);
	world_advance(sim->world, ms * NS_PER_MS);
}

static void take_step(struct sim *sim)
{
	uint32_t what = sim_draw(sim, 100);

	if (what < 100 / CHECK_EVERY) {
		check_at_rest(sim);
	} else if (what < 14) {
		crash(sim);
	} else if (what < 17) {
		set_faults(sim, sim_chance(sim, 60));
	} else if (what < 35) {
		pass_time(sim);
	} else {
		sim_operate(sim);
	}
	for (uint32_t i = sim_draw(sim, 8); i > 0 && !failed(sim); i--) {
		world_turn(sim->world);
	}
}

/* ---- the whole ---- */

static void sim_init(struct sim *sim, uint64_t seed, bool verbose)
{
	struct world_config config = { .seed = seed };

	*sim = (struct sim){ .steady = json_object(), .names = json_object() };
	random_state_seed(&sim->random, seed);
	buffer_init(&sim->problems, LOG_MOST);
	buffer_init(&sim->log, LOG_MOST);
	sim->verbose = verbose;
	sim->dual = sim_chance(sim, 30);
	if (sim->dual) {
		config.pod_cidr = "10.244.0.0/16,fd00:10:244::/56";
		config.service_cidrs[0] = "10.96.0.0/16";
		config.service_cidrs[1] = "fd00:10:96::/112";
	}
	sim->world = world_new(&config);
	sim->world->turned = turned;
	sim->world->resting = resting;
	sim->world->userdata = sim;
	for (size_t i = 0; i < SIM_FOLLOWERS; i++) {
		sim->followers[i] = follower_new(sim->world, followed[i]);
	}
}

static void sim_deinit(struct sim *sim)
{
	sim->faults = true;
	sim->world->turned = NULL;
	sim->world->resting = NULL;
	store_drain(sim->world->store);
	take_answers(sim);
	for (size_t i = 0; i < SIM_FOLLOWERS; i++) {
		follower_free(sim->followers[i]);
	}
	world_free(sim->world);
	json_decref(sim->steady);
	json_decref(sim->names);
	buffer_deinit(&sim->problems);
	buffer_deinit(&sim->log);
}

/* Returns whether everything held. */
static bool simulate(uint64_t seed, unsigned steps, bool verbose)
{
	struct sim sim;
	bool fine;

	sim_init(&sim, seed, verbose);
	for (sim.step = 0; sim.step < steps && !failed(&sim); sim.step++) {
		take_step(&sim);
	}
	if (!failed(&sim)) {
		check_at_rest(&sim);
	}
	if (sim.world->restless) {
		buffer_append_text(&sim.problems, "a moment does not come to an end\n");
	}
	fine = !failed(&sim);
	if (!fine) {
		printf("%s%sseed %" PRIu64 " fails at step %u:\n%s",
		       verbose ? "" : buffer_text(&sim.log), verbose ? "" : "\n", seed, sim.step,
		       buffer_text(&sim.problems));
		fflush(stdout);
	}
	sim_deinit(&sim);
	return fine;
}

static unsigned simulate_file(const char *path)
{
	char *text _cleanup_free_ = NULL;
	unsigned failures = 0;
	size_t n;

	if (file_read(path, FILE_MOST, &text, &n) < 0) {
		fprintf(stderr, "simulate: cannot read %s\n", path);
		return 1;
	}
	struct str rest = { .p = text, .n = n };

	while (rest.n != 0) {
		struct str line = str_trim(str_cut(&rest, '\n'));
		struct str seed = str_cut(&line, ' ');
		uint64_t number;
		uint64_t steps;

		if (str_to_u64(seed, UINT64_MAX, &number) &&
		    str_to_u64(str_cut(&line, ' '), UINT32_MAX, &steps)) {
			failures += simulate(number, (unsigned)steps, false) ? 0 : 1;
		}
	}
	return failures;
}

int main(int argc, char **argv)
{
	unsigned failures = 0;

	log_set_level(argc > 4 ? LOG_DEBUG : LOG_ERROR);
	if (argc == 2 && argv[1][0] == '@') {
		return simulate_file(argv[1] + 1) == 0 ? 0 : 1;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: simulate SEED[-SEED] STEPS [v] | simulate @FILE\n");
		return 2;
	}
	char *end;
	uint64_t first = strtoull(argv[1], &end, 10);
	uint64_t last = *end == '-' ? strtoull(end + 1, NULL, 10) : first;

	for (uint64_t seed = first; seed <= last; seed++) {
		failures += simulate(seed, (unsigned)atoi(argv[2]), argc > 3) ? 0 : 1;
	}
	printf("%" PRIu64 " seeds, %u failed\n", last - first + 1, failures);
	return failures == 0 ? 0 : 1;
}
