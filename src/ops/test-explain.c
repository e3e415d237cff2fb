/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worlds, broken in one place each, and what explain() has to say of them. Only what is kept of
 * pods is there, so that what is needed is kept.
 */
#include "ops/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "client/cache.h"
#include "ops/test-explain.h"
#include "json/json.h"

struct row {
	const char *objects[OBJECTS_MAX];
	const char *question;
	const char *name; /* what it is taken for; NULL: do not care */
	const char *broken; /* title of the broken link, NULL: it resolves */
	const char *said[3]; /* parts of texts, advice, commands, records, closest names */
};

static void check_row(const struct row *row)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_EXPLAIN_OUTPUT);
	_cleanup_buffer_ struct buffer json = BUFFER_INIT(LIMIT_EXPLAIN_OUTPUT);
	struct cache *cache = explain_world(row->objects, /* keep= */ true);
	struct explanation *explanation = explain_ask(cache, row->question);
	const char *broken = explain_broken_link(explanation);
	struct json_read_error error;
	json_t *tree;
	bool good = explanation->resolves == (row->broken == NULL) &&
		    (broken != NULL ? row->broken != NULL && strcmp(broken, row->broken) == 0
				    : row->broken == NULL);

	explanation_text(explanation, /* colour= */ false, &text);
	explanation_json(explanation, &json);
	for (size_t i = 0; i < ARRAY_SIZE(row->said) && row->said[i] != NULL; i++) {
		if (strstr(buffer_text(&text), row->said[i]) == NULL) {
			print_error("not said: %s\n", row->said[i]);
			good = false;
		}
	}
	if (row->name != NULL && strcmp(explanation->name, row->name) != 0) {
		good = false;
	}
	if (!good || getenv("EXPLAIN_SHOW") != NULL) {
		print_message("==== %s\n%s\n", row->question, buffer_text(&text));
	}
	assert_true(good);
	assert_int_equal(json_read(buffer_str(&json), NULL, &tree, &error), 0);
	assert_int_equal(json_array_size(json_object_get(tree, "steps")), explanation->n_steps);
	assert_int_equal(json_bool_at(tree, "resolves", false), explanation->resolves);
	json_decref(tree);
	explanation_free(explanation);
	cache_free(cache);
}

#define CHECK(...)                                                                                 \
	do {                                                                                       \
		static const struct row rows_[] = { __VA_ARGS__ };                                 \
		for (size_t i_ = 0; i_ < ARRAY_SIZE(rows_); i_++) {                                \
			check_row(&rows_[i_]);                                                     \
		}                                                                                  \
	} while (0)

#define FQDN(name) name ".default.svc.cluster.local."

/* ---- names that resolve ---- */

static void good_names_end_in_records(void **state)
{
	CHECK({ .objects = { WEB },
		.question = "web",
		.name = FQDN("web"),
		.said = { FQDN("web") " 5 IN A 10.244.0.1", "2 records, TTL 5 s", "_http._tcp" } },
	      { .objects = { WEB },
		.question = "web-0.web",
		.name = FQDN("web-0.web"),
		.said = { FQDN("web-0.web") " 5 IN A 10.244.0.1", "pod web-0" } },
	      { .objects = { WEB },
		.question = "_http._tcp.web",
		.name = FQDN("_http._tcp.web"),
		.said = { "IN SRV 0 50 8080 web-0.web.default.svc.cluster.local." } },
	      { .objects = { WEB }, .question = "svc/web", .name = FQDN("web") },
	      { .objects = { WEB },
		.question = "pod/web-1",
		.name = FQDN("web-1.web"),
		.said = { "IN A 10.244.0.2" } },
	      { .objects = { WEB },
		.question = "10.244.0.1",
		.name = "1.0.244.10.in-addr.arpa.",
		.said = { "IN PTR web-0.web.default.svc.cluster.local.", "Service default/web" } },
	      { .objects = { WEB },
		.question = "10-244-0-2.default.pod",
		.name = "10-244-0-2.default.pod.cluster.local.",
		.said = { "pod web-1" } });
}

