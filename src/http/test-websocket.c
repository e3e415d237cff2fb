/* SPDX-License-Identifier: Apache-2.0 */
/* A WebSocket of ours and, frame by frame, a client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "http/loopback.h"
#include "http/test-socket.h"
#include "http/tunnel.h"
#include "http/websocket.h"
#include "loop/loop.h"

/* ---- the handshake ---- */

struct handshake {
	int result;
	const char *protocol;
};

static void shake(void *userdata, struct http_exchange *exchange)
{
	static const char *const known[] = { "v5.channel.k8s.io", "v4.channel.k8s.io", NULL };
	struct handshake *handshake = userdata;

	handshake->protocol = NULL;
	handshake->result = websocket_asked(exchange, known, &handshake->protocol);
	if (handshake->result == 0) {
		websocket_accept(exchange, handshake->protocol);
	}
	http_reply(exchange, 200, "text/plain", NULL);
}

static struct http_loopback *ask(struct handshake *handshake, const char *version, const char *key,
				 const char *protocols)
{
	const struct http_pair headers[] = {
		{ "upgrade", "websocket" },
		{ "connection", "keep-alive, Upgrade" },
		{ "sec-websocket-version", version },
		{ "sec-websocket-key", key },
		{ "sec-websocket-protocol", protocols },
	};

	return http_loopback_send(shake, handshake, "GET", "/", headers, protocols != NULL ? 5 : 4,
				  STR_NONE, NULL, NULL);
}

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

static void the_handshake_is_that_of_the_rfc(void **state)
{
	struct handshake handshake;
	struct http_loopback *loopback = ask(&handshake, "13", KEY, NULL);

	assert_int_equal(handshake.result, 0);
	assert_null(handshake.protocol);
	/* RFC 6455 section 1.3. */
	assert_string_equal(http_loopback_header(loopback, "sec-websocket-accept"),
			    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_null(http_loopback_header(loopback, "sec-websocket-protocol"));
	http_loopback_free(loopback);
}

static void of_the_offered_protocols_our_best_is_chosen(void **state)
{
	struct handshake handshake;
	struct http_loopback *loopback =
		ask(&handshake, "13", KEY, "other, v4.channel.k8s.io,v5.channel.k8s.io");

	assert_int_equal(handshake.result, 0);
	assert_string_equal(http_loopback_header(loopback, "sec-websocket-protocol"),
			    "v5.channel.k8s.io");
	http_loopback_free(loopback);
}

static void bad_handshakes_are_known(void **state)
{
	struct handshake handshake;

	http_loopback_free(ask(&handshake, "8", KEY, NULL));
	assert_int_equal(handshake.result, WEBSOCKET_BAD);
	http_loopback_free(ask(&handshake, "13", "short", NULL));
	assert_int_equal(handshake.result, WEBSOCKET_BAD);
	http_loopback_free(ask(&handshake, "13", KEY, "v6.channel.k8s.io"));
	assert_int_equal(handshake.result, WEBSOCKET_BAD);
	http_loopback_free(
		http_loopback_send(shake, &handshake, "GET", "/", NULL, 0, STR_NONE, NULL, NULL));
	assert_int_equal(handshake.result, WEBSOCKET_NONE);
}

/* ---- frames ---- */

struct rig {
	struct loop *loop;
	struct far far;
	struct websocket *websocket;
	struct buffer heard; /* "(" message ")" */
	bool parted; /* a part came */
	bool roomy; /* room() was called */
	bool closed;
	unsigned closings;
};

static void begins(void *userdata)
{
	buffer_append_char(&((struct rig *)userdata)->heard, '(');
}

static void part(void *userdata, struct str bytes)
{
	struct rig *rig = userdata;

	buffer_append_str(&rig->heard, bytes);
	rig->parted = true;
}

static void ends(void *userdata)
{
	buffer_append_char(&((struct rig *)userdata)->heard, ')');
}

static void room(void *userdata)
{
	((struct rig *)userdata)->roomy = true;
}

static void closed(void *userdata)
{
	struct rig *rig = userdata;

	rig->closed = true;
	rig->closings++;
	rig->websocket = websocket_free(rig->websocket);
}

static const struct websocket_ops ops = {
	.begin = begins,
	.part = part,
	.end = ends,
	.room = room,
	.closed = closed,
};

static int setup(void **state)
{
	struct rig *rig = MEM_NEW(struct rig);
	int fd;

	assert_int_equal(loop_new(&rig->loop), 0);
	buffer_init(&rig->heard, LIMIT_BODY);
	fd = far_init(&rig->far, rig->loop);
	rig->websocket =
		websocket_new(rig->loop, tunnel_of_socket(rig->loop, fd, STR_NONE), &ops, rig);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	assert_true(rig->closings <= 1);
	websocket_free(rig->websocket);
	far_deinit(&rig->far);
	loop_free(rig->loop);
	buffer_deinit(&rig->heard);
	mem_free(rig);
	return 0;
}

/* A ping comes back behind everything that was sent before it. */
static void all_was_heard(struct rig *rig)
{
	far_send(&rig->far, FRAME_FIN | FRAME_PING, STR("?"));
	far_hears(&rig->far, FRAME_FIN | FRAME_PONG, STR("?"));
}

static void messages_come_whole_or_in_pieces(void **state)
{
	struct rig *rig = *state;

	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("one"));
	far_send(&rig->far, FRAME_BINARY, STR("tw"));
	far_send(&rig->far, FRAME_FIN | FRAME_PING, STR("between"));
	far_send(&rig->far, FRAME_MORE, STR_NONE);
	far_send(&rig->far, FRAME_FIN | FRAME_MORE, STR("o"));
	far_send(&rig->far, FRAME_FIN | FRAME_TEXT, STR_NONE);
	far_hears(&rig->far, FRAME_FIN | FRAME_PONG, STR("between"));
	all_was_heard(rig);
	assert_string_equal(buffer_text(&rig->heard), "(one)(two)()");
}

