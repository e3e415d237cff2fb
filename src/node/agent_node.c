/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Node object and its lease, as two controllers. The status is written when it says something
 * new, and every five minutes so that one can see when it was looked at; the lease is the sign of
 * life.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "client/cache.h"
#include "client/reconcile.h"
#include "client/runner.h"
#include "node/agent_intern.h"
#include "node/conditions.h"
#include "node/machine.h"
#include "node/register.h"
#include "object/kinds.h"
#include "json/json.h"
#include "json/patch.h"

enum { HEARTBEAT_SECONDS = 300, LOOK_SECONDS = 10, COMING_SECONDS = 30 };

static const struct agent *view_agent(const struct view *view)
{
	return view->settings;
}

static const char *name_of(const struct agent *agent)
{
	return agent->config.node->node_name;
}

/* ---- conditions ---- */

struct wanted {
	const char *type;
	bool status;
	const char *reason;
	const char *message;
};

static struct wanted ready_condition(const struct agent *agent)
{
	struct wanted ready = { "Ready", false, "KubeletNotReady", "" };

	if (!agent->connected || !agent->runtime_ready) {
		ready.message = "container runtime is down";
	} else if (!agent->network_ready) {
		ready.message = "container runtime network not ready: NetworkReady=false: the pod "
				"network of this node is not set up yet";
	} else if (!agent_is_ready(agent)) {
		ready.message = "what runs on this node is being looked at";
	} else {
		ready = (struct wanted){ "Ready", true, "KubeletReady",
					 "kubelet is posting ready status" };
	}
	return ready;
}

static struct wanted pressure(bool is, const char *type, const char *yes, const char *no,
			      const char *yes_text, const char *no_text)
{
	return (struct wanted){ type, is, is ? yes : no, is ? yes_text : no_text };
}

static bool is_coming(const struct view *view)
{
	const struct agent *agent = view_agent(view);

	return !agent->told_ready &&
	       view->now - agent->started_at < COMING_SECONDS * (int64_t)NS_PER_S;
}

static void set_conditions(const struct view *view, json_t *conditions)
{
	const struct agent *agent = view_agent(view);
	const char *directory = agent->config.node->data_dir;
	const struct wanted all[] = {
		pressure(machine_is_short_of_memory(), "MemoryPressure",
			 "KubeletHasInsufficientMemory", "KubeletHasSufficientMemory",
			 "kubelet has insufficient memory available",
			 "kubelet has sufficient memory available"),
		pressure(machine_is_short_of_disk(directory), "DiskPressure",
			 "KubeletHasDiskPressure", "KubeletHasNoDiskPressure",
			 "kubelet has disk pressure", "kubelet has no disk pressure"),
		pressure(machine_is_short_of_pids(), "PIDPressure", "KubeletHasInsufficientPID",
			 "KubeletHasSufficientPID", "kubelet has insufficient PID available",
			 "kubelet has sufficient PID available"),
		ready_condition(agent),
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		/* An agent that has just come back must first look: that is not bad news. */
		if (strcmp(all[i].type, "Ready") == 0 && !all[i].status && is_coming(view) &&
		    pod_condition_is_true(conditions, "Ready")) {
			continue;
		}
		pod_condition_set(conditions, view->now, all[i].type, all[i].status, all[i].reason,
				  all[i].message);
	}
}

static bool heartbeat_is_due(const struct view *view, const json_t *before)
{
	int64_t last = 0;

	timestamp_parse(json_string_at(pod_condition_find(json_object_get(before, "conditions"),
							  "Ready"),
				       "lastHeartbeatTime"),
			&last);
	return view->now - last >= HEARTBEAT_SECONDS * (int64_t)NS_PER_S;
}

static void beat(const struct view *view, json_t *conditions)
{
	char now[TIMESTAMP_TEXT];
	json_t *condition;
	size_t i;

	timestamp_format(view->now / (int64_t)NS_PER_S, now);
	json_array_foreach (conditions, i, condition) {
		json_object_set_new(condition, "lastHeartbeatTime", json_string(now));
	}
}

