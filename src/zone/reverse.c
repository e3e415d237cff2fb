/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A path-compressed 16-way trie. A branch tests one nibble and has a child for each value in its
 * bitmap; what lies between two branches is checked at the leaf, which holds the whole address.
 *
 * Readers may be anywhere in it at any time, so nothing they can see is changed but a slot, and a
 * slot goes from one complete subtree to another in one store. A branch that gains or loses a child
 * is replaced by a copy. The old copy's slots freeze; a reader still inside it sees children that
 * were current when it entered, and all of them are kept until it has left.
 *
 * Invariants: a branch has at least two children; the nibble it tests is larger than its parent's;
 * all leaves below it agree in the nibbles before it.
 */
#include "zone/reverse.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "zone/retire.h"

/*
 * `data` holds the targets: uint16_t sources (writer only), uint8_t length, the labels. Names of
 * services stand first; when there are any, readers see just these.
 */
struct reverse_leaf {
	uint32_t bytes; /* of data */
	uint32_t n_services;
	uint32_t n_endpoints;
	uint8_t n; /* of the address: 4 or 16 */
	uint8_t data[]; /* the address, then the targets */
};

struct branch {
	uint16_t bitmap;
	uint8_t nibble;
	struct snapshot children[];
};

enum { TARGET_HEAD = 3 };

/* A slot holds a branch or a leaf; leaves are marked in the lowest bit. */
static bool is_leaf(const void *node)
{
	return ((uintptr_t)node & 1) != 0;
}

static struct reverse_leaf *to_leaf(const void *node)
{
	return (struct reverse_leaf *)((uintptr_t)node - 1);
}

static void *from_leaf(const struct reverse_leaf *leaf)
{
	return (void *)((uintptr_t)leaf + 1);
}

static unsigned nibble_of(const uint8_t *bytes, unsigned i)
{
	return i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15;
}

static unsigned children_count(const struct branch *branch)
{
	return (unsigned)__builtin_popcount(branch->bitmap);
}

/* Where the child for `value` stands, whether it exists or not. */
static unsigned child_index(const struct branch *branch, unsigned value)
{
	return (unsigned)__builtin_popcount(branch->bitmap & ((1U << value) - 1));
}

static bool has_child(const struct branch *branch, unsigned value)
{
	return (branch->bitmap >> value & 1) != 0;
}

/* The first nibble in which the two differ, or `nibbles` when they agree so far. */
static unsigned first_difference(const uint8_t *a, const uint8_t *b, unsigned nibbles)
{
	unsigned i = 0;

	while (i < nibbles && nibble_of(a, i) == nibble_of(b, i)) {
		i++;
	}
	return i;
}

/* Some leaf that agrees with `address` as far as any does; NULL when the trie is empty. */
static struct reverse_leaf *nearest(const struct reverse *reverse, const uint8_t *bytes,
				    unsigned nibbles)
{
	void *node = snapshot_get(&reverse->root);

	while (node != NULL && !is_leaf(node)) {
		const struct branch *branch = node;
		unsigned value = branch->nibble < nibbles ? nibble_of(bytes, branch->nibble) : 0;
		unsigned i = has_child(branch, value) ? child_index(branch, value) : 0;

		node = snapshot_get(&branch->children[i]);
	}
	return node != NULL ? to_leaf(node) : NULL;
}

const struct reverse_leaf *reverse_find(const struct reverse *reverse, const struct ip *address)
{
	const struct reverse_leaf *leaf = nearest(reverse, address->bytes, address->n * 2U);

	return leaf != NULL && memcmp(leaf->data, address->bytes, address->n) == 0 ? leaf : NULL;
}

bool reverse_has_prefix(const struct reverse *reverse, const struct ip *prefix, unsigned nibbles)
{
	const struct reverse_leaf *leaf = nearest(reverse, prefix->bytes, nibbles);

	return leaf != NULL && first_difference(leaf->data, prefix->bytes, nibbles) == nibbles;
}

