/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Service asks for, a port and family at a time:
 *
 *   fronts4  cluster address . proto . port  -> goto svc4/NS/NAME/PROTO/PORT
 *            external addresses              -> goto ext4/…   (lb4/… where sources are limited)
 *   ports4   proto . node port               -> goto ext4/…
 *
 *   svc4/…   what comes from elsewhere is masqueraded; one endpoint is drawn
 *   ext4/…   policy Cluster: masqueraded, goto svc4/…
 *            policy Local: from pods and this node as from inside; else one local endpoint, with
 *            the client's address, or nothing
 *   all4/…   all endpoints where svc4/… has the local ones only (internalTrafficPolicy)
 *
 * With session affinity each endpoint has a set of its clients and a chain ep4/… that notes the
 * client; the sets are asked first. Names hold what they are for and so never collide.
 *
 * Without endpoints a Service refuses; where just the local ones are missing, packets are dropped,
 * because a connection elsewhere may well work (Kubernetes: service traffic policies).
 */
#include "proxy/ruleset_intern.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/cache.h"
#include "object/kinds.h"
#include "object/object.h"
#include "json/json.h"

struct service {
	struct ruleset *ruleset;
	struct pieces *pieces;
	const json_t *spec;
	const json_t *tree;
	const struct family *family;
	struct endpoints endpoints;
	const struct endpoint **all; /* usable, of the whole cluster */
	const struct endpoint **own; /* usable, of this node */
	size_t n_all;
	size_t n_own;
	const char *protocol;
	uint16_t port;
	bool internal_local;
	bool external_local;
	int64_t affinity; /* seconds; 0: none */
	char path[RULESET_PATH]; /* "NS/NAME/PROTO/PORT" */
};

/* ':' is not allowed in names. */
static void endpoint_path(const struct endpoint *endpoint, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s/%u", endpoint->text, endpoint->port);
	for (char *c = ret_text; *c != '\0'; c++) {
		*c = *c == ':' ? '-' : *c;
	}
}

static void endpoint_target(const struct endpoint *endpoint, char *ret_text, size_t size)
{
	snprintf(ret_text, size, endpoint->ip.n == 4 ? "%s:%u" : "[%s]:%u", endpoint->text,
		 endpoint->port);
}

/* ---- one of several endpoints ---- */

static void write_spread(const struct service *service, const struct endpoint *const *chosen,
			 size_t n, struct buffer *out)
{
	char target[IP_TEXT + 16];

	buffer_printf(out, "meta l4proto %s dnat %s to ", service->protocol, service->family->ip);
	if (n == 1) {
		endpoint_target(chosen[0], target, sizeof(target));
		buffer_printf(out, "%s\n", target);
		return;
	}
	buffer_printf(out, "numgen random mod %zu map { ", n);
	for (size_t i = 0; i < n; i++) {
		buffer_printf(out, "%s%zu : %s . %u", i != 0 ? ", " : "", i, chosen[i]->text,
			      chosen[i]->port);
	}
	buffer_append_text(out, " }\n");
}

static void write_sticky(const struct service *service, const struct endpoint *const *chosen,
			 size_t n, struct buffer *out)
{
	char path[IP_TEXT + 16];
	char digit = service->family->digit;

	for (size_t i = 0; i < n; i++) {
		endpoint_path(chosen[i], path, sizeof(path));
		buffer_printf(out, "%s saddr @aff%c/%s/%lld/%s goto ep%c/%s/%s\n",
			      service->family->ip, digit, service->path,
			      (long long)service->affinity, path, digit, service->path, path);
	}
	buffer_printf(out, "numgen random mod %zu vmap { ", n);
	for (size_t i = 0; i < n; i++) {
		endpoint_path(chosen[i], path, sizeof(path));
		buffer_printf(out, "%s%zu : goto ep%c/%s/%s", i != 0 ? ", " : "", i, digit,
			      service->path, path);
	}
	buffer_append_text(out, " }\n");
}

static void write_balance(const struct service *service, const struct endpoint *const *chosen,
			  size_t n, struct buffer *out)
{
	if (n == 0) {
		buffer_append_text(out, "drop\n");
	} else if (service->affinity != 0) {
		write_sticky(service, chosen, n, out);
	} else {
		write_spread(service, chosen, n, out);
	}
}

