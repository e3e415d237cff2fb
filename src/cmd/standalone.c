/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headlessd standalone: the whole system in one process. Wiring only: every part is made here, told
 * who its neighbours are, and taken down in the opposite order.
 *
 * "ready" is said once, when everything answers: the API is served, the cache holds what the store
 * held, DNS answers from it, and the simulated nodes can take pods.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/cache.h"
#include "client/runner.h"
#include "cmd/api_part.h"
#include "cmd/apply.h"
#include "cmd/cmd.h"
#include "cmd/dns_part.h"
#include "cmd/manifests.h"
#include "cmd/node_part.h"
#include "cmd/peers_part.h"
#include "cmd/ready.h"
#include "cmd/settings.h"
#include "control/controllers.h"
#include "dns/server.h"
#include "http/server.h"
#include "loop/loop.h"
#include "node/simulated.h"
#include "object/kinds.h"
#include "object/object.h"
#include "ops/metrics.h"
#include "ops/peers.h"
#include "ops/zone_settings.h"

struct standalone {
	struct settings settings;
	struct manifests manifests;
	struct apply *apply;
	struct loop *loop;
	struct api_part api;
	struct cache *cache;
	struct runner *runner;
	struct controller_settings control;
	char *volume_directory; /* of local volumes; in control */
	struct simulated *nodes;
	struct node_part node;
	int64_t started_at; /* Unix seconds */
	int64_t wanted_nodes;
	struct dns_part dns;
	struct peers_part peers;
	struct metrics *metrics;
	struct http_server *metrics_server;
	struct http_server *cluster_dns_metrics[2];
	int64_t ready_nodes;
	bool synced;
	bool ready;
	int code;
};

/* ---- ready ---- */

static void say_ready_if_so(struct standalone *all)
{
	struct listen_address metrics = all->settings.metrics;
	char text[80];

	if (all->ready || !all->synced || all->ready_nodes < all->wanted_nodes) {
		return;
	}
	all->ready = true;
	metrics.port = http_server_port(all->metrics_server);
	listen_format(&metrics, text, sizeof(text));
	ready_say(all->api.url, dns_server_address(all->dns.server, 0), text, all->api.kubeconfig);
	all->apply = apply_start(all->loop, all->api.client, &all->manifests);
}

/* What an earlier run left behind says nothing about this one. */
static bool is_fresh(const struct standalone *all, const json_t *condition)
{
	const char *text = json_string_value(json_object_get(condition, "lastHeartbeatTime"));
	int64_t beat = 0;

	return all->nodes != NULL || (text != NULL && timestamp_parse(text, &beat) == 0 &&
				      beat / (int64_t)NS_PER_S >= all->started_at);
}

static bool is_ready_node(const struct standalone *all, struct object *node)
{
	const json_t *conditions =
		node != NULL ? json_object_get(json_object_get(object_tree(node), "status"),
					       "conditions")
			     : NULL;
	const json_t *condition;
	size_t i;

	json_array_foreach (conditions, i, condition) {
		if (strcmp(json_string_value(json_object_get(condition, "type")), "Ready") == 0) {
			return strcmp(json_string_value(json_object_get(condition, "status")),
				      "True") == 0 &&
			       is_fresh(all, condition);
		}
	}
	return false;
}

static void node_changed(void *userdata, struct object *old, struct object *now)
{
	struct standalone *all = userdata;

	all->ready_nodes += (is_ready_node(all, now) ? 1 : 0) - (is_ready_node(all, old) ? 1 : 0);
	say_ready_if_so(all);
}

static void cache_synced(void *userdata)
{
	struct standalone *all = userdata;

	if (dns_part_start(&all->dns) < 0) {
		fprintf(stderr, "headlessd: cannot start the DNS threads\n");
		all->code = EXIT_FAILED;
		loop_stop(all->loop);
		return;
	}
	all->synced = true;
	say_ready_if_so(all);
}

static void write_unready(void *userdata, struct buffer *lines)
{
	struct standalone *all = userdata;

	if (!all->synced) {
		buffer_append_text(lines, "cache: not synced yet\n");
	}
	if (all->ready_nodes < all->wanted_nodes) {
		buffer_append_text(lines, "nodes: not all registered and ready\n");
	}
}

/* ---- parts ---- */

