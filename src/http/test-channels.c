/* SPDX-License-Identifier: Apache-2.0 */
/* Between a WebSocket, frame by frame, and the server's side of SPDY, as a runtime speaks it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "http/channels.h"
#include "http/spdy.h"
#include "http/test-socket.h"
#include "http/tunnel.h"
#include "loop/loop.h"

enum { TURNS = 200000, IN = 0, OUT = 1, STATUS = 3 };

struct rig {
	struct loop *loop;
	struct far far; /* the client */
	int server;
	struct spdy *spdy; /* on it */
	struct buffer answer; /* of the server, not sent yet */
	struct buffer heard; /* by the server */
	struct channels *channels;
	bool ended;
	uint32_t streams[4]; /* by channel */
};

static void opened(void *userdata, uint32_t stream, const struct http_pair *headers, size_t n)
{
	struct rig *rig = userdata;

	assert_int_equal(n, 1);
	assert_string_equal(headers[0].name, "streamtype");
	buffer_printf(&rig->heard, "<%s>", headers[0].value);
	rig->streams[strcmp(headers[0].value, "stdin") == 0    ? IN
		     : strcmp(headers[0].value, "stdout") == 0 ? OUT
							       : STATUS] = stream;
}

static void data(void *userdata, uint32_t stream, struct str bytes, bool last)
{
	struct rig *rig = userdata;

	assert_int_equal(stream, rig->streams[IN]);
	buffer_append_str(&rig->heard, bytes);
	if (last) {
		buffer_append_char(&rig->heard, '|');
	}
}

static const struct spdy_ops ops = { .opened = opened, .data = data };

static void ended(void *userdata)
{
	struct rig *rig = userdata;

	rig->channels = NULL;
	rig->ended = true;
}

static int setup(void **state)
{
	struct rig *rig = MEM_NEW(struct rig);

	assert_int_equal(loop_new(&rig->loop), 0);
	buffer_init(&rig->answer, LIMIT_BODY);
	buffer_init(&rig->heard, LIMIT_BODY);
	rig->spdy = spdy_new(/* is_client= */ false, &rig->answer, &ops, rig);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	channels_free(rig->channels);
	spdy_free(rig->spdy);
	far_deinit(&rig->far);
	close(rig->server);
	loop_free(rig->loop);
	buffer_deinit(&rig->answer);
	buffer_deinit(&rig->heard);
	mem_free(rig);
	return 0;
}

/* As exec has them. */
static void start(struct rig *rig, struct channels_config config)
{
	static const struct channel channels[] = {
		{ .number = STATUS, .headers = { { "streamType", "error" } } },
		{ .number = IN, .headers = { { "streamType", "stdin" } }, .input = true },
		{ .number = OUT, .headers = { { "streamType", "stdout" } }, .greets = true },
	};
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	rig->server = fds[0];
	config.client = tunnel_of_socket(rig->loop, far_init(&rig->far, rig->loop), STR_NONE);
	config.server = tunnel_of_socket(rig->loop, fds[1], STR_NONE);
	config.channels = channels;
	config.n_channels = 3;
	rig->channels = channels_start(rig->loop, &config, ended, rig);
	/* The greeting. */
	far_hears(&rig->far, FRAME_FIN | (config.text ? FRAME_TEXT : FRAME_BINARY),
		  config.text ? STR("1") : STR("\1"));
}

/* The server has heard this, all in all. */
static void server_hears(struct rig *rig, const char *expected)
{
	char block[4096];

	for (int i = 0; i < TURNS && strcmp(buffer_text(&rig->heard), expected) != 0; i++) {
		ssize_t n = recv(rig->server, block, sizeof(block), 0);

		if (n > 0) {
			struct str bytes = { .p = block, .n = (size_t)n };

			assert_int_equal(spdy_feed(rig->spdy, bytes), 0);
		}
		loop_run_once(rig->loop);
	}
	assert_string_equal(buffer_text(&rig->heard), expected);
}

static void server_says(struct rig *rig, int channel, struct str bytes, bool last)
{
	spdy_send(rig->spdy, rig->streams[channel], bytes, last);
	assert_int_equal(send(rig->server, rig->answer.p, rig->answer.n, MSG_NOSIGNAL),
			 rig->answer.n);
	buffer_clear(&rig->answer);
}

