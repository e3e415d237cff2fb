/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/thread.h"

/* In a child; without stdio, whose calls are not all allowed. */
static void try_at(bool fine, const char *what)
{
	if (!fine) {
		(void)!write(STDERR_FILENO, what, strlen(what));
		_exit(1);
	}
}

#define TRY(condition) try_at((condition), "failed: " #condition "\n")

/* How `run` ends in a process of its own: 0, or -SIGNAL. */
static int outcome(const struct sandbox *sandbox, void (*run)(const struct sandbox *sandbox))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		run(sandbox);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static struct sandbox *open_or_skip(unsigned wanted)
{
	struct sandbox *sandbox = sandbox_new();

	if ((sandbox_probe(sandbox) & wanted) != wanted) {
		sandbox_free(sandbox);
		skip();
	}
	return sandbox;
}

static void serve_as_worker(const struct sandbox *sandbox)
{
	uint8_t *blocks[64];
	struct timespec time;
	unsigned expected;
	int pair[2];
	char byte = 'x';

	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	expected = sandbox_probe(sandbox);
	TRY(sandbox_enter(sandbox, SANDBOX_WORKER) == expected);
	TRY(send(pair[0], &byte, 1, 0) == 1 && recv(pair[1], &byte, 1, 0) == 1);
	TRY(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
			blocks[i] = mem_alloc((size_t)1000 << (i % 12));
		}
		for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
			mem_free(blocks[i]);
		}
	}
	/* What glibc looks at on its own is refused, what is not known is not there. */
	TRY(open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC) == -1 && errno == EACCES);
	TRY(syscall(SYS_getppid) == -1 && errno == ENOSYS);
	TRY(syscall(SYS_quotactl, 0, NULL, 0, NULL) == -1 && errno == ENOSYS);
}

static void a_worker_does_what_it_must(void **state)
{
	struct sandbox *sandbox = open_or_skip(SANDBOX_SECCOMP);

	assert_int_equal(outcome(sandbox, serve_as_worker), 0);
	sandbox_free(sandbox);
}

static void allocate_in_an_arena(void *argument)
{
	enum { BLOCKS = 64 };
	uint8_t *blocks[BLOCKS];

	(void)sandbox_enter(argument, SANDBOX_WORKER);
	/* Enough to grow a heap that is not the first one, and to give it back. */
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = mem_alloc(100 * 1000);
		memset(blocks[i], 1, 100 * 1000);
	}
	for (size_t i = BLOCKS; i-- > 0;) {
		mem_free(blocks[i]);
	}
}

static void start_a_worker(const struct sandbox *sandbox)
{
	struct thread *thread;

	TRY(thread_start("worker", allocate_in_an_arena, (void *)(uintptr_t)sandbox, &thread) == 0);
	thread_join(thread);
	/* Only that thread entered. */
	TRY(close(open("/etc/passwd", O_RDONLY)) == 0);
}

static void a_worker_returns_memory_and_ends(void **state)
{
	struct sandbox *sandbox = open_or_skip(SANDBOX_SECCOMP);

	assert_int_equal(outcome(sandbox, start_a_worker), 0);
	sandbox_free(sandbox);
}

static void open_a_file(void)
{
	(void)open("/etc/passwd", O_RDONLY);
}

