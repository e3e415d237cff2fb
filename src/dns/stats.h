/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a worker counts about queries and answers, in the cut that CoreDNS's metrics have. Each
 * worker has its own copy for each server label, written by nobody else; readers add them up.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"
#include "dns/answer.h"

enum { DNS_RCODES = 25, DNS_TIME_BUCKETS = 16, DNS_SIZE_BUCKETS = 14, DNS_TYPES = 20 };

/* Upper bounds, inclusive; one more bucket holds what is above. */
extern const uint64_t dns_time_bounds[DNS_TIME_BUCKETS]; /* ns: 0.25 ms · 2^n */
extern const uint32_t dns_size_bounds[DNS_SIZE_BUCKETS];

/* "A", "AAAA", …; the last is "other". */
extern const char *const dns_type_names[DNS_TYPES];

/* "NOERROR", …, "BADCOOKIE"; NULL where a number has no name. The last counts all above it too. */
extern const char *const dns_rcode_names[DNS_RCODES];

struct dns_times {
	struct counter buckets[DNS_TIME_BUCKETS + 1];
	struct counter sum; /* ns */
};

struct dns_sizes {
	struct counter buckets[DNS_SIZE_BUCKETS + 1];
	struct counter sum;
};

enum dns_proto { DNS_PROTO_UDP, DNS_PROTO_TCP, DNS_PROTOS };
enum dns_family { DNS_FAMILY_4, DNS_FAMILY_6, DNS_FAMILIES };

struct dns_place_stats {
	struct counter requests[DNS_PROTOS][DNS_FAMILIES][DNS_TYPES];
	struct counter responses[DNS_RCODES];
	struct counter dnssec_ok;
	struct dns_times duration;
	struct dns_sizes request_size[DNS_PROTOS];
	struct dns_sizes response_size[DNS_PROTOS];
};

/* Nothing but counters, so that two of them can be added. */
struct dns_stats {
	struct dns_place_stats places[DNS_PLACES];
};

/* Adds what stands in `more`. `sum` belongs to the calling thread. */
void dns_stats_add(struct dns_stats *sum, const struct dns_stats *more);

/* Owner thread: a query was read, an answer of `size` bytes made, `n` answers took `ns` each. */
void dns_stats_request(struct dns_stats *stats, const struct dns_report *report,
		       enum dns_proto proto, enum dns_family family, size_t size);
void dns_stats_response(struct dns_stats *stats, const struct dns_report *report,
			enum dns_proto proto, size_t size);
void dns_times_note(struct dns_times *times, uint64_t ns, uint64_t n);
