/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wslay pulls bytes from the tunnel and pushes bytes to it by callbacks; we call it when the tunnel
 * is ready. Its messages are kept until they are sent, so a sender asks websocket_has_room().
 *
 * Calls to the user are made from within wslay's, where the connection must not be freed: only
 * closed() is made outside, at the end of a turn.
 *
 * After our Close frame the other end's is waited for, but not for long: a connection that is
 * closed with bytes unread is reset, and what was sent last might be lost.
 */
#include "http/websocket.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <wslay/wslay.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/head.h"
#include "http/tunnel.h"
#include "loop/loop.h"

enum {
	SHA1_SIZE = 20,
	KEY_TEXT = 24, /* base64 of 16 bytes */
	QUEUE = 64 * 1024, /* bytes to be sent beyond which there is no room */
	CONTROLS = 64, /* messages to be sent beyond which nothing more is read: pongs */
	DISCARDS = 8, /* blocks before others have their turn */
	GOODBYE_SECONDS = 5,
};
#define NS UINT64_C(1000000000)

/* ---- the handshake ---- */

static const char *choose(const char *offered, const char *const *known)
{
	for (size_t i = 0; known[i] != NULL; i++) {
		if (http_has_word(offered, known[i])) {
			return known[i];
		}
	}
	return NULL;
}

int websocket_asked(const struct http_exchange *exchange, const char *const *known,
		    const char **ret_protocol)
{
	const char *key = http_header(exchange, "sec-websocket-key");
	const char *version = http_header(exchange, "sec-websocket-version");
	const char *offered = http_header(exchange, "sec-websocket-protocol");
	const char *protocol = choose(offered, known);

	if (!http_has_word(http_header(exchange, "upgrade"), "websocket") ||
	    !http_has_word(http_header(exchange, "connection"), "upgrade")) {
		return WEBSOCKET_NONE;
	}
	if (key == NULL || strlen(key) != KEY_TEXT || version == NULL ||
	    strcmp(version, "13") != 0 || (offered != NULL && protocol == NULL)) {
		return WEBSOCKET_BAD;
	}
	*ret_protocol = protocol;
	return 0;
}

void websocket_accept(struct http_exchange *exchange, const char *protocol)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(256);
	_cleanup_buffer_ struct buffer accept = BUFFER_INIT(64);
	char digest[SHA1_SIZE];

	/* RFC 6455 section 4.2.2. */
	buffer_printf(&text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
		      http_header(exchange, "sec-websocket-key"));
	(void)gnutls_hash_fast(GNUTLS_DIG_SHA1, text.p, text.n, digest);
	base64_encode((struct str){ .p = digest, .n = sizeof(digest) }, &accept);
	http_set_header(exchange, "Upgrade", "websocket");
	http_set_header(exchange, "Sec-WebSocket-Accept", buffer_text(&accept));
	if (protocol != NULL) {
		http_set_header(exchange, "Sec-WebSocket-Protocol", protocol);
	}
}

/* ---- the connection ---- */

struct websocket {
	struct tunnel *tunnel;
	struct loop_timer *timer; /* good-bye; also what ends it soon */
	wslay_event_context_ptr context;
	const struct websocket_ops *ops;
	void *userdata;
	bool held;
	bool wants_room;
	bool in_data; /* the frame that is being read belongs to a data message */
	bool in_message;
	bool final; /* it is its last frame */
	bool ended; /* no more will come */
	bool broken;
	bool finishing;
	bool close_queued;
	bool said_goodbye;
	enum websocket_close code;
};

