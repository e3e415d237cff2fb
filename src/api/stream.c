/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream owes its exchange an answer until the dial has ended; then it is a relayed body (which
 * needs no stream any more), two joined connections, or a translation between two.
 *
 * Errors of an agent are plain text, as kubelet's are; clients get them as a Status with the code
 * that they came with.
 */
#include "api/stream.h"

#include <string.h>

#include "api/intern.h"
#include "api/keys.h"
#include "api/status.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/body_messages.h"
#include "http/channels.h"
#include "http/relay.h"
#include "http/tunnel.h"
#include "http/websocket.h"
#include "loop/loop.h"
#include "object/kinds.h"
#include "watch/hub.h"
#include "json/json.h"

#define DIAL_TIMEOUT (30 * NS_PER_S)

struct stream {
	struct list link;
	struct api *api; /* NULL: it ends */
	struct call *call; /* until it is answered */
	struct stream_plan plan;
	void *userdata;
	struct http_dial *dial;
	struct tunnel *server;
	struct tunnel_pair *pair;
	struct channels *channels;
	struct body_messages *messages;
	/* An error's text, while it is gathered; or the body that becomes messages. */
	int status;
	struct http_body framing;
	struct buffer error;
};

/* ---- finding ---- */

void stream_pod_deinit(struct stream_pod *pod)
{
	json_decref(pod->pod);
}

json_t *stream_object(struct call *call, const struct kind *kind, struct str space, struct str name)
{
	_cleanup_buffer_ struct buffer key = BUFFER_INIT(LIMIT_STORE_KEY);
	struct json_read_error error;
	json_t *tree = NULL;

	key_of(kind, space, name, &key);
	const struct hub_item *item =
		key.overflowed ? NULL : hub_get(call->api->hub, buffer_str(&key));
	if (item != NULL) {
		(void)json_read(item->text, NULL, &tree, &error);
	}
	return tree;
}

json_t *stream_find_pod(struct call *call, struct stream_pod *ret)
{
	ret->pod = stream_object(call, &kind_pod, call->space, call->name);
	if (ret->pod == NULL) {
		return status_not_found(&kind_pod, call->name);
	}
	ret->node = json_string_at(ret->pod, "spec.nodeName");
	return NULL;
}

/* The first address of a type that is a number. */
static bool address_of(const json_t *node, const char *type, char ret_address[IP_TEXT])
{
	const json_t *addresses = json_at(node, "status.addresses");

	for (size_t i = 0; i < json_array_size(addresses); i++) {
		const json_t *one = json_array_get(addresses, i);
		struct ip ip;

		if (strcmp(json_string_at(one, "type"), type) == 0 &&
		    ip_parse(str_from(json_string_at(one, "address")), &ip)) {
			ip_text(&ip, ret_address);
			return true;
		}
	}
	return false;
}

json_t *stream_find_agent(struct call *call, const char *name, const char *for_what,
			  char ret_address[IP_TEXT], uint16_t *ret_port)
{
	_cleanup_json_ json_t *node = stream_object(call, &kind_node, STR_NONE, str_from(name));
	int64_t port = json_int_at(node, "status.daemonEndpoints.kubeletEndpoint.Port", 0);

	if (node == NULL) {
		return status_new(OUTCOME_INTERNAL, "%s: nodes \"%s\" not found", for_what, name);
	}
	if (port <= 0 || port > UINT16_MAX) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "%s: node %s is simulated and runs no containers: "
				  "use --node containerd",
				  for_what, name);
	}
	if (!address_of(node, "InternalIP", ret_address) &&
	    !address_of(node, "ExternalIP", ret_address) &&
	    !address_of(node, "Hostname", ret_address)) {
		return status_new(OUTCOME_INTERNAL, "%s: node %s has no address", for_what, name);
	}
	*ret_port = (uint16_t)port;
	return NULL;
}

/* Adds the names of a list of containers; returns whether `name` is among them. */
static bool list_names(const json_t *pod, const char *path, const char *name, struct buffer *names)
{
	const json_t *containers = json_at(pod, path);
	bool found = false;

	for (size_t i = 0; i < json_array_size(containers); i++) {
		const char *one = json_string_at(json_array_get(containers, i), "name");

		buffer_printf(names, "%s%s", names->n != 0 ? " " : "", one);
		found = found || strcmp(one, name) == 0;
	}
	return found;
}

