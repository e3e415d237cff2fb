/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of this folder share. */

#include <stdbool.h>
#include <stdint.h>

#include "api/addresses.h"
#include "api/api.h"
#include "api/documents.h"
#include "base/list.h"
#include "base/random.h"

struct extension {
	const char *prefix;
	http_handler_fn handler;
	void *userdata;
};

struct api {
	struct store *store;
	struct hub *hub;
	const struct clock *clock;
	struct addresses *addresses;
	struct documents documents;
	char *token_key;
	char *issuer;
	char *admin_token;
	char *cluster_dns[API_FAMILIES];
	void (*due_changed)(void *userdata, uint64_t at);
	void (*unready)(void *userdata, struct buffer *lines);
	void *userdata;

	struct loop *loop;
	struct http_tls *node_tls;
	struct http_tls *any_tls; /* to pods that speak HTTPS: their certificates are their own */
	struct list streams; /* open ones, struct stream in stream.c */

	struct extension extensions[API_EXTENSIONS];
	size_t n_extensions;

	struct list watches; /* open ones, struct watch in watch.c */
	uint64_t due; /* when api_run_due() is wanted */
	uint64_t compact_at; /* when the store is compacted next; UINT64_MAX: nothing to compact */
	uint64_t compact_to; /* the revision up to which it will be then */
};

/* Makes api_run_due() happen at `at` or earlier. */
void api_due_by(struct api *api, uint64_t at);

/* Something was written: the history before it will have to be compacted some time. */
void api_note_write(struct api *api, uint64_t revision);

/* watch.c: does what is due in every watch; returns when the next is (UINT64_MAX: none). */
uint64_t watches_run_due(struct api *api, uint64_t now);
void watches_end(struct api *api);
