/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events are news, not records: one that has not happened again for an hour goes (the event-ttl of
 * Kubernetes' API server).
 */
#include "base/clock.h"
#include "client/cache.h"
#include "control/controllers.h"
#include "object/kinds.h"
#include "json/json.h"

static const int64_t lifetime = 3600 * (int64_t)NS_PER_S;

/* The latest of the times that an event may carry, ns since 1970; 0 when it has none. */
static int64_t last_seen(const json_t *event)
{
	static const char *const paths[] = {
		"lastTimestamp",
		"series.lastObservedTime",
		"eventTime",
		"metadata.creationTimestamp",
	};
	int64_t latest = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int64_t time = 0;

		if (timestamp_parse(json_string_at(event, paths[i]), &time) == 0 && time > latest) {
			latest = time;
		}
	}
	return latest;
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct object *event;
	struct str space, name;
	int64_t left;

	key_split(key, &space, &name);
	event = cache_get(view->cache, &kind_event, space, name);
	if (event == NULL || object_is_deleting(event)) {
		return;
	}
	left = last_seen(object_tree(event)) + lifetime - view->now;
	if (left > 0) {
		/* Never further off than the lifetime, whatever the event says of the future. */
		plan_requeue(plan, (uint64_t)(left < lifetime ? left : lifetime));
		return;
	}
	plan_delete(plan, event, -1, PLAN_BACKGROUND);
	plan_tolerate(plan, "NotFound");
}

const struct controller controller_event_expiry = {
	.name = "event-expiry-controller",
	.sources = { { &kind_event, source_self } },
	.reconcile = reconcile,
};
