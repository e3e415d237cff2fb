/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking away what a pod leaves. What is in its volumes was written by its containers, so every
 * step goes by descriptor and no link is followed; and a volume that is still mounted is never
 * walked into: what it shows is not the pod's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "node/volumes_intern.h"

/* ---- mounts ---- */

/* mountinfo writes spaces, tabs, line breaks and backslashes as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; to++) {
		if (from[0] == '\\' && from[1] != '\0' && from[2] != '\0' && from[3] != '\0') {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* The fifth word of a line of /proc/self/mountinfo, in place; NULL when there is none. */
static char *mount_point(char *line)
{
	char *rest = line;
	char *word = NULL;

	for (int i = 0; i < 5; i++) {
		word = strsep(&rest, " ");
	}
	if (word != NULL) {
		unescape(word);
	}
	return word;
}

/*
 * Unmounts what is at or below `directory`. Later mounts can be on top of earlier ones, so it goes
 * on until a look finds none.
 */
static int unmount_all(const char *directory)
{
	char real[PATH_MAX];
	bool again = true;

	if (realpath(directory, real) == NULL) {
		return errno == ENOENT ? 0 : error_origin(-errno);
	}
	size_t n = strlen(real);

	for (int round = 0; again && round < LIMIT_VOLUME_DEPTH; round++) {
		char *text _cleanup_free_ = NULL;
		size_t size;
		int r = file_read("/proc/self/mountinfo", LIMIT_MOUNTINFO, &text, &size);

		if (r < 0) {
			return error_trace(r);
		}
		again = false;
		for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
			const char *point = mount_point(line);

			if (point == NULL || strncmp(point, real, n) != 0 ||
			    (point[n] != '\0' && point[n] != '/')) {
				continue;
			}
			again = true;
			if (umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL) {
				return error_origin(-errno);
			}
		}
	}
	return again ? error_origin(-EBUSY) : 0;
}

/* ---- files ---- */

/*
 * Every level holds a descriptor, and a container may nest directories as deep as it likes: what is
 * deeper than LIMIT_VOLUME_DEPTH is moved up to the root and has its turn in another round.
 */
struct removal {
	int root;
	dev_t device;
	unsigned moved;
};

static int remove_below(struct removal *removal, int fd, unsigned depth);

static int move_up(struct removal *removal, int parent, const char *name)
{
	char *aside _cleanup_free_ = mem_printf("..deep-%u", removal->moved++);

	while (renameat2(parent, name, removal->root, aside, RENAME_NOREPLACE) < 0) {
		if (errno != EEXIST) {
			return -errno;
		}
		mem_free(aside);
		aside = mem_printf("..deep-%u", removal->moved++);
	}
	return 0;
}

static int remove_entry(struct removal *removal, int parent, const char *name, unsigned depth)
{
	struct stat status;
	int fd;

	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) {
		return 0;
	}
	if (errno != EISDIR && errno != EPERM) {
		return -errno;
	}
	if (depth == 0) {
		return move_up(removal, parent, name);
	}
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	if (fstat(fd, &status) < 0 || status.st_dev != removal->device) {
		/* Something is mounted there after all. */
		close(fd);
		return -EBUSY;
	}
	int r = remove_below(removal, fd, depth - 1);

	if (r == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		r = -errno;
	}
	return r;
}

/* Empties a directory; `fd` is taken. */
static int remove_below(struct removal *removal, int fd, unsigned depth)
{
	DIR *directory = fdopendir(fd);
	struct dirent *entry;
	int result = 0;

	if (directory == NULL) {
		close(fd);
		return -errno;
	}
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			int r = remove_entry(removal, dirfd(directory), entry->d_name, depth);

			result = result < 0 ? result : r;
		}
	}
	closedir(directory);
	return result;
}

static int empty(int root)
{
	struct removal removal = { .root = root };
	struct stat status;
	unsigned before;
	int r;

	if (fstat(root, &status) < 0) {
		return -errno;
	}
	removal.device = status.st_dev;
	do {
		int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		before = removal.moved;
		r = fd < 0 ? -errno : remove_below(&removal, fd, LIMIT_VOLUME_DEPTH);
	} while (r == 0 && removal.moved != before);
	return r;
}

int volume_remove_tree(const char *directory)
{
	int root _cleanup_close_ = -1;
	int r = unmount_all(directory);

	if (r < 0) {
		return r;
	}
	root = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0) {
		if (errno == ENOTDIR || errno == ELOOP) {
			return unlink(directory) < 0 ? error_origin(-errno) : 0;
		}
		return errno == ENOENT ? 0 : error_origin(-errno);
	}
	r = empty(root);
	if (r == 0 && rmdir(directory) < 0 && errno != ENOENT) {
		r = -errno;
	}
	return r < 0 ? error_origin(r) : 0;
}

/* ---- control groups ---- */

static void remove_group(const char *hierarchy, const struct node_config *node, const char *uid)
{
	static const char *const below[] = { "", "/burstable", "/besteffort" };

	for (size_t i = 0; i < ARRAY_SIZE(below); i++) {
		char *path _cleanup_free_ = mem_printf("/sys/fs/cgroup/%s%s%s/pod%s", hierarchy,
						       node->cgroup_parent, below[i], uid);

		/* One that still has processes stays; so does one that is not there. */
		rmdir(path);
	}
}

/* Version 2 has one hierarchy; version 1, also beside it, one in each directory. */
void volume_remove_cgroups(const struct node_config *node, const char *uid)
{
	DIR *directory = opendir("/sys/fs/cgroup");
	struct dirent *entry;

	remove_group("", node, uid);
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR) {
			remove_group(entry->d_name, node, uid);
		}
	}
	if (directory != NULL) {
		closedir(directory);
	}
}
