/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From Service and StatefulSet to endpoints, in one process: store in memory, hub, API, local
 * client, every controller and the simulated nodes. What admission, defaults and validation make of
 * what controllers and nodes write is tried here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
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
#include "node/simulated.h"
#include "object/kinds.h"
#include "store/store.h"
#include "watch/hub.h"
#include "json/json.h"

struct cluster {
	struct clock_manual clock;
	struct controller_settings settings;
	struct loop *loop;
	struct store *store;
	struct hub *hub;
	struct api *api;
	struct client *client;
	struct simulated *simulated;
	struct cache *cache;
	struct runner *runner;
	int code; /* of the last request */
	char message[512];
};

/* ---- the cluster ---- */

static void start(struct cluster *cluster)
{
	const struct simulated_settings nodes = {
		.nodes = 2,
		.pod_cidr = "10.244.0.0/16,fd00:10:244::/56",
		.version = "0.1.0",
	};
	const struct api_config config = {
		.store = cluster->store,
		.clock = &cluster->clock.clock,
		.service_cidrs = { "10.96.0.0/16", "fd00:10:96::/112" },
	};
	struct api_config complete = config;
	char message[256] = "";

	assert_int_equal(hub_new(cluster->store, &api_hub_ops, NULL, &cluster->hub), 0);
	complete.hub = cluster->hub;
	assert_int_equal(api_new(&complete, message, sizeof(message), &cluster->api), 0);
	assert_int_equal(api_bootstrap(cluster->api, "127.0.0.1", 6443), 0);
	cluster->client = api_local_client(cluster->api);
	cluster->cache = cache_new(cluster->client);
	cluster->runner =
		runner_new(cluster->loop, cluster->client, cluster->cache, &cluster->clock.clock);
	for (size_t i = 0; i < n_controllers; i++) {
		runner_add(cluster->runner, controllers[i], &cluster->settings);
	}
	assert_int_equal(simulated_new(&nodes, message, &cluster->simulated), 0);
	simulated_add(cluster->simulated, cluster->runner);
	runner_start(cluster->runner);
}

static void stop(struct cluster *cluster)
{
	runner_free(cluster->runner);
	simulated_free(cluster->simulated);
	cache_free(cluster->cache);
	client_free(cluster->client);
	store_drain(cluster->store);
	api_free(cluster->api);
	hub_free(cluster->hub);
}

/* Lets everything happen that happens within `seconds`. */
static void run(struct cluster *cluster, uint64_t seconds)
{
	uint64_t end = cluster->clock.now + seconds * NS_PER_S;
	unsigned quiet = 0;

	for (unsigned turns = 0; turns < 100000; turns++) {
		uint64_t revision = hub_revision(cluster->hub);

		loop_run_once(cluster->loop);
		store_drain(cluster->store);
		quiet = hub_revision(cluster->hub) == revision ? quiet + 1 : 0;
		if (quiet <= 3) {
			continue;
		}
		if (runner_next_due(cluster->runner) > end) {
			cluster->clock.now = end;
			return;
		}
		cluster->clock.now = runner_next_due(cluster->runner);
		runner_run_due(cluster->runner);
		quiet = 0;
	}
	fail_msg("it does not come to rest");
}

static int cluster_setup(void **state)
{
	struct cluster *cluster = MEM_NEW(struct cluster);

	clock_manual_init(&cluster->clock, UINT64_C(1767323045) * NS_PER_S);
	cluster->settings.ca_certificate = "authority\n";
	assert_int_equal(loop_new(&cluster->loop), 0);
	assert_int_equal(store_memory_new(&cluster->store), 0);
	start(cluster);
	run(cluster, 1);
	*state = cluster;
	return 0;
}

static int cluster_teardown(void **state)
{
	struct cluster *cluster = *state;

	stop(cluster);
	store_free(cluster->store);
	loop_free(cluster->loop);
	mem_free(cluster);
	return 0;
}

/* ---- asking ---- */

static void note_answer(void *userdata, const struct client_response *response)
{
	struct cluster *cluster = userdata;

	cluster->code = response->code;
	snprintf(cluster->message, sizeof(cluster->message), "%s",
		 response->message != NULL ? response->message : "");
}

/* `text` is JSON with ' for ". Expects success; then a second passes. */
static void ask(struct cluster *cluster, enum client_verb verb, const struct kind *kind,
		const char *name, const char *subresource, const char *text)
{
	char *copy _cleanup_free_ = mem_strdup(text);
	_cleanup_json_ json_t *body = NULL;
	struct client_request request = {
		.verb = verb,
		.kind = kind,
		.space = STR("default"),
		.name = str_from(name),
		.subresource = subresource,
	};

	for (char *c = copy; *c != '\0'; c++) {
		*c = *c == '\'' ? '"' : *c;
	}
	body = json_loads(copy, 0, NULL);
	assert_non_null(body);
	request.body = body;
	client_request(cluster->client, &request, note_answer, cluster);
	store_drain(cluster->store);
	if (cluster->code / 100 != 2) {
		fail_msg("%s %s: %d %s", kind->kind, name, cluster->code, cluster->message);
	}
	run(cluster, 1);
}

