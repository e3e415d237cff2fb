/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <string.h>

#include "base/mem.h"
#include "object/field_errors.h"
#include "object/kinds/address.h"
#include "object/kinds/cells.h"
#include "object/kinds/rules.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * An endpoint slice: a part of what is behind a Service, all of one address family. A service's
 * names and rules come from the union of its slices.
 */

static const struct field endpoint_conditions_fields[] = {
	ROW(BOOL, "ready", 1, "Whether it takes new connections; unknown counts as true.",
	    .flags = FIELD_POINTER),
	ROW(BOOL, "serving", 2,
	    "Like ready, but also true for an endpoint that serves while it ends.",
	    .flags = FIELD_POINTER),
	ROW(BOOL, "terminating", 3, "Whether it is ending.", .flags = FIELD_POINTER),
};

static const struct type type_endpoint_conditions = {
	.name = "io.k8s.api.discovery.v1.EndpointConditions",
	.doc = "What is known of one endpoint.",
	SCHEMA_TABLE(endpoint_conditions_fields),
};

static const struct field for_zone_fields[] = {
	ROW(STRING, "name", 1, "Name of the zone.", .flags = FIELD_REQUIRED),
};

static const struct type type_for_zone = {
	.name = "io.k8s.api.discovery.v1.ForZone",
	.doc = "A zone that should use an endpoint.",
	SCHEMA_TABLE(for_zone_fields),
};

static const struct field for_node_fields[] = {
	ROW(STRING, "name", 1, "Name of the node.", .flags = FIELD_REQUIRED),
};

static const struct type type_for_node = {
	.name = "io.k8s.api.discovery.v1.ForNode",
	.doc = "A node that should use an endpoint.",
	SCHEMA_TABLE(for_node_fields),
};