static void short_names_go_through_the_search_list(void **state)
{
	CHECK({ .objects = { WEB }, .question = "web.default", .name = FQDN("web") },
	      { .objects = { WEB }, .question = "web.default.svc", .name = FQDN("web") },
	      { .objects = { WEB },
		.question = "WEB.default.svc.cluster.local.",
		.name = FQDN("web") },
	      { .objects = { WEB },
		.question = "web.default.svc.cluster.local",
		.name = FQDN("web") },
	      { .objects = { WEB }, .question = "web-0.web.default", .name = FQDN("web-0.web") },
	      { .objects = { WEB },
		.question = "wbe.default.svc",
		.name = FQDN("wbe"),
		.broken = "Service",
		.said = { "Did you mean web.default.svc.cluster.local?" } },
	      { .objects = { WEB },
		.question = "www.example.org.",
		.name = "www.example.org.",
		.broken = "Record",
		.said = { "no name of the cluster" } });
}

/* ---- the five broken Services ---- */

static void a_selector_that_matches_nothing_is_told(void **state)
{
	CHECK({ .objects = { NS("default"), HEADLESS("web", APP("ngnix")),
			     POD("a", APP("nginx"), "", "10.244.0.1", READY) },
		.question = "web",
		.broken = "Pods",
		.said = { "app=ngnix matches no pod in namespace default (of 1)",
			  "pod a with app=nginx",
			  "kubectl patch service web -n default --type merge -p "
			  "'{\"spec\":{\"selector\":{\"app\":\"nginx\"}}}'" } },
	      { .objects = { NS("default"), HEADLESS("web", APP("web")),
			     POD("a", "'name':'web'", "", "10.244.0.1", READY) },
		.question = "web",
		.broken = "Pods",
		.said = { "{\"app\":null,\"name\":\"web\"}" } },
	      { .objects = { NS("default"), HEADLESS("web", APP("web")),
			     POD("a", APP("redis") ",'pod-template-hash':'x'", "", "10.244.0.1",
				 READY) },
		.question = "web",
		.broken = "Pods",
		.said = { "labels there: app=redis.", "--show-labels" } },
	      { .objects = { NS("default"), NS("prod"), HEADLESS("web", APP("web")),
			     "p{'metadata':{'name':'a','namespace':'prod','labels':{'app':'web'}}"
			     "}" },
		.question = "web",
		.broken = "Pods",
		.said = { "1 in namespace prod" } },
	      { .objects = { NS("default"), HEADLESS("web", APP("web")) },
		.question = "_http._tcp.web",
		.broken = "Pods",
		.said = { "no pods in namespace default", "scale it up" } });
}

static void pods_that_are_not_ready_are_told(void **state)
{
	CHECK({ .objects = { NS("default"), HEADLESS("web", APP("web")),
			     POD("a", APP("web"), "", "10.244.0.1",
				 UNREADY ",'containerStatuses':[{'name':'c','ready':false,'state':"
					 "{'waiting':{'reason':'ImagePullBackOff'}}}]"),
			     SLICE("web", END("10.244.0.1", "false", "")) },
		.question = "web",
		.broken = "Ready",
		.said = { "0 of 1 pod is ready: a (container c waits: ImagePullBackOff)",
			  "publishNotReadyAddresses", "kubectl describe pod a -n default" } },
	      { .objects = { NS("default"), HEADLESS("web", APP("web")),
			     POD("a", APP("web"),
				 ",'containers':[{'name':'c','readinessProbe':{}}]", "10.244.0.1",
				 UNREADY ",'containerStatuses':[{'name':'c','ready':false,"
					 "'restartCount':0,'state':{'running':{}}}]"),
			     SLICE("web", END("10.244.0.1", "false", "")) },
		.question = "web",
		.broken = "Ready",
		.said = { "readiness probe fails" } },
	      { .objects = { NS("default"), HEADLESS("web", APP("web")),
			     POD("a", APP("web"), ",'readinessGates':[{'conditionType':'x/y'}]",
				 "10.244.0.1", UNREADY),
			     SLICE("web", END("10.244.0.1", "false", "")) },
		.question = "web",
		.broken = "Ready",
		.said = { "readiness gate x/y is not True" } },
	      { .objects = { NS("default"), HEADLESS("web", APP("web")),
			     "p{'metadata':{'name':'a','namespace':'default','labels':{'app':'web'}"
			     "},"
			     "'status':{'phase':'Pending','conditions':[{'type':'PodScheduled',"
			     "'status':'False','reason':'Unschedulable','message':'0/2 "
			     "nodes\\n'}]}}" },
		.question = "web",
		.broken = "Ready",
		.said = { "it is on no node: Unschedulable (0/2 nodes )" } },
	      { .objects = { NS("default"), HEADLESS("web", APP("web")),
			     SET_POD("web-0", "web", "10.244.0.1", UNREADY),
			     SET_POD("web-1", "web", "10.244.0.2", READY),
			     SLICE("web", END("10.244.0.1", "false", NAMED("web-0")) "," END(
						  "10.244.0.2", "true", NAMED("web-1"))) },
		.question = "web-0.web",
		.broken = "Ready",
		.said = { "Pod web-0 is not ready: condition Ready is False: "
			  "ContainersNotReady" } },
	      /* Published all the same. */
	      { .objects = { NS("default"),
			     SERVICE("web", NONE ",'publishNotReadyAddresses':true,'selector':"
						 "{'app':'web'}"),
			     POD("a", APP("web"), "", "10.244.0.1", UNREADY),
			     SLICE("web", END("10.244.0.1", "true", "")) },
		.question = "web",
		.said = { "0 of 1 are ready, but with publishNotReadyAddresses" } });
}

