/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headlessd node: makes this machine a node of a cluster. A remote client fills a cache with what
 * is bound to this node; the agent runs it through containerd. Wiring only.
 *
 * With a bootstrap token it joins first: DATA/node.kubeconfig is who it is from then on, and what
 * it is started with again. A node that has joined is alone on its machine, so it brings the
 * Services and their names with it (cmd/node_services.h); standalone's has them beside it.
 *
 * At the end pods keep running: whoever starts the agent again finds them as they were.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/cache.h"
#include "client/client.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "cmd/cmd.h"
#include "cmd/node_name.h"
#include "cmd/node_services.h"
#include "cmd/options.h"
#include "cmd/ready.h"
#include "cmd/settings.h"
#include "loop/loop.h"
#include "node/agent.h"
#include "node/agent_making.h"
#include "node/containerd.h"
#include "node/join.h"
#include "node/runtime.h"
#include "node/volumes.h"
#include "object/kinds.h"
#include "object/object.h"
#include "json/json.h"

#define COMPONENT "node"

enum { IPS = 2, NETWORKS = 2 };

struct node_settings {
	const char *kubeconfig;
	const char *node_name;
	const char *node_ip;
	const char *data_dir;
	const char *containerd;
	const char *cluster_dns;
	const char *cluster_domain;
	const char *cluster_cidr;
	const char *services;
	const char *pod_cidr;
	const char *log_dir;
	struct listen_address listen;
	const char *certificate;
	const char *key;
	const char *client_ca;
	const char *log_level;
	bool help;
};

#define AT(member) offsetof(struct node_settings, member)

static const struct option options[] = {
	{ "kubeconfig", "FILE",
	  "the API server, and who we are or a token to join with (once joined: "
	  "DIR/node.kubeconfig; "
	  "else as kubectl finds it)",
	  OPTION_TEXT, AT(kubeconfig), 0, 0, NULL },
	{ "node-name", "NAME", "the Node that this machine is (its host name)", OPTION_TEXT,
	  AT(node_name), 0, 0, NULL },
	{ "node-ip", "ADDR[,ADDR]", "its addresses (of the link that leads outside)", OPTION_TEXT,
	  AT(node_ip), 0, 0, NULL },
	{ "data-dir", "DIR", "images, volumes and state (/var/lib/headlessd/node)", OPTION_TEXT,
	  AT(data_dir), 0, 0, NULL },
	{ "containerd", "SOCKET", "a containerd that runs already (one of our own)", OPTION_TEXT,
	  AT(containerd), 0, 0, NULL },
	{ "cluster-dns", "ADDR[,ADDR]",
	  "DNS server of pods (none; with --services the Service kube-dns)", OPTION_TEXT,
	  AT(cluster_dns), 0, 0, NULL },
	{ "cluster-domain", "NAME", "the zone of the cluster (cluster.local)", OPTION_TEXT,
	  AT(cluster_domain), 0, 0, NULL },
	{ "cluster-cidr", "CIDR[,CIDR]",
	  "addresses of all pods of the cluster, for --services (10.244.0.0/16)", OPTION_TEXT,
	  AT(cluster_cidr), 0, 0, NULL },
	{ "services", "yes|no",
	  "whether to run a proxy and a DNS server here, too (yes for a node that has joined with "
	  "a "
	  "token, else no)",
	  OPTION_TEXT, AT(services), 0, 0, "yes|no" },
	{ "pod-cidr", "CIDR[,CIDR]", "addresses of this node's pods (given by the cluster)",
	  OPTION_TEXT, AT(pod_cidr), 0, 0, NULL },
	{ "log-dir", "DIR", "logs of containers (/var/log/pods)", OPTION_TEXT, AT(log_dir), 0, 0,
	  NULL },
	{ "kubelet-listen", "ADDR:PORT", "logs and streams, for the API server (0.0.0.0:10250)",
	  OPTION_LISTEN, AT(listen), 0, 0, NULL },
	{ "tls-certificate", "FILE",
	  "what it shows to the API server (once joined: asked for; else none: no logs and "
	  "streams)",
	  OPTION_TEXT, AT(certificate), 0, 0, NULL },
	{ "tls-key", "FILE", "its key", OPTION_TEXT, AT(key), 0, 0, NULL },
	{ "client-ca", "FILE", "the CA that the API server's certificate is of", OPTION_TEXT,
	  AT(client_ca), 0, 0, NULL },
	{ "log-level", "LEVEL", "error, warning, info or debug (info)", OPTION_TEXT, AT(log_level),
	  0, 0, "error|warning|info|debug" },
	{ "help", NULL, "show this", OPTION_SWITCH, AT(help), 0, 0, NULL },
};

