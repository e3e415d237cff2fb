/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Patch (RFC 6902) over JSON Pointer (RFC 6901). The operations run one after the other on a
 * copy of the target; whatever fails drops the copy, so a patch applies as a whole or not at all.
 *
 * A patch of a few bytes can ask for a lot: `copy` doubles a document with every operation, `move`
 * deepens it, inserting at the front shifts an array. So every operation pays for the values it
 * touches from one budget, and no value is put where it would be nested deeper than
 * LIMIT_JSON_DEPTH.
 */

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "json/json.h"
#include "json/patch.h"

/* A pointer taken apart. The document itself has no steps. */
struct pointer {
	const char *text;
	char *steps[LIMIT_JSON_DEPTH];
	size_t n;
};

struct patcher {
	json_t *document;
	size_t budget;
	const char *op;
	const char *path; /* of the current operation, for messages */
	struct patch_message *message;
};

static int complain(struct patcher *patcher, int outcome, const char *what)
{
	snprintf(patcher->message->text, sizeof(patcher->message->text), "%s operation %s: %s",
		 patcher->op, what, patcher->path);
	return outcome;
}

static int missing(struct patcher *patcher, const struct pointer *pointer)
{
	patcher->path = pointer->text;
	return complain(patcher, PATCH_TEST_FAILED, "does not apply: the document has no");
}

static bool spend(struct patcher *patcher, size_t work)
{
	if (work > patcher->budget) {
		return false;
	}
	patcher->budget -= work;
	return true;
}

/*
 * Pays for every value in `value`; false when the budget ends or it is deeper than `depth` levels.
 */
static bool weigh(struct patcher *patcher, const json_t *value, size_t depth)
{
	json_t *walk = (json_t *)value;

	if (!spend(patcher, 1)) {
		return false;
	}
	if (!json_is_object(value) && !json_is_array(value)) {
		return true;
	}
	if (depth == 0) {
		return false;
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (!weigh(patcher, json_array_get(value, i), depth - 1)) {
			return false;
		}
	}
	for (void *i = json_object_iter(walk); i != NULL; i = json_object_iter_next(walk, i)) {
		if (!weigh(patcher, json_object_iter_value(i), depth - 1)) {
			return false;
		}
	}
	return true;
}

static void pointer_deinit(struct pointer *pointer)
{
	for (size_t i = 0; i < pointer->n; i++) {
		mem_free(pointer->steps[i]);
	}
}
#define _cleanup_pointer_ _cleanup_(pointer_deinit)

/* "~1" is '/', "~0" is '~'; NULL for any other use of '~'. */
static char *unescape(struct str text)
{
	char *step = str_dup(text);
	char *out = step;

	for (const char *p = step; *p != '\0'; p++) {
		if (*p == '~') {
			p++;
			if (*p != '0' && *p != '1') {
				return mem_free(step);
			}
			*out++ = *p == '0' ? '~' : '/';
		} else {
			*out++ = *p;
		}
	}
	*out = '\0';
	return step;
}

/* Takes the member `key` of an operation apart; the caller deinits `ret` in either case. */
static int read_pointer(struct patcher *patcher, const json_t *operation, const char *key,
			struct pointer *ret)
{
	const char *text = json_string_value(json_object_get(operation, key));

	if (text == NULL || (text[0] != '\0' && text[0] != '/')) {
		patcher->path = key;
		return complain(patcher, PATCH_INVALID, "needs a JSON pointer");
	}
	ret->text = text;
	struct str rest = text[0] == '/' ? str_from(text + 1) : STR_NONE;
	while (rest.p != NULL) {
		struct str step = str_cut(&rest, '/');
		if (ret->n == LIMIT_JSON_DEPTH) {
			patcher->path = text;
			return complain(patcher, PATCH_INVALID, "reaches too deep");
		}
		ret->steps[ret->n] = unescape(step);
		if (ret->steps[ret->n] == NULL) {
			patcher->path = text;
			return complain(patcher, PATCH_INVALID, "has a bad escape in its pointer");
		}
		ret->n++;
	}
	return 0;
}

/* An array index as RFC 6901 writes it (no sign, no leading zero), ≤ last. */
static bool to_index(const char *step, size_t last, size_t *ret)
{
	uint64_t index;

	if ((step[0] == '0' && step[1] != '\0') || !str_to_u64(str_from(step), last, &index)) {
		return false;
	}
	*ret = (size_t)index;
	return true;
}

static json_t *child(const json_t *container, const char *step)
{
	size_t index;

	if (json_is_array(container)) {
		return to_index(step, SIZE_MAX, &index) ? json_array_get(container, index) : NULL;
	}
	return json_object_get(container, step);
}

/* What stands at the first `n` steps, borrowed; NULL when nothing does. */
static json_t *walk_to(const struct patcher *patcher, const struct pointer *pointer, size_t n)
{
	json_t *value = patcher->document;

	for (size_t i = 0; i < n && value != NULL; i++) {
		value = child(value, pointer->steps[i]);
	}
	return value;
}

