/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * dnstap on the wire: messages in protocol buffers (the numbers are those of dnstap.proto, see
 * dnstap.info), one in each frame of a Frame Streams connection, and the control frames of its
 * bidirectional handshake: READY and START from us, ACCEPT from the receiver; STOP, then FINISH.
 * Pure; all is written into the caller's bounded memory.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/str.h"

#define DNSTAP_CONTENT_TYPE "protobuf:dnstap.Dnstap"

/* An address with its port. */
struct dnstap_peer {
	uint8_t n; /* bytes of the address: 4, 16, or 0 when it is not known */
	uint8_t address[16];
	uint16_t port; /* 0: not known */
};

enum dnstap_type {
	DNSTAP_CLIENT_QUERY = 5,
	DNSTAP_CLIENT_RESPONSE = 6,
};

struct dnstap_message {
	enum dnstap_type type;
	bool tcp;
	struct dnstap_peer client;
	struct dnstap_peer server;
	int64_t query_time; /* ns since 1970 */
	int64_t response_time; /* with DNSTAP_CLIENT_RESPONSE */
	const uint8_t *bytes; /* the query or the response */
	size_t n; /* ≤ 65535; 0: it is left out */
};

/* Who speaks; each at most LIMIT_DNSTAP_NAME bytes, empty ones are left out. */
struct dnstap_speaker {
	struct str identity;
	struct str version;
};

/* More than any frame of a message has. */
enum { DNSTAP_FRAME_MAX = UINT16_MAX + 2 * LIMIT_DNSTAP_NAME + 256 };

/* Writes a whole data frame; `out` has DNSTAP_FRAME_MAX bytes. Returns its size. */
size_t dnstap_frame(const struct dnstap_speaker *speaker, const struct dnstap_message *message,
		    uint8_t *out);

enum dnstap_control {
	DNSTAP_ACCEPT = 1,
	DNSTAP_START = 2,
	DNSTAP_STOP = 3,
	DNSTAP_READY = 4,
	DNSTAP_FINISH = 5,
};

/* The largest control frame that is read, with all that stands before it. */
enum { DNSTAP_CONTROL_MAX = 8 + 512 };

/*
 * Writes a control frame; READY and START with our content type. `out` has DNSTAP_CONTROL_MAX
 * bytes. Returns its size.
 */
size_t dnstap_control_write(enum dnstap_control type, uint8_t *out);

/* A control frame that was read. */
struct dnstap_control_read {
	uint32_t type; /* enum dnstap_control, or what is not known */
	bool ours; /* it names our content type, or none at all */
	size_t used; /* bytes of it */
};

enum {
	DNSTAP_MORE = 1, /* it is not all here */
	DNSTAP_BAD = 2, /* it is no control frame, or a broken or too large one */
};

/* Reads the control frame at the beginning of `bytes`. Returns 0, DNSTAP_MORE or DNSTAP_BAD. */
int dnstap_control_read(const uint8_t *bytes, size_t n, struct dnstap_control_read *ret);
