/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Switches of the kernel's network code that Services depend on. Blocks for small files. */

#include <stdbool.h>

/*
 * Turns on forwarding, and lets the kernel's tracking see what bridges carry; `v6`: for that
 * family, too. What stands right already is not touched. Warns of each switch that could not be
 * set. *ret_bridges: tracking sees what bridges carry.
 */
void sysctl_prepare(bool v6, bool *ret_bridges);
