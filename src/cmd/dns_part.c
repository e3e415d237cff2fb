/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/dns_part.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/snapshot.h"
#include "client/cache.h"
#include "dns/dnstap.h"
#include "dns/query_log.h"
#include "dns/resolver.h"
#include "dns/server.h"
#include "ops/zone_settings.h"
#include "zone/address.h"
#include "zone/zone.h"

enum { RESOLV_CONF_MAX = 64 * 1024, LISTEN_TEXT = 80 };

static const char resolv_conf[] = "/etc/resolv.conf";

static struct str describe_zone(const struct zone_config *config)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_ZONE_SETTINGS);

	zone_settings_write(config, &text);
	return (struct str){ .p = str_dup((struct str){ text.p, text.n }), .n = text.n };
}

static int open_zone(struct dns_part *part, const struct dns_part_config *config,
		     struct cache *cache)
{
	const struct kind *wanted[ZONE_KINDS_MAX];
	char message[ZONE_MESSAGE];
	size_t n = 0;
	struct zone_config zone = {
		.domain = config->domain,
		.ttl = config->ttl,
		.pods = config->pods,
		.zonal = config->zonal,
		.clusterset_domain = config->clusterset_domain,
		.reverse = config->networks,
		.fallthrough = config->fallthrough,
		.reverse_fallthrough = config->reverse_fallthrough,
		.namespaces = config->namespaces,
		.n_namespaces = config->n_namespaces,
		.no_endpoints = config->no_endpoints,
		.ignore_empty_service = config->ignore_empty_service,
		.endpoint_pod_names = config->endpoint_pod_names,
	};

	while (n < ARRAY_SIZE(config->networks) && config->networks[n] != NULL) {
		n++;
	}
	zone.n_reverse = n;
	for (size_t i = 0; i < ZONE_TTLS; i++) {
		zone.ttls[i] = (struct zone_ttl){
			.set = config->ttls[i] >= 0,
			.seconds = (uint32_t)config->ttls[i],
		};
	}
	if (zone_new(&zone, &part->zone, message) != 0) {
		fprintf(stderr, "headlessd: %s\n", message);
		return error_origin(-EINVAL);
	}
	part->settings = describe_zone(&zone);
	part->cache = cache;
	n = zone_kinds(part->zone, wanted);
	for (size_t i = 0; i < n; i++) {
		if (config->keep_little) {
			cache_keep(cache, wanted[i], zone_keep);
		}
		cache_subscribe(cache, wanted[i], zone_change, part->zone);
	}
	return 0;
}

/* The upstreams of the command line, or those of this machine without ourselves. */
static size_t find_upstreams(const struct dns_part_config *config,
			     char *ret_upstreams[DNS_RESOLVER_UPSTREAMS])
{
	const char *path = config->resolv_conf != NULL ? config->resolv_conf : resolv_conf;
	_cleanup_free_ char *text = NULL;
	char own[OPTION_LIST_MAX][LISTEN_TEXT];
	const char *own_texts[OPTION_LIST_MAX];
	size_t n = 0;

	for (; n < config->upstreams->n && n < DNS_RESOLVER_UPSTREAMS; n++) {
		ret_upstreams[n] = mem_strdup(config->upstreams->items[n]);
	}
	if (n != 0 || file_read(path, RESOLV_CONF_MAX, &text, NULL) < 0) {
		return n;
	}
	for (size_t i = 0; i < config->listen->n; i++) {
		listen_format(&config->listen->items[i], own[i], sizeof(own[i]));
		own_texts[i] = own[i];
	}
	return dns_resolv_conf(text, strlen(text), own_texts, config->listen->n, ret_upstreams);
}

static int open_resolver(struct dns_part *part, const struct dns_part_config *config)
{
	char *upstreams[DNS_RESOLVER_UPSTREAMS];
	char message[DNS_RESOLVER_MESSAGE] = "the resolver thread did not start";
	size_t n = find_upstreams(config, upstreams);
	struct dns_resolver_config resolver = {
		.upstreams = (const char *const *)upstreams,
		.n_upstreams = n,
		.sandbox = part->sandbox,
	};
	int result = dns_resolver_new(&resolver, &part->resolver, message);

	for (size_t i = 0; i < n; i++) {
		mem_free(upstreams[i]);
	}
	if (result != 0) {
		fprintf(stderr, "headlessd: %s (--upstream)\n", message);
		return error_origin(-EINVAL);
	}
	return 0;
}

/*
 * Whom --rate-limit does not mean: this machine, the pods, and who is named. Returns 0 or a
 * negative errno.
 */
