/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/api_part.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/local.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/client.h"
#include "cmd/kubeconfig.h"
#include "cmd/settings.h"
#include "http/dial.h"
#include "http/server.h"
#include "loop/loop.h"
#include "store/store.h"
#include "watch/hub.h"

enum { CERTIFICATE_DAYS = 365, MESSAGE = 256 };

static int complain(int error, const char *what, const char *path, const char *advice)
{
	fprintf(stderr, "headlessd: %s %s: %s; %s\n", what, path, strerror(-error), advice);
	return error_origin(error);
}

static int open_data_dir(const struct settings *settings)
{
	int result = file_make_directory(settings->data_dir, 0700);

	if (result < 0) {
		return complain(result, "cannot use the data directory", settings->data_dir,
				"choose another one with --data-dir");
	}
	return 0;
}

static int open_store(struct api_part *part)
{
	_cleanup_free_ char *path = mem_printf("%s/store.db", part->settings->data_dir);
	int result;

	if (strcmp(part->settings->store, "memory") == 0) {
		result = store_memory_new(&part->store);
	} else {
		result = store_sqlite_new(path, &part->store);
	}
	if (result < 0) {
		return complain(result, "cannot open the store", path,
				"is another headlessd running there, or the directory read-only?");
	}
	result = hub_new(part->store, &api_hub_ops, NULL, &part->hub);
	return result < 0 ? complain(result, "cannot read the store", path, "see the log above")
			  : 0;
}

static void dispatch_store(void *userdata, unsigned events)
{
	struct api_part *part = userdata;

	store_dispatch(part->store);
}

/* A wildcard is no address that anybody can reach. */
static const char *reachable(const char *host)
{
	if (strcmp(host, "0.0.0.0") == 0) {
		return "127.0.0.1";
	}
	return strcmp(host, "::") == 0 ? "::1" : host;
}

/* The first address of the Service range: what the Service `kubernetes` gets. */
static void first_service_address(const char *cidr, char ret_text[IP_TEXT])
{
	struct ip_network network;
	struct ip first;

	ret_text[0] = '\0';
	/* What is no network is refused, with its reason, by the API. */
	if (ip_network_parse(str_from(cidr), &network)) {
		first = ip_network_at(&network, 1);
		ip_text(&first, ret_text);
	}
}

static int make_server_pair(struct api_part *part, const char *directory)
{
	_cleanup_free_ char *full =
		mem_printf("kubernetes.default.svc.%s", part->settings->cluster_domain);
	const char *names[] = {
		"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
		full,        NULL
	};
	char service[IP_TEXT];
	const char *addresses[] = { "127.0.0.1", "::1", reachable(part->settings->api.host),
				    service, NULL };
	struct pki_request request = {
		.common_name = "headlessd",
		.dns_names = names,
		.addresses = addresses,
		.server = 1,
		.days = CERTIFICATE_DAYS,
	};

	first_service_address(part->settings->service_cidrs[0], service);
	if (service[0] == '\0') {
		addresses[ARRAY_SIZE(addresses) - 2] = NULL;
	}
	return error_trace(pki_kept(&part->ca, directory, "server", &request, &part->server_pair));
}

static int make_keys(struct api_part *part)
{
	static const struct pki_request admin = {
		.common_name = "kubernetes-admin",
		.organization = "system:masters",
		.days = CERTIFICATE_DAYS,
	};
	static const struct pki_request to_nodes = {
		.common_name = "kube-apiserver-kubelet-client",
		.organization = "system:masters",
		.days = CERTIFICATE_DAYS,
	};
	_cleanup_free_ char *directory = mem_printf("%s/pki", part->settings->data_dir);
	int result = file_make_directory(directory, 0700);

	if (result < 0 || (result = pki_ca(directory, "ca", "headlessd-ca", &part->ca)) < 0 ||
	    (result = pki_ca(directory, "tokens", "headlessd-tokens", &part->tokens)) < 0 ||
	    (result = make_server_pair(part, directory)) < 0 ||
	    (result = pki_kept(&part->ca, directory, "admin", &admin, &part->admin)) < 0 ||
	    (result = pki_kept(&part->ca, directory, "apiserver-kubelet-client", &to_nodes,
			       &part->to_nodes)) < 0 ||
	    (result = http_tls_new(part->ca.certificate, part->to_nodes.certificate,
				   part->to_nodes.key, &part->node_tls)) < 0) {
		return complain(result, "cannot make or read the keys in", directory,
				"see the log above");
	}
	return 0;
}

static void run_due(void *userdata)
{
	struct api_part *part = userdata;

	api_run_due(part->api);
}

