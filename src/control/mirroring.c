/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints that somebody made by hand, for a service without a selector, appear as endpoint
 * slices, so that everything that reads slices sees them: each subset and address family is one
 * slice. Slices belong to the Endpoints object and carry its labels and annotations.
 */
#include <string.h>

#include "base/ip.h"
#include "base/limits.h"
#include "client/cache.h"
#include "control/controllers.h"
#include "control/slice_set.h"
#include "object/kinds.h"
#include "json/json.h"

#define MANAGED_BY "endpointslicemirroring-controller.k8s.io"
#define SKIP_MIRROR "endpointslice.kubernetes.io/skip-mirror"
#define LEADER "control-plane.alpha.kubernetes.io/leader"
#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* What was left out, for an event. */
struct mirrored {
	size_t added; /* of this subset */
	size_t invalid;
	size_t skipped;
};

static bool wants_mirror(struct object *endpoints, struct object *service)
{
	const json_t *annotations = json_at(object_tree(endpoints), "metadata.annotations");

	return service != NULL &&
	       json_object_size(json_at(object_tree(service), "spec.selector")) == 0 &&
	       strcmp(object_label(endpoints, SKIP_MIRROR), "true") != 0 &&
	       json_object_get(annotations, LEADER) == NULL;
}

static json_t *mirror_labels(struct object *endpoints)
{
	const json_t *own = json_at(object_tree(endpoints), "metadata.labels");
	json_t *labels = own != NULL ? json_copy((json_t *)own) : json_object();

	json_object_set_new(labels, SLICE_SERVICE_NAME,
			    json_stringn(endpoints->name.p, endpoints->name.n));
	json_object_set_new(labels, SLICE_MANAGED_BY, json_string(MANAGED_BY));
	return labels;
}

static json_t *mirror_annotations(struct object *endpoints)
{
	const json_t *own = json_at(object_tree(endpoints), "metadata.annotations");
	json_t *annotations = own != NULL ? json_copy((json_t *)own) : json_object();

	json_object_del(annotations, SLICE_TRIGGER_TIME);
	json_object_del(annotations, LAST_APPLIED);
	return annotations;
}

/* Ports of a slice: the name is there even when it is empty. */
static json_t *mirror_ports(const json_t *subset)
{
	json_t *ports = json_array();
	const json_t *port;
	size_t i;

	json_array_foreach (json_object_get(subset, "ports"), i, port) {
		const char *protocol = json_string_at(port, "protocol");
		json_t *copy = json_pack("{ss sI ss}", "name", json_string_at(port, "name"), "port",
					 (json_int_t)json_int_at(port, "port", 0), "protocol",
					 protocol[0] != '\0' ? protocol : "TCP");

		if (json_object_get(port, "appProtocol") != NULL) {
			json_object_set(copy, "appProtocol", json_object_get(port, "appProtocol"));
		}
		json_array_append_new(ports, copy);
	}
	return ports;
}

static void copy_field(json_t *endpoint, const json_t *address, const char *field)
{
	json_t *value = json_object_get(address, field);

	if (value != NULL && !(json_is_string(value) && json_string_length(value) == 0)) {
		json_object_set(endpoint, field, value);
	}
}

static void add_address(struct slice_set *set, const json_t *ports, const json_t *address,
			bool ready, struct mirrored *mirrored)
{
	const char *text = json_string_at(address, "ip");
	char canonical[IP_TEXT];
	json_t *endpoint;
	struct ip ip;

	if (mirrored->added >= LIMIT_MIRRORED_ADDRESSES) {
		mirrored->skipped++;
		return;
	}
	if (!ip_parse(str_from(text), &ip)) {
		mirrored->invalid++;
		return;
	}
	mirrored->added++;
	ip_text(&ip, canonical);
	endpoint = json_pack("{s[s] s{sb}}", "addresses", canonical, "conditions", "ready", ready);
	copy_field(endpoint, address, "hostname");
	copy_field(endpoint, address, "nodeName");
	copy_field(endpoint, address, "targetRef");
	slice_set_add(set, ip.n == 16 ? "IPv6" : "IPv4", ports, endpoint, "");
}

static void add_subset(struct slice_set *set, const json_t *subset, struct mirrored *mirrored)
{
	_cleanup_json_ json_t *ports = mirror_ports(subset);
	const json_t *address;
	size_t i;

	mirrored->added = 0;
	json_array_foreach (json_object_get(subset, "addresses"), i, address) {
		add_address(set, ports, address, /* ready= */ true, mirrored);
	}
	json_array_foreach (json_object_get(subset, "notReadyAddresses"), i, address) {
		add_address(set, ports, address, /* ready= */ false, mirrored);
	}
}

static void plan_mirror(const struct view *view, struct object *endpoints, struct plan *plan)
{
	_cleanup_json_ json_t *labels = mirror_labels(endpoints);
	_cleanup_json_ json_t *annotations = mirror_annotations(endpoints);
	struct slice_set_rules rules = {
		.owner = endpoints,
		.managed_by = MANAGED_BY,
		.labels = labels,
		.annotations = annotations,
		.max = LIMIT_MIRRORED_ADDRESSES,
	};
	struct slice_set *set = slice_set_new(&rules);
	struct mirrored mirrored = { 0 };
	const json_t *subset;
	bool planned;
	size_t i;

	slice_set_want(set, "IPv4");
	slice_set_want(set, "IPv6");
	json_array_foreach (json_object_get(object_tree(endpoints), "subsets"), i, subset) {
		add_subset(set, subset, &mirrored);
	}
	planned = slice_set_plan(set, view->cache, plan);
	slice_set_free(set);
	if (!planned) {
		return; /* said when it was mirrored */
	}
	if (mirrored.invalid > 0) {
		plan_event(plan, endpoints, "Warning", "InvalidIPAddress",
			   "Skipped %zu invalid IP addresses when mirroring to EndpointSlices",
			   mirrored.invalid);
	}
	if (mirrored.skipped > 0) {
		plan_event(plan, endpoints, "Warning", "TooManyAddressesToMirror",
			   "A max of %d addresses can be mirrored to EndpointSlices per "
			   "Endpoints subset. %zu addresses were skipped",
			   LIMIT_MIRRORED_ADDRESSES, mirrored.skipped);
	}
}

static bool any_slice(struct object *slice)
{
	return true;
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct object *endpoints;
	struct object *service;
	struct str space, name;

	key_split(key, &space, &name);
	endpoints = cache_get(view->cache, &kind_endpoints, space, name);
	service = cache_get(view->cache, &kind_service, space, name);
	if (endpoints != NULL && wants_mirror(endpoints, service)) {
		plan_mirror(view, endpoints, plan);
	} else {
		slices_plan_removal(view->cache, key, MANAGED_BY, any_slice, plan);
	}
}

static void keys_of_slice(const struct cache *cache, struct object *old, struct object *now,
			  struct key_sink *sink)
{
	slice_keys(old, now, MANAGED_BY, sink);
}

const struct controller controller_mirroring = {
	.name = "endpoint-slice-mirroring-controller",
	.sources = {
		{ &kind_endpoints, source_self },
		{ &kind_service, source_self },
		{ &kind_endpoint_slice, keys_of_slice },
	},
	.reconcile = reconcile,
};
