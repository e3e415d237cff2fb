/* SPDX-License-Identifier: Apache-2.0 */
/* Names of topology zones: objects in, a question, the whole answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "dns/test-rig.h"

#define DB "db.default.svc.cluster.local"
#define A_PIN "us-a.pin._zone." DB
#define A_PREFER "us-a.prefer._zone." DB
#define B_PIN "Corp.example.pin._zone." DB
#define NONE_PREFER "us-c.prefer._zone." DB

static int setup(void **state)
{
	struct rig *rig = rig_new_config(&(struct zone_config){ .zonal = true });

	rig_namespace(rig, "default");
	rig_service(rig, "default", "db", "None", "sql/TCP/5432");
	rig_slice(rig, "default", "db-1", "db", "sql/TCP/5432",
		  "db-0=10.244.0.1@us-a db-1=10.244.0.2@corp.Example db-2=10.244.0.3@corp.example "
		  "db-3=10.244.0.4 db-4=10.244.0.5@drained! -=10.244.0.6@us-a");
	rig_slice(rig, "default", "db-6", "db", "sql/TCP/5432",
		  "db-0=fd00:1::1@us-a db-1=fd00:1::2@corp.example");
	rig_service(rig, "default", "api", "10.96.0.1", "http/TCP/80");
	rig_slice(rig, "default", "api-1", "api", "http/TCP/80", "a=10.244.1.1@us-a");
	rig_service(rig, "default", "plain", "None", "http/TCP/80");
	rig_slice(rig, "default", "plain-1", "plain", "http/TCP/80", "p=10.244.1.2");
	rig_service(rig, "default", "idle", "None", "http/TCP/80");
	rig_slice(rig, "default", "idle-1", "idle", "http/TCP/80", "i=10.244.1.3@us-a!");
	rig_external(rig, "default", "out", "www.example.org");
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static void a_pinned_zone_has_its_own_endpoints(void **state)
{
	CHECK(*state,
	      { A_PIN, RR_A,
		"NOERROR aa\nan " A_PIN ". 5 A 10.244.0.1\nan " A_PIN ". 5 A 10.244.0.6" },
	      { A_PIN, RR_AAAA, "NOERROR aa\nan " A_PIN ". 5 AAAA fd00:1::1" },
	      { B_PIN, RR_A,
		"NOERROR aa\nan " B_PIN ". 5 A 10.244.0.2\nan " B_PIN ". 5 A 10.244.0.3" },
	      { B_PIN, RR_TXT, ND_FRESH },
	      { A_PIN, RR_ANY, "NOERROR aa\nan " A_PIN ". 5 TYPE13/RFC8482/" });
}

static void servers_of_a_zone_are_endpoints_by_their_plain_names(void **state)
{
	CHECK(*state,
	      { A_PIN, RR_SRV,
		"NOERROR aa\nan " A_PIN ". 5 SRV 0 33 5432 10-244-0-6." DB ".\nan " A_PIN
		". 5 SRV 0 33 5432 db-0." DB ".\nar 10-244-0-6." DB ". 5 A 10.244.0.6\nar db-0." DB
		". 5 A 10.244.0.1\nar db-0." DB ". 5 AAAA fd00:1::1" });
}

static void a_zone_without_endpoints_is_empty_for_every_type(void **state)
{
	CHECK(*state, { "us-c.pin._zone." DB, RR_A, ND_FRESH },
	      { "us-c.pin._zone." DB, RR_SRV, ND_FRESH },
	      { "us-c.pin._zone." DB, RR_TXT, ND_FRESH },
	      { "drained.pin._zone." DB, RR_A, ND_FRESH },
	      { "us-a.pin._zone.plain.default.svc.cluster.local", RR_A, ND_FRESH },
	      { "example.pin._zone." DB, RR_A, ND_FRESH });
}

static void a_preferred_zone_without_endpoints_is_the_whole_service(void **state)
{
	CHECK(*state,
	      { A_PREFER, RR_A,
		"NOERROR aa\nan " A_PREFER ". 5 A 10.244.0.1\nan " A_PREFER ". 5 A 10.244.0.6" },
	      { "corp.example.prefer._zone." DB, RR_AAAA,
		"NOERROR aa\nan corp.example.prefer._zone." DB ". 5 AAAA fd00:1::2" },
	      { NONE_PREFER, RR_A,
		"NOERROR aa\nan " NONE_PREFER ". 5 A 10.244.0.1\nan " NONE_PREFER
		". 5 A 10.244.0.2\nan " NONE_PREFER ". 5 A 10.244.0.3\nan " NONE_PREFER
		". 5 A 10.244.0.4\nan " NONE_PREFER ". 5 A 10.244.0.6" },
	      { NONE_PREFER, RR_TXT, ND_FRESH },
	      { "x.prefer._zone.plain.default.svc.cluster.local", RR_SRV,
		"NOERROR aa\nan x.prefer._zone.plain.default.svc.cluster.local. 5 SRV 0 100 80 "
		"p.plain.default.svc.cluster.local.\nar p.plain.default.svc.cluster.local. 5 A "
		"10.244.1.2" });
}

static void only_headless_services_have_zones(void **state)
{
	CHECK(*state, { "us-a.pin._zone.api.default.svc.cluster.local", RR_A, NX_FRESH },
	      { "us-a.prefer._zone.out.default.svc.cluster.local", RR_A, NX_FRESH },
	      { "us-a.pin._zone.ghost.default.svc.cluster.local", RR_A, NX },
	      { "us-a.pin._zone.idle.default.svc.cluster.local", RR_A, NX_FRESH },
	      { "us-a.pin._zone.default.pod.cluster.local", RR_A, NX });
}

static void other_forms_are_no_names(void **state)
{
	CHECK(*state, { "us-a.florp._zone." DB, RR_A, NX_FRESH },
	      { "us-a.pin.zone." DB, RR_A, NX_FRESH }, { "us-a.pin._zones." DB, RR_A, NX_FRESH },
	      { "florp._zone." DB, RR_A, NX_FRESH },
	      /* Empty, but names are below. */
	      { "_zone." DB, RR_A, ND_FRESH }, { "pin._zone." DB, RR_A, ND_FRESH },
	      { "PREFER._zone." DB, RR_SRV, ND_FRESH },
	      { "_zone.api.default.svc.cluster.local", RR_A, NX_FRESH },
	      { "_zone.idle.default.svc.cluster.local", RR_A, NX_FRESH });
}

