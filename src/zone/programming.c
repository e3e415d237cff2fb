/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What existed before we did says nothing about us: only changes after the zone was synced count,
 * and only those that changed a name. A slice that waits for its Service is not counted, because
 * its trigger says nothing about the Service.
 */
#include "zone/programming.h"

#include <jansson.h>

#include "object/object.h"
#include "zone/zone_intern.h"

#define TRIGGER "endpoints.kubernetes.io/last-change-trigger-time"

static enum zone_service_kind kind_of(const struct service_spec *spec)
{
	if (spec->type != SERVICE_HEADLESS) {
		return ZONE_SERVICE_CLUSTER_IP;
	}
	return spec->has_selector ? ZONE_SERVICE_HEADLESS : ZONE_SERVICE_HEADLESS_BY_HAND;
}

static const char *trigger_of(struct object *object)
{
	const json_t *metadata = json_object_get(object_tree(object), "metadata");

	return json_string_value(
		json_object_get(json_object_get(metadata, "annotations"), TRIGGER));
}

void zone_programmed(struct zone *zone, const struct service *service, struct object *object)
{
	struct zone_programming *programming;
	const char *trigger;
	int64_t since;
	int64_t now;
	size_t i = 0;

	if (counter_get(&zone->synced) == 0 || service->body == NULL ||
	    (trigger = trigger_of(object)) == NULL || timestamp_parse(trigger, &since) != 0) {
		return;
	}
	programming = &zone->programming[kind_of(service->spec)];
	now = clock_wall(zone->clock);
	/* Clocks of different machines: a cause that lies ahead took no time. */
	uint64_t ns = now > since ? (uint64_t)now - (uint64_t)since : 0;

	while (i < ZONE_PROGRAMMING_BUCKETS && ns > NS_PER_MS << i) {
		i++;
	}
	programming->buckets[i]++;
	programming->sum += ns;
}

const struct zone_programming *zone_programming(const struct zone *zone,
						enum zone_service_kind kind)
{
	return &zone->programming[kind];
}
