/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a name to what it is. Labels are read from the right: first the zone, then "svc" or "pod",
 * the namespace, the Service, and what is left of it. One table search finds the Service; the rest
 * is inside its body. A name that is absent gets its cause here, where it is known.
 */
#include "zone/lookup.h"

#include "zone/match.h"

enum { TTL_DNS_VERSION = 28800 };

/* RDATA of TXT: the version of the specification that the names follow. */
static const char dns_version[] = "\0051.1.0";

/* ---- namespaces and pods ---- */

static bool space_exists(const struct zone *zone, struct str label)
{
	return snapshot_map_find(zone->spaces, label, snapshot_hash(label)) != NULL;
}

/* The namespace, which is label `label` of the name, does not exist, or has no names. */
static void set_no_space(const struct zone *zone, const struct name *name, size_t label,
			 struct zone_match *ret)
{
	set_absent(ret,
		   zone_shows(zone, name_label(name, label)) ? ZONE_CAUSE_NO_NAMESPACE
							     : ZONE_CAUSE_NAMESPACE_HIDDEN,
		   label);
}

/* NAMESPACE.svc and NAMESPACE.pod: inner names. */
static void match_space(const struct zone *zone, const struct name *name, struct zone_match *ret)
{
	if (space_exists(zone, name_label_wire(name, 0))) {
		set_empty(ret, ZONE_CAUSE_INNER_NAME, 0);
	} else {
		set_no_space(zone, name, 0, ret);
	}
}

static void match_svc(const struct zone *zone, const struct realm *realm, const struct name *name,
		      size_t left, uint16_t type, struct zone_match *ret)
{
	struct str key;
	const struct snapshot_entry *entry;

	if (left == 1) {
		set_empty(ret, ZONE_CAUSE_INNER_NAME, 0);
		return;
	}
	if (left == 2) {
		match_space(zone, name, ret);
		return;
	}
	key = name_labels(name, left - 3, 2);
	entry = snapshot_map_find(realm->services, key, snapshot_hash(key));
	if (entry != NULL) {
		match_service(zone, body_of(entry), name, left - 3, type, ret);
	} else if (space_exists(zone, name_label_wire(name, left - 2))) {
		set_absent(ret, ZONE_CAUSE_NO_SERVICE, left - 3);
	} else {
		set_no_space(zone, name, left - 2, ret);
	}
}

static void match_pod_address(const struct zone *zone, const struct ip *address, uint16_t type,
			      struct zone_match *ret)
{
	uint16_t own = address->n == 4 ? RR_A : RR_AAAA;
	uint32_t ttl = zone->ttls[ZONE_TTL_POD];
	uint8_t head[12] = {
		0xc0,
		12,
		0,
		(uint8_t)own,
		0,
		1,
		(uint8_t)(ttl >> 24),
		(uint8_t)(ttl >> 16),
		(uint8_t)(ttl >> 8),
		(uint8_t)ttl,
		0,
		address->n,
	};

	if (type == own) {
		memcpy(ret->computed, head, sizeof(head));
		memcpy(ret->computed + sizeof(head), address->bytes, address->n);
		set_addresses(ret, ret->computed, 1, 0);
	} else if (type == RR_ANY) {
		ret->outcome = ZONE_DATA;
	} else {
		set_empty(ret,
			  type == RR_A || type == RR_AAAA ? ZONE_CAUSE_NO_FAMILY
							  : ZONE_CAUSE_NO_TYPE,
			  0);
	}
	ret->ttl = ttl;
}

static void match_pod(const struct zone *zone, const struct name *name, size_t left, uint16_t type,
		      struct zone_match *ret)
{
	struct ip address;

	if (left == 1) {
		set_empty(ret, ZONE_CAUSE_INNER_NAME, 0);
	} else if (zone->pods_mode == ZONE_PODS_DISABLED) {
		set_absent(ret, ZONE_CAUSE_PODS_DISABLED, 0);
	} else if (left == 2) {
		match_space(zone, name, ret);
	} else if (!space_exists(zone, name_label_wire(name, left - 2))) {
		set_no_space(zone, name, left - 2, ret);
	} else if (left > 3 || !address_from_dashed(name_label(name, 0), &address) ||
		   (zone->pods != NULL &&
		    !zone_pod_exists(zone, name_label_wire(name, 1), &address))) {
		set_absent(ret, ZONE_CAUSE_NO_POD, left - 3);
	} else {
		match_pod_address(zone, &address, type, ret);
	}
}

/* ---- the apex and its neighbours ---- */

