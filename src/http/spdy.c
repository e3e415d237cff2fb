/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header blocks of one direction are one zlib stream with a preset dictionary (section 2.6.10.1),
 * so each has to be run through it, whether anybody wants it or not. Data is passed on as it comes;
 * a control frame is gathered first, which is why it has a maximum.
 */
#include "http/spdy.h"

#include <string.h>

#include <zlib.h>

#include "base/limits.h"
#include "base/mem.h"

enum { VERSION = 3, FRAME_HEAD = 8, CONTROL_BIT = 0x80, FLAG_FIN = 1, LENGTH_MAX = 0xffffff };

enum frame {
	SYN_STREAM = 1,
	SYN_REPLY = 2,
	RST_STREAM = 3,
	SETTINGS = 4,
	PING = 6,
	GOAWAY = 7,
	HEADERS = 8,
	WINDOW_UPDATE = 9,
};

enum { RST_CANCEL = 5, DICTIONARY_MAX = 1536 };

struct spdy {
	const struct spdy_ops *ops;
	void *userdata;
	struct buffer *out;
	z_stream deflater;
	z_stream inflater;
	struct buffer control; /* a frame with its head, as far as it has come */
	uint32_t next; /* stream of ours */
	uint32_t data_stream;
	uint32_t data_left; /* of the data frame that is passing through */
	uint32_t peer_streams; /* opened by the other end, ever */
	bool is_client;
	bool data_last;
	bool bad;
};

/* ---- the dictionary ---- */

/* The words, each behind its length in four bytes; then a text. A constant of the protocol. */
static const char *const dictionary_words[] = {
	"options",
	"head",
	"post",
	"put",
	"delete",
	"trace",
	"accept",
	"accept-charset",
	"accept-encoding",
	"accept-language",
	"accept-ranges",
	"age",
	"allow",
	"authorization",
	"cache-control",
	"connection",
	"content-base",
	"content-encoding",
	"content-language",
	"content-length",
	"content-location",
	"content-md5",
	"content-range",
	"content-type",
	"date",
	"etag",
	"expect",
	"expires",
	"from",
	"host",
	"if-match",
	"if-modified-since",
	"if-none-match",
	"if-range",
	"if-unmodified-since",
	"last-modified",
	"location",
	"max-forwards",
	"pragma",
	"proxy-authenticate",
	"proxy-authorization",
	"range",
	"referer",
	"retry-after",
	"server",
	"te",
	"trailer",
	"transfer-encoding",
	"upgrade",
	"user-agent",
	"vary",
	"via",
	"warning",
	"www-authenticate",
	"method",
	"get",
	"status",
	"200 OK",
	"version",
	"HTTP/1.1",
	"url",
	"public",
	"set-cookie",
	"keep-alive",
	"origin",
};

static const char dictionary_text[] =
	"100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
	"203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request"
	"401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented"
	"503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 "
	"Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,"
	"application/xml,application/xhtml+xml,text/plain,text/javascript,public"
	"privatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

static void put32(struct buffer *out, uint32_t value)
{
	char bytes[] = { (char)(value >> 24), (char)(value >> 16), (char)(value >> 8),
			 (char)value };

	buffer_append(out, bytes, sizeof(bytes));
}

static uint32_t get32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static void put_text(struct buffer *out, const char *text)
{
	put32(out, (uint32_t)strlen(text));
	buffer_append_text(out, text);
}

/* Names of headers are in lower case (section 2.6.10); Go's end hangs on others. */
static void put_name(struct buffer *out, const char *name)
{
	put32(out, (uint32_t)strlen(name));
	for (; *name != '\0'; name++) {
		bool is_capital = *name >= 'A' && *name <= 'Z';

		buffer_append_char(out, is_capital ? (char)(*name | 0x20) : *name);
	}
}

static bool has_capital(const char *name)
{
	return strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL;
}

static void dictionary(struct buffer *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(dictionary_words); i++) {
		put_text(ret, dictionary_words[i]);
	}
	buffer_append_text(ret, dictionary_text);
}

/* ---- life ---- */

