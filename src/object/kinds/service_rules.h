/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What holds for a Service beyond its rows. Addresses and node ports are given out elsewhere; here
 * is what may be asked for, and what an update keeps.
 */

#include <jansson.h>

#include "object/field_errors.h"

void service_complete(json_t *service);
void service_port_complete(json_t *port);
void service_create(json_t *service);
void service_update(json_t *service, const json_t *old);
void service_check(const json_t *service, struct field_errors *errors);
void service_check_update(const json_t *service, const json_t *old, struct field_errors *errors);
