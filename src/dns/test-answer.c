/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packet: what is dropped, what is an error, what fits, and what comes back from an upstream.
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
#include "dns/test-rig.h"
#include "dns/wire.h"

#define WEB "web.default.svc.cluster.local"
#define OUT "out.default.svc.cluster.local"

enum { PODS = 120 };

/* A headless Service of PODS pods in both families, and an alias to outside. */
static int setup(void **state)
{
	_cleanup_buffer_ struct buffer four = BUFFER_INIT(1 << 20);
	_cleanup_buffer_ struct buffer six = BUFFER_INIT(1 << 20);
	struct rig *rig = rig_new();

	for (int i = 0; i < PODS; i++) {
		buffer_printf(&four, "%sp-%d=10.244.0.%d", i != 0 ? " " : "", i, i + 1);
		buffer_printf(&six, "%sp-%d=fd00::%x", i != 0 ? " " : "", i, i + 1);
	}
	rig_namespace(rig, "default");
	rig_service(rig, "default", "web", "None", "http/TCP/80 admin/TCP/81");
	rig_slice(rig, "default", "web-4", "web", "http/TCP/80 admin/TCP/81", buffer_text(&four));
	rig_slice(rig, "default", "web-6", "web", "http/TCP/80 admin/TCP/81", buffer_text(&six));
	rig_external(rig, "default", "out", "www.example.org");
	rig_external(rig, "default", "in", WEB);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static size_t make(struct rig *rig, const char *name, uint16_t type)
{
	rig->query_n = rig_query(rig, name, type, rig->query);
	return rig->query_n;
}

static void answers_and_scraps_are_dropped(void **state)
{
	struct rig *rig = *state;
	size_t n = make(rig, WEB, RR_A);

	rig->query[2] |= 0x80;
	assert_string_equal(rig_send(rig, rig->query, n), "no answer");
	rig->query[2] &= 0x7f;
	for (size_t i = 0; i < DNS_HEADER; i++) {
		assert_string_equal(rig_send(rig, rig->query, i), "no answer");
	}
}

static void a_query_cut_short_anywhere_is_an_error(void **state)
{
	struct rig *rig = *state;
	size_t n;

	rig->edns = true;
	n = make(rig, WEB, RR_A);
	for (size_t i = DNS_HEADER; i < n; i++) {
		/* Behind exactly as many bytes, so that reading on would be noticed. */
		uint8_t *cut = mem_copy(rig->query, i);

		assert_string_equal(rig_send(rig, cut, i), "FORMERR");
		mem_free(cut);
	}
}

static void a_header_that_asks_for_something_else_is_refused(void **state)
{
	struct rig *rig = *state;

	for (unsigned opcode = 1; opcode < 16; opcode++) {
		size_t n = make(rig, WEB, RR_A);

		rig->query[2] = (uint8_t)(opcode << 3);
		assert_string_equal(rig_send(rig, rig->query, n), "NOTIMP");
		assert_int_equal(rig->answer[2] >> 3 & 15, opcode);
	}
	for (unsigned questions = 0; questions < 4; questions++) {
		size_t n = make(rig, WEB, RR_A);

		rig->query[5] = (uint8_t)questions;
		if (questions != 1) {
			assert_string_equal(rig_send(rig, rig->query, n), "FORMERR");
		}
	}
	size_t n = make(rig, WEB, RR_A);

	rig->query[n - 1] = 3; /* class CH */
	assert_string_equal(rig_send(rig, rig->query, n), "REFUSED");
	(void)make(rig, WEB, RR_AXFR);
	assert_string_equal(rig_ask(rig, "cluster.local", RR_AXFR), "REFUSED");
	assert_string_equal(rig_ask(rig, "cluster.local", RR_IXFR), "REFUSED");
}

static void a_pointer_in_the_question_is_an_error(void **state)
{
	static const uint8_t loop[] = "\0\1\0\0\0\1\0\0\0\0\0\0\1a\xc0\x0c\0\1\0\1";
	static const uint8_t forward[] = "\0\1\0\0\0\1\0\0\0\0\0\0\xc0\x10\0\1\0\1\0\0";
	static const uint8_t reserved[] = "\0\1\0\0\0\1\0\0\0\0\0\0\x41\0\0\1\0\1\0\0";

	assert_string_equal(rig_send(*state, loop, sizeof(loop) - 1), "FORMERR");
	assert_string_equal(rig_send(*state, forward, sizeof(forward) - 1), "FORMERR");
	assert_string_equal(rig_send(*state, reserved, sizeof(reserved) - 1), "FORMERR");
}

/* Appends an OPT record to the query. */
static void add_opt(struct rig *rig, uint16_t size, uint32_t ttl, const char *options, size_t n)
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

#define SVC "svc.cluster.local"
#define SVC_EMPTY                                                                                  \
	"NOERROR aa\nns cluster.local. 5 SOA ns.dns.cluster.local. hostmaster.cluster.local. "     \
	"7200 1800 86400 5"
#define SVC_WHY " ede=0 \"only names below this one have records\""

static void edns_is_answered_with_edns_and_nothing_else(void **state)
{
	struct rig *rig = *state;

	assert_string_equal(rig_ask(rig, SVC, RR_A), SVC_EMPTY);
	(void)make(rig, SVC, RR_A);
	add_opt(rig, 4096, 0, "", 0);
	assert_string_equal(rig_send(rig, rig->query, rig->query_n),
			    SVC_EMPTY "\nopt size=1232" SVC_WHY);
	/* DO comes back; unknown options and flags do not. */
	(void)make(rig, SVC, RR_A);
	add_opt(rig, 4096, 0xffff, "\xff\xfe\0\2xx\0\3\0\0", 10);
	assert_string_equal(rig_send(rig, rig->query, rig->query_n),
			    SVC_EMPTY "\nopt size=1232 do" SVC_WHY);
	(void)make(rig, SVC, RR_A);
	add_opt(rig, 4096, 1 << 16, "", 0);
	assert_string_equal(rig_send(rig, rig->query, rig->query_n), "RCODE16\nopt size=1232");
	(void)make(rig, SVC, RR_A);
	add_opt(rig, 4096, 0, "", 0);
	add_opt(rig, 4096, 0, "", 0);
	assert_string_equal(rig_send(rig, rig->query, rig->query_n), "FORMERR");
	/* An option that reaches behind its record, and an OPT that is not the root's. */
	(void)make(rig, SVC, RR_A);
	add_opt(rig, 4096, 0, "\0\3\0\5xx", 6);
	assert_string_equal(rig_send(rig, rig->query, rig->query_n), "FORMERR");
	(void)make(rig, SVC, RR_A);
	add_opt(rig, 4096, 0, "", 0);
	memmove(rig->query + rig->query_n - 10, rig->query + rig->query_n - 11, 11);
	memcpy(rig->query + rig->query_n - 11, "\1a", 2);
	assert_string_equal(rig_send(rig, rig->query, rig->query_n + 1), "FORMERR");
	/* In the answer section it is no OPT of ours. */
	(void)make(rig, SVC, RR_A);
	add_opt(rig, 4096, 0, "", 0);
	rig->query[11] = 0;
	rig->query[7] = 1;
	assert_string_equal(rig_send(rig, rig->query, rig->query_n), "FORMERR");
}

/* What must hold for every answer to a query of this client. */
static void check_size(struct rig *rig, size_t allowed)
{
	assert_true(rig->answer_n <= allowed);
}

static unsigned count_lines(const char *text, const char *with)
{
	unsigned n = 0;

	for (; (text = strstr(text, with)) != NULL; text++) {
		n++;
	}
	return n;
}

/* Every size that a client can announce, for each form of answer that can be too large. */
static void no_answer_is_larger_than_allowed(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		unsigned all; /* records in the answer section */
		size_t each;
	} rows[] = {
		{ WEB, RR_A, PODS, 16 },
		{ WEB, RR_AAAA, PODS, 28 },
		{ "in.default.svc.cluster.local", RR_A, PODS + 1, 16 },
		{ "_http._tcp." WEB, RR_SRV, PODS, 18 + 5 + 31 },
		{ WEB, RR_SRV, 2 * PODS, 18 + 5 + 31 },
	};
	struct rig *rig = *state;

	rig->edns = true;
	rig->options.udp_size = LIMIT_DNS_UDP_MAX;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (unsigned size = 0; size <= 5000; size += size < 1400 ? 1 : 37) {
			size_t allowed = size < 512 ? 512 : size > 4096 ? 4096 : size;

			rig->udp_size = (uint16_t)size;
			const char *text = rig_ask(rig, rows[i].name, rows[i].type);
			bool truncated = strncmp(text, "NOERROR aa tc", 13) == 0;
			unsigned n = count_lines(text, "\nan ");

			check_size(rig, allowed);
			assert_int_equal(truncated, n < rows[i].all);
			/* As many as fit: one more would not. */
			if (truncated) {
				assert_true(rig->answer_n + rows[i].each + 2 > allowed);
				assert_int_equal(count_lines(text, "\nar "), 0);
			}
		}
	}
	/* Over TCP all of it fits, with the addresses. */
	rig->tcp = true;
	const char *text = rig_ask(rig, "_http._tcp." WEB, RR_SRV);

	assert_int_equal(count_lines(text, "\nan "), PODS);
	assert_int_equal(count_lines(text, "\nar "), 2 * PODS);
	assert_int_equal(strncmp(text, "NOERROR aa\n", 11), 0);
}

