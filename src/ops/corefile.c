/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Corefile is a list of server blocks: keys (zones with ports) and the plugins for them. Here is
 * one server with one zone and one set of upstreams. So the block that has `kubernetes` is taken
 * whole, from the block of the root zone the upstreams, and any other block is warned of.
 */
#include "ops/corefile.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/ip.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ops/corefile_intern.h"
#include "zone/address.h"

enum { DEFAULT_PORT = 53, DEFAULT_STARTUP_MS = 5000, WARNING = 512, DAY_MS = 24 * 3600 * 1000 };

/* ---- words ---- */

int corefile_bad(struct parsing *parsing, const struct corefile_line *line, const char *format, ...)
{
	va_list arguments;
	int n = snprintf(parsing->message, COREFILE_MESSAGE, "%s:%zu: ", parsing->name,
			 line->number);

	if (n > 0 && n < COREFILE_MESSAGE) {
		va_start(arguments, format);
		vsnprintf(parsing->message + n, (size_t)(COREFILE_MESSAGE - n), format, arguments);
		va_end(arguments);
	}
	return COREFILE_SYNTAX;
}

void corefile_warn(struct parsing *parsing, const struct corefile_line *line, const char *format,
		   ...)
{
	char warning[WARNING];
	va_list arguments;
	int n = snprintf(warning, sizeof(warning), "%s:%zu: ", parsing->name, line->number);

	if (n > 0 && n < WARNING) {
		va_start(arguments, format);
		vsnprintf(warning + n, (size_t)(WARNING - n), format, arguments);
		va_end(arguments);
	}
	parsing->warn(parsing->userdata, warning);
}

int corefile_apply(struct parsing *parsing, const struct corefile_line *lines,
		   const struct corefile_word *words, size_t n, const char *of)
{
	int result = 0;

	for (const struct corefile_line *line = lines; line != NULL && result == 0;
	     line = line->next) {
		const struct corefile_word *word = NULL;

		for (size_t i = 0; i < n && word == NULL; i++) {
			word = strcmp(words[i].word, line->words[0]) == 0 ? &words[i] : NULL;
		}
		if (word == NULL) {
			corefile_warn(parsing, line, "unknown %s \"%.100s\": it is passed over", of,
				      line->words[0]);
		} else if (word->apply != NULL) {
			result = word->apply(parsing, line);
		} else if (word->missing != NULL) {
			corefile_warn(parsing, line, "%s \"%s\" is not done: %s", of, word->word,
				      word->missing);
		}
	}
	return result;
}

bool corefile_duration(const char *text, uint32_t *ret_ms)
{
	uint64_t ns;

	if (duration_parse(str_from(text), DAY_MS * NS_PER_MS, &ns) != 0) {
		return false;
	}
	*ret_ms = (uint32_t)(ns / NS_PER_MS);
	return true;
}

/* The port behind the last colon, unless that stands in an IPv6 network. */
static void cut_port(struct str *key, uint16_t *ret_port)
{
	const char *colon = key->n != 0 ? memrchr(key->p, ':', key->n) : NULL;
	struct network network;
	uint64_t port;

	*ret_port = 0;
	if (colon == NULL || network_parse(*key, &network)) {
		return;
	}
	struct str number = { .p = colon + 1, .n = key->n - (size_t)(colon - key->p) - 1 };
	if (str_to_u64(number, UINT16_MAX, &port)) {
		key->n = (size_t)(colon - key->p);
		*ret_port = (uint16_t)port;
	}
}

void corefile_split_key(struct str key, struct str *ret_zone, uint16_t *ret_port)
{
	const char *scheme;

	while (key.n != 0 && key.p[key.n - 1] == ',') {
		key.n--;
	}
	scheme = key.n != 0 ? memmem(key.p, key.n, "://", 3) : NULL;
	if (scheme != NULL) {
		key = str_skip(key, (size_t)(scheme - key.p) + 3);
	}
	cut_port(&key, ret_port);
	if (key.n != 0 && key.p[key.n - 1] == '.') {
		key.n--;
	}
	*ret_zone = key;
}

