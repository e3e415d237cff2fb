/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headlessd dns: the cluster DNS of any Kubernetes. A remote client fills a cache that keeps next
 * to nothing, the zone hears every change, the workers answer from the zone. Wiring only.
 *
 * Answers begin once everything has been read, or after some seconds without it: then what is not
 * known is SERVFAIL and never NXDOMAIN. When the API server is lost, answers go on from what was
 * known, and /ready, a metric and the log say how long ago that was.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "client/cache.h"
#include "client/client.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "cmd/cmd.h"
#include "cmd/dns_part.h"
#include "cmd/dns_settings.h"
#include "cmd/ready.h"
#include "dns/dnstap.h"
#include "dns/query_log.h"
#include "dns/server.h"
#include "http/server.h"
#include "loop/loop.h"
#include "ops/metrics.h"
#include "ops/zone_settings.h"

#define COMPONENT "dns"

enum { PROBES_MAX = 2 };

struct dns {
	struct dns_settings settings;
	struct kubeconfig kubeconfig;
	struct loop *loop;
	struct client *client;
	struct cache *cache;
	struct dns_part part;
	struct metrics *metrics;
	struct http_server *metrics_server;
	struct http_server *probes[PROBES_MAX];
	struct loop_timer *timer; /* start: how long to wait. End: the lame duck's time */
	uint64_t lost_at; /* monotonic ns since when the data grows old; 0: it does not */
	bool synced;
	bool stopping;
	int code;
};

/* ---- how old the data is ---- */

static double age(const struct dns *dns)
{
	return dns->lost_at == 0
		       ? 0
		       : (double)(clock_monotonic(&clock_system) - dns->lost_at) / (double)NS_PER_S;
}

static void connection_changed(void *userdata)
{
	struct dns *dns = userdata;
	bool lost = !dns->synced || cache_lost(dns->cache) != 0;

	if (lost && dns->lost_at == 0) {
		dns->lost_at = clock_monotonic(&clock_system);
		log_warning(COMPONENT, "%s is lost: answering from what is known",
			    dns->kubeconfig.server);
	} else if (!lost && dns->lost_at != 0) {
		log_info(COMPONENT, "up to date with %s after %.1f s", dns->kubeconfig.server,
			 age(dns));
		dns->lost_at = 0;
	}
}

static void write_age(void *userdata, struct buffer *out)
{
	struct dns *dns = userdata;

	metrics_single(out, "headlessd_data_age_seconds", "gauge",
		       "How long ago the API server was lost; 0 while it is there.", age(dns));
	metrics_single(out, "headlessd_data_synced", "gauge",
		       "1 once everything has been read from the API server.", dns->synced);
}

static void write_unready(void *userdata, struct buffer *lines)
{
	const struct dns *dns = userdata;

	if (dns->stopping) {
		buffer_append_text(lines, "dns: stopping\n");
	} else if (!dns->synced) {
		buffer_printf(lines, "kubernetes: %s has not been read yet\n",
			      dns->kubeconfig.server);
	}
}

static void write_note(void *userdata, struct buffer *lines)
{
	const struct dns *dns = userdata;

	if (dns->lost_at != 0) {
		buffer_printf(lines, "\nkubernetes: %s is lost, the data is %.0f s old\n",
			      dns->kubeconfig.server, age(dns));
	}
}

/* ---- start ---- */

static void serve(struct dns *dns, int (*begin)(struct dns_part *part))
{
	struct listen_address metrics = dns->settings.metrics;
	bool first = !dns->part.started;
	char text[80];

	if (begin(&dns->part) < 0) {
		fprintf(stderr, "headlessd: cannot start the DNS threads\n");
		dns->code = EXIT_FAILED;
		loop_stop(dns->loop);
		return;
	}
	if (first) {
		metrics.port = http_server_port(dns->metrics_server);
		listen_format(&metrics, text, sizeof(text));
		ready_say(dns->kubeconfig.server, dns_server_address(dns->part.server, 0), text,
			  dns->kubeconfig.path);
	}
}

