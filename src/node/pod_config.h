/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a Pod object to what the runtime is told: sandbox and containers, with environment, mounts,
 * security and resources. Pure but for the files it names; all that it makes lives in the arena.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "rpc/cri.pb-c.h"

struct cache;
struct object;

/* What is true for all pods of the node. */
struct node_config {
	const char *node_name;
	const char *data_dir; /* pods' directories are below "pods/UID", as kubelet lays them out */
	const char *log_dir; /* "/var/log/pods" */
	const char *cluster_domain; /* "cluster.local" */
	const char *cluster_dns[2]; /* addresses of the cluster's DNS, up to the first NULL */
	const char *cgroup_parent; /* "/headlessd"; below it a group a pod: QoS/podUID */
	const char *resolv_conf; /* the node's own: "/etc/resolv.conf" */
	const char *api_host; /* of KUBERNETES_SERVICE_HOST when the Service is not there yet */
	const char *const *node_ips; /* up to the first NULL */
};

struct pod_inputs {
	const struct node_config *node;
	const struct cache *cache; /* what pod_config_want() names */
	struct object *pod;
	const char *const *pod_ips; /* up to the first NULL; empty before the sandbox runs */
};

/* The kinds that are read: ConfigMaps, Secrets, Services, the Node, claims and volumes. */
void pod_config_want(struct cache *cache);

/*
 * A kubelet tries again after both of the latter, for ever: the pod stays as it is, with
 * CreateContainerConfigError at the container, or the event FailedCreatePodSandBox. (A forbidden
 * sysctl alone ends the pod: pod_admission().)
 */
enum pod_config_outcome {
	POD_CONFIG_FINE,
	POD_CONFIG_WAIT, /* something it refers to is not there (yet) */
	POD_CONFIG_IMPOSSIBLE, /* the pod can never run as it is written */
};

/* 1.3 KiB: a name of each sort and some words. */
enum { POD_CONFIG_MESSAGE = 1344 };

/* The labels by which the agent knows its own again, on sandboxes and containers. */
#define LABEL_POD_NAME "io.kubernetes.pod.name"
#define LABEL_POD_NAMESPACE "io.kubernetes.pod.namespace"
#define LABEL_POD_UID "io.kubernetes.pod.uid"
#define LABEL_CONTAINER_NAME "io.kubernetes.container.name"
/* Annotations of containers. */
#define ANNOTATION_RESTART_COUNT "io.kubernetes.container.restartCount"
#define ANNOTATION_SPEC_HASH "io.kubernetes.container.hash"
#define ANNOTATION_TERMINATION_PATH "io.kubernetes.container.terminationMessagePath"
#define ANNOTATION_TERMINATION_POLICY "io.kubernetes.container.terminationMessagePolicy"

/*
 * What ANNOTATION_SPEC_HASH should say: a hash of the container's name and image, of what may
 * change while the pod lives, so that it is the same for every version of the agent and the API.
 */
enum { POD_CONTAINER_HASH = 17 };
void pod_container_hash(const json_t *container, char ret_hash[POD_CONTAINER_HASH]);

/*
 * Why this node may not run the pod at all, as status.reason ("SysctlForbidden") with a message; ""
 * when it may.
 */
const char *pod_admission(struct object *pod, char ret_message[POD_CONFIG_MESSAGE]);

/* Where the container of that attempt writes its last words (terminationMessagePath). */
const char *pod_termination_log(const struct node_config *node, struct object *pod,
				const char *container, uint32_t attempt, struct arena *arena);

/*
 * The sandbox: hostname rules, DNS, sysctls, namespaces, cgroup parent, log directory (which is
 * made). The arena has room for LIMIT_POD_CONFIG.
 */
enum pod_config_outcome pod_sandbox_config(const struct pod_inputs *inputs, uint32_t attempt,
					   struct arena *arena, Runtime__V1__PodSandboxConfig **ret,
					   char ret_message[POD_CONFIG_MESSAGE]);

/*
 * A container (`container` is its JSON within the spec, of any of the lists). `image` is the image
 * as the runtime knows it (its user decides runAsNonRoot). Its volumes have been set up before.
 * Makes the directory of its logs, the file of its last words and the mounts of its subPaths. The
 * arena has room for LIMIT_POD_CONFIG.
 */
enum pod_config_outcome pod_container_config(const struct pod_inputs *inputs,
					     const json_t *container, uint32_t attempt,
					     const Runtime__V1__Image *image, struct arena *arena,
					     Runtime__V1__ContainerConfig **ret,
					     char ret_message[POD_CONFIG_MESSAGE]);