static const struct field endpoint_hints_fields[] = {
	ROW(MESSAGE, "forZones", 1, "Zones that should.", .shape = FIELD_LIST,
	    .message = &type_for_zone, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "forNodes", 2, "Nodes that should.", .shape = FIELD_LIST,
	    .message = &type_for_node, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_endpoint_hints = {
	.name = "io.k8s.api.discovery.v1.EndpointHints",
	.doc = "Who should use an endpoint.",
	SCHEMA_TABLE(endpoint_hints_fields),
};

static const struct field slice_endpoint_fields[] = {
	ROW(STRING, "addresses", 1,
	    "Its addresses, all the same to clients; only the first is used.", .shape = FIELD_LIST,
	    .flags = FIELD_REQUIRED | FIELD_LIST_SET),
	ROW(MESSAGE, "conditions", 2, "What is known of it.", .message = &type_endpoint_conditions),
	ROW(STRING, "hostname", 3, "Name below the Service's name in DNS; a DNS label.",
	    .flags = FIELD_POINTER, .format = FORMAT_DNS_LABEL),
	ROW(MESSAGE, "targetRef", 4, "Object that the endpoint stands for, as a rule a pod.",
	    .message = &type_object_reference, .flags = FIELD_POINTER),
	ROW(STRING, "deprecatedTopology", 5, "Topology of the earlier beta version; cannot be set.",
	    .shape = FIELD_MAP),
	ROW(STRING, "nodeName", 6, "Node it runs on.", .flags = FIELD_POINTER,
	    .format = FORMAT_DNS_SUBDOMAIN),
	ROW(STRING, "zone", 7, "Zone it runs in.", .flags = FIELD_POINTER),
	ROW(MESSAGE, "hints", 8, "Who should use it.", .message = &type_endpoint_hints,
	    .flags = FIELD_POINTER),
};

static const struct type type_slice_endpoint = {
	.name = "io.k8s.api.discovery.v1.Endpoint",
	.doc = "One place behind a Service.",
	SCHEMA_TABLE(slice_endpoint_fields),
};

static const struct field slice_port_fields[] = {
	ROW(STRING, "name", 1, "Name of the Service port; empty for the unnamed one.",
	    .flags = FIELD_POINTER, .default_json = "\"\"", .format = FORMAT_DNS_LABEL),
	ROW(STRING, "protocol", 2, "TCP, UDP or SCTP.", .flags = FIELD_POINTER,
	    .default_json = "\"TCP\"", .one_of = "SCTP|TCP|UDP"),
	ROW(INT32, "port", 3, "Port number; absent for every port.", .flags = FIELD_POINTER,
	    .format = FORMAT_PORT),
	ROW(STRING, "appProtocol", 4, "Protocol spoken, such as http or kubernetes.io/h2c.",
	    .flags = FIELD_POINTER),
};

static const struct type type_slice_port = {
	.name = "io.k8s.api.discovery.v1.EndpointPort",
	.doc = "A port that every endpoint of a slice serves.",
	SCHEMA_TABLE(slice_port_fields),
	.atomic = true,
};

static const struct field endpoint_slice_fields[] = {
	KIND_ROWS,
	ROW(STRING, "addressType", 4, "What the addresses are: IPv4, IPv6 or FQDN; cannot change.",
	    .flags = FIELD_REQUIRED | FIELD_IMMUTABLE, .one_of = "FQDN|IPv4|IPv6"),
	ROW(MESSAGE, "endpoints", 2, "Places behind the Service; at most 1000.",
	    .shape = FIELD_LIST, .message = &type_slice_endpoint,
	    .flags = FIELD_EXPECTED | FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "ports", 3, "Ports that each of them serves; at most 100.",
	    .shape = FIELD_LIST, .message = &type_slice_port, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_endpoint_slice = {
	.name = "io.k8s.api.discovery.v1.EndpointSlice",
	.doc = "A part of what is behind a Service.",
	SCHEMA_TABLE(endpoint_slice_fields),
};

static json_t *cell_address_type(const json_t *slice, int64_t now)
{
	return cell_string_at(slice, "addressType", "");
}

static json_t *cell_ports(const json_t *slice, int64_t now)
{
	struct cell_list list = CELL_LIST_INIT;
	size_t i;
	json_t *port;

	json_array_foreach (json_object_get(slice, "ports"), i, port) {
		const char *name = json_string_value(json_object_get(port, "name"));
		_cleanup_free_ char *number =
			mem_printf("%lld", (long long)json_int_at(port, "port", 0));

		if (json_object_get(port, "port") != NULL) {
			cell_list_add(&list, number);
		} else {
			cell_list_add(&list, name != NULL ? name : "*");
		}
	}
	return cell_list_close(&list, "<unset>");
}

static json_t *cell_endpoints(const json_t *slice, int64_t now)
{
	struct cell_list list = CELL_LIST_INIT;
	size_t i, j;
	json_t *endpoint, *address;

	json_array_foreach (json_object_get(slice, "endpoints"), i, endpoint) {
		json_array_foreach (json_object_get(endpoint, "addresses"), j, address) {
			const char *text = json_string_value(address);

			cell_list_add(&list, text != NULL ? text : "");
		}
	}
	return cell_list_close(&list, "<unset>");
}

static const struct column endpoint_slice_columns[] = {
	COLUMN_NAME,
	COLUMN("AddressType", "string", cell_address_type, "What its addresses are."),
	COLUMN("Ports", "string", cell_ports, "Ports that all its endpoints serve."),
	COLUMN("Endpoints", "string", cell_endpoints, "Addresses of its endpoints."),
	COLUMN_AGE,
};

static void check_too_many(const json_t *array, size_t max, const char *path,
			   struct field_errors *errors)
{
	_cleanup_free_ char *detail = mem_printf("must have at most %zu items", max);
	_cleanup_json_ json_t *n = json_integer((json_int_t)json_array_size(array));

	if (json_array_size(array) > max) {
		field_errors_add(errors, FIELD_ERROR_TOO_MANY, path, n, detail);
	}
}

static void check_endpoint(const json_t *endpoint, const char *type, size_t index,
			   struct field_errors *errors)
{
	const json_t *addresses = json_object_get(endpoint, "addresses");
	_cleanup_free_ char *path = mem_printf("endpoints[%zu].addresses", index);
	size_t i;
	json_t *address;

	if (json_array_size(addresses) > LIMIT_SLICE_ADDRESSES) {
		check_too_many(addresses, LIMIT_SLICE_ADDRESSES, path, errors);
		return;
	}
	json_array_foreach (addresses, i, address) {
		_cleanup_free_ char *place = mem_printf("%s[%zu]", path, i);

		if (strcmp(type, "FQDN") == 0) {
			address_check_fqdn(address, place, errors);
		} else {
			address_check_family(address, strcmp(type, "IPv6") == 0, place, errors);
			address_check_reachable(address, place, errors);
		}
	}
}

/* Names tell ports apart, so there is at most one without: "" counts as a name here. */
static void check_ports(const json_t *ports, struct field_errors *errors)
{
	_cleanup_json_ json_t *seen = json_object();
	size_t i;
	json_t *port;

	json_array_foreach (ports, i, port) {
		const char *name = json_string_at(port, "name");

		if (json_object_get(seen, name) != NULL) {
			rule_error_text(errors, FIELD_ERROR_DUPLICATE, name, "", "ports[%zu].name",
					i);
		}
		json_object_set_new(seen, name, json_true());
	}
}

static void endpoint_slice_check(const json_t *slice, struct field_errors *errors)
{
	const json_t *endpoints = json_object_get(slice, "endpoints");
	const json_t *ports = json_object_get(slice, "ports");
	const char *type = json_string_at(slice, "addressType");
	size_t i;
	json_t *endpoint;

	check_too_many(endpoints, LIMIT_SLICE_ENDPOINTS, "endpoints", errors);
	check_too_many(ports, LIMIT_SLICE_PORTS, "ports", errors);
	if (json_array_size(endpoints) <= LIMIT_SLICE_ENDPOINTS) {
		json_array_foreach (endpoints, i, endpoint) {
			check_endpoint(endpoint, type, i, errors);
		}
	}
	if (json_array_size(ports) <= LIMIT_SLICE_PORTS) {
		check_ports(ports, errors);
	}
}

/* The generation counts changes of what the slice says, which is all but its metadata. */
static void endpoint_slice_create(json_t *slice)
{
	json_put(slice, "metadata.generation", json_integer(1));
}

static void endpoint_slice_update(json_t *slice, const json_t *old)
{
	static const char *const besides[] = { "metadata", NULL };
	int64_t generation = json_int_at(old, "metadata.generation", 1);

	if (!rule_only_changes(slice, old, besides)) {
		generation++;
	}
	json_put(slice, "metadata.generation", json_integer(generation));
}

const struct kind kind_endpoint_slice = {
	.group = "discovery.k8s.io",
	.version = "v1",
	.kind = "EndpointSlice",
	.plural = "endpointslices",
	.singular = "endpointslice",
	.type = &type_endpoint_slice,
	.flags = KIND_NAMESPACED | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	KIND_COLUMNS(endpoint_slice_columns),
	.create = endpoint_slice_create,
	.update = endpoint_slice_update,
	.check = endpoint_slice_check,
};
