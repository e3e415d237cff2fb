/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session is one exec, attach or port forwarding: the runtime is asked for a URL, the URL is
 * dialled with the client's own headers of the upgrade, and when the runtime's server has agreed,
 * so do we, and both connections become one. What it refuses is passed on as it says it.
 *
 * A session's exchange is owed an answer until the runtime has called back and the dial has ended;
 * a client that goes away meanwhile cancels the dial and is answered into nothing.
 */
#include "node/kubelet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/ip.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/dial.h"
#include "http/relay.h"
#include "http/server.h"
#include "http/tunnel.h"
#include "loop/loop.h"
#include "node/kubelet_intern.h"
#include "node/runtime.h"

enum { HEADERS_MAX = 16, PORTS_MAX = 64, WORDS_MAX = 1024 };
#define RUNTIME_TIMEOUT (30 * NS_PER_S)
#define DIAL_TIMEOUT (30 * NS_PER_S)

struct session {
	struct list link;
	struct kubelet *kubelet; /* NULL: it has gone */
	struct http_exchange *exchange; /* until it is answered */
	struct http_dial *dial;
	struct tunnel *runtime_end;
	struct tunnel_pair *pair;
	bool gone; /* the client hung up before the answer */
};

void kubelet_answer_text(struct http_exchange *exchange, int status, const char *text)
{
	struct buffer body = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	buffer_append_text(&body, text);
	http_reply(exchange, status, "text/plain; charset=utf-8", &body);
}

/* ---- sessions ---- */

static void session_free(struct session *session)
{
	list_unlink(&session->link);
	http_dial_cancel(session->dial);
	tunnel_free(session->runtime_end);
	tunnel_pair_free(session->pair);
	mem_free(session);
}

static void refuse(struct session *session, int status, const char *text)
{
	struct http_exchange *exchange = take(session->exchange);

	session_free(session);
	kubelet_answer_text(exchange, status, text);
}

static void client_gone(void *userdata)
{
	struct session *session = userdata;

	session->gone = true;
	/* Without a dial the runtime's answer is awaited, which ends it. */
	if (session->dial != NULL) {
		refuse(session, 500, "");
	}
}

static void pair_ended(void *userdata)
{
	struct session *session = userdata;

	session->pair = NULL;
	session_free(session);
}

static void upgraded(void *userdata, struct tunnel *tunnel)
{
	struct session *session = userdata;

	if (tunnel == NULL || session->kubelet == NULL) {
		tunnel_free(tunnel);
		session_free(session);
		return;
	}
	session->pair = tunnel_join(session->kubelet->loop, tunnel, take(session->runtime_end),
				    pair_ended, session);
}

static void dial_answered(void *userdata, const struct http_head *head, struct tunnel *tunnel)
{
	static const char *const passed[] = { "upgrade", "x-stream-protocol-version",
					      "sec-websocket-accept", "sec-websocket-protocol" };
	struct session *session = userdata;
	struct http_exchange *exchange = take(session->exchange);

	session->dial = NULL;
	if (head->status != 101) {
		session_free(session);
		http_relay(exchange, head, tunnel);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++) {
		const char *value = http_head_get(head, passed[i]);

		if (value != NULL) {
			http_set_header(exchange, passed[i], value);
		}
	}
	session->runtime_end = tunnel;
	http_reply_upgrade(exchange, upgraded, session);
}

static void dial_failed(void *userdata, const char *message)
{
	struct session *session = userdata;

	session->dial = NULL;
	refuse(session, 502, message);
}

static const struct http_dial_ops dial_ops = {
	.answered = dial_answered,
	.failed = dial_failed,
};

