/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of a strategic merge patch. An element is known by its identity: the value of its merge
 * key, or the scalar itself. Identities are compared by their JSON text, kept in hash tables, so
 * that no patch costs more than its size and the target's; when an identity stands twice, the first
 * counts.
 */

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "json/json.h"
#include "json/patch_strategic_intern.h"

/*
 * Writes the identity of `element` into `out` (cleared before). False with a message when it has
 * none.
 */
static bool identify(struct merger *merger, const json_t *element, const char *merge_key,
		     struct buffer *out)
{
	const json_t *identity = element;

	buffer_clear(out);
	if (merge_key != NULL) {
		if (!json_is_object(element)) {
			return strategic_fail(merger,
					      "expected an object with the merge key %s in "
					      "every element of the list",
					      merge_key);
		}
		identity = json_object_get(element, merge_key);
		if (identity == NULL) {
			json_write(element, out);
			return strategic_fail(merger,
					      "map: %s does not contain declared merge key: %s",
					      buffer_text(out), merge_key);
		}
	}
	if (json_is_object(identity) || json_is_array(identity)) {
		return strategic_fail(merger,
				      merge_key != NULL
					      ? "a merge key must be a string or a number"
					      : "a list without merge key must hold scalars");
	}
	json_write(identity, out);
	return true;
}

/*
 * Identity -> index of the first element that has it (a json_t object of integers, new reference).
 * Elements with a directive are left out. NULL after an error.
 */
static json_t *positions_of(struct merger *merger, const json_t *list, const char *merge_key)
{
	_cleanup_buffer_ struct buffer identity = BUFFER_INIT(LIMIT_OBJECT);
	json_t *positions = json_object();

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *element = json_array_get(list, i);
		if (json_object_get(element, DIRECTIVE) != NULL) {
			continue;
		}
		if (!identify(merger, element, merge_key, &identity)) {
			json_decref(positions);
			return NULL;
		}
		if (json_object_get(positions, buffer_text(&identity)) == NULL) {
			json_object_set_new_nocheck(positions, buffer_text(&identity),
						    json_integer((json_int_t)i));
		}
	}
	return positions;
}

/* The position of `element`, or -1; its identity has been checked. */
static int64_t position(struct merger *merger, const json_t *positions, const json_t *element,
			const char *merge_key, struct buffer *scratch)
{
	if (!identify(merger, element, merge_key, scratch)) {
		return -1;
	}
	const json_t *found = json_object_get(positions, buffer_text(scratch));
	return found != NULL ? json_integer_value(found) : -1;
}

/* An element on its way into order. */
struct place {
	json_t *element; /* borrowed */
	int64_t before; /* position in the old list, or -1 */
	int64_t wanted; /* position in the wanted order, or -1 */
	size_t index; /* in the merged list: keeps the sort stable */
};

static int compare_places(const void *a, const void *b)
{
	const struct place *one = a;
	const struct place *other = b;

	if (one->wanted != other->wanted) {
		return one->wanted < other->wanted ? -1 : 1;
	}
	return one->index < other->index ? -1 : 1;
}

/*
 * `places` begin with `n_kept` elements that nobody ordered, as they stood, and end with the
 * ordered ones. Before an ordered element come the kept ones that stood before it; an ordered
 * element that is new comes first. (That a new element goes to the front is what users of kubectl
 * see.)
 */
static json_t *interleave(const struct place *places, size_t n_kept, size_t n)
{
	json_t *out = json_array();
	size_t kept = 0;
	size_t ordered = n_kept;

	while (kept < n_kept || ordered < n) {
		bool take_kept = kept < n_kept;
		if (take_kept && ordered < n) {
			take_kept = places[kept].before >= 0 && places[ordered].before >= 0 &&
				    places[kept].before < places[ordered].before;
		}
		json_array_append(out, places[take_kept ? kept++ : ordered++].element);
	}
	return out;
}