json_t *stream_choose_container(struct call *call, const json_t *pod, const char **ret)
{
	const char *name = http_query(call->exchange, "container");
	_cleanup_buffer_ struct buffer names = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_buffer_ struct buffer inits = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_buffer_ struct buffer others = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	const char *given = name != NULL ? name : "";
	bool found = list_names(pod, "spec.containers", given, &names);

	found = list_names(pod, "spec.initContainers", given, &inits) || found;
	found = list_names(pod, "spec.ephemeralContainers", given, &others) || found;
	if (given[0] != '\0') {
		*ret = given;
		return found ? NULL
			     : status_new(OUTCOME_BAD_REQUEST,
					  "container %s is not valid for pod %.*s", given,
					  STR_ARG(call->name));
	}
	if (json_array_size(json_at(pod, "spec.containers")) == 1) {
		*ret = json_string_at(json_array_get(json_at(pod, "spec.containers"), 0), "name");
		return NULL;
	}
	return status_new(
		OUTCOME_BAD_REQUEST,
		"a container name must be specified for pod %.*s, choose one of: [%s]%s%s%s",
		STR_ARG(call->name), buffer_text(&names),
		inits.n != 0 ? " or one of the init containers: [" : "", buffer_text(&inits),
		inits.n != 0 ? "]" : "");
}

/* ---- life ---- */

static void stream_free(struct stream *stream)
{
	list_unlink(&stream->link);
	http_dial_cancel(stream->dial);
	tunnel_free(stream->server);
	tunnel_pair_free(stream->pair);
	channels_free(stream->channels);
	body_messages_free(stream->messages);
	buffer_deinit(&stream->error);
	mem_free(stream->userdata);
	mem_free(stream);
}

static void refuse(struct stream *stream, json_t *refusal)
{
	struct call *call = stream->call;

	stream_free(stream);
	answer_refused(call, refusal);
}

void api_end_streams(struct api *api)
{
	list_for_each (stream, &api->streams, struct stream, link) {
		stream->api = NULL;
		if (stream->pair != NULL || stream->channels != NULL || stream->messages != NULL) {
			stream_free(stream);
		} else if (stream->dial != NULL || stream->error.max != 0) {
			refuse(stream, status_new(OUTCOME_UNAVAILABLE, "the API server stops"));
		} else {
			/* Its exchange has been answered: the server calls back. */
			list_unlink(&stream->link);
		}
	}
}

void *stream_userdata(struct stream *stream)
{
	return stream->userdata;
}

struct loop *stream_loop(struct stream *stream)
{
	return stream->api->loop;
}

void stream_set_channels(struct stream *stream, struct channels *channels)
{
	stream->channels = channels;
}

void stream_ended(void *userdata)
{
	struct stream *stream = userdata;

	stream->pair = NULL;
	stream->channels = NULL;
	stream->messages = NULL;
	stream_free(stream);
}

void stream_join(struct stream *stream, struct tunnel *client, struct tunnel *server)
{
	stream->pair = tunnel_join(stream->api->loop, client, server, stream_ended, stream);
}

/* ---- errors of the other server ---- */

static json_t *status_of(int code, const char *text)
{
	enum outcome outcome = code == 400   ? OUTCOME_BAD_REQUEST
			       : code == 401 ? OUTCOME_UNAUTHORIZED
			       : code == 403 ? OUTCOME_FORBIDDEN
			       : code == 404 ? OUTCOME_NOT_FOUND
			       : code == 503 ? OUTCOME_UNAVAILABLE
					     : OUTCOME_INTERNAL;

	return status_new(outcome, "%s%s",
			  outcome == OUTCOME_INTERNAL ? "Internal error occurred: " : "", text);
}

static void error_ready(void *userdata, unsigned events)
{
	struct stream *stream = userdata;
	char block[1024];

	while (!stream->framing.complete && !stream->error.overflowed) {
		int64_t n = tunnel_read(stream->server, block, sizeof(block));

		if (n == TUNNEL_WAIT) {
			tunnel_want(stream->server, LOOP_READ, error_ready, stream);
			return;
		}
		n = n > 0 ? http_body_decode(&stream->framing, block, (size_t)n) : n;
		if (n < 0) {
			break;
		}
		buffer_append(&stream->error, block, (size_t)n);
	}
	refuse(stream, status_of(stream->status, buffer_text(&stream->error)));
}

static void gather_error(struct stream *stream, const struct http_head *head, struct tunnel *server)
{
	stream->server = server;
	stream->status = head->status;
	buffer_init(&stream->error, LIMIT_ERROR_MESSAGE);
	if (!http_body_init(&stream->framing, head, /* is_head_request= */ false)) {
		stream->framing.complete = true;
	}
	error_ready(stream, LOOP_READ);
}

/* ---- the answer ---- */

