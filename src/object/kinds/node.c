/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "object/field_errors.h"
#include "object/kinds/cells.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A node: a machine that runs pods. Its status (node_status.c) is written by its agent.
 */

static const struct field taint_fields[] = {
	ROW(STRING, "key", 1, "Key of the taint.", .flags = FIELD_REQUIRED,
	    .format = FORMAT_QUALIFIED_NAME),
	ROW(STRING, "value", 2, "Value of the taint."),
	ROW(STRING, "effect", 3, "NoSchedule, PreferNoSchedule, or NoExecute to end pods too.",
	    .flags = FIELD_REQUIRED, .one_of = "NoExecute|NoSchedule|PreferNoSchedule"),
	ROW(TIME, "timeAdded", 4, "When a NoExecute taint was put on.", .flags = FIELD_POINTER),
};

static const struct type type_taint = {
	.name = "io.k8s.api.core.v1.Taint",
	.doc = "Something about a node that keeps pods away.",
	SCHEMA_TABLE(taint_fields),
};

static const struct field config_map_node_config_source_fields[] = {
	ROW(STRING, "namespace", 1, "Namespace of the ConfigMap.", .flags = FIELD_EXPECTED),
	ROW(STRING, "name", 2, "Name of the ConfigMap.", .flags = FIELD_EXPECTED),
	ROW(STRING, "uid", 3, "UID of the ConfigMap."),
	ROW(STRING, "resourceVersion", 4, "Revision of the ConfigMap."),
	ROW(STRING, "kubeletConfigKey", 5, "Key with the settings.", .flags = FIELD_EXPECTED),
};

static const struct type type_config_map_node_config_source = {
	.name = "io.k8s.api.core.v1.ConfigMapNodeConfigSource",
	.doc = "A ConfigMap with a node's settings; no longer used.",
	SCHEMA_TABLE(config_map_node_config_source_fields),
};

static const struct field node_config_source_fields[] = {
	ROW(MESSAGE, "configMap", 2, "ConfigMap with the settings.",
	    .message = &type_config_map_node_config_source, .flags = FIELD_POINTER),
};

const struct type type_node_config_source = {
	.name = "io.k8s.api.core.v1.NodeConfigSource",
	.doc = "Where a node's settings come from; no longer used.",
	SCHEMA_TABLE(node_config_source_fields),
};

static const struct field node_spec_fields[] = {
	ROW(STRING, "podCIDR", 1, "Addresses for the node's pods; the first of podCIDRs."),
	ROW(STRING, "podCIDRs", 7, "Addresses for the node's pods, at most one range a family.",
	    .shape = FIELD_LIST, .flags = FIELD_PATCH_MERGE | FIELD_LIST_SET,
	    .format = FORMAT_CIDR),
	ROW(STRING, "providerID", 3, "ID of the machine with its cloud provider."),
	ROW(BOOL, "unschedulable", 4, "Keeps new pods away, as kubectl cordon does."),
	ROW(MESSAGE, "taints", 5, "What keeps pods away that do not tolerate it.",
	    .shape = FIELD_LIST, .message = &type_taint, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "configSource", 6, "Where settings come from; no longer used.",
	    .message = &type_node_config_source, .flags = FIELD_POINTER),
	ROW(STRING, "externalID", 2, "No longer used."),
};

static const struct type type_node_spec = {
	.name = "io.k8s.api.core.v1.NodeSpec",
	.doc = "What holds for a node.",
	SCHEMA_TABLE(node_spec_fields),
};

static const struct field node_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "What holds for it.", .message = &type_node_spec),
	ROW(MESSAGE, "status", 3, "What its agent reports.", .message = &type_node_status),
};

static const struct type type_node = {
	.name = "io.k8s.api.core.v1.Node",
	.doc = "A machine that runs pods.",
	SCHEMA_TABLE(node_fields),
};

static const char *ready_status(const json_t *node)
{
	size_t i;
	json_t *condition;

	json_array_foreach (json_at(node, "status.conditions"), i, condition) {
		if (strcmp(json_string_at(condition, "type"), "Ready") == 0) {
			return strcmp(json_string_at(condition, "status"), "True") == 0
				       ? "Ready"
				       : "NotReady";
		}
	}
	return "Unknown";
}

static json_t *cell_status(const json_t *node, int64_t now)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(CELL_MAX);

	cell_append_item(&text, ready_status(node));
	if (json_bool_at(node, "spec.unschedulable", false)) {
		cell_append_item(&text, "SchedulingDisabled");
	}
	return cell_of(&text, "");
}

static int compare_roles(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Roles are labels: node-role.kubernetes.io/ROLE (any value), or kubernetes.io/role=ROLE. */
static json_t *cell_roles(const json_t *node, int64_t now)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(CELL_MAX);
	json_t *labels = json_at(node, "metadata.labels");
	const char **roles = mem_alloc_array(json_object_size(labels) + 1, sizeof(*roles));
	const struct str prefix = STR("node-role.kubernetes.io/");
	size_t n = 0;
	const char *key;
	json_t *value;

	json_object_foreach (labels, key, value) {
		const char *role = json_string_value(value);

		if (str_starts(str_from(key), prefix) && key[prefix.n] != '\0') {
			roles[n++] = key + prefix.n;
		} else if (strcmp(key, "kubernetes.io/role") == 0 && role != NULL &&
			   role[0] != '\0') {
			roles[n++] = role;
		}
	}
	qsort(roles, n, sizeof(*roles), compare_roles);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(roles[i], roles[i - 1]) != 0) {
			cell_append_item(&text, roles[i]);
		}
	}
	mem_free(roles);
	return cell_of(&text, "<none>");
}

