/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * The status of a pod, as its node reports it.
 */

static const struct field pod_condition_fields[] = {
	ROW(STRING, "type", 1, "", .flags = FIELD_EXPECTED),
	ROW(INT64, "observedGeneration", 7, ""),
	ROW(STRING, "status", 2, "", .flags = FIELD_EXPECTED),
	ROW(TIME, "lastProbeTime", 3, ""),
	ROW(TIME, "lastTransitionTime", 4, ""),
	ROW(STRING, "reason", 5, ""),
	ROW(STRING, "message", 6, ""),
};

static const struct type type_pod_condition = {
	.name = "io.k8s.api.core.v1.PodCondition",
	.doc = "",
	SCHEMA_TABLE(pod_condition_fields),
};

static const struct field host_ip_fields[] = {
	ROW(STRING, "ip", 1, "", .flags = FIELD_EXPECTED, .format = FORMAT_IP),
};

static const struct type type_host_ip = {
	.name = "io.k8s.api.core.v1.HostIP",
	.doc = "",
	SCHEMA_TABLE(host_ip_fields),
};

static const struct field pod_ip_fields[] = {
	ROW(STRING, "ip", 1, "", .flags = FIELD_EXPECTED, .format = FORMAT_IP),
};

static const struct type type_pod_ip = {
	.name = "io.k8s.api.core.v1.PodIP",
	.doc = "",
	SCHEMA_TABLE(pod_ip_fields),
};

static const struct field container_state_waiting_fields[] = {
	ROW(STRING, "reason", 1, ""),
	ROW(STRING, "message", 2, ""),
};

static const struct type type_container_state_waiting = {
	.name = "io.k8s.api.core.v1.ContainerStateWaiting",
	.doc = "",
	SCHEMA_TABLE(container_state_waiting_fields),
};

static const struct field container_state_running_fields[] = {
	ROW(TIME, "startedAt", 1, ""),
};

static const struct type type_container_state_running = {
	.name = "io.k8s.api.core.v1.ContainerStateRunning",
	.doc = "",
	SCHEMA_TABLE(container_state_running_fields),
};

static const struct field container_state_terminated_fields[] = {
	ROW(INT32, "exitCode", 1, "", .flags = FIELD_EXPECTED),
	ROW(INT32, "signal", 2, ""),
	ROW(STRING, "reason", 3, ""),
	ROW(STRING, "message", 4, ""),
	ROW(TIME, "startedAt", 5, ""),
	ROW(TIME, "finishedAt", 6, ""),
	ROW(STRING, "containerID", 7, ""),
};

static const struct type type_container_state_terminated = {
	.name = "io.k8s.api.core.v1.ContainerStateTerminated",
	.doc = "",
	SCHEMA_TABLE(container_state_terminated_fields),
};

static const struct field container_state_fields[] = {
	ROW(MESSAGE, "waiting", 1, "", .message = &type_container_state_waiting,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "running", 2, "", .message = &type_container_state_running,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "terminated", 3, "", .message = &type_container_state_terminated,
	    .flags = FIELD_POINTER),
};

static const struct type type_container_state = {
	.name = "io.k8s.api.core.v1.ContainerState",
	.doc = "",
	SCHEMA_TABLE(container_state_fields),
};

static const struct field volume_mount_status_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "mountPath", 2, "", .flags = FIELD_EXPECTED),
	ROW(BOOL, "readOnly", 3, ""),
	ROW(STRING, "recursiveReadOnly", 4, "", .flags = FIELD_POINTER),
};

static const struct type type_volume_mount_status = {
	.name = "io.k8s.api.core.v1.VolumeMountStatus",
	.doc = "",
	SCHEMA_TABLE(volume_mount_status_fields),
};

static const struct field linux_container_user_fields[] = {
	ROW(INT64, "uid", 1, "", .flags = FIELD_EXPECTED),
	ROW(INT64, "gid", 2, "", .flags = FIELD_EXPECTED),
	ROW(INT64, "supplementalGroups", 3, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_linux_container_user = {
	.name = "io.k8s.api.core.v1.LinuxContainerUser",
	.doc = "",
	SCHEMA_TABLE(linux_container_user_fields),
};

static const struct field container_user_fields[] = {
	ROW(MESSAGE, "linux", 1, "", .message = &type_linux_container_user, .flags = FIELD_POINTER),
};

static const struct type type_container_user = {
	.name = "io.k8s.api.core.v1.ContainerUser",
	.doc = "",
	SCHEMA_TABLE(container_user_fields),
};

static const struct field resource_health_fields[] = {
	ROW(STRING, "resourceID", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "health", 2, ""),
};

static const struct type type_resource_health = {
	.name = "io.k8s.api.core.v1.ResourceHealth",
	.doc = "",
	SCHEMA_TABLE(resource_health_fields),
};

static const struct field resource_status_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_EXPECTED),
	ROW(MESSAGE, "resources", 2, "", .shape = FIELD_LIST, .message = &type_resource_health,
	    .flags = FIELD_LIST_MAP, .list_keys = "resourceID"),
};

