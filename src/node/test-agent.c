/* SPDX-License-Identifier: Apache-2.0 */
/* The agent: the node it registers, and pods over its own end and the runtime's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "node/test-node.h"
#include "object/kinds.h"
#include "json/json.h"

static int setup(void **state)
{
	*state = node_start();
	return 0;
}

static int teardown(void **state)
{
	node_stop(*state);
	return 0;
}

static const char *node_ready(struct node *node)
{
	const json_t *it;
	size_t i;

	json_array_foreach (json_at(fake_get(node->api, &kind_node, "", "n1"), "status.conditions"),
			    i, it) {
		if (strcmp(json_string_at(it, "type"), "Ready") == 0) {
			return json_string_at(it, "status");
		}
	}
	return "";
}

static void a_node_registers_with_what_it_is(void **state)
{
	struct node *node = *state;
	const json_t *object = fake_get(node->api, &kind_node, "", "n1");

	assert_non_null(object);
	assert_string_equal(node_ready(node), "True");
	assert_string_equal(json_string_at(object, "status.nodeInfo.containerRuntimeVersion"),
			    "containerd://1.6.20");
	assert_string_equal(json_string_at(object, "spec.podCIDR"), "10.244.0.0/24");
	assert_string_equal(json_string_value(json_object_get(json_at(object, "metadata.labels"),
							      "kubernetes.io/hostname")),
			    "n1");
	assert_true(json_string_at(object, "status.capacity.memory")[0] != '\0');
	assert_non_null(fake_get(node->api, &kind_lease, "kube-node-lease", "n1"));
	assert_int_equal(node_events(node, "NodeReady", ""), 1);
}

static void other_machines_are_left_alone(void **state)
{
	struct node *node = *state;

	fake_create(node->api, &kind_node, json_pack("{s{ss}}", "metadata", "name", "n2"));
	node_run(node, 30);
	assert_null(json_at(fake_get(node->api, &kind_node, "", "n2"), "status"));
	assert_null(fake_get(node->api, &kind_lease, "kube-node-lease", "n2"));
}

static void a_lease_is_renewed_every_ten_seconds(void **state)
{
	struct node *node = *state;
	const json_t *lease = fake_get(node->api, &kind_lease, "kube-node-lease", "n1");
	char first[64];

	snprintf(first, sizeof(first), "%s", json_string_at(lease, "spec.renewTime"));
	node_run(node, 11);
	lease = fake_get(node->api, &kind_lease, "kube-node-lease", "n1");
	assert_true(strcmp(first, json_string_at(lease, "spec.renewTime")) < 0);
}

static void a_quiet_node_is_not_written_between_heartbeats(void **state)
{
	struct node *node = *state;
	const char *before = json_string_at(fake_get(node->api, &kind_node, "", "n1"),
					    "metadata.resourceVersion");
	char text[32];

	snprintf(text, sizeof(text), "%s", before);
	node_run(node, 200);
	assert_string_equal(json_string_at(fake_get(node->api, &kind_node, "", "n1"),
					   "metadata.resourceVersion"),
			    text);
	node_run(node, 120);
	assert_string_not_equal(json_string_at(fake_get(node->api, &kind_node, "", "n1"),
					       "metadata.resourceVersion"),
				text);
}

static void a_node_without_its_runtime_is_not_ready(void **state)
{
	struct node *node = *state;

	fake_runtime_connect(node->fake, false);
	node_run(node, 1);
	assert_string_equal(node_ready(node), "False");
	fake_runtime_connect(node->fake, true);
	node_run(node, 2);
	assert_string_equal(node_ready(node), "True");
}

static void what_runs_is_taken_over_by_the_next_agent(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{}");
	node_run(node, 5);
	assert_string_equal(node_phase(node, "a"), "Running");
	char id[128];
	snprintf(id, sizeof(id), "%s", node_text(node, "a", "web", "containerID"));
	node_kill_agent(node);
	node_run(node, 60);
	node_start_agent(node);
	node_run(node, 30);
	assert_string_equal(node_text(node, "a", "web", "containerID"), id);
	assert_int_equal(node_restarts(node, "a", "web"), 0);
	assert_int_equal(fake_runtime_calls(node->fake, RUNTIME_RUN_POD_SANDBOX), 1);
	assert_int_equal(fake_runtime_calls(node->fake, RUNTIME_START_CONTAINER), 1);
	assert_string_equal(node_condition(node, "a", "Ready"), "True");
}

static void an_exit_while_nobody_listened_is_seen_later(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{}");
	node_run(node, 5);
	node_kill_agent(node);
	fake_runtime_exit(node->fake, "web", 3);
	node_run(node, 60);
	node_start_agent(node);
	node_run(node, 5);
	assert_int_equal(node_restarts(node, "a", "web"), 1);
	assert_int_equal(json_integer_value(
				 node_container(node, "a", "web", "lastState.terminated.exitCode")),
			 3);
	assert_int_equal(fake_runtime_running(node->fake, "web"), 1);
}

static void a_pod_deleted_while_nobody_listened_is_ended(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{}");
	node_run(node, 5);
	node_kill_agent(node);
	fake_delete(node->api, &kind_pod, "ns", "a", 0);
	node_run(node, 60);
	node_start_agent(node);
	node_run(node, 10);
	assert_int_equal(fake_runtime_sandboxes(node->fake, false), 0);
	assert_int_equal(fake_runtime_count(node->fake, "web"), 0);
	assert_true(node->removals > 0);
}

static void nothing_is_left_over_before_the_api_has_told(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{}");
	node_run(node, 5);
	node_kill_agent(node);
	node_start_agent(node);
	/* The runtime answers long before the API does. */
	while (fake_runtime_step(node->fake) || agent_run_due(node->agent)) {
	}
	assert_int_equal(fake_runtime_running(node->fake, "web"), 1);
	node_run(node, 5);
	assert_int_equal(fake_runtime_running(node->fake, "web"), 1);
}

