/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The client side of the API as `kubectl` would use it, with nothing in between that could hide
 * time: one kept-alive TLS connection, one request at a time, HTTP/1.1. For measuring alone:
 * whatever goes wrong ends the program with a line that says what.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct https;
struct https_login;

enum { HTTPS_BODY_MAX = 512 * 1024 * 1024 };

/*
 * `folder` holds ca.crt, client.crt and client.key (PEM); `url` is "https://127.0.0.1:PORT". Lives
 * until the program ends; any thread may connect with it.
 */
struct https_login *https_login(const char *folder, const char *url);

struct https *https_connect(const struct https_login *login);

/* `type` and `body` may be NULL when there is no body. */
void https_send(struct https *https, const char *method, const char *path, const char *type,
		struct str body);

/* Waits for the head of the answer; returns its status. */
int https_read_head(struct https *https);

/*
 * Reads the rest of the answer; `body` may be NULL. The connection is ready for the next request.
 */
void https_read_body(struct https *https, struct buffer *body);

/* A stream: from now on reads don't wait. */
int https_stream(struct https *https);

/* What has arrived, with its chunk headers in it; returns how much, 0: nothing now. */
size_t https_stream_read(struct https *https, char *to, size_t n);