uint32_t reverse_leaf_count(const struct reverse_leaf *leaf)
{
	return leaf->n_services != 0 ? leaf->n_services : leaf->n_endpoints;
}

struct str reverse_leaf_next(const struct reverse_leaf *leaf, size_t *cursor)
{
	const uint8_t *target = leaf->data + leaf->n + *cursor;

	*cursor += TARGET_HEAD + (size_t)target[2];
	return (struct str){ .p = (const char *)target + TARGET_HEAD, .n = target[2] };
}

struct ip reverse_leaf_address(const struct reverse_leaf *leaf)
{
	struct ip address = { .n = leaf->n };

	memcpy(address.bytes, leaf->data, leaf->n);
	return address;
}

static void each_below(const void *node,
		       void (*visit)(const struct reverse_leaf *leaf, void *userdata),
		       void *userdata)
{
	if (is_leaf(node)) {
		visit(to_leaf(node), userdata);
		return;
	}
	const struct branch *branch = node;

	/* As deep as an address has nibbles. */
	for (unsigned i = 0; i < children_count(branch); i++) {
		each_below(branch->children[i].value, visit, userdata);
	}
}

void reverse_each(const struct reverse *reverse, const struct ip *prefix, unsigned nibbles,
		  void (*visit)(const struct reverse_leaf *leaf, void *userdata), void *userdata)
{
	const void *node = reverse->root.value;

	if (!reverse_has_prefix(reverse, prefix, nibbles)) {
		return;
	}
	/* Whatever has the prefix has it in common with all below the first branch behind it. */
	while (!is_leaf(node) && ((const struct branch *)node)->nibble < nibbles) {
		const struct branch *branch = node;
		unsigned value = nibble_of(prefix->bytes, branch->nibble);

		node = branch->children[child_index(branch, value)].value;
	}
	each_below(node, visit, userdata);
}

/* ---- leaves ---- */

static void free_leaf(void *value)
{
	mem_free(value);
}

static size_t leaf_size(const struct reverse_leaf *leaf)
{
	return sizeof(*leaf) + leaf->n + leaf->bytes;
}

static void free_branch(void *value)
{
	mem_free(value);
}

static uint16_t get_sources(const uint8_t *target)
{
	return (uint16_t)(target[0] | target[1] << 8);
}

static void set_sources(uint8_t *target, uint16_t n)
{
	target[0] = (uint8_t)n;
	target[1] = (uint8_t)(n >> 8);
}

/* The target called `labels` among the services or the endpoints of a leaf; NULL when absent. */
static uint8_t *leaf_target(struct reverse_leaf *leaf, struct str labels, bool service)
{
	uint8_t *target = leaf->data + leaf->n;

	for (uint32_t i = 0; i < leaf->n_services + leaf->n_endpoints; i++) {
		if (service == (i < leaf->n_services) && target[2] == labels.n &&
		    memcmp(target + TARGET_HEAD, labels.p, labels.n) == 0) {
			return target;
		}
		target += TARGET_HEAD + (size_t)target[2];
	}
	return NULL;
}

static struct reverse_leaf *leaf_new(const struct ip *address, uint32_t bytes)
{
	struct reverse_leaf *leaf =
		mem_alloc(sizeof(struct reverse_leaf) + address->n + (size_t)bytes);

	leaf->n = address->n;
	leaf->bytes = bytes;
	memcpy(leaf->data, address->bytes, address->n);
	return leaf;
}

/* A copy of `old` (NULL: no names yet) with one more target. */
static struct reverse_leaf *leaf_with(const struct reverse_leaf *old, const struct ip *address,
				      struct str labels, bool service)
{
	uint32_t bytes = TARGET_HEAD + (uint32_t)labels.n;
	struct reverse_leaf *leaf = leaf_new(address, bytes + (old != NULL ? old->bytes : 0));
	uint8_t *target = leaf->data + leaf->n;

