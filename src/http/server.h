/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The HTTPS server: libmicrohttpd in a loop of ours. Bodies are collected up to LIMIT_BODY (413
 * beyond) before the handler sees the exchange; answers may come later; streams are pulled.
 */

#include <stdint.h>

#include <stdbool.h>

#include "http/exchange.h"

struct http_server;
struct loop;

struct http_server_config {
	const char *address; /* "127.0.0.1", "::1", "0.0.0.0" */
	uint16_t port; /* 0: the system picks one */
	bool early; /* it need not be an address of this machine (yet): IP_FREEBIND */
	/* PEM texts; all NULL: plain HTTP (metrics). Copied. */
	const char *certificate;
	const char *key;
	const char *client_ca; /* asks clients for certificates that this CA signed */
	http_handler_fn handler;
	void *userdata;
};

/*
 * Starts serving. Returns 0; or a negative errno after putting one line for people into
 * `ret_message` (≤ size bytes): what could not be bound and what to do.
 */
int http_server_new(struct loop *loop, const struct http_server_config *config, char *ret_message,
		    size_t size, struct http_server **ret);

/* The port that is served. */
uint16_t http_server_port(const struct http_server *server);

/* Ends every connection. Exchanges not answered yet may still be answered (into nothing). */
struct http_server *http_server_free(struct http_server *server);
