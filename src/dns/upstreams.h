/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Spellings of upstream addresses, for the resolver. */

#include <stdbool.h>

#include "base/str.h"
#include "dns/resolver.h"

/*
 * Reads "192.0.2.1", "192.0.2.1:5353", "2001:db8::1" or "[2001:db8::1]:53" and writes
 * "ADDRESS@PORT", as libunbound wants it.
 */
enum { UPSTREAM_TEXT = 64 };
bool upstream_parse(struct str text, char ret[UPSTREAM_TEXT]);
