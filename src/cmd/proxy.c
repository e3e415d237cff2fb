/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headlessd proxy: the Services of a cluster as packets of this node see them. A remote client
 * fills a cache, the proxy hears every change and tells the kernel. Wiring only.
 *
 * At the end the rules stay: who stops the proxy to start a newer one loses no connection.
 * --cleanup takes them away.
 */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/ip.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rtnetlink.h"
#include "base/str.h"
#include "client/cache.h"
#include "client/client.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/ready.h"
#include "cmd/settings.h"
#include "http/server.h"
#include "loop/loop.h"
#include "node/routes.h"
#include "ops/metrics.h"
#include "proxy/nft.h"
#include "proxy/proxy.h"
#include "proxy/ruleset.h"

#define COMPONENT "proxy"

/* Carries what --address names. */
static const char address_link[] = "headlessd-dns";

struct proxy_settings {
	const char *kubeconfig;
	const char *node_name;
	const char *pod_cidr;
	const char *log_level;
	struct listen_address metrics; /* port 0 and no host: none */
	struct option_list addresses;
	bool routes;
	bool cleanup;
	bool help;
};

#define AT(member) offsetof(struct proxy_settings, member)

static const struct option options[] = {
	{ "kubeconfig", "FILE", "the API server, and who we are (as kubectl finds it)", OPTION_TEXT,
	  AT(kubeconfig), 0, 0, NULL },
	{ "node-name", "NAME", "the Node that this machine is (its host name)", OPTION_TEXT,
	  AT(node_name), 0, 0, NULL },
	{ "pod-cidr", "CIDR[,CIDR]",
	  "addresses of the cluster's pods: others are masqueraded (none known)", OPTION_TEXT,
	  AT(pod_cidr), 0, 0, NULL },
	{ "metrics-listen", "ADDR:PORT", "metrics and health over HTTP (none)", OPTION_LISTEN,
	  AT(metrics), 0, 0, NULL },
	{ "address", "ADDR",
	  "an address of a Service that is answered on this machine itself: put on a link of its "
	  "own, may be repeated",
	  OPTION_LIST, AT(addresses), 0, 0, NULL },
	{ "routes", NULL, "also route to the pods of the other nodes, by way of their addresses",
	  OPTION_SWITCH, AT(routes), 0, 0, NULL },
	{ "cleanup", NULL, "remove the rules and end", OPTION_SWITCH, AT(cleanup), 0, 0, NULL },
	{ "log-level", "LEVEL", "error, warning, info or debug (info)", OPTION_TEXT, AT(log_level),
	  0, 0, "error|warning|info|debug" },
	{ "help", NULL, "show this", OPTION_SWITCH, AT(help), 0, 0, NULL },
};

struct proxy_program {
	struct proxy_settings settings;
	struct kubeconfig kubeconfig;
	struct loop *loop;
	struct client *client;
	struct cache *cache;
	struct proxy *proxy;
	struct routes *routes; /* NULL: nobody asked for them */
	struct metrics *metrics;
	struct http_server *metrics_server;
	int code;
};

static bool parse(int argc, char **argv, struct proxy_settings *ret, int *ret_code)
{
	static char host[HOST_NAME_MAX + 1];

	*ret = (struct proxy_settings){ .log_level = "info" };
	if (!options_parse(options, ARRAY_SIZE(options), argc, argv, 1, ret, NULL)) {
		*ret_code = EXIT_USAGE;
		return false;
	}
	if (ret->help) {
		printf("usage: headlessd proxy [OPTIONS]\n\nMakes this machine send connections to "
		       "Services on to their endpoints (nftables).\n\n");
		options_help(options, ARRAY_SIZE(options));
		*ret_code = EXIT_FINE;
		return false;
	}
	settings_log_level(ret->log_level);
	if (ret->node_name == NULL) {
		(void)gethostname(host, sizeof(host) - 1);
		ret->node_name = host;
	}
	return true;
}

/* ---- addresses ---- */

/*
 * The link lives as long as the rules do. Where the kernel has no dummy links, the loopback link
 * carries the addresses.
 */
