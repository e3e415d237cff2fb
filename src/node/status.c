/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod's status says, made anew from all that is known each time; nothing is remembered but
 * the conditions that stand (their times, and those of others).
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
 */
#include "node/pod_intern.h"

#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "node/conditions.h"
#include "json/json.h"
#include "json/patch.h"

static json_t *time_json(int64_t ns)
{
	char text[TIMESTAMP_TEXT];

	timestamp_format(ns / (int64_t)NS_PER_S, text);
	return json_string(text);
}

static bool has_exited(const struct instance *instance)
{
	return instance != NULL &&
	       instance->state == RUNTIME__V1__CONTAINER_STATE__CONTAINER_EXITED;
}

/* ---- a container ---- */

static json_t *terminated(const struct instance *instance)
{
	const char *reason = instance->reason[0] != '\0' ? instance->reason
			     : instance->exit_code == 0  ? "Completed"
							 : "Error";
	json_t *state =
		json_pack("{si ss}", "exitCode", (int)instance->exit_code, "reason", reason);

	if (instance->message[0] != '\0') {
		json_object_set_new(state, "message", json_string(instance->message));
	}
	json_object_set_new(state, "startedAt",
			    time_json(instance->started_at > 0 ? instance->started_at
							       : instance->finished_at));
	json_object_set_new(state, "finishedAt", time_json(instance->finished_at));
	json_object_set_new(state, "containerID", json_sprintf("containerd://%s", instance->id));
	return json_pack("{so}", "terminated", state);
}

static json_t *waiting(const struct container *container)
{
	const struct pod *pod = container->pod;
	const char *reason = container->reason;
	json_t *state;

	if (reason[0] == '\0') {
		reason = pod->n_init > 0 && !pod->has_been_inited ? "PodInitializing"
								  : "ContainerCreating";
	}
	state = json_pack("{ss}", "reason", reason);
	if (container->reason[0] != '\0' && container->message != NULL &&
	    container->message[0] != '\0') {
		json_object_set_new(state, "message", json_string(container->message));
	}
	return json_pack("{so}", "waiting", state);
}

static bool runs(const struct container *container)
{
	return container_is_up(container) ||
	       (container->state == CONTAINER_LOOKING &&
		container->now->state == RUNTIME__V1__CONTAINER_STATE__CONTAINER_RUNNING);
}

static json_t *state_of(const struct container *container, const struct instance **ret_last)
{
	const struct instance *now = container->now;

	*ret_last = container->before;
	if (runs(container)) {
		return json_pack("{s{so}}", "running", "startedAt", time_json(now->started_at));
	}
	if (container->state == CONTAINER_ENDED) {
		return terminated(now);
	}
	if (has_exited(now)) {
		*ret_last = now;
		if (container->reason[0] == '\0') {
			*ret_last = container->before;
			return terminated(now); /* it is being started again */
		}
	}
	return waiting(container);
}

static bool is_ready(const struct container *container)
{
	if (container->type == CONTAINER_INIT) {
		return container_succeeded(container);
	}
	return runs(container) && container->started && container->ready;
}

static json_t *container_status(const struct container *container)
{
	const struct instance *now = container->now;
	const struct instance *last;
	json_t *state = state_of(container, &last);
	json_t *status =
		json_pack("{ss so so sb si ss ss sb}", "name", container->name, "state", state,
			  "lastState", has_exited(last) ? terminated(last) : json_object(), "ready",
			  is_ready(container), "restartCount", (int)container->restarts, "image",
			  now != NULL && now->image[0] != '\0'
				  ? now->image
				  : json_string_at(container->spec, "image"),
			  "imageID", now != NULL ? now->image_ref : "", "started",
			  runs(container) && container->started);

	if (now != NULL) {
		json_object_set_new(status, "containerID",
				    json_sprintf("containerd://%s", now->id));
	}
	return status;
}

static json_t *statuses(const struct pod *pod, size_t from, size_t to)
{
	json_t *list = json_array();

	for (size_t i = from; i < to; i++) {
		json_array_append_new(list, container_status(&pod->containers[i]));
	}
	return list;
}

/* ---- the phase ---- */

static const char *final_phase(const struct pod *pod)
{
	if (pod->failed) {
		return "Failed";
	}
	for (size_t i = pod->n_init; i < pod->n_containers; i++) {
		if (!container_succeeded(&pod->containers[i])) {
			return "Failed";
		}
	}
	return "Succeeded";
}

static const char *phase_of(const struct pod *pod)
{
	const char *before = json_string_at(object_tree(pod->object), "status.phase");

	if (pod->state >= POD_ENDED) {
		return final_phase(pod);
	}
	if (!pod->has_been_inited) {
		return pod->state == POD_ENDING && before[0] != '\0' ? before : "Pending";
	}
	for (size_t i = pod->n_init; i < pod->n_containers; i++) {
		if (pod->containers[i].now == NULL ||
		    (!runs(&pod->containers[i]) && !has_exited(pod->containers[i].now) &&
		     pod->containers[i].before == NULL)) {
			return "Pending"; /* one was never started */
		}
	}
	return "Running";
}

