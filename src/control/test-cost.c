/* SPDX-License-Identifier: Apache-2.0 */
/* What a change of one pod of many costs, counted in texts that are parsed for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "control/test-world.h"
#include "object/kinds.h"
#include "json/json.h"

enum { PODS = 600, SLICES = PODS / 100 };

#define SET                                                                                        \
	"{'metadata':{'name':'web'},'spec':{'serviceName':'web','replicas':%d,"                    \
	"'selector':{'matchLabels':{'app':'web'}},'podManagementPolicy':'Parallel',"               \
	"'updateStrategy':{'type':'RollingUpdate'},'template':{'metadata':{'labels':{'app':"       \
	"'web'}},'spec':{'containers':[{'name':'one','image':'one'}]}}}}"

static void put_ready(struct world *world, unsigned i, bool ready)
{
	char name[24];

	snprintf(name, sizeof(name), "web-%u", i);
	json_t *pod = world_get(world, &kind_pod, name);

	json_put(pod, "spec.nodeName", json_string("node01"));
	json_put(pod, "status",
		 world_json("{'phase':'Running','podIPs':[{'ip':'10.244.%u.%u'}],'conditions':["
			    "{'type':'Ready','status':'%s','lastTransitionTime':"
			    "'2026-01-01T00:05:00Z'}]}",
			    i / 250, i % 250, ready ? "True" : "False"));
	world_put_tree(world, &kind_pod, pod);
}

static const struct controller *const controllers_of_pods[] = {
	&controller_statefulset,
	&controller_endpointslice,
	&controller_endpoints,
};

static void make_many(struct world *world)
{
	world_put(world, &kind_service,
		  "{'metadata':{'name':'web'},'spec':{'clusterIP':'None','selector':{'app':'web'},"
		  "'ipFamilies':['IPv4'],'ports':[{'name':'http','port':80}]}}");
	world_put(world, &kind_stateful_set, SET, PODS);
	while (world_nth(world, &kind_pod, PODS - 1) == NULL) {
		world_reconcile(world, &controller_statefulset, "default/web");
		world_take_creates(world);
	}
	for (unsigned i = 0; i < PODS; i++) {
		put_ready(world, i, true);
	}
	world_settle(world, &controller_endpointslice, "default/web");
	world_settle(world, &controller_endpoints, "default/web");
}

/* The set, its revision, the service, its slices, the Endpoints and the pod; never all the pods. */
static void pods_that_have_not_changed_are_not_parsed_again(void **state)
{
	struct world *world = *state;

	make_many(world);
	assert_non_null(world_nth(world, &kind_pod, PODS - 1));
	assert_non_null(world_nth(world, &kind_endpoint_slice, SLICES - 1));
	put_ready(world, PODS / 2, false);
	object_trees_trim(0);
	for (size_t i = 0; i < ARRAY_SIZE(controllers_of_pods); i++) {
		size_t before = object_trees_parsed();

		world_reconcile(world, controllers_of_pods[i], "default/web");
		assert_in_range(object_trees_parsed() - before, 1, SLICES + 4);
		object_trees_trim(0);
	}
}

/* Told which pod it was, it opens the slice that holds it, and no other. */
static void slices_without_the_changed_pod_are_not_opened(void **state)
{
	struct world *world = *state;
	struct change change = { 0 };
	size_t before;

	make_many(world);
	put_ready(world, PODS / 2, false);
	change.now = cache_get(world->cache, &kind_pod, STR("default"), STR("web-300"));
	assert_non_null(change.now);
	world->changes = &change;
	world->n_changes = 1;
	world_reconcile(world, &controller_endpointslice, "default/web");
	object_trees_trim(0);
	before = object_trees_parsed();
	world_reconcile(world, &controller_endpointslice, "default/web");
	assert_in_range(object_trees_parsed() - before, 1, 3);
	assert_null(strchr(world_did(world, "update", "EndpointSlice"), ' '));
	assert_true(strlen(world_did(world, "update", "EndpointSlice")) > 0);
	assert_string_equal(world_did(world, "create", "EndpointSlice"), "");
	/* A pod that has gone leaves its slice; the others keep what they have. */
	change.old = object_ref(change.now);
	change.now = NULL;
	world_drop(world, &kind_pod, "web-300");
	world_settle(world, &controller_endpointslice, "default/web");
	object_unref(change.old);
	size_t n = 0;
	for (size_t i = 0; i < SLICES; i++) {
		n += json_array_size(
			json_object_get(world_nth(world, &kind_endpoint_slice, i), "endpoints"));
	}
	assert_int_equal(n, PODS - 1);
}

/* And the change is seen by each. */
static void the_pod_that_has_changed_is_seen(void **state)
{
	struct world *world = *state;

	make_many(world);
	put_ready(world, PODS / 2, false);
	world_reconcile(world, &controller_statefulset, "default/web");
	assert_int_equal(json_int_at(world_status(world, "StatefulSet"), "readyReplicas", 0),
			 PODS - 1);
	world_reconcile(world, &controller_endpoints, "default/web");
	assert_string_equal(world_did(world, "update", "Endpoints"), "web");
	world_reconcile(world, &controller_endpointslice, "default/web");
	assert_null(strchr(world_did(world, "update", "EndpointSlice"), ' '));
	assert_true(strlen(world_did(world, "update", "EndpointSlice")) > 0);
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_WORLD(pods_that_have_not_changed_are_not_parsed_again),
		IN_A_WORLD(slices_without_the_changed_pod_are_not_opened),
		IN_A_WORLD(the_pod_that_has_changed_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