static int find_exempt(const struct dns_part_config *config,
		       const char *ret_exempt[LIMIT_DNS_RATE_EXEMPT], size_t *ret_n)
{
	const struct option_list *named = &config->operation->rate_exempt;
	size_t n = 0;

	_Static_assert(OPTION_LIST_MAX + 4 <= LIMIT_DNS_RATE_EXEMPT, "all fit");
	ret_exempt[n++] = "127.0.0.0/8";
	ret_exempt[n++] = "::1/128";
	for (size_t i = 0; i < ARRAY_SIZE(config->pod_networks); i++) {
		if (config->pod_networks[i] != NULL) {
			ret_exempt[n++] = config->pod_networks[i];
		}
	}
	for (size_t i = 0; i < named->n; i++) {
		struct ip_network network;

		if (!ip_network_parse(str_from(named->items[i]), &network)) {
			fprintf(stderr,
				"headlessd: --rate-limit-exempt %s: expected a network, such as "
				"10.244.0.0/16\n",
				named->items[i]);
			return error_origin(-EINVAL);
		}
		ret_exempt[n++] = named->items[i];
	}
	if (config->operation->rate_limit != 0 && n == 2) {
		log_warning("dns", "--rate-limit counts pods, too: --rate-limit-exempt names their "
				   "networks");
	}
	*ret_n = config->operation->rate_limit != 0 ? n : 0;
	return 0;
}

static int check_transfer_to(const struct option_list *named)
{
	for (size_t i = 0; i < named->n; i++) {
		struct str text = str_from(named->items[i]);
		struct ip_network network;
		struct ip ip;

		if (!ip_parse(text, &ip) && !ip_network_parse(text, &network)) {
			fprintf(stderr,
				"headlessd: --transfer-to %s: expected an address or a network, "
				"such as 192.0.2.0/24\n",
				named->items[i]);
			return error_origin(-EINVAL);
		}
	}
	return 0;
}

/* Who may have whole zones. Returns how many. */
static size_t find_transfer_to(const struct dns_part_config *config,
			       const char *ret_to[LIMIT_DNS_TRANSFER_TO])
{
	const struct option_list *named = &config->operation->transfer_to;
	size_t n = 0;

	for (size_t i = 0; i < named->n && n < LIMIT_DNS_TRANSFER_TO; i++) {
		ret_to[n++] = named->items[i];
	}
	for (size_t i = 0; i < config->n_transfer_to && n < LIMIT_DNS_TRANSFER_TO; i++) {
		ret_to[n++] = config->transfer_to[i];
	}
	return n;
}

static unsigned find_logged(const struct dns_part_config *config)
{
	static const struct {
		const char *word;
		enum query_class class;
	} words[] = {
		{ "all", QUERY_ALL },
		{ "success", QUERY_SUCCESS },
		{ "denial", QUERY_DENIAL },
		{ "error", QUERY_ERROR },
	};
	const char *named = config->operation->log_queries;

	for (size_t i = 0; i < ARRAY_SIZE(words) && named != NULL; i++) {
		if (strcmp(words[i].word, named) == 0) {
			return words[i].class;
		}
	}
	return config->log_queries;
}

/* Whom to tell of queries: the command line's word counts. Returns 0 or a negative errno. */
static int find_tap(const struct dns_part_config *config, struct dnstap_config *tap,
		    const struct dnstap_config **ret)
{
	const char *socket = config->operation->dnstap;

	if (config->tap != NULL) {
		*tap = *config->tap;
	}
	if (socket != NULL) {
		*tap = (struct dnstap_config){ .socket = socket, .full = true };
		if (!dnstap_socket_is_valid(socket)) {
			fprintf(stderr,
				"headlessd: --dnstap %s: expected unix:///PATH or "
				"tcp://ADDRESS:PORT\n",
				socket);
			return error_origin(-EINVAL);
		}
	}
	if (tap->version == NULL) {
		tap->version = "headlessd-" HEADLESSD_VERSION;
	}
	*ret = tap->socket != NULL ? tap : NULL;
	return 0;
}

static int open_server(struct dns_part *part, const struct dns_part_config *config)
{
	char texts[OPTION_LIST_MAX][LISTEN_TEXT];
	const char *listen[OPTION_LIST_MAX];
	const char *exempt[LIMIT_DNS_RATE_EXEMPT];
	const char *transfer_to[LIMIT_DNS_TRANSFER_TO];
	char message[DNS_MESSAGE];
	struct dns_server_config server = {
		.rate_limit = (uint32_t)config->operation->rate_limit,
		.rate_exempt = exempt,
		.transfer_to = transfer_to,
		.n_transfer_to = find_transfer_to(config, transfer_to),
		.loop = config->loop,
		.listen = listen,
		.n_listen = config->listen->n,
		.n_early = config->n_early,
		.workers = config->workers,
		.udp_size = config->udp_size,
		.nsid = config->operation->nsid,
		.log_queries = find_logged(config),
		.sandbox = part->sandbox,
	};

	struct dnstap_config tap = { 0 };
	int result = find_exempt(config, exempt, &server.n_rate_exempt);

	if (result < 0 || (result = find_tap(config, &tap, &server.tap)) < 0 ||
	    (result = check_transfer_to(&config->operation->transfer_to)) < 0) {
		return error_trace(result);
	}
	if (server.nsid != NULL && strlen(server.nsid) > LIMIT_DNS_NSID) {
		fprintf(stderr, "headlessd: --nsid: at most %d bytes\n", LIMIT_DNS_NSID);
		return error_origin(-EINVAL);
	}
	for (size_t i = 0; i < config->listen->n; i++) {
		listen_format(&config->listen->items[i], texts[i], sizeof(texts[i]));
		listen[i] = texts[i];
	}
	if (dns_server_new(&server, part->zone, part->resolver, &part->server, message) != 0) {
		fprintf(stderr, "headlessd: %s (%s)\n", message, config->listen_option);
		return error_origin(-EADDRINUSE);
	}
	return 0;
}