static void create(struct cluster *cluster, const struct kind *kind, const char *name,
		   const char *text)
{
	ask(cluster, CLIENT_CREATE, kind, name, NULL, text);
}

static void delete_object(struct cluster *cluster, const struct kind *kind, const char *name)
{
	ask(cluster, CLIENT_DELETE, kind, name, NULL, "{}");
}

static const json_t *get(struct cluster *cluster, const struct kind *kind, const char *name)
{
	struct object *object =
		cache_get(cluster->cache, kind,
			  (kind->flags & KIND_NAMESPACED) != 0 ? STR("default") : STR_NONE,
			  str_from(name));

	return object != NULL ? object_tree(object) : NULL;
}

/* The addresses of a service's slices of a type, each with + (ready) or -: "+a -b". */
static const char *endpoints(struct cluster *cluster, const char *service, const char *type)
{
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	cache_for_each (slice, cluster->cache, &kind_endpoint_slice, STR("default")) {
		const json_t *endpoint;
		size_t i;

		if (strcmp(object_label(slice, "kubernetes.io/service-name"), service) != 0 ||
		    strcmp(json_string_at(object_tree(slice), "addressType"), type) != 0) {
			continue;
		}
		json_array_foreach (json_object_get(object_tree(slice), "endpoints"), i, endpoint) {
			n += (size_t)snprintf(
				text + n, sizeof(text) - n, "%s%s%s", n > 0 ? " " : "",
				json_bool_at(endpoint, "conditions.ready", false) ? "+" : "-",
				json_string_value(
					json_array_get(json_object_get(endpoint, "addresses"), 0)));
		}
	}
	return text;
}

#define SERVICE                                                                                    \
	"{'metadata':{'name':'nginx-headless'},'spec':{'clusterIP':'None',"                        \
	"'ipFamilyPolicy':'PreferDualStack','selector':{'app':'nginx'},"                           \
	"'ports':[{'port':80,'name':'web'}]}}"
#define STATEFUL_SET                                                                               \
	"{'metadata':{'name':'web'},'spec':{'serviceName':'nginx-headless','replicas':3,"          \
	"'selector':{'matchLabels':{'app':'nginx'}},'template':{'metadata':{'labels':{"            \
	"'app':'nginx'}},'spec':{'containers':[{'name':'nginx','image':'nginx:alpine',"            \
	"'ports':[{'containerPort':80}]}]}}}}"

static void put_lab(struct cluster *cluster)
{
	create(cluster, &kind_service, "nginx-headless", SERVICE);
	create(cluster, &kind_stateful_set, "web", STATEFUL_SET);
	run(cluster, 5);
}

/* ---- the tests ---- */

static void nodes_are_ready_and_hold_leases(void **state)
{
	struct cluster *cluster = *state;
	const json_t *node = get(cluster, &kind_node, "node02");

	assert_string_equal(json_string_at(node, "spec.podCIDR"), "10.244.1.0/24");
	assert_int_equal(json_array_size(json_at(node, "status.conditions")), 4);
	assert_string_equal(json_string_at(node, "status.capacity.pods"), "110");
	assert_int_equal(json_array_size(json_at(node, "status.addresses")), 3);
	run(cluster, 20);
	assert_non_null(
		cache_get(cluster->cache, &kind_lease, STR("kube-node-lease"), STR("node02")));
}

static void a_stateful_set_fills_its_headless_service(void **state)
{
	struct cluster *cluster = *state;
	const json_t *pod;

	put_lab(cluster);
	assert_string_equal(endpoints(cluster, "nginx-headless", "IPv4"),
			    "+10.244.0.2 +10.244.1.2 +10.244.0.3");
	assert_string_equal(endpoints(cluster, "nginx-headless", "IPv6"),
			    "+fd00:10:244::2 +fd00:10:244:1::2 +fd00:10:244::3");
	pod = get(cluster, &kind_pod, "web-1");
	assert_string_equal(json_string_at(pod, "status.phase"), "Running");
	assert_int_equal(json_array_size(json_at(pod, "status.conditions")), 5);
	assert_int_equal(json_array_size(json_at(pod, "status.podIPs")), 2);
	assert_string_equal(json_string_at(pod, "status.hostIP"), "198.18.0.2");
	assert_non_null(get(cluster, &kind_endpoints, "nginx-headless"));
	assert_int_equal(json_array_size(json_at(get(cluster, &kind_endpoints, "nginx-headless"),
						 "subsets")),
			 1);
}

