/* SPDX-License-Identifier: Apache-2.0 */
/*
 * $(NAME) in commands, arguments and variables. Pure.
 */
#include <string.h>

#include "node/pod_config_intern.h"

void pod_expand(struct str text, pod_lookup_fn lookup, void *userdata, struct buffer *out)
{
	while (text.n != 0) {
		const char *dollar = memchr(text.p, '$', text.n);
		size_t plain = dollar != NULL ? (size_t)(dollar - text.p) : text.n;

		buffer_append(out, text.p, plain);
		text = str_skip(text, plain);
		if (text.n < 2) {
			break;
		}
		const char *end = text.p[1] == '(' ? memchr(text.p, ')', text.n) : NULL;

		if (end == NULL) {
			/* "$$" is one dollar; any other sign behind it means nothing. */
			buffer_append(out, text.p, text.p[1] == '$' ? 1 : 2);
			text = str_skip(text, 2);
			continue;
		}
		struct str whole = { .p = text.p, .n = (size_t)(end - text.p) + 1 };
		struct str value =
			lookup(userdata, (struct str){ .p = whole.p + 2, .n = whole.n - 3 });

		buffer_append_str(out, value.p != NULL ? value : whole);
		text = str_skip(text, whole.n);
	}
	buffer_append_str(out, text);
}
