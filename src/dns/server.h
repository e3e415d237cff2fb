/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The DNS server: workers with their own SO_REUSEPORT sockets, UDP in batches, TCP beside it.
 * Created, started and stopped by the control thread; docs/threads.md has the rules. Cluster names
 * are answered in the worker; names outside go to the resolver and come back by mailbox.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "dns/dnstap.h"
#include "dns/stats.h"

struct dns_resolver;
struct dns_server;
struct loop;
struct sandbox;
struct zone;

enum { DNS_MESSAGE = 256, DNS_LISTEN_TEXT = 64 };

struct dns_server_config {
	/*
	 * "127.0.0.1:1053", "[::1]:1053", "0.0.0.0:53", "[::]:53"; port 0 picks one for UDP and
	 * TCP.
	 */
	const char *const *listen;
	size_t n_listen; /* 1 … LIMIT_DNS_LISTEN */
	/* The last so many of them need not be addresses of this machine (yet): IP_FREEBIND. */
	size_t n_early;
	unsigned workers; /* 0: one for each CPU; ≤ LIMIT_DNS_WORKERS */
	uint16_t udp_size; /* 0: LIMIT_DNS_UDP; 512 … LIMIT_DNS_UDP_MAX */
	/*
	 * Answers a second over UDP for each /24 or /56 together, those without a cookie and
	 * outside the networks `rate_exempt` ("10.244.0.0/16"); 0: no limit. Each worker has its
	 * part of it.
	 */
	uint32_t rate_limit; /* ≤ LIMIT_DNS_RATE */
	const char *const *rate_exempt;
	size_t n_rate_exempt; /* ≤ LIMIT_DNS_RATE_EXEMPT */
	const struct sandbox *sandbox; /* workers enter it; outlives the server; NULL: none */
	/*
	 * Networks ("192.0.2.0/24") and addresses that may have whole zones (AXFR, IXFR); none:
	 * nobody. Then `loop` is the control thread's and outlives the server.
	 */
	const char *const *transfer_to;
	size_t n_transfer_to; /* ≤ LIMIT_DNS_TRANSFER_TO */
	struct loop *loop;
	unsigned log_queries; /* enum query_class: which get a line; 0: none */
	int log_fd; /* where lines go; 0: standard error */
	const struct dnstap_config *tap; /* NULL: none */
	const char *nsid; /* what NSID gets (RFC 5001), ≤ LIMIT_DNS_NSID bytes; NULL: nothing */
};

/*
 * Opens all sockets and prepares the workers. `resolver` may be NULL: names outside are then
 * REFUSED. Zone and resolver stay the caller's and outlive the server. Returns 0, or DNS_SERVER_BAD
 * with one line in `ret_message` that says which address could not be used, why, and what to do.
 */
enum { DNS_SERVER_BAD = 1 };
int dns_server_new(const struct dns_server_config *config, struct zone *zone,
		   struct dns_resolver *resolver, struct dns_server **ret,
		   char ret_message[DNS_MESSAGE]);

/*
 * Listen address `i` with the port that was picked: "127.0.0.1:1053"; good as long as the server.
 */
const char *dns_server_address(const struct dns_server *server, size_t i);

/* Starts the workers. Returns 0 or a negative errno. */
int dns_server_start(struct dns_server *server);

/* Ends the workers when they run and waits for them. What was counted can still be read. */
void dns_server_stop(struct dns_server *server);

/* Stops it when it runs, closes everything. NULL is fine; returns NULL. */
struct dns_server *dns_server_free(struct dns_server *server);

/* What happened so far, over all workers. Any thread. */
struct dns_server_stats {
	uint64_t udp_queries;
	uint64_t tcp_queries;
	uint64_t dropped; /* not answered: answers, source port 0, shorter than a header */
	uint64_t limited; /* not answered: their network had its share */
	uint64_t hinted; /* the same, but told to come back over TCP or with a cookie */
	uint64_t send_failed;
	uint64_t truncated;
	uint64_t forwarded;
	uint64_t log_lost; /* lines of the log of queries */
	uint64_t shed; /* not forwarded because too many were under way */
	uint64_t tcp_connections; /* accepted */
	uint64_t tcp_refused; /* closed at once: the system has no room */
	uint64_t tcp_evicted; /* closed to make room for others */
	uint64_t transfers; /* of zones, begun */
	struct dnstap_stats tap;
	uint64_t rcodes[DNS_RCODES]; /* the last also counts all above it */
};
void dns_server_stats(const struct dns_server *server, struct dns_server_stats *ret);

/*
 * The same in the cut of CoreDNS's metrics, for each `server` label ("dns://:53" for a wildcard
 * address, else "dns://127.0.0.1:1053"): how many labels, label `i`, and what was counted under it
 * so far. Any thread.
 */
size_t dns_server_labels(const struct dns_server *server);
const char *dns_server_label(const struct dns_server *server, size_t i);
void dns_server_label_stats(const struct dns_server *server, size_t i, struct dns_stats *ret);