/* ---- the whole status ---- */

static json_t *addresses(const struct agent *agent)
{
	json_t *list = json_array();

	for (size_t i = 0; agent->config.node->node_ips[i] != NULL; i++) {
		json_array_append_new(list, json_pack("{ss ss}", "type", "InternalIP", "address",
						      agent->config.node->node_ips[i]));
	}
	json_array_append_new(list,
			      json_pack("{ss ss}", "type", "Hostname", "address", name_of(agent)));
	return list;
}

static json_t *node_info(const struct agent *agent)
{
	json_t *info = machine_info();

	json_object_set_new(info, "containerRuntimeVersion",
			    json_string(agent->runtime_version[0] != '\0' ? agent->runtime_version
									  : "containerd://"));
	json_object_set_new(info, "kubeletVersion", node_kubelet_version(agent->config.version));
	json_object_set_new(info, "kubeProxyVersion", json_string(""));
	return info;
}

static json_t *node_status(const struct view *view, const json_t *before)
{
	const struct agent *agent = view_agent(view);
	const json_t *stands = json_object_get(before, "conditions");
	json_t *conditions = stands != NULL ? json_deep_copy(stands) : json_array();
	const char *directory = agent->config.node->data_dir;
	json_t *status;

	set_conditions(view, conditions);
	status = json_pack("{so so so so so}", "capacity", machine_capacity(directory),
			   "allocatable", machine_allocatable(directory), "conditions", conditions,
			   "addresses", addresses(agent), "nodeInfo", node_info(agent));
	if (agent->config.kubelet_port != 0) {
		json_object_set_new(status, "daemonEndpoints",
				    json_pack("{s{si}}", "kubeletEndpoint", "Port",
					      (int)agent->config.kubelet_port));
	}
	if (pod_status_differs(before, status) || heartbeat_is_due(view, before) ||
	    (!agent->told_ready && agent_is_ready(agent))) {
		beat(view, conditions);
	}
	return status;
}

/* ---- the controllers ---- */

static void plan_register(const struct view *view, struct plan *plan)
{
	const struct agent *agent = view_agent(view);
	const char *name = name_of(agent);
	json_t *spec = json_object();
	json_t *cidrs = json_array();

	for (size_t i = 0; agent->config.pod_cidrs[i] != NULL; i++) {
		json_array_append_new(cidrs, json_string(agent->config.pod_cidrs[i]));
	}
	if (json_array_size(cidrs) > 0) {
		json_object_set(spec, "podCIDR", json_array_get(cidrs, 0));
		json_object_set(spec, "podCIDRs", cidrs);
	}
	json_decref(cidrs);
	plan_create(plan, &kind_node, STR_NONE,
		    json_pack("{ss ss s{ss so} so so}", "apiVersion", "v1", "kind", "Node",
			      "metadata", "name", name, "labels", node_labels(name), "spec", spec,
			      "status", node_status(view, NULL)));
	plan_tolerate(plan, "AlreadyExists");
}

/* What a kubelet labels itself with comes back when somebody has taken it away. */
static void plan_labels(struct object *node, const char *name, struct plan *plan)
{
	const json_t *before = json_at(object_tree(node), "metadata.labels");
	json_t *labels = node_labels(name);

	if (pod_status_differs(before, labels)) {
		plan_patch(plan, &kind_node, STR_NONE, node->name, NULL,
			   json_pack("{s{ss so}}", "metadata", "uid", object_uid(node), "labels",
				     labels));
	} else {
		json_decref(labels);
	}
}

static void plan_status(const struct view *view, struct object *node, struct plan *plan)
{
	const json_t *before = json_object_get(object_tree(node), "status");
	bool was_ready = pod_condition_is_true(json_object_get(before, "conditions"), "Ready");
	json_t *status = node_status(view, before);
	bool ready = pod_condition_is_true(json_object_get(status, "conditions"), "Ready");

	if (!pod_status_differs(before, status)) {
		json_decref(status);
		return;
	}
	plan_patch(plan, &kind_node, STR_NONE, node->name, "status",
		   json_pack("{s{ss} so}", "metadata", "uid", object_uid(node), "status", status));
	if (ready != was_ready) {
		const char *what = ready ? "NodeReady" : "NodeNotReady";

		plan_event(plan, node, "Normal", what, "Node %.*s status is now: %s",
			   STR_ARG(node->name), what);
	}
}

