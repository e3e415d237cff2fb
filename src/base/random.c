/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* Not used unless random_fix() has been called. */
static struct random_state fixed;
static bool is_fixed;

void random_fix(uint64_t seed)
{
	random_state_seed(&fixed, seed);
	is_fixed = true;
}

void random_bytes(void *ret_bytes, size_t n)
{
	char *bytes = ret_bytes;

	for (size_t i = 0; is_fixed && i < n; i++) {
		bytes[i] = (char)(random_next(&fixed) >> 32);
	}
	if (is_fixed) {
		return;
	}
	while (n != 0) {
		ssize_t got = getrandom(bytes, n, 0);

		if (got < 0) {
			assert(errno == EINTR);
			continue;
		}
		bytes += got;
		n -= (size_t)got;
	}
}

void random_state_init(struct random_state *state)
{
	do {
		random_bytes(state->s, sizeof(state->s));
	} while (state->s[0] == 0 && state->s[1] == 0);
}

/* splitmix64 spreads a small seed over the whole state. */
void random_state_seed(struct random_state *state, uint64_t seed)
{
	for (size_t i = 0; i < 2; i++) {
		uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		state->s[i] = z ^ (z >> 31);
	}
}

/* xorshift128+. */
uint64_t random_next(struct random_state *state)
{
	uint64_t a = state->s[0];
	uint64_t b = state->s[1];

	state->s[0] = b;
	a ^= a << 23;
	state->s[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
	return state->s[1] + b;
}

/* Multiply-shift: the bias for n < 2^32 is below 2^-32. */
uint32_t random_below(struct random_state *state, uint32_t n)
{
	return (uint32_t)(((random_next(state) >> 32) * n) >> 32);
}

void random_uuid(char ret_text[RANDOM_UUID_TEXT])
{
	unsigned char b[16];

	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(ret_text, RANDOM_UUID_TEXT,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
}

void random_name_suffix(char *ret_text, size_t n)
{
	/* No vowels and no look-alikes, so that no word comes out. */
	static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
	uint32_t word;

	for (size_t i = 0; i < n; i++) {
		random_bytes(&word, sizeof(word));
		ret_text[i] = alphabet[word % (sizeof(alphabet) - 1)];
	}
	ret_text[n] = '\0';
}
