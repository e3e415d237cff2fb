/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of a pod's machine: pod.c has the states of pods, container.c those of containers,
 * container_image.c pulls, container_stop.c ends, sandbox.c and pod_clean.c deal with sandboxes,
 * pod_observe.c with what the runtime says, container_hooks.c and probes.c with what containers are
 * asked, status.c and pod_report.c with what the API is told.
 */

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "node/pod.h"
#include "node/timetable.h"
#include "object/object.h"

enum pod_state {
	POD_NEW, /* what the runtime has of it is not known yet */
	POD_VOLUMES, /* its volumes are being made ready */
	POD_SANDBOX, /* its sandbox is being made, with the network */
	POD_INIT, /* its init containers run, one after the other */
	POD_RUNNING,
	POD_RESETTING, /* its sandbox is dead: what is left goes, then everything anew */
	POD_ENDING, /* its containers are being stopped for good */
	POD_ENDED, /* Succeeded or Failed; waits to be deleted */
	POD_CLEANING, /* sandboxes, volumes and logs are being removed */
	POD_DELETING, /* nothing is left but the object */
	POD_GONE,
	POD_STATES,
};

enum container_state {
	CONTAINER_IDLE, /* was never started */
	CONTAINER_WAITING, /* for a time, or for something to change; `reason` says for what */
	CONTAINER_IMAGE, /* the runtime is asked for its image */
	CONTAINER_PULLING,
	CONTAINER_CREATING,
	CONTAINER_STARTING,
	CONTAINER_POST_START, /* runs, and so does its hook */
	CONTAINER_RUNNING,
	CONTAINER_PRE_STOP, /* runs, and its hook, too */
	CONTAINER_TURN, /* runs until it is its turn to be stopped */
	CONTAINER_STOPPING,
	CONTAINER_LOOKING, /* has ended: how? */
	CONTAINER_ENDED,
	CONTAINER_STATES,
};

enum image_question {
	QUESTION_FIRST, /* is it there already? */
	QUESTION_PULLED, /* it has been pulled */
	QUESTION_FAILED, /* it could not be pulled: is there one all the same? */
};

enum container_type { CONTAINER_INIT, CONTAINER_SIDECAR, CONTAINER_MAIN };

/* One life of a container in the runtime. */
struct instance {
	char *id;
	char *sandbox;
	uint32_t attempt;
	Runtime__V1__ContainerState state;
	int64_t created_at; /* ns since 1970, like all of them; 0: not known */
	int64_t started_at;
	int64_t finished_at;
	int32_t exit_code;
	char *reason;
	char *message;
	char *image;
	char *image_ref;
	char *log_path;
	char *hash; /* ANNOTATION_SPEC_HASH */
};

struct probe;
enum { PROBES = 3 }; /* startup, liveness, readiness */

struct container {
	struct pod *pod;
	enum container_type type;
	const json_t *spec; /* owned */
	char *name;
	enum container_state state;
	uint32_t turn; /* of what was begun: answers to what was given up are known by it */
	struct instance *now; /* the newest; NULL: none yet */
	struct instance *before; /* the one that ended before */
	uint32_t restarts; /* before `now`; or before the first, as the API remembers */
	struct alarm alarm;
	const char *reason; /* why it does not run: static text; "" for ContainerCreating */
	char *message;
	uint64_t crash_ns; /* pause before its next start; 0: none yet */
	int64_t crash_at; /* when it was set, ns since 1970 */
	uint64_t pull_ns; /* the same of its image */
	uint64_t pull_until; /* monotonic */
	uint64_t pull_began;
	enum image_question question; /* why the runtime is asked for its image */
	char *image_ref; /* the image that it is made from, by its digest */
	char *pull_failure; /* QUESTION_FAILED, and ImagePullBackOff */
	bool out_of_memory;
	bool exited; /* its end was told: whatever the runtime says, it is not running */
	unsigned looks; /* since then that still said so */
	bool started; /* its startup probe, if any, has succeeded */
	bool ready; /* as its readiness probe says */
	bool stop; /* it is to be stopped */
	bool hooked; /* the preStop hook was begun */
	uint64_t stop_until; /* monotonic */
	uint64_t stop_asked; /* the deadline that the runtime was told */
	struct hook *hook; /* under way */
	struct probe *probes[PROBES];
};

