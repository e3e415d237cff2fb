/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTPS transfers on the loop (libcurl's multi interface): one request, one answer that comes in
 * pieces. Servers are always verified. Nothing is called from inside libcurl: pieces wait in a
 * bounded buffer until it has returned, so whoever is called may start and cancel transfers. Loop's
 * thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct kubeconfig;
struct loop;
struct transfer;
struct transfers;

struct transfer_ops {
	/* The status of the answer, before anything of its body. May be NULL. */
	void (*head)(void *userdata, int status);
	/*
	 * Bytes of the body, borrowed for the call. False: no more of it (done() comes with an
	 * error).
	 */
	bool (*received)(void *userdata, struct str bytes);
	/*
	 * The end, called once; the transfer is gone afterwards. `error` NULL: the whole answer has
	 * come. Otherwise it says what went wrong (borrowed), and `status` is 0 when there was no
	 * answer at all.
	 */
	void (*done)(void *userdata, int status, const char *error);
};

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

/* Gives it up: nothing is called any more, not even done(). NULL is fine; returns NULL. */
struct transfer *transfer_cancel(struct transfer *transfer);
