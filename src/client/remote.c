/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests: one transfer each, its answer collected up to a limit and decoded once it is complete.
 * What cannot be decoded is an error of the connection (code 0), so a caller never takes half an
 * object for a whole one.
 */
#include "client/remote.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/kubeconfig.h"
#include "client/remote_intern.h"
#include "client/transfer.h"
#include "object/schema.h"
#include "json/json.h"

/* As long as API servers take by themselves (--request-timeout), and a little. */
enum { REQUEST_SECONDS = 65 };

struct request {
	struct list link;
	struct remote *remote;
	const struct kind *kind;
	client_done_fn done;
	void *userdata;
	struct buffer answer;
};

/* ---- targets ---- */

void remote_encode(struct str text, struct buffer *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~";

	for (size_t i = 0; i < text.n; i++) {
		if (memchr(plain, text.p[i], sizeof(plain) - 1) != NULL) {
			buffer_append_char(out, text.p[i]);
		} else {
			buffer_printf(out, "%%%02X", (unsigned char)text.p[i]);
		}
	}
}

void remote_collection(const struct kind *kind, struct str space, struct buffer *out)
{
	if (kind->group[0] == '\0') {
		buffer_printf(out, "/api/%s", kind->version);
	} else {
		buffer_printf(out, "/apis/%s/%s", kind->group, kind->version);
	}
	if (space.n != 0) {
		buffer_append_text(out, "/namespaces/");
		remote_encode(space, out);
	}
	buffer_printf(out, "/%s", kind->plural);
}

/* A created object has its name in the body; what is created below one has it in the path. */
static void append_target(const struct client_request *request, struct buffer *out)
{
	bool below = request->subresource != NULL;

	remote_collection(request->kind, request->space, out);
	if (request->verb != CLIENT_CREATE || below) {
		buffer_append_char(out, '/');
		remote_encode(request->name, out);
	}
	if (below) {
		buffer_append_char(out, '/');
		remote_encode(str_from(request->subresource), out);
	}
}

/* ---- answers ---- */

const char *remote_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 400, "BadRequest" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "NotFound" },
		{ 405, "MethodNotAllowed" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 413, "RequestEntityTooLarge" },
		{ 422, "Invalid" },
		{ 429, "TooManyRequests" },
		{ 500, "InternalError" },
		{ 503, "ServiceUnavailable" },
		{ 504, "Timeout" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (reasons[i].status == status) {
			return reasons[i].reason;
		}
	}
	return "Unknown";
}

json_t *remote_refusal(int status, struct str body, struct buffer *message)
{
	_cleanup_json_ json_t *tree = NULL;
	struct json_read_error error;

	if (json_read(body, NULL, &tree, &error) == 0 &&
	    strcmp(json_string_at(tree, "kind"), "Status") == 0) {
		buffer_append_text(message, json_string_at(tree, "message"));
		return take(tree);
	}
	/* A proxy on the way, or a server that is starting: its first line says something. */
	struct str line = { .p = body.p, .n = body.n < 200 ? body.n : 200 };
	line = str_trim(str_cut(&line, '\n'));
	buffer_printf(message, "HTTP %d (%s)%s%.*s", status, remote_reason(status),
		      line.n != 0 ? ": " : "", STR_ARG(line));
	return NULL;
}

static void respond(struct request *request, const struct client_response *response)
{
	client_done_fn done = request->done;
	void *userdata = request->userdata;

	list_unlink(&request->link);
	request->remote->n_requests--;
	buffer_deinit(&request->answer);
	mem_free(request);
	done(userdata, response);
}

static void respond_unreached(struct request *request, const char *error)
{
	_cleanup_free_ char *message = mem_printf("%s: %s", request->remote->server, error);

	respond(request, &(struct client_response){ .message = message });
}

static void respond_refused(struct request *request, int status)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_REMOTE_HEAD);
	_cleanup_json_ json_t *refusal =
		remote_refusal(status, buffer_str(&request->answer), &message);
	const char *reason = json_string_at(refusal, "reason");
	const struct client_response response = {
		.code = status,
		.reason = reason[0] != '\0' ? reason : remote_reason(status),
		.message = buffer_text(&message),
	};

	respond(request, &response);
}

static void respond_object(struct request *request, int status)
{
	_cleanup_json_ json_t *tree = NULL;
	struct json_read_error error;
	struct object *object = NULL;

	if (json_read(buffer_str(&request->answer), NULL, &tree, &error) != 0) {
		respond_unreached(request, "the answer is not JSON");
		return;
	}
	/* A Status, or another kind's object (Scale, TokenRequest), is an answer as it is. */
	if (strcmp(json_string_at(tree, "kind"), request->kind->kind) == 0 &&
	    object_new_tree(request->kind, take(tree), &object) != 0) {
		respond_unreached(request, "the answer is no such object");
		return;
	}
	respond(request,
		&(struct client_response){ .code = status, .object = object, .answer = tree });
	object_unref(object);
}

