/* SPDX-License-Identifier: Apache-2.0 */
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
#include "ops/test-peers-rig.h"
#include "json/json.h"

/* ---- what is answered ---- */

static void an_answer_has_all_that_dns_has(void **state)
{
	_cleanup_json_ json_t *answer = ask(*state, 200, WEB);
	_cleanup_json_ json_t *expected = json_pack(
		"{s:s, s:i, s:s, s:s, s:[s], s:[{s:s, s:i, s:s}], s:s, s:s, s:b, s:b, s:b}", "name",
		"web-1", "ordinal", 1, "hostname", "web-1", "fqdn",
		"web-1.web.default.svc.cluster.local", "addresses", "10.0.0.2", "ports", "name",
		"http", "port", 80, "protocol", "TCP", "node", "n1", "zone", "z1", "ready", 1,
		"serving", 1, "terminating", 0);

	assert_true(json_equal(nth_peer(answer, 1), expected));
	assert_false(json_bool_at(nth_peer(answer, 2), "ready", true));
	assert_int_equal(json_array_size(json_object_get(answer, "peers")), 3);
	assert_string_equal(json_string_at(answer, "service"), "web");
	assert_string_equal(json_string_at(answer, "namespace"), "default");
	assert_int_equal(json_int_at(answer, "serial", 0), 103);
	assert_answer(json_incref(answer), false, 2, 3);
}

static void peers_come_in_the_order_of_their_ordinals(void **state)
{
	struct rig *rig = *state;

	feed_slice(rig, 12, 12);
	_cleanup_json_ json_t *answer = ask(rig, 200, WEB);
	for (int i = 0; i < 12; i++) {
		assert_int_equal(json_int_at(nth_peer(answer, (size_t)i), "ordinal", -1), i);
	}
}

static void a_pod_of_two_families_is_one_peer_when_both_say_so(void **state)
{
	struct rig *rig = *state;
	static const char slice[] =
		"{'metadata':{'name':'web-6','labels':{'kubernetes.io/service-name':'web'}},"
		"'addressType':'IPv6','endpoints':[{'addresses':['fd00::1'],'hostname':'web-0',"
		"'conditions':{'ready':%s},'targetRef':{'kind':'Pod','name':'web-0'}}]}";

	feed(rig, &kind_endpoint_slice, slice, "false");
	assert_answer(ask(rig, 200, WEB), false, 1, 3);
	feed(rig, &kind_endpoint_slice, slice, "true");
	_cleanup_json_ json_t *answer = ask(rig, 200, WEB);
	_cleanup_json_ json_t *both = json_pack("[s, s]", "10.0.0.1", "fd00::1");
	assert_true(json_equal(json_object_get(nth_peer(answer, 0), "addresses"), both));
	assert_answer(json_incref(answer), false, 2, 3);
}

static void a_pod_that_moves_between_slices_is_what_the_newest_says(void **state)
{
	struct rig *rig = *state;

	feed(rig, &kind_endpoint_slice,
	     "{'metadata':{'name':'web-2','labels':{'kubernetes.io/service-name':'web'}},"
	     "'addressType':'IPv4','endpoints':[{'addresses':['10.0.0.3'],'hostname':'web-2',"
	     "'conditions':{'ready':true},'targetRef':{'kind':'Pod','name':'web-2'}}]}");
	assert_answer(ask(rig, 200, WEB), true, 3, 3);
}

static void endpoints_without_a_pod_are_called_by_hostname_or_address(void **state)
{
	struct rig *rig = *state;

	feed(rig, &kind_service, "{'metadata':{'name':'db'},'spec':{'clusterIP':'None'}}");
	feed(rig, &kind_endpoint_slice,
	     "{'metadata':{'name':'db-1','labels':{'kubernetes.io/service-name':'db'}},"
	     "'addressType':'IPv4','endpoints':[{'addresses':['192.0.2.2']},"
	     "{'addresses':['192.0.2.1'],'hostname':'main'}]}");
	_cleanup_json_ json_t *answer = ask(rig, 200, "/peers/default/db");
	assert_string_equal(json_string_at(nth_peer(answer, 0), "name"), "192-0-2-2");
	assert_string_equal(json_string_at(nth_peer(answer, 0), "fqdn"),
			    "192-0-2-2.db.default.svc.cluster.local");
	assert_true(json_is_null(json_object_get(nth_peer(answer, 0), "ordinal")));
	assert_string_equal(json_string_at(nth_peer(answer, 1), "name"), "main");
	assert_answer(json_incref(answer), true, 2, 2);
}

