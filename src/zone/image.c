/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image is a list of entries: the zone's own names first, then every body of a Service, or every
 * address of a reverse zone. A cursor walks over entries, their names, the sets of a name and the
 * records of a set. A set is found by the same functions that answer queries, so both say the same.
 *
 * Invariant: what a walk reads is immutable, and kept by `hold` or copied; it never looks at what
 * is published now.
 */
#include "zone/image.h"

#include "base/mem.h"
#include "zone/match.h"

enum { APEX_SETS = 4 /* NS, A and AAAA of ns.dns, TXT of dns-version */ };

/* A set of the zone's own names, with its data copied. */
struct apex_set {
	struct zone_match match;
	uint16_t owner_n;
	uint8_t owner[LIMIT_DNS_NAME];
};

struct zone_image {
	struct retire_hold hold;
	struct zone *zone; /* its settings, which never change */
	const struct realm *realm; /* NULL: a reverse zone */
	struct name apex;
	size_t references;
	struct zone_soa soa;
	struct apex_set sets[APEX_SETS];
	size_t n_sets;
	size_t n_servers;
	uint8_t servers_n[ZONE_OWN_MAX];
	uint8_t servers[ZONE_OWN_MAX][LIMIT_DNS_NAME]; /* labels of the NS records' targets */
	const void **entries; /* struct service_body or struct reverse_leaf */
	size_t n;
	size_t room;
};

/* ---- the zone's own names ---- */

static bool join(struct str labels, struct str rest, uint8_t out[LIMIT_DNS_NAME], uint16_t *ret_n)
{
	if (labels.n + rest.n > LIMIT_DNS_NAME) {
		return false;
	}
	if (labels.n != 0) {
		memcpy(out, labels.p, labels.n);
	}
	memcpy(out + labels.n, rest.p, rest.n);
	*ret_n = (uint16_t)(labels.n + rest.n);
	return true;
}

static struct str whole(const struct name *name)
{
	return (struct str){ .p = (const char *)name->wire, .n = name->n };
}

static void add_apex_set(struct zone_image *image, struct str labels, uint16_t type)
{
	struct apex_set *set = &image->sets[image->n_sets];
	struct zone_run *run = &set->match.addresses;
	struct name name;

	if (!join(labels, whole(&image->apex), set->owner, &set->owner_n) ||
	    name_read(set->owner, set->owner_n, &name) != 0) {
		return;
	}
	zone_lookup(image->zone, &name, type, &set->match);
	if (set->match.outcome != ZONE_DATA) {
		return;
	}
	if (set->match.data == ZONE_DATA_ADDRESSES) {
		run->records =
			mem_copy(run->records, run->n * (size_t)(type == RR_A ? ZONE_A_RECORD
									      : ZONE_AAAA_RECORD));
	}
	image->n_sets++;
}

static void copy_apex(struct zone_image *image)
{
	struct zone_name_server servers[ZONE_OWN_MAX];
	bool imports = image->realm != NULL && image->realm->imports;

	image->n_servers = zone_name_servers(image->zone, imports, servers);
	for (size_t i = 0; i < image->n_servers; i++) {
		image->servers_n[i] = (uint8_t)servers[i].labels.n;
		memcpy(image->servers[i], servers[i].labels.p, servers[i].labels.n);
	}
	add_apex_set(image, STR_NONE, RR_NS);
	if (image->realm != NULL) {
		add_apex_set(image, STR("\2ns\3dns"), RR_A);
		add_apex_set(image, STR("\2ns\3dns"), RR_AAAA);
		add_apex_set(image, STR("\013dns-version"), RR_TXT);
	}
}

/* ---- opening and closing ---- */

static void add_entry(struct zone_image *image, const void *entry)
{
	if (image->n == image->room) {
		image->room = image->room != 0 ? 2 * image->room : 64;
		image->entries = mem_resize(image->entries, image->room * sizeof(void *));
	}
	image->entries[image->n++] = entry;
}

static void visit_body(struct snapshot_entry *entry, void *image)
{
	add_entry(image, body_of(entry));
}

static void visit_leaf(const struct reverse_leaf *leaf, void *image)
{
	add_entry(image, leaf);
}

/* Where one reverse zone lies in another, the larger has the names of both. */
static void copy_entries(struct zone_image *image)
{
	struct zone *zone = image->zone;
	struct reverse_name reverse;

	if (image->realm != NULL) {
		image->room = snapshot_map_count(image->realm->services) + 1;
		image->entries = mem_alloc_array(image->room, sizeof(void *));
		snapshot_map_each(image->realm->services, visit_body, image);
	} else if (reverse_name_read(&image->apex, &reverse)) {
		reverse_each(zone_reverse(zone, reverse.address.n), &reverse.address,
			     reverse.nibbles, visit_leaf, image);
	}
}

/* The image of this very moment that somebody has open already. */
static struct zone_image *find_open(struct zone *zone, const struct name *apex, size_t *ret_open)
{
	size_t n = 0;

