/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTPS transfers (loop/curl.h) to the API server of a kubeconfig, with its credentials. Servers
 * are always verified. Loop's thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "loop/curl.h"

struct kubeconfig;
struct loop;
struct transfers;

struct transfer_request {
	const char *method; /* "GET" */
	const char *target; /* behind the server's URL: "/api/v1/pods?limit=500" */
	const char *content_type; /* NULL: no body */
	struct str body; /* copied */
	uint32_t seconds; /* it is given up after so long; 0: never */
	uint32_t quiet_seconds; /* … or after so long without a byte; 0: never */
};

/*
 * Transfers to the server of `config` with its credentials; both copied as needed. A `config` made
 * by hand may have an "http://" server: for what needs no proof, and no credentials then. Returns 0
 * or a negative errno.
 */
int transfers_new(struct loop *loop, const struct kubeconfig *config, struct transfers **ret);

/* Cancels what is under way (done() is not called). NULL is fine; returns NULL. */
struct transfers *transfers_free(struct transfers *transfers);

/* Starts one. Its calls come later, never before this returns. */
struct transfer *transfer_start(struct transfers *transfers, const struct transfer_request *request,
				const struct transfer_ops *ops, void *userdata);
