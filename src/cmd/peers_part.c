/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/peers_part.h"

#include "api/api.h"
#include "base/clock.h"
#include "loop/loop.h"
#include "ops/peers.h"

static void run_due(void *userdata)
{
	struct peers_part *part = userdata;

	peers_run_due(part->peers);
}

static void due_changed(void *userdata, uint64_t at)
{
	struct peers_part *part = userdata;
	uint64_t now = clock_monotonic(&clock_system);

	if (at == UINT64_MAX) {
		loop_timer_stop(part->due);
	} else {
		loop_timer_set(part->due, at > now ? at - now : 0);
	}
}

void peers_part_start(struct peers_part *part, struct loop *loop, struct cache *cache,
		      struct api *api, const char *domain)
{
	struct peers_config config = {
		.cache = cache,
		.clock = &clock_system,
		.domain = domain,
		.due_changed = due_changed,
		.userdata = part,
	};

	part->due = loop_timer_new(loop, run_due, part);
	part->peers = peers_new(&config);
	api_extend(api, PEERS_PREFIX, peers_handle, part->peers);
}

void peers_part_stop(struct peers_part *part)
{
	part->peers = peers_free(part->peers);
	if (part->due != NULL) {
		part->due = loop_timer_free(part->due);
	}
}
