/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One object at a time: read it, then create or patch it, then the next. Every step begins in a
 * turn of the loop of its own, so any number of objects neither blocks the loop nor grows the
 * stack.
 */
#include "cmd/apply.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "client/client.h"
#include "cmd/manifests.h"
#include "loop/loop.h"
#include "object/object.h"
#include "object/prepare.h"
#include "object/schema.h"
#include "json/json.h"
#include "json/patch.h"

#define COMPONENT "apply"
#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

enum { TRIES = 5 }; /* of an object that comes or goes while we look */

struct apply {
	struct loop_timer *turn;
	struct client *client;
	const struct manifests *manifests;
	size_t i; /* the object that is being applied */
	unsigned tries;
	size_t created;
	size_t changed;
	size_t failed;
};

static const struct manifest *current(const struct apply *apply)
{
	return &apply->manifests->items[apply->i];
}

static void next(struct apply *apply)
{
	apply->i++;
	apply->tries = 0;
	loop_timer_set(apply->turn, 0);
}

static void again(struct apply *apply)
{
	loop_timer_set(apply->turn, 0);
}

static void tell(const struct apply *apply, const char *what)
{
	const struct manifest *manifest = current(apply);

	log_info(COMPONENT, "%s/%s%s%s %s", manifest->kind->singular, manifest->name,
		 manifest->space[0] != '\0' ? " in " : "", manifest->space, what);
}

static void fail(struct apply *apply, const struct client_response *response)
{
	const struct manifest *manifest = current(apply);

	log_error(COMPONENT, "%s: %s %s%s%s: %s", manifest->file, manifest->kind->kind,
		  manifest->space, manifest->space[0] != '\0' ? "/" : "", manifest->name,
		  response->message != NULL ? response->message : "refused");
	apply->failed++;
	next(apply);
}

/* ---- what is wanted ---- */

/* The manifest with itself in the annotation, as kubectl writes it. New reference. */
static json_t *with_last_applied(const struct manifest *manifest)
{
	json_t *wanted = json_clone(manifest->tree);
	json_t *annotations = json_at(wanted, "metadata.annotations");

	if (!json_is_object(annotations)) {
		json_put(wanted, "metadata.annotations", json_object());
		annotations = json_at(wanted, "metadata.annotations");
	}
	json_object_del(annotations, LAST_APPLIED);
	_cleanup_free_ char *text = json_dumps(wanted, JSON_COMPACT | JSON_SORT_KEYS);
	_cleanup_free_ char *line = mem_printf("%s\n", text);
	json_object_set_new(annotations, LAST_APPLIED, json_string(line));
	return wanted;
}

/* What was applied last, from the object that is there. New reference, or NULL. */
static json_t *last_applied(struct object *object)
{
	const char *text = object_annotation(object, LAST_APPLIED);
	struct json_read_error error;
	json_t *tree = NULL;

	if (text[0] == '\0' || json_read(str_from(text), NULL, &tree, &error) != 0) {
		return NULL;
	}
	return tree;
}

static struct client_request request_of(const struct apply *apply, enum client_verb verb,
					const json_t *body)
{
	const struct manifest *manifest = current(apply);

	return (struct client_request){
		.verb = verb,
		.kind = manifest->kind,
		.space = str_from(manifest->space),
		.name = str_from(manifest->name),
		.body = body,
	};
}

/* ---- steps ---- */

static bool is_success(const struct client_response *response)
{
	return response->code >= 200 && response->code < 300;
}

/* Somebody was faster: look again, a few times. */
static bool may_look_again(struct apply *apply, const struct client_response *response, int code)
{
	if (response->code != code || apply->tries++ == TRIES) {
		return false;
	}
	again(apply);
	return true;
}

static void create_done(void *userdata, const struct client_response *response)
{
	struct apply *apply = userdata;

	if (is_success(response)) {
		tell(apply, "created");
		apply->created++;
		next(apply);
	} else if (strcmp(response->reason != NULL ? response->reason : "", "AlreadyExists") != 0 ||
		   !may_look_again(apply, response, 409)) {
		fail(apply, response);
	}
}

static void patch_done(void *userdata, const struct client_response *response)
{
	struct apply *apply = userdata;

	if (is_success(response)) {
		tell(apply, "changed");
		apply->changed++;
		next(apply);
	} else if (!may_look_again(apply, response, 404)) {
		fail(apply, response);
	}
}

static void patch(struct apply *apply, struct object *there)
{
	const struct manifest *manifest = current(apply);
	_cleanup_json_ json_t *wanted = with_last_applied(manifest);
	_cleanup_json_ json_t *before = last_applied(there);
	_cleanup_json_ json_t *difference =
		json_three_way_patch(before, wanted, object_tree(there), &schema_strategic,
				     manifest->kind->type);

	if (difference == NULL) {
		tell(apply, "unchanged");
		next(apply);
		return;
	}
	const struct client_request request = request_of(apply, CLIENT_PATCH_STRATEGIC, difference);
	client_request(apply->client, &request, patch_done, apply);
}

static void get_done(void *userdata, const struct client_response *response)
{
	struct apply *apply = userdata;

	if (response->code == 404) {
		_cleanup_json_ json_t *wanted = with_last_applied(current(apply));
		const struct client_request request = request_of(apply, CLIENT_CREATE, wanted);

		client_request(apply->client, &request, create_done, apply);
	} else if (is_success(response) && response->object != NULL) {
		patch(apply, response->object);
	} else {
		fail(apply, response);
	}
}

static void turn(void *userdata)
{
	struct apply *apply = userdata;

	if (apply->i < apply->manifests->n) {
		const struct client_request request = request_of(apply, CLIENT_GET, NULL);

		client_request(apply->client, &request, get_done, apply);
		return;
	}
	log_line(apply->failed != 0 ? LOG_ERROR : LOG_INFO, COMPONENT,
		 "%zu objects applied: %zu created, %zu changed, %zu failed",
		 apply->manifests->n - apply->failed, apply->created, apply->changed,
		 apply->failed);
}

struct apply *apply_start(struct loop *loop, struct client *client,
			  const struct manifests *manifests)
{
	struct apply *apply = MEM_NEW(struct apply);

	apply->turn = loop_timer_new(loop, turn, apply);
	apply->client = client;
	apply->manifests = manifests;
	if (manifests->n != 0) {
		loop_timer_set(apply->turn, 0);
	}
	return apply;
}

struct apply *apply_free(struct apply *apply)
{
	if (apply != NULL) {
		loop_timer_free(apply->turn);
		mem_free(apply);
	}
	return NULL;
}
