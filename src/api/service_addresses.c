/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Service needs of the pools. One difference serves create, update, every change of type and
 * delete: what the new state holds and the old one did not is taken, what only the old one held is
 * freed. Before it stand the rules that fill in families and policy (KEP-563, dual stack).
 */
#include <string.h>

#include "api/addresses_intern.h"
#include "api/status.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "object/kinds.h"
#include "json/json.h"

/* ---- what a Service says ---- */

static const char *type_of(const json_t *service)
{
	const char *type = json_string_at(service, "spec.type");

	return type[0] != '\0' ? type : "ClusterIP";
}

static bool is_external(const json_t *service)
{
	return strcmp(type_of(service), "ExternalName") == 0;
}

static bool is_headless(const json_t *service)
{
	return strcmp(json_string_at(service, "spec.clusterIP"), "None") == 0;
}

static bool has_node_ports(const json_t *service)
{
	const char *type = type_of(service);

	return strcmp(type, "NodePort") == 0 || strcmp(type, "LoadBalancer") == 0;
}

static bool has_health_port(const json_t *service)
{
	return strcmp(type_of(service), "LoadBalancer") == 0 &&
	       strcmp(json_string_at(service, "spec.externalTrafficPolicy"), "Local") == 0;
}

static bool is_selectorless(const json_t *service)
{
	return json_object_size(json_at(service, "spec.selector")) == 0;
}

static json_t *refuse(const json_t *service, const char *path, const json_t *value,
		      const char *detail)
{
	return status_invalid_field(&kind_service,
				    str_from(json_string_at(service, "metadata.name")),
				    FIELD_ERROR_INVALID, path, value, detail);
}

static bool same_at(const json_t *a, const json_t *b, const char *path)
{
	const json_t *in_a = json_at(a, path);
	const json_t *in_b = json_at(b, path);

	return in_a == NULL ? in_b == NULL : in_b != NULL && json_equal(in_a, in_b);
}

static void copy_at(json_t *to, const json_t *from, const char *path)
{
	json_t *value = json_at(from, path);

	if (value != NULL) {
		json_put(to, path, json_deep_copy(value));
	}
}

/* ---- families and policy ---- */

static const char *family_name(const struct range *range)
{
	return range->network.ip.n == 4 ? "IPv4" : "IPv6";
}

static const char *family_of_address(const char *address)
{
	return strchr(address, ':') != NULL ? "IPv6" : "IPv4";
}

static int find_range(const struct addresses *addresses, const char *family)
{
	for (int i = 0; i < addresses->n_ranges; i++) {
		if (strcmp(family_name(&addresses->ranges[i]), family) == 0) {
			return i;
		}
	}
	return -1;
}

static bool policy_is(const json_t *service, const char *policy)
{
	return strcmp(json_string_at(service, "spec.ipFamilyPolicy"), policy) == 0;
}

static json_t *families_of(json_t *service)
{
	json_t *families = json_at(service, "spec.ipFamilies");

	if (!json_is_array(families)) {
		families = json_array();
		json_put(service, "spec.ipFamilies", families);
	}
	return families;
}

static void default_policy(json_t *service, const json_t *old)
{
	if (json_string_at(service, "spec.ipFamilyPolicy")[0] != '\0') {
		return;
	}
	if (old != NULL && json_string_at(old, "spec.ipFamilyPolicy")[0] != '\0') {
		copy_at(service, old, "spec.ipFamilyPolicy");
		return;
	}
	/* Whoever writes the endpoints by hand may have both families. */
	bool dual = is_headless(service) && is_selectorless(service);
	json_put(service, "spec.ipFamilyPolicy",
		 json_string(dual ? "RequireDualStack" : "SingleStack"));
}

static void cut_to_one(json_t *service, const json_t *old, const char *path)
{
	json_t *list = json_at(service, path);

	if (same_at(service, old, path)) {
		while (json_array_size(list) > 1) {
			json_array_remove(list, 1);
		}
	}
}

static json_t *check_policy(json_t *service, const json_t *old)
{
	const json_t *policy = json_at(service, "spec.ipFamilyPolicy");
	bool single = policy_is(service, "SingleStack");

	if (old != NULL && single) {
		cut_to_one(service, old, "spec.clusterIPs");
		cut_to_one(service, old, "spec.ipFamilies");
	}
	if (old != NULL && !single) {
		if (json_array_size(json_at(old, "spec.clusterIPs")) == 2 &&
		    json_array_size(json_at(service, "spec.clusterIPs")) == 1) {
			return refuse(service, "spec.ipFamilyPolicy", policy,
				      "must be 'SingleStack' to release the secondary cluster IP");
		}
		if (json_array_size(json_at(old, "spec.ipFamilies")) == 2 &&
		    json_array_size(json_at(service, "spec.ipFamilies")) == 1) {
			return refuse(service, "spec.ipFamilyPolicy", policy,
				      "must be 'SingleStack' to release the secondary IP family");
		}
	}
	if (single && json_array_size(json_at(service, "spec.clusterIPs")) == 2) {
		return refuse(service, "spec.ipFamilyPolicy", policy,
			      "must be 'RequireDualStack' or 'PreferDualStack' when multiple "
			      "cluster IPs are specified");
	}
	if (single && json_array_size(json_at(service, "spec.ipFamilies")) == 2) {
		return refuse(service, "spec.ipFamilyPolicy", policy,
			      "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP "
			      "families are specified");
	}
	return NULL;
}

