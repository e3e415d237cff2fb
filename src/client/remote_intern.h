/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What requests and watches of the remote client share. */

#include <jansson.h>

#include "base/list.h"
#include "base/random.h"
#include "base/str.h"
#include "client/client.h"

struct buffer;
struct loop;
struct transfers;

struct remote {
	struct client client;
	struct loop *loop;
	struct transfers *transfers;
	struct random_state random;
	struct list watches;
	struct list requests;
	size_t n_requests;
	char *server; /* for messages */
};

/* "/api/v1/namespaces/NS/pods" or "/apis/GROUP/VERSION/…"; `space` empty: all of them. */
void remote_collection(const struct kind *kind, struct str space, struct buffer *out);

/* Appends `text` percent-encoded for a path or a query. */
void remote_encode(struct str text, struct buffer *out);

/*
 * The Status in a refusal: `message` gets its message (or what can be said without), the Status
 * itself is returned (new reference) or NULL when the answer holds none.
 */
json_t *remote_refusal(int status, struct str body, struct buffer *message);

/* The reason that Kubernetes gives for a status code, for answers that name none. */
const char *remote_reason(int status);

struct client_watch *remote_watch(struct client *client, const struct kind *kind,
				  const char *label_selector, const char *field_selector,
				  const struct client_sink *sink, void *userdata);
void remote_unwatch(struct client_watch *watch);
