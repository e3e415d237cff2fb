/* SPDX-License-Identifier: Apache-2.0 */
/* Where containers and their logs are: for who asks by name, and for all that run. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "node/agent_intern.h"
#include "node/log_rotation.h"
#include "json/json.h"

static const struct pod *find_pod(const struct agent *agent, struct str space, struct str name,
				  char ret_message[512])
{
	const struct pod *found = NULL;

	/* One of this name may be ending while the next begins: the next is meant. */
	map_for_each (entry, &agent->pods) {
		const struct pod *pod = entry->value;

		if (!pod->orphan && str_eq(pod->object->space, space) &&
		    str_eq(pod->object->name, name) && (found == NULL || found->removed)) {
			found = pod;
		}
	}
	if (found == NULL) {
		snprintf(ret_message, 512, "pod \"%.*s\" not found on node %s", STR_ARG(name),
			 agent->config.node->node_name);
	}
	return found;
}

static const struct container *find_container(const struct pod *pod, struct str name,
					      char ret_message[512])
{
	for (size_t i = 0; i < pod->n_containers; i++) {
		if (str_is(name, pod->containers[i].name)) {
			return &pod->containers[i];
		}
	}
	snprintf(ret_message, 512, "container %.*s is not valid for pod %.*s", STR_ARG(name),
		 POD_ARG(pod));
	return NULL;
}

/* As the runtime lays them out, below the directory that the sandbox named. */
static void log_path(const struct pod *pod, const struct container *container,
		     const struct instance *instance, char ret_path[1024])
{
	if (instance->log_path[0] == '/') {
		snprintf(ret_path, 1024, "%s", instance->log_path);
	} else {
		snprintf(ret_path, 1024, "%s/%.*s_%.*s_%s/%s/%u.log", pod->world->node->log_dir,
			 STR_ARG(pod->object->space), POD_ARG(pod), pod->uid, container->name,
			 instance->attempt);
	}
}

static int lookup_container(void *userdata, struct str space, struct str name, struct str wanted,
			    bool previous, struct kubelet_container *ret, char ret_message[512])
{
	const struct pod *pod = find_pod(userdata, space, name, ret_message);
	const struct container *container =
		pod != NULL ? find_container(pod, wanted, ret_message) : NULL;
	const struct instance *instance;

	if (container == NULL) {
		return -ENOENT;
	}
	instance = container->now;
	/* What waits to be started again: its last life is the one that failed. */
	if (previous) {
		instance = container->before;
	}
	if (instance == NULL) {
		snprintf(ret_message, 512,
			 previous ? "previous terminated container \"%.*s\" in pod \"%.*s\" not "
				    "found"
				  : "container \"%.*s\" in pod \"%.*s\" is waiting to start",
			 STR_ARG(wanted), STR_ARG(name));
		return -EAGAIN;
	}
	*ret = (struct kubelet_container){ .running = !previous && container_is_up(container) };
	snprintf(ret->id, sizeof(ret->id), "%s", instance->id);
	log_path(pod, container, instance, ret->log_path);
	return 0;
}

static int lookup_sandbox(void *userdata, struct str space, struct str name, char ret_id[80],
			  char ret_message[512])
{
	const struct pod *pod = find_pod(userdata, space, name, ret_message);

	if (pod == NULL) {
		return -ENOENT;
	}
	if (pod->sandbox.id == NULL || !pod->sandbox.ready) {
		snprintf(ret_message, 512, "pod \"%.*s\" is not running", STR_ARG(name));
		return -EAGAIN;
	}
	snprintf(ret_id, 80, "%s", pod->sandbox.id);
	return 0;
}

static void list_pods(void *userdata, struct buffer *out)
{
	const struct agent *agent = userdata;
	const char *separator = "";

	buffer_append_text(out, "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},"
				"\"items\":[");
	map_for_each (entry, &agent->pods) {
		const struct pod *pod = entry->value;

		if (pod->orphan) {
			continue;
		}
		_cleanup_json_ json_t *tree = json_copy((json_t *)object_tree(pod->object));

		/* What the API will be told, if it has not been yet. */
		json_object_set_new(tree, "status", pod_status(pod));
		buffer_append_text(out, separator);
		json_write(tree, out);
		separator = ",";
	}
	buffer_append_text(out, "]}");
}

/* Logs of lives that nobody can ask for any more. */
static void prune(const struct container *container, const char *path)
{
	uint32_t oldest =
		container->before != NULL ? container->before->attempt : container->now->attempt;

	if (container->now->attempt > 1) {
		log_rotation_prune(path, oldest);
	}
}

bool agent_visit_logs(void *userdata, struct log_rotation *rotation)
{
	struct agent *agent = userdata;
	char path[1024];
	bool any = false;

	map_for_each (entry, &agent->pods) {
		const struct pod *pod = entry->value;

		any = any || pod_may_run(pod);
		for (size_t i = 0; i < pod->n_containers; i++) {
			const struct container *container = &pod->containers[i];

			if (container->now == NULL) {
				continue;
			}
			log_path(pod, container, container->now, path);
			prune(container, path);
			if (agent->connected && container_is_up(container)) {
				log_rotation_look(rotation, container->now->id, path);
			}
		}
	}
	return any;
}

const struct kubelet_lookup agent_lookup = {
	.container = lookup_container,
	.sandbox = lookup_sandbox,
	.pods = list_pods,
};
