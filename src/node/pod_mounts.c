/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container sees of its pod's volumes, and the files that every one has: /etc/hosts and the
 * one for its last words. Unless it mounts something there itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "node/pod_config_intern.h"
#include "json/json.h"

#define HOSTS "/etc/hosts"

static Runtime__V1__Mount *add(struct pod_config *config, Runtime__V1__ContainerConfig *message,
			       const char *container_path, const char *host_path)
{
	Runtime__V1__Mount *mount = arena_alloc(config->arena, sizeof(*mount));

	runtime__v1__mount__init(mount);
	mount->container_path = arena_printf(config->arena, "%s", container_path);
	mount->host_path = arena_printf(config->arena, "%s", host_path);
	message->mounts[message->n_mounts++] = mount;
	return mount;
}

static Runtime__V1__MountPropagation propagation_of(const json_t *mount)
{
	const char *name = json_string_at(mount, "mountPropagation");

	return strcmp(name, "HostToContainer") == 0
		       ? RUNTIME__V1__MOUNT_PROPAGATION__PROPAGATION_HOST_TO_CONTAINER
	       : strcmp(name, "Bidirectional") == 0
		       ? RUNTIME__V1__MOUNT_PROPAGATION__PROPAGATION_BIDIRECTIONAL
		       : RUNTIME__V1__MOUNT_PROPAGATION__PROPAGATION_PRIVATE;
}

/* ---- subPath ---- */

struct strictly {
	struct pod_environment *environment;
	struct str missing;
};

static struct str lookup(void *userdata, struct str name)
{
	struct strictly *strictly = userdata;
	const char *value = pod_environment_get(strictly->environment, name);

	if (value == NULL) {
		strictly->missing = name;
	}
	return str_from(value);
}

/* "" for the whole volume. Unlike elsewhere, a variable that is not there is an error. */
static const char *sub_path(struct pod_config *config, const json_t *mount,
			    struct pod_environment *environment)
{
	const char *expression = json_string_at(mount, "subPathExpr");
	struct strictly strictly = { .environment = environment };
	struct buffer out _cleanup_buffer_ = BUFFER_INIT(4096); /* PATH_MAX */

	if (expression[0] == '\0') {
		return json_string_at(mount, "subPath");
	}
	pod_expand(str_from(expression), lookup, &strictly, &out);
	if (strictly.missing.p != NULL) {
		pod_config_fail(config, POD_CONFIG_IMPOSSIBLE, "missing value for \"%.*s\"",
				STR_ARG(strictly.missing));
	} else if (out.overflowed) {
		pod_config_fail(config, POD_CONFIG_IMPOSSIBLE, "subPathExpr of %s is too long",
				json_string_at(mount, "mountPath"));
	}
	return arena_printf(config->arena, "%s", buffer_text(&out));
}

static bool goes_back(const char *path)
{
	struct str rest = str_from(path);

	while (rest.p != NULL) {
		if (str_is(str_cut(&rest, '/'), "..")) {
			return true;
		}
	}
	return path[0] == '/';
}

/* What of the volume is mounted, as a path that nobody in the pod can turn elsewhere. */
static const char *below_volume(struct pod_config *config, const json_t *container,
				const struct pod_volume *volume, const char *path, size_t index)
{
	const struct pod_inputs *inputs = config->inputs;
	char *target =
		arena_printf(config->arena, "%s/volume-subpaths/%s/%s/%zu",
			     pod_directory(inputs->node, object_uid(inputs->pod), config->arena),
			     volume->name, json_string_at(container, "name"), index);

	if (goes_back(path)) {
		pod_config_fail(config, POD_CONFIG_IMPOSSIBLE,
				"subPath \"%s\" of volume \"%s\" must be relative and without '..'",
				path, volume->name);
		return target;
	}
	int r = subpath_mount(volume->path, path, target);

	if (r < 0) {
		/* The number alone: what stands where on the node is not the pod's business. */
		pod_config_fail(config, POD_CONFIG_WAIT,
				"failed to prepare subPath for volumeMount \"%s\" of container "
				"\"%s\": %s",
				volume->name, json_string_at(container, "name"), strerror(-r));
	}
	return target;
}

