/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dials to a server of ours that upgrades every request, plain and with TLS, in one loop. Behind
 * the server's end of a tunnel stands a socket that the test holds: "far".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/dial.h"
#include "http/pki.h"
#include "http/relay.h"
#include "http/server.h"
#include "http/tunnel.h"
#include "loop/loop.h"

enum { TURNS = 200000, MUCH = 24 * 1024 * 1024, BLOCK = 30000 };
#define TIMEOUT (UINT64_C(60) * 1000000000)

struct rig {
	struct loop *loop;
	struct http_server *server;
	struct http_tls *tls;
	struct pki_pair ca;
	struct pki_pair server_pair;
	struct pki_pair client_pair;
	uint16_t port;
	bool secure;
	int far; /* -1: nobody has been upgraded */
	struct tunnel_pair *pair;
	int pairs_ended;
	char user[64]; /* who asked */
	/* The client's side. */
	struct tunnel *tunnel;
	int status;
	char failure[256];
	char header[64];
};

/* ---- the server ---- */

static void pair_ended(void *userdata)
{
	struct rig *rig = userdata;

	rig->pair = NULL;
	rig->pairs_ended++;
}

static void opened(void *userdata, struct tunnel *tunnel)
{
	struct rig *rig = userdata;
	int fds[2];

	assert_non_null(tunnel);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	rig->far = fds[1];
	rig->pair = tunnel_join(rig->loop, tunnel, tunnel_of_socket(rig->loop, fds[0], STR_NONE),
				pair_ended, rig);
}

static void handle(void *userdata, struct http_exchange *exchange)
{
	struct rig *rig = userdata;
	struct buffer body = BUFFER_INIT(LIMIT_BODY);

	snprintf(rig->user, sizeof(rig->user), "%s",
		 exchange->peer.user != NULL ? exchange->peer.user : "nobody");
	if (strcmp(exchange->path, "/up") == 0) {
		http_set_header(exchange, "Upgrade", "test/1");
		http_set_header(exchange, "X-Chosen", "yes");
		http_reply_upgrade(exchange, opened, rig);
		return;
	}
	for (int i = 0; i < 100000; i++) {
		buffer_append_text(&body, "0123456789");
	}
	http_reply(exchange, 200, "text/plain", &body);
}

/* ---- the client ---- */

static void answered(void *userdata, const struct http_head *head, struct tunnel *tunnel)
{
	struct rig *rig = userdata;
	const char *chosen = http_head_get(head, "x-chosen");

	rig->status = head->status;
	rig->tunnel = tunnel;
	snprintf(rig->header, sizeof(rig->header), "%s", chosen != NULL ? chosen : "");
}

static void failed(void *userdata, const char *message)
{
	struct rig *rig = userdata;

	rig->status = -1;
	snprintf(rig->failure, sizeof(rig->failure), "%s", message);
}

static const struct http_dial_ops dial_ops = { .answered = answered, .failed = failed };

static void turn_until(struct rig *rig, const bool *done)
{
	for (int i = 0; i < TURNS && !*done; i++) {
		loop_run_once(rig->loop);
	}
	assert_true(*done);
}

static void dial_name(struct rig *rig, const char *target, const char *name)
{
	static const struct http_pair upgrade[] = {
		{ "Connection", "Upgrade" },
		{ "Upgrade", "test/1" },
	};
	struct http_dial_request request = {
		.address = "127.0.0.1",
		.port = rig->port,
		.tls = rig->tls,
		.names = { name },
		.method = "POST",
		.target = target,
		.headers = upgrade,
		.n_headers = 2,
		.timeout = TIMEOUT,
	};

	rig->status = 0;
	http_dial(rig->loop, &request, &dial_ops, rig);
	for (int i = 0; i < TURNS && rig->status == 0; i++) {
		loop_run_once(rig->loop);
	}
}

static void dial(struct rig *rig, const char *target)
{
	dial_name(rig, target, "127.0.0.1");
}

