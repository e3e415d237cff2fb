/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/kinds.h"
#include "object/kinds/types.h"

static const struct field pod_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "", .message = &type_pod_spec),
	ROW(MESSAGE, "status", 3, "", .message = &type_pod_status),
};

static const struct type type_pod = {
	.name = "io.k8s.api.core.v1.Pod",
	.doc = "",
	SCHEMA_TABLE(pod_fields),
};

static const struct field pod_template_spec_fields[] = {
	ROW(MESSAGE, "metadata", 1, "", .message = &type_object_meta),
	ROW(MESSAGE, "spec", 2, "", .message = &type_pod_spec),
};

const struct type type_pod_template_spec = {
	.name = "io.k8s.api.core.v1.PodTemplateSpec",
	.doc = "",
	SCHEMA_TABLE(pod_template_spec_fields),
};

const struct kind kind_pod = {
	.group = "",
	.version = "v1",
	.kind = "Pod",
	.plural = "pods",
	.singular = "pod",
	.short_names = "po",
	.categories = "all",
	.type = &type_pod,
	.flags = KIND_NAMESPACED | KIND_STATUS | KIND_GENERATION | KIND_GRACEFUL |
		 KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
};
