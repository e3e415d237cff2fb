/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A doubly linked list that lives inside its elements. An unlinked element points at itself.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct list {
	struct list *next;
	struct list *prev;
};

static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool list_is_empty(const struct list *list)
{
	return list->next == list;
}

/* Puts an unlinked element at the end of `list` (or before the element `list`). */
static inline void list_append(struct list *list, struct list *element)
{
	element->prev = list->prev;
	element->next = list;
	list->prev->next = element;
	list->prev = element;
}

/* Takes an element out of whatever list it is in; harmless when it is in none. */
static inline void list_unlink(struct list *element)
{
	element->prev->next = element->next;
	element->next->prev = element->prev;
	list_init(element);
}

#define list_entry(element, type, member) container_of(element, type, member)

/* The loop body may unlink the current element. */
#define list_for_each(current, list_, type, member)                                                \
	for (type *current = list_entry((list_)->next, type, member),                              \
		  *current##_next = list_entry(current->member.next, type, member);                \
	     &current->member != (list_); current = current##_next,                                \
		  current##_next = list_entry(current->member.next, type, member))
