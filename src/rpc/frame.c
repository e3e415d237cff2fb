/* SPDX-License-Identifier: Apache-2.0 */
/* https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
#include "rpc/frame.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"

enum frame_outcome frame_next(struct str *rest, struct str *ret_message)
{
	const uint8_t *p = (const uint8_t *)rest->p;
	uint32_t n;

	if (rest->n < FRAME_HEADER) {
		return FRAME_PART;
	}
	if (p[0] != 0) {
		return FRAME_COMPRESSED;
	}
	n = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
	if (n > LIMIT_GRPC_MESSAGE) {
		return FRAME_TOO_LARGE;
	}
	if (rest->n - FRAME_HEADER < n) {
		return FRAME_PART;
	}
	*ret_message = (struct str){ .p = rest->p + FRAME_HEADER, .n = n };
	*rest = str_skip(*rest, FRAME_HEADER + (size_t)n);
	return FRAME_WHOLE;
}

void frame_header(uint32_t n, uint8_t ret_header[FRAME_HEADER])
{
	ret_header[0] = 0;
	ret_header[1] = (uint8_t)(n >> 24);
	ret_header[2] = (uint8_t)(n >> 16);
	ret_header[3] = (uint8_t)(n >> 8);
	ret_header[4] = (uint8_t)n;
}

void frame_timeout(uint64_t ns, char ret_text[FRAME_TIMEOUT_TEXT])
{
	static const struct {
		char unit;
		uint64_t ns;
	} units[] = {
		{ 'n', 1 },
		{ 'u', 1000 },
		{ 'm', 1000 * 1000 },
		{ 'S', 1000 * 1000 * 1000 },
		{ 'M', UINT64_C(60) * 1000 * 1000 * 1000 },
		{ 'H', UINT64_C(3600) * 1000 * 1000 * 1000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		/* Rounded up: the server does not give up before we do. */
		uint64_t n = ns / units[i].ns + (ns % units[i].ns != 0 ? 1 : 0);

		if (n <= 99999999) {
			snprintf(ret_text, FRAME_TIMEOUT_TEXT, "%llu%c", (unsigned long long)n,
				 units[i].unit);
			return;
		}
	}
}

void frame_status_init(struct frame_status *status)
{
	status->code = -1;
	buffer_init(&status->message, LIMIT_GRPC_STATUS_MESSAGE);
}

void frame_status_deinit(struct frame_status *status)
{
	buffer_deinit(&status->message);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A '%' that nothing hexadecimal follows stands for itself, as the protocol wants it. */
static void decode_message(struct str text, struct buffer *ret)
{
	buffer_clear(ret);
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '%' && text.n - i > 2 && hex_digit(text.p[i + 1]) >= 0 &&
		    hex_digit(text.p[i + 2]) >= 0) {
			c = (char)(hex_digit(text.p[i + 1]) << 4 | hex_digit(text.p[i + 2]));
			i += 2;
		}
		buffer_append_char(ret, (unsigned char)c < ' ' || c == 0x7f ? '?' : c);
	}
}

void frame_status_line(struct frame_status *status, struct str line)
{
	struct str rest = line;
	struct str name = str_cut(&rest, ':');
	struct str value;
	uint64_t code;

	while (rest.n != 0 && (rest.p[rest.n - 1] == '\r' || rest.p[rest.n - 1] == '\n')) {
		rest.n--;
	}
	value = str_trim(rest);
	if (str_eq_nocase(name, STR("grpc-status"))) {
		/* 2 is UNKNOWN: what cannot be read is an error all the same. */
		status->code = str_to_u64(value, INT32_MAX, &code) ? (int)code : 2;
	} else if (str_eq_nocase(name, STR("grpc-message"))) {
		decode_message(value, &status->message);
	}
}