static void client_upgraded(void *userdata, struct tunnel *client)
{
	struct stream *stream = userdata;

	if (client == NULL || stream->api == NULL) {
		tunnel_free(client);
		stream_free(stream);
	} else if (stream->plan.messages) {
		stream->messages = body_messages_start(stream->api->loop, client,
						       take(stream->server), &stream->framing,
						       stream->plan.text, stream_ended, stream);
	} else if (stream->plan.translate != NULL) {
		stream->plan.translate(stream, client, take(stream->server));
	} else {
		stream_join(stream, client, take(stream->server));
	}
}

/* The other server has agreed, and so do we. */
static void answer_upgrade(struct stream *stream, const struct http_head *head,
			   struct tunnel *server)
{
	struct http_exchange *exchange = stream->call->exchange;

	stream->server = server;
	buffer_deinit(&stream->call->warnings);
	stream->call = NULL;
	if (stream->plan.translate != NULL) {
		websocket_accept(exchange, stream->plan.websocket);
	} else {
		for (size_t i = 0;
		     i < head->n_headers && exchange->n_reply_headers < HTTP_REPLY_HEADERS; i++) {
			const char *name = head->headers[i].name;

			if (strcmp(name, "connection") != 0 && strcmp(name, "date") != 0) {
				http_set_header(exchange, name, head->headers[i].value);
			}
		}
	}
	http_reply_upgrade(exchange, client_upgraded, stream);
}

/* What comes is passed on in messages. */
static void answer_messages(struct stream *stream, const struct http_head *head,
			    struct tunnel *server)
{
	struct http_exchange *exchange = stream->call->exchange;

	if (head->status != 200 ||
	    !http_body_init(&stream->framing, head, /* is_head_request= */ false)) {
		tunnel_free(server);
		refuse(stream, status_of(502, "the node gave no answer that can be passed on"));
		return;
	}
	stream->server = server;
	buffer_deinit(&stream->call->warnings);
	stream->call = NULL;
	websocket_accept(exchange, stream->plan.websocket);
	http_reply_upgrade(exchange, client_upgraded, stream);
}

static void dial_answered(void *userdata, const struct http_head *head, struct tunnel *server)
{
	struct stream *stream = userdata;
	struct call *call = stream->call;
	bool upgrades = http_header(call->exchange, "upgrade") != NULL;

	stream->dial = NULL;
	if (head->status == 101 && upgrades) {
		answer_upgrade(stream, head, server);
	} else if (head->status == 101) {
		/* Nobody asked for it, and what follows is no body. */
		tunnel_free(server);
		refuse(stream, status_of(502, "an upgrade that nobody asked for"));
	} else if (stream->plan.wraps && head->status >= 300) {
		gather_error(stream, head, server);
	} else if (stream->plan.messages) {
		answer_messages(stream, head, server);
	} else if (stream->plan.translate != NULL) {
		tunnel_free(server);
		refuse(stream, status_of(502, "the node refused to upgrade"));
	} else {
		if (stream->plan.passing != NULL) {
			stream->plan.passing(call, head);
		}
		stream_free(stream);
		buffer_deinit(&call->warnings);
		http_relay(call->exchange, head, server);
	}
}

static void dial_failed(void *userdata, const char *message)
{
	struct stream *stream = userdata;

	stream->dial = NULL;
	refuse(stream, stream->plan.wraps
			       ? status_new(OUTCOME_INTERNAL,
					    "Internal error occurred: error dialing "
					    "backend: %s",
					    message)
			       : status_new(OUTCOME_UNAVAILABLE,
					    "error trying to reach service: %s", message));
}

static const struct http_dial_ops dial_ops = {
	.answered = dial_answered,
	.failed = dial_failed,
};

static void client_gone(void *userdata)
{
	struct stream *stream = userdata;

	refuse(stream, status_new(OUTCOME_TIMEOUT, "the client has gone"));
}

void stream_start(struct call *call, struct http_dial_request *request,
		  const struct stream_plan *plan, void *userdata)
{
	struct api *api = call->api;
	struct stream *stream;

	if (api->loop == NULL) {
		mem_free(userdata);
		answer_refused(call, status_new(OUTCOME_UNAVAILABLE,
						"this API server does not reach nodes and pods"));
		return;
	}
	stream = MEM_NEW(struct stream);
	stream->api = api;
	stream->call = call;
	stream->plan = *plan;
	stream->userdata = userdata;
	list_init(&stream->link);
	list_append(&api->streams, &stream->link);
	http_on_gone(call->exchange, client_gone, stream);
	request->timeout = DIAL_TIMEOUT;
	stream->dial = http_dial(api->loop, request, &dial_ops, stream);
}
