/* SPDX-License-Identifier: Apache-2.0 */
/* Zone transfers as messages: who gets one, what is in it, and that it is of one moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/ip.h"
#include "base/mem.h"
#include "base/snapshot.h"
#include "dns/test-rig.h"
#include "dns/transfer.h"
#include "dns/wire.h"

enum { TEXT_MAX = 64 << 20 };

static const struct ip_network client = { .ip = { .n = 4, .bytes = { 192, 0, 2, 0 } }, .bits = 24 };
static const struct ip_network nobody = { .ip = { .n = 4, .bytes = { 10 } }, .bits = 8 };

static void allow(struct rig *rig, const struct ip_network *network)
{
	rig->options.transfer_to = network;
	rig->options.n_transfer_to = 1;
	rig->tcp = true;
}

/* A transfer under way, as a server has it. */
struct run {
	struct zone_image *image;
	struct dns_transfer state;
	uint8_t query[512];
	size_t n;
	size_t messages;
};

static void run_begin(struct rig *rig, struct run *run, const char *zone, uint16_t type)
{
	*run = (struct run){ 0 };
	run->n = rig_query(rig, zone, type, run->query);
	assert_string_equal(rig_send(rig, run->query, run->n), "a transfer");
	assert_int_equal(zone_image_open(rig->zone, &rig->asked.name, &run->image), 0);
}

/* The next message, into rig->answer. */
static void run_next(struct rig *rig, struct run *run)
{
	static const uint8_t address[4] = { 192, 0, 2, 1 };
	struct dns_transport transport = { .tcp = true, .client = address, .client_n = 4 };

	memcpy(rig->query, run->query, run->n);
	rig->answer_n = dns_transfer_next(&rig->options, rig->zone, run->query, run->n, transport,
					  run->image, &run->state, rig->answer);
	assert_true(rig->answer_n <= LIMIT_DNS_TRANSFER_MESSAGE);
	run->messages++;
}

/* What is left of it as lines, one a record, and closes it. */
static char *run_end(struct rig *rig, struct run *run)
{
	_cleanup_buffer_ struct buffer all = BUFFER_INIT(TEXT_MAX);

	while (!run->state.ended) {
		const char *text;

		run_next(rig, run);
		text = rig_print(rig);
		assert_memory_equal(text, "NOERROR aa", 10);
		buffer_append_text(&all, text + 10);
	}
	buffer_append_char(&all, '\n');
	zone_image_close(run->image);
	return buffer_take(&all, NULL);
}

static char *transfer(struct rig *rig, const char *zone)
{
	struct run run;

	run_begin(rig, &run, zone, RR_AXFR);
	return run_end(rig, &run);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part)) {
		n++;
	}
	return n;
}

static struct rig *small(void)
{
	struct rig *rig =
		rig_new_config(&(struct zone_config){ .pods = ZONE_PODS_INSECURE,
						      .zonal = true,
						      .clusterset_domain = "clusterset.local" });
	struct ip own;

	assert_true(ip_parse(STR("127.0.0.1"), &own));
	zone_set_own(rig->zone, &own, 1);
	rig_namespace(rig, "default");
	rig_service(rig, "default", "api", "10.96.0.7,fd00::7", "https/TCP/443 /UDP/53");
	rig_service(rig, "default", "web", "None", "http/TCP/80");
	rig_slice(rig, "default", "web-1", "web", "http/TCP/80",
		  "web-0=10.244.0.1@here -=10.244.0.2 web-2=10.244.0.3!");
	rig_service(rig, "default", "empty", "None", "http/TCP/80");
	rig_service(rig, "elsewhere", "lost", "10.96.0.9", "http/TCP/80");
	rig_external(rig, "default", "out", "www.example.org");
	rig_external(rig, "default", "loop", "default.svc.cluster.local");
	allow(rig, &client);
	return rig;
}

