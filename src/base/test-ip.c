/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/ip.h"

static const char *at(const char *cidr, uint64_t offset)
{
	static char text[IP_TEXT];
	struct ip_network network;
	struct ip ip;

	assert_true(ip_network_parse(str_from(cidr), &network));
	ip = ip_network_at(&network, offset);
	assert_true(ip_network_holds(&network, &ip));
	assert_true(ip_network_offset(&network, &ip) == offset);
	ip_text(&ip, text);
	return text;
}

static const char *part(const char *cidr, uint8_t bits, uint64_t i)
{
	static char text[IP_NETWORK_TEXT];
	struct ip_network network;
	struct ip_network cut;

	assert_true(ip_network_parse(str_from(cidr), &network));
	cut = ip_network_part(&network, bits, i);
	assert_true(ip_network_overlaps(&network, &cut));
	ip_network_text(&cut, text);
	return text;
}

static void addresses_are_read_whole_or_not_at_all(void **state)
{
	static const char *const bad[] = {
		"",           "10.0.0", "10.0.0.256", "10.0.0.1/8", "010.0.0.1x",
		"fd00::1%lo", "::g",    " ::1",       "1.2.3.4 ",
	};
	char text[IP_TEXT];
	struct ip ip;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(ip_parse(str_from(bad[i]), &ip));
	}
	assert_true(ip_parse(STR("FD00:0:0::1"), &ip));
	ip_text(&ip, text);
	assert_string_equal(text, "fd00::1");
	assert_int_equal(ip.n, 16);
}

static void networks_have_no_bits_behind_the_prefix(void **state)
{
	struct ip_network network;

	assert_false(ip_network_parse(STR("10.244.0.1/16"), &network));
	assert_false(ip_network_parse(STR("10.244.0.0"), &network));
	assert_false(ip_network_parse(STR("10.244.0.0/33"), &network));
	assert_false(ip_network_parse(STR("10.244.0.0/"), &network));
	assert_true(ip_network_parse(STR("0.0.0.0/0"), &network));
	assert_true(ip_network_parse(STR("fd00::/48"), &network));
}

static void a_network_counts_its_addresses(void **state)
{
	struct ip_network network;

	assert_true(ip_network_parse(STR("10.244.1.0/24"), &network));
	assert_true(ip_network_size(&network) == 256);
	assert_string_equal(at("10.244.0.0/16", 0), "10.244.0.0");
	assert_string_equal(at("10.244.0.0/16", 258), "10.244.1.2");
	assert_string_equal(at("10.255.255.0/24", 255), "10.255.255.255");
	assert_string_equal(at("fd00:10:244:1::/64", 0x100000002), "fd00:10:244:1:0:1:0:2");
}

static void a_network_is_cut_into_parts(void **state)
{
	struct ip_network network;

	assert_true(ip_network_parse(STR("fd00:10:244::/56"), &network));
	assert_true(ip_network_parts(&network, 64) == 256);
	assert_string_equal(part("10.244.0.0/16", 24, 0), "10.244.0.0/24");
	assert_string_equal(part("10.244.0.0/16", 24, 255), "10.244.255.0/24");
	assert_string_equal(part("10.244.0.0/16", 20, 3), "10.244.48.0/20");
	assert_string_equal(part("fd00:10:244::/56", 64, 17), "fd00:10:244:11::/64");
	assert_string_equal(part("10.244.3.0/24", 24, 0), "10.244.3.0/24");
}

static void networks_that_share_an_address_overlap(void **state)
{
	struct ip_network a, b, c;

	assert_true(ip_network_parse(STR("10.244.0.0/16"), &a));
	assert_true(ip_network_parse(STR("10.244.7.0/24"), &b));
	assert_true(ip_network_parse(STR("10.245.0.0/16"), &c));
	assert_true(ip_network_overlaps(&a, &b));
	assert_true(ip_network_overlaps(&b, &a));
	assert_false(ip_network_overlaps(&a, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_whole_or_not_at_all),
		cmocka_unit_test(networks_have_no_bits_behind_the_prefix),
		cmocka_unit_test(a_network_counts_its_addresses),
		cmocka_unit_test(a_network_is_cut_into_parts),
		cmocka_unit_test(networks_that_share_an_address_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
