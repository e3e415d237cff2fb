/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One allocation holds the struct that everybody sees and what they do not: the reference count,
 * the tree, and who keeps the text alive. Text and tree say the same, always: neither changes once
 * the object exists, and a tree that is parsed late, or again, is parsed from that text. Facts
 * say a part of the same, and stay when the tree goes.
 *
 * A text is owned in one of two ways: `bytes` (ours, freed with the object) or `owner` (somebody
 * else's, told by release()). Space and name are copies in `names`, or lie in what the owner keeps.
 */

#include "object/object.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"
#include "object/schema.h"
#include "json/json.h"

/* Facts of the metadata. The texts lie behind it: UID, the controller's, then the labels. */
struct head {
	const char *controller;
	const char *labels;
	size_t n_labels; /* pairs of key and value */
	bool deleting;
	char text[];
};

struct full_object {
	struct object object;
	size_t references;
	json_t *tree; /* NULL until somebody asks */
	struct list parsed; /* in `trees` while there is a tree */
	bool used; /* the tree was asked for since the last trim passed by */
	struct head *head; /* NULL until somebody asks */
	void *facts; /* the same, of object_facts() */
	char *bytes;
	char *names; /* space and name, one behind the other */
	void *owner;
	void (*release)(void *owner);
};

/* All objects with a tree, the one parsed first in front. Control thread only, like all of this. */
static struct {
	struct list parsed;
	size_t bytes; /* of their texts */
	size_t limit; /* of bytes, before full() is called */
	size_t parsings; /* that object_tree() did */
	bool told; /* full() has been called for this excess */
	void (*full)(void *userdata); /* NULL: nobody cares */
	void *userdata;
} trees = { .parsed = { .next = &trees.parsed, .prev = &trees.parsed } };

static struct full_object *full(struct object *object)
{
	return container_of(object, struct full_object, object);
}

static struct full_object *full_new(const struct kind *kind)
{
	struct full_object *full = MEM_NEW(struct full_object);

	full->object.kind = kind;
	full->references = 1;
	list_init(&full->parsed);
	return full;
}

static void keep_tree(struct full_object *whole, json_t *tree)
{
	whole->tree = tree;
	list_append(&trees.parsed, &whole->parsed);
	trees.bytes += whole->object.text.n;
	if (trees.bytes > trees.limit && trees.full != NULL && !trees.told) {
		trees.told = true;
		trees.full(trees.userdata);
	}
}

static void drop_tree(struct full_object *whole)
{
	if (whole->tree != NULL) {
		trees.bytes -= whole->object.text.n;
		list_unlink(&whole->parsed);
		json_decref(whole->tree);
		whole->tree = NULL;
	}
}

void object_trees_on_full(size_t limit, void (*told)(void *userdata), void *userdata)
{
	trees.limit = limit;
	trees.full = told;
	trees.userdata = userdata;
}

/* A second chance for what was used: it goes to the end once (the CLOCK algorithm). */
void object_trees_trim(size_t keep)
{
	trees.told = false;
	while (trees.bytes > keep) {
		struct full_object *oldest =
			list_entry(trees.parsed.next, struct full_object, parsed);

		if (oldest->used) {
			oldest->used = false;
			list_unlink(&oldest->parsed);
			list_append(&trees.parsed, &oldest->parsed);
		} else {
			drop_tree(oldest);
		}
	}
}

static bool has_string(const json_t *tree, const char *key, const char *expected)
{
	const char *text = json_string_value(json_object_get(tree, key));

	return text != NULL && strcmp(text, expected) == 0;
}

/* The items of a list say no kind of their own. */
static bool is_absent_or(const json_t *tree, const char *key, const char *expected)
{
	return json_object_get(tree, key) == NULL || has_string(tree, key, expected);
}

/* Whether `tree` is an object of `kind` with a name; *ret_revision 0 when it has none yet. */
static bool is_object_of(const struct kind *kind, const json_t *tree, uint64_t *ret_revision)
{
	_cleanup_buffer_ struct buffer api_version = BUFFER_INIT(LIMIT_STORE_KEY);
	const json_t *revision = json_at(tree, "metadata.resourceVersion");
	uint64_t number = 0;

	kind_api_version(kind, &api_version);
	if (!is_absent_or(tree, "apiVersion", buffer_text(&api_version)) ||
	    !is_absent_or(tree, "kind", kind->kind) ||
	    json_string_at(tree, "metadata.name")[0] == '\0') {
		return false;
	}
	if (revision != NULL &&
	    !str_to_u64(str_from(json_string_value(revision)), UINT64_MAX, &number)) {
		return false;
	}
	*ret_revision = number;
	return true;
}

/* The object around `tree` (stolen) and `bytes`, its text (stolen). */
static struct object *wrap(const struct kind *kind, uint64_t revision, json_t *tree, char *bytes,
			   size_t n)
{
	struct full_object *full = full_new(kind);
	struct str space = str_from(json_string_at(tree, "metadata.namespace"));
	struct str name = str_from(json_string_at(tree, "metadata.name"));

	full->bytes = bytes;
	full->names = mem_alloc(space.n + name.n + 1);
	memcpy(full->names, space.p, space.n);
	memcpy(full->names + space.n, name.p, name.n);
	full->object.revision = revision;
	full->object.space = (struct str){ .p = full->names, .n = space.n };
	full->object.name = (struct str){ .p = full->names + space.n, .n = name.n };
	full->object.text = (struct str){ .p = bytes, .n = n };
	keep_tree(full, tree);
	return &full->object;
}

int object_new(const struct kind *kind, struct str text, struct object **ret)
{
	struct json_read_error error;
	uint64_t revision;
	json_t *tree;

	if (text.n > LIMIT_OBJECT || json_read(text, NULL, &tree, &error) != 0) {
		return OBJECT_BAD;
	}
	if (!is_object_of(kind, tree, &revision)) {
		json_decref(tree);
		return OBJECT_BAD;
	}
	*ret = wrap(kind, revision, tree, str_dup(text), text.n);
	return 0;
}

int object_new_tree(const struct kind *kind, json_t *tree, struct object **ret)
{
	_cleanup_json_ json_t *owned = tree;
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OBJECT);
	uint64_t revision;
	size_t n;

	if (!is_object_of(kind, tree, &revision)) {
		return OBJECT_BAD;
	}
	json_write(tree, &text);
	if (text.overflowed) {
		return OBJECT_BAD;
	}
	char *bytes = buffer_take(&text, &n);
	*ret = wrap(kind, revision, take(owned), bytes, n);
	return 0;
}

