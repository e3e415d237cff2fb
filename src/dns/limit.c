/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is limited: everybody outside the networks that are exempt, over UDP, without a good cookie.
 * The cookie is only known once the query is read, so an answer is taken first and given back when
 * it was not needed.
 */
#include "base/mem.h"
#include "dns/server_intern.h"

static bool is_exempt(const struct dns_server *server, const struct dns_transport *transport)
{
	struct ip ip = { .n = transport->client_n };

	memcpy(ip.bytes, transport->client, transport->client_n);
	for (size_t i = 0; i < server->n_rate_exempt; i++) {
		if (ip_network_holds(&server->rate_exempt[i], &ip)) {
			return true;
		}
	}
	return false;
}

static struct rate *find(struct worker *worker, const struct dns_transport *transport)
{
	if (worker->rates == NULL || is_exempt(worker->server, transport)) {
		return NULL;
	}
	return rates_find(worker->rates, transport->client, transport->client_n,
			  (uint32_t)(worker->time / NS_PER_MS));
}

struct rate *limit_begin(struct worker *worker, struct dns_transport *transport)
{
	struct rate *rate = find(worker, transport);

	if (rate != NULL) {
		transport->allowance = (uint8_t)rate_take(rate, &worker->random);
	}
	return rate;
}

void limit_end(struct worker *worker, struct rate *rate, const struct dns_transport *transport,
	       enum dns_verdict verdict, const struct dns_report *report, size_t n)
{
	if (rate == NULL) {
		return;
	}
	if (report->allowance == DNS_ALLOW_NOTHING) {
		worker_count(worker, COUNT_LIMITED, 1);
	} else if (report->allowance == DNS_ALLOW_HINT) {
		worker_count(worker, COUNT_HINTED, 1);
	} else if (transport->allowance != DNS_ALLOW) {
		return; /* nothing was taken */
	} else if (verdict == DNS_DROP || report->cookie == COOKIE_GOOD) {
		rate_give_back(worker->rates, rate);
	} else if (verdict == DNS_ANSWER) {
		rate_charge(rate, n);
	}
}

void limit_forwarded(struct worker *worker, const struct dns_transport *transport,
		     const struct dns_report *report, size_t n)
{
	struct rate *rate = report->cookie != COOKIE_GOOD ? find(worker, transport) : NULL;

	if (rate != NULL) {
		rate_charge(rate, n);
	}
}
