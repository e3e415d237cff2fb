/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An object as the program holds it: immutable, reference-counted, its text ready to be sent. The
 * tree is parsed when somebody first asks for it. References are taken and dropped on the thread
 * that owns the object (the control thread).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/str.h"

struct buffer;
struct kind;

struct object {
	const struct kind *kind;
	uint64_t revision; /* metadata.resourceVersion */
	struct str space; /* metadata.namespace; empty for cluster-scoped */
	struct str name; /* metadata.name */
	struct str text; /* the whole object as JSON, with its resourceVersion */
};

/*
 * A new object from JSON text that is known to be good (it came from the API). `text` is copied;
 * kind, namespace, name and resourceVersion are read from it. Returns 0, or OBJECT_BAD when the
 * text is no such object. The caller owns one reference.
 */
enum { OBJECT_BAD = 1 };
int object_new(const struct kind *kind, struct str text, struct object **ret);

/* The same around a tree (reference stolen), which object_tree() then returns. */
int object_new_tree(const struct kind *kind, json_t *tree, struct object **ret);

/*
 * Shares text that somebody else keeps alive: `release(owner)` is called with the last reference.
 */
struct object *object_new_shared(const struct kind *kind, uint64_t revision, struct str space,
				 struct str name, struct str text, void *owner,
				 void (*release)(void *owner));

struct object *object_ref(struct object *object);
struct object *object_unref(struct object *object); /* returns NULL */

/*
 * The parsed object, never changed by anybody. Borrowed until the callback that is running now
 * returns: between callbacks object_trees_trim() may drop it, and the next call parses again. What
 * has to last longer is copied, or its own part kept with json_incref().
 */
const json_t *object_tree(struct object *object);

/*
 * Trees take several times the room of their text. Drops those not asked for lately until the texts
 * of the rest are at most `keep` bytes. Called between callbacks only (nobody holds a tree then).
 */
void object_trees_trim(size_t keep);

/*
 * Calls `told(userdata)` once whenever the parsed texts have grown beyond `limit` bytes, from
 * inside object_tree(): whoever runs the loop arranges for object_trees_trim() then. One a process;
 * NULL ends it.
 */
void object_trees_on_full(size_t limit, void (*told)(void *userdata), void *userdata);

/* How many texts have been parsed late, or again, since the start: for tests of what work costs. */
size_t object_trees_parsed(void);

/*
 * What somebody needs to know of many objects again and again, taken from the tree once for each
 * version and kept until the object goes, whatever becomes of the tree. `make` returns it as one
 * allocation (mem_alloc()), small, and a function of the object alone. One `make` a kind.
 */
const void *object_facts(struct object *object, void *(*make)(struct object *object));

/*
 * Facts of the metadata that every kind has, kept in the same way; texts are good as long as the
 * object. "" when absent.
 */
const char *object_uid(struct object *object);
const char *object_label(struct object *object, const char *key);
const char *object_find_label(struct object *object, const char *key); /* NULL when absent */
const char *object_controller_uid(struct object *object); /* of object_controller() */
bool object_is_deleting(struct object *object); /* has a deletionTimestamp */

/* Shorthands over the tree; "" when absent. */
const char *object_annotation(struct object *object, const char *key);
/* The owner with controller=true, as the borrowed ownerReference; NULL for none. */
const json_t *object_controller(struct object *object);
bool object_is_owned_by(struct object *object, const char *owner_uid);

/*
 * Canonical text: "apiVersion", "kind" and "metadata" first, in this order, without
 * resourceVersion. That is what the store keeps; object_splice_revision() adds the revision as
 * first metadata key without parsing.
 */
void object_canonical_text(const struct kind *kind, const json_t *tree, struct buffer *out);
void object_splice_revision(struct str canonical, uint64_t revision, struct buffer *out);
