/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A growing byte buffer that is born with its maximum. Once something did not fit the buffer is
 * `overflowed`: it stays as it was, and every later append is refused, so a caller may append at
 * will and check once at the end.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buffer {
	char *p;
	size_t n; /* bytes used */
	size_t size; /* bytes allocated */
	size_t max;
	bool overflowed;
};

#define BUFFER_INIT(maximum)                                                                       \
	{                                                                                          \
		.max = (maximum)                                                                   \
	}

void buffer_init(struct buffer *buffer, size_t max);

/* Frees the bytes; the buffer is empty afterwards and keeps its maximum. */
void buffer_deinit(struct buffer *buffer);

/* Forgets the bytes, keeps the memory. */
void buffer_clear(struct buffer *buffer);

void buffer_append(struct buffer *buffer, const void *bytes, size_t n);
void buffer_append_str(struct buffer *buffer, struct str s);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

/* Drops the first `n` bytes (n ≤ buffer->n). */
void buffer_consume(struct buffer *buffer, size_t n);

/* The bytes so far; valid until the next change. */
static inline struct str buffer_str(const struct buffer *buffer)
{
	return (struct str){ .p = buffer->p, .n = buffer->n };
}

/* NUL-terminates (the NUL is not counted) and returns the text; "" when empty. */
const char *buffer_text(struct buffer *buffer);

/* Hands the bytes over, NUL-terminated, to be freed with mem_free; the buffer is empty again. */
char *buffer_take(struct buffer *buffer, size_t *ret_n);

#define _cleanup_buffer_ __attribute__((cleanup(buffer_deinit)))
