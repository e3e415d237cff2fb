/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports and SRV sets. Nearly always every slice of a Service has the same ports; then an SRV set is
 * the product of endpoints and port numbers, and nothing is stored but the numbers. Where slices
 * differ (named target ports that resolve to different numbers, slices made by hand) the sets are
 * written out as pairs.
 *
 * A weight is 100 divided by the number of candidates, address times port before anything that
 * occurs twice is dropped, and at least 1: what CoreDNS answers and clients have seen for years.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "zone/build.h"

/* One SRV record: of node 0 (the name without a port) or of port node i - 1. */
struct port_tuple {
	uint32_t node;
	uint32_t label;
	uint32_t port;
};

uint16_t build_weight(uint64_t candidates)
{
	return candidates == 0 || candidates > 100 ? 1 : (uint16_t)(100 / candidates);
}

static struct body_port *node_at(struct build *build, size_t i)
{
	return (struct body_port *)(void *)build->nodes.p + i;
}

static const struct port_name *node_name(const struct build *build, size_t i)
{
	return (const struct port_name *)(const void *)build->node_names.p + i;
}

static size_t node_count(const struct build *build)
{
	return build_count(&build->nodes, sizeof(struct body_port));
}

/*
 * The node of that name and protocol, made when there is none; LIMIT_ZONE_PORTS when there are so
 * many already.
 */
static size_t node_for(struct build *build, const uint8_t *name, const uint8_t *protocol)
{
	struct port_name added = { .name = name, .protocol = protocol };
	struct body_port fresh = { 0 };
	size_t n = node_count(build);

	for (size_t i = 0; i < n; i++) {
		const struct port_name *known = node_name(build, i);

		if (counted_eq(known->name, name) && counted_eq(known->protocol, protocol)) {
			return i;
		}
	}
	if (n == LIMIT_ZONE_PORTS) {
		return n;
	}
	buffer_append(&build->nodes, &fresh, sizeof(fresh));
	buffer_append(&build->node_names, &added, sizeof(added));
	return n;
}

/*
 * The distinct numbers of the ports, or of those called like `only`. Counts them all in *ret_ports.
 */
static struct range add_numbers(struct build *build, const struct source_port *ports, size_t n,
				const uint8_t *text, const struct port_name *only,
				uint32_t *ret_ports)
{
	struct range range = { .first = (uint32_t)build_count(&build->numbers, 2) };

	*ret_ports = 0;
	for (size_t i = 0; i < n; i++) {
		const uint16_t *numbers = (const uint16_t *)(const void *)build->numbers.p;
		bool known = false;

		if (!ports[i].has_number ||
		    (only != NULL && (!counted_eq(text + ports[i].name, only->name) ||
				      !counted_eq(text + ports[i].protocol, only->protocol)))) {
			continue;
		}
		++*ret_ports;
		for (uint32_t k = 0; k < range.n; k++) {
			known |= numbers[range.first + k] == ports[i].number;
		}
		if (!known) {
			buffer_append(&build->numbers, &ports[i].number, sizeof(ports[i].number));
			range.n++;
		}
	}
	return range;
}

/*
 * Fills the nodes of ports that every target has alike. `of` holds what all nodes have in common.
 */
static void add_uniform_nodes(struct build *build, const struct source_port *ports, size_t n,
			      const uint8_t *text, const struct body_node *of, uint64_t targets)
{
	for (size_t i = 0; i < n; i++) {
		if (text[ports[i].name] != 0 && ports[i].has_number) {
			(void)node_for(build, text + ports[i].name, text + ports[i].protocol);
		}
	}
	for (size_t i = 0; i < node_count(build); i++) {
		struct body_node *node = &node_at(build, i)->node;
		uint32_t matching;

		*node = *of;
		node->of = add_numbers(build, ports, n, text, node_name(build, i), &matching);
		node->weight = build_weight(targets * matching);
	}
}