struct node_program {
	struct node_settings settings;
	struct kubeconfig kubeconfig;
	struct node_config config;
	const char *ips[IPS + 1];
	const char *networks[NETWORKS + 1];
	struct loop *loop;
	struct join *join; /* NULL: the kubeconfig given has a certificate of its own */
	struct client *client;
	struct join *serving; /* the same for what the kubelet server shows */
	struct client_watch *dns_watch; /* until the address of the cluster's DNS is known */
	bool dns_known;
	struct node_services services;
	struct cache *cache;
	struct containerd *containerd;
	struct runtime *runtime;
	struct making making;
	struct probing probing;
	struct agent *agent;
	struct kubelet *kubelet;
	int code;
};

/* ---- settings ---- */

/* "A,B" into texts that live as long as the process; false: more than fit. */
static bool split(const char *text, const char **ret, size_t most)
{
	struct str rest = str_from(text);
	size_t n = 0;

	while (rest.p != NULL && rest.n > 0) {
		if (n == most) {
			return false;
		}
		ret[n++] = str_dup(str_trim(str_cut(&rest, ',')));
	}
	return true;
}

static bool are_addresses(const char *option, const char *const *texts)
{
	struct ip ip;

	for (; *texts != NULL; texts++) {
		if (!ip_parse(str_from(*texts), &ip)) {
			fprintf(stderr, "headlessd: %s %s: expected an IP address\n", option,
				*texts);
			return false;
		}
	}
	return true;
}

static bool are_networks(const char *option, const char *const *texts)
{
	struct ip_network network;

	for (; *texts != NULL; texts++) {
		if (!ip_network_parse(str_from(*texts), &network)) {
			fprintf(stderr,
				"headlessd: %s %s: expected a network such as 10.244.0.0/24\n",
				option, *texts);
			return false;
		}
	}
	return true;
}

/* The address that packets to the world would leave from; nothing is sent. */
static const char *outgoing_address(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[INET_ADDRSTRLEN];
	socklen_t n = sizeof(to);

	inet_pton(AF_INET, "192.0.2.1", &to.sin_addr); /* TEST-NET-1: nobody's */
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&to, &n) < 0 ||
	    inet_ntop(AF_INET, &to.sin_addr, text, sizeof(text)) == NULL) {
		return NULL;
	}
	return mem_strdup(text);
}

/* The first address of any link but loopback and our own bridge. */
static const char *any_address(void)
{
	struct ifaddrs *all;
	const char *found = NULL;

	if (getifaddrs(&all) < 0) {
		return NULL;
	}
	for (struct ifaddrs *each = all; each != NULL && found == NULL; each = each->ifa_next) {
		char text[INET_ADDRSTRLEN];

		if (each->ifa_addr != NULL && each->ifa_addr->sa_family == AF_INET &&
		    (each->ifa_flags & IFF_LOOPBACK) == 0 &&
		    strcmp(each->ifa_name, containerd_bridge) != 0 &&
		    inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)each->ifa_addr)->sin_addr,
			      text, sizeof(text)) != NULL) {
			found = mem_strdup(text);
		}
	}
	freeifaddrs(all);
	return found;
}

static void choose_addresses(struct node_program *program)
{
	program->ips[0] = outgoing_address();
	if (program->ips[0] == NULL) {
		program->ips[0] = any_address();
	}
	if (program->ips[0] == NULL) {
		program->ips[0] = "127.0.0.1";
	}
}

