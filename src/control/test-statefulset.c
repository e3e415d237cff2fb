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

#define TEMPLATE(image)                                                                            \
	"'template':{'metadata':{'labels':{'app':'nginx'}},'spec':{'containers':[{'name':"         \
	"'nginx','image':'" image "'}]}}"

/* The set "web" with a template and further spec fields. */
#define PUT_SET(world, replicas, template, more)                                                   \
	world_put(world, &kind_stateful_set,                                                       \
		  "{'metadata':{'name':'web','generation':1},'spec':{'replicas':%d,'serviceName':" \
		  "'nginx-headless','selector':{'matchLabels':{'app':'nginx'}}," template more     \
		  "}}",                                                                            \
		  replicas)

static void step(struct world *world)
{
	world_reconcile(world, &controller_statefulset, "default/web");
}

/* The set's pods and revisions come to be as planned, the status too. */
static void apply(struct world *world)
{
	const json_t *status = world_status(world, "StatefulSet");

	if (status != NULL) {
		json_t *set = world_get(world, &kind_stateful_set, "web");
		json_t *merged = json_object_get(set, "status");

		if (merged == NULL) {
			json_object_set_new(set, "status", json_object());
			merged = json_object_get(set, "status");
		}
		json_object_update(merged, (json_t *)status);
		world_put_tree(world, &kind_stateful_set, set);
	}
	world_take_creates(world);
}

static void set_pod(struct world *world, const char *name, const char *phase, const char *ready)
{
	json_t *pod = world_get(world, &kind_pod, name);

	json_object_set_new(pod, "status",
			    world_json("{'phase':'%s','conditions':[{'type':'Ready','status':'%s',"
				       "'lastTransitionTime':'2026-01-01T00:00:30Z'}]}",
				       phase, ready));
	world_put_tree(world, &kind_pod, pod);
}

static void set_deleting(struct world *world, const char *name)
{
	json_t *pod = world_get(world, &kind_pod, name);

	json_put(pod, "metadata.deletionTimestamp", json_string("2026-01-01T00:05:00Z"));
	world_put_tree(world, &kind_pod, pod);
}

/* Lets the set come up to `n` ready pods. */
static void bring_up(struct world *world, int n)
{
	for (int i = 0; i <= n; i++) {
		char name[16];

		step(world);
		apply(world);
		snprintf(name, sizeof(name), "web-%d", i);
		if (i < n) {
			set_pod(world, name, "Running", "True");
		}
	}
	step(world);
	apply(world);
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "");
	assert_string_equal(world_did(world, "delete", "Pod"), "");
	assert_null(world_status(world, "StatefulSet"));
}

static void set_field(struct world *world, const char *path, json_t *value)
{
	json_t *set = world_get(world, &kind_stateful_set, "web");

	json_put(set, path, value);
	json_put(set, "metadata.generation",
		 json_integer(json_int_at(set, "metadata.generation", 1) + 1));
	world_put_tree(world, &kind_stateful_set, set);
}

static void change_image(struct world *world, const char *image)
{
	json_t *wrapped = world_json("{" TEMPLATE("%s") "}", image);

	set_field(world, "spec.template", json_incref(json_object_get(wrapped, "template")));
	json_decref(wrapped);
}

static void pods_come_one_after_the_other(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 3, TEMPLATE("nginx"), "");
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "web-0");
	assert_string_equal(
		world_events(world),
		"Normal SuccessfulCreate create Pod web-0 in StatefulSet web successful\n");
	apply(world);
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "");
	set_pod(world, "web-0", "Running", "False");
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "");
	set_pod(world, "web-0", "Running", "True");
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "web-1");
}

