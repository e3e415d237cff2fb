/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <string.h>

#include "base/mem.h"
#include "object/field_errors.h"
#include "object/kinds/cells.h"
#include "object/kinds/rules.h"
#include "object/kinds/storage.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A volume that outlives pods. Of the many sorts those are served that still have a meaning: a
 * directory of a node, NFS, and whatever a CSI driver brings.
 */

#define FINALIZER "kubernetes.io/pv-protection"

static const struct field local_volume_source_fields[] = {
	ROW(STRING, "path", 1, "Path of the directory or device on the node.",
	    .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, "File system to make on a device.", .flags = FIELD_POINTER),
};

static const struct type type_local_volume_source = {
	.name = "io.k8s.api.core.v1.LocalVolumeSource",
	.doc = "Storage that is on one node; nodeAffinity says on which.",
	SCHEMA_TABLE(local_volume_source_fields),
};

static const struct field secret_reference_fields[] = {
	ROW(STRING, "name", 1, "Name of the Secret."),
	ROW(STRING, "namespace", 2, "Namespace of the Secret."),
};

static const struct type type_secret_reference = {
	.name = "io.k8s.api.core.v1.SecretReference",
	.doc = "A Secret of any namespace.",
	SCHEMA_TABLE(secret_reference_fields),
	.atomic = true,
};

#define SECRET_ROW(key, number)                                                                    \
	ROW(MESSAGE, key, number, "Secret that is handed to the driver.",                          \
	    .message = &type_secret_reference, .flags = FIELD_POINTER)

static const struct field csi_persistent_volume_source_fields[] = {
	ROW(STRING, "driver", 1, "Name of the CSI driver.", .flags = FIELD_REQUIRED),
	ROW(STRING, "volumeHandle", 2, "What the driver calls the volume.",
	    .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 3, "Mount it for reading only."),
	ROW(STRING, "fsType", 4, "File system to make, if the driver makes one."),
	ROW(STRING, "volumeAttributes", 5, "Settings that are handed to the driver.",
	    .shape = FIELD_MAP),
	SECRET_ROW("controllerPublishSecretRef", 6),
	SECRET_ROW("nodeStageSecretRef", 7),
	SECRET_ROW("nodePublishSecretRef", 8),
	SECRET_ROW("controllerExpandSecretRef", 9),
	SECRET_ROW("nodeExpandSecretRef", 10),
};

static const struct type type_csi_persistent_volume_source = {
	.name = "io.k8s.api.core.v1.CSIPersistentVolumeSource",
	.doc = "A volume of a CSI driver.",
	SCHEMA_TABLE(csi_persistent_volume_source_fields),
};

static const struct field persistent_volume_source_fields[] = {
	ROW(MESSAGE, "hostPath", 3, "A directory of whichever node the pod is on.",
	    .message = &type_host_path_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "nfs", 5, "A directory exported by an NFS server.",
	    .message = &type_nfs_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "local", 20, "Storage that is on one node.",
	    .message = &type_local_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "csi", 22, "A volume of a CSI driver.",
	    .message = &type_csi_persistent_volume_source, .flags = FIELD_POINTER),
};

static const struct type type_persistent_volume_source = {
	.name = "io.k8s.api.core.v1.PersistentVolumeSource",
	.doc = "Where the content of a volume is; exactly one of these is set.",
	SCHEMA_TABLE(persistent_volume_source_fields),
};

static const struct field volume_node_affinity_fields[] = {
	ROW(MESSAGE, "required", 1, "What a node must be like to reach the volume.",
	    .message = &type_node_selector, .flags = FIELD_POINTER),
};

static const struct type type_volume_node_affinity = {
	.name = "io.k8s.api.core.v1.VolumeNodeAffinity",
	.doc = "The nodes that a volume can be reached from.",
	SCHEMA_TABLE(volume_node_affinity_fields),
};

