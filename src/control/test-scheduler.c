/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/resources.h"
#include "control/status.h"
#include "control/test-world.h"
#include "object/kinds.h"
#include "object/quantity.h"
#include "json/json.h"

#define READY "'conditions':[{'type':'Ready','status':'True'}]"

/* A ready node; `spec` and `status` are more fields of them. */
static void put_node(struct world *world, const char *name, const char *spec, const char *status)
{
	world_put(world, &kind_node,
		  "{'metadata':{'name':'%s','labels':{'kubernetes.io/hostname':'%s','disk':'%s'}},"
		  "'spec':{%s},'status':{" READY "%s}}",
		  name, name, strcmp(name, "node01") == 0 ? "ssd" : "hdd", spec, status);
}

static void put_nodes(struct world *world)
{
	put_node(world, "node01", "", "");
	put_node(world, "node02", "", "");
}

/* A pod of owner "set" (or none), on `node` ("" pending); `spec` is more fields of it. */
static void put_pod(struct world *world, const char *name, const char *owner, const char *node,
		    const char *spec)
{
	world_put(world, &kind_pod,
		  "{'metadata':{'name':'%s','labels':{'app':'%s'},'ownerReferences':[%s%s%s]},"
		  "'spec':{'nodeName':'%s'%s},'status':{'phase':'Pending'}}",
		  name, owner,
		  owner[0] != '\0' ? "{'apiVersion':'apps/v1','kind':'ReplicaSet','name':'x',"
				     "'controller':true,'uid':'"
				   : "",
		  owner, owner[0] != '\0' ? "'}" : "", node, spec);
}

static void step(struct world *world)
{
	world_reconcile(world, &controller_scheduler, "pending");
}

static const char *node_of(struct world *world, const char *pod)
{
	return json_string_at(world_body(world, "post", "Pod", pod), "target.name");
}

static void a_pending_pod_is_bound_and_told(void **state)
{
	struct world *world = *state;

	put_nodes(world);
	put_pod(world, "web-0", "", "", "");
	step(world);
	assert_string_equal(node_of(world, "web-0"), "node01");
	assert_string_equal(json_string_at(plan_action(world->plan, 0), "subresource"), "binding");
	assert_string_equal(world_events(world),
			    "Normal Scheduled Successfully assigned default/web-0 to node01\n");
}

static void pods_of_one_owner_are_spread(void **state)
{
	struct world *world = *state;

	put_nodes(world);
	put_pod(world, "a", "set", "", "");
	put_pod(world, "b", "set", "", "");
	put_pod(world, "c", "set", "", "");
	put_pod(world, "d", "set", "", "");
	step(world);
	assert_string_equal(node_of(world, "a"), "node01");
	assert_string_equal(node_of(world, "b"), "node02");
	assert_string_equal(node_of(world, "c"), "node01");
	assert_string_equal(node_of(world, "d"), "node02");
}

static void siblings_count_before_crowds(void **state)
{
	struct world *world = *state;

	put_nodes(world);
	put_pod(world, "x", "other", "node02", "");
	put_pod(world, "y", "other", "node02", "");
	put_pod(world, "a", "set", "node01", "");
	put_pod(world, "b", "set", "", "");
	put_pod(world, "c", "", "", "");
	step(world);
	assert_string_equal(node_of(world, "b"), "node02");
	assert_string_equal(node_of(world, "c"), "node01");
}

static void bound_foreign_gated_and_finished_pods_are_left_alone(void **state)
{
	struct world *world = *state;

	put_nodes(world);
	put_pod(world, "bound", "", "node01", "");
	put_pod(world, "foreign", "", "", ",'schedulerName':'other'");
	put_pod(world, "gated", "", "", ",'schedulingGates':[{'name':'x'}]");
	world_put(world, &kind_pod,
		  "{'metadata':{'name':'failed'},'spec':{},'status':{'phase':'Failed'}}");
	step(world);
	assert_int_equal(plan_count(world->plan), 0);
}

