/* SPDX-License-Identifier: Apache-2.0 */
#include "control/absence.h"

#include "base/clock.h"
#include "control/status.h"
#include "object/kinds.h"

enum { ABSENCE_GRACE_SECONDS = 2 };

uint64_t absence_doubt(const struct view *view, const struct kind *kind, struct object *object)
{
	int64_t created = status_time_at(object_tree(object), "metadata.creationTimestamp", 0);
	int64_t believed = created + ABSENCE_GRACE_SECONDS * (int64_t)NS_PER_S;

	if (cache_revision(view->cache, kind) >= object->revision ||
	    (view->now >= believed && !cache_is_cut_off(view->cache, kind))) {
		return 0;
	}
	return believed > view->now ? (uint64_t)(believed - view->now) : NS_PER_S;
}

bool space_is_ending(const struct view *view, struct str space)
{
	struct object *object = cache_get(view->cache, &kind_namespace, STR_NONE, space);

	return object != NULL && object_is_deleting(object);
}
