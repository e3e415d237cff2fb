/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to tree in one pass: recursive descent over a bounded cursor. jansson's own reader is not
 * used because it goes through a callback for every byte, stops at the first duplicate and has one
 * depth limit at compile time; the trees are jansson's, and so is the parsing of non-integers.
 *
 * Invariants: `p` ≤ `end` always; a function that returns NULL has filled the error; recursion is
 * never deeper than LIMIT_JSON_DEPTH, checked before it descends. A string in the tree is valid
 * UTF-8 without NUL bytes, so that it can be used as a C string everywhere.
 */

#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "json/json.h"

/* The way from the root to the value being read; only looked at when a duplicate is found. */
struct frame {
	const struct frame *parent;
	struct str key;
	size_t index;
	bool in_array;
};

struct reader {
	const char *start;
	const char *p;
	const char *end;
	int depth;
	int outcome;
	struct json_duplicates *duplicates;
	struct buffer path;
	struct json_read_error *error;
};

/* Text of a string token: borrowed from the input, or from `heap` when it had escapes. */
struct token {
	struct str text;
	char *heap;
};

static json_t *read_value(struct reader *reader, const struct frame *frame);

/* Fills the error with `what` at `at`; lines and columns count from 1, columns in characters. */
static void *fail_at(struct reader *reader, const char *at, const char *what)
{
	size_t line = 1;
	size_t column = 1;

	for (const char *p = reader->start; p < at; p++) {
		if (*p == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			column++;
		}
	}
	reader->outcome = JSON_SYNTAX;
	reader->error->offset = (size_t)(at - reader->start);
	snprintf(reader->error->message, sizeof(reader->error->message),
		 "%s at line %zu, column %zu", what, line, column);
	return NULL;
}

static void *fail(struct reader *reader, const char *what)
{
	return fail_at(reader, reader->p,
		       reader->p == reader->end ? "unexpected end of JSON input" : what);
}

static void skip_space(struct reader *reader)
{
	const char *p = reader->p;

	while (p < reader->end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) {
		p++;
	}
	reader->p = p;
}

/* Takes the byte `c` if it is next. */
static bool accept(struct reader *reader, char c)
{
	if (reader->p < reader->end && *reader->p == c) {
		reader->p++;
		return true;
	}
	return false;
}

/*
 * The length of the UTF-8 sequence at `p` (RFC 3629: no overlong forms, no surrogates, nothing
 * above U+10FFFF), or 0 when there is none.
 */
static size_t utf8_length(const unsigned char *p, size_t n)
{
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	size_t length;

	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		length = 2;
	} else if ((p[0] & 0xf0) == 0xe0) {
		length = 3;
		low = p[0] == 0xe0 ? 0xa0 : low;
		high = p[0] == 0xed ? 0x9f : high;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		length = 4;
		low = p[0] == 0xf0 ? 0x90 : low;
		high = p[0] == 0xf4 ? 0x8f : high;
	} else {
		return 0;
	}
	if (n < length || p[1] < low || p[1] > high) {
		return 0;
	}
	for (size_t i = 2; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return length;
}

/* Moves over plain characters up to a quote, a backslash or the end. */
static bool skip_plain(struct reader *reader)
{
	const unsigned char *p = (const unsigned char *)reader->p;
	const unsigned char *end = (const unsigned char *)reader->end;

	while (p < end && *p != '"' && *p != '\\') {
		if (*p < 0x20) {
			reader->p = (const char *)p;
			fail(reader, "control character in a string");
			return false;
		}
		if (*p < 0x80) {
			p++;
			continue;
		}
		size_t n = utf8_length(p, (size_t)(end - p));
		if (n == 0) {
			reader->p = (const char *)p;
			fail(reader, "invalid UTF-8");
			return false;
		}
		p += n;
	}
	reader->p = (const char *)p;
	return true;
}

/* Four hexadecimal digits; returns false when they are not there. */
static bool read_hex4(struct reader *reader, uint32_t *ret)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		if (reader->p == reader->end) {
			return false;
		}
		char c = *reader->p;
		if (c >= '0' && c <= '9') {
			value = value << 4 | (uint32_t)(c - '0');
		} else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
			value = value << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		} else {
			return false;
		}
		reader->p++;
	}
	*ret = value;
	return true;
}

static char *utf8_put(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return out;
}

