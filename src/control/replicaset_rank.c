/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order is a row of numbers a pod, compared from the left; smaller goes first.
 * https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#scaling-down-a-replicaset
 */
#include "control/replicaset_rank.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "control/owner.h"
#include "control/pod_state.h"
#include "control/status.h"
#include "object/kinds.h"
#include "json/json.h"

enum { RANK_NUMBERS = 8 };

struct ranked {
	struct object *pod;
	int64_t numbers[RANK_NUMBERS];
};

bool replicaset_may_adopt(struct object *set, struct object *pod)
{
	return pod_is_active(pod);
}

static void count_pods_of(const struct view *view, struct object *set, struct map *counts)
{
	cache_for_index (pod, view->cache, &kind_pod, CACHE_BY_OWNER, str_from(object_uid(set))) {
		struct str node = str_from(pod_node(pod));
		uintptr_t n = (uintptr_t)map_get(counts, node);

		if (node.n != 0 && pod_is_active(pod)) {
			map_put(counts, node, (void *)(n + 1));
		}
	}
}

/* Active pods by node, of all ReplicaSets that this one's controller has. */
static void count_related(const struct view *view, struct object *set, struct map *counts)
{
	const json_t *controller = object_controller(set);

	if (controller == NULL) {
		count_pods_of(view, set, counts);
		return;
	}
	cache_for_index (related, view->cache, &kind_replica_set, CACHE_BY_OWNER,
			 str_from(json_string_at(controller, "uid"))) {
		count_pods_of(view, related, counts);
	}
}

static int64_t phase_number(struct object *pod)
{
	const char *phase = pod_phase(pod);

	return strcmp(phase, "Pending") == 0 ? 0 : strcmp(phase, "Unknown") == 0 ? 1 : 2;
}

static int64_t deletion_cost(struct object *pod)
{
	const char *text = object_annotation(pod, "controller.kubernetes.io/pod-deletion-cost");
	char *end = NULL;
	long cost = strtol(text, &end, 10);

	return text[0] == '\0' || *end != '\0' || cost < INT32_MIN || cost > INT32_MAX ? 0 : cost;
}

static int64_t most_restarts(struct object *pod)
{
	const json_t *statuses = json_at(object_tree(pod), "status.containerStatuses");
	const json_t *status;
	int64_t most = 0;
	size_t i;

	json_array_foreach (statuses, i, status) {
		int64_t restarts = json_int_at(status, "restartCount", 0);

		most = restarts > most ? restarts : most;
	}
	return most;
}

static struct ranked rank_of(struct object *pod, const struct map *counts)
{
	struct str node = str_from(pod_node(pod));
	int64_t ready_since = pod_ready_since(pod);
	int64_t created = status_time_at(object_tree(pod), "metadata.creationTimestamp", INT64_MAX);

	return (struct ranked){
		.pod = pod,
		.numbers = {
			node.n != 0,
			phase_number(pod),
			ready_since != INT64_MAX,
			deletion_cost(pod),
			-(int64_t)(uintptr_t)map_get(counts, node),
			ready_since != INT64_MAX ? -ready_since : 0,
			-most_restarts(pod),
			-created,
		},
	};
}

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *first = a;
	const struct ranked *second = b;

	for (size_t i = 0; i < RANK_NUMBERS; i++) {
		if (first->numbers[i] != second->numbers[i]) {
			return first->numbers[i] < second->numbers[i] ? -1 : 1;
		}
	}
	return str_cmp(first->pod->name, second->pod->name);
}

void replicaset_rank(const struct view *view, struct object *set, struct object_list *pods)
{
	struct map counts = MAP_INIT(LIMIT_WORK_QUEUE);
	struct ranked *ranked _cleanup_free_ = mem_alloc_array(pods->n + 1, sizeof(*ranked));

	count_related(view, set, &counts);
	for (size_t i = 0; i < pods->n; i++) {
		ranked[i] = rank_of(pods->items[i], &counts);
	}
	qsort(ranked, pods->n, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < pods->n; i++) {
		pods->items[i] = ranked[i].pod;
	}
	map_deinit(&counts, NULL);
}
