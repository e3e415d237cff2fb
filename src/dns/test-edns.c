/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EDNS: the compliance cases of ISC (DNS-Compliance-Testing), cookies (RFC 7873, 9018), NSID
 * (RFC 5001) and keepalive (RFC 7828).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "dns/cookie.h"
#include "dns/test-rig.h"
#include "dns/wire.h"

#define WEB "web.default.svc.cluster.local"
#define ONE "one.default.svc.cluster.local"
#define ONE_A "an " ONE ". 5 A 10.244.1.1"
#define APEX_SOA                                                                                   \
	"an cluster.local. 5 SOA ns.dns.cluster.local. hostmaster.cluster.local. 7200 1800 86400 " \
	"5"

enum { PODS = 120, DO = 0x8000, VERSION_1 = 1 << 16 };

static int setup(void **state)
{
	_cleanup_buffer_ struct buffer four = BUFFER_INIT(1 << 20);
	struct rig *rig = rig_new();

	for (int i = 0; i < PODS; i++) {
		buffer_printf(&four, "%sp-%d=10.244.0.%d", i != 0 ? " " : "", i, i + 1);
	}
	rig_namespace(rig, "default");
	rig_service(rig, "default", "web", "None", "");
	rig_slice(rig, "default", "web-4", "web", "", buffer_text(&four));
	rig_service(rig, "default", "one", "None", "");
	rig_slice(rig, "default", "one-4", "one", "", "p-0=10.244.1.1");
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static void make(struct rig *rig, const char *name, uint16_t type)
{
	rig->query_n = rig_query(rig, name, type, rig->query);
}

/* Appends an OPT record with `n` bytes of options to the query. */
static void add_opt(struct rig *rig, uint16_t size, uint32_t ttl, const void *options, size_t n)
{
	struct dns_writer writer = { .p = rig->query, .n = rig->query_n };

	writer.p[11]++;
	writer.p[writer.n++] = 0;
	put_u16(&writer, RR_OPT);
	put_u16(&writer, size);
	put_u32(&writer, ttl);
	put_u16(&writer, (uint16_t)n);
	put_bytes(&writer, options, n);
	rig->query_n = writer.n;
}

static const char *ask(struct rig *rig)
{
	return rig_send(rig, rig->query, rig->query_n);
}

static const char *ask_opt(struct rig *rig, const char *name, uint16_t type, uint32_t ttl,
			   const void *options, size_t n)
{
	make(rig, name, type);
	add_opt(rig, 4096, ttl, options, n);
	return ask(rig);
}

/* Option 100, which nobody knows, with no data. */
static const uint8_t unknown[] = { 0, 100, 0, 0 };

static void the_compliance_cases_of_isc_hold(void **state)
{
	static const struct {
		const char *what;
		bool edns;
		uint32_t ttl;
		const uint8_t *options;
		size_t n;
		const char *answer;
	} rows[] = {
		{ "dns", false, 0, NULL, 0, "NOERROR aa\n" APEX_SOA },
		{ "edns", true, 0, NULL, 0, "NOERROR aa\n" APEX_SOA "\nopt size=1232" },
		{ "edns1", true, VERSION_1, NULL, 0, "RCODE16\nopt size=1232" },
		{ "ednsopt", true, 0, unknown, 4, "NOERROR aa\n" APEX_SOA "\nopt size=1232" },
		{ "edns1opt", true, VERSION_1, unknown, 4, "RCODE16\nopt size=1232" },
		{ "do", true, DO, NULL, 0, "NOERROR aa\n" APEX_SOA "\nopt size=1232 do" },
		{ "ednsflags", true, 0x0080, NULL, 0, "NOERROR aa\n" APEX_SOA "\nopt size=1232" },
		{ "edns1flags", true, VERSION_1 | 0x0080, NULL, 0, "RCODE16\nopt size=1232" },
		{ "edns1do", true, VERSION_1 | DO, NULL, 0, "RCODE16\nopt size=1232 do" },
		{ "edns255", true, 255 << 16, unknown, 4, "RCODE16\nopt size=1232" },
		/* Subnet, expire, padding: nothing of ours, and not sent back. */
		{ "ednssubnet", true, 0, (const uint8_t *)"\0\10\0\4\0\1\0\0\0\11\0\0\0\14\0\2\0\0",
		  18, "NOERROR aa\n" APEX_SOA "\nopt size=1232" },
	};
	struct rig *rig = *state;

	for (size_t tcp = 0; tcp < 2; tcp++) {
		rig->tcp = tcp != 0;
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			make(rig, "cluster.local", RR_SOA);
			if (rows[i].edns) {
				add_opt(rig, 4096, rows[i].ttl, rows[i].options, rows[i].n);
			}
			if (strcmp(ask(rig), rows[i].answer) != 0) {
				fail_msg("%s: %s", rows[i].what, rig->text);
			}
			/* The OPT record of the answer has version 0 and no flag but DO. */
			if (rows[i].edns) {
				const uint8_t *opt = rig->answer + rig->answer_n - 6;

				assert_int_equal(opt[1], 0);
				assert_int_equal(get_u16(opt + 2) & ~DO, 0);
			}
		}
	}
}