/* Behind "\u": one code point, of a surrogate pair where it is one. */
static char *read_unicode(struct reader *reader, char *out)
{
	uint32_t code;

	if (!read_hex4(reader, &code)) {
		return fail(reader, "expected four hexadecimal digits");
	}
	if (code == 0) {
		return fail(reader, "\\u0000 is not allowed in a string");
	}
	if (code >= 0xdc00 && code <= 0xdfff) {
		return fail(reader, "a surrogate without its partner");
	}
	if (code >= 0xd800 && code <= 0xdbff) {
		uint32_t low;
		if (!accept(reader, '\\') || !accept(reader, 'u') || !read_hex4(reader, &low) ||
		    low < 0xdc00 || low > 0xdfff) {
			return fail(reader, "a surrogate without its partner");
		}
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	return utf8_put(out, code);
}

/* Behind a backslash: appends what the escape stands for. Returns NULL after an error. */
static char *read_escape(struct reader *reader, char *out)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";

	if (accept(reader, 'u')) {
		return read_unicode(reader, out);
	}
	for (size_t i = 0; from[i] != '\0'; i++) {
		if (accept(reader, from[i])) {
			*out++ = to[i];
			return out;
		}
	}
	return fail(reader, "invalid escape in a string");
}

/* The rest of a string that has escapes; `begin` is behind its opening quote. */
static bool read_escaped(struct reader *reader, const char *begin, struct token *ret)
{
	/* No escape is shorter than what it stands for, so the raw length is enough. */
	const char *closing = reader->p;

	while (closing < reader->end && *closing != '"') {
		closing += *closing == '\\' ? 2 : 1;
	}
	if (closing >= reader->end) {
		reader->p = reader->end;
		fail(reader, "");
		return false;
	}
	char *out = ret->heap = mem_alloc((size_t)(closing - begin) + 1);
	const char *plain = begin;
	for (;;) {
		memcpy(out, plain, (size_t)(reader->p - plain));
		out += reader->p - plain;
		if (accept(reader, '"')) {
			break;
		}
		if (!accept(reader, '\\')) {
			fail(reader, "");
			return false;
		}
		out = read_escape(reader, out);
		plain = reader->p;
		if (out == NULL || !skip_plain(reader)) {
			return false;
		}
	}
	ret->text = (struct str){ .p = ret->heap, .n = (size_t)(out - ret->heap) };
	return true;
}

/* A string token; `ret->heap` is the caller's to free in either case. */
static bool read_token(struct reader *reader, struct token *ret)
{
	if (!accept(reader, '"')) {
		fail(reader, "expected a string in double quotes");
		return false;
	}
	const char *begin = reader->p;
	if (!skip_plain(reader)) {
		return false;
	}
	if (reader->p < reader->end && *reader->p == '\\') {
		return read_escaped(reader, begin, ret);
	}
	ret->text = (struct str){ .p = begin, .n = (size_t)(reader->p - begin) };
	if (!accept(reader, '"')) {
		fail(reader, "");
		return false;
	}
	return true;
}

static json_t *read_string(struct reader *reader)
{
	struct token token = { 0 };
	json_t *value = NULL;

	if (read_token(reader, &token)) {
		value = json_stringn_nocheck(token.text.p, token.text.n);
	}
	mem_free(token.heap);
	return value;
}

static bool skip_digits(struct reader *reader)
{
	const char *begin = reader->p;

	while (reader->p < reader->end && *reader->p >= '0' && *reader->p <= '9') {
		reader->p++;
	}
	if (reader->p == begin) {
		fail(reader, "expected a digit");
		return false;
	}
	return true;
}

/* Moves over a number of RFC 8259's grammar; *ret_integer when it has no fraction or exponent. */
static bool skip_number(struct reader *reader, bool *ret_integer)
{
	bool integer = true;

	accept(reader, '-');
	if (!accept(reader, '0') && !skip_digits(reader)) {
		return false;
	}
	if (accept(reader, '.')) {
		integer = false;
		if (!skip_digits(reader)) {
			return false;
		}
	}
	if (accept(reader, 'e') || accept(reader, 'E')) {
		integer = false;
		if (!accept(reader, '+')) {
			accept(reader, '-');
		}
		if (!skip_digits(reader)) {
			return false;
		}
	}
	*ret_integer = integer;
	return true;
}

/* The integer in `text`, which matches -?[0-9]+; false when it is none of int64. */
static bool to_int64(struct str text, int64_t *ret)
{
	bool negative = text.p[0] == '-';
	int64_t value = 0;

	/* Counted downwards, because the negative range is the larger one. */
	for (size_t i = negative ? 1 : 0; i < text.n; i++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, text.p[i] - '0', &value)) {
			return false;
		}
	}
	if (!negative && __builtin_sub_overflow(0, value, &value)) {
		return false;
	}
	*ret = value;
	return true;
}

static json_t *read_number(struct reader *reader)
{
	const char *begin = reader->p;
	bool integer;
	int64_t value;

	if (!skip_number(reader, &integer)) {
		return NULL;
	}
	struct str text = { .p = begin, .n = (size_t)(reader->p - begin) };
	if (integer && to_int64(text, &value)) {
		return json_integer(value);
	}
	json_t *real = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
	return real != NULL ? real : fail_at(reader, begin, "a number out of range");
}