void build_ports_of_spec(struct build *build, const struct service_spec *spec)
{
	struct body_node *node = &build->node;
	uint32_t ports;

	for (size_t i = 0; i < spec->n_addresses; i++) {
		if (spec->addresses[i].n == 4) {
			node->a.n++;
		} else {
			node->aaaa.n++;
		}
	}
	node->of = add_numbers(build, spec->ports, spec->n_ports, spec->text, NULL, &ports);
	node->form = node->of.n != 0 && spec->n_addresses != 0 ? SERVERS_SELF : SERVERS_NONE;
	node->weight = build_weight((uint64_t)ports * spec->n_addresses);
	add_uniform_nodes(build, spec->ports, spec->n_ports, spec->text, node, spec->n_addresses);
}

/* ---- endpoints ---- */

static bool ports_eq(const struct slice *a, const struct slice *b)
{
	if (a->n_ports != b->n_ports) {
		return false;
	}
	for (size_t i = 0; i < a->n_ports; i++) {
		const struct source_port *x = &a->ports[i];
		const struct source_port *y = &b->ports[i];

		if (x->number != y->number || x->has_number != y->has_number ||
		    !counted_eq(a->text + x->name, b->text + y->name) ||
		    !counted_eq(a->text + x->protocol, b->text + y->protocol)) {
			return false;
		}
	}
	return true;
}

static void add_tuple(struct build *build, uint32_t node, uint32_t label, uint32_t port)
{
	struct port_tuple tuple = { .node = node, .label = label, .port = port };

	buffer_append(&build->tuples, &tuple, sizeof(tuple));
}

static void add_node_tuple(struct build *build, const uint8_t *name, const uint8_t *protocol,
			   uint32_t label, uint32_t port)
{
	size_t node = node_for(build, name, protocol);

	if (node != LIMIT_ZONE_PORTS) {
		add_tuple(build, (uint32_t)node + 1, label, port);
	}
}

/* The addresses of the slice that node `node` (1…) has not taken yet. */
static void pick_addresses(struct build *build, const struct slice *slice, uint32_t node)
{
	for (uint32_t r = 0; r < slice->n_records; r++) {
		const struct source_record *record = slice_record(slice, r);

		if (source_is_ready(record)) {
			build_pick(build, build_address_of(build, record->address, slice->family),
				   node);
		}
	}
}

/* A port's number in a slice, by node; 0 when the slice has no such port. */
static uint32_t slice_port_number(const struct slice *slice, const struct port_name *name)
{
	for (size_t i = 0; i < slice->n_ports; i++) {
		if (slice->ports[i].has_number &&
		    counted_eq(slice->text + slice->ports[i].name, name->name) &&
		    counted_eq(slice->text + slice->ports[i].protocol, name->protocol)) {
			return slice->ports[i].number;
		}
	}
	return 0;
}

/*
 * The addresses of port node `node` (1…). Until they are laid out the ranges count in picks.
 */
static void pick_node(struct build *build, const struct list *slices, uint32_t node)
{
	struct body_node *body_node = &node_at(build, node - 1)->node;
	const struct port_name *name = node_name(build, node - 1);
	uint64_t candidates = 0;

	for (uint8_t family = V4; family < FAMILIES; family++) {
		struct range *range = family == V4 ? &body_node->a : &body_node->aaaa;

		range->first = (uint32_t)build_count(&build->picks, sizeof(uint32_t));
		list_for_each (slice, slices, struct slice, link) {
			if (slice_port_number(slice, name) != 0 &&
			    slice->family == (family == V4 ? 4 : 16)) {
				pick_addresses(build, slice, node);
				candidates += slice->n_ready;
			}
		}
		range->n = (uint32_t)build_count(&build->picks, sizeof(uint32_t)) - range->first;
	}
	body_node->weight = build_weight(candidates);
}

static int compare_tuples(const void *a, const void *b)
{
	const struct port_tuple *x = a;
	const struct port_tuple *y = b;

	if (x->node != y->node) {
		return x->node < y->node ? -1 : 1;
	}
	if (x->label != y->label) {
		return x->label < y->label ? -1 : 1;
	}
	return x->port < y->port ? -1 : x->port > y->port ? 1 : 0;
}

