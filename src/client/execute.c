/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan becomes requests, and the answers become waits: what the cache has to show before the key
 * may be reconciled again. Invariant: whatever a request may have changed is either named by a wait
 * or already in the cache. There are three kinds of wait:
 *
 *  revision  the answer carried the object: the kind must be complete up to its revision;
 *  gone      the object was removed, and no revision is known: the cache must have lost it;
 *  doubt     nobody knows what happened (the connection broke, a server error) or which revision it
 *            has (an answer without an object): the server is asked for the object, and the answer
 *            makes it one of the other two. A generated name is made here and not by the server, so
 *            that even a create in doubt can be asked for.
 *
 * That holds for a server in this process, where an answer never precedes its event by much, and
 * for a remote one, where the watch may lag behind by seconds.
 */
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/runner_intern.h"
#include "object/schema.h"
#include "json/json.h"

enum wait_type { WAIT_REVISION, WAIT_GONE, WAIT_DOUBT };

struct wait {
	struct list link;
	struct item *item;
	enum wait_type type;
	const struct kind *kind;
	uint64_t revision; /* REVISION: to be reached; GONE without uid: of the object to be lost */
	char *space;
	char *name;
	char *uid; /* GONE: of the object that must be lost; "" unknown */
	bool asked; /* DOUBT: a probe is under way */
};

struct request {
	struct list link; /* in runner->requests */
	struct item *item; /* NULL: the runner is gone */
	struct wait *wait; /* probes */
	size_t index; /* of the action */
};

static bool is_success(const struct client_response *response)
{
	return response->code >= 200 && response->code <= 299;
}

/* The request may or may not have been carried out. */
static bool is_unknown(const struct client_response *response)
{
	return response->code == 0 || response->code >= 500;
}

static const char *reason_of(const struct client_response *response)
{
	return response->reason != NULL ? response->reason : "";
}

static const char *message_of(const struct client_response *response)
{
	return response->message != NULL ? response->message : "no answer";
}

/* ---- waits ---- */

static void wait_add(struct item *item, enum wait_type type, const struct plan_action *action,
		     uint64_t revision)
{
	struct wait *wait;

	if (!cache_holds(item->slot->runner->cache, action->kind)) {
		return;
	}
	wait = MEM_NEW(struct wait);
	wait->item = item;
	wait->type = type;
	wait->kind = action->kind;
	wait->revision = revision;
	wait->space = mem_strdup(action->space);
	wait->name = mem_strdup(action->name);
	wait->uid = mem_strdup(action->uid != NULL ? action->uid : "");
	list_init(&wait->link);
	list_append(&item->waits, &wait->link);
}

static void wait_free(struct wait *wait)
{
	list_unlink(&wait->link);
	mem_free(wait->space);
	mem_free(wait->name);
	mem_free(wait->uid);
	mem_free(wait);
}

static bool wait_is_over(const struct cache *cache, const struct wait *wait)
{
	struct object *object;

	if (wait->type == WAIT_DOUBT) {
		return false;
	}
	if (wait->type == WAIT_REVISION) {
		return cache_revision(cache, wait->kind) >= wait->revision;
	}
	object = cache_get(cache, wait->kind, str_from(wait->space), str_from(wait->name));
	if (object == NULL) {
		return true;
	}
	return wait->uid[0] != '\0' ? strcmp(object_uid(object), wait->uid) != 0
				    : object->revision != wait->revision;
}

bool execute_settle(struct item *item)
{
	list_for_each (wait, &item->waits, struct wait, link) {
		if (wait_is_over(item->slot->runner->cache, wait)) {
			wait_free(wait);
		}
	}
	return list_is_empty(&item->waits);
}

void execute_drop_waits(struct item *item)
{
	list_for_each (wait, &item->waits, struct wait, link) {
		wait_free(wait);
	}
}

bool execute_in_doubt(const struct item *item)
{
	list_for_each (wait, &item->waits, struct wait, link) {
		if (wait->type == WAIT_DOUBT && !wait->asked) {
			return true;
		}
	}
	return false;
}

/* ---- requests ---- */

static struct request *request_new(struct item *item)
{
	struct request *request = MEM_NEW(struct request);

	request->item = item;
	list_init(&request->link);
	list_append(&item->slot->runner->requests, &request->link);
	return request;
}

/* NULL when the runner has gone meanwhile. */
static struct item *request_end(struct request *request)
{
	struct item *item = request->item;

	list_unlink(&request->link);
	mem_free(request);
	return item;
}

