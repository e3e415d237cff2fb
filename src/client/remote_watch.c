/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watch is always in one of three states, with one transfer or one timer to wait for:
 *
 *   LISTING ──last page──▶ WATCHING ──end, at peace──▶ WATCHING
 *      ▲  ▲                   │   │
 *      │  └──410 (first)──────┘   └──error──▶ PAUSING ──timer──▶ WATCHING, or LISTING when it was
 *      └───────────────────────────────────────────────────────  listing or its revision is no good
 *
 * Invariants: `revision` is where the sink is: what it was told last, and where a watch goes on.
 * The source counts as lost from the first error until the sink is known to be up to date again: a
 * list is complete, an event has come, or a watch has stood for a moment without a complaint.
 * Errors that follow each other without such a moment make pauses longer.
 *
 * A sink may end its watch from any call; `busy` keeps the struct alive until the call has
 * returned.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/list_scan.h"
#include "client/remote_intern.h"
#include "client/transfer.h"
#include "loop/loop.h"
#include "object/schema.h"
#include "json/json.h"

#define COMPONENT "remote"

enum {
	PAUSE_MS = 100, /* the first; then it doubles */
	PAUSE_MAX_MS = 30000, /* of a server that is there and refuses */
	PAUSE_UNREACHED_MS = 5000, /* of one that is not there: asking costs it nothing */
	PAUSE_KICKED_MS = 50, /* since it was reached by somebody else */
	STANDING_MS = 1000, /* a watch that stood so long without a complaint is fine */
	WATCH_SECONDS = 300, /* asked for, up to twice that, so that not all end together */
	GRACE_SECONDS = 30, /* for a server to end a watch by itself */
	QUIET_SECONDS = 60, /* a list without a byte for so long is given up */
	CONTINUE_MAX = 64 * 1024,
	REVISION_MAX = 32,
	REASON_MAX = 256,
};

enum watch_state { LISTING, WATCHING, PAUSING };

enum watch_health { HEALTH_UNKNOWN, HEALTH_LOST, HEALTH_FINE };

struct remote_watch {
	struct client_watch watch;
	struct list link; /* of all watches of the client */
	struct remote *remote;
	const struct kind *kind;
	char *selector; /* of labels; NULL: none */
	char *fields; /* selector of fields; NULL: none */
	const struct client_sink *sink;
	void *userdata;
	struct transfer *transfer;
	struct loop_timer *timer; /* PAUSING: the end of the pause. WATCHING: it has stood */
	enum watch_state state;
	enum watch_health health;
	bool unreached; /* PAUSING: because nobody answered */
	bool relist; /* PAUSING: with a list, not with a watch */
	bool whole; /* LISTING: in one page, since a page expired */
	bool first_page;
	bool standing; /* WATCHING: it was fine once */
	bool busy;
	bool ended;
	int status; /* of the transfer */
	unsigned failures; /* without a moment of health between them */
	struct list_scan scan;
	struct buffer line; /* WATCHING: an event that is not complete; a refusal's body */
	struct buffer more; /* LISTING: the token of the next page */
	char revision[REVISION_MAX];
	char reason[REASON_MAX]; /* of the last failure, to say each once */
};

static void start_list(struct remote_watch *watch);
static void start_watch(struct remote_watch *watch);

/* ---- health ---- */

static void healthy(struct remote_watch *watch)
{
	watch->failures = 0;
	watch->reason[0] = '\0';
	if (watch->health == HEALTH_FINE) {
		return;
	}
	if (watch->health == HEALTH_LOST) {
		log_info(COMPONENT, "%s: up to date again", watch->kind->plural);
	}
	watch->health = HEALTH_FINE;
	if (watch->sink->connected != NULL) {
		watch->sink->connected(watch->userdata, true);
	}
}