/* The set of an endpoint's clients, and the chain that notes one more. */
static void add_sticky_endpoint(const struct service *service, const struct endpoint *endpoint)
{
	char path[IP_TEXT + 16];
	char target[IP_TEXT + 16];
	char text[1024];
	char digit = service->family->digit;
	long long seconds = (long long)service->affinity;

	endpoint_path(endpoint, path, sizeof(path));
	endpoint_target(endpoint, target, sizeof(target));
	snprintf(text, sizeof(text),
		 "set { type %s; flags dynamic,timeout; timeout %llds; size %d; }",
		 service->family->type, seconds, LIMIT_PROXY_CLIENTS);
	pieces_add(service->pieces, str_from(text), "s aff%c/%s/%lld/%s", digit, service->path,
		   seconds, path);
	snprintf(text, sizeof(text),
		 "\nupdate @aff%c/%s/%lld/%s { %s saddr }\nmeta l4proto %s dnat %s to %s\n", digit,
		 service->path, seconds, path, service->family->ip, service->protocol,
		 service->family->ip, target);
	pieces_add(service->pieces, str_from(text), "c ep%c/%s/%s", digit, service->path, path);
}

static void add_sticky_endpoints(const struct service *service)
{
	for (size_t i = 0; i < service->n_all && service->affinity != 0; i++) {
		add_sticky_endpoint(service, service->all[i]);
	}
	/* Where all endpoints of this node are ending, they count here and not elsewhere. */
	for (size_t i = 0; i < service->n_own && service->affinity != 0; i++) {
		add_sticky_endpoint(service, service->own[i]);
	}
}

/* ---- chains ---- */

static void add_chain(const struct service *service, const char *prefix, struct buffer *text)
{
	if (!text->overflowed) {
		pieces_add(service->pieces, buffer_str(text), "c %s%c/%s", prefix,
			   service->family->digit, service->path);
	}
}

static void add_internal_chain(const struct service *service)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_PROXY_CHAIN);

	buffer_append_char(&text, '\n');
	if (ruleset_has_pods(service->ruleset, service->family)) {
		buffer_printf(&text, "%s saddr != @pods%c jump to-masquerade\n",
			      service->family->ip, service->family->digit);
	}
	if (service->internal_local) {
		write_balance(service, service->own, service->n_own, &text);
	} else {
		write_balance(service, service->all, service->n_all, &text);
	}
	add_chain(service, "svc", &text);
}

static void add_external_chain(const struct service *service)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_PROXY_CHAIN);
	const char *all = service->internal_local ? "all" : "svc";
	char digit = service->family->digit;

	if (service->internal_local) {
		buffer_append_char(&text, '\n');
		write_balance(service, service->all, service->n_all, &text);
		add_chain(service, all, &text);
		buffer_clear(&text);
	}
	buffer_append_char(&text, '\n');
	if (service->external_local) {
		if (ruleset_has_pods(service->ruleset, service->family)) {
			buffer_printf(&text, "%s saddr @pods%c goto %s%c/%s\n", service->family->ip,
				      digit, all, digit, service->path);
		}
		buffer_printf(&text,
			      "fib saddr type local jump to-masquerade\n"
			      "fib saddr type local goto %s%c/%s\n",
			      all, digit, service->path);
		write_balance(service, service->own, service->n_own, &text);
	} else {
		buffer_printf(&text, "jump to-masquerade\ngoto %s%c/%s\n", all, digit,
			      service->path);
	}
	add_chain(service, "ext", &text);
}

/* spec.loadBalancerSourceRanges: who may come by the load balancer's address. */
static void add_limited_chain(const struct service *service, const json_t *ranges)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_PROXY_CHAIN);
	const json_t *each;
	size_t i;

	buffer_append_char(&text, '\n');
	json_array_foreach (ranges, i, each) {
		struct ip_network network;
		char network_text[IP_NETWORK_TEXT];

		if (ip_network_parse(str_trim(str_from(json_string_value(each))), &network) &&
		    network.ip.n == service->family->bytes) {
			ip_network_text(&network, network_text);
			buffer_printf(&text, "%s saddr %s goto ext%c/%s\n", service->family->ip,
				      network_text, service->family->digit, service->path);
		}
	}
	buffer_append_text(&text, "drop\n");
	add_chain(service, "lb", &text);
}

/* ---- fronts ---- */

