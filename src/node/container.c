/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lives of a container. Each begins with its image and ends with a look at how it ended; the
 * pod decides whether another one follows (container_wants_restart, container_start).
 *
 * Crash back-off is kubelet's: the first restart is at once, the next 10 s after the end, doubling
 * to 300 s; forgotten when a life has lasted ten minutes beyond the last restart.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
 */
#include "node/pod_intern.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "node/probes.h"
#include "json/json.h"

#define COMPONENT "pod"
#define C(state) (1U << (CONTAINER_##state))

static const uint64_t crash_first_ns = 10 * NS_PER_S;
static const uint64_t crash_most_ns = 300 * NS_PER_S;
static const int64_t crash_forgotten_ns = 600 * (int64_t)NS_PER_S;
static const uint64_t call_ns = 120 * NS_PER_S;
static const uint64_t config_retry_ns = 60 * NS_PER_S;
static const uint64_t look_again_ns = 20 * NS_PER_MS;
static const unsigned looks_most = 250;
static const uint64_t create_retry_ns = 10 * NS_PER_S;

/* An observation may find a container in any condition: it moves by `container_settle`. */
static const struct {
	const char *name;
	unsigned to;
} states[CONTAINER_STATES] = {
	[CONTAINER_IDLE] = { "idle", C(WAITING) | C(IMAGE) | C(STARTING) },
	[CONTAINER_WAITING] = { "waiting", C(IDLE) | C(ENDED) | C(WAITING) },
	[CONTAINER_IMAGE] = { "image", C(PULLING) | C(CREATING) | C(WAITING) | C(IDLE) | C(ENDED) },
	[CONTAINER_PULLING] = { "pulling", C(IMAGE) | C(WAITING) | C(IDLE) | C(ENDED) },
	[CONTAINER_CREATING] = { "creating",
				 C(STARTING) | C(WAITING) | C(IDLE) | C(ENDED) | C(LOOKING) },
	[CONTAINER_STARTING] = { "starting",
				 C(POST_START) | C(RUNNING) | C(LOOKING) | C(IDLE) | C(ENDED) },
	[CONTAINER_POST_START] = { "postStart", C(RUNNING) | C(PRE_STOP) | C(TURN) | C(LOOKING) },
	[CONTAINER_RUNNING] = { "running", C(PRE_STOP) | C(TURN) | C(LOOKING) },
	[CONTAINER_PRE_STOP] = { "preStop", C(TURN) | C(LOOKING) },
	[CONTAINER_TURN] = { "turn", C(STOPPING) | C(LOOKING) },
	[CONTAINER_STOPPING] = { "stopping", C(TURN) | C(LOOKING) },
	[CONTAINER_LOOKING] = { "looking", C(ENDED) | C(IDLE) | C(RUNNING) | C(STARTING) | C(TURN) |
						   C(LOOKING) },
	[CONTAINER_ENDED] = { "ended", C(WAITING) | C(IMAGE) | C(IDLE) },
};

void container_move(struct container *container, enum container_state state)
{
	assert((states[container->state].to & (1U << state)) != 0);
	log_debug(COMPONENT, "%.*s/%.*s %s: %s -> %s", STR_ARG(container->pod->object->space),
		  POD_ARG(container->pod), container->name, states[container->state].name,
		  states[state].name);
	container->state = state;
	container->turn++;
	alarm_stop(&container->alarm);
}

static void alarm_rings(void *userdata)
{
	struct container *container = userdata;

	if (container->state == CONTAINER_WAITING) {
		container_move(container,
			       container->now != NULL ? CONTAINER_ENDED : CONTAINER_IDLE);
	}
	if (container->state == CONTAINER_LOOKING) {
		container_look(container);
	}
	pod_wake(container->pod);
}

void container_init(struct container *container, struct pod *pod, const json_t *spec,
		    enum container_type type)
{
	*container = (struct container){
		.pod = pod,
		.type = type,
		.spec = json_incref((json_t *)spec),
		.name = mem_strdup(json_string_at(spec, "name")),
		.reason = "",
	};
	alarm_init(&container->alarm, pod->world->timetable, alarm_rings, container);
}

void container_deinit(struct container *container)
{
	hook_cancel(container);
	alarm_stop(&container->alarm);
	probes_stop(container);
	instance_free(container->now);
	instance_free(container->before);
	mem_free(container->message);
	mem_free(container->image_ref);
	mem_free(container->pull_failure);
	mem_free(container->name);
	json_decref((json_t *)container->spec);
}

/* ---- what is so ---- */

