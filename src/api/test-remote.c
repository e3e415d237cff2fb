/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The remote client (client/remote.h) against the API behind a real HTTPS server, both in one loop.
 * Between them stands a door keeper that can refuse and count requests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/test-door.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/cache.h"
#include "client/client.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "http/pki.h"
#include "http/server.h"
#include "loop/loop.h"
#include "object/kinds.h"
#include "json/json.h"

enum { GUARD_SECONDS = 20 };

struct rig {
	struct loop *loop;
	struct door *door;
	struct loop_watch *store_watch;
	struct http_server *server;
	uint16_t port;
	char directory[64];
	struct pki_pair ca;
	struct pki_pair server_pair;
	struct pki_pair user;
	struct client *client;
	bool guarded; /* the guard has fired */
	/* The door keeper. */
	int refuse_status; /* of the next request whose query holds `refuse_query`; 0: none */
	const char *refuse_query;
	size_t lists;
	size_t pages; /* behind the first */
	size_t watches;
	char last_authorization[64];
};

/* ---- the server ---- */

static void refuse(struct rig *rig, struct http_exchange *exchange)
{
	struct buffer body = BUFFER_INIT(4096);

	buffer_printf(&body,
		      "{\"kind\":\"Status\",\"code\":%d,\"message\":\"not today\","
		      "\"reason\":\"Expired\"}",
		      rig->refuse_status);
	http_reply(exchange, rig->refuse_status, "application/json", &body);
	rig->refuse_status = 0;
}

static void keep_door(void *userdata, struct http_exchange *exchange)
{
	struct rig *rig = userdata;
	const char *authorization = http_header(exchange, "authorization");

	snprintf(rig->last_authorization, sizeof(rig->last_authorization), "%s",
		 authorization != NULL ? authorization : "");
	rig->watches += http_query(exchange, "watch") != NULL;
	rig->lists += http_query(exchange, "limit") != NULL;
	rig->pages += http_query(exchange, "continue") != NULL;
	if (rig->refuse_status != 0 && http_query(exchange, rig->refuse_query) != NULL) {
		refuse(rig, exchange);
	} else {
		api_handle(rig->door->api, exchange);
	}
	loop_stop(rig->loop);
}

static void open_server(struct rig *rig)
{
	const struct http_server_config config = {
		.address = "127.0.0.1",
		.port = rig->port,
		.certificate = rig->server_pair.certificate,
		.key = rig->server_pair.key,
		.client_ca = rig->ca.certificate,
		.handler = keep_door,
		.userdata = rig,
	};
	char message[256] = "";

	assert_int_equal(
		http_server_new(rig->loop, &config, message, sizeof(message), &rig->server), 0);
	rig->port = http_server_port(rig->server);
}

static void close_server(struct rig *rig)
{
	rig->server = http_server_free(rig->server);
}

static void dispatch(void *userdata, unsigned events)
{
	struct rig *rig = userdata;

	store_dispatch(rig->door->store);
	loop_stop(rig->loop);
}

static void make_keys(struct rig *rig)
{
	static const char *const addresses[] = { "127.0.0.1", NULL };
	const struct pki_request server = {
		.common_name = "server", .addresses = addresses, .server = 1, .days = 1
	};
	const struct pki_request user = { .common_name = "ada",
					  .organization = "system:masters",
					  .days = 1 };

	snprintf(rig->directory, sizeof(rig->directory), "/tmp/test-remote-XXXXXX");
	assert_non_null(mkdtemp(rig->directory));
	assert_int_equal(pki_ca(rig->directory, "ca", "test-ca", &rig->ca), 0);
	assert_int_equal(pki_issue(&rig->ca, &server, &rig->server_pair), 0);
	assert_int_equal(pki_issue(&rig->ca, &user, &rig->user), 0);
}

