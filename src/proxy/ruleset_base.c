/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is always there: the chains that the kernel calls, the maps they look into, and the two
 * things that rules of Services ask for. All of it is of type nat, so only the first packet of a
 * connection comes by; refusing it there refuses the connection.
 *
 * Loopback addresses are nobody's node port: a packet that is turned from there would leave the
 * machine with an address that must not (and route_localnet is left alone).
 */
#include "proxy/ruleset_intern.h"

#include "base/buffer.h"
#include "base/mem.h"

const struct family families[FAMILIES] = {
	{ '4', 4, "ip", "ipv4_addr", "IPv4", "127.0.0.0/8" },
	{ '6', 16, "ip6", "ipv6_addr", "IPv6", "::1" },
};

enum { BASE_TEXT = 4096 };

bool ruleset_has_pods(const struct ruleset *ruleset, const struct family *family)
{
	for (size_t i = 0; i < ruleset->n_pods; i++) {
		if (ruleset->pods[i].ip.n == family->bytes) {
			return true;
		}
	}
	return false;
}

static void add_pods(const struct ruleset *ruleset, const struct family *family,
		     struct pieces *pieces)
{
	char text[IP_NETWORK_TEXT];

	for (size_t i = 0; i < ruleset->n_pods; i++) {
		if (ruleset->pods[i].ip.n == family->bytes) {
			ip_network_text(&ruleset->pods[i], text);
			pieces_add(pieces, STR_NONE, "e pods%c %s", family->digit, text);
		}
	}
}

static void add_sets(const struct ruleset *ruleset, struct pieces *pieces)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		const struct family *family = &families[i];
		_cleanup_buffer_ struct buffer text = BUFFER_INIT(BASE_TEXT);

		buffer_printf(&text, "set { type %s; flags interval; }", family->type);
		pieces_add(pieces, buffer_str(&text), "s pods%c", family->digit);
		buffer_clear(&text);
		buffer_printf(&text, "set { type %s . %s; }", family->type, family->type);
		pieces_add(pieces, buffer_str(&text), "s hairpin%c", family->digit);
		buffer_clear(&text);
		buffer_printf(&text, "map { type %s . inet_proto . inet_service : verdict; }",
			      family->type);
		pieces_add(pieces, buffer_str(&text), "s fronts%c", family->digit);
		pieces_add(pieces, STR("map { type inet_proto . inet_service : verdict; }"),
			   "s ports%c", family->digit);
		add_pods(ruleset, family, pieces);
	}
}

static void add_dispatch(struct pieces *pieces)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(BASE_TEXT);

	buffer_append_char(&text, '\n');
	for (size_t i = 0; i < FAMILIES; i++) {
		buffer_printf(&text, "%s daddr . meta l4proto . th dport vmap @fronts%c\n",
			      families[i].ip, families[i].digit);
	}
	buffer_append_text(&text, "fib daddr type != local return\n");
	for (size_t i = 0; i < FAMILIES; i++) {
		buffer_printf(&text, "%s daddr != %s meta l4proto . th dport vmap @ports%c\n",
			      families[i].ip, families[i].loopback, families[i].digit);
	}
	pieces_add(pieces, buffer_str(&text), "c dispatch");
}

static void add_postrouting(const struct ruleset *ruleset, struct pieces *pieces)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(BASE_TEXT);

	buffer_append_text(&text, "{ type nat hook postrouting priority srcnat; policy accept; }\n"
				  "meta mark and " RULESET_MARK
				  " != 0 meta mark set meta mark xor " RULESET_MARK
				  " masquerade fully-random\n");
	for (size_t i = 0; i < FAMILIES; i++) {
		const char *ip = families[i].ip;
		char digit = families[i].digit;

		buffer_printf(&text, "ct status dnat %s saddr . %s daddr @hairpin%c masquerade\n",
			      ip, ip, digit);
		if (ruleset->masquerade_pods) {
			buffer_printf(&text,
				      "ct status dnat %s saddr @pods%c %s daddr @pods%c "
				      "masquerade\n",
				      ip, digit, ip, digit);
		}
	}
	buffer_append_text(&text, "ip saddr @pods4 ip daddr != @pods4 ip daddr != 224.0.0.0/4 "
				  "masquerade fully-random\n"
				  "ip6 saddr @pods6 ip6 daddr != @pods6 ip6 daddr != ff00::/8 "
				  "masquerade fully-random\n");
	pieces_add(pieces, buffer_str(&text), "c postrouting");
}

void ruleset_base(const struct ruleset *ruleset, struct pieces *pieces)
{
	add_sets(ruleset, pieces);
	add_dispatch(pieces);
	add_postrouting(ruleset, pieces);
	pieces_add(pieces,
		   STR("{ type nat hook prerouting priority dstnat; policy accept; }\n"
		       "jump dispatch\n"),
		   "c prerouting");
	pieces_add(pieces,
		   STR("{ type nat hook output priority -100; policy accept; }\n"
		       "jump dispatch\n"),
		   "c output");
	pieces_add(pieces, STR("\nmeta mark set meta mark or " RULESET_MARK "\n"),
		   "c to-masquerade");
	pieces_add(pieces,
		   STR("\nmeta l4proto tcp reject with tcp reset\n"
		       "reject with icmpx type port-unreachable\n"),
		   "c refuse");
}
