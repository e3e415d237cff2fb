/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerd as a runtime. Calls are the CRI's; what happens is told by containerd's own event
 * service, which every version has (GetContainerEvents came with 1.7).
 *
 * containerd does not say when a subscription is in effect. So we publish an event of our own,
 * again until it comes back to us: from then on no exit can be missed. Only then, and when the CRI
 * answers as well, the runtime is `connected`; whoever listens looks at everything then, so what is
 * told before is dropped. When the stream ends all this begins anew, at once when the socket
 * appears (inotify) and else with a growing delay.
 */
#include "node/runtime.h"

#include <libgen.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "loop/loop.h"
#include "rpc/containerd.pb-c.h"

#define COMPONENT "runtime"
#define HELLO_TOPIC "/headlessd/hello"
#define NAMESPACE "k8s.io"

static const uint64_t FIRST_DELAY = 50 * NS_PER_MS;
static const uint64_t LONGEST_DELAY = 5 * NS_PER_S;
static const uint64_t AGAIN = 100 * NS_PER_MS; /* while it is opening and checked */
static const uint64_t ANSWER = 10 * NS_PER_S; /* calls of our own */

enum cri_state {
	CRI_SILENT, /* nobody listens */
	CRI_OPENING, /* subscribed, hello not heard; timer: says it again */
	CRI_CHECKING, /* heard; timer: asks the CRI for its status again */
	CRI_CONNECTED,
	CRI_WAITING, /* lost; timer: subscribes */
};

struct cri {
	struct runtime runtime;
	struct loop *loop;
	struct loop_timer *timer;
	struct grpc *grpc;
	enum cri_state state;
	struct grpc_stream *events;
	uint64_t delay;
	char hello[RANDOM_UUID_TEXT];
	bool asking; /* a call of our own is under way */
	bool complained; /* that it does not answer, since it did */
	bool closing;
	const struct runtime_sink *sink;
	void *userdata;
	char *socket_path;
	int appears; /* inotify of the socket's directory; -1: none */
	struct loop_watch *appears_watch;
};

#define RUNTIME(name, answer)                                                                      \
	{                                                                                          \
		"/runtime.v1.RuntimeService/" name, &runtime__v1__##answer##__descriptor           \
	}
#define IMAGE(name, answer)                                                                        \
	{                                                                                          \
		"/runtime.v1.ImageService/" name, &runtime__v1__##answer##__descriptor             \
	}

static const struct grpc_method methods[RUNTIME_N_METHODS] = {
	[RUNTIME_VERSION] = RUNTIME("Version", version_response),
	[RUNTIME_STATUS] = RUNTIME("Status", status_response),
	[RUNTIME_RUN_POD_SANDBOX] = RUNTIME("RunPodSandbox", run_pod_sandbox_response),
	[RUNTIME_STOP_POD_SANDBOX] = RUNTIME("StopPodSandbox", nothing),
	[RUNTIME_REMOVE_POD_SANDBOX] = RUNTIME("RemovePodSandbox", nothing),
	[RUNTIME_POD_SANDBOX_STATUS] = RUNTIME("PodSandboxStatus", pod_sandbox_status_response),
	[RUNTIME_LIST_POD_SANDBOX] = RUNTIME("ListPodSandbox", list_pod_sandbox_response),
	[RUNTIME_CREATE_CONTAINER] = RUNTIME("CreateContainer", create_container_response),
	[RUNTIME_START_CONTAINER] = RUNTIME("StartContainer", nothing),
	[RUNTIME_STOP_CONTAINER] = RUNTIME("StopContainer", nothing),
	[RUNTIME_REMOVE_CONTAINER] = RUNTIME("RemoveContainer", nothing),
	[RUNTIME_LIST_CONTAINERS] = RUNTIME("ListContainers", list_containers_response),
	[RUNTIME_CONTAINER_STATUS] = RUNTIME("ContainerStatus", container_status_response),
	[RUNTIME_UPDATE_CONTAINER_RESOURCES] = RUNTIME("UpdateContainerResources", nothing),
	[RUNTIME_REOPEN_CONTAINER_LOG] = RUNTIME("ReopenContainerLog", nothing),
	[RUNTIME_LIST_CONTAINER_STATS] =
		RUNTIME("ListContainerStats", list_container_stats_response),
	[RUNTIME_EXEC_SYNC] = RUNTIME("ExecSync", exec_sync_response),
	[RUNTIME_EXEC] = RUNTIME("Exec", exec_response),
	[RUNTIME_ATTACH] = RUNTIME("Attach", attach_response),
	[RUNTIME_PORT_FORWARD] = RUNTIME("PortForward", port_forward_response),
	[RUNTIME_LIST_IMAGES] = IMAGE("ListImages", list_images_response),
	[RUNTIME_IMAGE_STATUS] = IMAGE("ImageStatus", image_status_response),
	[RUNTIME_PULL_IMAGE] = IMAGE("PullImage", pull_image_response),
	[RUNTIME_REMOVE_IMAGE] = IMAGE("RemoveImage", nothing),
	[RUNTIME_IMAGE_FS_INFO] = IMAGE("ImageFsInfo", image_fs_info_response),
};

