/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "object/kinds/rules.h"
#include "object/kinds/service_rules.h"
#include "json/json.h"

/*
 * Two things about a Service need more than a row. Fields come in pairs (clusterIP and clusterIPs)
 * of which clients may know one. And what the API server gave (addresses, node ports) stays with
 * the Service when an update does not mention it, or goes when the new type has no use for it; so a
 * manifest without addresses can be applied again and again.
 */

static const char *type_of(const json_t *service)
{
	const char *type = json_string_at(service, "spec.type");

	return type[0] != '\0' ? type : "ClusterIP";
}

static bool has_type(const json_t *service, const char *type)
{
	return strcmp(type_of(service), type) == 0;
}

static bool needs_cluster_ip(const json_t *service)
{
	return !has_type(service, "ExternalName");
}

/* A load balancer may do without node ports, if it says so. */
static bool needs_node_port(const json_t *service)
{
	return has_type(service, "NodePort") ||
	       (has_type(service, "LoadBalancer") &&
		json_bool_at(service, "spec.allocateLoadBalancerNodePorts", true));
}

static bool is_external(const json_t *service)
{
	return has_type(service, "NodePort") || has_type(service, "LoadBalancer") ||
	       (has_type(service, "ClusterIP") &&
		json_array_size(json_at(service, "spec.externalIPs")) > 0);
}

static bool needs_health_check_port(const json_t *service)
{
	return has_type(service, "LoadBalancer") &&
	       strcmp(json_string_at(service, "spec.externalTrafficPolicy"), "Local") == 0;
}

/* ---- defaults ---- */

static void complete_affinity(json_t *service)
{
	const char *affinity = json_string_at(service, "spec.sessionAffinity");

	if (strcmp(affinity, "None") == 0) {
		json_remove(service, "spec.sessionAffinityConfig");
	} else if (strcmp(affinity, "ClientIP") == 0 &&
		   json_at(service, "spec.sessionAffinityConfig.clientIP.timeoutSeconds") == NULL) {
		json_put(service, "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
			 json_integer(3 * 60 * 60));
	}
}

static void complete_load_balancer(json_t *service)
{
	size_t i;
	json_t *ingress;

	if (!has_type(service, "LoadBalancer")) {
		return;
	}
	if (json_at(service, "spec.allocateLoadBalancerNodePorts") == NULL) {
		json_put(service, "spec.allocateLoadBalancerNodePorts", json_true());
	}
	json_array_foreach (json_at(service, "status.loadBalancer.ingress"), i, ingress) {
		if (json_string_at(ingress, "ip")[0] != '\0' &&
		    json_object_get(ingress, "ipMode") == NULL) {
			json_object_set_new(ingress, "ipMode", json_string("VIP"));
		}
	}
}

void service_complete(json_t *service)
{
	if (!json_is_object(json_object_get(service, "spec"))) {
		return;
	}
	complete_affinity(service);
	complete_load_balancer(service);
	if (is_external(service) &&
	    json_string_at(service, "spec.externalTrafficPolicy")[0] == '\0') {
		json_put(service, "spec.externalTrafficPolicy", json_string("Cluster"));
	}
	if (needs_cluster_ip(service) && json_at(service, "spec.internalTrafficPolicy") == NULL) {
		json_put(service, "spec.internalTrafficPolicy", json_string("Cluster"));
	}
}

/* Without a target, a port leads to the same number. */
void service_port_complete(json_t *port)
{
	const json_t *target = json_object_get(port, "targetPort");
	bool is_empty = json_is_string(target) ? json_string_length(target) == 0
					       : json_integer_value(target) == 0;

	if (is_empty && json_object_get(port, "port") != NULL) {
		json_object_set_new(port, "targetPort", json_integer(json_int_at(port, "port", 0)));
	}
}

/* ---- what an update keeps ---- */

static bool is_same(const json_t *service, const json_t *old, const char *path)
{
	return rule_is_same(json_at(service, path), json_at(old, path));
}

static void carry(json_t *service, const json_t *old, const char *path)
{
	const json_t *value = json_at(old, path);

	if (value != NULL) {
		json_put(service, path, json_deep_copy(value));
	}
}

static bool is_used(const json_t *service, int64_t node_port)
{
	size_t i;
	json_t *port;

	json_array_foreach (json_at(service, "spec.ports"), i, port) {
		if (json_int_at(port, "nodePort", 0) == node_port) {
			return true;
		}
	}
	return false;
}

