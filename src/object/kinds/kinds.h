/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The kinds that are served; kinds.c has them in the order of discovery. */

#include "object/schema.h"

extern const struct kind kind_config_map;
extern const struct kind kind_endpoints;
extern const struct kind kind_event;
extern const struct kind kind_namespace;
extern const struct kind kind_node;
extern const struct kind kind_pod;
extern const struct kind kind_secret;
extern const struct kind kind_service;
extern const struct kind kind_service_account;
extern const struct kind kind_controller_revision;
extern const struct kind kind_deployment;
extern const struct kind kind_replica_set;
extern const struct kind kind_stateful_set;
extern const struct kind kind_lease;
extern const struct kind kind_endpoint_slice;
