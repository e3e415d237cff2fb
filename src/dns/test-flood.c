/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that mean no good, on loopback: others go on getting answers. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "dns/test-system.h"
#include "dns/wire.h"

#define NAME SYSTEM_NAME

enum {
	ATTACKERS = 4, /* addresses */
	FLOOD = LIMIT_DNS_TCP_CONNECTIONS + 200,
	DESCRIPTORS = 3 * LIMIT_DNS_TCP_CONNECTIONS, /* both ends are ours */
	PATIENCE_S = 60,
};

static uint8_t answer[65536];

/* A connection from 127.0.0.`host`. */
static int dial_from(const struct system *system, unsigned host)
{
	struct sockaddr_in own = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(0x7f000000U + host) };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(bind(fd, (const struct sockaddr *)(const void *)&own, sizeof(own)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)(const void *)&system->address,
				 system->address_n),
			 0);
	return fd;
}

static void ask_on(int fd, uint16_t id)
{
	uint8_t packet[512];
	size_t n = frame(NAME, RR_A, id, packet);

	assert_int_equal(send(fd, packet, n, MSG_NOSIGNAL), n);
	(void)read_frame(fd, answer);
	assert_int_equal(get_u16(answer), id);
	assert_int_equal(get_u16(answer + 6), 2);
}

static void ask_from(const struct system *system, unsigned host)
{
	int fd = dial_from(system, host);

	ask_on(fd, 1);
	close(fd);
}

/* Waits for the end of a connection; whatever comes before it is let go. */
static void assert_ended(int fd)
{
	ssize_t n;

	do {
		n = recv(fd, answer, sizeof(answer), 0);
	} while (n > 0);
	assert_true(n == 0 || errno == ECONNRESET);
}

static bool descriptors_suffice(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= DESCRIPTORS;
}

/* ---- connections ---- */

static int flood[FLOOD];

static void open_flood(const struct system *system, unsigned addresses, const char *bytes, size_t n)
{
	for (size_t i = 0; i < FLOOD; i++) {
		flood[i] = dial_from(system, 10 + (unsigned)i % addresses);
		(void)send(flood[i], bytes, n, MSG_NOSIGNAL);
	}
}

static void close_flood(void)
{
	for (size_t i = 0; i < FLOOD; i++) {
		close(flood[i]);
	}
}

static void half_begun_messages_keep_nobody_out(void **state)
{
	enum { ROUNDS = 20 };
	struct system *system;

	if (!descriptors_suffice()) {
		skip();
	}
	system = system_start("127.0.0.1:0", 1, NULL);
	open_flood(system, ATTACKERS, "\2\0half", 6);
	for (size_t round = 0; round < ROUNDS; round++) {
		/* One more byte for each, and new ones for those that ended. */
		for (size_t i = round; i < FLOOD; i += ROUNDS) {
			if (send(flood[i], "x", 1, MSG_NOSIGNAL) < 0) {
				close(flood[i]);
				flood[i] = dial_from(system, 10 + (unsigned)i % ATTACKERS);
				(void)send(flood[i], "\2\0", 2, MSG_NOSIGNAL);
			}
		}
		ask_from(system, 2);
		/* Even from an address that attacks. */
		ask_from(system, 10);
	}
	close_flood();
	system_stop(system);
}

static void idle_connections_of_one_end_none_of_another(void **state)
{
	struct system *system;
	struct dns_server_stats stats;
	int honest;

	if (!descriptors_suffice()) {
		skip();
	}
	system = system_start("127.0.0.1:0", 1, NULL);
	honest = dial_from(system, 2);
	ask_on(honest, 1);
	open_flood(system, 1, "", 0);
	/* The longest idle of all, but not of those who have too many. */
	ask_on(honest, 2);
	ask_from(system, 3);
	ask_from(system, 10);
	/* The first of the flood had to go; those at its end are still there. */
	assert_ended(flood[0]);
	ask_on(flood[FLOOD - 1], 3);
	dns_server_stats(system->server, &stats);
	assert_true(stats.tcp_evicted >= FLOOD - LIMIT_DNS_TCP_CLIENT);
	assert_int_equal(stats.tcp_refused, 0);
	close(honest);
	close_flood();
	system_stop(system);
}

/* ---- messages ---- */

