/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "control/service_pods.h"
#include "control/test-world.h"
#include "object/kinds.h"
#include "json/json.h"

#define KEY "default/web"

static void put_service(struct world *world, const char *more)
{
	world_put(world, &kind_service,
		  "{'metadata':{'name':'web','labels':{'team':'blue'}},'spec':{'clusterIP':'None',"
		  "'selector':{'app':'web'},'ipFamilies':['IPv4'],"
		  "'ports':[{'name':'http','port':80,'protocol':'TCP'}]%s}}",
		  more);
}

static void put_pod(struct world *world, const char *name, const char *ip, const char *ready)
{
	world_put(
		world, &kind_pod,
		"{'metadata':{'name':'%s','labels':{'app':'web'}},"
		"'spec':{'nodeName':'node01','hostname':'%s','subdomain':'web'},"
		"'status':{'phase':'Running','podIPs':[{'ip':'%s'}],'conditions':[{'type':'Ready',"
		"'status':'%s','lastTransitionTime':'2026-01-01T00:05:00Z'}]}}",
		name, name, ip, ready);
}

static const json_t *slice(struct world *world, size_t i)
{
	return world_nth(world, &kind_endpoint_slice, i);
}

static const json_t *endpoint(struct world *world, size_t i)
{
	return json_array_get(json_object_get(slice(world, 0), "endpoints"), i);
}

static size_t n_endpoints(struct world *world, size_t i)
{
	return json_array_size(json_object_get(slice(world, i), "endpoints"));
}

/* "ready serving terminating" of an endpoint, as letters. */
static const char *conditions(const json_t *endpoint)
{
	static char text[4];

	text[0] = json_bool_at(endpoint, "conditions.ready", false) ? 'r' : '-';
	text[1] = json_bool_at(endpoint, "conditions.serving", false) ? 's' : '-';
	text[2] = json_bool_at(endpoint, "conditions.terminating", false) ? 't' : '-';
	return text;
}

static void a_pod_becomes_an_endpoint_with_all_it_says(void **state)
{
	struct world *world = *state;
	_cleanup_json_ json_t *wanted = world_json(
		"{'addresses':['10.244.0.5'],'conditions':{'ready':true,'serving':true,"
		"'terminating':false},'hostname':'web-0','nodeName':'node01','zone':'z1',"
		"'targetRef':{'kind':'Pod','namespace':'default','name':'web-0','uid':'uid-web-0'}"
		"}");
	_cleanup_json_ json_t *ports = world_json("[{'name':'http','port':80,'protocol':'TCP'}]");
	_cleanup_json_ json_t *labels =
		world_json("{'team':'blue','service.kubernetes.io/headless':'',"
			   "'kubernetes.io/service-name':'web',"
			   "'endpointslice.kubernetes.io/managed-by':"
			   "'endpointslice-controller.k8s.io'}");
	_cleanup_json_ json_t *owner =
		world_json("[{'apiVersion':'v1','kind':'Service','name':'web','uid':'uid-web',"
			   "'controller':true,'blockOwnerDeletion':true}]");

	put_service(world, "");
	put_pod(world, "web-0", "10.244.0.5", "True");
	world_put(world, &kind_node,
		  "{'metadata':{'name':'node01','labels':{'topology.kubernetes.io/zone':'z1'}}}");
	assert_int_equal(world_settle(world, &controller_endpointslice, KEY), 1);
	assert_string_equal(json_string_at(slice(world, 0), "addressType"), "IPv4");
	assert_string_equal(json_string_at(slice(world, 0), "metadata.generateName"), "web-");
	assert_true(json_equal(endpoint(world, 0), wanted));
	assert_true(json_equal(json_object_get(slice(world, 0), "ports"), ports));
	assert_true(json_equal(json_at(slice(world, 0), "metadata.labels"), labels));
	assert_true(json_equal(json_at(slice(world, 0), "metadata.ownerReferences"), owner));
	assert_null(slice(world, 1));
}

