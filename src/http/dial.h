/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One HTTP/1.1 request on a connection of its own, plain or with TLS, and then the bare connection
 * behind the head of the answer: for upgrades, and for bodies that are passed on as they come
 * (http/relay.h). Addresses are numbers, nothing is looked up. Loop's thread; no call waits.
 */

#include <stdbool.h>
#include <stdint.h>

#include "http/head.h"

struct http_dial;
struct http_tls;
struct loop;
struct tunnel;

/*
 * Who we are and whom we trust, as PEM texts (read at once). `certificate` and `key` NULL: nobody.
 * `ca` NULL: any server is taken for what it says it is. Returns 0 or -errno.
 */
int http_tls_new(const char *ca, const char *certificate, const char *key, struct http_tls **ret);
struct http_tls *http_tls_free(struct http_tls *tls); /* NULL is fine; returns NULL */

enum { HTTP_DIAL_NAMES = 2 };

struct http_dial_request {
	const char *address; /* "10.0.0.1", "fd00::1" */
	uint16_t port;
	struct http_tls *tls; /* outlives the dial; NULL: plain */
	/* The server's certificate is good for one of these (names or addresses). NULL: unused. */
	const char *names[HTTP_DIAL_NAMES];
	const char *method;
	const char *target; /* as on the wire: "/path?query" */
	/* Host and Content-Length are added unless there. */
	const struct http_pair *headers;
	size_t n_headers;
	struct str body;
	uint64_t timeout; /* ns until the head of the answer is there */
};

/* Exactly one of both is called, once, from the loop; the dial is gone then. */
struct http_dial_ops {
	/* `head` is borrowed; `tunnel` (what follows the head) is the receiver's. */
	void (*answered)(void *userdata, const struct http_head *head, struct tunnel *tunnel);
	/* One line that says what went wrong with whom. */
	void (*failed)(void *userdata, const char *message);
};

struct http_dial *http_dial(struct loop *loop, const struct http_dial_request *request,
			    const struct http_dial_ops *ops, void *userdata);

/* Gives it up; nothing is called any more. NULL is fine; returns NULL. */
struct http_dial *http_dial_cancel(struct http_dial *dial);
