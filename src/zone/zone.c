/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects in, published bodies out. A Service is published when it and its namespace exist; its
 * slices may come before it and wait. Each change rebuilds the bodies of the Services it touches,
 * publishes them, and moves the names of the addresses that came or went.
 *
 * Invariants: service->body is what readers find, or NULL; the reverse names of a Service are those
 * of its spec and its slices exactly while it is published; a struct service or space exists while
 * somebody needs it and is freed with the last.
 */
#include "zone/zone_intern.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "object/kinds.h"
#include "object/object.h"

enum { KEY_TEXT = 2 * LIMIT_STORE_KEY };

/*
 * Serials of CoreDNS are seconds since 1970: to a secondary that had it, ours are newer till 2038.
 */
static const uint64_t serial_base = UINT64_C(1) << 31;

static void release_body(void *value)
{
	mem_free(value);
}

static void release_entry(struct snapshot_entry *entry)
{
	mem_free(entry);
}

static struct str space_key(const struct snapshot_entry *entry)
{
	const struct space_body *space = (const struct space_body *)(const void *)entry;

	return (struct str){ .p = (const char *)space->wire, .n = space->n };
}

/* ---- making one ---- */

static void free_slice(void *value)
{
	slice_free(value);
}

static void free_service(void *value)
{
	struct service *service = value;

	mem_free(service->spec);
	mem_free(service);
}

static void realm_init(struct realm *realm)
{
	realm->services = snapshot_map_new(LIMIT_ZONE_SERVICES, body_key);
	map_init(&realm->service_map, LIMIT_ZONE_SERVICES);
	map_init(&realm->slice_map, LIMIT_ZONE_SLICES);
}

static void realm_deinit(struct realm *realm)
{
	map_deinit(&realm->slice_map, free_slice);
	map_deinit(&realm->service_map, free_service);
	snapshot_map_free(realm->services, release_entry);
}

int zone_new(const struct zone_config *config, struct zone **ret, char ret_message[ZONE_MESSAGE])
{
	struct zone *zone = MEM_NEW(struct zone);
	int result = zone_configure(zone, config, ret_message);

	if (result != 0) {
		map_deinit(&zone->namespaces, NULL);
		mem_free(zone);
		return result;
	}
	realm_init(&zone->cluster);
	realm_init(&zone->imports);
	retire_init(&zone->retire);
	zone->reverse[0].retire = zone->reverse[1].retire = &zone->retire;
	zone->spaces = snapshot_map_new(LIMIT_ZONE_NAMESPACES, space_key);
	if (zone->pods_mode == ZONE_PODS_VERIFIED) {
		zone->pods = zone_pods_new();
	}
	zone->revision = serial_base;
	zone->build = build_new();
	map_init(&zone->space_map, LIMIT_ZONE_NAMESPACES);
	zone_bump(zone);
	*ret = zone;
	return 0;
}

static void free_space(void *value)
{
	mem_free(value);
}

struct zone *zone_free(struct zone *zone)
{
	if (zone == NULL) {
		return NULL;
	}
	assert(list_is_empty(&zone->retire.holds));
	realm_deinit(&zone->cluster);
	realm_deinit(&zone->imports);
	map_deinit(&zone->space_map, free_space);
	map_deinit(&zone->namespaces, NULL);
	snapshot_map_free(zone->spaces, release_entry);
	zone_pods_free(zone->pods);
	reverse_deinit(&zone->reverse[0]);
	reverse_deinit(&zone->reverse[1]);
	mem_free(zone->own.value);
	build_free(zone->build);
	snapshot_barrier();
	return mem_free(zone);
}

