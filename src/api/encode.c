/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects, lists and events in the negotiated form. JSON objects and lists are copied from the
 * ready texts; only tables and protobuf look into them.
 */
#include "api/form.h"

#include "api/messages.h"
#include "api/table.h"
#include "api/text.h"
#include "base/limits.h"
#include "object/prepare.h"
#include "json/json.h"

static json_t *parse(struct str text)
{
	json_t *tree = NULL;
	struct json_read_error error;

	json_read(text, NULL, &tree, &error);
	return tree;
}

void partial_text(const struct form *form, struct str text, struct buffer *out)
{
	buffer_printf(out,
		      "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/%s\","
		      "\"metadata\":",
		      form->version);
	buffer_append_str(out, text_metadata(text));
	buffer_append_char(out, '}');
}

void form_object(const struct form *form, const struct kind *kind, struct str text,
		 struct buffer *out)
{
	if (form->shape == SHAPE_TABLE) {
		table_of_one(form, kind, text, /* columns= */ true, out);
	} else if (form->shape == SHAPE_PARTIAL) {
		partial_text(form, text, out);
	} else if (form->protobuf) {
		_cleanup_json_ json_t *tree = parse(text);
		protobuf_encode(kind, tree, out);
	} else {
		buffer_append_str(out, text);
	}
}

void form_tree(const struct form *form, const struct kind *kind, const json_t *tree,
	       struct buffer *out)
{
	if (form->protobuf) {
		protobuf_encode(kind, tree, out);
	} else {
		json_write(tree, out);
	}
}

void form_status(const struct form *form, const json_t *status, struct buffer *out)
{
	form_tree(form, &kind_status, status, out);
}

/* ---- lists ---- */

static json_t *list_meta_tree(const struct list_meta *meta)
{
	json_t *tree = json_object();
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)meta->revision);
	json_object_set_new(tree, "resourceVersion", json_string(number));
	if (meta->more != NULL) {
		json_object_set_new(tree, "continue", json_string(meta->more));
	}
	if (meta->remaining != 0) {
		json_object_set_new(tree, "remainingItemCount",
				    json_integer((json_int_t)meta->remaining));
	}
	return tree;
}

/* The metadata is only known at the end, and JSON does not mind the order of members. */
void list_begin(struct list_writer *writer, const struct form *form, const struct kind *kind,
		struct buffer *out)
{
	*writer = (struct list_writer){ .form = form, .kind = kind, .out = out };
	if (form->shape == SHAPE_TABLE) {
		table_begin(form, kind, /* columns= */ true, out);
	} else if (form->shape == SHAPE_PARTIAL) {
		buffer_printf(out,
			      "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":"
			      "\"meta.k8s.io/%s\",\"items\":[",
			      form->version);
	} else if (form->protobuf) {
		writer->items = json_array();
	} else {
		buffer_printf(out, "{\"kind\":\"%sList\",\"apiVersion\":\"", kind->kind);
		kind_api_version(kind, out);
		buffer_append_text(out, "\",\"items\":[");
	}
}

void list_add(struct list_writer *writer, struct str text)
{
	const struct form *form = writer->form;

	if (writer->n++ != 0 && !form->protobuf) {
		buffer_append_char(writer->out, ',');
	}
	if (form->shape == SHAPE_TABLE) {
		table_row(form, writer->kind, text, writer->out);
	} else if (form->shape == SHAPE_PARTIAL) {
		partial_text(form, text, writer->out);
	} else if (form->protobuf) {
		json_array_append_new(writer->items, parse(text));
	} else {
		buffer_append_str(writer->out, text);
	}
}

void list_end(struct list_writer *writer, const struct list_meta *meta)
{
	_cleanup_json_ json_t *tree = list_meta_tree(meta);

	if (writer->items != NULL) {
		_cleanup_json_ json_t *list = json_object();
		json_object_set(list, "metadata", tree);
		json_object_set_new(list, "items", writer->items);
		writer->items = NULL;
		protobuf_encode_list(writer->kind, list, writer->out);
		return;
	}
	buffer_append_text(writer->out, "],\"metadata\":");
	json_write(tree, writer->out);
	buffer_append_char(writer->out, '}');
}

/* ---- events ---- */

static void frame(const struct form *form, const char *type, struct str object, struct buffer *out)
{
	if (form->protobuf) {
		protobuf_encode_watch_event(type, object, out);
		return;
	}
	buffer_printf(out, "{\"type\":\"%s\",\"object\":", type);
	buffer_append_str(out, object);
	buffer_append_text(out, "}\n");
}

void form_event(const struct form *form, const struct kind *kind, const char *type, struct str text,
		bool *first, struct buffer *out)
{
	_cleanup_buffer_ struct buffer object = BUFFER_INIT(LIMIT_OBJECT * 4);

	if (form->shape == SHAPE_OBJECT && !form->protobuf) {
		frame(form, type, text, out);
		return;
	}
	if (form->shape == SHAPE_TABLE) {
		table_of_one(form, kind, text, *first, &object);
		*first = false;
	} else {
		form_object(form, kind, text, &object);
	}
	frame(form, type, buffer_str(&object), out);
}

/* An object of the kind that has nothing but its version: what is seen up to here is complete. */
static json_t *bookmark_tree(const struct kind *kind, uint64_t revision, bool initial_end)
{
	_cleanup_buffer_ struct buffer version = BUFFER_INIT(LIMIT_STORE_KEY);
	char number[24];

	kind_api_version(kind, &version);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)revision);
	json_t *tree =
		json_pack("{s:s, s:s, s:{s:s, s:n}}", "apiVersion", buffer_text(&version), "kind",
			  kind->kind, "metadata", "resourceVersion", number, "creationTimestamp");
	if (initial_end) {
		json_object_set_new(json_object_get(tree, "metadata"), "annotations",
				    json_pack("{s:s}", "k8s.io/initial-events-end", "true"));
	}
	return tree;
}

void form_bookmark(const struct form *form, const struct kind *kind, uint64_t revision,
		   bool initial_end, struct buffer *out)
{
	_cleanup_json_ json_t *tree = bookmark_tree(kind, revision, initial_end);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OBJECT);
	_cleanup_buffer_ struct buffer object = BUFFER_INIT(LIMIT_OBJECT);

	if (form->shape == SHAPE_TABLE) {
		json_write(tree, &text);
		table_begin(form, kind, /* columns= */ false, &object);
		buffer_append_text(&object, "{\"cells\":[],\"object\":");
		partial_text(form, buffer_str(&text), &object);
		buffer_printf(&object, "}],\"metadata\":{\"resourceVersion\":\"%llu\"}}",
			      (unsigned long long)revision);
	} else if (form->shape == SHAPE_PARTIAL) {
		json_write(tree, &text);
		partial_text(form, buffer_str(&text), &object);
	} else {
		form_tree(form, kind, tree, &object);
	}
	frame(form, "BOOKMARK", buffer_str(&object), out);
}

void form_error_event(const struct form *form, const json_t *status, struct buffer *out)
{
	_cleanup_buffer_ struct buffer object = BUFFER_INIT(LIMIT_OBJECT);

	form_status(form, status, &object);
	frame(form, "ERROR", buffer_str(&object), out);
}
