/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Knocks at a port of a container, for probes and hooks: a TCP connection, or one HTTP GET with the
 * answer's status. Certificates are not verified, as kubelets do not. Loop's thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct knock;
struct loop;

struct knock_request {
	const char *address; /* of either family */
	uint16_t port;
	bool http; /* false: to be connected is all */
	bool tls;
	const char *path; /* "/healthz?a=b" */
	const json_t *headers; /* [{"name":…,"value":…}] or NULL */
	uint64_t timeout; /* ns */
};

enum { KNOCK_MESSAGE = 512 };

/* `message` is "" when it went well; `status` of the HTTP answer, or 0. */
typedef void (*knock_done_fn)(void *userdata, int status, const char *message);

/* All of `request` is copied as needed. `done` comes later, once. */
struct knock *knock_start(struct loop *loop, const struct knock_request *request,
			  knock_done_fn done, void *userdata);

/* Gives it up: `done` is not called. NULL is fine; returns NULL. */
struct knock *knock_cancel(struct knock *knock);
