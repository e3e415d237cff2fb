/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deployment's ReplicaSets: one a template, told apart by the hash of the template in their name,
 * selector and pods. Which one is new is decided by comparing templates, never by the hash.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/deployment_intern.h"
#include "control/object_list.h"
#include "control/owner.h"
#include "control/pod_template.h"
#include "control/status.h"
#include "object/kinds.h"
#include "json/json.h"

static int64_t annotation_number(struct object *set, const char *key, int64_t otherwise)
{
	uint64_t n = 0;

	return str_to_u64(str_from(object_annotation(set, key)), INT32_MAX, &n) ? (int64_t)n
										: otherwise;
}

static struct rollout_set set_of(struct object *object)
{
	const json_t *tree = object_tree(object);

	return (struct rollout_set){
		.object = object,
		.name = str_dup(object->name),
		.created = status_time_at(tree, "metadata.creationTimestamp", 0),
		.revision = annotation_number(object, ANNOTATION_REVISION, 0),
		.desired = annotation_number(object, ANNOTATION_DESIRED, -1),
		.max = annotation_number(object, ANNOTATION_MAX, -1),
		.replicas = json_int_at(tree, "spec.replicas", 1),
		.running = json_int_at(tree, "status.replicas", 0),
		.ready = json_int_at(tree, "status.readyReplicas", 0),
		.available = json_int_at(tree, "status.availableReplicas", 0),
	};
}

static int compare_created(const void *a, const void *b)
{
	const struct rollout_set *first = a;
	const struct rollout_set *second = b;

	if (first->created != second->created) {
		return first->created < second->created ? -1 : 1;
	}
	return strcmp(first->name, second->name);
}

/* New reference. */
static json_t *template_without_hash(const json_t *tree)
{
	json_t *template = json_deep_copy(json_at(tree, "spec.template"));
	json_t *labels = json_at(template, "metadata.labels");

	json_object_del(labels, LABEL_TEMPLATE_HASH);
	return template;
}

void rollout_take_sets(struct rollout *rollout, const struct object_list *owned)
{
	json_t *template _cleanup_json_ = template_without_hash(rollout->tree);

	/* Room for one that is created. */
	rollout->sets = mem_alloc_array(owned->n + 1, sizeof(*rollout->sets));
	for (size_t i = 0; i < owned->n; i++) {
		rollout->sets[rollout->n_sets++] = set_of(owned->items[i]);
	}
	qsort(rollout->sets, rollout->n_sets, sizeof(*rollout->sets), compare_created);
	for (size_t i = 0; i < rollout->n_sets && rollout->fresh == NULL; i++) {
		struct rollout_set *set = &rollout->sets[i];
		json_t *other _cleanup_json_ = template_without_hash(object_tree(set->object));

		if (json_equal(template, other)) {
			rollout->fresh = set;
		}
	}
}

void rollout_deinit(struct rollout *rollout)
{
	for (size_t i = 0; i < rollout->n_sets; i++) {
		mem_free(rollout->sets[i].name);
	}
	rollout->sets = mem_free(rollout->sets);
	rollout->n_sets = 0;
}

int64_t rollout_total(const struct rollout *rollout, bool with_fresh)
{
	int64_t total = 0;

	for (size_t i = 0; i < rollout->n_sets; i++) {
		if (with_fresh || &rollout->sets[i] != rollout->fresh) {
			total += rollout->sets[i].replicas;
		}
	}
	return total;
}

static int64_t next_revision(const struct rollout *rollout)
{
	int64_t highest = 0;

	for (size_t i = 0; i < rollout->n_sets; i++) {
		const struct rollout_set *set = &rollout->sets[i];

		if (set != rollout->fresh && set->revision > highest) {
			highest = set->revision;
		}
	}
	return highest + 1;
}

/* The deployment's annotations that its ReplicaSets carry, too. New reference. */
static json_t *shared_annotations(const struct rollout *rollout)
{
	static const char *const own[] = {
		"kubectl.kubernetes.io/last-applied-configuration",
		ANNOTATION_REVISION,
		ANNOTATION_HISTORY,
		ANNOTATION_DESIRED,
		ANNOTATION_MAX,
	};
	json_t *annotations = json_copy(json_at(rollout->tree, "metadata.annotations"));

	if (annotations == NULL) {
		return json_object();
	}
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		json_object_del(annotations, own[i]);
	}
	return annotations;
}

