/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An arena: memory that lives as long as one request and is freed in one stroke. One thread.
 */

#include <stddef.h>

#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used; /* bytes handed out, against max */
	size_t max;
};

void arena_init(struct arena *arena, size_t max);
void arena_deinit(struct arena *arena);

/* `size` zeroed bytes, 16-byte aligned; aborts beyond the maximum (callers bound their sizes). */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy, NUL-terminated beyond its length. */
struct str arena_str(struct arena *arena, struct str s);

/* printf; NUL-terminated. */
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
