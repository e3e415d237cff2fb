/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From slices to a body, in time linear in the endpoints. First all (label, address) pairs are
 * gathered in two tables: an address belongs to the first endpoint that has it. Then records are
 * laid out:
 *
 *   the Service's own | each endpoint's own, side by side | endpoints that share | ports', zones'
 *
 * so the first two parts hold every address once, which is the set of a headless Service, and an
 * endpoint that shares an address with another (rare) gets a second copy of its records further
 * behind.
 */
#include "zone/build.h"

#include <assert.h>

#include "base/mem.h"

struct build *build_new(void)
{
	struct build *build = MEM_NEW(struct build);
	struct buffer *buffers[] = { &build->numbers, &build->nodes, &build->node_names,
				     &build->pairs,   &build->picks, &build->tuples,
				     &build->zones,   &build->zonal };

	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
		buffer_init(buffers[i], LIMIT_ZONE_BODY);
	}
	return build;
}

struct build *build_free(struct build *build)
{
	if (build != NULL) {
		mem_free(build->labels);
		mem_free(build->addresses);
		mem_free(build->extras);
		mem_free(build->by_label.slots);
		mem_free(build->by_address.slots);
		buffer_deinit(&build->numbers);
		buffer_deinit(&build->nodes);
		buffer_deinit(&build->node_names);
		buffer_deinit(&build->pairs);
		buffer_deinit(&build->picks);
		buffer_deinit(&build->tuples);
		buffer_deinit(&build->zones);
		buffer_deinit(&build->zonal);
		mem_free(build);
	}
	return NULL;
}

/* ---- gathering ---- */

/* Empty, with at least twice as many slots as entries will be. */
static void table_reset(struct build_table *table, size_t entries)
{
	size_t slots = 8;

	while (slots < entries * 2) {
		slots *= 2;
	}
	if (slots > table->size) {
		table->slots = mem_resize(table->slots, slots * sizeof(uint32_t));
		table->size = slots;
	}
	memset(table->slots, 0, slots * sizeof(uint32_t));
	table->mask = (uint32_t)slots - 1;
}

static void build_reset(struct build *build, const struct list *slices)
{
	size_t records = 0;

	build->ready = build->total = 0;
	list_for_each (slice, slices, struct slice, link) {
		records += slice->n_records;
		build->ready += slice->n_ready;
	}
	build->total = (uint32_t)records;
	if (records > build->room) {
		build->labels = mem_resize(build->labels, records * sizeof(struct build_label));
		build->addresses =
			mem_resize(build->addresses, records * sizeof(struct build_address));
		build->extras = mem_resize(build->extras, records * sizeof(struct build_extra));
		build->room = records;
	}
	build->n_labels = build->n_ready = build->n_addresses = build->n_extras = 0;
	table_reset(&build->by_label, records);
	table_reset(&build->by_address, records);
	buffer_clear(&build->numbers);
	buffer_clear(&build->nodes);
	buffer_clear(&build->node_names);
	buffer_clear(&build->pairs);
	buffer_clear(&build->picks);
	buffer_clear(&build->tuples);
	buffer_clear(&build->zones);
	buffer_clear(&build->zonal);
	build->node = (struct body_node){ 0 };
	build->endpoint_numbers = build->all_pairs = (struct range){ 0 };
	build->paired = build->picked_ports = false;
	build->n_slice_ports = 0;
	build->unique[V4] = build->unique[V6] = 0;
}

static uint32_t find_or_add_label(struct build *build, struct str wire)
{
	uint32_t hash = snapshot_hash(wire);
	uint32_t i = hash & build->by_label.mask;

	for (; build->by_label.slots[i] != 0; i = (i + 1) & build->by_label.mask) {
		uint32_t label = build->by_label.slots[i] - 1;

		if (build->labels[label].hash == hash && build->labels[label].n == wire.n &&
		    memcmp(build->labels[label].wire, wire.p, wire.n) == 0) {
			return label;
		}
	}
	build->labels[build->n_labels] = (struct build_label){ .wire = (const uint8_t *)wire.p,
							       .n = (uint32_t)wire.n,
							       .hash = hash };
	build->by_label.slots[i] = ++build->n_labels;
	return build->n_labels - 1;
}

