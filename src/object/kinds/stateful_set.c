/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/kinds.h"
#include "object/kinds/types.h"

static const struct field rolling_update_stateful_set_strategy_fields[] = {
	ROW(INT32, "partition", 1, "", .flags = FIELD_POINTER, .format = FORMAT_NON_NEGATIVE),
	ROW(INT_OR_STRING, "maxUnavailable", 2, "", .flags = FIELD_POINTER,
	    .format = FORMAT_PERCENT_OR_INT),
};

static const struct type type_rolling_update_stateful_set_strategy = {
	.name = "io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy",
	.doc = "",
	SCHEMA_TABLE(rolling_update_stateful_set_strategy_fields),
};

static const struct field stateful_set_update_strategy_fields[] = {
	ROW(STRING, "type", 1, ""),
	ROW(MESSAGE, "rollingUpdate", 2, "", .message = &type_rolling_update_stateful_set_strategy,
	    .flags = FIELD_POINTER),
};

static const struct type type_stateful_set_update_strategy = {
	.name = "io.k8s.api.apps.v1.StatefulSetUpdateStrategy",
	.doc = "",
	SCHEMA_TABLE(stateful_set_update_strategy_fields),
};

static const struct field stateful_set_persistent_volume_claim_retention_policy_fields[] = {
	ROW(STRING, "whenDeleted", 1, "", .default_json = "\"Retain\"", .one_of = "Delete|Retain"),
	ROW(STRING, "whenScaled", 2, "", .default_json = "\"Retain\"", .one_of = "Delete|Retain"),
};

static const struct type type_stateful_set_persistent_volume_claim_retention_policy = {
	.name = "io.k8s.api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy",
	.doc = "",
	SCHEMA_TABLE(stateful_set_persistent_volume_claim_retention_policy_fields),
};

static const struct field stateful_set_ordinals_fields[] = {
	ROW(INT32, "start", 1, "", .format = FORMAT_NON_NEGATIVE),
};

static const struct type type_stateful_set_ordinals = {
	.name = "io.k8s.api.apps.v1.StatefulSetOrdinals",
	.doc = "",
	SCHEMA_TABLE(stateful_set_ordinals_fields),
};

static const struct field stateful_set_spec_fields[] = {
	ROW(INT32, "replicas", 1, "", .flags = FIELD_POINTER, .default_json = "1",
	    .format = FORMAT_NON_NEGATIVE),
	ROW(MESSAGE, "selector", 2, "", .message = &type_label_selector,
	    .flags = FIELD_REQUIRED | FIELD_POINTER),
	ROW(MESSAGE, "template", 3, "", .message = &type_pod_template_spec,
	    .flags = FIELD_REQUIRED),
	ROW(MESSAGE, "volumeClaimTemplates", 4, "", .shape = FIELD_LIST,
	    .message = &type_persistent_volume_claim, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "serviceName", 5, "", .format = FORMAT_DNS_LABEL_1035),
	ROW(STRING, "podManagementPolicy", 6, "", .default_json = "\"OrderedReady\"",
	    .one_of = "OrderedReady|Parallel"),
	ROW(MESSAGE, "updateStrategy", 7, "", .message = &type_stateful_set_update_strategy),
	ROW(INT32, "revisionHistoryLimit", 8, "", .flags = FIELD_POINTER, .default_json = "10",
	    .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "minReadySeconds", 9, "", .format = FORMAT_NON_NEGATIVE),
	ROW(MESSAGE, "persistentVolumeClaimRetentionPolicy", 10, "",
	    .message = &type_stateful_set_persistent_volume_claim_retention_policy,
	    .flags = FIELD_POINTER,
	    .default_json = "{\"whenDeleted\":\"Retain\",\"whenScaled\":\"Retain\"}"),
	ROW(MESSAGE, "ordinals", 11, "", .message = &type_stateful_set_ordinals,
	    .flags = FIELD_POINTER),
};

static const struct type type_stateful_set_spec = {
	.name = "io.k8s.api.apps.v1.StatefulSetSpec",
	.doc = "",
	SCHEMA_TABLE(stateful_set_spec_fields),
};

static const struct field stateful_set_condition_fields[] = {
	ROW(STRING, "type", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "status", 2, "", .flags = FIELD_EXPECTED),
	ROW(TIME, "lastTransitionTime", 3, ""),
	ROW(STRING, "reason", 4, ""),
	ROW(STRING, "message", 5, ""),
};

static const struct type type_stateful_set_condition = {
	.name = "io.k8s.api.apps.v1.StatefulSetCondition",
	.doc = "",
	SCHEMA_TABLE(stateful_set_condition_fields),
};

static const struct field stateful_set_status_fields[] = {
	ROW(INT64, "observedGeneration", 1, ""),
	ROW(INT32, "replicas", 2, "", .flags = FIELD_EXPECTED, .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "readyReplicas", 3, ""),
	ROW(INT32, "currentReplicas", 4, ""),
	ROW(INT32, "updatedReplicas", 5, ""),
	ROW(STRING, "currentRevision", 6, ""),
	ROW(STRING, "updateRevision", 7, ""),
	ROW(INT32, "collisionCount", 9, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "conditions", 10, "", .shape = FIELD_LIST,
	    .message = &type_stateful_set_condition, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "type", .list_keys = "type"),
	ROW(INT32, "availableReplicas", 11, ""),
};

static const struct type type_stateful_set_status = {
	.name = "io.k8s.api.apps.v1.StatefulSetStatus",
	.doc = "",
	SCHEMA_TABLE(stateful_set_status_fields),
};

static const struct field stateful_set_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "", .message = &type_stateful_set_spec),
	ROW(MESSAGE, "status", 3, "", .message = &type_stateful_set_status),
};

static const struct type type_stateful_set = {
	.name = "io.k8s.api.apps.v1.StatefulSet",
	.doc = "",
	SCHEMA_TABLE(stateful_set_fields),
};

const struct kind kind_stateful_set = {
	.group = "apps",
	.version = "v1",
	.kind = "StatefulSet",
	.plural = "statefulsets",
	.singular = "statefulset",
	.short_names = "sts",
	.categories = "all",
	.type = &type_stateful_set,
	.flags = KIND_NAMESPACED | KIND_STATUS | KIND_SCALE | KIND_GENERATION |
		 KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_LABEL,
	.scale_replicas_path = "spec.replicas",
	.scale_status_replicas_path = "status.replicas",
	.scale_selector_path = "spec.selector",
};
