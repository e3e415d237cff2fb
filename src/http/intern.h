/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by the carriers of exchanges. */

#include "http/exchange.h"

/* "GET" → HTTP_GET; what is not known is HTTP_OTHER. */
enum http_method http_method_of(const char *name);

/*
 * Percent-decodes into the arena, NUL-terminated; bad escapes stay as they are. `plus`: '+' is a
 * space (queries).
 */
const char *http_unescape(struct arena *arena, struct str text, bool plus);
