/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/test-explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "client/cache.h"
#include "object/kinds.h"
#include "object/object.h"
#include "ops/explain.h"

struct cache *explain_world(const char *const objects[OBJECTS_MAX], bool keep)
{
	struct cache *cache = cache_new(NULL);

	cache_want(cache, &kind_namespace);
	cache_want(cache, &kind_service);
	cache_want(cache, &kind_endpoint_slice);
	cache_want(cache, &kind_pod);
	for (size_t i = 0; i < OBJECTS_MAX && objects[i] != NULL; i++) {
		const struct kind *kind = objects[i][0] == 'n'   ? &kind_namespace
					  : objects[i][0] == 's' ? &kind_service
					  : objects[i][0] == 'e' ? &kind_endpoint_slice
								 : &kind_pod;
		char *json = mem_strdup(objects[i] + 1);
		struct object *object;

		for (char *p = json; *p != '\0'; p++) {
			*p = *p == '\'' ? '"' : *p;
		}
		assert_int_equal(object_new(kind, str_from(json), &object), 0);
		if (keep && kind == &kind_pod) {
			struct object *whole = object;

			object = explain_keep_pod(whole);
			object_unref(whole);
		}
		cache_feed(cache, object);
		mem_free(json);
	}
	return cache;
}

struct explanation *explain_ask(const struct cache *cache, const char *name)
{
	struct explain_question question = {
		.name = name,
		.space = "default",
		.domain = "cluster.local",
		.ttl = 5,
	};
	struct explanation *explanation = NULL;
	char *message = NULL;

	if (explain(cache, &question, &explanation, &message) != 0) {
		print_error("%s: %s\n", name, message);
		mem_free(message);
	}
	assert_non_null(explanation);
	return explanation;
}

const char *explain_broken_link(const struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->n_steps; i++) {
		if (explanation->steps[i].state == EXPLAIN_BROKEN) {
			assert_int_equal(i, explanation->n_steps - 1);
			return explanation->steps[i].title;
		}
	}
	return NULL;
}
