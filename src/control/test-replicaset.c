/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "control/test-world.h"
#include "object/kinds.h"
#include "json/json.h"

static void put_set(struct world *world, int replicas, const char *more)
{
	world_put(world, &kind_replica_set,
		  "{'metadata':{'name':'web','generation':1},'spec':{'replicas':%d%s,"
		  "'selector':{'matchLabels':{'app':'nginx'}},'template':{'metadata':{'labels':"
		  "{'app':'nginx','tier':'front'}},'spec':{'containers':[{'name':'nginx'}]}}}}",
		  replicas, more);
}

/* A running, ready pod of the set on `node`; `more` is metadata. */
static void put_pod(struct world *world, const char *name, const char *node, const char *more)
{
	world_put(world, &kind_pod,
		  "{'metadata':{'name':'%s','labels':{'app':'nginx'}%s,'ownerReferences':[{"
		  "'apiVersion':'apps/v1','kind':'ReplicaSet','name':'web','uid':'uid-web',"
		  "'controller':true}]},'spec':{'nodeName':'%s'},'status':{'phase':'Running',"
		  "'conditions':[{'type':'Ready','status':'True',"
		  "'lastTransitionTime':'2026-01-01T00:00:30Z'}]}}",
		  name, more, node);
}

static void change_pod(struct world *world, const char *name, const char *path, json_t *value)
{
	json_t *pod = world_get(world, &kind_pod, name);

	json_put(pod, path, value);
	world_put_tree(world, &kind_pod, pod);
}

static void step(struct world *world)
{
	world_reconcile(world, &controller_replicaset, "default/web");
}

static void missing_pods_are_created_with_names_that_events_tell(void **state)
{
	struct world *world = *state;
	char expected[512];
	char names[128];

	put_set(world, 2, "");
	step(world);
	snprintf(names, sizeof(names), "%s", world_did(world, "create", "Pod"));
	assert_int_equal(strlen(names), 2 * strlen("web-xxxxx") + 1);
	snprintf(expected, sizeof(expected),
		 "Normal SuccessfulCreate Created pod: %.9s\n"
		 "Normal SuccessfulCreate Created pod: %s\n",
		 names, names + 10);
	assert_string_equal(world_events(world), expected);
	const json_t *pod = world_body(world, "create", "Pod", NULL);

	assert_string_equal(json_string_at(pod, "metadata.generateName"), "web-");
	assert_string_equal(json_string_at(pod, "metadata.labels.tier"), "front");
	assert_string_equal(
		json_string_at(json_array_get(json_at(pod, "metadata.ownerReferences"), 0), "kind"),
		"ReplicaSet");
	world_take_creates(world);
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "");
}

static void finished_and_terminating_pods_do_not_count(void **state)
{
	struct world *world = *state;

	put_set(world, 3, "");
	put_pod(world, "web-a", "n1", "");
	put_pod(world, "web-b", "n1", "");
	put_pod(world, "web-c", "n1", "");
	change_pod(world, "web-a", "status.phase", json_string("Failed"));
	change_pod(world, "web-b", "metadata.deletionTimestamp",
		   json_string("2026-01-01T00:00:00Z"));
	step(world);
	assert_int_equal(strlen(world_did(world, "create", "Pod")), 2 * strlen("web-xxxxx") + 1);
	assert_int_equal(json_int_at(world_status(world, "ReplicaSet"), "replicas", 0), 1);
}

/* Scales the three ready pods a, b, c to two and says which one goes. */
static const char *who_goes(struct world *world)
{
	step(world);
	return world_did(world, "delete", "Pod");
}

static void put_three(struct world *world)
{
	put_set(world, 2, "");
	put_pod(world, "web-a", "n1", "");
	put_pod(world, "web-b", "n2", "");
	put_pod(world, "web-c", "n3", "");
}

static void pods_that_are_not_ready_go_first(void **state)
{
	struct world *world = *state;

	put_three(world);
	change_pod(world, "web-b", "status.conditions", json_array());
	assert_string_equal(who_goes(world), "web-b");
	assert_string_equal(world_events(world), "Normal SuccessfulDelete Deleted pod: web-b\n");
	change_pod(world, "web-c", "spec.nodeName", json_string(""));
	assert_string_equal(who_goes(world), "web-c");
}

static void deletion_cost_decides_among_ready_pods(void **state)
{
	struct world *world = *state;

	put_set(world, 2, "");
	put_pod(world, "web-a", "n1",
		",'annotations':{'controller.kubernetes.io/pod-deletion-cost':'10'}");
	put_pod(world, "web-b", "n2", "");
	put_pod(world, "web-c", "n3",
		",'annotations':{'controller.kubernetes.io/pod-deletion-cost':'-5'}");
	assert_string_equal(who_goes(world), "web-c");
}

static void crowded_nodes_lose_pods_first(void **state)
{
	struct world *world = *state;

	put_three(world);
	change_pod(world, "web-b", "spec.nodeName", json_string("n3"));
	/* Of the two on n3, the one that is ready for a shorter time. */
	change_pod(world, "web-b", "status.conditions",
		   world_json("[{'type':'Ready','status':'True',"
			      "'lastTransitionTime':'2026-01-01T00:00:40Z'}]"));
	assert_string_equal(who_goes(world), "web-b");
}