static void make_keys(struct rig *rig)
{
	const char *const addresses[] = { "127.0.0.1", NULL };
	struct pki_request server = {
		.common_name = "server", .addresses = addresses, .server = 1, .days = 1
	};
	struct pki_request client = { .common_name = "kube-apiserver-kubelet-client", .days = 1 };
	char directory[] = "/tmp/test-tunnel-XXXXXX";
	char path[64];

	assert_non_null(mkdtemp(directory));
	assert_int_equal(pki_ca(directory, "ca", "test-ca", &rig->ca), 0);
	assert_int_equal(pki_issue(&rig->ca, &server, &rig->server_pair), 0);
	assert_int_equal(pki_issue(&rig->ca, &client, &rig->client_pair), 0);
	snprintf(path, sizeof(path), "%s/ca.key", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/ca.crt", directory);
	unlink(path);
	rmdir(directory);
	assert_int_equal(http_tls_new(rig->ca.certificate, rig->client_pair.certificate,
				      rig->client_pair.key, &rig->tls),
			 0);
}

static struct rig *rig_new(bool secure)
{
	struct rig *rig = MEM_NEW(struct rig);
	struct http_server_config config = { .address = "127.0.0.1",
					     .handler = handle,
					     .userdata = rig };
	char message[256] = "";

	rig->far = -1;
	rig->secure = secure;
	if (secure) {
		make_keys(rig);
		config.certificate = rig->server_pair.certificate;
		config.key = rig->server_pair.key;
		config.client_ca = rig->ca.certificate;
	}
	assert_int_equal(loop_new(&rig->loop), 0);
	assert_int_equal(
		http_server_new(rig->loop, &config, message, sizeof(message), &rig->server), 0);
	rig->port = http_server_port(rig->server);
	return rig;
}

static void rig_free(struct rig *rig)
{
	tunnel_free(rig->tunnel);
	tunnel_pair_free(rig->pair);
	if (rig->far >= 0) {
		close(rig->far);
	}
	http_server_free(rig->server);
	loop_run_once(rig->loop);
	loop_free(rig->loop);
	http_tls_free(rig->tls);
	pki_pair_deinit(&rig->ca);
	pki_pair_deinit(&rig->server_pair);
	pki_pair_deinit(&rig->client_pair);
	mem_free(rig);
}

static struct rig *upgraded(bool secure)
{
	struct rig *rig = rig_new(secure);

	dial(rig, "/up");
	assert_int_equal(rig->status, 101);
	assert_string_equal(rig->header, "yes");
	for (int i = 0; i < TURNS && rig->far < 0; i++) {
		loop_run_once(rig->loop);
	}
	assert_true(rig->far >= 0);
	return rig;
}

/* ---- bytes that can be told apart ---- */

struct counted {
	uint64_t sent;
	uint64_t seen;
};

static char byte_at(uint64_t i)
{
	return (char)(i * 2654435761u >> 13);
}

static size_t fill(struct counted *counted, char *block, uint64_t total)
{
	size_t n = total - counted->sent < BLOCK ? (size_t)(total - counted->sent) : BLOCK;

	for (size_t i = 0; i < n; i++) {
		block[i] = byte_at(counted->sent + i);
	}
	return n;
}

static void check(struct counted *counted, const char *block, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		if (block[i] != byte_at(counted->seen + (uint64_t)i)) {
			fail_msg("byte %llu is wrong", (unsigned long long)counted->seen);
		}
	}
	counted->seen += (uint64_t)n;
}

static void nothing(void *userdata, unsigned events)
{
}

/* One go at everything that can be moved. */
static void near_to_far(struct rig *rig, struct counted *counted, uint64_t total, bool take)
{
	char block[BLOCK];
	int64_t n = fill(counted, block, total);

	n = n != 0 ? tunnel_write(rig->tunnel, block, (size_t)n) : 0;
	assert_true(n >= 0);
	counted->sent += (uint64_t)n;
	n = take ? read(rig->far, block, sizeof(block)) : 0;
	check(counted, block, n > 0 ? n : 0);
}

static void far_to_near(struct rig *rig, struct counted *counted, uint64_t total, bool take)
{
	char block[BLOCK];
	ssize_t n = (ssize_t)fill(counted, block, total);

	n = n != 0 ? write(rig->far, block, (size_t)n) : 0;
	counted->sent += n > 0 ? (uint64_t)n : 0;
	n = take ? tunnel_read(rig->tunnel, block, sizeof(block)) : 0;
	assert_true(n >= 0);
	check(counted, block, n);
}

