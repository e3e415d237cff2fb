/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/kinds.h"
#include "object/kinds/types.h"

static const struct field endpoint_conditions_fields[] = {
	ROW(BOOL, "ready", 1, "", .flags = FIELD_POINTER),
	ROW(BOOL, "serving", 2, "", .flags = FIELD_POINTER),
	ROW(BOOL, "terminating", 3, "", .flags = FIELD_POINTER),
};

static const struct type type_endpoint_conditions = {
	.name = "io.k8s.api.discovery.v1.EndpointConditions",
	.doc = "",
	SCHEMA_TABLE(endpoint_conditions_fields),
};

static const struct field for_zone_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED),
};

static const struct type type_for_zone = {
	.name = "io.k8s.api.discovery.v1.ForZone",
	.doc = "",
	SCHEMA_TABLE(for_zone_fields),
};

static const struct field for_node_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED),
};

static const struct type type_for_node = {
	.name = "io.k8s.api.discovery.v1.ForNode",
	.doc = "",
	SCHEMA_TABLE(for_node_fields),
};

static const struct field endpoint_hints_fields[] = {
	ROW(MESSAGE, "forZones", 1, "", .shape = FIELD_LIST, .message = &type_for_zone,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "forNodes", 2, "", .shape = FIELD_LIST, .message = &type_for_node,
	    .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_endpoint_hints = {
	.name = "io.k8s.api.discovery.v1.EndpointHints",
	.doc = "",
	SCHEMA_TABLE(endpoint_hints_fields),
};

static const struct field slice_endpoint_fields[] = {
	ROW(STRING, "addresses", 1, "", .shape = FIELD_LIST,
	    .flags = FIELD_REQUIRED | FIELD_LIST_SET),
	ROW(MESSAGE, "conditions", 2, "", .message = &type_endpoint_conditions),
	ROW(STRING, "hostname", 3, "", .flags = FIELD_POINTER, .format = FORMAT_DNS_LABEL),
	ROW(MESSAGE, "targetRef", 4, "", .message = &type_object_reference, .flags = FIELD_POINTER),
	ROW(STRING, "deprecatedTopology", 5, "", .shape = FIELD_MAP),
	ROW(STRING, "nodeName", 6, "", .flags = FIELD_POINTER, .format = FORMAT_DNS_SUBDOMAIN),
	ROW(STRING, "zone", 7, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "hints", 8, "", .message = &type_endpoint_hints, .flags = FIELD_POINTER),
};

static const struct type type_slice_endpoint = {
	.name = "io.k8s.api.discovery.v1.Endpoint",
	.doc = "",
	SCHEMA_TABLE(slice_endpoint_fields),
};

static const struct field slice_port_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_POINTER, .default_json = "\"\"",
	    .format = FORMAT_DNS_LABEL),
	ROW(STRING, "protocol", 2, "", .flags = FIELD_POINTER, .default_json = "\"TCP\"",
	    .one_of = "SCTP|TCP|UDP"),
	ROW(INT32, "port", 3, "", .flags = FIELD_POINTER, .format = FORMAT_PORT),
	ROW(STRING, "appProtocol", 4, "", .flags = FIELD_POINTER),
};

static const struct type type_slice_port = {
	.name = "io.k8s.api.discovery.v1.EndpointPort",
	.doc = "",
	SCHEMA_TABLE(slice_port_fields),
	.atomic = true,
};

static const struct field endpoint_slice_fields[] = {
	KIND_ROWS,
	ROW(STRING, "addressType", 4, "", .flags = FIELD_REQUIRED, .one_of = "FQDN|IPv4|IPv6"),
	ROW(MESSAGE, "endpoints", 2, "", .shape = FIELD_LIST, .message = &type_slice_endpoint,
	    .flags = FIELD_EXPECTED | FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "ports", 3, "", .shape = FIELD_LIST, .message = &type_slice_port,
	    .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_endpoint_slice = {
	.name = "io.k8s.api.discovery.v1.EndpointSlice",
	.doc = "",
	SCHEMA_TABLE(endpoint_slice_fields),
};

const struct kind kind_endpoint_slice = {
	.group = "discovery.k8s.io",
	.version = "v1",
	.kind = "EndpointSlice",
	.plural = "endpointslices",
	.singular = "endpointslice",
	.type = &type_endpoint_slice,
	.flags = KIND_NAMESPACED | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
};
