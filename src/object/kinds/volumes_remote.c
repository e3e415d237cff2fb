/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * Volumes on storage systems. Most are migrated to CSI drivers; their messages stay part of the API.
 */

static const struct field gce_persistent_disk_volume_source_fields[] = {
	ROW(STRING, "pdName", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, ""),
	ROW(INT32, "partition", 3, ""),
	ROW(BOOL, "readOnly", 4, ""),
};

const struct type type_gce_persistent_disk_volume_source = {
	.name = "io.k8s.api.core.v1.GCEPersistentDiskVolumeSource",
	.doc = "",
	SCHEMA_TABLE(gce_persistent_disk_volume_source_fields),
};

static const struct field aws_elastic_block_store_volume_source_fields[] = {
	ROW(STRING, "volumeID", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, ""),
	ROW(INT32, "partition", 3, ""),
	ROW(BOOL, "readOnly", 4, ""),
};

const struct type type_aws_elastic_block_store_volume_source = {
	.name = "io.k8s.api.core.v1.AWSElasticBlockStoreVolumeSource",
	.doc = "",
	SCHEMA_TABLE(aws_elastic_block_store_volume_source_fields),
};

static const struct field git_repo_volume_source_fields[] = {
	ROW(STRING, "repository", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "revision", 2, ""),
	ROW(STRING, "directory", 3, ""),
};

const struct type type_git_repo_volume_source = {
	.name = "io.k8s.api.core.v1.GitRepoVolumeSource",
	.doc = "",
	SCHEMA_TABLE(git_repo_volume_source_fields),
};

