/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * For tests: a gRPC server at a unix socket (nghttp2 underneath), on the loop of the test. It does
 * what the test tells it to, also what no server should.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct fake_call;
struct fake_server;
struct loop;

/* A request has come whole; the call lives until it is ended or the client is gone. */
typedef void (*fake_called_fn)(void *userdata, struct fake_call *call);

struct fake_server *fake_server_new(struct loop *loop, const char *socket_path,
				    fake_called_fn called, void *userdata);
struct fake_server *fake_server_free(struct fake_server *server); /* and its connections */

const char *fake_call_path(const struct fake_call *call);
/* "name: value\n" of each header. */
const char *fake_call_headers(struct fake_call *call);
struct str fake_call_message(const struct fake_call *call); /* without the frame's header */

/* Sends headers now, before any message. */
void fake_call_open(struct fake_call *call);
void fake_call_send(struct fake_call *call, struct str message);
void fake_call_send_raw(struct fake_call *call, struct str bytes); /* not framed */
/* The end, with a status; `message` goes onto the wire as it is, NULL: none. */
void fake_call_end(struct fake_call *call, int code, const char *message);
/* An answer of HTTP alone. */
void fake_call_end_http(struct fake_call *call, const char *status);
/* Breaks the stream. */
void fake_call_reset(struct fake_call *call);

size_t fake_server_calls(const struct fake_server *server); /* under way */
void fake_server_end_all(struct fake_server *server, int code);
/* Breaks all connections; new ones are taken. */
void fake_server_drop(struct fake_server *server);
