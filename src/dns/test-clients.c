/* SPDX-License-Identifier: Apache-2.0 */
/* What TCP stands on, without a socket: messages out of bytes, and who has which connections. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "dns/clients.h"
#include "dns/frames.h"
#include "dns/wire.h"

/* ---- frames ---- */

/* Gives `n` bytes in pieces of `piece` and writes down the size of each message that comes. */
static size_t sizes(struct frames *frames, const uint8_t *bytes, size_t n, size_t piece,
		    size_t ret_sizes[8])
{
	size_t found = 0;

	for (size_t at = 0; at < n;) {
		const uint8_t *message;
		size_t room;
		uint8_t *to = frames_room(frames, &room);
		size_t step = piece < room ? piece : room;

		step = step < n - at ? step : n - at;
		assert_true(step > 0);
		memcpy(to, bytes + at, step);
		frames_add(frames, step);
		at += step;
		while (found < 8 && frames_next(frames, &message, &ret_sizes[found])) {
			/* Each message begins with its number. */
			if (ret_sizes[found] != 0) {
				assert_int_equal(message[0], found);
			}
			found++;
		}
	}
	return found;
}

static void messages_are_the_same_however_they_are_cut(void **state)
{
	static const uint16_t lengths[] = { 12, 0, 1, 4096, 4097, 65535, 13 };
	static const size_t given[] = { 12, 0, 1, 4096, DNS_HEADER, DNS_HEADER, 13 };
	static const size_t pieces[] = { 1, 2, 3, 13, 700, 4097, 4098, 100000 };
	static uint8_t bytes[100000];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		set_u16(bytes + n, lengths[i]);
		bytes[n + FRAME_LENGTH] = (uint8_t)i;
		n += (size_t)FRAME_LENGTH + lengths[i];
	}
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct frames frames = { .n = 0 };
		size_t found[8];

		assert_int_equal(sizes(&frames, bytes, n, pieces[i], found), ARRAY_SIZE(lengths));
		assert_memory_equal(found, given, sizeof(given));
		assert_false(frames_begun(&frames));
	}
}

static void a_message_is_begun_with_its_first_octet(void **state)
{
	struct frames frames = { .n = 0 };
	const uint8_t *message;
	size_t n;

	assert_false(frames_begun(&frames));
	frames_room(&frames, &n)[0] = 0xff;
	frames_add(&frames, 1);
	assert_true(frames_begun(&frames));
	assert_false(frames_next(&frames, &message, &n));
	/* All but the header of a large one is skipped, and that is not done yet. */
	memset(frames_room(&frames, &n), 0xff, 1 + DNS_HEADER);
	frames_add(&frames, 1 + DNS_HEADER);
	assert_true(frames_next(&frames, &message, &n));
	assert_int_equal(n, DNS_HEADER);
	assert_true(frames_begun(&frames));
	frames_clear(&frames);
	assert_false(frames_begun(&frames));
}

/* ---- clients ---- */

static struct sockaddr_storage from(const char *text)
{
	struct sockaddr_storage address = { .ss_family = AF_INET };
	struct sockaddr_in *four = (struct sockaddr_in *)(void *)&address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)&address;

	if (strchr(text, ':') != NULL) {
		address.ss_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
	} else {
		assert_int_equal(inet_pton(AF_INET, text, &four->sin_addr), 1);
	}
	return address;
}

static void join(struct clients *clients, struct client_member *member, const char *text)
{
	struct sockaddr_storage address = from(text);

	clients_join(clients, member, &address);
}

