/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/test-door.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/kinds.h"
#include "object/meta.h"
#include "object/prepare.h"
#include "json/json.h"

#define MAPS "/api/v1/namespaces/default/configmaps"
#define TABLE "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
#define PROTOBUF "application/vnd.kubernetes.protobuf"

static int setup(void **state)
{
	*state = door_new(NULL);
	json_decref(door_post(*state, 201, MAPS,
			      "{'metadata':{'name':'one','labels':{'a':'b'}},'data':{'k':'v'}}"));
	return 0;
}

static int teardown(void **state)
{
	door_free(*state);
	return 0;
}

static json_t *get_as(struct door *door, int code, const char *target, const char *accept)
{
	return door_ask(door, code,
			&(struct ask){ .method = "GET", .target = target, .accept = accept });
}

static const json_t *first(const json_t *tree, const char *path)
{
	return json_array_get(json_at(tree, path), 0);
}

/* ---- shapes ---- */

static void lists_come_as_tables(void **state)
{
	_cleanup_json_ json_t *table = get_as(*state, 200, MAPS, TABLE);
	const json_t *row = first(table, "rows");

	expect_text(table, "kind", "Table");
	expect_text(table, "apiVersion", "meta.k8s.io/v1");
	expect_text(first(table, "columnDefinitions"), "name", "Name");
	assert_string_equal(json_string_value(json_array_get(json_at(row, "cells"), 0)), "one");
	expect_text(row, "object.kind", "PartialObjectMetadata");
	expect_text(row, "object.metadata.labels.a", "b");
	assert_true(json_string_at(table, "metadata.resourceVersion")[0] != '\0');
}

static void tables_carry_what_is_asked_for(void **state)
{
	_cleanup_json_ json_t *whole = get_as(*state, 200, MAPS "?includeObject=Object", TABLE);
	_cleanup_json_ json_t *none = get_as(*state, 200, MAPS "?includeObject=None", TABLE);
	_cleanup_json_ json_t *old =
		get_as(*state, 200, MAPS "/one",
		       "application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/json");

	expect_text(first(whole, "rows"), "object.data.k", "v");
	assert_true(json_is_null(json_object_get(first(none, "rows"), "object")));
	expect_text(old, "apiVersion", "meta.k8s.io/v1beta1");
	assert_int_equal(json_array_size(json_at(old, "rows")), 1);
}

static void a_watch_shows_columns_once(void **state)
{
	size_t at = 0;
	struct http_loopback *stream = door_open(*state, &(struct ask){ .method = "GET",
									.target = MAPS "?watch=1",
									.accept = TABLE });
	json_decref(door_post(*state, 201, MAPS, "{'metadata':{'name':'two'}}"));
	_cleanup_json_ json_t *one = door_event(stream, &at);
	_cleanup_json_ json_t *two = door_event(stream, &at);
	expect_text(one, "object.kind", "Table");
	assert_true(json_array_size(json_at(one, "object.columnDefinitions")) > 0);
	assert_int_equal(json_array_size(json_at(two, "object.columnDefinitions")), 0);
	assert_int_equal(json_array_size(json_at(two, "object.rows")), 1);
	http_loopback_free(stream);
}