#define OPENED "<error><stdin><stdout>"
static const struct channels_config v5 = { .status = STATUS, .closes = true };
static const struct channels_config v4 = { .status = STATUS };
static const struct channels_config base64 = { .status = STATUS, .text = true };

static void input_reaches_its_stream(void **state)
{
	struct rig *rig = *state;

	start(rig, v5);
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\0ab"));
	far_send(&rig->far, FRAME_BINARY, STR_NONE);
	far_send(&rig->far, FRAME_MORE, (struct str){ "\0", 1 });
	far_send(&rig->far, FRAME_FIN | FRAME_MORE, STR("cd"));
	server_hears(rig, OPENED "abcd");
}

static void only_input_has_input(void **state)
{
	struct rig *rig = *state;

	start(rig, v5);
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\1out"));
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\3status"));
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\x7fnobody"));
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR_NONE);
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\0in"));
	server_hears(rig, OPENED "in");
}

static void v5_can_close_a_channel(void **state)
{
	struct rig *rig = *state;

	start(rig, v5);
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\0a"));
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\xff\0"));
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\0late"));
	server_hears(rig, OPENED "a|");
	/* The other direction goes on. */
	server_says(rig, OUT, STR("still here"), false);
	far_hears(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\1still here"));
	assert_string_equal(buffer_text(&rig->heard), OPENED "a|");
}

static void v4_can_not(void **state)
{
	struct rig *rig = *state;

	start(rig, v4);
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\xff\0"));
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\0a"));
	server_hears(rig, OPENED "a");
}

static void base64_is_text_both_ways(void **state)
{
	struct rig *rig = *state;

	start(rig, base64);
	far_send(&rig->far, FRAME_FIN | FRAME_TEXT, STR("0aGVsbG8="));
	/* Groups of four may be torn apart. */
	far_send(&rig->far, FRAME_TEXT, STR("0IHd"));
	far_send(&rig->far, FRAME_FIN | FRAME_MORE, STR("vcmxk"));
	server_hears(rig, OPENED "hello world");
	server_says(rig, OUT, STR("hi"), false);
	far_hears(&rig->far, FRAME_FIN | FRAME_TEXT, STR("1aGk="));
}

static void an_end_with_its_status_is_in_order(void **state)
{
	struct rig *rig = *state;

	start(rig, v4);
	server_hears(rig, OPENED);
	server_says(rig, OUT, STR("last words"), true);
	server_says(rig, STATUS, STR("{\"status\":\"Success\"}"), true);
	far_hears(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\1last words"));
	far_hears(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\3{\"status\":\"Success\"}"));
	far_hears_close(&rig->far, 1000);
	far_send(&rig->far, FRAME_FIN | FRAME_CLOSE, STR("\x03\xe8"));
	far_turn_until(&rig->far, &rig->ended);
}

static void an_end_without_status_is_an_accident(void **state)
{
	struct rig *rig = *state;

	start(rig, v4);
	server_hears(rig, OPENED);
	server_says(rig, OUT, STR("half a"), false);
	shutdown(rig->server, SHUT_RDWR);
	far_hears(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\1half a"));
	far_hears_close(&rig->far, 1011);
}

static void a_server_that_speaks_no_spdy_is_an_accident(void **state)
{
	struct rig *rig = *state;

	start(rig, v5);
	assert_int_equal(send(rig->server, "\x80\2\0\1\0\0\0\0", 8, MSG_NOSIGNAL), 8);
	far_hears_close(&rig->far, 1011);
}

static void a_client_that_goes_takes_the_server_with_it(void **state)
{
	struct rig *rig = *state;
	char byte;

	start(rig, v5);
	server_hears(rig, OPENED);
	shutdown(rig->far.fd, SHUT_RDWR);
	far_turn_until(&rig->far, &rig->ended);
	assert_int_equal(recv(rig->server, &byte, 1, 0), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(input_reaches_its_stream),
		TEST(only_input_has_input),
		TEST(v5_can_close_a_channel),
		TEST(v4_can_not),
		TEST(base64_is_text_both_ways),
		TEST(an_end_with_its_status_is_in_order),
		TEST(an_end_without_status_is_an_accident),
		TEST(a_server_that_speaks_no_spdy_is_an_accident),
		TEST(a_client_that_goes_takes_the_server_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