static void a_pod_has_the_identity_of_its_ordinal(void **state)
{
	struct world *world = *state;
	const json_t *pod;
	const json_t *owner;

	PUT_SET(world, 1, TEMPLATE("nginx"), ",'ordinals':{'start':5}");
	step(world);
	pod = world_body(world, "create", "Pod", "web-5");
	assert_non_null(pod);
	assert_string_equal(json_string_at(pod, "metadata.generateName"), "web-");
	assert_string_equal(json_string_at(pod, "metadata.namespace"), "default");
	assert_string_equal(json_string_at(pod, "spec.hostname"), "web-5");
	assert_string_equal(json_string_at(pod, "spec.subdomain"), "nginx-headless");
	const json_t *labels = json_at(pod, "metadata.labels");

	assert_string_equal(json_string_value(json_object_get(labels, "app")), "nginx");
	assert_string_equal(json_string_value(
				    json_object_get(labels, "statefulset.kubernetes.io/pod-name")),
			    "web-5");
	assert_string_equal(
		json_string_value(json_object_get(labels, "apps.kubernetes.io/pod-index")), "5");
	assert_string_equal(json_string_value(json_object_get(labels, "controller-revision-hash")),
			    world_did(world, "create", "ControllerRevision"));
	owner = json_array_get(json_at(pod, "metadata.ownerReferences"), 0);
	assert_string_equal(json_string_at(owner, "apiVersion"), "apps/v1");
	assert_string_equal(json_string_at(owner, "kind"), "StatefulSet");
	assert_string_equal(json_string_at(owner, "uid"), "uid-web");
	assert_true(json_bool_at(owner, "controller", false));
	assert_true(json_bool_at(owner, "blockOwnerDeletion", false));
}

static void parallel_pods_come_at_once(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 3, TEMPLATE("nginx"), ",'podManagementPolicy':'Parallel'");
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "web-0 web-1 web-2");
	apply(world);
	set_field(world, "spec.replicas", json_integer(0));
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "web-2 web-1 web-0");
}

static void scaling_down_goes_from_the_top_and_waits(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 3, TEMPLATE("nginx"), "");
	bring_up(world, 3);
	set_field(world, "spec.replicas", json_integer(1));
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "web-2");
	assert_string_equal(
		world_events(world),
		"Normal SuccessfulDelete delete Pod web-2 in StatefulSet web successful\n");
	set_deleting(world, "web-2");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "");
	world_drop(world, &kind_pod, "web-2");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "web-1");
}

static void scaling_down_halts_on_unhealthy_pods(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 3, TEMPLATE("nginx"), "");
	bring_up(world, 3);
	set_pod(world, "web-0", "Running", "False");
	set_pod(world, "web-1", "Running", "False");
	set_pod(world, "web-2", "Running", "False");
	set_field(world, "spec.replicas", json_integer(0));
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "");
	set_pod(world, "web-2", "Running", "True");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "web-2");
}

static void a_finished_pod_is_removed_and_comes_again(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 2, TEMPLATE("nginx"), "");
	bring_up(world, 2);
	set_pod(world, "web-0", "Failed", "False");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "web-0");
	assert_string_equal(world_did(world, "create", "Pod"), "");
	set_deleting(world, "web-0");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "");
	assert_string_equal(world_did(world, "create", "Pod"), "");
	world_drop(world, &kind_pod, "web-0");
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "web-0");
}

static void a_terminating_pod_is_not_replaced_before_it_has_gone(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 2, TEMPLATE("nginx"), ",'podManagementPolicy':'Parallel'");
	step(world);
	apply(world);
	set_deleting(world, "web-1");
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "");
	world_drop(world, &kind_pod, "web-1");
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "web-1");
}

static void min_ready_seconds_holds_the_next_pod_back(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 2, TEMPLATE("nginx"), ",'minReadySeconds':600");
	step(world);
	apply(world);
	set_pod(world, "web-0", "Running", "True"); /* since 00:00:30, it is 00:10:00 */
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "");
	assert_int_equal(plan_requeue_after(world->plan), 30 * NS_PER_S);
	assert_int_equal(json_int_at(world_status(world, "StatefulSet"), "readyReplicas", -1), 1);
	assert_int_equal(json_int_at(world_status(world, "StatefulSet"), "availableReplicas", 0),
			 0);
	world->now += 30 * (int64_t)NS_PER_S;
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "web-1");
}