static void metadata_alone_can_be_had(void **state)
{
	_cleanup_json_ json_t *list =
		get_as(*state, 200, MAPS,
		       "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
	_cleanup_json_ json_t *one =
		get_as(*state, 200, MAPS "/one",
		       "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");

	expect_text(list, "kind", "PartialObjectMetadataList");
	expect_text(first(list, "items"), "metadata.name", "one");
	assert_null(json_at(first(list, "items"), "data"));
	expect_text(one, "kind", "PartialObjectMetadata");
}

static void unknown_members_of_accept_are_passed_over(void **state)
{
	json_decref(get_as(*state, 200, MAPS, "application/cbor,application/json;q=0.9"));
	json_decref(get_as(*state, 200, MAPS, "text/html, */*;q=0.1"));
	json_decref(get_as(*state, 406, MAPS, "application/cbor"));
	json_decref(get_as(*state, 406, MAPS, "application/json;as=Chair;v=v1;g=meta.k8s.io"));
	json_decref(get_as(*state, 406, "/apis/apps/v1/namespaces/default/deployments/x/scale",
			   "application/json;as=Table;v=v1;g=meta.k8s.io"));
}

/* ---- protobuf ---- */

static struct http_loopback *get_protobuf(struct door *door, const char *target)
{
	return door_open(door, &(struct ask){ .method = "GET",
					      .target = target,
					      .accept = PROTOBUF ",application/json" });
}

static void objects_come_and_go_as_protobuf(void **state)
{
	struct door *door = *state;
	_cleanup_buffer_ struct buffer body = BUFFER_INIT(LIMIT_BODY);
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_json_ json_t *tree = json_loads(
		quoted("{'metadata':{'name':'two','namespace':'default'},'data':{'x':'y'}}"), 0,
		NULL);
	_cleanup_json_ json_t *back = NULL;
	const struct http_pair headers[] = { { "Content-Type", PROTOBUF }, { "Accept", PROTOBUF } };

	protobuf_encode(&kind_config_map, tree, &body);
	struct http_loopback *made =
		http_loopback_send(api_handle, door->api, "POST", MAPS, headers, 2,
				   buffer_str(&body), "kubernetes-admin", "system:masters");
	store_drain(door->store);
	assert_int_equal(http_loopback_status(made), 201);
	assert_string_equal(http_loopback_header(made, "content-type"), PROTOBUF);
	assert_int_equal(
		protobuf_decode(&kind_config_map, http_loopback_body(made), &message, &back), 0);
	expect_text(back, "data.x", "y");
	assert_int_equal(strlen(json_string_at(back, "metadata.uid")), 36);
	http_loopback_free(made);
}

static void refusals_come_as_protobuf_too(void **state)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_json_ json_t *status = NULL;
	struct http_loopback *got = get_protobuf(*state, MAPS "/none");

	assert_int_equal(http_loopback_status(got), 404);
	assert_int_equal(
		protobuf_decode_type(&type_status, http_loopback_body(got), &message, &status), 0);
	expect_text(status, "reason", "NotFound");
	expect_number(status, "code", 404);
	http_loopback_free(got);
}

static void lists_and_watches_come_as_protobuf(void **state)
{
	struct http_loopback *list = get_protobuf(*state, MAPS);
	struct str body = http_loopback_body(list);
	assert_memory_equal(body.p, "k8s\0", 4);
	assert_non_null(memmem(body.p, body.n, "ConfigMapList", 13));
	http_loopback_free(list);

	struct http_loopback *stream = get_protobuf(*state, MAPS "?watch=true");
	assert_string_equal(http_loopback_header(stream, "content-type"), PROTOBUF ";stream=watch");
	body = http_loopback_body(stream);
	uint32_t length = (uint32_t)(uint8_t)body.p[0] << 24 | (uint32_t)(uint8_t)body.p[1] << 16 |
			  (uint32_t)(uint8_t)body.p[2] << 8 | (uint8_t)body.p[3];
	assert_int_equal(length + 4, body.n);
	assert_memory_equal(body.p + 4, "\n\005ADDED", 7);
	http_loopback_free(stream);
}

/* ---- discovery, documents, health ---- */