size_t zone_kinds(const struct zone *zone, const struct kind *ret_kinds[ZONE_KINDS_MAX])
{
	size_t n = 0;

	/* Namespaces and Services first, so that few slices have to wait. */
	ret_kinds[n++] = &kind_namespace;
	ret_kinds[n++] = &kind_service;
	if (!zone->no_endpoints) {
		ret_kinds[n++] = &kind_endpoint_slice;
	}
	if (zone->imports.imports) {
		ret_kinds[n++] = &kind_service_import;
	}
	if (zone->pods != NULL) {
		ret_kinds[n++] = &kind_pod;
	}
	return n;
}

/*
 * The serial number is the revision of the last change, so it grows over restarts and is the same
 * on every replica. A removal does not say its revision and counts as one; the next change catches
 * up. At the start revisions come in no order, and only the largest counts.
 */
void zone_bump(struct zone *zone)
{
	uint64_t next = counter_get(&zone->serial) + (counter_get(&zone->synced) != 0 ? 1 : 0);

	counter_set(&zone->serial, next > zone->revision ? next : zone->revision);
}

void zone_set_revision(struct zone *zone, uint64_t revision)
{
	zone->revision = serial_base + revision;
	if (counter_get(&zone->serial) < zone->revision) {
		counter_set(&zone->serial, zone->revision);
	}
}

void zone_synced(struct zone *zone)
{
	counter_set(&zone->synced, 1);
}

void zone_stats(const struct zone *zone, struct zone_stats *ret)
{
	*ret = (struct zone_stats){
		.namespaces = snapshot_map_count(zone->spaces),
		.services = snapshot_map_count(zone->cluster.services) +
			    snapshot_map_count(zone->imports.services),
		.endpoints = zone->n_endpoints,
		.addresses = zone->reverse[0].n + zone->reverse[1].n,
		.kept = zone->retire.bytes,
		.serial = (uint32_t)counter_get(&zone->serial),
		.synced = counter_get(&zone->synced) != 0,
	};
	list_for_each (hold, &zone->retire.holds, struct retire_hold, link) {
		ret->images++;
	}
}

/* ---- names of addresses ---- */

/* Adds or takes away the reverse names that the ready endpoints of a slice have. */
static void name_slice(struct zone *zone, const struct service *service, const struct slice *slice,
		       bool add)
{
	char labels[LIMIT_DNS_LABEL + 1 + sizeof(service->base)];

	for (uint32_t i = 0; i < slice->n_records; i++) {
		const struct source_record *record = slice_record(slice, i);
		struct str label = slice_label(slice, record);
		struct ip address = { .n = slice->family };

		if (!source_is_ready(record)) {
			continue;
		}
		memcpy(address.bytes, record->address, slice->family);
		memcpy(labels, label.p, label.n);
		memcpy(labels + label.n, service->base, service->base_n);
		struct str all = { .p = labels, .n = label.n + service->base_n };

		if (add) {
			reverse_add(zone_reverse(zone, address.n), &address, all, false);
		} else {
			reverse_remove(zone_reverse(zone, address.n), &address, all, false);
		}
	}
}

/* The same for everything a Service has according to `spec`. */
static void name_service(struct zone *zone, const struct service *service,
			 const struct service_spec *spec, bool add)
{
	struct str base = { .p = (const char *)service->base, .n = service->base_n };

	/* The addresses of other clusters may be ours, too; their names are for others to give. */
	if (service->realm->imports) {
		return;
	}
	for (size_t i = 0; i < spec->n_addresses; i++) {
		const struct ip *address = &spec->addresses[i];

		if (add) {
			reverse_add(zone_reverse(zone, address->n), address, base, true);
		} else {
			reverse_remove(zone_reverse(zone, address->n), address, base, true);
		}
	}
	if (spec->type != SERVICE_EXTERNAL) {
		list_for_each (slice, &service->slices, struct slice, link) {
			name_slice(zone, service, slice, add);
		}
	}
}

/* ---- services ---- */

static struct space *space_get(struct zone *zone, struct str name)
{
	struct space *space = map_get(&zone->space_map, name);

