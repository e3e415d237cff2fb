/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Randomness. */

#include <stddef.h>
#include <stdint.h>

/* Unpredictable bytes from the kernel. Any thread. */
void random_bytes(void *ret_bytes, size_t n);

/*
 * For simulators only: from now on random_bytes(), and all that is drawn from it, follows from
 * `seed`. Before any thread is started.
 */
void random_fix(uint64_t seed);

/* A fast generator for choices that need no secrecy: shuffles, jitter. One thread a state. */
struct random_state {
	uint64_t s[2];
};

void random_state_init(struct random_state *state); /* seeded by the kernel */
void random_state_seed(struct random_state *state, uint64_t seed); /* for tests */
uint64_t random_next(struct random_state *state);

/* Uniform in [0, n), n ≥ 1. */
uint32_t random_below(struct random_state *state, uint32_t n);

enum { RANDOM_UUID_TEXT = 37 };
/* A version 4 UUID as text (RFC 9562). */
void random_uuid(char ret_text[RANDOM_UUID_TEXT]);

/* `n` characters of the alphabet that Kubernetes uses for generated names, and a NUL. */
void random_name_suffix(char *ret_text, size_t n);
