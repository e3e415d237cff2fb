/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an answer and its body, framed as the head says. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "fuzz.h"
#include "http/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str input = { .p = (const char *)bytes, .n = n };
	struct http_head head;
	struct http_body body;
	struct arena arena;
	size_t used = 0;

	arena_init(&arena, LIMIT_HTTP_HEAD * 16);
	if (http_head_parse(input, &arena, &head, &used) == 0 &&
	    http_body_init(&body, &head, /* is_head_request= */ false)) {
		char *rest = mem_copy(bytes + used, n - used);
		int64_t got = http_body_decode(&body, rest, n - used);

		if (got > (int64_t)(n - used)) {
			abort();
		}
		mem_free(rest);
	}
	arena_deinit(&arena);
	return 0;
}