bool container_is_up(const struct container *container)
{
	return container->state >= CONTAINER_POST_START && container->state <= CONTAINER_STOPPING;
}

bool container_is_quiet(const struct container *container)
{
	return container->state == CONTAINER_IDLE || container->state == CONTAINER_WAITING ||
	       container->state == CONTAINER_ENDED;
}

/* It lived in another sandbox: an init container has to do its work again. */
static bool is_stale(const struct container *container)
{
	const char *sandbox = container->pod->sandbox.id;

	return sandbox != NULL && strcmp(container->now->sandbox, sandbox) != 0;
}

bool container_succeeded(const struct container *container)
{
	return container->state == CONTAINER_ENDED && container->now != NULL &&
	       container->now->exit_code == 0 &&
	       (container->type != CONTAINER_INIT || !is_stale(container));
}

bool container_wants_restart(const struct container *container)
{
	const char *policy = pod_restart_policy(container->pod);

	if (container->now == NULL || container->type == CONTAINER_SIDECAR) {
		return true;
	}
	if (container->type == CONTAINER_INIT) {
		return is_stale(container) ||
		       (container->now->exit_code != 0 && strcmp(policy, "Never") != 0);
	}
	return strcmp(policy, "Always") == 0 ||
	       (strcmp(policy, "OnFailure") == 0 && container->now->exit_code != 0);
}

void container_wait(struct container *container, const char *reason, const char *message,
		    uint64_t ns)
{
	container_move(container, CONTAINER_WAITING);
	container->reason = reason;
	if (message != container->message) {
		mem_free(container->message);
		container->message = mem_strdup(message);
	}
	alarm_set(&container->alarm, ns);
}

/* ---- the next life ---- */

/* How long it has to wait after its last end; 0: not at all. */
static uint64_t crash_pause(struct container *container)
{
	int64_t ended = container->now->finished_at;
	int64_t left;

	if (container->crash_ns != 0 && ended - container->crash_at > crash_forgotten_ns) {
		container->crash_ns = 0;
	}
	if (container->crash_ns == 0) {
		return 0;
	}
	left = ended + (int64_t)container->crash_ns - pod_wall(container->pod);
	if (left <= 0) {
		return 0;
	}
	return (uint64_t)left < container->crash_ns ? (uint64_t)left : container->crash_ns;
}

/* "40s", "1m20s". */
static const char *duration_text(uint64_t ns, char text[32])
{
	uint64_t seconds = ns / NS_PER_S;

	if (seconds < 60) {
		snprintf(text, 32, "%" PRIu64 "s", seconds);
	} else {
		snprintf(text, 32, "%" PRIu64 "m%" PRIu64 "s", seconds / 60, seconds % 60);
	}
	return text;
}

static void crash_wait(struct container *container, uint64_t ns)
{
	struct pod *pod = container->pod;
	char message[768];
	char pause[32];

	snprintf(message, sizeof(message),
		 "back-off %s restarting failed container=%s pod=%.*s_%.*s(%s)",
		 duration_text(container->crash_ns, pause), container->name, POD_ARG(pod),
		 STR_ARG(pod->object->space), pod->uid);
	pod_event(pod, "Warning", "BackOff",
		  "Back-off restarting failed container %s in pod %.*s_%.*s(%s)", container->name,
		  POD_ARG(pod), STR_ARG(pod->object->space), pod->uid);
	container_wait(container, "CrashLoopBackOff", message, ns);
}

static void count_restart(struct container *container)
{
	uint64_t next = container->crash_ns == 0 ? crash_first_ns : 2 * container->crash_ns;

	container->crash_ns = next < crash_most_ns ? next : crash_most_ns;
	container->crash_at = pod_wall(container->pod);
}

void container_start(struct container *container)
{
	uint64_t pause;

	if (container->stop || container->pod->sandbox.id == NULL ||
	    (container->state != CONTAINER_IDLE && container->state != CONTAINER_ENDED)) {
		return;
	}
	if (container->state == CONTAINER_ENDED && container->now != NULL) {
		pause = crash_pause(container);
		if (pause > 0) {
			crash_wait(container, pause);
			return;
		}
	}
	container_get_image(container);
}

static uint32_t next_attempt(const struct container *container)
{
	return container->now != NULL ? container->now->attempt + 1 : container->restarts;
}

static void begins(struct container *container, const struct instance *instance)
{
	struct pod *pod = container->pod;

	if (container->now != NULL) {
		/* What is older than the last life but one is of no use to anybody. */
		if (container->before != NULL) {
			leftover_add(pod, container->before->id, /* sandbox= */ false);
			instance_free(container->before);
		}
		container->before = container->now;
		count_restart(container);
	}
	container->now = mem_copy(instance, sizeof(*instance));
	container->restarts = instance->attempt;
	container->out_of_memory = false;
	container->exited = false;
	container->started = false;
	container->ready = false;
	container->hooked = false;
}

