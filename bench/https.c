/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `in` holds what was received and not yet read. Heads are read from it whole; bodies are as long
 * as Content-Length says, or chunked.
 */
#include "https.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <gnutls/gnutls.h>

#include "base/mem.h"

enum { READ = 64 * 1024, HEAD_MAX = 64 * 1024, PATH = 4096 };

struct https_login {
	gnutls_certificate_credentials_t credentials;
	struct sockaddr_in address;
	const char *host; /* and port, for the header */
};

struct https {
	gnutls_session_t tls;
	int fd;
	struct buffer in;
	size_t length; /* of the body that comes */
	bool chunked;
};

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "bench: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	exit(1);
}

struct https_login *https_login(const char *folder, const char *url)
{
	struct https_login *login = MEM_NEW(struct https_login);
	char ca[PATH];
	char certificate[PATH];
	char key[PATH];
	uint64_t port;
	int result;

	snprintf(ca, sizeof(ca), "%s/ca.crt", folder);
	snprintf(certificate, sizeof(certificate), "%s/client.crt", folder);
	snprintf(key, sizeof(key), "%s/client.key", folder);
	if (!str_starts(str_from(url), STR("https://127.0.0.1:")) ||
	    !str_to_u64(str_from(strrchr(url, ':') + 1), UINT16_MAX, &port)) {
		die("%s is not https://127.0.0.1:PORT", url);
	}
	login->host = strchr(url, '/') + 2;
	login->address.sin_family = AF_INET;
	login->address.sin_port = htons((uint16_t)port);
	login->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	gnutls_certificate_allocate_credentials(&login->credentials);
	if ((result = gnutls_certificate_set_x509_trust_file(login->credentials, ca,
							     GNUTLS_X509_FMT_PEM)) < 0 ||
	    (result = gnutls_certificate_set_x509_key_file(login->credentials, certificate, key,
							   GNUTLS_X509_FMT_PEM)) < 0) {
		die("%s: %s", folder, gnutls_strerror(result));
	}
	return login;
}

struct https *https_connect(const struct https_login *login)
{
	struct https *https = MEM_NEW(struct https);
	int result;

	buffer_init(&https->in, HEAD_MAX + READ);
	https->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (https->fd < 0 || connect(https->fd, (const struct sockaddr *)&login->address,
				     sizeof(login->address)) != 0) {
		die("cannot connect to the API at %s: %s", login->host, strerror(errno));
	}
	(void)setsockopt(https->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	gnutls_init(&https->tls, GNUTLS_CLIENT);
	gnutls_set_default_priority(https->tls);
	gnutls_credentials_set(https->tls, GNUTLS_CRD_CERTIFICATE, login->credentials);
	gnutls_session_set_verify_cert(https->tls, NULL, 0);
	gnutls_transport_set_int(https->tls, https->fd);
	do {
		result = gnutls_handshake(https->tls);
	} while (result < 0 && !gnutls_error_is_fatal(result));
	if (result < 0) {
		die("no TLS with %s: %s", login->host, gnutls_strerror(result));
	}
	return https;
}

static void send_all(struct https *https, const char *p, size_t n)
{
	while (n != 0) {
		ssize_t sent = gnutls_record_send(https->tls, p, n);

		if (sent < 0 && gnutls_error_is_fatal((int)sent)) {
			die("cannot send: %s", gnutls_strerror((int)sent));
		}
		if (sent > 0) {
			p += sent;
			n -= (size_t)sent;
		}
	}
}

void https_send(struct https *https, const char *method, const char *path, const char *type,
		struct str body)
{
	_cleanup_buffer_ struct buffer request = BUFFER_INIT(HEAD_MAX + body.n);

	buffer_printf(&request, "%s %s HTTP/1.1\r\nHost: headlessd\r\nAccept: application/json\r\n",
		      method, path);
	if (body.n != 0) {
		buffer_printf(&request, "Content-Type: %s\r\nContent-Length: %zu\r\n", type,
			      body.n);
	}
	buffer_append_text(&request, "\r\n");
	buffer_append_str(&request, body);
	send_all(https, request.p, request.n);
}

/* Returns what gnutls does: bytes, 0 at the end, or an error that is not fatal. */
static ssize_t receive(struct https *https, char *to, size_t n)
{
	ssize_t got = gnutls_record_recv(https->tls, to, n);

	if (got < 0 && gnutls_error_is_fatal((int)got)) {
		die("cannot receive: %s", gnutls_strerror((int)got));
	}
	if (got == 0) {
		die("the API closed the connection");
	}
	return got;
}

static void fill(struct https *https)
{
	char bytes[READ];
	ssize_t got;

	do {
		got = receive(https, bytes, sizeof(bytes));
	} while (got < 0);
	buffer_append(&https->in, bytes, (size_t)got);
	if (https->in.overflowed) {
		die("a head without an end");
	}
}

/* The offset behind the first `end` in what was received; reads until there is one. */
static size_t find_end(struct https *https, const char *end)
{
	for (;;) {
		const char *found = https->in.n != 0
					    ? memmem(https->in.p, https->in.n, end, strlen(end))
					    : NULL;

		if (found != NULL) {
			return (size_t)(found - https->in.p) + strlen(end);
		}
		fill(https);
	}
}

int https_read_head(struct https *https)
{
	size_t end = find_end(https, "\r\n\r\n");
	struct str head = { .p = https->in.p, .n = end };
	uint64_t status;

	https->chunked = false;
	https->length = 0;
	if (!str_starts(head, STR("HTTP/1.1 ")) || head.n < 12 ||
	    !str_to_u64((struct str){ .p = head.p + 9, .n = 3 }, 999, &status)) {
		die("no HTTP: %.*s", STR_ARG(head));
	}
	while (head.n != 0) {
		struct str line = str_cut(&head, '\r');
		struct str name = str_cut(&line, ':');
		uint64_t length;

		head = str_skip(head, 1); /* the line feed */
		line = str_trim(line);
		if (str_eq_nocase(name, STR("content-length")) &&
		    str_to_u64(line, HTTPS_BODY_MAX, &length)) {
			https->length = (size_t)length;
		}
		https->chunked |= str_eq_nocase(name, STR("transfer-encoding"));
	}
	buffer_consume(&https->in, end);
	return (int)status;
}

static void read_exactly(struct https *https, size_t n, struct buffer *to)
{
	while (n != 0) {
		size_t some = https->in.n < n ? https->in.n : n;

		if (some == 0) {
			fill(https);
			continue;
		}
		if (to != NULL) {
			buffer_append(to, https->in.p, some);
		}
		buffer_consume(&https->in, some);
		n -= some;
	}
}

void https_read_body(struct https *https, struct buffer *body)
{
	size_t size = https->length;

	while (https->chunked) {
		size_t end = find_end(https, "\r\n");

		size = strtoul(https->in.p, NULL, 16);
		buffer_consume(&https->in, end);
		read_exactly(https, size, body);
		read_exactly(https, 2, NULL);
		if (size == 0) {
			return;
		}
	}
	read_exactly(https, size, body);
}

int https_stream(struct https *https)
{
	(void)fcntl(https->fd, F_SETFL, O_NONBLOCK);
	return https->fd;
}

size_t https_stream_read(struct https *https, char *to, size_t n)
{
	ssize_t got;

	if (https->in.n != 0) {
		n = https->in.n < n ? https->in.n : n;
		memcpy(to, https->in.p, n);
		buffer_consume(&https->in, n);
		return n;
	}
	got = receive(https, to, n);
	return got > 0 ? (size_t)got : 0;
}