static void dropping_mere_extras_sets_no_tc(void **state)
{
	struct rig *rig = *state;
	unsigned with_extras = 0;

	rig_slice(rig, "default", "web-4", "web", "http/TCP/80", "a=10.244.0.1 b=10.244.0.2");
	rig_slice(rig, "default", "web-6", "web", "http/TCP/80",
		  "a=fd00::1 b=fd00::2 a=fd00::3 a=fd00::4 a=fd00::5 a=fd00::6 a=fd00::7 b=fd00::8 "
		  "b=fd00::9 b=fd00::a b=fd00::b b=fd00::c");
	rig->edns = true;
	for (unsigned size = 512; size < 600; size++) {
		rig->udp_size = (uint16_t)size;
		const char *text = rig_ask(rig, "_http._tcp." WEB, RR_SRV);

		check_size(rig, size);
		assert_int_equal(strncmp(text, "NOERROR aa\n", 11), 0);
		assert_int_equal(count_lines(text, "\nan "), 2);
		with_extras += count_lines(text, "\nar ") == 14;
	}
	assert_true(with_extras > 0 && with_extras < 88);
}

static void a_set_begins_anywhere(void **state)
{
	struct rig *rig = *state;
	bool first[PODS] = { 0 };
	unsigned seen = 0;

	for (int i = 0; i < 5000; i++) {
		(void)rig_ask(rig, WEB, RR_A);
		uint8_t last = rig->answer[DNS_HEADER + 31 + 4 + 15];

		seen += !first[last - 1];
		first[last - 1] = true;
	}
	assert_int_equal(seen, PODS);
	/* In a truncated SRV set too, and there every record is whole and different. */
	assert_int_equal(count_lines(rig_ask(rig, WEB, RR_SRV), "\nan "), (512 - 12 - 35) / 54);
}