/* ---- how many are wanted ---- */

static void a_workload_says_how_many_are_wanted(void **state)
{
	struct rig *rig = *state;

	feed_set(rig, 2);
	assert_answer(ask(rig, 200, WEB), true, 2, 2);
	feed(rig, &kind_deployment,
	     "{'metadata':{'name':'more'},'spec':{'replicas':4,'template':{'metadata':{'labels':"
	     "{'app':'web'}}}}}");
	assert_answer(ask(rig, 200, WEB), false, 2, 6);
	cache_unfeed(rig->cache, &kind_deployment, STR("default"), STR("more"));
	cache_unfeed(rig->cache, &kind_stateful_set, STR("default"), STR("web"));
	assert_answer(ask(rig, 200, WEB), true, 2, 1);
}

static void without_a_workload_the_pods_are_counted(void **state)
{
	struct rig *rig = *state;

	cache_unfeed(rig->cache, &kind_stateful_set, STR("default"), STR("web"));
	assert_answer(ask(rig, 200, WEB), true, 2, 1);
	for (int i = 0; i < 4; i++) {
		feed(rig, &kind_pod, "{'metadata':{'name':'p%d','labels':{'app':'%s'}}}", i,
		     i < 3 ? "web" : "other");
	}
	assert_answer(ask(rig, 200, WEB), false, 2, 3);
	feed(rig, &kind_pod,
	     "{'metadata':{'name':'p0','labels':{'app':'web'}},"
	     "'status':{'phase':'Succeeded'}}");
	assert_answer(ask(rig, 200, WEB), true, 2, 2);
}

static void pods_above_the_size_of_a_shrinking_set_do_not_count(void **state)
{
	struct rig *rig = *state;

	feed(rig, &kind_endpoint_slice,
	     "{'metadata':{'name':'web-1','labels':{'kubernetes.io/service-name':'web'}},"
	     "'addressType':'IPv4','endpoints':["
	     "{'addresses':['10.0.0.1'],'hostname':'web-0','conditions':{'ready':true}},"
	     "{'addresses':['10.0.0.2'],'hostname':'web-1','conditions':{'ready':false}},"
	     "{'addresses':['10.0.0.3'],'hostname':'web-2','conditions':{'ready':true}}]}");
	feed_set(rig, 2);
	assert_answer(ask(rig, 200, WEB), false, 2, 2);
	assert_answer(ask(rig, 200, WEB "?count=2"), true, 2, 2);
}

static void who_is_going_away_is_not_ready(void **state)
{
	struct rig *rig = *state;

	feed(rig, &kind_endpoint_slice,
	     "{'metadata':{'name':'web-1','labels':{'kubernetes.io/service-name':'web'}},"
	     "'addressType':'IPv4','endpoints':[{'addresses':['10.0.0.1'],'hostname':'web-0',"
	     "'conditions':{'ready':true,'serving':true,'terminating':true}}]}");
	assert_answer(ask(rig, 200, WEB "?count=1"), false, 0, 1);
}

/* ---- waiting ---- */

static void a_complete_set_is_answered_at_once(void **state)
{
	struct rig *rig = *state;

	feed_slice(rig, 3, 3);
	assert_answer(ask(rig, 200, WEB "?wait=complete"), true, 3, 3);
	assert_int_equal(rig->peers->n_waiters, 0);
}

