/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "object/field_errors.h"
#include "object/kinds/container_rules.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * Volumes of a pod. A volume has a name and exactly one source, whose key stands beside the name.
 * The sources that need more than a screen are in volumes_projected.c and volumes_remote.c.
 */

static const struct field host_path_volume_source_fields[] = {
	ROW(STRING, "path", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "type", 2, "", .flags = FIELD_POINTER, .default_json = "\"\"",
	    .one_of =
		    "BlockDevice|CharDevice|Directory|DirectoryOrCreate|File|FileOrCreate|Socket"),
};

static const struct type type_host_path_volume_source = {
	.name = "io.k8s.api.core.v1.HostPathVolumeSource",
	.doc = "",
	SCHEMA_TABLE(host_path_volume_source_fields),
};

static const struct field empty_dir_volume_source_fields[] = {
	ROW(STRING, "medium", 1, ""),
	ROW(QUANTITY, "sizeLimit", 2, "", .flags = FIELD_POINTER),
};

static const struct type type_empty_dir_volume_source = {
	.name = "io.k8s.api.core.v1.EmptyDirVolumeSource",
	.doc = "",
	SCHEMA_TABLE(empty_dir_volume_source_fields),
};

static const struct field nfs_volume_source_fields[] = {
	ROW(STRING, "server", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "path", 2, "", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 3, ""),
};

static const struct type type_nfs_volume_source = {
	.name = "io.k8s.api.core.v1.NFSVolumeSource",
	.doc = "",
	SCHEMA_TABLE(nfs_volume_source_fields),
};

static const struct field persistent_volume_claim_volume_source_fields[] = {
	ROW(STRING, "claimName", 1, "", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 2, ""),
};

static const struct type type_persistent_volume_claim_volume_source = {
	.name = "io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource",
	.doc = "",
	SCHEMA_TABLE(persistent_volume_claim_volume_source_fields),
};

static const struct field csi_volume_source_fields[] = {
	ROW(STRING, "driver", 1, "", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 2, "", .flags = FIELD_POINTER),
	ROW(STRING, "fsType", 3, "", .flags = FIELD_POINTER),
	ROW(STRING, "volumeAttributes", 4, "", .shape = FIELD_MAP),
	ROW(MESSAGE, "nodePublishSecretRef", 5, "", .message = &type_local_object_reference,
	    .flags = FIELD_POINTER),
};

static const struct type type_csi_volume_source = {
	.name = "io.k8s.api.core.v1.CSIVolumeSource",
	.doc = "",
	SCHEMA_TABLE(csi_volume_source_fields),
};

static const struct field persistent_volume_claim_template_fields[] = {
	ROW(MESSAGE, "metadata", 1, "", .message = &type_object_meta),
	ROW(MESSAGE, "spec", 2, "", .message = &type_persistent_volume_claim_spec,
	    .flags = FIELD_REQUIRED),
};

static const struct type type_persistent_volume_claim_template = {
	.name = "io.k8s.api.core.v1.PersistentVolumeClaimTemplate",
	.doc = "",
	SCHEMA_TABLE(persistent_volume_claim_template_fields),
};

static const struct field ephemeral_volume_source_fields[] = {
	ROW(MESSAGE, "volumeClaimTemplate", 1, "",
	    .message = &type_persistent_volume_claim_template, .flags = FIELD_POINTER),
};

static const struct type type_ephemeral_volume_source = {
	.name = "io.k8s.api.core.v1.EphemeralVolumeSource",
	.doc = "",
	SCHEMA_TABLE(ephemeral_volume_source_fields),
};

static const struct field image_volume_source_fields[] = {
	ROW(STRING, "reference", 1, ""),
	ROW(STRING, "pullPolicy", 2, "", .one_of = "Always|IfNotPresent|Never"),
};

static const struct type type_image_volume_source = {
	.name = "io.k8s.api.core.v1.ImageVolumeSource",
	.doc = "",
	SCHEMA_TABLE(image_volume_source_fields),
};

static const struct field volume_source_fields[] = {
	ROW(MESSAGE, "hostPath", 1, "", .message = &type_host_path_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "emptyDir", 2, "", .message = &type_empty_dir_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "gcePersistentDisk", 3, "", .message = &type_gce_persistent_disk_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "awsElasticBlockStore", 4, "",
	    .message = &type_aws_elastic_block_store_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "gitRepo", 5, "", .message = &type_git_repo_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "secret", 6, "", .message = &type_secret_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "nfs", 7, "", .message = &type_nfs_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "iscsi", 8, "", .message = &type_iscsi_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "glusterfs", 9, "", .message = &type_glusterfs_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "persistentVolumeClaim", 10, "",
	    .message = &type_persistent_volume_claim_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "rbd", 11, "", .message = &type_rbd_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "flexVolume", 12, "", .message = &type_flex_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "cinder", 13, "", .message = &type_cinder_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "cephfs", 14, "", .message = &type_cephfs_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "flocker", 15, "", .message = &type_flocker_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "downwardAPI", 16, "", .message = &type_downward_api_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "fc", 17, "", .message = &type_fc_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "azureFile", 18, "", .message = &type_azure_file_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "configMap", 19, "", .message = &type_config_map_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "vsphereVolume", 20, "", .message = &type_vsphere_virtual_disk_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "quobyte", 21, "", .message = &type_quobyte_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "azureDisk", 22, "", .message = &type_azure_disk_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "photonPersistentDisk", 23, "",
	    .message = &type_photon_persistent_disk_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "projected", 26, "", .message = &type_projected_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "portworxVolume", 24, "", .message = &type_portworx_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "scaleIO", 25, "", .message = &type_scaleio_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "storageos", 27, "", .message = &type_storage_os_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "csi", 28, "", .message = &type_csi_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "ephemeral", 29, "", .message = &type_ephemeral_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "image", 30, "", .message = &type_image_volume_source, .flags = FIELD_POINTER),
};

static const struct type type_volume_source = {
	.name = "io.k8s.api.core.v1.VolumeSource",
	.doc = "",
	SCHEMA_TABLE(volume_source_fields),
};

/* A volume that does not say what it is is an empty directory. */
static void volume_complete(json_t *volume)
{
	json_t *image = json_object_get(volume, "image");

	if (json_object_size(volume) == (json_object_get(volume, "name") != NULL)) {
		json_object_set_new(volume, "emptyDir", json_object());
	}
	if (image != NULL && json_string_at(image, "pullPolicy")[0] == '\0') {
		const char *policy = image_pull_policy(json_string_at(image, "reference"));

		json_object_set_new(image, "pullPolicy", json_string(policy));
	}
}

static void volume_check(const json_t *volume, const char *path, struct field_errors *errors)
{
	const char *key;
	json_t *source;
	size_t n = 0;

	json_object_foreach ((json_t *)volume, key, source) {
		if (strcmp(key, "name") != 0 && n++ > 0) {
			field_errors_addf(errors, FIELD_ERROR_FORBIDDEN, NULL,
					  "may not specify more than 1 volume type", "%s.%s", path,
					  key);
		}
	}
}

static const struct field volume_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED, .format = FORMAT_DNS_LABEL),
	ROW(MESSAGE, "", 2, "", .message = &type_volume_source, .flags = FIELD_INLINE),
};

const struct type type_volume = {
	.name = "io.k8s.api.core.v1.Volume",
	.doc = "",
	SCHEMA_TABLE(volume_fields),
	.complete = volume_complete,
	.check = volume_check,
};