static const struct field persistent_volume_spec_fields[] = {
	ROW(QUANTITY, "capacity", 1, "How much it holds.", .shape = FIELD_MAP),
	ROW(MESSAGE, "", 2, "Where its content is.", .message = &type_persistent_volume_source,
	    .flags = FIELD_INLINE),
	ROW(STRING, "accessModes", 3, "All the ways it can be mounted.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC,
	    .one_of = "ReadOnlyMany|ReadWriteMany|ReadWriteOnce|ReadWriteOncePod"),
	ROW(MESSAGE, "claimRef", 4, "The claim that has it, or will have it.",
	    .message = &type_object_reference, .flags = FIELD_POINTER),
	ROW(STRING, "persistentVolumeReclaimPolicy", 5,
	    "What becomes of it when its claim goes: Retain or Delete.",
	    .default_json = "\"Retain\"", .one_of = "Delete|Recycle|Retain"),
	ROW(STRING, "storageClassName", 6, "Class that it belongs to; none when empty."),
	ROW(STRING, "mountOptions", 7, "Options of its mount.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "volumeMode", 8, "Filesystem, or Block for a raw device.",
	    .flags = FIELD_POINTER, .default_json = "\"Filesystem\"", .one_of = "Block|Filesystem"),
	ROW(MESSAGE, "nodeAffinity", 9, "The nodes that it can be reached from.",
	    .message = &type_volume_node_affinity, .flags = FIELD_POINTER),
	ROW(STRING, "volumeAttributesClassName", 10,
	    "Class of attributes that can be changed later.", .flags = FIELD_POINTER),
};

static const struct type type_persistent_volume_spec = {
	.name = "io.k8s.api.core.v1.PersistentVolumeSpec",
	.doc = "What a volume is.",
	SCHEMA_TABLE(persistent_volume_spec_fields),
};

static const struct field persistent_volume_status_fields[] = {
	ROW(STRING, "phase", 1, "Available, Bound, Released or Failed.",
	    .default_json = "\"Pending\""),
	ROW(STRING, "message", 2, "Why it is in that phase, in a sentence for people."),
	ROW(STRING, "reason", 3, "Why it failed, in one word for programs."),
	ROW(TIME, "lastPhaseTransitionTime", 4, "When the phase last changed.",
	    .flags = FIELD_POINTER),
};

static const struct type type_persistent_volume_status = {
	.name = "io.k8s.api.core.v1.PersistentVolumeStatus",
	.doc = "What became of a volume.",
	SCHEMA_TABLE(persistent_volume_status_fields),
};

static const struct field persistent_volume_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "What it is.", .message = &type_persistent_volume_spec),
	ROW(MESSAGE, "status", 3, "What became of it.", .message = &type_persistent_volume_status,
	    .default_json = "{\"phase\":\"Pending\"}"),
};

static const struct type type_persistent_volume = {
	.name = "io.k8s.api.core.v1.PersistentVolume",
	.doc = "Storage that claims can be bound to.",
	SCHEMA_TABLE(persistent_volume_fields),
};

/* ---- columns ---- */

static json_t *cell_capacity(const json_t *volume, int64_t now)
{
	return cell_string_at(volume, "spec.capacity.storage", "0");
}

static json_t *cell_modes(const json_t *volume, int64_t now)
{
	return storage_modes_cell(json_at(volume, "spec.accessModes"));
}

static json_t *cell_policy(const json_t *volume, int64_t now)
{
	return cell_string_at(volume, "spec.persistentVolumeReclaimPolicy", "");
}

static json_t *cell_claim(const json_t *volume, int64_t now)
{
	const json_t *claim = json_at(volume, "spec.claimRef");

	if (claim == NULL) {
		return json_string("");
	}
	return json_sprintf("%s/%s", json_string_at(claim, "namespace"),
			    json_string_at(claim, "name"));
}

static json_t *cell_class(const json_t *volume, int64_t now)
{
	return cell_string_at(volume, "spec.storageClassName", "");
}

static json_t *cell_reason(const json_t *volume, int64_t now)
{
	return cell_string_at(volume, "status.reason", "");
}

