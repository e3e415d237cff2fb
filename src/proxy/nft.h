/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The program nft as a child that reads one transaction from its standard input: all of it happens,
 * or nothing. No shell. Loop's thread.
 */

#include "base/str.h"

struct loop;
struct nft;

/*
 * `done` is told the end of each run: `error` is NULL, or one line that says what went wrong
 * (borrowed).
 */
struct nft *nft_new(struct loop *loop, void (*done)(void *userdata, const char *error),
		    void *userdata);

/* Lets a run that is under way end, without telling. NULL is fine; returns NULL. */
struct nft *nft_free(struct nft *nft);

/* Starts a run; none may be under way. Returns 0, or a negative errno and nothing is told. */
int nft_run(struct nft *nft, struct str text);
