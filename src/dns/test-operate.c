/* SPDX-License-Identifier: Apache-2.0 */
/* The server as something to operate: what is counted, of queries, changes and upstreams. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "dns/test-system.h"
#include "dns/wire.h"
#include "zone/programming.h"

static uint8_t answer[65536];

static uint64_t total(const struct counter *counters, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += counter_get(&counters[i]);
	}
	return sum;
}

static size_t type_index(const char *name)
{
	size_t i = 0;

	while (strcmp(dns_type_names[i], name) != 0) {
		i++;
	}
	return i;
}

static void every_type_has_its_name_and_the_rest_is_other(void **state)
{
	static const struct {
		uint16_t type;
		const char *name;
	} rows[] = {
		{ 1, "A" },       { 28, "AAAA" },  { 5, "CNAME" },     { 48, "DNSKEY" },
		{ 43, "DS" },     { 15, "MX" },    { 47, "NSEC" },     { 50, "NSEC3" },
		{ 2, "NS" },      { 12, "PTR" },   { 6, "SOA" },       { 33, "SRV" },
		{ 16, "TXT" },    { 65, "HTTPS" }, { 46, "RRSIG" },    { 64, "SVCB" },
		{ 251, "IXFR" },  { 252, "AXFR" }, { 255, "ANY" },     { 0, "other" },
		{ 256, "other" }, { 99, "other" }, { 65535, "other" },
	};
	struct dns_stats *stats = MEM_NEW(struct dns_stats);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dns_report report = { .type = rows[i].type, .place = DNS_PLACE_OUTSIDE };
		const struct counter *counter =
			&stats->places[DNS_PLACE_OUTSIDE]
				 .requests[DNS_PROTO_TCP][DNS_FAMILY_6][type_index(rows[i].name)];
		uint64_t before = counter_get(counter);

		dns_stats_request(stats, &report, DNS_PROTO_TCP, DNS_FAMILY_6, 40);
		assert_int_equal(counter_get(counter), before + 1);
	}
	mem_free(stats);
}

static void a_bound_belongs_to_the_bucket_below_it(void **state)
{
	struct dns_stats *stats = MEM_NEW(struct dns_stats);
	struct dns_report report = { .rcode = DNS_BADVERS };
	struct dns_place_stats *place = &stats->places[DNS_PLACE_CLUSTER];
	struct dns_sizes *sizes = &place->response_size[DNS_PROTO_UDP];
	struct dns_times *times = &place->duration;

	for (size_t i = 0; i < DNS_SIZE_BUCKETS; i++) {
		dns_stats_response(stats, &report, DNS_PROTO_UDP, dns_size_bounds[i]);
		assert_int_equal(counter_get(&sizes->buckets[i]), i == 0 ? 1 : 2);
		dns_stats_response(stats, &report, DNS_PROTO_UDP, dns_size_bounds[i] + 1U);
		assert_int_equal(counter_get(&sizes->buckets[i + 1]), 1);
	}
	assert_int_equal(counter_get(&place->responses[DNS_BADVERS]), 2 * DNS_SIZE_BUCKETS);
	dns_times_note(times, 250000, 32);
	dns_times_note(times, 250001, 3);
	dns_times_note(times, UINT64_C(60000000000), 1);
	assert_int_equal(counter_get(&times->buckets[0]), 32);
	assert_int_equal(counter_get(&times->buckets[1]), 3);
	assert_int_equal(counter_get(&times->buckets[DNS_TIME_BUCKETS]), 1);
	assert_int_equal(counter_get(&times->sum), 32 * 250000 + 3 * 250001 + 60000000000);
	mem_free(stats);
}

static void queries_and_answers_are_counted_where_they_belong(void **state)
{
	struct system *system = system_start("127.0.0.1:0", 2, NULL);
	struct dns_stats *stats = MEM_NEW(struct dns_stats);
	const struct dns_place_stats *cluster = &stats->places[DNS_PLACE_CLUSTER];
	struct dns_server_stats all;
	uint8_t packet[512];
	int udp = system_dial(system, SOCK_DGRAM);
	int tcp = system_dial(system, SOCK_STREAM);
	size_t n = frame(SYSTEM_NAME, RR_A, 9, packet);

	(void)ask_udp(udp, SYSTEM_NAME, RR_A, answer);
	(void)ask_udp(udp, "nope." SYSTEM_NAME, RR_AAAA, answer);
	(void)ask_udp(udp, "1.0.244.10.in-addr.arpa", RR_PTR, answer);
	(void)ask_udp(udp, "www.example.org", RR_A, answer);
	assert_int_equal(send(tcp, packet, n, 0), n);
	(void)read_frame(tcp, answer);
	/* The workers have ended, so that everything is counted. */
	dns_server_stop(system->server);

	assert_int_equal(dns_server_labels(system->server), 1);
	dns_server_label_stats(system->server, 0, stats);
	assert_int_equal(strncmp(dns_server_label(system->server, 0), "dns://127.0.0.1:", 16), 0);
	assert_int_equal(counter_get(&cluster->requests[DNS_PROTO_UDP][DNS_FAMILY_4][0]), 1);
	assert_int_equal(counter_get(&cluster->requests[DNS_PROTO_UDP][DNS_FAMILY_4][1]), 1);
	assert_int_equal(counter_get(&cluster->requests[DNS_PROTO_TCP][DNS_FAMILY_4][0]), 1);
	assert_int_equal(total(cluster->requests[DNS_PROTO_UDP][DNS_FAMILY_6], DNS_TYPES), 0);
	assert_int_equal(counter_get(&cluster->responses[DNS_NOERROR]), 2);
	assert_int_equal(counter_get(&cluster->responses[DNS_NXDOMAIN]), 1);
	assert_int_equal(total(cluster->duration.buckets, DNS_TIME_BUCKETS + 1), 3);
	assert_true(counter_get(&cluster->duration.sum) > 0);
	assert_int_equal(counter_get(&cluster->request_size[DNS_PROTO_TCP].sum), n - 2);
	assert_int_equal(total(cluster->response_size[DNS_PROTO_UDP].buckets, DNS_SIZE_BUCKETS + 1),
			 2);
	assert_int_equal(counter_get(&stats->places[DNS_PLACE_IN_ADDR].responses[DNS_NOERROR]), 1);
	assert_int_equal(counter_get(&stats->places[DNS_PLACE_NONE].responses[DNS_REFUSED]), 1);
	dns_server_stats(system->server, &all);
	assert_int_equal(all.rcodes[DNS_NOERROR], 3);
	close(udp);
	close(tcp);
	system_stop(system);
	mem_free(stats);
}