static void a_rolling_update_goes_down_one_by_one(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 3, TEMPLATE("nginx:1"), "");
	bring_up(world, 3);
	change_image(world, "nginx:2");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "web-2");
	assert_int_equal(json_int_at(world_body(world, "create", "ControllerRevision", NULL),
				     "revision", 0),
			 2);
	apply(world);
	set_deleting(world, "web-2");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "");
	world_drop(world, &kind_pod, "web-2");
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "web-2");
	apply(world);
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "");
	set_pod(world, "web-2", "Running", "True");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "web-1");
}

static void pods_below_the_partition_keep_their_revision(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 3, TEMPLATE("nginx:1"),
		",'updateStrategy':{'type':'RollingUpdate','rollingUpdate':{'partition':2}}");
	bring_up(world, 3);
	change_image(world, "nginx:2");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "web-2");
	apply(world);
	world_drop(world, &kind_pod, "web-2");
	step(world);
	const json_t *pod = world_body(world, "create", "Pod", "web-2");

	assert_string_equal(json_string_at(json_array_get(json_at(pod, "spec.containers"), 0),
					   "image"),
			    "nginx:2");
	apply(world);
	set_pod(world, "web-2", "Running", "True");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "");
	world_drop(world, &kind_pod, "web-0");
	step(world);
	pod = world_body(world, "create", "Pod", "web-0");
	assert_string_equal(json_string_at(json_array_get(json_at(pod, "spec.containers"), 0),
					   "image"),
			    "nginx:1");
}

static void on_delete_leaves_pods_alone(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 2, TEMPLATE("nginx:1"), ",'updateStrategy':{'type':'OnDelete'}");
	bring_up(world, 2);
	change_image(world, "nginx:2");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "");
	apply(world);
	world_drop(world, &kind_pod, "web-1");
	step(world);
	const json_t *pod = world_body(world, "create", "Pod", "web-1");

	assert_string_equal(json_string_at(json_array_get(json_at(pod, "spec.containers"), 0),
					   "image"),
			    "nginx:2");
}

static void max_unavailable_lets_several_go(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 4, TEMPLATE("nginx:1"),
		",'podManagementPolicy':'Parallel','updateStrategy':{'type':'RollingUpdate',"
		"'rollingUpdate':{'partition':0,'maxUnavailable':'50%%'}}");
	bring_up(world, 4);
	change_image(world, "nginx:2");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "web-3 web-2");
}

static void a_broken_revision_does_not_block_its_successor(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 2, TEMPLATE("nginx:1"), ",'podManagementPolicy':'Parallel'");
	bring_up(world, 2);
	set_pod(world, "web-1", "Running", "False");
	change_image(world, "nginx:2");
	step(world);
	assert_string_equal(world_did(world, "delete", "Pod"), "web-1");
}

static void going_back_counts_the_old_revision_up(void **state)
{
	struct world *world = *state;
	char first[64];

	PUT_SET(world, 1, TEMPLATE("nginx:1"), "");
	step(world);
	snprintf(first, sizeof(first), "%s", world_did(world, "create", "ControllerRevision"));
	apply(world);
	set_pod(world, "web-0", "Running", "True");
	change_image(world, "nginx:2");
	step(world);
	apply(world);
	change_image(world, "nginx:1");
	step(world);
	assert_string_equal(world_did(world, "create", "ControllerRevision"), "");
	assert_string_equal(world_did(world, "patch", "ControllerRevision"), first);
	assert_int_equal(json_int_at(world_body(world, "patch", "ControllerRevision", first),
				     "revision", 0),
			 3);
	assert_string_equal(json_string_at(world_status(world, "StatefulSet"), "updateRevision"),
			    first);
}

