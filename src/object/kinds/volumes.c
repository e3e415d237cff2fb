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
	ROW(STRING, "path", 1, "Path on the node.", .flags = FIELD_REQUIRED),
	ROW(STRING, "type", 2,
	    "What must be at that path before it is mounted; empty for no check.",
	    .flags = FIELD_POINTER, .default_json = "\"\"",
	    .one_of =
		    "|BlockDevice|CharDevice|Directory|DirectoryOrCreate|File|FileOrCreate|Socket"),
};

const struct type type_host_path_volume_source = {
	.name = "io.k8s.api.core.v1.HostPathVolumeSource",
	.doc = "A file or directory of the node itself.",
	SCHEMA_TABLE(host_path_volume_source_fields),
};

static const struct field empty_dir_volume_source_fields[] = {
	ROW(STRING, "medium", 1, "Where it is kept: empty for the node's disk, Memory for RAM."),
	ROW(QUANTITY, "sizeLimit", 2, "Bytes it may hold; unlimited when absent.",
	    .flags = FIELD_POINTER),
};

static const struct type type_empty_dir_volume_source = {
	.name = "io.k8s.api.core.v1.EmptyDirVolumeSource",
	.doc = "A directory that is empty at first and goes with the pod.",
	SCHEMA_TABLE(empty_dir_volume_source_fields),
};

static const struct field nfs_volume_source_fields[] = {
	ROW(STRING, "server", 1, "Host name or address of the server.", .flags = FIELD_REQUIRED),
	ROW(STRING, "path", 2, "Path that the server exports.", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 3, "Mount it for reading only."),
};

const struct type type_nfs_volume_source = {
	.name = "io.k8s.api.core.v1.NFSVolumeSource",
	.doc = "A directory exported by an NFS server.",
	SCHEMA_TABLE(nfs_volume_source_fields),
};

static const struct field persistent_volume_claim_volume_source_fields[] = {
	ROW(STRING, "claimName", 1, "Name of the claim.", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 2, "Mount it for reading only."),
};

static const struct type type_persistent_volume_claim_volume_source = {
	.name = "io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource",
	.doc = "The volume that a claim in this namespace is bound to.",
	SCHEMA_TABLE(persistent_volume_claim_volume_source_fields),
};

static const struct field csi_volume_source_fields[] = {
	ROW(STRING, "driver", 1, "Name of the CSI driver.", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 2, "Mount it for reading only.", .flags = FIELD_POINTER),
	ROW(STRING, "fsType", 3, "File system to make, if the driver makes one.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "volumeAttributes", 4, "Settings that are handed to the driver.",
	    .shape = FIELD_MAP),
	ROW(MESSAGE, "nodePublishSecretRef", 5, "Secret that is handed to the driver.",
	    .message = &type_local_object_reference, .flags = FIELD_POINTER),
};

static const struct type type_csi_volume_source = {
	.name = "io.k8s.api.core.v1.CSIVolumeSource",
	.doc = "An ephemeral volume made by a CSI driver.",
	SCHEMA_TABLE(csi_volume_source_fields),
};

static const struct field persistent_volume_claim_template_fields[] = {
	ROW(MESSAGE, "metadata", 1, "Labels and annotations of the claim.",
	    .message = &type_object_meta),
	ROW(MESSAGE, "spec", 2, "What the claim asks for.",
	    .message = &type_persistent_volume_claim_spec, .flags = FIELD_REQUIRED),
};

static const struct type type_persistent_volume_claim_template = {
	.name = "io.k8s.api.core.v1.PersistentVolumeClaimTemplate",
	.doc = "A claim that is made for one pod and goes with it.",
	SCHEMA_TABLE(persistent_volume_claim_template_fields),
};

static const struct field ephemeral_volume_source_fields[] = {
	ROW(MESSAGE, "volumeClaimTemplate", 1, "The claim that is made for it, named POD-VOLUME.",
	    .message = &type_persistent_volume_claim_template, .flags = FIELD_POINTER),
};

static const struct type type_ephemeral_volume_source = {
	.name = "io.k8s.api.core.v1.EphemeralVolumeSource",
	.doc = "A volume of any storage class that lives as long as its pod.",
	SCHEMA_TABLE(ephemeral_volume_source_fields),
};

static const struct field image_volume_source_fields[] = {
	ROW(STRING, "reference", 1, "Image or artifact, as a container image is written."),
	ROW(STRING, "pullPolicy", 2, "When to fetch it: Always, Never or IfNotPresent.",
	    .one_of = "Always|IfNotPresent|Never"),
};

