/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back-pressure: the server is read while the WebSocket has room. A body that is cut short ends
 * with an error's code, so that nobody takes a part for the whole.
 */
#include "http/body_messages.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "base/mem.h"
#include "http/tunnel.h"
#include "http/websocket.h"
#include "loop/loop.h"

enum { BLOCK = 12 * 1024, ROUNDS = 8 };

struct body_messages {
	struct websocket *websocket;
	struct tunnel *server;
	struct http_body body;
	bool text;
	bool over; /* the client has been told that no more comes */
	void (*ended)(void *userdata);
	void *userdata;
};

struct body_messages *body_messages_free(struct body_messages *messages)
{
	if (messages != NULL) {
		websocket_free(messages->websocket);
		tunnel_free(messages->server);
		mem_free(messages);
	}
	return NULL;
}

static void tell(struct body_messages *messages, struct str bytes)
{
	_cleanup_buffer_ struct buffer digits = BUFFER_INIT(BLOCK * 2);

	if (messages->text) {
		base64_encode(bytes, &digits);
		bytes = buffer_str(&digits);
	}
	websocket_send(messages->websocket, messages->text, bytes, STR_NONE);
}

static void finish(struct body_messages *messages, enum websocket_close code)
{
	messages->over = true;
	tunnel_want(messages->server, 0, NULL, NULL);
	websocket_finish(messages->websocket, code);
}

/* Passes on one piece; false: there is none now. */
static bool pass(struct body_messages *messages)
{
	char block[BLOCK];
	int64_t n = tunnel_read(messages->server, block, sizeof(block));

	if (n == TUNNEL_WAIT) {
		return false;
	}
	if (n == TUNNEL_END && http_body_may_end(&messages->body)) {
		finish(messages, WEBSOCKET_NORMAL);
		return false;
	}
	n = n > 0 ? http_body_decode(&messages->body, block, (size_t)n) : -1;
	if (n < 0) {
		finish(messages, WEBSOCKET_INTERNAL_ERROR);
		return false;
	}
	if (n > 0) {
		tell(messages, (struct str){ .p = block, .n = (size_t)n });
	}
	return true;
}

static void advance(struct body_messages *messages);

static void server_ready(void *userdata, unsigned events)
{
	advance(userdata);
}

static void advance(struct body_messages *messages)
{
	bool more = !messages->over;

	for (int round = 0; more && round < ROUNDS && !messages->body.complete &&
			    websocket_has_room(messages->websocket);
	     round++) {
		more = pass(messages);
	}
	if (messages->over) {
		return;
	}
	if (messages->body.complete) {
		finish(messages, WEBSOCKET_NORMAL);
		return;
	}
	tunnel_want(messages->server,
		    websocket_has_room(messages->websocket) ? (unsigned)LOOP_READ : 0, server_ready,
		    messages);
}

static void said_nothing(void *userdata)
{
}

static void said(void *userdata, struct str bytes)
{
}

static void has_room(void *userdata)
{
	advance(userdata);
}

static void closed(void *userdata)
{
	struct body_messages *messages = userdata;
	void (*ended)(void *userdata) = messages->ended;

	userdata = messages->userdata;
	body_messages_free(messages);
	ended(userdata);
}

static const struct websocket_ops client_ops = {
	.begin = said_nothing,
	.part = said,
	.end = said_nothing,
	.room = has_room,
	.closed = closed,
};

struct body_messages *body_messages_start(struct loop *loop, struct tunnel *client,
					  struct tunnel *server, const struct http_body *body,
					  bool text, void (*ended)(void *userdata), void *userdata)
{
	struct body_messages *messages = MEM_NEW(struct body_messages);

	messages->server = server;
	messages->body = *body;
	messages->text = text;
	messages->ended = ended;
	messages->userdata = userdata;
	messages->websocket = websocket_new(loop, client, &client_ops, messages);
	/* An empty one says that this is it: the first line may be long in coming. */
	tell(messages, STR_NONE);
	advance(messages);
	return messages;
}
