/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dial goes through connecting, shaking hands (TLS), sending and reading the head; each step is
 * taken as far as the socket lets it, then the loop is asked to call again. The end is always told
 * from the loop, never from within http_dial().
 *
 * An informational answer other than 101 is skipped (RFC 9110 section 15.2).
 */
#include "http/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/error.h"
#include "base/ip.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/tunnel.h"
#include "loop/loop.h"

enum { MESSAGE = 256, READ_SIZE = 4096 };

struct http_tls {
	gnutls_certificate_credentials_t credentials;
	bool trusts_all;
};

enum step { CONNECTING, SHAKING_HANDS, SENDING, READING };

struct http_dial {
	const struct http_dial_ops *ops;
	void *userdata;
	struct loop *loop;
	struct loop_watch *watch;
	struct loop_timer *timer; /* deadline; also what tells a failure at once */
	struct http_tls *tls;
	gnutls_session_t session;
	struct tunnel *tunnel; /* from SENDING on */
	char *names[HTTP_DIAL_NAMES];
	char peer[IP_TEXT + 16]; /* for messages */
	struct buffer request;
	struct buffer answer;
	enum step step;
	int fd;
	char message[MESSAGE]; /* set: it has failed */
};

/* ---- credentials ---- */

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){ .data = (unsigned char *)text, .size = (unsigned)strlen(text) };
}

int http_tls_new(const char *ca, const char *certificate, const char *key, struct http_tls **ret)
{
	struct http_tls *tls = MEM_NEW(struct http_tls);
	int result = gnutls_certificate_allocate_credentials(&tls->credentials);

	tls->trusts_all = ca == NULL;
	if (result >= 0 && ca != NULL) {
		gnutls_datum_t text = datum(ca);

		result = gnutls_certificate_set_x509_trust_mem(tls->credentials, &text,
							       GNUTLS_X509_FMT_PEM);
	}
	if (result >= 0 && certificate != NULL) {
		gnutls_datum_t crt = datum(certificate);
		gnutls_datum_t secret = datum(key);

		result = gnutls_certificate_set_x509_key_mem(tls->credentials, &crt, &secret,
							     GNUTLS_X509_FMT_PEM);
	}
	if (result < 0) {
		http_tls_free(tls);
		return error_origin(-EBADMSG);
	}
	*ret = tls;
	return 0;
}

struct http_tls *http_tls_free(struct http_tls *tls)
{
	if (tls != NULL) {
		if (tls->credentials != NULL) {
			gnutls_certificate_free_credentials(tls->credentials);
		}
		mem_free(tls);
	}
	return NULL;
}

/* ---- life ---- */

static void destroy(struct http_dial *dial)
{
	loop_watch_free(dial->watch);
	loop_timer_free(dial->timer);
	if (dial->tunnel != NULL) {
		tunnel_free(dial->tunnel);
	} else {
		if (dial->session != NULL) {
			gnutls_deinit(dial->session);
		}
		if (dial->fd >= 0) {
			close(dial->fd);
		}
	}
	for (size_t i = 0; i < HTTP_DIAL_NAMES; i++) {
		mem_free(dial->names[i]);
	}
	buffer_deinit(&dial->request);
	buffer_deinit(&dial->answer);
	mem_free(dial);
}

struct http_dial *http_dial_cancel(struct http_dial *dial)
{
	if (dial != NULL) {
		destroy(dial);
	}
	return NULL;
}

/* Told by the timer, so from the loop. */
static void fail(struct http_dial *dial, const char *what)
{
	static const char *const doing[] = {
		[CONNECTING] = "dial",
		[SHAKING_HANDS] = "TLS handshake with",
		[SENDING] = "write to",
		[READING] = "read from",
	};

	snprintf(dial->message, sizeof(dial->message), "%s tcp %s: %s", doing[dial->step],
		 dial->peer, what);
	dial->watch = loop_watch_free(dial->watch);
	if (dial->tunnel != NULL) {
		tunnel_want(dial->tunnel, 0, NULL, NULL);
	}
	loop_timer_set(dial->timer, 0);
}

static void timer_fired(void *userdata)
{
	struct http_dial *dial = userdata;
	const struct http_dial_ops *ops = dial->ops;
	char message[MESSAGE];

	if (dial->message[0] == '\0') {
		fail(dial, "i/o timeout");
	}
	memcpy(message, dial->message, sizeof(message));
	userdata = dial->userdata;
	destroy(dial);
	ops->failed(userdata, message);
}

/* ---- the answer ---- */

static void tunnel_ready(void *userdata, unsigned events);

/* The tunnel that the receiver gets begins behind the head. */
static struct tunnel *hand_over(struct http_dial *dial, size_t head)
{
	struct str early = str_skip(buffer_str(&dial->answer), head);

