/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "client/client.h"
#include "control/absence.h"
#include "control/test-world.h"
#include "object/kinds.h"
#include "json/json.h"

#define REFERENCE(name, uid)                                                                       \
	"{'apiVersion':'apps/v1','kind':'ReplicaSet','name':'" name "','uid':'" uid                \
	"','controller':true,'blockOwnerDeletion':true}"

static void put_set(struct world *world, const char *name, const char *more)
{
	world_put(world, &kind_replica_set, "{'metadata':{'name':'%s'%s}}", name, more);
}

static void put_pod(struct world *world, const char *references)
{
	world_put(world, &kind_pod, "{'metadata':{'name':'pod','ownerReferences':[%s]}}",
		  references);
}

#define GOING(finalizer)                                                                           \
	",'deletionTimestamp':'2026-01-01T00:09:00Z','finalizers':['" finalizer "']"

static void judge_pod(struct world *world)
{
	world_reconcile(world, &controller_garbage, "/v1/pods default/pod");
}

static void judge_set(struct world *world)
{
	world_reconcile(world, &controller_garbage, "apps/v1/replicasets default/web");
}

static const char *propagation(struct world *world)
{
	return json_string_at(world_body(world, "delete", "Pod", "pod"), "propagationPolicy");
}

static void an_object_with_an_owner_stays(void **state)
{
	struct world *world = *state;

	put_set(world, "web", "");
	put_pod(world, REFERENCE("web", "uid-web"));
	judge_pod(world);
	assert_int_equal(plan_count(world->plan), 0);
}

static void an_object_whose_owners_have_gone_goes(void **state)
{
	struct world *world = *state;
	const json_t *body;

	put_pod(world, REFERENCE("web", "uid-web"));
	judge_pod(world);
	body = world_body(world, "delete", "Pod", "pod");
	assert_string_equal(propagation(world), "Background");
	assert_string_equal(json_string_at(body, "preconditions.uid"), "uid-pod");
}

static void a_new_object_of_an_old_name_owns_nothing(void **state)
{
	struct world *world = *state;

	put_set(world, "web", "");
	put_pod(world, REFERENCE("web", "uid-before"));
	judge_pod(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "pod");
}

static void an_owner_in_another_namespace_does_not_count(void **state)
{
	struct world *world = *state;

	world_put(world, &kind_replica_set, "{'metadata':{'name':'web','namespace':'other'}}");
	put_pod(world, REFERENCE("web", "uid-web"));
	judge_pod(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "pod");
}

static void unknown_owner_kinds_are_left_alone(void **state)
{
	struct world *world = *state;

	put_pod(world, "{'apiVersion':'example.com/v1','kind':'Thing','name':'t','uid':'u'}");
	judge_pod(world);
	assert_int_equal(plan_count(world->plan), 0);
	world_put(world, &kind_node,
		  "{'metadata':{'name':'node01','ownerReferences':[" REFERENCE("web", "u") "]}}");
	world_reconcile(world, &controller_garbage, "/v1/nodes /node01");
	assert_int_equal(plan_count(world->plan), 0);
}

static void cluster_scoped_owners_are_found(void **state)
{
	struct world *world = *state;

	world_put(world, &kind_node, "{'metadata':{'name':'node01'}}");
	world_put(world, &kind_lease,
		  "{'metadata':{'name':'l','ownerReferences':[{'apiVersion':'v1','kind':'Node',"
		  "'name':'node01','uid':'uid-node01'}]}}");
	world_reconcile(world, &controller_garbage, "coordination.k8s.io/v1/leases default/l");
	assert_int_equal(plan_count(world->plan), 0);
	cache_unfeed(world->cache, &kind_node, STR_NONE, STR("node01"));
	world_reconcile(world, &controller_garbage, "coordination.k8s.io/v1/leases default/l");
	assert_string_equal(world_did(world, "delete", "Lease"), "l");
}