	list_for_each (hold, &zone->retire.holds, struct retire_hold, link) {
		struct zone_image *image = container_of(hold, struct zone_image, hold);

		if (name_eq(&image->apex, apex) && !zone_image_is_expired(image) &&
		    image->soa.serial == (uint32_t)counter_get(&zone->serial)) {
			return image;
		}
		n++;
	}
	*ret_open = n;
	return NULL;
}

int zone_image_open(struct zone *zone, const struct name *apex, struct zone_image **ret)
{
	struct zone_match match;
	struct zone_image *image;
	size_t open;

	zone_lookup(zone, apex, RR_SOA, &match);
	if (match.outcome != ZONE_DATA || match.data != ZONE_DATA_SOA) {
		return ZONE_IMAGE_NO_ZONE;
	}
	if (counter_get(&zone->synced) == 0) {
		return ZONE_IMAGE_UNSYNCED;
	}
	image = find_open(zone, apex, &open);
	if (image != NULL) {
		image->references++;
		*ret = image;
		return 0;
	}
	if (open >= LIMIT_ZONE_IMAGES) {
		return ZONE_IMAGE_TOO_MANY;
	}
	image = MEM_NEW(struct zone_image);
	image->zone = zone;
	image->realm = match.reverse ? NULL : match.imports ? &zone->imports : &zone->cluster;
	image->apex = *apex;
	image->references = 1;
	zone_soa(zone, /* fresh= */ false, &image->soa);
	retire_begin(&zone->retire, &image->hold);
	copy_apex(image);
	copy_entries(image);
	*ret = image;
	return 0;
}

struct zone_image *zone_image_close(struct zone_image *image)
{
	if (image == NULL || --image->references != 0) {
		return NULL;
	}
	retire_end(&image->zone->retire, &image->hold);
	for (size_t i = 0; i < image->n_sets; i++) {
		if (image->sets[i].match.data == ZONE_DATA_ADDRESSES) {
			mem_free((void *)(uintptr_t)image->sets[i].match.addresses.records);
		}
	}
	mem_free(image->entries);
	return mem_free(image);
}

bool zone_image_is_expired(const struct zone_image *image)
{
	return counter_get(&image->hold.expired) != 0;
}

const struct name *zone_image_apex(const struct zone_image *image)
{
	return &image->apex;
}

const struct name *zone_image_domain(const struct zone_image *image)
{
	return image->realm != NULL ? &image->apex : zone_domain(image->zone);
}

void zone_image_soa(const struct zone_image *image, struct zone_soa *ret)
{
	*ret = image->soa;
	ret->ttl = image->zone->ttl;
}

/* ---- walking ---- */

static const struct service_body *body_at(const struct zone_image *image, size_t entry)
{
	return image->entries[entry - 1];
}

static uint32_t name_count(const struct zone_image *image, size_t entry)
{
	if (entry == 0) {
		return (uint32_t)image->n_sets;
	}
	return image->realm != NULL ? match_names(body_at(image, entry)) : 1;
}

static bool find_apex_set(const struct zone_image *image, struct zone_cursor *cursor)
{
	const struct apex_set *set = &image->sets[cursor->name];

	cursor->match = set->match;
	cursor->owner_n = set->owner_n;
	memcpy(cursor->owner, set->owner, set->owner_n);
	return cursor->set == 0;
}

static bool find_pointer_set(const struct zone_image *image, struct zone_cursor *cursor)
{
	const struct reverse_leaf *leaf = image->entries[cursor->entry - 1];
	struct ip address = reverse_leaf_address(leaf);

	cursor->match = (struct zone_match){
		.outcome = ZONE_DATA,
		.data = ZONE_DATA_POINTERS,
		.ttl = image->zone->ttls[ZONE_TTL_POINTER],
		.pointers = { .leaf = leaf, .n = reverse_leaf_count(leaf) },
	};
	cursor->owner_n = (uint16_t)address_reverse_name(&address, cursor->owner);
	cursor->pointer = 0;
	return cursor->set == 0;
}

/* An alias that leads to itself or above is not answered with. */
static bool is_sound(const struct zone_cursor *cursor)
{
	struct name owner;
	struct name target;
	size_t below;

	return name_read(cursor->owner, cursor->owner_n, &owner) == 0 &&
	       name_read((const uint8_t *)cursor->match.alias.p, cursor->match.alias.n, &target) ==
		       0 &&
	       !name_is_below(&owner, &target, &below);
}

static bool find_body_set(const struct zone_image *image, struct zone_cursor *cursor)
{
	static const uint16_t types[ZONE_IMAGE_SETS] = { RR_A, RR_AAAA, RR_SRV };
	const struct service_body *body = body_at(image, cursor->entry);
	uint8_t labels[LIMIT_DNS_NAME];
	size_t n = match_labels(body, cursor->name, labels);

	cursor->match = (struct zone_match){ .outcome = ZONE_ABSENT };
	if (n == 0 || !join((struct str){ .p = (const char *)labels, .n = n }, whole(&image->apex),
			    cursor->owner, &cursor->owner_n)) {
		return false;
	}
	match_nth(image->zone, body, cursor->name, types[cursor->set], &cursor->match);
	return cursor->match.outcome == ZONE_DATA ||
	       (cursor->match.outcome == ZONE_ALIAS && cursor->set == 0 && is_sound(cursor));
}

