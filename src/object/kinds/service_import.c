/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include "base/mem.h"
#include "object/field_errors.h"
#include "object/kinds/cells.h"
#include "object/kinds/rules.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A Service of other clusters, as the Multi-Cluster Services API has it (KEP-1645). Kubernetes
 * serves it as a custom resource; here it is a kind like the others. What is behind it are endpoint
 * slices with the labels multicluster.kubernetes.io/service-name and …/source-cluster.
 */

static const struct field import_port_fields[] = {
	ROW(STRING, "name", 1,
	    "Name of the port, as in SRV records; needed when there are several.",
	    .format = FORMAT_DNS_LABEL),
	ROW(STRING, "protocol", 2, "TCP, UDP or SCTP.", .one_of = "SCTP|TCP|UDP"),
	ROW(STRING, "appProtocol", 3, "Protocol spoken, such as http or kubernetes.io/h2c.",
	    .flags = FIELD_POINTER, .format = FORMAT_QUALIFIED_NAME),
	ROW(INT32, "port", 4, "Port of the service.", .flags = FIELD_REQUIRED,
	    .format = FORMAT_PORT),
};

static const struct type type_import_port = {
	.name = "io.x-k8s.multicluster.v1alpha1.ServicePort",
	.doc = "A port of a service of other clusters.",
	SCHEMA_TABLE(import_port_fields),
};

static const struct field import_client_ip_fields[] = {
	ROW(INT32, "timeoutSeconds", 1, "Seconds after the last connection, up to a day.",
	    .flags = FIELD_POINTER),
};

static const struct type type_import_client_ip = {
	.name = "io.x-k8s.multicluster.v1alpha1.ClientIPConfig",
	.doc = "How long a client stays with an endpoint.",
	SCHEMA_TABLE(import_client_ip_fields),
};

static const struct field import_affinity_fields[] = {
	ROW(MESSAGE, "clientIP", 1, "By the client's address.", .message = &type_import_client_ip,
	    .flags = FIELD_POINTER),
};

static const struct type type_import_affinity = {
	.name = "io.x-k8s.multicluster.v1alpha1.SessionAffinityConfig",
	.doc = "How clients stay with an endpoint.",
	SCHEMA_TABLE(import_affinity_fields),
};

static const struct field import_spec_fields[] = {
	ROW(MESSAGE, "ports", 1, "Ports of the service.", .shape = FIELD_LIST,
	    .message = &type_import_port, .flags = FIELD_EXPECTED | FIELD_LIST_ATOMIC),
	ROW(STRING, "ips", 2, "Its addresses, one a family, when it is of type ClusterSetIP.",
	    .shape = FIELD_LIST, .format = FORMAT_IP),
	ROW(STRING, "type", 3, "ClusterSetIP, or Headless: its name leads to the endpoints.",
	    .flags = FIELD_REQUIRED, .one_of = "ClusterSetIP|Headless"),
	ROW(STRING, "sessionAffinity", 4, "ClientIP to keep a client with an endpoint, or None.",
	    .one_of = "ClientIP|None"),
	ROW(MESSAGE, "sessionAffinityConfig", 5, "How long it stays.",
	    .message = &type_import_affinity, .flags = FIELD_POINTER),
	ROW(STRING, "ipFamilies", 6, "IPv4, IPv6 or both.", .shape = FIELD_LIST,
	    .one_of = "IPv4|IPv6"),
	ROW(STRING, "internalTrafficPolicy", 7, "Local to stay on the client's node, or Cluster.",
	    .flags = FIELD_POINTER, .one_of = "Cluster|Local"),
	ROW(STRING, "trafficDistribution", 8, "Which endpoints are to be preferred.",
	    .flags = FIELD_POINTER),
};

static const struct type type_import_spec = {
	.name = "io.x-k8s.multicluster.v1alpha1.ServiceImportSpec",
	.doc = "What a service of other clusters is.",
	SCHEMA_TABLE(import_spec_fields),
};

static const struct field import_cluster_fields[] = {
	ROW(STRING, "cluster", 1, "Name of the cluster.", .flags = FIELD_REQUIRED,
	    .format = FORMAT_DNS_LABEL),
};

static const struct type type_import_cluster = {
	.name = "io.x-k8s.multicluster.v1alpha1.ClusterStatus",
	.doc = "A cluster that exports the service.",
	SCHEMA_TABLE(import_cluster_fields),
};

static const struct field import_status_fields[] = {
	ROW(MESSAGE, "clusters", 1, "Clusters that export it.", .shape = FIELD_LIST,
	    .message = &type_import_cluster, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "cluster", .list_keys = "cluster"),
	ROW(MESSAGE, "conditions", 2, "What is known of it.", .shape = FIELD_LIST,
	    .message = &type_condition, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "type", .list_keys = "type"),
};

static const struct type type_import_status = {
	.name = "io.x-k8s.multicluster.v1alpha1.ServiceImportStatus",
	.doc = "Where a service of other clusters comes from.",
	SCHEMA_TABLE(import_status_fields),
};

static const struct field service_import_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "What it is.", .message = &type_import_spec),
	ROW(MESSAGE, "status", 3, "Where it comes from.", .message = &type_import_status),
};

static const struct type type_service_import = {
	.name = "io.x-k8s.multicluster.v1alpha1.ServiceImport",
	.doc = "A Service of other clusters.",
	SCHEMA_TABLE(service_import_fields),
};

static json_t *cell_type(const json_t *import, int64_t now)
{
	return cell_string_at(import, "spec.type", "");
}

/* A list in a column of a custom resource is printed as JSON. */
static json_t *cell_ips(const json_t *import, int64_t now)
{
	const json_t *ips = json_at(import, "spec.ips");
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(CELL_MAX);

	if (ips != NULL) {
		json_write(ips, &text);
	}
	return cell_of(&text, "");
}

static const struct column service_import_columns[] = {
	COLUMN_NAME,
	COLUMN("Type", "string", cell_type, "How it is reached."),
	COLUMN("IP", "string", cell_ips, "Its addresses."),
	COLUMN_AGE,
};

static void check_at_most_two(const json_t *import, const char *path, struct field_errors *errors)
{
	const json_t *list = json_at(import, path);
	_cleanup_json_ json_t *n = json_integer((json_int_t)json_array_size(list));

	if (json_array_size(list) > 2) {
		field_errors_add(errors, FIELD_ERROR_TOO_MANY, path, n,
				 "must have at most 2 items");
	}
}

static void service_import_check(const json_t *import, struct field_errors *errors)
{
	check_at_most_two(import, "spec.ips", errors);
	check_at_most_two(import, "spec.ipFamilies", errors);
	rule_unique(json_at(import, "spec.ports"), "name", "spec.ports", errors);
}

const struct kind kind_service_import = {
	.group = "multicluster.x-k8s.io",
	.version = "v1alpha1",
	.kind = "ServiceImport",
	.plural = "serviceimports",
	.singular = "serviceimport",
	.short_names = "svcim,svcimport",
	.type = &type_service_import,
	.flags = KIND_NAMESPACED | KIND_STATUS | KIND_GENERATION,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	KIND_COLUMNS(service_import_columns),
	.check = service_import_check,
};