	tunnel_want(dial->tunnel, 0, NULL, NULL);
	tunnel_put_back(dial->tunnel, early);
	return take(dial->tunnel);
}

/* False: there is no whole head yet. */
static bool look_at_answer(struct http_dial *dial)
{
	struct arena arena;
	struct http_head head;
	size_t n = 0;
	int result;

	arena_init(&arena, LIMIT_HTTP_HEAD * 8);
	result = http_head_parse(buffer_str(&dial->answer), &arena, &head, &n);
	if (result == 0 && head.status < 200 && head.status != 101) {
		buffer_consume(&dial->answer, n);
		arena_deinit(&arena);
		return look_at_answer(dial);
	}
	if (result == HTTP_HEAD_BAD) {
		fail(dial, "malformed HTTP response");
	}
	if (result == 0) {
		const struct http_dial_ops *ops = dial->ops;
		void *userdata = dial->userdata;
		struct tunnel *tunnel = hand_over(dial, n);

		destroy(dial);
		ops->answered(userdata, &head, tunnel);
	}
	arena_deinit(&arena);
	return result != HTTP_HEAD_PARTIAL;
}

static void read_answer(struct http_dial *dial)
{
	char block[READ_SIZE];

	for (;;) {
		int64_t n = tunnel_read(dial->tunnel, block, sizeof(block));

		if (n == TUNNEL_WAIT) {
			tunnel_want(dial->tunnel, LOOP_READ, tunnel_ready, dial);
			return;
		}
		if (n < 0) {
			fail(dial, "connection closed before the answer");
			return;
		}
		buffer_append(&dial->answer, block, (size_t)n);
		if (look_at_answer(dial)) {
			return;
		}
	}
}

static void send_request(struct http_dial *dial)
{
	while (dial->request.n != 0) {
		int64_t n = tunnel_write(dial->tunnel, dial->request.p, dial->request.n);

		if (n == TUNNEL_WAIT) {
			tunnel_want(dial->tunnel, LOOP_WRITE, tunnel_ready, dial);
			return;
		}
		if (n < 0) {
			fail(dial, "connection lost");
			return;
		}
		buffer_consume(&dial->request, (size_t)n);
	}
	dial->step = READING;
	read_answer(dial);
}

static void tunnel_ready(void *userdata, unsigned events)
{
	struct http_dial *dial = userdata;

	if (dial->step == SENDING) {
		send_request(dial);
	} else {
		read_answer(dial);
	}
}

static void start_sending(struct http_dial *dial)
{
	dial->step = SENDING;
	dial->watch = loop_watch_free(dial->watch);
	dial->tunnel = dial->session != NULL
			       ? tunnel_of_tls(dial->loop, dial->fd, take(dial->session), STR_NONE)
			       : tunnel_of_socket(dial->loop, dial->fd, STR_NONE);
	dial->fd = -1;
	send_request(dial);
}

/* ---- TLS ---- */

/* gnutls_x509_crt_check_hostname() also takes addresses, which it looks up among the addresses. */
static bool is_good_for(gnutls_x509_crt_t certificate, char *const names[HTTP_DIAL_NAMES])
{
	for (size_t i = 0; i < HTTP_DIAL_NAMES; i++) {
		if (names[i] != NULL && gnutls_x509_crt_check_hostname(certificate, names[i])) {
			return true;
		}
	}
	return false;
}

static const char *distrust(struct http_dial *dial)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)GNUTLS_KP_TLS_WWW_SERVER,
	};
	unsigned status = 0;
	unsigned n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(dial->session, &n);
	gnutls_x509_crt_t certificate;
	bool good;

	if (dial->tls->trusts_all) {
		return NULL;
	}
	if (chain == NULL || n == 0 ||
	    gnutls_certificate_verify_peers(dial->session, &purpose, 1, &status) != 0 ||
	    status != 0 || gnutls_x509_crt_init(&certificate) != 0) {
		return "the certificate is not of the cluster's CA, or not valid now";
	}
	good = gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == 0 &&
	       is_good_for(certificate, dial->names);
	gnutls_x509_crt_deinit(certificate);
	return good ? NULL : "the certificate is for somebody else";
}

static void shake_hands(struct http_dial *dial)
{
	int result = gnutls_handshake(dial->session);
	const char *distrusted;

	if (result == GNUTLS_E_SUCCESS) {
		distrusted = distrust(dial);
		if (distrusted != NULL) {
			fail(dial, distrusted);
			return;
		}
		start_sending(dial);
	} else if (gnutls_error_is_fatal(result)) {
		fail(dial, gnutls_strerror(result));
	} else {
		loop_watch_set(dial->watch, gnutls_record_get_direction(dial->session) == 0
						    ? LOOP_READ
						    : LOOP_WRITE);
	}
}

