/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/grpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "rpc/cri.pb-c.h"
#include "rpc/fake_server.h"
#include "rpc/frame.h"

static const struct grpc_method method = { "/runtime.v1.RuntimeService/Version",
					   &runtime__v1__version_response__descriptor };

struct seen {
	struct loop *loop;
	struct grpc *grpc;
	struct fake_server *server;
	char folder[64];
	char *socket;
	/* The server's side. */
	struct fake_call *call; /* the latest */
	size_t called;
	bool echo; /* answers by itself */
	/* The client's side. */
	size_t done;
	size_t failed;
	int code;
	char message[256];
	char version[64];
	size_t opened;
	size_t messages;
	size_t ended;
	struct grpc_stream *stream;
	size_t end_at; /* messages */
	size_t large; /* bytes of the last answer's version */
};

static struct str packed(const char *version, struct buffer *space)
{
	Runtime__V1__VersionResponse answer = RUNTIME__V1__VERSION_RESPONSE__INIT;
	uint8_t bytes[256];

	answer.version = (char *)version;
	buffer_clear(space);
	buffer_append(space, bytes, runtime__v1__version_response__pack(&answer, bytes));
	return buffer_str(space);
}

static void send_version(struct fake_call *call, const char *version)
{
	_cleanup_buffer_ struct buffer space = BUFFER_INIT(1024);

	fake_call_send(call, packed(version, &space));
}

static void on_called(void *userdata, struct fake_call *call)
{
	struct seen *seen = userdata;

	seen->call = call;
	seen->called++;
	if (seen->echo) {
		Runtime__V1__VersionRequest *request;
		struct str message = fake_call_message(call);

		request = runtime__v1__version_request__unpack(NULL, message.n,
							       (const uint8_t *)message.p);
		assert_non_null(request);
		send_version(call, request->version);
		runtime__v1__version_request__free_unpacked(request, NULL);
		fake_call_end(call, 0, NULL);
	}
}

static int begin(void **state)
{
	struct seen *seen = MEM_NEW(struct seen);

	snprintf(seen->folder, sizeof(seen->folder), "/tmp/test-grpc-XXXXXX");
	assert_non_null(mkdtemp(seen->folder));
	seen->socket = mem_printf("%s/socket", seen->folder);
	assert_int_equal(loop_new(&seen->loop), 0);
	seen->server = fake_server_new(seen->loop, seen->socket, on_called, seen);
	assert_int_equal(grpc_new(seen->loop, seen->socket, &seen->grpc), 0);
	*state = seen;
	return 0;
}

static int end(void **state)
{
	struct seen *seen = *state;

	grpc_free(seen->grpc);
	fake_server_free(seen->server);
	loop_free(seen->loop);
	unlink(seen->socket);
	rmdir(seen->folder);
	mem_free(seen->socket);
	mem_free(seen);
	return 0;
}

static void until(struct seen *seen, const size_t *count, size_t wanted)
{
	uint64_t limit = clock_monotonic(&clock_system) + 60 * NS_PER_S;

	while (*count < wanted && clock_monotonic(&clock_system) < limit) {
		loop_run_once(seen->loop);
	}
	assert_int_equal(*count, wanted);
}

static void note(struct seen *seen, const struct grpc_outcome *outcome)
{
	seen->code = outcome->code;
	seen->code = outcome->code;
	seen->failed += outcome->code != GRPC_OK;
	snprintf(seen->message, sizeof(seen->message), "%s", outcome->message);
}

static void on_done(void *userdata, const struct grpc_outcome *outcome,
		    const ProtobufCMessage *answer)
{
	struct seen *seen = userdata;
	const Runtime__V1__VersionResponse *version = (const void *)answer;

	seen->done++;
	note(seen, outcome);
	assert_int_equal(answer != NULL, outcome->code == GRPC_OK);
	if (version != NULL) {
		seen->large = strlen(version->version);
		snprintf(seen->version, sizeof(seen->version), "%s", version->version);
	}
}

static void call(struct seen *seen, const char *version, uint64_t timeout)
{
	Runtime__V1__VersionRequest request = RUNTIME__V1__VERSION_REQUEST__INIT;

	request.version = (char *)version;
	grpc_call(seen->grpc, &method, &request.base, timeout, on_done, seen);
}

/* ---- calls ---- */

