/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct str bytes, struct buffer *out)
{
	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t n = bytes.n - i < 3 ? bytes.n - i : 3;
		uint32_t group = 0;
		char text[4] = { '=', '=', '=', '=' };

		for (size_t j = 0; j < 3; j++) {
			group = group << 8 | (j < n ? (uint8_t)bytes.p[i + j] : 0);
		}
		for (size_t j = 0; j <= n; j++) {
			text[j] = alphabet[group >> (18 - 6 * j) & 0x3f];
		}
		buffer_append(out, text, sizeof(text));
	}
}

static int digit_of(char c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9') {
		return c - '0' + 52;
	}
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four: 1 to 3 bytes; false when it is none. */
static bool decode_group(const char group[4], struct buffer *out)
{
	size_t n = group[3] != '=' ? 3 : group[2] != '=' ? 2 : 1;
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int digit = i <= n ? digit_of(group[i]) : 0;

		if (digit < 0) {
			return false;
		}
		bits = bits << 6 | (uint32_t)digit;
	}
	for (size_t i = 0; i < n; i++) {
		buffer_append_char(out, (char)(bits >> (16 - 8 * i) & 0xff));
	}
	return true;
}

bool base64_decode(struct str text, struct buffer *out)
{
	size_t before = out->n;
	bool ended = false;
	char group[4];
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\n' || text.p[i] == '\r') {
			continue;
		}
		group[n++] = text.p[i];
		if (ended || (n == 4 && !decode_group(group, out))) {
			out->n = before;
			return false;
		}
		if (n == 4) {
			ended = group[3] == '=';
			n = 0;
		}
	}
	if (n != 0) {
		out->n = before;
		return false;
	}
	return true;
}
