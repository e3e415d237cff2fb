/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A selector is a sorted array of requirements that must all hold. This file has the compiled form:
 * building, checking, matching and writing. selector_parse.c compiles text of label selectors,
 * selector_fields.c field selectors.
 */

#include "object/selector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/field_errors.h"
#include "object/formats.h"
#include "object/object.h"
#include "object/selector_intern.h"
#include "json/json.h"

struct selector *selector_new(void)
{
	return MEM_NEW(struct selector);
}

struct selector *selector_free(struct selector *selector)
{
	if (selector == NULL) {
		return NULL;
	}
	for (size_t i = 0; i < selector->n; i++) {
		struct requirement *requirement = &selector->items[i];
		for (size_t k = 0; k < requirement->n_values; k++) {
			mem_free(requirement->values[k]);
		}
		mem_free(requirement->values);
		mem_free(requirement->key);
	}
	mem_free(selector->items);
	return mem_free(selector);
}

/* An array grows when its length is a power of two, so no capacity needs to be kept. */
static void *grow(void *array, size_t n, size_t size)
{
	return (n & (n - 1)) == 0 ? mem_resize(array, (n > 0 ? 2 * n : 1) * size) : array;
}

struct requirement *selector_add(struct selector *selector, enum selector_operator relation,
				 struct str key)
{
	selector->items = grow(selector->items, selector->n, sizeof(*selector->items));
	struct requirement *requirement = &selector->items[selector->n++];
	*requirement = (struct requirement){ .relation = relation, .key = str_dup(key) };
	return requirement;
}

void requirement_add_value(struct requirement *requirement, struct str value)
{
	requirement->values =
		grow(requirement->values, requirement->n_values, sizeof(*requirement->values));
	requirement->values[requirement->n_values++] = str_dup(value);
}

static int compare_values(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_values(struct requirement *requirement)
{
	size_t kept = 0;

	if (requirement->n_values < 2) {
		return;
	}
	qsort(requirement->values, requirement->n_values, sizeof(char *), compare_values);
	for (size_t i = 1; i < requirement->n_values; i++) {
		if (strcmp(requirement->values[i], requirement->values[kept]) == 0) {
			mem_free(requirement->values[i]);
		} else {
			requirement->values[++kept] = requirement->values[i];
		}
	}
	requirement->n_values = kept + 1;
}

static int compare_requirements(const void *a, const void *b)
{
	const struct requirement *one = a;
	const struct requirement *other = b;
	int order = strcmp(one->key, other->key);

	if (order == 0) {
		order = (int)one->relation - (int)other->relation;
	}
	for (size_t i = 0; order == 0 && i < one->n_values && i < other->n_values; i++) {
		order = strcmp(one->values[i], other->values[i]);
	}
	return order != 0 ? order
			  : (one->n_values > other->n_values) - (one->n_values < other->n_values);
}

void selector_finish(struct selector *selector)
{
	if (selector->n > 1) {
		qsort(selector->items, selector->n, sizeof(*selector->items), compare_requirements);
	}
}

static bool to_int64(const char *text, int64_t *ret)
{
	char *end;

	/* As Go's ParseInt: a sign and digits, nothing else. */
	if (strspn(text, "+-") > 1 || strspn(text, "+-0123456789") != strlen(text)) {
		return false;
	}
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno == ERANGE) {
		return false;
	}
	*ret = value;
	return true;
}

static void add_invalid(struct field_errors *errors, const char *value, const char *detail,
			const char *path)
{
	_cleanup_json_ json_t *text = json_string(value);

	field_errors_add(errors, FIELD_ERROR_INVALID, path, text, detail);
}

/* Adds one error that names everything wrong with `text`. */
static void check_format(enum field_format format, const char *text, const char *path,
			 struct field_errors *errors)
{
	_cleanup_problems_ struct format_problems problems = { 0 };
	_cleanup_buffer_ struct buffer detail = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	if (format_check_text(format, text, &problems)) {
		return;
	}
	for (size_t i = 0; i < problems.n; i++) {
		buffer_printf(&detail, "%s%s", i > 0 ? "; " : "", problems.items[i]);
	}
	add_invalid(errors, text, buffer_text(&detail), path);
}

