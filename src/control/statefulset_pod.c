/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pod of an ordinal: one name, one host name, one set of volumes, whichever template it is made
 * of. https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-identity
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "control/pod_template.h"
#include "control/statefulset_intern.h"
#include "object/kinds.h"
#include "json/json.h"

#define LABEL_POD_NAME "statefulset.kubernetes.io/pod-name"
#define LABEL_POD_INDEX "apps.kubernetes.io/pod-index"

int64_t statefulset_ordinal(struct str set_name, struct str pod_name)
{
	struct str digits = str_skip(pod_name, set_name.n + 1);
	uint64_t ordinal = 0;

	if (!str_starts(pod_name, set_name) || pod_name.n <= set_name.n + 1 ||
	    pod_name.p[set_name.n] != '-' || (digits.n > 1 && digits.p[0] == '0') ||
	    !str_to_u64(digits, INT32_MAX, &ordinal)) {
		return -1;
	}
	return (int64_t)ordinal;
}

static const json_t *claim_templates(const struct set *set)
{
	return json_at(object_tree(set->object), "spec.volumeClaimTemplates");
}

/* The claim of a template and an ordinal is called TEMPLATE-SET-ORDINAL. */
static char *claim_name(const struct set *set, const json_t *claim, int64_t ordinal)
{
	return mem_printf("%s-%.*s-%" PRId64, json_string_at(claim, "metadata.name"),
			  STR_ARG(set->object->name), ordinal);
}

static const json_t *find_volume(const json_t *volumes, const char *name)
{
	const json_t *volume;
	size_t i;

	json_array_foreach (volumes, i, volume) {
		if (strcmp(json_string_at(volume, "name"), name) == 0) {
			return volume;
		}
	}
	return NULL;
}

bool statefulset_pod_matches(const struct set *set, const struct set_pod *pod)
{
	char ordinal[24];

	snprintf(ordinal, sizeof(ordinal), "%" PRId64, pod->ordinal);
	return str_is(pod->object->name, object_label(pod->object, LABEL_POD_NAME)) &&
	       strcmp(object_label(pod->object, LABEL_POD_INDEX), ordinal) == 0;
}

/* Volumes of the claims come first and take the place of the template's volumes of their names. */
static void put_volumes(const struct set *set, json_t *spec, int64_t ordinal)
{
	const json_t *claims = claim_templates(set);
	const json_t *old = json_object_get(spec, "volumes");
	json_t *volumes;
	const json_t *claim;
	json_t *volume;
	size_t i;

	if (json_array_size(claims) == 0) {
		return;
	}
	volumes = json_array();
	json_array_foreach (claims, i, claim) {
		char *name _cleanup_free_ = claim_name(set, claim, ordinal);

		json_array_append_new(volumes,
				      json_pack("{s:s, s:{s:s}}", "name",
						json_string_at(claim, "metadata.name"),
						"persistentVolumeClaim", "claimName", name));
	}
	json_array_foreach (old, i, volume) {
		if (find_volume(volumes, json_string_at(volume, "name")) == NULL) {
			json_array_append(volumes, volume);
		}
	}
	json_object_set_new(spec, "volumes", volumes);
}

/* ---- claims ---- */

static bool deletes(const struct set *set, const char *when)
{
	const json_t *policy =
		json_at(object_tree(set->object), "spec.persistentVolumeClaimRetentionPolicy");

	return strcmp(json_string_at(policy, when), "Delete") == 0;
}

/*
 * Whom a claim goes with: the pod when that is scaled away, the set when that is deleted, or
 * nobody. The garbage collector does the rest. New reference to an array.
 */
static json_t *claim_owners(const struct set *set, struct object *condemned)
{
	json_t *owners = json_array();

	if (condemned != NULL && deletes(set, "whenScaled")) {
		json_array_append_new(owners,
				      json_pack("{s:s, s:s, s:s%, s:s}", "apiVersion", "v1", "kind",
						"Pod", "name", condemned->name.p, condemned->name.n,
						"uid", object_uid(condemned)));
	} else if (deletes(set, "whenDeleted")) {
		json_array_append_new(owners, json_pack("{s:s, s:s, s:s%, s:s}", "apiVersion",
							"apps/v1", "kind", "StatefulSet", "name",
							set->object->name.p, set->object->name.n,
							"uid", object_uid(set->object)));
	}
	return owners;
}

/* The owners of other kinds, or of another set, are not ours to touch. */
static bool is_ours(const struct set *set, const json_t *owner)
{
	const char *kind = json_string_at(owner, "kind");

	return strcmp(kind, "Pod") == 0 ||
	       strcmp(json_string_at(owner, "uid"), object_uid(set->object)) == 0;
}

static void sync_owners(struct set *set, struct object *claim, struct object *condemned)
{
	const json_t *standing = json_at(object_tree(claim), "metadata.ownerReferences");
	json_t *wanted = claim_owners(set, condemned);
	json_t *ours _cleanup_json_ = json_array();
	json_t *all = json_array();
	json_t *owner;
	size_t i;

	json_array_foreach (standing, i, owner) {
		json_array_append(is_ours(set, owner) ? ours : all, owner);
	}
	if (json_equal(ours, wanted)) {
		json_decref(wanted);
		json_decref(all);
		return;
	}
	json_array_extend(all, wanted);
	json_decref(wanted);
	plan_patch(set->plan, &kind_persistent_volume_claim, claim->space, claim->name, NULL,
		   json_pack("{s:{s:s, s:o}}", "metadata", "uid", object_uid(claim),
			     "ownerReferences", all));
	plan_tolerate(set->plan, "NotFound");
	plan_tolerate(set->plan, "Conflict");
}