static void a_message_has_head_and_body(void **state)
{
	struct rig *rig = *state;

	websocket_send(rig->websocket, /* text= */ false, STR("\1"), STR("body"));
	websocket_send(rig->websocket, /* text= */ true, STR("1"), STR_NONE);
	far_hears(&rig->far, FRAME_FIN | FRAME_BINARY, STR("\1body"));
	far_hears(&rig->far, FRAME_FIN | FRAME_TEXT, STR("1"));
}

static void close_is_answered_by_close(void **state)
{
	struct rig *rig = *state;

	far_send(&rig->far, FRAME_FIN | FRAME_CLOSE, STR("\x03\xe8"));
	far_hears_close(&rig->far, WEBSOCKET_NORMAL);
	far_hears_end(&rig->far);
	far_turn_until(&rig->far, &rig->closed);
}

static void ours_comes_behind_all_messages_and_waits_for_theirs(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < 10; i++) {
		websocket_send(rig->websocket, false, STR("m"), STR_NONE);
	}
	websocket_finish(rig->websocket, WEBSOCKET_INTERNAL_ERROR);
	websocket_send(rig->websocket, false, STR("late"), STR_NONE);
	for (int i = 0; i < 10; i++) {
		far_hears(&rig->far, FRAME_FIN | FRAME_BINARY, STR("m"));
	}
	far_hears_close(&rig->far, WEBSOCKET_INTERNAL_ERROR);
	assert_false(rig->closed);
	/* What it sends until then is nobody's. */
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("ignored"));
	far_send(&rig->far, FRAME_FIN | FRAME_CLOSE, STR("\x03\xf3"));
	far_turn_until(&rig->far, &rig->closed);
	assert_string_equal(buffer_text(&rig->heard), "");
}

static void breaks_the_rules(struct rig *rig, const char *bytes, size_t n)
{
	struct buffer payload = BUFFER_INIT(256);
	unsigned head;

	assert_int_equal(write(rig->far.fd, bytes, n), n);
	head = far_frame(&rig->far, &payload);
	assert_int_equal(head, FRAME_FIN | FRAME_CLOSE);
	assert_true(payload.n >= 2);
	assert_int_equal((unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1],
			 WEBSOCKET_PROTOCOL_ERROR);
	buffer_deinit(&payload);
	shutdown(rig->far.fd, SHUT_WR);
	far_turn_until(&rig->far, &rig->closed);
}

#define BREAKS(rig, text) breaks_the_rules(rig, text, sizeof(text) - 1)

static void a_reserved_opcode_is_an_error(void **state)
{
	BREAKS(*state, "\x83\x80\0\0\0\0");
}

static void a_reserved_bit_is_an_error(void **state)
{
	BREAKS(*state, "\xc2\x80\0\0\0\0");
}

/* What is no frame at all ends the connection without further words. */
static void is_cut_off(struct rig *rig, const char *bytes, size_t n)
{
	assert_int_equal(write(rig->far.fd, bytes, n), n);
	far_hears_end(&rig->far);
	far_turn_until(&rig->far, &rig->closed);
	assert_string_equal(buffer_text(&rig->heard), "");
}

#define CUTS_OFF(rig, text) is_cut_off(rig, text, sizeof(text) - 1)

