/* SPDX-License-Identifier: Apache-2.0 */
/* A body, as a server sends it, in messages, as a client hears them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "http/body_messages.h"
#include "http/test-socket.h"
#include "http/tunnel.h"
#include "loop/loop.h"

struct rig {
	struct loop *loop;
	struct far far; /* the client */
	int server;
	struct body_messages *messages;
	bool ended;
};

static void ended(void *userdata)
{
	struct rig *rig = userdata;

	rig->messages = NULL;
	rig->ended = true;
}

static int setup(void **state)
{
	struct rig *rig = MEM_NEW(struct rig);

	assert_int_equal(loop_new(&rig->loop), 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	body_messages_free(rig->messages);
	far_deinit(&rig->far);
	close(rig->server);
	loop_free(rig->loop);
	mem_free(rig);
	return 0;
}

/* With a chunked body, of which `early` came with the head; the greeting is heard. */
static void start(struct rig *rig, bool text, struct str early)
{
	struct http_pair chunked = { "transfer-encoding", "chunked" };
	struct http_head head = { .status = 200, .headers = &chunked, .n_headers = 1 };
	struct http_body body;
	int fds[2];

	assert_true(http_body_init(&body, &head, /* is_head_request= */ false));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	rig->server = fds[0];
	rig->messages = body_messages_start(
		rig->loop, tunnel_of_socket(rig->loop, far_init(&rig->far, rig->loop), STR_NONE),
		tunnel_of_socket(rig->loop, fds[1], early), &body, text, ended, rig);
	far_hears(&rig->far, FRAME_FIN | (text ? FRAME_TEXT : FRAME_BINARY), STR_NONE);
}

static void server_says(struct rig *rig, const char *text)
{
	assert_int_equal(send(rig->server, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void each_piece_is_a_message_and_the_end_is_in_order(void **state)
{
	struct rig *rig = *state;

	start(rig, false, STR("4\r\none\n\r\n"));
	far_hears(&rig->far, FRAME_FIN | FRAME_BINARY, STR("one\n"));
	/* Whatever the client says. */
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("hello?"));
	server_says(rig, "4\r\ntwo\n\r\n");
	far_hears(&rig->far, FRAME_FIN | FRAME_BINARY, STR("two\n"));
	server_says(rig, "0\r\n\r\n");
	far_hears_close(&rig->far, 1000);
	far_send(&rig->far, FRAME_FIN | FRAME_CLOSE, STR("\x03\xe8"));
	far_turn_until(&rig->far, &rig->ended);
}

static void base64_is_text(void **state)
{
	struct rig *rig = *state;

	start(rig, true, STR_NONE);
	server_says(rig, "5\r\nhello\r\n0\r\n\r\n");
	far_hears(&rig->far, FRAME_FIN | FRAME_TEXT, STR("aGVsbG8="));
	far_hears_close(&rig->far, 1000);
}

static void an_empty_body_has_an_end(void **state)
{
	struct rig *rig = *state;

	start(rig, false, STR("0\r\n\r\n"));
	far_hears_close(&rig->far, 1000);
}

static void a_body_that_is_cut_short_is_an_accident(void **state)
{
	struct rig *rig = *state;

	start(rig, false, STR("9\r\nhalf"));
	far_hears(&rig->far, FRAME_FIN | FRAME_BINARY, STR("half"));
	shutdown(rig->server, SHUT_RDWR);
	far_hears_close(&rig->far, 1011);
}

static void bad_framing_is_an_accident(void **state)
{
	struct rig *rig = *state;

	start(rig, false, STR("no number\r\n"));
	far_hears_close(&rig->far, 1011);
}

static void a_client_that_goes_takes_the_server_with_it(void **state)
{
	struct rig *rig = *state;
	char byte;

	start(rig, false, STR_NONE);
	shutdown(rig->far.fd, SHUT_RDWR);
	far_turn_until(&rig->far, &rig->ended);
	assert_int_equal(recv(rig->server, &byte, 1, 0), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_piece_is_a_message_and_the_end_is_in_order),
		TEST(base64_is_text),
		TEST(an_empty_body_has_an_end),
		TEST(a_body_that_is_cut_short_is_an_accident),
		TEST(bad_framing_is_an_accident),
		TEST(a_client_that_goes_takes_the_server_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