static const struct column volume_columns[] = {
	COLUMN_NAME,
	COLUMN("Capacity", "string", cell_capacity, "How much it holds."),
	COLUMN("Access Modes", "string", cell_modes, "The ways it can be mounted."),
	COLUMN("Reclaim Policy", "string", cell_policy, "What becomes of it after its claim."),
	COLUMN("Status", "string", storage_phase_cell, "Available, Bound, Released or Failed."),
	COLUMN("Claim", "string", cell_claim, "The claim that has it."),
	COLUMN("StorageClass", "string", cell_class, "Class of the storage."),
	COLUMN("VolumeAttributesClass", "string", storage_attributes_cell,
	       "Class of attributes that can be changed later."),
	COLUMN("Reason", "string", cell_reason, "Why it failed."),
	COLUMN_AGE,
	COLUMN("VolumeMode", "string", storage_mode_cell, "File system or raw device.",
	       .priority = 1),
};

/* ---- rules ---- */

static void volume_create(json_t *volume)
{
	json_object_del(volume, "status");
	storage_add_finalizer(volume, FINALIZER);
}

static size_t count_sources(const json_t *spec)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(persistent_volume_source_fields); i++) {
		n += json_object_get(spec, persistent_volume_source_fields[i].name) != NULL;
	}
	return n;
}

static void check_paths(const json_t *spec, struct field_errors *errors)
{
	static const char *const paths[] = { "hostPath.path", "local.path" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const char *path = json_string_at(spec, paths[i]);

		if (strstr(path, "..") != NULL) {
			rule_error_text(errors, FIELD_ERROR_INVALID, path, "must not contain '..'",
					"spec.%s", paths[i]);
		}
	}
}

static void volume_check(const json_t *volume, struct field_errors *errors)
{
	const json_t *spec = json_object_get(volume, "spec");
	size_t n = count_sources(spec);

	if (json_array_size(json_object_get(spec, "accessModes")) == 0) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, "spec.accessModes", NULL, "");
	}
	storage_check_exclusive(spec, errors);
	storage_check_amount(json_at(spec, "capacity.storage"), "spec.capacity", errors);
	if (n == 0) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, "spec", NULL,
				 "must specify a volume type");
	} else if (n > 1) {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "spec", NULL,
				 "may not specify more than 1 volume type");
	}
	check_paths(spec, errors);
	if (json_object_get(spec, "local") != NULL &&
	    json_at(spec, "nodeAffinity.required") == NULL) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, "spec.nodeAffinity", NULL,
				 "Local volume requires node affinity");
	}
}

static void volume_check_update(const json_t *volume, const json_t *old,
				struct field_errors *errors)
{
	const json_t *spec = json_object_get(volume, "spec");
	const json_t *old_spec = json_object_get(old, "spec");
	const json_t *affinity = json_object_get(old_spec, "nodeAffinity");

	for (size_t i = 0; i < ARRAY_SIZE(persistent_volume_source_fields); i++) {
		const char *key = persistent_volume_source_fields[i].name;

		if (!rule_is_same(json_object_get(spec, key), json_object_get(old_spec, key))) {
			field_errors_add(errors, FIELD_ERROR_FORBIDDEN,
					 "spec.persistentvolumesource", NULL,
					 "spec.persistentvolumesource is immutable after creation");
		}
	}
	if (affinity != NULL && !json_equal(affinity, json_object_get(spec, "nodeAffinity"))) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.nodeAffinity",
				 json_object_get(spec, "nodeAffinity"), "field is immutable");
	}
}

const struct kind kind_persistent_volume = {
	.group = "",
	.version = "v1",
	.kind = "PersistentVolume",
	.plural = "persistentvolumes",
	.singular = "persistentvolume",
	.short_names = "pv",
	.type = &type_persistent_volume,
	.flags = KIND_STATUS | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	KIND_COLUMNS(volume_columns),
	.create = volume_create,
	.check = volume_check,
	.check_update = volume_check_update,
};