/* Where UDP to `address` (text or "*4") `port` may end up. */
static void add_flows(const struct service *service, const char *address, unsigned port, bool local)
{
	const struct endpoint *const *chosen = local ? service->own : service->all;
	size_t n = local ? service->n_own : service->n_all;

	for (size_t i = 0; i < n && strcmp(service->protocol, "udp") == 0; i++) {
		pieces_add(service->pieces, STR_NONE, "u %s %u %s %u", address, port,
			   chosen[i]->text, chosen[i]->port);
	}
}

static void verdict(const struct service *service, const char *chain, bool local,
		    char ret_text[RULESET_ITEM])
{
	if (service->n_all == 0 && (service->n_own == 0 || !local)) {
		snprintf(ret_text, RULESET_ITEM, "goto refuse");
	} else {
		snprintf(ret_text, RULESET_ITEM, "goto %s%c/%s", chain, service->family->digit,
			 service->path);
	}
}

static void add_front(const struct service *service, const char *address, const char *chain,
		      bool local)
{
	char text[RULESET_ITEM];
	char own_text[IP_TEXT];
	struct ip ip;

	if (address == NULL || !ip_parse(str_from(address), &ip) ||
	    ip.n != service->family->bytes) {
		return;
	}
	ip_text(&ip, own_text);
	verdict(service, chain, local, text);
	pieces_add(service->pieces, str_from(text), "e fronts%c %s . %s . %u",
		   service->family->digit, own_text, service->protocol, service->port);
	add_flows(service, own_text, service->port, local);
	/* From inside, policy Local counts all. */
	add_flows(service, own_text, service->port, /* local= */ false);
}

/*
 * An endpoint that is the Service's own address and port: somebody of this node listens there (as
 * the cluster's DNS does), and packets are to stay what they are.
 */
static bool is_its_own(const struct service *service, const char *address)
{
	struct ip ip;

	if (address == NULL || !ip_parse(str_from(address), &ip)) {
		return false;
	}
	for (size_t i = 0; i < service->endpoints.n; i++) {
		const struct endpoint *each = &service->endpoints.items[i];

		if (each->port == service->port && ip_eq(&each->ip, &ip)) {
			return true;
		}
	}
	return false;
}

static void add_cluster_fronts(const struct service *service)
{
	const json_t *addresses = json_object_get(service->spec, "clusterIPs");
	const char *first = json_string_at(service->spec, "clusterIP");
	const json_t *each;
	size_t i;

	if (json_array_size(addresses) == 0 && !is_its_own(service, first)) {
		add_front(service, first, "svc", service->internal_local);
	}
	json_array_foreach (addresses, i, each) {
		if (!is_its_own(service, json_string_value(each))) {
			add_front(service, json_string_value(each), "svc", service->internal_local);
		}
	}
}

static bool add_load_balancer_fronts(const struct service *service)
{
	const json_t *ranges = json_object_get(service->spec, "loadBalancerSourceRanges");
	bool limited = json_array_size(ranges) != 0;
	bool any = false;
	const json_t *each;
	size_t i;

	json_array_foreach (json_at(service->tree, "status.loadBalancer.ingress"), i, each) {
		if (strcmp(json_string_at(each, "ipMode"), "Proxy") != 0 &&
		    json_string_at(each, "ip")[0] != '\0') {
			add_front(service, json_string_at(each, "ip"), limited ? "lb" : "ext",
				  service->external_local);
			any = true;
		}
	}
	if (any && limited && service->n_all + service->n_own != 0) {
		add_limited_chain(service, ranges);
	}
	return any;
}

/* Returns whether there is any. */
static bool add_external_fronts(const struct service *service, int64_t node_port)
{
	const json_t *addresses = json_object_get(service->spec, "externalIPs");
	const char *type = json_string_at(service->spec, "type");
	bool balanced = strcmp(type, "LoadBalancer") == 0;
	bool any = json_array_size(addresses) != 0;
	char text[RULESET_ITEM];
	const json_t *each;
	size_t i;

	json_array_foreach (addresses, i, each) {
		add_front(service, json_string_value(each), "ext", service->external_local);
	}
	if ((balanced || strcmp(type, "NodePort") == 0) && node_port > 0 &&
	    node_port <= UINT16_MAX) {
		const char *every = service->family->digit == '4' ? "*4" : "*6";

		verdict(service, "ext", service->external_local, text);
		pieces_add(service->pieces, str_from(text), "e ports%c %s . %u",
			   service->family->digit, service->protocol, (unsigned)node_port);
		add_flows(service, every, (unsigned)node_port, service->external_local);
		add_flows(service, every, (unsigned)node_port, /* local= */ false);
		any = true;
	}
	return (balanced && add_load_balancer_fronts(service)) || any;
}

