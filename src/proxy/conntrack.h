/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The connections that the kernel tracks (netlink, ctnetlink). What is here waits for the kernel
 * alone, some milliseconds for some ten thousand connections.
 */

#include <stdbool.h>
#include <stddef.h>

struct udp_flow;

/*
 * Makes the kernel forget the UDP flows that `is_stale` says. Returns 0 and their number, or a
 * negative errno.
 */
int conntrack_forget_udp(bool (*is_stale)(void *userdata, const struct udp_flow *flow),
			 void *userdata, size_t *ret_n);
