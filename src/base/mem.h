/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Heap memory. Sizes are bounded by their callers, so a failed allocation is a bug or a machine out
 * of memory: these functions abort instead of returning NULL.
 */

#include <stddef.h>
#include <stdlib.h>

/* `size` bytes, zeroed. */
void *mem_alloc(size_t size);

/* `count` zeroed elements of `size` bytes; aborts when the product overflows. */
void *mem_alloc_array(size_t count, size_t size);

/* Like realloc; new bytes are not cleared. */
void *mem_resize(void *old, size_t size);

void *mem_copy(const void *bytes, size_t size);

/* A NUL-terminated copy of `text`; NULL gives NULL. */
char *mem_strdup(const char *text);

/* printf into a heap string owned by the caller. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns NULL, so that `p = mem_free(p)` leaves nothing dangling. */
void *mem_free(void *p);

#define MEM_NEW(type) ((type *)mem_alloc(sizeof(type)))

/* Frees at the end of the scope; give the value away with take(). */
static inline void mem_free_pointer(void *p)
{
	free(*(void **)p);
}
#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_ _cleanup_(mem_free_pointer)

/* Makes a cleanup function for pointers of `type` from its free function. */
#define MEM_CLEANUP(type, function)                                                                \
	static inline void function##_pointer(type **p)                                            \
	{                                                                                          \
		if (*p != NULL) {                                                                  \
			function(*p);                                                              \
		}                                                                                  \
	}

/* The value of a variable, which becomes NULL: hands ownership over. */
#define take(variable)                                                                             \
	({                                                                                         \
		__typeof__(variable) taken_ = (variable);                                          \
		(variable) = NULL;                                                                 \
		taken_;                                                                            \
	})

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define container_of(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))