/* An address that was asked for says its family. */
static json_t *infer_families(const struct addresses *addresses, json_t *service)
{
	json_t *asked = json_at(service, "spec.clusterIPs");
	json_t *families = families_of(service);

	for (size_t i = 0; i < json_array_size(asked) && !is_headless(service); i++) {
		const char *family = family_of_address(json_string_value(json_array_get(asked, i)));
		if (i < json_array_size(families)) {
			continue;
		}
		if (find_range(addresses, family) < 0) {
			char detail[64];
			snprintf(detail, sizeof(detail), "%s is not configured on this cluster",
				 family);
			return refuse(service, "spec.clusterIPs", asked, detail);
		}
		json_array_append_new(families, json_string(family));
	}
	return NULL;
}

static void append_other_family(json_t *families)
{
	const char *first = json_string_value(json_array_get(families, 0));

	json_array_append_new(families, json_string(strcmp(first, "IPv4") == 0 ? "IPv6" : "IPv4"));
}

static json_t *check_configured(const struct addresses *addresses, const json_t *service)
{
	json_t *families = json_at(service, "spec.ipFamilies");

	if (policy_is(service, "RequireDualStack") && addresses->n_ranges < 2) {
		return refuse(service, "spec.ipFamilyPolicy",
			      json_at(service, "spec.ipFamilyPolicy"),
			      "this cluster is not configured for dual-stack services");
	}
	for (size_t i = 0; i < json_array_size(families); i++) {
		const json_t *family = json_array_get(families, i);
		if (find_range(addresses, json_string_value(family)) < 0) {
			char path[40];
			snprintf(path, sizeof(path), "spec.ipFamilies[%zu]", i);
			return refuse(service, path, family, "not configured on this cluster");
		}
	}
	return NULL;
}

/*
 * A PreferDualStack Service is not upgraded behind its owner's back when the cluster becomes dual.
 */
static bool is_settled(const json_t *service, const json_t *old)
{
	return old != NULL && policy_is(service, "PreferDualStack") &&
	       policy_is(old, "PreferDualStack") && same_at(service, old, "spec.clusterIPs") &&
	       same_at(service, old, "spec.ipFamilies");
}

static json_t *fill_families(const struct addresses *addresses, json_t *service, const json_t *old)
{
	if (is_settled(service, old)) {
		return NULL;
	}
	default_policy(service, old);
	json_t *refusal = check_policy(service, old);
	if (refusal == NULL) {
		refusal = infer_families(addresses, service);
	}
	bool free_choice = is_headless(service) && is_selectorless(service);
	if (refusal == NULL && !free_choice) {
		refusal = check_configured(addresses, service);
	}
	if (refusal != NULL) {
		return refusal;
	}
	json_t *families = families_of(service);
	if (json_array_size(families) == 0) {
		json_array_append_new(families, json_string(family_name(&addresses->ranges[0])));
	}
	if (json_array_size(families) == 1 && !policy_is(service, "SingleStack") &&
	    (free_choice || addresses->n_ranges == 2)) {
		append_other_family(families);
	}
	return NULL;
}

/* ---- what a Service holds ---- */

enum { HELD_MAX = RESERVATION_MAX };

struct held {
	struct reserved items[HELD_MAX];
	size_t n;
};

static bool holds(const struct held *held, unsigned pool, uint32_t offset)
{
	for (size_t i = 0; i < held->n; i++) {
		if (held->items[i].pool == pool && held->items[i].offset == offset) {
			return true;
		}
	}
	return false;
}

static void hold(struct held *held, unsigned pool, uint32_t offset)
{
	if (held->n < HELD_MAX && !holds(held, pool, offset)) {
		held->items[held->n++] =
			(struct reserved){ .pool = (uint8_t)pool, .offset = offset };
	}
}

static void hold_port(const struct addresses *addresses, struct held *held, int64_t port)
{
	if (port >= addresses->port_min && port <= addresses->port_max) {
		hold(held, POOL_PORTS, (uint32_t)(port - addresses->port_min));
	}
}

