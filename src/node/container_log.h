/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The log of one container, as the runtime writes it: lines "TIME stream TAG text", where TAG is F
 * for a whole line and P for a part of a long one. Reads the file on demand, a block at a time, and
 * never waits; a file that has been rotated away is read to its end before the new one. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct container_log;

struct container_log_line {
	struct str time; /* RFC 3339 */
	struct str text;
	bool whole; /* a line ends here */
};

/* Takes a line (without its line end) apart. False: it is none. Pure. */
bool container_log_parse(struct str line, struct container_log_line *ret);

struct container_log_options {
	int64_t tail; /* lines of the end; < 0: all */
	int64_t since; /* nothing before, ns since 1970; 0: all */
	int64_t limit; /* bytes; < 0: no limit */
	bool timestamps;
};

/* Opens `path`. Returns 0 or -errno. */
int container_log_open(const char *path, const struct container_log_options *options,
		       struct container_log **ret);
struct container_log *container_log_free(struct container_log *log); /* NULL is fine */

/*
 * Fills up to `size` (≥ 4096) bytes. Returns how many (0: there is no more at the moment), or
 * CONTAINER_LOG_FULL: the limit is reached, or CONTAINER_LOG_BROKEN.
 */
enum { CONTAINER_LOG_FULL = -1, CONTAINER_LOG_BROKEN = -2 };
int64_t container_log_read(struct container_log *log, char *out, size_t size);