static void match_apex(const struct zone *zone, uint16_t type, struct zone_match *ret)
{
	if (type == RR_SOA || type == RR_NS) {
		set_data(ret, type == RR_SOA ? ZONE_DATA_SOA : ZONE_DATA_NS, zone->ttl);
	} else if (type == RR_ANY) {
		ret->outcome = ZONE_DATA;
	} else {
		set_empty(ret, ZONE_CAUSE_NO_TYPE, 0);
	}
}

/* ns.dns: the addresses of the first name server that has some. */
static void match_name_server(const struct zone *zone, uint16_t type, struct zone_match *ret)
{
	struct zone_name_server servers[ZONE_OWN_MAX];
	size_t n = zone_name_servers(zone, ret->imports, servers);

	ret->ttl = zone->ttl;
	if (type == RR_ANY) {
		ret->outcome = ZONE_DATA;
		return;
	}
	set_empty(ret, ZONE_CAUSE_NO_TYPE, 0);
	for (size_t i = 0; (type == RR_A || type == RR_AAAA) && i < n; i++) {
		struct zone_run run = type == RR_A ? servers[i].a : servers[i].aaaa;

		set_addresses(ret, run.records, run.n, 0);
		if (run.n != 0) {
			return;
		}
	}
}

static void match_version(uint16_t type, struct zone_match *ret)
{
	if (type == RR_TXT) {
		set_data(ret, ZONE_DATA_TEXT, TTL_DNS_VERSION);
		ret->text = STR(dns_version);
	} else if (type == RR_ANY) {
		ret->outcome = ZONE_DATA;
	} else {
		set_empty(ret, ZONE_CAUSE_NO_TYPE, 0);
	}
}

static void match_forward(const struct zone *zone, const struct realm *realm,
			  const struct name *name, size_t left, uint16_t type,
			  struct zone_match *ret)
{
	struct str last;

	ret->origin = name->label[left];
	ret->imports = realm->imports;
	if (left == 0) {
		match_apex(zone, type, ret);
		return;
	}
	last = name_label(name, left - 1);
	if (str_eq(last, STR("svc"))) {
		match_svc(zone, realm, name, left, type, ret);
	} else if (str_eq(last, STR("pod"))) {
		match_pod(zone, name, left, type, ret);
	} else if (str_eq(last, STR("dns")) && left == 1) {
		set_empty(ret, ZONE_CAUSE_INNER_NAME, 0);
	} else if (str_eq(last, STR("dns")) && left == 2 && str_is(name_label(name, 0), "ns")) {
		match_name_server(zone, type, ret);
	} else if (str_eq(last, STR("dns-version")) && left == 1) {
		match_version(type, ret);
	} else {
		set_absent(ret, ZONE_CAUSE_NO_SUCH_NAME, left - 1);
	}
}

/* ---- addresses ---- */

/* The smallest of our reverse zones that holds the name, or NULL. */
static const struct reverse_zone *find_reverse_zone(const struct zone *zone,
						    const struct name *name,
						    const struct reverse_name *reverse)
{
	const struct reverse_zone *best = NULL;

	for (size_t i = 0; i < zone->n_reverse; i++) {
		const struct reverse_zone *candidate = &zone->reverse_zones[i];

		if (candidate->network.address.n == reverse->address.n &&
		    name->n_labels >= candidate->labels &&
		    name->n_labels - candidate->labels >= reverse->rest &&
		    network_holds(&candidate->network, &reverse->address) &&
		    (best == NULL || best->labels < candidate->labels)) {
			best = candidate;
		}
	}
	return best;
}

static void match_known_address(const struct zone *zone, const struct reverse_leaf *leaf,
				uint16_t type, struct zone_match *ret)
{
	if (type == RR_PTR) {
		set_data(ret, ZONE_DATA_POINTERS, zone->ttls[ZONE_TTL_POINTER]);
		ret->pointers =
			(struct zone_pointers){ .leaf = leaf, .n = reverse_leaf_count(leaf) };
	} else if (type == RR_ANY) {
		set_data(ret, ZONE_DATA_POINTERS, zone->ttls[ZONE_TTL_POINTER]);
	} else {
		set_empty(ret, ZONE_CAUSE_NO_TYPE, 0);
	}
}