static void held_by(const struct addresses *addresses, const json_t *service, struct held *ret)
{
	const json_t *each;
	size_t i;

	ret->n = 0;
	json_array_foreach (json_at(service, "spec.clusterIPs"), i, each) {
		for (int r = 0; r < addresses->n_ranges; r++) {
			uint32_t offset;
			if (range_offset(&addresses->ranges[r], json_string_value(each), &offset)) {
				hold(ret, (unsigned)r, offset);
			}
		}
	}
	json_array_foreach (json_at(service, "spec.ports"), i, each) {
		hold_port(addresses, ret, json_int_at(each, "nodePort", 0));
	}
	hold_port(addresses, ret, json_int_at(service, "spec.healthCheckNodePort", 0));
}

void addresses_learn(struct addresses *addresses, const json_t *service)
{
	struct held held;

	held_by(addresses, service, &held);
	for (size_t i = 0; i < held.n; i++) {
		pool_take(addresses_pool(addresses, held.items[i].pool), held.items[i].offset);
	}
}

void addresses_withdraw(struct addresses *addresses, const json_t *service,
			struct reservation *reservation)
{
	struct held held;

	held_by(addresses, service, &held);
	for (size_t i = 0; i < held.n; i++) {
		reservation_frees(reservation, held.items[i].pool, held.items[i].offset);
	}
}

/* ---- taking ---- */

struct taking {
	struct addresses *addresses;
	struct reservation *reservation;
	struct held had; /* by the state before */
	struct held has; /* by the new one, so far */
	json_t *service;
};

/* NULL, or what is wrong with taking just that number. */
static const char *take_one(struct taking *taking, unsigned pool, uint32_t offset, const char *used)
{
	struct pool *numbers = addresses_pool(taking->addresses, pool);

	if (!holds(&taking->had, pool, offset) && !holds(&taking->has, pool, offset)) {
		if (!pool_take(numbers, offset)) {
			return used;
		}
		if (!reservation_took(taking->reservation, pool, offset)) {
			pool_give(numbers, offset);
			return "too many addresses and ports for one Service";
		}
	}
	hold(&taking->has, pool, offset);
	return NULL;
}

static bool take_any(struct taking *taking, unsigned pool, uint32_t *ret)
{
	struct pool *numbers = addresses_pool(taking->addresses, pool);

	if (!pool_take_any(numbers, &taking->addresses->random, ret)) {
		return false;
	}
	if (!reservation_took(taking->reservation, pool, *ret)) {
		pool_give(numbers, *ret);
		return false;
	}
	hold(&taking->has, pool, *ret);
	return true;
}

static json_t *exhausted(const char *what)
{
	json_t *status = status_new(OUTCOME_INTERNAL,
				    "Internal error occurred: failed to allocate a %s: range is "
				    "full",
				    what);

	status_add_cause(status, NULL, "range is full", NULL);
	return status;
}

static json_t *refuse_address(struct taking *taking, const char *address, const char *why)
{
	_cleanup_buffer_ struct buffer detail = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	buffer_printf(&detail, "failed to allocate IP %s: %s", address, why);
	return refuse(taking->service, "spec.clusterIPs",
		      json_at(taking->service, "spec.clusterIPs"), buffer_text(&detail));
}

static json_t *take_address(struct taking *taking, const struct range *range, const char *address)
{
	unsigned pool = (unsigned)(range - taking->addresses->ranges);
	char network[IP_NETWORK_TEXT];
	uint32_t offset;

	bool inside = range_offset(range, address, &offset);
	if (!inside || offset < range->pool.first || offset >= range->pool.n) {
		char why[IP_NETWORK_TEXT + 80];
		ip_network_text(&range->network, network);
		snprintf(why, sizeof(why),
			 "provided IP is not in the valid range. The range of valid IPs is %s",
			 network);
		return refuse_address(taking, address, why);
	}
	const char *wrong = take_one(taking, pool, offset, "provided IP is already allocated");
	return wrong != NULL ? refuse_address(taking, address, wrong) : NULL;
}

static json_t *take_addresses(struct taking *taking)
{
	json_t *families = json_at(taking->service, "spec.ipFamilies");
	json_t *given = json_at(taking->service, "spec.clusterIPs");

	if (is_external(taking->service) || is_headless(taking->service)) {
		return NULL;
	}
	if (!json_is_array(given)) {
		given = json_array();
		json_put(taking->service, "spec.clusterIPs", given);
	}
	for (size_t i = 0; i < json_array_size(families); i++) {
		const char *family = json_string_value(json_array_get(families, i));
		const char *address = json_string_value(json_array_get(given, i));
		int at = find_range(taking->addresses, family);
		if (at < 0) {
			continue;
		}
		const struct range *range = &taking->addresses->ranges[at];
		if (address != NULL && address[0] != '\0') {
			json_t *refusal = take_address(taking, range, address);
			if (refusal != NULL) {
				return refusal;
			}
			continue;
		}
		char text[ADDRESS_TEXT];
		uint32_t offset;
		if (!take_any(taking, (unsigned)at, &offset)) {
			return exhausted("serviceIP");
		}
		range_text(range, offset, text);
		if (address != NULL) {
			json_array_set_new(given, i, json_string(text));
		} else {
			json_array_append_new(given, json_string(text));
		}
	}
	json_put(taking->service, "spec.clusterIP", json_incref(json_array_get(given, 0)));
	return NULL;
}

