/* SPDX-License-Identifier: Apache-2.0 */
/* The lives and deaths of pods and containers, against a fake runtime in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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

static void a_pod_runs_has_an_address_and_goes(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{}");
	node_run(node, 1);
	assert_string_equal(node_phase(node, "a"), "Running");
	assert_string_equal(node_condition(node, "a", "Ready"), "True");
	assert_string_equal(node_condition(node, "a", "Initialized"), "True");
	assert_string_equal(node_condition(node, "a", "PodReadyToStartContainers"), "True");
	assert_memory_equal(json_string_at(node_pod(node, "a"), "status.podIP"), "10.244.0.", 9);
	assert_string_equal(json_string_at(node_pod(node, "a"), "status.hostIP"), "192.0.2.1");
	assert_non_null(node_container(node, "a", "web", "state.running"));
	assert_int_equal(node_events(node, "Pulled", "already present on machine"), 1);
	assert_int_equal(node_events(node, "Created", "Created container: web"), 1);
	assert_int_equal(node_events(node, "Started", "Started container web"), 1);
	fake_delete(node->api, &kind_pod, "ns", "a", -1);
	node_run(node, 5);
	assert_null(node_pod(node, "a"));
	assert_int_equal(fake_runtime_sandboxes(node->fake, false), 0);
	assert_int_equal(fake_runtime_count(node->fake, "web"), 0);
	assert_int_equal(node->removals, 1);
	assert_int_equal(node_events(node, "Killing", "Stopping container web"), 1);
}

static void a_pod_waits_for_its_volumes(void **state)
{
	struct node *node = *state;

	node->wait_for_volumes = true;
	node_put_pod(node, "a", "{}");
	node_run(node, 5);
	assert_string_equal(node_phase(node, "a"), "Pending");
	assert_string_equal(node_text(node, "a", "web", "state.waiting.reason"),
			    "ContainerCreating");
	assert_true(node_events(node, "FailedMount", "configmap \"c\" not found") > 0);
	node->wait_for_volumes = false;
	fake_create(node->api, &kind_config_map,
		    json_pack("{s{ssss}}", "metadata", "name", "c", "namespace", "ns"));
	node_run(node, 0); /* at once, not when the pause is over */
	assert_string_equal(node_phase(node, "a"), "Running");
}

static void a_sandbox_that_fails_is_tried_again(void **state)
{
	struct node *node = *state;

	fake_runtime_fail(node->fake, RUNTIME_RUN_POD_SANDBOX, 3, GRPC_UNKNOWN, "no network");
	node_put_pod(node, "a", "{}");
	node_run(node, 3);
	assert_string_equal(node_phase(node, "a"), "Pending");
	assert_true(node_events(node, "FailedCreatePodSandBox", "no network") > 0);
	node_run(node, 20);
	assert_string_equal(node_phase(node, "a"), "Running");
	assert_int_equal(fake_runtime_sandboxes(node->fake, false), 1);
}

static void a_pod_whose_sandbox_never_comes_goes_at_once(void **state)
{
	struct node *node = *state;

	fake_runtime_fail(node->fake, RUNTIME_RUN_POD_SANDBOX, 1000, GRPC_UNKNOWN, "no network");
	node_put_pod(node, "a", "{}");
	node_run(node, 100);
	fake_delete(node->api, &kind_pod, "ns", "a", -1);
	node_run(node, 0);
	assert_null(node_pod(node, "a"));
}

static void init_containers_run_one_after_the_other(void **state)
{
	struct node *node = *state;

	node_put_pod(
		node, "a",
		"{'initContainers':[{'name':'one','image':'i:1'},{'name':'two','image':'i:1'}]}");
	node_run(node, 1);
	assert_int_equal(fake_runtime_running(node->fake, "one"), 1);
	assert_int_equal(fake_runtime_count(node->fake, "two"), 0);
	assert_int_equal(fake_runtime_count(node->fake, "web"), 0);
	assert_string_equal(node_phase(node, "a"), "Pending");
	assert_string_equal(node_text(node, "a", "web", "state.waiting.reason"), "PodInitializing");
	assert_string_equal(node_condition(node, "a", "Initialized"), "False");
	fake_runtime_exit(node->fake, "one", 0);
	node_run(node, 1);
	assert_int_equal(fake_runtime_running(node->fake, "two"), 1);
	fake_runtime_exit(node->fake, "two", 0);
	node_run(node, 1);
	assert_int_equal(fake_runtime_running(node->fake, "web"), 1);
	assert_string_equal(node_condition(node, "a", "Initialized"), "True");
	assert_string_equal(node_text(node, "a", "one", "state.terminated.reason"), "Completed");
}

