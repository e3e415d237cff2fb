/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server on loopback: transports, limits, changes while it answers, and what a query may cost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/mem.h"
#include "base/thread.h"
#include "dns/dnstap.h"
#include "dns/query_log.h"
#include "dns/resolver.h"
#include "dns/server.h"
#include "dns/test-system.h"
#include "dns/wire.h"

#define NAME SYSTEM_NAME
#define BIG "big.default.svc.cluster.local"

/* Every allocation of the program counts itself; the linker sends them here. */
static struct counter allocations;
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	counter_add_shared(&allocations, 1);
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	counter_add_shared(&allocations, 1);
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	counter_add_shared(&allocations, 1);
	return __real_realloc(old, size);
}

/* The same for what may wait for another thread; the arguments are pointers of any kind. */
static struct counter locks;
#define COUNTED(function, parameters, arguments)                                                   \
	int __real_##function parameters;                                                          \
	int __wrap_##function parameters;                                                          \
	int __wrap_##function parameters                                                           \
	{                                                                                          \
		counter_add_shared(&locks, 1);                                                     \
		return __real_##function arguments;                                                \
	}
COUNTED(pthread_mutex_lock, (void *lock), (lock))
COUNTED(pthread_mutex_trylock, (void *lock), (lock))
COUNTED(pthread_rwlock_rdlock, (void *lock), (lock))
COUNTED(pthread_rwlock_wrlock, (void *lock), (lock))
COUNTED(pthread_spin_lock, (void *lock), (lock))
COUNTED(pthread_cond_wait, (void *condition, void *lock), (condition, lock))
COUNTED(sem_wait, (void *semaphore), (semaphore))

static uint8_t answer[65536];

static void udp_and_tcp_answer_on_both_families(void **state)
{
	static const char *const listens[] = { "127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "[::]:0" };

	for (size_t i = 0; i < ARRAY_SIZE(listens); i++) {
		struct system *system = system_start(listens[i], 2, NULL);
		uint8_t packet[512];
		int fd = system_dial(system, SOCK_DGRAM);
		size_t n = ask_udp(fd, NAME, RR_A, answer);

		assert_int_equal(get_u16(answer + 6), 2);
		close(fd);
		fd = system_dial(system, SOCK_STREAM);
		n = frame(NAME, RR_A, 9, packet);
		assert_int_equal(send(fd, packet, n, 0), n);
		(void)read_frame(fd, answer);
		assert_int_equal(get_u16(answer), 9);
		assert_int_equal(get_u16(answer + 6), 2);
		close(fd);
		system_stop(system);
	}
}

static void an_answer_comes_from_the_address_that_was_asked(void **state)
{
	struct system *system = system_start("0.0.0.0:0", 1, NULL);
	struct sockaddr_in *four = (struct sockaddr_in *)(void *)&system->address;

	/* A connected socket takes nothing from anybody else. */
	four->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 41);
	int fd = system_dial(system, SOCK_DGRAM);

	(void)ask_udp(fd, NAME, RR_A, answer);
	assert_int_equal(get_u16(answer + 6), 2);
	close(fd);
	system_stop(system);
}

static void listening_fails_with_a_reason(void **state)
{
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	const char *taken = dns_server_address(system->server, 0);
	static const char *const odd[] = { "localhost:53",    "127.0.0.1", "::1:53", "127.0.0.1:x",
					   "127.0.0.1:65536", "[::1]",     "" };
	struct dns_server_config config = { .listen = &taken, .n_listen = 1 };
	struct dns_server *server = NULL;
	char message[DNS_MESSAGE];

	assert_int_equal(dns_server_new(&config, system->rig->zone, NULL, &server, message),
			 DNS_SERVER_BAD);
	assert_non_null(strstr(message, taken));
	assert_non_null(strstr(message, "already"));
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		config.listen = &odd[i];
		assert_int_equal(dns_server_new(&config, system->rig->zone, NULL, &server, message),
				 DNS_SERVER_BAD);
		assert_non_null(strstr(message, odd[i]));
	}
	config.listen = &(const char *){ "192.0.2.1:0" };
	assert_int_equal(dns_server_new(&config, system->rig->zone, NULL, &server, message),
			 DNS_SERVER_BAD);
	assert_non_null(strstr(message, "does not have that address"));
	config.n_listen = 0;
	assert_int_equal(dns_server_new(&config, system->rig->zone, NULL, &server, message),
			 DNS_SERVER_BAD);
	assert_null(server);
	system_stop(system);
}

