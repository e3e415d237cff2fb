/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <stdio.h>

#include "base/mem.h"

enum { FIRST_SIZE = 128 };

void buffer_init(struct buffer *buffer, size_t max)
{
	*buffer = (struct buffer)BUFFER_INIT(max);
}

void buffer_deinit(struct buffer *buffer)
{
	free(buffer->p);
	buffer_init(buffer, buffer->max);
}

void buffer_clear(struct buffer *buffer)
{
	buffer->n = 0;
	buffer->overflowed = false;
}

/* Makes room for `n` more bytes and a NUL. */
static bool reserve(struct buffer *buffer, size_t n)
{
	if (buffer->overflowed || n > buffer->max - buffer->n) {
		buffer->overflowed = true;
		return false;
	}
	if (buffer->n + n + 1 > buffer->size) {
		size_t size = buffer->size != 0 ? buffer->size : FIRST_SIZE;

		while (size < buffer->n + n + 1) {
			size *= 2;
		}
		buffer->p = mem_resize(buffer->p, size);
		buffer->size = size;
	}
	return true;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t n)
{
	if (n != 0 && reserve(buffer, n)) {
		memcpy(buffer->p + buffer->n, bytes, n);
		buffer->n += n;
	}
}

void buffer_append_str(struct buffer *buffer, struct str s)
{
	buffer_append(buffer, s.p, s.n);
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
	buffer_append(buffer, text, strlen(text));
}

void buffer_append_char(struct buffer *buffer, char c)
{
	buffer_append(buffer, &c, 1);
}

void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments)
{
	va_list again;
	int n;

	va_copy(again, arguments);
	n = vsnprintf(NULL, 0, format, arguments);
	if (n >= 0 && reserve(buffer, (size_t)n)) {
		vsnprintf(buffer->p + buffer->n, (size_t)n + 1, format, again);
		buffer->n += (size_t)n;
	}
	va_end(again);
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	buffer_vprintf(buffer, format, arguments);
	va_end(arguments);
}

void buffer_consume(struct buffer *buffer, size_t n)
{
	if (n >= buffer->n) {
		buffer->n = 0;
	} else if (n != 0) {
		memmove(buffer->p, buffer->p + n, buffer->n - n);
		buffer->n -= n;
	}
}

const char *buffer_text(struct buffer *buffer)
{
	if (buffer->p == NULL) {
		return "";
	}
	buffer->p[buffer->n] = '\0';
	return buffer->p;
}

char *buffer_take(struct buffer *buffer, size_t *ret_n)
{
	char *bytes = buffer->p != NULL ? buffer->p : mem_alloc(1);

	bytes[buffer->n] = '\0';
	if (ret_n != NULL) {
		*ret_n = buffer->n;
	}
	buffer_init(buffer, buffer->max);
	return bytes;
}
