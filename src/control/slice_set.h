/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The endpoint slices of one service: from the endpoints that should be there to the few writes
 * that bring the slices there.
 * https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
 */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/map.h"
#include "client/reconcile.h"

struct slice_set;

/* All borrowed until slice_set_free(). */
struct slice_set_rules {
	struct object *owner; /* Service or Endpoints; slices carry its name as service name */
	const char *managed_by; /* value of endpointslice.kubernetes.io/managed-by */
	const json_t *labels; /* all labels of a slice */
	const json_t *annotations; /* all annotations; NULL: each slice keeps its own */
	size_t max; /* endpoints in a slice */
	/* Without endpoints an address type has one empty slice, instead of none. */
	bool placeholder;
	/* Slices say in an annotation since when what they show is so. */
	bool trigger_time;
};

struct slice_set *slice_set_new(const struct slice_set_rules *rules);
struct slice_set *slice_set_free(struct slice_set *set); /* NULL is fine; returns NULL */

/* Addresses of this type ("IPv4", "IPv6") are wanted; slices of other types go. */
void slice_set_want(struct slice_set *set, const char *address_type);

/*
 * An endpoint of a wanted type (reference stolen), with its ports (borrowed; equal sorted ports
 * share slices). `changed` is when it became as it is, as RFC 3339 text; "" unknown.
 */
void slice_set_add(struct slice_set *set, const char *address_type, const json_t *ports,
		   json_t *endpoint, const char *changed);

/*
 * Says that a change may concern the endpoints of this target (a pod's name), or a slice with all
 * its targets. From the first word on, only what is touched is looked at: endpoints of other
 * targets stay as they are, and are not added.
 */
void slice_set_touch(struct slice_set *set, struct str target);
void slice_set_touch_slice(struct slice_set *set, struct object *slice);

/* The targets touched so far are the keys. */
const struct map *slice_set_touched(const struct slice_set *set);

/*
 * Plans what is missing from the slices that the cache shows, once; returns whether anything was.
 */
bool slice_set_plan(struct slice_set *set, const struct cache *cache, struct plan *plan);

/* Plans the removal of all slices of "namespace/name" that `managed_by` made and `gone` accepts. */
void slices_plan_removal(const struct cache *cache, struct str key, const char *managed_by,
			 bool (*gone)(struct object *slice), struct plan *plan);

/* For sources: the key of the service whose slices `managed_by` makes. */
void slice_keys(struct object *old, struct object *now, const char *managed_by,
		struct key_sink *sink);

#define SLICE_SERVICE_NAME "kubernetes.io/service-name"
#define SLICE_MANAGED_BY "endpointslice.kubernetes.io/managed-by"
#define SLICE_HEADLESS "service.kubernetes.io/headless"
#define SLICE_TRIGGER_TIME "endpoints.kubernetes.io/last-change-trigger-time"