/* The pod cannot be bound and says `message`. */
static void expect_refusal(struct world *world, const char *pod, const char *message)
{
	char event[512];
	const json_t *condition;

	step(world);
	assert_null(world_body(world, "post", "Pod", pod));
	snprintf(event, sizeof(event), "Warning FailedScheduling %s\n", message);
	assert_string_equal(world_events(world), event);
	condition = condition_find(json_object_get(world_status(world, "Pod"), "conditions"),
				   "PodScheduled");
	assert_string_equal(json_string_at(condition, "status"), "False");
	assert_string_equal(json_string_at(condition, "reason"), "Unschedulable");
	assert_string_equal(json_string_at(condition, "message"), message);
}

static void without_nodes_a_pod_waits_and_says_so_once(void **state)
{
	struct world *world = *state;

	put_pod(world, "a", "", "", "");
	expect_refusal(world, "a", "no nodes available to schedule pods");
	json_t *pod = world_get(world, &kind_pod, "a");

	json_object_update(json_object_get(pod, "status"), (json_t *)world_status(world, "Pod"));
	world_put_tree(world, &kind_pod, pod);
	step(world);
	assert_int_equal(plan_count(world->plan), 0);
	put_nodes(world);
	step(world);
	assert_string_equal(node_of(world, "a"), "node01");
}

static void cordoned_and_sick_nodes_take_nothing(void **state)
{
	struct world *world = *state;

	put_node(world, "node01", "'unschedulable':true", "");
	world_put(world, &kind_node,
		  "{'metadata':{'name':'node02'},'status':{'conditions':[{'type':'Ready',"
		  "'status':'Unknown'}]}}");
	put_pod(world, "a", "", "", "");
	expect_refusal(world, "a",
		       "0/2 nodes are available: 1 node(s) had untolerated taint "
		       "{node.kubernetes.io/not-ready: }, 1 node(s) were unschedulable.");
}

static void taints_need_tolerations(void **state)
{
	struct world *world = *state;

	put_node(world, "node01", "'taints':[{'key':'gpu','value':'yes','effect':'NoSchedule'}]",
		 "");
	put_pod(world, "a", "", "", "");
	expect_refusal(world, "a",
		       "0/1 nodes are available: 1 node(s) had untolerated taint {gpu: yes}.");
	put_pod(world, "a", "", "",
		",'tolerations':[{'key':'gpu','operator':'Equal','value':'no'}]");
	step(world);
	assert_null(world_body(world, "post", "Pod", "a"));
	put_pod(world, "a", "", "",
		",'tolerations':[{'key':'gpu','operator':'Equal','value':'yes',"
		"'effect':'NoSchedule'}]");
	step(world);
	assert_string_equal(node_of(world, "a"), "node01");
	put_pod(world, "a", "", "", ",'tolerations':[{'operator':'Exists'}]");
	step(world);
	assert_string_equal(node_of(world, "a"), "node01");
}

static void a_preferred_taint_only_deters(void **state)
{
	struct world *world = *state;

	put_node(world, "node01", "'taints':[{'key':'old','effect':'PreferNoSchedule'}]", "");
	put_node(world, "node02", "", "");
	put_pod(world, "x", "", "node02", "");
	put_pod(world, "a", "", "", "");
	step(world);
	assert_string_equal(node_of(world, "a"), "node02");
}

#define NODE_AFFINITY(expression)                                                                  \
	",'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{"          \
	"'nodeSelectorTerms':[{'matchExpressions':[" expression "]}]}}}"

