/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's machine. Whatever happens (an answer, an event, an alarm, a new version of the object)
 * is only taken note of, and the pod is woken; waking runs the step of its state until the state
 * no longer changes. So nothing recurses, and every decision is made from all that is known.
 *
 * Invariants: a state is left for the states that `states` names alone. There is at most one call
 * under way about the sandbox and one about each container (but for being asked to stop faster).
 * When an outcome is in doubt, nothing is done before the runtime has been looked at. The memory
 * goes when nothing is left of the pod and no call is under way.
 */
#include "node/pod_intern.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/events.h"
#include "node/host_ports.h"
#include "node/probes.h"
#include "json/json.h"

#define COMPONENT "pod"
#define S(state) (1U << (POD_##state))

enum { EVENT_TEXT = 1024 };

static const uint64_t retry_first_ns = NS_PER_S;
static const uint64_t retry_most_ns = 30 * NS_PER_S;

static void step_new(struct pod *pod);
static void step_volumes(struct pod *pod);
static void step_init(struct pod *pod);
static void step_running(struct pod *pod);
static void step_ended(struct pod *pod);
static void step_gone(struct pod *pod);

static const struct {
	const char *name;
	unsigned to; /* where it may go from here */
	bool needs_runtime;
	void (*step)(struct pod *pod);
} states[POD_STATES] = {
	[POD_NEW] = { "new", S(VOLUMES) | S(ENDING), true, step_new },
	[POD_VOLUMES] = { "volumes", S(SANDBOX) | S(ENDING), true, step_volumes },
	[POD_SANDBOX] = { "sandbox", S(INIT) | S(RESETTING) | S(ENDING), true, pod_step_sandbox },
	[POD_INIT] = { "init", S(RUNNING) | S(RESETTING) | S(ENDING), true, step_init },
	[POD_RUNNING] = { "running", S(RESETTING) | S(ENDING), true, step_running },
	[POD_RESETTING] = { "resetting", S(VOLUMES) | S(ENDING), true, pod_step_resetting },
	[POD_ENDING] = { "ending", S(ENDED) | S(CLEANING), true, pod_step_ending },
	[POD_ENDED] = { "ended", S(CLEANING), true, step_ended },
	[POD_CLEANING] = { "cleaning", S(DELETING) | S(GONE), true, pod_step_cleaning },
	[POD_DELETING] = { "deleting", S(GONE), false, pod_step_deleting },
	[POD_GONE] = { "gone", 0, false, step_gone },
};

void pod_move(struct pod *pod, enum pod_state state)
{
	assert((states[pod->state].to & (1U << state)) != 0);
	log_debug(COMPONENT, "%.*s/%.*s: %s -> %s", STR_ARG(pod->object->space), POD_ARG(pod),
		  states[pod->state].name, states[state].name);
	pod->state = state;
	pod->retry_ns = 0;
	alarm_stop(&pod->retry);
}

void pod_event(struct pod *pod, const char *type, const char *reason, const char *format, ...)
{
	char message[EVENT_TEXT];
	struct event_text text = {
		.component = "kubelet",
		.host = pod->world->node->node_name,
		.type = type,
		.reason = reason,
		.message = message,
	};
	va_list arguments;

	if (pod->orphan || pod->forgotten) {
		return; /* the API would not know what it is about */
	}
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	event_recorder_send(pod->world->events, pod->object, &text);
}

void pod_retry_later(struct pod *pod)
{
	pod->retry_ns = pod->retry_ns == 0 ? retry_first_ns : 2 * pod->retry_ns;
	pod->retry_ns = pod->retry_ns < retry_most_ns ? pod->retry_ns : retry_most_ns;
	alarm_set(&pod->retry, pod->retry_ns);
}

const char *pod_restart_policy(const struct pod *pod)
{
	const char *policy = json_string_at(object_tree(pod->object), "spec.restartPolicy");

	return policy[0] != '\0' ? policy : "Always";
}

/* ---- calls ---- */

void pod_hold(struct pod *pod)
{
	pod->calls++;
}

static void stop_alarms(struct pod *pod)
{
	alarm_stop(&pod->wake);
	alarm_stop(&pod->retry);
	alarm_stop(&pod->deadline);
	alarm_stop(&pod->look_again);
	alarm_stop(&pod->report);
}

static void destroy(struct pod *pod)
{
	stop_alarms(pod);
	for (size_t i = 0; i < pod->n_containers; i++) {
		container_deinit(&pod->containers[i]);
	}
	mem_free(pod->containers);
	leftovers_deinit(pod);
	mem_free(pod->sandbox.id);
	for (size_t i = 0; i < POD_IPS; i++) {
		mem_free((char *)pod->ips[i]);
	}
	if (pod->seen != NULL) {
		protobuf_c_message_free_unpacked(&pod->seen->base, NULL);
	}
	json_decref(pod->told);
	mem_free(pod->end_message);
	mem_free(pod->uid);
	object_unref(pod->object);
	mem_free(pod);
}