static const struct grpc_method subscribe = { "/containerd.services.events.v1.Events/Subscribe",
					      &containerd__envelope__descriptor };
static const struct grpc_method publish = { "/containerd.services.events.v1.Events/Publish",
					    &containerd__nothing__descriptor };

static void move(struct cri *cri, enum cri_state state, uint64_t timer)
{
	cri->state = state;
	loop_timer_set(cri->timer, timer);
}

/* ---- what happens ---- */

static void tell(const struct cri *cri, enum runtime_event event, const char *id)
{
	if (cri->state == CRI_CONNECTED && id[0] != '\0') {
		cri->sink->happened(cri->userdata, event, id);
	}
}

static void task_exited(const struct cri *cri, const Containerd__Any *any)
{
	Containerd__TaskExit *event =
		containerd__task_exit__unpack(NULL, any->value.len, any->value.data);

	/* Others are of processes that were executed in it. */
	if (event != NULL && strcmp(event->container_id, event->id) == 0) {
		tell(cri, RUNTIME_EXITED, event->container_id);
	}
	if (event != NULL) {
		containerd__task_exit__free_unpacked(event, NULL);
	}
}

static void task_started(const struct cri *cri, const Containerd__Any *any)
{
	Containerd__TaskStart *event =
		containerd__task_start__unpack(NULL, any->value.len, any->value.data);

	if (event != NULL) {
		tell(cri, RUNTIME_STARTED, event->container_id);
		containerd__task_start__free_unpacked(event, NULL);
	}
}

static void task_out_of_memory(const struct cri *cri, const Containerd__Any *any)
{
	Containerd__TaskOOM *event =
		containerd__task_oom__unpack(NULL, any->value.len, any->value.data);

	if (event != NULL) {
		tell(cri, RUNTIME_OUT_OF_MEMORY, event->container_id);
		containerd__task_oom__free_unpacked(event, NULL);
	}
}

static void hello_came(struct cri *cri, const Containerd__Any *any)
{
	if (cri->state == CRI_OPENING && any->value.len == strlen(cri->hello) &&
	    memcmp(any->value.data, cri->hello, any->value.len) == 0) {
		move(cri, CRI_CHECKING, 0);
	}
}

static void event_came(void *userdata, const ProtobufCMessage *message)
{
	const Containerd__Envelope *envelope = (const Containerd__Envelope *)(const void *)message;
	struct cri *cri = userdata;

	if (envelope->event == NULL || strcmp(envelope->namespace_, NAMESPACE) != 0) {
		return;
	}
	if (strcmp(envelope->topic, "/tasks/exit") == 0) {
		task_exited(cri, envelope->event);
	} else if (strcmp(envelope->topic, "/tasks/start") == 0) {
		task_started(cri, envelope->event);
	} else if (strcmp(envelope->topic, "/tasks/oom") == 0) {
		task_out_of_memory(cri, envelope->event);
	} else if (strcmp(envelope->topic, HELLO_TOPIC) == 0) {
		hello_came(cri, envelope->event);
	}
}