/* A pod of this node that reaches itself by way of the Service must see another sender. */
static void add_hairpins(const struct service *service)
{
	char digit = service->family->digit;

	for (size_t i = 0; i < service->endpoints.n; i++) {
		const struct endpoint *each = &service->endpoints.items[i];

		if (each->local) {
			pieces_add(service->pieces, STR_NONE, "e hairpin%c %s . %s", digit,
				   each->text, each->text);
		}
	}
}

static void add_port(struct service *service, const json_t *port)
{
	size_t n = service->endpoints.n != 0 ? service->endpoints.n : 1;

	service->all = mem_alloc_array(n, sizeof(service->all[0]));
	service->own = mem_alloc_array(n, sizeof(service->own[0]));
	service->n_all = endpoints_usable(&service->endpoints, /* local= */ false, service->all);
	service->n_own = endpoints_usable(&service->endpoints, /* local= */ true, service->own);
	add_cluster_fronts(service);
	bool external = add_external_fronts(service, json_int_at(port, "nodePort", 0));

	if (service->n_all + service->n_own != 0) {
		add_internal_chain(service);
		add_sticky_endpoints(service);
		add_hairpins(service);
		if (external) {
			add_external_chain(service);
		}
	}
	service->all = mem_free(service->all);
	service->own = mem_free(service->own);
}

/* ---- the Service ---- */

static bool is_for_us(const json_t *tree)
{
	const json_t *labels = json_at(tree, "metadata.labels");
	const char *address = json_string_at(tree, "spec.clusterIP");

	return strcmp(json_string_at(tree, "spec.type"), "ExternalName") != 0 &&
	       address[0] != '\0' && strcmp(address, "None") != 0 &&
	       json_object_get(labels, "service.kubernetes.io/headless") == NULL &&
	       json_object_get(labels, "service.kubernetes.io/service-proxy-name") == NULL;
}

static void read_policies(struct service *service)
{
	enum { AFFINITY_SECONDS = 10800 };
	const json_t *spec = service->spec;

	service->internal_local =
		strcmp(json_string_at(spec, "internalTrafficPolicy"), "Local") == 0;
	service->external_local =
		strcmp(json_string_at(spec, "externalTrafficPolicy"), "Local") == 0;
	if (strcmp(json_string_at(spec, "sessionAffinity"), "ClientIP") == 0) {
		service->affinity =
			json_int_at(spec, "sessionAffinityConfig.clientIP.timeoutSeconds",
				    AFFINITY_SECONDS);
	}
}

static void add_service(struct ruleset *ruleset, const struct cache *cache, struct str key,
			const json_t *tree, struct pieces *pieces)
{
	struct service service = {
		.ruleset = ruleset,
		.pieces = pieces,
		.tree = tree,
		.spec = json_object_get(tree, "spec"),
	};
	const json_t *port;
	size_t i;

	read_policies(&service);
	json_array_foreach (json_object_get(service.spec, "ports"), i, port) {
		service.port = (uint16_t)json_int_at(port, "port", 0);
		service.protocol = protocol_of(port);
		if (service.protocol == NULL) {
			continue;
		}
		snprintf(service.path, sizeof(service.path), "%.*s/%s/%u", STR_ARG(key),
			 service.protocol, service.port);
		for (size_t f = 0; f < FAMILIES; f++) {
			service.family = &families[f];
			endpoints_read(&service.endpoints, ruleset, cache, key, service.family,
				       json_string_at(port, "name"), service.protocol);
			add_port(&service, port);
			endpoints_deinit(&service.endpoints);
		}
	}
}

void ruleset_service(struct ruleset *ruleset, const struct cache *cache, struct str space,
		     struct str name)
{
	struct pieces pieces = { .items = MAP_INIT(LIMIT_PROXY_ITEMS) };
	struct object *object = cache_get(cache, &kind_service, space, name);
	char owner[RULESET_PATH];
	int n = snprintf(owner, sizeof(owner), "svc %.*s/%.*s", STR_ARG(space), STR_ARG(name));

	if (n <= 0 || (size_t)n >= sizeof(owner)) {
		return;
	}
	struct str whole = { .p = owner, .n = (size_t)n };

	if (object != NULL && is_for_us(object_tree(object))) {
		add_service(ruleset, cache, str_skip(whole, 4), object_tree(object), &pieces);
	}
	ruleset_own(ruleset, whole, &pieces);
}
