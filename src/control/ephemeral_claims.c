/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims of ephemeral volumes: one for each, named POD-VOLUME, made from the volume's template and
 * owned by the pod, so that it goes with it. A claim of that name which is not the pod's is never
 * used: somebody else's data is in it.
 * https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes
 */
#include <string.h>

#include "base/mem.h"
#include "control/controllers.h"
#include "control/owner.h"
#include "control/pod_state.h"
#include "object/kinds.h"
#include "json/json.h"

static void make_claim(struct object *pod, const json_t *template, const char *name,
		       struct plan *plan)
{
	json_t *metadata = json_object_get(template, "metadata");
	json_t *body = json_pack("{s:s, s:s, s:o, s:O}", "apiVersion", "v1", "kind",
				 "PersistentVolumeClaim", "metadata",
				 metadata != NULL ? json_deep_copy(metadata) : json_object(),
				 "spec", json_object_get(template, "spec"));

	json_put(body, "metadata.name", json_string(name));
	json_put(body, "metadata.namespace", json_stringn(pod->space.p, pod->space.n));
	json_put(body, "metadata.ownerReferences", json_pack("[o]", owner_reference(pod)));
	plan_create(plan, &kind_persistent_volume_claim, pod->space, body);
	plan_tolerate(plan, "AlreadyExists");
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	const json_t *volume;
	struct str space;
	struct str name;
	size_t i;

	key_split(key, &space, &name);
	struct object *pod = cache_get(view->cache, &kind_pod, space, name);

	if (pod == NULL || !pod_is_active(pod)) {
		return;
	}
	json_array_foreach (json_at(object_tree(pod), "spec.volumes"), i, volume) {
		const json_t *template = json_at(volume, "ephemeral.volumeClaimTemplate");
		char *claim_name _cleanup_free_ =
			mem_printf("%.*s-%s", STR_ARG(name), json_string_at(volume, "name"));
		struct object *claim = cache_get(view->cache, &kind_persistent_volume_claim, space,
						 str_from(claim_name));

		if (template == NULL) {
			continue;
		}
		if (claim == NULL) {
			make_claim(pod, template, claim_name, plan);
		} else if (!owner_controls(pod, claim)) {
			plan_event(plan, pod, "Warning", "FailedBinding",
				   "PVC \"%s\" was not created for the pod: pod is not owner",
				   claim_name);
		}
	}
}

static bool has_ephemeral(struct object *pod)
{
	const json_t *volume;
	size_t i;

	json_array_foreach (json_at(object_tree(pod), "spec.volumes"), i, volume) {
		if (json_object_get(volume, "ephemeral") != NULL) {
			return true;
		}
	}
	return false;
}

static void keys_of_pod(const struct cache *cache, struct object *old, struct object *now,
			struct key_sink *sink)
{
	if (now != NULL && old == NULL && has_ephemeral(now)) {
		key_sink_add_name(sink, now->space, now->name);
	}
}

/* One that was removed comes again for its pod. */
static void keys_of_claim(const struct cache *cache, struct object *old, struct object *now,
			  struct key_sink *sink)
{
	const json_t *owner = now == NULL ? object_controller(old) : NULL;

	if (owner != NULL && strcmp(json_string_at(owner, "kind"), "Pod") == 0) {
		key_sink_add_name(sink, old->space, str_from(json_string_at(owner, "name")));
	}
}

const struct controller controller_ephemeral_claims = {
	.name = "ephemeral-volume-controller",
	.sources = {
		{ .kind = &kind_pod, .keys = keys_of_pod },
		{ .kind = &kind_persistent_volume_claim, .keys = keys_of_claim },
	},
	.reconcile = reconcile,
};
