/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated nodes against a fake API server, in virtual time.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/random.h"
#include "client/cache.h"
#include "client/fake.h"
#include "client/runner.h"
#include "loop/loop.h"
#include "node/simulated.h"
#include "object/kinds.h"
#include "json/json.h"

#define START UINT64_C(1700000000)

struct cluster {
	struct clock_manual clock;
	struct loop *loop;
	struct fake *fake;
	struct simulated *simulated;
	struct cache *cache;
	struct runner *runner;
};

static void start(struct cluster *cluster, size_t nodes, const char *pod_cidr)
{
	struct simulated_settings settings = {
		.nodes = nodes,
		.pod_cidr = pod_cidr,
		.version = "0.1.0",
	};
	char message[SIMULATED_MESSAGE];

	assert_int_equal(simulated_new(&settings, message, &cluster->simulated), 0);
	cluster->cache = cache_new(fake_client(cluster->fake));
	cluster->runner = runner_new(cluster->loop, fake_client(cluster->fake), cluster->cache,
				     &cluster->clock.clock);
	simulated_add(cluster->simulated, cluster->runner);
	runner_start(cluster->runner);
}

static void stop(struct cluster *cluster)
{
	cluster->runner = runner_free(cluster->runner);
	cluster->cache = cache_free(cluster->cache);
	cluster->simulated = simulated_free(cluster->simulated);
}

static void cluster_init(struct cluster *cluster, uint64_t seed, size_t nodes, const char *pod_cidr)
{
	clock_manual_init(&cluster->clock, START * NS_PER_S);
	assert_int_equal(loop_new(&cluster->loop), 0);
	cluster->fake = fake_new(&cluster->clock.clock, seed);
	start(cluster, nodes, pod_cidr);
}

static void cluster_deinit(struct cluster *cluster)
{
	stop(cluster);
	fake_free(cluster->fake);
	loop_free(cluster->loop);
}

/* Lets everything happen that happens within `seconds`. */
static void run(struct cluster *cluster, uint64_t seconds)
{
	uint64_t end = cluster->clock.now + seconds * NS_PER_S;

	assert_true(fake_settle(cluster->fake, cluster->loop, cluster->runner));
	while (runner_next_due(cluster->runner) <= end) {
		cluster->clock.now = runner_next_due(cluster->runner);
		runner_run_due(cluster->runner);
		assert_true(fake_settle(cluster->fake, cluster->loop, cluster->runner));
	}
	cluster->clock.now = end;
}

static void put_pod(struct cluster *cluster, const char *name, const char *node, const char *spec)
{
	json_t *tree = json_loads(spec, 0, NULL);

	assert_non_null(tree);
	json_object_set_new(tree, "nodeName", json_string(node));
	json_object_set_new(tree, "containers",
			    json_pack("[{ss ss}]", "name", "web", "image", "nginx:1.27"));
	assert_int_equal(fake_create(cluster->fake, &kind_pod,
				     json_pack("{s{ssss} so s{ss}}", "metadata", "name", name,
					       "namespace", "ns", "spec", tree, "status", "phase",
					       "Pending")),
			 201);
}

static const json_t *pod(struct cluster *cluster, const char *name)
{
	return fake_get(cluster->fake, &kind_pod, "ns", name);
}

static const char *pod_ip(struct cluster *cluster, const char *name)
{
	return json_string_at(pod(cluster, name), "status.podIP");
}

/* "True", "False", or "" when there is no such condition. */
static const char *condition(const json_t *object, const char *type)
{
	const json_t *it;
	size_t i;

	json_array_foreach (json_at(object, "status.conditions"), i, it) {
		if (strcmp(json_string_at(it, "type"), type) == 0) {
			return json_string_at(it, "status");
		}
	}
	return "";
}

