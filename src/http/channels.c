/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back-pressure: the server is read while the WebSocket has room, the WebSocket while the server
 * takes what it is sent. Nothing is gathered: parts of messages become frames as they come.
 *
 * An end of the server is told to the client behind everything else; an end of the client is told
 * to the server by closing its connection.
 */
#include "http/channels.h"

#include <string.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/spdy.h"
#include "http/tunnel.h"
#include "http/websocket.h"
#include "loop/loop.h"

enum {
	BLOCK = 16 * 1024,
	ROUNDS = 8,
	PENDING = 64 * 1024, /* to the server, beyond which the client is held */
	CLOSE_CHANNEL = 255, /* v5 */
	NOBODY = 256,
};

struct lane {
	struct channel channel;
	char *texts[CHANNEL_HEADERS * 2 + 1];
	uint32_t stream;
	bool ended; /* the server sends no more on it */
	bool shut; /* nor do we */
};

struct channels {
	struct websocket *websocket;
	struct tunnel *server;
	struct spdy *spdy;
	struct buffer out; /* to the server */
	struct buffer digits; /* base64 that is no whole group yet */
	struct lane lanes[CHANNELS_MAX];
	size_t n_lanes;
	int status;
	unsigned
		addressed; /* the channel of the message that is coming in; NOBODY: not known yet */
	bool text;
	bool closes;
	bool server_ended;
	bool has_status;
	void (*ended)(void *userdata);
	void *userdata;
};

struct channels *channels_free(struct channels *channels)
{
	if (channels == NULL) {
		return NULL;
	}
	websocket_free(channels->websocket);
	tunnel_free(channels->server);
	spdy_free(channels->spdy);
	buffer_deinit(&channels->out);
	buffer_deinit(&channels->digits);
	for (size_t i = 0; i < channels->n_lanes; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(channels->lanes[i].texts); k++) {
			mem_free(channels->lanes[i].texts[k]);
		}
	}
	return mem_free(channels);
}

/* ---- to the server ---- */

static void server_ready(void *userdata, unsigned events);

static void want_server(struct channels *channels)
{
	unsigned events = 0;

	events |= !channels->server_ended && websocket_has_room(channels->websocket)
			  ? (unsigned)LOOP_READ
			  : 0;
	events |= !channels->server_ended && channels->out.n != 0 ? (unsigned)LOOP_WRITE : 0;
	tunnel_want(channels->server, events, server_ready, channels);
}

/* The client learns of the end behind everything that it has still to get. */
static void end_server(struct channels *channels, enum websocket_close code)
{
	if (!channels->server_ended) {
		channels->server_ended = true;
		tunnel_want(channels->server, 0, NULL, NULL);
		websocket_finish(channels->websocket, code);
	}
}

static void flush(struct channels *channels)
{
	while (channels->out.n != 0 && !channels->server_ended) {
		int64_t n = tunnel_write(channels->server, channels->out.p, channels->out.n);

		if (n == TUNNEL_WAIT) {
			break;
		}
		if (n < 0) {
			end_server(channels, WEBSOCKET_INTERNAL_ERROR);
			return;
		}
		buffer_consume(&channels->out, (size_t)n);
	}
	if (!channels->server_ended) {
		websocket_hold(channels->websocket, channels->out.n >= PENDING);
	}
}

static struct lane *lane_of(struct channels *channels, unsigned number)
{
	for (size_t i = 0; i < channels->n_lanes; i++) {
		if (channels->lanes[i].channel.number == number) {
			return &channels->lanes[i];
		}
	}
	return NULL;
}

static void shut_lane(struct channels *channels, struct lane *lane)
{
	if (lane != NULL && !lane->shut) {
		lane->shut = true;
		spdy_send(channels->spdy, lane->stream, STR_NONE, /* last= */ true);
	}
}

/* ---- from the client ---- */

static void message_begins(void *userdata)
{
	struct channels *channels = userdata;

	channels->addressed = NOBODY;
	buffer_clear(&channels->digits);
}

static void send_on(struct channels *channels, struct str bytes)
{
	struct lane *lane = lane_of(channels, channels->addressed);

	if (channels->closes && channels->addressed == CLOSE_CHANNEL) {
		for (size_t i = 0; i < bytes.n; i++) {
			shut_lane(channels, lane_of(channels, (unsigned char)bytes.p[i]));
		}
	} else if (lane != NULL && lane->channel.input && !lane->shut && bytes.n != 0) {
		spdy_send(channels->spdy, lane->stream, bytes, /* last= */ false);
	}
}

/* Whole groups of four are decoded, the rest waits for more. */
static void send_digits(struct channels *channels, struct str text)
{
	_cleanup_buffer_ struct buffer bytes = BUFFER_INIT(LIMIT_BODY);
	struct str whole;

	buffer_append_str(&channels->digits, text);
	whole = (struct str){ .p = channels->digits.p, .n = channels->digits.n / 4 * 4 };
	if (base64_decode(whole, &bytes)) {
		send_on(channels, buffer_str(&bytes));
	}
	buffer_consume(&channels->digits, whole.n);
}

static void message_part(void *userdata, struct str bytes)
{
	struct channels *channels = userdata;

	if (channels->addressed == NOBODY && bytes.n != 0) {
		channels->addressed = (unsigned char)bytes.p[0];
		channels->addressed -= channels->text ? '0' : 0;
		bytes = str_skip(bytes, 1);
	}
	if (channels->text) {
		send_digits(channels, bytes);
	} else {
		send_on(channels, bytes);
	}
	flush(channels);
	want_server(channels);
}

static void message_ends(void *userdata)
{
}

static void client_has_room(void *userdata)
{
	want_server(userdata);
}

