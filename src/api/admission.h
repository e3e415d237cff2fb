/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Admission: the rules that need more than the object itself — other objects, addresses, the clock
 * — and the metadata that only the server sets. Runs between decoding and the store for every
 * write.
 */

#include <jansson.h>

#include "api/write.h"

/*
 * A new object: its namespace, its metadata, defaults, checks, addresses. Returns NULL or a
 * refusal.
 */
json_t *admit_create(struct write *write, json_t *object);

/* The same for an object that was `old`. */
json_t *admit_update(struct write *write, json_t *object, const json_t *old);

/* May `old` be deleted at all? */
json_t *admit_delete(struct write *write, const json_t *old);

/* Nothing holds an object that is being deleted any more: no finalizer, no grace left. */
bool is_released(const struct kind *kind, const json_t *object);

/* RFC 3339 text of now, or of `seconds` later. */
json_t *timestamp_after(const struct api *api, int64_t seconds);
