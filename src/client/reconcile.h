/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reconciling: a controller looks at what is (a view), and writes down what should be done (a
 * plan). It does nothing itself, so it can be tested with a cache filled by hand and a plan that is
 * read back. The runner (client/runner.h) queues keys, calls reconcile() and executes plans through
 * the client, by the same door as kubectl.
 *
 * The rule that makes controllers simple: a key is not reconciled again before its last plan has
 * been executed and the cache has seen every revision that plan made. So a reconcile never acts on
 * a past that it has already changed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/str.h"
#include "client/cache.h"
#include "object/object.h"

struct kind;
struct plan;
struct random_state;

/* A change of an object: old NULL: it appeared; now NULL: it was removed. */
struct change {
	struct object *old;
	struct object *now;
};

/* What a reconcile may read. Nothing else: no clock of its own, no randomness, no I/O. */
struct view {
	const struct cache *cache;
	int64_t now; /* ns since 1970 */
	struct random_state *random;
	const void *settings; /* the controller's own, from its registration; may be NULL */
	/*
	 * Why the last plan of this key stopped: the message of the action that failed; NULL when
	 * it did not. Lets a controller say so in a condition.
	 */
	const char *failure;
	/*
	 * For controllers that are incremental: all that has happened to their sources for this key
	 * since a reconcile whose plan was carried out whole. NULL: look at everything.
	 */
	const struct change *changes;
	size_t n_changes;
};

/*
 * ---- what a plan may hold; executed in order ----
 *
 * The first request that fails ends the plan, and the key comes back. Creates of one kind that
 * follow each other are sent together, and so are deletes, so that they share a commit of the
 * store. An event is sent when the request before it has succeeded. A create that fails because the
 * namespace is being deleted (or gone) ends the plan without an error.
 */

/* `body` and `patch` references are stolen. Names are copied. */
void plan_create(struct plan *plan, const struct kind *kind, struct str space, json_t *body);

/* Replaces the object: `body` carries the resourceVersion it was made from. */
void plan_update(struct plan *plan, const struct kind *kind, json_t *body);
void plan_update_status(struct plan *plan, const struct kind *kind, json_t *body);

/* A merge patch (RFC 7386); subresource may be NULL. */
void plan_patch(struct plan *plan, const struct kind *kind, struct str space, struct str name,
		const char *subresource, json_t *patch);

/* PLAN_UNSAID names no policy: what an earlier deletion asked for stands. */
enum plan_propagation { PLAN_BACKGROUND, PLAN_FOREGROUND, PLAN_ORPHAN, PLAN_UNSAID };

/* Removes just this object (uid is a precondition). `grace` < 0: the object's own. */
void plan_delete(struct plan *plan, struct object *object, int64_t grace,
		 enum plan_propagation propagation);

/*
 * Any other request: POST of `body` to the subresource ("binding", "eviction"), and PUT for
 * "finalize" and "scale", as Kubernetes has it.
 */
void plan_post(struct plan *plan, const struct kind *kind, struct str space, struct str name,
	       const char *subresource, json_t *body);

/*
 * An event about `object`: type "Normal" or "Warning", reason in CamelCase, message for people. The
 * runner counts repeats into the same Event, as kubectl describe expects.
 */
void plan_event(struct plan *plan, struct object *object, const char *type, const char *reason,
		const char *message_format, ...) __attribute__((format(printf, 5, 6)));

/* Reconciles this key again after `ns`. */
void plan_requeue(struct plan *plan, uint64_t ns);

/*
 * Marks the last request as one whose failure with `reason` ("AlreadyExists", "NotFound": a
 * literal) is fine and does not stop the plan.
 */
void plan_tolerate(struct plan *plan, const char *reason);

/*
 * Marks the last request as independent of the one before it: they may be under way together, so
 * that they share a commit of the store.
 */
void plan_together(struct plan *plan);

/* If the plan stops at the last action, this event is sent with "%s" replaced by the error. */
void plan_event_on_failure(struct plan *plan, struct object *object, const char *reason,
			   const char *message_format);

/* ---- controllers ---- */

/* Where keys go: called by a source for each key that a change concerns. */
struct key_sink;
void key_sink_add(struct key_sink *sink, struct str key);
/* The usual key "namespace/name" (or "name"). */
void key_sink_add_name(struct key_sink *sink, struct str space, struct str name);

/* "namespace/name" taken apart; "name" has an empty namespace. */
void key_split(struct str key, struct str *ret_space, struct str *ret_name);

/* A kind that a controller listens to. */
struct source {
	const struct kind *kind;
	/*
	 * Names the keys to reconcile after a change; old or now may be NULL (appeared, removed).
	 */
	void (*keys)(const struct cache *cache, struct object *old, struct object *now,
		     struct key_sink *sink);
};

/* Ready-made `keys`: the object's own name; the name of the controller (owner) of `kind`. */
void source_self(const struct cache *cache, struct object *old, struct object *now,
		 struct key_sink *sink);

enum { CONTROLLER_MAX_SOURCES = 8 };

/* One controller: one file that ends in one of these. */
struct controller {
	const char *name; /* "statefulset-controller": the component of its events */
	struct source sources[CONTROLLER_MAX_SOURCES]; /* up to the first without a kind */
	/*
	 * Not NULL: the controller holds and listens to every served kind (`kinds`), beside its
	 * sources. For what has to do with whatever is there: garbage, namespaces.
	 */
	void (*every_kind)(const struct cache *cache, struct object *old, struct object *now,
			   struct key_sink *sink);
	/* Extra kinds to hold in the cache without listening. */
	const struct kind *also[CONTROLLER_MAX_SOURCES];
	/*
	 * Pure. Writes what should be done into `plan`; nothing when all is well. Called for keys
	 * whose object is gone, too.
	 */
	void (*reconcile)(const struct view *view, struct str key, struct plan *plan);
	/*
	 * It reads view.changes: what it has once brought in order it looks at again only when that
	 * changes. Everything it reads must then be a source.
	 */
	bool incremental;
	/* Sets up the indexes that it reads (cache_index()), or NULL. Tests call it themselves. */
	void (*prepare)(struct cache *cache);
	/* The host that its events name as source.host ("" for none), or NULL. */
	const char *(*event_host)(struct object *about);
};