static void a_failing_init_container_is_tried_again(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{'initContainers':[{'name':'one','image':'i:1'}]}");
	fake_runtime_exit_at_once(node->fake, "one", 1);
	node_run(node, 5);
	assert_int_equal(node_restarts(node, "a", "one"), 1);
	assert_string_equal(node_text(node, "a", "one", "state.waiting.reason"),
			    "CrashLoopBackOff");
	fake_runtime_exit_at_once(node->fake, "one", 0);
	node_run(node, 10);
	assert_int_equal(fake_runtime_running(node->fake, "web"), 1);
}

static void a_failing_init_container_fails_a_pod_that_never_restarts(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a",
		     "{'restartPolicy':'Never','initContainers':[{'name':'one','image':'i:1'}]}");
	fake_runtime_exit_at_once(node->fake, "one", 1);
	node_run(node, 5);
	assert_string_equal(node_phase(node, "a"), "Failed");
	assert_int_equal(fake_runtime_count(node->fake, "web"), 0);
	assert_int_equal(fake_runtime_sandboxes(node->fake, true), 0);
}

#define SIDECAR                                                                                    \
	"{'initContainers':[{'name':'side','image':'i:1','restartPolicy':'Always'},"               \
	"{'name':'one','image':'i:1'}]"

static void a_sidecar_runs_on_beside_the_others(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", SIDECAR "}");
	node_run(node, 1);
	assert_int_equal(fake_runtime_running(node->fake, "side"), 1);
	assert_int_equal(fake_runtime_running(node->fake, "one"), 1);
	fake_runtime_exit(node->fake, "one", 0);
	node_run(node, 1);
	assert_int_equal(fake_runtime_running(node->fake, "web"), 1);
	assert_string_equal(node_condition(node, "a", "Ready"), "True");
	fake_runtime_exit(node->fake, "side", 0);
	node_run(node, 1);
	assert_int_equal(fake_runtime_running(node->fake, "side"), 1);
	assert_int_equal(node_restarts(node, "a", "side"), 1);
}

static void sidecars_end_last(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a",
		     "{'initContainers':[{'name':'s1','image':'i:1','restartPolicy':'Always'},"
		     "{'name':'s2','image':'i:1','restartPolicy':'Always'}]}");
	fake_runtime_stubborn(node->fake, "web", 5 * NS_PER_S);
	node_run(node, 1);
	assert_string_equal(node_condition(node, "a", "Ready"), "True");
	fake_delete(node->api, &kind_pod, "ns", "a", -1);
	node_run(node, 3);
	assert_string_equal(fake_runtime_stops(node->fake), "web");
	node_run(node, 5);
	assert_string_equal(fake_runtime_stops(node->fake), "web,s2,s1");
	assert_null(node_pod(node, "a"));
}

static void sidecars_do_not_keep_a_pod_that_is_done(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", SIDECAR ",'restartPolicy':'Never'}");
	fake_runtime_exit_at_once(node->fake, "one", 0);
	node_run(node, 1);
	fake_runtime_exit(node->fake, "web", 0);
	node_run(node, 1);
	assert_string_equal(node_phase(node, "a"), "Succeeded");
	assert_int_equal(fake_runtime_running(node->fake, "side"), 0);
	assert_int_equal(fake_runtime_sandboxes(node->fake, true), 0);
}

/* ---- restarts ---- */