static void start_tls(struct http_dial *dial)
{
	struct ip ip;

	dial->step = SHAKING_HANDS;
	if (gnutls_init(&dial->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0 ||
	    gnutls_priority_set_direct(dial->session, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
				       NULL) < 0 ||
	    gnutls_credentials_set(dial->session, GNUTLS_CRD_CERTIFICATE, dial->tls->credentials) <
		    0) {
		fail(dial, "TLS cannot be set up");
		return;
	}
	/* SNI is for names only (RFC 6066 section 3). */
	if (dial->names[0] != NULL && !ip_parse(str_from(dial->names[0]), &ip)) {
		gnutls_server_name_set(dial->session, GNUTLS_NAME_DNS, dial->names[0],
				       strlen(dial->names[0]));
	}
	gnutls_transport_set_int(dial->session, dial->fd);
	gnutls_handshake_set_timeout(dial->session, GNUTLS_INDEFINITE_TIMEOUT);
	shake_hands(dial);
}

/* ---- connecting ---- */

static void connected(struct http_dial *dial)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 || error != 0) {
		fail(dial, strerror(error != 0 ? error : errno));
	} else if (dial->tls != NULL) {
		start_tls(dial);
	} else {
		start_sending(dial);
	}
}

static void socket_ready(void *userdata, unsigned events)
{
	struct http_dial *dial = userdata;

	if (dial->step == CONNECTING) {
		connected(dial);
	} else {
		shake_hands(dial);
	}
}

static socklen_t socket_address(const struct ip *ip, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (ip->n == 4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, ip->bytes, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, ip->bytes, 16);
	return sizeof(*v6);
}

static void start_connecting(struct http_dial *dial, const char *address, uint16_t port)
{
	struct sockaddr_storage to;
	struct ip ip;
	socklen_t n;
	int on = 1;

	if (!ip_parse(str_from(address), &ip)) {
		fail(dial, "that is no address");
		return;
	}
	n = socket_address(&ip, port, &to);
	dial->fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (dial->fd < 0) {
		fail(dial, strerror(errno));
		return;
	}
	/* Keystrokes are small and do not wait for others. */
	(void)setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if ((connect(dial->fd, (struct sockaddr *)&to, n) < 0 && errno != EINPROGRESS) ||
	    loop_watch_new(dial->loop, dial->fd, LOOP_WRITE, socket_ready, dial, &dial->watch) <
		    0) {
		fail(dial, strerror(errno));
	}
}

static void write_request(struct http_dial *dial, const struct http_dial_request *request)
{
	struct buffer *out = &dial->request;
	bool has_host = false;

	buffer_printf(out, "%s %s HTTP/1.1\r\n", request->method, request->target);
	for (size_t i = 0; i < request->n_headers; i++) {
		const struct http_pair *pair = &request->headers[i];

		/* A line end in a value would begin another header. */
		if (strpbrk(pair->value, "\r\n") != NULL || strpbrk(pair->name, "\r\n:") != NULL) {
			continue;
		}
		has_host = has_host || str_eq_nocase(str_from(pair->name), STR("host"));
		buffer_printf(out, "%s: %s\r\n", pair->name, pair->value);
	}
	if (!has_host) {
		buffer_printf(out, "Host: %s\r\n", dial->peer);
	}
	if (request->body.n != 0 || strcmp(request->method, "GET") != 0) {
		buffer_printf(out, "Content-Length: %zu\r\n", request->body.n);
	}
	buffer_append_text(out, "\r\n");
	buffer_append_str(out, request->body);
}

struct http_dial *http_dial(struct loop *loop, const struct http_dial_request *request,
			    const struct http_dial_ops *ops, void *userdata)
{
	struct http_dial *dial = MEM_NEW(struct http_dial);

	dial->ops = ops;
	dial->userdata = userdata;
	dial->loop = loop;
	dial->tls = request->tls;
	dial->fd = -1;
	dial->timer = loop_timer_new(loop, timer_fired, dial);
	loop_timer_set(dial->timer, request->timeout);
	for (size_t i = 0; i < HTTP_DIAL_NAMES; i++) {
		dial->names[i] = mem_strdup(request->names[i]);
	}
	snprintf(dial->peer, sizeof(dial->peer),
		 strchr(request->address, ':') != NULL ? "[%.45s]:%u" : "%.45s:%u",
		 request->address, request->port);
	buffer_init(&dial->answer, LIMIT_HTTP_HEAD + READ_SIZE);
	buffer_init(&dial->request, LIMIT_BODY + LIMIT_HTTP_HEAD * 4);
	write_request(dial, request);
	if (dial->request.overflowed) {
		fail(dial, "the request is too large");
	} else {
		start_connecting(dial, request->address, request->port);
	}
	return dial;
}