static void make_a_file(void)
{
	(void)open("/tmp/headlessd-test-never", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static void make_a_socket(void)
{
	(void)socket(AF_INET, SOCK_STREAM, 0);
}

static void run_a_program(void)
{
	(void)execl("/bin/true", "true", NULL);
}

static void trace_somebody(void)
{
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void fork_a_process(void)
{
	(void)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static void make_code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0);
}

static void signal_another(void)
{
	(void)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static const struct {
	void (*run)(void);
	enum sandbox_role role;
} forbidden[] = {
	{ open_a_file, SANDBOX_WORKER },    { make_a_file, SANDBOX_WORKER },
	{ make_a_socket, SANDBOX_WORKER },  { run_a_program, SANDBOX_WORKER },
	{ trace_somebody, SANDBOX_WORKER }, { fork_a_process, SANDBOX_WORKER },
	{ make_code, SANDBOX_WORKER },      { signal_another, SANDBOX_WORKER },
	{ run_a_program, SANDBOX_THREAD },  { trace_somebody, SANDBOX_THREAD },
	{ fork_a_process, SANDBOX_THREAD },
};

static size_t which;

static void do_what_is_forbidden(const struct sandbox *sandbox)
{
	TRY((sandbox_enter(sandbox, forbidden[which].role) & SANDBOX_SECCOMP) != 0);
	forbidden[which].run();
}

static void what_is_forbidden_ends_the_process(void **state)
{
	struct sandbox *sandbox = open_or_skip(SANDBOX_SECCOMP);

	for (which = 0; which < ARRAY_SIZE(forbidden); which++) {
		assert_int_equal(outcome(sandbox, do_what_is_forbidden), -SIGSYS);
	}
	sandbox_free(sandbox);
}

static void nothing(void *argument)
{
	*(int *)argument = 1;
}

static void live_as_thread(const struct sandbox *sandbox)
{
	struct thread *thread;
	int ran = 0;
	int fd;

	TRY(sandbox_enter(sandbox, SANDBOX_THREAD) == sandbox_probe(sandbox));
	TRY(thread_start("child", nothing, &ran, &thread) == 0);
	thread_join(thread);
	TRY(ran == 1);
	/* Who comes from a thread that is inside goes further in. */
	TRY(thread_start("worker", allocate_in_an_arena, (void *)(uintptr_t)sandbox, &thread) == 0);
	thread_join(thread);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	TRY(fd >= 0);
	close(fd);
}

static void a_thread_still_starts_threads_and_opens_sockets(void **state)
{
	struct sandbox *sandbox = open_or_skip(SANDBOX_SECCOMP);

	assert_int_equal(outcome(sandbox, live_as_thread), 0);
	sandbox_free(sandbox);
}

/* ---- files ---- */

static char folder[64];

static char *below(const char *name)
{
	return mem_printf("%s/%s", folder, name);
}

static int try_open(const char *name, int flags)
{
	_cleanup_free_ char *path = below(name);
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0) {
		return -errno;
	}
	close(fd);
	return 0;
}

static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = below(name);

	TRY(file_write(path, str_from(text), 0600) == 0);
}

static void relink(const char *to)
{
	_cleanup_free_ char *link = below("secret/..data");
	_cleanup_free_ char *fresh = below("secret/..data_tmp");

	TRY(symlink(to, fresh) == 0 && rename(fresh, link) == 0);
}

static void make_folders(void)
{
	static const char *const names[] = { "secret", "secret/1", "secret/2", "data", "other" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = below(names[i]);

		TRY(mkdir(path, 0700) == 0);
	}
}

/* A Secret as the kubelet mounts it: the file is a link through a link that is exchanged. */
static void see_only_what_is_allowed(const struct sandbox *unused)
{
	_cleanup_free_ char *token = below("secret/token");
	_cleanup_free_ char *data = below("data");
	struct sandbox *sandbox = sandbox_new();
	char path[64];
	int memory = memfd_create("pem", MFD_CLOEXEC);

	make_folders();
	put("secret/1/token", "one");
	put("secret/2/token", "two");
	put("other/file", "mine");
	relink("1");
	TRY(symlink("..data/token", token) == 0);
	sandbox_allow_replaced(sandbox, token);
	sandbox_allow_write(sandbox, data);
	sandbox_allow_read(sandbox, "/not/there");
	sandbox_allow_read(sandbox, NULL);
	(void)sandbox_enter(sandbox, SANDBOX_THREAD);
	TRY(try_open("secret/token", O_RDONLY) == 0);
	TRY(try_open("secret/2/token", O_RDONLY) == 0);
	TRY(try_open("secret/2/token", O_WRONLY) == -EACCES);
	TRY(try_open("other/file", O_RDONLY) == -EACCES);
	TRY(try_open("data/log", O_WRONLY | O_CREAT) == 0);
	put("data/log", "again");
	TRY(open("/etc/shadow", O_RDONLY | O_CLOEXEC) < 0);
	TRY(close(open("/etc/resolv.conf", O_RDONLY)) == 0 || access("/etc/resolv.conf", F_OK));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	TRY(close(open(path, O_RDONLY)) == 0);
}

static void only_allowed_files_are_there(void **state)
{
	struct sandbox *sandbox = open_or_skip(SANDBOX_LANDLOCK);
	_cleanup_free_ char *remove = NULL;

	snprintf(folder, sizeof(folder), "/tmp/headlessd-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	remove = mem_printf("rm -r %s", folder);
	assert_int_equal(outcome(sandbox, see_only_what_is_allowed), 0);
	assert_int_equal(system(remove), 0);
	sandbox_free(sandbox);
}

/* ---- words ---- */

static void what_is_in_force_is_said(void **state)
{
	char text[SANDBOX_TEXT];

	sandbox_describe(SANDBOX_ALL, text);
	assert_string_equal(text, "no capabilities, no new privileges, seccomp, landlock");
	sandbox_describe(SANDBOX_NO_CAPABILITIES | SANDBOX_SECCOMP, text);
	assert_string_equal(text, "no capabilities, seccomp; without no new privileges, landlock");
	sandbox_describe(0, text);
	assert_string_equal(text, "nothing");
	assert_int_equal(sandbox_enter(NULL, SANDBOX_WORKER), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_does_what_it_must),
		cmocka_unit_test(a_worker_returns_memory_and_ends),
		cmocka_unit_test(what_is_forbidden_ends_the_process),
		cmocka_unit_test(a_thread_still_starts_threads_and_opens_sockets),
		cmocka_unit_test(only_allowed_files_are_there),
		cmocka_unit_test(what_is_in_force_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