static const struct field iscsi_volume_source_fields[] = {
	ROW(STRING, "targetPortal", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "iqn", 2, "", .flags = FIELD_REQUIRED),
	ROW(INT32, "lun", 3, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "iscsiInterface", 4, "", .default_json = "\"default\""),
	ROW(STRING, "fsType", 5, ""),
	ROW(BOOL, "readOnly", 6, ""),
	ROW(STRING, "portals", 7, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(BOOL, "chapAuthDiscovery", 8, ""),
	ROW(BOOL, "chapAuthSession", 11, ""),
	ROW(MESSAGE, "secretRef", 10, "", .message = &type_local_object_reference,
	    .flags = FIELD_POINTER),
	ROW(STRING, "initiatorName", 12, "", .flags = FIELD_POINTER),
};

const struct type type_iscsi_volume_source = {
	.name = "io.k8s.api.core.v1.ISCSIVolumeSource",
	.doc = "",
	SCHEMA_TABLE(iscsi_volume_source_fields),
};

static const struct field glusterfs_volume_source_fields[] = {
	ROW(STRING, "endpoints", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "path", 2, "", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 3, ""),
};

const struct type type_glusterfs_volume_source = {
	.name = "io.k8s.api.core.v1.GlusterfsVolumeSource",
	.doc = "",
	SCHEMA_TABLE(glusterfs_volume_source_fields),
};

static const struct field rbd_volume_source_fields[] = {
	ROW(STRING, "monitors", 1, "", .shape = FIELD_LIST,
	    .flags = FIELD_REQUIRED | FIELD_LIST_ATOMIC),
	ROW(STRING, "image", 2, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 3, ""),
	ROW(STRING, "pool", 4, "", .default_json = "\"rbd\""),
	ROW(STRING, "user", 5, "", .default_json = "\"admin\""),
	ROW(STRING, "keyring", 6, "", .default_json = "\"/etc/ceph/keyring\""),
	ROW(MESSAGE, "secretRef", 7, "", .message = &type_local_object_reference,
	    .flags = FIELD_POINTER),
	ROW(BOOL, "readOnly", 8, ""),
};

const struct type type_rbd_volume_source = {
	.name = "io.k8s.api.core.v1.RBDVolumeSource",
	.doc = "",
	SCHEMA_TABLE(rbd_volume_source_fields),
};

static const struct field flex_volume_source_fields[] = {
	ROW(STRING, "driver", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, ""),
	ROW(MESSAGE, "secretRef", 3, "", .message = &type_local_object_reference,
	    .flags = FIELD_POINTER),
	ROW(BOOL, "readOnly", 4, ""),
	ROW(STRING, "options", 5, "", .shape = FIELD_MAP),
};

const struct type type_flex_volume_source = {
	.name = "io.k8s.api.core.v1.FlexVolumeSource",
	.doc = "",
	SCHEMA_TABLE(flex_volume_source_fields),
};

static const struct field cinder_volume_source_fields[] = {
	ROW(STRING, "volumeID", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, ""),
	ROW(BOOL, "readOnly", 3, ""),
	ROW(MESSAGE, "secretRef", 4, "", .message = &type_local_object_reference,
	    .flags = FIELD_POINTER),
};

const struct type type_cinder_volume_source = {
	.name = "io.k8s.api.core.v1.CinderVolumeSource",
	.doc = "",
	SCHEMA_TABLE(cinder_volume_source_fields),
};

static const struct field cephfs_volume_source_fields[] = {
	ROW(STRING, "monitors", 1, "", .shape = FIELD_LIST,
	    .flags = FIELD_REQUIRED | FIELD_LIST_ATOMIC),
	ROW(STRING, "path", 2, ""),
	ROW(STRING, "user", 3, ""),
	ROW(STRING, "secretFile", 4, ""),
	ROW(MESSAGE, "secretRef", 5, "", .message = &type_local_object_reference,
	    .flags = FIELD_POINTER),
	ROW(BOOL, "readOnly", 6, ""),
};

const struct type type_cephfs_volume_source = {
	.name = "io.k8s.api.core.v1.CephFSVolumeSource",
	.doc = "",
	SCHEMA_TABLE(cephfs_volume_source_fields),
};

static const struct field flocker_volume_source_fields[] = {
	ROW(STRING, "datasetName", 1, ""),
	ROW(STRING, "datasetUUID", 2, ""),
};

const struct type type_flocker_volume_source = {
	.name = "io.k8s.api.core.v1.FlockerVolumeSource",
	.doc = "",
	SCHEMA_TABLE(flocker_volume_source_fields),
};

static const struct field fc_volume_source_fields[] = {
	ROW(STRING, "targetWWNs", 1, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(INT32, "lun", 2, "", .flags = FIELD_POINTER),
	ROW(STRING, "fsType", 3, ""),
	ROW(BOOL, "readOnly", 4, ""),
	ROW(STRING, "wwids", 5, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

const struct type type_fc_volume_source = {
	.name = "io.k8s.api.core.v1.FCVolumeSource",
	.doc = "",
	SCHEMA_TABLE(fc_volume_source_fields),
};

static const struct field azure_file_volume_source_fields[] = {
	ROW(STRING, "secretName", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "shareName", 2, "", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 3, ""),
};

const struct type type_azure_file_volume_source = {
	.name = "io.k8s.api.core.v1.AzureFileVolumeSource",
	.doc = "",
	SCHEMA_TABLE(azure_file_volume_source_fields),
};

static const struct field vsphere_virtual_disk_volume_source_fields[] = {
	ROW(STRING, "volumePath", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, ""),
	ROW(STRING, "storagePolicyName", 3, ""),
	ROW(STRING, "storagePolicyID", 4, ""),
};

const struct type type_vsphere_virtual_disk_volume_source = {
	.name = "io.k8s.api.core.v1.VsphereVirtualDiskVolumeSource",
	.doc = "",
	SCHEMA_TABLE(vsphere_virtual_disk_volume_source_fields),
};

static const struct field quobyte_volume_source_fields[] = {
	ROW(STRING, "registry", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "volume", 2, "", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 3, ""),
	ROW(STRING, "user", 4, ""),
	ROW(STRING, "group", 5, ""),
	ROW(STRING, "tenant", 6, ""),
};

const struct type type_quobyte_volume_source = {
	.name = "io.k8s.api.core.v1.QuobyteVolumeSource",
	.doc = "",
	SCHEMA_TABLE(quobyte_volume_source_fields),
};

static const struct field azure_disk_volume_source_fields[] = {
	ROW(STRING, "diskName", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "diskURI", 2, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "cachingMode", 3, "", .flags = FIELD_POINTER, .default_json = "\"ReadWrite\"",
	    .one_of = "None|ReadOnly|ReadWrite"),
	ROW(STRING, "fsType", 4, "", .flags = FIELD_POINTER, .default_json = "\"ext4\""),
	ROW(BOOL, "readOnly", 5, "", .flags = FIELD_POINTER, .default_json = "false"),
	ROW(STRING, "kind", 6, "", .flags = FIELD_POINTER, .default_json = "\"Shared\"",
	    .one_of = "Dedicated|Managed|Shared"),
};

const struct type type_azure_disk_volume_source = {
	.name = "io.k8s.api.core.v1.AzureDiskVolumeSource",
	.doc = "",
	SCHEMA_TABLE(azure_disk_volume_source_fields),
};

static const struct field photon_persistent_disk_volume_source_fields[] = {
	ROW(STRING, "pdID", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, ""),
};

const struct type type_photon_persistent_disk_volume_source = {
	.name = "io.k8s.api.core.v1.PhotonPersistentDiskVolumeSource",
	.doc = "",
	SCHEMA_TABLE(photon_persistent_disk_volume_source_fields),
};

static const struct field portworx_volume_source_fields[] = {
	ROW(STRING, "volumeID", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, ""),
	ROW(BOOL, "readOnly", 3, ""),
};

const struct type type_portworx_volume_source = {
	.name = "io.k8s.api.core.v1.PortworxVolumeSource",
	.doc = "",
	SCHEMA_TABLE(portworx_volume_source_fields),
};

static const struct field scaleio_volume_source_fields[] = {
	ROW(STRING, "gateway", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "system", 2, "", .flags = FIELD_REQUIRED),
	ROW(MESSAGE, "secretRef", 3, "", .message = &type_local_object_reference,
	    .flags = FIELD_EXPECTED | FIELD_POINTER),
	ROW(BOOL, "sslEnabled", 4, ""),
	ROW(STRING, "protectionDomain", 5, ""),
	ROW(STRING, "storagePool", 6, ""),
	ROW(STRING, "storageMode", 7, "", .default_json = "\"ThinProvisioned\""),
	ROW(STRING, "volumeName", 8, ""),
	ROW(STRING, "fsType", 9, "", .default_json = "\"xfs\""),
	ROW(BOOL, "readOnly", 10, ""),
};

const struct type type_scaleio_volume_source = {
	.name = "io.k8s.api.core.v1.ScaleIOVolumeSource",
	.doc = "",
	SCHEMA_TABLE(scaleio_volume_source_fields),
};

static const struct field storage_os_volume_source_fields[] = {
	ROW(STRING, "volumeName", 1, ""),
	ROW(STRING, "volumeNamespace", 2, ""),
	ROW(STRING, "fsType", 3, ""),
	ROW(BOOL, "readOnly", 4, ""),
	ROW(MESSAGE, "secretRef", 5, "", .message = &type_local_object_reference,
	    .flags = FIELD_POINTER),
};

const struct type type_storage_os_volume_source = {
	.name = "io.k8s.api.core.v1.StorageOSVolumeSource",
	.doc = "",
	SCHEMA_TABLE(storage_os_volume_source_fields),
};