static size_t n_events(struct cluster *cluster, const char *reason)
{
	const json_t *event;
	size_t n = 0;

	for (size_t i = 0; (event = fake_nth(cluster->fake, &kind_event, i)) != NULL; i++) {
		n += strcmp(json_string_at(event, "reason"), reason) == 0 ? 1 : 0;
	}
	return n;
}

static const json_t *node(struct cluster *cluster, const char *name)
{
	return fake_get(cluster->fake, &kind_node, "", name);
}

static void nodes_register_each_with_a_network_of_its_own(void **state)
{
	struct cluster cluster;
	const json_t *it;

	cluster_init(&cluster, 1, 12, "10.244.0.0/16");
	run(&cluster, 0);
	assert_int_equal(fake_count(cluster.fake, &kind_node), 12);
	it = node(&cluster, "node02");
	assert_string_equal(json_string_at(it, "spec.podCIDR"), "10.244.1.0/24");
	assert_string_equal(condition(it, "Ready"), "True");
	assert_string_equal(condition(it, "DiskPressure"), "False");
	assert_string_equal(json_string_at(it, "status.allocatable.pods"), "110");
	assert_string_equal(json_string_at(it, "status.nodeInfo.containerRuntimeVersion"),
			    "simulated://0.1.0");
	assert_string_equal(json_string_value(json_object_get(json_at(it, "metadata.labels"),
							      "kubernetes.io/hostname")),
			    "node02");
	assert_string_equal(json_string_at(json_array_get(json_at(it, "status.addresses"), 0),
					   "address"),
			    "198.18.0.2");
	assert_string_equal(json_string_at(node(&cluster, "node12"), "spec.podCIDR"),
			    "10.244.11.0/24");
	cluster_deinit(&cluster);
}

static void leases_are_renewed_every_ten_seconds_and_nothing_else_is_written(void **state)
{
	struct cluster cluster;
	const json_t *lease;
	uint64_t before;

	cluster_init(&cluster, 1, 2, "10.244.0.0/16");
	run(&cluster, 5);
	lease = fake_get(cluster.fake, &kind_lease, "kube-node-lease", "node01");
	assert_string_equal(json_string_at(lease, "spec.holderIdentity"), "node01");
	assert_int_equal(json_int_at(lease, "spec.leaseDurationSeconds", 0), 40);
	before = fake_revision(cluster.fake);
	run(&cluster, 100);
	assert_true(fake_revision(cluster.fake) - before == 20);
	lease = fake_get(cluster.fake, &kind_lease, "kube-node-lease", "node01");
	assert_string_equal(json_string_at(lease, "spec.renewTime"), "2023-11-14T22:15:00.000000Z");
	cluster_deinit(&cluster);
}

static void a_node_that_was_deleted_registers_again(void **state)
{
	struct cluster cluster;

	cluster_init(&cluster, 1, 3, "10.244.0.0/16");
	run(&cluster, 1);
	assert_int_equal(fake_delete(cluster.fake, &kind_node, "", "node02", -1), 200);
	run(&cluster, 1);
	assert_string_equal(condition(node(&cluster, "node02"), "Ready"), "True");
	assert_string_equal(json_string_at(node(&cluster, "node02"), "spec.podCIDR"),
			    "10.244.1.0/24");
	cluster_deinit(&cluster);
}

static void a_network_that_is_taken_is_not_cut_again(void **state)
{
	struct cluster cluster;

	clock_manual_init(&cluster.clock, START * NS_PER_S);
	assert_int_equal(loop_new(&cluster.loop), 0);
	cluster.fake = fake_new(&cluster.clock.clock, 5);
	fake_create(cluster.fake, &kind_node,
		    json_pack("{s{ss} s{ss s[s]}}", "metadata", "name", "other", "spec", "podCIDR",
			      "10.244.0.0/24", "podCIDRs", "10.244.0.0/24"));
	fake_create(cluster.fake, &kind_node, json_pack("{s{ss}}", "metadata", "name", "node02"));
	start(&cluster, 2, "10.244.0.0/16");
	run(&cluster, 1);
	assert_string_not_equal(json_string_at(node(&cluster, "node01"), "spec.podCIDR"),
				"10.244.0.0/24");
	assert_string_not_equal(json_string_at(node(&cluster, "node01"), "spec.podCIDR"), "");
	assert_string_not_equal(json_string_at(node(&cluster, "node01"), "spec.podCIDR"),
				json_string_at(node(&cluster, "node02"), "spec.podCIDR"));
	assert_string_equal(condition(node(&cluster, "node02"), "Ready"), "True");
	cluster_deinit(&cluster);
}

