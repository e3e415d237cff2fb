/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * The status of a pod, as its node reports it.
 */

static const struct field pod_condition_fields[] = {
	ROW(STRING, "type", 1, "PodScheduled, Initialized, ContainersReady, Ready or one's own.",
	    .flags = FIELD_EXPECTED),
	ROW(INT64, "observedGeneration", 7, "Generation of the pod that the observer had seen."),
	ROW(STRING, "status", 2, "Whether it holds: True, False or Unknown.",
	    .flags = FIELD_EXPECTED),
	ROW(TIME, "lastProbeTime", 3, "When it was last looked at."),
	ROW(TIME, "lastTransitionTime", 4, "When the status last changed."),
	ROW(STRING, "reason", 5, "Why it last changed, in one word for programs."),
	ROW(STRING, "message", 6, "Why it last changed, in a sentence for people."),
};

static const struct type type_pod_condition = {
	.name = "io.k8s.api.core.v1.PodCondition",
	.doc = "One aspect of a pod's state.",
	SCHEMA_TABLE(pod_condition_fields),
};

static const struct field host_ip_fields[] = {
	ROW(STRING, "ip", 1, "The address.", .flags = FIELD_EXPECTED, .format = FORMAT_IP),
};

static const struct type type_host_ip = {
	.name = "io.k8s.api.core.v1.HostIP",
	.doc = "An address of a pod's node.",
	SCHEMA_TABLE(host_ip_fields),
};

static const struct field pod_ip_fields[] = {
	ROW(STRING, "ip", 1, "The address.", .flags = FIELD_EXPECTED, .format = FORMAT_IP),
};

static const struct type type_pod_ip = {
	.name = "io.k8s.api.core.v1.PodIP",
	.doc = "An address of a pod.",
	SCHEMA_TABLE(pod_ip_fields),
};

static const struct field container_state_waiting_fields[] = {
	ROW(STRING, "reason", 1, "Why, in one word for programs."),
	ROW(STRING, "message", 2, "Why, in a sentence for people."),
};

static const struct type type_container_state_waiting = {
	.name = "io.k8s.api.core.v1.ContainerStateWaiting",
	.doc = "A container that does not run yet.",
	SCHEMA_TABLE(container_state_waiting_fields),
};

static const struct field container_state_running_fields[] = {
	ROW(TIME, "startedAt", 1, "Since when."),
};

static const struct type type_container_state_running = {
	.name = "io.k8s.api.core.v1.ContainerStateRunning",
	.doc = "A container that runs.",
	SCHEMA_TABLE(container_state_running_fields),
};

static const struct field container_state_terminated_fields[] = {
	ROW(INT32, "exitCode", 1, "Exit code of its last run.", .flags = FIELD_EXPECTED),
	ROW(INT32, "signal", 2, "Signal that ended it."),
	ROW(STRING, "reason", 3, "Why, in one word for programs."),
	ROW(STRING, "message", 4, "Its last words."),
	ROW(TIME, "startedAt", 5, "When it started."),
	ROW(TIME, "finishedAt", 6, "When it ended."),
	ROW(STRING, "containerID", 7, "ID of the container, as runtime://ID."),
};

static const struct type type_container_state_terminated = {
	.name = "io.k8s.api.core.v1.ContainerStateTerminated",
	.doc = "A container that has ended.",
	SCHEMA_TABLE(container_state_terminated_fields),
};

static const struct field container_state_fields[] = {
	ROW(MESSAGE, "waiting", 1, "It does not run yet.", .message = &type_container_state_waiting,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "running", 2, "It runs.", .message = &type_container_state_running,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "terminated", 3, "It has ended.", .message = &type_container_state_terminated,
	    .flags = FIELD_POINTER),
};

static const struct type type_container_state = {
	.name = "io.k8s.api.core.v1.ContainerState",
	.doc = "What a container does; one of these is set.",
	SCHEMA_TABLE(container_state_fields),
};

static const struct field volume_mount_status_fields[] = {
	ROW(STRING, "name", 1, "Name of the volume.", .flags = FIELD_EXPECTED),
	ROW(STRING, "mountPath", 2, "Path in the container.", .flags = FIELD_EXPECTED),
	ROW(BOOL, "readOnly", 3, "Whether it is read-only."),
	ROW(STRING, "recursiveReadOnly", 4, "Whether the mounts below are read-only too.",
	    .flags = FIELD_POINTER),
};

static const struct type type_volume_mount_status = {
	.name = "io.k8s.api.core.v1.VolumeMountStatus",
	.doc = "A mount as it is.",
	SCHEMA_TABLE(volume_mount_status_fields),
};

