/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP (RFC 7766): any number of questions on a connection, answered as they come; those for the
 * resolver when it is done, out of order. Answers to what one read brought go out in one write.
 *
 * A connection is idle, or something is half done: a question is here in part, or an answer is not
 * taken. Either has a time that is counted from its first octet and that nothing prolongs, neither
 * more octets nor answers to earlier questions. What an unwilling client does not take is kept,
 * once, and nothing more is read from it meanwhile.
 *
 * Where there are too many connections, a new one takes the place of the least loss (clients.h):
 * among the client's own when it has its share, else among those of the client that has most. So
 * nobody is kept out by others that sit there, whether they do nothing or something by halves.
 *
 * What deserves no answer (shorter than a header, or an answer itself) is not DNS, or not in step:
 * what was asked before it is still answered, then the connection ends.
 *
 * A zone transfer has its connection to itself: the next question waits until it is over. Its
 * messages are made one by one as the client takes them, a few before other sources have their
 * turn.
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
#include "dns/clients.h"
#include "dns/frames.h"
#include "dns/server_intern.h"
#include "dns/wire.h"

enum {
	ACCEPTS = 16, /* before the other sources have their turn */
	ACCEPT_PAUSE_MS = 100, /* when there are no descriptors left */
	FRAME = FRAME_LENGTH,
	ANSWER = FRAME + DNS_ANSWER_MAX,
	TRANSFER_MESSAGES = 4, /* before the other sources have their turn */
};

enum half { HALF_NOTHING, HALF_QUESTION, HALF_ANSWER };

struct connection {
	struct source source; /* first */
	struct list link; /* in worker->idle or ->busy */
	struct client_member member;
	struct list forwards;
	struct transfer *transfer; /* NULL: none */
	struct sockaddr_storage peer;
	uint64_t deadline; /* ns */
	enum half half; /* done: from when on the deadline counts */
	bool ended; /* the client will ask no more */
	bool broken; /* closed; freed when the round is over */
	uint8_t watched; /* EPOLLIN or EPOLLOUT, as far as they fit */
	uint16_t n_forwards;
	uint8_t *unsent;
	size_t unsent_n;
	size_t unsent_at;
	struct frames frames;
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
	if (connection->transfer != NULL) {
		transfer_end(worker, take(connection->transfer));
	}
	drop_unsent(worker, connection);
	clients_leave(worker->clients, &connection->member);
	close(connection->source.fd);
	connection->broken = true;
	connection->deadline = 0;
	/* To the front, so that it is found first. */
	list_unlink(&connection->link);
	list_append(worker->idle.next, &connection->link);
	worker->n_connections--;
}

