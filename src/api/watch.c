/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WATCH: a stream that is pulled. When the client can take more, the next frame is made from the
 * hub's ring; nothing is queued for a watch, and between frames it holds no buffer.
 *
 *   INITIAL -> LIVE -> ENDED    INITIAL: the objects that were there at the start (by reference)
 *
 * A watch ends when its time is up, when the ring has passed it (with an ERROR event, 410), or when
 * the client is gone.
 */
#include "api/call.h"
#include "api/intern.h"
#include "api/keys.h"
#include "api/revisions.h"
#include "api/status.h"
#include "api/summary.h"
#include "api/text.h"
#include "base/limits.h"
#include "base/mem.h"
#include "watch/hub.h"

enum {
	BOOKMARK_SECONDS = 60,
	WATCH_SECONDS_MIN = 1800, /* of a watch that names no timeout: this, up to twice that */
};

enum watch_state { WATCH_INITIAL, WATCH_LIVE, WATCH_ENDED };

struct watch {
	struct list link;
	struct api *api;
	struct call *call;
	struct selection selection;
	struct buffer prefix;
	bool one; /* the prefix is the key of one object */
	struct hub_watcher *watcher;
	enum watch_state state;
	struct hub_item **initial;
	size_t n_initial;
	size_t next_initial;
	uint64_t initial_revision;
	bool initial_end; /* a bookmark says where the initial events end */
	bool bookmarks;
	bool bookmark_due;
	bool end_due;
	bool first; /* no frame has been made yet */
	uint64_t ends_at;
	uint64_t bookmark_at;
	struct buffer frame; /* being sent */
	size_t sent;
};

static void destroy(struct watch *watch)
{
	for (size_t i = watch->next_initial; i < watch->n_initial; i++) {
		hub_item_unref(watch->initial[i]);
	}
	mem_free(watch->initial);
	hub_watcher_free(watch->watcher);
	selection_deinit(&watch->selection);
	buffer_deinit(&watch->prefix);
	buffer_deinit(&watch->frame);
	list_unlink(&watch->link);
	mem_free(watch);
}

/* ---- frames ---- */

static const struct form *form_of(const struct watch *watch)
{
	return &watch->call->form;
}

static bool is_watched(const struct watch *watch, struct hub_item *item)
{
	return (!watch->one || str_eq(item->key, buffer_str(&watch->prefix))) &&
	       selection_has(&watch->selection, item);
}

static void frame_event(struct watch *watch, const char *type, struct str text)
{
	form_event(form_of(watch), watch->call->kind, type, text, &watch->first, &watch->frame);
}

/* The object has left the selection: it is shown as it was, with the version of its leaving. */
static void frame_left(struct watch *watch, const struct hub_event *event)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OBJECT * 2);

	text_with_revision(event->previous->text, event->revision, &text);
	frame_event(watch, "DELETED", buffer_str(&text));
}

static void frame_hub_event(struct watch *watch, const struct hub_event *event)
{
	bool had = event->previous != NULL && is_watched(watch, event->previous);
	bool has = event->type != HUB_DELETED && is_watched(watch, event->item);

	if (event->type == HUB_DELETED) {
		if (had || (event->previous == NULL && is_watched(watch, event->item))) {
			frame_event(watch, "DELETED", event->item->text);
		}
	} else if (has) {
		frame_event(watch, had ? "MODIFIED" : "ADDED", event->item->text);
	} else if (had) {
		frame_left(watch, event);
	}
}

static void frame_bookmark(struct watch *watch, uint64_t revision, bool initial_end)
{
	form_bookmark(form_of(watch), watch->call->kind, revision, initial_end, &watch->frame);
}

static void frame_expired(struct watch *watch)
{
	json_t *status = status_new(OUTCOME_EXPIRED,
				    "too old resource version: the watch could not keep up");

	form_error_event(form_of(watch), status, &watch->frame);
	json_decref(status);
	watch->state = WATCH_ENDED;
}

static void next_initial(struct watch *watch)
{
	if (watch->next_initial < watch->n_initial) {
		struct hub_item *item = watch->initial[watch->next_initial++];
		frame_event(watch, "ADDED", item->text);
		hub_item_unref(item);
		return;
	}
	watch->initial = mem_free(watch->initial);
	watch->n_initial = watch->next_initial = 0;
	watch->state = WATCH_LIVE;
	if (watch->initial_end) {
		frame_bookmark(watch, watch->initial_revision, /* initial_end= */ true);
	}
}

