/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "object/kinds/container_rules.h"
#include "object/kinds/field_path.h"
#include "object/kinds/types.h"

/*
 * Volumes that show objects as files, and the selectors of fields they use.
 */

static const struct field key_to_path_fields[] = {
	ROW(STRING, "key", 1, "Key of the entry.", .flags = FIELD_REQUIRED),
	ROW(STRING, "path", 2, "Path of the file, relative to the mount and without \"..\".",
	    .flags = FIELD_REQUIRED),
	ROW(INT32, "mode", 3, "Permission bits of the file; defaultMode of the volume when absent.",
	    .flags = FIELD_POINTER),
};

static const struct type type_key_to_path = {
	.name = "io.k8s.api.core.v1.KeyToPath",
	.doc = "One entry of a map, as a file.",
	SCHEMA_TABLE(key_to_path_fields),
};

static const struct field secret_volume_source_fields[] = {
	ROW(STRING, "secretName", 1, "Name of the Secret."),
	ROW(MESSAGE, "items", 2, "Which entries to show, and where; all of them when empty.",
	    .shape = FIELD_LIST, .message = &type_key_to_path, .flags = FIELD_LIST_ATOMIC),
	ROW(INT32, "defaultMode", 3, "Permission bits of files that have none of their own.",
	    .flags = FIELD_POINTER, .default_json = "420"),
	ROW(BOOL, "optional", 4, "Whether the pod may start without it.", .flags = FIELD_POINTER),
};

const struct type type_secret_volume_source = {
	.name = "io.k8s.api.core.v1.SecretVolumeSource",
	.doc = "Entries of a Secret as files.",
	SCHEMA_TABLE(secret_volume_source_fields),
};

static const struct field config_map_volume_source_fields[] = {
	ROW(MESSAGE, "", 1, "Name of the ConfigMap.", .message = &type_local_object_reference,
	    .flags = FIELD_INLINE),
	ROW(MESSAGE, "items", 2, "Which entries to show, and where; all of them when empty.",
	    .shape = FIELD_LIST, .message = &type_key_to_path, .flags = FIELD_LIST_ATOMIC),
	ROW(INT32, "defaultMode", 3, "Permission bits of files that have none of their own.",
	    .flags = FIELD_POINTER, .default_json = "420"),
	ROW(BOOL, "optional", 4, "Whether the pod may start without it.", .flags = FIELD_POINTER),
};

const struct type type_config_map_volume_source = {
	.name = "io.k8s.api.core.v1.ConfigMapVolumeSource",
	.doc = "Entries of a ConfigMap as files.",
	SCHEMA_TABLE(config_map_volume_source_fields),
};

static const struct field object_field_selector_fields[] = {
	ROW(STRING, "apiVersion", 1, "Version that the path is written in.",
	    .default_json = "\"v1\""),
	ROW(STRING, "fieldPath", 2, "Path of the field, such as metadata.name or status.podIP.",
	    .flags = FIELD_REQUIRED),
};

const struct type type_object_field_selector = {
	.name = "io.k8s.api.core.v1.ObjectFieldSelector",
	.doc = "A field of the pod itself.",
	SCHEMA_TABLE(object_field_selector_fields),
	.atomic = true,
};

static const struct field resource_field_selector_fields[] = {
	ROW(STRING, "containerName", 1, "Name of the container; needed in volumes."),
	ROW(STRING, "resource", 2, "Which amount, such as limits.cpu.", .flags = FIELD_REQUIRED),
	ROW(QUANTITY, "divisor", 3, "Unit to count in; 1 when it is 0.", .default_json = "\"0\""),
};

const struct type type_resource_field_selector = {
	.name = "io.k8s.api.core.v1.ResourceFieldSelector",
	.doc = "A resource limit or request of a container.",
	SCHEMA_TABLE(resource_field_selector_fields),
	.atomic = true,
};

static void downward_api_volume_file_check(const json_t *file, const char *path,
					   struct field_errors *errors)
{
	static const char *const keys[] = { "fieldRef", "resourceFieldRef" };
	_cleanup_free_ char *place = mem_printf("%s.fieldRef", path);

