/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The downward API: fields of the pod and amounts of its containers as text, for variables and
 * files.
 * https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/cache.h"
#include "node/pod_config_intern.h"
#include "object/kinds.h"
#include "object/quantity.h"
#include "json/json.h"

/* ---- fields ---- */

/* As Go's %q: what has no sign of its own is escaped; UTF-8 stays. */
static void append_quoted(const char *text, struct buffer *out)
{
	static const char plain[] = "abfnrtv";
	static const char codes[] = "\a\b\f\n\r\t\v";

	buffer_append_char(out, '"');
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		const char *code = strchr(codes, *c);

		if (*c == '"' || *c == '\\') {
			buffer_printf(out, "\\%c", *c);
		} else if (code != NULL) {
			/* codes[] and plain[] go in step, but \a stands before \b in both. */
			buffer_printf(out, "\\%c", plain[code - codes]);
		} else if (*c < 0x20 || *c == 0x7f) {
			buffer_printf(out, "\\x%02x", *c);
		} else {
			buffer_append_char(out, (char)*c);
		}
	}
	buffer_append_char(out, '"');
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All of a map: lines KEY="VALUE", in the order of the keys, without a last line break. */
static void append_map(const json_t *map, struct buffer *out)
{
	const char **keys = mem_alloc_array(json_object_size(map) + 1, sizeof(*keys));
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach ((json_t *)map, key, value) {
		keys[n++] = key;
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < n; i++) {
		buffer_printf(out, "%s%s=", i == 0 ? "" : "\n", keys[i]);
		append_quoted(json_string_value(json_object_get(map, keys[i])), out);
	}
	mem_free(keys);
}

/* metadata.labels['KEY']: false when `path` is no such form. A missing key is the empty text. */
static bool append_subscript(const json_t *tree, struct str path, struct buffer *out)
{
	static const char *const maps[] = { "labels", "annotations" };

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		char *prefix _cleanup_free_ = mem_printf("metadata.%s['", maps[i]);
		struct str start = str_from(prefix);

		if (str_starts(path, start) && str_ends(path, STR("']")) && path.n >= start.n + 2) {
			struct str key = { .p = path.p + start.n, .n = path.n - start.n - 2 };
			const json_t *map =
				json_object_get(json_object_get(tree, "metadata"), maps[i]);
			const char *value = json_string_value(json_get(map, key));

			buffer_append_text(out, value != NULL ? value : "");
			return true;
		}
	}
	return false;
}

static void append_list(const char *const *texts, bool all, struct buffer *out)
{
	for (size_t i = 0; texts != NULL && texts[i] != NULL && (all || i == 0); i++) {
		buffer_printf(out, "%s%s", i == 0 ? "" : ",", texts[i]);
	}
}

bool pod_field(const struct pod_inputs *inputs, const char *path, struct buffer *out)
{
	static const char *const plain[] = { "metadata.name", "metadata.namespace", "metadata.uid",
					     "spec.nodeName", "spec.serviceAccountName" };
	const json_t *tree = object_tree(inputs->pod);
	bool host = json_bool_at(tree, "spec.hostNetwork", false);
	const char *const *ips = host ? inputs->node->node_ips : inputs->pod_ips;

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		if (strcmp(path, plain[i]) == 0) {
			buffer_append_text(out, json_string_at(tree, path));
			return true;
		}
	}
	if (strcmp(path, "status.hostIP") == 0 || strcmp(path, "status.hostIPs") == 0) {
		append_list(inputs->node->node_ips, path[strlen(path) - 1] == 's', out);
		return true;
	}
	if (strcmp(path, "status.podIP") == 0 || strcmp(path, "status.podIPs") == 0) {
		append_list(ips, path[strlen(path) - 1] == 's', out);
		return true;
	}
	if (strcmp(path, "metadata.labels") == 0 || strcmp(path, "metadata.annotations") == 0) {
		append_map(json_at(tree, path), out);
		return true;
	}
	return append_subscript(tree, str_from(path), out);
}

/* ---- amounts ---- */

const json_t *pod_container_find(const json_t *spec, const char *name)
{
	static const char *const lists[] = { "containers", "initContainers",
					     "ephemeralContainers" };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const json_t *container;
		size_t j;

		json_array_foreach (json_object_get(spec, lists[i]), j, container) {
			if (strcmp(json_string_at(container, "name"), name) == 0) {
				return container;
			}
		}
	}
	return NULL;
}

/* What the node has for pods, for a limit that the container has not. */
static const json_t *node_amount(const struct pod_inputs *inputs, const char *resource)
{
	struct object *node =
		cache_get(inputs->cache, &kind_node, STR_NONE, str_from(inputs->node->node_name));

	if (node == NULL) {
		return NULL;
	}
	const json_t *status = json_object_get(object_tree(node), "status");
	const json_t *amount = json_object_get(json_object_get(status, "allocatable"), resource);

	return amount != NULL ? amount
			      : json_object_get(json_object_get(status, "capacity"), resource);
}

bool pod_resource_field(const struct pod_inputs *inputs, const json_t *reference,
			const json_t *container, struct buffer *out)
{
	const char *name = json_string_at(reference, "containerName");
	const char *what = json_string_at(reference, "resource");
	bool limit = strncmp(what, "limits.", 7) == 0;
	const char *resource = what + (limit ? 7 : 9);

	if (name[0] != '\0') {
		const json_t *spec = json_object_get(object_tree(inputs->pod), "spec");

		container = pod_container_find(spec, name);
	}
	if (container == NULL || (!limit && strncmp(what, "requests.", 9) != 0)) {
		return false;
	}
	const json_t *amounts = json_object_get(json_object_get(container, "resources"),
						limit ? "limits" : "requests");
	const json_t *amount = json_object_get(amounts, resource);

	if (amount == NULL && limit) {
		amount = node_amount(inputs, resource);
	}
	int64_t value = quantity_milli(amount);
	int64_t divisor = quantity_milli(json_object_get(reference, "divisor"));

	if (divisor <= 0) {
		divisor = 1000;
	}
	/* Rounded up: half a core in units of one is one. */
	buffer_printf(out, "%" PRId64, value / divisor + (value % divisor > 0));
	return true;
}