static void a_bound_pod_runs_and_says_so(void **state)
{
	struct cluster cluster;
	const json_t *it;
	const json_t *status;

	cluster_init(&cluster, 1, 2, "10.244.0.0/16");
	put_pod(&cluster, "web-0", "node02",
		"{\"initContainers\":[{\"name\":\"i\","
		"\"image\":\"busybox\"}]}");
	put_pod(&cluster, "stray", "elsewhere", "{}");
	run(&cluster, 1);
	it = pod(&cluster, "web-0");
	assert_string_equal(json_string_at(it, "status.phase"), "Running");
	assert_string_equal(json_string_at(it, "status.podIP"), "10.244.1.2");
	assert_string_equal(json_string_at(it, "status.hostIP"), "198.18.0.2");
	assert_string_equal(json_string_at(it, "status.startTime"), "2023-11-14T22:13:20Z");
	assert_string_equal(condition(it, "Ready"), "True");
	assert_string_equal(condition(it, "ContainersReady"), "True");
	assert_string_equal(condition(it, "Initialized"), "True");
	assert_string_equal(condition(it, "PodScheduled"), "True");
	assert_string_equal(condition(it, "PodReadyToStartContainers"), "True");
	status = json_array_get(json_at(it, "status.containerStatuses"), 0);
	assert_true(json_bool_at(status, "ready", false));
	assert_true(json_bool_at(status, "started", false));
	assert_int_equal(json_int_at(status, "restartCount", -1), 0);
	assert_string_equal(json_string_at(status, "image"), "nginx:1.27");
	assert_memory_equal(json_string_at(status, "containerID"), "simulated://", 12);
	assert_string_not_equal(json_string_at(status, "state.running.startedAt"), "");
	status = json_array_get(json_at(it, "status.initContainerStatuses"), 0);
	assert_string_equal(json_string_at(status, "state.terminated.reason"), "Completed");
	assert_int_equal(n_events(&cluster, "Started"), 2);
	assert_string_equal(pod_ip(&cluster, "stray"), "");
	cluster_deinit(&cluster);
}

static void pods_of_two_families_have_two_addresses(void **state)
{
	struct cluster cluster;
	const json_t *ips;

	cluster_init(&cluster, 1, 2, "fd00:10:244::/56, 10.244.0.0/16");
	put_pod(&cluster, "web-0", "node02", "{}");
	put_pod(&cluster, "host", "node02", "{\"hostNetwork\":true}");
	run(&cluster, 1);
	ips = json_at(pod(&cluster, "web-0"), "status.podIPs");
	assert_string_equal(pod_ip(&cluster, "web-0"), "fd00:10:244:1::2");
	assert_string_equal(json_string_at(json_array_get(ips, 1), "ip"), "10.244.1.2");
	ips = json_at(pod(&cluster, "host"), "status.podIPs");
	assert_string_equal(json_string_at(json_array_get(ips, 0), "ip"), "2001:2::2");
	assert_string_equal(json_string_at(json_array_get(ips, 1), "ip"), "198.18.0.2");
	cluster_deinit(&cluster);
}

