/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local client. A request becomes the same struct write that HTTP makes; a watch reads the hub
 * at once when the hub says that there is something, so that caches are up to date before the
 * writer hears that it is done.
 */
#include "api/local.h"

#include "api/admission.h"
#include "api/intern.h"
#include "api/keys.h"
#include "api/status.h"
#include "api/strict.h"
#include "api/summary.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/client.h"
#include "object/object.h"
#include "watch/hub.h"
#include "json/json.h"

struct local {
	struct client client;
	struct api *api;
};

/* ---- objects ---- */

static void release_item(void *owner)
{
	hub_item_unref(owner);
}

static struct object *share(struct hub_item *item)
{
	struct key_parts parts;

	if (!key_parts_of(item->key, &parts)) {
		return NULL;
	}
	return object_new_shared(parts.kind, item->revision, parts.space, parts.name, item->text,
				 hub_item_ref(item), release_item);
}

/* ---- requests ---- */

struct pending {
	client_done_fn done;
	void *userdata;
};

static void respond(client_done_fn done, void *userdata, int code, struct object *object,
		    const json_t *refusal)
{
	const struct client_response response = {
		.code = refusal != NULL ? status_code(refusal) : code,
		.object = object,
		.reason = refusal != NULL ? json_string_at(refusal, "reason") : NULL,
		.message = refusal != NULL ? json_string_at(refusal, "message") : NULL,
	};

	done(userdata, &response);
}

static void written(struct write *write, const json_t *refusal)
{
	struct pending *pending = write->userdata;
	struct object *object = NULL;

	if (refusal == NULL && !write->bare) {
		object_new(write->kind, buffer_str(&write->text), &object);
	}
	respond(pending->done, pending->userdata, write->code, object, refusal);
	object_unref(object);
	mem_free(pending);
}

static void get(struct api *api, const struct client_request *request, client_done_fn done,
		void *userdata)
{
	_cleanup_buffer_ struct buffer key = BUFFER_INIT(LIMIT_STORE_KEY);

	key_of(request->kind, request->space, request->name, &key);
	struct hub_item *item = hub_get(api->hub, buffer_str(&key));
	if (item == NULL) {
		_cleanup_json_ json_t *refusal = status_not_found(request->kind, request->name);
		respond(done, userdata, 0, NULL, refusal);
		return;
	}
	struct object *object = share(item);
	respond(done, userdata, 200, object, NULL);
	object_unref(object);
}

static enum part part_of(const char *subresource)
{
	static const struct {
		const char *name;
		enum part part;
	} parts[] = {
		{ "status", PART_STATUS },     { "scale", PART_SCALE },
		{ "binding", PART_BINDING },   { "eviction", PART_EVICTION },
		{ "finalize", PART_FINALIZE }, { "approval", PART_APPROVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts) && subresource != NULL; i++) {
		if (strcmp(parts[i].name, subresource) == 0) {
			return parts[i].part;
		}
	}
	return PART_WHOLE;
}

static write_change_fn change_of(enum client_verb verb, enum part part)
{
	switch (verb) {
	case CLIENT_CREATE:
		return part == PART_BINDING    ? binding_change
		       : part == PART_EVICTION ? delete_change
					       : create_change;
	case CLIENT_UPDATE:
		return part == PART_SCALE ? scale_update_change : update_change;
	case CLIENT_PATCH_MERGE:
	case CLIENT_PATCH_STRATEGIC:
		return part == PART_SCALE ? scale_patch_change : patch_change;
	case CLIENT_DELETE:
	case CLIENT_GET:
		break;
	}
	return delete_change;
}

static bool is_whole_object(enum client_verb verb, enum part part)
{
	return (verb == CLIENT_CREATE || verb == CLIENT_UPDATE) && part != PART_SCALE &&
	       part != PART_BINDING && part != PART_EVICTION;
}

/*
 * The body as HTTP would have decoded it. Our own controllers send no unknown fields; if one does,
 * it is a bug worth a line.
 */
static json_t *take_body(const struct client_request *request, enum part part, json_t **ret_refusal)
{
	_cleanup_strict_ struct strict_report report = { .n = 0 };
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	json_t *body = request->body != NULL ? json_deep_copy(request->body) : json_object();

	if (!is_whole_object(request->verb, part)) {
		return body;
	}
	if (!json_is_object(json_object_get(body, "metadata"))) {
		json_object_set_new(body, "metadata", json_object());
	}
	if (object_conform(request->kind, body, &report, &message) != 0) {
		*ret_refusal = status_new(OUTCOME_BAD_REQUEST, "%s", buffer_text(&message));
	}
	if (report.n != 0) {
		log_warning("api", "%s %.*s from inside: %s", request->kind->kind,
			    STR_ARG(request->name), report.items[0]);
	}
	return body;
}

static void local_request(struct client *client, const struct client_request *request,
			  client_done_fn done, void *userdata)
{
	struct api *api = container_of(client, struct local, client)->api;
	enum part part = part_of(request->subresource);
	json_t *refusal = NULL;

	if (request->verb == CLIENT_GET) {
		get(api, request, done, userdata);
		return;
	}
	json_t *body = take_body(request, part, &refusal);
	if (refusal != NULL) {
		respond(done, userdata, 0, NULL, refusal);
		json_decref(refusal);
		json_decref(body);
		return;
	}
	struct str name = request->name;
	if (request->verb == CLIENT_CREATE && name.n == 0) {
		name = str_from(json_string_at(body, "metadata.name"));
	}
	struct pending *pending = MEM_NEW(struct pending);
	*pending = (struct pending){ .done = done, .userdata = userdata };
	struct write *write = write_new(api, request->kind, request->space, name, body);
	write->part = part;
	write->format = request->verb == CLIENT_PATCH_STRATEGIC ? PATCH_STRATEGIC : PATCH_MERGE;
	write->generate = request->verb == CLIENT_CREATE && name.n == 0;
	write->validation = VALIDATION_IGNORE;
	write_run(write, change_of(request->verb, part), written, pending);
}

