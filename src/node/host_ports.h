/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Ports of the node that pods ask for (hostPort). Pure. */

#include <stdbool.h>

#include <jansson.h>

/* The pods (whole objects) ask for one and the same. */
bool host_ports_collide(const json_t *pod, const json_t *other);
