/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the resolver become answers of ours. For a name outside, the message is taken over as
 * it is behind the question: both questions have the same length, so every compression pointer
 * still fits. For an alias of ours, the records of the target are written behind the alias, with
 * names spelled anew.
 */
#include "dns/emit.h"

static void fail(struct answer *answer, const char *failure, uint16_t code)
{
	answer->rcode = DNS_SERVFAIL;
	answer->failure = failure;
	answer->failure_code = code;
}

/* The records behind the question of a reply that is sound so far; 0 when it is not. */
static size_t records_begin(const struct dns_reply *reply, struct name *ret_name)
{
	size_t cursor = DNS_HEADER;

	if (reply->n < DNS_HEADER || get_u16(reply->packet + 4) != 1 ||
	    dns_name_read(reply->packet, reply->n, &cursor, ret_name) != 0 ||
	    reply->n - cursor < DNS_QUESTION_TAIL) {
		return 0;
	}
	return cursor + DNS_QUESTION_TAIL;
}

void emit_upstream(struct answer *answer, const struct dns_reply *reply)
{
	struct dns_writer *writer = &answer->writer;
	struct dns_record record;
	struct name name;
	size_t cursor;
	size_t end;

	answer->flags |= DNS_RA;
	if (reply->packet == NULL) {
		fail(answer, reply->failure, reply->failure_code);
		return;
	}
	cursor = records_begin(reply, &name);
	if (cursor != writer->n || !name_eq(&name, &answer->request->name)) {
		fail(answer, "the upstream's answer makes no sense", EDE_NETWORK_ERROR);
		return;
	}
	end = cursor;
	answer->rcode = get_u16(reply->packet + 2) & DNS_RCODE;
	answer->flags |= get_u16(reply->packet + 2) & DNS_TC;
	for (unsigned section = 0; section < 3; section++) {
		unsigned n = get_u16(reply->packet + 6 + 2 * section);

		for (unsigned i = 0; i < n; i++) {
			if (dns_record_read(reply->packet, reply->n, &cursor, &record) != 0) {
				fail(answer, "the upstream's answer is cut short",
				     EDE_NETWORK_ERROR);
				answer->counts[0] = answer->counts[1] = answer->counts[2] = 0;
				return;
			}
			/*
			 * The upstream's OPT is between it and us; nothing of use stands behind it.
			 */
			if (record.type == RR_OPT) {
				goto done;
			}
			if (cursor > writer->limit) {
				answer->flags |= section != SECTION_ADDITIONAL ? DNS_TC : 0;
				goto done;
			}
			answer->counts[section]++;
			end = cursor;
		}
	}
done:
	put_bytes(writer, reply->packet + writer->n, end - writer->n);
}

/* Where the name of the next record was written last, so that it need not be spelled again. */
struct known_name {
	struct name name;
	size_t at;
};

/* One record of the target's answer; false when it did not fit. */
static bool emit_target_record(struct answer *answer, const struct dns_reply *reply,
			       const struct dns_record *record, struct known_name *known)
{
	struct dns_writer *writer = &answer->writer;
	size_t cursor = record->owner;
	struct name owner;
	struct name target;
	size_t size;

	if (dns_name_read(reply->packet, reply->n, &cursor, &owner) != 0) {
		return true;
	}
	if (record->type == RR_CNAME) {
		cursor = record->data;
		if (dns_name_read(reply->packet, reply->n, &cursor, &target) != 0) {
			return true;
		}
	}
	bool same = name_eq(&owner, &known->name);

	size = record->type == RR_CNAME ? target.n : record->n;
	if (dns_room(writer) < (same ? 2U : owner.n) + DNS_RECORD_HEAD + size) {
		return false;
	}
	if (same) {
		put_pointer(writer, known->at);
	} else {
		put_bytes(writer, owner.wire, owner.n);
	}
	put_record_head(writer, record->type, record->ttl, size);
	if (record->type == RR_CNAME) {
		if (writer->n <= DNS_POINTER_MAX) {
			*known = (struct known_name){ .name = target, .at = writer->n };
		}
		put_bytes(writer, target.wire, target.n);
	} else {
		put_bytes(writer, reply->packet + record->data, size);
	}
	answer->counts[SECTION_ANSWER]++;
	return true;
}

void emit_upstream_alias(struct answer *answer, const struct dns_reply *reply,
			 const struct name *target, size_t owner)
{
	struct known_name known = { .name = *target, .at = owner };
	struct dns_record record;
	struct name name;
	size_t cursor;

	answer->flags |= DNS_RA;
	if (reply->packet == NULL) {
		fail(answer, reply->failure, reply->failure_code);
		return;
	}
	cursor = records_begin(reply, &name);
	if (cursor == 0 || !name_eq(&name, target)) {
		fail(answer, "the upstream's answer makes no sense", EDE_NETWORK_ERROR);
		return;
	}
	/* A target that does not exist does not make the alias absent. */
	if ((get_u16(reply->packet + 2) & DNS_RCODE) == DNS_SERVFAIL) {
		fail(answer, "the upstream failed", EDE_NO_REACHABLE_AUTHORITY);
		return;
	}
	answer->flags |= get_u16(reply->packet + 2) & DNS_TC;
	for (unsigned i = get_u16(reply->packet + 6); i > 0; i--) {
		if (dns_record_read(reply->packet, reply->n, &cursor, &record) != 0) {
			return;
		}
		if ((record.type != answer->request->type && record.type != RR_CNAME) ||
		    (record.type == RR_A && record.n != 4) ||
		    (record.type == RR_AAAA && record.n != 16)) {
			continue;
		}
		if (!emit_target_record(answer, reply, &record, &known)) {
			answer->flags |= DNS_TC;
			return;
		}
	}
}