static int start_dns(struct standalone *all)
{
	struct dns_part_config config = {
		.domain = all->settings.cluster_domain,
		.pods = ZONE_PODS_INSECURE,
		.zonal = true,
		.clusterset_domain = all->settings.clusterset_domain[0] != '\0'
					     ? all->settings.clusterset_domain
					     : NULL,
		.listen_option = "--dns-listen",
		.ttl = (uint32_t)all->settings.ttl,
		.ttls = all->settings.ttls,
		.workers = (unsigned)all->settings.dns_workers,
		.operation = &all->settings.operation,
		.loop = all->loop,
		.listen = &all->settings.dns,
		.n_early = (all->settings.cluster_dns_addresses[0] != NULL) +
			   (all->settings.cluster_dns_addresses[1] != NULL),
		.upstreams = &all->settings.upstreams,
	};
	size_t n = 0;

	for (size_t i = 0; i < 2 && all->settings.pod_cidrs[i] != NULL; i++) {
		config.networks[n++] = all->settings.pod_cidrs[i];
		config.pod_networks[i] = all->settings.pod_cidrs[i];
	}
	for (size_t i = 0; i < 2 && all->settings.service_cidrs[i] != NULL; i++) {
		config.networks[n++] = all->settings.service_cidrs[i];
	}
	return error_trace(dns_part_open(&all->dns, &config, all->cache));
}

/* Nodes want it absolute. */
static char *volume_directory(const char *data_dir)
{
	char *real = realpath(data_dir, NULL);
	char *path = real != NULL ? mem_printf("%s/volumes", real) : NULL;

	free(real);
	return path;
}

static void start_controllers(struct standalone *all)
{
	all->volume_directory = volume_directory(all->settings.data_dir);
	all->control = (struct controller_settings){
		.ca_certificate = all->api.ca.certificate,
		.volume_directory = all->volume_directory,
		.ca_key = all->api.ca.key,
		.pod_cidrs = { all->settings.pod_cidrs[0], all->settings.pod_cidrs[1] },
	};
	for (size_t i = 0; i < n_controllers; i++) {
		runner_add(all->runner, controllers[i], &all->control);
	}
}

static int start_simulated(struct standalone *all)
{
	struct simulated_settings settings = {
		.nodes = (size_t)all->settings.simulated_nodes,
		.pod_cidr = all->settings.pod_cidr,
		.version = HEADLESSD_VERSION,
	};
	char message[SIMULATED_MESSAGE];

	if (strcmp(all->settings.node, "none") == 0) {
		return 0;
	}
	if (simulated_new(&settings, message, &all->nodes) != 0) {
		fprintf(stderr, "headlessd: %s (--pod-cidr, --simulated-nodes)\n", message);
		return error_origin(-EINVAL);
	}
	simulated_add(all->nodes, all->runner);
	all->wanted_nodes = all->settings.simulated_nodes;
	cache_want(all->cache, &kind_node);
	cache_subscribe(all->cache, &kind_node, node_changed, all);
	return 0;
}

static int start_nodes(struct standalone *all)
{
	all->started_at = clock_wall_seconds(&clock_system);
	if (strcmp(all->settings.node, "containerd") == 0) {
		all->wanted_nodes = 1;
		cache_want(all->cache, &kind_node);
		cache_subscribe(all->cache, &kind_node, node_changed, all);
		return error_trace(
			node_part_start(&all->node, all->loop, &all->settings, &all->api));
	}
	return start_simulated(all);
}

/* The port "metrics" of the Service kube-dns. */
static int start_cluster_dns_metrics(struct standalone *all)
{
	enum { METRICS_PORT = 9153 };
	int result = 0;

	for (size_t i = 0; i < 2 && all->settings.cluster_dns_addresses[i] != NULL && result == 0;
	     i++) {
		struct http_server_config config = {
			.address = all->settings.cluster_dns_addresses[i],
			.port = METRICS_PORT,
			.early = true,
			.handler = metrics_handle,
			.userdata = all->metrics,
		};
		char message[256] = "";

		result = http_server_new(all->loop, &config, message, sizeof(message),
					 &all->cluster_dns_metrics[i]);
		if (result < 0) {
			fprintf(stderr, "headlessd: metrics: %s (--cluster-dns)\n", message);
		}
	}
	return error_trace(result);
}

