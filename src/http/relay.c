/* SPDX-License-Identifier: Apache-2.0 */
#include "http/relay.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "http/exchange.h"
#include "http/tunnel.h"
#include "loop/loop.h"

struct relay {
	struct http_exchange *exchange;
	struct tunnel *tunnel;
	struct http_body body;
};

static void tunnel_ready(void *userdata, unsigned events)
{
	struct relay *relay = userdata;

	tunnel_want(relay->tunnel, 0, NULL, NULL);
	http_wake(relay->exchange);
}

static int64_t read_body(void *userdata, char *out, size_t size)
{
	struct relay *relay = userdata;

	while (!relay->body.complete) {
		int64_t n = tunnel_read(relay->tunnel, out, size);

		if (n == TUNNEL_WAIT) {
			tunnel_want(relay->tunnel, LOOP_READ, tunnel_ready, relay);
			return HTTP_STREAM_WAIT;
		}
		if (n < 0) {
			return n == TUNNEL_END && http_body_may_end(&relay->body)
				       ? HTTP_STREAM_END
				       : HTTP_STREAM_BROKEN;
		}
		n = http_body_decode(&relay->body, out, (size_t)n);
		if (n < 0) {
			return HTTP_STREAM_BROKEN;
		}
		if (n > 0) {
			return n;
		}
	}
	return HTTP_STREAM_END;
}

static void close_body(void *userdata)
{
	struct relay *relay = userdata;

	tunnel_free(relay->tunnel);
	mem_free(relay);
}

static const struct http_stream body_stream = { .read = read_body, .close = close_body };

/* Of this connection only, or made anew by our own server. */
static bool is_hop_by_hop(const struct http_head *head, const char *name)
{
	static const char *const names[] = {
		"connection",
		"keep-alive",
		"proxy-authenticate",
		"proxy-connection",
		"te",
		"trailer",
		"upgrade",
		"transfer-encoding",
		"content-length",
		"date",
		"proxy-authorization",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			return true;
		}
	}
	return http_has_word(http_head_get(head, "connection"), name);
}

static bool is_set(const struct http_exchange *exchange, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(exchange->reply_headers[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

void http_relay(struct http_exchange *exchange, const struct http_head *head, struct tunnel *tunnel)
{
	size_t n = exchange->n_reply_headers;
	struct relay *relay = MEM_NEW(struct relay);

	relay->exchange = exchange;
	relay->tunnel = tunnel;
	if (!http_body_init(&relay->body, head, exchange->method == HTTP_HEAD)) {
		close_body(relay);
		http_reply(exchange, 502, NULL, NULL);
		return;
	}
	for (size_t i = 0; i < head->n_headers; i++) {
		if (exchange->n_reply_headers < HTTP_REPLY_HEADERS &&
		    !is_hop_by_hop(head, head->headers[i].name) &&
		    !is_set(exchange, n, head->headers[i].name)) {
			http_set_header(exchange, head->headers[i].name, head->headers[i].value);
		}
	}
	if (relay->body.complete) {
		close_body(relay);
		http_reply(exchange, head->status, NULL, NULL);
	} else {
		http_reply_stream(exchange, head->status, NULL, &body_stream, relay);
	}
}
