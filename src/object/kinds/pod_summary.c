/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/pod_summary.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "object/kinds/cells.h"
#include "json/json.h"

/*
 * The status of a pod is the most telling word among several: its phase, the reason it was given,
 * what its first unfinished init container does, what its containers do (the first one listed has
 * the last word), and above all that it is being deleted.
 */

/* Restarts of a set of containers, and the end of the last run before one. */
struct restarts {
	int64_t n;
	int64_t last; /* ns */
};

static void restarts_add(struct restarts *restarts, const json_t *status)
{
	int64_t finished;

	restarts->n += json_int_at(status, "restartCount", 0);
	if (timestamp_parse(json_string_at(status, "lastState.terminated.finishedAt"), &finished) ==
		    0 &&
	    finished > restarts->last) {
		restarts->last = finished;
	}
}

static void set_status(struct pod_summary *summary, const char *text)
{
	buffer_clear(&summary->status);
	buffer_append_text(&summary->status, text);
}

static bool has_condition(const json_t *pod, const char *type, const char *status,
			  const char *reason)
{
	size_t i;
	json_t *condition;

	json_array_foreach (json_at(pod, "status.conditions"), i, condition) {
		if (strcmp(json_string_at(condition, "type"), type) == 0 &&
		    (status == NULL || strcmp(json_string_at(condition, "status"), status) == 0) &&
		    (reason == NULL || strcmp(json_string_at(condition, "reason"), reason) == 0)) {
			return true;
		}
	}
	return false;
}

/* An init container that restarts always is a sidecar: it runs beside the others (KEP-753). */
static bool is_sidecar(const json_t *pod, const char *name)
{
	size_t i;
	json_t *container;

	json_array_foreach (json_at(pod, "spec.initContainers"), i, container) {
		if (strcmp(json_string_at(container, "name"), name) == 0) {
			return strcmp(json_string_at(container, "restartPolicy"), "Always") == 0;
		}
	}
	return false;
}

/* "Error", or how it ended when no reason was given. */
static void write_termination(struct pod_summary *summary, const json_t *terminated)
{
	const char *reason = json_string_at(terminated, "reason");
	int64_t signal = json_int_at(terminated, "signal", 0);

	if (reason[0] != '\0') {
		buffer_append_text(&summary->status, reason);
	} else if (signal != 0) {
		buffer_printf(&summary->status, "Signal:%lld", (long long)signal);
	} else {
		buffer_printf(&summary->status, "ExitCode:%lld",
			      (long long)json_int_at(terminated, "exitCode", 0));
	}
}

/*
 * What init container number `index` says of the pod; false when it is done with and says nothing.
 */
static bool read_init_container(struct pod_summary *summary, const json_t *pod,
				const json_t *status, size_t index, bool sidecar)
{
	const json_t *terminated = json_at(status, "state.terminated");
	const char *waiting = json_string_at(status, "state.waiting.reason");

	if (terminated != NULL && json_int_at(terminated, "exitCode", 0) == 0) {
		return false;
	}
	if (sidecar && json_bool_at(status, "started", false)) {
		summary->ready += json_bool_at(status, "ready", false);
		return false;
	}
	set_status(summary, "Init:");
	if (terminated != NULL) {
		write_termination(summary, terminated);
	} else if (waiting[0] != '\0' && strcmp(waiting, "PodInitializing") != 0) {
		buffer_append_text(&summary->status, waiting);
	} else {
		buffer_printf(&summary->status, "%zu/%zu", index,
			      json_array_size(json_at(pod, "spec.initContainers")));
	}
	return true;
}

/* Returns true while an init container is under way. */
static bool read_init_containers(struct pod_summary *summary, const json_t *pod,
				 struct restarts *all, struct restarts *sidecars)
{
	size_t i;
	json_t *status;

	json_array_foreach (json_at(pod, "status.initContainerStatuses"), i, status) {
		bool sidecar = is_sidecar(pod, json_string_at(status, "name"));

		restarts_add(all, status);
		if (sidecar) {
			restarts_add(sidecars, status);
		}
		if (read_init_container(summary, pod, status, i, sidecar)) {
			return true;
		}
	}
	return false;
}

static void read_containers(struct pod_summary *summary, const json_t *pod,
			    struct restarts *restarts)
{
	const json_t *statuses = json_at(pod, "status.containerStatuses");
	bool running = false;

	for (size_t i = json_array_size(statuses); i-- > 0;) {
		const json_t *status = json_array_get(statuses, i);
		const json_t *terminated = json_at(status, "state.terminated");
		const char *waiting = json_string_at(status, "state.waiting.reason");

		restarts_add(restarts, status);
		if (waiting[0] != '\0') {
			set_status(summary, waiting);
		} else if (terminated != NULL) {
			buffer_clear(&summary->status);
			write_termination(summary, terminated);
		} else if (json_bool_at(status, "ready", false) &&
			   json_at(status, "state.running") != NULL) {
			running = true;
			summary->ready++;
		}
	}
	if (running && strcmp(buffer_text(&summary->status), "Completed") == 0) {
		set_status(summary,
			   has_condition(pod, "Ready", "True", NULL) ? "Running" : "NotReady");
	}
}

static void read_deletion(struct pod_summary *summary, const json_t *pod)
{
	const char *phase = json_string_at(pod, "status.phase");

	if (json_string_at(pod, "metadata.deletionTimestamp")[0] == '\0') {
		return;
	}
	if (strcmp(json_string_at(pod, "status.reason"), "NodeLost") == 0) {
		set_status(summary, "Unknown");
	} else if (strcmp(phase, "Succeeded") != 0 && strcmp(phase, "Failed") != 0) {
		set_status(summary, "Terminating");
	}
}

static int64_t count_containers(const json_t *pod)
{
	int64_t n = (int64_t)json_array_size(json_at(pod, "spec.containers"));
	size_t i;
	json_t *container;

	json_array_foreach (json_at(pod, "spec.initContainers"), i, container) {
		n += strcmp(json_string_at(container, "restartPolicy"), "Always") == 0;
	}
	return n;
}

void pod_summary_init(const json_t *pod, struct pod_summary *ret)
{
	struct restarts all = { 0 };
	struct restarts sidecars = { 0 };
	const char *reason = json_string_at(pod, "status.reason");

	*ret = (struct pod_summary){ .status = BUFFER_INIT(CELL_MAX),
				     .containers = count_containers(pod) };
	set_status(ret, reason[0] != '\0' ? reason : json_string_at(pod, "status.phase"));
	if (has_condition(pod, "PodScheduled", NULL, "SchedulingGated")) {
		set_status(ret, "SchedulingGated");
	}
	bool initializing = read_init_containers(ret, pod, &all, &sidecars);

	if (!initializing || has_condition(pod, "Initialized", "True", NULL)) {
		all = sidecars;
		read_containers(ret, pod, &all);
	}
	read_deletion(ret, pod);
	ret->restarts = all.n;
	ret->last_restart = all.last / (int64_t)NS_PER_S;
}

void pod_summary_deinit(struct pod_summary *summary)
{
	buffer_deinit(&summary->status);
}