static int start_metrics(struct standalone *all)
{
	struct http_server_config config = {
		.address = all->settings.metrics.host,
		.port = all->settings.metrics.port,
		.handler = metrics_handle,
	};
	char message[256] = "";
	int result;

	all->metrics = metrics_new();
	metrics_add(all->metrics, dns_part_metrics, &all->dns);
	metrics_add(all->metrics, peers_metrics, all->peers.peers);
	metrics_add(all->metrics, metrics_process, NULL);
	metrics_extend(all->metrics, ZONE_SETTINGS_PREFIX, zone_settings_handle,
		       &all->dns.settings);
	metrics_on_ready(all->metrics, write_unready, all);
	config.userdata = all->metrics;
	result =
		http_server_new(all->loop, &config, message, sizeof(message), &all->metrics_server);
	if (result < 0) {
		fprintf(stderr, "headlessd: metrics: %s (--metrics-listen)\n", message);
		return error_trace(result);
	}
	return error_trace(start_cluster_dns_metrics(all));
}

static void told_to_stop(void *userdata, int signal)
{
	struct standalone *all = userdata;

	log_info("standalone", "stopping on %s", strsignal(signal));
	loop_stop(all->loop);
}

static void trim_trees(void *userdata)
{
	object_trees_trim(LIMIT_OBJECT_TREES / 2);
}

/* Not now, while callbacks may hold trees, but on the next turn of the loop. */
static void trees_full(void *userdata)
{
	struct standalone *all = userdata;

	loop_defer(all->loop, trim_trees, NULL);
}

static int start(struct standalone *all)
{
	int result;

	all->api.unready = write_unready;
	all->api.userdata = all;
	/* Before anything is made or changed. */
	for (size_t i = 0; i < all->settings.apply.n; i++) {
		if ((result = manifests_read(&all->manifests, all->settings.apply.items[i])) < 0) {
			return error_trace(result);
		}
	}
	if ((result = loop_new(&all->loop)) < 0 ||
	    (result = loop_signal(all->loop, SIGTERM, told_to_stop, all)) < 0 ||
	    (result = loop_signal(all->loop, SIGINT, told_to_stop, all)) < 0 ||
	    (result = api_part_start(&all->api, all->loop, &all->settings)) < 0) {
		return error_trace(result);
	}
	object_trees_on_full(LIMIT_OBJECT_TREES, trees_full, all);
	all->cache = cache_new(all->api.client);
	all->runner = runner_new(all->loop, all->api.client, all->cache, &clock_system);
	start_controllers(all);
	if ((result = start_dns(all)) < 0) {
		return error_trace(result);
	}
	api_extend(all->api.api, ZONE_SETTINGS_PREFIX, zone_settings_handle, &all->dns.settings);
	peers_part_start(&all->peers, all->loop, all->cache, all->api.api,
			 all->settings.cluster_domain);
	if ((result = start_metrics(all)) < 0 || (result = start_nodes(all)) < 0) {
		return error_trace(result);
	}
	dns_part_tell_sandbox(&all->dns);
	runner_start(all->runner);
	cache_on_synced(all->cache, cache_synced, all);
	return 0;
}

static void stop(struct standalone *all)
{
	node_part_stop(&all->node);
	for (size_t i = 0; i < ARRAY_SIZE(all->cluster_dns_metrics); i++) {
		all->cluster_dns_metrics[i] = http_server_free(all->cluster_dns_metrics[i]);
	}
	all->metrics_server = http_server_free(all->metrics_server);
	all->metrics = metrics_free(all->metrics);
	all->runner = runner_free(all->runner);
	all->volume_directory = mem_free(all->volume_directory);
	all->nodes = simulated_free(all->nodes);
	peers_part_stop(&all->peers);
	all->cache = cache_free(all->cache);
	dns_part_stop(&all->dns);
	api_part_stop(&all->api);
	all->apply = apply_free(all->apply);
	manifests_deinit(&all->manifests);
	object_trees_on_full(0, NULL, NULL);
	all->loop = loop_free(all->loop);
}

static int run(int argc, char **argv)
{
	static struct standalone all;
	int code;

	if (!settings_parse(argc, argv, &all.settings, &code)) {
		return code;
	}
	all.code = EXIT_FAILED;
	if (start(&all) == 0) {
		all.code = EXIT_FINE;
		if (loop_run(all.loop) < 0) {
			all.code = EXIT_FAILED;
		}
	}
	stop(&all);
	return all.code;
}

const struct cmd cmd_standalone = {
	.name = "standalone",
	.usage = "[OPTIONS]",
	.help = "the whole system in one process: API, store, controllers, nodes, DNS",
	.run = run,
};
