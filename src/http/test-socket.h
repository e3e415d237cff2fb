/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: the far side of a WebSocket, frame by frame, over a socket in one loop. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/str.h"

struct loop;

enum { FRAME_MORE = 0, FRAME_TEXT = 1, FRAME_BINARY = 2, FRAME_CLOSE = 8, FRAME_PING = 9 };
enum { FRAME_PONG = 10, FRAME_FIN = 0x80 };

struct far {
	struct loop *loop;
	int fd;
	struct buffer got; /* not looked at yet */
	bool ended; /* the other side has closed the connection */
};

/* Makes a pair of sockets; returns the near one. */
int far_init(struct far *far, struct loop *loop);
void far_deinit(struct far *far);

/* Sends a frame, masked: opcode and FRAME_FIN in `head`. */
void far_send(struct far *far, unsigned head, struct str payload);

/* Turns the loop until a frame is there, and takes it; 0: the connection ended instead. */
unsigned far_frame(struct far *far, struct buffer *ret_payload);

/* The next frame is this one. */
void far_hears(struct far *far, unsigned head, struct str payload);

/* The next frame is Close with this code; what follows is the end once it is answered. */
void far_hears_close(struct far *far, unsigned code);
void far_hears_end(struct far *far);

/* Turns the loop until `*done`. */
void far_turn_until(struct far *far, const bool *done);
