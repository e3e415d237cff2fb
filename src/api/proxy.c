/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pods/proxy, services/proxy, nodes/proxy: an HTTP request goes on to an address that the API
 * itself says belongs to the pod, to a ready endpoint of the Service, or to the node's agent; never
 * to one that the caller names. Redirects are not followed but told to the client, who comes back.
 */
#include <stdio.h>
#include <strings.h>

#include "api/call.h"
#include "api/intern.h"
#include "api/keys.h"
#include "api/status.h"
#include "api/stream.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"
#include "http/tunnel.h"
#include "object/kinds.h"
#include "watch/hub.h"
#include "json/json.h"

enum { HEADERS_MAX = 128, HTTPS_PORT = 443, HTTP_PORT = 80 };

/* Where a request goes. */
struct target {
	bool secure;
	struct str name;
	struct str port; /* number or name; empty: none given */
	char address[IP_TEXT];
	uint16_t number;
};

/* [SCHEME:]NAME[:PORT] */
static bool split_name(struct str text, struct target *ret)
{
	struct str rest = text;
	struct str first = str_cut(&rest, ':');
	struct str second = rest.p != NULL ? str_cut(&rest, ':') : STR_NONE;

	*ret = (struct target){ .name = first, .port = second };
	if (rest.p != NULL) {
		if (first.n != 0 && !str_is(first, "http") && !str_is(first, "https")) {
			return false;
		}
		*ret = (struct target){
			.secure = str_is(first, "https"),
			.name = second,
			.port = rest,
		};
	}
	return ret->name.n != 0 &&
	       memchr(ret->port.p != NULL ? ret->port.p : "", ':', ret->port.n) == NULL;
}

static bool parse_port(struct str text, uint16_t *ret)
{
	uint64_t port;

	if (!str_to_u64(text, UINT16_MAX, &port) || port == 0) {
		return false;
	}
	*ret = (uint16_t)port;
	return true;
}

/* ---- pods ---- */

static json_t *find_pod(struct call *call, struct target *target)
{
	_cleanup_json_ json_t *pod = stream_object(call, &kind_pod, call->space, target->name);
	const json_t *containers = json_at(pod, "spec.containers");
	const json_t *ports = json_at(json_array_get(containers, 0), "ports");
	struct ip ip;

	if (pod == NULL) {
		return status_not_found(&kind_pod, target->name);
	}
	if (!ip_parse(str_from(json_string_at(pod, "status.podIP")), &ip)) {
		return status_new(OUTCOME_BAD_REQUEST, "pod %.*s has no address yet",
				  STR_ARG(target->name));
	}
	ip_text(&ip, target->address);
	target->number = (uint16_t)json_int_at(json_array_get(ports, 0), "containerPort",
					       target->secure ? HTTPS_PORT : HTTP_PORT);
	if (target->port.n != 0 && !parse_port(target->port, &target->number)) {
		return status_new(OUTCOME_BAD_REQUEST, "invalid port \"%.*s\"",
				  STR_ARG(target->port));
	}
	return NULL;
}

/* ---- services ---- */

/* The name of the Service's port that is asked for: by name, by number, or its only one. */
static bool service_port(const json_t *service, struct str asked, const char **ret_name)
{
	const json_t *ports = json_at(service, "spec.ports");

	for (size_t i = 0; i < json_array_size(ports); i++) {
		const json_t *port = json_array_get(ports, i);
		const char *name = json_string_at(port, "name");
		char number[24];

		snprintf(number, sizeof(number), "%lld", (long long)json_int_at(port, "port", 0));
		if ((asked.n == 0 && json_array_size(ports) == 1) ||
		    (asked.n != 0 && (str_is(asked, name) || str_is(asked, number)))) {
			*ret_name = name;
			return true;
		}
	}
	return false;
}

static int64_t slice_port(const json_t *slice, const char *name)
{
	const json_t *ports = json_object_get(slice, "ports");

	for (size_t i = 0; i < json_array_size(ports); i++) {
		if (strcmp(json_string_at(json_array_get(ports, i), "name"), name) == 0) {
			return json_int_at(json_array_get(ports, i), "port", 0);
		}
	}
	return 0;
}

/* Offers each ready address of a slice: of n seen so far every one is chosen with 1/n. */
static void offer_slice(const json_t *slice, const char *port_name, struct target *target,
			struct random_state *random, uint32_t *seen)
{
	const json_t *endpoints = json_object_get(slice, "endpoints");
	int64_t port = slice_port(slice, port_name);

