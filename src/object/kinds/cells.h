/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the printed columns of many kinds share. A cell function returns a new reference; the
 * writers below append text to a buffer that a cell is then made of.
 */

#include <stdint.h>

#include <jansson.h>

#include "base/buffer.h"
#include "object/schema.h"

enum { CELL_MAX = 64 * 1024 }; /* bytes of one cell */

/* The two columns that nearly every kind begins and ends with. */
#define COLUMN_NAME                                                                                \
	{                                                                                          \
		.name = "Name", .type = "string", .format = "name", .cell = cell_name,             \
		.doc = "Name of the object, unique among its kind and namespace."                  \
	}
#define COLUMN_AGE                                                                                 \
	{                                                                                          \
		.name = "Age", .type = "string", .cell = cell_age,                                 \
		.doc = "Time since the object was created."                                        \
	}
/* Any other column; what follows are designated initialisers (.priority = 1 for -o wide). */
#define COLUMN(title, column_type, function, text, ...)                                            \
	{                                                                                          \
		.name = (title), .type = (column_type), .cell = (function), .doc = (text),         \
		##__VA_ARGS__                                                                      \
	}

json_t *cell_name(const json_t *object, int64_t now);
json_t *cell_age(const json_t *object, int64_t now);

/* The containers of spec.template.spec, their images, and spec.selector (a LabelSelector). */
json_t *cell_template_containers(const json_t *object, int64_t now);
json_t *cell_template_images(const json_t *object, int64_t now);
json_t *cell_label_selector(const json_t *object, int64_t now);

/* A cell of the buffer's text, or of `otherwise` when there is none. */
json_t *cell_of(const struct buffer *text, const char *otherwise);
/* The string at `path`, or `otherwise` when it is missing or empty. */
json_t *cell_string_at(const json_t *object, const char *path, const char *otherwise);
/* The integer at `path`, or 0. */
json_t *cell_int_at(const json_t *object, const char *path);

/* The integers at the two paths as "1/3". */
json_t *cell_ratio(const json_t *object, const char *ready_path, const char *wanted_path);

/* Appends `item` behind a comma, unless it is the first. */
void cell_append_item(struct buffer *list, const char *item);
/* Appends the strings of an array, or member `key` of the objects in it, separated by commas. */
void cell_append_all(struct buffer *list, const json_t *array, const char *key);
/* Appends a map as "a=1,b=2", keys in byte order. */
void cell_append_map(struct buffer *list, const json_t *map);

/*
 * A list that shows its first three: "10.0.0.1,10.0.0.2,10.0.0.3 + 4 more...". Start from
 * CELL_LIST_INIT, add each item, close it.
 */
struct cell_list {
	struct buffer text;
	unsigned n;
};
#define CELL_LIST_INIT                                                                             \
	{                                                                                          \
		.text = BUFFER_INIT(CELL_MAX)                                                      \
	}
void cell_list_add(struct cell_list *list, const char *item);
json_t *cell_list_close(struct cell_list *list, const char *otherwise);
