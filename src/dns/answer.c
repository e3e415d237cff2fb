/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to say. The zone says what a name is; here that becomes RCODE, flags and sections. Names
 * outside and targets of aliases that lie outside need the resolver: the first pass finds that out,
 * the second has its reply in hand and walks the same way to the place where it is missing.
 */
#include "dns/answer.h"

#include "base/mem.h"
#include "dns/emit.h"

/* How an answer ended. */
enum end { END_DONE, END_FORWARD, END_TRANSFER };

struct chase {
	struct str targets[LIMIT_CNAME_CHAIN];
	struct name names[LIMIT_CNAME_CHAIN];
	size_t n;
};

static void set_reason(struct answer *answer, const struct zone_match *match)
{
	answer->reason = match->reason;
	answer->reason_name = &answer->request->name;
}

static void answer_negative(struct answer *answer, const struct zone_match *match)
{
	emit_soa(answer, SECTION_AUTHORITY, match);
	set_reason(answer, match);
}

static void answer_data(struct answer *answer, const struct zone_match *match)
{
	switch (match->data) {
	case ZONE_DATA_ADDRESSES:
		emit_addresses(answer, match->addresses, answer->request->type, match->ttl,
			       DNS_HEADER);
		break;
	case ZONE_DATA_SERVERS:
		emit_servers(answer, &match->servers, match->ttl, match->origin);
		break;
	case ZONE_DATA_POINTERS:
		emit_pointers(answer, &match->pointers, match->ttl);
		break;
	case ZONE_DATA_TEXT:
		emit_data(answer, RR_TXT, match->ttl, match->text);
		break;
	case ZONE_DATA_SOA:
		emit_soa(answer, SECTION_ANSWER, match);
		break;
	default:
		emit_name_servers(answer, match->ttl, match);
	}
}

/* ---- aliases ---- */

static bool is_in_chain(const struct chase *chase, const struct name *name)
{
	for (size_t i = 0; i < chase->n; i++) {
		if (name_eq(&chase->names[i], name)) {
			return true;
		}
	}
	return false;
}

/*
 * Follows aliases from `match` on until something else comes, which is left in *match. False when
 * they lead back (to a name, or to a domain it lies in, as CoreDNS has it) or are too many.
 */
static bool follow(const struct answer *answer, struct zone_match *match, struct chase *chase)
{
	const struct name *owner = &answer->request->name;
	size_t below;

	chase->n = 0;
	while (match->outcome == ZONE_ALIAS) {
		struct name target;

		if (chase->n == LIMIT_CNAME_CHAIN ||
		    name_read((const uint8_t *)match->alias.p, match->alias.n, &target) != 0 ||
		    name_is_below(owner, &target, &below) ||
		    name_eq(&target, &answer->request->name) || is_in_chain(chase, &target)) {
			return false;
		}
		chase->targets[chase->n] = match->alias;
		chase->names[chase->n] = target;
		owner = &chase->names[chase->n++];
		zone_lookup(answer->zone, owner, answer->request->type, match);
	}
	return true;
}

/* Writes the CNAMEs; returns where the last target stands, 0 when they did not fit. */
static size_t emit_chain(struct answer *answer, const struct chase *chase, uint32_t ttl)
{
	size_t owner = DNS_HEADER;

	for (size_t i = 0; owner != 0 && i < chase->n; i++) {
		owner = emit_alias(answer, owner, ttl, chase->targets[i]);
	}
	return owner;
}