static void much_goes_both_ways(bool secure)
{
	struct rig *rig = upgraded(secure);
	struct counted there = { 0 };
	struct counted back = { 0 };

	tunnel_want(rig->tunnel, LOOP_READ, nothing, NULL);
	for (int i = 0; i < TURNS && (there.seen < MUCH || back.seen < MUCH); i++) {
		near_to_far(rig, &there, MUCH, true);
		far_to_near(rig, &back, MUCH, true);
		loop_run_once(rig->loop);
	}
	assert_int_equal(there.seen, MUCH);
	assert_int_equal(back.seen, MUCH);
	rig_free(rig);
}

static void much_goes_both_ways_plain(void **state)
{
	much_goes_both_ways(false);
}

static void much_goes_both_ways_with_tls(void **state)
{
	much_goes_both_ways(true);
}

/* A reader that does not read stops the writer, in both directions, and loses nothing. */
static void a_slow_reader_stops_the_writer(bool secure)
{
	struct rig *rig = upgraded(secure);
	struct counted there = { 0 };
	struct counted back = { 0 };

	for (int i = 0; i < 20000; i++) {
		near_to_far(rig, &there, UINT64_MAX, false);
		far_to_near(rig, &back, UINT64_MAX, false);
		loop_run_once(rig->loop);
	}
	assert_true(there.sent < MUCH);
	assert_true(back.sent < MUCH);
	for (int i = 0; i < TURNS && (there.seen < there.sent || back.seen < back.sent); i++) {
		near_to_far(rig, &there, there.sent, true);
		far_to_near(rig, &back, back.sent, true);
		loop_run_once(rig->loop);
	}
	assert_int_equal(there.seen, there.sent);
	assert_int_equal(back.seen, back.sent);
	rig_free(rig);
}

static void a_slow_reader_stops_the_writer_plain(void **state)
{
	a_slow_reader_stops_the_writer(false);
}

static void a_slow_reader_stops_the_writer_with_tls(void **state)
{
	a_slow_reader_stops_the_writer(true);
}

/* ---- ends ---- */

/* Everything that was sent arrives before the end does. */
static void the_far_end_closes(bool secure)
{
	struct rig *rig = upgraded(secure);
	struct counted back = { 0 };
	char block[BLOCK];
	int64_t n = 0;

	while (back.sent < 300000) {
		far_to_near(rig, &back, 300000, false);
		loop_run_once(rig->loop);
	}
	close(rig->far);
	rig->far = -1;
	for (int i = 0; i < TURNS && n >= 0; i++) {
		loop_run_once(rig->loop);
		n = tunnel_read(rig->tunnel, block, sizeof(block));
		check(&back, block, n > 0 ? n : 0);
	}
	assert_int_equal(n, TUNNEL_END);
	assert_int_equal(back.seen, 300000);
	rig->tunnel = tunnel_free(rig->tunnel);
	for (int i = 0; i < TURNS && rig->pairs_ended == 0; i++) {
		loop_run_once(rig->loop);
	}
	assert_int_equal(rig->pairs_ended, 1);
	rig_free(rig);
}

static void the_far_end_closes_plain(void **state)
{
	the_far_end_closes(false);
}

static void the_far_end_closes_with_tls(void **state)
{
	the_far_end_closes(true);
}

static void the_near_end_closes(bool secure)
{
	struct rig *rig = upgraded(secure);
	char block[100];
	ssize_t n = -1;

	assert_int_equal(tunnel_write(rig->tunnel, "last words", 10), 10);
	rig->tunnel = tunnel_free(rig->tunnel);
	for (int i = 0; i < TURNS && n < 0; i++) {
		loop_run_once(rig->loop);
		n = read(rig->far, block, sizeof(block));
	}
	assert_int_equal(n, 10);
	for (int i = 0; i < TURNS && n != 0; i++) {
		loop_run_once(rig->loop);
		n = read(rig->far, block, sizeof(block));
	}
	assert_int_equal(n, 0);
	close(rig->far);
	rig->far = -1;
	for (int i = 0; i < TURNS && rig->pairs_ended == 0; i++) {
		loop_run_once(rig->loop);
	}
	assert_int_equal(rig->pairs_ended, 1);
	rig_free(rig);
}