static void wrong_port_names_are_told(void **state)
{
	CHECK({ .objects = { WEB },
		.question = "_htpt._tcp.web",
		.broken = "Port",
		.said = { "no port htpt/tcp; it has: http/TCP 80",
			  "Did you mean _http._tcp.web.default.svc.cluster.local?" } },
	      { .objects = { WEB },
		.question = "_http._udp.web",
		.broken = "Port",
		.said = { "no port http/udp", "_http._tcp.web" } },
	      { .objects = { WEB },
		.question = "_http.web",
		.broken = "Port",
		.said = { "half of a port's name" } },
	      { .objects = { NS("default"),
			     SERVICE("web", NONE ",'selector':{'app':'web'},'ports':[{'protocol':"
						 "'TCP','port':80}]"),
			     POD("a", APP("web"), "", "10.244.0.1", READY),
			     SLICE_OF("web-x", "web", "IPv4",
				      "{'name':'','protocol':'TCP','port':80}",
				      END("10.244.0.1", "true", "")) },
		.question = "_http._tcp.web",
		.broken = "Port",
		.said = { "it has: (unnamed)/TCP 80", "/spec/ports/0/name" } },
	      { .objects = { NS("default"),
			     SERVICE("web",
				     NONE ",'selector':{'app':'web'},'ports':[{'name':'http',"
					  "'protocol':'TCP','port':80,'targetPort':'wbe'}]"),
			     POD("a", APP("web"),
				 ",'containers':[{'name':'c','ports':[{'name':'web',"
				 "'containerPort':80}]}]",
				 "10.244.0.1", READY),
			     SLICE_OF("web-x", "web", "IPv4", "", END("10.244.0.1", "true", "")) },
		.question = "_http._tcp.web",
		.broken = "Port",
		.said = { "wants the container port \"wbe\" (TCP)", "they have: web.",
			  "/spec/ports/0/targetPort" } },
	      /* The Service's own name is not hurt by it. */
	      { .objects = { NS("default"),
			     SERVICE("web",
				     NONE ",'selector':{'app':'web'},'ports':[{'name':'http',"
					  "'protocol':'TCP','port':80,'targetPort':'wbe'}]"),
			     POD("a", APP("web"), "", "10.244.0.1", READY),
			     SLICE_OF("web-x", "web", "IPv4", "", END("10.244.0.1", "true", "")) },
		.question = "web",
		.said = { "wants the container port \"wbe\" (TCP)" } });
}

#define LONE_HOST(spec, more)                                                                      \
	NS("default"), HEADLESS("web", APP("web")),                                                \
		POD("a", APP("web"), spec, "10.244.0.1", READY),                                   \
		SLICE("web", END("10.244.0.1", "true", more))

static void hostnames_without_their_subdomain_are_told(void **state)
{
	CHECK({ .objects = { LONE_HOST(",'hostname':'a'", "") },
		.question = "a.web",
		.broken = "Hostname",
		.said = { "Pod a has the hostname a but no subdomain",
			  "Set spec.subdomain: web where the pod is made" } },
	      { .objects = { LONE_HOST(",'hostname':'a'", "") },
		.question = "pod/a",
		.broken = "Hostname",
		.said = { "hostname a but no subdomain", "to web, the Service" } },
	      { .objects = { LONE_HOST(",'hostname':'a'", "") },
		.question = "svc/web",
		.said = { "a.web is no name: pod a has the hostname, but no subdomain." } },
	      { .objects = { LONE_HOST(HOST("a", "other"), "") },
		.question = "a.web",
		.broken = "Hostname",
		.said = { "subdomain other, which is not this Service" } },
	      { .objects = { LONE_HOST(HOST("a", "other"), "") },
		.question = "pod/a",
		.name = FQDN("a.other"),
		.broken = "Service",
		.said = { "no Service \"other\"" } });
}

