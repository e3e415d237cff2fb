/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A pod on this node: a machine of named states (docs/node.md) from "bound to us" to "nothing is
 * left of it". It acts through the runtime, reports through the API, and never waits. Loop's
 * thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "node/runtime.h"
#include "node/volumes.h"

struct cache;
struct client;
struct clock;
struct event_recorder;
struct loop;
struct pod;
struct probing;
struct timetable;

/*
 * What a pod is made of: its configuration, its volumes and files. The agent's is pod_making_real;
 * tests bring another. Functions as in pod_config.h and volumes.h.
 */
struct pod_making {
	const char *(*admission)(void *data, struct object *pod,
				 char ret_message[POD_CONFIG_MESSAGE]);
	enum pod_config_outcome (*sandbox)(void *data, const struct pod_inputs *inputs,
					   uint32_t attempt, struct arena *arena,
					   Runtime__V1__PodSandboxConfig **ret,
					   char ret_message[POD_CONFIG_MESSAGE]);
	enum pod_config_outcome (*container)(void *data, const struct pod_inputs *inputs,
					     const json_t *container, uint32_t attempt,
					     const Runtime__V1__Image *image, struct arena *arena,
					     Runtime__V1__ContainerConfig **ret,
					     char ret_message[POD_CONFIG_MESSAGE]);
	void (*prepare)(void *data, struct object *pod, volumes_done_fn done, void *userdata);
	void (*refresh)(void *data, struct object *pod);
	int (*write_hosts)(void *data, struct object *pod, const char *const *pod_ips);
	/* Volumes, files and logs; `pod` is NULL when nothing but its UID is known. */
	int (*remove)(void *data, struct object *pod, const char *uid);
	json_t *(*leftovers)(void *data);
	void (*hash)(void *data, const json_t *container, char ret_hash[POD_CONTAINER_HASH]);
	/* What the container of that attempt said at its end (heap; "" when nothing). */
	char *(*last_words)(void *data, struct object *pod, const char *container, uint32_t attempt,
			    bool failed);
};

/* What all pods of a node share. Everything borrowed; outlives them. */
struct pod_world {
	struct loop *loop;
	const struct clock *clock;
	struct timetable *timetable;
	struct runtime *runtime;
	struct client *client;
	struct cache *cache;
	struct event_recorder *events;
	const struct node_config *node;
	const struct pod_making *making;
	void *making_data;
	const struct probing *probing; /* probes.h */
	struct list pods; /* all of them */
	/* The runtime and its network are there, and what runs has been looked at. */
	bool able;
	/* Nothing is left of the pod, and its memory goes when this returns. */
	void (*gone)(void *userdata, struct pod *pod);
	void *userdata;
};

/* A pod that is bound to this node. Nothing happens before pod_observe(). */
struct pod *pod_new(struct pod_world *world, struct object *object);

/* Forgets it; containers stay as they are. Calls under way keep its memory until they return. */
void pod_forget(struct pod *pod);

/* The API has a newer version of it. */
void pod_renew(struct pod *pod, struct object *object);

/* The API has it no more: end it. `orphan`: nobody remembers what it was. */
void pod_removed(struct pod *pod, bool orphan);

/* What the runtime has; only what is this pod's counts. */
void pod_observe(struct pod *pod, const Runtime__V1__ListPodSandboxResponse *sandboxes,
		 const Runtime__V1__ListContainersResponse *containers);

/* A complete look at the runtime begins: what changes from now on makes its answer stale. */
void pod_look_begins(struct pod *pod);

/* Something happened to a container or sandbox; false: it is none of this pod's. */
bool pod_happened(struct pod *pod, enum runtime_event event, const char *id);

/* Something that it may wait for has changed. */
void pod_wake(struct pod *pod);

/* A ConfigMap, Secret or Service has changed. */
void pod_inputs_changed(struct pod *pod);

const char *pod_uid(const struct pod *pod);
struct object *pod_object(const struct pod *pod);

/* It runs, or may still do: it counts for host ports and for image collection. */
bool pod_may_run(const struct pod *pod);
