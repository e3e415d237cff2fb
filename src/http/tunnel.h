/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A byte connection after an upgrade (RFC 9110 section 7.8), or behind the head of an answer: one
 * end of it, whatever carries it. Nothing is buffered here without bound: a reader that waits stops
 * the writer at the other end. Loop's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct loop;
struct tunnel;

enum {
	TUNNEL_WAIT = 0, /* nothing now: ask with tunnel_want() */
	TUNNEL_END = -1, /* the other end will send no more */
	TUNNEL_BROKEN = -2, /* the connection is lost */
};

struct tunnel_ops {
	int64_t (*read)(struct tunnel *tunnel, char *out, size_t size);
	int64_t (*write)(struct tunnel *tunnel, const char *bytes, size_t n);
	int64_t (*finish)(struct tunnel *tunnel);
	void (*want)(struct tunnel *tunnel, unsigned events);
	void (*free)(struct tunnel *tunnel);
	/* One direction may end while the other goes on (plain sockets; not TLS, not WebSocket). */
	bool has_halves;
};

/* Implementations embed this first. */
struct tunnel {
	const struct tunnel_ops *ops;
	void (*ready)(void *userdata, unsigned events);
	void *userdata;
};

/* Up to `size` bytes; how many (≥ 1), or TUNNEL_WAIT, TUNNEL_END, TUNNEL_BROKEN. */
int64_t tunnel_read(struct tunnel *tunnel, char *out, size_t size);

/* How many bytes were taken (TUNNEL_WAIT: none now), or TUNNEL_BROKEN. */
int64_t tunnel_write(struct tunnel *tunnel, const char *bytes, size_t n);

/*
 * There is no more to write. Returns TUNNEL_END when all of it is on its way; TUNNEL_WAIT: call
 * again when it is writable; TUNNEL_BROKEN. Reading goes on.
 */
int64_t tunnel_finish(struct tunnel *tunnel);

/*
 * Calls `ready(userdata, events)`, from the loop, while it is LOOP_READ or LOOP_WRITE, whichever of
 * both is in `events` (0: not any more). Replaces what was said before.
 */
void tunnel_want(struct tunnel *tunnel, unsigned events,
		 void (*ready)(void *userdata, unsigned events), void *userdata);

/* Ends the connection. NULL is fine; returns NULL. */
struct tunnel *tunnel_free(struct tunnel *tunnel);

/*
 * A connected stream socket (made non-blocking), which is closed with the tunnel. `early` bytes
 * have been read already (copied).
 */
struct tunnel *tunnel_of_socket(struct loop *loop, int fd, struct str early);

/* Bytes that were read too early come first again. Only for tunnels over sockets, read empty. */
void tunnel_put_back(struct tunnel *tunnel, struct str bytes);

/*
 * A socket (and TLS session; NULL: plain) of the HTTP server, which takes both back with `release`
 * and keeps its hands off them until then.
 */
struct tunnel *tunnel_of_server(struct loop *loop, int fd, void *session, struct str early,
				void (*release)(void *userdata), void *userdata);

/* The same with TLS; the session (a gnutls_session_t after its handshake) is taken, too. */
struct tunnel *tunnel_of_tls(struct loop *loop, int fd, void *session, struct str early);

/*
 * Two tunnels that are one: what comes from one goes into the other, both ways. Ends when one is
 * broken (both are ended at once), or when both directions have come to their end. Then `ended` is
 * called, once, from the loop, with the pair and both tunnels gone.
 */
struct tunnel_pair;
struct tunnel_pair *tunnel_join(struct loop *loop, struct tunnel *a, struct tunnel *b,
				void (*ended)(void *userdata), void *userdata);

/* Ends it at once, without a call. NULL is fine; returns NULL. */
struct tunnel_pair *tunnel_pair_free(struct tunnel_pair *pair);