/* What is to be removed from the runtime. */
struct leftover {
	struct list link;
	char *id;
	bool sandbox; /* else a container */
	bool stopped;
	bool busy;
};

struct sandbox {
	char *id; /* NULL: none */
	uint32_t attempt;
	bool ready;
	bool busy; /* a call about it is under way */
	bool looked; /* addresses are known */
};

enum { POD_IPS = 2 };

struct pod {
	struct list link; /* in world->pods; unlinked when forgotten */
	struct pod_world *world;
	struct object *object; /* the newest version */
	char *uid;
	enum pod_state state;
	struct container *containers; /* init containers first */
	size_t n_containers;
	size_t n_init;
	struct sandbox sandbox;
	const char *ips[POD_IPS + 1]; /* owned; up to the first NULL */
	struct list leftovers;
	size_t calls; /* to anybody, under way */
	uint64_t commands; /* executed for probes and hooks, as a number */
	size_t changes; /* calls under way that change what the runtime has */
	bool observed; /* pod_observe() has been called */
	bool look; /* an outcome is in doubt: look before anything is done */
	bool looking;
	bool touched; /* something changed since the last look began */
	bool preparing; /* volumes */
	bool deleted; /* the API asks for its end */
	bool removed; /* the API has it no more */
	bool orphan; /* ... and never told us about it */
	bool forgotten;
	bool frozen; /* it had ended before we knew it: its status stays as it is */
	bool has_been_inited; /* main containers were begun in this sandbox */
	const char *end_reason; /* why it failed, for status; static text; NULL: by itself */
	char *end_message;
	bool failed;
	uint64_t end_until; /* monotonic: its grace is over */
	struct alarm wake;
	struct alarm retry; /* of volumes, sandbox, removal */
	uint64_t retry_ns;
	struct alarm deadline;
	struct alarm look_again; /* a look of its own has failed */
	struct alarm report; /* a write failed: again */
	int64_t start_time; /* ns since 1970; 0: not yet */
	bool reporting; /* a write to the API is under way */
	bool delete_sent;
	json_t *told; /* the status that was written last; NULL: none */
	uint64_t told_revision; /* of the object that it made */
	bool gathering; /* a report is held back, so that more may go with it */
	uint64_t report_ns;
	Runtime__V1__ListPodSandboxResponse *seen; /* while `looking` */
};

/* ---- pod.c ---- */

void pod_move(struct pod *pod, enum pod_state state);

