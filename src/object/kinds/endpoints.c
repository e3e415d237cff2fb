/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <string.h>

#include "base/mem.h"
#include "object/field_errors.h"
#include "object/kinds/address.h"
#include "object/kinds/cells.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * Endpoints: the older form of what is behind a Service, all of it in one object. Kept for clients
 * that read it; names and slices are made from endpoint slices.
 */

static void endpoint_address_check(const json_t *address, const char *path,
				   struct field_errors *errors)
{
	const json_t *ip = json_object_get(address, "ip");
	_cleanup_free_ char *place = mem_printf("%s.ip", path);

	if (ip != NULL) {
		address_check_reachable(ip, place, errors);
	}
}

static const struct field endpoint_address_fields[] = {
	ROW(STRING, "ip", 1, "The address.", .flags = FIELD_REQUIRED, .format = FORMAT_IP),
	ROW(STRING, "hostname", 3, "Name below the Service's name in DNS; a DNS label.",
	    .format = FORMAT_DNS_LABEL),
	ROW(STRING, "nodeName", 4, "Node it is on.", .flags = FIELD_POINTER,
	    .format = FORMAT_DNS_SUBDOMAIN),
	ROW(MESSAGE, "targetRef", 2, "Object that the address stands for, as a rule a pod.",
	    .message = &type_object_reference, .flags = FIELD_POINTER),
};

static const struct type type_endpoint_address = {
	.name = "io.k8s.api.core.v1.EndpointAddress",
	.doc = "One address behind a Service.",
	SCHEMA_TABLE(endpoint_address_fields),
	.check = endpoint_address_check,
	.atomic = true,
};

static const struct field endpoint_port_fields[] = {
	ROW(STRING, "name", 1, "Name of the Service port; needed when there are several.",
	    .format = FORMAT_DNS_LABEL),
	ROW(INT32, "port", 2, "Port number.", .flags = FIELD_EXPECTED, .format = FORMAT_PORT),
	ROW(STRING, "protocol", 3, "TCP, UDP or SCTP.", .default_json = "\"TCP\"",
	    .one_of = "SCTP|TCP|UDP"),
	ROW(STRING, "appProtocol", 4, "Protocol spoken, such as http or kubernetes.io/h2c.",
	    .flags = FIELD_POINTER),
};

static const struct type type_endpoint_port = {
	.name = "io.k8s.api.core.v1.EndpointPort",
	.doc = "A port behind a Service.",
	SCHEMA_TABLE(endpoint_port_fields),
	.atomic = true,
};

/* With several ports in a subset, names tell them apart. */
static void endpoint_subset_check(const json_t *subset, const char *path,
				  struct field_errors *errors)
{
	const json_t *ports = json_object_get(subset, "ports");
	size_t i;
	json_t *port;

	if (json_array_size(json_object_get(subset, "addresses")) == 0 &&
	    json_array_size(json_object_get(subset, "notReadyAddresses")) == 0) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, path, NULL,
				 "must specify `addresses` or `notReadyAddresses`");
	}
	json_array_foreach (ports, i, port) {
		if (json_array_size(ports) > 1 && json_string_at(port, "name")[0] == '\0') {
			field_errors_addf(errors, FIELD_ERROR_REQUIRED, NULL, "",
					  "%s.ports[%zu].name", path, i);
		}
	}
}

static const struct field endpoint_subset_fields[] = {
	ROW(MESSAGE, "addresses", 1, "Addresses that are ready.", .shape = FIELD_LIST,
	    .message = &type_endpoint_address, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "notReadyAddresses", 2, "Addresses that are not.", .shape = FIELD_LIST,
	    .message = &type_endpoint_address, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "ports", 3, "Ports that each of them serves.", .shape = FIELD_LIST,
	    .message = &type_endpoint_port, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_endpoint_subset = {
	.name = "io.k8s.api.core.v1.EndpointSubset",
	.doc = "Addresses that serve the same ports.",
	SCHEMA_TABLE(endpoint_subset_fields),
	.check = endpoint_subset_check,
};

static const struct field endpoints_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "subsets", 2, "Addresses, grouped by the ports they serve.",
	    .shape = FIELD_LIST, .message = &type_endpoint_subset, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_endpoints = {
	.name = "io.k8s.api.core.v1.Endpoints",
	.doc = "What is behind a Service, in one object; the older form of endpoint slices.",
	SCHEMA_TABLE(endpoints_fields),
};

/* Three addresses with their port, and how many more; a headless service may have no port. */
static json_t *cell_endpoints(const json_t *endpoints, int64_t now)
{
	struct cell_list list = CELL_LIST_INIT;
	const json_t *subsets = json_object_get(endpoints, "subsets");
	size_t i, j, k;
	json_t *subset, *address, *port;

	json_array_foreach (subsets, i, subset) {
		const json_t *addresses = json_object_get(subset, "addresses");
		const json_t *ports = json_object_get(subset, "ports");

		if (json_array_size(ports) == 0) {
			json_array_foreach (addresses, k, address) {
				cell_list_add(&list, json_string_at(address, "ip"));
			}
		}
		json_array_foreach (ports, j, port) {
			json_array_foreach (addresses, k, address) {
				const char *ip = json_string_at(address, "ip");
				_cleanup_free_ char *item =
					mem_printf(strchr(ip, ':') != NULL ? "[%s]:%lld"
									   : "%s:%lld",
						   ip, (long long)json_int_at(port, "port", 0));

				cell_list_add(&list, item);
			}
		}
	}
	return cell_list_close(&list, json_array_size(subsets) == 0 ? "<none>" : "");
}

static const struct column endpoints_columns[] = {
	COLUMN_NAME,
	COLUMN("Endpoints", "string", cell_endpoints,
	       "Addresses that are ready, with their ports."),
	COLUMN_AGE,
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
	KIND_COLUMNS(endpoints_columns),
};
