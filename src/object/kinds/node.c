/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/kinds.h"
#include "object/kinds/types.h"

static const struct field taint_fields[] = {
	ROW(STRING, "key", 1, "", .flags = FIELD_REQUIRED, .format = FORMAT_QUALIFIED_NAME),
	ROW(STRING, "value", 2, ""),
	ROW(STRING, "effect", 3, "", .flags = FIELD_REQUIRED,
	    .one_of = "NoExecute|NoSchedule|PreferNoSchedule"),
	ROW(TIME, "timeAdded", 4, "", .flags = FIELD_POINTER),
};

static const struct type type_taint = {
	.name = "io.k8s.api.core.v1.Taint",
	.doc = "",
	SCHEMA_TABLE(taint_fields),
};

static const struct field config_map_node_config_source_fields[] = {
	ROW(STRING, "namespace", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "name", 2, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "uid", 3, ""),
	ROW(STRING, "resourceVersion", 4, ""),
	ROW(STRING, "kubeletConfigKey", 5, "", .flags = FIELD_EXPECTED),
};

static const struct type type_config_map_node_config_source = {
	.name = "io.k8s.api.core.v1.ConfigMapNodeConfigSource",
	.doc = "",
	SCHEMA_TABLE(config_map_node_config_source_fields),
};

static const struct field node_config_source_fields[] = {
	ROW(MESSAGE, "configMap", 2, "", .message = &type_config_map_node_config_source,
	    .flags = FIELD_POINTER),
};

const struct type type_node_config_source = {
	.name = "io.k8s.api.core.v1.NodeConfigSource",
	.doc = "",
	SCHEMA_TABLE(node_config_source_fields),
};

static const struct field node_spec_fields[] = {
	ROW(STRING, "podCIDR", 1, ""),
	ROW(STRING, "podCIDRs", 7, "", .shape = FIELD_LIST,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_SET, .format = FORMAT_CIDR),
	ROW(STRING, "providerID", 3, ""),
	ROW(BOOL, "unschedulable", 4, ""),
	ROW(MESSAGE, "taints", 5, "", .shape = FIELD_LIST, .message = &type_taint,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "configSource", 6, "", .message = &type_node_config_source,
	    .flags = FIELD_POINTER),
	ROW(STRING, "externalID", 2, ""),
};

static const struct type type_node_spec = {
	.name = "io.k8s.api.core.v1.NodeSpec",
	.doc = "",
	SCHEMA_TABLE(node_spec_fields),
};

static const struct field node_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "", .message = &type_node_spec),
	ROW(MESSAGE, "status", 3, "", .message = &type_node_status),
};

static const struct type type_node = {
	.name = "io.k8s.api.core.v1.Node",
	.doc = "",
	SCHEMA_TABLE(node_fields),
};

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
};