static void the_client_with_most_loses_its_idlest_first(void **state)
{
	struct clients *clients = clients_new();
	struct client_member few;
	struct client_member many[4];
	struct sockaddr_storage address = from("127.0.0.1");

	assert_null(clients_worst(clients));
	join(clients, &few, "127.0.0.2");
	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		join(clients, &many[i], "127.0.0.1");
	}
	assert_int_equal(clients_count(clients, &address), 4);
	clients_use(clients, &many[0], CLIENT_WAITING);
	clients_use(clients, &many[1], CLIENT_BUSY);
	clients_use(clients, &many[2], CLIENT_IDLE);
	/* In this order: idle longest, idle, busy; and no more from them than from others. */
	assert_ptr_equal(clients_worst(clients), &many[3]);
	clients_leave(clients, &many[3]);
	assert_ptr_equal(clients_worst(clients), &many[2]);
	clients_leave(clients, &many[2]);
	assert_ptr_equal(clients_worst(clients), &many[1]);
	assert_ptr_equal(clients_worst_of(clients, &address), &many[1]);
	clients_leave(clients, &many[1]);
	/* One each: the idle one goes before the one that waits for its answer. */
	assert_ptr_equal(clients_worst(clients), &few);
	assert_ptr_equal(clients_worst_of(clients, &address), &many[0]);
	clients_leave(clients, &few);
	clients_leave(clients, &many[0]);
	assert_null(clients_worst(clients));
	assert_null(clients_worst_of(clients, &address));
	clients_free(clients);
}

static void the_oldest_half_done_goes_when_nobody_is_idle(void **state)
{
	struct clients *clients = clients_new();
	struct client_member members[3];

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		join(clients, &members[i], "127.0.0.1");
		clients_use(clients, &members[i], CLIENT_BUSY);
	}
	assert_ptr_equal(clients_worst(clients), &members[0]);
	/* Said again, it is another thing that is half done. */
	clients_use(clients, &members[0], CLIENT_BUSY);
	assert_ptr_equal(clients_worst(clients), &members[1]);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		clients_leave(clients, &members[i]);
	}
	clients_free(clients);
}

static void a_network_of_ipv6_is_one_client(void **state)
{
	struct clients *clients = clients_new();
	struct client_member members[3];
	struct sockaddr_storage first = from("fd00:0:0:1::ffff");
	struct sockaddr_storage second = from("fd00:0:0:2::1");

	join(clients, &members[0], "fd00:0:0:1::1");
	join(clients, &members[1], "fd00:0:0:1:ffff::2");
	join(clients, &members[2], "fd00:0:0:2::1");
	assert_int_equal(clients_count(clients, &first), 2);
	assert_int_equal(clients_count(clients, &second), 1);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		clients_leave(clients, &members[i]);
	}
	clients_free(clients);
}

/* Comes and goes at random; the one with most is found all the same. */
static void the_most_is_known_at_any_time(void **state)
{
	enum { MEMBERS = 300, ADDRESSES = 9, ROUNDS = 20000 };
	static struct client_member members[MEMBERS];
	struct clients *clients = clients_new();
	size_t counts[ADDRESSES] = { 0 };
	struct random_state random;

	memset(members, 0, sizeof(members));
	random_state_seed(&random, 3);
	for (size_t i = 0; i < ROUNDS; i++) {
		size_t which = random_below(&random, MEMBERS);
		struct sockaddr_storage address = from("127.0.0.1");
		uint8_t *last = (uint8_t *)&((struct sockaddr_in *)(void *)&address)->sin_addr + 3;
		size_t most = 0;

		/* Few addresses have most of them. */
		*last = (uint8_t)(which % 2 == 0 ? 0 : which % ADDRESSES);
		if (members[which].client != NULL) {
			clients_leave(clients, &members[which]);
			counts[*last]--;
		} else {
			clients_join(clients, &members[which], &address);
			counts[*last]++;
		}
		for (size_t k = 0; k < ADDRESSES; k++) {
			most = counts[k] > most ? counts[k] : most;
		}
		assert_int_equal(clients_count(clients, &address), counts[*last]);
		if (most > 1) {
			size_t victim = (size_t)(clients_worst(clients) - members);

			assert_int_equal(counts[victim % 2 == 0 ? 0 : victim % ADDRESSES], most);
		}
	}
	for (size_t i = 0; i < MEMBERS; i++) {
		if (members[i].client != NULL) {
			clients_leave(clients, &members[i]);
		}
	}
	clients_free(clients);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_the_same_however_they_are_cut),
		cmocka_unit_test(a_message_is_begun_with_its_first_octet),
		cmocka_unit_test(the_client_with_most_loses_its_idlest_first),
		cmocka_unit_test(the_oldest_half_done_goes_when_nobody_is_idle),
		cmocka_unit_test(a_network_of_ipv6_is_one_client),
		cmocka_unit_test(the_most_is_known_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