static void stream_opened(void *userdata)
{
	/* containerd says so with its first event, which is our hello or later. */
}

static void stream_ended(void *userdata, const struct grpc_outcome *outcome)
{
	struct cri *cri = userdata;
	bool was_connected = cri->state == CRI_CONNECTED;

	cri->events = NULL;
	/* One that is just starting is given a moment. */
	if (!cri->complained && (was_connected || cri->delay >= NS_PER_S)) {
		log_warning(COMPONENT, "containerd at %s does not answer: %s; trying until it does",
			    cri->socket_path, outcome->message);
		cri->complained = true;
	}
	move(cri, CRI_WAITING, cri->delay);
	cri->delay = cri->delay * 2 < LONGEST_DELAY ? cri->delay * 2 : LONGEST_DELAY;
	if (was_connected) {
		cri->sink->connected(cri->userdata, false);
	}
}

static const struct grpc_stream_ops event_ops = {
	.opened = stream_opened,
	.message = event_came,
	.ended = stream_ended,
};

/* ---- getting connected ---- */

static void hello_said(void *userdata, const struct grpc_outcome *outcome,
		       const ProtobufCMessage *answer)
{
	struct cri *cri = userdata;

	/* When it failed the stream has as well, or it is said again. */
	cri->asking = false;
}

static void say_hello(struct cri *cri)
{
	Containerd__PublishRequest request = CONTAINERD__PUBLISH_REQUEST__INIT;
	Containerd__Any event = CONTAINERD__ANY__INIT;

	loop_timer_set(cri->timer, AGAIN);
	if (cri->asking) {
		return;
	}
	event.type_url = (char *)"headlessd/Hello";
	event.value =
		(ProtobufCBinaryData){ .data = (uint8_t *)cri->hello, .len = strlen(cri->hello) };
	request.topic = (char *)HELLO_TOPIC;
	request.event = &event;
	cri->asking = true;
	grpc_call(cri->grpc, &publish, &request.base, ANSWER, hello_said, cri);
}

static void open_stream(struct cri *cri)
{
	static const char *const filters[] = {
		"namespace==" NAMESPACE ",topic==\"/tasks/start\"",
		"namespace==" NAMESPACE ",topic==\"/tasks/exit\"",
		"namespace==" NAMESPACE ",topic==\"/tasks/oom\"",
		"namespace==" NAMESPACE ",topic==\"" HELLO_TOPIC "\"",
	};
	Containerd__SubscribeRequest request = CONTAINERD__SUBSCRIBE_REQUEST__INIT;

	request.filters = (char **)(void *)filters;
	request.n_filters = ARRAY_SIZE(filters);
	random_uuid(cri->hello);
	cri->state = CRI_OPENING;
	cri->events = grpc_stream_start(cri->grpc, &subscribe, &request.base, &event_ops, cri);
	say_hello(cri);
}

static void checked(void *userdata, const struct grpc_outcome *outcome,
		    const ProtobufCMessage *answer)
{
	struct cri *cri = userdata;

	cri->asking = false;
	if (cri->closing || cri->state != CRI_CHECKING) {
		return;
	}
	if (outcome->code != GRPC_OK) {
		/* It is starting still, or its CRI plugin could not be loaded. */
		if (outcome->code == GRPC_UNIMPLEMENTED && !cri->complained) {
			log_error(COMPONENT, "containerd at %s has no CRI of version v1: %s",
				  cri->socket_path, outcome->message);
			cri->complained = true;
		}
		return;
	}
	log_info(COMPONENT, "connected to containerd at %s", cri->socket_path);
	loop_timer_stop(cri->timer);
	cri->state = CRI_CONNECTED;
	cri->delay = FIRST_DELAY;
	cri->complained = false;
	cri->sink->connected(cri->userdata, true);
}

static void check(struct cri *cri)
{
	Runtime__V1__StatusRequest request = RUNTIME__V1__STATUS_REQUEST__INIT;

	loop_timer_set(cri->timer, AGAIN);
	if (!cri->asking) {
		cri->asking = true;
		grpc_call(cri->grpc, &methods[RUNTIME_STATUS], &request.base, ANSWER, checked, cri);
	}
}

