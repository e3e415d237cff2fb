/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Links, addresses and routes of this machine (rtnetlink(7)). Each call asks the kernel and waits
 * for its answer, which comes at once. Changing anything needs CAP_NET_ADMIN. Any thread.
 *
 * All return 0 or a negative errno.
 */

#include <stdint.h>

#include "base/ip.h"

/*
 * Sees to it that there is a dummy link of that name (at most 15 bytes), and that it is up.
 * -EOPNOTSUPP: the kernel has no such links.
 */
int rtnetlink_dummy(const char *name);

/* Removes a link; one that is not there is fine. */
int rtnetlink_link_remove(const char *name);

/* Sees to it that the link has this address, for itself alone (/32, /128). -ENODEV: no such link */
int rtnetlink_address(const char *name, const struct ip *ip);

/* Takes it away; one that is not there is fine. */
int rtnetlink_address_remove(const char *name, const struct ip *ip);

/* To a network by way of a neighbour. */
struct rtnetlink_route {
	struct ip_network to;
	struct ip via;
};

/*
 * Makes a route, in place of any other to the same network. `protocol` says whose it is: a number
 * above RTPROT_STATIC that nobody else uses.
 */
int rtnetlink_route_set(const struct rtnetlink_route *route, uint8_t protocol);

/* Removes it; one that is not there is fine. */
int rtnetlink_route_remove(const struct rtnetlink_route *route, uint8_t protocol);

/* Tells every route of `protocol` in the main table. */
int rtnetlink_routes(uint8_t protocol,
		     void (*found)(void *userdata, const struct rtnetlink_route *route),
		     void *userdata);
