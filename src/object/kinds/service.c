/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <string.h>

#include "object/kinds/cells.h"
#include "object/kinds/service_rules.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A Service: a name for a set of pods. Headless (clusterIP "None"), the name leads to the pods
 * themselves. Defaults are in service_defaults.c, the rules in service_rules.c.
 */

static const struct field service_port_fields[] = {
	ROW(STRING, "name", 1,
	    "Name of the port, as in SRV records; needed when there are several.",
	    .format = FORMAT_DNS_LABEL),
	ROW(STRING, "protocol", 2, "TCP, UDP or SCTP.", .default_json = "\"TCP\"",
	    .one_of = "SCTP|TCP|UDP"),
	ROW(STRING, "appProtocol", 6, "Protocol spoken, such as http or kubernetes.io/h2c.",
	    .flags = FIELD_POINTER, .format = FORMAT_QUALIFIED_NAME),
	ROW(INT32, "port", 3, "Port of the Service.", .flags = FIELD_EXPECTED,
	    .format = FORMAT_PORT),
	ROW(INT_OR_STRING, "targetPort", 4,
	    "Port of the pods, by number or name; the same number when absent.",
	    .format = FORMAT_PORT_OR_NAME),
	ROW(INT32, "nodePort", 5, "Port of every node that leads here; given out when needed."),
};

static const struct type type_service_port = {
	.name = "io.k8s.api.core.v1.ServicePort",
	.doc = "A port of a Service.",
	SCHEMA_TABLE(service_port_fields),
	.complete = service_port_complete,
};

static const struct field client_ip_config_fields[] = {
	ROW(INT32, "timeoutSeconds", 1, "Seconds after the last connection, up to a day.",
	    .flags = FIELD_POINTER),
};

static const struct type type_client_ip_config = {
	.name = "io.k8s.api.core.v1.ClientIPConfig",
	.doc = "How long a client stays with a pod.",
	SCHEMA_TABLE(client_ip_config_fields),
};

static const struct field session_affinity_config_fields[] = {
	ROW(MESSAGE, "clientIP", 1, "By the client's address.", .message = &type_client_ip_config,
	    .flags = FIELD_POINTER),
};

static const struct type type_session_affinity_config = {
	.name = "io.k8s.api.core.v1.SessionAffinityConfig",
	.doc = "How clients stay with a pod.",
	SCHEMA_TABLE(session_affinity_config_fields),
};

