/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes' strategic merge patch: what k8s.io/apimachinery/pkg/util/strategicpatch does on the
 * server side. Objects merge key by key, null deletes, and the schema says which lists merge and by
 * which key. A patch carries directives beside its values:
 *
 *     $patch: replace | delete | merge     of the object it stands in (or of a list, in an element)
 *     $retainKeys: [a, b]                  the object keeps these keys only
 *     $setElementOrder/LIST: […]           the order that LIST shall have
 *     $deleteFromPrimitiveList/LIST: […]   scalars to take out of LIST
 *
 * Everything happens on a copy of the target. Directives never reach the result, nor do nulls. What
 * the schema does not know merges when it is an object and is replaced when it is a list.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "json/json.h"
#include "json/patch_strategic_intern.h"

bool strategic_fail(struct merger *merger, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(merger->message->text, sizeof(merger->message->text), format, arguments);
	va_end(arguments);
	return false;
}

static bool starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_directive(const char *key)
{
	return strcmp(key, DIRECTIVE) == 0 || strcmp(key, RETAIN_KEYS) == 0 ||
	       starts(key, SET_ORDER) || starts(key, DELETE_FROM_LIST);
}

static const char *directive_of(const json_t *object)
{
	return json_string_value(json_object_get(object, DIRECTIVE));
}

static json_t *fresh_object(const json_t *object)
{
	json_t *walk = (json_t *)object;
	const char *directive = directive_of(object);

	if (directive != NULL && strcmp(directive, "delete") == 0) {
		return NULL;
	}
	json_t *copy = json_object();
	for (void *i = json_object_iter(walk); i != NULL; i = json_object_iter_next(walk, i)) {
		const char *key = json_object_iter_key(i);
		json_t *value =
			is_directive(key) ? NULL : strategic_fresh(json_object_iter_value(i));
		if (value != NULL) {
			json_object_set_new_nocheck(copy, key, value);
		}
	}
	return copy;
}

json_t *strategic_fresh(const json_t *value)
{
	if (json_is_null(value)) {
		return NULL;
	}
	if (json_is_object(value)) {
		return fresh_object(value);
	}
	if (!json_is_array(value)) {
		return json_incref((json_t *)value);
	}
	json_t *copy = json_array();
	for (size_t i = 0; i < json_array_size(value); i++) {
		json_t *element = json_array_get(value, i);
		bool marker = json_object_get(element, DIRECTIVE) != NULL;
		/* A null in a list is no deletion: it stays for the decoder to refuse. */
		json_t *fresh = json_is_null(element) ? json_null() : strategic_fresh(element);
		if (fresh != NULL && !marker) {
			json_array_append_new(copy, fresh);
		} else {
			json_decref(fresh);
		}
	}
	return copy;
}

static struct strategic_field field_of(const struct merger *merger, const void *message,
				       const char *name)
{
	struct strategic_field field = { 0 };

	if (message != NULL) {
		merger->schema->field(message, name, &field);
	}
	return field;
}

/* Whether `key` must be in the retain list: everything a patch sets. */
static bool is_set_by_patch(const char *key, const json_t *value)
{
	return !json_is_null(value) && !is_directive(key);
}

static bool retain_keys(struct merger *merger, json_t *target, const json_t *patch)
{
	const json_t *list = json_object_get(patch, RETAIN_KEYS);
	_cleanup_json_ json_t *retained = json_object();
	json_t *walk = (json_t *)patch;
	const char *key;
	json_t *value;
	size_t index;
	void *safe;

	if (list == NULL) {
		return true;
	}
	json_array_foreach (list, index, value) {
		if (json_is_string(value)) {
			json_object_set_new_nocheck(retained, json_string_value(value),
						    json_true());
		}
	}
	if (!json_is_array(list)) {
		return strategic_fail(merger, "invalid patch format of retainKeys");
	}
	json_object_foreach (walk, key, value) {
		if (is_set_by_patch(key, value) && json_object_get(retained, key) == NULL) {
			return strategic_fail(
				merger, "invalid patch format of retainKeys: it does not name %s",
				key);
		}
	}
	json_object_foreach_safe (target, safe, key, value) {
		if (json_object_get(retained, key) == NULL) {
			json_object_del(target, key);
		}
	}
	return true;
}

/* Lists merge when the schema says so; others are replaced. New reference, NULL after an error. */
static json_t *merge_or_replace_list(struct merger *merger, json_t *target, const json_t *patch,
				     const struct strategic_field *field, const char *name)
{
	if (!json_is_array(target) || !field->merge) {
		return strategic_fresh(patch);
	}
	return strategic_merge_list(merger, target, patch, field, name);
}

/*
 * `before` (or NULL) merged with `values` (or NULL) and ordered; new reference, NULL after an
 * error.
 */
static json_t *merge_in_order(struct merger *merger, json_t *before, const json_t *values,
			      const json_t *order, const struct strategic_field *field,
			      const char *name)
{
	/* Merging changes elements, never the list, so `before` keeps the order it has. */
	_cleanup_json_ json_t *was = before != NULL ? json_incref(before) : json_array();
	_cleanup_json_ json_t *merged = json_incref(before);

	if (values != NULL) {
		if (field->merge && !strategic_check_order(merger, values, order, field, name)) {
			return NULL;
		}
		json_decref(merged);
		merged = merge_or_replace_list(merger, before, values, field, name);
	}
	if (merged == NULL || !field->merge) {
		return take(merged);
	}
	return strategic_order_list(merger, merged, order, was, field);
}