/* A port that has lost its node port gets back the one that its name had. */
static void carry_node_ports(json_t *service, const json_t *old)
{
	size_t i, j;
	json_t *port, *before;

	json_array_foreach (json_at(service, "spec.ports"), i, port) {
		if (json_int_at(port, "nodePort", 0) != 0) {
			continue;
		}
		json_array_foreach (json_at(old, "spec.ports"), j, before) {
			int64_t number = json_int_at(before, "nodePort", 0);

			if (number != 0 && !is_used(service, number) &&
			    strcmp(json_string_at(port, "name"), json_string_at(before, "name")) ==
				    0) {
				json_object_set_new(port, "nodePort", json_integer(number));
				break;
			}
		}
	}
}

static void carry_allocated(json_t *service, const json_t *old)
{
	if (needs_cluster_ip(service) && needs_cluster_ip(old)) {
		if (json_string_at(service, "spec.clusterIP")[0] == '\0') {
			carry(service, old, "spec.clusterIP");
		}
		if (json_array_size(json_at(service, "spec.clusterIPs")) == 0 &&
		    is_same(service, old, "spec.clusterIP")) {
			carry(service, old, "spec.clusterIPs");
		}
		if (json_at(service, "spec.ipFamilyPolicy") == NULL) {
			carry(service, old, "spec.ipFamilyPolicy");
		}
		if (json_array_size(json_at(service, "spec.ipFamilies")) == 0) {
			carry(service, old, "spec.ipFamilies");
		}
	}
	if (needs_node_port(service) && needs_node_port(old)) {
		carry_node_ports(service, old);
	}
	if (needs_health_check_port(service) && needs_health_check_port(old) &&
	    json_int_at(service, "spec.healthCheckNodePort", 0) == 0) {
		carry(service, old, "spec.healthCheckNodePort");
	}
}

/*
 * clusterIP is the first of clusterIPs. A client that knows only the one changes it alone, and
 * means the other too.
 */
static void sync_cluster_ips(json_t *service, const json_t *old)
{
	const char *one = json_string_at(service, "spec.clusterIP");
	const char *before = json_string_at(old, "spec.clusterIP");

	if (old == NULL) {
		if (one[0] != '\0' && json_array_size(json_at(service, "spec.clusterIPs")) == 0) {
			json_put(service, "spec.clusterIPs", json_pack("[s]", one));
		}
		return;
	}
	bool is_list_same = is_same(service, old, "spec.clusterIPs");

	if (strcmp(one, before) == 0) {
		if (json_array_size(json_at(service, "spec.clusterIPs")) == 0) {
			carry(service, old, "spec.clusterIPs");
		}
	} else if (one[0] == '\0') {
		if (is_list_same) {
			json_remove(service, "spec.clusterIPs");
		}
	} else if (is_list_same || json_array_size(json_at(service, "spec.clusterIPs")) == 0) {
		json_put(service, "spec.clusterIPs", json_pack("[s]", one));
	}
}

static void drop_unchanged(json_t *service, const json_t *old, const char *path)
{
	if (is_same(service, old, path)) {
		json_remove(service, path);
	}
}

static void drop_node_ports(json_t *service, const json_t *old)
{
	size_t i;
	json_t *port;

	json_array_foreach (json_at(service, "spec.ports"), i, port) {
		if (is_used(old, json_int_at(port, "nodePort", 0))) {
			json_object_del(port, "nodePort");
		}
	}
}

/* A change of type drops what only the old one used, unless the client touched it as well. */
static void drop_useless(json_t *service, const json_t *old)
{
	if (needs_cluster_ip(old) && !needs_cluster_ip(service)) {
		drop_unchanged(service, old, "spec.clusterIP");
		drop_unchanged(service, old, "spec.clusterIPs");
		drop_unchanged(service, old, "spec.ipFamilies");
		drop_unchanged(service, old, "spec.ipFamilyPolicy");
		drop_unchanged(service, old, "spec.internalTrafficPolicy");
	}
	if (needs_node_port(old) && !needs_node_port(service)) {
		drop_node_ports(service, old);
	}
	if (needs_health_check_port(old) && !needs_health_check_port(service)) {
		drop_unchanged(service, old, "spec.healthCheckNodePort");
	}
	if (has_type(old, "LoadBalancer") && !has_type(service, "LoadBalancer")) {
		drop_unchanged(service, old, "spec.allocateLoadBalancerNodePorts");
		drop_unchanged(service, old, "spec.loadBalancerClass");
	}
	if (is_external(old) && !is_external(service)) {
		drop_unchanged(service, old, "spec.externalTrafficPolicy");
	}
}

void service_create(json_t *service)
{
	json_object_del(service, "status");
	sync_cluster_ips(service, NULL);
}

void service_update(json_t *service, const json_t *old)
{
	carry_allocated(service, old);
	sync_cluster_ips(service, old);
	drop_useless(service, old);
}