static void tcp_answers_what_is_pipelined_in_order(void **state)
{
	enum { QUESTIONS = 500 };
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	static uint8_t all[QUESTIONS * 64];
	int fd = system_dial(system, SOCK_STREAM);
	size_t n = 0;

	for (uint16_t i = 0; i < QUESTIONS; i++) {
		n += frame(NAME, RR_A, i, all + n);
	}
	/* Cut where no message ends, so that one is begun in one read and ended in another. */
	assert_int_equal(send(fd, all, 1001, 0), 1001);
	assert_int_equal(send(fd, all + 1001, n - 1001, 0), n - 1001);
	for (uint16_t i = 0; i < QUESTIONS; i++) {
		(void)read_frame(fd, answer);
		assert_int_equal(get_u16(answer), i);
		assert_int_equal(get_u16(answer + 6), 2);
	}
	close(fd);
	system_stop(system);
}

static void fill_big(struct system *system, int n)
{
	_cleanup_free_ char *endpoints = mem_alloc((size_t)n * 32);
	size_t at = 0;

	for (int i = 0; i < n; i++) {
		at += (size_t)sprintf(endpoints + at, "%s-=10.244.%d.%d", i != 0 ? " " : "",
				      i / 250, i % 250 + 1);
	}
	rig_service(system->rig, "default", "big", "None", "");
	rig_slice(system->rig, "default", "big-1", "big", "", endpoints);
}

static void large_answers_reach_a_slow_reader_whole(void **state)
{
	enum { QUESTIONS = 40, ENDPOINTS = 3000 };
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	uint8_t packet[QUESTIONS * 64];
	size_t n = 0;
	int fd;

	fill_big(system, ENDPOINTS);
	fd = system_dial(system, SOCK_STREAM);
	for (uint16_t i = 0; i < QUESTIONS; i++) {
		n += frame(BIG, RR_A, i, packet + n);
	}
	assert_int_equal(send(fd, packet, n, 0), n);
	for (uint16_t i = 0; i < QUESTIONS; i++) {
		assert_true(read_frame(fd, answer) > ENDPOINTS * 16);
		assert_int_equal(get_u16(answer), i);
		assert_int_equal(get_u16(answer + 6), ENDPOINTS);
	}
	close(fd);
	system_stop(system);
}

static void a_message_too_large_is_an_error_and_the_next_is_fine(void **state)
{
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	static uint8_t packet[2 + 65535];
	int fd = system_dial(system, SOCK_STREAM);
	size_t n;

	memset(packet, 0, sizeof(packet));
	set_u16(packet, 65535);
	set_u16(packet + 2, 0x4242);
	assert_int_equal(send(fd, packet, sizeof(packet), 0), sizeof(packet));
	(void)read_frame(fd, answer);
	assert_int_equal(get_u16(answer), 0x4242);
	assert_int_equal(answer[3] & DNS_RCODE, DNS_FORMERR);
	n = frame(NAME, RR_A, 3, packet);
	assert_int_equal(send(fd, packet, n, 0), n);
	(void)read_frame(fd, answer);
	assert_int_equal(get_u16(answer), 3);
	assert_int_equal(get_u16(answer + 6), 2);
	/* Half-closed: what was asked before is still answered, then the end comes. */
	assert_int_equal(send(fd, packet, n, 0), n);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	(void)read_frame(fd, answer);
	assert_int_equal(recv(fd, answer, 1, 0), 0);
	close(fd);
	system_stop(system);
}

