/* SPDX-License-Identifier: Apache-2.0 */
/* Names of Services of other clusters: objects in, a question, the whole answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "dns/test-rig.h"

#define CS "clusterset.local."
#define SVC "default.svc.clusterset.local"
#define DB "db." SVC
#define API "api." SVC
#define CSOA(ttl) RSOA_OF(CS, CS, ttl)
#define RSOA_OF(zone, domain, ttl)                                                                 \
	"\nns " zone " " ttl " SOA ns.dns." domain " hostmaster." domain " 7200 1800 86400 " ttl
#define CND "NOERROR aa" CSOA("5")
#define CND_FRESH "NOERROR aa" CSOA("0")
#define CNX "NXDOMAIN aa" CSOA("5")
#define CNX_FRESH "NXDOMAIN aa" CSOA("0")

static void put_import(struct rig *rig, const char *name, const char *spec)
{
	char *json = mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"},"
				"\"spec\":{%s,\"ports\":[{\"name\":\"sql\",\"port\":5432}]}}",
				name, spec);

	rig_put(rig, "ServiceImport", json);
	mem_free(json);
}

static void put_slice(struct rig *rig, const char *name, const char *service, const char *cluster,
		      const char *type, const char *endpoints)
{
	char *json = mem_printf(
		"{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"labels\":{"
		"\"multicluster.kubernetes.io/service-name\":\"%s\","
		"\"multicluster.kubernetes.io/source-cluster\":\"%s\"}},\"addressType\":\"%s\","
		"\"ports\":[{\"name\":\"sql\",\"protocol\":\"TCP\",\"port\":5432}],"
		"\"endpoints\":[%s]}",
		name, service, cluster, type, endpoints);

	rig_put(rig, "EndpointSlice", json);
	mem_free(json);
}

static int setup(void **state)
{
	struct rig *rig =
		rig_new_config(&(struct zone_config){ .zonal = true,
						      .pods = ZONE_PODS_INSECURE,
						      .clusterset_domain = "clusterset.local" });
	struct ip own = { .n = 4, .bytes = { 10, 96, 0, 10 } };

	zone_set_own(rig->zone, &own, 1);
	rig_namespace(rig, "default");
	/* The cluster has a Service of the same name, which is another one. */
	rig_service(rig, "default", "db", "None", "sql/TCP/5432");
	rig_slice(rig, "default", "db-1", "db", "sql/TCP/5432", "db-0=10.244.0.1");
	put_import(rig, "db", "\"type\":\"Headless\"");
	put_slice(rig, "db-east", "db", "east", "IPv4",
		  "{\"addresses\":[\"10.1.0.1\"],\"hostname\":\"db-0\"},"
		  "{\"addresses\":[\"10.1.0.2\"]},"
		  "{\"addresses\":[\"10.1.0.3\"],\"hostname\":\"db-9\",\"conditions\":{"
		  "\"ready\":false}}");
	put_slice(rig, "db-west", "db", "west", "IPv4",
		  "{\"addresses\":[\"10.2.0.1\"],\"hostname\":\"DB-0\"}");
	put_slice(rig, "db-west-6", "db", "west", "IPv6",
		  "{\"addresses\":[\"fd00:2::1\"],\"hostname\":\"db-0\"}");
	put_import(rig, "api", "\"type\":\"ClusterSetIP\",\"ips\":[\"10.42.0.1\",\"fd00:42::1\"]");
	put_slice(rig, "api-east", "api", "east", "IPv4",
		  "{\"addresses\":[\"10.1.0.9\"],\"hostname\":\"a\"}");
	put_import(rig, "idle", "\"type\":\"Headless\"");
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static void a_headless_import_has_the_endpoints_of_all_clusters(void **state)
{
	CHECK(*state,
	      { DB, RR_A,
		"NOERROR aa\nan " DB ". 5 A 10.1.0.1\nan " DB ". 5 A 10.1.0.2\nan " DB
		". 5 A 10.2.0.1" },
	      { DB, RR_AAAA, "NOERROR aa\nan " DB ". 5 AAAA fd00:2::1" }, { DB, RR_TXT, CND_FRESH },
	      { "idle." SVC, RR_A, CNX_FRESH });
}

