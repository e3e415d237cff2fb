/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * Volumes on storage systems. Most are migrated to CSI drivers; their messages stay part of the
 * API.
 */

static const struct field gce_persistent_disk_volume_source_fields[] = {
	ROW(STRING, "pdName", 1, "Name of the disk.", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, "File system on the volume."),
	ROW(INT32, "partition", 3, "Partition to mount; 0 for the whole disk."),
	ROW(BOOL, "readOnly", 4, "Mount it for reading only."),
};

const struct type type_gce_persistent_disk_volume_source = {
	.name = "io.k8s.api.core.v1.GCEPersistentDiskVolumeSource",
	.doc = "A disk of Google Compute Engine.",
	SCHEMA_TABLE(gce_persistent_disk_volume_source_fields),
};

static const struct field aws_elastic_block_store_volume_source_fields[] = {
	ROW(STRING, "volumeID", 1, "ID of the disk.", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, "File system on the volume."),
	ROW(INT32, "partition", 3, "Partition to mount; 0 for the whole disk."),
	ROW(BOOL, "readOnly", 4, "Mount it for reading only."),
};

const struct type type_aws_elastic_block_store_volume_source = {
	.name = "io.k8s.api.core.v1.AWSElasticBlockStoreVolumeSource",
	.doc = "A disk of Amazon EC2.",
	SCHEMA_TABLE(aws_elastic_block_store_volume_source_fields),
};

static const struct field git_repo_volume_source_fields[] = {
	ROW(STRING, "repository", 1, "URL of the repository.", .flags = FIELD_REQUIRED),
	ROW(STRING, "revision", 2, "Commit to check out."),
	ROW(STRING, "directory", 3, "Directory to clone into, relative to the mount."),
};

const struct type type_git_repo_volume_source = {
	.name = "io.k8s.api.core.v1.GitRepoVolumeSource",
	.doc = "A clone of a git repository.",
	SCHEMA_TABLE(git_repo_volume_source_fields),
};