/* ---- plugins ---- */

/* An address to listen on of a plugin that takes at most one. */
static int read_address(struct parsing *parsing, const struct corefile_line *line,
			const char *otherwise, char *ret)
{
	const char *text = line->n > 1 ? line->words[1] : otherwise;
	const char *colon = strrchr(text, ':');
	int host = colon != NULL ? (int)(colon - text) : 0;
	uint64_t port;

	if (line->n > 2 || colon == NULL || !str_to_u64(str_from(colon + 1), UINT16_MAX, &port) ||
	    strlen(text) >= COREFILE_ADDRESS - sizeof("127.0.0.1")) {
		return corefile_bad(parsing, line, "%s: expected one address and port, such as %s",
				    line->words[0], otherwise);
	}
	if (host == 0) {
		snprintf(ret, COREFILE_ADDRESS, "0.0.0.0:%s", colon + 1);
	} else if (strncmp(text, "localhost:", (size_t)host + 1) == 0) {
		snprintf(ret, COREFILE_ADDRESS, "127.0.0.1:%s", colon + 1);
	} else {
		snprintf(ret, COREFILE_ADDRESS, "%s", text);
	}
	return 0;
}

static int set_metrics(struct parsing *parsing, const struct corefile_line *line)
{
	return read_address(parsing, line, "localhost:9153", parsing->corefile->metrics);
}

static int set_ready(struct parsing *parsing, const struct corefile_line *line)
{
	return read_address(parsing, line, ":8181", parsing->corefile->ready);
}

static int set_lameduck(struct parsing *parsing, const struct corefile_line *line)
{
	if (line->n != 2 || !corefile_duration(line->words[1], &parsing->corefile->lameduck_ms)) {
		return corefile_bad(parsing, line, "lameduck: expected a time such as 5s");
	}
	return 0;
}

static int set_health(struct parsing *parsing, const struct corefile_line *line)
{
	static const struct corefile_word options[] = { { "lameduck", set_lameduck, NULL } };
	int result = read_address(parsing, line, ":8080", parsing->corefile->health);

	return result != 0 ? result
			   : corefile_apply(parsing, line->block, options, ARRAY_SIZE(options),
					    "option of health");
}

static int set_bufsize(struct parsing *parsing, const struct corefile_line *line)
{
	uint64_t size = LIMIT_DNS_UDP;

	if (line->n > 2 ||
	    (line->n == 2 &&
	     (!str_to_u64(str_from(line->words[1]), LIMIT_DNS_UDP_MAX, &size) || size < 512))) {
		return corefile_bad(parsing, line, "bufsize: expected a number from 512 to %d",
				    LIMIT_DNS_UDP_MAX);
	}
	parsing->corefile->udp_size = (uint16_t)size;
	return 0;
}

static int set_log_class(struct parsing *parsing, const struct corefile_line *line)
{
	struct corefile *corefile = parsing->corefile;

	for (size_t i = 1; i < line->n; i++) {
		bool all = strcmp(line->words[i], "all") == 0;
		bool success = all || strcmp(line->words[i], "success") == 0;
		bool denial = all || strcmp(line->words[i], "denial") == 0;
		bool error = all || strcmp(line->words[i], "error") == 0;

		if (!success && !denial && !error) {
			return corefile_bad(parsing, line,
					    "class: expected all, success, denial or error");
		}
		corefile->log_success |= success;
		corefile->log_denial |= denial;
		corefile->log_error |= error;
	}
	return 0;
}