static void patch_ready(struct cluster *cluster, const char *name, const char *status)
{
	json_t *conditions = json_deep_copy(json_at(pod(cluster, name), "status.conditions"));
	json_t *it;
	size_t i;

	json_array_foreach (conditions, i, it) {
		if (strcmp(json_string_at(it, "type"), "Ready") == 0) {
			json_object_set_new(it, "status", json_string(status));
		}
	}
	assert_int_equal(fake_patch(cluster->fake, &kind_pod, "ns", name, "status",
				    json_pack("{s{so}}", "status", "conditions", conditions)),
			 200);
}

static void a_patched_readiness_stays_as_it_is(void **state)
{
	struct cluster cluster;

	cluster_init(&cluster, 1, 1, "10.244.0.0/16");
	put_pod(&cluster, "web-0", "node01", "{}");
	run(&cluster, 1);
	patch_ready(&cluster, "web-0", "False");
	put_pod(&cluster, "web-1", "node01", "{}");
	run(&cluster, 600);
	assert_string_equal(condition(pod(&cluster, "web-0"), "Ready"), "False");
	assert_string_equal(condition(pod(&cluster, "web-0"), "ContainersReady"), "True");
	stop(&cluster);
	start(&cluster, 1, "10.244.0.0/16");
	run(&cluster, 1);
	assert_string_equal(condition(pod(&cluster, "web-0"), "Ready"), "False");
	patch_ready(&cluster, "web-0", "True");
	run(&cluster, 1);
	assert_string_equal(condition(pod(&cluster, "web-0"), "Ready"), "True");
	cluster_deinit(&cluster);
}

static void set_gate(struct cluster *cluster, const char *status)
{
	json_t *conditions = json_deep_copy(json_at(pod(cluster, "web-0"), "status.conditions"));

	json_array_insert_new(conditions, 0, json_pack("{ssss}", "type", "x/y", "status", status));
	fake_patch(cluster->fake, &kind_pod, "ns", "web-0", "status",
		   json_pack("{s{so}}", "status", "conditions", conditions));
}

static void readiness_gates_are_followed(void **state)
{
	struct cluster cluster;

	cluster_init(&cluster, 1, 1, "10.244.0.0/16");
	put_pod(&cluster, "web-0", "node01", "{\"readinessGates\":[{\"conditionType\":\"x/y\"}]}");
	run(&cluster, 1);
	assert_string_equal(condition(pod(&cluster, "web-0"), "Ready"), "False");
	assert_string_equal(condition(pod(&cluster, "web-0"), "ContainersReady"), "True");
	set_gate(&cluster, "True");
	run(&cluster, 1);
	assert_string_equal(condition(pod(&cluster, "web-0"), "Ready"), "True");
	set_gate(&cluster, "False");
	run(&cluster, 1);
	assert_string_equal(condition(pod(&cluster, "web-0"), "Ready"), "False");
	cluster_deinit(&cluster);
}

static void a_deleted_pod_takes_a_moment_to_stop(void **state)
{
	struct cluster cluster;

	cluster_init(&cluster, 1, 1, "10.244.0.0/16");
	put_pod(&cluster, "web-0", "node01", "{}");
	run(&cluster, 1);
	assert_int_equal(fake_delete(cluster.fake, &kind_pod, "ns", "web-0", 30), 200);
	run(&cluster, 0);
	assert_non_null(pod(&cluster, "web-0"));
	run(&cluster, 2);
	assert_null(pod(&cluster, "web-0"));
	assert_int_equal(n_events(&cluster, "Killing"), 1);
	cluster_deinit(&cluster);
}

