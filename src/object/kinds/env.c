/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/types.h"

static const struct field config_map_key_selector_fields[] = {
	ROW(MESSAGE, "", 1, "", .message = &type_local_object_reference, .flags = FIELD_INLINE),
	ROW(STRING, "key", 2, "", .flags = FIELD_REQUIRED),
	ROW(BOOL, "optional", 3, "", .flags = FIELD_POINTER),
};

static const struct type type_config_map_key_selector = {
	.name = "io.k8s.api.core.v1.ConfigMapKeySelector",
	.doc = "",
	SCHEMA_TABLE(config_map_key_selector_fields),
	.atomic = true,
};

static const struct field secret_key_selector_fields[] = {
	ROW(MESSAGE, "", 1, "", .message = &type_local_object_reference, .flags = FIELD_INLINE),
	ROW(STRING, "key", 2, "", .flags = FIELD_REQUIRED),
	ROW(BOOL, "optional", 3, "", .flags = FIELD_POINTER),
};

static const struct type type_secret_key_selector = {
	.name = "io.k8s.api.core.v1.SecretKeySelector",
	.doc = "",
	SCHEMA_TABLE(secret_key_selector_fields),
	.atomic = true,
};

static const struct field file_key_selector_fields[] = {
	ROW(STRING, "volumeName", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "path", 2, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "key", 3, "", .flags = FIELD_REQUIRED),
	ROW(BOOL, "optional", 4, "", .flags = FIELD_POINTER),
};

static const struct type type_file_key_selector = {
	.name = "io.k8s.api.core.v1.FileKeySelector",
	.doc = "",
	SCHEMA_TABLE(file_key_selector_fields),
	.atomic = true,
};

static const struct field env_var_source_fields[] = {
	ROW(MESSAGE, "fieldRef", 1, "", .message = &type_object_field_selector,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "resourceFieldRef", 2, "", .message = &type_resource_field_selector,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "configMapKeyRef", 3, "", .message = &type_config_map_key_selector,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "secretKeyRef", 4, "", .message = &type_secret_key_selector,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "fileKeyRef", 5, "", .message = &type_file_key_selector,
	    .flags = FIELD_POINTER),
};

static const struct type type_env_var_source = {
	.name = "io.k8s.api.core.v1.EnvVarSource",
	.doc = "",
	SCHEMA_TABLE(env_var_source_fields),
};

static const struct field env_var_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED, .format = FORMAT_ENV_NAME),
	ROW(STRING, "value", 2, ""),
	ROW(MESSAGE, "valueFrom", 3, "", .message = &type_env_var_source, .flags = FIELD_POINTER),
};

const struct type type_env_var = {
	.name = "io.k8s.api.core.v1.EnvVar",
	.doc = "",
	SCHEMA_TABLE(env_var_fields),
};

static const struct field config_map_env_source_fields[] = {
	ROW(MESSAGE, "", 1, "", .message = &type_local_object_reference, .flags = FIELD_INLINE),
	ROW(BOOL, "optional", 2, "", .flags = FIELD_POINTER),
};

static const struct type type_config_map_env_source = {
	.name = "io.k8s.api.core.v1.ConfigMapEnvSource",
	.doc = "",
	SCHEMA_TABLE(config_map_env_source_fields),
};

static const struct field secret_env_source_fields[] = {
	ROW(MESSAGE, "", 1, "", .message = &type_local_object_reference, .flags = FIELD_INLINE),
	ROW(BOOL, "optional", 2, "", .flags = FIELD_POINTER),
};

static const struct type type_secret_env_source = {
	.name = "io.k8s.api.core.v1.SecretEnvSource",
	.doc = "",
	SCHEMA_TABLE(secret_env_source_fields),
};

static const struct field env_from_source_fields[] = {
	ROW(STRING, "prefix", 1, ""),
	ROW(MESSAGE, "configMapRef", 2, "", .message = &type_config_map_env_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "secretRef", 3, "", .message = &type_secret_env_source,
	    .flags = FIELD_POINTER),
};

const struct type type_env_from_source = {
	.name = "io.k8s.api.core.v1.EnvFromSource",
	.doc = "",
	SCHEMA_TABLE(env_from_source_fields),
};