static void pods_that_have_other_names_are_told(void **state)
{
	CHECK({ .objects = { LONE_HOST("", "") },
		.question = "a.web",
		.broken = "Hostname",
		.said = { "no spec.hostname", "headlessd explain pod/a -n default" } },
	      { .objects = { LONE_HOST("", "") },
		.question = "pod/a",
		.name = FQDN("10-244-0-1.web"),
		.said = { "Without a hostname its name is made of its address" } },
	      { .objects = { LONE_HOST(HOST("b", "web"), NAMED("b")) },
		.question = "a.web",
		.broken = "Hostname",
		.said = { "Pod a has another hostname: b.", "Ask for b.web." } },
	      { .objects = { NS("default"), HEADLESS("web", APP("web")),
			     "p{'metadata':{'name':'d-5f-x','namespace':'default','labels':{'app':"
			     "'web','pod-template-hash':'5f'},'ownerReferences':[{'kind':"
			     "'ReplicaSet','name':'d-5f','uid':'u','controller':true}]},'spec':{"
			     "'hostname':'h'},'status':{'phase':'Running','podIP':'10.244.0.1'"
			     "," READY "}}",
			     SLICE("web", END("10.244.0.1", "true", "")) },
		.question = "h.web",
		.broken = "Hostname",
		.said = { "kubectl patch deployment d -n default -p "
			  "'{\"spec\":{\"template\":{\"spec\":{\"subdomain\":\"web\"}}}}'" } },
	      { .objects = { NS("default"), HEADLESS("web", APP("set")),
			     SET_POD("set-0", "set", "10.244.0.1", READY),
			     SLICE("web", END("10.244.0.1", "true", "")) },
		.question = "set-0.web",
		.broken = "Hostname",
		.said = { "Make a headless Service set, which the pods name; or give StatefulSet "
			  "set the serviceName web" } },
	      /* The names are below another Service: nothing is wrong with them. */
	      { .objects = { WEB, HEADLESS("peers", APP("web")),
			     SLICE("peers", END("10.244.0.1", "true", "")) },
		.question = "web-0.peers",
		.broken = "Hostname",
		.said = { "subdomain web, which is not this Service", "Ask for web-0.web." } },
	      { .objects = { WEB, HEADLESS("peers", APP("web")),
			     SLICE("peers", END("10.244.0.1", "true", "")) },
		.question = "peers",
		.said = { "No endpoint has a hostname" } });
}

static void services_that_are_gone_are_told(void **state)
{
	CHECK({ .objects = { NS("default"), SET_POD("web-0", "web", "10.244.0.1", READY) },
		.question = "web",
		.broken = "Service",
		.said = { "There is no Service \"web\" in namespace default: it was never made, or "
			  "deleted; 1 pod names it",
			  "kubectl create service clusterip web --clusterip=None -n default" } },
	      { .objects = { NS("default"), SET_POD("web-0", "web", "10.244.0.1", READY) },
		.question = "web-0.web",
		.broken = "Service" },
	      { .objects = { NS("default"), SET_POD("web-0", "web", "10.244.0.1", READY),
			     SLICE("web", END("10.244.0.1", "true", NAMED("web-0"))) },
		.question = "10.244.0.1",
		.broken = "Service",
		.said = { "there is no Service \"web\"" } },
	      { .objects = { NS("default"), NS("prod"),
			     "s{'metadata':{'name':'web','namespace':'prod'}}" },
		.question = "web",
		.broken = "Service",
		.said = { "There is one in namespace prod" } },
	      { .objects = { NS("default"),
			     "s{'metadata':{'name':'web','namespace':'default','deletionTimestamp':"
			     "'2026-01-01T00:00:00Z'},'spec':{'clusterIP':'10.96.0.1','clusterIPs':"
			     "['10.96.0.1']}}" },
		.question = "web",
		.said = { "is being deleted; a finalizer holds it" } });
}

/* ---- other worlds ---- */

static void namespaces_that_are_not_there_are_told(void **state)
{
	CHECK({ .objects = { WEB },
		.question = "web.defualt",
		.name = "web.defualt.svc.cluster.local.",
		.broken = "Namespace",
		.said = { "Did you mean namespace \"default\"?",
			  "web.default.svc.cluster.local" } },
	      { .objects = { WEB },
		.question = "db.shop.svc",
		.broken = "Namespace",
		.said = { "kubectl create namespace shop" } },
	      { .objects = { WEB },
		.question = "default.svc.cluster.local",
		.broken = "Record",
		.said = { "only names below this one", "NODATA" } });
}