static void an_owner_that_may_not_have_been_seen_is_waited_for(void **state)
{
	struct world *world = *state;

	world_put(world, &kind_pod,
		  "{'metadata':{'name':'pod','creationTimestamp':'2026-01-01T00:09:59Z',"
		  "'ownerReferences':[" REFERENCE("web", "uid-web") "]}}");
	judge_pod(world);
	assert_int_equal(plan_count(world->plan), 0);
	assert_int_equal(plan_requeue_after(world->plan), NS_PER_S);
	/* The kind is known up to a later revision: the owner is not there. */
	put_set(world, "other", "");
	judge_pod(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "pod");
}

static void a_lost_owner_beside_a_solid_one_is_forgotten(void **state)
{
	struct world *world = *state;
	const json_t *references;

	put_set(world, "web", "");
	put_pod(world, REFERENCE("gone", "uid-gone") "," REFERENCE("web", "uid-web"));
	judge_pod(world);
	references = json_at(world_body(world, "update", "Pod", "pod"), "metadata.ownerReferences");
	assert_int_equal(json_array_size(references), 1);
	assert_string_equal(json_string_at(json_array_get(references, 0), "uid"), "uid-web");
}

static void a_foreground_owner_waits_for_what_blocks_it(void **state)
{
	struct world *world = *state;
	const json_t *body;

	put_set(world, "web", GOING("foregroundDeletion"));
	put_pod(world, REFERENCE("web", "uid-web"));
	judge_set(world);
	assert_int_equal(plan_count(world->plan), 0);
	judge_pod(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "pod");
	world_drop(world, &kind_pod, "pod");
	judge_set(world);
	body = world_body(world, "update", "ReplicaSet", "web");
	assert_non_null(body);
	assert_int_equal(json_array_size(json_at(body, "metadata.finalizers")), 0);
}

static void dependents_with_dependents_go_in_the_foreground_too(void **state)
{
	struct world *world = *state;

	world_put(world, &kind_deployment,
		  "{'metadata':{'name':'d'" GOING("foregroundDeletion") "}}");
	put_set(world, "web",
		",'ownerReferences':[{'apiVersion':'apps/v1','kind':'Deployment','name':'d',"
		"'uid':'uid-d','controller':true,'blockOwnerDeletion':true}]");
	put_pod(world, REFERENCE("web", "uid-web"));
	judge_set(world);
	assert_string_equal(json_string_at(world_body(world, "delete", "ReplicaSet", "web"),
					   "propagationPolicy"),
			    "Foreground");
}

static void an_orphaning_owner_lets_its_dependents_stay(void **state)
{
	struct world *world = *state;

	put_set(world, "web", GOING("orphan"));
	put_pod(world, REFERENCE("web", "uid-web"));
	judge_pod(world);
	assert_int_equal(plan_count(world->plan), 0);
	judge_set(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "");
	const json_t *body = world_body(world, "update", "Pod", "pod");

	assert_non_null(body);
	assert_null(json_at(body, "metadata.ownerReferences"));
	body = world_body(world, "update", "ReplicaSet", "web");
	assert_int_equal(json_array_size(json_at(body, "metadata.finalizers")), 0);
	/* In this order, so that nothing is lost when it stops half-way. */
	assert_string_equal(json_string_at(plan_action(world->plan, 0), "kind"), "Pod");
}

/* The keys that a change names, as a JSON array; to be freed. */
static char *keys_of_change(struct world *world, struct object *old, struct object *now)
{
	const struct source source = {
		.kind = now != NULL ? now->kind : old->kind,
		.keys = controller_garbage.every_kind,
	};
	json_t *keys = source_keys(&source, world->cache, old, now);
	char *text = json_dumps(keys, 0);

	json_decref(keys);
	return text;
}

static void the_end_of_an_owner_wakes_its_dependents(void **state)
{
	struct world *world = *state;
	struct object *set;
	struct object *pod;
	char *keys;

	put_set(world, "web", "");
	put_pod(world, REFERENCE("web", "uid-web"));
	set = object_ref(cache_get(world->cache, &kind_replica_set, STR("default"), STR("web")));
	pod = object_ref(cache_get(world->cache, &kind_pod, STR("default"), STR("pod")));
	keys = keys_of_change(world, NULL, pod);
	assert_string_equal(keys, "[\"/v1/pods default/pod\"]");
	free(keys);
	keys = keys_of_change(world, set, set);
	assert_string_equal(keys, "[]");
	free(keys);
	world_drop(world, &kind_replica_set, "web");
	keys = keys_of_change(world, set, NULL);
	assert_string_equal(keys, "[\"/v1/pods default/pod\"]");
	free(keys);
	/* An owner that waits hears of its dependents. */
	put_set(world, "web", GOING("foregroundDeletion"));
	keys = keys_of_change(world, pod, NULL);
	assert_string_equal(keys, "[\"apps/v1/replicasets default/web\"]");
	free(keys);
	object_unref(set);
	object_unref(pod);
}