static void a_call_brings_its_answer(void **state)
{
	struct seen *seen = *state;

	grpc_set_metadata(seen->grpc, "containerd-namespace", "k8s.io");
	call(seen, "0.1.0", 90 * NS_PER_S);
	assert_int_equal(seen->done, 0);
	until(seen, &seen->called, 1);
	assert_string_equal(fake_call_path(seen->call), method.path);
	assert_non_null(strstr(fake_call_headers(seen->call), ":method: POST\n"));
	assert_non_null(strstr(fake_call_headers(seen->call), "content-type: application/grpc\n"));
	assert_non_null(strstr(fake_call_headers(seen->call), "te: trailers\n"));
	assert_non_null(strstr(fake_call_headers(seen->call), "grpc-timeout: 90000000u\n"));
	assert_non_null(strstr(fake_call_headers(seen->call), "containerd-namespace: k8s.io\n"));
	send_version(seen->call, "answer");
	fake_call_end(seen->call, 0, NULL);
	until(seen, &seen->done, 1);
	assert_int_equal(seen->code, GRPC_OK);
	assert_string_equal(seen->message, "");
	assert_string_equal(seen->version, "answer");
}

static void many_calls_are_under_way_at_once(void **state)
{
	struct seen *seen = *state;

	for (int i = 0; i < 200; i++) {
		call(seen, "x", 0);
	}
	until(seen, &seen->called, 200);
	assert_int_equal(fake_server_calls(seen->server), 200);
	fake_server_end_all(seen->server, GRPC_UNKNOWN);
	until(seen, &seen->done, 200);
	assert_int_equal(seen->failed, 200);
	/* And one after the other. */
	seen->echo = true;
	for (size_t i = 0; i < 100; i++) {
		call(seen, "x", 0);
		until(seen, &seen->done, 201 + i);
		assert_int_equal(seen->code, GRPC_OK);
	}
}

static void an_error_is_an_outcome_with_its_message(void **state)
{
	struct seen *seen = *state;

	call(seen, "x", 0);
	until(seen, &seen->called, 1);
	fake_call_end(seen->call, GRPC_NOT_FOUND, "no \"a%20b\": 100%25%0a%zz%");
	until(seen, &seen->done, 1);
	assert_int_equal(seen->code, GRPC_NOT_FOUND);
	assert_string_equal(seen->message, "no \"a b\": 100%?%zz%");
	/* Behind a message, too. */
	call(seen, "x", 0);
	until(seen, &seen->called, 2);
	send_version(seen->call, "half");
	fake_call_end(seen->call, 77, NULL);
	until(seen, &seen->done, 2);
	assert_int_equal(seen->code, 77);
	assert_string_equal(seen->message, "");
}

