/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP (RFC 7766): any number of questions on a connection, answered as they come; those for the
 * resolver when it is done, out of order. Answers to what one read brought go out in one write.
 *
 * A connection is idle (nothing begun) or busy (half a question is here, or half an answer is not
 * taken); each state has a time that is counted from its beginning, so that trickling bytes do not
 * prolong it. What an unwilling client does not take is kept, once, and nothing more is read from
 * it meanwhile.
 *
 * A connection that ended while one of its events may still lie in the current round is only
 * marked; the next round frees it.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/snapshot.h"
#include "dns/server_intern.h"
#include "dns/wire.h"

enum {
	ACCEPTS = 16, /* before the other sources have their turn */
	ACCEPT_PAUSE_MS = 100, /* when there are no descriptors left */
	FRAME = 2, /* the length in front of each message */
	ANSWER = FRAME + DNS_ANSWER_MAX,
};

struct connection {
	struct source source; /* first */
	struct list link; /* in worker->idle or ->busy */
	struct list forwards;
	struct sockaddr_storage peer;
	uint64_t deadline; /* ns */
	bool busy;
	bool ended; /* the client will ask no more */
	bool broken; /* closed; freed when the round is over */
	uint8_t watched; /* EPOLLIN or EPOLLOUT, as far as they fit */
	uint16_t n_forwards;
	uint32_t skip; /* bytes of a message that is too large, still to come */
	size_t n; /* bytes in `in` */
	uint8_t *unsent;
	size_t unsent_n;
	size_t unsent_at;
	uint8_t in[FRAME + LIMIT_DNS_TCP_QUERY];
};

static void drop_unsent(struct worker *worker, struct connection *connection)
{
	worker->unsent -= connection->unsent_n;
	connection->unsent = mem_free(connection->unsent);
	connection->unsent_n = connection->unsent_at = 0;
}

/* Closes at once; the memory goes with tcp_expire(), behind the events of this round. */
static void connection_break(struct worker *worker, struct connection *connection)
{
	if (connection->broken) {
		return;
	}
	list_for_each (forward, &connection->forwards, struct forward, link) {
		list_unlink(&forward->link);
		forward->connection = NULL;
	}
	drop_unsent(worker, connection);
	close(connection->source.fd);
	connection->broken = true;
	connection->deadline = 0;
	/* To the front, so that it is found first. */
	list_unlink(&connection->link);
	list_append(worker->idle.next, &connection->link);
	worker->n_connections--;
}

static void set_state(struct worker *worker, struct connection *connection, bool busy)
{
	uint64_t ms = busy ? LIMIT_DNS_TCP_MESSAGE_MS : LIMIT_DNS_TCP_IDLE_MS;

	connection->busy = busy;
	connection->deadline = worker_clock() + ms * NS_PER_MS;
	list_unlink(&connection->link);
	list_append(busy ? &worker->busy : &worker->idle, &connection->link);
}

static void watch(struct worker *worker, struct connection *connection, uint8_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = &connection->source };

	if (connection->watched != events) {
		connection->watched = events;
		(void)epoll_ctl(worker->epoll, EPOLL_CTL_MOD, connection->source.fd, &event);
	}
}

/* ---- writing ---- */

/* Keeps what was not taken; false when too much is kept already. */
static bool keep(struct worker *worker, struct connection *connection, const uint8_t *bytes,
		 size_t n)
{
	size_t waiting = connection->unsent_n - connection->unsent_at;

	if (worker->unsent + n > LIMIT_DNS_TCP_UNSENT || waiting + n > 2 * ANSWER) {
		return false;
	}
	uint8_t *all = mem_alloc(waiting + n);

	if (waiting != 0) {
		memcpy(all, connection->unsent + connection->unsent_at, waiting);
	}
	memcpy(all + waiting, bytes, n);
	drop_unsent(worker, connection);
	connection->unsent = all;
	connection->unsent_n = waiting + n;
	worker->unsent += waiting + n;
	return true;
}