/* Names and a format of lines may stand behind it; lines are of all names, in the usual format. */
static int set_log(struct parsing *parsing, const struct corefile_line *line)
{
	static const struct corefile_word options[] = { { "class", set_log_class, NULL } };
	struct corefile *corefile = parsing->corefile;
	int result =
		corefile_apply(parsing, line->block, options, ARRAY_SIZE(options), "option of log");

	if (line->n > 2 || (line->n == 2 && strcmp(line->words[1], ".") != 0)) {
		corefile_warn(parsing, line, "log: all names are logged, in the usual format");
	}
	if (result == 0 && !corefile->log_success && !corefile->log_denial &&
	    !corefile->log_error) {
		corefile->log_success = corefile->log_denial = corefile->log_error = true;
	}
	return result;
}

/* Who we are: the words as they stand, or the name of this host. */
static int set_nsid(struct parsing *parsing, const struct corefile_line *line)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_DNS_NSID);
	char host[HOST_NAME_MAX + 1] = "";

	for (size_t i = 1; i < line->n; i++) {
		buffer_printf(&text, "%s%s", i > 1 ? " " : "", line->words[i]);
	}
	if (line->n == 1 && gethostname(host, sizeof(host) - 1) == 0) {
		buffer_append_text(&text, host);
	}
	if (text.overflowed) {
		return corefile_bad(parsing, line, "nsid: at most %d bytes", LIMIT_DNS_NSID);
	}
	mem_free(parsing->corefile->nsid);
	parsing->corefile->nsid = buffer_take(&text, NULL);
	return 0;
}

/* An address may have a port, where CoreDNS sends a NOTIFY; a network is our own addition. */
static int add_transfer_to(struct parsing *parsing, const struct corefile_line *line,
			   const char *word)
{
	struct corefile *corefile = parsing->corefile;
	struct str text = str_from(word);
	struct str host = text;
	struct ip_network network;
	struct ip ip;
	uint16_t port;

	if (!ip_parse(text, &ip) && !ip_network_parse(text, &network)) {
		cut_port(&host, &port);
		if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
			host = (struct str){ .p = host.p + 1, .n = host.n - 2 };
		}
		if (!ip_parse(host, &ip)) {
			return corefile_bad(parsing, line,
					    "transfer to \"%.100s\": no address, network or \"*\"",
					    word);
		}
	}
	if (corefile->n_transfer_to == COREFILE_TRANSFER_TO) {
		return corefile_bad(parsing, line, "transfer: at most %d addresses",
				    COREFILE_TRANSFER_TO);
	}
	corefile->transfer_to[corefile->n_transfer_to++] = str_dup(host);
	return 0;
}

static int set_transfer_to(struct parsing *parsing, const struct corefile_line *line)
{
	int result = 0;

	if (line->n == 1) {
		return corefile_bad(parsing, line, "transfer to whom?");
	}
	for (size_t i = 1; i < line->n && result == 0; i++) {
		if (strcmp(line->words[i], "*") != 0) {
			result = add_transfer_to(parsing, line, line->words[i]);
		} else if ((result = add_transfer_to(parsing, line, "0.0.0.0/0")) == 0) {
			result = add_transfer_to(parsing, line, "::/0");
		}
	}
	return result;
}

static int set_transfer(struct parsing *parsing, const struct corefile_line *line)
{
	static const struct corefile_word words[] = { { "to", set_transfer_to, NULL } };

	if (line->n > 1) {
		corefile_warn(parsing, line,
			      "transfer: every zone that is served, not just those named here");
	}
	return corefile_apply(parsing, line->block, words, ARRAY_SIZE(words), "option of transfer");
}

static int set_bind(struct parsing *parsing, const struct corefile_line *line)
{
	struct corefile *corefile = parsing->corefile;
	struct ip ip;

	if (line->has_block) {
		corefile_warn(parsing, line,
			      "the options of bind are not done: every address that "
			      "is named is listened on");
	}
	for (size_t i = 1; i < line->n; i++) {
		if (!ip_parse(str_from(line->words[i]), &ip)) {
			corefile_warn(parsing, line,
				      "bind %.100s is not done: interfaces are not looked up, name "
				      "its addresses",
				      line->words[i]);
		} else if (corefile->n_binds == COREFILE_BINDS) {
			return corefile_bad(parsing, line, "more than %d addresses to bind",
					    COREFILE_BINDS);
		} else {
			corefile->binds[corefile->n_binds++] = mem_strdup(line->words[i]);
		}
	}
	return 0;
}