static bool complete(struct node_program *program)
{
	struct node_settings *settings = &program->settings;
	struct node_config *config = &program->config;
	const char *cluster[NETWORKS + 1] = { NULL };

	if (!split(settings->node_ip, program->ips, IPS) ||
	    !split(settings->pod_cidr, program->networks, NETWORKS) ||
	    !split(settings->cluster_cidr, cluster, NETWORKS) ||
	    !split(settings->cluster_dns, config->cluster_dns, ARRAY_SIZE(config->cluster_dns))) {
		fprintf(stderr, "headlessd: --node-ip, --pod-cidr, --cluster-cidr, --cluster-dns: "
				"one of each address family at most\n");
		return false;
	}
	if (!are_addresses("--node-ip", program->ips) ||
	    !are_networks("--pod-cidr", program->networks) ||
	    !are_networks("--cluster-cidr", cluster)) {
		return false;
	}
	if (settings->node_name == NULL) {
		settings->node_name = node_name_of_host();
	}
	if (settings->data_dir[0] != '/') {
		fprintf(stderr, "headlessd: --data-dir %s: must be absolute\n", settings->data_dir);
		return false;
	}
	if (program->ips[0] == NULL) {
		choose_addresses(program);
	}
	config->node_name = settings->node_name;
	config->data_dir = settings->data_dir;
	config->log_dir = settings->log_dir;
	config->cluster_domain = settings->cluster_domain;
	config->cgroup_parent = "/headlessd";
	config->resolv_conf = "/etc/resolv.conf";
	config->node_ips = program->ips;
	return true;
}

static bool parse(int argc, char **argv, struct node_program *program, int *ret_code)
{
	struct node_settings *settings = &program->settings;

	*settings = (struct node_settings){
		.data_dir = "/var/lib/headlessd/node",
		.cluster_domain = "cluster.local",
		.cluster_cidr = "10.244.0.0/16",
		.log_dir = "/var/log/pods",
		.log_level = "info",
		.listen = { .host = "0.0.0.0", .port = 10250 },
	};
	*ret_code = EXIT_USAGE;
	if (!options_parse(options, ARRAY_SIZE(options), argc, argv, 1, settings, NULL)) {
		return false;
	}
	if (settings->help) {
		printf("usage: headlessd node [OPTIONS]\n\nMakes this machine a node of a cluster: "
		       "runs the pods that are bound to it with containerd (root).\n\n");
		options_help(options, ARRAY_SIZE(options));
		*ret_code = EXIT_FINE;
		return false;
	}
	settings_log_level(settings->log_level);
	return complete(program);
}

/* ---- parts ---- */

static void networks_known(void *userdata, const char *const *cidrs)
{
	struct node_program *program = userdata;
	int result;

	if (program->containerd == NULL) {
		return; /* its network is its own affair */
	}
	result = containerd_set_network(program->containerd, cidrs, /* mtu= */ 0);
	if (result < 0) {
		log_error(COMPONENT, "cannot set up the pod network %s: %s", cidrs[0],
			  strerror(-result));
	} else {
		log_info(COMPONENT, "pods get addresses of %s%s%s", cidrs[0],
			 cidrs[1] != NULL ? " and " : "", cidrs[1] != NULL ? cidrs[1] : "");
	}
}

static void happened(void *userdata, const char *id)
{
	struct node_program *program = userdata;

	if (program->kubelet != NULL) {
		kubelet_container_changed(program->kubelet, id);
	}
}

static void told_to_stop(void *userdata, int signal)
{
	struct node_program *program = userdata;

	log_info(COMPONENT, "stopping on %s; pods keep running", strsignal(signal));
	loop_stop(program->loop);
}

/* Past the start: something that cannot go on was said already. */
static void give_up(struct node_program *program)
{
	program->code = EXIT_FAILED;
	loop_stop(program->loop);
}

static bool has_services(const struct node_program *program)
{
	const char *wanted = program->settings.services;

	return wanted != NULL ? strcmp(wanted, "yes") == 0 : program->join != NULL;
}

static int start_runtime(struct node_program *program)
{
	struct containerd_config config = { .data_dir = program->settings.data_dir };
	const char *socket = program->settings.containerd;
	char message[CONTAINERD_MESSAGE];
	int result;

	if (socket == NULL) {
		if (!containerd_available(message)) {
			fprintf(stderr, "headlessd: this machine cannot run pods: %s\n", message);
			return error_origin(-ENOTSUP);
		}
		result = containerd_new(program->loop, &config, message, &program->containerd);
		if (result < 0) {
			fprintf(stderr, "headlessd: %s\n", message);
			return error_trace(result);
		}
		socket = containerd_socket(program->containerd);
	}
	return error_trace(cri_new(program->loop, socket, &program->runtime));
}

