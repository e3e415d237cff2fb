/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The kinds by name, for code that is written for one of them (a controller's sources, the zone's
 * inputs). Whoever serves any kind walks kinds[] of object/schema.h instead. Each is defined in
 * object/kinds/.
 */

#include "object/schema.h"

extern const struct kind kind_namespace;
extern const struct kind kind_node;
extern const struct kind kind_pod;
extern const struct kind kind_service;
extern const struct kind kind_endpoints;
extern const struct kind kind_event; /* core/v1 */
extern const struct kind kind_config_map;
extern const struct kind kind_secret;
extern const struct kind kind_service_account;
extern const struct kind kind_stateful_set;
extern const struct kind kind_deployment;
extern const struct kind kind_replica_set;
extern const struct kind kind_controller_revision;
extern const struct kind kind_endpoint_slice;
extern const struct kind kind_lease;
