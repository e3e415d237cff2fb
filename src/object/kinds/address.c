/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/address.h"

#include <string.h>

#include "base/ip.h"
#include "base/mem.h"
#include "base/str.h"
#include "object/formats.h"

/*
 * What is refused beyond spelling would make an endpoint point at the node that asks, or at
 * nothing.
 */

static bool is_of_family(const char *text, uint8_t n)
{
	struct ip ip;

	return ip_parse(str_from(text), &ip) && ip.n == n;
}

bool address_is_ipv4(const char *text)
{
	return is_of_family(text, 4);
}

bool address_is_ipv6(const char *text)
{
	return is_of_family(text, 16);
}

void address_check_family(const json_t *address, bool ipv6, const char *path,
			  struct field_errors *errors)
{
	const char *text = json_string_value(address);

	if (ipv6 && !address_is_ipv6(text)) {
		field_errors_add(errors, FIELD_ERROR_INVALID, path, address,
				 "must be a valid IPv6 address");
	} else if (!ipv6 && !address_is_ipv4(text)) {
		field_errors_add(errors, FIELD_ERROR_INVALID, path, address,
				 "must be a valid IPv4 address");
	}
}

/* Ranges in which no endpoint lives; an IPv4 address in IPv6 dress counts as what it is. */
static const struct range {
	const char *network;
	const char *detail;
} ranges[] = {
#define LOOPBACK "may not be in the loopback range (127.0.0.0/8, ::1/128)"
#define LINK_LOCAL "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
#define LINK_MULTICAST "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
	{ "127.0.0.0/8", LOOPBACK },
	{ "::ffff:127.0.0.0/104", LOOPBACK },
	{ "::1/128", LOOPBACK },
	{ "169.254.0.0/16", LINK_LOCAL },
	{ "::ffff:169.254.0.0/112", LINK_LOCAL },
	{ "fe80::/10", LINK_LOCAL },
	{ "224.0.0.0/24", LINK_MULTICAST },
	{ "::ffff:224.0.0.0/120", LINK_MULTICAST },
	{ "ff02::/16", LINK_MULTICAST },
};

static bool is_unspecified(const struct ip *ip)
{
	static const uint8_t zero[16];

	return memcmp(ip->bytes, zero, ip->n) == 0;
}

void address_check_reachable(const json_t *address, const char *path, struct field_errors *errors)
{
	struct str text = str_from(json_string_value(address));
	struct ip_network network;
	struct ip ip;

	if (!ip_parse(text, &ip)) {
		return; /* the format says so */
	}
	if (is_unspecified(&ip)) {
		_cleanup_free_ char *detail =
			mem_printf("may not be unspecified (%.*s)", STR_ARG(text));

		field_errors_add(errors, FIELD_ERROR_INVALID, path, address, detail);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (ip_network_parse(str_from(ranges[i].network), &network) &&
		    ip_network_holds(&network, &ip)) {
			field_errors_add(errors, FIELD_ERROR_INVALID, path, address,
					 ranges[i].detail);
			return;
		}
	}
}

void address_check_fqdn(const json_t *address, const char *path, struct field_errors *errors)
{
	struct str name = str_from(json_string_value(address));
	_cleanup_problems_ struct format_problems problems = { 0 };

	if (str_ends(name, STR("."))) {
		name.n--;
	}
	_cleanup_free_ char *text = str_dup(name);

	if (!format_check_text(FORMAT_DNS_SUBDOMAIN, text, &problems)) {
		for (size_t i = 0; i < problems.n; i++) {
			field_errors_add(errors, FIELD_ERROR_INVALID, path, address,
					 problems.items[i]);
		}
	} else if (strchr(text, '.') == NULL) {
		field_errors_add(errors, FIELD_ERROR_INVALID, path, address,
				 "should be a domain with at least two segments separated by dots");
	}
}
