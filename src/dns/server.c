/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of the server: everything that can fail (sockets, descriptors) happens before the first
 * worker runs, on the control thread. A stop is a message to each worker; only when all have ended,
 * and the resolver has let go of their questions, is memory freed.
 */
#include "dns/server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "dns/clients.h"
#include "dns/server_intern.h"

enum { NO_FD = -1 };

__attribute__((format(printf, 2, 3))) static int bad(char message[DNS_MESSAGE], const char *format,
						     ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, DNS_MESSAGE, format, arguments);
	va_end(arguments);
	return DNS_SERVER_BAD;
}

static void worker_init(struct worker *worker, struct dns_server *server,
			const uint8_t cookie_root[SIPHASH_KEY], uint32_t rate_limit)
{
	worker->server = server;
	worker->epoll = NO_FD;
	worker->udp = mem_alloc_array(server->n_listen, sizeof(struct udp_socket));
	worker->listeners = mem_alloc_array(server->n_listen, sizeof(struct source));
	for (size_t i = 0; i < server->n_listen; i++) {
		worker->udp[i].source = (struct source){
			.kind = SOURCE_UDP,
			.listen = (uint8_t)i,
			.fd = NO_FD,
		};
		worker->listeners[i] = (struct source){
			.kind = SOURCE_LISTEN,
			.listen = (uint8_t)i,
			.fd = NO_FD,
		};
	}
	list_init(&worker->idle);
	list_init(&worker->busy);
	worker->clients = clients_new();
	random_state_init(&worker->random);
	cookies_init(&worker->cookies, cookie_root, 0);
	if (rate_limit != 0) {
		worker->rates = rates_new((rate_limit + server->n_workers - 1) / server->n_workers);
	}
	worker->stats = mem_alloc_array(server->n_listen, sizeof(struct dns_stats));
	worker->batch = udp_batch_new(server);
	worker->out = mem_alloc(2 * (2 + (size_t)DNS_ANSWER_MAX));
	if (server->resolver != NULL) {
		worker->forwards = mem_alloc_array(LIMIT_RESOLVER_PENDING, sizeof(struct forward));
	}
}

/* What can run out of descriptors. Returns 0 or a negative errno. */
static int worker_open(struct worker *worker)
{
	int result = mailbox_new(LIMIT_RESOLVER_PENDING + 1, &worker->mailbox);

	if (result < 0) {
		return result;
	}
	worker->mailbox_source = (struct source){
		.kind = SOURCE_MAILBOX,
		.fd = mailbox_fd(worker->mailbox),
	};
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (worker->epoll < 0) {
		return -errno;
	}
	result = worker_watch(worker, &worker->mailbox_source, EPOLLIN);
	for (size_t i = 0; result == 0 && i < worker->server->n_listen; i++) {
		result = worker_watch(worker, &worker->udp[i].source, EPOLLIN);
		if (result == 0) {
			result = worker_watch(worker, &worker->listeners[i], EPOLLIN);
		}
	}
	return result;
}

static void close_fd(int fd)
{
	if (fd >= 0) {
		close(fd);
	}
}

static void worker_deinit(struct worker *worker)
{
	struct dns_server *server = worker->server;

	if (server == NULL) {
		return;
	}
	if (server->resolver != NULL && worker->mailbox != NULL) {
		dns_resolver_forget(server->resolver, worker->mailbox);
		for (struct mail *mail = mailbox_receive(worker->mailbox); mail != NULL;
		     mail = mail->next) {
			if (mail != &worker->stop) {
				mem_free(container_of(mail, struct dns_query, mail)->packet);
			}
		}
	}
	for (size_t i = 0; i < server->n_listen; i++) {
		close_fd(worker->udp[i].source.fd);
		close_fd(worker->listeners[i].fd);
	}
	close_fd(worker->epoll);
	mailbox_free(worker->mailbox);
	images_drain(worker->transfer_mailbox);
	mailbox_free(worker->transfer_mailbox);
	udp_batch_free(worker->batch);
	mem_free(worker->udp);
	mem_free(worker->listeners);
	clients_free(worker->clients);
	mem_free(worker->out);
	mem_free(worker->stats);
	rates_free(worker->rates);
	mem_free(worker->forwards);
}

