/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One write under way, whoever asked: kubectl over HTTP, or a controller in the process. A verb is
 * a pure function from the object that is there to the object that shall be there; the engine calls
 * it on the current state, stores the result on the condition that nobody wrote meanwhile, and
 * calls it again when somebody did.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "api/addresses.h"
#include "base/buffer.h"
#include "base/str.h"
#include "object/prepare.h"
#include "object/schema.h"

struct api;
struct write;

/* What of the object a write is about. */
enum part {
	PART_WHOLE,
	PART_STATUS,
	PART_SCALE,
	PART_BINDING,
	PART_EVICTION,
	PART_FINALIZE,
	PART_APPROVAL,
};

enum patch_format {
	PATCH_JSON, /* RFC 6902 */
	PATCH_MERGE, /* RFC 7386 */
	PATCH_STRATEGIC,
};

enum field_validation {
	VALIDATION_WARN,
	VALIDATION_STRICT,
	VALIDATION_IGNORE,
};

/*
 * The verb: sets *ret to the object that shall be there (new reference), or write->remove with *ret
 * its last state. `old` is what is there, with its resourceVersion; NULL: nothing. Returns NULL or
 * a refusal. May run several times for one write.
 */
typedef json_t *(*write_change_fn)(struct write *write, const json_t *old, json_t **ret);

/* Called once; `refusal` NULL: done. The write is the engine's and freed afterwards. */
typedef void (*write_done_fn)(struct write *write, const json_t *refusal);

struct write {
	struct api *api;
	const struct kind *kind;
	write_change_fn change;
	write_done_fn done;
	void *userdata;

	/* What was asked, set by the caller of write_new(). */
	enum part part;
	struct str space; /* owned; empty: cluster-scoped */
	struct str name; /* owned; a create may leave it empty */
	json_t *body; /* object, patch or DeleteOptions; owned; NULL: none */
	enum patch_format format;
	enum field_validation validation;
	bool dry_run;
	bool unchecked; /* bootstrap: no namespace needs to be there */

	/* For the verb and the engine. */
	bool generate; /* the name is made up from metadata.generateName */
	bool remove;
	bool create; /* nothing was there */
	unsigned tries;
	struct reservation reservation;
	uint64_t expected; /* the state that the change was made from */
	json_t *changed; /* what is being stored, or was removed */

	/* The result. */
	int code; /* 200, 201 */
	bool bare; /* answer with a Success status, not with the object */
	struct buffer
		text; /* the object as it stands now (or stood last), with its resourceVersion */
	uint64_t revision;
	struct strict_report report; /* unknown fields, when they are only worth a warning */
};

/* Space and name are copied, `body` is taken. */
struct write *write_new(struct api *api, const struct kind *kind, struct str space, struct str name,
			json_t *body);

/* Starts it; `done` is called before this returns or later. */
void write_run(struct write *write, write_change_fn change, write_done_fn done, void *userdata);

/* The verbs, one file each. */
json_t *create_change(struct write *write, const json_t *old, json_t **ret);
json_t *update_change(struct write *write, const json_t *old, json_t **ret);
json_t *patch_change(struct write *write, const json_t *old, json_t **ret);
json_t *delete_change(struct write *write, const json_t *old, json_t **ret);
json_t *scale_update_change(struct write *write, const json_t *old, json_t **ret);
json_t *scale_patch_change(struct write *write, const json_t *old, json_t **ret);
json_t *binding_change(struct write *write, const json_t *old, json_t **ret);

/*
 * What update and patch share: brings `wanted` (reference stolen) together with `old` and lets it
 * pass admission and validation.
 */
json_t *write_merge(struct write *write, const json_t *old, json_t *wanted, json_t **ret);

/* The Scale of an object (new reference). */
json_t *scale_of(const struct kind *kind, const json_t *object);
