/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Between the files of the volumes: volumes.c (what a pod has, and when it changes),
 * volume_setup.c (one volume made ready), volume_content.c (what is in its files),
 * volume_write.c (the files themselves), volume_token.c, volume_hosts.c, volume_remove.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/map.h"
#include "node/pod_config_intern.h"
#include "node/volumes.h"

struct clock;
struct loop_timer;

/* ---- volume_write.c ---- */

/* A file of a written volume. */
struct volume_file {
	struct buffer bytes;
	mode_t mode;
	uid_t owner;
};

/* Path below the volume -> struct volume_file. Later files take the place of earlier ones. */
void volume_files_init(struct map *files);
void volume_files_deinit(struct map *files);
/* False, and nothing put, when `path` is absolute, leads upwards, or starts with "..". */
bool volume_files_put(struct map *files, const char *path, struct str bytes, mode_t mode);

/*
 * Makes `directory` show exactly these files, all at once: a reader sees the old set or the new
 * one. Nothing is written when it shows them already. `group` -1: none. Returns 0 or -errno.
 */
int volume_write(const char *directory, const struct map *files, int64_t group);

/* ---- volume_token.c ---- */

/* A token that a pod has been given, or waits for. */
struct volume_token {
	struct list link;
	char *audience;
	int64_t seconds;
	char *text; /* NULL: not here yet */
	char *failure; /* why, when it was asked for in vain; NULL */
	bool asked; /* a request is under way */
	uint64_t renew_at; /* of the monotonic clock */
	uint64_t expires_at;
};

/* ---- volumes.c ---- */

struct volumes_pod {
	struct volumes *volumes;
	char *uid;
	struct object *pod;
	struct list tokens;
	struct list waiters; /* who waits for tokens */
	struct loop_timer *timer; /* when the first token is to be renewed */
};

struct volumes {
	struct loop *loop;
	struct client *client;
	struct cache *cache;
	const struct node_config *node;
	const struct clock *clock;
	struct map pods; /* uid -> struct volumes_pod */
	struct list requests; /* of tokens, under way */
	struct list reclaims; /* finalizers being taken away */
};

/* ---- volume_token.c, on ---- */

/* Asks for what the pod's volumes need and is not there or due; true while something is missing. */
bool volume_tokens_ask(struct volumes_pod *pod);
/* The text of a token; NULL when it is not there. */
const struct volume_token *volume_token_find(const struct volumes_pod *pod, const char *audience,
					     int64_t seconds);
void volume_tokens_free(struct volumes_pod *pod);
/* Nobody listens any more. */
void volume_requests_forget(struct volumes *volumes);
/* In volumes.c: a token came, or did not. */
void volumes_token_came(struct volumes_pod *pod, bool is_new);

/* ---- volume_content.c ---- */

/* The files of a written volume, as they should be now. */
enum pod_config_outcome volume_content(const struct pod_inputs *inputs,
				       const struct volumes_pod *pod,
				       const struct pod_volume *volume, struct map *files,
				       char message[POD_CONFIG_MESSAGE]);
/* It is written once: its one source is immutable. */
bool volume_is_immutable(const struct pod_inputs *inputs, const struct pod_volume *volume);

/* Walks what a projected volume is made of; a plain one is its own only part. */
const json_t *volume_part(const struct pod_volume *volume, size_t i, enum pod_volume_sort *ret_sort,
			  const char **ret_key);

/* ---- volume_setup.c ---- */

/* Makes one volume ready, all but the files of written ones. */
enum pod_config_outcome volume_setup(const struct pod_inputs *inputs,
				     const struct pod_volume *volume,
				     char message[POD_CONFIG_MESSAGE]);

/* spec.securityContext.fsGroup, or -1. */
int64_t volume_group(struct object *pod);

/* ---- volume_reclaim.c ---- */

/* Removes the directories of local PersistentVolumes that are being deleted, from now on. */
void volume_reclaim_start(struct volumes *volumes, struct cache *cache);
void volume_reclaim_stop(struct volumes *volumes);

/* ---- volume_remove.c ---- */

/* Unmounts everything at and below `directory` and removes it, following no link. */
int volume_remove_tree(const char *directory);
/* Removes the control groups of a pod that has no processes. */
void volume_remove_cgroups(const struct node_config *node, const char *uid);