/* ---- watches ---- */

struct local_watch {
	struct client_watch watch;
	struct api *api;
	struct buffer prefix;
	struct selection selection;
	const struct client_sink *sink;
	void *userdata;
	struct hub_watcher *watcher;
	bool busy; /* inside a call of the sink */
	bool ended; /* ... during which the watch was given up */
};

static void start(struct local_watch *watch);

static void destroy(struct local_watch *watch)
{
	hub_watcher_free(watch->watcher);
	selection_deinit(&watch->selection);
	buffer_deinit(&watch->prefix);
	mem_free(watch);
}

static void changed(struct local_watch *watch, struct hub_item *item)
{
	struct object *object = share(item);

	if (object != NULL && watch->sink->changed != NULL) {
		watch->sink->changed(watch->userdata, object);
	}
	object_unref(object);
}

static void removed(struct local_watch *watch, struct hub_item *last)
{
	struct object *object = share(last);

	if (object != NULL && watch->sink->removed != NULL) {
		watch->sink->removed(watch->userdata, object);
	}
	object_unref(object);
}

static void deliver(struct local_watch *watch, const struct hub_event *event)
{
	bool had = event->previous != NULL && selection_has(&watch->selection, event->previous);
	bool has = event->type != HUB_DELETED && selection_has(&watch->selection, event->item);

	if (has) {
		changed(watch, event->item);
	} else if (event->type == HUB_DELETED && (had || event->previous == NULL)) {
		removed(watch, event->item);
	} else if (had) {
		removed(watch, event->previous);
	}
}

static void synced(struct local_watch *watch, uint64_t revision)
{
	if (!watch->ended && watch->sink->synced != NULL) {
		watch->sink->synced(watch->userdata, revision);
	}
}

static void drain(void *userdata)
{
	struct local_watch *watch = userdata;
	struct hub_event event;
	int r = HUB_EMPTY;

	if (watch->busy) {
		return;
	}
	watch->busy = true;
	while (!watch->ended && (r = hub_watcher_next(watch->watcher, &event)) == 0) {
		if (event.type != HUB_BOOKMARK) {
			deliver(watch, &event);
		}
	}
	if (!watch->ended && r == HUB_EMPTY) {
		synced(watch, hub_watcher_revision(watch->watcher));
	}
	watch->busy = false;
	if (watch->ended) {
		destroy(watch);
	} else if (r == HUB_GONE) {
		watch->watcher = hub_watcher_free(watch->watcher);
		start(watch);
	}
}

/* Everything that is there, then what happens from then on. */
static void start(struct local_watch *watch)
{
	const struct hub *hub = watch->api->hub;
	struct str prefix = buffer_str(&watch->prefix);
	uint64_t revision = hub_revision(hub);

	int r = hub_watch(watch->api->hub, prefix, revision, drain, watch, &watch->watcher);
	if (r != 0) {
		log_error("api", "a part of this process cannot watch: too many watches are open");
		return;
	}
	watch->busy = true;
	if (watch->sink->connected != NULL) {
		watch->sink->connected(watch->userdata, true);
	}
	if (watch->sink->reset != NULL) {
		watch->sink->reset(watch->userdata);
	}
	for (struct hub_item *item = hub_next(hub, prefix, STR_NONE); item != NULL && !watch->ended;
	     item = hub_next(hub, prefix, item->key)) {
		if (selection_has(&watch->selection, item)) {
			changed(watch, item);
		}
	}
	synced(watch, revision);
	watch->busy = false;
	if (watch->ended) {
		destroy(watch);
		return;
	}
	/* Arms the wake-up, which comes after an empty read only. */
	drain(watch);
}

static struct client_watch *local_watch(struct client *client, const struct kind *kind,
					const char *label_selector, const char *field_selector,
					const struct client_sink *sink, void *userdata)
{
	struct local_watch *watch = MEM_NEW(struct local_watch);

	watch->api = container_of(client, struct local, client)->api;
	watch->sink = sink;
	watch->userdata = userdata;
	buffer_init(&watch->prefix, LIMIT_STORE_KEY);
	key_prefix(kind, STR_NONE, &watch->prefix);
	json_t *refusal = selection_init(&watch->selection, kind, label_selector, field_selector);
	if (refusal != NULL) {
		log_error("api", "selectors \"%s\", \"%s\": %s",
			  label_selector != NULL ? label_selector : "",
			  field_selector != NULL ? field_selector : "",
			  json_string_at(refusal, "message"));
		json_decref(refusal);
	}
	start(watch);
	return &watch->watch;
}

static void local_unwatch(struct client_watch *client_watch_)
{
	struct local_watch *watch = container_of(client_watch_, struct local_watch, watch);

	if (watch->busy) {
		watch->ended = true;
	} else {
		destroy(watch);
	}
}

static void local_free(struct client *client)
{
	mem_free(container_of(client, struct local, client));
}

static const struct client_ops local_ops = {
	.request = local_request,
	.watch = local_watch,
	.unwatch = local_unwatch,
	.free = local_free,
};

struct client *api_local_client(struct api *api)
{
	struct local *local = MEM_NEW(struct local);

	local->client.ops = &local_ops;
	local->api = api;
	return &local->client;
}
