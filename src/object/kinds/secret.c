/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/kinds.h"
#include "object/kinds/types.h"

static const struct field secret_fields[] = {
	KIND_ROWS,
	ROW(BOOL, "immutable", 5, "", .flags = FIELD_POINTER),
	ROW(BYTES, "data", 2, "", .shape = FIELD_MAP),
	ROW(STRING, "stringData", 4, "", .shape = FIELD_MAP),
	ROW(STRING, "type", 3, "", .default_json = "\"Opaque\""),
};

static const struct type type_secret = {
	.name = "io.k8s.api.core.v1.Secret",
	.doc = "",
	SCHEMA_TABLE(secret_fields),
};

const struct kind kind_secret = {
	.group = "",
	.version = "v1",
	.kind = "Secret",
	.plural = "secrets",
	.singular = "secret",
	.type = &type_secret,
	.flags = KIND_NAMESPACED | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
};
