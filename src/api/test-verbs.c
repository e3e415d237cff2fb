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

#define MAPS "/api/v1/namespaces/default/configmaps"
#define MAP(name)                                                                                  \
	"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'" name "'},'data':{'k':'v'}}"

static int setup(void **state)
{
	*state = door_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	door_free(*state);
	return 0;
}

static void a_created_object_has_the_servers_metadata(void **state)
{
	_cleanup_json_ json_t *made = door_post(*state, 201, MAPS, MAP("one"));
	_cleanup_json_ json_t *got = door_get(*state, 200, MAPS "/one");

	expect_text(made, "metadata.namespace", "default");
	expect_text(made, "metadata.creationTimestamp", "2026-01-02T03:04:05Z");
	assert_int_equal(strlen(json_string_at(made, "metadata.uid")), 36);
	assert_true(json_string_at(made, "metadata.resourceVersion")[0] != '\0');
	assert_true(json_equal(made, got));
}

static void creating_twice_already_exists(void **state)
{
	json_decref(door_post(*state, 201, MAPS, MAP("one")));
	_cleanup_json_ json_t *status = door_post(*state, 409, MAPS, MAP("one"));
	expect_text(status, "reason", "AlreadyExists");
	expect_text(status, "message", "configmaps \"one\" already exists");
	expect_text(status, "details.kind", "configmaps");
	expect_text(status, "details.name", "one");
}

static void generated_names_begin_as_asked(void **state)
{
	static const char body[] = "{'metadata':{'generateName':'web-'}}";
	_cleanup_json_ json_t *first = door_post(*state, 201, MAPS, body);
	_cleanup_json_ json_t *second = door_post(*state, 201, MAPS, body);
	const char *name = json_string_at(first, "metadata.name");

	assert_int_equal(strncmp(name, "web-", 4), 0);
	assert_int_equal(strlen(name), 9);
	assert_string_not_equal(name, json_string_at(second, "metadata.name"));
}

static void a_name_is_needed(void **state)
{
	_cleanup_json_ json_t *status = door_post(*state, 422, MAPS, "{'metadata':{}}");
	expect_text(status, "reason", "Invalid");
	expect_text(status, "message",
		    "ConfigMap \"\" is invalid: metadata.name: Required value: name or "
		    "generateName is required");
}

static void a_namespace_must_be_there(void **state)
{
	_cleanup_json_ json_t *status =
		door_post(*state, 404, "/api/v1/namespaces/nowhere/configmaps", MAP("one"));
	expect_text(status, "message", "namespaces \"nowhere\" not found");
}

static void what_is_not_there_is_not_found(void **state)
{
	_cleanup_json_ json_t *one = door_get(*state, 404, "/api/v1/namespaces/default/pods/web-0");
	_cleanup_json_ json_t *two =
		door_get(*state, 404, "/apis/apps/v1/namespaces/default/deployments/web");
	_cleanup_json_ json_t *three = door_get(*state, 404, "/apis/apps/v1/unknowns");

	expect_text(one, "message", "pods \"web-0\" not found");
	expect_text(two, "message", "deployments.apps \"web\" not found");
	expect_text(two, "details.group", "apps");
	expect_text(three, "reason", "NotFound");
}

static void an_update_replaces_and_takes_a_new_version(void **state)
{
	_cleanup_json_ json_t *made = door_post(*state, 201, MAPS, MAP("one"));
	_cleanup_json_ json_t *changed =
		door_put(*state, 200, MAPS "/one", "{'metadata':{'name':'one'},'data':{'k':'w'}}");

	expect_text(changed, "data.k", "w");
	expect_text(changed, "metadata.uid", json_string_at(made, "metadata.uid"));
	assert_string_not_equal(json_string_at(changed, "metadata.resourceVersion"),
				json_string_at(made, "metadata.resourceVersion"));
}