static void a_transfer_has_all_there_is_between_two_soas(void **state)
{
	static const char *const lines[] = {
		"an " Z " 5 NS ns.dns." Z,
		"an ns.dns." Z " 5 A 127.0.0.1",
		"an dns-version." Z " 28800 TYPE16/1.1.0",
		"an api.default.svc." Z " 5 A 10.96.0.7",
		"an api.default.svc." Z " 5 AAAA fd00::7",
		"an api.default.svc." Z " 5 SRV 0 25 443 api.default.svc." Z,
		"an api.default.svc." Z " 5 SRV 0 25 53 api.default.svc." Z,
		"an _https._tcp.api.default.svc." Z " 5 A 10.96.0.7",
		"an _https._tcp.api.default.svc." Z " 5 AAAA fd00::7",
		"an _https._tcp.api.default.svc." Z " 5 SRV 0 50 443 api.default.svc." Z,
		"an web.default.svc." Z " 5 A 10.244.0.1",
		"an web.default.svc." Z " 5 A 10.244.0.2",
		"an web.default.svc." Z " 5 SRV 0 50 80 web-0.web.default.svc." Z,
		"an web.default.svc." Z " 5 SRV 0 50 80 10-244-0-2.web.default.svc." Z,
		"an _http._tcp.web.default.svc." Z " 5 A 10.244.0.1",
		"an _http._tcp.web.default.svc." Z " 5 A 10.244.0.2",
		"an _http._tcp.web.default.svc." Z " 5 SRV 0 50 80 web-0.web.default.svc." Z,
		"an _http._tcp.web.default.svc." Z " 5 SRV 0 50 80 10-244-0-2.web.default.svc." Z,
		"an web-0.web.default.svc." Z " 5 A 10.244.0.1",
		"an web-0.web.default.svc." Z " 5 SRV 0 100 80 web-0.web.default.svc." Z,
		"an 10-244-0-2.web.default.svc." Z " 5 A 10.244.0.2",
		"an 10-244-0-2.web.default.svc." Z " 5 SRV 0 100 80 10-244-0-2.web.default.svc." Z,
		"an out.default.svc." Z " 5 CNAME www.example.org.",
	};
	struct rig *rig = small();
	char *all = transfer(rig, "cluster.local");

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char *line = mem_printf("\n%s\n", lines[i]);

		if (count(all, line) != 1) {
			print_error("%s", line);
		}
		assert_int_equal(count(all, line), 1);
		mem_free(line);
	}
	assert_int_equal(count(all, " SOA "), 2);
	assert_int_equal(count(all, "\n"), ARRAY_SIZE(lines) + 3);
	mem_free(all);
	rig_free(rig);
}

/* The first record and the last; inside a message lines are sorted, so the bytes are looked at. */
static void the_soa_comes_first_and_last_with_one_serial(void **state)
{
	struct rig *rig = small();
	struct dns_record record = { 0 };
	struct run run;
	uint32_t serials[2];

	run_begin(rig, &run, "Cluster.LOCAL", RR_AXFR);
	run_next(rig, &run);
	size_t cursor = DNS_HEADER + strlen("cluster.local") + 2 + DNS_QUESTION_TAIL;
	uint16_t n = get_u16(rig->answer + 6);

	for (uint16_t i = 0; i < n; i++) {
		assert_int_equal(dns_record_read(rig->answer, rig->answer_n, &cursor, &record), 0);
		assert_int_equal(record.type == RR_SOA, i == 0 || i == n - 1);
		if (record.type == RR_SOA) {
			serials[i != 0] = get_u32(rig->answer + record.end - 20);
		}
	}
	assert_true(run.state.ended);
	assert_int_equal(serials[0], serials[1]);
	struct zone_stats stats;

	zone_stats(rig->zone, &stats);
	assert_int_equal(serials[0], stats.serial);
	zone_image_close(run.image);
	rig_free(rig);
}

