/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a name at a Service or below it is. Everything is in the Service's body; a name that is
 * absent gets its cause here, where it is known.
 */
#include "zone/match.h"

/* The addresses of one family, whoever has them. */
static void match_addresses(struct zone_match *ret, const struct service_body *body, struct range a,
			    struct range aaaa, uint16_t type, size_t label)
{
	struct zone_run run = type == RR_A ? run_a(body, a) : run_aaaa(body, aaaa);

	set_addresses(ret, run.records, run.n, label);
}

static struct zone_servers node_servers(const struct service_body *body,
					const struct body_node *node)
{
	struct zone_servers servers = { .body = body, .weight = node->weight };

	switch (node->form) {
	case SERVERS_SELF:
		servers.n = node->of.n;
		servers.first = BODY_SELF;
		break;
	case SERVERS_PRODUCT:
		servers.n = body->n_ready * node->of.n;
		break;
	case SERVERS_PAIRS:
		servers.n = node->of.n;
		servers.ports = body->pairs + node->of.first;
		return servers;
	default:
		return servers;
	}
	servers.ports = body->numbers + node->of.first;
	servers.n_ports = (uint16_t)node->of.n;
	return servers;
}

/* `ttl`: of the targets' addresses. */
static void set_servers(struct zone_match *ret, struct zone_servers servers, uint32_t ttl,
			size_t label)
{
	if (servers.n == 0) {
		set_empty(ret, ZONE_CAUSE_NO_PORTS, label);
		return;
	}
	ret->outcome = ZONE_DATA;
	ret->data = ZONE_DATA_SERVERS;
	ret->servers = servers;
	ret->servers.target_ttl = ttl;
}

static void match_node(const struct zone *zone, const struct service_body *body,
		       const struct body_node *node, uint16_t type, size_t label,
		       struct zone_match *ret)
{
	bool headless = body->type == SERVICE_HEADLESS;

	ret->ttl = zone->ttls[headless ? ZONE_TTL_HEADLESS : ZONE_TTL_SERVICE];
	switch (type) {
	case RR_A:
	case RR_AAAA:
		match_addresses(ret, body, node->a, node->aaaa, type, label);
		break;
	case RR_SRV:
		set_servers(ret, node_servers(body, node),
			    headless ? zone->ttls[ZONE_TTL_ENDPOINT] : ret->ttl, label);
		break;
	case RR_ANY:
		ret->outcome = ZONE_DATA;
		break;
	default:
		set_empty(ret, ZONE_CAUSE_NO_TYPE, label);
	}
}

/* The pairs of one endpoint: those of all endpoints are sorted by endpoint. */
static struct range endpoint_pairs(const struct service_body *body, uint32_t endpoint)
{
	struct range all = body->all_pairs;
	uint32_t low = all.first;
	uint32_t high = all.first + all.n;
	struct range range;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (body->pairs[middle].endpoint < endpoint) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	range = (struct range){ .first = low };
	while (low < all.first + all.n && body->pairs[low].endpoint == endpoint) {
		low++;
	}
	range.n = low - range.first;
	return range;
}

static uint16_t weight_of(uint32_t candidates)
{
	return candidates == 0 || candidates > 100 ? 1 : (uint16_t)(100 / candidates);
}

static struct zone_servers endpoint_servers(const struct service_body *body,
					    const struct body_endpoint *endpoint)
{
	uint32_t index = (uint32_t)(endpoint - body->endpoints);
	struct zone_servers servers = { .body = body };

	if (body->paired) {
		struct range pairs = endpoint_pairs(body, index);

		servers.n = pairs.n;
		servers.ports = body->pairs + pairs.first;
		servers.weight = weight_of(pairs.n);
		return servers;
	}
	servers.n = servers.n_ports = body->n_numbers;
	servers.ports = body->numbers + body->first_number;
	servers.first = index;
	servers.weight = weight_of(endpoint->candidates * body->n_slice_ports);
	return servers;
}

static struct str without_underscore(struct str label)
{
	return label.n > 1 && label.p[0] == '_' ? str_skip(label, 1) : label;
}

/* Whether a stored wire label is `label` (without a length octet). */
static bool body_label_is(const struct service_body *body, uint32_t offset, struct str label)
{
	return str_eq(str_skip(body_label(body, offset), 1), label);
}

static const struct body_port *find_port(const struct service_body *body, struct str name,
					 struct str protocol)
{
	name = without_underscore(name);
	protocol = without_underscore(protocol);
	for (uint16_t i = 0; i < body->n_ports; i++) {
		const struct body_port *port = &body->ports[i];

		if (body_label_is(body, port->name, name) &&
		    body_label_is(body, port->protocol, protocol)) {
			return port;
		}
	}
	return NULL;
}

bool match_has_protocol(const struct service_body *body, struct str label)
{
	label = without_underscore(label);
	for (uint16_t i = 0; i < body->n_ports; i++) {
		if (body_label_is(body, body->ports[i].protocol, label)) {
			return true;
		}
	}
	return false;
}

