/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "http/exchange.h"
#include "http/loopback.h"
#include "http/server.h"
#include "loop/loop.h"

/* A handler that echoes, answers late, or streams what it is fed, by path. */
struct site {
	struct http_exchange *late;
	struct http_exchange *streaming;
	const char *chunk; /* what the stream has to say next; NULL: nothing */
	bool ended;
	int closed;
	int gone;
};

static int64_t read_chunk(void *userdata, char *out, size_t size)
{
	struct site *site = userdata;
	const char *chunk = take(site->chunk);

	if (chunk == NULL) {
		return site->ended ? HTTP_STREAM_END : HTTP_STREAM_WAIT;
	}
	memcpy(out, chunk, strlen(chunk));
	return (int64_t)strlen(chunk);
}

static void closed(void *userdata)
{
	struct site *site = userdata;

	site->closed++;
	site->streaming = NULL;
}

static const struct http_stream chunks = { .read = read_chunk, .close = closed };

static void client_has_gone(void *userdata)
{
	struct site *site = userdata;

	site->gone++;
	http_reply(take(site->late), 200, NULL, NULL);
}

static void handle(void *userdata, struct http_exchange *exchange)
{
	struct site *site = userdata;
	struct buffer body = BUFFER_INIT(LIMIT_RESPONSE);
	const char *q = http_query(exchange, "q");
	const char *accept = http_header(exchange, "accept");

	if (strcmp(exchange->path, "/late") == 0) {
		site->late = exchange;
		if (q != NULL && strcmp(q, "watched") == 0) {
			http_on_gone(exchange, client_has_gone, site);
		}
	} else if (strcmp(exchange->path, "/stream") == 0) {
		site->streaming = exchange;
		http_reply_stream(exchange, 200, "text/plain", &chunks, site);
	} else {
		buffer_printf(&body, "%d %s q=%s accept=%s body=%zu", exchange->method,
			      exchange->path, q != NULL ? q : "-", accept != NULL ? accept : "-",
			      exchange->body.n);
		http_set_header(exchange, "X-Extra", "yes");
		http_reply(exchange, 200, "text/plain", &body);
	}
}

static struct http_loopback *send_to(struct site *site, const char *method, const char *target,
				     struct str body)
{
	static const struct http_pair headers[] = { { "Accept", "application/json" } };

	return http_loopback_send(handle, site, method, target, headers, 1, body, NULL, NULL);
}

static void a_request_reaches_the_handler_decoded(void **state)
{
	struct site site = { 0 };
	struct http_loopback *one = send_to(&site, "PUT", "/a%20b+c?x=1&q=a%3Db+c&y", STR("12345"));

	assert_int_equal(http_loopback_status(one), 200);
	assert_true(
		str_is(http_loopback_body(one), "3 /a b+c q=a=b c accept=application/json body=5"));
	assert_string_equal(http_loopback_header(one, "x-extra"), "yes");
	assert_true(http_loopback_is_complete(one));
	http_loopback_free(one);
}

static void an_answer_may_come_later_or_after_the_client(void **state)
{
	struct site site = { 0 };
	struct buffer body = BUFFER_INIT(10);
	struct http_loopback *one = send_to(&site, "GET", "/late", STR_NONE);

	assert_int_equal(http_loopback_status(one), 0);
	buffer_append_text(&body, "late");
	http_reply(site.late, 201, NULL, &body);
	assert_int_equal(http_loopback_status(one), 201);
	assert_true(str_is(http_loopback_body(one), "late"));
	http_loopback_free(one);
	http_loopback_free(send_to(&site, "GET", "/late", STR_NONE));
	http_reply(site.late, 200, NULL, NULL);
	http_loopback_free(send_to(&site, "GET", "/late?q=watched", STR_NONE));
	assert_int_equal(site.gone, 1);
}

static void a_stream_is_pulled_and_closed_once(void **state)
{
	struct site site = { .chunk = "one" };
	struct http_loopback *one = send_to(&site, "GET", "/stream", STR_NONE);

	assert_true(str_is(http_loopback_body(one), "one"));
	site.chunk = "two";
	assert_true(str_is(http_loopback_body(one), "onetwo"));
	assert_false(http_loopback_is_complete(one));
	site.ended = true;
	assert_true(http_loopback_is_complete(one));
	assert_int_equal(site.closed, 1);
	http_loopback_free(one);
	assert_int_equal(site.closed, 1);
}

/* ---- the real server, over a plain loopback socket ---- */