bool pod_release(struct pod *pod)
{
	pod->calls--;
	if (!pod->forgotten) {
		pod_wake(pod);
		return true;
	}
	if (pod->calls == 0) {
		destroy(pod);
	}
	return false;
}

static void answered(void *userdata, const struct grpc_outcome *outcome,
		     const ProtobufCMessage *answer)
{
	struct pod_call *call = userdata;
	struct pod *pod = call->pod;
	bool given_up =
		call->container != NULL && !call->any_turn && call->turn != call->container->turn;

	if (call->change) {
		pod->changes--;
		pod->touched = true;
		if (outcome->code != GRPC_OK && outcome->code != GRPC_NOT_FOUND) {
			pod->look = true;
		}
	}
	if (!pod->forgotten && !given_up) {
		call->answered(call, outcome, answer);
	}
	mem_free(call);
	pod_release(pod);
}

static bool is_change(enum runtime_method method)
{
	switch (method) {
	case RUNTIME_RUN_POD_SANDBOX:
	case RUNTIME_STOP_POD_SANDBOX:
	case RUNTIME_REMOVE_POD_SANDBOX:
	case RUNTIME_CREATE_CONTAINER:
	case RUNTIME_START_CONTAINER:
	case RUNTIME_STOP_CONTAINER:
	case RUNTIME_REMOVE_CONTAINER:
		return true;
	default:
		return false;
	}
}

void pod_ask(struct pod *pod, struct pod_call call, enum runtime_method method,
	     const ProtobufCMessage *request, uint64_t timeout)
{
	struct pod_call *kept = mem_copy(&call, sizeof(call));

	kept->pod = pod;
	kept->turn = call.container != NULL ? call.container->turn : 0;
	kept->change = is_change(method);
	pod->changes += kept->change ? 1 : 0;
	pod_hold(pod);
	runtime_call(pod->world->runtime, method, request, timeout, answered, kept);
}

/* ---- the steps ---- */

static bool has_port_of_another(struct pod *pod)
{
	list_for_each (other, &pod->world->pods, struct pod, link) {
		if (other != pod && other->state > POD_NEW && pod_may_run(other) &&
		    host_ports_collide(object_tree(pod->object), object_tree(other->object))) {
			return true;
		}
	}
	return false;
}

static void reject(struct pod *pod, const char *reason, const char *message)
{
	pod->failed = true;
	pod->end_reason = reason;
	pod->end_message = mem_printf("Pod was rejected: %s", message);
	pod_event(pod, "Warning", reason, "%s", message);
	pod_move(pod, POD_ENDING);
}

/* What runs already was admitted when it began. */
static void step_new(struct pod *pod)
{
	const char *phase = json_string_at(object_tree(pod->object), "status.phase");
	char message[POD_CONFIG_MESSAGE];
	const char *reason;

	if (strcmp(phase, "Failed") == 0 || strcmp(phase, "Succeeded") == 0) {
		pod->frozen = true;
		pod_move(pod, POD_ENDING);
		return;
	}
	if (pod->sandbox.id == NULL && has_port_of_another(pod)) {
		reject(pod, "NodePorts",
		       "Predicate NodePorts failed: node(s) didn't have free ports for the "
		       "requested pod ports");
		return;
	}
	reason = pod->world->making->admission(pod->world->making_data, pod->object, message);
	if (reason[0] != '\0') {
		reject(pod, reason, message);
		return;
	}
	pod_move(pod, POD_VOLUMES);
}

static void prepared(void *userdata, enum pod_config_outcome outcome, const char *message)
{
	struct pod *pod = userdata;

	pod->preparing = false;
	if (!pod->forgotten && pod->state == POD_VOLUMES) {
		if (outcome == POD_CONFIG_FINE) {
			pod_move(pod, POD_SANDBOX);
		} else {
			pod_event(pod, "Warning", "FailedMount", "MountVolume.SetUp failed: %s",
				  message);
			pod_retry_later(pod);
		}
	}
	pod_release(pod);
}

static void step_volumes(struct pod *pod)
{
	if (pod->preparing || alarm_is_set(&pod->retry)) {
		return;
	}
	pod->preparing = true;
	pod_hold(pod);
	pod->world->making->prepare(pod->world->making_data, pod->object, prepared, pod);
}

/* Each has to be through before the next begins; a sidecar is through when it has started. */
static bool is_through(const struct container *container)
{
	return container->type == CONTAINER_SIDECAR ? container->started
						    : container_succeeded(container);
}

static void fail_init(struct pod *pod)
{
	pod->failed = true;
	pod_move(pod, POD_ENDING);
}

