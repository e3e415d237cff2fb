/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection, in steps: connect, perhaps a TLS handshake, send, read the status line. Each step
 * does what the socket takes now and says what to wait for. The rest of the answer is nobody's
 * concern.
 */
#include "node/knock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "json/json.h"

enum knock_step { KNOCK_CONNECT, KNOCK_HANDSHAKE, KNOCK_SEND, KNOCK_READ };

struct knock {
	struct loop *loop;
	int fd;
	bool http;
	bool tls;
	enum knock_step step;
	struct loop_watch *watch;
	struct loop_timer *timer;
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	struct buffer out;
	char in[64]; /* "HTTP/1.1 200 " and more than is needed */
	size_t n_in;
	char url[KNOCK_MESSAGE / 2]; /* for messages: `Get "http://…": ` or "dial tcp …: " */
	int failed; /* errno of a connection that failed at once */
	knock_done_fn done;
	void *userdata;
};

static void destroy(struct knock *knock)
{
	loop_watch_free(knock->watch);
	loop_timer_free(knock->timer);
	if (knock->session != NULL) {
		gnutls_deinit(knock->session);
		gnutls_certificate_free_credentials(knock->credentials);
	}
	if (knock->fd >= 0) {
		close(knock->fd);
	}
	buffer_deinit(&knock->out);
	mem_free(knock);
}

static void finish(struct knock *knock, int status, const char *problem)
{
	char message[KNOCK_MESSAGE] = "";
	knock_done_fn done = knock->done;
	void *userdata = knock->userdata;

	if (problem != NULL) {
		snprintf(message, sizeof(message), "%s%s", knock->url, problem);
	}
	destroy(knock);
	done(userdata, status, message);
}

static void finish_errno(struct knock *knock, int error)
{
	char problem[128];

	snprintf(problem, sizeof(problem), "connect: %s",
		 error == ECONNREFUSED ? "connection refused" : strerror(error));
	finish(knock, 0, problem);
}

/* ---- bytes, plain or not ---- */

enum { IO_WAIT = -1, IO_BROKEN = -2 };

static ssize_t io_result(struct knock *knock, ssize_t n)
{
	if (n >= 0) {
		return n;
	}
	if (knock->tls) {
		return n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED ? IO_WAIT : IO_BROKEN;
	}
	return errno == EAGAIN || errno == EINTR ? IO_WAIT : IO_BROKEN;
}

static ssize_t io_write(struct knock *knock)
{
	return io_result(knock,
			 knock->tls ? gnutls_record_send(knock->session, knock->out.p, knock->out.n)
				    : send(knock->fd, knock->out.p, knock->out.n, MSG_NOSIGNAL));
}

static ssize_t io_read(struct knock *knock)
{
	char *to = knock->in + knock->n_in;
	size_t room = sizeof(knock->in) - 1 - knock->n_in;

	return io_result(knock, knock->tls ? gnutls_record_recv(knock->session, to, room)
					   : recv(knock->fd, to, room, 0));
}

/* ---- steps: true when the next one may follow at once; false: waiting, or finished ---- */

static bool begin_tls(struct knock *knock)
{
	if (gnutls_init(&knock->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK) < 0) {
		knock->session = NULL;
		finish(knock, 0, "tls: no session");
		return false;
	}
	gnutls_certificate_allocate_credentials(&knock->credentials);
	gnutls_credentials_set(knock->session, GNUTLS_CRD_CERTIFICATE, knock->credentials);
	gnutls_set_default_priority(knock->session);
	gnutls_transport_set_int(knock->session, knock->fd);
	knock->step = KNOCK_HANDSHAKE;
	return true;
}

