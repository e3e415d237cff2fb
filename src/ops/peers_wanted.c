/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set has no size of its own: what makes its pods has one. So the replicas of every StatefulSet,
 * Deployment and free ReplicaSet whose pods the Service selects are what is wanted. Where nothing
 * of the kind makes them, the pods themselves are counted.
 */
#include "ops/peers_intern.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/cache.h"
#include "object/kinds.h"
#include "object/selector.h"
#include "json/json.h"

static const json_t *template_labels(struct object *workload)
{
	return json_at(object_tree(workload), "spec.template.metadata.labels");
}

static const json_t *labels_of(struct object *object)
{
	return json_at(object_tree(object), "metadata.labels");
}

static int64_t replicas_of(struct object *workload)
{
	return json_int_at(object_tree(workload), "spec.replicas", 1);
}

static int64_t first_ordinal(struct object *set)
{
	return json_int_at(object_tree(set), "spec.ordinals.start", 0);
}

bool wanted_selects_workload(const struct selector *selector, struct object *workload)
{
	return workload != NULL && selector_matches(selector, template_labels(workload));
}

bool wanted_selects_pod(const struct selector *selector, struct object *pod)
{
	return pod != NULL && selector_matches(selector, labels_of(pod));
}

/* A ReplicaSet of a Deployment is counted as that; what is being deleted makes no more pods. */
static bool makes_pods(struct object *workload)
{
	return !object_is_deleting(workload) && object_controller(workload) == NULL;
}

static bool is_live(struct object *pod)
{
	const char *phase = json_string_at(object_tree(pod), "status.phase");

	return !object_is_deleting(pod) && strcmp(phase, "Succeeded") != 0 &&
	       strcmp(phase, "Failed") != 0;
}

static bool same_json(const json_t *a, const json_t *b)
{
	return a == b || json_equal(a, b);
}

bool wanted_workload_changed(struct object *old, struct object *now)
{
	return old == NULL || now == NULL || makes_pods(old) != makes_pods(now) ||
	       replicas_of(old) != replicas_of(now) || first_ordinal(old) != first_ordinal(now) ||
	       !same_json(template_labels(old), template_labels(now));
}

bool wanted_pod_changed(struct object *old, struct object *now)
{
	return old == NULL || now == NULL || is_live(old) != is_live(now) ||
	       !same_json(labels_of(old), labels_of(now));
}

static size_t count_workloads(const struct cache *cache, const struct kind *kind, struct str space,
			      const struct selector *selector, struct wanted *ret)
{
	size_t n = 0;

	cache_for_each (workload, cache, kind, space) {
		if (!makes_pods(workload) || !wanted_selects_workload(selector, workload)) {
			continue;
		}
		int64_t replicas = replicas_of(workload);

		ret->n += replicas > 0 ? (uint64_t)replicas : 0;
		n++;
		if (kind == &kind_stateful_set) {
			snprintf(ret->set, sizeof(ret->set), "%.*s", STR_ARG(workload->name));
			ret->first = first_ordinal(workload);
		}
	}
	return n;
}

void wanted_read(const struct cache *cache, struct str space, const struct selector *selector,
		 struct wanted *ret)
{
	static const struct kind *const makers[] = { &kind_stateful_set, &kind_deployment,
						     &kind_replica_set };
	size_t n = 0;

	*ret = (struct wanted){ .by = WANTED_BY_ENDPOINTS };
	if (selector == NULL) {
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		n += count_workloads(cache, makers[i], space, selector, ret);
	}
	if (n != 1) {
		ret->set[0] = '\0';
	}
	if (n != 0) {
		ret->by = WANTED_BY_WORKLOADS;
		return;
	}
	ret->by = WANTED_BY_PODS;
	cache_for_each (pod, cache, &kind_pod, space) {
		ret->n += is_live(pod) && wanted_selects_pod(selector, pod) ? 1 : 0;
	}
}
