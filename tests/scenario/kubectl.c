/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubectl's part: requests as it sends them, over the loopback, with the admin's certificate.
 *
 * apply keeps the last configuration in the annotation that kubectl keeps it in, and patches what
 * lies between that, the new one and what is there, so fields that others own stay. It sends a
 * merge patch, as kubectl does for kinds whose merge keys it does not know: lists are replaced
 * whole.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/loopback.h"
#include "object/schema.h"
#include "json/json.h"
#include "json/yaml_read.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

enum { TURNS_AN_ANSWER = 100000 };

/* ---- requests ---- */

struct http_loopback *world_send(struct world *world, const char *method, const char *target,
				 const char *type, const json_t *body)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_BODY * 2);
	const struct http_pair header = {
		.name = "content-type",
		.value = type != NULL ? type : "application/json",
	};

	if (body != NULL) {
		json_write(body, &text);
	}
	return http_loopback_send(api_handle, world->api, method, target, &header, 1,
				  buffer_str(&text), "kubernetes-admin", "system:masters");
}

int world_ask(struct world *world, const char *method, const char *target, const char *type,
	      const json_t *body, json_t **ret)
{
	struct http_loopback *loopback = world_send(world, method, target, type, body);
	struct json_read_error error;
	json_t *tree = NULL;
	int code;

	for (unsigned i = 0; http_loopback_status(loopback) == 0 && i < TURNS_AN_ANSWER; i++) {
		world_turn(world);
	}
	code = http_loopback_status(loopback);
	if (ret != NULL && code != 0 &&
	    json_read(http_loopback_body(loopback), NULL, &tree, &error) == 0) {
		*ret = tree;
	} else if (ret != NULL) {
		*ret = NULL;
	}
	http_loopback_free(loopback);
	return code;
}

json_t *world_get(struct world *world, const char *path)
{
	json_t *tree = NULL;

	if (world_ask(world, "GET", path, NULL, NULL, &tree) != 200) {
		json_decref(tree);
		return NULL;
	}
	return tree;
}

/* ---- resources ---- */

static bool is_called(const struct kind *kind, struct str name)
{
	struct str rest = str_from(kind->short_names);

	if (str_is(name, kind->plural) || str_is(name, kind->singular)) {
		return true;
	}
	while (rest.n != 0) {
		if (str_eq(str_cut(&rest, ','), name)) {
			return true;
		}
	}
	return false;
}

static void kind_path(const struct kind *kind, const char *space, struct buffer *path)
{
	bool namespaced = (kind->flags & KIND_NAMESPACED) != 0 && space[0] != '\0';

	if (kind->group[0] == '\0') {
		buffer_printf(path, "/api/%s", kind->version);
	} else {
		buffer_printf(path, "/apis/%s/%s", kind->group, kind->version);
	}
	if (namespaced) {
		buffer_printf(path, "/namespaces/%s", space);
	}
	buffer_printf(path, "/%s", kind->plural);
}

bool world_path(const char *resource, const char *space, char ret_path[WORLD_PATH])
{
	_cleanup_buffer_ struct buffer path = BUFFER_INIT(WORLD_PATH - 1);
	struct str rest = str_from(resource);
	struct str name = str_cut(&rest, '/');
	const char *query = memchr(name.p, '?', name.n);
	size_t n = query != NULL ? (size_t)(query - name.p) : name.n;

	for (size_t i = 0; i < n_kinds; i++) {
		if (!is_called(kinds[i], (struct str){ .p = name.p, .n = n })) {
			continue;
		}
		kind_path(kinds[i], space, &path);
		buffer_append_str(&path, str_skip(name, n));
		if (rest.n != 0) {
			buffer_printf(&path, "/%.*s", STR_ARG(rest));
		}
		strcpy(ret_path, buffer_text(&path));
		return true;
	}
	return false;
}

/* ---- apply ---- */

static bool is_object(const json_t *value)
{
	return json_is_object(value);
}

/*
 * What makes `live` say what `wanted` says, and forget what `last` said and `wanted` does not. NULL
 * when nothing does.
 */