static void the_near_end_closes_plain(void **state)
{
	the_near_end_closes(false);
}

static void the_near_end_closes_with_tls(void **state)
{
	the_near_end_closes(true);
}

/* A plain socket may say that it sends no more and go on listening. */
static void half_a_connection_may_end(void **state)
{
	struct rig *rig = upgraded(false);
	char block[100];
	int64_t n = -1;

	assert_int_equal(tunnel_finish(rig->tunnel), TUNNEL_END);
	for (int i = 0; i < TURNS && n != 0; i++) {
		loop_run_once(rig->loop);
		n = read(rig->far, block, sizeof(block));
	}
	assert_int_equal(n, 0);
	assert_int_equal(write(rig->far, "answer", 6), 6);
	for (int i = 0; i < TURNS && n <= 0; i++) {
		loop_run_once(rig->loop);
		n = tunnel_read(rig->tunnel, block, sizeof(block));
	}
	assert_int_equal(n, 6);
	assert_int_equal(rig->pairs_ended, 0);
	rig_free(rig);
}

static void a_server_with_open_tunnels_can_stop(void **state)
{
	struct rig *rig = upgraded(true);

	rig->pair = tunnel_pair_free(rig->pair);
	rig->server = http_server_free(rig->server);
	rig_free(rig);
}

/* ---- who is who ---- */

static void the_client_proves_who_it_is(void **state)
{
	struct rig *rig = upgraded(true);

	assert_string_equal(rig->user, "kube-apiserver-kubelet-client");
	rig_free(rig);
}

static void a_certificate_for_somebody_else_is_refused(void **state)
{
	struct rig *rig = rig_new(true);

	dial_name(rig, "/up", "10.0.0.1");
	assert_int_equal(rig->status, -1);
	assert_non_null(strstr(rig->failure, "for somebody else"));
	rig_free(rig);
}

static void a_certificate_of_another_ca_is_refused(void **state)
{
	struct rig *rig = rig_new(true);
	struct rig *other = rig_new(true);
	struct http_tls *tls = rig->tls;

	rig->tls = other->tls;
	dial(rig, "/up");
	assert_int_equal(rig->status, -1);
	assert_non_null(strstr(rig->failure, "not of the cluster's CA"));
	rig->tls = tls;
	rig_free(rig);
	rig_free(other);
}

static void a_refused_connection_says_so(void **state)
{
	struct rig *rig = rig_new(false);

	rig->server = http_server_free(rig->server);
	dial(rig, "/up");
	assert_int_equal(rig->status, -1);
	assert_non_null(strstr(rig->failure, "Connection refused"));
	rig_free(rig);
}

static void an_answer_without_upgrade_has_its_body_behind_the_head(void **state)
{
	struct rig *rig = rig_new(true);
	bool complete = false;
	uint64_t total = 0;

	dial(rig, "/other");
	assert_int_equal(rig->status, 200);
	for (int i = 0; i < TURNS && !complete; i++) {
		char block[BLOCK];
		int64_t n;

		loop_run_once(rig->loop);
		n = tunnel_read(rig->tunnel, block, sizeof(block));
		assert_true(n >= 0);
		total += (uint64_t)n;
		complete = total == 1000000;
	}
	turn_until(rig, &complete);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(much_goes_both_ways_plain),
		cmocka_unit_test(much_goes_both_ways_with_tls),
		cmocka_unit_test(a_slow_reader_stops_the_writer_plain),
		cmocka_unit_test(a_slow_reader_stops_the_writer_with_tls),
		cmocka_unit_test(the_far_end_closes_plain),
		cmocka_unit_test(the_far_end_closes_with_tls),
		cmocka_unit_test(the_near_end_closes_plain),
		cmocka_unit_test(the_near_end_closes_with_tls),
		cmocka_unit_test(half_a_connection_may_end),
		cmocka_unit_test(a_server_with_open_tunnels_can_stop),
		cmocka_unit_test(the_client_proves_who_it_is),
		cmocka_unit_test(a_certificate_for_somebody_else_is_refused),
		cmocka_unit_test(a_certificate_of_another_ca_is_refused),
		cmocka_unit_test(a_refused_connection_says_so),
		cmocka_unit_test(an_answer_without_upgrade_has_its_body_behind_the_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
