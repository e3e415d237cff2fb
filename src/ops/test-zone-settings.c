/* SPDX-License-Identifier: Apache-2.0 */
/* Settings go to text and come back, whole; what is none of ours is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ops/zone_settings.h"

static const char *const namespaces[] = { "a", "b" };

static const struct zone_config all = {
	.domain = "example.cluster",
	.clusterset_domain = "clusterset.local",
	.ttl = 30,
	.ttls = { [ZONE_TTL_HEADLESS] = { true, 0 }, [ZONE_TTL_NEGATIVE] = { true, 7 } },
	.pods = ZONE_PODS_VERIFIED,
	.fallthrough = true,
	.namespaces = namespaces,
	.n_namespaces = 2,
	.endpoint_pod_names = true,
	.zonal = true,
};

static void settings_come_back_as_they_were(void **state)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_ZONE_SETTINGS);
	_cleanup_buffer_ struct buffer again = BUFFER_INIT(LIMIT_ZONE_SETTINGS);
	struct zone_settings settings;

	zone_settings_write(&all, &text);
	assert_int_equal(zone_settings_read((struct str){ text.p, text.n }, &settings), 0);
	assert_string_equal(settings.config.domain, "example.cluster");
	assert_string_equal(settings.config.clusterset_domain, "clusterset.local");
	assert_int_equal(settings.config.ttl, 30);
	assert_true(settings.config.ttls[ZONE_TTL_HEADLESS].set);
	assert_int_equal(settings.config.ttls[ZONE_TTL_HEADLESS].seconds, 0);
	assert_false(settings.config.ttls[ZONE_TTL_SERVICE].set);
	assert_int_equal(settings.config.ttls[ZONE_TTL_NEGATIVE].seconds, 7);
	assert_int_equal(settings.config.pods, ZONE_PODS_VERIFIED);
	assert_int_equal(settings.config.n_namespaces, 2);
	assert_string_equal(settings.config.namespaces[1], "b");
	assert_true(settings.config.endpoint_pod_names);
	assert_false(settings.config.no_endpoints);
	/* Every flag, whatever is added. */
	zone_settings_write(&settings.config, &again);
	assert_int_equal(again.n, text.n);
	assert_memory_equal(again.p, text.p, text.n);
	zone_settings_deinit(&settings);
}

static void what_is_none_of_ours_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"<html>",
		"{}",
		"[]",
		"{\"domain\":\"a\",\"ttl\":5,\"pods\":\"maybe\"}",
		"{\"domain\":\"a\",\"ttl\":3601,\"pods\":\"insecure\"}",
		"{\"domain\":\"a\",\"ttl\":5,\"ttls\":{\"ptr\":-1},\"pods\":\"insecure\"}",
		"{\"domain\":\"a\",\"ttl\":5,\"pods\":\"insecure\",\"namespaces\":[1]}",
	};
	struct zone_settings settings;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(zone_settings_read(str_from(texts[i]), &settings),
				 ZONE_SETTINGS_BAD);
	}
}

static void a_corefile_has_settings_too(void **state)
{
	struct zone_settings settings;

	assert_int_equal(
		zone_settings_read_corefile(
			STR(".:53 {\n kubernetes example.cluster in-addr.arpa {\n  ttl 17\n"
			    "  namespaces x y\n  endpoint_pod_names\n }\n}\n"),
			&settings),
		0);
	assert_string_equal(settings.config.domain, "example.cluster");
	assert_int_equal(settings.config.ttl, 17);
	assert_int_equal(settings.config.n_namespaces, 2);
	assert_true(settings.config.endpoint_pod_names);
	zone_settings_deinit(&settings);
	assert_int_equal(zone_settings_read_corefile(STR(".:53 {"), &settings), ZONE_SETTINGS_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_come_back_as_they_were),
		cmocka_unit_test(what_is_none_of_ours_is_refused),
		cmocka_unit_test(a_corefile_has_settings_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
