/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pod can stand in several slices: one for each address family, and two of one family for the
 * moment in which it moves. Its entries are sorted side by side; of one family the newest slice
 * counts, and the pod is ready when it is so in every family: only then DNS has all of its
 * addresses.
 */
#include "ops/peers_intern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "client/cache.h"
#include "object/kinds.h"
#include "object/object.h"
#include "zone/address.h"
#include "json/json.h"

/* Addresses that another one of a peer is compared with. */
enum { COMPARED = 64 };

/* One endpoint of one slice. */
struct member {
	struct str name;
	struct str stem; /* the name without its ordinal */
	int64_t ordinal; /* -1: none */
	const json_t *endpoint;
	const json_t *slice;
	uint64_t revision; /* of the slice */
	size_t place; /* in the order of reading, so that sorting is stable */
	uint8_t family;
	bool is_pod;
};

/* What the entries of one name say together. */
struct peer {
	const struct member *first;
	size_t n; /* entries */
	bool ready;
	bool serving;
	bool terminating;
};

static struct str text_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return (struct str){ .p = json_string_value(value), .n = json_string_length(value) };
}

/* ---- names ---- */

/* "web-10" is the stem "web" and 10. */
static bool split_ordinal(struct str name, struct str *ret_stem, int64_t *ret_ordinal)
{
	size_t dash = name.n;
	uint64_t ordinal;

	while (dash > 0 && name.p[dash - 1] != '-') {
		dash--;
	}
	struct str digits = str_skip(name, dash);
	if (dash < 2 || !str_to_u64(digits, INT32_MAX, &ordinal) ||
	    (digits.n > 1 && digits.p[0] == '0')) {
		return false;
	}
	*ret_stem = (struct str){ .p = name.p, .n = dash - 1 };
	*ret_ordinal = (int64_t)ordinal;
	return true;
}

/*
 * Pods of StatefulSets and of indexed Jobs have their ordinal in the hostname. A Service that is
 * not the one their set names has no hostnames; there it is in the pod's name, if it is of that
 * set.
 */
static void find_ordinal(struct member *member, struct str hostname, const struct wanted *wanted)
{
	struct str stem;
	int64_t ordinal;

	member->stem = member->name;
	member->ordinal = -1;
	if (hostname.n != 0) {
		if (split_ordinal(hostname, &stem, &ordinal)) {
			member->stem = stem;
			member->ordinal = ordinal;
		}
	} else if (wanted->set[0] != '\0' && split_ordinal(member->name, &stem, &ordinal) &&
		   str_is(stem, wanted->set)) {
		member->stem = stem;
		member->ordinal = ordinal;
	}
}

static struct str first_address(const json_t *endpoint)
{
	const json_t *first = json_array_get(json_object_get(endpoint, "addresses"), 0);

	return (struct str){ .p = json_string_value(first), .n = json_string_length(first) };
}

static struct str name_of(const json_t *endpoint, struct arena *names, bool *ret_is_pod)
{
	const json_t *target = json_object_get(endpoint, "targetRef");
	struct str name = text_of(target, "name");
	char dashed[ADDRESS_LABEL];

	*ret_is_pod = name.n != 0 && strcmp(json_string_at(target, "kind"), "Pod") == 0;
	if (name.n != 0) {
		return name;
	}
	name = text_of(endpoint, "hostname");
	if (name.n != 0) {
		return name;
	}
	return arena_str(names, (struct str){
					.p = dashed,
					.n = address_dashed(first_address(endpoint), dashed),
				});
}

/* ---- collecting ---- */

static int compare(const void *left, const void *right)
{
	const struct member *a = left;
	const struct member *b = right;
	int order = str_cmp(a->stem, b->stem);

	if (order == 0 && a->ordinal != b->ordinal) {
		order = a->ordinal < b->ordinal ? -1 : 1;
	}
	if (order == 0) {
		order = str_cmp(a->name, b->name);
	}
	if (order == 0 && a->family != b->family) {
		order = a->family < b->family ? -1 : 1;
	}
	if (order == 0 && a->revision != b->revision) {
		order = a->revision > b->revision ? -1 : 1;
	}
	return order != 0 ? order : a->place < b->place ? -1 : 1;
}