static void discovery_speaks_both_dialects(void **state)
{
	static const char v2[] = "application/json;g=apidiscovery.k8s.io;v=v2;as="
				 "APIGroupDiscoveryList";
	_cleanup_json_ json_t *versions = door_get(*state, 200, "/api");
	_cleanup_json_ json_t *groups = door_get(*state, 200, "/apis");
	_cleanup_json_ json_t *group = door_get(*state, 200, "/apis/apps");
	_cleanup_json_ json_t *resources = door_get(*state, 200, "/apis/apps/v1");

	expect_text(versions, "kind", "APIVersions");
	expect_text(groups, "kind", "APIGroupList");
	expect_text(group, "preferredVersion.groupVersion", "apps/v1");
	expect_text(resources, "groupVersion", "apps/v1");
	size_t i;
	const json_t *resource;
	bool scale = false;
	json_array_foreach (json_at(resources, "resources"), i, resource) {
		scale = scale ||
			(strcmp(json_string_at(resource, "name"), "statefulsets/scale") == 0 &&
			 strcmp(json_string_at(resource, "group"), "autoscaling") == 0);
	}
	assert_true(scale);
	struct http_loopback *rich =
		door_open(*state,
			  &(struct ask){ .method = "GET", .target = "/apis", .accept = v2 });
	assert_string_equal(http_loopback_header(rich, "content-type"), v2);
	http_loopback_free(rich);
	json_decref(door_get(*state, 404, "/apis/unknown.io"));
	json_decref(door_get(*state, 404, "/apis/apps/v2"));
}

