/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A treap: a search tree over the keys that is a heap over random priorities, so it is balanced
 * whatever the order of insertions. Recursion depth is the height, O(log n) with high probability.
 * The nodes are also a list in the order of their keys, so a walk need not search.
 */
#include "base/map.h"

#include <assert.h>

#include "base/mem.h"
#include "base/random.h"

struct map_node {
	struct map_entry entry;
	struct map_node *left;
	struct map_node *right;
	struct map_node *before;
	struct map_node *behind;
	uint32_t priority;
	uint32_t n; /* nodes of this subtree */
	char key[];
};

static uint32_t next_priority(void)
{
	static _Thread_local struct random_state state;

	if (state.s[0] == 0 && state.s[1] == 0) {
		random_state_init(&state);
	}
	return (uint32_t)random_next(&state);
}

void map_init(struct map *map, size_t max)
{
	*map = (struct map)MAP_INIT(max);
}

static void free_nodes(struct map_node *node, void (*release)(void *value))
{
	if (node == NULL) {
		return;
	}
	free_nodes(node->left, release);
	free_nodes(node->right, release);
	if (release != NULL) {
		release(node->entry.value);
	}
	mem_free(node);
}

void map_deinit(struct map *map, void (*release)(void *value))
{
	free_nodes(map->root, release);
	map_init(map, map->max);
}

static struct map_node *find(const struct map *map, struct str key)
{
	struct map_node *node = map->root;

	while (node != NULL) {
		int order = str_cmp(key, node->entry.key);

		if (order == 0) {
			return node;
		}
		node = order < 0 ? node->left : node->right;
	}
	return NULL;
}

void *map_get(const struct map *map, struct str key)
{
	struct map_node *node = find(map, key);

	return node != NULL ? node->entry.value : NULL;
}

static uint32_t subtree(const struct map_node *node)
{
	return node != NULL ? node->n : 0;
}

static void recount(struct map_node *node)
{
	node->n = 1 + subtree(node->left) + subtree(node->right);
}

/* Splits at `key`, which is not in the tree: what is less goes left. */
static void split(struct map_node *node, struct str key, struct map_node **ret_left,
		  struct map_node **ret_right)
{
	if (node == NULL) {
		*ret_left = *ret_right = NULL;
	} else if (str_cmp(node->entry.key, key) < 0) {
		split(node->right, key, &node->right, ret_right);
		recount(node);
		*ret_left = node;
	} else {
		split(node->left, key, ret_left, &node->left);
		recount(node);
		*ret_right = node;
	}
}

static struct map_node *merge(struct map_node *left, struct map_node *right)
{
	if (left == NULL) {
		return right;
	}
	if (right == NULL) {
		return left;
	}
	if (left->priority > right->priority) {
		left->right = merge(left->right, right);
		recount(left);
		return left;
	}
	right->left = merge(left, right->left);
	recount(right);
	return right;
}

static struct map_node *new_node(struct str key, void *value)
{
	struct map_node *node = mem_alloc(sizeof(*node) + key.n + 1);

	if (key.n != 0) {
		memcpy(node->key, key.p, key.n);
	}
	node->entry.key = (struct str){ .p = node->key, .n = key.n };
	node->entry.value = value;
	node->priority = next_priority();
	node->before = node->behind = NULL;
	return node;
}

/* Into the list of all: between its neighbours, of which either may be missing. */
static void link_between(struct map_node *before, struct map_node *node, struct map_node *behind)
{
	node->before = before;
	node->behind = behind;
	if (before != NULL) {
		before->behind = node;
	}
	if (behind != NULL) {
		behind->before = node;
	}
}

static void unlink_node(struct map_node *node)
{
	if (node->before != NULL) {
		node->before->behind = node->behind;
	}
	if (node->behind != NULL) {
		node->behind->before = node->before;
	}
}

/* The nodes on either side of `key`, which is not in the tree. */
static void find_neighbours(const struct map *map, struct str key, struct map_node **ret_before,
			    struct map_node **ret_behind)
{
	struct map_node *node = map->root;

	*ret_before = *ret_behind = NULL;
	while (node != NULL) {
		if (str_cmp(key, node->entry.key) < 0) {
			*ret_behind = node;
			node = node->left;
		} else {
			*ret_before = node;
			node = node->right;
		}
	}
}

void *map_put(struct map *map, struct str key, void *value)
{
	struct map_node *found = find(map, key);
	struct map_node **place = &map->root;
	struct map_node *before, *behind, *node;

	assert(value != NULL);
	if (found != NULL) {
		void *old = found->entry.value;

		found->entry.value = value;
		return old;
	}
	assert(map->n < map->max);
	node = new_node(key, value);
	find_neighbours(map, key, &before, &behind);
	link_between(before, node, behind);
	while (*place != NULL && (*place)->priority >= node->priority) {
		(*place)->n++;
		place = str_cmp(key, (*place)->entry.key) < 0 ? &(*place)->left : &(*place)->right;
	}
	split(*place, key, &node->left, &node->right);
	recount(node);
	*place = node;
	map->n++;
	return NULL;
}

void *map_remove(struct map *map, struct str key)
{
	struct map_node *found = find(map, key);
	struct map_node **place = &map->root;
	void *value;

	if (found == NULL) {
		return NULL;
	}
	while (*place != found) {
		(*place)->n--;
		place = str_cmp(key, (*place)->entry.key) < 0 ? &(*place)->left : &(*place)->right;
	}
	value = found->entry.value;
	*place = merge(found->left, found->right);
	unlink_node(found);
	mem_free(found);
	map->n--;
	return value;
}

/* Entries in front of `prefix`; with `inside`, also those that start with it. */
static size_t count_until(const struct map *map, struct str prefix, bool inside)
{
	const struct map_node *node = map->root;
	size_t n = 0;

	while (node != NULL) {
		if (str_cmp(node->entry.key, prefix) < 0 ||
		    (inside && str_starts(node->entry.key, prefix))) {
			n += 1 + subtree(node->left);
			node = node->right;
		} else {
			node = node->left;
		}
	}
	return n;
}

size_t map_count(const struct map *map, struct str prefix)
{
	return count_until(map, prefix, /* inside= */ true) -
	       count_until(map, prefix, /* inside= */ false);
}

static const struct map_entry *first_behind(const struct map *map, struct str key, bool or_equal)
{
	const struct map_node *node = map->root;
	const struct map_node *best = NULL;

	while (node != NULL) {
		int order = str_cmp(key, node->entry.key);

		if (order < 0 || (order == 0 && or_equal)) {
			best = node;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best != NULL ? &best->entry : NULL;
}

const struct map_entry *map_from(const struct map *map, struct str key)
{
	return first_behind(map, key, /* or_equal= */ true);
}

const struct map_entry *map_after(const struct map *map, struct str key)
{
	return first_behind(map, key, /* or_equal= */ false);
}

const struct map_entry *map_first(const struct map *map)
{
	return map_from(map, STR_NONE);
}

const struct map_entry *map_next(const struct map_entry *entry)
{
	const struct map_node *node = container_of(entry, struct map_node, entry);

	return node->behind != NULL ? &node->behind->entry : NULL;
}