static void huge_sets_end_where_tcp_ends(void **state)
{
	struct rig *rig = *state;
	_cleanup_buffer_ struct buffer endpoints = BUFFER_INIT(1 << 20);

	for (int i = 0; i < 5000; i++) {
		buffer_printf(&endpoints, "%sp-%d=10.244.%d.%d", i != 0 ? " " : "", i, i / 250,
			      i % 250);
	}
	rig_slice(rig, "default", "web-4", "web", "http/TCP/80", buffer_text(&endpoints));
	rig->tcp = true;
	assert_int_equal(count_lines(rig_ask(rig, WEB, RR_A), "\nan "), (65535 - 12 - 35) / 16);
	assert_true((get_u16(rig->answer + 2) & DNS_TC) != 0);
	(void)rig_ask(rig, WEB, RR_SRV);
	assert_true((get_u16(rig->answer + 2) & DNS_TC) != 0);
}

/* Pointers reach 16383 bytes; targets further behind are spelled out for their addresses. */
static void addresses_of_far_targets_have_whole_names(void **state)
{
	struct rig *rig = *state;
	_cleanup_buffer_ struct buffer endpoints = BUFFER_INIT(1 << 20);

	for (int i = 0; i < 400; i++) {
		buffer_printf(&endpoints, "%sp-%d=10.244.%d.%d", i != 0 ? " " : "", i, i / 250,
			      i % 250);
	}
	rig_slice(rig, "default", "web-4", "web", "http/TCP/80", buffer_text(&endpoints));
	rig_remove(rig, "EndpointSlice", "default", "web-6");
	rig->tcp = true;
	const char *text = rig_ask(rig, "_http._tcp." WEB, RR_SRV);

	assert_true(rig->answer_n > DNS_POINTER_MAX);
	assert_int_equal(count_lines(text, "\nan "), 400);
	assert_int_equal(count_lines(text, "\nar p-"), 400);
	assert_non_null(strstr(text, "\nar p-399." WEB ". 5 A 10.244.1.149"));
}