struct object *object_new_shared(const struct kind *kind, uint64_t revision, struct str space,
				 struct str name, struct str text, void *owner,
				 void (*release)(void *owner))
{
	struct full_object *full = full_new(kind);

	full->owner = owner;
	full->release = release;
	full->object.revision = revision;
	full->object.space = space;
	full->object.name = name;
	full->object.text = text;
	return &full->object;
}

struct object *object_ref(struct object *object)
{
	full(object)->references++;
	return object;
}

struct object *object_unref(struct object *object)
{
	if (object == NULL) {
		return NULL;
	}
	struct full_object *whole = full(object);
	assert(whole->references > 0);
	if (--whole->references == 0) {
		drop_tree(whole);
		if (whole->release != NULL) {
			whole->release(whole->owner);
		}
		mem_free(whole->head);
		mem_free(whole->facts);
		mem_free(whole->bytes);
		mem_free(whole->names);
		mem_free(whole);
	}
	return NULL;
}

const json_t *object_tree(struct object *object)
{
	struct full_object *whole = full(object);

	if (whole->tree == NULL) {
		struct json_read_error error;
		json_t *tree = NULL;
		int r = json_read(object->text, NULL, &tree, &error);
		/* The text came from our own writer, or was read before. */
		assert(r == 0);
		(void)r;
		trees.parsings++;
		keep_tree(whole, tree);
	}
	whole->used = true;
	return whole->tree;
}

size_t object_trees_parsed(void)
{
	return trees.parsings;
}

const void *object_facts(struct object *object, void *(*make)(struct object *object))
{
	struct full_object *whole = full(object);

	if (whole->facts == NULL) {
		whole->facts = make(object);
	}
	return whole->facts;
}

static char *add_text(char *at, const char *text)
{
	return stpcpy(at, text) + 1;
}

static struct head *head_new(struct object *object)
{
	const json_t *metadata = json_object_get(object_tree(object), "metadata");
	const char *uid = json_string_at(metadata, "uid");
	const char *controller = json_string_at(object_controller(object), "uid");
	size_t size = strlen(uid) + strlen(controller) + 2;
	json_t *labels = json_object_get(metadata, "labels");
	const char *key;
	json_t *value;

	json_object_foreach (labels, key, value) {
		size += strlen(key) + json_string_length(value) + 2;
	}
	struct head *head = mem_alloc(sizeof(*head) + size);
	char *at = add_text(head->text, uid);

