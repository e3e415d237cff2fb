/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One HTTP request on its way through the API: who asks, for what, and in which form the answer
 * goes back. Lives in the exchange's arena, until the one answer.
 */

#include <stdbool.h>

#include <jansson.h>

#include "api/form.h"
#include "api/write.h"
#include "http/exchange.h"

enum { USER_GROUPS = HTTP_PEER_GROUPS + 2 };

struct user {
	const char *name;
	const char *uid; /* "" when it has none */
	const char *groups[USER_GROUPS + 1]; /* up to the first NULL */
};

struct call {
	struct api *api;
	struct http_exchange *exchange;
	struct user user;
	struct form form;
	const struct kind *kind; /* the resource of the path */
	struct str space;
	struct str name;
	struct str part; /* "", "status", "scale", … */
	bool watch; /* the old /watch/ paths */
	struct buffer warnings; /* value of a Warning header */
};

/* ---- answers; each ends the call ---- */

void answer_refusal(struct call *call, const json_t *refusal);
/* The same, and drops the reference. */
void answer_refused(struct call *call, json_t *refusal);
void answer_object(struct call *call, int code, const struct kind *kind, struct str text);
void answer_tree(struct call *call, int code, const struct kind *kind, const json_t *tree);
/* `body` is taken. */
void answer_bytes(struct call *call, int code, const char *content_type, struct buffer *body);

/* ---- bodies ---- */

/*
 * The object of `kind` in the body: JSON, YAML or protobuf by its Content-Type, strict as the
 * query's fieldValidation asks. Returns NULL with a new reference in *ret, or a refusal.
 */
json_t *body_object(struct call *call, const struct kind *kind, json_t **ret);

/* The patch in the body, and its format. */
json_t *body_patch(struct call *call, enum patch_format *ret_format, json_t **ret);

/* DeleteOptions: from the body if there is one, else (and besides) from the query. */
json_t *body_delete_options(struct call *call, json_t **ret);

/* ---- options ---- */

/* dryRun and fieldValidation of the query. Returns NULL or a refusal. */
json_t *call_write_options(struct call *call, bool *ret_dry_run,
			   enum field_validation *ret_validation);

/* Reads an Accept header into call->form; answers 406 and returns false when nothing fits. */
bool call_negotiate(struct call *call, unsigned allowed);

/*
 * Starts a write for the call, with `body` (taken), and answers when it is done. `format` matters
 * to patches alone.
 */
void call_write(struct call *call, write_change_fn change, enum part part, json_t *body,
		enum patch_format format);

/* ---- the verbs, one file each ---- */

void verb_get(struct call *call);
void verb_list(struct call *call);
void verb_watch(struct call *call);
void verb_create(struct call *call);
void verb_update(struct call *call);
void verb_patch(struct call *call);
void verb_delete(struct call *call);
void verb_delete_collection(struct call *call);
void verb_get_scale(struct call *call);
void verb_update_scale(struct call *call);
void verb_patch_scale(struct call *call);
void verb_bind(struct call *call);
void verb_evict(struct call *call);
void verb_finalize(struct call *call);
void verb_approve(struct call *call);
void verb_token(struct call *call);
void verb_review(struct call *call);
void verb_log(struct call *call);
void verb_exec(struct call *call); /* and attach */
void verb_port_forward(struct call *call);
void verb_proxy(struct call *call);
