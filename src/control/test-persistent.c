/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims, volumes, and the scheduler between them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "control/claim.h"
#include "control/test-world.h"
#include "object/kinds.h"
#include "object/well_known.h"
#include "json/json.h"

#define CLAIM "PersistentVolumeClaim"
#define VOLUME "PersistentVolume"

static void put_class(struct world *world, const char *name, const char *mode)
{
	world_put(world, &kind_storage_class,
		  "{'metadata':{'name':'%s'},'provisioner':'%s','reclaimPolicy':'Delete',"
		  "'volumeBindingMode':'%s'}",
		  name, PROVISIONER_LOCAL_PATH, mode);
}

static void put_node(struct world *world, const char *name, const char *runtime)
{
	world_put(
		world, &kind_node,
		"{'metadata':{'name':'%s','labels':{'kubernetes.io/hostname':'%s'}},'status':{"
		"'allocatable':{'cpu':'4','memory':'8Gi','pods':'110'},'nodeInfo':{"
		"'containerRuntimeVersion':'%s'},'conditions':[{'type':'Ready','status':'True'}]}}",
		name, name, runtime);
}

static void put_claim(struct world *world, const char *class, const char *metadata,
		      const char *more)
{
	world_put(world, &kind_persistent_volume_claim,
		  "{'metadata':{'name':'data'%s},'spec':{'storageClassName':'%s','accessModes':["
		  "'ReadWriteOnce'],'volumeMode':'Filesystem','resources':{'requests':{'storage':"
		  "'1Gi'}}%s},'status':{'phase':'Pending'}}",
		  metadata, class, more);
}

static void put_volume(struct world *world, const char *name, const char *size, const char *more)
{
	world_put(world, &kind_persistent_volume,
		  "{'metadata':{'name':'%s'},'spec':{'capacity':{'storage':'%s'},'accessModes':["
		  "'ReadWriteOnce','ReadWriteMany'],'volumeMode':'Filesystem','hostPath':{'path':"
		  "'/x'},'persistentVolumeReclaimPolicy':'Delete'%s}}",
		  name, size, more);
}

static void put_pod(struct world *world, const char *name, const char *node)
{
	world_put(world, &kind_pod,
		  "{'metadata':{'name':'%s'},'spec':{%s'containers':[{'name':'a'}],'volumes':[{"
		  "'name':'d','persistentVolumeClaim':{'claimName':'data'}}]},'status':{'phase':"
		  "'Pending'}}",
		  name, node);
}

static void claims(struct world *world)
{
	world_reconcile(world, &controller_persistent_claims, "default/data");
}

static void a_claim_waits_for_its_first_pod(void **state)
{
	struct world *world = *state;

	put_node(world, "one", "containerd://1");
	put_class(world, "std", "WaitForFirstConsumer");
	put_claim(world, "std", "", "");
	claims(world);
	assert_string_equal(world_did(world, "create", VOLUME), "");
	assert_string_equal(world_events(world),
			    "Normal WaitForFirstConsumer waiting for first consumer to be created "
			    "before binding\n");

	put_claim(world, "std", ",'annotations':{'" ANNOTATION_SELECTED_NODE "':'one'}", "");
	claims(world);
	assert_string_equal(world_did(world, "create", VOLUME), "pvc-uid-data");
	const json_t *spec = json_object_get(world_body(world, "create", VOLUME, NULL), "spec");
	assert_string_equal(json_string_at(spec, "claimRef.uid"), "uid-data");
	assert_string_equal(json_string_at(spec, "hostPath.path"),
			    "/var/lib/headlessd/volumes/pvc-uid-data");
	assert_string_equal(json_string_at(spec, "persistentVolumeReclaimPolicy"), "Delete");
	assert_string_equal(json_string_at(spec, "capacity.storage"), "1Gi");
	const json_t *terms = json_at(spec, "nodeAffinity.required.nodeSelectorTerms");
	assert_int_equal(json_array_size(terms), 1);
	assert_string_equal(json_string_at(world_status(world, CLAIM), "phase"), "Bound");
}

static void an_immediate_claim_takes_any_ready_node(void **state)
{
	struct world *world = *state;

	put_class(world, "now", "Immediate");
	put_claim(world, "now", "", "");
	claims(world);
	assert_string_equal(world_did(world, "create", VOLUME), "");
	put_node(world, "one", "containerd://1");
	claims(world);
	assert_string_equal(world_did(world, "create", VOLUME), "pvc-uid-data");
	assert_string_equal(world_events(world), "Normal ProvisioningSucceeded Successfully "
						 "provisioned volume pvc-uid-data\n");
}