static void whoever_waits_is_answered_when_the_last_peer_is_ready(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *client = send_get(rig, WEB "?wait=complete");
	struct http_loopback *quorum = send_get(rig, WEB "?wait=complete&count=4");

	assert_int_equal(http_loopback_status(client), 0);
	feed_slice(rig, 3, 3);
	/* Not from within the change: others have still to see it. */
	assert_int_equal(http_loopback_status(client), 0);
	run(rig);
	assert_answer(take_answer(client, 200), true, 3, 3);
	assert_int_equal(http_loopback_status(quorum), 0);
	feed_slice(rig, 4, 4);
	run(rig);
	assert_answer(take_answer(quorum, 200), true, 4, 4);
}

static void a_set_is_complete_too_when_less_are_wanted(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *client = send_get(rig, WEB "?wait=complete");

	feed_set(rig, 2);
	run(rig);
	assert_answer(take_answer(client, 200), true, 2, 2);
}

static void a_service_may_come_later(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *client = send_get(rig, "/peers/default/late?wait=complete");

	assert_int_equal(http_loopback_status(client), 0);
	feed(rig, &kind_endpoint_slice,
	     "{'metadata':{'name':'late-1','labels':{'kubernetes.io/service-name':'late'}},"
	     "'addressType':'IPv4','endpoints':[{'addresses':['192.0.2.2']}]}");
	run(rig);
	assert_int_equal(http_loopback_status(client), 0);
	feed(rig, &kind_service, "{'metadata':{'name':'late'},'spec':{'clusterIP':'None'}}");
	run(rig);
	assert_answer(take_answer(client, 200), true, 1, 1);
}

static void whoever_has_seen_a_serial_is_answered_when_it_is_over(void **state)
{
	struct rig *rig = *state;
	uint64_t serial = ask_serial(rig);
	char target[100];

	snprintf(target, sizeof(target), WEB "?wait=changed&serial=%" PRIu64, serial);
	struct http_loopback *client = send_get(rig, target);
	struct http_loopback *fresh = send_get(rig, WEB "?wait=changed");

	/* The slice is written again and says the same; the Service gets another label. */
	feed_slice(rig, 3, 2);
	feed_service(rig);
	run(rig);
	assert_int_equal(http_loopback_status(client), 0);
	assert_int_equal(ask_serial(rig), serial);
	feed_slice(rig, 3, 3);
	run(rig);
	json_decref(take_answer(fresh, 200));
	_cleanup_json_ json_t *answer = take_answer(client, 200);
	assert_int_equal(json_int_at(answer, "serial", 0), rig->revision);
	/* From now on that serial is answered at once. */
	json_decref(ask(rig, 200, target));
}

static void a_serial_survives_a_restart(void **state)
{
	struct rig *rig = *state;
	uint64_t serial = ask_serial(rig);
	struct peers_config config = { .cache = rig->cache,
				       .clock = &rig->clock.clock,
				       .domain = "cluster.local" };

	peers_free(rig->peers);
	rig->peers = peers_new(&config);
	assert_int_equal(ask_serial(rig), serial);
}

/* What is left after a restart may be older than the last change, when that took a slice away. */
static void a_serial_never_goes_back_for_whoever_has_seen_it(void **state)
{
	struct rig *rig = *state;
	uint64_t newest = rig->revision + 10;

	feed(rig, &kind_service, "{'metadata':{'name':'other'},'spec':{}}");
	rig->revision = newest;
	feed(rig, &kind_service, "{'metadata':{'name':'third'},'spec':{}}");
	assert_true(ask_serial(rig) < newest);
	char target[100];
	snprintf(target, sizeof(target), WEB "?serial=%" PRIu64 "&timeout=0", newest);
	_cleanup_json_ json_t *answer = ask(rig, 200, target);
	assert_true(json_int_at(answer, "serial", 0) > (json_int_t)newest);
	/* A serial from another world lifts nothing. */
	json_decref(ask(rig, 200, WEB "?serial=99999999&timeout=0"));
	assert_int_equal(ask_serial(rig), json_int_at(answer, "serial", 0));
}

