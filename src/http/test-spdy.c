/* SPDX-License-Identifier: Apache-2.0 */
/* What one end writes is fed to the other; what no end of ours would write is made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "http/spdy.h"

struct end {
	struct spdy *spdy;
	struct buffer out;
	struct buffer heard; /* what was told, as text */
};

static void opened(void *userdata, uint32_t stream, const struct http_pair *headers, size_t n)
{
	struct end *end = userdata;

	buffer_printf(&end->heard, "[open %u", stream);
	for (size_t i = 0; i < n; i++) {
		buffer_printf(&end->heard, " %s=%s", headers[i].name, headers[i].value);
	}
	buffer_append_text(&end->heard, "]");
}

static void accepted(void *userdata, uint32_t stream)
{
	buffer_printf(&((struct end *)userdata)->heard, "[accepted %u]", stream);
}

static void data(void *userdata, uint32_t stream, struct str bytes, bool last)
{
	buffer_printf(&((struct end *)userdata)->heard, "[%u:%.*s%s]", stream, STR_ARG(bytes),
		      last ? "|" : "");
}

static void reset(void *userdata, uint32_t stream)
{
	buffer_printf(&((struct end *)userdata)->heard, "[reset %u]", stream);
}

static void going_away(void *userdata)
{
	buffer_append_text(&((struct end *)userdata)->heard, "[away]");
}

static const struct spdy_ops ops = {
	.opened = opened,
	.accepted = accepted,
	.data = data,
	.reset = reset,
	.going_away = going_away,
};

struct pair {
	struct end client;
	struct end server;
};

static void end_init(struct end *end, bool is_client)
{
	buffer_init(&end->out, LIMIT_BODY);
	buffer_init(&end->heard, LIMIT_BODY);
	end->spdy = spdy_new(is_client, &end->out, &ops, end);
}

static void end_deinit(struct end *end)
{
	spdy_free(end->spdy);
	buffer_deinit(&end->out);
	buffer_deinit(&end->heard);
}

static int setup(void **state)
{
	struct pair *pair = MEM_NEW(struct pair);

	end_init(&pair->client, true);
	end_init(&pair->server, false);
	*state = pair;
	return 0;
}

static int teardown(void **state)
{
	struct pair *pair = *state;

	end_deinit(&pair->client);
	end_deinit(&pair->server);
	mem_free(pair);
	return 0;
}

/* What one end has written, to the other, `step` bytes at a time. */
static void carry(struct end *from, struct end *to, size_t step)
{
	struct str all = buffer_str(&from->out);

	while (all.n != 0) {
		size_t n = all.n < step ? all.n : step;

		assert_int_equal(spdy_feed(to->spdy, (struct str){ .p = all.p, .n = n }), 0);
		all = str_skip(all, n);
	}
	buffer_clear(&from->out);
}

static void hears(struct end *end, const char *expected)
{
	assert_string_equal(buffer_text(&end->heard), expected);
	buffer_clear(&end->heard);
}

static const struct http_pair stdin_headers[] = { { "streamType", "stdin" } };

static void streams_are_opened_with_their_headers(void **state)
{
	struct pair *pair = *state;
	const struct http_pair more[] = { { "streamtype", "data" }, { "port", "80" } };

	assert_int_equal(spdy_open(pair->client.spdy, stdin_headers, 1), 1);
	assert_int_equal(spdy_open(pair->client.spdy, more, 2), 3);
	carry(&pair->client, &pair->server, SIZE_MAX);
	hears(&pair->server, "[open 1 streamtype=stdin][open 3 streamtype=data port=80]");
	spdy_accept(pair->server.spdy, 3);
	assert_int_equal(spdy_open(pair->server.spdy, NULL, 0), 2);
	carry(&pair->server, &pair->client, SIZE_MAX);
	hears(&pair->client, "[accepted 3][open 2]");
}

static void frames_may_come_byte_by_byte(void **state)
{
	struct pair *pair = *state;

	spdy_open(pair->client.spdy, stdin_headers, 1);
	spdy_send(pair->client.spdy, 1, STR("ab"), true);
	carry(&pair->client, &pair->server, 1);
	hears(&pair->server, "[open 1 streamtype=stdin][1:a][1:b|]");
}

static void frames_look_as_the_draft_has_them(void **state)
{
	static const char expected[] =
		"\0\0\0\1\0\0\0\2hi" /* data */
		"\0\0\0\1\1\0\0\0" /* its end */
		"\x80\3\0\3\0\0\0\x8\0\0\0\1\0\0\0\5" /* RST_STREAM, CANCEL */
		"\x80\3\0\7\0\0\0\x8\0\0\0\0\0\0\0\0"; /* GOAWAY */
	struct pair *pair = *state;

	spdy_send(pair->client.spdy, 1, STR("hi"), false);
	spdy_send(pair->client.spdy, 1, STR_NONE, true);
	spdy_reset(pair->client.spdy, 1);
	spdy_go_away(pair->client.spdy);
	assert_int_equal(pair->client.out.n, sizeof(expected) - 1);
	assert_memory_equal(pair->client.out.p, expected, sizeof(expected) - 1);
	carry(&pair->client, &pair->server, SIZE_MAX);
	hears(&pair->server, "[1:hi][1:|][reset 1][away]");
}

static int feed(struct end *end, const char *bytes, size_t n)
{
	return spdy_feed(end->spdy, (struct str){ .p = bytes, .n = n });
}

#define FEED(end, text) feed(end, text, sizeof(text) - 1)