/* "192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:53", "2001:db8::1", perhaps with "dns://". */
static bool is_upstream(struct str text)
{
	const char *colon = text.n != 0 ? memrchr(text.p, ':', text.n) : NULL;
	struct str host = text;
	struct ip ip;
	uint64_t port;

	if (ip_parse(text, &ip)) {
		return true;
	}
	if (colon == NULL ||
	    !str_to_u64(str_skip(text, (size_t)(colon - text.p) + 1), UINT16_MAX, &port)) {
		return false;
	}
	host.n = (size_t)(colon - text.p);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		host = (struct str){ .p = host.p + 1, .n = host.n - 2 };
	}
	return ip_parse(host, &ip);
}

static int add_upstream(struct parsing *parsing, const struct corefile_line *line, const char *word)
{
	struct corefile *corefile = parsing->corefile;
	struct str text = str_from(word);

	if (str_starts(text, STR("tls://"))) {
		corefile_warn(parsing, line, "%s is not asked: upstreams are asked without TLS",
			      word);
		return 0;
	}
	text = str_skip(text, str_starts(text, STR("dns://")) ? 6 : 0);
	if (text.n != 0 && text.p[0] == '/') {
		mem_free(corefile->resolv_conf);
		corefile->resolv_conf = str_dup(text);
		return 0;
	}
	if (!is_upstream(text)) {
		return corefile_bad(parsing, line, "forward: \"%.100s\" is no address and no file",
				    word);
	}
	if (corefile->n_upstreams == COREFILE_UPSTREAMS) {
		return corefile_bad(parsing, line, "forward: more than %d upstreams",
				    COREFILE_UPSTREAMS);
	}
	corefile->upstreams[corefile->n_upstreams++] = str_dup(text);
	return 0;
}

static int set_forward(struct parsing *parsing, const struct corefile_line *line)
{
	static const struct corefile_word options[] = {
		{ "except", NULL, "those names are asked of the upstreams, too" },
		{ "expire", NULL, NULL },
		{ "failfast_all_unhealthy_upstreams", NULL, NULL },
		{ "failover", NULL, NULL },
		{ "force_tcp", NULL, "upstreams are asked over UDP first" },
		{ "health_check", NULL, NULL },
		{ "max_age", NULL, NULL },
		{ "max_concurrent", NULL, NULL },
		{ "max_fails", NULL, NULL },
		{ "max_idle_conns", NULL, NULL },
		{ "next", NULL, "an upstream's refusal is the answer" },
		{ "policy", NULL, NULL },
		{ "prefer_udp", NULL, NULL },
		{ "tls", NULL, "upstreams are asked without TLS" },
		{ "tls_servername", NULL, "upstreams are asked without TLS" },
	};
	int result = 0;

	if (line->n < 3) {
		return corefile_bad(parsing, line, "forward: expected FROM TO…");
	}
	if (strcmp(line->words[1], ".") != 0) {
		corefile_warn(parsing, line,
			      "forward %.100s is not done: one set of upstreams, that of \"forward "
			      ".\", is asked for every name",
			      line->words[1]);
		return 0;
	}
	for (size_t i = 2; i < line->n && result == 0; i++) {
		result = add_upstream(parsing, line, line->words[i]);
	}
	return result != 0 ? result
			   : corefile_apply(parsing, line->block, options, ARRAY_SIZE(options),
					    "option of forward");
}

#define OUTSIDE "the names it would answer are asked of the upstreams"
#define AS_ASKED "names are answered as they are asked"

