/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of pods, for pod names that are verified: a set of (namespace, address). Pods of the
 * host network share an address, so each is counted.
 */
#include "base/mem.h"
#include "object/object.h"
#include "zone/zone_intern.h"
#include "json/json.h"

enum { POD_KEY = LIMIT_DNS_LABEL + 1 + 16 };

static struct str pod_key(const struct snapshot_entry *entry)
{
	const struct pod_body *pod = (const struct pod_body *)(const void *)entry;

	return (struct str){ .p = (const char *)pod->key, .n = pod->n };
}

static void release_pod(void *value)
{
	mem_free(value);
}

static void release_entry(struct snapshot_entry *entry)
{
	mem_free(entry);
}

struct snapshot_map *zone_pods_new(void)
{
	return snapshot_map_new(LIMIT_ZONE_PODS, pod_key);
}

void zone_pods_free(struct snapshot_map *pods)
{
	snapshot_map_free(pods, release_entry);
}

/* The key of `address` in the namespace whose wire label is `space`. */
static struct str make_key(struct str space, const struct ip *address, char key[POD_KEY])
{
	memcpy(key, space.p, space.n);
	memcpy(key + space.n, address->bytes, address->n);
	return (struct str){ .p = key, .n = space.n + address->n };
}

static void add_address(struct zone *zone, struct str key)
{
	struct pod_body *pod =
		(struct pod_body *)(void *)snapshot_map_find(zone->pods, key, snapshot_hash(key));

	if (pod != NULL) {
		pod->sources++;
		return;
	}
	if (snapshot_map_count(zone->pods) == LIMIT_ZONE_PODS) {
		return;
	}
	pod = mem_alloc(sizeof(struct pod_body) + key.n);
	pod->sources = 1;
	pod->n = (uint8_t)key.n;
	memcpy(pod->key, key.p, key.n);
	(void)snapshot_map_put(zone->pods, &pod->entry);
	zone_bump(zone);
}

static void remove_address(struct zone *zone, struct str key)
{
	struct pod_body *pod =
		(struct pod_body *)(void *)snapshot_map_find(zone->pods, key, snapshot_hash(key));

	if (pod != NULL && --pod->sources == 0) {
		snapshot_retire(snapshot_map_remove(zone->pods, key), release_pod);
		zone_bump(zone);
	}
}

/* Calls `change` for each address of a pod that counts: both families, not once it has ended. */
static void each_address(struct zone *zone, struct object *object,
			 void (*change)(struct zone *zone, struct str key))
{
	const json_t *status = json_object_get(object_tree(object), "status");
	const char *phase = json_string_at(status, "phase");
	char wire[LIMIT_DNS_LABEL + 1];
	char key[POD_KEY];
	struct ip address;
	size_t i;
	json_t *item;

	if (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0 ||
	    object->space.n > LIMIT_DNS_LABEL) {
		return;
	}
	wire[0] = (char)object->space.n;
	memcpy(wire + 1, object->space.p, object->space.n);
	struct str space = { .p = wire, .n = object->space.n + 1 };
	const json_t *list = json_object_get(status, "podIPs");

	if (json_array_size(list) == 0 &&
	    ip_parse(str_from(json_string_at(status, "podIP")), &address)) {
		change(zone, make_key(space, &address, key));
	}
	json_array_foreach (list, i, item) {
		if (ip_parse(str_from(json_string_at(item, "ip")), &address)) {
			change(zone, make_key(space, &address, key));
		}
	}
}

void zone_pod_change(struct zone *zone, struct object *old, struct object *now)
{
	/* The new first, so that what stays is never absent. */
	if (now != NULL) {
		each_address(zone, now, add_address);
	}
	if (old != NULL) {
		each_address(zone, old, remove_address);
	}
}

bool zone_pod_exists(const struct zone *zone, struct str space, const struct ip *address)
{
	char bytes[POD_KEY];
	struct str key = make_key(space, address, bytes);

	return snapshot_map_find(zone->pods, key, snapshot_hash(key)) != NULL;
}