/* "http://127.0.0.1:34567/exec/TOKEN" */
static bool split_url(const char *url, char ret_address[IP_TEXT], uint16_t *ret_port,
		      const char **ret_target)
{
	static const char scheme[] = "http://";
	struct str rest = str_from(url);
	struct str host;
	struct ip ip;
	uint64_t port;

	if (!str_starts(rest, STR("http://"))) {
		return false;
	}
	rest = str_skip(rest, sizeof(scheme) - 1);
	host = str_cut(&rest, '/');
	if (rest.p == NULL) {
		return false;
	}
	*ret_target = rest.p - 1;
	for (size_t i = host.n; i > 0; i--) {
		if (host.p[i - 1] == ':') {
			rest = str_skip(host, i);
			host.n = i - 1;
			break;
		}
	}
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		host = (struct str){ .p = host.p + 1, .n = host.n - 2 };
	}
	if (!ip_parse(host, &ip) || !str_to_u64(rest, 65535, &port)) {
		return false;
	}
	ip_text(&ip, ret_address);
	*ret_port = (uint16_t)port;
	return true;
}

static bool is_of_upgrade(const char *name)
{
	return strcmp(name, "upgrade") == 0 || strcmp(name, "connection") == 0 ||
	       strcmp(name, "x-stream-protocol-version") == 0 ||
	       str_starts(str_from(name), STR("sec-websocket-"));
}

static void dial_url(struct session *session, const char *url)
{
	static const char *const methods[] = { [HTTP_GET] = "GET", [HTTP_POST] = "POST" };
	struct http_exchange *exchange = session->exchange;
	struct http_pair headers[HEADERS_MAX];
	char address[IP_TEXT];
	struct http_dial_request request = {
		.address = address,
		.method = methods[exchange->method == HTTP_GET ? HTTP_GET : HTTP_POST],
		.headers = headers,
		.timeout = DIAL_TIMEOUT,
	};

	if (!split_url(url, address, &request.port, &request.target)) {
		refuse(session, 502, "the runtime's streaming server has no address we can dial");
		return;
	}
	for (size_t i = 0; i < exchange->n_headers && request.n_headers < HEADERS_MAX; i++) {
		if (is_of_upgrade(exchange->headers[i].name)) {
			headers[request.n_headers++] = exchange->headers[i];
		}
	}
	session->dial = http_dial(session->kubelet->loop, &request, &dial_ops, session);
}

/* All three answers are a message with one text, the URL. */
static const char *url_of(const ProtobufCMessage *answer)
{
	return ((const Runtime__V1__ExecResponse *)(const void *)answer)->url;
}

static void runtime_answered(void *userdata, const struct grpc_outcome *outcome,
			     const ProtobufCMessage *answer)
{
	struct session *session = userdata;

	if (outcome->code != GRPC_OK) {
		refuse(session, outcome->code == GRPC_NOT_FOUND ? 404 : 500, outcome->message);
	} else if (session->gone || session->kubelet == NULL) {
		refuse(session, 500, "");
	} else {
		dial_url(session, url_of(answer));
	}
}

static struct session *session_new(struct kubelet *kubelet, struct http_exchange *exchange)
{
	struct session *session = MEM_NEW(struct session);

	session->kubelet = kubelet;
	session->exchange = exchange;
	list_init(&session->link);
	list_append(&kubelet->sessions, &session->link);
	http_on_gone(exchange, client_gone, session);
	return session;
}

/* ---- requests ---- */

static bool flag(struct http_exchange *exchange, const char *name)
{
	const char *value = http_query(exchange, name);

	return value != NULL && (strcmp(value, "1") == 0 || strcmp(value, "true") == 0);
}

static bool asks_for_upgrade(struct http_exchange *exchange)
{
	if (http_header(exchange, "upgrade") != NULL) {
		return true;
	}
	kubelet_answer_text(exchange, 400, "Upgrade request required");
	return false;
}

/* Finds a running container, or answers. */
static bool find_container(struct kubelet *kubelet, struct http_exchange *exchange,
			   const struct kubelet_place *place, struct kubelet_container *ret)
{
	char message[512] = "";
	int result =
		kubelet->lookup->container(kubelet->userdata, place->space, place->pod,
					   place->container, /* previous= */ false, ret, message);

	if (result == 0 && ret->running && ret->id[0] != '\0') {
		return true;
	}
	if (result == 0) {
		snprintf(message, sizeof(message), "container not found (\"%.*s\")",
			 STR_ARG(place->container));
	}
	kubelet_answer_text(exchange, result == -ENOENT ? 404 : 500, message);
	return false;
}