/* Makes a frame if there is something to say; false: wait. */
static bool next_live(struct watch *watch)
{
	struct hub_event event;

	int r = hub_watcher_next(watch->watcher, &event);
	if (r == HUB_GONE) {
		frame_expired(watch);
		return true;
	}
	if (r == 0) {
		if (event.type != HUB_BOOKMARK) {
			frame_hub_event(watch, &event);
		}
		return true;
	}
	if (watch->bookmarks && (watch->bookmark_due || watch->end_due)) {
		frame_bookmark(watch, hub_watcher_revision(watch->watcher),
			       /* initial_end= */ false);
		watch->bookmark_due = false;
	}
	if (watch->end_due) {
		watch->state = WATCH_ENDED;
	}
	return watch->frame.n != 0 || watch->end_due;
}

static int64_t watch_read(void *userdata, char *out, size_t size)
{
	struct watch *watch = userdata;
	size_t filled = 0;

	for (;;) {
		size_t left = watch->frame.n - watch->sent;
		if (left != 0) {
			size_t n = left < size - filled ? left : size - filled;
			memcpy(out + filled, watch->frame.p + watch->sent, n);
			watch->sent += n;
			filled += n;
			if (filled == size) {
				return (int64_t)filled;
			}
		}
		buffer_clear(&watch->frame);
		watch->sent = 0;
		if (watch->state == WATCH_INITIAL) {
			next_initial(watch);
		} else if (watch->state == WATCH_ENDED || !next_live(watch)) {
			break;
		}
	}
	if (filled != 0) {
		return (int64_t)filled;
	}
	buffer_deinit(&watch->frame);
	return watch->state == WATCH_ENDED ? HTTP_STREAM_END : HTTP_STREAM_WAIT;
}

static void watch_close(void *userdata)
{
	destroy(userdata);
}

static const struct http_stream watch_stream = {
	.read = watch_read,
	.close = watch_close,
};

static void wake(void *userdata)
{
	struct watch *watch = userdata;

	http_wake(watch->call->exchange);
}

/* ---- time ---- */

/* In steps of ten seconds, so that thousands of watches are due together and not one by one. */
static uint64_t next_bookmark(uint64_t now)
{
	const uint64_t step = 10 * NS_PER_S;

	return (now + BOOKMARK_SECONDS * NS_PER_S) / step * step;
}

uint64_t watches_run_due(struct api *api, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	list_for_each (watch, &api->watches, struct watch, link) {
		bool due = false;
		if (now >= watch->ends_at && !watch->end_due) {
			watch->end_due = due = true;
		}
		if (watch->bookmarks && now >= watch->bookmark_at) {
			watch->bookmark_due = due = true;
			watch->bookmark_at = next_bookmark(now);
		}
		if (!watch->end_due && watch->ends_at < next) {
			next = watch->ends_at;
		}
		if (watch->bookmarks && watch->bookmark_at < next) {
			next = watch->bookmark_at;
		}
		if (due) {
			wake(watch);
		}
	}
	return next;
}

void watches_end(struct api *api)
{
	list_for_each (watch, &api->watches, struct watch, link) {
		watch->end_due = true;
		wake(watch);
	}
}

static json_t *set_times(struct watch *watch, struct random_state *random)
{
	const char *text = http_query(watch->call->exchange, "timeoutSeconds");
	uint64_t now = clock_monotonic(watch->api->clock);
	uint64_t seconds = 0;

	if (text != NULL && text[0] != '\0' && !str_to_u64(str_from(text), INT32_MAX, &seconds)) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "timeoutSeconds: Invalid value: \"%s\": must be a number", text);
	}
	if (seconds == 0) {
		seconds = WATCH_SECONDS_MIN + random_below(random, WATCH_SECONDS_MIN);
	}
	watch->ends_at = now + seconds * NS_PER_S;
	watch->bookmark_at = next_bookmark(now);
	return NULL;
}

/* ---- start ---- */

/* Holds what is there now, so that the stream shows one state however slowly it is read. */
static void hold_initial(struct watch *watch)
{
	const struct hub *hub = watch->api->hub;
	struct str prefix = buffer_str(&watch->prefix);
	size_t size = hub_count(hub, prefix);

	watch->initial = mem_alloc_array(size + 1, sizeof(watch->initial[0]));
	for (struct hub_item *item = watch->one ? hub_get(hub, prefix)
						: hub_next(hub, prefix, STR_NONE);
	     item != NULL && watch->n_initial < size + 1;
	     item = watch->one ? NULL : hub_next(hub, prefix, item->key)) {
		if (is_watched(watch, item)) {
			watch->initial[watch->n_initial++] = hub_item_ref(item);
		}
	}
}

