/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pods/exec, pods/attach, pods/portforward. A client that speaks SPDY is connected with the node's
 * agent byte by byte; one that speaks WebSocket (KEP-4006) gets its channels translated into the
 * streams that the agent understands. Port forwarding over WebSocket is SPDY inside messages, so
 * there only the wrapping is taken off.
 */
#include <stdio.h>

#include "api/call.h"
#include "api/intern.h"
#include "api/status.h"
#include "api/stream.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/channels.h"
#include "http/tunnel.h"
#include "http/websocket.h"
#include "json/json.h"

enum { HEADERS_MAX = 16, PORT_CHANNELS = 2, PORTS_MAX = CHANNELS_MAX / PORT_CHANNELS };

/* What a translation needs to know once both connections are there. */
struct dialect {
	bool input;
	bool output;
	bool error;
	bool tty;
	bool text;
	bool closes;
	bool has_status;
	uint16_t ports[PORTS_MAX];
	size_t n_ports;
};

/* ---- exec and attach over WebSocket ---- */

enum { CHANNEL_STDIN, CHANNEL_STDOUT, CHANNEL_STDERR, CHANNEL_ERROR, CHANNEL_RESIZE };

static void add_channel(struct channels_config *config, struct channel *channels, uint8_t number,
			const char *type, bool input)
{
	channels[config->n_channels++] = (struct channel){
		.number = number,
		.headers = { { "streamType", type } },
		.input = input,
	};
}

static void translate_exec(struct stream *stream, struct tunnel *client, struct tunnel *server)
{
	const struct dialect *dialect = stream_userdata(stream);
	struct channel channels[5];
	struct channels_config config = {
		.client = client,
		.server = server,
		.channels = channels,
		.status = dialect->has_status ? CHANNEL_ERROR : CHANNEL_NONE,
		.text = dialect->text,
		.closes = dialect->closes,
	};

	add_channel(&config, channels, CHANNEL_ERROR, "error", false);
	if (dialect->input) {
		add_channel(&config, channels, CHANNEL_STDIN, "stdin", true);
	}
	if (dialect->output) {
		add_channel(&config, channels, CHANNEL_STDOUT, "stdout", false);
	}
	if (dialect->error && !dialect->tty) {
		add_channel(&config, channels, CHANNEL_STDERR, "stderr", false);
	}
	if (dialect->tty) {
		add_channel(&config, channels, CHANNEL_RESIZE, "resize", true);
	}
	/* An empty message tells the client that it is connected. */
	channels[dialect->output && dialect->input   ? 2
		 : dialect->output || dialect->error ? 1
						     : 0]
		.greets = true;
	stream_set_channels(stream,
			    channels_start(stream_loop(stream), &config, stream_ended, stream));
}

/* ---- ports over WebSocket, each two channels (v4.channel.k8s.io) ---- */

static void translate_ports(struct stream *stream, struct tunnel *client, struct tunnel *server)
{
	const struct dialect *dialect = stream_userdata(stream);
	struct channel channels[CHANNELS_MAX];
	struct channels_config config = {
		.client = client,
		.server = server,
		.channels = channels,
		.status = CHANNEL_NONE,
		.text = dialect->text,
	};
	char texts[PORTS_MAX][2][8];
	char greetings[PORTS_MAX][2];

	for (size_t i = 0; i < dialect->n_ports; i++) {
		uint16_t port = dialect->ports[i];

		snprintf(texts[i][0], sizeof(texts[i][0]), "%u", port);
		snprintf(texts[i][1], sizeof(texts[i][1]), "%zu", i);
		greetings[i][0] = (char)port;
		greetings[i][1] = (char)(port >> 8);
		for (size_t k = 0; k < PORT_CHANNELS; k++) {
			bool is_data = k == 1; /* the server wants to know errors' stream first */

			channels[config.n_channels++] = (struct channel){
				.number = (uint8_t)(i * 2 + (is_data ? 0 : 1)),
				.headers = { { "streamType", is_data ? "data" : "error" },
					     { "port", texts[i][0] },
					     { "requestID", texts[i][1] } },
				.greeting = { .p = greetings[i], .n = 2 },
				.greets = true,
				.input = is_data,
				.shut = !is_data,
			};
		}
	}
	stream_set_channels(stream,
			    channels_start(stream_loop(stream), &config, stream_ended, stream));
}

/* SPDY inside messages. */
static void unwrap_ports(struct stream *stream, struct tunnel *client, struct tunnel *server)
{
	stream_join(stream, tunnel_of_websocket(stream_loop(stream), client), server);
}

/* ---- requests ---- */