/* The slot of an address in its table: the one that holds it, or the empty one where it goes. */
static uint32_t *address_slot(struct build *build, const uint8_t *bytes, uint8_t size)
{
	struct str key = { .p = (const char *)bytes, .n = size };
	uint32_t i = snapshot_hash(key) & build->by_address.mask;

	for (; build->by_address.slots[i] != 0; i = (i + 1) & build->by_address.mask) {
		const struct build_address *address =
			&build->addresses[build->by_address.slots[i] - 1];

		if (address->family == (size == 4 ? V4 : V6) &&
		    memcmp(address->bytes, bytes, size) == 0) {
			break;
		}
	}
	return &build->by_address.slots[i];
}

uint32_t build_label_of(const struct build *build, struct str wire)
{
	uint32_t hash = snapshot_hash(wire);

	for (uint32_t i = hash & build->by_label.mask;; i = (i + 1) & build->by_label.mask) {
		uint32_t label = build->by_label.slots[i] - 1;

		if (build->labels[label].hash == hash && build->labels[label].n == wire.n &&
		    memcmp(build->labels[label].wire, wire.p, wire.n) == 0) {
			return label;
		}
	}
}

uint32_t build_address_of(struct build *build, const uint8_t *bytes, uint8_t size)
{
	uint32_t slot = *address_slot(build, bytes, size);

	assert(slot != 0);
	return slot - 1;
}

/* Notes that endpoint `label` has an address that belongs to another one. */
static void share_address(struct build *build, uint32_t address, uint32_t label)
{
	struct build_label *owner = &build->labels[label];

	for (uint32_t i = owner->extra; i != 0; i = build->extras[i - 1].next) {
		if (build->extras[i - 1].address == address) {
			return;
		}
	}
	build->extras[build->n_extras++] = (struct build_extra){
		.address = address,
		.label = label,
		.next = owner->extra,
	};
	owner->extra = build->n_extras;
	owner->all[build->addresses[address].family]++;
}

static void gather_record(struct build *build, const struct slice *slice, uint32_t i, bool zoned)
{
	const struct source_record *record = slice_record(slice, i);
	uint32_t label = find_or_add_label(build, slice_label(slice, record));
	uint32_t *slot = address_slot(build, record->address, slice->family);
	uint8_t family = slice->family == 4 ? V4 : V6;

	build->labels[label].candidates++;
	if (*slot == 0) {
		build->addresses[build->n_addresses++] = (struct build_address){
			.bytes = record->address,
			.label = label,
			.family = family,
		};
		*slot = build->n_addresses;
		build->unique[family]++;
		build->labels[label].own[family]++;
		build->labels[label].all[family]++;
	} else if (build->addresses[*slot - 1].label != label) {
		share_address(build, *slot - 1, label);
	}
	if (zoned) {
		build_zonal_record(build, slice, i, label, *slot - 1);
	}
}

/* Ready ones first, so that they are the first `n_ready` labels. */
static void gather(struct build *build, const struct list *slices, bool zoned)
{
	list_for_each (slice, slices, struct slice, link) {
		for (uint32_t i = 0; slice->n_ready != 0 && i < slice->n_records; i++) {
			if (source_is_ready(slice_record(slice, i))) {
				gather_record(build, slice, i, zoned && slice->zones != NULL);
			}
		}
	}
	build->n_ready = build->n_labels;
	list_for_each (slice, slices, struct slice, link) {
		for (uint32_t i = 0; slice->n_ready != slice->n_records && i < slice->n_records;
		     i++) {
			const struct source_record *record = slice_record(slice, i);

			if (!source_is_ready(record)) {
				(void)find_or_add_label(build, slice_label(slice, record));
			}
		}
	}
}

/* ---- layout ---- */

/* Decides where every record goes. The Service's own come first. */
static void lay_out(struct build *build, const struct service_spec *spec)
{
	const struct body_port *ports = (const struct body_port *)(const void *)build->nodes.p;
	const struct build_zone *zones = (const struct build_zone *)(const void *)build->zones.p;
	uint32_t at[FAMILIES] = { 0 };

	for (size_t i = 0; i < spec->n_addresses; i++) {
		at[spec->addresses[i].n == 4 ? V4 : V6]++;
	}
	for (uint32_t i = 0; i < build->n_ready; i++) {
		struct build_label *label = &build->labels[i];

		for (size_t f = 0; f < FAMILIES; f++) {
			label->at[f] = label->run[f] = at[f];
			at[f] += label->own[f];
		}
	}
	for (uint32_t i = 0; build->n_extras != 0 && i < build->n_ready; i++) {
		struct build_label *label = &build->labels[i];

		for (size_t f = 0; f < FAMILIES; f++) {
			if (label->all[f] != label->own[f]) {
				label->run[f] = at[f];
				at[f] += label->all[f];
			}
		}
	}
	memcpy(build->first_pick, at, sizeof(at));
	for (size_t i = 0; build->picked_ports && i < build_count(&build->nodes, sizeof(*ports));
	     i++) {
		at[V4] += ports[i].node.a.n;
		at[V6] += ports[i].node.aaaa.n;
	}
	for (size_t i = 0; i < build_count(&build->zones, sizeof(*zones)); i++) {
		at[V4] += zones[i].node.a.n;
		at[V6] += zones[i].node.aaaa.n;
	}
	memcpy(build->records, at, sizeof(at));
}

