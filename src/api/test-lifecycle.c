/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/local.h"
#include "api/test-door.h"
#include "base/mem.h"
#include "client/client.h"
#include "object/kinds.h"
#include "json/json.h"

#define PODS "/api/v1/namespaces/default/pods"
#define SETS "/apis/apps/v1/namespaces/default/statefulsets"
#define POD "{'metadata':{'name':'p'},'spec':{'containers':[{'name':'c','image':'i'}]}}"
#define SET                                                                                        \
	"{'metadata':{'name':'web'},'spec':{'serviceName':'s','replicas':3,"                       \
	"'selector':{'matchLabels':{'app':'x'}},'template':{'metadata':{'labels':{'app':'x'}},"    \
	"'spec':{'containers':[{'name':'c','image':'i'}]}}}}"

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

static void bind(struct door *door, int code, const char *node)
{
	_cleanup_free_ char *body = mem_printf("{'target':{'kind':'Node','name':'%s'}}", node);

	json_decref(door_post(door, code, PODS "/p/binding", body));
}

/* ---- pods ---- */

static void pods_get_an_account_and_tolerations(void **state)
{
	_cleanup_json_ json_t *pod = door_post(*state, 201, PODS, POD);

	expect_text(pod, "spec.serviceAccountName", "default");
	expect_text(pod, "status.phase", "Pending");
	assert_int_equal(json_array_size(json_at(pod, "spec.tolerations")), 2);
}

static void a_binding_is_said_once(void **state)
{
	json_decref(door_post(*state, 201, PODS, POD));
	bind(*state, 201, "n1");
	_cleanup_json_ json_t *pod = door_get(*state, 200, PODS "/p");
	const json_t *condition = json_array_get(json_at(pod, "status.conditions"), 0);
	expect_text(pod, "spec.nodeName", "n1");
	expect_text(condition, "type", "PodScheduled");
	expect_text(condition, "status", "True");
	bind(*state, 409, "n2");
	json_decref(door_post(*state, 422, PODS "/p/binding", "{'target':{}}"));
	json_decref(door_post(*state, 404, PODS "/q/binding", "{'target':{'name':'n1'}}"));
}

static void a_pod_nobody_runs_goes_at_once(void **state)
{
	json_decref(door_post(*state, 201, PODS, POD));
	json_decref(door_delete(*state, 200, PODS "/p", NULL));
	json_decref(door_get(*state, 404, PODS "/p"));
}

static void a_running_pod_gets_its_grace(void **state)
{
	json_decref(door_post(*state, 201, PODS, POD));
	bind(*state, 201, "n1");
	_cleanup_json_ json_t *ending = door_delete(*state, 200, PODS "/p", NULL);
	expect_number(ending, "metadata.deletionGracePeriodSeconds", 30);
	expect_text(ending, "metadata.deletionTimestamp", "2026-01-02T03:04:35Z");
	/* A second delete may shorten the grace, not lengthen it. */
	_cleanup_json_ json_t *shorter =
		door_delete(*state, 200, PODS "/p", "{'gracePeriodSeconds':5}");
	expect_text(shorter, "metadata.deletionTimestamp", "2026-01-02T03:04:10Z");
	_cleanup_json_ json_t *same =
		door_delete(*state, 200, PODS "/p", "{'gracePeriodSeconds':60}");
	assert_true(json_equal(shorter, same));
	bind(*state, 409, "n2");
	json_decref(door_delete(*state, 200, PODS "/p?gracePeriodSeconds=0", NULL));
	json_decref(door_get(*state, 404, PODS "/p"));
}

static void an_eviction_deletes(void **state)
{
	json_decref(door_post(*state, 201, PODS, POD));
	_cleanup_json_ json_t *done =
		door_post(*state, 200, PODS "/p/eviction",
			  "{'apiVersion':'policy/v1','kind':'Eviction','metadata':{'name':'p'}}");
	expect_text(done, "status", "Success");
	json_decref(door_get(*state, 404, PODS "/p"));
}

