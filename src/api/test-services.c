/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/test-door.h"
#include "base/mem.h"
#include "json/json.h"

#define SERVICES "/api/v1/namespaces/default/services"
#define SERVICE(name, spec) "{'metadata':{'name':'" name "'},'spec':{" spec "}}"
#define PORTS "'ports':[{'port':80}]"

static int setup(void **state)
{
	*state = door_new(NULL);
	return 0;
}

static int setup_dual(void **state)
{
	*state = door_new("fd00:10:96::/112");
	return 0;
}

static int teardown(void **state)
{
	door_free(*state);
	return 0;
}

static const char *item_at(const json_t *tree, const char *path, size_t i)
{
	const char *text = json_string_value(json_array_get(json_at(tree, path), i));

	return text != NULL ? text : "";
}

static int64_t node_port(const json_t *service, size_t i)
{
	return json_int_at(json_array_get(json_at(service, "spec.ports"), i), "nodePort", 0);
}

static void a_cluster_is_born_with_the_service_of_its_api(void **state)
{
	_cleanup_json_ json_t *service = door_get(*state, 200, SERVICES "/kubernetes");
	_cleanup_json_ json_t *slice =
		door_get(*state, 200,
			 "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes");
	_cleanup_json_ json_t *endpoints =
		door_get(*state, 200, "/api/v1/namespaces/default/endpoints/kubernetes");
	const json_t *port = json_array_get(json_at(slice, "ports"), 0);
	const json_t *endpoint = json_array_get(json_at(slice, "endpoints"), 0);

	expect_text(service, "spec.clusterIP", "10.96.0.1");
	expect_number(port, "port", 6443);
	assert_string_equal(item_at(endpoint, "addresses", 0), "127.0.0.1");
	assert_int_equal(json_array_size(json_at(endpoints, "subsets")), 1);
}

static void a_service_gets_an_address_and_keeps_it(void **state)
{
	_cleanup_json_ json_t *made = door_post(*state, 201, SERVICES, SERVICE("a", PORTS));
	const char *address = json_string_at(made, "spec.clusterIP");

	assert_int_equal(strncmp(address, "10.96.", 6), 0);
	assert_string_equal(item_at(made, "spec.clusterIPs", 0), address);
	expect_text(made, "spec.ipFamilyPolicy", "SingleStack");
	assert_string_equal(item_at(made, "spec.ipFamilies", 0), "IPv4");
	/* As a manifest without addresses is applied again. */
	_cleanup_json_ json_t *again =
		door_put(*state, 200, SERVICES "/a", SERVICE("a", "'ports':[{'port':81}]"));
	expect_text(again, "spec.clusterIP", address);
}

static void an_address_is_never_given_twice(void **state)
{
	static const char fixed[] = SERVICE("a", PORTS ",'clusterIP':'10.96.0.77'");
	json_decref(door_post(*state, 201, SERVICES, fixed));
	_cleanup_json_ json_t *status =
		door_post(*state, 422, SERVICES, SERVICE("b", PORTS ",'clusterIP':'10.96.0.77'"));
	assert_non_null(
		strstr(json_string_at(status, "message"), "provided IP is already allocated"));
	json_decref(door_delete(*state, 200, SERVICES "/a", NULL));
	json_decref(door_post(*state, 201, SERVICES, fixed));
	_cleanup_json_ json_t *outside =
		door_post(*state, 422, SERVICES, SERVICE("c", PORTS ",'clusterIP':'10.97.0.1'"));
	assert_non_null(strstr(json_string_at(outside, "message"),
			       "The range of valid IPs is 10.96.0.0/16"));
}

static void a_refused_write_gives_its_address_back(void **state)
{
	/* The address is free, the port is not. */
	json_decref(door_post(*state, 201, SERVICES,
			      SERVICE("a",
				      "'type':'NodePort','ports':[{'port':80,'nodePort':30080}]")));
	json_decref(door_post(*state, 422, SERVICES,
			      SERVICE("b", "'type':'NodePort','clusterIP':'10.96.0.99',"
					   "'ports':[{'port':80,'nodePort':30080}]")));
	json_decref(
		door_post(*state, 201, SERVICES, SERVICE("b", PORTS ",'clusterIP':'10.96.0.99'")));
	/* A dry run takes nothing either. */
	json_decref(door_post(*state, 201, SERVICES "?dryRun=All",
			      SERVICE("c", PORTS ",'clusterIP':'10.96.0.98'")));
	json_decref(
		door_post(*state, 201, SERVICES, SERVICE("c", PORTS ",'clusterIP':'10.96.0.98'")));
}

