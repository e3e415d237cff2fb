/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is of no use any more goes: earlier lives of containers, dead sandboxes, and at the end
 * everything. A sandbox is stopped (which takes down its network) and removed (with all containers
 * in it); what could not go is tried again.
 */
#include "node/pod_intern.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"

#define COMPONENT "pod"

static const uint64_t call_ns = 120 * NS_PER_S;

bool leftover_is(const struct pod *pod, const char *id)
{
	list_for_each (known, &pod->leftovers, struct leftover, link) {
		if (strcmp(known->id, id) == 0) {
			return true;
		}
	}
	return false;
}

void leftover_add(struct pod *pod, const char *id, bool sandbox)
{
	struct leftover *leftover;

	if (leftover_is(pod, id)) {
		return;
	}
	leftover = MEM_NEW(struct leftover);
	leftover->id = mem_strdup(id);
	leftover->sandbox = sandbox;
	list_init(&leftover->link);
	list_append(&pod->leftovers, &leftover->link);
}

static void leftover_free(struct leftover *leftover)
{
	list_unlink(&leftover->link);
	mem_free(leftover->id);
	mem_free(leftover);
}

void leftovers_deinit(struct pod *pod)
{
	list_for_each (leftover, &pod->leftovers, struct leftover, link) {
		leftover_free(leftover);
	}
}

static void answered(struct pod_call *call, const struct grpc_outcome *outcome,
		     const ProtobufCMessage *answer)
{
	struct leftover *leftover = call->leftover;
	struct pod *pod = call->pod;

	leftover->busy = false;
	if (outcome->code != GRPC_OK && outcome->code != GRPC_NOT_FOUND) {
		log_warning(COMPONENT, "%.*s/%.*s: %s %s cannot be removed yet: %s",
			    STR_ARG(pod->object->space), POD_ARG(pod),
			    leftover->sandbox ? "sandbox" : "container", leftover->id,
			    outcome->message);
		pod_retry_later(pod);
	} else if (leftover->sandbox && !leftover->stopped) {
		leftover->stopped = true;
	} else {
		leftover_free(leftover);
	}
}

static void remove_leftover(struct pod *pod, struct leftover *leftover)
{
	Runtime__V1__StopPodSandboxRequest stop = RUNTIME__V1__STOP_POD_SANDBOX_REQUEST__INIT;
	Runtime__V1__RemovePodSandboxRequest gone = RUNTIME__V1__REMOVE_POD_SANDBOX_REQUEST__INIT;
	Runtime__V1__RemoveContainerRequest dead = RUNTIME__V1__REMOVE_CONTAINER_REQUEST__INIT;
	struct pod_call call = { .leftover = leftover, .answered = answered };

	leftover->busy = true;
	if (!leftover->sandbox) {
		dead.container_id = leftover->id;
		pod_ask(pod, call, RUNTIME_REMOVE_CONTAINER, &dead.base, call_ns);
	} else if (!leftover->stopped) {
		stop.pod_sandbox_id = leftover->id;
		pod_ask(pod, call, RUNTIME_STOP_POD_SANDBOX, &stop.base, call_ns);
	} else {
		gone.pod_sandbox_id = leftover->id;
		pod_ask(pod, call, RUNTIME_REMOVE_POD_SANDBOX, &gone.base, call_ns);
	}
}

void leftovers_sweep(struct pod *pod)
{
	if (alarm_is_set(&pod->retry)) {
		return;
	}
	list_for_each (leftover, &pod->leftovers, struct leftover, link) {
		if (!leftover->busy) {
			remove_leftover(pod, leftover);
		}
	}
}

void pod_step_cleaning(struct pod *pod)
{
	int error;

	if (pod->sandbox.id != NULL && !pod->sandbox.busy) {
		leftover_add(pod, pod->sandbox.id, /* sandbox= */ true);
		pod->sandbox.id = mem_free(pod->sandbox.id);
		pod->sandbox.ready = false;
	}
	if (!list_is_empty(&pod->leftovers) || pod->sandbox.busy || pod->changes > 0 ||
	    pod->preparing || alarm_is_set(&pod->retry)) {
		return; /* leftovers_sweep() follows this step */
	}
	error = pod->world->making->remove(pod->world->making_data, pod->object, pod->uid);
	if (error < 0) {
		log_warning(COMPONENT, "%.*s/%.*s: its volumes cannot be removed yet: %s",
			    STR_ARG(pod->object->space), POD_ARG(pod), strerror(-error));
		pod_retry_later(pod);
		return;
	}
	pod_move(pod, pod->removed ? POD_GONE : POD_DELETING);
}
