/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is needed of a pod, as a table of paths. A pod of a large cluster is several kilobytes of
 * volumes, environments and tolerations, which say nothing about its name.
 */
#include "base/mem.h"
#include "object/kinds.h"
#include "object/object.h"
#include "ops/explain.h"
#include "json/json.h"

static const char *const of_pod[] = {
	"apiVersion",
	"kind",
	"metadata.name",
	"metadata.namespace",
	"metadata.uid",
	"metadata.resourceVersion",
	"metadata.labels",
	"metadata.ownerReferences",
	"metadata.deletionTimestamp",
	"spec.hostname",
	"spec.subdomain",
	"spec.hostNetwork",
	"spec.nodeName",
	"spec.readinessGates",
	"status.phase",
	"status.podIP",
	"status.podIPs",
	"status.conditions",
	"status.containerStatuses",
	"status.initContainerStatuses",
};

static const char *const of_container[] = { "name", "ports", "readinessProbe" };

static void keep_paths(const json_t *from, json_t *to, const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *value = json_at(from, paths[i]);

		if (value != NULL) {
			json_put(to, paths[i], json_incref(value));
		}
	}
}

static void keep_containers(const json_t *from, json_t *to, const char *path)
{
	const json_t *containers = json_at(from, path);
	json_t *kept = json_array();
	const json_t *container;
	size_t i;

	json_array_foreach (containers, i, container) {
		json_t *part = json_object();

		keep_paths(container, part, of_container, ARRAY_SIZE(of_container));
		json_array_append_new(kept, part);
	}
	json_put(to, path, kept);
}

struct object *explain_keep_pod(struct object *pod)
{
	const json_t *tree = object_tree(pod);
	json_t *kept = json_object();
	struct object *object;

	keep_paths(tree, kept, of_pod, ARRAY_SIZE(of_pod));
	keep_containers(tree, kept, "spec.containers");
	keep_containers(tree, kept, "spec.initContainers");
	return object_new_tree(pod->kind, kept, &object) == 0 ? object : object_ref(pod);
}
