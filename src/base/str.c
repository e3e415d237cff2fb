/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <strings.h>

#include "base/mem.h"

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n != 0 ? memcmp(a.p, b.p, n) : 0;

	if (order != 0) {
		return order;
	}
	return a.n < b.n ? -1 : a.n > b.n;
}

/* Not strncasecmp: that follows the locale, names follow RFC 4343. */
static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n) {
		return false;
	}
	for (size_t i = 0; i < a.n; i++) {
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i])) {
			return false;
		}
	}
	return true;
}

struct str str_cut(struct str *rest, char separator)
{
	struct str head = *rest;
	const char *found = rest->n != 0 ? memchr(rest->p, separator, rest->n) : NULL;

	if (found == NULL) {
		*rest = STR_NONE;
		return head;
	}
	head.n = (size_t)(found - head.p);
	*rest = str_skip(*rest, head.n + 1);
	return head;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.n != 0 && is_blank(s.p[0])) {
		s = str_skip(s, 1);
	}
	while (s.n != 0 && is_blank(s.p[s.n - 1])) {
		s.n--;
	}
	return s;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (s.n == 0) {
		return false;
	}
	for (size_t i = 0; i < s.n; i++) {
		uint64_t digit = (uint64_t)(unsigned char)s.p[i] - '0';

		if (digit > 9 || value > (max - digit) / 10 || digit > max) {
			return false;
		}
		value = value * 10 + digit;
	}
	*ret = value;
	return true;
}

char *str_dup(struct str s)
{
	char *copy = mem_alloc(s.n + 1);

	if (s.n != 0) {
		memcpy(copy, s.p, s.n);
	}
	return copy;
}
