/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict is the zone's. This file feeds it, asks it, and spells out the records: the same
 * lookups that a DNS worker makes for a packet.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/cache.h"
#include "object/kinds.h"
#include "ops/explain_intern.h"
#include "zone/zone.h"

enum { TRIM_EVERY = 256 };

struct zone *explain_zone(const struct cache *cache, const struct explain_question *question,
			  char ret_message[ZONE_MESSAGE])
{
	static const char *const reverse[] = { "in-addr.arpa", "ip6.arpa" };
	struct zone_config config = {
		.domain = question->domain,
		.ttl = question->ttl,
		.pods = ZONE_PODS_INSECURE,
	};
	const struct kind *wanted[ZONE_KINDS_MAX];
	struct zone *zone;
	size_t fed = 0;
	size_t n;

	if (question->zone != NULL) {
		config = *question->zone;
	}
	/* What is absent here has a reason, even when somebody else is asked then. */
	config.fallthrough = false;
	config.reverse_fallthrough = false;
	config.reverse = reverse;
	config.n_reverse = ARRAY_SIZE(reverse);
	if (!cache_holds(cache, &kind_service_import)) {
		config.clusterset_domain = NULL;
	}
	if (zone_new(&config, &zone, ret_message) != 0) {
		return NULL;
	}
	n = zone_kinds(zone, wanted);
	for (size_t i = 0; i < n; i++) {
		cache_for_each (object, cache, wanted[i], STR_NONE) {
			zone_change(zone, NULL, object);
			/* Nobody holds a tree here, and those of a large cluster are many. */
			if (++fed % TRIM_EVERY == 0) {
				object_trees_trim(LIMIT_OBJECT_TREES);
			}
		}
	}
	zone_synced(zone);
	return zone;
}

bool explain_resolves(const struct zone *zone, const struct name *name,
		      struct zone_reason *ret_reason)
{
	struct name owner = *name;
	struct zone_match match;
	size_t ignored;

	for (size_t i = 0; i <= LIMIT_CNAME_CHAIN; i++) {
		struct name target;

		zone_lookup(zone, &owner, RR_ANY, &match);
		if (match.outcome != ZONE_ALIAS) {
			bool found = match.outcome == ZONE_DATA ||
				     (i != 0 && match.outcome == ZONE_OUTSIDE);

			*ret_reason = match.reason;
			if (i != 0 && !found) {
				ret_reason->cause = ZONE_CAUSE_ALIAS_DANGLING;
			}
			return found;
		}
		if (name_read((const uint8_t *)match.alias.p, match.alias.n, &target) != 0 ||
		    name_is_below(&owner, &target, &ignored)) {
			break;
		}
		owner = target;
	}
	*ret_reason = (struct zone_reason){ .cause = ZONE_CAUSE_ALIAS_LOOP };
	return false;
}

void explain_add_closest(struct explain *x, const char *text)
{
	struct explanation *out = x->out;
	struct zone_reason ignored;
	struct name name;

	for (size_t i = 0; i < out->n_closest; i++) {
		if (strcmp(out->closest[i], text) == 0) {
			return;
		}
	}
	if (out->n_closest < LIMIT_EXPLAIN_CLOSEST && name_parse(str_from(text), &name) == 0 &&
	    explain_resolves(x->zone, &name, &ignored)) {
		out->closest[out->n_closest++] = text;
	}
}

/* ---- spelling ---- */

const char *explain_name_text(struct explain *x, const struct name *name)
{
	char text[NAME_TEXT];

	name_text(name, text);
	return explain_say(x, "%s", text);
}

/* Wire labels, and the domain behind them. */
static const char *below_domain(struct explain *x, struct str first, struct str rest)
{
	char text[NAME_TEXT + LIMIT_DNS_NAME];
	size_t n = 0;

	for (struct str labels = first; labels.p != NULL;
	     labels = labels.p == first.p ? rest : STR_NONE) {
		for (struct str at = labels; at.n != 0; at = str_skip(at, 1U + (uint8_t)at.p[0])) {
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s.",
					      (int)(uint8_t)at.p[0], at.p + 1);
		}
	}
	name_text(zone_domain(x->zone), text + n);
	return explain_say(x, "%s", text);
}

static void add_record(struct explain *x, const struct name *owner, uint32_t ttl, const char *type,
		       const char *data)
{
	struct explanation *out = x->out;

	if (out->n_records == LIMIT_EXPLAIN_RECORDS) {
		out->n_more_records++;
		return;
	}
	out->records[out->n_records++] = (struct explain_record){
		.owner = explain_name_text(x, owner), .ttl = ttl, .type = type, .data = data
	};
}

static bool is_full(struct explain *x)
{
	return x->out->n_records == LIMIT_EXPLAIN_RECORDS;
}

static void add_addresses(struct explain *x, const struct name *owner,
			  const struct zone_match *match, uint16_t type)
{
	size_t size = type == RR_A ? ZONE_A_RECORD : ZONE_AAAA_RECORD;

	for (uint32_t i = 0; i < match->addresses.n; i++) {
		struct ip address = { .n = type == RR_A ? 4 : 16 };
		char text[IP_TEXT];

		memcpy(address.bytes, match->addresses.records + i * size + size - address.n,
		       address.n);
		ip_text(&address, text);
		add_record(x, owner, match->ttl, type == RR_A ? "A" : "AAAA",
			   is_full(x) ? "" : explain_say(x, "%s", text));
	}
}

