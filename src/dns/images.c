/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zone transfers under way. A worker that is asked for a zone sends a transfer to the control
 * thread, which opens an image of the zone and sends it back; the worker streams it, then sends it
 * again to have the image closed. A transfer is in one place at a time, so its own mail is enough
 * and no mailbox can be full. A connection that ends while its transfer is away just forgets it.
 */
#include <assert.h>

#include "base/error.h"
#include "base/mem.h"
#include "dns/server_intern.h"
#include "loop/loop.h"

struct images {
	struct zone *zone;
	struct mailbox *mailbox;
	struct loop_watch *watch;
};

/* ---- control thread ---- */

static struct transfer *transfer_of(struct mail *mail)
{
	return container_of(mail, struct transfer, mail);
}

static void transfer_free(struct transfer *transfer)
{
	zone_image_close(transfer->image);
	mem_free(transfer);
}

static void post(struct mailbox *mailbox, struct transfer *transfer)
{
	int result = mailbox_send(mailbox, &transfer->mail);

	assert(result == 0);
	(void)result;
}

static void mail_came(void *userdata, unsigned events)
{
	struct images *images = userdata;
	struct mail *mail = mailbox_receive(images->mailbox);

	(void)events;
	while (mail != NULL) {
		struct transfer *transfer = transfer_of(mail);

		mail = mail->next;
		if (transfer->over) {
			transfer_free(transfer);
			continue;
		}
		transfer->outcome =
			zone_image_open(images->zone, &transfer->apex, &transfer->image);
		post(transfer->worker->transfer_mailbox, transfer);
	}
}

int images_new(struct loop *loop, struct zone *zone, size_t max, struct images **ret)
{
	struct images *images = MEM_NEW(struct images);
	int result = mailbox_new(max, &images->mailbox);

	images->zone = zone;
	if (result == 0) {
		result = loop_watch_new(loop, mailbox_fd(images->mailbox), LOOP_READ, mail_came,
					images, &images->watch);
	}
	if (result < 0) {
		mailbox_free(images->mailbox);
		mem_free(images);
		return error_trace(result);
	}
	*ret = images;
	return 0;
}

void images_drain(struct mailbox *mailbox)
{
	struct mail *mail = mailbox != NULL ? mailbox_receive(mailbox) : NULL;

	while (mail != NULL) {
		struct transfer *transfer = transfer_of(mail);

		mail = mail->next;
		transfer_free(transfer);
	}
}

struct images *images_free(struct images *images)
{
	if (images == NULL) {
		return NULL;
	}
	loop_watch_free(images->watch);
	images_drain(images->mailbox);
	mailbox_free(images->mailbox);
	return mem_free(images);
}

/* ---- worker ---- */

static const char *why_not(int outcome)
{
	return outcome == ZONE_IMAGE_TOO_MANY ? "too many zone transfers are under way"
					      : "the zone cannot be transferred now";
}

struct transfer *transfer_begin(struct worker *worker, struct connection *connection,
				const uint8_t *query, size_t n, const struct name *apex)
{
	struct transfer *transfer;

	if (worker->n_transfers == LIMIT_DNS_TRANSFERS) {
		return NULL;
	}
	transfer = mem_alloc(sizeof(*transfer) + n);
	transfer->worker = worker;
	transfer->connection = connection;
	transfer->apex = *apex;
	transfer->began = worker->time;
	transfer->n = n;
	memcpy(transfer->query, query, n);
	worker->n_transfers++;
	worker_count(worker, COUNT_TRANSFERS, 1);
	post(worker->server->images->mailbox, transfer);
	return transfer;
}

size_t transfer_refuse(struct worker *worker, const uint8_t *query, size_t n,
		       struct dns_transport transport, int outcome, uint8_t *out,
		       struct dns_report *ret_report)
{
	return dns_transfer_failed(&worker->server->options, worker->server->zone, query, n,
				   transport, why_not(outcome), out, ret_report);
}

size_t transfer_next(struct worker *worker, struct transfer *transfer,
		     struct dns_transport transport, uint8_t *out)
{
	if (transfer->outcome != 0) {
		struct dns_report report;

		transfer->state.ended = true;
		return transfer_refuse(worker, transfer->query, transfer->n, transport,
				       transfer->outcome, out, &report);
	}
	return dns_transfer_next(&worker->server->options, worker->server->zone, transfer->query,
				 transfer->n, transport, transfer->image, &transfer->state, out);
}

bool transfer_is_overdue(const struct worker *worker, const struct transfer *transfer)
{
	return worker->time - transfer->began > LIMIT_DNS_TRANSFER_MS * NS_PER_MS ||
	       (transfer->image != NULL && zone_image_is_expired(transfer->image));
}

void transfer_end(struct worker *worker, struct transfer *transfer)
{
	transfer->connection = NULL;
	if (!transfer->here) {
		return; /* it comes back, and is sent away then */
	}
	transfer->over = true;
	worker->n_transfers--;
	post(worker->server->images->mailbox, transfer);
}

void images_receive(struct worker *worker)
{
	struct mail *mail = mailbox_receive(worker->transfer_mailbox);

	worker_set_time(worker, worker_clock());
	while (mail != NULL) {
		struct transfer *transfer = transfer_of(mail);

		mail = mail->next;
		transfer->here = true;
		if (transfer->connection == NULL) {
			transfer_end(worker, transfer);
		} else {
			tcp_transfer(worker, transfer->connection);
		}
	}
}
