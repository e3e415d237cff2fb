/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A runtime for tests: pods and containers in memory, with exits, failures and a connection that is
 * lost. A call is carried out at once; its answer waits until a test delivers it, and that of a
 * container that takes its time to stop until the clock says so.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/runtime.h"

struct clock;
struct fake_runtime;

/* `clock` is borrowed. */
struct fake_runtime *fake_runtime_new(const struct clock *clock);
struct fake_runtime *fake_runtime_free(struct fake_runtime *fake);

/*
 * A way to it, as an agent has one; ended by runtime_free(). What runs stays, for the next agent.
 */
struct runtime *fake_runtime_open(struct fake_runtime *fake);

/* Delivers one answer or event that is due; false when there is none. */
bool fake_runtime_step(struct fake_runtime *fake);

/* When the next answer is due; UINT64_MAX: none waits. */
uint64_t fake_runtime_next_due(const struct fake_runtime *fake);

/* ---- what goes wrong ---- */

/* The next `n` calls of a method fail so. */
void fake_runtime_fail(struct fake_runtime *fake, enum runtime_method method, size_t n,
		       enum grpc_code code, const char *message);

/* The next call of a method is carried out, but its answer is lost (UNAVAILABLE). */
void fake_runtime_lose(struct fake_runtime *fake, enum runtime_method method);

/* The connection is lost, or back. */
void fake_runtime_connect(struct fake_runtime *fake, bool connected);

/* ---- what happens to containers; found by name, the newest of it ---- */

void fake_runtime_exit(struct fake_runtime *fake, const char *container, int code);
void fake_runtime_out_of_memory(struct fake_runtime *fake, const char *container);
/* Its next lives last no time at all and end with `code`; -1: no more. */
void fake_runtime_exit_at_once(struct fake_runtime *fake, const char *container, int code);
/* How long it takes to stop (default none), ns; its grace at most. */
void fake_runtime_stubborn(struct fake_runtime *fake, const char *container, uint64_t ns);
/* That a container has ended is told so many times late. */
void fake_runtime_lag(struct fake_runtime *fake, unsigned looks);
/* The sandbox of a pod dies. */
void fake_runtime_kill_sandbox(struct fake_runtime *fake, const char *pod);

/* What commands in containers give from now on; `takes` ns. */
void fake_runtime_commands(struct fake_runtime *fake, int exit_code, uint64_t takes);

/* All containers log to this file (the runtime makes it when it is told to reopen it). */
void fake_runtime_log(struct fake_runtime *fake, const char *path);

/* Which images there are: those whose name begins so (default "", all); NULL: none. */
void fake_runtime_images(struct fake_runtime *fake, const char *prefix);
/* Images that are there came from a registry (default), or were loaded by hand. */
void fake_runtime_loaded(struct fake_runtime *fake, bool by_hand);
/* Whether pulls find an image. */
void fake_runtime_pulls(struct fake_runtime *fake, bool work);

/* ---- looking ---- */

size_t fake_runtime_sandboxes(const struct fake_runtime *fake, bool ready_only);
size_t fake_runtime_running(const struct fake_runtime *fake, const char *container);
/* Containers of that name, in whatever state. */
size_t fake_runtime_count(const struct fake_runtime *fake, const char *container);
/* Calls of a method so far. */
size_t fake_runtime_calls(const struct fake_runtime *fake, enum runtime_method method);
/* The names of containers in the order in which they were told to stop, "a,b". */
const char *fake_runtime_stops(struct fake_runtime *fake);
/* The timeout of the last StopContainer, s. */
int64_t fake_runtime_last_timeout(const struct fake_runtime *fake);
