/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* gRPC over HTTP/2 on the wire: messages, deadlines, status. Pure; any thread. */

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/str.h"

enum { FRAME_HEADER = 5 }; /* bytes: compressed (0 or 1), length in network order */

enum frame_outcome {
	FRAME_WHOLE,
	FRAME_PART, /* more bytes are needed */
	FRAME_COMPRESSED, /* which we have not asked for */
	FRAME_TOO_LARGE, /* LIMIT_GRPC_MESSAGE */
};

/*
 * Takes the first message off `*rest`. Only with FRAME_WHOLE anything is set: `*ret_message` is a
 * part of what `*rest` was.
 */
enum frame_outcome frame_next(struct str *rest, struct str *ret_message);

/* Writes the header of a message of `n` bytes. */
void frame_header(uint32_t n, uint8_t ret_header[FRAME_HEADER]);

enum { FRAME_TIMEOUT_TEXT = 16 };
/* The value of grpc-timeout for `ns`, in the finest unit whose number has at most 8 digits. */
void frame_timeout(uint64_t ns, char ret_text[FRAME_TIMEOUT_TEXT]);

/* What the headers and trailers of an answer have said so far. */
struct frame_status {
	int code; /* of grpc-status; -1: not said */
	struct buffer message; /* of grpc-message, percent-decoded, control characters as '?' */
};

void frame_status_init(struct frame_status *status);
void frame_status_deinit(struct frame_status *status);
/* Takes in one line of headers or trailers, "name: value" with its end. */
void frame_status_line(struct frame_status *status, struct str line);
