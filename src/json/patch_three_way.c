/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wanted and current are walked together and what differs is collected; what original has beyond
 * wanted is deleted where current still has it. A list that merges by a key is walked key by key.
 * Where that is not possible (two elements of one key) and in lists that do not merge, the whole
 * list is sent when it differs; it does not differ when current has everything in it and perhaps
 * defaults beside.
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "json/json.h"
#include "json/patch.h"

struct walk {
	const struct strategic_schema *schema;
	unsigned depth;
};

static json_t *diff_objects(struct walk *walk, const void *message, const json_t *original,
			    const json_t *wanted, const json_t *current);

static bool covers_list(const json_t *current, const json_t *wanted);

/* Whether `current` has everything that `wanted` has. */
static bool covers(const json_t *current, const json_t *wanted)
{
	const char *key;
	json_t *value;

	if (json_is_array(wanted)) {
		return json_is_array(current) && covers_list(current, wanted);
	}
	if (!json_is_object(wanted) || !json_is_object(current)) {
		return json_equal(current, wanted);
	}
	json_object_foreach ((json_t *)wanted, key, value) {
		if (!json_is_null(value) && !covers(json_object_get(current, key), value)) {
			return false;
		}
	}
	return true;
}

static bool covers_list(const json_t *current, const json_t *wanted)
{
	if (json_array_size(current) != json_array_size(wanted)) {
		return false;
	}
	for (size_t i = 0; i < json_array_size(wanted); i++) {
		if (!covers(json_array_get(current, i), json_array_get(wanted, i))) {
			return false;
		}
	}
	return true;
}

/* Nothing was taken away since `original`, and `current` has what is wanted. */
static bool is_settled(const json_t *original, const json_t *wanted, const json_t *current)
{
	return json_equal(wanted, current) ||
	       ((original == NULL || json_equal(original, wanted)) && covers(current, wanted));
}

/* ---- lists ---- */

static json_t *find_element(const json_t *list, const char *key, const json_t *value)
{
	json_t *element;
	size_t i;

	json_array_foreach (list, i, element) {
		if (json_equal(json_object_get(element, key), value)) {
			return element;
		}
	}
	return NULL;
}

/* Every element has the key, and no two the same. */
static bool is_keyed(const json_t *list, const char *key)
{
	json_t *element;
	size_t i;

	json_array_foreach (list, i, element) {
		const json_t *value = json_object_get(element, key);

		if (value == NULL || find_element(list, key, value) != element) {
			return false;
		}
	}
	return true;
}

static json_t *whole_list(const json_t *original, const json_t *wanted, const json_t *current,
			  bool merges)
{
	json_t *list;

	if (is_settled(original, wanted, current)) {
		return NULL;
	}
	list = json_clone(wanted);
	if (merges) {
		json_array_insert_new(list, 0, json_pack("{ss}", "$patch", "replace"));
	}
	return list;
}

static bool holds(const json_t *list, const json_t *value)
{
	json_t *element;
	size_t i;

	json_array_foreach (list, i, element) {
		if (json_equal(element, value)) {
			return true;
		}
	}
	return false;
}

/* NULL for a list with nothing in it. */
static json_t *unless_empty(json_t *list)
{
	if (json_array_size(list) != 0) {
		return list;
	}
	json_decref(list);
	return NULL;
}

/* The elements themselves, or objects of nothing but their key. */
static json_t *order_of(const json_t *list, const char *key, const json_t *among)
{
	json_t *order = json_array();
	json_t *element;
	size_t i;

	json_array_foreach (list, i, element) {
		json_t *value = key != NULL ? json_object_get(element, key) : element;

		if (key == NULL ? holds(among, value) : find_element(among, key, value) != NULL) {
			json_array_append_new(order, key != NULL ? json_pack("{sO}", key, value)
								 : json_incref(value));
		}
	}
	return order;
}

/* Elements stand as they are wanted: said beside the list when something differs. */
static void set_order(const char *name, const char *key, const json_t *wanted,
		      const json_t *current, bool differs, json_t *patch)
{
	_cleanup_json_ json_t *order = order_of(wanted, key, wanted);
	_cleanup_json_ json_t *known = order_of(current, key, wanted);
	char directive[256];

	if (differs || !json_equal(order, known)) {
		snprintf(directive, sizeof(directive), "$setElementOrder/%.200s", name);
		json_object_set(patch, directive, order);
	}
}

static json_t *diff_keyed(struct walk *walk, const struct strategic_field *field,
			  const json_t *original, const json_t *wanted, const json_t *current)
{
	const char *key = field->merge_key;
	json_t *list = json_array();
	json_t *element;
	size_t i;

	json_array_foreach (wanted, i, element) {
		const json_t *value = json_object_get(element, key);
		const json_t *known = find_element(current, key, value);
		json_t *difference;

		if (known == NULL) {
			json_array_append_new(list, json_clone(element));
			continue;
		}
		difference = diff_objects(walk, field->message, find_element(original, key, value),
					  element, known);
		if (difference != NULL) {
			json_object_set(difference, key, (json_t *)value);
			json_array_append_new(list, difference);
		}
	}
	json_array_foreach (original, i, element) {
		json_t *value = json_object_get(element, key);

		if (find_element(wanted, key, value) == NULL &&
		    find_element(current, key, value) != NULL) {
			json_array_append_new(list,
					      json_pack("{sssO}", "$patch", "delete", key, value));
		}
	}
	return unless_empty(list);
}

