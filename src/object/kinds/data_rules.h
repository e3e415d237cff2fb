/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What config maps and secrets have in common: named data of bounded size that may be frozen. */

#include <stddef.h>

#include <jansson.h>

#include "object/field_errors.h"

/* Refuses a key of map `name` that cannot be a file name. */
void data_check_key(const char *name, const char *key, struct field_errors *errors);

/* The number of bytes that a base64 text stands for. */
size_t data_bytes(const json_t *base64);

/* Refuses more than LIMIT_DATA bytes. */
void data_check_size(const char *path, size_t size, struct field_errors *errors);

/* Once `old` is immutable, neither that nor the fields of `frozen` (NULL at the end) may change. */
void data_check_immutable(const json_t *object, const json_t *old, const char *const *frozen,
			  struct field_errors *errors);
