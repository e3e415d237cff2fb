/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Zone transfers as messages (RFC 5936, RFC 1995): who may have one, and an image of the zone cut
 * into answers. Pure. An IXFR is answered with the SOA alone when the client is up to date or came
 * over UDP, and else with the whole zone, as RFC 1995 section 4 allows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/answer.h"
#include "zone/image.h"

/* Where a transfer is; zero-initialised is its beginning. */
struct dns_transfer {
	struct zone_cursor cursor;
	struct zone_record record; /* did not fit the last message */
	bool begun;
	bool waiting; /* `record` is set */
	bool ended; /* the last message is made */
};

/*
 * The next message of a transfer that dns_answer() answered with DNS_TRANSFER: at most
 * LIMIT_DNS_TRANSFER_MESSAGE bytes at `out`. `query` and so on: what dns_answer() had. Returns its
 * size.
 */
size_t dns_transfer_next(const struct dns_options *options, const struct zone *zone,
			 const uint8_t *query, size_t n, struct dns_transport transport,
			 const struct zone_image *image, struct dns_transfer *transfer,
			 uint8_t *out);

/* Instead of the first: SERVFAIL, with the reason. The same room. */
size_t dns_transfer_failed(const struct dns_options *options, const struct zone *zone,
			   const uint8_t *query, size_t n, struct dns_transport transport,
			   const char *why, uint8_t *out, struct dns_report *ret_report);