/* A client whose one watch is told by hand what happens. */
struct stub {
	struct client client; /* first */
	struct client_watch watch;
	const struct client_sink *sink;
	void *userdata;
};

static struct client_watch *stub_watch(struct client *client, const struct kind *kind,
				       const char *label_selector, const char *field_selector,
				       const struct client_sink *sink, void *userdata)
{
	struct stub *stub = (struct stub *)(void *)client;

	stub->sink = sink;
	stub->userdata = userdata;
	stub->watch.client = client;
	return &stub->watch;
}

static void stub_unwatch(struct client_watch *watch)
{
}

static void nothing_is_gone_while_its_source_is_lost(void **state)
{
	static const struct client_ops ops = { .watch = stub_watch, .unwatch = stub_unwatch };
	struct stub stub = { .client.ops = &ops };
	struct view view = { .cache = cache_new(&stub.client), .now = WORLD_NOW };
	struct object *pod = NULL;

	cache_want((struct cache *)view.cache, &kind_replica_set);
	stub.sink->synced(stub.userdata, 5);
	assert_int_equal(object_new_tree(&kind_pod,
					 world_json(
						 "{'metadata':{'name':'pod','resourceVersion':'9',"
						 "'creationTimestamp':'2026-01-01T00:00:00Z'}}"),
					 &pod),
			 0);
	assert_int_equal(absence_doubt(&view, &kind_replica_set, pod), 0);
	stub.sink->connected(stub.userdata, false);
	assert_true(absence_doubt(&view, &kind_replica_set, pod) > 0);
	stub.sink->connected(stub.userdata, true);
	assert_int_equal(absence_doubt(&view, &kind_replica_set, pod), 0);
	object_unref(pod);
	cache_free((struct cache *)view.cache);
}

static void pods_of_lost_nodes_are_removed_at_once(void **state)
{
	struct world *world = *state;
	const json_t *body;

	world_put(world, &kind_pod, "{'metadata':{'name':'pod'},'spec':{'nodeName':'node01'}}");
	world_put(world, &kind_pod,
		  "{'metadata':{'name':'young','creationTimestamp':'2026-01-01T00:09:50Z'},"
		  "'spec':{'nodeName':'node01'}}");
	world_reconcile(world, &controller_podgc, "node01");
	assert_string_equal(world_did(world, "delete", "Pod"), "pod");
	body = world_body(world, "delete", "Pod", "pod");
	assert_int_equal(json_int_at(body, "gracePeriodSeconds", -1), 0);
	assert_int_equal(plan_requeue_after(world->plan), 30 * NS_PER_S);
	world_put(world, &kind_node, "{'metadata':{'name':'node01'}}");
	world_reconcile(world, &controller_podgc, "node01");
	assert_int_equal(plan_count(world->plan), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_object_with_an_owner_stays),
		TEST(an_object_whose_owners_have_gone_goes),
		TEST(a_new_object_of_an_old_name_owns_nothing),
		TEST(an_owner_in_another_namespace_does_not_count),
		TEST(unknown_owner_kinds_are_left_alone),
		TEST(cluster_scoped_owners_are_found),
		TEST(an_owner_that_may_not_have_been_seen_is_waited_for),
		TEST(a_lost_owner_beside_a_solid_one_is_forgotten),
		TEST(a_foreground_owner_waits_for_what_blocks_it),
		TEST(dependents_with_dependents_go_in_the_foreground_too),
		TEST(an_orphaning_owner_lets_its_dependents_stay),
		TEST(the_end_of_an_owner_wakes_its_dependents),
		cmocka_unit_test(nothing_is_gone_while_its_source_is_lost),
		TEST(pods_of_lost_nodes_are_removed_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