static void cache_synced(void *userdata)
{
	struct dns *dns = userdata;

	dns->synced = true;
	if (!dns->stopping) {
		loop_timer_stop(dns->timer);
	}
	connection_changed(dns);
	serve(dns, dns_part_start);
}

static void timer_fired(void *userdata)
{
	struct dns *dns = userdata;

	if (dns->stopping) {
		loop_stop(dns->loop);
		return;
	}
	log_warning(COMPONENT,
		    "%s has not been read yet: answering from what is known, and SERVFAIL beyond",
		    dns->kubeconfig.server);
	serve(dns, dns_part_serve);
}

static unsigned logged_classes(const struct corefile *corefile)
{
	return (corefile->log_success ? QUERY_SUCCESS : 0U) |
	       (corefile->log_denial ? QUERY_DENIAL : 0U) |
	       (corefile->log_error ? QUERY_ERROR : 0U);
}

static int start_dns(struct dns *dns)
{
	const struct dns_settings *settings = &dns->settings;
	const struct corefile_tap *named = &settings->corefile.tap;
	const struct dnstap_config tap = {
		.socket = named->socket,
		.full = named->full,
		.identity = named->identity,
		.version = named->version,
	};
	struct dns_part_config config = {
		.domain = settings->cluster_domain,
		.ttl = (uint32_t)settings->ttl,
		.ttls = settings->ttls,
		.pods = settings->pods_mode,
		.fallthrough = settings->corefile.fallthrough,
		.reverse_fallthrough = settings->corefile.reverse_fallthrough,
		.namespaces = (const char *const *)settings->corefile.namespaces,
		.n_namespaces = settings->corefile.n_namespaces,
		.no_endpoints = settings->corefile.no_endpoints,
		.ignore_empty_service = settings->corefile.ignore_empty_service,
		.endpoint_pod_names = settings->corefile.endpoint_pod_names,
		.zonal = settings->corefile.zonal,
		.keep_little = true,
		.workers = (unsigned)settings->dns_workers,
		.operation = &settings->operation,
		.log_queries = logged_classes(&settings->corefile),
		.tap = named->socket != NULL ? &tap : NULL,
		.transfer_to = (const char *const *)settings->corefile.transfer_to,
		.n_transfer_to = settings->corefile.n_transfer_to,
		.loop = dns->loop,
		.udp_size = settings->corefile.udp_size,
		.listen = &settings->listen,
		.n_early = settings->early.n,
		.listen_option = "--listen",
		.upstreams = &settings->upstreams,
		.resolv_conf = settings->resolv_conf,
	};

	for (size_t i = 0; i < settings->corefile.n_reverse; i++) {
		config.networks[i] = settings->corefile.reverse[i];
	}
	return error_trace(dns_part_open(&dns->part, &config, dns->cache));
}

static int start_http(struct dns *dns, const struct listen_address *address,
		      struct http_server **ret)
{
	const struct http_server_config config = {
		.address = address->host,
		.port = address->port,
		.handler = metrics_handle,
		.userdata = dns->metrics,
	};
	char message[256] = "";
	int result = http_server_new(dns->loop, &config, message, sizeof(message), ret);

	if (result < 0) {
		fprintf(stderr, "headlessd: metrics: %s (--metrics-listen, or in the Corefile)\n",
			message);
	}
	return error_trace(result);
}

static int start_metrics(struct dns *dns)
{
	int result;

	dns->metrics = metrics_new();
	metrics_add(dns->metrics, dns_part_metrics, &dns->part);
	metrics_add(dns->metrics, write_age, dns);
	metrics_add(dns->metrics, metrics_process, NULL);
	metrics_extend(dns->metrics, ZONE_SETTINGS_PREFIX, zone_settings_handle,
		       &dns->part.settings);
	metrics_on_ready(dns->metrics, write_unready, dns);
	metrics_on_note(dns->metrics, write_note, dns);
	result = start_http(dns, &dns->settings.metrics, &dns->metrics_server);
	for (size_t i = 0; i < dns->settings.probes.n && i < PROBES_MAX && result == 0; i++) {
		result = start_http(dns, &dns->settings.probes.items[i], &dns->probes[i]);
	}
	return error_trace(result);
}

