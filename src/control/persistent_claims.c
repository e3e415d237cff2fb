/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims get volumes: the one that they name, the smallest that is free and fits, or one that is
 * made for them. Made are directories of nodes (the classes of PROVISIONER_LOCAL_PATH); the
 * directory itself comes with the first pod, by the node's agent.
 * https://kubernetes.io/docs/concepts/storage/persistent-volumes/
 *
 * The volume's claimRef is written first and is what counts: two claims may want one volume, and
 * the second finds it taken. Everything else follows from it and is written again when it got lost.
 */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/claim.h"
#include "control/controllers.h"
#include "control/pod_state.h"
#include "control/status.h"
#include "object/kinds.h"
#include "object/quantity.h"
#include "object/selector.h"
#include "object/well_known.h"
#include "json/json.h"

#define FINALIZER "kubernetes.io/pvc-protection"
#define NO_CLASS_PATH "/var/lib/headlessd/volumes"

struct claiming {
	const struct view *view;
	struct plan *plan;
	struct object *claim;
	const json_t *tree;
};

static const char *text_at(const struct claiming *claiming, const char *path)
{
	return json_string_at(claiming->tree, path);
}

/* ---- protection ---- */

static bool is_used(const struct view *view, struct object *claim)
{
	char *key _cleanup_free_ =
		mem_printf("%.*s/%.*s", STR_ARG(claim->space), STR_ARG(claim->name));

	cache_for_index (pod, view->cache, &kind_pod, CLAIM_PODS, str_from(key)) {
		if (!pod_is_finished(pod)) {
			return true;
		}
	}
	return false;
}

/* A claim goes when no pod needs it any more. */
static void release(const struct view *view, struct object *claim, struct plan *plan)
{
	const json_t *finalizers = json_at(object_tree(claim), "metadata.finalizers");
	json_t *left = json_array();
	const json_t *one;
	size_t i;

	json_array_foreach (finalizers, i, one) {
		if (strcmp(json_string_value(one), FINALIZER) != 0) {
			json_array_append(left, (json_t *)one);
		}
	}
	if (json_array_size(left) == json_array_size(finalizers) || is_used(view, claim)) {
		json_decref(left);
		return;
	}
	plan_patch(plan, &kind_persistent_volume_claim, claim->space, claim->name, NULL,
		   json_pack("{s:{s:s, s:o}}", "metadata", "uid", object_uid(claim), "finalizers",
			     left));
	plan_tolerate(plan, "NotFound");
}

/* ---- binding ---- */

static json_t *reference_to(struct object *claim)
{
	return json_pack("{s:s, s:s, s:s%, s:s%, s:s}", "apiVersion", "v1", "kind",
			 "PersistentVolumeClaim", "namespace", claim->space.p, claim->space.n,
			 "name", claim->name.p, claim->name.n, "uid", object_uid(claim));
}

/* Free, kept for this very claim, or its own. */
static bool may_have(struct object *volume, struct object *claim)
{
	const json_t *reference = json_at(object_tree(volume), "spec.claimRef");
	const char *uid = json_string_at(reference, "uid");

	return reference == NULL || (str_is(claim->space, json_string_at(reference, "namespace")) &&
				     str_is(claim->name, json_string_at(reference, "name")) &&
				     (uid[0] == '\0' || strcmp(uid, object_uid(claim)) == 0));
}

/* What the claim has once it is bound to a volume of that spec. */
static void plan_bound(const struct claiming *claiming, struct str volume, const json_t *spec)
{
	struct object *claim = claiming->claim;
	json_t *status = json_pack("{s:s, s:O, s:O}", "phase", "Bound", "accessModes",
				   json_object_get(spec, "accessModes"), "capacity",
				   json_object_get(spec, "capacity"));

	if (!str_is(volume, text_at(claiming, "spec.volumeName"))) {
		plan_patch(claiming->plan, &kind_persistent_volume_claim, claim->space, claim->name,
			   NULL,
			   json_pack("{s:{s:s, s:{s:s, s:s}}, s:{s:s%}}", "metadata", "uid",
				     object_uid(claim), "annotations",
				     "pv.kubernetes.io/bind-completed", "yes",
				     "pv.kubernetes.io/bound-by-controller", "yes", "spec",
				     "volumeName", volume.p, volume.n));
	}
	status_plan(claiming->plan, claim, status);
}

