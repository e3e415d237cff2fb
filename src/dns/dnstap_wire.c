/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema is small and ours to write only, so it is written by hand: a field is a tag (its
 * number and how it is encoded) and a value. A nested message has its length in front; everything
 * of it but the DNS message is made first, in bounded memory, so that lengths are known and the DNS
 * message is copied once.
 */
#include "dns/dnstap_wire.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "dns/wire.h"

/* How a value is encoded: the lowest bits of a tag. */
enum encoding { VARINT = 0, BYTES = 2, FIXED32 = 5 };

/* struct Dnstap */
enum { IDENTITY = 1, VERSION = 2, MESSAGE = 14, TYPE = 15 };
enum { TYPE_MESSAGE = 1 };

/* struct Message */
enum {
	MESSAGE_TYPE = 1,
	SOCKET_FAMILY = 2,
	SOCKET_PROTOCOL = 3,
	QUERY_ADDRESS = 4,
	RESPONSE_ADDRESS = 5,
	QUERY_PORT = 6,
	RESPONSE_PORT = 7,
	QUERY_TIME_SEC = 8,
	QUERY_TIME_NSEC = 9,
	QUERY_MESSAGE = 10,
	RESPONSE_TIME_SEC = 12,
	RESPONSE_TIME_NSEC = 13,
	RESPONSE_MESSAGE = 14,
};

enum { FAMILY_INET = 1, FAMILY_INET6 = 2, PROTOCOL_UDP = 1, PROTOCOL_TCP = 2 };

enum {
	HEAD_MAX = 160, /* a Message without its DNS message */
	LENGTH = 4, /* of frames, of control frames, and their types */
	FIELD_CONTENT_TYPE = 1,
};

/* ---- protocol buffers ---- */

static uint8_t *put_varint(uint8_t *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7) {
		*out++ = (uint8_t)(value | 0x80);
	}
	*out++ = (uint8_t)value;
	return out;
}

static uint8_t *put_tag(uint8_t *out, unsigned field, enum encoding encoding)
{
	return put_varint(out, field << 3 | encoding);
}

static uint8_t *put_number(uint8_t *out, unsigned field, uint64_t value)
{
	return put_varint(put_tag(out, field, VARINT), value);
}

static uint8_t *put_text(uint8_t *out, unsigned field, const void *bytes, size_t n)
{
	if (n != 0) {
		out = put_varint(put_tag(out, field, BYTES), n);
		memcpy(out, bytes, n);
	}
	return out + n;
}

/* Nanoseconds are fixed32: little-endian. */
static uint8_t *put_time(uint8_t *out, unsigned seconds, unsigned nanoseconds, int64_t time)
{
	uint64_t since = time > 0 ? (uint64_t)time : 0;
	uint32_t rest = (uint32_t)(since % NS_PER_S);

	out = put_tag(put_number(out, seconds, since / NS_PER_S), nanoseconds, FIXED32);
	for (unsigned i = 0; i < sizeof(rest); i++) {
		*out++ = (uint8_t)(rest >> 8 * i);
	}
	return out;
}

static uint8_t *put_peer(uint8_t *out, unsigned address, unsigned port,
			 const struct dnstap_peer *peer)
{
	out = put_text(out, address, peer->address, peer->n);
	return peer->port != 0 ? put_number(out, port, peer->port) : out;
}

/* Everything but the DNS message. */
static size_t put_head(const struct dnstap_message *message, uint8_t head[HEAD_MAX])
{
	bool six = message->client.n == sizeof(message->client.address);
	uint8_t *out = put_number(head, MESSAGE_TYPE, message->type);

	out = put_number(out, SOCKET_FAMILY, six ? FAMILY_INET6 : FAMILY_INET);
	out = put_number(out, SOCKET_PROTOCOL, message->tcp ? PROTOCOL_TCP : PROTOCOL_UDP);
	out = put_peer(out, QUERY_ADDRESS, QUERY_PORT, &message->client);
	out = put_peer(out, RESPONSE_ADDRESS, RESPONSE_PORT, &message->server);
	out = put_time(out, QUERY_TIME_SEC, QUERY_TIME_NSEC, message->query_time);
	if (message->type == DNSTAP_CLIENT_RESPONSE) {
		out = put_time(out, RESPONSE_TIME_SEC, RESPONSE_TIME_NSEC, message->response_time);
	}
	if (message->n != 0) {
		out = put_tag(out,
			      message->type == DNSTAP_CLIENT_RESPONSE ? RESPONSE_MESSAGE
								      : QUERY_MESSAGE,
			      BYTES);
		out = put_varint(out, message->n);
	}
	return (size_t)(out - head);
}