void execute_abandon(struct runner *runner)
{
	list_for_each (request, &runner->requests, struct request, link) {
		list_unlink(&request->link);
		request->item = NULL;
	}
}

static void probed(void *userdata, const struct client_response *response)
{
	struct request *request = userdata;
	struct wait *wait = request->wait;
	struct item *item = request_end(request);
	struct runner *runner;

	if (item == NULL) {
		return;
	}
	runner = item->slot->runner;
	wait->asked = false;
	if (is_success(response) && response->object != NULL) {
		wait->type = WAIT_REVISION;
		wait->revision = response->object->revision;
	} else if (response->code == 404) {
		struct object *known = cache_get(runner->cache, wait->kind, str_from(wait->space),
						 str_from(wait->name));

		wait->type = WAIT_GONE;
		wait->revision = known != NULL ? known->revision : 0;
	} else {
		item->failures++;
	}
	runner_settle(item);
}

void execute_probe(struct item *item)
{
	/* An answer that comes at once may end this item; so the next is looked for afresh. */
	while (item->state == ITEM_SETTLING && item->due == 0 && execute_in_doubt(item)) {
		struct client_request get = { .verb = CLIENT_GET };
		struct request *request = request_new(item);
		bool last;

		list_for_each (wait, &item->waits, struct wait, link) {
			if (wait->type == WAIT_DOUBT && !wait->asked) {
				request->wait = wait;
				break;
			}
		}
		request->wait->asked = true;
		get.kind = request->wait->kind;
		get.space = str_from(request->wait->space);
		get.name = str_from(request->wait->name);
		last = !execute_in_doubt(item);
		client_request(item->slot->runner->client, &get, probed, request);
		if (last) {
			return;
		}
	}
}

/* ---- events ---- */

static void send_event(struct item *item, const struct plan_action *action, const char *type,
		       const char *message)
{
	const struct controller *controller = item->slot->controller;
	struct event_text text = {
		.component = controller->name,
		.host = controller->event_host != NULL ? controller->event_host(action->about) : "",
		.type = type,
		.reason = action->reason,
		.message = message,
	};

	event_recorder_send(item->slot->runner->events, action->about, &text);
}

/* Sends the events that follow action `index`; SIZE_MAX: those that open the plan. */
static void send_events_after(struct item *item, size_t index)
{
	for (size_t i = index + 1; i < item->plan->n && item->plan->actions[i].verb == PLAN_EVENT;
	     i++) {
		const struct plan_action *action = &item->plan->actions[i];

		send_event(item, action, action->type, action->message);
	}
}

static void send_failure_event(struct item *item, const struct plan_action *action,
			       const char *error)
{
	const char *place = action->message != NULL ? strstr(action->message, "%s") : NULL;
	struct buffer message = BUFFER_INIT(LIMIT_EVENT_MESSAGE * 8);

	if (action->about == NULL) {
		return;
	}
	if (place != NULL) {
		buffer_append(&message, action->message, (size_t)(place - action->message));
		buffer_append_text(&message, error);
		buffer_append_text(&message, place + 2);
	} else {
		buffer_append_text(&message, action->message);
	}
	send_event(item, action, "Warning", buffer_text(&message));
	buffer_deinit(&message);
}

/* ---- answers ---- */

/* "forbidden: unable to create new content in namespace x because it is being terminated" */
static bool namespace_is_going(const struct plan_action *action,
			       const struct client_response *response)
{
	if (action->verb != PLAN_CREATE || action->space[0] == '\0') {
		return false;
	}
	return response->code == 404 || (response->code == 403 && response->message != NULL &&
					 strstr(response->message, "being terminated") != NULL);
}

static void note_success(struct item *item, const struct plan_action *action,
			 const struct client_response *response)
{
	const struct object *object = response->object;

	if (object != NULL && object->kind == action->kind) {
		wait_add(item, WAIT_REVISION, action, object->revision);
	}
	if (action->verb == PLAN_DELETE) {
		if (object == NULL || !object_is_deleting(response->object)) {
			wait_add(item, WAIT_GONE, action, 0);
		}
	} else if (object == NULL || object->kind != action->kind) {
		wait_add(item, WAIT_DOUBT, action, 0);
	}
}

