/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * The status of a node, as its agent reports it.
 */

static const struct field node_condition_fields[] = {
	ROW(STRING, "type", 1, "Ready, MemoryPressure, DiskPressure and so on.",
	    .flags = FIELD_EXPECTED),
	ROW(STRING, "status", 2, "Whether it holds: True, False or Unknown.",
	    .flags = FIELD_EXPECTED),
	ROW(TIME, "lastHeartbeatTime", 3, "When the agent last said so."),
	ROW(TIME, "lastTransitionTime", 4, "When the status last changed."),
	ROW(STRING, "reason", 5, "Why it last changed, in one word for programs."),
	ROW(STRING, "message", 6, "Why it last changed, in a sentence for people."),
};

static const struct type type_node_condition = {
	.name = "io.k8s.api.core.v1.NodeCondition",
	.doc = "One aspect of a node's state.",
	SCHEMA_TABLE(node_condition_fields),
};

static const struct field node_address_fields[] = {
	ROW(STRING, "type", 1, "Hostname, InternalIP, ExternalIP, InternalDNS or ExternalDNS.",
	    .flags = FIELD_EXPECTED),
	ROW(STRING, "address", 2, "The address or name.", .flags = FIELD_EXPECTED),
};

static const struct type type_node_address = {
	.name = "io.k8s.api.core.v1.NodeAddress",
	.doc = "An address or name of a node.",
	SCHEMA_TABLE(node_address_fields),
};

static const struct field daemon_endpoint_fields[] = {
	ROW(INT32, "Port", 1, "Port number.", .flags = FIELD_EXPECTED),
};

static const struct type type_daemon_endpoint = {
	.name = "io.k8s.api.core.v1.DaemonEndpoint",
	.doc = "A port that a part of the node listens on.",
	SCHEMA_TABLE(daemon_endpoint_fields),
};

static const struct field node_daemon_endpoints_fields[] = {
	ROW(MESSAGE, "kubeletEndpoint", 1, "Port of the node agent.",
	    .message = &type_daemon_endpoint),
};

static const struct type type_node_daemon_endpoints = {
	.name = "io.k8s.api.core.v1.NodeDaemonEndpoints",
	.doc = "Ports that parts of the node listen on.",
	SCHEMA_TABLE(node_daemon_endpoints_fields),
};

static const struct field node_swap_status_fields[] = {
	ROW(INT64, "capacity", 1, "Bytes of swap.", .flags = FIELD_POINTER),
};

static const struct type type_node_swap_status = {
	.name = "io.k8s.api.core.v1.NodeSwapStatus",
	.doc = "Swap space of a node.",
	SCHEMA_TABLE(node_swap_status_fields),
};

static const struct field node_system_info_fields[] = {
	ROW(STRING, "machineID", 1, "ID of the installed system (/etc/machine-id).",
	    .flags = FIELD_EXPECTED),
	ROW(STRING, "systemUUID", 2, "ID of the hardware.", .flags = FIELD_EXPECTED),
	ROW(STRING, "bootID", 3, "ID of the current boot.", .flags = FIELD_EXPECTED),
	ROW(STRING, "kernelVersion", 4, "Version of the kernel.", .flags = FIELD_EXPECTED),
	ROW(STRING, "osImage", 5, "Name of the operating system.", .flags = FIELD_EXPECTED),
	ROW(STRING, "containerRuntimeVersion", 6, "Name and version of the container runtime.",
	    .flags = FIELD_EXPECTED),
	ROW(STRING, "kubeletVersion", 7, "Version of the node agent.", .flags = FIELD_EXPECTED),
	ROW(STRING, "kubeProxyVersion", 8, "No longer filled in.", .flags = FIELD_EXPECTED),
	ROW(STRING, "operatingSystem", 9, "linux or windows.", .flags = FIELD_EXPECTED),
	ROW(STRING, "architecture", 10, "Architecture of the processor, such as amd64.",
	    .flags = FIELD_EXPECTED),
	ROW(MESSAGE, "swap", 11, "Swap space of the node.", .message = &type_node_swap_status,
	    .flags = FIELD_POINTER),
};

static const struct type type_node_system_info = {
	.name = "io.k8s.api.core.v1.NodeSystemInfo",
	.doc = "What runs on a node.",
	SCHEMA_TABLE(node_system_info_fields),
};