static void an_update_that_changes_nothing_keeps_the_version(void **state)
{
	_cleanup_json_ json_t *made = door_post(*state, 201, MAPS, MAP("one"));
	_cleanup_json_ json_t *again = door_put(*state, 200, MAPS "/one", MAP("one"));
	_cleanup_json_ json_t *patched =
		door_patch(*state, 200, MAPS "/one", "merge-patch", "{'data':{'k':'v'}}");

	assert_true(json_equal(made, again));
	assert_true(json_equal(made, patched));
}

static void an_update_of_an_old_version_conflicts(void **state)
{
	json_decref(door_post(*state, 201, MAPS, MAP("one")));
	_cleanup_json_ json_t *status =
		door_put(*state, 409, MAPS "/one",
			 "{'metadata':{'name':'one','resourceVersion':'1'},'data':{'k':'w'}}");
	expect_text(status, "reason", "Conflict");
	expect_text(status, "message",
		    "Operation cannot be fulfilled on configmaps \"one\": the object has been "
		    "modified; please apply your changes to the latest version and try again");
}

static void names_on_path_and_in_body_must_agree(void **state)
{
	json_decref(door_post(*state, 201, MAPS, MAP("one")));
	json_decref(door_put(*state, 400, MAPS "/one", MAP("two")));
	json_decref(door_post(*state, 400, MAPS,
			      "{'metadata':{'name':'x','namespace':'kube-system'}}"));
	json_decref(
		door_patch(*state, 400, MAPS "/one", "merge-patch", "{'metadata':{'name':'two'}}"));
}

static void every_patch_format_works(void **state)
{
	json_decref(door_post(*state, 201, MAPS, MAP("one")));
	_cleanup_json_ json_t *merge =
		door_patch(*state, 200, MAPS "/one", "merge-patch", "{'data':{'a':'1','k':null}}");
	expect_text(merge, "data.a", "1");
	assert_null(json_at(merge, "data.k"));
	_cleanup_json_ json_t *strategic =
		door_patch(*state, 200, MAPS "/one", "strategic-merge-patch",
			   "{'metadata':{'labels':{'app':'x'}}}");
	expect_text(strategic, "metadata.labels.app", "x");
	_cleanup_json_ json_t *operations =
		door_patch(*state, 200, MAPS "/one", "json-patch",
			   "[{'op':'replace','path':'/data/a','value':'2'}]");
	expect_text(operations, "data.a", "2");
	json_decref(door_patch(*state, 422, MAPS "/one", "json-patch",
			       "[{'op':'test','path':'/data/a','value':'9'}]"));
	json_decref(door_patch(*state, 400, MAPS "/one", "merge-patch", "[]"));
	json_decref(door_patch(*state, 404, MAPS "/two", "merge-patch", "{}"));
	_cleanup_json_ json_t *apply =
		door_ask(*state, 415,
			 &(struct ask){ .method = "PATCH",
					.target = MAPS "/one",
					.type = "application/apply-patch+yaml",
					.body = "{}" });
	expect_text(apply, "reason", "UnsupportedMediaType");
}

static void deleting_removes_and_says_so(void **state)
{
	_cleanup_json_ json_t *made = door_post(*state, 201, MAPS, MAP("one"));
	_cleanup_json_ json_t *status = door_delete(*state, 200, MAPS "/one", NULL);
	expect_text(status, "status", "Success");
	expect_text(status, "details.uid", json_string_at(made, "metadata.uid"));
	json_decref(door_get(*state, 404, MAPS "/one"));
	json_decref(door_delete(*state, 404, MAPS "/one", NULL));
}

static void preconditions_guard_a_delete(void **state)
{
	json_decref(door_post(*state, 201, MAPS, MAP("one")));
	_cleanup_json_ json_t *status = door_delete(
		*state, 409, MAPS "/one",
		"{'kind':'DeleteOptions','apiVersion':'v1','preconditions':{'uid':'other'}}");
	expect_text(status, "reason", "Conflict");
	json_decref(door_get(*state, 200, MAPS "/one"));
}