	for (size_t i = 0; i < json_array_size(endpoints) && port > 0; i++) {
		const json_t *one = json_array_get(endpoints, i);
		const json_t *ready = json_at(one, "conditions.ready");
		const char *address =
			json_string_value(json_array_get(json_object_get(one, "addresses"), 0));
		struct ip ip;

		if (address == NULL || json_is_false(ready) || !ip_parse(str_from(address), &ip) ||
		    random_below(random, ++*seen) != 0) {
			continue;
		}
		ip_text(&ip, target->address);
		target->number = (uint16_t)port;
	}
}

static bool is_slice_of(const json_t *slice, struct str service)
{
	const json_t *labels = json_at(slice, "metadata.labels");

	return str_is(service,
		      json_string_value(json_object_get(labels, "kubernetes.io/service-name")));
}

static uint32_t offer_slices(struct call *call, const char *port_name, struct target *target)
{
	_cleanup_buffer_ struct buffer prefix = BUFFER_INIT(LIMIT_STORE_KEY);
	struct random_state random;
	uint32_t seen = 0;

	random_state_init(&random);
	key_prefix(&kind_endpoint_slice, call->space, &prefix);
	for (const struct hub_item *item = hub_next(call->api->hub, buffer_str(&prefix), STR_NONE);
	     item != NULL; item = hub_next(call->api->hub, buffer_str(&prefix), item->key)) {
		_cleanup_json_ json_t *slice = NULL;
		struct json_read_error error;

		/* The text is looked at before it is parsed: most slices are of other Services. */
		if (memmem(item->text.p, item->text.n, target->name.p, target->name.n) == NULL ||
		    json_read(item->text, NULL, &slice, &error) != 0) {
			continue;
		}
		if (is_slice_of(slice, target->name)) {
			offer_slice(slice, port_name, target, &random, &seen);
		}
	}
	return seen;
}

static json_t *find_service(struct call *call, struct target *target)
{
	_cleanup_json_ json_t *service =
		stream_object(call, &kind_service, call->space, target->name);
	const char *port = NULL;

	if (service == NULL) {
		return status_not_found(&kind_service, target->name);
	}
	if (!service_port(service, target->port, &port)) {
		return status_new(OUTCOME_UNAVAILABLE,
				  "no service port \"%.*s\" found for service \"%.*s\"",
				  STR_ARG(target->port), STR_ARG(target->name));
	}
	if (offer_slices(call, port, target) == 0) {
		return status_new(OUTCOME_UNAVAILABLE,
				  "no endpoints available for service \"%.*s\"",
				  STR_ARG(target->name));
	}
	return NULL;
}

/* ---- nodes ---- */

static json_t *find_node(struct call *call, struct target *target)
{
	_cleanup_free_ char *name = str_dup(target->name);
	_cleanup_json_ json_t *node = stream_object(call, &kind_node, STR_NONE, target->name);
	uint16_t port = 0;
	json_t *refusal;

	if (node == NULL) {
		return status_not_found(&kind_node, target->name);
	}
	refusal = stream_find_agent(call, name, "proxy", target->address, &target->number);
	if (refusal == NULL && target->port.n != 0 &&
	    !(parse_port(target->port, &port) && port == target->number)) {
		refusal = status_new(OUTCOME_BAD_REQUEST,
				     "only port %u of node %s, its agent's, can be reached",
				     target->number, name);
	}
	target->secure = true;
	return refusal;
}

/* ---- the request ---- */

static const char *method_name(enum http_method method)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
		[HTTP_PUT] = "PUT",         [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
		[HTTP_OPTIONS] = "OPTIONS",
	};

	return names[method];
}

/* What concerns this connection only, or is a secret between the client and us. */
static bool stays_here(const struct http_exchange *exchange, const char *name, bool upgrades)
{
	static const char *const names[] = {
		"authorization",
		"host",
		"keep-alive",
		"proxy-authorization",
		"te",
		"trailer",
		"transfer-encoding",
		"content-length",
		"expect",
		"proxy-connection",
	};

	if (strcmp(name, "connection") == 0 || strcmp(name, "upgrade") == 0) {
		return !upgrades;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			return true;
		}
	}
	return str_starts(str_from(name), STR("impersonate-")) ||
	       str_starts(str_from(name), STR("x-remote-")) ||
	       (!upgrades && http_has_word(http_header(exchange, "connection"), name));
}

