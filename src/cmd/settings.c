/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ip.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/node_name.h"
#include "cmd/ttl_options.h"
#include "node/containerd.h"

#define AT(member) offsetof(struct settings, member)

static const struct option options[] = {
	{ "data-dir", "DIR", "where everything is kept (root: /var/lib/headlessd)", OPTION_TEXT,
	  AT(data_dir), 0, 0, NULL },
	{ "api-listen", "ADDR:PORT", "the API (127.0.0.1:6443)", OPTION_LISTEN, AT(api), 0, 0,
	  NULL },
	{ "dns-listen", "ADDR:PORT", "DNS over UDP and TCP, may be repeated (127.0.0.1:1053)",
	  OPTION_LISTENS, AT(dns), 0, 0, NULL },
	{ "metrics-listen", "ADDR:PORT", "metrics and health over HTTP (127.0.0.1:9153)",
	  OPTION_LISTEN, AT(metrics), 0, 0, NULL },
	{ "kubeconfig", "FILE", "write the admin kubeconfig there (DIR/admin.kubeconfig)",
	  OPTION_TEXT, AT(kubeconfig), 0, 0, NULL },
	{ "node", "KIND", "where pods run: simulated, containerd (as root) or none", OPTION_TEXT,
	  AT(node), 0, 0, "simulated|containerd|none" },
	{ "node-name", "NAME", "what this machine is called with --node containerd (its host name)",
	  OPTION_TEXT, AT(node_name), 0, 0, NULL },
	{ "simulated-nodes", "N", "how many simulated nodes (2)", OPTION_NUMBER,
	  AT(simulated_nodes), 1, 250, NULL },
	{ "store", "KIND", "where objects are kept: sqlite or memory", OPTION_TEXT, AT(store), 0, 0,
	  "sqlite|memory" },
	{ "cluster-domain", "NAME", "the zone of the cluster (cluster.local)", OPTION_TEXT,
	  AT(cluster_domain), 0, 0, NULL },
	{ "clusterset-domain", "NAME",
	  "the zone of Services of other clusters (clusterset.local; \"\" for none)", OPTION_TEXT,
	  AT(clusterset_domain), 0, 0, NULL },
	{ "service-cidr", "CIDR[,CIDR]", "addresses of Services (10.96.0.0/16)", OPTION_TEXT,
	  AT(service_cidr), 0, 0, NULL },
	{ "pod-cidr", "CIDR[,CIDR]", "addresses of pods, a /24 a node (10.244.0.0/16)", OPTION_TEXT,
	  AT(pod_cidr), 0, 0, NULL },
	{ "cluster-dns", "ADDR[,ADDR]|none",
	  "the Service kube-dns, answered here on port 53 (--node containerd: the tenth address "
	  "of --service-cidr)",
	  OPTION_TEXT, AT(cluster_dns), 0, 0, NULL },
	{ "ttl", "SECONDS", "of every answer, 0 to 3600 (5)", OPTION_NUMBER, AT(ttl), 0, 3600,
	  NULL },
	TTL_OPTIONS(struct settings),
	{ "upstream", "ADDR[:PORT]", "asks there for names outside the cluster, may be repeated",
	  OPTION_LIST, AT(upstreams), 0, 0, NULL },
	{ "dns-workers", "N", "DNS threads (one a core)", OPTION_NUMBER, AT(dns_workers), 1, 256,
	  NULL },
	{ "apply", "FILE|DIR", "apply these manifests once ready, may be repeated", OPTION_LIST,
	  AT(apply), 0, 0, NULL },
	OPERATION_OPTIONS(struct settings, operation),
	{ "log-level", "LEVEL", "error, warning, info or debug (info)", OPTION_TEXT, AT(log_level),
	  0, 0, "error|warning|info|debug" },
	{ "help", NULL, "show this", OPTION_SWITCH, AT(help), 0, 0, NULL },
};

const char *settings_data_dir(void)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (geteuid() == 0) {
		return "/var/lib/headlessd";
	}
	if (state != NULL && state[0] == '/') {
		return mem_printf("%s/headlessd", state);
	}
	return mem_printf("%s/.local/state/headlessd", home != NULL ? home : "");
}

void settings_log_level(const char *name)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			log_set_level((enum log_level)i);
		}
	}
}

/* "A,B" into two texts that live as long as the process. */
static void split_cidrs(const char *text, const char *ret_cidrs[2])
{
	struct str rest = str_from(text);

	ret_cidrs[0] = str_dup(str_cut(&rest, ','));
	ret_cidrs[1] = rest.p != NULL ? str_dup(rest) : NULL;
}

static bool is_service_address(const struct settings *settings, const struct ip *ip)
{
	for (size_t i = 0; i < 2 && settings->service_cidrs[i] != NULL; i++) {
		struct ip_network network;

		if (ip_network_parse(str_from(settings->service_cidrs[i]), &network) &&
		    ip_network_holds(&network, ip)) {
			return true;
		}
	}
	return false;
}