json_t *strategic_order_list(struct merger *merger, const json_t *list, const json_t *wanted,
			     const json_t *before, const struct strategic_field *field)
{
	_cleanup_buffer_ struct buffer scratch = BUFFER_INIT(LIMIT_OBJECT);
	_cleanup_json_ json_t *wanted_at = positions_of(merger, wanted, field->merge_key);
	_cleanup_json_ json_t *before_at = positions_of(merger, before, field->merge_key);
	_cleanup_json_ json_t *list_at = positions_of(merger, list, field->merge_key);
	size_t n = json_array_size(list);
	size_t n_kept = 0;

	if (wanted_at == NULL || before_at == NULL || list_at == NULL) {
		return NULL;
	}
	_cleanup_free_ struct place *places = mem_alloc_array(n + 1, sizeof(*places));
	for (size_t i = 0; i < n; i++) {
		json_t *element = json_array_get(list, i);
		places[i] = (struct place){
			.element = element,
			.before = position(merger, before_at, element, field->merge_key, &scratch),
			.wanted = position(merger, wanted_at, element, field->merge_key, &scratch),
			.index = i,
		};
		n_kept += places[i].wanted < 0;
	}
	/* Elements without a wanted position (-1) come to the front, in the order of the list. */
	qsort(places, n, sizeof(*places), compare_places);
	return interleave(places, n_kept, n);
}

bool strategic_check_order(struct merger *merger, const json_t *patch, const json_t *order,
			   const struct strategic_field *field, const char *name)
{
	_cleanup_buffer_ struct buffer scratch = BUFFER_INIT(LIMIT_OBJECT);
	_cleanup_json_ json_t *order_at = positions_of(merger, order, field->merge_key);
	int64_t last = -1;

	if (order_at == NULL) {
		return false;
	}
	for (size_t i = 0; i < json_array_size(patch) && json_array_size(order) > 0; i++) {
		const json_t *element = json_array_get(patch, i);
		if (json_object_get(element, DIRECTIVE) != NULL) {
			continue;
		}
		if (!identify(merger, element, field->merge_key, &scratch)) {
			return false;
		}
		int64_t at = position(merger, order_at, element, field->merge_key, &scratch);
		if (at <= last) {
			return strategic_fail(merger,
					      "The order in patch list: %s doesn't match "
					      "$setElementOrder list: %s of %s",
					      buffer_text(&scratch),
					      at < 0 ? "not in it" : "out of order", name);
		}
		last = at;
	}
	return true;
}

/* All elements objects (*ret_objects), or all scalars. */
static bool check_elements(struct merger *merger, const json_t *list, const char *name,
			   bool *has_kind, bool *ret_objects)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *element = json_array_get(list, i);
		bool is_object = json_is_object(element);
		if (json_is_array(element)) {
			return strategic_fail(merger, "lists of lists are not supported");
		}
		if (json_is_null(element) || (*has_kind && is_object != *ret_objects)) {
			return strategic_fail(merger, "list element types are not identical: %s",
					      name);
		}
		*has_kind = true;
		*ret_objects = is_object;
	}
	return true;
}

static json_t *merge_scalars(struct merger *merger, const json_t *target, const json_t *patch,
			     const struct strategic_field *field)
{
	_cleanup_buffer_ struct buffer identity = BUFFER_INIT(LIMIT_OBJECT);
	_cleanup_json_ json_t *seen = json_object();
	_cleanup_json_ json_t *merged = json_array();
	const json_t *const sources[] = { target, patch };

	for (size_t k = 0; k < ARRAY_SIZE(sources); k++) {
		for (size_t i = 0; i < json_array_size(sources[k]); i++) {
			json_t *element = json_array_get(sources[k], i);
			buffer_clear(&identity);
			json_write(element, &identity);
			const char *text = buffer_text(&identity);
			if (json_object_get(seen, text) == NULL) {
				json_object_set_new_nocheck(seen, text, json_true());
				json_array_append(merged, element);
			}
		}
	}
	return strategic_order_list(merger, merged, patch, target, field);
}

/*
 * What `patch` says by directives in its elements: identities to delete (*deleted, an object) and
 * whether the list is replaced.
 */
static bool read_special_elements(struct merger *merger, const json_t *patch, const char *merge_key,
				  json_t *deleted, bool *ret_replace)
{
	_cleanup_buffer_ struct buffer identity = BUFFER_INIT(LIMIT_OBJECT);

	*ret_replace = false;
	for (size_t i = 0; i < json_array_size(patch); i++) {
		const json_t *element = json_array_get(patch, i);
		const json_t *value = json_object_get(element, DIRECTIVE);
		const char *directive = json_string_value(value);
		if (value == NULL) {
			continue;
		}
		if (directive != NULL && strcmp(directive, "replace") == 0) {
			*ret_replace = true;
		} else if (directive != NULL && strcmp(directive, "delete") == 0) {
			if (!identify(merger, element, merge_key, &identity)) {
				return false;
			}
			json_object_set_new_nocheck(deleted, buffer_text(&identity), json_true());
		} else {
			return strategic_fail(merger,
					      "unknown patch type: %s: $patch in an element of a "
					      "list must be replace or delete",
					      directive != NULL ? directive : "not a string");
		}
	}
	return true;
}