	if (space == NULL && name.n != 0 && name.n <= LIMIT_DNS_LABEL &&
	    zone->space_map.n < LIMIT_ZONE_NAMESPACES) {
		space = MEM_NEW(struct space);
		list_init(&space->services);
		memcpy(space->name, name.p, name.n);
		(void)map_put(&zone->space_map, name, space);
	}
	return space;
}

static void space_put(struct zone *zone, struct space *space)
{
	if (space->body == NULL && list_is_empty(&space->services)) {
		mem_free(map_remove(&zone->space_map, str_from(space->name)));
	}
}

static struct str make_key(struct str space, struct str name, char key[KEY_TEXT])
{
	int n = snprintf(key, KEY_TEXT, "%.*s/%.*s", STR_ARG(space), STR_ARG(name));

	assert(n > 0 && n < KEY_TEXT);
	return (struct str){ .p = key, .n = (size_t)n };
}

/* Names that come from outside may be longer than any key; those are nobody's. */
static bool key_fits(struct str space, struct str name)
{
	return space.n + name.n + 2 < KEY_TEXT;
}

static void put_label(struct service *service, struct str label)
{
	service->base[service->base_n++] = (uint8_t)label.n;
	memcpy(service->base + service->base_n, label.p, label.n);
	service->base_n = (uint8_t)(service->base_n + label.n);
}

/* The Service of that name, made when there is none; NULL when the name is no label. */
static struct service *service_get(struct zone *zone, struct realm *realm, struct str space_name,
				   struct str name)
{
	char text[KEY_TEXT];
	struct service *service;
	struct space *space;

	if (name.n == 0 || name.n > LIMIT_DNS_LABEL || memchr(name.p, '.', name.n) != NULL ||
	    space_name.n > LIMIT_DNS_LABEL) {
		return NULL;
	}
	struct str key = make_key(space_name, name, text);

	service = map_get(&realm->service_map, key);
	if (service != NULL || realm->service_map.n == LIMIT_ZONE_SERVICES ||
	    (space = space_get(zone, space_name)) == NULL) {
		return service;
	}
	service = MEM_NEW(struct service);
	list_init(&service->slices);
	list_init(&service->link);
	service->realm = realm;
	service->space = space;
	list_append(&space->services, &service->link);
	put_label(service, name);
	put_label(service, space_name);
	put_label(service, STR("svc"));
	(void)map_put(&realm->service_map, key, service);
	return service;
}

/* Frees the Service when nothing is left of it. */
static void service_put(struct zone *zone, struct service *service)
{
	struct str labels = { .p = (const char *)service->base + 1, .n = service->base[0] };
	struct space *space = service->space;
	char text[KEY_TEXT];

	if (service->spec != NULL || !list_is_empty(&service->slices)) {
		return;
	}
	assert(service->body == NULL);
	(void)map_remove(&service->realm->service_map,
			 make_key(str_from(space->name), labels, text));
	list_unlink(&service->link);
	free_service(service);
	space_put(zone, space);
}

/* Builds and publishes what the Service is now, or takes it away. */
static void service_publish(struct zone *zone, struct service *service)
{
	struct str base = { .p = (const char *)service->base, .n = service->base_n };
	struct service_body *old = service->body;
	struct service_body *body = NULL;

	if (service->spec != NULL && service->space->body != NULL) {
		body = body_new(zone->build, base, service->spec, &service->slices, zone->ttls);
		(void)snapshot_map_put(service->realm->services, &body->entry);
	} else if (old != NULL) {
		(void)snapshot_map_remove(service->realm->services, body_key(&old->entry));
	} else {
		return;
	}
	service->body = body;
	zone->n_endpoints += body != NULL ? body->ready : 0;
	zone->n_endpoints -= old != NULL ? old->ready : 0;
	retire_value(&zone->retire, old, old != NULL ? old->size : 0, release_body);
	zone_bump(zone);
}