size_t dnstap_frame(const struct dnstap_speaker *speaker, const struct dnstap_message *message,
		    uint8_t *out)
{
	uint8_t head[HEAD_MAX];
	size_t head_n = put_head(message, head);
	uint8_t *at = out + LENGTH;

	assert(speaker->identity.n <= LIMIT_DNSTAP_NAME && speaker->version.n <= LIMIT_DNSTAP_NAME);
	assert(message->n <= UINT16_MAX);
	at = put_text(at, IDENTITY, speaker->identity.p, speaker->identity.n);
	at = put_text(at, VERSION, speaker->version.p, speaker->version.n);
	at = put_number(at, TYPE, TYPE_MESSAGE);
	at = put_varint(put_tag(at, MESSAGE, BYTES), head_n + message->n);
	memcpy(at, head, head_n);
	at += head_n;
	if (message->n != 0) {
		memcpy(at, message->bytes, message->n);
		at += message->n;
	}
	set_u32(out, (uint32_t)(at - out - LENGTH));
	return (size_t)(at - out);
}

/* ---- control frames ---- */

size_t dnstap_control_write(enum dnstap_control type, uint8_t *out)
{
	static const char content[] = DNSTAP_CONTENT_TYPE;
	size_t content_n = sizeof(content) - 1;
	bool named = type == DNSTAP_READY || type == DNSTAP_START;
	size_t n = LENGTH + (named ? 2 * LENGTH + content_n : 0);

	set_u32(out, 0); /* no data frame is empty: this is how a control frame begins */
	set_u32(out + LENGTH, (uint32_t)n);
	set_u32(out + 2 * LENGTH, type);
	if (named) {
		set_u32(out + 3 * LENGTH, FIELD_CONTENT_TYPE);
		set_u32(out + 4 * LENGTH, (uint32_t)content_n);
		memcpy(out + 5 * LENGTH, content, content_n);
	}
	return 2 * LENGTH + n;
}

/* Whether the fields are whole; what they say of content types. */
static bool read_fields(const uint8_t *at, size_t n, bool *ret_ours)
{
	static const char content[] = DNSTAP_CONTENT_TYPE;
	bool named = false;
	bool ours = false;

	while (n != 0) {
		if (n < 2 * LENGTH || get_u32(at + LENGTH) > n - 2 * LENGTH) {
			return false;
		}
		size_t value_n = get_u32(at + LENGTH);

		if (get_u32(at) == FIELD_CONTENT_TYPE) {
			named = true;
			ours |= value_n == sizeof(content) - 1 &&
				memcmp(at + 2 * LENGTH, content, value_n) == 0;
		}
		at += 2 * LENGTH + value_n;
		n -= 2 * LENGTH + value_n;
	}
	*ret_ours = ours || !named;
	return true;
}

int dnstap_control_read(const uint8_t *bytes, size_t n, struct dnstap_control_read *ret)
{
	size_t length;
	bool ours;

	if (n < 2 * LENGTH) {
		return DNSTAP_MORE;
	}
	length = get_u32(bytes + LENGTH);
	if (get_u32(bytes) != 0 || length < LENGTH || length > DNSTAP_CONTROL_MAX - 2 * LENGTH) {
		return DNSTAP_BAD;
	}
	if (n < 2 * LENGTH + length) {
		return DNSTAP_MORE;
	}
	if (!read_fields(bytes + 3 * LENGTH, length - LENGTH, &ours)) {
		return DNSTAP_BAD;
	}
	*ret = (struct dnstap_control_read){
		.type = get_u32(bytes + 2 * LENGTH),
		.ours = ours,
		.used = 2 * LENGTH + length,
	};
	return 0;
}
