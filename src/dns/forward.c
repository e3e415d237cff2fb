/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions under way. Slots come from a pool, so that a worker allocates nothing; what does not
 * fit is refused with SERVFAIL and a reason. The resolver owns a slot's query from forward_send()
 * until it lies in the worker's mailbox.
 */
#include "base/mem.h"
#include "dns/server_intern.h"
#include "dns/wire.h"

static const struct dns_reply too_many = {
	.failure = "too many names outside the cluster are being looked up",
	.failure_code = EDE_OTHER,
};

static const struct dns_reply too_large = {
	.failure = "the query is too large to be forwarded",
	.failure_code = EDE_OTHER,
};

static struct dns_transport transport_of(const struct worker *worker, const struct forward *forward)
{
	return worker_transport(worker, forward->tcp, &forward->peer.address);
}

static size_t refuse(struct worker *worker, const uint8_t *packet, size_t n,
		     struct dns_transport transport, const struct dns_reply *reply, uint8_t *out,
		     struct dns_report *ret_report)
{
	worker_count(worker, COUNT_SHED, 1);
	return dns_answer_forwarded(&worker->server->options, worker->server->zone, packet, n,
				    transport, &worker->random, reply, out, ret_report);
}

static struct forward *take_slot(struct worker *worker)
{
	struct forward *forward = worker->free_forward;

	if (forward != NULL) {
		worker->free_forward = forward->next_free;
	} else if (worker->used_forwards < LIMIT_RESOLVER_PENDING) {
		forward = &worker->forwards[worker->used_forwards++];
		list_init(&forward->link);
	}
	return forward;
}

static void put_slot(struct worker *worker, struct forward *forward)
{
	list_unlink(&forward->link);
	forward->connection = NULL;
	forward->next_free = worker->free_forward;
	worker->free_forward = forward;
}

struct forward *forward_new(struct worker *worker, const uint8_t *packet, size_t n,
			    const struct dns_question *question, struct dns_transport transport,
			    uint8_t *out, struct dns_report *ret_report, size_t *ret_n)
{
	const struct dns_reply *refusal = n > LIMIT_DNS_FORWARD_QUERY ? &too_large : &too_many;
	struct forward *forward = n > LIMIT_DNS_FORWARD_QUERY ? NULL : take_slot(worker);

	if (forward == NULL) {
		*ret_n = refuse(worker, packet, n, transport, refusal, out, ret_report);
		return NULL;
	}
	forward->tcp = transport.tcp;
	forward->began = worker->time;
	forward->connection = NULL;
	forward->n = (uint16_t)n;
	memcpy(forward->packet, packet, n);
	forward->query.answer_to = worker->mailbox;
	forward->query.question = *question;
	forward->query.packet = NULL;
	forward->query.n = 0;
	return forward;
}

bool forward_send(struct worker *worker, struct forward *forward, uint8_t *out,
		  struct dns_report *ret_report, size_t *ret_n)
{
	if (dns_resolver_ask(worker->server->resolver, &forward->query) == 0) {
		worker_count(worker, COUNT_FORWARDED, 1);
		return true;
	}
	*ret_n = refuse(worker, forward->packet, forward->n, transport_of(worker, forward),
			&too_many, out, ret_report);
	put_slot(worker, forward);
	return false;
}

void forward_done(struct worker *worker, struct forward *forward)
{
	struct dns_transport transport = transport_of(worker, forward);
	struct dns_reply reply = {
		.packet = forward->query.packet,
		.n = forward->query.n,
		.failure = forward->query.failure,
		.failure_code = forward->query.failure_code,
	};
	uint8_t *answer = worker->out + 2;
	enum dns_proto proto = forward->tcp ? DNS_PROTO_TCP : DNS_PROTO_UDP;
	struct dns_report report;
	size_t n = dns_answer_forwarded(&worker->server->options, worker->server->zone,
					forward->packet, forward->n, transport, &worker->random,
					&reply, answer, &report);

	mem_free(forward->query.packet);
	if (!forward->tcp || forward->connection != NULL) {
		worker_answered(worker, forward->listen, proto, &report, answer, n);
		worker_log(worker, &forward->peer.address, forward->tcp, forward->packet,
			   forward->n, &report, answer, n, forward->began);
		worker_tap_response(worker, forward->listen, &forward->peer.address, forward->tcp,
				    answer, n, forward->began);
		dns_times_note(
			&worker_stats(worker, forward->listen)->places[report.place].duration,
			worker->time - forward->began, 1);
	}
	if (!forward->tcp) {
		limit_forwarded(worker, &transport, &report, n);
		udp_send(worker, forward, answer, n);
	} else if (forward->connection != NULL) {
		tcp_send(worker, forward, answer, n);
	}
	put_slot(worker, forward);
}
