/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/test-door.h"
#include "base/mem.h"
#include "json/json.h"

#define MAPS "/api/v1/namespaces/default/configmaps"

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

static char *make(struct door *door, const char *name, const char *app)
{
	char body[256];

	snprintf(body, sizeof(body), "{'metadata':{'name':'%s','labels':{'app':'%s'}}}", name, app);
	_cleanup_json_ json_t *made = door_post(door, 201, MAPS, body);
	return mem_strdup(json_string_at(made, "metadata.resourceVersion"));
}

static void relabel(struct door *door, const char *name, const char *app)
{
	char target[128];
	char body[128];

	snprintf(target, sizeof(target), MAPS "/%s", name);
	snprintf(body, sizeof(body), "{'metadata':{'labels':{'app':'%s'}}}", app);
	json_decref(door_patch(door, 200, target, "merge-patch", body));
}

static struct http_loopback *watch(struct door *door, const char *query)
{
	_cleanup_free_ char *target = mem_printf(MAPS "?watch=true&%s", query);

	return door_open(door, &(struct ask){ .method = "GET", .target = target });
}

static const char *name_at(const json_t *list, size_t i)
{
	return json_string_at(json_array_get(json_at(list, "items"), i), "metadata.name");
}

/* ---- lists ---- */

static void lists_are_ordered_and_selected(void **state)
{
	mem_free(make(*state, "b", "x"));
	mem_free(make(*state, "a", "y"));
	mem_free(make(*state, "c", "x"));
	_cleanup_json_ json_t *all = door_get(*state, 200, MAPS);
	expect_text(all, "kind", "ConfigMapList");
	assert_int_equal(json_array_size(json_at(all, "items")), 3);
	assert_string_equal(name_at(all, 0), "a");
	assert_string_equal(name_at(all, 2), "c");
	_cleanup_json_ json_t *labelled =
		door_get(*state, 200, "/api/v1/configmaps?labelSelector=app+in+(x),app!%3Dy");
	assert_int_equal(json_array_size(json_at(labelled, "items")), 2);
	_cleanup_json_ json_t *named =
		door_get(*state, 200, "/api/v1/configmaps?fieldSelector=metadata.name%3Dc");
	assert_int_equal(json_array_size(json_at(named, "items")), 1);
	json_decref(door_get(*state, 400, MAPS "?labelSelector=app+in+x"));
	_cleanup_json_ json_t *unknown = door_get(*state, 400, MAPS "?fieldSelector=data.k%3Dv");
	assert_non_null(strstr(json_string_at(unknown, "message"), "field label not supported"));
}

static void fields_of_a_kind_can_be_selected(void **state)
{
	static const char pods[] = "/api/v1/namespaces/default/pods";
	json_decref(door_post(*state, 201, pods,
			      "{'metadata':{'name':'a'},'spec':{'nodeName':'n1','containers':[{"
			      "'name':'c','image':'i'}]}}"));
	json_decref(door_post(*state, 201, pods,
			      "{'metadata':{'name':'b'},'spec':{'containers':[{'name':'c','image':"
			      "'i'}]}}"));
	_cleanup_json_ json_t *bound =
		door_get(*state, 200,
			 "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1,status.phase!%3DFailed");
	_cleanup_json_ json_t *free_ = door_get(*state, 200,
						"/api/v1/pods?fieldSelector=spec."
						"nodeName%3D");
	assert_int_equal(json_array_size(json_at(bound, "items")), 1);
	assert_string_equal(name_at(bound, 0), "a");
	assert_int_equal(json_array_size(json_at(free_, "items")), 1);
	assert_string_equal(name_at(free_, 0), "b");
}

static json_t *next_page(struct door *door, int code, const json_t *page)
{
	_cleanup_buffer_ struct buffer target = BUFFER_INIT(4096);
	const char *more = json_string_at(page, "metadata.continue");

	buffer_append_text(&target, MAPS "?limit=2&continue=");
	for (; *more != '\0'; more++) {
		buffer_printf(&target, *more == '=' || *more == '+' ? "%%%02X" : "%c", *more);
	}
	return door_get(door, code, buffer_text(&target));
}