/* A headless Service is there with its first ready endpoint (specification 1.1.0, section 2.4). */
static bool is_void(const struct zone *zone, const struct service_body *body)
{
	return body->n_ready == 0 && (body->type == SERVICE_HEADLESS || zone->ignore_empty_service);
}

static void set_void(const struct zone *zone, const struct service_body *body, size_t label,
		     struct zone_match *ret)
{
	set_absent(ret,
		   zone->no_endpoints   ? ZONE_CAUSE_ENDPOINTS_OFF
		   : body->total != 0   ? ZONE_CAUSE_NOT_READY
		   : body->imported     ? ZONE_CAUSE_NO_EXPORTS
		   : body->has_selector ? ZONE_CAUSE_NO_ENDPOINTS
					: ZONE_CAUSE_NO_SLICES,
		   label);
}

/* ---- topology zones ---- */

/* Whether the Service has names of zones, even if none of its endpoints is in any. */
static bool is_zonal(const struct zone *zone, const struct service_body *body)
{
	return zone->zonal && body->type == SERVICE_HEADLESS && !body->imported &&
	       !is_void(zone, body);
}

static bool is_directive(struct str label)
{
	return str_is(label, "pin") || str_is(label, "prefer");
}

/* _zone.SERVICE, pin._zone.SERVICE: nothing of their own, but names below them (RFC 8020). */
static bool is_inner_zonal(const struct name *name, size_t below)
{
	return str_is(name_label(name, below - 1), "_zone") &&
	       (below == 1 || (below == 2 && is_directive(name_label(name, 0))));
}

static const struct body_zone *find_zone(const struct service_body *body, struct str labels)
{
	for (uint16_t i = 0; i < body->n_zones; i++) {
		const uint8_t *name = body->text + body->zones[i].name;

		if (*name == labels.n && memcmp(name + 1, labels.p, labels.n) == 0) {
			return &body->zones[i];
		}
	}
	return NULL;
}

/*
 * ZONE.pin._zone.SERVICE and the like; the zone's name may have dots. Any zone exists: one without
 * endpoints, drained or misspelt, is just empty.
 */
static void match_zone(const struct zone *zone, const struct service_body *body,
		       const struct name *name, size_t below, uint16_t type, struct zone_match *ret)
{
	struct str directive = name_label(name, below - 2);
	const struct body_zone *match;

	if (!zone->zonal || body->imported || !str_is(name_label(name, below - 1), "_zone") ||
	    !is_directive(directive)) {
		set_absent(ret, ZONE_CAUSE_NO_SUCH_NAME, below);
		return;
	}
	if (body->type != SERVICE_HEADLESS) {
		set_absent(ret, ZONE_CAUSE_NOT_HEADLESS, below);
		return;
	}
	if (is_void(zone, body)) {
		set_void(zone, body, below, ret);
		return;
	}
	match = find_zone(body, name_labels(name, 0, below - 2));
	if (match != NULL) {
		match_node(zone, body, &match->node, type, below, ret);
	} else if (str_is(directive, "prefer")) {
		match_node(zone, body, &body->node, type, below, ret);
	} else {
		set_empty(ret, ZONE_CAUSE_NO_ZONE, below);
	}
}

/* ---- a Service's names ---- */

/* Names below LABEL.SERVICE, which has none itself: of ports, topology zones, other clusters. */
static bool is_inner(const struct zone *zone, const struct service_body *body,
		     const struct name *name)
{
	if (is_void(zone, body)) {
		return false;
	}
	return match_has_protocol(body, name_label(name, 0)) ||
	       (is_zonal(zone, body) && is_inner_zonal(name, 1)) ||
	       (body->imported && find_zone(body, name_label_wire(name, 0)) != NULL);
}

static void match_endpoint(const struct zone *zone, const struct service_body *body,
			   const struct body_endpoint *endpoint, uint16_t type, size_t label,
			   struct zone_match *ret)
{
	if (endpoint->a.n + endpoint->aaaa.n == 0) {
		set_absent(ret, ZONE_CAUSE_HOST_NOT_READY, label);
		return;
	}
	ret->ttl = zone->ttls[ZONE_TTL_ENDPOINT];
	switch (type) {
	case RR_A:
	case RR_AAAA:
		match_addresses(ret, body, endpoint->a, endpoint->aaaa, type, label);
		break;
	case RR_SRV:
		set_servers(ret, endpoint_servers(body, endpoint), ret->ttl, label);
		break;
	case RR_ANY:
		ret->outcome = ZONE_DATA;
		break;
	default:
		set_empty(ret, ZONE_CAUSE_NO_TYPE, label);
	}
}

/* LABEL.SERVICE. */
static void match_one(const struct zone *zone, const struct service_body *body,
		      const struct name *name, uint16_t type, struct zone_match *ret)
{
	const struct body_endpoint *endpoint =
		body->imported ? NULL : body_find(body, name_label_wire(name, 0));

	if (endpoint != NULL) {
		match_endpoint(zone, body, endpoint, type, 1, ret);
	} else if (is_inner(zone, body, name)) {
		set_empty(ret, ZONE_CAUSE_INNER_NAME, 1);
	} else {
		set_absent(ret, zone->no_endpoints ? ZONE_CAUSE_ENDPOINTS_OFF : ZONE_CAUSE_NO_HOST,
			   1);
	}
}

