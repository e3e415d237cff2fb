/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/test-world.h"
#include "object/kinds.h"
#include "json/json.h"

#define KEY "default/web"

static void put_service(struct world *world, const char *more)
{
	world_put(world, &kind_service,
		  "{'metadata':{'name':'web'},'spec':{'clusterIP':'None','selector':{'app':'web'}"
		  "%s}}",
		  more);
}

static void put_pod(struct world *world, const char *name, const char *ip, const char *ready,
		    const char *ports)
{
	world_put(world, &kind_pod,
		  "{'metadata':{'name':'%s','labels':{'app':'web'}},"
		  "'spec':{'nodeName':'node01','containers':[{'ports':[%s]}]},"
		  "'status':{'podIPs':[{'ip':'%s'}],'conditions':[{'type':'Ready',"
		  "'status':'%s','lastTransitionTime':'2026-01-01T00:05:00Z'}]}}",
		  name, ports, ip, ready);
}

/* "ready|not ready|ports" of subset `i`. */
static const char *subset(struct world *world, size_t i)
{
	static char text[512];
	const json_t *tree = world_nth(world, &kind_endpoints, 0);
	const json_t *it = json_array_get(json_object_get(tree, "subsets"), i);
	static const char *const fields[] = { "addresses", "notReadyAddresses", "ports" };
	const json_t *value;
	size_t n = 0;
	size_t j;

	text[0] = '\0';
	for (size_t f = 0; it != NULL && f < 3; f++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", f > 0 ? "|" : "");
		json_array_foreach (json_object_get(it, fields[f]), j, value) {
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", j > 0 ? "," : "",
					      f < 2 ? json_string_at(value, "ip") : "");
			if (f == 2) {
				n += (size_t)snprintf(text + n, sizeof(text) - n, "%s:%d",
						      json_string_at(value, "name"),
						      (int)json_int_at(value, "port", 0));
			}
		}
	}
	return text;
}

static void addresses_with_the_same_ports_form_a_subset(void **state)
{
	struct world *world = *state;

	put_service(world, ",'ports':[{'port':80,'targetPort':'http'},"
			   "{'name':'admin','port':99}]");
	put_pod(world, "web-0", "10.244.0.5", "True", "{'name':'http','containerPort':8080}");
	put_pod(world, "web-1", "10.244.0.4", "True", "{'name':'http','containerPort':8080}");
	put_pod(world, "web-2", "10.244.0.6", "False", "{'name':'http','containerPort':9090}");
	assert_int_equal(world_settle(world, &controller_endpoints, KEY), 1);
	assert_string_equal(subset(world, 0), "10.244.0.4,10.244.0.5||:8080");
	assert_string_equal(subset(world, 1), "|10.244.0.6|:9090");
	assert_string_equal(subset(world, 2), "10.244.0.4,10.244.0.5|10.244.0.6|admin:99");
	assert_string_equal(subset(world, 3), "");
}

static void an_address_says_which_pod_it_is(void **state)
{
	struct world *world = *state;
	const json_t *tree;
	const json_t *address;

	put_service(world, ",'ports':[{'port':80}]");
	put_pod(world, "web-0", "10.244.0.5", "True", "");
	world_settle(world, &controller_endpoints, KEY);
	tree = world_nth(world, &kind_endpoints, 0);
	address = json_array_get(
		json_object_get(json_array_get(json_object_get(tree, "subsets"), 0), "addresses"),
		0);
	assert_string_equal(json_string_at(address, "targetRef.uid"), "uid-web-0");
	assert_string_equal(json_string_at(address, "nodeName"), "node01");
	assert_string_equal(json_string_at(tree, "metadata.name"), "web");
	assert_int_equal(json_object_size(json_at(tree, "metadata.labels")), 2);
	assert_string_equal(json_string_value(
				    json_object_get(json_at(tree, "metadata.labels"),
						    "endpoints.kubernetes.io/managed-by")),
			    "endpoint-controller");
}

static void a_headless_service_needs_no_ports(void **state)
{
	struct world *world = *state;

	put_service(world, "");
	put_pod(world, "web-0", "10.244.0.5", "True", "");
	put_pod(world, "web-1", "10.244.0.6", "False", "");
	world_settle(world, &controller_endpoints, KEY);
	assert_string_equal(subset(world, 0), "10.244.0.5|10.244.0.6|");
	put_service(world, ",'publishNotReadyAddresses':true");
	world_settle(world, &controller_endpoints, KEY);
	assert_string_equal(subset(world, 0), "10.244.0.5,10.244.0.6||");
}