/* "NAME TTL TYPE DATA" of one line, asked for: the answer has the same line. */
static void check_line(struct rig *rig, char *line)
{
	static const struct {
		const char *word;
		uint16_t type;
	} types[] = {
		{ "A", RR_A },   { "AAAA", RR_AAAA }, { "SRV", RR_SRV },     { "PTR", RR_PTR },
		{ "NS", RR_NS }, { "SOA", RR_SOA },   { "CNAME", RR_CNAME },
	};
	char name[NAME_TEXT];
	char word[16];
	uint16_t type = RR_TXT;

	assert_int_equal(sscanf(line, "an %256s %*u %15s", name, word), 2);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		type = strcmp(word, types[i].word) == 0 ? types[i].type : type;
	}
	name[strlen(name) - 1] = '\0';
	if (strstr(rig_ask(rig, name, type), line) == NULL) {
		print_error("%s\nis not in\n%s\n", line, rig->text);
		fail();
	}
}

static void every_record_of_a_transfer_is_answered_with(void **state)
{
	static const char *const zones[] = { "cluster.local", "96.10.in-addr.arpa",
					     "244.10.in-addr.arpa", "0.0.d.f.ip6.arpa",
					     "clusterset.local" };
	struct rig *rig = small();

	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		char *all = transfer(rig, zones[i]);
		struct str rest = { .p = all + 1, .n = strlen(all) - 2 };

		assert_true(count(all, "\n") >= 4);
		while (rest.n != 0) {
			char *line = str_dup(str_cut(&rest, '\n'));

			check_line(rig, line);
			mem_free(line);
		}
		mem_free(all);
	}
	rig_free(rig);
}

static void a_reverse_zone_has_its_pointers(void **state)
{
	struct rig *rig = small();
	char *all = transfer(rig, "244.10.in-addr.arpa");

	assert_int_equal(
		count(all, "\nan 1.0.244.10.in-addr.arpa. 5 PTR web-0.web.default.svc." Z "\n"), 1);
	assert_int_equal(count(all, " PTR "), 2);
	assert_int_equal(count(all, "\nan 244.10.in-addr.arpa. 5 NS ns.dns." Z "\n"), 1);
	mem_free(all);
	all = transfer(rig, "0.0.d.f.ip6.arpa");
	assert_int_equal(count(all, " PTR api.default.svc." Z "\n"), 1);
	assert_non_null(strstr(all, "\nan 7.0.0.0.0.0.0.0.0.0."));
	mem_free(all);
	rig_free(rig);
}

/* Slices `from` … `to` of 100 endpoints each, all in network 10.244+`net`.0.0/16. */
static void put_slices(struct rig *rig, unsigned from, unsigned to, unsigned net)
{
	for (unsigned i = from; i < to; i++) {
		_cleanup_buffer_ struct buffer text = BUFFER_INIT(1 << 20);
		char name[32];

		for (unsigned k = 0; k < 100; k++) {
			buffer_printf(&text, "%spod-%u-%u=10.%u.%u.%u", k != 0 ? " " : "", i, k,
				      244 + net, i, k);
		}
		snprintf(name, sizeof(name), "large-%u", i);
		rig_slice(rig, "default", name, "large", "http/TCP/80", buffer_text(&text));
	}
}