static void remove_keys(struct rig *rig)
{
	static const char *const names[] = { "ca.crt", "ca.key", "token" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = mem_printf("%s/%s", rig->directory, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(rig->directory);
	pki_pair_deinit(&rig->ca);
	pki_pair_deinit(&rig->server_pair);
	pki_pair_deinit(&rig->user);
}

static struct client *connect_as(struct rig *rig, const char *ca, const char *token)
{
	struct kubeconfig config = {
		.server = mem_printf("https://127.0.0.1:%u", rig->port),
		.ca = { .text = mem_strdup(ca) },
		.token = mem_strdup(token),
	};
	struct client *client;

	if (token == NULL) {
		config.certificate.text = mem_strdup(rig->user.certificate);
		config.key.text = mem_strdup(rig->user.key);
	}
	assert_int_equal(remote_client_new(rig->loop, &config, &client), 0);
	kubeconfig_deinit(&config);
	return client;
}

static int setup(void **state)
{
	struct rig *rig = MEM_NEW(struct rig);

	assert_int_equal(loop_new(&rig->loop), 0);
	rig->door = door_new(NULL);
	make_keys(rig);
	assert_int_equal(loop_watch_new(rig->loop, store_fd(rig->door->store), LOOP_READ, dispatch,
					rig, &rig->store_watch),
			 0);
	open_server(rig);
	rig->client = connect_as(rig, rig->ca.certificate, NULL);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	client_free(rig->client);
	if (rig->server != NULL) {
		api_end_watches(rig->door->api);
	}
	close_server(rig);
	loop_run_once(rig->loop);
	loop_watch_free(rig->store_watch);
	door_free(rig->door);
	loop_free(rig->loop);
	remove_keys(rig);
	mem_free(rig);
	return 0;
}

static void guard_fired(void *userdata)
{
	struct rig *rig = userdata;

	rig->guarded = true;
	loop_stop(rig->loop);
}

/* Runs the loop until `condition`; everything that can change it stops the loop once. */
#define until(rig, condition)                                                                      \
	do {                                                                                       \
		struct loop_timer *guard = loop_timer_new((rig)->loop, guard_fired, (rig));        \
		loop_timer_set(guard, GUARD_SECONDS *NS_PER_S);                                    \
		while (!(condition) && !(rig)->guarded) {                                          \
			assert_int_equal(loop_run((rig)->loop), 0);                                \
		}                                                                                  \
		loop_timer_free(guard);                                                            \
		assert_true(condition);                                                            \
	} while (0)

/* ---- requests ---- */

struct answer {
	struct rig *rig;
	bool there;
	int code;
	char reason[64];
	char message[512];
	json_t *tree;
};

static void answered(void *userdata, const struct client_response *response)
{
	struct answer *answer = userdata;

	assert_false(answer->there);
	answer->there = true;
	answer->code = response->code;
	snprintf(answer->reason, sizeof(answer->reason), "%s",
		 response->reason != NULL ? response->reason : "");
	snprintf(answer->message, sizeof(answer->message), "%s",
		 response->message != NULL ? response->message : "");
	answer->tree = response->object != NULL
			       ? json_incref((json_t *)object_tree(response->object))
			       : NULL;
	loop_stop(answer->rig->loop);
}

static struct answer ask(struct rig *rig, struct client *client,
			 const struct client_request *request, const char *body)
{
	struct answer answer = { .rig = rig };
	struct client_request filled = *request;
	struct json_read_error error;
	json_t *tree = NULL;

	if (body != NULL) {
		assert_int_equal(json_read(str_from(quoted(body)), NULL, &tree, &error), 0);
	}
	filled.body = tree;
	client_request(client, &filled, answered, &answer);
	json_decref(tree);
	until(rig, answer.there);
	return answer;
}

static struct client_request of_map(enum client_verb verb, struct str name)
{
	return (struct client_request){
		.verb = verb,
		.kind = &kind_config_map,
		.space = STR("default"),
		.name = name,
	};
}

static void every_verb_reaches_the_server(void **state)
{
	struct rig *rig = *state;
	struct client_request request = of_map(CLIENT_CREATE, STR_NONE);
	struct answer answer =
		ask(rig, rig->client, &request, "{'metadata':{'name':'one'},'data':{'a':'1'}}");
	assert_int_equal(answer.code, 201);
	expect_text(answer.tree, "data.a", "1");
	json_decref(answer.tree);

	request = of_map(CLIENT_PATCH_MERGE, STR("one"));
	answer = ask(rig, rig->client, &request, "{'data':{'b':'2'}}");
	assert_int_equal(answer.code, 200);
	expect_text(answer.tree, "data.a", "1");
	expect_text(answer.tree, "data.b", "2");
	json_decref(answer.tree);

	request = of_map(CLIENT_PATCH_STRATEGIC, STR("one"));
	answer = ask(rig, rig->client, &request, "{'data':{'a':null}}");
	assert_int_equal(answer.code, 200);
	json_decref(answer.tree);

	request = of_map(CLIENT_GET, STR("one"));
	answer = ask(rig, rig->client, &request, NULL);
	assert_int_equal(answer.code, 200);
	expect_text(answer.tree, "data.a", "");
	expect_text(answer.tree, "data.b", "2");
	json_decref(answer.tree);

	request = of_map(CLIENT_UPDATE, STR("one"));
	answer = ask(rig, rig->client, &request, "{'metadata':{'name':'one'},'data':{'c':'3'}}");
	assert_int_equal(answer.code, 200);
	expect_text(answer.tree, "data.b", "");
	json_decref(answer.tree);

	request = of_map(CLIENT_DELETE, STR("one"));
	answer = ask(rig, rig->client, &request, NULL);
	assert_int_equal(answer.code, 200);
	json_decref(answer.tree);
}

static void subresources_reach_the_server(void **state)
{
	struct rig *rig = *state;
	struct client_request request = { .verb = CLIENT_CREATE,
					  .kind = &kind_pod,
					  .space = STR("default") };
	struct answer answer =
		ask(rig, rig->client, &request,
		    "{'metadata':{'name':'p'},'spec':{'containers':[{'name':'c','image':'i'}]}}");
	assert_int_equal(answer.code, 201);
	json_decref(answer.tree);

	request.name = STR("p");
	request.subresource = "binding";
	answer = ask(rig, rig->client, &request,
		     "{'metadata':{'name':'p'},'target':{'kind':'Node','name':'node01'}}");
	assert_int_equal(answer.code, 201);
	assert_null(answer.tree);

	request.verb = CLIENT_PATCH_MERGE;
	request.subresource = "status";
	answer = ask(rig, rig->client, &request, "{'status':{'phase':'Running'}}");
	assert_int_equal(answer.code, 200);
	expect_text(answer.tree, "status.phase", "Running");
	expect_text(answer.tree, "spec.nodeName", "node01");
	json_decref(answer.tree);
}

static void a_refusal_has_its_reason_and_message(void **state)
{
	struct rig *rig = *state;
	struct client_request request = of_map(CLIENT_GET, STR("none"));
	struct answer answer = ask(rig, rig->client, &request, NULL);

	assert_int_equal(answer.code, 404);
	assert_string_equal(answer.reason, "NotFound");
	assert_string_equal(answer.message, "configmaps \"none\" not found");
	assert_null(answer.tree);
}

static void a_server_that_is_away_is_code_0(void **state)
{
	struct rig *rig = *state;
	struct client_request request = of_map(CLIENT_GET, STR("none"));

	close_server(rig);
	struct answer answer = ask(rig, rig->client, &request, NULL);
	assert_int_equal(answer.code, 0);
	assert_non_null(strstr(answer.message, "https://127.0.0.1:"));
}

static void a_server_of_another_ca_is_not_believed(void **state)
{
	struct rig *rig = *state;
	struct client_request request = of_map(CLIENT_GET, STR("none"));
	struct pki_pair other;
	_cleanup_free_ char *directory = mem_printf("%s/other", rig->directory);
	_cleanup_free_ char *certificate = mem_printf("%s/ca.crt", directory);
	_cleanup_free_ char *key = mem_printf("%s/ca.key", directory);

	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(pki_ca(directory, "ca", "other", &other), 0);
	struct client *client = connect_as(rig, other.certificate, NULL);
	struct answer answer = ask(rig, client, &request, NULL);
	assert_int_equal(answer.code, 0);
	assert_non_null(strstr(answer.message, "certificate"));
	client_free(client);
	pki_pair_deinit(&other);
	(void)unlink(certificate);
	(void)unlink(key);
	(void)rmdir(directory);
}

static void a_token_is_shown_and_a_wrong_one_is_401(void **state)
{
	struct rig *rig = *state;
	struct client_request request = of_map(CLIENT_GET, STR("none"));
	struct client *client = connect_as(rig, rig->ca.certificate, "open-sesame");
	struct answer answer = ask(rig, client, &request, NULL);

	assert_int_equal(answer.code, 404);
	assert_string_equal(rig->last_authorization, "Bearer open-sesame");
	client_free(client);
	client = connect_as(rig, rig->ca.certificate, "guess");
	answer = ask(rig, client, &request, NULL);
	assert_int_equal(answer.code, 401);
	assert_string_equal(answer.reason, "Unauthorized");
	client_free(client);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void a_token_file_is_read_again_after_a_401(void **state)
{
	struct rig *rig = *state;
	struct client_request request = of_map(CLIENT_GET, STR("none"));
	_cleanup_free_ char *path = mem_printf("%s/token", rig->directory);
	struct kubeconfig config = {
		.server = mem_printf("https://127.0.0.1:%u", rig->port),
		.ca = { .text = mem_strdup(rig->ca.certificate) },
		.token_file = mem_strdup(path),
	};
	struct client *client;

	write_file(path, "stale\n");
	assert_int_equal(remote_client_new(rig->loop, &config, &client), 0);
	kubeconfig_deinit(&config);
	struct answer answer = ask(rig, client, &request, NULL);
	assert_int_equal(answer.code, 401);
	write_file(path, "open-sesame\n");
	answer = ask(rig, client, &request, NULL);
	assert_int_equal(answer.code, 404);
	client_free(client);
}

static void requests_under_way_are_answered_at_the_end(void **state)
{
	struct rig *rig = *state;
	struct client_request request = of_map(CLIENT_GET, STR("none"));
	struct answer answer = { .rig = rig };

	client_request(rig->client, &request, answered, &answer);
	assert_false(answer.there);
	rig->client = client_free(rig->client);
	assert_true(answer.there);
	assert_int_equal(answer.code, 0);
}

/* ---- watches ---- */

struct seen {
	struct rig *rig;
	struct cache *cache;
	int appeared;
	int went;
};

static void map_changed(void *userdata, struct object *old, struct object *now)
{
	struct seen *seen = userdata;

	seen->appeared += old == NULL;
	seen->went += now == NULL;
	loop_stop(seen->rig->loop);
}

static void advanced(void *userdata, const struct kind *kind)
{
	struct seen *seen = userdata;

	loop_stop(seen->rig->loop);
}

static void connection_changed(void *userdata)
{
	struct seen *seen = userdata;

	loop_stop(seen->rig->loop);
}

static void look(struct rig *rig, struct seen *seen)
{
	*seen = (struct seen){ .rig = rig, .cache = cache_new(rig->client) };
	cache_on_advance(seen->cache, advanced, seen);
	cache_on_connection(seen->cache, connection_changed, seen);
	cache_subscribe(seen->cache, &kind_config_map, map_changed, seen);
	until(rig, cache_is_synced(seen->cache));
}

static void create_map(struct rig *rig, const char *name)
{
	char body[128];

	snprintf(body, sizeof(body), "{'metadata':{'name':'%s'}}", name);
	json_decref(door_post(rig->door, 201, "/api/v1/namespaces/default/configmaps", body));
}

static void delete_map(struct rig *rig, const char *name)
{
	char target[128];

	snprintf(target, sizeof(target), "/api/v1/namespaces/default/configmaps/%s", name);
	json_decref(door_delete(rig->door, 200, target, NULL));
}

static bool holds(const struct seen *seen, const char *name)
{
	return cache_get(seen->cache, &kind_config_map, STR("default"), str_from(name)) != NULL;
}

static void a_watch_lists_and_follows(void **state)
{
	struct rig *rig = *state;
	struct seen seen;

	create_map(rig, "m0");
	look(rig, &seen);
	assert_true(holds(&seen, "m0"));
	create_map(rig, "m1");
	until(rig, holds(&seen, "m1"));
	delete_map(rig, "m0");
	until(rig, !holds(&seen, "m0"));
	assert_true(cache_lost(seen.cache) == 0);
	assert_int_equal(rig->lists, 1);
	cache_free(seen.cache);
}

static void a_long_list_comes_in_pages(void **state)
{
	struct rig *rig = *state;
	struct seen seen;
	char name[32];
	int n = 2 * LIMIT_REMOTE_PAGE + 3;

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "map-%d", i);
		create_map(rig, name);
	}
	look(rig, &seen);
	assert_int_equal(seen.appeared, n);
	assert_int_equal(rig->lists, 3);
	assert_int_equal(rig->pages, 2);
	cache_free(seen.cache);
}

static void a_page_that_expired_brings_the_list_in_one_piece(void **state)
{
	struct rig *rig = *state;
	struct seen seen;
	char name[32];
	int n = LIMIT_REMOTE_PAGE + 1;

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "map-%d", i);
		create_map(rig, name);
	}
	rig->refuse_status = 410;
	rig->refuse_query = "continue";
	look(rig, &seen);
	assert_int_equal(seen.appeared, n);
	assert_int_equal(rig->lists, 3);
	assert_int_equal(rig->pages, 1);
	cache_free(seen.cache);
}

