/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox of a pod: its network and what its containers share. It is made when the volumes are
 * there; when it dies while the pod should go on, what is left is stopped, and a new one made.
 */
#include "node/pod_intern.h"

#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "json/json.h"

#define COMPONENT "pod"

static const uint64_t run_ns = 240 * NS_PER_S;
static const uint64_t call_ns = 120 * NS_PER_S;

/* ---- what it is ---- */

static void set_ip(struct pod *pod, size_t i, const char *ip)
{
	if (i < POD_IPS) {
		mem_free((char *)pod->ips[i]);
		pod->ips[i] = ip != NULL && ip[0] != '\0' ? mem_strdup(ip) : NULL;
	}
}

static void learn_ips(struct pod *pod, const Runtime__V1__PodSandboxNetworkStatus *network)
{
	const struct node_config *node = pod->world->node;

	for (size_t i = 0; i < POD_IPS; i++) {
		set_ip(pod, i, NULL);
	}
	if (json_bool_at(object_tree(pod->object), "spec.hostNetwork", false)) {
		for (size_t i = 0; i < POD_IPS && node->node_ips[i] != NULL; i++) {
			set_ip(pod, i, node->node_ips[i]);
		}
	} else if (network != NULL) {
		set_ip(pod, 0, network->ip);
		for (size_t i = 0; i < network->n_additional_ips; i++) {
			set_ip(pod, i + 1, network->additional_ips[i]->ip);
		}
	}
}

static void write_hosts(struct pod *pod)
{
	int error = pod->world->making->write_hosts(pod->world->making_data, pod->object, pod->ips);

	if (error < 0) {
		log_warning(COMPONENT, "%.*s/%.*s: cannot write its hosts file: %s",
			    STR_ARG(pod->object->space), POD_ARG(pod), strerror(-error));
	}
}

static void look_answered(struct pod_call *call, const struct grpc_outcome *outcome,
			  const ProtobufCMessage *answer)
{
	const Runtime__V1__PodSandboxStatusResponse *found =
		(const Runtime__V1__PodSandboxStatusResponse *)answer;
	struct pod *pod = call->pod;

	pod->sandbox.busy = false;
	if (outcome->code != GRPC_OK && outcome->code != GRPC_NOT_FOUND) {
		pod->look = true;
		return;
	}
	pod->sandbox.looked = true;
	pod->sandbox.ready = answer != NULL && found->status != NULL &&
			     found->status->state == RUNTIME__V1__POD_SANDBOX_STATE__SANDBOX_READY;
	if (pod->sandbox.ready) {
		learn_ips(pod, found->status->network);
		write_hosts(pod);
	}
}

void sandbox_look(struct pod *pod)
{
	Runtime__V1__PodSandboxStatusRequest request =
		RUNTIME__V1__POD_SANDBOX_STATUS_REQUEST__INIT;

	if (pod->sandbox.id == NULL || pod->sandbox.busy) {
		return;
	}
	pod->sandbox.busy = true;
	request.pod_sandbox_id = pod->sandbox.id;
	pod_ask(pod, (struct pod_call){ .answered = look_answered }, RUNTIME_POD_SANDBOX_STATUS,
		&request.base, call_ns);
}

/* ---- making one ---- */

static void failed(struct pod *pod, const char *message)
{
	pod_event(pod, "Warning", "FailedCreatePodSandBox", "Failed to create pod sandbox: %s",
		  message);
	pod_retry_later(pod);
}

static void run_answered(struct pod_call *call, const struct grpc_outcome *outcome,
			 const ProtobufCMessage *answer)
{
	const Runtime__V1__RunPodSandboxResponse *made =
		(const Runtime__V1__RunPodSandboxResponse *)answer;
	struct pod *pod = call->pod;

	pod->sandbox.busy = false;
	if (outcome->code != GRPC_OK) {
		failed(pod, outcome->message);
		pod->sandbox.attempt++; /* the name of this one may be taken */
		return;
	}
	mem_free(pod->sandbox.id);
	pod->sandbox.id = mem_strdup(made->pod_sandbox_id);
	pod->sandbox.ready = true;
	pod->sandbox.looked = false;
	pod->retry_ns = 0;
}

