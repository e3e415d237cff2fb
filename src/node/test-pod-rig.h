/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * For tests of what is inside pods: a cache filled by hand, a directory that is removed afterwards,
 * a node with both. Objects are written as JSON with ' for ".
 */

#include <stdbool.h>

#include <jansson.h>

#include "base/arena.h"
#include "client/cache.h"
#include "node/pod_config.h"
#include "object/object.h"

struct pod_rig {
	struct cache *cache;
	struct arena arena;
	char directory[64];
	char resolv[96]; /* the node's resolv.conf */
	char data[96];
	char logs[96];
	struct node_config node;
	struct object *pod;
	const char *pod_ips[3];
	struct pod_inputs inputs;
	uint64_t revision;
	char message[POD_CONFIG_MESSAGE];
};

/* For cmocka: *state becomes the rig. */
int pod_rig_setup(void **state);
int pod_rig_teardown(void **state);

/* New reference. */
json_t *pod_rig_json(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Puts an object into the cache; namespace "ns" where it has none of its own. */
void pod_rig_put(struct pod_rig *rig, const struct kind *kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Makes the pod "web-0" of "ns" (uid-1) with this spec, one container "c" when it has none; its
 * quality of service is Burstable.
 */
void pod_rig_pod(struct pod_rig *rig, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A pod whose one container has these members. */
void pod_rig_container(struct pod_rig *rig, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The configurations; NULL with rig->message when there is none. */
Runtime__V1__PodSandboxConfig *pod_rig_sandbox(struct pod_rig *rig);
Runtime__V1__ContainerConfig *pod_rig_made(struct pod_rig *rig, const Runtime__V1__Image *image,
					   enum pod_config_outcome *ret_outcome);

/* The value of a variable; NULL for none. */
const char *pod_rig_variable(const Runtime__V1__ContainerConfig *config, const char *name);

/* "a b c" of strings. */
const char *pod_rig_join(struct pod_rig *rig, char *const *texts, size_t n);

void pod_rig_write(const char *path, const char *text);
/* The text of a file below the rig's directory; NULL when it is not there. In the arena. */
const char *pod_rig_read(struct pod_rig *rig, const char *path);