static void fail_start(struct container *container, const char *reason, const char *message,
		       uint64_t ns)
{
	pod_event(container->pod, "Warning", "Failed", "Error: %s", message);
	container_wait(container, reason, message, ns);
}

static void start_answered(struct pod_call *call, const struct grpc_outcome *outcome,
			   const ProtobufCMessage *answer)
{
	struct container *container = call->container;

	if (outcome->code != GRPC_OK) {
		pod_event(container->pod, "Warning", "Failed", "Error: %s", outcome->message);
		container->reason = "RunContainerError";
		mem_free(container->message);
		container->message = mem_strdup(outcome->message);
		container_look(container);
		return;
	}
	pod_event(container->pod, "Normal", "Started", "Started container %s", container->name);
	container->now->state = RUNTIME__V1__CONTAINER_STATE__CONTAINER_RUNNING;
	container->now->started_at = pod_wall(container->pod);
	if (container->exited) {
		container_look(container); /* so short was its life */
	} else {
		container_runs(container, /* adopted= */ false);
	}
}

static void ask_start(struct container *container)
{
	Runtime__V1__StartContainerRequest request = RUNTIME__V1__START_CONTAINER_REQUEST__INIT;

	request.container_id = container->now->id;
	container_move(container, CONTAINER_STARTING);
	pod_ask(container->pod,
		(struct pod_call){ .container = container, .answered = start_answered },
		RUNTIME_START_CONTAINER, &request.base, call_ns);
}

static void create_answered(struct pod_call *call, const struct grpc_outcome *outcome,
			    const ProtobufCMessage *answer)
{
	const Runtime__V1__CreateContainerResponse *made =
		(const Runtime__V1__CreateContainerResponse *)answer;
	struct container *container = call->container;
	struct instance instance = { .attempt = next_attempt(container) };
	char hash[POD_CONTAINER_HASH];

	if (outcome->code != GRPC_OK) {
		fail_start(container, "CreateContainerError", outcome->message, create_retry_ns);
		return;
	}
	container->pod->world->making->hash(container->pod->world->making_data, container->spec,
					    hash);
	instance.id = mem_strdup(made->container_id);
	instance.sandbox = mem_strdup(container->pod->sandbox.id);
	instance.created_at = pod_wall(container->pod);
	instance.reason = mem_strdup("");
	instance.message = mem_strdup("");
	instance.image = mem_strdup(json_string_at(container->spec, "image"));
	instance.image_ref = mem_strdup(container->image_ref);
	instance.log_path = mem_strdup("");
	instance.hash = mem_strdup(hash);
	begins(container, &instance);
	pod_event(container->pod, "Normal", "Created", "Created container: %s", container->name);
	if (container->stop) {
		container_look(container); /* it was given up meanwhile, and never runs */
	} else {
		ask_start(container);
	}
}

void container_create(struct container *container, const Runtime__V1__Image *image)
{
	Runtime__V1__CreateContainerRequest request = RUNTIME__V1__CREATE_CONTAINER_REQUEST__INIT;
	struct pod *pod = container->pod;
	struct pod_inputs inputs = pod_inputs(pod);
	const struct pod_making *making = pod->world->making;
	char message[POD_CONFIG_MESSAGE] = "";
	struct arena arena;

	mem_free(container->image_ref);
	container->image_ref =
		mem_strdup(image->n_repo_digests > 0 ? image->repo_digests[0] : image->id);
	arena_init(&arena, LIMIT_POD_CONFIG);
	request.pod_sandbox_id = pod->sandbox.id;
	if (making->container(pod->world->making_data, &inputs, container->spec,
			      next_attempt(container), image, &arena, &request.config,
			      message) != POD_CONFIG_FINE ||
	    making->sandbox(pod->world->making_data, &inputs, pod->sandbox.attempt, &arena,
			    &request.sandbox_config, message) != POD_CONFIG_FINE) {
		fail_start(container, "CreateContainerConfigError", message, config_retry_ns);
	} else {
		container_move(container, CONTAINER_CREATING);
		pod_ask(pod,
			(struct pod_call){ .container = container, .answered = create_answered },
			RUNTIME_CREATE_CONTAINER, &request.base, call_ns);
	}
	arena_deinit(&arena);
}

/* ---- running ---- */

