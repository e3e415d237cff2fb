/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: a server on loopback with a small zone, clients of it, and an upstream behind it. */

#include <sys/socket.h>

#include "base/counter.h"
#include "dns/resolver.h"
#include "dns/server.h"
#include "dns/test-rig.h"

/* A headless Service of 10.244.0.1 (web-0) and 10.244.0.2 (web-1), port http. */
#define SYSTEM_NAME "web.default.svc.cluster.local"

struct system {
	struct rig *rig;
	struct dns_server *server;
	struct sockaddr_storage address;
	socklen_t address_n;
};

/* out.default is an alias of www.example.org. All failures are failures of the test. */
struct system *system_start(const char *listen, unsigned workers, struct dns_resolver *resolver);
struct system *system_start_config(const struct dns_server_config *config,
				   struct dns_resolver *resolver);
void system_stop(struct system *system);

/* A connected socket; SOCK_DGRAM or SOCK_STREAM. */
int system_dial(const struct system *system, int type);

/* A query without EDNS, and the same with its length in front. Both return the size. */
size_t question(const char *name, uint16_t type, uint16_t id, uint8_t *packet);
size_t frame(const char *name, uint16_t type, uint16_t id, uint8_t *out);

/* Asks and waits for the answer, or waits for the next one on a connection. */
size_t ask_udp(int fd, const char *name, uint16_t type, uint8_t *answer);
size_t read_frame(int fd, uint8_t *answer);

/* An upstream that answers any A question with 192.0.2.1, or says nothing to "silent". */
enum { UPSTREAM_SEEN = 512 };

struct upstream {
	int fd;
	/* The IDs and source ports of what was asked first; to be read when it has stopped. */
	uint16_t ids[UPSTREAM_SEEN];
	uint16_t ports[UPSTREAM_SEEN];
	size_t seen;
	struct counter stop;
	struct thread *thread;
	char address[64];
};

void upstream_start(struct upstream *upstream);
void upstream_stop(struct upstream *upstream);

/* A resolver that asks `upstream` (NULL: nobody). */
struct dns_resolver *resolver_for(const char *upstream, uint32_t timeout_ms);
