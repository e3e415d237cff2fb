/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/dns_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/settings.h"
#include "cmd/ttl_options.h"

#define AT(member) offsetof(struct dns_settings, member)

enum { UNSAID = -1, STARTUP_MS = 5000 };

static const char usual_corefile[] = "/etc/coredns/Corefile";
static const char ipv6_interfaces[] = "/proc/net/if_inet6";

static const struct option options[] = {
	{ "kubeconfig", "FILE",
	  "the API server and who we are ($KUBECONFIG, the pod's service account, ~/.kube/config)",
	  OPTION_TEXT, AT(kubeconfig), 0, 0, NULL },
	{ "context", "NAME", "the context of the kubeconfig (its current one)", OPTION_TEXT,
	  AT(context), 0, 0, NULL },
	{ "corefile", "FILE",
	  "settings of the DNS server before us (/etc/coredns/Corefile, if any)", OPTION_TEXT,
	  AT(corefile_path), 0, 0, NULL },
	{ "listen", "ADDR:PORT", "DNS over UDP and TCP, may be repeated (127.0.0.1:1053)",
	  OPTION_LISTENS, AT(listen), 0, 0, NULL },
	{ "listen-early", "ADDR:PORT",
	  "the same for an address that this machine may get later, may be repeated",
	  OPTION_LISTENS, AT(early), 0, 0, NULL },
	{ "metrics-listen", "ADDR:PORT", "metrics and health over HTTP (127.0.0.1:9153)",
	  OPTION_LISTEN, AT(metrics), 0, 0, NULL },
	{ "cluster-domain", "NAME", "the zone of the cluster (cluster.local)", OPTION_TEXT,
	  AT(cluster_domain), 0, 0, NULL },
	{ "ttl", "SECONDS", "of every answer, 0 to 3600 (5)", OPTION_NUMBER, AT(ttl), 0, 3600,
	  NULL },
	TTL_OPTIONS(struct dns_settings),
	{ "pods", "MODE", "a-b-c-d.NS.pod names: disabled, insecure or verified (insecure)",
	  OPTION_TEXT, AT(pods), 0, 0, "disabled|insecure|verified" },
	{ "upstream", "ADDR[:PORT]", "asks there for names outside the cluster, may be repeated",
	  OPTION_LIST, AT(upstreams), 0, 0, NULL },
	{ "dns-workers", "N", "DNS threads (one a core)", OPTION_NUMBER, AT(dns_workers), 1, 256,
	  NULL },
	OPERATION_OPTIONS(struct dns_settings, operation),
	{ "log-level", "LEVEL", "error, warning, info or debug (info)", OPTION_TEXT, AT(log_level),
	  0, 0, "error|warning|info|debug" },
	{ "help", NULL, "show this", OPTION_SWITCH, AT(help), 0, 0, NULL },
};

static void show_help(void)
{
	printf("usage: headlessd dns [OPTIONS]\n\nThe cluster DNS of any Kubernetes cluster: "
	       "watches "
	       "its API server, answers from memory.\n\n");
	options_help(options, ARRAY_SIZE(options));
}

/* ---- Corefile ---- */

static void warn(void *userdata, const char *line)
{
	log_warning("corefile", "%s", line);
}

static bool read_corefile(struct dns_settings *settings, int *ret_code)
{
	const char *path =
		settings->corefile_path != NULL ? settings->corefile_path : usual_corefile;
	_cleanup_free_ char *text = NULL;
	char message[COREFILE_MESSAGE];
	struct str all = STR_NONE;
	int result = file_read(path, LIMIT_COREFILE, &text, &all.n);

	if (result == -ENOENT && settings->corefile_path == NULL) {
		return true;
	}
	if (result < 0) {
		fprintf(stderr, "headlessd: cannot read %s: %s (--corefile)\n", path,
			strerror(-result));
		*ret_code = EXIT_FAILED;
		return false;
	}
	all.p = text;
	if (corefile_parse(path, all, warn, NULL, &settings->corefile, message) != 0) {
		fprintf(stderr, "headlessd: %s\n", message);
		*ret_code = EXIT_FAILED;
		return false;
	}
	settings->corefile_path = path;
	return true;
}

static bool has_corefile(const struct dns_settings *settings)
{
	return settings->corefile.port != 0;
}

/* ---- one after the other ---- */

static void add_listen(struct option_listens *listens, const char *host, uint16_t port)
{
	struct listen_address *address = &listens->items[listens->n++];

	snprintf(address->host, sizeof(address->host), "%s", host);
	address->port = port;
}

/* A Corefile without `bind` means every address, of both families where there are two. */
static void choose_listen(struct dns_settings *settings)
{
	const struct corefile *corefile = &settings->corefile;

	if (settings->listen.n != 0) {
		return;
	}
	if (!has_corefile(settings)) {
		if (settings->early.n == 0) {
			add_listen(&settings->listen, "127.0.0.1", 1053);
		}
		return;
	}
	for (size_t i = 0; i < corefile->n_binds; i++) {
		add_listen(&settings->listen, corefile->binds[i], corefile->port);
	}
	if (corefile->n_binds == 0) {
		add_listen(&settings->listen, "0.0.0.0", corefile->port);
		if (access(ipv6_interfaces, R_OK) == 0) {
			add_listen(&settings->listen, "::", corefile->port);
		}
	}
}

