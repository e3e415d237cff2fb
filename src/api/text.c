/* SPDX-License-Identifier: Apache-2.0 */
#include "api/text.h"

#include <string.h>

static const struct str opening = { .p = "\"metadata\":", .n = sizeof("\"metadata\":") - 1 };
static const struct str revision_opening = {
	.p = "\"metadata\":{\"resourceVersion\":\"",
	.n = sizeof("\"metadata\":{\"resourceVersion\":\"") - 1,
};

static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++) {
		p += *p == '\\';
	}
	return p + 1;
}

/* The place behind the value that begins at `p`. */
static const char *skip_value(const char *p, const char *end)
{
	int depth = 0;

	while (p < end) {
		if (*p == '"') {
			p = skip_string(p, end);
		} else if (*p == '{' || *p == '[') {
			depth++;
			p++;
		} else if (*p == '}' || *p == ']') {
			depth--;
			p++;
		} else if (depth == 0 && *p == ',') {
			return p;
		} else {
			p++;
			continue;
		}
		if (depth == 0) {
			return p;
		}
	}
	return end;
}

struct str text_metadata(struct str text)
{
	const char *found = memmem(text.p, text.n, opening.p, opening.n);
	const char *end = text.p + text.n;

	if (found == NULL) {
		return STR_NONE;
	}
	const char *start = found + opening.n;
	return (struct str){ .p = start, .n = (size_t)(skip_value(start, end) - start) };
}

struct str text_labels(struct str text)
{
	struct str meta = text_metadata(text);
	const char *end = meta.p + meta.n;

	/* Member by member: a label's value may itself look like a key. */
	for (const char *p = meta.p + 1; p < end && *p == '"';) {
		const char *key_end = skip_string(p, end);
		const char *value = key_end + 1;
		const char *value_end = skip_value(value, end);
		struct str key = { .p = p, .n = (size_t)(key_end - p) };
		if (str_is(key, "\"labels\"")) {
			return (struct str){ .p = value, .n = (size_t)(value_end - value) };
		}
		p = value_end + 1;
	}
	return STR_NONE;
}

void text_with_revision(struct str text, uint64_t revision, struct buffer *out)
{
	const char *found = memmem(text.p, text.n, revision_opening.p, revision_opening.n);

	if (found == NULL) {
		buffer_append_str(out, text);
		return;
	}
	const char *number = found + revision_opening.n;
	size_t head = (size_t)(number - text.p);
	struct str tail = str_skip(text, head);

	buffer_append(out, text.p, head);
	buffer_printf(out, "%llu", (unsigned long long)revision);
	while (tail.n != 0 && *tail.p != '"') {
		tail = str_skip(tail, 1);
	}
	buffer_append_str(out, tail);
}