static int connect_to(uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

enum { ALWAYS_ENOUGH = 2000, A_MOMENT = 30 };

/* Turns the loop until `text` has arrived on `fd` (or the connection ended). */
static bool arrives_within(int turns, struct loop *loop, int fd, const char *text)
{
	char all[8192] = "";
	size_t n = 0;

	for (int turn = 0; turn < turns && strstr(all, text) == NULL; turn++) {
		struct pollfd waiting = { .fd = fd, .events = POLLIN };
		ssize_t got;

		loop_run_once(loop);
		poll(&waiting, 1, 1);
		got = read(fd, all + n, sizeof(all) - 1 - n);
		if (got == 0) {
			break;
		}
		n += got > 0 ? (size_t)got : 0;
	}
	return strstr(all, text) != NULL;
}

static bool arrives(struct loop *loop, int fd, const char *text)
{
	return arrives_within(ALWAYS_ENOUGH, loop, fd, text);
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

struct serving {
	struct loop *loop;
	struct http_server *server;
	struct site site;
};

static void start(struct serving *serving)
{
	struct http_server_config config = {
		.address = "127.0.0.1",
		.handler = handle,
		.userdata = &serving->site,
	};
	char message[200] = "";

	assert_int_equal(loop_new(&serving->loop), 0);
	assert_int_equal(http_server_new(serving->loop, &config, message, sizeof(message),
					 &serving->server),
			 0);
}

static void stop(struct serving *serving)
{
	http_server_free(serving->server);
	loop_run_once(serving->loop);
	loop_free(serving->loop);
}

static void the_server_answers_now_and_later(void **state)
{
	struct serving serving = { 0 };
	struct buffer body = BUFFER_INIT(10);
	int fd;

	start(&serving);
	fd = connect_to(http_server_port(serving.server));
	send_text(fd, "POST /x?q=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
	assert_true(arrives(serving.loop, fd, "2 /x q=1 accept=- body=3"));
	send_text(fd, "GET /late HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_false(arrives_within(A_MOMENT, serving.loop, fd, "HTTP/1.1"));
	buffer_append_text(&body, "at last");
	http_reply(serving.site.late, 200, "text/plain", &body);
	assert_true(arrives(serving.loop, fd, "at last"));
	close(fd);
	stop(&serving);
}

static void a_waiting_stream_notices_that_its_client_has_gone(void **state)
{
	struct serving serving = { 0 };
	int fd;

	start(&serving);
	fd = connect_to(http_server_port(serving.server));
	send_text(fd, "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_true(arrives(serving.loop, fd, "Transfer-Encoding: chunked"));
	serving.site.chunk = "event one";
	http_wake(serving.site.streaming);
	assert_true(arrives(serving.loop, fd, "event one"));
	close(fd);
	for (int turn = 0; turn < 2000 && serving.site.closed == 0; turn++) {
		loop_run_once(serving.loop);
		usleep(1000);
	}
	assert_int_equal(serving.site.closed, 1);
	stop(&serving);
}

static void a_late_answer_notices_that_its_client_has_gone(void **state)
{
	struct serving serving = { 0 };
	struct buffer body = BUFFER_INIT(10);
	int fd;

	start(&serving);
	fd = connect_to(http_server_port(serving.server));
	send_text(fd, "GET /late?q=watched HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_false(arrives_within(A_MOMENT, serving.loop, fd, "HTTP/1.1"));
	buffer_append_text(&body, "at last");
	http_reply(take(serving.site.late), 200, "text/plain", &body);
	assert_true(arrives(serving.loop, fd, "at last"));
	send_text(fd, "GET /late?q=watched HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_false(arrives_within(A_MOMENT, serving.loop, fd, "HTTP/1.1"));
	assert_int_equal(serving.site.gone, 0);
	close(fd);
	for (int turn = 0; turn < ALWAYS_ENOUGH && serving.site.gone == 0; turn++) {
		loop_run_once(serving.loop);
		usleep(1000);
	}
	assert_int_equal(serving.site.gone, 1);
	stop(&serving);
}

static void a_body_beyond_the_limit_gets_413(void **state)
{
	struct serving serving = { 0 };
	int fd;

	start(&serving);
	fd = connect_to(http_server_port(serving.server));
	send_text(fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n");
	assert_true(arrives(serving.loop, fd, "413"));
	close(fd);
	stop(&serving);
}

static void a_port_in_use_is_said_in_one_line(void **state)
{
	struct serving serving = { 0 };
	struct http_server *second = NULL;
	struct http_server_config config = { .address = "127.0.0.1", .handler = handle };
	char message[200] = "";

	start(&serving);
	config.port = http_server_port(serving.server);
	assert_true(http_server_new(serving.loop, &config, message, sizeof(message), &second) < 0);
	assert_non_null(strstr(message, "Address already in use"));
	assert_null(second);
	stop(&serving);
}

static void stopping_closes_open_streams(void **state)
{
	struct serving serving = { 0 };
	int fd;

	start(&serving);
	fd = connect_to(http_server_port(serving.server));
	send_text(fd, "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_true(arrives(serving.loop, fd, "Transfer-Encoding: chunked"));
	stop(&serving);
	assert_int_equal(serving.site.closed, 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_reaches_the_handler_decoded),
		cmocka_unit_test(an_answer_may_come_later_or_after_the_client),
		cmocka_unit_test(a_stream_is_pulled_and_closed_once),
		cmocka_unit_test(the_server_answers_now_and_later),
		cmocka_unit_test(a_waiting_stream_notices_that_its_client_has_gone),
		cmocka_unit_test(a_late_answer_notices_that_its_client_has_gone),
		cmocka_unit_test(a_body_beyond_the_limit_gets_413),
		cmocka_unit_test(a_port_in_use_is_said_in_one_line),
		cmocka_unit_test(stopping_closes_open_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
