/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * dnstap: queries and responses as they were, for whoever listens at a socket. Workers copy them
 * into rings (base/mailbox), a thread of its own connects, encodes and sends. Whoever takes them
 * too slowly loses some, which are counted; no worker ever waits.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/dnstap_wire.h"

struct dnstap;
struct sandbox;
struct sockaddr_storage;

struct dnstap_config {
	const char *socket; /* "unix:///run/tap", "/run/tap", "tcp://127.0.0.1:6000" */
	bool full; /* with the bytes of messages */
	/* At most LIMIT_DNSTAP_NAME bytes each. */
	const char *identity; /* NULL: the name of this host */
	const char *version; /* NULL: none */
};

/* Whether `socket` can be one; nothing is opened. */
bool dnstap_socket_is_valid(const char *socket);

/* A query that came, or a response that goes. Times are those of the monotonic clock in ns. */
struct dnstap_event {
	uint64_t query_time;
	uint64_t response_time; /* 0: it is a query */
	struct dnstap_peer client;
	struct dnstap_peer server;
	uint16_t n; /* bytes of the message */
	bool tcp;
};

/*
 * `config->socket` is valid; the thread enters `sandbox` (NULL: none), which outlives the tap.
 * Returns 0 or a negative errno.
 */
int dnstap_new(const struct dnstap_config *config, unsigned workers, const struct sandbox *sandbox,
	       struct dnstap **ret);
/* Starts the thread. Returns 0 or a negative errno. */
int dnstap_start(struct dnstap *tap);
/*
 * The workers have ended. Sends what waits, as long as the receiver takes it, but not for more than
 * LIMIT_DNSTAP_END_MS; ends the thread. NULL is fine; returns NULL.
 */
struct dnstap *dnstap_free(struct dnstap *tap);

/* Worker `worker`: copies the message. No lock, no allocation, no waiting. */
void dnstap_put(struct dnstap *tap, unsigned worker, const struct dnstap_event *event,
		const uint8_t *message);

/* An address of the system's; an IPv4 one that is mapped into IPv6 is IPv4. */
void dnstap_peer_from(const struct sockaddr_storage *address, struct dnstap_peer *ret);

struct dnstap_stats {
	uint64_t lost; /* messages there was no room for */
	uint64_t frames; /* given to the connection */
	bool connected;
};
/* Any thread. */
void dnstap_stats(const struct dnstap *tap, struct dnstap_stats *ret);