static void node_selectors_and_affinity_choose_nodes(void **state)
{
	struct world *world = *state;

	put_nodes(world);
	put_pod(world, "a", "", "", ",'nodeSelector':{'disk':'hdd'}");
	put_pod(world, "b", "", "",
		NODE_AFFINITY("{'key':'disk','operator':'NotIn','values':['ssd']}"));
	put_pod(world, "c", "", "",
		NODE_AFFINITY("{'key':'disk','operator':'In','values':['ssd','nvme']}"));
	put_pod(world, "d", "", "", NODE_AFFINITY("{'key':'gpu','operator':'Exists'}"));
	put_pod(world, "e", "", "", NODE_AFFINITY("{'key':'gpu','operator':'DoesNotExist'}"));
	step(world);
	assert_string_equal(node_of(world, "a"), "node02");
	assert_string_equal(node_of(world, "b"), "node02");
	assert_string_equal(node_of(world, "c"), "node01");
	assert_null(world_body(world, "post", "Pod", "d"));
	assert_non_null(world_body(world, "post", "Pod", "e"));
	assert_non_null(strstr(world_events(world),
			       "2 node(s) didn't match Pod's node affinity/selector."));
}

#define HOST_PORT(port)                                                                            \
	",'containers':[{'name':'c','ports':[{'containerPort':80,'hostPort':" port "}]}]"

static void host_ports_are_taken_once(void **state)
{
	struct world *world = *state;

	put_node(world, "node01", "", "");
	put_pod(world, "a", "", "node01", HOST_PORT("8080"));
	put_pod(world, "b", "", "", HOST_PORT("8080"));
	expect_refusal(world, "b",
		       "0/1 nodes are available: 1 node(s) didn't have free ports for the "
		       "requested pod ports.");
	put_pod(world, "b", "", "", HOST_PORT("8081"));
	step(world);
	assert_string_equal(node_of(world, "b"), "node01");
}

static void a_node_takes_as_many_pods_as_it_says(void **state)
{
	struct world *world = *state;

	put_node(world, "node01", "", ",'allocatable':{'pods':'1'}");
	put_pod(world, "a", "", "", "");
	put_pod(world, "b", "", "", "");
	step(world);
	assert_string_equal(node_of(world, "a"), "node01");
	assert_null(world_body(world, "post", "Pod", "b"));
	assert_non_null(strstr(world_events(world), "1 Too many pods."));
	put_node(world, "node01", "", ",'allocatable':{'pods':'11k'}");
	step(world);
	assert_string_equal(node_of(world, "b"), "node01");
}

#define REQUESTS(cpu) ",'containers':[{'name':'c','resources':{'requests':{'cpu':'" cpu "'}}}]"

static void requests_must_fit_what_is_left(void **state)
{
	struct world *world = *state;

	put_node(world, "node01", "", ",'allocatable':{'cpu':'2','memory':'1Gi'}");
	put_pod(world, "a", "", "node01", REQUESTS("1500m"));
	put_pod(world, "b", "", "", REQUESTS("600m"));
	expect_refusal(world, "b", "0/1 nodes are available: 1 Insufficient cpu.");
	put_pod(world, "b", "", "", REQUESTS("0.5"));
	step(world);
	assert_string_equal(node_of(world, "b"), "node01");
}

static void quantities_are_numbers(void **state)
{
	assert_int_equal(quantity_text_milli("500m"), 500);
	assert_int_equal(quantity_text_milli("2"), 2000);
	assert_int_equal(quantity_text_milli("1Ki"), 1024000);
	assert_int_equal(quantity_text_milli("1.5Gi"), INT64_C(1610612736000));
	assert_int_equal(quantity_text_milli("2M"), INT64_C(2000000000));
	assert_int_equal(quantity_text_milli("1e3"), 1000000);
	assert_int_equal(quantity_text_milli("100E"), INT64_MAX / 4);
	assert_int_equal(quantity_text_milli("much"), 0);
}

#define POD_AFFINITY(type, app)                                                                    \
	",'affinity':{'" type "':{'requiredDuringSchedulingIgnoredDuringExecution':[{"             \
	"'topologyKey':'kubernetes.io/hostname','labelSelector':{'matchLabels':{'app':'" app       \
	"'}}}]}}"

