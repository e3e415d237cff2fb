/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zone has its own copy of everything that makes names, so of an object that goes only the name
 * is needed; of a pod also the addresses, which several pods may share.
 */
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/kinds.h"
#include "object/object.h"
#include "zone/zone.h"
#include "json/json.h"

static void release(void *owner)
{
	mem_free(owner);
}

static void append_pod(struct object *pod, struct buffer *text)
{
	static const char *const needed[] = { "phase", "podIP", "podIPs" };
	const json_t *status = json_object_get(object_tree(pod), "status");
	_cleanup_json_ json_t *kept = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		json_object_set(kept, needed[i], json_object_get(status, needed[i]));
	}
	buffer_append_text(text, "{\"status\":");
	json_write(kept, text);
	buffer_append_char(text, '}');
}

struct object *zone_keep(struct object *object)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OBJECT);
	struct str kept = STR("{}");

	if (object->kind == &kind_pod) {
		append_pod(object, &text);
		kept = buffer_str(&text);
	}
	char *bytes = mem_alloc(object->space.n + object->name.n + kept.n + 1);
	struct str space = { .p = bytes, .n = object->space.n };
	struct str name = { .p = bytes + space.n, .n = object->name.n };

	memcpy(bytes, object->space.p, space.n);
	memcpy(bytes + space.n, object->name.p, name.n);
	if (text.n != 0) {
		char *copy = bytes + space.n + name.n;

		memcpy(copy, kept.p, kept.n);
		kept.p = copy;
	}
	return object_new_shared(object->kind, object->revision, space, name, kept, bytes, release);
}