/* ---- upstream ---- */

/* A reply to `name`: its header and question; records follow. */
static struct dns_writer begin_reply(uint8_t *packet, const char *name, uint16_t type,
				     uint16_t flags)
{
	struct rig plain = { 0 };
	struct dns_writer writer = { .p = packet, .n = rig_query(&plain, name, type, packet) };

	set_u16(packet + 2, (uint16_t)(DNS_QR | flags));
	return writer;
}

static void put_a(struct dns_writer *writer, size_t owner, uint32_t address)
{
	put_pointer(writer, owner);
	put_record_head(writer, RR_A, 60, 4);
	put_u32(writer, address);
	writer->p[7]++;
}

static void what_the_upstream_says_is_passed_on(void **state)
{
	struct rig *rig = *state;
	uint8_t packet[2048];
	struct dns_writer writer = begin_reply(packet, "www.example.org", RR_A, DNS_RA);

	rig->options.forward = true;
	put_a(&writer, DNS_HEADER, 0xc0000201);
	rig->reply = (struct dns_reply){ .packet = packet, .n = writer.n };
	assert_string_equal(rig_ask(rig, "WWW.example.ORG", RR_A),
			    "NOERROR ra\nan WWW.example.ORG. 60 A 192.0.2.1");
	assert_int_equal(rig->asked.type, RR_A);
	assert_true(rig->asked.recursion_desired);
	/* Garbage from upstream does not get further. */
	for (size_t n = 0; n < writer.n; n++) {
		uint8_t *cut = mem_copy(packet, n + 1);

		rig->reply = (struct dns_reply){ .packet = cut, .n = n };
		assert_string_equal(rig_ask(rig, "www.example.org", RR_A), "SERVFAIL ra");
		mem_free(cut);
	}
	/* More than the client takes: whole records, and TC. */
	for (uint32_t i = 2; i < 60; i++) {
		put_a(&writer, DNS_HEADER, 0xc0000200 + i);
	}
	rig->reply = (struct dns_reply){ .packet = packet, .n = writer.n };
	const char *text = rig_ask(rig, "www.example.org", RR_A);

	assert_int_equal(strncmp(text, "NOERROR tc ra", 13), 0);
	assert_int_equal(count_lines(text, "\nan "), (512 - 12 - 21) / 16);
	assert_string_equal(rig_ask(rig, "www.example.net", RR_A), "SERVFAIL ra");
	rig->edns = true;
	rig->reply = (struct dns_reply){ .failure = "nobody is there", .failure_code = 22 };
	assert_string_equal(rig_ask(rig, "www.example.net", RR_A),
			    "SERVFAIL ra\nopt size=1232 ede=22 \"nobody is there\"");
}

