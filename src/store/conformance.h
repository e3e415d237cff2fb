/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The contracts of store.h as tests: every back-end passes the same ones.
 */

#include <stdbool.h>

#include "store/store.h"

struct conformance_backend {
	const char *name;
	/* A new, empty store. Returns 0 or a negative errno. */
	int (*create)(struct store **ret);
	/* The store created last, again, after it was freed; NULL: it keeps nothing. */
	int (*reopen)(struct store **ret);
	/* Throws the store created last away; may be NULL. */
	void (*destroy)(void);
};

/* Runs the suite. Returns the number of failed tests. */
int conformance_run(const struct conformance_backend *backend);