static void history_is_cut_to_its_limit(void **state)
{
	struct world *world = *state;
	char first[64];

	PUT_SET(world, 1, TEMPLATE("nginx:1"), ",'revisionHistoryLimit':1");
	step(world);
	snprintf(first, sizeof(first), "%s", world_did(world, "create", "ControllerRevision"));
	apply(world);
	for (int i = 2; i < 5; i++) {
		char image[16];

		snprintf(image, sizeof(image), "nginx:%d", i);
		change_image(world, image);
		step(world);
		apply(world);
	}
	/* The first is what the pod has; the last is to be updated to; one of the others stays. */
	step(world);
	const char *gone = world_did(world, "delete", "ControllerRevision");

	assert_int_equal(strspn(gone, "web-456789bcdf"), strlen(gone));
	assert_true(gone[0] != '\0');
	assert_null(strstr(gone, first));
}

static void a_taken_name_is_a_collision(void **state)
{
	struct world *world = *state;
	char name[64];

	PUT_SET(world, 1, TEMPLATE("nginx"), "");
	step(world);
	snprintf(name, sizeof(name), "%s", world_did(world, "create", "ControllerRevision"));
	world_put(world, &kind_controller_revision,
		  "{'metadata':{'name':'%s'},'data':{},'revision':1}", name);
	step(world);
	assert_string_not_equal(world_did(world, "create", "ControllerRevision"), name);
	assert_int_equal(json_int_at(world_status(world, "StatefulSet"), "collisionCount", 0), 1);
}

static void the_status_counts_what_is_there(void **state)
{
	struct world *world = *state;
	const json_t *status;

	PUT_SET(world, 2, TEMPLATE("nginx"), "");
	step(world);
	apply(world);
	set_pod(world, "web-0", "Running", "True");
	step(world);
	status = world_status(world, "StatefulSet");
	assert_int_equal(json_int_at(status, "replicas", 0), 1);
	assert_int_equal(json_int_at(status, "readyReplicas", 0), 1);
	assert_int_equal(json_int_at(status, "currentReplicas", 0), 1);
	assert_int_equal(json_int_at(status, "updatedReplicas", 0), 1);
	assert_int_equal(json_int_at(status, "availableReplicas", 0), 1);
	apply(world);
	set_pod(world, "web-1", "Running", "True");
	step(world);
	apply(world);
	json_t *set = world_get(world, &kind_stateful_set, "web");

	assert_int_equal(json_int_at(set, "status.observedGeneration", 0), 1);
	assert_int_equal(json_int_at(set, "status.replicas", 0), 2);
	assert_string_equal(json_string_at(set, "status.currentRevision"),
			    json_string_at(set, "status.updateRevision"));
	json_decref(set);
}

static void an_update_is_complete_when_every_pod_has_it(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 1, TEMPLATE("nginx:1"), "");
	bring_up(world, 1);
	change_image(world, "nginx:2");
	step(world);
	apply(world);
	json_t *set = world_get(world, &kind_stateful_set, "web");

	assert_string_not_equal(json_string_at(set, "status.currentRevision"),
				json_string_at(set, "status.updateRevision"));
	json_decref(set);
	world_drop(world, &kind_pod, "web-0");
	step(world);
	apply(world);
	set_pod(world, "web-0", "Running", "True");
	step(world);
	apply(world);
	set = world_get(world, &kind_stateful_set, "web");
	assert_string_equal(json_string_at(set, "status.currentRevision"),
			    json_string_at(set, "status.updateRevision"));
	json_decref(set);
}

