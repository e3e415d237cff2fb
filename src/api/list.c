/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LIST. What is current is concatenated from the hub. A page of an older state (a continue token,
 * an exact resourceVersion) comes from the store, unless nothing has happened since: then the hub
 * is that state.
 */
#include "api/call.h"
#include "api/intern.h"
#include "api/keys.h"
#include "api/revisions.h"
#include "api/status.h"
#include "api/summary.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/object.h"
#include "store/store.h"
#include "watch/hub.h"

struct listing {
	struct call *call;
	struct selection selection;
	struct snapshot_request request;
	struct buffer prefix;
	struct buffer body;
	struct list_writer writer;
	uint64_t limit; /* 0: none */
	struct buffer last; /* key of the last item that was added */
	bool more;
	uint64_t remaining;
};

static void listing_free(struct listing *listing)
{
	selection_deinit(&listing->selection);
	snapshot_request_deinit(&listing->request);
	buffer_deinit(&listing->prefix);
	buffer_deinit(&listing->body);
	buffer_deinit(&listing->last);
	json_decref(listing->writer.items);
	mem_free(listing);
}

static void refuse(struct listing *listing, json_t *refusal)
{
	struct call *call = listing->call;

	listing_free(listing);
	answer_refused(call, refusal);
}

static void finish(struct listing *listing, uint64_t revision)
{
	_cleanup_buffer_ struct buffer token = BUFFER_INIT(LIMIT_STORE_KEY * 4);
	struct list_meta meta = { .revision = revision, .remaining = listing->remaining };
	struct call *call = listing->call;
	struct buffer body;

	if (listing->more) {
		continue_token(buffer_str(&listing->prefix), buffer_str(&listing->last), revision,
			       &token);
		meta.more = buffer_text(&token);
	}
	list_end(&listing->writer, &meta);
	body = listing->body;
	listing->body = (struct buffer)BUFFER_INIT(0);
	listing_free(listing);
	answer_bytes(call, 200, form_content_type(&call->form), &body);
}

/* Whether another item may be added; notes that there is more when not. */
static bool has_room(struct listing *listing)
{
	if (listing->limit != 0 && listing->writer.n == listing->limit) {
		listing->more = true;
		return false;
	}
	return true;
}

static void add(struct listing *listing, struct str key, struct str text)
{
	list_add(&listing->writer, text);
	if (listing->limit != 0) {
		buffer_clear(&listing->last);
		buffer_append_str(&listing->last, key);
	}
}

/* ---- from the hub ---- */

static void list_current(struct listing *listing)
{
	const struct hub *hub = listing->call->api->hub;
	struct str prefix = buffer_str(&listing->prefix);
	struct str after = listing->request.after;
	uint64_t behind = 0;

	for (;;) {
		struct hub_item *item = hub_next(hub, prefix, after);
		if (item == NULL) {
			break;
		}
		after = item->key;
		if (listing->more) {
			behind++;
			continue;
		}
		if (!selection_has(&listing->selection, item)) {
			continue;
		}
		if (has_room(listing)) {
			add(listing, item->key, item->text);
		} else if (selection_is_all(&listing->selection)) {
			behind = 1;
		} else {
			break;
		}
	}
	listing->remaining = selection_is_all(&listing->selection) ? behind : 0;
	finish(listing, hub_revision(hub));
}

/* ---- from the store ---- */

/* A token too old: the client may start over, or go on in today's state with a new token. */
static json_t *expired(const struct listing *listing)
{
	_cleanup_buffer_ struct buffer token = BUFFER_INIT(LIMIT_STORE_KEY * 4);
	struct str after = listing->request.after;

	if (after.n == 0) {
		return status_new(OUTCOME_EXPIRED,
				  "The resourceVersion for the provided list is too old.");
	}
	json_t *status = status_new(
		OUTCOME_EXPIRED,
		"The provided continue parameter is too old to display a consistent list result. "
		"You can start a new list without the continue parameter, or use the continue "
		"token in this response to retrieve the remainder of the results. Continuing with "
		"the provided token results in an inconsistent list - objects that were created, "
		"modified, or deleted between the time the first chunk was returned and now may "
		"show up in the list.");
	continue_token(buffer_str(&listing->prefix), after, 0, &token);
	json_object_set_new(json_object_get(status, "metadata"), "continue",
			    json_string(buffer_text(&token)));
	return status;
}

