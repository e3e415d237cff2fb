/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records. The question stands at offset 12 as the client spelled it, so the zone's part of any
 * name is a pointer into it or a copy of it, and the client's case is kept without effort. Targets
 * of SRV records are spelled out (RFC 2782); their addresses point at them.
 */
#include "dns/emit.h"

enum {
	OPTION_HEAD = 4,
	KEEPALIVE_UNIT_MS = 100, /* RFC 7828 section 3.1 */
	AT_TTL = 2 + 4, /* of a record that begins with a pointer */
};

static void count(struct answer *answer, enum answer_section section, uint32_t n)
{
	answer->counts[section] = (uint16_t)(answer->counts[section] + n);
}

static size_t record_size(uint16_t type)
{
	return type == RR_A ? ZONE_A_RECORD : ZONE_AAAA_RECORD;
}

/* Whether the records of a run do not say the TTL they are to have. */
static bool has_other_ttl(struct zone_run run, uint32_t ttl)
{
	return run.n != 0 && get_u32(run.records + AT_TTL) != ttl;
}

void emit_addresses(struct answer *answer, struct zone_run run, uint16_t type, uint32_t ttl,
		    size_t owner)
{
	struct dns_writer *writer = &answer->writer;
	size_t size = record_size(type);
	size_t room = dns_room(writer) / size;
	uint32_t n = run.n < room ? run.n : (uint32_t)room;
	uint32_t start = run.n > 1 ? random_below(answer->random, run.n) : 0;
	uint32_t first = n < run.n - start ? n : run.n - start;
	size_t begin = writer->n;

	put_bytes(writer, run.records + start * size, first * size);
	put_bytes(writer, run.records, (n - first) * size);
	for (uint32_t i = 0; owner != DNS_HEADER && i < n; i++) {
		set_u16(writer->p + begin + i * size, (uint16_t)(0xc000 | owner));
	}
	for (uint32_t i = 0; has_other_ttl(run, ttl) && i < n; i++) {
		set_u32(writer->p + begin + i * size + AT_TTL, ttl);
	}
	count(answer, SECTION_ANSWER, n);
	if (n < run.n) {
		answer->flags |= DNS_TC;
	}
}

/* All addresses of one family of a target, or none; returns false when they did not fit. */
static bool emit_glue(struct answer *answer, struct zone_run run, uint16_t type, uint32_t ttl,
		      size_t owner, size_t owner_size)
{
	struct dns_writer *writer = &answer->writer;
	size_t size = record_size(type);
	bool pointable = owner <= DNS_POINTER_MAX;
	size_t each = size - 2 + (pointable ? 2 : owner_size);

	if (dns_room(writer) / each < run.n) {
		return false;
	}
	for (uint32_t i = 0; i < run.n; i++) {
		if (pointable) {
			put_pointer(writer, owner);
		} else {
			put_bytes(writer, writer->p + owner, owner_size);
		}
		put_bytes(writer, run.records + i * size + 2, AT_TTL - 2);
		put_u32(writer, ttl);
		put_bytes(writer, run.records + i * size + AT_TTL + 4, size - AT_TTL - 4);
	}
	count(answer, SECTION_ADDITIONAL, run.n);
	return true;
}

/* The zone's name as the client spelled it. */
static struct str asked_origin(const struct answer *answer, size_t origin)
{
	return (struct str){ .p = (const char *)answer->writer.p + DNS_HEADER + origin,
			     .n = answer->request->name.n - origin };
}

static bool emit_server(struct answer *answer, const struct zone_server *server, uint32_t ttl,
			struct str origin)
{
	struct dns_writer *writer = &answer->writer;
	size_t target = server->label.n + server->base.n + origin.n;