static void reconcile_node(const struct view *view, struct str key, struct plan *plan)
{
	struct object *node = cache_get(view->cache, &kind_node, STR_NONE, key);
	const int64_t period = LOOK_SECONDS * (int64_t)NS_PER_S;

	if (!str_is(key, name_of(view_agent(view)))) {
		return; /* another machine */
	}
	if (node == NULL) {
		plan_register(view, plan);
	} else if (!object_is_deleting(node)) {
		plan_labels(node, name_of(view_agent(view)), plan);
		plan_status(view, node, plan);
	}
	/* With the lease, in one wake-up. */
	plan_requeue(plan, (uint64_t)(period - view->now % period));
}

static const char *host_of_node(struct object *about)
{
	return json_string_at(object_tree(about), "metadata.name");
}

static const struct controller controller_node = {
	.name = "kubelet",
	.sources = { { &kind_node, source_self } },
	.reconcile = reconcile_node,
	.event_host = host_of_node,
};

static void reconcile_lease(const struct view *view, struct str key, struct plan *plan)
{
	struct object *node = cache_get(view->cache, &kind_node, STR_NONE, key);

	if (node != NULL && !object_is_deleting(node) && str_is(key, name_of(view_agent(view)))) {
		node_plan_lease(view, node, plan);
	}
}

/* Only that it is there matters to the lease. */
static void keys_of_lease(const struct cache *cache, struct object *old, struct object *now,
			  struct key_sink *sink)
{
	if (old == NULL || now == NULL || strcmp(object_uid(old), object_uid(now)) != 0) {
		source_self(cache, old, now, sink);
	}
}

static const struct controller controller_lease = {
	.name = "kubelet",
	.sources = { { &kind_node, keys_of_lease } },
	.also = { &kind_lease },
	.reconcile = reconcile_lease,
};

/* ---- what follows from the Node ---- */

static void tell_network(struct agent *agent, struct object *node)
{
	const json_t *cidrs = json_at(object_tree(node), "spec.podCIDRs");
	const char *texts[3] = { NULL };

	for (size_t i = 0; i < 2 && i < json_array_size(cidrs); i++) {
		texts[i] = json_string_value(json_array_get(cidrs, i));
	}
	if (texts[0] != NULL && agent->config.network != NULL) {
		agent->config.network(agent->config.userdata, texts);
	}
}

static void node_changed(void *userdata, struct object *old, struct object *now)
{
	struct agent *agent = userdata;

	if (now == NULL || !str_is(now->name, name_of(agent))) {
		return;
	}
	if (old == NULL || !json_equal(json_at(object_tree(old), "spec.podCIDRs"),
				       json_at(object_tree(now), "spec.podCIDRs"))) {
		tell_network(agent, now);
	}
	if (!agent->told_ready && agent_is_ready(agent) &&
	    pod_condition_is_true(json_at(object_tree(now), "status.conditions"), "Ready")) {
		agent->told_ready = true;
		if (agent->config.ready != NULL) {
			agent->config.ready(agent->config.userdata);
		}
	}
}

void agent_node_add(struct agent *agent)
{
	char *only = mem_printf("metadata.name=%s", name_of(agent));

	cache_select(agent->config.cache, &kind_lease, only);
	mem_free(only);
	runner_add(agent->runner, &controller_node, agent);
	runner_add(agent->runner, &controller_lease, agent);
	runner_queue(agent->runner, &controller_node, str_from(name_of(agent)));
	cache_subscribe(agent->config.cache, &kind_node, node_changed, agent);
}

void agent_node_changed(struct agent *agent)
{
	runner_queue(agent->runner, &controller_node, str_from(name_of(agent)));
}