static void unknown_hostnames_lead_to_those_that_are(void **state)
{
	CHECK({ .objects = { WEB },
		.question = "web-5.web",
		.broken = "Hostname",
		.said = { "No endpoint is called web-5; there are: web-0, web-1.",
			  "kubectl scale statefulset web -n default --replicas=6",
			  "web-0.web.default.svc.cluster.local" } },
	      { .objects = { WEB },
		.question = "wbe-1.web",
		.broken = "Hostname",
		.said = { "Did you mean web-1.web.default.svc.cluster.local?" } },
	      { .objects = { WEB },
		.question = "10-244-0-1.web",
		.broken = "Hostname",
		.said = { "has a hostname, web-0", "Ask for web-0.web." } },
	      { .objects = { WEB, POD("b", "", HOST("b", "web"), "10.244.0.9", READY) },
		.question = "b.web",
		.broken = "Hostname",
		.said = { "the selector wants app=web",
			  "kubectl label pod b -n default --overwrite app=web" } },
	      { .objects = { NS("default"), HEADLESS("web", APP("web")),
			     "p{'metadata':{'name':'web-0','namespace':'default','labels':{'app':"
			     "'web'},'deletionTimestamp':'2026-01-01T00:00:00Z'},'spec':{'hostname'"
			     ":'web-0','subdomain':'web','nodeName':'n'},'status':{'podIP':"
			     "'10.244.0.1'," READY "}}",
			     SLICE("web", END("10.244.0.1", "false", NAMED("web-0"))) },
		.question = "web-0.web",
		.broken = "Ready",
		.said = { "it is terminating" } });
}

static void slices_that_lag_or_lack_are_told(void **state)
{
	CHECK({ .objects = { NS("default"), HEADLESS("web", APP("web")),
			     POD("a", APP("web"), "", "10.244.0.1", READY) },
		.question = "web",
		.broken = "Slice",
		.said = { "No EndpointSlice is there", "kube-controller-manager" } },
	      { .objects = { NS("default"), HEADLESS("web", APP("web")),
			     POD("a", APP("web"), "", "10.244.0.1", READY),
			     SLICE("web", END("10.244.0.1", "false", "")) },
		.question = "web",
		.broken = "Slice",
		.said = { "are behind the pods: 0 of 1" } },
	      { .objects = { NS("default"),
			     SERVICE("web", "'clusterIP':'None','ipFamilies':['IPv6'],'selector':{"
					    "'app':'web'}"),
			     POD("a", APP("web"), "", "10.244.0.1", READY),
			     SLICE_OF("web-x", "web", "IPv6", "", "") },
		.question = "web",
		.broken = "Slice",
		.said = { "The Service is IPv6, but no pod has such an address" } },
	      { .objects = { NS("default"),
			     SERVICE("web", "'clusterIP':'None','ipFamilies':['IPv4','IPv6']"),
			     SLICE("web", END("10.0.0.1", "true", "")) },
		.question = "web",
		.said = { "AAAA queries get an empty answer" } },
	      { .objects = { NS("default"), SERVICE("db", NONE) },
		.question = "db",
		.broken = "Slice",
		.said = { "without a selector nobody makes one",
			  "kubernetes.io/service-name: db" } },
	      { .objects = { NS("default"), SERVICE("db", NONE),
			     "e{'metadata':{'name':'db-1','namespace':'default'},'addressType':'"
			     "IPv4',"
			     "'endpoints':[{'addresses':['10.0.0.1']}]}" },
		.question = "db",
		.broken = "Slice",
		.said = { "kubectl label endpointslice db-1 -n default "
			  "kubernetes.io/service-name=db" } },
	      { .objects = { NS("default"), SERVICE("db", NONE),
			     SLICE_OF("db-1", "db", "FQDN", "", END("a.example", "true", "")) },
		.question = "db",
		.broken = "Slice",
		.said = { "addressType FQDN" } },
	      { .objects = { NS("default"), SERVICE("db", NONE),
			     SLICE("db", END("10.0.0.1", "false", "")) },
		.question = "db",
		.broken = "Slice",
		.said = { "All 1 endpoints say conditions.ready: false" } });
}

