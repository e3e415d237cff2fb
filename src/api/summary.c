/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label selectors are matched against the labels' own piece of text. Field selectors are matched
 * against a small object that holds nothing but the selectable fields' values, each at its name
 * taken as a path ("spec.nodeName"); the shadow of a kind is the kind with all its selectable
 * fields read that way, so that the same matcher serves both. The small object is made from the
 * whole one once a version, when somebody first asks.
 */
#include "api/summary.h"

#include "api/api.h"
#include "api/keys.h"
#include "api/status.h"
#include "api/text.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/object.h"
#include "object/selector.h"
#include "json/json.h"

struct summary {
	uint32_t labels_at;
	uint32_t labels_n;
	char *fields; /* JSON of the small object; NULL: not made yet */
};

static void describe(void *userdata, struct str key, struct str value, uint64_t revision,
		     struct buffer *text, void **ret_extra)
{
	struct summary *summary = MEM_NEW(struct summary);

	object_splice_revision(value, revision, text);
	struct str labels = text_labels(buffer_str(text));
	summary->labels_at = labels.n != 0 ? (uint32_t)(labels.p - text->p) : 0;
	summary->labels_n = (uint32_t)labels.n;
	*ret_extra = summary;
}

static void release_extra(void *extra)
{
	struct summary *summary = extra;

	if (summary != NULL) {
		mem_free(summary->fields);
		mem_free(summary);
	}
}

const struct hub_ops api_hub_ops = {
	.describe = describe,
	.release_extra = release_extra,
};

/* ---- selections ---- */

static void make_shadow(struct selection *selection, const struct kind *kind)
{
	selection->shadow = *kind;
	selection->fields_of_shadow =
		mem_alloc_array(kind->n_selectables + 1, sizeof(struct selectable));
	for (size_t i = 0; i < kind->n_selectables; i++) {
		selection->fields_of_shadow[i].name = kind->selectables[i].name;
	}
	selection->shadow.selectables = selection->fields_of_shadow;
}

json_t *selection_init(struct selection *selection, const struct kind *kind, const char *labels,
		       const char *fields)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	*selection = (struct selection){ .kind = kind };
	make_shadow(selection, kind);
	if (labels != NULL && labels[0] != '\0' &&
	    selector_parse(str_from(labels), &message, &selection->labels) != 0) {
		return status_new(OUTCOME_BAD_REQUEST, "unable to parse requirement: %s",
				  buffer_text(&message));
	}
	if (fields != NULL && fields[0] != '\0' &&
	    field_selector_parse(&selection->shadow, str_from(fields), &message,
				 &selection->fields) != 0) {
		return status_new(OUTCOME_BAD_REQUEST, "%s", buffer_text(&message));
	}
	for (size_t i = 0; i < kind->n_selectables && fields != NULL; i++) {
		selection->by_value =
			selection->by_value || strstr(fields, kind->selectables[i].name) != NULL;
	}
	return NULL;
}

void selection_deinit(struct selection *selection)
{
	selector_free(selection->labels);
	selector_free(selection->fields);
	mem_free(selection->fields_of_shadow);
}

bool selection_is_all(const struct selection *selection)
{
	return selection->labels == NULL && selection->fields == NULL;
}

const char *selection_name(const struct selection *selection)
{
	return selection->fields != NULL
		       ? field_selector_requires(selection->fields, "metadata.name")
		       : NULL;
}

static json_t *parse(struct str text)
{
	json_t *tree = NULL;
	struct json_read_error error;

	if (text.n != 0) {
		json_read(text, NULL, &tree, &error);
	}
	return tree;
}

static bool has_labels(const struct selection *selection, struct str labels)
{
	if (selection->labels == NULL) {
		return true;
	}
	_cleanup_json_ json_t *tree = parse(labels);
	return selector_matches(selection->labels, tree);
}

/* The small object of the selectable fields. */
static json_t *pick_fields(const struct kind *kind, struct str text)
{
	_cleanup_json_ json_t *whole = parse(text);
	_cleanup_buffer_ struct buffer value = BUFFER_INIT(LIMIT_OBJECT);
	json_t *small = json_object();

	for (size_t i = 0; i < kind->n_selectables; i++) {
		const struct selectable *field = &kind->selectables[i];
		buffer_clear(&value);
		if (field->value != NULL) {
			field->value(whole, &value);
		} else {
			buffer_append_text(&value, json_string_at(whole, field->name));
		}
		if (value.n != 0) {
			json_put(small, field->name, json_stringn(value.p, value.n));
		}
	}
	return small;
}

static bool has_fields(const struct selection *selection, struct str key, json_t *small)
{
	struct key_parts parts;

	if (!key_parts_of(key, &parts)) {
		return false;
	}
	json_put(small, "metadata.name", json_stringn(parts.name.p, parts.name.n));
	if (parts.space.n != 0) {
		json_put(small, "metadata.namespace", json_stringn(parts.space.p, parts.space.n));
	}
	return field_selector_matches(selection->fields, &selection->shadow, small);
}

static json_t *kept_fields(const struct kind *kind, struct hub_item *item)
{
	struct summary *summary = item->extra;

	if (summary->fields == NULL) {
		_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OBJECT);
		_cleanup_json_ json_t *small = pick_fields(kind, item->text);
		json_write(small, &text);
		summary->fields = buffer_take(&text, NULL);
	}
	return parse(str_from(summary->fields));
}

/* Most of a long walk for one name ends here. */
static bool may_have_name(const struct selection *selection, struct str key)
{
	const char *name = selection_name(selection);

	return name == NULL || str_ends(key, str_from(name));
}

bool selection_has(const struct selection *selection, struct hub_item *item)
{
	const struct summary *summary = item->extra;
	struct str labels = { .p = item->text.p + summary->labels_at, .n = summary->labels_n };

	if (!may_have_name(selection, item->key) || !has_labels(selection, labels)) {
		return false;
	}
	if (selection->fields == NULL) {
		return true;
	}
	_cleanup_json_ json_t *small =
		selection->by_value ? kept_fields(selection->kind, item) : json_object();
	return has_fields(selection, item->key, small);
}

bool selection_has_text(const struct selection *selection, struct str key, struct str text)
{
	if (!may_have_name(selection, key) || !has_labels(selection, text_labels(text))) {
		return false;
	}
	if (selection->fields == NULL) {
		return true;
	}
	_cleanup_json_ json_t *small = pick_fields(selection->kind, text);
	return has_fields(selection, key, small);
}