static void a_runtime_that_comes_back_starts_nothing_twice(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{}");
	node_put_pod(node, "b", "{}");
	node_run(node, 5);
	fake_runtime_connect(node->fake, false);
	node_run(node, 30);
	fake_runtime_connect(node->fake, true);
	node_run(node, 30);
	assert_int_equal(fake_runtime_calls(node->fake, RUNTIME_RUN_POD_SANDBOX), 2);
	assert_int_equal(fake_runtime_calls(node->fake, RUNTIME_START_CONTAINER), 2);
	assert_int_equal(node_restarts(node, "a", "web"), 0);
}

static void what_happened_while_the_runtime_was_lost_is_found_out(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{}");
	node_run(node, 5);
	fake_runtime_exit(node->fake, "web", 1);
	fake_runtime_connect(node->fake, false); /* and the event with it */
	node_run(node, 5);
	fake_runtime_connect(node->fake, true);
	node_run(node, 5);
	assert_int_equal(node_restarts(node, "a", "web"), 1);
	assert_int_equal(fake_runtime_running(node->fake, "web"), 1);
}

/* Each call's answer in turn is lost although it was carried out. */
static void a_lost_answer_makes_nothing_twice(void **state)
{
	static const enum runtime_method methods[] = { RUNTIME_RUN_POD_SANDBOX,
						       RUNTIME_CREATE_CONTAINER,
						       RUNTIME_START_CONTAINER };

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		struct node *node = node_start();

		fake_runtime_lose(node->fake, methods[i]);
		node_put_pod(node, "a", "{}");
		node_run(node, 60);
		assert_string_equal(node_condition(node, "a", "Ready"), "True");
		assert_int_equal(fake_runtime_sandboxes(node->fake, true), 1);
		assert_int_equal(fake_runtime_count(node->fake, "web"), 1);
		assert_int_equal(fake_runtime_running(node->fake, "web"), 1);
		node_stop(node);
	}
}