static void two_writes_at_once_never_share_an_address(void **state)
{
	struct door *door = *state;
	static const char *const names[] = { "a", "b" };
	struct http_loopback *open[2];
	int created = 0;

	for (size_t i = 0; i < 2; i++) {
		_cleanup_free_ char *body = mem_printf(
			"{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"clusterIP\":\"10.96.0.50\","
			"\"ports\":[{\"port\":80}]}}",
			names[i]);
		open[i] = http_loopback_send(api_handle, door->api, "POST", SERVICES, NULL, 0,
					     str_from(body), "kubernetes-admin", "system:masters");
	}
	store_drain(door->store);
	for (size_t i = 0; i < 2; i++) {
		created += http_loopback_status(open[i]) == 201;
		http_loopback_free(open[i]);
	}
	assert_int_equal(created, 1);
}

static void addresses_are_known_again_after_a_restart(void **state)
{
	json_decref(door_post(*state, 201, SERVICES,
			      SERVICE("a", "'type':'NodePort','clusterIP':'10.96.0.77',"
					   "'ports':[{'port':80,'nodePort':30080}]")));
	door_restart(*state);
	json_decref(
		door_post(*state, 422, SERVICES, SERVICE("b", PORTS ",'clusterIP':'10.96.0.77'")));
	json_decref(door_post(*state, 422, SERVICES,
			      SERVICE("b",
				      "'type':'NodePort','ports':[{'port':80,'nodePort':30080}]")));
}

static void headless_services_take_no_address(void **state)
{
	_cleanup_json_ json_t *selector =
		door_post(*state, 201, SERVICES,
			  SERVICE("a", PORTS ",'clusterIP':'None','selector':{'app':'x'}"));
	_cleanup_json_ json_t *by_hand =
		door_post(*state, 201, SERVICES, SERVICE("b", PORTS ",'clusterIP':'None'"));

	expect_text(selector, "spec.clusterIP", "None");
	assert_string_equal(item_at(selector, "spec.clusterIPs", 0), "None");
	expect_text(selector, "spec.ipFamilyPolicy", "SingleStack");
	expect_text(by_hand, "spec.ipFamilyPolicy", "RequireDualStack");
	assert_string_equal(item_at(by_hand, "spec.ipFamilies", 1), "IPv6");
	_cleanup_json_ json_t *status = door_patch(*state, 422, SERVICES "/a", "merge-patch",
						   "{'spec':{'clusterIP':'10.96.0.9'}}");
	assert_non_null(strstr(json_string_at(status, "message"), "may not change once set"));
}

static void external_names_give_their_address_back(void **state)
{
	json_decref(
		door_post(*state, 201, SERVICES, SERVICE("a", PORTS ",'clusterIP':'10.96.0.77'")));
	_cleanup_json_ json_t *external =
		door_patch(*state, 200, SERVICES "/a", "merge-patch",
			   "{'spec':{'type':'ExternalName','externalName':'example.com'}}");
	expect_text(external, "spec.clusterIP", "");
	json_decref(
		door_post(*state, 201, SERVICES, SERVICE("b", PORTS ",'clusterIP':'10.96.0.77'")));
	_cleanup_json_ json_t *back =
		door_patch(*state, 200, SERVICES "/a", "merge-patch",
			   "{'spec':{'type':'ClusterIP','externalName':null}}");
	assert_int_equal(strncmp(json_string_at(back, "spec.clusterIP"), "10.96.", 6), 0);
}

static void node_ports_are_taken_kept_and_freed(void **state)
{
	_cleanup_json_ json_t *made =
		door_post(*state, 201, SERVICES,
			  SERVICE("a", "'type':'NodePort','ports':[{'name':'t','port':53},"
				       "{'name':'u','port':53,'protocol':'UDP'}]"));
	int64_t port = node_port(made, 0);

	assert_in_range(port, 30000, 32767);
	assert_int_equal(node_port(made, 1), port);
	_cleanup_json_ json_t *plain = door_patch(*state, 200, SERVICES "/a", "merge-patch",
						  "{'spec':{'type':'ClusterIP'}}");
	assert_int_equal(node_port(plain, 0), 0);
	_cleanup_json_ json_t *status =
		door_post(*state, 422, SERVICES,
			  SERVICE("b", "'type':'NodePort','ports':[{'port':80,'nodePort':80}]"));
	assert_non_null(strstr(json_string_at(status, "message"),
			       "The range of valid ports is 30000-32767"));
	_cleanup_free_ char *same =
		mem_printf(SERVICE("b", "'type':'NodePort','ports':[{'port':80,'nodePort':%d}]"),
			   (int)port);
	json_decref(door_post(*state, 201, SERVICES, same));
}

