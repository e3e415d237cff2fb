/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Base64 with the standard alphabet and padding (RFC 4648 section 4). Pure. */

#include <stdbool.h>

#include "base/buffer.h"
#include "base/str.h"

/* Appends the text of `bytes`. */
void base64_encode(struct str bytes, struct buffer *out);

/*
 * Appends the bytes of `text`; line breaks are skipped. Returns false, with `out` as it was, when
 * `text` is no base64.
 */
bool base64_decode(struct str text, struct buffer *out);
