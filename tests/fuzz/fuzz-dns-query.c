/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any packet gets an answer that fits and can be read back, or none. The first byte is the
 * transport.
 */
#include <assert.h>

#include "dns/answer.h"
#include "dns/wire.h"
#include "dns_zone.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct random_state random = { .s = { 1, 2 } };
	static uint8_t out[DNS_ANSWER_MAX];
	const struct dns_options options = { .udp_size = LIMIT_DNS_UDP, .forward = true };
	const struct dns_reply failure = { .failure = "no" };
	struct dns_transport transport = { .tcp = size != 0 && (data[0] & 1) != 0 };
	const struct zone *zone = fuzz_zone();
	struct dns_question question;
	struct dns_report report;
	size_t n = 0;
	enum dns_verdict verdict;

	data += size != 0;
	size -= size != 0;
	verdict = dns_answer(&options, zone, data, size, transport, &random, out, &question,
			     &report, &n);
	if (verdict == DNS_FORWARD) {
		n = dns_answer_forwarded(&options, zone, data, size, transport, &random, &failure,
					 out, &report);
	}
	if (verdict != DNS_DROP) {
		assert(report.rcode == dns_rcode(out, n));
		fuzz_check_message(out, n, transport.tcp ? LIMIT_DNS_TCP : LIMIT_DNS_UDP);
	}
	return 0;
}