static void add_own(const struct ip *address, struct ip own[ZONE_OWN_MAX], size_t *n)
{
	static const uint8_t unspecified[sizeof(address->bytes)];

	if (*n < ZONE_OWN_MAX && memcmp(address->bytes, unspecified, address->n) != 0) {
		own[(*n)++] = *address;
	}
}

/* Who listens everywhere is reached at the addresses of this machine that others can reach. */
static void add_interfaces(sa_family_t family, struct ip own[ZONE_OWN_MAX], size_t *n)
{
	struct ifaddrs *first;

	if (getifaddrs(&first) < 0) {
		return;
	}
	for (const struct ifaddrs *each = first; each != NULL; each = each->ifa_next) {
		const struct sockaddr *address = each->ifa_addr;
		char text[INET6_ADDRSTRLEN];
		struct ip read;

		if (address == NULL || address->sa_family != family ||
		    (each->ifa_flags & IFF_LOOPBACK) != 0) {
			continue;
		}
		const void *bytes =
			family == AF_INET
				? (const void *)&((const struct sockaddr_in *)address)->sin_addr
				: (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr;
		bool local = family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL((struct in6_addr *)bytes);

		if (!local && inet_ntop(family, bytes, text, sizeof(text)) != NULL &&
		    ip_parse(str_from(text), &read)) {
			add_own(&read, own, n);
		}
	}
	freeifaddrs(first);
}

/* The addresses in the NS records. */
static void tell_own_addresses(struct dns_part *part, const struct dns_part_config *config)
{
	struct ip own[ZONE_OWN_MAX];
	size_t n = 0;

	for (size_t i = 0; i < config->listen->n; i++) {
		const char *host = config->listen->items[i].host;
		struct ip address;

		if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0) {
			add_interfaces(host[0] == ':' ? AF_INET6 : AF_INET, own, &n);
		} else if (ip_parse(str_from(host), &address)) {
			add_own(&address, own, &n);
		}
	}
	zone_set_own(part->zone, own, n);
}

static void helper_enters(void *sandbox)
{
	(void)sandbox_enter(sandbox, SANDBOX_WORKER);
}

/* The thread that frees what readers have left: it may have begun before us. */
static void open_sandbox(struct dns_part *part, const struct dns_part_config *config)
{
	if (!config->operation->no_sandbox) {
		part->sandbox = sandbox_new();
		snapshot_retire(part->sandbox, helper_enters);
	}
}

static void tell_sandbox(const char *whose, unsigned in_force)
{
	char text[SANDBOX_TEXT];

	sandbox_describe(in_force, text);
	log_info("sandbox", "%s: %s", whose, text);
}

void dns_part_tell_sandbox(const struct dns_part *part)
{
	tell_sandbox("the threads of DNS", sandbox_probe(part->sandbox));
}

void dns_part_confine(struct dns_part *part)
{
	tell_sandbox("all threads", sandbox_enter(part->sandbox, SANDBOX_THREAD));
}

int dns_part_open(struct dns_part *part, const struct dns_part_config *config, struct cache *cache)
{
	int result;

	open_sandbox(part, config);
	if ((result = open_zone(part, config, cache)) < 0 ||
	    (result = open_resolver(part, config)) < 0 ||
	    (result = open_server(part, config)) < 0) {
		return error_trace(result);
	}
	tell_own_addresses(part, config);
	return 0;
}

int dns_part_serve(struct dns_part *part)
{
	int result = part->started ? 0 : dns_server_start(part->server);

	part->started = result == 0;
	return error_trace(result);
}

/* What the cache has been told of all that the zone is made of. */
static void tell_revision(struct dns_part *part)
{
	const struct kind *kinds[ZONE_KINDS_MAX];
	size_t n = zone_kinds(part->zone, kinds);
	uint64_t newest = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t revision = cache_revision(part->cache, kinds[i]);

		newest = revision > newest ? revision : newest;
	}
	zone_set_revision(part->zone, newest);
}

int dns_part_start(struct dns_part *part)
{
	tell_revision(part);
	zone_synced(part->zone);
	return error_trace(dns_part_serve(part));
}

void dns_part_stop(struct dns_part *part)
{
	part->server = dns_server_free(part->server);
	part->resolver = dns_resolver_free(part->resolver);
	part->zone = zone_free(part->zone);
	mem_free((char *)(uintptr_t)part->settings.p);
	snapshot_barrier();
	part->sandbox = sandbox_free(part->sandbox);
}
