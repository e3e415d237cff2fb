/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The older object, Endpoints: one a service, of the service's first address family. Addresses that
 * offer the same ports form a subset. The canonical form is the one of Kubernetes: each port stands
 * in one subset; ports with the same addresses in the same readiness share it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/map.h"
#include "client/cache.h"
#include "control/controllers.h"
#include "control/pod_state.h"
#include "control/service_pods.h"
#include "control/slice_set.h"
#include "object/kinds.h"
#include "json/json.h"

#define MANAGED_BY_LABEL "endpoints.kubernetes.io/managed-by"
#define MANAGED_BY "endpoint-controller"
#define OVER_CAPACITY "endpoints.kubernetes.io/over-capacity"

/* A pod as an address. */
struct address {
	json_t *json;
	json_t *ports;
	char ip[IP_TEXT];
	const char *uid;
	const char *changed;
	bool ready;
};

struct address_list {
	struct address *items;
	size_t n;
};

/* A port and who offers it: as indexes into the address list, and as the text of that. */
struct offer {
	json_t *port; /* NULL: of a service without ports */
	struct buffer addresses;
};

/* ---- addresses ---- */

static uint8_t family_of(struct object *service)
{
	const json_t *families = json_at(object_tree(service), "spec.ipFamilies");
	const char *first = json_string_value(json_array_get(families, 0));
	const char *address = json_string_at(object_tree(service), "spec.clusterIP");

	if (first != NULL) {
		return strcmp(first, "IPv6") == 0 ? 16 : 4;
	}
	if (service_is_headless(service)) {
		return 0;
	}
	return strchr(address, ':') != NULL ? 16 : 4;
}

static void make_address(struct object *service, struct object *pod, const struct ip *ip,
			 bool publish, struct address *ret)
{
	const char *hostname = pod_hostname(pod, service);

	ip_text(ip, ret->ip);
	ret->uid = object_uid(pod);
	ret->ready = publish || pod_is_ready(pod);
	ret->changed = pod_ready_changed(pod);
	ret->ports = pod_ports(pod, service);
	ret->json = json_pack("{ss so}", "ip", ret->ip, "targetRef", pod_reference(pod));
	if (hostname[0] != '\0') {
		json_object_set_new(ret->json, "hostname", json_string(hostname));
	}
	if (pod_node(pod)[0] != '\0') {
		json_object_set_new(ret->json, "nodeName", json_string(pod_node(pod)));
	}
}

static int compare_addresses(const void *a, const void *b)
{
	const struct address *x = a;
	const struct address *y = b;
	int order = strcmp(x->ip, y->ip);

	return order != 0 ? order : strcmp(x->uid, y->uid);
}

static void collect_addresses(const struct view *view, struct object *service,
			      struct address_list *ret)
{
	struct object_list pods _cleanup_object_list_ = { 0 };
	bool publish = json_bool_at(object_tree(service), "spec.publishNotReadyAddresses", false);
	uint8_t family = family_of(service);

	service_pods(view->cache, service, &pods);
	ret->items = mem_alloc_array(pods.n + 1, sizeof(*ret->items));
	for (size_t i = 0; i < pods.n; i++) {
		struct ip ip;

		if (pod_is_endpoint(pods.items[i], /* terminating= */ publish) &&
		    pod_address(pods.items[i], family, &ip)) {
			make_address(service, pods.items[i], &ip, publish, &ret->items[ret->n++]);
		}
	}
	qsort(ret->items, ret->n, sizeof(*ret->items), compare_addresses);
}

static void address_list_deinit(struct address_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		json_decref(list->items[i].json);
		json_decref(list->items[i].ports);
	}
	mem_free(list->items);
}

/* ---- subsets ---- */

static void offer_free(void *value)
{
	struct offer *offer = value;

	json_decref(offer->port);
	buffer_deinit(&offer->addresses);
	mem_free(offer);
}

/* Notes that address `i` offers `port` (NULL: none in particular). */
static void note_offer(struct map *offers, const struct address_list *list, size_t i,
		       const json_t *port)
{
	struct buffer key _cleanup_buffer_ = BUFFER_INIT(LIMIT_CACHE_KEY);
	struct offer *offer;

	buffer_printf(&key, "%s\n%06" PRId64 "\n%s\n%s", json_string_at(port, "name"),
		      json_int_at(port, "port", 0), json_string_at(port, "protocol"),
		      json_string_at(port, "appProtocol"));
	offer = map_get(offers, buffer_str(&key));
	if (offer == NULL) {
		offer = MEM_NEW(struct offer);
		buffer_init(&offer->addresses, LIMIT_OBJECT * 4);
		if (port != NULL) {
			offer->port = json_copy((json_t *)port);
			if (json_string_at(port, "name")[0] == '\0') {
				json_object_del(offer->port, "name");
			}
		}
		map_put(offers, buffer_str(&key), offer);
	}
	buffer_printf(&offer->addresses, "%08zu%c", i, list->items[i].ready ? '+' : '-');
}