static void match_reverse(const struct zone *zone, const struct name *name,
			  const struct reverse_name *reverse, uint16_t type, struct zone_match *ret)
{
	const struct reverse *trie = &zone->reverse[reverse->address.n == 4 ? 0 : 1];
	const struct reverse_zone *own = find_reverse_zone(zone, name, reverse);
	bool whole = reverse->rest == 0 && reverse->nibbles == reverse->address.n * 2;
	const struct reverse_leaf *leaf = whole ? reverse_find(trie, &reverse->address) : NULL;

	ret->reverse = true;
	if (own != NULL) {
		ret->origin = name->label[name->n_labels - own->labels];
	}
	if (leaf != NULL && (own != NULL || type == RR_PTR)) {
		match_known_address(zone, leaf, type, ret);
	} else if (own == NULL) {
		ret->outcome = ZONE_OUTSIDE;
	} else if (name->n_labels == own->labels) {
		match_apex(zone, type, ret);
	} else if (reverse->rest == 0 &&
		   reverse_has_prefix(trie, &reverse->address, reverse->nibbles)) {
		set_empty(ret, ZONE_CAUSE_INNER_NAME, 0);
	} else if (zone->reverse_fallthrough) {
		ret->outcome = ZONE_OUTSIDE;
	} else {
		set_absent(ret, ZONE_CAUSE_NO_ADDRESS, 0);
	}
}

/* The zone that the name lies in, the smaller one where one lies in the other; or NULL. */
static const struct realm *find_realm(const struct zone *zone, const struct name *name,
				      size_t *ret_left)
{
	size_t left;
	bool ours = name_is_below(name, &zone->cluster.domain, ret_left);

	if (zone->imports.imports && name_is_below(name, &zone->imports.domain, &left) &&
	    (!ours || left < *ret_left)) {
		*ret_left = left;
		return &zone->imports;
	}
	return ours ? &zone->cluster : NULL;
}

/* SERVICE.NAMESPACE.svc of the cluster's zone: all else is rare, or near. */
void zone_hint(const struct zone *zone, const struct name *name, struct zone_hint *ret)
{
	size_t left = (size_t)name->n_labels - zone->cluster.domain.n_labels;

	ret->services = NULL;
	if (name->n_labels < zone->cluster.domain.n_labels + 3 ||
	    !str_is(name_label(name, left - 1), "svc")) {
		return;
	}
	ret->services = zone->cluster.services;
	ret->hash = snapshot_hash(name_labels(name, left - 3, 2));
	snapshot_map_fetch_slot(ret->services, ret->hash);
}

void zone_fetch(const struct zone_hint *hint)
{
	enum { KEY = 64 }; /* most keys are shorter */

	if (hint->services != NULL) {
		snapshot_map_fetch_entry(hint->services, hint->hash,
					 sizeof(struct service_body) + KEY);
	}
}

void zone_fetch_data(const struct zone_hint *hint)
{
	const struct snapshot_entry *entry =
		hint->services != NULL ? snapshot_map_peek(hint->services, hint->hash) : NULL;
	const struct service_body *body;

	if (entry != NULL) {
		body = body_of(entry);
		__builtin_prefetch(body->a);
		__builtin_prefetch(body->slots);
		__builtin_prefetch(body->endpoints);
	}
}

void zone_lookup(const struct zone *zone, const struct name *name, uint16_t type,
		 struct zone_match *ret)
{
	struct reverse_name reverse;
	const struct realm *realm;
	size_t left;

	ret->fresh = false;
	ret->origin = 0;
	ret->reverse = ret->imports = false;
	ret->reason = (struct zone_reason){ 0 };
	ret->ttl = zone->ttl;
	realm = find_realm(zone, name, &left);
	if (realm != NULL) {
		match_forward(zone, realm, name, left, type, ret);
	} else if (reverse_name_read(name, &reverse)) {
		match_reverse(zone, name, &reverse, type, ret);
	} else {
		ret->outcome = ZONE_OUTSIDE;
	}
	if (ret->outcome == ZONE_ABSENT && counter_get(&zone->synced) == 0) {
		ret->outcome = ZONE_UNSYNCED;
		ret->reason.cause = ZONE_CAUSE_UNSYNCED;
	} else if (ret->outcome == ZONE_ABSENT && zone->fallthrough && !ret->reverse) {
		ret->outcome = ZONE_OUTSIDE;
	}
}

/* ---- parts of answers ---- */

