/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * DNS messages on the wire (RFC 1035 section 4, RFC 6891): reading a query and whatever else comes
 * in with a bounded cursor, writing an answer into a bounded buffer. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "zone/name.h"

enum {
	DNS_HEADER = 12,
	DNS_QUESTION_TAIL = 4, /* type and class */
	DNS_RECORD_HEAD = 10, /* type, class, TTL, length: between owner and data */
	DNS_OPT = 11, /* an OPT record without options */
	DNS_UDP_MIN = 512,
	DNS_POINTER_MAX = 0x3fff, /* the furthest offset a compression pointer reaches */
};

enum dns_flag {
	DNS_QR = 0x8000,
	DNS_OPCODE = 0x7800,
	DNS_AA = 0x0400,
	DNS_TC = 0x0200,
	DNS_RD = 0x0100,
	DNS_RA = 0x0080,
	DNS_CD = 0x0010,
	DNS_RCODE = 0x000f,
};

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_NOTAUTH = 9,
	DNS_BADVERS = 16,
	DNS_BADCOOKIE = 23,
};

enum { DNS_CLASS_IN = 1, DNS_EDNS_DO = 0x8000 };

enum dns_option {
	DNS_OPTION_NSID = 3, /* RFC 5001 */
	DNS_OPTION_COOKIE = 10, /* RFC 7873 */
	DNS_OPTION_KEEPALIVE = 11, /* RFC 7828 */
	DNS_OPTION_EDE = 15, /* RFC 8914 */
};

static inline uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)get_u16(p) << 16 | get_u16(p + 2);
}

static inline void set_u16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void set_u32(uint8_t *p, uint32_t value)
{
	set_u16(p, (uint16_t)(value >> 16));
	set_u16(p + 2, (uint16_t)value);
}

/* ---- reading ---- */

/* A query, as far as it could be read. */
struct dns_request {
	const uint8_t *packet;
	size_t n;
	uint16_t id;
	uint16_t flags;
	uint16_t type;
	uint16_t class;
	uint16_t udp_size; /* what the client says it can take */
	bool has_question; /* name, type, class are set */
	bool edns;
	bool dnssec_ok;
	uint8_t edns_version;
	bool nsid; /* asks who we are */
	bool keepalive; /* asks how long we wait on a connection */
	uint8_t cookie_n; /* 0: none */
	const uint8_t *cookie; /* data of the first COOKIE option */
	struct name name;
};

enum dns_reading {
	DNS_READ_OK,
	DNS_READ_DROP, /* not to be answered */
	DNS_READ_ERROR, /* to be answered with *ret_rcode */
};

/*
 * Reads a query: QR set or less than a header is dropped; another opcode is NOTIMP; not just one
 * question, records that cannot be, a second OPT, a COOKIE of no possible size and whatever is cut
 * short are FORMERR. A cookie without a question is NOERROR: a client may ask for one (RFC
 * 7873 5.4).
 */
enum dns_reading dns_request_read(const uint8_t *packet, size_t n, struct dns_request *ret,
				  uint16_t *ret_rcode);

/* A record of a message: where its parts are. */
struct dns_record {
	size_t owner; /* offsets into the packet */
	size_t data;
	size_t end;
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	uint16_t n; /* bytes of data */
};

enum { DNS_BAD_RECORD = 1 };

/* Reads the record at *cursor and moves on behind it. Returns 0 or DNS_BAD_RECORD. */
int dns_record_read(const uint8_t *packet, size_t n, size_t *cursor, struct dns_record *ret);

/*
 * Reads the name at *cursor, following pointers, each of which must point before everything read so
 * far, and moves on behind its place. Returns 0 or NAME_BAD.
 */
int dns_name_read(const uint8_t *packet, size_t n, size_t *cursor, struct name *ret);

/* ---- writing ---- */

/* An answer in the making: `n` bytes so far of at most `limit`. */
struct dns_writer {
	uint8_t *p;
	size_t n;
	size_t limit;
};

static inline size_t dns_room(const struct dns_writer *writer)
{
	return writer->limit - writer->n;
}

/* The put functions do not check: callers ask dns_room() for a whole record first. */
static inline void put_u16(struct dns_writer *writer, uint16_t value)
{
	set_u16(writer->p + writer->n, value);
	writer->n += 2;
}

static inline void put_u32(struct dns_writer *writer, uint32_t value)
{
	set_u32(writer->p + writer->n, value);
	writer->n += 4;
}

static inline void put_bytes(struct dns_writer *writer, const void *bytes, size_t n)
{
	if (n != 0) { /* nothing may have no place */
		memcpy(writer->p + writer->n, bytes, n);
	}
	writer->n += n;
}

static inline void put_str(struct dns_writer *writer, struct str bytes)
{
	if (bytes.n != 0) {
		put_bytes(writer, bytes.p, bytes.n);
	}
}

static inline void put_pointer(struct dns_writer *writer, size_t offset)
{
	put_u16(writer, (uint16_t)(0xc000 | offset));
}

/* Type, class IN, TTL and length of data. */
static inline void put_record_head(struct dns_writer *writer, uint16_t type, uint32_t ttl, size_t n)
{
	put_u16(writer, type);
	put_u16(writer, DNS_CLASS_IN);
	put_u32(writer, ttl);
	put_u16(writer, (uint16_t)n);
}
