/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer holds the largest message that is read whole, so a full buffer always has a message in
 * it, unless there is nothing but bytes to skip, which leave at once.
 */
#include "dns/frames.h"

#include <string.h>

#include "dns/wire.h"

static void skip(struct frames *frames)
{
	size_t left = frames->n - frames->at;
	size_t n = frames->skip < left ? frames->skip : left;

	frames->at += n;
	frames->skip -= (uint32_t)n;
}

uint8_t *frames_room(struct frames *frames, size_t *ret_n)
{
	frames->n -= frames->at;
	memmove(frames->bytes, frames->bytes + frames->at, frames->n);
	frames->at = 0;
	*ret_n = sizeof(frames->bytes) - frames->n;
	return frames->bytes + frames->n;
}

void frames_add(struct frames *frames, size_t n)
{
	frames->n += n;
	skip(frames);
}

bool frames_next(struct frames *frames, const uint8_t **ret_message, size_t *ret_n)
{
	size_t left = frames->n - frames->at;
	size_t n = left >= FRAME_LENGTH ? get_u16(frames->bytes + frames->at) : 0;
	size_t given = n <= LIMIT_DNS_TCP_QUERY ? n : DNS_HEADER;

	if (left < FRAME_LENGTH + given || left < FRAME_LENGTH) {
		return false;
	}
	*ret_message = frames->bytes + frames->at + FRAME_LENGTH;
	*ret_n = given;
	frames->at += FRAME_LENGTH + given;
	frames->skip = (uint32_t)(n - given);
	skip(frames);
	return true;
}

bool frames_begun(const struct frames *frames)
{
	return frames->skip != 0 || frames->n != frames->at;
}

void frames_clear(struct frames *frames)
{
	frames->n = frames->at = 0;
	frames->skip = 0;
}
