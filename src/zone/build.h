/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of building a body, shared by build.c (labels and addresses) and ports.c (ports and
 * SRV sets). Everything here is memory of one build that is kept for the next.
 */

#include "base/buffer.h"
#include "zone/body.h"

enum { V4, V6, FAMILIES };

/* An endpoint in the making. Indexed by family: */
struct build_label {
	const uint8_t *wire; /* in its slice */
	uint32_t hash;
	uint32_t candidates;
	uint32_t own[FAMILIES]; /* addresses that no earlier endpoint has */
	uint32_t all[FAMILIES]; /* all its addresses */
	uint32_t at[FAMILIES]; /* where the next own one goes */
	uint32_t run[FAMILIES]; /* where all of them stand side by side */
	uint32_t filled[FAMILIES]; /* of the run, when some are not its own */
	uint32_t extra; /* its first struct build_extra + 1 */
};

/* A distinct address, belonging to the first endpoint that has it. */
struct build_address {
	const uint8_t *bytes;
	uint32_t label;
	uint32_t stamp; /* the last port node that took it */
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
	struct buffer picks; /* uint32_t: addresses of port nodes that have just some */
	struct buffer tuples; /* struct port_tuple */
	struct body_node node;
	struct range endpoint_numbers;
	struct range all_pairs;
	bool paired; /* endpoints differ in their ports */
	uint32_t n_slice_ports;
	uint32_t ready;
	uint32_t total;

	uint32_t unique[FAMILIES]; /* distinct addresses of endpoints */
	uint32_t records[FAMILIES];
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

/* Where `address` stands among the distinct ones. It is there. */
struct build_address *build_address_of(struct build *build, const uint8_t *bytes, uint8_t size);

/* Port nodes and SRV sets of a Service with addresses of its own: those of its spec. */
void build_ports_of_spec(struct build *build, const struct service_spec *spec);

/*
 * What the endpoints' SRV sets are made of; with `nodes` also the port nodes of a headless Service.
 */
void build_ports_of_slices(struct build *build, const struct list *slices, bool nodes);
