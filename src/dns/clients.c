/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients lie in a hash table (keyed with the process's secret), and in one list for each number of
 * connections, so that the one with most is found without a search: the most there is changes by
 * one at a time. The lists of a client's connections, and those of all, are in order of age.
 */
#include "dns/clients.h"

#include <netinet/in.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/snapshot.h"
#include "base/str.h"

enum {
	BUCKETS = 1024,
	PREFIX_6 = 8, /* bytes: a /64 */
};

struct client_key {
	uint8_t n;
	uint8_t bytes[PREFIX_6];
};

struct client {
	struct list in_bucket;
	struct list in_rank; /* with all who have as many connections */
	struct client_key key;
	size_t n;
	struct list uses[CLIENT_USES];
};

struct clients {
	struct list buckets[BUCKETS];
	struct list ranks[LIMIT_DNS_TCP_CONNECTIONS + 1];
	size_t most; /* connections that one client has */
	struct list uses[CLIENT_USES];
};

static struct client_key key_of(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
	struct client_key key = { .n = 0 };

	if (address->ss_family == AF_INET) {
		key.n = sizeof(four->sin_addr);
		memcpy(key.bytes, &four->sin_addr, key.n);
	} else {
		key.n = PREFIX_6;
		memcpy(key.bytes, &six->sin6_addr, key.n);
	}
	return key;
}

static size_t bucket_of(const struct client_key *key)
{
	struct str bytes = { .p = (const char *)key, .n = sizeof(*key) };

	return snapshot_hash(bytes) % BUCKETS;
}

static struct client *find(const struct clients *clients, const struct client_key *key)
{
	const struct list *bucket = &clients->buckets[bucket_of(key)];

	list_for_each (client, bucket, struct client, in_bucket) {
		if (memcmp(&client->key, key, sizeof(*key)) == 0) {
			return client;
		}
	}
	return NULL;
}

static void init_lists(struct list *lists, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		list_init(&lists[i]);
	}
}

struct clients *clients_new(void)
{
	struct clients *clients = MEM_NEW(struct clients);

	init_lists(clients->buckets, ARRAY_SIZE(clients->buckets));
	init_lists(clients->ranks, ARRAY_SIZE(clients->ranks));
	init_lists(clients->uses, ARRAY_SIZE(clients->uses));
	return clients;
}

struct clients *clients_free(struct clients *clients)
{
	return mem_free(clients);
}

/* One connection more or less. */
static void rank(struct clients *clients, struct client *client, size_t n)
{
	client->n = n;
	list_unlink(&client->in_rank);
	list_append(&clients->ranks[n], &client->in_rank);
	if (n > clients->most) {
		clients->most = n;
	}
	while (clients->most != 0 && list_is_empty(&clients->ranks[clients->most])) {
		clients->most--;
	}
}

static struct client *client_new(struct clients *clients, const struct client_key *key)
{
	struct client *client = MEM_NEW(struct client);

	client->key = *key;
	list_init(&client->in_bucket);
	list_init(&client->in_rank);
	init_lists(client->uses, ARRAY_SIZE(client->uses));
	list_append(&clients->buckets[bucket_of(key)], &client->in_bucket);
	return client;
}

void clients_join(struct clients *clients, struct client_member *member,
		  const struct sockaddr_storage *address)
{
	struct client_key key = key_of(address);
	struct client *client = find(clients, &key);

	if (client == NULL) {
		client = client_new(clients, &key);
	}
	member->client = client;
	list_init(&member->of_client);
	list_init(&member->of_all);
	rank(clients, client, client->n + 1);
	clients_use(clients, member, CLIENT_IDLE);
}

void clients_leave(struct clients *clients, struct client_member *member)
{
	struct client *client = member->client;

	list_unlink(&member->of_client);
	list_unlink(&member->of_all);
	member->client = NULL;
	rank(clients, client, client->n - 1);
	if (client->n == 0) {
		list_unlink(&client->in_rank);
		list_unlink(&client->in_bucket);
		mem_free(client);
	}
}

void clients_use(struct clients *clients, struct client_member *member, enum client_use use)
{
	member->use = use;
	list_unlink(&member->of_client);
	list_unlink(&member->of_all);
	list_append(&member->client->uses[use], &member->of_client);
	list_append(&clients->uses[use], &member->of_all);
}

size_t clients_count(const struct clients *clients, const struct sockaddr_storage *address)
{
	struct client_key key = key_of(address);
	const struct client *client = find(clients, &key);

	return client != NULL ? client->n : 0;
}

static struct client_member *worst_of(const struct client *client)
{
	for (size_t use = 0; use < CLIENT_USES; use++) {
		if (!list_is_empty(&client->uses[use])) {
			return list_entry(client->uses[use].next, struct client_member, of_client);
		}
	}
	return NULL;
}

struct client_member *clients_worst_of(const struct clients *clients,
				       const struct sockaddr_storage *address)
{
	struct client_key key = key_of(address);
	const struct client *client = find(clients, &key);

	return client != NULL ? worst_of(client) : NULL;
}

struct client_member *clients_worst(const struct clients *clients)
{
	if (clients->most > 1) {
		return worst_of(
			list_entry(clients->ranks[clients->most].next, struct client, in_rank));
	}
	for (size_t use = 0; use < CLIENT_USES; use++) {
		if (!list_is_empty(&clients->uses[use])) {
			return list_entry(clients->uses[use].next, struct client_member, of_all);
		}
	}
	return NULL;
}