static void restarts_wait_longer_and_longer(void **state)
{
	struct node *node = *state;
	/* Restarts after so many seconds: at once, 10, 20, 40, 80, 160, 300, 300. */
	static const struct {
		uint64_t seconds;
		int64_t restarts;
	} at[] = { { 1, 1 },  { 8, 1 },   { 3, 2 },  { 16, 2 },  { 4, 3 },
		   { 36, 3 }, { 5, 4 },   { 76, 4 }, { 6, 5 },   { 155, 5 },
		   { 8, 6 },  { 290, 6 }, { 12, 7 }, { 285, 7 }, { 20, 8 } };

	fake_runtime_exit_at_once(node->fake, "web", 1);
	node_put_pod(node, "a", "{}");
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		node_run(node, at[i].seconds);
		assert_int_equal(node_restarts(node, "a", "web"), at[i].restarts);
		assert_string_equal(node_text(node, "a", "web", "state.waiting.reason"),
				    "CrashLoopBackOff");
	}
	assert_non_null(strstr(node_text(node, "a", "web", "state.waiting.message"),
			       "back-off 5m0s restarting failed container=web pod=a_ns("));
	assert_string_equal(node_phase(node, "a"), "Running");
	assert_true(node_events(node, "BackOff", "Back-off restarting failed container web") > 0);
	assert_int_equal(fake_runtime_count(node->fake, "web"), 2); /* this life and the last */
}

static void an_end_counts_before_the_runtime_knows_of_it(void **state)
{
	struct node *node = *state;

	fake_runtime_lag(node->fake, 3);
	fake_runtime_exit_at_once(node->fake, "web", 1);
	node_put_pod(node, "a", "{}");
	node_run(node, 2);
	assert_int_equal(node_restarts(node, "a", "web"), 1);
	fake_runtime_exit_at_once(node->fake, "web", -1);
	node_run(node, 15);
	assert_string_equal(node_condition(node, "a", "Ready"), "True");
	fake_runtime_exit(node->fake, "web", 2);
	node_run(node, 1);
	assert_int_equal(json_integer_value(
				 node_container(node, "a", "web", "lastState.terminated.exitCode")),
			 2);
}

static void ten_good_minutes_forgive_a_crash(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{}");
	node_run(node, 1);
	fake_runtime_exit(node->fake, "web", 1);
	node_run(node, 1);
	fake_runtime_exit(node->fake, "web", 1);
	node_run(node, 11);
	assert_int_equal(node_restarts(node, "a", "web"), 2);
	node_run(node, 700);
	fake_runtime_exit(node->fake, "web", 1);
	node_run(node, 1);
	assert_int_equal(node_restarts(node, "a", "web"), 3);
	assert_int_equal(fake_runtime_running(node->fake, "web"), 1);
}

static void on_failure_restarts_failures_only(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{'restartPolicy':'OnFailure'}");
	node_run(node, 1);
	fake_runtime_exit(node->fake, "web", 2);
	node_run(node, 1);
	assert_int_equal(node_restarts(node, "a", "web"), 1);
	fake_runtime_exit(node->fake, "web", 0);
	node_run(node, 1);
	assert_string_equal(node_phase(node, "a"), "Succeeded");
	assert_string_equal(node_condition(node, "a", "Ready"), "False");
	assert_non_null(node_pod(node, "a")); /* and its containers, for their logs */
	assert_true(fake_runtime_count(node->fake, "web") > 0);
}

static void never_ends_in_failure(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{'restartPolicy':'Never'}");
	node_run(node, 1);
	fake_runtime_out_of_memory(node->fake, "web");
	node_run(node, 1);
	assert_string_equal(node_phase(node, "a"), "Failed");
	assert_string_equal(node_text(node, "a", "web", "state.terminated.reason"), "OOMKilled");
	fake_delete(node->api, &kind_pod, "ns", "a", -1);
	node_run(node, 5);
	assert_null(node_pod(node, "a"));
	assert_int_equal(fake_runtime_sandboxes(node->fake, false), 0);
}

