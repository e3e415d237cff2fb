/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of building a body, shared by build.c (labels and addresses), ports.c (ports and SRV
 * sets) and zonal.c (topology zones). Everything here is memory of one build that is kept for the
 * next.
 */

#include "base/buffer.h"
#include "zone/body.h"

enum { V4, V6, FAMILIES };

/* An endpoint in the making. Indexed by family: */
struct build_label {
	const uint8_t *wire; /* in its slice */
	uint32_t n;
	uint32_t hash;
	uint32_t candidates;
	uint32_t own[FAMILIES]; /* addresses that no earlier endpoint has */
	uint32_t all[FAMILIES]; /* all its addresses */
	uint32_t at[FAMILIES]; /* where the next own one goes */
	uint32_t run[FAMILIES]; /* where all of them stand side by side */
	uint32_t filled[FAMILIES]; /* of the run, when some are not its own */
	uint32_t extra; /* its first struct build_extra + 1 */
	uint32_t zonal; /* its last struct zonal_record + 1 */
};

/* A distinct address, belonging to the first endpoint that has it. */
struct build_address {
	const uint8_t *bytes;
	uint32_t label;
	uint32_t stamp; /* the last node that picked it */
	uint8_t family;
};

/* An address that a second endpoint has too. */
struct build_extra {
	uint32_t address;
	uint32_t label;
	uint32_t next; /* of the same label, + 1 */
};

/* An open-addressing table of index + 1. */
struct build_table {
	uint32_t *slots;
	uint32_t mask;
	size_t size; /* slots allocated */
};

struct build {
	struct build_label *labels;
	struct build_address *addresses;
	struct build_extra *extras;
	size_t room; /* of each */
	uint32_t n_labels;
	uint32_t n_ready; /* labels that are ready; the others stand behind */
	uint32_t n_addresses;
	uint32_t n_extras;
	struct build_table by_label;
	struct build_table by_address;

	/* What the body will hold. */
	struct buffer numbers; /* uint16_t */
	struct buffer nodes; /* struct body_port */
	struct buffer node_names; /* struct port_name, as many as nodes */
	struct buffer pairs; /* struct server_pair */
	struct buffer picks; /* uint32_t: addresses of nodes that have just some */
	struct buffer zones; /* struct build_zone */
	struct buffer zonal; /* struct zonal_record */
	struct buffer tuples; /* struct port_tuple */
	struct body_node node;
	struct range endpoint_numbers;
	struct range all_pairs;
	bool paired; /* endpoints differ in their ports */
	bool picked_ports; /* and so the nodes of ports have just some of the addresses */
	uint32_t n_slice_ports;
	uint32_t ready;
	uint32_t total;

	uint32_t unique[FAMILIES]; /* distinct addresses of endpoints */
	uint32_t records[FAMILIES];
	uint32_t first_pick[FAMILIES]; /* where picked records begin */
};

/* A topology zone: its name in a slice, see slice_zone(). */
struct build_zone {
	const uint8_t *name;
	const uint8_t *last; /* the same, in the slice that had it last */
	uint32_t first; /* its records, linked */
	uint32_t newest;
	struct body_node node;
};

/* An address of an endpoint in a topology zone. */
struct zonal_record {
	const struct slice *slice;
	uint32_t label;
	uint32_t address;
	uint32_t zone;
	uint32_t next; /* of the same label, + 1; then of the same zone */
};

/* A port's name and protocol: wire labels in a slice or spec. */
struct port_name {
	const uint8_t *name;
	const uint8_t *protocol;
};

static inline size_t build_count(const struct buffer *buffer, size_t size)
{
	return buffer->n / size;
}

/* Which endpoint has the label (wire). It is there: all were gathered before. */
uint32_t build_label_of(const struct build *build, struct str wire);

/* Where `address` stands among the distinct ones. It is there. */
uint32_t build_address_of(struct build *build, const uint8_t *bytes, uint8_t size);

/* Adds a distinct address to the picks unless this `stamp` did so last. */
static inline void build_pick(struct build *build, uint32_t address, uint32_t stamp)
{
	if (build->addresses[address].stamp != stamp) {
		build->addresses[address].stamp = stamp;
		buffer_append(&build->picks, &address, sizeof(address));
	}
}

/* The weight of each of so many SRV records. */
uint16_t build_weight(uint64_t candidates);

/* Port nodes and SRV sets of a Service with addresses of its own: those of its spec. */
void build_ports_of_spec(struct build *build, const struct service_spec *spec);

/*
 * What the endpoints' SRV sets are made of; with `nodes` also the port nodes of a headless Service.
 */
void build_ports_of_slices(struct build *build, const struct list *slices, bool nodes);

/* A ready record of a headless Service, for build_zones(). */
void build_zonal_record(struct build *build, const struct slice *slice, uint32_t record,
			uint32_t label, uint32_t address);

/* The topology zones of a headless Service, or just the names of an import's clusters. */
void build_zones(struct build *build, bool imported);
