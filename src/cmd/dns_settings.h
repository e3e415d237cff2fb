/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What `headlessd dns` was asked for: the command line, then the Corefile, then what is usual; the
 * first that says something counts.
 */

#include <stdbool.h>

#include "cmd/operation.h"
#include "cmd/options.h"
#include "ops/corefile.h"

struct dns_settings {
	const char *kubeconfig; /* NULL: as kubeconfig_read() finds it */
	const char *context;
	const char *corefile_path;
	const char *cluster_domain;
	const char *pods;
	const char *log_level;
	struct option_listens listen; /* with `early` at its end */
	struct option_listens early;
	struct listen_address metrics;
	struct option_listens probes; /* more addresses for /health and /ready */
	struct option_list upstreams;
	const char *resolv_conf;
	int64_t ttl;
	int64_t ttls[ZONE_TTLS]; /* -1: as ttl says */
	int64_t dns_workers;
	struct operation operation;
	bool help;
	enum zone_pods pods_mode;
	uint32_t startup_ms;
	uint32_t lameduck_ms;
	struct corefile corefile; /* empty when there is none */
};

/*
 * Returns true with everything set; false when the process is to end with *ret_code: a line was
 * printed on standard error, or help was. Deinit in any case.
 */
bool dns_settings_parse(int argc, char **argv, struct dns_settings *ret, int *ret_code);
void dns_settings_deinit(struct dns_settings *settings);
