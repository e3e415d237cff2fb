/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever an upstream says, what we pass on fits and can be read back. The first byte is the
 * question.
 */
#include "dns/answer.h"
#include "dns/wire.h"
#include "dns_zone.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char outside[] = "\0\1\1\0\0\1\0\0\0\0\0\0\1a\7example\3org\0\0\1\0\1";
	static const char alias[] = "\0\1\1\0\0\1\0\0\0\0\0\0\3out\7default\3svc\7cluster\5local\0"
				    "\0\1\0\1";
	static struct random_state random = { .s = { 1, 2 } };
	static uint8_t out[DNS_ANSWER_MAX];
	const struct dns_options options = { .udp_size = LIMIT_DNS_UDP, .forward = true };
	struct dns_transport transport = { .tcp = size != 0 && (data[0] & 1) != 0 };
	bool other = size != 0 && (data[0] & 2) != 0;
	struct dns_report report;
	struct dns_reply reply = { .packet = data + (size != 0), .n = size - (size != 0) };
	size_t n = dns_answer_forwarded(&options, fuzz_zone(),
					(const uint8_t *)(other ? alias : outside),
					other ? sizeof(alias) - 1 : sizeof(outside) - 1, transport,
					&random, &reply, out, &report);

	fuzz_check_message(out, n, transport.tcp ? LIMIT_DNS_TCP : LIMIT_DNS_UDP);
	return 0;
}