static void collect_offers(const struct address_list *list, bool without_ports, struct map *offers)
{
	for (size_t i = 0; i < list->n; i++) {
		const json_t *port;
		size_t j;

		if (without_ports) {
			note_offer(offers, list, i, NULL);
			continue;
		}
		json_array_foreach (list->items[i].ports, j, port) {
			note_offer(offers, list, i, port);
		}
	}
}

/* "addresses" and "notReadyAddresses" of the indexes in an offer's text. */
static json_t *make_subset(const struct address_list *list, struct str addresses)
{
	enum { INDEX = 8 };
	json_t *subset = json_object();

	for (; addresses.n > INDEX; addresses = str_skip(addresses, INDEX + 1)) {
		const char *field = addresses.p[INDEX] == '+' ? "addresses" : "notReadyAddresses";
		json_t *array = json_object_get(subset, field);
		uint64_t i;

		if (!str_to_u64((struct str){ addresses.p, INDEX }, list->n - 1, &i)) {
			break;
		}
		if (array == NULL) {
			array = json_array();
			json_object_set_new(subset, field, array);
		}
		json_array_append(array, list->items[i].json);
	}
	return subset;
}

static json_t *make_subsets(const struct address_list *list, bool without_ports)
{
	struct map offers = MAP_INIT(LIMIT_CACHE_OBJECTS);
	struct map subsets = MAP_INIT(LIMIT_CACHE_OBJECTS); /* who -> subset, borrowed */
	json_t *result = json_array();

	collect_offers(list, without_ports, &offers);
	map_for_each (entry, &offers) {
		struct offer *offer = entry->value;
		struct str who = buffer_str(&offer->addresses);
		json_t *subset = map_get(&subsets, who);

		if (subset == NULL) {
			subset = make_subset(list, who);
			map_put(&subsets, who, subset);
			json_array_append_new(result, subset);
		}
		if (offer->port != NULL) {
			if (json_object_get(subset, "ports") == NULL) {
				json_object_set_new(subset, "ports", json_array());
			}
			json_array_append(json_object_get(subset, "ports"), offer->port);
		}
	}
	map_deinit(&subsets, NULL);
	map_deinit(&offers, offer_free);
	return result;
}

/* ---- capacity ---- */

static size_t count_addresses(const json_t *subsets, const char *field)
{
	const json_t *subset;
	size_t n = 0;
	size_t i;

	json_array_foreach ((json_t *)subsets, i, subset) {
		n += json_array_size(json_object_get(subset, field));
	}
	return n;
}

/* Leaves each subset its share, rounded up, of the `room` that `field` has in all of them. */
static void cut_addresses(json_t *subsets, const char *field, size_t room)
{
	size_t total = count_addresses(subsets, field);
	size_t left = room;
	json_t *subset;
	size_t i;

	json_array_foreach (subsets, i, subset) {
		json_t *array = json_object_get(subset, field);
		size_t n = json_array_size(array);
		size_t keep = n == 0 ? 0 : (n * room + total - 1) / total;

		keep = keep < left ? keep : left;
		while (json_array_size(array) > keep) {
			json_array_remove(array, json_array_size(array) - 1);
		}
		left -= json_array_size(array);
		if (json_array_size(array) == 0) {
			json_object_del(subset, field);
		}
	}
}

/* Ready addresses come first. Returns whether something was cut. */
static bool truncate_subsets(json_t *subsets)
{
	size_t ready = count_addresses(subsets, "addresses");
	size_t not_ready = count_addresses(subsets, "notReadyAddresses");

	if (ready + not_ready <= LIMIT_ENDPOINTS_ADDRESSES) {
		return false;
	}
	if (ready > LIMIT_ENDPOINTS_ADDRESSES) {
		cut_addresses(subsets, "notReadyAddresses", 0);
		cut_addresses(subsets, "addresses", LIMIT_ENDPOINTS_ADDRESSES);
	} else {
		cut_addresses(subsets, "notReadyAddresses", LIMIT_ENDPOINTS_ADDRESSES - ready);
	}
	return true;
}

/* ---- the object ---- */

static json_t *endpoints_labels(struct object *service)
{
	const json_t *own = json_at(object_tree(service), "metadata.labels");
	json_t *labels = own != NULL ? json_copy((json_t *)own) : json_object();

	json_object_del(labels, SLICE_HEADLESS);
	if (service_is_headless(service)) {
		json_object_set_new(labels, SLICE_HEADLESS, json_string(""));
	}
	json_object_set_new(labels, MANAGED_BY_LABEL, json_string(MANAGED_BY));
	return labels;
}