static void a_removed_slice_is_a_change(void **state)
{
	struct rig *rig = *state;
	uint64_t serial = ask_serial(rig);
	struct http_loopback *client = send_get(rig, WEB "?wait=changed");

	cache_unfeed(rig->cache, &kind_endpoint_slice, STR("default"), STR("web-1"));
	run(rig);
	_cleanup_json_ json_t *answer = take_answer(client, 200);
	assert_int_equal(json_array_size(json_object_get(answer, "peers")), 0);
	assert_true(json_int_at(answer, "serial", 0) > (json_int_t)serial);
}

static void a_set_that_is_not_complete_in_time_is_no_success(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *client = send_get(rig, WEB "?wait=complete&timeout=30s");
	struct http_loopback *absent =
		send_get(rig, "/peers/default/absent?wait=complete&timeout=30s");

	turn_clock(rig, 29 * NS_PER_S);
	assert_int_equal(http_loopback_status(client), 0);
	turn_clock(rig, 2 * NS_PER_S);
	_cleanup_json_ json_t *status = take_answer(client, 504);
	assert_string_equal(json_string_at(status, "reason"), "Timeout");
	assert_string_equal(json_string_at(status, "message"),
			    "2 of 3 peers of service \"web\" are ready");
	json_decref(take_answer(absent, 504));
	assert_int_equal(rig->peers->n_waiters, 0);
	assert_int_equal(peers_next_due(rig->peers), UINT64_MAX);
}

static void a_set_that_has_not_changed_in_time_is_told_as_it_is(void **state)
{
	struct rig *rig = *state;
	uint64_t serial = ask_serial(rig);
	struct http_loopback *client = send_get(rig, WEB "?wait=changed&timeout=1m");

	turn_clock(rig, 61 * NS_PER_S);
	_cleanup_json_ json_t *answer = take_answer(client, 200);
	assert_int_equal(json_int_at(answer, "serial", 0), serial);
}

static void a_service_that_is_not_there_is_not_found(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *client = send_get(rig, WEB "?wait=changed");

	_cleanup_json_ json_t *status = ask(rig, 404, "/peers/default/nobody");
	assert_string_equal(json_string_at(status, "message"), "services \"nobody\" not found");
	assert_string_equal(json_string_at(status, "details.kind"), "services");
	cache_unfeed(rig->cache, &kind_service, STR("default"), STR("web"));
	run(rig);
	json_decref(take_answer(client, 404));
	assert_int_equal(rig->peers->sets.n, 0);
}

static void nothing_is_absent_before_everything_is_read(void **state)
{
	struct rig rig;

	open_rig(&rig);
	struct http_loopback *now = send_get(&rig, WEB);
	struct http_loopback *late = send_get(&rig, WEB "?timeout=1s");
	assert_int_equal(http_loopback_status(now), 0);
	turn_clock(&rig, 2 * NS_PER_S);
	json_decref(take_answer(late, 503));
	feed_service(&rig);
	feed_slice(&rig, 1, 1);
	run(&rig);
	assert_answer(take_answer(now, 200), true, 1, 1);
	peers_free(rig.peers);
	cache_free(rig.cache);
}

static void bad_questions_are_told_what_is_wrong(void **state)
{
	static const struct {
		int status;
		const char *target;
		const char *said;
	} rows[] = {
		{ 404, "/peers", "/peers/NAMESPACE/SERVICE" },
		{ 404, "/peers/default", "/peers/NAMESPACE/SERVICE" },
		{ 404, "/peers/default/web/more", "/peers/NAMESPACE/SERVICE" },
		{ 400, "/peers/default/Web", "\"Web\"" },
		{ 400, WEB "?wiat=complete", "\"wiat\"" },
		{ 400, WEB "?wait=ready", "wait: \"ready\"" },
		{ 400, WEB "?count=-1", "count: \"-1\"" },
		{ 400, WEB "?count=1000000", "count: \"1000000\"" },
		{ 400, WEB "?serial=x", "serial: \"x\"" },
		{ 400, WEB "?timeout=11m", "at most 10m" },
		{ 400, WEB "?timeout=30", "timeout: \"30\"" },
		{ 400, "/peers/default/alias", "ExternalName" },
	};
	struct rig *rig = *state;

	feed(rig, &kind_service,
	     "{'metadata':{'name':'alias'},'spec':{'type':'ExternalName','externalName':'a.b'}}");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_json_ json_t *status = ask(rig, rows[i].status, rows[i].target);
		assert_non_null(strstr(json_string_at(status, "message"), rows[i].said));
		assert_string_equal(json_string_at(status, "kind"), "Status");
	}
	struct http_loopback *post = http_loopback_send(peers_handle, rig->peers, "POST", WEB, NULL,
							0, STR_NONE, "admin", NULL);
	json_decref(take_answer(post, 405));
}