static void younger_and_restarted_pods_go_first(void **state)
{
	struct world *world = *state;

	put_three(world);
	change_pod(world, "web-b", "metadata.creationTimestamp",
		   json_string("2026-01-01T00:00:05Z"));
	assert_string_equal(who_goes(world), "web-b");
	change_pod(world, "web-c", "status.containerStatuses", world_json("[{'restartCount':3}]"));
	assert_string_equal(who_goes(world), "web-c");
}

static void the_status_counts_labels_readiness_and_availability(void **state)
{
	struct world *world = *state;
	const json_t *status;

	put_set(world, 3, ",'minReadySeconds':600");
	put_pod(world, "web-a", "n1", "");
	put_pod(world, "web-b", "n1", "");
	put_pod(world, "web-c", "n1", "");
	change_pod(world, "web-a", "metadata.labels.tier", json_string("front"));
	change_pod(world, "web-b", "status.conditions", json_array());
	change_pod(world, "web-c", "status.conditions",
		   world_json("[{'type':'Ready','status':'True',"
			      "'lastTransitionTime':'2025-12-31T00:00:00Z'}]"));
	step(world);
	status = world_status(world, "ReplicaSet");
	assert_int_equal(json_int_at(status, "replicas", 0), 3);
	assert_int_equal(json_int_at(status, "fullyLabeledReplicas", 0), 1);
	assert_int_equal(json_int_at(status, "readyReplicas", 0), 2);
	assert_int_equal(json_int_at(status, "availableReplicas", 0), 1);
	assert_int_equal(json_int_at(status, "observedGeneration", 0), 1);
	assert_int_equal(plan_requeue_after(world->plan), 30 * NS_PER_S);
}

static void a_failed_plan_becomes_a_condition_and_goes_again(void **state)
{
	struct world *world = *state;
	const json_t *condition;

	put_set(world, 1, "");
	world->failure = "quota exceeded";
	step(world);
	condition =
		json_array_get(json_object_get(world_status(world, "ReplicaSet"), "conditions"), 0);
	assert_string_equal(json_string_at(condition, "type"), "ReplicaFailure");
	assert_string_equal(json_string_at(condition, "reason"), "FailedCreate");
	assert_string_equal(json_string_at(condition, "message"), "quota exceeded");
	json_t *set = world_get(world, &kind_replica_set, "web");

	json_object_set(set, "status", (json_t *)world_status(world, "ReplicaSet"));
	world_put_tree(world, &kind_replica_set, set);
	step(world);
	assert_null(world_status(world, "ReplicaSet"));
	world_take_creates(world);
	world->failure = NULL;
	step(world);
	assert_true(json_is_null(json_object_get(world_status(world, "ReplicaSet"), "conditions")));
}

static void orphans_are_adopted_before_pods_are_made(void **state)
{
	struct world *world = *state;

	put_set(world, 1, "");
	world_put(world, &kind_pod, "{'metadata':{'name':'stray','labels':{'app':'nginx'}}}");
	world_put(world, &kind_pod,
		  "{'metadata':{'name':'done','labels':{'app':'nginx'}},"
		  "'status':{'phase':'Succeeded'}}");
	step(world);
	assert_string_equal(world_did(world, "update", "Pod"), "stray");
	assert_string_equal(world_did(world, "create", "Pod"), "");
}

static void a_pod_that_loses_its_label_is_released(void **state)
{
	struct world *world = *state;

	put_set(world, 1, "");
	put_pod(world, "web-a", "n1", "");
	change_pod(world, "web-a", "metadata.labels", world_json("{'app':'other'}"));
	step(world);
	const json_t *body = world_body(world, "update", "Pod", "web-a");

	assert_non_null(body);
	assert_null(json_at(body, "metadata.ownerReferences"));
}

static void a_burst_is_bounded(void **state)
{
	struct world *world = *state;

	put_set(world, 100000, "");
	step(world);
	assert_int_equal(strlen(world_did(world, "create", "Pod")),
			 LIMIT_WORKLOAD_BURST * strlen("web-xxxxx ") - 1);
}

static void a_set_that_goes_makes_nothing(void **state)
{
	struct world *world = *state;
	json_t *set;

	put_set(world, 2, "");
	set = world_get(world, &kind_replica_set, "web");
	json_put(set, "metadata.deletionTimestamp", json_string("2026-01-01T00:00:00Z"));
	world_put_tree(world, &kind_replica_set, set);
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(missing_pods_are_created_with_names_that_events_tell),
		TEST(finished_and_terminating_pods_do_not_count),
		TEST(pods_that_are_not_ready_go_first),
		TEST(deletion_cost_decides_among_ready_pods),
		TEST(crowded_nodes_lose_pods_first),
		TEST(younger_and_restarted_pods_go_first),
		TEST(the_status_counts_labels_readiness_and_availability),
		TEST(a_failed_plan_becomes_a_condition_and_goes_again),
		TEST(orphans_are_adopted_before_pods_are_made),
		TEST(a_pod_that_loses_its_label_is_released),
		TEST(a_burst_is_bounded),
		TEST(a_set_that_goes_makes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
