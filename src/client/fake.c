/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One map holds every object under "plural.group/namespace/name". A write makes the new tree,
 * counts the revision, and puts an event into the queue of every watch of the kind; order within a
 * queue is kept, order between queues and answers is drawn.
 */
#include "client/fake.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/random.h"
#include "client/runner.h"
#include "loop/loop.h"
#include "object/kinds.h"
#include "object/schema.h"
#include "json/json.h"
#include "json/patch.h"

struct fake {
	struct client client; /* first */
	const struct clock *clock;
	struct random_state random;
	struct map objects;
	struct list watches;
	size_t n_watches;
	struct list answers;
	size_t n_answers;
	uint64_t revision;
	uint64_t uids;
	size_t refuse;
	int refuse_code;
	const char *refuse_reason;
	unsigned lose_percent;
};

enum event_type { EVENT_RESET, EVENT_CHANGED, EVENT_REMOVED, EVENT_SYNCED };

struct event {
	struct list link;
	enum event_type type;
	struct object *object;
	uint64_t revision;
};

struct watch {
	struct client_watch base; /* first */
	struct list link;
	struct fake *fake;
	const struct kind *kind;
	const struct client_sink *sink;
	void *userdata;
	struct list events;
};

/* What came of a request. */
struct outcome {
	int code;
	struct object *object; /* owned */
	const char *reason;
	char message[256];
};

struct answer {
	struct list link;
	client_done_fn done;
	void *userdata;
	struct outcome outcome;
};

/* ---- objects ---- */

static void object_key(struct buffer *key, const struct kind *kind, struct str space,
		       struct str name)
{
	buffer_printf(key, "%s.%s/%.*s/%.*s", kind->plural, kind->group, STR_ARG(space),
		      STR_ARG(name));
}

static struct object *find_object(const struct fake *fake, const struct kind *kind,
				  struct str space, struct str name)
{
	struct buffer key = BUFFER_INIT(LIMIT_CACHE_KEY);
	struct object *object;

	object_key(&key, kind, space, name);
	object = map_get(&fake->objects, buffer_str(&key));
	buffer_deinit(&key);
	return object;
}

static void watch_event(struct watch *watch, enum event_type type, struct object *object,
			uint64_t revision)
{
	struct event *event = MEM_NEW(struct event);

	event->type = type;
	event->object = object != NULL ? object_ref(object) : NULL;
	event->revision = revision;
	list_init(&event->link);
	list_append(&watch->events, &event->link);
}

static void tell_watches(struct fake *fake, enum event_type type, struct object *object)
{
	list_for_each (watch, &fake->watches, struct watch, link) {
		if (watch->kind == object->kind) {
			watch_event(watch, type, object, object->revision);
		}
	}
}

/* Makes the object of a tree (stolen) at the next revision. */
static struct object *next_version(struct fake *fake, const struct kind *kind, json_t *tree)
{
	struct object *object;
	char revision[24];
	int outcome;

	snprintf(revision, sizeof(revision), "%" PRIu64, ++fake->revision);
	json_put(tree, "metadata.resourceVersion", json_string(revision));
	outcome = object_new_tree(kind, tree, &object);
	assert(outcome == 0);
	return object;
}

static void store_object(struct fake *fake, struct object *object)
{
	struct buffer key = BUFFER_INIT(LIMIT_CACHE_KEY);

	object_key(&key, object->kind, object->space, object->name);
	object_unref(map_put(&fake->objects, buffer_str(&key), object));
	buffer_deinit(&key);
}

static void remove_object(struct fake *fake, struct object *object)
{
	struct buffer key = BUFFER_INIT(LIMIT_CACHE_KEY);
	struct object *last = next_version(fake, object->kind, json_deep_copy(object_tree(object)));

	object_key(&key, object->kind, object->space, object->name);
	object_unref(map_remove(&fake->objects, buffer_str(&key)));
	buffer_deinit(&key);
	tell_watches(fake, EVENT_REMOVED, last);
	object_unref(last);
}

/* ---- outcomes ---- */

