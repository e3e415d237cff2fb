/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the DNS fuzzers share: a small zone, and the check of a message. */

#include <assert.h>

#include "base/mem.h"
#include "dns/wire.h"
#include "object/kinds.h"
#include "object/object.h"
#include "zone/zone.h"

static inline void fuzz_put(struct zone *zone, const struct kind *kind, const char *json)
{
	struct object *object;
	int result = object_new(kind, str_from(json), &object);

	assert(result == 0);
	(void)result;
	zone_change(zone, NULL, object);
	object_unref(object);
}

/* Made once: a headless Service with two endpoints, and out.default, an alias of a.example.org. */
static inline const struct zone *fuzz_zone(void)
{
	static const char *const reverse[] = { "10.244.0.0/16", "fd00::/16" };
	struct zone_config config = { .domain = "cluster.local",
				      .ttl = 5,
				      .pods = ZONE_PODS_INSECURE,
				      .zonal = true,
				      .reverse = reverse,
				      .n_reverse = ARRAY_SIZE(reverse) };
	static struct zone *zone;
	char message[ZONE_MESSAGE];

	if (zone != NULL) {
		return zone;
	}
	int result = zone_new(&config, &zone, message);

	assert(result == 0);
	(void)result;
	fuzz_put(zone, &kind_namespace, "{\"metadata\":{\"name\":\"default\"}}");
	fuzz_put(zone, &kind_service,
		 "{\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"},\"spec\":{"
		 "\"clusterIP\":"
		 "\"None\"}}");
	fuzz_put(zone, &kind_endpoint_slice,
		 "{\"metadata\":{\"name\":\"web-1\",\"namespace\":\"default\",\"labels\":{"
		 "\"kubernetes.io/service-name\":\"web\"}},\"addressType\":\"IPv4\",\"ports\":[{"
		 "\"name\":\"http\",\"protocol\":\"TCP\",\"port\":80}],\"endpoints\":[{"
		 "\"addresses\":["
		 "\"10.244.0.1\"],\"hostname\":\"web-0\",\"zone\":\"a.b\"},{\"addresses\":[\"10."
		 "244.0.2\"]}]}");
	fuzz_put(zone, &kind_service,
		 "{\"metadata\":{\"name\":\"out\",\"namespace\":\"default\"},\"spec\":{\"type\":"
		 "\"ExternalName\",\"externalName\":\"a.example.org\"}}");
	zone_synced(zone);
	return zone;
}

/* A whole message: counts, records and names, and nothing behind them. */
static inline void fuzz_check_message(const uint8_t *message, size_t n, size_t limit)
{
	size_t cursor = DNS_HEADER;
	struct dns_record record;
	struct name name;

	assert(n >= DNS_HEADER && n <= limit);
	for (unsigned i = get_u16(message + 4); i > 0; i--) {
		assert(dns_name_read(message, n, &cursor, &name) == 0);
		cursor += DNS_QUESTION_TAIL;
	}
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned k = get_u16(message + 6 + 2 * i); k > 0; k--) {
			assert(dns_record_read(message, n, &cursor, &record) == 0);
		}
	}
	assert(cursor == n);
}
