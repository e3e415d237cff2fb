/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From rows to schemas. What kubectl reads out of them: `explain` the types, descriptions and
 * "required"; `apply` and `diff` the x-kubernetes-patch-* extensions of the properties.
 *
 * The flavors differ in two ways. In version 3 a reference stands in an "allOf" when something
 * stands beside it, and defaults and enums are said; in version 2 the reference itself has the
 * siblings.
 */

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "object/meta.h"
#include "object/openapi_intern.h"
#include "json/json.h"

#define META_V1 "io.k8s.apimachinery.pkg.apis.meta.v1."

/* "a,b" or "a|b" as an array of strings. */
static json_t *split(const char *text, char separator)
{
	struct str rest = str_from(text);
	json_t *array = json_array();

	while (rest.p != NULL) {
		struct str item = str_cut(&rest, separator);
		json_array_append_new(array, json_stringn_nocheck(item.p, item.n));
	}
	return array;
}

static json_t *typed(const char *type, const char *format)
{
	json_t *schema = json_object();

	openapi_set_text(schema, "type", type);
	openapi_set_text(schema, "format", format);
	return schema;
}

json_t *openapi_reference(const struct openapi *api, const char *name)
{
	_cleanup_free_ char *target =
		mem_printf("#/%s/%s",
			   api->flavor == OPENAPI_V2 ? "definitions" : "components/schemas", name);
	json_t *schema = json_object();

	openapi_set_text(schema, "$ref", target);
	return schema;
}

/* The types that are written as a scalar but have a name, as the field types name them. */
static const struct named {
	const char *name;
	const char *type;
	const char *format;
	const char *one_of; /* version 3: what it may be written as, instead of `type` */
	const char *doc;
} named_types[] = {
	[FIELD_TIME] = { META_V1 "Time", "string", "date-time", NULL,
			 "A moment in RFC 3339 form, to the second, in UTC." },
	[FIELD_MICRO_TIME] = { META_V1 "MicroTime", "string", "date-time", NULL,
			       "A moment in RFC 3339 form, to the microsecond, in UTC." },
	[FIELD_QUANTITY] = { "io.k8s.apimachinery.pkg.api.resource.Quantity", "string", NULL,
			     "string|number",
			     "A number with an optional suffix: m, k, M, G, T, P, E or Ki, Mi, Gi, "
			     "Ti, Pi, Ei; \"100m\" is a tenth." },
	[FIELD_INT_OR_STRING] = { "io.k8s.apimachinery.pkg.util.intstr.IntOrString", "string",
				  "int-or-string", "integer|string",
				  "A number, or a name or percentage." },
	[FIELD_RAW] = { "io.k8s.apimachinery.pkg.runtime.RawExtension", "object", NULL, NULL,
			"An object of any form, kept as it is." },
};

static json_t *named_schema(const struct openapi *api, const struct named *named)
{
	bool either = api->flavor == OPENAPI_V3 && named->one_of != NULL;
	json_t *schema = typed(either ? NULL : named->type, named->format);
	json_t *forms;
	json_t *form;
	size_t i;

	openapi_set_text(schema, "description", named->doc);
	if (either) {
		forms = split(named->one_of, '|');
		json_array_foreach (forms, i, form) {
			json_array_set_new(forms, i, typed(json_string_value(form), NULL));
		}
		openapi_set(schema, "oneOf", forms);
	}
	return schema;
}

/* A reference to the named type behind a field type, which is added where it is missing. */
static json_t *named_reference(struct openapi *api, const struct named *named)
{
	if (json_object_get(api->schemas, named->name) == NULL) {
		openapi_set(api->schemas, named->name, named_schema(api, named));
	}
	return openapi_reference(api, named->name);
}

/* One value of `field`, whatever its shape; *ret_reference tells a reference from a schema. */
static json_t *value_schema(struct openapi *api, const struct field *field, bool *ret_reference)
{
	*ret_reference = false;
	switch (field->type) {
	case FIELD_STRING:
		return typed("string", NULL);
	case FIELD_BOOL:
		return typed("boolean", NULL);
	case FIELD_INT32:
		return typed("integer", "int32");
	case FIELD_INT64:
		return typed("integer", "int64");
	case FIELD_BYTES:
		return typed("string", "byte");
	case FIELD_MESSAGE:
		*ret_reference = true;
		openapi_add_type(api, field->message);
		return openapi_reference(api, field->message->name);
	default:
		*ret_reference = true;
		return named_reference(api, &named_types[field->type]);
	}
}

