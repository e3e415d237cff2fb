/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "control/status.h"
#include "control/test-world.h"
#include "object/kinds.h"
#include "json/json.h"

static void put_space(struct world *world, bool ending)
{
	world_put(world, &kind_namespace,
		  "{'metadata':{'name':'default'%s},'spec':{'finalizers':['kubernetes']},"
		  "'status':{'phase':'%s'}}",
		  ending ? ",'deletionTimestamp':'2026-01-01T00:09:00Z'" : "",
		  ending ? "Terminating" : "Active");
}

static void step(struct world *world)
{
	world_reconcile(world, &controller_namespace, "default");
}

static void an_active_namespace_keeps_everything(void **state)
{
	struct world *world = *state;

	put_space(world, false);
	world_put(world, &kind_pod, "{'metadata':{'name':'a'}}");
	step(world);
	assert_int_equal(plan_count(world->plan), 0);
}

static void an_ending_namespace_loses_its_content_pods_first(void **state)
{
	struct world *world = *state;
	const json_t *conditions;

	put_space(world, true);
	world_put(world, &kind_config_map, "{'metadata':{'name':'c'}}");
	world_put(world, &kind_pod, "{'metadata':{'name':'a','finalizers':['mine/keep']}}");
	world_put(world, &kind_pod,
		  "{'metadata':{'name':'b','deletionTimestamp':'2026-01-01T00:09:00Z'}}");
	world_put(world, &kind_service, "{'metadata':{'name':'s','namespace':'other'}}");
	world_put(world, &kind_node, "{'metadata':{'name':'node01'}}");
	step(world);
	assert_string_equal(json_string_at(plan_action(world->plan, 0), "name"), "a");
	assert_string_equal(world_did(world, "delete", "Pod"), "a");
	assert_string_equal(world_did(world, "delete", "ConfigMap"), "c");
	assert_string_equal(world_did(world, "delete", "Service"), "");
	assert_string_equal(world_did(world, "delete", "Node"), "");
	assert_string_equal(world_did(world, "post", "Namespace"), "");
	conditions = json_object_get(world_status(world, "Namespace"), "conditions");
	assert_string_equal(json_string_at(condition_find(conditions, "NamespaceContentRemaining"),
					   "message"),
			    "Some resources are remaining: pods. has 2 resource instances, "
			    "configmaps. has 1 resource instances");
	assert_string_equal(
		json_string_at(condition_find(conditions, "NamespaceFinalizersRemaining"),
			       "message"),
		"Some content in the namespace has finalizers remaining: mine/keep in 1 resource "
		"instances");
}

static void an_empty_namespace_is_finalized(void **state)
{
	struct world *world = *state;
	const json_t *body;

	put_space(world, true);
	step(world);
	body = world_body(world, "post", "Namespace", "default");
	assert_non_null(body);
	assert_int_equal(json_array_size(json_at(body, "spec.finalizers")), 0);
	assert_string_equal(json_string_at(plan_action(world->plan, 0), "subresource"), "finalize");
	assert_int_equal(plan_count(world->plan), 1);
}

static void what_has_no_namespace_goes(void **state)
{
	struct world *world = *state;

	world_put(world, &kind_pod, "{'metadata':{'name':'a'}}");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "a");
	/* The namespace may not have been seen yet. */
	world_put(world, &kind_pod,
		  "{'metadata':{'name':'b','creationTimestamp':'2026-01-01T00:09:59Z'}}");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "a");
	assert_int_equal(plan_requeue_after(world->plan), NS_PER_S);
	world_reconcile(world, &controller_namespace, "");
	assert_int_equal(plan_count(world->plan), 0);
}

static void every_active_namespace_has_its_account_and_authority(void **state)
{
	struct world *world = *state;

	world->settings.ca_certificate = "-----BEGIN CERTIFICATE-----";
	put_space(world, false);
	world_reconcile(world, &controller_serviceaccount, "default");
	assert_string_equal(world_did(world, "create", "ServiceAccount"), "default");
	assert_string_equal(world_did(world, "create", "ConfigMap"), "kube-root-ca.crt");
	world_take_creates(world);
	world_reconcile(world, &controller_serviceaccount, "default");
	assert_int_equal(plan_count(world->plan), 0);
	world_drop(world, &kind_service_account, "default");
	json_t *map = world_get(world, &kind_config_map, "kube-root-ca.crt");

	json_object_set_new(map, "data", world_json("{'ca.crt':'forged','more':'x'}"));
	world_put_tree(world, &kind_config_map, map);
	world_reconcile(world, &controller_serviceaccount, "default");
	assert_string_equal(world_did(world, "create", "ServiceAccount"), "default");
	const json_t *data =
		json_object_get(world_body(world, "update", "ConfigMap", "kube-root-ca.crt"),
				"data");

	assert_int_equal(json_object_size(data), 1);
	assert_string_equal(json_string_value(json_object_get(data, "ca.crt")),
			    "-----BEGIN CERTIFICATE-----");
}

static void an_ending_namespace_gets_nothing_new(void **state)
{
	struct world *world = *state;

	world->settings.ca_certificate = "x";
	put_space(world, true);
	world_reconcile(world, &controller_serviceaccount, "default");
	assert_int_equal(plan_count(world->plan), 0);
	world_put(world, &kind_stateful_set,
		  "{'metadata':{'name':'web'},'spec':{'replicas':1,'selector':{'matchLabels':{"
		  "'a':'b'}},'template':{'metadata':{'labels':{'a':'b'}}}}}");
	world_reconcile(world, &controller_statefulset, "default/web");
	assert_string_equal(world_did(world, "create", "Pod"), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_active_namespace_keeps_everything),
		TEST(an_ending_namespace_loses_its_content_pods_first),
		TEST(an_empty_namespace_is_finalized),
		TEST(what_has_no_namespace_goes),
		TEST(every_active_namespace_has_its_account_and_authority),
		TEST(an_ending_namespace_gets_nothing_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