static void half_a_question_is_not_waited_for(void **state)
{
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	int fd = system_dial(system, SOCK_STREAM);

	assert_int_equal(send(fd, "\0", 1, 0), 1);
	assert_int_equal(recv(fd, answer, 1, 0), 0);
	close(fd);
	system_stop(system);
}

static void too_many_connections_end_the_idlest(void **state)
{
	enum { EXTRA = 3 };
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	static int fds[LIMIT_DNS_TCP_CONNECTIONS + EXTRA];
	struct dns_server_stats stats;
	uint8_t packet[512];
	size_t n = frame(NAME, RR_A, 3, packet);
	size_t opened = 0;

	for (; opened < ARRAY_SIZE(fds); opened++) {
		fds[opened] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		/* Both ends are ours, so 1024 descriptors may be too few to get there. */
		if (fds[opened] < 0) {
			break;
		}
		assert_int_equal(connect(fds[opened],
					 (const struct sockaddr *)(const void *)&system->address,
					 system->address_n),
				 0);
		/* The last one is served, however many are open. */
		assert_int_equal(send(fds[opened], packet, n, 0), n);
		if (recv(fds[opened], answer, 2, MSG_WAITALL) != 2) {
			break;
		}
	}
	assert_true(opened > 100);
	dns_server_stats(system->server, &stats);
	if (opened == ARRAY_SIZE(fds)) {
		char byte[256];

		while (recv(fds[0], byte, sizeof(byte), 0) > 0) {
		}
		assert_int_equal(stats.tcp_connections, opened);
	}
	for (size_t i = 0; i < opened; i++) {
		close(fds[i]);
	}
	system_stop(system);
}

static void garbage_is_survived(void **state)
{
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	struct random_state random;
	struct dns_server_stats stats;
	int udp = system_dial(system, SOCK_DGRAM);
	uint8_t packet[3000];

	random_state_seed(&random, 5);
	for (int i = 0; i < 2000; i++) {
		size_t n = random_below(&random, sizeof(packet));

		for (size_t k = 0; k < n; k++) {
			packet[k] = (uint8_t)random_next(&random);
		}
		/* An answer (QR) is never answered, so that two servers cannot talk for ever. */
		if (n > 2) {
			packet[2] |= 0x80;
		}
		(void)send(udp, packet, n, 0);
		if (i % 50 == 0) {
			int tcp = system_dial(system, SOCK_STREAM);

			(void)send(tcp, packet, n, MSG_NOSIGNAL);
			close(tcp);
		}
	}
	(void)ask_udp(udp, NAME, RR_A, answer);
	assert_int_equal(get_u16(answer + 6), 2);
	dns_server_stats(system->server, &stats);
	assert_true(stats.dropped > 0);
	close(udp);
	system_stop(system);
}

/* ---- while the zone changes ---- */

struct asker {
	const struct system *system;
	struct counter stop;
	struct counter answers;
};

static void keep_asking(void *argument)
{
	struct asker *asker = argument;
	uint8_t packet[512];
	uint8_t bytes[2048];
	int fd = system_dial(asker->system, SOCK_DGRAM);
	size_t n = question("web-0." NAME, RR_A, 1, packet);

	while (counter_get(&asker->stop) == 0) {
		ssize_t got;

		(void)send(fd, packet, n, 0);
		got = recv(fd, bytes, sizeof(bytes), 0);
		/* The endpoint was there all the time, so it is never absent. */
		assert_true(got > DNS_HEADER);
		assert_int_equal(bytes[3] & DNS_RCODE, DNS_NOERROR);
		assert_int_equal(get_u16(bytes + 6), 1);
		counter_add(&asker->answers, 1);
	}
	close(fd);
}