static void an_answer_that_makes_no_sense_is_an_error(void **state)
{
	struct seen *seen = *state;
	static const struct {
		const char *bytes;
		size_t n;
		int code;
	} cases[] = {
		{ "", 0, GRPC_INTERNAL }, /* no message */
		{ "\0\0\0\0\5abc", 8, GRPC_INTERNAL }, /* a part of one */
		{ "\1\0\0\0\0", 5, GRPC_INTERNAL }, /* compressed */
		{ "\0\0\0\0\2\xff\xff", 7, GRPC_INTERNAL }, /* no protobuf */
		{ "\0\x7f\0\0\0", 5, GRPC_RESOURCE_EXHAUSTED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		call(seen, "x", 0);
		until(seen, &seen->called, i + 1);
		fake_call_send_raw(seen->call,
				   (struct str){ .p = cases[i].bytes, .n = cases[i].n });
		fake_call_end(seen->call, 0, NULL);
		until(seen, &seen->done, i + 1);
		assert_int_equal(seen->code, cases[i].code);
		assert_true(seen->message[0] != '\0');
	}
	call(seen, "x", 0);
	until(seen, &seen->called, ARRAY_SIZE(cases) + 1);
	fake_call_end_http(seen->call, "503");
	until(seen, &seen->done, ARRAY_SIZE(cases) + 1);
	assert_int_equal(seen->code, GRPC_UNAVAILABLE);
	call(seen, "x", 0);
	until(seen, &seen->called, ARRAY_SIZE(cases) + 2);
	fake_call_reset(seen->call);
	until(seen, &seen->done, ARRAY_SIZE(cases) + 2);
	assert_int_equal(seen->code, GRPC_UNAVAILABLE);
}

static void a_call_without_an_answer_ends_at_its_deadline(void **state)
{
	struct seen *seen = *state;
	uint64_t before = clock_monotonic(&clock_system);
	size_t left;

	call(seen, "x", 60 * NS_PER_MS);
	until(seen, &seen->done, 1);
	assert_true(clock_monotonic(&clock_system) - before >= 60 * NS_PER_MS);
	assert_int_equal(seen->code, GRPC_DEADLINE_EXCEEDED);
	/* The server is told that nobody waits any more. */
	do {
		loop_run_once(seen->loop);
		left = fake_server_calls(seen->server);
	} while (left != 0);
	seen->echo = true;
	call(seen, "again", 60 * NS_PER_S);
	until(seen, &seen->done, 2);
	assert_string_equal(seen->version, "again");
}

static void a_lost_connection_is_made_again(void **state)
{
	struct seen *seen = *state;

	call(seen, "x", 0);
	until(seen, &seen->called, 1);
	fake_server_drop(seen->server);
	until(seen, &seen->done, 1);
	assert_int_equal(seen->code, GRPC_UNAVAILABLE);
	seen->server = fake_server_free(seen->server);
	call(seen, "x", 0);
	until(seen, &seen->done, 2);
	assert_int_equal(seen->code, GRPC_UNAVAILABLE);
	seen->server = fake_server_new(seen->loop, seen->socket, on_called, seen);
	seen->echo = true;
	call(seen, "back", 0);
	until(seen, &seen->done, 3);
	assert_int_equal(seen->code, GRPC_OK);
	assert_string_equal(seen->version, "back");
}

static void nobody_at_the_socket_is_unavailable(void **state)
{
	struct seen *seen = *state;
	char path[200];

	grpc_free(seen->grpc);
	assert_int_equal(grpc_new(seen->loop, "/nonexistent/socket", &seen->grpc), 0);
	call(seen, "x", 0);
	until(seen, &seen->done, 1);
	assert_int_equal(seen->code, GRPC_UNAVAILABLE);
	seen->grpc = grpc_free(seen->grpc);
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(grpc_new(seen->loop, path, &seen->grpc), -ENAMETOOLONG);
}

static void freeing_ends_the_calls_under_way(void **state)
{
	struct seen *seen = *state;

	call(seen, "x", 0);
	call(seen, "y", 0);
	until(seen, &seen->called, 2);
	seen->grpc = grpc_free(seen->grpc);
	assert_int_equal(seen->done, 2);
	assert_int_equal(seen->code, GRPC_UNAVAILABLE);
}

static void large_messages_pass_and_larger_ones_do_not(void **state)
{
	struct seen *seen = *state;
	size_t n = LIMIT_GRPC_MESSAGE - 64;
	_cleanup_buffer_ struct buffer answer = BUFFER_INIT(LIMIT_TRANSFER_BODY);
	_cleanup_free_ char *text = mem_alloc(LIMIT_GRPC_MESSAGE + 2);
	uint8_t length[4] = { 0x80 | (n & 0x7f), 0x80 | (n >> 7 & 0x7f), 0x80 | (n >> 14 & 0x7f),
			      (uint8_t)(n >> 21) };

	memset(text, 'a', n);
	call(seen, "x", 0);
	until(seen, &seen->called, 1);
	buffer_append(&answer, "\x0a", 1);
	buffer_append(&answer, length, sizeof(length));
	buffer_append(&answer, text, n);
	fake_call_send(seen->call, buffer_str(&answer));
	fake_call_end(seen->call, 0, NULL);
	until(seen, &seen->done, 1);
	assert_int_equal(seen->code, GRPC_OK);
	assert_int_equal(seen->large, n);
	memset(text, 'a', LIMIT_GRPC_MESSAGE + 1);
	call(seen, text, 0);
	assert_int_equal(seen->done, 1);
	until(seen, &seen->done, 2);
	assert_int_equal(seen->code, GRPC_RESOURCE_EXHAUSTED);
	assert_int_equal(seen->called, 1);
}

/* ---- streams ---- */

static void on_opened(void *userdata)
{
	struct seen *seen = userdata;

	seen->opened++;
}

static void on_message(void *userdata, const ProtobufCMessage *message)
{
	struct seen *seen = userdata;
	const Runtime__V1__VersionResponse *version = (const void *)message;

	snprintf(seen->version, sizeof(seen->version), "%s", version->version);
	if (++seen->messages == seen->end_at) {
		seen->stream = grpc_stream_end(seen->stream);
	}
}

static void on_ended(void *userdata, const struct grpc_outcome *outcome)
{
	struct seen *seen = userdata;

	seen->ended++;
	note(seen, outcome);
	seen->stream = grpc_stream_end(seen->stream); /* needless, but allowed */
}

static const struct grpc_stream_ops stream_ops = { .opened = on_opened,
						   .message = on_message,
						   .ended = on_ended };

static void stream(struct seen *seen)
{
	Runtime__V1__VersionRequest request = RUNTIME__V1__VERSION_REQUEST__INIT;

	seen->stream = grpc_stream_start(seen->grpc, &method, &request.base, &stream_ops, seen);
}

static void a_stream_tells_messages_as_they_come(void **state)
{
	struct seen *seen = *state;

	stream(seen);
	until(seen, &seen->called, 1);
	assert_int_equal(seen->opened, 0);
	fake_call_open(seen->call);
	until(seen, &seen->opened, 1);
	send_version(seen->call, "one");
	until(seen, &seen->messages, 1);
	assert_string_equal(seen->version, "one");
	/* In pieces, and two at a time. */
	fake_call_send_raw(seen->call, (struct str){ .p = "\0\0\0", .n = 3 });
	loop_run_once(seen->loop);
	fake_call_send_raw(seen->call,
			   (struct str){ .p = "\0\3\x0a\1a\0\0\0\0\3\x0a\1b", .n = 13 });
	until(seen, &seen->messages, 3);
	assert_string_equal(seen->version, "b");
	fake_call_end(seen->call, 0, NULL);
	until(seen, &seen->ended, 1);
	assert_int_equal(seen->code, GRPC_OK);
}

static void a_refused_stream_is_never_open(void **state)
{
	struct seen *seen = *state;

	stream(seen);
	until(seen, &seen->called, 1);
	fake_call_end(seen->call, GRPC_UNIMPLEMENTED, "unknown service");
	until(seen, &seen->ended, 1);
	assert_int_equal(seen->opened, 0);
	assert_int_equal(seen->code, GRPC_UNIMPLEMENTED);
	assert_string_equal(seen->message, "unknown service");
}

static void a_stream_with_a_bad_message_ends(void **state)
{
	struct seen *seen = *state;

	stream(seen);
	until(seen, &seen->called, 1);
	fake_call_send_raw(seen->call,
			   (struct str){ .p = "\0\0\0\0\3\x0a\1a\0\0\0\0\1\xff", .n = 14 });
	until(seen, &seen->ended, 1);
	assert_int_equal(seen->messages, 1);
	assert_int_equal(seen->code, GRPC_INTERNAL);
}

static void a_stream_may_be_given_up_inside_its_call(void **state)
{
	struct seen *seen = *state;
	size_t left;

	seen->end_at = 1;
	stream(seen);
	until(seen, &seen->called, 1);
	fake_call_send_raw(seen->call,
			   (struct str){ .p = "\0\0\0\0\3\x0a\1a\0\0\0\0\3\x0a\1b", .n = 16 });
	until(seen, &seen->messages, 1);
	do {
		loop_run_once(seen->loop);
		left = fake_server_calls(seen->server);
	} while (left != 0);
	assert_int_equal(seen->messages, 1);
	assert_int_equal(seen->ended, 0);
}

static void a_stream_that_is_lost_ends(void **state)
{
	struct seen *seen = *state;

	stream(seen);
	until(seen, &seen->called, 1);
	fake_call_open(seen->call);
	until(seen, &seen->opened, 1);
	fake_server_drop(seen->server);
	until(seen, &seen->ended, 1);
	assert_int_equal(seen->code, GRPC_UNAVAILABLE);
}

/* ---- the wire ---- */

static void deadlines_are_written_with_eight_digits(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 1, "1n" },
		{ 99999999, "99999999n" },
		{ 100000001, "100001u" },
		{ 90 * NS_PER_S, "90000000u" },
		{ 1000 * NS_PER_S, "1000000m" },
		{ UINT64_MAX, "5124096H" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[FRAME_TIMEOUT_TEXT];

		frame_timeout(cases[i].ns, text);
		assert_string_equal(text, cases[i].text);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_brings_its_answer),
		TEST(many_calls_are_under_way_at_once),
		TEST(an_error_is_an_outcome_with_its_message),
		TEST(an_answer_that_makes_no_sense_is_an_error),
		TEST(a_call_without_an_answer_ends_at_its_deadline),
		TEST(a_lost_connection_is_made_again),
		TEST(nobody_at_the_socket_is_unavailable),
		TEST(freeing_ends_the_calls_under_way),
		TEST(large_messages_pass_and_larger_ones_do_not),
		TEST(a_stream_tells_messages_as_they_come),
		TEST(a_refused_stream_is_never_open),
		TEST(a_stream_with_a_bad_message_ends),
		TEST(a_stream_may_be_given_up_inside_its_call),
		TEST(a_stream_that_is_lost_ends),
		cmocka_unit_test(deadlines_are_written_with_eight_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
