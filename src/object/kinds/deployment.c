/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/kinds.h"
#include "object/kinds/types.h"

static const struct field rolling_update_deployment_fields[] = {
	ROW(INT_OR_STRING, "maxUnavailable", 1, "", .flags = FIELD_POINTER,
	    .format = FORMAT_PERCENT_OR_INT),
	ROW(INT_OR_STRING, "maxSurge", 2, "", .flags = FIELD_POINTER,
	    .format = FORMAT_PERCENT_OR_INT),
};

static const struct type type_rolling_update_deployment = {
	.name = "io.k8s.api.apps.v1.RollingUpdateDeployment",
	.doc = "",
	SCHEMA_TABLE(rolling_update_deployment_fields),
};

static const struct field deployment_strategy_fields[] = {
	ROW(STRING, "type", 1, "", .one_of = "Recreate|RollingUpdate"),
	ROW(MESSAGE, "rollingUpdate", 2, "", .message = &type_rolling_update_deployment,
	    .flags = FIELD_POINTER),
};

static const struct type type_deployment_strategy = {
	.name = "io.k8s.api.apps.v1.DeploymentStrategy",
	.doc = "",
	SCHEMA_TABLE(deployment_strategy_fields),
};

static const struct field deployment_spec_fields[] = {
	ROW(INT32, "replicas", 1, "", .flags = FIELD_POINTER, .default_json = "1",
	    .format = FORMAT_NON_NEGATIVE),
	ROW(MESSAGE, "selector", 2, "", .message = &type_label_selector,
	    .flags = FIELD_REQUIRED | FIELD_POINTER),
	ROW(MESSAGE, "template", 3, "", .message = &type_pod_template_spec,
	    .flags = FIELD_REQUIRED),
	ROW(MESSAGE, "strategy", 4, "", .message = &type_deployment_strategy,
	    .flags = FIELD_PATCH_RETAIN_KEYS),
	ROW(INT32, "minReadySeconds", 5, "", .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "revisionHistoryLimit", 6, "", .flags = FIELD_POINTER, .default_json = "10",
	    .format = FORMAT_NON_NEGATIVE),
	ROW(BOOL, "paused", 7, ""),
	ROW(INT32, "progressDeadlineSeconds", 9, "", .flags = FIELD_POINTER, .default_json = "600",
	    .format = FORMAT_NON_NEGATIVE),
};

static const struct type type_deployment_spec = {
	.name = "io.k8s.api.apps.v1.DeploymentSpec",
	.doc = "",
	SCHEMA_TABLE(deployment_spec_fields),
};

static const struct field deployment_condition_fields[] = {
	ROW(STRING, "type", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "status", 2, "", .flags = FIELD_EXPECTED),
	ROW(TIME, "lastUpdateTime", 6, ""),
	ROW(TIME, "lastTransitionTime", 7, ""),
	ROW(STRING, "reason", 4, ""),
	ROW(STRING, "message", 5, ""),
};

static const struct type type_deployment_condition = {
	.name = "io.k8s.api.apps.v1.DeploymentCondition",
	.doc = "",
	SCHEMA_TABLE(deployment_condition_fields),
};

static const struct field deployment_status_fields[] = {
	ROW(INT64, "observedGeneration", 1, ""),
	ROW(INT32, "replicas", 2, "", .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "updatedReplicas", 3, ""),
	ROW(INT32, "readyReplicas", 7, ""),
	ROW(INT32, "availableReplicas", 4, ""),
	ROW(INT32, "unavailableReplicas", 5, ""),
	ROW(INT32, "terminatingReplicas", 9, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "conditions", 6, "", .shape = FIELD_LIST,
	    .message = &type_deployment_condition, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "type", .list_keys = "type"),
	ROW(INT32, "collisionCount", 8, "", .flags = FIELD_POINTER),
};

static const struct type type_deployment_status = {
	.name = "io.k8s.api.apps.v1.DeploymentStatus",
	.doc = "",
	SCHEMA_TABLE(deployment_status_fields),
};

static const struct field deployment_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "", .message = &type_deployment_spec),
	ROW(MESSAGE, "status", 3, "", .message = &type_deployment_status),
};

static const struct type type_deployment = {
	.name = "io.k8s.api.apps.v1.Deployment",
	.doc = "",
	SCHEMA_TABLE(deployment_fields),
};

const struct kind kind_deployment = {
	.group = "apps",
	.version = "v1",
	.kind = "Deployment",
	.plural = "deployments",
	.singular = "deployment",
	.short_names = "deploy",
	.categories = "all",
	.type = &type_deployment,
	.flags = KIND_NAMESPACED | KIND_STATUS | KIND_SCALE | KIND_GENERATION |
		 KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	.scale_replicas_path = "spec.replicas",
	.scale_status_replicas_path = "status.replicas",
	.scale_selector_path = "spec.selector",
};