static void run(struct pod *pod)
{
	Runtime__V1__RunPodSandboxRequest request = RUNTIME__V1__RUN_POD_SANDBOX_REQUEST__INIT;
	struct pod_inputs inputs = pod_inputs(pod);
	char message[POD_CONFIG_MESSAGE] = "";
	struct arena arena;

	arena_init(&arena, LIMIT_POD_CONFIG);
	if (pod->world->making->sandbox(pod->world->making_data, &inputs, pod->sandbox.attempt,
					&arena, &request.config, message) != POD_CONFIG_FINE) {
		failed(pod, message);
	} else {
		pod->sandbox.busy = true;
		pod_ask(pod, (struct pod_call){ .answered = run_answered }, RUNTIME_RUN_POD_SANDBOX,
			&request.base, run_ns);
	}
	arena_deinit(&arena);
}

void pod_step_sandbox(struct pod *pod)
{
	if (pod->sandbox.busy || alarm_is_set(&pod->retry)) {
		return;
	}
	if (pod->sandbox.id == NULL) {
		run(pod);
	} else if (!pod->sandbox.looked) {
		sandbox_look(pod);
	} else {
		pod_move(pod, pod->sandbox.ready ? POD_INIT : POD_RESETTING);
	}
}

/* ---- taking one down ---- */

static void stop_answered(struct pod_call *call, const struct grpc_outcome *outcome,
			  const ProtobufCMessage *answer)
{
	struct pod *pod = call->pod;

	pod->sandbox.busy = false;
	if (outcome->code == GRPC_OK || outcome->code == GRPC_NOT_FOUND) {
		pod->sandbox.ready = false;
		pod->retry_ns = 0;
	} else {
		pod_retry_later(pod);
	}
}

void sandbox_stop(struct pod *pod)
{
	Runtime__V1__StopPodSandboxRequest request = RUNTIME__V1__STOP_POD_SANDBOX_REQUEST__INIT;

	if (pod->sandbox.id == NULL || pod->sandbox.busy || alarm_is_set(&pod->retry)) {
		return;
	}
	pod->sandbox.busy = true;
	request.pod_sandbox_id = pod->sandbox.id;
	pod_ask(pod, (struct pod_call){ .answered = stop_answered }, RUNTIME_STOP_POD_SANDBOX,
		&request.base, call_ns);
}

static bool stop_containers(struct pod *pod)
{
	bool quiet = true;

	for (size_t i = 0; i < pod->n_containers; i++) {
		struct container *container = &pod->containers[i];

		container_stop(container, pod_grace(pod),
			       "Pod sandbox changed, it will be killed "
			       "and re-created.");
		container_step_stop(container);
		quiet = quiet && container_is_quiet(container);
	}
	return quiet;
}

static bool all_done(const struct pod *pod)
{
	for (size_t i = pod->n_init; i < pod->n_containers; i++) {
		const struct container *container = &pod->containers[i];

		if (container->now == NULL || container_wants_restart(container)) {
			return false;
		}
	}
	return true;
}

/* What is stopped is removed with its sandbox, once a new one is there. */
void pod_step_resetting(struct pod *pod)
{
	if (!stop_containers(pod) || pod->sandbox.busy) {
		return;
	}
	if (all_done(pod)) {
		pod_move(pod, POD_ENDING);
		return;
	}
	pod_event(pod, "Normal", "SandboxChanged",
		  "Pod sandbox changed, it will be killed and re-created.");
	if (pod->sandbox.id != NULL) {
		leftover_add(pod, pod->sandbox.id, /* sandbox= */ true);
		pod->sandbox.id = mem_free(pod->sandbox.id);
	}
	pod->sandbox.attempt++;
	pod->sandbox.ready = false;
	pod->sandbox.looked = false;
	pod->has_been_inited = false;
	for (size_t i = 0; i < POD_IPS; i++) {
		set_ip(pod, i, NULL);
	}
	pod_move(pod, POD_VOLUMES);
}
