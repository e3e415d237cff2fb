/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/child.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"

struct seen {
	struct loop *loop;
	struct child *child;
	char folder[64];
	char *log;
	int started;
	int ended;
	int stopped;
	int last_status;
	pid_t pid;
	int stop_loop_at; /* ends */
	bool free_at_end;
};

static void on_ended(void *userdata, int status)
{
	struct seen *seen = userdata;

	seen->last_status = status;
	if (seen->free_at_end) {
		seen->child = child_free(seen->child, 0);
	}
	if (++seen->ended == seen->stop_loop_at) {
		loop_stop(seen->loop);
	}
}

static void on_started(void *userdata, pid_t pid)
{
	struct seen *seen = userdata;

	seen->pid = pid;
	seen->started++;
	if (seen->stop_loop_at == 0) {
		loop_stop(seen->loop);
	}
}

static void on_stopped(void *userdata)
{
	struct seen *seen = userdata;

	seen->stopped++;
	loop_stop(seen->loop);
}

static int begin(void **state)
{
	struct seen *seen = MEM_NEW(struct seen);

	log_set_level(LOG_ERROR);
	snprintf(seen->folder, sizeof(seen->folder), "/tmp/test-child-XXXXXX");
	assert_non_null(mkdtemp(seen->folder));
	seen->log = mem_printf("%s/log", seen->folder);
	assert_int_equal(loop_new(&seen->loop), 0);
	*state = seen;
	return 0;
}

static int end(void **state)
{
	struct seen *seen = *state;

	loop_free(seen->loop);
	unlink(seen->log);
	rmdir(seen->folder);
	mem_free(seen->log);
	mem_free(seen);
	return 0;
}

static int start(struct seen *seen, const char *const *argv)
{
	const struct child_config config = { .name = "test",
					     .argv = argv,
					     .log_file = seen->log,
					     .ended = on_ended,
					     .started = on_started,
					     .userdata = seen };

	return child_start(seen->loop, &config, &seen->child);
}

static char *log_of(const struct seen *seen)
{
	char *text;

	assert_int_equal(file_read(seen->log, 65536, &text, NULL), 0);
	return text;
}

static void a_child_that_ends_is_started_again(void **state)
{
	struct seen *seen = *state;
	static const char *const argv[] = { "sh", "-c", "echo line; exit 3", NULL };
	uint64_t before = clock_monotonic(&clock_system);
	_cleanup_free_ char *text = NULL;

	seen->stop_loop_at = 3;
	assert_int_equal(start(seen, argv), 0);
	assert_int_equal(seen->started, 0);
	loop_run(seen->loop);
	/* 100 ms and 200 ms were waited. */
	assert_true(clock_monotonic(&clock_system) - before >= 300 * NS_PER_MS);
	assert_int_equal(seen->started, 3);
	assert_true(WIFEXITED(seen->last_status));
	assert_int_equal(WEXITSTATUS(seen->last_status), 3);
	seen->child = child_free(seen->child, 0);
	text = log_of(seen);
	assert_string_equal(text, "line\nline\nline\n");
}

static void a_child_may_be_freed_by_the_call_that_tells_its_end(void **state)
{
	struct seen *seen = *state;
	static const char *const argv[] = { "true", NULL };

	seen->stop_loop_at = 1;
	seen->free_at_end = true;
	assert_int_equal(start(seen, argv), 0);
	loop_run(seen->loop);
	assert_null(seen->child);
	assert_int_equal(seen->ended, 1);
}

static void what_cannot_be_started_is_an_error(void **state)
{
	struct seen *seen = *state;
	static const char *const nowhere[] = { "no-such-program-anywhere", NULL };
	static const char *const folder[] = { "/tmp", NULL };
	_cleanup_free_ char *path = mem_printf("%s/not-a-program", seen->folder);
	const char *const wrong[] = { path, NULL };

	assert_int_equal(start(seen, nowhere), -ENOENT);
	assert_int_equal(start(seen, folder), -ENOENT);
	/* It may be executed, but the kernel cannot read it. */
	assert_int_equal(file_write(path,
				    STR("\x7f"
					"ELF?"),
				    0700),
			 0);
	assert_int_equal(start(seen, wrong), -ENOEXEC);
	unlink(path);
	assert_null(seen->child);
}

static void a_child_gets_default_signals_and_no_descriptors(void **state)
{
	struct seen *seen = *state;
	/* The shell's own descriptors are closed while the list is made by a builtin. */
	static const char *const argv[] = {
		"sh", "-c",
		"grep -E '^Sig(Blk|Ign)' /proc/self/status; readlink /proc/self/fd/0; "
		"test -e /proc/$$/fd/9 && echo leaked; echo session-$(($(cut -d' ' -f6 "
		"/proc/$$/stat) - $$))",
		NULL
	};
	_cleanup_close_ int leak = fcntl(STDERR_FILENO, F_DUPFD, 9);
	_cleanup_free_ char *text = NULL;
	unsigned long ignored;
	sigset_t blocked;
	sigset_t before;

	assert_true(leak >= 9);
	assert_int_equal(dup2(leak, 9), 9);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	signal(SIGPIPE, SIG_IGN);
	seen->stop_loop_at = 1;
	seen->free_at_end = true;
	assert_int_equal(start(seen, argv), 0);
	loop_run(seen->loop);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(9);
	text = log_of(seen);
	assert_int_equal(sscanf(text, "SigBlk: %*x SigIgn: %lx", &ignored), 1);
	assert_non_null(strstr(text, "SigBlk:\t0000000000000000\n"));
	/*
	 * But for the two that the C library keeps for itself: posix_spawn() ignores them, so they
	 * are when make(1) has started us, and nobody can set them.
	 */
	assert_int_equal(ignored & ~(3UL << 31), 0);
	assert_non_null(strstr(text, "/dev/null\n"));
	assert_null(strstr(text, "leaked"));
	assert_non_null(strstr(text, "session-0\n"));
}

