/* SPDX-License-Identifier: Apache-2.0 */
/* The spellings of addresses in names. */
#include "zone/address.h"

#include <stdio.h>
#include <string.h>

size_t address_dashed(struct str text, char ret_label[ADDRESS_LABEL])
{
	if (text.n == 0 || text.n >= ADDRESS_LABEL) {
		return 0;
	}
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		ret_label[i] = c == '.' || c == ':'   ? '-'
			       : c >= 'A' && c <= 'Z' ? (char)(c | 0x20)
						      : c;
	}
	if (ret_label[text.n - 1] == '-') {
		ret_label[text.n] = '0';
		return text.n + 1;
	}
	return text.n;
}

bool address_from_dashed(struct str label, struct ip *ret)
{
	char text[IP_TEXT];
	size_t dashes = 0;
	bool doubled = false;

	if (label.n == 0 || label.n >= sizeof(text)) {
		return false;
	}
	for (size_t i = 0; i < label.n; i++) {
		dashes += label.p[i] == '-';
		doubled |= i != 0 && label.p[i] == '-' && label.p[i - 1] == '-';
	}
	for (size_t i = 0; i < label.n; i++) {
		char c = label.p[i];

		/* A dot or colon of its own would make one address have many names. */
		if (c == '.' || c == ':') {
			return false;
		}
		text[i] = c != '-' ? c : dashes == 3 && !doubled ? '.' : ':';
	}
	return ip_parse((struct str){ .p = text, .n = label.n }, ret);
}

static void clear_behind(struct ip *address, unsigned bits)
{
	for (unsigned i = 0; i < address->n; i++) {
		if (bits >= 8) {
			bits -= 8;
		} else {
			address->bytes[i] &= (uint8_t)(0xff00 >> bits);
			bits = 0;
		}
	}
}

bool network_parse(struct str text, struct network *ret)
{
	struct str rest = text;
	struct str address = str_cut(&rest, '/');
	struct network network;
	uint64_t bits;

	if (rest.p == NULL || !ip_parse(address, &network.address) ||
	    !str_to_u64(rest, (uint64_t)network.address.n * 8, &bits)) {
		return false;
	}
	network.bits = (uint8_t)bits;
	clear_behind(&network.address, network.bits);
	*ret = network;
	return true;
}

bool network_holds(const struct network *network, const struct ip *address)
{
	struct ip masked = *address;

	clear_behind(&masked, network->bits);
	return masked.n == network->address.n &&
	       memcmp(masked.bytes, network->address.bytes, masked.n) == 0;
}

/* A decimal octet as in-addr.arpa spells it: no leading zeros. */
static bool read_octet(struct str label, uint8_t *ret)
{
	uint64_t value;

	if ((label.n > 1 && label.p[0] == '0') || !str_to_u64(label, 255, &value)) {
		return false;
	}
	*ret = (uint8_t)value;
	return true;
}

static bool read_nibble(struct str label, uint8_t *ret)
{
	char c = label.n == 1 ? label.p[0] : '\0';

	if (c >= '0' && c <= '9') {
		*ret = (uint8_t)(c - '0');
	} else if (c >= 'a' && c <= 'f') {
		*ret = (uint8_t)(c - 'a' + 10);
	} else {
		return false;
	}
	return true;
}

bool reverse_name_read(const struct name *name, struct reverse_name *ret)
{
	struct reverse_name reverse = { 0 };
	size_t left = name->n_labels;
	uint8_t value;

	if (left < 2 || !str_is(name_label(name, left - 1), "arpa")) {
		return false;
	}
	left -= 2;
	if (str_is(name_label(name, left), "in-addr")) {
		reverse.address.n = 4;
		while (left != 0 && reverse.nibbles < 8 &&
		       read_octet(name_label(name, left - 1), &value)) {
			reverse.address.bytes[reverse.nibbles / 2] = value;
			reverse.nibbles += 2;
			left--;
		}
	} else if (str_is(name_label(name, left), "ip6")) {
		reverse.address.n = 16;
		while (left != 0 && reverse.nibbles < 32 &&
		       read_nibble(name_label(name, left - 1), &value)) {
			reverse.address.bytes[reverse.nibbles / 2] |=
				(uint8_t)(reverse.nibbles % 2 == 0 ? value << 4 : value);
			reverse.nibbles++;
			left--;
		}
	} else {
		return false;
	}
	reverse.rest = (uint8_t)left;
	*ret = reverse;
	return true;
}

size_t address_reverse_name(const struct ip *address, uint8_t ret_name[ADDRESS_REVERSE])
{
	static const char digits[] = "0123456789abcdef";
	bool is_four = address->n == 4;
	const char *tail = is_four ? "\7in-addr\4arpa" : "\3ip6\4arpa";
	size_t n = 0;

	for (size_t i = address->n; i-- > 0;) {
		uint8_t byte = address->bytes[i];

		if (is_four) {
			n += (size_t)snprintf((char *)ret_name + n, 5, "%c%u",
					      byte > 99  ? 3
					      : byte > 9 ? 2
							 : 1,
					      byte);
			continue;
		}
		ret_name[n++] = 1;
		ret_name[n++] = (uint8_t)digits[byte & 15];
		ret_name[n++] = 1;
		ret_name[n++] = (uint8_t)digits[byte >> 4];
	}
	memcpy(ret_name + n, tail, strlen(tail) + 1);
	return n + strlen(tail) + 1;
}
