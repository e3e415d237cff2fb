/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node objects and their leases. All nodes are one key, so that two never cut the same pod network
 * out of the cluster's; what a Node object holds already stays. Conditions are set once each: who
 * patches a simulated node's Ready condition wants to see what follows.
 *
 * A lease is renewed every 10 seconds, on the wall clock's full tens, so that all nodes wake the
 * program once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/limits.h"
#include "client/cache.h"
#include "node/conditions.h"
#include "node/register.h"
#include "node/simulated_intern.h"
#include "object/kinds.h"
#include "json/json.h"

#define LEASES "kube-node-lease"

enum {
	LEASE_SECONDS = 40,
	RENEW_SECONDS = 10,
	HEARTBEAT_SECONDS = 300, /* of conditions; the lease is the heartbeat */
};

/* ---- names and addresses ---- */

void node_name(size_t index, char ret_name[NODE_NAME_TEXT])
{
	snprintf(ret_name, NODE_NAME_TEXT, "node%02zu", index + 1);
}

bool node_index(const struct simulated *simulated, struct str name, size_t *ret_index)
{
	char expected[NODE_NAME_TEXT];
	uint64_t number;

	if (!str_starts(name, STR("node")) ||
	    !str_to_u64(str_skip(name, 4), simulated->n_nodes, &number) || number == 0) {
		return false;
	}
	node_name((size_t)number - 1, expected);
	if (!str_is(name, expected)) {
		return false;
	}
	*ret_index = (size_t)number - 1;
	return true;
}

struct ip node_address(const struct simulated *simulated, size_t index, size_t family)
{
	return ip_network_at(&simulated->hosts[family], index + 1);
}

/* ---- pod networks ---- */

/* Whether the part is in some Node's spec, or planned for one. */
static bool is_cut(const struct cache *cache, const json_t *planned, const struct ip_network *part)
{
	struct ip_network other;
	const json_t *text;
	size_t i;

	json_array_foreach ((json_t *)planned, i, text) {
		if (ip_network_parse(str_from(json_string_value(text)), &other) &&
		    ip_network_overlaps(part, &other)) {
			return true;
		}
	}
	cache_for_each (node, cache, &kind_node, STR_NONE) {
		json_array_foreach (json_at(object_tree(node), "spec.podCIDRs"), i, text) {
			if (ip_network_parse(str_from(json_string_value(text)), &other) &&
			    ip_network_overlaps(part, &other)) {
				return true;
			}
		}
	}
	return false;
}

/* The node's own part if it is free, else the first free one; false: none is left. */
static bool cut_network(const struct view *view, const json_t *planned, size_t index, size_t family,
			struct ip_network *ret)
{
	const struct ip_network *all = &view_simulated(view)->pods[family];
	uint8_t bits = all->ip.n == 4 ? 24 : 64;
	uint64_t parts = ip_network_parts(all, bits);

	parts = parts < LIMIT_CACHE_OBJECTS ? parts : LIMIT_CACHE_OBJECTS;
	for (uint64_t i = 0; i < parts; i++) {
		*ret = ip_network_part(all, bits, (index + i) % parts);
		if (!is_cut(view->cache, planned, ret)) {
			return true;
		}
	}
	return false;
}

/* spec.podCIDRs for a node, also added to `planned`; NULL when nothing is left. */
static json_t *cut_networks(const struct view *view, json_t *planned, size_t index)
{
	json_t *cidrs = json_array();

	for (size_t i = 0; i < view_simulated(view)->n_families; i++) {
		struct ip_network part;
		char text[IP_NETWORK_TEXT];

		if (!cut_network(view, planned, index, i, &part)) {
			json_decref(cidrs);
			return NULL;
		}
		ip_network_text(&part, text);
		json_array_append_new(cidrs, json_string(text));
		json_array_append_new(planned, json_string(text));
	}
	return cidrs;
}

/* ---- the Node object ---- */

const char *node_architecture(void)
{
	static struct utsname system;
	static const char *const names[][2] = {
		{ "x86_64", "amd64" },    { "aarch64", "arm64" }, { "riscv64", "riscv64" },
		{ "ppc64le", "ppc64le" }, { "s390x", "s390x" },
	};

	uname(&system);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(system.machine, names[i][0]) == 0) {
			return names[i][1];
		}
	}
	return system.machine;
}

json_t *node_kubelet_version(const char *version)
{
	return json_sprintf("v1.35.0-headlessd.%s", version);
}

static json_t *node_info(const struct simulated *simulated, const char *name, const char *boot_id)
{
	struct utsname system;

	uname(&system);
	return json_pack("{ss ss ss ss ss so so ss ss ss}", "machineID", name, "systemUUID", name,
			 "bootID", boot_id[0] != '\0' ? boot_id : name, "kernelVersion",
			 system.release, "osImage", "headlessd (simulated)",
			 "containerRuntimeVersion",
			 json_sprintf("simulated://%s", simulated->version), "kubeletVersion",
			 node_kubelet_version(simulated->version), "kubeProxyVersion", "",
			 "operatingSystem", "linux", "architecture", node_architecture());
}