static uint64_t pause_ns(struct remote_watch *watch)
{
	uint64_t max = watch->unreached ? PAUSE_UNREACHED_MS : PAUSE_MAX_MS;
	uint64_t ms = PAUSE_MS;

	for (unsigned i = 1; i < watch->failures && ms < max; i++) {
		ms *= 2;
	}
	ms = ms < max ? ms : max;
	ms = ms / 2 + random_below(&watch->remote->random, (uint32_t)(ms / 2) + 1);
	return ms * NS_PER_MS;
}

static void pause_then(struct remote_watch *watch, bool relist)
{
	watch->relist = relist;
	watch->unreached = watch->status == 0;
	watch->state = PAUSING;
	watch->failures++;
	loop_timer_set(watch->timer, pause_ns(watch));
}

/* The server is back: whoever waits for that need not wait any longer. */
static void kick_others(struct remote_watch *watch)
{
	struct remote *remote = watch->remote;

	list_for_each (other, &remote->watches, struct remote_watch, link) {
		if (other->state == PAUSING && other->unreached) {
			other->unreached = false;
			loop_timer_set(other->timer,
				       random_below(&remote->random, PAUSE_KICKED_MS) * NS_PER_MS);
		}
	}
}

static void fail(struct remote_watch *watch, const char *reason, bool relist)
{
	bool said = strncmp(watch->reason, reason, REASON_MAX - 1) == 0;

	if (!said) {
		snprintf(watch->reason, REASON_MAX, "%s", reason);
	}
	log_line(said                           ? LOG_DEBUG
		 : watch->health == HEALTH_LOST ? LOG_INFO
						: LOG_WARNING,
		 COMPONENT, "%s: cannot %s: %s; trying again", watch->kind->plural,
		 watch->state == LISTING ? "list" : "watch", reason);
	pause_then(watch, relist);
	if (watch->health != HEALTH_LOST) {
		watch->health = HEALTH_LOST;
		if (watch->sink->connected != NULL) {
			watch->sink->connected(watch->userdata, false);
		}
	}
}

/* The revision is too old: a new list, at once unless that has just been tried. */
static void expire(struct remote_watch *watch)
{
	log_info(COMPONENT, "%s: revision %s is too old, listing again", watch->kind->plural,
		 watch->revision);
	if (watch->failures == 0) {
		watch->failures = 1;
		start_list(watch);
	} else {
		pause_then(watch, /* relist= */ true);
	}
}

static void fail_refused(struct remote_watch *watch)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_REMOTE_HEAD);
	bool listing = watch->state == LISTING;

	json_decref(remote_refusal(watch->status, buffer_str(&watch->line), &message));
	if (watch->status == 410) {
		/* A page that has expired would do so again: the next list comes in one piece. */
		watch->whole = listing;
		expire(watch);
	} else {
		bool at_fault = watch->status >= 400 && watch->status < 500 && watch->status != 429;

		fail(watch, buffer_text(&message), listing || at_fault);
	}
}

/* ---- objects ---- */

/* `tree` is stolen. NULL, with a word in the log, when it is no object of this kind. */
static struct object *make_object(const struct remote_watch *watch, json_t *tree)
{
	_cleanup_buffer_ struct buffer api_version = BUFFER_INIT(LIMIT_STORE_KEY);
	struct object *object = NULL;

	/* Who wrote which field: large, and nobody here reads it. */
	json_object_del(json_object_get(tree, "metadata"), "managedFields");
	/* The items of a list leave their kind to the list. */
	if (json_object_get(tree, "kind") == NULL) {
		kind_api_version(watch->kind, &api_version);
		json_object_set_new(tree, "apiVersion", json_string(buffer_text(&api_version)));
		json_object_set_new(tree, "kind", json_string(watch->kind->kind));
	}
	if (object_new_tree(watch->kind, tree, &object) != 0) {
		log_warning(COMPONENT, "%s: one that makes no sense is left out",
			    watch->kind->plural);
	}
	return object;
}

