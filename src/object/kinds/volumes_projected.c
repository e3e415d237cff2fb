/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * Volumes that show objects as files, and the selectors of fields they use.
 */

static const struct field key_to_path_fields[] = {
	ROW(STRING, "key", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "path", 2, "", .flags = FIELD_REQUIRED),
	ROW(INT32, "mode", 3, "", .flags = FIELD_POINTER),
};

static const struct type type_key_to_path = {
	.name = "io.k8s.api.core.v1.KeyToPath",
	.doc = "",
	SCHEMA_TABLE(key_to_path_fields),
};

static const struct field secret_volume_source_fields[] = {
	ROW(STRING, "secretName", 1, ""),
	ROW(MESSAGE, "items", 2, "", .shape = FIELD_LIST, .message = &type_key_to_path,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(INT32, "defaultMode", 3, "", .flags = FIELD_POINTER, .default_json = "420"),
	ROW(BOOL, "optional", 4, "", .flags = FIELD_POINTER),
};

const struct type type_secret_volume_source = {
	.name = "io.k8s.api.core.v1.SecretVolumeSource",
	.doc = "",
	SCHEMA_TABLE(secret_volume_source_fields),
};

static const struct field config_map_volume_source_fields[] = {
	ROW(MESSAGE, "", 1, "", .message = &type_local_object_reference, .flags = FIELD_INLINE),
	ROW(MESSAGE, "items", 2, "", .shape = FIELD_LIST, .message = &type_key_to_path,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(INT32, "defaultMode", 3, "", .flags = FIELD_POINTER, .default_json = "420"),
	ROW(BOOL, "optional", 4, "", .flags = FIELD_POINTER),
};

const struct type type_config_map_volume_source = {
	.name = "io.k8s.api.core.v1.ConfigMapVolumeSource",
	.doc = "",
	SCHEMA_TABLE(config_map_volume_source_fields),
};

static const struct field object_field_selector_fields[] = {
	ROW(STRING, "apiVersion", 1, "", .default_json = "\"v1\""),
	ROW(STRING, "fieldPath", 2, "", .flags = FIELD_REQUIRED),
};

const struct type type_object_field_selector = {
	.name = "io.k8s.api.core.v1.ObjectFieldSelector",
	.doc = "",
	SCHEMA_TABLE(object_field_selector_fields),
	.atomic = true,
};

static const struct field resource_field_selector_fields[] = {
	ROW(STRING, "containerName", 1, ""),
	ROW(STRING, "resource", 2, "", .flags = FIELD_REQUIRED),
	ROW(QUANTITY, "divisor", 3, "", .default_json = "\"0\""),
};

const struct type type_resource_field_selector = {
	.name = "io.k8s.api.core.v1.ResourceFieldSelector",
	.doc = "",
	SCHEMA_TABLE(resource_field_selector_fields),
	.atomic = true,
};

static const struct field downward_api_volume_file_fields[] = {
	ROW(STRING, "path", 1, "", .flags = FIELD_REQUIRED),
	ROW(MESSAGE, "fieldRef", 2, "", .message = &type_object_field_selector,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "resourceFieldRef", 3, "", .message = &type_resource_field_selector,
	    .flags = FIELD_POINTER),
	ROW(INT32, "mode", 4, "", .flags = FIELD_POINTER),
};

static const struct type type_downward_api_volume_file = {
	.name = "io.k8s.api.core.v1.DownwardAPIVolumeFile",
	.doc = "",
	SCHEMA_TABLE(downward_api_volume_file_fields),
};

static const struct field downward_api_volume_source_fields[] = {
	ROW(MESSAGE, "items", 1, "", .shape = FIELD_LIST, .message = &type_downward_api_volume_file,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(INT32, "defaultMode", 2, "", .flags = FIELD_POINTER, .default_json = "420"),
};

const struct type type_downward_api_volume_source = {
	.name = "io.k8s.api.core.v1.DownwardAPIVolumeSource",
	.doc = "",
	SCHEMA_TABLE(downward_api_volume_source_fields),
};

static const struct field secret_projection_fields[] = {
	ROW(MESSAGE, "", 1, "", .message = &type_local_object_reference, .flags = FIELD_INLINE),
	ROW(MESSAGE, "items", 2, "", .shape = FIELD_LIST, .message = &type_key_to_path,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(BOOL, "optional", 4, "", .flags = FIELD_POINTER),
};

static const struct type type_secret_projection = {
	.name = "io.k8s.api.core.v1.SecretProjection",
	.doc = "",
	SCHEMA_TABLE(secret_projection_fields),
};

static const struct field downward_api_projection_fields[] = {
	ROW(MESSAGE, "items", 1, "", .shape = FIELD_LIST, .message = &type_downward_api_volume_file,
	    .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_downward_api_projection = {
	.name = "io.k8s.api.core.v1.DownwardAPIProjection",
	.doc = "",
	SCHEMA_TABLE(downward_api_projection_fields),
};

static const struct field config_map_projection_fields[] = {
	ROW(MESSAGE, "", 1, "", .message = &type_local_object_reference, .flags = FIELD_INLINE),
	ROW(MESSAGE, "items", 2, "", .shape = FIELD_LIST, .message = &type_key_to_path,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(BOOL, "optional", 4, "", .flags = FIELD_POINTER),
};

static const struct type type_config_map_projection = {
	.name = "io.k8s.api.core.v1.ConfigMapProjection",
	.doc = "",
	SCHEMA_TABLE(config_map_projection_fields),
};

static const struct field service_account_token_projection_fields[] = {
	ROW(STRING, "audience", 1, ""),
	ROW(INT64, "expirationSeconds", 2, "", .flags = FIELD_POINTER, .default_json = "3600"),
	ROW(STRING, "path", 3, "", .flags = FIELD_REQUIRED),
};

static const struct type type_service_account_token_projection = {
	.name = "io.k8s.api.core.v1.ServiceAccountTokenProjection",
	.doc = "",
	SCHEMA_TABLE(service_account_token_projection_fields),
};

static const struct field cluster_trust_bundle_projection_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_POINTER),
	ROW(STRING, "signerName", 2, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "labelSelector", 3, "", .message = &type_label_selector,
	    .flags = FIELD_POINTER),
	ROW(BOOL, "optional", 5, "", .flags = FIELD_POINTER),
	ROW(STRING, "path", 4, "", .flags = FIELD_REQUIRED),
};

static const struct type type_cluster_trust_bundle_projection = {
	.name = "io.k8s.api.core.v1.ClusterTrustBundleProjection",
	.doc = "",
	SCHEMA_TABLE(cluster_trust_bundle_projection_fields),
};

static const struct field pod_certificate_projection_fields[] = {
	ROW(STRING, "signerName", 1, ""),
	ROW(STRING, "keyType", 2, ""),
	ROW(INT32, "maxExpirationSeconds", 3, "", .flags = FIELD_POINTER),
	ROW(STRING, "credentialBundlePath", 4, ""),
	ROW(STRING, "keyPath", 5, ""),
	ROW(STRING, "certificateChainPath", 6, ""),
	ROW(STRING, "userAnnotations", 7, "", .shape = FIELD_MAP),
};

static const struct type type_pod_certificate_projection = {
	.name = "io.k8s.api.core.v1.PodCertificateProjection",
	.doc = "",
	SCHEMA_TABLE(pod_certificate_projection_fields),
};

static const struct field volume_projection_fields[] = {
	ROW(MESSAGE, "secret", 1, "", .message = &type_secret_projection, .flags = FIELD_POINTER),
	ROW(MESSAGE, "downwardAPI", 2, "", .message = &type_downward_api_projection,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "configMap", 3, "", .message = &type_config_map_projection,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "serviceAccountToken", 4, "",
	    .message = &type_service_account_token_projection, .flags = FIELD_POINTER),
	ROW(MESSAGE, "clusterTrustBundle", 5, "", .message = &type_cluster_trust_bundle_projection,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "podCertificate", 6, "", .message = &type_pod_certificate_projection,
	    .flags = FIELD_POINTER),
};

static const struct type type_volume_projection = {
	.name = "io.k8s.api.core.v1.VolumeProjection",
	.doc = "",
	SCHEMA_TABLE(volume_projection_fields),
};

static const struct field projected_volume_source_fields[] = {
	ROW(MESSAGE, "sources", 1, "", .shape = FIELD_LIST, .message = &type_volume_projection,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(INT32, "defaultMode", 2, "", .flags = FIELD_POINTER, .default_json = "420"),
};

const struct type type_projected_volume_source = {
	.name = "io.k8s.api.core.v1.ProjectedVolumeSource",
	.doc = "",
	SCHEMA_TABLE(projected_volume_source_fields),
};
