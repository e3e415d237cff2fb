/* SPDX-License-Identifier: Apache-2.0 */
/* dnstap: messages byte by byte, control frames, and a tap whose receiver comes and goes. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "dns/dnstap.h"
#include "dns/dnstap_link.h"
#include "dns/wire.h"

/* ---- bytes ---- */

static void a_query_is_these_bytes(void **state)
{
	static const uint8_t expected[] = {
		0,    0,    0,    47, /* the frame */
		0x0a, 2,    'm',  'e', /* identity */
		0x12, 2,    'v',  '1', /* version */
		0x78, 1, /* type: MESSAGE */
		0x72, 35, /* message */
		0x08, 5, /* CLIENT_QUERY */
		0x10, 1,    0x18, 1, /* INET, UDP */
		0x22, 4,    10,   0,    0,    1, /* query_address */
		0x30, 0xb9, 0x60, /* query_port 12345 */
		0x38, 53, /* response_port; no response_address */
		0x40, 0x80, 0xa2, 0x8b, 0xca, 0x06, /* query_time_sec 1765986560 */
		0x4d, 0x78, 0x56, 0x34, 0x12, /* query_time_nsec */
		0x52, 5,    'q',  'u',  'e',  'r',  'y', /* query_message */
	};
	const struct dnstap_speaker speaker = { .identity = STR("me"), .version = STR("v1") };
	const struct dnstap_message message = {
		.type = DNSTAP_CLIENT_QUERY,
		.client = { .n = 4, .address = { 10, 0, 0, 1 }, .port = 12345 },
		.server = { .port = 53 },
		.query_time = INT64_C(1765986560) * (int64_t)NS_PER_S + 0x12345678,
		.bytes = (const uint8_t *)"query",
		.n = 5,
	};
	uint8_t *out = mem_alloc(DNSTAP_FRAME_MAX);
	size_t n = dnstap_frame(&speaker, &message, out);

	assert_int_equal(n, sizeof(expected));
	assert_memory_equal(out, expected, n);
	mem_free(out);
}

static void a_response_without_its_message_is_these(void **state)
{
	static const uint8_t expected[] = {
		0,    0,    0,    66, /* the frame */
		0x78, 1, /* type: MESSAGE; nobody speaks */
		0x72, 62, /* message */
		0x08, 6,    0x10, 2,    0x18, 2, /* CLIENT_RESPONSE, INET6, TCP */
		0x22, 16,   0xfd, 0,    0,    0, 0, 0, 0,
		0,    0,    0,    0,    0,    0, 0, 0, 1, /* query_address */
		0x30, 1, /* query_port */
		0x2a, 16,   0xfd, 0,    0,    0, 0, 0, 0,
		0,    0,    0,    0,    0,    0, 0, 0, 2, /* response_address */
		0x38, 0xff, 0xff, 0x03, /* response_port 65535 */
		0x40, 1,    0x4d, 2,    0,    0, 0, /* query_time */
		0x60, 3,    0x6d, 4,    0,    0, 0, /* response_time */
	};
	const struct dnstap_speaker speaker = { .identity = STR_NONE, .version = STR_NONE };
	const struct dnstap_message message = {
		.type = DNSTAP_CLIENT_RESPONSE,
		.tcp = true,
		.client = { .n = 16, .address = { 0xfd, [15] = 1 }, .port = 1 },
		.server = { .n = 16, .address = { 0xfd, [15] = 2 }, .port = 65535 },
		.query_time = (int64_t)NS_PER_S + 2,
		.response_time = 3 * (int64_t)NS_PER_S + 4,
	};
	uint8_t *out = mem_alloc(DNSTAP_FRAME_MAX);
	size_t n = dnstap_frame(&speaker, &message, out);

	assert_int_equal(n, sizeof(expected));
	assert_memory_equal(out, expected, n);
	mem_free(out);
}