static void fail(struct outcome *outcome, int code, const char *reason, struct str name)
{
	outcome->code = code;
	outcome->reason = reason;
	snprintf(outcome->message, sizeof(outcome->message), "%.*s: %s", STR_ARG(name), reason);
}

static void succeed(struct outcome *outcome, int code, struct object *object)
{
	outcome->code = code;
	outcome->object = object != NULL ? object_ref(object) : NULL;
}

/* ---- writes ---- */

static bool has_finalizers(const json_t *tree)
{
	return json_array_size(json_at(tree, "metadata.finalizers")) > 0 ||
	       json_array_size(json_at(tree, "spec.finalizers")) > 0;
}

/*
 * Puts `tree` (stolen) in the place of `old`, or removes it when its deletion was waiting for this.
 */
static void replace(struct fake *fake, struct object *old, json_t *tree, struct outcome *outcome)
{
	const json_t *before = object_tree(old);
	struct object *object;

	json_put(tree, "metadata.resourceVersion",
		 json_incref(json_at(before, "metadata.resourceVersion")));
	if (json_equal(before, tree)) {
		json_decref(tree);
		succeed(outcome, 200, old);
		return;
	}
	if ((old->kind->flags & KIND_GENERATION) != 0 &&
	    !json_equal(json_at(before, "spec"), json_at(tree, "spec"))) {
		json_put(tree, "metadata.generation",
			 json_integer(json_int_at(before, "metadata.generation", 0) + 1));
	}
	object = next_version(fake, old->kind, tree);
	if (object_is_deleting(object) && !has_finalizers(tree) &&
	    json_int_at(tree, "metadata.deletionGracePeriodSeconds", 0) == 0) {
		succeed(outcome, 200, object);
		remove_object(fake, object);
		object_unref(object);
		return;
	}
	store_object(fake, object);
	tell_watches(fake, EVENT_CHANGED, object);
	succeed(outcome, 200, object);
}

static bool namespace_is_terminating(struct fake *fake, struct str space)
{
	struct object *object = find_object(fake, &kind_namespace, STR_NONE, space);

	return space.n > 0 && object != NULL && object_is_deleting(object);
}

static void complete_new(struct fake *fake, const struct kind *kind, struct str space, json_t *tree)
{
	char text[TIMESTAMP_TEXT];
	char uid[40];

	snprintf(uid, sizeof(uid), "00000000-0000-4000-8000-%012" PRIu64, ++fake->uids);
	timestamp_format(clock_wall_seconds(fake->clock), text);
	json_put(tree, "apiVersion", json_string(kind->version));
	if (kind->group[0] != '\0') {
		json_put(tree, "apiVersion", json_sprintf("%s/%s", kind->group, kind->version));
	}
	json_put(tree, "kind", json_string(kind->kind));
	json_put(tree, "metadata.uid", json_string(uid));
	json_put(tree, "metadata.creationTimestamp", json_string(text));
	if (space.n > 0) {
		json_put(tree, "metadata.namespace", json_stringn(space.p, space.n));
	}
	if ((kind->flags & KIND_GENERATION) != 0) {
		json_put(tree, "metadata.generation", json_integer(1));
	}
	if (kind == &kind_namespace) {
		json_put(tree, "spec.finalizers", json_pack("[s]", "kubernetes"));
		json_put(tree, "status.phase", json_string("Active"));
	}
}

static void do_create(struct fake *fake, const struct client_request *request,
		      struct outcome *outcome)
{
	json_t *tree = json_deep_copy(request->body);
	char suffix[6];
	struct object *object;
	struct str name;