/* ---- streams ---- */

static void a_stream_tells_what_is_and_every_change(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *stream = send_events(rig, WEB);

	assert_int_equal(http_loopback_status(stream), 200);
	assert_string_equal(http_loopback_header(stream, "content-type"), "text/event-stream");
	assert_int_equal(heard(stream, "id: 103\ndata: {\"service\":\"web\""), 1);
	feed_slice(rig, 3, 3);
	run(rig);
	assert_int_equal(heard(stream, "id: 104\n"), 1);
	assert_int_equal(heard(stream, "\"complete\":true"), 1);
	assert_int_equal(heard(stream, "]}\n\n"), 2);
	/* More are wanted: the set is the same, what is said of it is not. */
	feed_set(rig, 5);
	run(rig);
	assert_int_equal(heard(stream, "id: 104\n"), 2);
	assert_int_equal(heard(stream, "\"complete\":false,\"ready\":3,\"wanted\":5"), 1);
	assert_false(http_loopback_is_complete(stream));
	http_loopback_free(stream);
	assert_int_equal(rig->peers->n_waiters, 0);
}

static void a_slow_reader_skips_to_how_it_is_now(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *stream = send_events(rig, WEB);

	for (int n = 4; n <= 50; n++) {
		feed_slice(rig, n, n);
		turn_clock(rig, NS_PER_S / 10);
	}
	assert_int_equal(heard(stream, "data: "), 2);
	assert_int_equal(heard(stream, "\"ready\":50"), 1);
	assert_int_equal(rig->peers->answer_bytes,
			 rig->peers->sets.root != NULL
				 ? set_find(rig->peers, STR("default"), STR("web"))->answer->n
				 : 0);
	http_loopback_free(stream);
}

static void a_stream_goes_on_where_its_client_was(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *seen = send_with(rig, WEB, "text/event-stream", "103");
	struct http_loopback *behind = send_with(rig, WEB, "text/event-stream", "90");

	assert_int_equal(heard(seen, "data: "), 0);
	assert_int_equal(heard(behind, "id: 103\n"), 1);
	feed_slice(rig, 3, 3);
	run(rig);
	assert_int_equal(heard(seen, "id: 104\n"), 1);
	assert_int_equal(heard(behind, "id: 104\n"), 1);
	http_loopback_free(seen);
	http_loopback_free(behind);
	json_decref(take_answer(send_with(rig, WEB, "text/event-stream", "x"), 400));
	json_decref(take_answer(send_events(rig, WEB "?wait=none"), 400));
}

static void a_stream_may_tell_complete_sets_alone(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *stream = send_events(rig, WEB "?wait=complete");

	assert_int_equal(http_loopback_status(stream), 200);
	assert_int_equal(heard(stream, "data: "), 0);
	feed_slice(rig, 3, 3);
	run(rig);
	assert_int_equal(heard(stream, "\"complete\":true"), 1);
	feed_slice(rig, 3, 1);
	turn_clock(rig, NS_PER_S);
	assert_int_equal(heard(stream, "data: "), 1);
	feed_slice(rig, 3, 3);
	turn_clock(rig, NS_PER_S);
	assert_int_equal(heard(stream, "\"complete\":true"), 2);
	http_loopback_free(stream);
}

static void a_quiet_stream_shows_that_it_is_alive(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *stream = send_events(rig, WEB);

	assert_int_equal(heard(stream, "data: "), 1);
	turn_clock(rig, 16 * NS_PER_S);
	assert_int_equal(heard(stream, "\n\n:\n\n"), 1);
	turn_clock(rig, 15 * NS_PER_S);
	assert_int_equal(heard(stream, ":\n\n:\n\n"), 1);
	http_loopback_free(stream);
	assert_int_equal(rig->peers->due.n, 0);
}

