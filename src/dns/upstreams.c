/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of upstreams: as options spell them, and as resolv.conf(5) does. */
#include "dns/upstreams.h"

#include <stdio.h>

#include "base/mem.h"
#include "zone/address.h"

bool upstream_parse(struct str text, char ret[UPSTREAM_TEXT])
{
	struct str host = text;
	struct ip address;
	char spelled[IP_TEXT];
	uint64_t port = 53;

	if (text.n != 0 && text.p[0] == '[') {
		struct str rest = str_skip(text, 1);

		host = str_cut(&rest, ']');
		if (rest.p == NULL ||
		    (rest.n != 0 &&
		     (rest.p[0] != ':' || !str_to_u64(str_skip(rest, 1), UINT16_MAX, &port)))) {
			return false;
		}
	} else if (!ip_parse(text, &address)) {
		struct str rest = text;

		host = str_cut(&rest, ':');
		if (rest.p == NULL || !str_to_u64(rest, UINT16_MAX, &port)) {
			return false;
		}
	}
	if (port == 0 || !ip_parse(host, &address)) {
		return false;
	}
	ip_text(&address, spelled);
	snprintf(ret, UPSTREAM_TEXT, "%s@%u", spelled, (unsigned)port);
	return true;
}

/* Whether an upstream at `address`, port 53, is this server. */
static bool is_own(const struct ip *address, const char *const *own, size_t n_own)
{
	bool loopback = address->n == 4 ? address->bytes[0] == 127
					: memcmp(address->bytes, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1",
						 16) == 0;

	for (size_t i = 0; i < n_own; i++) {
		const char *colon = strrchr(own[i], ':');
		struct str host = { .p = own[i],
				    .n = colon != NULL ? (size_t)(colon - own[i]) : 0 };
		static const uint8_t zero[16];
		struct ip listen;

		if (colon == NULL || !str_is(str_from(colon + 1), "53")) {
			continue;
		}
		if (host.n >= 2 && host.p[0] == '[') {
			host = (struct str){ .p = host.p + 1, .n = host.n - 2 };
		}
		if (ip_parse(host, &listen) && listen.n == address->n &&
		    (memcmp(listen.bytes, address->bytes, listen.n) == 0 ||
		     (loopback && memcmp(listen.bytes, zero, listen.n) == 0))) {
			return true;
		}
	}
	return false;
}

/* The next word of *rest, cut off. */
static struct str cut_word(struct str *rest)
{
	struct str word;

	*rest = str_trim(*rest);
	word = (struct str){ .p = rest->p, .n = 0 };
	while (word.n < rest->n && rest->p[word.n] != ' ' && rest->p[word.n] != '\t') {
		word.n++;
	}
	*rest = str_skip(*rest, word.n);
	return word;
}

size_t dns_resolv_conf(const char *text, size_t n, const char *const *own, size_t n_own,
		       char *ret_upstreams[DNS_RESOLVER_UPSTREAMS])
{
	struct str rest = { .p = text, .n = n };
	size_t found = 0;

	while (rest.n != 0 && found < DNS_RESOLVER_UPSTREAMS) {
		struct str line = str_cut(&rest, '\n');
		struct str word = cut_word(&line);
		struct str value = cut_word(&line);
		struct ip address;

		if (str_is(word, "nameserver") && ip_parse(value, &address) &&
		    !is_own(&address, own, n_own)) {
			ret_upstreams[found++] = str_dup(value);
		}
	}
	return found;
}
