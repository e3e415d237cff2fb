/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The garbage collector: what happens to dependents when their owners go.
 * https://kubernetes.io/docs/concepts/architecture/garbage-collection/
 *
 *   background   an object none of whose owners is there any more is removed;
 *   foreground   an owner with the finalizer foregroundDeletion waits until no dependent that
 *                blocks its deletion is left, and its dependents go meanwhile;
 *   orphan       an owner with the finalizer orphan waits until no dependent names it any more, and
 *                they stay.
 *
 * A key is one object of any kind, "group/version/plural namespace/name". Owners are told apart by
 * uid, so a new object of an old name owns nothing. An owner of a namespaced kind is looked for in
 * the dependent's own namespace alone; owners of kinds that are not served are taken to be there.
 */
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/absence.h"
#include "control/controllers.h"
#include "object/kinds.h"
#include "json/json.h"

#define FINALIZER_FOREGROUND "foregroundDeletion"
#define FINALIZER_ORPHAN "orphan"

static bool has_finalizer(struct object *object, const char *name)
{
	const json_t *finalizers = json_at(object_tree(object), "metadata.finalizers");
	const json_t *finalizer;
	size_t i;

	json_array_foreach (finalizers, i, finalizer) {
		if (strcmp(json_string_value(finalizer), name) == 0) {
			return true;
		}
	}
	return false;
}

static const json_t *references_of(struct object *object)
{
	return json_at(object_tree(object), "metadata.ownerReferences");
}

static bool waits_for_dependents(struct object *object)
{
	return object_is_deleting(object) && has_finalizer(object, FINALIZER_FOREGROUND);
}

/* ---- dependents ---- */

/*
 * Walks what names `owner` by uid, of all kinds: starts with *kind 0 and NULL. Dependents of a
 * namespaced owner are in its namespace.
 */
static struct object *next_dependent(const struct cache *cache, struct object *owner, size_t *kind,
				     struct object *after)
{
	struct str uid = str_from(object_uid(owner));

	for (; *kind < n_kinds && uid.n != 0; (*kind)++, after = NULL) {
		while ((after = cache_index_next(cache, kinds[*kind], CACHE_BY_OWNER, uid,
						 after)) != NULL) {
			if (owner->space.n == 0 || str_eq(owner->space, after->space)) {
				return after;
			}
		}
	}
	return NULL;
}

