/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing favours few writes over full slices, since every write goes to every watcher: an endpoint
 * stays in the slice where it is; what is new goes first into slices that change anyway, then into
 * one slice that has room for all of it, and only then into new ones. A slice that would be removed
 * while another one is created becomes that one.
 *
 * Slices are grouped by address type and set of ports. An endpoint is the same as before when
 * address, hostname and target are.
 *
 * When it is known which targets have changed, only slices that hold one of them are opened. Of the
 * others facts are enough: how many endpoints they have, and of which group they are.
 */
#include "control/slice_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/snapshot.h"
#include "client/cache.h"
#include "control/owner.h"
#include "object/kinds.h"
#include "json/json.h"

static const char *const address_types[] = { "IPv4", "IPv6" };

struct wanted {
	json_t *endpoint;
	char *changed;
};

struct group {
	const char *type;
	json_t *ports;
	struct map left; /* identity -> struct wanted, not in a slice yet */
};

/* A slice that is there, or (object NULL) is to be created. */
struct slice {
	struct list link;
	struct object *object;
	const char *type;
	json_t *ports;
	json_t *endpoints; /* as they shall be; NULL: as they are, not opened */
	struct group *group; /* NULL: no endpoint of it is wanted */
	bool owned;
	bool write;
	bool remove;
};

struct slice_set {
	struct slice_set_rules rules;
	bool types[ARRAY_SIZE(address_types)];
	struct map groups; /* type and ports -> struct group */
	struct list slices;
	bool partial; /* only what is touched may have changed */
	struct map touched; /* names of targets */
	struct map touched_slices; /* names */
	uint32_t *hashes; /* of the touched names, sorted; in plan */
	char *trigger; /* earliest change that is written; NULL: none */
};

/* ---- what is wanted ---- */

struct slice_set *slice_set_new(const struct slice_set_rules *rules)
{
	struct slice_set *set = MEM_NEW(struct slice_set);

	set->rules = *rules;
	map_init(&set->groups, LIMIT_CACHE_OBJECTS);
	map_init(&set->touched, LIMIT_CACHE_OBJECTS);
	map_init(&set->touched_slices, LIMIT_CACHE_OBJECTS);
	list_init(&set->slices);
	return set;
}

static void wanted_free(void *value)
{
	struct wanted *wanted = value;

	json_decref(wanted->endpoint);
	mem_free(wanted->changed);
	mem_free(wanted);
}

static void group_free(void *value)
{
	struct group *group = value;

	json_decref(group->ports);
	map_deinit(&group->left, wanted_free);
	mem_free(group);
}

struct slice_set *slice_set_free(struct slice_set *set)
{
	if (set == NULL) {
		return NULL;
	}
	map_deinit(&set->groups, group_free);
	list_for_each (slice, &set->slices, struct slice, link) {
		list_unlink(&slice->link);
		json_decref(slice->ports);
		json_decref(slice->endpoints);
		mem_free(slice);
	}
	map_deinit(&set->touched, NULL);
	map_deinit(&set->touched_slices, NULL);
	mem_free(set->hashes);
	mem_free(set->trigger);
	return mem_free(set);
}

/* The program's own text of an address type, or NULL. */
static const char *known_type(const char *type, size_t *ret_index)
{
	for (size_t i = 0; i < ARRAY_SIZE(address_types); i++) {
		if (strcmp(address_types[i], type) == 0) {
			*ret_index = i;
			return address_types[i];
		}
	}
	return NULL;
}

void slice_set_want(struct slice_set *set, const char *address_type)
{
	size_t i;

	if (known_type(address_type, &i) != NULL) {
		set->types[i] = true;
	}
}

/* Ports are compared in the order of the API's text, which both sides sort the same way. */
static void group_key(struct buffer *key, const char *type, const json_t *ports)
{
	const json_t *port;
	size_t i;

	buffer_append_text(key, type);
	json_array_foreach ((json_t *)ports, i, port) {
		const char *protocol = json_string_at(port, "protocol");

		buffer_printf(key, "\n%s/%lld/%s/%s", json_string_at(port, "name"),
			      (long long)json_int_at(port, "port", 0),
			      protocol[0] != '\0' ? protocol : "TCP",
			      json_string_at(port, "appProtocol"));
	}
}

static struct group *find_group(struct slice_set *set, const char *type, const json_t *ports)
{
	struct buffer key _cleanup_buffer_ = BUFFER_INIT(LIMIT_OBJECT);

	group_key(&key, type, ports);
	return map_get(&set->groups, buffer_str(&key));
}

