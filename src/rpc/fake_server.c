/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nghttp2 does HTTP/2; what is here moves its bytes and keeps for each stream what is to be sent
 * still. A call's body is read from its buffer by nghttp2 and deferred while that is empty.
 */
#include "rpc/fake_server.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <nghttp2/nghttp2.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "rpc/frame.h"

struct fake_server {
	struct loop *loop;
	int fd;
	struct loop_watch *watch;
	struct list connections;
	size_t calls;
	fake_called_fn called;
	void *userdata;
};

struct connection {
	struct fake_server *server;
	struct list link;
	struct list calls;
	int fd;
	struct loop_watch *watch;
	nghttp2_session *session;
	bool feeding; /* inside nghttp2: what is to be sent is sent afterwards */
};

struct fake_call {
	struct connection *connection;
	struct list link;
	int32_t stream;
	char *path;
	struct buffer headers;
	struct buffer request;
	struct buffer answer;
	bool opened;
	bool ended;
	int code;
	char *message;
};

static void call_free(struct fake_call *call)
{
	call->connection->server->calls--;
	list_unlink(&call->link);
	mem_free(call->path);
	mem_free(call->message);
	buffer_deinit(&call->headers);
	buffer_deinit(&call->request);
	buffer_deinit(&call->answer);
	mem_free(call);
}

static void connection_free(struct connection *connection)
{
	list_for_each (call, &connection->calls, struct fake_call, link) {
		call_free(call);
	}
	nghttp2_session_del(connection->session);
	loop_watch_free(connection->watch);
	close(connection->fd);
	list_unlink(&connection->link);
	mem_free(connection);
}

/* ---- what nghttp2 tells ---- */

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *userdata)
{
	struct connection *connection = userdata;
	struct fake_call *call = MEM_NEW(struct fake_call);

	call->connection = connection;
	call->stream = frame->hd.stream_id;
	buffer_init(&call->headers, LIMIT_REQUEST_ARENA);
	buffer_init(&call->request, LIMIT_TRANSFER_BODY);
	buffer_init(&call->answer, 4 * (size_t)LIMIT_TRANSFER_BODY);
	list_init(&call->link);
	list_append(&connection->calls, &call->link);
	connection->server->calls++;
	nghttp2_session_set_stream_user_data(session, call->stream, call);
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags,
		     void *userdata)
{
	struct fake_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	buffer_printf(&call->headers, "%s: %s\n", (const char *)name, (const char *)value);
	if (strcmp((const char *)name, ":path") == 0) {
		call->path = mem_strdup((const char *)value);
	}
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
		   size_t n, void *userdata)
{
	struct fake_call *call = nghttp2_session_get_stream_user_data(session, stream);

	buffer_append(&call->request, bytes, n);
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *userdata)
{
	const struct connection *connection = userdata;
	struct fake_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	if (call != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
	    (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS)) {
		connection->server->called(connection->server->userdata, call);
	}
	return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *userdata)
{
	struct fake_call *call = nghttp2_session_get_stream_user_data(session, stream);

	if (call != NULL) {
		call_free(call);
	}
	return 0;
}

/* ---- bytes ---- */

/* Sends what nghttp2 has. False: the connection is gone. */
static bool flush(struct connection *connection)
{
	const uint8_t *bytes;
	ssize_t n;

	while ((n = nghttp2_session_mem_send(connection->session, &bytes)) > 0) {
		while (n > 0) {
			/* The test's client reads on the same thread: a full socket would be a
			 * deadlock, so its buffer is made large enough for everything. */
			ssize_t sent = send(connection->fd, bytes, (size_t)n, MSG_NOSIGNAL);

			if (sent < 0) {
				assert(errno != EAGAIN);
				connection_free(connection);
				return false;
			}
			bytes += sent;
			n -= sent;
		}
	}
	return true;
}

static void flush_call(const struct fake_call *call)
{
	if (!call->connection->feeding) {
		flush(call->connection);
	}
}

static void connection_ready(void *userdata, unsigned events)
{
	struct connection *connection = userdata;
	uint8_t bytes[65536];
	ssize_t n = read(connection->fd, bytes, sizeof(bytes));

	if (n <= 0) {
		connection_free(connection);
		return;
	}
	connection->feeding = true;
	n = nghttp2_session_mem_recv(connection->session, bytes, (size_t)n);
	connection->feeding = false;
	if (n < 0) {
		connection_free(connection);
		return;
	}
	flush(connection);
}

static void start_session(struct connection *connection)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000 },
	};
	nghttp2_session_callbacks *callbacks;

	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_session_server_new(&connection->session, callbacks, connection);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings,
				ARRAY_SIZE(settings));
}