/* Writes or keeps `n` bytes; the connection may be broken afterwards. */
static void write_out(struct worker *worker, struct connection *connection, const uint8_t *bytes,
		      size_t n)
{
	ssize_t sent = 0;

	if (n == 0 || connection->broken) {
		return;
	}
	if (connection->unsent == NULL) {
		sent = send(connection->source.fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			connection_break(worker, connection);
			return;
		}
		sent = sent < 0 ? 0 : sent;
	}
	if ((size_t)sent < n) {
		bool begins = connection->unsent == NULL;

		if (!keep(worker, connection, bytes + sent, n - (size_t)sent)) {
			worker_count(worker, COUNT_SEND_FAILED, 1);
			connection_break(worker, connection);
			return;
		}
		if (begins) {
			set_state(worker, connection, true);
		}
		watch(worker, connection, EPOLLOUT);
	}
}

static void write_unsent(struct worker *worker, struct connection *connection)
{
	ssize_t sent =
		send(connection->source.fd, connection->unsent + connection->unsent_at,
		     connection->unsent_n - connection->unsent_at, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			connection_break(worker, connection);
		}
		return;
	}
	connection->unsent_at += (size_t)sent;
	if (connection->unsent_at == connection->unsent_n) {
		drop_unsent(worker, connection);
	}
}

/* ---- questions ---- */

void tcp_hold(struct connection *connection, struct forward *forward)
{
	forward->connection = connection;
	connection->n_forwards++;
	list_append(&connection->forwards, &forward->link);
}

static void release_forward(struct connection *connection, struct forward *forward)
{
	list_unlink(&forward->link);
	forward->connection = NULL;
	connection->n_forwards--;
}

static bool pass_on(struct worker *worker, struct connection *connection, const uint8_t *message,
		    size_t n, struct dns_transport transport, const struct dns_question *question,
		    uint8_t *out, struct dns_report *ret_report, size_t *ret_n)
{
	struct forward *forward =
		forward_new(worker, message, n, question, transport, out, ret_report, ret_n);

	if (forward == NULL) {
		return false;
	}
	forward->listen = connection->source.listen;
	forward->peer.address = connection->peer;
	tcp_hold(connection, forward);
	if (!forward_send(worker, forward, out, ret_report, ret_n)) {
		connection->n_forwards--;
		return false;
	}
	return true;
}

/* Answers one message into `out`; returns the bytes written, with the length in front. */
static size_t answer_one(struct worker *worker, struct connection *connection,
			 const uint8_t *message, size_t n, uint8_t *out, struct round *round)
{
	const struct dns_server *server = worker->server;
	struct dns_transport transport =
		worker_transport(worker, /* tcp= */ true, &connection->peer);
	uint8_t listen = connection->source.listen;
	struct dns_question question;
	struct dns_report report;
	enum dns_verdict verdict;
	size_t size;

	worker_count(worker, COUNT_TCP, 1);
	verdict = dns_answer(&server->options, server->zone, message, n, transport, &worker->random,
			     out + FRAME, &question, &report, &size);
	if (verdict == DNS_DROP) {
		worker_count(worker, COUNT_DROPPED, 1);
		return 0;
	}
	worker_asked(worker, listen, DNS_PROTO_TCP, &report, n);
	if (verdict == DNS_FORWARD && pass_on(worker, connection, message, n, transport, &question,
					      out + FRAME, &report, &size)) {
		return 0;
	}
	worker_answered(worker, listen, DNS_PROTO_TCP, &report, out + FRAME, size);
	round->answers[report.place]++;
	set_u16(out, (uint16_t)size);
	return FRAME + size;
}

/*
 * The next whole message at `*at`; false when it is not all here. One that is too large is cut to
 * its header, which is enough to answer FORMERR, and the rest will be skipped.
 */
static bool next_message(struct connection *connection, size_t *at, size_t *ret_n)
{
	size_t left = connection->n - *at;
	size_t n = left >= FRAME ? get_u16(connection->in + *at) : 0;

	if (left < FRAME) {
		return false;
	}
	if (n > LIMIT_DNS_TCP_QUERY) {
		if (left < FRAME + DNS_HEADER) {
			return false;
		}
		connection->skip = (uint32_t)(n - DNS_HEADER);
		*ret_n = DNS_HEADER;
		return true;
	}
	*ret_n = n;
	return left >= FRAME + n;
}