/* ---- volumes ---- */

static void add_volume(struct pod_config *config, const json_t *container, const json_t *mount,
		       size_t index, struct pod_environment *environment,
		       Runtime__V1__ContainerConfig *message)
{
	const char *name = json_string_at(mount, "name");
	char why[POD_CONFIG_MESSAGE];
	struct pod_volume volume;
	enum pod_config_outcome outcome =
		pod_volume_find(config->inputs, name, config->arena, &volume, why);

	if (outcome != POD_CONFIG_FINE) {
		pod_config_fail(config, outcome, "%s", why);
		return;
	}
	const char *below = sub_path(config, mount, environment);
	const char *path = volume.path;

	if (config->outcome != POD_CONFIG_FINE) {
		return;
	}
	if (below[0] != '\0') {
		path = below_volume(config, container, &volume, below, index);
	}
	Runtime__V1__Mount *made = add(config, message, json_string_at(mount, "mountPath"), path);

	made->readonly = volume.read_only || json_bool_at(mount, "readOnly", false);
	made->propagation = propagation_of(mount);
}

/* ---- last words ---- */

const char *pod_termination_log(const struct node_config *node, struct object *pod,
				const char *container, uint32_t attempt, struct arena *arena)
{
	return arena_printf(arena, "%s/containers/%s/%u",
			    pod_directory(node, object_uid(pod), arena), container, attempt);
}

/* Empty, and for any user to write to. */
static int make_log(const char *path)
{
	char *directory _cleanup_free_ =
		str_dup((struct str){ .p = path, .n = (size_t)(strrchr(path, '/') - path) });
	int r = file_make_directory(directory, 0750);
	int fd _cleanup_close_ = -1;

	if (r < 0) {
		return r;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0 || fchmod(fd, 0666) < 0) {
		return -errno;
	}
	return 0;
}

static void add_termination_log(struct pod_config *config, const json_t *container,
				uint32_t attempt, Runtime__V1__ContainerConfig *message)
{
	const char *where = json_string_at(container, "terminationMessagePath");
	const char *name = json_string_at(container, "name");
	const char *path = pod_termination_log(config->inputs->node, config->inputs->pod, name,
					       attempt, config->arena);

	if (where[0] == '\0') {
		return;
	}
	int r = make_log(path);

	if (r < 0) {
		pod_config_fail(config, POD_CONFIG_WAIT, "%s: %s", path, strerror(-r));
		return;
	}
	add(config, message, where, path);
}

/* ---- all of them ---- */

static bool is_mounted(const json_t *mounts, const char *path)
{
	const json_t *mount;
	size_t i;

	json_array_foreach (mounts, i, mount) {
		if (strcmp(json_string_at(mount, "mountPath"), path) == 0) {
			return true;
		}
	}
	return false;
}

/* Before the pod has an address there is nothing to write into it. */
static bool wants_hosts(const struct pod_config *config, const json_t *mounts)
{
	const char *const *ips = config->inputs->pod_ips;
	bool host = json_bool_at(config->spec, "hostNetwork", false);

	return (host || (ips != NULL && ips[0] != NULL)) && !is_mounted(mounts, HOSTS);
}

void pod_mounts(struct pod_config *config, const json_t *container, uint32_t attempt,
		struct pod_environment *environment, Runtime__V1__ContainerConfig *ret)
{
	const json_t *mounts = json_object_get(container, "volumeMounts");
	const json_t *mount;
	size_t i;

	if (json_array_size(json_object_get(container, "volumeDevices")) != 0) {
		pod_config_fail(config, POD_CONFIG_IMPOSSIBLE,
				"volumeDevices: this node has no block volumes");
		return;
	}
	ret->mounts =
		arena_alloc(config->arena, (json_array_size(mounts) + 2) * sizeof(*ret->mounts));
	json_array_foreach (mounts, i, mount) {
		add_volume(config, container, mount, i, environment, ret);
	}
	if (wants_hosts(config, mounts)) {
		add(config, ret, HOSTS,
		    pod_hosts_path(config->inputs->node, object_uid(config->inputs->pod),
				   config->arena));
	}
	add_termination_log(config, container, attempt, ret);
}