static void conditions_follow_readiness_and_deletion(void **state)
{
	struct world *world = *state;
	json_t *leaving;

	put_service(world, "");
	put_pod(world, "web-0", "10.244.0.5", "True");
	put_pod(world, "web-1", "10.244.0.6", "False");
	put_pod(world, "web-2", "10.244.0.7", "True");
	leaving = world_get(world, &kind_pod, "web-2");
	json_put(leaving, "metadata.deletionTimestamp", json_string("2026-01-01T00:20:00Z"));
	world_put_tree(world, &kind_pod, leaving);
	world_settle(world, &controller_endpointslice, KEY);
	assert_string_equal(conditions(endpoint(world, 0)), "rs-");
	assert_string_equal(conditions(endpoint(world, 1)), "---");
	assert_string_equal(conditions(endpoint(world, 2)), "-st");
	put_service(world, ",'publishNotReadyAddresses':true");
	assert_int_equal(world_settle(world, &controller_endpointslice, KEY), 1);
	assert_string_equal(conditions(endpoint(world, 0)), "rs-");
	assert_string_equal(conditions(endpoint(world, 1)), "r--");
	assert_string_equal(conditions(endpoint(world, 2)), "rst");
}

static void pods_without_address_or_finished_are_left_out(void **state)
{
	struct world *world = *state;
	json_t *finished;

	put_service(world, "");
	put_pod(world, "web-0", "10.244.0.5", "True");
	put_pod(world, "web-1", "10.244.0.6", "True");
	finished = world_get(world, &kind_pod, "web-1");
	json_put(finished, "status.phase", json_string("Succeeded"));
	world_put_tree(world, &kind_pod, finished);
	world_put(world, &kind_pod,
		  "{'metadata':{'name':'web-2','labels':{'app':'web'}},'status':{}}");
	world_settle(world, &controller_endpointslice, KEY);
	assert_int_equal(n_endpoints(world, 0), 1);
}

static void a_selector_that_matches_nothing_gives_one_empty_slice(void **state)
{
	struct world *world = *state;

	put_service(world, "");
	assert_int_equal(world_settle(world, &controller_endpointslice, KEY), 1);
	assert_int_equal(n_endpoints(world, 0), 0);
	assert_true(json_is_array(json_object_get(slice(world, 0), "endpoints")));
	assert_int_equal(json_array_size(json_object_get(slice(world, 0), "ports")), 0);
	assert_null(slice(world, 1));
}

static void the_empty_slice_turns_into_a_real_one_and_back(void **state)
{
	struct world *world = *state;

	put_service(world, "");
	world_settle(world, &controller_endpointslice, KEY);
	put_pod(world, "web-0", "10.244.0.5", "True");
	world_reconcile(world, &controller_endpointslice, KEY);
	assert_int_equal(plan_count(world->plan), 1);
	assert_string_not_equal(world_did(world, "update", "EndpointSlice"), "");
	world_take_plan(world);
	assert_int_equal(n_endpoints(world, 0), 1);
	assert_int_equal(json_array_size(json_object_get(slice(world, 0), "ports")), 1);
	world_drop(world, &kind_pod, "web-0");
	world_reconcile(world, &controller_endpointslice, KEY);
	assert_int_equal(plan_count(world->plan), 1);
	world_take_plan(world);
	assert_int_equal(n_endpoints(world, 0), 0);
	assert_null(slice(world, 1));
}

static void named_ports_are_resolved_by_each_pod(void **state)
{
	struct world *world = *state;

	put_service(world, "");
	world_put(world, &kind_service,
		  "{'metadata':{'name':'web'},'spec':{'clusterIP':'10.96.0.9','selector':"
		  "{'app':'web'},'ports':[{'port':80,'targetPort':'http'},"
		  "{'name':'dns','port':53,'protocol':'UDP','targetPort':'dns'}]}}");
	for (unsigned i = 0; i < 3; i++) {
		world_put(world, &kind_pod,
			  "{'metadata':{'name':'web-%u','labels':{'app':'web'}},'spec':{"
			  "'containers':[{'ports':[{'name':'http','containerPort':%u},"
			  "{'name':'dns','containerPort':5353,'protocol':'%s'}]}]},'status':{"
			  "'podIP':'10.244.0.%u'}}",
			  i, i < 2 ? 8080 : 9090, i == 0 ? "UDP" : "TCP", i + 1);
	}
	world_settle(world, &controller_endpointslice, KEY);
	/* http 8080 and dns; http 8080 alone; http 9090 alone. */
	assert_non_null(slice(world, 2));
	assert_null(slice(world, 3));
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(n_endpoints(world, i), 1);
		assert_true(json_is_string(json_object_get(
			json_array_get(json_object_get(slice(world, i), "ports"), 0), "name")));
	}
}

