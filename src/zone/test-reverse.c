/* SPDX-License-Identifier: Apache-2.0 */
/* The trie against a model that is a plain list, under random changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "zone/reverse.h"

enum { POOL = 200, STEPS = 20000, NAMES = 4 };

struct model {
	struct ip address;
	unsigned sources[NAMES];
};

static const char *const labels[NAMES] = { "\1a\1s", "\1b\1s", "\2cc\1s", "\1s" };

static struct str label(size_t i)
{
	return str_from(labels[i]);
}

static unsigned nibble_of(const struct ip *address, unsigned i)
{
	return i % 2 == 0 ? address->bytes[i / 2] >> 4 : address->bytes[i / 2] & 15;
}

static bool lives(const struct model *model)
{
	for (size_t i = 0; i < NAMES; i++) {
		if (model->sources[i] != 0) {
			return true;
		}
	}
	return false;
}

static bool model_has_prefix(const struct model *pool, const struct ip *prefix, unsigned n)
{
	for (size_t i = 0; i < POOL; i++) {
		unsigned same = 0;

		while (same < n && nibble_of(&pool[i].address, same) == nibble_of(prefix, same)) {
			same++;
		}
		if (same == n && lives(&pool[i])) {
			return true;
		}
	}
	return false;
}

/* The last name is a Service's own and hides the others. */
static void check_leaf(const struct reverse *reverse, const struct model *model)
{
	const struct reverse_leaf *leaf = reverse_find(reverse, &model->address);
	size_t cursor = 0;
	uint32_t expected = 0;

	if (!lives(model)) {
		assert_null(leaf);
		return;
	}
	assert_non_null(leaf);
	for (size_t i = 0; i < NAMES; i++) {
		bool service = i == NAMES - 1;

		expected += model->sources[i] != 0 && service == (model->sources[NAMES - 1] != 0);
	}
	assert_int_equal(reverse_leaf_count(leaf), expected);
	for (uint32_t k = 0; k < expected; k++) {
		struct str name = reverse_leaf_next(leaf, &cursor);
		bool found = false;

		for (size_t i = 0; i < NAMES; i++) {
			found |= model->sources[i] != 0 && str_eq(name, label(i));
		}
		assert_true(found);
	}
}

static void run(uint8_t size, uint64_t seed)
{
	struct reverse reverse = { 0 };
	struct model pool[POOL] = { 0 };
	struct random_state random;
	size_t living = 0;

	random_state_seed(&random, seed);
	for (size_t i = 0; i < POOL; i++) {
		pool[i].address.n = size;
		/* Few values for each byte, so that prefixes are shared. */
		for (size_t k = 0; k < size; k++) {
			pool[i].address.bytes[k] =
				(uint8_t)(random_below(&random, 3) * 16 + random_below(&random, 3));
		}
		pool[i].address.bytes[size - 1] = (uint8_t)i;
	}
	for (size_t step = 0; step < STEPS; step++) {
		struct model *model = &pool[random_below(&random, POOL)];
		size_t i = random_below(&random, NAMES);
		bool add = random_below(&random, 2) == 0;

		if (add) {
			reverse_add(&reverse, &model->address, label(i), i == NAMES - 1);
			model->sources[i]++;
		} else {
			reverse_remove(&reverse, &model->address, label(i), i == NAMES - 1);
			model->sources[i] -= model->sources[i] != 0;
		}
		check_leaf(&reverse, model);
		unsigned nibbles = random_below(&random, size * 2U + 1);
		const struct ip *prefix = &pool[random_below(&random, POOL)].address;

		assert_int_equal(reverse_has_prefix(&reverse, prefix, nibbles),
				 model_has_prefix(pool, prefix, nibbles));
	}
	for (size_t i = 0; i < POOL; i++) {
		check_leaf(&reverse, &pool[i]);
		living += lives(&pool[i]);
	}
	assert_int_equal(reverse.n, living);
	reverse_deinit(&reverse);
	snapshot_barrier();
}

static void the_trie_agrees_with_a_list_for_ipv4(void **state)
{
	run(4, 1);
	run(4, 2);
}

static void the_trie_agrees_with_a_list_for_ipv6(void **state)
{
	run(16, 3);
	run(16, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_trie_agrees_with_a_list_for_ipv4),
		cmocka_unit_test(the_trie_agrees_with_a_list_for_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