/* Killed and started again after each number of steps: it always ends in one running container. */
static void an_agent_may_be_killed_at_any_step(void **state)
{
	for (unsigned steps = 0; steps < 60; steps++) {
		struct node *node = node_start();

		node_put_pod(node, "a",
			     "{'initContainers':[{'name':'init','image':'i:1'}],"
			     "'restartPolicy':'Always'}");
		fake_runtime_exit_at_once(node->fake, "init", 0);
		for (unsigned i = 0; i < steps; i++) {
			fake_step(node->api);
			fake_runtime_step(node->fake);
			agent_run_due(node->agent);
		}
		node_kill_agent(node);
		node_start_agent(node);
		node_run(node, 120);
		assert_string_equal(node_condition(node, "a", "Ready"), "True");
		assert_int_equal(fake_runtime_sandboxes(node->fake, false), 1);
		assert_int_equal(fake_runtime_running(node->fake, "web"), 1);
		assert_int_equal(fake_runtime_count(node->fake, "web"), 1);
		assert_int_equal(node_restarts(node, "a", "web"), 0);
		node_stop(node);
	}
}

static void containers_are_found_by_name(void **state)
{
	struct node *node = *state;
	struct kubelet_container found;
	char message[512];
	char id[80];

	node_put_pod(node, "a", "{}");
	node_run(node, 5);
	assert_int_equal(agent_lookup.container(node->agent, STR("ns"), STR("a"), STR("web"), false,
						&found, message),
			 0);
	assert_true(found.running);
	assert_int_equal(fake_runtime_running(node->fake, "web"), 1);
	assert_non_null(strstr(found.log_path, "/ns_a_"));
	assert_int_equal(agent_lookup.container(node->agent, STR("ns"), STR("a"), STR("web"), true,
						&found, message),
			 -EAGAIN);
	assert_int_equal(agent_lookup.container(node->agent, STR("ns"), STR("a"), STR("db"), false,
						&found, message),
			 -ENOENT);
	assert_string_equal(message, "container db is not valid for pod a");
	assert_int_equal(agent_lookup.sandbox(node->agent, STR("ns"), STR("a"), id, message), 0);
	assert_int_equal(agent_lookup.sandbox(node->agent, STR("ns"), STR("b"), id, message),
			 -ENOENT);
}

static void all_pods_are_listed(void **state)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_BODY);
	struct node *node = *state;
	struct json_read_error error;
	json_t *list = NULL;
	bool found[2] = { false, false };
	const json_t *pod;
	size_t i;

	node_put_pod(node, "a", "{}");
	node_put_pod(node, "b", "{}");
	node_run(node, 5);
	agent_lookup.pods(node->agent, &text);
	assert_int_equal(json_read(buffer_str(&text), NULL, &list, &error), 0);
	assert_string_equal(json_string_at(list, "kind"), "PodList");
	assert_int_equal(json_array_size(json_at(list, "items")), 2);
	json_array_foreach (json_at(list, "items"), i, pod) {
		assert_string_equal(json_string_at(pod, "spec.nodeName"), "n1");
		assert_string_equal(json_string_at(pod, "status.phase"), "Running");
		found[json_string_at(pod, "metadata.name")[0] - 'a'] = true;
	}
	assert_true(found[0] && found[1]);
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(a_node_registers_with_what_it_is),
		T(all_pods_are_listed),
		T(other_machines_are_left_alone),
		T(a_lease_is_renewed_every_ten_seconds),
		T(a_quiet_node_is_not_written_between_heartbeats),
		T(a_node_without_its_runtime_is_not_ready),
		T(what_runs_is_taken_over_by_the_next_agent),
		T(an_exit_while_nobody_listened_is_seen_later),
		T(a_pod_deleted_while_nobody_listened_is_ended),
		T(nothing_is_left_over_before_the_api_has_told),
		T(a_runtime_that_comes_back_starts_nothing_twice),
		T(what_happened_while_the_runtime_was_lost_is_found_out),
		T(a_lost_answer_makes_nothing_twice),
		T(an_agent_may_be_killed_at_any_step),
		T(containers_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