/* One $setElementOrder/NAME, together with the list NAME of the patch. */
static bool set_order(struct merger *merger, json_t *target, const json_t *patch,
		      const void *message, const char *name, const json_t *order)
{
	struct strategic_field field = field_of(merger, message, name);
	json_t *before = json_object_get(target, name);
	const json_t *values = json_object_get(patch, name);

	if (json_is_null(values) || (before == NULL && values == NULL)) {
		/* The list goes, or was never there, whatever its order. */
		return true;
	}
	if (!json_is_array(order) || (values != NULL && !json_is_array(values)) ||
	    (before != NULL && !json_is_array(before))) {
		return strategic_fail(merger, "invalid patch format of setElementOrder list: %s",
				      name);
	}
	json_t *merged = merge_in_order(merger, before, values, order, &field, name);
	if (merged == NULL) {
		return false;
	}
	json_object_set_new_nocheck(target, name, merged);
	return true;
}

/* Whether the patch also orders `name`: then set_order() has merged it. */
static bool is_ordered(const json_t *patch, const char *name)
{
	_cleanup_free_ char *key = mem_printf("%s%s", SET_ORDER, name);

	return json_object_get(patch, key) != NULL;
}

static bool merge_object_at(struct merger *merger, json_t *target, const char *key,
			    const json_t *value, const struct strategic_field *field)
{
	_cleanup_json_ json_t *below = json_incref(json_object_get(target, key));

	if (!json_is_object(below) || field->replace) {
		json_decref(below);
		below = strategic_fresh(value);
	} else if (!strategic_merge_object(merger, &below, value, field->message)) {
		return false;
	}
	if (below != NULL) {
		json_object_set_nocheck(target, key, below);
	} else {
		json_object_del(target, key);
	}
	return true;
}

/* One key of the patch that is no directive. */
static bool merge_key(struct merger *merger, json_t *target, const char *key, const json_t *value,
		      const void *message)
{
	struct strategic_field field = field_of(merger, message, key);

	if (json_is_null(value)) {
		json_object_del(target, key);
		return true;
	}
	if (json_is_object(value)) {
		return merge_object_at(merger, target, key, value, &field);
	}
	json_t *merged = json_is_array(value)
				 ? merge_or_replace_list(merger, json_object_get(target, key),
							 value, &field, key)
				 : json_incref((json_t *)value);
	if (merged == NULL) {
		return false;
	}
	json_object_set_new_nocheck(target, key, merged);
	return true;
}

static bool delete_from_list(struct merger *merger, json_t *target, const char *name,
			     const json_t *unwanted)
{
	const json_t *list = json_object_get(target, name);

	if (!json_is_array(unwanted)) {
		return strategic_fail(merger, "invalid patch format of primitive list: %s", name);
	}
	if (!json_is_array(list)) {
		return true;
	}
	json_t *rest = strategic_delete_scalars(merger, list, unwanted, name);
	if (rest == NULL) {
		return false;
	}
	json_object_set_new_nocheck(target, name, rest);
	return true;
}

/* The directives of an object that come before its values. */
static bool merge_directives(struct merger *merger, json_t *target, const json_t *patch,
			     const void *message)
{
	json_t *walk = (json_t *)patch;
	const char *key;
	json_t *value;

	if (!retain_keys(merger, target, patch)) {
		return false;
	}
	json_object_foreach (walk, key, value) {
		bool fine = true;
		if (starts(key, SET_ORDER)) {
			fine = set_order(merger, target, patch, message, key + strlen(SET_ORDER),
					 value);
		} else if (starts(key, DELETE_FROM_LIST)) {
			fine = delete_from_list(merger, target, key + strlen(DELETE_FROM_LIST),
						value);
		}
		if (!fine) {
			return false;
		}
	}
	return true;
}

/* $patch: replaces *target, or says by *ret_done = false that merging goes on. */
static bool apply_directive(struct merger *merger, json_t **target, const json_t *patch,
			    bool *ret_done)
{
	const json_t *value = json_object_get(patch, DIRECTIVE);
	const char *directive = json_string_value(value);

	*ret_done = false;
	if (value == NULL || (directive != NULL && strcmp(directive, "merge") == 0)) {
		return true;
	}
	bool replace = directive != NULL && strcmp(directive, "replace") == 0;
	if (!replace && (directive == NULL || strcmp(directive, "delete") != 0)) {
		return strategic_fail(merger,
				      "unknown patch type: %s: $patch must be replace, "
				      "delete or merge",
				      directive != NULL ? directive : "not a string");
	}
	json_decref(*target);
	*target = replace ? strategic_fresh(patch) : json_object();
	*ret_done = true;
	return true;
}

bool strategic_merge_object(struct merger *merger, json_t **target, const json_t *patch,
			    const void *message)
{
	json_t *walk = (json_t *)patch;
	const char *key;
	json_t *value;
	bool done;

	if (!apply_directive(merger, target, patch, &done)) {
		return false;
	}
	if (done) {
		return true;
	}
	if (!merge_directives(merger, *target, patch, message)) {
		return false;
	}
	json_object_foreach (walk, key, value) {
		if (is_directive(key) || (json_is_array(value) && is_ordered(patch, key))) {
			continue;
		}
		if (!merge_key(merger, *target, key, value, message)) {
			return false;
		}
	}
	return true;
}

int json_strategic_patch(const json_t *target, const json_t *patch,
			 const struct strategic_schema *schema, const void *message, json_t **ret,
			 struct patch_message *ret_message)
{
	struct merger merger = { .schema = schema, .message = ret_message };

	if (!json_is_object(patch) || !json_is_object(target)) {
		strategic_fail(&merger, "a strategic merge patch is an object");
		return PATCH_INVALID;
	}
	json_t *merged = json_clone(target);
	if (!strategic_merge_object(&merger, &merged, patch, message)) {
		json_decref(merged);
		return PATCH_INVALID;
	}
	*ret = merged;
	return 0;
}
