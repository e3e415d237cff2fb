/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request: health and version for everybody; then who asks; then documents, discovery
 * and at last the resources, by the tables of routes.c.
 */
#include "api/api.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "api/authenticate.h"
#include "api/call.h"
#include "api/discovery.h"
#include "api/intern.h"
#include "api/keys.h"
#include "api/routes.h"
#include "api/status.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/dial.h"
#include "object/kinds.h"
#include "store/store.h"
#include "watch/hub.h"
#include "json/json.h"

enum { COMPACT_SECONDS = 300, NODE_PORT_MIN = 30000, NODE_PORT_MAX = 32767 };

/* ---- life ---- */

static void learn_addresses(struct api *api)
{
	_cleanup_buffer_ struct buffer prefix = BUFFER_INIT(LIMIT_STORE_KEY);

	key_prefix(&kind_service, STR_NONE, &prefix);
	for (const struct hub_item *item = hub_next(api->hub, buffer_str(&prefix), STR_NONE);
	     item != NULL; item = hub_next(api->hub, buffer_str(&prefix), item->key)) {
		_cleanup_json_ json_t *service = NULL;
		struct json_read_error error;
		if (json_read(item->text, NULL, &service, &error) == 0) {
			addresses_learn(api->addresses, service);
		}
	}
}

int api_new(const struct api_config *config, char *ret_message, size_t size, struct api **ret)
{
	struct api *api = MEM_NEW(struct api);
	uint16_t min = config->node_port_min != 0 ? config->node_port_min : NODE_PORT_MIN;
	uint16_t max = config->node_port_max != 0 ? config->node_port_max : NODE_PORT_MAX;

	int r = addresses_new(config->service_cidrs, min, max, ret_message, size, &api->addresses);
	if (r < 0) {
		mem_free(api);
		return r;
	}
	api->store = config->store;
	api->hub = config->hub;
	api->clock = config->clock;
	api->token_key = mem_strdup(config->token_key);
	api->issuer =
		mem_strdup(config->issuer != NULL ? config->issuer
						  : "https://kubernetes.default.svc.cluster.local");
	api->admin_token = mem_strdup(config->admin_token);
	for (size_t i = 0; i < API_FAMILIES; i++) {
		api->cluster_dns[i] = mem_strdup(config->cluster_dns[i]);
	}
	api->due_changed = config->due_changed;
	api->unready = config->unready;
	api->userdata = config->userdata;
	api->due = UINT64_MAX;
	api->compact_at = UINT64_MAX;
	list_init(&api->watches);
	api->loop = config->loop;
	api->node_tls = config->node_tls;
	list_init(&api->streams);
	documents_init(&api->documents);
	learn_addresses(api);
	*ret = api;
	return 0;
}

struct api *api_free(struct api *api)
{
	if (api != NULL) {
		http_tls_free(api->any_tls);
		documents_deinit(&api->documents);
		addresses_free(api->addresses);
		mem_free(api->token_key);
		mem_free(api->issuer);
		mem_free(api->admin_token);
		for (size_t i = 0; i < API_FAMILIES; i++) {
			mem_free(api->cluster_dns[i]);
		}
		mem_free(api);
	}
	return NULL;
}

/* ---- time ---- */

void api_due_by(struct api *api, uint64_t at)
{
	if (at < api->due) {
		api->due = at;
		if (api->due_changed != NULL) {
			api->due_changed(api->userdata, at);
		}
	}
}

uint64_t api_next_due(const struct api *api)
{
	return api->due;
}

void api_note_write(struct api *api, uint64_t revision)
{
	if (api->compact_at == UINT64_MAX) {
		api->compact_at = clock_monotonic(api->clock) + COMPACT_SECONDS * NS_PER_S;
		api->compact_to = revision;
		api_due_by(api, api->compact_at);
	}
}

/* Keeps the history of the last five to ten minutes; without writes there is nothing to do. */
static void compact(struct api *api, uint64_t now)
{
	if (now < api->compact_at) {
		return;
	}
	store_compact(api->store, api->compact_to);
	uint64_t newest = hub_revision(api->hub);
	api->compact_at = newest > api->compact_to ? now + COMPACT_SECONDS * NS_PER_S : UINT64_MAX;
	api->compact_to = newest;
}

void api_run_due(struct api *api)
{
	uint64_t now = clock_monotonic(api->clock);

	compact(api, now);
	uint64_t next = watches_run_due(api, now);
	next = next < api->compact_at ? next : api->compact_at;
	api->due = UINT64_MAX;
	if (next != UINT64_MAX) {
		api_due_by(api, next);
	} else if (api->due_changed != NULL) {
		api->due_changed(api->userdata, UINT64_MAX);
	}
}

void api_end_watches(struct api *api)
{
	watches_end(api);
}

/* ---- health and version ---- */

static void answer_text(struct http_exchange *exchange, int code, const char *text)
{
	struct buffer body = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	http_set_header(exchange, "X-Content-Type-Options", "nosniff");
	buffer_append_text(&body, text);
	http_reply(exchange, code, "text/plain; charset=utf-8", &body);
}

static void answer_ready(struct api *api, struct http_exchange *exchange)
{
	_cleanup_buffer_ struct buffer lines = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	if (api->unready != NULL) {
		api->unready(api->userdata, &lines);
	}
	answer_text(exchange, lines.n != 0 ? 500 : 200, lines.n != 0 ? buffer_text(&lines) : "ok");
}