static void a_changed_image_restarts_the_container(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{}");
	node_run(node, 1);
	fake_patch(node->api, &kind_pod, "ns", "a", NULL,
		   json_pack("{s{s[{ssss}]}}", "spec", "containers", "name", "web", "image",
			     "nginx:1.28"));
	node_run(node, 1);
	assert_int_equal(node_restarts(node, "a", "web"), 1);
	assert_string_equal(node_text(node, "a", "web", "image"), "nginx:1.28");
	assert_int_equal(node_events(node, "Killing", "definition changed"), 1);
}

static void a_dead_sandbox_is_replaced(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{'initContainers':[{'name':'one','image':'i:1'}]}");
	fake_runtime_exit_at_once(node->fake, "one", 0);
	node_run(node, 1);
	char ip[64];
	snprintf(ip, sizeof(ip), "%s", json_string_at(node_pod(node, "a"), "status.podIP"));
	fake_runtime_kill_sandbox(node->fake, "a");
	node_run(node, 10);
	assert_string_equal(node_condition(node, "a", "Ready"), "True");
	assert_string_not_equal(json_string_at(node_pod(node, "a"), "status.podIP"), ip);
	assert_int_equal(node_restarts(node, "a", "web"), 1);
	assert_int_equal(node_restarts(node, "a", "one"), 1);
	assert_int_equal(fake_runtime_sandboxes(node->fake, false), 1);
	assert_int_equal(node_events(node, "SandboxChanged", ""), 1);
}

/* ---- images and configuration ---- */

static void an_image_that_is_missing_is_pulled(void **state)
{
	struct node *node = *state;

	fake_runtime_images(node->fake, NULL);
	node_put_pod(node, "a", "{}");
	node_run(node, 1);
	assert_string_equal(node_phase(node, "a"), "Running");
	assert_int_equal(node_events(node, "Pulling", "Pulling image \"nginx:1.27\""), 1);
	assert_int_equal(node_events(node, "Pulled", "Successfully pulled image"), 1);
}

static void a_failing_pull_backs_off(void **state)
{
	struct node *node = *state;

	fake_runtime_images(node->fake, NULL);
	fake_runtime_pulls(node->fake, false);
	node_put_pod(node, "a", "{}");
	node_run(node, 1);
	assert_string_equal(node_text(node, "a", "web", "state.waiting.reason"), "ErrImagePull");
	node_run(node, 4);
	assert_string_equal(node_text(node, "a", "web", "state.waiting.reason"),
			    "ImagePullBackOff");
	assert_int_equal(fake_runtime_calls(node->fake, RUNTIME_PULL_IMAGE), 1);
	node_run(node, 6);
	assert_int_equal(fake_runtime_calls(node->fake, RUNTIME_PULL_IMAGE), 2);
	node_run(node, 15);
	assert_int_equal(fake_runtime_calls(node->fake, RUNTIME_PULL_IMAGE), 2);
	node_run(node, 6);
	assert_int_equal(fake_runtime_calls(node->fake, RUNTIME_PULL_IMAGE), 3);
	assert_true(node_events(node, "BackOff", "Back-off pulling image") > 0);
	assert_true(node_events(node, "Failed", "no such registry") > 0);
	fake_runtime_pulls(node->fake, true);
	node_run(node, 50);
	assert_string_equal(node_phase(node, "a"), "Running");
}

static void always_pulls_what_is_there(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{'containers':[{'name':'web','image':'nginx'}]}");
	node_run(node, 1);
	assert_int_equal(fake_runtime_calls(node->fake, RUNTIME_PULL_IMAGE), 1);
	assert_string_equal(node_phase(node, "a"), "Running");
}

static void an_image_loaded_by_hand_is_not_sought_elsewhere(void **state)
{
	struct node *node = *state;

	fake_runtime_loaded(node->fake, true);
	node_put_pod(node, "a", "{'containers':[{'name':'web','image':'nginx'}]}");
	node_run(node, 1);
	assert_int_equal(fake_runtime_calls(node->fake, RUNTIME_PULL_IMAGE), 0);
	assert_string_equal(node_phase(node, "a"), "Running");
	assert_string_equal(node_text(node, "a", "web", "imageID"), "sha256:1");
}

