/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The connection to a receiver of dnstap: dials, shakes hands, sends frames, and dials again when
 * it is lost. One thread's; it never waits itself: it says what to wait for.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/counter.h"
#include "dns/dnstap_wire.h"

enum dnstap_link_state {
	LINK_DOWN, /* dials when it is time */
	LINK_DIALING,
	LINK_READY, /* READY is sent, or about to be; ACCEPT comes */
	LINK_OPEN, /* frames go */
	LINK_ENDING, /* the same for STOP and FINISH */
	LINK_ENDED,
};

struct dnstap_link {
	enum dnstap_link_state state;
	int fd; /* -1: none */
	bool told; /* that it is lost */
	char *name; /* the socket, for people */
	struct sockaddr_storage address;
	socklen_t address_n;
	struct counter connected; /* 0 or 1 */
	uint64_t deadline; /* ns; 0: none */
	uint64_t end_by; /* ns; 0: it is not to end */
	uint64_t pause; /* ns before the next dial */
	size_t control_n; /* a control frame that goes before `out` */
	size_t control_sent;
	size_t in_n;
	size_t out_n; /* frames, from a beginning of one on */
	size_t out_sent;
	uint8_t control[DNSTAP_CONTROL_MAX];
	uint8_t in[DNSTAP_CONTROL_MAX];
	uint8_t out[LIMIT_DNSTAP_OUTPUT];
};

/* Where `socket` is: "unix:///PATH", "/PATH", "tcp://ADDRESS:PORT". False: that is no socket. */
bool dnstap_address_parse(const char *socket, struct sockaddr_storage *ret, socklen_t *ret_n);

/* A valid socket. It stays down until the first step. */
struct dnstap_link *dnstap_link_new(const char *socket);
struct dnstap_link *dnstap_link_free(struct dnstap_link *link); /* NULL is fine; returns NULL */

/* Room for one more frame, DNSTAP_FRAME_MAX bytes; NULL while it is not open or has too much. */
uint8_t *dnstap_link_room(struct dnstap_link *link);
/* A frame of `n` bytes lies there. */
void dnstap_link_add(struct dnstap_link *link, size_t n);

/*
 * Does what can be done: `events` are what poll(2) said of the descriptor (0: nothing), `now` the
 * monotonic time in ns.
 */
void dnstap_link_step(struct dnstap_link *link, short events, uint64_t now);

/*
 * It is to end: all that is there is sent, if it is open, then LINK_ENDED is reached, at the latest
 * after LIMIT_DNSTAP_END_MS. To be called before each step. `more`: frames were just added.
 */
void dnstap_link_end(struct dnstap_link *link, bool more, uint64_t now);

/* What to poll for, and for how many ms (-1: for ever). */
short dnstap_link_events(const struct dnstap_link *link);
int dnstap_link_timeout(const struct dnstap_link *link, uint64_t now);
