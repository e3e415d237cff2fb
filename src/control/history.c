/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariants: data of a revision never changes; only its number does, and only upwards. A name that
 * is taken by something else counts as a collision, which changes the hash.
 */
#include "control/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/owner.h"
#include "control/pod_template.h"
#include "object/kinds.h"
#include "json/json.h"

enum { REVISION_LIMIT_DEFAULT = 10, REVISION_PREFIX_MAX = 223 };

void history_deinit(struct history *history)
{
	object_list_deinit(&history->revisions);
	history->update = mem_free(history->update);
	history->current = mem_free(history->current);
}

static int64_t number_of(struct object *revision)
{
	return json_int_at(object_tree(revision), "revision", 0);
}

static int compare_revisions(const void *a, const void *b)
{
	struct object *first = *(struct object *const *)a;
	struct object *second = *(struct object *const *)b;
	int64_t difference = number_of(first) - number_of(second);

	if (difference != 0) {
		return difference < 0 ? -1 : 1;
	}
	return str_cmp(first->name, second->name);
}

static json_t *revision_data(struct object *owner)
{
	json_t *template = json_copy(json_at(object_tree(owner), "spec.template"));

	if (template == NULL) {
		template = json_object();
	}
	json_object_set_new(template, "$patch", json_string("replace"));
	return json_pack("{s:{s:o}}", "spec", "template", template);
}

/* The newest of the revisions whose data is `data`. */
static struct object *find_equal(const struct history *history, const json_t *data)
{
	for (size_t i = history->revisions.n; i-- != 0;) {
		struct object *revision = history->revisions.items[i];

		if (json_equal(json_at(object_tree(revision), "data"), data)) {
			return revision;
		}
	}
	return NULL;
}

static int64_t next_number(const struct history *history)
{
	size_t n = history->revisions.n;

	return n != 0 ? number_of(history->revisions.items[n - 1]) + 1 : 1;
}

/* Metadata of a new revision: the template's labels, the set's annotations, and the hash. */
static json_t *revision_metadata(struct object *owner, const char *name, const char *hash)
{
	const json_t *labels = json_at(object_tree(owner), "spec.template.metadata.labels");
	json_t *annotations = json_at(object_tree(owner), "metadata.annotations");
	json_t *metadata = json_pack("{s:s, s:s%, s:o, s:[o]}", "name", name, "namespace",
				     owner->space.p, owner->space.n, "labels",
				     labels != NULL ? json_copy((json_t *)labels) : json_object(),
				     "ownerReferences", owner_reference(owner));

	json_object_set_new(json_object_get(metadata, "labels"), "controller.kubernetes.io/hash",
			    json_string(hash));
	if (annotations != NULL) {
		json_object_set(metadata, "annotations", annotations);
	}
	return metadata;
}

static void create_revision(const struct view *view, struct object *owner, json_t *data,
			    struct plan *plan, struct history *history)
{
	char hash[TEMPLATE_HASH_TEXT];

	for (;; history->collisions++) {
		template_hash(data, history->collisions, hash);
		mem_free(history->update);
		history->update =
			mem_printf("%.*s-%s",
				   (int)(owner->name.n < REVISION_PREFIX_MAX ? owner->name.n
									     : REVISION_PREFIX_MAX),
				   owner->name.p, hash);
		if (cache_get(view->cache, &kind_controller_revision, owner->space,
			      str_from(history->update)) == NULL) {
			break;
		}
	}
	plan_create(plan, &kind_controller_revision, owner->space,
		    json_pack("{s:s, s:s, s:o, s:O, s:I}", "apiVersion", "apps/v1", "kind",
			      "ControllerRevision", "metadata",
			      revision_metadata(owner, history->update, hash), "data", data,
			      "revision", (json_int_t)next_number(history)));
}

/* Makes `update` the name of a revision that has the owner's template and the highest number. */
static void sync_update(const struct view *view, struct object *owner, struct plan *plan,
			struct history *history)
{
	json_t *data _cleanup_json_ = revision_data(owner);
	struct object *equal = find_equal(history, data);

	if (equal == NULL && object_is_deleting(owner)) {
		/* In the foreground: its revisions go first, and a new one would go the same way.
		 */
		history->update =
			mem_strdup(json_string_at(object_tree(owner), "status.updateRevision"));
		return;
	}
	if (equal == NULL) {
		create_revision(view, owner, data, plan, history);
		return;
	}
	history->update = str_dup(equal->name);
	if (equal != history->revisions.items[history->revisions.n - 1]) {
		plan_patch(plan, &kind_controller_revision, equal->space, equal->name, NULL,
			   json_pack("{s:I}", "revision", (json_int_t)next_number(history)));
	}
}

int history_sync(const struct view *view, struct object *owner, const struct selector *selector,
		 struct plan *plan, struct history *ret)
{
	const json_t *tree = object_tree(owner);
	struct history history = {
		.collisions = json_int_at(tree, "status.collisionCount", 0),
	};
	const char *current = json_string_at(tree, "status.currentRevision");

	if (owner_claim(view, owner, &kind_controller_revision, selector, NULL, plan,
			&history.revisions) != 0) {
		history_deinit(&history);
		return HISTORY_CHANGED;
	}
	if (history.revisions.n != 0) {
		qsort(history.revisions.items, history.revisions.n, sizeof(struct object *),
		      compare_revisions);
	}
	sync_update(view, owner, plan, &history);
	for (size_t i = 0; i < history.revisions.n; i++) {
		struct object *revision = history.revisions.items[i];

		if (str_is(revision->name, current)) {
			history.current = str_dup(revision->name);
			history.current_template =
				json_at(object_tree(revision), "data.spec.template");
		}
	}
	if (history.current == NULL || history.current_template == NULL) {
		mem_free(history.current);
		history.current = mem_strdup(history.update);
		history.current_template = json_at(tree, "spec.template");
	}
	*ret = history;
	return 0;
}

static bool is_live(const struct history *history, const struct object_list *pods,
		    struct object *revision)
{
	if (str_is(revision->name, history->update) || str_is(revision->name, history->current)) {
		return true;
	}
	for (size_t i = 0; i < pods->n; i++) {
		if (str_is(revision->name, object_label(pods->items[i], HISTORY_LABEL))) {
			return true;
		}
	}
	return false;
}

void history_truncate(const struct history *history, struct object *owner,
		      const struct object_list *pods, struct plan *plan)
{
	int64_t limit = json_int_at(object_tree(owner), "spec.revisionHistoryLimit",
				    REVISION_LIMIT_DEFAULT);
	struct object_list old _cleanup_object_list_ = { 0 };

	for (size_t i = 0; i < history->revisions.n; i++) {
		struct object *revision = history->revisions.items[i];

		if (!object_is_deleting(revision) && !is_live(history, pods, revision)) {
			object_list_add(&old, revision);
		}
	}
	for (size_t i = 0; limit >= 0 && i + (size_t)limit < old.n; i++) {
		plan_delete(plan, old.items[i], -1, PLAN_BACKGROUND);
		plan_tolerate(plan, "NotFound");
	}
}