static void put_pods(struct world *world, unsigned from, unsigned to)
{
	char name[16];
	char ip[24];

	for (unsigned i = from; i < to; i++) {
		snprintf(name, sizeof(name), "web-%u", i);
		snprintf(ip, sizeof(ip), "10.244.%u.%u", i / 250, i % 250 + 1);
		put_pod(world, name, ip, "True");
	}
}

static void slices_hold_a_hundred_and_few_are_touched(void **state)
{
	struct world *world = *state;

	put_service(world, "");
	put_pods(world, 0, 250);
	assert_int_equal(world_settle(world, &controller_endpointslice, KEY), 1);
	assert_int_equal(n_endpoints(world, 0), 100);
	assert_int_equal(n_endpoints(world, 1), 100);
	assert_int_equal(n_endpoints(world, 2), 50);
	assert_null(slice(world, 3));
	/* One goes, another comes: the slice that changes anyway takes it. */
	world_drop(world, &kind_pod, "web-7");
	put_pods(world, 250, 251);
	world_reconcile(world, &controller_endpointslice, KEY);
	assert_int_equal(plan_count(world->plan), 1);
	world_take_plan(world);
	/* Forty more fit into the one with room; sixty more do not, and make one new slice. */
	put_pods(world, 251, 291);
	world_reconcile(world, &controller_endpointslice, KEY);
	assert_int_equal(plan_count(world->plan), 1);
	world_take_plan(world);
	put_pods(world, 291, 351);
	world_reconcile(world, &controller_endpointslice, KEY);
	assert_int_equal(plan_count(world->plan), 1);
	assert_non_null(world_body(world, "create", "EndpointSlice", NULL));
	world_take_plan(world);
	world_reconcile(world, &controller_endpointslice, KEY);
	assert_int_equal(plan_count(world->plan), 0);
}

static void both_families_get_slices_of_their_own(void **state)
{
	struct world *world = *state;

	world_put(world, &kind_service,
		  "{'metadata':{'name':'web'},'spec':{'clusterIP':'None','selector':{'app':'web'},"
		  "'ipFamilies':['IPv6','IPv4']}}");
	world_put(world, &kind_pod,
		  "{'metadata':{'name':'web-0','labels':{'app':'web'}},'status':{'podIPs':["
		  "{'ip':'10.244.0.5'},{'ip':'FD00:0::5'}]}}");
	world_settle(world, &controller_endpointslice, KEY);
	assert_null(slice(world, 2));
	for (size_t i = 0; i < 2; i++) {
		bool six = strcmp(json_string_at(slice(world, i), "addressType"), "IPv6") == 0;
		const json_t *addresses = json_object_get(
			json_array_get(json_object_get(slice(world, i), "endpoints"), 0),
			"addresses");

		assert_string_equal(json_string_value(json_array_get(addresses, 0)),
				    six ? "fd00::5" : "10.244.0.5");
		/* No ports: a headless service may have none. */
		assert_int_equal(json_array_size(json_object_get(slice(world, i), "ports")), 0);
	}
	world_put(world, &kind_service,
		  "{'metadata':{'name':'web'},'spec':{'clusterIP':'None','selector':{'app':'web'},"
		  "'ipFamilies':['IPv6']}}");
	world_settle(world, &controller_endpointslice, KEY);
	assert_string_equal(json_string_at(slice(world, 0), "addressType"), "IPv6");
	assert_null(slice(world, 1));
}

