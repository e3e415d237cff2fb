/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd does the protocol; its epoll descriptor sits in our loop, and MHD_run() is called
 * when that is ready, when a timeout of its own is due, and after a connection was resumed.
 *
 * A connection whose answer is not there yet is suspended: MHD forgets it until http_reply() or
 * http_wake() resumes it. A suspended connection is invisible to MHD, so while a stream waits (or
 * an answer whose handler asked with http_on_gone()) the loop itself watches the socket for the
 * client's hang-up; otherwise an idle watch whose client has gone would stay until its next event.
 *
 * An exchange has two owners, the handler (until it has answered) and MHD (until the connection is
 * done with it); it is freed when both have let go.
 */
#include "http/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/intern.h"
#include "http/tunnel.h"
#include "loop/loop.h"

enum {
	STREAM_BLOCK = 32 * 1024,
	CONNECTION_MEMORY = 64 * 1024,
	IDLE_SECONDS = 90,
	BACKLOG = 1024,
	/*
	 * An upgraded connection that is closed goes through MHD's lists in several turns, of which
	 * its descriptor and timeout say nothing.
	 */
	CLOSING_TURNS = 4,
};

struct http_server {
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct loop_watch *watch;
	struct loop_timer *timer;
	http_handler_fn handler;
	void *userdata;
	struct list requests;
	uint16_t port;
	bool run_pending; /* an MHD_run() is due on the next turn of the loop */
	bool has_client_ca;
	bool secure;
	unsigned turns; /* of MHD_run() that are due without an event */
	bool freed; /* shut down, kept for requests whose answer is still owed */
};

/* What one connection is known to be: found out once, at its first request. */
struct connection {
	bool verified; /* the certificate has been looked at */
	struct http_peer peer;
	char *user;
	char *groups[HTTP_PEER_GROUPS];
	char address[80];
};

struct request {
	struct http_exchange exchange;
	struct http_server *server; /* NULL once the server is gone */
	struct MHD_Connection *connection; /* NULL once MHD is done with it */
	struct list link;
	struct buffer body;
	struct MHD_Response *response;
	int status;
	const struct http_stream *stream;
	void *stream_userdata;
	struct loop_watch *hangup;
	/* Whom to tell of the connection after an upgrade; NULL: done, or none. */
	void (*opened)(void *userdata, struct tunnel *tunnel);
	void *opened_userdata;
	struct MHD_UpgradeResponseHandle *upgraded; /* while the tunnel is open */
	bool dispatched; /* the handler has it */
	bool answered;
	bool queued;
	bool suspended;
	bool gone; /* the client hung up while its stream was suspended */
};

static void run_daemon(struct http_server *server);

static void run_deferred(void *userdata)
{
	struct http_server *server = userdata;

	server->run_pending = false;
	if (server->freed) {
		mem_free(server);
		return;
	}
	run_daemon(server);
}

static void run_soon(struct http_server *server)
{
	if (!server->run_pending) {
		server->run_pending = true;
		loop_defer(server->loop, run_deferred, server);
	}
}

static void close_stream(struct request *request)
{
	const struct http_stream *stream = take(request->stream);

	request->hangup = loop_watch_free(request->hangup);
	if (stream != NULL) {
		stream->close(request->stream_userdata);
	}
}

static void tell_opened(struct request *request, struct tunnel *tunnel)
{
	void (*opened)(void *userdata, struct tunnel *tunnel) = take(request->opened);

	if (opened != NULL) {
		opened(request->opened_userdata, tunnel);
	}
}

static void release(struct request *request)
{
	if (request->connection != NULL || request->upgraded != NULL ||
	    (request->dispatched && !request->answered)) {
		return;
	}
	close_stream(request);
	tell_opened(request, NULL);
	list_unlink(&request->link);
	if (request->response != NULL) {
		MHD_destroy_response(request->response);
	}
	buffer_deinit(&request->body);
	arena_deinit(&request->exchange.arena);
	mem_free(request);
}

static void resume(struct request *request)
{
	if (request->suspended) {
		request->suspended = false;
		request->hangup = loop_watch_free(request->hangup);
		MHD_resume_connection(request->connection);
		run_soon(request->server);
	}
}

/* ---- answers ---- */

