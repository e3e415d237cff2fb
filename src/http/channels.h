/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A translator between the two dialects of Kubernetes' streams: a client that speaks WebSocket, one
 * channel the first byte of each message (v5.channel.k8s.io and its elders), and a server that
 * speaks SPDY/3.1, one stream a channel. Loop's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "http/exchange.h"

struct channels;
struct loop;
struct tunnel;

enum { CHANNEL_HEADERS = 3 };

struct channel {
	uint8_t number;
	struct http_pair headers[CHANNEL_HEADERS]; /* of its stream, up to the first NULL name */
	struct str greeting; /* what the client is told before all else, or empty */
	bool greets; /* even with nothing */
	bool input; /* the client may send on it */
	bool shut; /* the server is told at once that nothing will come */
};

enum { CHANNELS_MAX = 64, CHANNEL_NONE = -1 };

struct channels_config {
	struct tunnel *client; /* a WebSocket's; taken */
	struct tunnel *server; /* after an upgrade to SPDY/3.1; taken */
	const struct channel *channels; /* in the order in which streams are opened; copied */
	size_t n_channels; /* ≤ CHANNELS_MAX */
	int status; /* the channel without whose words the end is an accident; CHANNEL_NONE */
	bool text; /* base64.channel.k8s.io: messages are text, channels are digits */
	bool closes; /* v5: the client closes channel N by a message of the bytes 255, N */
};

/* `ended` is called once, from the loop, when both connections are gone and so is this. */
struct channels *channels_start(struct loop *loop, const struct channels_config *config,
				void (*ended)(void *userdata), void *userdata);

/* Ends it at once, without a call. NULL is fine; returns NULL. */
struct channels *channels_free(struct channels *channels);
