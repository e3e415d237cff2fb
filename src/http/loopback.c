/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchange outlives the loopback handle when the handler still owes the answer: whoever of the
 * two ends last frees.
 */
#include "http/loopback.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "http/intern.h"
#include "http/tunnel.h"

enum { READ_SIZE = 16384 };

struct http_loopback {
	struct http_exchange exchange;
	struct buffer body;
	const struct http_stream *stream;
	void *stream_userdata;
	struct loop *loop; /* for connections after an upgrade */
	int fd; /* the client's end of one; -1: none */
	int status;
	bool complete;
	bool hung_up;
};

static struct http_loopback *of(struct http_exchange *exchange)
{
	return container_of(exchange, struct http_loopback, exchange);
}

static struct loop *upgrades_on;

void http_loopback_upgrades(struct loop *loop)
{
	upgrades_on = loop;
}

static void destroy(struct http_loopback *loopback)
{
	if (loopback->fd >= 0) {
		close(loopback->fd);
	}
	buffer_deinit(&loopback->body);
	arena_deinit(&loopback->exchange.arena);
	mem_free(loopback);
}

static void reply(struct http_exchange *exchange, int status, struct buffer *body)
{
	struct http_loopback *loopback = of(exchange);

	loopback->status = status;
	loopback->complete = true;
	buffer_append(&loopback->body, body->p, body->n);
	buffer_deinit(body);
	if (loopback->hung_up) {
		destroy(loopback);
	}
}

static void stream(struct http_exchange *exchange, int status, const struct http_stream *stream,
		   void *userdata)
{
	struct http_loopback *loopback = of(exchange);

	loopback->status = status;
	if (loopback->hung_up) {
		stream->close(userdata);
		destroy(loopback);
		return;
	}
	loopback->stream = stream;
	loopback->stream_userdata = userdata;
}

/* Nothing to do: the body is pulled when somebody asks for it. */
static void wake(struct http_exchange *exchange)
{
}

/* The connection is a pair of sockets: one end for the handler, one for the test. */
static void upgrade(struct http_exchange *exchange,
		    void (*opened)(void *userdata, struct tunnel *tunnel), void *userdata)
{
	struct http_loopback *loopback = of(exchange);
	int fds[2];

	loopback->status = 101;
	loopback->complete = true;
	if (loopback->hung_up ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
		opened(userdata, NULL);
	} else {
		loopback->fd = fds[1];
		opened(userdata, tunnel_of_socket(loopback->loop, fds[0], STR_NONE));
	}
	if (loopback->hung_up) {
		destroy(loopback);
	}
}

static const struct http_exchange_ops loopback_ops = {
	.reply = reply,
	.stream = stream,
	.wake = wake,
	.upgrade = upgrade,
};

static struct str arena_lower(struct arena *arena, const char *text)
{
	struct str copy = arena_str(arena, str_from(text));

	for (size_t i = 0; i < copy.n; i++) {
		((char *)copy.p)[i] = (char)tolower((unsigned char)copy.p[i]);
	}
	return copy;
}

static void take_query(struct http_exchange *exchange, struct str query)
{
	size_t n = 1;
	struct http_pair *pairs;

	for (size_t i = 0; i < query.n; i++) {
		n += query.p[i] == '&';
	}
	pairs = arena_alloc(&exchange->arena, n * sizeof(*pairs));
	while (query.n != 0) {
		struct str value = str_cut(&query, '&');
		struct str name = str_cut(&value, '=');

		pairs[exchange->n_query++] = (struct http_pair){
			.name = http_unescape(&exchange->arena, name, /* plus= */ true),
			.value = http_unescape(&exchange->arena, value, /* plus= */ true),
		};
	}
	exchange->query = pairs;
}

struct http_loopback *http_loopback_send(http_handler_fn handler, void *userdata,
					 const char *method, const char *target,
					 const struct http_pair *headers, size_t n_headers,
					 struct str body, const char *user, const char *group)
{
	struct http_loopback *loopback = MEM_NEW(struct http_loopback);
	struct http_exchange *exchange = &loopback->exchange;
	struct str query = str_from(target);
	struct str path = str_cut(&query, '?');
	struct http_pair *lower;

	buffer_init(&loopback->body, LIMIT_RESPONSE);
	arena_init(&exchange->arena, LIMIT_REQUEST_ARENA);
	exchange->ops = &loopback_ops;
	loopback->loop = upgrades_on;
	loopback->fd = -1;
	exchange->method = http_method_of(method);
	exchange->path = http_unescape(&exchange->arena, path, /* plus= */ false);
	exchange->body = arena_str(&exchange->arena, body);
	exchange->peer = (struct http_peer){ .user = user, .address = "loopback" };
	exchange->peer.groups[0] = group;
	take_query(exchange, query);
	lower = arena_alloc(&exchange->arena, (n_headers + 1) * sizeof(*lower));
	for (size_t i = 0; i < n_headers; i++) {
		lower[i].name = arena_lower(&exchange->arena, headers[i].name).p;
		lower[i].value = headers[i].value;
	}
	exchange->headers = lower;
	exchange->n_headers = n_headers;
	handler(userdata, exchange);
	return loopback;
}

int http_loopback_status(const struct http_loopback *loopback)
{
	return loopback->status;
}

const char *http_loopback_header(const struct http_loopback *loopback, const char *name)
{
	const struct http_exchange *exchange = &loopback->exchange;

	for (size_t i = 0; i < exchange->n_reply_headers; i++) {
		if (strcasecmp(exchange->reply_headers[i].name, name) == 0) {
			return exchange->reply_headers[i].value;
		}
	}
	return NULL;
}

static void close_stream(struct http_loopback *loopback)
{
	const struct http_stream *open = take(loopback->stream);

	if (open != NULL) {
		open->close(loopback->stream_userdata);
	}
}

struct str http_loopback_body(struct http_loopback *loopback)
{
	char chunk[READ_SIZE];

	while (loopback->stream != NULL) {
		int64_t n = loopback->stream->read(loopback->stream_userdata, chunk, sizeof(chunk));

		if (n == HTTP_STREAM_WAIT) {
			break;
		}
		if (n < 0) {
			loopback->complete = true;
			close_stream(loopback);
			break;
		}
		buffer_append(&loopback->body, chunk, (size_t)n);
	}
	return buffer_str(&loopback->body);
}

int http_loopback_connection(struct http_loopback *loopback)
{
	return loopback->fd;
}

bool http_loopback_is_complete(struct http_loopback *loopback)
{
	http_loopback_body(loopback);
	return loopback->complete;
}

struct http_loopback *http_loopback_free(struct http_loopback *loopback)
{
	if (loopback == NULL) {
		return NULL;
	}
	loopback->hung_up = true;
	close_stream(loopback);
	if (loopback->status != 0) {
		destroy(loopback);
	} else if (loopback->exchange.gone != NULL) {
		loopback->exchange.gone(loopback->exchange.gone_userdata);
	}
	return NULL;
}