static void a_pre_stop_sleep_is_waited_for_within_the_grace(void **state)
{
	struct cluster cluster;
	json_t *sleep;

	cluster_init(&cluster, 1, 1, "10.244.0.0/16");
	put_pod(&cluster, "web-0", "node01", "{}");
	sleep = json_pack("[{ss ss s{s{s{si}}}}]", "name", "web", "image", "nginx", "lifecycle",
			  "preStop", "sleep", "seconds", 10);
	fake_patch(cluster.fake, &kind_pod, "ns", "web-0", NULL,
		   json_pack("{s{so}}", "spec", "containers", sleep));
	run(&cluster, 1);
	fake_delete(cluster.fake, &kind_pod, "ns", "web-0", 30);
	run(&cluster, 9);
	assert_non_null(pod(&cluster, "web-0"));
	assert_string_equal(condition(pod(&cluster, "web-0"), "Ready"), "True");
	run(&cluster, 3);
	assert_null(pod(&cluster, "web-0"));
	cluster_deinit(&cluster);
}

static void finalizers_keep_a_pod_whose_containers_have_ended(void **state)
{
	struct cluster cluster;
	const json_t *status;

	cluster_init(&cluster, 1, 1, "10.244.0.0/16");
	put_pod(&cluster, "web-0", "node01", "{}");
	fake_patch(cluster.fake, &kind_pod, "ns", "web-0", NULL,
		   json_pack("{s{s[s]}}", "metadata", "finalizers", "x/keep"));
	run(&cluster, 1);
	fake_delete(cluster.fake, &kind_pod, "ns", "web-0", -1);
	run(&cluster, 2);
	assert_string_equal(json_string_at(pod(&cluster, "web-0"), "status.phase"), "Succeeded");
	assert_string_equal(condition(pod(&cluster, "web-0"), "Ready"), "False");
	status = json_array_get(json_at(pod(&cluster, "web-0"), "status.containerStatuses"), 0);
	assert_string_equal(json_string_at(status, "state.terminated.reason"), "Completed");
	assert_true(runner_is_idle(cluster.runner));
	fake_patch(cluster.fake, &kind_pod, "ns", "web-0", NULL,
		   json_pack("{s{s[]}}", "metadata", "finalizers"));
	run(&cluster, 1);
	assert_null(pod(&cluster, "web-0"));
	cluster_deinit(&cluster);
}

static void a_deadline_ends_a_pod(void **state)
{
	struct cluster cluster;

	cluster_init(&cluster, 1, 1, "10.244.0.0/16");
	put_pod(&cluster, "web-0", "node01", "{\"activeDeadlineSeconds\":30}");
	run(&cluster, 29);
	assert_string_equal(json_string_at(pod(&cluster, "web-0"), "status.phase"), "Running");
	run(&cluster, 2);
	assert_string_equal(json_string_at(pod(&cluster, "web-0"), "status.phase"), "Failed");
	assert_string_equal(json_string_at(pod(&cluster, "web-0"), "status.reason"),
			    "DeadlineExceeded");
	assert_int_equal(n_events(&cluster, "DeadlineExceeded"), 1);
	cluster_deinit(&cluster);
}

static void put_port_pod(struct cluster *cluster, const char *name, const char *host_ip)
{
	assert_int_equal(fake_create(cluster->fake, &kind_pod,
				     json_pack("{s{ssss} s{ss s[{ss ss s[{si si ss}]}]}}",
					       "metadata", "name", name, "namespace", "ns", "spec",
					       "nodeName", "node01", "containers", "name", "c",
					       "image", "i", "ports", "containerPort", 80,
					       "hostPort", 8080, "hostIP", host_ip)),
			 201);
}

static void a_pod_whose_host_port_is_taken_is_turned_away(void **state)
{
	struct cluster cluster;

	cluster_init(&cluster, 1, 1, "10.244.0.0/16");
	put_port_pod(&cluster, "a", "198.18.0.1");
	put_port_pod(&cluster, "b", "198.18.0.9");
	put_port_pod(&cluster, "c", "");
	run(&cluster, 1);
	assert_string_equal(json_string_at(pod(&cluster, "a"), "status.phase"), "Running");
	assert_string_equal(json_string_at(pod(&cluster, "b"), "status.phase"), "Running");
	assert_string_equal(json_string_at(pod(&cluster, "c"), "status.phase"), "Failed");
	assert_string_equal(json_string_at(pod(&cluster, "c"), "status.reason"), "NodePorts");
	assert_int_equal(n_events(&cluster, "NodePorts"), 1);
	cluster_deinit(&cluster);
}

