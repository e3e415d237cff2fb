/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The API as a part of a process: data directory, keys, store, hub, API and its HTTPS server, put
 * together and taken apart in the right order.
 */

#include "http/pki.h"

struct api;
struct buffer;
struct client;
struct clock;
struct http_server;
struct hub;
struct loop;
struct loop_timer;
struct loop_watch;
struct settings;
struct store;

struct api_part {
	const struct settings *settings;
	struct loop *loop;
	struct store *store;
	struct loop_watch *store_watch;
	struct hub *hub;
	struct api *api;
	struct loop_timer *due;
	struct http_server *server;
	struct client *client; /* in-process */
	struct pki_pair ca;
	struct pki_pair server_pair;
	struct pki_pair admin;
	struct pki_pair tokens;
	struct pki_pair to_nodes; /* who we are to nodes' agents */
	struct http_tls *node_tls;
	char url[96]; /* "https://127.0.0.1:6443" */
	char *kubeconfig; /* where it was written */
	/*
	 * Set before starting: adds a line for each part that is not ready, for /readyz. May be
	 * NULL.
	 */
	void (*unready)(void *userdata, struct buffer *lines);
	void *userdata;
};

/*
 * Starts it all; `part` is zeroed but for `unready`. Returns 0, or a negative errno after one line
 * on standard error that says what is wrong and what to do. On failure api_part_stop() cleans up,
 * too.
 */
int api_part_start(struct api_part *part, struct loop *loop, const struct settings *settings);

/* Ends watches and connections, waits for what the disk still owes, closes. */
void api_part_stop(struct api_part *part);
