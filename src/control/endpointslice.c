/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoint slices of services with a selector. An endpoint is a pod's address of one family; which
 * families is the service's ipFamilies. Pods stay until they are gone: a terminating one is not
 * ready, but may be serving. One difference to Kubernetes: a pod whose node is unknown is an
 * endpoint (without zone), because a pod that says it has an address and is ready can be reached,
 * node object or not.
 */
#include <string.h>

#include "base/limits.h"
#include "client/cache.h"
#include "control/controllers.h"
#include "control/pod_state.h"
#include "control/service_pods.h"
#include "control/slice_set.h"
#include "object/kinds.h"
#include "json/json.h"

#define MANAGED_BY "endpointslice-controller.k8s.io"

static bool is_reserved(const char *label)
{
	return strcmp(label, SLICE_SERVICE_NAME) == 0 || strcmp(label, SLICE_MANAGED_BY) == 0 ||
	       strcmp(label, SLICE_HEADLESS) == 0;
}

/* The service's own labels and the three that say what the slice is. */
static json_t *slice_labels(struct object *service)
{
	json_t *labels = json_object();
	const char *label;
	json_t *value;

	json_object_foreach (json_at(object_tree(service), "metadata.labels"), label, value) {
		if (!is_reserved(label)) {
			json_object_set(labels, label, value);
		}
	}
	if (service_is_headless(service)) {
		json_object_set_new(labels, SLICE_HEADLESS, json_string(""));
	}
	json_object_set_new(labels, SLICE_SERVICE_NAME,
			    json_stringn(service->name.p, service->name.n));
	json_object_set_new(labels, SLICE_MANAGED_BY, json_string(MANAGED_BY));
	return labels;
}

static json_t *make_endpoint(const struct view *view, struct object *service, struct object *pod,
			     const struct ip *ip)
{
	bool publish = json_bool_at(object_tree(service), "spec.publishNotReadyAddresses", false);
	bool terminating = object_is_deleting(pod);
	const char *hostname = pod_hostname(pod, service);
	const char *node_name = pod_node(pod);
	bool serving = pod_is_ready(pod);
	char address[IP_TEXT];
	json_t *endpoint;

	ip_text(ip, address);
	endpoint = json_pack("{s[s] s{sb sb sb}}", "addresses", address, "conditions", "ready",
			     publish || (serving && !terminating), "serving", serving,
			     "terminating", terminating);
	if (hostname[0] != '\0') {
		json_object_set_new(endpoint, "hostname", json_string(hostname));
	}
	if (node_name[0] != '\0') {
		struct object *node =
			cache_get(view->cache, &kind_node, STR_NONE, str_from(node_name));
		const char *zone =
			node != NULL ? object_label(node, "topology.kubernetes.io/zone") : "";

		json_object_set_new(endpoint, "nodeName", json_string(node_name));
		if (zone[0] != '\0') {
			json_object_set_new(endpoint, "zone", json_string(zone));
		}
	}
	json_object_set_new(endpoint, "targetRef", pod_reference(pod));
	return endpoint;
}

/* `shared`: the ports of every pod, or NULL when each has its own. */
static void add_pod(const struct view *view, struct slice_set *set, struct object *service,
		    struct object *pod, const char *family, json_t *shared)
{
	_cleanup_json_ json_t *ports = NULL;
	struct ip ip;

	if (!pod_is_endpoint(pod, /* terminating= */ true) ||
	    !pod_address(pod, strcmp(family, "IPv6") == 0 ? 16 : 4, &ip)) {
		return;
	}
	ports = shared != NULL ? json_incref(shared) : pod_ports(pod, service);
	slice_set_add(set, family, ports, make_endpoint(view, service, pod, &ip),
		      pod_ready_changed(pod));
}

/* spec.ipFamilies; a service without them has the family of its address. */
static json_t *families_of(struct object *service)
{
	json_t *families = json_at(object_tree(service), "spec.ipFamilies");
	const char *address = json_string_at(object_tree(service), "spec.clusterIP");

	if (json_array_size(families) > 0) {
		return json_incref(families);
	}
	return json_pack("[s]", strchr(address, ':') != NULL ? "IPv6" : "IPv4");
}

