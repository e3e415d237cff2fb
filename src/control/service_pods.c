/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A selector is a conjunction, so every pod that a service selects carries any one of its terms. A
 * service is therefore found under the term with the smallest key, and its pods are among those
 * under that label; both index keys are "namespace/label=value".
 */
#include "control/service_pods.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "client/cache.h"
#include "control/pod_state.h"
#include "control/status.h"
#include "object/kinds.h"
#include "object/selector.h"
#include "json/json.h"

#define PODS_BY_LABEL "label"
#define SERVICES_BY_TERM "selector-term"

/* ---- indexes ---- */

static void label_key(struct buffer *key, struct str space, const char *label, const char *value)
{
	buffer_clear(key);
	buffer_append_str(key, space);
	buffer_append_char(key, '/');
	buffer_append_text(key, label);
	buffer_append_char(key, '=');
	buffer_append_text(key, value != NULL ? value : "");
}

static void pod_index_keys(struct object *pod, struct cache_index_keys *keys)
{
	struct buffer key _cleanup_buffer_ = BUFFER_INIT(LIMIT_CACHE_KEY);
	const char *label;
	json_t *value;

	json_object_foreach (json_at(object_tree(pod), "metadata.labels"), label, value) {
		label_key(&key, pod->space, label, json_string_value(value));
		cache_index_key(keys, buffer_str(&key));
	}
}

static json_t *selector_of(struct object *service)
{
	return json_at(object_tree(service), "spec.selector");
}

/* The term that a service is found under; false when it selects nothing. */
static bool service_term(struct object *service, struct buffer *key)
{
	const char *smallest = NULL;
	const char *label;
	json_t *value;

	if (!service_selects(service)) {
		return false;
	}
	json_object_foreach (selector_of(service), label, value) {
		smallest = smallest == NULL || strcmp(label, smallest) < 0 ? label : smallest;
	}
	label_key(key, service->space, smallest,
		  json_string_value(json_object_get(selector_of(service), smallest)));
	return true;
}

static void service_index_keys(struct object *service, struct cache_index_keys *keys)
{
	struct buffer key _cleanup_buffer_ = BUFFER_INIT(LIMIT_CACHE_KEY);

	if (service_term(service, &key)) {
		cache_index_key(keys, buffer_str(&key));
	}
}

void service_pods_prepare(struct cache *cache)
{
	cache_index(cache, &kind_pod, PODS_BY_LABEL, pod_index_keys);
	cache_index(cache, &kind_service, SERVICES_BY_TERM, service_index_keys);
}

/* ---- services and pods ---- */

bool service_selects(struct object *service)
{
	return json_object_size(selector_of(service)) > 0 &&
	       strcmp(json_string_at(object_tree(service), "spec.type"), "ExternalName") != 0;
}

bool service_is_headless(struct object *service)
{
	const char *address = json_string_at(object_tree(service), "spec.clusterIP");

	return address[0] == '\0' || strcmp(address, "None") == 0;
}

void service_pods(const struct cache *cache, struct object *service, struct object_list *ret)
{
	struct buffer key _cleanup_buffer_ = BUFFER_INIT(LIMIT_CACHE_KEY);
	struct selector *selector;

	if (!service_term(service, &key)) {
		return;
	}
	selector = selector_from_map(selector_of(service));
	cache_for_index (pod, cache, &kind_pod, PODS_BY_LABEL, buffer_str(&key)) {
		if (selector_matches_object(selector, pod)) {
			object_list_add(ret, pod);
		}
	}
	selector_free(selector);
}

bool service_takes_pod(struct object *service, struct object *pod)
{
	struct selector *selector;
	bool matches;

	if (!service_selects(service) || !str_eq(service->space, pod->space)) {
		return false;
	}
	selector = selector_from_map(selector_of(service));
	matches = selector_matches_object(selector, pod);
	selector_free(selector);
	return matches;
}

static void add_services_of(const struct cache *cache, struct object *pod, struct key_sink *sink)
{
	struct buffer key _cleanup_buffer_ = BUFFER_INIT(LIMIT_CACHE_KEY);
	const char *label;
	json_t *value;

	json_object_foreach (json_at(object_tree(pod), "metadata.labels"), label, value) {
		label_key(&key, pod->space, label, json_string_value(value));
		cache_for_index (service, cache, &kind_service, SERVICES_BY_TERM,
				 buffer_str(&key)) {
			struct selector *selector = selector_from_map(selector_of(service));

			if (selector_matches_object(selector, pod)) {
				key_sink_add_name(sink, service->space, service->name);
			}
			selector_free(selector);
		}
	}
}

static bool same_at(struct object *a, struct object *b, const char *path)
{
	const json_t *x = json_at(object_tree(a), path);
	const json_t *y = json_at(object_tree(b), path);

	return x == y || (x != NULL && y != NULL && json_equal(x, y));
}

/* Whether an endpoint made of `b` may differ from one made of `a`. */
static bool endpoint_changed(struct object *a, struct object *b)
{
	return strcmp(object_uid(a), object_uid(b)) != 0 ||
	       object_is_deleting(a) != object_is_deleting(b) ||
	       pod_is_ready(a) != pod_is_ready(b) || pod_is_finished(a) != pod_is_finished(b) ||
	       !same_at(a, b, "status.podIPs") || !same_at(a, b, "status.podIP") ||
	       !same_at(a, b, "spec.nodeName") || !same_at(a, b, "spec.hostname") ||
	       !same_at(a, b, "spec.subdomain");
}

void service_keys_of_pod(const struct cache *cache, struct object *old, struct object *now,
			 struct key_sink *sink)
{
	bool relabelled = old != NULL && now != NULL && !same_at(old, now, "metadata.labels");

