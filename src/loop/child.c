/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child is in one of five states; its one timer means something else in each of them. The process
 * is watched through a pidfd, so its end is an event like any other, and a signal cannot hit
 * another process that has got its number. Calls to the owner are the last thing that happens, so
 * the owner may stop or free the child from within them.
 *
 * Between fork() and execv() only what is safe in a copy of a process with threads is called: the
 * program is looked up and the files are opened before. When execv() fails the copy says why
 * through a pipe, which closes by itself when it succeeds.
 */
#include "loop/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/loop.h"

#define COMPONENT "child"

static const uint64_t FIRST_DELAY = 100 * NS_PER_MS;
static const uint64_t LONGEST_DELAY = 10 * NS_PER_S;
static const uint64_t STEADY = 60 * NS_PER_S;

enum child_state {
	CHILD_NEW, /* runs; its owner has not been told; timer: tells */
	CHILD_RUNNING,
	CHILD_WAITING, /* has ended; timer: starts it again */
	CHILD_STOPPING, /* was asked to end; timer: kills it */
	CHILD_STOPPED, /* had ended before it was stopped; timer: tells */
};

struct child {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_watch *watch;
	enum child_state state;
	pid_t pid;
	int pidfd; /* -1: no process */
	uint64_t started_at; /* monotonic ns */
	uint64_t delay; /* before the next start */
	char *name;
	char **argv;
	char *log_file;
	bool outlives_us;
	void (*ended)(void *userdata, int status);
	void (*started)(void *userdata, pid_t pid);
	void *userdata;
	void (*stopped)(void *userdata);
	void *stopped_userdata;
};

static void process_ended(void *userdata, unsigned events);
static void timer_fired(void *userdata);

/* ---- starting ---- */

static bool is_program(const char *path)
{
	struct stat stat_of;

	return stat(path, &stat_of) == 0 && S_ISREG(stat_of.st_mode) && access(path, X_OK) == 0;
}

