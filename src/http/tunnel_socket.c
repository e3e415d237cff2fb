/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tunnels over sockets, plain or with TLS.
 *
 * GnuTLS keeps a record that the socket did not take and wants to be asked again before anything
 * else is sent: such bytes count as written, and `unsent` says that a flush is due. It also reads
 * whole records from the socket, so there may be something to read while the socket is not
 * readable: then (and for bytes that came early) a timer that is due at once plays the socket.
 *
 * libmicrohttpd goes on using the session of a connection that it has upgraded: it forwards between
 * the session and a pair of sockets. Its forwarding stalls (seen in 0.9.75: a record that was sent
 * in part counts as a full socket), so it gets nothing to forward: between our own calls the
 * session has a transport that always says "not now", and nothing is left decrypted inside.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/tunnel.h"
#include "loop/loop.h"

struct socket_tunnel {
	struct tunnel tunnel;
	struct loop_watch *watch;
	struct loop_timer *soon;
	gnutls_session_t session; /* NULL: plain */
	struct buffer early;
	void (*release)(void *userdata);
	void *userdata;
	unsigned wanted; /* by the user */
	unsigned watched; /* that, and what we need ourselves */
	int fd;
	bool unsent;
	bool shared; /* the session is the server's */
};

static struct socket_tunnel *of(struct tunnel *tunnel)
{
	return container_of(tunnel, struct socket_tunnel, tunnel);
}

static int64_t take_early(struct socket_tunnel *self, char *out, size_t size)
{
	size_t n = self->early.n < size ? self->early.n : size;

	memcpy(out, self->early.p, n);
	buffer_consume(&self->early, n);
	if (self->early.n == 0) {
		buffer_deinit(&self->early);
	}
	return (int64_t)n;
}