	head->controller = at;
	head->labels = at = add_text(at, controller);
	head->n_labels = json_object_size(labels);
	head->deleting = json_is_string(json_object_get(metadata, "deletionTimestamp"));
	json_object_foreach (labels, key, value) {
		at = add_text(at, key);
		at = add_text(at, json_is_string(value) ? json_string_value(value) : "");
	}
	return head;
}

static const struct head *head_of(struct object *object)
{
	struct full_object *whole = full(object);

	if (whole->head == NULL) {
		whole->head = head_new(object);
	}
	return whole->head;
}

const char *object_uid(struct object *object)
{
	return head_of(object)->text;
}

const char *object_controller_uid(struct object *object)
{
	return head_of(object)->controller;
}

const char *object_find_label(struct object *object, const char *key)
{
	const struct head *head = head_of(object);
	const char *at = head->labels;

	for (size_t i = 0; i < head->n_labels; i++) {
		const char *value = at + strlen(at) + 1;

		if (strcmp(at, key) == 0) {
			return value;
		}
		at = value + strlen(value) + 1;
	}
	return NULL;
}

const char *object_label(struct object *object, const char *key)
{
	const char *value = object_find_label(object, key);

	return value != NULL ? value : "";
}

/* A key of annotations has dots, so it is no path. */
const char *object_annotation(struct object *object, const char *key)
{
	const json_t *annotations = json_at(object_tree(object), "metadata.annotations");
	const char *text = json_string_value(json_object_get(annotations, key));

	return text != NULL ? text : "";
}

bool object_is_deleting(struct object *object)
{
	return head_of(object)->deleting;
}

const json_t *object_controller(struct object *object)
{
	const json_t *owners = json_at(object_tree(object), "metadata.ownerReferences");
	const json_t *owner;
	size_t i;

	json_array_foreach (owners, i, owner) {
		if (json_is_true(json_object_get(owner, "controller"))) {
			return owner;
		}
	}
	return NULL;
}

bool object_is_owned_by(struct object *object, const char *owner_uid)
{
	const json_t *owners = json_at(object_tree(object), "metadata.ownerReferences");
	const json_t *owner;
	size_t i;

	json_array_foreach (owners, i, owner) {
		if (has_string(owner, "uid", owner_uid)) {
			return true;
		}
	}
	return false;
}

/* `tree` without the member that the caller has written, or writes another way. */
static void write_members(const json_t *tree, const char *const *skip, bool first,
			  struct buffer *out)
{
	json_t *walk = (json_t *)tree;

	for (void *i = json_object_iter(walk); i != NULL; i = json_object_iter_next(walk, i)) {
		bool skipped = false;
		for (size_t k = 0; skip[k] != NULL; k++) {
			skipped = skipped || strcmp(json_object_iter_key(i), skip[k]) == 0;
		}
		if (skipped) {
			continue;
		}
		if (!first) {
			buffer_append_char(out, ',');
		}
		first = false;
		json_write_string(str_from(json_object_iter_key(i)), out);
		buffer_append_char(out, ':');
		json_write(json_object_iter_value(i), out);
	}
}

static const char metadata_opening[] = "\"metadata\":{";

void object_canonical_text(const struct kind *kind, const json_t *tree, struct buffer *out)
{
	static const char *const front[] = { "apiVersion", "kind", "metadata", NULL };
	static const char *const revision[] = { "resourceVersion", NULL };

	buffer_append_text(out, "{\"apiVersion\":\"");
	kind_api_version(kind, out);
	buffer_printf(out, "\",\"kind\":\"%s\",%s", kind->kind, metadata_opening);
	write_members(json_object_get(tree, "metadata"), revision, /* first= */ true, out);
	buffer_append_char(out, '}');
	write_members(tree, front, /* first= */ false, out);
	buffer_append_char(out, '}');
}

void object_splice_revision(struct str canonical, uint64_t revision, struct buffer *out)
{
	/* Only apiVersion and kind stand before it, and neither can hold a quote. */
	const char *found =
		memmem(canonical.p, canonical.n, metadata_opening, sizeof(metadata_opening) - 1);
	assert(found != NULL);
	size_t head = (size_t)(found - canonical.p) + sizeof(metadata_opening) - 1;

	buffer_append(out, canonical.p, head);
	buffer_printf(out, "\"resourceVersion\":\"%llu\"", (unsigned long long)revision);
	if (canonical.p[head] != '}') {
		buffer_append_char(out, ',');
	}
	buffer_append_str(out, str_skip(canonical, head));
}
