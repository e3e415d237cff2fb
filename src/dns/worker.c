/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker waits for its sockets and its mailbox, and answers. While it waits it is no reader, so
 * that the writer's old values go at once; between two batches it says that it holds none.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/snapshot.h"
#include "dns/server_intern.h"
#include "dns/wire.h"

enum { EVENTS = 64 };

struct dns_transport worker_transport(const struct worker *worker, bool tcp,
				      const struct sockaddr_storage *address)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
	bool is_four = address->ss_family == AF_INET;

	return (struct dns_transport){
		.tcp = tcp,
		.client_n = is_four ? sizeof(four->sin_addr) : sizeof(six->sin6_addr),
		.client = is_four ? (const uint8_t *)&four->sin_addr : six->sin6_addr.s6_addr,
		.cookies = &worker->cookies,
	};
}

void worker_asked(struct worker *worker, uint8_t listen, enum dns_proto proto,
		  const struct dns_report *report, size_t n)
{
	enum dns_family family = worker->server->listen_labels[listen].family;

	dns_stats_request(worker_stats(worker, listen), report, proto, family, n);
}

void worker_answered(struct worker *worker, uint8_t listen, enum dns_proto proto,
		     const struct dns_report *report, const uint8_t *answer, size_t n)
{
	dns_stats_response(worker_stats(worker, listen), report, proto, n);
	if ((answer[2] & (DNS_TC >> 8)) != 0) {
		worker_count(worker, COUNT_TRUNCATED, 1);
	}
}

void worker_sent(struct worker *worker, uint8_t listen, const struct round *round, uint64_t time)
{
	struct dns_stats *stats = worker_stats(worker, listen);

	for (size_t i = 0; i < DNS_PLACES; i++) {
		if (round->answers[i] != 0) {
			dns_times_note(&stats->places[i].duration, time - worker->time,
				       round->answers[i]);
		}
	}
}

static void log_query(struct worker *worker, const struct sockaddr_storage *peer, bool tcp,
		      const uint8_t *query, size_t query_n, const struct dns_report *report,
		      const uint8_t *answer, size_t n, uint64_t began)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)peer;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)peer;
	bool is_four = peer->ss_family == AF_INET;
	struct query_record record;

	record.took = worker_clock() - began;
	record.address_n = is_four ? 4 : 16;
	memcpy(record.address, is_four ? (const void *)&four->sin_addr : &six->sin6_addr,
	       record.address_n);
	record.port = ntohs(is_four ? four->sin_port : six->sin6_port);
	record.tcp = tcp;
	record.rcode = report->rcode;
	record.flags = get_u16(answer + 2);
	record.n_records = get_u16(answer + 6);
	record.query_n = (uint16_t)(query_n < UINT16_MAX ? query_n : UINT16_MAX);
	record.answer_n = (uint32_t)n;
	query_log_put(worker->log, (unsigned)(worker - worker->server->workers), &record, query);
}

void worker_log(struct worker *worker, const struct sockaddr_storage *peer, bool tcp,
		const uint8_t *query, size_t query_n, const struct dns_report *report,
		const uint8_t *answer, size_t n, uint64_t began)
{
	if (__builtin_expect(worker->log != NULL, 0)) {
		log_query(worker, peer, tcp, query, query_n, report, answer, n, began);
	}
}

void worker_tap(struct worker *worker, uint8_t listen, const struct sockaddr_storage *peer,
		bool tcp, const uint8_t *message, size_t n, uint64_t query, uint64_t response)
{
	struct dnstap_event event = {
		.query_time = query,
		.response_time = response,
		.server = worker->server->listen_labels[listen].peer,
		.n = (uint16_t)(n < UINT16_MAX ? n : UINT16_MAX),
		.tcp = tcp,
	};

	dnstap_peer_from(peer, &event.client);
	dnstap_put(worker->tap, (unsigned)(worker - worker->server->workers), &event, message);
}

int worker_watch(struct worker *worker, struct source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, source->fd, &event) == 0 ? 0 : -errno;
}

static void read_mail(struct worker *worker)
{
	struct mail *mail = mailbox_receive(worker->mailbox);

	worker_set_time(worker, worker_clock());
	while (mail != NULL) {
		struct mail *next = mail->next;

		if (mail == &worker->stop) {
			worker->stopping = true;
		} else {
			forward_done(worker, container_of(mail, struct forward, query.mail));
		}
		mail = next;
	}
}

static void serve(struct worker *worker, const struct epoll_event *event)
{
	struct source *source = event->data.ptr;

	switch (source->kind) {
	case SOURCE_UDP:
		udp_serve(worker, container_of(source, struct udp_socket, source));
		break;
	case SOURCE_LISTEN:
		tcp_accept(worker, source);
		break;
	case SOURCE_CONNECTION:
		tcp_serve(worker, (struct connection *)(void *)source, event->events);
		break;
	case SOURCE_TRANSFERS:
		images_receive(worker);
		break;
	case SOURCE_MAILBOX:
		read_mail(worker);
		break;
	}
}

/* Everything is open by now; from here on packets of strangers are read. */
static void enter_sandbox(const struct sandbox *sandbox)
{
	unsigned expected = sandbox_probe(sandbox);
	unsigned in_force = sandbox_enter(sandbox, SANDBOX_WORKER);
	char text[SANDBOX_TEXT];

	if (in_force != expected) {
		sandbox_describe(in_force, text);
		log_warning("dns", "sandbox of a worker: %s", text);
	}
}

void worker_run(void *argument)
{
	struct worker *worker = argument;
	struct epoll_event events[EVENTS];

	enter_sandbox(worker->server->sandbox);
	snapshot_reader_join();
	while (!worker->stopping) {
		int timeout = tcp_expire(worker);
		int n;

		snapshot_reader_sleep();
		n = epoll_wait(worker->epoll, events, EVENTS, timeout);
		snapshot_reader_wake();
		for (int i = 0; i < n; i++) {
			serve(worker, &events[i]);
		}
	}
	tcp_close_all(worker);
	snapshot_reader_leave();
}
