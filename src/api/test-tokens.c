/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of service accounts, and how pods get theirs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/test-door.h"
#include "base/mem.h"
#include "json/json.h"

#define ACCOUNTS "/api/v1/namespaces/default/serviceaccounts"
#define PODS "/api/v1/namespaces/default/pods"
#define POD(more)                                                                                  \
	"{'metadata':{'name':'web'},'spec':{" more                                                 \
	"'containers':[{'name':'a','image':'i'},{'name':'b','image':'i','volumeMounts':[{'name':"  \
	"'own','mountPath':'/var/run/secrets/kubernetes.io/serviceaccount'}]}],'volumes':[{"       \
	"'name':'own','emptyDir':{}}]}}"

static int setup(void **state)
{
	*state = door_new(NULL);
	json_decref(door_post(*state, 201, ACCOUNTS, "{'metadata':{'name':'default'}}"));
	return 0;
}

static int teardown(void **state)
{
	door_free(*state);
	return 0;
}

/* The token of a request, in a buffer that the caller frees. */
static char *token_of(struct door *door, const char *spec)
{
	char *body _cleanup_free_ = mem_printf("{'spec':%s}", spec);
	_cleanup_json_ json_t *answer =
		door_post(door, 201, ACCOUNTS "/default/token", quoted(body));

	expect_text(answer, "kind", "TokenRequest");
	expect_text(answer, "metadata.name", "default");
	return mem_strdup(json_string_at(answer, "status.token"));
}

static void expect_entry(struct door *door, int code, const char *token)
{
	json_decref(door_ask(door, code,
			     &(struct ask){ .method = "GET", .target = ACCOUNTS, .token = token }));
}

static void a_token_is_good_until_it_expires(void **state)
{
	char *token _cleanup_free_ = token_of(*state, "{'expirationSeconds':600}");

	expect_entry(*state, 200, token);
	door_wait(*state, 599);
	expect_entry(*state, 200, token);
	door_wait(*state, 1);
	expect_entry(*state, 401, token);
}

static void a_token_for_somebody_else_opens_nothing_here(void **state)
{
	char *token _cleanup_free_ = token_of(*state, "{'audiences':['vault']}");

	expect_entry(*state, 401, token);
}

static void a_bound_token_ends_with_its_pod(void **state)
{
	json_decref(door_post(*state, 201, PODS, POD("")));
	char *token _cleanup_free_ =
		token_of(*state,
			 "{'boundObjectRef':{'apiVersion':'v1','kind':'Pod','name':'web'}}");

	expect_entry(*state, 200, token);
	json_decref(door_delete(*state, 200, PODS "/web?gracePeriodSeconds=0", NULL));
	expect_entry(*state, 401, token);

	/* Another pod of that name is another pod. */
	json_decref(door_post(*state, 201, PODS, POD("")));
	expect_entry(*state, 401, token);
}

static void tokens_are_bound_to_what_is_there(void **state)
{
	static const struct {
		int code;
		const char *body;
	} cases[] = {
		{ 404, "{'spec':{'boundObjectRef':{'kind':'Pod','name':'none'}}}" },
		{ 409, "{'spec':{'boundObjectRef':{'kind':'Pod','name':'web','uid':'other'}}}" },
		{ 400, "{'spec':{'boundObjectRef':{'kind':'Node','name':'web'}}}" },
		{ 422, "{'spec':{'expirationSeconds':10}}" },
	};

	json_decref(door_post(*state, 201, PODS, POD("")));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_decref(
			door_post(*state, cases[i].code, ACCOUNTS "/default/token", cases[i].body));
	}
	json_decref(door_post(*state, 201, ACCOUNTS, "{'metadata':{'name':'other'}}"));
	json_decref(door_post(*state, 400, ACCOUNTS "/other/token",
			      "{'spec':{'boundObjectRef':{'kind':'Pod','name':'web'}}}"));
}

static void a_pod_gets_a_token_where_nothing_is_mounted(void **state)
{
	_cleanup_json_ json_t *pod = door_post(*state, 201, PODS, POD(""));
	const json_t *volume = json_array_get(json_at(pod, "spec.volumes"), 1);
	const json_t *containers = json_at(pod, "spec.containers");
	const json_t *mount =
		json_array_get(json_object_get(json_array_get(containers, 0), "volumeMounts"), 0);
	const char *name = json_string_at(volume, "name");

	assert_int_equal(strncmp(name, "kube-api-access-", 16), 0);
	assert_int_equal(strlen(name), 21);
	expect_text(mount, "name", name);
	expect_text(mount, "mountPath", "/var/run/secrets/kubernetes.io/serviceaccount");
	assert_true(json_bool_at(mount, "readOnly", false));
	expect_number(volume, "projected.defaultMode", 420);
	assert_int_equal(json_array_size(json_at(volume, "projected.sources")), 3);
	assert_int_equal(
		json_array_size(json_object_get(json_array_get(containers, 1), "volumeMounts")), 1);
}

static void automounting_can_be_declined(void **state)
{
	_cleanup_json_ json_t *pod =
		door_post(*state, 201, PODS, POD("'automountServiceAccountToken':false,"));
	assert_int_equal(json_array_size(json_at(pod, "spec.volumes")), 1);

	json_decref(
		door_post(*state, 201, ACCOUNTS,
			  "{'metadata':{'name':'quiet'},'automountServiceAccountToken':false}"));
	_cleanup_json_ json_t *second = door_post(
		*state, 201, PODS,
		"{'metadata':{'name':'b'},'spec':{'serviceAccountName':'quiet','containers':[{"
		"'name':'a','image':'i'}]}}");
	assert_int_equal(json_array_size(json_at(second, "spec.volumes")), 0);
	_cleanup_json_ json_t *third = door_post(
		*state, 201, PODS,
		"{'metadata':{'name':'c'},'spec':{'serviceAccountName':'quiet',"
		"'automountServiceAccountToken':true,'containers':[{'name':'a','image':'i'}]}}");
	assert_int_equal(json_array_size(json_at(third, "spec.volumes")), 1);
}

static void a_pod_gets_its_accounts_pull_secrets(void **state)
{
	json_decref(
		door_post(*state, 201, ACCOUNTS,
			  "{'metadata':{'name':'puller'},'imagePullSecrets':[{'name':'reg'}]}"));
	_cleanup_json_ json_t *first = door_post(
		*state, 201, PODS,
		"{'metadata':{'name':'a'},'spec':{'serviceAccountName':'puller','containers':[{"
		"'name':'a','image':'i'}]}}");
	expect_text(json_array_get(json_at(first, "spec.imagePullSecrets"), 0), "name", "reg");
	_cleanup_json_ json_t *second = door_post(
		*state, 201, PODS,
		"{'metadata':{'name':'b'},'spec':{'serviceAccountName':'puller',"
		"'imagePullSecrets':[{'name':'own'}],'containers':[{'name':'a','image':'i'}]}}");
	assert_int_equal(json_array_size(json_at(second, "spec.imagePullSecrets")), 1);
	expect_text(json_array_get(json_at(second, "spec.imagePullSecrets"), 0), "name", "own");
}

int main(void)
{
#define DOOR_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		DOOR_TEST(a_token_is_good_until_it_expires),
		DOOR_TEST(a_token_for_somebody_else_opens_nothing_here),
		DOOR_TEST(a_bound_token_ends_with_its_pod),
		DOOR_TEST(tokens_are_bound_to_what_is_there),
		DOOR_TEST(a_pod_gets_a_token_where_nothing_is_mounted),
		DOOR_TEST(automounting_can_be_declined),
		DOOR_TEST(a_pod_gets_its_accounts_pull_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