/* `target` without the deleted identities: new reference, NULL after an error. */
static json_t *without(struct merger *merger, const json_t *target, const char *merge_key,
		       const json_t *deleted)
{
	_cleanup_buffer_ struct buffer identity = BUFFER_INIT(LIMIT_OBJECT);
	json_t *rest = json_array();

	for (size_t i = 0; i < json_array_size(target); i++) {
		json_t *element = json_array_get(target, i);
		if (!identify(merger, element, merge_key, &identity)) {
			json_decref(rest);
			return NULL;
		}
		if (json_object_get(deleted, buffer_text(&identity)) == NULL) {
			json_array_append(rest, element);
		}
	}
	return rest;
}

/* Merges one element of the patch into `merged`, whose identities are in `positions`. */
static bool merge_element(struct merger *merger, json_t *merged, json_t *positions,
			  const json_t *element, const struct strategic_field *field,
			  struct buffer *scratch)
{
	if (!identify(merger, element, field->merge_key, scratch)) {
		return false;
	}
	const json_t *at = json_object_get(positions, buffer_text(scratch));
	if (at == NULL) {
		json_object_set_new_nocheck(positions, buffer_text(scratch),
					    json_integer((json_int_t)json_array_size(merged)));
		json_array_append_new(merged, strategic_fresh(element));
		return true;
	}
	size_t index = (size_t)json_integer_value(at);
	json_t *below = json_incref(json_array_get(merged, index));
	bool fine = strategic_merge_object(merger, &below, element, field->message);
	json_array_set_new(merged, index, below);
	return fine;
}

static json_t *merge_objects(struct merger *merger, const json_t *target, const json_t *patch,
			     const struct strategic_field *field)
{
	_cleanup_buffer_ struct buffer scratch = BUFFER_INIT(LIMIT_OBJECT);
	_cleanup_json_ json_t *deleted = json_object();
	bool replace;

	if (!read_special_elements(merger, patch, field->merge_key, deleted, &replace)) {
		return NULL;
	}
	if (replace) {
		return strategic_fresh(patch);
	}
	_cleanup_json_ json_t *merged = without(merger, target, field->merge_key, deleted);
	if (merged == NULL) {
		return NULL;
	}
	_cleanup_json_ json_t *positions = positions_of(merger, merged, field->merge_key);
	for (size_t i = 0; i < json_array_size(patch); i++) {
		const json_t *element = json_array_get(patch, i);
		if (json_object_get(element, DIRECTIVE) == NULL &&
		    !merge_element(merger, merged, positions, element, field, &scratch)) {
			return NULL;
		}
	}
	return strategic_order_list(merger, merged, patch, target, field);
}

json_t *strategic_merge_list(struct merger *merger, json_t *target, const json_t *patch,
			     const struct strategic_field *field, const char *name)
{
	bool has_kind = false;
	bool objects = false;

	if (!check_elements(merger, target, name, &has_kind, &objects) ||
	    !check_elements(merger, patch, name, &has_kind, &objects)) {
		return NULL;
	}
	if (!objects) {
		struct strategic_field scalars = { .merge = true };
		return merge_scalars(merger, target, patch, &scalars);
	}
	if (field->merge_key == NULL) {
		strategic_fail(merger, "cannot merge lists without merge key for %s", name);
		return NULL;
	}
	return merge_objects(merger, target, patch, field);
}

json_t *strategic_delete_scalars(struct merger *merger, const json_t *target,
				 const json_t *unwanted, const char *name)
{
	_cleanup_json_ json_t *deleted = positions_of(merger, unwanted, NULL);

	if (deleted == NULL) {
		strategic_fail(merger, "invalid patch format of primitive list: %s", name);
		return NULL;
	}
	return without(merger, target, NULL, deleted);
}