/* A server that is not started; NULL when another program has one of the addresses. */
static struct dns_server *listen_to(const char *const *listen, size_t n, struct rig *rig)
{
	struct dns_server_config config = { .listen = listen, .n_listen = n, .workers = 1 };
	struct dns_server *server = NULL;
	char message[DNS_MESSAGE];

	(void)dns_server_new(&config, rig->zone, NULL, &server, message);
	return server;
}

/* "dns://:53" stands for every address, of both families. */
static void wildcard_addresses_share_a_label(void **state)
{
	const char *any = "0.0.0.0:0";
	struct rig *rig = rig_new();
	struct dns_server *server = NULL;
	char port[16] = "";

	/* A port that one family has free may be somebody's in the other, or become it. */
	for (int i = 0; i < 100 && server == NULL; i++) {
		struct dns_server *first = listen_to(&any, 1, rig);

		assert_non_null(first);
		snprintf(port, sizeof(port), "%s", strrchr(dns_server_address(first, 0), ':'));
		dns_server_free(first);
		_cleanup_free_ char *four = mem_printf("0.0.0.0%s", port);
		_cleanup_free_ char *six = mem_printf("[::]%s", port);
		const char *listen[] = { four, "[::1]:0", six };

		server = listen_to(listen, 3, rig);
	}
	_cleanup_free_ char *expected = mem_printf("dns://%s", port);

	assert_non_null(server);
	assert_int_equal(dns_server_labels(server), 2);
	assert_string_equal(dns_server_label(server, 0), expected);
	assert_int_equal(strncmp(dns_server_label(server, 1), "dns://[::1]:", 12), 0);
	dns_server_free(server);
	rig_free(rig);
}

/* ---- limits ---- */

struct tally {
	unsigned answers;
	unsigned hints; /* that TCP would be answered */
};

