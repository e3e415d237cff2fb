/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a pod's files are on the node: as a kubelet lays them out, so that tools which look there
 * find them.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/cache.h"
#include "node/pod_config_intern.h"
#include "object/kinds.h"
#include "object/well_known.h"
#include "json/json.h"

static const struct {
	const char *key; /* of the source in the volume */
	const char *plugin; /* of the directory; NULL: not ours to make */
} sorts[] = {
	[POD_VOLUME_EMPTY] = { "emptyDir", "empty-dir" },
	[POD_VOLUME_CONFIG_MAP] = { "configMap", "configmap" },
	[POD_VOLUME_SECRET] = { "secret", "secret" },
	[POD_VOLUME_PROJECTED] = { "projected", "projected" },
	[POD_VOLUME_DOWNWARD] = { "downwardAPI", "downward-api" },
	[POD_VOLUME_HOST] = { "hostPath", NULL },
	[POD_VOLUME_CLAIM] = { "persistentVolumeClaim", NULL },
};

char *pod_directory(const struct node_config *node, const char *uid, struct arena *arena)
{
	return arena_printf(arena, "%s/pods/%s", node->data_dir, uid);
}

char *pod_hosts_path(const struct node_config *node, const char *uid, struct arena *arena)
{
	return arena_printf(arena, "%s/pods/%s/etc-hosts", node->data_dir, uid);
}

enum pod_volume_sort pod_volume_sort(const json_t *volume, const json_t **ret_source)
{
	for (size_t i = 0; i < ARRAY_SIZE(sorts); i++) {
		const json_t *source = json_object_get(volume, sorts[i].key);

		if (source != NULL) {
			*ret_source = source;
			return (enum pod_volume_sort)i;
		}
	}
	*ret_source = json_object_get(volume, "ephemeral");
	return *ret_source != NULL ? POD_VOLUME_CLAIM : POD_VOLUME_UNKNOWN;
}

bool pod_volume_is_written(enum pod_volume_sort sort)
{
	return sort == POD_VOLUME_CONFIG_MAP || sort == POD_VOLUME_SECRET ||
	       sort == POD_VOLUME_PROJECTED || sort == POD_VOLUME_DOWNWARD;
}

static const json_t *find(const json_t *volumes, const char *name)
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

/* ---- claims ---- */

/*
 * The volume of a bound claim: both have to name one another, else somebody else may have it.
 */
static struct object *volume_of_claim(const struct pod_inputs *inputs, const char *name, bool own,
				      char message[POD_CONFIG_MESSAGE])
{
	struct object *claim = cache_get(inputs->cache, &kind_persistent_volume_claim,
					 inputs->pod->space, str_from(name));

	if (claim == NULL) {
		snprintf(message, POD_CONFIG_MESSAGE, "persistentvolumeclaim \"%s\" not found",
			 name);
		return NULL;
	}
	if (own && !object_is_owned_by(claim, object_uid(inputs->pod))) {
		snprintf(message, POD_CONFIG_MESSAGE,
			 "PVC %.*s/%s was not created for pod (pod is not owner)",
			 STR_ARG(inputs->pod->space), name);
		return NULL;
	}
	const char *volume_name = json_string_at(object_tree(claim), "spec.volumeName");
	struct object *volume =
		cache_get(inputs->cache, &kind_persistent_volume, STR_NONE, str_from(volume_name));

	if (volume == NULL || strcmp(json_string_at(object_tree(claim), "status.phase"), "Bound") ||
	    strcmp(json_string_at(object_tree(volume), "spec.claimRef.uid"), object_uid(claim))) {
		snprintf(message, POD_CONFIG_MESSAGE, "PVC %.*s/%s is not bound",
			 STR_ARG(inputs->pod->space), name);
		return NULL;
	}
	return volume;
}

static enum pod_config_outcome find_claim(const struct pod_inputs *inputs, struct arena *arena,
					  struct pod_volume *volume,
					  char message[POD_CONFIG_MESSAGE])
{
	const char *name = json_string_at(volume->source, "claimName");
	bool own = name[0] == '\0';
	const char *path;

	if (own) {
		/* Of an ephemeral volume: made for this pod alone. */
		name = arena_printf(arena, "%.*s-%s", STR_ARG(inputs->pod->name), volume->name);
	}
	struct object *found = volume_of_claim(inputs, name, own, message);

	if (found == NULL) {
		return POD_CONFIG_WAIT;
	}
	const json_t *spec = json_object_get(object_tree(found), "spec");

	volume->make = strcmp(object_annotation(found, ANNOTATION_PROVISIONED_BY),
			      PROVISIONER_LOCAL_PATH) == 0;
	volume->type = arena_printf(arena, "%s", json_string_at(spec, "hostPath.type"));
	path = json_string_at(spec, "hostPath.path");
	if (path[0] == '\0') {
		path = json_string_at(spec, "local.path");
		volume->type = "Directory";
	}
	if (path[0] == '\0' || strcmp(json_string_at(spec, "volumeMode"), "Block") == 0) {
		snprintf(message, POD_CONFIG_MESSAGE,
			 "the volume of claim %s is of a sort that this node cannot mount", name);
		return POD_CONFIG_IMPOSSIBLE;
	}
	volume->path = arena_printf(arena, "%s", path);
	volume->read_only = json_bool_at(volume->source, "readOnly", false);
	return POD_CONFIG_FINE;
}

enum pod_config_outcome pod_volume_find(const struct pod_inputs *inputs, const char *name,
					struct arena *arena, struct pod_volume *ret,
					char message[POD_CONFIG_MESSAGE])
{
	const json_t *volume = find(json_at(object_tree(inputs->pod), "spec.volumes"), name);
	struct pod_volume found = { .name = arena_printf(arena, "%s", name) };
	enum pod_config_outcome outcome = POD_CONFIG_FINE;

	if (volume == NULL) {
		snprintf(message, POD_CONFIG_MESSAGE, "cannot find volume \"%s\"", name);
		return POD_CONFIG_IMPOSSIBLE;
	}
	found.sort = pod_volume_sort(volume, &found.source);
	found.read_only = pod_volume_is_written(found.sort);
	if (found.sort == POD_VOLUME_UNKNOWN) {
		snprintf(message, POD_CONFIG_MESSAGE,
			 "volume \"%s\" is of a sort that this node does not know", name);
		return POD_CONFIG_IMPOSSIBLE;
	}
	if (found.sort == POD_VOLUME_CLAIM) {
		outcome = find_claim(inputs, arena, &found, message);
	} else if (found.sort == POD_VOLUME_HOST) {
		found.path = arena_printf(arena, "%s", json_string_at(found.source, "path"));
	} else {
		found.path =
			arena_printf(arena, "%s/volumes/kubernetes.io~%s/%s",
				     pod_directory(inputs->node, object_uid(inputs->pod), arena),
				     sorts[found.sort].plugin, name);
	}
	if (outcome == POD_CONFIG_FINE) {
		*ret = found;
	}
	return outcome;
}
