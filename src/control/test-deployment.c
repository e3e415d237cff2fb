/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/status.h"
#include "control/test-world.h"
#include "object/kinds.h"
#include "json/json.h"
#include "json/patch.h"

/* The deployment "web" of image "nginx:1". */
static void put_deployment(struct world *world, int replicas, const char *more)
{
	world_put(world, &kind_deployment,
		  "{'metadata':{'name':'web','generation':1},'spec':{'replicas':%d,%s"
		  "'progressDeadlineSeconds':600,'selector':{'matchLabels':{'app':'nginx'}},"
		  "'template':{'metadata':{'labels':{'app':'nginx'}},"
		  "'spec':{'containers':[{'name':'nginx','image':'nginx:1'}]}}}}",
		  replicas, more);
}

#define ROLLING(surge, unavailable)                                                                \
	"'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':" surge                    \
	",'maxUnavailable':" unavailable "}},"

static void step(struct world *world)
{
	world_reconcile(world, &controller_deployment, "default/web");
}

/* Carries out the merge patches and creates of the plan. */
static void apply(struct world *world)
{
	const struct kind *const kinds_here[] = { &kind_deployment, &kind_replica_set };

	for (size_t i = 0; i < plan_count(world->plan); i++) {
		const json_t *action = plan_action(world->plan, i);

		for (size_t j = 0; j < ARRAY_SIZE(kinds_here); j++) {
			if (strcmp(json_string_at(action, "verb"), "patch") != 0 ||
			    strcmp(json_string_at(action, "kind"), kinds_here[j]->kind) != 0) {
				continue;
			}
			json_t *old =
				world_get(world, kinds_here[j], json_string_at(action, "name"));

			world_put_tree(world, kinds_here[j],
				       json_merge_patch(old, json_object_get(action, "body")));
			json_decref(old);
		}
	}
	world_take_creates(world);
}

static void change(struct world *world, const char *path, json_t *value)
{
	json_t *tree = world_get(world, &kind_deployment, "web");

	json_put(tree, path, value);
	json_put(tree, "metadata.generation",
		 json_integer(json_int_at(tree, "metadata.generation", 1) + 1));
	world_put_tree(world, &kind_deployment, tree);
}

static void change_image(struct world *world, const char *image)
{
	change(world, "spec.template.spec.containers",
	       world_json("[{'name':'nginx','image':'%s'}]", image));
}

static struct object *find_set(struct world *world, const char *image)
{
	cache_for_each (set, world->cache, &kind_replica_set, STR("default")) {
		const json_t *containers =
			json_at(object_tree(set), "spec.template.spec.containers");

		if (strcmp(json_string_at(json_array_get(containers, 0), "image"), image) == 0) {
			return set;
		}
	}
	fail_msg("no ReplicaSet of %s", image);
	return NULL;
}

static int64_t size_of(struct world *world, const char *image)
{
	return json_int_at(object_tree(find_set(world, image)), "spec.replicas", -1);
}

/* The ReplicaSet of `image` has `available` of its pods available, and the rest running. */
static void set_available(struct world *world, const char *image, int available)
{
	json_t *set = json_deep_copy(object_tree(find_set(world, image)));

	json_object_set_new(set, "status",
			    json_pack("{s:O, s:i, s:i, s:I}", "replicas",
				      json_at(set, "spec.replicas"), "readyReplicas", available,
				      "availableReplicas", available, "observedGeneration",
				      (json_int_t)json_int_at(set, "metadata.generation", 0)));
	world_put_tree(world, &kind_replica_set, set);
}

/* The ReplicaSet of `image` has all it wants. */
static void set_all_available(struct world *world, const char *image)
{
	set_available(world, image, (int)size_of(world, image));
}

static const json_t *condition_of(struct world *world, const char *type)
{
	struct object *object =
		cache_get(world->cache, &kind_deployment, STR("default"), STR("web"));

	return condition_find(json_at(object_tree(object), "status.conditions"), type);
}

/* Comes up with image nginx:1 and is complete. */
static void bring_up(struct world *world)
{
	for (int i = 0; i < 3; i++) {
		step(world);
		apply(world);
		set_all_available(world, "nginx:1");
	}
	step(world);
	assert_int_equal(plan_count(world->plan), 0);
	assert_string_equal(json_string_at(condition_of(world, "Progressing"), "reason"),
			    "NewReplicaSetAvailable");
}