/* True: all of them are through. */
static bool run_init(struct pod *pod)
{
	for (size_t i = 0; i < pod->n_init; i++) {
		struct container *container = &pod->containers[i];

		if (container->state == CONTAINER_ENDED && !is_through(container) &&
		    !container_wants_restart(container)) {
			fail_init(pod);
			return false;
		}
		if (!is_through(container)) {
			container_start(container);
			return false;
		}
		if (container->type == CONTAINER_SIDECAR) {
			container_start(container); /* again, when it has ended meanwhile */
		}
	}
	return true;
}

static void step_init(struct pod *pod)
{
	if (!pod->sandbox.ready) {
		pod_move(pod, POD_RESETTING);
	} else if (pod->has_been_inited || run_init(pod)) {
		if (pod->state == POD_INIT) {
			pod->has_been_inited = true;
			pod_move(pod, POD_RUNNING);
		}
	}
}

/* The sandbox has died: does anything that would need it go on? */
static bool goes_on(const struct pod *pod)
{
	for (size_t i = pod->n_init; i < pod->n_containers; i++) {
		const struct container *container = &pod->containers[i];

		if (container->state != CONTAINER_ENDED || container_wants_restart(container)) {
			return true;
		}
	}
	return false;
}

static void restart_changed(struct container *container)
{
	char hash[POD_CONTAINER_HASH];
	char why[EVENT_TEXT];

	if (container->state != CONTAINER_RUNNING || container->now->hash[0] == '\0') {
		return;
	}
	container->pod->world->making->hash(container->pod->world->making_data, container->spec,
					    hash);
	if (strcmp(hash, container->now->hash) != 0) {
		snprintf(why, sizeof(why), "Container %s definition changed, will be restarted",
			 container->name);
		container_stop(container, pod_grace(container->pod), why);
	}
}

static void step_running(struct pod *pod)
{
	bool all_ended = true;

	if (!pod->sandbox.ready && goes_on(pod)) {
		pod_move(pod, POD_RESETTING);
		return;
	}
	for (size_t i = 0; i < pod->n_containers; i++) {
		struct container *container = &pod->containers[i];

		if (container->type == CONTAINER_INIT) {
			continue;
		}
		restart_changed(container);
		container_step_stop(container);
		if (container->state != CONTAINER_ENDED || container_wants_restart(container)) {
			container_start(container);
			all_ended = all_ended && container->type != CONTAINER_MAIN;
		}
	}
	if (all_ended) {
		pod_move(pod, POD_ENDING); /* of its own accord */
	}
}

static void step_ended(struct pod *pod)
{
	if (pod->deleted || pod->removed) {
		pod_move(pod, POD_CLEANING);
	} else if (pod->sandbox.ready) {
		sandbox_stop(pod);
	}
}

static void step_gone(struct pod *pod)
{
}

/* ---- waking ---- */

static bool deadline_is_over(struct pod *pod)
{
	int64_t seconds = json_int_at(object_tree(pod->object), "spec.activeDeadlineSeconds", 0);
	int64_t left;

	if (seconds <= 0 || seconds > INT32_MAX || pod->start_time == 0) {
		return false;
	}
	left = pod->start_time + seconds * (int64_t)NS_PER_S - pod_wall(pod);
	if (left > 0) {
		alarm_set(&pod->deadline, (uint64_t)left);
	}
	return left <= 0;
}

/* What ends a pod from outside, in whatever state it is. */
static void check_end(struct pod *pod)
{
	if (pod->state >= POD_ENDING) {
		return;
	}
	if (pod->deleted || pod->removed) {
		pod_move(pod, POD_ENDING);
	} else if (deadline_is_over(pod)) {
		pod->failed = true;
		pod->end_reason = "DeadlineExceeded";
		pod->end_message =
			mem_strdup("Pod was active on the node longer than the specified deadline");
		pod_event(pod, "Normal", "DeadlineExceeded", "%s", pod->end_message);
		pod_move(pod, POD_ENDING);
	}
}

static bool may_step(const struct pod *pod)
{
	return !states[pod->state].needs_runtime ||
	       (pod->world->able && pod->observed && !pod->look && !pod->looking);
}

static void woken(void *userdata)
{
	struct pod *pod = userdata;

	if (pod->look && pod->world->able) {
		pod_look_again(pod);
	}
	while (may_step(pod)) {
		enum pod_state before = pod->state;

		check_end(pod);
		states[pod->state].step(pod);
		if (pod->state == before) {
			break;
		}
	}
	if (may_step(pod) && pod->state >= POD_RUNNING) {
		leftovers_sweep(pod);
	}
	pod_report(pod);
	if (pod->state == POD_GONE) {
		struct pod_world *world = pod->world;

		/* The listener forgets it. */
		world->gone(world->userdata, pod);
	}
}

