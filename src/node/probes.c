/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe is an alarm, a question under way, and a count of equal results. Until the startup probe
 * has succeeded, the others wait; when the pod is ending, readiness alone goes on (its address has
 * to leave DNS when it says so).
 */
#include "node/probes.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "node/pod_intern.h"
#include "json/json.h"

enum probe_type { PROBE_STARTUP, PROBE_LIVENESS, PROBE_READINESS };

static const struct {
	const char *field;
	const char *name; /* in events */
} types[PROBES] = {
	[PROBE_STARTUP] = { "startupProbe", "Startup" },
	[PROBE_LIVENESS] = { "livenessProbe", "Liveness" },
	[PROBE_READINESS] = { "readinessProbe", "Readiness" },
};

struct probe {
	struct container *container;
	struct pod *pod;
	enum probe_type type;
	const json_t *spec; /* owned */
	struct alarm alarm;
	struct knock *knock; /* under way */
	uint64_t asking; /* number of the command that the runtime executes; 0: none */
	bool success; /* the last result */
	int64_t run; /* how many times in a row */
};

static uint64_t seconds_of(const json_t *spec, const char *field, int64_t otherwise)
{
	int64_t seconds = json_int_at(spec, field, otherwise);

	return (uint64_t)(seconds < 0 ? 0 : seconds) * NS_PER_S;
}

static uint64_t timeout_of(const struct probe *probe)
{
	uint64_t timeout = seconds_of(probe->spec, "timeoutSeconds", 1);

	return timeout > 0 ? timeout : NS_PER_S;
}

/* ---- what follows from a result ---- */

static void kill_container(struct probe *probe)
{
	struct container *container = probe->container;
	int64_t own = json_int_at(probe->spec, "terminationGracePeriodSeconds", -1);
	uint64_t grace = own >= 0 ? (uint64_t)own * NS_PER_S : pod_grace(container->pod);
	char why[320];

	snprintf(why, sizeof(why), "Container %s failed %s probe, will be restarted",
		 container->name, probe->type == PROBE_STARTUP ? "startup" : "liveness");
	container_stop(container, grace, why);
}

static void conclude(struct probe *probe)
{
	struct container *container = probe->container;

	switch (probe->type) {
	case PROBE_STARTUP:
		if (probe->success) {
			container->started = true;
			alarm_stop(&probe->alarm); /* it has done its work */
		} else {
			kill_container(probe);
		}
		break;
	case PROBE_LIVENESS:
		if (!probe->success) {
			kill_container(probe);
		}
		break;
	case PROBE_READINESS:
		container->ready = probe->success;
		break;
	}
	pod_wake(container->pod);
}

/* `message` "" for success. `errored`: it could not even be asked. */
static void result(struct probe *probe, bool success, bool errored, const char *message)
{
	int64_t threshold =
		json_int_at(probe->spec, success ? "successThreshold" : "failureThreshold",
			    success ? 1 : 3);

	probe->run = probe->success == success && probe->run > 0 ? probe->run + 1 : 1;
	probe->success = success;
	if (!success) {
		pod_event(probe->pod, "Warning", "Unhealthy", "%s probe %s: %s",
			  types[probe->type].name, errored ? "errored" : "failed", message);
	}
	if (probe->run >= threshold) {
		conclude(probe);
	}
}

/* ---- asking ---- */

static void knocked(void *userdata, int status, const char *message)
{
	struct probe *probe = userdata;
	bool fine = message[0] == '\0' && (json_object_get(probe->spec, "httpGet") == NULL ||
					   (status >= 200 && status < 400));
	char text[KNOCK_MESSAGE];

	probe->knock = NULL;
	if (message[0] == '\0' && !fine) {
		snprintf(text, sizeof(text), "HTTP probe failed with statuscode: %d", status);
		message = text;
	}
	result(probe, fine, /* errored= */ false, message);
}

static uint16_t port_of(const struct container *container, const json_t *port)
{
	const json_t *each;
	size_t i;

	if (json_is_integer(port)) {
		json_int_t number = json_integer_value(port);

		return number > 0 && number <= UINT16_MAX ? (uint16_t)number : 0;
	}
	json_array_foreach (json_object_get(container->spec, "ports"), i, each) {
		if (json_is_string(port) &&
		    strcmp(json_string_at(each, "name"), json_string_value(port)) == 0) {
			return (uint16_t)json_int_at(each, "containerPort", 0);
		}
	}
	return 0;
}

struct knock_request probe_request(const struct container *container, const json_t *handler,
				   bool http)
{
	const char *host = json_string_at(handler, "host");
	const char *path = json_string_at(handler, "path");

	return (struct knock_request){
		.address = host[0] != '\0' ? host : container->pod->ips[0],
		.port = port_of(container, json_object_get(handler, "port")),
		.http = http,
		.tls = strcmp(json_string_at(handler, "scheme"), "HTTPS") == 0,
		.path = path[0] != '\0' ? path : "/",
		.headers = json_object_get(handler, "httpHeaders"),
	};
}