static void an_image_that_is_here_serves_without_a_registry(void **state)
{
	struct node *node = *state;

	fake_runtime_pulls(node->fake, false);
	node_put_pod(node, "a", "{'containers':[{'name':'web','image':'nginx:latest'}]}");
	node_run(node, 1);
	assert_string_equal(node_phase(node, "a"), "Running");
	assert_int_equal(node_events(node, "Failed", "using the one that is present"), 1);
}

static void never_does_not_pull(void **state)
{
	struct node *node = *state;

	fake_runtime_images(node->fake, NULL);
	node_put_pod(node, "a",
		     "{'containers':[{'name':'web','image':'x:1','imagePullPolicy':'Never'}]}");
	node_run(node, 1);
	assert_string_equal(node_text(node, "a", "web", "state.waiting.reason"),
			    "ErrImageNeverPull");
	assert_int_equal(fake_runtime_calls(node->fake, RUNTIME_PULL_IMAGE), 0);
}

static void a_missing_secret_is_waited_for(void **state)
{
	struct node *node = *state;

	node->wait_for_config = true;
	node_put_pod(node, "a", "{}");
	node_run(node, 1);
	assert_string_equal(node_text(node, "a", "web", "state.waiting.reason"),
			    "CreateContainerConfigError");
	assert_string_equal(node_text(node, "a", "web", "state.waiting.message"),
			    "secret \"s\" not found");
	node->wait_for_config = false;
	fake_create(node->api, &kind_secret,
		    json_pack("{s{ssss}}", "metadata", "name", "s", "namespace", "ns"));
	node_run(node, 0);
	assert_string_equal(node_phase(node, "a"), "Running");
}

static void a_container_that_cannot_be_made_is_tried_again(void **state)
{
	struct node *node = *state;

	fake_runtime_fail(node->fake, RUNTIME_CREATE_CONTAINER, 1, GRPC_UNKNOWN, "bad mount");
	node_put_pod(node, "a", "{}");
	node_run(node, 1);
	assert_string_equal(node_text(node, "a", "web", "state.waiting.reason"),
			    "CreateContainerError");
	assert_string_equal(node_text(node, "a", "web", "state.waiting.message"), "bad mount");
	node_run(node, 15);
	assert_string_equal(node_phase(node, "a"), "Running");
}

static void ports_of_the_node_belong_to_one_pod(void **state)
{
	struct node *node = *state;
	static const char spec[] = "{'containers':[{'name':'web','image':'nginx:1',"
				   "'ports':[{'containerPort':80,'hostPort':80}]}]}";

	node_put_pod(node, "b", spec);
	node_run(node, 1);
	node_put_pod(node, "a", spec);
	node_run(node, 1);
	assert_string_equal(node_phase(node, "b"), "Running");
	assert_string_equal(node_phase(node, "a"), "Failed");
	assert_string_equal(json_string_at(node_pod(node, "a"), "status.reason"), "NodePorts");
	assert_int_equal(fake_runtime_sandboxes(node->fake, false), 1);
	fake_delete(node->api, &kind_pod, "ns", "a", -1);
	node_run(node, 1);
	assert_null(node_pod(node, "a"));
}

/* ---- the end ---- */

static void a_stubborn_container_gets_its_grace(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{'terminationGracePeriodSeconds':20}");
	fake_runtime_stubborn(node->fake, "web", 1000 * NS_PER_S);
	node_run(node, 1);
	fake_delete(node->api, &kind_pod, "ns", "a", -1);
	node_run(node, 18);
	assert_non_null(node_pod(node, "a"));
	assert_int_equal(fake_runtime_running(node->fake, "web"), 1);
	assert_int_equal(fake_runtime_last_timeout(node->fake), 20);
	node_run(node, 4);
	assert_null(node_pod(node, "a"));
	assert_int_equal(fake_runtime_sandboxes(node->fake, false), 0);
}

static void an_end_can_be_hurried(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{'terminationGracePeriodSeconds':600}");
	fake_runtime_stubborn(node->fake, "web", 1000 * NS_PER_S);
	node_run(node, 1);
	fake_delete(node->api, &kind_pod, "ns", "a", -1);
	node_run(node, 10);
	fake_delete(node->api, &kind_pod, "ns", "a", 3);
	node_run(node, 6);
	assert_null(node_pod(node, "a"));
	assert_int_equal(fake_runtime_count(node->fake, "web"), 0);
}