	if (json_string_at(tree, "metadata.name")[0] == '\0') {
		random_name_suffix(suffix, sizeof(suffix) - 1);
		json_put(tree, "metadata.name",
			 json_sprintf("%s%s", json_string_at(tree, "metadata.generateName"),
				      suffix));
	}
	name = str_from(json_string_at(tree, "metadata.name"));
	if (namespace_is_terminating(fake, request->space)) {
		outcome->code = 403;
		outcome->reason = "Forbidden";
		snprintf(outcome->message, sizeof(outcome->message),
			 "unable to create new content in namespace %.*s because it is being "
			 "terminated",
			 STR_ARG(request->space));
		json_decref(tree);
		return;
	}
	if (find_object(fake, request->kind, request->space, name) != NULL) {
		fail(outcome, 409, "AlreadyExists", name);
		json_decref(tree);
		return;
	}
	complete_new(fake, request->kind, request->space, tree);
	object = next_version(fake, request->kind, tree);
	store_object(fake, object);
	tell_watches(fake, EVENT_CHANGED, object);
	succeed(outcome, 201, object);
}

/* What no client may change. */
static void keep_metadata(json_t *tree, const json_t *before)
{
	static const char *const kept[] = {
		"metadata.uid",
		"metadata.creationTimestamp",
		"metadata.generation",
		"metadata.deletionTimestamp",
		"metadata.deletionGracePeriodSeconds",
	};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		json_t *value = json_at(before, kept[i]);

		if (value != NULL) {
			json_put(tree, kept[i], json_incref(value));
		} else {
			json_remove(tree, kept[i]);
		}
	}
}

/* What of `body` a write to `subresource` may change, put onto the old object. */
static json_t *merge_subresource(struct object *old, const char *subresource, const json_t *body)
{
	const json_t *before = object_tree(old);
	json_t *tree;

	if (subresource == NULL) {
		tree = json_deep_copy(body);
		keep_metadata(tree, before);
		if ((old->kind->flags & KIND_STATUS) != 0) {
			json_object_del(tree, "status");
			if (json_at(before, "status") != NULL) {
				json_object_set(tree, "status", json_at(before, "status"));
			}
		}
		return tree;
	}
	tree = json_deep_copy(before);
	if (strcmp(subresource, "status") == 0) {
		json_object_set(tree, "status", json_object_get(body, "status"));
	} else if (strcmp(subresource, "finalize") == 0) {
		json_put(tree, "spec.finalizers", json_deep_copy(json_at(body, "spec.finalizers")));
	} else if (strcmp(subresource, "scale") == 0) {
		json_put(tree, "spec.replicas", json_deep_copy(json_at(body, "spec.replicas")));
	}
	return tree;
}

static void do_update(struct fake *fake, const struct client_request *request, struct object *old,
		      struct outcome *outcome)
{
	const char *expected = json_string_at(request->body, "metadata.resourceVersion");
	const char *uid = json_string_at(request->body, "metadata.uid");
	json_t *tree;

	if ((expected[0] != '\0' &&
	     strcmp(expected, json_string_at(object_tree(old), "metadata.resourceVersion")) != 0) ||
	    (uid[0] != '\0' && strcmp(uid, object_uid(old)) != 0)) {
		fail(outcome, 409, "Conflict", old->name);
		return;
	}
	tree = merge_subresource(old, request->subresource, request->body);
	replace(fake, old, tree, outcome);
}

static void do_patch(struct fake *fake, const struct client_request *request, struct object *old,
		     struct outcome *outcome)
{
	_cleanup_json_ json_t *patched = json_merge_patch(object_tree(old), request->body);
	struct client_request update = *request;

	update.body = patched;
	do_update(fake, &update, old, outcome);
}

static void do_bind(struct fake *fake, const struct client_request *request, struct object *old,
		    struct outcome *outcome)
{
	json_t *tree;

	if (json_string_at(object_tree(old), "spec.nodeName")[0] != '\0') {
		fail(outcome, 409, "Conflict", old->name);
		return;
	}
	tree = json_deep_copy(object_tree(old));
	json_put(tree, "spec.nodeName", json_string(json_string_at(request->body, "target.name")));
	replace(fake, old, tree, outcome);
	/* A binding is answered by a bare Status. */
	outcome->object = object_unref(outcome->object);
	outcome->code = 201;
}

