/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/service_rules.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "object/formats.h"
#include "object/kinds/address.h"
#include "object/kinds/rules.h"
#include "json/json.h"

/*
 * Four types, one object: most rules say which fields belong to which type. A headless Service is
 * one whose only cluster address is the word "None"; it may have no ports at all.
 */

static bool has_type(const json_t *service, const char *type)
{
	return strcmp(json_string_at(service, "spec.type"), type) == 0;
}

static bool is_headless(const json_t *service)
{
	const json_t *list = json_at(service, "spec.clusterIPs");
	const char *first = json_string_value(json_array_get(list, 0));

	if (json_array_size(list) == 0) {
		return strcmp(json_string_at(service, "spec.clusterIP"), "None") == 0;
	}
	return json_array_size(list) == 1 && strcmp(first, "None") == 0;
}

/* ---- ports ---- */

/* The pair that makes a port unique, as Kubernetes prints it. */
static json_t *port_identity(const json_t *port)
{
	return json_pack("{s:s, s:s, s:n, s:I, s:i, s:i}", "Name", "", "Protocol",
			 json_string_at(port, "protocol"), "AppProtocol", "Port",
			 (json_int_t)json_int_at(port, "port", 0), "TargetPort", 0, "NodePort", 0);
}

static void check_duplicate_ports(const json_t *ports, struct field_errors *errors)
{
	_cleanup_json_ json_t *seen = json_object();
	_cleanup_json_ json_t *seen_nodes = json_object();
	size_t i;
	json_t *port;

	json_array_foreach (ports, i, port) {
		const json_t *node_port = json_object_get(port, "nodePort");
		const char *protocol = json_string_at(port, "protocol");
		_cleanup_free_ char *pair =
			mem_printf("%s/%lld", protocol, (long long)json_int_at(port, "port", 0));
		_cleanup_free_ char *node =
			mem_printf("%s/%lld", protocol, (long long)json_integer_value(node_port));

		if (json_integer_value(node_port) != 0) {
			if (json_object_get(seen_nodes, node) != NULL) {
				field_errors_addf(errors, FIELD_ERROR_DUPLICATE, node_port, "",
						  "spec.ports[%zu].nodePort", i);
			}
			json_object_set_new(seen_nodes, node, json_true());
		}
		if (json_object_get(seen, pair) != NULL) {
			_cleanup_json_ json_t *identity = port_identity(port);

			field_errors_addf(errors, FIELD_ERROR_DUPLICATE, identity, "",
					  "spec.ports[%zu]", i);
		}
		json_object_set_new(seen, pair, json_true());
	}
}

static void check_ports(const json_t *service, struct field_errors *errors)
{
	const json_t *ports = json_at(service, "spec.ports");
	size_t i;
	json_t *port;

	if (json_array_size(ports) == 0 && !is_headless(service) &&
	    !has_type(service, "ExternalName")) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, "spec.ports", NULL, "");
	}
	json_array_foreach (ports, i, port) {
		if (json_array_size(ports) > 1 && json_string_at(port, "name")[0] == '\0') {
			field_errors_addf(errors, FIELD_ERROR_REQUIRED, NULL, "",
					  "spec.ports[%zu].name", i);
		}
		if (has_type(service, "ClusterIP") && json_int_at(port, "nodePort", 0) != 0) {
			field_errors_addf(errors, FIELD_ERROR_FORBIDDEN, NULL,
					  "may not be used when `type` is 'ClusterIP'",
					  "spec.ports[%zu].nodePort", i);
		}
		if (has_type(service, "LoadBalancer") && json_int_at(port, "port", 0) == 10250) {
			field_errors_addf(
				errors, FIELD_ERROR_INVALID, json_object_get(port, "port"),
				"may not expose port 10250 externally since it is used by "
				"kubelet",
				"spec.ports[%zu]", i);
		}
	}
	rule_unique(ports, "name", "spec.ports", errors);
	check_duplicate_ports(ports, errors);
}

/* ---- types ---- */

static void forbid(const json_t *service, const char *path, const char *detail,
		   struct field_errors *errors)
{
	if (json_at(service, path) != NULL) {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, path, NULL, detail);
	}
}

