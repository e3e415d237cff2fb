/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The claims of a pod that waits for a node. A bound volume has its say where the pod can run. A
 * claim that waits for its first pod is told the node that was chosen, and the pod is bound when
 * its volume is there: so a pod never comes to a node where its data cannot be.
 * https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
 */
#include <string.h>

#include "base/mem.h"
#include "control/claim.h"
#include "control/scheduler_intern.h"
#include "object/kinds.h"
#include "json/json.h"

struct asking {
	const struct cache *cache;
	struct object *node;
	struct buffer *reason;
	struct plan *plan;
	bool waits;
};

static struct object *find_claim(const struct asking *asking, struct object *pod, const char *name)
{
	return cache_get(asking->cache, &kind_persistent_volume_claim, pod->space, str_from(name));
}

static void refuse_claim(void *userdata, struct object *pod, const char *name)
{
	struct asking *asking = userdata;
	struct object *claim = find_claim(asking, pod, name);
	struct object *volume;

	if (asking->reason->n != 0) {
		return;
	}
	if (claim == NULL) {
		buffer_printf(asking->reason, "persistentvolumeclaim \"%s\" not found", name);
	} else if (claim_is_strange(pod, claim)) {
		buffer_printf(asking->reason, "PVC \"%s\" was not created for the pod", name);
	} else if (object_is_deleting(claim)) {
		buffer_printf(asking->reason, "persistentvolumeclaim \"%s\" is being deleted",
			      name);
	} else if ((volume = claim_volume(asking->cache, claim)) != NULL) {
		if (!volume_is_reachable(volume, asking->node)) {
			buffer_append_text(asking->reason,
					   "node(s) didn't match PersistentVolume's node affinity");
		}
	} else if (!claim_waits_for_pod(asking->cache, claim)) {
		buffer_append_text(asking->reason,
				   "pod has unbound immediate PersistentVolumeClaims");
	} else {
		const char *chosen = object_annotation(claim, ANNOTATION_SELECTED_NODE);

		if (chosen[0] != '\0' && !str_is(asking->node->name, chosen)) {
			buffer_append_text(asking->reason,
					   "node(s) didn't match the node of a volume being made");
		}
	}
}

void volumes_refuse(const struct places *places, const struct place *place, struct object *pod,
		    struct buffer *reason)
{
	struct asking asking = {
		.cache = places->view->cache,
		.node = place->node,
		.reason = reason,
	};

	claim_names(pod, refuse_claim, &asking);
}

static void tell_claim(void *userdata, struct object *pod, const char *name)
{
	struct asking *asking = userdata;
	struct object *claim = find_claim(asking, pod, name);
	struct str node = asking->node->name;

	if (claim == NULL || claim_volume(asking->cache, claim) != NULL) {
		return;
	}
	asking->waits = true;
	if (object_annotation(claim, ANNOTATION_SELECTED_NODE)[0] == '\0') {
		plan_patch(asking->plan, &kind_persistent_volume_claim, claim->space, claim->name,
			   NULL,
			   json_pack("{s:{s:s, s:{s:s%}}}", "metadata", "uid", object_uid(claim),
				     "annotations", ANNOTATION_SELECTED_NODE, node.p, node.n));
		plan_tolerate(asking->plan, "NotFound");
		plan_tolerate(asking->plan, "Conflict");
	}
}

bool volumes_await(const struct places *places, const struct place *place, struct object *pod,
		   struct plan *plan)
{
	struct asking asking = {
		.cache = places->view->cache,
		.node = place->node,
		.plan = plan,
	};

	claim_names(pod, tell_claim, &asking);
	return asking.waits;
}