static void a_pod_forced_out_of_the_api_is_still_ended(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{'terminationGracePeriodSeconds':5}");
	node_run(node, 1);
	fake_delete(node->api, &kind_pod, "ns", "a", 0);
	assert_null(node_pod(node, "a"));
	node_put_pod(node, "a", "{}"); /* the next of its name does not wait for it */
	node_run(node, 10);
	assert_string_equal(node_condition(node, "a", "Ready"), "True");
	assert_int_equal(fake_runtime_running(node->fake, "web"), 1);
	assert_int_equal(fake_runtime_sandboxes(node->fake, false), 1);
}

static void a_pod_is_ended_while_it_waits_for_an_image(void **state)
{
	struct node *node = *state;

	fake_runtime_images(node->fake, NULL);
	fake_runtime_pulls(node->fake, false);
	node_put_pod(node, "a", "{}");
	node_run(node, 30);
	fake_delete(node->api, &kind_pod, "ns", "a", -1);
	node_run(node, 1);
	assert_null(node_pod(node, "a"));
	assert_int_equal(fake_runtime_sandboxes(node->fake, false), 0);
}

static void what_cannot_be_removed_now_is_removed_later(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{}");
	node_run(node, 1);
	fake_runtime_fail(node->fake, RUNTIME_STOP_CONTAINER, 2, GRPC_UNKNOWN, "busy");
	fake_runtime_fail(node->fake, RUNTIME_STOP_POD_SANDBOX, 2, GRPC_UNKNOWN, "busy");
	fake_runtime_fail(node->fake, RUNTIME_REMOVE_POD_SANDBOX, 2, GRPC_UNKNOWN, "busy");
	fake_delete(node->api, &kind_pod, "ns", "a", -1);
	node_run(node, 60);
	assert_null(node_pod(node, "a"));
	assert_int_equal(fake_runtime_sandboxes(node->fake, false), 0);
}

static void a_finalizer_keeps_the_object_and_nothing_else(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{}");
	node_run(node, 1);
	fake_patch(node->api, &kind_pod, "ns", "a", NULL,
		   json_pack("{s{s[s]}}", "metadata", "finalizers", "example.com/f"));
	fake_delete(node->api, &kind_pod, "ns", "a", -1);
	node_run(node, 60);
	assert_string_equal(node_phase(node, "a"), "Succeeded");
	assert_int_equal(fake_runtime_sandboxes(node->fake, false), 0);
	fake_patch(node->api, &kind_pod, "ns", "a", NULL,
		   json_pack("{s{sn}}", "metadata", "finalizers"));
	node_run(node, 5);
	assert_null(node_pod(node, "a"));
}

static void a_deadline_ends_a_pod(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{'activeDeadlineSeconds':30}");
	node_run(node, 28);
	assert_string_equal(node_phase(node, "a"), "Running");
	node_run(node, 5);
	assert_string_equal(node_phase(node, "a"), "Failed");
	assert_string_equal(json_string_at(node_pod(node, "a"), "status.reason"),
			    "DeadlineExceeded");
	assert_int_equal(fake_runtime_running(node->fake, "web"), 0);
}

/* ---- hooks ---- */

#define HOOKED(hook)                                                                               \
	"{'containers':[{'name':'web','image':'nginx:1','lifecycle':{" hook "}}],"                 \
	"'terminationGracePeriodSeconds':20}"

static void pre_stop_comes_before_the_signal(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", HOOKED("'preStop':{'sleep':{'seconds':7}}"));
	node_run(node, 1);
	fake_delete(node->api, &kind_pod, "ns", "a", -1);
	node_run(node, 6);
	assert_string_equal(fake_runtime_stops(node->fake), "");
	node_run(node, 2);
	assert_string_equal(fake_runtime_stops(node->fake), "web");
	assert_int_equal(fake_runtime_last_timeout(node->fake), 13); /* what is left of 20 */
	assert_null(node_pod(node, "a"));
}