static void an_image_stays_what_it_was(void **state)
{
	enum { SLICES = 20, ENDPOINTS = 100 * SLICES };
	struct rig *rig = small();
	struct run run;
	struct run later;
	char *text;

	rig_service(rig, "default", "large", "None", "http/TCP/80");
	put_slices(rig, 0, SLICES, 0);
	run_begin(rig, &run, "cluster.local", RR_AXFR);
	run_next(rig, &run);
	assert_false(run.state.ended);
	for (unsigned i = 0; i < SLICES; i++) {
		put_slices(rig, i, i + 1, 1);
		if (i == SLICES / 2) {
			run_begin(rig, &later, "cluster.local", RR_AXFR);
		}
	}
	rig_remove(rig, "Service", "default", "large");
	rig_remove(rig, "Service", "default", "web");
	snapshot_barrier();
	text = run_end(rig, &run);
	/* The first message is gone; nothing of what came later is in the others. */
	assert_true(run.messages > 10);
	assert_int_equal(count(text, " A 10.245."), 0);
	assert_true(count(text, " A 10.244.") > 2 * ENDPOINTS);
	mem_free(text);
	snapshot_barrier();
	text = run_end(rig, &later);
	/* Of the Service, of its port, of the endpoint. */
	assert_int_equal(count(text, " A 10.245."), 3 * 100 * (SLICES / 2 + 1));
	assert_int_equal(count(text, " A 10.244."), 3 * (100 * (SLICES / 2 - 1)) + 6);
	mem_free(text);
	text = transfer(rig, "cluster.local");
	assert_int_equal(count(text, "large"), 0);
	mem_free(text);
	rig_free(rig);
}

static void pointers_stay_what_they_were(void **state)
{
	struct rig *rig = small();
	struct run run;
	char *text;

	rig_service(rig, "default", "large", "None", "http/TCP/80");
	put_slices(rig, 0, 10, 0);
	run_begin(rig, &run, "244.10.in-addr.arpa", RR_AXFR);
	put_slices(rig, 0, 10, 1);
	snapshot_barrier();
	text = run_end(rig, &run);
	assert_int_equal(count(text, " PTR pod-"), 1000);
	mem_free(text);
	text = transfer(rig, "244.10.in-addr.arpa");
	assert_int_equal(count(text, " PTR pod-"), 0);
	mem_free(text);
	rig_free(rig);
}

static void one_moment_is_one_image_and_moments_are_few(void **state)
{
	struct rig *rig = small();
	struct zone_image *images[LIMIT_ZONE_IMAGES];
	struct zone_image *again;

	for (size_t i = 0; i < LIMIT_ZONE_IMAGES; i++) {
		assert_int_equal(zone_image_open(rig->zone, zone_domain(rig->zone), &images[i]), 0);
		assert_int_equal(zone_image_open(rig->zone, zone_domain(rig->zone), &again), 0);
		assert_ptr_equal(again, images[i]);
		zone_image_close(again);
		put_slices(rig, 0, 1, (unsigned)i % 2);
		rig_service(rig, "default", "large", i % 2 == 0 ? "None" : "10.96.0.2", "");
	}
	assert_int_equal(zone_image_open(rig->zone, zone_domain(rig->zone), &again),
			 ZONE_IMAGE_TOO_MANY);
	/* In the middle first: what it kept goes to those that are older. */
	for (size_t i = 0; i < LIMIT_ZONE_IMAGES; i++) {
		zone_image_close(images[(i + 3) % LIMIT_ZONE_IMAGES]);
	}
	assert_int_equal(zone_image_open(rig->zone, zone_domain(rig->zone), &again), 0);
	zone_image_close(again);
	rig_free(rig);
}

static void an_image_that_keeps_too_much_is_expired(void **state)
{
	struct rig *rig = small();
	struct zone_image *image;

	rig_service(rig, "default", "large", "None", "http/TCP/80");
	put_slices(rig, 0, 20, 0);
	assert_int_equal(zone_image_open(rig->zone, zone_domain(rig->zone), &image), 0);
	assert_false(zone_image_is_expired(image));
	for (unsigned i = 0; i < 4000 && !zone_image_is_expired(image); i++) {
		put_slices(rig, i % 2, i % 2 + 1, i / 2 % 2 + 1);
	}
	assert_true(zone_image_is_expired(image));
	zone_image_close(image);
	rig_free(rig);
}

