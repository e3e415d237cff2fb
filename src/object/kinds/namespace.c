/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/kinds.h"
#include "object/kinds/types.h"

static const struct field namespace_spec_fields[] = {
	ROW(STRING, "finalizers", 1, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_namespace_spec = {
	.name = "io.k8s.api.core.v1.NamespaceSpec",
	.doc = "",
	SCHEMA_TABLE(namespace_spec_fields),
};

static const struct field namespace_condition_fields[] = {
	ROW(STRING, "type", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "status", 2, "", .flags = FIELD_EXPECTED),
	ROW(TIME, "lastTransitionTime", 4, ""),
	ROW(STRING, "reason", 5, ""),
	ROW(STRING, "message", 6, ""),
};

static const struct type type_namespace_condition = {
	.name = "io.k8s.api.core.v1.NamespaceCondition",
	.doc = "",
	SCHEMA_TABLE(namespace_condition_fields),
};

static const struct field namespace_status_fields[] = {
	ROW(STRING, "phase", 1, "", .default_json = "\"Active\""),
	ROW(MESSAGE, "conditions", 2, "", .shape = FIELD_LIST, .message = &type_namespace_condition,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "type", .list_keys = "type"),
};

static const struct type type_namespace_status = {
	.name = "io.k8s.api.core.v1.NamespaceStatus",
	.doc = "",
	SCHEMA_TABLE(namespace_status_fields),
};

static const struct field namespace_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "", .message = &type_namespace_spec),
	ROW(MESSAGE, "status", 3, "", .message = &type_namespace_status,
	    .default_json = "{\"phase\":\"Active\"}"),
};

static const struct type type_namespace = {
	.name = "io.k8s.api.core.v1.Namespace",
	.doc = "",
	SCHEMA_TABLE(namespace_fields),
};

const struct kind kind_namespace = {
	.group = "",
	.version = "v1",
	.kind = "Namespace",
	.plural = "namespaces",
	.singular = "namespace",
	.short_names = "ns",
	.type = &type_namespace,
	.flags = KIND_STATUS | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_LABEL,
};