static json_t *find(const struct patcher *patcher, const struct pointer *pointer)
{
	return walk_to(patcher, pointer, pointer->n);
}

static void set_document(struct patcher *patcher, json_t *value)
{
	json_decref(patcher->document);
	patcher->document = value;
}

/* Puts `value` (stolen) into an array before `step`, or behind its end for "-". */
static int insert(struct patcher *patcher, const struct pointer *pointer, json_t *array,
		  json_t *value)
{
	const char *step = pointer->steps[pointer->n - 1];
	size_t n = json_array_size(array);
	size_t index = n;

	if (strcmp(step, "-") != 0 && !to_index(step, n, &index)) {
		json_decref(value);
		return missing(patcher, pointer);
	}
	if (!spend(patcher, (n - index) / 8)) {
		json_decref(value);
		return complain(patcher, PATCH_INVALID, "asks for too much work");
	}
	json_array_insert_new(array, index, value);
	return 0;
}

/* Adds `value` (stolen) as RFC 6902 section 4.1 says. */
static int add(struct patcher *patcher, const struct pointer *pointer, json_t *value)
{
	if (!weigh(patcher, value, LIMIT_JSON_DEPTH - pointer->n)) {
		json_decref(value);
		return complain(patcher, PATCH_INVALID, "nests too deep or asks for too much work");
	}
	if (pointer->n == 0) {
		set_document(patcher, value);
		return 0;
	}
	json_t *parent = walk_to(patcher, pointer, pointer->n - 1);
	if (json_is_array(parent)) {
		return insert(patcher, pointer, parent, value);
	}
	if (!json_is_object(parent)) {
		json_decref(value);
		return missing(patcher, pointer);
	}
	json_object_set_new_nocheck(parent, pointer->steps[pointer->n - 1], value);
	return 0;
}

/* Takes out what stands at `pointer`, which is known to be there and not the document. */
static int cut(struct patcher *patcher, const struct pointer *pointer)
{
	json_t *parent = walk_to(patcher, pointer, pointer->n - 1);
	const char *step = pointer->steps[pointer->n - 1];
	size_t index;

	if (!json_is_array(parent)) {
		json_object_del(parent, step);
		return 0;
	}
	to_index(step, SIZE_MAX, &index);
	if (!spend(patcher, (json_array_size(parent) - index) / 8)) {
		return complain(patcher, PATCH_INVALID, "asks for too much work");
	}
	json_array_remove(parent, index);
	return 0;
}

static int do_remove(struct patcher *patcher, const struct pointer *path)
{
	if (path->n == 0) {
		return complain(patcher, PATCH_INVALID, "cannot take the whole document");
	}
	return find(patcher, path) != NULL ? cut(patcher, path) : missing(patcher, path);
}

static int do_replace(struct patcher *patcher, const struct pointer *path, const json_t *value)
{
	if (find(patcher, path) == NULL) {
		return missing(patcher, path);
	}
	json_t *parent = path->n > 0 ? walk_to(patcher, path, path->n - 1) : NULL;
	if (!json_is_array(parent)) {
		return add(patcher, path, json_clone(value));
	}
	if (!weigh(patcher, value, LIMIT_JSON_DEPTH - path->n)) {
		return complain(patcher, PATCH_INVALID, "nests too deep or asks for too much work");
	}
	size_t index;
	to_index(path->steps[path->n - 1], SIZE_MAX, &index);
	json_array_set_new(parent, index, json_clone(value));
	return 0;
}

static bool is_inside(const struct pointer *outer, const struct pointer *inner)
{
	for (size_t i = 0; i < outer->n; i++) {
		if (i >= inner->n || strcmp(outer->steps[i], inner->steps[i]) != 0) {
			return false;
		}
	}
	return inner->n > outer->n;
}

static int do_move(struct patcher *patcher, const struct pointer *path, const struct pointer *from)
{
	_cleanup_json_ json_t *value = json_incref(find(patcher, from));

	if (value == NULL) {
		return missing(patcher, from);
	}
	if (is_inside(from, path)) {
		return complain(patcher, PATCH_INVALID, "cannot put a value into itself");
	}
	/* From the document to itself: there is nothing to cut. */
	int r = from->n > 0 ? cut(patcher, from) : 0;
	return r != 0 ? r : add(patcher, path, take(value));
}

static int do_copy(struct patcher *patcher, const struct pointer *path, const struct pointer *from)
{
	const json_t *value = find(patcher, from);

	if (value == NULL) {
		return missing(patcher, from);
	}
	if (!weigh(patcher, value, LIMIT_JSON_DEPTH)) {
		return complain(patcher, PATCH_INVALID, "nests too deep or asks for too much work");
	}
	return add(patcher, path, json_clone(value));
}

