/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A growing list of borrowed objects, for one reconcile: what a view shows does not change while a
 * plan is made.
 */

#include <stddef.h>

#include "base/mem.h"
#include "object/object.h"

struct object_list {
	struct object **items;
	size_t n;
	size_t size;
};

static inline void object_list_deinit(struct object_list *list)
{
	list->items = mem_free(list->items);
	list->n = list->size = 0;
}
#define _cleanup_object_list_ __attribute__((cleanup(object_list_deinit)))

static inline void object_list_add(struct object_list *list, struct object *object)
{
	if (list->n == list->size) {
		list->size = list->size != 0 ? list->size * 2 : 16;
		list->items = mem_resize(list->items, list->size * sizeof(*list->items));
	}
	list->items[list->n++] = object;
}
