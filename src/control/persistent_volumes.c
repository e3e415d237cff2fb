/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes: which phase they are in, and what becomes of them when their claim has gone: Retain
 * leaves them to people, Delete removes them. The directory of a local one is removed by its node's
 * agent, which holds the object by a finalizer; for a node that is gone, or that has no disk to
 * speak of (simulated), the finalizer is taken here.
 */
#include <string.h>

#include "control/claim.h"
#include "control/controllers.h"
#include "control/status.h"
#include "object/kinds.h"
#include "object/well_known.h"
#include "json/json.h"

#define FINALIZER "kubernetes.io/pv-protection"

static struct object *claim_of(const struct view *view, struct object *volume)
{
	const json_t *reference = json_at(object_tree(volume), "spec.claimRef");
	const char *uid = json_string_at(reference, "uid");
	struct object *claim = cache_get(view->cache, &kind_persistent_volume_claim,
					 str_from(json_string_at(reference, "namespace")),
					 str_from(json_string_at(reference, "name")));

	return claim != NULL && strcmp(object_uid(claim), uid) == 0 ? claim : NULL;
}

static const char *phase_of(const struct view *view, struct object *volume)
{
	if (json_string_at(object_tree(volume), "spec.claimRef.uid")[0] == '\0') {
		return "Available"; /* free, or kept for a claim that has not come yet */
	}
	return claim_of(view, volume) != NULL ? "Bound" : "Released";
}

/* Somebody is there who will remove its directory. */
static bool has_agent(const struct view *view, struct object *volume)
{
	cache_for_each (node, view->cache, &kind_node, STR_NONE) {
		const char *runtime = json_string_at(object_tree(node),
						     "status.nodeInfo.containerRuntimeVersion");

		if (volume_is_reachable(volume, node) && strncmp(runtime, "simulated:", 10) != 0) {
			return true;
		}
	}
	return false;
}

static void release(const struct view *view, struct object *volume, struct plan *plan)
{
	const json_t *finalizers = json_at(object_tree(volume), "metadata.finalizers");
	bool bound = strcmp(phase_of(view, volume), "Bound") == 0;
	bool agent = has_agent(view, volume);
	json_t *left = json_array();
	const json_t *one;
	size_t i;

	json_array_foreach (finalizers, i, one) {
		const char *name = json_string_value(one);

		if ((strcmp(name, FINALIZER) == 0 && !bound) ||
		    (strcmp(name, FINALIZER_LOCAL_PATH) == 0 && !bound && !agent)) {
			continue;
		}
		json_array_append(left, (json_t *)one);
	}
	if (json_array_size(left) == json_array_size(finalizers)) {
		json_decref(left);
		return;
	}
	plan_patch(plan, &kind_persistent_volume, STR_NONE, volume->name, NULL,
		   json_pack("{s:{s:s, s:o}}", "metadata", "uid", object_uid(volume), "finalizers",
			     left));
	plan_tolerate(plan, "NotFound");
}

static void put_phase(const struct view *view, struct object *volume, const char *phase,
		      struct plan *plan)
{
	const json_t *old = json_object_get(object_tree(volume), "status");

	if (strcmp(json_string_at(old, "phase"), phase) == 0) {
		return;
	}
	status_plan(plan, volume,
		    json_pack("{s:s, s:o}", "phase", phase, "lastPhaseTransitionTime",
			      status_time(view)));
	plan_tolerate(plan, "NotFound");
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct object *volume = cache_get(view->cache, &kind_persistent_volume, STR_NONE, key);

	if (volume == NULL) {
		return;
	}
	const char *phase = phase_of(view, volume);
	const char *policy =
		json_string_at(object_tree(volume), "spec.persistentVolumeReclaimPolicy");

	if (object_is_deleting(volume)) {
		release(view, volume, plan);
		return;
	}
	put_phase(view, volume, phase, plan);
	if (strcmp(phase, "Released") == 0 && strcmp(policy, "Delete") == 0) {
		plan_delete(plan, volume, -1, PLAN_BACKGROUND);
		plan_tolerate(plan, "NotFound");
	}
}

static void keys_of_claim(const struct cache *cache, struct object *old, struct object *now,
			  struct key_sink *sink)
{
	struct object *claim = now != NULL ? now : old;
	struct str name = str_from(json_string_at(object_tree(claim), "spec.volumeName"));

	if (name.n != 0) {
		key_sink_add(sink, name);
	}
}

/* Without its node nobody removes what is on it. */
static void keys_of_node(const struct cache *cache, struct object *old, struct object *now,
			 struct key_sink *sink)
{
	if (now == NULL) {
		cache_for_each (volume, cache, &kind_persistent_volume, STR_NONE) {
			if (object_is_deleting(volume)) {
				key_sink_add(sink, volume->name);
			}
		}
	}
}

const struct controller controller_persistent_volumes = {
	.name = "persistentvolume-controller",
	.sources = {
		{ .kind = &kind_persistent_volume, .keys = source_self },
		{ .kind = &kind_persistent_volume_claim, .keys = keys_of_claim },
		{ .kind = &kind_node, .keys = keys_of_node },
	},
	.reconcile = reconcile,
};
