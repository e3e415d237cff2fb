/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One volume made ready: its directory, its file system in memory, what the node has to have at a
 * path. Doing it again changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "node/volumes_intern.h"
#include "object/quantity.h"
#include "json/json.h"

int64_t volume_group(struct object *pod)
{
	return json_int_at(object_tree(pod), "spec.securityContext.fsGroup", -1);
}

static enum pod_config_outcome failed(char message[POD_CONFIG_MESSAGE],
				      const struct pod_volume *volume, int error)
{
	snprintf(message, POD_CONFIG_MESSAGE, "MountVolume.SetUp failed for volume \"%s\" : %s: %s",
		 volume->name, volume->path, strerror(-error));
	return POD_CONFIG_WAIT;
}

/* ---- directories of our own ---- */

static bool is_mount_point(const char *path)
{
	char *above _cleanup_free_ = mem_printf("%s/..", path);
	struct stat here;
	struct stat there;

	return stat(path, &here) == 0 && stat(above, &there) == 0 && here.st_dev != there.st_dev;
}

/* `size` 0: half of the machine's memory, which is the kernel's default. */
static int mount_memory(const char *path, int64_t size, const char *mode)
{
	char options[64];

	if (is_mount_point(path)) {
		return 0;
	}
	if (size > 0) {
		snprintf(options, sizeof(options), "mode=%s,size=%" PRId64, mode, size);
	} else {
		snprintf(options, sizeof(options), "mode=%s", mode);
	}
	return mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0 ? -errno : 0;
}

/* What group owns, it may write to, and so does what is made in it later. */
static int give_to_group(const char *path, int64_t group, mode_t mode)
{
	int fd _cleanup_close_ = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		return -errno;
	}
	if (group >= 0 && fchown(fd, (uid_t)-1, (gid_t)group) < 0) {
		return -errno;
	}
	return fchmod(fd, group >= 0 ? mode | 02070 : mode) < 0 ? -errno : 0;
}

static int set_up_empty(const struct pod_volume *volume, int64_t group)
{
	const char *medium = json_string_at(volume->source, "medium");
	int64_t size = quantity_milli(json_object_get(volume->source, "sizeLimit")) / 1000;
	int r = file_make_directory(volume->path, 0750);

	if (r == 0 && strcmp(medium, "Memory") == 0) {
		r = mount_memory(volume->path, size, "0777");
	}
	return r < 0 ? r : give_to_group(volume->path, group, 0777);
}

/*
 * What must not get onto a disk is kept in memory. Without root (in tests) there is no mounting.
 */
static int set_up_written(const struct pod_volume *volume)
{
	bool secret = volume->sort == POD_VOLUME_SECRET || volume->sort == POD_VOLUME_PROJECTED;
	int r = file_make_directory(volume->path, 0755);

	if (r == 0 && secret && geteuid() == 0) {
		r = mount_memory(volume->path, 0, "0755");
	}
	return r < 0 ? r : chmod(volume->path, 0755) < 0 ? -errno : 0;
}

/* ---- what the node has ---- */

static int make_file(const char *path)
{
	int fd _cleanup_close_ = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	return fd < 0 && errno != EISDIR ? -errno : 0;
}

static bool is_type(const char *type, const struct stat *status)
{
	static const struct {
		const char *type;
		mode_t mode;
	} types[] = {
		{ "Directory", S_IFDIR },   { "DirectoryOrCreate", S_IFDIR },
		{ "File", S_IFREG },        { "FileOrCreate", S_IFREG },
		{ "Socket", S_IFSOCK },     { "CharDevice", S_IFCHR },
		{ "BlockDevice", S_IFBLK },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(type, types[i].type) == 0) {
			return (status->st_mode & S_IFMT) == types[i].mode;
		}
	}
	return true;
}

static enum pod_config_outcome check_host(const char *path, const char *type,
					  const struct pod_volume *volume,
					  char message[POD_CONFIG_MESSAGE])
{
	struct stat status;
	int r = 0;

	if (type[0] == '\0') {
		return POD_CONFIG_FINE;
	}
	if (stat(path, &status) < 0) {
		if (strcmp(type, "DirectoryOrCreate") == 0) {
			r = file_make_directory(path, 0755);
		} else if (strcmp(type, "FileOrCreate") == 0) {
			r = make_file(path);
		}
		if (r < 0) {
			return failed(message, volume, r);
		}
	}
	if (stat(path, &status) < 0 || !is_type(type, &status)) {
		snprintf(message, POD_CONFIG_MESSAGE,
			 "MountVolume.SetUp failed for volume \"%s\" : hostPath type check failed: "
			 "%s is not a %s",
			 volume->name, path, type);
		return POD_CONFIG_WAIT;
	}
	return POD_CONFIG_FINE;
}

/* The directory of a claim is made where a pod first needs it, for any user. */
static enum pod_config_outcome set_up_claim(const struct pod_volume *volume, int64_t group,
					    char message[POD_CONFIG_MESSAGE])
{
	struct stat status;
	int r = 0;

	if (!volume->make) {
		return check_host(volume->path, volume->type, volume, message);
	}
	if (stat(volume->path, &status) < 0) {
		r = file_make_directory(volume->path, 0750);
		if (r == 0) {
			r = give_to_group(volume->path, group, 0777);
		}
	}
	return r < 0 ? failed(message, volume, r) : POD_CONFIG_FINE;
}

enum pod_config_outcome volume_setup(const struct pod_inputs *inputs,
				     const struct pod_volume *volume,
				     char message[POD_CONFIG_MESSAGE])
{
	int64_t group = volume_group(inputs->pod);
	int r;

	switch (volume->sort) {
	case POD_VOLUME_HOST:
		return check_host(volume->path, json_string_at(volume->source, "type"), volume,
				  message);
	case POD_VOLUME_CLAIM:
		return set_up_claim(volume, group, message);
	case POD_VOLUME_EMPTY:
		r = set_up_empty(volume, group);
		break;
	default:
		r = set_up_written(volume);
		break;
	}
	return r < 0 ? failed(message, volume, r) : POD_CONFIG_FINE;
}