static void the_first_set_carries_hash_revision_and_size(void **state)
{
	struct world *world = *state;
	char events[128];
	const json_t *set;

	put_deployment(world, 3, ROLLING("'25%'", "'25%'"));
	step(world);
	set = world_body(world, "create", "ReplicaSet", NULL);
	assert_non_null(set);
	const char *hash = json_string_at(set, "metadata.labels.pod-template-hash");

	assert_true(strlen(hash) >= 5);
	snprintf(events, sizeof(events), "web-%s", hash);
	assert_string_equal(json_string_at(set, "metadata.name"), events);
	assert_string_equal(json_string_at(set, "spec.selector.matchLabels.pod-template-hash"),
			    hash);
	assert_string_equal(json_string_at(set, "spec.template.metadata.labels.pod-template-hash"),
			    hash);
	assert_int_equal(json_int_at(set, "spec.replicas", 0), 3);
	const json_t *annotations = json_at(set, "metadata.annotations");

	assert_string_equal(json_string_value(json_object_get(annotations,
							      "deployment.kubernetes.io/revision")),
			    "1");
	assert_string_equal(json_string_value(json_object_get(
				    annotations, "deployment.kubernetes.io/max-replicas")),
			    "4");
	snprintf(events, sizeof(events),
		 "Normal ScalingReplicaSet Scaled up replica set web-%s from 0 to 3\n", hash);
	assert_string_equal(world_events(world), events);
	apply(world);
	struct object *deployment =
		cache_get(world->cache, &kind_deployment, STR("default"), STR("web"));

	assert_string_equal(object_annotation(deployment, "deployment.kubernetes.io/revision"),
			    "1");
	assert_string_equal(json_string_at(condition_of(world, "Progressing"), "reason"),
			    "NewReplicaSetCreated");
	assert_string_equal(json_string_at(condition_of(world, "Available"), "reason"),
			    "MinimumReplicasUnavailable");
}

static void available_pods_complete_a_deployment(void **state)
{
	struct world *world = *state;
	struct object *object;

	put_deployment(world, 2, ROLLING("1", "0"));
	bring_up(world);
	object = cache_get(world->cache, &kind_deployment, STR("default"), STR("web"));
	const json_t *status = json_object_get(object_tree(object), "status");

	assert_int_equal(json_int_at(status, "replicas", 0), 2);
	assert_int_equal(json_int_at(status, "updatedReplicas", 0), 2);
	assert_int_equal(json_int_at(status, "readyReplicas", 0), 2);
	assert_int_equal(json_int_at(status, "availableReplicas", 0), 2);
	assert_null(json_object_get(status, "unavailableReplicas"));
	assert_int_equal(json_int_at(status, "observedGeneration", 0), 1);
	assert_string_equal(json_string_at(condition_of(world, "Available"), "status"), "True");
}

static void a_rolling_update_keeps_to_surge_and_unavailable(void **state)
{
	struct world *world = *state;

	put_deployment(world, 4, ROLLING("1", "1"));
	bring_up(world);
	change_image(world, "nginx:2");
	step(world);
	apply(world);
	/* One more than wanted in all, and one old pod may go at once. */
	assert_int_equal(size_of(world, "nginx:2"), 1);
	assert_int_equal(size_of(world, "nginx:1"), 3);
	set_all_available(world, "nginx:1");
	step(world);
	apply(world);
	assert_int_equal(size_of(world, "nginx:2"), 2);
	assert_int_equal(size_of(world, "nginx:1"), 3);
	/* Nothing moves until a new pod is available. */
	step(world);
	apply(world);
	assert_int_equal(size_of(world, "nginx:1"), 3);
	for (int i = 0; i < 10; i++) {
		set_all_available(world, "nginx:1");
		set_all_available(world, "nginx:2");
		step(world);
		apply(world);
		assert_true(size_of(world, "nginx:1") + size_of(world, "nginx:2") <= 5);
	}
	assert_int_equal(size_of(world, "nginx:2"), 4);
	assert_int_equal(size_of(world, "nginx:1"), 0);
	assert_string_equal(json_string_at(condition_of(world, "Progressing"), "reason"),
			    "NewReplicaSetAvailable");
	assert_string_equal(object_annotation(find_set(world, "nginx:2"),
					      "deployment.kubernetes.io/revision"),
			    "2");
}