static bool find_set(const struct zone_image *image, struct zone_cursor *cursor)
{
	if (cursor->entry == 0) {
		return find_apex_set(image, cursor);
	}
	return image->realm != NULL ? find_body_set(image, cursor)
				    : find_pointer_set(image, cursor);
}

/* Moves on to the next set that has records; false at the end. */
static bool next_set(const struct zone_image *image, struct zone_cursor *cursor)
{
	for (; cursor->entry <= image->n; cursor->entry++, cursor->name = 0) {
		for (; cursor->name < name_count(image, cursor->entry); cursor->name++) {
			for (; cursor->set < ZONE_IMAGE_SETS; cursor->set++) {
				if (find_set(image, cursor)) {
					return true;
				}
			}
			cursor->set = 0;
		}
	}
	return false;
}

static uint32_t set_size(const struct zone_image *image, const struct zone_match *match)
{
	if (match->outcome == ZONE_ALIAS) {
		return 1;
	}
	switch (match->data) {
	case ZONE_DATA_ADDRESSES:
		return match->addresses.n;
	case ZONE_DATA_SERVERS:
		return match->servers.n;
	case ZONE_DATA_POINTERS:
		return match->pointers.n;
	case ZONE_DATA_NS:
		return (uint32_t)image->n_servers;
	default:
		return 1;
	}
}

/* ---- records ---- */

static bool put_data(struct zone_record *record, uint16_t type, struct str data, struct str rest)
{
	record->type = type;
	return join(data, rest, record->data, &record->n);
}

static bool put_address(struct zone_record *record, const uint8_t *run, uint32_t i)
{
	enum { TYPE = 3, DATA = 12 };
	uint16_t type = run[TYPE];
	size_t size = type == RR_A ? ZONE_A_RECORD : ZONE_AAAA_RECORD;
	struct str data = { .p = (const char *)run + i * size + DATA, .n = size - DATA };

	return put_data(record, type, data, STR(""));
}

static bool put_server(const struct zone_image *image, const struct zone_servers *servers,
		       uint32_t i, struct zone_record *record)
{
	struct zone_server server;
	uint8_t labels[LIMIT_DNS_NAME];
	uint8_t target[LIMIT_DNS_NAME];
	uint16_t n;

	zone_server_at(servers, i, &server);
	if (!join(server.label, server.base, labels, &n) ||
	    !join((struct str){ .p = (const char *)labels, .n = n }, whole(&image->apex), target,
		  &n)) {
		return false;
	}
	record->type = RR_SRV;
	record->n = (uint16_t)(6 + n);
	record->data[0] = record->data[1] = 0;
	record->data[2] = (uint8_t)(server.weight >> 8);
	record->data[3] = (uint8_t)server.weight;
	record->data[4] = (uint8_t)(server.port >> 8);
	record->data[5] = (uint8_t)server.port;
	memcpy(record->data + 6, target, n);
	return true;
}

static bool put_name_server(const struct zone_image *image, uint32_t i, struct zone_record *record)
{
	struct str labels = { .p = (const char *)image->servers[i], .n = image->servers_n[i] };

	return put_data(record, RR_NS, labels, whole(zone_image_domain(image)));
}

/* Record `i` of the set; false when a name in it would be too long. */
static bool put_record(const struct zone_image *image, struct zone_cursor *cursor, uint32_t i,
		       struct zone_record *record)
{
	const struct zone_match *match = &cursor->match;

	record->ttl = match->ttl;
	record->owner_n = cursor->owner_n;
	memcpy(record->owner, cursor->owner, cursor->owner_n);
	if (match->outcome == ZONE_ALIAS) {
		return put_data(record, RR_CNAME, match->alias, STR(""));
	}
	switch (match->data) {
	case ZONE_DATA_ADDRESSES:
		return put_address(record, match->addresses.records, i);
	case ZONE_DATA_SERVERS:
		return put_server(image, &match->servers, i, record);
	case ZONE_DATA_POINTERS:
		return put_data(record, RR_PTR,
				zone_pointer_next(&match->pointers, &cursor->pointer),
				whole(zone_domain(image->zone)));
	case ZONE_DATA_NS:
		return put_name_server(image, i, record);
	default:
		return put_data(record, RR_TXT, match->text, STR(""));
	}
}

bool zone_image_next(const struct zone_image *image, struct zone_cursor *cursor,
		     struct zone_record *ret)
{
	for (;;) {
		if (!cursor->found && !next_set(image, cursor)) {
			return false;
		}
		cursor->found = true;
		while (cursor->i < set_size(image, &cursor->match)) {
			if (put_record(image, cursor, cursor->i++, ret)) {
				return true;
			}
		}
		cursor->found = false;
		cursor->i = 0;
		cursor->set++;
	}
}
