/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A rig for tests of the peer lookup: a cache that is filled by hand, a clock that is turned by
 * hand, and clients that hang on. set_up() and tear_down() are cmocka's; *state is the rig.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/clock.h"

#define WEB "/peers/default/web"

struct cache;
struct http_loopback;
struct kind;
struct peers;

struct rig {
	struct clock_manual clock;
	struct cache *cache;
	struct peers *peers;
	uint64_t revision;
};

/* JSON with single quotes; its resourceVersion is the next one. */
void feed(struct rig *rig, const struct kind *kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void feed_service(struct rig *rig);

void feed_set(struct rig *rig, int replicas);

/* web-0 … web-(n - 1), of which the first `n_ready` are ready. */
void feed_slice(struct rig *rig, int n, int n_ready);

void open_rig(struct rig *rig);

/* A headless Service of a StatefulSet of three, of which so many are ready. */
int set_up(void **state);

int tear_down(void **state);

struct http_loopback *send_with(struct rig *rig, const char *target, const char *accept,
				const char *last_id);

struct http_loopback *send_get(struct rig *rig, const char *target);

struct http_loopback *send_events(struct rig *rig, const char *target);

/* What the loop does after changes. */
void run(struct rig *rig);

void turn_clock(struct rig *rig, uint64_t ns);

json_t *read_body(struct http_loopback *client);

/* The answer must be there; ends the client. */
json_t *take_answer(struct http_loopback *client, int status);

json_t *ask(struct rig *rig, int status, const char *target);

uint64_t ask_serial(struct rig *rig);

void assert_answer(json_t *answer, bool complete, int ready, int wanted);

const json_t *nth_peer(const json_t *answer, size_t i);

/* How often `text` stands in what the stream has said so far. */
size_t heard(struct http_loopback *stream, const char *text);