static void skip_bytes(struct connection *connection, size_t *at)
{
	size_t left = connection->n - *at;
	size_t n = connection->skip < left ? connection->skip : left;

	*at += n;
	connection->skip -= (uint32_t)n;
}

/*
 * Answers all messages that are here, as long as the client takes the answers. Returns how many
 * there were.
 */
static size_t answer_all(struct worker *worker, struct connection *connection)
{
	size_t at = 0;
	size_t used = 0;
	size_t messages = 0;
	struct round round = { 0 };
	size_t n;

	skip_bytes(connection, &at);
	while (!connection->broken && connection->unsent == NULL &&
	       connection->n_forwards < LIMIT_DNS_TCP_FORWARDS &&
	       next_message(connection, &at, &n)) {
		used += answer_one(worker, connection, connection->in + at + FRAME, n,
				   worker->out + used, &round);
		at += FRAME + n;
		messages++;
		skip_bytes(connection, &at);
		if (used > ANSWER) {
			write_out(worker, connection, worker->out, used);
			used = 0;
		}
	}
	write_out(worker, connection, worker->out, used);
	if (messages != 0) {
		worker_sent(worker, connection->source.listen, &round, worker_clock());
	}
	connection->n -= at;
	memmove(connection->in, connection->in + at, connection->n);
	snapshot_reader_pass();
	return messages;
}

/* After anything happened: what to wait for, and until when. */
static void settle(struct worker *worker, struct connection *connection, bool progress)
{
	bool full = connection->n_forwards >= LIMIT_DNS_TCP_FORWARDS;
	bool busy = connection->unsent != NULL || connection->skip != 0 ||
		    (connection->n != 0 && !full);

	if (connection->broken) {
		return;
	}
	if (connection->ended && connection->unsent == NULL && connection->n_forwards == 0) {
		connection_break(worker, connection);
		return;
	}
	if (busy != connection->busy || progress) {
		set_state(worker, connection, busy);
	}
	if (connection->unsent != NULL) {
		watch(worker, connection, EPOLLOUT);
	} else {
		watch(worker, connection, full || connection->ended ? 0 : EPOLLIN);
	}
}

static void read_in(struct worker *worker, struct connection *connection)
{
	ssize_t n = recv(connection->source.fd, connection->in + connection->n,
			 sizeof(connection->in) - connection->n, MSG_DONTWAIT);

	if (n > 0) {
		connection->n += (size_t)n;
	} else if (n == 0) {
		connection->ended = true;
	} else if (errno != EAGAIN && errno != EINTR) {
		connection_break(worker, connection);
	}
}

void tcp_serve(struct worker *worker, struct connection *connection, uint32_t events)
{
	bool progress = false;

	if (connection->broken) {
		return;
	}
	worker_set_time(worker, worker_clock());
	if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
		connection_break(worker, connection);
		return;
	}
	if (connection->unsent != NULL) {
		write_unsent(worker, connection);
		progress = connection->unsent == NULL;
	} else if ((events & EPOLLIN) != 0) {
		read_in(worker, connection);
	}
	if (!connection->broken) {
		progress |= answer_all(worker, connection) != 0;
	}
	settle(worker, connection, progress);
}

void tcp_send(struct worker *worker, struct forward *forward, const uint8_t *answer, size_t n)
{
	struct connection *connection = forward->connection;
	/* The answer lies in worker->out, behind room for its length. */
	uint8_t *frame = (uint8_t *)(uintptr_t)answer - FRAME;

	release_forward(connection, forward);
	worker_set_time(worker, worker_clock());
	set_u16(frame, (uint16_t)n);
	write_out(worker, connection, frame, FRAME + n);
	if (!connection->broken) {
		(void)answer_all(worker, connection);
	}
	settle(worker, connection, true);
}

/* ---- connections ---- */

