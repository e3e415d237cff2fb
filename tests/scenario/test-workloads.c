/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workload controllers against the API itself, in one process: store in memory, hub, API, local
 * client, every controller, and a node that starts and ends pods. What admission, defaults and
 * validation make of what controllers write is tried here and nowhere else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/api.h"
#include "api/local.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/cache.h"
#include "client/client.h"
#include "client/runner.h"
#include "control/controllers.h"
#include "loop/loop.h"
#include "object/kinds.h"
#include "store/store.h"
#include "watch/hub.h"
#include "json/json.h"

/* 2026-01-02T03:04:05Z */
#define START (UINT64_C(1767323045) * NS_PER_S)

struct cluster {
	struct clock_manual clock;
	struct controller_settings settings;
	struct loop *loop;
	struct store *store;
	struct hub *hub;
	struct api *api;
	struct client *client;
	struct cache *cache;
	struct runner *runner;
	int code; /* of the last request */
	char message[512]; /* of its refusal */
};

/* ---- asking ---- */

static void note_answer(void *userdata, const struct client_response *response)
{
	struct cluster *cluster = userdata;

	cluster->code = response->code;
	snprintf(cluster->message, sizeof(cluster->message), "%s",
		 response->message != NULL ? response->message : "");
}

/* `body` is stolen. Expects success. */
static void ask(struct cluster *cluster, enum client_verb verb, const struct kind *kind,
		const char *name, const char *subresource, json_t *body)
{
	const struct client_request request = {
		.verb = verb,
		.kind = kind,
		.space = (kind->flags & KIND_NAMESPACED) != 0 ? STR("default") : STR_NONE,
		.name = str_from(name),
		.subresource = subresource,
		.body = body,
	};

	cluster->code = -1;
	client_request(cluster->client, &request, note_answer, cluster);
	store_drain(cluster->store);
	json_decref(body);
	if (cluster->code / 100 != 2) {
		fail_msg("%s %s: %d %s", kind->kind, name, cluster->code, cluster->message);
	}
}

static json_t *read_quoted(const char *text)
{
	char *copy = mem_strdup(text);
	json_t *tree;

	for (char *c = copy; *c != '\0'; c++) {
		*c = *c == '\'' ? '"' : *c;
	}
	tree = json_loads(copy, 0, NULL);
	assert_non_null(tree);
	mem_free(copy);
	return tree;
}

static void create(struct cluster *cluster, const struct kind *kind, const char *text)
{
	json_t *body = read_quoted(text);

	ask(cluster, CLIENT_CREATE, kind, json_string_at(body, "metadata.name"), NULL, body);
}

static void patch(struct cluster *cluster, const struct kind *kind, const char *name,
		  const char *text)
{
	ask(cluster, CLIENT_PATCH_MERGE, kind, name, NULL, read_quoted(text));
}

static void delete (struct cluster *cluster, const struct kind *kind, const char *name,
		    const char *options)
{
	ask(cluster, CLIENT_DELETE, kind, name, NULL, read_quoted(options));
}

static const json_t *get(struct cluster *cluster, const struct kind *kind, const char *name)
{
	struct object *object =
		cache_get(cluster->cache, kind,
			  (kind->flags & KIND_NAMESPACED) != 0 ? STR("default") : STR_NONE,
			  str_from(name));

	return object != NULL ? object_tree(object) : NULL;
}

static size_t count(struct cluster *cluster, const struct kind *kind)
{
	size_t n = 0;

	cache_for_each (object, cluster->cache, kind, STR("default")) {
		n++;
	}
	return n;
}

/* ---- the cluster ---- */