/* The same, made when there is none. */
static struct group *get_group(struct slice_set *set, const char *type, const json_t *ports)
{
	struct buffer key _cleanup_buffer_ = BUFFER_INIT(LIMIT_OBJECT);
	struct group *group;
	size_t i;

	group_key(&key, type, ports);
	group = map_get(&set->groups, buffer_str(&key));
	if (group == NULL) {
		group = MEM_NEW(struct group);
		group->type = known_type(type, &i);
		group->ports = ports != NULL ? json_deep_copy(ports) : json_array();
		map_init(&group->left, LIMIT_CACHE_OBJECTS);
		map_put(&set->groups, buffer_str(&key), group);
	}
	return group;
}

static void identity(struct buffer *key, const json_t *endpoint)
{
	const json_t *address;
	size_t i;

	json_array_foreach (json_object_get(endpoint, "addresses"), i, address) {
		buffer_append_text(key, json_string_value(address));
		buffer_append_char(key, ' ');
	}
	buffer_printf(key, "%s %s %s/%s %s", json_string_at(endpoint, "hostname"),
		      json_string_at(endpoint, "targetRef.kind"),
		      json_string_at(endpoint, "targetRef.namespace"),
		      json_string_at(endpoint, "targetRef.name"),
		      json_string_at(endpoint, "targetRef.uid"));
}

void slice_set_add(struct slice_set *set, const char *address_type, const json_t *ports,
		   json_t *endpoint, const char *changed)
{
	struct buffer key _cleanup_buffer_ = BUFFER_INIT(LIMIT_OBJECT);
	struct group *group = get_group(set, address_type, ports);
	struct wanted *wanted = MEM_NEW(struct wanted);
	struct wanted *before;

	wanted->endpoint = endpoint;
	wanted->changed = mem_strdup(changed);
	identity(&key, endpoint);
	before = map_put(&group->left, buffer_str(&key), wanted);
	if (before != NULL) {
		wanted_free(before);
	}
}

/* ---- what is touched ---- */

/* Of a slice that need not be opened. */
struct slice_facts {
	const char *type; /* NULL: not known here */
	char *group; /* as in group_key() */
	size_t n;
	uint32_t targets[]; /* hashes of their names; the text of `group` is behind */
};

static const char *target_of(const json_t *endpoint)
{
	return json_string_at(endpoint, "targetRef.name");
}

static void *make_facts(struct object *slice)
{
	struct buffer key _cleanup_buffer_ = BUFFER_INIT(LIMIT_OBJECT);
	const json_t *tree = object_tree(slice);
	const json_t *endpoints = json_object_get(tree, "endpoints");
	const char *type = json_string_at(tree, "addressType");
	size_t n = json_array_size(endpoints);
	struct slice_facts *facts;
	const json_t *endpoint;
	size_t i;

	group_key(&key, type, json_object_get(tree, "ports"));
	facts = mem_alloc(sizeof(*facts) + n * sizeof(facts->targets[0]) + key.n + 1);
	facts->type = known_type(type, &i);
	facts->n = n;
	facts->group = (char *)(facts->targets + n);
	memcpy(facts->group, buffer_text(&key), key.n + 1);
	json_array_foreach ((json_t *)endpoints, i, endpoint) {
		facts->targets[i] = snapshot_hash(str_from(target_of(endpoint)));
	}
	return facts;
}

static const struct slice_facts *facts_of(struct object *slice)
{
	return object_facts(slice, make_facts);
}

void slice_set_touch(struct slice_set *set, struct str target)
{
	set->partial = true;
	if (set->touched.n < set->touched.max) {
		map_put(&set->touched, target, set);
	}
}

void slice_set_touch_slice(struct slice_set *set, struct object *slice)
{
	const json_t *endpoint;
	size_t i;

	set->partial = true;
	map_put(&set->touched_slices, slice->name, set);
	json_array_foreach (json_object_get(object_tree(slice), "endpoints"), i, endpoint) {
		slice_set_touch(set, str_from(target_of(endpoint)));
	}
}

const struct map *slice_set_touched(const struct slice_set *set)
{
	return &set->touched;
}

static bool is_touched(const struct slice_set *set, const json_t *endpoint)
{
	return !set->partial || map_get(&set->touched, str_from(target_of(endpoint))) != NULL;
}