static void what_went_during_a_gap_is_removed_and_nothing_else_flickers(void **state)
{
	struct rig *rig = *state;
	struct seen seen;

	create_map(rig, "m0");
	create_map(rig, "m1");
	look(rig, &seen);
	close_server(rig);
	until(rig, cache_lost(seen.cache) == 1);
	assert_true(holds(&seen, "m0") && holds(&seen, "m1"));
	delete_map(rig, "m0");
	create_map(rig, "m2");
	/* Whatever the watch could have gone on with is forgotten. */
	rig->refuse_status = 410;
	rig->refuse_query = "watch";
	open_server(rig);
	until(rig, cache_lost(seen.cache) == 0);
	assert_false(holds(&seen, "m0"));
	assert_true(holds(&seen, "m1") && holds(&seen, "m2"));
	assert_int_equal(seen.appeared, 3);
	assert_int_equal(seen.went, 1);
	assert_int_equal(rig->lists, 2);
	cache_free(seen.cache);
}

static void a_broken_watch_goes_on_where_it_was(void **state)
{
	struct rig *rig = *state;
	struct seen seen;

	create_map(rig, "m0");
	look(rig, &seen);
	close_server(rig);
	until(rig, cache_lost(seen.cache) == 1);
	delete_map(rig, "m0");
	create_map(rig, "m1");
	open_server(rig);
	until(rig, cache_lost(seen.cache) == 0 && holds(&seen, "m1"));
	assert_false(holds(&seen, "m0"));
	assert_int_equal(rig->lists, 1);
	cache_free(seen.cache);
}

