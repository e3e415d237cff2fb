/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A tunnel whose other end has said `left`, a few bytes at a time, and takes everything. */

#include <string.h>

#include "http/channels.h"
#include "http/tunnel.h"
#include "loop/loop.h"

struct memory_tunnel {
	struct tunnel tunnel; /* first */
	struct str left;
	bool wanted;
};

static int64_t memory_read(struct tunnel *tunnel, char *out, size_t size)
{
	struct memory_tunnel *memory = (struct memory_tunnel *)tunnel;
	size_t n = memory->left.n < 7 ? memory->left.n : 7;

	memcpy(out, n != 0 ? memory->left.p : "", n);
	memory->left = str_skip(memory->left, n);
	return (int64_t)n;
}

static int64_t memory_write(struct tunnel *tunnel, const char *bytes, size_t n)
{
	return (int64_t)n;
}

static int64_t memory_finish(struct tunnel *tunnel)
{
	return TUNNEL_END;
}

static void memory_want(struct tunnel *tunnel, unsigned events)
{
	((struct memory_tunnel *)tunnel)->wanted = (events & LOOP_READ) != 0;
}

static void memory_free(struct tunnel *tunnel)
{
}

static const struct tunnel_ops memory_ops = {
	.read = memory_read,
	.write = memory_write,
	.finish = memory_finish,
	.want = memory_want,
	.free = memory_free,
};

/* Lets channels hear all that the client has to say. */
static inline struct channels *memory_tunnels_run(struct loop *loop, struct memory_tunnel *client,
						  struct memory_tunnel *server,
						  struct channels_config *config)
{
	client->tunnel.ops = server->tunnel.ops = &memory_ops;
	config->client = &client->tunnel;
	config->server = &server->tunnel;
	config->status = CHANNEL_NONE;

	struct channels *channels = channels_start(loop, config, NULL, NULL);

	while (client->left.n != 0 && client->wanted) {
		client->tunnel.ready(client->tunnel.userdata, LOOP_READ | LOOP_WRITE);
	}
	return channels;
}