static enum end answer_followed(struct answer *answer, struct zone_match *alias,
				const struct dns_reply *reply, struct dns_question *ret_question)
{
	struct zone_match match = *alias;
	struct chase chase;
	size_t owner;

	if (!follow(answer, &match, &chase)) {
		alias->reason.cause = ZONE_CAUSE_ALIAS_LOOP;
		answer_negative(answer, alias);
		return END_DONE;
	}
	if (match.outcome == ZONE_OUTSIDE && answer->options->forward && reply == NULL) {
		ret_question->name = chase.names[chase.n - 1];
		return END_FORWARD;
	}
	if (match.outcome == ZONE_DATA || match.outcome == ZONE_OUTSIDE) {
		owner = emit_chain(answer, &chase, alias->ttl);
		if (owner != 0 && match.outcome == ZONE_DATA) {
			emit_addresses(answer, match.addresses, answer->request->type, match.ttl,
				       owner);
		} else if (owner != 0 && reply != NULL) {
			emit_upstream_alias(answer, reply, &chase.names[chase.n - 1], owner);
		}
		return END_DONE;
	}
	if (match.outcome == ZONE_UNSYNCED) {
		answer->rcode = DNS_SERVFAIL;
		alias->reason.cause = ZONE_CAUSE_UNSYNCED;
	} else {
		alias->reason.cause = ZONE_CAUSE_ALIAS_DANGLING;
	}
	answer_negative(answer, alias);
	return END_DONE;
}

static enum end answer_alias(struct answer *answer, struct zone_match *match,
			     const struct dns_reply *reply, struct dns_question *ret_question)
{
	switch (answer->request->type) {
	case RR_A:
	case RR_AAAA:
		return answer_followed(answer, match, reply, ret_question);
	case RR_CNAME: {
		struct name target;
		size_t below;

		if (name_read((const uint8_t *)match->alias.p, match->alias.n, &target) == 0 &&
		    name_is_below(&answer->request->name, &target, &below)) {
			match->reason.cause = ZONE_CAUSE_ALIAS_LOOP;
			answer_negative(answer, match);
		} else {
			(void)emit_alias(answer, DNS_HEADER, match->ttl, match->alias);
		}
		return END_DONE;
	}
	default:
		match->reason.cause = ZONE_CAUSE_NO_TYPE;
		answer_negative(answer, match);
		return END_DONE;
	}
}

/* ---- all ---- */

/* RFC 8482: a name that exists has this to say to ANY. */
static void answer_any(struct answer *answer, const struct zone_match *match)
{
	emit_data(answer, RR_HINFO, match->ttl, STR("\7RFC8482\0"));
}

static void refuse(struct answer *answer, const char *why, uint16_t code)
{
	answer->flags = 0;
	answer->rcode = DNS_REFUSED;
	answer->failure = why;
	answer->failure_code = code;
}

static enum end answer_outside(struct answer *answer, const struct dns_reply *reply,
			       struct dns_question *ret_question)
{
	answer->flags = 0;
	if (!answer->options->forward) {
		refuse(answer, "the name is not in the cluster's zone", EDE_NOT_AUTHORITATIVE);
		return END_DONE;
	}
	if (reply == NULL) {
		ret_question->name = answer->request->name;
		return END_FORWARD;
	}
	emit_upstream(answer, reply);
	return END_DONE;
}

static enum dns_place place_of(const struct answer *answer, const struct zone_match *match)
{
	const struct name *name = &answer->request->name;

	if (match->outcome == ZONE_OUTSIDE) {
		return answer->options->forward ? DNS_PLACE_OUTSIDE : DNS_PLACE_NONE;
	}
	if (!match->reverse) {
		return DNS_PLACE_CLUSTER;
	}
	return str_is(name_label(name, name->n_labels - 2U), "ip6") ? DNS_PLACE_IP6
								    : DNS_PLACE_IN_ADDR;
}