static void post_start_done(struct container *container, bool fine, const char *message)
{
	if (container->state != CONTAINER_POST_START) {
		return;
	}
	if (fine) {
		container_move(container, CONTAINER_RUNNING);
	} else {
		pod_event(container->pod, "Warning", "FailedPostStartHook", "PostStartHook failed");
		log_info(COMPONENT, "%.*s/%.*s %s: postStart: %s",
			 STR_ARG(container->pod->object->space), POD_ARG(container->pod),
			 container->name, message);
		container_move(container, CONTAINER_RUNNING);
		container_stop(container, pod_grace(container->pod), "FailedPostStartHook");
	}
	pod_wake(container->pod);
}

/* What the API remembers of this very life. */
static const json_t *remembered(const struct container *container)
{
	static const char *const lists[] = { "status.initContainerStatuses",
					     "status.containerStatuses" };
	const json_t *tree = object_tree(container->pod->object);
	const json_t *status;
	size_t i;

	json_array_foreach (json_at(tree, lists[container->type == CONTAINER_MAIN]), i, status) {
		const char *id = json_string_at(status, "containerID");

		if (strcmp(json_string_at(status, "name"), container->name) == 0 &&
		    str_ends(str_from(id), str_from(container->now->id))) {
			return status;
		}
	}
	return NULL;
}

void container_runs(struct container *container, bool adopted)
{
	const json_t *handler = json_at(container->spec, "lifecycle.postStart");
	const json_t *before = adopted ? remembered(container) : NULL;

	container->started = json_at(container->spec, "startupProbe") == NULL ||
			     json_bool_at(before, "started", false);
	container->ready = json_at(container->spec, "readinessProbe") == NULL ||
			   json_bool_at(before, "ready", false);
	container->reason = "";
	if (handler != NULL && !adopted) {
		container_move(container, CONTAINER_POST_START);
		hook_start(container, handler, 0, post_start_done);
	} else {
		container_move(container, CONTAINER_RUNNING);
	}
	probes_start(container);
}

/* ---- ending ---- */

static void read_last_words(struct container *container)
{
	struct pod *pod = container->pod;

	if (container->now->message[0] == '\0' && !pod->orphan) {
		mem_free(container->now->message);
		container->now->message =
			pod->world->making->last_words(pod->world->making_data, pod->object,
						       container->name, container->now->attempt,
						       container->now->exit_code != 0);
	}
}

static void has_ended(struct container *container)
{
	read_last_words(container);
	container->stop = false;
	container_move(container, CONTAINER_ENDED);
}

static void look_answered(struct pod_call *call, const struct grpc_outcome *outcome,
			  const ProtobufCMessage *answer)
{
	const Runtime__V1__ContainerStatusResponse *found =
		(const Runtime__V1__ContainerStatusResponse *)answer;
	struct container *container = call->container;

	if (outcome->code == GRPC_NOT_FOUND || (answer != NULL && found->status == NULL)) {
		instance_lost(container);
		has_ended(container);
		return;
	}
	if (outcome->code != GRPC_OK) {
		container->pod->look = true; /* and then again */
		return;
	}
	instance_learn(container, found->status);
	if (container->exited && container->looks++ < looks_most &&
	    container->now->state != RUNTIME__V1__CONTAINER_STATE__CONTAINER_EXITED) {
		/* The event goes ahead of what the runtime knows of itself. */
		alarm_set(&container->alarm, look_again_ns);
		return;
	}
	switch (container->now->state) {
	case RUNTIME__V1__CONTAINER_STATE__CONTAINER_RUNNING:
		container_runs(container, /* adopted= */ true);
		break;
	case RUNTIME__V1__CONTAINER_STATE__CONTAINER_CREATED:
		if (container->stop || container->pod->state >= POD_ENDING ||
		    container->pod->state == POD_RESETTING) {
			instance_lost(container);
			has_ended(container);
		} else {
			ask_start(container); /* made before we came, or the runtime went */
		}
		break;
	default:
		has_ended(container);
	}
}

void container_look(struct container *container)
{
	Runtime__V1__ContainerStatusRequest request = RUNTIME__V1__CONTAINER_STATUS_REQUEST__INIT;

	hook_cancel(container);
	probes_stop(container);
	if (container->state < CONTAINER_STARTING || container->state == CONTAINER_ENDED) {
		container->state = CONTAINER_STARTING; /* found, not made */
	}
	container_move(container, CONTAINER_LOOKING);
	request.container_id = container->now->id;
	pod_ask(container->pod,
		(struct pod_call){ .container = container, .answered = look_answered },
		RUNTIME_CONTAINER_STATUS, &request.base, call_ns);
}