static const struct type type_image_volume_source = {
	.name = "io.k8s.api.core.v1.ImageVolumeSource",
	.doc = "The content of an OCI image, read-only.",
	SCHEMA_TABLE(image_volume_source_fields),
};

static const struct field volume_source_fields[] = {
	ROW(MESSAGE, "hostPath", 1, "A file or directory of the node itself.",
	    .message = &type_host_path_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "emptyDir", 2, "A directory that is empty at first and goes with the pod.",
	    .message = &type_empty_dir_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "gcePersistentDisk", 3,
	    "A disk of Google Compute Engine; migrated to its CSI driver.",
	    .message = &type_gce_persistent_disk_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "awsElasticBlockStore", 4, "A disk of Amazon EC2; migrated to its CSI driver.",
	    .message = &type_aws_elastic_block_store_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "gitRepo", 5,
	    "A clone of a git repository; deprecated, use an init container.",
	    .message = &type_git_repo_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "secret", 6, "Entries of a Secret as files.",
	    .message = &type_secret_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "nfs", 7, "A directory exported by an NFS server.",
	    .message = &type_nfs_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "iscsi", 8, "A disk reached over iSCSI.", .message = &type_iscsi_volume_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "glusterfs", 9, "A GlusterFS volume; no longer supported.",
	    .message = &type_glusterfs_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "persistentVolumeClaim", 10,
	    "The volume that a claim in this namespace is bound to.",
	    .message = &type_persistent_volume_claim_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "rbd", 11, "A Ceph block device; no longer supported.",
	    .message = &type_rbd_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "flexVolume", 12, "A volume of an exec driver; deprecated, use CSI.",
	    .message = &type_flex_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "cinder", 13, "A disk of OpenStack; migrated to its CSI driver.",
	    .message = &type_cinder_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "cephfs", 14, "A Ceph file system; no longer supported.",
	    .message = &type_cephfs_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "flocker", 15, "A Flocker dataset; no longer supported.",
	    .message = &type_flocker_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "downwardAPI", 16, "Fields of the pod as files.",
	    .message = &type_downward_api_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "fc", 17, "A disk reached over Fibre Channel.",
	    .message = &type_fc_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "azureFile", 18, "A share of Azure Files; migrated to its CSI driver.",
	    .message = &type_azure_file_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "configMap", 19, "Entries of a ConfigMap as files.",
	    .message = &type_config_map_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "vsphereVolume", 20, "A disk of vSphere; migrated to its CSI driver.",
	    .message = &type_vsphere_virtual_disk_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "quobyte", 21, "A Quobyte volume; no longer supported.",
	    .message = &type_quobyte_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "azureDisk", 22, "A disk of Azure; migrated to its CSI driver.",
	    .message = &type_azure_disk_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "photonPersistentDisk", 23,
	    "A disk of Photon Controller; no longer supported.",
	    .message = &type_photon_persistent_disk_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "projected", 26, "Several sources as files of one directory.",
	    .message = &type_projected_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "portworxVolume", 24, "A Portworx volume; migrated to its CSI driver.",
	    .message = &type_portworx_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "scaleIO", 25, "A ScaleIO volume; no longer supported.",
	    .message = &type_scaleio_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "storageos", 27, "A StorageOS volume; no longer supported.",
	    .message = &type_storage_os_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "csi", 28, "An ephemeral volume made by a CSI driver.",
	    .message = &type_csi_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "ephemeral", 29,
	    "A volume of any storage class that lives as long as its pod.",
	    .message = &type_ephemeral_volume_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "image", 30, "The content of an OCI image, read-only.",
	    .message = &type_image_volume_source, .flags = FIELD_POINTER),
};

static const struct type type_volume_source = {
	.name = "io.k8s.api.core.v1.VolumeSource",
	.doc = "Where the content of a volume comes from; exactly one of these is set.",
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
	ROW(STRING, "name", 1, "Name that volumeMounts refer to; unique in the pod.",
	    .flags = FIELD_REQUIRED, .format = FORMAT_DNS_LABEL),
	ROW(MESSAGE, "", 2, "The source of the volume, beside its name.",
	    .message = &type_volume_source, .flags = FIELD_INLINE),
};

const struct type type_volume = {
	.name = "io.k8s.api.core.v1.Volume",
	.doc = "A directory or device that containers of the pod can mount.",
	SCHEMA_TABLE(volume_fields),
	.complete = volume_complete,
	.check = volume_check,
};
