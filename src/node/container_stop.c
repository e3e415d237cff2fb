/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How containers end: preStop hooks at once and all together, then the main containers, then
 * sidecars from the last to the first, each when those behind it have ended or their time is over;
 * the runtime sends the stop signal, and SIGKILL when the grace is over. Everybody gets two seconds
 * at least.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
 */
#include "node/pod_intern.h"

#include <stdio.h>
#include <string.h>

#include "node/probes.h"
#include "json/json.h"

static const uint64_t grace_least_ns = 2 * NS_PER_S;
static const uint64_t retry_ns = NS_PER_S;
static const uint64_t call_spare_ns = 120 * NS_PER_S;

enum { GRACE_DEFAULT = 30, GRACE_MOST = INT32_MAX };

uint64_t pod_grace(const struct pod *pod)
{
	const json_t *tree = object_tree(pod->object);
	int64_t seconds = json_int_at(tree, "spec.terminationGracePeriodSeconds", GRACE_DEFAULT);

	if (pod->deleted) {
		seconds = json_int_at(tree, "metadata.deletionGracePeriodSeconds", seconds);
	}
	seconds = pod->orphan || seconds < 1 ? 1 : seconds;
	return (uint64_t)(seconds < GRACE_MOST ? seconds : GRACE_MOST) * NS_PER_S;
}

/* ---- the runtime's part ---- */

static void stop_answered(struct pod_call *call, const struct grpc_outcome *outcome,
			  const ProtobufCMessage *answer)
{
	struct container *container = call->container;

	if (outcome->code == GRPC_OK || outcome->code == GRPC_NOT_FOUND) {
		container_look(container);
	} else {
		container_move(container, CONTAINER_TURN);
		alarm_set(&container->alarm, retry_ns);
	}
}

static uint64_t left_until(const struct container *container)
{
	uint64_t now = pod_now(container->pod);
	uint64_t left = container->stop_until > now ? container->stop_until - now : 0;

	return left > grace_least_ns ? left : grace_least_ns;
}

static void ask_stop(struct container *container)
{
	Runtime__V1__StopContainerRequest request = RUNTIME__V1__STOP_CONTAINER_REQUEST__INIT;
	uint64_t left = left_until(container);

	request.container_id = container->now->id;
	request.timeout = (int64_t)((left + NS_PER_S - 1) / NS_PER_S);
	container->stop_asked = container->stop_until;
	pod_ask(container->pod,
		(struct pod_call){ .container = container, .answered = stop_answered },
		RUNTIME_STOP_CONTAINER, &request.base, left + call_spare_ns);
}

/* ---- beginning ---- */

static void pre_stop_done(struct container *container, bool fine, const char *message)
{
	if (!fine) {
		pod_event(container->pod, "Warning", "FailedPreStopHook", "PreStopHook failed");
	}
	if (container->state == CONTAINER_PRE_STOP) {
		container_move(container, CONTAINER_TURN);
	}
	pod_wake(container->pod);
}

static void begin_stop(struct container *container, uint64_t grace)
{
	const json_t *handler = json_at(container->spec, "lifecycle.preStop");

	hook_cancel(container); /* a postStart that never ends */
	container->stop_asked = 0;
	if (handler != NULL && !container->hooked) {
		container->hooked = true;
		container_move(container, CONTAINER_PRE_STOP);
		hook_start(container, handler, grace, pre_stop_done);
		alarm_set(&container->alarm, grace);
	} else {
		container_move(container, CONTAINER_TURN);
	}
}

/* ---- whose turn it is ---- */

static bool is_turn(const struct container *container)
{
	const struct pod *pod = container->pod;

	if (container->type != CONTAINER_SIDECAR || pod->state != POD_ENDING ||
	    container->stop_until <= pod_now(pod)) {
		return true;
	}
	for (const struct container *later = container + 1;
	     later < pod->containers + pod->n_containers; later++) {
		if (!container_is_quiet(later)) {
			return false;
		}
	}
	return true;
}

void container_step_stop(struct container *container)
{
	uint64_t now = pod_now(container->pod);

	if (container->state == CONTAINER_RUNNING && container->stop) {
		begin_stop(container, left_until(container)); /* the runtime was lost meanwhile */
	}
	if (container->state == CONTAINER_PRE_STOP && container->stop_until <= now) {
		hook_cancel(container);
		container_move(container, CONTAINER_TURN);
	}
	if (container->state == CONTAINER_TURN && !alarm_is_set(&container->alarm)) {
		if (is_turn(container)) {
			container_move(container, CONTAINER_STOPPING);
			ask_stop(container);
		} else {
			alarm_set(&container->alarm, container->stop_until - now);
		}
	} else if (container->state == CONTAINER_TURN && is_turn(container) &&
		   container->stop_asked == 0) {
		container_move(container, CONTAINER_STOPPING);
		ask_stop(container);
	}
}

/* ---- asking ---- */

/* It has been asked before: with less time now? */
static void hurry(struct container *container, uint64_t until)
{
	/* A second more or less is no hurry. */
	if (until + NS_PER_S > container->stop_until) {
		return;
	}
	container->stop_until = until;
	alarm_stop(&container->alarm);
	if (container->state == CONTAINER_PRE_STOP) {
		uint64_t now = pod_now(container->pod);

		alarm_set(&container->alarm, until > now ? until - now : 0);
	} else if (container->state == CONTAINER_STOPPING) {
		ask_stop(container);
	}
}

void container_stop(struct container *container, uint64_t grace, const char *why)
{
	uint64_t until = pod_now(container->pod) + grace;

	switch (container->state) {
	case CONTAINER_IMAGE:
	case CONTAINER_PULLING:
	case CONTAINER_WAITING:
		container_move(container,
			       container->now != NULL ? CONTAINER_ENDED : CONTAINER_IDLE);
		break;
	case CONTAINER_CREATING:
	case CONTAINER_STARTING:
	case CONTAINER_LOOKING:
		/* When that is through it is looked at again. */
		container->stop = true;
		break;
	case CONTAINER_POST_START:
	case CONTAINER_RUNNING:
		container->stop = true;
		container->stop_until = until;
		if (why != NULL) {
			pod_event(container->pod, "Normal", "Killing", "%s", why);
		}
		begin_stop(container, grace);
		break;
	case CONTAINER_PRE_STOP:
	case CONTAINER_TURN:
	case CONTAINER_STOPPING:
		hurry(container, until);
		break;
	default:
		break;
	}
}

/* ---- the end of a pod ---- */

void pod_step_ending(struct pod *pod)
{
	uint64_t until = pod_now(pod) + pod_grace(pod);
	bool quiet = !pod->sandbox.busy;

	if (pod->end_until == 0 || until < pod->end_until) {
		pod->end_until = until;
	}
	until = pod->end_until > pod_now(pod) ? pod->end_until - pod_now(pod) : 0;
	for (size_t i = 0; i < pod->n_containers; i++) {
		struct container *container = &pod->containers[i];
		char why[320];

		snprintf(why, sizeof(why), "Stopping container %s", container->name);
		container_stop(container, until, why);
		container_step_stop(container);
		quiet = quiet && container_is_quiet(container);
	}
	if (quiet) {
		pod_move(pod, pod->deleted || pod->removed ? POD_CLEANING : POD_ENDED);
	}
}