static void add_slice(struct members *members, struct object *slice, const struct wanted *wanted,
		      size_t *size)
{
	const json_t *tree = object_tree(slice);
	struct str type = text_of(tree, "addressType");
	uint8_t family = str_is(type, "IPv4") ? 4 : str_is(type, "IPv6") ? 16 : 0;
	const json_t *endpoint;
	size_t i;

	if (family == 0) {
		return; /* names of other hosts (FQDN) are no addresses; DNS has none of them */
	}
	json_array_foreach (json_object_get(tree, "endpoints"), i, endpoint) {
		if (members->n_items == LIMIT_PEERS_MEMBERS) {
			members->overflowed = true;
			return;
		}
		if (members->n_items == *size) {
			*size = *size != 0 ? *size * 2 : 16;
			members->items = mem_resize(members->items, *size * sizeof(struct member));
		}
		struct member *member = &members->items[members->n_items];

		*member = (struct member){
			.endpoint = endpoint,
			.slice = tree,
			.revision = slice->revision,
			.place = members->n_items++,
			.family = family,
		};
		member->name = name_of(endpoint, &members->names, &member->is_pod);
		find_ordinal(member, text_of(endpoint, "hostname"), wanted);
	}
}

/* Of a pod's entries in one family all but those of the newest slice are the past. */
static bool is_past(const struct member *newest, const struct member *member)
{
	return member->is_pod && newest->is_pod && newest->family == member->family &&
	       newest->revision > member->revision;
}

/* The next entry of the peer that counts; `after` NULL: the first. */
static const struct member *next_entry(const struct peer *peer, const struct member *after)
{
	const struct member *end = peer->first + peer->n;
	const struct member *newest = after != NULL ? after : peer->first;

	if (after == NULL) {
		return peer->first;
	}
	for (const struct member *member = after + 1; member < end; member++) {
		if (!is_past(newest, member)) {
			return member;
		}
	}
	return NULL;
}

#define entry_for_each(entry, peer)                                                                \
	for (const struct member *entry = next_entry((peer), NULL); entry != NULL;                 \
	     entry = next_entry((peer), entry))

/* The peer that begins at entry `at`. Unknown readiness is readiness, as the API has it. */
static struct peer read_peer(const struct members *members, size_t at)
{
	struct peer peer = { .first = &members->items[at], .n = 1, .ready = true, .serving = true };

	while (at + peer.n < members->n_items &&
	       str_eq(peer.first[peer.n].name, peer.first->name)) {
		peer.n++;
	}
	entry_for_each(entry, &peer)
	{
		const json_t *conditions = json_object_get(entry->endpoint, "conditions");
		const json_t *ready = json_object_get(conditions, "ready");
		const json_t *serving = json_object_get(conditions, "serving");

		peer.ready = peer.ready && !json_is_false(ready);
		peer.serving =
			peer.serving && !json_is_false(json_is_boolean(serving) ? serving : ready);
		peer.terminating = peer.terminating ||
				   json_is_true(json_object_get(conditions, "terminating"));
	}
	return peer;
}

/* Goes to the first peer, or from one to the next. */
static bool next_peer(const struct members *members, struct peer *peer)
{
	size_t at = peer->first != NULL ? (size_t)(peer->first - members->items) + peer->n : 0;

	if (at >= members->n_items) {
		return false;
	}
	*peer = read_peer(members, at);
	return true;
}

/* While a StatefulSet shrinks, the pods above its new size are still there, but not wanted. */
static bool is_wanted(const struct peer *peer, const struct wanted *wanted)
{
	return wanted->set[0] == '\0' || peer->first->ordinal < 0 ||
	       (peer->first->ordinal >= wanted->first &&
		(uint64_t)(peer->first->ordinal - wanted->first) < wanted->n);
}

void members_collect(const struct cache *cache, struct object *service, const struct wanted *wanted,
		     struct members *ret)
{
	char key[LIMIT_CACHE_KEY];
	int n = snprintf(key, sizeof(key), "%.*s/%.*s", STR_ARG(service->space),
			 STR_ARG(service->name));
	struct peer peer = { 0 };
	size_t size = 0;

	*ret = (struct members){ 0 };
	arena_init(&ret->names, (size_t)LIMIT_PEERS_MEMBERS * 2 * ADDRESS_LABEL);
	cache_for_index (slice, cache, &kind_endpoint_slice, CACHE_SLICES_BY_SERVICE,
			 ((struct str){ .p = key, .n = (size_t)n })) {
		ret->revision = slice->revision > ret->revision ? slice->revision : ret->revision;
		add_slice(ret, slice, wanted, &size);
	}
	if (ret->n_items != 0) {
		qsort(ret->items, ret->n_items, sizeof(struct member), compare);
	}
	while (next_peer(ret, &peer)) {
		ret->n++;
		ret->n_staying += !peer.terminating;
		ret->n_ready += peer.ready && !peer.terminating;
		ret->n_counted += peer.ready && !peer.terminating && is_wanted(&peer, wanted);
	}
}

void members_deinit(struct members *members)
{
	members->items = mem_free(members->items);
	members->n_items = 0;
	arena_deinit(&members->names);
}

/* ---- writing ---- */