static void services_that_are_not_headless_are_told_apart(void **state)
{
#define CLUSTER(name, more) SERVICE(name, "'clusterIP':'10.96.0.9','clusterIPs':['10.96.0.9']" more)
	CHECK({ .objects = { NS("default"), CLUSTER("api", ",'selector':{'app':'api'}," HTTP) },
		.question = "api",
		.said = { "Not headless", "IN A 10.96.0.9", "connections go nowhere" } },
	      { .objects = { NS("default"), CLUSTER("api", "") },
		.question = "10.96.0.9",
		.said = { "cluster IP of Service default/api", "IN PTR api.default" } },
	      { .objects = { NS("default"),
			     SERVICE("out",
				     "'type':'ExternalName','externalName':'db.example.org'") },
		.question = "out",
		.said = { "an alias (CNAME) for db.example.org", "outside of the cluster",
			  "IN CNAME db.example.org." } },
	      { .objects = { WEB, SERVICE("in", "'type':'ExternalName','externalName':"
						"'web.default.svc.cluster.local'") },
		.question = "in",
		.said = { "IN CNAME web.default.svc.cluster.local.",
			  FQDN("web") " 5 IN A 10.244.0.1" } },
	      { .objects = { NS("default"), SERVICE("in", "'type':'ExternalName','externalName':"
							  "'no.default.svc.cluster.local'") },
		.question = "in",
		.broken = "Type",
		.said = { "alias-dangling", "headlessd explain no.default.svc.cluster.local" } },
	      { .objects = { NS("default"), SERVICE("in", "'type':'ExternalName','externalName':"
							  "'in.default.svc.cluster.local'") },
		.question = "in",
		.broken = "Type",
		.said = { "leads back to itself" } },
	      { .objects = { NS("default"),
			     SERVICE("ip", "'type':'ExternalName','externalName':'10.0.0.1'") },
		.question = "ip",
		.broken = "Type",
		.said = { "an alias needs a domain name" } },
	      { .objects = { NS("default"),
			     SERVICE("out",
				     "'type':'ExternalName','externalName':'db.example.org'") },
		.question = "a.out",
		.broken = "Type",
		.said = { "no names below it" } });
}

static void pods_without_a_name_are_told(void **state)
{
	CHECK({ .objects = { NS("default"), POD("a", APP("x"), "", "10.244.0.1", READY) },
		.question = "pod/a",
		.broken = "Service",
		.said = { "kubectl expose pod a -n default --cluster-ip=None" } },
	      { .objects = { NS("default"), POD("alpha", APP("x"), "", "10.244.0.1", READY) },
		.question = "pod/alhpa",
		.broken = "Pod",
		.said = { "Did you mean pod/alpha?" } },
	      { .objects = { NS("default"), POD("a", APP("x"), "", "10.244.0.1", READY) },
		.question = "10.244.0.1",
		.broken = "Service",
		.said = { "pod default/a, which no Service selects" } },
	      { .objects = { NS("default") },
		.question = "10.244.0.1",
		.broken = "Address",
		.said = { "No Service, endpoint or pod" } },
	      { .objects = { NS("default"), HEADLESS("web", APP("web")),
			     POD("a", APP("web"), "", "10.244.0.1", UNREADY),
			     SLICE("web", END("10.244.0.1", "false", "")) },
		.question = "10.244.0.1",
		.broken = "Ready",
		.said = { "Pod a is not ready" } },
	      { .objects = { LONE_HOST(",'hostNetwork':true", "") },
		.question = "web",
		.said = { "uses the network of the node" } },
	      { .objects = { NS("default") },
		.question = "fd00::5",
		.name = "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f."
			"ip6.arpa.",
		.broken = "Address" },
	      { .objects = { NS("default") },
		.question = "nginx.default.pod",
		.broken = "Pod",
		.said = { "\"nginx\" is none" } });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_names_end_in_records),
		cmocka_unit_test(short_names_go_through_the_search_list),
		cmocka_unit_test(a_selector_that_matches_nothing_is_told),
		cmocka_unit_test(pods_that_are_not_ready_are_told),
		cmocka_unit_test(wrong_port_names_are_told),
		cmocka_unit_test(hostnames_without_their_subdomain_are_told),
		cmocka_unit_test(pods_that_have_other_names_are_told),
		cmocka_unit_test(services_that_are_gone_are_told),
		cmocka_unit_test(namespaces_that_are_not_there_are_told),
		cmocka_unit_test(unknown_hostnames_lead_to_those_that_are),
		cmocka_unit_test(slices_that_lag_or_lack_are_told),
		cmocka_unit_test(services_that_are_not_headless_are_told_apart),
		cmocka_unit_test(pods_without_a_name_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