static void a_server_without_its_past_brings_a_new_list(void **state)
{
	struct rig *rig = *state;
	struct seen seen;

	create_map(rig, "m0");
	create_map(rig, "m1");
	create_map(rig, "m2");
	look(rig, &seen);
	close_server(rig);
	until(rig, cache_lost(seen.cache) == 1);
	rig->store_watch = loop_watch_free(rig->store_watch);
	door_free(rig->door);
	rig->door = door_new(NULL);
	assert_int_equal(loop_watch_new(rig->loop, store_fd(rig->door->store), LOOP_READ, dispatch,
					rig, &rig->store_watch),
			 0);
	open_server(rig);
	create_map(rig, "m5");
	until(rig, holds(&seen, "m5") && !holds(&seen, "m0"));
	assert_false(holds(&seen, "m1") || holds(&seen, "m2"));
	cache_free(seen.cache);
}

static void an_error_of_the_server_is_tried_again(void **state)
{
	struct rig *rig = *state;
	struct seen seen;

	create_map(rig, "m0");
	rig->refuse_status = 500;
	rig->refuse_query = "limit";
	look(rig, &seen);
	assert_true(holds(&seen, "m0"));
	assert_int_equal(rig->lists, 2);
	cache_free(seen.cache);
}

static void a_selector_selects(void **state)
{
	struct rig *rig = *state;
	struct answer found = { .rig = rig };
	struct client_watch *watch;
	static const struct client_sink nothing = { 0 };

	rig->refuse_status = 500;
	rig->refuse_query = "labelSelector";
	watch = client_watch(rig->client, &kind_config_map, "app in (a,b)", &nothing, &found);
	until(rig, rig->watches == 1);
	assert_int_equal(rig->lists, 2);
	client_unwatch(watch);
}