static int read_pem(const char *path, char **ret)
{
	size_t n;
	int result = path != NULL ? file_read(path, LIMIT_KUBECONFIG, ret, &n) : -EINVAL;

	if (result < 0) {
		fprintf(stderr,
			"headlessd: --tls-certificate, --tls-key, --client-ca: cannot read %s: "
			"%s\n",
			path != NULL ? path : "what is not given", strerror(-result));
	}
	return error_trace(result);
}

static int start_kubelet(struct node_program *program, const char *certificate, const char *key,
			 const char *client_ca)
{
	const struct node_settings *settings = &program->settings;
	struct kubelet_config config = {
		.address = settings->listen.host,
		.port = settings->listen.port,
		.certificate = certificate,
		.key = key,
		.client_ca = client_ca,
		.api_user = "kube-apiserver-kubelet-client",
		.runtime = program->runtime,
		.lookup = &agent_lookup,
		.userdata = program->agent,
	};
	char message[256] = "";
	int result = kubelet_new(program->loop, &config, message, &program->kubelet);

	if (result < 0) {
		fprintf(stderr, "headlessd: %s (--kubelet-listen)\n", message);
		return error_trace(result);
	}
	agent_serves_at(program->agent, kubelet_port(program->kubelet));
	return 0;
}

static int start_kubelet_as_told(struct node_program *program)
{
	const struct node_settings *settings = &program->settings;
	_cleanup_free_ char *certificate = NULL;
	_cleanup_free_ char *key = NULL;
	_cleanup_free_ char *client_ca = NULL;
	int result;

	if (settings->certificate == NULL) {
		return 0;
	}
	if ((result = read_pem(settings->certificate, &certificate)) < 0 ||
	    (result = read_pem(settings->key, &key)) < 0 ||
	    (result = read_pem(settings->client_ca, &client_ca)) < 0) {
		return error_trace(result);
	}
	return error_trace(start_kubelet(program, certificate, key, client_ca));
}

/* ---- the certificate that a joined node's server asks for ---- */

static void server_certified(void *userdata, const char *path)
{
	struct node_program *program = userdata;
	const struct kubeconfig_pem *ca = &program->kubeconfig.ca;
	_cleanup_free_ char *pem = NULL;
	_cleanup_free_ char *client_ca = mem_strdup(ca->text);

	if (read_pem(path, &pem) < 0 || (client_ca == NULL && read_pem(ca->file, &client_ca) < 0) ||
	    start_kubelet(program, pem, pem, client_ca) < 0) {
		give_up(program);
	}
}

/* Pods run without it. */
static void server_not_certified(void *userdata, const char *message)
{
	log_error(COMPONENT, "no logs and streams: %s", message);
}

/* Once the Node is registered: whoever signs looks at its names. */
static void certify_server(struct node_program *program)
{
	const struct join_config config = {
		.loop = program->loop,
		.cluster = &program->kubeconfig,
		.data_dir = program->settings.data_dir,
		.node_name = program->settings.node_name,
		.serving = program->ips,
		.joined = server_certified,
		.failed = server_not_certified,
		.userdata = program,
	};

	if (join_new(&config, &program->serving) < 0) {
		log_error(COMPONENT, "no logs and streams: no certificate can be asked for");
	}
}

static void say_ready(void *userdata)
{
	struct node_program *program = userdata;

	ready_say_node(program->settings.node_name, program->kubeconfig.server,
		       program->kubeconfig.path);
	if (program->join != NULL && program->settings.certificate == NULL) {
		certify_server(program);
	}
}