bool selector_check_key(const char *key, const char *path, struct buffer *message)
{
	_cleanup_field_errors_ struct field_errors errors = { 0 };

	check_format(FORMAT_QUALIFIED_NAME, key, path, &errors);
	field_errors_text(&errors, message);
	return errors.n == 0;
}

static void check_count(const struct requirement *requirement, struct field_errors *errors)
{
	_cleanup_json_ json_t *none = json_array();
	int64_t number;

	switch (requirement->relation) {
	case SELECTOR_IN:
	case SELECTOR_NOT_IN:
		if (requirement->n_values == 0) {
			field_errors_add(errors, FIELD_ERROR_INVALID, "values", none,
					 "for 'in', 'notin' operators, values set can't be empty");
		}
		break;
	case SELECTOR_EXISTS:
	case SELECTOR_NOT_EXISTS:
		if (requirement->n_values != 0) {
			add_invalid(errors, requirement->values[0],
				    "values set must be empty for exists and does not exist",
				    "values");
		}
		break;
	case SELECTOR_GREATER:
	case SELECTOR_LESS:
		if (!to_int64(requirement->values[0], &number)) {
			add_invalid(errors, requirement->values[0],
				    "for 'Gt', 'Lt' operators, the value must be an integer",
				    "values[0]");
		}
		break;
	default:
		break;
	}
}

bool requirement_finish(struct requirement *requirement, struct buffer *message)
{
	_cleanup_field_errors_ struct field_errors errors = { 0 };

	check_format(FORMAT_QUALIFIED_NAME, requirement->key, "key", &errors);
	check_count(requirement, &errors);
	for (size_t i = 0; i < requirement->n_values && errors.n < LIMIT_FIELD_ERRORS; i++) {
		_cleanup_free_ char *path = mem_printf("values[%zu][%s]", i, requirement->key);
		check_format(FORMAT_LABEL_VALUE, requirement->values[i], path, &errors);
	}
	sort_values(requirement);
	field_errors_text(&errors, message);
	return errors.n == 0;
}

struct selector *selector_from_map(const json_t *map)
{
	struct selector *selector = selector_new();
	json_t *walk = (json_t *)map;

	for (void *i = json_object_iter(walk); i != NULL; i = json_object_iter_next(walk, i)) {
		struct requirement *requirement =
			selector_add(selector, SELECTOR_EQUALS, str_from(json_object_iter_key(i)));
		requirement_add_value(requirement,
				      str_from(json_string_value(json_object_iter_value(i))));
	}
	selector_finish(selector);
	return selector;
}

