/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rolling updates and the status. An update goes from the highest ordinal down to the partition and
 * never makes more than maxUnavailable pods unavailable; one that already is may go at once, so a
 * broken revision never stands in its own successor's way.
 */
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "control/percent.h"
#include "control/statefulset_intern.h"
#include "control/status.h"
#include "json/json.h"

static int64_t max_unavailable(const struct set *set)
{
	const json_t *value = json_at(object_tree(set->object),
				      "spec.updateStrategy.rollingUpdate.maxUnavailable");
	int64_t n = percent_of(value, set->replicas, PERCENT_UP, 1);

	return n < 1 ? 1 : n;
}

void statefulset_update(struct set *set)
{
	int64_t end = set->start + set->replicas;
	int64_t available = 0;

	for (size_t i = 0; i < set->n_pods; i++) {
		const struct set_pod *pod = &set->pods[i];

		available += pod->ordinal >= set->start && pod->ordinal < end && pod->available;
	}
	int64_t budget = max_unavailable(set) - (set->replicas - available);

	for (size_t i = set->n_pods; i-- != 0 && set->burst < LIMIT_WORKLOAD_BURST;) {
		struct set_pod *pod = &set->pods[i];

		if (pod->ordinal >= end || pod->ordinal < set->start + set->partition ||
		    pod->updated || pod->terminating || pod->condemned) {
			continue;
		}
		if (pod->available && budget-- <= 0) {
			break;
		}
		statefulset_delete_pod(set, pod);
	}
}

/*
 * The update is complete when every replica has the update revision and is ready: it becomes the
 * current one.
 */
static bool is_complete(const struct set *set, int64_t replicas, int64_t ready, int64_t updated)
{
	return set->rolling && replicas == set->replicas && ready == set->replicas &&
	       updated == set->replicas;
}

json_t *statefulset_status(const struct set *set)
{
	const char *current = set->history.current;
	const char *update = set->history.update;
	int64_t ready = 0;
	int64_t available = 0;
	int64_t of_current = 0;
	int64_t of_update = 0;
	json_t *status = json_object();

	for (size_t i = 0; i < set->n_pods; i++) {
		const struct set_pod *pod = &set->pods[i];
		const char *revision = object_label(pod->object, HISTORY_LABEL);

		ready += pod->ready;
		available += pod->ready && pod->available;
		of_current += !pod->terminating && strcmp(revision, current) == 0;
		of_update += !pod->terminating && pod->updated;
	}
	if (is_complete(set, (int64_t)set->n_pods, ready, of_update)) {
		current = update;
		of_current = of_update;
	}
	json_object_set_new(status, "observedGeneration",
			    json_integer(json_int_at(object_tree(set->object),
						     "metadata.generation", 1)));
	json_object_set_new(status, "replicas", json_integer((json_int_t)set->n_pods));
	status_count(status, "readyReplicas", ready);
	status_count(status, "currentReplicas", of_current);
	status_count(status, "updatedReplicas", of_update);
	json_object_set_new(status, "availableReplicas", json_integer(available));
	json_object_set_new(status, "currentRevision", json_string(current));
	json_object_set_new(status, "updateRevision", json_string(update));
	json_object_set_new(status, "collisionCount", json_integer(set->history.collisions));
	return status;
}