static int cluster_setup(void **state)
{
	struct cluster *cluster = MEM_NEW(struct cluster);
	char message[256] = "";

	clock_manual_init(&cluster->clock, START);
	cluster->settings.ca_certificate = "authority\n";
	assert_int_equal(loop_new(&cluster->loop), 0);
	assert_int_equal(store_memory_new(&cluster->store), 0);
	assert_int_equal(hub_new(cluster->store, &api_hub_ops, NULL, &cluster->hub), 0);
	const struct api_config config = {
		.store = cluster->store,
		.hub = cluster->hub,
		.clock = &cluster->clock.clock,
		.service_cidrs = { "10.96.0.0/16" },
	};

	assert_int_equal(api_new(&config, message, sizeof(message), &cluster->api), 0);
	assert_int_equal(api_bootstrap(cluster->api, "127.0.0.1", 6443), 0);
	cluster->client = api_local_client(cluster->api);
	cluster->cache = cache_new(cluster->client);
	cluster->runner =
		runner_new(cluster->loop, cluster->client, cluster->cache, &cluster->clock.clock);
	for (size_t i = 0; i < n_controllers; i++) {
		runner_add(cluster->runner, controllers[i], &cluster->settings);
	}
	runner_start(cluster->runner);
	for (int i = 1; i <= 2; i++) {
		json_t *node = read_quoted("{'metadata':{},'status':{'conditions':[{'type':'Ready',"
					   "'status':'True'}],'allocatable':{'cpu':'4','memory':"
					   "'8Gi','pods':'110'}}}");
		char name[16];

		snprintf(name, sizeof(name), "node%02d", i);
		json_put(node, "metadata.name", json_string(name));
		ask(cluster, CLIENT_CREATE, &kind_node, name, NULL, json_incref(node));
		/* Status is not set by a create. */
		ask(cluster, CLIENT_PATCH_MERGE, &kind_node, name, "status", node);
	}
	*state = cluster;
	return 0;
}

static int cluster_teardown(void **state)
{
	struct cluster *cluster = *state;

	runner_free(cluster->runner);
	cache_free(cluster->cache);
	client_free(cluster->client);
	store_drain(cluster->store);
	api_free(cluster->api);
	hub_free(cluster->hub);
	store_free(cluster->store);
	loop_free(cluster->loop);
	mem_free(cluster);
	return 0;
}

/* The node: starts one bound pod or lets one end; false when it has nothing to do. */
static bool node_works(struct cluster *cluster)
{
	cache_for_each (pod, cluster->cache, &kind_pod, STR("default")) {
		const json_t *tree = object_tree(pod);
		char *name _cleanup_free_ = str_dup(pod->name);

		if (object_is_deleting(pod)) {
			if (json_array_size(json_at(tree, "metadata.finalizers")) == 0) {
				delete (cluster, &kind_pod, name, "{'gracePeriodSeconds':0}");
				return true;
			}
			continue;
		}
		if (json_string_at(tree, "spec.nodeName")[0] == '\0' ||
		    strcmp(json_string_at(tree, "status.phase"), "Pending") != 0) {
			continue;
		}
		char text[TIMESTAMP_TEXT];

		timestamp_format(clock_wall_seconds(&cluster->clock.clock), text);
		json_t *status = read_quoted("{'status':{'phase':'Running','conditions':[{'type':"
					     "'Ready','status':'True'}]}}");

		json_object_set_new(json_array_get(json_at(status, "status.conditions"), 0),
				    "lastTransitionTime", json_string(text));
		ask(cluster, CLIENT_PATCH_MERGE, &kind_pod, name, "status", status);
		return true;
	}
	return false;
}

/* Lets everything happen that will within two minutes. */
static void settle(struct cluster *cluster)
{
	uint64_t end = cluster->clock.now + 120 * NS_PER_S;
	unsigned quiet = 0;

	for (unsigned turns = 0; turns < 100000; turns++) {
		loop_run_once(cluster->loop);
		store_drain(cluster->store);
		if (node_works(cluster)) {
			quiet = 0;
		} else if (++quiet > 5) {
			quiet = 0;
			if (runner_next_due(cluster->runner) <= end) {
				cluster->clock.now = runner_next_due(cluster->runner);
				runner_run_due(cluster->runner);
			} else if (runner_is_idle(cluster->runner)) {
				cluster->clock.now = end;
				return;
			}
		}
	}
	fail_msg("it does not come to rest");
}