static void changed(struct remote_watch *watch, struct object *object)
{
	if (object != NULL && watch->sink->changed != NULL) {
		watch->sink->changed(watch->userdata, object);
	}
}

static void synced(struct remote_watch *watch)
{
	uint64_t revision = 0;

	str_to_u64(str_from(watch->revision), UINT64_MAX, &revision);
	if (!watch->ended && watch->sink->synced != NULL) {
		watch->sink->synced(watch->userdata, revision);
	}
}

static void set_revision(struct remote_watch *watch, const json_t *object)
{
	snprintf(watch->revision, REVISION_MAX, "%s",
		 json_string_at(object, "metadata.resourceVersion"));
}

/* ---- list ---- */

static void append_query(const struct remote_watch *watch, const char *name, const char *value,
			 struct buffer *target)
{
	buffer_printf(target, "&%s=", name);
	remote_encode(str_from(value), target);
}

static void begin_target(const struct remote_watch *watch, const char *first, struct buffer *target)
{
	remote_collection(watch->kind, STR_NONE, target);
	buffer_append_text(target, first);
	if (watch->selector != NULL) {
		append_query(watch, "labelSelector", watch->selector, target);
	}
	if (watch->fields != NULL) {
		append_query(watch, "fieldSelector", watch->fields, target);
	}
}

static bool item(void *userdata, struct str text)
{
	struct remote_watch *watch = userdata;
	struct json_read_error error;
	struct object *object;
	json_t *tree;

	if (json_read(text, NULL, &tree, &error) != 0) {
		return false;
	}
	object = make_object(watch, tree);
	changed(watch, object);
	object_unref(object);
	return !watch->ended;
}

static void list_head(struct remote_watch *watch)
{
	if (watch->status == 200 && watch->first_page && watch->sink->reset != NULL) {
		watch->sink->reset(watch->userdata);
	}
}

static void get_page(struct remote_watch *watch);

static void page_done(struct remote_watch *watch)
{
	_cleanup_json_ json_t *list = NULL;
	struct json_read_error error;
	struct str head;

	if (!list_scan_head(&watch->scan, &head) || json_read(head, NULL, &list, &error) != 0) {
		fail(watch, "the list is not JSON", /* relist= */ true);
		return;
	}
	set_revision(watch, list);
	buffer_clear(&watch->more);
	buffer_append_text(&watch->more, json_string_at(list, "metadata.continue"));
	if (watch->revision[0] == '\0' || watch->more.overflowed) {
		fail(watch, "the answer is no list", /* relist= */ true);
		return;
	}
	watch->first_page = false;
	if (watch->more.n != 0) {
		get_page(watch);
		return;
	}
	synced(watch);
	if (watch->ended) {
		return;
	}
	/* Not yet healthy() as far as pauses go: the watch may be refused each time. */
	unsigned failures = watch->failures;

	healthy(watch);
	watch->failures = failures;
	start_watch(watch);
}

/* ---- events ---- */

static void stood(struct remote_watch *watch)
{
	watch->standing = true;
	loop_timer_stop(watch->timer);
	healthy(watch);
}

/* An ERROR event: the watch is over. Always false. */
static bool error_event(struct remote_watch *watch, const json_t *status)
{
	watch->transfer = transfer_cancel(watch->transfer);
	if (json_int_at(status, "code", 0) == 410) {
		expire(watch);
	} else {
		fail(watch, json_string_at(status, "message"), /* relist= */ true);
	}
	return false;
}

static bool fail_event(struct remote_watch *watch, const char *reason)
{
	watch->transfer = transfer_cancel(watch->transfer);
	fail(watch, reason, /* relist= */ true);
	return false;
}

