/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * YAML text -> tree (libyaml), as Kubernetes reads manifests: YAML 1.1 words for booleans and null
 * in plain scalars, numbers as numbers, everything else as text (a tag "!!str" before a plain
 * scalar is not heeded: quote it). Pure.
 */

#include <jansson.h>

#include "base/buffer.h"
#include "base/str.h"

enum {
	YAML_SYNTAX = 1, /* not YAML; message says where */
	YAML_LIMIT = 2, /* nested too deeply, or unfolds into too much (alias bombs) */
	YAML_UNSUPPORTED = 3, /* a key that is no scalar, a tag that is not JSON's */
};

/*
 * Reads one document (an empty one is null). Duplicate keys are YAML_SYNTAX. Returns 0 with a new
 * reference, or an outcome with `message` filled.
 */
int yaml_read(struct str text, struct buffer *message, json_t **ret);

/*
 * Reads the documents of a stream one after the other ("---" between them): calls `document` with
 * each that is not empty (reference borrowed), until it returns non-zero, which is then returned.
 */
int yaml_read_all(struct str text, struct buffer *message,
		  int (*document)(void *userdata, const json_t *tree), void *userdata);