/* ---- conditions ---- */

/* "containers with …: [a b]"; false: there are none. */
static bool name_those(const struct pod *pod, bool init, const char *what, struct buffer *out)
{
	bool any = false;

	buffer_append_text(out, what);
	for (size_t i = 0; i < pod->n_containers; i++) {
		const struct container *container = &pod->containers[i];
		bool counts = init ? i < pod->n_init : container->type != CONTAINER_INIT;
		bool fine = init && container->type == CONTAINER_SIDECAR ? container->started
									 : is_ready(container);

		if (counts && !fine) {
			buffer_printf(out, "%s%s", any ? " " : "[", container->name);
			any = true;
		}
	}
	buffer_append_text(out, "]");
	return any;
}

static void set_initialized(const struct pod *pod, json_t *conditions)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_EVENT_MESSAGE * 8);

	if (pod->has_been_inited || pod->n_init == 0 ||
	    !name_those(pod, true, "containers with incomplete status: ", &text)) {
		pod_condition_set(conditions, pod_wall(pod), "Initialized", true, "", "");
	} else {
		pod_condition_set(conditions, pod_wall(pod), "Initialized", false,
				  "ContainersNotInitialized", buffer_text(&text));
	}
}

static void set_readiness(const struct pod *pod, json_t *conditions, const char *phase)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_EVENT_MESSAGE * 8);
	const char *reason = NULL;
	const char *message = "";

	if (strcmp(phase, "Succeeded") == 0) {
		reason = "PodCompleted";
	} else if (strcmp(phase, "Failed") == 0) {
		reason = "PodFailed";
	} else if (name_those(pod, false, "containers with unready status: ", &text)) {
		reason = "ContainersNotReady";
		message = buffer_text(&text);
	}
	if (reason != NULL) {
		pod_condition_set(conditions, pod_wall(pod), "ContainersReady", false, reason,
				  message);
		pod_condition_set(conditions, pod_wall(pod), "Ready", false, reason, message);
	} else {
		pod_condition_set(conditions, pod_wall(pod), "ContainersReady", true, "", "");
		pod_condition_set_ready(conditions, pod->object, pod_wall(pod));
	}
}

static json_t *conditions_of(const struct pod *pod, const char *phase)
{
	const json_t *before = json_at(object_tree(pod->object), "status.conditions");
	json_t *conditions = before != NULL ? json_deep_copy(before) : json_array();

	pod_condition_set(conditions, pod_wall(pod), "PodReadyToStartContainers",
			  pod->sandbox.ready && pod->sandbox.looked, "", "");
	set_initialized(pod, conditions);
	set_readiness(pod, conditions, phase);
	pod_condition_set(conditions, pod_wall(pod), "PodScheduled", true, "", "");
	return pod_conditions_in_order(conditions);
}

/* ---- all of it ---- */

static void set_addresses(json_t *status, const char *one, const char *many,
			  const char *const *addresses)
{
	json_t *list;

	if (addresses[0] == NULL) {
		return;
	}
	list = json_array();
	for (size_t i = 0; i < POD_IPS && addresses[i] != NULL; i++) {
		json_array_append_new(list, json_pack("{ss}", "ip", addresses[i]));
	}
	json_object_set_new(status, one, json_string(addresses[0]));
	json_object_set_new(status, many, list);
}

json_t *pod_status(const struct pod *pod)
{
	const char *phase = phase_of(pod);
	json_t *status = json_pack("{ss}", "phase", phase);

	if (pod->end_reason != NULL) {
		json_object_set_new(status, "reason", json_string(pod->end_reason));
		json_object_set_new(status, "message", json_string(pod->end_message));
	}
	json_object_set_new(status, "startTime", time_json(pod->start_time));
	if (pod->end_reason != NULL && pod->state == POD_ENDED && pod->sandbox.id == NULL &&
	    !pod->sandbox.looked) {
		return status; /* rejected: it never began */
	}
	json_object_set_new(status, "conditions", conditions_of(pod, phase));
	set_addresses(status, "hostIP", "hostIPs", pod->world->node->node_ips);
	set_addresses(status, "podIP", "podIPs", pod->ips);
	if (pod->n_init > 0) {
		json_object_set_new(status, "initContainerStatuses", statuses(pod, 0, pod->n_init));
	}
	json_object_set_new(status, "containerStatuses",
			    statuses(pod, pod->n_init, pod->n_containers));
	return status;
}

bool pod_status_differs(const json_t *before, const json_t *now)
{
	_cleanup_json_ json_t *merged =
		before != NULL ? json_merge_patch(before, now) : json_incref((json_t *)now);

	return before == NULL || !json_equal(before, merged);
}