/* Version 3: {"allOf": [reference]}, so that other keys may stand beside it. */
static json_t *wrapped(const struct openapi *api, json_t *reference)
{
	if (api->flavor == OPENAPI_V2) {
		return reference;
	}
	json_t *schema = json_object();
	json_t *all = json_array();
	json_array_append_new(all, reference);
	openapi_set(schema, "allOf", all);
	return schema;
}

/* The zero value that an element of a list or map has when nothing is said. */
static void set_zero(const struct openapi *api, const struct field *field, json_t *schema)
{
	if (api->flavor == OPENAPI_V2) {
		return;
	}
	switch (field->type) {
	case FIELD_STRING:
		openapi_set(schema, "default", json_string(""));
		break;
	case FIELD_INT32:
	case FIELD_INT64:
		openapi_set(schema, "default", json_integer(0));
		break;
	case FIELD_MESSAGE:
		openapi_set(schema, "default", json_object());
		break;
	default:
		break;
	}
}

static void set_enum(const struct openapi *api, const struct field *field, json_t *schema)
{
	if (api->flavor == OPENAPI_V3 && field->one_of != NULL) {
		openapi_set(schema, "enum", split(field->one_of, '|'));
	}
}

/* What stands in "items" or "additionalProperties". */
static json_t *element_schema(struct openapi *api, const struct field *field)
{
	bool reference;
	json_t *schema = value_schema(api, field, &reference);

	if (reference && field->type == FIELD_MESSAGE) {
		schema = wrapped(api, schema);
	}
	set_zero(api, field, schema);
	set_enum(api, field, schema);
	return schema;
}

static void set_default(const struct openapi *api, const struct field *field, json_t *schema)
{
	struct json_read_error error;
	json_t *value;

	if (api->flavor == OPENAPI_V2) {
		return;
	}
	if (field->default_json != NULL &&
	    json_read(str_from(field->default_json), NULL, &value, &error) == 0) {
		openapi_set(schema, "default", value);
	} else if (field->type == FIELD_MESSAGE && (field->flags & FIELD_POINTER) == 0) {
		openapi_set(schema, "default", json_object());
	}
}

static json_t *shaped_schema(struct openapi *api, const struct field *field)
{
	bool reference;
	json_t *schema;

	switch (field->shape) {
	case FIELD_LIST:
		schema = typed("array", NULL);
		openapi_set(schema, "items", element_schema(api, field));
		return schema;
	case FIELD_MAP:
		schema = typed("object", NULL);
		openapi_set(schema, "additionalProperties", element_schema(api, field));
		return schema;
	default:
		schema = value_schema(api, field, &reference);
		schema = reference ? wrapped(api, schema) : schema;
		set_default(api, field, schema);
		set_enum(api, field, schema);
		return schema;
	}
}

static void set_extensions(const struct field *field, json_t *schema)
{
	static const struct {
		unsigned flag;
		const char *key;
		const char *value;
	} extensions[] = {
		{ FIELD_LIST_ATOMIC, "x-kubernetes-list-type", "atomic" },
		{ FIELD_LIST_SET, "x-kubernetes-list-type", "set" },
		{ FIELD_LIST_MAP, "x-kubernetes-list-type", "map" },
		{ FIELD_MAP_ATOMIC, "x-kubernetes-map-type", "atomic" },
		{ FIELD_PATCH_MERGE, "x-kubernetes-patch-strategy", "merge" },
		{ FIELD_PATCH_REPLACE, "x-kubernetes-patch-strategy", "replace" },
		{ FIELD_PATCH_RETAIN_KEYS, "x-kubernetes-patch-strategy", "retainKeys" },
		{ FIELD_PATCH_MERGE | FIELD_PATCH_RETAIN_KEYS, "x-kubernetes-patch-strategy",
		  "merge,retainKeys" },
	};

	/* The last that fits wins: both patch flags together have a word of their own. */
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		if ((field->flags & extensions[i].flag) == extensions[i].flag) {
			openapi_set_text(schema, extensions[i].key, extensions[i].value);
		}
	}
	openapi_set_text(schema, "x-kubernetes-patch-merge-key", field->merge_key);
	if (field->list_keys != NULL) {
		openapi_set(schema, "x-kubernetes-list-map-keys", split(field->list_keys, ','));
	}
}

