/* SPDX-License-Identifier: Apache-2.0 */
/* What a client sends through a WebSocket into channels; the server behind it only listens. */
#include "base/mem.h"
#include "fuzz.h"
#include "http/channels.h"
#include "http/tunnel.h"
#include "loop/loop.h"
#include "memory_tunnel.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct loop *loop;
	struct memory_tunnel client = { .left = { .p = (const char *)bytes + 1, .n = n - 1 } };
	struct memory_tunnel server = { .left = STR_NONE };
	struct channel one = { .number = 0, .headers = { { "streamType", "stdin" } }, .input = 1 };

	if (n == 0 || (loop == NULL && loop_new(&loop) < 0)) {
		return 0;
	}
	channels_free(memory_tunnels_run(loop, &client, &server,
					 &(struct channels_config){ .channels = &one,
								    .n_channels = 1,
								    .text = bytes[0] & 1,
								    .closes = bytes[0] & 2 }));
	return 0;
}