static enum end answer_question(struct answer *answer, struct dns_transport transport,
				const struct dns_reply *reply, struct dns_question *ret_question)
{
	const struct dns_request *request = answer->request;
	struct zone_match match;

	if (request->type == RR_AXFR || request->type == RR_IXFR) {
		zone_lookup(answer->zone, &request->name, RR_SOA, &match);
		answer->place = (uint8_t)place_of(answer, &match);
		return emit_transfer(answer, transport, &match) ? END_TRANSFER : END_DONE;
	}
	zone_lookup(answer->zone, &request->name, request->type, &match);
	answer->flags = DNS_AA;
	answer->place = (uint8_t)place_of(answer, &match);
	if (match.outcome == ZONE_OUTSIDE) {
		return answer_outside(answer, reply, ret_question);
	}
	if (request->type == RR_ANY &&
	    (match.outcome == ZONE_DATA || match.outcome == ZONE_ALIAS)) {
		answer_any(answer, &match);
		return END_DONE;
	}
	switch (match.outcome) {
	case ZONE_ALIAS:
		return answer_alias(answer, &match, reply, ret_question);
	case ZONE_DATA:
		answer_data(answer, &match);
		break;
	case ZONE_EMPTY:
		answer_negative(answer, &match);
		break;
	default:
		answer->rcode = match.outcome == ZONE_ABSENT ? DNS_NXDOMAIN : DNS_SERVFAIL;
		answer_negative(answer, &match);
	}
	return END_DONE;
}

/* What fits the transport, the client and us. */
static size_t answer_limit(const struct dns_options *options, const struct dns_request *request,
			   struct dns_transport transport)
{
	size_t size = request->udp_size;

	if (transport.tcp) {
		return DNS_ANSWER_MAX;
	}
	size = size < options->udp_size ? size : options->udp_size;
	return size > DNS_UDP_MIN ? size : DNS_UDP_MIN;
}

void emit_options(struct answer *answer, struct dns_transport transport)
{
	const struct dns_request *request = answer->request;

	answer->nsid = request->nsid && answer->options->nsid.n != 0;
	/* Over UDP it means nothing (RFC 7828 section 3.2.1). */
	answer->keepalive = request->keepalive && transport.tcp;
	if (request->cookie != NULL && request->cookie_n >= COOKIE_CLIENT &&
	    transport.cookies != NULL) {
		answer->cookie = (uint8_t)cookie_check(transport.cookies, request->cookie,
						       request->cookie_n, transport.client,
						       transport.client_n, answer->server_cookie);
	}
}

/*
 * Whoever has a good cookie, or came over TCP, is where it says it is. Everybody else may be
 * somebody else's victim.
 */
static bool is_doubted(const struct answer *answer, struct dns_transport transport)
{
	return transport.allowance != DNS_ALLOW && !transport.tcp && answer->cookie != COOKIE_GOOD;
}

/* An answer for those who are who they say: TC, or BADCOOKIE for those who know of cookies. */
static void hint(struct answer *answer)
{
	if (answer->cookie != COOKIE_NONE) {
		answer->rcode = DNS_BADCOOKIE;
	} else {
		answer->rcode = DNS_NOERROR;
		answer->flags = DNS_TC;
	}
}

static void report(const struct answer *answer, struct dns_report *ret)
{
	const struct dns_request *request = answer->request;

	ret->type = request->has_question ? request->type : 0;
	ret->rcode = answer->rcode;
	ret->place = answer->place;
	ret->dnssec_ok = request->dnssec_ok;
	ret->cookie = answer->cookie;
}

static enum dns_verdict answer_query(const struct dns_options *options, const struct zone *zone,
				     const struct dns_query_read *read,
				     struct dns_transport transport, struct random_state *random,
				     const struct dns_reply *reply, uint8_t *out,
				     struct dns_question *ret_question,
				     struct dns_report *ret_report, size_t *ret_n)
{
	const struct dns_request *request = &read->request;
	bool is_sound = read->reading == DNS_READ_OK;
	struct answer answer = {
		.options = options,
		.zone = zone,
		.request = request,
		.random = random,
		.rcode = read->rcode,
		.place = DNS_PLACE_NONE,
	};

