/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call and a stream are the same: one request, messages back, a status in the trailers. A call
 * keeps its message until the status is known; a stream hands messages on as they come. libcurl
 * keeps the connection and multiplexes: all of a client's calls share one.
 */
#include "rpc/grpc.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/curl.h"
#include "loop/loop.h"
#include "rpc/frame.h"

enum {
	CONNECT_SECONDS = 10,
};

struct grpc {
	struct loop *loop;
	struct transfer_loop *transfers;
	struct list exchanges;
	char *socket_path;
	struct curl_slist *metadata;
};

/* A call, or a stream. */
struct grpc_stream {
	struct grpc *grpc;
	struct list link;
	struct transfer *transfer;
	struct loop_timer *refused; /* instead of a transfer: tells so */
	const ProtobufCMessageDescriptor *answer;
	struct buffer bytes; /* of the answer, not taken yet */
	struct frame_status status;
	uint64_t deadline; /* monotonic ns; 0: none */
	enum grpc_code verdict; /* ours, on what came; GRPC_OK: nothing wrong */
	const char *complaint;
	grpc_done_fn done; /* of a call */
	const struct grpc_stream_ops *ops; /* of a stream; NULL: a call */
	void *userdata;
	bool delivering; /* messages are being told: freed afterwards */
	bool given_up;
};

static void destroy(struct grpc_stream *stream)
{
	list_unlink(&stream->link);
	loop_timer_free(stream->refused);
	buffer_deinit(&stream->bytes);
	frame_status_deinit(&stream->status);
	mem_free(stream);
}

static void object(struct grpc_stream *stream, enum grpc_code code, const char *complaint)
{
	stream->verdict = code;
	stream->complaint = complaint;
}

/* ---- messages ---- */

/* Takes the next message off the bytes. False: there is none (yet), or it is no message. */
static bool next_message(struct grpc_stream *stream, struct str *rest, ProtobufCMessage **ret)
{
	struct str bytes = STR_NONE;
	ProtobufCMessage *message;

	switch (frame_next(rest, &bytes)) {
	case FRAME_PART:
		return false;
	case FRAME_COMPRESSED:
		object(stream, GRPC_INTERNAL, "a message is compressed, which was not asked for");
		return false;
	case FRAME_TOO_LARGE:
		object(stream, GRPC_RESOURCE_EXHAUSTED, "a message is too large");
		return false;
	case FRAME_WHOLE:
		break;
	}
	message = protobuf_c_message_unpack(stream->answer, NULL, bytes.n,
					    (const uint8_t *)(bytes.n != 0 ? bytes.p : ""));
	if (message == NULL) {
		object(stream, GRPC_INTERNAL, "a message cannot be read");
		return false;
	}
	*ret = message;
	return true;
}

static void tell_messages(struct grpc_stream *stream)
{
	struct str rest = buffer_str(&stream->bytes);
	ProtobufCMessage *message;

	stream->delivering = true;
	while (!stream->given_up && next_message(stream, &rest, &message)) {
		stream->ops->message(stream->userdata, message);
		protobuf_c_message_free_unpacked(message, NULL);
	}
	stream->delivering = false;
	buffer_consume(&stream->bytes, stream->bytes.n - rest.n);
}

/* ---- what the transfer tells ---- */

static void header_came(void *userdata, struct str line)
{
	struct grpc_stream *stream = userdata;

	frame_status_line(&stream->status, line);
}

static void head_came(void *userdata, int status)
{
	struct grpc_stream *stream = userdata;

	/* With a status in its head an answer has nothing else: it was refused. */
	if (stream->ops != NULL && status == 200 && stream->status.code < 0) {
		stream->ops->opened(stream->userdata);
	}
}

static bool bytes_came(void *userdata, struct str bytes)
{
	struct grpc_stream *stream = userdata;

	buffer_append_str(&stream->bytes, bytes);
	if (stream->bytes.overflowed) {
		object(stream, GRPC_RESOURCE_EXHAUSTED, "the answer is too large");
		return false;
	}
	if (stream->ops == NULL) {
		return true;
	}
	tell_messages(stream);
	if (stream->given_up) {
		destroy(stream);
		return true;
	}
	return stream->verdict == GRPC_OK;
}