static json_t *take_port(struct taking *taking, const char *path, int64_t port)
{
	const struct addresses *addresses = taking->addresses;
	_cleanup_json_ json_t *value = json_integer(port);

	if (port < addresses->port_min || port > addresses->port_max) {
		char detail[128];
		snprintf(detail, sizeof(detail),
			 "provided port is not in the valid range. The range of valid ports is "
			 "%u-%u",
			 addresses->port_min, addresses->port_max);
		return refuse(taking->service, path, value, detail);
	}
	const char *wrong = take_one(taking, POOL_PORTS, (uint32_t)(port - addresses->port_min),
				     "provided port is already allocated");
	return wrong != NULL ? refuse(taking->service, path, value, wrong) : NULL;
}

/* Ports of one number and two protocols share a node port. */
static int64_t shared_node_port(const json_t *ports, const json_t *port)
{
	const json_t *other;
	size_t i;

	json_array_foreach (ports, i, other) {
		int64_t given = json_int_at(other, "nodePort", 0);
		if (other != port && given != 0 && same_at(other, port, "port") &&
		    !same_at(other, port, "protocol")) {
			return given;
		}
	}
	return 0;
}

static json_t *take_ports(struct taking *taking)
{
	json_t *service = taking->service;
	json_t *ports = json_at(service, "spec.ports");
	bool automatic = strcmp(type_of(service), "NodePort") == 0 ||
			 json_bool_at(service, "spec.allocateLoadBalancerNodePorts", true);

	for (size_t i = 0; i < json_array_size(ports) && has_node_ports(service); i++) {
		json_t *port = json_array_get(ports, i);
		int64_t wanted = json_int_at(port, "nodePort", 0);
		char path[48];
		uint32_t offset;
		json_t *refusal;
		if (wanted == 0 && !automatic) {
			continue;
		}
		if (wanted == 0) {
			wanted = shared_node_port(ports, port);
		}
		if (wanted == 0) {
			if (!take_any(taking, POOL_PORTS, &offset)) {
				return exhausted("nodePort");
			}
			wanted = taking->addresses->port_min + offset;
		}
		snprintf(path, sizeof(path), "spec.ports[%zu].nodePort", i);
		refusal = take_port(taking, path, wanted);
		if (refusal != NULL) {
			return refusal;
		}
		json_object_set_new(port, "nodePort", json_integer(wanted));
	}
	return NULL;
}

static json_t *take_health_port(struct taking *taking)
{
	int64_t wanted = json_int_at(taking->service, "spec.healthCheckNodePort", 0);
	uint32_t offset;

	if (!has_health_port(taking->service)) {
		return NULL;
	}
	if (wanted != 0) {
		return take_port(taking, "spec.healthCheckNodePort", wanted);
	}
	if (!take_any(taking, POOL_PORTS, &offset)) {
		return exhausted("HealthCheck NodePort");
	}
	json_put(taking->service, "spec.healthCheckNodePort",
		 json_integer(taking->addresses->port_min + offset));
	return NULL;
}

json_t *addresses_assign(struct addresses *addresses, json_t *service, const json_t *old,
			 struct reservation *reservation)
{
	struct taking taking = {
		.addresses = addresses,
		.reservation = reservation,
		.service = service,
	};

	if (old != NULL) {
		held_by(addresses, old, &taking.had);
	}
	json_t *refusal = is_external(service) ? NULL : fill_families(addresses, service, old);
	if (refusal == NULL) {
		refusal = take_addresses(&taking);
	}
	if (refusal == NULL) {
		refusal = take_ports(&taking);
	}
	if (refusal == NULL) {
		refusal = take_health_port(&taking);
	}
	if (refusal != NULL) {
		reservation_end(addresses, reservation, /* done= */ false);
		return refusal;
	}
	for (size_t i = 0; i < taking.had.n; i++) {
		const struct reserved *before = &taking.had.items[i];
		if (!holds(&taking.has, before->pool, before->offset)) {
			reservation_frees(reservation, before->pool, before->offset);
		}
	}
	return NULL;
}