static void bind(const struct claiming *claiming, struct object *volume)
{
	const json_t *spec = json_object_get(object_tree(volume), "spec");

	if (strcmp(json_string_at(spec, "claimRef.uid"), object_uid(claiming->claim)) != 0) {
		plan_patch(claiming->plan, &kind_persistent_volume, STR_NONE, volume->name, NULL,
			   json_pack("{s:{s:s, s:s}, s:{s:o}}", "metadata", "uid",
				     object_uid(volume), "resourceVersion",
				     json_string_at(object_tree(volume),
						    "metadata.resourceVersion"),
				     "spec", "claimRef", reference_to(claiming->claim)));
	}
	plan_bound(claiming, volume->name, spec);
}

/* ---- what is free and fits ---- */

static bool has_modes(const json_t *have, const json_t *wanted)
{
	const json_t *mode;
	size_t i;

	json_array_foreach (wanted, i, mode) {
		bool found = false;
		const json_t *one;
		size_t j;

		json_array_foreach (have, j, one) {
			found = found || json_equal(one, mode);
		}
		if (!found) {
			return false;
		}
	}
	return true;
}

static int64_t size_of(const json_t *amounts)
{
	return quantity_milli(json_object_get(amounts, "storage"));
}

static bool fits(const struct claiming *claiming, struct object *volume, struct object *node)
{
	const json_t *spec = json_object_get(object_tree(volume), "spec");
	const json_t *wanted = json_object_get(claiming->tree, "spec");

	return !object_is_deleting(volume) && may_have(volume, claiming->claim) &&
	       strcmp(json_string_at(spec, "storageClassName"),
		      json_string_at(wanted, "storageClassName")) == 0 &&
	       strcmp(json_string_at(spec, "volumeMode"), json_string_at(wanted, "volumeMode")) ==
		       0 &&
	       has_modes(json_object_get(spec, "accessModes"),
			 json_object_get(wanted, "accessModes")) &&
	       size_of(json_object_get(spec, "capacity")) >=
		       size_of(json_at(wanted, "resources.requests")) &&
	       (node == NULL || volume_is_reachable(volume, node));
}

/* A volume kept for the claim by name first, then the smallest. */
static struct object *find_volume(const struct claiming *claiming, struct object *node)
{
	const json_t *wanted = json_at(claiming->tree, "spec.selector");
	struct buffer why _cleanup_buffer_ = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct selector *selector = NULL;
	struct object *best = NULL;
	int64_t smallest = 0;

	if (wanted != NULL && selector_from_message(wanted, &why, &selector) != 0) {
		return NULL;
	}
	cache_for_each (volume, claiming->view->cache, &kind_persistent_volume, STR_NONE) {
		const json_t *tree = object_tree(volume);
		int64_t size = size_of(json_at(tree, "spec.capacity"));

		if (!fits(claiming, volume, node) ||
		    (selector != NULL &&
		     !selector_matches(selector, json_at(tree, "metadata.labels")))) {
			continue;
		}
		if (json_at(tree, "spec.claimRef") != NULL) {
			best = volume;
			break;
		}
		if (best == NULL || size < smallest) {
			best = volume;
			smallest = size;
		}
	}
	selector_free(selector);
	return best;
}

/* ---- making one ---- */

static struct object *any_node(const struct view *view)
{
	cache_for_each (node, view->cache, &kind_node, STR_NONE) {
		if (!object_is_deleting(node) &&
		    condition_is_true(json_at(object_tree(node), "status.conditions"), "Ready")) {
			return node;
		}
	}
	return NULL;
}

static json_t *volume_of(const struct claiming *claiming, struct object *class, const char *name,
			 struct object *node)
{
	const struct controller_settings *settings = claiming->view->settings;
	const char *directory = settings != NULL && settings->volume_directory != NULL
					? settings->volume_directory
					: NO_CLASS_PATH;
	const json_t *spec = json_object_get(claiming->tree, "spec");
	char *path _cleanup_free_ = mem_printf("%s/%s", directory, name);
	json_t *labels = json_at(object_tree(node), "metadata.labels");
	const char *host = json_string_value(json_object_get(labels, "kubernetes.io/hostname"));
	json_t *affinity =
		json_pack("{s:{s:[{s:[{s:s, s:s, s:[o]}]}]}}", "required", "nodeSelectorTerms",
			  host != NULL ? "matchExpressions" : "matchFields", "key",
			  host != NULL ? "kubernetes.io/hostname" : "metadata.name", "operator",
			  "In", "values",
			  host != NULL ? json_string(host)
				       : json_stringn(node->name.p, node->name.n));
	const json_t *modes = json_object_get(spec, "accessModes");
	const json_t *storage = json_at(spec, "resources.requests.storage");