static const struct type type_resource_status = {
	.name = "io.k8s.api.core.v1.ResourceStatus",
	.doc = "",
	SCHEMA_TABLE(resource_status_fields),
};

static const struct field container_status_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_EXPECTED),
	ROW(MESSAGE, "state", 2, "", .message = &type_container_state),
	ROW(MESSAGE, "lastState", 3, "", .message = &type_container_state),
	ROW(BOOL, "ready", 4, "", .flags = FIELD_EXPECTED),
	ROW(INT32, "restartCount", 5, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "image", 6, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "imageID", 7, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "containerID", 8, ""),
	ROW(BOOL, "started", 9, "", .flags = FIELD_POINTER),
	ROW(QUANTITY, "allocatedResources", 10, "", .shape = FIELD_MAP),
	ROW(MESSAGE, "resources", 11, "", .message = &type_resource_requirements,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "volumeMounts", 12, "", .shape = FIELD_LIST,
	    .message = &type_volume_mount_status, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "mountPath", .list_keys = "mountPath"),
	ROW(MESSAGE, "user", 13, "", .message = &type_container_user, .flags = FIELD_POINTER),
	ROW(MESSAGE, "allocatedResourcesStatus", 14, "", .shape = FIELD_LIST,
	    .message = &type_resource_status, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(STRING, "stopSignal", 15, "", .flags = FIELD_POINTER),
};

static const struct type type_container_status = {
	.name = "io.k8s.api.core.v1.ContainerStatus",
	.doc = "",
	SCHEMA_TABLE(container_status_fields),
};

static const struct field pod_resource_claim_status_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "resourceClaimName", 2, "", .flags = FIELD_POINTER),
};

static const struct type type_pod_resource_claim_status = {
	.name = "io.k8s.api.core.v1.PodResourceClaimStatus",
	.doc = "",
	SCHEMA_TABLE(pod_resource_claim_status_fields),
};

static const struct field container_extended_resource_request_fields[] = {
	ROW(STRING, "containerName", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "resourceName", 2, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "requestName", 3, "", .flags = FIELD_EXPECTED),
};

static const struct type type_container_extended_resource_request = {
	.name = "io.k8s.api.core.v1.ContainerExtendedResourceRequest",
	.doc = "",
	SCHEMA_TABLE(container_extended_resource_request_fields),
};

static const struct field pod_extended_resource_claim_status_fields[] = {
	ROW(MESSAGE, "requestMappings", 1, "", .shape = FIELD_LIST,
	    .message = &type_container_extended_resource_request,
	    .flags = FIELD_EXPECTED | FIELD_LIST_ATOMIC),
	ROW(STRING, "resourceClaimName", 2, "", .flags = FIELD_EXPECTED),
};

static const struct type type_pod_extended_resource_claim_status = {
	.name = "io.k8s.api.core.v1.PodExtendedResourceClaimStatus",
	.doc = "",
	SCHEMA_TABLE(pod_extended_resource_claim_status_fields),
};

static const struct field pod_status_fields[] = {
	ROW(INT64, "observedGeneration", 17, ""),
	ROW(STRING, "phase", 1, ""),
	ROW(MESSAGE, "conditions", 2, "", .shape = FIELD_LIST, .message = &type_pod_condition,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "type", .list_keys = "type"),
	ROW(STRING, "message", 3, ""),
	ROW(STRING, "reason", 4, ""),
	ROW(STRING, "nominatedNodeName", 11, ""),
	ROW(STRING, "hostIP", 5, ""),
	ROW(MESSAGE, "hostIPs", 16, "", .shape = FIELD_LIST, .message = &type_host_ip,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_ATOMIC, .merge_key = "ip"),
	ROW(STRING, "podIP", 6, ""),
	ROW(MESSAGE, "podIPs", 12, "", .shape = FIELD_LIST, .message = &type_pod_ip,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "ip", .list_keys = "ip"),
	ROW(TIME, "startTime", 7, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "initContainerStatuses", 10, "", .shape = FIELD_LIST,
	    .message = &type_container_status, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "containerStatuses", 8, "", .shape = FIELD_LIST,
	    .message = &type_container_status, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "qosClass", 9, ""),
	ROW(MESSAGE, "ephemeralContainerStatuses", 13, "", .shape = FIELD_LIST,
	    .message = &type_container_status, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "resize", 14, ""),
	ROW(MESSAGE, "resourceClaimStatuses", 15, "", .shape = FIELD_LIST,
	    .message = &type_pod_resource_claim_status,
	    .flags = FIELD_PATCH_MERGE | FIELD_PATCH_RETAIN_KEYS | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(MESSAGE, "extendedResourceClaimStatus", 18, "",
	    .message = &type_pod_extended_resource_claim_status, .flags = FIELD_POINTER),
	ROW(QUANTITY, "allocatedResources", 19, "", .shape = FIELD_MAP),
	ROW(MESSAGE, "resources", 20, "", .message = &type_resource_requirements,
	    .flags = FIELD_POINTER),
};

const struct type type_pod_status = {
	.name = "io.k8s.api.core.v1.PodStatus",
	.doc = "",
	SCHEMA_TABLE(pod_status_fields),
};