	if (dns_room(writer) < 2 + DNS_RECORD_HEAD + 6 + target) {
		return false;
	}
	put_pointer(writer, DNS_HEADER);
	put_record_head(writer, RR_SRV, ttl, 6 + target);
	put_u16(writer, 0);
	put_u16(writer, server->weight);
	put_u16(writer, server->port);
	put_str(writer, server->label);
	put_str(writer, server->base);
	put_str(writer, origin);
	count(answer, SECTION_ANSWER, 1);
	return true;
}

/* A random record to begin with, the first of its target. */
static uint32_t random_server(struct answer *answer, const struct zone_servers *servers)
{
	uint32_t start = servers->n > 1 ? random_below(answer->random, servers->n) : 0;
	struct zone_server here;
	struct zone_server before;

	for (; start > 0; start--) {
		zone_server_at(servers, start, &here);
		zone_server_at(servers, start - 1, &before);
		if (here.target != before.target) {
			break;
		}
	}
	return start;
}

static void emit_server_addresses(struct answer *answer, const struct zone_servers *servers,
				  uint32_t start, size_t at)
{
	const uint8_t *p = answer->writer.p;
	uint32_t last = 0;

	for (uint32_t i = 0; i < servers->n; i++) {
		size_t n = get_u16(p + at + 2 + DNS_RECORD_HEAD - 2);
		size_t target = at + 2 + DNS_RECORD_HEAD + 6;
		struct zone_server server;

		zone_server_at(servers, (start + i) % servers->n, &server);
		if ((i == 0 || server.target != last) &&
		    (!emit_glue(answer, server.a, RR_A, servers->target_ttl, target, n - 6) ||
		     !emit_glue(answer, server.aaaa, RR_AAAA, servers->target_ttl, target,
				n - 6))) {
			return;
		}
		last = server.target;
		at += 2 + DNS_RECORD_HEAD + n;
	}
}

void emit_servers(struct answer *answer, const struct zone_servers *servers, uint32_t ttl,
		  size_t origin)
{
	struct str zone = asked_origin(answer, origin);
	uint32_t start = random_server(answer, servers);
	size_t begin = answer->writer.n;

	for (uint32_t i = 0; i < servers->n; i++) {
		struct zone_server server;

		zone_server_at(servers, (start + i) % servers->n, &server);
		if (!emit_server(answer, &server, ttl, zone)) {
			/* What is left out is no mere extra: no addresses either. */
			answer->flags |= DNS_TC;
			return;
		}
	}
	emit_server_addresses(answer, servers, start, begin);
}

void emit_pointers(struct answer *answer, const struct zone_pointers *pointers, uint32_t ttl)
{
	const struct name *domain = zone_domain(answer->zone);
	struct dns_writer *writer = &answer->writer;
	size_t cursor = 0;

	for (uint32_t i = 0; i < pointers->n; i++) {
		struct str labels = zone_pointer_next(pointers, &cursor);
		size_t n = labels.n + domain->n;

		if (dns_room(writer) < 2 + DNS_RECORD_HEAD + n) {
			answer->flags |= DNS_TC;
			return;
		}
		put_pointer(writer, DNS_HEADER);
		put_record_head(writer, RR_PTR, ttl, n);
		put_str(writer, labels);
		put_bytes(writer, domain->wire, domain->n);
		count(answer, SECTION_ANSWER, 1);
	}
}

void emit_data(struct answer *answer, uint16_t type, uint32_t ttl, struct str data)
{
	if (dns_room(&answer->writer) < 2 + DNS_RECORD_HEAD + data.n) {
		answer->flags |= DNS_TC;
		return;
	}
	put_pointer(&answer->writer, DNS_HEADER);
	put_record_head(&answer->writer, type, ttl, data.n);
	put_str(&answer->writer, data);
	count(answer, SECTION_ANSWER, 1);
}

size_t emit_alias(struct answer *answer, size_t owner, uint32_t ttl, struct str target)
{
	struct dns_writer *writer = &answer->writer;
	size_t at;

	if (dns_room(writer) < 2 + DNS_RECORD_HEAD + target.n) {
		answer->flags |= DNS_TC;
		return 0;
	}
	put_pointer(writer, owner);
	put_record_head(writer, RR_CNAME, ttl, target.n);
	at = writer->n;
	put_str(writer, target);
	count(answer, SECTION_ANSWER, 1);
	return at;
}