/* What is here, of answers to a question of `n` bytes. */
static void tally(int fd, size_t n, struct tally *tally)
{
	ssize_t got;

	while ((got = recv(fd, answer, sizeof(answer), MSG_DONTWAIT)) > 0) {
		if ((get_u16(answer + 2) & DNS_TC) != 0) {
			assert_int_equal(get_u16(answer + 6), 0);
			assert_true((size_t)got <= n);
			tally->hints++;
		} else {
			tally->answers++;
		}
	}
}

/* Sends so many questions and takes what comes, until each is answered or counted as not. */
static struct tally ask_all(const struct system *system, int fd, unsigned questions)
{
	uint64_t end = clock_monotonic(&clock_system) + 60 * NS_PER_S;
	struct tally all = { 0 };
	struct dns_server_stats stats;
	uint8_t packet[512];
	size_t n;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ 1024 * 1024 }, sizeof(int));
	for (uint16_t i = 0; i < questions; i++) {
		n = question(SYSTEM_NAME, RR_A, i, packet);
		assert_int_equal(send(fd, packet, n, 0), n);
		tally(fd, n, &all);
	}
	do {
		struct pollfd readable = { .fd = fd, .events = POLLIN };

		(void)poll(&readable, 1, 10);
		dns_server_stats(system->server, &stats);
		tally(fd, n, &all);
	} while (all.answers + all.hints + stats.limited < questions &&
		 clock_monotonic(&clock_system) < end);
	return all;
}

static void who_asks_too_much_is_told_to_come_back(void **state)
{
	enum { RATE = 20, QUESTIONS = 300 };
	const char *listen = "127.0.0.1:0";
	struct dns_server_config config = {
		.listen = &listen,
		.n_listen = 1,
		.workers = 1,
		.rate_limit = RATE,
	};
	struct system *system = system_start_config(&config, NULL);
	struct dns_server_stats stats;
	uint8_t packet[512];
	int udp = system_dial(system, SOCK_DGRAM);
	int tcp = system_dial(system, SOCK_STREAM);
	uint64_t began = clock_monotonic(&clock_system);
	struct tally all = ask_all(system, udp, QUESTIONS);
	uint64_t took = clock_monotonic(&clock_system) - began;
	size_t n;

	/* What time gave back meanwhile comes on top. */
	assert_in_range(all.answers, RATE, RATE + RATE * (took / NS_PER_S + 1));
	/* Of the others, chance gives a hint to one in two. */
	assert_in_range(all.hints, (QUESTIONS - all.answers) / 4, QUESTIONS - RATE);
	/* And over TCP, there is an answer. */
	n = frame(SYSTEM_NAME, RR_A, 1, packet);
	assert_int_equal(send(tcp, packet, n, 0), n);
	(void)read_frame(tcp, answer);
	assert_int_equal(get_u16(answer + 6), 2);
	dns_server_stop(system->server);
	dns_server_stats(system->server, &stats);
	assert_int_equal(stats.hinted, all.hints);
	assert_int_equal(stats.limited, QUESTIONS - all.answers - all.hints);
	assert_int_equal(stats.dropped, 0);
	close(udp);
	close(tcp);
	system_stop(system);
}

static void inside_nobody_counts(void **state)
{
	enum { RATE = 20, QUESTIONS = 300 };
	const char *listen = "127.0.0.1:0";
	const char *exempt = "127.0.0.0/24";
	struct dns_server_config config = {
		.listen = &listen,
		.n_listen = 1,
		.workers = 1,
		.rate_limit = RATE,
		.rate_exempt = &exempt,
		.n_rate_exempt = 1,
	};
	struct system *system = system_start_config(&config, NULL);
	int udp = system_dial(system, SOCK_DGRAM);

	for (uint16_t i = 0; i < QUESTIONS; i++) {
		(void)ask_udp(udp, SYSTEM_NAME, RR_A, answer);
		assert_int_equal(get_u16(answer + 6), 2);
	}
	close(udp);
	system_stop(system);
}