	*ret_report = (struct dns_report){ .place = DNS_PLACE_NONE };
	if (read->reading == DNS_READ_DROP) {
		return DNS_DROP;
	}
	emit_options(&answer, transport);
	if (is_doubted(&answer, transport)) {
		ret_report->allowance = transport.allowance;
		if (transport.allowance == DNS_ALLOW_NOTHING) {
			return DNS_DROP;
		}
	}
	emit_begin(&answer, answer_limit(options, request, transport), out);
	if (is_sound && ret_report->allowance != DNS_ALLOW) {
		hint(&answer);
	} else if (is_sound) {
		answer.rcode = DNS_NOERROR;
		enum end end = answer_question(&answer, transport, reply, ret_question);

		if (end == END_TRANSFER) {
			ret_question->name = request->name;
			report(&answer, ret_report);
			return DNS_TRANSFER;
		}
		if (end == END_FORWARD) {
			ret_question->type = request->type;
			ret_question->recursion_desired = (request->flags & DNS_RD) != 0;
			ret_question->checking_disabled = (request->flags & DNS_CD) != 0;
			ret_question->dnssec_ok = request->dnssec_ok;
			report(&answer, ret_report);
			return DNS_FORWARD;
		}
	} else if (answer.rcode == DNS_REFUSED) {
		refuse(&answer, "only class IN is served here", EDE_NOT_AUTHORITATIVE);
	}
	report(&answer, ret_report);
	*ret_n = emit_end(&answer);
	return DNS_ANSWER;
}

void dns_read(const struct zone *zone, const uint8_t *query, size_t n, struct dns_query_read *ret)
{
	ret->rcode = DNS_NOERROR;
	ret->hint.services = NULL;
	ret->reading = (uint8_t)dns_request_read(query, n, &ret->request, &ret->rcode);
	if (ret->reading == DNS_READ_OK) {
		zone_hint(zone, &ret->request.name, &ret->hint);
	}
}

void dns_fetch(const struct dns_query_read *read)
{
	zone_fetch(&read->hint);
}

void dns_fetch_data(const struct dns_query_read *read)
{
	zone_fetch_data(&read->hint);
}

enum dns_verdict dns_answer_read(const struct dns_options *options, const struct zone *zone,
				 const struct dns_query_read *read, struct dns_transport transport,
				 struct random_state *random, uint8_t *out,
				 struct dns_question *ret_question, struct dns_report *ret_report,
				 size_t *ret_n)
{
	return answer_query(options, zone, read, transport, random, NULL, out, ret_question,
			    ret_report, ret_n);
}

enum dns_verdict dns_answer(const struct dns_options *options, const struct zone *zone,
			    const uint8_t *query, size_t n, struct dns_transport transport,
			    struct random_state *random, uint8_t *out,
			    struct dns_question *ret_question, struct dns_report *ret_report,
			    size_t *ret_n)
{
	struct dns_query_read read;

	dns_read(zone, query, n, &read);
	return answer_query(options, zone, &read, transport, random, NULL, out, ret_question,
			    ret_report, ret_n);
}

size_t dns_answer_forwarded(const struct dns_options *options, const struct zone *zone,
			    const uint8_t *query, size_t n, struct dns_transport transport,
			    struct random_state *random, const struct dns_reply *reply,
			    uint8_t *out, struct dns_report *ret_report)
{
	struct dns_query_read read;
	size_t size = 0;

	dns_read(zone, query, n, &read);
	(void)answer_query(options, zone, &read, transport, random, reply, out, NULL, ret_report,
			   &size);
	return size;
}

uint16_t dns_rcode(const uint8_t *answer, size_t n)
{
	size_t cursor = DNS_HEADER;
	struct dns_record record;
	struct name name;
	unsigned records = 0;

	if (n < DNS_HEADER) {
		return 0;
	}
	for (unsigned i = 0; i < 3; i++) {
		records += get_u16(answer + 6 + 2 * i);
	}
	for (unsigned i = get_u16(answer + 4); i > 0; i--) {
		if (dns_name_read(answer, n, &cursor, &name) != 0) {
			return 0;
		}
		cursor += DNS_QUESTION_TAIL;
	}
	for (; records > 0 && dns_record_read(answer, n, &cursor, &record) == 0; records--) {
		if (record.type == RR_OPT) {
			return (uint16_t)((record.ttl >> 24) << 4 | (answer[3] & DNS_RCODE));
		}
	}
	return answer[3] & DNS_RCODE;
}
