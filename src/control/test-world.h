/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * For tests of controllers: a cache filled by hand, one reconcile, and its plan read back as short
 * text. Objects are written as JSON with ' for ".
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/random.h"
#include "client/cache.h"
#include "client/reconcile.h"
#include "client/runner.h"
#include "control/controllers.h"

struct world {
	struct cache *cache;
	struct plan *plan; /* of the last reconcile */
	struct random_state random;
	struct controller_settings settings;
	int64_t now; /* starts at WORLD_NOW */
	const char *failure;
	const struct change *changes; /* what reconciles are told of; NULL: look at everything */
	size_t n_changes;
	uint64_t revision; /* of the last object put in */
	struct buffer text; /* of the last world_did() */
	struct buffer events; /* of the last world_events() */
};

/* 2026-01-01T00:10:00Z in ns. */
#define WORLD_NOW INT64_C(1767226200000000000)

/* For cmocka: *state becomes the world. */
int world_setup(void **state);
int world_teardown(void **state);

/* A tree of JSON text with ' for " and printf directives; new reference. */
json_t *world_json(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Puts an object in: apiVersion, kind, namespace "default" (when the kind has one), uid "uid-NAME"
 * and creationTimestamp are filled in where missing, and it gets the next resourceVersion.
 */
void world_put(struct world *world, const struct kind *kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void world_put_tree(struct world *world, const struct kind *kind, json_t *tree);

/* A copy of an object that is there, to be changed and put in again; new reference. */
json_t *world_get(struct world *world, const struct kind *kind, const char *name);

void world_drop(struct world *world, const struct kind *kind, const char *name);

/* Puts in what the last plan creates, so that the next reconcile sees it. */
void world_take_creates(struct world *world);

/* Does what the last plan says: creates (with generated names), updates, removes. */
void world_take_plan(struct world *world);

/* Reconciles and takes the plan until there is nothing to do; returns how many rounds had plans. */
unsigned world_settle(struct world *world, const struct controller *controller, const char *key);

/* The i-th object of a kind in namespace default, in name order; NULL beyond the last. */
const json_t *world_nth(struct world *world, const struct kind *kind, size_t i);

/* Reconciles; the plan replaces the last one. */
void world_reconcile(struct world *world, const struct controller *controller, const char *key);

/* The names that the plan's actions of `verb` on `kind` are about, as "a b c". */
const char *world_did(struct world *world, const char *verb, const char *kind);

/* The body of the plan's first such action (borrowed); NULL for none. `name` NULL: any. */
const json_t *world_body(struct world *world, const char *verb, const char *kind, const char *name);

/* The status that the plan patches into the object of `kind`, borrowed; NULL for none. */
const json_t *world_status(struct world *world, const char *kind);

/* All events, as lines "Type Reason message". */
const char *world_events(struct world *world);
