/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "zone/address.h"
#include "zone/name.h"

static struct name parse(const char *text)
{
	struct name name;

	assert_int_equal(name_parse(str_from(text), &name), 0);
	return name;
}

static void a_name_reads_back_in_lower_case(void **state)
{
	struct name name = parse("Web-0.NGINX.default.svc.Cluster.LOCAL");
	char text[NAME_TEXT];

	name_text(&name, text);
	assert_string_equal(text, "web-0.nginx.default.svc.cluster.local.");
	assert_int_equal(name.n_labels, 6);
	assert_int_equal(name.n, 39);
	assert_true(str_is(name_label(&name, 1), "nginx"));
	assert_int_equal(name_labels(&name, 1, 2).n, 6 + 8);
}

static void only_ascii_letters_fold(void **state)
{
	const uint8_t wire[] = "\012@AZ[`az{\xc1\xdaxy";
	uint8_t copy[sizeof(wire)];
	struct name name;

	memcpy(copy, wire, sizeof(wire));
	copy[0] = sizeof(wire) - 2;
	assert_int_equal(name_read(copy, sizeof(copy), &name), 0);
	assert_memory_equal(name.wire + 1, "@az[`az{\xc1\xdaxy", sizeof(wire) - 2);
}

static void bad_names_are_refused(void **state)
{
	char long_label[70];
	struct name name;
	uint8_t labels[300];

	memset(long_label, 'a', sizeof(long_label));
	assert_int_equal(name_parse((struct str){ .p = long_label, .n = 64 }, &name), NAME_BAD);
	assert_int_equal(name_parse((struct str){ .p = long_label, .n = 63 }, &name), 0);
	assert_int_equal(name_parse(STR("a..b"), &name), NAME_BAD);
	assert_int_equal(name_parse(STR(".a"), &name), NAME_BAD);
	assert_int_equal(name_parse(STR("."), &name), 0);
	assert_int_equal(name.n, 1);
	/* 127 labels of one letter are 255 octets, just what fits. */
	for (size_t i = 0; i < sizeof(labels); i += 2) {
		labels[i] = 1;
		labels[i + 1] = 'x';
	}
	labels[254] = 0;
	assert_int_equal(name_read(labels, 255, &name), 0);
	assert_int_equal(name.n_labels, 127);
	assert_int_equal(name_read(labels, 254, &name), NAME_BAD);
	labels[254] = 1;
	labels[256] = 0;
	assert_int_equal(name_read(labels, 257, &name), NAME_BAD);
	assert_int_equal(name_read((const uint8_t *)"\xc0\x04", 2, &name), NAME_BAD);
}

static void below_means_at_a_label(void **state)
{
	struct name zone = parse("cluster.local");
	struct name name = parse("a.b.cluster.local");
	size_t below = 99;

	assert_true(name_is_below(&name, &zone, &below));
	assert_int_equal(below, 2);
	assert_true(name_is_below(&zone, &zone, &below));
	assert_int_equal(below, 0);
	name = parse("acluster.local");
	assert_false(name_is_below(&name, &zone, &below));
	name = parse("local");
	assert_false(name_is_below(&name, &zone, &below));
}

static void addresses_turn_into_labels_and_back(void **state)
{
	static const struct {
		const char *address;
		const char *label;
	} rows[] = {
		{ "10.0.0.1", "10-0-0-1" },
		{ "2001:db8::1", "2001-db8--1" },
		{ "2001:db8::", "2001-db8--0" },
		{ "FD00::A", "fd00--a" },
		{ "fd00:1:2:3:4:5:6:7", "fd00-1-2-3-4-5-6-7" },
	};
	char label[ADDRESS_LABEL];
	struct ip address;
	struct ip back;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str dashed = { .p = label,
				      .n = address_dashed(str_from(rows[i].address), label) };

		assert_true(str_is(dashed, rows[i].label));
		assert_true(ip_parse(str_from(rows[i].address), &address));
		assert_true(address_from_dashed(dashed, &back));
		assert_int_equal(back.n, address.n);
		assert_memory_equal(back.bytes, address.bytes, address.n);
	}
	assert_false(address_from_dashed(STR("10-0-0-256"), &back));
	assert_false(address_from_dashed(STR("10.0.0.1"), &back));
	assert_false(address_from_dashed(STR("web-0"), &back));
	assert_false(ip_parse(STR("10.0.0.1 "), &back));
	assert_false(ip_parse(STR("fe80::1%eth0"), &back));
}

static void networks_hold_their_addresses(void **state)
{
	struct network network;
	struct ip address;

	assert_true(network_parse(STR("10.96.7.0/12"), &network));
	assert_true(ip_parse(STR("10.111.255.255"), &address));
	assert_true(network_holds(&network, &address));
	assert_true(ip_parse(STR("10.112.0.0"), &address));
	assert_false(network_holds(&network, &address));
	assert_true(ip_parse(STR("::ffff:10.96.0.1"), &address));
	assert_false(network_holds(&network, &address));
	assert_false(network_parse(STR("10.0.0.0/33"), &network));
	assert_false(network_parse(STR("10.0.0.0"), &network));
	assert_false(network_parse(STR("ten/8"), &network));
}

static void reverse_names_spell_addresses(void **state)
{
	struct reverse_name reverse;
	struct name name = parse("4.3.2.1.in-addr.arpa");

	assert_true(reverse_name_read(&name, &reverse));
	assert_int_equal(reverse.nibbles, 8);
	assert_int_equal(reverse.rest, 0);
	assert_memory_equal(reverse.address.bytes, "\1\2\3\4", 4);
	name = parse("x.256.04.10.in-addr.arpa");
	assert_true(reverse_name_read(&name, &reverse));
	assert_int_equal(reverse.nibbles, 2);
	assert_int_equal(reverse.rest, 3);
	name = parse("8.b.d.0.1.0.0.2.ip6.arpa");
	assert_true(reverse_name_read(&name, &reverse));
	assert_int_equal(reverse.nibbles, 8);
	assert_memory_equal(reverse.address.bytes, "\x20\x01\x0d\xb8\0\0", 6);
	name = parse("arpa");
	assert_false(reverse_name_read(&name, &reverse));
	name = parse("1.in-addr.local");
	assert_false(reverse_name_read(&name, &reverse));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_reads_back_in_lower_case),
		cmocka_unit_test(only_ascii_letters_fold),
		cmocka_unit_test(bad_names_are_refused),
		cmocka_unit_test(below_means_at_a_label),
		cmocka_unit_test(addresses_turn_into_labels_and_back),
		cmocka_unit_test(networks_hold_their_addresses),
		cmocka_unit_test(reverse_names_spell_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