static int change_addresses(const struct option_list *addresses, bool add)
{
	const char *link = address_link;
	int result = add && addresses->n != 0 ? rtnetlink_dummy(link) : 0;

	result = result == -EOPNOTSUPP ? 0 : result;
	link = if_nametoindex(link) != 0 ? link : "lo";
	for (size_t i = 0; i < addresses->n && result == 0; i++) {
		struct ip ip;

		if (!ip_parse(str_from(addresses->items[i]), &ip)) {
			fprintf(stderr, "headlessd: --address %s: expected an IP address\n",
				addresses->items[i]);
			return error_origin(-EINVAL);
		}
		result = add ? rtnetlink_address(link, &ip) : rtnetlink_address_remove(link, &ip);
	}
	if (result == 0 && !add) {
		result = rtnetlink_link_remove(address_link);
	}
	if (result < 0) {
		fprintf(stderr, "headlessd: cannot change the addresses of the link %s: %s\n", link,
			strerror(-result));
	}
	return error_trace(result);
}

/* ---- cleanup ---- */

static void cleaned(void *userdata, const char *error)
{
	struct proxy_program *program = userdata;

	if (error != NULL) {
		fprintf(stderr, "headlessd: cannot remove the rules: %s\n", error);
		program->code = EXIT_FAILED;
	}
	loop_stop(program->loop);
}

static int cleanup(struct proxy_program *program)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_PROXY_CHAIN);
	struct nft *nft = nft_new(program->loop, cleaned, program);
	int result;

	if ((result = change_addresses(&program->settings.addresses, /* add= */ false)) < 0) {
		nft_free(nft);
		return error_trace(result);
	}
	ruleset_cleanup(&text);
	result = nft_run(nft, buffer_str(&text));
	if (result < 0) {
		fprintf(stderr, "headlessd: cannot run nft: %s (Debian: nftables)\n",
			strerror(-result));
	} else {
		result = loop_run(program->loop);
	}
	nft_free(nft);
	return error_trace(result);
}

/* ---- metrics ---- */

static void write_metrics(void *userdata, struct buffer *out)
{
	static const char name[] = "kubeproxy_network_programming_duration_seconds";
	struct proxy_program *program = userdata;
	struct proxy_metrics metrics;

	proxy_metrics(program->proxy, &metrics);
	metrics_family(out, name, "histogram",
		       "From a change of endpoints until the rules were in the kernel.");
	metrics_histogram(out, name, NULL, proxy_programming_bounds, PROXY_PROGRAMMING_BUCKETS,
			  metrics.programming, metrics.programming_sum);
	metrics_single(out, "headlessd_proxy_transactions_total", "counter",
		       "Transactions given to nft.", (double)metrics.transactions);
	metrics_single(out, "headlessd_proxy_failures_total", "counter",
		       "Transactions that nft refused.", (double)metrics.failures);
	metrics_single(out, "headlessd_proxy_forgotten_flows_total", "counter",
		       "UDP flows that were forgotten because their endpoint had gone.",
		       (double)metrics.forgotten_flows);
	metrics_single(out, "headlessd_proxy_services", "gauge", "Services that have rules.",
		       (double)metrics.services);
	metrics_single(out, "headlessd_proxy_in_step", "gauge",
		       "1 while the kernel has the rules that are wanted.", metrics.in_step);
}

static int start_metrics(struct proxy_program *program)
{
	const struct listen_address *address = &program->settings.metrics;
	struct http_server_config config = {
		.address = address->host,
		.port = address->port,
		.handler = metrics_handle,
	};
	char message[256] = "";
	int result;

	if (address->host[0] == '\0') {
		return 0;
	}
	program->metrics = metrics_new();
	metrics_add(program->metrics, write_metrics, program);
	metrics_add(program->metrics, metrics_process, NULL);
	config.userdata = program->metrics;
	result = http_server_new(program->loop, &config, message, sizeof(message),
				 &program->metrics_server);
	if (result < 0) {
		fprintf(stderr, "headlessd: metrics: %s (--metrics-listen)\n", message);
	}
	return error_trace(result);
}

