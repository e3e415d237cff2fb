/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "object/kinds/container_rules.h"
#include "object/kinds/field_path.h"
#include "object/kinds/rules.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * Environment variables, and where their values come from.
 */

static const struct field config_map_key_selector_fields[] = {
	ROW(MESSAGE, "", 1, "Name of the ConfigMap.", .message = &type_local_object_reference,
	    .flags = FIELD_INLINE),
	ROW(STRING, "key", 2, "Key of the entry.", .flags = FIELD_REQUIRED),
	ROW(BOOL, "optional", 3, "Whether the container may start without it.",
	    .flags = FIELD_POINTER),
};

static const struct type type_config_map_key_selector = {
	.name = "io.k8s.api.core.v1.ConfigMapKeySelector",
	.doc = "One entry of a ConfigMap.",
	SCHEMA_TABLE(config_map_key_selector_fields),
	.atomic = true,
};

static const struct field secret_key_selector_fields[] = {
	ROW(MESSAGE, "", 1, "Name of the Secret.", .message = &type_local_object_reference,
	    .flags = FIELD_INLINE),
	ROW(STRING, "key", 2, "Key of the entry.", .flags = FIELD_REQUIRED),
	ROW(BOOL, "optional", 3, "Whether the container may start without it.",
	    .flags = FIELD_POINTER),
};

static const struct type type_secret_key_selector = {
	.name = "io.k8s.api.core.v1.SecretKeySelector",
	.doc = "One entry of a Secret.",
	SCHEMA_TABLE(secret_key_selector_fields),
	.atomic = true,
};

static const struct field file_key_selector_fields[] = {
	ROW(STRING, "volumeName", 1, "Name of the volume.", .flags = FIELD_REQUIRED),
	ROW(STRING, "path", 2, "Path of the file in the volume.", .flags = FIELD_REQUIRED),
	ROW(STRING, "key", 3, "Name of the variable in the file.", .flags = FIELD_REQUIRED),
	ROW(BOOL, "optional", 4, "Whether the container may start without it.",
	    .flags = FIELD_POINTER),
};

static const struct type type_file_key_selector = {
	.name = "io.k8s.api.core.v1.FileKeySelector",
	.doc = "One variable of a file in a volume.",
	SCHEMA_TABLE(file_key_selector_fields),
	.atomic = true,
};

static void env_var_source_check(const json_t *source, const char *path,
				 struct field_errors *errors)
{
	static const char *const keys[] = { "fieldRef", "resourceFieldRef", "configMapKeyRef",
					    "secretKeyRef", "fileKeyRef" };
	_cleanup_free_ char *place = mem_printf("%s.fieldRef", path);

	field_path_check(json_object_get(source, "fieldRef"), FIELD_PATHS_OF_VARIABLES, place,
			 errors);
	check_exactly_one(source, keys, ARRAY_SIZE(keys),
			  "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, "
			  "`secretKeyRef` or `fileKeyRef`",
			  "may not have more than one field specified at a time", path, errors);
}

static const struct field env_var_source_fields[] = {
	ROW(MESSAGE, "fieldRef", 1, "A field of the pod.", .message = &type_object_field_selector,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "resourceFieldRef", 2, "A limit or request of a container.",
	    .message = &type_resource_field_selector, .flags = FIELD_POINTER),
	ROW(MESSAGE, "configMapKeyRef", 3, "An entry of a ConfigMap.",
	    .message = &type_config_map_key_selector, .flags = FIELD_POINTER),
	ROW(MESSAGE, "secretKeyRef", 4, "An entry of a Secret.",
	    .message = &type_secret_key_selector, .flags = FIELD_POINTER),
	ROW(MESSAGE, "fileKeyRef", 5, "A variable of a file in a volume.",
	    .message = &type_file_key_selector, .flags = FIELD_POINTER),
};

static const struct type type_env_var_source = {
	.name = "io.k8s.api.core.v1.EnvVarSource",
	.doc = "Where the value of a variable comes from; exactly one of these is set.",
	SCHEMA_TABLE(env_var_source_fields),
	.check = env_var_source_check,
};

static void env_var_check(const json_t *variable, const char *path, struct field_errors *errors)
{
	if (json_string_at(variable, "value")[0] != '\0' &&
	    json_object_get(variable, "valueFrom") != NULL) {
		rule_error_text(errors, FIELD_ERROR_INVALID, "",
				"may not be specified when `value` is not empty", "%s.valueFrom",
				path);
	}
}

static const struct field env_var_fields[] = {
	ROW(STRING, "name", 1, "Name of the variable.", .flags = FIELD_REQUIRED,
	    .format = FORMAT_ENV_NAME),
	ROW(STRING, "value", 2, "Its value; $(NAME) stands for variables defined before."),
	ROW(MESSAGE, "valueFrom", 3, "Where its value comes from, instead.",
	    .message = &type_env_var_source, .flags = FIELD_POINTER),
};

const struct type type_env_var = {
	.name = "io.k8s.api.core.v1.EnvVar",
	.doc = "An environment variable.",
	SCHEMA_TABLE(env_var_fields),
	.check = env_var_check,
};

static const struct field config_map_env_source_fields[] = {
	ROW(MESSAGE, "", 1, "Name of the ConfigMap.", .message = &type_local_object_reference,
	    .flags = FIELD_INLINE),
	ROW(BOOL, "optional", 2, "Whether the container may start without it.",
	    .flags = FIELD_POINTER),
};

static const struct type type_config_map_env_source = {
	.name = "io.k8s.api.core.v1.ConfigMapEnvSource",
	.doc = "All entries of a ConfigMap as variables.",
	SCHEMA_TABLE(config_map_env_source_fields),
};

static const struct field secret_env_source_fields[] = {
	ROW(MESSAGE, "", 1, "Name of the Secret.", .message = &type_local_object_reference,
	    .flags = FIELD_INLINE),
	ROW(BOOL, "optional", 2, "Whether the container may start without it.",
	    .flags = FIELD_POINTER),
};

static const struct type type_secret_env_source = {
	.name = "io.k8s.api.core.v1.SecretEnvSource",
	.doc = "All entries of a Secret as variables.",
	SCHEMA_TABLE(secret_env_source_fields),
};

static void env_from_source_check(const json_t *source, const char *path,
				  struct field_errors *errors)
{
	static const char *const keys[] = { "configMapRef", "secretRef" };

	check_exactly_one(source, keys, ARRAY_SIZE(keys),
			  "must specify one of: `configMapRef` or `secretRef`",
			  "may not have more than one field specified at a time", path, errors);
}

static const struct field env_from_source_fields[] = {
	ROW(STRING, "prefix", 1, "Text put before each name."),
	ROW(MESSAGE, "configMapRef", 2, "The ConfigMap.", .message = &type_config_map_env_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "secretRef", 3, "The Secret.", .message = &type_secret_env_source,
	    .flags = FIELD_POINTER),
};

const struct type type_env_from_source = {
	.name = "io.k8s.api.core.v1.EnvFromSource",
	.doc = "A map whose entries all become variables.",
	SCHEMA_TABLE(env_from_source_fields),
	.check = env_from_source_check,
};
