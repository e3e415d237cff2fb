/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

static const uint8_t four[4] = { 192, 0, 2, 1 };

/* How many of `n` questions that come at once are answered. */
static unsigned ask(struct rates *rates, const uint8_t *address, size_t size, uint32_t ms,
		    unsigned n)
{
	static struct random_state random = { .s = { 1, 2 } };
	unsigned answers = 0;

	for (unsigned i = 0; i < n; i++) {
		answers += rate_take(rates_find(rates, address, size, ms), &random) == DNS_ALLOW;
	}
	return answers;
}

static void a_network_gets_its_rate_and_one_burst(void **state)
{
	struct rates *rates = rates_new(10);

	assert_int_equal(ask(rates, four, 4, 5000, 50), 10);
	assert_int_equal(ask(rates, four, 4, 5000, 50), 0);
	/* A tenth of a second is one more. */
	assert_int_equal(ask(rates, four, 4, 5099, 50), 0);
	assert_int_equal(ask(rates, four, 4, 5100, 50), 1);
	assert_int_equal(ask(rates, four, 4, 5350, 50), 2);
	/* However long it was quiet, a burst is a burst. */
	assert_int_equal(ask(rates, four, 4, 4000000, 50), 10);
	rates_free(rates);
}

static void over_any_time_the_rate_holds(void **state)
{
	struct rates *rates = rates_new(7);
	unsigned answers = 0;

	/* Time wraps on the way. */
	for (uint32_t i = 0; i < 60000; i++) {
		answers += ask(rates, four, 4, UINT32_MAX - 30000 + i, 2);
	}
	assert_int_equal(answers, 7 + 7 * 60 - 1);
	rates_free(rates);
}

static void neighbours_share_and_strangers_do_not(void **state)
{
	static const struct {
		const uint8_t a[16];
		const uint8_t b[16];
		size_t n;
		bool shared;
	} rows[] = {
		{ { 192, 0, 2, 1 }, { 192, 0, 2, 255 }, 4, true },
		{ { 192, 0, 2, 1 }, { 192, 0, 3, 1 }, 4, false },
		{ { 0, 0, 0, 1 }, { 0, 0, 1, 1 }, 4, false },
		{ { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4 },
		  { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 255 },
		  16,
		  true },
		{ { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4 },
		  { 0x20, 1, 0xd, 0xb8, 1, 2, 4, 4 },
		  16,
		  false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rates *rates = rates_new(5);

		assert_int_equal(ask(rates, rows[i].a, rows[i].n, 1, 9), 5);
		assert_int_equal(ask(rates, rows[i].b, rows[i].n, 1, 9), rows[i].shared ? 0 : 5);
		rates_free(rates);
	}
	/* An IPv4 network is no IPv6 network that begins like it. */
	struct rates *rates = rates_new(5);

	assert_int_equal(ask(rates, (const uint8_t[16]){ 0 }, 16, 1, 9), 5);
	assert_int_equal(ask(rates, (const uint8_t[4]){ 0 }, 4, 1, 9), 5);
	rates_free(rates);
}

static void half_of_what_is_refused_gets_a_hint(void **state)
{
	struct rates *rates = rates_new(1);
	struct random_state random;
	unsigned hints = 0;

	random_state_seed(&random, 7);
	assert_int_equal(ask(rates, four, 4, 1, 1), 1);
	for (int i = 0; i < 1000; i++) {
		enum dns_allowance allowance = rate_take(rates_find(rates, four, 4, 1), &random);

		assert_int_not_equal(allowance, DNS_ALLOW);
		hints += allowance == DNS_ALLOW_HINT;
	}
	assert_in_range(hints, 400, 600);
	rates_free(rates);
}

static void large_answers_count_for_more(void **state)
{
	struct rates *rates = rates_new(10);
	struct rate *rate;

	(void)ask(rates, four, 4, 1, 1);
	rate = rates_find(rates, four, 4, 1);
	rate_charge(rate, 512);
	assert_int_equal(rate->left, 9000);
	rate_charge(rate, 513);
	assert_int_equal(rate->left, 8000);
	rate_charge(rate, 1232);
	assert_int_equal(rate->left, 6000);
	rate_charge(rate, 65535);
	assert_int_equal(rate->left, 0);
	rate_give_back(rates, rate);
	assert_int_equal(rate->left, 1000);
	for (int i = 0; i < 20; i++) {
		rate_give_back(rates, rate);
	}
	assert_int_equal(rate->left, 10000);
	rates_free(rates);
}

/* A flood that forges a new network each time gets no more than the table's places allow. */
static void forged_networks_do_not_add_up(void **state)
{
	enum { RATE = 2, NETWORKS = 10 * LIMIT_DNS_RATES };
	struct rates *rates = rates_new(RATE);
	unsigned answers = 0;

	for (uint32_t i = 0; i < NETWORKS; i++) {
		uint8_t address[4] = { (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1 };

		answers += ask(rates, address, 4, 1000, RATE);
	}
	assert_true(answers <= RATE * LIMIT_DNS_RATES);
	/* After it, everybody has their own again. */
	assert_int_equal(ask(rates, four, 4, 2000, 9), RATE);
	rates_free(rates);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_gets_its_rate_and_one_burst),
		cmocka_unit_test(over_any_time_the_rate_holds),
		cmocka_unit_test(neighbours_share_and_strangers_do_not),
		cmocka_unit_test(half_of_what_is_refused_gets_a_hint),
		cmocka_unit_test(large_answers_count_for_more),
		cmocka_unit_test(forged_networks_do_not_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