static void fields_select_too(void **state)
{
	struct rig *rig = *state;
	struct answer found = { .rig = rig };
	struct client_watch *watch;
	static const struct client_sink nothing = { 0 };

	rig->refuse_status = 500;
	rig->refuse_query = "fieldSelector";
	watch = client_watch_fields(rig->client, &kind_config_map, NULL, "metadata.name=m0",
				    &nothing, &found);
	until(rig, rig->watches == 1);
	assert_int_equal(rig->lists, 2);
	client_unwatch(watch);
}

/* ---- a sink that has had enough ---- */

struct fickle {
	struct rig *rig;
	struct client_watch *watch;
	int calls;
};

static void leave_at_once(void *userdata, struct object *object)
{
	struct fickle *fickle = userdata;

	fickle->calls++;
	fickle->watch = client_unwatch(fickle->watch);
	loop_stop(fickle->rig->loop);
}

static void a_watch_may_end_inside_its_own_call(void **state)
{
	static const struct client_sink sink = { .changed = leave_at_once };
	struct rig *rig = *state;
	struct fickle fickle = { .rig = rig };

	create_map(rig, "m0");
	create_map(rig, "m1");
	fickle.watch = client_watch(rig->client, &kind_config_map, NULL, &sink, &fickle);
	until(rig, fickle.watch == NULL);
	loop_run_once(rig->loop);
	assert_int_equal(fickle.calls, 1);
}