/* ---- addresses ---- */

static void check_addresses(struct cluster *cluster)
{
	const json_t *it;
	struct map seen = MAP_INIT(1000);

	for (size_t i = 0; (it = fake_nth(cluster->fake, &kind_pod, i)) != NULL; i++) {
		const char *ip = json_string_at(it, "status.podIP");

		if (ip[0] != '\0') {
			assert_null(map_put(&seen, str_from(ip), cluster));
		}
	}
	map_deinit(&seen, NULL);
}

static void no_address_is_ever_shared(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct random_state random;
		struct cluster cluster;
		char name[16];

		random_state_seed(&random, seed);
		cluster_init(&cluster, seed, 2, "10.244.0.0/16");
		run(&cluster, 1);
		fake_lose_answers(cluster.fake, seed % 2 == 0 ? 20 : 0);
		for (unsigned i = 0; i < 150; i++) {
			snprintf(name, sizeof(name), "p-%u", random_below(&random, 40));
			fake_lose_answers(cluster.fake, 0);
			if (pod(&cluster, name) == NULL) {
				put_pod(&cluster, name, i % 2 == 0 ? "node01" : "node02", "{}");
			} else {
				fake_delete(cluster.fake, &kind_pod, "ns", name,
					    random_below(&random, 2) == 0 ? 0 : 30);
			}
			fake_lose_answers(cluster.fake, seed % 2 == 0 ? 20 : 0);
			for (unsigned n = random_below(&random, 10); n > 0; n--) {
				loop_run_once(cluster.loop);
				fake_step(cluster.fake);
			}
			check_addresses(&cluster);
			if (i % 50 == 49) {
				stop(&cluster);
				start(&cluster, 2, "10.244.0.0/16");
			}
			cluster.clock.now += 5 * NS_PER_MS;
			runner_run_due(cluster.runner);
		}
		fake_lose_answers(cluster.fake, 0);
		run(&cluster, 120);
		check_addresses(&cluster);
		for (size_t i = 0; i < fake_count(cluster.fake, &kind_pod); i++) {
			assert_string_equal(
				condition(fake_nth(cluster.fake, &kind_pod, i), "Ready"), "True");
		}
		cluster_deinit(&cluster);
	}
}

static void an_address_is_not_given_again_at_once(void **state)
{
	struct cluster cluster;

	cluster_init(&cluster, 1, 1, "10.244.0.0/16");
	put_pod(&cluster, "web-0", "node01", "{}");
	run(&cluster, 1);
	assert_string_equal(pod_ip(&cluster, "web-0"), "10.244.0.2");
	fake_delete(cluster.fake, &kind_pod, "ns", "web-0", -1);
	run(&cluster, 2);
	put_pod(&cluster, "web-0", "node01", "{}");
	run(&cluster, 1);
	assert_string_equal(pod_ip(&cluster, "web-0"), "10.244.0.3");
	cluster_deinit(&cluster);
}

static void a_full_network_is_told_and_waited_for(void **state)
{
	struct cluster cluster;
	char name[16];

	cluster_init(&cluster, 1, 1, "10.244.0.0/24");
	for (unsigned i = 0; i < 254; i++) {
		snprintf(name, sizeof(name), "p-%u", i);
		put_pod(&cluster, name, "node01", "{}");
	}
	run(&cluster, 1);
	check_addresses(&cluster);
	/* .0 is the network, .1 its gateway, .255 the broadcast address. */
	assert_true(n_events(&cluster, "FailedCreatePodSandBox") == 1);
	for (unsigned i = 0; i < 254; i++) {
		snprintf(name, sizeof(name), "p-%u", i);
		if (pod_ip(&cluster, name)[0] != '\0') {
			fake_delete(cluster.fake, &kind_pod, "ns", name, -1);
			break;
		}
	}
	run(&cluster, 3);
	for (size_t i = 0; i < fake_count(cluster.fake, &kind_pod); i++) {
		assert_string_equal(condition(fake_nth(cluster.fake, &kind_pod, i), "Ready"),
				    "True");
	}
	cluster_deinit(&cluster);
}

