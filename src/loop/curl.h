/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * libcurl's multi interface on the loop: transfers whose answers come in pieces. Nobody is called
 * from inside libcurl, but for ops->header: pieces wait in a bounded buffer until it has returned,
 * so whoever is called may start and cancel transfers. Loop's thread.
 *
 * What a transfer says (target, credentials, protocol) its maker sets on the easy handle:
 * client/transfer.h for Kubernetes' API, rpc/grpc.h for gRPC.
 */

#include <stdbool.h>
#include <stddef.h>

#include <curl/curl.h>

#include "base/str.h"

struct loop;
struct transfer;
struct transfer_loop;

struct transfer_ops {
	/*
	 * A line of the headers or trailers, with its end; an empty one ends them. Called from
	 * inside libcurl: it may note the line and nothing else. May be NULL.
	 */
	void (*header)(void *userdata, struct str line);
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

/* Before a transfer's own ops->head, for what all transfers have in common; `answered` may be NULL.
 */
struct transfer_loop *
transfer_loop_new(struct loop *loop, void (*answered)(void *userdata, int status), void *userdata);

/* Cancels what is under way (done() is not called). NULL is fine; returns NULL. */
struct transfer_loop *transfer_loop_free(struct transfer_loop *transfers);

/* For options that are about all transfers (CURLMOPT_MAX…); its callbacks are taken. */
CURLM *transfer_loop_multi(struct transfer_loop *transfers);

/* What a transfer is made of; the first three become its own, and may be NULL but for `easy`. */
struct transfer_setup {
	CURL *easy; /* everything set but headers, body and callbacks */
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	bool has_body;
	struct str body; /* copied */
};

/* Starts one. Its calls come later, never before this returns. */
struct transfer *transfer_loop_start(struct transfer_loop *transfers,
				     const struct transfer_setup *setup,
				     const struct transfer_ops *ops, void *userdata);

/* Gives it up: nothing is called any more, not even done(). NULL is fine; returns NULL. */
struct transfer *transfer_cancel(struct transfer *transfer);
