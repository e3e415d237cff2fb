/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON text <-> tree (jansson's json_t). Knows no Kubernetes. Trees are owned by reference counts:
 * "new reference" in a comment means the caller owes a json_decref. Any thread, one tree a thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/str.h"

enum {
	JSON_SYNTAX = 1, /* not JSON; ret_error->message and ->offset say where */
	JSON_TOO_DEEP = 2, /* nested deeper than LIMIT_JSON_DEPTH */
};

struct json_read_error {
	char message[160]; /* "expected ',' or '}' at line 3, column 7" */
	size_t offset;
};

/* Called for every key that stands twice in one object; the last one wins in the tree. */
struct json_duplicates {
	/* `path` is the duplicate's path: "spec.ports[0].port". Valid during the call. */
	void (*found)(struct json_duplicates *self, const char *path);
};

/*
 * Reads one JSON value (and nothing behind it but white space). `duplicates` may be NULL. Returns 0
 * with a new reference, JSON_SYNTAX or JSON_TOO_DEEP with *ret_error filled and *ret untouched.
 * Numbers: integers in int64, everything else a double. Bytes that are not UTF-8 are JSON_SYNTAX.
 */
int json_read(struct str text, struct json_duplicates *duplicates, json_t **ret,
	      struct json_read_error *ret_error);

/* Appends the compact text of `value`, keys in the order they were set. */
void json_write(const json_t *value, struct buffer *out);

/* Appends `text` as a JSON string, quotes included. */
void json_write_string(struct str text, struct buffer *out);

/*
 * The value at a dotted path ("spec.template.metadata"; no arrays, no escapes), borrowed; NULL when
 * any step is missing or not an object.
 */
json_t *json_at(const json_t *value, const char *path);

/* The string at `path`, borrowed; "" when missing or not a string. */
const char *json_string_at(const json_t *value, const char *path);

/* The integer at `path`, or `otherwise`. */
int64_t json_int_at(const json_t *value, const char *path, int64_t otherwise);

/* The boolean at `path`, or `otherwise`. */
bool json_bool_at(const json_t *value, const char *path, bool otherwise);

/*
 * Puts `new_value` (reference stolen) at a dotted path, making objects on the way. What stands in
 * the way and is no object is replaced.
 */
void json_put(json_t *value, const char *path, json_t *new_value);

/* Removes what stands at a dotted path; nothing happens when there is nothing. */
void json_remove(json_t *value, const char *path);

/*
 * A deep copy (new reference) whose containers are all its own. Strings and numbers are shared with
 * `value`, which is safe because nothing changes a leaf in place.
 */
json_t *json_clone(const json_t *value);

/* json_object_get for a key that is not NUL-terminated. */
json_t *json_get(const json_t *object, struct str key);

static inline void json_unref(json_t *value)
{
	json_decref(value);
}
static inline void json_unref_pointer(json_t **value)
{
	json_decref(*value);
}
#define _cleanup_json_ __attribute__((cleanup(json_unref_pointer)))