#define for_each_dependent(each, cache_, owner_)                                                   \
	for (size_t each##_kind = 0, each##_once = 1; each##_once != 0; each##_once = 0)           \
		for (struct object *each = next_dependent((cache_), (owner_), &each##_kind, NULL); \
		     each != NULL; each = next_dependent((cache_), (owner_), &each##_kind, each))

static const json_t *reference_to(struct object *dependent, struct object *owner)
{
	const json_t *reference;
	size_t i;

	json_array_foreach (references_of(dependent), i, reference) {
		if (strcmp(json_string_at(reference, "uid"), object_uid(owner)) == 0) {
			return reference;
		}
	}
	return NULL;
}

/* ---- owners ---- */

enum owner_state {
	OWNER_SOLID, /* is there, or nobody can tell */
	OWNER_ABSENT,
	OWNER_WAITING, /* is there and waits for its dependents to go */
	OWNER_DOUBTED, /* not seen, but perhaps not yet */
};

/* Versions of a group share their objects, so the group and kind decide. */
static const struct kind *kind_of_reference(const json_t *reference)
{
	struct str version = str_from(json_string_at(reference, "apiVersion"));
	struct str group = str_cut(&version, '/');

	if (version.p == NULL) {
		group = STR_NONE;
	}
	for (size_t i = 0; i < n_kinds; i++) {
		if (str_is(group, kinds[i]->group) &&
		    strcmp(kinds[i]->kind, json_string_at(reference, "kind")) == 0) {
			return kinds[i];
		}
	}
	return NULL;
}

static struct object *find_owner(const struct cache *cache, const struct kind *kind,
				 struct object *dependent, const json_t *reference)
{
	bool namespaced = (kind->flags & KIND_NAMESPACED) != 0;
	struct object *owner = cache_get(cache, kind, namespaced ? dependent->space : STR_NONE,
					 str_from(json_string_at(reference, "name")));

	return owner != NULL && strcmp(object_uid(owner), json_string_at(reference, "uid")) == 0
		       ? owner
		       : NULL;
}

static enum owner_state owner_state(const struct view *view, struct object *dependent,
				    const json_t *reference, struct plan *plan)
{
	const struct kind *kind = kind_of_reference(reference);

	/* A cluster-scoped object cannot have a namespaced owner: nobody can say where. */
	if (kind == NULL || ((kind->flags & KIND_NAMESPACED) != 0 && dependent->space.n == 0)) {
		return OWNER_SOLID;
	}
	struct object *owner = find_owner(view->cache, kind, dependent, reference);

	if (owner != NULL) {
		return waits_for_dependents(owner) ? OWNER_WAITING : OWNER_SOLID;
	}
	uint64_t doubt = absence_doubt(view, kind, dependent);

	if (doubt != 0) {
		plan_requeue(plan, doubt);
		return OWNER_DOUBTED;
	}
	return OWNER_ABSENT;
}

/* ---- what is done ---- */

/* A copy of the object without the references for which `drop` is set; new reference. */
static json_t *without_references(struct object *object, const bool *drop)
{
	json_t *body = json_deep_copy(object_tree(object));
	json_t *references = json_at(body, "metadata.ownerReferences");

	for (size_t i = json_array_size(references); i-- != 0;) {
		if (drop[i]) {
			json_array_remove(references, i);
		}
	}
	if (json_array_size(references) == 0) {
		json_remove(body, "metadata.ownerReferences");
	}
	return body;
}

static void plan_drop(struct plan *plan, struct object *object, const bool *drop)
{
	plan_update(plan, object->kind, without_references(object, drop));
	plan_tolerate(plan, "NotFound");
}

static void plan_drop_finalizer(struct plan *plan, struct object *object, const char *name)
{
	json_t *body = json_deep_copy(object_tree(object));
	json_t *finalizers = json_at(body, "metadata.finalizers");

	for (size_t i = json_array_size(finalizers); i-- != 0;) {
		if (strcmp(json_string_value(json_array_get(finalizers, i)), name) == 0) {
			json_array_remove(finalizers, i);
		}
	}
	plan_update(plan, object->kind, body);
	plan_tolerate(plan, "NotFound");
}

/* Every dependent loses its reference, and then the owner its finalizer. */
static void orphan_dependents(const struct view *view, struct object *owner, struct plan *plan)
{
	size_t changed = 0;

	for_each_dependent(dependent, view->cache, owner)
	{
		const json_t *references = references_of(dependent);
		size_t n = json_array_size(references);
		bool *drop _cleanup_free_ = mem_alloc_array(n + 1, sizeof(*drop));

		if (changed++ == LIMIT_SWEEP_BURST) {
			/* The change of the dependents brings the key back. */
			return;
		}
		for (size_t i = 0; i < n; i++) {
			drop[i] = json_array_get(references, i) == reference_to(dependent, owner);
		}
		plan_drop(plan, dependent, drop);
		plan_together(plan);
	}
	plan_drop_finalizer(plan, owner, FINALIZER_ORPHAN);
}

/* The owner may go when nothing is left that blocks it. */
static void await_dependents(const struct view *view, struct object *owner, struct plan *plan)
{
	for_each_dependent(dependent, view->cache, owner)
	{
		if (json_bool_at(reference_to(dependent, owner), "blockOwnerDeletion", false)) {
			return;
		}
	}
	plan_drop_finalizer(plan, owner, FINALIZER_FOREGROUND);
}

static bool has_dependents(const struct view *view, struct object *owner)
{
	size_t kind = 0;

	return next_dependent(view->cache, owner, &kind, NULL) != NULL;
}

static void plan_remove(const struct view *view, struct object *object, bool owner_waits,
			struct plan *plan)
{
	enum plan_propagation propagation = PLAN_BACKGROUND;

	if (has_finalizer(object, FINALIZER_ORPHAN)) {
		propagation = PLAN_ORPHAN;
	} else if (has_finalizer(object, FINALIZER_FOREGROUND) ||
		   (owner_waits && has_dependents(view, object))) {
		/* Its own dependents go before it, or the owner would not have waited for them. */
		propagation = PLAN_FOREGROUND;
	}
	plan_delete(plan, object, -1, propagation);
	plan_tolerate(plan, "NotFound");
}

static void judge(const struct view *view, struct object *object, struct plan *plan)
{
	const json_t *references = references_of(object);
	size_t n = json_array_size(references);
	bool *drop _cleanup_free_ = mem_alloc_array(n + 1, sizeof(*drop));
	size_t counts[OWNER_DOUBTED + 1] = { 0 };

	if (n == 0) {
		return;
	}
	for (size_t i = 0; i < n; i++) {
		enum owner_state state =
			owner_state(view, object, json_array_get(references, i), plan);

		counts[state]++;
		drop[i] = state == OWNER_ABSENT || state == OWNER_WAITING;
	}
	if (counts[OWNER_DOUBTED] != 0) {
		return;
	}
	if (counts[OWNER_SOLID] == 0) {
		plan_remove(view, object, counts[OWNER_WAITING] != 0, plan);
	} else if (counts[OWNER_ABSENT] + counts[OWNER_WAITING] != 0) {
		plan_drop(plan, object, drop);
	}
}

/* ---- keys ---- */

static void add_key(struct object *object, struct key_sink *sink)
{
	struct buffer key _cleanup_buffer_ = BUFFER_INIT(LIMIT_CACHE_KEY);

	buffer_printf(&key, "%s/%s/%s %.*s/%.*s", object->kind->group, object->kind->version,
		      object->kind->plural, STR_ARG(object->space), STR_ARG(object->name));
	if (!key.overflowed) {
		key_sink_add(sink, buffer_str(&key));
	}
}

static struct object *find_by_key(const struct cache *cache, struct str key)
{
	struct str path = str_cut(&key, ' ');
	struct str group = str_cut(&path, '/');
	struct str version = str_cut(&path, '/');
	struct str space = str_cut(&key, '/');

	for (size_t i = 0; i < n_kinds; i++) {
		if (str_is(group, kinds[i]->group) && str_is(version, kinds[i]->version) &&
		    str_is(path, kinds[i]->plural)) {
			return cache_get(cache, kinds[i], space, key);
		}
	}
	return NULL;
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct object *object = find_by_key(view->cache, key);

	if (object == NULL) {
		return;
	}
	if (!object_is_deleting(object)) {
		judge(view, object, plan);
	} else if (has_finalizer(object, FINALIZER_ORPHAN)) {
		orphan_dependents(view, object, plan);
	} else if (has_finalizer(object, FINALIZER_FOREGROUND)) {
		await_dependents(view, object, plan);
	}
}

/* The owners that wait for what becomes of a dependent. */
static void add_waiting_owners(const struct cache *cache, struct object *dependent,
			       struct key_sink *sink)
{
	const json_t *reference;
	size_t i;

	json_array_foreach (references_of(dependent), i, reference) {
		const struct kind *kind = kind_of_reference(reference);
		struct object *owner =
			kind != NULL ? find_owner(cache, kind, dependent, reference) : NULL;

		if (owner != NULL && object_is_deleting(owner)) {
			add_key(owner, sink);
		}
	}
}

static void keys_of_object(const struct cache *cache, struct object *old, struct object *now,
			   struct key_sink *sink)
{
	if (old != NULL) {
		add_waiting_owners(cache, old, sink);
	}
	if (now != NULL && (json_array_size(references_of(now)) != 0 || object_is_deleting(now))) {
		add_key(now, sink);
	}
	/* An owner that has gone, or waits: its dependents have to be judged. */
	if (now == NULL || waits_for_dependents(now)) {
		for_each_dependent(dependent, cache, now != NULL ? now : old)
		{
			add_key(dependent, sink);
		}
	}
}

const struct controller controller_garbage = {
	.name = "garbage-collector-controller",
	.every_kind = keys_of_object,
	.reconcile = reconcile,
};