static json_t *resources(void)
{
	return json_pack("{ss ss ss ss}", "cpu", "32", "memory", "128Gi", "ephemeral-storage",
			 "512Gi", "pods", "110");
}

static const char *const conditions[][4] = {
	{ "MemoryPressure", "False", "KubeletHasSufficientMemory",
	  "kubelet has sufficient memory available" },
	{ "DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure" },
	{ "PIDPressure", "False", "KubeletHasSufficientPID",
	  "kubelet has sufficient PID available" },
	{ "Ready", "True", "KubeletReady", "kubelet is posting ready status" },
};

/* Those that stand, those that are missing, and every five minutes a new heartbeat in all. */
static json_t *node_conditions(const struct view *view, const json_t *before)
{
	json_t *list = before != NULL ? json_deep_copy(before) : json_array();
	char now[TIMESTAMP_TEXT];
	int64_t heartbeat = 0;
	json_t *condition;
	size_t i;

	timestamp_format(view->now / (int64_t)NS_PER_S, now);
	timestamp_parse(json_string_at(pod_condition_find(list, "Ready"), "lastHeartbeatTime"),
			&heartbeat);
	if (view->now - heartbeat >= HEARTBEAT_SECONDS * (int64_t)NS_PER_S) {
		json_array_foreach (list, i, condition) {
			json_object_set_new(condition, "lastHeartbeatTime", json_string(now));
		}
	}
	for (i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		if (pod_condition_find(list, conditions[i][0]) == NULL) {
			json_array_append_new(
				list, json_pack("{ss ss ss ss ss ss}", "type", conditions[i][0],
						"status", conditions[i][1], "lastHeartbeatTime",
						now, "lastTransitionTime", now, "reason",
						conditions[i][2], "message", conditions[i][3]));
		}
	}
	return list;
}

static json_t *node_addresses(const struct simulated *simulated, size_t index, const char *name)
{
	json_t *addresses = json_array();

	for (size_t i = 0; i < simulated->n_families; i++) {
		struct ip ip = node_address(simulated, index, i);
		char text[IP_TEXT];

		ip_text(&ip, text);
		json_array_append_new(addresses,
				      json_pack("{ss ss}", "type", "InternalIP", "address", text));
	}
	json_array_append_new(addresses, json_pack("{ss ss}", "type", "Hostname", "address", name));
	return addresses;
}

/* The status that the node should have; new reference. */
static json_t *node_status(const struct view *view, size_t index, const char *name,
			   const json_t *before)
{
	const struct simulated *simulated = view_simulated(view);
	json_t *status = before != NULL ? json_deep_copy(before) : json_object();

	if (json_object_get(status, "capacity") == NULL) {
		json_object_set_new(status, "capacity", resources());
	}
	if (json_object_get(status, "allocatable") == NULL) {
		json_object_set_new(status, "allocatable", resources());
	}
	json_object_set_new(status, "conditions",
			    node_conditions(view, json_object_get(before, "conditions")));
	json_object_set_new(status, "addresses", node_addresses(simulated, index, name));
	json_object_set_new(status, "nodeInfo",
			    node_info(simulated, name, json_string_at(before, "nodeInfo.bootID")));
	return status;
}

json_t *node_labels(const char *name)
{
	const char *arch = node_architecture();

	return json_pack("{ss ss ss ss ss}", "kubernetes.io/hostname", name, "kubernetes.io/os",
			 "linux", "kubernetes.io/arch", arch, "beta.kubernetes.io/os", "linux",
			 "beta.kubernetes.io/arch", arch);
}

static void plan_register(const struct view *view, size_t index, json_t *planned, struct plan *plan)
{
	char name[NODE_NAME_TEXT];
	json_t *cidrs = cut_networks(view, planned, index);
	json_t *spec;

	node_name(index, name);
	spec = json_pack("{so}", "providerID", json_sprintf("simulated://%s", name));
	if (cidrs != NULL) {
		json_object_set(spec, "podCIDR", json_array_get(cidrs, 0));
		json_object_set_new(spec, "podCIDRs", cidrs);
	}
	plan_create(plan, &kind_node, STR_NONE,
		    json_pack("{ss ss s{ss so} so so}", "apiVersion", "v1", "kind", "Node",
			      "metadata", "name", name, "labels", node_labels(name), "spec", spec,
			      "status", node_status(view, index, name, NULL)));
	plan_tolerate(plan, "AlreadyExists");
}

/* A node that somebody made without networks gets them. */
static void plan_networks(const struct view *view, struct object *node, size_t index,
			  json_t *planned, struct plan *plan)
{
	json_t *cidrs;

	if (json_array_size(json_at(object_tree(node), "spec.podCIDRs")) > 0) {
		return;
	}
	cidrs = cut_networks(view, planned, index);
	if (cidrs != NULL) {
		plan_patch(plan, &kind_node, STR_NONE, node->name, NULL,
			   json_pack("{s{ss} s{sO so}}", "metadata", "uid", object_uid(node),
				     "spec", "podCIDR", json_array_get(cidrs, 0), "podCIDRs",
				     cidrs));
	}
}