static void answer_exec(struct kubelet *kubelet, struct http_exchange *exchange,
			const struct kubelet_place *place)
{
	Runtime__V1__ExecRequest request = RUNTIME__V1__EXEC_REQUEST__INIT;
	struct kubelet_container container;
	char *words[WORDS_MAX];

	if (!asks_for_upgrade(exchange) || !find_container(kubelet, exchange, place, &container)) {
		return;
	}
	for (size_t i = 0; i < exchange->n_query && request.n_cmd < WORDS_MAX; i++) {
		if (strcmp(exchange->query[i].name, "command") == 0) {
			words[request.n_cmd++] = (char *)exchange->query[i].value;
		}
	}
	if (request.n_cmd == 0) {
		kubelet_answer_text(exchange, 400, "you must specify at least 1 command");
		return;
	}
	request.container_id = container.id;
	request.cmd = words;
	request.tty = flag(exchange, "tty");
	request.stdin = flag(exchange, "input");
	request.stdout = flag(exchange, "output");
	request.stderr = flag(exchange, "error") && !request.tty;
	runtime_call(kubelet->runtime, RUNTIME_EXEC, &request.base, RUNTIME_TIMEOUT,
		     runtime_answered, session_new(kubelet, exchange));
}

static void answer_attach(struct kubelet *kubelet, struct http_exchange *exchange,
			  const struct kubelet_place *place)
{
	Runtime__V1__AttachRequest request = RUNTIME__V1__ATTACH_REQUEST__INIT;
	struct kubelet_container container;

	if (!asks_for_upgrade(exchange) || !find_container(kubelet, exchange, place, &container)) {
		return;
	}
	request.container_id = container.id;
	request.tty = flag(exchange, "tty");
	request.stdin = flag(exchange, "input");
	request.stdout = flag(exchange, "output");
	request.stderr = flag(exchange, "error") && !request.tty;
	runtime_call(kubelet->runtime, RUNTIME_ATTACH, &request.base, RUNTIME_TIMEOUT,
		     runtime_answered, session_new(kubelet, exchange));
}

static void answer_port_forward(struct kubelet *kubelet, struct http_exchange *exchange,
				const struct kubelet_place *place)
{
	Runtime__V1__PortForwardRequest request = RUNTIME__V1__PORT_FORWARD_REQUEST__INIT;
	int32_t ports[PORTS_MAX];
	char message[512] = "";
	char id[80] = "";
	int result;

	if (!asks_for_upgrade(exchange)) {
		return;
	}
	result = kubelet->lookup->sandbox(kubelet->userdata, place->space, place->pod, id, message);
	if (result < 0) {
		kubelet_answer_text(exchange, result == -ENOENT ? 404 : 500, message);
		return;
	}
	for (size_t i = 0; i < exchange->n_query && request.n_port < PORTS_MAX; i++) {
		uint64_t port;

		if (strcmp(exchange->query[i].name, "port") == 0 &&
		    str_to_u64(str_from(exchange->query[i].value), 65535, &port)) {
			ports[request.n_port++] = (int32_t)port;
		}
	}
	request.pod_sandbox_id = id;
	request.port = ports;
	runtime_call(kubelet->runtime, RUNTIME_PORT_FORWARD, &request.base, RUNTIME_TIMEOUT,
		     runtime_answered, session_new(kubelet, exchange));
}

static void answer_health(struct kubelet *kubelet, struct http_exchange *exchange,
			  const struct kubelet_place *place)
{
	kubelet_answer_text(exchange, 200, "ok");
}

static void answer_pods(struct kubelet *kubelet, struct http_exchange *exchange,
			const struct kubelet_place *place)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_AGENT_LISTING);

	if (kubelet->lookup->pods == NULL) {
		kubelet_answer_text(exchange, 404, "404 page not found");
		return;
	}
	kubelet->lookup->pods(kubelet->userdata, &text);
	if (text.overflowed) {
		kubelet_answer_text(exchange, 500, "the list of pods is too large");
		return;
	}
	http_reply(exchange, 200, "application/json", &text);
}

