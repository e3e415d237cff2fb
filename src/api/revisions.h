/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * resourceVersion parameters and continue tokens: which state a read is about.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/str.h"

struct hub;

/* Reads a resourceVersion; NULL, "" and "0" give 0. False when it is no number. */
bool revision_parse(const char *text, uint64_t *ret);

/*
 * A read that must be at least as new as `text`: NULL, or a refusal (400, or 504 with the cause
 * that clients wait on when it has not happened yet).
 */
json_t *revision_check_seen(const struct hub *hub, const char *text);

/* Which state a list shows. */
struct snapshot_request {
	uint64_t revision; /* 0: the current one */
	bool inconsistent; /* a token that goes on in the current state */
	struct str after; /* key; empty: from the start; in `storage` */
	struct buffer storage;
};

/*
 * From the parameters resourceVersion, resourceVersionMatch and continue (each may be NULL).
 * `prefix`: the keys that are listed. Returns NULL or a refusal.
 */
json_t *snapshot_request_init(struct snapshot_request *request, const struct hub *hub,
			      struct str prefix, const char *revision, const char *match,
			      const char *more);
void snapshot_request_deinit(struct snapshot_request *request);

/* The token that goes on behind `key`; revision 0: in whatever state is current then. */
void continue_token(struct str prefix, struct str key, uint64_t revision, struct buffer *out);
