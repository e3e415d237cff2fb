/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ops/corefile.h"

/* What kubeadm installs. */
static const char kubeadm[] = ".:53 {\n"
			      "    errors\n"
			      "    health {\n"
			      "       lameduck 5s\n"
			      "    }\n"
			      "    ready\n"
			      "    kubernetes cluster.local in-addr.arpa ip6.arpa {\n"
			      "       pods insecure\n"
			      "       fallthrough in-addr.arpa ip6.arpa\n"
			      "       ttl 30\n"
			      "    }\n"
			      "    prometheus :9153\n"
			      "    forward . /etc/resolv.conf {\n"
			      "       max_concurrent 1000\n"
			      "    }\n"
			      "    cache 30 {\n"
			      "       disable success cluster.local\n"
			      "       disable denial cluster.local\n"
			      "    }\n"
			      "    loop\n"
			      "    reload\n"
			      "    loadbalance\n"
			      "}\n";

struct warnings {
	char text[2048]; /* each with '\n' behind it */
};

static void note(void *userdata, const char *line)
{
	struct warnings *warnings = userdata;
	size_t n = strlen(warnings->text);

	snprintf(warnings->text + n, sizeof(warnings->text) - n, "%s\n", line);
}

static struct corefile parse(const char *text, const char *expected_warnings)
{
	struct warnings warnings = { 0 };
	char message[COREFILE_MESSAGE] = "";
	struct corefile corefile = { 0 };

	int result =
		corefile_parse("Corefile", str_from(text), note, &warnings, &corefile, message);
	if (result != 0) {
		print_error("%s\n", message);
	}
	assert_int_equal(result, 0);
	assert_string_equal(warnings.text, expected_warnings);
	return corefile;
}

static void expect_bad(const char *text, const char *expected)
{
	struct warnings warnings = { 0 };
	char message[COREFILE_MESSAGE] = "";
	struct corefile corefile = { 0 };

	assert_int_equal(corefile_parse("Corefile", str_from(text), note, &warnings, &corefile,
					message),
			 COREFILE_SYNTAX);
	assert_string_equal(message, expected);
}

static void kubeadms_file_needs_no_warning(void **state)
{
	struct corefile corefile = parse(kubeadm, "");

	assert_string_equal(corefile.domain, "cluster.local");
	assert_int_equal(corefile.n_reverse, 2);
	assert_string_equal(corefile.reverse[0], "in-addr.arpa");
	assert_string_equal(corefile.reverse[1], "ip6.arpa");
	assert_int_equal(corefile.ttl, 30);
	assert_int_equal(corefile.pods, ZONE_PODS_INSECURE);
	assert_true(corefile.reverse_fallthrough && !corefile.fallthrough);
	assert_int_equal(corefile.n_namespaces, 0);
	assert_int_equal(corefile.port, 53);
	assert_int_equal(corefile.n_binds, 0);
	assert_string_equal(corefile.resolv_conf, "/etc/resolv.conf");
	assert_int_equal(corefile.n_upstreams, 0);
	assert_string_equal(corefile.metrics, "0.0.0.0:9153");
	assert_string_equal(corefile.health, "0.0.0.0:8080");
	assert_string_equal(corefile.ready, "0.0.0.0:8181");
	assert_int_equal(corefile.lameduck_ms, 5000);
	corefile_deinit(&corefile);
}

static void every_option_that_is_ours_is_applied(void **state)
{
	struct corefile corefile = parse(
		"# comment\n"
		"dns://example.test.:5300, 10.96.0.0/16 {\n"
		"  bind 127.0.0.1 ::1 # and more\n"
		"  bufsize 4096\n"
		"  prometheus\n"
		"  nsid rack 7\n"
		"  kubernetes {\n"
		"    pods verified\n"
		"    endpoint_pod_names\n"
		"    ignore empty_service\n"
		"    namespaces a b\n"
		"    namespaces c\n"
		"    fallthrough\n"
		"    zonal\n"
		"    kubeconfig /etc/kube.conf \"my context\"\n"
		"    startup_timeout 1m500ms\n"
		"  }\n"
		"}\n"
		". { forward . 192.0.2.1 dns://192.0.2.2:5353 [2001:db8::1]:53 2001:db8::2 }\n",
		"");

	assert_string_equal(corefile.domain, "example.test");
	assert_int_equal(corefile.n_reverse, 1);
	assert_string_equal(corefile.reverse[0], "10.96.0.0/16");
	assert_int_equal(corefile.port, 5300);
	assert_int_equal(corefile.n_binds, 2);
	assert_string_equal(corefile.binds[1], "::1");
	assert_int_equal(corefile.udp_size, 4096);
	assert_int_equal(corefile.ttl, 5);
	assert_int_equal(corefile.pods, ZONE_PODS_VERIFIED);
	assert_true(corefile.endpoint_pod_names && corefile.ignore_empty_service);
	assert_true(corefile.fallthrough && corefile.reverse_fallthrough && corefile.zonal);
	assert_int_equal(corefile.n_namespaces, 3);
	assert_string_equal(corefile.namespaces[2], "c");
	assert_string_equal(corefile.kubeconfig, "/etc/kube.conf");
	assert_string_equal(corefile.context, "my context");
	assert_int_equal(corefile.startup_ms, 60500);
	assert_string_equal(corefile.nsid, "rack 7");
	assert_int_equal(corefile.n_upstreams, 4);
	assert_string_equal(corefile.upstreams[1], "192.0.2.2:5353");
	assert_string_equal(corefile.metrics, "127.0.0.1:9153");
	corefile_deinit(&corefile);
}

