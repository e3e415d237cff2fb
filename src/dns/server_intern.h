/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The server's insides. A worker is one thread with everything it touches: sockets, buffers,
 * counters, connections, questions under way. Nothing of it is shared but the counters, which
 * others read, and the mailbox, into which the resolver and the control thread put things.
 */

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/ip.h"
#include "base/list.h"
#include "base/mailbox.h"
#include "base/random.h"
#include "base/thread.h"
#include "dns/answer.h"
#include "dns/cookie.h"
#include "dns/dnstap.h"
#include "dns/query_log.h"
#include "dns/rate.h"
#include "dns/resolver.h"
#include "dns/server.h"
#include "dns/transfer.h"

/* "dns://" and an address to listen on. */
enum { DNS_LABEL_TEXT = DNS_LISTEN_TEXT + 8 };

enum source_kind { SOURCE_UDP, SOURCE_LISTEN, SOURCE_CONNECTION, SOURCE_MAILBOX, SOURCE_TRANSFERS };

/* What an epoll event points to; embedded first. */
struct source {
	enum source_kind kind;
	uint8_t listen; /* which listen address it is, or came by */
	int fd;
};

enum worker_counter {
	COUNT_UDP,
	COUNT_TCP,
	COUNT_DROPPED,
	COUNT_LIMITED,
	COUNT_HINTED,
	COUNT_SEND_FAILED,
	COUNT_TRUNCATED,
	COUNT_FORWARDED,
	COUNT_SHED,
	COUNT_CONNECTIONS,
	COUNT_REFUSED,
	COUNT_EVICTED,
	COUNT_TRANSFERS,
	COUNTERS,
};

/* Where a datagram came from, and to which of our addresses (for wildcard sockets). */
enum { UDP_CONTROL = CMSG_SPACE(sizeof(struct in6_pktinfo)) };

struct udp_peer {
	struct sockaddr_storage address;
	socklen_t address_n;
	size_t control_n;
	_Alignas(struct cmsghdr) uint8_t control[UDP_CONTROL];
};

struct udp_socket {
	struct source source;
	bool wildcard;
};

struct udp_batch;
struct clients;
struct connection;

/* A question that the resolver has; one slot of the worker's pool. */
struct forward {
	struct dns_query query; /* its mail comes first */
	struct forward *next_free;
	const struct udp_socket *socket; /* UDP: where it came from */
	struct udp_peer peer;
	struct connection *connection; /* TCP: NULL when it is gone */
	struct list link; /* in connection->forwards */
	bool tcp;
	uint8_t listen;
	uint16_t n;
	uint64_t began; /* ns */
	uint8_t packet[LIMIT_DNS_FORWARD_QUERY];
};

/* A zone transfer under way. */
struct transfer {
	struct mail mail;
	struct worker *worker;
	struct connection *connection; /* NULL: it is gone */
	struct zone_image *image; /* NULL: there is none yet, or `outcome` says why not */
	int outcome; /* of zone_image_open() */
	bool here; /* the worker has it, and what the control thread did */
	bool over; /* to be closed */
	uint64_t began; /* ns */
	struct name apex;
	struct dns_transfer state;
	size_t n;
	uint8_t query[];
};

struct worker {
	struct dns_server *server;
	struct thread *thread;
	struct mailbox *mailbox;
	struct mail stop;
	struct source mailbox_source;
	struct mailbox *transfer_mailbox; /* NULL: nobody may have zones */
	struct source transfer_source;
	int epoll;
	bool stopping;
	struct random_state random;
	uint64_t time; /* ns, when the batch being answered was received; worker_set_time() */
	struct cookies cookies;
	struct rates *rates; /* NULL: no limit */
	struct counter counters[COUNTERS];
	struct query_log *log; /* NULL: off, at the cost of one branch */
	struct dnstap *tap; /* the same */
	struct dns_stats *stats; /* one for each label */

	struct udp_socket *udp; /* one for each listen address */
	struct source *listeners;
	struct udp_batch *batch;

	/* TCP. Both lists are ordered by deadline. */
	struct list idle; /* nothing begun */
	struct list busy; /* a question or an answer is halfway */
	struct clients *clients;
	size_t n_connections;
	size_t unsent; /* bytes, over all connections */
	uint64_t accept_at; /* ns; not 0: accepting waits until then */
	uint8_t *out; /* two answers with their lengths */
	size_t n_transfers; /* wherever they are */