static const struct corefile_word plugins[] = {
	{ "acl", NULL, "everybody who reaches the server is answered" },
	{ "any", NULL, NULL },
	{ "auto", NULL, OUTSIDE },
	{ "autopath", NULL, "clients walk their search lists themselves" },
	{ "azure", NULL, OUTSIDE },
	{ "bind", set_bind, NULL },
	{ "bufsize", set_bufsize, NULL },
	{ "cache", NULL, NULL },
	{ "cancel", NULL, NULL },
	{ "chaos", NULL, "version queries of class CH are refused" },
	{ "clouddns", NULL, OUTSIDE },
	{ "debug", NULL, NULL },
	{ "dns64", NULL, "no AAAA records are made of A records" },
	{ "dnssec", NULL, "answers are not signed" },
	{ "dnstap", corefile_dnstap, NULL },
	{ "erratic", NULL, NULL },
	{ "errors", NULL, NULL },
	{ "etcd", NULL, OUTSIDE },
	{ "file", NULL, OUTSIDE },
	{ "forward", set_forward, NULL },
	{ "geoip", NULL, NULL },
	{ "grpc", NULL, OUTSIDE },
	{ "grpc_server", NULL, "DNS over gRPC is not served" },
	{ "header", NULL, "the flags of answers stay as they are" },
	{ "health", set_health, NULL },
	{ "hosts", NULL, OUTSIDE },
	{ "https", NULL, "DNS over HTTPS is not served" },
	{ "import", NULL, "what it would bring in is not there" },
	{ "k8s_external", NULL, "Services have no names in external zones" },
	{ "kubernetes", corefile_kubernetes, NULL },
	{ "loadbalance", NULL, NULL },
	{ "local", NULL, NULL },
	{ "log", set_log, NULL },
	{ "loop", NULL, NULL },
	{ "metadata", NULL, NULL },
	{ "minimal", NULL, NULL },
	{ "multisocket", NULL, NULL },
	{ "nomad", NULL, OUTSIDE },
	{ "nsid", set_nsid, NULL },
	{ "pprof", NULL, NULL },
	{ "prometheus", set_metrics, NULL },
	{ "proxy", NULL, "use forward" },
	{ "quic", NULL, "DNS over QUIC is not served" },
	{ "ready", set_ready, NULL },
	{ "reload", NULL, NULL },
	{ "rewrite", NULL, AS_ASKED },
	{ "root", NULL, NULL },
	{ "route53", NULL, OUTSIDE },
	{ "secondary", NULL, OUTSIDE },
	{ "sign", NULL, "answers are not signed" },
	{ "template", NULL, OUTSIDE },
	{ "timeouts", NULL, NULL },
	{ "tls", NULL, "DNS over TLS is not served" },
	{ "trace", NULL, "queries are not traced" },
	{ "transfer", set_transfer, NULL },
	{ "tsig", NULL, "signatures of queries are not looked at" },
	{ "view", NULL, "the block serves every client" },
	{ "whoami", NULL, NULL },
};

/* ---- blocks ---- */