/* A name of ours: `labels` and the domain, which a forward question already spells. */
static size_t domain_size(const struct answer *answer, const struct zone_match *match)
{
	return match->reverse ? zone_domain(answer->zone)->n : 2;
}

static void put_domain(struct answer *answer, const struct zone_match *match)
{
	const struct name *domain = zone_domain(answer->zone);

	if (match->reverse) {
		put_bytes(&answer->writer, domain->wire, domain->n);
	} else {
		put_pointer(&answer->writer, DNS_HEADER + (size_t)match->origin);
	}
}

void emit_name_servers(struct answer *answer, uint32_t ttl, const struct zone_match *match)
{
	struct zone_name_server servers[ZONE_OWN_MAX];
	size_t at[ZONE_OWN_MAX];
	size_t n = zone_name_servers(answer->zone, match->imports, servers);
	struct dns_writer *writer = &answer->writer;

	for (size_t i = 0; i < n; i++) {
		size_t size = servers[i].labels.n + domain_size(answer, match);

		if (dns_room(writer) < 2 + DNS_RECORD_HEAD + size) {
			answer->flags |= DNS_TC;
			return;
		}
		put_pointer(writer, DNS_HEADER + (size_t)match->origin);
		put_record_head(writer, RR_NS, ttl, size);
		at[i] = writer->n;
		put_str(writer, servers[i].labels);
		put_domain(answer, match);
		count(answer, SECTION_ANSWER, 1);
	}
	for (size_t i = 0; i < n; i++) {
		if (!emit_glue(answer, servers[i].a, RR_A, ttl, at[i], 0) ||
		    !emit_glue(answer, servers[i].aaaa, RR_AAAA, ttl, at[i], 0)) {
			return;
		}
	}
}

void emit_soa(struct answer *answer, enum answer_section section, const struct zone_match *match)
{
	struct str server = STR(SOA_SERVER);
	struct str person = STR(SOA_PERSON);
	struct dns_writer *writer = &answer->writer;
	size_t size = server.n + domain_size(answer, match) + person.n + 2 + SOA_NUMBERS;
	struct zone_soa soa;
	size_t at;

	zone_soa(answer->zone, match->fresh, &soa);
	if (dns_room(writer) < 2 + DNS_RECORD_HEAD + size) {
		answer->flags |= DNS_TC;
		return;
	}
	if (section == SECTION_ANSWER) {
		soa.ttl = soa_ttl(match->ttl);
	}
	put_pointer(writer, DNS_HEADER + (size_t)match->origin);
	put_record_head(writer, RR_SOA, soa.ttl, size);
	put_str(writer, server);
	at = writer->n;
	put_domain(answer, match);
	put_str(writer, person);
	put_pointer(writer, match->reverse ? at : DNS_HEADER + (size_t)match->origin);
	put_soa_numbers(writer, &soa);
	count(answer, section, 1);
}

/* ---- the frame ---- */

/* Of the OPT record with what must be in it. */
static size_t opt_size(const struct answer *answer)
{
	size_t size = DNS_OPT;

	size += answer->nsid ? OPTION_HEAD + answer->options->nsid.n : 0;
	size += answer->cookie != COOKIE_NONE ? OPTION_HEAD + COOKIE_CLIENT + COOKIE_SERVER : 0;
	size += answer->keepalive ? OPTION_HEAD + 2 : 0;
	return size;
}

static void put_option_head(struct dns_writer *writer, enum dns_option code, size_t n)
{
	put_u16(writer, (uint16_t)code);
	put_u16(writer, (uint16_t)n);
}