/* The elements of `from` that `in` has (or has not), NULL for none. */
static json_t *select_elements(const json_t *from, const json_t *in, bool has)
{
	json_t *list = json_array();
	json_t *element;
	size_t i;

	json_array_foreach (from, i, element) {
		if (holds(in, element) == has) {
			json_array_append(list, element);
		}
	}
	return unless_empty(list);
}

/* A set of scalars: what is to be added; what is to go stands beside it in `patch`. */
static json_t *diff_set(const char *name, const json_t *original, const json_t *wanted,
			const json_t *current, json_t *patch)
{
	_cleanup_json_ json_t *gone = select_elements(original, wanted, /* has= */ false);
	json_t *present = select_elements(gone, current, /* has= */ true);

	if (present != NULL) {
		char directive[256];

		snprintf(directive, sizeof(directive), "$deleteFromPrimitiveList/%.200s", name);
		json_object_set_new(patch, directive, present);
	}
	return select_elements(wanted, current, /* has= */ false);
}

/* ---- values ---- */

static json_t *diff_lists(struct walk *walk, const char *name, const struct strategic_field *field,
			  const json_t *original, const json_t *wanted, const json_t *current,
			  json_t *patch)
{
	const char *key = field->merge_key;
	size_t said = json_object_size(patch);
	json_t *list;

	if (!field->merge) {
		return whole_list(original, wanted, current, /* merges= */ false);
	}
	if (key == NULL) {
		list = diff_set(name, original, wanted, current, patch);
		set_order(name, key, wanted, current,
			  list != NULL || json_object_size(patch) != said, patch);
		return list;
	}
	if (!is_keyed(original, key) || !is_keyed(wanted, key) || !is_keyed(current, key)) {
		return whole_list(original, wanted, current, /* merges= */ true);
	}
	list = diff_keyed(walk, field, original, wanted, current);
	set_order(name, key, wanted, current, list != NULL, patch);
	return list;
}

/* Of a field whose keys are exclusive, those that are wanted are the only ones. */
static void retain_keys(const json_t *wanted, json_t *difference)
{
	json_t *keys = json_array();
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)wanted, key, value) {
		if (!json_is_null(value)) {
			json_array_append_new(keys, json_string(key));
		}
	}
	json_object_set_new(difference, "$retainKeys", keys);
}

static json_t *diff_field(struct walk *walk, const void *message, const char *name,
			  const json_t *original, const json_t *wanted, const json_t *current,
			  json_t *patch)
{
	struct strategic_field field = { 0 };
	json_t *difference;

	if (message != NULL) {
		walk->schema->field(message, name, &field);
	}
	if (json_is_array(wanted) && json_is_array(current)) {
		return diff_lists(walk, name, &field, json_is_array(original) ? original : NULL,
				  wanted, current, patch);
	}
	if (!json_is_object(wanted) || !json_is_object(current)) {
		return json_equal(wanted, current) ? NULL : json_clone(wanted);
	}
	if (field.replace || walk->depth == LIMIT_JSON_DEPTH) {
		return is_settled(original, wanted, current) ? NULL : json_clone(wanted);
	}
	walk->depth++;
	difference = diff_objects(walk, field.message, original, wanted, current);
	walk->depth--;
	if (difference != NULL && field.retain_keys) {
		retain_keys(wanted, difference);
	}
	return difference;
}

static bool is_absent(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return value == NULL || json_is_null(value);
}

static json_t *diff_objects(struct walk *walk, const void *message, const json_t *original,
			    const json_t *wanted, const json_t *current)
{
	json_t *patch = json_object();
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)wanted, key, value) {
		const json_t *known = json_object_get(current, key);
		json_t *difference;

		if (json_is_null(value)) {
			continue;
		}
		if (known == NULL) {
			json_object_set_new(patch, key, json_clone(value));
			continue;
		}
		difference = diff_field(walk, message, key, json_object_get(original, key), value,
					known, patch);
		if (difference != NULL) {
			json_object_set_new(patch, key, difference);
		}
	}
	json_object_foreach ((json_t *)original, key, value) {
		if (is_absent(wanted, key) && !is_absent(current, key)) {
			json_object_set_new(patch, key, json_null());
		}
	}
	if (json_object_size(patch) == 0) {
		json_decref(patch);
		return NULL;
	}
	return patch;
}

json_t *json_three_way_patch(const json_t *original, const json_t *wanted, const json_t *current,
			     const struct strategic_schema *schema, const void *message)
{
	struct walk walk = { .schema = schema };

	return diff_objects(&walk, message, original, wanted, current);
}