static void write_text(const char *key, struct str text, struct buffer *out)
{
	buffer_printf(out, ",\"%s\":", key);
	if (text.n != 0) {
		json_write_string(text, out);
	} else {
		buffer_append_text(out, "null");
	}
}

static bool is_headless(struct object *service)
{
	const char *address = json_string_at(object_tree(service), "spec.clusterIP");

	return address[0] == '\0' || strcmp(address, "None") == 0;
}

/* The name that the zone gives it: by hostname, or by address. */
static void write_fqdn(const struct peer *peer, struct object *service, const char *domain,
		       struct buffer *out)
{
	_cleanup_buffer_ struct buffer name = BUFFER_INIT(2 * LIMIT_DNS_NAME);
	struct str label = text_of(peer->first->endpoint, "hostname");
	char dashed[ADDRESS_LABEL];

	if (label.n == 0) {
		label = (struct str){
			.p = dashed,
			.n = address_dashed(first_address(peer->first->endpoint), dashed),
		};
	}
	if (is_headless(service) && label.n != 0) {
		buffer_printf(&name, "%.*s.%.*s.%.*s.svc.%s", STR_ARG(label),
			      STR_ARG(service->name), STR_ARG(service->space), domain);
	}
	write_text("fqdn", name.overflowed ? STR_NONE : buffer_str(&name), out);
}

/* Whether one of the first addresses of the peer, before this one, is the same. */
static bool is_repeated(const struct peer *peer, const struct member *until, size_t at,
			const json_t *address)
{
	size_t left = COMPARED;

	entry_for_each(entry, peer)
	{
		const json_t *other;
		size_t i;

		json_array_foreach (json_object_get(entry->endpoint, "addresses"), i, other) {
			if ((entry == until && i == at) || left-- == 0) {
				return false;
			}
			if (json_equal(address, other)) {
				return true;
			}
		}
	}
	return false;
}

static void write_addresses(const struct peer *peer, struct buffer *out)
{
	const char *before = "";

	buffer_append_text(out, ",\"addresses\":[");
	entry_for_each(entry, peer)
	{
		const json_t *address;
		size_t i;

		json_array_foreach (json_object_get(entry->endpoint, "addresses"), i, address) {
			if (!is_repeated(peer, entry, i, address)) {
				buffer_append_text(out, before);
				json_write(address, out);
				before = ",";
			}
		}
	}
	buffer_append_char(out, ']');
}

static void write_ports(const json_t *slice, struct buffer *out)
{
	const json_t *port;
	size_t i;

	buffer_append_text(out, ",\"ports\":[");
	json_array_foreach (json_object_get(slice, "ports"), i, port) {
		struct str protocol = text_of(port, "protocol");

		buffer_append_text(out, i != 0 ? ",{\"name\":" : "{\"name\":");
		json_write_string(text_of(port, "name"), out);
		buffer_append_text(out, ",\"port\":");
		if (json_is_integer(json_object_get(port, "port"))) {
			json_write(json_object_get(port, "port"), out);
		} else {
			buffer_append_text(out, "null");
		}
		buffer_append_text(out, ",\"protocol\":");
		json_write_string(protocol.n != 0 ? protocol : STR("TCP"), out);
		buffer_append_char(out, '}');
	}
	buffer_append_char(out, ']');
}

static const char *truth(bool is)
{
	return is ? "true" : "false";
}

static void write_peer(const struct peer *peer, struct object *service, const char *domain,
		       struct buffer *out)
{
	const json_t *endpoint = peer->first->endpoint;

	buffer_append_text(out, "{\"name\":");
	json_write_string(peer->first->name, out);
	if (peer->first->ordinal >= 0) {
		buffer_printf(out, ",\"ordinal\":%lld", (long long)peer->first->ordinal);
	} else {
		buffer_append_text(out, ",\"ordinal\":null");
	}
	write_text("hostname", text_of(endpoint, "hostname"), out);
	write_fqdn(peer, service, domain, out);
	write_addresses(peer, out);
	write_ports(peer->first->slice, out);
	write_text("node", text_of(endpoint, "nodeName"), out);
	write_text("zone", text_of(endpoint, "zone"), out);
	buffer_printf(out, ",\"ready\":%s,\"serving\":%s,\"terminating\":%s}", truth(peer->ready),
		      truth(peer->serving), truth(peer->terminating));
}

void members_write(const struct members *members, struct object *service, const char *domain,
		   struct buffer *out)
{
	struct peer peer = { 0 };
	const char *before = "";

	buffer_append_char(out, '[');
	while (next_peer(members, &peer)) {
		buffer_append_text(out, before);
		write_peer(&peer, service, domain, out);
		before = ",";
	}
	buffer_append_char(out, ']');
}