/* Publishes a Service that was not, or the other way round, with all its reverse names. */
static void service_toggle(struct zone *zone, struct service *service)
{
	bool before = service->body != NULL;

	service_publish(zone, service);
	if (before != (service->body != NULL)) {
		name_service(zone, service, service->spec, !before);
	}
}

static void change_service(struct zone *zone, struct realm *realm, struct object *last,
			   struct object *now)
{
	struct service *service = service_get(zone, realm, last->space, last->name);
	struct service_spec *old;

	if (service == NULL) {
		return;
	}
	old = service->spec;
	struct service_spec *spec = now == NULL      ? NULL
				    : realm->imports ? service_spec_import(now)
						     : service_spec_new(now);

	if (old != NULL && spec != NULL && service_spec_eq(old, spec)) {
		mem_free(spec);
		return;
	}
	bool before = service->body != NULL;

	service->spec = spec;
	service_publish(zone, service);
	/* The new names first, so that what stays is never absent. */
	if (service->body != NULL) {
		name_service(zone, service, spec, true);
	}
	if (before) {
		name_service(zone, service, old, false);
	}
	mem_free(old);
	service_put(zone, service);
}

/* ---- slices ---- */

static struct slice *decode_slice(struct zone *zone, struct realm *realm, struct object *object)
{
	unsigned wanted = (zone->endpoint_pod_names ? SLICE_POD_NAMES : 0U) |
			  (realm->imports ? SLICE_IMPORTED : 0U) |
			  (zone->zonal && !realm->imports ? SLICE_ZONES : 0U);
	struct slice *slice;
	struct service *service;
	struct str name;

	if (object == NULL || (name = slice_service_name(object, wanted)).n == 0) {
		return NULL;
	}
	slice = slice_new(object, wanted);
	if (slice == NULL) {
		return NULL;
	}
	service = service_get(zone, realm, object->space, name);
	if (service == NULL) {
		return slice_free(slice);
	}
	slice->service = service;
	return slice;
}

static bool slice_is_named(const struct slice *slice)
{
	return slice != NULL && slice->service->body != NULL && !slice->service->realm->imports &&
	       slice->service->spec->type != SERVICE_EXTERNAL;
}

/*
 * Puts `slice` (NULL: nothing) in the place of `old` (NULL: nothing), which is freed, and publishes
 * the Services that they belong to.
 */
static void replace_slice(struct zone *zone, struct realm *realm, struct str key, struct slice *old,
			  struct slice *slice)
{
	struct service *service = slice != NULL ? slice->service : NULL;
	struct service *old_service = old != NULL ? old->service : NULL;

	if (slice != NULL) {
		list_append(&service->slices, &slice->link);
		(void)map_put(&realm->slice_map, key, slice);
	} else {
		(void)map_remove(&realm->slice_map, key);
	}
	if (old != NULL) {
		list_unlink(&old->link);
	}
	if (service != NULL) {
		service_publish(zone, service);
	}
	if (old_service != NULL && old_service != service) {
		service_publish(zone, old_service);
	}
	/* The new names first, so that what stays is never absent. */
	if (slice_is_named(slice)) {
		name_slice(zone, service, slice, true);
	}
	if (slice_is_named(old)) {
		name_slice(zone, old_service, old, false);
	}
	slice_free(old);
	if (old_service != NULL) {
		service_put(zone, old_service);
	}
}

static void change_slice(struct zone *zone, struct realm *realm, struct object *last,
			 struct object *now)
{
	char text[KEY_TEXT];

	if (!key_fits(last->space, last->name)) {
		return;
	}
	struct str key = make_key(last->space, last->name, text);
	struct slice *old = map_get(&realm->slice_map, key);
	struct slice *slice = decode_slice(zone, realm, now);

	if (slice == NULL && old == NULL) {
		return;
	}
	if (old == NULL && realm->slice_map.n == LIMIT_ZONE_SLICES) {
		struct service *service = slice->service;

		slice_free(slice);
		service_put(zone, service);
		return;
	}
	if (old != NULL && slice != NULL && old->service == slice->service &&
	    slice_eq(old, slice)) {
		slice_free(slice);
		return;
	}
	replace_slice(zone, realm, key, old, slice);
	if (slice != NULL) {
		zone_programmed(zone, slice->service, now);
	}
}

