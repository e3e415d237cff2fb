/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `headlessd standalone` was asked for: options parsed, defaults filled in, networks read. */

#include <stdbool.h>

#include "cmd/operation.h"
#include "cmd/options.h"
#include "zone/zone.h"

struct settings {
	const char *data_dir; /* NULL until settings_complete() */
	const char *kubeconfig;
	const char *node;
	const char *node_name; /* with node "containerd" */
	const char *store;
	const char *cluster_domain;
	const char *clusterset_domain; /* "": none */
	const char *service_cidr;
	const char *pod_cidr;
	/* The same, one by one; the second is NULL for a single stack. */
	const char *service_cidrs[2];
	const char *pod_cidrs[2];
	const char *cluster_dns; /* NULL until settings_parse() */
	/* The same, one by one, up to the first NULL: none. They stand at the end of `dns`, too. */
	const char *cluster_dns_addresses[2];
	const char *log_level;
	struct listen_address api;
	struct listen_address metrics;
	struct option_listens dns;
	struct option_list upstreams;
	struct option_list apply;
	int64_t simulated_nodes;
	int64_t ttl;
	int64_t ttls[ZONE_TTLS]; /* -1: as ttl says */
	int64_t dns_workers;
	struct operation operation;
	bool help;
};

/*
 * Parses the command line of `standalone`. Returns true with everything set; false when the process
 * is to end with *ret_code: a line was printed on standard error (EXIT_USAGE), or help was
 * (EXIT_FINE).
 */
bool settings_parse(int argc, char **argv, struct settings *ret, int *ret_code);

/* Where `standalone` keeps everything when nobody says so. Lives as long as the process. */
const char *settings_data_dir(void);

/* "error", "warning", "info" or "debug" into the log. */
void settings_log_level(const char *name);