static void add_headers(struct request *request)
{
	const struct http_exchange *exchange = &request->exchange;

	for (size_t i = 0; i < exchange->n_reply_headers; i++) {
		MHD_add_response_header(request->response, exchange->reply_headers[i].name,
					exchange->reply_headers[i].value);
	}
}

static void answer(struct request *request, int status, struct MHD_Response *response)
{
	assert(!request->answered);
	request->answered = true;
	request->status = status;
	request->response = response;
	add_headers(request);
	if (request->connection == NULL) {
		release(request);
		return;
	}
	resume(request);
}

static struct request *of(struct http_exchange *exchange)
{
	return container_of(exchange, struct request, exchange);
}

static void reply(struct http_exchange *exchange, int status, struct buffer *body)
{
	size_t n;
	char *bytes = buffer_take(body, &n);

	answer(of(exchange), status,
	       MHD_create_response_from_buffer(n, bytes, MHD_RESPMEM_MUST_FREE));
}

static void client_hung_up(void *userdata, unsigned events)
{
	struct request *request = userdata;

	request->gone = true;
	if (request->answered) {
		resume(request);
		return;
	}
	request->hangup = loop_watch_free(request->hangup);
	request->exchange.gone(request->exchange.gone_userdata);
}

static void watch_for_hangup(struct request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	(void)loop_watch_new(request->server->loop, info->connect_fd, LOOP_CLOSED, client_hung_up,
			     request, &request->hangup);
}

static ssize_t read_stream(void *userdata, uint64_t position, char *out, size_t size)
{
	struct request *request = userdata;
	int64_t n;

	if (request->gone || request->stream == NULL) {
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	n = request->stream->read(request->stream_userdata, out, size);
	if (n == HTTP_STREAM_WAIT) {
		request->suspended = true;
		MHD_suspend_connection(request->connection);
		watch_for_hangup(request);
		return 0;
	}
	if (n == HTTP_STREAM_BROKEN) {
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)n;
}

static void stream(struct http_exchange *exchange, int status, const struct http_stream *stream,
		   void *userdata)
{
	struct request *request = of(exchange);

	request->stream = stream;
	request->stream_userdata = userdata;
	answer(request, status,
	       MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream,
						 request, NULL));
}

static void wake(struct http_exchange *exchange)
{
	resume(of(exchange));
}

/* ---- upgrades ---- */

static void tunnel_released(void *userdata)
{
	struct request *request = userdata;
	struct http_server *server = request->server;

	if (request->upgraded != NULL) {
		MHD_upgrade_action(take(request->upgraded), MHD_UPGRADE_ACTION_CLOSE);
	}
	if (server != NULL && !server->freed) {
		server->turns = CLOSING_TURNS;
		run_soon(server);
	}
	release(request);
}

/* MHD has sent the 101 and lets the connection go. */
static void upgraded(void *userdata, struct MHD_Connection *connection, void *context,
		     const char *early, size_t n_early, MHD_socket fd,
		     struct MHD_UpgradeResponseHandle *handle)
{
	struct request *request = userdata;
	struct http_server *server = request->server;
	struct str bytes = { .p = early, .n = n_early };
	void *session = NULL;

	request->upgraded = handle;
	if (server->secure) {
		/* Not the pair of sockets that MHD would forward to (http/tunnel_socket.c). */
		session = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)
				  ->tls_session;
		fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
			     ->connect_fd;
	}
	tell_opened(request,
		    tunnel_of_server(server->loop, fd, session, bytes, tunnel_released, request));
}

static void upgrade(struct http_exchange *exchange,
		    void (*opened)(void *userdata, struct tunnel *tunnel), void *userdata)
{
	struct request *request = of(exchange);

	request->opened = opened;
	request->opened_userdata = userdata;
	answer(request, MHD_HTTP_SWITCHING_PROTOCOLS,
	       MHD_create_response_for_upgrade(upgraded, request));
}

static const struct http_exchange_ops server_ops = {
	.reply = reply,
	.stream = stream,
	.wake = wake,
	.upgrade = upgrade,
};

/* ---- who is there ---- */

static void take_name(gnutls_x509_crt_t certificate, const char *oid, unsigned index, char **ret)
{
	char text[256];
	size_t size = sizeof(text);

	if (gnutls_x509_crt_get_dn_by_oid(certificate, oid, (int)index, 0, text, &size) == 0) {
		*ret = mem_strdup(text);
	}
}