/* The target of an ExternalName may end in a dot. */
static void check_external_name(const json_t *service, struct field_errors *errors)
{
	const char *detail = "may not be set for ExternalName services";
	const json_t *value = json_at(service, "spec.externalName");
	struct str name = str_from(json_string_at(service, "spec.externalName"));
	_cleanup_problems_ struct format_problems problems = { 0 };

	if (json_array_size(json_at(service, "spec.clusterIPs")) > 0) {
		forbid(service, "spec.clusterIPs", detail, errors);
	}
	if (json_array_size(json_at(service, "spec.ipFamilies")) > 0) {
		forbid(service, "spec.ipFamilies", detail, errors);
	}
	forbid(service, "spec.ipFamilyPolicy", detail, errors);
	if (str_ends(name, STR("."))) {
		name.n--;
	}
	if (name.n == 0) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, "spec.externalName", NULL, "");
		return;
	}
	_cleanup_free_ char *text = str_dup(name);

	format_check_text(FORMAT_DNS_SUBDOMAIN, text, &problems);
	for (size_t i = 0; i < problems.n; i++) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.externalName", value,
				 problems.items[i]);
	}
}

static void check_type(const json_t *service, struct field_errors *errors)
{
	const json_t *first = json_array_get(json_at(service, "spec.clusterIPs"), 0);

	if (has_type(service, "ExternalName")) {
		check_external_name(service, errors);
	}
	if (is_headless(service) && has_type(service, "NodePort")) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.clusterIPs[0]", first,
				 "may not be set to 'None' for NodePort services");
	}
	if (is_headless(service) && has_type(service, "LoadBalancer")) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.clusterIPs[0]", first,
				 "may not be set to 'None' for LoadBalancer services");
	}
	if (!has_type(service, "LoadBalancer")) {
		const char *detail = "may only be used when `type` is 'LoadBalancer'";

		forbid(service, "spec.loadBalancerClass", detail, errors);
		forbid(service, "spec.allocateLoadBalancerNodePorts", detail, errors);
		if (json_array_size(json_at(service, "spec.loadBalancerSourceRanges")) > 0) {
			forbid(service, "spec.loadBalancerSourceRanges", detail, errors);
		}
	}
	if (!has_type(service, "NodePort") && !has_type(service, "LoadBalancer") &&
	    json_array_size(json_at(service, "spec.externalIPs")) == 0 &&
	    json_string_at(service, "spec.externalTrafficPolicy")[0] != '\0') {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.externalTrafficPolicy",
				 json_at(service, "spec.externalTrafficPolicy"),
				 "may only be set for externally-accessible services");
	}
}

/* ---- addresses ---- */

/* Returns false when a value makes no sense, so that comparing families would not either. */
static bool check_cluster_ip_values(const json_t *list, struct field_errors *errors)
{
	bool valid = true;
	size_t i;
	json_t *address;

	json_array_foreach (list, i, address) {
		const char *text = json_string_value(address);

		if (i == 0 && strcmp(text, "None") == 0) {
			if (json_array_size(list) > 1) {
				field_errors_add(errors, FIELD_ERROR_INVALID, "spec.clusterIPs",
						 list, "'None' must be the first and only value");
				valid = false;
			}
		} else if (!address_is_ipv4(text) && !address_is_ipv6(text)) {
			field_errors_addf(errors, FIELD_ERROR_INVALID, address,
					  "must be a valid IP address, (e.g. 10.9.8.7 or "
					  "2001:db8::ffff)",
					  "spec.clusterIPs[%zu]", i);
			valid = false;
		}
	}
	return valid;
}

static void check_address_families(const json_t *list, const json_t *families,
				   struct field_errors *errors)
{
	size_t i;
	json_t *address;

	if (json_array_size(list) == 2 &&
	    address_is_ipv4(json_string_value(json_array_get(list, 0))) ==
		    address_is_ipv4(json_string_value(json_array_get(list, 1)))) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.clusterIPs", list,
				 "may specify no more than one IP for each IP family");
	}
	json_array_foreach (list, i, address) {
		const char *family = json_string_value(json_array_get(families, i));
		const char *text = json_string_value(address);

		if (family == NULL || strcmp(text, "None") == 0 ||
		    (strcmp(family, "IPv6") == 0) == address_is_ipv6(text)) {
			continue;
		}
		_cleanup_free_ char *detail =
			mem_printf("expected an %s value as indicated by `ipFamilies[%zu]`", family,
				   i);

		field_errors_addf(errors, FIELD_ERROR_INVALID, address, detail,
				  "spec.clusterIPs[%zu]", i);
	}
}

static void check_cluster_ips(const json_t *service, struct field_errors *errors)
{
	const json_t *list = json_at(service, "spec.clusterIPs");
	const char *one = json_string_at(service, "spec.clusterIP");
	const char *first = json_string_value(json_array_get(list, 0));

	if (has_type(service, "ExternalName")) {
		return; /* forbidden altogether, and said so */
	}
	if (one[0] == '\0' && first != NULL) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.clusterIPs", list,
				 "must be empty when `clusterIP` is not specified");
	} else if (one[0] != '\0' && first == NULL) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, "spec.clusterIPs", NULL, "");
	} else if (first != NULL && strcmp(one, first) != 0) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.clusterIPs", list,
				 "first value must match `clusterIP`");
	}
	if (json_array_size(list) > 2) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.clusterIPs", list,
				 "may only hold up to 2 values");
	}
	if (check_cluster_ip_values(list, errors)) {
		check_address_families(list, json_at(service, "spec.ipFamilies"), errors);
	}
}

