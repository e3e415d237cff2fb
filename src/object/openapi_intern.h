/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A document under construction, between the files openapi*.c. */

#include <jansson.h>

#include "base/buffer.h"
#include "object/schema.h"

/* The two spellings: Swagger 2.0 and OpenAPI 3.0. */
enum openapi_flavor {
	OPENAPI_V2,
	OPENAPI_V3,
};

struct openapi {
	enum openapi_flavor flavor;
	json_t *schemas; /* by name; "definitions" or "components.schemas" */
	json_t *paths;
};

/* Puts `value` (reference stolen) at `key`. */
static inline void openapi_set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new_nocheck(object, key, value);
}

/* The same for text; NULL and "" say nothing and are left out. */
static inline void openapi_set_text(json_t *object, const char *key, const char *text)
{
	if (text != NULL && text[0] != '\0') {
		openapi_set(object, key, json_string(text));
	}
}

/* Adds the schema of `type` and of every message it reaches; nothing happens when it is there. */
void openapi_add_type(struct openapi *api, const struct type *type);

/* Adds a schema of a name and description that has no rows of its own ("…meta.v1.Patch"). */
void openapi_add_object(struct openapi *api, const char *name, const char *doc);

/* Adds the schemas of `kind` and of its list, marked with their group, version and kind. */
void openapi_add_kind(struct openapi *api, const struct kind *kind);

/* Says in the schema `name` that it is `group`, `version`, `kind`. */
void openapi_mark(struct openapi *api, const char *name, const char *group, const char *version,
		  const char *kind);

/* {"group": …, "kind": …, "version": …}, new reference. */
json_t *openapi_group_version_kind(const char *group, const char *version, const char *kind);

/* {"$ref": …} to the schema `name`, new reference. */
json_t *openapi_reference(const struct openapi *api, const char *name);

/* Adds the paths that `kind` is served at. */
void openapi_add_paths(struct openapi *api, const struct kind *kind);

/* `document` (version 2) as the gnostic protobuf message openapi.v2.Document. */
void openapi_gnostic(const json_t *document, struct buffer *out);
