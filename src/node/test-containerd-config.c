/* SPDX-License-Identifier: Apache-2.0 */
#include "node/containerd_intern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "node/containerd.h"

static void both_families_become_ranges_and_default_routes(void **state)
{
	static const char *const cidrs[] = { "10.244.1.0/24", "fd00:10:244:1::/64", NULL };
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_CONTAINERD_CONFIG);
	const char *type, *bridge, *v4, *v6, *dst4, *dst6, *folder;
	int gateway, masquerade, hairpin, mtu;
	json_t *list;

	assert_true(containerd_write_network(cidrs, 1400, "/run/x/cni", &text));
	list = json_loads(buffer_text(&text), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(list);
	assert_int_equal(json_unpack(list,
				     "{s:[{s:s,s:s,s:b,s:b,s:b,s:i,s:{s:s,s:[[{s:s}],[{s:s}]],"
				     "s:[{s:s},{s:s}]}}]}",
				     "plugins", "type", &type, "bridge", &bridge, "isGateway",
				     &gateway, "ipMasq", &masquerade, "hairpinMode", &hairpin,
				     "mtu", &mtu, "ipam", "dataDir", &folder, "ranges", "subnet",
				     &v4, "subnet", &v6, "routes", "dst", &dst4, "dst", &dst6),
			 0);
	assert_string_equal(type, "bridge");
	assert_string_equal(bridge, containerd_bridge);
	assert_true(gateway && hairpin && !masquerade);
	assert_int_equal(mtu, 1400);
	assert_string_equal(folder, "/run/x/cni");
	assert_string_equal(v4, cidrs[0]);
	assert_string_equal(v6, cidrs[1]);
	assert_string_equal(dst4, "0.0.0.0/0");
	assert_string_equal(dst6, "::/0");
	json_decref(list);
}

static void one_family_has_no_route_of_the_other(void **state)
{
	static const char *const v6[] = { "fd00::/64", NULL };
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_CONTAINERD_CONFIG);

	assert_true(containerd_write_network(v6, 0, "/run/x/cni", &text));
	assert_non_null(strstr(buffer_text(&text), "\"routes\":[{\"dst\":\"::/0\"}]"));
	assert_null(strstr(buffer_text(&text), "mtu"));
}

static void what_is_no_network_for_pods_is_refused(void **state)
{
	static const char *const cases[][3] = {
		{ NULL },
		{ "10.244.1.0", NULL },
		{ "10.244.1.1/24", NULL },
		{ "10.244.1.0/31", NULL },
		{ "10.244.1.0/24", "10.244.2.0/24", NULL },
		{ "10.244.1.0/24\",\"x", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_CONTAINERD_CONFIG);

		assert_false(containerd_write_network(cases[i], 0, "/run/x/cni", &text));
	}
}

static void the_configuration_names_its_paths(void **state)
{
	const struct containerd_paths paths = {
		.root = "/d/root",
		.state = "/r/state",
		.socket = "/r/containerd.sock",
		.cni_conf = "/d/cni",
		.cni_bin = "/usr/lib/cni",
		.runc = "/r/runc",
		.sandbox_image = "registry.k8s.io/pause:3.9",
		.overlay = true,
	};
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_CONTAINERD_CONFIG);

	containerd_write_config(&paths, &text);
	assert_false(text.overflowed);
	assert_non_null(strstr(buffer_text(&text), "\nroot = \"/d/root\"\n"));
	assert_non_null(strstr(buffer_text(&text), "\nstate = \"/r/state\"\n"));
	assert_non_null(strstr(buffer_text(&text), "\naddress = \"/r/containerd.sock\"\n"));
	assert_non_null(strstr(buffer_text(&text), "\nsnapshotter = \"overlayfs\"\n"));
	assert_non_null(strstr(buffer_text(&text), "\nrestrict_oom_score_adj = true\n"));
	assert_non_null(strstr(buffer_text(&text), "\nRoot = \"/r/runc\"\n"));
	assert_non_null(strstr(buffer_text(&text), "\nconf_dir = \"/d/cni\"\n"));
}

static void paths_that_would_end_a_text_are_refused(void **state)
{
	assert_true(containerd_path_is_plain("/var/lib/head lessd"));
	assert_false(containerd_path_is_plain("relative"));
	assert_false(containerd_path_is_plain("/a\"b"));
	assert_false(containerd_path_is_plain("/a\\b"));
	assert_false(containerd_path_is_plain("/a\nb"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_families_become_ranges_and_default_routes),
		cmocka_unit_test(one_family_has_no_route_of_the_other),
		cmocka_unit_test(what_is_no_network_for_pods_is_refused),
		cmocka_unit_test(the_configuration_names_its_paths),
		cmocka_unit_test(paths_that_would_end_a_text_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
