/* SPDX-License-Identifier: Apache-2.0 */
#include "follower.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/loopback.h"
#include "world.h"
#include "json/json.h"

struct follower {
	struct world *world;
	char *path;
	json_t *known; /* "namespace/name" -> resourceVersion */
	uint64_t revision;
	struct http_loopback *watch;
	size_t position; /* in its body */
	bool expired; /* the server said that the revision is too old */
};

static char *key_of(const json_t *object)
{
	return mem_printf("%s/%s", json_string_at(object, "metadata.namespace"),
			  json_string_at(object, "metadata.name"));
}

static uint64_t revision_of(const json_t *object)
{
	return strtoull(json_string_at(object, "metadata.resourceVersion"), NULL, 10);
}

static void know(json_t *known, const json_t *object)
{
	char *key _cleanup_free_ = key_of(object);

	json_object_set_new(known, key,
			    json_string(json_string_at(object, "metadata.resourceVersion")));
}

/* What a list says; *ret_revision is its own. New reference. */
static json_t *list(const struct follower *follower, uint64_t *ret_revision)
{
	_cleanup_json_ json_t *answer = world_get(follower->world, follower->path);
	json_t *known = json_object();
	const json_t *object;
	size_t i;

	json_array_foreach (json_object_get(answer, "items"), i, object) {
		know(known, object);
	}
	*ret_revision = revision_of(answer);
	return known;
}

static void start_over(struct follower *follower)
{
	json_decref(follower->known);
	follower->known = list(follower, &follower->revision);
	follower->expired = false;
}

void follower_hang_up(struct follower *follower)
{
	follower->watch = http_loopback_free(follower->watch);
}

void follower_resume(struct follower *follower)
{
	char *target _cleanup_free_ =
		mem_printf("%s?watch=true&allowWatchBookmarks=true&resourceVersion=%" PRIu64,
			   follower->path, follower->revision);

	follower_hang_up(follower);
	follower->watch = world_send(follower->world, "GET", target, NULL, NULL);
	follower->position = 0;
	if (http_loopback_status(follower->watch) == 410) {
		follower->expired = true;
	}
}

struct follower *follower_new(struct world *world, const char *path)
{
	struct follower *follower = MEM_NEW(struct follower);

	follower->world = world;
	follower->path = mem_strdup(path);
	start_over(follower);
	follower_resume(follower);
	return follower;
}

struct follower *follower_free(struct follower *follower)
{
	follower_hang_up(follower);
	json_decref(follower->known);
	mem_free(follower->path);
	return mem_free(follower);
}

static void apply(struct follower *follower, const json_t *event, struct buffer *problems)
{
	const char *type = json_string_at(event, "type");
	const json_t *object = json_object_get(event, "object");
	uint64_t revision = revision_of(object);

	if (strcmp(type, "ERROR") == 0) {
		follower->expired = true;
		return;
	}
	char *key _cleanup_free_ = key_of(object);
	bool there = json_object_get(follower->known, key) != NULL;

	if (revision < follower->revision ||
	    (revision == follower->revision && strcmp(type, "BOOKMARK") != 0)) {
		buffer_printf(problems, "%s: %s %s at %" PRIu64 " after %" PRIu64 "\n",
			      follower->path, type, key, revision, follower->revision);
	}
	follower->revision = revision;
	if (strcmp(type, "BOOKMARK") == 0) {
		return;
	}
	if (there == (strcmp(type, "ADDED") == 0)) {
		buffer_printf(problems, "%s: %s %s, which is%s there\n", follower->path, type, key,
			      there ? "" : " not");
	}
	if (strcmp(type, "DELETED") == 0) {
		json_object_del(follower->known, key);
	} else {
		know(follower->known, object);
	}
}

void follower_read(struct follower *follower, struct buffer *problems)
{
	struct str rest = str_skip(http_loopback_body(follower->watch), follower->position);
	const char *end;

	while (!follower->expired && rest.n != 0 && (end = memchr(rest.p, '\n', rest.n)) != NULL) {
		struct str line = str_cut(&rest, '\n');
		struct json_read_error error;
		json_t *event = NULL;

		follower->position += line.n + 1;
		if (json_read(line, NULL, &event, &error) != 0) {
			buffer_printf(problems, "%s: %s\n", follower->path, error.message);
			return;
		}
		apply(follower, event, problems);
		json_decref(event);
	}
	if (follower->expired) {
		start_over(follower);
		follower_resume(follower);
	} else if (http_loopback_is_complete(follower->watch)) {
		/* Ended in an orderly way: watches don't last for ever. */
		follower_resume(follower);
	}
}

void follower_compare(struct follower *follower, struct buffer *problems)
{
	uint64_t revision;
	_cleanup_json_ json_t *now = list(follower, &revision);

	follower_read(follower, problems);
	if (!json_equal(now, follower->known)) {
		char *a _cleanup_free_ = json_dumps(now, JSON_SORT_KEYS | JSON_COMPACT);
		char *b _cleanup_free_ = json_dumps(follower->known, JSON_SORT_KEYS | JSON_COMPACT);

		buffer_printf(problems, "%s: a list says %s, its watch %s\n", follower->path, a, b);
	}
}