static void expect_rest(struct cluster *cluster)
{
	uint64_t before = hub_revision(cluster->hub);

	settle(cluster);
	assert_int_equal(hub_revision(cluster->hub), before);
}

/* ---- the tests ---- */

#define SPEC(more)                                                                                 \
	"{'metadata':{'name':'web','namespace':'default'},'spec':{" more                           \
	"'selector':{'matchLabels':{'app':'web'}},'template':{'metadata':{'labels':{'app':'web'}}" \
	","                                                                                        \
	"'spec':{'containers':[{'name':'nginx','image':'nginx:alpine','ports':[{"                  \
	"'containerPort':80,'name':'web'}]}],'imagePullSecrets':[{'name':'default-secret'}]}}}}"
#define IMAGE(image)                                                                               \
	"{'spec':{'template':{'spec':{'containers':[{'name':'nginx','image':'" image "'}]}}}}"

static bool has_event(struct cluster *cluster, const char *message)
{
	cache_for_each (event, cluster->cache, &kind_event, STR("default")) {
		if (strcmp(json_string_at(object_tree(event), "message"), message) == 0) {
			return true;
		}
	}
	return false;
}

static void a_stateful_set_lives_and_ends(void **state)
{
	struct cluster *cluster = *state;
	const json_t *tree;

	create(cluster, &kind_stateful_set, SPEC("'replicas':3,'serviceName':'nginx-headless',"));
	settle(cluster);
	assert_int_equal(count(cluster, &kind_pod), 3);
	tree = get(cluster, &kind_pod, "web-2");
	assert_string_equal(json_string_at(tree, "spec.hostname"), "web-2");
	assert_string_equal(json_string_at(tree, "spec.subdomain"), "nginx-headless");
	assert_true(has_event(cluster, "create Pod web-2 in StatefulSet web successful"));
	assert_true(has_event(cluster, "Successfully assigned default/web-0 to node01"));
	tree = get(cluster, &kind_stateful_set, "web");
	assert_int_equal(json_int_at(tree, "status.readyReplicas", 0), 3);
	assert_int_equal(json_int_at(tree, "status.availableReplicas", 0), 3);
	expect_rest(cluster);
	patch(cluster, &kind_stateful_set, "web", IMAGE("nginx:2"));
	settle(cluster);
	tree = get(cluster, &kind_stateful_set, "web");
	assert_int_equal(json_int_at(tree, "status.updatedReplicas", 0), 3);
	assert_string_equal(json_string_at(tree, "status.currentRevision"),
			    json_string_at(tree, "status.updateRevision"));
	ask(cluster, CLIENT_PATCH_MERGE, &kind_stateful_set, "web", "scale",
	    read_quoted("{'spec':{'replicas':1}}"));
	settle(cluster);
	assert_int_equal(count(cluster, &kind_pod), 1);
	delete (cluster, &kind_stateful_set, "web", "{'propagationPolicy':'Foreground'}");
	settle(cluster);
	assert_null(get(cluster, &kind_stateful_set, "web"));
	assert_int_equal(count(cluster, &kind_pod), 0);
	assert_int_equal(count(cluster, &kind_controller_revision), 0);
	expect_rest(cluster);
}

