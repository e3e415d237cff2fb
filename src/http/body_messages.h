/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The body of an answer as messages of a WebSocket, one for each piece that comes: how browsers
 * follow logs (binary.k8s.io, base64.binary.k8s.io). What the client says is not listened to.
 * Loop's thread.
 */

#include <stdbool.h>

#include "http/head.h"

struct body_messages;
struct loop;
struct tunnel;

/*
 * Takes both tunnels: the client's WebSocket, and the server's, with `body` about to be read.
 * `text`: in base64. `ended` is called once, from the loop, when all of it is gone.
 */
struct body_messages *body_messages_start(struct loop *loop, struct tunnel *client,
					  struct tunnel *server, const struct http_body *body,
					  bool text, void (*ended)(void *userdata), void *userdata);

/* Ends it at once, without a call. NULL is fine; returns NULL. */
struct body_messages *body_messages_free(struct body_messages *messages);