static void pods_attract_each_other(void **state)
{
	struct world *world = *state;

	put_nodes(world);
	put_pod(world, "x", "db", "node02", "");
	put_pod(world, "a", "web", "", POD_AFFINITY("podAffinity", "db"));
	put_pod(world, "b", "web", "", POD_AFFINITY("podAffinity", "none"));
	/* The first of a group that wants to be together may go anywhere. */
	put_pod(world, "c", "group", "", POD_AFFINITY("podAffinity", "group"));
	put_pod(world, "d", "group", "", POD_AFFINITY("podAffinity", "group"));
	step(world);
	assert_string_equal(node_of(world, "a"), "node02");
	assert_null(world_body(world, "post", "Pod", "b"));
	assert_string_equal(node_of(world, "d"), node_of(world, "c"));
}

static void pods_keep_away_from_each_other(void **state)
{
	struct world *world = *state;

	put_nodes(world);
	put_pod(world, "a", "web", "", POD_AFFINITY("podAntiAffinity", "web"));
	put_pod(world, "b", "web", "", POD_AFFINITY("podAntiAffinity", "web"));
	put_pod(world, "c", "web", "", "");
	step(world);
	assert_string_equal(node_of(world, "a"), "node01");
	assert_string_equal(node_of(world, "b"), "node02");
	/* The aversion is mutual. */
	assert_null(world_body(world, "post", "Pod", "c"));
	assert_non_null(strstr(world_events(world),
			       "2 node(s) didn't satisfy existing pods anti-affinity rules."));
}

static void higher_priority_goes_first(void **state)
{
	struct world *world = *state;

	put_node(world, "node01", "", ",'allocatable':{'pods':'1'}");
	put_pod(world, "a", "", "", "");
	put_pod(world, "b", "", "", ",'priority':10");
	step(world);
	assert_string_equal(node_of(world, "b"), "node01");
	assert_null(world_body(world, "post", "Pod", "a"));
}

static size_t keys_for(struct world *world, size_t source, const struct kind *kind,
		       const char *name)
{
	bool namespaced = kind == &kind_pod;
	struct object *object = cache_get(world->cache, kind,
					  namespaced ? STR("default") : STR_NONE, str_from(name));
	json_t *keys =
		source_keys(&controller_scheduler.sources[source], world->cache, object, object);
	size_t n = json_array_size(keys);

	json_decref(keys);
	return n;
}

static void only_waiting_pods_wake_the_scheduler(void **state)
{
	struct world *world = *state;

	put_nodes(world);
	put_pod(world, "a", "", "node01", "");
	assert_int_equal(keys_for(world, 0, &kind_pod, "a"), 0);
	assert_int_equal(keys_for(world, 1, &kind_node, "node01"), 0);
	put_pod(world, "b", "", "", "");
	assert_int_equal(keys_for(world, 0, &kind_pod, "b"), 1);
	assert_int_equal(keys_for(world, 1, &kind_node, "node01"), 1);
	assert_int_equal(keys_for(world, 0, &kind_pod, "a"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_pending_pod_is_bound_and_told),
		TEST(pods_of_one_owner_are_spread),
		TEST(siblings_count_before_crowds),
		TEST(bound_foreign_gated_and_finished_pods_are_left_alone),
		TEST(without_nodes_a_pod_waits_and_says_so_once),
		TEST(cordoned_and_sick_nodes_take_nothing),
		TEST(taints_need_tolerations),
		TEST(a_preferred_taint_only_deters),
		TEST(node_selectors_and_affinity_choose_nodes),
		TEST(host_ports_are_taken_once),
		TEST(a_node_takes_as_many_pods_as_it_says),
		TEST(requests_must_fit_what_is_left),
		cmocka_unit_test(quantities_are_numbers),
		TEST(pods_attract_each_other),
		TEST(pods_keep_away_from_each_other),
		TEST(higher_priority_goes_first),
		TEST(only_waiting_pods_wake_the_scheduler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
