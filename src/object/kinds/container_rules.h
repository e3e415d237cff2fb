/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Defaults and rules of the messages that containers are made of; each goes with its rows. */

#include <stddef.h>

#include <jansson.h>

#include "object/field_errors.h"

void container_complete(json_t *container);
void container_check(const json_t *container, const char *path, struct field_errors *errors);
void resource_requirements_check(const json_t *requirements, const char *path,
				 struct field_errors *errors);
void container_port_check(const json_t *port, const char *path, struct field_errors *errors);

/* "Always" for an image that may change under its name, else "IfNotPresent". */
const char *image_pull_policy(const char *image);

/*
 * Counts the members of `value` that are among `keys`. Without any, "Required value: `none`" at
 * `path`; each further one is forbidden with `many`.
 */
void check_exactly_one(const json_t *value, const char *const *keys, size_t n, const char *none,
		       const char *many, const char *path, struct field_errors *errors);
