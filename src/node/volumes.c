/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The volumes of the pods of a node. What is on disk or mounted is the state: after a restart of
 * the agent a pod is prepared again, and what stands already is left as it is. In memory there are
 * tokens alone, and who waits for them.
 */
#include "node/volumes.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/cache.h"
#include "loop/loop.h"
#include "node/volumes_intern.h"
#include "object/kinds.h"
#include "json/json.h"

struct waiter {
	struct list link;
	volumes_done_fn done;
	void *userdata;
};

/* ---- the pods that are known ---- */

static void set_timer(struct volumes_pod *pod);

static void due(void *userdata)
{
	struct volumes_pod *pod = userdata;

	/* What comes of it is written by volumes_token_came(). */
	volume_tokens_ask(pod);
	set_timer(pod);
}

static struct volumes_pod *know(struct volumes *volumes, struct object *object)
{
	struct str uid = str_from(object_uid(object));
	struct volumes_pod *pod = map_get(&volumes->pods, uid);

	if (pod == NULL) {
		pod = MEM_NEW(struct volumes_pod);
		pod->volumes = volumes;
		pod->uid = str_dup(uid);
		list_init(&pod->tokens);
		list_init(&pod->waiters);
		pod->timer = loop_timer_new(volumes->loop, due, pod);
		map_put(&volumes->pods, uid, pod);
	}
	object_ref(object);
	object_unref(pod->pod);
	pod->pod = object;
	return pod;
}

static void forget(void *value)
{
	struct volumes_pod *pod = value;

	list_for_each (waiter, &pod->waiters, struct waiter, link) {
		list_unlink(&waiter->link);
		mem_free(waiter);
	}
	volume_tokens_free(pod);
	loop_timer_free(pod->timer);
	object_unref(pod->pod);
	mem_free(pod->uid);
	mem_free(pod);
}

struct volumes *volumes_new(struct loop *loop, struct client *client, struct cache *cache,
			    const struct node_config *node, const struct clock *clock)
{
	struct volumes *volumes = MEM_NEW(struct volumes);

	*volumes = (struct volumes){
		.loop = loop,
		.client = client,
		.cache = cache,
		.node = node,
		.clock = clock,
		.pods = MAP_INIT(LIMIT_VOLUME_PODS),
	};
	list_init(&volumes->requests);
	list_init(&volumes->reclaims);
	volume_reclaim_start(volumes, cache);
	return volumes;
}

struct volumes *volumes_free(struct volumes *volumes)
{
	if (volumes != NULL) {
		volume_reclaim_stop(volumes);
		volume_requests_forget(volumes);
		map_deinit(&volumes->pods, forget);
		mem_free(volumes);
	}
	return NULL;
}

/* ---- one pod's volumes ---- */

enum { ADDRESSES = 2 };

struct look {
	struct pod_inputs inputs;
	struct arena arena;
	const char *ips[ADDRESSES + 1];
};

static void look_init(struct look *look, const struct volumes_pod *pod)
{
	const json_t *listed = json_at(object_tree(pod->pod), "status.podIPs");

	*look = (struct look){ .inputs = {
				       .node = pod->volumes->node,
				       .cache = pod->volumes->cache,
				       .pod = pod->pod,
			       } };
	arena_init(&look->arena, LIMIT_POD_CONFIG);
	for (size_t i = 0; i < ADDRESSES && i < json_array_size(listed); i++) {
		look->ips[i] = json_string_at(json_array_get(listed, i), "ip");
	}
	look->inputs.pod_ips = look->ips;
}

static void look_deinit(struct look *look)
{
	arena_deinit(&look->arena);
}

typedef enum pod_config_outcome (*volume_step_fn)(struct look *look, const struct volumes_pod *pod,
						  const struct pod_volume *volume,
						  char message[POD_CONFIG_MESSAGE]);