static void readiness_can_be_tried_by_hand(void **state)
{
	struct cluster *cluster = *state;

	put_lab(cluster);
	ask(cluster, CLIENT_PATCH_STRATEGIC, &kind_pod, "web-1", "status",
	    "{'status':{'conditions':[{'type':'Ready','status':'False'}]}}");
	run(cluster, 30);
	assert_string_equal(endpoints(cluster, "nginx-headless", "IPv4"),
			    "+10.244.0.2 -10.244.1.2 +10.244.0.3");
	ask(cluster, CLIENT_PATCH_STRATEGIC, &kind_pod, "web-1", "status",
	    "{'status':{'conditions':[{'type':'Ready','status':'True'}]}}");
	assert_string_equal(endpoints(cluster, "nginx-headless", "IPv4"),
			    "+10.244.0.2 +10.244.1.2 +10.244.0.3");
}

static void a_new_pod_of_the_same_name_has_a_new_address(void **state)
{
	struct cluster *cluster = *state;

	put_lab(cluster);
	delete_object(cluster, &kind_pod, "web-1");
	run(cluster, 5);
	assert_string_not_equal(json_string_at(get(cluster, &kind_pod, "web-1"), "status.podIP"),
				"10.244.1.2");
	assert_null(strstr(endpoints(cluster, "nginx-headless", "IPv4"), "10.244.1.2"));
	ask(cluster, CLIENT_PATCH_MERGE, &kind_stateful_set, "web", NULL,
	    "{'spec':{'replicas':1}}");
	run(cluster, 5);
	assert_string_equal(endpoints(cluster, "nginx-headless", "IPv4"), "+10.244.0.2");
}

static void everything_goes_with_the_service(void **state)
{
	struct cluster *cluster = *state;

	put_lab(cluster);
	delete_object(cluster, &kind_service, "nginx-headless");
	run(cluster, 5);
	assert_string_equal(endpoints(cluster, "nginx-headless", "IPv4"), "");
	assert_null(get(cluster, &kind_endpoints, "nginx-headless"));
	create(cluster, &kind_service, "nginx-headless", SERVICE);
	run(cluster, 5);
	assert_string_equal(endpoints(cluster, "nginx-headless", "IPv4"),
			    "+10.244.0.2 +10.244.0.3 +10.244.1.2");
}

static void hand_made_endpoints_are_mirrored(void **state)
{
	struct cluster *cluster = *state;

	create(cluster, &kind_service, "db",
	       "{'metadata':{'name':'db'},'spec':{'clusterIP':'None','ports':[{'port':3306}]}}");
	create(cluster, &kind_endpoints, "db",
	       "{'metadata':{'name':'db'},'subsets':[{'addresses':[{'ip':'192.168.1.10'}],"
	       "'ports':[{'port':3306}]}]}");
	assert_string_equal(endpoints(cluster, "db", "IPv4"), "+192.168.1.10");
	delete_object(cluster, &kind_endpoints, "db");
	assert_string_equal(endpoints(cluster, "db", "IPv4"), "");
}

/* What is written beside the leases of two nodes. */
static uint64_t writes_within(struct cluster *cluster, uint64_t seconds)
{
	uint64_t before = hub_revision(cluster->hub);

	run(cluster, seconds);
	return hub_revision(cluster->hub) - before;
}

static void at_rest_only_leases_are_written(void **state)
{
	struct cluster *cluster = *state;

	put_lab(cluster);
	run(cluster, 60);
	assert_int_equal(writes_within(cluster, 100), 20);
}

static void a_restart_changes_nothing(void **state)
{
	struct cluster *cluster = *state;
	uint64_t before;

	put_lab(cluster);
	run(cluster, 9);
	before = hub_revision(cluster->hub);
	stop(cluster);
	start(cluster);
	run(cluster, 0);
	/* A lease may be due. */
	assert_in_range(hub_revision(cluster->hub), before, before + 2);
	ask(cluster, CLIENT_PATCH_MERGE, &kind_stateful_set, "web", NULL,
	    "{'spec':{'replicas':4}}");
	run(cluster, 5);
	assert_string_equal(json_string_at(get(cluster, &kind_pod, "web-3"), "status.podIP"),
			    "10.244.1.3");
}

#define IN_A_CLUSTER(test) cmocka_unit_test_setup_teardown(test, cluster_setup, cluster_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_CLUSTER(nodes_are_ready_and_hold_leases),
		IN_A_CLUSTER(a_stateful_set_fills_its_headless_service),
		IN_A_CLUSTER(readiness_can_be_tried_by_hand),
		IN_A_CLUSTER(a_new_pod_of_the_same_name_has_a_new_address),
		IN_A_CLUSTER(everything_goes_with_the_service),
		IN_A_CLUSTER(hand_made_endpoints_are_mirrored),
		IN_A_CLUSTER(at_rest_only_leases_are_written),
		IN_A_CLUSTER(a_restart_changes_nothing),
	};

	log_set_level(LOG_WARNING);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
