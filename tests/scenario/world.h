/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The whole system in one process, in virtual time and without a socket: store in memory, hub, API,
 * controllers, simulated nodes, zone. Time stands still while there is something to do; it moves
 * when somebody says so, from one moment at which something is due to the next. Questions are asked
 * as kubectl and dig would ask them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"
#include "control/controllers.h"

struct api;
struct cache;
struct client;
struct http_loopback;
struct hub;
struct loop;
struct rig;
struct runner;
struct simulated;
struct store;
struct zone;

struct world_config {
	size_t nodes; /* 0: two */
	const char *pod_cidr; /* NULL: 10.244.0.0/16 */
	const char *service_cidrs[2]; /* NULL: 10.96.0.0/16 */
	bool store_only; /* nodes are somebody else's: no simulated ones */
	uint64_t seed; /* 0: whatever is drawn is random; else it follows from this */
};

struct world {
	struct world_config config;
	struct controller_settings control;
	struct clock_manual clock;
	struct random_state random;
	struct store *store; /* a rough one */
	struct loop *loop;
	struct hub *hub;
	struct api *api;
	struct client *client;
	struct cache *cache;
	struct runner *runner;
	struct simulated *simulated;
	struct zone *zone;
	struct rig *rig;
	unsigned crashes;
	bool restless; /* a moment did not come to an end; nothing goes on any more */

	unsigned crash_in; /* turns until the power goes, losing what waits; 0: it stays */

	/*
	 * For simulators. `step` of 1 and more: a turn lets at most that many operations of the
	 * store happen. turned(): after each turn; resting(): nothing is left to do at this moment
	 * and time is about to move on. Either may be NULL.
	 */
	size_t step;
	void (*turned)(void *userdata);
	void (*resting)(void *userdata);
	void *userdata;
};

/* Born, with its nodes ready. 2026-01-02T03:04:05Z. */
struct world *world_new(const struct world_config *config);
struct world *world_free(struct world *world); /* returns NULL */

/*
 * Kills everything but the store and starts it again. Of the operations that wait in the store the
 * first `kept` have happened.
 */
void world_crash(struct world *world, size_t kept);

/* ---- time ---- */

/* One step of everything that has something to do. Returns whether something may be left. */
bool world_turn(struct world *world);

/* All that happens without time passing. */
void world_rest(struct world *world);

/* Lets `ns` pass. */
void world_advance(struct world *world, uint64_t ns);

/*
 * Lets time pass until nothing happens any more: at least `seconds` in which nothing but leases was
 * written. False when that does not come within two hours.
 */
bool world_settle(struct world *world, unsigned seconds);

/* What is there beside leases: equal states are equal contents. */
struct world_state {
	size_t objects;
	uint64_t newest; /* revision */
};
struct world_state world_state(const struct world *world);

/* ---- the API, as kubectl talks to it ---- */

enum world_patch { WORLD_MERGE, WORLD_STRATEGIC, WORLD_JSON_PATCH };

/* Sends; `body` may be NULL. `type` NULL: application/json. Freed with http_loopback_free(). */
struct http_loopback *world_send(struct world *world, const char *method, const char *target,
				 const char *type, const json_t *body);

/*
 * Sends and turns until it is answered. Returns the code; *ret (may be NULL) gets the answer's
 * JSON, a new reference, NULL for none.
 */
int world_ask(struct world *world, const char *method, const char *target, const char *type,
	      const json_t *body, json_t **ret);

/* The object (or list) at a path, NULL when it is not there; new reference. */
json_t *world_get(struct world *world, const char *path);

/*
 * kubectl apply: every document of `text` is created, or patched with what lies between its last
 * configuration, the new one and what is there. `space` is for those that name none. Returns the
 * code of the first refusal with its Status in *ret (new reference), or 200.
 */
int world_apply(struct world *world, struct str text, const char *space, json_t **ret);

/*
 * "pods", "pods/web-0", "sts/web/scale" and a namespace to a path of the API, in `ret_path`. Knows
 * short names. False when there is no such kind.
 */
enum { WORLD_PATH = 512 };
bool world_path(const char *resource, const char *space, char ret_path[WORLD_PATH]);

/* ---- DNS ---- */

/*
 * What a server would answer this instant: the RCODE, "NODATA" for NOERROR without records, " tc"
 * when truncated, then the data of the answer section, sorted, with commas:
 * "NOERROR 10.0.0.1, 10.0.0.2". Over TCP unless world->rig says otherwise. Good until the next
 * call.
 */
const char *world_dig(struct world *world, const char *name, uint16_t type);

/* The whole of it, with owners, TTLs and all sections, as dns/test-rig.h prints it. */
const char *world_dig_whole(struct world *world, const char *name, uint16_t type);

/* "A", "SRV"… to a number; 0 for unknown. */
uint16_t world_type(const char *text);