static void pages_show_one_state(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		mem_free(make(*state, names[i], "x"));
	}
	_cleanup_json_ json_t *first = door_get(*state, 200, MAPS "?limit=2");
	expect_number(first, "metadata.remainingItemCount", 3);
	json_decref(door_delete(*state, 200, MAPS "/c", NULL));
	mem_free(make(*state, "bb", "x"));
	_cleanup_json_ json_t *second = next_page(*state, 200, first);
	assert_string_equal(name_at(second, 0), "c");
	assert_string_equal(name_at(second, 1), "d");
	expect_number(second, "metadata.remainingItemCount", 1);
	expect_text(second, "metadata.resourceVersion",
		    json_string_at(first, "metadata.resourceVersion"));
	_cleanup_json_ json_t *third = next_page(*state, 200, second);
	assert_int_equal(json_array_size(json_at(third, "items")), 1);
	assert_null(json_at(third, "metadata.continue"));
	json_decref(door_get(*state, 400, MAPS "?limit=2&continue=nonsense"));
}

static void a_page_too_old_is_gone_but_can_be_gone_on_from(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		mem_free(make(*state, names[i], "x"));
	}
	_cleanup_json_ json_t *first = door_get(*state, 200, MAPS "?limit=2");
	mem_free(make(*state, "f", "x"));
	door_wait(*state, 301);
	door_wait(*state, 301);
	_cleanup_json_ json_t *gone = next_page(*state, 410, first);
	expect_text(gone, "reason", "Expired");
	_cleanup_json_ json_t *rest = next_page(*state, 200, gone);
	assert_string_equal(name_at(rest, 0), "c");
}

static void revisions_of_lists_mean_what_they_say(void **state)
{
	_cleanup_free_ char *before = make(*state, "a", "x");
	mem_free(make(*state, "b", "x"));
	_cleanup_free_ char *exact =
		mem_printf(MAPS "?resourceVersion=%s&resourceVersionMatch=Exact", before);
	_cleanup_json_ json_t *old = door_get(*state, 200, exact);
	assert_int_equal(json_array_size(json_at(old, "items")), 1);
	_cleanup_json_ json_t *future = door_get(*state, 504, MAPS "?resourceVersion=1000000");
	assert_non_null(strstr(json_string_at(future, "message"), "Too large resource version"));
	json_decref(door_get(*state, 400, MAPS "?resourceVersionMatch=Exact"));
	json_decref(door_get(*state, 400, MAPS "?resourceVersion=x"));
	json_decref(door_get(*state, 200, MAPS "?resourceVersion=0"));
}

/* ---- watches ---- */

static void a_watch_begins_with_what_is_there(void **state)
{
	size_t at = 0;
	mem_free(make(*state, "a", "x"));
	struct http_loopback *stream = watch(*state, "resourceVersion=0");
	expect_event(stream, &at, "ADDED", "a");
	expect_no_event(stream, &at);
	mem_free(make(*state, "b", "x"));
	relabel(*state, "a", "y");
	json_decref(door_delete(*state, 200, MAPS "/b", NULL));
	expect_event(stream, &at, "ADDED", "b");
	expect_event(stream, &at, "MODIFIED", "a");
	expect_event(stream, &at, "DELETED", "b");
	expect_no_event(stream, &at);
	http_loopback_free(stream);
}

static void a_watch_goes_on_from_a_revision(void **state)
{
	size_t at = 0;
	_cleanup_free_ char *seen = make(*state, "a", "x");
	mem_free(make(*state, "b", "x"));
	_cleanup_free_ char *query = mem_printf("resourceVersion=%s", seen);
	struct http_loopback *stream = watch(*state, query);
	expect_event(stream, &at, "ADDED", "b");
	expect_no_event(stream, &at);
	http_loopback_free(stream);
}

static void leaving_a_selection_is_being_deleted_from_it(void **state)
{
	size_t at = 0;
	mem_free(make(*state, "a", "x"));
	struct http_loopback *stream = watch(*state, "labelSelector=app%3Dx");
	expect_event(stream, &at, "ADDED", "a");
	relabel(*state, "a", "y");
	_cleanup_json_ json_t *left = door_event(stream, &at);
	_cleanup_json_ json_t *now = door_get(*state, 200, MAPS "/a");
	expect_text(left, "type", "DELETED");
	expect_text(left, "object.metadata.labels.app", "x");
	expect_text(left, "object.metadata.resourceVersion",
		    json_string_at(now, "metadata.resourceVersion"));
	relabel(*state, "a", "x");
	expect_event(stream, &at, "ADDED", "a");
	mem_free(make(*state, "b", "y"));
	expect_no_event(stream, &at);
	http_loopback_free(stream);
}