static void due_changed(void *userdata, uint64_t at)
{
	struct api_part *part = userdata;
	uint64_t now = clock_monotonic(&clock_system);

	if (at == UINT64_MAX) {
		loop_timer_stop(part->due);
	} else {
		loop_timer_set(part->due, at > now ? at - now : 0);
	}
}

static void write_unready(void *userdata, struct buffer *lines)
{
	struct api_part *part = userdata;

	if (part->unready != NULL) {
		part->unready(part->userdata, lines);
	}
}

static int start_api(struct api_part *part)
{
	struct api_config config = {
		.store = part->store,
		.hub = part->hub,
		.clock = &clock_system,
		.service_cidrs = { part->settings->service_cidrs[0],
				   part->settings->service_cidrs[1] },
		.cluster_dns = { part->settings->cluster_dns_addresses[0],
				 part->settings->cluster_dns_addresses[1] },
		.token_key = part->tokens.key,
		.loop = part->loop,
		.node_tls = part->node_tls,
		.due_changed = due_changed,
		.unready = write_unready,
		.userdata = part,
	};
	char message[MESSAGE] = "";
	int result;

	part->due = loop_timer_new(part->loop, run_due, part);
	result = api_new(&config, message, sizeof(message), &part->api);
	if (result < 0) {
		fprintf(stderr, "headlessd: %s\n", message);
		return error_trace(result);
	}
	part->client = api_local_client(part->api);
	return 0;
}

static int start_server(struct api_part *part)
{
	struct http_server_config config = {
		.address = part->settings->api.host,
		.port = part->settings->api.port,
		.certificate = part->server_pair.certificate,
		.key = part->server_pair.key,
		.client_ca = part->ca.certificate,
		.handler = api_handle,
		.userdata = part->api,
	};
	struct listen_address url = { 0 };
	char message[MESSAGE] = "";
	char text[80];
	int result = http_server_new(part->loop, &config, message, sizeof(message), &part->server);

	if (result < 0) {
		fprintf(stderr, "headlessd: the API %s (--api-listen)\n", message);
		return error_trace(result);
	}
	snprintf(url.host, sizeof(url.host), "%s", reachable(part->settings->api.host));
	url.port = http_server_port(part->server);
	listen_format(&url, text, sizeof(text));
	snprintf(part->url, sizeof(part->url), "https://%s", text);
	result = api_bootstrap(part->api, url.host, url.port);
	return result < 0 ? complain(result, "cannot write to the store in",
				     part->settings->data_dir, "is the disk full or read-only?")
			  : 0;
}

static int write_kubeconfig(struct api_part *part)
{
	int result;

	part->kubeconfig = part->settings->kubeconfig != NULL
				   ? mem_strdup(part->settings->kubeconfig)
				   : mem_printf("%s/admin.kubeconfig", part->settings->data_dir);
	result = kubeconfig_write(part->kubeconfig, part->url, part->ca.certificate, &part->admin);
	return result < 0 ? complain(result, "cannot write", part->kubeconfig,
				     "choose another place with --kubeconfig")
			  : 0;
}

int api_part_start(struct api_part *part, struct loop *loop, const struct settings *settings)
{
	int result;

	part->loop = loop;
	part->settings = settings;
	if ((result = open_data_dir(settings)) < 0 || (result = open_store(part)) < 0 ||
	    (result = make_keys(part)) < 0 || (result = start_api(part)) < 0 ||
	    (result = start_server(part)) < 0 || (result = write_kubeconfig(part)) < 0) {
		return error_trace(result);
	}
	return error_trace(loop_watch_new(loop, store_fd(part->store), LOOP_READ, dispatch_store,
					  part, &part->store_watch));
}

void api_part_stop(struct api_part *part)
{
	part->client = client_free(part->client);
	if (part->api != NULL) {
		api_end_watches(part->api);
		api_end_streams(part->api);
	}
	part->server = http_server_free(part->server);
	part->store_watch = loop_watch_free(part->store_watch);
	if (part->store != NULL) {
		store_drain(part->store);
	}
	part->api = api_free(part->api);
	part->due = loop_timer_free(part->due);
	part->hub = hub_free(part->hub);
	part->store = store_free(part->store);
	pki_pair_deinit(&part->ca);
	pki_pair_deinit(&part->server_pair);
	pki_pair_deinit(&part->admin);
	pki_pair_deinit(&part->tokens);
	pki_pair_deinit(&part->to_nodes);
	part->node_tls = http_tls_free(part->node_tls);
	part->kubeconfig = mem_free(part->kubeconfig);
}