static void pre_stop_ends_with_the_grace(void **state)
{
	struct node *node = *state;

	fake_runtime_commands(node->fake, 0, 1000 * NS_PER_S);
	node_put_pod(node, "a", HOOKED("'preStop':{'exec':{'command':['sleep','1000']}}"));
	node_run(node, 1);
	fake_delete(node->api, &kind_pod, "ns", "a", -1);
	node_run(node, 19);
	assert_string_equal(fake_runtime_stops(node->fake), "");
	node_run(node, 3);
	assert_string_equal(fake_runtime_stops(node->fake), "web");
	assert_int_equal(fake_runtime_last_timeout(node->fake), 2); /* the least */
	node_run(node, 5);
	assert_null(node_pod(node, "a"));
}

static void a_failing_post_start_kills(void **state)
{
	struct node *node = *state;

	fake_runtime_commands(node->fake, 1, 0);
	node_put_pod(node, "a", HOOKED("'postStart':{'exec':{'command':['false']}}"));
	node_run(node, 1);
	assert_int_equal(node_restarts(node, "a", "web"), 1);
	assert_true(node_events(node, "FailedPostStartHook", "") > 0);
	fake_runtime_commands(node->fake, 0, 0);
	node_run(node, 30);
	assert_string_equal(node_condition(node, "a", "Ready"), "True");
}

/* ---- probes ---- */

#define PROBED(probes)                                                                             \
	"{'containers':[{'name':'web','image':'nginx:1','ports':[{'name':'http',"                  \
	"'containerPort':8080}]," probes "}]}"

static void readiness_follows_the_probe(void **state)
{
	struct node *node = *state;

	node->knock_status = 503;
	node_put_pod(node, "a",
		     PROBED("'readinessProbe':{'httpGet':{'path':'/','port':'http'},"
			    "'periodSeconds':5,'failureThreshold':2}"));
	node_run(node, 3);
	assert_string_equal(node_phase(node, "a"), "Running");
	assert_string_equal(node_condition(node, "a", "Ready"), "False");
	assert_true(node_events(node, "Unhealthy",
				"Readiness probe failed: HTTP probe failed with statuscode: 503") >
		    0);
	assert_non_null(strstr(node->knocked, ":8080"));
	node->knock_status = 200;
	node_run(node, 5);
	assert_string_equal(node_condition(node, "a", "Ready"), "True");
	node->knock_status = 0;
	node_run(node, 5);
	assert_string_equal(node_condition(node, "a", "Ready"), "True"); /* once is not enough */
	node_run(node, 5);
	assert_string_equal(node_condition(node, "a", "Ready"), "False");
	assert_int_equal(node_restarts(node, "a", "web"), 0);
}

static void liveness_restarts(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a",
		     PROBED("'livenessProbe':{'exec':{'command':['true']},"
			    "'initialDelaySeconds':15,'periodSeconds':5,'failureThreshold':3}"));
	fake_runtime_commands(node->fake, 1, 0);
	node_run(node, 14);
	assert_int_equal(fake_runtime_calls(node->fake, RUNTIME_EXEC_SYNC), 0);
	node_run(node, 8);
	assert_int_equal(node_restarts(node, "a", "web"), 0);
	node_run(node, 5);
	assert_int_equal(node_restarts(node, "a", "web"), 1);
	assert_int_equal(node_events(node, "Killing", "failed liveness probe, will be restarted"),
			 1);
}

static void a_slow_command_fails_its_probe(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a",
		     PROBED("'readinessProbe':{'exec':{'command':['true']},'periodSeconds':5}"));
	fake_runtime_commands(node->fake, 0, 3 * NS_PER_S);
	node_run(node, 20);
	assert_string_equal(node_condition(node, "a", "Ready"), "False");
	assert_true(node_events(node, "Unhealthy", "command timed out") > 0);
}