static void a_name_that_stays_is_never_absent_while_others_come_and_go(void **state)
{
	enum { ASKERS = 2, CHANGES = 3000 };
	struct system *system = system_start("127.0.0.1:0", 2, NULL);
	struct asker askers[ASKERS] = { 0 };
	struct thread *threads[ASKERS];
	char endpoints[128];

	for (size_t i = 0; i < ASKERS; i++) {
		askers[i].system = system;
		assert_int_equal(thread_start("asker", keep_asking, &askers[i], &threads[i]), 0);
	}
	for (int i = 0; i < CHANGES || counter_get(&askers[0].answers) < 100; i++) {
		snprintf(endpoints, sizeof(endpoints), "web-0=10.244.0.1 web-1=10.244.%d.%d",
			 i / 250 % 250, i % 250 + 2);
		rig_slice(system->rig, "default", "web-1", "web", "http/TCP/80", endpoints);
		if (i % 10 == 0) {
			rig_service(system->rig, "default", "web", "None",
				    i % 20 == 0 ? "http/TCP/80" : "");
			rig_service(system->rig, "default", "other", "10.96.1.1", "");
		} else if (i % 10 == 5) {
			rig_remove(system->rig, "Service", "default", "other");
		}
	}
	for (size_t i = 0; i < ASKERS; i++) {
		counter_set(&askers[i].stop, 1);
		thread_join(threads[i]);
		assert_true(counter_get(&askers[i].answers) > 0);
	}
	system_stop(system);
}

/* ---- what is reported allocates nothing either ---- */

static const uint8_t tap_stop[] = { 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, DNSTAP_STOP };

struct tap_receiver {
	char path[32];
	int listening;
	int fd;
	bool stopped;
	struct thread *thread;
};

static void tap_listen(struct tap_receiver *receiver)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(receiver->path, sizeof(receiver->path), "/tmp/tap-%d", getpid());
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", receiver->path);
	receiver->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)unlink(receiver->path);
	assert_int_equal(bind(receiver->listening, (void *)&address, sizeof(address)), 0);
	assert_int_equal(listen(receiver->listening, 1), 0);
}

/* Takes everything, up to STOP. */
static void tap_take(void *argument)
{
	static const uint8_t finish[] = { 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, DNSTAP_FINISH };
	struct tap_receiver *receiver = argument;
	static uint8_t bytes[65536];
	ssize_t n;

	while ((n = read(receiver->fd, bytes, sizeof(bytes))) > 0) {
		size_t at = (size_t)n - sizeof(tap_stop);

		if ((size_t)n >= sizeof(tap_stop) &&
		    memcmp(bytes + at, tap_stop, sizeof(tap_stop)) == 0) {
			receiver->stopped = true;
			(void)!write(receiver->fd, finish, sizeof(finish));
		}
	}
}

static void tap_accept(struct tap_receiver *receiver)
{
	uint8_t frame[DNSTAP_CONTROL_MAX];
	size_t n = dnstap_control_write(DNSTAP_READY, frame);

	receiver->fd = accept(receiver->listening, NULL, NULL);
	assert_int_equal(recv(receiver->fd, frame, n, MSG_WAITALL), n);
	frame[11] = DNSTAP_ACCEPT;
	assert_int_equal(send(receiver->fd, frame, n, 0), n);
	assert_int_equal(recv(receiver->fd, frame, n, MSG_WAITALL), n);
	assert_int_equal(frame[11], DNSTAP_START);
	assert_int_equal(thread_start("taker", tap_take, receiver, &receiver->thread), 0);
}

static void tap_end(struct tap_receiver *receiver)
{
	thread_join(receiver->thread);
	assert_true(receiver->stopped);
	close(receiver->fd);
	close(receiver->listening);
	(void)unlink(receiver->path);
}

static void expect_tapped(const struct system *system, uint64_t messages)
{
	uint64_t end = clock_monotonic(&clock_system) + 60 * NS_PER_S;
	struct dns_server_stats stats;

	/* All of them fit into the ring, however late its reader runs. */
	do {
		dns_server_stats(system->server, &stats);
	} while (stats.tap.frames < messages && clock_monotonic(&clock_system) < end);
	assert_int_equal(stats.tap.lost, 0);
	assert_true(stats.tap.connected);
	assert_int_equal(stats.tap.frames, messages);
}