static void an_endpoint_is_called_with_its_cluster(void **state)
{
	CHECK(*state, { "db-0.east." DB, RR_A, "NOERROR aa\nan db-0.east." DB ". 5 A 10.1.0.1" },
	      { "db-0.WEST." DB, RR_A, "NOERROR aa\nan db-0.WEST." DB ". 5 A 10.2.0.1" },
	      { "db-0.west." DB, RR_AAAA, "NOERROR aa\nan db-0.west." DB ". 5 AAAA fd00:2::1" },
	      { "10-1-0-2.east." DB, RR_A, "NOERROR aa\nan 10-1-0-2.east." DB ". 5 A 10.1.0.2" },
	      { "db-0.east." DB, RR_AAAA, CND_FRESH }, { "db-0.north." DB, RR_A, CNX_FRESH },
	      { "db-9.east." DB, RR_A, CNX_FRESH },
	      /* Not without. */
	      { "db-0." DB, RR_A, CNX_FRESH }, { "10-1-0-2." DB, RR_A, CNX_FRESH },
	      /* Empty, but names are below. */
	      { "east." DB, RR_A, CND_FRESH }, { "north." DB, RR_A, CNX_FRESH },
	      { "x.db-0.east." DB, RR_A, CNX_FRESH });
}

static void servers_of_an_import_are_endpoints_with_their_cluster(void **state)
{
	CHECK(*state,
	      { "_sql._tcp." DB, RR_SRV,
		"NOERROR aa\nan _sql._tcp." DB ". 5 SRV 0 25 5432 10-1-0-2.east." DB
		".\nan _sql._tcp." DB ". 5 SRV 0 25 5432 db-0.east." DB ".\nan _sql._tcp." DB
		". 5 SRV 0 25 5432 db-0.west." DB ".\nar 10-1-0-2.east." DB
		". 5 A 10.1.0.2\nar db-0.east." DB ". 5 A 10.1.0.1\nar db-0.west." DB
		". 5 A 10.2.0.1\nar db-0.west." DB ". 5 AAAA fd00:2::1" },
	      { "_sql._tcp." DB, RR_AAAA, "NOERROR aa\nan _sql._tcp." DB ". 5 AAAA fd00:2::1" },
	      { "db-0.east." DB, RR_SRV,
		"NOERROR aa\nan db-0.east." DB ". 5 SRV 0 100 5432 db-0.east." DB
		".\nar db-0.east." DB ". 5 A 10.1.0.1" },
	      { "_tcp." DB, RR_SRV, CND_FRESH }, { "_x._tcp." DB, RR_SRV, CNX_FRESH },
	      /* Without underscores they are an endpoint and a cluster. */
	      { "sql.tcp." DB, RR_SRV, CNX_FRESH });
}

static void an_import_may_have_addresses_of_its_own(void **state)
{
	CHECK(*state, { API, RR_A, "NOERROR aa\nan " API ". 5 A 10.42.0.1" },
	      { API, RR_AAAA, "NOERROR aa\nan " API ". 5 AAAA fd00:42::1" },
	      { "_sql._tcp." API, RR_SRV,
		"NOERROR aa\nan _sql._tcp." API ". 5 SRV 0 50 5432 " API ".\nar " API
		". 5 A 10.42.0.1\nar " API ". 5 AAAA fd00:42::1" },
	      { "a.east." API, RR_A, "NOERROR aa\nan a.east." API ". 5 A 10.1.0.9" },
	      { "a." API, RR_A, CNX_FRESH });
}