static void finalizers_hold_an_object(void **state)
{
	json_decref(
		door_post(*state, 201, MAPS, "{'metadata':{'name':'one','finalizers':['a.b/c']}}"));
	_cleanup_json_ json_t *held = door_delete(*state, 200, MAPS "/one", NULL);
	expect_text(held, "metadata.deletionTimestamp", "2026-01-02T03:04:05Z");
	expect_number(held, "metadata.deletionGracePeriodSeconds", 0);
	json_decref(door_get(*state, 200, MAPS "/one"));
	json_decref(door_patch(*state, 200, MAPS "/one", "merge-patch",
			       "{'metadata':{'finalizers':null}}"));
	json_decref(door_get(*state, 404, MAPS "/one"));
}

static void policies_become_finalizers(void **state)
{
	json_decref(door_post(*state, 201, MAPS, MAP("one")));
	json_decref(door_post(*state, 201, MAPS, MAP("two")));
	_cleanup_json_ json_t *foreground =
		door_delete(*state, 200, MAPS "/one", "{'propagationPolicy':'Foreground'}");
	_cleanup_json_ json_t *orphan =
		door_delete(*state, 200, MAPS "/two?propagationPolicy=Orphan", NULL);
	assert_string_equal(json_string_value(
				    json_array_get(json_at(foreground, "metadata.finalizers"), 0)),
			    "foregroundDeletion");
	assert_string_equal(json_string_value(
				    json_array_get(json_at(orphan, "metadata.finalizers"), 0)),
			    "orphan");
	json_decref(door_delete(*state, 422, MAPS "/two", "{'propagationPolicy':'Never'}"));
}

static void a_collection_is_deleted_by_its_labels(void **state)
{
	json_decref(door_post(*state, 201, MAPS, "{'metadata':{'name':'a','labels':{'app':'x'}}}"));
	json_decref(door_post(*state, 201, MAPS, "{'metadata':{'name':'b','labels':{'app':'x'}}}"));
	json_decref(door_post(*state, 201, MAPS, "{'metadata':{'name':'c','labels':{'app':'y'}}}"));
	_cleanup_json_ json_t *gone = door_delete(*state, 200, MAPS "?labelSelector=app%3Dx", NULL);
	assert_int_equal(json_array_size(json_at(gone, "items")), 2);
	_cleanup_json_ json_t *left = door_get(*state, 200, MAPS);
	assert_int_equal(json_array_size(json_at(left, "items")), 1);
}

static void a_dry_run_leaves_nothing(void **state)
{
	_cleanup_json_ json_t *made = door_post(*state, 201, MAPS "?dryRun=All", MAP("one"));
	expect_text(made, "metadata.name", "one");
	json_decref(door_get(*state, 404, MAPS "/one"));
	json_decref(door_post(*state, 201, MAPS, MAP("one")));
	json_decref(door_patch(*state, 200, MAPS "/one?dryRun=All", "merge-patch",
			       "{'data':{'k':'w'}}"));
	json_decref(door_delete(*state, 200, MAPS "/one?dryRun=All", NULL));
	_cleanup_json_ json_t *still = door_get(*state, 200, MAPS "/one");
	expect_text(still, "data.k", "v");
	json_decref(door_post(*state, 400, MAPS "?dryRun=Some", MAP("two")));
}

static void unknown_fields_are_refused_warned_of_or_ignored(void **state)
{
	static const char body[] = "{'metadata':{'name':'one'},'colour':'red'}";
	_cleanup_json_ json_t *strict =
		door_post(*state, 400, MAPS "?fieldValidation=Strict", body);
	expect_text(strict, "message",
		    "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding "
		    "error: unknown field \"colour\"");
	struct http_loopback *warned =
		door_open(*state,
			  &(struct ask){ .method = "POST", .target = MAPS, .body = quoted(body) });
	assert_int_equal(http_loopback_status(warned), 201);
	assert_string_equal(http_loopback_header(warned, "warning"),
			    "299 - \"unknown field \\\"colour\\\"\"");
	http_loopback_free(warned);
	struct http_loopback *ignored =
		door_open(*state, &(struct ask){ .method = "PUT",
						 .target = MAPS "/one?fieldValidation=Ignore",
						 .body = quoted(body) });
	assert_int_equal(http_loopback_status(ignored), 200);
	assert_null(http_loopback_header(ignored, "warning"));
	http_loopback_free(ignored);
	_cleanup_json_ json_t *patch = door_patch(*state, 422, MAPS "/one?fieldValidation=Strict",
						  "merge-patch", "{'colour':'red'}");
	assert_non_null(strstr(json_string_at(patch, "message"), "unknown field \"colour\""));
}

