/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended DNS Errors (RFC 8914): a row each for everything that docs/reasons.md lists, and what
 * clients with little room get.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/siphash.h"
#include "dns/cookie.h"
#include "dns/test-rig.h"
#include "dns/wire.h"
#include "zone/reason.h"

#define SVC "default.svc.cluster.local"
#define CODE(rcode, ttl, code, why) rcode " aa" SOA_(ttl) "\nopt size=1232 ede=" code " \"" why "\""
#define CSET(rcode, ttl, why)                                                                      \
	rcode " aa\nns clusterset.local. " ttl                                                     \
	      " SOA ns.dns.clusterset.local. hostmaster.clusterset.local. 7200 1800 86400 " ttl    \
	      "\nopt size=1232 ede=0 \"" why "\""

static struct rig *rig_new_world(const struct zone_config *config)
{
	struct rig *rig = rig_new_config(config);

	rig->edns = true;
	rig_namespace(rig, "default");
	rig_namespace(rig, "other");
	rig_service(rig, "default", "api", "10.96.0.1", "http/TCP/80");
	rig_service(rig, "default", "bare", "10.96.0.2", "");
	rig_service(rig, "default", "web", "None", "http/TCP/80");
	rig_slice(rig, "default", "web-1", "web", "http/TCP/80",
		  "web-0=10.244.0.1@here web-1=10.244.0.2!");
	rig_service(rig, "default", "idle", "None", "");
	rig_slice(rig, "default", "idle-1", "idle", "", "a=10.244.0.3! b=10.244.0.4!");
	rig_put(rig, "Service",
		"{\"metadata\":{\"name\":\"lone\",\"namespace\":\"default\"},"
		"\"spec\":{\"clusterIP\":\"None\",\"clusterIPs\":[\"None\"],"
		"\"selector\":{\"app\":\"x\"}}}");
	rig_put(rig, "Service",
		"{\"metadata\":{\"name\":\"hand\",\"namespace\":\"default\"},"
		"\"spec\":{\"clusterIP\":\"None\",\"clusterIPs\":[\"None\"]}}");
	rig_external(rig, "default", "loop", "loop." SVC);
	rig_external(rig, "default", "dangling", "nope." SVC);
	rig_external(rig, "default", "number", "192.0.2.1");
	return rig;
}