static const struct {
	const char *name;
	size_t parts; /* of the place */
	void (*answer)(struct kubelet *kubelet, struct http_exchange *exchange,
		       const struct kubelet_place *place);
} routes[] = {
	{ "containerLogs", 3, kubelet_answer_log },
	{ "exec", 3, answer_exec },
	{ "attach", 3, answer_attach },
	{ "portForward", 2, answer_port_forward },
	{ "pods", 0, answer_pods },
	{ "healthz", 0, answer_health },
};

/* NAME/NAMESPACE/POD/CONTAINER; returns how many parts follow the name. */
static size_t split_path(const char *path, struct str *ret_name, struct kubelet_place *ret)
{
	struct str rest = str_skip(str_from(path), 1);
	struct str *const parts[] = { &ret->space, &ret->pod, &ret->container };
	size_t n = 0;

	*ret = (struct kubelet_place){ .space = STR_NONE };
	*ret_name = str_cut(&rest, '/');
	while (rest.p != NULL && n < ARRAY_SIZE(parts)) {
		*parts[n++] = str_cut(&rest, '/');
	}
	return rest.p != NULL ? SIZE_MAX : n;
}

static void handle(void *userdata, struct http_exchange *exchange)
{
	struct kubelet *kubelet = userdata;
	struct kubelet_place place;
	struct str name;
	size_t n;

	/* The certificate is of our CA; but nodes and users have such, too. */
	if (exchange->peer.user == NULL || strcmp(exchange->peer.user, kubelet->api_user) != 0) {
		log_warning("kubelet", "%s asked for %s and is not the API server",
			    exchange->peer.address, exchange->path);
		kubelet_answer_text(exchange, exchange->peer.user == NULL ? 401 : 403,
				    "only the API server may ask");
		return;
	}
	n = split_path(exchange->path, &name, &place);
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (str_is(name, routes[i].name) && n == routes[i].parts) {
			routes[i].answer(kubelet, exchange, &place);
			return;
		}
	}
	kubelet_answer_text(exchange, 404, "404 page not found");
}

/* ---- life ---- */

int kubelet_new(struct loop *loop, const struct kubelet_config *config, char ret_message[256],
		struct kubelet **ret)
{
	struct kubelet *kubelet = MEM_NEW(struct kubelet);
	struct http_server_config server = {
		.address = config->address,
		.port = config->port,
		.certificate = config->certificate,
		.key = config->key,
		.client_ca = config->client_ca,
		.handler = handle,
		.userdata = kubelet,
	};
	int result;

	kubelet->loop = loop;
	kubelet->runtime = config->runtime;
	kubelet->lookup = config->lookup;
	kubelet->userdata = config->userdata;
	kubelet->api_user = mem_strdup(config->api_user);
	kubelet->inotify = -1;
	list_init(&kubelet->sessions);
	list_init(&kubelet->followers);
	result = http_server_new(loop, &server, ret_message, 256, &kubelet->server);
	if (result < 0) {
		kubelet_free(kubelet);
		return error_trace(result);
	}
	*ret = kubelet;
	return 0;
}

uint16_t kubelet_port(const struct kubelet *kubelet)
{
	return http_server_port(kubelet->server);
}

struct kubelet *kubelet_free(struct kubelet *kubelet)
{
	if (kubelet == NULL) {
		return NULL;
	}
	list_for_each (session, &kubelet->sessions, struct session, link) {
		session->kubelet = NULL;
		if (session->pair != NULL) {
			session_free(session);
		} else if (session->dial != NULL) {
			refuse(session, 503, "the node agent stops");
		} else {
			/* The runtime or the server calls back, and then it ends. */
			list_unlink(&session->link);
		}
	}
	kubelet_end_logs(kubelet);
	http_server_free(kubelet->server);
	mem_free(kubelet->api_user);
	return mem_free(kubelet);
}
