/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/container_rules.h"
#include "object/kinds/types.h"

/*
 * Containers. A container that is added to a running pod for debugging has the same fields, so its
 * message borrows their rows.
 */

static const struct field container_port_fields[] = {
	ROW(STRING, "name", 1, "Name of the port, for Services and probes to refer to.",
	    .format = FORMAT_PORT_NAME),
	ROW(INT32, "hostPort", 2, "Port of the node that leads here; best left out."),
	ROW(INT32, "containerPort", 3, "Port number in the pod, 1 to 65535.",
	    .flags = FIELD_EXPECTED, .format = FORMAT_PORT),
	ROW(STRING, "protocol", 4, "TCP, UDP or SCTP.", .default_json = "\"TCP\"",
	    .one_of = "SCTP|TCP|UDP"),
	ROW(STRING, "hostIP", 5, "Address of the node to bind the host port to."),
};

static const struct type type_container_port = {
	.name = "io.k8s.api.core.v1.ContainerPort",
	.doc = "A port that a container listens on.",
	SCHEMA_TABLE(container_port_fields),
	.check = container_port_check,
};

static const struct field resource_claim_fields[] = {
	ROW(STRING, "name", 1, "Name of the claim in spec.resourceClaims.",
	    .flags = FIELD_REQUIRED),
	ROW(STRING, "request", 2, "Name of one request in the claim; all of them when empty."),
};

static const struct type type_resource_claim = {
	.name = "io.k8s.api.core.v1.ResourceClaim",
	.doc = "A device claim of the pod that a container uses.",
	SCHEMA_TABLE(resource_claim_fields),
};

static const struct field resource_requirements_fields[] = {
	ROW(QUANTITY, "limits", 1, "The most it may use, by resource.", .shape = FIELD_MAP),
	ROW(QUANTITY, "requests", 2,
	    "What is set aside for it, by resource; its limits when absent.", .shape = FIELD_MAP),
	ROW(MESSAGE, "claims", 3, "Device claims of the pod that it uses.", .shape = FIELD_LIST,
	    .message = &type_resource_claim, .flags = FIELD_LIST_MAP, .list_keys = "name"),
};

const struct type type_resource_requirements = {
	.name = "io.k8s.api.core.v1.ResourceRequirements",
	.doc = "What a container may use, and what it is promised.",
	SCHEMA_TABLE(resource_requirements_fields),
	.check = resource_requirements_check,
};

static const struct field container_resize_policy_fields[] = {
	ROW(STRING, "resourceName", 1, "Resource the policy is for: cpu or memory.",
	    .flags = FIELD_REQUIRED),
	ROW(STRING, "restartPolicy", 2, "NotRequired, or RestartContainer.",
	    .flags = FIELD_REQUIRED, .one_of = "NotRequired|RestartContainer"),
};

static const struct type type_container_resize_policy = {
	.name = "io.k8s.api.core.v1.ContainerResizePolicy",
	.doc = "What a change of one resource does to a running container.",
	SCHEMA_TABLE(container_resize_policy_fields),
};

static const struct field container_restart_rule_on_exit_codes_fields[] = {
	ROW(STRING, "operator", 1, "In, or NotIn."),
	ROW(INT32, "values", 2, "The exit codes.", .shape = FIELD_LIST, .flags = FIELD_LIST_SET),
};

static const struct type type_container_restart_rule_on_exit_codes = {
	.name = "io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes",
	.doc = "A set of exit codes.",
	SCHEMA_TABLE(container_restart_rule_on_exit_codes_fields),
};

static const struct field container_restart_rule_fields[] = {
	ROW(STRING, "action", 1, "Restart, the only action there is."),
	ROW(MESSAGE, "exitCodes", 2, "Exit codes that the rule is for.",
	    .message = &type_container_restart_rule_on_exit_codes, .flags = FIELD_POINTER),
};

static const struct type type_container_restart_rule = {
	.name = "io.k8s.api.core.v1.ContainerRestartRule",
	.doc = "What to do when a container exits in a certain way.",
	SCHEMA_TABLE(container_restart_rule_fields),
};