/*
 * A headless Service has its endpoints' records for its own; they are written with its TTL, since
 * its sets are the large ones.
 */
static uint32_t endpoint_ttl(const struct service_spec *spec, const uint32_t ttls[ZONE_TTLS])
{
	return ttls[spec->type == SERVICE_HEADLESS ? ZONE_TTL_HEADLESS : ZONE_TTL_ENDPOINT];
}

struct writer {
	uint8_t *records[FAMILIES];
	uint32_t ttl;
};

static void write_record(const struct writer *writer, uint8_t family, uint32_t at,
			 const uint8_t *bytes)
{
	size_t size = family == V4 ? ZONE_A_RECORD : ZONE_AAAA_RECORD;
	uint8_t *out = writer->records[family] + at * size;
	uint32_t ttl = writer->ttl;
	uint8_t n = family == V4 ? 4 : 16;
	uint8_t head[12] = {
		0xc0,
		12,
		0,
		family == V4 ? RR_A : RR_AAAA,
		0,
		1,
		(uint8_t)(ttl >> 24),
		(uint8_t)(ttl >> 16),
		(uint8_t)(ttl >> 8),
		(uint8_t)ttl,
		0,
		n,
	};

	memcpy(out, head, sizeof(head));
	memcpy(out + sizeof(head), bytes, n);
}

static void write_shared(struct build *build, const struct writer *writer,
			 const struct build_address *address, struct build_label *label)
{
	uint8_t f = address->family;

	if (label->all[f] != label->own[f]) {
		write_record(writer, f, label->run[f] + label->filled[f]++, address->bytes);
	}
}

static void write_records(struct build *build, const struct writer *writer,
			  const struct service_spec *spec, const uint32_t ttls[ZONE_TTLS])
{
	struct writer own_writer = *writer;
	uint32_t own[FAMILIES] = { 0 };

	own_writer.ttl = ttls[ZONE_TTL_SERVICE];
	for (size_t i = 0; i < spec->n_addresses; i++) {
		uint8_t f = spec->addresses[i].n == 4 ? V4 : V6;

		write_record(&own_writer, f, own[f]++, spec->addresses[i].bytes);
	}
	for (uint32_t i = 0; i < build->n_addresses; i++) {
		const struct build_address *address = &build->addresses[i];
		struct build_label *label = &build->labels[address->label];

		write_record(writer, address->family, label->at[address->family]++, address->bytes);
		write_shared(build, writer, address, label);
	}
	for (uint32_t i = 0; i < build->n_extras; i++) {
		write_shared(build, writer, &build->addresses[build->extras[i].address],
			     &build->labels[build->extras[i].label]);
	}
}

/*
 * Writes the addresses that a node picked; its ranges counted in picks, from now on they are
 * places.
 */
static void write_picks(struct build *build, const struct writer *writer, struct body_node *node,
			uint32_t at[FAMILIES])
{
	const uint32_t *picks = (const uint32_t *)(const void *)build->picks.p;
	struct range *ranges[FAMILIES] = { &node->a, &node->aaaa };

	for (uint8_t f = V4; f < FAMILIES; f++) {
		uint32_t first = ranges[f]->first;

		ranges[f]->first = at[f];
		for (uint32_t i = 0; i < ranges[f]->n; i++) {
			write_record(writer, f, at[f]++, build->addresses[picks[first + i]].bytes);
		}
	}
}

/* ---- packing ---- */

struct layout {
	size_t text;
	size_t endpoints;
	size_t pairs;
	size_t ports;
	size_t zones;
	size_t slots;
	size_t a;
	size_t aaaa;
	size_t numbers;
	size_t end;
	uint32_t mask;
};