static json_t *cell_version(const json_t *node, int64_t now)
{
	return cell_string_at(node, "status.nodeInfo.kubeletVersion", "");
}

static json_t *address(const json_t *node, const char *type)
{
	size_t i;
	json_t *entry;

	json_array_foreach (json_at(node, "status.addresses"), i, entry) {
		if (strcmp(json_string_at(entry, "type"), type) == 0) {
			return cell_string_at(entry, "address", "<none>");
		}
	}
	return json_string("<none>");
}

static json_t *cell_internal_ip(const json_t *node, int64_t now)
{
	return address(node, "InternalIP");
}

static json_t *cell_external_ip(const json_t *node, int64_t now)
{
	return address(node, "ExternalIP");
}

static json_t *cell_os_image(const json_t *node, int64_t now)
{
	return cell_string_at(node, "status.nodeInfo.osImage", "<unknown>");
}

static json_t *cell_kernel(const json_t *node, int64_t now)
{
	return cell_string_at(node, "status.nodeInfo.kernelVersion", "<unknown>");
}

static json_t *cell_runtime(const json_t *node, int64_t now)
{
	return cell_string_at(node, "status.nodeInfo.containerRuntimeVersion", "<unknown>");
}

static const struct column node_columns[] = {
	COLUMN_NAME,
	COLUMN("Status", "string", cell_status, "Whether the node runs pods, and takes new ones."),
	COLUMN("Roles", "string", cell_roles, "What its labels say it is for."),
	COLUMN_AGE,
	COLUMN("Version", "string", cell_version, "Version that its agent reports."),
	COLUMN("Internal-IP", "string", cell_internal_ip, "Address inside the cluster.",
	       .priority = 1),
	COLUMN("External-IP", "string", cell_external_ip, "Address for the outside.",
	       .priority = 1),
	COLUMN("OS-Image", "string", cell_os_image, "Operating system it reports.", .priority = 1),
	COLUMN("Kernel-Version", "string", cell_kernel, "Kernel it reports.", .priority = 1),
	COLUMN("Container-Runtime", "string", cell_runtime, "Runtime it reports.", .priority = 1),
};

static void select_unschedulable(const json_t *node, struct buffer *out)
{
	bool value = json_bool_at(node, "spec.unschedulable", false);

	buffer_append_text(out, value ? "true" : "false");
}

static const struct selectable node_selectables[] = {
	{ .name = "spec.unschedulable", .value = select_unschedulable },
};

static void check_taints(const json_t *node, struct field_errors *errors)
{
	_cleanup_json_ json_t *seen = json_object();
	size_t i;
	json_t *taint;

	json_array_foreach (json_at(node, "spec.taints"), i, taint) {
		_cleanup_free_ char *pair = mem_printf("%s:%s", json_string_at(taint, "key"),
						       json_string_at(taint, "effect"));

		if (json_object_get(seen, pair) != NULL) {
			field_errors_addf(errors, FIELD_ERROR_DUPLICATE, taint,
					  "taints must be unique by key and effect pair",
					  "metadata.taints[%zu]", i);
		}
		json_object_set_new(seen, pair, json_true());
	}
}

static void node_check(const json_t *node, struct field_errors *errors)
{
	const json_t *ranges = json_at(node, "spec.podCIDRs");
	const json_t *first = json_array_get(ranges, 0);

	check_taints(node, errors);
	if (json_array_size(ranges) > 2) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.podCIDRs", ranges,
				 "may specify no more than one CIDR for each IP family");
	}
	if (first != NULL && json_at(node, "spec.podCIDR") != NULL &&
	    !json_equal(first, json_at(node, "spec.podCIDR"))) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.podCIDRs[0]", first,
				 "must be the same as podCIDR");
	}
}

/* A node's pod ranges and provider are given once; pods and routes rely on them. */
static void node_check_update(const json_t *node, const json_t *old, struct field_errors *errors)
{
	const json_t *ranges = json_at(old, "spec.podCIDRs");
	const char *provider = json_string_at(old, "spec.providerID");

	if (json_array_size(ranges) > 0 && !json_equal(ranges, json_at(node, "spec.podCIDRs"))) {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "spec.podCIDRs", NULL,
				 "node updates may not change podCIDR except from \"\" to valid");
	}
	if (provider[0] != '\0' && strcmp(provider, json_string_at(node, "spec.providerID")) != 0) {
		field_errors_add(
			errors, FIELD_ERROR_FORBIDDEN, "spec.providerID", NULL,
			"node updates may not change providerID except from \"\" to valid");
	}
}

/* podCIDR is the first of podCIDRs; whoever gives one means both. */
static void sync_ranges(json_t *node)
{
	const char *one = json_string_at(node, "spec.podCIDR");
	const json_t *ranges = json_at(node, "spec.podCIDRs");

	if (one[0] != '\0' && json_array_size(ranges) == 0) {
		json_put(node, "spec.podCIDRs", json_pack("[s]", one));
	} else if (one[0] == '\0' && json_array_size(ranges) > 0) {
		json_put(node, "spec.podCIDR", json_deep_copy(json_array_get(ranges, 0)));
	}
}

static void node_update(json_t *node, const json_t *old)
{
	sync_ranges(node);
}

const struct kind kind_node = {
	.group = "",
	.version = "v1",
	.kind = "Node",
	.plural = "nodes",
	.singular = "node",
	.short_names = "no",
	.type = &type_node,
	.flags = KIND_STATUS | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	KIND_COLUMNS(node_columns),
	KIND_SELECTABLES(node_selectables),
	.create = sync_ranges,
	.update = node_update,
	.check = node_check,
	.check_update = node_check_update,
};