static const struct field volume_mount_fields[] = {
	ROW(STRING, "name", 1, "Name of the volume in spec.volumes.", .flags = FIELD_REQUIRED),
	ROW(BOOL, "readOnly", 2, "Mount it for reading only."),
	ROW(STRING, "recursiveReadOnly", 7,
	    "Whether mounts below are read-only too: Disabled, IfPossible, Enabled.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "mountPath", 3, "Path in the container.", .flags = FIELD_REQUIRED),
	ROW(STRING, "subPath", 4, "Path in the volume to mount instead of its root."),
	ROW(STRING, "mountPropagation", 5, "Whether mounts made later show on the other side.",
	    .flags = FIELD_POINTER, .one_of = "Bidirectional|HostToContainer|None"),
	ROW(STRING, "subPathExpr", 6, "subPath with $(NAME) replaced by environment variables."),
};

static const struct type type_volume_mount = {
	.name = "io.k8s.api.core.v1.VolumeMount",
	.doc = "A volume at a path inside a container.",
	SCHEMA_TABLE(volume_mount_fields),
};

static const struct field volume_device_fields[] = {
	ROW(STRING, "name", 1, "Name of the claim's volume in spec.volumes.",
	    .flags = FIELD_REQUIRED),
	ROW(STRING, "devicePath", 2, "Path of the device in the container.",
	    .flags = FIELD_REQUIRED),
};

static const struct type type_volume_device = {
	.name = "io.k8s.api.core.v1.VolumeDevice",
	.doc = "A raw block device inside a container.",
	SCHEMA_TABLE(volume_device_fields),
};

static const struct field container_fields[] = {
	ROW(STRING, "name", 1, "Name of the container, a DNS label unique in the pod.",
	    .flags = FIELD_REQUIRED, .format = FORMAT_DNS_LABEL),
	ROW(STRING, "image", 2, "Image to run."),
	ROW(STRING, "command", 3, "Program and arguments, instead of the image's entry point.",
	    .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "args", 4, "Arguments, instead of the image's.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "workingDir", 5, "Directory to start in; the image's own when empty."),
	ROW(MESSAGE, "ports", 6, "Ports it listens on; a port not listed here works as well.",
	    .shape = FIELD_LIST, .message = &type_container_port,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "containerPort",
	    .list_keys = "containerPort,protocol"),
	ROW(MESSAGE, "envFrom", 19, "Maps whose entries all become environment variables.",
	    .shape = FIELD_LIST, .message = &type_env_from_source, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "env", 7, "Environment variables.", .shape = FIELD_LIST,
	    .message = &type_env_var, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(MESSAGE, "resources", 8, "What it may use, and what it is promised.",
	    .message = &type_resource_requirements, .default_json = "{}"),
	ROW(MESSAGE, "resizePolicy", 23, "What changes of resources do to the running container.",
	    .shape = FIELD_LIST, .message = &type_container_resize_policy,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "restartPolicy", 24,
	    "Always makes an init container a sidecar; overrides the pod's own.",
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "restartPolicyRules", 25,
	    "What to do on certain exit codes, before restartPolicy.", .shape = FIELD_LIST,
	    .message = &type_container_restart_rule, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "volumeMounts", 9, "Volumes to mount, and where.", .shape = FIELD_LIST,
	    .message = &type_volume_mount, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "mountPath", .list_keys = "mountPath"),
	ROW(MESSAGE, "volumeDevices", 21, "Raw block devices, and where.", .shape = FIELD_LIST,
	    .message = &type_volume_device, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "devicePath", .list_keys = "devicePath"),
	ROW(MESSAGE, "livenessProbe", 10, "Restarts the container when it fails.",
	    .message = &type_probe, .flags = FIELD_POINTER),
	ROW(MESSAGE, "readinessProbe", 11, "Takes the pod out of Services and DNS while it fails.",
	    .message = &type_probe, .flags = FIELD_POINTER),
	ROW(MESSAGE, "startupProbe", 22, "Holds the other probes back until it succeeds.",
	    .message = &type_probe, .flags = FIELD_POINTER),
	ROW(MESSAGE, "lifecycle", 12, "What to do right after the start and right before the end.",
	    .message = &type_lifecycle, .flags = FIELD_POINTER),
	ROW(STRING, "terminationMessagePath", 13, "File with the container's last words.",
	    .default_json = "\"/dev/termination-log\""),
	ROW(STRING, "terminationMessagePolicy", 20,
	    "Where last words come from: that file, or else the log.", .default_json = "\"File\"",
	    .one_of = "FallbackToLogsOnError|File"),
	ROW(STRING, "imagePullPolicy", 14, "When to fetch the image; Always for the tag latest.",
	    .one_of = "Always|IfNotPresent|Never"),
	ROW(MESSAGE, "securityContext", 15, "What its processes may do; wins over the pod's.",
	    .message = &type_security_context, .flags = FIELD_POINTER),
	ROW(BOOL, "stdin", 16, "Keep standard input open."),
	ROW(BOOL, "stdinOnce", 17, "Close standard input when the first client detaches."),
	ROW(BOOL, "tty", 18, "Give it a terminal; needs stdin."),
};

const struct type type_container = {
	.name = "io.k8s.api.core.v1.Container",
	.doc = "One program of a pod, with its image and its surroundings.",
	SCHEMA_TABLE(container_fields),
	.complete = container_complete,
	.check = container_check,
};

static const struct field ephemeral_container_fields[] = {
	ROW(MESSAGE, "", 1, "The fields of a container, as far as they make sense here.",
	    .message = &type_container, .flags = FIELD_INLINE),
	ROW(STRING, "targetContainerName", 2, "Container whose processes it shall see."),
};

const struct type type_ephemeral_container = {
	.name = "io.k8s.api.core.v1.EphemeralContainer",
	.doc = "A container added to a running pod, for debugging.",
	SCHEMA_TABLE(ephemeral_container_fields),
};
