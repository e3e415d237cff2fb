/* SPDX-License-Identifier: Apache-2.0 */
#include "control/claim.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "object/kinds.h"
#include "json/json.h"

void claim_names(struct object *pod,
		 void (*each)(void *userdata, struct object *pod, const char *name), void *userdata)
{
	const json_t *volume;
	size_t i;

	json_array_foreach (json_at(object_tree(pod), "spec.volumes"), i, volume) {
		const char *name = json_string_at(volume, "persistentVolumeClaim.claimName");
		char *own _cleanup_free_ = NULL;

		if (json_object_get(volume, "ephemeral") != NULL) {
			own = mem_printf("%.*s-%s", STR_ARG(pod->name),
					 json_string_at(volume, "name"));
			name = own;
		}
		if (name[0] != '\0') {
			each(userdata, pod, name);
		}
	}
}

bool claim_is_strange(struct object *pod, struct object *claim)
{
	const json_t *volume;
	size_t i;

	json_array_foreach (json_at(object_tree(pod), "spec.volumes"), i, volume) {
		char *name _cleanup_free_ =
			mem_printf("%.*s-%s", STR_ARG(pod->name), json_string_at(volume, "name"));

		if (json_object_get(volume, "ephemeral") != NULL && str_is(claim->name, name)) {
			return !object_is_owned_by(claim, object_uid(pod));
		}
	}
	return false;
}

static void index_one(void *userdata, struct object *pod, const char *name)
{
	char *key _cleanup_free_ = mem_printf("%.*s/%s", STR_ARG(pod->space), name);

	cache_index_key(userdata, str_from(key));
}

static void index_pod(struct object *pod, struct cache_index_keys *keys)
{
	claim_names(pod, index_one, keys);
}

void claim_prepare(struct cache *cache)
{
	cache_index(cache, &kind_pod, CLAIM_PODS, index_pod);
}

struct object *claim_volume(const struct cache *cache, struct object *claim)
{
	const json_t *tree = object_tree(claim);
	struct object *volume = cache_get(cache, &kind_persistent_volume, STR_NONE,
					  str_from(json_string_at(tree, "spec.volumeName")));

	if (volume == NULL || strcmp(json_string_at(tree, "status.phase"), "Bound") != 0) {
		return NULL;
	}
	return volume;
}

bool claim_waits_for_pod(const struct cache *cache, struct object *claim)
{
	const char *name = json_string_at(object_tree(claim), "spec.storageClassName");
	struct object *class = cache_get(cache, &kind_storage_class, STR_NONE, str_from(name));

	return class != NULL && strcmp(json_string_at(object_tree(class), "volumeBindingMode"),
				       "WaitForFirstConsumer") == 0;
}

bool volume_is_reachable(struct object *volume, struct object *node)
{
	return node_matches(node, json_at(object_tree(volume), "spec.nodeAffinity.required"));
}