static void put_options(struct answer *answer)
{
	struct dns_writer *writer = &answer->writer;

	if (answer->nsid) {
		put_option_head(writer, DNS_OPTION_NSID, answer->options->nsid.n);
		put_str(writer, answer->options->nsid);
	}
	if (answer->cookie != COOKIE_NONE) {
		put_option_head(writer, DNS_OPTION_COOKIE, COOKIE_CLIENT + COOKIE_SERVER);
		put_bytes(writer, answer->request->cookie, COOKIE_CLIENT);
		put_bytes(writer, answer->server_cookie, COOKIE_SERVER);
	}
	if (answer->keepalive) {
		put_option_head(writer, DNS_OPTION_KEEPALIVE, 2);
		put_u16(writer, LIMIT_DNS_TCP_IDLE_MS / KEEPALIVE_UNIT_MS);
	}
}

void emit_begin(struct answer *answer, size_t limit, uint8_t *out)
{
	const struct dns_request *request = answer->request;
	struct dns_writer *writer = &answer->writer;

	*writer = (struct dns_writer){ .p = out, .n = DNS_HEADER, .limit = limit };
	if (request->has_question) {
		put_bytes(writer, request->packet + DNS_HEADER,
			  (size_t)request->name.n + DNS_QUESTION_TAIL);
	}
	if (request->edns) {
		writer->limit -= opt_size(answer);
	}
}

/*
 * RFC 8914: says why, when there is room: a client that announced little gets the code alone, or
 * nothing. It never costs a record, because all of them are written by now.
 */
static void put_error(struct answer *answer)
{
	struct dns_writer *writer = &answer->writer;
	char text[ZONE_REASON_TEXT];
	size_t room = dns_room(writer);
	uint16_t code;
	size_t n;

	if (room < OPTION_HEAD + 2) {
		return;
	}
	if (answer->failure != NULL) {
		n = strnlen(answer->failure, sizeof(text));
		memcpy(text, answer->failure, n);
		code = answer->failure_code;
	} else if (answer->reason_name != NULL) {
		n = zone_reason_text(&answer->reason, answer->reason_name, text, sizeof(text));
		code = zone_cause_code(answer->reason.cause);
	} else {
		return;
	}
	n = n <= room - OPTION_HEAD - 2 ? n : 0;
	put_option_head(writer, DNS_OPTION_EDE, 2 + n);
	put_u16(writer, code);
	put_bytes(writer, text, n);
}

static void put_opt(struct answer *answer)
{
	const struct dns_request *request = answer->request;
	struct dns_writer *writer = &answer->writer;
	uint32_t extended = (uint32_t)(answer->rcode >> 4) << 24;
	size_t at;

	writer->limit += opt_size(answer);
	writer->p[writer->n++] = 0;
	put_u16(writer, RR_OPT);
	put_u16(writer, answer->options->udp_size);
	put_u32(writer, extended | (request->dnssec_ok ? DNS_EDNS_DO : 0));
	at = writer->n;
	put_u16(writer, 0);
	put_options(answer);
	put_error(answer);
	set_u16(writer->p + at, (uint16_t)(writer->n - at - 2));
	count(answer, SECTION_ADDITIONAL, 1);
}

size_t emit_end(struct answer *answer)
{
	const struct dns_request *request = answer->request;
	uint8_t *p = answer->writer.p;

	if (request->edns) {
		put_opt(answer);
	}
	set_u16(p, request->id);
	set_u16(p + 2, (uint16_t)(DNS_QR | (request->flags & (DNS_OPCODE | DNS_RD | DNS_CD)) |
				  answer->flags | (answer->rcode & DNS_RCODE)));
	set_u16(p + 4, request->has_question ? 1 : 0);
	set_u16(p + 6, answer->counts[SECTION_ANSWER]);
	set_u16(p + 8, answer->counts[SECTION_AUTHORITY]);
	set_u16(p + 10, answer->counts[SECTION_ADDITIONAL]);
	return answer->writer.n;
}