static void header_flags_that_mean_nothing_do_not_come_back(void **state)
{
	struct rig *rig = *state;

	for (unsigned flags = 0; flags < 0x80; flags += 0x10) {
		make(rig, ONE, RR_A);
		rig->query[2] = 0x07; /* AA, TC, RD */
		rig->query[3] = (uint8_t)flags;
		assert_string_equal(ask(rig), "NOERROR aa\n" ONE_A);
		/* CD is copied (RFC 4035 section 3.2.2); Z and AD are not. */
		assert_int_equal(rig->answer[3] & 0x70, flags & 0x10);
		assert_int_equal(rig->answer[2], 0x85);
	}
}

static void a_small_edns_size_truncates_and_tcp_does_not(void **state)
{
	struct rig *rig = *state;

	make(rig, WEB, RR_A);
	add_opt(rig, 512, 0, NULL, 0);
	assert_int_equal(strncmp(ask(rig), "NOERROR aa tc\n", 14), 0);
	assert_true(rig->answer_n <= 512);
	assert_non_null(strstr(rig->text, "\nopt size=1232"));
	rig->tcp = true;
	make(rig, WEB, RR_A);
	add_opt(rig, 512, 0, NULL, 0);
	assert_int_equal(strncmp(ask(rig), "NOERROR aa\n", 11), 0);
	assert_int_equal(get_u16(rig->answer + 6), PODS);
}

/* ---- NSID, keepalive ---- */

static const uint8_t nsid[] = { 0, 3, 0, 0 };
static const uint8_t keepalive[] = { 0, 11, 0, 0 };

static void nsid_is_told_to_those_who_ask(void **state)
{
	struct rig *rig = *state;

	assert_string_equal(ask_opt(rig, ONE, RR_A, 0, nsid, 4),
			    "NOERROR aa\n" ONE_A "\nopt size=1232");
	rig->options.nsid = STR("node-1");
	assert_string_equal(ask_opt(rig, ONE, RR_A, 0, nsid, 4),
			    "NOERROR aa\n" ONE_A "\nopt size=1232 nsid=\"node-1\"");
	assert_string_equal(ask_opt(rig, ONE, RR_A, 0, unknown, 4),
			    "NOERROR aa\n" ONE_A "\nopt size=1232");
	/* Of a version that we do not speak, nothing is understood. */
	assert_string_equal(ask_opt(rig, ONE, RR_A, VERSION_1, nsid, 4), "RCODE16\nopt size=1232");
}

static void keepalive_is_for_connections(void **state)
{
	struct rig *rig = *state;
	_cleanup_free_ char *expected =
		mem_printf("NOERROR aa\n" ONE_A "\nopt size=1232 keepalive=%d",
			   LIMIT_DNS_TCP_IDLE_MS / 100);

	assert_string_equal(ask_opt(rig, ONE, RR_A, 0, keepalive, 4),
			    "NOERROR aa\n" ONE_A "\nopt size=1232");
	rig->tcp = true;
	assert_string_equal(ask_opt(rig, ONE, RR_A, 0, keepalive, 4), expected);
}

/* ---- cookies ---- */

static size_t from_hex(const char *hex, uint8_t *ret)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		ret[i] = (uint8_t)byte;
	}
	return n;
}