static bool is_equal(const json_t *a, const json_t *b);

static bool objects_equal(const json_t *a, const json_t *b)
{
	json_t *walk = (json_t *)a;

	if (json_object_size(a) != json_object_size(b)) {
		return false;
	}
	for (void *i = json_object_iter(walk); i != NULL; i = json_object_iter_next(walk, i)) {
		if (!is_equal(json_object_iter_value(i),
			      json_object_get(b, json_object_iter_key(i)))) {
			return false;
		}
	}
	return true;
}

static bool arrays_equal(const json_t *a, const json_t *b)
{
	size_t n = json_array_size(a);
	bool equal = n == json_array_size(b);

	for (size_t i = 0; i < n && equal; i++) {
		equal = is_equal(json_array_get(a, i), json_array_get(b, i));
	}
	return equal;
}

/* RFC 6902 section 4.6: numbers are equal when their values are, so 1 is 1.0. */
static bool is_equal(const json_t *a, const json_t *b)
{
	if (json_is_object(a) && json_is_object(b)) {
		return objects_equal(a, b);
	}
	if (json_is_array(a) && json_is_array(b)) {
		return arrays_equal(a, b);
	}
	if (json_is_number(a) && json_is_number(b) && json_typeof(a) != json_typeof(b)) {
		return json_number_value(a) == json_number_value(b);
	}
	return b != NULL && json_equal(a, b);
}

static int do_test(struct patcher *patcher, const struct pointer *path, const json_t *value)
{
	const json_t *found = find(patcher, path);

	if (found == NULL) {
		return missing(patcher, path);
	}
	/* The patch's value is walked, and there is only so much of it in one body. */
	if (!is_equal(value, found)) {
		return complain(patcher, PATCH_TEST_FAILED, "failed, another value stands at");
	}
	return 0;
}

static int apply_with_value(struct patcher *patcher, const struct pointer *path,
			    const json_t *operation)
{
	const json_t *value = json_object_get(operation, "value");

	if (value == NULL) {
		patcher->path = path->text;
		return complain(patcher, PATCH_INVALID, "needs a value");
	}
	if (strcmp(patcher->op, "add") == 0) {
		return add(patcher, path, json_clone(value));
	}
	if (strcmp(patcher->op, "replace") == 0) {
		return do_replace(patcher, path, value);
	}
	return do_test(patcher, path, value);
}

static int apply_with_from(struct patcher *patcher, const struct pointer *path,
			   const json_t *operation)
{
	_cleanup_pointer_ struct pointer from = { 0 };
	int r = read_pointer(patcher, operation, "from", &from);

	if (r != 0) {
		return r;
	}
	patcher->path = path->text;
	return (strcmp(patcher->op, "move") == 0 ? do_move : do_copy)(patcher, path, &from);
}

static int apply(struct patcher *patcher, const json_t *operation)
{
	static const char *const with_value[] = { "add", "replace", "test" };
	static const char *const with_from[] = { "move", "copy" };
	_cleanup_pointer_ struct pointer path = { 0 };

	patcher->op = json_string_at(operation, "op");
	int r = read_pointer(patcher, operation, "path", &path);
	if (r != 0) {
		return r;
	}
	patcher->path = path.text;
	for (size_t i = 0; i < ARRAY_SIZE(with_value); i++) {
		if (strcmp(patcher->op, with_value[i]) == 0) {
			return apply_with_value(patcher, &path, operation);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(with_from); i++) {
		if (strcmp(patcher->op, with_from[i]) == 0) {
			return apply_with_from(patcher, &path, operation);
		}
	}
	if (strcmp(patcher->op, "remove") == 0) {
		return do_remove(patcher, &path);
	}
	snprintf(patcher->message->text, sizeof(patcher->message->text),
		 "unknown operation \"%s\": op must be add, remove, replace, move, copy or test",
		 patcher->op);
	return PATCH_INVALID;
}

int json_patch(const json_t *target, const json_t *operations, json_t **ret,
	       struct patch_message *ret_message)
{
	struct patcher patcher = { .budget = LIMIT_PATCH_WORK, .message = ret_message };
	size_t n = json_array_size(operations);

	if (!json_is_array(operations)) {
		snprintf(ret_message->text, sizeof(ret_message->text),
			 "a JSON Patch is an array of operations");
		return PATCH_INVALID;
	}
	if (n > LIMIT_PATCH_OPERATIONS) {
		snprintf(ret_message->text, sizeof(ret_message->text),
			 "The allowed maximum operations in a JSON patch is %d, got %zu",
			 LIMIT_PATCH_OPERATIONS, n);
		return PATCH_INVALID;
	}
	patcher.document = json_clone(target);
	for (size_t i = 0; i < n; i++) {
		int r = apply(&patcher, json_array_get(operations, i));
		if (r != 0) {
			json_decref(patcher.document);
			return r;
		}
	}
	*ret = patcher.document;
	return 0;
}