static void documents_are_made_once(void **state)
{
	struct door *door = *state;
	struct http_loopback *one =
		door_open(door,
			  &(struct ask){ .method = "GET", .target = "/openapi/v3/apis/apps/v1" });
	assert_int_equal(http_loopback_status(one), 200);
	const struct http_pair known = { "If-None-Match", http_loopback_header(one, "etag") };
	struct http_loopback *again =
		http_loopback_send(api_handle, door->api, "GET", "/openapi/v3/apis/apps/v1", &known,
				   1, STR_NONE, "kubernetes-admin", "system:masters");
	assert_int_equal(http_loopback_status(again), 304);
	http_loopback_free(again);
	http_loopback_free(one);
	struct http_loopback *v2 = door_open(
		door,
		&(struct ask){
			.method = "GET",
			.target = "/openapi/v2",
			.accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf" });
	assert_string_equal(http_loopback_header(v2, "content-type"),
			    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
	http_loopback_free(v2);
	json_decref(door_get(*state, 200, "/openapi/v3"));
	json_decref(door_get(*state, 404, "/openapi/v3/apis/unknown/v1"));
}

static void health_and_version_are_for_everybody(void **state)
{
	static const char *const open[] = { "/healthz", "/livez", "/readyz", "/version" };
	static const char *const closed[] = { "/", "/api", "/apis", "/openapi/v2", MAPS };

	for (size_t i = 0; i < ARRAY_SIZE(open); i++) {
		struct http_loopback *got = door_open(*state, &(struct ask){ .method = "GET",
									     .target = open[i],
									     .nobody = true });
		assert_int_equal(http_loopback_status(got), 200);
		http_loopback_free(got);
	}
	for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
		_cleanup_json_ json_t *status = door_ask(
			*state, 401,
			&(struct ask){ .method = "GET", .target = closed[i], .nobody = true });
		expect_text(status, "reason", "Unauthorized");
	}
}

/* ---- who asks ---- */

static void tokens_say_who_asks(void **state)
{
	json_decref(
		door_ask(*state, 200,
			 &(struct ask){ .method = "GET", .target = MAPS, .token = "open-sesame" }));
	json_decref(door_ask(*state, 401,
			     &(struct ask){ .method = "GET", .target = MAPS, .token = "wrong" }));
	json_decref(door_ask(*state, 401,
			     &(struct ask){ .method = "GET", .target = MAPS, .token = "a.b.c" }));
}

static void answer_path(void *userdata, struct http_exchange *exchange)
{
	struct buffer body = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	buffer_printf(&body, "{\"path\":\"%s\"}", exchange->path);
	http_reply(exchange, 200, "application/json", &body);
}

static void an_extension_is_served_to_who_is_known(void **state)
{
	struct door *door = *state;

	json_decref(door_get(door, 404, "/more/a"));
	api_extend(door->api, "/more", answer_path, NULL);
	_cleanup_json_ json_t *below = door_get(door, 200, "/more/a?b=c");
	expect_text(below, "path", "/more/a");
	json_decref(door_get(door, 200, "/more"));
	json_decref(door_get(door, 404, "/moreover"));
	json_decref(door_ask(
		door, 401, &(struct ask){ .method = "GET", .target = "/more/a", .nobody = true }));
	_cleanup_json_ json_t *root = door_get(door, 200, "/");
	const json_t *paths = json_object_get(root, "paths");
	assert_string_equal(json_string_value(json_array_get(paths, json_array_size(paths) - 1)),
			    "/more");
}

static void somebody_else_can_be_played(void **state)
{
	struct door *door = *state;
	const struct http_pair headers[] = { { "Impersonate-User", "bob" },
					     { "Impersonate-Group", "crew" } };
	struct http_loopback *self =
		http_loopback_send(api_handle, door->api, "POST",
				   "/apis/authentication.k8s.io/v1/selfsubjectreviews", headers, 2,
				   STR("{}"), "kubernetes-admin", "system:masters");
	struct str body = http_loopback_body(self);

	assert_non_null(memmem(body.p, body.n, "\"username\":\"bob\"", 16));
	assert_non_null(memmem(body.p, body.n, "[\"crew\",\"system:authenticated\"]", 31));
	http_loopback_free(self);
}

static void accounts_get_tokens_that_end_with_them(void **state)
{
	static const char accounts[] = "/api/v1/namespaces/default/serviceaccounts";
	json_decref(door_post(*state, 201, accounts, "{'metadata':{'name':'robot'}}"));
	_cleanup_json_ json_t *request =
		door_post(*state, 201, "/api/v1/namespaces/default/serviceaccounts/robot/token",
			  "{'spec':{'expirationSeconds':700}}");
	const char *token = json_string_at(request, "status.token");
	expect_text(request, "status.expirationTimestamp", "2026-01-02T03:15:45Z");
	_cleanup_json_ json_t *self = door_ask(
		*state, 201,
		&(struct ask){ .method = "POST",
			       .target = "/apis/authentication.k8s.io/v1/selfsubjectreviews",
			       .body = "{}",
			       .token = token });
	expect_text(self, "status.userInfo.username", "system:serviceaccount:default:robot");
	door_wait(*state, 701);
	json_decref(door_ask(*state, 401,
			     &(struct ask){ .method = "GET", .target = MAPS, .token = token }));
	_cleanup_json_ json_t *fresh =
		door_post(*state, 201, "/api/v1/namespaces/default/serviceaccounts/robot/token",
			  "{}");
	json_decref(
		door_delete(*state, 200, "/api/v1/namespaces/default/serviceaccounts/robot", NULL));
	json_decref(door_ask(*state, 401,
			     &(struct ask){ .method = "GET",
					    .target = MAPS,
					    .token = json_string_at(fresh, "status.token") }));
	json_decref(door_post(*state, 404, "/api/v1/namespaces/default/serviceaccounts/robot/token",
			      "{}"));
}

static void reviews_are_answered(void **state)
{
	static const char reviews[] = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
	_cleanup_json_ json_t *yes =
		door_post(*state, 201, reviews,
			  "{'spec':{'resourceAttributes':{'verb':'create','resource':'pods'}}}");
	_cleanup_json_ json_t *rules =
		door_post(*state, 201, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
			  "{'spec':{'namespace':'default'}}");

	assert_true(json_bool_at(yes, "status.allowed", false));
	assert_int_equal(json_array_size(json_at(rules, "status.resourceRules")), 1);
	json_decref(door_post(*state, 422, reviews, "{'spec':{}}"));
	json_decref(door_get(*state, 405, reviews));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(lists_come_as_tables),
		T(tables_carry_what_is_asked_for),
		T(a_watch_shows_columns_once),
		T(metadata_alone_can_be_had),
		T(unknown_members_of_accept_are_passed_over),
		T(objects_come_and_go_as_protobuf),
		T(refusals_come_as_protobuf_too),
		T(lists_and_watches_come_as_protobuf),
		T(discovery_speaks_both_dialects),
		T(documents_are_made_once),
		T(health_and_version_are_for_everybody),
		T(tokens_say_who_asks),
		T(an_extension_is_served_to_who_is_known),
		T(somebody_else_can_be_played),
		T(accounts_get_tokens_that_end_with_them),
		T(reviews_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
