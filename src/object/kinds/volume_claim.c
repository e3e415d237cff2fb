/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * Claims on storage: as templates of stateful sets and of ephemeral volumes.
 */

static const struct field volume_resource_requirements_fields[] = {
	ROW(QUANTITY, "limits", 1, "The most it may get.", .shape = FIELD_MAP),
	ROW(QUANTITY, "requests", 2, "The least it needs.", .shape = FIELD_MAP),
};

static const struct type type_volume_resource_requirements = {
	.name = "io.k8s.api.core.v1.VolumeResourceRequirements",
	.doc = "How much storage a claim needs.",
	SCHEMA_TABLE(volume_resource_requirements_fields),
};

static const struct field persistent_volume_claim_spec_fields[] = {
	ROW(STRING, "accessModes", 1, "How the volume will be mounted, and by how many.",
	    .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC,
	    .one_of = "ReadOnlyMany|ReadWriteMany|ReadWriteOnce|ReadWriteOncePod"),
	ROW(MESSAGE, "selector", 4, "Labels that the volume must have.",
	    .message = &type_label_selector, .flags = FIELD_POINTER),
	ROW(MESSAGE, "resources", 2, "How much storage is needed.",
	    .message = &type_volume_resource_requirements),
	ROW(STRING, "volumeName", 3, "Name of the volume, to ask for that one."),
	ROW(STRING, "storageClassName", 5,
	    "Class of storage; the default class when absent, none when empty.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "volumeMode", 6, "Filesystem, or Block for a raw device.",
	    .flags = FIELD_POINTER, .default_json = "\"Filesystem\"", .one_of = "Block|Filesystem"),
	ROW(MESSAGE, "dataSource", 7, "Snapshot or claim that the volume starts as a copy of.",
	    .message = &type_typed_local_object_reference, .flags = FIELD_POINTER),
	ROW(MESSAGE, "dataSourceRef", 8, "Any object that the volume is filled from.",
	    .message = &type_typed_object_reference, .flags = FIELD_POINTER),
	ROW(STRING, "volumeAttributesClassName", 9,
	    "Class of attributes that can be changed later.", .flags = FIELD_POINTER),
};

const struct type type_persistent_volume_claim_spec = {
	.name = "io.k8s.api.core.v1.PersistentVolumeClaimSpec",
	.doc = "What a claim asks for.",
	SCHEMA_TABLE(persistent_volume_claim_spec_fields),
};

static const struct field persistent_volume_claim_condition_fields[] = {
	ROW(STRING, "type", 1, "Aspect that this is about.", .flags = FIELD_EXPECTED),
	ROW(STRING, "status", 2, "Whether it holds: True, False or Unknown.",
	    .flags = FIELD_EXPECTED),
	ROW(TIME, "lastProbeTime", 3, "When it was last looked at."),
	ROW(TIME, "lastTransitionTime", 4, "When the status last changed."),
	ROW(STRING, "reason", 5, "Why it last changed, in one word for programs."),
	ROW(STRING, "message", 6, "Why it last changed, in a sentence for people."),
};

static const struct type type_persistent_volume_claim_condition = {
	.name = "io.k8s.api.core.v1.PersistentVolumeClaimCondition",
	.doc = "One aspect of a claim's state.",
	SCHEMA_TABLE(persistent_volume_claim_condition_fields),
};

static const struct field modify_volume_status_fields[] = {
	ROW(STRING, "targetVolumeAttributesClassName", 1,
	    "Class that the volume is being changed to."),
	ROW(STRING, "status", 2, "Pending, InProgress or Infeasible.", .flags = FIELD_EXPECTED),
};

static const struct type type_modify_volume_status = {
	.name = "io.k8s.api.core.v1.ModifyVolumeStatus",
	.doc = "How far a change of attributes is.",
	SCHEMA_TABLE(modify_volume_status_fields),
};

static const struct field persistent_volume_claim_status_fields[] = {
	ROW(STRING, "phase", 1, "Pending, Bound or Lost.", .default_json = "\"Pending\""),
	ROW(STRING, "accessModes", 2, "How the volume can be mounted.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(QUANTITY, "capacity", 3, "How much storage the volume has.", .shape = FIELD_MAP),
	ROW(MESSAGE, "conditions", 4, "Further aspects of the claim's state.", .shape = FIELD_LIST,
	    .message = &type_persistent_volume_claim_condition,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "type", .list_keys = "type"),
	ROW(QUANTITY, "allocatedResources", 5,
	    "Storage that is given to it, resizes under way included.", .shape = FIELD_MAP),
	ROW(STRING, "allocatedResourceStatuses", 7, "How far each resize is.", .shape = FIELD_MAP),
	ROW(STRING, "currentVolumeAttributesClassName", 8,
	    "Class of attributes the volume has now.", .flags = FIELD_POINTER),
	ROW(MESSAGE, "modifyVolumeStatus", 9, "How far a change of attributes is.",
	    .message = &type_modify_volume_status, .flags = FIELD_POINTER),
};

static const struct type type_persistent_volume_claim_status = {
	.name = "io.k8s.api.core.v1.PersistentVolumeClaimStatus",
	.doc = "What became of a claim.",
	SCHEMA_TABLE(persistent_volume_claim_status_fields),
};

static const struct field persistent_volume_claim_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "What the claim asks for.",
	    .message = &type_persistent_volume_claim_spec),
	ROW(MESSAGE, "status", 3, "What became of it.",
	    .message = &type_persistent_volume_claim_status,
	    .default_json = "{\"phase\":\"Pending\"}"),
};

const struct type type_persistent_volume_claim = {
	.name = "io.k8s.api.core.v1.PersistentVolumeClaim",
	.doc = "A request for storage by name.",
	SCHEMA_TABLE(persistent_volume_claim_fields),
};
