/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/kinds.h"
#include "object/kinds/types.h"

static const struct field endpoint_address_fields[] = {
	ROW(STRING, "ip", 1, "", .flags = FIELD_REQUIRED, .format = FORMAT_IP),
	ROW(STRING, "hostname", 3, "", .format = FORMAT_DNS_LABEL),
	ROW(STRING, "nodeName", 4, "", .flags = FIELD_POINTER, .format = FORMAT_DNS_SUBDOMAIN),
	ROW(MESSAGE, "targetRef", 2, "", .message = &type_object_reference, .flags = FIELD_POINTER),
};

static const struct type type_endpoint_address = {
	.name = "io.k8s.api.core.v1.EndpointAddress",
	.doc = "",
	SCHEMA_TABLE(endpoint_address_fields),
	.atomic = true,
};

static const struct field endpoint_port_fields[] = {
	ROW(STRING, "name", 1, "", .format = FORMAT_DNS_LABEL),
	ROW(INT32, "port", 2, "", .flags = FIELD_EXPECTED, .format = FORMAT_PORT),
	ROW(STRING, "protocol", 3, "", .default_json = "\"TCP\"", .one_of = "SCTP|TCP|UDP"),
	ROW(STRING, "appProtocol", 4, "", .flags = FIELD_POINTER),
};

static const struct type type_endpoint_port = {
	.name = "io.k8s.api.core.v1.EndpointPort",
	.doc = "",
	SCHEMA_TABLE(endpoint_port_fields),
	.atomic = true,
};

static const struct field endpoint_subset_fields[] = {
	ROW(MESSAGE, "addresses", 1, "", .shape = FIELD_LIST, .message = &type_endpoint_address,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "notReadyAddresses", 2, "", .shape = FIELD_LIST,
	    .message = &type_endpoint_address, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "ports", 3, "", .shape = FIELD_LIST, .message = &type_endpoint_port,
	    .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_endpoint_subset = {
	.name = "io.k8s.api.core.v1.EndpointSubset",
	.doc = "",
	SCHEMA_TABLE(endpoint_subset_fields),
};

static const struct field endpoints_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "subsets", 2, "", .shape = FIELD_LIST, .message = &type_endpoint_subset,
	    .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_endpoints = {
	.name = "io.k8s.api.core.v1.Endpoints",
	.doc = "",
	SCHEMA_TABLE(endpoints_fields),
};

const struct kind kind_endpoints = {
	.group = "",
	.version = "v1",
	.kind = "Endpoints",
	.plural = "endpoints",
	.singular = "endpoints",
	.short_names = "ep",
	.type = &type_endpoints,
	.flags = KIND_NAMESPACED | KIND_UNCONDITIONAL_UPDATE | KIND_CREATE_ON_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
};
