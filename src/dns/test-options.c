/* SPDX-License-Identifier: Apache-2.0 */
/* What the zone's settings do to names: settings and objects in, a question, the whole answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "dns/test-rig.h"

#define API "api.default.svc.cluster.local"
#define WEB "web.default.svc.cluster.local"

static void pod_names_can_be_switched_off_or_verified(void **state)
{
	struct rig *rig = rig_new_config(&(struct zone_config){ .pods = ZONE_PODS_DISABLED });

	rig_namespace(rig, "default");
	CHECK(rig, { "10-244-0-1.default.pod.cluster.local", RR_A, NX },
	      { "default.pod.cluster.local", RR_A, NX }, { "pod.cluster.local", RR_A, ND });
	rig_free(rig);

	rig = rig_new_config(&(struct zone_config){ .pods = ZONE_PODS_VERIFIED });
	rig_namespace(rig, "default");
	rig_put(rig, "Pod",
		"{\"metadata\":{\"name\":\"a\",\"namespace\":\"default\"},\"status\":{\"phase\":"
		"\"Running\",\"podIP\":\"10.244.0.1\",\"podIPs\":[{\"ip\":\"10.244.0.1\"},{\"ip\":"
		"\"fd00::1\"}]}}");
	rig_put(rig, "Pod",
		"{\"metadata\":{\"name\":\"b\",\"namespace\":\"default\"},\"status\":{\"phase\":"
		"\"Succeeded\",\"podIP\":\"10.244.0.2\"}}");
	CHECK(rig,
	      { "10-244-0-1.default.pod.cluster.local", RR_A,
		"NOERROR aa\nan 10-244-0-1.default.pod.cluster.local. 5 A 10.244.0.1" },
	      { "fd00--1.default.pod.cluster.local", RR_AAAA,
		"NOERROR aa\nan fd00--1.default.pod.cluster.local. 5 AAAA fd00::1" },
	      { "10-244-0-2.default.pod.cluster.local", RR_A, NX },
	      { "10-244-0-3.default.pod.cluster.local", RR_A, NX });
	rig_free(rig);
}

static void until_all_is_known_absence_is_a_failure(void **state)
{
	struct rig *rig = rig_new_unsynced();

	rig_namespace(rig, "default");
	rig_service(rig, "default", "api", "10.96.0.1", "");
	rig->edns = true;
	CHECK(rig,
	      { "nope.default.svc.cluster.local", RR_A,
		"SERVFAIL aa" SOA_("5") "\nopt size=1232 ede=14 \"not all Services and endpoints "
					"have been read yet\"" });
	rig->edns = false;
	CHECK(rig, { API, RR_A, "NOERROR aa\nan " API ". 5 A 10.96.0.1" },
	      { API, RR_AAAA, ND_FRESH });
	zone_synced(rig->zone);
	CHECK(rig, { "nope.default.svc.cluster.local", RR_A, NX });
	rig_free(rig);
}

static void an_empty_service_can_be_ignored(void **state)
{
	struct rig *rig = rig_new_config(&(struct zone_config){ .ignore_empty_service = true });

	rig_namespace(rig, "default");
	rig_service(rig, "default", "api", "10.96.0.1", "http/TCP/80");
	CHECK(rig, { API, RR_A, NX_FRESH });
	rig_slice(rig, "default", "api-1", "api", "http/TCP/80", "-=10.244.0.1");
	CHECK(rig, { API, RR_A, "NOERROR aa\nan " API ". 5 A 10.96.0.1" });
	rig_free(rig);
}

static void endpoints_can_be_called_like_their_pods(void **state)
{
	struct rig *rig = rig_new_config(&(struct zone_config){ .endpoint_pod_names = true });

	rig_namespace(rig, "default");
	rig_service(rig, "default", "web", "None", "");
	rig_put(rig, "EndpointSlice",
		"{\"metadata\":{\"name\":\"w\",\"namespace\":\"default\",\"labels\":{"
		"\"kubernetes.io/service-name\":\"web\"}},\"addressType\":\"IPv4\",\"endpoints\":["
		"{\"addresses\":[\"10.244.0.1\"],\"targetRef\":{\"kind\":\"Pod\",\"name\":\"a-b\"}}"
		","
		"{\"addresses\":[\"10.244.0.2\"],\"hostname\":\"h\",\"targetRef\":{\"name\":\"c\"}}"
		"]}");
	CHECK(rig, { "a-b." WEB, RR_A, "NOERROR aa\nan a-b." WEB ". 5 A 10.244.0.1" },
	      { "h." WEB, RR_A, "NOERROR aa\nan h." WEB ". 5 A 10.244.0.2" },
	      { "c." WEB, RR_A, NX_FRESH }, { "10-244-0-1." WEB, RR_A, NX_FRESH });
	rig_free(rig);
}

static void a_ttl_can_be_given_to_each_kind_of_name(void **state)
{
	struct rig *rig = rig_new_config(
		&(struct zone_config){ .pods = ZONE_PODS_INSECURE,
				       .ttls = { [ZONE_TTL_SERVICE] = { true, 11 },
						 [ZONE_TTL_HEADLESS] = { true, 12 },
						 [ZONE_TTL_ENDPOINT] = { true, 0 },
						 [ZONE_TTL_POD] = { true, 14 },
						 [ZONE_TTL_EXTERNAL] = { true, 15 },
						 [ZONE_TTL_POINTER] = { true, 16 },
						 [ZONE_TTL_NEGATIVE] = { true, 400 } } });

	rig_namespace(rig, "default");
	rig_service(rig, "default", "api", "10.96.0.1", "http/TCP/80");
	rig_slice(rig, "default", "api-1", "api", "http/TCP/8080", "a=10.244.0.9");
	rig_service(rig, "default", "web", "None", "http/TCP/80");
	rig_slice(rig, "default", "web-1", "web", "http/TCP/80",
		  "web-0=10.244.0.1 web-1=10.244.0.2");
	rig_slice(rig, "default", "web-6", "web", "http/TCP/80", "web-0=fd00:1::1");
	rig_external(rig, "default", "in", "web.default.svc.cluster.local");
	CHECK(rig, { API, RR_A, "NOERROR aa\nan " API ". 11 A 10.96.0.1" },
	      { "_http._tcp." API, RR_SRV,
		"NOERROR aa\nan _http._tcp." API ". 11 SRV 0 100 80 " API ".\nar " API
		". 11 A 10.96.0.1" },
	      { "a." API, RR_A, "NOERROR aa\nan a." API ". 0 A 10.244.0.9" },
	      { WEB, RR_A, "NOERROR aa\nan " WEB ". 12 A 10.244.0.1\nan " WEB ". 12 A 10.244.0.2" },
	      { "_http._tcp." WEB, RR_SRV,
		"NOERROR aa\nan _http._tcp." WEB ". 12 SRV 0 33 80 web-0." WEB
		".\nan _http._tcp." WEB ". 12 SRV 0 33 80 web-1." WEB ".\nar web-0." WEB
		". 0 A 10.244.0.1\nar web-0." WEB ". 0 AAAA fd00:1::1\nar web-1." WEB
		". 0 A 10.244.0.2" },
	      { "web-0." WEB, RR_A, "NOERROR aa\nan web-0." WEB ". 0 A 10.244.0.1" },
	      { "web-0." WEB, RR_AAAA, "NOERROR aa\nan web-0." WEB ". 0 AAAA fd00:1::1" },
	      { "web-0." WEB, RR_SRV,
		"NOERROR aa\nan web-0." WEB ". 0 SRV 0 50 80 web-0." WEB ".\nar web-0." WEB
		". 0 A 10.244.0.1\nar web-0." WEB ". 0 AAAA fd00:1::1" },
	      { "10-244-0-1.default.pod.cluster.local", RR_A,
		"NOERROR aa\nan 10-244-0-1.default.pod.cluster.local. 14 A 10.244.0.1" },
	      { "in.default.svc.cluster.local", RR_AAAA,
		"NOERROR aa\nan in.default.svc.cluster.local. 15 CNAME " WEB ".\nan " WEB
		". 12 AAAA fd00:1::1" },
	      { "1.0.96.10.in-addr.arpa", RR_PTR,
		"NOERROR aa\nan 1.0.96.10.in-addr.arpa. 16 PTR " API "." },
	      { "nope.cluster.local", RR_A,
		"NXDOMAIN aa\nns " Z " 300 SOA ns.dns." Z " hostmaster." Z " 7200 1800 86400 400" },
	      { "web-7." WEB, RR_A, NX_FRESH },
	      { "cluster.local", RR_SOA,
		"NOERROR aa\nan " Z " 5 SOA ns.dns." Z " hostmaster." Z " 7200 1800 86400 400" });
	rig_free(rig);
}

static void endpoints_can_be_left_out(void **state)
{
	struct rig *rig = rig_new_config(&(struct zone_config){ .no_endpoints = true });

	rig_namespace(rig, "default");
	rig_service(rig, "default", "api", "10.96.0.1", "http/TCP/80");
	rig_slice(rig, "default", "api-1", "api", "http/TCP/8080", "a=10.244.0.9");
	rig_service(rig, "default", "web", "None", "http/TCP/80");
	rig_slice(rig, "default", "web-1", "web", "http/TCP/80", "web-0=10.244.0.1");
	CHECK(rig, { API, RR_A, "NOERROR aa\nan " API ". 5 A 10.96.0.1" },
	      { "a." API, RR_A, NX_FRESH }, { WEB, RR_A, NX_FRESH },
	      { "web-0." WEB, RR_A, NX_FRESH }, { "_http._tcp." WEB, RR_SRV, NX_FRESH },
	      { "1.0.96.10.in-addr.arpa", RR_PTR,
		"NOERROR aa\nan 1.0.96.10.in-addr.arpa. 5 PTR " API "." },
	      { "1.0.244.10.in-addr.arpa", RR_PTR,
		"NXDOMAIN aa" RSOA("244.10.in-addr.arpa.", "5") });
	rig->edns = true;
	CHECK(rig, { WEB, RR_A,
		     "NXDOMAIN aa" SOA_("0") "\nopt size=1232 ede=21 \"names of endpoints are "
					     "switched off\"" });
	rig_free(rig);
}

static void only_listed_namespaces_have_names(void **state)
{
	static const char *const names[] = { "default", "kube-system" };
	struct rig *rig = rig_new_config(&(struct zone_config){
		.namespaces = names, .n_namespaces = 2, .pods = ZONE_PODS_INSECURE });

	rig_namespace(rig, "default");
	rig_namespace(rig, "other");
	rig_service(rig, "default", "api", "10.96.0.1", "http/TCP/80");
	rig_service(rig, "other", "api", "10.96.0.2", "http/TCP/80");
	rig_service(rig, "other", "web", "None", "");
	rig_slice(rig, "other", "web-1", "web", "", "web-0=10.244.0.1");
	CHECK(rig, { API, RR_A, "NOERROR aa\nan " API ". 5 A 10.96.0.1" },
	      { "default.svc.cluster.local", RR_A, ND },
	      { "api.other.svc.cluster.local", RR_A, NX }, { "other.svc.cluster.local", RR_A, NX },
	      { "other.pod.cluster.local", RR_A, NX },
	      { "10-244-0-1.other.pod.cluster.local", RR_A, NX },
	      { "2.0.96.10.in-addr.arpa", RR_PTR, "NXDOMAIN aa" RSOA("96.10.in-addr.arpa.", "5") },
	      { "1.0.244.10.in-addr.arpa", RR_PTR,
		"NXDOMAIN aa" RSOA("244.10.in-addr.arpa.", "5") });
	rig->edns = true;
	CHECK(rig,
	      { "api.other.svc.cluster.local", RR_A,
		"NXDOMAIN aa" SOA_("5") "\nopt size=1232 ede=15 \"namespace \"other\" is not "
					"among those served here\"" },
	      { "api.kube-system.svc.cluster.local", RR_A,
		WHY("NXDOMAIN", "5", "there is no namespace \"kube-system\"") });
	rig_free(rig);
}

static void absent_names_can_be_somebody_elses(void **state)
{
	struct rig *rig = rig_new_config(&(struct zone_config){ .fallthrough = true });

	rig_namespace(rig, "default");
	rig_service(rig, "default", "api", "10.96.0.1", "http/TCP/80");
	CHECK(rig, { "nope.default.svc.cluster.local", RR_A, "REFUSED" },
	      { "nope.cluster.local", RR_A, "REFUSED" }, { API, RR_AAAA, ND_FRESH },
	      { "1.0.244.10.in-addr.arpa", RR_PTR,
		"NXDOMAIN aa" RSOA("244.10.in-addr.arpa.", "5") });
	rig_free(rig);
}

static void bad_settings_are_named(void **state)
{
	static const char *const names[] = { "a.b" };
	struct zone_config bad[] = {
		{ .domain = "cluster..local" },
		{ .domain = "cluster.local", .ttl = 3601 },
		{ .domain = "cluster.local", .ttls = { [ZONE_TTL_POD] = { true, 3601 } } },
		{ .domain = "cluster.local", .namespaces = names, .n_namespaces = 1 },
	};
	const char *const messages[] = {
		"\"cluster..local\" is no domain name",
		"a TTL of 3601 is not between 0 and 3600 seconds",
		"a TTL of 3601 for pods is not between 0 and 3600 seconds",
		"\"a.b\" is no name of a namespace",
	};
	char message[ZONE_MESSAGE];
	struct zone *zone;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(zone_new(&bad[i], &zone, message), ZONE_BAD_CONFIG);
		assert_string_equal(message, messages[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pod_names_can_be_switched_off_or_verified),
		cmocka_unit_test(until_all_is_known_absence_is_a_failure),
		cmocka_unit_test(an_empty_service_can_be_ignored),
		cmocka_unit_test(endpoints_can_be_called_like_their_pods),
		cmocka_unit_test(a_ttl_can_be_given_to_each_kind_of_name),
		cmocka_unit_test(endpoints_can_be_left_out),
		cmocka_unit_test(only_listed_namespaces_have_names),
		cmocka_unit_test(absent_names_can_be_somebody_elses),
		cmocka_unit_test(bad_settings_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