static void the_cluster_set_has_a_zone_of_its_own(void **state)
{
	CHECK(*state,
	      { "clusterset.local", RR_SOA,
		"NOERROR aa\nan " CS " 5 SOA ns.dns." CS " hostmaster." CS " 7200 1800 86400 5" },
	      { "clusterset.local", RR_NS,
		"NOERROR aa\nan " CS " 5 NS ns.dns." CS "\nar ns.dns." CS " 5 A 10.96.0.10" },
	      { "ns.dns.clusterset.local", RR_A, "NOERROR aa\nan ns.dns." CS " 5 A 10.96.0.10" },
	      { "dns-version.clusterset.local", RR_TXT,
		"NOERROR aa\nan dns-version." CS " 28800 TYPE16/1.1.0" },
	      { "svc.clusterset.local", RR_A, CND }, { "default.svc.clusterset.local", RR_A, CND },
	      { "nope.svc.clusterset.local", RR_A, CNX }, { "nope." SVC, RR_A, CNX },
	      { "nope.clusterset.local", RR_A, CNX }, { "local", RR_A, "REFUSED" },
	      { "example.org", RR_A, "REFUSED" });
}

static void the_cluster_does_not_notice(void **state)
{
	CHECK(*state,
	      { "db.default.svc.cluster.local", RR_A,
		"NOERROR aa\nan db.default.svc.cluster.local. 5 A 10.244.0.1" },
	      { "db-0.east.db.default.svc.cluster.local", RR_A, NX_FRESH },
	      { "api.default.svc.cluster.local", RR_A, NX },
	      { "1.0.244.10.in-addr.arpa", RR_PTR,
		"NOERROR aa\nan 1.0.244.10.in-addr.arpa. 5 PTR "
		"db-0.db.default.svc.cluster.local." },
	      /* Addresses of other clusters have no names here. */
	      { "1.0.1.10.in-addr.arpa", RR_PTR, "REFUSED" });
}

static void there_are_no_zones_of_topology_in_a_cluster_set(void **state)
{
	CHECK(*state, { "a.pin._zone." DB, RR_A, CNX_FRESH }, { "_zone." DB, RR_A, CNX_FRESH });
}

static void changes_of_imports_show_at_once(void **state)
{
	struct rig *rig = *state;

	put_slice(rig, "idle-1", "idle", "east", "IPv4", "{\"addresses\":[\"10.1.1.1\"]}");
	CHECK(rig, { "idle." SVC, RR_A, "NOERROR aa\nan idle." SVC ". 5 A 10.1.1.1" });
	/* Moved to another cluster. */
	put_slice(rig, "idle-1", "idle", "west", "IPv4", "{\"addresses\":[\"10.1.1.1\"]}");
	CHECK(rig, { "10-1-1-1.east.idle." SVC, RR_A, CNX_FRESH },
	      { "10-1-1-1.west.idle." SVC, RR_A,
		"NOERROR aa\nan 10-1-1-1.west.idle." SVC ". 5 A 10.1.1.1" });
	/* A slice must say where it is from. */
	put_slice(rig, "idle-1", "idle", "", "IPv4", "{\"addresses\":[\"10.1.1.1\"]}");
	CHECK(rig, { "idle." SVC, RR_A, CNX_FRESH });
	rig_remove(rig, "ServiceImport", "default", "db");
	CHECK(rig, { DB, RR_A, CNX }, { "db-0.east." DB, RR_A, CNX });
	put_import(rig, "db", "\"type\":\"Headless\"");
	rig_remove(rig, "Namespace", "", "default");
	CHECK(rig, { DB, RR_A, CNX });
	rig_namespace(rig, "default");
	CHECK(rig, { "db-0.east." DB, RR_A, "NOERROR aa\nan db-0.east." DB ". 5 A 10.1.0.1" });
}

