/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Some additions to memory that no other thread writes: that is all a query pays for its metrics.
 * Bounds are searched from below, because queries are small and answers fast.
 */
#include "dns/stats.h"

#include "dns/wire.h"

#define NS_250_US UINT64_C(250000)
#define BOUND(n) (NS_250_US << (n))

const uint64_t dns_time_bounds[DNS_TIME_BUCKETS] = {
	BOUND(0), BOUND(1), BOUND(2),  BOUND(3),  BOUND(4),  BOUND(5),  BOUND(6),  BOUND(7),
	BOUND(8), BOUND(9), BOUND(10), BOUND(11), BOUND(12), BOUND(13), BOUND(14), BOUND(15),
};

const uint32_t dns_size_bounds[DNS_SIZE_BUCKETS] = {
	0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16000, 32000, 48000, 64000,
};

const char *const dns_type_names[DNS_TYPES] = {
	"A",   "AAAA", "CNAME", "DNSKEY", "DS",    "MX",   "NSEC", "NSEC3", "NS",  "PTR",
	"SOA", "SRV",  "TXT",   "HTTPS",  "RRSIG", "SVCB", "IXFR", "AXFR",  "ANY", "other",
};

/* Type numbers below 256 to places in dns_type_names, one more than the place; 0: other. */
static const uint8_t types[256] = {
	[1] = 1,   [28] = 2,  [5] = 3,    [48] = 4,   [43] = 5,   [15] = 6,  [47] = 7,
	[50] = 8,  [2] = 9,   [12] = 10,  [6] = 11,   [33] = 12,  [16] = 13, [65] = 14,
	[46] = 15, [64] = 16, [251] = 17, [252] = 18, [255] = 19,
};

const char *const dns_rcode_names[DNS_RCODES] = {
	[0] = "NOERROR",  [1] = "FORMERR",  [2] = "SERVFAIL",  [3] = "NXDOMAIN",   [4] = "NOTIMP",
	[5] = "REFUSED",  [6] = "YXDOMAIN", [7] = "YXRRSET",   [8] = "NXRRSET",    [9] = "NOTAUTH",
	[10] = "NOTZONE", [16] = "BADVERS", [17] = "BADKEY",   [18] = "BADTIME",   [19] = "BADMODE",
	[20] = "BADNAME", [21] = "BADALG",  [22] = "BADTRUNC", [23] = "BADCOOKIE",
};

static size_t type_place(uint16_t type)
{
	uint8_t place = type < 256 ? types[type] : 0;

	return place != 0 ? place - 1U : DNS_TYPES - 1U;
}

static void note_size(struct dns_sizes *sizes, size_t size)
{
	size_t i = 0;

	while (i < DNS_SIZE_BUCKETS && size > dns_size_bounds[i]) {
		i++;
	}
	counter_add(&sizes->buckets[i], 1);
	counter_add(&sizes->sum, size);
}

void dns_stats_request(struct dns_stats *stats, const struct dns_report *report,
		       enum dns_proto proto, enum dns_family family, size_t size)
{
	struct dns_place_stats *place = &stats->places[report->place];

	counter_add(&place->requests[proto][family][type_place(report->type)], 1);
	if (report->dnssec_ok) {
		counter_add(&place->dnssec_ok, 1);
	}
	note_size(&place->request_size[proto], size);
}

void dns_stats_response(struct dns_stats *stats, const struct dns_report *report,
			enum dns_proto proto, size_t size)
{
	struct dns_place_stats *place = &stats->places[report->place];
	uint16_t rcode = report->rcode < DNS_RCODES ? report->rcode : DNS_RCODES - 1;

	counter_add(&place->responses[rcode], 1);
	note_size(&place->response_size[proto], size);
}

void dns_times_note(struct dns_times *times, uint64_t ns, uint64_t n)
{
	size_t i = 0;

	while (i < DNS_TIME_BUCKETS && ns > dns_time_bounds[i]) {
		i++;
	}
	counter_add(&times->buckets[i], n);
	counter_add(&times->sum, n * ns);
}

void dns_stats_add(struct dns_stats *sum, const struct dns_stats *more)
{
	struct counter *to = (struct counter *)(void *)sum;
	const struct counter *from = (const struct counter *)(const void *)more;

	_Static_assert(sizeof(struct dns_stats) % sizeof(struct counter) == 0, "only counters");
	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++) {
		counter_add(&to[i], counter_get(&from[i]));
	}
}