static void the_largest_frame_has_room(void **state)
{
	static uint8_t bytes[UINT16_MAX];
	static char name[LIMIT_DNSTAP_NAME];
	const struct str text = { .p = name, .n = sizeof(name) };
	const struct dnstap_speaker speaker = { .identity = text, .version = text };
	const struct dnstap_message message = {
		.type = DNSTAP_CLIENT_RESPONSE,
		.client = { .n = 16, .port = 65535 },
		.server = { .n = 16, .port = 65535 },
		.query_time = INT64_MAX,
		.response_time = INT64_MAX,
		.bytes = bytes,
		.n = sizeof(bytes),
	};
	uint8_t *out = mem_alloc(DNSTAP_FRAME_MAX);
	size_t n = dnstap_frame(&speaker, &message, out);

	assert_in_range(n, sizeof(bytes) + 2 * sizeof(name), DNSTAP_FRAME_MAX);
	assert_int_equal(get_u32(out), n - 4);
	mem_free(out);
}

static void control_frames_are_those_of_frame_streams(void **state)
{
	static const uint8_t ready[] = "\0\0\0\0\0\0\0\42\0\0\0\4\0\0\0\1\0\0\0\26"
				       "protobuf:dnstap.Dnstap";
	static const uint8_t stop[] = { 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3 };
	uint8_t out[DNSTAP_CONTROL_MAX];
	struct dnstap_control_read read;
	size_t n = dnstap_control_write(DNSTAP_READY, out);

	assert_int_equal(n, sizeof(ready) - 1);
	assert_memory_equal(out, ready, n);
	assert_int_equal(dnstap_control_read(out, n, &read), 0);
	assert_true(read.type == DNSTAP_READY && read.ours && read.used == n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(dnstap_control_read(out, i, &read), DNSTAP_MORE);
	}
	out[n - 1]++;
	assert_int_equal(dnstap_control_read(out, n, &read), 0);
	assert_false(read.ours);
	out[19]++;
	assert_int_equal(dnstap_control_read(out, n, &read), DNSTAP_BAD);
	n = dnstap_control_write(DNSTAP_STOP, out);
	assert_int_equal(n, sizeof(stop));
	assert_memory_equal(out, stop, n);
	assert_int_equal(dnstap_control_read(out, n, &read), 0);
	assert_true(read.type == DNSTAP_STOP && read.ours);
	set_u32(out + 4, 513);
	assert_int_equal(dnstap_control_read(out, n, &read), DNSTAP_BAD);
	set_u32(out, 5);
	assert_int_equal(dnstap_control_read(out, n, &read), DNSTAP_BAD);
}

static void sockets_are_paths_and_addresses(void **state)
{
	static const char *const good[] = { "/run/tap", "unix:///run/tap", "tcp://127.0.0.1:6000",
					    "tcp://[::1]:6000" };
	static const char *const bad[] = { "",
					   "/",
					   "tap",
					   "unix://tap",
					   "tcp://127.0.0.1",
					   "tcp://127.0.0.1:0",
					   "tcp://localhost:6000",
					   "tls://127.0.0.1:6000" };
	char path[200] = "/";

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(dnstap_socket_is_valid(good[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(dnstap_socket_is_valid(bad[i]));
	}
	memset(path + 1, 'a', 107);
	assert_false(dnstap_socket_is_valid(path));
	path[107] = '\0';
	assert_true(dnstap_socket_is_valid(path));
}

/* ---- a receiver ---- */

struct receiver {
	char folder[32];
	char path[64];
	int listening;
	int fd;
};

static void receiver_listen(struct receiver *receiver)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, receiver->path, sizeof(receiver->path));
	receiver->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(receiver->listening, (struct sockaddr *)&address, sizeof(address)),
			 0);
	assert_int_equal(listen(receiver->listening, 4), 0);
}

static void receiver_init(struct receiver *receiver)
{
	snprintf(receiver->folder, sizeof(receiver->folder), "/tmp/tap-XXXXXX");
	assert_non_null(mkdtemp(receiver->folder));
	snprintf(receiver->path, sizeof(receiver->path), "%s/socket", receiver->folder);
	receiver->fd = -1;
}

static void receiver_deinit(struct receiver *receiver)
{
	(void)unlink(receiver->path);
	(void)rmdir(receiver->folder);
}

static void read_exactly(int fd, uint8_t *to, size_t n)
{
	size_t have = 0;

	while (have < n) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };

		assert_int_equal(poll(&readable, 1, 30000), 1);
		ssize_t got = read(fd, to + have, n - have);

		assert_true(got > 0);
		have += (size_t)got;
	}
}