static void a_good_cookie_is_above_the_limit(void **state)
{
	const char *listen = "127.0.0.1:0";
	struct dns_server_config config = {
		.listen = &listen,
		.n_listen = 1,
		.workers = 1,
		.rate_limit = 1,
	};
	struct system *system = system_start_config(&config, NULL);
	struct dns_server_stats stats;
	uint8_t packet[512];
	int udp = system_dial(system, SOCK_DGRAM);
	size_t n = question(SYSTEM_NAME, RR_A, 1, packet);
	struct dns_writer writer = { .p = packet, .n = n };

	/* OPT with a client's cookie; the answer ends in the server's. */
	packet[11] = 1;
	put_bytes(&writer, "\0\0\51\4\320\0\0\0\0\0\34\0\12\0\30client00", 23);
	packet[n + 10] = 12;
	packet[n + 14] = 8;
	assert_int_equal(send(udp, packet, writer.n, 0), writer.n);
	n = (size_t)recv(udp, answer, sizeof(answer), 0);
	packet[writer.n - 12 - 1] = 28;
	packet[writer.n - 8 - 1] = 24;
	put_bytes(&writer, answer + n - 16, 16);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(send(udp, packet, writer.n, 0), writer.n);
		assert_true(recv(udp, answer, sizeof(answer), 0) > 0);
		assert_int_equal(get_u16(answer + 6), 2);
	}
	dns_server_stats(system->server, &stats);
	assert_int_equal(stats.hinted + stats.limited, 0);
	close(udp);
	system_stop(system);
}

static void a_bad_network_is_refused(void **state)
{
	const char *listen = "127.0.0.1:0";
	const char *exempt = "10.0.0.1/8";
	struct dns_server_config config = {
		.listen = &listen,
		.n_listen = 1,
		.rate_exempt = &exempt,
		.n_rate_exempt = 1,
	};
	struct dns_server *server = NULL;
	char message[DNS_MESSAGE];

	assert_int_equal(dns_server_new(&config, NULL, NULL, &server, message), DNS_SERVER_BAD);
	assert_non_null(strstr(message, exempt));
	assert_null(server);
}

/* ---- the zone ---- */

#define SLICE(addresses, trigger)                                                                  \
	"{\"metadata\":{\"name\":\"web-1\",\"namespace\":\"default\",\"labels\":{"                 \
	"\"kubernetes.io/service-name\":\"web\"},\"annotations\":{"                                \
	"\"endpoints.kubernetes.io/last-change-trigger-time\":\"" trigger                          \
	"\"}},\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"" addresses "\"]}]}"

static uint64_t programmed(struct rig *rig, enum zone_service_kind kind)
{
	const struct zone_programming *programming = zone_programming(rig->zone, kind);
	uint64_t n = 0;

	for (size_t i = 0; i <= ZONE_PROGRAMMING_BUCKETS; i++) {
		n += programming->buckets[i];
	}
	return n;
}

