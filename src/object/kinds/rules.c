/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/rules.h"

#include <stdarg.h>
#include <string.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "object/selector.h"
#include "json/json.h"

/*
 * The rules look at trees that are decoded: a field that is there has the type of its row.
 */

void rule_error_text(struct field_errors *errors, enum field_error_type type, const char *value,
		     const char *detail, const char *path_format, ...)
{
	_cleanup_buffer_ struct buffer path = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_json_ json_t *text = json_string(value);
	va_list arguments;

	va_start(arguments, path_format);
	buffer_vprintf(&path, path_format, arguments);
	va_end(arguments);
	field_errors_add(errors, type, buffer_text(&path), text, detail);
}

void rule_at_least_one(const json_t *value, const char *key, const char *path,
		       struct field_errors *errors)
{
	_cleanup_json_ json_t *number = json_integer(json_int_at(value, key, 0));

	if (json_integer_value(number) < 1) {
		field_errors_addf(errors, FIELD_ERROR_INVALID, number, "must be greater than 0",
				  "%s.%s", path, key);
	}
}

bool rule_is_same(const json_t *a, const json_t *b)
{
	return a == b || (a != NULL && b != NULL && json_equal(a, b));
}

bool rule_has(const json_t *array, const char *key, const char *wanted)
{
	size_t i;
	json_t *item;

	json_array_foreach (array, i, item) {
		if (strcmp(json_string_at(item, key), wanted) == 0) {
			return true;
		}
	}
	return false;
}

void rule_unique(const json_t *array, const char *key, const char *path,
		 struct field_errors *errors)
{
	_cleanup_json_ json_t *seen = json_object();
	size_t i;
	json_t *item;

	json_array_foreach (array, i, item) {
		const char *name = json_string_at(item, key);

		if (name[0] == '\0') {
			continue;
		}
		if (json_object_get(seen, name) != NULL) {
			rule_error_text(errors, FIELD_ERROR_DUPLICATE, name, "", "%s[%zu].%s", path,
					i, key);
		}
		json_object_set_new(seen, name, json_true());
	}
}

static bool is_listed(const char *key, const char *const *list)
{
	for (; *list != NULL; list++) {
		if (strcmp(*list, key) == 0) {
			return true;
		}
	}
	return false;
}

static bool covers(const json_t *value, const json_t *other, const char *const *allowed)
{
	const char *key;
	json_t *member;

	json_object_foreach ((json_t *)value, key, member) {
		if (!is_listed(key, allowed) && !json_equal(member, json_object_get(other, key))) {
			return false;
		}
	}
	return true;
}

bool rule_only_changes(const json_t *value, const json_t *old, const char *const *allowed)
{
	return covers(value, old, allowed) && covers(old, value, allowed);
}

void rule_template(const json_t *object, const char *noun, struct field_errors *errors)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_free_ char *empty = mem_printf("empty selector is invalid for %s", noun);
	const json_t *message_tree = json_at(object, "spec.selector");
	const json_t *labels = json_at(object, "spec.template.metadata.labels");
	struct selector *selector;

	if (message_tree == NULL || json_at(object, "spec.template") == NULL) {
		return; /* required: the rows say so */
	}
	if (json_object_size(json_object_get(message_tree, "matchLabels")) +
		    json_array_size(json_object_get(message_tree, "matchExpressions")) ==
	    0) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.selector", message_tree, empty);
		return;
	}
	if (selector_from_message(message_tree, &message, &selector) != 0) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.selector", message_tree,
				 buffer_text(&message));
		return;
	}
	if (!selector_matches(selector, labels)) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.template.metadata.labels",
				 labels, "`selector` does not match template `labels`");
	}
	selector_free(selector);
}

void rule_template_runs_forever(const json_t *object, const char *noun, struct field_errors *errors)
{
	_cleanup_free_ char *deadline =
		mem_printf("activeDeadlineSeconds in %s is not Supported", noun);
	const json_t *policy = json_at(object, "spec.template.spec.restartPolicy");

	if (policy != NULL && strcmp(json_string_value(policy), "Always") != 0) {
		field_errors_add(errors, FIELD_ERROR_NOT_SUPPORTED,
				 "spec.template.spec.restartPolicy", policy, "Always");
	}
	if (json_at(object, "spec.template.spec.activeDeadlineSeconds") != NULL) {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN,
				 "spec.template.spec.activeDeadlineSeconds", NULL, deadline);
	}
}