/* ---- workloads ---- */

static void generation_counts_changes_of_the_spec(void **state)
{
	_cleanup_json_ json_t *made = door_post(*state, 201, SETS, SET);
	expect_number(made, "metadata.generation", 1);
	_cleanup_json_ json_t *labelled = door_patch(*state, 200, SETS "/web", "merge-patch",
						     "{'metadata':{'labels':{'a':'b'}}}");
	expect_number(labelled, "metadata.generation", 1);
	_cleanup_json_ json_t *status = door_patch(*state, 200, SETS "/web/status", "merge-patch",
						   "{'status':{'replicas':2}}");
	expect_number(status, "metadata.generation", 1);
	expect_number(status, "status.replicas", 2);
	_cleanup_json_ json_t *changed =
		door_patch(*state, 200, SETS "/web", "merge-patch", "{'spec':{'replicas':5}}");
	expect_number(changed, "metadata.generation", 2);
	expect_number(changed, "status.replicas", 2);
}

static void scale_is_a_view_of_the_replicas(void **state)
{
	json_decref(door_post(*state, 201, SETS, SET));
	_cleanup_json_ json_t *scale = door_get(*state, 200, SETS "/web/scale");
	expect_text(scale, "kind", "Scale");
	expect_text(scale, "apiVersion", "autoscaling/v1");
	expect_number(scale, "spec.replicas", 3);
	expect_text(scale, "status.selector", "app=x");
	_cleanup_json_ json_t *patched = door_patch(*state, 200, SETS "/web/scale", "merge-patch",
						    "{'spec':{'replicas':5}}");
	expect_number(patched, "spec.replicas", 5);
	_cleanup_json_ json_t *put =
		door_put(*state, 200, SETS "/web/scale",
			 "{'kind':'Scale','apiVersion':'autoscaling/v1','metadata':{'name':'web'},"
			 "'spec':{'replicas':1}}");
	expect_number(put, "spec.replicas", 1);
	_cleanup_json_ json_t *set = door_get(*state, 200, SETS "/web");
	expect_number(set, "spec.replicas", 1);
	expect_number(set, "metadata.generation", 3);
	json_decref(door_put(*state, 409, SETS "/web/scale",
			     "{'metadata':{'name':'web','resourceVersion':'1'},"
			     "'spec':{'replicas':2}}"));
	json_decref(door_patch(*state, 422, SETS "/web/scale", "merge-patch",
			       "{'spec':{'replicas':-1}}"));
	json_decref(door_get(*state, 404, PODS "/p/scale"));
}

static void what_is_immutable_is_named(void **state)
{
	json_decref(door_post(*state, 201, SETS, SET));
	_cleanup_json_ json_t *status = door_patch(*state, 422, SETS "/web", "merge-patch",
						   "{'spec':{'serviceName':'other'}}");
	expect_text(status, "details.kind", "StatefulSet");
	assert_non_null(strstr(json_string_at(status, "message"), "StatefulSet.apps \"web\""));
	assert_non_null(json_array_get(json_at(status, "details.causes"), 0));
}

/* ---- namespaces ---- */

