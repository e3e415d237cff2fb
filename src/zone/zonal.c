/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of topology zones: ZONE.pin._zone.SERVICE has the part of a headless Service's endpoints
 * that are in that zone. Each zone is a node like that of a port: a run of addresses of its own,
 * and pairs of endpoint and port. A Service whose slices say nothing of zones has none of this and
 * pays nothing.
 *
 * Of a Service of other clusters only the names are kept: the clusters', whose labels stand between
 * endpoint and Service.
 *
 * Records are noted while endpoints are gathered, then dealt out to their zones label by label, so
 * that those of one endpoint stand side by side: linear, without sorting.
 */
#include "zone/build.h"

enum { NONE = UINT32_MAX };

static struct build_zone *zone_at(struct build *build, size_t i)
{
	return (struct build_zone *)(void *)build->zones.p + i;
}

static size_t zone_count(const struct build *build)
{
	return build_count(&build->zones, sizeof(struct build_zone));
}

static struct zonal_record *record_at(struct build *build, uint32_t i)
{
	return (struct zonal_record *)(void *)build->zonal.p + i;
}

/* The zone of that name, made when there is none; NONE when there are too many. */
static uint32_t zone_for(struct build *build, const uint8_t *name)
{
	struct build_zone fresh = { .name = name, .last = name, .first = NONE, .newest = NONE };
	size_t n = zone_count(build);

	/* A slice spells each of its zones once, so that mostly the pointers say it. */
	for (size_t i = 0; i < n; i++) {
		if (zone_at(build, i)->last == name) {
			return (uint32_t)i;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (counted_eq(zone_at(build, i)->name, name)) {
			zone_at(build, i)->last = name;
			return (uint32_t)i;
		}
	}
	if (n == LIMIT_ZONE_TOPOLOGY) {
		return NONE;
	}
	buffer_append(&build->zones, &fresh, sizeof(fresh));
	return (uint32_t)n;
}

void build_zonal_record(struct build *build, const struct slice *slice, uint32_t record,
			uint32_t label, uint32_t address)
{
	const uint8_t *name = slice_zone(slice, record);
	struct zonal_record zonal = {
		.slice = slice,
		.label = label,
		.address = address,
		.next = build->labels[label].zonal,
	};

	zonal.zone = name != NULL ? zone_for(build, name) : NONE;
	if (zonal.zone == NONE) {
		return;
	}
	buffer_append(&build->zonal, &zonal, sizeof(zonal));
	if (!build->zonal.overflowed) {
		build->labels[label].zonal =
			(uint32_t)build_count(&build->zonal, sizeof(struct zonal_record));
	}
}

/* From chains of labels to chains of zones, in the order of labels. */
static void deal_out(struct build *build)
{
	for (uint32_t i = 0; i < build->n_ready; i++) {
		uint32_t next;

		for (uint32_t r = build->labels[i].zonal; r != 0; r = next) {
			struct zonal_record *record = record_at(build, r - 1);
			struct build_zone *zone = zone_at(build, record->zone);

			next = record->next;
			record->next = NONE;
			if (zone->first == NONE) {
				zone->first = r - 1;
			} else {
				record_at(build, zone->newest)->next = r - 1;
			}
			zone->newest = r - 1;
		}
	}
}

/* The addresses of one family in a zone, each once. */
static struct range pick_addresses(struct build *build, const struct build_zone *zone,
				   uint8_t family, uint32_t stamp)
{
	struct range range = { .first = (uint32_t)build_count(&build->picks, sizeof(uint32_t)) };

	for (uint32_t r = zone->first; r != NONE; r = record_at(build, r)->next) {
		uint32_t address = record_at(build, r)->address;

		if (build->addresses[address].family == family) {
			build_pick(build, address, stamp);
		}
	}
	range.n = (uint32_t)build_count(&build->picks, sizeof(uint32_t)) - range.first;
	return range;
}

static const struct server_pair *pair_at(const struct build *build, uint32_t i)
{
	return (const struct server_pair *)(const void *)build->pairs.p + i;
}

/* Adds the pair unless its endpoint, whose pairs are the last, has it. */
static void add_pair(struct build *build, struct range *range, uint32_t label, uint32_t port)
{
	struct server_pair pair = { .endpoint = label, .port = port };
	uint32_t end = range->first + range->n;

	for (uint32_t i = end; i > range->first && pair_at(build, i - 1)->endpoint == label; i--) {
		if (pair_at(build, i - 1)->port == port) {
			return;
		}
	}
	buffer_append(&build->pairs, &pair, sizeof(pair));
	range->n += !build->pairs.overflowed;
}

static void make_pairs(struct build *build, struct build_zone *zone)
{
	struct body_node *node = &zone->node;
	uint64_t candidates = 0;

	node->of.first = (uint32_t)build_count(&build->pairs, sizeof(struct server_pair));
	for (uint32_t r = zone->first; r != NONE; r = record_at(build, r)->next) {
		const struct zonal_record *record = record_at(build, r);

		for (size_t i = 0; i < record->slice->n_ports; i++) {
			if (record->slice->ports[i].has_number) {
				add_pair(build, &node->of, record->label,
					 record->slice->ports[i].number);
				candidates++;
			}
		}
	}
	node->form = node->of.n != 0 ? SERVERS_PAIRS : SERVERS_NONE;
	node->weight = build_weight(candidates);
}

void build_zones(struct build *build, bool imported)
{
	/* Behind the stamps of ports. */
	uint32_t stamp = (uint32_t)build_count(&build->nodes, sizeof(struct body_port)) + 1;

	if (imported) {
		return;
	}
	deal_out(build);
	for (size_t i = 0; i < zone_count(build); i++, stamp++) {
		struct build_zone *zone = zone_at(build, i);

		zone->node.a = pick_addresses(build, zone, V4, stamp);
		zone->node.aaaa = pick_addresses(build, zone, V6, stamp);
		make_pairs(build, zone);
	}
}