static bool received(void *userdata, struct str bytes)
{
	struct request *request = userdata;

	buffer_append_str(&request->answer, bytes);
	return !request->answer.overflowed;
}

static void done(void *userdata, int status, const char *error)
{
	struct request *request = userdata;

	if (request->answer.overflowed) {
		respond_unreached(request, "the answer is too large");
	} else if (error != NULL) {
		respond_unreached(request, error);
	} else if (status < 200 || status > 299) {
		respond_refused(request, status);
	} else {
		respond_object(request, status);
	}
}

static const struct transfer_ops request_ops = { .received = received, .done = done };

/* ---- requests ---- */

static const char *method_of(enum client_verb verb, const char **ret_type)
{
	*ret_type = "application/json";
	switch (verb) {
	case CLIENT_GET:
		*ret_type = NULL;
		return "GET";
	case CLIENT_CREATE:
		return "POST";
	case CLIENT_UPDATE:
		return "PUT";
	case CLIENT_PATCH_MERGE:
		*ret_type = "application/merge-patch+json";
		return "PATCH";
	case CLIENT_PATCH_STRATEGIC:
		*ret_type = "application/strategic-merge-patch+json";
		return "PATCH";
	case CLIENT_DELETE:
		break;
	}
	return "DELETE";
}

/* What cannot be sent is answered at once. */
static bool refuse(const struct remote *remote, bool too_large, client_done_fn on_done,
		   void *userdata)
{
	struct client_response response = { 0 };

	if (remote->transfers == NULL) {
		response.message = "the client has ended";
	} else if (too_large) {
		response.code = 413;
		response.reason = remote_reason(413);
		response.message = "the request is too large";
	} else if (remote->n_requests == LIMIT_REMOTE_REQUESTS) {
		response.code = 429;
		response.reason = remote_reason(429);
		response.message = "too many requests to the API server are under way";
	} else {
		return false;
	}
	on_done(userdata, &response);
	return true;
}

static void request(struct client *client, const struct client_request *wanted,
		    client_done_fn on_done, void *userdata)
{
	_cleanup_buffer_ struct buffer target = BUFFER_INIT(LIMIT_HTTP_TARGET);
	_cleanup_buffer_ struct buffer body = BUFFER_INIT(LIMIT_BODY);
	struct remote *remote = container_of(client, struct remote, client);
	struct transfer_request transfer = { .seconds = REQUEST_SECONDS };

	transfer.method = method_of(wanted->verb, &transfer.content_type);
	if (wanted->body != NULL) {
		json_write(wanted->body, &body);
	} else if (wanted->verb == CLIENT_DELETE) {
		transfer.content_type = NULL;
	}
	append_target(wanted, &target);
	if (refuse(remote, body.overflowed || target.overflowed, on_done, userdata)) {
		return;
	}
	struct request *request = MEM_NEW(struct request);
	request->remote = remote;
	request->kind = wanted->kind;
	request->done = on_done;
	request->userdata = userdata;
	buffer_init(&request->answer, LIMIT_OBJECT);
	list_init(&request->link);
	list_append(&remote->requests, &request->link);
	remote->n_requests++;
	transfer.target = buffer_text(&target);
	transfer.body = buffer_str(&body);
	transfer_start(remote->transfers, &transfer, &request_ops, request);
}

/* ---- the client ---- */

static void free_remote(struct client *client)
{
	struct remote *remote = container_of(client, struct remote, client);

	remote->transfers = transfers_free(remote->transfers);
	while (!list_is_empty(&remote->requests)) {
		respond_unreached(list_entry(remote->requests.next, struct request, link),
				  "the client has ended");
	}
	mem_free(remote->server);
	mem_free(remote);
}

static const struct client_ops remote_ops = {
	.request = request,
	.watch = remote_watch,
	.unwatch = remote_unwatch,
	.free = free_remote,
};

int remote_client_new(struct loop *loop, const struct kubeconfig *config, struct client **ret)
{
	struct remote *remote = MEM_NEW(struct remote);
	int result = transfers_new(loop, config, &remote->transfers);

	if (result < 0) {
		mem_free(remote);
		return error_trace(result);
	}
	remote->client.ops = &remote_ops;
	remote->loop = loop;
	remote->server = mem_strdup(config->server);
	random_state_init(&remote->random);
	list_init(&remote->watches);
	list_init(&remote->requests);
	*ret = &remote->client;
	return 0;
}
