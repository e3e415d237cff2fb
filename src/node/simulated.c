/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pods of a node are one key: the node's name. What happens to a pod next is read from its
 * object alone (pod_next), and a table says how each step is planned. Steps of different pods are
 * independent requests of one plan, so they share commits of the store; a step that fails because
 * its pod went or changed meanwhile stops nothing, the change brings the key back.
 *
 * Simulated containers never exit by themselves and stop at once when they are told to, unless a
 * preStop sleep asks for time.
 */
#include "node/simulated.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/cache.h"
#include "client/runner.h"
#include "node/simulated_intern.h"
#include "object/kinds.h"
#include "json/json.h"

/* ---- the steps of a pod ---- */

enum step {
	STEP_NONE,
	STEP_START, /* bound, without an address: gets one and runs */
	STEP_REJECT, /* the same, but a port of the node that it asks for is taken */
	STEP_READDRESS, /* has an address that an older pod has, too */
	STEP_GATES, /* its readiness gates ask for another readiness */
	STEP_EXPIRE, /* ran longer than activeDeadlineSeconds */
	STEP_STOP, /* being deleted, and its time is over: goes */
	STEP_END, /* the same, but finalizers keep the object: its containers have ended */
};

/* What a step is planned from. */
struct pod_plan {
	const struct view *view;
	struct plan *plan;
	struct pod_ips ips;
	size_t node;
};

static int64_t longest_sleep(const json_t *containers)
{
	const json_t *container;
	int64_t longest = 0;
	size_t i;

	json_array_foreach ((json_t *)containers, i, container) {
		int64_t seconds = json_int_at(container, "lifecycle.preStop.sleep.seconds", 0);

		longest = seconds > longest ? seconds : longest;
	}
	return longest;
}

/*
 * How long containers take to stop, counted from the whole second in which the deletion was asked
 * for (the only one that the object keeps): between a quarter of a second and 1.25 s. Not nothing,
 * because `kubectl delete` waits in two steps, a look and then a watch, and would wait for ever for
 * a pod that its StatefulSet had replaced under the same name in between.
 */
#define STOP_NS (NS_PER_S * 5 / 4)

/* When a pod that is being deleted has stopped, ns since 1970. */
static int64_t stop_time(struct object *pod)
{
	const json_t *tree = object_tree(pod);
	int64_t grace = json_int_at(tree, "metadata.deletionGracePeriodSeconds", 0);
	int64_t limit = (grace < INT32_MAX ? grace : INT32_MAX) * (int64_t)NS_PER_S;
	int64_t takes = 0;
	int64_t until = 0;

	if (pod_has_address(pod) && !pod_has_ended(pod)) {
		int64_t sleep = longest_sleep(json_at(tree, "spec.containers"));

		takes = (sleep < INT32_MAX ? sleep : INT32_MAX) * (int64_t)NS_PER_S +
			(int64_t)STOP_NS;
	}
	/* The timestamp is the end of the grace period. */
	timestamp_parse(json_string_at(tree, "metadata.deletionTimestamp"), &until);
	return until - limit + (takes < limit ? takes : limit);
}

/* When its activeDeadlineSeconds are over; INT64_MAX: never. */
static int64_t deadline(struct object *pod)
{
	int64_t seconds = json_int_at(object_tree(pod), "spec.activeDeadlineSeconds", 0);
	int64_t started = pod_start_time(pod);

	return seconds > 0 && started > 0 && seconds < INT32_MAX
		       ? started + seconds * (int64_t)NS_PER_S
		       : INT64_MAX;
}

static enum step next_of_deleted(const struct view *view, struct object *pod, int64_t *ret_at)
{
	const json_t *tree = object_tree(pod);

	if (json_int_at(tree, "metadata.deletionGracePeriodSeconds", 0) == 0) {
		/* It is only its finalizers that keep it. */
		return pod_has_address(pod) && !pod_has_ended(pod) ? STEP_END : STEP_NONE;
	}
	if (stop_time(pod) > view->now) {
		*ret_at = stop_time(pod);
		return STEP_NONE;
	}
	return STEP_STOP;
}

