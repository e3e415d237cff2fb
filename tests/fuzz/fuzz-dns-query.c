/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any packet gets an answer that fits and can be read back, or none. The first byte is the
 * transport and what the client may have.
 */
#include <assert.h>

#include "dns/answer.h"
#include "dns/cookie.h"
#include "dns/wire.h"
#include "dns_zone.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct random_state random = { .s = { 1, 2 } };
	static uint8_t out[DNS_ANSWER_MAX];
	const struct dns_options options = { .udp_size = LIMIT_DNS_UDP,
					     .forward = true,
					     .nsid = STR("node") };
	const struct dns_reply failure = { .failure = "no" };
	static const uint8_t secret[SIPHASH_KEY] = "0123456789abcde";
	static struct cookies cookies;
	struct dns_transport transport = {
		.tcp = size != 0 && (data[0] & 1) != 0,
		.allowance = size != 0 ? data[0] >> 1 & 1 : DNS_ALLOW,
		.client = secret,
		.client_n = 16,
		.cookies = &cookies,
	};
	const struct zone *zone = fuzz_zone();
	struct dns_question question;
	struct dns_report report;
	size_t n = 0;
	enum dns_verdict verdict;

	cookies_init(&cookies, secret, 1763640000);
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
