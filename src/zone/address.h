/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The two ways a name can spell an address (base/ip.h): the dashed label of an endpoint or pod, and
 * the labels below in-addr.arpa and ip6.arpa; and networks whose text may have bits behind the
 * prefix. Pure; any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"
#include "zone/name.h"

enum { ADDRESS_LABEL = 63 };

/*
 * The label of an endpoint without a hostname: `text` with dots and colons as dashes, and a final 0
 * where it would end in a dash ("2001:db8::" is "2001-db8--0"). Returns its length, 0 when too
 * long.
 */
size_t address_dashed(struct str text, char ret_label[ADDRESS_LABEL]);

/* The reverse of that, as the pod names use it: three single dashes are IPv4, else IPv6. */
bool address_from_dashed(struct str label, struct ip *ret);

/* A network: the address, with bits behind `bits` zero. */
struct network {
	struct ip address;
	uint8_t bits;
};

/* "10.96.0.0/16"; returns whether all of `text` is one. Bits behind the prefix are cleared. */
bool network_parse(struct str text, struct network *ret);

bool network_holds(const struct network *network, const struct ip *address);

/*
 * What the labels left of in-addr.arpa or ip6.arpa say: `nibbles` of an address from its high end
 * (2 for each IPv4 label; 8 or 32 are a whole one), and how many labels are left that say nothing.
 * Returns false for names that are not below either domain.
 */
struct reverse_name {
	struct ip address; /* bits behind the nibbles are zero */
	uint8_t nibbles;
	uint8_t rest;
};
/* The other way: the whole name of an address, in wire format. Returns its length. */
enum { ADDRESS_REVERSE = 2 * 32 + 10 };
size_t address_reverse_name(const struct ip *address, uint8_t ret_name[ADDRESS_REVERSE]);

bool reverse_name_read(const struct name *name, struct reverse_name *ret);