static void transfer_says_who_may_have_zones(void **state)
{
	struct corefile corefile =
		parse(". {\n kubernetes\n transfer {\n  to 192.0.2.1 192.0.2.2:5300\n  to "
		      "[2001:db8::1]:53 2001:db8::2 10.0.0.0/8\n  to *\n }\n}\n",
		      "");
	static const char *const to[] = { "192.0.2.1",  "192.0.2.2", "2001:db8::1", "2001:db8::2",
					  "10.0.0.0/8", "0.0.0.0/0", "::/0" };

	assert_int_equal(corefile.n_transfer_to, 7);
	for (size_t i = 0; i < 7; i++) {
		assert_string_equal(corefile.transfer_to[i], to[i]);
	}
	corefile_deinit(&corefile);
	expect_bad(". {\n kubernetes\n transfer {\n  to everybody\n }\n}\n",
		   "Corefile:4: transfer to \"everybody\": no address, network or \"*\"");
	expect_bad(". {\n kubernetes\n transfer {\n  to\n }\n}\n", "Corefile:4: transfer to whom?");
}

static void what_is_not_done_is_said_with_what_it_means(void **state)
{
	struct corefile corefile =
		parse(". {\n"
		      "  rewrite name a.example b.example\n"
		      "  frobnicate 7 {\n    deep {\n      deeper\n    }\n  }\n"
		      "  kubernetes cluster.local other.local {\n"
		      "    labels a=b\n"
		      "    fallthrough other.local\n"
		      "    bogus\n"
		      "  }\n"
		      "  forward example.org 192.0.2.9\n"
		      "  forward . tls://192.0.2.1 192.0.2.2\n"
		      "}\n"
		      "consul.local { forward . 192.0.2.3 }\n",
		      "Corefile:2: plugin \"rewrite\" is not done: names are answered as they are "
		      "asked\n"
		      "Corefile:3: unknown plugin \"frobnicate\": it is passed over\n"
		      "Corefile:8: a second domain is not served: names below other.local are "
		      "somebody else's\n"
		      "Corefile:9: option of kubernetes \"labels\" is not done: every object of "
		      "the cluster has names\n"
		      "Corefile:11: unknown option of kubernetes \"bogus\": it is passed over\n"
		      "Corefile:13: forward example.org is not done: one set of upstreams, that of "
		      "\"forward .\", is asked for every name\n"
		      "Corefile:14: tls://192.0.2.1 is not asked: upstreams are asked without TLS\n"
		      "Corefile:16: server block consul.local is not served: names below it are "
		      "asked of the upstreams\n");

	assert_string_equal(corefile.domain, "cluster.local");
	assert_int_equal(corefile.n_upstreams, 1);
	assert_true(corefile.fallthrough && !corefile.reverse_fallthrough);
	corefile_deinit(&corefile);
}