static void wait_for_line(const struct seen *seen, const char *line)
{
	for (bool found = false; !found;) {
		_cleanup_free_ char *text = log_of(seen);

		found = strstr(text, line) != NULL;
		loop_run_once(seen->loop);
	}
}

static void a_child_is_asked_to_end_and_then_killed(void **state)
{
	struct seen *seen = *state;
	static const char *const kind[] = { "sleep", "1000", NULL };
	static const char *const stubborn[] = {
		"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1000; done", NULL
	};

	assert_int_equal(start(seen, kind), 0);
	loop_run(seen->loop);
	child_stop(seen->child, 1000 * NS_PER_S, on_stopped, seen);
	loop_run(seen->loop);
	assert_int_equal(seen->stopped, 1);
	assert_int_equal(WTERMSIG(seen->last_status), SIGTERM);
	/* 30 s are not waited for: a grace of 50 ms is. The sleep of the shell is in its session.
	 */
	assert_int_equal(start(seen, stubborn), 0);
	loop_run(seen->loop);
	wait_for_line(seen, "ready");
	child_stop(seen->child, 50 * NS_PER_MS, on_stopped, seen);
	loop_run(seen->loop);
	assert_int_equal(seen->stopped, 2);
	assert_int_equal(WTERMSIG(seen->last_status), SIGKILL);
	kill(-seen->pid, SIGKILL); /* the shell's sleep, in its session */
}

static void a_child_that_waits_for_its_next_start_can_be_stopped(void **state)
{
	struct seen *seen = *state;
	static const char *const argv[] = { "false", NULL };

	seen->stop_loop_at = 1;
	assert_int_equal(start(seen, argv), 0);
	loop_run(seen->loop);
	child_stop(seen->child, NS_PER_S, on_stopped, seen);
	assert_int_equal(seen->stopped, 0);
	loop_run(seen->loop);
	assert_int_equal(seen->stopped, 1);
	assert_int_equal(seen->started, 1);
}

/*
 * A process in between starts a child whose output is a pipe, and is killed: what is read is what
 * the child still had to say, up to its end.
 */
static size_t read_after_death(const char *const *argv, bool outlives_us, char *ret_text,
			       size_t size)
{
	size_t n = 0;
	ssize_t got;
	int ends[2];
	pid_t middle;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	middle = fork();
	if (middle == 0) {
		struct child_config config = { .name = "test",
					       .argv = argv,
					       .outlives_us = outlives_us };
		struct loop *loop;
		struct child *child;

		dup2(ends[1], STDOUT_FILENO);
		if (loop_new(&loop) < 0 || child_start(loop, &config, &child) < 0) {
			_exit(1);
		}
		loop_run(loop);
	}
	close(ends[1]);
	while ((got = read(ends[0], ret_text + n, size - n)) > 0) {
		n += (size_t)got;
	}
	close(ends[0]);
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	return n;
}

static void a_child_ends_with_us(void **state)
{
	static const char *const argv[] = { "sh", "-c", "kill -9 $PPID; exec sleep 1000", NULL };
	char text[16];

	assert_int_equal(read_after_death(argv, false, text, sizeof(text)), 0);
}

static void a_child_may_outlive_us(void **state)
{
	static const char *const argv[] = {
		"sh", "-c",
		"p=$PPID; kill -9 $p; while kill -0 $p 2>/dev/null && "
		"! grep -q '^State:.Z' /proc/$p/status; do :; done; echo alive",
		NULL
	};
	char text[16];

	assert_int_equal(read_after_death(argv, true, text, sizeof(text)), strlen("alive\n"));
	assert_memory_equal(text, "alive\n", strlen("alive\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_child_that_ends_is_started_again, begin, end),
		cmocka_unit_test_setup_teardown(a_child_may_be_freed_by_the_call_that_tells_its_end,
						begin, end),
		cmocka_unit_test_setup_teardown(what_cannot_be_started_is_an_error, begin, end),
		cmocka_unit_test_setup_teardown(a_child_gets_default_signals_and_no_descriptors,
						begin, end),
		cmocka_unit_test_setup_teardown(a_child_is_asked_to_end_and_then_killed, begin,
						end),
		cmocka_unit_test_setup_teardown(
			a_child_that_waits_for_its_next_start_can_be_stopped, begin, end),
		cmocka_unit_test(a_child_ends_with_us),
		cmocka_unit_test(a_child_may_outlive_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