static int64_t grace_of(struct object *object, const json_t *options)
{
	const json_t *tree = object_tree(object);
	const char *phase = json_string_at(tree, "status.phase");

	if ((object->kind->flags & KIND_GRACEFUL) == 0 ||
	    json_string_at(tree, "spec.nodeName")[0] == '\0' || strcmp(phase, "Failed") == 0 ||
	    strcmp(phase, "Succeeded") == 0) {
		return 0;
	}
	return json_int_at(options, "gracePeriodSeconds",
			   json_int_at(tree, "spec.terminationGracePeriodSeconds", 30));
}

static void add_finalizer(json_t *tree, const char *propagation)
{
	const char *name = strcmp(propagation, "Foreground") == 0 ? "foregroundDeletion"
			   : strcmp(propagation, "Orphan") == 0   ? "orphan"
								  : NULL;
	json_t *finalizers = json_at(tree, "metadata.finalizers");

	if (name == NULL || json_string_at(tree, "metadata.deletionTimestamp")[0] != '\0') {
		return;
	}
	if (finalizers == NULL) {
		finalizers = json_array();
		json_put(tree, "metadata.finalizers", finalizers);
	}
	json_array_append_new(finalizers, json_string(name));
}

static void do_delete(struct fake *fake, const struct client_request *request,
		      struct object *object, struct outcome *outcome)
{
	const char *uid = json_string_at(request->body, "preconditions.uid");
	int64_t grace = grace_of(object, request->body);
	char until[TIMESTAMP_TEXT];
	json_t *tree;

	if (uid[0] != '\0' && strcmp(uid, object_uid(object)) != 0) {
		fail(outcome, 409, "Conflict", object->name);
		return;
	}
	tree = json_deep_copy(object_tree(object));
	add_finalizer(tree, json_string_at(request->body, "propagationPolicy"));
	if (grace == 0 && !has_finalizers(tree)) {
		/* Servers differ: the last state of the object, or a bare Status. */
		succeed(outcome, 200, random_below(&fake->random, 2) == 0 ? object : NULL);
		json_decref(tree);
		remove_object(fake, object);
		return;
	}
	if (!object_is_deleting(object) ||
	    grace < json_int_at(tree, "metadata.deletionGracePeriodSeconds", 0)) {
		timestamp_format(clock_wall_seconds(fake->clock) + grace, until);
		json_put(tree, "metadata.deletionTimestamp", json_string(until));
		json_put(tree, "metadata.deletionGracePeriodSeconds", json_integer(grace));
	}
	if (object->kind == &kind_namespace) {
		json_put(tree, "status.phase", json_string("Terminating"));
	}
	replace(fake, object, tree, outcome);
}

static void carry_out(struct fake *fake, const struct client_request *request,
		      struct outcome *outcome)
{
	bool binding = request->subresource != NULL && strcmp(request->subresource, "binding") == 0;
	struct object *object;

	*outcome = (struct outcome){ 0 };
	if (request->verb != CLIENT_GET && fake->refuse > 0) {
		fake->refuse--;
		fail(outcome, fake->refuse_code, fake->refuse_reason, request->name);
		return;
	}
	if (request->verb == CLIENT_CREATE && !binding) {
		do_create(fake, request, outcome);
		return;
	}
	object = find_object(fake, request->kind, request->space, request->name);
	if (object == NULL) {
		fail(outcome, 404, "NotFound", request->name);
		return;
	}
	object_ref(object);
	if (binding) {
		do_bind(fake, request, object, outcome);
	} else if (request->verb == CLIENT_GET) {
		succeed(outcome, 200, object);
	} else if (request->verb == CLIENT_UPDATE) {
		do_update(fake, request, object, outcome);
	} else if (request->verb == CLIENT_DELETE) {
		do_delete(fake, request, object, outcome);
	} else {
		do_patch(fake, request, object, outcome);
	}
	object_unref(object);
}

/* ---- the client ---- */

static void fake_request(struct client *client, const struct client_request *request,
			 client_done_fn done, void *userdata)
{
	struct fake *fake = container_of(client, struct fake, client);
	struct answer *answer = MEM_NEW(struct answer);

	carry_out(fake, request, &answer->outcome);
	if (request->verb != CLIENT_GET && random_below(&fake->random, 100) < fake->lose_percent) {
		object_unref(answer->outcome.object);
		answer->outcome = (struct outcome){ .message = "connection reset" };
	}
	answer->done = done;
	answer->userdata = userdata;
	list_init(&answer->link);
	list_append(&fake->answers, &answer->link);
	fake->n_answers++;
}

