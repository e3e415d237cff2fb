/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifecycle hooks: a command in the container, a GET, a connection, or some time. One is under way
 * for a container at most; what comes after it was given up is known by its number.
 * https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
 */
#include "node/pod_intern.h"

#include <stdio.h>
#include <string.h>

#include "node/probes.h"
#include "json/json.h"

static const uint64_t knock_ns = 60 * NS_PER_S; /* of a hook without a limit of its own */

struct hook {
	struct container *container;
	hook_done_fn done;
	struct knock *knock;
	struct alarm alarm; /* of a sleep, and of what goes wrong at once */
	const char *problem; /* "" when the alarm means success */
	uint64_t command; /* executed: its number */
};

void hook_cancel(struct container *container)
{
	struct hook *hook = take(container->hook);

	if (hook != NULL) {
		alarm_stop(&hook->alarm);
		container->pod->world->probing->cancel(hook->knock);
		mem_free(hook);
	}
}

static void finish(struct hook *hook, const char *problem)
{
	struct container *container = hook->container;
	hook_done_fn done = hook->done;

	hook_cancel(container);
	done(container, problem[0] == '\0', problem);
}

static void rings(void *userdata)
{
	struct hook *hook = userdata;

	finish(hook, hook->problem);
}

static void knocked(void *userdata, int status, const char *message)
{
	struct hook *hook = userdata;
	char text[KNOCK_MESSAGE];

	hook->knock = NULL;
	snprintf(text, sizeof(text), "%s", message);
	if (text[0] == '\0' && status != 0 && (status < 200 || status >= 400)) {
		snprintf(text, sizeof(text), "HTTP status %d", status);
	}
	finish(hook, text);
}

static void executed(struct pod_call *call, const struct grpc_outcome *outcome,
		     const ProtobufCMessage *answer)
{
	const Runtime__V1__ExecSyncResponse *done = (const Runtime__V1__ExecSyncResponse *)answer;
	struct hook *hook = call->container->hook;
	char text[KNOCK_MESSAGE] = "";

	if (hook == NULL || hook->command != call->command) {
		return;
	}
	if (outcome->code != GRPC_OK) {
		snprintf(text, sizeof(text), "%s", outcome->message);
	} else if (done->exit_code != 0) {
		snprintf(text, sizeof(text), "command exited with %d", done->exit_code);
	}
	finish(hook, text);
}

uint64_t container_execute(struct container *container, const json_t *command, uint64_t timeout,
			   struct pod_call call)
{
	Runtime__V1__ExecSyncRequest request = RUNTIME__V1__EXEC_SYNC_REQUEST__INIT;
	char **words = mem_alloc_array(json_array_size(command) + 1, sizeof(*words));
	const json_t *word;
	size_t i;

	json_array_foreach ((json_t *)command, i, word) {
		words[i] = (char *)json_string_value(word);
	}
	request.container_id = container->now->id;
	request.n_cmd = json_array_size(command);
	request.cmd = words;
	request.timeout = (int64_t)((timeout + NS_PER_S - 1) / NS_PER_S);
	call.container = container;
	call.any_turn = true;
	call.command = ++container->pod->commands;
	pod_ask(container->pod, call, RUNTIME_EXEC_SYNC, &request.base,
		timeout > 0 ? timeout + 10 * NS_PER_S : 0);
	mem_free(words);
	return call.command;
}

static void knock(struct hook *hook, const json_t *handler, bool http, uint64_t timeout)
{
	const struct container *container = hook->container;
	const struct probing *probing = container->pod->world->probing;
	struct knock_request request = probe_request(container, handler, http);

	request.timeout = timeout > 0 ? timeout : knock_ns;
	if (request.port == 0 && json_object_get(handler, "port") == NULL) {
		request.port = request.tls ? 443 : 80; /* as kubelet has it for hooks */
	}
	if (request.address == NULL || request.port == 0) {
		hook->problem = "no such port, or no address";
		alarm_set(&hook->alarm, 0);
		return;
	}
	hook->knock = probing->start(probing->data, &request, knocked, hook);
}

void hook_start(struct container *container, const json_t *handler, uint64_t timeout,
		hook_done_fn done)
{
	const json_t *command = json_at(handler, "exec.command");
	const json_t *http = json_object_get(handler, "httpGet");
	const json_t *tcp = json_object_get(handler, "tcpSocket");
	int64_t seconds = json_int_at(handler, "sleep.seconds", 0);
	struct hook *hook = MEM_NEW(struct hook);

	hook_cancel(container);
	container->hook = hook;
	hook->container = container;
	hook->done = done;
	hook->problem = "";
	alarm_init(&hook->alarm, container->pod->world->timetable, rings, hook);
	if (command != NULL) {
		hook->command = container_execute(container, command, timeout,
						  (struct pod_call){ .answered = executed });
	} else if (http != NULL || tcp != NULL) {
		knock(hook, http != NULL ? http : tcp, http != NULL, timeout);
	} else {
		alarm_set(&hook->alarm, (uint64_t)(seconds > 0 ? seconds : 0) * NS_PER_S);
	}
}