static void local_load_balancers_get_a_health_port(void **state)
{
	_cleanup_json_ json_t *made = door_post(
		*state, 201, SERVICES,
		SERVICE("a", "'type':'LoadBalancer','externalTrafficPolicy':'Local'," PORTS));

	assert_in_range(json_int_at(made, "spec.healthCheckNodePort", 0), 30000, 32767);
	assert_int_not_equal(json_int_at(made, "spec.healthCheckNodePort", 0), node_port(made, 0));
}

static void dual_stack_is_there_for_who_asks(void **state)
{
	_cleanup_json_ json_t *single = door_post(*state, 201, SERVICES, SERVICE("a", PORTS));
	_cleanup_json_ json_t *dual =
		door_post(*state, 201, SERVICES,
			  SERVICE("b", PORTS ",'ipFamilyPolicy':'PreferDualStack'"));
	_cleanup_json_ json_t *six =
		door_post(*state, 201, SERVICES, SERVICE("c", PORTS ",'ipFamilies':['IPv6']"));

	assert_int_equal(json_array_size(json_at(single, "spec.clusterIPs")), 1);
	assert_int_equal(strncmp(item_at(dual, "spec.clusterIPs", 1), "fd00:10:96::", 12), 0);
	assert_int_equal(strncmp(json_string_at(six, "spec.clusterIP"), "fd00:10:96::", 12), 0);
	/* Up, and down again. */
	_cleanup_json_ json_t *up = door_patch(*state, 200, SERVICES "/a", "merge-patch",
					       "{'spec':{'ipFamilyPolicy':'RequireDualStack'}}");
	expect_text(up, "spec.clusterIP", json_string_at(single, "spec.clusterIP"));
	assert_int_equal(json_array_size(json_at(up, "spec.clusterIPs")), 2);
	_cleanup_json_ json_t *down = door_patch(*state, 200, SERVICES "/a", "merge-patch",
						 "{'spec':{'ipFamilyPolicy':'SingleStack'}}");
	assert_int_equal(json_array_size(json_at(down, "spec.clusterIPs")), 1);
}

static void a_single_stack_cluster_refuses_what_it_cannot_give(void **state)
{
	_cleanup_json_ json_t *dual =
		door_post(*state, 422, SERVICES,
			  SERVICE("a", PORTS ",'ipFamilyPolicy':'RequireDualStack'"));
	_cleanup_json_ json_t *six =
		door_post(*state, 422, SERVICES, SERVICE("a", PORTS ",'ipFamilies':['IPv6']"));

	assert_non_null(strstr(json_string_at(dual, "message"),
			       "this cluster is not configured for dual-stack services"));
	assert_non_null(strstr(json_string_at(six, "message"),
			       "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on "
			       "this cluster"));
}

static void bad_ranges_are_refused_with_a_reason(void **state)
{
	static const char *const bad[] = { "ten", "10.96.0.0/8", "10.96.0.0/31", "fd00::/64" };
	char message[256];
	struct door *door = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct api_config config = { .store = door->store,
						   .hub = door->hub,
						   .clock = &door->clock.clock,
						   .service_cidrs = { bad[i] } };
		struct api *api = NULL;
		message[0] = '\0';
		assert_true(api_new(&config, message, sizeof(message), &api) < 0);
		assert_non_null(strstr(message, bad[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(a_cluster_is_born_with_the_service_of_its_api),
		T(a_service_gets_an_address_and_keeps_it),
		T(an_address_is_never_given_twice),
		T(a_refused_write_gives_its_address_back),
		T(two_writes_at_once_never_share_an_address),
		T(addresses_are_known_again_after_a_restart),
		T(headless_services_take_no_address),
		T(external_names_give_their_address_back),
		T(node_ports_are_taken_kept_and_freed),
		T(local_load_balancers_get_a_health_port),
		cmocka_unit_test_setup_teardown(dual_stack_is_there_for_who_asks, setup_dual,
						teardown),
		T(a_single_stack_cluster_refuses_what_it_cannot_give),
		T(bad_ranges_are_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