static void a_control_frame_in_pieces_is_an_error(void **state)
{
	CUTS_OFF(*state, "\x09\x80\0\0\0\0");
}

static void a_control_frame_is_short(void **state)
{
	CUTS_OFF(*state, "\x89\xfe\0\x7e\0\0\0\0");
}

static void a_continuation_of_nothing_is_an_error(void **state)
{
	BREAKS(*state, "\x80\x80\0\0\0\0");
}

static void a_message_within_a_message_is_an_error(void **state)
{
	BREAKS(*state, "\x02\x80\0\0\0\0\x82\x80\0\0\0\0");
}

static void an_unmasked_frame_is_an_error(void **state)
{
	BREAKS(*state, "\x82\x01x");
}

static void what_follows_an_error_keeps_nobody_busy(void **state)
{
	struct rig *rig = *state;
	char rest[4096] = "";
	ssize_t n = 0;

	assert_int_equal(write(rig->far.fd, "\x83\x80\0\0\0\0", 6), 6);
	far_hears_close(&rig->far, WEBSOCKET_PROTOCOL_ERROR);
	/* It is taken away: a socket that stays readable would turn the loop without end. */
	for (int i = 0; i < 1000 && n >= 0; i++) {
		n = write(rig->far.fd, rest, sizeof(rest));
		loop_run_once(rig->loop);
	}
	assert_int_equal(n, sizeof(rest));
}

static void a_lost_connection_is_told_once(void **state)
{
	struct rig *rig = *state;

	far_send(&rig->far, FRAME_BINARY, STR("half"));
	assert_int_equal(shutdown(rig->far.fd, SHUT_RDWR), 0);
	far_turn_until(&rig->far, &rig->closed);
	assert_string_equal(buffer_text(&rig->heard), "(half");
}

static void what_is_held_does_not_come(void **state)
{
	struct rig *rig = *state;

	websocket_hold(rig->websocket, true);
	far_send(&rig->far, FRAME_FIN | FRAME_BINARY, STR("later"));
	/* Something else goes out meanwhile: the loop has turned. */
	websocket_send(rig->websocket, false, STR("now"), STR_NONE);
	far_hears(&rig->far, FRAME_FIN | FRAME_BINARY, STR("now"));
	assert_false(rig->parted);
	websocket_hold(rig->websocket, false);
	far_turn_until(&rig->far, &rig->parted);
	assert_string_equal(buffer_text(&rig->heard), "(later)");
}

static void a_client_that_does_not_read_leaves_no_room(void **state)
{
	static char block[16 * 1024];
	struct rig *rig = *state;
	struct buffer payload = BUFFER_INIT(LIMIT_BODY);
	size_t sent = 0;

	while (websocket_has_room(rig->websocket)) {
		assert_true(sent < 1024);
		websocket_send(rig->websocket, false, (struct str){ block, sizeof(block) },
			       STR_NONE);
		sent++;
		loop_run_once(rig->loop);
	}
	assert_false(rig->roomy);
	for (size_t i = 0; i < sent; i++) {
		assert_int_equal(far_frame(&rig->far, &payload), FRAME_FIN | FRAME_BINARY);
		assert_int_equal(payload.n, sizeof(block));
	}
	assert_true(rig->roomy);
	assert_true(websocket_has_room(rig->websocket));
	buffer_deinit(&payload);
}

static void every_ping_is_answered(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < 100; i++) {
		far_send(&rig->far, FRAME_FIN | FRAME_PING, STR("0123456789"));
	}
	for (int i = 0; i < 100; i++) {
		far_hears(&rig->far, FRAME_FIN | FRAME_PONG, STR("0123456789"));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_handshake_is_that_of_the_rfc),
		cmocka_unit_test(of_the_offered_protocols_our_best_is_chosen),
		cmocka_unit_test(bad_handshakes_are_known),
		TEST(messages_come_whole_or_in_pieces),
		TEST(a_message_has_head_and_body),
		TEST(close_is_answered_by_close),
		TEST(ours_comes_behind_all_messages_and_waits_for_theirs),
		TEST(a_reserved_opcode_is_an_error),
		TEST(a_reserved_bit_is_an_error),
		TEST(a_control_frame_in_pieces_is_an_error),
		TEST(a_control_frame_is_short),
		TEST(a_continuation_of_nothing_is_an_error),
		TEST(a_message_within_a_message_is_an_error),
		TEST(an_unmasked_frame_is_an_error),
		TEST(what_follows_an_error_keeps_nobody_busy),
		TEST(a_lost_connection_is_told_once),
		TEST(what_is_held_does_not_come),
		TEST(a_client_that_does_not_read_leaves_no_room),
		TEST(every_ping_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