static void note_failure(struct item *item, const struct plan_action *action,
			 const struct client_response *response)
{
	const struct controller *controller = item->slot->controller;
	bool expected = response->code == 409 || item->failures < 2;

	if (is_unknown(response)) {
		wait_add(item, WAIT_DOUBT, action, 0);
	}
	log_line(expected ? LOG_DEBUG : LOG_WARNING, controller->name, "%.*s: %s %s/%s: %s",
		 STR_ARG(item->key), action->kind->kind, action->space, action->name,
		 message_of(response));
	send_failure_event(item, action, message_of(response));
	if (!item->failed) {
		mem_free(item->failure);
		item->failure = mem_strdup(message_of(response));
	}
	item->failed = true;
}

static void answered(void *userdata, const struct client_response *response)
{
	struct request *request = userdata;
	size_t index = request->index;
	struct item *item = request_end(request);
	const struct plan_action *action;

	if (item == NULL) {
		return;
	}
	action = &item->plan->actions[index];
	item->in_flight--;
	if (is_success(response)) {
		note_success(item, action, response);
		send_events_after(item, index);
	} else if (!is_unknown(response) && plan_action_tolerates(action, reason_of(response))) {
		log_debug(item->slot->controller->name, "%.*s: tolerated: %s", STR_ARG(item->key),
			  message_of(response));
		/* The cache did not know: it has to catch up with what the server said. */
		wait_add(item, WAIT_DOUBT, action, 0);
	} else if (namespace_is_going(action, response)) {
		item->next = item->plan->n;
	} else {
		note_failure(item, action, response);
	}
	execute_pump(item);
}

/* ---- sending ---- */

static const enum client_verb client_verbs[] = {
	[PLAN_CREATE] = CLIENT_CREATE,     [PLAN_UPDATE] = CLIENT_UPDATE,
	[PLAN_PATCH] = CLIENT_PATCH_MERGE, [PLAN_DELETE] = CLIENT_DELETE,
	[PLAN_POST] = CLIENT_CREATE,
};

/* Gives a create with generateName its name; see the head of this file. */
static void generate_name(struct plan_action *action)
{
	enum { SUFFIX = 5, PREFIX_MAX = 253 - SUFFIX };
	const char *prefix = json_string_at(action->body, "metadata.generateName");
	char suffix[SUFFIX + 1];

	if (action->verb != PLAN_CREATE || action->name[0] != '\0' || prefix[0] == '\0') {
		return;
	}
	random_name_suffix(suffix, SUFFIX);
	mem_free(action->name);
	action->name = mem_printf("%.*s%s", PREFIX_MAX, prefix, suffix);
	json_put(action->body, "metadata.name", json_string(action->name));
}

static void send_action(struct item *item, size_t index)
{
	struct plan_action *action = &item->plan->actions[index];
	struct request *request;
	struct client_request sent = {
		.verb = client_verbs[action->verb],
		.kind = action->kind,
		.subresource = action->subresource,
		.body = action->body,
	};

	generate_name(action);
	sent.space = plan_action_space(action);
	sent.name = plan_action_name(action);
	if (action->verb == PLAN_POST && (strcmp(action->subresource, "finalize") == 0 ||
					  strcmp(action->subresource, "scale") == 0)) {
		sent.verb = CLIENT_UPDATE;
	}
	request = request_new(item);
	request->index = index;
	item->in_flight++;
	client_request(item->slot->runner->client, &sent, answered, request);
}

/* The last request before action `index`, or NULL. */
static const struct plan_action *request_before(const struct plan *plan, size_t index)
{
	while (index > 0) {
		if (plan->actions[--index].verb != PLAN_EVENT) {
			return &plan->actions[index];
		}
	}
	return NULL;
}

static bool may_send(const struct item *item)
{
	const struct plan_action *next = &item->plan->actions[item->next];
	const struct plan_action *before = request_before(item->plan, item->next);

	if (item->in_flight == 0) {
		return true;
	}
	if (item->in_flight >= LIMIT_PLAN_PIPELINE || before == NULL) {
		return false;
	}
	return next->together || (next->verb == before->verb && next->kind == before->kind &&
				  (next->verb == PLAN_CREATE || next->verb == PLAN_DELETE));
}

void execute_pump(struct item *item)
{
	/* An answer may come before client_request() returns. */
	if (item->pumping) {
		return;
	}
	item->pumping = true;
	if (item->next == 0) {
		send_events_after(item, SIZE_MAX);
	}
	while (!item->failed && item->next < item->plan->n) {
		if (item->plan->actions[item->next].verb == PLAN_EVENT) {
			item->next++;
		} else if (may_send(item)) {
			send_action(item, item->next++);
		} else {
			break;
		}
	}
	item->pumping = false;
	if (item->in_flight == 0) {
		runner_finished(item);
	}
}