static void of_two_pods_with_one_address_the_younger_gets_another(void **state)
{
	struct cluster cluster;

	cluster_init(&cluster, 1, 1, "10.244.0.0/16");
	put_pod(&cluster, "web-0", "node01", "{}");
	run(&cluster, 2);
	put_pod(&cluster, "web-1", "node01", "{}");
	run(&cluster, 1);
	fake_patch(cluster.fake, &kind_pod, "ns", "web-1", "status",
		   json_pack("{s{ss s[{ss}]}}", "status", "podIP", "10.244.0.2", "podIPs", "ip",
			     "10.244.0.2"));
	run(&cluster, 1);
	assert_string_equal(pod_ip(&cluster, "web-0"), "10.244.0.2");
	assert_string_not_equal(pod_ip(&cluster, "web-1"), "10.244.0.2");
	cluster_deinit(&cluster);
}

static void bad_settings_are_refused_with_a_reason(void **state)
{
	static const struct {
		size_t nodes;
		const char *cidr;
		const char *part;
	} bad[] = {
		{ 0, "10.244.0.0/16", "must be 1 to" },
		{ 2, "10.244.0.0", "is no CIDR" },
		{ 2, "10.244.0.1/16", "is no CIDR" },
		{ 2, "10.244.0.0/16,10.245.0.0/16", "one of each address family" },
		{ 2, "10.244.0.0/24", "too small" },
		{ 1, "10.244.0.0/25", "too small" },
		{ 300, "10.244.0.0/16", "too small" },
		{ 2, "10.244.0.0/16,", "is no CIDR" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct simulated_settings settings = {
			.nodes = bad[i].nodes,
			.pod_cidr = bad[i].cidr,
			.version = "0",
		};
		char message[SIMULATED_MESSAGE] = "";
		struct simulated *simulated = NULL;

		assert_int_equal(simulated_new(&settings, message, &simulated), -EINVAL);
		assert_non_null(strstr(message, bad[i].part));
		assert_null(simulated);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_register_each_with_a_network_of_its_own),
		cmocka_unit_test(leases_are_renewed_every_ten_seconds_and_nothing_else_is_written),
		cmocka_unit_test(a_node_that_was_deleted_registers_again),
		cmocka_unit_test(a_network_that_is_taken_is_not_cut_again),
		cmocka_unit_test(a_bound_pod_runs_and_says_so),
		cmocka_unit_test(pods_of_two_families_have_two_addresses),
		cmocka_unit_test(a_patched_readiness_stays_as_it_is),
		cmocka_unit_test(readiness_gates_are_followed),
		cmocka_unit_test(a_deleted_pod_takes_a_moment_to_stop),
		cmocka_unit_test(a_pre_stop_sleep_is_waited_for_within_the_grace),
		cmocka_unit_test(finalizers_keep_a_pod_whose_containers_have_ended),
		cmocka_unit_test(a_deadline_ends_a_pod),
		cmocka_unit_test(a_pod_whose_host_port_is_taken_is_turned_away),
		cmocka_unit_test(no_address_is_ever_shared),
		cmocka_unit_test(an_address_is_not_given_again_at_once),
		cmocka_unit_test(a_full_network_is_told_and_waited_for),
		cmocka_unit_test(of_two_pods_with_one_address_the_younger_gets_another),
		cmocka_unit_test(bad_settings_are_refused_with_a_reason),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