/* A frame's body; control frames begin with 0 and their length. */
static size_t read_frame(int fd, uint8_t *to)
{
	uint8_t length[4];

	read_exactly(fd, length, 4);
	if (get_u32(length) == 0) {
		read_exactly(fd, length, 4);
	}
	assert_true(get_u32(length) <= DNSTAP_FRAME_MAX);
	read_exactly(fd, to, get_u32(length));
	return get_u32(length);
}

static void expect_control(int fd, uint32_t type)
{
	uint8_t frame[DNSTAP_CONTROL_MAX];

	read_frame(fd, frame);
	assert_int_equal(get_u32(frame), type);
}

/* ACCEPT is READY with another type. */
static void answer_ready(int fd)
{
	uint8_t frame[DNSTAP_CONTROL_MAX];
	size_t n = dnstap_control_write(DNSTAP_READY, frame);

	expect_control(fd, DNSTAP_READY);
	frame[11] = DNSTAP_ACCEPT;
	/* In two pieces. */
	assert_int_equal(write(fd, frame, 7), 7);
	assert_int_equal(write(fd, frame + 7, n - 7), n - 7);
	expect_control(fd, DNSTAP_START);
}

static void receiver_accept(struct receiver *receiver)
{
	struct pollfd coming = { .fd = receiver->listening, .events = POLLIN };

	assert_int_equal(poll(&coming, 1, 30000), 1);
	receiver->fd = accept(receiver->listening, NULL, NULL);
	assert_true(receiver->fd >= 0);
	answer_ready(receiver->fd);
}

static void receiver_close(struct receiver *receiver)
{
	close(receiver->fd);
	close(receiver->listening);
	(void)unlink(receiver->path);
}

/* The messages are large and different: `i` everywhere, and where the n-th of them begins. */
static void put_some(struct dnstap *tap, unsigned from, unsigned to)
{
	static uint8_t bytes[UINT16_MAX];
	struct dnstap_event event = { .query_time = 1, .client = { .n = 4, .port = 1 } };

	for (unsigned i = from; i < to; i++) {
		event.n = (uint16_t)(i * 997 % UINT16_MAX + 8);
		memset(bytes, (int)i, event.n);
		dnstap_put(tap, i % 2, &event, bytes);
	}
}

/* The number of the message in a frame, which is at its end, and whole. */
static unsigned check_frame(const uint8_t *frame, size_t n)
{
	uint8_t i = frame[n - 1];
	size_t message_n = i * 997U % UINT16_MAX + 8;

	assert_true(n > message_n);
	for (size_t at = n - message_n; at < n; at++) {
		assert_int_equal(frame[at], i);
	}
	return i;
}

static struct dnstap *tap_new(const struct receiver *receiver)
{
	const struct dnstap_config config = {
		.socket = receiver->path,
		.full = true,
		.identity = "test",
	};
	struct dnstap *tap;

	assert_int_equal(dnstap_new(&config, 2, NULL, &tap), 0);
	return tap;
}

static void free_tap(void *tap)
{
	dnstap_free(tap);
}

/* It ends when its receiver has taken everything and said so. */
static void end(struct receiver *receiver, struct dnstap *tap)
{
	static const uint8_t finish[] = { 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 5 };
	struct thread *thread;

	assert_int_equal(thread_start("end", free_tap, tap, &thread), 0);
	expect_control(receiver->fd, DNSTAP_STOP);
	assert_int_equal(write(receiver->fd, finish, sizeof(finish)), sizeof(finish));
	thread_join(thread);
	receiver_close(receiver);
}