/* An event about the pod, in kubelet's words. */
void pod_event(struct pod *pod, const char *type, const char *reason, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Tries again later: 1 s, doubling to 30 s; pod->retry_ns is 0 after a success. */
void pod_retry_later(struct pod *pod);

/* pod->name.p with its length, for printf. */
#define POD_ARG(pod) STR_ARG((pod)->object->name)

static inline uint64_t pod_now(const struct pod *pod)
{
	return clock_monotonic(pod->world->clock);
}

static inline int64_t pod_wall(const struct pod *pod)
{
	return clock_wall(pod->world->clock);
}

static inline struct pod_inputs pod_inputs(const struct pod *pod)
{
	return (struct pod_inputs){
		.node = pod->world->node,
		.cache = pod->world->cache,
		.pod = pod->object,
		.pod_ips = pod->ips,
	};
}

const char *pod_restart_policy(const struct pod *pod);

/* Calls of the runtime on behalf of a pod. */
struct pod_call {
	struct pod *pod;
	struct container *container; /* NULL: the sandbox, or the pod as a whole */
	struct leftover *leftover;
	size_t probe; /* which of the container's */
	uint64_t command; /* its number */
	bool any_turn; /* the answer counts although the container has moved on */
	uint32_t turn;
	bool change;
	void (*answered)(struct pod_call *call, const struct grpc_outcome *outcome,
			 const ProtobufCMessage *answer);
};

/*
 * `answered` is not called when the container has given up what it waited for. The pod is woken
 * afterwards. An outcome that leaves in doubt what was done makes the pod look first.
 */
void pod_ask(struct pod *pod, struct pod_call call, enum runtime_method method,
	     const ProtobufCMessage *request, uint64_t timeout);

/* A call to the API is under way, or has come back (then the pod may be gone: false). */
void pod_hold(struct pod *pod);
bool pod_release(struct pod *pod);

/* ---- sandbox.c ---- */

void pod_step_sandbox(struct pod *pod);
void pod_step_resetting(struct pod *pod);
/* Its sandbox may have died. */
void sandbox_look(struct pod *pod);
void sandbox_stop(struct pod *pod);

/* ---- pod_clean.c ---- */

void pod_step_cleaning(struct pod *pod);
/* Begins to remove what is left over. */
void leftovers_sweep(struct pod *pod);
void leftover_add(struct pod *pod, const char *id, bool sandbox);
bool leftover_is(const struct pod *pod, const char *id);
void leftovers_deinit(struct pod *pod);

/* ---- pod_observe.c ---- */

void pod_look_again(struct pod *pod);
struct instance *instance_free(struct instance *instance);
/* Takes over what the runtime says about it. */
void instance_learn(struct container *container, const Runtime__V1__ContainerStatus *status);
/* Nobody knows how it ended. */
void instance_lost(struct container *container);

/* ---- container.c ---- */

void container_init(struct container *container, struct pod *pod, const json_t *spec,
		    enum container_type type);
void container_deinit(struct container *container);
void container_move(struct container *container, enum container_state state);

/* It does not run for this reason (a literal; the message is copied). */
void container_wait(struct container *container, const char *reason, const char *message,
		    uint64_t ns);

/* Begins its next life unless something is under way, or it has to wait. */
void container_start(struct container *container);
/* The image is here: makes the container. */
void container_create(struct container *container, const Runtime__V1__Image *image);

/* Its process has ended, or what is known of it must be asked again. */
void container_look(struct container *container);

/* The runtime runs it, whoever started it. */
void container_runs(struct container *container, bool adopted);

bool container_is_up(const struct container *container); /* its process runs */
bool container_is_quiet(const struct container *container); /* nothing runs or is under way */
/* Its last life ended well. */
bool container_succeeded(const struct container *container);
/* By its restart policy it shall live again. */
bool container_wants_restart(const struct container *container);

/* ---- container_image.c ---- */

void container_get_image(struct container *container);

/* ---- container_stop.c ---- */

/*
 * Ends it within `grace` ns: its preStop hook, then its turn, then the runtime's way. Asked again
 * with less time, it goes faster. `why` is the text of the event; NULL for none.
 */
void container_stop(struct container *container, uint64_t grace, const char *why);
/* Goes on when it is its turn. */
void container_step_stop(struct container *container);
void pod_step_ending(struct pod *pod);
/* How long it may take to end, ns. */
uint64_t pod_grace(const struct pod *pod);

/* ---- container_hooks.c ---- */

typedef void (*hook_done_fn)(struct container *container, bool fine, const char *message);

/* Runs a lifecycle handler ({"exec": …}, {"httpGet": …}, {"sleep": …}). */
void hook_start(struct container *container, const json_t *handler, uint64_t timeout,
		hook_done_fn done);
/* Executes a command in it; the answer's call->command is the number returned. */
uint64_t container_execute(struct container *container, const json_t *command, uint64_t timeout,
			   struct pod_call call);

/* Gives it up; `done` is not called. */
void hook_cancel(struct container *container);

/* ---- pull_secrets.c ---- */

/*
 * What the pod's pull secrets know about the registry of `image`; new reference, {"username":…,
 * "password":…, "auth":…, "identitytoken":…}, NULL: nothing.
 */
json_t *pull_secret(const struct cache *cache, struct object *pod, const char *image);

/* ---- status.c ---- */

/* What the pod's status should say; new reference. Pure. */
json_t *pod_status(const struct pod *pod);
/* The status that stands says otherwise. */
bool pod_status_differs(const json_t *before, const json_t *now);

/* ---- pod_report.c ---- */

/* Writes what is to be told, unless a write is under way. */
void pod_report(struct pod *pod);
/* Nothing more has to be told. */
bool pod_is_reported(const struct pod *pod);
void pod_step_deleting(struct pod *pod);
