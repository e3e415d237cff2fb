/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One HTTP request and its answer, whoever carries it: the TLS server (http/server.h), or a test
 * that plays the client (http/loopback.h). A handler gets an exchange once its body is complete and
 * answers it once, at once or later. Everything runs on the loop's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/str.h"

struct http_exchange;
struct tunnel;

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_OTHER,
};

struct http_pair {
	const char *name; /* headers: lower case; query: decoded */
	const char *value; /* decoded */
};

enum { HTTP_PEER_GROUPS = 8 };

/* Who the transport says is there: a client certificate that our CA has signed. */
struct http_peer {
	const char *user; /* subject CN; NULL: no (valid) certificate */
	const char *groups[HTTP_PEER_GROUPS]; /* subject O, up to the first NULL */
	const char *address; /* "127.0.0.1:51034", for logs */
};

/*
 * A streamed body, pulled: read() is called whenever the client can take more. All of it on the
 * loop's thread. close() is called exactly once, when the stream has ended or the client is gone.
 */
enum {
	HTTP_STREAM_WAIT = 0, /* nothing now: http_wake() says when */
	HTTP_STREAM_END = -1,
	HTTP_STREAM_BROKEN =
		-2, /* ends the connection, so that nobody takes a part for the whole */
};
struct http_stream {
	/* Fills up to `size` (≥ 4096) bytes; returns how many, or one of the above. */
	int64_t (*read)(void *userdata, char *out, size_t size);
	void (*close)(void *userdata);
};

/* What a carrier does with an answer. */
struct http_exchange_ops {
	void (*reply)(struct http_exchange *exchange, int status, struct buffer *body);
	void (*stream)(struct http_exchange *exchange, int status, const struct http_stream *stream,
		       void *userdata);
	void (*wake)(struct http_exchange *exchange);
	void (*upgrade)(struct http_exchange *exchange,
			void (*opened)(void *userdata, struct tunnel *tunnel), void *userdata);
};

enum { HTTP_REPLY_HEADERS = 48 };

struct http_exchange {
	const struct http_exchange_ops *ops;
	enum http_method method;
	const char *path; /* percent-decoded, without the query; begins with '/' */
	const struct http_pair *query;
	size_t n_query;
	const struct http_pair *headers;
	size_t n_headers;
	struct str body;
	struct http_peer peer;
	struct arena arena; /* lives as long as the exchange */

	/* The answer's headers, set before replying; texts live in the arena or are constant. */
	struct http_pair reply_headers[HTTP_REPLY_HEADERS];
	size_t n_reply_headers;

	/* What http_on_gone() was told. */
	void (*gone)(void *userdata);
	void *gone_userdata;
};

/* The one function that answers requests; set at the server. Owes exactly one answer for each. */
typedef void (*http_handler_fn)(void *userdata, struct http_exchange *exchange);

/* First query parameter of that name (decoded), or NULL. A parameter without '=' is "". */
const char *http_query(const struct http_exchange *exchange, const char *name);

/* Header by lower-case name, or NULL. */
const char *http_header(const struct http_exchange *exchange, const char *name);

/* Percent-encodes what is neither unreserved (RFC 3986 section 2.3) nor in `keep`. */
void http_escape(struct buffer *out, struct str text, const char *keep);

/* Adds a header to the answer (texts copied into the arena). At most HTTP_REPLY_HEADERS. */
void http_set_header(struct http_exchange *exchange, const char *name, const char *value);

/*
 * Answers with `body` (its bytes are taken, the buffer is empty afterwards; NULL for none).
 * Afterwards the exchange is the carrier's: the handler touches it no more. A client that has gone
 * is no error.
 */
void http_reply(struct http_exchange *exchange, int status, const char *content_type,
		struct buffer *body);

/*
 * Answers with a stream (chunked). The exchange may be used for http_wake() until close() is
 * called.
 */
void http_reply_stream(struct http_exchange *exchange, int status, const char *content_type,
		       const struct http_stream *stream, void *userdata);

/*
 * Answers 101: from now on the connection carries what the header Upgrade says, which is set before
 * (http_set_header). `opened` is called exactly once, later, with the connection (the receiver's),
 * or with NULL when the client has gone. Afterwards the exchange is gone.
 */
void http_reply_upgrade(struct http_exchange *exchange,
			void (*opened)(void *userdata, struct tunnel *tunnel), void *userdata);

/*
 * For a handler that will answer later, told before it returns: `gone` is called, once, when the
 * client hangs up before the answer. The answer is still owed, into nothing. (A stream learns it by
 * close().)
 */
void http_on_gone(struct http_exchange *exchange, void (*gone)(void *userdata), void *userdata);

/* After HTTP_STREAM_WAIT: there is something to read now. */
void http_wake(struct http_exchange *exchange);
