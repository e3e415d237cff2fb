/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every explanation, and the words that they are made of. */
#include "ops/explain_intern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "client/cache.h"
#include "ops/test-explain.h"

/*
 * Any mixture of objects, any question: the chain ends in records, or in exactly one broken link,
 * and what is kept of pods says the same as all of them.
 */
static void check_any(const char *const objects[OBJECTS_MAX], const char *question)
{
	_cleanup_buffer_ struct buffer whole = BUFFER_INIT(LIMIT_EXPLAIN_OUTPUT);
	_cleanup_buffer_ struct buffer kept = BUFFER_INIT(LIMIT_EXPLAIN_OUTPUT);

	for (int keep = 0; keep <= 1; keep++) {
		struct cache *cache = explain_world(objects, keep != 0);
		struct explanation *explanation = explain_ask(cache, question);

		explanation_text(explanation, /* colour= */ true, keep != 0 ? &kept : &whole);
		if ((explain_broken_link(explanation) == NULL) != explanation->resolves) {
			print_error("%s\n%s\n", question, buffer_text(keep != 0 ? &kept : &whole));
		}
		assert_int_equal(explain_broken_link(explanation) == NULL, explanation->resolves);
		explanation_free(explanation);
		cache_free(cache);
	}
	assert_string_equal(buffer_text(&whole), buffer_text(&kept));
}

static const char *const pool[] = {
	NS("default"),
	NS("prod"),
	HEADLESS("web", APP("web")),
	HEADLESS("peers", APP("web")),
	HEADLESS("strays", APP("wbe") ",'tier':'x'"),
	SERVICE("hand", NONE "," HTTP),
	SERVICE("api", "'clusterIP':'10.96.0.9','clusterIPs':['10.96.0.9'],'selector':{"
		       "'app':'web'}," HTTP),
	SERVICE("bare", "'clusterIP':''"),
	SERVICE("out", "'type':'ExternalName','externalName':'db.example.org'"),
	SERVICE("in", "'type':'ExternalName','externalName':'web.default.svc.cluster.local'"),
	SET_POD("web-0", "web", "10.244.0.1", READY),
	SET_POD("web-1", "web", "10.244.0.2", UNREADY),
	POD("a", APP("web"), ",'hostname':'a'", "10.244.0.3", READY),
	POD("b", APP("web"), HOST("b", "peers") ",'hostNetwork':true", "10.244.0.1", READY),
	"p{'metadata':{'name':'c','namespace':'default'}}",
	SLICE("web", END("10.244.0.1", "true",
			 NAMED("web-0")) "," END("10.244.0.2", "false",
						 NAMED("web-1")) "," END("10.244.0.3", "true", "")),
	SLICE("peers", END("10.244.0.1", "false", NAMED("b"))),
	SLICE_OF("web-6", "web", "IPv6", "", END("fd00::1", "true", NAMED("web-0"))),
	SLICE_OF("hand-1", "hand", "FQDN", "", END("a.example", "true", "")),
	SLICE("api", END("10.244.0.1", "true", "")),
	SLICE("gone", END("10.244.0.7", "true", "")),
};
static const char *const asked[] = {
	"web",
	"peers",
	"strays",
	"hand",
	"api",
	"bare",
	"out",
	"in",
	"gone",
	"web-0.web",
	"web-1.web",
	"web-2.web",
	"a.web",
	"b.peers",
	"c.web",
	"x.hand",
	"10-244-0-1.api",
	"_http._tcp.web",
	"_http._tcp.api",
	"_nope._udp.web",
	"_http.web",
	"_tcp.web",
	"x.y.z.web.default.svc",
	"pod/a",
	"pod/b",
	"pod/c",
	"pod/web-1",
	"pod/nope",
	"svc/web",
	"10.244.0.1",
	"10.244.0.2",
	"10.244.0.7",
	"10.96.0.9",
	"fd00::1",
	"10-244-0-1.default.pod",
	"web.prod",
	"web.nowhere.svc",
	"default.svc",
	"svc",
	"cluster.local",
	"cluster.local.",
	"ns.dns.cluster.local",
	"example.org.",
	"dns-version.cluster.local",
	"a.b.c.d.e.f.g",
	"arpa.",
	"10.in-addr.arpa.",
};