static void read_certificate(struct connection *connection, gnutls_session_t session)
{
	unsigned n = 0;
	unsigned status = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
	gnutls_x509_crt_t certificate;

	if (chain == NULL || n == 0 || gnutls_certificate_verify_peers2(session, &status) != 0 ||
	    status != 0 || gnutls_x509_crt_init(&certificate) != 0) {
		return;
	}
	if (gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == 0) {
		take_name(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, &connection->user);
		for (unsigned i = 0; i < HTTP_PEER_GROUPS; i++) {
			take_name(certificate, GNUTLS_OID_X520_ORGANIZATION_NAME, i,
				  &connection->groups[i]);
			connection->peer.groups[i] = connection->groups[i];
		}
		connection->peer.user = connection->user;
	}
	gnutls_x509_crt_deinit(certificate);
}

static struct http_peer identify(struct http_server *server, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct connection *connection = info->socket_context;

	if (!connection->verified) {
		connection->verified = true;
		info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
		if (server->has_client_ca && info != NULL && info->tls_session != NULL) {
			read_certificate(connection, info->tls_session);
		}
	}
	return connection->peer;
}

static void format_address(struct MHD_Connection *mhd, char *ret_text, size_t size)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char host[INET6_ADDRSTRLEN] = "?";
	char port[8] = "?";

	if (info != NULL && info->client_addr != NULL) {
		socklen_t n = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								       : sizeof(struct sockaddr_in);

		(void)getnameinfo(info->client_addr, n, host, sizeof(host), port, sizeof(port),
				  NI_NUMERICHOST | NI_NUMERICSERV);
	}
	snprintf(ret_text, size, "%s:%s", host, port);
}

static void connection_changed(void *userdata, struct MHD_Connection *mhd, void **context,
			       enum MHD_ConnectionNotificationCode code)
{
	struct connection *connection = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		connection = MEM_NEW(struct connection);
		format_address(mhd, connection->address, sizeof(connection->address));
		connection->peer.address = connection->address;
		*context = connection;
		return;
	}
	if (connection != NULL) {
		mem_free(connection->user);
		for (size_t i = 0; i < HTTP_PEER_GROUPS; i++) {
			mem_free(connection->groups[i]);
		}
		*context = mem_free(connection);
	}
}

/* ---- requests ---- */

struct collected {
	struct arena *arena;
	struct http_pair *pairs;
	size_t n;
	size_t max;
	bool lower;
};

static enum MHD_Result collect_pair(void *userdata, enum MHD_ValueKind kind, const char *name,
				    const char *value)
{
	struct collected *collected = userdata;
	char *key;

	if (collected->n == collected->max) {
		return MHD_NO;
	}
	key = (char *)arena_str(collected->arena, str_from(name)).p;
	for (char *c = key; collected->lower && *c != '\0'; c++) {
		*c = (char)tolower((unsigned char)*c);
	}
	collected->pairs[collected->n++] = (struct http_pair){
		.name = key,
		.value = arena_str(collected->arena, str_from(value)).p,
	};
	return MHD_YES;
}

static const struct http_pair *collect(struct request *request, enum MHD_ValueKind kind, bool lower,
				       size_t *ret_n)
{
	struct arena *arena = &request->exchange.arena;
	int n = MHD_get_connection_values(request->connection, kind, NULL, NULL);
	size_t max = n > 0 ? (size_t)n : 0;
	struct collected collected = {
		.arena = arena,
		.pairs = arena_alloc(arena, (max + 1) * sizeof(struct http_pair)),
		.max = max,
		.lower = lower,
	};

	MHD_get_connection_values(request->connection, kind, collect_pair, &collected);
	*ret_n = collected.n;
	return collected.pairs;
}

static struct request *begin(struct http_server *server, struct MHD_Connection *connection,
			     const char *url, const char *method)
{
	struct request *request = MEM_NEW(struct request);
	struct http_exchange *exchange = &request->exchange;

	request->server = server;
	request->connection = connection;
	buffer_init(&request->body, LIMIT_BODY);
	arena_init(&exchange->arena, LIMIT_REQUEST_ARENA);
	exchange->ops = &server_ops;
	exchange->method = http_method_of(method);
	exchange->path = arena_str(&exchange->arena, str_from(url)).p;
	exchange->query = collect(request, MHD_GET_ARGUMENT_KIND, false, &exchange->n_query);
	exchange->headers = collect(request, MHD_HEADER_KIND, true, &exchange->n_headers);
	list_init(&request->link);
	list_append(&server->requests, &request->link);
	return request;
}

