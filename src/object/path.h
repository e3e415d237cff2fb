/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The path of the value at hand while a tree is walked: "spec.ports[0].name", "data[my.cnf]". Every
 * push returns what path_pop() takes to get back to where it was.
 */

#include <stddef.h>

#include "base/buffer.h"

static inline size_t path_push(struct buffer *path, const char *key)
{
	size_t before = path->n;

	if (before > 0) {
		buffer_append_char(path, '.');
	}
	buffer_append_text(path, key);
	return before;
}

static inline size_t path_push_index(struct buffer *path, size_t index)
{
	size_t before = path->n;

	buffer_printf(path, "[%zu]", index);
	return before;
}

static inline size_t path_push_map_key(struct buffer *path, const char *key)
{
	size_t before = path->n;

	buffer_append_char(path, '[');
	buffer_append_text(path, key);
	buffer_append_char(path, ']');
	return before;
}

static inline void path_pop(struct buffer *path, size_t before)
{
	path->n = before;
	path->overflowed = false;
}