static void an_explanation_ends_rightly_in_any_world(void **state)
{
	struct random_state random;

	random_state_seed(&random, 7);
	for (size_t round = 0; round < ARRAY_SIZE(asked); round++) {
		const char *objects[OBJECTS_MAX] = { NULL };

		for (size_t i = 0; i < OBJECTS_MAX; i++) {
			objects[i] = pool[random_below(&random, ARRAY_SIZE(pool))];
		}
		check_any(objects, asked[round]);
	}
}

static void questions_that_make_no_sense_are_refused(void **state)
{
	static const char *const questions[] = { "",     "deployment/web", "svc/a.b", "pod/",
						 "svc/", "a..b",           ".",       "svc/Web" };
	const char *const nothing[OBJECTS_MAX] = { NULL };
	struct cache *cache = explain_world(nothing, /* keep= */ false);

	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		struct explain_question question = {
			.name = questions[i],
			.space = "default",
			.domain = "cluster.local",
		};
		struct explanation *explanation = NULL;
		char *message = NULL;

		assert_int_equal(explain(cache, &question, &explanation, &message),
				 EXPLAIN_BAD_QUESTION);
		assert_null(explanation);
		assert_true(strlen(message) > 0);
		mem_free(message);
	}
	cache_free(cache);
}

static void text_cannot_move_a_terminal(void **state)
{
	const char *const objects[OBJECTS_MAX] = {
		NS("default"), HEADLESS("web", APP("web")),
		POD("a", APP("web"), "", "10.244.0.1",
		    "'conditions':[{'type':'Ready','status':'False','reason':'R','message':"
		    "'\\u001b[2J\\u009b\\r\\n'}]")
	};
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_EXPLAIN_OUTPUT);
	struct cache *cache = explain_world(objects, /* keep= */ false);
	struct explanation *explanation = explain_ask(cache, "web");

	explanation_text(explanation, /* colour= */ false, &text);
	assert_null(memchr(text.p, 0x1b, text.n));
	assert_null(memchr(text.p, '\r', text.n));
	assert_null(strstr(buffer_text(&text), "\xc2\x9b"));
	explanation_free(explanation);
	cache_free(cache);
}

static void distances_count_slips(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		unsigned distance;
	} rows[] = {
		{ "", "", 0 },         { "web", "web", 0 },        { "web", "wbe", 1 },
		{ "web", "we", 1 },    { "", "abc", 3 },           { "nginx", "ngnix", 1 },
		{ "abcd", "badc", 2 }, { "kitten", "sitting", 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(edit_distance(str_from(rows[i].a), str_from(rows[i].b)),
				 rows[i].distance);
		assert_int_equal(edit_distance(str_from(rows[i].b), str_from(rows[i].a)),
				 rows[i].distance);
	}
}

static void the_nearest_come_first_and_the_rest_falls_off(void **state)
{
	static const char *const names[] = { "web-frontend", "wep", "xyz",  "webb",    "web2",
					     "web3",         "we",  "web4", "far-away" };
	struct nearest nearest = { .wanted = STR("web") };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		nearest_offer(&nearest, str_from(names[i]));
	}
	assert_int_equal(nearest.n, LIMIT_EXPLAIN_CLOSEST);
	assert_string_equal(nearest.best[0], "wep");
	assert_string_equal(nearest.best[4], "we");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_explanation_ends_rightly_in_any_world),
		cmocka_unit_test(questions_that_make_no_sense_are_refused),
		cmocka_unit_test(text_cannot_move_a_terminal),
		cmocka_unit_test(distances_count_slips),
		cmocka_unit_test(the_nearest_come_first_and_the_rest_falls_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