	if (old != NULL) {
		const uint8_t *from = old->data + old->n;

		leaf->n_services = old->n_services;
		leaf->n_endpoints = old->n_endpoints;
		/* A service goes to the front, an endpoint to the end. */
		memcpy(target + (service ? bytes : 0), from, old->bytes);
		target += service ? 0 : old->bytes;
	}
	set_sources(target, 1);
	target[2] = (uint8_t)labels.n;
	memcpy(target + TARGET_HEAD, labels.p, labels.n);
	if (service) {
		leaf->n_services++;
	} else {
		leaf->n_endpoints++;
	}
	return leaf;
}

/* A copy of `old` without `target`. */
static struct reverse_leaf *leaf_without(const struct reverse_leaf *old, const struct ip *address,
					 const uint8_t *target, bool service)
{
	const uint8_t *from = old->data + old->n;
	size_t before = (size_t)(target - from);
	size_t gone = TARGET_HEAD + (size_t)target[2];
	struct reverse_leaf *leaf = leaf_new(address, old->bytes - (uint32_t)gone);

	memcpy(leaf->data + leaf->n, from, before);
	memcpy(leaf->data + leaf->n + before, target + gone, old->bytes - before - gone);
	leaf->n_services = old->n_services - (service ? 1 : 0);
	leaf->n_endpoints = old->n_endpoints - (service ? 0 : 1);
	return leaf;
}

/* ---- branches ---- */

/* The slot whose subtree holds everything that agrees with `bytes` before nibble `nibble`. */
static struct snapshot *slot_for(struct reverse *reverse, const uint8_t *bytes, unsigned nibble,
				 struct snapshot **ret_parent)
{
	struct snapshot *slot = &reverse->root;

	for (;;) {
		struct branch *branch = slot->value;

		if (branch == NULL || is_leaf(branch) || branch->nibble >= nibble) {
			return slot;
		}
		*ret_parent = slot;
		slot = &branch->children[child_index(branch, nibble_of(bytes, branch->nibble))];
	}
}

static struct branch *branch_new(uint16_t bitmap, unsigned nibble)
{
	struct branch *branch =
		mem_alloc(sizeof(struct branch) +
			  (size_t)__builtin_popcount(bitmap) * sizeof(struct snapshot));

	branch->bitmap = bitmap;
	branch->nibble = (uint8_t)nibble;
	return branch;
}

/* Publishes a branch over the slot's node and a new leaf that differs from it in `nibble`. */
static void split(struct snapshot *slot, unsigned nibble, unsigned old_value,
		  struct reverse_leaf *leaf, unsigned value)
{
	struct branch *branch = branch_new((uint16_t)(1U << old_value | 1U << value), nibble);

	branch->children[value < old_value ? 1 : 0].value = slot->value;
	branch->children[value < old_value ? 0 : 1].value = from_leaf(leaf);
	(void)snapshot_publish(slot, branch);
}

static void add_child(struct snapshot *slot, unsigned value, struct reverse_leaf *leaf)
{
	struct branch *old = slot->value;
	struct branch *branch = branch_new((uint16_t)(old->bitmap | 1U << value), old->nibble);
	unsigned at = child_index(old, value);
	unsigned n = children_count(old);

	memcpy(branch->children, old->children, at * sizeof(struct snapshot));
	branch->children[at].value = from_leaf(leaf);
	memcpy(branch->children + at + 1, old->children + at, (n - at) * sizeof(struct snapshot));
	snapshot_retire(snapshot_publish(slot, branch), free_branch);
}

static void remove_child(struct snapshot *slot, unsigned value)
{
	struct branch *old = slot->value;
	unsigned at = child_index(old, value);
	unsigned n = children_count(old);

	if (n == 2) {
		snapshot_retire(snapshot_publish(slot, old->children[1 - at].value), free_branch);
		return;
	}
	struct branch *branch = branch_new((uint16_t)(old->bitmap & ~(1U << value)), old->nibble);

	memcpy(branch->children, old->children, at * sizeof(struct snapshot));
	memcpy(branch->children + at, old->children + at + 1,
	       (n - at - 1) * sizeof(struct snapshot));
	snapshot_retire(snapshot_publish(slot, branch), free_branch);
}