/* Pods and slices say which endpoints they concern; anything else may concern all of them. */
static bool changes_are_few(const struct view *view)
{
	for (size_t i = 0; i < view->n_changes; i++) {
		const struct change *change = &view->changes[i];
		const struct kind *kind = (change->now != NULL ? change->now : change->old)->kind;

		if (kind != &kind_pod && kind != &kind_endpoint_slice) {
			return false;
		}
	}
	return view->changes != NULL;
}

static void touch(struct slice_set *set, struct object *object)
{
	if (object != NULL && object->kind == &kind_pod) {
		slice_set_touch(set, object->name);
	} else if (object != NULL) {
		slice_set_touch_slice(set, object);
	}
}

/* The pods to look at, appended. */
static void find_pods(const struct view *view, struct object *service, struct slice_set *set,
		      struct object_list *ret)
{
	if (!changes_are_few(view)) {
		service_pods(view->cache, service, ret);
		return;
	}
	for (size_t i = 0; i < view->n_changes; i++) {
		touch(set, view->changes[i].old);
		touch(set, view->changes[i].now);
	}
	map_for_each (entry, slice_set_touched(set)) {
		struct object *pod = cache_get(view->cache, &kind_pod, service->space, entry->key);

		if (pod != NULL && service_takes_pod(service, pod)) {
			object_list_add(ret, pod);
		}
	}
}

static void plan_slices(const struct view *view, struct object *service, struct plan *plan)
{
	struct object_list pods _cleanup_object_list_ = { 0 };
	_cleanup_json_ json_t *families = families_of(service);
	_cleanup_json_ json_t *labels = slice_labels(service);
	_cleanup_json_ json_t *ports = service_pod_ports(service);
	struct slice_set_rules rules = {
		.owner = service,
		.managed_by = MANAGED_BY,
		.labels = labels,
		.max = LIMIT_SLICE_PACKED,
		.placeholder = true,
		.trigger_time = true,
	};
	struct slice_set *set = slice_set_new(&rules);
	const json_t *family;
	size_t i;

	find_pods(view, service, set, &pods);
	json_array_foreach (families, i, family) {
		slice_set_want(set, json_string_value(family));
		for (size_t j = 0; j < pods.n; j++) {
			add_pod(view, set, service, pods.items[j], json_string_value(family),
				ports);
		}
	}
	slice_set_plan(set, view->cache, plan);
	slice_set_free(set);
}

static bool any_slice(struct object *slice)
{
	return true;
}

/* Slices that were orphaned on purpose (kubectl delete --cascade=orphan) have no owner and stay. */
static bool has_owner(struct object *slice)
{
	return object_controller(slice) != NULL;
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct object *service;
	struct str space, name;

	key_split(key, &space, &name);
	service = cache_get(view->cache, &kind_service, space, name);
	if (service == NULL) {
		slices_plan_removal(view->cache, key, MANAGED_BY, has_owner, plan);
	} else if (service_selects(service)) {
		plan_slices(view, service, plan);
	} else if (strcmp(json_string_at(object_tree(service), "spec.type"), "ExternalName") == 0) {
		slices_plan_removal(view->cache, key, MANAGED_BY, any_slice, plan);
	}
	/* Without a selector, endpoints are somebody else's: what is there stays. */
}

static void keys_of_slice(const struct cache *cache, struct object *old, struct object *now,
			  struct key_sink *sink)
{
	slice_keys(old, now, MANAGED_BY, sink);
}

const struct controller controller_endpointslice = {
	.name = "endpoint-slice-controller",
	.sources = {
		{ &kind_service, source_self },
		{ &kind_pod, service_keys_of_pod },
		{ &kind_node, service_keys_of_node },
		{ &kind_endpoint_slice, keys_of_slice },
	},
	.incremental = true,
	.prepare = service_pods_prepare,
	.reconcile = reconcile,
};
