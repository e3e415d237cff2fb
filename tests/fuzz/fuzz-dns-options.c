/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the options of an OPT record are, the answer fits and can be read back. */
#include <string.h>

#include "dns/answer.h"
#include "dns/cookie.h"
#include "dns_zone.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char head[] = "\0\1\1\0\0\1\0\0\0\0\0\1\3web\7default\3svc\7cluster\5local\0"
				   "\0\1\0\1\0\0\x29";
	enum { HEAD = sizeof(head) - 1, FIXED = 6, REST = HEAD + FIXED + 2 };
	static uint8_t query[REST + 4096], out[DNS_ANSWER_MAX];
	static struct random_state random = { .s = { 1, 2 } };
	static struct cookies cookies;
	const struct dns_options options = { .udp_size = LIMIT_DNS_UDP, .nsid = STR("node") };
	const struct dns_transport transport = { .client = (const uint8_t *)head,
						 .client_n = 4,
						 .tcp = size != 0 && data[0] % 2 != 0,
						 .cookies = &cookies };
	struct dns_question question;
	struct dns_report report;
	size_t n;

	if (size < FIXED || size - FIXED > 4096) {
		return 0;
	}
	cookies_init(&cookies, (const uint8_t *)head, 1763640000);
	memcpy(query, head, HEAD);
	memcpy(query + HEAD, data, FIXED);
	set_u16(query + HEAD + FIXED, (uint16_t)(size - FIXED));
	memcpy(query + REST, data + FIXED, size - FIXED);
	if (dns_answer(&options, fuzz_zone(), query, REST + size - FIXED, transport, &random, out,
		       &question, &report, &n) == DNS_ANSWER) {
		fuzz_check_message(out, n, transport.tcp ? LIMIT_DNS_TCP : LIMIT_DNS_UDP);
	}
	return 0;
}
