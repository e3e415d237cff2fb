/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/node_services.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/ip.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/own_child.h"
#include "loop/child.h"

enum { ADDRESSES = 2, WORDS_MOST = 24, DNS_PORT = 53 };

static const uint64_t stop_ns = 5 * NS_PER_S;

static int start_proxy(struct node_services *services, const struct node_services_config *config)
{
	const char *argv[WORDS_MOST] = {
		NULL,          "proxy",           "--kubeconfig", config->kubeconfig,
		"--node-name", config->node_name, "--pod-cidr",   config->cluster_cidr,
		"--log-level", config->log_level, "--routes",
	};
	size_t n = 11;

	for (size_t i = 0; i < ADDRESSES && config->cluster_dns[i] != NULL; i++) {
		argv[n++] = "--address";
		argv[n++] = config->cluster_dns[i];
	}
	return error_trace(
		own_child_start(config->loop, config->data_dir, "proxy", argv, &services->proxy));
}

/* "10.96.0.10:53", "[fd00::a]:53"; heap. */
static char *listen_text(const char *address)
{
	struct ip ip;
	bool is_ipv6 = ip_parse(str_from(address), &ip) && ip.n == 16;

	return mem_printf(is_ipv6 ? "[%s]:%d" : "%s:%d", address, DNS_PORT);
}

/* Early: the proxy puts the address on a link, whenever it comes to that. */
static int start_dns(struct node_services *services, const struct node_services_config *config)
{
	const char *argv[WORDS_MOST] = {
		NULL,
		"dns",
		"--kubeconfig",
		config->kubeconfig,
		"--cluster-domain",
		config->cluster_domain,
		"--log-level",
		config->log_level,
	};
	char *listen[ADDRESSES] = { NULL };
	size_t n = 8;
	int result;

	for (size_t i = 0; i < ADDRESSES && config->cluster_dns[i] != NULL; i++) {
		listen[i] = listen_text(config->cluster_dns[i]);
		argv[n++] = "--listen-early";
		argv[n++] = listen[i];
	}
	result = own_child_start(config->loop, config->data_dir, "dns", argv, &services->dns);
	for (size_t i = 0; i < ADDRESSES; i++) {
		mem_free(listen[i]);
	}
	return error_trace(result);
}

int node_services_start(struct node_services *services, const struct node_services_config *config)
{
	int result = start_proxy(services, config);

	if (result == 0 && config->cluster_dns[0] != NULL) {
		result = start_dns(services, config);
	}
	return error_trace(result);
}

void node_services_stop(struct node_services *services)
{
	services->dns = child_free(services->dns, stop_ns);
	services->proxy = child_free(services->proxy, stop_ns);
}
