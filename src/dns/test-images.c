/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zone transfers between threads: the test is the control thread, a thread of its own is the
 * client.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/counter.h"
#include "base/mem.h"
#include "base/thread.h"
#include "dns/test-system.h"
#include "dns/wire.h"
#include "loop/loop.h"

enum { SLICES = 20, EACH = 100, ROUNDS = 5 };

static const char *const loopback[] = { "127.0.0.0/8" };
static const char *const listen_at[] = { "127.0.0.1:0" };

/* Slice `i` of generation `generation`: that is the second octet of its addresses. */
static void put_slice(struct rig *rig, unsigned i, unsigned generation)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(1 << 20);
	char name[32];

	for (unsigned k = 0; k < EACH; k++) {
		buffer_printf(&text, "%spod-%u-%u=10.%u.%u.%u", k != 0 ? " " : "", i, k, generation,
			      i, k + 1);
	}
	snprintf(name, sizeof(name), "large-%u", i);
	rig_slice(rig, "default", name, "large", "http/TCP/80", buffer_text(&text));
}

static struct system *start(struct loop *loop)
{
	struct dns_server_config config = {
		.listen = listen_at,
		.n_listen = 1,
		.workers = 2,
		.transfer_to = loopback,
		.n_transfer_to = 1,
		.loop = loop,
	};
	struct system *system = system_start_config(&config, NULL);

	rig_service(system->rig, "default", "large", "None", "http/TCP/80");
	for (unsigned i = 0; i < SLICES; i++) {
		put_slice(system->rig, i, 1);
	}
	return system;
}

struct client {
	const struct system *system;
	struct counter done;
	struct counter bad;
	unsigned generations[SLICES]; /* of the transfer being read; 0: none seen */
	size_t addresses;
	unsigned soas;
	uint8_t message[65536];
};

static void note_address(struct client *client, const uint8_t *data)
{
	if (data[0] == 10 && data[1] <= ROUNDS * SLICES && data[2] < SLICES) {
		unsigned *seen = &client->generations[data[2]];

		client->addresses++;
		if (*seen != 0 && *seen != data[1]) {
			counter_add(&client->bad, 1);
		}
		*seen = data[1];
	}
}

static void read_message(struct client *client, size_t n)
{
	const uint8_t *p = client->message;
	size_t cursor = DNS_HEADER;
	struct dns_record record;
	struct name name;

	/* The question stands in the first message alone. */
	if (n < DNS_HEADER || get_u16(p + 4) != (client->soas == 0) ||
	    (client->soas == 0 && dns_name_read(p, n, &cursor, &name) != 0)) {
		counter_add(&client->bad, 1);
		return;
	}
	cursor += client->soas == 0 ? DNS_QUESTION_TAIL : 0;
	for (unsigned i = get_u16(p + 6); i > 0; i--) {
		if (dns_record_read(p, n, &cursor, &record) != 0) {
			counter_add(&client->bad, 1);
			return;
		}
		client->soas += record.type == RR_SOA;
		if (record.type == RR_A) {
			note_address(client, p + record.data);
		}
	}
}

/* Slices are changed in their order, so one moment is some of the newer, then all older. */
static bool is_one_moment(const struct client *client)
{
	unsigned first = client->generations[0];
	unsigned last = client->generations[SLICES - 1];

	for (size_t i = 1; i < SLICES; i++) {
		if (client->generations[i] > client->generations[i - 1]) {
			return false;
		}
	}
	/* Of the Service, of its port, of the endpoint. */
	return last != 0 && first - last <= 1 && client->addresses == (size_t)3 * SLICES * EACH;
}

/* Transfers and a question between them, on one connection. */
static void read_zones(void *argument)
{
	struct client *client = argument;
	int fd = system_dial(client->system, SOCK_STREAM);
	uint8_t ask[512];
	size_t n = frame("cluster.local", RR_AXFR, 7, ask);

	n += frame(SYSTEM_NAME, RR_A, 8, ask + n);
	for (unsigned i = 0; i < ROUNDS; i++) {
		memset(client->generations, 0, sizeof(client->generations));
		client->addresses = client->soas = 0;
		if (send(fd, ask, n, 0) != (ssize_t)n) {
			counter_add(&client->bad, 1);
		}
		while (client->soas < 2 && counter_get(&client->bad) == 0) {
			read_message(client, read_frame(fd, client->message));
		}
		if (!is_one_moment(client)) {
			counter_add(&client->bad, 1);
		}
		(void)read_frame(fd, client->message);
		if (get_u16(client->message) != 8) {
			counter_add(&client->bad, 1);
		}
	}
	close(fd);
	counter_add(&client->done, 1);
}

static void each_transfer_is_one_moment_while_the_zone_changes(void **state)
{
	struct loop *loop;
	struct client *client = MEM_NEW(struct client);
	struct thread *thread;
	unsigned generation = 1;

	assert_int_equal(loop_new(&loop), 0);
	client->system = start(loop);
	assert_int_equal(thread_start("client", read_zones, client, &thread), 0);
	for (unsigned i = 0; counter_get(&client->done) == 0; i = (i + 1) % SLICES) {
		/* Numbers are few; when they are all used the zone rests. */
		generation += i == 0 && generation < ROUNDS * SLICES;
		if (generation < ROUNDS * SLICES) {
			put_slice(client->system->rig, i, generation);
		}
		loop_run_once(loop);
	}
	thread_join(thread);
	assert_int_equal(counter_get(&client->bad), 0);
	system_stop((struct system *)(uintptr_t)client->system);
	loop_free(loop);
	mem_free(client);
}