/* As an implementation may do that derives a Service from the import. */
static void a_slice_can_be_behind_a_service_and_an_import(void **state)
{
	struct rig *rig = *state;

	rig_put(rig, "EndpointSlice",
		"{\"metadata\":{\"name\":\"both\",\"namespace\":\"default\",\"labels\":{"
		"\"kubernetes.io/service-name\":\"db\","
		"\"multicluster.kubernetes.io/service-name\":\"idle\","
		"\"multicluster.kubernetes.io/source-cluster\":\"here\"}},\"addressType\":\"IPv4\","
		"\"endpoints\":[{\"addresses\":[\"10.244.0.7\"],\"hostname\":\"x\"}]}");
	CHECK(rig,
	      { "x.db.default.svc.cluster.local", RR_A,
		"NOERROR aa\nan x.db.default.svc.cluster.local. 5 A 10.244.0.7" },
	      { "x.here.idle." SVC, RR_A, "NOERROR aa\nan x.here.idle." SVC ". 5 A 10.244.0.7" });
	rig_remove(rig, "EndpointSlice", "default", "both");
	CHECK(rig, { "x.db.default.svc.cluster.local", RR_A, NX_FRESH },
	      { "x.here.idle." SVC, RR_A, CNX_FRESH });
}

static void an_alias_may_lead_into_the_cluster_set(void **state)
{
	struct rig *rig = *state;

	rig_external(rig, "default", "far", "db-0.west.db.default.svc.clusterset.local");
	CHECK(rig, { "far.default.svc.cluster.local", RR_A,
		     "NOERROR aa\nan db-0.west." DB
		     ". 5 A 10.2.0.1\nan far.default.svc.cluster.local. 5 "
		     "CNAME db-0.west." DB "." });
}

static void absence_in_a_cluster_set_has_a_reason(void **state)
{
#define CWHY(rcode, ttl, why) rcode " aa" CSOA(ttl) "\nopt size=1232 ede=0 \"" why "\""
	struct rig *rig = *state;

	rig->edns = true;
	CHECK(rig,
	      { "db-9.east." DB, RR_A,
		CWHY("NXDOMAIN", "0",
		     "endpoint \"db-9\" of Service \"default\"/\"db\" exists but is not ready") },
	      { "idle." SVC, RR_A,
		CWHY("NXDOMAIN", "0",
		     "no cluster has endpoints for headless Service \"default\"/\"idle\"") });
}

static void domains_may_lie_in_each_other(void **state)
{
	struct rig *rig =
		rig_new_config(&(struct zone_config){ .clusterset_domain = "set.cluster.local" });
	struct zone_config same = { .domain = "a.b", .clusterset_domain = "A.b." };
	char message[ZONE_MESSAGE];
	struct zone *zone;

	rig_namespace(rig, "default");
	put_import(rig, "api", "\"type\":\"ClusterSetIP\",\"ips\":[\"10.42.0.1\"]");
	CHECK(rig,
	      { "api.default.svc.set.cluster.local", RR_A,
		"NOERROR aa\nan api.default.svc.set.cluster.local. 5 A 10.42.0.1" },
	      { "api.default.svc.cluster.local", RR_A, NX });
	rig_free(rig);
	assert_int_equal(zone_new(&same, &zone, message), ZONE_BAD_CONFIG);
}

int main(void)
{
#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		RULE(a_headless_import_has_the_endpoints_of_all_clusters),
		RULE(an_endpoint_is_called_with_its_cluster),
		RULE(servers_of_an_import_are_endpoints_with_their_cluster),
		RULE(an_import_may_have_addresses_of_its_own),
		RULE(the_cluster_set_has_a_zone_of_its_own),
		RULE(the_cluster_does_not_notice),
		RULE(there_are_no_zones_of_topology_in_a_cluster_set),
		RULE(changes_of_imports_show_at_once),
		RULE(a_slice_can_be_behind_a_service_and_an_import),
		RULE(an_alias_may_lead_into_the_cluster_set),
		RULE(absence_in_a_cluster_set_has_a_reason),
		cmocka_unit_test(domains_may_lie_in_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
