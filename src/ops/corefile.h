/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The Corefile of the cluster DNS that was there before: what we do of it, as settings. Plugins
 * that are ours to do are applied; those that have nothing to say here (errors, loop, …) are passed
 * over; every other one is named in a warning that says what its absence means.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "ops/corefile_read.h"
#include "zone/zone.h"

enum {
	COREFILE_UPSTREAMS = 16,
	COREFILE_BINDS = 16,
	COREFILE_TRANSFER_TO = 64,
	COREFILE_ADDRESS = 64,
};

/* Who is told of queries and answers. */
struct corefile_tap {
	char *socket; /* "unix:///PATH", "/PATH" or "tcp://ADDRESS:PORT"; NULL: nobody */
	bool full; /* with the messages themselves */
	char *identity; /* NULL: not said */
	char *version;
};

/* Texts are owned. */
struct corefile {
	char *domain; /* of the cluster; NULL: not said */
	char *reverse[ZONE_REVERSE_MAX];
	size_t n_reverse;
	uint32_t ttl;
	enum zone_pods pods;
	bool fallthrough; /* of names in the domain */
	bool reverse_fallthrough;
	char **namespaces; /* that have names; none: all */
	size_t n_namespaces;
	bool no_endpoints;
	bool zonal;
	bool ignore_empty_service;
	bool endpoint_pod_names;
	char *kubeconfig; /* NULL: not said */
	char *context;
	uint32_t startup_ms; /* how long to wait for the API at the start */
	uint16_t port; /* of the block that has the cluster */
	char *binds[COREFILE_BINDS]; /* addresses to listen on; none: all */
	size_t n_binds;
	uint16_t udp_size; /* 0: not said */
	/* Queries that get a line, by what became of them. */
	bool log_success;
	bool log_denial;
	bool log_error;
	struct corefile_tap tap;
	char *nsid; /* NULL: not said */
	char *transfer_to[COREFILE_TRANSFER_TO]; /* "192.0.2.1", "0.0.0.0/0" */
	size_t n_transfer_to;
	char *upstreams[COREFILE_UPSTREAMS]; /* "192.0.2.1:53" */
	size_t n_upstreams;
	char *resolv_conf; /* a file to take them from; NULL: none */
	/* "0.0.0.0:9153"; empty: not said. */
	char metrics[COREFILE_ADDRESS];
	char health[COREFILE_ADDRESS];
	char ready[COREFILE_ADDRESS];
	uint32_t lameduck_ms; /* answers go on so long after the order to stop */
};

/*
 * Reads `text`, the file `name`. `warn` is called for each thing that is not done, with one line.
 * Returns 0; or COREFILE_SYNTAX with one line in `ret_message`: "NAME:LINE: what". Deinit in the
 * first case.
 */
int corefile_parse(const char *name, struct str text,
		   void (*warn)(void *userdata, const char *line), void *userdata,
		   struct corefile *ret, char ret_message[COREFILE_MESSAGE]);

void corefile_deinit(struct corefile *corefile);