void zone_server_at(const struct zone_servers *servers, uint32_t i, struct zone_server *ret)
{
	const struct service_body *body = servers->body;
	const struct body_endpoint *endpoint;

	ret->weight = servers->weight;
	ret->base = body_base(body);
	if (servers->n_ports != 0) {
		const uint16_t *numbers = servers->ports;

		ret->target =
			servers->first + (servers->first != BODY_SELF ? i / servers->n_ports : 0);
		ret->port = numbers[i % servers->n_ports];
	} else {
		const struct server_pair *pair = (const struct server_pair *)servers->ports + i;

		ret->target = pair->endpoint;
		ret->port = (uint16_t)pair->port;
	}
	if (ret->target == BODY_SELF) {
		ret->label = STR_NONE;
		ret->a = run_a(body, body->node.a);
		ret->aaaa = run_aaaa(body, body->node.aaaa);
		return;
	}
	endpoint = &body->endpoints[ret->target];
	ret->label = body_endpoint_label(body, endpoint);
	ret->a = run_a(body, endpoint->a);
	ret->aaaa = run_aaaa(body, endpoint->aaaa);
}

struct str zone_pointer_next(const struct zone_pointers *pointers, size_t *cursor)
{
	return reverse_leaf_next(pointers->leaf, cursor);
}

/*
 * The name server that a reverse name of our own address stands for. False when it is gone, or has
 * no UDP port: other servers share our address (the API's, on one machine) without serving names.
 */
static bool server_of(const struct zone *zone, struct str labels, struct zone_name_server *ret)
{
	struct str key = { .p = labels.p, .n = labels.n - BODY_KEY_TAIL };
	struct str first = { .p = labels.p, .n = 1U + (uint8_t)labels.p[0] };
	const struct snapshot_entry *entry =
		snapshot_map_find(zone->cluster.services, key, snapshot_hash(key));
	const struct body_endpoint *endpoint = NULL;
	const struct service_body *body;

	if (entry == NULL) {
		key = str_skip(key, first.n);
		entry = snapshot_map_find(zone->cluster.services, key, snapshot_hash(key));
	}
	if (entry == NULL || !match_has_protocol(body_of(entry), STR("udp"))) {
		return false;
	}
	body = body_of(entry);
	ret->labels = body_base(body);
	ret->a = run_a(body, body->node.a);
	ret->aaaa = run_aaaa(body, body->node.aaaa);
	if (body->type == SERVICE_HEADLESS && (endpoint = body_find(body, first)) != NULL) {
		ret->labels = labels;
		ret->a = run_a(body, endpoint->a);
		ret->aaaa = run_aaaa(body, endpoint->aaaa);
	}
	return true;
}

static bool is_listed(const struct zone_name_server *servers, size_t n, struct str labels)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(servers[i].labels, labels)) {
			return true;
		}
	}
	return false;
}

size_t zone_name_servers(const struct zone *zone, bool imports,
			 struct zone_name_server ret[ZONE_OWN_MAX])
{
	const struct own_body *own = snapshot_get(&zone->own);
	size_t n = 0;

	for (size_t i = 0; own != NULL && !imports && i < own->n; i++) {
		const struct ip *address = &own->addresses[i];
		const struct reverse_leaf *leaf =
			reverse_find(&zone->reverse[address->n == 4 ? 0 : 1], address);
		size_t cursor = 0;

		for (uint32_t k = 0; leaf != NULL && k < reverse_leaf_count(leaf); k++) {
			struct str labels = reverse_leaf_next(leaf, &cursor);

			if (n < ZONE_OWN_MAX && server_of(zone, labels, &ret[n]) &&
			    !is_listed(ret, n, ret[n].labels)) {
				n++;
			}
		}
	}
	if (n == 0) {
		ret[0] = (struct zone_name_server){ .labels = STR("\2ns\3dns") };
		if (own != NULL) {
			ret[0].a = (struct zone_run){ .records = own->a, .n = own->n_a };
			ret[0].aaaa = (struct zone_run){ .records = own->aaaa, .n = own->n_aaaa };
		}
		n = 1;
	}
	return n;
}

void zone_soa(const struct zone *zone, bool fresh, struct zone_soa *ret)
{
	uint32_t negative = fresh ? 0 : zone->ttls[ZONE_TTL_NEGATIVE];

	*ret = (struct zone_soa){
		.ttl = negative < ZONE_SOA_TTL_MAX ? negative : ZONE_SOA_TTL_MAX,
		.serial = (uint32_t)counter_get(&zone->serial),
		.refresh = 7200,
		.retry = 1800,
		.expire = 86400,
		.minimum = negative,
	};
}

const struct name *zone_domain(const struct zone *zone)
{
	return &zone->cluster.domain;
}

bool zone_is_synced(const struct zone *zone)
{
	return counter_get(&zone->synced) != 0;
}