/* Addresses that read the same to a client share their label: 0.0.0.0:53 and [::]:53. */
static void label_address(struct dns_server *server, size_t index,
			  const struct listen_address *address)
{
	char text[DNS_LABEL_TEXT];
	const char *listen = server->addresses[index];
	size_t i = 0;

	snprintf(text, sizeof(text), "dns://%s", address->wildcard ? strrchr(listen, ':') : listen);
	while (i < server->n_labels && strcmp(server->labels[i], text) != 0) {
		i++;
	}
	if (i == server->n_labels) {
		memcpy(server->labels[server->n_labels++], text, sizeof(text));
	}
	server->listen_labels[index] = (struct listen_label){
		.label = (uint8_t)i,
		.family = address->address.ss_family == AF_INET ? DNS_FAMILY_4 : DNS_FAMILY_6,
	};
	dnstap_peer_from(&address->address, &server->listen_labels[index].peer);
	if (address->wildcard) {
		server->listen_labels[index].peer.n = 0;
	}
}

static int read_exempt(struct dns_server *server, const struct dns_server_config *config,
		       char message[DNS_MESSAGE])
{
	server->rate_exempt = mem_alloc_array(config->n_rate_exempt + 1, sizeof(struct ip_network));
	for (size_t i = 0; i < config->n_rate_exempt; i++) {
		if (!ip_network_parse(str_from(config->rate_exempt[i]), &server->rate_exempt[i])) {
			return bad(message, "\"%s\" is no network: write ADDRESS/BITS",
				   config->rate_exempt[i]);
		}
		server->n_rate_exempt++;
	}
	return 0;
}

/* Who may have whole zones: networks, or single addresses. */
static int read_transfer_to(struct dns_server *server, const struct dns_server_config *config,
			    char message[DNS_MESSAGE])
{
	size_t n = config->n_transfer_to;

	if (n > LIMIT_DNS_TRANSFER_TO) {
		return bad(message, "at most %d networks may have zones", LIMIT_DNS_TRANSFER_TO);
	}
	server->transfer_to = mem_alloc_array(n + 1, sizeof(struct ip_network));
	for (size_t i = 0; i < n; i++) {
		struct ip_network *network = &server->transfer_to[i];
		struct str text = str_from(config->transfer_to[i]);

		if (ip_parse(text, &network->ip)) {
			network->bits = (uint8_t)(network->ip.n * 8);
		} else if (!ip_network_parse(text, network)) {
			return bad(message,
				   "\"%s\" cannot have zones: write an address or ADDRESS/BITS",
				   config->transfer_to[i]);
		}
	}
	server->options.transfer_to = server->transfer_to;
	server->options.n_transfer_to = n;
	return 0;
}

static int open_transfers(struct dns_server *server, struct zone *zone, struct loop *loop,
			  char message[DNS_MESSAGE])
{
	size_t max = (size_t)server->n_workers * LIMIT_DNS_TRANSFERS;
	int result = images_new(loop, zone, max, &server->images);

	for (unsigned i = 0; result == 0 && i < server->n_workers; i++) {
		struct worker *worker = &server->workers[i];

		result = mailbox_new(LIMIT_DNS_TRANSFERS, &worker->transfer_mailbox);
		if (result == 0) {
			worker->transfer_source = (struct source){
				.kind = SOURCE_TRANSFERS,
				.fd = mailbox_fd(worker->transfer_mailbox),
			};
			result = worker_watch(worker, &worker->transfer_source, EPOLLIN);
		}
	}
	return result < 0 ? bad(message, "cannot set up zone transfers: %s", strerror(-result)) : 0;
}

static int open_log(struct dns_server *server, const struct dns_server_config *config,
		    char message[DNS_MESSAGE])
{
	int result = config->log_queries == 0
			     ? 0
			     : query_log_new(config->log_fd != 0 ? config->log_fd : STDERR_FILENO,
					     config->log_queries, server->n_workers, &server->log);

	for (unsigned i = 0; i < server->n_workers; i++) {
		server->workers[i].log = server->log;
	}
	return result < 0 ? bad(message, "cannot set up the log of queries: %s", strerror(-result))
			  : 0;
}

static int open_tap(struct dns_server *server, const struct dns_server_config *config,
		    char message[DNS_MESSAGE])
{
	int result;

	if (config->tap == NULL) {
		return 0;
	}
	if (!dnstap_socket_is_valid(config->tap->socket)) {
		return bad(message,
			   "\"%s\" is no socket for dnstap: write unix:///PATH or "
			   "tcp://ADDRESS:PORT",
			   config->tap->socket);
	}
	result = dnstap_new(config->tap, server->n_workers, server->sandbox, &server->tap);
	for (unsigned i = 0; i < server->n_workers; i++) {
		server->workers[i].tap = server->tap;
	}
	return result < 0 ? bad(message, "cannot set up dnstap: %s", strerror(-result)) : 0;
}