static void put_sizes(const struct rollout *rollout, json_t *annotations)
{
	json_object_set_new(annotations, ANNOTATION_DESIRED,
			    json_sprintf("%" PRId64, rollout->replicas));
	json_object_set_new(annotations, ANNOTATION_MAX,
			    json_sprintf("%" PRId64, rollout->replicas + rollout->max_surge));
}

static json_t *new_set_body(const struct rollout *rollout, const struct rollout_set *set,
			    const char *hash)
{
	json_t *template = template_without_hash(rollout->tree);
	json_t *selector = json_deep_copy(json_at(rollout->tree, "spec.selector"));
	json_t *annotations = shared_annotations(rollout);
	struct str space = rollout->object->space;

	json_put(template, "metadata.labels." LABEL_TEMPLATE_HASH, json_string(hash));
	json_put(selector, "matchLabels." LABEL_TEMPLATE_HASH, json_string(hash));
	json_object_set_new(annotations, ANNOTATION_REVISION,
			    json_sprintf("%" PRId64, set->revision));
	put_sizes(rollout, annotations);

	json_t *metadata =
		json_pack("{s:s, s:s%, s:O, s:o, s:[o]}", "name", set->name, "namespace", space.p,
			  space.n, "labels", json_at(template, "metadata.labels"), "annotations",
			  annotations, "ownerReferences", owner_reference(rollout->object));

	return json_pack("{s:s, s:s, s:o, s:{s:I, s:I, s:o, s:o}}", "apiVersion", "apps/v1", "kind",
			 "ReplicaSet", "metadata", metadata, "spec", "replicas",
			 (json_int_t)set->replicas, "minReadySeconds",
			 (json_int_t)json_int_at(rollout->tree, "spec.minReadySeconds", 0),
			 "selector", selector, "template", template);
}

static void create_fresh(struct rollout *rollout)
{
	json_t *template _cleanup_json_ = template_without_hash(rollout->tree);
	struct rollout_set *set = &rollout->sets[rollout->n_sets];
	struct object *object = rollout->object;
	char hash[TEMPLATE_HASH_TEXT];

	*set = (struct rollout_set){ .revision = next_revision(rollout) };
	for (;; rollout->collisions++) {
		template_hash(template, rollout->collisions, hash);
		mem_free(set->name);
		set->name = mem_printf("%.*s-%s", STR_ARG(object->name), hash);
		if (cache_get(rollout->view->cache, &kind_replica_set, object->space,
			      str_from(set->name)) == NULL) {
			break;
		}
	}
	if (rollout->view->failure != NULL) {
		rollout_plan_create_error(rollout, set->name);
	}
	rollout->n_sets++;
	rollout->fresh = set;
	set->replicas = rollout_fresh_size(rollout);
	plan_create(rollout->plan, &kind_replica_set, object->space,
		    new_set_body(rollout, set, hash));
	char *failed _cleanup_free_ =
		mem_printf("Failed to create new replica set \"%s\": %%s", set->name);

	plan_event_on_failure(rollout->plan, object, "ReplicaSetCreateError", failed);
	if (set->replicas > 0) {
		plan_event(rollout->plan, object, "Normal", "ScalingReplicaSet",
			   "Scaled up replica set %s from 0 to %" PRId64, set->name, set->replicas);
	}
}

/* A rollback keeps the numbers that the ReplicaSet had before, for `kubectl rollout history`. */
static void put_revision(const struct rollout_set *set, int64_t revision, json_t *annotations)
{
	const char *before = object_annotation(set->object, ANNOTATION_HISTORY);

	json_object_set_new(annotations, ANNOTATION_REVISION, json_sprintf("%" PRId64, revision));
	if (set->revision > 0) {
		json_object_set_new(annotations, ANNOTATION_HISTORY,
				    json_sprintf("%s%s%" PRId64, before,
						 before[0] != '\0' ? "," : "", set->revision));
	}
}