static const struct field container_image_fields[] = {
	ROW(STRING, "names", 1, "Names of the image.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(INT64, "sizeBytes", 2, "Bytes it takes."),
};

static const struct type type_container_image = {
	.name = "io.k8s.api.core.v1.ContainerImage",
	.doc = "An image that is on a node.",
	SCHEMA_TABLE(container_image_fields),
};

static const struct field attached_volume_fields[] = {
	ROW(STRING, "name", 1, "Name of the volume.", .flags = FIELD_EXPECTED),
	ROW(STRING, "devicePath", 2, "Path of its device on the node.", .flags = FIELD_EXPECTED),
};

static const struct type type_attached_volume = {
	.name = "io.k8s.api.core.v1.AttachedVolume",
	.doc = "A volume that is attached to a node.",
	SCHEMA_TABLE(attached_volume_fields),
};

static const struct field node_config_status_fields[] = {
	ROW(MESSAGE, "assigned", 1, "What it should use.", .message = &type_node_config_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "active", 2, "What it uses.", .message = &type_node_config_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "lastKnownGood", 3, "What it falls back to.",
	    .message = &type_node_config_source, .flags = FIELD_POINTER),
	ROW(STRING, "error", 4, "What is wrong with the settings."),
};

static const struct type type_node_config_status = {
	.name = "io.k8s.api.core.v1.NodeConfigStatus",
	.doc = "Settings of a node; no longer used.",
	SCHEMA_TABLE(node_config_status_fields),
};

static const struct field node_runtime_handler_features_fields[] = {
	ROW(BOOL, "recursiveReadOnlyMounts", 1, "Whether it can make mounts below read-only too.",
	    .flags = FIELD_POINTER),
	ROW(BOOL, "userNamespaces", 2, "Whether it can give pods user IDs of their own.",
	    .flags = FIELD_POINTER),
};

static const struct type type_node_runtime_handler_features = {
	.name = "io.k8s.api.core.v1.NodeRuntimeHandlerFeatures",
	.doc = "What a runtime handler can do.",
	SCHEMA_TABLE(node_runtime_handler_features_fields),
};

static const struct field node_runtime_handler_fields[] = {
	ROW(STRING, "name", 1, "Name of the handler; empty for the default one."),
	ROW(MESSAGE, "features", 2, "What it can do.",
	    .message = &type_node_runtime_handler_features, .flags = FIELD_POINTER),
};

static const struct type type_node_runtime_handler = {
	.name = "io.k8s.api.core.v1.NodeRuntimeHandler",
	.doc = "A way of running containers on a node.",
	SCHEMA_TABLE(node_runtime_handler_fields),
};

static const struct field node_features_fields[] = {
	ROW(BOOL, "supplementalGroupsPolicy", 1, "Whether it honours supplementalGroupsPolicy.",
	    .flags = FIELD_POINTER),
};

static const struct type type_node_features = {
	.name = "io.k8s.api.core.v1.NodeFeatures",
	.doc = "What the container runtime of a node can do.",
	SCHEMA_TABLE(node_features_fields),
};

/* What can be given to pods is all there is, unless the node keeps some for itself. */
static void node_status_complete(json_t *status)
{
	const json_t *capacity = json_object_get(status, "capacity");

	if (capacity != NULL && json_object_get(status, "allocatable") == NULL) {
		json_object_set_new(status, "allocatable", json_deep_copy(capacity));
	}
}

static const struct field node_status_fields[] = {
	ROW(QUANTITY, "capacity", 1, "All resources of the node.", .shape = FIELD_MAP),
	ROW(QUANTITY, "allocatable", 2, "Resources that pods can have.", .shape = FIELD_MAP),
	ROW(STRING, "phase", 3, "No longer used."),
	ROW(MESSAGE, "conditions", 4, "Aspects of the node's state.", .shape = FIELD_LIST,
	    .message = &type_node_condition, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "type", .list_keys = "type"),
	ROW(MESSAGE, "addresses", 5, "Addresses and names of the node.", .shape = FIELD_LIST,
	    .message = &type_node_address, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "type", .list_keys = "type"),
	ROW(MESSAGE, "daemonEndpoints", 6, "Ports that parts of the node listen on.",
	    .message = &type_node_daemon_endpoints),
	ROW(MESSAGE, "nodeInfo", 7, "What runs on the node.", .message = &type_node_system_info),
	ROW(MESSAGE, "images", 8, "Images that are on the node.", .shape = FIELD_LIST,
	    .message = &type_container_image, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "volumesInUse", 9, "Attached volumes that pods use.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "volumesAttached", 10, "Volumes that are attached.", .shape = FIELD_LIST,
	    .message = &type_attached_volume, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "config", 11, "Settings of the node; no longer used.",
	    .message = &type_node_config_status, .flags = FIELD_POINTER),
	ROW(MESSAGE, "runtimeHandlers", 12, "Ways of running containers there.",
	    .shape = FIELD_LIST, .message = &type_node_runtime_handler, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "features", 13, "What the container runtime can do.",
	    .message = &type_node_features, .flags = FIELD_POINTER),
	ROW(STRING, "declaredFeatures", 14, "Features that the node says it has.",
	    .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

const struct type type_node_status = {
	.name = "io.k8s.api.core.v1.NodeStatus",
	.doc = "What a node's agent reports.",
	SCHEMA_TABLE(node_status_fields),
	.complete = node_status_complete,
};
