/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "object/kinds.h"
#include "object/object.h"
#include "zone/zone_intern.h"

static const char pod_text[] =
	"{\"metadata\":{\"name\":\"a\",\"namespace\":\"default\",\"resourceVersion\":\"7\","
	"\"labels\":{\"x\":\"y\"}},\"spec\":{\"containers\":[{\"name\":\"c\"}]},\"status\":{"
	"\"phase\":\"Running\",\"podIP\":\"10.244.0.1\",\"podIPs\":[{\"ip\":\"10.244.0.1\"},{"
	"\"ip\":\"fd00::1\"}]}}";

static bool exists(const struct zone *zone, const char *text)
{
	struct ip address;

	assert_true(ip_parse(str_from(text), &address));
	return zone_pod_exists(zone, STR("\7default"), &address);
}

static void what_is_kept_of_a_pod_takes_its_names_away(void **state)
{
	const struct zone_config config = { .domain = "cluster.local", .pods = ZONE_PODS_VERIFIED };
	char message[ZONE_MESSAGE];
	struct object *pod;
	struct zone *zone;

	assert_int_equal(zone_new(&config, &zone, message), 0);
	assert_int_equal(object_new(&kind_pod, str_from(pod_text), &pod), 0);
	zone_change(zone, NULL, pod);
	assert_true(exists(zone, "10.244.0.1") && exists(zone, "fd00::1"));
	struct object *kept = zone_keep(pod);
	assert_int_equal(kept->revision, 7);
	assert_true(str_is(kept->space, "default") && str_is(kept->name, "a"));
	assert_true(kept->text.n < pod->text.n / 2);
	object_unref(pod);
	zone_change(zone, kept, NULL);
	assert_false(exists(zone, "10.244.0.1") || exists(zone, "fd00::1"));
	object_unref(kept);
	zone_free(zone);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_of_a_pod_takes_its_names_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