struct spdy *spdy_new(bool is_client, struct buffer *out, const struct spdy_ops *ops,
		      void *userdata)
{
	struct spdy *spdy = MEM_NEW(struct spdy);
	_cleanup_buffer_ struct buffer words = BUFFER_INIT(DICTIONARY_MAX);

	spdy->ops = ops;
	spdy->userdata = userdata;
	spdy->out = out;
	spdy->is_client = is_client;
	spdy->next = is_client ? 1 : 2;
	buffer_init(&spdy->control, FRAME_HEAD + LIMIT_SPDY_CONTROL);
	dictionary(&words);
	/* Header blocks here are a few words: the smallest windows do (8 KiB, not 256). */
	if (deflateInit2(&spdy->deflater, Z_BEST_SPEED, Z_DEFLATED, 11, 1, Z_DEFAULT_STRATEGY) !=
		    Z_OK ||
	    deflateSetDictionary(&spdy->deflater, (const Bytef *)words.p, (uInt)words.n) != Z_OK ||
	    inflateInit(&spdy->inflater) != Z_OK) {
		abort();
	}
	return spdy;
}

struct spdy *spdy_free(struct spdy *spdy)
{
	if (spdy != NULL) {
		deflateEnd(&spdy->deflater);
		inflateEnd(&spdy->inflater);
		buffer_deinit(&spdy->control);
		mem_free(spdy);
	}
	return NULL;
}

/* ---- header blocks ---- */

static void compress_block(struct spdy *spdy, struct str plain, struct buffer *out)
{
	char block[1024];
	z_stream *z = &spdy->deflater;

	z->next_in = (Bytef *)plain.p;
	z->avail_in = (uInt)plain.n;
	do {
		z->next_out = (Bytef *)block;
		z->avail_out = sizeof(block);
		(void)deflate(z, Z_SYNC_FLUSH);
		buffer_append(out, block, sizeof(block) - z->avail_out);
	} while (z->avail_out == 0);
}

/* False: no zlib, another dictionary, or too much of it. */
static bool decompress_block(struct spdy *spdy, struct str packed, struct buffer *out)
{
	char block[4096];
	z_stream *z = &spdy->inflater;
	int result;

	z->next_in = (Bytef *)packed.p;
	z->avail_in = (uInt)packed.n;
	do {
		z->next_out = (Bytef *)block;
		z->avail_out = sizeof(block);
		result = inflate(z, Z_SYNC_FLUSH);
		if (result == Z_NEED_DICT) {
			_cleanup_buffer_ struct buffer words = BUFFER_INIT(DICTIONARY_MAX);

			dictionary(&words);
			result = inflateSetDictionary(z, (const Bytef *)words.p, (uInt)words.n);
			if (result != Z_OK) {
				return false;
			}
			continue;
		}
		if (result != Z_OK && result != Z_BUF_ERROR) {
			return false;
		}
		buffer_append(out, block, sizeof(block) - z->avail_out);
	} while (z->avail_in != 0 || z->avail_out == 0);
	return !out->overflowed;
}

static bool take32(struct str *rest, uint32_t *ret)
{
	if (rest->n < 4) {
		return false;
	}
	*ret = get32(rest->p);
	*rest = str_skip(*rest, 4);
	return true;
}

static const char *take_text(struct str *rest, struct arena *arena)
{
	struct str text = *rest;
	uint32_t n;

	if (!take32(rest, &n) || rest->n < n) {
		return NULL;
	}
	text = (struct str){ .p = rest->p, .n = n };
	*rest = str_skip(*rest, n);
	return arena_str(arena, text).p;
}

/* Returns the pairs, or NULL. */
static struct http_pair *read_pairs(struct str block, struct arena *arena, size_t *ret_n)
{
	struct http_pair *pairs;
	uint32_t n;

	if (!take32(&block, &n) || n > LIMIT_HTTP_HEADERS) {
		return NULL;
	}
	pairs = arena_alloc(arena, (n + 1) * sizeof(*pairs));
	for (uint32_t i = 0; i < n; i++) {
		pairs[i].name = take_text(&block, arena);
		pairs[i].value = pairs[i].name != NULL ? take_text(&block, arena) : NULL;
		if (pairs[i].value == NULL || has_capital(pairs[i].name)) {
			return NULL;
		}
	}
	*ret_n = n;
	return pairs;
}

/* ---- sending ---- */

static void put_control(struct buffer *out, enum frame type, unsigned flags, size_t n)
{
	put32(out, (uint32_t)CONTROL_BIT << 24 | (uint32_t)VERSION << 16 | (uint32_t)type);
	put32(out, (uint32_t)flags << 24 | (uint32_t)n);
}

