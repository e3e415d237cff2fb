/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan is a list of actions. It owns everything in it (names copied, bodies and objects
 * referenced), because the cache may move on while the plan is being executed.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/plan_intern.h"
#include "client/runner.h"
#include "object/schema.h"
#include "json/json.h"

struct plan *plan_new(void)
{
	return MEM_NEW(struct plan);
}

static void action_deinit(struct plan_action *action)
{
	mem_free(action->space);
	mem_free(action->name);
	mem_free(action->subresource);
	json_decref(action->body);
	mem_free(action->uid);
	object_unref(action->about);
	mem_free(action->type);
	mem_free(action->reason);
	mem_free(action->message);
	json_decref(action->shown);
}

struct plan *plan_free(struct plan *plan)
{
	if (plan == NULL) {
		return NULL;
	}
	for (size_t i = 0; i < plan->n; i++) {
		action_deinit(&plan->actions[i]);
	}
	mem_free(plan->actions);
	return mem_free(plan);
}

/* NULL when the plan is full: the rest is left to the next reconcile, which is asked for. */
static struct plan_action *add_action(struct plan *plan, enum plan_verb verb,
				      const struct kind *kind, struct str space, struct str name)
{
	struct plan_action *action;

	if (plan->n == LIMIT_PLAN_ACTIONS) {
		plan->requeue = 1;
		return NULL;
	}
	if (plan->n == plan->size) {
		plan->size = plan->size == 0 ? 8 : plan->size * 2;
		plan->actions = mem_resize(plan->actions, plan->size * sizeof(*plan->actions));
	}
	action = &plan->actions[plan->n++];
	*action = (struct plan_action){
		.verb = verb,
		.kind = kind,
		.space = str_dup(space),
		.name = str_dup(name),
	};
	return action;
}

static void add_request(struct plan *plan, enum plan_verb verb, const struct kind *kind,
			struct str space, struct str name, const char *subresource, json_t *body)
{
	struct plan_action *action = add_action(plan, verb, kind, space, name);

	if (action == NULL) {
		json_decref(body);
		return;
	}
	action->subresource = mem_strdup(subresource);
	action->body = body;
}

void plan_create(struct plan *plan, const struct kind *kind, struct str space, json_t *body)
{
	add_request(plan, PLAN_CREATE, kind, space, str_from(json_string_at(body, "metadata.name")),
		    NULL, body);
}

void plan_update(struct plan *plan, const struct kind *kind, json_t *body)
{
	add_request(plan, PLAN_UPDATE, kind, str_from(json_string_at(body, "metadata.namespace")),
		    str_from(json_string_at(body, "metadata.name")), NULL, body);
}

void plan_update_status(struct plan *plan, const struct kind *kind, json_t *body)
{
	add_request(plan, PLAN_UPDATE, kind, str_from(json_string_at(body, "metadata.namespace")),
		    str_from(json_string_at(body, "metadata.name")), "status", body);
}

void plan_patch(struct plan *plan, const struct kind *kind, struct str space, struct str name,
		const char *subresource, json_t *patch)
{
	add_request(plan, PLAN_PATCH, kind, space, name, subresource, patch);
}

void plan_post(struct plan *plan, const struct kind *kind, struct str space, struct str name,
	       const char *subresource, json_t *body)
{
	add_request(plan, PLAN_POST, kind, space, name, subresource, body);
}

static const char *const propagation_names[] = {
	[PLAN_BACKGROUND] = "Background",
	[PLAN_FOREGROUND] = "Foreground",
	[PLAN_ORPHAN] = "Orphan",
};

void plan_delete(struct plan *plan, struct object *object, int64_t grace,
		 enum plan_propagation propagation)
{
	struct plan_action *action =
		add_action(plan, PLAN_DELETE, object->kind, object->space, object->name);

	if (action == NULL) {
		return;
	}
	action->uid = mem_strdup(object_uid(object));
	action->body = json_pack("{ss ss}", "apiVersion", "v1", "kind", "DeleteOptions");
	if (propagation != PLAN_UNSAID) {
		json_object_set_new(action->body, "propagationPolicy",
				    json_string(propagation_names[propagation]));
	}
	if (action->uid[0] != '\0') {
		json_object_set_new(action->body, "preconditions",
				    json_pack("{ss}", "uid", action->uid));
	}
	if (grace >= 0) {
		json_object_set_new(action->body, "gracePeriodSeconds", json_integer(grace));
	}
}

void plan_event(struct plan *plan, struct object *object, const char *type, const char *reason,
		const char *message_format, ...)
{
	struct plan_action *action =
		add_action(plan, PLAN_EVENT, object->kind, object->space, object->name);
	struct buffer message = BUFFER_INIT(LIMIT_EVENT_MESSAGE * 4);
	va_list arguments;

	if (action == NULL) {
		return;
	}
	va_start(arguments, message_format);
	buffer_vprintf(&message, message_format, arguments);
	va_end(arguments);
	action->about = object_ref(object);
	action->type = mem_strdup(type);
	action->reason = mem_strdup(reason);
	action->message = mem_strdup(buffer_text(&message));
	buffer_deinit(&message);
}

