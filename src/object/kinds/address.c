/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "object/formats.h"

/*
 * Text decides: an address is what inet_pton reads, so there is one spelling rule for all fields. What
 * is refused beyond that would make an endpoint point at the node that asks, or at nothing.
 */

bool address_is_ipv4(const char *text)
{
	struct in_addr address;

	return inet_pton(AF_INET, text, &address) == 1;
}

bool address_is_ipv6(const char *text)
{
	struct in6_addr address;

	return inet_pton(AF_INET6, text, &address) == 1;
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

static const char *unreachable_ipv4(const uint8_t *b)
{
	if (b[0] == 127) {
		return "may not be in the loopback range (127.0.0.0/8, ::1/128)";
	}
	if (b[0] == 169 && b[1] == 254) {
		return "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
	}
	if (b[0] == 224 && b[1] == 0 && b[2] == 0) {
		return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
	}
	return NULL;
}

static const char *unreachable_ipv6(const struct in6_addr *address)
{
	if (IN6_IS_ADDR_V4MAPPED(address)) {
		return unreachable_ipv4(address->s6_addr + 12);
	}
	if (IN6_IS_ADDR_LOOPBACK(address)) {
		return "may not be in the loopback range (127.0.0.0/8, ::1/128)";
	}
	if (IN6_IS_ADDR_LINKLOCAL(address)) {
		return "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
	}
	if (IN6_IS_ADDR_MC_LINKLOCAL(address)) {
		return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
	}
	return NULL;
}

void address_check_reachable(const json_t *address, const char *path, struct field_errors *errors)
{
	const char *text = json_string_value(address);
	const char *problem = NULL;
	struct in_addr v4;
	struct in6_addr v6;
	bool unspecified = false;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		unspecified = v4.s_addr == INADDR_ANY;
		problem = unreachable_ipv4((const uint8_t *)&v4);
	} else if (inet_pton(AF_INET6, text, &v6) == 1) {
		unspecified = IN6_IS_ADDR_UNSPECIFIED(&v6);
		problem = unreachable_ipv6(&v6);
	}
	if (unspecified) {
		_cleanup_free_ char *detail = mem_printf("may not be unspecified (%s)", text);

		field_errors_add(errors, FIELD_ERROR_INVALID, path, address, detail);
	} else if (problem != NULL) {
		field_errors_add(errors, FIELD_ERROR_INVALID, path, address, problem);
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