static void add_record(struct listing *listing, const struct store_record *record)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OBJECT + LIMIT_STORE_KEY);

	object_splice_revision(record->value, record->revision, &text);
	if (selection_has_text(&listing->selection, record->key, buffer_str(&text)) &&
	    has_room(listing)) {
		add(listing, record->key, buffer_str(&text));
	}
}

static void listed(void *userdata, int result, const struct store_record *records, size_t n,
		   uint64_t revision, bool more, uint64_t remaining)
{
	struct listing *listing = userdata;

	if (result == STORE_COMPACTED) {
		refuse(listing, expired(listing));
		return;
	}
	if (result != 0) {
		refuse(listing, status_failed(result));
		return;
	}
	for (size_t i = 0; i < n && !listing->more; i++) {
		add_record(listing, &records[i]);
	}
	listing->more = listing->more || more;
	listing->remaining = selection_is_all(&listing->selection) ? remaining : 0;
	finish(listing, revision);
}

static void list_past(struct listing *listing)
{
	/* With a selection nobody knows how many items make a page. */
	const struct store_list list = {
		.prefix = buffer_str(&listing->prefix),
		.after = listing->request.after,
		.revision = listing->request.revision,
		.limit = selection_is_all(&listing->selection) ? listing->limit : 0,
	};

	if (store_list(listing->call->api->store, &list, listed, listing) != 0) {
		refuse(listing, status_busy());
	}
}

/* ---- the request ---- */

static bool is_true(const char *text)
{
	return text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

static json_t *prepare(struct listing *listing)
{
	struct call *call = listing->call;
	struct http_exchange *exchange = call->exchange;
	const char *limit = http_query(exchange, "limit");

	json_t *refusal = selection_init(&listing->selection, call->kind,
					 http_query(exchange, "labelSelector"),
					 http_query(exchange, "fieldSelector"));
	if (refusal != NULL) {
		return refusal;
	}
	if (limit != NULL && limit[0] != '\0' &&
	    !str_to_u64(str_from(limit), INT64_MAX, &listing->limit)) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "limit: Invalid value: \"%s\": must be a number", limit);
	}
	key_prefix(call->kind, call->space, &listing->prefix);
	return snapshot_request_init(&listing->request, call->api->hub,
				     buffer_str(&listing->prefix),
				     http_query(exchange, "resourceVersion"),
				     http_query(exchange, "resourceVersionMatch"),
				     http_query(exchange, "continue"));
}

void verb_list(struct call *call)
{
	if (call->watch || is_true(http_query(call->exchange, "watch"))) {
		verb_watch(call);
		return;
	}
	if (!call_negotiate(call, FORM_TABLES | FORM_PARTIALS)) {
		return;
	}
	struct listing *listing = MEM_NEW(struct listing);
	listing->call = call;
	buffer_init(&listing->prefix, LIMIT_STORE_KEY);
	buffer_init(&listing->body, LIMIT_RESPONSE);
	buffer_init(&listing->last, LIMIT_STORE_KEY);
	json_t *refusal = prepare(listing);
	if (refusal != NULL) {
		refuse(listing, refusal);
		return;
	}
	list_begin(&listing->writer, &call->form, call->kind, &listing->body);
	uint64_t revision = listing->request.revision;
	if (revision == 0 || revision == hub_revision(call->api->hub)) {
		list_current(listing);
	} else {
		list_past(listing);
	}
}