/* Its time begins anew. */
static void set_state(struct worker *worker, struct connection *connection, enum half half)
{
	bool busy = half != HALF_NOTHING;
	uint64_t ms = busy ? LIMIT_DNS_TCP_MESSAGE_MS : LIMIT_DNS_TCP_IDLE_MS;

	connection->half = half;
	connection->deadline = worker_clock() + ms * NS_PER_MS;
	list_unlink(&connection->link);
	list_append(busy ? &worker->busy : &worker->idle, &connection->link);
	clients_use(worker->clients, &connection->member,
		    busy                          ? CLIENT_BUSY
		    : connection->n_forwards != 0 ? CLIENT_WAITING
						  : CLIENT_IDLE);
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

/* Writes or keeps `n` bytes; settle() follows, unless the connection is broken afterwards. */
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
	if ((size_t)sent < n && !keep(worker, connection, bytes + sent, n - (size_t)sent)) {
		worker_count(worker, COUNT_SEND_FAILED, 1);
		connection_break(worker, connection);
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

/* False when the answer (a refusal) is there already. */
static bool begin_transfer(struct worker *worker, struct connection *connection,
			   const uint8_t *message, size_t n, struct dns_transport transport,
			   const struct dns_question *question, uint8_t *out,
			   struct dns_report *ret_report, size_t *ret_n)
{
	connection->transfer = transfer_begin(worker, connection, message, n, &question->name);
	if (connection->transfer == NULL) {
		*ret_n = transfer_refuse(worker, message, n, transport, ZONE_IMAGE_TOO_MANY, out,
					 ret_report);
	}
	return connection->transfer != NULL;
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
		connection->ended = true;
		frames_clear(&connection->frames);
		return 0;
	}
	worker_asked(worker, listen, DNS_PROTO_TCP, &report, n);
	worker_tap_query(worker, listen, &connection->peer, /* tcp= */ true, message, n);
	if (verdict == DNS_FORWARD && pass_on(worker, connection, message, n, transport, &question,
					      out + FRAME, &report, &size)) {
		return 0;
	}
	if (verdict == DNS_TRANSFER && begin_transfer(worker, connection, message, n, transport,
						      &question, out + FRAME, &report, &size)) {
		return 0;
	}
	worker_answered(worker, listen, DNS_PROTO_TCP, &report, out + FRAME, size);
	worker_log(worker, &connection->peer, /* tcp= */ true, message, n, &report, out + FRAME,
		   size, worker->time);
	worker_tap_response(worker, listen, &connection->peer, /* tcp= */ true, out + FRAME, size,
			    worker->time);
	round->answers[report.place]++;
	set_u16(out, (uint16_t)size);
	return FRAME + size;
}

/*
 * Answers all messages that are here, as long as the client takes the answers. Returns how many
 * there were.
 */
static size_t answer_all(struct worker *worker, struct connection *connection)
{
	const uint8_t *message;
	size_t used = 0;
	size_t messages = 0;
	struct round round = { 0 };
	size_t n;

	while (!connection->broken && connection->unsent == NULL && connection->transfer == NULL &&
	       connection->n_forwards < LIMIT_DNS_TCP_FORWARDS &&
	       frames_next(&connection->frames, &message, &n)) {
		used += answer_one(worker, connection, message, n, worker->out + used, &round);
		messages++;
		if (used > ANSWER) {
			write_out(worker, connection, worker->out, used);
			used = 0;
		}
	}
	write_out(worker, connection, worker->out, used);
	if (messages != 0) {
		worker_sent(worker, connection->source.listen, &round, worker_clock());
	}
	snapshot_reader_pass();
	return messages;
}

/* ---- zone transfers ---- */

static bool is_streaming(const struct connection *connection)
{
	return connection->transfer != NULL && connection->transfer->here;
}

/* Sends what the client takes, up to some messages. Returns whether there was anything to send. */
static bool stream(struct worker *worker, struct connection *connection)
{
	struct dns_transport transport =
		worker_transport(worker, /* tcp= */ true, &connection->peer);
	bool progress = false;

	for (size_t i = 0; i < TRANSFER_MESSAGES && is_streaming(connection); i++) {
		struct transfer *transfer = connection->transfer;
		size_t n;

		if (connection->unsent != NULL) {
			break;
		}
		if (transfer_is_overdue(worker, transfer)) {
			connection_break(worker, connection);
			break;
		}
		n = transfer_next(worker, transfer, transport, worker->out + FRAME);
		worker_tap_response(worker, connection->source.listen, &connection->peer,
				    /* tcp= */ true, worker->out + FRAME, n, transfer->began);
		if (transfer->state.ended) {
			transfer_end(worker, take(connection->transfer));
		}
		set_u16(worker->out, (uint16_t)n);
		write_out(worker, connection, worker->out, FRAME + n);
		progress = true;
	}
	return progress;
}

/* ---- what is next ---- */

static enum half half_of(const struct connection *connection, bool full)
{
	if (connection->unsent != NULL || connection->transfer != NULL) {
		return HALF_ANSWER;
	}
	return frames_begun(&connection->frames) && !full ? HALF_QUESTION : HALF_NOTHING;
}

static bool is_over(const struct connection *connection)
{
	return connection->ended && connection->unsent == NULL && connection->transfer == NULL &&
	       connection->n_forwards == 0;
}

/*
 * After anything happened: what to wait for, and until when. `progress`: what was half done is
 * done, and what may be half done now is something else.
 */
static void settle(struct worker *worker, struct connection *connection, bool progress)
{
	bool full = connection->n_forwards >= LIMIT_DNS_TCP_FORWARDS;
	enum half half = half_of(connection, full);

	if (connection->broken) {
		return;
	}
	if (is_over(connection)) {
		connection_break(worker, connection);
		return;
	}
	if (half != connection->half || progress) {
		set_state(worker, connection, half);
	}
	if (connection->unsent != NULL || is_streaming(connection)) {
		watch(worker, connection, EPOLLOUT);
	} else {
		bool waiting = full || connection->transfer != NULL || connection->ended;

		watch(worker, connection, waiting ? 0 : EPOLLIN);
	}
}

static void read_in(struct worker *worker, struct connection *connection)
{
	size_t room;
	uint8_t *bytes = frames_room(&connection->frames, &room);
	ssize_t n;

	if (room == 0) {
		return; /* a whole message is here, and waits for its turn */
	}
	n = recv(connection->source.fd, bytes, room, MSG_DONTWAIT);
	if (n > 0) {
		frames_add(&connection->frames, (size_t)n);
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
	} else if ((events & EPOLLIN) != 0 && connection->transfer == NULL) {
		read_in(worker, connection);
	}
	if (!connection->broken) {
		progress |= stream(worker, connection);
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
	bool progress = connection->half == HALF_NOTHING;

	release_forward(connection, forward);
	worker_set_time(worker, worker_clock());
	set_u16(frame, (uint16_t)n);
	write_out(worker, connection, frame, FRAME + n);
	if (!connection->broken) {
		progress |= answer_all(worker, connection) != 0;
	}
	settle(worker, connection, progress);
}

void tcp_transfer(struct worker *worker, struct connection *connection)
{
	(void)stream(worker, connection);
	if (!connection->broken) {
		(void)answer_all(worker, connection);
	}
	settle(worker, connection, true);
}

/* ---- connections ---- */

/* Makes room; false when there is nothing to end. */
static bool evict(struct worker *worker, struct client_member *worst)
{
	if (worst == NULL) {
		return false;
	}
	connection_break(worker, container_of(worst, struct connection, member));
	worker_count(worker, COUNT_EVICTED, 1);
	return true;
}

static void make_room(struct worker *worker, const struct sockaddr_storage *peer)
{
	if (clients_count(worker->clients, peer) >= LIMIT_DNS_TCP_CLIENT) {
		(void)evict(worker, clients_worst_of(worker->clients, peer));
	} else if (worker->n_connections >= LIMIT_DNS_TCP_CONNECTIONS) {
		(void)evict(worker, clients_worst(worker->clients));
	}
}

static void connection_new(struct worker *worker, const struct source *listener, int fd,
			   const struct sockaddr_storage *peer)
{
	struct connection *connection;
	int on = 1;

	make_room(worker, peer);
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
	clients_join(worker->clients, &connection->member, peer);
	worker->n_connections++;
	worker_count(worker, COUNT_CONNECTIONS, 1);
	set_state(worker, connection, HALF_NOTHING);
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
		} else if (!evict(worker, clients_worst(worker->clients))) {
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