static void timer_fired(void *userdata)
{
	struct cri *cri = userdata;

	switch (cri->state) {
	case CRI_OPENING:
		say_hello(cri);
		break;
	case CRI_CHECKING:
		check(cri);
		break;
	case CRI_WAITING:
		open_stream(cri);
		break;
	case CRI_SILENT:
	case CRI_CONNECTED:
		break;
	}
}

/* Something has appeared beside the socket; if it is the socket, there is no need to wait. */
static void something_appeared(void *userdata, unsigned events)
{
	union {
		struct inotify_event event;
		char bytes[16 * 1024];
	} read_in;
	struct cri *cri = userdata;
	const char *name = strrchr(cri->socket_path, '/') + 1;
	ssize_t n = read(cri->appears, read_in.bytes, sizeof(read_in.bytes));

	for (const char *p = read_in.bytes; n > 0 && p < read_in.bytes + n;) {
		const struct inotify_event *event = (const struct inotify_event *)(const void *)p;

		if (event->len != 0 && strcmp(event->name, name) == 0 &&
		    cri->state == CRI_WAITING) {
			cri->delay = FIRST_DELAY;
			loop_timer_set(cri->timer, 0);
		}
		p += sizeof(*event) + event->len;
	}
}

/* Without it the growing delay does. */
static void watch_directory(struct cri *cri)
{
	_cleanup_free_ char *path = mem_strdup(cri->socket_path);

	cri->appears = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (cri->appears < 0 || strchr(cri->socket_path, '/') == NULL ||
	    inotify_add_watch(cri->appears, dirname(path), IN_CREATE | IN_MOVED_TO) < 0 ||
	    loop_watch_new(cri->loop, cri->appears, LOOP_READ, something_appeared, cri,
			   &cri->appears_watch) < 0) {
		log_debug(COMPONENT, "cannot watch for %s", cri->socket_path);
	}
}

/* ---- the interface ---- */

static void cri_call(struct runtime *runtime, enum runtime_method method,
		     const ProtobufCMessage *request, uint64_t timeout, grpc_done_fn done,
		     void *userdata)
{
	const struct cri *cri = container_of(runtime, struct cri, runtime);

	grpc_call(cri->grpc, &methods[method], request, timeout, done, userdata);
}

static void cri_listen(struct runtime *runtime, const struct runtime_sink *sink, void *userdata)
{
	struct cri *cri = container_of(runtime, struct cri, runtime);

	cri->sink = sink;
	cri->userdata = userdata;
	watch_directory(cri);
	move(cri, CRI_WAITING, 0);
}

static void cri_free(struct runtime *runtime)
{
	struct cri *cri = container_of(runtime, struct cri, runtime);

	cri->closing = true;
	cri->events = grpc_stream_end(cri->events);
	grpc_free(cri->grpc);
	loop_timer_free(cri->timer);
	loop_watch_free(cri->appears_watch);
	file_close_pointer(&cri->appears);
	mem_free(cri->socket_path);
	mem_free(cri);
}

static const struct runtime_ops ops = { .call = cri_call, .listen = cri_listen, .free = cri_free };

int cri_new(struct loop *loop, const char *socket_path, struct runtime **ret)
{
	struct cri *cri = MEM_NEW(struct cri);
	int result = grpc_new(loop, socket_path, &cri->grpc);

	if (result < 0) {
		mem_free(cri);
		return error_trace(result);
	}
	/* What the CRI makes, and so its events, are in this namespace. */
	grpc_set_metadata(cri->grpc, "containerd-namespace", NAMESPACE);
	cri->runtime.ops = &ops;
	cri->loop = loop;
	cri->timer = loop_timer_new(loop, timer_fired, cri);
	cri->delay = FIRST_DELAY;
	cri->appears = -1;
	cri->socket_path = mem_strdup(socket_path);
	*ret = &cri->runtime;
	return 0;
}