/* The first outcome that is not fine ends it. */
static enum pod_config_outcome each_volume(const struct volumes_pod *pod, volume_step_fn step,
					   char message[POD_CONFIG_MESSAGE])
{
	const json_t *volumes = json_at(object_tree(pod->pod), "spec.volumes");
	enum pod_config_outcome outcome = POD_CONFIG_FINE;
	const json_t *item;
	struct look look;
	size_t i;

	message[0] = '\0';
	look_init(&look, pod);
	json_array_foreach (volumes, i, item) {
		struct pod_volume volume;

		outcome = pod_volume_find(&look.inputs, json_string_at(item, "name"), &look.arena,
					  &volume, message);
		if (outcome == POD_CONFIG_FINE) {
			outcome = step(&look, pod, &volume, message);
		}
		if (outcome != POD_CONFIG_FINE) {
			break;
		}
	}
	look_deinit(&look);
	return outcome;
}

static enum pod_config_outcome set_up(struct look *look, const struct volumes_pod *pod,
				      const struct pod_volume *volume,
				      char message[POD_CONFIG_MESSAGE])
{
	return volume_setup(&look->inputs, volume, message);
}

static enum pod_config_outcome fill(struct look *look, const struct volumes_pod *pod,
				    const struct pod_volume *volume,
				    char message[POD_CONFIG_MESSAGE])
{
	enum pod_config_outcome outcome;
	struct map files;
	char why[POD_CONFIG_MESSAGE] = "";

	if (!pod_volume_is_written(volume->sort)) {
		return POD_CONFIG_FINE;
	}
	volume_files_init(&files);
	outcome = volume_content(&look->inputs, pod, volume, &files, why);
	if (outcome == POD_CONFIG_FINE) {
		int r = volume_write(volume->path, &files, volume_group(pod->pod));

		if (r < 0) {
			snprintf(why, sizeof(why), "%s", strerror(-r));
			outcome = POD_CONFIG_WAIT;
		}
	}
	volume_files_deinit(&files);
	if (outcome != POD_CONFIG_FINE) {
		int n = snprintf(message, POD_CONFIG_MESSAGE,
				 "MountVolume.SetUp failed for volume \"%s\" : ", volume->name);

		snprintf(message + n, POD_CONFIG_MESSAGE - (size_t)n, "%.*s",
			 POD_CONFIG_MESSAGE - n - 1, why);
	}
	return outcome;
}

/* Of a running pod: what cannot be made now stays as it was, and is said once in the log. */
static enum pod_config_outcome renew(struct look *look, const struct volumes_pod *pod,
				     const struct pod_volume *volume,
				     char message[POD_CONFIG_MESSAGE])
{
	if (volume_is_immutable(&look->inputs, volume)) {
		return POD_CONFIG_FINE;
	}
	if (fill(look, pod, volume, message) != POD_CONFIG_FINE) {
		log_debug("node", "pod %.*s/%.*s: %s", STR_ARG(pod->pod->space),
			  STR_ARG(pod->pod->name), message);
	}
	return POD_CONFIG_FINE;
}

/* ---- tokens, and who waits ---- */

static void set_timer(struct volumes_pod *pod)
{
	uint64_t now = clock_monotonic(pod->volumes->clock);
	uint64_t first = UINT64_MAX;

	list_for_each (token, &pod->tokens, struct volume_token, link) {
		if (!token->asked && token->renew_at < first) {
			first = token->renew_at;
		}
	}
	if (first != UINT64_MAX) {
		loop_timer_set(pod->timer, first > now ? first - now : 0);
	}
}

static void finish(struct volumes_pod *pod, enum pod_config_outcome outcome, const char *message)
{
	struct list waiters;

	/* Whoever is told may ask again, or take the pod away. */
	list_init(&waiters);
	list_for_each (waiter, &pod->waiters, struct waiter, link) {
		list_unlink(&waiter->link);
		list_append(&waiters, &waiter->link);
	}
	while (!list_is_empty(&waiters)) {
		struct waiter *waiter = list_entry(waiters.next, struct waiter, link);

		list_unlink(&waiter->link);
		waiter->done(waiter->userdata, outcome, message);
		mem_free(waiter);
	}
}

