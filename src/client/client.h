/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A client of a Kubernetes API: list and watch, create, update, patch, remove. The same calls reach
 * the API in this process (api/local.h), a server of our own or somebody else's Kubernetes over
 * HTTPS (client/remote.h). Everything runs on the loop's thread; no call waits.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/str.h"
#include "object/object.h"

struct client;
struct client_watch;
struct kind;

enum client_verb {
	CLIENT_GET,
	CLIENT_CREATE,
	CLIENT_UPDATE,
	CLIENT_PATCH_MERGE, /* RFC 7386 */
	CLIENT_PATCH_STRATEGIC, /* strategic merge patch */
	CLIENT_DELETE,
};

struct client_request {
	enum client_verb verb;
	const struct kind *kind;
	struct str space; /* empty: cluster-scoped */
	struct str name; /* CREATE: may be empty (generateName in the body) */
	const char *
		subresource; /* "status", "scale", "finalize", "binding"; NULL: the object itself */
	const json_t
		*body; /* object or patch; DELETE: DeleteOptions or NULL; borrowed for the call */
};

/*
 * An answer. `code` is the HTTP status (0: the server could not be reached, message says why). On
 * success `object` is the object as it stands now (borrowed; NULL when the answer is a bare
 * Status). On failure `reason` is the Status reason ("NotFound", "AlreadyExists", "Conflict",
 * "Invalid", "Gone") and `message` its text, both borrowed.
 */
struct client_response {
	int code;
	struct object *object;
	const char *reason;
	const char *message;
	/*
	 * What a subresource answered when it is no object of the kind (a TokenRequest): borrowed;
	 * NULL otherwise.
	 */
	const json_t *answer;
};

typedef void (*client_done_fn)(void *userdata, const struct client_response *response);

/*
 * What a list-and-watch delivers, in order: reset() (what was known is void), changed() for every
 * object, synced(), then changed() and removed() as things happen; after a break that needs a new
 * list it starts over with reset(). Objects are borrowed: keep one with object_ref().
 */
struct client_sink {
	void (*reset)(void *userdata);
	void (*changed)(void *userdata, struct object *object);
	void (*removed)(void *userdata, struct object *last);
	/* The list is complete; `revision` is known to be seen (also called for bookmarks). */
	void (*synced)(void *userdata, uint64_t revision);
	/* The source was lost (age of the data grows from here) or is back. */
	void (*connected)(void *userdata, bool connected);
};

struct client_ops {
	void (*request)(struct client *client, const struct client_request *request,
			client_done_fn done, void *userdata);
	struct client_watch *(*watch)(struct client *client, const struct kind *kind,
				      const char *label_selector, const char *field_selector,
				      const struct client_sink *sink, void *userdata);
	void (*unwatch)(struct client_watch *watch);
	void (*free)(struct client *client);
};

/* Implementations embed these first. client_watch() fills in a watch's client. */
struct client {
	const struct client_ops *ops;
};

struct client_watch {
	struct client *client;
};

/* `done` is called once, later or before the function returns. */
void client_request(struct client *client, const struct client_request *request,
		    client_done_fn done, void *userdata);

/*
 * Lists and watches `kind` in all namespaces, for ever, with reconnects and relists of its own.
 * `label_selector` may be NULL. Owned by the caller until client_unwatch().
 */
struct client_watch *client_watch(struct client *client, const struct kind *kind,
				  const char *label_selector, const struct client_sink *sink,
				  void *userdata);
/* The same of those only that `field_selector` ("spec.nodeName=a"; may be NULL) is true of, too. */
struct client_watch *client_watch_fields(struct client *client, const struct kind *kind,
					 const char *label_selector, const char *field_selector,
					 const struct client_sink *sink, void *userdata);
struct client_watch *client_unwatch(struct client_watch *watch); /* NULL is fine; returns NULL */

struct client *client_free(struct client *client); /* NULL is fine; returns NULL */