static bool step_connect(struct knock *knock)
{
	socklen_t n = sizeof(int);
	int error = 0;

	getsockopt(knock->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	if (error != 0) {
		finish_errno(knock, error);
		return false;
	}
	if (!knock->http) {
		finish(knock, 0, NULL);
		return false;
	}
	if (knock->tls) {
		return begin_tls(knock);
	}
	knock->step = KNOCK_SEND;
	return true;
}

static bool step_handshake(struct knock *knock)
{
	int result = gnutls_handshake(knock->session);

	if (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED) {
		loop_watch_set(knock->watch, gnutls_record_get_direction(knock->session) == 0
						     ? LOOP_READ
						     : LOOP_WRITE);
		return false;
	}
	if (result < 0 && gnutls_error_is_fatal(result)) {
		char problem[160];

		snprintf(problem, sizeof(problem), "tls: %s", gnutls_strerror(result));
		finish(knock, 0, problem);
		return false;
	}
	if (result == 0) {
		knock->step = KNOCK_SEND;
	}
	return true;
}

static bool step_send(struct knock *knock)
{
	ssize_t n = io_write(knock);

	if (n == IO_BROKEN) {
		finish(knock, 0, "write: broken pipe");
		return false;
	}
	if (n == IO_WAIT) {
		loop_watch_set(knock->watch, LOOP_WRITE);
		return false;
	}
	buffer_consume(&knock->out, (size_t)n);
	if (knock->out.n == 0) {
		knock->step = KNOCK_READ;
	}
	return true;
}

static bool step_read(struct knock *knock)
{
	ssize_t n = io_read(knock);
	int status;

	if (n == IO_WAIT) {
		loop_watch_set(knock->watch, LOOP_READ);
		return false;
	}
	if (n <= 0) {
		finish(knock, 0, n == 0 ? "EOF" : "read: connection reset by peer");
		return false;
	}
	knock->n_in += (size_t)n;
	knock->in[knock->n_in] = '\0';
	if (sscanf(knock->in, "HTTP/%*1[01].%*1[019] %3d", &status) == 1 && knock->n_in >= 12) {
		finish(knock, status, NULL);
		return false;
	}
	if (knock->n_in == sizeof(knock->in) - 1) {
		finish(knock, 0, "net/http: malformed HTTP response");
		return false;
	}
	return true;
}

static void ready(void *userdata, unsigned events)
{
	static bool (*const steps[])(struct knock * knock) = {
		[KNOCK_CONNECT] = step_connect,
		[KNOCK_HANDSHAKE] = step_handshake,
		[KNOCK_SEND] = step_send,
		[KNOCK_READ] = step_read,
	};
	struct knock *knock = userdata;

	while (steps[knock->step](knock)) {
	}
}

static void timed_out(void *userdata)
{
	struct knock *knock = userdata;

	if (knock->failed != 0) {
		finish_errno(knock, knock->failed);
	} else if (knock->http) {
		finish(knock, 0,
		       "context deadline exceeded (Client.Timeout exceeded while awaiting "
		       "headers)");
	} else {
		finish(knock, 0, "i/o timeout");
	}
}

/* ---- beginning ---- */

static bool has_header(const json_t *headers, const char *name)
{
	const json_t *header;
	size_t i;

	json_array_foreach ((json_t *)headers, i, header) {
		if (strcasecmp(json_string_at(header, "name"), name) == 0) {
			return true;
		}
	}
	return false;
}

static void write_request(struct knock *knock, const struct knock_request *request,
			  const char *authority)
{
	const char *slash = request->path[0] == '/' ? "" : "/";
	const json_t *header;
	size_t i;

	buffer_printf(&knock->out, "GET %s%s HTTP/1.1\r\n", slash, request->path);
	if (!has_header(request->headers, "Host")) {
		buffer_printf(&knock->out, "Host: %s\r\n", authority);
	}
	if (!has_header(request->headers, "User-Agent")) {
		buffer_append_text(&knock->out, "User-Agent: kube-probe/1.33\r\n");
	}
	if (!has_header(request->headers, "Accept")) {
		buffer_append_text(&knock->out, "Accept: */*\r\n");
	}
	json_array_foreach ((json_t *)request->headers, i, header) {
		buffer_printf(&knock->out, "%s: %s\r\n", json_string_at(header, "name"),
			      json_string_at(header, "value"));
	}
	buffer_append_text(&knock->out, "Connection: close\r\n\r\n");
	snprintf(knock->url, sizeof(knock->url),
		 "Get \"%s://%s%s%.120s\": ", request->tls ? "https" : "http", authority, slash,
		 request->path);
}

/* 0 or the errno. */
static int begin_connect(struct knock *knock, const struct knock_request *request)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(request->port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(request->port) };
	const struct sockaddr *to = (const struct sockaddr *)&v4;
	socklen_t n = sizeof(v4);

	if (inet_pton(AF_INET, request->address, &v4.sin_addr) != 1) {
		if (inet_pton(AF_INET6, request->address, &v6.sin6_addr) != 1) {
			return EADDRNOTAVAIL;
		}
		to = (const struct sockaddr *)&v6;
		n = sizeof(v6);
	}
	knock->fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (knock->fd < 0 || (connect(knock->fd, to, n) < 0 && errno != EINPROGRESS)) {
		return errno;
	}
	return loop_watch_new(knock->loop, knock->fd, LOOP_WRITE, ready, knock, &knock->watch) < 0
		       ? ENOMEM
		       : 0;
}

struct knock *knock_start(struct loop *loop, const struct knock_request *request,
			  knock_done_fn done, void *userdata)
{
	struct knock *knock = MEM_NEW(struct knock);
	bool v6 = strchr(request->address, ':') != NULL;
	char authority[80];

	knock->loop = loop;
	knock->fd = -1;
	knock->http = request->http;
	knock->tls = request->tls;
	knock->done = done;
	knock->userdata = userdata;
	knock->timer = loop_timer_new(loop, timed_out, knock);
	buffer_init(&knock->out, LIMIT_HTTP_TARGET);
	snprintf(authority, sizeof(authority), v6 ? "[%s]:%u" : "%s:%u", request->address,
		 request->port);
	if (request->http) {
		write_request(knock, request, authority);
	} else {
		snprintf(knock->url, sizeof(knock->url), "dial tcp %s: ", authority);
	}
	knock->failed = knock->out.overflowed ? EMSGSIZE : begin_connect(knock, request);
	loop_timer_set(knock->timer, knock->failed != 0 ? 0 : request->timeout);
	return knock;
}

struct knock *knock_cancel(struct knock *knock)
{
	if (knock != NULL) {
		destroy(knock);
	}
	return NULL;
}
