/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that change all at once. They are in a directory of their own, "..TIME"; "..data" links to
 * it, and what the container sees are links through "..data":
 *
 *     ca.crt -> ..data/ca.crt      ..data -> ..2026_01_02_15_04_05.123456789
 *
 * A new set is a new directory and one rename of the link. Programs that watch for that (and many
 * do) know this layout from kubelets.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"
#include "node/volumes_intern.h"

#define DATA "..data"
#define DATA_NEW "..data_tmp"

/* ---- the set ---- */

void volume_files_init(struct map *files)
{
	map_init(files, LIMIT_VOLUME_FILES);
}

static void free_file(void *value)
{
	struct volume_file *file = value;

	buffer_deinit(&file->bytes);
	mem_free(file);
}

void volume_files_deinit(struct map *files)
{
	map_deinit(files, free_file);
}

static bool is_path(const char *path)
{
	struct str rest = str_from(path);

	if (path[0] == '\0' || path[0] == '/' || strncmp(path, "..", 2) == 0 ||
	    strlen(path) >= LIMIT_VOLUME_PATH) {
		return false;
	}
	while (rest.p != NULL) {
		struct str part = str_cut(&rest, '/');

		if (part.n == 0 || str_is(part, "..") || str_is(part, ".")) {
			return false;
		}
	}
	return true;
}

bool volume_files_put(struct map *files, const char *path, struct str bytes, mode_t mode)
{
	struct volume_file *file;

	if (!is_path(path) || files->n == files->max) {
		return false;
	}
	file = MEM_NEW(struct volume_file);
	buffer_init(&file->bytes, LIMIT_OBJECT);
	buffer_append_str(&file->bytes, bytes);
	file->mode = mode & 0777;
	file->owner = 0;
	file = map_put(files, str_from(path), file);
	if (file != NULL) {
		free_file(file);
	}
	return true;
}

/* ---- what is there ---- */

static mode_t mode_of(const struct volume_file *file, int64_t group)
{
	/* Its group is to read what it was given for. */
	return group >= 0 ? file->mode | 0440 : file->mode;
}

static bool is_same_file(int root, const char *path, const struct volume_file *file, int64_t group)
{
	int fd _cleanup_close_ = openat(root, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char block[4096];
	struct stat status;
	size_t at = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    (size_t)status.st_size != file->bytes.n ||
	    (status.st_mode & 0777) != mode_of(file, group)) {
		return false;
	}
	while ((n = read(fd, block, sizeof(block))) > 0) {
		if (at + (size_t)n > file->bytes.n ||
		    memcmp(block, file->bytes.p + at, (size_t)n)) {
			return false;
		}
		at += (size_t)n;
	}
	return n == 0 && at == file->bytes.n;
}

/* How many files are below `fd` (taken), or -errno. */
static ssize_t count_files(int fd, unsigned depth)
{
	DIR *directory = fdopendir(fd);
	struct dirent *entry;
	ssize_t n = 0;

	if (directory == NULL) {
		n = -errno;
		close(fd);
		return n;
	}
	while ((entry = readdir(directory)) != NULL && n >= 0) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
			continue;
		}
		int below = openat(dirfd(directory), entry->d_name,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (below < 0) {
			n++;
			continue;
		}
		ssize_t more = depth == 0 ? -ELOOP : count_files(below, depth - 1);

		n = more < 0 ? more : n + more;
		if (depth == 0) {
			close(below);
		}
	}
	closedir(directory);
	return n;
}

