/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a local PersistentVolume of this node: its directory goes, then the finalizer that
 * held the object. What is removed is named by an object that anybody may write who may write to
 * the API, so it is looked at first: ours by its annotation, on this node alone, and a directory
 * with the volume's own name, which begins with "pvc-".
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "client/cache.h"
#include "client/client.h"
#include "loop/loop.h"
#include "node/volumes_intern.h"
#include "object/kinds.h"
#include "object/well_known.h"
#include "json/json.h"

/* A request under way; what comes of it is seen in the cache. */
struct reclaim {
	struct list link;
	char *name;
};

static bool lists(const json_t *array, const char *text)
{
	const json_t *one;
	size_t i;

	json_array_foreach (array, i, one) {
		if (strcmp(json_string_value(one), text) == 0) {
			return true;
		}
	}
	return false;
}

/* As the provisioner writes it: one term, one expression, this node alone. */
static bool is_here(const struct volumes *volumes, const json_t *spec)
{
	struct object *node =
		cache_get(volumes->cache, &kind_node, STR_NONE, str_from(volumes->node->node_name));
	const json_t *terms = json_at(spec, "nodeAffinity.required.nodeSelectorTerms");
	const json_t *term = json_array_get(terms, 0);
	const json_t *labels = node != NULL ? json_at(object_tree(node), "metadata.labels") : NULL;
	const char *host = json_string_value(json_object_get(labels, "kubernetes.io/hostname"));
	const json_t *label = json_array_get(json_object_get(term, "matchExpressions"), 0);
	const json_t *field = json_array_get(json_object_get(term, "matchFields"), 0);
	const char *wanted = label != NULL ? host : volumes->node->node_name;
	const json_t *one = label != NULL ? label : field;
	const json_t *values = json_object_get(one, "values");

	return json_array_size(terms) == 1 && wanted != NULL && json_array_size(values) == 1 &&
	       strcmp(json_string_at(one, "operator"), "In") == 0 && lists(values, wanted);
}

static bool is_ours(const struct volumes *volumes, struct object *volume)
{
	const json_t *tree = object_tree(volume);
	const char *path = json_string_at(tree, "spec.hostPath.path");
	const char *slash = strrchr(path, '/');

	return object_is_deleting(volume) &&
	       lists(json_at(tree, "metadata.finalizers"), FINALIZER_LOCAL_PATH) &&
	       strcmp(object_annotation(volume, ANNOTATION_PROVISIONED_BY),
		      PROVISIONER_LOCAL_PATH) == 0 &&
	       is_here(volumes, json_object_get(tree, "spec")) && path[0] == '/' &&
	       strstr(path, "..") == NULL && str_is(volume->name, slash + 1) &&
	       str_starts(volume->name, STR("pvc-"));
}

/* Some pod of this node may still be ending: its claim is protected until then, and so is this. */
static void answered(void *userdata, const struct client_response *response)
{
	struct reclaim *reclaim = userdata;

	if (response->code == 0 || response->code >= 500) {
		log_warning("node", "volume %s: its directory is gone, its finalizer not yet: %s",
			    reclaim->name, response->message != NULL ? response->message : "");
	}
	list_unlink(&reclaim->link);
	mem_free(reclaim->name);
	mem_free(reclaim);
}

static bool is_under_way(const struct volumes *volumes, struct str name)
{
	list_for_each (reclaim, (struct list *)&volumes->reclaims, struct reclaim, link) {
		if (str_is(name, reclaim->name)) {
			return true;
		}
	}
	return false;
}

static void take_finalizer(struct volumes *volumes, struct object *volume)
{
	const json_t *finalizers = json_at(object_tree(volume), "metadata.finalizers");
	struct reclaim *reclaim = MEM_NEW(struct reclaim);
	json_t *left = json_array();
	json_t *one;
	size_t i;

	json_array_foreach (finalizers, i, one) {
		if (strcmp(json_string_value(one), FINALIZER_LOCAL_PATH) != 0) {
			json_array_append(left, one);
		}
	}
	json_t *patch _cleanup_json_ =
		json_pack("{s:{s:s, s:s, s:o}}", "metadata", "uid", object_uid(volume),
			  "resourceVersion",
			  json_string_at(object_tree(volume), "metadata.resourceVersion"),
			  "finalizers", left);

	reclaim->name = str_dup(volume->name);
	list_init(&reclaim->link);
	list_append(&volumes->reclaims, &reclaim->link);
	client_request(volumes->client,
		       &(struct client_request){
			       .verb = CLIENT_PATCH_MERGE,
			       .kind = &kind_persistent_volume,
			       .name = volume->name,
			       .body = patch,
		       },
		       answered, reclaim);
}

static void changed(void *userdata, struct object *old, struct object *now)
{
	struct volumes *volumes = userdata;

	if (now == NULL || !is_ours(volumes, now) || is_under_way(volumes, now->name)) {
		return;
	}
	const char *path = json_string_at(object_tree(now), "spec.hostPath.path");
	int r = volume_remove_tree(path);

	if (r < 0) {
		log_warning("node", "volume %.*s: %s cannot be removed: %s", STR_ARG(now->name),
			    path, strerror(-r));
		return;
	}
	take_finalizer(volumes, now);
}

/* Once the node itself is known: whether a volume is its own is asked of its labels. */
static void synced(void *userdata)
{
	struct volumes *volumes = userdata;

	cache_subscribe(volumes->cache, &kind_persistent_volume, changed, volumes);
}

void volume_reclaim_start(struct volumes *volumes, struct cache *cache)
{
	cache_want(cache, &kind_persistent_volume);
	cache_want(cache, &kind_node);
	cache_on_synced(cache, synced, volumes);
}

void volume_reclaim_stop(struct volumes *volumes)
{
	cache_unsubscribe(volumes->cache, volumes);
	list_for_each (reclaim, &volumes->reclaims, struct reclaim, link) {
		list_unlink(&reclaim->link);
	}
}
