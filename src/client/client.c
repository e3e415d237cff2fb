/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dispatch alone: a client is its operations.
 */
#include "client/client.h"

void client_request(struct client *client, const struct client_request *request,
		    client_done_fn done, void *userdata)
{
	client->ops->request(client, request, done, userdata);
}

struct client_watch *client_watch(struct client *client, const struct kind *kind,
				  const char *label_selector, const struct client_sink *sink,
				  void *userdata)
{
	return client_watch_fields(client, kind, label_selector, NULL, sink, userdata);
}

struct client_watch *client_watch_fields(struct client *client, const struct kind *kind,
					 const char *label_selector, const char *field_selector,
					 const struct client_sink *sink, void *userdata)
{
	struct client_watch *watch =
		client->ops->watch(client, kind, label_selector, field_selector, sink, userdata);

	watch->client = client;
	return watch;
}

struct client_watch *client_unwatch(struct client_watch *watch)
{
	if (watch != NULL) {
		watch->client->ops->unwatch(watch);
	}
	return NULL;
}

struct client *client_free(struct client *client)
{
	if (client != NULL) {
		client->ops->free(client);
	}
	return NULL;
}
