/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The form of an answer, negotiated by the Accept header: JSON or the Kubernetes protobuf encoding;
 * the object itself, a Table of its columns, or its metadata alone. Members that we do not know
 * (CBOR) are passed over.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/str.h"
#include "object/schema.h"

enum shape {
	SHAPE_OBJECT,
	SHAPE_TABLE,
	SHAPE_PARTIAL, /* PartialObjectMetadata, and ...List of a list */
};

enum {
	FORM_TABLES = 1 << 0, /* the shapes that the request allows beside the object */
	FORM_PARTIALS = 1 << 1,
};

enum include { INCLUDE_METADATA, INCLUDE_NONE, INCLUDE_OBJECT };

struct form {
	bool protobuf;
	enum shape shape;
	const char *version; /* of meta.k8s.io for tables and partials: "v1", "v1beta1" */
	enum include include; /* what a Table's row carries (query includeObject) */
	int64_t now; /* Unix seconds, for ages */
};

enum { FORM_NONE = 1 /* nothing that is acceptable can be had: 406 */ };

/* `accept` NULL or "": JSON. `allowed`: FORM_… bits. Returns 0 or FORM_NONE. */
int form_negotiate(const char *accept, unsigned allowed, struct form *ret);

/* What the Accept header of discovery asks for. */
enum { DISCOVERY_PLAIN, DISCOVERY_V2, DISCOVERY_V2BETA1 };
int form_negotiate_discovery(const char *accept);

/* "application/json" or "application/vnd.kubernetes.protobuf" */
const char *form_content_type(const struct form *form);

/* One object as an answer. `text`: its client text. */
void form_object(const struct form *form, const struct kind *kind, struct str text,
		 struct buffer *out);

/* The same for a tree that nobody stored (a Scale, a review). Always the object itself. */
void form_tree(const struct form *form, const struct kind *kind, const json_t *tree,
	       struct buffer *out);

/* A Status. */
void form_status(const struct form *form, const json_t *status, struct buffer *out);

/* ---- lists, item by item ---- */

struct list_meta {
	uint64_t revision;
	const char *more; /* the continue token; NULL: that was all */
	uint64_t remaining; /* items behind it; 0: not known */
};

struct list_writer {
	const struct form *form;
	const struct kind *kind;
	struct buffer *out;
	json_t *items; /* protobuf gathers trees */
	size_t n;
};

void list_begin(struct list_writer *writer, const struct form *form, const struct kind *kind,
		struct buffer *out);
void list_add(struct list_writer *writer, struct str text);
void list_end(struct list_writer *writer, const struct list_meta *meta);

/* ---- one event of a watch ---- */

/*
 * Appends a frame: type "ADDED"… and the object in this form. `first` is set for the first frame
 * and cleared: only the first Table has column definitions.
 */
void form_event(const struct form *form, const struct kind *kind, const char *type, struct str text,
		bool *first, struct buffer *out);

/* A bookmark at `revision`; `initial_end` marks the end of initial events. */
void form_bookmark(const struct form *form, const struct kind *kind, uint64_t revision,
		   bool initial_end, struct buffer *out);

/* An ERROR event with a Status. */
void form_error_event(const struct form *form, const json_t *status, struct buffer *out);
