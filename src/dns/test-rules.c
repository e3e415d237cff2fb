/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of names, one by one: objects in, a question, the whole answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "dns/test-rig.h"
#include "dns/wire.h"

/* A cluster with one Service of each sort. */
static int setup(void **state)
{
	struct rig *rig = rig_new();

	rig_namespace(rig, "default");
	rig_namespace(rig, "other");
	rig_service(rig, "default", "api", "10.96.0.1", "http/TCP/80 dns/UDP/53 /TCP/7");
	rig_slice(rig, "default", "api-1", "api", "http/TCP/8080", "-=10.244.0.9");
	rig_service(rig, "default", "dual", "10.96.0.2,fd00::2", "http/TCP/80");
	rig_service(rig, "default", "portless", "10.96.0.3", "");
	rig_service(rig, "default", "web", "None", "http/TCP/80");
	rig_slice(rig, "default", "web-1", "web", "http/TCP/80",
		  "web-0=10.244.0.1 web-1=10.244.0.2? -=10.244.0.3 web-9=10.244.0.4!");
	rig_slice(rig, "default", "web-6", "web", "http/TCP/80", "web-0=fd00:1::1");
	rig_service(rig, "default", "idle", "None", "http/TCP/80");
	rig_slice(rig, "default", "idle-1", "idle", "http/TCP/80",
		  "idle-0=10.244.1.1! idle-1=10.244.1.2!");
	rig_service(rig, "default", "none", "None", "");
	rig_external(rig, "default", "out", "www.example.org");
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static void a_cluster_service_has_its_addresses(void **state)
{
	CHECK(*state,
	      { "api.default.svc.cluster.local", RR_A,
		"NOERROR aa\nan api.default.svc.cluster.local. 5 A 10.96.0.1" },
	      { "api.default.svc.cluster.local", RR_AAAA, ND_FRESH },
	      { "dual.default.svc.cluster.local", RR_AAAA,
		"NOERROR aa\nan dual.default.svc.cluster.local. 5 AAAA fd00::2" },
	      { "api.default.svc.cluster.local", RR_TXT, ND_FRESH },
	      { "api.default.svc.cluster.local", 15, ND_FRESH },
	      { "api.default.svc.cluster.local", RR_SOA, ND_FRESH },
	      { "api.default.svc.cluster.local", RR_ANY,
		"NOERROR aa\nan api.default.svc.cluster.local. 5 TYPE13/RFC8482/" });
}

static void ports_of_a_cluster_service_are_srv_records(void **state)
{
#define API "api.default.svc.cluster.local"
#define DUAL "dual.default.svc.cluster.local"
	CHECK(*state,
	      { "_http._tcp." API, RR_SRV,
		"NOERROR aa\nan _http._tcp." API ". 5 SRV 0 100 80 " API ".\nar " API
		". 5 A 10.96.0.1" },
	      { "http.tcp." API, RR_SRV,
		"NOERROR aa\nan http.tcp." API ". 5 SRV 0 100 80 " API ".\nar " API
		". 5 A 10.96.0.1" },
	      { API, RR_SRV,
		"NOERROR aa\nan " API ". 5 SRV 0 33 53 " API ".\nan " API ". 5 SRV 0 33 7 " API
		".\nan " API ". 5 SRV 0 33 80 " API ".\nar " API ". 5 A 10.96.0.1" },
	      { "_http._tcp." DUAL, RR_SRV,
		"NOERROR aa\nan _http._tcp." DUAL ". 5 SRV 0 50 80 " DUAL ".\nar " DUAL
		". 5 A 10.96.0.2\nar " DUAL ". 5 AAAA fd00::2" },
	      { "_http._tcp." API, RR_A, "NOERROR aa\nan _http._tcp." API ". 5 A 10.96.0.1" },
	      { "_http._udp." API, RR_SRV, NX_FRESH }, { "_nope._tcp." API, RR_SRV, NX_FRESH },
	      { "_tcp." API, RR_SRV, ND_FRESH }, { "_tcp." API, RR_A, ND_FRESH },
	      { "_sctp." API, RR_SRV, NX_FRESH },
	      { "_http._tcp.10-244-0-9." API, RR_SRV, NX_FRESH },
	      { "portless.default.svc.cluster.local", RR_SRV, ND_FRESH },
	      { "portless.default.svc.cluster.local", RR_A,
		"NOERROR aa\nan portless.default.svc.cluster.local. 5 A 10.96.0.3" });
}

static void endpoints_of_a_cluster_service_have_names(void **state)
{
	CHECK(*state,
	      { "10-244-0-9." API, RR_A, "NOERROR aa\nan 10-244-0-9." API ". 5 A 10.244.0.9" },
	      { "10-244-0-9." API, RR_SRV,
		"NOERROR aa\nan 10-244-0-9." API ". 5 SRV 0 100 8080 10-244-0-9." API
		".\nar 10-244-0-9." API ". 5 A 10.244.0.9" },
	      { "10-244-0-8." API, RR_A, NX_FRESH });
}

static void a_headless_service_has_its_ready_endpoints(void **state)
{
#define WEB "web.default.svc.cluster.local"
	CHECK(*state,
	      { WEB, RR_A,
		"NOERROR aa\nan " WEB ". 5 A 10.244.0.1\nan " WEB ". 5 A 10.244.0.2\nan " WEB
		". 5 A 10.244.0.3" },
	      { WEB, RR_AAAA, "NOERROR aa\nan " WEB ". 5 AAAA fd00:1::1" },
	      { "web-0." WEB, RR_A, "NOERROR aa\nan web-0." WEB ". 5 A 10.244.0.1" },
	      { "web-0." WEB, RR_AAAA, "NOERROR aa\nan web-0." WEB ". 5 AAAA fd00:1::1" },
	      { "web-1." WEB, RR_A, "NOERROR aa\nan web-1." WEB ". 5 A 10.244.0.2" },
	      { "web-1." WEB, RR_AAAA, ND_FRESH },
	      { "10-244-0-3." WEB, RR_A, "NOERROR aa\nan 10-244-0-3." WEB ". 5 A 10.244.0.3" },
	      { "10-244-0-1." WEB, RR_A, NX_FRESH }, /* it has a hostname */
	      { "web-9." WEB, RR_A, NX_FRESH }, { "web-2." WEB, RR_A, NX_FRESH },
	      { "x.web-0." WEB, RR_A, NX_FRESH }, { "a.b.c." WEB, RR_A, NX_FRESH });
}

static void ports_of_a_headless_service_are_srv_records_of_endpoints(void **state)
{
	CHECK(*state,
	      { "_http._tcp." WEB, RR_SRV,
		"NOERROR aa\nan _http._tcp." WEB ". 5 SRV 0 25 80 10-244-0-3." WEB
		".\nan _http._tcp." WEB ". 5 SRV 0 25 80 web-0." WEB ".\nan _http._tcp." WEB
		". 5 SRV 0 25 80 web-1." WEB ".\nar 10-244-0-3." WEB
		". 5 A 10.244.0.3\nar web-0." WEB ". 5 A 10.244.0.1\nar web-0." WEB
		". 5 AAAA fd00:1::1\nar web-1." WEB ". 5 A 10.244.0.2" },
	      { "web-1." WEB, RR_SRV,
		"NOERROR aa\nan web-1." WEB ". 5 SRV 0 100 80 web-1." WEB ".\nar web-1." WEB
		". 5 A 10.244.0.2" },
	      { "_http._tcp." WEB, RR_AAAA, "NOERROR aa\nan _http._tcp." WEB ". 5 AAAA fd00:1::1" },
	      { "_tcp." WEB, RR_A, ND_FRESH });
}

static void a_headless_service_without_ready_endpoints_is_absent(void **state)
{
	struct rig *rig = *state;

	CHECK(rig, { "idle.default.svc.cluster.local", RR_A, NX_FRESH },
	      { "idle.default.svc.cluster.local", RR_SRV, NX_FRESH },
	      { "_http._tcp.idle.default.svc.cluster.local", RR_SRV, NX_FRESH },
	      { "idle-0.idle.default.svc.cluster.local", RR_A, NX_FRESH },
	      { "none.default.svc.cluster.local", RR_A, NX_FRESH });
	rig_slice(rig, "default", "idle-1", "idle", "http/TCP/80",
		  "idle-0=10.244.1.1 idle-1=10.244.1.2!");
	CHECK(rig,
	      { "idle.default.svc.cluster.local", RR_A,
		"NOERROR aa\nan idle.default.svc.cluster.local. 5 A 10.244.1.1" },
	      { "idle.default.svc.cluster.local", RR_AAAA, ND_FRESH });
}

static void slices_with_different_ports_keep_them_apart(void **state)
{
#define MIX "mix.default.svc.cluster.local"
	struct rig *rig = *state;

	rig_service(rig, "default", "mix", "None", "http/TCP/80");
	rig_slice(rig, "default", "mix-1", "mix", "http/TCP/8080", "a=10.244.2.1 b=10.244.2.2");
	rig_slice(rig, "default", "mix-2", "mix", "http/TCP/8081 admin/TCP/9000", "c=10.244.2.3");
	CHECK(rig,
	      { "_http._tcp." MIX, RR_SRV,
		"NOERROR aa\nan _http._tcp." MIX ". 5 SRV 0 33 8080 a." MIX ".\nan _http._tcp." MIX
		". 5 SRV 0 33 8080 b." MIX ".\nan _http._tcp." MIX ". 5 SRV 0 33 8081 c." MIX
		".\nar a." MIX ". 5 A 10.244.2.1\nar b." MIX ". 5 A 10.244.2.2\nar c." MIX
		". 5 A 10.244.2.3" },
	      { "_admin._tcp." MIX, RR_SRV,
		"NOERROR aa\nan _admin._tcp." MIX ". 5 SRV 0 100 9000 c." MIX ".\nar c." MIX
		". 5 A 10.244.2.3" },
	      { "_admin._tcp." MIX, RR_A, "NOERROR aa\nan _admin._tcp." MIX ". 5 A 10.244.2.3" },
	      { "_http._tcp." MIX, RR_A,
		"NOERROR aa\nan _http._tcp." MIX ". 5 A 10.244.2.1\nan _http._tcp." MIX
		". 5 A 10.244.2.2\nan _http._tcp." MIX ". 5 A 10.244.2.3" },
	      { "c." MIX, RR_SRV,
		"NOERROR aa\nan c." MIX ". 5 SRV 0 50 8081 c." MIX ".\nan c." MIX
		". 5 SRV 0 50 9000 c." MIX ".\nar c." MIX ". 5 A 10.244.2.3" },
	      { "a." MIX, RR_SRV,
		"NOERROR aa\nan a." MIX ". 5 SRV 0 100 8080 a." MIX ".\nar a." MIX
		". 5 A 10.244.2.1" });
}

static void what_stands_in_two_slices_is_answered_once(void **state)
{
#define TWICE "twice.default.svc.cluster.local"
	struct rig *rig = *state;

	rig_service(rig, "default", "twice", "None", "http/TCP/80");
	rig_slice(rig, "default", "t-1", "twice", "http/TCP/80", "a=10.244.3.1 b=10.244.3.2");
	rig_slice(rig, "default", "t-2", "twice", "http/TCP/80",
		  "a=10.244.3.1 c=10.244.3.2 a=10.244.3.3");
	CHECK(rig,
	      { TWICE, RR_A,
		"NOERROR aa\nan " TWICE ". 5 A 10.244.3.1\nan " TWICE ". 5 A 10.244.3.2\nan " TWICE
		". 5 A 10.244.3.3" },
	      { "a." TWICE, RR_A,
		"NOERROR aa\nan a." TWICE ". 5 A 10.244.3.1\nan a." TWICE ". 5 A 10.244.3.3" },
	      { "b." TWICE, RR_A, "NOERROR aa\nan b." TWICE ". 5 A 10.244.3.2" },
	      { "c." TWICE, RR_A, "NOERROR aa\nan c." TWICE ". 5 A 10.244.3.2" },
	      { "2.3.244.10.in-addr.arpa", RR_PTR,
		"NOERROR aa\nan 2.3.244.10.in-addr.arpa. 5 PTR b." TWICE
		".\nan 2.3.244.10.in-addr.arpa. 5 PTR c." TWICE "." },
	      { "1.3.244.10.in-addr.arpa", RR_PTR,
		"NOERROR aa\nan 1.3.244.10.in-addr.arpa. 5 PTR a." TWICE "." });
	rig_remove(rig, "EndpointSlice", "default", "t-1");
	CHECK(rig,
	      { "1.3.244.10.in-addr.arpa", RR_PTR,
		"NOERROR aa\nan 1.3.244.10.in-addr.arpa. 5 PTR a." TWICE "." },
	      { "2.3.244.10.in-addr.arpa", RR_PTR,
		"NOERROR aa\nan 2.3.244.10.in-addr.arpa. 5 PTR c." TWICE "." },
	      { "b." TWICE, RR_A, NX_FRESH });
}

static void weights_count_addresses_before_names(void **state)
{
#define W "w.default.svc.cluster.local"
	struct rig *rig = *state;

	rig_service(rig, "default", "w", "None", "http/TCP/80");
	rig_slice(rig, "default", "w-1", "w", "http/TCP/80",
		  "a=10.244.4.1 b=10.244.4.2 c=10.244.4.3 d=10.244.4.4 e=10.244.4.5 e=10.244.4.6");
	CHECK(rig,
	      { "a." W, RR_SRV,
		"NOERROR aa\nan a." W ". 5 SRV 0 100 80 a." W ".\nar a." W ". 5 A 10.244.4.1" },
	      { "e." W, RR_SRV,
		"NOERROR aa\nan e." W ". 5 SRV 0 50 80 e." W ".\nar e." W
		". 5 A 10.244.4.5\nar e." W ". 5 A 10.244.4.6" });
	assert_non_null(strstr(rig_ask(rig, "_http._tcp." W, RR_SRV), "SRV 0 16 80 a."));
}

static void an_endpoint_in_ipv6_has_a_dashed_name(void **state)
{
#define SIX "six.default.svc.cluster.local"
	struct rig *rig = *state;

	rig_service(rig, "default", "six", "None", "");
	rig_slice(rig, "default", "six-1", "six", "", "-=2001:db8:: -=2001:db8::1");
	CHECK(rig,
	      { "2001-db8--0." SIX, RR_AAAA,
		"NOERROR aa\nan 2001-db8--0." SIX ". 5 AAAA 2001:db8::" },
	      { "2001-db8--1." SIX, RR_AAAA,
		"NOERROR aa\nan 2001-db8--1." SIX ". 5 AAAA 2001:db8::1" },
	      { SIX, RR_A, ND_FRESH }, { SIX, RR_SRV, ND_FRESH });
}

static void the_zone_has_an_apex(void **state)
{
	struct rig *rig = *state;
	struct ip own;

	CHECK(rig,
	      { "cluster.local", RR_SOA,
		"NOERROR aa\nan " Z " 5 SOA ns.dns." Z " hostmaster." Z " 7200 1800 86400 5" },
	      { "cluster.local", RR_NS, "NOERROR aa\nan " Z " 5 NS ns.dns." Z },
	      { "cluster.local", RR_A, ND }, { "cluster.local", RR_TXT, ND },
	      { "svc.cluster.local", RR_A, ND }, { "svc.cluster.local", RR_TXT, ND },
	      { "pod.cluster.local", RR_A, ND }, { "default.svc.cluster.local", RR_A, ND },
	      { "default.svc.cluster.local", RR_TXT, ND }, { "nope.svc.cluster.local", RR_A, NX },
	      { "default.pod.cluster.local", RR_A, ND }, { "nope.pod.cluster.local", RR_A, NX },
	      { "dns.cluster.local", RR_A, ND }, { "ns.dns.cluster.local", RR_TXT, ND },
	      { "dns-version.cluster.local", RR_TXT,
		"NOERROR aa\nan dns-version." Z " 28800 TYPE16/1.1.0" },
	      { "dns-version.cluster.local", RR_A, ND }, { "other.cluster.local", RR_A, NX },
	      { "x.dns.cluster.local", RR_A, NX }, { "web.default.cluster.local", RR_A, NX },
	      { "web.nope.svc.cluster.local", RR_A, NX },
	      { "nope.default.svc.cluster.local", RR_A, NX },
	      { "x.nope.default.svc.cluster.local", RR_SRV, NX },
	      { "web.other.svc.cluster.local", RR_A, NX });
	assert_true(ip_parse(STR("127.0.0.1"), &own));
	zone_set_own(rig->zone, &own, 1);
	CHECK(rig,
	      { "cluster.local", RR_NS,
		"NOERROR aa\nan " Z " 5 NS ns.dns." Z "\nar ns.dns." Z " 5 A 127.0.0.1" },
	      { "ns.dns.cluster.local", RR_A, "NOERROR aa\nan ns.dns." Z " 5 A 127.0.0.1" },
	      { "ns.dns.cluster.local", RR_AAAA, ND });
	/* Once a Service has that address, it is the name server. */
	assert_true(ip_parse(STR("10.244.0.9"), &own));
	zone_set_own(rig->zone, &own, 1);
	CHECK(rig,
	      { "cluster.local", RR_NS,
		"NOERROR aa\nan " Z " 5 NS " API ".\nar " API ". 5 A 10.96.0.1" },
	      { "ns.dns.cluster.local", RR_A, "NOERROR aa\nan ns.dns." Z " 5 A 10.96.0.1" });
	/* One that serves no UDP is none. */
	assert_true(ip_parse(STR("10.244.0.1"), &own));
	zone_set_own(rig->zone, &own, 1);
	CHECK(rig, { "cluster.local", RR_NS,
		     "NOERROR aa\nan " Z " 5 NS ns.dns." Z "\nar ns.dns." Z " 5 A 10.244.0.1" });
	rig_service(rig, "default", "names", "None", "dns/UDP/53");
	rig_slice(rig, "default", "names-1", "names", "dns/UDP/53", "n-0=10.244.0.1");
	CHECK(rig, { "cluster.local", RR_NS,
		     "NOERROR aa\nan " Z " 5 NS n-0.names.default.svc." Z
		     "\nar n-0.names.default.svc." Z " 5 A 10.244.0.1" });
	/* "Everywhere" is no address to be reached at. */
	assert_true(ip_parse(STR("0.0.0.0"), &own));
	zone_set_own(rig->zone, &own, 1);
	CHECK(rig, { "cluster.local", RR_NS, "NOERROR aa\nan " Z " 5 NS ns.dns." Z });
}

static void the_case_of_the_question_is_kept(void **state)
{
	CHECK(*state,
	      { "WeB-0.wEb.DeFaUlT.sVc.ClUsTeR.LoCaL", RR_A,
		"NOERROR aa\nan WeB-0.wEb.DeFaUlT.sVc.ClUsTeR.LoCaL. 5 A 10.244.0.1" },
	      { "_HtTp._TcP.aPi.DeFaUlT.SvC.cLuStEr.LoCaL", RR_SRV,
		"NOERROR aa\nan _HtTp._TcP.aPi.DeFaUlT.SvC.cLuStEr.LoCaL. 5 SRV 0 100 80 "
		"api.default.svc.cLuStEr.LoCaL.\n"
		"ar api.default.svc.cLuStEr.LoCaL. 5 A 10.96.0.1" },
	      { "nope.DeFaUlT.svc.ClUsTeR.lOcAl", RR_A,
		"NXDOMAIN aa\nns ClUsTeR.lOcAl. 5 SOA ns.dns.ClUsTeR.lOcAl. "
		"hostmaster.ClUsTeR.lOcAl. 7200 1800 86400 5" },
	      { "NS.dns.CLUSTER.local", RR_TXT,
		"NOERROR aa\nns CLUSTER.local. 5 SOA ns.dns.CLUSTER.local. "
		"hostmaster.CLUSTER.local. 7200 1800 86400 5" });
}

static void addresses_have_names(void **state)
{
	CHECK(*state,
	      { "1.0.96.10.in-addr.arpa", RR_PTR,
		"NOERROR aa\nan 1.0.96.10.in-addr.arpa. 5 PTR " API "." },
	      { "1.0.244.10.IN-ADDR.arpa", RR_PTR,
		"NOERROR aa\nan 1.0.244.10.IN-ADDR.arpa. 5 PTR web-0." WEB "." },
	      { "9.0.244.10.in-addr.arpa", RR_PTR,
		"NOERROR aa\nan 9.0.244.10.in-addr.arpa. 5 PTR 10-244-0-9." API "." },
	      { "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.d.f.ip6.arpa", RR_PTR,
		"NOERROR aa\nan "
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.d.f.ip6.arpa. "
		"5 PTR web-0." WEB "." },
	      /* Not ready, unknown: absent. */
	      { "4.0.244.10.in-addr.arpa", RR_PTR,
		"NXDOMAIN aa" RSOA("244.10.in-addr.arpa.", "5") },
	      { "77.0.96.10.in-addr.arpa", RR_PTR, "NXDOMAIN aa" RSOA("96.10.in-addr.arpa.", "5") },
	      { "x.1.0.96.10.in-addr.arpa", RR_PTR,
		"NXDOMAIN aa" RSOA("96.10.in-addr.arpa.", "5") },
	      /* Empty non-terminals, and other types. */
	      { "0.96.10.in-addr.arpa", RR_PTR, "NOERROR aa" RSOA("96.10.in-addr.arpa.", "5") },
	      { "9.96.10.in-addr.arpa", RR_PTR, "NXDOMAIN aa" RSOA("96.10.in-addr.arpa.", "5") },
	      { "1.0.96.10.in-addr.arpa", RR_A, "NOERROR aa" RSOA("96.10.in-addr.arpa.", "5") },
	      { "96.10.in-addr.arpa", RR_SOA,
		"NOERROR aa\nan 96.10.in-addr.arpa. 5 SOA ns.dns." Z " hostmaster." Z
		" 7200 1800 86400 5" },
	      { "96.10.in-addr.arpa", RR_NS, "NOERROR aa\nan 96.10.in-addr.arpa. 5 NS ns.dns." Z },
	      { "0.0.d.f.ip6.arpa", RR_A, "NOERROR aa" RSOA("0.0.d.f.ip6.arpa.", "5") },
	      /* Somebody else's. */
	      { "1.2.0.192.in-addr.arpa", RR_PTR, "REFUSED" },
	      { "10.in-addr.arpa", RR_PTR, "REFUSED" }, { WEB, RR_PTR, ND_FRESH });
}

static void an_address_outside_our_networks_has_a_name_too(void **state)
{
	struct rig *rig = *state;

	rig_service(rig, "default", "hand", "None", "");
	rig_slice(rig, "default", "hand-1", "hand", "", "db=192.0.2.7");
	CHECK(rig,
	      { "7.2.0.192.in-addr.arpa", RR_PTR,
		"NOERROR aa\nan 7.2.0.192.in-addr.arpa. 5 PTR db.hand.default.svc.cluster.local." },
	      { "8.2.0.192.in-addr.arpa", RR_PTR, "REFUSED" });
}

static void pods_have_computed_names(void **state)
{
	CHECK(*state,
	      { "10-244-0-1.default.pod.cluster.local", RR_A,
		"NOERROR aa\nan 10-244-0-1.default.pod.cluster.local. 5 A 10.244.0.1" },
	      { "10-244-0-1.default.pod.cluster.local", RR_AAAA, ND },
	      { "fd00--1.default.pod.cluster.local", RR_AAAA,
		"NOERROR aa\nan fd00--1.default.pod.cluster.local. 5 AAAA fd00::1" },
	      { "10-244-0-1.nope.pod.cluster.local", RR_A, NX },
	      { "web-0.default.pod.cluster.local", RR_A, NX },
	      { "x.10-244-0-1.default.pod.cluster.local", RR_A, NX });
}

static void an_external_name_is_an_alias(void **state)
{
#define OUT "out.default.svc.cluster.local"
	struct rig *rig = *state;

	rig_external(rig, "default", "in", "WEB.default.svc.cluster.local");
	rig_external(rig, "default", "in2", "in.default.svc.cluster.local.");
	rig_external(rig, "default", "dangling", "nope.default.svc.cluster.local");
	rig_external(rig, "default", "loop", "loop2.default.svc.cluster.local");
	rig_external(rig, "default", "loop2", "loop.default.svc.cluster.local");
	rig_external(rig, "default", "self", "self.default.svc.cluster.local");
	rig_external(rig, "default", "parent", "cluster.local");
	rig_external(rig, "default", "ip", "192.0.2.1");
	CHECK(rig, { OUT, RR_CNAME, "NOERROR aa\nan " OUT ". 5 CNAME www.example.org." },
	      { OUT, RR_A, "NOERROR aa\nan " OUT ". 5 CNAME www.example.org." },
	      { OUT, RR_SRV, ND_FRESH }, { OUT, RR_TXT, ND_FRESH }, { "a." OUT, RR_A, NX_FRESH },
	      { "_http._tcp." OUT, RR_SRV, NX_FRESH },
	      { "in.default.svc.cluster.local", RR_AAAA,
		"NOERROR aa\nan in.default.svc.cluster.local. 5 CNAME " WEB ".\nan " WEB
		". 5 AAAA fd00:1::1" },
	      { "in2.default.svc.cluster.local", RR_AAAA,
		"NOERROR aa\nan in.default.svc.cluster.local. 5 CNAME " WEB
		".\nan in2.default.svc.cluster.local. 5 CNAME "
		"in.default.svc.cluster.local.\nan " WEB ". 5 AAAA fd00:1::1" },
	      { "dangling.default.svc.cluster.local", RR_A, ND_FRESH },
	      { "dangling.default.svc.cluster.local", RR_CNAME,
		"NOERROR aa\nan dangling.default.svc.cluster.local. 5 CNAME "
		"nope.default.svc.cluster.local." },
	      { "loop.default.svc.cluster.local", RR_A, ND_FRESH },
	      { "self.default.svc.cluster.local", RR_A, ND_FRESH },
	      { "self.default.svc.cluster.local", RR_CNAME, ND_FRESH },
	      { "parent.default.svc.cluster.local", RR_A, ND_FRESH },
	      { "ip.default.svc.cluster.local", RR_A, NX_FRESH },
	      { "ip.default.svc.cluster.local", RR_CNAME, NX_FRESH });
}

static void a_chain_of_aliases_has_an_end(void **state)
{
	struct rig *rig = *state;
	char name[64];
	char target[64];

	for (int i = 0; i <= LIMIT_CNAME_CHAIN; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		snprintf(target, sizeof(target), "c%d.default.svc.cluster.local", i + 1);
		rig_external(rig, "default", name,
			     i < LIMIT_CNAME_CHAIN ? target : "web.default.svc.cluster.local");
	}
	CHECK(rig, { "c0.default.svc.cluster.local", RR_A, ND_FRESH });
	rig->edns = true;
	assert_non_null(strstr(rig_ask(rig, "c1.default.svc.cluster.local", RR_A), "A 10.244.0.1"));
}

static void changes_show_at_once(void **state)
{
	struct rig *rig = *state;

	CHECK(rig, { "new.default.svc.cluster.local", RR_A, NX });
	/* Slice first, then the Service, then its namespace goes and comes back. */
	rig_slice(rig, "default", "new-1", "new", "", "n-0=10.244.9.1");
	CHECK(rig, { "new.default.svc.cluster.local", RR_A, NX },
	      { "1.9.244.10.in-addr.arpa", RR_PTR,
		"NXDOMAIN aa" RSOA("244.10.in-addr.arpa.", "5") });
	rig_service(rig, "default", "new", "None", "");
#define NEW "NOERROR aa\nan new.default.svc.cluster.local. 5 A 10.244.9.1"
#define NEW_PTR "NOERROR aa\nan 1.9.244.10.in-addr.arpa. 5 PTR n-0.new.default.svc.cluster.local."
	CHECK(rig, { "new.default.svc.cluster.local", RR_A, NEW },
	      { "1.9.244.10.in-addr.arpa", RR_PTR, NEW_PTR });
	rig_remove(rig, "Namespace", "", "default");
	CHECK(rig, { "new.default.svc.cluster.local", RR_A, NX },
	      { "1.9.244.10.in-addr.arpa", RR_PTR,
		"NXDOMAIN aa" RSOA("244.10.in-addr.arpa.", "5") });
	rig_namespace(rig, "default");
	CHECK(rig, { "new.default.svc.cluster.local", RR_A, NEW },
	      { "1.9.244.10.in-addr.arpa", RR_PTR, NEW_PTR });
	/* From headless to an address of its own, and the endpoint moves. */
	rig_service(rig, "default", "new", "10.96.9.1", "");
	rig_slice(rig, "default", "new-1", "new", "", "n-0=10.244.9.2");
	CHECK(rig,
	      { "new.default.svc.cluster.local", RR_A,
		"NOERROR aa\nan new.default.svc.cluster.local. 5 A 10.96.9.1" },
	      { "1.9.244.10.in-addr.arpa", RR_PTR,
		"NXDOMAIN aa" RSOA("244.10.in-addr.arpa.", "5") },
	      { "1.9.96.10.in-addr.arpa", RR_PTR,
		"NOERROR aa\nan 1.9.96.10.in-addr.arpa. 5 PTR new.default.svc.cluster.local." });
	rig_remove(rig, "Service", "default", "new");
	CHECK(rig, { "new.default.svc.cluster.local", RR_A, NX },
	      { "1.9.96.10.in-addr.arpa", RR_PTR, "NXDOMAIN aa" RSOA("96.10.in-addr.arpa.", "5") },
	      { "2.9.244.10.in-addr.arpa", RR_PTR,
		"NXDOMAIN aa" RSOA("244.10.in-addr.arpa.", "5") });
	rig_remove(rig, "EndpointSlice", "default", "new-1");
}

static uint32_t serial(const struct rig *rig)
{
	struct zone_stats stats;

	zone_stats(rig->zone, &stats);
	return stats.serial;
}

static void the_serial_grows_with_every_change_and_only_then(void **state)
{
	struct rig *rig = *state;
	uint32_t before = serial(rig);

	rig_slice(rig, "default", "web-6", "web", "http/TCP/80", "web-0=fd00:1::1");
	rig_service(rig, "default", "api", "10.96.0.1", "http/TCP/80 dns/UDP/53 /TCP/7");
	rig_namespace(rig, "default");
	assert_int_equal(serial(rig), before);
	rig_slice(rig, "default", "web-6", "web", "http/TCP/80", "web-0=fd00:1::2");
	assert_true(serial(rig) > before);
	before = serial(rig);
	rig_remove(rig, "EndpointSlice", "default", "web-6");
	assert_true(serial(rig) > before);
}

static void put_at(struct rig *rig, const char *name, unsigned revision)
{
	char *json = mem_printf("{\"metadata\":{\"name\":\"%s\",\"resourceVersion\":\"%u\"}}", name,
				revision);

	rig_put(rig, "Namespace", json);
	mem_free(json);
}

static void the_serial_is_the_revision_of_the_last_change(void **state)
{
	const uint32_t base = 1U << 31;
	struct rig *rig = rig_new();
	uint32_t before;

	put_at(rig, "a", 500);
	assert_int_equal(serial(rig), base + 500);
	put_at(rig, "b", 700);
	assert_int_equal(serial(rig), base + 700);
	/* From another watch, a little late: still another serial. */
	put_at(rig, "c", 699);
	assert_int_equal(serial(rig), base + 701);
	rig_remove(rig, "Namespace", "", "c");
	before = serial(rig);
	rig_free(rig);

	/* A restart: what exists comes in no order, and the last change was a removal. */
	rig = rig_new_unsynced();
	put_at(rig, "b", 700);
	put_at(rig, "a", 500);
	put_at(rig, "kube-system", 1);
	zone_set_revision(rig->zone, 702);
	zone_synced(rig->zone);
	assert_int_equal(serial(rig), base + 702);
	assert_true(serial(rig) >= before);
	rig_free(rig);
}

static void absence_has_a_reason(void **state)
{
	struct rig *rig = *state;

	rig->edns = true;
	CHECK(rig,
	      { "web.nope.svc.cluster.local", RR_A,
		WHY("NXDOMAIN", "5", "there is no namespace \"nope\"") },
	      { "nope.default.svc.cluster.local", RR_A,
		WHY("NXDOMAIN", "5", "namespace \"default\" has no Service \"nope\"") },
	      { "none.default.svc.cluster.local", RR_A,
		WHY("NXDOMAIN", "0", "headless Service \"default\"/\"none\" selects no pods") },
	      { "idle.default.svc.cluster.local", RR_A,
		WHY("NXDOMAIN", "0",
		    "headless Service \"default\"/\"idle\" has 2 endpoints of which 0 are ready") },
	      { "web-9." WEB, RR_A,
		WHY("NXDOMAIN", "0",
		    "endpoint \"web-9\" of Service \"default\"/\"web\" exists but is not ready") },
	      { "web-7." WEB, RR_A,
		WHY("NXDOMAIN", "0",
		    "Service \"default\"/\"web\" has no endpoint \"web-7\" (4 of 5 endpoints are "
		    "ready)") },
	      { "_x._tcp." WEB, RR_SRV,
		WHY("NXDOMAIN", "0", "Service \"default\"/\"web\" has no such port") },
	      { API, RR_AAAA, WHY("NOERROR", "0", "the name has no address of this family") },
	      { "a." OUT, RR_A,
		WHY("NXDOMAIN", "0",
		    "Service \"default\"/\"out\" is an ExternalName: it has no names below") },
	      { "example.org", RR_A,
		"REFUSED\nopt size=1232 ede=20 \"the name is not in the cluster's zone\"" });
}

static void nonsense_in_objects_costs_only_itself(void **state)
{
	struct rig *rig = *state;

	rig_put(rig, "Service", "{\"metadata\":{\"name\":\"bare\",\"namespace\":\"default\"}}");
	rig_put(rig, "Service",
		"{\"metadata\":{\"name\":\"odd\",\"namespace\":\"default\"},\"spec\":{"
		"\"clusterIPs\":["
		"\"x\",7,\"10.96.0.8\"],\"ports\":[{\"port\":\"http\"},3,{\"port\":99999},{"
		"\"name\":"
		"\"ok\",\"port\":1}]}}");
	rig_put(rig, "EndpointSlice",
		"{\"metadata\":{\"name\":\"odd-1\",\"namespace\":\"default\",\"labels\":{"
		"\"kubernetes.io/service-name\":\"odd\"}},\"addressType\":\"IPv4\",\"ports\":7,"
		"\"endpoints\":[3,{\"addresses\":[\"fd00::1\",\"1.2.3\",null,\"10.244.8.1\"],"
		"\"hostname\":\"a.b\"},{\"addresses\":{}}]}");
	rig_put(rig, "EndpointSlice",
		"{\"metadata\":{\"name\":\"fqdn\",\"namespace\":\"default\",\"labels\":{"
		"\"kubernetes.io/service-name\":\"odd\"}},\"addressType\":\"FQDN\",\"endpoints\":[{"
		"\"addresses\":[\"example.org\"]}]}");
#define ODD "odd.default.svc.cluster.local"
	CHECK(rig, { "bare.default.svc.cluster.local", RR_A, ND_FRESH },
	      { ODD, RR_A, "NOERROR aa\nan " ODD ". 5 A 10.96.0.8" },
	      { "_ok._tcp." ODD, RR_SRV,
		"NOERROR aa\nan _ok._tcp." ODD ". 5 SRV 0 100 1 " ODD ".\nar " ODD
		". 5 A 10.96.0.8" },
	      { "10-244-8-1." ODD, RR_A, "NOERROR aa\nan 10-244-8-1." ODD ". 5 A 10.244.8.1" });
}

int main(void)
{
#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		RULE(a_cluster_service_has_its_addresses),
		RULE(ports_of_a_cluster_service_are_srv_records),
		RULE(endpoints_of_a_cluster_service_have_names),
		RULE(a_headless_service_has_its_ready_endpoints),
		RULE(ports_of_a_headless_service_are_srv_records_of_endpoints),
		RULE(a_headless_service_without_ready_endpoints_is_absent),
		RULE(slices_with_different_ports_keep_them_apart),
		RULE(what_stands_in_two_slices_is_answered_once),
		RULE(weights_count_addresses_before_names),
		RULE(an_endpoint_in_ipv6_has_a_dashed_name),
		RULE(the_zone_has_an_apex),
		RULE(the_case_of_the_question_is_kept),
		RULE(addresses_have_names),
		RULE(an_address_outside_our_networks_has_a_name_too),
		RULE(pods_have_computed_names),
		RULE(an_external_name_is_an_alias),
		RULE(a_chain_of_aliases_has_an_end),
		RULE(changes_show_at_once),
		RULE(the_serial_grows_with_every_change_and_only_then),
		cmocka_unit_test(the_serial_is_the_revision_of_the_last_change),
		RULE(absence_has_a_reason),
		RULE(nonsense_in_objects_costs_only_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
