/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "object/kinds/pod_rules.h"
#include "object/kinds/rules.h"
#include "json/json.h"

/*
 * Some defaults are for pods and not for templates, so that a template stays as short as its author
 * wrote it. Others (service account, priority, the patience with a lost node) are those that a
 * cluster's admission gives each new pod.
 */

/* A limit without a request asks for what it may use. */
static void complete_requests(json_t *containers)
{
	size_t i;
	json_t *container;

	json_array_foreach (containers, i, container) {
		json_t *limits = json_at(container, "resources.limits");
		const char *key;
		json_t *limit;

		json_object_foreach (limits, key, limit) {
			json_t *requests = json_at(container, "resources.requests");

			if (requests == NULL) {
				requests = json_object();
				json_put(container, "resources.requests", requests);
			}
			if (json_object_get(requests, key) == NULL) {
				json_object_set(requests, key, limit);
			}
		}
	}
}

/* On the node's own network a port is the node's port. */
static void complete_host_ports(json_t *containers)
{
	size_t i, j;
	json_t *container, *port;

	json_array_foreach (containers, i, container) {
		json_array_foreach (json_object_get(container, "ports"), j, port) {
			json_t *number = json_object_get(port, "containerPort");

			if (number != NULL && json_int_at(port, "hostPort", 0) == 0) {
				json_object_set(port, "hostPort", number);
			}
		}
	}
}

/*
 * podIP is the first of podIPs. Who writes the one alone, or another one, means the list as well.
 */
static void complete_addresses(json_t *pod)
{
	const char *one = json_string_at(pod, "status.podIP");
	const json_t *first = json_array_get(json_at(pod, "status.podIPs"), 0);
	const char *listed = json_string_at(first, "ip");

	if (one[0] == '\0' && listed[0] != '\0') {
		json_put(pod, "status.podIP", json_string(listed));
	} else if (one[0] != '\0' && strcmp(one, listed) != 0) {
		json_put(pod, "status.podIPs", json_pack("[{s:s}]", "ip", one));
	}
}

void pod_complete(json_t *pod)
{
	complete_addresses(pod);
	if (!json_is_object(json_object_get(pod, "spec"))) {
		return;
	}
	complete_requests(json_at(pod, "spec.containers"));
	complete_requests(json_at(pod, "spec.initContainers"));
	if (json_at(pod, "spec.enableServiceLinks") == NULL) {
		json_put(pod, "spec.enableServiceLinks", json_true());
	}
	if (json_bool_at(pod, "spec.hostNetwork", false)) {
		complete_host_ports(json_at(pod, "spec.containers"));
		complete_host_ports(json_at(pod, "spec.initContainers"));
	}
}

/* ---- quality of service: who is evicted first ---- */

static bool has_amount(const json_t *container, const char *path)
{
	const char *amount = json_string_at(container, path);

	return amount[0] != '\0' && strcmp(amount, "0") != 0;
}

static bool is_guaranteed(const json_t *container)
{
	const json_t *limits = json_at(container, "resources.limits");
	const json_t *requests = json_at(container, "resources.requests");
	static const char *const resources[] = { "cpu", "memory" };

	for (size_t i = 0; i < 2; i++) {
		const json_t *limit = json_object_get(limits, resources[i]);
		const json_t *request = json_object_get(requests, resources[i]);

		if (limit == NULL || (request != NULL && !json_equal(limit, request))) {
			return false;
		}
	}
	return true;
}

static const char *quality(const json_t *pod)
{
	static const char *const lists[] = { "spec.containers", "spec.initContainers" };
	bool guaranteed = true;
	bool best_effort = true;

	for (size_t l = 0; l < 2; l++) {
		size_t i;
		json_t *container;

		json_array_foreach (json_at(pod, lists[l]), i, container) {
			guaranteed = guaranteed && is_guaranteed(container);
			best_effort = best_effort &&
				      !has_amount(container, "resources.limits.cpu") &&
				      !has_amount(container, "resources.limits.memory") &&
				      !has_amount(container, "resources.requests.cpu") &&
				      !has_amount(container, "resources.requests.memory");
		}
	}
	return best_effort ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

/* ---- creation ---- */

/* A pod stays on a node that is lost for five minutes, unless it says otherwise. */
static void tolerate(json_t *pod, const char *taint)
{
	json_t *list = json_at(pod, "spec.tolerations");
	size_t i;
	json_t *toleration;

	json_array_foreach (list, i, toleration) {
		const char *key = json_string_at(toleration, "key");
		const char *effect = json_string_at(toleration, "effect");

		if ((key[0] == '\0' || strcmp(key, taint) == 0) &&
		    (effect[0] == '\0' || strcmp(effect, "NoExecute") == 0)) {
			return;
		}
	}
	if (!json_is_array(list)) {
		list = json_array();
		json_put(pod, "spec.tolerations", list);
	}
	json_array_append_new(list,
			      json_pack("{s:s, s:s, s:s, s:i}", "effect", "NoExecute", "key", taint,
					"operator", "Exists", "tolerationSeconds", 300));
}

void pod_create(json_t *pod)
{
	json_put(pod, "status",
		 json_pack("{s:s, s:s}", "phase", "Pending", "qosClass", quality(pod)));
	if (!json_is_object(json_object_get(pod, "spec"))) {
		return;
	}
	if (json_string_at(pod, "spec.serviceAccountName")[0] == '\0' &&
	    json_string_at(pod, "spec.serviceAccount")[0] == '\0') {
		json_put(pod, "spec.serviceAccountName", json_string("default"));
	}
	if (json_at(pod, "spec.priority") == NULL) {
		json_put(pod, "spec.priority", json_integer(0));
	}
	if (json_at(pod, "spec.preemptionPolicy") == NULL) {
		json_put(pod, "spec.preemptionPolicy", json_string("PreemptLowerPriority"));
	}
	tolerate(pod, "node.kubernetes.io/not-ready");
	tolerate(pod, "node.kubernetes.io/unreachable");
}

/* What creation filled in may be left out of a replacement. */
void pod_update(json_t *pod, const json_t *old)
{
	static const char *const given[] = {
		"spec.nodeName", "spec.serviceAccountName", "spec.serviceAccount",
		"spec.priority", "spec.preemptionPolicy",   "spec.tolerations",
	};

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		const json_t *value = json_at(old, given[i]);

		if (value != NULL && json_at(pod, given[i]) == NULL) {
			json_put(pod, given[i], json_deep_copy(value));
		}
	}
}
