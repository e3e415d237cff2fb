/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the zone keeps of the objects it is fed: just the fields that make names, packed. Control
 * thread only, but pure: an object goes in, a struct comes out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/list.h"
#include "base/str.h"
#include "zone/address.h"

struct object;
struct service;
struct service_body;
struct space;

/* A port of a Service or slice. Names are offsets of wire labels in lower case; no underscore. */
struct source_port {
	uint16_t number;
	uint16_t has_number;
	uint32_t name; /* offset into the owner's text; an empty label when the port has no name */
	uint32_t protocol;
};

/* One address of one endpoint. */
struct source_record {
	uint32_t label; /* offset into the slice's text; the high bit says ready */
	uint8_t address[]; /* slice->family bytes */
};

enum { SOURCE_READY = INT32_MIN };

/* A decoded EndpointSlice: one allocation, `text` and the arrays behind the struct. */
struct slice {
	struct list link; /* in service->slices */
	struct service *service; /* it belongs to; set by the zone */
	uint8_t family; /* 4 or 16, the size of each address */
	bool imported; /* labels are two: the endpoint's and the cluster's; zones are clusters */
	uint16_t n_ports;
	uint32_t n_records;
	uint32_t n_ready;
	uint32_t size; /* of all that follows */
	const struct source_port *ports;
	const uint8_t *records;
	const uint32_t *zones; /* of each record, an offset into text + 1; NULL: nobody has one */
	const uint8_t *text;
	_Alignas(8) uint8_t bytes[];
};

static inline const struct source_record *slice_record(const struct slice *slice, uint32_t i)
{
	size_t size = sizeof(struct source_record) + slice->family;

	return (const struct source_record *)(const void *)(slice->records + i * size);
}

static inline bool source_is_ready(const struct source_record *record)
{
	return (record->label & (uint32_t)SOURCE_READY) != 0;
}

/* One wire label, a length octet and its bytes; or, of an imported endpoint, two. */
static inline struct str source_label(const uint8_t *at, bool imported)
{
	size_t n = 1U + *at;

	return (struct str){ .p = (const char *)at, .n = imported ? n + 1U + at[n] : n };
}

static inline struct str slice_label(const struct slice *slice, const struct source_record *record)
{
	return source_label(slice->text + (record->label & ~(uint32_t)SOURCE_READY),
			    slice->imported);
}

/* The topology zone of record `i`: a length and wire labels without a root; NULL for none. */
static inline const uint8_t *slice_zone(const struct slice *slice, uint32_t i)
{
	return slice->zones != NULL && slice->zones[i] != 0 ? slice->text + slice->zones[i] - 1
							    : NULL;
}

/* Whether two such names, or two wire labels, are the same: bytes behind their length. */
static inline bool counted_eq(const uint8_t *a, const uint8_t *b)
{
	return *a == *b && memcmp(a + 1, b + 1, *a) == 0;
}

/* What of a slice is wanted. */
enum {
	SLICE_POD_NAMES = 1 << 0, /* endpoints without a hostname are called like their pod */
	SLICE_ZONES = 1 << 1, /* the topology zones of endpoints */
	SLICE_IMPORTED = 1 << 2, /* it is wanted as part of a Service of other clusters */
};

/* The Service that a slice belongs to, by its labels; empty for none. */
struct str slice_service_name(struct object *object, unsigned wanted);

/*
 * Decodes an EndpointSlice. NULL when it can give no name (address type FQDN). The caller owns the
 * slice.
 */
struct slice *slice_new(struct object *object, unsigned wanted);
struct slice *slice_free(struct slice *slice);

/* Whether both give the same names. */
bool slice_eq(const struct slice *a, const struct slice *b);

enum service_type {
	SERVICE_HEADLESS,
	SERVICE_CLUSTER, /* has addresses of its own */
	SERVICE_EXTERNAL, /* an alias */
};

/* What a Service object says; one allocation. */
struct service_spec {
	uint8_t type; /* enum service_type */
	bool alias_is_address;
	bool has_selector;
	bool imported; /* of other clusters */
	uint8_t n_addresses;
	uint16_t n_ports;
	uint32_t size; /* of all that follows */
	struct ip addresses[2];
	struct str alias; /* wire format; empty when it is no name */
	const struct source_port *ports;
	const uint8_t *text;
	_Alignas(8) uint8_t bytes[];
};

struct service_spec *service_spec_new(struct object *object);
/* The same of a ServiceImport. */
struct service_spec *service_spec_import(struct object *object);
bool service_spec_eq(const struct service_spec *a, const struct service_spec *b);