static void client_closed(void *userdata)
{
	struct channels *channels = userdata;
	void (*ended)(void *userdata) = channels->ended;

	userdata = channels->userdata;
	channels_free(channels);
	if (ended != NULL) {
		ended(userdata);
	}
}

static const struct websocket_ops client_ops = {
	.begin = message_begins,
	.part = message_part,
	.end = message_ends,
	.room = client_has_room,
	.closed = client_closed,
};

/* ---- from the server ---- */

static void tell_client(struct channels *channels, const struct lane *lane, struct str bytes)
{
	char head = (char)(lane->channel.number + (channels->text ? '0' : 0));
	_cleanup_buffer_ struct buffer digits = BUFFER_INIT(BLOCK * 2);

	if (channels->text) {
		base64_encode(bytes, &digits);
		bytes = buffer_str(&digits);
	}
	websocket_send(channels->websocket, channels->text, (struct str){ .p = &head, .n = 1 },
		       bytes);
}

static bool all_ended(const struct channels *channels)
{
	for (size_t i = 0; i < channels->n_lanes; i++) {
		if (!channels->lanes[i].ended && !channels->lanes[i].channel.input) {
			return false;
		}
	}
	return true;
}

static void stream_data(void *userdata, uint32_t stream, struct str bytes, bool last)
{
	struct channels *channels = userdata;

	for (size_t i = 0; i < channels->n_lanes; i++) {
		struct lane *lane = &channels->lanes[i];

		if (lane->stream != stream || lane->ended) {
			continue;
		}
		channels->has_status |= lane->channel.number == channels->status;
		lane->ended = last;
		if (bytes.n != 0) {
			tell_client(channels, lane, bytes);
		}
	}
}

static void stream_reset(void *userdata, uint32_t stream)
{
	struct channels *channels = userdata;

	for (size_t i = 0; i < channels->n_lanes; i++) {
		struct lane *lane = &channels->lanes[i];

		lane->ended = lane->ended || lane->stream == stream;
		lane->shut = lane->shut || lane->stream == stream;
	}
}

static const struct spdy_ops server_ops = { .data = stream_data, .reset = stream_reset };

/* How it ended: in order, when the status has been told, or when there is none to tell. */
static enum websocket_close end_code(const struct channels *channels)
{
	return channels->has_status || channels->status == CHANNEL_NONE ? WEBSOCKET_NORMAL
									: WEBSOCKET_INTERNAL_ERROR;
}

static void read_server(struct channels *channels)
{
	char block[BLOCK];

	for (int round = 0;
	     round < ROUNDS && !channels->server_ended && websocket_has_room(channels->websocket);
	     round++) {
		int64_t n = tunnel_read(channels->server, block, sizeof(block));

		if (n == TUNNEL_WAIT) {
			break;
		}
		if (n < 0) {
			end_server(channels,
				   n == TUNNEL_END ? end_code(channels) : WEBSOCKET_INTERNAL_ERROR);
		} else if (spdy_feed(channels->spdy, (struct str){ .p = block, .n = (size_t)n })) {
			end_server(channels, WEBSOCKET_INTERNAL_ERROR);
		} else if (all_ended(channels)) {
			end_server(channels, end_code(channels));
		}
	}
}

static void server_ready(void *userdata, unsigned events)
{
	struct channels *channels = userdata;

	flush(channels);
	read_server(channels);
	flush(channels); /* answers to pings */
	want_server(channels);
}

/* ---- the beginning ---- */

/* The caller's texts may go. */
static void copy_channel(struct lane *lane, const struct channel *channel)
{
	lane->channel = *channel;
	for (size_t i = 0; i < CHANNEL_HEADERS && channel->headers[i].name != NULL; i++) {
		lane->texts[2 * i] = mem_strdup(channel->headers[i].name);
		lane->texts[2 * i + 1] = mem_strdup(channel->headers[i].value);
		lane->channel.headers[i] = (struct http_pair){ .name = lane->texts[2 * i],
							       .value = lane->texts[2 * i + 1] };
	}
	if (channel->greeting.n != 0) {
		lane->texts[CHANNEL_HEADERS * 2] = str_dup(channel->greeting);
		lane->channel.greeting.p = lane->texts[CHANNEL_HEADERS * 2];
	}
}

static void open_lane(struct channels *channels, struct lane *lane)
{
	size_t n = 0;

	while (n < CHANNEL_HEADERS && lane->channel.headers[n].name != NULL) {
		n++;
	}
	lane->stream = spdy_open(channels->spdy, lane->channel.headers, n);
	if (lane->channel.shut) {
		shut_lane(channels, lane);
	}
	if (lane->channel.greets) {
		tell_client(channels, lane, lane->channel.greeting);
	}
}

struct channels *channels_start(struct loop *loop, const struct channels_config *config,
				void (*ended)(void *userdata), void *userdata)
{
	struct channels *channels = MEM_NEW(struct channels);

	channels->ended = ended;
	channels->userdata = userdata;
	channels->status = config->status;
	channels->text = config->text;
	channels->closes = config->closes;
	channels->server = config->server;
	channels->n_lanes = config->n_channels;
	/* Beyond PENDING at most what one call of wslay brings, and openings. */
	buffer_init(&channels->out, LIMIT_BODY);
	buffer_init(&channels->digits, PENDING);
	channels->spdy = spdy_new(/* is_client= */ true, &channels->out, &server_ops, channels);
	channels->websocket = websocket_new(loop, config->client, &client_ops, channels);
	for (size_t i = 0; i < config->n_channels; i++) {
		copy_channel(&channels->lanes[i], &config->channels[i]);
		open_lane(channels, &channels->lanes[i]);
	}
	want_server(channels);
	return channels;
}
