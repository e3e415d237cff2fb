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
	const struct cache *cache; /* ConfigMaps, Secrets, Services; Node */
	struct object *pod;
	const char *const *pod_ips; /* up to the first NULL; empty before the sandbox runs */
};

enum pod_config_outcome {
	POD_CONFIG_FINE,
	POD_CONFIG_WAIT, /* something it refers to is not there (yet): CreateContainerConfigError */
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

/* The sandbox: hostname rules, DNS, sysctls, namespaces, cgroup parent, log directory. */
enum pod_config_outcome pod_sandbox_config(const struct pod_inputs *inputs, uint32_t attempt,
					   struct arena *arena, Runtime__V1__PodSandboxConfig **ret,
					   char ret_message[POD_CONFIG_MESSAGE]);

/*
 * A container (`container` is its JSON within the spec, of any of the lists). `image` is the image
 * as the runtime knows it (its user decides runAsNonRoot). Its volumes have been set up before.
 */
enum pod_config_outcome pod_container_config(const struct pod_inputs *inputs,
					     const json_t *container, uint32_t attempt,
					     const Runtime__V1__Image *image, struct arena *arena,
					     Runtime__V1__ContainerConfig **ret,
					     char ret_message[POD_CONFIG_MESSAGE]);