static void put_headers(struct spdy *spdy, enum frame type, uint32_t stream,
			const struct http_pair *headers, size_t n)
{
	_cleanup_buffer_ struct buffer plain = BUFFER_INIT(LIMIT_SPDY_CONTROL);
	_cleanup_buffer_ struct buffer packed = BUFFER_INIT(LIMIT_SPDY_CONTROL);

	put32(&plain, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		put_name(&plain, headers[i].name);
		put_text(&plain, headers[i].value);
	}
	compress_block(spdy, buffer_str(&plain), &packed);
	put_control(spdy->out, type, 0, packed.n + (type == SYN_STREAM ? 10 : 4));
	put32(spdy->out, stream);
	if (type == SYN_STREAM) {
		put32(spdy->out, 0); /* belongs to no other stream */
		buffer_append(spdy->out, "\0\0", 2); /* priority, slot */
	}
	buffer_append_str(spdy->out, buffer_str(&packed));
}

uint32_t spdy_open(struct spdy *spdy, const struct http_pair *headers, size_t n)
{
	uint32_t stream = spdy->next;

	spdy->next += 2;
	put_headers(spdy, SYN_STREAM, stream, headers, n);
	return stream;
}

void spdy_accept(struct spdy *spdy, uint32_t stream)
{
	put_headers(spdy, SYN_REPLY, stream, NULL, 0);
}

void spdy_send(struct spdy *spdy, uint32_t stream, struct str bytes, bool last)
{
	do {
		struct str part = bytes;

		part.n = part.n < LENGTH_MAX ? part.n : LENGTH_MAX;
		bytes = str_skip(bytes, part.n);
		put32(spdy->out, stream);
		put32(spdy->out,
		      (last && bytes.n == 0 ? (uint32_t)FLAG_FIN << 24 : 0) | (uint32_t)part.n);
		buffer_append_str(spdy->out, part);
	} while (bytes.n != 0);
}

void spdy_reset(struct spdy *spdy, uint32_t stream)
{
	put_control(spdy->out, RST_STREAM, 0, 8);
	put32(spdy->out, stream);
	put32(spdy->out, RST_CANCEL);
}

void spdy_go_away(struct spdy *spdy)
{
	put_control(spdy->out, GOAWAY, 0, 8);
	put32(spdy->out, spdy->peer_streams * 2);
	put32(spdy->out, 0);
}

/* ---- receiving ---- */

static void tell_data(struct spdy *spdy, uint32_t stream, struct str bytes, bool last)
{
	if (spdy->ops->data != NULL && (bytes.n != 0 || last)) {
		spdy->ops->data(spdy->userdata, stream, bytes, last);
	}
}

static bool syn_stream(struct spdy *spdy, struct str body, bool last)
{
	_cleanup_buffer_ struct buffer plain = BUFFER_INIT(LIMIT_SPDY_CONTROL);
	struct http_pair *headers;
	struct arena arena;
	size_t n = 0;
	uint32_t stream;

	if (body.n < 10 || spdy->peer_streams >= LIMIT_SPDY_STREAMS ||
	    !decompress_block(spdy, str_skip(body, 10), &plain)) {
		return false;
	}
	spdy->peer_streams++;
	stream = get32(body.p) & 0x7fffffff;
	arena_init(&arena, LIMIT_SPDY_CONTROL * 16);
	headers = read_pairs(buffer_str(&plain), &arena, &n);
	if (headers != NULL && spdy->ops->opened != NULL) {
		spdy->ops->opened(spdy->userdata, stream, headers, n);
	}
	arena_deinit(&arena);
	tell_data(spdy, stream, STR_NONE, last);
	return headers != NULL;
}

static bool syn_reply(struct spdy *spdy, struct str body, bool last)
{
	_cleanup_buffer_ struct buffer plain = BUFFER_INIT(LIMIT_SPDY_CONTROL);
	uint32_t stream;

	if (body.n < 4 || !decompress_block(spdy, str_skip(body, 4), &plain)) {
		return false;
	}
	stream = get32(body.p) & 0x7fffffff;
	if (spdy->ops->accepted != NULL) {
		spdy->ops->accepted(spdy->userdata, stream);
	}
	tell_data(spdy, stream, STR_NONE, last);
	return true;
}

