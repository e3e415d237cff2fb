/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/node_part.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "cmd/api_part.h"
#include "cmd/kubeconfig.h"
#include "cmd/own_child.h"
#include "cmd/settings.h"
#include "http/pki.h"
#include "loop/child.h"

enum { CERTIFICATE_DAYS = 365, WORDS_MOST = 32 };

static const uint64_t stop_ns = 5 * NS_PER_S;

static int complain(int error, const char *what)
{
	fprintf(stderr, "headlessd: cannot %s: %s\n", what, strerror(-error));
	return error_origin(error);
}

/* A kubeconfig for somebody; its path (heap) or NULL after a line. */
static char *write_credentials(const struct settings *settings, const struct api_part *api,
			       const char *what, const char *user, const char *group)
{
	_cleanup_free_ char *directory = mem_printf("%s/pki", settings->data_dir);
	char *path = mem_printf("%s/%s.kubeconfig", settings->data_dir, what);
	struct pki_request request = {
		.common_name = user,
		.organization = group,
		.days = CERTIFICATE_DAYS,
	};
	struct pki_pair pair = { 0 };
	int result = pki_kept(&api->ca, directory, what, &request, &pair);

	if (result == 0) {
		result = kubeconfig_write(path, api->url, api->ca.certificate, &pair);
	}
	pki_pair_deinit(&pair);
	if (result < 0) {
		complain(result, "write the kubeconfig of a part of this program");
		return mem_free(path);
	}
	return path;
}

/* "A,B" of the cluster's DNS; heap. */
static char *dns_addresses(const struct settings *settings)
{
	const char *const *addresses = settings->cluster_dns_addresses;

	return mem_printf("%s%s%s", addresses[0] != NULL ? addresses[0] : "",
			  addresses[0] != NULL && addresses[1] != NULL ? "," : "",
			  addresses[0] != NULL && addresses[1] != NULL ? addresses[1] : "");
}

/* What the node shows to the API server, in DIR/pki/kubelet.crt and kubelet.key. */
static int make_server_certificate(const struct settings *settings, const struct api_part *api,
				   const char *user)
{
	_cleanup_free_ char *directory = mem_printf("%s/pki", settings->data_dir);
	const char *const names[] = { settings->node_name, NULL };
	struct pki_request request = {
		.common_name = user,
		.organization = "system:nodes",
		.dns_names = names,
		.server = 1,
		.days = CERTIFICATE_DAYS,
	};
	struct pki_pair pair = { 0 };
	int result = pki_kept(&api->ca, directory, "kubelet", &request, &pair);

	pki_pair_deinit(&pair);
	return result < 0 ? complain(result, "make the certificate of the node") : 0;
}

static int start_node(struct node_part *part, struct loop *loop, const struct settings *settings,
		      const struct api_part *api)
{
	_cleanup_free_ char *user = mem_printf("system:node:%s", settings->node_name);
	_cleanup_free_ char *kubeconfig =
		write_credentials(settings, api, "node", user, "system:nodes");
	_cleanup_free_ char *directory = realpath(settings->data_dir, NULL);
	_cleanup_free_ char *data = mem_printf("%s/node", directory);
	_cleanup_free_ char *dns = dns_addresses(settings);
	_cleanup_free_ char *certificate = mem_printf("%s/pki/kubelet.crt", settings->data_dir);
	_cleanup_free_ char *key = mem_printf("%s/pki/kubelet.key", settings->data_dir);
	_cleanup_free_ char *ca = mem_printf("%s/pki/ca.crt", settings->data_dir);
	const char *argv[WORDS_MOST] = {
		NULL,
		"node",
		"--kubeconfig",
		kubeconfig,
		"--node-name",
		settings->node_name,
		"--data-dir",
		data,
		"--cluster-domain",
		settings->cluster_domain,
		"--cluster-dns",
		dns,
		"--kubelet-listen",
		"0.0.0.0:0",
		"--tls-certificate",
		certificate,
		"--tls-key",
		key,
		"--client-ca",
		ca,
		"--log-level",
		settings->log_level,
		NULL,
	};

	if (kubeconfig == NULL || directory == NULL ||
	    make_server_certificate(settings, api, user) < 0) {
		return error_origin(-EIO);
	}
	return error_trace(own_child_start(loop, settings->data_dir, "node", argv, &part->node));
}

static int start_proxy(struct node_part *part, struct loop *loop, const struct settings *settings,
		       const struct api_part *api)
{
	_cleanup_free_ char *kubeconfig =
		write_credentials(settings, api, "proxy", "system:kube-proxy", NULL);
	const char *argv[WORDS_MOST] = {
		NULL,           "proxy",
		"--kubeconfig", kubeconfig,
		"--node-name",  settings->node_name,
		"--pod-cidr",   settings->pod_cidr,
		"--log-level",  settings->log_level,
		"--routes",
	};
	size_t n = 11;

	if (kubeconfig == NULL) {
		return error_origin(-EIO);
	}
	for (size_t i = 0; i < 2 && settings->cluster_dns_addresses[i] != NULL; i++) {
		argv[n++] = "--address";
		argv[n++] = settings->cluster_dns_addresses[i];
	}
	return error_trace(own_child_start(loop, settings->data_dir, "proxy", argv, &part->proxy));
}

int node_part_start(struct node_part *part, struct loop *loop, const struct settings *settings,
		    const struct api_part *api)
{
	int result = start_node(part, loop, settings, api);

	if (result == 0) {
		result = start_proxy(part, loop, settings, api);
	}
	return error_trace(result);
}

void node_part_stop(struct node_part *part)
{
	part->node = child_free(part->node, stop_ns);
	part->proxy = child_free(part->proxy, stop_ns);
}