static void a_deployment_lives_and_ends(void **state)
{
	struct cluster *cluster = *state;
	const json_t *tree;

	create(cluster, &kind_deployment, SPEC("'replicas':4,"));
	settle(cluster);
	tree = get(cluster, &kind_deployment, "web");
	assert_int_equal(json_int_at(tree, "status.availableReplicas", 0), 4);
	assert_int_equal(count(cluster, &kind_pod), 4);
	expect_rest(cluster);
	patch(cluster, &kind_deployment, "web", IMAGE("nginx:2"));
	settle(cluster);
	tree = get(cluster, &kind_deployment, "web");
	assert_int_equal(json_int_at(tree, "status.updatedReplicas", 0), 4);
	assert_int_equal(json_int_at(tree, "status.replicas", 0), 4);
	assert_int_equal(count(cluster, &kind_replica_set), 2);
	expect_rest(cluster);
	delete (cluster, &kind_deployment, "web", "{'propagationPolicy':'Background'}");
	settle(cluster);
	assert_int_equal(count(cluster, &kind_replica_set), 0);
	assert_int_equal(count(cluster, &kind_pod), 0);
	expect_rest(cluster);
}

static void orphans_stay_and_are_adopted_again(void **state)
{
	struct cluster *cluster = *state;
	char uid[64];

	create(cluster, &kind_stateful_set, SPEC("'replicas':1,'serviceName':'nginx',"));
	settle(cluster);
	snprintf(uid, sizeof(uid), "%s",
		 json_string_at(get(cluster, &kind_pod, "web-0"), "metadata.uid"));
	delete (cluster, &kind_stateful_set, "web", "{'propagationPolicy':'Orphan'}");
	settle(cluster);
	assert_null(get(cluster, &kind_stateful_set, "web"));
	assert_null(json_at(get(cluster, &kind_pod, "web-0"), "metadata.ownerReferences"));
	create(cluster, &kind_stateful_set, SPEC("'replicas':1,'serviceName':'nginx',"));
	settle(cluster);
	assert_string_equal(json_string_at(get(cluster, &kind_pod, "web-0"), "metadata.uid"), uid);
	assert_int_equal(json_array_size(json_at(get(cluster, &kind_pod, "web-0"),
						 "metadata.ownerReferences")),
			 1);
	expect_rest(cluster);
}

static void a_namespace_is_born_complete_and_ends_empty(void **state)
{
	struct cluster *cluster = *state;
	struct str space = STR("lab");

	create(cluster, &kind_namespace, "{'metadata':{'name':'lab'}}");
	settle(cluster);
	assert_non_null(cache_get(cluster->cache, &kind_service_account, space, STR("default")));
	assert_non_null(
		cache_get(cluster->cache, &kind_config_map, space, STR("kube-root-ca.crt")));
	delete (cluster, &kind_namespace, "lab", "{}");
	settle(cluster);
	assert_null(get(cluster, &kind_namespace, "lab"));
	assert_null(cache_next(cluster->cache, &kind_config_map, space, NULL));
	expect_rest(cluster);
}

static void what_does_not_fit_says_why(void **state)
{
	struct cluster *cluster = *state;

	create(cluster, &kind_pod,
	       "{'metadata':{'name':'big','namespace':'default'},'spec':{'containers':[{'name':"
	       "'c','image':'i','resources':{'requests':{'cpu':'5'}}}]}}");
	settle(cluster);
	assert_true(has_event(cluster, "0/2 nodes are available: 2 Insufficient cpu."));
	const json_t *conditions = json_at(get(cluster, &kind_pod, "big"), "status.conditions");

	assert_string_equal(json_string_at(json_array_get(conditions, 0), "reason"),
			    "Unschedulable");
	expect_rest(cluster);
	patch(cluster, &kind_node, "node02", "{'spec':{'unschedulable':true}}");
	settle(cluster);
	assert_true(has_event(cluster, "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) "
				       "were unschedulable."));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, cluster_setup, cluster_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_stateful_set_lives_and_ends),
		TEST(a_deployment_lives_and_ends),
		TEST(orphans_stay_and_are_adopted_again),
		TEST(a_namespace_is_born_complete_and_ends_empty),
		TEST(what_does_not_fit_says_why),
	};

	log_set_level(LOG_WARNING);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
