/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "object/age.h"
#include "object/selector.h"
#include "json/json.h"

/*
 * Cells are text for people, made with the words of kubectl ("<none>", "+ 2 more..."), because
 * scripts cut columns out of its output. They tolerate any object: a field that is missing or of
 * another type reads as empty.
 */

enum { LIST_SHOWN = 3 };

json_t *cell_of(const struct buffer *text, const char *otherwise)
{
	if (text->n == 0) {
		return json_string(otherwise);
	}
	return json_stringn(text->p, text->n);
}

json_t *cell_string_at(const json_t *object, const char *path, const char *otherwise)
{
	const char *value = json_string_at(object, path);

	return json_string(value[0] != '\0' ? value : otherwise);
}

json_t *cell_int_at(const json_t *object, const char *path)
{
	return json_integer(json_int_at(object, path, 0));
}

json_t *cell_name(const json_t *object, int64_t now)
{
	return json_string(json_string_at(object, "metadata.name"));
}

json_t *cell_age(const json_t *object, int64_t now)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(CELL_MAX);

	age_write_since(json_string_at(object, "metadata.creationTimestamp"), now, &text);
	return cell_of(&text, "");
}

json_t *cell_ratio(const json_t *object, const char *ready_path, const char *wanted_path)
{
	return json_sprintf("%lld/%lld", (long long)json_int_at(object, ready_path, 0),
			    (long long)json_int_at(object, wanted_path, 0));
}

void cell_append_item(struct buffer *list, const char *item)
{
	if (list->n > 0) {
		buffer_append_char(list, ',');
	}
	buffer_append_text(list, item);
}

void cell_append_all(struct buffer *list, const json_t *array, const char *key)
{
	size_t i;
	json_t *item;

	json_array_foreach (array, i, item) {
		const char *text =
			key != NULL ? json_string_at(item, key) : json_string_value(item);

		cell_append_item(list, text != NULL ? text : "");
	}
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void cell_append_map(struct buffer *list, const json_t *map)
{
	size_t n = 0;
	const char **keys = mem_alloc_array(json_object_size(map) + 1, sizeof(*keys));
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)map, key, value) {
		keys[n++] = key;
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_object_get(map, keys[i]));

		cell_append_item(list, keys[i]);
		buffer_append_char(list, '=');
		buffer_append_text(list, text != NULL ? text : "");
	}
	mem_free(keys);
}

json_t *cell_template_containers(const json_t *object, int64_t now)
{
	_cleanup_buffer_ struct buffer list = BUFFER_INIT(CELL_MAX);

	cell_append_all(&list, json_at(object, "spec.template.spec.containers"), "name");
	return cell_of(&list, "");
}

json_t *cell_template_images(const json_t *object, int64_t now)
{
	_cleanup_buffer_ struct buffer list = BUFFER_INIT(CELL_MAX);

	cell_append_all(&list, json_at(object, "spec.template.spec.containers"), "image");
	return cell_of(&list, "");
}

json_t *cell_label_selector(const json_t *object, int64_t now)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(CELL_MAX);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(CELL_MAX);
	struct selector *selector;

	if (selector_from_message(json_at(object, "spec.selector"), &message, &selector) != 0) {
		return json_string("<error>");
	}
	selector_text(selector, &text);
	selector_free(selector);
	return cell_of(&text, "<none>");
}

void cell_list_add(struct cell_list *list, const char *item)
{
	if (list->n++ < LIST_SHOWN) {
		cell_append_item(&list->text, item);
	}
}

json_t *cell_list_close(struct cell_list *list, const char *otherwise)
{
	if (list->n > LIST_SHOWN) {
		buffer_printf(&list->text, " + %u more...", list->n - LIST_SHOWN);
	}
	json_t *cell = cell_of(&list->text, otherwise);

	buffer_deinit(&list->text);
	return cell;
}