static void a_namespace_ends_when_it_is_finalized(void **state)
{
	_cleanup_json_ json_t *made =
		door_post(*state, 201, "/api/v1/namespaces", "{'metadata':{'name':'n'}}");
	expect_text(made, "status.phase", "Active");
	assert_string_equal(json_string_value(json_object_get(json_at(made, "metadata.labels"),
							      "kubernetes.io/metadata.name")),
			    "n");
	_cleanup_json_ json_t *ending = door_delete(*state, 200, "/api/v1/namespaces/n", NULL);
	expect_text(ending, "status.phase", "Terminating");
	_cleanup_json_ json_t *refused = door_post(*state, 403, "/api/v1/namespaces/n/configmaps",
						   "{'metadata':{'name':'x'}}");
	const json_t *cause = json_array_get(json_at(refused, "details.causes"), 0);
	expect_text(refused, "message",
		    "configmaps \"x\" is forbidden: unable to create new content in namespace n "
		    "because it is being terminated");
	expect_text(cause, "reason", "NamespaceTerminating");
	/* Plain writes do not touch the finalizers; the subresource does. */
	json_decref(door_patch(*state, 200, "/api/v1/namespaces/n", "merge-patch",
			       "{'spec':{'finalizers':[]}}"));
	json_decref(door_get(*state, 200, "/api/v1/namespaces/n"));
	json_decref(door_put(*state, 200, "/api/v1/namespaces/n/finalize",
			     "{'metadata':{'name':'n'},'spec':{'finalizers':[]}}"));
	json_decref(door_get(*state, 404, "/api/v1/namespaces/n"));
}

static void some_namespaces_are_immortal(void **state)
{
	_cleanup_json_ json_t *status =
		door_delete(*state, 403, "/api/v1/namespaces/default", NULL);
	expect_text(status, "message",
		    "namespaces \"default\" is forbidden: this namespace may not be deleted");
}

/* ---- the client inside ---- */

struct seen {
	int resets;
	int changes;
	int removals;
	uint64_t synced;
	char last[64];
	int code;
	int changes_when_done;
};

static void reset(void *userdata)
{
	((struct seen *)userdata)->resets++;
}

static void changed(void *userdata, struct object *object)
{
	struct seen *seen = userdata;

	seen->changes++;
	snprintf(seen->last, sizeof(seen->last), "%.*s", STR_ARG(object->name));
	assert_true(object->revision > 0);
}

static void removed(void *userdata, struct object *last)
{
	((struct seen *)userdata)->removals++;
}

static void synced(void *userdata, uint64_t revision)
{
	((struct seen *)userdata)->synced = revision;
}

static const struct client_sink sink = {
	.reset = reset,
	.changed = changed,
	.removed = removed,
	.synced = synced,
};

static void done(void *userdata, const struct client_response *response)
{
	struct seen *seen = userdata;

	seen->code = response->code;
	seen->changes_when_done = seen->changes;
	if (response->code >= 400) {
		assert_non_null(response->reason);
		assert_non_null(response->message);
	}
}

static int ask_inside(struct door *door, struct client *client, struct seen *seen,
		      enum client_verb verb, const struct kind *kind, const char *name,
		      const char *subresource, const char *body)
{
	_cleanup_json_ json_t *tree = body != NULL ? json_loads(quoted(body), 0, NULL) : NULL;
	const struct client_request request = {
		.verb = verb,
		.kind = kind,
		.space = STR("default"),
		.name = str_from(name),
		.subresource = subresource,
		.body = tree,
	};

	seen->code = 0;
	client_request(client, &request, done, seen);
	store_drain(door->store);
	return seen->code;
}

static void inside_writes_meet_the_same_rules(void **state)
{
	struct door *door = *state;
	struct client *client = api_local_client(door->api);
	struct seen seen = { .resets = 0 };

	assert_int_equal(ask_inside(door, client, &seen, CLIENT_CREATE, &kind_pod, "", NULL, POD),
			 201);
	assert_int_equal(ask_inside(door, client, &seen, CLIENT_CREATE, &kind_pod, "", NULL, POD),
			 409);
	assert_int_equal(ask_inside(door, client, &seen, CLIENT_CREATE, &kind_pod, "", NULL,
				    "{'metadata':{'name':'q'},'spec':{}}"),
			 422);
	assert_int_equal(ask_inside(door, client, &seen, CLIENT_CREATE, &kind_pod, "p", "binding",
				    "{'target':{'name':'n1'}}"),
			 201);
	assert_int_equal(ask_inside(door, client, &seen, CLIENT_PATCH_STRATEGIC, &kind_pod, "p",
				    "status", "{'status':{'phase':'Running'}}"),
			 200);
	assert_int_equal(ask_inside(door, client, &seen, CLIENT_GET, &kind_pod, "p", NULL, NULL),
			 200);
	assert_int_equal(ask_inside(door, client, &seen, CLIENT_GET, &kind_pod, "q", NULL, NULL),
			 404);
	assert_int_equal(ask_inside(door, client, &seen, CLIENT_DELETE, &kind_pod, "p", NULL,
				    "{'gracePeriodSeconds':0}"),
			 200);
	client_free(client);
}