static json_t *three_way(const json_t *last, const json_t *wanted, const json_t *live)
{
	json_t *patch = json_object();
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)wanted, key, value) {
		const json_t *there = json_object_get(live, key);
		const json_t *before = json_object_get(last, key);
		json_t *part = NULL;

		if (is_object(value) && is_object(there)) {
			part = three_way(is_object(before) ? before : NULL, value, there);
		} else if (there == NULL || !json_equal(value, there)) {
			part = json_incref(value);
		}
		if (part != NULL) {
			json_object_set_new(patch, key, part);
		}
	}
	json_object_foreach ((json_t *)last, key, value) {
		if (json_object_get(wanted, key) == NULL && json_object_get(live, key) != NULL) {
			json_object_set_new(patch, key, json_null());
		}
	}
	if (json_object_size(patch) == 0) {
		json_decref(patch);
		return NULL;
	}
	return patch;
}

/* `document` with the annotation that remembers it; new reference. */
static json_t *remembered(const json_t *document)
{
	json_t *copy = json_deep_copy(document);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_BODY);
	json_t *annotations;

	json_write(document, &text);
	annotations = json_at(copy, "metadata.annotations");
	if (annotations == NULL) {
		json_put(copy, "metadata.annotations", json_object());
		annotations = json_at(copy, "metadata.annotations");
	}
	json_object_set_new(annotations, LAST_APPLIED, json_string(buffer_text(&text)));
	return copy;
}

struct applying {
	struct world *world;
	const char *space;
	json_t **ret;
};

static int refused_only(int code)
{
	return code / 100 == 2 ? 0 : code;
}

static int patch_document(struct applying *applying, const char *target, const json_t *wanted,
			  const json_t *live)
{
	const json_t *annotations = json_at(live, "metadata.annotations");
	const char *text = json_string_value(json_object_get(annotations, LAST_APPLIED));
	_cleanup_json_ json_t *last = text != NULL ? json_loads(text, 0, NULL) : NULL;
	_cleanup_json_ json_t *patch = three_way(last, wanted, live);

	if (patch == NULL) {
		return 0;
	}
	return refused_only(world_ask(applying->world, "PATCH", target,
				      "application/merge-patch+json", patch, applying->ret));
}

static int apply_document(void *userdata, const json_t *document)
{
	struct applying *applying = userdata;
	struct str version = str_from(json_string_at(document, "apiVersion"));
	const char *slash = memchr(version.p, '/', version.n);
	char *group _cleanup_free_ =
		slash != NULL ? str_dup(str_cut(&version, '/')) : mem_strdup("");
	const struct kind *kind = kind_find(group, version.p, json_string_at(document, "kind"));
	const char *space = json_string_at(document, "metadata.namespace");
	_cleanup_buffer_ struct buffer path = BUFFER_INIT(LIMIT_STORE_KEY);
	_cleanup_json_ json_t *wanted = remembered(document);
	_cleanup_json_ json_t *live = NULL;
	int code;

	if (kind == NULL) {
		*applying->ret = json_pack("{ss}", "message", "no matches for kind");
		return 404;
	}
	kind_path(kind, space[0] != '\0' ? space : applying->space, &path);
	char *target _cleanup_free_ =
		mem_printf("%s/%s", buffer_text(&path), json_string_at(document, "metadata.name"));

	json_decref(*applying->ret);
	*applying->ret = NULL;
	live = world_get(applying->world, target);
	if (live != NULL) {
		code = patch_document(applying, target, wanted, live);
	} else {
		code = refused_only(world_ask(applying->world, "POST", buffer_text(&path), NULL,
					      wanted, applying->ret));
	}
	return code;
}

int world_apply(struct world *world, struct str text, const char *space, json_t **ret)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct applying applying = { .world = world, .space = space, .ret = ret };
	int result;

	*ret = NULL;
	result = yaml_read_all(text, &message, apply_document, &applying);
	if (result != 0 && result < 100) {
		*ret = json_pack("{ss}", "message", buffer_text(&message));
		return 400;
	}
	return result == 0 ? 200 : result;
}
