/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The published form of a Service: every name it has, in one immutable allocation. Built by the
 * control thread, read by the workers.
 *
 *   header | text | endpoints | pairs | port nodes | zones | slots | A records | AAAA records |
 *   numbers
 *
 * The text begins with the key, so that who compares it needs no more than the header's neighbour.
 *
 * An endpoint is a label below the Service with its addresses; endpoints that are not ready stand
 * behind the ready ones and have none. `slots` is an open-addressing table from the label's hash to
 * the endpoint. Addresses are whole records, those of one endpoint side by side, so that any set
 * that an answer can need is one run of one array.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/snapshot.h"
#include "zone/lookup.h"
#include "zone/source.h"

/* A part of one of the arrays. */
struct range {
	uint32_t first;
	uint32_t n;
};

/* A target and a port, where not every endpoint has the same ports. */
struct server_pair {
	uint32_t endpoint;
	uint32_t port;
};

enum servers_form {
	SERVERS_NONE,
	SERVERS_SELF, /* the Service itself × the port numbers in `of` */
	SERVERS_PRODUCT, /* all ready endpoints × the port numbers in `of` */
	SERVERS_PAIRS, /* the pairs in `of` */
};

/* A name with addresses and SRV records: the Service, or one of its ports. */
struct body_node {
	struct range a;
	struct range aaaa;
	struct range of;
	uint16_t weight;
	uint8_t form; /* enum servers_form */
};

struct body_port {
	uint32_t name; /* offsets of wire labels in text */
	uint32_t protocol;
	struct body_node node;
};

/* The endpoints in one topology zone. */
struct body_zone {
	uint32_t name; /* in text: a length, then wire labels without a root */
	struct body_node node;
};

struct body_endpoint {
	uint32_t label; /* offset of a wire label (see body_endpoint_label()) in text */
	struct range a;
	struct range aaaa;
	uint32_t candidates; /* addresses, before those that occur twice were dropped */
};

struct service_body {
	struct snapshot_entry entry;
	uint8_t type; /* enum service_type */
	bool alias_is_address;
	bool has_selector;
	bool paired; /* endpoints differ in their ports: all_pairs has them */
	bool imported; /* of other clusters: endpoints have two labels, zones are the clusters */
	uint8_t base; /* bytes of SERVICE.NAMESPACE.svc at the start of text */
	uint16_t n_ports;
	uint16_t n_zones;
	uint16_t n_numbers; /* distinct ports of the endpoints, when all have the same */
	uint16_t n_slice_ports; /* their number before that */
	uint16_t first_number;
	uint32_t n_endpoints; /* with those that are not ready */
	uint32_t n_ready; /* endpoints (labels) that are ready */
	uint32_t ready; /* the same, counted in addresses, for people */
	uint32_t total;
	uint32_t mask; /* of slots */
	size_t size; /* bytes of all this */
	struct body_node node;
	struct range alias; /* in text: the target of an ExternalName */
	const struct body_endpoint *endpoints;
	const struct server_pair *pairs;
	struct range all_pairs; /* every endpoint's, in the order of endpoints */
	const struct body_port *ports;
	const struct body_zone *zones;
	const uint32_t *slots; /* endpoint + 1; 0 is empty */
	const uint8_t *a;
	const uint8_t *aaaa;
	const uint16_t *numbers;
	const uint8_t *text;
	_Alignas(8) uint8_t bytes[];
};

enum { BODY_SELF = UINT32_MAX, BODY_KEY_TAIL = 4 /* "\3svc" */ };

static inline struct service_body *body_of(const struct snapshot_entry *entry)
{
	return (struct service_body *)(void *)(uintptr_t)entry;
}

/* The wire label at an offset of text. */
static inline struct str body_label(const struct service_body *body, uint32_t offset)
{
	const uint8_t *at = body->text + offset;

	return (struct str){ .p = (const char *)at, .n = 1U + *at };
}

/* The label of an endpoint; two, ENDPOINT.CLUSTER, where it was imported. */
static inline struct str body_endpoint_label(const struct service_body *body,
					     const struct body_endpoint *endpoint)
{
	return source_label(body->text + endpoint->label, body->imported);
}

/* SERVICE.NAMESPACE.svc. */
static inline struct str body_base(const struct service_body *body)
{
	return (struct str){ .p = (const char *)body->text, .n = body->base };
}

/* SERVICE.NAMESPACE: the key under which the body is published. */
static inline struct str body_key(const struct snapshot_entry *entry)
{
	const struct service_body *body = body_of(entry);

	return (struct str){ .p = (const char *)body->bytes, .n = body->base - BODY_KEY_TAIL };
}

/* The endpoint called `label` (wire, lower case; two labels where it was imported), or NULL. */
const struct body_endpoint *body_find(const struct service_body *body, struct str label);

/* Memory that builds use again and again. */
struct build;
struct build *build_new(void);
struct build *build_free(struct build *build);

/*
 * The body of a Service with its slices (a list of struct slice). `base`: the wire labels of
 * SERVICE.NAMESPACE.svc; `ttls`: those of the zone. The caller owns it.
 */
struct service_body *body_new(struct build *build, struct str base, const struct service_spec *spec,
			      const struct list *slices, const uint32_t ttls[ZONE_TTLS]);
