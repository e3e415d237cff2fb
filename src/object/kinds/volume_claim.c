/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * Claims on storage: as templates of stateful sets and of ephemeral volumes.
 */

static const struct field volume_resource_requirements_fields[] = {
	ROW(QUANTITY, "limits", 1, "", .shape = FIELD_MAP),
	ROW(QUANTITY, "requests", 2, "", .shape = FIELD_MAP),
};

static const struct type type_volume_resource_requirements = {
	.name = "io.k8s.api.core.v1.VolumeResourceRequirements",
	.doc = "",
	SCHEMA_TABLE(volume_resource_requirements_fields),
};

static const struct field persistent_volume_claim_spec_fields[] = {
	ROW(STRING, "accessModes", 1, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC,
	    .one_of = "ReadOnlyMany|ReadWriteMany|ReadWriteOnce|ReadWriteOncePod"),
	ROW(MESSAGE, "selector", 4, "", .message = &type_label_selector, .flags = FIELD_POINTER),
	ROW(MESSAGE, "resources", 2, "", .message = &type_volume_resource_requirements),
	ROW(STRING, "volumeName", 3, ""),
	ROW(STRING, "storageClassName", 5, "", .flags = FIELD_POINTER),
	ROW(STRING, "volumeMode", 6, "", .flags = FIELD_POINTER, .default_json = "\"Filesystem\"",
	    .one_of = "Block|Filesystem"),
	ROW(MESSAGE, "dataSource", 7, "", .message = &type_typed_local_object_reference,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "dataSourceRef", 8, "", .message = &type_typed_object_reference,
	    .flags = FIELD_POINTER),
	ROW(STRING, "volumeAttributesClassName", 9, "", .flags = FIELD_POINTER),
};

const struct type type_persistent_volume_claim_spec = {
	.name = "io.k8s.api.core.v1.PersistentVolumeClaimSpec",
	.doc = "",
	SCHEMA_TABLE(persistent_volume_claim_spec_fields),
};

static const struct field persistent_volume_claim_condition_fields[] = {
	ROW(STRING, "type", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "status", 2, "", .flags = FIELD_EXPECTED),
	ROW(TIME, "lastProbeTime", 3, ""),
	ROW(TIME, "lastTransitionTime", 4, ""),
	ROW(STRING, "reason", 5, ""),
	ROW(STRING, "message", 6, ""),
};

static const struct type type_persistent_volume_claim_condition = {
	.name = "io.k8s.api.core.v1.PersistentVolumeClaimCondition",
	.doc = "",
	SCHEMA_TABLE(persistent_volume_claim_condition_fields),
};

static const struct field modify_volume_status_fields[] = {
	ROW(STRING, "targetVolumeAttributesClassName", 1, ""),
	ROW(STRING, "status", 2, "", .flags = FIELD_EXPECTED),
};

static const struct type type_modify_volume_status = {
	.name = "io.k8s.api.core.v1.ModifyVolumeStatus",
	.doc = "",
	SCHEMA_TABLE(modify_volume_status_fields),
};

static const struct field persistent_volume_claim_status_fields[] = {
	ROW(STRING, "phase", 1, "", .default_json = "\"Pending\""),
	ROW(STRING, "accessModes", 2, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(QUANTITY, "capacity", 3, "", .shape = FIELD_MAP),
	ROW(MESSAGE, "conditions", 4, "", .shape = FIELD_LIST,
	    .message = &type_persistent_volume_claim_condition,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "type", .list_keys = "type"),
	ROW(QUANTITY, "allocatedResources", 5, "", .shape = FIELD_MAP),
	ROW(STRING, "allocatedResourceStatuses", 7, "", .shape = FIELD_MAP),
	ROW(STRING, "currentVolumeAttributesClassName", 8, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "modifyVolumeStatus", 9, "", .message = &type_modify_volume_status,
	    .flags = FIELD_POINTER),
};

static const struct type type_persistent_volume_claim_status = {
	.name = "io.k8s.api.core.v1.PersistentVolumeClaimStatus",
	.doc = "",
	SCHEMA_TABLE(persistent_volume_claim_status_fields),
};

static const struct field persistent_volume_claim_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "", .message = &type_persistent_volume_claim_spec),
	ROW(MESSAGE, "status", 3, "", .message = &type_persistent_volume_claim_status,
	    .default_json = "{\"phase\":\"Pending\"}"),
};

const struct type type_persistent_volume_claim = {
	.name = "io.k8s.api.core.v1.PersistentVolumeClaim",
	.doc = "",
	SCHEMA_TABLE(persistent_volume_claim_fields),
};
