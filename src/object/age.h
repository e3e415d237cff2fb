/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Spans of time for people, as kubectl prints them: two digits of precision that shrink with the
 * span ("12s", "5m30s", "7h", "3d4h", "2y45d"). Pure; any thread.
 */

#include <stdint.h>

#include "base/buffer.h"

/* Appends `seconds` as text; what lies more than a second in the future is "<invalid>". */
void age_write(int64_t seconds, struct buffer *out);

/*
 * Appends the time from `timestamp` (RFC 3339, any fraction) to `now` (Unix seconds); "<unknown>"
 * for a timestamp that is NULL, empty or malformed.
 */
void age_write_since(const char *timestamp, int64_t now, struct buffer *out);