static void not_everybody_gets_one(void **state)
{
	struct rig *rig = small();

	allow(rig, &nobody);
	rig->edns = true;
	assert_string_equal(rig_ask(rig, "cluster.local", RR_AXFR),
			    "REFUSED\nopt size=1232 ede=18 \"zone transfers are not for this "
			    "address\"");
	assert_string_equal(rig_ask(rig, "example.org", RR_IXFR),
			    "REFUSED\nopt size=1232 ede=18 \"zone transfers are not for this "
			    "address\"");
	rig->options.n_transfer_to = 0;
	assert_memory_equal(rig_ask(rig, "cluster.local", RR_AXFR), "REFUSED", 7);
	rig_free(rig);
}

static void only_zones_of_ours_are_transferred(void **state)
{
	struct rig *rig = small();

	CHECK(rig, { "example.org", RR_AXFR, "NOTAUTH" }, { "local", RR_AXFR, "NOTAUTH" },
	      { "svc.cluster.local", RR_AXFR, "NOTAUTH" },
	      { "web.default.svc.cluster.local", RR_AXFR, "NOTAUTH" },
	      { "10.in-addr.arpa", RR_AXFR, "NOTAUTH" },
	      { "1.0.244.10.in-addr.arpa", RR_AXFR, "NOTAUTH" },
	      { "clusterset.local", RR_AXFR, "a transfer" },
	      { "244.10.in-addr.arpa", RR_AXFR, "a transfer" },
	      /* Over TCP an IXFR says which serial it has. */
	      { "cluster.local", RR_IXFR, "FORMERR" });
	rig->tcp = false;
	CHECK(rig, { "cluster.local", RR_AXFR, "FORMERR" });
	rig_free(rig);
	rig = rig_new_unsynced();
	allow(rig, &client);
	CHECK(rig, { "cluster.local", RR_AXFR, "SERVFAIL" });
	rig_free(rig);
}

/* An IXFR of a client that has `serial`. */
static const char *ask_ixfr(struct rig *rig, uint32_t serial)
{
	struct dns_writer writer = { .p = rig->query, .limit = sizeof(rig->query) };

	writer.n = rig_query(rig, "cluster.local", RR_IXFR, rig->query);
	set_u16(rig->query + 8, 1);
	put_pointer(&writer, DNS_HEADER);
	put_record_head(&writer, RR_SOA, 0, 2 + 2 + 20);
	put_pointer(&writer, DNS_HEADER);
	put_pointer(&writer, DNS_HEADER);
	put_u32(&writer, serial);
	for (size_t i = 0; i < 4; i++) {
		put_u32(&writer, 0);
	}
	rig->query_n = writer.n;
	return rig_send(rig, rig->query, rig->query_n);
}

static void an_ixfr_of_who_is_current_is_the_soa(void **state)
{
	static const char soa[] =
		"NOERROR aa\nan " Z " 5 SOA ns.dns." Z " hostmaster." Z " 7200 1800 86400 5";
	struct rig *rig = small();
	struct zone_stats stats;

	zone_stats(rig->zone, &stats);
	assert_string_equal(ask_ixfr(rig, stats.serial), soa);
	assert_string_equal(ask_ixfr(rig, stats.serial + 1), soa);
	assert_string_equal(ask_ixfr(rig, stats.serial - 1), "a transfer");
	rig->tcp = false;
	assert_string_equal(ask_ixfr(rig, stats.serial - 1), soa);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transfer_has_all_there_is_between_two_soas),
		cmocka_unit_test(the_soa_comes_first_and_last_with_one_serial),
		cmocka_unit_test(every_record_of_a_transfer_is_answered_with),
		cmocka_unit_test(a_reverse_zone_has_its_pointers),
		cmocka_unit_test(an_image_stays_what_it_was),
		cmocka_unit_test(pointers_stay_what_they_were),
		cmocka_unit_test(one_moment_is_one_image_and_moments_are_few),
		cmocka_unit_test(an_image_that_keeps_too_much_is_expired),
		cmocka_unit_test(not_everybody_gets_one),
		cmocka_unit_test(only_zones_of_ours_are_transferred),
		cmocka_unit_test(an_ixfr_of_who_is_current_is_the_soa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
