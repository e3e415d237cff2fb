/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of the log of queries, and what becomes of those that nobody takes. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/counter.h"
#include "base/mem.h"
#include "dns/query_log.h"
#include "dns/test-rig.h"
#include "dns/wire.h"

/* Allocations of other threads than the test's; the linker sends all of them here. */
static struct counter of_others;
static __thread bool of_the_test;
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	counter_add_shared(&of_others, !of_the_test);
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	counter_add_shared(&of_others, !of_the_test);
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	counter_add_shared(&of_others, !of_the_test);
	return __real_realloc(old, size);
}

static struct query_record make(struct rig *rig, const char *name, uint16_t type)
{
	struct query_record record = {
		.took = 50000,
		.address = { 10, 0, 0, 1 },
		.address_n = 4,
		.port = 40212,
		.flags = DNS_QR | DNS_AA | DNS_RD,
		.n_records = 2,
		.answer_n = 106,
	};

	record.query_n = (uint16_t)rig_query(rig, name, type, record.query);
	set_u16(record.query, 12345);
	return record;
}

static void check(const struct query_record *record, const char *expected)
{
	_cleanup_buffer_ struct buffer line = BUFFER_INIT(4096);

	query_log_line(record, &line);
	assert_string_equal(buffer_text(&line), expected);
}

static void a_line_is_like_those_of_coredns(void **state)
{
	struct rig *rig = rig_new();
	struct query_record record;

	rig->edns = true;
	rig->dnssec_ok = true;
	rig->udp_size = 1232;
	record = make(rig, "Web.default", RR_AAAA);
	check(&record, "[INFO] 10.0.0.1:40212 - 12345 \"AAAA IN web.default. udp 40 true 1232\" "
		       "NOERROR qr,aa,rd 106 0.000050000s\n");
	rig->edns = false;
	record = make(rig, "a.b", 4711);
	record.tcp = true;
	record.rcode = DNS_NXDOMAIN;
	record.address_n = 16;
	memcpy(record.address, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	record.took = 2500000000;
	check(&record, "[INFO] [fd00::1]:40212 - 12345 \"TYPE4711 IN a.b. tcp 21 false 512\" "
		       "NXDOMAIN qr,aa,rd 106 2.500000000s\n");
	rig_free(rig);
}

/* No terminal is moved and no line is broken by what stands in a query. */
static void nonsense_is_one_line_too(void **state)
{
	struct rig *rig = rig_new();
	struct query_record record = make(rig, "a.b", RR_A);

	record.query[DNS_HEADER + 1] = '\n';
	check(&record, "[INFO] 10.0.0.1:40212 - 12345 \"A IN ?.b. udp 21 false 512\" NOERROR "
		       "qr,aa,rd 106 0.000050000s\n");
	record.query_n = DNS_HEADER;
	record.rcode = 3000;
	check(&record, "[INFO] 10.0.0.1:40212 - 12345 \"- IN - udp 12 false 512\" RCODE3000 "
		       "qr,aa,rd 106 0.000050000s\n");
	rig_free(rig);
}

/* Nobody reads the pipe: workers go on, and lines are counted as lost. */
static void what_nobody_takes_is_lost_and_counted(void **state)
{
	enum { MANY = LIMIT_QUERY_LOG_RECORDS * 3 };
	struct rig *rig = rig_new();
	struct query_record record = make(rig, "a.b", RR_A);
	struct query_log *log;
	char text[65536];
	uint64_t lines = 0;
	uint64_t lost;
	ssize_t n;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(query_log_new(ends[1], QUERY_ALL, 2, &log), 0);
	/* Not started: the slowest reader of all. */
	for (unsigned i = 0; i < MANY; i++) {
		query_log_put(log, 1, &record, record.query);
	}
	lost = query_log_lost(log);
	assert_int_equal(lost, MANY - LIMIT_QUERY_LOG_RECORDS);
	if (fork() == 0) {
		/* Takes them all, in a process of its own. */
		close(ends[1]);
		while ((n = read(ends[0], text, sizeof(text))) > 0) {
			for (ssize_t i = 0; i < n; i++) {
				lines += text[i] == '\n';
			}
		}
		_exit(lines == LIMIT_QUERY_LOG_RECORDS ? 0 : 1);
	}
	assert_int_equal(query_log_start(log), 0);
	query_log_free(log);
	close(ends[0]);
	close(ends[1]);
	int status;

	assert_true(wait(&status) > 0 && WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	rig_free(rig);
}

static void only_wanted_classes_are_kept(void **state)
{
	struct rig *rig = rig_new();
	struct query_record record = make(rig, "a.b", RR_A);
	struct query_log *log;
	char text[4096] = "";
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(query_log_new(ends[1], QUERY_ERROR, 1, &log), 0);
	query_log_put(log, 0, &record, record.query);
	record.rcode = DNS_NXDOMAIN;
	query_log_put(log, 0, &record, record.query);
	record.rcode = DNS_SERVFAIL;
	query_log_put(log, 0, &record, record.query);
	assert_int_equal(query_log_start(log), 0);
	query_log_free(log);
	assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "SERVFAIL"));
	assert_int_equal(strchr(text, '\n') - text, (long)strlen(text) - 1);
	close(ends[0]);
	close(ends[1]);
	rig_free(rig);
}

/* Whenever it begins: on a busy machine, that is in the middle of queries. */
static void the_thread_allocates_nothing(void **state)
{
	struct rig *rig = rig_new();
	struct query_record record = make(rig, "a.b", RR_A);
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct query_log *log;

	of_the_test = true;
	counter_set(&of_others, 0);
	assert_int_equal(query_log_new(fd, QUERY_ALL, 1, &log), 0);
	for (int i = 0; i < LIMIT_QUERY_LOG_RECORDS; i++) {
		query_log_put(log, 0, &record, record.query);
	}
	assert_int_equal(query_log_start(log), 0);
	query_log_free(log);
	assert_int_equal(counter_get(&of_others), 0);
	of_the_test = false;
	mem_free(mem_alloc(1));
	assert_int_equal(counter_get(&of_others), 1);
	close(fd);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_like_those_of_coredns),
		cmocka_unit_test(nonsense_is_one_line_too),
		cmocka_unit_test(what_nobody_takes_is_lost_and_counted),
		cmocka_unit_test(only_wanted_classes_are_kept),
		cmocka_unit_test(the_thread_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