	check_exactly_one(file, keys, ARRAY_SIZE(keys),
			  "one of fieldRef and resourceFieldRef is required",
			  "fieldRef and resourceFieldRef can not be specified simultaneously", path,
			  errors);
	field_path_check(json_object_get(file, "fieldRef"), FIELD_PATHS_OF_FILES, place, errors);
}

static const struct field downward_api_volume_file_fields[] = {
	ROW(STRING, "path", 1, "Path of the file, relative to the mount and without \"..\".",
	    .flags = FIELD_REQUIRED),
	ROW(MESSAGE, "fieldRef", 2,
	    "Field of the pod: labels, annotations, name, namespace or UID.",
	    .message = &type_object_field_selector, .flags = FIELD_POINTER),
	ROW(MESSAGE, "resourceFieldRef", 3, "Limit or request of a container.",
	    .message = &type_resource_field_selector, .flags = FIELD_POINTER),
	ROW(INT32, "mode", 4, "Permission bits of the file; defaultMode of the volume when absent.",
	    .flags = FIELD_POINTER),
};

static const struct type type_downward_api_volume_file = {
	.name = "io.k8s.api.core.v1.DownwardAPIVolumeFile",
	.doc = "One file with a field of the pod.",
	SCHEMA_TABLE(downward_api_volume_file_fields),
	.check = downward_api_volume_file_check,
};

static const struct field downward_api_volume_source_fields[] = {
	ROW(MESSAGE, "items", 1, "The files.", .shape = FIELD_LIST,
	    .message = &type_downward_api_volume_file, .flags = FIELD_LIST_ATOMIC),
	ROW(INT32, "defaultMode", 2, "Permission bits of files that have none of their own.",
	    .flags = FIELD_POINTER, .default_json = "420"),
};

const struct type type_downward_api_volume_source = {
	.name = "io.k8s.api.core.v1.DownwardAPIVolumeSource",
	.doc = "Fields of the pod as files.",
	SCHEMA_TABLE(downward_api_volume_source_fields),
};

static const struct field secret_projection_fields[] = {
	ROW(MESSAGE, "", 1, "Name of the Secret.", .message = &type_local_object_reference,
	    .flags = FIELD_INLINE),
	ROW(MESSAGE, "items", 2, "Which entries to show, and where; all of them when empty.",
	    .shape = FIELD_LIST, .message = &type_key_to_path, .flags = FIELD_LIST_ATOMIC),
	ROW(BOOL, "optional", 4, "Whether the pod may start without it.", .flags = FIELD_POINTER),
};

static const struct type type_secret_projection = {
	.name = "io.k8s.api.core.v1.SecretProjection",
	.doc = "Entries of a Secret in a projected volume.",
	SCHEMA_TABLE(secret_projection_fields),
};