static void the_smallest_volume_that_fits_is_taken(void **state)
{
	struct world *world = *state;

	put_volume(world, "a-small", "500Mi", "");
	put_volume(world, "b-large", "5Gi", "");
	put_volume(world, "c-right", "2Gi", "");
	put_volume(world, "d-taken", "1Gi",
		   ",'claimRef':{'namespace':'other','name':'data','uid':'u'}");
	put_volume(world, "e-class", "1Gi", ",'storageClassName':'gold'");
	put_claim(world, "", "", "");
	claims(world);
	assert_string_equal(world_did(world, "patch", VOLUME), "c-right");
	assert_string_equal(json_string_at(world_body(world, "patch", VOLUME, "c-right"),
					   "spec.claimRef.uid"),
			    "uid-data");
	assert_string_equal(json_string_at(world_body(world, "patch", CLAIM, "data"),
					   "spec.volumeName"),
			    "c-right");

	/* One that is kept for it comes first, whatever its size. */
	put_volume(world, "z-kept", "9Gi", ",'claimRef':{'namespace':'default','name':'data'}");
	claims(world);
	assert_string_equal(world_did(world, "patch", VOLUME), "z-kept");
}

static void without_a_class_or_volume_a_claim_says_so(void **state)
{
	struct world *world = *state;

	put_claim(world, "", "", "");
	claims(world);
	assert_non_null(strstr(world_events(world), "Normal FailedBinding no persistent volumes"));
	put_claim(world, "none", "", "");
	claims(world);
	assert_non_null(strstr(world_events(world), "storageclass.storage.k8s.io \"none\" not"));
}

static void a_claim_that_lost_its_volume_is_lost(void **state)
{
	struct world *world = *state;

	world_put(world, &kind_persistent_volume_claim,
		  "{'metadata':{'name':'data'},'spec':{'volumeName':'v'},'status':{'phase':"
		  "'Bound'}}");
	claims(world);
	assert_string_equal(json_string_at(world_status(world, CLAIM), "phase"), "Lost");
}

static void a_claim_in_use_stays_until_its_pods_are_through(void **state)
{
	struct world *world = *state;

	put_claim(world, "",
		  ",'deletionTimestamp':'2026-01-01T00:05:00Z','finalizers':['kubernetes.io/"
		  "pvc-protection','other']",
		  "");
	put_pod(world, "web", "'nodeName':'one',");
	claims(world);
	assert_int_equal(plan_count(world->plan), 0);
	world_drop(world, &kind_pod, "web");
	claims(world);
	const json_t *left =
		json_at(world_body(world, "patch", CLAIM, "data"), "metadata.finalizers");
	assert_int_equal(json_array_size(left), 1);
	assert_string_equal(json_string_value(json_array_get(left, 0)), "other");
}

static const char *volume_phase(struct world *world)
{
	world_reconcile(world, &controller_persistent_volumes, "v");
	return json_string_at(world_status(world, VOLUME), "phase");
}

static void a_volume_follows_its_claim(void **state)
{
	struct world *world = *state;

	put_volume(world, "v", "1Gi", "");
	assert_string_equal(volume_phase(world), "Available");
	put_volume(world, "v", "1Gi",
		   ",'claimRef':{'namespace':'default','name':'data','uid':'uid-data'}");
	put_claim(world, "", "", ",'volumeName':'v'");
	assert_string_equal(volume_phase(world), "Bound");
	world_drop(world, &kind_persistent_volume_claim, "data");
	assert_string_equal(volume_phase(world), "Released");
	assert_string_equal(world_did(world, "delete", VOLUME), "v");
}

static void a_directory_is_removed_by_its_node_if_there_is_one(void **state)
{
	struct world *world = *state;

	world_put(world, &kind_persistent_volume,
		  "{'metadata':{'name':'v','deletionTimestamp':'2026-01-01T00:05:00Z','finalizers':"
		  "['kubernetes.io/pv-protection','%s']},'spec':{'claimRef':{'namespace':"
		  "'default','name':'gone','uid':'u'},'nodeAffinity':{'required':{"
		  "'nodeSelectorTerms':[{'matchExpressions':[{'key':'kubernetes.io/hostname',"
		  "'operator':'In','values':['one']}]}]}}}}",
		  FINALIZER_LOCAL_PATH);
	put_node(world, "one", "containerd://1");
	world_reconcile(world, &controller_persistent_volumes, "v");
	const json_t *left =
		json_at(world_body(world, "patch", VOLUME, "v"), "metadata.finalizers");
	assert_int_equal(json_array_size(left), 1);
	assert_string_equal(json_string_value(json_array_get(left, 0)), FINALIZER_LOCAL_PATH);
	put_node(world, "one", "simulated://1");
	world_reconcile(world, &controller_persistent_volumes, "v");
	left = json_at(world_body(world, "patch", VOLUME, "v"), "metadata.finalizers");
	assert_int_equal(json_array_size(left), 0);
}

