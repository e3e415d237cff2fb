/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters are a closed table: a misspelt one is refused, because whoever waits for a set that is
 * complete must not be answered at once as if he had not.
 */
#include "ops/peers_intern.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/formats.h"
#include "json/json.h"

void peers_refuse(struct peers_refusal *refusal, int code, const char *reason, const char *format,
		  ...)
{
	va_list arguments;

	refusal->code = code;
	refusal->reason = reason;
	va_start(arguments, format);
	vsnprintf(refusal->message, sizeof(refusal->message), format, arguments);
	va_end(arguments);
}

void peers_refusal_write(const struct peers_refusal *refusal, struct str name, struct buffer *out)
{
	buffer_append_text(out, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
				"\"status\":\"Failure\",\"message\":");
	json_write_string(str_from(refusal->message), out);
	buffer_printf(out, ",\"reason\":\"%s\",\"details\":{", refusal->reason);
	if (name.n != 0) {
		buffer_append_text(out, "\"name\":");
		json_write_string(name, out);
		buffer_append_text(out, ",\"kind\":\"services\"");
	}
	if (refusal->code == 429 || refusal->code == 503) {
		buffer_printf(out, "%s\"retryAfterSeconds\":1", name.n != 0 ? "," : "");
	}
	buffer_printf(out, "},\"code\":%d}", refusal->code);
}

void peers_refusal_reply(const struct peers_refusal *refusal, struct str name,
			 struct http_exchange *exchange)
{
	struct buffer body = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	peers_refusal_write(refusal, name, &body);
	buffer_append_char(&body, '\n');
	if (refusal->code == 429 || refusal->code == 503) {
		http_set_header(exchange, "Retry-After", "1");
	}
	if (refusal->code == 405) {
		http_set_header(exchange, "Allow", "GET, HEAD");
	}
	http_reply(exchange, refusal->code, "application/json", &body);
}

static bool read_wait(const char *value, struct peers_request *request)
{
	static const char *const words[] = {
		[PEERS_NONE] = "none",
		[PEERS_CHANGED] = "changed",
		[PEERS_COMPLETE] = "complete",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(value, words[i]) == 0) {
			request->wait = (enum peers_wait)i;
			return true;
		}
	}
	return false;
}

static bool read_count(const char *value, struct peers_request *request)
{
	request->has_count = true;
	return str_to_u64(str_from(value), LIMIT_PEERS_MEMBERS, &request->count);
}

static bool read_serial(const char *value, struct peers_request *request)
{
	request->has_serial = true;
	return str_to_u64(str_from(value), INT64_MAX, &request->serial);
}

static bool read_timeout(const char *value, struct peers_request *request)
{
	return duration_parse(str_from(value), LIMIT_PEERS_WAIT_SECONDS * NS_PER_S,
			      &request->timeout) == 0;
}

static const struct parameter {
	const char *name;
	bool (*read)(const char *value, struct peers_request *request);
	const char *expected;
} parameters[] = {
	{ "wait", read_wait, "complete, changed or none" },
	{ "count", read_count, "a number of peers, at most 100000" },
	{ "serial", read_serial, "the serial of an earlier answer" },
	{ "timeout", read_timeout, "a duration like 30s or 5m, at most 10m" },
};

static const struct parameter *find_parameter(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		if (strcmp(parameters[i].name, name) == 0) {
			return &parameters[i];
		}
	}
	return NULL;
}

static int read_query(const struct http_exchange *exchange, struct peers_request *request,
		      struct peers_refusal *refusal)
{
	for (size_t i = 0; i < exchange->n_query; i++) {
		const struct http_pair *pair = &exchange->query[i];
		const struct parameter *parameter = find_parameter(pair->name);

		if (parameter == NULL) {
			peers_refuse(refusal, 400, "BadRequest",
				     "unknown parameter \"%.100s\": there are wait, count, serial "
				     "and timeout",
				     pair->name);
			return PEERS_REFUSED;
		}
		if (pair->value == NULL || !parameter->read(pair->value, request)) {
			peers_refuse(refusal, 400, "BadRequest", "%s: \"%.100s\" is not %s",
				     parameter->name, pair->value != NULL ? pair->value : "",
				     parameter->expected);
			return PEERS_REFUSED;
		}
	}
	return 0;
}

/* "/peers/NAMESPACE/SERVICE" */
static int read_path(const struct http_exchange *exchange, struct peers_request *request,
		     struct peers_refusal *refusal)
{
	struct str rest = str_skip(str_from(exchange->path), sizeof(PEERS_PREFIX) - 1);

	str_cut(&rest, '/');
	request->space = str_cut(&rest, '/');
	request->name = rest;
	if (request->space.n == 0 || request->space.n > LIMIT_DNS_LABEL || request->name.n == 0 ||
	    request->name.n > LIMIT_DNS_LABEL ||
	    memchr(request->name.p, '/', request->name.n) != NULL) {
		peers_refuse(refusal, 404, "NotFound",
			     "there is nothing here: ask for " PEERS_PREFIX "/NAMESPACE/SERVICE");
		return PEERS_REFUSED;
	}
	_cleanup_free_ char *space = str_dup(request->space);
	if (!format_is(FORMAT_DNS_LABEL, space) || !format_is(FORMAT_DNS_LABEL, request->name.p)) {
		peers_refuse(refusal, 400, "BadRequest",
			     "\"%.70s\" or \"%.70s\" cannot be the name of a namespace or Service",
			     space, request->name.p);
		return PEERS_REFUSED;
	}
	return 0;
}

static bool accepts_events(const struct http_exchange *exchange)
{
	const char *accept = http_header(exchange, "accept");

	return accept != NULL && strstr(accept, "text/event-stream") != NULL;
}

/* What the parameters say together, and what is meant where they say nothing. */
static int conclude(const struct http_exchange *exchange, struct peers_request *request,
		    struct peers_refusal *refusal)
{
	const char *last = http_header(exchange, "last-event-id");
	bool says_wait = http_query(exchange, "wait") != NULL;

	request->stream = accepts_events(exchange);
	if (request->stream && last != NULL && last[0] != '\0' && !read_serial(last, request)) {
		peers_refuse(refusal, 400, "BadRequest",
			     "Last-Event-ID: \"%.100s\" is not the id of one of our events", last);
		return PEERS_REFUSED;
	}
	if (request->stream && says_wait && request->wait == PEERS_NONE) {
		peers_refuse(refusal, 400, "BadRequest",
			     "wait: a stream of events waits for changed or complete");
		return PEERS_REFUSED;
	}
	if (!says_wait && (request->stream || request->has_serial)) {
		request->wait = PEERS_CHANGED;
	}
	if (request->timeout == UINT64_MAX && !request->stream) {
		request->timeout = LIMIT_PEERS_WAIT_SECONDS * NS_PER_S / 2;
	}
	return 0;
}

int peers_request_read(const struct http_exchange *exchange, struct peers_request *ret,
		       struct peers_refusal *ret_refusal)
{
	struct peers_request request = { .wait = PEERS_NONE, .timeout = UINT64_MAX };

	if (exchange->method != HTTP_GET && exchange->method != HTTP_HEAD) {
		peers_refuse(ret_refusal, 405, "MethodNotAllowed",
			     "peers can be asked for (GET), not changed");
		return PEERS_REFUSED;
	}
	if (read_path(exchange, &request, ret_refusal) != 0 ||
	    read_query(exchange, &request, ret_refusal) != 0 ||
	    conclude(exchange, &request, ret_refusal) != 0) {
		return PEERS_REFUSED;
	}
	*ret = request;
	return 0;
}