static void unhealthy_old_pods_go_first(void **state)
{
	struct world *world = *state;

	put_deployment(world, 4, ROLLING("0", "2"));
	bring_up(world);
	set_available(world, "nginx:1", 2);
	change_image(world, "nginx:2");
	step(world);
	apply(world);
	/* Two were not available anyway: they go, the others have to stay. */
	assert_int_equal(size_of(world, "nginx:1"), 2);
}

static void recreate_waits_for_the_last_old_pod(void **state)
{
	struct world *world = *state;

	put_deployment(world, 2, "'strategy':{'type':'Recreate'},");
	bring_up(world);
	struct object *old = find_set(world, "nginx:1");

	world_put(world, &kind_pod,
		  "{'metadata':{'name':'old','ownerReferences':[{'apiVersion':'apps/v1',"
		  "'kind':'ReplicaSet','name':'%.*s','uid':'%s','controller':true}]}}",
		  STR_ARG(old->name), object_uid(old));
	change_image(world, "nginx:2");
	step(world);
	apply(world);
	assert_int_equal(size_of(world, "nginx:1"), 0);
	set_all_available(world, "nginx:1");
	step(world);
	assert_string_equal(world_did(world, "create", "ReplicaSet"), "");
	world_drop(world, &kind_pod, "old");
	step(world);
	apply(world);
	assert_int_equal(size_of(world, "nginx:2"), 2);
}

static void going_back_takes_the_old_set_again(void **state)
{
	struct world *world = *state;

	put_deployment(world, 1, ROLLING("1", "0"));
	bring_up(world);
	change_image(world, "nginx:2");
	step(world);
	apply(world);
	change_image(world, "nginx:1");
	step(world);
	assert_string_equal(world_did(world, "create", "ReplicaSet"), "");
	apply(world);
	struct object *set = find_set(world, "nginx:1");

	assert_string_equal(object_annotation(set, "deployment.kubernetes.io/revision"), "3");
	assert_string_equal(object_annotation(set, "deployment.kubernetes.io/revision-history"),
			    "1");
}

static void scaling_during_a_rollout_is_shared_out(void **state)
{
	struct world *world = *state;

	put_deployment(world, 10, ROLLING("3", "2"));
	bring_up(world);
	change_image(world, "nginx:2");
	for (int i = 0; i < 3; i++) {
		step(world);
		apply(world);
		set_all_available(world, "nginx:1");
	}
	assert_int_equal(size_of(world, "nginx:1"), 8);
	assert_int_equal(size_of(world, "nginx:2"), 5);
	change(world, "spec.replicas", json_integer(15));
	step(world);
	apply(world);
	/* 18 in all instead of 13: 8 and 5 become 11 and 7. */
	assert_int_equal(size_of(world, "nginx:1"), 11);
	assert_int_equal(size_of(world, "nginx:2"), 7);
}

static void a_paused_deployment_scales_but_does_not_roll(void **state)
{
	struct world *world = *state;

	put_deployment(world, 2, ROLLING("1", "0"));
	bring_up(world);
	change(world, "spec.paused", json_true());
	change_image(world, "nginx:2");
	step(world);
	assert_string_equal(world_did(world, "create", "ReplicaSet"), "");
	apply(world);
	assert_string_equal(json_string_at(condition_of(world, "Progressing"), "reason"),
			    "DeploymentPaused");
	change(world, "spec.replicas", json_integer(5));
	step(world);
	apply(world);
	assert_int_equal(size_of(world, "nginx:1"), 5);
	change(world, "spec.paused", json_false());
	set_all_available(world, "nginx:1");
	step(world);
	assert_string_not_equal(world_did(world, "create", "ReplicaSet"), "");
}

static void a_deadline_that_passes_is_told(void **state)
{
	struct world *world = *state;

	put_deployment(world, 1, ROLLING("1", "0"));
	step(world);
	apply(world);
	step(world);
	assert_int_equal(plan_requeue_after(world->plan), 601 * NS_PER_S);
	world->now += 601 * (int64_t)NS_PER_S;
	step(world);
	apply(world);
	assert_string_equal(json_string_at(condition_of(world, "Progressing"), "reason"),
			    "ProgressDeadlineExceeded");
	assert_string_equal(json_string_at(condition_of(world, "Progressing"), "status"), "False");
	step(world);
	assert_int_equal(plan_count(world->plan), 0);
	assert_int_equal(plan_requeue_after(world->plan), 0);
	/* It may still succeed. */
	set_all_available(world, "nginx:1");
	step(world);
	apply(world);
	assert_string_equal(json_string_at(condition_of(world, "Progressing"), "reason"),
			    "NewReplicaSetAvailable");
}