/* ---- start ---- */

static void told_to_stop(void *userdata, int signal)
{
	struct proxy_program *program = userdata;

	log_info(COMPONENT, "stopping on %s; the rules stay", strsignal(signal));
	loop_stop(program->loop);
}

static void say_ready(void *userdata)
{
	struct proxy_program *program = userdata;
	struct listen_address metrics = program->settings.metrics;
	char text[80] = "none";

	if (program->metrics_server != NULL) {
		metrics.port = http_server_port(program->metrics_server);
		listen_format(&metrics, text, sizeof(text));
	}
	ready_say(program->kubeconfig.server, "none", text, program->kubeconfig.path);
}

/* "A,B" */
static int read_networks(const char *text, struct proxy_config *config)
{
	struct str rest = str_from(text);

	while (rest.p != NULL) {
		struct str one = str_cut(&rest, ',');

		if (config->n_pods == PROXY_NETWORKS ||
		    !ip_network_parse(one, &config->pods[config->n_pods]) ||
		    (config->n_pods == 1 && config->pods[0].ip.n == config->pods[1].ip.n)) {
			fprintf(stderr,
				"headlessd: --pod-cidr %s: expected a network such as "
				"10.244.0.0/16, or one of each family with a comma\n",
				text);
			return error_origin(-EINVAL);
		}
		config->n_pods++;
	}
	return 0;
}

static int start(struct proxy_program *program)
{
	const struct proxy_settings *settings = &program->settings;
	struct proxy_config config = {
		.loop = program->loop,
		.node_name = settings->node_name,
		.ready = say_ready,
		.userdata = program,
	};
	char message[KUBECONFIG_MESSAGE];
	int result = read_networks(settings->pod_cidr, &config);

	if (result < 0 || (result = change_addresses(&settings->addresses, true)) < 0) {
		return error_trace(result);
	}
	if (kubeconfig_read(settings->kubeconfig, NULL, &program->kubeconfig, message) != 0) {
		fprintf(stderr, "headlessd: %s (--kubeconfig)\n", message);
		return error_origin(-EINVAL);
	}
	if ((result = loop_signal(program->loop, SIGTERM, told_to_stop, program)) < 0 ||
	    (result = loop_signal(program->loop, SIGINT, told_to_stop, program)) < 0 ||
	    (result = remote_client_new(program->loop, &program->kubeconfig, &program->client)) <
		    0) {
		return error_trace(result);
	}
	config.cache = program->cache = cache_new(program->client);
	program->proxy = proxy_new(&config);
	if (settings->routes) {
		program->routes = routes_new(program->loop, program->cache, settings->node_name);
	}
	return error_trace(start_metrics(program));
}

static void stop(struct proxy_program *program)
{
	program->metrics_server = http_server_free(program->metrics_server);
	program->metrics = metrics_free(program->metrics);
	program->cache = cache_free(program->cache);
	program->proxy = proxy_free(program->proxy);
	program->routes = routes_free(program->routes);
	program->client = client_free(program->client);
	program->loop = loop_free(program->loop);
	kubeconfig_deinit(&program->kubeconfig);
}

static int run(int argc, char **argv)
{
	static struct proxy_program program;
	int code;

	if (!parse(argc, argv, &program.settings, &code)) {
		return code;
	}
	if (geteuid() != 0) {
		fprintf(stderr, "headlessd: the rules of the kernel are root's: run it as root\n");
		return EXIT_FAILED;
	}
	program.code = EXIT_FINE;
	if (loop_new(&program.loop) < 0) {
		return EXIT_FAILED;
	}
	if (program.settings.cleanup) {
		if (cleanup(&program) < 0) {
			program.code = EXIT_FAILED;
		}
	} else if (start(&program) < 0 || loop_run(program.loop) < 0) {
		program.code = EXIT_FAILED;
	}
	stop(&program);
	return program.code;
}

const struct cmd cmd_proxy = {
	.name = "proxy",
	.usage = "[OPTIONS]",
	.help = "sends connections to Services on to their endpoints (root)",
	.run = run,
};
