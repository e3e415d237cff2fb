/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How a match is filled in; shared by lookup.c and match.c. */

#include "zone/zone_intern.h"

/*
 * What a name at a Service or below it is, and its records of `type`. `below`: how many labels
 * stand left of the Service's.
 */
void match_service(const struct zone *zone, const struct service_body *body,
		   const struct name *name, size_t below, uint16_t type, struct zone_match *ret);

/*
 * The names that a body has records at, `match_names()` of them: the wire labels of name `i`
 * without the zone's name (0 bytes: too long for any name), and its records of `type`.
 */
uint32_t match_names(const struct service_body *body);
size_t match_labels(const struct service_body *body, uint32_t i,
		    uint8_t ret_labels[LIMIT_DNS_NAME]);
void match_nth(const struct zone *zone, const struct service_body *body, uint32_t i, uint16_t type,
	       struct zone_match *ret);

/* _tcp.SERVICE: nothing of its own, but names below it (RFC 8020). */
bool match_has_protocol(const struct service_body *body, struct str label);

static inline void set_absent(struct zone_match *ret, enum zone_cause cause, size_t label)
{
	ret->outcome = ZONE_ABSENT;
	ret->reason.cause = (uint8_t)cause;
	ret->reason.label = (uint8_t)label;
}

static inline void set_empty(struct zone_match *ret, enum zone_cause cause, size_t label)
{
	ret->outcome = ZONE_EMPTY;
	ret->reason.cause = (uint8_t)cause;
	ret->reason.label = (uint8_t)label;
}

static inline void set_data(struct zone_match *ret, enum zone_data data, uint32_t ttl)
{
	ret->outcome = ZONE_DATA;
	ret->data = (uint8_t)data;
	ret->ttl = ttl;
}

static inline void set_addresses(struct zone_match *ret, const uint8_t *records, uint32_t n,
				 size_t label)
{
	if (n == 0) {
		set_empty(ret, ZONE_CAUSE_NO_FAMILY, label);
		return;
	}
	ret->outcome = ZONE_DATA;
	ret->data = ZONE_DATA_ADDRESSES;
	ret->addresses = (struct zone_run){ .records = records, .n = n };
}

static inline struct zone_run run_a(const struct service_body *body, struct range range)
{
	return (struct zone_run){ .records = body->a + (size_t)range.first * ZONE_A_RECORD,
				  .n = range.n };
}

static inline struct zone_run run_aaaa(const struct service_body *body, struct range range)
{
	return (struct zone_run){ .records = body->aaaa + (size_t)range.first * ZONE_AAAA_RECORD,
				  .n = range.n };
}