/* What is to be done with a pod now; with STEP_NONE, when to look again (INT64_MAX: no need). */
static enum step pod_next(const struct view *view, struct object *pod, int64_t *ret_at)
{
	*ret_at = INT64_MAX;
	if (object_is_deleting(pod)) {
		return next_of_deleted(view, pod, ret_at);
	}
	if (pod_has_ended(pod)) {
		return STEP_NONE;
	}
	if (!pod_has_address(pod)) {
		return host_ports_are_taken(view->cache, pod) ? STEP_REJECT : STEP_START;
	}
	if (deadline(pod) <= view->now) {
		return STEP_EXPIRE;
	}
	*ret_at = deadline(pod);
	if (!json_bool_at(object_tree(pod), "spec.hostNetwork", false) &&
	    pod_ip_is_taken(view->cache, pod)) {
		return STEP_READDRESS;
	}
	return STEP_GATES;
}

/* ---- planning a step ---- */

static void plan_pod_status(struct pod_plan *to, struct object *pod, json_t *status)
{
	plan_patch(to->plan, &kind_pod, pod->space, pod->name, "status",
		   json_pack("{s{ss} so}", "metadata", "uid", object_uid(pod), "status", status));
	plan_together(to->plan);
	plan_tolerate(to->plan, "NotFound");
	plan_tolerate(to->plan, "Conflict");
	plan_tolerate(to->plan, "Invalid");
}

static json_t *host_ips(const struct pod_plan *to)
{
	const struct simulated *simulated = view_simulated(to->view);
	json_t *addresses = json_array();

	for (size_t i = 0; i < simulated->n_families; i++) {
		struct ip ip = node_address(simulated, to->node, i);
		char text[IP_TEXT];

		ip_text(&ip, text);
		json_array_append_new(addresses, json_pack("{ss}", "ip", text));
	}
	return addresses;
}

static void plan_container_events(struct pod_plan *to, struct object *pod, const json_t *containers)
{
	const json_t *container;
	size_t i;

	json_array_foreach ((json_t *)containers, i, container) {
		const char *name = json_string_at(container, "name");

		plan_event(to->plan, pod, "Normal", "Pulled",
			   "Container image \"%s\" already present on machine",
			   json_string_at(container, "image"));
		plan_event(to->plan, pod, "Normal", "Created", "Created container: %s", name);
		plan_event(to->plan, pod, "Normal", "Started", "Started container %s", name);
	}
}

static json_t *take_addresses(struct pod_plan *to, struct object *pod)
{
	json_t *addresses = json_bool_at(object_tree(pod), "spec.hostNetwork", false)
				    ? host_ips(to)
				    : pod_ips_take(&to->ips);

	if (addresses == NULL) {
		plan_event(to->plan, pod, "Warning", "FailedCreatePodSandBox",
			   "Failed to create pod sandbox: no address left in the pod network of "
			   "node %.*s",
			   STR_ARG(to->ips.node->name));
	}
	return addresses;
}

static void plan_start(struct pod_plan *to, struct object *pod)
{
	json_t *addresses = take_addresses(to, pod);

	if (addresses == NULL) {
		return; /* an address that comes free brings the key back */
	}
	plan_pod_status(to, pod, pod_status_running(to->view, pod, addresses, host_ips(to)));
	plan_container_events(to, pod, json_at(object_tree(pod), "spec.initContainers"));
	plan_container_events(to, pod, json_at(object_tree(pod), "spec.containers"));
}

static void plan_reject(struct pod_plan *to, struct object *pod)
{
	static const char message[] = "Predicate NodePorts failed: node(s) didn't have free ports "
				      "for the requested pod ports";
	char status[sizeof(message) + 32];

	snprintf(status, sizeof(status), "Pod was rejected: %s", message);
	plan_pod_status(to, pod, pod_status_rejected(to->view, "NodePorts", status));
	plan_event(to->plan, pod, "Warning", "NodePorts", "%s", message);
}