/* One line. False: the watch goes on no more. */
static bool event(struct remote_watch *watch, struct str line)
{
	_cleanup_json_ json_t *tree = NULL;
	struct json_read_error error;

	if (line.n == 0) {
		return true;
	}
	if (json_read(line, NULL, &tree, &error) != 0) {
		return fail_event(watch, "an event is not JSON");
	}
	const char *type = json_string_at(tree, "type");
	json_t *value = json_object_get(tree, "object");
	if (strcmp(type, "ERROR") == 0) {
		return error_event(watch, value);
	}
	if (json_string_at(value, "metadata.resourceVersion")[0] == '\0') {
		return fail_event(watch, "an event has no revision");
	}
	set_revision(watch, value);
	if (strcmp(type, "BOOKMARK") == 0) {
		synced(watch);
	} else {
		struct object *object = make_object(watch, json_incref(value));

		if (strcmp(type, "DELETED") != 0) {
			changed(watch, object);
		} else if (object != NULL && watch->sink->removed != NULL) {
			watch->sink->removed(watch->userdata, object);
		}
		object_unref(object);
	}
	if (!watch->ended) {
		stood(watch);
	}
	return !watch->ended;
}

/* Cuts what has come into lines. False: the watch goes on no more. */
static bool events(struct remote_watch *watch, struct str bytes)
{
	const char *end;

	while (bytes.n != 0 && (end = memchr(bytes.p, '\n', bytes.n)) != NULL) {
		struct str line = { .p = bytes.p, .n = (size_t)(end - bytes.p) };
		bool going;

		bytes = str_skip(bytes, line.n + 1);
		if (watch->line.n != 0) {
			buffer_append_str(&watch->line, line);
			line = buffer_str(&watch->line);
		}
		going = !watch->line.overflowed ? event(watch, line)
						: fail_event(watch, "an event is too large");
		if (!going) {
			return false;
		}
		buffer_clear(&watch->line);
	}
	buffer_append_str(&watch->line, bytes);
	return !watch->line.overflowed || fail_event(watch, "an event is too large");
}

static void watch_done(struct remote_watch *watch)
{
	if (watch->line.n != 0) {
		fail(watch, "the stream broke off", /* relist= */ false);
	} else if (watch->standing) {
		start_watch(watch);
	} else {
		fail(watch, "the stream ended at once", /* relist= */ false);
	}
}

/* ---- transfers ---- */

static void destroy(struct remote_watch *watch)
{
	transfer_cancel(watch->transfer);
	list_unlink(&watch->link);
	loop_timer_free(watch->timer);
	list_scan_deinit(&watch->scan);
	buffer_deinit(&watch->line);
	buffer_deinit(&watch->more);
	mem_free(watch->selector);
	mem_free(watch->fields);
	mem_free(watch);
}

/* Every call from outside stands between these two. */
static void enter(struct remote_watch *watch)
{
	watch->busy = true;
}

static void leave(struct remote_watch *watch)
{
	watch->busy = false;
	if (watch->ended) {
		destroy(watch);
	}
}

static void on_head(void *userdata, int status)
{
	struct remote_watch *watch = userdata;

	enter(watch);
	watch->status = status;
	kick_others(watch);
	if (watch->state == LISTING) {
		list_head(watch);
	} else if (status == 200) {
		loop_timer_set(watch->timer, STANDING_MS * NS_PER_MS);
	}
	leave(watch);
}

static bool on_received(void *userdata, struct str bytes)
{
	struct remote_watch *watch = userdata;
	bool going = true;

	enter(watch);
	if (watch->status != 200) {
		buffer_append_str(&watch->line, bytes);
	} else if (watch->state == LISTING) {
		going = list_scan_feed(&watch->scan, bytes) == 0;
	} else {
		going = events(watch, bytes);
	}
	leave(watch);
	return going;
}

static void on_done(void *userdata, int status, const char *error)
{
	struct remote_watch *watch = userdata;

	enter(watch);
	watch->transfer = NULL;
	watch->status = status;
	loop_timer_stop(watch->timer);
	if (error != NULL) {
		fail(watch, error, watch->state == LISTING);
	} else if (status != 200) {
		fail_refused(watch);
	} else if (watch->state == LISTING) {
		page_done(watch);
	} else {
		watch_done(watch);
	}
	leave(watch);
}