/* All of them, each whole, those of one worker in order. */
static void what_was_put_comes_out(void **state)
{
	enum { MANY = 60 };
	struct receiver receiver;
	uint8_t *frame = mem_alloc(DNSTAP_FRAME_MAX);
	unsigned last[2] = { 0, 0 };

	receiver_init(&receiver);
	struct dnstap *tap = tap_new(&receiver);

	put_some(tap, 1, MANY);
	assert_int_equal(dnstap_start(tap), 0);
	/* It comes later than the one who wants to tell it something. */
	receiver_listen(&receiver);
	receiver_accept(&receiver);
	for (unsigned i = 1; i < MANY; i++) {
		unsigned which = check_frame(frame, read_frame(receiver.fd, frame));

		assert_true(which > last[which % 2]);
		last[which % 2] = which;
	}
	assert_int_equal(last[0] + last[1], 2 * MANY - 3);
	struct dnstap_stats stats;

	dnstap_stats(tap, &stats);
	assert_true(stats.connected && stats.lost == 0 && stats.frames == MANY - 1);
	put_some(tap, 7, 8);
	assert_int_equal(check_frame(frame, read_frame(receiver.fd, frame)), 7);
	receiver_close(&receiver);
	dnstap_free(tap);
	receiver_deinit(&receiver);
	mem_free(frame);
}

/* A frame that was cut by the loss comes again, whole, behind the next handshake. */
static void a_receiver_that_comes_back_is_told_the_rest(void **state)
{
	enum { MANY = 100 };
	struct receiver receiver;
	uint8_t *frame = mem_alloc(DNSTAP_FRAME_MAX);
	unsigned seen = 0;

	receiver_init(&receiver);
	receiver_listen(&receiver);
	struct dnstap *tap = tap_new(&receiver);

	assert_int_equal(dnstap_start(tap), 0);
	receiver_accept(&receiver);
	put_some(tap, 1, MANY);
	assert_int_equal(check_frame(frame, read_frame(receiver.fd, frame)) <= 2, 1);
	receiver_close(&receiver);
	receiver_listen(&receiver);
	receiver_accept(&receiver);
	put_some(tap, 201, 202);
	while (seen != 201) {
		seen = check_frame(frame, read_frame(receiver.fd, frame));
	}
	end(&receiver, tap);
	receiver_deinit(&receiver);
	mem_free(frame);
}

static void what_nobody_takes_is_lost_and_counted(void **state)
{
	enum { MANY = LIMIT_DNSTAP_SLOTS + 100 };
	struct receiver receiver;
	struct dnstap_event event = { .query_time = 1, .client = { .n = 4 }, .n = 40 };
	static const uint8_t query[40];
	struct dnstap_stats stats;

	receiver_init(&receiver);
	struct dnstap *tap = tap_new(&receiver);

	/* Not started: the slowest of all. */
	for (unsigned i = 0; i < MANY; i++) {
		dnstap_put(tap, 1, &event, query);
	}
	dnstap_put(tap, 0, &event, query);
	dnstap_stats(tap, &stats);
	assert_int_equal(stats.lost, 100);
	assert_false(stats.connected);
	dnstap_free(tap);
	receiver_deinit(&receiver);
}

/* Whoever answers something else is left, and dialled again. */
static void who_does_not_speak_our_language_is_left(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 400 Bad Request\r\n\r\n",
		"\0\0\0\0\0\0\0\4\0\0\0\5",
		"\0\0\0\0\0\0\0\20\0\0\0\1\0\0\0\1\0\0\0\4text",
	};
	struct receiver receiver;

	receiver_init(&receiver);
	receiver_listen(&receiver);
	struct dnstap *tap = tap_new(&receiver);

	assert_int_equal(dnstap_start(tap), 0);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		int fd = accept(receiver.listening, NULL, NULL);
		size_t n = i == 2 ? 24 : i == 1 ? 12 : strlen(answers[i]);
		char nothing;

		expect_control(fd, DNSTAP_READY);
		assert_int_equal(write(fd, answers[i], n), n);
		assert_true(read(fd, &nothing, 1) <= 0);
		close(fd);
	}
	receiver_accept(&receiver);
	end(&receiver, tap);
	receiver_deinit(&receiver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_is_these_bytes),
		cmocka_unit_test(a_response_without_its_message_is_these),
		cmocka_unit_test(the_largest_frame_has_room),
		cmocka_unit_test(control_frames_are_those_of_frame_streams),
		cmocka_unit_test(sockets_are_paths_and_addresses),
		cmocka_unit_test(what_was_put_comes_out),
		cmocka_unit_test(a_receiver_that_comes_back_is_told_the_rest),
		cmocka_unit_test(what_nobody_takes_is_lost_and_counted),
		cmocka_unit_test(who_does_not_speak_our_language_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