static void plan_readdress(struct pod_plan *to, struct object *pod)
{
	json_t *addresses = take_addresses(to, pod);

	if (addresses == NULL) {
		return;
	}
	plan_pod_status(to, pod,
			json_pack("{ss so}", "podIP",
				  json_string_at(json_array_get(addresses, 0), "ip"), "podIPs",
				  addresses));
	plan_event(to->plan, pod, "Warning", "SandboxChanged",
		   "Pod had the address of another pod and got one of its own");
}

static void plan_gates(struct pod_plan *to, struct object *pod)
{
	json_t *status = pod_status_gates(to->view, pod);

	if (status != NULL) {
		plan_pod_status(to, pod, status);
	}
}

static void plan_expire(struct pod_plan *to, struct object *pod)
{
	static const char message[] =
		"Pod was active on the node longer than the specified deadline";

	plan_pod_status(to, pod,
			pod_status_ended(to->view, pod, "Failed", "DeadlineExceeded", message));
	plan_event(to->plan, pod, "Normal", "DeadlineExceeded", "%s", message);
}

static void plan_killing_events(struct pod_plan *to, struct object *pod)
{
	const json_t *container;
	size_t i;

	json_array_foreach (json_at(object_tree(pod), "spec.containers"), i, container) {
		plan_event(to->plan, pod, "Normal", "Killing", "Stopping container %s",
			   json_string_at(container, "name"));
	}
}

static void plan_stop(struct pod_plan *to, struct object *pod)
{
	if (pod_has_address(pod) && !pod_has_ended(pod)) {
		plan_killing_events(to, pod);
	}
	plan_delete(to->plan, pod, 0, PLAN_UNSAID);
	plan_together(to->plan);
	plan_tolerate(to->plan, "NotFound");
	plan_tolerate(to->plan, "Conflict");
}

static void plan_end(struct pod_plan *to, struct object *pod)
{
	plan_pod_status(to, pod, pod_status_ended(to->view, pod, "Succeeded", "", ""));
}

static void plan_none(struct pod_plan *to, struct object *pod)
{
}

static void (*const steps[])(struct pod_plan *to, struct object *pod) = {
	[STEP_NONE] = plan_none,           [STEP_START] = plan_start, [STEP_REJECT] = plan_reject,
	[STEP_READDRESS] = plan_readdress, [STEP_GATES] = plan_gates, [STEP_EXPIRE] = plan_expire,
	[STEP_STOP] = plan_stop,           [STEP_END] = plan_end,
};

/* Pods start on a node that is registered with a network; what is there may always end. */
static bool may_run(struct object *node)
{
	return node != NULL && !object_is_deleting(node) &&
	       json_array_size(json_at(object_tree(node), "spec.podCIDRs")) > 0;
}

static void reconcile_pods(const struct view *view, struct str key, struct plan *plan)
{
	struct object *node = cache_get(view->cache, &kind_node, STR_NONE, key);
	struct pod_plan to = { .view = view, .plan = plan };
	int64_t next = INT64_MAX;

	if (!node_index(view_simulated(view), key, &to.node)) {
		return;
	}
	pod_ips_init(&to.ips, view, node, to.node);
	cache_for_index (pod, view->cache, &kind_pod, CACHE_PODS_BY_NODE, key) {
		int64_t at;
		enum step step = pod_next(view, pod, &at);

		if ((step != STEP_START && step != STEP_READDRESS) || may_run(node)) {
			steps[step](&to, pod);
		}
		next = at < next ? at : next;
	}
	pod_ips_deinit(&to.ips);
	if (next != INT64_MAX) {
		plan_requeue(plan, (uint64_t)(next - view->now));
	}
}

/* ---- sources ---- */

static const char *node_of(struct object *pod)
{
	return pod != NULL ? json_string_at(object_tree(pod), "spec.nodeName") : "";
}

static void keys_of_pod(const struct cache *cache, struct object *old, struct object *now,
			struct key_sink *sink)
{
	const char *before = node_of(old);
	const char *after = node_of(now);