/* Every kind of question, over UDP and TCP. */
static void ask_all(int udp, int tcp)
{
	static const struct {
		const char *name;
		uint16_t type;
	} rows[] = {
		{ NAME, RR_A },
		{ "web-0." NAME, RR_A },
		{ "_http._tcp." NAME, RR_SRV },
		{ "nope.default.svc.cluster.local", RR_A },
		{ "1.0.244.10.in-addr.arpa", RR_PTR },
		{ "10-0-0-1.default.pod.cluster.local", RR_A },
		{ "out.default.svc.cluster.local", RR_A },
		{ "cluster.local", RR_SOA },
		{ "cluster.local", RR_NS },
		{ "example.org", RR_A },
	};
	uint8_t packet[512];

	for (size_t i = 0; i < 1000; i++) {
		size_t n = question(rows[i % ARRAY_SIZE(rows)].name,
				    rows[i % ARRAY_SIZE(rows)].type, 1, packet + 2);
		set_u16(packet, (uint16_t)n);
		(void)!send(udp, packet + 2, n, 0);
		(void)!recv(udp, answer, sizeof(answer), 0);
		(void)!send(tcp, packet, n + 2, 0);
		(void)read_frame(tcp, answer);
	}
}

static void count_allocations_and_locks(unsigned log_queries, struct tap_receiver *receiver)
{
	const struct dnstap_config tap = {
		.socket = receiver != NULL ? receiver->path : NULL,
		.full = true,
	};
	const char *listen = "127.0.0.1:0";
	struct dns_server_config config = {
		.listen = &listen,
		.n_listen = 1,
		.workers = 1,
		.rate_limit = LIMIT_DNS_RATE,
		.log_queries = log_queries,
		.tap = receiver != NULL ? &tap : NULL,
		.log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
	};
	if (receiver != NULL) {
		tap_listen(receiver);
	}
	struct system *system = system_start_config(&config, NULL);
	int udp = system_dial(system, SOCK_DGRAM);
	int tcp = system_dial(system, SOCK_STREAM);
	uint8_t packet[512];
	uint64_t before;
	uint64_t locks_before;

	if (receiver != NULL) {
		tap_accept(receiver);
	}

	/* The connection itself is allocated once. */
	size_t n = frame(NAME, RR_A, 1, packet);

	assert_int_equal(send(tcp, packet, n, 0), n);
	(void)read_frame(tcp, answer);
	(void)ask_udp(udp, NAME, RR_A, answer);
	before = counter_get(&allocations);
	locks_before = counter_get(&locks);
	ask_all(udp, tcp);
	assert_int_equal(counter_get(&allocations), before);
	assert_true(before > 0);
	assert_int_equal(counter_get(&locks), locks_before);
	close(udp);
	close(tcp);
	if (receiver != NULL) {
		expect_tapped(system, 2 * (2 * 1000 + 2));
	}
	system_stop(system);
	close(config.log_fd);
	/* The order to stop came by mailbox, which has a lock: so they are counted. */
	assert_true(counter_get(&locks) > locks_before);
}

static void a_query_allocates_nothing_and_takes_no_lock(void **state)
{
	count_allocations_and_locks(0, NULL);
}

static void nor_does_one_that_is_logged(void **state)
{
	count_allocations_and_locks(QUERY_ALL, NULL);
}

static void nor_does_one_that_is_tapped(void **state)
{
	struct tap_receiver receiver = { .fd = -1 };

	count_allocations_and_locks(0, &receiver);
	tap_end(&receiver);
}