	if (old != NULL && now != NULL && !relabelled && !endpoint_changed(old, now)) {
		return;
	}
	if (now != NULL) {
		add_services_of(cache, now, sink);
	}
	if (old != NULL && (now == NULL || relabelled)) {
		add_services_of(cache, old, sink);
	}
}

void service_keys_of_node(const struct cache *cache, struct object *old, struct object *now,
			  struct key_sink *sink)
{
	const char *before = old != NULL ? object_label(old, "topology.kubernetes.io/zone") : "";
	const char *after = now != NULL ? object_label(now, "topology.kubernetes.io/zone") : "";
	struct object *node = now != NULL ? now : old;

	if (strcmp(before, after) == 0) {
		return;
	}
	cache_for_index (pod, cache, &kind_pod, CACHE_PODS_BY_NODE, node->name) {
		add_services_of(cache, pod, sink);
	}
}

/* ---- a pod as an endpoint ---- */

bool pod_is_endpoint(struct object *pod, bool terminating)
{
	struct ip ip;

	return !pod_is_finished(pod) && (terminating || !object_is_deleting(pod)) &&
	       pod_address(pod, 0, &ip);
}

bool pod_address(struct object *pod, uint8_t n, struct ip *ret)
{
	const struct pod_facts *facts = pod_facts(pod);

	for (size_t i = 0; i < facts->n_ips; i++) {
		if (n == 0 || facts->ips[i].n == n) {
			*ret = facts->ips[i];
			return true;
		}
	}
	return false;
}

const char *pod_hostname(struct object *pod, struct object *service)
{
	const struct pod_facts *facts = pod_facts(pod);

	return str_is(service->name, facts->text[POD_SUBDOMAIN]) ? facts->text[POD_HOSTNAME] : "";
}

static const char *protocol_of(const json_t *port)
{
	const char *protocol = json_string_at(port, "protocol");

	return protocol[0] != '\0' ? protocol : "TCP";
}

/* The number of a named port among containers; 0 when none has it. */
static int64_t named_port(const json_t *containers, bool sidecars_only, const char *name,
			  const char *protocol)
{
	const json_t *container, *port;
	size_t i, j;

	json_array_foreach ((json_t *)containers, i, container) {
		if (sidecars_only &&
		    strcmp(json_string_at(container, "restartPolicy"), "Always") != 0) {
			continue;
		}
		json_array_foreach (json_object_get(container, "ports"), j, port) {
			if (strcmp(json_string_at(port, "name"), name) == 0 &&
			    strcmp(protocol_of(port), protocol) == 0) {
				return json_int_at(port, "containerPort", 0);
			}
		}
	}
	return 0;
}

static int64_t target_port(struct object *object, const json_t *port)
{
	const json_t *target = json_object_get(port, "targetPort");
	const char *protocol = protocol_of(port);
	int64_t number;

	if (!json_is_string(target)) {
		number = json_integer_value(target);
		return number > 0 ? number : json_int_at(port, "port", 0);
	}
	const json_t *pod = object_tree(object);

	number = named_port(json_at(pod, "spec.containers"), /* sidecars_only= */ false,
			    json_string_value(target), protocol);
	return number != 0
		       ? number
		       : named_port(json_at(pod, "spec.initContainers"),
				    /* sidecars_only= */ true, json_string_value(target), protocol);
}

static int compare_ports(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a;
	const json_t *y = *(json_t *const *)b;
	int order = strcmp(json_string_at(x, "name"), json_string_at(y, "name"));
	int64_t difference = json_int_at(x, "port", 0) - json_int_at(y, "port", 0);

	if (order == 0 && difference != 0) {
		order = difference < 0 ? -1 : 1;
	}
	return order != 0 ? order : strcmp(protocol_of(x), protocol_of(y));
}

static json_t *sorted_ports(json_t *ports)
{
	size_t n = json_array_size(ports);
	json_t **items = mem_alloc_array(n + 1, sizeof(json_t *));
	json_t *sorted = json_array();

	for (size_t i = 0; i < n; i++) {
		items[i] = json_array_get(ports, i);
	}
	qsort(items, n, sizeof(json_t *), compare_ports);
	for (size_t i = 0; i < n; i++) {
		json_array_append(sorted, items[i]);
	}
	mem_free(items);
	json_decref(ports);
	return sorted;
}

json_t *pod_ports(struct object *pod, struct object *service)
{
	json_t *ports = json_array();
	const json_t *port;
	size_t i;

	json_array_foreach (json_at(object_tree(service), "spec.ports"), i, port) {
		int64_t number = target_port(pod, port);
		json_t *resolved;

		if (number == 0) {
			continue;
		}
		/* An unnamed port needs its empty name: kubectl describe reads it unasked. */
		resolved = json_pack("{ss sI ss}", "name", json_string_at(port, "name"), "port",
				     (json_int_t)number, "protocol", protocol_of(port));
		if (json_object_get(port, "appProtocol") != NULL) {
			json_object_set(resolved, "appProtocol",
					json_object_get(port, "appProtocol"));
		}
		json_array_append_new(ports, resolved);
	}
	return sorted_ports(ports);
}

json_t *service_pod_ports(struct object *service)
{
	const json_t *port;
	size_t i;

	json_array_foreach (json_at(object_tree(service), "spec.ports"), i, port) {
		if (json_is_string(json_object_get(port, "targetPort"))) {
			return NULL;
		}
	}
	return pod_ports(NULL, service);
}

json_t *pod_reference(struct object *pod)
{
	return json_pack("{ss ss% ss% ss}", "kind", "Pod", "namespace", pod->space.p, pod->space.n,
			 "name", pod->name.p, pod->name.n, "uid", object_uid(pod));
}

const char *pod_ready_changed(struct object *pod)
{
	return pod_facts(pod)->text[POD_READY_CHANGED];
}
