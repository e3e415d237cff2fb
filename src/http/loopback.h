/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A client inside the process: plays requests against a handler without sockets. For tests, and for
 * whatever drives the API by its own door. One thread.
 */

#include "http/exchange.h"

struct http_loopback;

/*
 * Sends one request. `target` is "/path?query" (percent-encoded), `headers` pairs up to n. `user`
 * NULL: nobody. The handler runs before this returns; an answer may still be open afterwards.
 */
struct http_loopback *http_loopback_send(http_handler_fn handler, void *userdata,
					 const char *method, const char *target,
					 const struct http_pair *headers, size_t n_headers,
					 struct str body, const char *user, const char *group);

/* The status of the answer; 0: not answered yet. */
int http_loopback_status(const struct http_loopback *loopback);

/* A header of the answer by lower-case name, or NULL. */
const char *http_loopback_header(const struct http_loopback *loopback, const char *name);

/*
 * What has arrived of the body so far (a stream is read until it waits). Borrowed until the next
 * call.
 */
struct str http_loopback_body(struct http_loopback *loopback);

/* A stream has ended, or the answer was complete from the start. */
bool http_loopback_is_complete(struct http_loopback *loopback);

/* Before anything is upgraded: the loop that connections run on. */
struct loop;
void http_loopback_upgrades(struct loop *loop);

/* The client's end of the connection after a 101, non-blocking, closed with the rest; -1: none. */
int http_loopback_connection(struct http_loopback *loopback);

/* Hangs up (closes an open stream) and frees. NULL is fine; returns NULL. */
struct http_loopback *http_loopback_free(struct http_loopback *loopback);