static ssize_t receive(wslay_event_context_ptr context, uint8_t *out, size_t size, int flags,
		       void *userdata)
{
	struct websocket *websocket = userdata;
	int64_t n = TUNNEL_WAIT;

	if (!websocket->held && !websocket->ended &&
	    wslay_event_get_queued_msg_count(context) < CONTROLS) {
		n = tunnel_read(websocket->tunnel, (char *)out, size);
	}
	websocket->ended = websocket->ended || n < 0;
	if (n <= 0) {
		wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	return n;
}

static ssize_t transmit(wslay_event_context_ptr context, const uint8_t *bytes, size_t n, int flags,
			void *userdata)
{
	struct websocket *websocket = userdata;
	int64_t sent = tunnel_write(websocket->tunnel, (const char *)bytes, n);

	if (sent > 0) {
		return sent;
	}
	websocket->broken = websocket->broken || sent < 0;
	wslay_event_set_error(context,
			      sent < 0 ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
	return -1;
}

static void frame_starts(wslay_event_context_ptr context,
			 const struct wslay_event_on_frame_recv_start_arg *frame, void *userdata)
{
	struct websocket *websocket = userdata;

	websocket->in_data = !wslay_is_ctrl_frame(frame->opcode);
	if (!websocket->in_data) {
		return;
	}
	websocket->final = frame->fin != 0;
	if (!websocket->in_message && !websocket->finishing) {
		websocket->in_message = true;
		websocket->ops->begin(websocket->userdata);
	}
}

static void frame_goes_on(wslay_event_context_ptr context,
			  const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *userdata)
{
	struct websocket *websocket = userdata;

	if (websocket->in_data && websocket->in_message && chunk->data_length != 0) {
		websocket->ops->part(websocket->userdata,
				     (struct str){ .p = (const char *)chunk->data,
						   .n = chunk->data_length });
	}
}

static void frame_ends(wslay_event_context_ptr context, void *userdata)
{
	struct websocket *websocket = userdata;

	if (websocket->in_data && websocket->in_message && websocket->final) {
		websocket->in_message = false;
		websocket->ops->end(websocket->userdata);
	}
}

static const struct wslay_event_callbacks callbacks = {
	.recv_callback = receive,
	.send_callback = transmit,
	.on_frame_recv_start_callback = frame_starts,
	.on_frame_recv_chunk_callback = frame_goes_on,
	.on_frame_recv_end_callback = frame_ends,
};

struct websocket *websocket_free(struct websocket *websocket)
{
	if (websocket != NULL) {
		wslay_event_context_free(websocket->context);
		tunnel_free(websocket->tunnel);
		loop_timer_free(websocket->timer);
		mem_free(websocket);
	}
	return NULL;
}

static void over(void *userdata)
{
	struct websocket *websocket = userdata;

	websocket->ops->closed(websocket->userdata);
}

bool websocket_has_room(struct websocket *websocket)
{
	bool room = wslay_event_get_queued_msg_length(websocket->context) < QUEUE;

	websocket->wants_room = !room;
	return room;
}

static void advance(struct websocket *websocket);

static void ready(void *userdata, unsigned events)
{
	advance(userdata);
}

static void want(struct websocket *websocket)
{
	unsigned events = 0;

	if (!websocket->held && !websocket->ended &&
	    !wslay_event_get_close_received(websocket->context) &&
	    wslay_event_get_queued_msg_count(websocket->context) < CONTROLS) {
		events |= LOOP_READ;
	}
	if (wslay_event_want_write(websocket->context) ||
	    (websocket->finishing && !websocket->close_queued)) {
		events |= LOOP_WRITE;
	}
	tunnel_want(websocket->tunnel, events, ready, websocket);
}

/* Everything is said: what is still in the air may arrive. */
static void say_goodbye(struct websocket *websocket)
{
	if (!websocket->said_goodbye) {
		websocket->said_goodbye = true;
		loop_timer_set(websocket->timer, GOODBYE_SECONDS * NS);
	}
}

/* wslay sends control frames first: Close has to wait until all messages are out. */
static void close_behind_all(struct websocket *websocket)
{
	if (websocket->finishing && !websocket->close_queued &&
	    wslay_event_get_queued_msg_count(websocket->context) == 0) {
		websocket->close_queued = true;
		(void)wslay_event_queue_close(websocket->context, (uint16_t)websocket->code, NULL,
					      0);
		(void)wslay_event_send(websocket->context);
	}
}

/*
 * Behind an error of the other end nothing is heard any more, but taken away: what is left unread
 * would keep the loop awake, and reset the connection before our Close is read.
 */
static void discard(struct websocket *websocket)
{
	char block[4096];

	if (wslay_event_get_read_enabled(websocket->context) ||
	    wslay_event_get_close_received(websocket->context)) {
		return;
	}
	for (int round = 0; round < DISCARDS && !websocket->ended; round++) {
		int64_t n = tunnel_read(websocket->tunnel, block, sizeof(block));

		if (n == TUNNEL_WAIT) {
			return;
		}
		websocket->ended = n < 0;
	}
}

/* Sends and receives what there is. */
static void advance(struct websocket *websocket)
{
	wslay_event_context_ptr context = websocket->context;
	bool failed = wslay_event_recv(context) != 0 || wslay_event_send(context) != 0;

	close_behind_all(websocket);
	discard(websocket);
	bool sent_all = !wslay_event_want_write(context);
	bool heard_all = websocket->ended || wslay_event_get_close_received(context);

	if (failed || websocket->broken || websocket->ended ||
	    (sent_all && heard_all && wslay_event_get_close_sent(context))) {
		tunnel_want(websocket->tunnel, 0, NULL, NULL);
		loop_timer_set(websocket->timer, 0);
		return;
	}
	if (sent_all && wslay_event_get_close_sent(context)) {
		say_goodbye(websocket);
	}
	want(websocket);
	if (websocket->wants_room && websocket_has_room(websocket)) {
		websocket->ops->room(websocket->userdata);
	}
}

struct websocket *websocket_new(struct loop *loop, struct tunnel *tunnel,
				const struct websocket_ops *ops, void *userdata)
{
	struct websocket *websocket = MEM_NEW(struct websocket);

	websocket->tunnel = tunnel;
	websocket->ops = ops;
	websocket->userdata = userdata;
	websocket->timer = loop_timer_new(loop, over, websocket);
	if (wslay_event_context_server_init(&websocket->context, &callbacks, websocket) != 0) {
		abort();
	}
	wslay_event_config_set_no_buffering(websocket->context, 1);
	want(websocket);
	return websocket;
}

void websocket_send(struct websocket *websocket, bool text, struct str head, struct str body)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_BODY);
	struct wslay_event_msg queued = {
		.opcode = text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME,
	};

	if (websocket->finishing) {
		return;
	}
	buffer_append_str(&message, head);
	buffer_append_str(&message, body);
	queued.msg = (const uint8_t *)buffer_text(&message);
	queued.msg_length = message.n;
	(void)wslay_event_queue_msg(websocket->context, &queued);
	want(websocket);
}