/* Makes room by ending the connection that has been idle longest. */
static bool evict(struct worker *worker)
{
	list_for_each (connection, &worker->idle, struct connection, link) {
		if (!connection->broken && connection->n_forwards == 0) {
			connection_break(worker, connection);
			return true;
		}
	}
	return false;
}

static void connection_new(struct worker *worker, const struct source *listener, int fd,
			   const struct sockaddr_storage *peer)
{
	struct connection *connection;
	int on = 1;

	if (worker->n_connections >= LIMIT_DNS_TCP_CONNECTIONS && !evict(worker)) {
		worker_count(worker, COUNT_REFUSED, 1);
		close(fd);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connection = MEM_NEW(struct connection);
	connection->source = (struct source){
		.kind = SOURCE_CONNECTION,
		.listen = listener->listen,
		.fd = fd,
	};
	connection->peer = *peer;
	connection->watched = EPOLLIN;
	list_init(&connection->link);
	list_init(&connection->forwards);
	if (worker_watch(worker, &connection->source, EPOLLIN) != 0) {
		worker_count(worker, COUNT_REFUSED, 1);
		close(fd);
		mem_free(connection);
		return;
	}
	worker->n_connections++;
	worker_count(worker, COUNT_CONNECTIONS, 1);
	set_state(worker, connection, false);
}

static void watch_listeners(struct worker *worker, uint32_t events)
{
	for (size_t i = 0; i < worker->server->n_listen; i++) {
		struct epoll_event event = { .events = events, .data.ptr = &worker->listeners[i] };

		(void)epoll_ctl(worker->epoll, EPOLL_CTL_MOD, worker->listeners[i].fd, &event);
	}
}

void tcp_accept(struct worker *worker, struct source *listener)
{
	for (size_t i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage peer = { 0 };
		socklen_t peer_n = sizeof(peer);
		int fd = accept4(listener->fd, (struct sockaddr *)(void *)&peer, &peer_n,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			connection_new(worker, listener, fd, &peer);
		} else if (errno != EMFILE && errno != ENFILE && errno != ENOMEM &&
			   errno != ENOBUFS) {
			return;
		} else if (!evict(worker)) {
			/* Nothing to give back: leave the queue alone for a moment. */
			worker->accept_at = worker_clock() + ACCEPT_PAUSE_MS * NS_PER_MS;
			watch_listeners(worker, 0);
			return;
		}
	}
}

/* Frees or breaks what is due in one list; returns the deadline of the first that is not. */
static uint64_t expire(struct worker *worker, struct list *list, uint64_t time)
{
	while (!list_is_empty(list)) {
		struct connection *connection = list_entry(list->next, struct connection, link);

		if (connection->broken) {
			list_unlink(&connection->link);
			mem_free(connection);
		} else if (connection->deadline <= time) {
			connection_break(worker, connection);
		} else {
			return connection->deadline;
		}
	}
	return UINT64_MAX;
}

int tcp_expire(struct worker *worker)
{
	uint64_t first = UINT64_MAX;
	uint64_t time;

	if (list_is_empty(&worker->idle) && list_is_empty(&worker->busy) &&
	    worker->accept_at == 0) {
		return -1;
	}
	time = worker_clock();
	if (worker->accept_at != 0 && worker->accept_at <= time) {
		worker->accept_at = 0;
		watch_listeners(worker, EPOLLIN);
	}
	uint64_t busy = expire(worker, &worker->busy, time);
	uint64_t idle = expire(worker, &worker->idle, time);

	first = busy < idle ? busy : idle;
	first = worker->accept_at != 0 && worker->accept_at < first ? worker->accept_at : first;
	return first == UINT64_MAX ? -1 : (int)((first - time + NS_PER_MS - 1) / NS_PER_MS);
}

void tcp_close_all(struct worker *worker)
{
	struct list *lists[] = { &worker->busy, &worker->idle };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each (connection, lists[i], struct connection, link) {
			connection_break(worker, connection);
		}
	}
	(void)expire(worker, &worker->idle, 0);
}