static void orphans_are_adopted_and_strangers_released(void **state)
{
	struct world *world = *state;
	const json_t *body;

	PUT_SET(world, 2, TEMPLATE("nginx"), "");
	world_put(world, &kind_pod, "{'metadata':{'name':'web-1','labels':{'app':'nginx'}}}");
	world_put(world, &kind_pod, "{'metadata':{'name':'other','labels':{'app':'nginx'}}}");
	step(world);
	assert_string_equal(world_did(world, "update", "Pod"), "web-1");
	body = world_body(world, "update", "Pod", "web-1");
	assert_string_equal(
		json_string_at(json_array_get(json_at(body, "metadata.ownerReferences"), 0), "uid"),
		"uid-web");
	assert_non_null(json_at(body, "metadata.resourceVersion"));
	world_drop(world, &kind_pod, "web-1");
	world_put(world, &kind_pod,
		  "{'metadata':{'name':'web-0','labels':{'app':'else'},'ownerReferences':[{"
		  "'apiVersion':'apps/v1','kind':'StatefulSet','name':'web','uid':'uid-web',"
		  "'controller':true}]}}");
	step(world);
	body = world_body(world, "update", "Pod", "web-0");
	assert_non_null(body);
	assert_null(json_at(body, "metadata.ownerReferences"));
}

static void lost_labels_are_put_back(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 1, TEMPLATE("nginx"), "");
	bring_up(world, 1);
	json_t *pod = world_get(world, &kind_pod, "web-0");

	json_object_del(json_at(pod, "metadata.labels"), "statefulset.kubernetes.io/pod-name");
	world_put_tree(world, &kind_pod, pod);
	step(world);
	const json_t *labels =
		json_at(world_body(world, "patch", "Pod", "web-0"), "metadata.labels");

	assert_string_equal(json_string_value(
				    json_object_get(labels, "statefulset.kubernetes.io/pod-name")),
			    "web-0");
}

static void claims_become_volumes(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 1, TEMPLATE("nginx"),
		",'volumeClaimTemplates':[{'metadata':{'name':'data'},'spec':{}}]");
	step(world);
	const json_t *volume =
		json_array_get(json_at(world_body(world, "create", "Pod", "web-0"), "spec.volumes"),
			       0);

	assert_string_equal(json_string_at(volume, "name"), "data");
	assert_string_equal(json_string_at(volume, "persistentVolumeClaim.claimName"),
			    "data-web-0");
	assert_string_equal(world_did(world, "create", "PersistentVolumeClaim"), "data-web-0");
}

/* Whom the claim of web-N goes with, as the last plan patches it. */
static const char *claim_goes_with(struct world *world, const char *claim)
{
	const json_t *body = world_body(world, "patch", "PersistentVolumeClaim", claim);
	const json_t *owners = json_at(body, "metadata.ownerReferences");

	return body == NULL                   ? "untouched"
	       : json_array_size(owners) == 0 ? "nobody"
					      : json_string_at(json_array_get(owners, 0), "kind");
}

static void claims_go_with_pods_and_sets_as_the_policy_says(void **state)
{
	static const struct {
		const char *policy;
		const char *scaled; /* whom data-web-1 goes with after scaling to one */
		const char *kept; /* whom data-web-0 does */
	} cases[] = {
		{ "{'whenDeleted':'Retain','whenScaled':'Retain'}", "untouched", "untouched" },
		{ "{'whenDeleted':'Delete','whenScaled':'Retain'}", "StatefulSet", "StatefulSet" },
		{ "{'whenDeleted':'Retain','whenScaled':'Delete'}", "Pod", "untouched" },
		{ "{'whenDeleted':'Delete','whenScaled':'Delete'}", "Pod", "StatefulSet" },
	};
	struct world *world = *state;

	PUT_SET(world, 2, TEMPLATE("nginx"),
		",'volumeClaimTemplates':[{'metadata':{'name':'data'},'spec':{}}]");
	bring_up(world, 2);
	set_field(world, "spec.replicas", json_integer(1));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_field(world, "spec.persistentVolumeClaimRetentionPolicy",
			  world_json("%s", cases[i].policy));
		step(world);
		assert_string_equal(world_did(world, "delete", "Pod"), "web-1");
		assert_string_equal(claim_goes_with(world, "data-web-1"), cases[i].scaled);
		assert_string_equal(claim_goes_with(world, "data-web-0"), cases[i].kept);
	}
}