static void add_servers(struct explain *x, const struct name *owner, const struct zone_match *match)
{
	for (uint32_t i = 0; i < match->servers.n; i++) {
		struct zone_server server;
		const char *data = "";

		zone_server_at(&match->servers, i, &server);
		if (!is_full(x)) {
			struct str label = server.label.n != 0 ? server.label : server.base;
			struct str base = server.label.n != 0 ? server.base : STR_NONE;

			data = explain_say(x, "0 %u %u %s", server.weight, server.port,
					   below_domain(x, label, base));
		}
		add_record(x, owner, match->ttl, "SRV", data);
	}
}

static void add_pointers(struct explain *x, const struct name *owner,
			 const struct zone_match *match)
{
	size_t cursor = 0;

	for (uint32_t i = 0; i < match->pointers.n; i++) {
		struct str labels = zone_pointer_next(&match->pointers, &cursor);

		add_record(x, owner, match->ttl, "PTR",
			   is_full(x) ? "" : below_domain(x, labels, STR_NONE));
	}
}

static void add_soa(struct explain *x, const struct name *owner)
{
	struct zone_soa soa;
	const char *domain = explain_name_text(x, zone_domain(x->zone));

	zone_soa(x->zone, /* fresh= */ false, &soa);
	add_record(x, owner, soa.ttl, "SOA",
		   explain_say(x, "ns.dns.%s hostmaster.%s %u %u %u %u %u", domain, domain,
			       soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum));
}

static void add_data(struct explain *x, const struct name *owner, const struct zone_match *match,
		     uint16_t type)
{
	switch ((enum zone_data)match->data) {
	case ZONE_DATA_ADDRESSES:
		add_addresses(x, owner, match, type);
		break;
	case ZONE_DATA_SERVERS:
		add_servers(x, owner, match);
		break;
	case ZONE_DATA_POINTERS:
		add_pointers(x, owner, match);
		break;
	case ZONE_DATA_TEXT:
		add_record(x, owner, match->ttl, "TXT",
			   explain_say(x, "\"%.*s\"", STR_ARG(str_skip(match->text, 1))));
		break;
	case ZONE_DATA_SOA:
		add_soa(x, owner);
		break;
	case ZONE_DATA_NS:
		break;
	}
}

/* ---- asking ---- */

/* The types whose records are shown, ended by 0. */
static const uint16_t *types_of(const struct explain *x)
{
	static const uint16_t addresses[] = { RR_A, RR_AAAA, 0 };
	static const uint16_t servers[] = { RR_SRV, 0 };
	static const uint16_t pointers[] = { RR_PTR, 0 };
	static const uint16_t others[] = { RR_A, RR_AAAA, RR_TXT, RR_SOA, 0 };

	switch (x->shape) {
	case SHAPE_PORT:
		return servers;
	case SHAPE_REVERSE:
		return pointers;
	case SHAPE_IMPORT:
		return x->port.n != 0 ? servers : addresses;
	case SHAPE_OTHER:
		return others;
	default:
		return addresses;
	}
}

/* Records of `owner`; an alias leads on to those of its target. */
static void add_records(struct explain *x, struct name owner, const uint16_t *types)
{
	struct zone_match match;

	for (size_t i = 0; i < LIMIT_CNAME_CHAIN; i++) {
		struct name target;

		zone_lookup(x->zone, &owner, types[0], &match);
		if (match.outcome != ZONE_ALIAS ||
		    name_read((const uint8_t *)match.alias.p, match.alias.n, &target) != 0) {
			break;
		}
		add_record(x, &owner, match.ttl, "CNAME", explain_name_text(x, &target));
		owner = target;
	}
	for (const uint16_t *type = types; *type != 0; type++) {
		zone_lookup(x->zone, &owner, *type, &match);
		if (match.outcome == ZONE_DATA) {
			add_data(x, &owner, &match, *type);
		}
	}
}

void explain_answer(struct explain *x)
{
	const uint16_t *types = types_of(x);
	struct explanation *out = x->out;
	struct zone_match match;
	struct zone_soa soa;

	out->resolves = x->resolves;
	out->name = explain_name_text(x, &x->name);
	if (x->resolves) {
		out->answer = "NOERROR";
		out->cause = zone_cause_word(ZONE_CAUSE_NONE);
		add_records(x, x->name, types);
		return;
	}
	zone_lookup(x->zone, &x->name, types[0], &match);
	zone_soa(x->zone, match.fresh, &soa);
	out->negative_ttl = soa.ttl < soa.minimum ? soa.ttl : soa.minimum;
	out->answer = match.outcome == ZONE_ABSENT    ? "NXDOMAIN"
		      : match.outcome == ZONE_OUTSIDE ? "OUTSIDE"
						      : "NODATA";
	out->cause = zone_cause_word((enum zone_cause)x->reason.cause);
}