#define REMOTE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		REMOTE_TEST(every_verb_reaches_the_server),
		REMOTE_TEST(subresources_reach_the_server),
		REMOTE_TEST(a_refusal_has_its_reason_and_message),
		REMOTE_TEST(a_server_that_is_away_is_code_0),
		REMOTE_TEST(a_server_of_another_ca_is_not_believed),
		REMOTE_TEST(a_token_is_shown_and_a_wrong_one_is_401),
		REMOTE_TEST(a_token_file_is_read_again_after_a_401),
		REMOTE_TEST(requests_under_way_are_answered_at_the_end),
		REMOTE_TEST(a_watch_lists_and_follows),
		REMOTE_TEST(a_long_list_comes_in_pages),
		REMOTE_TEST(a_page_that_expired_brings_the_list_in_one_piece),
		REMOTE_TEST(what_went_during_a_gap_is_removed_and_nothing_else_flickers),
		REMOTE_TEST(a_broken_watch_goes_on_where_it_was),
		REMOTE_TEST(a_server_without_its_past_brings_a_new_list),
		REMOTE_TEST(an_error_of_the_server_is_tried_again),
		REMOTE_TEST(a_selector_selects),
		REMOTE_TEST(fields_select_too),
		REMOTE_TEST(a_watch_may_end_inside_its_own_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