/* The tenth address of each range of Services, as everybody does it. */
static void choose_cluster_dns(struct settings *settings)
{
	enum { TENTH = 10 };

	for (size_t i = 0; i < 2 && settings->service_cidrs[i] != NULL; i++) {
		struct ip_network network;
		char text[IP_TEXT];

		/* What is no network is refused, with its reason, by the API. */
		if (ip_network_parse(str_from(settings->service_cidrs[i]), &network) &&
		    ip_network_size(&network) > TENTH) {
			struct ip ip = ip_network_at(&network, TENTH);

			ip_text(&ip, text);
			settings->cluster_dns_addresses[i] = mem_strdup(text);
		}
	}
}

/* False after a line that says what is wrong with --cluster-dns. */
static bool read_cluster_dns(struct settings *settings)
{
	struct str rest = str_from(settings->cluster_dns);

	for (size_t i = 0; rest.p != NULL; i++) {
		struct str one = str_cut(&rest, ',');
		struct ip ip;

		if (i == 2 || !ip_parse(one, &ip) || !is_service_address(settings, &ip)) {
			fprintf(stderr,
				"headlessd: --cluster-dns %s: expected an address within "
				"--service-cidr, one of each family with a comma, or none\n",
				settings->cluster_dns);
			return false;
		}
		settings->cluster_dns_addresses[i] = str_dup(one);
	}
	return true;
}

/* Where containers cannot run, pods are simulated. */
static void choose_node(struct settings *settings)
{
	char message[CONTAINERD_MESSAGE];

	if (settings->node_name == NULL) {
		settings->node_name = node_name_of_host();
	}
	if (strcmp(settings->node, "containerd") == 0 && !containerd_available(message)) {
		fprintf(stderr,
			"headlessd: no containers on this machine, nodes are simulated: %s\n",
			message);
		settings->node = "simulated";
	}
}

static bool complete_cluster_dns(struct settings *settings)
{
	enum { DNS_PORT = 53 };

	if (settings->cluster_dns == NULL && strcmp(settings->node, "containerd") == 0) {
		choose_cluster_dns(settings);
	} else if (settings->cluster_dns != NULL && strcmp(settings->cluster_dns, "none") != 0 &&
		   !read_cluster_dns(settings)) {
		return false;
	}
	for (size_t i = 0; i < 2 && settings->cluster_dns_addresses[i] != NULL; i++) {
		if (settings->dns.n == OPTION_LIST_MAX) {
			fprintf(stderr, "headlessd: --dns-listen: at most %d with --cluster-dns\n",
				OPTION_LIST_MAX - 2);
			return false;
		}
		struct listen_address *address = &settings->dns.items[settings->dns.n++];

		snprintf(address->host, sizeof(address->host), "%s",
			 settings->cluster_dns_addresses[i]);
		address->port = DNS_PORT;
	}
	return true;
}

bool settings_parse(int argc, char **argv, struct settings *ret, int *ret_code)
{
	struct settings settings = {
		.node = "simulated",
		.store = "sqlite",
		.cluster_domain = "cluster.local",
		.clusterset_domain = "clusterset.local",
		.service_cidr = "10.96.0.0/16",
		.pod_cidr = "10.244.0.0/16",
		.log_level = "info",
		.api = { .host = "127.0.0.1", .port = 6443 },
		.metrics = { .host = "127.0.0.1", .port = 9153 },
		.simulated_nodes = 2,
		.ttl = ZONE_TTL_DEFAULT,
	};

	for (size_t i = 0; i < ZONE_TTLS; i++) {
		settings.ttls[i] = -1;
	}
	if (!options_parse(options, ARRAY_SIZE(options), argc, argv, 1, &settings, NULL)) {
		*ret_code = EXIT_USAGE;
		return false;
	}
	if (settings.help) {
		printf("usage: headlessd standalone [OPTIONS]\n\nThe whole system in one process: "
		       "API, "
		       "store, controllers, nodes and DNS.\n\n");
		options_help(options, ARRAY_SIZE(options));
		*ret_code = EXIT_FINE;
		return false;
	}
	settings_log_level(settings.log_level);
	if (settings.dns.n == 0) {
		settings.dns.items[settings.dns.n++] =
			(struct listen_address){ .host = "127.0.0.1", .port = 1053 };
	}
	if (settings.data_dir == NULL) {
		settings.data_dir = settings_data_dir();
	}
	split_cidrs(settings.service_cidr, settings.service_cidrs);
	split_cidrs(settings.pod_cidr, settings.pod_cidrs);
	choose_node(&settings);
	if (!complete_cluster_dns(&settings)) {
		*ret_code = EXIT_USAGE;
		return false;
	}
	*ret = settings;
	return true;
}
