/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A pod in a line: what kubectl's READY, STATUS and RESTARTS columns say. Pure. */

#include <stdint.h>

#include <jansson.h>

#include "base/buffer.h"

struct pod_summary {
	int64_t ready; /* containers that run and are ready, sidecars included */
	int64_t containers;
	int64_t restarts;
	int64_t last_restart; /* Unix seconds; 0: never, or unknown */
	struct buffer status; /* "Running", "Init:1/2", "CrashLoopBackOff", "Terminating" */
};

/* Reads `pod` into *ret; release it with pod_summary_deinit. */
void pod_summary_init(const json_t *pod, struct pod_summary *ret);
void pod_summary_deinit(struct pod_summary *summary);
#define _cleanup_summary_ __attribute__((cleanup(pod_summary_deinit)))