static void trickling_bytes_win_no_time(void **state)
{
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	uint64_t end = clock_monotonic(&clock_system) + PATIENCE_S * NS_PER_S;
	struct pollfd ended = { .fd = dial_from(system, 10), .events = POLLIN };

	/* A message of 4096 bytes, ten bytes a second: at that pace it would take minutes. */
	assert_int_equal(send(ended.fd, "\x10\0", 2, MSG_NOSIGNAL), 2);
	while (poll(&ended, 1, 100) == 0) {
		(void)send(ended.fd, "x", 1, MSG_NOSIGNAL);
		assert_true(clock_monotonic(&clock_system) < end);
	}
	assert_ended(ended.fd);
	ask_from(system, 10);
	close(ended.fd);
	system_stop(system);
}

/* Asks, then sends something that is none, and asks again: answered once, then the end. */
static void assert_ends(const struct system *system, const void *bytes, size_t n)
{
	uint8_t all[2048];
	size_t used = frame(NAME, RR_A, 1, all);
	int fd = dial_from(system, 10);

	memcpy(all + used, bytes, n);
	used += n;
	used += frame(NAME, RR_A, 2, all + used);
	assert_int_equal(send(fd, all, used, MSG_NOSIGNAL), used);
	(void)read_frame(fd, answer);
	assert_int_equal(get_u16(answer), 1);
	assert_int_equal(get_u16(answer + 6), 2);
	assert_ended(fd);
	close(fd);
}

static void what_is_no_question_ends_the_connection(void **state)
{
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	uint8_t reflection[512];
	size_t n = frame(NAME, RR_A, 3, reflection);

	reflection[2 + 2] |= 0x80; /* QR */
	assert_ends(system, "\0\0", 2);
	assert_ends(system, "\0\5abcde", 7);
	assert_ends(system, reflection, n);
	ask_from(system, 10);
	system_stop(system);
}

static void pipelined_garbage_disturbs_nobody(void **state)
{
	enum { CONNECTIONS = 50, BYTES = 100 * 1000 };
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	static uint8_t bytes[BYTES];
	struct random_state random;
	int honest = dial_from(system, 2);

	random_state_seed(&random, 11);
	for (uint16_t i = 0; i < CONNECTIONS; i++) {
		struct timeval patience = { .tv_usec = 100000 };
		int fd = dial_from(system, 10);

		for (size_t k = 0; k < BYTES; k++) {
			bytes[k] = (uint8_t)random_next(&random);
		}
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		(void)send(fd, bytes, BYTES, MSG_NOSIGNAL);
		ask_on(honest, i);
		close(fd);
	}
	close(honest);
	system_stop(system);
}

static void send_large(void *argument)
{
	enum { MESSAGES = 20 };
	static uint8_t packet[2 + 65535];
	const int *fd = argument;

	set_u16(packet, 65535);
	for (uint16_t i = 0; i < MESSAGES; i++) {
		set_u16(packet + 2, i);
		for (size_t at = 0; at < sizeof(packet);) {
			ssize_t n = send(*fd, packet + at, sizeof(packet) - at, MSG_NOSIGNAL);

			assert_true(n > 0);
			at += (size_t)n;
		}
	}
	assert_int_equal(shutdown(*fd, SHUT_WR), 0);
}

static void messages_of_64_kib_are_errors_one_by_one(void **state)
{
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	int fd = dial_from(system, 10);
	struct thread *thread;

	assert_int_equal(thread_start("sender", send_large, &fd, &thread), 0);
	for (uint16_t i = 0; i < 20; i++) {
		(void)read_frame(fd, answer);
		assert_int_equal(get_u16(answer), i);
		assert_int_equal(answer[3] & DNS_RCODE, DNS_FORMERR);
	}
	thread_join(thread);
	assert_ended(fd);
	close(fd);
	system_stop(system);
}

static void half_closed_in_the_middle_is_the_end(void **state)
{
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	uint8_t packet[512];
	size_t n = frame(NAME, RR_A, 1, packet);
	int fd = dial_from(system, 10);

	memcpy(packet + n, packet, n);
	assert_int_equal(send(fd, packet, 2 * n - 5, MSG_NOSIGNAL), 2 * n - 5);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	(void)read_frame(fd, answer);
	assert_int_equal(get_u16(answer + 6), 2);
	assert_ended(fd);
	close(fd);
	system_stop(system);
}

/* ---- datagrams ---- */

static uint64_t dropped(const struct system *system)
{
	struct dns_server_stats stats;

	dns_server_stats(system->server, &stats);
	return stats.dropped;
}

