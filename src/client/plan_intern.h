/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a plan is made of, for the runner that executes it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/str.h"
#include "client/reconcile.h"
#include "object/object.h"

enum plan_verb {
	PLAN_CREATE,
	PLAN_UPDATE,
	PLAN_PATCH,
	PLAN_DELETE,
	PLAN_POST,
	PLAN_EVENT,
};

enum { PLAN_TOLERATED_MAX = 4 };

struct plan_action {
	enum plan_verb verb;
	const struct kind *kind;
	char *space;
	char *name; /* "" for a create with generateName */
	char *subresource; /* NULL: the object itself */
	json_t *body; /* request body; NULL for events */
	char *uid; /* deletes: of the object */
	bool together; /* with the request before it */
	const char *tolerated[PLAN_TOLERATED_MAX];
	struct object *about; /* events: their object; others: of the event on failure */
	char *type; /* events */
	char *reason; /* events; or of the event on failure */
	char *message; /* events; or the format of the event on failure */
	json_t *shown; /* what plan_action() has made */
};

struct plan {
	struct plan_action *actions;
	size_t n;
	size_t size;
	uint64_t requeue; /* ns; 0: none */
};

struct str plan_action_space(const struct plan_action *action);
struct str plan_action_name(const struct plan_action *action);
bool plan_action_tolerates(const struct plan_action *action, const char *reason);

/* Where a source's keys go. */
struct key_sink {
	void (*add)(struct key_sink *sink, struct str key);
};
