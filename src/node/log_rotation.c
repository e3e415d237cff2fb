/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log that has been put aside is still written to until the runtime has begun the new one. If it
 * refuses (its container has just ended), the log is put back, so that it is found where it is
 * looked for. If we are killed in between, there is a log put aside and none in its place: then
 * the runtime is asked again.
 *
 * Names put aside sort by age. Nothing is remembered but calls under way.
 */
#include "node/log_rotation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "node/runtime.h"
#include "node/timetable.h"

#define COMPONENT "logs"

/* Both as kubelet's. */
static const uint64_t look_ns = 10 * NS_PER_S;
static const uint64_t call_ns = 120 * NS_PER_S;

struct log_rotation {
	struct log_rotation_config config;
	struct alarm alarm;
	struct list calls;
	bool ended; /* freed when the last call has come back */
};

struct reopening {
	struct list link;
	struct log_rotation *rotation;
	char *container;
	char *path;
	char *aside; /* NULL: it was put aside before */
};

/* ---- directories ---- */

/* The directory of a log, and its name there; NULL: there is none. */
static DIR *open_directory(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *directory = NULL;

	if (slash == NULL) {
		return NULL;
	}
	directory = str_dup((struct str){ .p = path, .n = (size_t)(slash - path) });
	*ret_name = slash + 1;
	return opendir(directory);
}

static bool is_aside(const char *name, const char *log)
{
	size_t n = strlen(log);

	return strncmp(name, log, n) == 0 && name[n] == '.';
}

/* How many of a log have been put aside, and the oldest. */
static size_t count_aside(const char *path, char ret_oldest[NAME_MAX + 1])
{
	const char *name = "";
	DIR *directory = open_directory(path, &name);
	const struct dirent *entry;
	size_t n = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (is_aside(entry->d_name, name) &&
		    (n++ == 0 || strcmp(entry->d_name, ret_oldest) < 0)) {
			snprintf(ret_oldest, NAME_MAX + 1, "%s", entry->d_name);
		}
	}
	if (directory != NULL) {
		closedir(directory);
	}
	return n;
}

/* Removes the oldest until there are `most`. */
static void thin_out(const char *path, size_t most)
{
	char oldest[NAME_MAX + 1] = "";
	size_t n = count_aside(path, oldest);

	while (n > most) {
		_cleanup_free_ char *gone =
			mem_printf("%.*s%s", (int)(strrchr(path, '/') + 1 - path), path, oldest);

		if (unlink(gone) < 0) {
			log_warning(COMPONENT, "cannot remove %s: %s", gone, strerror(errno));
			return;
		}
		n = count_aside(path, oldest);
	}
}

/* Of which life a log is: "N.log" and "N.log.TIME". */
static bool attempt_of(const char *name, uint64_t *ret)
{
	struct str rest = str_from(name);
	struct str number = str_cut(&rest, '.');
	struct str word = str_cut(&rest, '.');

	return str_is(word, "log") && str_to_u64(number, UINT32_MAX, ret);
}

void log_rotation_prune(const char *path, uint32_t oldest)
{
	const char *name;
	DIR *directory = open_directory(path, &name);
	const struct dirent *entry;
	uint64_t attempt;

	if (directory == NULL) {
		return;
	}
	while ((entry = readdir(directory)) != NULL) {
		if (attempt_of(entry->d_name, &attempt) && attempt < oldest) {
			(void)unlinkat(dirfd(directory), entry->d_name, 0);
		}
	}
	closedir(directory);
}

/* ---- the runtime ---- */

static bool is_under_way(const struct log_rotation *rotation, const char *container)
{
	list_for_each (call, &rotation->calls, struct reopening, link) {
		if (strcmp(call->container, container) == 0) {
			return true;
		}
	}
	return false;
}