static bool more_headers(struct spdy *spdy, struct str body, bool last)
{
	_cleanup_buffer_ struct buffer plain = BUFFER_INIT(LIMIT_SPDY_CONTROL);

	if (body.n < 4 || !decompress_block(spdy, str_skip(body, 4), &plain)) {
		return false;
	}
	tell_data(spdy, get32(body.p) & 0x7fffffff, STR_NONE, last);
	return true;
}

/* Ours come back; the other end's go back (section 2.6.5). */
static bool ping(struct spdy *spdy, struct str body)
{
	if (body.n != 4) {
		return false;
	}
	if ((get32(body.p) % 2 == 1) != spdy->is_client) {
		put_control(spdy->out, PING, 0, 4);
		buffer_append_str(spdy->out, body);
	}
	return true;
}

static bool control_frame(struct spdy *spdy, struct str frame)
{
	struct str body = str_skip(frame, FRAME_HEAD);
	uint32_t head = get32(frame.p);
	bool last = (frame.p[4] & FLAG_FIN) != 0;

	if ((head >> 16 & 0x7fff) != VERSION) {
		return false;
	}
	switch ((enum frame)(head & 0xffff)) {
	case SYN_STREAM:
		return syn_stream(spdy, body, last);
	case SYN_REPLY:
		return syn_reply(spdy, body, last);
	case HEADERS:
		return more_headers(spdy, body, last);
	case PING:
		return ping(spdy, body);
	case RST_STREAM:
		if (body.n == 8 && spdy->ops->reset != NULL) {
			spdy->ops->reset(spdy->userdata, get32(body.p) & 0x7fffffff);
		}
		return body.n == 8;
	case GOAWAY:
		if (spdy->ops->going_away != NULL) {
			spdy->ops->going_away(spdy->userdata);
		}
		return true;
	case SETTINGS:
	case WINDOW_UPDATE:
		break;
	}
	/* What is unknown is left alone (section 2.2.1). */
	return true;
}

/* Passes on what there is of a data frame. */
static void pass_data(struct spdy *spdy, struct str *bytes)
{
	struct str part = *bytes;

	part.n = part.n < spdy->data_left ? part.n : spdy->data_left;
	*bytes = str_skip(*bytes, part.n);
	spdy->data_left -= (uint32_t)part.n;
	tell_data(spdy, spdy->data_stream, part, spdy->data_left == 0 && spdy->data_last);
}

/* Gathers up to `n` bytes of a frame; false: they are not all there yet. */
static bool gather(struct spdy *spdy, struct str *bytes, size_t n)
{
	size_t part = n - spdy->control.n < bytes->n ? n - spdy->control.n : bytes->n;

	buffer_append(&spdy->control, bytes->p, part);
	*bytes = str_skip(*bytes, part);
	return spdy->control.n == n;
}

/* One step: a part of a data frame, a head, or a control frame. */
static bool step(struct spdy *spdy, struct str *bytes)
{
	uint32_t length;

	if (spdy->data_left != 0) {
		pass_data(spdy, bytes);
		return true;
	}
	if (spdy->control.n < FRAME_HEAD && !gather(spdy, bytes, FRAME_HEAD)) {
		return true;
	}
	length = get32(spdy->control.p + 4) & LENGTH_MAX;
	if ((spdy->control.p[0] & CONTROL_BIT) == 0) {
		spdy->data_stream = get32(spdy->control.p);
		spdy->data_last = (spdy->control.p[4] & FLAG_FIN) != 0;
		spdy->data_left = length;
		buffer_clear(&spdy->control);
		if (length == 0) {
			tell_data(spdy, spdy->data_stream, STR_NONE, spdy->data_last);
		}
		return true;
	}
	if (length > LIMIT_SPDY_CONTROL) {
		return false;
	}
	if (gather(spdy, bytes, FRAME_HEAD + length)) {
		bool fine = control_frame(spdy, buffer_str(&spdy->control));

		buffer_clear(&spdy->control);
		return fine;
	}
	return true;
}

int spdy_feed(struct spdy *spdy, struct str bytes)
{
	while (bytes.n != 0 && !spdy->bad) {
		spdy->bad = !step(spdy, &bytes);
	}
	return spdy->bad ? SPDY_BAD : 0;
}