static void reflections_over_udp_are_dropped(void **state)
{
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	int fd = system_dial(system, SOCK_DGRAM);
	uint8_t packet[512];
	size_t n = question(NAME, RR_A, 5, packet);

	packet[2] |= 0x80;
	assert_int_equal(send(fd, packet, n, 0), n);
	/* The next answer is that to the next question: ask_udp() looks at its ID. */
	(void)ask_udp(fd, NAME, RR_A, answer);
	assert_int_equal(dropped(system), 1);
	close(fd);
	system_stop(system);
}

/* Needs a raw socket, because no other has port 0. */
static void source_port_0_is_dropped(void **state)
{
	struct system *system;
	struct sockaddr_in to;
	struct udphdr *head;
	uint8_t packet[512];
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
	size_t n;
	int fd;

	if (raw < 0) {
		skip();
	}
	system = system_start("127.0.0.1:0", 1, NULL);
	memcpy(&to, &system->address, sizeof(to));
	head = (struct udphdr *)(void *)packet;
	n = sizeof(*head) + question(NAME, RR_A, 5, packet + sizeof(*head));
	*head = (struct udphdr){ .dest = to.sin_port, .len = htons((uint16_t)n) };
	assert_int_equal(sendto(raw, packet, n, 0, (struct sockaddr *)(void *)&to, sizeof(to)), n);
	fd = system_dial(system, SOCK_DGRAM);
	(void)ask_udp(fd, NAME, RR_A, answer);
	assert_int_equal(dropped(system), 1);
	close(fd);
	close(raw);
	system_stop(system);
}

/* ---- the other side ---- */

enum { ASKED = 300 };

static size_t distinct(const uint16_t *numbers, size_t n)
{
	_cleanup_free_ uint8_t *seen = mem_alloc(UINT16_MAX + 1);
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		count += seen[numbers[i]] == 0;
		seen[numbers[i]] = 1;
	}
	return count;
}

/*
 * No two of 65,536 numbers drawn 300 times are the same, but for one or two; and the next is no
 * closer to the one before than to any other. What is drawn fairly fails this less than once in
 * 10^12 runs.
 */
static void assert_random(const uint16_t *numbers, size_t n)
{
	size_t near = 0;
	size_t quarters[4] = { 0 };

	for (size_t i = 0; i < n; i++) {
		quarters[numbers[i] >> 14]++;
		near += i != 0 && (uint16_t)(numbers[i] - numbers[i - 1] + 512) < 1024;
	}
	assert_true(distinct(numbers, n) >= n - 16);
	assert_true(near < n / 8);
	for (size_t i = 0; i < ARRAY_SIZE(quarters); i++) {
		assert_true(quarters[i] > n / 16);
	}
}

/* Who cannot see our questions to the upstream has to guess both numbers to forge an answer. */
static void questions_upstream_have_random_ids_and_ports(void **state)
{
	static struct upstream upstream;
	struct dns_resolver *resolver;
	struct system *system;
	int fd;

	upstream_start(&upstream);
	resolver = resolver_for(upstream.address, 0);
	system = system_start("127.0.0.1:0", 1, resolver);
	fd = system_dial(system, SOCK_DGRAM);
	for (int i = 0; i < ASKED; i++) {
		char name[64];

		snprintf(name, sizeof(name), "n%d.example.org", i);
		(void)ask_udp(fd, name, RR_A, answer);
		assert_int_equal(get_u16(answer + 6), 1);
	}
	close(fd);
	system_stop(system);
	dns_resolver_free(resolver);
	upstream_stop(&upstream);
	assert_true(upstream.seen >= ASKED);
	assert_random(upstream.ids, ASKED);
	assert_random(upstream.ports, ASKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_begun_messages_keep_nobody_out),
		cmocka_unit_test(idle_connections_of_one_end_none_of_another),
		cmocka_unit_test(trickling_bytes_win_no_time),
		cmocka_unit_test(what_is_no_question_ends_the_connection),
		cmocka_unit_test(pipelined_garbage_disturbs_nobody),
		cmocka_unit_test(messages_of_64_kib_are_errors_one_by_one),
		cmocka_unit_test(half_closed_in_the_middle_is_the_end),
		cmocka_unit_test(reflections_over_udp_are_dropped),
		cmocka_unit_test(source_port_0_is_dropped),
		cmocka_unit_test(questions_upstream_have_random_ids_and_ports),
	};
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS) {
		limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
