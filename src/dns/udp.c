/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP in batches: one recvmmsg, the answers, one sendmmsg. Messages and buffers are set up once; a
 * round only resets what the kernel changed. Where a socket listens on a wildcard address, the
 * packet's destination comes with it and goes back as the answer's source.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/snapshot.h"
#include "dns/server_intern.h"
#include "dns/wire.h"

enum {
	ROUNDS = 8, /* before the other sources have their turn */
	STAGGER = 64, /* buffers a power of two apart would compete for the same cache lines */
	QUERY_ROOM = LIMIT_DNS_UDP_QUERY + STAGGER,
};

struct udp_batch {
	size_t answer_room;
	uint8_t *queries;
	uint8_t *answers;
	struct mmsghdr received[LIMIT_DNS_BATCH];
	struct mmsghdr sent[LIMIT_DNS_BATCH];
	struct iovec query_parts[LIMIT_DNS_BATCH];
	struct iovec answer_parts[LIMIT_DNS_BATCH];
	struct udp_peer peers[LIMIT_DNS_BATCH];
	struct dns_query_read reads[LIMIT_DNS_BATCH];
};

struct udp_batch *udp_batch_new(const struct dns_server *server)
{
	struct udp_batch *batch = MEM_NEW(struct udp_batch);

	batch->answer_room = (size_t)server->options.udp_size + STAGGER;
	batch->queries = mem_alloc((size_t)LIMIT_DNS_BATCH * QUERY_ROOM);
	batch->answers = mem_alloc(LIMIT_DNS_BATCH * batch->answer_room);
	for (size_t i = 0; i < LIMIT_DNS_BATCH; i++) {
		batch->query_parts[i] = (struct iovec){
			.iov_base = batch->queries + i * QUERY_ROOM,
			.iov_len = LIMIT_DNS_UDP_QUERY,
		};
		batch->answer_parts[i].iov_base = batch->answers + i * batch->answer_room;
		batch->received[i].msg_hdr = (struct msghdr){
			.msg_name = &batch->peers[i].address,
			.msg_iov = &batch->query_parts[i],
			.msg_iovlen = 1,
			.msg_control = batch->peers[i].control,
		};
		batch->sent[i].msg_hdr.msg_iov = &batch->answer_parts[i];
		batch->sent[i].msg_hdr.msg_iovlen = 1;
	}
	return batch;
}

struct udp_batch *udp_batch_free(struct udp_batch *batch)
{
	if (batch != NULL) {
		mem_free(batch->queries);
		mem_free(batch->answers);
		mem_free(batch);
	}
	return NULL;
}

static int receive(struct udp_batch *batch, const struct udp_socket *socket)
{
	for (size_t i = 0; i < LIMIT_DNS_BATCH; i++) {
		struct msghdr *message = &batch->received[i].msg_hdr;

		message->msg_namelen = sizeof(batch->peers[i].address);
		message->msg_controllen = socket->wildcard ? UDP_CONTROL : 0;
	}
	return recvmmsg(socket->source.fd, batch->received, LIMIT_DNS_BATCH, MSG_DONTWAIT, NULL);
}

/* The interface is left to routing, except for link-local addresses, which mean nothing without. */
static void free_interface(struct msghdr *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);

	if (control != NULL && control->cmsg_level == IPPROTO_IP &&
	    control->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;

		memcpy(&info, CMSG_DATA(control), sizeof(info));
		info.ipi_ifindex = 0;
		memcpy(CMSG_DATA(control), &info, sizeof(info));
	}
}

/* Answers to port 0 go nowhere, and nobody honest asks from there. */
static bool has_port(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET
		       ? ((const struct sockaddr_in *)(const void *)address)->sin_port != 0
		       : ((const struct sockaddr_in6 *)(const void *)address)->sin6_port != 0;
}

/* Passes question `i` to the resolver; false when the answer (a refusal) is there already. */
static bool pass_on(struct worker *worker, const struct udp_socket *socket, size_t i,
		    struct dns_transport transport, const struct dns_question *question,
		    uint8_t *out, struct dns_report *ret_report, size_t *ret_n)
{
	struct udp_batch *batch = worker->batch;
	const struct msghdr *message = &batch->received[i].msg_hdr;
	struct forward *forward =
		forward_new(worker, batch->query_parts[i].iov_base, batch->received[i].msg_len,
			    question, transport, out, ret_report, ret_n);

	if (forward == NULL) {
		return false;
	}
	forward->listen = socket->source.listen;
	forward->socket = socket;
	forward->peer = batch->peers[i];
	forward->peer.address_n = message->msg_namelen;
	forward->peer.control_n = message->msg_controllen;
	return forward_send(worker, forward, out, ret_report, ret_n);
}