static size_t text_size(const struct build *build, struct str base, const struct service_spec *spec)
{
	const struct port_name *names = (const struct port_name *)(void *)build->node_names.p;
	const struct build_zone *zones = (const struct build_zone *)(const void *)build->zones.p;
	size_t size = base.n + spec->alias.n;

	for (size_t i = 0; i < build_count(&build->nodes, sizeof(struct body_port)); i++) {
		size += 2U + names[i].name[0] + names[i].protocol[0];
	}
	for (size_t i = 0; i < build_count(&build->zones, sizeof(*zones)); i++) {
		size += 1U + zones[i].name[0];
	}
	for (uint32_t i = 0; i < build->n_labels; i++) {
		size += build->labels[i].n;
	}
	return size;
}

static struct layout plan(const struct build *build, struct str base,
			  const struct service_spec *spec)
{
	enum { ALIGNED = 8 };
	struct layout layout = { 0 };
	size_t slots = 1;

	while (slots < build->n_labels + build->n_labels / 3 + 1) {
		slots *= 2;
	}
	layout.mask = (uint32_t)slots - 1;
	layout.endpoints = (text_size(build, base, spec) + ALIGNED - 1) / ALIGNED * ALIGNED;
	layout.pairs = layout.endpoints + build->n_labels * sizeof(struct body_endpoint);
	layout.ports = layout.pairs + build->pairs.n;
	layout.zones = layout.ports + build->nodes.n;
	layout.slots = layout.zones + build_count(&build->zones, sizeof(struct build_zone)) *
					      sizeof(struct body_zone);
	layout.a = layout.slots + slots * sizeof(uint32_t);
	layout.aaaa = layout.a + (size_t)build->records[V4] * ZONE_A_RECORD;
	layout.numbers = layout.aaaa + (size_t)build->records[V6] * ZONE_AAAA_RECORD;
	layout.end = layout.numbers + build->numbers.n;
	return layout;
}

static uint32_t add_text(uint8_t *text, size_t *at, const void *bytes, size_t n)
{
	uint32_t offset = (uint32_t)*at;

	memcpy(text + offset, bytes, n);
	*at += n;
	return offset;
}

static void pack_text(const struct build *build, struct service_body *body, struct str base,
		      const struct service_spec *spec, struct body_port *ports,
		      struct body_endpoint *endpoints, struct body_zone *zones)
{
	const struct build_zone *from = (const struct build_zone *)(const void *)build->zones.p;
	const struct port_name *names = (const struct port_name *)(void *)build->node_names.p;
	uint8_t *text = (uint8_t *)(uintptr_t)body->text;
	size_t at = 0;

	(void)add_text(text, &at, base.p, base.n);
	body->base = (uint8_t)base.n;
	body->alias = (struct range){ .first = (uint32_t)at, .n = (uint32_t)spec->alias.n };
	(void)add_text(text, &at, spec->alias.p, spec->alias.n);
	for (size_t i = 0; i < body->n_ports; i++) {
		ports[i].name = add_text(text, &at, names[i].name, 1U + names[i].name[0]);
		ports[i].protocol =
			add_text(text, &at, names[i].protocol, 1U + names[i].protocol[0]);
	}
	for (size_t i = 0; i < body->n_zones; i++) {
		zones[i].name = add_text(text, &at, from[i].name, 1U + from[i].name[0]);
		zones[i].node = from[i].node;
	}
	for (uint32_t i = 0; i < build->n_labels; i++) {
		endpoints[i].label = add_text(text, &at, build->labels[i].wire, build->labels[i].n);
	}
}

static void pack_endpoints(const struct build *build, struct body_endpoint *endpoints,
			   uint32_t *slots, uint32_t mask)
{
	for (uint32_t i = 0; i < build->n_labels; i++) {
		const struct build_label *label = &build->labels[i];
		uint32_t slot = label->hash & mask;

		endpoints[i].a = (struct range){ .first = label->run[V4], .n = label->all[V4] };
		endpoints[i].aaaa = (struct range){ .first = label->run[V6], .n = label->all[V6] };
		endpoints[i].candidates = label->candidates;
		while (slots[slot] != 0) {
			slot = (slot + 1) & mask;
		}
		slots[slot] = i + 1;
	}
}

static void copy_part(uint8_t *to, const struct buffer *from)
{
	if (from->n != 0) {
		memcpy(to, from->p, from->n);
	}
}

