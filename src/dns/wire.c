/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One cursor, checked before every step, never moved back except by a compression pointer, and that
 * only to before the place where the name so far began: so every name ends.
 */
#include "dns/wire.h"

/* Moves *cursor behind the name there without following pointers. */
static bool skip_name(const uint8_t *packet, size_t n, size_t *cursor)
{
	size_t at = *cursor;

	while (at < n) {
		uint8_t length = packet[at];

		if (length == 0) {
			*cursor = at + 1;
			return true;
		}
		if (length >= 0xc0) {
			size_t target = n - at < 2 ? 0 : get_u16(packet + at) & DNS_POINTER_MAX;

			if (target < DNS_HEADER || target >= at) {
				return false;
			}
			*cursor = at + 2;
			return true;
		}
		if (length > LIMIT_DNS_LABEL || at - *cursor + 1 + length > LIMIT_DNS_NAME) {
			return false;
		}
		at += 1U + length;
	}
	return false;
}

int dns_record_read(const uint8_t *packet, size_t n, size_t *cursor, struct dns_record *ret)
{
	size_t at = *cursor;

	if (!skip_name(packet, n, &at) || n - at < DNS_RECORD_HEAD) {
		return DNS_BAD_RECORD;
	}
	*ret = (struct dns_record){
		.owner = *cursor,
		.type = get_u16(packet + at),
		.class = get_u16(packet + at + 2),
		.ttl = get_u32(packet + at + 4),
		.n = get_u16(packet + at + 8),
		.data = at + DNS_RECORD_HEAD,
	};
	ret->end = ret->data + ret->n;
	if (ret->end > n) {
		return DNS_BAD_RECORD;
	}
	*cursor = ret->end;
	return 0;
}

int dns_name_read(const uint8_t *packet, size_t n, size_t *cursor, struct name *ret)
{
	uint8_t wire[LIMIT_DNS_NAME];
	size_t used = 0;
	size_t at = *cursor;
	size_t began = at; /* where the run of labels being read began: pointers go before it */
	size_t behind = 0; /* the first pointer's end, which is where the name ends in its place */

	for (;;) {
		if (at >= n) {
			return NAME_BAD;
		}
		uint8_t length = packet[at];

		if (length >= 0xc0) {
			if (n - at < 2) {
				return NAME_BAD;
			}
			size_t target = get_u16(packet + at) & DNS_POINTER_MAX;

			if (target < DNS_HEADER || target >= began) {
				return NAME_BAD;
			}
			behind = behind != 0 ? behind : at + 2;
			at = began = target;
			continue;
		}
		if (length > LIMIT_DNS_LABEL || n - at < 1U + length ||
		    used + 1 + length > sizeof(wire)) {
			return NAME_BAD;
		}
		memcpy(wire + used, packet + at, 1U + length);
		used += 1U + length;
		at += 1U + length;
		if (length == 0) {
			break;
		}
	}
	if (name_read(wire, used, ret) != 0) {
		return NAME_BAD;
	}
	*cursor = behind != 0 ? behind : at;
	return 0;
}

/* RFC 6891: the OPT record's class is a size, its TTL holds version and flags. */
static bool read_opt(const uint8_t *packet, const struct dns_record *record,
		     struct dns_request *request)
{
	if (request->edns || packet[record->owner] != 0) {
		return false;
	}
	request->edns = true;
	request->udp_size = record->class;
	request->edns_version = (uint8_t)(record->ttl >> 16);
	request->dnssec_ok = (record->ttl & DNS_EDNS_DO) != 0;
	/* Options are not looked at, but must be whole. */
	for (size_t at = record->data; at != record->end;) {
		if (record->end - at < 4 || record->end - at - 4 < get_u16(packet + at + 2)) {
			return false;
		}
		at += 4U + get_u16(packet + at + 2);
	}
	return true;
}

/* Everything behind the question; an OPT counts among the last `additional` records only. */
static bool read_records(const uint8_t *packet, size_t n, size_t cursor, unsigned others,
			 unsigned additional, struct dns_request *request)
{
	struct dns_record record;

	for (unsigned i = 0; i < others + additional; i++) {
		if (dns_record_read(packet, n, &cursor, &record) != 0) {
			return false;
		}
		if (record.type == RR_OPT && (i < others || !read_opt(packet, &record, request))) {
			return false;
		}
	}
	return true;
}

enum dns_reading dns_request_read(const uint8_t *packet, size_t n, struct dns_request *ret,
				  uint16_t *ret_rcode)
{
	uint16_t counts[4];

	if (n < DNS_HEADER || (get_u16(packet + 2) & DNS_QR) != 0) {
		return DNS_READ_DROP;
	}
	ret->packet = packet;
	ret->n = n;
	ret->id = get_u16(packet);
	ret->flags = get_u16(packet + 2);
	ret->has_question = ret->edns = ret->dnssec_ok = false;
	ret->edns_version = 0;
	ret->udp_size = DNS_UDP_MIN;
	for (size_t i = 0; i < 4; i++) {
		counts[i] = get_u16(packet + 4 + 2 * i);
	}
	if ((ret->flags & DNS_OPCODE) != 0) {
		*ret_rcode = DNS_NOTIMP;
		return DNS_READ_ERROR;
	}
	*ret_rcode = DNS_FORMERR;
	/* No query has more than these; a stray one is forgiven. */
	if (counts[0] != 1 || counts[1] > 1 || counts[2] > 1 || counts[3] > 2 ||
	    name_read(packet + DNS_HEADER, n - DNS_HEADER, &ret->name) != 0 ||
	    n - DNS_HEADER - ret->name.n < DNS_QUESTION_TAIL) {
		return DNS_READ_ERROR;
	}
	size_t cursor = DNS_HEADER + (size_t)ret->name.n;

	ret->type = get_u16(packet + cursor);
	ret->class = get_u16(packet + cursor + 2);
	if ((counts[1] | counts[2] | counts[3]) != 0 &&
	    !read_records(packet, n, cursor + DNS_QUESTION_TAIL, counts[1] + counts[2], counts[3],
			  ret)) {
		ret->edns = false;
		return DNS_READ_ERROR;
	}
	ret->has_question = true;
	if (ret->edns_version != 0) {
		*ret_rcode = DNS_BADVERS;
		return DNS_READ_ERROR;
	}
	if (ret->class != DNS_CLASS_IN) {
		*ret_rcode = DNS_REFUSED;
		return DNS_READ_ERROR;
	}
	return DNS_READ_OK;
}
