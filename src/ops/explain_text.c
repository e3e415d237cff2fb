/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words: texts in the arena, steps, enumerations, and what somebody may have meant. Texts may quote
 * what objects say (a pod's message, for example), so nothing in them may move a terminal's cursor.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ops/explain_intern.h"
#include "json/json.h"

/* Arguments and cut texts may be no UTF-8, which JSON needs. */
static bool is_utf8(const char *text, size_t n)
{
	_cleanup_json_ json_t *string = json_stringn(text, n);

	return string != NULL;
}

static const char *keep(struct explain *x, struct str s)
{
	char *text;
	bool plain;

	s.n = s.n < LIMIT_EXPLAIN_TEXT ? s.n : LIMIT_EXPLAIN_TEXT;
	plain = !is_utf8(s.p != NULL ? s.p : "", s.n);
	text = (char *)(uintptr_t)arena_str(&x->out->arena, s).p;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)text[i];
		/* U+0080 to U+009F: what terminals take for ESC and a letter. */
		bool c1 = c == 0xc2 && (unsigned char)text[i + 1] < 0xa0;

		if (c < ' ' || c == 0x7f || c1) {
			text[i] = ' ';
			text[i + 1] = c1 ? ' ' : text[i + 1];
		} else if (plain && c >= 0x80) {
			text[i] = '?';
		}
	}
	return text;
}

const char *explain_say(struct explain *x, const char *format, ...)
{
	char text[LIMIT_EXPLAIN_TEXT];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return keep(x, str_from(text));
}

/* ---- steps ---- */

static void add_step(struct explain *x, struct explain_step step)
{
	struct explanation *out = x->out;

	assert(out->n_steps < LIMIT_EXPLAIN_STEPS);
	out->steps[out->n_steps++] = step;
}

void explain_ok(struct explain *x, const char *title, const char *text)
{
	add_step(x, (struct explain_step){ .title = title, .state = EXPLAIN_OK, .text = text });
}

void explain_info(struct explain *x, const char *title, const char *text, const char *advice,
		  const char *command)
{
	add_step(x, (struct explain_step){ .title = title,
					   .state = EXPLAIN_INFO,
					   .text = text,
					   .advice = advice,
					   .command = command });
}

bool explain_broken(struct explain *x, const char *title, const char *text, const char *advice,
		    const char *command)
{
	add_step(x, (struct explain_step){ .title = title,
					   .state = x->resolves ? EXPLAIN_INFO : EXPLAIN_BROKEN,
					   .text = text,
					   .advice = advice,
					   .command = command });
	return x->resolves;
}

/* ---- enumerations ---- */

void enumeration_add(struct enumeration *all, struct str item)
{
	if (all->n < all->max) {
		buffer_append_text(&all->text, all->n != 0 ? ", " : "");
		buffer_append_str(&all->text, item);
	}
	all->n++;
}

const char *enumeration_end(struct explain *x, struct enumeration *all)
{
	const char *text = all->n == 0 ? "none" : keep(x, buffer_str(&all->text));

	if (all->n > all->max) {
		text = explain_say(x, "%s and %zu more", text, all->n - all->max);
	}
	buffer_deinit(&all->text);
	return text;
}

/* ---- what was meant ---- */

enum { EDIT_MAX = 64 };

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment, three rows at a time. */
unsigned edit_distance(struct str a, struct str b)
{
	uint8_t rows[3][EDIT_MAX + 1];
	size_t n = b.n < EDIT_MAX ? b.n : EDIT_MAX;

	a.n = a.n < EDIT_MAX ? a.n : EDIT_MAX;
	for (size_t j = 0; j <= n; j++) {
		rows[0][j] = (uint8_t)j;
	}
	for (size_t i = 1; i <= a.n; i++) {
		uint8_t *row = rows[i % 3];
		const uint8_t *above = rows[(i + 2) % 3];
		const uint8_t *above_that = rows[(i + 1) % 3];

		row[0] = (uint8_t)i;
		for (size_t j = 1; j <= n; j++) {
			bool swapped = i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
				       a.p[i - 2] == b.p[j - 1];
			unsigned cost = least(above[j] + 1U, row[j - 1] + 1U);

			cost = least(cost, above[j - 1] + (a.p[i - 1] != b.p[j - 1]));
			row[j] = (uint8_t)(swapped ? least(cost, above_that[j - 2] + 1U) : cost);
		}
	}
	return rows[a.n % 3][n];
}

static bool contains(struct str text, struct str part)
{
	return part.n >= 3 && memmem(text.p, text.n, part.p, part.n) != NULL;
}

void nearest_offer(struct nearest *nearest, struct str candidate)
{
	struct str wanted = nearest->wanted;
	unsigned distance = edit_distance(wanted, candidate);
	unsigned bound = (unsigned)wanted.n / 3;
	size_t at;

	if (candidate.n > LIMIT_DNS_NAME) {
		return;
	}
	/* A slip of the finger; or half of the name ("nginx" for "nginx-headless"). */
	if (distance > (bound > 1 ? bound : 1)) {
		if (!contains(candidate, wanted) && !contains(wanted, candidate)) {
			return;
		}
		distance += EDIT_MAX;
	}
	for (at = nearest->n; at > 0 && nearest->distance[at - 1] > distance; at--) {
		if (at < LIMIT_EXPLAIN_CLOSEST) {
			memcpy(nearest->best[at], nearest->best[at - 1], sizeof(nearest->best[0]));
			nearest->distance[at] = nearest->distance[at - 1];
		}
	}
	if (at < LIMIT_EXPLAIN_CLOSEST) {
		memcpy(nearest->best[at], candidate.p, candidate.n);
		nearest->best[at][candidate.n] = '\0';
		nearest->distance[at] = distance;
		nearest->n += nearest->n < LIMIT_EXPLAIN_CLOSEST;
	}
}

bool explain_is_label(struct str s)
{
	if (s.n == 0 || s.n > LIMIT_DNS_LABEL || s.p[0] == '-' || s.p[s.n - 1] == '-') {
		return false;
	}
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
			return false;
		}
	}
	return true;
}
