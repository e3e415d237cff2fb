/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Between the files that make configurations: pod_sandbox.c, pod_resolv.c (DNS), pod_container.c,
 * pod_environment.c with pod_services.c and pod_expand.c, pod_fields.c (downward API),
 * pod_mounts.c, pod_security.c, pod_resources.c; pod_paths.c and subpath.c are shared with the
 * volumes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/map.h"
#include "node/pod_config.h"
#include "object/object.h"

/* One configuration under way. */
struct pod_config {
	const struct pod_inputs *inputs;
	const json_t *tree; /* the pod's */
	const json_t *spec;
	struct arena *arena;
	enum pod_config_outcome outcome;
	char *message; /* POD_CONFIG_MESSAGE bytes */
};

void pod_config_init(struct pod_config *config, const struct pod_inputs *inputs,
		     struct arena *arena, char *message);

/* Notes why it cannot be; the first reason stands. */
void pod_config_fail(struct pod_config *config, enum pod_config_outcome outcome, const char *format,
		     ...) __attribute__((format(printf, 3, 4)));

/* An array of strings as the messages want it, in the arena. */
char **pod_config_strings(struct pod_config *config, const json_t *array, size_t *ret_n);

/* Entries of a map that grows up to `max`. */
struct pod_entries {
	struct arena *arena;
	Runtime__V1__Entry **items;
	size_t n;
	size_t max;
};
void pod_entries_init(struct pod_entries *entries, struct arena *arena, size_t max);
void pod_entries_add(struct pod_entries *entries, const char *key, const char *value);
/* The labels that every sandbox and container of the pod has. */
void pod_entries_add_identity(struct pod_entries *entries, struct object *pod);

/* ---- pod_sandbox.c ---- */

/*
 * The pod's host name, and the domain behind it in the cluster's DNS ("" without a subdomain).
 * In the arena.
 */
void pod_config_hostname(const struct pod_inputs *inputs, struct arena *arena,
			 const char **ret_name, const char **ret_domain);

/* ---- pod_resolv.c ---- */

Runtime__V1__DNSConfig *pod_resolv(struct pod_config *config);

/* ---- pod_environment.c ---- */

struct pod_environment {
	Runtime__V1__KeyValue **items;
	size_t n;
	struct map names; /* name -> Runtime__V1__KeyValue */
	size_t size; /* bytes so far, against LIMIT_POD_ENVIRONMENT */
};

/* All variables of a container, in the order of its env, then those of Services. */
void pod_environment_init(struct pod_environment *environment, struct pod_config *config,
			  const json_t *container);
void pod_environment_deinit(struct pod_environment *environment);

/* Text with $(NAME) replaced, in the arena; counted against the limit. */
const char *pod_environment_expand(struct pod_environment *environment, struct pod_config *config,
				   const char *text);

/* The value of a variable; NULL when there is none. */
const char *pod_environment_get(const struct pod_environment *environment, struct str name);

/* ---- pod_expand.c ---- */

/* The value of a variable, or STR_NONE. */
typedef struct str (*pod_lookup_fn)(void *userdata, struct str name);

/*
 * Appends `text` with $(NAME) replaced by its value and $$ by $. What `lookup` does not know stays
 * as it is.
 * https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
void pod_expand(struct str text, pod_lookup_fn lookup, void *userdata, struct buffer *out);

/* ---- pod_services.c ---- */

/*
 * Calls `add` for the variables of the Services that a pod sees: those of its namespace when
 * `links` is on, and those of default/kubernetes always.
 */
void pod_services(const struct pod_inputs *inputs, bool links,
		  void (*add)(void *userdata, const char *name, const char *value), void *userdata);

/* ---- pod_fields.c ---- */

/*
 * Appends a field of the pod ("metadata.labels['a']", "status.podIP", …). False when there is no
 * such field.
 */
bool pod_field(const struct pod_inputs *inputs, const char *path, struct buffer *out);

/*
 * Appends what a resourceFieldRef asks for; `container` is the one it stands in, NULL in volumes.
 * False when it names no such thing.
 */
bool pod_resource_field(const struct pod_inputs *inputs, const json_t *reference,
			const json_t *container, struct buffer *out);

/* A container of any list by its name; NULL for none. */
const json_t *pod_container_find(const json_t *spec, const char *name);

/* ---- pod_mounts.c ---- */

void pod_mounts(struct pod_config *config, const json_t *container, uint32_t attempt,
		struct pod_environment *environment, Runtime__V1__ContainerConfig *ret);

/* ---- pod_security.c ---- */

Runtime__V1__NamespaceOption *pod_namespaces(struct pod_config *config);
Runtime__V1__LinuxSandboxSecurityContext *pod_sandbox_security(struct pod_config *config);
Runtime__V1__LinuxContainerSecurityContext *pod_container_security(struct pod_config *config,
								   const json_t *container,
								   const Runtime__V1__Image *image);
/* The first sysctl that a pod may not set; NULL when all are safe. */
const char *pod_unsafe_sysctl(const json_t *spec);

/* ---- pod_resources.c ---- */

Runtime__V1__LinuxContainerResources *pod_resources(struct pod_config *config,
						    const json_t *container);
/* The group of all of the pod's processes. */
char *pod_cgroup(struct pod_config *config);

/* ---- pod_paths.c ---- */

/* DATA/pods/UID, and what is below it. */
char *pod_directory(const struct node_config *node, const char *uid, struct arena *arena);
char *pod_hosts_path(const struct node_config *node, const char *uid, struct arena *arena);

enum pod_volume_sort {
	POD_VOLUME_EMPTY,
	POD_VOLUME_CONFIG_MAP,
	POD_VOLUME_SECRET,
	POD_VOLUME_PROJECTED,
	POD_VOLUME_DOWNWARD,
	POD_VOLUME_HOST,
	POD_VOLUME_CLAIM,
	POD_VOLUME_UNKNOWN,
};

/* What a volume of spec.volumes is, and its source (NULL when unknown). */
enum pod_volume_sort pod_volume_sort(const json_t *volume, const json_t **ret_source);

/* Whether its content is written by the agent, and read-only for containers. */
bool pod_volume_is_written(enum pod_volume_sort sort);

struct pod_volume {
	enum pod_volume_sort sort;
	const json_t *source;
	const char *name;
	char *path; /* on the node */
	bool read_only;
	/* Of a claim: */
	bool make; /* its directory is made by the first pod that needs it */
	const char *type; /* what has to be at `path`, as in hostPath */
};

/*
 * Where the volume of spec.volumes named `name` is on the node; POD_CONFIG_WAIT when its claim is
 * not bound yet, with words in `message`.
 */
enum pod_config_outcome pod_volume_find(const struct pod_inputs *inputs, const char *name,
					struct arena *arena, struct pod_volume *ret,
					char message[POD_CONFIG_MESSAGE]);

/* ---- subpath.c ---- */

/*
 * Opens what is at `path` strictly below the volume (a directory, or a file with path ""), making
 * missing directories when `make`; no symbolic link leads out of it. Returns a descriptor (O_PATH),
 * or -errno.
 */
int subpath_open(const char *volume, const char *path, bool make);

/*
 * The same, mounted at `target` (made; an earlier mount there is replaced), so that a link put in
 * its way later changes nothing. Returns 0 or -errno.
 */
int subpath_mount(const char *volume, const char *path, const char *target);
