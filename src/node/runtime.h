/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What runs containers: the calls of the Container Runtime Interface, and what happened to
 * containers as it happens. cri.c is containerd; tests bring a fake. Loop's thread; no call waits.
 *
 * Requests and answers are the interface's own messages (rpc/cri.proto).
 */

#include <stdbool.h>
#include <stdint.h>

#include "rpc/cri.pb-c.h"
#include "rpc/grpc.h"

struct loop;
struct runtime;

/* Request and answer of each: VERSION takes VersionRequest, gives VersionResponse, and so on. */
enum runtime_method {
	RUNTIME_VERSION,
	RUNTIME_STATUS,
	RUNTIME_RUN_POD_SANDBOX,
	RUNTIME_STOP_POD_SANDBOX, /* idempotent; answers Nothing */
	RUNTIME_REMOVE_POD_SANDBOX, /* idempotent; answers Nothing */
	RUNTIME_POD_SANDBOX_STATUS,
	RUNTIME_LIST_POD_SANDBOX,
	RUNTIME_CREATE_CONTAINER,
	RUNTIME_START_CONTAINER, /* answers Nothing */
	RUNTIME_STOP_CONTAINER, /* idempotent; answers Nothing; takes as long as its timeout */
	RUNTIME_REMOVE_CONTAINER, /* idempotent; answers Nothing */
	RUNTIME_LIST_CONTAINERS,
	RUNTIME_CONTAINER_STATUS,
	RUNTIME_UPDATE_CONTAINER_RESOURCES, /* answers Nothing */
	RUNTIME_REOPEN_CONTAINER_LOG, /* answers Nothing */
	RUNTIME_LIST_CONTAINER_STATS,
	RUNTIME_EXEC_SYNC,
	RUNTIME_EXEC,
	RUNTIME_ATTACH,
	RUNTIME_PORT_FORWARD,
	RUNTIME_LIST_IMAGES,
	RUNTIME_IMAGE_STATUS, /* image NULL in the answer: not there */
	RUNTIME_PULL_IMAGE,
	RUNTIME_REMOVE_IMAGE, /* answers Nothing */
	RUNTIME_IMAGE_FS_INFO,
	RUNTIME_N_METHODS,
};

enum runtime_event {
	RUNTIME_STARTED, /* a container's process runs */
	RUNTIME_EXITED, /* a container's or a sandbox's process has ended */
	RUNTIME_OUT_OF_MEMORY, /* a process of it was killed for memory */
};

struct runtime_sink {
	/* `id` is a container's or a sandbox's; borrowed. */
	void (*happened)(void *userdata, enum runtime_event event, const char *id);
	/*
	 * True: events are being heard from now on, and what went before may have been missed, so
	 * look at everything. False: the runtime is lost; it is sought again without being asked.
	 */
	void (*connected)(void *userdata, bool connected);
};

struct runtime_ops {
	void (*call)(struct runtime *runtime, enum runtime_method method,
		     const ProtobufCMessage *request, uint64_t timeout, grpc_done_fn done,
		     void *userdata);
	void (*listen)(struct runtime *runtime, const struct runtime_sink *sink, void *userdata);
	void (*free)(struct runtime *runtime);
};

/* Implementations embed this first. */
struct runtime {
	const struct runtime_ops *ops;
};

/*
 * `done` is called exactly once, never before this returns; also when the runtime is freed
 * (GRPC_UNAVAILABLE). `request` is only read during the call. `timeout` in ns; 0: none.
 */
void runtime_call(struct runtime *runtime, enum runtime_method method,
		  const ProtobufCMessage *request, uint64_t timeout, grpc_done_fn done,
		  void *userdata);

/* Tells `sink` (borrowed, outlives the runtime) from now on. Once. */
void runtime_listen(struct runtime *runtime, const struct runtime_sink *sink, void *userdata);

struct runtime *runtime_free(struct runtime *runtime); /* NULL is fine; returns NULL */

/* containerd at a unix socket, its namespace k8s.io. Returns 0 or -errno. */
int cri_new(struct loop *loop, const char *socket_path, struct runtime **ret);