static void check_families(const json_t *service, struct field_errors *errors)
{
	const json_t *families = json_at(service, "spec.ipFamilies");
	_cleanup_json_ json_t *seen = json_object();
	size_t i;
	json_t *family;

	json_array_foreach (families, i, family) {
		if (json_object_get(seen, json_string_value(family)) != NULL) {
			field_errors_addf(errors, FIELD_ERROR_DUPLICATE, family, "",
					  "spec.ipFamilies[%zu]", i);
		}
		json_object_set_new(seen, json_string_value(family), json_true());
	}
}

/* ---- the rest ---- */

static void check_affinity(const json_t *service, struct field_errors *errors)
{
	enum { TIMEOUT_MAX = 86400 };
	const json_t *timeout =
		json_at(service, "spec.sessionAffinityConfig.clientIP.timeoutSeconds");
	int64_t seconds = json_integer_value(timeout);

	if (timeout != NULL && (seconds <= 0 || seconds > TIMEOUT_MAX)) {
		field_errors_add(errors, FIELD_ERROR_INVALID,
				 "spec.sessionAffinityConfig.clientIP.timeoutSeconds", timeout,
				 "must be greater than 0 and less than 86400");
	}
}

static void check_external_ips(const json_t *service, struct field_errors *errors)
{
	size_t i;
	json_t *address;

	json_array_foreach (json_at(service, "spec.externalIPs"), i, address) {
		_cleanup_free_ char *path = mem_printf("spec.externalIPs[%zu]", i);

		address_check_reachable(address, path, errors);
	}
}

void service_check(const json_t *service, struct field_errors *errors)
{
	if (!json_is_object(json_object_get(service, "spec"))) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, "spec.ports", NULL, "");
		return;
	}
	check_type(service, errors);
	check_ports(service, errors);
	if (json_at(service, "spec.selector") != NULL) {
		format_check_labels(json_at(service, "spec.selector"), "spec.selector", errors);
	}
	check_affinity(service, errors);
	check_cluster_ips(service, errors);
	check_families(service, errors);
	check_external_ips(service, errors);
}

/*
 * Addresses once given stay; only the second family comes and goes. Lists are named by the field of
 * `path`, and both are compared in the same way.
 */
static void check_kept(const json_t *service, const json_t *old, const char *path, const char *noun,
		       struct field_errors *errors)
{
	const json_t *list = json_at(service, path);
	const json_t *before = json_at(old, path);
	size_t n = json_array_size(list);
	size_t n_before = json_array_size(before);
	_cleanup_free_ char *unset = mem_printf("primary %s can not be unset", noun);
	_cleanup_free_ char *release =
		mem_printf("must be set to 'SingleStack' when releasing the secondary %s", noun);

	if (n_before > 0 && n == 0) {
		field_errors_addf(errors, FIELD_ERROR_INVALID, list, unset, "%s[0]", path);
		return;
	}
	for (size_t i = 0; i < n && i < n_before; i++) {
		if (!json_equal(json_array_get(list, i), json_array_get(before, i))) {
			field_errors_addf(errors, FIELD_ERROR_INVALID, list,
					  "may not change once set", "%s[%zu]", path, i);
		}
	}
	if (n_before > n &&
	    strcmp(json_string_at(service, "spec.ipFamilyPolicy"), "SingleStack") != 0) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.ipFamilyPolicy",
				 json_at(service, "spec.ipFamilyPolicy"), release);
	}
}

void service_check_update(const json_t *service, const json_t *old, struct field_errors *errors)
{
	if (has_type(service, "ExternalName") || has_type(old, "ExternalName")) {
		return; /* this type has no addresses, so there is nothing to keep */
	}
	if (!is_headless(service) || !is_headless(old)) {
		check_kept(service, old, "spec.clusterIPs", "clusterIP", errors);
	}
	if (!is_headless(service) && !is_headless(old)) {
		check_kept(service, old, "spec.ipFamilies", "ipFamily", errors);
	}
	if (has_type(service, "LoadBalancer") && has_type(old, "LoadBalancer") &&
	    strcmp(json_string_at(service, "spec.loadBalancerClass"),
		   json_string_at(old, "spec.loadBalancerClass")) != 0) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.loadBalancerClass",
				 json_at(service, "spec.loadBalancerClass"),
				 "may not change once set");
	}
}