static json_t *read_word(struct reader *reader, struct str word, json_t *value)
{
	struct str rest = { .p = reader->p, .n = (size_t)(reader->end - reader->p) };

	if (!str_starts(rest, word)) {
		return fail(reader, "expected a value");
	}
	reader->p += word.n;
	return value;
}

/* One step down; false with the outcome when that is one too many. */
static bool descend(struct reader *reader)
{
	if (reader->depth == LIMIT_JSON_DEPTH) {
		fail_at(reader, reader->p, "nested too deep");
		reader->outcome = JSON_TOO_DEEP;
		return false;
	}
	reader->depth++;
	reader->p++;
	return true;
}

static void path_append(struct buffer *path, const struct frame *frame)
{
	if (frame->parent != NULL) {
		path_append(path, frame->parent);
	}
	if (frame->in_array) {
		buffer_printf(path, "[%zu]", frame->index);
		return;
	}
	if (path->n > 0) {
		buffer_append_char(path, '.');
	}
	buffer_append_str(path, frame->key);
}

static void report_duplicate(struct reader *reader, const struct frame *frame)
{
	buffer_clear(&reader->path);
	path_append(&reader->path, frame);
	reader->duplicates->found(reader->duplicates, buffer_text(&reader->path));
}

/* `"key": value` into `object`. */
static bool read_member(struct reader *reader, const struct frame *parent, json_t *object)
{
	struct token key = { 0 };
	json_t *value = NULL;

	skip_space(reader);
	if (read_token(reader, &key)) {
		skip_space(reader);
		if (!accept(reader, ':')) {
			fail(reader, "expected ':'");
		} else {
			struct frame frame = { .parent = parent, .key = key.text };
			if (reader->duplicates != NULL &&
			    json_object_getn(object, key.text.p, key.text.n) != NULL) {
				report_duplicate(reader, &frame);
			}
			value = read_value(reader, &frame);
		}
	}
	if (value != NULL) {
		json_object_setn_new_nocheck(object, key.text.p, key.text.n, value);
	}
	mem_free(key.heap);
	return value != NULL;
}

static json_t *read_object(struct reader *reader, const struct frame *frame)
{
	if (!descend(reader)) {
		return NULL;
	}
	json_t *object = json_object();
	skip_space(reader);
	if (!accept(reader, '}')) {
		do {
			if (!read_member(reader, frame, object)) {
				json_decref(object);
				return NULL;
			}
			skip_space(reader);
		} while (accept(reader, ','));
		if (!accept(reader, '}')) {
			json_decref(object);
			return fail(reader, "expected ',' or '}'");
		}
	}
	reader->depth--;
	return object;
}

static json_t *read_array(struct reader *reader, const struct frame *parent)
{
	struct frame frame = { .parent = parent, .in_array = true };

	if (!descend(reader)) {
		return NULL;
	}
	json_t *array = json_array();
	skip_space(reader);
	if (!accept(reader, ']')) {
		do {
			json_t *value = read_value(reader, &frame);
			if (value == NULL) {
				json_decref(array);
				return NULL;
			}
			json_array_append_new(array, value);
			frame.index++;
			skip_space(reader);
		} while (accept(reader, ','));
		if (!accept(reader, ']')) {
			json_decref(array);
			return fail(reader, "expected ',' or ']'");
		}
	}
	reader->depth--;
	return array;
}

static json_t *read_value(struct reader *reader, const struct frame *frame)
{
	skip_space(reader);
	if (reader->p == reader->end) {
		return fail(reader, "");
	}
	switch (*reader->p) {
	case '{':
		return read_object(reader, frame);
	case '[':
		return read_array(reader, frame);
	case '"':
		return read_string(reader);
	case 't':
		return read_word(reader, STR("true"), json_true());
	case 'f':
		return read_word(reader, STR("false"), json_false());
	case 'n':
		return read_word(reader, STR("null"), json_null());
	case '-':
	case '0' ... '9':
		return read_number(reader);
	default:
		return fail(reader, "expected a value");
	}
}

int json_read(struct str text, struct json_duplicates *duplicates, json_t **ret,
	      struct json_read_error *ret_error)
{
	const char *start = text.n > 0 ? text.p : "";
	struct reader reader = {
		.start = start,
		.p = start,
		.end = start + text.n,
		.duplicates = duplicates,
		.path = BUFFER_INIT(LIMIT_JSON_PATH),
		.error = ret_error,
	};

	json_t *value = read_value(&reader, NULL);
	if (value != NULL) {
		skip_space(&reader);
		if (reader.p < reader.end) {
			json_decref(value);
			value = fail(&reader, "expected nothing behind the value");
		}
	}
	buffer_deinit(&reader.path);
	if (value == NULL) {
		return reader.outcome;
	}
	*ret = value;
	return 0;
}