static const struct field linux_container_user_fields[] = {
	ROW(INT64, "uid", 1, "User ID.", .flags = FIELD_EXPECTED),
	ROW(INT64, "gid", 2, "Group ID.", .flags = FIELD_EXPECTED),
	ROW(INT64, "supplementalGroups", 3, "Further groups.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_linux_container_user = {
	.name = "io.k8s.api.core.v1.LinuxContainerUser",
	.doc = "User and groups of a container's first process.",
	SCHEMA_TABLE(linux_container_user_fields),
};

static const struct field container_user_fields[] = {
	ROW(MESSAGE, "linux", 1, "User and groups on Linux.", .message = &type_linux_container_user,
	    .flags = FIELD_POINTER),
};

static const struct type type_container_user = {
	.name = "io.k8s.api.core.v1.ContainerUser",
	.doc = "Who a container's first process is.",
	SCHEMA_TABLE(container_user_fields),
};

static const struct field resource_health_fields[] = {
	ROW(STRING, "resourceID", 1, "ID of the device.", .flags = FIELD_EXPECTED),
	ROW(STRING, "health", 2, "Healthy, Unhealthy or Unknown."),
};

static const struct type type_resource_health = {
	.name = "io.k8s.api.core.v1.ResourceHealth",
	.doc = "How a device is doing.",
	SCHEMA_TABLE(resource_health_fields),
};

static const struct field resource_status_fields[] = {
	ROW(STRING, "name", 1, "Name of the resource.", .flags = FIELD_EXPECTED),
	ROW(MESSAGE, "resources", 2, "The devices.", .shape = FIELD_LIST,
	    .message = &type_resource_health, .flags = FIELD_LIST_MAP, .list_keys = "resourceID"),
};

static const struct type type_resource_status = {
	.name = "io.k8s.api.core.v1.ResourceStatus",
	.doc = "How the devices of one resource are doing.",
	SCHEMA_TABLE(resource_status_fields),
};

static const struct field container_status_fields[] = {
	ROW(STRING, "name", 1, "Name of the container.", .flags = FIELD_EXPECTED),
	ROW(MESSAGE, "state", 2, "What it does now.", .message = &type_container_state),
	ROW(MESSAGE, "lastState", 3, "How its last run ended.", .message = &type_container_state),
	ROW(BOOL, "ready", 4, "Whether it passes its readiness probe.", .flags = FIELD_EXPECTED),
	ROW(INT32, "restartCount", 5, "How often it was restarted.", .flags = FIELD_EXPECTED),
	ROW(STRING, "image", 6, "Image that it runs.", .flags = FIELD_EXPECTED),
	ROW(STRING, "imageID", 7, "ID of that image.", .flags = FIELD_EXPECTED),
	ROW(STRING, "containerID", 8, "ID of the container, as runtime://ID."),
	ROW(BOOL, "started", 9, "Whether it passed its startup probe and postStart hook.",
	    .flags = FIELD_POINTER),
	ROW(QUANTITY, "allocatedResources", 10, "What the node has set aside for it.",
	    .shape = FIELD_MAP),
	ROW(MESSAGE, "resources", 11, "What it may use now.",
	    .message = &type_resource_requirements, .flags = FIELD_POINTER),
	ROW(MESSAGE, "volumeMounts", 12, "Its mounts as they are.", .shape = FIELD_LIST,
	    .message = &type_volume_mount_status, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "mountPath", .list_keys = "mountPath"),
	ROW(MESSAGE, "user", 13, "Who its first process is.", .message = &type_container_user,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "allocatedResourcesStatus", 14, "How its devices are doing.",
	    .shape = FIELD_LIST, .message = &type_resource_status,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "name", .list_keys = "name"),
	ROW(STRING, "stopSignal", 15, "Signal that asks it to end.", .flags = FIELD_POINTER),
};

static const struct type type_container_status = {
	.name = "io.k8s.api.core.v1.ContainerStatus",
	.doc = "How a container is doing.",
	SCHEMA_TABLE(container_status_fields),
};

static const struct field pod_resource_claim_status_fields[] = {
	ROW(STRING, "name", 1, "Name in spec.resourceClaims.", .flags = FIELD_EXPECTED),
	ROW(STRING, "resourceClaimName", 2, "Claim that was made.", .flags = FIELD_POINTER),
};

static const struct type type_pod_resource_claim_status = {
	.name = "io.k8s.api.core.v1.PodResourceClaimStatus",
	.doc = "The claim made for a pod.",
	SCHEMA_TABLE(pod_resource_claim_status_fields),
};

static const struct field container_extended_resource_request_fields[] = {
	ROW(STRING, "containerName", 1, "Name of the container.", .flags = FIELD_EXPECTED),
	ROW(STRING, "resourceName", 2, "Name of the resource.", .flags = FIELD_EXPECTED),
	ROW(STRING, "requestName", 3, "Request in the claim.", .flags = FIELD_EXPECTED),
};

static const struct type type_container_extended_resource_request = {
	.name = "io.k8s.api.core.v1.ContainerExtendedResourceRequest",
	.doc = "Which request backs a container's resource.",
	SCHEMA_TABLE(container_extended_resource_request_fields),
};

static const struct field pod_extended_resource_claim_status_fields[] = {
	ROW(MESSAGE, "requestMappings", 1, "Which request backs which container's resource.",
	    .shape = FIELD_LIST, .message = &type_container_extended_resource_request,
	    .flags = FIELD_EXPECTED | FIELD_LIST_ATOMIC),
	ROW(STRING, "resourceClaimName", 2, "Claim that was made.", .flags = FIELD_EXPECTED),
};

static const struct type type_pod_extended_resource_claim_status = {
	.name = "io.k8s.api.core.v1.PodExtendedResourceClaimStatus",
	.doc = "The claim made for a pod's extended resources.",
	SCHEMA_TABLE(pod_extended_resource_claim_status_fields),
};

static const struct field pod_status_fields[] = {
	ROW(INT64, "observedGeneration", 17, "Generation that the node has acted on."),
	ROW(STRING, "phase", 1, "Pending, Running, Succeeded, Failed or Unknown."),
	ROW(MESSAGE, "conditions", 2, "Aspects of the pod's state.", .shape = FIELD_LIST,
	    .message = &type_pod_condition, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "type", .list_keys = "type"),
	ROW(STRING, "message", 3, "Why it is in this state, in a sentence for people."),
	ROW(STRING, "reason", 4, "Why it is in this state, in one word for programs."),
	ROW(STRING, "nominatedNodeName", 11, "Node that is being cleared for the pod."),
	ROW(STRING, "hostIP", 5, "Address of the pod's node."),
	ROW(MESSAGE, "hostIPs", 16, "Addresses of the pod's node, one a family.",
	    .shape = FIELD_LIST, .message = &type_host_ip,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_ATOMIC, .merge_key = "ip"),
	ROW(STRING, "podIP", 6, "Address of the pod; the first of podIPs."),
	ROW(MESSAGE, "podIPs", 12, "Addresses of the pod, one a family.", .shape = FIELD_LIST,
	    .message = &type_pod_ip, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "ip",
	    .list_keys = "ip"),
	ROW(TIME, "startTime", 7, "When the node took the pod on.", .flags = FIELD_POINTER),
	ROW(MESSAGE, "initContainerStatuses", 10, "How the init containers are doing.",
	    .shape = FIELD_LIST, .message = &type_container_status, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "containerStatuses", 8, "How the containers are doing.", .shape = FIELD_LIST,
	    .message = &type_container_status, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "qosClass", 9,
	    "Guaranteed, Burstable or BestEffort: who is ended last when memory is short."),
	ROW(MESSAGE, "ephemeralContainerStatuses", 13, "How the debugging containers are doing.",
	    .shape = FIELD_LIST, .message = &type_container_status, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "resize", 14, "How far a resize is; conditions say it now."),
	ROW(MESSAGE, "resourceClaimStatuses", 15, "Claims made for the pod.", .shape = FIELD_LIST,
	    .message = &type_pod_resource_claim_status,
	    .flags = FIELD_PATCH_MERGE | FIELD_PATCH_RETAIN_KEYS | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(MESSAGE, "extendedResourceClaimStatus", 18,
	    "The claim made for its extended resources.",
	    .message = &type_pod_extended_resource_claim_status, .flags = FIELD_POINTER),
	ROW(QUANTITY, "allocatedResources", 19,
	    "What the node has set aside for the pod as a whole.", .shape = FIELD_MAP),
	ROW(MESSAGE, "resources", 20, "What the pod as a whole may use now.",
	    .message = &type_resource_requirements, .flags = FIELD_POINTER),
};

const struct type type_pod_status = {
	.name = "io.k8s.api.core.v1.PodStatus",
	.doc = "How a pod is doing.",
	SCHEMA_TABLE(pod_status_fields),
};