static void a_stream_ends_in_time_or_with_its_service(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *brief = send_events(rig, WEB "?timeout=10s");
	struct http_loopback *slow = send_events(rig, WEB);
	struct http_loopback *quick = send_events(rig, WEB);

	assert_int_equal(heard(quick, "data: "), 1);
	turn_clock(rig, 11 * NS_PER_S);
	assert_true(http_loopback_is_complete(brief));
	assert_false(http_loopback_is_complete(quick));
	cache_unfeed(rig->cache, &kind_service, STR("default"), STR("web"));
	run(rig);
	/* One of them has not read a word yet: it gets what it was told before. */
	assert_true(http_loopback_is_complete(slow));
	assert_int_equal(heard(slow, "]}\n\nevent: gone\ndata: {\"kind\":\"Status\""), 1);
	assert_true(http_loopback_is_complete(quick));
	assert_int_equal(heard(quick, "event: gone\n"), 1);
	http_loopback_free(brief);
	http_loopback_free(slow);
	http_loopback_free(quick);
	json_decref(take_answer(send_events(rig, WEB), 404));
}

/* ---- bounds ---- */

static void everybody_gets_the_same_text(void **state)
{
	enum { CLIENTS = 1000 };
	struct rig *rig = *state;
	struct http_loopback *clients[CLIENTS];
	size_t turns = 0;

	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = send_get(rig, WEB "?wait=complete");
	}
	feed_slice(rig, 3, 3);
	for (; peers_next_due(rig->peers) <= rig->clock.now; turns++) {
		peers_run_due(rig->peers);
	}
	/* Some in each turn, so that others get theirs. */
	assert_in_range(turns, 2, 10);
	struct peer_set *set = set_find(rig->peers, STR("default"), STR("web"));
	assert_int_equal(set->answer->refs, CLIENTS + 1);
	assert_int_equal(rig->peers->answer_bytes, set->answer->n);
	for (int i = 0; i < CLIENTS; i++) {
		assert_answer(take_answer(clients[i], 200), true, 3, 3);
	}
	assert_int_equal(set->answer->refs, 1);
}

static void too_many_waiters_are_turned_away(void **state)
{
	struct rig *rig = *state;
	struct http_loopback **clients = mem_alloc_array(LIMIT_PEERS_WAITERS, sizeof(*clients));

	for (int i = 0; i < LIMIT_PEERS_WAITERS; i++) {
		clients[i] = send_get(rig, WEB "?wait=complete");
	}
	struct http_loopback *late = send_get(rig, WEB);
	assert_string_equal(http_loopback_header(late, "retry-after"), "1");
	json_decref(take_answer(late, 429));
	/* Who hangs up makes room. */
	http_loopback_free(clients[0]);
	json_decref(ask(rig, 200, WEB));
	for (int i = 1; i < LIMIT_PEERS_WAITERS; i++) {
		http_loopback_free(clients[i]);
	}
	assert_int_equal(rig->peers->n_waiters, 0);
	assert_int_equal(rig->peers->due.n, 0);
	mem_free(clients);
}

static void a_large_set_that_keeps_changing_is_told_less_often(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *stream = send_events(rig, WEB);
	size_t events = heard(stream, "data: ");

	for (int i = 0; i < 100; i++) {
		feed_slice(rig, 1000, 900 + i);
		turn_clock(rig, NS_PER_MS);
		http_loopback_body(stream);
	}
	turn_clock(rig, NS_PER_S);
	assert_in_range(heard(stream, "data: ") - events, 2, 30);
	assert_int_equal(heard(stream, "\"ready\":999"), 1);
	http_loopback_free(stream);
}

