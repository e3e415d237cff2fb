/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tree to text, straight into the buffer. Compact, keys in their order, UTF-8 as it is; only what
 * RFC 8259 section 7 demands is escaped. Trees come from json_read() or from our own code, so they
 * are no deeper than a few times LIMIT_JSON_DEPTH.
 */

#include <stdio.h>
#include <stdlib.h>

#include "json/json.h"

static void write_escape(unsigned char c, struct buffer *out)
{
	switch (c) {
	case '"':
		buffer_append(out, "\\\"", 2);
		break;
	case '\\':
		buffer_append(out, "\\\\", 2);
		break;
	case '\n':
		buffer_append(out, "\\n", 2);
		break;
	case '\r':
		buffer_append(out, "\\r", 2);
		break;
	case '\t':
		buffer_append(out, "\\t", 2);
		break;
	default:
		buffer_printf(out, "\\u%04x", c);
	}
}

void json_write_string(struct str text, struct buffer *out)
{
	size_t plain = 0;

	buffer_append_char(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c < 0x20 || c == '"' || c == '\\') {
			buffer_append(out, text.p + plain, i - plain);
			write_escape(c, out);
			plain = i + 1;
		}
	}
	buffer_append(out, text.p + plain, text.n - plain);
	buffer_append_char(out, '"');
}

static void write_integer(json_int_t value, struct buffer *out)
{
	char digits[24];
	char *p = digits + sizeof(digits);
	unsigned long long rest = (unsigned long long)value;

	if (value < 0) {
		rest = 0 - rest;
	}
	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0) {
		*--p = '-';
	}
	buffer_append(out, p, (size_t)(digits + sizeof(digits) - p));
}

/* The shortest digits that read back as the same double, and still as a double. */
static void write_real(double value, struct buffer *out)
{
	char text[40];

	for (int precision = 15; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*g", precision, value);
		if (strtod(text, NULL) == value) {
			break;
		}
	}
	buffer_append_text(out, text);
	if (strpbrk(text, ".e") == NULL) {
		buffer_append_text(out, ".0");
	}
}

static void write_object(const json_t *object, struct buffer *out)
{
	json_t *walk = (json_t *)object;
	char before = '{';

	if (json_object_size(object) == 0) {
		buffer_append(out, "{}", 2);
		return;
	}
	for (void *i = json_object_iter(walk); i != NULL; i = json_object_iter_next(walk, i)) {
		buffer_append_char(out, before);
		before = ',';
		json_write_string((struct str){ .p = json_object_iter_key(i),
						.n = json_object_iter_key_len(i) },
				  out);
		buffer_append_char(out, ':');
		json_write(json_object_iter_value(i), out);
	}
	buffer_append_char(out, '}');
}

static void write_array(const json_t *array, struct buffer *out)
{
	size_t n = json_array_size(array);

	buffer_append_char(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0) {
			buffer_append_char(out, ',');
		}
		json_write(json_array_get(array, i), out);
	}
	buffer_append_char(out, ']');
}

void json_write(const json_t *value, struct buffer *out)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		write_object(value, out);
		break;
	case JSON_ARRAY:
		write_array(value, out);
		break;
	case JSON_STRING:
		json_write_string((struct str){ .p = json_string_value(value),
						.n = json_string_length(value) },
				  out);
		break;
	case JSON_INTEGER:
		write_integer(json_integer_value(value), out);
		break;
	case JSON_REAL:
		write_real(json_real_value(value), out);
		break;
	case JSON_TRUE:
		buffer_append(out, "true", 4);
		break;
	case JSON_FALSE:
		buffer_append(out, "false", 5);
		break;
	case JSON_NULL:
		buffer_append(out, "null", 4);
		break;
	}
}