/* Lines of UDP and TCP, of the class that was asked for. */
static void answers_get_their_line(void **state)
{
	const char *listen = "127.0.0.1:0";
	char text[4096] = "";
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	struct dns_server_config config = {
		.listen = &listen,
		.n_listen = 1,
		.workers = 1,
		.log_queries = QUERY_DENIAL,
		.log_fd = ends[1],
	};
	struct system *system = system_start_config(&config, NULL);
	int udp = system_dial(system, SOCK_DGRAM);
	int tcp = system_dial(system, SOCK_STREAM);
	uint8_t packet[512];
	size_t n = frame("nope." NAME, RR_SRV, 77, packet);

	(void)ask_udp(udp, NAME, RR_A, answer);
	(void)ask_udp(udp, "no\"pe." NAME, RR_A, answer);
	assert_int_equal(send(tcp, packet, n, 0), n);
	(void)read_frame(tcp, answer);
	close(udp);
	close(tcp);
	/* All lines are written when it has stopped. */
	system_stop(system);
	close(ends[1]);
	assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
	close(ends[0]);
	assert_non_null(strstr(text, "\"A IN no?pe." NAME ". udp "));
	assert_non_null(strstr(text, " - 77 \"SRV IN nope." NAME ". tcp "));
	assert_null(strstr(text, "\"A IN " NAME));
	assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n'), text + strlen(text) - 1);
}

/* ---- names outside ---- */

static void names_outside_come_from_the_upstream(void **state)
{
	struct upstream upstream;
	struct dns_resolver *resolver;
	struct system *system;
	uint8_t packet[512];
	size_t n;
	int udp;
	int tcp;

	upstream_start(&upstream);
	resolver = resolver_for(upstream.address, 0);
	system = system_start("127.0.0.1:0", 2, resolver);
	udp = system_dial(system, SOCK_DGRAM);
	tcp = system_dial(system, SOCK_STREAM);

	n = ask_udp(udp, "WwW.ExAmPlE.org", RR_A, answer);
	assert_int_equal(answer[3] & DNS_RCODE, DNS_NOERROR);
	assert_int_equal(get_u16(answer + 2) & (DNS_AA | DNS_RA), DNS_RA);
	assert_int_equal(get_u16(answer + 6), 1);
	assert_memory_equal(answer + DNS_HEADER, "\3WwW\7ExAmPlE\3org", 17);
	assert_memory_equal(answer + n - 4, "\xc0\0\2\1", 4);

	(void)ask_udp(udp, "absent.example.org", RR_A, answer);
	assert_int_equal(answer[3] & DNS_RCODE, DNS_NXDOMAIN);

	/* The alias in front, then what its target has. */
	n = ask_udp(udp, "out.default.svc.cluster.local", RR_A, answer);
	assert_int_equal(answer[3] & DNS_RCODE, DNS_NOERROR);
	assert_int_equal(get_u16(answer + 6), 2);
	assert_memory_equal(answer + n - 4, "\xc0\0\2\1", 4);

	n = frame("other.example.org", RR_A, 5, packet);
	assert_int_equal(send(tcp, packet, n, 0), n);
	(void)read_frame(tcp, answer);
	assert_int_equal(get_u16(answer), 5);
	assert_int_equal(get_u16(answer + 6), 1);

	close(udp);
	close(tcp);
	system_stop(system);
	dns_resolver_free(resolver);
	upstream_stop(&upstream);
}

static void a_silent_upstream_delays_nobody_else(void **state)
{
	struct upstream upstream;
	struct dns_resolver *resolver;
	struct system *system;
	uint8_t packet[512];
	int tcp;
	int udp;

	upstream_start(&upstream);
	resolver = resolver_for(upstream.address, 300);
	system = system_start("127.0.0.1:0", 1, resolver);
	tcp = system_dial(system, SOCK_STREAM);
	udp = system_dial(system, SOCK_DGRAM);

	size_t n = frame("silent.example.org", RR_A, 1, packet);

	n += frame(NAME, RR_A, 2, packet + n);
	assert_int_equal(send(tcp, packet, n, 0), n);
	/* The cluster's name first, though it was asked for last. */
	(void)read_frame(tcp, answer);
	assert_int_equal(get_u16(answer), 2);
	(void)ask_udp(udp, NAME, RR_A, answer);
	assert_int_equal(get_u16(answer + 6), 2);
	(void)read_frame(tcp, answer);
	assert_int_equal(get_u16(answer), 1);
	assert_int_equal(answer[3] & DNS_RCODE, DNS_SERVFAIL);

	/* Stopping does not wait for it either. */
	n = frame("silent.example.com", RR_A, 1, packet);
	assert_int_equal(send(tcp, packet, n, 0), n);
	(void)ask_udp(udp, NAME, RR_A, answer);
	close(tcp);
	close(udp);
	system_stop(system);
	dns_resolver_free(resolver);
	upstream_stop(&upstream);
}

