/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Logs of containers that have grown beyond LIMIT_CONTAINER_LOG are put aside, as a kubelet does:
 * DIRECTORY/N.log becomes N.log.20260102-030405 (UTC), the runtime is told to begin a new N.log,
 * and of all of them LIMIT_CONTAINER_LOG_FILES are kept. Looks every ten seconds while somebody
 * may run, and not otherwise. Loop's thread.
 */

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct log_rotation;
struct runtime;
struct timetable;

struct log_rotation_config {
	/* All borrowed, outlives it; the runtime may still answer later. */
	struct timetable *timetable;
	const struct clock *clock;
	struct runtime *runtime;
	/* Calls log_rotation_look() and _prune() for logs that matter; false: no pod may run. */
	bool (*visit)(void *userdata, struct log_rotation *rotation);
	void *userdata;
};

struct log_rotation *log_rotation_new(const struct log_rotation_config *config);
struct log_rotation *log_rotation_free(struct log_rotation *rotation); /* NULL is fine */

/* Somebody may run from now on. */
void log_rotation_begin(struct log_rotation *rotation);

/* While visiting: the log at `path` of a running container. */
void log_rotation_look(struct log_rotation *rotation, const char *container, const char *path);

/* Beside the log at `path`, removes what earlier lives of its container than `oldest` have left. */
void log_rotation_prune(const char *path, uint32_t oldest);
