/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The head of an HTTP/1.1 answer (RFC 9112), and how its body is framed. Pure; everything from the
 * wire is bounded (LIMIT_HTTP_HEAD, LIMIT_HTTP_HEADERS).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "http/exchange.h"

struct http_head {
	int status;
	const char *reason;
	struct http_pair *headers; /* names in lower case */
	size_t n_headers;
};

enum { HTTP_HEAD_PARTIAL = 1, HTTP_HEAD_BAD = 2 };

/*
 * Reads a head from the beginning of `bytes`; its texts are copied into `arena`. Returns 0 and how
 * long the head is; HTTP_HEAD_PARTIAL: it is not all there; HTTP_HEAD_BAD: it is none, or too long.
 */
int http_head_parse(struct str bytes, struct arena *arena, struct http_head *ret, size_t *ret_n);

/* Header by lower-case name, or NULL. */
const char *http_head_get(const struct http_head *head, const char *name);

/* Whether a comma-separated header value has `word`, in any case. */
bool http_has_word(const char *value, const char *word);

/* ---- bodies ---- */

enum http_body_framing { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_TO_END };

struct http_body {
	enum http_body_framing framing;
	int state; /* of the chunks */
	uint64_t left; /* of the body, or of a chunk */
	size_t line; /* bytes of the line that is being read, or of the trailers */
	bool complete;
};

/* How the body behind `head` is framed. False: the head contradicts itself. */
bool http_body_init(struct http_body *body, const struct http_head *head, bool is_head_request);

/*
 * Takes the framing out of the next `n` bytes, in place. Returns how many bytes of the body are
 * now at the beginning, or -1: the framing is broken. `body->complete` says whether that was all;
 * what follows is not looked at.
 */
int64_t http_body_decode(struct http_body *body, char *bytes, size_t n);

/* The connection has ended here. True: the body is whole. */
bool http_body_may_end(const struct http_body *body);
