/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *checked(void *p)
{
	if (p == NULL) {
		static const char message[] = "fatal: out of memory\n";
		fwrite(message, 1, sizeof(message) - 1, stderr);
		abort();
	}
	return p;
}

void *mem_alloc(size_t size)
{
	return checked(calloc(1, size != 0 ? size : 1));
}

void *mem_alloc_array(size_t count, size_t size)
{
	return checked(calloc(count != 0 ? count : 1, size != 0 ? size : 1));
}

void *mem_resize(void *old, size_t size)
{
	return checked(realloc(old, size != 0 ? size : 1));
}

void *mem_copy(const void *bytes, size_t size)
{
	void *copy = checked(malloc(size != 0 ? size : 1));

	if (size != 0) {
		memcpy(copy, bytes, size);
	}
	return copy;
}

char *mem_strdup(const char *text)
{
	return text != NULL ? mem_copy(text, strlen(text) + 1) : NULL;
}

char *mem_printf(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0) {
		text = NULL;
	}
	va_end(arguments);
	return checked(text);
}

void *mem_free(void *p)
{
	free(p);
	return NULL;
}
