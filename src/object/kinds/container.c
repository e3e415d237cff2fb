/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/container_rules.h"
#include "object/kinds/types.h"

/*
 * Containers. A container that is added to a running pod for debugging has the same fields, so its
 * message borrows their rows.
 */

static const struct field container_port_fields[] = {
	ROW(STRING, "name", 1, "", .format = FORMAT_PORT_NAME),
	ROW(INT32, "hostPort", 2, ""),
	ROW(INT32, "containerPort", 3, "", .flags = FIELD_EXPECTED, .format = FORMAT_PORT),
	ROW(STRING, "protocol", 4, "", .default_json = "\"TCP\"", .one_of = "SCTP|TCP|UDP"),
	ROW(STRING, "hostIP", 5, ""),
};

static const struct type type_container_port = {
	.name = "io.k8s.api.core.v1.ContainerPort",
	.doc = "",
	SCHEMA_TABLE(container_port_fields),
	.check = container_port_check,
};

static const struct field resource_claim_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "request", 2, ""),
};

static const struct type type_resource_claim = {
	.name = "io.k8s.api.core.v1.ResourceClaim",
	.doc = "",
	SCHEMA_TABLE(resource_claim_fields),
};

static const struct field resource_requirements_fields[] = {
	ROW(QUANTITY, "limits", 1, "", .shape = FIELD_MAP),
	ROW(QUANTITY, "requests", 2, "", .shape = FIELD_MAP),
	ROW(MESSAGE, "claims", 3, "", .shape = FIELD_LIST, .message = &type_resource_claim,
	    .flags = FIELD_LIST_MAP, .list_keys = "name"),
};

const struct type type_resource_requirements = {
	.name = "io.k8s.api.core.v1.ResourceRequirements",
	.doc = "",
	SCHEMA_TABLE(resource_requirements_fields),
};

static const struct field container_resize_policy_fields[] = {
	ROW(STRING, "resourceName", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "restartPolicy", 2, "", .flags = FIELD_REQUIRED,
	    .one_of = "NotRequired|RestartContainer"),
};

static const struct type type_container_resize_policy = {
	.name = "io.k8s.api.core.v1.ContainerResizePolicy",
	.doc = "",
	SCHEMA_TABLE(container_resize_policy_fields),
};

static const struct field container_restart_rule_on_exit_codes_fields[] = {
	ROW(STRING, "operator", 1, ""),
	ROW(INT32, "values", 2, "", .shape = FIELD_LIST, .flags = FIELD_LIST_SET),
};

static const struct type type_container_restart_rule_on_exit_codes = {
	.name = "io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes",
	.doc = "",
	SCHEMA_TABLE(container_restart_rule_on_exit_codes_fields),
};

static const struct field container_restart_rule_fields[] = {
	ROW(STRING, "action", 1, ""),
	ROW(MESSAGE, "exitCodes", 2, "", .message = &type_container_restart_rule_on_exit_codes,
	    .flags = FIELD_POINTER),
};

static const struct type type_container_restart_rule = {
	.name = "io.k8s.api.core.v1.ContainerRestartRule",
	.doc = "",
	SCHEMA_TABLE(container_restart_rule_fields),
};

static const struct field volume_mount_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 2, ""),
	ROW(STRING, "recursiveReadOnly", 7, "", .flags = FIELD_POINTER),
	ROW(STRING, "mountPath", 3, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "subPath", 4, ""),
	ROW(STRING, "mountPropagation", 5, "", .flags = FIELD_POINTER,
	    .one_of = "Bidirectional|HostToContainer|None"),
	ROW(STRING, "subPathExpr", 6, ""),
};

static const struct type type_volume_mount = {
	.name = "io.k8s.api.core.v1.VolumeMount",
	.doc = "",
	SCHEMA_TABLE(volume_mount_fields),
};

static const struct field volume_device_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "devicePath", 2, "", .flags = FIELD_REQUIRED),
};

static const struct type type_volume_device = {
	.name = "io.k8s.api.core.v1.VolumeDevice",
	.doc = "",
	SCHEMA_TABLE(volume_device_fields),
};

static const struct field container_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED, .format = FORMAT_DNS_LABEL),
	ROW(STRING, "image", 2, ""),
	ROW(STRING, "command", 3, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "args", 4, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "workingDir", 5, ""),
	ROW(MESSAGE, "ports", 6, "", .shape = FIELD_LIST, .message = &type_container_port,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "containerPort",
	    .list_keys = "containerPort,protocol"),
	ROW(MESSAGE, "envFrom", 19, "", .shape = FIELD_LIST, .message = &type_env_from_source,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "env", 7, "", .shape = FIELD_LIST, .message = &type_env_var,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "name", .list_keys = "name"),
	ROW(MESSAGE, "resources", 8, "", .message = &type_resource_requirements,
	    .default_json = "{}"),
	ROW(MESSAGE, "resizePolicy", 23, "", .shape = FIELD_LIST,
	    .message = &type_container_resize_policy, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "restartPolicy", 24, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "restartPolicyRules", 25, "", .shape = FIELD_LIST,
	    .message = &type_container_restart_rule, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "volumeMounts", 9, "", .shape = FIELD_LIST, .message = &type_volume_mount,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "mountPath",
	    .list_keys = "mountPath"),
	ROW(MESSAGE, "volumeDevices", 21, "", .shape = FIELD_LIST, .message = &type_volume_device,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "devicePath",
	    .list_keys = "devicePath"),
	ROW(MESSAGE, "livenessProbe", 10, "", .message = &type_probe, .flags = FIELD_POINTER),
	ROW(MESSAGE, "readinessProbe", 11, "", .message = &type_probe, .flags = FIELD_POINTER),
	ROW(MESSAGE, "startupProbe", 22, "", .message = &type_probe, .flags = FIELD_POINTER),
	ROW(MESSAGE, "lifecycle", 12, "", .message = &type_lifecycle, .flags = FIELD_POINTER),
	ROW(STRING, "terminationMessagePath", 13, "", .default_json = "\"/dev/termination-log\""),
	ROW(STRING, "terminationMessagePolicy", 20, "", .default_json = "\"File\"",
	    .one_of = "FallbackToLogsOnError|File"),
	ROW(STRING, "imagePullPolicy", 14, "", .one_of = "Always|IfNotPresent|Never"),
	ROW(MESSAGE, "securityContext", 15, "", .message = &type_security_context,
	    .flags = FIELD_POINTER),
	ROW(BOOL, "stdin", 16, ""),
	ROW(BOOL, "stdinOnce", 17, ""),
	ROW(BOOL, "tty", 18, ""),
};

const struct type type_container = {
	.name = "io.k8s.api.core.v1.Container",
	.doc = "",
	SCHEMA_TABLE(container_fields),
	.complete = container_complete,
	.check = container_check,
};

static const struct field ephemeral_container_fields[] = {
	ROW(MESSAGE, "", 1, "", .message = &type_container, .flags = FIELD_INLINE),
	ROW(STRING, "targetContainerName", 2, ""),
};

const struct type type_ephemeral_container = {
	.name = "io.k8s.api.core.v1.EphemeralContainer",
	.doc = "",
	SCHEMA_TABLE(ephemeral_container_fields),
};