static const struct field iscsi_volume_source_fields[] = {
	ROW(STRING, "targetPortal", 1,
	    "Address of the target, with its port unless it is the usual one.",
	    .flags = FIELD_REQUIRED),
	ROW(STRING, "iqn", 2, "Qualified name of the target.", .flags = FIELD_REQUIRED),
	ROW(INT32, "lun", 3, "Number of the logical unit.", .flags = FIELD_EXPECTED),
	ROW(STRING, "iscsiInterface", 4, "Interface the initiator uses.",
	    .default_json = "\"default\""),
	ROW(STRING, "fsType", 5, "File system on the volume."),
	ROW(BOOL, "readOnly", 6, "Mount it for reading only."),
	ROW(STRING, "portals", 7, "Further addresses of the target.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(BOOL, "chapAuthDiscovery", 8, "Authenticate with CHAP when discovering."),
	ROW(BOOL, "chapAuthSession", 11, "Authenticate with CHAP in the session."),
	ROW(MESSAGE, "secretRef", 10, "Secret with the CHAP credentials.",
	    .message = &type_local_object_reference, .flags = FIELD_POINTER),
	ROW(STRING, "initiatorName", 12, "Name of the initiator, for an interface of its own.",
	    .flags = FIELD_POINTER),
};

const struct type type_iscsi_volume_source = {
	.name = "io.k8s.api.core.v1.ISCSIVolumeSource",
	.doc = "A disk reached over iSCSI.",
	SCHEMA_TABLE(iscsi_volume_source_fields),
};

static const struct field glusterfs_volume_source_fields[] = {
	ROW(STRING, "endpoints", 1, "Name of the Endpoints object of the servers.",
	    .flags = FIELD_REQUIRED),
	ROW(STRING, "path", 2, "Name of the volume.", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 3, "Mount it for reading only."),
};

const struct type type_glusterfs_volume_source = {
	.name = "io.k8s.api.core.v1.GlusterfsVolumeSource",
	.doc = "A GlusterFS volume.",
	SCHEMA_TABLE(glusterfs_volume_source_fields),
};

static const struct field rbd_volume_source_fields[] = {
	ROW(STRING, "monitors", 1, "Addresses of the monitors.", .shape = FIELD_LIST,
	    .flags = FIELD_REQUIRED | FIELD_LIST_ATOMIC),
	ROW(STRING, "image", 2, "Name of the image.", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 3, "File system on the volume."),
	ROW(STRING, "pool", 4, "Pool that has the image.", .default_json = "\"rbd\""),
	ROW(STRING, "user", 5, "User to log in as.", .default_json = "\"admin\""),
	ROW(STRING, "keyring", 6, "Path of the key ring on the node.",
	    .default_json = "\"/etc/ceph/keyring\""),
	ROW(MESSAGE, "secretRef", 7, "Secret with the key; wins over the key ring.",
	    .message = &type_local_object_reference, .flags = FIELD_POINTER),
	ROW(BOOL, "readOnly", 8, "Mount it for reading only."),
};

const struct type type_rbd_volume_source = {
	.name = "io.k8s.api.core.v1.RBDVolumeSource",
	.doc = "A Ceph block device.",
	SCHEMA_TABLE(rbd_volume_source_fields),
};

static const struct field flex_volume_source_fields[] = {
	ROW(STRING, "driver", 1, "Name of the driver.", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, "File system on the volume."),
	ROW(MESSAGE, "secretRef", 3, "Secret that is handed to the driver.",
	    .message = &type_local_object_reference, .flags = FIELD_POINTER),
	ROW(BOOL, "readOnly", 4, "Mount it for reading only."),
	ROW(STRING, "options", 5, "Settings that are handed to the driver.", .shape = FIELD_MAP),
};

const struct type type_flex_volume_source = {
	.name = "io.k8s.api.core.v1.FlexVolumeSource",
	.doc = "A volume of an exec driver.",
	SCHEMA_TABLE(flex_volume_source_fields),
};

static const struct field cinder_volume_source_fields[] = {
	ROW(STRING, "volumeID", 1, "ID of the disk.", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, "File system on the volume."),
	ROW(BOOL, "readOnly", 3, "Mount it for reading only."),
	ROW(MESSAGE, "secretRef", 4, "Secret with the credentials.",
	    .message = &type_local_object_reference, .flags = FIELD_POINTER),
};

const struct type type_cinder_volume_source = {
	.name = "io.k8s.api.core.v1.CinderVolumeSource",
	.doc = "A disk of OpenStack.",
	SCHEMA_TABLE(cinder_volume_source_fields),
};

static const struct field cephfs_volume_source_fields[] = {
	ROW(STRING, "monitors", 1, "Addresses of the monitors.", .shape = FIELD_LIST,
	    .flags = FIELD_REQUIRED | FIELD_LIST_ATOMIC),
	ROW(STRING, "path", 2, "Directory of the file system to mount."),
	ROW(STRING, "user", 3, "User to log in as."),
	ROW(STRING, "secretFile", 4, "Path of the key ring on the node."),
	ROW(MESSAGE, "secretRef", 5, "Secret with the key; wins over the file.",
	    .message = &type_local_object_reference, .flags = FIELD_POINTER),
	ROW(BOOL, "readOnly", 6, "Mount it for reading only."),
};

const struct type type_cephfs_volume_source = {
	.name = "io.k8s.api.core.v1.CephFSVolumeSource",
	.doc = "A Ceph file system.",
	SCHEMA_TABLE(cephfs_volume_source_fields),
};

static const struct field flocker_volume_source_fields[] = {
	ROW(STRING, "datasetName", 1, "Name of the dataset; deprecated."),
	ROW(STRING, "datasetUUID", 2, "ID of the dataset."),
};

const struct type type_flocker_volume_source = {
	.name = "io.k8s.api.core.v1.FlockerVolumeSource",
	.doc = "A Flocker dataset.",
	SCHEMA_TABLE(flocker_volume_source_fields),
};

static const struct field fc_volume_source_fields[] = {
	ROW(STRING, "targetWWNs", 1, "World wide names of the targets.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(INT32, "lun", 2, "Number of the logical unit.", .flags = FIELD_POINTER),
	ROW(STRING, "fsType", 3, "File system on the volume."),
	ROW(BOOL, "readOnly", 4, "Mount it for reading only."),
	ROW(STRING, "wwids", 5, "World wide identifiers of the disk, instead of targets and lun.",
	    .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

const struct type type_fc_volume_source = {
	.name = "io.k8s.api.core.v1.FCVolumeSource",
	.doc = "A disk reached over Fibre Channel.",
	SCHEMA_TABLE(fc_volume_source_fields),
};

static const struct field azure_file_volume_source_fields[] = {
	ROW(STRING, "secretName", 1, "Secret with the storage account.", .flags = FIELD_REQUIRED),
	ROW(STRING, "shareName", 2, "Name of the share.", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 3, "Mount it for reading only."),
};

const struct type type_azure_file_volume_source = {
	.name = "io.k8s.api.core.v1.AzureFileVolumeSource",
	.doc = "A share of Azure Files.",
	SCHEMA_TABLE(azure_file_volume_source_fields),
};

static const struct field vsphere_virtual_disk_volume_source_fields[] = {
	ROW(STRING, "volumePath", 1, "Path of the disk.", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, "File system on the volume."),
	ROW(STRING, "storagePolicyName", 3, "Name of the storage policy."),
	ROW(STRING, "storagePolicyID", 4, "ID of the storage policy."),
};

const struct type type_vsphere_virtual_disk_volume_source = {
	.name = "io.k8s.api.core.v1.VsphereVirtualDiskVolumeSource",
	.doc = "A disk of vSphere.",
	SCHEMA_TABLE(vsphere_virtual_disk_volume_source_fields),
};

static const struct field quobyte_volume_source_fields[] = {
	ROW(STRING, "registry", 1, "Addresses of the registries, as host:port with commas.",
	    .flags = FIELD_REQUIRED),
	ROW(STRING, "volume", 2, "Name of the volume.", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 3, "Mount it for reading only."),
	ROW(STRING, "user", 4, "User to mount as."),
	ROW(STRING, "group", 5, "Group to mount as."),
	ROW(STRING, "tenant", 6, "Tenant that has the volume."),
};

const struct type type_quobyte_volume_source = {
	.name = "io.k8s.api.core.v1.QuobyteVolumeSource",
	.doc = "A Quobyte volume.",
	SCHEMA_TABLE(quobyte_volume_source_fields),
};

static const struct field azure_disk_volume_source_fields[] = {
	ROW(STRING, "diskName", 1, "Name of the disk.", .flags = FIELD_REQUIRED),
	ROW(STRING, "diskURI", 2, "URI of the disk.", .flags = FIELD_REQUIRED),
	ROW(STRING, "cachingMode", 3, "Caching by the host: None, ReadOnly or ReadWrite.",
	    .flags = FIELD_POINTER, .default_json = "\"ReadWrite\"",
	    .one_of = "None|ReadOnly|ReadWrite"),
	ROW(STRING, "fsType", 4, "File system on the volume.", .flags = FIELD_POINTER,
	    .default_json = "\"ext4\""),
	ROW(BOOL, "readOnly", 5, "Mount it for reading only.", .flags = FIELD_POINTER,
	    .default_json = "false"),
	ROW(STRING, "kind", 6, "Whose storage account has the disk: Shared, Dedicated or Managed.",
	    .flags = FIELD_POINTER, .default_json = "\"Shared\"",
	    .one_of = "Dedicated|Managed|Shared"),
};

const struct type type_azure_disk_volume_source = {
	.name = "io.k8s.api.core.v1.AzureDiskVolumeSource",
	.doc = "A disk of Azure.",
	SCHEMA_TABLE(azure_disk_volume_source_fields),
};

static const struct field photon_persistent_disk_volume_source_fields[] = {
	ROW(STRING, "pdID", 1, "ID of the disk.", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, "File system on the volume."),
};

const struct type type_photon_persistent_disk_volume_source = {
	.name = "io.k8s.api.core.v1.PhotonPersistentDiskVolumeSource",
	.doc = "A disk of Photon Controller.",
	SCHEMA_TABLE(photon_persistent_disk_volume_source_fields),
};

static const struct field portworx_volume_source_fields[] = {
	ROW(STRING, "volumeID", 1, "ID of the volume.", .flags = FIELD_REQUIRED),
	ROW(STRING, "fsType", 2, "File system on the volume."),
	ROW(BOOL, "readOnly", 3, "Mount it for reading only."),
};

const struct type type_portworx_volume_source = {
	.name = "io.k8s.api.core.v1.PortworxVolumeSource",
	.doc = "A Portworx volume.",
	SCHEMA_TABLE(portworx_volume_source_fields),
};

static const struct field scaleio_volume_source_fields[] = {
	ROW(STRING, "gateway", 1, "Address of the gateway.", .flags = FIELD_REQUIRED),
	ROW(STRING, "system", 2, "Name of the storage system.", .flags = FIELD_REQUIRED),
	ROW(MESSAGE, "secretRef", 3, "Secret with the credentials.",
	    .message = &type_local_object_reference, .flags = FIELD_EXPECTED | FIELD_POINTER),
	ROW(BOOL, "sslEnabled", 4, "Talk to the gateway over TLS."),
	ROW(STRING, "protectionDomain", 5, "Protection domain of the storage."),
	ROW(STRING, "storagePool", 6, "Pool of the protection domain."),
	ROW(STRING, "storageMode", 7, "ThickProvisioned or ThinProvisioned.",
	    .default_json = "\"ThinProvisioned\""),
	ROW(STRING, "volumeName", 8, "Name of the volume."),
	ROW(STRING, "fsType", 9, "File system on the volume.", .default_json = "\"xfs\""),
	ROW(BOOL, "readOnly", 10, "Mount it for reading only."),
};

const struct type type_scaleio_volume_source = {
	.name = "io.k8s.api.core.v1.ScaleIOVolumeSource",
	.doc = "A ScaleIO volume.",
	SCHEMA_TABLE(scaleio_volume_source_fields),
};

static const struct field storage_os_volume_source_fields[] = {
	ROW(STRING, "volumeName", 1, "Name of the volume."),
	ROW(STRING, "volumeNamespace", 2, "Scope of the name; the pod's namespace when empty."),
	ROW(STRING, "fsType", 3, "File system on the volume."),
	ROW(BOOL, "readOnly", 4, "Mount it for reading only."),
	ROW(MESSAGE, "secretRef", 5, "Secret with the credentials.",
	    .message = &type_local_object_reference, .flags = FIELD_POINTER),
};

const struct type type_storage_os_volume_source = {
	.name = "io.k8s.api.core.v1.StorageOSVolumeSource",
	.doc = "A StorageOS volume.",
	SCHEMA_TABLE(storage_os_volume_source_fields),
};