static void a_change_of_names_is_timed_from_its_cause(void **state)
{
	static const struct {
		const char *spec;
		enum zone_service_kind kind;
	} rows[] = {
		{ "\"clusterIP\":\"None\",\"selector\":{\"a\":\"b\"}", ZONE_SERVICE_HEADLESS },
		{ "\"clusterIP\":\"None\"", ZONE_SERVICE_HEADLESS_BY_HAND },
		{ "\"clusterIP\":\"10.96.0.1\",\"selector\":{\"a\":\"b\"}",
		  ZONE_SERVICE_CLUSTER_IP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig *rig = rig_new();
		_cleanup_free_ char *service = mem_printf("{\"metadata\":{\"name\":\"web\","
							  "\"namespace\":\"default\"},"
							  "\"spec\":{%s}}",
							  rows[i].spec);
		const struct zone_programming *programming =
			zone_programming(rig->zone, rows[i].kind);

		/* 2026-01-01T00:00:00Z and 3 ms. */
		rig->clock.now = UINT64_C(1767225600003) * NS_PER_MS;
		rig_namespace(rig, "default");
		/* Nothing is known of its Service yet. */
		rig_put(rig, "EndpointSlice", SLICE("10.244.0.1", "2026-01-01T00:00:00Z"));
		rig_put(rig, "Service", service);
		assert_int_equal(programmed(rig, rows[i].kind), 0);
		rig_put(rig, "EndpointSlice", SLICE("10.244.0.2", "2026-01-01T00:00:00Z"));
		assert_int_equal(programmed(rig, rows[i].kind), 1);
		assert_int_equal(programming->buckets[2], 1); /* ≤ 4 ms */
		assert_int_equal(programming->sum, 3 * NS_PER_MS);
		/* The same addresses again change no name; a clock that is ahead took no time. */
		rig_put(rig, "EndpointSlice", SLICE("10.244.0.2", "2025-01-01T00:00:00Z"));
		rig_put(rig, "EndpointSlice", SLICE("10.244.0.3", "2026-01-01T00:00:09Z"));
		rig_put(rig, "EndpointSlice", SLICE("10.244.0.4", "yesterday"));
		assert_int_equal(programmed(rig, rows[i].kind), 2);
		assert_int_equal(programming->buckets[0], 1);
		rig_put(rig, "EndpointSlice", SLICE("10.244.0.5", "2025-12-31T23:00:00.003Z"));
		assert_int_equal(programming->buckets[ZONE_PROGRAMMING_BUCKETS], 1);
		rig_remove(rig, "EndpointSlice", "default", "web-1");
		assert_int_equal(programmed(rig, rows[i].kind), 3);
		rig_free(rig);
	}
}

/* ---- names outside ---- */

static uint64_t upstream_answers(const struct dns_resolver_stats *stats, unsigned rcode)
{
	return total(stats->times[rcode].buckets, DNS_TIME_BUCKETS + 1);
}

static void the_cache_and_the_upstream_are_told_apart(void **state)
{
	struct upstream upstream;
	struct dns_resolver *resolver;
	const struct dns_resolver_stats *stats;
	struct system *system;
	char text[DNS_UPSTREAM_TEXT];
	int udp;

	upstream_start(&upstream);
	resolver = resolver_for(upstream.address, 0);
	stats = dns_resolver_stats(resolver);
	system = system_start("127.0.0.1:0", 1, resolver);
	udp = system_dial(system, SOCK_DGRAM);
	assert_int_equal(dns_resolver_upstreams(resolver), 1);
	dns_resolver_upstream(resolver, 0, text);
	assert_string_equal(text, upstream.address);

	for (int i = 0; i < 3; i++) {
		(void)ask_udp(udp, "www.example.org", RR_A, answer);
	}
	assert_int_equal(counter_get(&stats->questions), 3);
	assert_int_equal(counter_get(&stats->hits[0]), 2);
	assert_int_equal(upstream_answers(stats, DNS_NOERROR), 1);
	assert_int_equal(counter_get(&stats->rejects), 0);

	close(udp);
	system_stop(system);
	dns_resolver_free(resolver);
	upstream_stop(&upstream);
}

static void silence_is_timed_until_it_is_given_up(void **state)
{
	struct upstream upstream;
	struct dns_resolver *resolver;
	const struct dns_resolver_stats *stats;
	struct system *system;
	int udp;

	upstream_start(&upstream);
	resolver = resolver_for(upstream.address, 300);
	stats = dns_resolver_stats(resolver);
	system = system_start("127.0.0.1:0", 1, resolver);
	udp = system_dial(system, SOCK_DGRAM);
	(void)ask_udp(udp, "silent.example.org", RR_A, answer);
	assert_int_equal(upstream_answers(stats, DNS_SERVFAIL), 1);
	assert_true(counter_get(&stats->times[DNS_SERVFAIL].sum) >= 300 * NS_PER_MS);
	assert_int_equal(counter_get(&stats->questions), 1);
	assert_int_equal(counter_get(&stats->rejects), 0);

	close(udp);
	system_stop(system);
	dns_resolver_free(resolver);
	upstream_stop(&upstream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_has_its_name_and_the_rest_is_other),
		cmocka_unit_test(a_bound_belongs_to_the_bucket_below_it),
		cmocka_unit_test(queries_and_answers_are_counted_where_they_belong),
		cmocka_unit_test(wildcard_addresses_share_a_label),
		cmocka_unit_test(who_asks_too_much_is_told_to_come_back),
		cmocka_unit_test(inside_nobody_counts),
		cmocka_unit_test(a_good_cookie_is_above_the_limit),
		cmocka_unit_test(a_bad_network_is_refused),
		cmocka_unit_test(a_change_of_names_is_timed_from_its_cause),
		cmocka_unit_test(the_cache_and_the_upstream_are_told_apart),
		cmocka_unit_test(silence_is_timed_until_it_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
