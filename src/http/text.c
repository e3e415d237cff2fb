/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "http/intern.h"

static const char *const method_names[] = {
	[HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
	[HTTP_PUT] = "PUT",         [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
	[HTTP_OPTIONS] = "OPTIONS",
};

enum http_method http_method_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(method_names); i++) {
		if (strcmp(method_names[i], name) == 0) {
			return (enum http_method)i;
		}
	}
	return HTTP_OTHER;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void http_escape(struct buffer *out, struct str text, const char *keep)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') ||
			     (c != '\0' && (strchr("-._~", c) != NULL || strchr(keep, c) != NULL));

		if (plain) {
			buffer_append_char(out, c);
		} else {
			buffer_printf(out, "%%%02X", (unsigned)(unsigned char)c);
		}
	}
}

const char *http_unescape(struct arena *arena, struct str text, bool plus)
{
	char *out = arena_alloc(arena, text.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		int high = text.p[i] == '%' && i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(text.p[i + 2]) : -1;

		if (low >= 0 && high + low != 0) { /* a NUL would cut the text short */
			out[n++] = (char)(high * 16 + low);
			i += 2;
		} else {
			out[n++] = plus && text.p[i] == '+' ? ' ' : text.p[i];
		}
	}
	return out;
}
