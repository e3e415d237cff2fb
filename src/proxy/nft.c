/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text lies in memory that looks like a file (memfd), so a transaction of any size is handed
 * over without waiting for its reader. The end is seen by a pidfd; what nft had to say is read from
 * a pipe, of which the first line counts.
 */
#include "proxy/nft.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "loop/loop.h"

struct nft {
	struct loop *loop;
	void (*done)(void *userdata, const char *error);
	void *userdata;
	pid_t pid; /* 0: nothing runs */
	int end; /* pidfd */
	int said; /* what it says */
	struct loop_watch *end_watch;
	struct loop_watch *said_watch;
	struct buffer text;
};

extern char **environ;

struct nft *nft_new(struct loop *loop, void (*done)(void *userdata, const char *error),
		    void *userdata)
{
	struct nft *nft = MEM_NEW(struct nft);

	nft->loop = loop;
	nft->done = done;
	nft->userdata = userdata;
	nft->end = nft->said = -1;
	buffer_init(&nft->text, LIMIT_PROXY_ERROR);
	return nft;
}

static void forget(struct nft *nft)
{
	nft->end_watch = loop_watch_free(nft->end_watch);
	nft->said_watch = loop_watch_free(nft->said_watch);
	file_close_pointer(&nft->end);
	file_close_pointer(&nft->said);
	nft->end = nft->said = -1;
	nft->pid = 0;
}

struct nft *nft_free(struct nft *nft)
{
	if (nft != NULL) {
		if (nft->pid != 0) {
			(void)waitpid(nft->pid, NULL, 0);
		}
		forget(nft);
		buffer_deinit(&nft->text);
		mem_free(nft);
	}
	return NULL;
}

static void read_said(void *userdata, unsigned events)
{
	struct nft *nft = userdata;
	char bytes[1024];
	ssize_t n;

	while ((n = read(nft->said, bytes, sizeof(bytes))) > 0) {
		/* More than fits is read and dropped. */
		buffer_append(&nft->text, bytes, (size_t)n);
	}
	if (n == 0) {
		nft->said_watch = loop_watch_free(nft->said_watch);
	}
}

static const char *describe(struct nft *nft, int status)
{
	char *line = (char *)buffer_text(&nft->text);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	if (nft->text.n == 0) {
		buffer_printf(&nft->text, "nft ended with status %d",
			      WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
		return buffer_text(&nft->text);
	}
	return line;
}

static void ended(void *userdata, unsigned events)
{
	struct nft *nft = userdata;
	int status = 0;

	if (waitpid(nft->pid, &status, WNOHANG) != nft->pid) {
		return;
	}
	read_said(nft, 0);
	forget(nft);
	nft->done(nft->userdata, describe(nft, status));
}

static int text_file(struct str text, int *ret)
{
	_cleanup_close_ int fd = memfd_create("nft", MFD_CLOEXEC);
	size_t at = 0;

	if (fd < 0) {
		return error_origin(-errno);
	}
	while (at < text.n) {
		ssize_t n = write(fd, text.p + at, text.n - at);

		if (n < 0 && errno != EINTR) {
			return error_origin(-errno);
		}
		at += n > 0 ? (size_t)n : 0;
	}
	if (lseek(fd, 0, SEEK_SET) < 0) {
		return error_origin(-errno);
	}
	*ret = fd;
	fd = -1;
	return 0;
}

static int spawn(int input, int output, pid_t *ret_pid)
{
	/* Where Debian has it; a root without sbin in its PATH is not uncommon. */
	static const char *const places[] = { "nft", "/usr/sbin/nft" };
	char *argv[] = { "nft", "-f", "-", NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error = ENOENT;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	for (size_t i = 0; i < ARRAY_SIZE(places) && error == ENOENT; i++) {
		error = posix_spawnp(ret_pid, places[i], &actions, &attributes, argv, environ);
	}
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error_origin(-error);
}

int nft_run(struct nft *nft, struct str text)
{
	_cleanup_close_ int input = -1;
	_cleanup_close_ int output = -1;
	int said[2];
	int result = text_file(text, &input);

	if (result < 0) {
		return error_trace(result);
	}
	if (pipe2(said, O_CLOEXEC | O_NONBLOCK) < 0) {
		return error_origin(-errno);
	}
	nft->said = said[0];
	output = said[1];
	buffer_clear(&nft->text);
	nft->text.overflowed = false;
	if ((result = spawn(input, output, &nft->pid)) < 0) {
		nft->pid = 0;
		forget(nft);
		return error_trace(result);
	}
	nft->end = pidfd_open(nft->pid, 0);
	if (nft->end < 0 ||
	    loop_watch_new(nft->loop, nft->end, LOOP_READ, ended, nft, &nft->end_watch) < 0 ||
	    loop_watch_new(nft->loop, nft->said, LOOP_READ, read_said, nft, &nft->said_watch) < 0) {
		(void)waitpid(nft->pid, NULL, 0);
		forget(nft);
		return error_origin(-EMFILE);
	}
	return 0;
}