void plan_requeue(struct plan *plan, uint64_t ns)
{
	ns = ns == 0 ? 1 : ns;
	if (plan->requeue == 0 || ns < plan->requeue) {
		plan->requeue = ns;
	}
}

/* Events are no requests: what is said about "the last action" goes to the request before them. */
static struct plan_action *last_request(struct plan *plan)
{
	size_t i = plan->n;

	while (i > 0 && plan->actions[i - 1].verb == PLAN_EVENT) {
		i--;
	}
	return i > 0 ? &plan->actions[i - 1] : NULL;
}

void plan_tolerate(struct plan *plan, const char *reason)
{
	struct plan_action *action = last_request(plan);

	assert(action != NULL);
	for (size_t i = 0; i < PLAN_TOLERATED_MAX; i++) {
		if (action->tolerated[i] == NULL) {
			action->tolerated[i] = reason;
			return;
		}
	}
	assert(!"a plan action tolerates more than PLAN_TOLERATED_MAX reasons");
}

void plan_together(struct plan *plan)
{
	struct plan_action *action = last_request(plan);

	assert(action != NULL);
	action->together = true;
}

void plan_event_on_failure(struct plan *plan, struct object *object, const char *reason,
			   const char *message_format)
{
	struct plan_action *action = last_request(plan);

	assert(action != NULL);
	object_unref(action->about);
	mem_free(action->reason);
	mem_free(action->message);
	action->about = object_ref(object);
	action->reason = mem_strdup(reason);
	action->message = mem_strdup(message_format);
}

struct str plan_action_space(const struct plan_action *action)
{
	return str_from(action->space);
}

struct str plan_action_name(const struct plan_action *action)
{
	return str_from(action->name);
}

bool plan_action_tolerates(const struct plan_action *action, const char *reason)
{
	for (size_t i = 0; i < PLAN_TOLERATED_MAX && action->tolerated[i] != NULL; i++) {
		if (strcmp(action->tolerated[i], reason) == 0) {
			return true;
		}
	}
	return false;
}

/* ---- keys ---- */

void key_sink_add(struct key_sink *sink, struct str key)
{
	sink->add(sink, key);
}

void key_sink_add_name(struct key_sink *sink, struct str space, struct str name)
{
	struct buffer key = BUFFER_INIT(LIMIT_CACHE_KEY);

	if (space.n > 0) {
		buffer_append_str(&key, space);
		buffer_append_char(&key, '/');
	}
	buffer_append_str(&key, name);
	if (!key.overflowed) {
		key_sink_add(sink, buffer_str(&key));
	}
	buffer_deinit(&key);
}

void key_split(struct str key, struct str *ret_space, struct str *ret_name)
{
	struct str rest = key;
	struct str first = str_cut(&rest, '/');

	*ret_space = rest.p != NULL ? first : STR_NONE;
	*ret_name = rest.p != NULL ? rest : first;
}

void source_self(const struct cache *cache, struct object *old, struct object *now,
		 struct key_sink *sink)
{
	struct object *object = now != NULL ? now : old;

	key_sink_add_name(sink, object->space, object->name);
}

/* ---- reading a plan back ---- */

size_t plan_count(const struct plan *plan)
{
	return plan->n;
}

uint64_t plan_requeue_after(const struct plan *plan)
{
	return plan->requeue;
}

static const char *const verb_names[] = {
	[PLAN_CREATE] = "create", [PLAN_UPDATE] = "update", [PLAN_PATCH] = "patch",
	[PLAN_DELETE] = "delete", [PLAN_POST] = "post",     [PLAN_EVENT] = "event",
};

const json_t *plan_action(const struct plan *plan, size_t i)
{
	struct plan_action *action;

	assert(i < plan->n);
	action = &plan->actions[i];
	json_decref(action->shown);
	action->shown =
		json_pack("{ss ss ss ss}", "verb", verb_names[action->verb], "kind",
			  action->kind->kind, "namespace", action->space, "name", action->name);
	if (action->subresource != NULL) {
		json_object_set_new(action->shown, "subresource", json_string(action->subresource));
	}
	if (action->verb == PLAN_EVENT) {
		json_object_set_new(action->shown, "body",
				    json_pack("{ss ss ss}", "type", action->type, "reason",
					      action->reason, "message", action->message));
	} else if (action->body != NULL) {
		json_object_set(action->shown, "body", action->body);
	}
	return action->shown;
}

struct key_collector {
	struct key_sink sink; /* first */
	json_t *keys;
};

static void collect_key(struct key_sink *sink, struct str key)
{
	struct key_collector *collector = (struct key_collector *)(void *)sink;

	json_array_append_new(collector->keys, json_stringn(key.p, key.n));
}

json_t *source_keys(const struct source *source, const struct cache *cache, struct object *old,
		    struct object *now)
{
	struct key_collector collector = { .sink.add = collect_key, .keys = json_array() };

	source->keys(cache, old, now, &collector.sink);
	return collector.keys;
}
