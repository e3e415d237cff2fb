/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Messages out of the bytes of a TCP connection (RFC 1035 section 4.2.2): two octets of length,
 * then the message. Bytes come in any pieces. Pure; bounded by one message of LIMIT_DNS_TCP_QUERY,
 * of a larger one the header is given and the rest is skipped.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

enum { FRAME_LENGTH = 2 };

/* Zero-initialised is the beginning of a connection. */
struct frames {
	size_t n; /* bytes held */
	size_t at; /* of these, done */
	uint32_t skip; /* bytes of a message that is too large, still to come */
	uint8_t bytes[FRAME_LENGTH + LIMIT_DNS_TCP_QUERY];
};

/* Where to put the next bytes, and how many (0: ask frames_next() first). */
uint8_t *frames_room(struct frames *frames, size_t *ret_n);

/* They are there. */
void frames_add(struct frames *frames, size_t n);

/*
 * The next message, good until frames_room(): true and its bytes, of which a message that is too
 * large has only the header; or false when it is not all here.
 */
bool frames_next(struct frames *frames, const uint8_t **ret_message, size_t *ret_n);

/* Whether something of a message is here (or still to be skipped) that was not given yet. */
bool frames_begun(const struct frames *frames);

/* Forgets all that is here. */
void frames_clear(struct frames *frames);