/* Runs the control thread until the client has something to read. */
static void run_until_readable(struct loop *loop, int fd)
{
	uint8_t byte;

	while (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0) {
		loop_run_once(loop);
	}
}

static size_t open_images(const struct system *system)
{
	struct zone_stats stats;

	zone_stats(system->rig->zone, &stats);
	return stats.images;
}

/* Asks for a zone larger than what the kernel keeps for a socket, and reads nothing. */
static int begin_unread(struct loop *loop, struct system *system)
{
	uint8_t ask[512];
	size_t n = frame("cluster.local", RR_AXFR, 7, ask);
	int fd = system_dial(system, SOCK_STREAM);

	for (unsigned i = 0; i < 250; i++) {
		put_slice(system->rig, i, 1);
	}
	assert_int_equal(send(fd, ask, n, 0), n);
	run_until_readable(loop, fd);
	assert_int_equal(open_images(system), 1);
	return fd;
}

static void a_client_that_does_not_read_is_cut_off_and_holds_up_nobody(void **state)
{
	struct loop *loop;
	uint8_t answer[65536];

	assert_int_equal(loop_new(&loop), 0);
	struct system *system = start(loop);
	int slow = begin_unread(loop, system);
	int udp = system_dial(system, SOCK_DGRAM);

	for (unsigned i = 0; i < 200; i++) {
		(void)ask_udp(udp, SYSTEM_NAME, RR_A, answer);
		rig_slice(system->rig, "default", "web-1", "web", "http/TCP/80",
			  i % 2 == 0 ? "web-0=10.244.0.1" : "web-0=10.244.0.2");
	}
	/* It is ended within its time, and what was kept for it goes. */
	while (open_images(system) != 0) {
		loop_run_once(loop);
	}
	struct dns_server_stats stats;

	dns_server_stats(system->server, &stats);
	assert_int_equal(stats.transfers, 1);
	close(slow);
	close(udp);
	system_stop(system);
	loop_free(loop);
}

static void a_server_stops_in_the_middle_of_a_transfer(void **state)
{
	struct loop *loop;

	assert_int_equal(loop_new(&loop), 0);
	struct system *system = start(loop);
	int streaming = begin_unread(loop, system);
	int asked = system_dial(system, SOCK_STREAM);
	int gone = system_dial(system, SOCK_STREAM);
	uint8_t ask[512];
	size_t n = frame("cluster.local", RR_AXFR, 7, ask);
	struct dns_server_stats stats;

	/* One whose image never comes, and one that does not wait for it. */
	assert_int_equal(send(asked, ask, n, 0), n);
	assert_int_equal(send(gone, ask, n, 0), n);
	close(gone);
	do {
		dns_server_stats(system->server, &stats);
	} while (stats.transfers < 3);
	system_stop(system);
	close(streaming);
	close(asked);
	loop_free(loop);
}

/* Asks for as many zones as may be under way and one more, while the control thread is busy. */
static void too_many_transfers_are_refused(void **state)
{
	int fds[LIMIT_DNS_TRANSFERS + 1];
	struct dns_server_config config = {
		.listen = listen_at,
		.n_listen = 1,
		.workers = 1,
		.transfer_to = loopback,
		.n_transfer_to = 1,
	};
	struct dns_server_stats stats = { 0 };
	uint8_t answer[65536];
	uint8_t ask[512];
	size_t n = frame("cluster.local", RR_AXFR, 7, ask);

	assert_int_equal(loop_new(&config.loop), 0);
	struct system *system = system_start_config(&config, NULL);

	for (unsigned i = 0; i < LIMIT_DNS_TRANSFERS; i++) {
		fds[i] = system_dial(system, SOCK_STREAM);
		assert_int_equal(send(fds[i], ask, n, 0), n);
	}
	while (stats.transfers < LIMIT_DNS_TRANSFERS) {
		dns_server_stats(system->server, &stats);
	}
	fds[LIMIT_DNS_TRANSFERS] = system_dial(system, SOCK_STREAM);
	assert_int_equal(send(fds[LIMIT_DNS_TRANSFERS], ask, n, 0), n);
	(void)read_frame(fds[LIMIT_DNS_TRANSFERS], answer);
	assert_int_equal(answer[3] & DNS_RCODE, DNS_SERVFAIL);
	for (unsigned i = 0; i <= LIMIT_DNS_TRANSFERS; i++) {
		close(fds[i]);
	}
	system_stop(system);
	loop_free(config.loop);
}

static void bad_networks_are_named(void **state)
{
	static const char *const odd[] = { "10.0.0.1/8", "example.org", "", "10.0.0.0/33" };
	struct system *system = system_start("127.0.0.1:0", 1, NULL);
	struct dns_server_config config = { .listen = listen_at,
					    .n_listen = 1,
					    .n_transfer_to = 1 };
	struct dns_server *server;
	char message[DNS_MESSAGE];

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		config.transfer_to = &odd[i];
		assert_int_equal(dns_server_new(&config, system->rig->zone, NULL, &server, message),
				 DNS_SERVER_BAD);
		assert_non_null(strstr(message, odd[i]));
	}
	system_stop(system);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_transfer_is_one_moment_while_the_zone_changes),
		cmocka_unit_test(a_client_that_does_not_read_is_cut_off_and_holds_up_nobody),
		cmocka_unit_test(a_server_stops_in_the_middle_of_a_transfer),
		cmocka_unit_test(too_many_transfers_are_refused),
		cmocka_unit_test(bad_networks_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