static bool is_transient(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static int64_t plain_read(struct tunnel *tunnel, char *out, size_t size)
{
	struct socket_tunnel *self = of(tunnel);
	ssize_t n;

	if (self->early.n != 0) {
		return take_early(self, out, size);
	}
	n = recv(self->fd, out, size, 0);
	if (n < 0) {
		return is_transient(errno) ? TUNNEL_WAIT : TUNNEL_BROKEN;
	}
	return n == 0 ? TUNNEL_END : n;
}

static int64_t plain_write(struct tunnel *tunnel, const char *bytes, size_t n)
{
	ssize_t sent = send(of(tunnel)->fd, bytes, n, MSG_NOSIGNAL);

	if (sent < 0) {
		return is_transient(errno) ? TUNNEL_WAIT : TUNNEL_BROKEN;
	}
	return sent;
}

static int64_t plain_finish(struct tunnel *tunnel)
{
	return shutdown(of(tunnel)->fd, SHUT_WR) == 0 ? TUNNEL_END : TUNNEL_BROKEN;
}

/* A record that is held back goes out as soon as the socket takes it, whoever asks. */
static void update_watch(struct socket_tunnel *self)
{
	unsigned events = self->wanted | (self->unsent ? (unsigned)LOOP_WRITE : 0);

	if (self->watched != events) {
		self->watched = events;
		loop_watch_set(self->watch, events);
	}
}

/* ---- TLS ---- */

static ssize_t push(gnutls_transport_ptr_t fd, const void *bytes, size_t n)
{
	return send((int)(intptr_t)fd, bytes, n, MSG_NOSIGNAL);
}

static ssize_t pull(gnutls_transport_ptr_t fd, void *bytes, size_t n)
{
	return recv((int)(intptr_t)fd, bytes, n, 0);
}

static ssize_t push_nothing(gnutls_transport_ptr_t fd, const void *bytes, size_t n)
{
	errno = EAGAIN;
	return -1;
}

static ssize_t pull_nothing(gnutls_transport_ptr_t fd, void *bytes, size_t n)
{
	errno = EAGAIN;
	return -1;
}

/* A shared session works for us alone from seize() to let_go(). */
static void seize(struct socket_tunnel *self)
{
	if (self->shared) {
		gnutls_transport_set_push_function(self->session, push);
		gnutls_transport_set_pull_function(self->session, pull);
	}
}

static void let_go(struct socket_tunnel *self)
{
	if (self->shared) {
		gnutls_transport_set_push_function(self->session, push_nothing);
		gnutls_transport_set_pull_function(self->session, pull_nothing);
	}
}

/* What is decrypted already would be anybody's. */
static void keep_decrypted(struct socket_tunnel *self)
{
	char block[4096];

	while (self->shared && gnutls_record_check_pending(self->session) != 0) {
		ssize_t n = gnutls_record_recv(self->session, block, sizeof(block));

		if (n <= 0) {
			break;
		}
		buffer_append(&self->early, block, (size_t)n);
	}
}

static int64_t tls_read(struct tunnel *tunnel, char *out, size_t size)
{
	struct socket_tunnel *self = of(tunnel);
	ssize_t n;

	if (self->early.n != 0) {
		return take_early(self, out, size);
	}
	seize(self);
	n = gnutls_record_recv(self->session, out, size);
	keep_decrypted(self);
	let_go(self);
	if (n == 0 || n == GNUTLS_E_PREMATURE_TERMINATION) {
		return TUNNEL_END;
	}
	if (n < 0) {
		return gnutls_error_is_fatal((int)n) ? TUNNEL_BROKEN : TUNNEL_WAIT;
	}
	return n;
}

/* What GnuTLS holds back goes first. */
static int64_t tls_flush(struct socket_tunnel *self)
{
	ssize_t n;

	if (!self->unsent) {
		return TUNNEL_END;
	}
	seize(self);
	n = gnutls_record_send(self->session, NULL, 0);
	let_go(self);
	if (n < 0) {
		return gnutls_error_is_fatal((int)n) ? TUNNEL_BROKEN : TUNNEL_WAIT;
	}
	self->unsent = false;
	update_watch(self);
	return TUNNEL_END;
}

static int64_t tls_write(struct tunnel *tunnel, const char *bytes, size_t n)
{
	struct socket_tunnel *self = of(tunnel);
	size_t most = gnutls_record_get_max_size(self->session);
	int64_t flushed = tls_flush(self);
	ssize_t sent;

	if (flushed != TUNNEL_END) {
		return flushed;
	}
	n = n < most ? n : most;
	seize(self);
	sent = gnutls_record_send(self->session, bytes, n);
	let_go(self);
	if (sent == GNUTLS_E_AGAIN || sent == GNUTLS_E_INTERRUPTED) {
		self->unsent = true;
		update_watch(self);
		return (int64_t)n;
	}
	return sent < 0 ? TUNNEL_BROKEN : sent;
}

static int64_t tls_finish(struct tunnel *tunnel)
{
	struct socket_tunnel *self = of(tunnel);
	int64_t flushed = tls_flush(self);
	int said;

	if (flushed != TUNNEL_END) {
		return flushed;
	}
	seize(self);
	said = gnutls_bye(self->session, GNUTLS_SHUT_WR);
	let_go(self);
	if (said < 0) {
		return gnutls_error_is_fatal(said) ? TUNNEL_BROKEN : TUNNEL_WAIT;
	}
	return TUNNEL_END;
}

static bool has_read_ahead(struct socket_tunnel *self)
{
	return self->early.n != 0 ||
	       (self->session != NULL && gnutls_record_check_pending(self->session) != 0);
}

static void want(struct tunnel *tunnel, unsigned events)
{
	struct socket_tunnel *self = of(tunnel);

	self->wanted = events;
	update_watch(self);
	if ((events & LOOP_READ) != 0 && has_read_ahead(self)) {
		loop_timer_set(self->soon, 0);
	} else {
		loop_timer_stop(self->soon);
	}
}

static void destroy(struct tunnel *tunnel)
{
	struct socket_tunnel *self = of(tunnel);

	loop_watch_free(self->watch);
	loop_timer_free(self->soon);
	buffer_deinit(&self->early);
	if (self->shared) {
		seize(self);
	} else if (self->session != NULL) {
		gnutls_deinit(self->session);
	}
	if (self->release != NULL) {
		self->release(self->userdata);
	} else {
		close(self->fd);
	}
	mem_free(self);
}

static const struct tunnel_ops plain_ops = {
	.read = plain_read,
	.write = plain_write,
	.finish = plain_finish,
	.want = want,
	.free = destroy,
	.has_halves = true,
};

static const struct tunnel_ops tls_ops = {
	.read = tls_read,
	.write = tls_write,
	.finish = tls_finish,
	.want = want,
	.free = destroy,
};

static void socket_ready(void *userdata, unsigned events)
{
	struct socket_tunnel *self = userdata;

	/* Should it fail, the user finds out with the next call of his own. */
	if (self->unsent && (events & LOOP_WRITE) != 0 && tls_flush(self) == TUNNEL_BROKEN) {
		self->unsent = false;
		update_watch(self);
	}
	if ((events & self->wanted) != 0) {
		self->tunnel.ready(self->tunnel.userdata, events & self->wanted);
	}
}

static void read_ahead_ready(void *userdata)
{
	struct socket_tunnel *self = userdata;

	/* Again and again, as a socket would, until somebody reads. */
	if (has_read_ahead(self)) {
		loop_timer_set(self->soon, 0);
	}
	self->tunnel.ready(self->tunnel.userdata, LOOP_READ);
}

static struct socket_tunnel *make(struct loop *loop, int fd, struct str early,
				  const struct tunnel_ops *ops)
{
	struct socket_tunnel *self = MEM_NEW(struct socket_tunnel);
	int on = 1;

	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	/* A dead machine at the other end is noticed some time. Sockets that are not TCP refuse. */
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	self->tunnel.ops = ops;
	self->fd = fd;
	buffer_init(&self->early, LIMIT_HTTP_HEAD * 2);
	buffer_append_str(&self->early, early);
	self->soon = loop_timer_new(loop, read_ahead_ready, self);
	/* It fails only when the kernel is out of memory; then the tunnel waits for ever. */
	(void)loop_watch_new(loop, fd, 0, socket_ready, self, &self->watch);
	return self;
}

struct tunnel *tunnel_of_socket(struct loop *loop, int fd, struct str early)
{
	return &make(loop, fd, early, &plain_ops)->tunnel;
}

void tunnel_put_back(struct tunnel *tunnel, struct str bytes)
{
	buffer_append_str(&of(tunnel)->early, bytes);
}

struct tunnel *tunnel_of_server(struct loop *loop, int fd, void *session, struct str early,
				void (*release)(void *userdata), void *userdata)
{
	struct socket_tunnel *self = make(loop, fd, early, session != NULL ? &tls_ops : &plain_ops);

	self->session = session;
	self->shared = session != NULL;
	if (self->shared) {
		gnutls_transport_set_ptr(session, (gnutls_transport_ptr_t)(intptr_t)fd);
		keep_decrypted(self);
		let_go(self);
	}
	self->release = release;
	self->userdata = userdata;
	return &self->tunnel;
}

struct tunnel *tunnel_of_tls(struct loop *loop, int fd, void *session, struct str early)
{
	struct socket_tunnel *self = make(loop, fd, early, &tls_ops);

	self->session = session;
	return &self->tunnel;
}
