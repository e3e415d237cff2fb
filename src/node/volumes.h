/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The volumes of the pods of this node: set up before a pod's containers are made, kept up to date
 * while it runs (ConfigMaps, Secrets, downward data, tokens: replaced atomically by the "..data"
 * link), and taken away when it is gone. Also the pod's own files: /etc/hosts, termination logs.
 * Loop's thread of the agent, which may touch local files.
 */

#include "node/pod_config.h"

struct client;
struct clock;
struct loop;
struct volumes;

/*
 * All arguments are borrowed and outlive the volumes. From then on the directories of this node's
 * local PersistentVolumes are removed when those are deleted, too.
 */
struct volumes *volumes_new(struct loop *loop, struct client *client, struct cache *cache,
			    const struct node_config *node, const struct clock *clock);
struct volumes *volumes_free(struct volumes *volumes);

/* `message` is "" when fine; otherwise what is missing ("configmap \"a\" not found"). */
typedef void (*volumes_done_fn)(void *userdata, enum pod_config_outcome outcome,
				const char *message);

/*
 * Makes all volumes of the pod ready; idempotent, also after a restart of the agent. Tokens are
 * asked of the API, so `done` is called once, later or at once.
 */
void volumes_prepare(struct volumes *volumes, struct object *pod, volumes_done_fn done,
		     void *userdata);

/* Something that a running pod's volumes show may have changed: bring them up to date. */
void volumes_refresh(struct volumes *volumes, struct object *pod);

/* Writes the pod's /etc/hosts once its addresses are known. Returns 0 or -errno. */
int volumes_write_hosts(struct volumes *volumes, struct object *pod, const char *const *pod_ips);

/*
 * Unmounts and removes everything of a pod that has no containers any more. Idempotent. Returns 0,
 * or -errno when something could not go now (try again).
 */
int volumes_remove(struct volumes *volumes, const char *uid);

/* The UIDs of pods that have a directory, for taking away what is left over (new reference,
 * strings). */
json_t *volumes_leftovers(const struct volumes *volumes);
