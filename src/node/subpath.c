/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of volumes. What is in a volume was written by containers, and may be written by them right
 * now: a symbolic link in it can point anywhere, and a directory can become one between a look and
 * a mount (CVE-2017-1002101, CVE-2021-25741). So a path below a volume is resolved by the kernel
 * with RESOLVE_BENEATH and from then on named by its descriptor alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "node/pod_config_intern.h"

/* openat2(2): a descriptor, or -errno (-EXDEV: the way leads out of the volume). */
static int open_beneath(int root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do {
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : (int)fd;
}

/* Makes the directory `name` in `parent` unless there is something of that name. */
static int make_one(int root, const char *parent, const char *name, mode_t mode)
{
	int above _cleanup_close_ = open_beneath(root, parent[0] != '\0' ? parent : ".");
	int made _cleanup_close_ = -1;

	if (above < 0) {
		return above;
	}
	if (mkdirat(above, name, mode & 0777) < 0) {
		return errno == EEXIST ? 0 : -errno;
	}
	made = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return made < 0 || fchmod(made, mode) < 0 ? -errno : 0;
}

/* Makes the directories of `path` that are missing, with the volume's own mode. */
static int make_beneath(int root, const char *path)
{
	struct str rest = str_from(path);
	struct stat of_volume;

	if (fstat(root, &of_volume) < 0) {
		return error_origin(-errno);
	}
	while (rest.p != NULL) {
		char *parent _cleanup_free_ =
			str_dup((struct str){ .p = path, .n = (size_t)(rest.p - path) });
		char *name _cleanup_free_ = str_dup(str_cut(&rest, '/'));
		int r = name[0] == '\0' ? 0
					: make_one(root, parent, name, of_volume.st_mode & 07777);

		if (r < 0) {
			return r;
		}
	}
	return 0;
}

int subpath_open(const char *volume, const char *path, bool make)
{
	int root _cleanup_close_ = open(volume, O_PATH | O_CLOEXEC);

	if (root < 0) {
		return -errno;
	}
	int fd = open_beneath(root, path[0] != '\0' ? path : ".");

	if (fd == -ENOENT && make) {
		int r = make_beneath(root, path);

		if (r < 0) {
			return r;
		}
		fd = open_beneath(root, path);
	}
	return fd;
}

/* ---- the mount ---- */

/* A file or directory at `target`, as `fd` is one, with nothing mounted on it. */
static int prepare_target(int fd, const char *target)
{
	char *parent _cleanup_free_ =
		str_dup((struct str){ .p = target, .n = (size_t)(strrchr(target, '/') - target) });
	int file _cleanup_close_ = -1;
	struct stat wanted;
	int r = file_make_directory(parent, 0750);

	if (r < 0) {
		return error_trace(r);
	}
	while (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
	}
	if (fstat(fd, &wanted) < 0) {
		return error_origin(-errno);
	}
	if (rmdir(target) < 0 && errno == ENOTDIR) {
		unlink(target);
	}
	if (S_ISDIR(wanted.st_mode)) {
		return mkdir(target, 0750) < 0 ? error_origin(-errno) : 0;
	}
	file = open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	return file < 0 ? error_origin(-errno) : 0;
}

int subpath_mount(const char *volume, const char *path, const char *target)
{
	int fd _cleanup_close_ = subpath_open(volume, path, /* make= */ true);
	char source[64];
	int r;

	if (fd < 0) {
		return error_trace(fd);
	}
	r = prepare_target(fd, target);
	if (r < 0) {
		return error_trace(r);
	}
	snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
	return mount(source, target, NULL, MS_BIND, NULL) < 0 ? error_origin(-errno) : 0;
}
