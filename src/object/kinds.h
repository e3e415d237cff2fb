/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The kinds that are served, each defined in object/kinds/ as `const struct kind kind_NAME`. By
 * name they are for code that is written for one of them (a controller's sources, the zone's
 * inputs); whoever serves any kind walks kinds[] of object/schema.h instead.
 */

#include "object/schema.h"

/*
 * Grouped by group version, in the order in which discovery lists them: kubectl resolves a bare
 * resource name in this order too, the core group first.
 */
#define KINDS(KIND)                                                                                \
	KIND(config_map)                                                                           \
	KIND(endpoints)                                                                            \
	KIND(event) /* core/v1 */                                                                  \
	KIND(namespace)                                                                            \
	KIND(node)                                                                                 \
	KIND(persistent_volume_claim)                                                              \
	KIND(persistent_volume)                                                                    \
	KIND(pod)                                                                                  \
	KIND(secret)                                                                               \
	KIND(service)                                                                              \
	KIND(service_account)                                                                      \
	KIND(controller_revision)                                                                  \
	KIND(deployment)                                                                           \
	KIND(replica_set)                                                                          \
	KIND(stateful_set)                                                                         \
	KIND(certificate_signing_request)                                                          \
	KIND(lease)                                                                                \
	KIND(endpoint_slice)                                                                       \
	KIND(storage_class)                                                                        \
	KIND(service_import)

#define KIND_DECLARED(name) extern const struct kind kind_##name;
KINDS(KIND_DECLARED)
#undef KIND_DECLARED