static const struct field downward_api_projection_fields[] = {
	ROW(MESSAGE, "items", 1, "The files.", .shape = FIELD_LIST,
	    .message = &type_downward_api_volume_file, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_downward_api_projection = {
	.name = "io.k8s.api.core.v1.DownwardAPIProjection",
	.doc = "Fields of the pod in a projected volume.",
	SCHEMA_TABLE(downward_api_projection_fields),
};

static const struct field config_map_projection_fields[] = {
	ROW(MESSAGE, "", 1, "Name of the ConfigMap.", .message = &type_local_object_reference,
	    .flags = FIELD_INLINE),
	ROW(MESSAGE, "items", 2, "Which entries to show, and where; all of them when empty.",
	    .shape = FIELD_LIST, .message = &type_key_to_path, .flags = FIELD_LIST_ATOMIC),
	ROW(BOOL, "optional", 4, "Whether the pod may start without it.", .flags = FIELD_POINTER),
};

static const struct type type_config_map_projection = {
	.name = "io.k8s.api.core.v1.ConfigMapProjection",
	.doc = "Entries of a ConfigMap in a projected volume.",
	SCHEMA_TABLE(config_map_projection_fields),
};

static const struct field service_account_token_projection_fields[] = {
	ROW(STRING, "audience", 1, "Who is to accept the token; the API server when empty."),
	ROW(INT64, "expirationSeconds", 2, "Seconds that a token is good for.",
	    .flags = FIELD_POINTER, .default_json = "3600"),
	ROW(STRING, "path", 3, "Path of the file, relative to the mount.", .flags = FIELD_REQUIRED),
};

static const struct type type_service_account_token_projection = {
	.name = "io.k8s.api.core.v1.ServiceAccountTokenProjection",
	.doc = "A token of the pod's service account, renewed in time.",
	SCHEMA_TABLE(service_account_token_projection_fields),
};

static const struct field cluster_trust_bundle_projection_fields[] = {
	ROW(STRING, "name", 1, "Name of one bundle; excludes signerName.", .flags = FIELD_POINTER),
	ROW(STRING, "signerName", 2, "Signer whose bundles are taken; excludes name.",
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "labelSelector", 3, "Which bundles of the signer to take.",
	    .message = &type_label_selector, .flags = FIELD_POINTER),
	ROW(BOOL, "optional", 5, "Whether the pod may start without it.", .flags = FIELD_POINTER),
	ROW(STRING, "path", 4, "Path of the file, relative to the mount.", .flags = FIELD_REQUIRED),
};

static const struct type type_cluster_trust_bundle_projection = {
	.name = "io.k8s.api.core.v1.ClusterTrustBundleProjection",
	.doc = "Certificates to trust, out of cluster trust bundles.",
	SCHEMA_TABLE(cluster_trust_bundle_projection_fields),
};

static const struct field pod_certificate_projection_fields[] = {
	ROW(STRING, "signerName", 1, "Signer that issues the certificate."),
	ROW(STRING, "keyType", 2, "Type of the key, such as ED25519 or ECDSAP256."),
	ROW(INT32, "maxExpirationSeconds", 3, "Longest life that is asked for.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "credentialBundlePath", 4, "File for the key followed by the certificates."),
	ROW(STRING, "keyPath", 5, "File for the key alone."),
	ROW(STRING, "certificateChainPath", 6, "File for the certificates alone."),
	ROW(STRING, "userAnnotations", 7, "Notes that are handed to the signer.",
	    .shape = FIELD_MAP),
};

static const struct type type_pod_certificate_projection = {
	.name = "io.k8s.api.core.v1.PodCertificateProjection",
	.doc = "A key and a certificate for the pod, renewed in time.",
	SCHEMA_TABLE(pod_certificate_projection_fields),
};

static const struct field volume_projection_fields[] = {
	ROW(MESSAGE, "secret", 1, "Entries of a Secret.", .message = &type_secret_projection,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "downwardAPI", 2, "Fields of the pod.",
	    .message = &type_downward_api_projection, .flags = FIELD_POINTER),
	ROW(MESSAGE, "configMap", 3, "Entries of a ConfigMap.",
	    .message = &type_config_map_projection, .flags = FIELD_POINTER),
	ROW(MESSAGE, "serviceAccountToken", 4, "A token of the pod's service account.",
	    .message = &type_service_account_token_projection, .flags = FIELD_POINTER),
	ROW(MESSAGE, "clusterTrustBundle", 5, "Certificates to trust.",
	    .message = &type_cluster_trust_bundle_projection, .flags = FIELD_POINTER),
	ROW(MESSAGE, "podCertificate", 6, "A key and a certificate for the pod.",
	    .message = &type_pod_certificate_projection, .flags = FIELD_POINTER),
};

static const struct type type_volume_projection = {
	.name = "io.k8s.api.core.v1.VolumeProjection",
	.doc = "One source of a projected volume; exactly one of these is set.",
	SCHEMA_TABLE(volume_projection_fields),
};

static const struct field projected_volume_source_fields[] = {
	ROW(MESSAGE, "sources", 1, "The sources.", .shape = FIELD_LIST,
	    .message = &type_volume_projection, .flags = FIELD_LIST_ATOMIC),
	ROW(INT32, "defaultMode", 2, "Permission bits of files that have none of their own.",
	    .flags = FIELD_POINTER, .default_json = "420"),
};

const struct type type_projected_volume_source = {
	.name = "io.k8s.api.core.v1.ProjectedVolumeSource",
	.doc = "Several sources as files of one directory.",
	SCHEMA_TABLE(projected_volume_source_fields),
};
