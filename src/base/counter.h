/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Counters of one writer thread that others may read at any time: relaxed atomics, so a reader sees
 * a value that was true a moment ago and never a torn one.
 */

#include <stdint.h>

struct counter {
	uint64_t value;
};

/* Owner thread only. */
static inline void counter_add(struct counter *counter, uint64_t n)
{
	__atomic_store_n(&counter->value, __atomic_load_n(&counter->value, __ATOMIC_RELAXED) + n,
			 __ATOMIC_RELAXED);
}

/* Any thread: for the rare counter that several write. */
static inline void counter_add_shared(struct counter *counter, uint64_t n)
{
	__atomic_fetch_add(&counter->value, n, __ATOMIC_RELAXED);
}

/* Owner thread only. */
static inline void counter_set(struct counter *counter, uint64_t n)
{
	__atomic_store_n(&counter->value, n, __ATOMIC_RELAXED);
}

/* Any thread. */
static inline uint64_t counter_get(const struct counter *counter)
{
	return __atomic_load_n(&counter->value, __ATOMIC_RELAXED);
}