static bool is_waiting(const struct volumes_pod *pod)
{
	list_for_each (token, (struct list *)&pod->tokens, struct volume_token, link) {
		if (token->asked && token->text == NULL) {
			return true;
		}
	}
	return false;
}

void volumes_token_came(struct volumes_pod *pod, bool is_new)
{
	char message[POD_CONFIG_MESSAGE] = "";

	set_timer(pod);
	if (list_is_empty(&pod->waiters)) {
		if (is_new) {
			each_volume(pod, renew, message);
		}
		return;
	}
	/* Answered while the others are still being asked for: the last one sees to it. */
	if (!is_waiting(pod)) {
		enum pod_config_outcome outcome = each_volume(pod, fill, message);

		finish(pod, outcome, message);
	}
}

/* ---- the interface ---- */

/* Nobody else on the node looks into it: tokens are below. */
static enum pod_config_outcome make_directory(const struct volumes_pod *pod,
					      char message[POD_CONFIG_MESSAGE])
{
	char *path _cleanup_free_ =
		mem_printf("%s/pods/%s", pod->volumes->node->data_dir, pod->uid);
	int r = file_make_directory(path, 0750);

	if (r < 0) {
		snprintf(message, POD_CONFIG_MESSAGE, "%s: %s", path, strerror(-r));
		return POD_CONFIG_WAIT;
	}
	return POD_CONFIG_FINE;
}

void volumes_prepare(struct volumes *volumes, struct object *object, volumes_done_fn done,
		     void *userdata)
{
	char message[POD_CONFIG_MESSAGE] = "";
	struct volumes_pod *pod = know(volumes, object);
	enum pod_config_outcome outcome = make_directory(pod, message);

	if (outcome == POD_CONFIG_FINE) {
		outcome = each_volume(pod, set_up, message);
	}
	if (outcome == POD_CONFIG_FINE && volume_tokens_ask(pod)) {
		struct waiter *waiter = MEM_NEW(struct waiter);

		*waiter = (struct waiter){ .done = done, .userdata = userdata };
		list_init(&waiter->link);
		list_append(&pod->waiters, &waiter->link);
		return;
	}
	if (outcome == POD_CONFIG_FINE) {
		outcome = each_volume(pod, fill, message);
		set_timer(pod);
	}
	done(userdata, outcome, message);
}

void volumes_refresh(struct volumes *volumes, struct object *object)
{
	char message[POD_CONFIG_MESSAGE];

	/* One that was not prepared yet has nothing to be brought up to date. */
	if (map_get(&volumes->pods, str_from(object_uid(object))) != NULL) {
		each_volume(know(volumes, object), renew, message);
	}
}

int volumes_remove(struct volumes *volumes, const char *uid)
{
	struct volumes_pod *pod = map_remove(&volumes->pods, str_from(uid));
	struct arena arena;
	int r;

	if (strchr(uid, '/') != NULL || uid[0] == '.' || uid[0] == '\0') {
		return 0;
	}
	if (pod != NULL) {
		finish(pod, POD_CONFIG_WAIT, "the pod is being taken away");
		forget(pod);
	}
	arena_init(&arena, LIMIT_POD_CONFIG);
	r = volume_remove_tree(pod_directory(volumes->node, uid, &arena));
	if (r == 0) {
		volume_remove_cgroups(volumes->node, uid);
	}
	arena_deinit(&arena);
	return r;
}

json_t *volumes_leftovers(const struct volumes *volumes)
{
	char *path _cleanup_free_ = mem_printf("%s/pods", volumes->node->data_dir);
	json_t *uids = json_array();
	DIR *directory = opendir(path);
	struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.') {
			json_array_append_new(uids, json_string(entry->d_name));
		}
	}
	if (directory != NULL) {
		closedir(directory);
	}
	return uids;
}
