/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"

void file_close_pointer(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
}

static int read_all(int fd, char *bytes, size_t n, size_t *ret_n)
{
	size_t used = 0;

	while (used < n) {
		ssize_t got = read(fd, bytes + used, n - used);

		if (got < 0 && errno != EINTR) {
			return -errno;
		}
		if (got == 0) {
			break;
		}
		used += got > 0 ? (size_t)got : 0;
	}
	*ret_n = used;
	return 0;
}

int file_read(const char *path, size_t max, char **ret_text, size_t *ret_n)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct stat info;
	size_t size;
	size_t n = 0;
	int result;

	if (fd < 0 || fstat(fd, &info) < 0) {
		return -errno;
	}
	/* Files of /proc and pipes say 0: then read up to the maximum. */
	size = info.st_size > 0 ? (size_t)info.st_size : max;
	if (size > max) {
		return -EFBIG;
	}
	text = mem_alloc(size + 1);
	result = read_all(fd, text, size, &n);
	if (result < 0) {
		return result;
	}
	*ret_text = take(text);
	if (ret_n != NULL) {
		*ret_n = n;
	}
	return 0;
}

static int write_all(int fd, struct str content)
{
	while (content.n != 0) {
		ssize_t written = write(fd, content.p, content.n);

		if (written < 0 && errno != EINTR) {
			return -errno;
		}
		content = str_skip(content, written > 0 ? (size_t)written : 0);
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int sync_directory_of(const char *path)
{
	_cleanup_free_ char *copy = mem_strdup(path);
	_cleanup_close_ int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int file_write(const char *path, struct str content, mode_t mode)
{
	char suffix[9];
	_cleanup_free_ char *aside = NULL;
	_cleanup_close_ int fd = -1;
	int result;

	random_name_suffix(suffix, sizeof(suffix) - 1);
	aside = mem_printf("%s.%s", path, suffix);
	/* O_EXCL: never through a link that somebody else has put there. */
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0) {
		return -errno;
	}
	result = write_all(fd, content);
	if (result == 0 && rename(aside, path) < 0) {
		result = -errno;
	}
	if (result < 0) {
		unlink(aside);
		return result;
	}
	return sync_directory_of(path);
}

int file_make_directory(const char *path, mode_t mode)
{
	_cleanup_free_ char *copy = mem_strdup(path);
	struct stat info;

	for (char *slash = copy + 1; *copy != '\0' && *slash != '\0'; slash++) {
		if (*slash == '/') {
			*slash = '\0';
			if (mkdir(copy, mode) < 0 && errno != EEXIST) {
				return -errno;
			}
			*slash = '/';
		}
	}
	if (mkdir(path, mode) < 0 && errno != EEXIST) {
		return -errno;
	}
	if (stat(path, &info) < 0) {
		return -errno;
	}
	return S_ISDIR(info.st_mode) ? 0 : -ENOTDIR;
}