static bool has_plugin(const struct corefile_line *block, const char *name)
{
	for (const struct corefile_line *line = block->block; line != NULL; line = line->next) {
		if (strcmp(line->words[0], name) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_root(const struct corefile_line *block)
{
	struct str zone;
	uint16_t port;

	for (size_t i = 0; i < block->n; i++) {
		corefile_split_key(str_from(block->words[i]), &zone, &port);
		if (zone.n == 0) {
			return true;
		}
	}
	return false;
}

/* The block of the cluster, taken whole. */
static int take_cluster(struct parsing *parsing, const struct corefile_line *block)
{
	struct str zone;
	uint16_t port;

	for (size_t i = 0; i < block->n; i++) {
		corefile_split_key(str_from(block->words[i]), &zone, &port);
		parsing->corefile->port = port != 0 ? port : parsing->corefile->port;
	}
	parsing->block = block;
	return corefile_apply(parsing, block->block, plugins, ARRAY_SIZE(plugins), "plugin");
}

static int take_upstreams(struct parsing *parsing, const struct corefile_line *block)
{
	int result = 0;

	for (const struct corefile_line *line = block->block; line != NULL && result == 0;
	     line = line->next) {
		if (strcmp(line->words[0], "forward") == 0) {
			result = set_forward(parsing, line);
		}
	}
	return result;
}

/* A file without braces is one block: its first line are the keys. */
static void wrap_braceless(struct corefile_line *first)
{
	if (first != NULL && !first->has_block) {
		first->block = first->next;
		first->has_block = true;
		first->next = NULL;
	}
}

static int take_blocks(struct parsing *parsing, const struct corefile_line *first)
{
	const struct corefile_line *cluster = NULL;
	int result = 0;

	for (const struct corefile_line *block = first; block != NULL && result == 0;
	     block = block->next) {
		if (!block->has_block) {
			return corefile_bad(parsing, block, "\"%.100s\": expected a { behind it",
					    block->words[0]);
		}
		if (block->words[0][0] == '(') {
			corefile_warn(parsing, block, "snippet %.100s is not done",
				      block->words[0]);
		} else if (cluster == NULL && has_plugin(block, "kubernetes")) {
			cluster = block;
			result = take_cluster(parsing, block);
		} else if (is_root(block)) {
			result = take_upstreams(parsing, block);
		} else {
			corefile_warn(parsing, block,
				      "server block %.100s is not served: names below it are asked "
				      "of the upstreams",
				      block->words[0]);
		}
	}
	if (result == 0 && cluster == NULL) {
		return corefile_bad(parsing, first, "no server block has the plugin kubernetes");
	}
	return result;
}

int corefile_parse(const char *name, struct str text,
		   void (*warn)(void *userdata, const char *line), void *userdata,
		   struct corefile *ret, char ret_message[COREFILE_MESSAGE])
{
	struct corefile corefile = {
		.ttl = ZONE_TTL_DEFAULT,
		.startup_ms = DEFAULT_STARTUP_MS,
		.port = DEFAULT_PORT,
	};
	struct parsing parsing = {
		.name = name,
		.message = ret_message,
		.warn = warn,
		.userdata = userdata,
		.corefile = &corefile,
	};
	struct corefile_line *lines;
	struct arena arena;
	int result;

	arena_init(&arena, LIMIT_COREFILE_ARENA);
	result = corefile_read(name, text, &arena, &lines, ret_message);
	if (result == 0 && lines == NULL) {
		snprintf(ret_message, COREFILE_MESSAGE, "%s:1: nothing is in it", name);
		result = COREFILE_SYNTAX;
	}
	if (result == 0) {
		wrap_braceless(lines);
		result = take_blocks(&parsing, lines);
	}
	arena_deinit(&arena);
	if (result != 0) {
		corefile_deinit(&corefile);
		return result;
	}
	*ret = corefile;
	return 0;
}

void corefile_deinit(struct corefile *corefile)
{
	for (size_t i = 0; i < corefile->n_reverse; i++) {
		mem_free(corefile->reverse[i]);
	}
	for (size_t i = 0; i < corefile->n_namespaces; i++) {
		mem_free(corefile->namespaces[i]);
	}
	for (size_t i = 0; i < corefile->n_binds; i++) {
		mem_free(corefile->binds[i]);
	}
	for (size_t i = 0; i < corefile->n_transfer_to; i++) {
		mem_free(corefile->transfer_to[i]);
	}
	for (size_t i = 0; i < corefile->n_upstreams; i++) {
		mem_free(corefile->upstreams[i]);
	}
	mem_free(corefile->tap.socket);
	mem_free(corefile->tap.identity);
	mem_free(corefile->tap.version);
	mem_free(corefile->namespaces);
	mem_free(corefile->nsid);
	mem_free(corefile->domain);
	mem_free(corefile->kubeconfig);
	mem_free(corefile->context);
	mem_free(corefile->resolv_conf);
	*corefile = (struct corefile){ 0 };
}