static void insert_leaf(struct reverse *reverse, const struct ip *address,
			struct reverse_leaf *leaf, const struct reverse_leaf *near)
{
	struct snapshot *parent = NULL;
	struct snapshot *slot;
	unsigned nibble;

	reverse->n++;
	if (near == NULL) {
		(void)snapshot_publish(&reverse->root, from_leaf(leaf));
		return;
	}
	nibble = first_difference(near->data, address->bytes, address->n * 2U);
	slot = slot_for(reverse, address->bytes, nibble, &parent);
	if (!is_leaf(slot->value) && ((struct branch *)slot->value)->nibble == nibble) {
		add_child(slot, nibble_of(address->bytes, nibble), leaf);
	} else {
		split(slot, nibble, nibble_of(near->data, nibble), leaf,
		      nibble_of(address->bytes, nibble));
	}
}

void reverse_add(struct reverse *reverse, const struct ip *address, struct str labels, bool service)
{
	struct reverse_leaf *near = nearest(reverse, address->bytes, address->n * 2U);
	struct snapshot *parent = NULL;
	uint8_t *target;

	assert(labels.n <= LIMIT_DNS_NAME);
	if (near == NULL || memcmp(near->data, address->bytes, address->n) != 0) {
		insert_leaf(reverse, address, leaf_with(NULL, address, labels, service), near);
		return;
	}
	target = leaf_target(near, labels, service);
	if (target != NULL) {
		/* Saturates; a name that so many sources give stays until a restart. */
		if (get_sources(target) != UINT16_MAX) {
			set_sources(target, (uint16_t)(get_sources(target) + 1));
		}
		return;
	}
	struct snapshot *slot = slot_for(reverse, address->bytes, address->n * 2U, &parent);

	(void)snapshot_publish(slot, from_leaf(leaf_with(near, address, labels, service)));
	retire_value(reverse->retire, near, leaf_size(near), free_leaf);
}

void reverse_remove(struct reverse *reverse, const struct ip *address, struct str labels,
		    bool service)
{
	struct reverse_leaf *leaf = nearest(reverse, address->bytes, address->n * 2U);
	struct snapshot *parent = NULL;
	struct snapshot *slot;
	uint8_t *target;

	if (leaf == NULL || memcmp(leaf->data, address->bytes, address->n) != 0 ||
	    (target = leaf_target(leaf, labels, service)) == NULL ||
	    get_sources(target) == UINT16_MAX) {
		return;
	}
	if (get_sources(target) > 1) {
		set_sources(target, (uint16_t)(get_sources(target) - 1));
		return;
	}
	slot = slot_for(reverse, address->bytes, address->n * 2U, &parent);
	if (leaf->n_services + leaf->n_endpoints > 1) {
		(void)snapshot_publish(slot,
				       from_leaf(leaf_without(leaf, address, target, service)));
	} else {
		reverse->n--;
		if (parent == NULL) {
			(void)snapshot_publish(&reverse->root, NULL);
		} else {
			const struct branch *branch = parent->value;

			remove_child(parent, nibble_of(address->bytes, branch->nibble));
		}
	}
	retire_value(reverse->retire, leaf, leaf_size(leaf), free_leaf);
}

static void free_node(void *node)
{
	if (node == NULL) {
		return;
	}
	if (is_leaf(node)) {
		free_leaf(to_leaf(node));
		return;
	}
	struct branch *branch = node;

	/* As deep as an address has nibbles. */
	for (unsigned i = 0; i < children_count(branch); i++) {
		free_node(branch->children[i].value);
	}
	free_branch(branch);
}

void reverse_deinit(struct reverse *reverse)
{
	free_node(reverse->root.value);
	reverse->root.value = NULL;
	reverse->n = 0;
}
