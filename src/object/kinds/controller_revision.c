/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/kinds.h"
#include "object/kinds/types.h"

static const struct field controller_revision_fields[] = {
	KIND_ROWS,
	ROW(RAW, "data", 2, ""),
	ROW(INT64, "revision", 3, "", .flags = FIELD_EXPECTED, .format = FORMAT_NON_NEGATIVE),
};

static const struct type type_controller_revision = {
	.name = "io.k8s.api.apps.v1.ControllerRevision",
	.doc = "",
	SCHEMA_TABLE(controller_revision_fields),
};

const struct kind kind_controller_revision = {
	.group = "apps",
	.version = "v1",
	.kind = "ControllerRevision",
	.plural = "controllerrevisions",
	.singular = "controllerrevision",
	.type = &type_controller_revision,
	.flags = KIND_NAMESPACED | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
};