static void plan_status(const struct view *view, struct object *node, size_t index,
			struct plan *plan)
{
	const json_t *before = json_object_get(object_tree(node), "status");
	bool first = pod_condition_find(json_object_get(before, "conditions"), "Ready") == NULL;
	char name[NODE_NAME_TEXT];
	json_t *status;

	node_name(index, name);
	status = node_status(view, index, name, before);
	if (before != NULL && json_equal(before, status)) {
		json_decref(status);
		return;
	}
	plan_patch(plan, &kind_node, STR_NONE, node->name, "status",
		   json_pack("{s{ss} so}", "metadata", "uid", object_uid(node), "status", status));
	if (first) {
		plan_event(plan, node, "Normal", "NodeReady", "Node %s status is now: NodeReady",
			   name);
	}
}

static void reconcile_nodes(const struct view *view, struct str key, struct plan *plan)
{
	_cleanup_json_ json_t *planned = json_array();

	for (size_t i = 0; i < view_simulated(view)->n_nodes; i++) {
		char name[NODE_NAME_TEXT];
		struct object *node;

		node_name(i, name);
		node = cache_get(view->cache, &kind_node, STR_NONE, str_from(name));
		if (node == NULL) {
			plan_register(view, i, planned, plan);
		} else if (!object_is_deleting(node)) {
			plan_networks(view, node, i, planned, plan);
			plan_status(view, node, i, plan);
		}
	}
	plan_requeue(plan, HEARTBEAT_SECONDS * NS_PER_S);
}

static void keys_all_nodes(const struct cache *cache, struct object *old, struct object *now,
			   struct key_sink *sink)
{
	key_sink_add(sink, STR(SIMULATED_KEY));
}

static const char *host_of_node(struct object *about)
{
	return json_string_at(object_tree(about), "metadata.name");
}

const struct controller controller_simulated_nodes = {
	.name = "kubelet",
	.sources = { { &kind_node, keys_all_nodes } },
	.reconcile = reconcile_nodes,
	.event_host = host_of_node,
};

/* ---- leases ---- */

static void plan_renewal(const struct view *view, struct object *node, struct plan *plan)
{
	struct object *lease = cache_get(view->cache, &kind_lease, STR(LEASES), node->name);
	char now[TIMESTAMP_TEXT];
	const char *renewed;
	int64_t last = 0;

	timestamp_format_micro(view->now, now);
	if (lease == NULL) {
		plan_create(plan, &kind_lease, STR(LEASES),
			    json_pack("{ss ss s{ss% ss s[{ss ss ss% ss}]} s{ss% si ss}}",
				      "apiVersion", "coordination.k8s.io/v1", "kind", "Lease",
				      "metadata", "name", node->name.p, node->name.n, "namespace",
				      LEASES, "ownerReferences", "apiVersion", "v1", "kind", "Node",
				      "name", node->name.p, node->name.n, "uid", object_uid(node),
				      "spec", "holderIdentity", node->name.p, node->name.n,
				      "leaseDurationSeconds", LEASE_SECONDS, "renewTime", now));
		plan_tolerate(plan, "AlreadyExists");
		return;
	}
	renewed = json_string_at(object_tree(lease), "spec.renewTime");
	if (timestamp_parse(renewed, &last) == 0 && last <= view->now &&
	    view->now - last < (RENEW_SECONDS - 1) * (int64_t)NS_PER_S) {
		return;
	}
	plan_patch(plan, &kind_lease, STR(LEASES), node->name, NULL,
		   json_pack("{s{ss% si ss}}", "spec", "holderIdentity", node->name.p, node->name.n,
			     "leaseDurationSeconds", LEASE_SECONDS, "renewTime", now));
}

void node_plan_lease(const struct view *view, struct object *node, struct plan *plan)
{
	const int64_t period = RENEW_SECONDS * (int64_t)NS_PER_S;

	plan_renewal(view, node, plan);
	plan_requeue(plan, (uint64_t)(period - view->now % period));
}

static void reconcile_lease(const struct view *view, struct str key, struct plan *plan)
{
	struct object *node = cache_get(view->cache, &kind_node, STR_NONE, key);
	size_t index;

	if (node == NULL || object_is_deleting(node) ||
	    !node_index(view_simulated(view), key, &index)) {
		return;
	}
	node_plan_lease(view, node, plan);
}

/* Only that a node is there or goes matters to its lease. */
static void keys_of_node(const struct cache *cache, struct object *old, struct object *now,
			 struct key_sink *sink)
{
	if (old == NULL || now == NULL || strcmp(object_uid(old), object_uid(now)) != 0) {
		source_self(cache, old, now, sink);
	}
}

const struct controller controller_simulated_leases = {
	.name = "kubelet",
	.sources = { { &kind_node, keys_of_node } },
	.also = { &kind_lease },
	.reconcile = reconcile_lease,
};
