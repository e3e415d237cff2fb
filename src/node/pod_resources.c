/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and limits as what the kernel knows: shares and quota of processors, a limit of memory,
 * and who dies first when memory runs out.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#node-out-of-memory-behavior
 *
 * The runtime turns these into whatever the node's control groups are, version 1 or 2.
 */
#include <string.h>

#include "client/cache.h"
#include "node/pod_config_intern.h"
#include "object/kinds.h"
#include "object/quantity.h"
#include "json/json.h"

enum {
	SHARES_MIN = 2,
	SHARES_MAX = 262144,
	SHARES_OF_CPU = 1024,
	PERIOD = 100000, /* µs */
	QUOTA_MIN = 1000, /* µs */

	SCORE_GUARANTEED = -997,
	SCORE_BEST_EFFORT = 1000,
};

static const char *quality_of(const struct pod_config *config)
{
	return json_string_at(config->tree, "status.qosClass");
}

char *pod_cgroup(struct pod_config *config)
{
	const char *quality = quality_of(config);
	const char *below = strcmp(quality, "Guaranteed") == 0   ? ""
			    : strcmp(quality, "BestEffort") == 0 ? "/besteffort"
								 : "/burstable";

	return arena_printf(config->arena, "%s%s/pod%s", config->inputs->node->cgroup_parent, below,
			    object_uid(config->inputs->pod));
}

static int64_t amount(const json_t *container, const char *sort, const char *resource)
{
	const json_t *resources = json_object_get(container, "resources");

	return quantity_milli(json_object_get(json_object_get(resources, sort), resource));
}

static int64_t shares_of(const json_t *container)
{
	const json_t *requests = json_at(container, "resources.requests");
	int64_t milli = amount(container, "requests", "cpu");

	/* Who limits without a request asks for the limit. */
	if (json_object_get(requests, "cpu") == NULL) {
		milli = amount(container, "limits", "cpu");
	}
	int64_t shares = milli > SHARES_MAX ? SHARES_MAX : milli * SHARES_OF_CPU / 1000;

	return shares < SHARES_MIN ? SHARES_MIN : shares > SHARES_MAX ? SHARES_MAX : shares;
}

/* The lower, the longer it lives: a pod that asked for more of the memory than others. */
static int64_t oom_score(const struct pod_config *config, const json_t *container)
{
	const struct pod_inputs *inputs = config->inputs;
	struct object *node =
		cache_get(inputs->cache, &kind_node, STR_NONE, str_from(inputs->node->node_name));
	const json_t *capacity =
		json_at(node != NULL ? object_tree(node) : NULL, "status.capacity");
	int64_t memory = quantity_milli(json_object_get(capacity, "memory")) / 1000;
	int64_t request = amount(container, "requests", "memory") / 1000;

	if (strcmp(quality_of(config), "Guaranteed") == 0) {
		return SCORE_GUARANTEED;
	}
	if (strcmp(quality_of(config), "BestEffort") == 0) {
		return SCORE_BEST_EFFORT;
	}
	int64_t score = SCORE_BEST_EFFORT;

	if (memory > 0) {
		score -= (int64_t)((double)request * 1000 / (double)memory);
	}
	if (score < SCORE_BEST_EFFORT + SCORE_GUARANTEED) {
		return SCORE_BEST_EFFORT + SCORE_GUARANTEED;
	}
	return score == SCORE_BEST_EFFORT ? score - 1 : score;
}

Runtime__V1__LinuxContainerResources *pod_resources(struct pod_config *config,
						    const json_t *container)
{
	Runtime__V1__LinuxContainerResources *resources =
		arena_alloc(config->arena, sizeof(*resources));
	int64_t limit = amount(container, "limits", "cpu");

	runtime__v1__linux_container_resources__init(resources);
	resources->cpu_shares = shares_of(container);
	if (limit > 0) {
		int64_t quota =
			limit > INT64_MAX / PERIOD ? INT64_MAX / 1000 : limit * PERIOD / 1000;

		resources->cpu_period = PERIOD;
		resources->cpu_quota = quota < QUOTA_MIN ? QUOTA_MIN : quota;
	}
	resources->memory_limit_in_bytes = amount(container, "limits", "memory") / 1000;
	resources->oom_score_adj = oom_score(config, container);
	return resources;
}