static void others_wait_for_the_startup_probe(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a",
		     PROBED("'startupProbe':{'tcpSocket':{'port':8080},'periodSeconds':1,"
			    "'failureThreshold':30},"
			    "'livenessProbe':{'exec':{'command':['true']},'periodSeconds':1}"));
	node->knock_status = 0;
	node_run(node, 20);
	assert_int_equal(fake_runtime_calls(node->fake, RUNTIME_EXEC_SYNC), 0);
	assert_string_equal(node_condition(node, "a", "Ready"), "False");
	assert_int_equal(node_restarts(node, "a", "web"), 0);
	node->knock_status = 200;
	node_run(node, 3);
	assert_string_equal(node_condition(node, "a", "Ready"), "True");
	assert_true(fake_runtime_calls(node->fake, RUNTIME_EXEC_SYNC) > 0);
}

static void readiness_gates_are_followed(void **state)
{
	struct node *node = *state;

	node_put_pod(node, "a", "{'readinessGates':[{'conditionType':'example.com/ok'}]}");
	node_run(node, 1);
	assert_string_equal(node_condition(node, "a", "ContainersReady"), "True");
	assert_string_equal(node_condition(node, "a", "Ready"), "False");
	json_t *conditions = json_deep_copy(json_at(node_pod(node, "a"), "status.conditions"));
	json_array_append_new(conditions,
			      json_pack("{ssss}", "type", "example.com/ok", "status", "True"));
	fake_patch(node->api, &kind_pod, "ns", "a", "status",
		   json_pack("{s{so}}", "status", "conditions", conditions));
	node_run(node, 1);
	assert_string_equal(node_condition(node, "a", "Ready"), "True");
	assert_string_equal(node_condition(node, "a", "example.com/ok"), "True");
}

static void a_pod_is_written_seldom(void **state)
{
	struct node *node = *state;
	uint64_t before = fake_revision(node->api);

	node_put_pod(node, "a", "{}");
	node_run(node, 5);
	/* The pod itself, three events, and what its status needs. */
	assert_in_range(fake_revision(node->api) - before, 5, 9);
	before = fake_revision(node->api);
	node_run(node, 100);
	assert_in_range(fake_revision(node->api) - before, 0, 11); /* leases */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(a_pod_runs_has_an_address_and_goes),
		T(a_pod_waits_for_its_volumes),
		T(a_sandbox_that_fails_is_tried_again),
		T(a_pod_whose_sandbox_never_comes_goes_at_once),
		T(init_containers_run_one_after_the_other),
		T(a_failing_init_container_is_tried_again),
		T(a_failing_init_container_fails_a_pod_that_never_restarts),
		T(a_sidecar_runs_on_beside_the_others),
		T(sidecars_end_last),
		T(sidecars_do_not_keep_a_pod_that_is_done),
		T(restarts_wait_longer_and_longer),
		T(an_end_counts_before_the_runtime_knows_of_it),
		T(ten_good_minutes_forgive_a_crash),
		T(on_failure_restarts_failures_only),
		T(never_ends_in_failure),
		T(a_changed_image_restarts_the_container),
		T(a_dead_sandbox_is_replaced),
		T(an_image_that_is_missing_is_pulled),
		T(a_failing_pull_backs_off),
		T(always_pulls_what_is_there),
		T(an_image_loaded_by_hand_is_not_sought_elsewhere),
		T(an_image_that_is_here_serves_without_a_registry),
		T(never_does_not_pull),
		T(a_missing_secret_is_waited_for),
		T(a_container_that_cannot_be_made_is_tried_again),
		T(ports_of_the_node_belong_to_one_pod),
		T(a_stubborn_container_gets_its_grace),
		T(an_end_can_be_hurried),
		T(a_pod_forced_out_of_the_api_is_still_ended),
		T(a_pod_is_ended_while_it_waits_for_an_image),
		T(what_cannot_be_removed_now_is_removed_later),
		T(a_finalizer_keeps_the_object_and_nothing_else),
		T(a_deadline_ends_a_pod),
		T(pre_stop_comes_before_the_signal),
		T(pre_stop_ends_with_the_grace),
		T(a_failing_post_start_kills),
		T(readiness_follows_the_probe),
		T(liveness_restarts),
		T(a_slow_command_fails_its_probe),
		T(others_wait_for_the_startup_probe),
		T(readiness_gates_are_followed),
		T(a_pod_is_written_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