static void old_sets_beyond_the_limit_are_removed(void **state)
{
	struct world *world = *state;
	char first[64];

	put_deployment(world, 1, "'revisionHistoryLimit':1," ROLLING("1", "0"));
	bring_up(world);
	snprintf(first, sizeof(first), "%.*s", STR_ARG(find_set(world, "nginx:1")->name));
	for (int i = 2; i < 4; i++) {
		char image[16];

		snprintf(image, sizeof(image), "nginx:%d", i);
		change_image(world, image);
		for (int j = 0; j < 6; j++) {
			step(world);
			apply(world);
			set_all_available(world, "nginx:1");
			set_all_available(world, "nginx:2");
			set_all_available(world, image);
		}
	}
	step(world);
	assert_string_equal(world_did(world, "delete", "ReplicaSet"), first);
}

static void a_taken_name_is_a_collision(void **state)
{
	struct world *world = *state;
	char name[64];

	put_deployment(world, 1, ROLLING("1", "0"));
	step(world);
	snprintf(name, sizeof(name), "%s", world_did(world, "create", "ReplicaSet"));
	world_put(world, &kind_replica_set, "{'metadata':{'name':'%s'},'spec':{}}", name);
	step(world);
	assert_string_not_equal(world_did(world, "create", "ReplicaSet"), name);
	assert_int_equal(json_int_at(world_status(world, "Deployment"), "collisionCount", 0), 1);
}

static void a_set_that_cannot_be_made_is_told(void **state)
{
	struct world *world = *state;
	const json_t *body = NULL;

	put_deployment(world, 1, ROLLING("1", "0"));
	world->failure = "quota exceeded";
	step(world);
	/* The first action tells, the second tries again. */
	body = json_object_get(plan_action(world->plan, 0), "body");
	body = condition_find(json_at(body, "status.conditions"), "Progressing");
	assert_string_equal(json_string_at(body, "reason"), "ReplicaSetCreateError");
	assert_non_null(strstr(json_string_at(body, "message"), "quota exceeded"));
	assert_string_not_equal(world_did(world, "create", "ReplicaSet"), "");
}

static void sets_are_adopted_by_selector(void **state)
{
	struct world *world = *state;

	put_deployment(world, 1, ROLLING("1", "0"));
	world_put(world, &kind_replica_set,
		  "{'metadata':{'name':'stray','labels':{'app':'nginx'}},'spec':{'replicas':1,"
		  "'template':{'metadata':{'labels':{'app':'nginx'}},"
		  "'spec':{'containers':[{'name':'nginx','image':'nginx:1'}]}}}}");
	step(world);
	assert_string_equal(world_did(world, "update", "ReplicaSet"), "stray");
	assert_string_equal(world_did(world, "create", "ReplicaSet"), "");
}

static void annotations_reach_the_newest_set(void **state)
{
	struct world *world = *state;

	put_deployment(world, 1, ROLLING("1", "0"));
	bring_up(world);
	change(world, "metadata.annotations",
	       json_pack("{s:s, s:s, s:s}", "kubernetes.io/change-cause", "because",
			 "kubectl.kubernetes.io/last-applied-configuration", "{}",
			 "deployment.kubernetes.io/revision", "1"));
	step(world);
	apply(world);
	struct object *set = find_set(world, "nginx:1");

	assert_string_equal(object_annotation(set, "kubernetes.io/change-cause"), "because");
	assert_string_equal(
		object_annotation(set, "kubectl.kubernetes.io/last-applied-configuration"), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_first_set_carries_hash_revision_and_size),
		TEST(available_pods_complete_a_deployment),
		TEST(a_rolling_update_keeps_to_surge_and_unavailable),
		TEST(unhealthy_old_pods_go_first),
		TEST(recreate_waits_for_the_last_old_pod),
		TEST(going_back_takes_the_old_set_again),
		TEST(scaling_during_a_rollout_is_shared_out),
		TEST(a_paused_deployment_scales_but_does_not_roll),
		TEST(a_deadline_that_passes_is_told),
		TEST(old_sets_beyond_the_limit_are_removed),
		TEST(a_taken_name_is_a_collision),
		TEST(a_set_that_cannot_be_made_is_told),
		TEST(sets_are_adopted_by_selector),
		TEST(annotations_reach_the_newest_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
