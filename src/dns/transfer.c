/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message takes as many records as fit. The first has the question; all have the same OPT record
 * (RFC 5936 section 2.2). An owner
 * is compressed against the owner before it, and a target of PTR, NS and CNAME against the target
 * before it: records of one name, and names of one Service, stand side by side.
 */
#include "dns/transfer.h"

#include "base/ip.h"
#include "base/mem.h"
#include "dns/emit.h"

/* ---- who gets one ---- */

static bool is_allowed(const struct dns_options *options, struct dns_transport transport)
{
	struct ip ip = { .n = transport.client_n };

	memcpy(ip.bytes, transport.client, transport.client_n);
	for (size_t i = 0; i < options->n_transfer_to; i++) {
		if (ip_network_holds(&options->transfer_to[i], &ip)) {
			return true;
		}
	}
	return false;
}

/* The serial that an IXFR says the client has: of the SOA in the authority section. */
static bool read_serial(const struct dns_request *request, uint32_t *ret_serial)
{
	size_t cursor = DNS_HEADER + (size_t)request->name.n + DNS_QUESTION_TAIL;
	unsigned records = get_u16(request->packet + 6) + get_u16(request->packet + 8);
	unsigned before = get_u16(request->packet + 6);
	struct dns_record record;
	struct name name;

	for (unsigned i = 0; i < records; i++) {
		size_t at;

		if (dns_record_read(request->packet, request->n, &cursor, &record) != 0) {
			return false;
		}
		at = record.data;
		if (i < before || record.type != RR_SOA) {
			continue;
		}
		if (dns_name_read(request->packet, record.end, &at, &name) != 0 ||
		    dns_name_read(request->packet, record.end, &at, &name) != 0 ||
		    record.end - at != 20) {
			return false;
		}
		*ret_serial = get_u32(request->packet + at);
		return true;
	}
	return false;
}

/* RFC 1982: `a` is not older than `b`. */
static bool is_current(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) >= 0;
}

static void refuse(struct answer *answer, uint16_t rcode, const char *why, uint16_t code)
{
	answer->flags = 0;
	answer->rcode = rcode;
	answer->failure = why;
	answer->failure_code = code;
}

bool emit_transfer(struct answer *answer, struct dns_transport transport,
		   const struct zone_match *match)
{
	const struct dns_request *request = answer->request;
	struct zone_soa soa;
	uint32_t serial;

	if (!is_allowed(answer->options, transport)) {
		refuse(answer, DNS_REFUSED, "zone transfers are not for this address",
		       EDE_PROHIBITED);
		return false;
	}
	if (match->outcome == ZONE_UNSYNCED || !zone_is_synced(answer->zone)) {
		refuse(answer, DNS_SERVFAIL, "not everything is known yet", EDE_NOT_READY);
		return false;
	}
	if (match->outcome != ZONE_DATA || match->data != ZONE_DATA_SOA) {
		refuse(answer, DNS_NOTAUTH, "there is no zone of this name", EDE_NOT_AUTHORITATIVE);
		return false;
	}
	if (request->type == RR_AXFR && transport.tcp) {
		return true;
	}
	/* RFC 5936 section 4.2: there is no AXFR over UDP. */
	if (request->type == RR_AXFR || !read_serial(request, &serial)) {
		refuse(answer, DNS_FORMERR, NULL, EDE_OTHER);
		return false;
	}
	zone_soa(answer->zone, /* fresh= */ false, &soa);
	if (transport.tcp && !is_current(serial, soa.serial)) {
		return true;
	}
	answer->flags = DNS_AA;
	emit_soa(answer, SECTION_ANSWER, match);
	return false;
}

/* ---- names ---- */

/* A name that stands in the message, and where each of its labels does. */
struct memo {
	uint8_t n_labels;
	uint8_t label[LIMIT_DNS_LABELS + 1]; /* offsets into wire; the last is the root's */
	uint16_t at[LIMIT_DNS_LABELS]; /* offsets into the message */
	uint8_t wire[LIMIT_DNS_NAME + 32];
};

static void memo_set(struct memo *memo, const uint8_t *wire, size_t n)
{
	size_t at = 0;

	memo->n_labels = 0;
	memcpy(memo->wire, wire, n);
	while (wire[at] != 0) {
		memo->label[memo->n_labels++] = (uint8_t)at;
		at += 1U + wire[at];
	}
	memo->label[memo->n_labels] = (uint8_t)at;
}

/* How many labels the two have in common at their ends. */
static uint8_t memo_common(const struct memo *a, const struct memo *b)
{
	uint8_t n = 0;

	while (n < a->n_labels && n < b->n_labels) {
		const uint8_t *x = a->wire + a->label[a->n_labels - n - 1];
		const uint8_t *y = b->wire + b->label[b->n_labels - n - 1];

		if (*x != *y || memcmp(x, y, 1U + *x) != 0) {
			break;
		}
		n++;
	}
	return n;
}

/* Writes a name, as a pointer to `memo` as far as they agree, and remembers it there. */
static void put_name(struct dns_writer *writer, struct memo *memo, const uint8_t *wire, size_t n)
{
	struct memo now;
	uint8_t common;
	uint8_t own;

	memo_set(&now, wire, n);
	common = memo_common(&now, memo);
	own = (uint8_t)(now.n_labels - common);
	for (uint8_t i = 0; i < own; i++) {
		now.at[i] = (uint16_t)(writer->n + now.label[i]);
	}
	for (uint8_t i = 0; i < common; i++) {
		now.at[own + i] = memo->at[memo->n_labels - common + i];
	}
	put_bytes(writer, wire, now.label[own]);
	if (common == 0) {
		put_bytes(writer, "", 1);
	} else {
		put_pointer(writer, now.at[own]);
	}
	*memo = now;
}

