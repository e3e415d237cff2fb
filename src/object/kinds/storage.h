/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What claims and volumes share. */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "object/field_errors.h"

/* "RWO,RWX" of an array of access modes. */
json_t *storage_modes_cell(const json_t *modes);

/* status.phase, or Terminating; the class of attributes; the volume mode. */
json_t *storage_phase_cell(const json_t *object, int64_t now);
json_t *storage_attributes_cell(const json_t *object, int64_t now);
json_t *storage_mode_cell(const json_t *object, int64_t now);

/* Puts a finalizer on a new object, unless it has it. */
void storage_add_finalizer(json_t *object, const char *finalizer);

/* Refuses a missing amount, or one that is not above zero. */
void storage_check_amount(const json_t *amount, const char *path, struct field_errors *errors);

/* Refuses other access modes beside ReadWriteOncePod. */
void storage_check_exclusive(const json_t *spec, struct field_errors *errors);

/* Both are there, and `a` is the smaller amount. */
bool storage_is_less(const json_t *a, const json_t *b);
