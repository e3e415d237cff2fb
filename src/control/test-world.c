/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "control/test-world.h"
#include "object/schema.h"
#include "json/json.h"

enum { WORLD_TEXT = 1024 * 1024 };

int world_setup(void **state)
{
	struct world *world = MEM_NEW(struct world);

	world->cache = cache_new(NULL);
	world->plan = plan_new();
	world->now = WORLD_NOW;
	random_state_seed(&world->random, 1);
	buffer_init(&world->text, WORLD_TEXT);
	buffer_init(&world->events, WORLD_TEXT);
	for (size_t i = 0; i < n_kinds; i++) {
		cache_want(world->cache, kinds[i]);
	}
	*state = world;
	return 0;
}

int world_teardown(void **state)
{
	struct world *world = *state;

	plan_free(world->plan);
	cache_free(world->cache);
	buffer_deinit(&world->text);
	buffer_deinit(&world->events);
	mem_free(world);
	return 0;
}

__attribute__((format(printf, 1, 0))) static json_t *read_quoted(const char *format,
								 va_list arguments)
{
	struct buffer text = BUFFER_INIT(WORLD_TEXT);
	json_t *tree;
	json_error_t error;

	buffer_vprintf(&text, format, arguments);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\'') {
			text.p[i] = '"';
		}
	}
	tree = json_loads(buffer_text(&text), 0, &error);
	if (tree == NULL) {
		fail_msg("%s in %s", error.text, buffer_text(&text));
	}
	buffer_deinit(&text);
	return tree;
}

json_t *world_json(const char *format, ...)
{
	va_list arguments;
	json_t *tree;

	va_start(arguments, format);
	tree = read_quoted(format, arguments);
	va_end(arguments);
	return tree;
}

static void put_missing(json_t *tree, const char *path, json_t *value)
{
	if (json_at(tree, path) == NULL) {
		json_put(tree, path, value);
	} else {
		json_decref(value);
	}
}

void world_put_tree(struct world *world, const struct kind *kind, json_t *tree)
{
	struct buffer version = BUFFER_INIT(WORLD_TEXT);
	struct object *object = NULL;

	kind_api_version(kind, &version);
	put_missing(tree, "apiVersion", json_string(buffer_text(&version)));
	put_missing(tree, "kind", json_string(kind->kind));
	if ((kind->flags & KIND_NAMESPACED) != 0) {
		put_missing(tree, "metadata.namespace", json_string("default"));
	}
	put_missing(tree, "metadata.uid",
		    json_sprintf("uid-%s", json_string_at(tree, "metadata.name")));
	put_missing(tree, "metadata.creationTimestamp", json_string("2026-01-01T00:00:00Z"));
	json_put(tree, "metadata.resourceVersion",
		 json_sprintf("%llu", (unsigned long long)++world->revision));
	assert_int_equal(object_new_tree(kind, tree, &object), 0);
	cache_feed(world->cache, object);
	buffer_deinit(&version);
}

void world_put(struct world *world, const struct kind *kind, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	world_put_tree(world, kind, read_quoted(format, arguments));
	va_end(arguments);
}

static struct object *find_object(struct world *world, const struct kind *kind, const char *name)
{
	bool namespaced = (kind->flags & KIND_NAMESPACED) != 0;
	struct object *object = cache_get(world->cache, kind,
					  namespaced ? STR("default") : STR_NONE, str_from(name));

	assert_non_null(object);
	return object;
}

json_t *world_get(struct world *world, const struct kind *kind, const char *name)
{
	return json_deep_copy(object_tree(find_object(world, kind, name)));
}

void world_drop(struct world *world, const struct kind *kind, const char *name)
{
	struct object *object = object_ref(find_object(world, kind, name));

	cache_unfeed(world->cache, kind, object->space, object->name);
	object_unref(object);
}

void world_take_creates(struct world *world)
{
	for (size_t i = 0; i < plan_count(world->plan); i++) {
		const json_t *action = plan_action(world->plan, i);
		const json_t *body = json_object_get(action, "body");

		if (strcmp(json_string_at(action, "verb"), "create") != 0) {
			continue;
		}
		for (size_t j = 0; j < n_kinds; j++) {
			if (strcmp(kinds[j]->kind, json_string_at(action, "kind")) == 0) {
				world_put_tree(world, kinds[j], json_deep_copy(body));
			}
		}
	}
}