static void one_object_can_be_watched(void **state)
{
	size_t at = 0;
	size_t old_at = 0;
	mem_free(make(*state, "web-1", "x"));
	struct http_loopback *stream = watch(*state, "fieldSelector=metadata.name%3Dweb-1");
	struct http_loopback *old = door_open(
		*state,
		&(struct ask){ .method = "GET",
			       .target = "/api/v1/watch/namespaces/default/configmaps/web-1" });
	mem_free(make(*state, "web-10", "x"));
	expect_event(stream, &at, "ADDED", "web-1");
	expect_no_event(stream, &at);
	expect_event(old, &old_at, "ADDED", "web-1");
	expect_no_event(old, &old_at);
	http_loopback_free(stream);
	http_loopback_free(old);
}

static void initial_events_end_with_a_bookmark(void **state)
{
	size_t at = 0;
	mem_free(make(*state, "a", "x"));
	struct http_loopback *stream =
		watch(*state, "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&"
			      "allowWatchBookmarks=true&resourceVersion=");
	expect_event(stream, &at, "ADDED", "a");
	_cleanup_json_ json_t *mark = door_event(stream, &at);
	expect_text(mark, "type", "BOOKMARK");
	expect_text(mark, "object.kind", "ConfigMap");
	assert_string_equal(json_string_value(
				    json_object_get(json_at(mark, "object.metadata.annotations"),
						    "k8s.io/initial-events-end")),
			    "true");
	http_loopback_free(stream);
	json_decref(door_get(*state, 422, MAPS "?watch=true&sendInitialEvents=true"));
	json_decref(door_get(*state, 422, MAPS "?watch=true&resourceVersionMatch=NotOlderThan"));
}

static void a_watch_ends_in_time(void **state)
{
	size_t at = 0;
	struct http_loopback *stream = watch(*state, "allowWatchBookmarks=true&timeoutSeconds=90");
	expect_no_event(stream, &at);
	door_wait(*state, 61);
	_cleanup_json_ json_t *first = door_event(stream, &at);
	expect_text(first, "type", "BOOKMARK");
	assert_false(http_loopback_is_complete(stream));
	door_wait(*state, 30);
	_cleanup_json_ json_t *last = door_event(stream, &at);
	expect_text(last, "type", "BOOKMARK");
	assert_true(http_loopback_is_complete(stream));
	http_loopback_free(stream);
}

static void watches_can_be_ended_all_at_once(void **state)
{
	struct door *door = *state;
	struct http_loopback *stream = watch(door, "");
	assert_false(http_loopback_is_complete(stream));
	api_end_watches(door->api);
	http_loopback_body(stream);
	assert_true(http_loopback_is_complete(stream));
	http_loopback_free(stream);
}

static void a_revision_that_is_gone_is_an_error_in_the_stream(void **state)
{
	size_t at = 0;
	struct http_loopback *stream = watch(*state, "resourceVersion=1000000");
	_cleanup_json_ json_t *event = door_event(stream, &at);
	expect_text(event, "type", "ERROR");
	expect_number(event, "object.code", 410);
	expect_text(event, "object.reason", "Expired");
	assert_true(http_loopback_is_complete(stream));
	http_loopback_free(stream);
}

static void every_watcher_sees_the_same_order(void **state)
{
	size_t one_at = 0;
	size_t two_at = 0;
	struct http_loopback *one = watch(*state, "");
	struct http_loopback *two = watch(*state, "");
	for (int i = 0; i < 50; i++) {
		char name[16];
		snprintf(name, sizeof(name), "m%d", i);
		mem_free(make(*state, name, "x"));
	}
	for (int i = 0; i < 50; i++) {
		_cleanup_json_ json_t *a = door_event(one, &one_at);
		_cleanup_json_ json_t *b = door_event(two, &two_at);
		assert_non_null(a);
		assert_true(json_equal(a, b));
	}
	http_loopback_free(one);
	http_loopback_free(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(lists_are_ordered_and_selected),
		T(fields_of_a_kind_can_be_selected),
		T(pages_show_one_state),
		T(a_page_too_old_is_gone_but_can_be_gone_on_from),
		T(revisions_of_lists_mean_what_they_say),
		T(a_watch_begins_with_what_is_there),
		T(a_watch_goes_on_from_a_revision),
		T(leaving_a_selection_is_being_deleted_from_it),
		T(one_object_can_be_watched),
		T(initial_events_end_with_a_bookmark),
		T(a_watch_ends_in_time),
		T(watches_can_be_ended_all_at_once),
		T(a_revision_that_is_gone_is_an_error_in_the_stream),
		T(every_watcher_sees_the_same_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