/* Reads question `i` and answers it as far as that needs nobody else. */
static enum dns_verdict ask(struct worker *worker, uint8_t listen, size_t i,
			    struct dns_transport *transport, uint8_t *out,
			    struct dns_question *ret_question, struct dns_report *ret_report,
			    size_t *ret_n)
{
	const struct dns_server *server = worker->server;
	struct udp_batch *batch = worker->batch;
	enum dns_verdict verdict;
	struct rate *rate;

	if (!has_port(&batch->peers[i].address)) {
		worker_count(worker, COUNT_DROPPED, 1);
		return DNS_DROP;
	}
	rate = limit_begin(worker, transport);
	verdict = dns_answer_read(&server->options, server->zone, &batch->reads[i], *transport,
				  &worker->random, out, ret_question, ret_report, ret_n);
	limit_end(worker, rate, transport, verdict, ret_report, *ret_n);
	if (verdict != DNS_DROP || ret_report->allowance != DNS_ALLOW) {
		worker_tap_query(worker, listen, &batch->peers[i].address, /* tcp= */ false,
				 batch->query_parts[i].iov_base, batch->received[i].msg_len);
	}
	if (verdict == DNS_DROP && ret_report->allowance == DNS_ALLOW) {
		worker_count(worker, COUNT_DROPPED, 1);
	}
	return verdict;
}

/* Answers question `i` into slot `slot`; false when there is nothing to send now. */
static bool answer_one(struct worker *worker, const struct udp_socket *socket, size_t i,
		       size_t slot, struct round *round)
{
	struct udp_batch *batch = worker->batch;
	struct msghdr *question_message = &batch->received[i].msg_hdr;
	struct msghdr *message = &batch->sent[slot].msg_hdr;
	uint8_t *out = batch->answer_parts[slot].iov_base;
	struct dns_transport transport =
		worker_transport(worker, /* tcp= */ false, &batch->peers[i].address);
	struct dns_question question;
	struct dns_report report;
	size_t n = 0;
	enum dns_verdict verdict =
		ask(worker, socket->source.listen, i, &transport, out, &question, &report, &n);

	if (verdict == DNS_DROP) {
		return false;
	}
	worker_asked(worker, socket->source.listen, DNS_PROTO_UDP, &report,
		     batch->received[i].msg_len);
	if (verdict == DNS_FORWARD &&
	    pass_on(worker, socket, i, transport, &question, out, &report, &n)) {
		return false;
	}
	worker_answered(worker, socket->source.listen, DNS_PROTO_UDP, &report, out, n);
	worker_log(worker, &batch->peers[i].address, /* tcp= */ false,
		   batch->query_parts[i].iov_base, batch->received[i].msg_len, &report, out, n,
		   worker->time);
	worker_tap_response(worker, socket->source.listen, &batch->peers[i].address,
			    /* tcp= */ false, out, n, worker->time);
	round->answers[report.place]++;
	batch->answer_parts[slot].iov_len = n;
	message->msg_name = &batch->peers[i].address;
	message->msg_namelen = question_message->msg_namelen;
	message->msg_control = NULL;
	message->msg_controllen = 0;
	if (socket->wildcard) {
		free_interface(question_message);
		message->msg_control = question_message->msg_control;
		message->msg_controllen = question_message->msg_controllen;
	}
	return true;
}

/*
 * All questions are read before the first is answered: what one needs of the zone comes from memory
 * while the others are read.
 */
static void read_all(struct worker *worker, size_t n)
{
	struct udp_batch *batch = worker->batch;

	for (size_t i = 0; i < n; i++) {
		dns_read(worker->server->zone, batch->query_parts[i].iov_base,
			 batch->received[i].msg_len, &batch->reads[i]);
	}
	for (size_t i = 0; i < n; i++) {
		dns_fetch(&batch->reads[i]);
	}
	for (size_t i = 0; i < n; i++) {
		dns_fetch_data(&batch->reads[i]);
	}
}

/* Sends all; what the kernel refuses is lost, as any datagram may be. */
static void send_all(struct worker *worker, const struct udp_socket *socket, unsigned n)
{
	struct mmsghdr *messages = worker->batch->sent;
	unsigned done = 0;

	while (done < n) {
		int sent = sendmmsg(socket->source.fd, messages + done, n - done, MSG_DONTWAIT);

		if (sent > 0) {
			done += (unsigned)sent;
		} else if (errno != EINTR) {
			worker_count(worker, COUNT_SEND_FAILED, 1);
			done++;
		}
	}
}

void udp_serve(struct worker *worker, const struct udp_socket *socket)
{
	uint64_t time = worker_clock();

	for (size_t rounds = 0; rounds < ROUNDS; rounds++) {
		int received = receive(worker->batch, socket);
		struct round round = { 0 };
		unsigned answers = 0;

		worker_set_time(worker, time);

		if (received <= 0) {
			return;
		}
		read_all(worker, (size_t)received);
		for (int i = 0; i < received; i++) {
			answers += answer_one(worker, socket, (size_t)i, answers, &round);
		}
		worker_count(worker, COUNT_UDP, (uint64_t)received);
		snapshot_reader_pass();
		send_all(worker, socket, answers);
		time = worker_clock();
		worker_sent(worker, socket->source.listen, &round, time);
		if (received < LIMIT_DNS_BATCH) {
			return;
		}
	}
}

void udp_send(struct worker *worker, const struct forward *forward, const uint8_t *answer, size_t n)
{
	struct udp_peer peer = forward->peer;
	struct iovec part = { .iov_base = (uint8_t *)(uintptr_t)answer, .iov_len = n };
	struct msghdr message = {
		.msg_name = &peer.address,
		.msg_namelen = peer.address_n,
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = peer.control_n != 0 ? peer.control : NULL,
		.msg_controllen = peer.control_n,
	};

	free_interface(&message);
	if (sendmsg(forward->socket->source.fd, &message, MSG_DONTWAIT) < 0) {
		worker_count(worker, COUNT_SEND_FAILED, 1);
	}
}
