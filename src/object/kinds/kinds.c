/* SPDX-License-Identifier: Apache-2.0 */

/*
 * All kinds, grouped by group version, in the order in which discovery lists them (kubectl resolves a
 * bare resource name in this order too: the core group first).
 */

#include "object/kinds.h"

#include "base/mem.h"

const struct kind *const kinds[] = {
	&kind_config_map,
	&kind_endpoints,
	&kind_event,
	&kind_namespace,
	&kind_node,
	&kind_pod,
	&kind_secret,
	&kind_service,
	&kind_service_account,
	&kind_controller_revision,
	&kind_deployment,
	&kind_replica_set,
	&kind_stateful_set,
	&kind_lease,
	&kind_endpoint_slice,
};

const size_t n_kinds = ARRAY_SIZE(kinds);