/*
 * The first order lets what is under way end where a lame duck was asked for; the second does not.
 */
static void told_to_stop(void *userdata, int signal)
{
	struct dns *dns = userdata;

	if (dns->stopping || dns->settings.lameduck_ms == 0) {
		log_info(COMPONENT, "stopping on %s", strsignal(signal));
		loop_stop(dns->loop);
		return;
	}
	log_info(COMPONENT, "stopping on %s in %u ms", strsignal(signal),
		 dns->settings.lameduck_ms);
	dns->stopping = true;
	loop_timer_set(dns->timer, dns->settings.lameduck_ms * NS_PER_MS);
}

/* What is read again when it was replaced. */
static void enter_sandbox(struct dns *dns)
{
	const struct kubeconfig *config = &dns->kubeconfig;
	struct sandbox *sandbox = dns->part.sandbox;

	sandbox_allow_read(sandbox, config->path);
	sandbox_allow_replaced(sandbox, config->ca.file);
	sandbox_allow_replaced(sandbox, config->certificate.file);
	sandbox_allow_replaced(sandbox, config->key.file);
	sandbox_allow_replaced(sandbox, config->token_file);
	sandbox_allow_replaced(sandbox, dns->settings.corefile_path);
	sandbox_allow_read(sandbox, dns->settings.resolv_conf);
	dns_part_confine(&dns->part);
}

static int start_client(struct dns *dns)
{
	char message[KUBECONFIG_MESSAGE];

	if (kubeconfig_read(dns->settings.kubeconfig, dns->settings.context, &dns->kubeconfig,
			    message) != 0) {
		fprintf(stderr, "headlessd: %s (--kubeconfig)\n", message);
		return error_origin(-EINVAL);
	}
	return error_trace(remote_client_new(dns->loop, &dns->kubeconfig, &dns->client));
}

static int start(struct dns *dns)
{
	int result;

	if ((result = loop_new(&dns->loop)) < 0 ||
	    (result = loop_signal(dns->loop, SIGTERM, told_to_stop, dns)) < 0 ||
	    (result = loop_signal(dns->loop, SIGINT, told_to_stop, dns)) < 0 ||
	    (result = start_client(dns)) < 0) {
		return error_trace(result);
	}
	dns->lost_at = clock_monotonic(&clock_system);
	dns->timer = loop_timer_new(dns->loop, timer_fired, dns);
	dns->cache = cache_new(dns->client);
	cache_on_connection(dns->cache, connection_changed, dns);
	if ((result = start_dns(dns)) < 0 || (result = start_metrics(dns)) < 0) {
		return error_trace(result);
	}
	enter_sandbox(dns);
	loop_timer_set(dns->timer, dns->settings.startup_ms * NS_PER_MS);
	cache_on_synced(dns->cache, cache_synced, dns);
	return 0;
}

static void stop(struct dns *dns)
{
	for (size_t i = 0; i < PROBES_MAX; i++) {
		dns->probes[i] = http_server_free(dns->probes[i]);
	}
	dns->metrics_server = http_server_free(dns->metrics_server);
	dns->metrics = metrics_free(dns->metrics);
	dns->cache = cache_free(dns->cache);
	dns->client = client_free(dns->client);
	dns_part_stop(&dns->part);
	dns->timer = loop_timer_free(dns->timer);
	dns->loop = loop_free(dns->loop);
	kubeconfig_deinit(&dns->kubeconfig);
}

static int run(int argc, char **argv)
{
	static struct dns dns;
	int code;

	if (dns_settings_parse(argc, argv, &dns.settings, &code)) {
		dns.code = EXIT_FAILED;
		if (start(&dns) == 0) {
			dns.code = EXIT_FINE;
			if (loop_run(dns.loop) < 0) {
				dns.code = EXIT_FAILED;
			}
		}
		stop(&dns);
		code = dns.code;
	}
	dns_settings_deinit(&dns.settings);
	return code;
}

const struct cmd cmd_dns = {
	.name = "dns",
	.usage = "[OPTIONS]",
	.help = "the cluster DNS of any Kubernetes cluster",
	.run = run,
};
