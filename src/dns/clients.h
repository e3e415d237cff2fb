/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who has which TCP connections of a worker, and which of them is the least loss. A client is an
 * IPv4 address or an IPv6 /64, since whoever has one address of such a network has them all.
 * Everything is O(1). One thread.
 */

#include <stddef.h>
#include <sys/socket.h>

#include "base/list.h"

/* What a connection is doing, the most dispensable first. */
enum client_use {
	CLIENT_IDLE, /* nothing begun */
	CLIENT_BUSY, /* half a question is here, or half an answer is not taken */
	CLIENT_WAITING, /* a question of it is being looked up */
	CLIENT_USES,
};

struct client;
struct clients;

/* A connection's part; to embed. */
struct client_member {
	struct list of_client;
	struct list of_all;
	struct client *client;
	enum client_use use;
};

struct clients *clients_new(void);
/* All members have left. NULL is fine; returns NULL. */
struct clients *clients_free(struct clients *clients);

/* A new connection from `address`, idle. */
void clients_join(struct clients *clients, struct client_member *member,
		  const struct sockaddr_storage *address);
void clients_leave(struct clients *clients, struct client_member *member);

/* What it does now; said again, it is the youngest of its kind again. */
void clients_use(struct clients *clients, struct client_member *member, enum client_use use);

/* How many connections `address` has. */
size_t clients_count(const struct clients *clients, const struct sockaddr_storage *address);

/*
 * The least loss among the connections of `address`: the one that has been idle longest, else busy
 * longest, else waiting longest. NULL when it has none.
 */
struct client_member *clients_worst_of(const struct clients *clients,
				       const struct sockaddr_storage *address);

/* The same for the client that has most connections, or for all when nobody has more than one. */
struct client_member *clients_worst(const struct clients *clients);