static bool is_true(const char *text)
{
	return text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

static json_t *invalid_option(const char *path, const char *why)
{
	static const struct kind options = { .group = "meta.k8s.io", .kind = "ListOptions" };

	return status_invalid_field(&options, STR_NONE, FIELD_ERROR_FORBIDDEN, path, NULL, why);
}

/* Whether the stream begins with what is there, and from where it goes on. */
static json_t *read_start(struct watch *watch, bool *ret_initial, uint64_t *ret_revision)
{
	struct http_exchange *exchange = watch->call->exchange;
	const char *revision = http_query(exchange, "resourceVersion");
	const char *match = http_query(exchange, "resourceVersionMatch");
	const char *send = http_query(exchange, "sendInitialEvents");
	bool has_match = match != NULL && match[0] != '\0';

	if (!revision_parse(revision, ret_revision)) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "resourceVersion: Invalid value: \"%s\": must be a number",
				  revision);
	}
	if (send == NULL || send[0] == '\0') {
		*ret_initial = *ret_revision == 0;
		return has_match ? invalid_option("resourceVersionMatch",
						  "resourceVersionMatch is forbidden for watch "
						  "unless sendInitialEvents is provided")
				 : NULL;
	}
	if (!has_match || strcmp(match, "NotOlderThan") != 0) {
		return invalid_option("resourceVersionMatch",
				      "sendInitialEvents requires setting resourceVersionMatch to "
				      "NotOlderThan");
	}
	*ret_initial = is_true(send);
	watch->initial_end = *ret_initial && watch->bookmarks;
	if (!*ret_initial) {
		return NULL;
	}
	*ret_revision = 0;
	return revision_check_seen(watch->api->hub, revision);
}

static void make_prefix(struct watch *watch)
{
	struct call *call = watch->call;
	const char *name = selection_name(&watch->selection);
	struct str only = call->name.n != 0 ? call->name : str_from(name);
	bool located = call->space.n != 0 || !(call->kind->flags & KIND_NAMESPACED);

	watch->one = only.n != 0 && located;
	if (watch->one) {
		key_of(call->kind, call->space, only, &watch->prefix);
	} else {
		key_prefix(call->kind, call->space, &watch->prefix);
	}
}

/*
 * A place in history that is not there (any more): said in the stream, where clients look for it.
 */
static void start_expired(struct watch *watch, uint64_t revision)
{
	json_t *status = status_new(OUTCOME_EXPIRED, "too old resource version: %llu (%llu)",
				    (unsigned long long)revision,
				    (unsigned long long)hub_revision(watch->api->hub));

	form_error_event(form_of(watch), status, &watch->frame);
	json_decref(status);
	watch->state = WATCH_ENDED;
}

static json_t *start(struct watch *watch)
{
	struct call *call = watch->call;
	struct http_exchange *exchange = call->exchange;
	struct random_state random;
	uint64_t revision = 0;
	bool initial = false;

	json_t *refusal =
		selection_init(&watch->selection, call->kind, http_query(exchange, "labelSelector"),
			       http_query(exchange, "fieldSelector"));
	if (refusal != NULL) {
		return refusal;
	}
	watch->bookmarks = is_true(http_query(exchange, "allowWatchBookmarks"));
	make_prefix(watch);
	random_state_init(&random);
	refusal = set_times(watch, &random);
	if (refusal == NULL) {
		refusal = read_start(watch, &initial, &revision);
	}
	if (refusal != NULL) {
		return refusal;
	}
	watch->state = WATCH_LIVE;
	watch->initial_revision = hub_revision(watch->api->hub);
	if (initial) {
		watch->state = WATCH_INITIAL;
		hold_initial(watch);
	}
	if (revision == 0) {
		revision = watch->initial_revision;
	}
	int r = hub_watch(watch->api->hub, buffer_str(&watch->prefix), revision, wake, watch,
			  &watch->watcher);
	if (r == HUB_TOO_MANY) {
		return status_busy();
	}
	if (r != 0) {
		start_expired(watch, revision);
	}
	return NULL;
}

void verb_watch(struct call *call)
{
	if (!call_negotiate(call, FORM_TABLES | FORM_PARTIALS)) {
		return;
	}
	struct watch *watch = MEM_NEW(struct watch);
	watch->api = call->api;
	watch->call = call;
	watch->first = true;
	list_init(&watch->link);
	buffer_init(&watch->prefix, LIMIT_STORE_KEY);
	buffer_init(&watch->frame, LIMIT_OBJECT * 5);
	json_t *refusal = start(watch);
	if (refusal != NULL) {
		destroy(watch);
		answer_refused(call, refusal);
		return;
	}
	list_append(&call->api->watches, &watch->link);
	uint64_t due = watch->ends_at;
	if (watch->bookmarks && watch->bookmark_at < due) {
		due = watch->bookmark_at;
	}
	api_due_by(call->api, due);
	http_reply_stream(call->exchange, 200,
			  call->form.protobuf ? "application/vnd.kubernetes.protobuf;stream=watch"
					      : "application/json",
			  &watch_stream, watch);
}
