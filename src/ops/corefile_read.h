/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The text of a Corefile as lines of words, some with a block of further lines behind them. What
 * the words mean is ops/corefile.h's business. Comments are gone, quotes and {$VARIABLES} resolved.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

/* Lives in the arena, as its words do. */
struct corefile_line {
	struct corefile_line *next;
	size_t number; /* in the text, from 1 */
	const char **words;
	size_t n; /* ≥ 1 */
	bool has_block;
	struct corefile_line *block;
};

enum { COREFILE_SYNTAX = 1, COREFILE_MESSAGE = 512 };

/*
 * `name` is the file's, for messages; `arena` holds at least LIMIT_COREFILE_ARENA. Returns 0 (*ret
 * NULL: nothing in it), or COREFILE_SYNTAX with "NAME:LINE: what" in `ret_message`.
 */
int corefile_read(const char *name, struct str text, struct arena *arena,
		  struct corefile_line **ret, char ret_message[COREFILE_MESSAGE]);
