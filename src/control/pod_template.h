/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pod templates: what makes a pod of one, and the hash that names its revision. Pure.
 */

#include <stdint.h>

#include <jansson.h>

#include "object/object.h"

enum { TEMPLATE_HASH_TEXT = 11 };

/*
 * A hash of `value` that does not depend on the order of keys, as text that cannot spell words (the
 * alphabet of generated names). `collisions` > 0 gives another hash for the same value.
 */
void template_hash(const json_t *value, int64_t collisions, char ret_text[TEMPLATE_HASH_TEXT]);

/*
 * A pod of `template` controlled by `owner`, in its namespace: the template's labels, annotations,
 * finalizers and spec, generateName "OWNER-". New reference; a name is for the caller to give.
 */
json_t *template_pod(struct object *owner, const json_t *template);
