/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The client inside the process: the calls of client/client.h through the API's own door (the same
 * admission, defaults and validation as kubectl meets), without HTTP. Objects share the text that
 * the hub holds; nothing is parsed on the way.
 *
 * Order: the events of a write reach every watch of the process before the write's `done`.
 */

struct api;
struct client;

/* Freed with client_free(), before the API; its watches end first (client_unwatch). */
struct client *api_local_client(struct api *api);
