/* SPDX-License-Identifier: Apache-2.0 */
#include "object/field_errors.h"

#include <stdarg.h>
#include <string.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "base/str.h"
#include "json/json.h"

/*
 * The words of a field error. Each type has a reason (what programs match on) and a headline (what
 * people read); whether the offending value stands between headline and detail depends on the type
 * alone. The wording is part of the API: kubectl prints it, scripts and tests compare it.
 */

struct wording {
	const char *reason;
	const char *headline;
	bool has_value;
};

static const struct wording wordings[] = {
	[FIELD_ERROR_REQUIRED] = { "FieldValueRequired", "Required value", false },
	[FIELD_ERROR_INVALID] = { "FieldValueInvalid", "Invalid value", true },
	[FIELD_ERROR_NOT_SUPPORTED] = { "FieldValueNotSupported", "Unsupported value", true },
	[FIELD_ERROR_FORBIDDEN] = { "FieldValueForbidden", "Forbidden", false },
	[FIELD_ERROR_DUPLICATE] = { "FieldValueDuplicate", "Duplicate value", true },
	[FIELD_ERROR_TOO_LONG] = { "FieldValueTooLong", "Too long", false },
	[FIELD_ERROR_TOO_MANY] = { "FieldValueTooMany", "Too many", true },
	[FIELD_ERROR_TYPE] = { "FieldValueTypeInvalid", "Invalid value", true },
	[FIELD_ERROR_NOT_FOUND] = { "FieldValueNotFound", "Not found", true },
};

void field_errors_init(struct field_errors *errors)
{
	*errors = (struct field_errors){ 0 };
}

void field_errors_deinit(struct field_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		mem_free(errors->items[i].path);
		mem_free(errors->items[i].message);
	}
	field_errors_init(errors);
}

const char *field_error_reason(enum field_error_type type)
{
	return wordings[type].reason;
}

/* `supported values: "A", "B"` */
static void append_supported(struct buffer *out, const char *values)
{
	struct str rest = str_from(values);
	const char *separator = ": supported values: ";

	while (rest.p != NULL && rest.n > 0) {
		struct str value = str_cut(&rest, '|');

		buffer_printf(out, "%s\"%.*s\"", separator, STR_ARG(value));
		separator = ", ";
	}
}

/* A value without its end is still a help, and a message stays bounded. */
static void append_value(struct buffer *out, const json_t *value)
{
	enum { VALUE_MAX = 4096 };
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OBJECT);

	buffer_append_text(out, ": ");
	if (value == NULL) {
		buffer_append_text(out, "null");
		return;
	}
	json_write(value, &text);
	if (text.n > VALUE_MAX) {
		size_t n = VALUE_MAX;

		while ((text.p[n] & 0xc0) == 0x80) { /* not within a UTF-8 character */
			n--;
		}
		buffer_append(out, text.p, n);
		buffer_append_text(out, "...");
		return;
	}
	buffer_append_str(out, buffer_str(&text));
}

void field_errors_add(struct field_errors *errors, enum field_error_type type, const char *path,
		      const json_t *value, const char *detail)
{
	struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	if (errors->n == LIMIT_FIELD_ERRORS) {
		errors->dropped++;
		return;
	}
	buffer_append_text(&message, wordings[type].headline);
	if (wordings[type].has_value) {
		append_value(&message, value);
	}
	if (type == FIELD_ERROR_NOT_SUPPORTED) {
		append_supported(&message, detail);
	} else if (detail[0] != '\0') {
		buffer_append_text(&message, ": ");
		buffer_append_text(&message, detail);
	}
	errors->items[errors->n++] = (struct field_error){
		.type = type,
		.path = mem_strdup(path),
		.message = buffer_take(&message, NULL),
	};
}

void field_errors_addf(struct field_errors *errors, enum field_error_type type, const json_t *value,
		       const char *detail, const char *path_format, ...)
{
	_cleanup_buffer_ struct buffer path = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	va_list arguments;

	va_start(arguments, path_format);
	buffer_vprintf(&path, path_format, arguments);
	va_end(arguments);
	field_errors_add(errors, type, buffer_text(&path), value, detail);
}

static bool is_repeated(const struct field_errors *errors, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(errors->items[i].path, errors->items[index].path) == 0 &&
		    strcmp(errors->items[i].message, errors->items[index].message) == 0) {
			return true;
		}
	}
	return false;
}

void field_errors_text(const struct field_errors *errors, struct buffer *out)
{
	_cleanup_buffer_ struct buffer list = BUFFER_INIT(out->max);
	size_t n = 0;

	for (size_t i = 0; i < errors->n; i++) {
		if (is_repeated(errors, i)) {
			continue;
		}
		buffer_printf(&list, "%s%s: %s", n > 0 ? ", " : "", errors->items[i].path,
			      errors->items[i].message);
		n++;
	}
	if (errors->dropped > 0) {
		buffer_printf(&list, ", and %zu more", errors->dropped);
	}
	if (n > 1) {
		buffer_append_char(out, '[');
	}
	buffer_append_str(out, buffer_str(&list));
	if (n > 1) {
		buffer_append_char(out, ']');
	}
}