static bool add_early(struct dns_settings *settings)
{
	if (settings->listen.n + settings->early.n > OPTION_LIST_MAX) {
		fprintf(stderr, "headlessd: --listen and --listen-early: at most %d together\n",
			OPTION_LIST_MAX);
		return false;
	}
	for (size_t i = 0; i < settings->early.n; i++) {
		settings->listen.items[settings->listen.n++] = settings->early.items[i];
	}
	return true;
}

static bool same_address(const struct listen_address *a, const struct listen_address *b)
{
	return a->port == b->port && a->port != 0 && strcmp(a->host, b->host) == 0;
}

/* The probes of a Deployment ask at the ports that the Corefile says. */
static bool add_probe(struct dns_settings *settings, const char *text)
{
	struct option_listens *probes = &settings->probes;
	struct listen_address address;

	if (text[0] == '\0') {
		return true;
	}
	if (!listen_parse(text, &address)) {
		fprintf(stderr, "headlessd: %s: \"%s\" is no address and port\n",
			settings->corefile_path, text);
		return false;
	}
	if (same_address(&address, &settings->metrics) ||
	    (probes->n != 0 && same_address(&address, &probes->items[0]))) {
		return true;
	}
	probes->items[probes->n++] = address;
	return true;
}

static bool choose_metrics(struct dns_settings *settings)
{
	const struct corefile *corefile = &settings->corefile;
	const char *text = corefile->metrics[0] != '\0' ? corefile->metrics : "127.0.0.1:9153";

	if (settings->metrics.host[0] == '\0' && !listen_parse(text, &settings->metrics)) {
		fprintf(stderr, "headlessd: %s: \"%s\" is no address and port\n",
			settings->corefile_path, text);
		return false;
	}
	return add_probe(settings, corefile->health) && add_probe(settings, corefile->ready);
}

static void choose_upstreams(struct dns_settings *settings)
{
	const struct corefile *corefile = &settings->corefile;

	if (settings->upstreams.n != 0) {
		return;
	}
	for (size_t i = 0; i < corefile->n_upstreams; i++) {
		settings->upstreams.items[settings->upstreams.n++] = corefile->upstreams[i];
	}
	settings->resolv_conf = corefile->resolv_conf;
}

static void choose_zone(struct dns_settings *settings)
{
	static const char *const modes[] = {
		[ZONE_PODS_DISABLED] = "disabled",
		[ZONE_PODS_INSECURE] = "insecure",
		[ZONE_PODS_VERIFIED] = "verified",
	};
	const struct corefile *corefile = &settings->corefile;

	if (settings->cluster_domain == NULL) {
		settings->cluster_domain =
			corefile->domain != NULL ? corefile->domain : "cluster.local";
	}
	if (settings->ttl == UNSAID) {
		settings->ttl = has_corefile(settings) ? corefile->ttl : ZONE_TTL_DEFAULT;
	}
	settings->pods_mode = has_corefile(settings) ? corefile->pods : ZONE_PODS_INSECURE;
	for (size_t i = 0; i < ARRAY_SIZE(modes) && settings->pods != NULL; i++) {
		if (strcmp(settings->pods, modes[i]) == 0) {
			settings->pods_mode = (enum zone_pods)i;
		}
	}
}

static void choose_rest(struct dns_settings *settings)
{
	const struct corefile *corefile = &settings->corefile;

	if (settings->kubeconfig == NULL && corefile->kubeconfig != NULL) {
		settings->kubeconfig = corefile->kubeconfig;
		if (settings->context == NULL) {
			settings->context = corefile->context;
		}
	}
	settings->startup_ms = has_corefile(settings) ? corefile->startup_ms : STARTUP_MS;
	settings->lameduck_ms = corefile->lameduck_ms;
	if (settings->operation.nsid == NULL) {
		settings->operation.nsid = corefile->nsid;
	}
}

bool dns_settings_parse(int argc, char **argv, struct dns_settings *ret, int *ret_code)
{
	struct dns_settings *settings = ret;

	*settings = (struct dns_settings){ .log_level = "info", .ttl = UNSAID };
	for (size_t i = 0; i < ZONE_TTLS; i++) {
		settings->ttls[i] = UNSAID;
	}
	*ret_code = EXIT_USAGE;
	if (!options_parse(options, ARRAY_SIZE(options), argc, argv, 1, settings, NULL)) {
		return false;
	}
	if (settings->help) {
		show_help();
		*ret_code = EXIT_FINE;
		return false;
	}
	settings_log_level(settings->log_level);
	if (!read_corefile(settings, ret_code)) {
		return false;
	}
	*ret_code = EXIT_FAILED;
	choose_listen(settings);
	choose_upstreams(settings);
	choose_zone(settings);
	choose_rest(settings);
	return add_early(settings) && choose_metrics(settings);
}

void dns_settings_deinit(struct dns_settings *settings)
{
	corefile_deinit(&settings->corefile);
}