static int start_agent(struct node_program *program)
{
	struct agent_config config = {
		.loop = program->loop,
		.client = program->client,
		.cache = program->cache,
		.clock = &clock_system,
		.runtime = program->runtime,
		.node = &program->config,
		.making = &pod_making_real,
		.making_data = &program->making,
		.probing = &program->probing,
		.version = HEADLESSD_VERSION,
		.network = networks_known,
		.happened = happened,
		.ready = say_ready,
		.userdata = program,
	};

	for (size_t i = 0; i < NETWORKS; i++) {
		config.pod_cidrs[i] = program->networks[i];
	}
	program->agent = agent_new(&config);
	return 0;
}

static void trim_trees(void *userdata)
{
	object_trees_trim(LIMIT_AGENT_TREES / 2);
}

/* Not now, while callbacks may hold trees, but on the next turn of the loop. */
static void trees_full(void *userdata)
{
	loop_defer(((struct node_program *)userdata)->loop, trim_trees, NULL);
}

static int start_services(struct node_program *program)
{
	const struct node_services_config config = {
		.loop = program->loop,
		.kubeconfig = program->kubeconfig.path,
		.data_dir = program->settings.data_dir,
		.node_name = program->settings.node_name,
		.cluster_cidr = program->settings.cluster_cidr,
		.cluster_domain = program->settings.cluster_domain,
		.cluster_dns = program->config.cluster_dns,
		.log_level = program->settings.log_level,
	};

	return error_trace(node_services_start(&program->services, &config));
}

static int start_parts(struct node_program *program)
{
	int result = 0;

	if (has_services(program)) {
		result = start_services(program);
	}
	if (result < 0 || (result = start_runtime(program)) < 0) {
		return error_trace(result);
	}
	object_trees_on_full(LIMIT_AGENT_TREES, trees_full, program);
	program->cache = cache_new(program->client);
	program->probing = probing_real(program->loop);
	program->making.node = &program->config;
	result = start_agent(program);
	/* Behind the agent, which holds its own pods only. */
	program->making.volumes = volumes_new(program->loop, program->client, program->cache,
					      &program->config, &clock_system);
	return error_trace(result < 0 ? result : start_kubelet_as_told(program));
}

/* ---- the cluster's DNS ---- */

static void take_service(void *userdata, struct object *service)
{
	struct node_program *program = userdata;
	const char **addresses = program->config.cluster_dns;
	const json_t *given = json_at(object_tree(service), "spec.clusterIPs");
	const json_t *address;
	size_t n = 0;
	size_t i;

	if (program->dns_known || !str_is(service->space, "kube-system")) {
		return;
	}
	json_array_foreach (given, i, address) {
		const char *text = json_string_value(address);
		struct ip ip;

		if (n < ARRAY_SIZE(program->config.cluster_dns) && text != NULL &&
		    ip_parse(str_from(text), &ip)) {
			mem_free((char *)addresses[n]);
			addresses[n++] = mem_strdup(text);
		}
	}
}

static void go_on(void *userdata)
{
	struct node_program *program = userdata;

	program->dns_watch = client_unwatch(program->dns_watch);
	if (start_parts(program) < 0) {
		give_up(program);
	}
}

static void dns_looked_up(void *userdata, uint64_t revision)
{
	struct node_program *program = userdata;

	if (program->dns_known) {
		return;
	}
	program->dns_known = true;
	if (program->config.cluster_dns[0] == NULL) {
		log_warning(COMPONENT, "the cluster has no Service kube-dns: pods get no DNS "
				       "server of the cluster (--cluster-dns)");
	}
	loop_defer(program->loop, go_on, program);
}

static void nothing(void *userdata)
{
}

static void service_gone(void *userdata, struct object *last)
{
}

static void server_changed(void *userdata, bool connected)
{
	const struct node_program *program = userdata;

	if (!connected) {
		log_warning(COMPONENT, "%s cannot be reached: waiting for it",
			    program->kubeconfig.server);
	}
}

/* A watch and not a question: it is what waits for a server that is away. */
static void look_up_dns(struct node_program *program)
{
	static const struct client_sink sink = {
		.reset = nothing,
		.changed = take_service,
		.removed = service_gone,
		.synced = dns_looked_up,
		.connected = server_changed,
	};

	program->dns_watch = client_watch_fields(program->client, &kind_service, NULL,
						 "metadata.name=kube-dns", &sink, program);
}

/* ---- who we are ---- */

