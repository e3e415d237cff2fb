/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/kinds.h"
#include "object/kinds/types.h"

static const struct field config_map_fields[] = {
	KIND_ROWS,
	ROW(BOOL, "immutable", 4, "", .flags = FIELD_POINTER),
	ROW(STRING, "data", 2, "", .shape = FIELD_MAP),
	ROW(BYTES, "binaryData", 3, "", .shape = FIELD_MAP),
};

static const struct type type_config_map = {
	.name = "io.k8s.api.core.v1.ConfigMap",
	.doc = "",
	SCHEMA_TABLE(config_map_fields),
};

const struct kind kind_config_map = {
	.group = "",
	.version = "v1",
	.kind = "ConfigMap",
	.plural = "configmaps",
	.singular = "configmap",
	.short_names = "cm",
	.type = &type_config_map,
	.flags = KIND_NAMESPACED | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
};