static void what_slow_readers_hold_is_bounded(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *slow[4];
	struct buffer text = BUFFER_INIT(LIMIT_PEERS_HELD);
	struct http_loopback *current;

	for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
		feed_slice(rig, 3, (int)i % 4);
		turn_clock(rig, 2 * NS_PER_S);
		slow[i] = send_events(rig, WEB);
	}
	current = send_events(rig, WEB);
	/* One text more, as large as all of them may be together. */
	text.size = LIMIT_PEERS_HELD + 1;
	text.p = mem_alloc(text.size);
	text.n = LIMIT_PEERS_HELD;
	struct answer *large = answer_new(rig->peers, NULL, &text);
	answers_reclaim(rig->peers);
	assert_int_equal(rig->peers->cut_off, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(http_loopback_is_complete(slow[i]));
	}
	assert_false(http_loopback_is_complete(slow[3]));
	assert_int_equal(heard(current, "data: "), 1);
	answer_unref(large);
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
		http_loopback_free(slow[i]);
	}
	http_loopback_free(current);
}

static void sets_nobody_waits_for_are_forgotten_in_turn(void **state)
{
	struct rig *rig = *state;
	char name[100];

	for (int i = 0; i < LIMIT_PEERS_SETS + 10; i++) {
		feed(rig, &kind_service, "{'metadata':{'name':'s%d'},'spec':{}}", i);
		snprintf(name, sizeof(name), "/peers/default/s%d", i);
		json_decref(ask(rig, 200, name));
	}
	assert_int_equal(rig->peers->sets.n, LIMIT_PEERS_SETS);
	assert_null(set_find(rig->peers, STR("default"), STR("s0")));
}

static void who_still_waits_at_the_end_is_told(void **state)
{
	struct rig *rig = *state;
	struct http_loopback *client = send_get(rig, WEB "?wait=complete");
	struct http_loopback *stream = send_events(rig, WEB);
	struct http_loopback *unread = send_get(rig, WEB);

	rig->peers = peers_free(rig->peers);
	json_decref(take_answer(client, 503));
	assert_true(http_loopback_is_complete(stream));
	assert_true(http_loopback_is_complete(unread));
	http_loopback_free(stream);
	http_loopback_free(unread);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_answer_has_all_that_dns_has),
		T(peers_come_in_the_order_of_their_ordinals),
		T(a_pod_of_two_families_is_one_peer_when_both_say_so),
		T(a_pod_that_moves_between_slices_is_what_the_newest_says),
		T(endpoints_without_a_pod_are_called_by_hostname_or_address),
		T(a_workload_says_how_many_are_wanted),
		T(without_a_workload_the_pods_are_counted),
		T(pods_above_the_size_of_a_shrinking_set_do_not_count),
		T(who_is_going_away_is_not_ready),
		T(a_complete_set_is_answered_at_once),
		T(whoever_waits_is_answered_when_the_last_peer_is_ready),
		T(a_set_is_complete_too_when_less_are_wanted),
		T(a_service_may_come_later),
		T(whoever_has_seen_a_serial_is_answered_when_it_is_over),
		T(a_serial_survives_a_restart),
		T(a_serial_never_goes_back_for_whoever_has_seen_it),
		T(a_removed_slice_is_a_change),
		T(a_set_that_is_not_complete_in_time_is_no_success),
		T(a_set_that_has_not_changed_in_time_is_told_as_it_is),
		T(a_service_that_is_not_there_is_not_found),
		T(nothing_is_absent_before_everything_is_read),
		T(bad_questions_are_told_what_is_wrong),
		T(a_stream_tells_what_is_and_every_change),
		T(a_slow_reader_skips_to_how_it_is_now),
		T(a_stream_goes_on_where_its_client_was),
		T(a_stream_may_tell_complete_sets_alone),
		T(a_quiet_stream_shows_that_it_is_alive),
		T(a_stream_ends_in_time_or_with_its_service),
		T(everybody_gets_the_same_text),
		T(too_many_waiters_are_turned_away),
		T(a_large_set_that_keeps_changing_is_told_less_often),
		T(what_slow_readers_hold_is_bounded),
		T(sets_nobody_waits_for_are_forgotten_in_turn),
		T(who_still_waits_at_the_end_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