/* RFC 9018, Appendix A: key, client cookie, the first half of the server cookie, address, hash. */
static void hashes_are_those_of_the_rfc(void **state)
{
	static const struct {
		const char *key;
		const char *client;
		const char *server;
		const char *address;
		const char *hash;
	} rows[] = {
		{ "e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "010000005cf79f11",
		  "c6336464", "1f8130c3eee29480" },
		{ "e5e973e5a6b2a43f48e7dc849e37bfcf", "fc93fc62807ddb86", "01abcdef5cf78f71",
		  "cb0071cb", "a314227b6679ebf5" },
		{ "e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "010000005cf7a871",
		  "c6336464", "d4a564a1442aca77" },
		{ "dd3bdf9344b678b185a6f5cb60fca715", "22681ab97d52c298", "010000005cf7c579",
		  "20010db80220000159ded0f4876982b8", "26556bd0934c72f8" },
		{ "445536bcd2513298075a5d379663c962", "22681ab97d52c298", "010000005cf7c609",
		  "20010db80220000159ded0f4876982b8", "a6bb79d16625507a" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t key[16];
		uint8_t client[8];
		uint8_t server[8];
		uint8_t address[16];
		uint8_t expected[8];
		size_t address_n = from_hex(rows[i].address, address);
		uint64_t hash;

		from_hex(rows[i].key, key);
		from_hex(rows[i].client, client);
		from_hex(rows[i].server, server);
		from_hex(rows[i].hash, expected);
		hash = cookie_hash(key, client, server, address, address_n);
		for (size_t k = 0; k < 8; k++) {
			assert_int_equal((uint8_t)(hash >> 8 * k), expected[k]);
		}
	}
}

static const uint8_t root[16] = "a secret of ours";
static const uint8_t here[4] = { 192, 0, 2, 1 };
static const uint8_t elsewhere[4] = { 192, 0, 2, 2 };

static void a_cookie_is_good_for_its_client_and_its_hour(void **state)
{
	enum { NOW = 20000 * COOKIE_PERIOD_S - 100 };
	struct cookies cookies;
	uint8_t option[COOKIE_CLIENT + COOKIE_SERVER] = "client00";
	uint8_t next[COOKIE_SERVER];
	uint8_t *server = option + COOKIE_CLIENT;

	cookies_init(&cookies, root, NOW);
	assert_int_equal(cookie_check(&cookies, option, 8, here, 4, server), COOKIE_NEW);
	assert_int_equal(cookie_check(&cookies, option, 24, here, 4, next), COOKIE_GOOD);
	assert_memory_equal(next, server, COOKIE_SERVER);
	assert_int_equal(cookie_check(&cookies, option, 24, elsewhere, 4, next), COOKIE_BAD);
	assert_memory_not_equal(next, server, COOKIE_SERVER);
	/* Any other bit, and any other size, is somebody else's cookie. */
	for (size_t i = 0; i < 8 * sizeof(option); i++) {
		option[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(cookie_check(&cookies, option, 24, here, 4, next), COOKIE_BAD);
		option[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(cookie_check(&cookies, option, 16, here, 4, next), COOKIE_BAD);
	/* Into the next period of secrets it stays good, and is renewed in time. */
	cookies_set_time(&cookies, NOW + COOKIE_RENEW_S - 1);
	assert_int_equal(cookie_check(&cookies, option, 24, here, 4, next), COOKIE_GOOD);
	assert_memory_equal(next, server, COOKIE_SERVER);
	cookies_set_time(&cookies, NOW + COOKIE_VALID_S);
	assert_int_equal(cookie_check(&cookies, option, 24, here, 4, next), COOKIE_GOOD);
	assert_memory_not_equal(next, server, COOKIE_SERVER);
	cookies_set_time(&cookies, NOW + COOKIE_VALID_S + 1);
	assert_int_equal(cookie_check(&cookies, option, 24, here, 4, next), COOKIE_BAD);
	memcpy(server, next, COOKIE_SERVER);
	assert_int_equal(cookie_check(&cookies, option, 24, here, 4, next), COOKIE_GOOD);
	/* Another server's clock may be a little ahead of ours, but no more. */
	cookies_set_time(&cookies, NOW + COOKIE_VALID_S + 1 - COOKIE_AHEAD_S);
	assert_int_equal(cookie_check(&cookies, option, 24, here, 4, next), COOKIE_GOOD);
	cookies_set_time(&cookies, NOW + COOKIE_VALID_S - COOKIE_AHEAD_S);
	assert_int_equal(cookie_check(&cookies, option, 24, here, 4, next), COOKIE_BAD);
}

static void secrets_change_with_the_period(void **state)
{
	struct cookies one;
	struct cookies other;

	cookies_init(&one, root, 1000 * COOKIE_PERIOD_S - 1);
	other = one;
	cookies_set_time(&other, 1000 * COOKIE_PERIOD_S);
	assert_memory_not_equal(one.keys[0], other.keys[0], SIPHASH_KEY);
	assert_memory_equal(one.keys[0], other.keys[1], SIPHASH_KEY);
	/* All who share the root have the same. */
	cookies_init(&one, root, 1001 * COOKIE_PERIOD_S - 1);
	assert_memory_equal(one.keys, other.keys, sizeof(one.keys));
}

/* Builds a COOKIE option of `n` bytes of data. */
static size_t cookie_option(uint8_t *out, const void *data, size_t n)
{
	set_u16(out, DNS_OPTION_COOKIE);
	set_u16(out + 2, (uint16_t)n);
	memcpy(out + 4, data, n);
	return 4 + n;
}

/* The cookie that the last answer gave, 24 bytes. */
static void take_cookie(const struct rig *rig, uint8_t cookie[24])
{
	const char *text = strstr(rig->text, " cookie=");

	assert_non_null(text);
	_cleanup_free_ char *hex = mem_copy(text + 8, 49);

	hex[48] = '\0';
	assert_int_equal(from_hex(hex, cookie), 24);
}

static void an_answer_brings_a_cookie_to_those_who_have_one(void **state)
{
	static const uint8_t client[8] = "client00";
	struct rig *rig = *state;
	static struct cookies cookies;
	uint8_t option[64];
	uint8_t first[24];
	uint8_t second[24];
	size_t n = cookie_option(option, client, 8);

	cookies_init(&cookies, root, 1763640000);
	assert_string_equal(ask_opt(rig, ONE, RR_A, 0, option, n),
			    "NOERROR aa\n" ONE_A "\nopt size=1232");
	rig->cookies = &cookies;
	assert_int_equal(strncmp(ask_opt(rig, ONE, RR_A, 0, option, n), "NOERROR aa\n", 11), 0);
	assert_int_equal(rig->report.cookie, COOKIE_NEW);
	take_cookie(rig, first);
	assert_memory_equal(first, client, 8);
	n = cookie_option(option, first, 24);
	(void)ask_opt(rig, ONE, RR_A, 0, option, n);
	assert_int_equal(rig->report.cookie, COOKIE_GOOD);
	take_cookie(rig, second);
	assert_memory_equal(first, second, 24);
	/* A bad one is answered all the same, with a good one. */
	option[20] ^= 1;
	assert_int_equal(strncmp(ask_opt(rig, ONE, RR_A, 0, option, n), "NOERROR aa\n", 11), 0);
	assert_int_equal(rig->report.cookie, COOKIE_BAD);
	take_cookie(rig, second);
	assert_memory_equal(first, second, 24);
}

static void a_cookie_of_no_possible_size_is_an_error(void **state)
{
	struct rig *rig = *state;
	static struct cookies cookies;
	uint8_t data[400] = { 0 };
	uint8_t option[500];

	cookies_init(&cookies, root, 1763640000);
	rig->cookies = &cookies;
	for (size_t i = 0; i <= 400; i += i < 50 ? 1 : 50) {
		bool possible = i == 8 || (i >= 16 && i <= 40);
		const char *text =
			ask_opt(rig, ONE, RR_A, 0, option, cookie_option(option, data, i));

		assert_int_equal(strncmp(text, possible ? "NOERROR aa\n" : "FORMERR\n", 8), 0);
		assert_non_null(strstr(text, "opt size=1232"));
	}
}

/* RFC 7873 section 5.4. */
static void a_cookie_can_be_asked_for_alone(void **state)
{
	static const uint8_t client[8] = "client00";
	struct rig *rig = *state;
	static struct cookies cookies;
	uint8_t option[64];
	size_t n = cookie_option(option, client, 8);

	cookies_init(&cookies, root, 1763640000);
	rig->cookies = &cookies;
	memset(rig->query, 0, DNS_HEADER);
	rig->query_n = DNS_HEADER;
	add_opt(rig, 4096, 0, option, n);
	assert_int_equal(strncmp(ask(rig), "NOERROR\nopt size=1232 cookie=", 29), 0);
	assert_int_equal(get_u16(rig->answer + 4), 0);
	/* Without one it is no query at all. */
	memset(rig->query, 0, DNS_HEADER);
	rig->query_n = DNS_HEADER;
	add_opt(rig, 4096, 0, unknown, 4);
	assert_string_equal(ask(rig), "FORMERR\nopt size=1232");
	memset(rig->query, 0, DNS_HEADER);
	assert_string_equal(rig_send(rig, rig->query, DNS_HEADER), "FORMERR");
}

/* ---- when answers are limited ---- */

static void who_is_limited_gets_a_hint_no_larger_than_the_question(void **state)
{
	static const uint8_t client[8] = "client00";
	struct rig *rig = *state;
	static struct cookies cookies;
	uint8_t option[64];
	uint8_t cookie[24];
	size_t n = cookie_option(option, client, 8);

	cookies_init(&cookies, root, 1763640000);
	rig->cookies = &cookies;
	rig->allowance = DNS_ALLOW_HINT;
	make(rig, WEB, RR_A);
	assert_string_equal(ask(rig), "NOERROR tc");
	assert_int_equal(rig->answer_n, rig->query_n);
	assert_int_equal(rig->report.allowance, DNS_ALLOW_HINT);
	/* Those who know of cookies are shown the way by one, which is all that is added. */
	assert_int_equal(strncmp(ask_opt(rig, WEB, RR_A, 0, option, n), "RCODE23\nopt ", 12), 0);
	assert_int_equal(rig->answer_n, rig->query_n + COOKIE_SERVER);
	take_cookie(rig, cookie);
	n = cookie_option(option, cookie, 24);
	assert_int_equal(strncmp(ask_opt(rig, ONE, RR_A, 0, option, n), "NOERROR aa\n", 11), 0);
	assert_int_equal(rig->report.allowance, DNS_ALLOW);
	/* No answer at all; except with the cookie, or over TCP. */
	rig->allowance = DNS_ALLOW_NOTHING;
	assert_int_equal(strncmp(ask_opt(rig, ONE, RR_A, 0, option, n), "NOERROR aa\n", 11), 0);
	option[20] ^= 1;
	assert_string_equal(ask_opt(rig, ONE, RR_A, 0, option, n), "no answer");
	assert_int_equal(rig->report.allowance, DNS_ALLOW_NOTHING);
	assert_string_equal(rig_ask(rig, ONE, RR_A), "no answer");
	rig->tcp = true;
	assert_string_equal(rig_ask(rig, ONE, RR_A), "NOERROR aa\n" ONE_A);
}

/* Whatever options are asked for, the answer fits; and what must be in it has its room. */
static void options_take_their_room_from_the_records(void **state)
{
	static const uint8_t client[8] = "client00";
	static char long_nsid[LIMIT_DNS_NSID];
	struct rig *rig = *state;
	static struct cookies cookies;
	uint8_t options[64];
	size_t n = cookie_option(options, client, 8);

	cookies_init(&cookies, root, 1763640000);
	rig->cookies = &cookies;
	memset(long_nsid, 'x', sizeof(long_nsid));
	rig->options.nsid = (struct str){ .p = long_nsid, .n = sizeof(long_nsid) };
	memcpy(options + n, nsid, 4);
	memcpy(options + n + 4, keepalive, 4);
	for (uint16_t size = 512; size < 1400; size++) {
		make(rig, WEB, RR_A);
		add_opt(rig, size, 0, options, n + 8);
		const char *text = ask(rig);
		size_t allowed = size < 1232 ? size : 1232;

		assert_int_equal(strncmp(text, "NOERROR aa tc\n", 14), 0);
		assert_non_null(strstr(text, " cookie="));
		assert_non_null(strstr(text, " nsid="));
		assert_true(rig->answer_n <= allowed && rig->answer_n + 16 > allowed);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(the_compliance_cases_of_isc_hold),
		CASE(header_flags_that_mean_nothing_do_not_come_back),
		CASE(a_small_edns_size_truncates_and_tcp_does_not),
		CASE(nsid_is_told_to_those_who_ask),
		CASE(keepalive_is_for_connections),
		cmocka_unit_test(hashes_are_those_of_the_rfc),
		cmocka_unit_test(a_cookie_is_good_for_its_client_and_its_hour),
		cmocka_unit_test(secrets_change_with_the_period),
		CASE(an_answer_brings_a_cookie_to_those_who_have_one),
		CASE(a_cookie_of_no_possible_size_is_an_error),
		CASE(a_cookie_can_be_asked_for_alone),
		CASE(who_is_limited_gets_a_hint_no_larger_than_the_question),
		CASE(options_take_their_room_from_the_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