static bool to_operator(const char *text, enum selector_operator *ret)
{
	static const struct {
		const char *text;
		enum selector_operator relation;
	} operators[] = {
		{ "In", SELECTOR_IN },
		{ "NotIn", SELECTOR_NOT_IN },
		{ "Exists", SELECTOR_EXISTS },
		{ "DoesNotExist", SELECTOR_NOT_EXISTS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		if (strcmp(text, operators[i].text) == 0) {
			*ret = operators[i].relation;
			return true;
		}
	}
	return false;
}

static bool add_expression(struct selector *selector, const json_t *expression,
			   struct buffer *message)
{
	const char *text = json_string_at(expression, "operator");
	const json_t *values = json_object_get(expression, "values");
	enum selector_operator relation;

	if (!to_operator(text, &relation)) {
		buffer_printf(message, "\"%s\" is not a valid label selector operator", text);
		return false;
	}
	struct requirement *requirement =
		selector_add(selector, relation, str_from(json_string_at(expression, "key")));
	const json_t *value;
	size_t i;
	json_array_foreach (values, i, value) {
		requirement_add_value(requirement, str_from(json_string_value(value)));
	}
	return requirement_finish(requirement, message);
}

int selector_from_message(const json_t *message_tree, struct buffer *message, struct selector **ret)
{
	_cleanup_selector_ struct selector *selector =
		selector_from_map(json_object_get(message_tree, "matchLabels"));
	const json_t *expressions = json_object_get(message_tree, "matchExpressions");
	const json_t *expression;
	size_t i;

	/* No selector selects nothing; an empty one selects everything. */
	selector->nothing = !json_is_object(message_tree);
	for (i = 0; i < selector->n; i++) {
		if (!requirement_finish(&selector->items[i], message)) {
			return SELECTOR_INVALID;
		}
	}
	json_array_foreach (expressions, i, expression) {
		if (!add_expression(selector, expression, message)) {
			return SELECTOR_INVALID;
		}
	}
	selector_finish(selector);
	*ret = take(selector);
	return 0;
}

bool selector_is_empty(const struct selector *selector)
{
	return selector->n == 0 && !selector->nothing;
}

static bool has_value(const struct requirement *requirement, const char *value)
{
	return bsearch(&value, requirement->values, requirement->n_values, sizeof(char *),
		       compare_values) != NULL;
}

static bool requirement_matches(const struct requirement *requirement, const char *value)
{
	int64_t number;
	int64_t bound;

	switch (requirement->relation) {
	case SELECTOR_EXISTS:
		return value != NULL;
	case SELECTOR_NOT_EXISTS:
		return value == NULL;
	case SELECTOR_NOT_EQUALS:
	case SELECTOR_NOT_IN:
		return value == NULL || !has_value(requirement, value);
	case SELECTOR_GREATER:
	case SELECTOR_LESS:
		if (value == NULL || !to_int64(value, &number) ||
		    !to_int64(requirement->values[0], &bound)) {
			return false;
		}
		return requirement->relation == SELECTOR_GREATER ? number > bound : number < bound;
	default:
		return value != NULL && has_value(requirement, value);
	}
}

bool selector_matches(const struct selector *selector, const json_t *labels)
{
	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *requirement = &selector->items[i];
		const char *value = json_string_value(json_object_get(labels, requirement->key));
		if (!requirement_matches(requirement, value)) {
			return false;
		}
	}
	return !selector->nothing;
}

bool selector_matches_object(const struct selector *selector, struct object *object)
{
	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *requirement = &selector->items[i];

		if (!requirement_matches(requirement,
					 object_find_label(object, requirement->key))) {
			return false;
		}
	}
	return !selector->nothing;
}

/* Field selectors escape what would end a value. */
static void write_value(const struct selector *selector, const char *value, struct buffer *out)
{
	for (const char *p = value; *p != '\0'; p++) {
		if (selector->fields && strchr("\\,=", *p) != NULL) {
			buffer_append_char(out, '\\');
		}
		buffer_append_char(out, *p);
	}
}

void selector_text(const struct selector *selector, struct buffer *out)
{
	static const char *const words[] = {
		[SELECTOR_EQUALS] = "=",        [SELECTOR_DOUBLE_EQUALS] = "==",
		[SELECTOR_NOT_EQUALS] = "!=",   [SELECTOR_IN] = " in (",
		[SELECTOR_NOT_IN] = " notin (", [SELECTOR_EXISTS] = "",
		[SELECTOR_NOT_EXISTS] = "",     [SELECTOR_GREATER] = ">",
		[SELECTOR_LESS] = "<",
	};

	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *requirement = &selector->items[i];
		buffer_append_text(out, i > 0 ? "," : "");
		buffer_append_text(out, requirement->relation == SELECTOR_NOT_EXISTS ? "!" : "");
		buffer_append_text(out, requirement->key);
		buffer_append_text(out, words[requirement->relation]);
		for (size_t k = 0; k < requirement->n_values; k++) {
			buffer_append_text(out, k > 0 ? "," : "");
			write_value(selector, requirement->values[k], out);
		}
		if (requirement->relation == SELECTOR_IN ||
		    requirement->relation == SELECTOR_NOT_IN) {
			buffer_append_char(out, ')');
		}
	}
}