/* ---- the scheduler ---- */

static void schedule(struct world *world)
{
	world_reconcile(world, &controller_scheduler, "pending");
}

static void a_pod_comes_when_its_volume_is_there(void **state)
{
	struct world *world = *state;

	put_node(world, "one", "containerd://1");
	put_node(world, "two", "containerd://1");
	put_class(world, "std", "WaitForFirstConsumer");
	put_pod(world, "web", "");
	schedule(world);
	assert_non_null(strstr(world_events(world), "persistentvolumeclaim \"data\" not found"));

	put_claim(world, "std", "", "");
	schedule(world);
	assert_string_equal(world_did(world, "create", "Pod"), "");
	const json_t *patch = world_body(world, "patch", CLAIM, "data");
	assert_string_equal(json_string_value(
				    json_object_get(json_at(patch, "metadata.annotations"),
						    ANNOTATION_SELECTED_NODE)),
			    "one");
	assert_string_equal(world_events(world), "");

	/* Bound to a volume of the other node, it goes there. */
	world_put(world, &kind_persistent_volume_claim,
		  "{'metadata':{'name':'data'},'spec':{'storageClassName':'std','volumeName':'v'},"
		  "'status':{'phase':'Bound'}}");
	put_volume(world, "v", "1Gi",
		   ",'nodeAffinity':{'required':{'nodeSelectorTerms':[{'matchExpressions':[{'key':"
		   "'kubernetes.io/hostname','operator':'In','values':['two']}]}]}}");
	schedule(world);
	assert_non_null(strstr(world_events(world), "Successfully assigned default/web to two"));
	world_drop(world, &kind_node, "two");
	schedule(world);
	assert_non_null(strstr(world_events(world),
			       "node(s) didn't match PersistentVolume's node affinity"));
}

static void an_unbound_immediate_claim_holds_its_pod(void **state)
{
	struct world *world = *state;

	put_node(world, "one", "containerd://1");
	put_class(world, "now", "Immediate");
	put_claim(world, "now", "", "");
	put_pod(world, "web", "");
	schedule(world);
	assert_non_null(
		strstr(world_events(world), "pod has unbound immediate PersistentVolumeClaims"));
}

static void an_ephemeral_volume_has_a_claim_of_its_pods_own(void **state)
{
	struct world *world = *state;

	put_node(world, "one", "containerd://1");
	put_class(world, "std", "WaitForFirstConsumer");
	world_put(world, &kind_pod,
		  "{'metadata':{'name':'web'},'spec':{'containers':[{'name':'a'}],'volumes':[{"
		  "'name':'scratch','ephemeral':{'volumeClaimTemplate':{'metadata':{'labels':{'a':"
		  "'b'}},'spec':{'storageClassName':'std','accessModes':['ReadWriteOnce']}}}}]},"
		  "'status':{'phase':'Pending'}}");
	world_reconcile(world, &controller_ephemeral_claims, "default/web");
	const json_t *claim = world_body(world, "create", CLAIM, "web-scratch");
	assert_non_null(claim);
	assert_string_equal(json_string_at(claim, "metadata.labels.a"), "b");
	assert_string_equal(
		json_string_at(json_array_get(json_at(claim, "metadata.ownerReferences"), 0),
			       "uid"),
		"uid-web");
	assert_string_equal(json_string_at(claim, "spec.storageClassName"), "std");

	/* Somebody else's of that name is never used. */
	world_put(world, &kind_persistent_volume_claim,
		  "{'metadata':{'name':'web-scratch'},'spec':{'storageClassName':'std'},'status':{"
		  "'phase':'Pending'}}");
	world_reconcile(world, &controller_ephemeral_claims, "default/web");
	assert_non_null(strstr(world_events(world), "pod is not owner"));
	schedule(world);
	assert_non_null(strstr(world_events(world), "was not created for the pod"));
	assert_null(world_body(world, "patch", CLAIM, "web-scratch"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_claim_waits_for_its_first_pod),
		TEST(an_immediate_claim_takes_any_ready_node),
		TEST(the_smallest_volume_that_fits_is_taken),
		TEST(without_a_class_or_volume_a_claim_says_so),
		TEST(a_claim_that_lost_its_volume_is_lost),
		TEST(a_claim_in_use_stays_until_its_pods_are_through),
		TEST(a_volume_follows_its_claim),
		TEST(a_directory_is_removed_by_its_node_if_there_is_one),
		TEST(a_pod_comes_when_its_volume_is_there),
		TEST(an_unbound_immediate_claim_holds_its_pod),
		TEST(an_ephemeral_volume_has_a_claim_of_its_pods_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
