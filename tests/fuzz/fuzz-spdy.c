/* SPDX-License-Identifier: Apache-2.0 */
/* SPDY frames from the other end; what we answer stays within bounds. */
#include <stdlib.h>

#include "base/limits.h"
#include "fuzz.h"
#include "http/spdy.h"

static void opened(void *userdata, uint32_t stream, const struct http_pair *headers, size_t n)
{
	if (n > LIMIT_HTTP_HEADERS) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct spdy_ops ops = { .opened = opened };
	struct buffer out = BUFFER_INIT(LIMIT_BODY);
	struct spdy *spdy = spdy_new(/* is_client= */ false, &out, &ops, NULL);
	struct str all = { .p = (const char *)bytes, .n = n };

	(void)spdy_feed(spdy, (struct str){ .p = all.p, .n = n / 2 });
	(void)spdy_feed(spdy, str_skip(all, n / 2));
	spdy_free(spdy);
	buffer_deinit(&out);
	return 0;
}
