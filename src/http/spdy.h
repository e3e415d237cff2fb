/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SPDY/3.1 framing (draft-mbelshe-httpbis-spdy-00), as much as the streams of Kubernetes need: open
 * a stream, send and receive on it, close halves of it, answer pings. No flow control: the peers
 * (moby/spdystream) have none either; the connection's own stops us. Pure: bytes in, calls and
 * bytes out. What comes in is bounded by LIMIT_SPDY_CONTROL and LIMIT_SPDY_STREAMS.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/str.h"
#include "http/exchange.h"

struct spdy;

struct spdy_ops {
	/* The other end opens a stream. Headers are borrowed. */
	void (*opened)(void *userdata, uint32_t stream, const struct http_pair *headers, size_t n);
	/* The other end has accepted our stream. */
	void (*accepted)(void *userdata, uint32_t stream);
	/* A part of what is sent on a stream, borrowed; `last`: nothing will follow. */
	void (*data)(void *userdata, uint32_t stream, struct str bytes, bool last);
	/* The other end wants no more of a stream, in either direction. */
	void (*reset)(void *userdata, uint32_t stream);
	/* The other end will accept no new streams. */
	void (*going_away)(void *userdata);
};

/* Every call may be NULL. `out` gets what is to be sent; borrowed, outlives it. */
struct spdy *spdy_new(bool is_client, struct buffer *out, const struct spdy_ops *ops,
		      void *userdata);
struct spdy *spdy_free(struct spdy *spdy); /* NULL is fine; returns NULL */

/* Takes bytes of the connection. Returns 0; SPDY_BAD: they are no SPDY, and the connection is over.
 */
enum { SPDY_BAD = 1 };
int spdy_feed(struct spdy *spdy, struct str bytes);

/* Opens a stream; returns its number. */
uint32_t spdy_open(struct spdy *spdy, const struct http_pair *headers, size_t n);

/* Accepts a stream of the other end. */
void spdy_accept(struct spdy *spdy, uint32_t stream);

/* Sends on a stream; `last`: nothing will follow from us. */
void spdy_send(struct spdy *spdy, uint32_t stream, struct str bytes, bool last);

void spdy_reset(struct spdy *spdy, uint32_t stream);
void spdy_go_away(struct spdy *spdy);