/* Everything of the watch's kind, from the start. */
static void list_objects(struct watch *watch)
{
	watch_event(watch, EVENT_RESET, NULL, 0);
	map_for_each (entry, &watch->fake->objects) {
		struct object *object = entry->value;

		if (object->kind == watch->kind) {
			watch_event(watch, EVENT_CHANGED, object, 0);
		}
	}
	watch_event(watch, EVENT_SYNCED, NULL, watch->fake->revision);
}

static struct client_watch *fake_watch(struct client *client, const struct kind *kind,
				       const char *label_selector, const char *field_selector,
				       const struct client_sink *sink, void *userdata)
{
	struct fake *fake = container_of(client, struct fake, client);
	struct watch *watch = MEM_NEW(struct watch);

	assert(label_selector == NULL);
	watch->fake = fake;
	watch->kind = kind;
	watch->sink = sink;
	watch->userdata = userdata;
	list_init(&watch->events);
	list_init(&watch->link);
	list_append(&fake->watches, &watch->link);
	fake->n_watches++;
	list_objects(watch);
	return &watch->base;
}

static void drop_events(struct watch *watch)
{
	list_for_each (event, &watch->events, struct event, link) {
		list_unlink(&event->link);
		object_unref(event->object);
		mem_free(event);
	}
}

static void fake_unwatch(struct client_watch *base)
{
	struct watch *watch = container_of(base, struct watch, base);

	watch->fake->n_watches--;
	list_unlink(&watch->link);
	drop_events(watch);
	mem_free(watch);
}

static void not_freed_so(struct client *client)
{
}

static const struct client_ops fake_ops = {
	.request = fake_request,
	.watch = fake_watch,
	.unwatch = fake_unwatch,
	.free = not_freed_so,
};

struct fake *fake_new(const struct clock *clock, uint64_t seed)
{
	struct fake *fake = MEM_NEW(struct fake);

	fake->client.ops = &fake_ops;
	fake->clock = clock;
	random_state_seed(&fake->random, seed);
	map_init(&fake->objects, LIMIT_CACHE_OBJECTS);
	list_init(&fake->watches);
	list_init(&fake->answers);
	return fake;
}

static void release_object(void *value)
{
	object_unref(value);
}

static void deliver_answer(struct fake *fake, struct answer *answer)
{
	struct client_response response = {
		.code = answer->outcome.code,
		.object = answer->outcome.object,
		.reason = answer->outcome.reason,
		.message = answer->outcome.message,
	};

	list_unlink(&answer->link);
	fake->n_answers--;
	answer->done(answer->userdata, &response);
	object_unref(answer->outcome.object);
	mem_free(answer);
}

struct fake *fake_free(struct fake *fake)
{
	if (fake == NULL) {
		return NULL;
	}
	assert(list_is_empty(&fake->watches));
	while (!list_is_empty(&fake->answers)) {
		deliver_answer(fake, list_entry(fake->answers.next, struct answer, link));
	}
	map_deinit(&fake->objects, release_object);
	return mem_free(fake);
}

struct client *fake_client(struct fake *fake)
{
	return &fake->client;
}

/* ---- delivering ---- */

static void deliver_event(struct watch *watch)
{
	struct event *event = list_entry(watch->events.next, struct event, link);

	list_unlink(&event->link);
	switch (event->type) {
	case EVENT_RESET:
		watch->sink->reset(watch->userdata);
		break;
	case EVENT_CHANGED:
		watch->sink->changed(watch->userdata, event->object);
		break;
	case EVENT_REMOVED:
		watch->sink->removed(watch->userdata, event->object);
		break;
	case EVENT_SYNCED:
		watch->sink->synced(watch->userdata, event->revision);
		break;
	}
	object_unref(event->object);
	mem_free(event);
}

