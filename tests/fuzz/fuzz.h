/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* One input; returns 0. A finding is a crash: abort(), a failed assert or a sanitizer's report. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
