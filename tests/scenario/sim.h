/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The simulator's parts: simulate.c decides when what happens and checks; operations.c is what
 * users do.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/random.h"
#include "world.h"

struct follower;

enum { SIM_PENDING = 16, SIM_FOLLOWERS = 5 };

/* A request whose answer is still to come. */
struct sim_pending {
	struct http_loopback *loopback;
	char *what;
};

struct sim {
	struct world *world;
	struct random_state random;
	bool dual;
	bool faults; /* the store has them now */
	unsigned step;
	struct sim_pending pending[SIM_PENDING];
	size_t n_pending;
	struct follower *followers[SIM_FOLLOWERS];
	uint64_t seen; /* revision of the last look after a turn */
	uint64_t acknowledged; /* the newest revision that anybody was told of */
	/*
	 * Names that were ready at rest and that nobody has touched since: name -> address ->
	 * [service, group].
	 */
	json_t *steady;
	json_t *names; /* every name that ever was */
	struct world_state checked; /* DNS was compared with the API at that state */
	struct buffer problems;
	struct buffer log; /* what was done */
	bool verbose;
};

/* Uniform in [0, n); true in `percent` of cases. */
uint32_t sim_draw(struct sim *sim, uint32_t n);
bool sim_chance(struct sim *sim, unsigned percent);

/* Sends a request, to be answered some time. `body` (may be NULL) is stolen. */
void sim_send(struct sim *sim, const char *method, const char *target, const char *type,
	      json_t *body);

/* Somebody has changed a service, or pods of a group (what stands before the first '-'; "": all).
 */
void sim_touch_service(struct sim *sim, const char *space, const char *name);
void sim_touch_group(struct sim *sim, const char *space, const char *name);

/* One random thing that a user does. */
void sim_operate(struct sim *sim);