static int compare_hashes(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort_touched(struct slice_set *set)
{
	size_t n = 0;

	set->hashes = mem_alloc_array(set->touched.n + 1, sizeof(*set->hashes));
	map_for_each (entry, &set->touched) {
		set->hashes[n++] = snapshot_hash(entry->key);
	}
	qsort(set->hashes, n, sizeof(*set->hashes), compare_hashes);
}

/* Hashes may agree by chance: then a slice is opened, and nothing is found. */
static bool must_open(const struct slice_set *set, struct object *slice)
{
	const struct slice_facts *facts = facts_of(slice);

	/* An empty one may become what is missing. */
	if (!set->partial || facts->n == 0 || map_get(&set->touched_slices, slice->name) != NULL) {
		return true;
	}
	for (size_t i = 0; i < facts->n; i++) {
		if (bsearch(&facts->targets[i], set->hashes, set->touched.n, sizeof(uint32_t),
			    compare_hashes) != NULL) {
			return true;
		}
	}
	return false;
}

/* ---- what is there ---- */

static struct slice *add_slice(struct slice_set *set, const char *type)
{
	struct slice *slice = MEM_NEW(struct slice);

	slice->type = type;
	slice->owned = true;
	list_init(&slice->link);
	list_append(&set->slices, &slice->link);
	return slice;
}

static struct slice *slice_new(struct slice_set *set, const char *type, const json_t *ports)
{
	struct slice *slice = add_slice(set, type);

	slice->ports = ports != NULL ? json_deep_copy(ports) : json_array();
	slice->endpoints = json_array();
	slice->write = true;
	return slice;
}

/* A slice that holds nothing touched: it was in order, and is. */
static void leave_slice(struct slice_set *set, struct object *object)
{
	const struct slice_facts *facts = facts_of(object);
	struct slice *slice = add_slice(set, facts->type);

	slice->object = object;
	slice->group = map_get(&set->groups, str_from(facts->group));
}

static size_t slice_size(const struct slice *slice)
{
	return slice->endpoints != NULL ? json_array_size(slice->endpoints)
					: facts_of(slice->object)->n;
}

/* Room was found in it. */
static void open_slice(struct slice *slice)
{
	const json_t *tree;

	if (slice->endpoints != NULL) {
		return;
	}
	tree = object_tree(slice->object);
	slice->ports = json_deep_copy(json_object_get(tree, "ports"));
	slice->ports = slice->ports != NULL ? slice->ports : json_array();
	slice->endpoints = json_copy(json_object_get(tree, "endpoints"));
	slice->endpoints = slice->endpoints != NULL ? slice->endpoints : json_array();
}

static void note_trigger(struct slice_set *set, const char *changed)
{
	/* RFC 3339 in UTC: earlier is smaller. */
	if (changed[0] != '\0' && (set->trigger == NULL || strcmp(changed, set->trigger) < 0)) {
		mem_free(set->trigger);
		set->trigger = mem_strdup(changed);
	}
}

/* Whether two forms of one endpoint differ in what a change of its pod's readiness sets. */
static bool readiness_differs(const json_t *a, const json_t *b)
{
	return json_bool_at(a, "conditions.serving", true) !=
		       json_bool_at(b, "conditions.serving", true) ||
	       json_bool_at(a, "conditions.ready", true) !=
		       json_bool_at(b, "conditions.ready", true);
}

/* Keeps of the slice's endpoints what is still wanted, in its present form. */
static void keep_endpoints(struct slice_set *set, struct slice *slice, struct group *group)
{
	const json_t *endpoint;
	size_t i;

	json_array_foreach (json_object_get(object_tree(slice->object), "endpoints"), i, endpoint) {
		struct buffer key _cleanup_buffer_ = BUFFER_INIT(LIMIT_OBJECT);
		struct wanted *wanted;

		if (!is_touched(set, endpoint)) {
			json_array_append(slice->endpoints, (json_t *)endpoint);
			continue;
		}
		identity(&key, endpoint);
		wanted = map_remove(&group->left, buffer_str(&key));
		if (wanted == NULL) {
			slice->write = true;
			continue;
		}
		if (!json_equal(endpoint, wanted->endpoint)) {
			slice->write = true;
			if (readiness_differs(endpoint, wanted->endpoint)) {
				note_trigger(set, wanted->changed);
			}
		}
		json_array_append(slice->endpoints, wanted->endpoint);
		wanted_free(wanted);
	}
	slice->remove = slice->write && json_array_size(slice->endpoints) == 0;
}

static bool metadata_differs(const struct slice_set *set, struct object *slice)
{
	const json_t *labels = json_at(object_tree(slice), "metadata.labels");
	const json_t *annotations = json_at(object_tree(slice), "metadata.annotations");
	const json_t *wanted = set->rules.annotations;

	return !json_equal(labels, set->rules.labels) ||
	       (wanted != NULL && json_object_size(wanted) + json_object_size(annotations) > 0 &&
		(annotations == NULL || !json_equal(annotations, wanted)));
}

static void take_slice(struct slice_set *set, struct object *object)
{
	const char *type = json_string_at(object_tree(object), "addressType");
	const json_t *ports = json_object_get(object_tree(object), "ports");
	struct group *group = set->partial && facts_of(object)->n != 0
				      ? get_group(set, type, ports)
				      : find_group(set, type, ports);
	struct slice *slice;
	size_t i = 0;

	type = known_type(type, &i);
	slice = slice_new(set, type, ports);
	slice->object = object;
	slice->group = group;
	slice->owned = object_is_owned_by(object, object_uid(set->rules.owner));
	slice->write = false;
	if (!slice->owned || type == NULL || !set->types[i] || group == NULL) {
		slice->remove = true;
		return;
	}
	keep_endpoints(set, slice, group);
	slice->write = slice->write || metadata_differs(set, object);
}

static bool is_managed_by(struct object *slice, const char *managed_by)
{
	return strcmp(object_label(slice, SLICE_MANAGED_BY), managed_by) == 0;
}

static void take_slices(struct slice_set *set, const struct cache *cache)
{
	struct buffer key _cleanup_buffer_ = BUFFER_INIT(LIMIT_CACHE_KEY);

	sort_touched(set);
	buffer_printf(&key, "%.*s/%.*s", STR_ARG(set->rules.owner->space),
		      STR_ARG(set->rules.owner->name));
	cache_for_index (object, cache, &kind_endpoint_slice, CACHE_SLICES_BY_SERVICE,
			 buffer_str(&key)) {
		if (!is_managed_by(object, set->rules.managed_by) || object_is_deleting(object)) {
			continue;
		}
		if (must_open(set, object)) {
			take_slice(set, object);
		} else {
			leave_slice(set, object);
		}
	}
}

/* ---- packing ---- */

static void fill(struct slice_set *set, struct slice *slice, struct group *group)
{
	const struct map_entry *first;

	open_slice(slice);
	while (json_array_size(slice->endpoints) < set->rules.max &&
	       (first = map_first(&group->left)) != NULL) {
		struct wanted *wanted = map_remove(&group->left, first->key);

		json_array_append(slice->endpoints, wanted->endpoint);
		note_trigger(set, wanted->changed);
		wanted_free(wanted);
		slice->write = true;
		slice->remove = false;
	}
}

static bool is_of_group(const struct slice *slice, const struct group *group)
{
	return slice->owned && slice->type == group->type && slice->group == group;
}

/*
 * The slice of the group to fill next: the fullest of those that are written anyway and have room,
 * or the fullest of the others that has room for everything; NULL: a new one.
 */
static struct slice *slice_to_fill(struct slice_set *set, struct group *group)
{
	struct slice *written = NULL;
	struct slice *other = NULL;

	list_for_each (slice, &set->slices, struct slice, link) {
		size_t n = slice_size(slice);
		struct slice **best = slice->write ? &written : &other;
		size_t room = slice->write ? 1 : group->left.n;

		if (is_of_group(slice, group) && n + room <= set->rules.max &&
		    (*best == NULL || n > slice_size(*best))) {
			*best = slice;
		}
	}
	return written != NULL ? written : other;
}

static void pack_group(struct slice_set *set, struct group *group)
{
	while (group->left.n > 0) {
		struct slice *slice = slice_to_fill(set, group);

		if (slice == NULL) {
			slice = slice_new(set, group->type, group->ports);
			slice->group = group;
		}
		fill(set, slice, group);
	}
}

/* A type without any slice gets an empty one: one that is there, is about to go, or new. */
static void add_placeholder(struct slice_set *set, const char *type)
{
	struct slice *candidate = NULL;

	list_for_each (slice, &set->slices, struct slice, link) {
		if (slice->type != type || !slice->owned) {
			continue;
		}
		if (!slice->remove) {
			return;
		}
		if (candidate == NULL ||
		    (json_array_size(candidate->ports) > 0 && json_array_size(slice->ports) == 0)) {
			candidate = slice;
		}
	}
	if (candidate == NULL) {
		slice_new(set, type, NULL);
		return;
	}
	candidate->remove = false;
	candidate->write =
		json_array_size(candidate->ports) > 0 ||
		json_array_size(json_object_get(object_tree(candidate->object), "endpoints")) > 0 ||
		metadata_differs(set, candidate->object);
	json_array_clear(candidate->ports);
	json_array_clear(candidate->endpoints);
}

/* Instead of removing one slice and creating another, the first becomes the second. */
static void reuse_slices(struct slice_set *set)
{
	list_for_each (created, &set->slices, struct slice, link) {
		if (created->object != NULL) {
			continue;
		}
		list_for_each (removed, &set->slices, struct slice, link) {
			if (removed->remove && removed->owned && removed->type == created->type) {
				created->object = removed->object;
				removed->remove = false;
				removed->type = NULL;
				break;
			}
		}
	}
}

/* ---- writing ---- */

static void set_annotations(const struct slice_set *set, json_t *body)
{
	json_t *annotations;

	if (set->rules.annotations != NULL) {
		if (json_object_size(set->rules.annotations) > 0) {
			json_put(body, "metadata.annotations",
				 json_deep_copy(set->rules.annotations));
		} else {
			json_remove(body, "metadata.annotations");
		}
	}
	if (!set->rules.trigger_time) {
		return;
	}
	annotations = json_at(body, "metadata.annotations");
	if (set->trigger != NULL) {
		if (annotations == NULL) {
			annotations = json_object();
			json_put(body, "metadata.annotations", annotations);
		}
		json_object_set_new(annotations, SLICE_TRIGGER_TIME, json_string(set->trigger));
	} else if (annotations != NULL) {
		json_object_del(annotations, SLICE_TRIGGER_TIME);
	}
}

static json_t *slice_body(const struct slice_set *set, const struct slice *slice)
{
	struct object *owner = set->rules.owner;
	json_t *body;

	if (slice->object != NULL) {
		body = json_deep_copy(object_tree(slice->object));
	} else {
		body = json_pack("{ss ss s{so s[o]} ss}", "apiVersion", "discovery.k8s.io/v1",
				 "kind", "EndpointSlice", "metadata", "generateName",
				 json_sprintf("%.*s-", STR_ARG(owner->name)), "ownerReferences",
				 owner_reference(owner), "addressType", slice->type);
	}
	json_put(body, "metadata.labels", json_deep_copy(set->rules.labels));
	set_annotations(set, body);
	json_object_set(body, "endpoints", slice->endpoints);
	json_object_set(body, "ports", slice->ports);
	return body;
}

static bool plan_slice(const struct slice_set *set, const struct slice *slice, struct plan *plan)
{
	if (slice->remove) {
		plan_delete(plan, slice->object, -1, PLAN_BACKGROUND);
		plan_tolerate(plan, "NotFound");
		return true;
	}
	if (!slice->write) {
		return false;
	}
	if (slice->object != NULL) {
		plan_update(plan, &kind_endpoint_slice, slice_body(set, slice));
		return true;
	}
	if (object_is_deleting(set->rules.owner)) {
		/* A service that is going gets none: the garbage collector is at work on them. */
		return false;
	}
	plan_create(plan, &kind_endpoint_slice, set->rules.owner->space, slice_body(set, slice));
	return true;
}

bool slice_set_plan(struct slice_set *set, const struct cache *cache, struct plan *plan)
{
	bool planned = false;

	take_slices(set, cache);
	if (list_is_empty(&set->slices)) {
		note_trigger(set, json_string_at(object_tree(set->rules.owner),
						 "metadata.creationTimestamp"));
	}
	map_for_each (entry, &set->groups) {
		pack_group(set, entry->value);
	}
	for (size_t i = 0; set->rules.placeholder && i < ARRAY_SIZE(address_types); i++) {
		if (set->types[i]) {
			add_placeholder(set, address_types[i]);
		}
	}
	reuse_slices(set);
	list_for_each (slice, &set->slices, struct slice, link) {
		planned |= plan_slice(set, slice, plan);
	}
	return planned;
}

void slices_plan_removal(const struct cache *cache, struct str key, const char *managed_by,
			 bool (*gone)(struct object *slice), struct plan *plan)
{
	cache_for_index (slice, cache, &kind_endpoint_slice, CACHE_SLICES_BY_SERVICE, key) {
		if (is_managed_by(slice, managed_by) && !object_is_deleting(slice) && gone(slice)) {
			plan_delete(plan, slice, -1, PLAN_BACKGROUND);
			plan_tolerate(plan, "NotFound");
		}
	}
}

static void add_slice_key(struct object *slice, const char *managed_by, struct key_sink *sink)
{
	const char *service = slice != NULL ? object_label(slice, SLICE_SERVICE_NAME) : "";

	if (service[0] != '\0' && is_managed_by(slice, managed_by)) {
		key_sink_add_name(sink, slice->space, str_from(service));
	}
}

void slice_keys(struct object *old, struct object *now, const char *managed_by,
		struct key_sink *sink)
{
	add_slice_key(old, managed_by, sink);
	add_slice_key(now, managed_by, sink);
}