/* Whether some subset shows the address with this readiness. */
static bool shows(const json_t *subsets, const struct address *address)
{
	const char *field = address->ready ? "addresses" : "notReadyAddresses";
	const json_t *subset, *shown;
	size_t i, j;

	json_array_foreach ((json_t *)subsets, i, subset) {
		json_array_foreach (json_object_get(subset, field), j, shown) {
			if (strcmp(json_string_at(shown, "ip"), address->ip) == 0) {
				return true;
			}
		}
	}
	return false;
}

/* The earliest change that `before` (NULL: there is no object yet) does not show; "" for none. */
static const char *trigger_time(struct object *service, const struct address_list *list,
				const json_t *before)
{
	const char *earliest = "";

	if (before == NULL) {
		return json_string_at(object_tree(service), "metadata.creationTimestamp");
	}
	for (size_t i = 0; i < list->n; i++) {
		const char *changed = list->items[i].changed;

		if (changed[0] != '\0' && (earliest[0] == '\0' || strcmp(changed, earliest) < 0) &&
		    !shows(json_object_get(before, "subsets"), &list->items[i])) {
			earliest = changed;
		}
	}
	return earliest;
}

static void set_annotation(json_t *body, const char *name, const char *value)
{
	json_t *annotations = json_at(body, "metadata.annotations");

	if (value[0] == '\0') {
		json_object_del(annotations, name);
		return;
	}
	if (annotations == NULL) {
		annotations = json_object();
		json_put(body, "metadata.annotations", annotations);
	}
	json_object_set_new(annotations, name, json_string(value));
}

static bool is_current(const json_t *before, const json_t *subsets, const json_t *labels,
		       bool truncated)
{
	const json_t *there = json_object_get(before, "subsets");
	const json_t *annotations = json_at(before, "metadata.annotations");

	return (json_array_size(there) + json_array_size(subsets) == 0 ||
		(there != NULL && json_equal(there, subsets))) &&
	       json_equal(json_at(before, "metadata.labels"), labels) &&
	       (json_object_get(annotations, OVER_CAPACITY) != NULL) == truncated;
}

static void plan_endpoints(const struct view *view, struct object *service, struct plan *plan)
{
	struct object *object =
		cache_get(view->cache, &kind_endpoints, service->space, service->name);
	const json_t *before = object != NULL ? object_tree(object) : NULL;
	bool without_ports = json_array_size(json_at(object_tree(service), "spec.ports")) == 0;
	_cleanup_json_ json_t *labels = endpoints_labels(service);
	struct address_list list = { 0 };
	json_t *subsets;
	json_t *body;
	bool truncated;

	collect_addresses(view, service, &list);
	subsets = make_subsets(&list, without_ports);
	truncated = truncate_subsets(subsets);
	if (before != NULL && is_current(before, subsets, labels, truncated)) {
		json_decref(subsets);
		address_list_deinit(&list);
		return;
	}
	body = before != NULL ? json_deep_copy(before)
			      : json_pack("{ss ss s{ss%}}", "apiVersion", "v1", "kind", "Endpoints",
					  "metadata", "name", service->name.p, service->name.n);
	json_put(body, "metadata.labels", json_deep_copy(labels));
	set_annotation(body, SLICE_TRIGGER_TIME, trigger_time(service, &list, before));
	set_annotation(body, OVER_CAPACITY, truncated ? "truncated" : "");
	json_object_set_new(body, "subsets", subsets);
	address_list_deinit(&list);
	if (before != NULL) {
		plan_update(plan, &kind_endpoints, body);
	} else if (!object_is_deleting(service)) {
		plan_create(plan, &kind_endpoints, service->space, body);
	} else {
		json_decref(body);
	}
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct object *endpoints;
	struct object *service;
	struct str space, name;

	key_split(key, &space, &name);
	service = cache_get(view->cache, &kind_service, space, name);
	endpoints = cache_get(view->cache, &kind_endpoints, space, name);
	if (service != NULL && service_selects(service)) {
		plan_endpoints(view, service, plan);
	} else if (service == NULL && endpoints != NULL &&
		   strcmp(object_label(endpoints, MANAGED_BY_LABEL), MANAGED_BY) == 0) {
		/* What somebody made by hand may be there before its service: it stays. */
		plan_delete(plan, endpoints, -1, PLAN_BACKGROUND);
		plan_tolerate(plan, "NotFound");
	}
}

const struct controller controller_endpoints = {
	.name = "endpoint-controller",
	.sources = {
		{ &kind_service, source_self },
		{ &kind_endpoints, source_self },
		{ &kind_pod, service_keys_of_pod },
	},
	.prepare = service_pods_prepare,
	.reconcile = reconcile,
};
