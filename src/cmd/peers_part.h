/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The peer lookup (ops/peers.h) as a part of a process: on its loop, at the door of its API. */

struct api;
struct cache;
struct loop;
struct loop_timer;
struct peers;

struct peers_part {
	struct peers *peers;
	struct loop_timer *due;
};

/* After the zone has subscribed to the cache; before the API is asked. */
void peers_part_start(struct peers_part *part, struct loop *loop, struct cache *cache,
		      struct api *api, const char *domain);

/* Nothing is asked any more; the cache is still there. */
void peers_part_stop(struct peers_part *part);