/* What HTTP's status means when the server said nothing in gRPC's words. */
static enum grpc_code code_of_http(int status)
{
	switch (status) {
	case 404:
		return GRPC_UNIMPLEMENTED;
	case 429:
	case 502:
	case 503:
	case 504:
		return GRPC_UNAVAILABLE;
	default:
		return GRPC_UNKNOWN;
	}
}

static struct grpc_outcome outcome_of(struct grpc_stream *stream, int http_status,
				      const char *error)
{
	if (stream->verdict != GRPC_OK) {
		return (struct grpc_outcome){ stream->verdict, stream->complaint };
	}
	if (stream->status.code >= 0) {
		return (struct grpc_outcome){
			(enum grpc_code)stream->status.code,
			stream->status.code != GRPC_OK ? buffer_text(&stream->status.message) : "",
		};
	}
	if (stream->deadline != 0 && clock_monotonic(&clock_system) >= stream->deadline) {
		return (struct grpc_outcome){ GRPC_DEADLINE_EXCEEDED,
					      "there was no answer in time" };
	}
	if (http_status != 0 && http_status != 200) {
		return (struct grpc_outcome){ code_of_http(http_status),
					      "the answer is none of gRPC" };
	}
	if (error != NULL) {
		return (struct grpc_outcome){ GRPC_UNAVAILABLE, error };
	}
	return (struct grpc_outcome){ GRPC_INTERNAL, "the answer has no status" };
}

static void finish_call(struct grpc_stream *call, struct grpc_outcome outcome)
{
	struct str rest = buffer_str(&call->bytes);
	ProtobufCMessage *answer = NULL;

	if (outcome.code == GRPC_OK && !next_message(call, &rest, &answer)) {
		outcome.code = call->verdict != GRPC_OK ? call->verdict : GRPC_INTERNAL;
		outcome.message = call->complaint != NULL ? call->complaint
							  : "the answer has no whole message";
	}
	list_unlink(&call->link);
	call->done(call->userdata, &outcome, answer);
	if (answer != NULL) {
		protobuf_c_message_free_unpacked(answer, NULL);
	}
	destroy(call);
}

static void transfer_done(void *userdata, int http_status, const char *error)
{
	struct grpc_stream *stream = userdata;
	struct grpc_outcome outcome = outcome_of(stream, http_status, error);

	stream->transfer = NULL;
	if (stream->ops == NULL) {
		finish_call(stream, outcome);
		return;
	}
	list_unlink(&stream->link);
	stream->delivering = true; /* whoever is told may still call grpc_stream_end() */
	stream->ops->ended(stream->userdata, &outcome);
	destroy(stream);
}

static const struct transfer_ops exchange_ops = {
	.header = header_came,
	.head = head_came,
	.received = bytes_came,
	.done = transfer_done,
};

/* ---- starting ---- */

static struct curl_slist *headers_of(const struct grpc *grpc, uint64_t timeout)
{
	struct curl_slist *headers = curl_slist_append(NULL, "content-type: application/grpc");
	char text[FRAME_TIMEOUT_TEXT];

	headers = curl_slist_append(headers, "te: trailers");
	/* Neither of them is HTTP/2's way, nor gRPC's. */
	headers = curl_slist_append(headers, "Expect:");
	headers = curl_slist_append(headers, "Accept:");
	for (const struct curl_slist *entry = grpc->metadata; entry != NULL; entry = entry->next) {
		headers = curl_slist_append(headers, entry->data);
	}
	if (timeout != 0) {
		_cleanup_free_ char *line = NULL;

		frame_timeout(timeout, text);
		line = mem_printf("grpc-timeout: %s", text);
		headers = curl_slist_append(headers, line);
	}
	return headers;
}

static CURL *easy_of(const struct grpc *grpc, const char *path, uint64_t timeout)
{
	_cleanup_free_ char *url = mem_printf("http://localhost%s", path);
	CURL *easy = curl_easy_init();

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, grpc->socket_path);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "headlessd");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	if (timeout != 0) {
		uint64_t ms = (timeout + NS_PER_MS - 1) / NS_PER_MS;

		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)ms);
	}
	return easy;
}

static void refused(void *userdata)
{
	transfer_done(userdata, 0, NULL);
}