	struct forward *forwards;
	struct forward *free_forward;
	size_t used_forwards; /* slots that were used once */

	uint8_t apart[64]; /* the next worker begins on a cache line of its own */
};

/* What a listen address is to those who count. */
struct listen_label {
	uint8_t label; /* index into server->labels */
	uint8_t family; /* enum dns_family */
	struct dnstap_peer peer; /* an unknown address when it is a wildcard */
};

struct images;

struct dns_server {
	const struct zone *zone;
	struct images *images; /* NULL: nobody may have zones */
	struct ip_network *transfer_to;
	struct dns_resolver *resolver;
	struct dns_options options;
	char nsid[LIMIT_DNS_NSID];
	struct ip_network *rate_exempt;
	size_t n_rate_exempt;
	const struct sandbox *sandbox;
	int64_t wall_offset; /* ns from worker->time to the time of 1970 */
	char (*addresses)[DNS_LISTEN_TEXT];
	struct listen_label *listen_labels;
	size_t n_listen;
	char (*labels)[DNS_LABEL_TEXT];
	size_t n_labels;
	struct query_log *log;
	struct dnstap *tap;
	struct worker *workers;
	unsigned n_workers;
};

static inline void worker_count(struct worker *worker, enum worker_counter counter, uint64_t n)
{
	counter_add(&worker->counters[counter], n);
}

static inline struct dns_stats *worker_stats(const struct worker *worker, uint8_t listen)
{
	return &worker->stats[worker->server->listen_labels[listen].label];
}

static inline uint64_t worker_clock(void)
{
	return clock_monotonic(&clock_system);
}

/* `time` is when the questions that are answered next were received. */
static inline void worker_set_time(struct worker *worker, uint64_t time)
{
	worker->time = time;
	cookies_set_time(&worker->cookies,
			 (uint32_t)((time + (uint64_t)worker->server->wall_offset) / NS_PER_S));
}

/* sockets.c: opens what listens. */
struct listen_address {
	struct sockaddr_storage address;
	socklen_t n;
	bool wildcard;
	bool early; /* it may not be an address of this machine yet */
};

int listen_address_parse(const char *text, struct listen_address *ret);

/*
 * Opens the UDP and TCP sockets of all workers for `address`, whose port is set when it was 0.
 * Returns 0 or DNS_SERVER_BAD with a message.
 */
int sockets_open(struct dns_server *server, size_t index, struct listen_address *address,
		 char message[DNS_MESSAGE]);

/* worker.c */
/* How a query from `address` came; it stays the caller's. */
struct dns_transport worker_transport(const struct worker *worker, bool tcp,
				      const struct sockaddr_storage *address);
void worker_run(void *worker);
/* Counts a query of `n` bytes that was read; an answer of `n` bytes that is about to be sent. */
void worker_asked(struct worker *worker, uint8_t listen, enum dns_proto proto,
		  const struct dns_report *report, size_t n);
void worker_answered(struct worker *worker, uint8_t listen, enum dns_proto proto,
		     const struct dns_report *report, const uint8_t *answer, size_t n);

/* A line for the log of queries, if there is one. `began`: ns, when the query was read. */
void worker_log(struct worker *worker, const struct sockaddr_storage *peer, bool tcp,
		const uint8_t *query, size_t query_n, const struct dns_report *report,
		const uint8_t *answer, size_t n, uint64_t began);

/* worker_tap_query() and worker_tap_response(), where there is a tap. `response`: when, else 0. */
void worker_tap(struct worker *worker, uint8_t listen, const struct sockaddr_storage *peer,
		bool tcp, const uint8_t *message, size_t n, uint64_t query, uint64_t response);

/* dnstap: a query came and was read at worker->time. */
static inline void worker_tap_query(struct worker *worker, uint8_t listen,
				    const struct sockaddr_storage *peer, bool tcp,
				    const uint8_t *query, size_t n)
{
	if (__builtin_expect(worker->tap != NULL, 0)) {
		worker_tap(worker, listen, peer, tcp, query, n, worker->time, 0);
	}
}

/* Its answer goes. `began`: ns, when the query was read. */
static inline void worker_tap_response(struct worker *worker, uint8_t listen,
				       const struct sockaddr_storage *peer, bool tcp,
				       const uint8_t *answer, size_t n, uint64_t began)
{
	if (__builtin_expect(worker->tap != NULL, 0)) {
		worker_tap(worker, listen, peer, tcp, answer, n, began, worker_clock());
	}
}

