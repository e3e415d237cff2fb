/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * The status of a node, as its agent reports it.
 */

static const struct field node_condition_fields[] = {
	ROW(STRING, "type", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "status", 2, "", .flags = FIELD_EXPECTED),
	ROW(TIME, "lastHeartbeatTime", 3, ""),
	ROW(TIME, "lastTransitionTime", 4, ""),
	ROW(STRING, "reason", 5, ""),
	ROW(STRING, "message", 6, ""),
};

static const struct type type_node_condition = {
	.name = "io.k8s.api.core.v1.NodeCondition",
	.doc = "",
	SCHEMA_TABLE(node_condition_fields),
};

static const struct field node_address_fields[] = {
	ROW(STRING, "type", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "address", 2, "", .flags = FIELD_EXPECTED),
};

static const struct type type_node_address = {
	.name = "io.k8s.api.core.v1.NodeAddress",
	.doc = "",
	SCHEMA_TABLE(node_address_fields),
};

static const struct field daemon_endpoint_fields[] = {
	ROW(INT32, "Port", 1, "", .flags = FIELD_EXPECTED),
};

static const struct type type_daemon_endpoint = {
	.name = "io.k8s.api.core.v1.DaemonEndpoint",
	.doc = "",
	SCHEMA_TABLE(daemon_endpoint_fields),
};

static const struct field node_daemon_endpoints_fields[] = {
	ROW(MESSAGE, "kubeletEndpoint", 1, "", .message = &type_daemon_endpoint),
};

static const struct type type_node_daemon_endpoints = {
	.name = "io.k8s.api.core.v1.NodeDaemonEndpoints",
	.doc = "",
	SCHEMA_TABLE(node_daemon_endpoints_fields),
};

static const struct field node_swap_status_fields[] = {
	ROW(INT64, "capacity", 1, "", .flags = FIELD_POINTER),
};

static const struct type type_node_swap_status = {
	.name = "io.k8s.api.core.v1.NodeSwapStatus",
	.doc = "",
	SCHEMA_TABLE(node_swap_status_fields),
};

static const struct field node_system_info_fields[] = {
	ROW(STRING, "machineID", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "systemUUID", 2, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "bootID", 3, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "kernelVersion", 4, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "osImage", 5, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "containerRuntimeVersion", 6, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "kubeletVersion", 7, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "kubeProxyVersion", 8, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "operatingSystem", 9, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "architecture", 10, "", .flags = FIELD_EXPECTED),
	ROW(MESSAGE, "swap", 11, "", .message = &type_node_swap_status, .flags = FIELD_POINTER),
};

static const struct type type_node_system_info = {
	.name = "io.k8s.api.core.v1.NodeSystemInfo",
	.doc = "",
	SCHEMA_TABLE(node_system_info_fields),
};

static const struct field container_image_fields[] = {
	ROW(STRING, "names", 1, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(INT64, "sizeBytes", 2, ""),
};

static const struct type type_container_image = {
	.name = "io.k8s.api.core.v1.ContainerImage",
	.doc = "",
	SCHEMA_TABLE(container_image_fields),
};

static const struct field attached_volume_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "devicePath", 2, "", .flags = FIELD_EXPECTED),
};

static const struct type type_attached_volume = {
	.name = "io.k8s.api.core.v1.AttachedVolume",
	.doc = "",
	SCHEMA_TABLE(attached_volume_fields),
};

static const struct field node_config_status_fields[] = {
	ROW(MESSAGE, "assigned", 1, "", .message = &type_node_config_source,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "active", 2, "", .message = &type_node_config_source, .flags = FIELD_POINTER),
	ROW(MESSAGE, "lastKnownGood", 3, "", .message = &type_node_config_source,
	    .flags = FIELD_POINTER),
	ROW(STRING, "error", 4, ""),
};

static const struct type type_node_config_status = {
	.name = "io.k8s.api.core.v1.NodeConfigStatus",
	.doc = "",
	SCHEMA_TABLE(node_config_status_fields),
};

static const struct field node_runtime_handler_features_fields[] = {
	ROW(BOOL, "recursiveReadOnlyMounts", 1, "", .flags = FIELD_POINTER),
	ROW(BOOL, "userNamespaces", 2, "", .flags = FIELD_POINTER),
};

static const struct type type_node_runtime_handler_features = {
	.name = "io.k8s.api.core.v1.NodeRuntimeHandlerFeatures",
	.doc = "",
	SCHEMA_TABLE(node_runtime_handler_features_fields),
};

static const struct field node_runtime_handler_fields[] = {
	ROW(STRING, "name", 1, ""),
	ROW(MESSAGE, "features", 2, "", .message = &type_node_runtime_handler_features,
	    .flags = FIELD_POINTER),
};

static const struct type type_node_runtime_handler = {
	.name = "io.k8s.api.core.v1.NodeRuntimeHandler",
	.doc = "",
	SCHEMA_TABLE(node_runtime_handler_fields),
};

static const struct field node_features_fields[] = {
	ROW(BOOL, "supplementalGroupsPolicy", 1, "", .flags = FIELD_POINTER),
};

static const struct type type_node_features = {
	.name = "io.k8s.api.core.v1.NodeFeatures",
	.doc = "",
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
	ROW(QUANTITY, "capacity", 1, "", .shape = FIELD_MAP),
	ROW(QUANTITY, "allocatable", 2, "", .shape = FIELD_MAP),
	ROW(STRING, "phase", 3, ""),
	ROW(MESSAGE, "conditions", 4, "", .shape = FIELD_LIST, .message = &type_node_condition,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "type", .list_keys = "type"),
	ROW(MESSAGE, "addresses", 5, "", .shape = FIELD_LIST, .message = &type_node_address,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "type", .list_keys = "type"),
	ROW(MESSAGE, "daemonEndpoints", 6, "", .message = &type_node_daemon_endpoints),
	ROW(MESSAGE, "nodeInfo", 7, "", .message = &type_node_system_info),
	ROW(MESSAGE, "images", 8, "", .shape = FIELD_LIST, .message = &type_container_image,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "volumesInUse", 9, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "volumesAttached", 10, "", .shape = FIELD_LIST,
	    .message = &type_attached_volume, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "config", 11, "", .message = &type_node_config_status, .flags = FIELD_POINTER),
	ROW(MESSAGE, "runtimeHandlers", 12, "", .shape = FIELD_LIST,
	    .message = &type_node_runtime_handler, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "features", 13, "", .message = &type_node_features, .flags = FIELD_POINTER),
	ROW(STRING, "declaredFeatures", 14, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

const struct type type_node_status = {
	.name = "io.k8s.api.core.v1.NodeStatus",
	.doc = "",
	SCHEMA_TABLE(node_status_fields),
	.complete = node_status_complete,
};