	return json_pack(
		"{s:s, s:s, s:{s:s, s:{s:s}, s:[s]}, s:{s:{s:O}, s:{s:s, s:s}, s:O, s:o, s:s, "
		"s:s%, s:s, s:o}}",
		"apiVersion", "v1", "kind", "PersistentVolume", "metadata", "name", name,
		"annotations", ANNOTATION_PROVISIONED_BY, PROVISIONER_LOCAL_PATH, "finalizers",
		FINALIZER_LOCAL_PATH, "spec", "capacity", "storage", storage, "hostPath", "path",
		path, "type", "DirectoryOrCreate", "accessModes", modes, "claimRef",
		reference_to(claiming->claim), "persistentVolumeReclaimPolicy",
		json_string_at(object_tree(class), "reclaimPolicy"), "storageClassName",
		class->name.p, class->name.n, "volumeMode", "Filesystem", "nodeAffinity", affinity);
}

static void provision(const struct claiming *claiming, struct object *class, struct object *node)
{
	struct object *claim = claiming->claim;
	char *name _cleanup_free_ = mem_printf("pvc-%s", object_uid(claim));

	if (strcmp(text_at(claiming, "spec.volumeMode"), "Block") == 0) {
		plan_event(claiming->plan, claim, "Warning", "ProvisioningFailed",
			   "class %.*s makes directories, not block devices", STR_ARG(class->name));
		return;
	}
	json_t *volume = volume_of(claiming, class, name, node);
	json_t *spec _cleanup_json_ = json_deep_copy(json_object_get(volume, "spec"));

	plan_create(claiming->plan, &kind_persistent_volume, STR_NONE, volume);
	plan_tolerate(claiming->plan, "AlreadyExists");
	plan_event(claiming->plan, claim, "Normal", "ProvisioningSucceeded",
		   "Successfully provisioned volume %s", name);
	plan_bound(claiming, str_from(name), spec);
}

/* ---- one claim ---- */

static void tell(const struct claiming *claiming, const char *type, const char *reason,
		 const char *message)
{
	plan_event(claiming->plan, claiming->claim, type, reason, "%s", message);
}

static void seek(const struct claiming *claiming)
{
	const struct cache *cache = claiming->view->cache;
	const char *class_name = text_at(claiming, "spec.storageClassName");
	struct object *class =
		cache_get(cache, &kind_storage_class, STR_NONE, str_from(class_name));
	const char *selected = object_annotation(claiming->claim, ANNOTATION_SELECTED_NODE);
	struct object *node = cache_get(cache, &kind_node, STR_NONE, str_from(selected));
	bool waits = claim_waits_for_pod(cache, claiming->claim);

	if (waits && node == NULL) {
		tell(claiming, "Normal", "WaitForFirstConsumer",
		     "waiting for first consumer to be created before binding");
		return;
	}
	struct object *volume = find_volume(claiming, node);

	if (volume != NULL) {
		bind(claiming, volume);
	} else if (class_name[0] == '\0') {
		tell(claiming, "Normal", "FailedBinding",
		     "no persistent volumes available for this claim and no storage class is set");
	} else if (class == NULL) {
		plan_event(claiming->plan, claiming->claim, "Warning", "ProvisioningFailed",
			   "storageclass.storage.k8s.io \"%s\" not found", class_name);
	} else if (strcmp(json_string_at(object_tree(class), "provisioner"),
			  PROVISIONER_LOCAL_PATH) != 0) {
		plan_event(claiming->plan, claiming->claim, "Normal", "ExternalProvisioning",
			   "Waiting for a volume to be created either by the external provisioner "
			   "'%s' or manually by the system administrator",
			   json_string_at(object_tree(class), "provisioner"));
	} else if ((node = node != NULL ? node : any_node(claiming->view)) != NULL) {
		provision(claiming, class, node);
	}
}

