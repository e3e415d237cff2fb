/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The server's side of a WebSocket (RFC 6455) over a tunnel; framing by wslay. Messages come in
 * parts, as they arrive, and are never gathered, so their size needs no limit; what is to be sent
 * is bounded by its writer, who asks for room first. Loop's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "http/exchange.h"

struct loop;
struct tunnel;
struct websocket;

/* ---- the handshake ---- */

/*
 * Whether a request asks for a WebSocket, and which of the subprotocols `known` (up to the first
 * NULL, best first) it offers. Returns 0 and the subprotocol (NULL: it offers none);
 * WEBSOCKET_NONE: it is an ordinary request; WEBSOCKET_BAD: version or key are wrong, or it offers
 * only what is unknown.
 */
enum { WEBSOCKET_NONE = 1, WEBSOCKET_BAD = 2 };
int websocket_asked(const struct http_exchange *exchange, const char *const *known,
		    const char **ret_protocol);

/* Sets the headers of the answer; http_reply_upgrade() sends it. `protocol` NULL: none. */
void websocket_accept(struct http_exchange *exchange, const char *protocol);

/* ---- the connection ---- */

struct websocket_ops {
	/* A message begins; its parts; its end. Parts are borrowed. */
	void (*begin)(void *userdata);
	void (*part)(void *userdata, struct str bytes);
	void (*end)(void *userdata);
	/* There is room again after there was none. */
	void (*room)(void *userdata);
	/* The connection is over, in order or not; nothing else is called any more. Once. */
	void (*closed)(void *userdata);
};

enum websocket_close {
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_PROTOCOL_ERROR = 1002,
	WEBSOCKET_INTERNAL_ERROR = 1011,
};

/* Takes the tunnel. Calls come from the loop. */
struct websocket *websocket_new(struct loop *loop, struct tunnel *tunnel,
				const struct websocket_ops *ops, void *userdata);

/* Ends it at once. Not from within its calls, but from closed(). NULL is fine; returns NULL. */
struct websocket *websocket_free(struct websocket *websocket);

/* Whether as much as a block (32 KiB) may be sent now; else room() says when. */
bool websocket_has_room(struct websocket *websocket);

/* Sends one message made of two parts. `text`: a text message, else a binary one. */
void websocket_send(struct websocket *websocket, bool text, struct str head, struct str body);

/* Stops and starts what comes in. */
void websocket_hold(struct websocket *websocket, bool hold);

/* Says good-bye behind what is to be sent; closed() follows. */
void websocket_finish(struct websocket *websocket, enum websocket_close code);

/*
 * The bytes of binary messages as a tunnel of their own, for protocols that run inside a WebSocket.
 * Takes `tunnel`.
 */
struct tunnel *tunnel_of_websocket(struct loop *loop, struct tunnel *tunnel);
