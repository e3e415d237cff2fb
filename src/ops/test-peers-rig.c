/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/test-peers-rig.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/cache.h"
#include "http/loopback.h"
#include "object/kinds.h"
#include "ops/peers.h"
#include "ops/peers_intern.h"
#include "json/json.h"

/* ---- the world ---- */

/* JSON with single quotes; its resourceVersion is the next one. */
void feed(struct rig *rig, const struct kind *kind, const char *format, ...)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OBJECT);
	struct json_read_error error;
	struct object *object;
	va_list arguments;
	json_t *tree;

	va_start(arguments, format);
	buffer_vprintf(&text, format, arguments);
	va_end(arguments);
	for (size_t i = 0; i < text.n; i++) {
		text.p[i] = text.p[i] == '\'' ? '"' : text.p[i];
	}
	assert_int_equal(json_read(buffer_str(&text), NULL, &tree, &error), 0);
	json_put(tree, "metadata.resourceVersion", json_sprintf("%" PRIu64, ++rig->revision));
	json_put(tree, "metadata.namespace", json_string("default"));
	assert_int_equal(object_new_tree(kind, tree, &object), 0);
	cache_feed(rig->cache, object);
}

void feed_service(struct rig *rig)
{
	feed(rig, &kind_service,
	     "{'metadata':{'name':'web'},'spec':{'clusterIP':'None','selector':{'app':'web'}}}");
}

void feed_set(struct rig *rig, int replicas)
{
	feed(rig, &kind_stateful_set,
	     "{'metadata':{'name':'web'},'spec':{'replicas':%d,'template':{'metadata':{'labels':"
	     "{'app':'web'}}}}}",
	     replicas);
}

/* web-0 … web-(n - 1), of which the first `n_ready` are ready. */
void feed_slice(struct rig *rig, int n, int n_ready)
{
	_cleanup_buffer_ struct buffer endpoints = BUFFER_INIT(LIMIT_OBJECT);

	for (int i = 0; i < n; i++) {
		buffer_printf(&endpoints,
			      "%s{'addresses':['10.0.%d.%d'],'hostname':'web-%d','nodeName':'n1',"
			      "'zone':'z1','conditions':{'ready':%s},"
			      "'targetRef':{'kind':'Pod','name':'web-%d'}}",
			      i != 0 ? "," : "", i / 250, i % 250 + 1, i,
			      i < n_ready ? "true" : "false", i);
	}
	feed(rig, &kind_endpoint_slice,
	     "{'metadata':{'name':'web-1','labels':{'kubernetes.io/service-name':'web'}},"
	     "'addressType':'IPv4','endpoints':[%s],"
	     "'ports':[{'name':'http','port':80,'protocol':'TCP'}]}",
	     buffer_text(&endpoints));
}

void open_rig(struct rig *rig)
{
	struct peers_config config = {
		.clock = &rig->clock.clock,
		.domain = "cluster.local",
	};

	*rig = (struct rig){ .revision = 100 };
	clock_manual_init(&rig->clock, 1000 * NS_PER_S);
	rig->cache = config.cache = cache_new(NULL);
	rig->peers = peers_new(&config);
}

/* A headless Service of a StatefulSet of three, of which so many are ready. */
int set_up(void **state)
{
	struct rig *rig = MEM_NEW(struct rig);

	open_rig(rig);
	feed_service(rig);
	feed_set(rig, 3);
	feed_slice(rig, 3, 2);
	*state = rig;
	return 0;
}

int tear_down(void **state)
{
	struct rig *rig = *state;

	peers_free(rig->peers);
	cache_free(rig->cache);
	mem_free(rig);
	return 0;
}

/* ---- clients ---- */

struct http_loopback *send_with(struct rig *rig, const char *target, const char *accept,
				const char *last_id)
{
	const struct http_pair headers[] = { { "Accept", accept }, { "Last-Event-ID", last_id } };

	return http_loopback_send(peers_handle, rig->peers, "GET", target, headers,
				  last_id != NULL ? 2 : 1, STR_NONE, "admin", NULL);
}

struct http_loopback *send_get(struct rig *rig, const char *target)
{
	return send_with(rig, target, "*/*", NULL);
}

struct http_loopback *send_events(struct rig *rig, const char *target)
{
	return send_with(rig, target, "text/event-stream", NULL);
}

/* What the loop does after changes. */
void run(struct rig *rig)
{
	while (peers_next_due(rig->peers) <= rig->clock.now) {
		peers_run_due(rig->peers);
	}
}

void turn_clock(struct rig *rig, uint64_t ns)
{
	rig->clock.now += ns;
	run(rig);
}

json_t *read_body(struct http_loopback *client)
{
	struct json_read_error error;
	json_t *tree = NULL;

	assert_int_equal(json_read(http_loopback_body(client), NULL, &tree, &error), 0);
	return tree;
}

/* The answer must be there; ends the client. */
json_t *take_answer(struct http_loopback *client, int status)
{
	json_t *tree;

	assert_int_equal(http_loopback_status(client), status);
	assert_true(http_loopback_is_complete(client));
	tree = read_body(client);
	http_loopback_free(client);
	return tree;
}

json_t *ask(struct rig *rig, int status, const char *target)
{
	return take_answer(send_get(rig, target), status);
}

uint64_t ask_serial(struct rig *rig)
{
	_cleanup_json_ json_t *answer = ask(rig, 200, WEB);

	return (uint64_t)json_int_at(answer, "serial", 0);
}

void assert_answer(json_t *answer, bool complete, int ready, int wanted)
{
	assert_int_equal(json_bool_at(answer, "complete", !complete), complete);
	assert_int_equal(json_int_at(answer, "ready", -1), ready);
	assert_int_equal(json_int_at(answer, "wanted", -1), wanted);
	json_decref(answer);
}

const json_t *nth_peer(const json_t *answer, size_t i)
{
	return json_array_get(json_object_get(answer, "peers"), i);
}

/* How often `text` stands in what the stream has said so far. */
size_t heard(struct http_loopback *stream, const char *text)
{
	_cleanup_free_ char *body = str_dup(http_loopback_body(stream));
	size_t n = 0;

	for (const char *at = body; (at = strstr(at, text)) != NULL; at++) {
		n++;
	}
	return n;
}