static void an_absent_zone_has_a_reason(void **state)
{
	struct rig *rig = *state;

	rig->edns = true;
	CHECK(rig,
	      { "us-c.pin._zone." DB, RR_A,
		WHY("NOERROR", "0",
		    "no ready endpoint of Service \"default\"/\"db\" is in this zone (7 of 8 "
		    "endpoints are ready)") },
	      { "us-a.pin._zone.api.default.svc.cluster.local", RR_A,
		WHY("NXDOMAIN", "0",
		    "Service \"default\"/\"api\" is not headless: it has no names of topology "
		    "zones") });
}

static void a_change_of_zone_is_a_change(void **state)
{
	struct rig *rig = *state;
	struct zone_stats before;
	struct zone_stats after;

	zone_stats(rig->zone, &before);
	rig_slice(rig, "default", "plain-1", "plain", "http/TCP/80", "p=10.244.1.2@us-a");
	zone_stats(rig->zone, &after);
	assert_true(after.serial > before.serial);
#define PLAIN "us-a.pin._zone.plain.default.svc.cluster.local"
	CHECK(rig, { PLAIN, RR_A, "NOERROR aa\nan " PLAIN ". 5 A 10.244.1.2" });
	rig_slice(rig, "default", "plain-1", "plain", "http/TCP/80", "p=10.244.1.2@us-b");
	CHECK(rig, { PLAIN, RR_A, ND_FRESH });
	rig_slice(rig, "default", "plain-1", "plain", "http/TCP/80", "p=10.244.1.2@a..b");
	CHECK(rig, { PLAIN, RR_A, ND_FRESH });
}

/* Slices that differ in their ports have nodes of their own for these: both kinds at once. */
static void zones_and_different_ports_go_together(void **state)
{
	struct rig *rig = *state;

	rig_slice(rig, "default", "db-2", "db", "sql/TCP/5433 admin/TCP/9000",
		  "db-9=10.244.0.9@us-a");
	CHECK(rig, { "_admin._tcp." DB, RR_A, "NOERROR aa\nan _admin._tcp." DB ". 5 A 10.244.0.9" },
	      { A_PIN, RR_A,
		"NOERROR aa\nan " A_PIN ". 5 A 10.244.0.1\nan " A_PIN ". 5 A 10.244.0.6\nan " A_PIN
		". 5 A 10.244.0.9" },
	      { A_PIN, RR_SRV,
		"NOERROR aa\nan " A_PIN ". 5 SRV 0 20 5432 10-244-0-6." DB ".\nan " A_PIN
		". 5 SRV 0 20 5432 db-0." DB ".\nan " A_PIN ". 5 SRV 0 20 5433 db-9." DB
		".\nan " A_PIN ". 5 SRV 0 20 9000 db-9." DB ".\nar 10-244-0-6." DB
		". 5 A 10.244.0.6\nar db-0." DB ". 5 A 10.244.0.1\nar db-0." DB
		". 5 AAAA fd00:1::1\nar db-9." DB ". 5 A 10.244.0.9" });
}

static void without_the_option_there_are_none(void **state)
{
	struct rig *rig = rig_new();

	rig_namespace(rig, "default");
	rig_service(rig, "default", "db", "None", "sql/TCP/5432");
	rig_slice(rig, "default", "db-1", "db", "sql/TCP/5432", "db-0=10.244.0.1@us-a");
	CHECK(rig, { A_PIN, RR_A, NX_FRESH }, { "_zone." DB, RR_A, NX_FRESH },
	      { "db-0." DB, RR_A, "NOERROR aa\nan db-0." DB ". 5 A 10.244.0.1" });
	rig_free(rig);
}

int main(void)
{
#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		RULE(a_pinned_zone_has_its_own_endpoints),
		RULE(servers_of_a_zone_are_endpoints_by_their_plain_names),
		RULE(a_zone_without_endpoints_is_empty_for_every_type),
		RULE(a_preferred_zone_without_endpoints_is_the_whole_service),
		RULE(only_headless_services_have_zones),
		RULE(other_forms_are_no_names),
		RULE(an_absent_zone_has_a_reason),
		RULE(a_change_of_zone_is_a_change),
		RULE(zones_and_different_ports_go_together),
		cmocka_unit_test(without_the_option_there_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