static void answer_version(struct http_exchange *exchange)
{
	struct buffer body = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct utsname system;
	const char *machine = uname(&system) == 0 ? system.machine : "";
	bool arm = strcmp(machine, "aarch64") == 0;
	_cleanup_free_ char *platform =
		mem_printf("linux/%s", strcmp(machine, "x86_64") == 0 ? "amd64"
				       : arm                          ? "arm64"
								      : machine);
	_cleanup_json_ json_t *version =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "major", "1", "minor",
			  "35", "gitVersion", "v1.35.0+headlessd", "gitCommit",
			  "0000000000000000000000000000000000000000", "gitTreeState", "clean",
			  "buildDate", "1970-01-01T00:00:00Z", "goVersion", "none", "compiler",
			  "cc", "platform", platform);

	json_write(version, &body);
	http_reply(exchange, 200, "application/json", &body);
}

/* What anybody may ask. */
static bool answer_public(struct api *api, struct http_exchange *exchange)
{
	struct str path = str_from(exchange->path);

	if (str_is(path, "/healthz") || str_is(path, "/livez")) {
		answer_text(exchange, 200, "ok");
	} else if (str_is(path, "/readyz")) {
		answer_ready(api, exchange);
	} else if (str_is(path, "/version")) {
		answer_version(exchange);
	} else {
		return false;
	}
	return true;
}

/* ---- what others serve at this door ---- */

void api_extend(struct api *api, const char *prefix, http_handler_fn handler, void *userdata)
{
	assert(api->n_extensions < API_EXTENSIONS);
	api->extensions[api->n_extensions++] = (struct extension){
		.prefix = prefix,
		.handler = handler,
		.userdata = userdata,
	};
}

static bool answer_extension(struct call *call, struct str path)
{
	struct api *api = call->api;

	for (size_t i = 0; i < api->n_extensions; i++) {
		const struct extension *extension = &api->extensions[i];
		struct str prefix = str_from(extension->prefix);
		if (str_starts(path, prefix) && (path.n == prefix.n || path.p[prefix.n] == '/')) {
			buffer_deinit(&call->warnings);
			extension->handler(extension->userdata, call->exchange);
			return true;
		}
	}
	return false;
}

/* ---- resources ---- */

static void answer_root(struct call *call)
{
	struct buffer body = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	buffer_append_text(&body, "{\"paths\":[\"/api\",\"/apis\",\"/healthz\",\"/livez\","
				  "\"/openapi/v2\",\"/openapi/v3\",\"/readyz\",\"/version\"");
	for (size_t i = 0; i < call->api->n_extensions; i++) {
		buffer_printf(&body, ",\"%s\"", call->api->extensions[i].prefix);
	}
	buffer_append_text(&body, "]}");
	answer_bytes(call, 200, "application/json", &body);
}

static void answer_nothing_there(struct call *call)
{
	json_t *status =
		status_new(OUTCOME_NOT_FOUND, "the server could not find the requested resource");

	json_object_set_new(status, "details", json_object());
	answer_refused(call, status);
}

static const char *action_of(enum http_method method)
{
	static const char *const actions[] = {
		[HTTP_GET] = "get",         [HTTP_HEAD] = "get",         [HTTP_POST] = "create",
		[HTTP_PUT] = "update",      [HTTP_PATCH] = "patch",      [HTTP_DELETE] = "delete",
		[HTTP_OPTIONS] = "options", [HTTP_OTHER] = "the method",
	};

	return actions[method];
}

static bool newcomer_may(const struct call *call, enum http_method method)
{
	return call->kind == &kind_certificate_signing_request && call->part.n == 0 &&
	       (method == HTTP_GET || (method == HTTP_POST && call->name.n == 0));
}

static void answer_resource(struct call *call)
{
	struct http_exchange *exchange = call->exchange;
	struct route route;
	bool known = false;

	if (!route_parse(exchange->path, &route)) {
		answer_nothing_there(call);
		return;
	}
	call->kind = route_kind(&route);
	if (call->kind == NULL) {
		answer_nothing_there(call);
		return;
	}
	verb_fn verb = route_verb(call->kind, &route, exchange->method, &known);
	if (verb == NULL && !known) {
		answer_nothing_there(call);
		return;
	}
	if (verb == NULL) {
		answer_refused(call, status_method(call->kind, action_of(exchange->method)));
		return;
	}
	call->space = route.space;
	call->name = route.name;
	call->part = route.part;
	call->watch = route.watch;
	const char *watch = http_query(exchange, "watch");
	if (verb == verb_get && route.part.n == 0 &&
	    (route.watch || (watch != NULL && strcmp(watch, "true") == 0))) {
		verb = verb_watch;
	}
	if (user_is_newcomer(&call->user) && !newcomer_may(call, exchange->method)) {
		answer_refused(call, status_new(OUTCOME_FORBIDDEN,
						"a bootstrap token is good for "
						"certificatesigningrequests alone: create, get, "
						"list and watch"));
		return;
	}
	verb(call);
}

void api_handle(void *userdata, struct http_exchange *exchange)
{
	struct api *api = userdata;
	struct str path = str_from(exchange->path);

	if (answer_public(api, exchange)) {
		return;
	}
	struct call *call = arena_alloc(&exchange->arena, sizeof(*call));
	*call = (struct call){ .api = api, .exchange = exchange, .form = { .version = "v1" } };
	buffer_init(&call->warnings, LIMIT_ERROR_MESSAGE);
	if (!authenticate(call)) {
		answer_refused(call, status_new(OUTCOME_UNAUTHORIZED, "Unauthorized"));
		return;
	}
	if (path.n > 1 && path.p[path.n - 1] == '/') {
		path.n--;
	}
	if (str_is(path, "/")) {
		answer_root(call);
	} else if (documents_answer(&api->documents, exchange, path)) {
		buffer_deinit(&call->warnings);
	} else if (!user_is_newcomer(&call->user) && answer_extension(call, path)) {
		return;
	} else if (!discovery_answer(call, exchange->path)) {
		answer_resource(call);
	}
}