void pod_wake(struct pod *pod)
{
	if (!pod->forgotten) {
		alarm_set_sooner(&pod->wake, 0);
	}
}

static void wake_alarm(void *userdata)
{
	pod_wake(userdata);
}

/* ---- from outside ---- */

static void add_containers(struct pod *pod, const json_t *list, bool init)
{
	const json_t *spec;
	size_t i;

	json_array_foreach ((json_t *)list, i, spec) {
		bool sidecar = strcmp(json_string_at(spec, "restartPolicy"), "Always") == 0;

		container_init(&pod->containers[pod->n_containers++], pod, spec,
			       !init     ? CONTAINER_MAIN
			       : sidecar ? CONTAINER_SIDECAR
					 : CONTAINER_INIT);
	}
}

struct pod *pod_new(struct pod_world *world, struct object *object)
{
	const json_t *spec = json_object_get(object_tree(object), "spec");
	const json_t *init = json_object_get(spec, "initContainers");
	const json_t *main = json_object_get(spec, "containers");
	struct pod *pod = MEM_NEW(struct pod);

	pod->world = world;
	pod->object = object_ref(object);
	pod->uid = mem_strdup(object_uid(object));
	list_init(&pod->leftovers);
	alarm_init(&pod->wake, world->timetable, woken, pod);
	alarm_init(&pod->retry, world->timetable, wake_alarm, pod);
	alarm_init(&pod->deadline, world->timetable, wake_alarm, pod);
	alarm_init(&pod->look_again, world->timetable, wake_alarm, pod);
	alarm_init(&pod->report, world->timetable, wake_alarm, pod);
	pod->n_init = json_array_size(init);
	pod->containers =
		mem_alloc_array(pod->n_init + json_array_size(main), sizeof(*pod->containers));
	add_containers(pod, init, true);
	add_containers(pod, main, false);
	timestamp_parse(json_string_at(object_tree(object), "status.startTime"), &pod->start_time);
	if (pod->start_time == 0) {
		pod->start_time = pod_wall(pod);
	}
	pod->deleted = object_is_deleting(object);
	list_init(&pod->link);
	list_append(&world->pods, &pod->link);
	return pod;
}

void pod_forget(struct pod *pod)
{
	list_unlink(&pod->link);
	stop_alarms(pod);
	for (size_t i = 0; i < pod->n_containers; i++) {
		hook_cancel(&pod->containers[i]);
		alarm_stop(&pod->containers[i].alarm);
		probes_stop(&pod->containers[i]);
	}
	pod->forgotten = true;
	if (pod->calls == 0) {
		destroy(pod);
	}
}

/* The part of the newest spec that may change: images. */
static void renew_specs(struct pod *pod)
{
	static const char *const lists[] = { "spec.initContainers", "spec.containers" };
	size_t n = 0;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		const json_t *spec;
		size_t i;

		json_array_foreach (json_at(object_tree(pod->object), lists[l]), i, spec) {
			if (n < pod->n_containers &&
			    strcmp(pod->containers[n].name, json_string_at(spec, "name")) == 0) {
				json_decref((json_t *)pod->containers[n].spec);
				pod->containers[n].spec = json_incref((json_t *)spec);
			}
			n++;
		}
	}
}

void pod_renew(struct pod *pod, struct object *object)
{
	if (object->revision < pod->object->revision) {
		return; /* what an answer to a write has told already */
	}
	if (object != pod->object) {
		object_ref(object);
		object_unref(pod->object);
		pod->object = object;
		renew_specs(pod);
	}
	pod->deleted = pod->deleted || object_is_deleting(object);
	pod->world->making->refresh(pod->world->making_data, pod->object);
	pod_wake(pod);
}

void pod_removed(struct pod *pod, bool orphan)
{
	pod->removed = true;
	pod->orphan = orphan;
	pod_wake(pod);
}

void pod_inputs_changed(struct pod *pod)
{
	if (pod->state >= POD_ENDING) {
		return;
	}
	if (pod->state == POD_VOLUMES) {
		alarm_stop(&pod->retry);
	} else {
		pod->world->making->refresh(pod->world->making_data, pod->object);
	}
	for (size_t i = 0; i < pod->n_containers; i++) {
		struct container *container = &pod->containers[i];

		if (container->state == CONTAINER_WAITING &&
		    strcmp(container->reason, "CreateContainerConfigError") == 0) {
			alarm_set(&container->alarm, 0);
		}
	}
	pod_wake(pod);
}

const char *pod_uid(const struct pod *pod)
{
	return pod->uid;
}

struct object *pod_object(const struct pod *pod)
{
	return pod->object;
}

bool pod_may_run(const struct pod *pod)
{
	return pod->state < POD_ENDED && !pod->frozen;
}
