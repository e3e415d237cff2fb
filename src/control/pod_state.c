/* SPDX-License-Identifier: Apache-2.0 */
/* The rules follow the pod life cycle of Kubernetes ("available": ready for minReadySeconds). */
#include "control/pod_state.h"

#include <string.h>

#include "base/clock.h"
#include "control/status.h"
#include "json/json.h"

const char *pod_phase(struct object *pod)
{
	const char *phase = json_string_at(object_tree(pod), "status.phase");

	return phase[0] != '\0' ? phase : "Pending";
}

bool pod_is_finished(struct object *pod)
{
	const char *phase = pod_phase(pod);

	return strcmp(phase, "Failed") == 0 || strcmp(phase, "Succeeded") == 0;
}

bool pod_is_active(struct object *pod)
{
	return !object_is_deleting(pod) && !pod_is_finished(pod);
}

bool pod_is_ready(struct object *pod)
{
	return condition_is_true(json_at(object_tree(pod), "status.conditions"), "Ready");
}

bool pod_is_running_and_ready(struct object *pod)
{
	return strcmp(pod_phase(pod), "Running") == 0 && pod_is_ready(pod);
}

int64_t pod_ready_since(struct object *pod)
{
	const json_t *ready =
		condition_find(json_at(object_tree(pod), "status.conditions"), "Ready");

	if (strcmp(json_string_at(ready, "status"), "True") != 0) {
		return INT64_MAX;
	}
	return status_time_at(ready, "lastTransitionTime", 0);
}

uint64_t pod_available_in(struct object *pod, int64_t min_ready_seconds, int64_t now)
{
	int64_t since = pod_ready_since(pod);
	int64_t passed = (now - since) / (int64_t)NS_PER_S;

	if (since == INT64_MAX) {
		return POD_NOT_READY;
	}
	if (min_ready_seconds <= 0 || passed >= min_ready_seconds) {
		return 0;
	}
	return (uint64_t)(min_ready_seconds - (passed > 0 ? passed : 0)) * NS_PER_S;
}

const char *pod_node(struct object *pod)
{
	return json_string_at(object_tree(pod), "spec.nodeName");
}