static int server_open(struct dns_server *server, const struct dns_server_config *config,
		       char message[DNS_MESSAGE])
{
	for (size_t i = 0; i < config->n_listen; i++) {
		struct listen_address address;
		int result = listen_address_parse(config->listen[i], &address);

		if (result != 0) {
			return bad(message,
				   "\"%s\" is no address to listen on: write ADDRESS:PORT or "
				   "[ADDRESS]:PORT",
				   config->listen[i]);
		}
		address.early = i + config->n_early >= config->n_listen;
		result = sockets_open(server, i, &address, message);
		if (result != 0) {
			return result;
		}
		label_address(server, i, &address);
	}
	for (unsigned i = 0; i < server->n_workers; i++) {
		int result = worker_open(&server->workers[i]);

		if (result < 0) {
			return bad(message, "cannot set up %u DNS workers: %s", server->n_workers,
				   strerror(-result));
		}
	}
	return 0;
}

static int check(const struct dns_server_config *config, char message[DNS_MESSAGE])
{
	if (config->n_listen == 0 || config->n_listen > LIMIT_DNS_LISTEN) {
		return bad(message, "between 1 and %d addresses to listen on are needed, not %zu",
			   LIMIT_DNS_LISTEN, config->n_listen);
	}
	if (config->workers > LIMIT_DNS_WORKERS) {
		return bad(message, "%u DNS workers are more than %d", config->workers,
			   LIMIT_DNS_WORKERS);
	}
	if (config->rate_limit > LIMIT_DNS_RATE || config->n_rate_exempt > LIMIT_DNS_RATE_EXEMPT) {
		return bad(message, "at most %d answers a second and %d networks without a limit",
			   LIMIT_DNS_RATE, LIMIT_DNS_RATE_EXEMPT);
	}
	if (config->nsid != NULL && strlen(config->nsid) > LIMIT_DNS_NSID) {
		return bad(message, "a name server identifier of more than %d bytes is too long",
			   LIMIT_DNS_NSID);
	}
	if (config->udp_size != 0 &&
	    (config->udp_size < 512 || config->udp_size > LIMIT_DNS_UDP_MAX)) {
		return bad(message, "a UDP size of %u is not between 512 and %d", config->udp_size,
			   LIMIT_DNS_UDP_MAX);
	}
	return 0;
}

int dns_server_new(const struct dns_server_config *config, struct zone *zone,
		   struct dns_resolver *resolver, struct dns_server **ret,
		   char ret_message[DNS_MESSAGE])
{
	struct dns_server *server;
	uint8_t cookie_root[SIPHASH_KEY];
	int result = check(config, ret_message);

	if (result != 0) {
		return result;
	}
	server = MEM_NEW(struct dns_server);
	server->zone = zone;
	server->resolver = resolver;
	server->sandbox = config->sandbox;
	server->options.udp_size = config->udp_size != 0 ? config->udp_size : LIMIT_DNS_UDP;
	server->options.forward = resolver != NULL;
	if (config->nsid != NULL) {
		size_t nsid_n = strlen(config->nsid);

		memcpy(server->nsid, config->nsid, nsid_n);
		server->options.nsid = (struct str){ .p = server->nsid, .n = nsid_n };
	}
	server->wall_offset = clock_wall(&clock_system) - (int64_t)worker_clock();
	random_bytes(cookie_root, sizeof(cookie_root));
	server->n_listen = config->n_listen;
	server->n_workers = config->workers != 0 ? config->workers : thread_cpus();
	if (server->n_workers > LIMIT_DNS_WORKERS) {
		server->n_workers = LIMIT_DNS_WORKERS;
	}
	server->addresses = mem_alloc_array(server->n_listen, DNS_LISTEN_TEXT);
	server->listen_labels = mem_alloc_array(server->n_listen, sizeof(struct listen_label));
	server->labels = mem_alloc_array(server->n_listen, DNS_LABEL_TEXT);
	server->workers = mem_alloc_array(server->n_workers, sizeof(struct worker));
	for (unsigned i = 0; i < server->n_workers; i++) {
		worker_init(&server->workers[i], server, cookie_root, config->rate_limit);
	}
	result = open_log(server, config, ret_message);
	if (result == 0) {
		result = open_tap(server, config, ret_message);
	}
	if (result == 0) {
		result = read_exempt(server, config, ret_message);
	}
	if (result == 0) {
		result = server_open(server, config, ret_message);
	}
	if (result == 0) {
		result = read_transfer_to(server, config, ret_message);
	}
	if (result == 0 && config->n_transfer_to != 0) {
		result = open_transfers(server, zone, config->loop, ret_message);
	}
	if (result != 0) {
		dns_server_free(server);
		return result;
	}
	*ret = server;
	return 0;
}

