/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From what a client sent to what may be stored, and back: strict decoding, defaults, validation
 * and the encodings. All of it is driven by the schema's rows. Pure; any thread.
 */

#include <jansson.h>

#include "base/buffer.h"
#include "base/str.h"
#include "object/field_errors.h"
#include "object/schema.h"

/* The fields a body has that its kind does not: `unknown field "spec.x"`, `duplicate field "…"`. */
struct strict_report {
	char *items[LIMIT_FIELD_ERRORS];
	size_t n;
	size_t dropped;
};

void strict_report_deinit(struct strict_report *report);
#define _cleanup_strict_ __attribute__((cleanup(strict_report_deinit)))
void strict_report_add(struct strict_report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

enum {
	OBJECT_MALFORMED = 1, /* not JSON, or not an object; message says why (400) */
	OBJECT_WRONG_TYPE =
		2, /* a field has another type than the schema's; message names it (400) */
	OBJECT_WRONG_KIND = 3, /* apiVersion/kind are not those of `kind` (400) */
	OBJECT_TOO_LARGE = 4, /* deeper or larger than the limits (400) */
};

/*
 * Decodes a JSON body of `kind`. Unknown fields are dropped from the tree and listed in `report`,
 * duplicates are listed too (the caller decides by fieldValidation). Missing apiVersion and kind
 * are filled in. Returns 0 with a new reference, or an outcome with `message` set (tree untouched).
 */
int object_decode(const struct kind *kind, struct str body, struct strict_report *report,
		  struct buffer *message, json_t **ret);

/* The same for a tree that is already there (a patched object); changes it in place. */
int object_conform(const struct kind *kind, json_t *tree, struct strict_report *report,
		   struct buffer *message);

/*
 * The same for messages that are no kinds (DeleteOptions, Scale…): without looking at apiVersion
 * and kind.
 */
int object_decode_type(const struct type *type, struct str body, struct strict_report *report,
		       struct buffer *message, json_t **ret);
int object_conform_type(const struct type *type, json_t *tree, struct strict_report *report,
			struct buffer *message);

/* Puts every row default and type->complete() into `tree`. Idempotent. */
void object_default(const struct kind *kind, json_t *tree);

/*
 * Checks `tree` (decoded, defaulted) against row checks, type->check(), metadata rules (name,
 * labels, annotations, owner references, finalizers) and kind->check(); with `old` not NULL also
 * immutability, metadata that cannot change, and kind->check_update().
 */
void object_check(const struct kind *kind, const json_t *tree, const json_t *old,
		  struct field_errors *errors);

/* The row and type checks alone, for messages that are no kinds (DeleteOptions…). */
void object_check_type(const struct type *type, const json_t *tree, struct field_errors *errors);

/*
 * The Kubernetes protobuf encoding: "k8s\0" + runtime.Unknown{typeMeta=1, raw=2,
 * contentEncoding=3, contentType=4}. Decoding gives the JSON tree that object_conform() expects.
 * `kind` names the expected message; for requests that are not kinds (DeleteOptions…) use the _type
 * form with the message's type (object/meta.h), which takes any apiVersion and kind. Outcomes as in
 * object_decode(). Encoding expects a conformed tree; when it does not fit, `out` is overflowed.
 */
int protobuf_decode(const struct kind *kind, struct str body, struct buffer *message, json_t **ret);
void protobuf_encode(const struct kind *kind, const json_t *tree, struct buffer *out);
int protobuf_decode_type(const struct type *type, struct str body, struct buffer *message,
			 json_t **ret);
void protobuf_encode_type(const struct type *type, const char *api_version, const char *kind,
			  const json_t *tree, struct buffer *out);
/*
 * A list: {metadata, items} of `kind` ("PodList"). `items` are whole object trees.
 */
void protobuf_encode_list(const struct kind *kind, const json_t *list, struct buffer *out);

/*
 * One frame of a watch stream (application/vnd.kubernetes.protobuf;stream=watch): four bytes of
 * length, most significant first, then a bare WatchEvent without envelope. `type` is "ADDED"…;
 * `object` is what protobuf_encode() made, with its envelope.
 */
void protobuf_encode_watch_event(const char *type, struct str object, struct buffer *out);

/* Strategic merge patch over the schema (see json/patch.h); message = kind->type. */
struct strategic_schema;
extern const struct strategic_schema schema_strategic;