static void create_claim(struct set *set, const json_t *template, const char *name)
{
	const json_t *labels = json_at(object_tree(set->object), "spec.selector.matchLabels");
	json_t *owners = claim_owners(set, NULL);
	json_t *body = json_deep_copy(template);

	json_object_set_new(body, "apiVersion", json_string("v1"));
	json_object_set_new(body, "kind", json_string("PersistentVolumeClaim"));
	json_object_del(body, "status");
	json_put(body, "metadata.name", json_string(name));
	json_put(body, "metadata.namespace",
		 json_stringn(set->object->space.p, set->object->space.n));
	if (labels != NULL) {
		json_t *merged = json_deep_copy(labels);

		json_object_update(merged, json_at(template, "metadata.labels"));
		json_object_update(merged, (json_t *)labels);
		json_put(body, "metadata.labels", merged);
	}
	if (json_array_size(owners) != 0) {
		json_put(body, "metadata.ownerReferences", json_incref(owners));
	}
	json_decref(owners);
	plan_create(set->plan, &kind_persistent_volume_claim, set->object->space, body);
	plan_tolerate(set->plan, "AlreadyExists");
}

void statefulset_sync_claims(struct set *set, int64_t ordinal, struct object *condemned)
{
	const json_t *template;
	size_t i;

	json_array_foreach (claim_templates(set), i, template) {
		char *name _cleanup_free_ = claim_name(set, template, ordinal);
		struct object *claim = cache_get(set->view->cache, &kind_persistent_volume_claim,
						 set->object->space, str_from(name));

		if (claim != NULL) {
			sync_owners(set, claim, condemned);
		} else if (condemned == NULL) {
			create_claim(set, template, name);
		}
	}
}

/* Below the partition (and while there is something to roll) pods keep the current revision. */
static bool wants_current(const struct set *set, int64_t ordinal)
{
	return set->rolling && ordinal < set->start + set->partition;
}

static void put_identity(const struct set *set, json_t *pod, const char *name, int64_t ordinal,
			 const char *revision)
{
	const char *service = json_string_at(object_tree(set->object), "spec.serviceName");
	json_t *metadata = json_object_get(pod, "metadata");
	json_t *spec = json_object_get(pod, "spec");

	if (json_object_get(metadata, "labels") == NULL) {
		json_object_set_new(metadata, "labels", json_object());
	}
	json_t *labels = json_object_get(metadata, "labels");

	json_object_set_new(metadata, "name", json_string(name));
	json_object_set_new(labels, LABEL_POD_NAME, json_string(name));
	json_object_set_new(labels, LABEL_POD_INDEX, json_sprintf("%" PRId64, ordinal));
	json_object_set_new(labels, HISTORY_LABEL, json_string(revision));
	json_object_set_new(spec, "hostname", json_string(name));
	if (service[0] != '\0') {
		json_object_set_new(spec, "subdomain", json_string(service));
	}
	put_volumes(set, spec, ordinal);
}

void statefulset_create_pod(struct set *set, int64_t ordinal)
{
	bool current = wants_current(set, ordinal);
	const json_t *template = current ? set->history.current_template
					 : json_at(object_tree(set->object), "spec.template");
	const char *revision = current ? set->history.current : set->history.update;
	struct object *object = set->object;
	char *name _cleanup_free_ = mem_printf("%.*s-%" PRId64, STR_ARG(object->name), ordinal);
	json_t *pod = template_pod(object, template);
	char *failed _cleanup_free_ =
		mem_printf("create Pod %s in StatefulSet %.*s failed error: %%s", name,
			   STR_ARG(object->name));

	statefulset_sync_claims(set, ordinal, NULL);
	put_identity(set, pod, name, ordinal, revision);
	plan_create(set->plan, &kind_pod, object->space, pod);
	plan_event_on_failure(set->plan, object, "FailedCreate", failed);
	plan_event(set->plan, object, "Normal", "SuccessfulCreate",
		   "create Pod %s in StatefulSet %.*s successful", name, STR_ARG(object->name));
	set->burst++;
}

void statefulset_restore_pod(struct set *set, const struct set_pod *pod)
{
	struct object *object = pod->object;

	plan_patch(set->plan, &kind_pod, object->space, object->name, NULL,
		   json_pack("{s:{s:s, s:{s:s%, s:o}}}", "metadata", "uid", object_uid(object),
			     "labels", LABEL_POD_NAME, object->name.p, object->name.n,
			     LABEL_POD_INDEX, json_sprintf("%" PRId64, pod->ordinal)));
	plan_tolerate(set->plan, "NotFound");
	plan_event(set->plan, set->object, "Normal", "SuccessfulUpdate",
		   "update Pod %.*s in StatefulSet %.*s successful", STR_ARG(object->name),
		   STR_ARG(set->object->name));
}

void statefulset_delete_pod(struct set *set, struct set_pod *pod)
{
	if (pod->ordinal < set->start || pod->ordinal >= set->start + set->replicas) {
		statefulset_sync_claims(set, pod->ordinal, pod->object);
	}
	plan_delete(set->plan, pod->object, -1, PLAN_BACKGROUND);
	plan_tolerate(set->plan, "NotFound");
	plan_event(set->plan, set->object, "Normal", "SuccessfulDelete",
		   "delete Pod %.*s in StatefulSet %.*s successful", STR_ARG(pod->object->name),
		   STR_ARG(set->object->name));
	pod->condemned = true;
	set->burst++;
}
