/* SPDX-License-Identifier: Apache-2.0 */
#include "api/table.h"

#include "base/mem.h"
#include "json/json.h"

static void append_member(struct buffer *out, const char *key, const char *value)
{
	buffer_printf(out, "\"%s\":", key);
	json_write_string(str_from(value != NULL ? value : ""), out);
}

static void append_column(const struct column *column, struct buffer *out)
{
	buffer_append_char(out, '{');
	append_member(out, "name", column->name);
	buffer_append_char(out, ',');
	append_member(out, "type", column->type);
	buffer_append_char(out, ',');
	append_member(out, "format", column->format);
	buffer_append_char(out, ',');
	append_member(out, "description", column->doc);
	buffer_printf(out, ",\"priority\":%d}", column->priority);
}

void table_begin(const struct form *form, const struct kind *kind, bool columns, struct buffer *out)
{
	buffer_printf(out,
		      "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/%s\","
		      "\"columnDefinitions\":[",
		      form->version);
	for (size_t i = 0; i < kind->n_columns && columns; i++) {
		buffer_append_text(out, i != 0 ? "," : "");
		append_column(&kind->columns[i], out);
	}
	buffer_append_text(out, "],\"rows\":[");
}

void table_row(const struct form *form, const struct kind *kind, struct str text,
	       struct buffer *out)
{
	_cleanup_json_ json_t *tree = NULL;
	struct json_read_error error;

	json_read(text, NULL, &tree, &error);
	buffer_append_text(out, "{\"cells\":[");
	for (size_t i = 0; i < kind->n_columns; i++) {
		_cleanup_json_ json_t *cell = kind->columns[i].cell(tree, form->now);
		buffer_append_text(out, i != 0 ? "," : "");
		json_write(cell, out);
	}
	buffer_append_char(out, ']');
	if (form->include == INCLUDE_METADATA) {
		buffer_append_text(out, ",\"object\":");
		partial_text(form, text, out);
	} else if (form->include == INCLUDE_OBJECT) {
		buffer_append_text(out, ",\"object\":");
		buffer_append_str(out, text);
	} else {
		buffer_append_text(out, ",\"object\":null");
	}
	buffer_append_char(out, '}');
}

/* The version of the object, without parsing it: first in its metadata. */
static struct str revision_of(struct str text)
{
	static const char key[] = "\"resourceVersion\":\"";
	const char *found = memmem(text.p, text.n, key, sizeof(key) - 1);

	if (found == NULL) {
		return STR_NONE;
	}
	struct str rest = str_skip(text, (size_t)(found - text.p) + sizeof(key) - 1);
	return str_cut(&rest, '"');
}

void table_of_one(const struct form *form, const struct kind *kind, struct str text, bool columns,
		  struct buffer *out)
{
	struct str revision = revision_of(text);

	table_begin(form, kind, columns, out);
	table_row(form, kind, text, out);
	buffer_printf(out, "],\"metadata\":{\"resourceVersion\":\"%.*s\"}}", STR_ARG(revision));
}