/* It names its volume: by itself, or from an earlier binding. */
static void follow(const struct claiming *claiming, struct str name)
{
	struct object *volume =
		cache_get(claiming->view->cache, &kind_persistent_volume, STR_NONE, name);
	bool was_bound = strcmp(text_at(claiming, "status.phase"), "Bound") == 0;

	if (volume != NULL && may_have(volume, claiming->claim)) {
		bind(claiming, volume);
	} else if (was_bound) {
		json_t *status = json_deep_copy(json_object_get(claiming->tree, "status"));

		json_object_set_new(status, "phase", json_string("Lost"));
		status_plan(claiming->plan, claiming->claim, status);
		tell(claiming, "Warning", "ClaimLost",
		     "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
	} else if (volume != NULL) {
		plan_event(claiming->plan, claiming->claim, "Warning", "FailedBinding",
			   "volume \"%.*s\" already bound to a different claim.", STR_ARG(name));
	}
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct str space;
	struct str name;

	key_split(key, &space, &name);
	struct object *claim = cache_get(view->cache, &kind_persistent_volume_claim, space, name);

	if (claim == NULL) {
		return;
	}
	if (object_is_deleting(claim)) {
		release(view, claim, plan);
		return;
	}
	struct claiming claiming = {
		.view = view,
		.plan = plan,
		.claim = claim,
		.tree = object_tree(claim),
	};
	struct str volume = str_from(text_at(&claiming, "spec.volumeName"));

	if (volume.n != 0) {
		follow(&claiming, volume);
	} else {
		seek(&claiming);
	}
}

/* ---- sources ---- */

static bool is_pending(struct object *claim)
{
	return strcmp(json_string_at(object_tree(claim), "status.phase"), "Pending") == 0;
}

static void add_pending(const struct cache *cache, const char *class, struct key_sink *sink)
{
	cache_for_each (claim, cache, &kind_persistent_volume_claim, STR_NONE) {
		if (is_pending(claim) &&
		    strcmp(json_string_at(object_tree(claim), "spec.storageClassName"), class) ==
			    0) {
			key_sink_add_name(sink, claim->space, claim->name);
		}
	}
}

/* The claim that it names; a free one may be what others wait for. */
static void keys_of_volume(const struct cache *cache, struct object *old, struct object *now,
			   struct key_sink *sink)
{
	const json_t *spec = json_object_get(object_tree(now != NULL ? now : old), "spec");
	const json_t *reference = json_object_get(spec, "claimRef");

	if (reference != NULL) {
		key_sink_add_name(sink, str_from(json_string_at(reference, "namespace")),
				  str_from(json_string_at(reference, "name")));
	} else {
		add_pending(cache, json_string_at(spec, "storageClassName"), sink);
	}
}

static void keys_of_class(const struct cache *cache, struct object *old, struct object *now,
			  struct key_sink *sink)
{
	if (now != NULL && old == NULL) {
		char *name _cleanup_free_ = str_dup(now->name);

		add_pending(cache, name, sink);
	}
}

/* Immediate claims wait for the first node as well. */
static void keys_of_node(const struct cache *cache, struct object *old, struct object *now,
			 struct key_sink *sink)
{
	if (now != NULL && old == NULL) {
		cache_for_each (claim, cache, &kind_persistent_volume_claim, STR_NONE) {
			if (is_pending(claim)) {
				key_sink_add_name(sink, claim->space, claim->name);
			}
		}
	}
}

static void add_deleting(void *userdata, struct object *pod, const char *name)
{
	key_sink_add_name(userdata, pod->space, str_from(name));
}

/* A pod that is through with its claims. */
static void keys_of_pod(const struct cache *cache, struct object *old, struct object *now,
			struct key_sink *sink)
{
	if (old != NULL && (now == NULL || (pod_is_finished(now) && !pod_is_finished(old)))) {
		claim_names(old, add_deleting, sink);
	}
}

const struct controller controller_persistent_claims = {
	.name = "persistentvolume-controller",
	.sources = {
		{ .kind = &kind_persistent_volume_claim, .keys = source_self },
		{ .kind = &kind_persistent_volume, .keys = keys_of_volume },
		{ .kind = &kind_storage_class, .keys = keys_of_class },
		{ .kind = &kind_node, .keys = keys_of_node },
		{ .kind = &kind_pod, .keys = keys_of_pod },
	},
	.reconcile = reconcile,
	.prepare = claim_prepare,
};