static const struct transfer_ops watch_ops = {
	.head = on_head,
	.received = on_received,
	.done = on_done,
};

static void get(struct remote_watch *watch, struct buffer *target, uint32_t seconds,
		uint32_t quiet_seconds)
{
	const struct transfer_request request = {
		.method = "GET",
		.target = buffer_text(target),
		.seconds = seconds,
		.quiet_seconds = quiet_seconds,
	};

	watch->status = 0;
	buffer_clear(&watch->line);
	watch->transfer = transfer_start(watch->remote->transfers, &request, &watch_ops, watch);
}

static void get_page(struct remote_watch *watch)
{
	_cleanup_buffer_ struct buffer target = BUFFER_INIT(LIMIT_HTTP_TARGET + 3 * CONTINUE_MAX);
	char first[32] = "?limit=0";

	if (!watch->whole) {
		snprintf(first, sizeof(first), "?limit=%d", LIMIT_REMOTE_PAGE);
	}
	begin_target(watch, first, &target);
	if (watch->more.n != 0) {
		append_query(watch, "continue", buffer_text(&watch->more), &target);
	}
	list_scan_deinit(&watch->scan);
	list_scan_init(&watch->scan, item, watch);
	get(watch, &target, 0, QUIET_SECONDS);
}

static void start_list(struct remote_watch *watch)
{
	watch->state = LISTING;
	watch->first_page = true;
	buffer_clear(&watch->more);
	get_page(watch);
}

static void start_watch(struct remote_watch *watch)
{
	_cleanup_buffer_ struct buffer target = BUFFER_INIT(LIMIT_HTTP_TARGET);
	uint32_t seconds = WATCH_SECONDS + random_below(&watch->remote->random, WATCH_SECONDS);

	watch->state = WATCHING;
	watch->standing = false;
	watch->whole = false;
	list_scan_deinit(&watch->scan);
	begin_target(watch, "?watch=true&allowWatchBookmarks=true", &target);
	append_query(watch, "resourceVersion", watch->revision, &target);
	buffer_printf(&target, "&timeoutSeconds=%" PRIu32, seconds);
	get(watch, &target, seconds + GRACE_SECONDS, 0);
}

static void timer_fired(void *userdata)
{
	struct remote_watch *watch = userdata;

	enter(watch);
	if (watch->state == WATCHING) {
		stood(watch);
	} else if (watch->relist) {
		start_list(watch);
	} else {
		start_watch(watch);
	}
	leave(watch);
}

/* ---- the interface ---- */

struct client_watch *remote_watch(struct client *client, const struct kind *kind,
				  const char *label_selector, const char *field_selector,
				  const struct client_sink *sink, void *userdata)
{
	struct remote_watch *watch = MEM_NEW(struct remote_watch);
	struct remote *remote = container_of(client, struct remote, client);

	watch->remote = remote;
	watch->kind = kind;
	watch->selector = mem_strdup(label_selector);
	watch->fields = mem_strdup(field_selector);
	watch->sink = sink;
	watch->userdata = userdata;
	watch->timer = loop_timer_new(remote->loop, timer_fired, watch);
	list_scan_init(&watch->scan, item, watch);
	buffer_init(&watch->line, LIMIT_REMOTE_EVENT);
	buffer_init(&watch->more, CONTINUE_MAX);
	list_init(&watch->link);
	list_append(&remote->watches, &watch->link);
	start_list(watch);
	return &watch->watch;
}

void remote_unwatch(struct client_watch *ended)
{
	struct remote_watch *watch = container_of(ended, struct remote_watch, watch);

	if (watch->busy) {
		watch->ended = true;
	} else {
		destroy(watch);
	}
}
