/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Messages that more than one kind uses, and the shorthand that the tables of this folder are
 * written in. A message used by one file alone is static there.
 */

#include "object/schema.h"

/*
 * One row of a table: what it is (STRING, MESSAGE, … of enum field_type), its JSON key, its
 * protobuf number and its sentence; then what else there is to say, as designated initialisers.
 */
#define ROW(row_type, key, row_number, text, ...)                                                  \
	{                                                                                          \
		.name = (key), .type = FIELD_##row_type, .number = (row_number), .doc = (text),    \
		##__VA_ARGS__                                                                      \
	}

/* What every whole object begins with. */
#define KIND_ROWS                                                                                  \
	ROW(STRING, "apiVersion", 0, "Group and version that this representation belongs to."),    \
		ROW(STRING, "kind", 0, "Kind of this object, in CamelCase."),                      \
		ROW(MESSAGE, "metadata", 1, "Name, labels, owners and history of the object.",     \
		    .message = &type_object_meta)

extern const struct type type_affinity;
extern const struct type type_aws_elastic_block_store_volume_source;
extern const struct type type_azure_disk_volume_source;
extern const struct type type_azure_file_volume_source;
extern const struct type type_cephfs_volume_source;
extern const struct type type_cinder_volume_source;
extern const struct type type_condition;
extern const struct type type_config_map_volume_source;
extern const struct type type_container;
extern const struct type type_downward_api_volume_source;
extern const struct type type_env_from_source;
extern const struct type type_env_var;
extern const struct type type_ephemeral_container;
extern const struct type type_fc_volume_source;
extern const struct type type_flex_volume_source;
extern const struct type type_flocker_volume_source;
extern const struct type type_gce_persistent_disk_volume_source;
extern const struct type type_git_repo_volume_source;
extern const struct type type_glusterfs_volume_source;
extern const struct type type_host_path_volume_source;
extern const struct type type_iscsi_volume_source;
extern const struct type type_label_selector;
extern const struct type type_lifecycle;
extern const struct type type_local_object_reference;
extern const struct type type_node_config_source;
extern const struct type type_nfs_volume_source;
extern const struct type type_node_selector;
extern const struct type type_node_status;
extern const struct type type_object_field_selector;
extern const struct type type_object_meta;
extern const struct type type_object_reference;
extern const struct type type_persistent_volume_claim;
extern const struct type type_persistent_volume_claim_spec;
extern const struct type type_photon_persistent_disk_volume_source;
extern const struct type type_pod_security_context;
extern const struct type type_pod_spec;
extern const struct type type_pod_status;
extern const struct type type_pod_template_spec;
extern const struct type type_portworx_volume_source;
extern const struct type type_probe;
extern const struct type type_projected_volume_source;
extern const struct type type_quobyte_volume_source;
extern const struct type type_rbd_volume_source;
extern const struct type type_resource_field_selector;
extern const struct type type_resource_requirements;
extern const struct type type_scale;
extern const struct type type_scaleio_volume_source;
extern const struct type type_secret_volume_source;
extern const struct type type_security_context;
extern const struct type type_storage_os_volume_source;
extern const struct type type_toleration;
extern const struct type type_topology_spread_constraint;
extern const struct type type_typed_local_object_reference;
extern const struct type type_typed_object_reference;
extern const struct type type_volume;
extern const struct type type_vsphere_virtual_disk_volume_source;

/* For the initialiser of a struct kind: its printed columns, and what field selectors may name. */
#define KIND_COLUMNS(rows) .columns = (rows), .n_columns = sizeof(rows) / sizeof((rows)[0])
#define KIND_SELECTABLES(rows)                                                                     \
	.selectables = (rows), .n_selectables = sizeof(rows) / sizeof((rows)[0])