static void a_claim_that_was_removed_comes_again(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 1, TEMPLATE("nginx"),
		",'volumeClaimTemplates':[{'metadata':{'name':'data'},'spec':{}}]");
	bring_up(world, 1);
	world_drop(world, &kind_persistent_volume_claim, "data-web-0");
	step(world);
	assert_string_equal(world_did(world, "create", "PersistentVolumeClaim"), "data-web-0");
}

static void a_set_that_goes_makes_nothing(void **state)
{
	struct world *world = *state;

	PUT_SET(world, 2, TEMPLATE("nginx"), "");
	set_field(world, "metadata.deletionTimestamp", json_string("2026-01-01T00:05:00Z"));
	step(world);
	assert_string_equal(world_did(world, "create", "Pod"), "");
	/* Nor what the garbage collector has to remove first: they would go on for ever. */
	assert_string_equal(world_did(world, "create", "ControllerRevision"), "");
	world_reconcile(world, &controller_statefulset, "default/nothing");
	assert_int_equal(plan_count(world->plan), 0);
}

static void a_burst_is_bounded(void **state)
{
	struct world *world = *state;
	size_t pods = 0;

	PUT_SET(world, 2000000000, TEMPLATE("nginx"), ",'podManagementPolicy':'Parallel'");
	step(world);
	for (const char *p = world_did(world, "create", "Pod"); p != NULL; p = strchr(p + 1, ' ')) {
		pods++;
	}
	assert_int_equal(pods, LIMIT_WORKLOAD_BURST);
}

static void a_pod_wakes_its_set(void **state)
{
	struct world *world = *state;
	struct object *pod = NULL;
	json_t *keys;

	PUT_SET(world, 2, TEMPLATE("nginx"), "");
	assert_int_equal(object_new_tree(&kind_pod,
					 world_json("{'apiVersion':'v1','kind':'Pod','metadata':{"
						    "'name':'web-0','namespace':'default',"
						    "'labels':{'app':'nginx'}}}"),
					 &pod),
			 0);
	keys = source_keys(&controller_statefulset.sources[1], world->cache, NULL, pod);
	assert_int_equal(json_array_size(keys), 1);
	assert_string_equal(json_string_value(json_array_get(keys, 0)), "default/web");
	json_decref(keys);
	object_unref(pod);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(pods_come_one_after_the_other),
		TEST(a_pod_has_the_identity_of_its_ordinal),
		TEST(parallel_pods_come_at_once),
		TEST(scaling_down_goes_from_the_top_and_waits),
		TEST(scaling_down_halts_on_unhealthy_pods),
		TEST(a_finished_pod_is_removed_and_comes_again),
		TEST(a_terminating_pod_is_not_replaced_before_it_has_gone),
		TEST(min_ready_seconds_holds_the_next_pod_back),
		TEST(a_rolling_update_goes_down_one_by_one),
		TEST(pods_below_the_partition_keep_their_revision),
		TEST(on_delete_leaves_pods_alone),
		TEST(max_unavailable_lets_several_go),
		TEST(a_broken_revision_does_not_block_its_successor),
		TEST(going_back_counts_the_old_revision_up),
		TEST(history_is_cut_to_its_limit),
		TEST(a_taken_name_is_a_collision),
		TEST(the_status_counts_what_is_there),
		TEST(an_update_is_complete_when_every_pod_has_it),
		TEST(orphans_are_adopted_and_strangers_released),
		TEST(lost_labels_are_put_back),
		TEST(claims_become_volumes),
		TEST(claims_go_with_pods_and_sets_as_the_policy_says),
		TEST(a_claim_that_was_removed_comes_again),
		TEST(a_set_that_goes_makes_nothing),
		TEST(a_burst_is_bounded),
		TEST(a_pod_wakes_its_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