/* By its labels a slice may be behind a Service, behind one of other clusters, or both. */
static void change_slices(struct zone *zone, struct object *last, struct object *now)
{
	if (zone->no_endpoints) {
		return;
	}
	change_slice(zone, &zone->cluster, last, now);
	if (zone->imports.imports) {
		change_slice(zone, &zone->imports, last, now);
	}
}

/* ---- namespaces ---- */

static void change_space(struct zone *zone, struct object *last, struct object *now)
{
	struct space *space = space_get(zone, last->name);
	struct space_body *body;

	if (space == NULL || (now != NULL) == (space->body != NULL)) {
		return;
	}
	if (now != NULL) {
		size_t n = strlen(space->name);

		body = mem_alloc(sizeof(struct space_body) + n + 1);
		body->n = (uint8_t)(n + 1);
		body->wire[0] = (uint8_t)n;
		memcpy(body->wire + 1, space->name, n);
		(void)snapshot_map_put(zone->spaces, &body->entry);
		space->body = body;
	} else {
		body = take(space->body);
		(void)snapshot_map_remove(zone->spaces, space_key(&body->entry));
		snapshot_retire(body, release_body);
	}
	zone_bump(zone);
	list_for_each (service, &space->services, struct service, link) {
		service_toggle(zone, service);
	}
	space_put(zone, space);
}

void zone_change(void *userdata, struct object *old, struct object *now)
{
	struct zone *zone = userdata;
	struct object *last = now != NULL ? now : old;

	if (!zone_shows(zone, last->kind == &kind_namespace ? last->name : last->space)) {
		return;
	}
	zone->revision = serial_base + (now != NULL ? now->revision : 0);
	if (last->kind == &kind_endpoint_slice) {
		change_slices(zone, last, now);
	} else if (last->kind == &kind_service) {
		change_service(zone, &zone->cluster, last, now);
	} else if (last->kind == &kind_service_import && zone->imports.imports) {
		change_service(zone, &zone->imports, last, now);
	} else if (last->kind == &kind_namespace) {
		change_space(zone, last, now);
	} else if (last->kind == &kind_pod && zone->pods != NULL) {
		zone_pod_change(zone, old, now);
	}
}

/* ---- this server ---- */

static void own_record(uint8_t *out, uint8_t type, uint32_t ttl, const struct ip *address)
{
	uint8_t head[12] = {
		0xc0,
		12,
		0,
		type,
		0,
		1,
		(uint8_t)(ttl >> 24),
		(uint8_t)(ttl >> 16),
		(uint8_t)(ttl >> 8),
		(uint8_t)ttl,
		0,
		address->n,
	};

	memcpy(out, head, sizeof(head));
	memcpy(out + sizeof(head), address->bytes, address->n);
}

void zone_set_own(struct zone *zone, const struct ip *addresses, size_t n)
{
	struct own_body *own = MEM_NEW(struct own_body);

	for (size_t i = 0; i < n && own->n < ZONE_OWN_MAX; i++) {
		static const uint8_t everywhere[16];
		const struct ip *address = &addresses[i];

		if (memcmp(address->bytes, everywhere, address->n) == 0) {
			continue;
		}
		own->addresses[own->n++] = *address;
		if (address->n == 4) {
			own_record(own->a + (size_t)own->n_a++ * ZONE_A_RECORD, RR_A, zone->ttl,
				   address);
		} else {
			own_record(own->aaaa + (size_t)own->n_aaaa++ * ZONE_AAAA_RECORD, RR_AAAA,
				   zone->ttl, address);
		}
	}
	snapshot_retire(snapshot_publish(&zone->own, own), release_body);
	zone_bump(zone);
}
