/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * For the tests of this folder: an API on a store in memory, a clock turned by hand, and kubectl's
 * part.
 */

#include <jansson.h>

#include "api/api.h"
#include "base/clock.h"
#include "http/loopback.h"
#include "store/store.h"
#include "watch/hub.h"

struct door {
	struct clock_manual clock;
	struct store *store;
	struct hub *hub;
	struct api *api;
	uint64_t due;
};

/* A cluster just born; dual stack when `v6`. */
struct door *door_new(const char *v6_cidr);
struct door *door_free(struct door *door);

/* Closes the API and the hub and opens them again on the same store. */
void door_restart(struct door *door);

struct ask {
	const char *method;
	const char *target;
	const char *body; /* NULL: none */
	const char *type; /* Content-Type; NULL: application/json */
	const char *accept; /* NULL: none */
	const char *token; /* NULL: the admin's certificate */
	bool nobody;
};

/* Sends and lets the store finish; freed with http_loopback_free(). */
struct http_loopback *door_open(struct door *door, const struct ask *ask);

/* Sends, expects `code`, and gives the JSON of the answer (new reference). */
json_t *door_ask(struct door *door, int code, const struct ask *ask);

/* Shorthands of it. */
json_t *door_get(struct door *door, int code, const char *target);
json_t *door_post(struct door *door, int code, const char *target, const char *body);
json_t *door_put(struct door *door, int code, const char *target, const char *body);
json_t *door_delete(struct door *door, int code, const char *target, const char *body);
json_t *door_patch(struct door *door, int code, const char *target, const char *format,
		   const char *body);

/*
 * Single quotes for double ones, so that JSON can be read in C. Valid until the fourth next call.
 */
const char *quoted(const char *text);

/* The next whole line of a watch that has not been taken yet, as JSON; NULL when there is none. */
json_t *door_event(struct http_loopback *watch, size_t *position);

/* Asserts `type` and metadata.name of the next event. */
void expect_event(struct http_loopback *watch, size_t *position, const char *type,
		  const char *name);
void expect_no_event(struct http_loopback *watch, size_t *position);

/* Asserts the string (or integer) at a dotted path. */
void expect_text(const json_t *tree, const char *path, const char *text);
void expect_number(const json_t *tree, const char *path, int64_t number);

/* Turns the clock and runs what is due. */
void door_wait(struct door *door, unsigned seconds);