static void nothing_selected_is_an_empty_object(void **state)
{
	struct world *world = *state;

	put_service(world, ",'ports':[{'port':80}]");
	assert_int_equal(world_settle(world, &controller_endpoints, KEY), 1);
	assert_non_null(world_nth(world, &kind_endpoints, 0));
	assert_string_equal(subset(world, 0), "");
	world_drop(world, &kind_service, "web");
	world_settle(world, &controller_endpoints, KEY);
	assert_null(world_nth(world, &kind_endpoints, 0));
}

static void what_was_made_by_hand_stays(void **state)
{
	struct world *world = *state;

	world_put(world, &kind_endpoints,
		  "{'metadata':{'name':'web'},'subsets':[{'addresses':[{'ip':'10.0.0.1'}]}]}");
	world_reconcile(world, &controller_endpoints, KEY);
	assert_int_equal(plan_count(world->plan), 0);
	world_put(world, &kind_service, "{'metadata':{'name':'web'},'spec':{'clusterIP':'None'}}");
	world_reconcile(world, &controller_endpoints, KEY);
	assert_int_equal(plan_count(world->plan), 0);
}

static size_t count(const json_t *tree, const char *field)
{
	return json_array_size(
		json_object_get(json_array_get(json_object_get(tree, "subsets"), 0), field));
}

static void too_many_addresses_are_cut_ready_ones_first(void **state)
{
	struct world *world = *state;
	const json_t *tree;
	char name[16];
	char ip[24];

	put_service(world, ",'ports':[{'port':80}]");
	for (unsigned i = 0; i < 1100; i++) {
		snprintf(name, sizeof(name), "web-%u", i);
		snprintf(ip, sizeof(ip), "10.244.%u.%u", i / 250, i % 250 + 1);
		put_pod(world, name, ip, i % 2 == 0 ? "True" : "False", "");
	}
	assert_int_equal(world_settle(world, &controller_endpoints, KEY), 1);
	tree = world_nth(world, &kind_endpoints, 0);
	assert_int_equal(count(tree, "addresses"), 550);
	assert_int_equal(count(tree, "notReadyAddresses"), 450);
	assert_string_equal(json_string_value(
				    json_object_get(json_at(tree, "metadata.annotations"),
						    "endpoints.kubernetes.io/over-capacity")),
			    "truncated");
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "web-%u", i);
		world_drop(world, &kind_pod, name);
	}
	world_settle(world, &controller_endpoints, KEY);
	tree = world_nth(world, &kind_endpoints, 0);
	assert_int_equal(count(tree, "addresses"), 450);
	assert_null(json_object_get(json_at(tree, "metadata.annotations"),
				    "endpoints.kubernetes.io/over-capacity"));
}

/* ---- mirroring ---- */

static void put_by_hand(struct world *world, const char *metadata)
{
	world_put(world, &kind_endpoints,
		  "{'metadata':{'name':'web'%s},'subsets':[{'addresses':[{'ip':'10.0.0.1',"
		  "'hostname':'a'},{'ip':'fd00::1'}],'notReadyAddresses':[{'ip':'10.0.0.2'}],"
		  "'ports':[{'port':80}]}]}",
		  metadata);
}

static void put_selectorless(struct world *world)
{
	world_put(world, &kind_service, "{'metadata':{'name':'web'},'spec':{'clusterIP':'None'}}");
}

static const json_t *mirror(struct world *world, const char *type)
{
	const json_t *slice;

	for (size_t i = 0; (slice = world_nth(world, &kind_endpoint_slice, i)) != NULL; i++) {
		if (strcmp(json_string_at(slice, "addressType"), type) == 0) {
			return slice;
		}
	}
	return NULL;
}

static void hand_made_endpoints_appear_as_slices(void **state)
{
	struct world *world = *state;
	const json_t *four;
	const json_t *labels;

	put_selectorless(world);
	put_by_hand(world, ",'labels':{'x':'y'},'annotations':{'k':'v',"
			   "'kubectl.kubernetes.io/last-applied-configuration':'{}'}");
	assert_int_equal(world_settle(world, &controller_mirroring, KEY), 1);
	four = mirror(world, "IPv4");
	assert_int_equal(json_array_size(json_object_get(four, "endpoints")), 2);
	assert_string_equal(json_string_at(json_array_get(json_object_get(four, "endpoints"), 0),
					   "hostname"),
			    "a");
	assert_true(json_bool_at(json_array_get(json_object_get(four, "endpoints"), 0),
				 "conditions.ready", false));
	assert_false(json_bool_at(json_array_get(json_object_get(four, "endpoints"), 1),
				  "conditions.ready", true));
	assert_int_equal(json_array_size(json_object_get(mirror(world, "IPv6"), "endpoints")), 1);
	labels = json_at(four, "metadata.labels");
	assert_string_equal(json_string_at(labels, "x"), "y");
	assert_string_equal(json_string_value(json_object_get(
				    labels, "endpointslice.kubernetes.io/managed-by")),
			    "endpointslicemirroring-controller.k8s.io");
	assert_int_equal(json_object_size(json_at(four, "metadata.annotations")), 1);
}

