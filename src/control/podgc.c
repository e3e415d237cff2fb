/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods of nodes that are not there any more are removed at once: nobody is left who would end them.
 * A pod that is younger than the quarantine may have been bound to a node that is about to appear.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "control/controllers.h"
#include "control/pod_state.h"
#include "control/status.h"
#include "object/kinds.h"

enum { QUARANTINE_SECONDS = 40 };

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	size_t removed = 0;

	if (key.n == 0 || cache_get(view->cache, &kind_node, STR_NONE, key) != NULL) {
		return;
	}
	cache_for_index (pod, view->cache, &kind_pod, CACHE_PODS_BY_NODE, key) {
		int64_t created = status_time_at(object_tree(pod), "metadata.creationTimestamp", 0);
		int64_t until = created + QUARANTINE_SECONDS * (int64_t)NS_PER_S;

		if (view->now < until) {
			plan_requeue(plan, (uint64_t)(until - view->now));
		} else if (removed++ < LIMIT_SWEEP_BURST) {
			plan_delete(plan, pod, /* grace= */ 0, PLAN_BACKGROUND);
			plan_tolerate(plan, "NotFound");
		}
	}
}

static void keys_of_pod(const struct cache *cache, struct object *old, struct object *now,
			struct key_sink *sink)
{
	struct str node = str_from(pod_node(now != NULL ? now : old));

	if (node.n != 0 && cache_get(cache, &kind_node, STR_NONE, node) == NULL) {
		key_sink_add(sink, node);
	}
}

static void keys_of_node(const struct cache *cache, struct object *old, struct object *now,
			 struct key_sink *sink)
{
	if (now == NULL) {
		key_sink_add(sink, old->name);
	}
}

const struct controller controller_podgc = {
	.name = "pod-garbage-collector",
	.sources = {
		{ .kind = &kind_pod, .keys = keys_of_pod },
		{ .kind = &kind_node, .keys = keys_of_node },
	},
	.reconcile = reconcile,
};
