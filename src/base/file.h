/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whole files. */

#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"

/*
 * Reads all of `path`, at most `max` bytes, into a NUL-terminated heap text. Returns 0, or a
 * negative errno (-ENOENT, -EFBIG when it is larger).
 */
int file_read(const char *path, size_t max, char **ret_text, size_t *ret_n);

/*
 * Writes `path` in one stroke: to a new file beside it with `mode`, synced, renamed over it,
 * directory synced. Whoever looks sees the old file or the new one. Returns 0 or a negative errno.
 */
int file_write(const char *path, struct str content, mode_t mode);

/* Makes `path` and what is missing above it, with `mode`. Returns 0 or a negative errno. */
int file_make_directory(const char *path, mode_t mode);

/* Closes at the end of the scope; for `int fd = -1`. */
void file_close_pointer(int *fd);
#define _cleanup_close_ __attribute__((cleanup(file_close_pointer)))