/* ---- messages ---- */

struct packer {
	struct answer answer;
	struct dns_request request;
	struct memo owner;
	struct memo target;
};

static void packer_begin(struct packer *packer, const struct dns_options *options,
			 const struct zone *zone, const uint8_t *query, size_t n,
			 struct dns_transport transport, bool first, uint8_t *out)
{
	const struct name *name = &packer->request.name;

	packer->answer = (struct answer){
		.options = options,
		.zone = zone,
		.request = &packer->request,
		.flags = DNS_AA,
	};
	/* It was read before, and answered with DNS_TRANSFER. */
	(void)dns_request_read(query, n, &packer->request, &packer->answer.rcode);
	packer->request.has_question = first;
	packer->answer.rcode = DNS_NOERROR;
	emit_options(&packer->answer, transport);
	emit_begin(&packer->answer, LIMIT_DNS_TRANSFER_MESSAGE, out);
	packer->owner.n_labels = 0;
	if (first) {
		memo_set(&packer->owner, name->wire, name->n);
		for (uint8_t i = 0; i < packer->owner.n_labels; i++) {
			packer->owner.at[i] = (uint16_t)(DNS_HEADER + packer->owner.label[i]);
		}
	}
	packer->target = packer->owner;
}

/* Owner and head; false when a record with `n` bytes of data does not fit. */
static bool put_head(struct packer *packer, const struct zone_record *record, size_t n)
{
	struct dns_writer *writer = &packer->answer.writer;

	if (dns_room(writer) < (size_t)record->owner_n + DNS_RECORD_HEAD + n) {
		return false;
	}
	put_name(writer, &packer->owner, record->owner, record->owner_n);
	put_record_head(writer, record->type, record->ttl, n);
	packer->answer.counts[SECTION_ANSWER]++;
	return true;
}

/* False when it does not fit. */
static bool packer_add(struct packer *packer, const struct zone_record *record)
{
	struct dns_writer *writer = &packer->answer.writer;
	size_t begin;

	if (!put_head(packer, record, record->n)) {
		return false;
	}
	begin = writer->n;
	/* The target of an SRV record is never compressed (RFC 2782). */
	if (record->type == RR_PTR || record->type == RR_NS || record->type == RR_CNAME) {
		put_name(writer, &packer->target, record->data, record->n);
		set_u16(writer->p + begin - 2, (uint16_t)(writer->n - begin));
	} else {
		put_bytes(writer, record->data, record->n);
	}
	return true;
}

/* `labels` in the domain that names of servers and people are in. */
static void put_in_domain(struct packer *packer, const struct zone_image *image, struct str labels)
{
	const struct name *domain = zone_image_domain(image);
	uint8_t wire[32 + LIMIT_DNS_NAME];

	memcpy(wire, labels.p, labels.n);
	memcpy(wire + labels.n, domain->wire, domain->n);
	put_name(&packer->answer.writer, &packer->target, wire, labels.n + domain->n);
}

/* The SOA of the image; false when it does not fit. */
static bool packer_add_soa(struct packer *packer, const struct zone_image *image)
{
	const struct name *apex = zone_image_apex(image);
	struct zone_record record = { .type = RR_SOA, .owner_n = apex->n };
	struct dns_writer *writer = &packer->answer.writer;
	struct zone_soa soa;
	size_t begin;

	zone_image_soa(image, &soa);
	record.ttl = soa_ttl(soa.ttl);
	memcpy(record.owner, apex->wire, apex->n);
	if (!put_head(packer, &record, 2 * ((size_t)LIMIT_DNS_NAME + 32) + SOA_NUMBERS)) {
		return false;
	}
	begin = writer->n;
	put_in_domain(packer, image, STR(SOA_SERVER));
	put_in_domain(packer, image, STR(SOA_PERSON));
	put_soa_numbers(writer, &soa);
	set_u16(writer->p + begin - 2, (uint16_t)(writer->n - begin));
	return true;
}

size_t dns_transfer_next(const struct dns_options *options, const struct zone *zone,
			 const uint8_t *query, size_t n, struct dns_transport transport,
			 const struct zone_image *image, struct dns_transfer *transfer,
			 uint8_t *out)
{
	struct packer packer;

	packer_begin(&packer, options, zone, query, n, transport, !transfer->begun, out);
	if (!transfer->begun) {
		transfer->begun = packer_add_soa(&packer, image);
	}
	while (transfer->waiting || zone_image_next(image, &transfer->cursor, &transfer->record)) {
		transfer->waiting = !packer_add(&packer, &transfer->record);
		if (transfer->waiting) {
			return emit_end(&packer.answer);
		}
	}
	/* The end of the image is found again by the next message when the SOA needs one. */
	transfer->ended = packer_add_soa(&packer, image);
	return emit_end(&packer.answer);
}

size_t dns_transfer_failed(const struct dns_options *options, const struct zone *zone,
			   const uint8_t *query, size_t n, struct dns_transport transport,
			   const char *why, uint8_t *out, struct dns_report *ret_report)
{
	struct packer packer;

	packer_begin(&packer, options, zone, query, n, transport, /* first= */ true, out);
	refuse(&packer.answer, DNS_SERVFAIL, why, EDE_OTHER);
	ret_report->rcode = DNS_SERVFAIL;
	return emit_end(&packer.answer);
}