static void send_request(struct grpc_stream *stream, const char *path,
			 const ProtobufCMessage *request, uint64_t timeout)
{
	struct grpc *grpc = stream->grpc;
	size_t n = protobuf_c_message_get_packed_size(request);
	struct transfer_setup setup = { .has_body = true };
	_cleanup_free_ uint8_t *body = NULL;

	if (n > LIMIT_GRPC_MESSAGE) {
		/* Nobody would take it. */
		object(stream, GRPC_RESOURCE_EXHAUSTED, "the request is too large");
		stream->refused = loop_timer_new(grpc->loop, refused, stream);
		loop_timer_set(stream->refused, 0);
		return;
	}
	body = mem_alloc(FRAME_HEADER + n);
	frame_header((uint32_t)n, body);
	protobuf_c_message_pack(request, body + FRAME_HEADER);
	setup.easy = easy_of(grpc, path, timeout);
	setup.headers = headers_of(grpc, timeout);
	setup.body = (struct str){ .p = (const char *)body, .n = FRAME_HEADER + n };
	stream->transfer = transfer_loop_start(grpc->transfers, &setup, &exchange_ops, stream);
}

static struct grpc_stream *begin(struct grpc *grpc, const struct grpc_method *method,
				 const ProtobufCMessage *request, uint64_t timeout, void *userdata)
{
	struct grpc_stream *stream = MEM_NEW(struct grpc_stream);

	stream->grpc = grpc;
	stream->answer = method->answer;
	stream->userdata = userdata;
	stream->deadline = timeout != 0 ? clock_monotonic(&clock_system) + timeout : 0;
	buffer_init(&stream->bytes,
		    FRAME_HEADER + (size_t)LIMIT_GRPC_MESSAGE + (size_t)LIMIT_TRANSFER_PENDING);
	frame_status_init(&stream->status);
	list_init(&stream->link);
	list_append(&grpc->exchanges, &stream->link);
	send_request(stream, method->path, request, timeout);
	return stream;
}

/* ---- the interface ---- */

int grpc_new(struct loop *loop, const char *socket_path, struct grpc **ret)
{
	struct grpc *grpc;

	if (strlen(socket_path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		return error_origin(-ENAMETOOLONG);
	}
	grpc = MEM_NEW(struct grpc);
	grpc->loop = loop;
	grpc->transfers = transfer_loop_new(loop, NULL, NULL);
	curl_multi_setopt(transfer_loop_multi(grpc->transfers), CURLMOPT_MAX_TOTAL_CONNECTIONS,
			  (long)LIMIT_GRPC_CALLS);
	list_init(&grpc->exchanges);
	grpc->socket_path = mem_strdup(socket_path);
	*ret = grpc;
	return 0;
}

void grpc_set_metadata(struct grpc *grpc, const char *name, const char *value)
{
	_cleanup_free_ char *line = mem_printf("%s: %s", name, value);

	grpc->metadata = curl_slist_append(grpc->metadata, line);
}

struct grpc *grpc_free(struct grpc *grpc)
{
	static const struct grpc_outcome closed = { GRPC_UNAVAILABLE,
						    "the connection is being closed" };

	if (grpc == NULL) {
		return NULL;
	}
	while (!list_is_empty(&grpc->exchanges)) {
		struct grpc_stream *stream =
			list_entry(grpc->exchanges.next, struct grpc_stream, link);

		stream->transfer = transfer_cancel(stream->transfer);
		finish_call(stream, closed);
	}
	transfer_loop_free(grpc->transfers);
	curl_slist_free_all(grpc->metadata);
	mem_free(grpc->socket_path);
	return mem_free(grpc);
}

void grpc_call(struct grpc *grpc, const struct grpc_method *method, const ProtobufCMessage *request,
	       uint64_t timeout, grpc_done_fn done, void *userdata)
{
	begin(grpc, method, request, timeout, userdata)->done = done;
}

struct grpc_stream *grpc_stream_start(struct grpc *grpc, const struct grpc_method *method,
				      const ProtobufCMessage *request,
				      const struct grpc_stream_ops *ops, void *userdata)
{
	struct grpc_stream *stream = begin(grpc, method, request, 0, userdata);

	stream->ops = ops;
	return stream;
}

struct grpc_stream *grpc_stream_end(struct grpc_stream *stream)
{
	if (stream == NULL) {
		return NULL;
	}
	stream->transfer = transfer_cancel(stream->transfer);
	if (stream->delivering) {
		stream->given_up = true;
	} else {
		destroy(stream);
	}
	return NULL;
}
