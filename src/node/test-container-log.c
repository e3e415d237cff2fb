/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"
#include "node/container_log.h"

static char path[64];

static int make_place(void **state)
{
	snprintf(path, sizeof(path), "/tmp/test-container-log-XXXXXX");
	close(mkstemp(path));
	return 0;
}

static int remove_place(void **state)
{
	return unlink(path);
}

static struct container_log *open_log(struct container_log_options options, const char *content)
{
	struct container_log *log = NULL;

	assert_int_equal(file_write(path, str_from(content), 0600), 0);
	assert_int_equal(container_log_open(path, &options, &log), 0);
	return log;
}

static void reads(struct container_log *log, const char *expected)
{
	char block[4096];
	int64_t n = container_log_read(log, block, sizeof(block) - 1);

	assert_int_equal(n, strlen(expected));
	block[n] = '\0';
	assert_string_equal(block, expected);
}

static void a_line_is_time_stream_tag_and_text(void **state)
{
	struct container_log_line line;

	assert_true(container_log_parse(STR("2026-01-02T03:04:05Z stdout F a b"), &line));
	assert_true(line.whole && str_is(line.text, "a b"));
	assert_true(container_log_parse(STR("2026-01-02T03:04:05Z stderr P:x "), &line));
	assert_true(!line.whole && line.text.n == 0);
	assert_false(container_log_parse(STR("2026-01-02T03:04:05Z stdout X a"), &line));
	assert_false(container_log_parse(STR("2026-01-02T03:04:05Z other F a"), &line));
	assert_false(container_log_parse(STR("2026-01-02T03:04:05Z stdout F"), &line));
	assert_false(container_log_parse(STR_NONE, &line));
}

static void the_tail_is_the_last_lines(void **state)
{
	struct container_log *log =
		open_log((struct container_log_options){ .tail = 1, .limit = -1 },
			 "2026-01-02T03:04:05Z stdout F one\n2026-01-02T03:04:05Z stdout F two\n");

	reads(log, "two\n");
	reads(log, "");
	container_log_free(log);
}

static void nothing_is_shown_beyond_the_limit(void **state)
{
	struct container_log *log =
		open_log((struct container_log_options){ .tail = -1, .limit = 5 },
			 "2026-01-02T03:04:05Z stdout F one\n2026-01-02T03:04:05Z stdout F two\n");
	char block[4096];

	reads(log, "one\nt");
	assert_int_equal(container_log_read(log, block, sizeof(block)), CONTAINER_LOG_FULL);
	container_log_free(log);
}

static void a_line_longer_than_a_block_stays_one_line(void **state)
{
	static char text[150000];
	struct buffer seen = BUFFER_INIT(sizeof(text) * 2);
	struct buffer content = BUFFER_INIT(sizeof(text) * 2);
	struct container_log *log;
	char block[4096];
	int64_t n;

	memset(text, 'x', sizeof(text) - 1);
	buffer_printf(&content, "2026-01-02T03:04:05Z stdout F %s\n", text);
	buffer_append_text(&content, "2026-01-02T03:04:05Z stdout F end\n");
	log = open_log((struct container_log_options){ .tail = -1, .limit = -1 },
		       buffer_text(&content));
	while ((n = container_log_read(log, block, sizeof(block))) > 0) {
		buffer_append(&seen, block, (size_t)n);
	}
	assert_int_equal(seen.n, sizeof(text) - 1 + strlen("\nend\n"));
	assert_string_equal(buffer_text(&seen) + sizeof(text) - 1, "\nend\n");
	container_log_free(log);
	buffer_deinit(&seen);
	buffer_deinit(&content);
}

static void a_new_file_at_the_path_is_read_behind_the_old_one(void **state)
{
	struct container_log *log =
		open_log((struct container_log_options){ .tail = -1, .limit = -1 },
			 "2026-01-02T03:04:05Z stdout F one\n");

	reads(log, "one\n");
	reads(log, "");
	/* Written aside and renamed: another file. */
	assert_int_equal(file_write(path, STR("2026-01-02T03:04:05Z stdout F two\n"), 0600), 0);
	reads(log, "two\n");
	container_log_free(log);
}

static void an_empty_new_file_hides_nothing_of_the_old_one(void **state)
{
	struct container_log *log =
		open_log((struct container_log_options){ .tail = -1, .limit = -1 },
			 "2026-01-02T03:04:05Z stdout F one\n");
	FILE *old = fopen(path, "a");

	reads(log, "one\n");
	assert_int_equal(file_write(path, STR_NONE, 0600), 0);
	reads(log, "");
	fputs("2026-01-02T03:04:05Z stdout F two\n", old);
	fclose(old);
	reads(log, "two\n");
	reads(log, "");
	assert_int_equal(file_write(path, STR("2026-01-02T03:04:05Z stdout F three\n"), 0600), 0);
	reads(log, "three\n");
	container_log_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_time_stream_tag_and_text),
		cmocka_unit_test(the_tail_is_the_last_lines),
		cmocka_unit_test(nothing_is_shown_beyond_the_limit),
		cmocka_unit_test(a_line_longer_than_a_block_stays_one_line),
		cmocka_unit_test(a_new_file_at_the_path_is_read_behind_the_old_one),
		cmocka_unit_test(an_empty_new_file_hides_nothing_of_the_old_one),
	};

	return cmocka_run_group_tests(tests, make_place, remove_place);
}