static void pings_of_the_other_end_are_answered(void **state)
{
	static const char theirs[] = "\x80\3\0\6\0\0\0\4\0\0\0\7";
	struct pair *pair = *state;

	assert_int_equal(FEED(&pair->server, theirs), 0);
	assert_int_equal(pair->server.out.n, sizeof(theirs) - 1);
	assert_memory_equal(pair->server.out.p, theirs, sizeof(theirs) - 1);
	/* An odd one is a client's own, come back. */
	assert_int_equal(FEED(&pair->client, theirs), 0);
	assert_int_equal(pair->client.out.n, 0);
}

static void what_is_unknown_is_left_alone(void **state)
{
	struct pair *pair = *state;

	assert_int_equal(FEED(&pair->server, "\x80\3\0\4\0\0\0\4\0\0\0\0" /* SETTINGS */
					     "\x80\3\0\x9\0\0\0\x8\0\0\0\1\0\1\0\0"
					     "\x80\3\0\xff\0\0\0\0"
					     "\0\0\0\1\0\0\0\1x"),
			 0);
	hears(&pair->server, "[1:x]");
}

static void bad_frames_end_the_connection(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
#define BAD(text) { text, sizeof(text) - 1 }
		BAD("\x80\2\0\4\0\0\0\0"), /* another version */
		BAD("\x80\3\0\3\0\0\0\4\0\0\0\1"), /* RST_STREAM without its reason */
		BAD("\x80\3\0\6\0\0\0\5\0\0\0\1\0"), /* PING */
		BAD("\x80\3\0\1\0\0\0\4\0\0\0\1"), /* SYN_STREAM */
		BAD("\x80\3\0\2\0\0\0\2\0\0"), /* SYN_REPLY */
		BAD("\x80\3\0\1\0\0\0\xc\0\0\0\1\0\0\0\0\0\0no"), /* no zlib */
		BAD("\x80\3\0\1\0\1\0\1"), /* announces more than LIMIT_SPDY_CONTROL */
	};
	struct end end;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		end_init(&end, false);
		assert_int_equal(feed(&end, bad[i].bytes, bad[i].n), SPDY_BAD);
		/* And it stays over. */
		assert_int_equal(FEED(&end, "\0\0\0\1\0\0\0\1x"), SPDY_BAD);
		hears(&end, "");
		end_deinit(&end);
	}
}

/* A SYN_STREAM whose header block is `plain`, packed without dictionary. */
static int feed_block(struct end *end, const char *plain, size_t n)
{
	char packed[8192];
	struct buffer frame = BUFFER_INIT(sizeof(packed) + 64);
	z_stream z = { .next_in = (Bytef *)plain,
		       .avail_in = (uInt)n,
		       .next_out = (Bytef *)packed,
		       .avail_out = sizeof(packed) };
	size_t packed_n;
	int result;

	assert_int_equal(deflateInit(&z, Z_BEST_COMPRESSION), Z_OK);
	assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
	packed_n = sizeof(packed) - z.avail_out;
	assert_int_not_equal(z.avail_out, 0);
	deflateEnd(&z);
	buffer_append(&frame, "\x80\3\0\1\0\0", 6);
	buffer_append_char(&frame, (char)((packed_n + 10) >> 8));
	buffer_append_char(&frame, (char)(packed_n + 10));
	buffer_append(&frame, "\0\0\0\1\0\0\0\0\0\0", 10);
	buffer_append(&frame, packed, packed_n);
	result = spdy_feed(end->spdy, buffer_str(&frame));
	buffer_deinit(&frame);
	return result;
}

static void headers_that_contradict_themselves_are_refused(void **state)
{
	struct end end;
	static const char *const bad[] = {
		"\0\0\0\1\0\0\0\x9short", /* a name longer than the block */
		"\0\0\0\2\0\0\0\1a\0\0\0\1b", /* fewer pairs than announced */
		"\x7f\xff\xff\xff", /* more than anybody sends */
		"\0\0",
	};
	static const size_t sizes[] = { 13, 14, 4, 2 };

	for (size_t i = 0; i < 4; i++) {
		end_init(&end, false);
		assert_int_equal(feed_block(&end, bad[i], sizes[i]), SPDY_BAD);
		hears(&end, "");
		end_deinit(&end);
	}
	end_init(&end, false);
	assert_int_equal(feed_block(&end, "\0\0\0\1\0\0\0\1a\0\0\0\1b", 14), 0);
	hears(&end, "[open 1 a=b]");
	end_deinit(&end);
}

static void headers_that_unpack_to_too_much_are_refused(void **state)
{
	struct pair *pair = *state;
	char *plain = mem_alloc(16 * LIMIT_SPDY_CONTROL);

	memset(plain, 0, 16 * LIMIT_SPDY_CONTROL);
	assert_int_equal(feed_block(&pair->server, plain, 16 * LIMIT_SPDY_CONTROL), SPDY_BAD);
	mem_free(plain);
	hears(&pair->server, "");
}

static void streams_are_counted(void **state)
{
	struct pair *pair = *state;
	int result = 0;
	size_t n = 0;

	while (result == 0 && n <= LIMIT_SPDY_STREAMS) {
		spdy_open(pair->client.spdy, NULL, 0);
		result = spdy_feed(pair->server.spdy, buffer_str(&pair->client.out));
		buffer_clear(&pair->client.out);
		buffer_clear(&pair->server.heard);
		n++;
	}
	assert_int_equal(result, SPDY_BAD);
	assert_int_equal(n, LIMIT_SPDY_STREAMS + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(streams_are_opened_with_their_headers),
		TEST(frames_may_come_byte_by_byte),
		TEST(frames_look_as_the_draft_has_them),
		TEST(pings_of_the_other_end_are_answered),
		TEST(what_is_unknown_is_left_alone),
		TEST(bad_frames_end_the_connection),
		TEST(headers_that_contradict_themselves_are_refused),
		TEST(headers_that_unpack_to_too_much_are_refused),
		TEST(streams_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