static void knock(struct probe *probe, const json_t *handler, bool http)
{
	const struct container *container = probe->container;
	const struct probing *probing = container->pod->world->probing;
	struct knock_request request = probe_request(container, handler, http);

	request.timeout = timeout_of(probe);
	if (request.address == NULL || request.port == 0) {
		result(probe, false, /* errored= */ true,
		       request.port == 0 ? "couldn't find port" : "the pod has no address");
		return;
	}
	probe->knock = probing->start(probing->data, &request, knocked, probe);
}

static void executed(struct pod_call *call, const struct grpc_outcome *outcome,
		     const ProtobufCMessage *answer);

/* The answer may come when the probe is long over: the pod keeps the memory of containers only. */
static void execute(struct probe *probe, const json_t *command)
{
	probe->asking =
		container_execute(probe->container, command, timeout_of(probe),
				  (struct pod_call){ .probe = probe->type, .answered = executed });
}

static void executed(struct pod_call *call, const struct grpc_outcome *outcome,
		     const ProtobufCMessage *answer)
{
	const Runtime__V1__ExecSyncResponse *done = (const Runtime__V1__ExecSyncResponse *)answer;
	struct probe *probe = call->container->probes[call->probe];
	char text[KNOCK_MESSAGE];

	if (probe == NULL || probe->asking != call->command) {
		return;
	}
	probe->asking = 0;
	if (outcome->code == GRPC_DEADLINE_EXCEEDED) {
		snprintf(text, sizeof(text), "command timed out after %d s",
			 (int)(timeout_of(probe) / NS_PER_S));
		result(probe, false, /* errored= */ false, text);
	} else if (outcome->code != GRPC_OK) {
		result(probe, false, /* errored= */ true, outcome->message);
	} else if (done->exit_code == 0) {
		result(probe, true, false, "");
	} else {
		snprintf(text, sizeof(text), "%.*s%.*s", (int)(done->stdout.len % KNOCK_MESSAGE),
			 (const char *)done->stdout.data, (int)(done->stderr.len % KNOCK_MESSAGE),
			 (const char *)done->stderr.data);
		result(probe, false, /* errored= */ false, text);
	}
}

static void ask(struct probe *probe)
{
	const json_t *command = json_at(probe->spec, "exec.command");
	const json_t *http = json_object_get(probe->spec, "httpGet");
	const json_t *tcp = json_object_get(probe->spec, "tcpSocket");

	if (command != NULL) {
		execute(probe, command);
	} else if (http != NULL) {
		knock(probe, http, true);
	} else if (tcp != NULL) {
		knock(probe, tcp, false);
	} else {
		result(probe, false, /* errored= */ true,
		       "this agent knows exec, httpGet and tcpSocket probes only");
	}
}

static bool may_ask(const struct probe *probe)
{
	const struct container *container = probe->container;
	bool running =
		container->state == CONTAINER_RUNNING || container->state == CONTAINER_POST_START;

	if (probe->type == PROBE_STARTUP) {
		return running && !container->started && container->pod->state < POD_ENDING;
	}
	if (probe->type == PROBE_LIVENESS) {
		return running && container->started && container->pod->state < POD_ENDING;
	}
	return container->started;
}

static void rings(void *userdata)
{
	struct probe *probe = userdata;
	uint64_t period = seconds_of(probe->spec, "periodSeconds", 10);

	if (probe->type == PROBE_STARTUP && probe->container->started) {
		return;
	}
	/* Behind the startup probe the others come soon, not a whole period later. */
	alarm_set(&probe->alarm, probe->container->started || probe->type == PROBE_STARTUP
					 ? (period > 0 ? period : NS_PER_S)
					 : NS_PER_S);
	if (probe->asking == 0 && probe->knock == NULL && may_ask(probe)) {
		ask(probe);
	}
}

/* ---- beginning and end ---- */

static void start_one(struct container *container, enum probe_type type, const json_t *spec)
{
	struct probe *probe = MEM_NEW(struct probe);
	int64_t since = pod_wall(container->pod) - container->now->started_at;
	uint64_t delay = seconds_of(spec, "initialDelaySeconds", 0);

	since = since < 0 || container->now->started_at == 0 ? 0 : since;
	probe->container = container;
	probe->pod = container->pod;
	probe->type = type;
	probe->spec = json_incref((json_t *)spec);
	alarm_init(&probe->alarm, container->pod->world->timetable, rings, probe);
	alarm_set(&probe->alarm, (uint64_t)since < delay ? delay - (uint64_t)since : 0);
	container->probes[type] = probe;
}

void probes_start(struct container *container)
{
	probes_stop(container);
	for (size_t i = 0; i < PROBES; i++) {
		const json_t *spec = json_object_get(container->spec, types[i].field);

		if (json_is_object(spec)) {
			start_one(container, (enum probe_type)i, spec);
		}
	}
}

void probes_stop(struct container *container)
{
	for (size_t i = 0; i < PROBES; i++) {
		struct probe *probe = take(container->probes[i]);

		if (probe != NULL) {
			alarm_stop(&probe->alarm);
			container->pod->world->probing->cancel(probe->knock);
			json_decref((json_t *)probe->spec);
			mem_free(probe);
		}
	}
}