char *child_find_program(const char *name)
{
	struct str rest = str_from(getenv("PATH"));

	if (strchr(name, '/') != NULL) {
		return is_program(name) ? mem_strdup(name) : NULL;
	}
	if (rest.n == 0) {
		rest = STR("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	}
	while (rest.p != NULL) {
		struct str folder = str_cut(&rest, ':');
		/* An empty entry would be the working directory, which nobody means. */
		_cleanup_free_ char *path =
			folder.n != 0 ? mem_printf("%.*s/%s", STR_ARG(folder), name) : NULL;

		if (path != NULL && is_program(path)) {
			return take(path);
		}
	}
	return NULL;
}

/* In the new process. What is open from 3 on stays behind. */
static void become(const struct child *child, const char *program, const int files[3], int failure,
		   pid_t parent)
{
	sigset_t none;
	int copies[4];
	int error;

	/* Ours are ignored or caught, and blocked in threads; a program expects neither. */
	for (int number = 1; number < NSIG; number++) {
		signal(number, SIG_DFL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A terminal's interrupt is for us: we end our children in the order that is right. */
	setsid();
	if (!child->outlives_us) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) {
			_exit(127); /* it had died before */
		}
	}
	/* Out of the way of 0 to 3 first, which they may have. */
	for (int i = 0; i < 3; i++) {
		copies[i] = fcntl(files[i], F_DUPFD_CLOEXEC, 4);
	}
	copies[3] = fcntl(failure, F_DUPFD_CLOEXEC, 4);
	for (int i = 0; i < 3; i++) {
		dup2(copies[i], i);
	}
	dup3(copies[3], 3, O_CLOEXEC);
	close_range(4, UINT_MAX, 0);
	umask(022);
	execv(program, child->argv);
	error = errno;
	if (write(3, &error, sizeof(error)) < 0) {
		_exit(126);
	}
	_exit(127);
}

/* Waits until the new process has become the program. Returns 0 or what execv() said. */
static int wait_for_exec(int fd)
{
	int error = 0;
	ssize_t n;

	do {
		n = read(fd, &error, sizeof(error));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(error) ? -error : 0;
}

static int open_output(const struct child *child)
{
	int fd;

	if (child->log_file == NULL) {
		return STDERR_FILENO;
	}
	fd = open(child->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	return fd < 0 ? error_origin(-errno) : fd;
}

static int fork_program(struct child *child, const char *program, int null, int output)
{
	const int files[3] = { null, child->log_file != NULL ? output : STDOUT_FILENO, output };
	_cleanup_close_ int reads = -1;
	_cleanup_close_ int writes = -1;
	pid_t parent = getpid();
	int ends[2];
	int result;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return error_origin(-errno);
	}
	reads = ends[0];
	writes = ends[1];
	child->pid = fork();
	if (child->pid == 0) {
		become(child, program, files, writes, parent);
	}
	if (child->pid < 0) {
		return error_origin(-errno);
	}
	close(writes);
	writes = -1;
	result = wait_for_exec(reads);
	if (result < 0) {
		waitpid(child->pid, NULL, 0);
		return error_origin(result);
	}
	return 0;
}

static int start(struct child *child)
{
	_cleanup_free_ char *program = child_find_program(child->argv[0]);
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	_cleanup_close_ int to_close = -1;
	int output;
	int result;

	if (program == NULL) {
		return error_origin(-ENOENT);
	}
	output = open_output(child);
	if (output < 0) {
		return error_trace(output);
	}
	to_close = child->log_file != NULL ? output : -1;
	result = fork_program(child, program, null, output);
	if (result < 0) {
		return error_trace(result);
	}
	/* It is ours to reap, so its number is its own until then. */
	child->pidfd = pidfd_open(child->pid, 0);
	result = child->pidfd < 0 ? error_origin(-errno)
				  : loop_watch_new(child->loop, child->pidfd, LOOP_READ,
						   process_ended, child, &child->watch);
	if (result < 0) {
		kill(child->pid, SIGKILL);
		waitpid(child->pid, NULL, 0);
		return error_trace(result);
	}
	child->started_at = clock_monotonic(&clock_system);
	log_info(COMPONENT, "%s: started, process %d", child->name, (int)child->pid);
	return 0;
}

/* ---- ends ---- */

static void forget_process(struct child *child)
{
	child->watch = loop_watch_free(child->watch);
	file_close_pointer(&child->pidfd);
	child->pidfd = -1;
	child->pid = 0;
}

static void destroy(struct child *child)
{
	forget_process(child);
	loop_timer_free(child->timer);
	for (char **word = child->argv; *word != NULL; word++) {
		mem_free(*word);
	}
	mem_free(child->argv);
	mem_free(child->name);
	mem_free(child->log_file);
	mem_free(child);
}

static void say_end(const struct child *child, int status)
{
	_cleanup_free_ char *next = NULL;

	if (child->state == CHILD_STOPPING) {
		log_info(COMPONENT, "%s: stopped", child->name);
		return;
	}
	next = mem_printf("starting it again in %llu ms",
			  (unsigned long long)(child->delay / NS_PER_MS));
	if (WIFSIGNALED(status)) {
		log_warning(COMPONENT, "%s: killed by signal %d; %s", child->name, WTERMSIG(status),
			    next);
	} else {
		log_warning(COMPONENT, "%s: ended with status %d; %s", child->name,
			    WEXITSTATUS(status), next);
	}
}

/* Sets the timer for the next start, and makes the delay after that one longer. */
static void wait_for_next(struct child *child)
{
	child->state = CHILD_WAITING;
	loop_timer_set(child->timer, child->delay);
	child->delay = child->delay * 2 < LONGEST_DELAY ? child->delay * 2 : LONGEST_DELAY;
}

static void stop_is_complete(struct child *child)
{
	void (*stopped)(void *userdata) = child->stopped;
	void *userdata = child->stopped_userdata;

	destroy(child);
	if (stopped != NULL) {
		stopped(userdata);
	}
}

static void process_ended(void *userdata, unsigned events)
{
	struct child *child = userdata;
	int status = 0;

	if (child->state == CHILD_NEW) {
		/* Its start is told first; the descriptor stays readable. */
		loop_timer_stop(child->timer);
		timer_fired(child);
		return;
	}
	if (waitpid(child->pid, &status, WNOHANG) == 0) {
		return;
	}
	if (clock_monotonic(&clock_system) - child->started_at >= STEADY) {
		child->delay = FIRST_DELAY;
	}
	say_end(child, status);
	forget_process(child);
	if (child->state == CHILD_STOPPING) {
		if (child->ended != NULL) {
			child->ended(child->userdata, status);
		}
		stop_is_complete(child);
		return;
	}
	wait_for_next(child);
	if (child->ended != NULL) {
		child->ended(child->userdata, status);
	}
}

static void start_again(struct child *child)
{
	int result = start(child);

	if (result < 0) {
		log_warning(COMPONENT, "%s: cannot start %s: %s; trying again in %llu ms",
			    child->name, child->argv[0], strerror(-result),
			    (unsigned long long)(child->delay / NS_PER_MS));
		wait_for_next(child);
		return;
	}
	child->state = CHILD_RUNNING;
	if (child->started != NULL) {
		child->started(child->userdata, child->pid);
	}
}

static void timer_fired(void *userdata)
{
	struct child *child = userdata;

	switch (child->state) {
	case CHILD_NEW:
		child->state = CHILD_RUNNING;
		if (child->started != NULL) {
			child->started(child->userdata, child->pid);
		}
		break;
	case CHILD_RUNNING:
		break;
	case CHILD_WAITING:
		start_again(child);
		break;
	case CHILD_STOPPING:
		log_warning(COMPONENT, "%s: does not end, so it is killed", child->name);
		pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
		break;
	case CHILD_STOPPED:
		stop_is_complete(child);
		break;
	}
}

/* ---- the interface ---- */

int child_start(struct loop *loop, const struct child_config *config, struct child **ret)
{
	struct child *child = MEM_NEW(struct child);
	size_t n = 0;
	int result;

	while (config->argv[n] != NULL) {
		n++;
	}
	child->loop = loop;
	child->timer = loop_timer_new(loop, timer_fired, child);
	child->pidfd = -1;
	child->delay = FIRST_DELAY;
	child->name = mem_strdup(config->name);
	child->argv = mem_alloc_array(n + 1, sizeof(child->argv[0]));
	for (size_t i = 0; i < n; i++) {
		child->argv[i] = mem_strdup(config->argv[i]);
	}
	child->log_file = mem_strdup(config->log_file);
	child->outlives_us = config->outlives_us;
	child->ended = config->ended;
	child->started = config->started;
	child->userdata = config->userdata;
	result = start(child);
	if (result < 0) {
		destroy(child);
		return error_trace(result);
	}
	child->state = CHILD_NEW;
	loop_timer_set(child->timer, 0);
	*ret = child;
	return 0;
}

void child_stop(struct child *child, uint64_t grace, void (*done)(void *userdata), void *userdata)
{
	child->stopped = done;
	child->stopped_userdata = userdata;
	if (child->pidfd < 0) {
		child->state = CHILD_STOPPED;
		loop_timer_set(child->timer, 0);
		return;
	}
	child->state = CHILD_STOPPING;
	pidfd_send_signal(child->pidfd, SIGTERM, NULL, 0);
	loop_timer_set(child->timer, grace);
}

struct child *child_free(struct child *child, uint64_t grace)
{
	if (child == NULL) {
		return NULL;
	}
	if (child->pidfd >= 0) {
		struct pollfd waits = { .fd = child->pidfd, .events = POLLIN };
		uint64_t ms = grace / NS_PER_MS;

		pidfd_send_signal(child->pidfd, SIGTERM, NULL, 0);
		if (poll(&waits, 1, ms < INT_MAX ? (int)ms : INT_MAX) <= 0) {
			pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
		}
		waitpid(child->pid, NULL, 0);
	}
	destroy(child);
	return NULL;
}
