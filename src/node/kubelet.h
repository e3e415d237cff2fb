/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The HTTPS server of a node agent (port 10250, or any), for the API server alone (a client
 * certificate of the cluster's CA). Paths as kubelet has them:
 *
 *   GET /containerLogs/NAMESPACE/POD/CONTAINER
 *           ?follow&tailLines&sinceSeconds&sinceTime&limitBytes&timestamps&previous
 *   any /exec/NAMESPACE/POD/CONTAINER?command=…&input&output&error&tty    upgraded: SPDY/3.1
 *   any /attach/NAMESPACE/POD/CONTAINER?input&output&error&tty            upgraded: SPDY/3.1
 *   any /portForward/NAMESPACE/POD                                        upgraded: SPDY/3.1
 *   GET /pods                                                             a PodList
 *   GET /healthz
 *
 * Upgraded connections are tunnelled byte by byte to the runtime's streaming server.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buffer;
struct kubelet;
struct loop;
struct runtime;

/* Where a container is, as the agent that runs it knows. */
struct kubelet_container {
	char id[80]; /* of the runtime; "" when it has never been started */
	char log_path[1024]; /* of the instance asked for; "" when there is none */
	bool running;
};

struct kubelet_lookup {
	/*
	 * Finds a container; `previous` asks for the instance before the last. Returns 0; -ENOENT:
	 * no such pod or container, and `ret_message` says which; -EAGAIN: it has no such instance
	 * (yet).
	 */
	int (*container)(void *userdata, struct str space, struct str pod, struct str container,
			 bool previous, struct kubelet_container *ret, char ret_message[512]);
	/* The running sandbox of a pod. Same outcomes. */
	int (*sandbox)(void *userdata, struct str space, struct str pod, char ret_id[80],
		       char ret_message[512]);
	/* Writes a PodList of what runs here, with the status as it is now. May be NULL. */
	void (*pods)(void *userdata, struct buffer *out);
};

struct kubelet_config {
	const char *address; /* "0.0.0.0" */
	uint16_t port; /* 0: the system picks one */
	/*
	 * PEM texts, copied. The API server expects a certificate of the cluster's CA that is good
	 * for the node's name or for the address that the Node's status names.
	 */
	const char *certificate;
	const char *key;
	const char *client_ca;
	const char *api_user; /* only this subject CN may ask: "kube-apiserver-kubelet-client" */
	struct runtime *runtime;
	const struct kubelet_lookup *lookup;
	void *userdata;
};

/* Returns 0, or -errno after one line for people in `ret_message`. */
int kubelet_new(struct loop *loop, const struct kubelet_config *config, char ret_message[256],
		struct kubelet **ret);
uint16_t kubelet_port(const struct kubelet *kubelet);

/*
 * Something has become of a container: it was started, has ended, is no more. Who follows its log
 * looks again. `id` is the runtime's; NULL: of any.
 */
void kubelet_container_changed(struct kubelet *kubelet, const char *id);

struct kubelet *kubelet_free(struct kubelet *kubelet); /* NULL is fine; returns NULL */
