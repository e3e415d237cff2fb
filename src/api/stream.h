/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Requests that go on to a node's agent or to a pod: one dial, whose answer becomes ours. Ends when
 * either end does, and with the API. Control thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "api/call.h"
#include "base/ip.h"
#include "http/dial.h"

struct stream;
struct tunnel;

/* A pod and where it runs. */
struct stream_pod {
	json_t *pod; /* owned */
	const char *node; /* "" when it has none; borrowed from `pod` */
	char address[IP_TEXT]; /* of the node's agent */
	uint16_t port;
};
void stream_pod_deinit(struct stream_pod *pod);
#define _cleanup_stream_pod_ __attribute__((cleanup(stream_pod_deinit)))

/* An object of the API, parsed (new reference), or NULL. */
json_t *stream_object(struct call *call, const struct kind *kind, struct str space,
		      struct str name);

/* The pod that the call is about; a refusal when there is none. */
json_t *stream_find_pod(struct call *call, struct stream_pod *ret);

/* Where the agent of node `name` answers `for_what`; a refusal, e.g. for a simulated node. */
json_t *stream_find_agent(struct call *call, const char *name, const char *for_what,
			  char ret_address[IP_TEXT], uint16_t *ret_port);

/*
 * The container that the query names, or the only one; a refusal in Kubernetes' words. Borrowed
 * from the pod or the exchange.
 */
json_t *stream_choose_container(struct call *call, const json_t *pod, const char **ret);

/* What happens when the other server has answered; one of the three is set. */
struct stream_plan {
	/* The answer is passed on as it comes, an upgrade too. */
	void (*passing)(struct call *call, const struct http_head *head);
	/* With the 101 of ours sent: the client's connection and the server's, both taken. */
	void (*translate)(struct stream *stream, struct tunnel *client, struct tunnel *server);
	/* The body of a 200 goes to the client's WebSocket, each piece a message. */
	bool messages;
	bool text; /* in base64 */
	const char *websocket; /* the subprotocol with which we answer; for translate, messages */
	bool wraps; /* errors of the other server are text, and become a Status */
};

/*
 * Dials and answers the call. `request->timeout` is set here. `plan` is copied; `userdata` with
 * `release` belongs to it.
 */
void stream_start(struct call *call, struct http_dial_request *request,
		  const struct stream_plan *plan, void *userdata);

/* For plans: what they started with, their loop, and how they tell the end. */
void *stream_userdata(struct stream *stream);
struct loop *stream_loop(struct stream *stream);
struct channels;
void stream_set_channels(struct stream *stream, struct channels *channels);
void stream_ended(void *stream);
void stream_join(struct stream *stream, struct tunnel *client, struct tunnel *server);
