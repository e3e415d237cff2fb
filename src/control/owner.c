/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership is the controller reference alone; selectors only say which orphans may come in and who
 * has to go. Writes replace the whole object with the resourceVersion that was looked at, so two
 * controllers that want the same orphan cannot both get it.
 */
#include "control/owner.h"

#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "object/schema.h"
#include "json/json.h"

json_t *owner_reference(struct object *owner)
{
	struct buffer version _cleanup_buffer_ = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	kind_api_version(owner->kind, &version);
	return json_pack("{s:s, s:s, s:s%, s:s, s:b, s:b}", "apiVersion", buffer_text(&version),
			 "kind", owner->kind->kind, "name", owner->name.p, owner->name.n, "uid",
			 object_uid(owner), "controller", 1, "blockOwnerDeletion", 1);
}

struct selector *owner_selector(struct object *owner)
{
	struct buffer message _cleanup_buffer_ = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	const json_t *tree = json_at(object_tree(owner), "spec.selector");
	struct selector *selector = NULL;

	if (tree == NULL || selector_from_message(tree, &message, &selector) != 0) {
		return NULL;
	}
	return selector_is_empty(selector) ? selector_free(selector) : selector;
}

bool owner_controls(struct object *owner, struct object *object)
{
	const char *controller = object_controller_uid(object);

	return controller[0] != '\0' && str_eq(owner->space, object->space) &&
	       strcmp(controller, object_uid(owner)) == 0;
}

/* Objects that nobody controls, by namespace: a set of many pods need not look at them all. */
#define ORPHANS_BY_SPACE "orphan-space"

static void keys_of_orphan(struct object *object, struct cache_index_keys *keys)
{
	if (object_controller(object) == NULL) {
		cache_index_key(keys, object->space);
	}
}

void owner_prepare(struct cache *cache, const struct kind *kind)
{
	cache_index(cache, kind, ORPHANS_BY_SPACE, keys_of_orphan);
}

static void plan_adopt(struct plan *plan, struct object *owner, struct object *orphan)
{
	json_t *body = json_deep_copy(object_tree(orphan));
	json_t *references = json_at(body, "metadata.ownerReferences");

	if (json_is_array(references)) {
		json_array_append_new(references, owner_reference(owner));
	} else {
		json_put(body, "metadata.ownerReferences",
			 json_pack("[o]", owner_reference(owner)));
	}
	plan_update(plan, orphan->kind, body);
	plan_tolerate(plan, "NotFound");
}

static void plan_release(struct plan *plan, struct object *owner, struct object *object)
{
	json_t *body = json_deep_copy(object_tree(object));
	json_t *references = json_at(body, "metadata.ownerReferences");

	for (size_t i = json_array_size(references); i-- != 0;) {
		const json_t *reference = json_array_get(references, i);

		if (strcmp(json_string_at(reference, "uid"), object_uid(owner)) == 0) {
			json_array_remove(references, i);
		}
	}
	if (json_array_size(references) == 0) {
		json_remove(body, "metadata.ownerReferences");
	}
	plan_update(plan, object->kind, body);
	plan_tolerate(plan, "NotFound");
}

int owner_claim(const struct view *view, struct object *owner, const struct kind *kind,
		const struct selector *selector,
		bool (*may_adopt)(struct object *owner, struct object *orphan), struct plan *plan,
		struct object_list *ret)
{
	bool deleting = object_is_deleting(owner);
	bool changed = false;

	cache_for_index (object, view->cache, kind, CACHE_BY_OWNER, str_from(object_uid(owner))) {
		if (!owner_controls(owner, object)) {
			continue;
		}
		if (selector_matches_object(selector, object)) {
			object_list_add(ret, object);
		} else if (!deleting) {
			plan_release(plan, owner, object);
			changed = true;
		}
	}
	if (deleting) {
		return 0;
	}
	cache_for_index (orphan, view->cache, kind, ORPHANS_BY_SPACE, owner->space) {
		if (object_is_deleting(orphan) || !selector_matches_object(selector, orphan) ||
		    (may_adopt != NULL && !may_adopt(owner, orphan))) {
			continue;
		}
		plan_adopt(plan, owner, orphan);
		changed = true;
	}
	return changed ? OWNER_CHANGED : 0;
}

/* The group of an apiVersion is what stands before the slash. */
static bool names_kind(const json_t *reference, const struct kind *kind)
{
	struct str version = str_from(json_string_at(reference, "apiVersion"));
	struct str group = str_cut(&version, '/');

	if (version.p == NULL) {
		group = STR_NONE;
	}
	return str_is(group, kind->group) &&
	       strcmp(json_string_at(reference, "kind"), kind->kind) == 0;
}

static void add_controller_key(struct object *object, const struct kind *owner_kind,
			       struct key_sink *sink)
{
	const json_t *controller = object != NULL ? object_controller(object) : NULL;

	if (controller != NULL && names_kind(controller, owner_kind)) {
		key_sink_add_name(sink, object->space,
				  str_from(json_string_at(controller, "name")));
	}
}

void owner_keys(const struct cache *cache, struct object *old, struct object *now,
		const struct kind *owner_kind, struct key_sink *sink)
{
	add_controller_key(old, owner_kind, sink);
	add_controller_key(now, owner_kind, sink);
	if (now == NULL || object_controller(now) != NULL || object_is_deleting(now)) {
		return;
	}
	cache_for_each (owner, cache, owner_kind, now->space) {
		struct selector *selector = owner_selector(owner);

		if (selector != NULL && selector_matches_object(selector, now)) {
			key_sink_add_name(sink, owner->space, owner->name);
		}
		selector_free(selector);
	}
}
