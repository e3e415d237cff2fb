/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a server sends, messages lie within it and a status message is clean text. */

#include <assert.h>

#include "base/limits.h"
#include "fuzz.h"
#include "rpc/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { .p = (const char *)data, .n = size };
	struct frame_status status;
	struct str message;

	frame_status_init(&status);
	for (struct str lines = rest; lines.p != NULL;) {
		frame_status_line(&status, str_cut(&lines, '\n'));
	}
	assert(status.code >= -1);
	for (size_t i = 0; i < status.message.n; i++) {
		assert((unsigned char)status.message.p[i] >= ' ');
	}
	frame_status_deinit(&status);
	while (frame_next(&rest, &message) == FRAME_WHOLE) {
		assert(message.p >= (const char *)data && message.p + message.n == rest.p);
		assert(message.n <= LIMIT_GRPC_MESSAGE);
	}
	return 0;
}