static void listener_ready(void *userdata, unsigned events)
{
	static const int room = 32 * 1024 * 1024;
	struct fake_server *server = userdata;
	struct connection *connection = MEM_NEW(struct connection);

	connection->server = server;
	connection->fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
	setsockopt(connection->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	list_init(&connection->link);
	list_init(&connection->calls);
	list_append(&server->connections, &connection->link);
	start_session(connection);
	loop_watch_new(server->loop, connection->fd, LOOP_READ, connection_ready, connection,
		       &connection->watch);
	flush(connection);
}

/* ---- answers ---- */

#define HEADER(name_, value_)                                                                      \
	{                                                                                          \
		.name = (uint8_t *)(name_), .value = (uint8_t *)(value_),                          \
		.namelen = strlen(name_), .valuelen = strlen(value_)                               \
	}

static ssize_t read_answer(nghttp2_session *session, int32_t stream, uint8_t *bytes, size_t n,
			   uint32_t *flags, nghttp2_data_source *source, void *userdata)
{
	struct fake_call *call = source->ptr;
	char code[16] = "";

	n = n < call->answer.n ? n : call->answer.n;
	if (n != 0) {
		memcpy(bytes, call->answer.p, n);
		buffer_consume(&call->answer, n);
	}
	if (call->answer.n == 0 && call->ended) {
		nghttp2_nv trailers[] = {
			HEADER("grpc-status", code),
			HEADER("grpc-message", call->message != NULL ? call->message : ""),
		};

		trailers[0].valuelen = (size_t)snprintf(code, sizeof(code), "%d", call->code);
		*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(session, stream, trailers, call->message != NULL ? 2 : 1);
		return (ssize_t)n;
	}
	return n != 0 ? (ssize_t)n : NGHTTP2_ERR_DEFERRED;
}

static void open_answer(struct fake_call *call)
{
	nghttp2_data_provider provider = { .source.ptr = call, .read_callback = read_answer };
	const nghttp2_nv headers[] = {
		HEADER(":status", "200"),
		HEADER("content-type", "application/grpc"),
	};

	if (call->opened) {
		nghttp2_session_resume_data(call->connection->session, call->stream);
		return;
	}
	call->opened = true;
	nghttp2_submit_response(call->connection->session, call->stream, headers,
				ARRAY_SIZE(headers), &provider);
}

void fake_call_open(struct fake_call *call)
{
	open_answer(call);
	flush_call(call);
}

void fake_call_send_raw(struct fake_call *call, struct str bytes)
{
	buffer_append_str(&call->answer, bytes);
	open_answer(call);
	flush_call(call);
}

void fake_call_send(struct fake_call *call, struct str message)
{
	uint8_t header[FRAME_HEADER];

	frame_header((uint32_t)message.n, header);
	buffer_append(&call->answer, header, sizeof(header));
	fake_call_send_raw(call, message);
}

void fake_call_end(struct fake_call *call, int code, const char *message)
{
	call->ended = true;
	call->code = code;
	call->message = mem_strdup(message);
	if (!call->opened) {
		char text[16] = "";
		nghttp2_nv headers[] = {
			HEADER(":status", "200"),
			HEADER("content-type", "application/grpc"),
			HEADER("grpc-status", text),
			HEADER("grpc-message", message != NULL ? message : ""),
		};

		headers[2].valuelen = (size_t)snprintf(text, sizeof(text), "%d", code);
		nghttp2_submit_response(call->connection->session, call->stream, headers,
					message != NULL ? 4 : 3, NULL);
	} else {
		nghttp2_session_resume_data(call->connection->session, call->stream);
	}
	flush_call(call);
}

void fake_call_end_http(struct fake_call *call, const char *status)
{
	const nghttp2_nv headers[] = { HEADER(":status", status) };

	nghttp2_submit_response(call->connection->session, call->stream, headers, 1, NULL);
	flush_call(call);
}

void fake_call_reset(struct fake_call *call)
{
	nghttp2_submit_rst_stream(call->connection->session, NGHTTP2_FLAG_NONE, call->stream,
				  NGHTTP2_INTERNAL_ERROR);
	flush_call(call);
}

/* ---- the rest ---- */

struct fake_server *fake_server_new(struct loop *loop, const char *socket_path,
				    fake_called_fn called, void *userdata)
{
	struct fake_server *server = MEM_NEW(struct fake_server);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int result;

	server->loop = loop;
	server->called = called;
	server->userdata = userdata;
	list_init(&server->connections);
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(strlen(socket_path) < sizeof(address.sun_path));
	memcpy(address.sun_path, socket_path, strlen(socket_path));
	unlink(socket_path);
	result = bind(server->fd, (const struct sockaddr *)&address, sizeof(address));
	assert(result == 0);
	result = listen(server->fd, 1024);
	assert(result == 0);
	loop_watch_new(loop, server->fd, LOOP_READ, listener_ready, server, &server->watch);
	return server;
}

void fake_server_drop(struct fake_server *server)
{
	list_for_each (connection, &server->connections, struct connection, link) {
		connection_free(connection);
	}
}

struct fake_server *fake_server_free(struct fake_server *server)
{
	if (server == NULL) {
		return NULL;
	}
	fake_server_drop(server);
	loop_watch_free(server->watch);
	close(server->fd);
	return mem_free(server);
}

const char *fake_call_path(const struct fake_call *call)
{
	return call->path;
}

const char *fake_call_headers(struct fake_call *call)
{
	return buffer_text(&call->headers);
}

struct str fake_call_message(const struct fake_call *call)
{
	return str_skip(buffer_str(&call->request), FRAME_HEADER);
}

size_t fake_server_calls(const struct fake_server *server)
{
	return server->calls;
}

void fake_server_end_all(struct fake_server *server, int code)
{
	list_for_each (connection, &server->connections, struct connection, link) {
		list_for_each (call, &connection->calls, struct fake_call, link) {
			fake_call_end(call, code, NULL);
		}
	}
}