static void labels_follow_the_service(void **state)
{
	struct world *world = *state;
	json_t *service;

	put_service(world, "");
	put_pod(world, "web-0", "10.244.0.5", "True");
	world_settle(world, &controller_endpointslice, KEY);
	service = world_get(world, &kind_service, "web");
	json_object_del(service, "metadata");
	json_put(service, "metadata",
		 world_json("{'name':'web','uid':'uid-web','labels':{'team':'red',"
			    "'endpointslice.kubernetes.io/managed-by':'me'}}"));
	json_put(service, "spec.clusterIP", json_string("10.96.0.9"));
	world_put_tree(world, &kind_service, service);
	assert_int_equal(world_settle(world, &controller_endpointslice, KEY), 1);
	service = json_at(slice(world, 0), "metadata.labels");
	assert_string_equal(json_string_at(service, "team"), "red");
	assert_int_equal(json_object_size(service), 3);
}

static void slices_go_with_their_service_and_not_with_its_successor(void **state)
{
	struct world *world = *state;
	json_t *successor;

	put_service(world, "");
	put_pod(world, "web-0", "10.244.0.5", "True");
	world_settle(world, &controller_endpointslice, KEY);
	successor = world_get(world, &kind_service, "web");
	world_drop(world, &kind_service, "web");
	world_reconcile(world, &controller_endpointslice, KEY);
	assert_int_equal(plan_count(world->plan), 1);
	assert_string_not_equal(world_did(world, "delete", "EndpointSlice"), "");
	json_put(successor, "metadata.uid", json_string("uid-other"));
	world_put_tree(world, &kind_service, successor);
	assert_int_equal(world_settle(world, &controller_endpointslice, KEY), 1);
	assert_true(json_is_array(json_at(slice(world, 0), "metadata.ownerReferences")));
	assert_string_equal(
		json_string_at(json_array_get(json_at(slice(world, 0), "metadata.ownerReferences"),
					      0),
			       "uid"),
		"uid-other");
	assert_null(slice(world, 1));
}

static void without_selector_slices_are_left_alone(void **state)
{
	struct world *world = *state;

	put_service(world, "");
	put_pod(world, "web-0", "10.244.0.5", "True");
	world_settle(world, &controller_endpointslice, KEY);
	world_put(world, &kind_service, "{'metadata':{'name':'web'},'spec':{'clusterIP':'None'}}");
	world_reconcile(world, &controller_endpointslice, KEY);
	assert_int_equal(plan_count(world->plan), 0);
	world_put(world, &kind_service,
		  "{'metadata':{'name':'web'},'spec':{'type':'ExternalName','externalName':'x.y',"
		  "'selector':{'app':'web'}}}");
	world_settle(world, &controller_endpointslice, KEY);
	assert_null(slice(world, 0));
}

static void a_service_that_is_going_gets_no_new_slice(void **state)
{
	struct world *world = *state;
	json_t *service;

	put_service(world, "");
	service = world_get(world, &kind_service, "web");
	json_put(service, "metadata.deletionTimestamp", json_string("2026-01-01T00:00:00Z"));
	world_put_tree(world, &kind_service, service);
	put_pod(world, "web-0", "10.244.0.5", "True");
	world_reconcile(world, &controller_endpointslice, KEY);
	assert_int_equal(plan_count(world->plan), 0);
}

static const char *trigger(struct world *world)
{
	const json_t *annotations = json_at(slice(world, 0), "metadata.annotations");
	const char *text = json_string_value(
		json_object_get(annotations, "endpoints.kubernetes.io/last-change-trigger-time"));

	return text != NULL ? text : "";
}