static void an_alias_is_followed_upstream(void **state)
{
	struct rig *rig = *state;
	uint8_t packet[2048];
	struct dns_writer writer = begin_reply(packet, "www.example.org", RR_A, 0);
	size_t target;

	rig->options.forward = true;
	/*
	 * www.example.org CNAME cdn.example.org, cdn.example.org A, compressed as a server would.
	 */
	put_pointer(&writer, DNS_HEADER);
	put_record_head(&writer, RR_CNAME, 60, 6);
	target = writer.n;
	put_str(&writer, STR("\3cdn"));
	put_pointer(&writer, DNS_HEADER + 4);
	packet[7]++;
	put_a(&writer, target, 0xc0000201);
	rig->reply = (struct dns_reply){ .packet = packet, .n = writer.n };
	assert_string_equal(rig_ask(rig, OUT, RR_A),
			    "NOERROR aa ra\nan cdn.example.org. 60 A 192.0.2.1\n"
			    "an " OUT ". 5 CNAME www.example.org.\n"
			    "an www.example.org. 60 CNAME cdn.example.org.");
	for (size_t n = 0; n < writer.n; n++) {
		uint8_t *cut = mem_copy(packet, n + 1);

		rig->reply = (struct dns_reply){ .packet = cut, .n = n };
		(void)rig_ask(rig, OUT, RR_A);
		mem_free(cut);
	}
	(void)begin_reply(packet, "www.example.org", RR_A, DNS_NXDOMAIN);
	rig->reply = (struct dns_reply){ .packet = packet, .n = writer.n };
	assert_string_equal(rig_ask(rig, OUT, RR_A),
			    "NOERROR aa ra\nan " OUT ". 5 CNAME www.example.org.");
	rig->reply = (struct dns_reply){ .failure = "nobody is there", .failure_code = 22 };
	assert_string_equal(rig_ask(rig, OUT, RR_A),
			    "SERVFAIL aa ra\nan " OUT ". 5 CNAME www.example.org.");
}

/* Changed bits of good queries, asked over both transports; the sanitizers look on. */
static void damaged_queries_are_survived(void **state)
{
	static const char *const names[] = { WEB,
					     "_http._tcp." WEB,
					     OUT,
					     "p-1." WEB,
					     "1.0.244.10.in-addr.arpa",
					     "10-0-0-1.default.pod.cluster.local",
					     "cluster.local" };
	struct rig *rig = *state;
	struct random_state random;
	unsigned answers = 0;

	random_state_seed(&random, 3);
	for (int i = 0; i < 20000; i++) {
		rig->edns = random_below(&random, 2) == 0;
		rig->tcp = random_below(&random, 2) == 0;
		size_t n = make(rig, names[random_below(&random, ARRAY_SIZE(names))],
				(uint16_t)random_below(&random, 260));
		uint8_t *copy;

		for (unsigned k = random_below(&random, 4); k > 0; k--) {
			rig->query[random_below(&random, (uint32_t)n)] ^=
				(uint8_t)(1 << random_below(&random, 8));
		}
		n -= random_below(&random, 8) == 0 ? random_below(&random, (uint32_t)n) : 0;
		copy = mem_copy(rig->query, n);
		answers += strcmp(rig_send(rig, copy, n), "no answer") != 0;
		check_size(rig, rig->tcp ? 65535 : 1232);
		mem_free(copy);
	}
	assert_true(answers > 10000);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(answers_and_scraps_are_dropped),
		CASE(a_query_cut_short_anywhere_is_an_error),
		CASE(a_header_that_asks_for_something_else_is_refused),
		CASE(a_pointer_in_the_question_is_an_error),
		CASE(edns_is_answered_with_edns_and_nothing_else),
		CASE(no_answer_is_larger_than_allowed),
		CASE(dropping_mere_extras_sets_no_tc),
		CASE(a_set_begins_anywhere),
		CASE(huge_sets_end_where_tcp_ends),
		CASE(addresses_of_far_targets_have_whole_names),
		CASE(what_the_upstream_says_is_passed_on),
		CASE(an_alias_is_followed_upstream),
		CASE(damaged_queries_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
