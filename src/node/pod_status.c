/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the status of a simulated pod says, in kubelet's words. A status is made when something
 * happens to the pod (it starts, it ends) and not recomputed in between, so what a user patches
 * into it stays. The one exception is readiness gates: they are there to be followed.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "node/conditions.h"
#include "node/simulated_intern.h"
#include "json/json.h"

static void time_text(const struct view *view, char ret_text[TIMESTAMP_TEXT])
{
	timestamp_format(view->now / (int64_t)NS_PER_S, ret_text);
}

int64_t pod_start_time(struct object *pod)
{
	int64_t time = 0;

	timestamp_parse(json_string_at(object_tree(pod), "status.startTime"), &time);
	return time;
}

bool pod_has_address(struct object *pod)
{
	return json_array_size(json_at(object_tree(pod), "status.podIPs")) > 0;
}

bool pod_has_ended(struct object *pod)
{
	const char *phase = json_string_at(object_tree(pod), "status.phase");

	return strcmp(phase, "Failed") == 0 || strcmp(phase, "Succeeded") == 0;
}

/* ---- conditions ---- */

static json_t *conditions_of(struct object *pod)
{
	const json_t *conditions = json_at(object_tree(pod), "status.conditions");

	return conditions != NULL ? json_deep_copy(conditions) : json_array();
}

static void set_ready(const struct view *view, struct object *pod, json_t *conditions)
{
	pod_condition_set_ready(conditions, pod, view->now);
}

/* ---- containers ---- */

static bool is_sidecar(const json_t *container)
{
	return strcmp(json_string_at(container, "restartPolicy"), "Always") == 0;
}

static json_t *container_id(const struct view *view)
{
	struct random_state *random = view->random;

	return json_sprintf("simulated://%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64,
			    random_next(random), random_next(random), random_next(random),
			    random_next(random));
}

static json_t *container_status(const struct view *view, const json_t *container, json_t *state,
				bool runs)
{
	const char *image = json_string_at(container, "image");

	return json_pack("{ss so s{} sb si ss so so sb}", "name", json_string_at(container, "name"),
			 "state", state, "lastState", "ready", 1, "restartCount", 0, "image", image,
			 "imageID", json_sprintf("simulated://%s", image), "containerID",
			 container_id(view), "started", runs);
}

static json_t *running_state(const char *now)
{
	return json_pack("{s{ss}}", "running", "startedAt", now);
}

static json_t *statuses(const struct view *view, const json_t *containers, bool init)
{
	json_t *list = json_array();
	char now[TIMESTAMP_TEXT];
	const json_t *container;
	size_t i;

	time_text(view, now);
	json_array_foreach ((json_t *)containers, i, container) {
		bool runs = !init || is_sidecar(container);
		json_t *state =
			runs ? running_state(now)
			     : json_pack("{s{si ss ss ss}}", "terminated", "exitCode", 0, "reason",
					 "Completed", "startedAt", now, "finishedAt", now);

		json_array_append_new(list, container_status(view, container, state, runs));
	}
	return list;
}

/* The statuses that stand, with what was running ended. */
static json_t *ended_statuses(const struct view *view, const json_t *before, int exit_code,
			      const char *reason)
{
	json_t *list = before != NULL ? json_deep_copy(before) : json_array();
	char now[TIMESTAMP_TEXT];
	json_t *status;
	size_t i;

	time_text(view, now);
	json_array_foreach (list, i, status) {
		const char *started = json_string_at(status, "state.running.startedAt");

		if (json_at(status, "state.running") == NULL) {
			continue;
		}
		json_object_set_new(status, "state",
				    json_pack("{s{si ss ss ss ss}}", "terminated", "exitCode",
					      exit_code, "reason", reason, "startedAt",
					      started[0] != '\0' ? started : now, "finishedAt", now,
					      "containerID",
					      json_string_at(status, "containerID")));
		json_object_set_new(status, "ready", json_false());
		json_object_set_new(status, "started", json_false());
	}
	return list;
}

/* ---- whole statuses ---- */

static json_t *first_ip(const json_t *addresses)
{
	return json_string(json_string_at(json_array_get(addresses, 0), "ip"));
}