static bool flag(struct call *call, const char *name)
{
	const char *value = http_query(call->exchange, name);

	return value != NULL && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

static size_t collect_upgrade(struct call *call, struct http_pair headers[HEADERS_MAX])
{
	const struct http_exchange *exchange = call->exchange;
	size_t n = 0;

	headers[n++] = (struct http_pair){ "Connection", "Upgrade" };
	for (size_t i = 0; i < exchange->n_headers && n < HEADERS_MAX; i++) {
		const char *name = exchange->headers[i].name;

		if (strcmp(name, "upgrade") == 0 ||
		    strcmp(name, "x-stream-protocol-version") == 0) {
			headers[n++] = exchange->headers[i];
		}
	}
	return n;
}

static size_t ask_for_spdy(struct http_pair headers[HEADERS_MAX], const char *protocol)
{
	headers[0] = (struct http_pair){ "Connection", "Upgrade" };
	headers[1] = (struct http_pair){ "Upgrade", "SPDY/3.1" };
	headers[2] = (struct http_pair){ "X-Stream-Protocol-Version", protocol };
	return 3;
}

/* With the pod found and the target written: goes on to the agent. */
static void go_on(struct call *call, struct stream_pod *found, struct buffer *target,
		  struct http_pair *headers, size_t n_headers, struct stream_plan *plan,
		  struct dialect *dialect)
{
	_cleanup_free_ char *what =
		mem_printf("%.*s of pod %.*s", STR_ARG(call->part), STR_ARG(call->name));
	json_t *refusal =
		found->node[0] == '\0'
			? status_new(OUTCOME_BAD_REQUEST, "pod %.*s does not have a host assigned",
				     STR_ARG(call->name))
			: stream_find_agent(call, found->node, what, found->address, &found->port);

	if (refusal == NULL && target->overflowed) {
		refusal = status_new(OUTCOME_BAD_REQUEST, "the command is too long");
	}
	if (refusal != NULL) {
		mem_free(dialect);
		answer_refused(call, refusal);
		return;
	}
	plan->wraps = true;
	stream_start(call,
		     &(struct http_dial_request){
			     .address = found->address,
			     .port = found->port,
			     .tls = call->api->node_tls,
			     .names = { found->node, found->address },
			     .method = "POST",
			     .target = buffer_text(target),
			     .headers = headers,
			     .n_headers = n_headers,
		     },
		     plan, dialect);
}

/*
 * Which protocol the client speaks. Returns NULL (*ret_websocket: a WebSocket, with or without a
 * subprotocol), or a refusal.
 */
static json_t *look_at_upgrade(struct call *call, const char *const *known, bool *ret_websocket,
			       const char **ret_protocol)
{
	int asked = websocket_asked(call->exchange, known, ret_protocol);

	*ret_websocket = asked == 0;
	if (asked == WEBSOCKET_BAD) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "unable to upgrade: bad WebSocket handshake, or unknown "
				  "subprotocols \"%s\"",
				  http_header(call->exchange, "sec-websocket-protocol"));
	}
	if (asked != 0 && http_header(call->exchange, "upgrade") == NULL) {
		return status_new(OUTCOME_BAD_REQUEST, "Upgrade request required");
	}
	return NULL;
}

static json_t *check_exec(struct call *call, const json_t *pod)
{
	const char *phase = json_string_at(pod, "status.phase");

	if (str_is(call->part, "exec") && http_query(call->exchange, "command") == NULL) {
		return status_new(OUTCOME_BAD_REQUEST, "you must specify at least 1 command for "
						       "the container");
	}
	if (!flag(call, "stdin") && !flag(call, "stdout") && !flag(call, "stderr")) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "at least one of stdin, stdout, stderr must be specified");
	}
	if (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "cannot %s a container in a completed pod; current phase is %s",
				  str_is(call->part, "exec") ? "exec into" : "attach to", phase);
	}
	return NULL;
}

static void write_exec(struct call *call, const char *container, struct buffer *target)
{
	const struct http_exchange *exchange = call->exchange;

	buffer_printf(target, "/%.*s/%.*s/%.*s/%s?tty=%d&input=%d&output=%d&error=%d",
		      STR_ARG(call->part), STR_ARG(call->space), STR_ARG(call->name), container,
		      flag(call, "tty"), flag(call, "stdin"), flag(call, "stdout"),
		      flag(call, "stderr"));
	for (size_t i = 0; i < exchange->n_query; i++) {
		if (strcmp(exchange->query[i].name, "command") == 0) {
			buffer_append_text(target, "&command=");
			http_escape(target, str_from(exchange->query[i].value), "");
		}
	}
}

static struct dialect *exec_dialect(struct call *call, const char *protocol)
{
	struct dialect *dialect = MEM_NEW(struct dialect);