/* How many answers of one round were made, for their time. */
struct round {
	unsigned answers[DNS_PLACES];
};
/* They are sent, and took from worker->time until `time`. */
void worker_sent(struct worker *worker, uint8_t listen, const struct round *round, uint64_t time);
int worker_watch(struct worker *worker, struct source *source, uint32_t events);

/* udp.c */
struct udp_batch *udp_batch_new(const struct dns_server *server);
struct udp_batch *udp_batch_free(struct udp_batch *batch);
/* Answers what waits at the socket. */
void udp_serve(struct worker *worker, const struct udp_socket *socket);
/* Sends one answer that was not ready when its question came. */
void udp_send(struct worker *worker, const struct forward *forward, const uint8_t *answer,
	      size_t n);

/* limit.c: limits on answers over UDP. */
/* Sets what the client may have; NULL when it is not limited. */
struct rate *limit_begin(struct worker *worker, struct dns_transport *transport);
/* What became of it. `n` with DNS_ANSWER: the size of the answer. */
void limit_end(struct worker *worker, struct rate *rate, const struct dns_transport *transport,
	       enum dns_verdict verdict, const struct dns_report *report, size_t n);
/* An answer that had to be waited for has `n` bytes. */
void limit_forwarded(struct worker *worker, const struct dns_transport *transport,
		     const struct dns_report *report, size_t n);

/* tcp.c */
void tcp_accept(struct worker *worker, struct source *listener);
void tcp_serve(struct worker *worker, struct connection *connection, uint32_t events);
void tcp_send(struct worker *worker, struct forward *forward, const uint8_t *answer, size_t n);
/* Closes what is over its time. Returns ms until the next is, -1 for never. */
int tcp_expire(struct worker *worker);
void tcp_close_all(struct worker *worker);
/* Ties a question under way to its connection. */
void tcp_hold(struct connection *connection, struct forward *forward);

/* Its image came: streams it. */
void tcp_transfer(struct worker *worker, struct connection *connection);

/* images.c, control thread: answers the workers' mail, at most `max` transfers at a time. */
int images_new(struct loop *loop, struct zone *zone, size_t max, struct images **ret);
struct images *images_free(struct images *images); /* NULL is fine; returns NULL */
/* No worker runs any more: closes and frees what lies in its mailbox (NULL: none). */
void images_drain(struct mailbox *mailbox);

/* images.c, worker. */
/* Asks the control thread for an image; NULL when too many are under way. */
struct transfer *transfer_begin(struct worker *worker, struct connection *connection,
				const uint8_t *query, size_t n, const struct name *apex);
/* Instead: the size of a refusal in `out`. `outcome`: of zone_image_open(). */
size_t transfer_refuse(struct worker *worker, const uint8_t *query, size_t n,
		       struct dns_transport transport, int outcome, uint8_t *out,
		       struct dns_report *ret_report);
/* The next message, of a transfer that is here. */
size_t transfer_next(struct worker *worker, struct transfer *transfer,
		     struct dns_transport transport, uint8_t *out);
/* It takes too long, or holds too much. */
bool transfer_is_overdue(const struct worker *worker, const struct transfer *transfer);
/* It is done, or its connection gone; the transfer is no longer the caller's. */
void transfer_end(struct worker *worker, struct transfer *transfer);
/* What the control thread sent back. */
void images_receive(struct worker *worker);

/* forward.c */
/*
 * Hands a question to the resolver. On success the answer comes later; NULL means that there is no
 * room and *ret_n is the size of the refusal in `out`. The caller fills in where the answer goes:
 * `listen` and `peer`, and the socket or the connection.
 */
struct forward *forward_new(struct worker *worker, const uint8_t *packet, size_t n,
			    const struct dns_question *question, struct dns_transport transport,
			    uint8_t *out, struct dns_report *ret_report, size_t *ret_n);
/*
 * Sends it; on failure it is gone, the result is false and *ret_n the size of the refusal in `out`.
 */
bool forward_send(struct worker *worker, struct forward *forward, uint8_t *out,
		  struct dns_report *ret_report, size_t *ret_n);
/* The resolver's answer came: sends it on and gives the slot back. */
void forward_done(struct worker *worker, struct forward *forward);