void websocket_hold(struct websocket *websocket, bool hold)
{
	if (websocket->held != hold) {
		websocket->held = hold;
		want(websocket);
	}
}

void websocket_finish(struct websocket *websocket, enum websocket_close code)
{
	if (!websocket->finishing) {
		websocket->finishing = true;
		websocket->held = false;
		websocket->code = code;
		want(websocket);
	}
}

/* ---- a tunnel inside ---- */

struct inner {
	struct tunnel tunnel;
	struct websocket *websocket;
	struct loop_timer *soon;
	struct buffer received;
	unsigned wanted;
	bool closed;
};

static struct inner *inner_of(struct tunnel *tunnel)
{
	return container_of(tunnel, struct inner, tunnel);
}

/* The loop will see that there is something for the reader, or room for the writer. */
static void update(struct inner *inner)
{
	bool readable = inner->received.n != 0 || inner->closed;
	bool writable = inner->closed || websocket_has_room(inner->websocket);

	if (((inner->wanted & LOOP_READ) != 0 && readable) ||
	    ((inner->wanted & LOOP_WRITE) != 0 && writable)) {
		loop_timer_set(inner->soon, 0);
	} else {
		loop_timer_stop(inner->soon);
	}
}

static void inner_soon(void *userdata)
{
	struct inner *inner = userdata;

	update(inner);
	inner->tunnel.ready(inner->tunnel.userdata, inner->wanted);
}

static void message_begins(void *userdata)
{
}

static void message_part(void *userdata, struct str bytes)
{
	struct inner *inner = userdata;

	buffer_append_str(&inner->received, bytes);
	if (inner->received.n >= QUEUE) {
		websocket_hold(inner->websocket, true);
	}
	update(inner);
}

static void message_ends(void *userdata)
{
}

static void inner_room(void *userdata)
{
	update(userdata);
}

static void inner_closed(void *userdata)
{
	struct inner *inner = userdata;

	inner->closed = true;
	update(inner);
}

static const struct websocket_ops inner_websocket_ops = {
	.begin = message_begins,
	.part = message_part,
	.end = message_ends,
	.room = inner_room,
	.closed = inner_closed,
};

static int64_t inner_read(struct tunnel *tunnel, char *out, size_t size)
{
	struct inner *inner = inner_of(tunnel);
	size_t n = inner->received.n < size ? inner->received.n : size;

	if (n == 0) {
		return inner->closed ? TUNNEL_END : TUNNEL_WAIT;
	}
	memcpy(out, inner->received.p, n);
	buffer_consume(&inner->received, n);
	if (inner->received.n == 0 && !inner->closed) {
		websocket_hold(inner->websocket, false);
	}
	return (int64_t)n;
}

static int64_t inner_write(struct tunnel *tunnel, const char *bytes, size_t n)
{
	struct inner *inner = inner_of(tunnel);

	if (inner->closed) {
		return TUNNEL_BROKEN;
	}
	if (!websocket_has_room(inner->websocket)) {
		return TUNNEL_WAIT;
	}
	n = n < QUEUE / 2 ? n : QUEUE / 2;
	websocket_send(inner->websocket, /* text= */ false, (struct str){ .p = bytes, .n = n },
		       STR_NONE);
	return (int64_t)n;
}

static int64_t inner_finish(struct tunnel *tunnel)
{
	struct inner *inner = inner_of(tunnel);

	if (!inner->closed) {
		websocket_finish(inner->websocket, WEBSOCKET_NORMAL);
	}
	return TUNNEL_END;
}

static void inner_want(struct tunnel *tunnel, unsigned events)
{
	struct inner *inner = inner_of(tunnel);

	inner->wanted = events;
	update(inner);
}

static void inner_free(struct tunnel *tunnel)
{
	struct inner *inner = inner_of(tunnel);

	websocket_free(inner->websocket);
	loop_timer_free(inner->soon);
	buffer_deinit(&inner->received);
	mem_free(inner);
}

static const struct tunnel_ops inner_ops = {
	.read = inner_read,
	.write = inner_write,
	.finish = inner_finish,
	.want = inner_want,
	.free = inner_free,
};

struct tunnel *tunnel_of_websocket(struct loop *loop, struct tunnel *tunnel)
{
	struct inner *inner = MEM_NEW(struct inner);

	inner->tunnel.ops = &inner_ops;
	inner->soon = loop_timer_new(loop, inner_soon, inner);
	/* Beyond QUEUE at most what one call of wslay brings. */
	buffer_init(&inner->received, QUEUE * 4);
	inner->websocket = websocket_new(loop, tunnel, &inner_websocket_ops, inner);
	return &inner->tunnel;
}