static void update_fresh(struct rollout *rollout)
{
	struct rollout_set *set = rollout->fresh;
	json_t *annotations = shared_annotations(rollout);
	json_t *patch = json_pack("{s:{s:s}}", "metadata", "uid", object_uid(set->object));
	int64_t revision = next_revision(rollout);
	int64_t min_ready = json_int_at(rollout->tree, "spec.minReadySeconds", 0);
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe (annotations, next, key, value) {
		if (strcmp(object_annotation(set->object, key), json_string_value(value)) == 0) {
			json_object_del(annotations, key);
		}
	}
	if (set->revision < revision) {
		put_revision(set, revision, annotations);
		set->revision = revision;
	}
	bool changed = json_object_size(annotations) != 0;

	json_put(patch, "metadata.annotations", annotations);
	if (json_int_at(object_tree(set->object), "spec.minReadySeconds", 0) != min_ready) {
		json_put(patch, "spec.minReadySeconds", json_integer(min_ready));
		changed = true;
	}
	if (changed) {
		plan_patch(rollout->plan, &kind_replica_set, set->object->space, set->object->name,
			   NULL, json_incref(patch));
	}
	json_decref(patch);
}

void rollout_sync_fresh(struct rollout *rollout, bool create)
{
	char revision[24];

	if (rollout->fresh != NULL) {
		update_fresh(rollout);
	} else if (create) {
		create_fresh(rollout);
	}
	if (rollout->fresh == NULL) {
		return;
	}
	snprintf(revision, sizeof(revision), "%" PRId64, rollout->fresh->revision);
	if (strcmp(object_annotation(rollout->object, ANNOTATION_REVISION), revision) != 0) {
		plan_patch(rollout->plan, rollout->object->kind, rollout->object->space,
			   rollout->object->name, NULL,
			   json_pack("{s:{s:s, s:{s:s}}}", "metadata", "uid",
				     object_uid(rollout->object), "annotations",
				     ANNOTATION_REVISION, revision));
	}
}

bool rollout_scale_set(struct rollout *rollout, struct rollout_set *set, int64_t replicas)
{
	bool sized = set->replicas != replicas;
	bool annotated = set->desired == rollout->replicas &&
			 set->max == rollout->replicas + rollout->max_surge;

	/* What this plan creates has its right size and annotations already. */
	if (set->object == NULL || (!sized && annotated)) {
		return false;
	}
	json_t *annotations = json_object();

	put_sizes(rollout, annotations);
	plan_patch(rollout->plan, &kind_replica_set, set->object->space, set->object->name, NULL,
		   json_pack("{s:{s:s, s:o}, s:{s:I}}", "metadata", "uid", object_uid(set->object),
			     "annotations", annotations, "spec", "replicas", (json_int_t)replicas));
	if (sized) {
		plan_event(rollout->plan, rollout->object, "Normal", "ScalingReplicaSet",
			   "Scaled %s replica set %s from %" PRId64 " to %" PRId64,
			   replicas > set->replicas ? "up" : "down", set->name, set->replicas,
			   replicas);
	}
	set->replicas = replicas;
	set->desired = rollout->replicas;
	set->max = rollout->replicas + rollout->max_surge;
	return sized;
}

static int compare_revision(const void *a, const void *b)
{
	const struct rollout_set *first = *(const struct rollout_set *const *)a;
	const struct rollout_set *second = *(const struct rollout_set *const *)b;

	if (first->revision != second->revision) {
		return first->revision < second->revision ? -1 : 1;
	}
	return compare_created(first, second);
}

static bool is_disposable(const struct rollout_set *set)
{
	const json_t *tree = object_tree(set->object);

	return set->replicas == 0 && set->running == 0 &&
	       json_int_at(tree, "metadata.generation", 0) <=
		       json_int_at(tree, "status.observedGeneration", 0);
}

void rollout_clean_up(struct rollout *rollout)
{
	int64_t limit = json_int_at(rollout->tree, "spec.revisionHistoryLimit", INT32_MAX);
	const struct rollout_set **old _cleanup_free_ =
		mem_alloc_array(rollout->n_sets + 1, sizeof(*old));
	size_t n = 0;

	for (size_t i = 0; i < rollout->n_sets; i++) {
		const struct rollout_set *set = &rollout->sets[i];

		if (set != rollout->fresh && !object_is_deleting(set->object)) {
			old[n++] = set;
		}
	}
	qsort(old, n, sizeof(*old), compare_revision);
	for (size_t i = 0; i + (size_t)limit < n; i++) {
		if (is_disposable(old[i])) {
			plan_delete(rollout->plan, old[i]->object, -1, PLAN_BACKGROUND);
			plan_tolerate(rollout->plan, "NotFound");
		}
	}
}