static void without_an_upstream_names_outside_fail_at_once(void **state)
{
	struct dns_resolver *resolver = resolver_for(NULL, 0);
	struct system *system = system_start("127.0.0.1:0", 1, resolver);
	int udp = system_dial(system, SOCK_DGRAM);

	(void)ask_udp(udp, "www.example.org", RR_A, answer);
	assert_int_equal(answer[3] & DNS_RCODE, DNS_SERVFAIL);
	(void)ask_udp(udp, "out.default.svc.cluster.local", RR_A, answer);
	assert_int_equal(answer[3] & DNS_RCODE, DNS_SERVFAIL);
	(void)ask_udp(udp, "out.default.svc.cluster.local", RR_CNAME, answer);
	assert_int_equal(answer[3] & DNS_RCODE, DNS_NOERROR);
	close(udp);
	system_stop(system);
	dns_resolver_free(resolver);
}

static void resolv_conf_gives_the_upstreams_but_not_us(void **state)
{
	static const char text[] = "# comment\nsearch a b\nnameserver 127.0.0.1\n"
				   "  nameserver\t192.0.2.53 # x\nnameserver fd00::53\n"
				   "nameservers 192.0.2.9\nnameserver nonsense\nnameserver ::1";
	const char *const own[] = { "127.0.0.1:53", "[::]:53", "192.0.2.53:1053" };
	char *found[DNS_RESOLVER_UPSTREAMS];
	size_t n = dns_resolv_conf(text, sizeof(text) - 1, own, 3, found);

	assert_int_equal(n, 2);
	assert_string_equal(found[0], "192.0.2.53");
	assert_string_equal(found[1], "fd00::53");
	mem_free(found[0]);
	mem_free(found[1]);
	n = dns_resolv_conf(text, sizeof(text) - 1, NULL, 0, found);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++) {
		mem_free(found[i]);
	}
}

static void a_bad_upstream_is_refused(void **state)
{
	static const char *const odd[] = { "dns.google", "192.0.2.1:", "192.0.2.1:0", "[::1", "" };
	struct dns_resolver *resolver = NULL;
	char message[DNS_RESOLVER_MESSAGE];

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		struct dns_resolver_config config = { .upstreams = &odd[i], .n_upstreams = 1 };

		assert_int_equal(dns_resolver_new(&config, &resolver, message), DNS_RESOLVER_BAD);
		assert_non_null(strstr(message, odd[i]));
	}
	assert_null(resolver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_and_tcp_answer_on_both_families),
		cmocka_unit_test(an_answer_comes_from_the_address_that_was_asked),
		cmocka_unit_test(listening_fails_with_a_reason),
		cmocka_unit_test(tcp_answers_what_is_pipelined_in_order),
		cmocka_unit_test(large_answers_reach_a_slow_reader_whole),
		cmocka_unit_test(a_message_too_large_is_an_error_and_the_next_is_fine),
		cmocka_unit_test(half_a_question_is_not_waited_for),
		cmocka_unit_test(too_many_connections_end_the_idlest),
		cmocka_unit_test(garbage_is_survived),
		cmocka_unit_test(a_name_that_stays_is_never_absent_while_others_come_and_go),
		cmocka_unit_test(a_query_allocates_nothing_and_takes_no_lock),
		cmocka_unit_test(nor_does_one_that_is_logged),
		cmocka_unit_test(nor_does_one_that_is_tapped),
		cmocka_unit_test(answers_get_their_line),
		cmocka_unit_test(names_outside_come_from_the_upstream),
		cmocka_unit_test(a_silent_upstream_delays_nobody_else),
		cmocka_unit_test(without_an_upstream_names_outside_fail_at_once),
		cmocka_unit_test(resolv_conf_gives_the_upstreams_but_not_us),
		cmocka_unit_test(a_bad_upstream_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