static enum MHD_Result queue(struct request *request)
{
	request->queued = true;
	return MHD_queue_response(request->connection, (unsigned)request->status,
				  request->response);
}

/* The body did not fit: said without the handler, which would only see a part of it. */
static enum MHD_Result refuse_body(struct request *request)
{
	static const char text[] =
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
		"\"message\":\"Request entity too large: limit is 3145728\","
		"\"reason\":\"RequestEntityTooLarge\",\"code\":413}\n";

	request->response = MHD_create_response_from_buffer(sizeof(text) - 1, (void *)text,
							    MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(request->response, "Content-Type", "application/json");
	request->answered = true;
	request->status = 413;
	return queue(request);
}

static bool announces_too_much(const struct request *request)
{
	const char *length = http_header(&request->exchange, "content-length");
	uint64_t n;

	return length != NULL && !str_to_u64(str_from(length), LIMIT_BODY, &n);
}

static enum MHD_Result dispatch(struct request *request)
{
	struct http_server *server = request->server;

	if (request->body.overflowed) {
		return refuse_body(request);
	}
	request->exchange.body = buffer_str(&request->body);
	request->exchange.peer = identify(server, request->connection);
	request->dispatched = true;
	server->handler(server->userdata, &request->exchange);
	if (request->answered) {
		return queue(request);
	}
	request->suspended = true;
	MHD_suspend_connection(request->connection);
	if (request->exchange.gone != NULL) {
		watch_for_hangup(request);
	}
	return MHD_YES;
}

/* MHD calls this for the head of a request, for each part of its body, and when it is complete. */
static enum MHD_Result access_request(void *userdata, struct MHD_Connection *connection,
				      const char *url, const char *method, const char *version,
				      const char *upload, size_t *upload_size, void **context)
{
	struct request *request = *context;

	if (request == NULL) {
		request = begin(userdata, connection, url, method);
		*context = request;
		return announces_too_much(request) ? refuse_body(request) : MHD_YES;
	}
	if (request->queued) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (*upload_size != 0) {
		buffer_append(&request->body, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	return request->answered ? queue(request) : dispatch(request);
}

static void request_completed(void *userdata, struct MHD_Connection *connection, void **context,
			      enum MHD_RequestTerminationCode code)
{
	struct request *request = *context;

	if (request != NULL) {
		*context = NULL;
		request->connection = NULL;
		request->suspended = false;
		close_stream(request);
		release(request);
	}
}

/* ---- the daemon in the loop ---- */

static void run_daemon(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG milliseconds;

	MHD_run(server->daemon);
	if (server->turns != 0) {
		server->turns--;
		run_soon(server);
	}
	if (MHD_get_timeout(server->daemon, &milliseconds) == MHD_YES) {
		loop_timer_set(server->timer, milliseconds * 1000000);
	} else {
		loop_timer_stop(server->timer);
	}
}

static void daemon_ready(void *userdata, unsigned events)
{
	run_daemon(userdata);
}

static void daemon_timeout(void *userdata)
{
	run_daemon(userdata);
}

__attribute__((format(printf, 2, 0))) static void mhd_log(void *userdata, const char *format,
							  va_list arguments)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, arguments);
	log_debug("http", "%s", line);
}

static int bind_error(char *ret_message, size_t size, const struct http_server_config *config,
		      int error)
{
	const char *advice = error == EADDRINUSE ? "choose another port, or 0 to have one picked"
			     : error == EACCES   ? "a port below 1024 needs root"
			     : error == EADDRNOTAVAIL
				     ? "no interface of this machine has this address"
				     : "check the address";

	snprintf(ret_message, size, "cannot listen on %s:%u: %s; %s", config->address, config->port,
		 strerror(error), advice);
	return error_origin(-error);
}

static int open_socket(const struct http_server_config *config, char *ret_message, size_t size,
		       int *ret_fd, uint16_t *ret_port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *found = NULL;
	struct sockaddr_storage bound;
	socklen_t n = sizeof(bound);
	char port[8];
	int one = 1;
	int error = 0;
	int fd;

	snprintf(port, sizeof(port), "%u", config->port);
	if (getaddrinfo(config->address, port, &hints, &found) != 0) {
		return bind_error(ret_message, size, config, EINVAL);
	}
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		error = errno;
	} else {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (config->early) {
			/* For both families (ipv6(7)). */
			setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
		}
		if (bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0 ||
		    getsockname(fd, (struct sockaddr *)&bound, &n) < 0) {
			error = errno;
			close(fd);
		}
	}
	freeaddrinfo(found);
	if (error != 0) {
		return bind_error(ret_message, size, config, error);
	}
	*ret_fd = fd;
	*ret_port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
						      : ((struct sockaddr_in *)&bound)->sin_port);
	return 0;
}

