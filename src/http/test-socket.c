/* SPDX-License-Identifier: Apache-2.0 */
#include "http/test-socket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "loop/loop.h"

enum { TURNS = 200000, SHORT = 126, LONG = 127 };

int far_init(struct far *far, struct loop *loop)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	*far = (struct far){ .loop = loop, .fd = fds[0] };
	buffer_init(&far->got, LIMIT_BODY);
	return fds[1];
}

void far_deinit(struct far *far)
{
	close(far->fd);
	buffer_deinit(&far->got);
}

static void put_length(struct buffer *frame, size_t n)
{
	const unsigned masked = 0x80;

	if (n < SHORT) {
		buffer_append_char(frame, (char)(masked | n));
	} else {
		assert_true(n <= UINT16_MAX);
		buffer_append_char(frame, (char)(masked | SHORT));
		buffer_append_char(frame, (char)(n >> 8));
		buffer_append_char(frame, (char)n);
	}
}

void far_send(struct far *far, unsigned head, struct str payload)
{
	static const char key[] = { 1, 2, 3, 4 };
	struct buffer frame = BUFFER_INIT(UINT16_MAX + 64);

	buffer_append_char(&frame, (char)head);
	put_length(&frame, payload.n);
	buffer_append(&frame, key, sizeof(key));
	for (size_t i = 0; i < payload.n; i++) {
		buffer_append_char(&frame, (char)(payload.p[i] ^ key[i % sizeof(key)]));
	}
	assert_int_equal(send(far->fd, frame.p, frame.n, MSG_NOSIGNAL), frame.n);
	buffer_deinit(&frame);
}

/* The frame at the beginning of what has come: its head's size and its payload's; or false. */
static bool measure(const struct buffer *got, size_t *ret_head, size_t *ret_n)
{
	const unsigned char *p = (const unsigned char *)got->p;
	size_t head = 2;

	if (got->n < head) {
		return false;
	}
	assert_int_equal(p[1] & 0x80, 0); /* a server masks nothing */
	assert_true(p[1] != LONG);
	head += p[1] == SHORT ? 2 : 0;
	if (got->n < head) {
		return false;
	}
	*ret_head = head;
	*ret_n = p[1] == SHORT ? (size_t)p[2] << 8 | p[3] : p[1];
	return got->n >= *ret_head + *ret_n;
}

static void take_what_came(struct far *far)
{
	char block[4096];
	ssize_t n;

	loop_run_once(far->loop);
	while ((n = recv(far->fd, block, sizeof(block), 0)) > 0) {
		buffer_append(&far->got, block, (size_t)n);
	}
	far->ended = far->ended || n == 0 || errno == ECONNRESET;
}

unsigned far_frame(struct far *far, struct buffer *ret_payload)
{
	size_t head = 0;
	size_t n = 0;
	unsigned first;

	for (int i = 0; i < TURNS && !measure(&far->got, &head, &n); i++) {
		if (far->ended) {
			return 0;
		}
		take_what_came(far);
	}
	assert_true(measure(&far->got, &head, &n));
	first = (unsigned char)far->got.p[0];
	buffer_clear(ret_payload);
	buffer_append(ret_payload, far->got.p + head, n);
	buffer_consume(&far->got, head + n);
	return first;
}

void far_hears(struct far *far, unsigned head, struct str payload)
{
	struct buffer got = BUFFER_INIT(LIMIT_BODY);

	assert_int_equal(far_frame(far, &got), head);
	assert_int_equal(got.n, payload.n);
	assert_memory_equal(buffer_text(&got), payload.n != 0 ? payload.p : "", payload.n);
	buffer_deinit(&got);
}

void far_hears_close(struct far *far, unsigned code)
{
	char payload[] = { (char)(code >> 8), (char)code };

	far_hears(far, FRAME_FIN | FRAME_CLOSE, (struct str){ .p = payload, .n = 2 });
}

void far_hears_end(struct far *far)
{
	for (int i = 0; i < TURNS && !far->ended; i++) {
		take_what_came(far);
	}
	assert_true(far->ended);
	assert_int_equal(far->got.n, 0);
}

void far_turn_until(struct far *far, const bool *done)
{
	for (int i = 0; i < TURNS && !*done; i++) {
		loop_run_once(far->loop);
	}
	assert_true(*done);
}