static bool has_underscore(struct str label)
{
	return label.n != 0 && label.p[0] == '_';
}

/* PORT.PROTOCOL.SERVICE; of an imported Service also ENDPOINT.CLUSTER.SERVICE. */
static void match_two(const struct zone *zone, const struct service_body *body,
		      const struct name *name, uint16_t type, struct zone_match *ret)
{
	struct str first = name_label(name, 0);
	struct str second = name_label(name, 1);

	if (body->imported && !has_underscore(first) && !has_underscore(second)) {
		const struct body_endpoint *endpoint = body_find(body, name_labels(name, 0, 2));

		if (endpoint != NULL) {
			match_endpoint(zone, body, endpoint, type, 2, ret);
		} else {
			set_absent(ret, ZONE_CAUSE_NO_HOST, 2);
		}
		return;
	}
	const struct body_port *port = find_port(body, first, second);

	if (is_void(zone, body)) {
		set_void(zone, body, 2, ret);
	} else if (port != NULL) {
		match_node(zone, body, &port->node, type, 2, ret);
	} else if (is_zonal(zone, body) && is_inner_zonal(name, 2)) {
		set_empty(ret, ZONE_CAUSE_INNER_NAME, 2);
	} else {
		set_absent(ret, ZONE_CAUSE_NO_PORT, 2);
	}
}

static void match_external(const struct zone *zone, const struct service_body *body, size_t below,
			   struct zone_match *ret)
{
	if (below != 0) {
		set_absent(ret, ZONE_CAUSE_BELOW_ALIAS, below);
	} else if (body->alias.n == 0) {
		set_absent(ret, ZONE_CAUSE_ALIAS_ADDRESS, below);
	} else {
		ret->outcome = ZONE_ALIAS;
		ret->ttl = zone->ttls[ZONE_TTL_EXTERNAL];
		ret->alias = (struct str){ .p = (const char *)body->text + body->alias.first,
					   .n = body->alias.n };
	}
}

void match_service(const struct zone *zone, const struct service_body *body,
		   const struct name *name, size_t below, uint16_t type, struct zone_match *ret)
{
	ret->fresh = true;
	ret->reason.ready = body->ready;
	ret->reason.total = body->total;
	if (body->type == SERVICE_EXTERNAL) {
		match_external(zone, body, below, ret);
	} else if (below == 1) {
		match_one(zone, body, name, type, ret);
	} else if (below == 2) {
		match_two(zone, body, name, type, ret);
	} else if (below > 2) {
		match_zone(zone, body, name, below, type, ret);
	} else if (is_void(zone, body)) {
		set_void(zone, body, 0, ret);
	} else {
		match_node(zone, body, &body->node, type, 0, ret);
	}
}

/* ---- all of them, one after the other ---- */

uint32_t match_names(const struct service_body *body)
{
	return body->type == SERVICE_EXTERNAL ? 1 : 1 + body->n_ports + body->n_endpoints;
}

static size_t put_underscored(struct str label, uint8_t *out)
{
	out[0] = (uint8_t)label.n; /* its length octet, and one for the underscore */
	out[1] = '_';
	memcpy(out + 2, label.p + 1, label.n - 1);
	return label.n + 1;
}

size_t match_labels(const struct service_body *body, uint32_t i, uint8_t ret_labels[LIMIT_DNS_NAME])
{
	struct str base = body_base(body);
	size_t n = 0;

	if (i != 0 && i <= body->n_ports) {
		const struct body_port *port = &body->ports[i - 1];
		struct str name = body_label(body, port->name);
		struct str protocol = body_label(body, port->protocol);

		if (name.n > LIMIT_DNS_LABEL || protocol.n > LIMIT_DNS_LABEL ||
		    name.n + protocol.n + 2 + base.n > LIMIT_DNS_NAME) {
			return 0;
		}
		n = put_underscored(name, ret_labels);
		n += put_underscored(protocol, ret_labels + n);
	} else if (i != 0) {
		struct str label =
			body_endpoint_label(body, &body->endpoints[i - 1 - body->n_ports]);

		if (label.n + base.n > LIMIT_DNS_NAME) {
			return 0;
		}
		memcpy(ret_labels, label.p, label.n);
		n = label.n;
	}
	memcpy(ret_labels + n, base.p, base.n);
	return n + base.n;
}

void match_nth(const struct zone *zone, const struct service_body *body, uint32_t i, uint16_t type,
	       struct zone_match *ret)
{
	if (body->type == SERVICE_EXTERNAL) {
		match_external(zone, body, 0, ret);
	} else if (i > body->n_ports) {
		match_endpoint(zone, body, &body->endpoints[i - 1 - body->n_ports], type, 1, ret);
	} else if (is_void(zone, body)) {
		set_void(zone, body, 0, ret);
	} else {
		match_node(zone, body, i == 0 ? &body->node : &body->ports[i - 1].node, type, 0,
			   ret);
	}
}
