/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The map of the API: paths into their parts, methods into verbs, and the same tables told to
 * clients as discovery.
 */

#include <stdbool.h>

#include "api/call.h"
#include "base/str.h"
#include "object/schema.h"

/* /api/v1/…, /apis/GROUP/VERSION/… taken apart; pieces are borrowed from the path. */
struct route {
	struct str group; /* empty: core */
	struct str version;
	struct str resource;
	struct str space;
	struct str name;
	struct str part;
	bool watch;
};

/* False when the path is none of a resource. */
bool route_parse(const char *path, struct route *ret);

/* The kind that serves a resource, stored or virtual (reviews); NULL for none. */
const struct kind *route_kind(const struct route *route);

/* Kinds that are only ever created, and not stored. */
extern const struct kind *const virtual_kinds[];
extern const size_t n_virtual_kinds;
bool kind_is_virtual(const struct kind *kind);

typedef void (*verb_fn)(struct call *call);

/*
 * What answers a method on this place. NULL with *ret_known: whether the place exists at all (405)
 * or not (404).
 */
verb_fn route_verb(const struct kind *kind, const struct route *route, enum http_method method,
		   bool *ret_known);

/* A subresource, as discovery shows it. */
struct subresource {
	const char *name;
	uint16_t flag; /* kinds with this flag have it ... */
	const struct kind *of; /* ... or just this one */
	const struct kind *kind; /* of the body; NULL: the parent's */
	const char *verbs; /* comma-separated */
	const char *options; /* the name of a kind in v1 that is only sent as a query; or NULL */
};
extern const struct subresource subresources[];
extern const size_t n_subresources;
bool kind_has_subresource(const struct kind *kind, const struct subresource *subresource);