static void the_trigger_time_is_the_earliest_change_shown(void **state)
{
	struct world *world = *state;
	json_t *pod;

	put_service(world, "");
	put_pod(world, "web-0", "10.244.0.5", "False");
	world_settle(world, &controller_endpointslice, KEY);
	assert_string_equal(trigger(world), "2026-01-01T00:00:00Z"); /* the service's birth */
	put_pod(world, "web-0", "10.244.0.5", "True");
	world_settle(world, &controller_endpointslice, KEY);
	assert_string_equal(trigger(world), "2026-01-01T00:05:00Z");
	pod = world_get(world, &kind_pod, "web-0");
	json_put(pod, "spec.nodeName", json_string("node02"));
	world_put_tree(world, &kind_pod, pod);
	assert_int_equal(world_settle(world, &controller_endpointslice, KEY), 1);
	assert_string_equal(trigger(world), "");
}

static const struct source *pod_source(void)
{
	return &controller_endpointslice.sources[1];
}

static size_t n_keys(struct world *world, struct object *old, struct object *now, const char *one)
{
	_cleanup_json_ json_t *keys = source_keys(pod_source(), world->cache, old, now);

	if (json_array_size(keys) == 1) {
		assert_string_equal(json_string_value(json_array_get(keys, 0)), one);
	}
	return json_array_size(keys);
}

static struct object *pod_with(const char *labels, const char *more)
{
	json_t *tree = world_json("{'metadata':{'name':'p','namespace':'default',"
				  "'uid':'u','labels':{%s}}%s}",
				  labels, more);
	struct object *pod;

	assert_int_equal(object_new_tree(&kind_pod, tree, &pod), 0);
	return pod;
}

static void a_pod_concerns_only_the_services_that_select_it(void **state)
{
	struct world *world = *state;
	struct object *plain = pod_with("'app':'web','x':'y'", "");
	struct object *annotated = pod_with("'app':'web','x':'y'", ",'metadata2':{}");
	struct object *running = pod_with("'app':'web','x':'y'", ",'status':{'podIP':'10.0.0.1'}");
	struct object *other = pod_with("'app':'db','x':'y'", "");
	struct object *none = pod_with("'app':'web2'", "");

	assert_ptr_equal(pod_source()->kind, &kind_pod);
	controller_endpointslice.prepare(world->cache);
	put_service(world, "");
	world_put(world, &kind_service,
		  "{'metadata':{'name':'db'},'spec':{'selector':{'x':'y','app':'db'}}}");
	world_put(world, &kind_service, "{'metadata':{'name':'none'},'spec':{'selector':{}}}");
	world_put(world, &kind_service,
		  "{'metadata':{'name':'web','namespace':'elsewhere'},"
		  "'spec':{'selector':{'app':'web'}}}");
	assert_int_equal(n_keys(world, NULL, plain, "default/web"), 1);
	assert_int_equal(n_keys(world, plain, NULL, "default/web"), 1);
	assert_int_equal(n_keys(world, plain, annotated, ""), 0);
	assert_int_equal(n_keys(world, plain, running, "default/web"), 1);
	assert_int_equal(n_keys(world, plain, other, ""), 2);
	assert_int_equal(n_keys(world, NULL, none, ""), 0);
	object_unref(plain);
	object_unref(annotated);
	object_unref(running);
	object_unref(other);
	object_unref(none);
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_WORLD(a_pod_becomes_an_endpoint_with_all_it_says),
		IN_A_WORLD(conditions_follow_readiness_and_deletion),
		IN_A_WORLD(pods_without_address_or_finished_are_left_out),
		IN_A_WORLD(a_selector_that_matches_nothing_gives_one_empty_slice),
		IN_A_WORLD(the_empty_slice_turns_into_a_real_one_and_back),
		IN_A_WORLD(named_ports_are_resolved_by_each_pod),
		IN_A_WORLD(slices_hold_a_hundred_and_few_are_touched),
		IN_A_WORLD(both_families_get_slices_of_their_own),
		IN_A_WORLD(labels_follow_the_service),
		IN_A_WORLD(slices_go_with_their_service_and_not_with_its_successor),
		IN_A_WORLD(without_selector_slices_are_left_alone),
		IN_A_WORLD(a_service_that_is_going_gets_no_new_slice),
		IN_A_WORLD(the_trigger_time_is_the_earliest_change_shown),
		IN_A_WORLD(a_pod_concerns_only_the_services_that_select_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
