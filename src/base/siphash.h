/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SipHash-2-4: a short keyed hash that cannot be predicted without the key. Pure; any thread.
 */

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY = 16 };

uint64_t siphash24(const uint8_t key[SIPHASH_KEY], const void *bytes, size_t n);