	dialect->tty = flag(call, "tty");
	dialect->input = flag(call, "stdin");
	dialect->output = flag(call, "stdout");
	dialect->error = flag(call, "stderr");
	dialect->text = protocol != NULL && strstr(protocol, "base64.") != NULL;
	dialect->closes = protocol != NULL && protocol[1] == '5';
	/* Before v4 success says nothing. */
	dialect->has_status = protocol != NULL && protocol[0] == 'v';
	return dialect;
}

void verb_exec(struct call *call)
{
	static const char *const known[] = { "v5.channel.k8s.io",        "v4.channel.k8s.io",
					     "v4.base64.channel.k8s.io", "channel.k8s.io",
					     "base64.channel.k8s.io",    NULL };
	_cleanup_stream_pod_ struct stream_pod found = { .pod = NULL };
	_cleanup_buffer_ struct buffer target = BUFFER_INIT(LIMIT_HTTP_TARGET * 4);
	struct stream_plan plan = { .passing = NULL };
	struct http_pair headers[HEADERS_MAX];
	struct dialect *dialect = NULL;
	const char *container = NULL;
	const char *protocol = NULL;
	bool websocket = false;
	size_t n;

	json_t *refusal = stream_find_pod(call, &found);
	refusal = refusal != NULL ? refusal : check_exec(call, found.pod);
	refusal = refusal != NULL ? refusal : stream_choose_container(call, found.pod, &container);
	refusal = refusal != NULL ? refusal : look_at_upgrade(call, known, &websocket, &protocol);
	if (refusal != NULL) {
		answer_refused(call, refusal);
		return;
	}
	write_exec(call, container, &target);
	if (websocket) {
		dialect = exec_dialect(call, protocol);
		plan.translate = translate_exec;
		plan.websocket = protocol;
		/* Status as JSON since v4; before, its text. */
		n = ask_for_spdy(headers,
				 dialect->has_status ? "v4.channel.k8s.io" : "v3.channel.k8s.io");
	} else {
		n = collect_upgrade(call, headers);
	}
	go_on(call, &found, &target, headers, n, &plan, dialect);
}

/* "8080,9090", or several parameters. */
static json_t *read_ports(struct call *call, struct dialect *dialect)
{
	for (size_t i = 0; i < call->exchange->n_query; i++) {
		struct str rest = str_from(call->exchange->query[i].value);

		if (strcmp(call->exchange->query[i].name, "ports") != 0) {
			continue;
		}
		while (rest.n != 0) {
			struct str text = str_cut(&rest, ',');
			uint64_t port;

			if (!str_to_u64(text, 65535, &port) || port == 0 ||
			    dialect->n_ports == PORTS_MAX) {
				return status_new(OUTCOME_BAD_REQUEST,
						  "invalid port \"%.*s\", or too many",
						  STR_ARG(text));
			}
			dialect->ports[dialect->n_ports++] = (uint16_t)port;
		}
	}
	return dialect->n_ports != 0
		       ? NULL
		       : status_new(OUTCOME_BAD_REQUEST, "query parameter \"port\" is required");
}

void verb_port_forward(struct call *call)
{
	static const char *const known[] = { "SPDY/3.1+portforward.k8s.io", "v4.channel.k8s.io",
					     "v4.base64.channel.k8s.io", NULL };
	_cleanup_stream_pod_ struct stream_pod found = { .pod = NULL };
	_cleanup_buffer_ struct buffer target = BUFFER_INIT(LIMIT_HTTP_TARGET);
	struct stream_plan plan = { .passing = NULL };
	struct http_pair headers[HEADERS_MAX];
	struct dialect *dialect = MEM_NEW(struct dialect);
	const char *protocol = NULL;
	bool websocket = false;
	size_t n;

	json_t *refusal = stream_find_pod(call, &found);
	refusal = refusal != NULL ? refusal : look_at_upgrade(call, known, &websocket, &protocol);
	if (refusal == NULL && strcmp(json_string_at(found.pod, "status.phase"), "Running") != 0) {
		refusal = status_new(OUTCOME_BAD_REQUEST,
				     "unable to forward port because pod is not running. "
				     "Current status=%s",
				     json_string_at(found.pod, "status.phase"));
	}
	if (refusal == NULL && websocket && protocol != known[0]) {
		refusal = read_ports(call, dialect);
	}
	if (refusal != NULL) {
		mem_free(dialect);
		answer_refused(call, refusal);
		return;
	}
	if (websocket) {
		dialect->text = protocol != NULL && strstr(protocol, "base64.") != NULL;
		plan.translate = protocol == known[0] ? unwrap_ports : translate_ports;
		plan.websocket = protocol;
		n = ask_for_spdy(headers, "portforward.k8s.io");
	} else {
		n = collect_upgrade(call, headers);
	}
	buffer_printf(&target, "/portForward/%.*s/%.*s", STR_ARG(call->space), STR_ARG(call->name));
	go_on(call, &found, &target, headers, n, &plan, dialect);
}