static const struct kind *kind_named(const char *name)
{
	for (size_t i = 0; i < n_kinds; i++) {
		if (strcmp(kinds[i]->kind, name) == 0) {
			return kinds[i];
		}
	}
	return NULL;
}

static void take_action(struct world *world, const json_t *action)
{
	const struct kind *kind = kind_named(json_string_at(action, "kind"));
	const char *verb = json_string_at(action, "verb");
	json_t *body = json_deep_copy(json_object_get(action, "body"));

	if (strcmp(verb, "create") == 0) {
		if (json_string_at(body, "metadata.name")[0] == '\0') {
			json_put(body, "metadata.name",
				 json_sprintf("%s%05llu",
					      json_string_at(body, "metadata.generateName"),
					      (unsigned long long)world->revision));
		}
		world_put_tree(world, kind, body);
	} else if (strcmp(verb, "update") == 0) {
		world_put_tree(world, kind, body);
	} else {
		if (strcmp(verb, "delete") == 0) {
			world_drop(world, kind, json_string_at(action, "name"));
		}
		json_decref(body);
	}
}

void world_take_plan(struct world *world)
{
	for (size_t i = 0; i < plan_count(world->plan); i++) {
		take_action(world, plan_action(world->plan, i));
	}
}

unsigned world_settle(struct world *world, const struct controller *controller, const char *key)
{
	unsigned rounds = 0;

	world_reconcile(world, controller, key);
	for (; plan_count(world->plan) > 0; rounds++) {
		assert_in_range(rounds, 0, 10);
		world_take_plan(world);
		world_reconcile(world, controller, key);
	}
	return rounds;
}

const json_t *world_nth(struct world *world, const struct kind *kind, size_t i)
{
	cache_for_each (object, world->cache, kind, STR("default")) {
		if (i-- == 0) {
			return object_tree(object);
		}
	}
	return NULL;
}

void world_reconcile(struct world *world, const struct controller *controller, const char *key)
{
	struct view view = {
		.cache = world->cache,
		.now = world->now,
		.random = &world->random,
		.settings = &world->settings,
		.failure = world->failure,
		.changes = world->changes,
		.n_changes = world->n_changes,
	};

	plan_free(world->plan);
	world->plan = plan_new();
	if (controller->prepare != NULL) {
		controller->prepare(world->cache);
	}
	controller->reconcile(&view, str_from(key), world->plan);
}

static bool is_action(const json_t *action, const char *verb, const char *kind, const char *name)
{
	return strcmp(json_string_at(action, "verb"), verb) == 0 &&
	       strcmp(json_string_at(action, "kind"), kind) == 0 &&
	       (name == NULL || strcmp(json_string_at(action, "name"), name) == 0);
}

const char *world_did(struct world *world, const char *verb, const char *kind)
{
	buffer_clear(&world->text);
	for (size_t i = 0; i < plan_count(world->plan); i++) {
		const json_t *action = plan_action(world->plan, i);

		if (is_action(action, verb, kind, NULL)) {
			buffer_printf(&world->text, "%s%s", world->text.n != 0 ? " " : "",
				      json_string_at(action, "name"));
		}
	}
	return buffer_text(&world->text);
}

const json_t *world_body(struct world *world, const char *verb, const char *kind, const char *name)
{
	for (size_t i = 0; i < plan_count(world->plan); i++) {
		const json_t *action = plan_action(world->plan, i);

		if (is_action(action, verb, kind, name) &&
		    strcmp(json_string_at(action, "subresource"), "status") != 0) {
			return json_object_get(action, "body");
		}
	}
	return NULL;
}

const json_t *world_status(struct world *world, const char *kind)
{
	for (size_t i = plan_count(world->plan); i-- != 0;) {
		const json_t *action = plan_action(world->plan, i);

		if (is_action(action, "patch", kind, NULL) &&
		    strcmp(json_string_at(action, "subresource"), "status") == 0) {
			return json_at(action, "body.status");
		}
	}
	return NULL;
}

const char *world_events(struct world *world)
{
	buffer_clear(&world->events);
	for (size_t i = 0; i < plan_count(world->plan); i++) {
		const json_t *action = plan_action(world->plan, i);

		if (strcmp(json_string_at(action, "verb"), "event") == 0) {
			buffer_printf(&world->events, "%s %s %s\n",
				      json_string_at(action, "body.type"),
				      json_string_at(action, "body.reason"),
				      json_string_at(action, "body.message"));
		}
	}
	return buffer_text(&world->events);
}
