/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Measured durations and what is said about them. */

#include <stddef.h>
#include <stdint.h>

/* Now, in ns of the monotonic clock. */
uint64_t times_now(void);

/* `,"NAME":{"p50":…,"p99":…,"max":…}` in µs on standard output. Sorts `ns`; n ≥ 1. */
void times_print(const char *name, uint64_t *ns, size_t n);