static int start_as(struct node_program *program, const char *path)
{
	char message[KUBECONFIG_MESSAGE];
	int result;

	kubeconfig_deinit(&program->kubeconfig);
	if (kubeconfig_read(path, NULL, &program->kubeconfig, message) != 0) {
		fprintf(stderr, "headlessd: %s (--kubeconfig)\n", message);
		return error_origin(-EINVAL);
	}
	result = remote_client_new(program->loop, &program->kubeconfig, &program->client);
	if (result < 0) {
		return error_trace(result);
	}
	if (has_services(program) && program->config.cluster_dns[0] == NULL) {
		look_up_dns(program);
		return 0;
	}
	return error_trace(start_parts(program));
}

static void joined(void *userdata, const char *kubeconfig)
{
	struct node_program *program = userdata;

	if (start_as(program, kubeconfig) < 0) {
		give_up(program);
	}
}

static void not_joined(void *userdata, const char *message)
{
	fprintf(stderr, "headlessd: %s\n", message);
	give_up(userdata);
}

/*
 * What joining has left is renewed by whoever is started with it, with or without the token that it
 * began with.
 */
static int start_as_somebody(struct node_program *program)
{
	_cleanup_free_ char *own = mem_printf("%s/node.kubeconfig", program->settings.data_dir);
	const char *path = program->settings.kubeconfig;
	struct join_config config = {
		.loop = program->loop,
		.cluster = &program->kubeconfig,
		.data_dir = program->settings.data_dir,
		.node_name = program->settings.node_name,
		.joined = joined,
		.failed = not_joined,
		.userdata = program,
	};
	char message[KUBECONFIG_MESSAGE];

	if (path == NULL && access(own, F_OK) == 0) {
		path = own;
	}
	if (kubeconfig_read(path, NULL, &program->kubeconfig, message) != 0) {
		fprintf(stderr, "headlessd: %s (--kubeconfig)\n", message);
		return error_origin(-EINVAL);
	}
	if (join_is_wanted(&program->kubeconfig) || (path != NULL && strcmp(path, own) == 0)) {
		return error_trace(join_new(&config, &program->join));
	}
	return error_trace(start_as(program, path));
}

static int start(struct node_program *program)
{
	int result = file_make_directory(program->settings.data_dir, 0700);

	if (result < 0) {
		fprintf(stderr, "headlessd: cannot use the data directory %s: %s (--data-dir)\n",
			program->settings.data_dir, strerror(-result));
		return error_trace(result);
	}
	if ((result = loop_new(&program->loop)) < 0 ||
	    (result = loop_signal(program->loop, SIGTERM, told_to_stop, program)) < 0 ||
	    (result = loop_signal(program->loop, SIGINT, told_to_stop, program)) < 0) {
		return error_trace(result);
	}
	return error_trace(start_as_somebody(program));
}

static void stop(struct node_program *program)
{
	program->kubelet = kubelet_free(program->kubelet);
	program->join = join_free(program->join);
	program->serving = join_free(program->serving);
	program->dns_watch = client_unwatch(program->dns_watch);
	program->agent = agent_free(program->agent);
	program->runtime = runtime_free(program->runtime);
	program->making.volumes = volumes_free(program->making.volumes);
	program->cache = cache_free(program->cache);
	program->client = client_free(program->client);
	node_services_stop(&program->services);
	program->containerd = containerd_free(program->containerd);
	object_trees_on_full(0, NULL, NULL);
	program->loop = loop_free(program->loop);
	kubeconfig_deinit(&program->kubeconfig);
}

static int run(int argc, char **argv)
{
	static struct node_program program;
	int code;

	if (!parse(argc, argv, &program, &code)) {
		return code;
	}
	if (geteuid() != 0) {
		fprintf(stderr, "headlessd: containers are root's: run it as root\n");
		return EXIT_FAILED;
	}
	program.code = EXIT_FINE;
	if (start(&program) < 0 || loop_run(program.loop) < 0) {
		program.code = EXIT_FAILED;
	}
	stop(&program);
	return program.code;
}

const struct cmd cmd_node = {
	.name = "node",
	.usage = "[OPTIONS]",
	.help = "makes this machine a node of a cluster: runs pods (root)",
	.run = run,
};
