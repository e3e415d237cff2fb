/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One cursor, checked before every step, never moved back except by a compression pointer, and that
 * only to before the place where the name so far began: so every name ends.
 */
#include "dns/wire.h"

#include "dns/cookie.h"

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

/* Unknown options, and those of versions to come, are ignored (RFC 6891 section 6.1.2). */
static void read_option(enum dns_option code, const uint8_t *data, size_t n,
			struct dns_request *request)
{
	switch (code) {
	case DNS_OPTION_NSID:
		request->nsid = true;
		break;
	case DNS_OPTION_COOKIE:
		/* Of several the first counts (RFC 7873 section 5.2); 255 is no possible size. */
		if (request->cookie == NULL) {
			request->cookie = data;
			request->cookie_n = n < UINT8_MAX ? (uint8_t)n : UINT8_MAX;
		}
		break;
	case DNS_OPTION_KEEPALIVE:
		request->keepalive = true;
		break;
	default:
		break;
	}
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
	for (size_t at = record->data; at != record->end;) {
		if (record->end - at < 4 || record->end - at - 4 < get_u16(packet + at + 2)) {
			return false;
		}
		if (request->edns_version == 0) {
			read_option(get_u16(packet + at), packet + at + 4, get_u16(packet + at + 2),
				    request);
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

/* RFC 7873 section 4: a client cookie, and behind it a server's or none. */
static bool is_cookie_size(const struct dns_request *request)
{
	size_t n = request->cookie_n;

	return request->cookie == NULL || n == COOKIE_CLIENT ||
	       (n >= COOKIE_CLIENT + COOKIE_SERVER_MIN && n <= COOKIE_CLIENT + COOKIE_SERVER_MAX);
}

/* A packet without a question. */
static enum dns_reading read_cookie_alone(const uint8_t *packet, size_t n, struct dns_request *ret,
					  uint16_t *ret_rcode)
{
	if (!read_records(packet, n, DNS_HEADER, 0, 1, ret)) {
		ret->edns = false;
	} else if (ret->cookie != NULL && is_cookie_size(ret)) {
		*ret_rcode = DNS_NOERROR;
	}
	return DNS_READ_ERROR;
}

/* The question and all behind it. No query has more than these records; a stray one is forgiven. */
static bool read_body(const uint8_t *packet, size_t n, const uint16_t counts[4],
		      struct dns_request *ret)
{
	size_t cursor = DNS_HEADER;

	if (counts[0] != 1 || counts[1] > 1 || counts[2] > 1 || counts[3] > 2 ||
	    name_read(packet + cursor, n - cursor, &ret->name) != 0 ||
	    n - cursor - ret->name.n < DNS_QUESTION_TAIL) {
		return false;
	}
	cursor += ret->name.n;
	ret->type = get_u16(packet + cursor);
	ret->class = get_u16(packet + cursor + 2);
	if ((counts[1] | counts[2] | counts[3]) != 0 &&
	    !read_records(packet, n, cursor + DNS_QUESTION_TAIL, counts[1] + counts[2], counts[3],
			  ret)) {
		ret->edns = false;
		return false;
	}
	ret->has_question = true;
	return true;
}

/* What is to be said to a query that could be read, before anybody looks at its name. */
static enum dns_rcode judge(const struct dns_request *request)
{
	if (request->edns_version != 0) {
		return DNS_BADVERS;
	}
	if (!is_cookie_size(request)) {
		return DNS_FORMERR;
	}
	return request->class == DNS_CLASS_IN ? DNS_NOERROR : DNS_REFUSED;
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
	ret->has_question = ret->edns = ret->dnssec_ok = ret->nsid = ret->keepalive = false;
	ret->edns_version = 0;
	ret->cookie = NULL;
	ret->cookie_n = 0;
	ret->udp_size = DNS_UDP_MIN;
	for (size_t i = 0; i < 4; i++) {
		counts[i] = get_u16(packet + 4 + 2 * i);
	}
	if ((ret->flags & DNS_OPCODE) != 0) {
		*ret_rcode = DNS_NOTIMP;
		return DNS_READ_ERROR;
	}
	*ret_rcode = DNS_FORMERR;
	if (counts[0] == 0 && (counts[1] | counts[2]) == 0 && counts[3] == 1) {
		return read_cookie_alone(packet, n, ret, ret_rcode);
	}
	if (!read_body(packet, n, counts, ret)) {
		return DNS_READ_ERROR;
	}
	*ret_rcode = (uint16_t)judge(ret);
	return *ret_rcode == DNS_NOERROR ? DNS_READ_OK : DNS_READ_ERROR;
}
