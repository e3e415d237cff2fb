/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text is split into two: what stands between the brackets of the member "items" of the
 * outermost object, and the rest, which goes to `head` and is a small JSON object in the end
 * ("items":[] in it). Splitting needs strings, escapes and the depth of brackets, no more; brackets
 * of the wrong shape are found when the pieces are parsed.
 *
 * depth 0: outside, 1: in the list object, 2: in "items" (in_items), 3: in an item (in_item).
 */
#include "client/list_scan.h"

#include <string.h>

#include "base/limits.h"

void list_scan_init(struct list_scan *scan, bool (*item)(void *userdata, struct str text),
		    void *userdata)
{
	*scan = (struct list_scan){ .item = item, .userdata = userdata };
	buffer_init(&scan->head, LIMIT_REMOTE_HEAD);
	buffer_init(&scan->text, LIMIT_OBJECT);
}

void list_scan_deinit(struct list_scan *scan)
{
	buffer_deinit(&scan->head);
	buffer_deinit(&scan->text);
}

/* How many bytes from `bytes` on are plain: they change nothing but what is collected. */
static size_t plain(const struct list_scan *scan, struct str bytes)
{
	static const char in_string[] = "\"\\";
	static const char outside[] = "\"{}[],:";
	size_t n = 0;

	if (scan->escaped || scan->in_key) {
		return 0;
	}
	if (scan->in_string) {
		while (n < bytes.n && memchr(in_string, bytes.p[n], 2) == NULL) {
			n++;
		}
		return n;
	}
	while (n < bytes.n && memchr(outside, bytes.p[n], sizeof(outside) - 1) == NULL) {
		n++;
	}
	return n;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool all_space(struct str bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		if (!is_space(bytes.p[i])) {
			return false;
		}
	}
	return true;
}

/* Bytes go where the place says; false when they may not stand there. */
static bool collect(struct list_scan *scan, struct str bytes)
{
	if (scan->in_item) {
		buffer_append_str(&scan->text, bytes);
		return true;
	}
	if (scan->in_items || scan->ended) {
		return all_space(bytes);
	}
	buffer_append_str(&scan->head, bytes);
	return true;
}

static void string_byte(struct list_scan *scan, char c)
{
	if (scan->in_key && (c != '"' || scan->escaped)) {
		if (scan->key_n < sizeof(scan->key)) {
			scan->key[scan->key_n] = c;
		}
		scan->key_n++;
	}
	if (scan->escaped) {
		scan->escaped = false;
	} else if (c == '\\') {
		scan->escaped = true;
	} else if (c == '"') {
		scan->in_string = false;
		scan->in_key = false;
	}
}

static bool key_is_items(const struct list_scan *scan)
{
	return scan->key_n == 5 && memcmp(scan->key, "items", 5) == 0;
}

/* An opening bracket, before it is collected. */
static int open_bracket(struct list_scan *scan, char c)
{
	scan->depth++;
	if (scan->depth == 1) {
		scan->is_key = true;
		return c == '{' && !scan->ended ? 0 : LIST_SCAN_SYNTAX;
	}
	if (scan->in_items && !scan->in_item) {
		if (c != '{') {
			return LIST_SCAN_SYNTAX;
		}
		scan->in_item = true;
		buffer_clear(&scan->text);
	} else if (scan->depth == 2 && c == '[' && key_is_items(scan)) {
		buffer_append_char(&scan->head, c);
		scan->in_items = true;
		return 0;
	}
	return collect(scan, (struct str){ .p = &c, .n = 1 }) ? 0 : LIST_SCAN_SYNTAX;
}

static int close_bracket(struct list_scan *scan, char c)
{
	if (scan->depth == 0) {
		return LIST_SCAN_SYNTAX;
	}
	scan->depth--;
	if (scan->in_items && scan->depth == 1) {
		scan->in_items = false;
	}
	collect(scan, (struct str){ .p = &c, .n = 1 });
	if (scan->depth == 0) {
		scan->ended = true;
	}
	if (!scan->in_item || scan->depth != 2) {
		return 0;
	}
	scan->in_item = false;
	scan->n_items++;
	if (scan->text.overflowed) {
		return LIST_SCAN_LIMIT;
	}
	return scan->item(scan->userdata, buffer_str(&scan->text)) ? 0 : LIST_SCAN_STOPPED;
}

/* A byte outside of strings that means something. */
static int structural(struct list_scan *scan, char c)
{
	const struct str byte = { .p = &c, .n = 1 };

	switch (c) {
	case '{':
	case '[': {
		int result = open_bracket(scan, c);

		/* The outermost brace belongs to the head; nothing was collected for it yet. */
		if (result == 0 && scan->depth == 1) {
			buffer_append_char(&scan->head, c);
		}
		return result;
	}
	case '}':
	case ']':
		return close_bracket(scan, c);
	case '"':
		scan->in_string = true;
		scan->in_key = scan->depth == 1 && scan->is_key;
		scan->key_n = scan->in_key ? 0 : scan->key_n;
		break;
	case ',':
		scan->is_key = scan->depth == 1 ? true : scan->is_key;
		/* Commas between items separate what is handed over. */
		if (scan->in_items && !scan->in_item) {
			return 0;
		}
		break;
	default: /* ':' */
		scan->is_key = scan->depth == 1 ? false : scan->is_key;
		break;
	}
	return scan->depth != 0 && collect(scan, byte) ? 0 : LIST_SCAN_SYNTAX;
}

int list_scan_feed(struct list_scan *scan, struct str bytes)
{
	int result = 0;

	while (bytes.n != 0 && result == 0) {
		size_t n = plain(scan, bytes);

		if (n != 0) {
			struct str run = { .p = bytes.p, .n = n };

			if (scan->depth == 0 ? !all_space(run) : !collect(scan, run)) {
				return LIST_SCAN_SYNTAX;
			}
		} else {
			char c = bytes.p[0];

			n = 1;
			if (scan->in_string) {
				string_byte(scan, c);
				collect(scan, (struct str){ .p = &c, .n = 1 });
			} else {
				result = structural(scan, c);
			}
		}
		bytes = str_skip(bytes, n);
		if (scan->head.overflowed || scan->text.overflowed) {
			return LIST_SCAN_LIMIT;
		}
	}
	return result;
}

bool list_scan_head(const struct list_scan *scan, struct str *ret)
{
	if (!scan->ended) {
		return false;
	}
	*ret = buffer_str(&scan->head);
	return true;
}