static void dnstap_says_who_is_told_of_queries(void **state)
{
	struct corefile corefile =
		parse(". {\n kubernetes\n dnstap tls://192.0.2.1:6000 full\n"
		      " dnstap tcp://tap.example:6000\n dnstap listen /tmp/tap\n dnstap tap.sock\n"
		      " dnstap tcp://[::1]:6000 full 4 2 {\n  identity \"cluster one\"\n"
		      "  version 7\n  extra {/a/b}\n }\n dnstap /run/tap\n}\n",
		      "Corefile:3: dnstap tls://192.0.2.1:6000 is not done: receivers are told "
		      "without TLS\n"
		      "Corefile:4: dnstap tcp://tap.example:6000 is not done: write an address and "
		      "a port, names are not asked\n"
		      "Corefile:5: dnstap listen is not done: receivers are connected to, not "
		      "waited for\n"
		      "Corefile:6: dnstap tap.sock is not done: that is no path of a socket\n"
		      "Corefile:10: option of dnstap \"extra\" is not done: the field \"extra\" is "
		      "left out\n"
		      "Corefile:12: dnstap /run/tap is not done: one receiver is told, the "
		      "first\n");

	assert_string_equal(corefile.tap.socket, "tcp://[::1]:6000");
	assert_string_equal(corefile.tap.identity, "cluster one");
	assert_string_equal(corefile.tap.version, "7");
	assert_true(corefile.tap.full);
	corefile_deinit(&corefile);
	corefile = parse(". {\n kubernetes\n dnstap unix:///run/tap\n}\n", "");
	assert_string_equal(corefile.tap.socket, "unix:///run/tap");
	assert_false(corefile.tap.full);
	assert_null(corefile.tap.identity);
	corefile_deinit(&corefile);
	expect_bad(". {\n kubernetes\n dnstap\n}\n", "Corefile:3: dnstap: expected a socket");
	expect_bad(". {\n kubernetes\n dnstap /a/b {\n  version\n }\n}\n",
		   "Corefile:4: \"version\" takes one value of at most 255 bytes");
}

static void errors_name_their_line(void **state)
{
	expect_bad("", "Corefile:1: nothing is in it");
	expect_bad("# only this\n", "Corefile:1: nothing is in it");
	expect_bad(". {\n\n  errors\n", "Corefile:1: a { that is not closed");
	expect_bad("}\n", "Corefile:1: a } that closes nothing");
	expect_bad("{\n}\n", "Corefile:1: a { without a name before it");
	expect_bad(".\n{\n}\n", "Corefile:2: a { on a line of its own: it belongs behind what it "
				"opens");
	expect_bad(". {\n a \"b\n", "Corefile:2: a quote (\") that is not closed");
	expect_bad(". {\n a {\n b {\n c {\n d {\n e {\n f {\n g {\n h {\n",
		   "Corefile:9: blocks nested too deeply");
	expect_bad(". { errors }\n", "Corefile:1: no server block has the plugin kubernetes");
	expect_bad(". { kubernetes }\nfoo\n", "Corefile:2: \"foo\": expected a { behind it");
	expect_bad(". {\n kubernetes {\n  ttl 3601\n }\n}\n",
		   "Corefile:3: ttl: expected a number from 0 to 3600");
	expect_bad(". {\n kubernetes {\n  pods insecur\n }\n}\n",
		   "Corefile:3: pods \"insecur\": expected disabled, insecure or verified");
	expect_bad(". {\n kubernetes\n forward . example.org\n}\n",
		   "Corefile:3: forward: \"example.org\" is no address and no file");
	expect_bad(". {\n kubernetes\n forward .\n}\n", "Corefile:3: forward: expected FROM TO…");
	expect_bad(". {\n kubernetes\n health {\n  lameduck soon\n }\n}\n",
		   "Corefile:4: lameduck: expected a time such as 5s");
	expect_bad(". {\n kubernetes\n ready 8181\n}\n",
		   "Corefile:3: ready: expected one address and port, such as :8181");
	expect_bad(". {\n kubernetes\n bufsize 100\n}\n",
		   "Corefile:3: bufsize: expected a number from 512 to 4096");
}

static void variables_of_the_environment_are_put_in(void **state)
{
	(void)setenv("TEST_COREFILE_DOMAIN", "from.env", 1);
	(void)unsetenv("TEST_COREFILE_NONE");
	struct corefile corefile = parse(". {\n kubernetes {$TEST_COREFILE_DOMAIN}\n forward . "
					 "192.0.2.1{%TEST_COREFILE_NONE%}:53\n}\n",
					 "");

	assert_string_equal(corefile.domain, "from.env");
	assert_string_equal(corefile.upstreams[0], "192.0.2.1:53");
	corefile_deinit(&corefile);
}

static void a_file_without_braces_is_one_block(void **state)
{
	struct corefile corefile = parse(".:54\nkubernetes cluster.local\nerrors\n", "");

	assert_string_equal(corefile.domain, "cluster.local");
	assert_int_equal(corefile.port, 54);
	corefile_deinit(&corefile);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(kubeadms_file_needs_no_warning),
		cmocka_unit_test(every_option_that_is_ours_is_applied),
		cmocka_unit_test(transfer_says_who_may_have_zones),
		cmocka_unit_test(what_is_not_done_is_said_with_what_it_means),
		cmocka_unit_test(dnstap_says_who_is_told_of_queries),
		cmocka_unit_test(errors_name_their_line),
		cmocka_unit_test(variables_of_the_environment_are_put_in),
		cmocka_unit_test(a_file_without_braces_is_one_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