static const struct field service_spec_fields[] = {
	ROW(MESSAGE, "ports", 1, "Ports of the Service; a headless one may have none.",
	    .shape = FIELD_LIST, .message = &type_service_port,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "port",
	    .list_keys = "port,protocol"),
	ROW(STRING, "selector", 2, "Labels of the pods; without it, endpoints are made by hand.",
	    .shape = FIELD_MAP, .flags = FIELD_MAP_ATOMIC),
	ROW(STRING, "clusterIP", 3,
	    "Its own address; None makes it headless: its name leads to the pods."),
	ROW(STRING, "clusterIPs", 18, "Its own addresses, one a family; the first is clusterIP.",
	    .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "type", 4, "ClusterIP, NodePort, LoadBalancer or ExternalName.",
	    .default_json = "\"ClusterIP\"",
	    .one_of = "ClusterIP|ExternalName|LoadBalancer|NodePort"),
	ROW(STRING, "externalIPs", 5,
	    "Addresses from elsewhere that nodes take as the Service's own.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC, .format = FORMAT_IP),
	ROW(STRING, "sessionAffinity", 7, "ClientIP to keep a client with a pod, or None.",
	    .default_json = "\"None\"", .one_of = "ClientIP|None"),
	ROW(STRING, "loadBalancerIP", 8, "Address to ask the load balancer for; deprecated."),
	ROW(STRING, "loadBalancerSourceRanges", 9, "Addresses that may use the load balancer.",
	    .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC, .format = FORMAT_CIDR),
	ROW(STRING, "externalName", 10, "Name that the Service is an alias of, for ExternalName."),
	ROW(STRING, "externalTrafficPolicy", 11,
	    "Cluster for all pods, Local for those on the node that was asked.",
	    .one_of = "Cluster|Local"),
	ROW(INT32, "healthCheckNodePort", 12,
	    "Port that tells load balancers whether a node has pods."),
	ROW(BOOL, "publishNotReadyAddresses", 13,
	    "Whether pods get names and endpoints before they are ready."),
	ROW(MESSAGE, "sessionAffinityConfig", 14, "How clients stay with a pod.",
	    .message = &type_session_affinity_config, .flags = FIELD_POINTER),
	ROW(STRING, "ipFamilies", 19, "Families of its addresses, the first one first.",
	    .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC, .one_of = "IPv4|IPv6"),
	ROW(STRING, "ipFamilyPolicy", 17, "SingleStack, PreferDualStack or RequireDualStack.",
	    .flags = FIELD_POINTER, .one_of = "PreferDualStack|RequireDualStack|SingleStack"),
	ROW(BOOL, "allocateLoadBalancerNodePorts", 20, "Whether a load balancer needs node ports.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "loadBalancerClass", 21, "Who makes the load balancer; cannot change.",
	    .flags = FIELD_POINTER, .format = FORMAT_QUALIFIED_NAME),
	ROW(STRING, "internalTrafficPolicy", 22,
	    "Cluster for all pods, Local for those on the client's node.", .flags = FIELD_POINTER,
	    .one_of = "Cluster|Local"),
	ROW(STRING, "trafficDistribution", 23,
	    "Which pods are preferred: PreferSameZone, PreferSameNode, PreferClose.",
	    .flags = FIELD_POINTER, .one_of = "PreferClose|PreferSameNode|PreferSameZone"),
};

static const struct type type_service_spec = {
	.name = "io.k8s.api.core.v1.ServiceSpec",
	.doc = "Which pods a Service leads to, and how it is reached.",
	SCHEMA_TABLE(service_spec_fields),
};

static const struct field port_status_fields[] = {
	ROW(INT32, "port", 1, "Port number.", .flags = FIELD_EXPECTED),
	ROW(STRING, "protocol", 2, "TCP, UDP or SCTP.", .flags = FIELD_EXPECTED,
	    .one_of = "SCTP|TCP|UDP"),
	ROW(STRING, "error", 3, "What is wrong with it.", .flags = FIELD_POINTER),
};

static const struct type type_port_status = {
	.name = "io.k8s.api.core.v1.PortStatus",
	.doc = "What became of a port of a load balancer.",
	SCHEMA_TABLE(port_status_fields),
};

static const struct field load_balancer_ingress_fields[] = {
	ROW(STRING, "ip", 1, "Its address."),
	ROW(STRING, "hostname", 2, "Its name."),
	ROW(STRING, "ipMode", 3, "VIP when packets keep that address, Proxy when not.",
	    .flags = FIELD_POINTER, .one_of = "Proxy|VIP"),
	ROW(MESSAGE, "ports", 4, "Its ports.", .shape = FIELD_LIST, .message = &type_port_status,
	    .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_load_balancer_ingress = {
	.name = "io.k8s.api.core.v1.LoadBalancerIngress",
	.doc = "A place where a load balancer listens.",
	SCHEMA_TABLE(load_balancer_ingress_fields),
};

static const struct field load_balancer_status_fields[] = {
	ROW(MESSAGE, "ingress", 1, "The places.", .shape = FIELD_LIST,
	    .message = &type_load_balancer_ingress, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_load_balancer_status = {
	.name = "io.k8s.api.core.v1.LoadBalancerStatus",
	.doc = "Where a load balancer listens.",
	SCHEMA_TABLE(load_balancer_status_fields),
};

static const struct field service_status_fields[] = {
	ROW(MESSAGE, "loadBalancer", 1, "Where its load balancer listens.",
	    .message = &type_load_balancer_status),
	ROW(MESSAGE, "conditions", 2, "Aspects of the Service's state.", .shape = FIELD_LIST,
	    .message = &type_condition, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "type", .list_keys = "type"),
};

static const struct type type_service_status = {
	.name = "io.k8s.api.core.v1.ServiceStatus",
	.doc = "What became of a Service.",
	SCHEMA_TABLE(service_status_fields),
};

static const struct field service_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "Which pods it leads to, and how it is reached.",
	    .message = &type_service_spec),
	ROW(MESSAGE, "status", 3, "What became of it.", .message = &type_service_status,
	    .default_json = "{\"loadBalancer\":{}}"),
};

static const struct type type_service = {
	.name = "io.k8s.api.core.v1.Service",
	.doc = "A name for a set of pods.",
	SCHEMA_TABLE(service_fields),
	.complete = service_complete,
};

static json_t *cell_type(const json_t *service, int64_t now)
{
	return cell_string_at(service, "spec.type", "");
}

static json_t *cell_cluster_ip(const json_t *service, int64_t now)
{
	const json_t *first = json_array_get(json_at(service, "spec.clusterIPs"), 0);

	if (json_is_string(first)) {
		return json_string(json_string_value(first));
	}
	return cell_string_at(service, "spec.clusterIP", "<none>");
}

static json_t *cell_external_ip(const json_t *service, int64_t now)
{
	_cleanup_buffer_ struct buffer list = BUFFER_INIT(CELL_MAX);
	const char *type = json_string_at(service, "spec.type");
	const char *otherwise = "<none>";
	size_t i;
	json_t *ingress;

	if (strcmp(type, "ExternalName") == 0) {
		return cell_string_at(service, "spec.externalName", "");
	}
	if (strcmp(type, "LoadBalancer") == 0) {
		otherwise = "<pending>";
		json_array_foreach (json_at(service, "status.loadBalancer.ingress"), i, ingress) {
			const char *ip = json_string_at(ingress, "ip");
			const char *hostname = json_string_at(ingress, "hostname");

			if (ip[0] != '\0' || hostname[0] != '\0') {
				cell_append_item(&list, ip[0] != '\0' ? ip : hostname);
			}
		}
	}
	cell_append_all(&list, json_at(service, "spec.externalIPs"), NULL);
	return cell_of(&list, otherwise);
}

/* "8080:30506/TCP,9090/UDP" */
static json_t *cell_ports(const json_t *service, int64_t now)
{
	_cleanup_buffer_ struct buffer list = BUFFER_INIT(CELL_MAX);
	size_t i;
	json_t *port;

	json_array_foreach (json_at(service, "spec.ports"), i, port) {
		int64_t node_port = json_int_at(port, "nodePort", 0);

		buffer_printf(&list, "%s%lld", i > 0 ? "," : "",
			      (long long)json_int_at(port, "port", 0));
		if (node_port > 0) {
			buffer_printf(&list, ":%lld", (long long)node_port);
		}
		buffer_printf(&list, "/%s", json_string_at(port, "protocol"));
	}
	return cell_of(&list, "<none>");
}

static json_t *cell_selector(const json_t *service, int64_t now)
{
	_cleanup_buffer_ struct buffer list = BUFFER_INIT(CELL_MAX);

	cell_append_map(&list, json_at(service, "spec.selector"));
	return cell_of(&list, "<none>");
}

static const struct column service_columns[] = {
	COLUMN_NAME,
	COLUMN("Type", "string", cell_type, "How the service is reached."),
	COLUMN("Cluster-IP", "string", cell_cluster_ip, "Its own address, or None when headless."),
	COLUMN("External-IP", "string", cell_external_ip, "Addresses or name for the outside."),
	COLUMN("Port(s)", "string", cell_ports, "Ports, with their node ports."),
	COLUMN_AGE,
	COLUMN("Selector", "string", cell_selector, "Labels of the pods behind it.", .priority = 1),
};

static const struct selectable service_selectables[] = {
	{ .name = "spec.clusterIP" },
	{ .name = "spec.type" },
};

const struct kind kind_service = {
	.group = "",
	.version = "v1",
	.kind = "Service",
	.plural = "services",
	.singular = "service",
	.short_names = "svc",
	.categories = "all",
	.type = &type_service,
	.flags = KIND_NAMESPACED | KIND_STATUS | KIND_UNCONDITIONAL_UPDATE | KIND_CREATE_ON_UPDATE,
	.name_format = FORMAT_DNS_LABEL_1035,
	KIND_COLUMNS(service_columns),
	KIND_SELECTABLES(service_selectables),
	.create = service_create,
	.update = service_update,
	.check = service_check,
	.check_update = service_check_update,
};