static size_t collect_headers(struct call *call, struct http_pair headers[HEADERS_MAX])
{
	const struct http_exchange *exchange = call->exchange;
	bool upgrades = http_header(exchange, "upgrade") != NULL;
	struct str peer = str_from(exchange->peer.address);
	size_t n = 0;

	for (size_t i = 0; i < exchange->n_headers && n < HEADERS_MAX - 2; i++) {
		if (!stays_here(exchange, exchange->headers[i].name, upgrades)) {
			headers[n++] = exchange->headers[i];
		}
	}
	for (size_t i = peer.n; i > 0; i--) {
		if (peer.p[i - 1] == ':') {
			peer.n = i - 1;
			break;
		}
	}
	headers[n++] =
		(struct http_pair){ "X-Forwarded-For", arena_str(&call->exchange->arena, peer).p };
	headers[n++] = (struct http_pair){ "X-Forwarded-Uri", exchange->path };
	return n;
}

/* What is behind ".../proxy" in the path; the path was decoded, and is encoded again. */
static struct str path_behind(struct call *call)
{
	return str_from(call->part.p + sizeof("proxy") - 1);
}

static void write_target(struct call *call, struct buffer *target)
{
	const struct http_exchange *exchange = call->exchange;

	if (path_behind(call).n == 0) {
		buffer_append_char(target, '/');
	}
	http_escape(target, path_behind(call), "/:@!$&'()*+,;=");
	for (size_t i = 0; i < exchange->n_query; i++) {
		buffer_append_char(target, i == 0 ? '?' : '&');
		http_escape(target, str_from(exchange->query[i].name), "");
		buffer_append_char(target, '=');
		http_escape(target, str_from(exchange->query[i].value), "/:@!$'()*,");
	}
}

/* A redirect to the server's own root leads back through here. */
static void keep_location(struct call *call, const struct http_head *head)
{
	const char *location = http_head_get(head, "location");
	struct str prefix = str_from(call->exchange->path);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_HTTP_TARGET * 4);

	if (location == NULL || location[0] != '/' || location[1] == '/') {
		return;
	}
	prefix.n -= path_behind(call).n;
	http_escape(&text, prefix, "/:");
	buffer_append_text(&text, location);
	if (!text.overflowed) {
		http_set_header(call->exchange, "Location", buffer_text(&text));
	}
}

/* ".../proxy" alone: relative links in what comes would go wrong. */
static void redirect(struct call *call)
{
	_cleanup_buffer_ struct buffer location = BUFFER_INIT(LIMIT_HTTP_TARGET * 4);
	struct buffer nothing = BUFFER_INIT(1);

	http_escape(&location, str_from(call->exchange->path), "/:");
	write_target(call, &location);
	http_set_header(call->exchange, "Location", buffer_text(&location));
	answer_bytes(call, 301, NULL, &nothing);
}

static struct http_tls *any_tls(struct api *api)
{
	if (api->any_tls == NULL) {
		(void)http_tls_new(NULL, NULL, NULL, &api->any_tls);
	}
	return api->any_tls;
}

static json_t *find_target(struct call *call, struct target *ret)
{
	if (!split_name(call->name, ret)) {
		return status_new(OUTCOME_BAD_REQUEST, "invalid %s request \"%.*s\"",
				  call->kind->singular, STR_ARG(call->name));
	}
	if (call->kind == &kind_pod) {
		return find_pod(call, ret);
	}
	return call->kind == &kind_service ? find_service(call, ret) : find_node(call, ret);
}

void verb_proxy(struct call *call)
{
	static const struct stream_plan plan = { .passing = keep_location };
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_HTTP_TARGET * 4);
	enum http_method method = call->exchange->method;
	struct http_pair headers[HEADERS_MAX];
	_cleanup_free_ char *name = NULL;
	struct target target;
	json_t *refusal;

	if (path_behind(call).n == 0 && (method == HTTP_GET || method == HTTP_HEAD) &&
	    http_header(call->exchange, "upgrade") == NULL) {
		redirect(call);
		return;
	}
	refusal = find_target(call, &target);
	if (refusal != NULL) {
		answer_refused(call, refusal);
		return;
	}
	write_target(call, &text);
	name = str_dup(target.name);
	stream_start(call,
		     &(struct http_dial_request){
			     .address = target.address,
			     .port = target.number,
			     .tls = call->kind == &kind_node ? call->api->node_tls
				    : target.secure          ? any_tls(call->api)
							     : NULL,
			     .names = { name, target.address },
			     .method = method_name(method),
			     .target = buffer_text(&text),
			     .headers = headers,
			     .n_headers = collect_headers(call, headers),
			     .body = call->exchange->body,
		     },
		     &plan, NULL);
}
