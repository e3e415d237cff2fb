/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "client/cache.h"
#include "object/kinds.h"
#include "object/object.h"
#include "proxy/ruleset.h"

enum { TEXT = 64 * 1024 };

struct bench {
	struct cache *cache;
	struct ruleset *rules;
	struct buffer text;
	unsigned revision;
};

static struct object *make(const struct kind *kind, unsigned revision, const char *text)
{
	_cleanup_free_ char *json = mem_strdup(text);
	struct object *object;

	for (char *c = json; *c != '\0'; c++) {
		*c = *c == '\'' ? '"' : *c;
	}
	assert_int_equal(object_new(kind, str_from(json), &object), 0);
	object->revision = revision;
	return object;
}

static void put(struct bench *bench, const struct kind *kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void put(struct bench *bench, const struct kind *kind, const char *format, ...)
{
	char text[4096];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	cache_feed(bench->cache, make(kind, ++bench->revision, text));
	ruleset_service(bench->rules, bench->cache, STR("default"), STR("web"));
}

/* `more` goes into the spec; port 80 named "http". */
static void put_service(struct bench *bench, const char *more)
{
	put(bench, &kind_service,
	    "{'metadata':{'name':'web','namespace':'default','resourceVersion':'1'},"
	    "'spec':{'clusterIP':'10.96.0.20','clusterIPs':['10.96.0.20'],"
	    "'ports':[{'name':'http','port':80,'protocol':'TCP'%s}]%s},"
	    "'status':{'loadBalancer':{'ingress':[{'ip':'192.0.2.9'}]}}}",
	    strstr(more, "NodePort") != NULL || strstr(more, "LoadBalancer") != NULL
		    ? ",'nodePort':30080"
		    : "",
	    more);
}

static void put_slice(struct bench *bench, const char *name, const char *endpoints)
{
	put(bench, &kind_endpoint_slice,
	    "{'metadata':{'name':'%s','namespace':'default','resourceVersion':'1',"
	    "'labels':{'kubernetes.io/service-name':'web'}},'addressType':'IPv4',"
	    "'ports':[{'name':'http','port':8080,'protocol':'TCP'}],'endpoints':[%s]}",
	    name, endpoints);
}

#define HERE "{'addresses':['10.244.0.5'],'nodeName':'node01','conditions':{'ready':true}}"
#define THERE "{'addresses':['10.244.1.6'],'nodeName':'node02','conditions':{'ready':true}}"

static int setup(void **state)
{
	struct bench *bench = MEM_NEW(struct bench);
	struct ruleset_config config = { .node_name = "node01", .n_pods = 1 };

	assert_true(ip_network_parse(STR("10.244.0.0/16"), &config.pods[0]));
	bench->cache = cache_new(NULL);
	cache_want(bench->cache, &kind_service);
	cache_want(bench->cache, &kind_endpoint_slice);
	bench->rules = ruleset_new(&config);
	buffer_init(&bench->text, TEXT);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	ruleset_free(bench->rules);
	cache_free(bench->cache);
	buffer_deinit(&bench->text);
	mem_free(bench);
	return 0;
}

static const char *next(struct bench *bench, bool whole)
{
	buffer_clear(&bench->text);
	ruleset_transaction(bench->rules, whole, &bench->text);
	return buffer_text(&bench->text);
}

#define assert_has(text, part)                                                                     \
	do {                                                                                       \
		if (strstr((text), (part)) == NULL) {                                              \
			fail_msg("no \"%s\" in\n%s", (part), (text));                              \
		}                                                                                  \
	} while (0)
#define assert_has_not(text, part)                                                                 \
	do {                                                                                       \
		if (strstr((text), (part)) != NULL) {                                              \
			fail_msg("\"%s\" in\n%s", (part), (text));                                 \
		}                                                                                  \
	} while (0)

static void a_service_is_one_element_and_one_chain(void **state)
{
	struct bench *bench = *state;

	next(bench, /* whole= */ true);
	put_service(bench, "");
	put_slice(bench, "web-1", HERE "," THERE);
	assert_string_equal(
		next(bench, /* whole= */ false),
		"add chain inet headlessd svc4/default/web/tcp/80\n"
		"add rule inet headlessd svc4/default/web/tcp/80 ip saddr != @pods4 "
		"jump to-masquerade\n"
		"add rule inet headlessd svc4/default/web/tcp/80 meta l4proto tcp dnat ip to "
		"numgen random mod 2 map { 0 : 10.244.0.5 . 8080, 1 : 10.244.1.6 . 8080 }\n"
		"add element inet headlessd fronts4 { 10.96.0.20 . tcp . 80 : "
		"goto svc4/default/web/tcp/80 }\n"
		"add element inet headlessd hairpin4 { 10.244.0.5 . 10.244.0.5 }\n");
	assert_int_equal(ruleset_services(bench->rules), 1);
}

static void what_did_not_change_is_not_told_again(void **state)
{
	struct bench *bench = *state;

	put_service(bench, "");
	put_slice(bench, "web-1", HERE);
	next(bench, /* whole= */ true);
	assert_false(ruleset_is_changed(bench->rules));
	put_slice(bench, "web-1", HERE);
	assert_false(ruleset_is_changed(bench->rules));
	assert_string_equal(next(bench, /* whole= */ false), "");
	put_slice(bench, "web-1", THERE);
	assert_string_equal(
		next(bench, /* whole= */ false),
		"flush chain inet headlessd svc4/default/web/tcp/80\n"
		"add rule inet headlessd svc4/default/web/tcp/80 ip saddr != @pods4 "
		"jump to-masquerade\n"
		"add rule inet headlessd svc4/default/web/tcp/80 meta l4proto tcp dnat ip "
		"to 10.244.1.6:8080\n"
		"delete element inet headlessd hairpin4 { 10.244.0.5 . 10.244.0.5 }\n");
}

static void a_service_that_goes_leaves_nothing(void **state)
{
	struct bench *bench = *state;
	_cleanup_free_ char *before = mem_strdup(next(bench, /* whole= */ true));

	put_service(bench, ",'type':'NodePort','sessionAffinity':'ClientIP'");
	put_slice(bench, "web-1", HERE);
	next(bench, /* whole= */ false);
	cache_unfeed(bench->cache, &kind_service, STR("default"), STR("web"));
	ruleset_service(bench->rules, bench->cache, STR("default"), STR("web"));
	const char *text = next(bench, /* whole= */ false);
	const char *out = strstr(text, "delete element inet headlessd fronts4");
	const char *chain = strstr(text, "delete chain inet headlessd svc4/default/web/tcp/80\n");
	const char *set = strstr(text, "delete set inet headlessd aff4/default/web/tcp/80/10800/");

	/* Nothing is taken away while something else names it. */
	assert_true(out != NULL && chain != NULL && set != NULL && out < chain && chain < set);
	assert_string_equal(next(bench, /* whole= */ true), before);
	assert_int_equal(ruleset_services(bench->rules), 0);
}

static void without_endpoints_connections_are_refused(void **state)
{
	struct bench *bench = *state;

	put_service(bench, ",'type':'NodePort'");
	const char *text = next(bench, /* whole= */ true);

	assert_has(text, "fronts4 { 10.96.0.20 . tcp . 80 : goto refuse }");
	assert_has(text, "ports4 { tcp . 30080 : goto refuse }");
	put_slice(bench, "web-1", HERE);
	assert_has(
		next(bench, /* whole= */ false),
		"delete element inet headlessd fronts4 { 10.96.0.20 . tcp . 80 : goto refuse }\n");
}

static void node_ports_and_external_addresses_are_masqueraded(void **state)
{
	struct bench *bench = *state;

	put_service(bench, ",'type':'LoadBalancer','externalIPs':['198.51.100.7']");
	put_slice(bench, "web-1", HERE);
	const char *text = next(bench, /* whole= */ true);

	assert_has(text, "198.51.100.7 . tcp . 80 : goto ext4/default/web/tcp/80");
	assert_has(text, "192.0.2.9 . tcp . 80 : goto ext4/default/web/tcp/80");
	assert_has(text, "ports4 { tcp . 30080 : goto ext4/default/web/tcp/80 }");
	assert_has(text, "ext4/default/web/tcp/80 jump to-masquerade\n"
			 "add rule inet headlessd ext4/default/web/tcp/80 goto "
			 "svc4/default/web/tcp/80\n");
}

static void source_ranges_limit_the_load_balancers_address_alone(void **state)
{
	struct bench *bench = *state;

	put_service(bench, ",'type':'LoadBalancer','loadBalancerSourceRanges':['203.0.113.0/24']");
	put_slice(bench, "web-1", HERE);
	const char *text = next(bench, /* whole= */ true);

	assert_has(text, "192.0.2.9 . tcp . 80 : goto lb4/default/web/tcp/80");
	assert_has(text, "ports4 { tcp . 30080 : goto ext4/default/web/tcp/80 }");
	assert_has(text, "lb4/default/web/tcp/80 ip saddr 203.0.113.0/24 goto "
			 "ext4/default/web/tcp/80\n"
			 "add rule inet headlessd lb4/default/web/tcp/80 drop\n");
}

static void external_policy_local_keeps_the_client_and_this_node(void **state)
{
	struct bench *bench = *state;

	put_service(bench, ",'type':'NodePort','externalTrafficPolicy':'Local'");
	put_slice(bench, "web-1", HERE "," THERE);
	assert_has(next(bench, /* whole= */ true),
		   "add rule inet headlessd ext4/default/web/tcp/80 ip saddr @pods4 goto "
		   "svc4/default/web/tcp/80\n"
		   "add rule inet headlessd ext4/default/web/tcp/80 fib saddr type local jump "
		   "to-masquerade\n"
		   "add rule inet headlessd ext4/default/web/tcp/80 fib saddr type local goto "
		   "svc4/default/web/tcp/80\n"
		   "add rule inet headlessd ext4/default/web/tcp/80 meta l4proto tcp dnat ip to "
		   "10.244.0.5:8080\n");
	put_slice(bench, "web-1", THERE);
	assert_has(next(bench, /* whole= */ false),
		   "add rule inet headlessd ext4/default/web/tcp/80 drop\n");
}

static void internal_policy_local_drops_without_local_endpoints(void **state)
{
	struct bench *bench = *state;

	put_service(bench, ",'internalTrafficPolicy':'Local'");
	put_slice(bench, "web-1", THERE);
	assert_has(next(bench, /* whole= */ true),
		   "add rule inet headlessd svc4/default/web/tcp/80 drop\n");
}

static void endpoints_that_end_count_only_without_ready_ones(void **state)
{
	struct bench *bench = *state;
	static const char ending[] = "{'addresses':['10.244.0.7'],'nodeName':'node01','conditions':"
				     "{'ready':false,'serving':true,'terminating':true}}";
	char both[1024];

	put_service(bench, "");
	snprintf(both, sizeof(both), "%s,%s", HERE, ending);
	put_slice(bench, "web-1", both);
	assert_has(next(bench, /* whole= */ true), "dnat ip to 10.244.0.5:8080\n");
	put_slice(bench, "web-1", ending);
	assert_has(next(bench, /* whole= */ false), "dnat ip to 10.244.0.7:8080\n");
}

static void an_endpoint_in_two_slices_is_one(void **state)
{
	struct bench *bench = *state;

	put_service(bench, "");
	put_slice(bench, "web-1", HERE);
	put_slice(bench, "web-2", HERE);
	assert_has(next(bench, /* whole= */ true), "dnat ip to 10.244.0.5:8080\n");
}

static void affinity_notes_the_client_and_asks_first(void **state)
{
	struct bench *bench = *state;

	put_service(bench, ",'sessionAffinity':'ClientIP','sessionAffinityConfig':"
			   "{'clientIP':{'timeoutSeconds':60}}");
	put_slice(bench, "web-1", HERE);
	const char *text = next(bench, /* whole= */ true);

	assert_has(text, "add set inet headlessd aff4/default/web/tcp/80/60/10.244.0.5/8080 { type "
			 "ipv4_addr; flags dynamic,timeout; timeout 60s; size 65535; }\n");
	assert_has(text, "svc4/default/web/tcp/80 ip saddr "
			 "@aff4/default/web/tcp/80/60/10.244.0.5/8080 goto "
			 "ep4/default/web/tcp/80/10.244.0.5/8080\n");
	assert_has(text, "numgen random mod 1 vmap { 0 : goto "
			 "ep4/default/web/tcp/80/10.244.0.5/8080 }\n");
	assert_has(text, "ep4/default/web/tcp/80/10.244.0.5/8080 update "
			 "@aff4/default/web/tcp/80/60/10.244.0.5/8080 { ip saddr }\n");
}

static void a_service_that_stands_on_its_own_address_needs_no_rule(void **state)
{
	struct bench *bench = *state;

	next(bench, /* whole= */ true);
	put(bench, &kind_service,
	    "{'metadata':{'name':'web','namespace':'default','resourceVersion':'1'},"
	    "'spec':{'clusterIP':'10.96.0.10','ports':[{'name':'http','port':8080}]}}");
	put_slice(bench, "web-1", "{'addresses':['10.96.0.10']}");
	assert_has_not(next(bench, /* whole= */ false), "fronts4");
}

static void services_of_others_are_left_alone(void **state)
{
	static const char *const metadata[] = {
		"'labels':{'service.kubernetes.io/headless':''},",
		"'labels':{'service.kubernetes.io/service-proxy-name':'other'},",
		"",
	};
	struct bench *bench = *state;

	next(bench, /* whole= */ true);
	put_slice(bench, "web-1", HERE);
	for (size_t i = 0; i < ARRAY_SIZE(metadata); i++) {
		put(bench, &kind_service,
		    "{'metadata':{%s'name':'web','namespace':'default','resourceVersion':'1'},"
		    "'spec':{'clusterIP':'%s','ports':[{'name':'http','port':80}]}}",
		    metadata[i], metadata[i][0] == '\0' ? "None" : "10.96.0.20");
		assert_false(ruleset_is_changed(bench->rules));
	}
}

static void a_name_of_ipv6_has_no_colon(void **state)
{
	struct bench *bench = *state;

	next(bench, /* whole= */ true);
	put(bench, &kind_service,
	    "{'metadata':{'name':'web','namespace':'default','resourceVersion':'1'},"
	    "'spec':{'clusterIPs':['fd00:96::20'],'clusterIP':'fd00:96::20',"
	    "'sessionAffinity':'ClientIP','ports':[{'port':53,'protocol':'UDP'}]}}");
	put(bench, &kind_endpoint_slice,
	    "{'metadata':{'name':'web-6','namespace':'default','resourceVersion':'1',"
	    "'labels':{'kubernetes.io/service-name':'web'}},'addressType':'IPv6',"
	    "'ports':[{'port':5353,'protocol':'UDP'}],'endpoints':[{'addresses':['fd00:10::5']}]}");
	const char *text = next(bench, /* whole= */ false);

	assert_has(text, "fronts6 { fd00:96::20 . udp . 53 : goto svc6/default/web/udp/53 }");
	assert_has(text, "add chain inet headlessd ep6/default/web/udp/53/fd00-10--5/5353\n");
	assert_has(text, "meta l4proto udp dnat ip6 to [fd00:10::5]:5353\n");
}

static void host_ports_lead_to_pods_of_this_node(void **state)
{
	struct bench *bench = *state;
	struct object *pod =
		make(&kind_pod, 1,
		     "{'metadata':{'name':'a','namespace':'default','uid':'u-1',"
		     "'resourceVersion':'1'},'spec':{'nodeName':'node01','containers':[{'ports':["
		     "{'containerPort':53,'hostPort':5353,'protocol':'UDP'},"
		     "{'containerPort':80,'hostPort':8080,'hostIP':'192.0.2.1'}]}]},"
		     "'status':{'phase':'Running','podIPs':[{'ip':'10.244.0.5'}]}}");

	next(bench, /* whole= */ true);
	ruleset_pod(bench->rules, pod->space, pod->name, pod);
	const char *text = next(bench, /* whole= */ false);

	assert_has(text, "ports4 { udp . 5353 : goto pod4/u-1/udp/5353 }");
	assert_has(text, "fronts4 { 192.0.2.1 . tcp . 8080 : goto pod4/u-1/tcp/8080 }");
	assert_has(text, "pod4/u-1/tcp/8080 meta l4proto tcp dnat ip to 10.244.0.5:80\n");
	ruleset_pod(bench->rules, pod->space, pod->name, NULL);
	assert_has(next(bench, /* whole= */ false),
		   "delete chain inet headlessd pod4/u-1/tcp/8080\n");
	object_unref(pod);
}

static struct udp_flow flow(const char *to, uint16_t to_port, const char *from, uint16_t from_port)
{
	struct udp_flow flow = { .to_port = to_port, .from_port = from_port };

	assert_true(ip_parse(str_from(to), &flow.to) && ip_parse(str_from(from), &flow.from));
	return flow;
}

static void udp_flows_of_vanished_endpoints_are_stale(void **state)
{
	struct bench *bench = *state;
	struct udp_flow old = flow("10.96.0.20", 53, "10.244.0.5", 5353);
	struct udp_flow kept = flow("10.96.0.20", 53, "10.244.0.6", 5353);
	struct udp_flow never_turned = flow("10.96.0.20", 53, "10.96.0.20", 53);
	struct udp_flow other = flow("8.8.8.8", 53, "8.8.8.8", 53);

	put(bench, &kind_service,
	    "{'metadata':{'name':'web','namespace':'default','resourceVersion':'1'},"
	    "'spec':{'clusterIP':'10.96.0.20','ports':[{'port':53,'protocol':'UDP'}]}}");
	static const char slice[] =
		"{'metadata':{'name':'web-1','namespace':'default','resourceVersion':'1',"
		"'labels':{'kubernetes.io/service-name':'web'}},'addressType':'IPv4',"
		"'ports':[{'port':5353,'protocol':'UDP'}],'endpoints':[{'addresses':['%s']},"
		"{'addresses':['10.244.0.6']}]}";

	put(bench, &kind_endpoint_slice, slice, "10.244.0.5");
	next(bench, /* whole= */ true);
	assert_true(ruleset_udp_is_changed(bench->rules));
	assert_false(ruleset_udp_is_stale(bench->rules, &old));
	assert_true(ruleset_udp_is_stale(bench->rules, &never_turned));
	ruleset_udp_done(bench->rules);
	put(bench, &kind_endpoint_slice, slice, "10.244.0.7");
	next(bench, /* whole= */ false);
	assert_true(ruleset_udp_is_changed(bench->rules));
	assert_true(ruleset_udp_is_stale(bench->rules, &old));
	assert_false(ruleset_udp_is_stale(bench->rules, &kept));
	assert_false(ruleset_udp_is_stale(bench->rules, &other));
	cache_unfeed(bench->cache, &kind_service, STR("default"), STR("web"));
	ruleset_service(bench->rules, bench->cache, STR("default"), STR("web"));
	next(bench, /* whole= */ false);
	assert_true(ruleset_udp_is_stale(bench->rules, &kept));
}

static void two_owners_of_one_element_do_not_lose_it(void **state)
{
	struct bench *bench = *state;
	struct object *pod =
		make(&kind_pod, 1,
		     "{'metadata':{'name':'a','namespace':'default','uid':'u-1',"
		     "'resourceVersion':'1'},'spec':{'nodeName':'node01','containers':[{'ports':["
		     "{'containerPort':80,'hostPort':8080}]}]},"
		     "'status':{'phase':'Running','podIPs':[{'ip':'10.244.0.5'}]}}");

	put_service(bench, "");
	put_slice(bench, "web-1", HERE);
	ruleset_pod(bench->rules, pod->space, pod->name, pod);
	assert_has(next(bench, /* whole= */ true), "hairpin4 { 10.244.0.5 . 10.244.0.5 }");
	ruleset_pod(bench->rules, pod->space, pod->name, NULL);
	assert_has_not(next(bench, /* whole= */ false), "hairpin4");
	object_unref(pod);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_service_is_one_element_and_one_chain),
		TEST(what_did_not_change_is_not_told_again),
		TEST(a_service_that_goes_leaves_nothing),
		TEST(without_endpoints_connections_are_refused),
		TEST(node_ports_and_external_addresses_are_masqueraded),
		TEST(source_ranges_limit_the_load_balancers_address_alone),
		TEST(external_policy_local_keeps_the_client_and_this_node),
		TEST(internal_policy_local_drops_without_local_endpoints),
		TEST(endpoints_that_end_count_only_without_ready_ones),
		TEST(an_endpoint_in_two_slices_is_one),
		TEST(affinity_notes_the_client_and_asks_first),
		TEST(a_service_that_stands_on_its_own_address_needs_no_rule),
		TEST(services_of_others_are_left_alone),
		TEST(a_name_of_ipv6_has_no_colon),
		TEST(host_ports_lead_to_pods_of_this_node),
		TEST(udp_flows_of_vanished_endpoints_are_stale),
		TEST(two_owners_of_one_element_do_not_lose_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
