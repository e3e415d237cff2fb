/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pods/log: the node's agent has the text; here it is decided whose. A client that asks for a
 * WebSocket gets it in messages.
 */
#include "api/call.h"
#include "api/intern.h"
#include "api/status.h"
#include "api/stream.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/websocket.h"
#include "json/json.h"

static json_t *check_number(struct call *call, const char *name, uint64_t min)
{
	const char *value = http_query(call->exchange, name);
	uint64_t n;

	if (value == NULL || value[0] == '\0' ||
	    (str_to_u64(str_from(value), INT64_MAX, &n) && n >= min)) {
		return NULL;
	}
	return status_new(OUTCOME_BAD_REQUEST, "%s: Invalid value: \"%s\": must be %s", name, value,
			  min == 0 ? "greater than or equal to 0" : "greater than 0");
}

static json_t *check_options(struct call *call)
{
	json_t *refusal = check_number(call, "tailLines", 0);

	refusal = refusal != NULL ? refusal : check_number(call, "limitBytes", 1);
	refusal = refusal != NULL ? refusal : check_number(call, "sinceSeconds", 1);
	if (refusal == NULL && http_query(call->exchange, "sinceTime") != NULL &&
	    http_query(call->exchange, "sinceSeconds") != NULL) {
		refusal = status_new(OUTCOME_BAD_REQUEST,
				     "at most one of sinceTime or sinceSeconds may be specified");
	}
	return refusal;
}

/* The agent knows these by the same names. */
static void write_options(struct call *call, struct buffer *target)
{
	static const char *const names[] = { "follow",    "tailLines",  "sinceSeconds",
					     "sinceTime", "limitBytes", "timestamps",
					     "previous" };
	char separator = '?';

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = http_query(call->exchange, names[i]);

		if (value != NULL) {
			buffer_printf(target, "%c%s=", separator, names[i]);
			http_escape(target, str_from(value), "");
			separator = '&';
		}
	}
}

static void set_type(struct call *call, const struct http_head *head)
{
	http_set_header(call->exchange, "Content-Type", "text/plain");
	/* A proxy on the way may not guess at the content. */
	http_set_header(call->exchange, "X-Content-Type-Options", "nosniff");
}

/* How the client wants it. */
static json_t *make_plan(struct call *call, struct stream_plan *ret)
{
	static const char *const known[] = { "binary.k8s.io", "base64.binary.k8s.io", NULL };
	const char *protocol = NULL;
	int asked = websocket_asked(call->exchange, known, &protocol);

	*ret = (struct stream_plan){ .passing = set_type, .wraps = true };
	if (asked == WEBSOCKET_BAD) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "unable to upgrade: bad WebSocket handshake, or unknown "
				  "subprotocols: binary.k8s.io and base64.binary.k8s.io are known");
	}
	if (asked == 0) {
		*ret = (struct stream_plan){
			.messages = true,
			.text = protocol == known[1],
			.websocket = protocol,
			.wraps = true,
		};
	}
	return NULL;
}

void verb_log(struct call *call)
{
	struct stream_plan plan;
	_cleanup_stream_pod_ struct stream_pod found = { .pod = NULL };
	_cleanup_buffer_ struct buffer target = BUFFER_INIT(LIMIT_HTTP_TARGET);
	const char *container = NULL;
	json_t *refusal = check_options(call);

	refusal = refusal != NULL ? refusal : make_plan(call, &plan);
	refusal = refusal != NULL ? refusal : stream_find_pod(call, &found);
	refusal = refusal != NULL ? refusal : stream_choose_container(call, found.pod, &container);
	if (refusal == NULL && found.node[0] == '\0') {
		struct buffer nothing = BUFFER_INIT(1);

		answer_bytes(call, 200, "text/plain", &nothing);
		return;
	}
	if (refusal == NULL) {
		_cleanup_free_ char *what = mem_printf("logs of pod %.*s", STR_ARG(call->name));
		refusal = stream_find_agent(call, found.node, what, found.address, &found.port);
	}
	if (refusal != NULL) {
		answer_refused(call, refusal);
		return;
	}
	buffer_printf(&target, "/containerLogs/%.*s/%.*s/%s", STR_ARG(call->space),
		      STR_ARG(call->name), container);
	write_options(call, &target);
	stream_start(call,
		     &(struct http_dial_request){
			     .address = found.address,
			     .port = found.port,
			     .tls = call->api->node_tls,
			     .names = { found.node, found.address },
			     .method = "GET",
			     .target = buffer_text(&target),
		     },
		     &plan, NULL);
}