static void inside_watches_hear_before_the_writer(void **state)
{
	struct door *door = *state;
	struct client *client = api_local_client(door->api);
	struct seen seen = { .resets = 0 };
	struct client_watch *watch = client_watch(client, &kind_pod, NULL, &sink, &seen);

	assert_int_equal(seen.resets, 1);
	assert_true(seen.synced > 0);
	assert_int_equal(ask_inside(door, client, &seen, CLIENT_CREATE, &kind_pod, "", NULL, POD),
			 201);
	assert_int_equal(seen.changes_when_done, 1);
	assert_string_equal(seen.last, "p");
	/* What comes by HTTP is seen as well. */
	json_decref(door_patch(door, 200, PODS "/p", "merge-patch",
			       "{'metadata':{'labels':{'a':'b'}}}"));
	json_decref(door_delete(door, 200, PODS "/p", NULL));
	assert_int_equal(seen.changes, 2);
	assert_int_equal(seen.removals, 1);
	assert_true(seen.synced >= hub_revision(door->hub));
	client_unwatch(watch);
	client_free(client);
}

static void inside_watches_can_be_selective(void **state)
{
	struct door *door = *state;
	struct client *client = api_local_client(door->api);
	struct seen seen = { .resets = 0 };
	struct client_watch *watch = client_watch(client, &kind_pod, "a=b", &sink, &seen);

	json_decref(door_post(door, 201, PODS, POD));
	assert_int_equal(seen.changes, 0);
	json_decref(door_patch(door, 200, PODS "/p", "merge-patch",
			       "{'metadata':{'labels':{'a':'b'}}}"));
	assert_int_equal(seen.changes, 1);
	json_decref(door_patch(door, 200, PODS "/p", "merge-patch",
			       "{'metadata':{'labels':{'a':'c'}}}"));
	assert_int_equal(seen.removals, 1);
	client_unwatch(watch);
	client_free(client);
}

static void inside_watches_can_select_by_field(void **state)
{
	struct door *door = *state;
	struct client *client = api_local_client(door->api);
	struct seen seen = { .resets = 0 };
	struct client_watch *watch =
		client_watch_fields(client, &kind_pod, NULL, "metadata.name=q", &sink, &seen);

	json_decref(door_post(door, 201, PODS, POD));
	assert_int_equal(seen.changes, 0);
	client_unwatch(watch);
	watch = client_watch_fields(client, &kind_pod, NULL, "metadata.name=p", &sink, &seen);
	assert_int_equal(seen.changes, 1);
	client_unwatch(watch);
	client_free(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(pods_get_an_account_and_tolerations),
		T(a_binding_is_said_once),
		T(a_pod_nobody_runs_goes_at_once),
		T(a_running_pod_gets_its_grace),
		T(an_eviction_deletes),
		T(generation_counts_changes_of_the_spec),
		T(scale_is_a_view_of_the_replicas),
		T(what_is_immutable_is_named),
		T(a_namespace_ends_when_it_is_finalized),
		T(some_namespaces_are_immortal),
		T(inside_writes_meet_the_same_rules),
		T(inside_watches_hear_before_the_writer),
		T(inside_watches_can_be_selective),
		T(inside_watches_can_select_by_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