/* With everything that can be switched on. */
static int setup_all(void **state)
{
	struct rig *rig =
		rig_new_world(&(struct zone_config){ .pods = ZONE_PODS_VERIFIED,
						     .zonal = true,
						     .clusterset_domain = "clusterset.local" });

	rig_put(rig, "ServiceImport",
		"{\"metadata\":{\"name\":\"far\",\"namespace\":\"default\"},"
		"\"spec\":{\"type\":\"Headless\",\"ports\":[]}}");
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static void an_absent_service_has_its_code(void **state)
{
	CHECK(*state,
	      { "nope.cluster.local", RR_A,
		WHY("NXDOMAIN", "5", "no name of the cluster has this form") },
	      { "web.nope.svc.cluster.local", RR_A,
		WHY("NXDOMAIN", "5", "there is no namespace \"nope\"") },
	      { "nope." SVC, RR_A,
		WHY("NXDOMAIN", "5", "namespace \"default\" has no Service \"nope\"") },
	      { "lone." SVC, RR_A,
		WHY("NXDOMAIN", "0", "headless Service \"default\"/\"lone\" selects no pods") },
	      { "hand." SVC, RR_A,
		WHY("NXDOMAIN", "0",
		    "headless Service \"default\"/\"hand\" has no selector and no endpoints") },
	      { "idle." SVC, RR_A,
		WHY("NXDOMAIN", "0",
		    "headless Service \"default\"/\"idle\" has 2 endpoints of which 0 are ready") },
	      { "api." SVC, RR_AAAA,
		WHY("NOERROR", "0", "the name has no address of this family") },
	      { "web-1.web." SVC, RR_A,
		WHY("NXDOMAIN", "0",
		    "endpoint \"web-1\" of Service \"default\"/\"web\" exists but is not ready") },
	      { "web-7.web." SVC, RR_A,
		WHY("NXDOMAIN", "0",
		    "Service \"default\"/\"web\" has no endpoint \"web-7\" (1 of 2 endpoints are "
		    "ready)") },
	      { "_x._tcp.web." SVC, RR_SRV,
		WHY("NXDOMAIN", "0", "Service \"default\"/\"web\" has no such port") },
	      { "bare." SVC, RR_SRV, WHY("NOERROR", "0", "the name has no ports") },
	      { "api." SVC, RR_TXT, WHY("NOERROR", "0", "the name has no records of this type") },
	      { "svc.cluster.local", RR_A,
		WHY("NOERROR", "5", "only names below this one have records") });
}

static void other_absent_names_have_their_code(void **state)
{
	CHECK(*state,
	      { "number." SVC, RR_A,
		CODE("NXDOMAIN", "0", "24",
		     "the externalName of Service \"default\"/\"number\" is no domain name") },
	      { "loop." SVC, RR_A,
		CODE("NOERROR", "0", "24", "the externalName leads back to itself") },
	      { "dangling." SVC, RR_A,
		WHY("NOERROR", "0",
		    "the externalName of Service \"default\"/\"dangling\" has no such records") },
	      { "a.dangling." SVC, RR_A,
		WHY("NXDOMAIN", "0",
		    "Service \"default\"/\"dangling\" is an ExternalName: it has no names "
		    "below") },
	      { "10-244-9-9.default.pod.cluster.local", RR_A,
		WHY("NXDOMAIN", "5",
		    "\"10-244-9-9\" is no address of a pod in namespace \"default\"") },
	      { "there.pin._zone.web." SVC, RR_A,
		WHY("NOERROR", "0",
		    "no ready endpoint of Service \"default\"/\"web\" is in this zone (1 of 2 "
		    "endpoints are ready)") },
	      { "here.pin._zone.api." SVC, RR_A,
		WHY("NXDOMAIN", "0",
		    "Service \"default\"/\"api\" is not headless: it has no names of topology "
		    "zones") },
	      { "far.default.svc.clusterset.local", RR_A,
		CSET("NXDOMAIN", "0",
		     "no cluster has endpoints for headless Service \"default\"/\"far\"") },
	      { "9.9.244.10.in-addr.arpa", RR_PTR,
		"NXDOMAIN aa" RSOA("244.10.in-addr.arpa.",
				   "5") "\nopt size=1232 ede=0 \"no Service or endpoint has "
					"this address\"" });
}

static void what_is_switched_off_has_its_code(void **state)
{
	static const char *const names[] = { "default" };
	struct rig *rig = rig_new_world(&(struct zone_config){ .pods = ZONE_PODS_DISABLED,
							       .namespaces = names,
							       .n_namespaces = 1,
							       .no_endpoints = true });

	CHECK(rig,
	      { "10-244-0-1.default.pod.cluster.local", RR_A,
		CODE("NXDOMAIN", "5", "21", "names of pods are switched off") },
	      { "api.other.svc.cluster.local", RR_A,
		CODE("NXDOMAIN", "5", "15", "namespace \"other\" is not among those served here") },
	      { "web." SVC, RR_A,
		CODE("NXDOMAIN", "0", "21", "names of endpoints are switched off") });
	rig_free(rig);
}

static void what_is_not_known_yet_has_its_code(void **state)
{
	struct rig *rig = rig_new_unsynced();

	rig->edns = true;
	CHECK(rig,
	      { "nope." SVC, RR_A,
		CODE("SERVFAIL", "5", "14", "not all Services and endpoints have been read yet") });
	rig_free(rig);
}

static void refusals_and_failures_have_their_code(void **state)
{
	struct rig *rig = rig_new_world(&(struct zone_config){ .pods = ZONE_PODS_DISABLED });
	uint8_t packet[512];
	size_t n;

	CHECK(rig, { "example.org", RR_A,
		     "REFUSED\nopt size=1232 ede=20 \"the name is not in the cluster's zone\"" });
	n = rig_query(rig, "api." SVC, RR_A, packet);
	set_u16(packet + DNS_HEADER + sizeof("api." SVC) + 1 + 2, /* CH */ 3);
	assert_string_equal(rig_send(rig, packet, n),
			    "REFUSED\nopt size=1232 ede=20 \"only class IN is served here\"");
	rig->options.forward = true;
	rig->reply = (struct dns_reply){ .failure = "no upstream answered",
					 .failure_code = EDE_NO_REACHABLE_AUTHORITY };
	CHECK(rig, { "example.org", RR_A,
		     "SERVFAIL ra\nopt size=1232 ede=22 \"no upstream answered\"" });
	rig->reply = (struct dns_reply){ .packet = packet, .n = DNS_HEADER };
	CHECK(rig, { "example.org", RR_A,
		     "SERVFAIL ra\nopt size=1232 ede=23 \"the upstream's answer makes no "
		     "sense\"" });
	rig_free(rig);
}

static void clients_without_edns_get_none(void **state)
{
	struct rig *rig = rig_new_world(&(struct zone_config){ .pods = ZONE_PODS_DISABLED });

	rig->edns = false;
	CHECK(rig, { "web-7.web." SVC, RR_A, NX_FRESH }, { "example.org", RR_A, "REFUSED" });
	rig_free(rig);
}

/* All causes, the longest labels and the largest numbers. */
static void no_text_is_cut(void **state)
{
	static uint8_t wire[3 * 64 + 1];
	struct name name;
	char text[2 * ZONE_REASON_TEXT];

	for (size_t i = 0; i < 3; i++) {
		wire[i * 64] = 63;
		memset(wire + i * 64 + 1, 'x', 63);
	}
	assert_int_equal(name_read(wire, sizeof(wire), &name), 0);
	for (unsigned cause = 1; cause < ZONE_CAUSES; cause++) {
		struct zone_reason reason = { .cause = (uint8_t)cause,
					      .label = 1,
					      .ready = UINT32_MAX,
					      .total = UINT32_MAX };
		size_t n = zone_reason_text(&reason, &name, text, sizeof(text));

		assert_in_range(n, 1, ZONE_REASON_TEXT - 1);
		assert_true(zone_cause_word(cause)[0] != '\0');
	}
}

/* However long the question: within the client's size, and the code before the sentence. */
static void little_room_gets_the_code_alone(void **state)
{
	struct rig *rig = rig_new_world(&(struct zone_config){ .pods = ZONE_PODS_DISABLED });
	char name[256];
	uint8_t packet[512];
	size_t whole = 0;
	size_t code = 0;
	/* These two take the room. */
	static const uint8_t options[] = {
		0, DNS_OPTION_NSID, 0, 0, 0, DNS_OPTION_COOKIE, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8
	};
	static const uint8_t root[SIPHASH_KEY] = { 1 };
	char nsid[LIMIT_DNS_NSID];
	struct cookies cookies;

	cookies_init(&cookies, root, 1000);
	rig->cookies = &cookies;

	memset(nsid, 'n', sizeof(nsid));
	rig->options.nsid = (struct str){ nsid, sizeof(nsid) };
	rig->udp_size = DNS_UDP_MIN;
	for (size_t n = 1; n <= 200; n++) {
		const char *text;
		size_t size;

		for (size_t i = 0; i < n; i++) {
			name[i] = i % 32 == 31 && i + 1 < n ? '.' : 'x';
		}
		snprintf(name + n, sizeof(name) - n, ".lone." SVC);
		size = rig_query(rig, name, RR_A, packet);
		set_u16(packet + size - 2, sizeof(options));
		memcpy(packet + size, options, sizeof(options));
		text = rig_send(rig, packet, size + sizeof(options));
		assert_in_range(rig->answer_n, DNS_HEADER, DNS_UDP_MIN);
		assert_non_null(strstr(text, " SOA "));
		code += strstr(text, "ede=0 \"\"") != NULL;
		whole += strstr(text, "ede=0 \"") != NULL && strstr(text, "ede=0 \"\"") == NULL;
	}
	assert_true(whole > 0 && code > 0);
	assert_int_equal(whole + code, 200);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_absent_service_has_its_code, setup_all,
						teardown),
		cmocka_unit_test_setup_teardown(other_absent_names_have_their_code, setup_all,
						teardown),
		cmocka_unit_test(what_is_switched_off_has_its_code),
		cmocka_unit_test(what_is_not_known_yet_has_its_code),
		cmocka_unit_test(refusals_and_failures_have_their_code),
		cmocka_unit_test(clients_without_edns_get_none),
		cmocka_unit_test(no_text_is_cut),
		cmocka_unit_test(little_room_gets_the_code_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