/* Rows become properties; those of an inlined message stand among its parent's. */
static void add_rows(struct openapi *api, const struct type *type, json_t *properties,
		     json_t *required)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *field = &type->fields[i];
		if ((field->flags & FIELD_INLINE) != 0) {
			add_rows(api, field->message, properties, required);
			continue;
		}
		json_t *schema = shaped_schema(api, field);
		openapi_set_text(schema, "description", field->doc);
		set_extensions(field, schema);
		openapi_set(properties, field->name, schema);
		if ((field->flags & (FIELD_REQUIRED | FIELD_EXPECTED)) != 0) {
			json_array_append_new(required, json_string(field->name));
		}
	}
}

void openapi_add_type(struct openapi *api, const struct type *type)
{
	if (json_object_get(api->schemas, type->name) != NULL) {
		return;
	}
	json_t *schema = typed("object", NULL);
	json_t *properties = json_object();
	json_t *required = json_array();

	/* In its place before its rows are walked, so that a message may hold itself. */
	openapi_set(api->schemas, type->name, schema);
	openapi_set_text(schema, "description", type->doc);
	add_rows(api, type, properties, required);
	if (json_object_size(properties) > 0) {
		openapi_set(schema, "properties", json_incref(properties));
	}
	if (json_array_size(required) > 0) {
		openapi_set(schema, "required", json_incref(required));
	}
	if (type->atomic) {
		openapi_set_text(schema, "x-kubernetes-map-type", "atomic");
	}
	json_decref(properties);
	json_decref(required);
}

void openapi_add_object(struct openapi *api, const char *name, const char *doc)
{
	json_t *schema = typed("object", NULL);

	openapi_set_text(schema, "description", doc);
	openapi_set(api->schemas, name, schema);
}

json_t *openapi_group_version_kind(const char *group, const char *version, const char *kind)
{
	json_t *object = json_object();

	openapi_set(object, "group", json_string(group));
	openapi_set(object, "kind", json_string(kind));
	openapi_set(object, "version", json_string(version));
	return object;
}

void openapi_mark(struct openapi *api, const char *name, const char *group, const char *version,
		  const char *kind)
{
	static const char key[] = "x-kubernetes-group-version-kind";
	json_t *schema = json_object_get(api->schemas, name);

	if (json_object_get(schema, key) == NULL) {
		openapi_set(schema, key, json_array());
	}
	json_array_append_new(json_object_get(schema, key),
			      openapi_group_version_kind(group, version, kind));
}

/* Every kind's list looks the same, so it has rows of its own here. */
static void add_list(struct openapi *api, const struct kind *kind)
{
	_cleanup_free_ char *name = mem_printf("%sList", kind->type->name);
	_cleanup_free_ char *list_kind = mem_printf("%sList", kind->kind);
	_cleanup_free_ char *doc = mem_printf("A list of objects of kind %s.", kind->kind);
	const struct field rows[] = {
		{ .name = "apiVersion",
		  .type = FIELD_STRING,
		  .doc = "Group and version that this representation belongs to." },
		{ .name = "items",
		  .type = FIELD_MESSAGE,
		  .shape = FIELD_LIST,
		  .message = kind->type,
		  .flags = FIELD_EXPECTED,
		  .doc = "The objects." },
		{ .name = "kind", .type = FIELD_STRING, .doc = "Kind of this list, in CamelCase." },
		{ .name = "metadata",
		  .type = FIELD_MESSAGE,
		  .message = &type_list_meta,
		  .doc = "Revision of the list, and how to go on reading it." },
	};
	const struct type list = { .name = name, .doc = doc, SCHEMA_TABLE(rows) };

	openapi_add_type(api, &list);
	openapi_mark(api, name, kind->group, kind->version, list_kind);
}

void openapi_add_kind(struct openapi *api, const struct kind *kind)
{
	openapi_add_type(api, kind->type);
	openapi_mark(api, kind->type->name, kind->group, kind->version, kind->kind);
	add_list(api, kind);
}