static void the_mirror_follows_and_goes(void **state)
{
	struct world *world = *state;

	put_selectorless(world);
	put_by_hand(world, "");
	world_settle(world, &controller_mirroring, KEY);
	world_put(world, &kind_endpoints,
		  "{'metadata':{'name':'web'},'subsets':[{'addresses':[{'ip':'10.0.0.9'}],"
		  "'ports':[{'name':'p','port':81}]}]}");
	world_settle(world, &controller_mirroring, KEY);
	assert_null(mirror(world, "IPv6"));
	assert_int_equal(json_array_size(json_object_get(mirror(world, "IPv4"), "endpoints")), 1);
	world_drop(world, &kind_endpoints, "web");
	world_settle(world, &controller_mirroring, KEY);
	assert_null(world_nth(world, &kind_endpoint_slice, 0));
}

static void some_endpoints_are_not_mirrored(void **state)
{
	struct world *world = *state;

	put_by_hand(world, "");
	world_reconcile(world, &controller_mirroring, KEY);
	assert_int_equal(plan_count(world->plan), 0); /* no service */
	put_selectorless(world);
	put_by_hand(world, ",'labels':{'endpointslice.kubernetes.io/skip-mirror':'true'}");
	world_reconcile(world, &controller_mirroring, KEY);
	assert_int_equal(plan_count(world->plan), 0);
	put_by_hand(world, ",'annotations':{'control-plane.alpha.kubernetes.io/leader':''}");
	world_reconcile(world, &controller_mirroring, KEY);
	assert_int_equal(plan_count(world->plan), 0);
	put_by_hand(world, "");
	world_settle(world, &controller_mirroring, KEY);
	assert_non_null(mirror(world, "IPv4"));
	put_service(world, "");
	world_settle(world, &controller_mirroring, KEY);
	assert_null(mirror(world, "IPv4")); /* now it has a selector */
}

static void bad_addresses_are_told_of_and_left_out(void **state)
{
	struct world *world = *state;

	put_selectorless(world);
	world_put(world, &kind_endpoints,
		  "{'metadata':{'name':'web'},'subsets':[{'addresses':[{'ip':'10.0.0.300'},"
		  "{'ip':'10.0.0.1'}]}]}");
	world_reconcile(world, &controller_mirroring, KEY);
	assert_string_equal(
		world_events(world),
		"Warning InvalidIPAddress Skipped 1 invalid IP addresses when mirroring "
		"to EndpointSlices\n");
	world_take_plan(world);
	assert_int_equal(json_array_size(json_object_get(mirror(world, "IPv4"), "endpoints")), 1);
}

/* ---- events ---- */

static void an_event_goes_an_hour_after_it_happened_last(void **state)
{
	struct world *world = *state;

	world_put(world, &kind_event,
		  "{'metadata':{'name':'e'},'lastTimestamp':'2026-01-01T00:05:00Z'}");
	world_reconcile(world, &controller_event_expiry, "default/e");
	assert_int_equal(plan_count(world->plan), 0);
	assert_true(plan_requeue_after(world->plan) == 55 * 60 * NS_PER_S);
	world->now += 55 * 60 * (int64_t)NS_PER_S;
	world_reconcile(world, &controller_event_expiry, "default/e");
	assert_string_equal(world_did(world, "delete", "Event"), "e");
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_WORLD(addresses_with_the_same_ports_form_a_subset),
		IN_A_WORLD(an_address_says_which_pod_it_is),
		IN_A_WORLD(a_headless_service_needs_no_ports),
		IN_A_WORLD(nothing_selected_is_an_empty_object),
		IN_A_WORLD(what_was_made_by_hand_stays),
		IN_A_WORLD(too_many_addresses_are_cut_ready_ones_first),
		IN_A_WORLD(hand_made_endpoints_appear_as_slices),
		IN_A_WORLD(the_mirror_follows_and_goes),
		IN_A_WORLD(some_endpoints_are_not_mirrored),
		IN_A_WORLD(bad_addresses_are_told_of_and_left_out),
		IN_A_WORLD(an_event_goes_an_hour_after_it_happened_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