static void add_slice_tuples(struct build *build, const struct slice *slice, bool nodes)
{
	for (uint32_t r = 0; r < slice->n_records; r++) {
		const struct source_record *record = slice_record(slice, r);

		if (!source_is_ready(record)) {
			continue;
		}
		uint32_t label = build_label_of(build, slice_label(slice, record));

		for (size_t i = 0; i < slice->n_ports; i++) {
			const struct source_port *port = &slice->ports[i];
			const uint8_t *name = slice->text + port->name;

			if (!port->has_number) {
				continue;
			}
			add_tuple(build, 0, label, port->number);
			if (nodes && *name != 0) {
				add_node_tuple(build, name, slice->text + port->protocol, label,
					       port->number);
			}
		}
	}
}

/* Sorts the tuples and writes each node's out as pairs. */
static void write_pairs(struct build *build, bool nodes)
{
	struct port_tuple *tuples = (struct port_tuple *)(void *)build->tuples.p;
	size_t n = build_count(&build->tuples, sizeof(struct port_tuple));

	if (n != 0) {
		qsort(tuples, n, sizeof(struct port_tuple), compare_tuples);
	}
	for (size_t i = 0; i < n; i++) {
		struct server_pair pair = { .endpoint = tuples[i].label, .port = tuples[i].port };
		struct range *range = &build->all_pairs;

		if (i != 0 && compare_tuples(&tuples[i - 1], &tuples[i]) == 0) {
			continue;
		}
		if (tuples[i].node != 0) {
			struct body_node *node = &node_at(build, tuples[i].node - 1)->node;

			node->form = SERVERS_PAIRS;
			range = &node->of;
		}
		if (range->n == 0) {
			range->first =
				(uint32_t)build_count(&build->pairs, sizeof(struct server_pair));
		}
		buffer_append(&build->pairs, &pair, sizeof(pair));
		range->n += !build->pairs.overflowed;
	}
	if (nodes) {
		build->node.of = build->all_pairs;
		build->node.form = build->all_pairs.n != 0 ? SERVERS_PAIRS : SERVERS_NONE;
	}
}

static void build_pairs(struct build *build, const struct list *slices, bool nodes)
{
	uint64_t candidates = 0;

	build->paired = true;
	build->picked_ports = nodes;
	list_for_each (slice, slices, struct slice, link) {
		add_slice_tuples(build, slice, nodes);
		for (size_t i = 0; i < slice->n_ports; i++) {
			candidates += slice->ports[i].has_number ? slice->n_ready : 0;
		}
	}
	write_pairs(build, nodes);
	if (nodes) {
		build->node.weight = build_weight(candidates);
		for (size_t i = 0; i < node_count(build); i++) {
			pick_node(build, slices, (uint32_t)i + 1);
		}
	}
}

void build_ports_of_slices(struct build *build, const struct list *slices, bool nodes)
{
	const struct slice *first = NULL;
	bool uniform = true;

	list_for_each (slice, slices, struct slice, link) {
		if (slice->n_ready != 0) {
			uniform &= first == NULL || ports_eq(first, slice);
			first = first != NULL ? first : slice;
		}
	}
	if (first == NULL) {
		return;
	}
	if (!uniform) {
		build_pairs(build, slices, nodes);
		return;
	}
	build->endpoint_numbers = add_numbers(build, first->ports, first->n_ports, first->text,
					      NULL, &build->n_slice_ports);
	if (nodes) {
		build->node.of = build->endpoint_numbers;
		build->node.form = build->endpoint_numbers.n != 0 ? SERVERS_PRODUCT : SERVERS_NONE;
		build->node.weight = build_weight((uint64_t)build->ready * build->n_slice_ports);
		add_uniform_nodes(build, first->ports, first->n_ports, first->text, &build->node,
				  build->ready);
	}
}