const char *dns_server_address(const struct dns_server *server, size_t i)
{
	return server->addresses[i];
}

int dns_server_start(struct dns_server *server)
{
	int started = server->log != NULL ? query_log_start(server->log) : 0;

	if (started == 0 && server->tap != NULL) {
		started = dnstap_start(server->tap);
	}
	if (started < 0) {
		return error_trace(started);
	}
	for (unsigned i = 0; i < server->n_workers; i++) {
		struct worker *worker = &server->workers[i];
		char name[16];
		int result;

		snprintf(name, sizeof(name), "dns-%u", i);
		result = thread_start(name, worker_run, worker, &worker->thread);
		if (result < 0) {
			return error_trace(result);
		}
	}
	return 0;
}

void dns_server_stop(struct dns_server *server)
{
	for (unsigned i = 0; i < server->n_workers; i++) {
		if (server->workers[i].thread != NULL) {
			(void)mailbox_send(server->workers[i].mailbox, &server->workers[i].stop);
		}
	}
	for (unsigned i = 0; i < server->n_workers; i++) {
		server->workers[i].thread = thread_join(server->workers[i].thread);
	}
}

struct dns_server *dns_server_free(struct dns_server *server)
{
	if (server == NULL) {
		return NULL;
	}
	dns_server_stop(server);
	server->images = images_free(server->images);
	for (unsigned i = 0; i < server->n_workers; i++) {
		worker_deinit(&server->workers[i]);
	}
	server->log = query_log_free(server->log);
	server->tap = dnstap_free(server->tap);
	mem_free(server->workers);
	mem_free(server->addresses);
	mem_free(server->listen_labels);
	mem_free(server->labels);
	mem_free(server->rate_exempt);
	mem_free(server->transfer_to);
	return mem_free(server);
}

static uint64_t sum(const struct dns_server *server, size_t counter)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < server->n_workers; i++) {
		total += counter_get(&server->workers[i].counters[counter]);
	}
	return total;
}

static void add_label(const struct dns_server *server, size_t label, struct dns_stats *stats)
{
	for (unsigned i = 0; i < server->n_workers; i++) {
		dns_stats_add(stats, &server->workers[i].stats[label]);
	}
}

void dns_server_stats(const struct dns_server *server, struct dns_server_stats *ret)
{
	*ret = (struct dns_server_stats){
		.udp_queries = sum(server, COUNT_UDP),
		.tcp_queries = sum(server, COUNT_TCP),
		.dropped = sum(server, COUNT_DROPPED),
		.limited = sum(server, COUNT_LIMITED),
		.hinted = sum(server, COUNT_HINTED),
		.send_failed = sum(server, COUNT_SEND_FAILED),
		.truncated = sum(server, COUNT_TRUNCATED),
		.forwarded = sum(server, COUNT_FORWARDED),
		.log_lost = server->log != NULL ? query_log_lost(server->log) : 0,
		.shed = sum(server, COUNT_SHED),
		.tcp_connections = sum(server, COUNT_CONNECTIONS),
		.tcp_refused = sum(server, COUNT_REFUSED),
		.tcp_evicted = sum(server, COUNT_EVICTED),
		.transfers = sum(server, COUNT_TRANSFERS),
	};
	if (server->tap != NULL) {
		dnstap_stats(server->tap, &ret->tap);
	}
	struct dns_stats *stats = MEM_NEW(struct dns_stats);

	for (size_t label = 0; label < server->n_labels; label++) {
		add_label(server, label, stats);
	}
	for (size_t i = 0; i < DNS_RCODES; i++) {
		for (size_t place = 0; place < DNS_PLACES; place++) {
			ret->rcodes[i] += counter_get(&stats->places[place].responses[i]);
		}
	}
	mem_free(stats);
}

size_t dns_server_labels(const struct dns_server *server)
{
	return server->n_labels;
}

const char *dns_server_label(const struct dns_server *server, size_t i)
{
	return server->labels[i];
}

void dns_server_label_stats(const struct dns_server *server, size_t i, struct dns_stats *ret)
{
	*ret = (struct dns_stats){ 0 };
	add_label(server, i, ret);
}