bool fake_step(struct fake *fake)
{
	size_t n = fake->n_answers;
	size_t chosen;

	list_for_each (watch, &fake->watches, struct watch, link) {
		n += list_is_empty(&watch->events) ? 0 : 1;
	}
	if (n == 0) {
		return false;
	}
	chosen = random_below(&fake->random, (uint32_t)n);
	list_for_each (answer, &fake->answers, struct answer, link) {
		if (chosen-- == 0) {
			deliver_answer(fake, answer);
			return true;
		}
	}
	list_for_each (watch, &fake->watches, struct watch, link) {
		if (!list_is_empty(&watch->events) && chosen-- == 0) {
			deliver_event(watch);
			return true;
		}
	}
	return false;
}

bool fake_settle(struct fake *fake, struct loop *loop, struct runner *runner)
{
	enum { STEPS_MOST = 1000000, QUIET_ROUNDS = 3 };
	unsigned quiet = 0;

	for (unsigned i = 0; i < STEPS_MOST; i++) {
		loop_run_once(loop);
		if (fake_step(fake)) {
			quiet = 0;
			continue;
		}
		if (runner != NULL) {
			runner_run_due(runner);
		}
		if (++quiet >= QUIET_ROUNDS) {
			return true;
		}
	}
	return false;
}

/* ---- faults ---- */

void fake_refuse(struct fake *fake, size_t n, int code, const char *reason)
{
	fake->refuse = n;
	fake->refuse_code = code;
	fake->refuse_reason = reason;
}

void fake_lose_answers(struct fake *fake, unsigned percent)
{
	fake->lose_percent = percent;
}

void fake_break_watches(struct fake *fake)
{
	list_for_each (watch, &fake->watches, struct watch, link) {
		drop_events(watch);
		list_objects(watch);
	}
}

/* ---- kubectl's part ---- */

static int at_once(struct fake *fake, struct client_request *request)
{
	struct outcome outcome;

	carry_out(fake, request, &outcome);
	object_unref(outcome.object);
	json_decref((json_t *)request->body);
	return outcome.code;
}

int fake_create(struct fake *fake, const struct kind *kind, json_t *body)
{
	struct client_request request = {
		.verb = CLIENT_CREATE,
		.kind = kind,
		.space = str_from(json_string_at(body, "metadata.namespace")),
		.name = str_from(json_string_at(body, "metadata.name")),
		.body = body,
	};

	return at_once(fake, &request);
}

int fake_patch(struct fake *fake, const struct kind *kind, const char *space, const char *name,
	       const char *subresource, json_t *patch)
{
	struct client_request request = {
		.verb = CLIENT_PATCH_MERGE,
		.kind = kind,
		.space = str_from(space),
		.name = str_from(name),
		.subresource = subresource,
		.body = patch,
	};

	return at_once(fake, &request);
}

int fake_delete(struct fake *fake, const struct kind *kind, const char *space, const char *name,
		int64_t grace)
{
	struct client_request request = {
		.verb = CLIENT_DELETE,
		.kind = kind,
		.space = str_from(space),
		.name = str_from(name),
		.body = grace < 0 ? json_object()
				  : json_pack("{sI}", "gracePeriodSeconds", (json_int_t)grace),
	};

	return at_once(fake, &request);
}

const json_t *fake_get(const struct fake *fake, const struct kind *kind, const char *space,
		       const char *name)
{
	struct object *object = find_object(fake, kind, str_from(space), str_from(name));

	return object != NULL ? object_tree(object) : NULL;
}

const json_t *fake_nth(const struct fake *fake, const struct kind *kind, size_t i)
{
	map_for_each (entry, &fake->objects) {
		struct object *object = entry->value;

		if (object->kind == kind && i-- == 0) {
			return object_tree(object);
		}
	}
	return NULL;
}

size_t fake_count(const struct fake *fake, const struct kind *kind)
{
	size_t n = 0;

	map_for_each (entry, &fake->objects) {
		n += ((struct object *)entry->value)->kind == kind ? 1 : 0;
	}
	return n;
}

uint64_t fake_revision(const struct fake *fake)
{
	return fake->revision;
}
