/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/test-door.h"
#include "base/mem.h"
#include "http/pki.h"
#include "json/json.h"

/* 2026-01-02T03:04:05Z */
#define START (UINT64_C(1767323045) * NS_PER_S)

static void due_changed(void *userdata, uint64_t at)
{
	struct door *door = userdata;

	door->due = at;
}

/* Made once for all tests of a program. */
static const char *token_key(void)
{
	static struct pki_pair pair;
	char directory[] = "/tmp/test-api-XXXXXX";

	if (pair.key == NULL) {
		_cleanup_free_ char *key = NULL;
		_cleanup_free_ char *certificate = NULL;
		assert_non_null(mkdtemp(directory));
		assert_int_equal(pki_ca(directory, "ca", "test-ca", &pair), 0);
		key = mem_printf("%s/ca.key", directory);
		certificate = mem_printf("%s/ca.crt", directory);
		unlink(key);
		unlink(certificate);
		rmdir(directory);
	}
	return pair.key;
}

static void open_api(struct door *door, const char *v6_cidr)
{
	char message[256] = "";
	const struct api_config config = {
		.store = door->store,
		.hub = door->hub,
		.clock = &door->clock.clock,
		.service_cidrs = { "10.96.0.0/16", v6_cidr },
		.admin_token = "open-sesame",
		.token_key = token_key(),
		.due_changed = due_changed,
		.userdata = door,
	};

	assert_int_equal(api_new(&config, message, sizeof(message), &door->api), 0);
	assert_int_equal(api_bootstrap(door->api, "127.0.0.1", 6443), 0);
}

struct door *door_new(const char *v6_cidr)
{
	struct door *door = MEM_NEW(struct door);

	clock_manual_init(&door->clock, START);
	assert_int_equal(store_memory_new(&door->store), 0);
	assert_int_equal(hub_new(door->store, &api_hub_ops, NULL, &door->hub), 0);
	open_api(door, v6_cidr);
	return door;
}

void door_restart(struct door *door)
{
	api_free(door->api);
	hub_free(door->hub);
	assert_int_equal(hub_new(door->store, &api_hub_ops, NULL, &door->hub), 0);
	open_api(door, NULL);
}

struct door *door_free(struct door *door)
{
	store_drain(door->store);
	api_free(door->api);
	hub_free(door->hub);
	store_free(door->store);
	mem_free(door);
	return NULL;
}

struct http_loopback *door_open(struct door *door, const struct ask *ask)
{
	struct http_pair headers[3];
	size_t n = 0;
	_cleanup_free_ char *bearer = NULL;
	bool certified = !ask->nobody && ask->token == NULL;

	if (ask->body != NULL) {
		headers[n++] = (struct http_pair){
			.name = "Content-Type",
			.value = ask->type != NULL ? ask->type : "application/json",
		};
	}
	if (ask->accept != NULL) {
		headers[n++] = (struct http_pair){ .name = "Accept", .value = ask->accept };
	}
	if (ask->token != NULL) {
		bearer = mem_printf("Bearer %s", ask->token);
		headers[n++] = (struct http_pair){ .name = "Authorization", .value = bearer };
	}
	struct http_loopback *loopback =
		http_loopback_send(api_handle, door->api, ask->method, ask->target, headers, n,
				   str_from(ask->body), certified ? "kubernetes-admin" : NULL,
				   certified ? "system:masters" : NULL);
	store_drain(door->store);
	return loopback;
}

json_t *door_ask(struct door *door, int code, const struct ask *ask)
{
	struct http_loopback *loopback = door_open(door, ask);
	struct str body = http_loopback_body(loopback);
	struct json_read_error error;
	json_t *tree = NULL;

	if (http_loopback_status(loopback) != code) {
		print_error("%s %s: %d instead of %d: %.*s\n", ask->method, ask->target,
			    http_loopback_status(loopback), code, STR_ARG(body));
	}
	assert_int_equal(http_loopback_status(loopback), code);
	if (body.n != 0) {
		assert_int_equal(json_read(body, NULL, &tree, &error), 0);
	}
	http_loopback_free(loopback);
	return tree;
}

json_t *door_get(struct door *door, int code, const char *target)
{
	return door_ask(door, code, &(struct ask){ .method = "GET", .target = target });
}

json_t *door_post(struct door *door, int code, const char *target, const char *body)
{
	return door_ask(door, code,
			&(struct ask){ .method = "POST", .target = target, .body = quoted(body) });
}

json_t *door_put(struct door *door, int code, const char *target, const char *body)
{
	return door_ask(door, code,
			&(struct ask){ .method = "PUT", .target = target, .body = quoted(body) });
}

json_t *door_delete(struct door *door, int code, const char *target, const char *body)
{
	return door_ask(door, code,
			&(struct ask){ .method = "DELETE",
				       .target = target,
				       .body = body != NULL ? quoted(body) : NULL });
}

json_t *door_patch(struct door *door, int code, const char *target, const char *format,
		   const char *body)
{
	char type[64];

	snprintf(type, sizeof(type), "application/%s+json", format);
	return door_ask(door, code,
			&(struct ask){ .method = "PATCH",
				       .target = target,
				       .type = type,
				       .body = quoted(body) });
}

const char *quoted(const char *text)
{
	static char slots[4][65536];
	static unsigned next;
	char *slot = slots[next++ % 4];

	assert_true(strlen(text) < sizeof(slots[0]));
	strcpy(slot, text);
	for (char *c = slot; *c != '\0'; c++) {
		*c = *c == '\'' ? '"' : *c;
	}
	return slot;
}

json_t *door_event(struct http_loopback *watch, size_t *position)
{
	struct str rest = str_skip(http_loopback_body(watch), *position);
	const char *end = rest.n != 0 ? memchr(rest.p, '\n', rest.n) : NULL;
	struct json_read_error error;
	json_t *event = NULL;

	if (end == NULL) {
		assert_int_equal(rest.n, 0);
		return NULL;
	}
	struct str line = { .p = rest.p, .n = (size_t)(end - rest.p) };
	*position += line.n + 1;
	assert_int_equal(json_read(line, NULL, &event, &error), 0);
	return event;
}

void expect_event(struct http_loopback *watch, size_t *position, const char *type, const char *name)
{
	_cleanup_json_ json_t *event = door_event(watch, position);

	assert_non_null(event);
	expect_text(event, "type", type);
	expect_text(event, "object.metadata.name", name);
}

void expect_no_event(struct http_loopback *watch, size_t *position)
{
	assert_null(door_event(watch, position));
}

void expect_text(const json_t *tree, const char *path, const char *text)
{
	if (strcmp(json_string_at(tree, path), text) != 0) {
		_cleanup_free_ char *dump = json_dumps(tree, JSON_COMPACT | JSON_ENCODE_ANY);
		print_error("at %s in %s\n", path, dump);
	}
	assert_string_equal(json_string_at(tree, path), text);
}

void expect_number(const json_t *tree, const char *path, int64_t number)
{
	assert_int_equal(json_int_at(tree, path, INT64_MIN), number);
}

void door_wait(struct door *door, unsigned seconds)
{
	door->clock.now += seconds * NS_PER_S;
	if (door->clock.now >= api_next_due(door->api)) {
		api_run_due(door->api);
	}
	store_drain(door->store);
}
