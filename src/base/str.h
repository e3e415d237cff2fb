/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Borrowed text: a pointer and a length in bytes, not NUL-terminated, never owned.
 * Whoever keeps a `struct str` keeps alive what it points into.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ .p = (literal), .n = sizeof(literal) - 1 })
#define STR_NONE ((struct str){ .p = NULL, .n = 0 })
/* For printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).n, (s).p != NULL ? (s).p : ""

/* The text of a NUL-terminated string; NULL gives the empty text. */
static inline struct str str_from(const char *text)
{
	return (struct str){ .p = text, .n = text != NULL ? strlen(text) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *text)
{
	return str_eq(a, str_from(text));
}

static inline bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* `s` without its first `n` bytes (all of it when it is shorter). */
static inline struct str str_skip(struct str s, size_t n)
{
	n = n < s.n ? n : s.n;
	/* The empty text may have no place at all. */
	return (struct str){ .p = n != 0 ? s.p + n : s.p, .n = s.n - n };
}

/* Byte order, like memcmp; a prefix sorts first. */
int str_cmp(struct str a, struct str b);

/* Equal but for the case of ASCII letters (RFC 4343). */
bool str_eq_nocase(struct str a, struct str b);

/*
 * Cuts `*rest` at the first `separator`: returns what stands before it and leaves what stands
 * after. Without a separator it returns everything and leaves STR_NONE (p == NULL), so a loop can
 * end on `rest.p != NULL`.
 */
struct str str_cut(struct str *rest, char separator);

/* `s` without leading and trailing spaces and tabs. */
struct str str_trim(struct str s);

/* Parses all of `s` as an unsigned decimal ≤ max. Returns false (ret untouched) otherwise. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret);

/* A NUL-terminated heap copy, owned by the caller (free with mem_free or _cleanup_free_). */
char *str_dup(struct str s);