static bool is_shown(int root, const struct map *files, int64_t group)
{
	int data = openat(root, DATA, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (data < 0) {
		return false;
	}
	map_for_each (entry, files) {
		if (!is_same_file(data, entry->key.p, entry->value, group)) {
			close(data);
			return false;
		}
	}
	return count_files(data, LIMIT_VOLUME_DEPTH) == (ssize_t)files->n;
}

/* ---- writing ---- */

static int make_directories(int root, const char *path, int64_t group)
{
	char *part _cleanup_free_ = mem_strdup(path);

	for (char *slash = strchr(part, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(root, part, 0755) < 0 && errno != EEXIST) {
			return error_origin(-errno);
		}
		if (group >= 0 && fchownat(root, part, (uid_t)-1, (gid_t)group, 0) < 0) {
			return error_origin(-errno);
		}
		*slash = '/';
	}
	return 0;
}

static int write_file(int root, const char *path, const struct volume_file *file, int64_t group)
{
	int fd _cleanup_close_ = -1;
	int r = make_directories(root, path, group);

	if (r < 0) {
		return r;
	}
	fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		return error_origin(-errno);
	}
	for (size_t at = 0; at < file->bytes.n;) {
		ssize_t n = write(fd, file->bytes.p + at, file->bytes.n - at);

		if (n < 0 && errno != EINTR) {
			return error_origin(-errno);
		}
		at += n > 0 ? (size_t)n : 0;
	}
	/* Owner first: who changes it loses bits of the mode. */
	if ((file->owner != 0 || group >= 0) &&
	    fchown(fd, file->owner, group >= 0 ? (gid_t)group : (gid_t)-1) < 0) {
		return error_origin(-errno);
	}
	return fchmod(fd, mode_of(file, group)) < 0 ? error_origin(-errno) : 0;
}

static void name_set(char *ret, size_t size)
{
	struct timespec now;
	struct tm parts;
	uint32_t word;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	random_bytes(&word, sizeof(word));
	snprintf(ret, size, "..%04d_%02d_%02d_%02d_%02d_%02d.%010u", parts.tm_year + 1900,
		 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, word);
}

static int write_set(int root, const char *name, const struct map *files, int64_t group)
{
	int set _cleanup_close_ = -1;

	if (mkdirat(root, name, 0755) < 0) {
		return error_origin(-errno);
	}
	set = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (set < 0 || fchmod(set, 0755) < 0) {
		return error_origin(-errno);
	}
	if (group >= 0 && fchown(set, (uid_t)-1, (gid_t)group) < 0) {
		return error_origin(-errno);
	}
	map_for_each (entry, files) {
		int r = write_file(set, entry->key.p, entry->value, group);

		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* ---- the links that containers see ---- */

static struct str top_of(struct str path)
{
	return str_cut(&path, '/');
}

static bool is_top(const struct map *files, const char *name)
{
	map_for_each (entry, files) {
		if (str_is(top_of(entry->key), name)) {
			return true;
		}
	}
	return false;
}

static int make_links(int root, const struct map *files)
{
	map_for_each (entry, files) {
		char *name _cleanup_free_ = str_dup(top_of(entry->key));
		char *target _cleanup_free_ = mem_printf(DATA "/%s", name);

		if (symlinkat(target, root, name) < 0 && errno != EEXIST) {
			return error_origin(-errno);
		}
	}
	return 0;
}

/* Old sets, and links to what is no more. */
static void remove_old(int root, const char *directory, const struct map *files, const char *set)
{
	int copy = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *open = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;

	while (open != NULL && (entry = readdir(open)) != NULL) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, DATA) == 0 ||
		    strcmp(name, set) == 0) {
			continue;
		}
		if (strncmp(name, "..", 2) == 0) {
			char *path _cleanup_free_ = mem_printf("%s/%s", directory, name);

			volume_remove_tree(path);
		} else if (!is_top(files, name)) {
			unlinkat(root, name, 0);
		}
	}
	if (open != NULL) {
		closedir(open);
	}
}

int volume_write(const char *directory, const struct map *files, int64_t group)
{
	int root _cleanup_close_ = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[64];
	int r;

	if (root < 0) {
		return error_origin(-errno);
	}
	if (is_shown(root, files, group)) {
		return error_trace(make_links(root, files));
	}
	name_set(name, sizeof(name));
	r = write_set(root, name, files, group);
	if (r < 0) {
		char *path _cleanup_free_ = mem_printf("%s/%s", directory, name);

		volume_remove_tree(path);
		return r;
	}
	unlinkat(root, DATA_NEW, 0);
	if (symlinkat(name, root, DATA_NEW) < 0 || renameat(root, DATA_NEW, root, DATA) < 0) {
		return error_origin(-errno);
	}
	r = make_links(root, files);
	remove_old(root, directory, files, name);
	return error_trace(r);
}