static struct service_body *pack(struct build *build, struct str base,
				 const struct service_spec *spec, const uint32_t ttls[ZONE_TTLS])
{
	struct layout layout = plan(build, base, spec);
	struct service_body *body = mem_alloc(sizeof(struct service_body) + layout.end);
	struct body_endpoint *endpoints =
		(struct body_endpoint *)(void *)(body->bytes + layout.endpoints);
	struct body_port *ports = (struct body_port *)(void *)(body->bytes + layout.ports);
	struct body_zone *zones = (struct body_zone *)(void *)(body->bytes + layout.zones);
	uint32_t *slots = (uint32_t *)(void *)(body->bytes + layout.slots);
	struct writer writer = {
		.records = { body->bytes + layout.a, body->bytes + layout.aaaa },
		.ttl = endpoint_ttl(spec, ttls),
	};
	uint32_t at[FAMILIES] = { build->first_pick[V4], build->first_pick[V6] };

	body->type = spec->type;
	body->alias_is_address = spec->alias_is_address;
	body->has_selector = spec->has_selector;
	body->imported = spec->imported;
	body->n_ports = (uint16_t)build_count(&build->nodes, sizeof(struct body_port));
	body->first_number = (uint16_t)build->endpoint_numbers.first;
	body->n_numbers = (uint16_t)build->endpoint_numbers.n;
	body->n_slice_ports = (uint16_t)build->n_slice_ports;
	body->n_zones = (uint16_t)build_count(&build->zones, sizeof(struct build_zone));
	body->n_endpoints = build->n_labels;
	body->n_ready = build->n_ready;
	body->ready = build->ready;
	body->total = build->total;
	body->mask = layout.mask;
	body->size = sizeof(struct service_body) + layout.end;
	body->node = build->node;
	body->endpoints = endpoints;
	body->paired = build->paired;
	body->pairs = (const struct server_pair *)(const void *)(body->bytes + layout.pairs);
	body->all_pairs = build->all_pairs;
	body->ports = ports;
	body->zones = zones;
	body->slots = slots;
	body->a = body->bytes + layout.a;
	body->aaaa = body->bytes + layout.aaaa;
	body->numbers = (const uint16_t *)(const void *)(body->bytes + layout.numbers);
	body->text = body->bytes + layout.text;
	copy_part(body->bytes + layout.pairs, &build->pairs);
	copy_part(body->bytes + layout.ports, &build->nodes);
	copy_part(body->bytes + layout.numbers, &build->numbers);
	pack_text(build, body, base, spec, ports, endpoints, zones);
	pack_endpoints(build, endpoints, slots, layout.mask);
	write_records(build, &writer, spec, ttls);
	for (size_t i = 0; build->picked_ports && i < body->n_ports; i++) {
		write_picks(build, &writer, &ports[i].node, at);
	}
	for (size_t i = 0; i < body->n_zones; i++) {
		write_picks(build, &writer, &zones[i].node, at);
	}
	return body;
}

struct service_body *body_new(struct build *build, struct str base, const struct service_spec *spec,
			      const struct list *slices, const uint32_t ttls[ZONE_TTLS])
{
	bool zoned = spec->type == SERVICE_HEADLESS || spec->imported;
	struct list none;

	list_init(&none);
	/* What is below an alias is nothing, whatever slices say. */
	slices = spec->type == SERVICE_EXTERNAL ? &none : slices;
	build_reset(build, slices);
	gather(build, slices, zoned);
	if (spec->type == SERVICE_CLUSTER) {
		build_ports_of_spec(build, spec);
	} else {
		build->node.a.n = build->unique[V4];
		build->node.aaaa.n = build->unique[V6];
	}
	build_ports_of_slices(build, slices, spec->type == SERVICE_HEADLESS);
	if (zoned) {
		build_zones(build, spec->imported);
	}
	lay_out(build, spec);
	return pack(build, base, spec, ttls);
}

const struct body_endpoint *body_find(const struct service_body *body, struct str label)
{
	uint32_t i = snapshot_hash(label) & body->mask;

	for (; body->slots[i] != 0; i = (i + 1) & body->mask) {
		const struct body_endpoint *endpoint = &body->endpoints[body->slots[i] - 1];

		if (str_eq(body_endpoint_label(body, endpoint), label)) {
			return endpoint;
		}
	}
	return NULL;
}