json_t *pod_status_running(const struct view *view, struct object *pod, json_t *pod_ips,
			   json_t *host_ips)
{
	const json_t *spec = json_object_get(object_tree(pod), "spec");
	const json_t *init = json_object_get(spec, "initContainers");
	json_t *conditions = conditions_of(pod);
	json_t *status = json_pack("{ss}", "phase", "Running");
	char now[TIMESTAMP_TEXT];

	time_text(view, now);
	pod_condition_set(conditions, view->now, "PodReadyToStartContainers", true, "", "");
	pod_condition_set(conditions, view->now, "Initialized", true, "", "");
	set_ready(view, pod, conditions);
	pod_condition_set(conditions, view->now, "ContainersReady", true, "", "");
	pod_condition_set(conditions, view->now, "PodScheduled", true, "", "");
	json_object_set_new(status, "conditions", pod_conditions_in_order(conditions));
	json_object_set_new(status, "hostIP", first_ip(host_ips));
	json_object_set_new(status, "hostIPs", host_ips);
	json_object_set_new(status, "podIP", first_ip(pod_ips));
	json_object_set_new(status, "podIPs", pod_ips);
	json_object_set_new(status, "startTime", json_string(now));
	if (json_array_size(init) > 0) {
		json_object_set_new(status, "initContainerStatuses",
				    statuses(view, init, /* init= */ true));
	}
	json_object_set_new(status, "containerStatuses",
			    statuses(view, json_object_get(spec, "containers"),
				     /* init= */ false));
	return status;
}

json_t *pod_status_ended(const struct view *view, struct object *pod, const char *phase,
			 const char *reason, const char *message)
{
	const json_t *before = json_object_get(object_tree(pod), "status");
	bool failed = strcmp(phase, "Failed") == 0;
	const char *why = failed ? "PodFailed" : "PodCompleted";
	json_t *status = json_pack("{ss}", "phase", phase);
	json_t *conditions = conditions_of(pod);

	if (reason[0] != '\0') {
		json_object_set_new(status, "reason", json_string(reason));
		json_object_set_new(status, "message", json_string(message));
	}
	pod_condition_set(conditions, view->now, "PodReadyToStartContainers", false, "", "");
	pod_condition_set(conditions, view->now, "Ready", false, why, "");
	pod_condition_set(conditions, view->now, "ContainersReady", false, why, "");
	json_object_set_new(status, "conditions", conditions);
	json_object_set_new(status, "containerStatuses",
			    ended_statuses(view, json_object_get(before, "containerStatuses"),
					   failed ? 137 : 0, failed ? "Error" : "Completed"));
	if (json_object_get(before, "initContainerStatuses") != NULL) {
		json_object_set_new(
			status, "initContainerStatuses",
			ended_statuses(view, json_object_get(before, "initContainerStatuses"),
				       failed ? 137 : 0, failed ? "Error" : "Completed"));
	}
	return status;
}

json_t *pod_status_rejected(const struct view *view, const char *reason, const char *message)
{
	char now[TIMESTAMP_TEXT];

	time_text(view, now);
	return json_pack("{ss ss ss ss}", "phase", "Failed", "reason", reason, "message", message,
			 "startTime", now);
}

json_t *pod_status_gates(const struct view *view, struct object *pod)
{
	const json_t *before = json_at(object_tree(pod), "status.conditions");
	const json_t *ready = pod_condition_find(before, "Ready");
	const char *gate = pod_condition_closed_gate(pod);
	bool was_ready = pod_condition_is_true(before, "Ready");
	json_t *conditions;

	if (json_array_size(json_at(object_tree(pod), "spec.readinessGates")) == 0 ||
	    was_ready == (gate == NULL)) {
		return NULL;
	}
	/* Not ready for another reason: because somebody said so. */
	if (!was_ready && strcmp(json_string_at(ready, "reason"), CONDITION_GATES_CLOSED) != 0) {
		return NULL;
	}
	conditions = json_deep_copy(before);
	set_ready(view, pod, conditions);
	return json_pack("{so}", "conditions", conditions);
}