static struct MHD_Daemon *start_daemon(struct http_server *server,
				       const struct http_server_config *config, int fd)
{
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)config->certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)config->key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
		  (void *)"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
		{ config->client_ca != NULL ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
		  (void *)config->client_ca },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
	bool secure = config->certificate != NULL;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
			 MHD_USE_ERROR_LOG | (secure ? (unsigned)MHD_USE_TLS : 0);

	return MHD_start_daemon(flags, 0, NULL, NULL, access_request, server,
				MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL, MHD_OPTION_LISTEN_SOCKET,
				fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIMIT_HTTP_CONNECTIONS,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				MHD_OPTION_NOTIFY_COMPLETED, request_completed, NULL,
				MHD_OPTION_NOTIFY_CONNECTION, connection_changed, NULL,
				MHD_OPTION_ARRAY, secure ? tls : none, MHD_OPTION_END);
}

static int attach(struct http_server *server)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);

	server->timer = loop_timer_new(server->loop, daemon_timeout, server);
	return error_trace(loop_watch_new(server->loop, info->epoll_fd, LOOP_READ, daemon_ready,
					  server, &server->watch));
}

int http_server_new(struct loop *loop, const struct http_server_config *config, char *ret_message,
		    size_t size, struct http_server **ret)
{
	struct http_server *server;
	uint16_t port = 0;
	int fd = -1;
	int result = open_socket(config, ret_message, size, &fd, &port);

	if (result < 0) {
		return error_trace(result);
	}
	server = MEM_NEW(struct http_server);
	server->loop = loop;
	server->handler = config->handler;
	server->userdata = config->userdata;
	server->port = port;
	server->has_client_ca = config->client_ca != NULL;
	server->secure = config->certificate != NULL;
	list_init(&server->requests);
	server->daemon = start_daemon(server, config, fd);
	if (server->daemon == NULL) {
		close(fd);
		mem_free(server);
		snprintf(ret_message, size,
			 "cannot serve on %s:%u: the TLS key or certificate is bad",
			 config->address, config->port);
		return error_origin(-EINVAL);
	}
	result = attach(server);
	if (result < 0) {
		snprintf(ret_message, size, "cannot serve on %s:%u: %s", config->address,
			 config->port, strerror(-result));
		http_server_free(server);
		return error_trace(result);
	}
	*ret = server;
	return 0;
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->port;
}

struct http_server *http_server_free(struct http_server *server)
{
	if (server == NULL) {
		return NULL;
	}
	/* MHD insists that nothing is suspended when it stops. */
	list_for_each (request, &server->requests, struct request, link) {
		request->gone = true;
		if (request->suspended) {
			request->suspended = false;
			request->hangup = loop_watch_free(request->hangup);
			MHD_resume_connection(request->connection);
		}
		if (request->upgraded != NULL) {
			MHD_upgrade_action(take(request->upgraded), MHD_UPGRADE_ACTION_CLOSE);
		}
	}
	server->watch = loop_watch_free(server->watch);
	server->timer = loop_timer_free(server->timer);
	MHD_stop_daemon(server->daemon);
	list_for_each (owed, &server->requests, struct request, link) {
		list_unlink(&owed->link);
		owed->server = NULL;
	}
	if (server->run_pending) {
		server->freed = true;
		return NULL;
	}
	return mem_free(server);
}