	if (after[0] != '\0') {
		key_sink_add(sink, str_from(after));
	}
	if (before[0] != '\0' && strcmp(before, after) != 0) {
		key_sink_add(sink, str_from(before));
	}
}

/* Heartbeats are nothing to a node's pods. */
static void keys_of_node(const struct cache *cache, struct object *old, struct object *now,
			 struct key_sink *sink)
{
	if (old == NULL || now == NULL || may_run(old) != may_run(now)) {
		source_self(cache, old, now, sink);
	}
}

static const char *host_of_pod(struct object *about)
{
	return node_of(about);
}

static const struct controller controller_simulated_pods = {
	.name = "kubelet",
	.sources = { { &kind_pod, keys_of_pod }, { &kind_node, keys_of_node } },
	.prepare = pod_ip_prepare,
	.reconcile = reconcile_pods,
	.event_host = host_of_pod,
};

/* ---- settings ---- */

static int complain(char ret_message[SIMULATED_MESSAGE], struct str network, const char *why)
{
	snprintf(ret_message, SIMULATED_MESSAGE, "pod network \"%.*s\" %s", STR_ARG(network), why);
	return error_origin(-EINVAL);
}

/* Networks of the nodes' own addresses, set aside for tests of devices (RFC 2544, RFC 5180). */
static const char *const host_networks[] = { "198.18.0.0/15", "2001:2::/48" };

static int add_network(struct simulated *simulated, struct str text,
		       char ret_message[SIMULATED_MESSAGE])
{
	size_t n = simulated->n_families;
	struct ip_network network;
	uint8_t bits;

	if (!ip_network_parse(text, &network)) {
		return complain(ret_message, text, "is no CIDR: write it like 10.244.0.0/16");
	}
	if (n == SIMULATED_FAMILIES || (n == 1 && network.ip.n == simulated->pods[0].ip.n)) {
		return complain(ret_message, text,
				"is one too many: one of each address family at most");
	}
	bits = network.ip.n == 4 ? 24 : 64;
	if (network.bits > bits || ip_network_parts(&network, bits) < simulated->n_nodes) {
		return complain(ret_message, text,
				"is too small: every node needs a /24 (IPv4) or /64 (IPv6) of it");
	}
	simulated->pods[n] = network;
	ip_network_parse(str_from(host_networks[network.ip.n == 4 ? 0 : 1]), &simulated->hosts[n]);
	simulated->n_families++;
	return 0;
}

int simulated_new(const struct simulated_settings *settings, char ret_message[SIMULATED_MESSAGE],
		  struct simulated **ret)
{
	struct simulated *simulated;
	struct str rest = str_from(settings->pod_cidr);

	if (settings->nodes == 0 || settings->nodes > LIMIT_SIMULATED_NODES) {
		snprintf(ret_message, SIMULATED_MESSAGE, "%zu simulated nodes: must be 1 to %d",
			 settings->nodes, LIMIT_SIMULATED_NODES);
		return error_origin(-EINVAL);
	}
	simulated = MEM_NEW(struct simulated);
	simulated->n_nodes = settings->nodes;
	simulated->version = mem_strdup(settings->version);
	simulated->cursors = mem_alloc_array(settings->nodes, sizeof(*simulated->cursors));
	do {
		int error = add_network(simulated, str_trim(str_cut(&rest, ',')), ret_message);

		if (error < 0) {
			simulated_free(simulated);
			return error_trace(error);
		}
	} while (rest.p != NULL);
	*ret = simulated;
	return 0;
}

struct simulated *simulated_free(struct simulated *simulated)
{
	if (simulated == NULL) {
		return NULL;
	}
	mem_free(simulated->version);
	mem_free(simulated->cursors);
	return mem_free(simulated);
}

void simulated_add(struct simulated *simulated, struct runner *runner)
{
	runner_add(runner, &controller_simulated_nodes, simulated);
	runner_add(runner, &controller_simulated_leases, simulated);
	runner_add(runner, &controller_simulated_pods, simulated);
	runner_queue(runner, &controller_simulated_nodes, STR(SIMULATED_KEY));
}
