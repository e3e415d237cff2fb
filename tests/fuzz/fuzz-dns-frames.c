/* SPDX-License-Identifier: Apache-2.0 */
/*
 * However bytes come in (the first says how large the pieces are), the messages are those that a
 * look at all of them at once finds.
 */
#include <assert.h>
#include <string.h>

#include "dns/frames.h"
#include "dns/wire.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece = size != 0 ? data[0] + 1U : 1, at = 1, fed = 1, room, n;
	struct frames frames = { .n = 0 };
	const uint8_t *message;

	while (fed < size) {
		uint8_t *to = frames_room(&frames, &room);

		n = piece < room ? piece : room;
		n = n < size - fed ? n : size - fed;
		assert(n > 0);
		memcpy(to, data + fed, n);
		frames_add(&frames, n);
		for (fed += n; frames_next(&frames, &message, &n); at += 2U + get_u16(data + at)) {
			size_t whole = get_u16(data + at);

			assert(n == (whole > LIMIT_DNS_TCP_QUERY ? DNS_HEADER : whole));
			assert(at + 2 + n <= fed && memcmp(message, data + at + 2, n) == 0);
		}
		assert(frames_begun(&frames) == (at != fed));
	}
	return 0;
}
