/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict where leniency lets two readers see two messages: no folded lines, no space before a
 * colon, no two lengths (RFC 9112 sections 5 and 6.3). A bare LF as the end of a line is taken.
 */
#include "http/head.h"

#include <ctype.h>

#include "base/limits.h"

enum { CHUNK_LINE = 4096 };

/* Up to the next LF, without its line end; false when there is none. */
static bool cut_line(struct str *rest, struct str *ret)
{
	const char *end = rest->n != 0 ? memchr(rest->p, '\n', rest->n) : NULL;

	if (end == NULL) {
		return false;
	}
	*ret = (struct str){ .p = rest->p, .n = (size_t)(end - rest->p) };
	*rest = str_skip(*rest, ret->n + 1);
	if (ret->n != 0 && ret->p[ret->n - 1] == '\r') {
		ret->n--;
	}
	return true;
}

static bool is_token_char(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* "HTTP/1.1 200 OK" */
static bool parse_status(struct str line, struct arena *arena, struct http_head *ret)
{
	struct str version = str_cut(&line, ' ');
	struct str code = str_cut(&line, ' ');
	uint64_t status;

	if (!(str_is(version, "HTTP/1.1") || str_is(version, "HTTP/1.0")) || code.n != 3 ||
	    !str_to_u64(code, 599, &status) || status < 100) {
		return false;
	}
	ret->status = (int)status;
	ret->reason = arena_str(arena, line).p;
	return true;
}

static bool parse_header(struct str line, struct arena *arena, struct http_pair *ret)
{
	struct str name = str_cut(&line, ':');
	struct str value = str_trim(line);
	char *lower;

	if (line.p == NULL || name.n == 0 || memchr(line.p, '\0', line.n) != NULL) {
		return false;
	}
	for (size_t i = 0; i < name.n; i++) {
		if (!is_token_char(name.p[i])) {
			return false;
		}
	}
	lower = (char *)arena_str(arena, name).p;
	for (char *c = lower; *c != '\0'; c++) {
		*c = (char)tolower((unsigned char)*c);
	}
	*ret = (struct http_pair){ .name = lower, .value = arena_str(arena, value).p };
	return true;
}

/* How far the empty line is; 0: not there yet. */
static size_t head_length(struct str bytes)
{
	struct str rest = bytes;
	struct str line;

	while (cut_line(&rest, &line)) {
		if (line.n == 0) {
			return bytes.n - rest.n;
		}
	}
	return 0;
}

int http_head_parse(struct str bytes, struct arena *arena, struct http_head *ret, size_t *ret_n)
{
	struct http_head head = { 0 };
	struct str line = STR_NONE;
	size_t n = head_length(bytes);

	if (n > LIMIT_HTTP_HEAD || (n == 0 && bytes.n >= LIMIT_HTTP_HEAD)) {
		return HTTP_HEAD_BAD;
	}
	if (n == 0) {
		return HTTP_HEAD_PARTIAL;
	}
	bytes.n = n;
	cut_line(&bytes, &line);
	if (!parse_status(line, arena, &head)) {
		return HTTP_HEAD_BAD;
	}
	head.headers = arena_alloc(arena, LIMIT_HTTP_HEADERS * sizeof(*head.headers));
	while (cut_line(&bytes, &line) && line.n != 0) {
		if (head.n_headers == LIMIT_HTTP_HEADERS ||
		    !parse_header(line, arena, &head.headers[head.n_headers])) {
			return HTTP_HEAD_BAD;
		}
		head.n_headers++;
	}
	*ret = head;
	*ret_n = n;
	return 0;
}

const char *http_head_get(const struct http_head *head, const char *name)
{
	for (size_t i = 0; i < head->n_headers; i++) {
		if (strcmp(head->headers[i].name, name) == 0) {
			return head->headers[i].value;
		}
	}
	return NULL;
}

bool http_has_word(const char *value, const char *word)
{
	struct str rest = str_from(value);

	while (rest.n != 0) {
		if (str_eq_nocase(str_trim(str_cut(&rest, ',')), str_from(word))) {
			return true;
		}
	}
	return false;
}

/* ---- bodies ---- */

enum chunk_state { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_END, TRAILERS };

/* One length, said as often as the server likes. */
static bool length_of(const struct http_head *head, bool *ret_given, uint64_t *ret_n)
{
	*ret_given = false;
	for (size_t i = 0; i < head->n_headers; i++) {
		uint64_t n;

		if (strcmp(head->headers[i].name, "content-length") != 0) {
			continue;
		}
		if (!str_to_u64(str_from(head->headers[i].value), INT64_MAX, &n) ||
		    (*ret_given && n != *ret_n)) {
			return false;
		}
		*ret_given = true;
		*ret_n = n;
	}
	return true;
}

bool http_body_init(struct http_body *body, const struct http_head *head, bool is_head_request)
{
	const char *coding = http_head_get(head, "transfer-encoding");
	bool has_length;

	*body = (struct http_body){ .state = CHUNK_SIZE };
	if (!length_of(head, &has_length, &body->left) || (coding != NULL && has_length)) {
		return false;
	}
	if (is_head_request || head->status < 200 || head->status == 204 || head->status == 304) {
		body->framing = HTTP_BODY_NONE;
		body->complete = true;
	} else if (coding != NULL) {
		body->framing = HTTP_BODY_CHUNKED;
		body->left = 0;
		return str_eq_nocase(str_from(coding), STR("chunked"));
	} else if (has_length) {
		body->framing = HTTP_BODY_LENGTH;
		body->complete = body->left == 0;
	} else {
		body->framing = HTTP_BODY_TO_END;
	}
	return true;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of "1a2b;extension CR LF". */
static bool feed_size(struct http_body *body, char c)
{
	int digit = body->state == CHUNK_SIZE ? hex_value(c) : -1;

	if (++body->line > CHUNK_LINE) {
		return false;
	}
	if (digit >= 0) {
		if (body->left >> 56 != 0) {
			return false;
		}
		body->left = body->left * 16 + (uint64_t)digit;
		return true;
	}
	if (body->line == 1) {
		return false;
	}
	if (c != '\n') {
		body->state = CHUNK_EXTENSION;
		return true;
	}
	body->state = body->left != 0 ? CHUNK_DATA : TRAILERS;
	body->line = 0;
	return true;
}

/* Trailers are dropped; an empty line ends them. `left` counts all of their bytes. */
static bool feed_trailer(struct http_body *body, char c)
{
	if (++body->left > LIMIT_HTTP_HEAD) {
		return false;
	}
	if (c == '\n') {
		body->complete = body->line == 0;
		body->line = 0;
	} else if (c != '\r') {
		body->line++;
	}
	return true;
}

/* The line end behind a chunk. */
static bool feed_end(struct http_body *body, char c)
{
	if (c == '\n') {
		body->state = CHUNK_SIZE;
		body->line = 0;
		return true;
	}
	return c == '\r' && body->line++ == 0;
}

static int64_t decode_chunks(struct http_body *body, char *bytes, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n && !body->complete;) {
		bool fine = true;

		if (body->state == CHUNK_DATA) {
			size_t part = body->left < n - i ? (size_t)body->left : n - i;

			memmove(bytes + out, bytes + i, part);
			out += part;
			i += part;
			body->left -= part;
			body->state = body->left == 0 ? CHUNK_END : CHUNK_DATA;
			continue;
		}
		switch ((enum chunk_state)body->state) {
		case CHUNK_END:
			fine = feed_end(body, bytes[i]);
			break;
		case TRAILERS:
			fine = feed_trailer(body, bytes[i]);
			break;
		default:
			fine = feed_size(body, bytes[i]);
			break;
		}
		if (!fine) {
			return -1;
		}
		i++;
	}
	return (int64_t)out;
}

int64_t http_body_decode(struct http_body *body, char *bytes, size_t n)
{
	size_t part;

	switch (body->framing) {
	case HTTP_BODY_CHUNKED:
		return decode_chunks(body, bytes, n);
	case HTTP_BODY_LENGTH:
		part = body->left < n ? (size_t)body->left : n;
		body->left -= part;
		body->complete = body->left == 0;
		return (int64_t)part;
	case HTTP_BODY_TO_END:
		return (int64_t)n;
	case HTTP_BODY_NONE:
		break;
	}
	return 0;
}

bool http_body_may_end(const struct http_body *body)
{
	return body->complete || body->framing == HTTP_BODY_TO_END;
}