static void reopened(void *userdata, const struct grpc_outcome *outcome,
		     const ProtobufCMessage *answer)
{
	struct reopening *call = userdata;
	struct log_rotation *rotation = call->rotation;

	if (outcome->code != GRPC_OK && call->aside != NULL) {
		log_warning(COMPONENT, "the runtime begins no new %s: %s", call->path,
			    outcome->message);
		/* It may have done so all the same. */
		(void)renameat2(AT_FDCWD, call->aside, AT_FDCWD, call->path, RENAME_NOREPLACE);
	}
	list_unlink(&call->link);
	mem_free(call->container);
	mem_free(call->path);
	mem_free(call->aside);
	mem_free(call);
	if (rotation->ended && list_is_empty(&rotation->calls)) {
		mem_free(rotation);
	}
}

/* Takes `aside`. */
static void reopen(struct log_rotation *rotation, const char *container, const char *path,
		   char *aside)
{
	Runtime__V1__ReopenContainerLogRequest request =
		RUNTIME__V1__REOPEN_CONTAINER_LOG_REQUEST__INIT;
	struct reopening *call = MEM_NEW(struct reopening);

	call->rotation = rotation;
	call->container = mem_strdup(container);
	call->path = mem_strdup(path);
	call->aside = aside;
	list_init(&call->link);
	list_append(&rotation->calls, &call->link);
	request.container_id = call->container;
	runtime_call(rotation->config.runtime, RUNTIME_REOPEN_CONTAINER_LOG, &request.base, call_ns,
		     reopened, call);
}

/* ---- looking ---- */

static char *name_aside(const struct log_rotation *rotation, const char *path)
{
	time_t now = (time_t)(clock_wall(rotation->config.clock) / (int64_t)NS_PER_S);
	char stamp[32];
	struct tm parts;

	(void)gmtime_r(&now, &parts);
	(void)strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &parts);
	return mem_printf("%s.%s", path, stamp);
}

static void rotate(struct log_rotation *rotation, const char *container, const char *path)
{
	_cleanup_free_ char *aside = name_aside(rotation, path);

	if (renameat2(AT_FDCWD, path, AT_FDCWD, aside, RENAME_NOREPLACE) < 0) {
		log_warning(COMPONENT, "cannot put %s aside: %s", path, strerror(errno));
		return;
	}
	/* With the one that begins now. */
	thin_out(path, LIMIT_CONTAINER_LOG_FILES - 1);
	reopen(rotation, container, path, take(aside));
}

void log_rotation_look(struct log_rotation *rotation, const char *container, const char *path)
{
	char oldest[NAME_MAX + 1];
	struct stat info;

	if (is_under_way(rotation, container)) {
		return;
	}
	if (lstat(path, &info) < 0) {
		if (errno == ENOENT && count_aside(path, oldest) > 0) {
			reopen(rotation, container, path, NULL);
		}
	} else if (S_ISREG(info.st_mode) && info.st_size >= LIMIT_CONTAINER_LOG) {
		rotate(rotation, container, path);
	}
}

static void alarm_rings(void *userdata)
{
	struct log_rotation *rotation = userdata;

	if (rotation->config.visit(rotation->config.userdata, rotation)) {
		alarm_set(&rotation->alarm, look_ns);
	}
}

void log_rotation_begin(struct log_rotation *rotation)
{
	if (!alarm_is_set(&rotation->alarm)) {
		alarm_set(&rotation->alarm, look_ns);
	}
}

struct log_rotation *log_rotation_new(const struct log_rotation_config *config)
{
	struct log_rotation *rotation = MEM_NEW(struct log_rotation);

	rotation->config = *config;
	list_init(&rotation->calls);
	alarm_init(&rotation->alarm, config->timetable, alarm_rings, rotation);
	return rotation;
}

struct log_rotation *log_rotation_free(struct log_rotation *rotation)
{
	if (rotation == NULL) {
		return NULL;
	}
	alarm_stop(&rotation->alarm);
	rotation->ended = true;
	if (list_is_empty(&rotation->calls)) {
		mem_free(rotation);
	}
	return NULL;
}