static void bad_bodies_are_refused(void **state)
{
	json_decref(door_post(*state, 400, MAPS, "{'metadata':"));
	json_decref(door_post(*state, 400, MAPS, "[]"));
	json_decref(door_post(*state, 400, MAPS, "{'kind':'Pod','metadata':{'name':'x'}}"));
	json_decref(door_post(*state, 400, MAPS, "{'metadata':{'name':7}}"));
	json_decref(door_post(*state, 422, MAPS, "{'metadata':{'name':'Not_A_Name'}}"));
	_cleanup_json_ json_t *media = door_ask(*state, 415,
						&(struct ask){ .method = "POST",
							       .target = MAPS,
							       .type = "application/xml",
							       .body = "<a/>" });
	expect_text(media, "reason", "UnsupportedMediaType");
	_cleanup_json_ json_t *accept =
		door_ask(*state, 406,
			 &(struct ask){ .method = "GET", .target = MAPS, .accept = "image/png" });
	expect_text(accept, "reason", "NotAcceptable");
	_cleanup_json_ json_t *method = door_put(*state, 405, MAPS, MAP("one"));
	expect_text(method, "reason", "MethodNotAllowed");
}

static void yaml_is_read(void **state)
{
	_cleanup_json_ json_t *made = door_ask(
		*state, 201,
		&(struct ask){ .method = "POST",
			       .target = MAPS,
			       .type = "application/yaml",
			       .body = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n"
				       "data:\n  k: \"1\"\n" });
	expect_text(made, "data.k", "1");
}

static void status_has_a_door_of_its_own(void **state)
{
	static const char nodes[] = "/api/v1/nodes";
	json_decref(door_post(*state, 201, nodes, "{'metadata':{'name':'n1'}}"));
	json_decref(
		door_patch(*state, 200, "/api/v1/nodes/n1", "merge-patch",
			   "{'status':{'phase':'Running'},'spec':{'podCIDR':'10.244.0.0/24'}}"));
	_cleanup_json_ json_t *spec = door_get(*state, 200, "/api/v1/nodes/n1");
	expect_text(spec, "spec.podCIDR", "10.244.0.0/24");
	expect_text(spec, "status.phase", "");
	_cleanup_json_ json_t *status =
		door_patch(*state, 200, "/api/v1/nodes/n1/status", "merge-patch",
			   "{'status':{'phase':'Running'},'spec':{'unschedulable':true},"
			   "'metadata':{'annotations':{'a':'b'}}}");
	expect_text(status, "status.phase", "Running");
	expect_text(status, "metadata.annotations.a", "b");
	assert_null(json_at(status, "spec.unschedulable"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(a_created_object_has_the_servers_metadata),
		T(creating_twice_already_exists),
		T(generated_names_begin_as_asked),
		T(a_name_is_needed),
		T(a_namespace_must_be_there),
		T(what_is_not_there_is_not_found),
		T(an_update_replaces_and_takes_a_new_version),
		T(an_update_that_changes_nothing_keeps_the_version),
		T(an_update_of_an_old_version_conflicts),
		T(names_on_path_and_in_body_must_agree),
		T(every_patch_format_works),
		T(deleting_removes_and_says_so),
		T(preconditions_guard_a_delete),
		T(finalizers_hold_an_object),
		T(policies_become_finalizers),
		T(a_collection_is_deleted_by_its_labels),
		T(a_dry_run_leaves_nothing),
		T(unknown_fields_are_refused_warned_of_or_ignored),
		T(bad_bodies_are_refused),
		T(yaml_is_read),
		T(status_has_a_door_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
