/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field selectors, as in k8s.io/apimachinery/pkg/fields: "a=b,c!=d,e==f". In a value the characters
 * ',', '=' and '\' stand behind a '\'. A field that is absent has the empty value.
 */

#include <string.h>

#include "base/limits.h"
#include "object/schema.h"
#include "object/selector_intern.h"
#include "json/json.h"

/* Up to the first comma that is not escaped; like str_cut(). */
static struct str cut_term(struct str *rest)
{
	size_t n = 0;

	while (n < rest->n && rest->p[n] != ',') {
		n += rest->p[n] == '\\' && n + 1 < rest->n ? 2 : 1;
	}
	struct str term = { .p = rest->p, .n = n };
	*rest = n < rest->n ? str_skip(*rest, n + 1) : STR_NONE;
	return term;
}

/* Splits at the first operator; false without one. */
static bool split_term(struct str term, struct str *ret_field, enum selector_operator *ret_operator,
		       struct str *ret_value)
{
	for (size_t i = 0; i < term.n; i++) {
		struct str here = str_skip(term, i);
		bool unequal = str_starts(here, STR("!="));
		if (unequal || here.p[0] == '=') {
			*ret_field = (struct str){ .p = term.p, .n = i };
			*ret_operator = unequal ? SELECTOR_NOT_EQUALS : SELECTOR_EQUALS;
			*ret_value = str_skip(here, unequal || str_starts(here, STR("==")) ? 2 : 1);
			return true;
		}
	}
	return false;
}

static bool unescape(struct str text, struct buffer *out, struct buffer *message)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == ',' || c == '=') {
			buffer_printf(message,
				      "invalid field selector: unescaped character in value: %d",
				      c);
			return false;
		}
		if (c == '\\') {
			i++;
			if (i == text.n || strchr("\\,=", text.p[i]) == NULL) {
				buffer_printf(message,
					      "invalid field selector: invalid escape sequence: "
					      "\\%.*s",
					      i < text.n ? 1 : 0, text.p + i);
				return false;
			}
			c = text.p[i];
		}
		buffer_append_char(out, c);
	}
	return true;
}

static const struct selectable *find_selectable(const struct kind *kind, const char *name)
{
	static const struct selectable always[] = {
		{ .name = "metadata.name" },
		{ .name = "metadata.namespace" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		if (strcmp(always[i].name, name) == 0) {
			return &always[i];
		}
	}
	for (size_t i = 0; i < kind->n_selectables; i++) {
		if (strcmp(kind->selectables[i].name, name) == 0) {
			return &kind->selectables[i];
		}
	}
	return NULL;
}

static bool read_term(const struct kind *kind, struct str text, struct str term,
		      struct selector *selector, struct buffer *message)
{
	_cleanup_buffer_ struct buffer value = BUFFER_INIT(LIMIT_SELECTOR);
	enum selector_operator relation;
	struct str field;
	struct str escaped;

	if (!split_term(term, &field, &relation, &escaped)) {
		buffer_printf(message, "invalid selector: '%.*s'; can't understand '%.*s'",
			      STR_ARG(text), STR_ARG(term));
		return false;
	}
	if (!unescape(escaped, &value, message)) {
		return false;
	}
	struct requirement *requirement = selector_add(selector, relation, field);
	requirement_add_value(requirement, buffer_str(&value));
	if (find_selectable(kind, requirement->key) == NULL) {
		buffer_printf(message, "field label not supported: %s", requirement->key);
		return false;
	}
	return true;
}

int field_selector_parse(const struct kind *kind, struct str text, struct buffer *message,
			 struct selector **ret)
{
	_cleanup_selector_ struct selector *selector = selector_new();
	struct str rest = text;

	if (text.n > LIMIT_SELECTOR) {
		buffer_printf(message, "the selector is longer than %d bytes", LIMIT_SELECTOR);
		return SELECTOR_INVALID;
	}
	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL) {
		buffer_append_text(message, "the selector has a NUL byte");
		return SELECTOR_INVALID;
	}
	selector->fields = true;
	while (rest.n > 0) {
		struct str term = cut_term(&rest);
		if (term.n > 0 && !read_term(kind, text, term, selector, message)) {
			return SELECTOR_INVALID;
		}
	}
	selector_finish(selector);
	*ret = take(selector);
	return 0;
}

bool field_selector_matches(const struct selector *selector, const struct kind *kind,
			    const json_t *object)
{
	_cleanup_buffer_ struct buffer made = BUFFER_INIT(LIMIT_OBJECT);

	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *requirement = &selector->items[i];
		const struct selectable *selectable = find_selectable(kind, requirement->key);
		struct str value = STR_NONE;
		if (selectable != NULL && selectable->value != NULL) {
			buffer_clear(&made);
			selectable->value(object, &made);
			value = buffer_str(&made);
		} else if (selectable != NULL) {
			value = str_from(json_string_at(object, selectable->name));
		}
		if (str_is(value, requirement->values[0]) !=
		    (requirement->relation == SELECTOR_EQUALS)) {
			return false;
		}
	}
	return true;
}

const char *field_selector_requires(const struct selector *selector, const char *field)
{
	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *requirement = &selector->items[i];
		if (requirement->relation == SELECTOR_EQUALS &&
		    strcmp(requirement->key, field) == 0) {
			return requirement->values[0];
		}
	}
	return NULL;
}
